"""Times loading a checkpoint from the page cache, ours beside reading the file's bytes and beside
PyTorch, in turns on one machine; run it by script/bench load.

Every measurement has a process of its own: who loads a checkpoint does so once, into memory that
the kernel has yet to give. First all must have loaded the same, bit by bit. The table goes to
stdout and to OUT/load.md, all answers to OUT/load.json.
"""
import argparse
import json
import os
import statistics
import subprocess
import threading
import time
from pathlib import Path

from server import Failure, Others, Server, wait_policy
from table import machine_lines, measure_peak, positive, say, table

HERE = Path(__file__).resolve().parent
MIB = 2**20
SEED = 1

# title, who, how its process is prepared, command, what it is given beside the file, which file
ROWS = {
    "read": ("read() of the .pt's bytes, fresh buffer", "ours", {}, "read", {}, "pt"),
    "pt": ("ours, .pt, fresh memory", "ours", {}, "load", {}, "pt"),
    "safetensors": ("ours, .safetensors, fresh memory", "ours", {}, "load", {}, "safetensors"),
    "drawn": ("ours, .pt, over initial values", "ours", {"draw": True}, "load", {}, "pt"),
    "peer": ("torch.load + load_state_dict, .pt", "peer", {}, "load", {}, "pt"),
    "mapped": ("torch.load(mmap=True) + load_state_dict, .pt", "peer", {}, "load", {"mmap": True},
               "pt"),
}
# ours, of what, at most
RATIOS = [("pt", "read", 1.2), ("pt", "peer", 0.5), ("drawn", "peer", 0.5),
          ("drawn", "mapped", None)]


def make_files(options):
    files = {}
    for kind in ("pt", "safetensors"):
        path = files[kind] = options.out / "load" / f"{options.preset}.{kind}"
        if not path.exists():
            say(f"making {path.name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run([options.hash_model, "--config", options.preset, "--seed", str(SEED),
                            path], check=True)
    return files


def fresh(options, row):
    """A process that is ready to load, and has not loaded yet"""
    _title, who, prepared, *_rest = ROWS[row]
    if who == "ours":
        server = Server("ours", [options.ours], options.threads)
        server.ask("prepare", preset=options.preset, **prepared)
    else:
        server = Server("peer", [str(HERE / "peer" / "run"), "load.py"], options.threads)
        server.torch = server.ask("setup", preset=options.preset, threads=options.threads)["torch"]
    return server


def load_once(options, files, row, watch=False, verify=False):
    """The answer, with the most anonymous memory or what was loaded, if asked for."""
    _title, _who, _prepared, command, more, kind = ROWS[row]
    server = fresh(options, row)
    try:
        with Anonymous(server.process.pid if watch else None) as seen:
            answer = server.ask(command, file=str(files[kind]), **more)
        if watch:
            answer["anonymous"] = seen.most - seen.before
        if verify and command == "load":
            answer["check"] = server.ask("check")
        return answer | dict(torch=getattr(server, "torch", None))
    finally:
        server.close()


def check(options, files):
    """Values, and memory. The first reading of a file also brings it into the page cache."""
    found = {}
    for row, (title, *_rest) in ROWS.items():
        say(f"check: {title}")
        found[row] = load_once(options, files, row, watch=True, verify=True)
    seen = {row: (a["check"]["tensors"], a["check"]["crc"]) for row, a in found.items()
            if "check" in a}
    if len(set(seen.values())) != 1:
        raise Failure(f"not the same values: {seen}")
    return found


def take_turns(options, files):
    answers = {row: [] for row in ROWS}
    for turn in range(-options.warm_up, options.turns):
        for row in list(ROWS)[::-1] if turn % 2 else ROWS:      # a drift favours nobody
            answer = load_once(options, files, row)
            say(f"{'warm-up' if turn < 0 else turn + 1}: {row} {answer['seconds']:.3f} s")
            if turn >= 0:
                answers[row].append(answer)
    return answers


class Anonymous:
    """The most anonymous memory that a process has while it answers: looked at every millisecond.
    pid None: nobody's."""
    def __init__(self, pid):
        self.pid, self.most, self.going = pid, 0, True
        self.before = self.now() if pid else 0
        self.thread = threading.Thread(target=self.watch)

    def now(self):
        with open(f"/proc/{self.pid}/status") as f:
            return next(int(line.split()[1]) * 1024 for line in f if line.startswith("RssAnon:"))

    def watch(self):
        while self.going:
            self.most = max(self.most, self.now())
            time.sleep(0.001)

    def __enter__(self):
        if self.pid:
            self.thread.start()
        return self

    def __exit__(self, *_):
        if not self.pid:
            return
        self.going = False
        self.thread.join()
        self.most = max(self.most, self.now())


# ---- the table -----------------------------------------------------------------------------------

def ratio(a, b, key="seconds"):
    """(a / b of the medians, least and most of the pairs)"""
    pairs = [x[key] / y[key] for x, y in zip(a, b, strict=True)]
    return statistics.median(x[key] for x in a) / statistics.median(y[key] for y in b), \
        min(pairs), max(pairs)


def report(options, found):
    answers, size, rows = found["answers"], found["bytes"], []
    for row, (title, *_rest, kind) in ROWS.items():
        median = statistics.median(a["seconds"] for a in answers[row])
        cpu = statistics.median(a["cpu"] for a in answers[row])
        rows.append([title, f"{median:.3f}", f"{size[kind] / median / 1e9:.2f}", f"{cpu:.3f}",
                     f"{found['memory'][row] / MIB:.0f}"])
    lines = [f"# Loading {options.preset} from the page cache: ours beside PyTorch "
             f"{found['torch']}", ""]
    lines += table(["", "s", "GB/s", "CPU s", "anonymous memory, MiB"], rows)
    rows = []
    for ours, of, most in RATIOS:
        wall, cpu = ratio(answers[ours], answers[of]), ratio(answers[ours], answers[of], "cpu")
        rows.append([f"{ROWS[ours][0]} / {ROWS[of][0]}",
                     f"{wall[0]:.2f} ({wall[1]:.2f} to {wall[2]:.2f})", f"{cpu[0]:.2f}",
                     "" if most is None else f"{most:.1f}"])
    lines += table(["", "time (pairs)", "CPU time", "at most"], rows)
    lines += [f"{found['tensors']} float32 tensors, {size['pt'] / MIB:.0f} MiB, the same bits in "
              f"all. {options.threads} threads. Medians of {options.turns} turns; in brackets the "
              "least and most of a pair. Ours: names, shapes, values and whether they are finite, "
              "into a model that is laid out: its memory is fresh, or has been written with "
              "initial values, as a run does it and as the making of the peer's module does. Each "
              "in a process of its own that has loaded nothing yet. Anonymous memory is what the "
              "process has more at its highest while it loads, looked at every millisecond; the "
              f"model's own is {found['model'] / MIB:.0f} MiB, which the peer's module has beside "
              "that.", ""]
    return lines + machine_lines(found["peaks"], found["load"], [found["others"]])


# ---- all of it -----------------------------------------------------------------------------------

def measure(options):
    files = make_files(options)
    load, peaks = os.getloadavg(), [measure_peak(options.ours, options.threads)]
    checked = check(options, files)
    others = Others()
    answers = take_turns(options, files)
    others = others.cores()
    peaks.append(measure_peak(options.ours, options.threads))
    return dict(torch=checked["peer"]["torch"], tensors=checked["pt"]["check"]["tensors"],
                model=checked["pt"]["values"] * 4,
                memory={row: answer["anonymous"] for row, answer in checked.items()},
                bytes={kind: path.stat().st_size for kind, path in files.items()},
                answers=answers, others=others, peaks=peaks, load=(load, os.getloadavg()),
                wait_policy=wait_policy())


def read_options():
    parser = argparse.ArgumentParser(prog="script/bench load",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("--preset", default="violet1", choices=["violet1", "tiny"])
    parser.add_argument("--turns", type=positive, default=9, help="timed turns of each (9)")
    parser.add_argument("--warm-up", type=positive, default=2, help="turns before, not counted (2)")
    parser.add_argument("--threads", type=positive, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--ours", default="build/release/bench/load", help=argparse.SUPPRESS)
    parser.add_argument("--hash-model", default="build/release/hash-model", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="folder of the table")
    return parser.parse_args()


def main():
    options = read_options()
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")     # a load is too short to spin for
    try:
        found = measure(options)
    except Failure as failure:
        raise SystemExit(f"bench: {failure}")
    text = "\n".join(report(options, found))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "load.md").write_text(text)
    (options.out / "load.json").write_text(json.dumps(found, indent=1))
    print(text)


if __name__ == "__main__":
    main()
