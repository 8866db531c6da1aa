"""Other programs' extraction as a process to measure: a command a line on stdin, a JSON line on
stdout for each; the counterpart of bench/media.c, which explains the commands. One thread.

    frames    {"clips": [path, ...], "sample": 5, "jpeg": true}: what the published tool does, with
              PyAV: all streams demuxed and decoded, every frame to a PIL picture, all kept, the
              wanted ones as base64 JPEGs.
              "jpeg": false: RGB arrays from decord's get_batch
    pictures  {"files": [X.tsv, ...]}
    square    {"size": 224}: PIL: open, convert, pad, resize

Whole program, as the published tool is used: media.py FOLDER X.pkl
"""
import base64
import io
import json
import os
import pickle
import sys
import time
from pathlib import Path

import av
import decord
import numpy
from PIL import Image


def frame_index(count, sample):
    return [int(count / (sample + 1) * (i + 1)) for i in range(sample)]


def frames_by_pyav(path, sample):
    """(number of frames, their numbers, base64 JPEGs)"""
    with av.open(path) as container:
        container.streams.video[0].codec_context.thread_count = 1
        pictures = [frame.to_image() for packet in container.demux() for frame in packet.decode()
                    if isinstance(frame, av.VideoFrame)]
    index, texts = frame_index(len(pictures), sample), []
    for i in index:
        jpeg = io.BytesIO()
        pictures[i].save(jpeg, format="JPEG", quality=75)
        texts.append(base64.b64encode(jpeg.getvalue()).decode())
    return len(pictures), index, texts


def frames_by_decord(path, sample):
    reader = decord.VideoReader(path, ctx=decord.cpu(0), num_threads=1)
    index = frame_index(len(reader), sample)
    return len(reader), index, reader.get_batch(index).asnumpy()


def square(jpeg, size):
    picture = Image.open(io.BytesIO(jpeg)).convert("RGB")
    width, height = picture.size
    x, y = max(height - width, 0) // 2, max(width - height, 0) // 2
    padded = Image.new("RGB", (width + 2 * x, height + 2 * y))
    padded.paste(picture, (x, y))
    return padded.resize((size, size), Image.Resampling.BILINEAR)


def look(pixels):
    """Means of 4 x 4 parts and 3 channels of a picture (h, w, 3)."""
    h, w = pixels.shape[:2]
    return [float(pixels[y * h // 4:(y + 1) * h // 4, x * w // 4:(x + 1) * w // 4, c].mean())
            for y in range(4) for x in range(4) for c in range(3)]


class Peer:
    def __init__(self):
        self.jpegs = []

    def frames(self, given):
        jpeg, sample, clips, seen = given["jpeg"], given["sample"], [], []
        start, cpu = time.perf_counter(), time.process_time()
        for path in given["clips"]:
            clip_start, clip_cpu = time.perf_counter(), time.process_time()
            count, index, frames = (frames_by_pyav if jpeg else frames_by_decord)(path, sample)
            clips.append(dict(frames=count, index=index, seconds=time.perf_counter() - clip_start,
                              cpu=time.process_time() - clip_cpu))
            if given.get("show"):
                seen += [look(pixels_of(text) if jpeg else text) for text in frames]
        answer = dict(seconds=time.perf_counter() - start, cpu=time.process_time() - cpu,
                      clips=clips)
        return dict(answer, seen=seen) if given.get("show") else answer

    def pictures(self, given):
        self.jpegs = []
        for path in given["files"]:
            with open(path) as f:
                self.jpegs += [base64.b64decode(text) for line in f
                               for text in line.rstrip("\n").split("\t")[1:]]
        return dict(pictures=len(self.jpegs))

    def square(self, given):
        seen = []
        start, cpu = time.perf_counter(), time.process_time()
        for jpeg in self.jpegs:
            picture = square(jpeg, given["size"])
            if given.get("show"):
                planes = numpy.asarray(picture).transpose(2, 0, 1).ravel().astype(numpy.int64)
                seen.append(int((planes * (numpy.arange(len(planes)) % 251 + 1)).sum()))
        return dict(seconds=time.perf_counter() - start, cpu=time.process_time() - cpu, seen=seen)

    def versions(self, _given):
        return {"PyAV": av.__version__, "decord": decord.__version__, "PIL": Image.__version__}


def pixels_of(text):
    return numpy.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB"))


def whole_program(folder, out):
    paths = sorted(p for p in Path(folder).iterdir() if p.is_file())
    found = {p.stem: frames_by_pyav(str(p), 5)[2] for p in paths}
    with open(out, "wb") as f:
        pickle.dump(found, f)


def main():
    if len(sys.argv) == 3:
        return whole_program(*sys.argv[1:])
    # Answers keep stdout to themselves: whatever else prints goes to stderr.
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    peer = Peer()
    commands = dict(frames=peer.frames, pictures=peer.pictures, square=peer.square,
                    versions=peer.versions)
    for line in sys.stdin:
        name, _, given = line.strip().partition(" ")
        if name == "quit":
            break
        if not name:
            continue
        start, cpu = time.perf_counter(), time.process_time()
        try:
            if name not in commands:
                raise ValueError(f"commands are {', '.join(commands)}, quit")
            answer = commands[name](json.loads(given) if given else {})
        except Exception as problem:            # the driver reads it; the process goes on
            answer = dict(error=f"{type(problem).__name__}: {problem}")
        answer.setdefault("seconds", time.perf_counter() - start)
        answer.setdefault("cpu", time.process_time() - cpu)
        out.write(json.dumps(dict(command=name, **answer)) + "\n")


if __name__ == "__main__":
    main()
