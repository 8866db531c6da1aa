"""Times the evaluation of retrieval, all pairs of videos and texts, beside PyTorch; run it by
script/bench eval.

Both encode each video and each text once and keep the result; then each scores pairs by the
cross-modal encoder: ours a video with all texts, the peer a text with all videos in one batch, as
the published program does (batches of 100). They take turns, must agree before and in every turn,
and the whole evaluation is extrapolated from the turns. The table goes to stdout and OUT/eval.md,
all answers to OUT/eval.json.
"""
import argparse
import json
import os
import statistics
from pathlib import Path

import flops
from compare import same_list
from server import Failure, Others, Server
from table import machine_lines, measure_peak, positive, say, table

HERE = Path(__file__).resolve().parent
AT_ONCE = 4         # videos encoded in a turn
MOST_TIME, MOST_MEMORY = 0.6, 1 / 3     # what is asked for: ours / the peer's
# How many of 300 captions of MSR-VTT have 6, 7, ... 25 positions, [CLS] and [SEP] among them.
CAPTIONS = [19, 27, 37, 31, 30, 36, 23, 19, 25, 19, 7, 6, 4, 5, 2, 2, 3, 1, 1, 3]


def made_lengths(n, size):
    """n lengths spread as CAPTIONS are, in an order that mixes them."""
    all_of = [min(size, 6 + k) for k, count in enumerate(CAPTIONS) for _ in range(count)]
    spread = [all_of[(2 * i + 1) * len(all_of) // (2 * n)] for i in range(n)]
    return [spread[i * 37 % n] for i in range(n)] if n % 37 else spread


def find_lengths(options, server):
    if options.captions.exists():
        lengths = server.ask("lengths", file=str(options.captions), n=options.items,
                             size_txt=options.size_txt)["lengths"]
        if len(lengths) == options.items:
            return lengths, f"those of captions in {options.captions.name}"
    return made_lengths(options.items, options.size_txt), "spread as those of MSR-VTT's captions"


# ---- do they compute the same? -------------------------------------------------------------------

def some_pairs(lengths, n_videos):
    """Texts of all kinds of lengths, with different videos."""
    by_length = sorted(range(len(lengths)), key=lambda i: lengths[i])
    texts = [by_length[i * (len(by_length) - 1) // 7] for i in range(8)]
    return dict(video=[i % n_videos for i in range(8)], text=texts)


def check(servers, given):
    say("check: scores of pairs")
    ours, peer = (servers[who].ask("score", **given)["score"] for who in ("ours", "peer"))
    mean = statistics.mean(peer)        # what tells pairs apart must agree, not what all have
    same_list("scores of pairs", ours, peer)
    same_list("scores of pairs, less their mean", [x - mean for x in ours],
              [x - mean for x in peer])


# ---- measuring -----------------------------------------------------------------------------------

def turns_of(options):
    return range(-options.warm_up, options.pairs)


def in_turn(servers, turn):
    """Back and forth, so that a drift of the machine favours nobody."""
    return list(servers.items())[::-1] if turn % 2 else list(servers.items())


def encode(options, servers):
    answers, done = dict(ours=[], peer=[]), 0
    for turn in turns_of(options):
        n = min(AT_ONCE, options.items - done)
        if n < 1:
            break
        for who, server in in_turn(servers, turn):
            answer = server.ask("encode", first=done, n=n)
            say(f"{'warm-up' if turn < 0 else turn + 1}: {who}, {n} videos "
                f"{answer['parts']['videos']:.3f} s")
            if turn >= 0:
                answers[who].append(dict(answer, each=answer["parts"]["videos"] / n))
        done += n
    for server in servers.values():
        server.ask("repeat", n=done)
    return answers, done


def score(options, servers, n_videos):
    answers, items = dict(ours=[], peer=[]), list(range(options.items))
    for turn in turns_of(options):
        one = (turn + options.warm_up) % n_videos
        given = dict(ours=dict(video=[one] * options.items, text=items),
                     peer=dict(video=items, text=[one] * options.items))
        both = {}
        for who, server in in_turn(servers, turn):
            answer = both[who] = server.ask("score", **given[who])
            say(f"{'warm-up' if turn < 0 else turn + 1}: {who}, {options.items} pairs "
                f"{answer['seconds']:.3f} s")
            if turn >= 0:
                answers[who].append(dict(answer, each=answer["seconds"] / options.items,
                                         each_cpu=answer["cpu"] / options.items))
        same_list("a pair's score", [both["ours"]["score"][one]], [both["peer"]["score"][one]])
    return answers


def measure(options):
    load, peaks, servers = os.getloadavg(), [measure_peak(options.ours, options.threads)], {}
    try:
        servers["ours"] = Server("ours", [options.ours], options.threads)
        servers["ours"].ask("memory")           # from its first answer on a server can be stopped
        lengths, where = find_lengths(options, servers["ours"])
        given = dict(preset=options.preset, frames=options.frames, size_img=options.size_img,
                     size_txt=options.size_txt, videos=options.items, lengths=lengths,
                     threads=options.threads)
        servers["peer"] = Server("peer", [str(HERE / "peer" / "run"), "pairs.py"], options.threads)
        servers["peer"].ask("memory")
        setup = {}
        for who, server in servers.items():
            say(f"{who}: setup, {options.items} videos and texts")
            setup[who] = server.ask("setup", **given,
                                    **(dict(dtype=options.dtype, block=options.block)
                                       if who == "ours" else {}))
        if setup["ours"]["parameters"] != setup["peer"]["parameters"]:
            raise Failure("not the same model: the numbers of parameters differ")
        others = Others()
        encoded, done = encode(options, servers)
        memory = {who: [server.ask("memory")["peak"]] for who, server in servers.items()}
        check(servers, some_pairs(lengths, done))
        scored = score(options, servers, done)
        for who, server in servers.items():
            memory[who].append(server.ask("memory")["peak"])
        busy = others.cores()
    finally:
        for server in servers.values():
            server.close()
    peaks.append(measure_peak(options.ours, options.threads))
    return dict(setup=setup, lengths=lengths, where=where, encoded=encoded, scored=scored,
                memory=memory, others=busy, peaks=peaks, load=(load, os.getloadavg()))


# ---- the table -----------------------------------------------------------------------------------

def median(answers, who, key="each"):
    return statistics.median(a[key] for a in answers[who])


def ratio(answers, key="each"):
    pairs = [a[key] / b[key] for a, b in zip(answers["ours"], answers["peer"], strict=True)]
    return (f"{median(answers, 'ours', key) / median(answers, 'peer', key):.3f} "
            f"({min(pairs):.3f} to {max(pairs):.3f})")


def totals(options, found):
    """Seconds of the whole evaluation: who -> (encoding, scoring)"""
    n = options.items
    return {who: (n * median(found["encoded"], who), n * n * median(found["scored"], who))
            for who in ("ours", "peer")}


def report(options, found):
    n, encoded, scored, memory = options.items, found["encoded"], found["scored"], found["memory"]
    total = {who: sum(parts) for who, parts in totals(options, found).items()}
    shape = flops.Shape(found["setup"]["ours"]["config"], 1, options.frames, options.size_img,
                        options.size_txt)
    useful, published = flops.pairs(shape, n, found["lengths"])
    peak = max(p["flops"] for p in found["peaks"])
    def rate(who):
        each = useful / n / n / median(scored, who)
        return f"{each / 1e9:.1f} ({100 * each / peak:.0f} %)"
    def gib(k):
        ours, peer = memory["ours"][k], memory["peer"][k]
        return [f"{ours / 2**30:.2f}", f"{peer / 2**30:.2f}", f"{ours / peer:.3f}"]
    both = lambda cell: [cell("ours"), cell("peer")]
    rows = [["encoding, s a video", *both(lambda w: f"{median(encoded, w):.3f}"), ratio(encoded),
             ""],
            ["scoring, ms a pair", *both(lambda w: f"{1e3 * median(scored, w):.1f}"),
             ratio(scored), ""],
            ["the same, processor time",
             *both(lambda w: f"{1e3 * median(scored, w, 'each_cpu'):.1f}"),
             ratio(scored, "each_cpu"), ""],
            ["pairs a second", *both(lambda w: f"{1 / median(scored, w):.2f}"), "", ""],
            ["useful GFLOP/s (of the peak)", *both(rate), "", ""],
            [f"{n} x {n} pairs, encoding included, s (extrapolated)",
             *both(lambda w: f"{total[w]:.0f}"), f"{total['ours'] / total['peer']:.3f}",
             f"{MOST_TIME:.2f}"],
            ["peak memory once encoded, GiB", *gib(0), ""],
            ["peak memory of all, GiB", *gib(1), f"{MOST_MEMORY:.2f}"]]
    lengths = found["lengths"]
    lines = [f"# {options.preset}: evaluation beside PyTorch {found['setup']['peer']['torch']}", ""]
    lines += table(["", "ours", "peer", "ours / peer (turns)", "at most"], rows)
    lines += [f"{n} videos of {options.frames} frames of {options.size_img} pixels and {n} texts "
              f"of {min(lengths)} to {max(lengths)} positions, {statistics.mean(lengths):.1f} on "
              f"average ({found['where']}), padded to {options.size_txt} by the peer; encoded "
              f"items of ours are {options.dtype}. Medians of {options.pairs} turns; in brackets "
              f"the least and most of a turn. A turn: {AT_ONCE} videos encoded (by the peer "
              f"together); {n} pairs scored, by the peer in one batch as published. A pair takes "
              f"{useful / n / n / 1e9:.1f} useful GFLOP (bench/flops.py), the published program "
              f"computes {published / n / n / 1e9:.1f}. Processor time says something on a busy "
              "machine with one thread: others wait actively.", ""]
    return lines + machine_lines(found["peaks"], found["load"], [found["others"]])


def read_options():
    shared = HERE.parent.parent / "shared" / "data"
    parser = argparse.ArgumentParser(prog="script/bench eval", description=__doc__.split("\n")[0])
    parser.add_argument("--preset", default="violet1", choices=["violet1", "tiny"])
    parser.add_argument("--items", type=positive, default=100, help="videos, and texts (100)")
    parser.add_argument("--frames", type=positive, default=5)
    parser.add_argument("--size-img", type=positive, default=224)
    parser.add_argument("--size-txt", type=positive, default=25)
    parser.add_argument("--dtype", default="F32", choices=["F32", "BF16"],
                        help="of our encoded items (F32)")
    parser.add_argument("--block", type=int, default=0,
                        help="pairs we compute at once (chosen by the scorer)")
    parser.add_argument("--captions", type=Path, default=shared / "txt_msrvtt-retrieval.json",
                        help="their lengths are taken (../shared/data; else spread as those are)")
    parser.add_argument("--pairs", type=positive, default=5, help="timed turns of each (5)")
    parser.add_argument("--warm-up", type=positive, default=1, help="turns before, not counted (1)")
    parser.add_argument("--threads", type=positive, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--ours", default="build/release/bench/pairs", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="folder of the table")
    return parser.parse_args()


def main():
    options = read_options()
    try:
        found = measure(options)
    except Failure as failure:
        raise SystemExit(f"bench: {failure}")
    text = "\n".join(report(options, found))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "eval.md").write_text(text)
    (options.out / "eval.json").write_text(json.dumps(found, indent=1))
    print(text)


if __name__ == "__main__":
    main()
