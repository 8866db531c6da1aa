"""Times our extraction and other programs' in turns on one machine; run it by script/bench extract.

First all must give the same: number of frames, frames taken and what they show; pictures bit by
bit. Only then are they timed, one thread each. The table goes to stdout and to OUT/extract.md, all
answers to OUT/extract.json.
"""
import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from server import Failure, Others, Server, wait_policy
from table import machine_lines, measure_peak, positive, say, table

HERE = Path(__file__).resolve().parent
SAMPLE = 5
LEVELS_APART = 2.0      # of the means of 16 parts: other decoders' colours differ by a rounding
MIB = 2**20

# What is compared: row -> (title, the most that ours may be of theirs, command, given to ours, to
# theirs). Both answer with seconds and cpu.
ROWS = {
    "exact": ("frames, exact, to JPEG: PyAV, every frame to PIL", 0.25, "frames",
              dict(fast=False, jpeg=True), dict(jpeg=True)),
    "fast": ("frames, --fast, to RGB: decord", 1.0, "frames",
             dict(fast=True, jpeg=False), dict(jpeg=False)),
    "square": ("JPEG decode + pad + resize to 224: PIL", 0.5, "square", dict(size=224),
               dict(size=224)),
}


# ---- what to measure on --------------------------------------------------------------------------

def make_clip(ours, path, frames, **given):
    if not path.exists():
        say(f"making {path.name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        ours.ask("make", path=str(path), frames=frames, **given)
    return path


def find_clips(options, ours):
    if options.clips.is_dir():
        clips = sorted(p for p in options.clips.iterdir() if p.suffix in (".mp4", ".mkv", ".webm"))
        if not clips:
            raise Failure(f"no videos in {options.clips}")
        return clips
    sizes = [(320, 240), (480, 272), (240, 320)]
    return [make_clip(ours, options.out / "clips" / f"made-{w}x{h}.mp4", 250 + 50 * i, width=w,
                      height=h) for i, (w, h) in enumerate(sizes)]


def find_pictures(options, folder, work):
    found = [p for p in options.pictures if p.exists()]
    if found:
        return found
    out = Path(work) / "pictures"           # none at hand: the clips' own frames
    whole_ours(options, folder, out, [])
    return [out.with_suffix(".tsv")]


# ---- do they give the same? ----------------------------------------------------------------------

def same_frames(title, ours, theirs):
    for i, (a, b) in enumerate(zip(ours["clips"], theirs["clips"], strict=True)):
        if (a["frames"], a["index"]) != (b["frames"], b["index"]):
            raise Failure(f"{title}: clip {i} has {a['frames']} frames and {a['index']} are taken, "
                          f"theirs {b['frames']} and {b['index']}")
    apart = [max(abs(x - y) for x, y in zip(a, b, strict=True))
             for a, b in zip(ours["seen"], theirs["seen"], strict=True)]
    wrong = [i for i, worst in enumerate(apart) if worst > LEVELS_APART]
    if wrong:
        raise Failure(f"{title}: frames {wrong} do not show the same, {max(apart):.1f} levels "
                      "apart")
    return max(apart)


def check(servers, given):
    apart = {}
    for row, (title, _most, command, to_ours, to_theirs) in ROWS.items():
        say(f"check: {title}")
        ours = servers["ours"].ask(command, **given[row], **to_ours, show=True)
        theirs = servers["peer"].ask(command, **given[row], **to_theirs, show=True)
        if command == "frames":
            apart[row] = same_frames(title, ours, theirs)
        elif ours["seen"] != theirs["seen"]:
            raise Failure(f"{title}: not the same pictures")
    return apart


# ---- measuring -----------------------------------------------------------------------------------

def run_whole(command):
    """Seconds, processor seconds and highest resident memory of a program."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    message = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))}: {message.decode(errors='replace').strip()}")
    return dict(seconds=seconds, cpu=usage.ru_utime + usage.ru_stime, peak=usage.ru_maxrss * 1024)


def whole_ours(options, path, out, more):
    return run_whole([options.violet, "extract-frames", "--path", path, "--sample", str(SAMPLE),
                      "--shape", "stored", "--workers", "1", "--output", out, *more])


def whole_programs(options, clips, work, turn):
    """The commands themselves, start and files included, on a folder of these clips."""
    folder = Path(work) / "clips"
    if not folder.exists():
        folder.mkdir()
        for clip in clips:
            (folder / clip.name).symlink_to(clip.resolve())
    out = lambda name: Path(work) / f"{name}-{turn}"
    return dict(ours=whole_ours(options, folder, out("exact"), []),
                fast=whole_ours(options, folder, out("fast"), ["--fast"]),
                peer=run_whole([HERE / "peer" / "run", "media.py", folder, out("peer.pkl")]))


def take_turns(options, servers, given, clips, work):
    answers = {row: dict(ours=[], peer=[]) for row in ROWS}
    answers["whole"] = dict(ours=[], fast=[], peer=[])
    for turn in range(-options.warm_up, options.pairs):
        if turn == 0:
            others = Others()
        kinds = [(row, who) for row in ROWS for who in ("ours", "peer")]
        for row, who in kinds[::-1] if turn % 2 else kinds:     # a drift favours nobody
            _title, _most, command, to_ours, to_theirs = ROWS[row]
            answer = servers[who].ask(command, **given[row], **(to_ours if who == "ours" else
                                                                to_theirs))
            say(f"{'warm-up' if turn < 0 else turn + 1}: {row}, {who} {answer['seconds']:.3f} s")
            if turn >= 0:
                answers[row][who].append(answer)
        if turn >= 0:
            for who, answer in whole_programs(options, clips, work, turn).items():
                answers["whole"][who].append(answer)
    return answers, others.cores()


def measure_memory(options, servers, work):
    clip = make_clip(servers["ours"], options.out / "twenty-minutes.mp4", 20 * 60 * 25)
    say("memory: a clip of 20 minutes")
    return {mode: whole_ours(options, clip, Path(work) / f"long-{mode}", more)
            for mode, more in (("exact", []), ("fast", ["--fast"]))}


def measure_dvae(options, threads):
    """Frames of 56 x 56 at the published size."""
    say(f"dVAE: encoding, {threads} threads")
    env = dict(os.environ, OMP_WAIT_POLICY=wait_policy(), OMP_NUM_THREADS=str(threads))
    done = subprocess.run([options.dvae, "--threads", str(threads)], capture_output=True,
                          text=True, env=env)
    if done.returncode != 0:
        raise Failure(done.stderr.strip())
    return json.loads(done.stdout)


# ---- the table -----------------------------------------------------------------------------------

def ratio(a, b, key):
    """(a / b of the medians, least and most of the pairs)"""
    pairs = [x[key] / y[key] for x, y in zip(a, b, strict=True)]
    return statistics.median(x[key] for x in a) / statistics.median(y[key] for y in b), \
        min(pairs), max(pairs)


def speed_row(title, ours, peer, n, most):
    wall, cpu = ratio(ours, peer, "seconds"), ratio(ours, peer, "cpu")
    ms = lambda answers, key: f"{statistics.median(a[key] for a in answers) / n * 1e3:.2f}"
    return [title, ms(ours, "seconds"), ms(peer, "seconds"),
            f"{wall[0]:.2f} ({wall[1]:.2f} to {wall[2]:.2f})", ms(ours, "cpu"), ms(peer, "cpu"),
            f"{cpu[0]:.2f}", "" if most is None else f"{most:.2f}"]


def dvae_row(d, peaks):
    """Shares of the highest peak seen; waiting threads spin, so CPU time speaks for one only."""
    peak = max([d["peak_gflops"]] +
               [p["flops"] / 1e9 for p in peaks if p["threads"] == d["threads"]])
    share, cpu = d["gflops"] / peak, ""
    if d["threads"] == 1:
        cpu = f"{100 * share * d['seconds'] / d['cpu_seconds']:.0f} %"
    return [f"{d['side']} x {d['side']}, n_hid {d['n_hid']}, {d['n_code']} codes, threads: "
            f"{d['threads']}", f"{d['frames_per_second']:.1f}", f"{d['gflops']:.1f}",
            f"{100 * share:.0f} %", cpu, "60 %"]


def report(options, found):
    n_clips, n_pictures = len(found["clips"]), found["n_pictures"]
    answers, memory, versions = found["answers"], found["memory"], found["versions"]
    rows = [speed_row(f"{title}, ms a {'clip' if command == 'frames' else 'picture'}",
                      answers[row]["ours"], answers[row]["peer"],
                      n_clips if command == "frames" else n_pictures, most)
            for row, (title, most, command, *_) in ROWS.items()]
    whole = answers["whole"]
    rows += [speed_row("whole program, exact: PyAV's, ms a clip", whole["ours"], whole["peer"],
                       n_clips, None),
             speed_row("whole program, --fast: PyAV's, ms a clip", whole["fast"], whole["peer"],
                       n_clips, None)]
    lines = ["# Extraction: " + ", ".join(f"{k} {versions[k]}" for k in ("PyAV", "decord", "PIL")),
             ""]
    lines += table(["", "ours ms", "theirs ms", "ours / theirs (pairs)", "ours CPU ms",
                    "theirs CPU ms", "CPU ratio", "at most"], rows)
    frames = sum(c["frames"] for c in answers["exact"]["ours"][0]["clips"])
    decode = statistics.median(a["parts"]["decode"] for a in answers["square"]["ours"])
    lines += [f"{n_clips} clips with {frames} frames, {SAMPLE} taken of each; {n_pictures} "
              f"pictures (of ours, {decode / n_pictures * 1e3:.2f} ms are libjpeg's). One thread "
              f"each. Medians of {options.pairs} turns; in brackets the least and most of a pair. "
              "The same frames, at most "
              f"{max(found['apart'].values()):.1f} levels apart in the means of their parts; the "
              "same pictures, bit by bit.", ""]
    peak = lambda answers: f"{max(a['peak'] for a in answers) / MIB:.0f}"
    lines += table(["peak memory, MiB", "extract-frames", "--fast", "PyAV's", "at most"],
                   [["these clips", peak(whole["ours"]), peak(whole["fast"]), peak(whole["peer"]),
                     ""],
                    ["a clip of 20 minutes", peak([memory["exact"]]), peak([memory["fast"]]), "",
                     "143 (150 MB)"]])
    lines += table(["dVAE encoding", "frames/s", "GFLOP/s", "of the peak", "by CPU time",
                    "at least"], [dvae_row(d, found["peaks"]) for d in found["dvae"]])
    return lines + machine_lines(found["peaks"], found["load"], [found["others"]])


# ---- all of it -----------------------------------------------------------------------------------

def measure(options, work):
    load, peaks, servers = os.getloadavg(), [measure_peak(options.media, options.threads)], {}
    try:
        servers["ours"] = Server("ours", [options.media], 1)
        servers["ours"].ask("memory")           # from its first answer on a server can be stopped
        servers["peer"] = Server("peer", [str(HERE / "peer" / "run"), "media.py"], 1)
        versions = servers["peer"].ask("versions")
        clips = find_clips(options, servers["ours"])
        pictures = find_pictures(options, clips[0].parent, work)
        each = dict(clips=[str(p) for p in clips], sample=SAMPLE)
        given = dict(exact=each, fast=each, square={})
        n = {who: server.ask("pictures", files=[str(p) for p in pictures])["pictures"]
             for who, server in servers.items()}
        if n["ours"] != n["peer"]:
            raise Failure(f"not the same pictures: {n['ours']} and {n['peer']}")
        apart = check(servers, given)
        memory = measure_memory(options, servers, work)
        answers, others = take_turns(options, servers, given, clips, work)
    finally:
        for server in servers.values():
            server.close()
    dvae = [measure_dvae(options, n) for n in sorted({1, options.threads})]
    peaks.append(measure_peak(options.media, options.threads))
    return dict(clips=[p.name for p in clips], n_pictures=n["ours"], versions=versions,
                apart=apart, memory=memory, answers=answers, dvae=dvae, others=others, peaks=peaks,
                load=(load, os.getloadavg()))


def read_options():
    shared = HERE.parent.parent / "shared" / "data"
    parser = argparse.ArgumentParser(prog="script/bench extract",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("--clips", type=Path, default=shared / "msrvtt",
                        help="folder of videos (../shared/data/msrvtt; made where absent)")
    parser.add_argument("--pictures", type=Path, nargs="+",
                        default=[shared / "img_cc3m_val.tsv", shared / "msrvtt.tsv"],
                        help=".tsv files (../shared/data; the clips' frames where absent)")
    parser.add_argument("--pairs", type=positive, default=7, help="timed turns of each (7)")
    parser.add_argument("--warm-up", type=positive, default=1, help="turns before, not counted (1)")
    parser.add_argument("--threads", type=positive, default=len(os.sched_getaffinity(0)),
                        help="of the dVAE; all else is measured on one core")
    parser.add_argument("--dvae", default="build/release/bench/dvae", help=argparse.SUPPRESS)
    parser.add_argument("--media", default="build/release/bench/media", help=argparse.SUPPRESS)
    parser.add_argument("--violet", default="build/release/violet", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="folder of the table")
    return parser.parse_args()


def main():
    options = read_options()
    try:
        with tempfile.TemporaryDirectory() as work:
            found = measure(options, work)
    except Failure as failure:
        raise SystemExit(f"bench: {failure}")
    text = "\n".join(report(options, found))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "extract.md").write_text(text)
    (options.out / "extract.json").write_text(json.dumps(found, indent=1))
    print(text)


if __name__ == "__main__":
    main()
