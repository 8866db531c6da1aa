"""Times our program and the PyTorch peer in turns on one machine; run it by script/bench step.

Both first compute the same things and must agree: the scores of a forward pass; the losses,
gradient norm, attention received and first update of a step without chance. Only then are they
timed. The table goes to stdout and to OUT/step.md, all answers to OUT/step.json.
"""
import argparse
import json
import math
import os
import statistics
import sys
from pathlib import Path

import flops
from server import Failure, Others, Server
from table import machine_lines, measure_peak, positive, say, table

HERE = Path(__file__).resolve().parent
TOLERANCE = 1e-3


# ---- do they compute the same? -------------------------------------------------------------------

def same_number(what, ours, peer, floor=0.0):
    if not abs(ours - peer) <= TOLERANCE * max(abs(peer), floor):      # a NaN is not the same
        raise Failure(f"not the same computation: {what} is {ours:.7g}, the peer's {peer:.7g}")


def same_list(what, ours, peer):
    apart = math.dist(ours, peer) if len(ours) == len(peer) else math.inf
    if not apart <= TOLERANCE * math.hypot(*peer):
        raise Failure(f"not the same computation: {what} differ by {apart:.3g} (L2)")


def same_losses(what, ours, peer):
    """Relative, but a loss below 1 is held to the same absolute error: matching's can be near 0."""
    for name, value in peer.items():
        same_number(f"{what} {name}", ours[name], value, floor=1.0)


def same_step(ours, peer):
    for name, given in (("published", ours), ("ours", ours["ours"])):
        same_losses(f"loss ({name})", given["losses"], peer["losses"])
        same_number(f"gradient norm ({name})", given["gradient"], peer["gradient"])
    same_losses("loss after an update", ours["after"], peer["after"])
    same_list("attention weights", ours["attended_weight"], peer["attended_weight"])


# ---- measuring -----------------------------------------------------------------------------------

class Phase:
    """Two fresh processes, set up alike, and what they answered: rows name -> list of answers."""
    def __init__(self, options, kinds, batch):
        self.options, self.kinds, self.batch = options, kinds, batch
        self.rows = {name: [] for name, *_ in kinds}
        self.memory, self.setup, self.others = {}, {}, (0.0, 0.0)

    def run(self, check):
        o = self.options
        servers = {}
        try:
            for who, command in (("ours", [o.serve]), ("peer", [str(o.peer), "serve.py"])):
                servers[who] = Server(who, command, o.threads)
                say(f"{who}: setup, batch {self.batch}")
                self.setup[who] = servers[who].ask("setup", preset=o.preset, batch=self.batch,
                                                   threads=o.threads)
            if self.setup["ours"]["parameters"] != self.setup["peer"]["parameters"]:
                raise Failure("not the same model: the numbers of parameters differ")
            check(servers)
            self.time(servers)
            for who, server in servers.items():
                self.memory[who] = server.ask("memory")["peak"]
        finally:
            for server in servers.values():
                server.close()
        return self

    def time(self, servers):
        for turn in range(-self.options.warm_up, self.options.pairs):
            if turn == 0:
                others = Others()
            # back and forth, so that a drift of the machine favours nobody
            for name, who, command, given in self.kinds[::-1] if turn % 2 else self.kinds:
                answer = servers[who].ask(command, **given)
                say(f"{'warm-up' if turn < 0 else turn + 1}: {name} {answer['seconds']:.3f} s")
                numbers = answer.get("score") or list(answer["losses"].values())
                if not all(map(math.isfinite, numbers)):
                    raise Failure(f"{name}: a result is not finite")
                if turn >= 0:
                    self.rows[name].append(answer)
        self.others = others.cores()

    def seconds(self, name):
        return [answer["seconds"] for answer in self.rows[name]]

    def median(self, name, part=None):
        return statistics.median(answer["parts"][part] if part else answer["seconds"]
                                 for answer in self.rows[name])

    def ratio(self, name):
        """(peer / ours of medians, least and most of the pairs)"""
        pairs = [b / a for a, b in zip(self.seconds(name), self.seconds("peer"))]
        return self.median("peer") / self.median(name), min(pairs), max(pairs)


def measure_memory(options):
    """Of our steps alone: the compared process has also done published ones."""
    server = Server("ours", [options.serve], options.threads)
    try:
        say("memory: two more steps")
        server.ask("setup", preset=options.preset, batch=options.step_batch,
                   threads=options.threads)
        for _ in range(2):
            server.ask("step")
        return server.ask("memory")["peak"]
    finally:
        server.close()


def check_forward(servers):
    same_list("scores", *(servers[who].ask("forward")["score"] for who in ("ours", "peer")))


def check_step(servers):
    say("check: a step without chance")
    same_step(servers["ours"].ask("check"), servers["peer"].ask("check"))


def measure(options):
    load, peaks = os.getloadavg(), [measure_peak(options.serve, options.threads)]
    forward = Phase(options, [("ours", "ours", "forward", {}), ("peer", "peer", "forward", {})],
                    options.forward_batch).run(check_forward)
    step = Phase(options, [("ours", "ours", "step", {}), ("peer", "peer", "step", {}),
                           ("published", "ours", "step", {"published": True})],
                 options.step_batch).run(check_step)
    step.memory["published"] = step.memory["ours"]      # the larger of both orders of work
    step.memory["ours"] = measure_memory(options)
    peaks.append(measure_peak(options.serve, options.threads))
    return forward, step, peaks, (load, os.getloadavg())


# ---- the table -----------------------------------------------------------------------------------

def speed_row(title, phase, name, useful, peak):
    ratio, least, most = phase.ratio(name)
    def rate(seconds):
        return f"{useful / seconds / 1e9:.1f} ({100 * useful / seconds / peak:.0f} %)"
    ours, peer = phase.median(name), phase.median("peer")
    return [title, f"{ours:.3f}", f"{peer:.3f}", f"{ratio:.2f} ({least:.2f} to {most:.2f})",
            f"{useful / 1e9:.1f}", rate(ours), rate(peer)]


def part_rows(forward, step):
    rows = [[f"forward: {part}", f"{forward.median('ours', part):.3f}", "",
             f"{forward.median('peer', part):.3f}"] for part in ("image", "cross")]
    return rows + [[f"step: {part}"] + [f"{step.median(name, part):.3f}"
                                        for name in ("ours", "published", "peer")]
                   for part in ("attended", "forward", "backward", "update")]


def report(options, forward, step, peaks, loads):
    peak = max(p["flops"] for p in peaks)
    config = forward.setup["ours"]["config"]
    asked = [statistics.mean(a["asked"][k] for a in step.rows["ours"]) for k in range(3)]
    attended = statistics.mean(a["attended"] for a in step.rows["ours"])
    f_useful, f_published = flops.forward(flops.Shape(config, options.forward_batch))
    s_useful, s_published = flops.step(flops.Shape(config, options.step_batch), attended, asked)
    setup = forward.setup["peer"]
    b, s = options.forward_batch, options.step_batch
    lines = [f"# {options.preset}: ours beside PyTorch {setup['torch']}", ""]
    lines += table(["", "ours s", "peer s", "peer / ours (pairs)", "useful GFLOP",
                    "ours GFLOP/s (of peak)", "peer GFLOP/s (of peak)"],
                   [speed_row(f"forward, batch {b}", forward, "ours", f_useful, peak),
                    speed_row(f"training step, batch {s}", step, "ours", s_useful, peak),
                    speed_row("the same, all as published", step, "published", s_useful, peak)])
    lines += [f"Medians of {options.pairs} turns each; in brackets the least and most of a pair. "
              f"Useful FLOPs are those the result needs (bench/flops.py); the published program, "
              f"and the peer, compute {f_published / 1e9:.1f} and {s_published / 1e9:.1f} GFLOP.",
              ""]
    lines += table(["seconds (median)", "ours", "as published", "peer"], part_rows(forward, step))
    lines += table(["peak memory, GiB", "ours", "as published", "peer"],
                   [[f"forward, batch {b}"] + gib(forward),
                    [f"training step, batch {s}"] + gib(step)])
    return lines + machine_lines(peaks, loads, [forward.others, step.others])


def gib(phase):
    return [f"{phase.memory[who] / 2**30:.2f}" if who in phase.memory else ""
            for who in ("ours", "published", "peer")]


def read_options():
    parser = argparse.ArgumentParser(prog="script/bench step", description=__doc__.split("\n")[0])
    parser.add_argument("--preset", default="violet1", choices=["violet1", "tiny"])
    parser.add_argument("--pairs", type=positive, default=5, help="timed turns of each (5)")
    parser.add_argument("--forward-batch", type=positive, default=1)
    parser.add_argument("--step-batch", type=positive, default=2)
    parser.add_argument("--threads", type=positive, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--warm-up", type=int, default=2, help="turns before, not counted (2)")
    parser.add_argument("--serve", default="build/release/bench/serve", help=argparse.SUPPRESS)
    parser.add_argument("--peer", default=HERE / "peer" / "run", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="folder of the table")
    return parser.parse_args()


def main():
    options = read_options()
    try:
        forward, step, peaks, loads = measure(options)
    except Failure as failure:
        raise SystemExit(f"bench: {failure}")
    text = "\n".join(report(options, forward, step, peaks, loads))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "step.md").write_text(text)
    everything = dict(forward=forward.rows, step=step.rows, peaks=peaks, load=loads,
                      setup=[forward.setup, step.setup])
    (options.out / "step.json").write_text(json.dumps(everything, indent=1))
    print(text)


if __name__ == "__main__":
    main()
