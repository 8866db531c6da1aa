"""Loads a checkpoint into the peer's module as often as it is asked to. Commands on stdin, a JSON
line on stdout for each; the counterpart of bench/load.c.

    setup {"preset": "violet1", "threads": 2}
    load  {"file": "X.pt", "mmap": false}   torch.load(weights_only=True) and load_state_dict
    check                                   {"tensors", "crc"}: each tensor's name and bytes
    quit

Every answer has "command", "seconds" and "cpu"; a failed one has "error". The module is made once,
before; what torch.load gave is given up after the clock has stopped.
"""
import gc
import json
import os
import sys
import time
import zlib

import torch

from violet_torch import Violet, preset

SECOND_NAMES = {"fc_mtm.predictions.decoder.bias"}


class Loader:
    def __init__(self):
        self.model = None

    def setup(self, given):
        torch.set_num_threads(given.get("threads", 1))
        self.model = Violet(preset(given.get("preset", "violet1")))
        return dict(torch=torch.__version__, threads=torch.get_num_threads())

    def load(self, given):
        start, cpu = time.perf_counter(), time.process_time()
        state = torch.load(given["file"], map_location="cpu", weights_only=True,
                           mmap=given.get("mmap", False))
        found = self.model.load_state_dict(state, strict=False)
        took = dict(seconds=time.perf_counter() - start, cpu=time.process_time() - cpu)
        del state
        gc.collect()
        if found.missing_keys or set(found.unexpected_keys) - SECOND_NAMES:
            raise ValueError(f"not this module's: {found}")
        return took

    def check(self, _given):
        every = 0
        for name, p in self.model.named_parameters():
            every ^= zlib.crc32(p.detach().numpy(), zlib.crc32(name.encode()))
        return dict(tensors=len(list(self.model.parameters())), crc=every)


def main():
    # Answers keep stdout to themselves: whatever else prints goes to stderr.
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    loader = Loader()
    commands = dict(setup=loader.setup, load=loader.load, check=loader.check)
    for line in sys.stdin:
        name, _, given = line.strip().partition(" ")
        if name == "quit":
            break
        start, cpu = time.perf_counter(), time.process_time()
        try:
            answer = commands[name](json.loads(given) if given else {})
        except Exception as problem:            # the driver reads it; the process goes on
            answer = dict(error=f"{type(problem).__name__}: {problem}")
        answer = dict(seconds=time.perf_counter() - start, cpu=time.process_time() - cpu) | answer
        out.write(json.dumps(dict(command=name, **answer)) + "\n")


if __name__ == "__main__":
    main()
