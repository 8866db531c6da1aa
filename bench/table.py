"""What the benchmarks' tables have in common: the table itself, and the lines on the machine."""
import argparse
import os
import sys

from server import Server, wait_policy


def table(head, rows):
    rows = [head] + rows
    width = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, width)) + " |" for row in rows]
    return [lines[0], "|" + "|".join("-" * (w + 2) for w in width) + "|"] + lines[1:] + [""]


def measure_peak(program, threads):
    server = Server("ours", [program], threads)
    try:
        say("machine: peaks")
        return server.ask("machine", threads=threads)
    finally:
        server.close()


def machine_lines(peaks, loads, others):
    """others: (cores used by other processes, cores taken by the host) of every phase"""
    best = max(peaks, key=lambda p: p["flops"])
    triad, copy = (max(p[k] for p in peaks) / 1e9 for k in ("triad", "copy"))
    with open("/proc/cpuinfo") as f:
        rows = [line.split(":", 1) for line in f if ":" in line]
    model = next((v.strip() for k, v in rows if k.strip() == "model name"), "unknown processor")
    others, steal = (max(pair[i] for pair in others) for i in (0, 1))
    lines = [f"Machine: {model}, {os.cpu_count()} cores, {best['threads']} threads used, "
             f"{best['isa']}; measured peak {best['flops'] / 1e9:.1f} GFLOP/s (before and after: "
             + ", ".join(f"{p['flops'] / 1e9:.1f}" for p in peaks)
             + f"), triad {triad:.1f} GB/s, copy {copy:.1f} GB/s.",
             f"Load average before {loads[0][0]:.2f}, after {loads[1][0]:.2f}; other processes "
             f"took {others:.2f} cores, the host took {steal:.2f}. "
             f"OMP_WAIT_POLICY={wait_policy()}.", ""]
    if others + steal > 0.05:
        lines += ["**Warning: the machine was busy with other things; measure again.**", ""]
    return lines


def say(text):
    print(text, file=sys.stderr, flush=True)


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return value
