"""Checkpoints exchanged with PyTorch, bit by bit; run by test_exchange.sh.

    exchange.py check FILE.pt [model options]               torch.load takes what we wrote
    exchange.py write FILE.pt [model options] [--legacy]    PyTorch writes a model
    exchange.py compare FILE.safetensors [model options]    what we made of it has the same bits
    exchange.py serve          each of these, a line on stdin, since loading PyTorch takes seconds:
                               what it says goes to out.txt and err.txt, its exit status to stdout

model options: --config violet1|tiny, --seed N, --dtype float32|float16. Names and shapes are those
of the benchmark's PyTorch model (bench/peer), values follow from the names by numpy: nothing here
comes from a program of ours. FILE must have those tensors and no others. Exit status: 0 only then.
"""
import argparse
import contextlib
import functools
import json
import mmap
import shlex
import sys
import traceback
import zipfile
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench" / "peer"))
import violet_torch  # noqa: E402

DTYPES = {"float32": (np.float32, torch.float32, "F32"),
          "float16": (np.float16, torch.float16, "F16")}
SECOND_NAMES = {"fc_mtm.predictions.decoder.bias": "fc_mtm.predictions.bias"}
CHUNK = 1 << 18


def parameters(config):
    with torch.device("meta"):
        model = violet_torch.Violet(violet_torch.preset(config))
    return {name: tuple(p.shape) for name, p in model.named_parameters()}


def values(name, shape, options):
    """A large model's do not all stay in memory"""
    make = kept_values if options.config == "tiny" else made_values
    return make(name, shape, options.dtype, options.seed)


def made_values(name, shape, dtype, seed):
    """As the published rule has them: computed in double, rounded to float, then to the dtype"""
    a, b = violet_torch.hash_range(name, shape)
    x = np.empty(int(np.prod(shape)), DTYPES[dtype][0])
    for i in range(0, x.size, CHUNK):
        z = violet_torch.hash_stream(name, seed, i, min(CHUNK, x.size - i))
        u = (z >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1.0
        x[i:i + CHUNK] = (a + b * u).astype(np.float32)
    return x.reshape(shape)


kept_values = functools.lru_cache(maxsize=None)(made_values)


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(
        a.reshape(-1).view(np.uint8), b.reshape(-1).view(np.uint8))


def need(true, message):
    if not true:
        sys.exit(f"exchange: {message}")


def need_names(found, shapes, second_names):
    expected = set(shapes) | set(second_names)
    need(set(found) == expected, f"names differ: {sorted(set(found) ^ expected)[:5]}")


def check(options):
    shapes = parameters(options.config)
    with zipfile.ZipFile(options.file) as z:
        need(z.testzip() is None, f"bad checksum of {z.testzip()}")
    whole = torch.load(options.file, weights_only=True)
    mapped = torch.load(options.file, weights_only=True, mmap=True)
    need_names(whole, shapes, SECOND_NAMES)
    need(list(mapped) == list(whole), "mapped, the file has other names")
    for second, first in SECOND_NAMES.items():
        need(whole[second].data_ptr() == whole[first].data_ptr(), f"{second} has values of its own")
    for name, shape in shapes.items():
        expected = values(name, shape, options)
        need(same_bits(whole[name].numpy(), expected), f"{name} differs")
        need(same_bits(mapped[name].numpy(), expected), f"{name} differs when mapped")
    print(f"{len(whole)} tensors, {sum(t.numel() for t in whole.values())} values")


def write(options):
    state = {name: torch.from_numpy(values(name, shape, options))
             for name, shape in parameters(options.config).items()}
    state.update((second, state[first]) for second, first in SECOND_NAMES.items())
    torch.save(state, options.file, _use_new_zipfile_serialization=not options.legacy)


def compare(options):
    """Reads safetensors by itself: so many lines, and nobody needs the package"""
    shapes = parameters(options.config)
    with open(options.file, "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
        n = int.from_bytes(m[:8], "little")
        header = json.loads(m[8:8 + n])
        header.pop("__metadata__", None)
        need_names(header, shapes, {})
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            expected = values(name, shapes[name], options)
            need(entry["dtype"] == DTYPES[options.dtype][2], f"{name} is {entry['dtype']}")
            need(tuple(entry["shape"]) == expected.shape, f"{name} has shape {entry['shape']}")
            need(m[8 + n + begin:8 + n + end] == expected.tobytes(), f"{name} differs")
    print(f"{len(header)} tensors")


def do(words):
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["check", "write", "compare"])
    parser.add_argument("file")
    parser.add_argument("--config", default="violet1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    parser.add_argument("--legacy", action="store_true")
    options = parser.parse_args(words)
    {"check": check, "write": write, "compare": compare}[options.what](options)


def status_of(words):
    try:
        do(words)
    except SystemExit as e:
        if isinstance(e.code, str):
            print(e.code, file=sys.stderr)
        return 0 if e.code is None else e.code if isinstance(e.code, int) else 1
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def serve():
    for line in sys.stdin:
        with open("out.txt", "w") as out, open("err.txt", "w") as err:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                status = status_of(shlex.split(line))
        print(status, flush=True)


if sys.argv[1:] == ["serve"]:
    serve()
else:
    do(sys.argv[1:])
