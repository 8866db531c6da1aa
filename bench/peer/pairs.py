"""The peer as a process that scores pairs of videos and texts as the published evaluation does: a
command a line on stdin, a JSON line on stdout for each. bench/pairs.c is its counterpart.

    setup   {"preset": "tiny", "frames": 5, "size_img": 224, "size_txt": 25, "videos": 100,
             "lengths": [11, 8, ...], "threads": 2, "seed": 0}
              lengths: positions of each text, [CLS] and [SEP] among them
    encode  {"first": 0, "n": 4}: those videos, together; with the first of them all texts
    repeat  {"n": 4}: the others become copies of the first n videos, which cost as much to score
    score   {"video": [0, ...], "text": [5, ...]}: those pairs, all in one batch

Encoded videos and texts are kept, an array each, as the published program keeps them; a pair's two
are put into a batch, and the cross-modal encoder runs over every pair in full, padding included,
and gives out the attention of every layer. Without gradient. Run it by bench/peer/run.
"""
import time

import numpy as np
import torch

from serve import answer_lines
from violet_torch import CLS, SEP, Violet, hash_initialise, hash_stream, preset


def draw(name, seed, count, least, limit):
    z = hash_stream(name, seed, 0, count) >> np.uint64(16)
    return (least + z % np.uint64(limit - least)).astype(np.int64)


def draw_texts(lengths, size, vocab, seed):
    words = iter(draw("bench.text", seed, sum(lengths), CLS + 3, vocab))
    text = torch.zeros(len(lengths), size, dtype=torch.long)
    for row, n in zip(text, lengths):
        row[0], row[n - 1] = CLS, SEP
        for i in range(1, n - 1):
            row[i] = int(next(words))
    return text


class Peer:
    def __init__(self):
        self.model = None

    def setup(self, given):
        want = dict(preset="violet1", frames=5, size_img=224, size_txt=25, videos=100, lengths=None,
                    threads=2, seed=0)
        unknown = sorted(set(given) - set(want))
        if unknown:
            raise ValueError(f"setup does not know {', '.join(unknown)}")
        want.update(given)
        config = want["preset"]
        config = preset(config) if isinstance(config, str) else config
        self.want, self.model = want, None
        torch.set_num_threads(want["threads"])
        self.model = hash_initialise(Violet(config, pretraining=False), want["seed"]).eval()
        self.text = draw_texts(want["lengths"], want["size_txt"], config["size_vocab"],
                               want["seed"])
        self.feature_image = [None] * want["videos"]
        self.feature_text = None
        return dict(parameters=sum(p.numel() for p in self.model.parameters()),
                    threads=torch.get_num_threads(), torch=torch.__version__,
                    isa=torch.backends.cpu.get_cpu_capability())

    def frames(self, video):
        want = self.want
        shape = (want["frames"], 3, want["size_img"], want["size_img"])
        pixels = draw(f"bench.image.{video}", want["seed"], int(np.prod(shape)), 0, 256)
        return torch.from_numpy(pixels.astype(np.float32) / 255.0).view(shape)

    def encode(self, given):
        first, n = given["first"], given["n"]
        image = torch.stack([self.frames(v) for v in range(first, first + n)])
        clock = [time.perf_counter()]
        with torch.no_grad():
            feature = self.model.enc_img(image).numpy()
            clock.append(time.perf_counter())
            if first == 0:
                self.feature_text = list(self.model.enc_txt(self.text).numpy())
            clock.append(time.perf_counter())
        self.feature_image[first:first + n] = list(feature)
        return dict(seconds=clock[2] - clock[0],
                    parts=dict(videos=clock[1] - clock[0], texts=clock[2] - clock[1]))

    def repeat(self, given):
        n = given["n"]
        for i in range(n, len(self.feature_image)):
            self.feature_image[i] = self.feature_image[i % n].copy()
        return {}

    def score(self, given):
        start, cpu = time.perf_counter(), time.process_time()
        mask = (self.text != 0).long()
        image = torch.stack([torch.from_numpy(self.feature_image[v]) for v in given["video"]])
        text = torch.stack([torch.from_numpy(self.feature_text[c]) for c in given["text"]])
        mask = torch.stack([mask[c] for c in given["text"]])
        with torch.no_grad():
            x, _weights = self.model.cross(image, text, mask)
            score = self.model.fc(x[:, image.shape[1]]).squeeze(-1).tolist()
        return dict(seconds=time.perf_counter() - start, cpu=time.process_time() - cpu, score=score)


def main():
    peer = Peer()
    answer_lines(dict(setup=peer.setup, encode=peer.encode, repeat=peer.repeat,
                      score=peer.score))


if __name__ == "__main__":
    main()
