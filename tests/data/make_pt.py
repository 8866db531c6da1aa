"""Makes the files of tests/data/pt with PyTorch, and checks ours with it.

    python tests/data/make_pt.py WRITER

Every case is saved in both containers, CASE_zip.pt and CASE_legacy.pt, beside CASE.safetensors with
each tensor's bits under the name that our reader gives it, and what was cut off all names in the
metadata. ours.pt is written by WRITER (build/release/tests/unit/test_torch_files), our own writer,
and is kept only if torch.load takes it, weights_only and mapped, with types.safetensors' values.
Written with PyTorch 2.11; run it again only to add cases: files are compared as they stand.
"""
import json
import subprocess
import sys
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

FOLDER = Path(__file__).resolve().parent / "pt"
NAMES = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
         torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8",
         torch.uint64: "U64", torch.uint32: "U32", torch.uint16: "U16", torch.uint8: "U8",
         torch.bool: "BOOL"}


def bits(t):
    t = t.detach().contiguous().reshape(-1)
    return t.view(torch.uint8).numpy().tobytes() if t.numel() else b""


def write_safetensors(path, tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, t in tensors.items():
        header[name] = {"dtype": NAMES[t.dtype], "shape": list(t.shape),
                        "data_offsets": [len(data), len(data) + len(bits(t))]}
        data += bits(t)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def numbers(n, dtype):
    """Both ends of the type, and what lies between"""
    if dtype == torch.bool:
        return torch.arange(n) % 3 == 1
    if dtype.is_floating_point:
        edge = torch.finfo(dtype)
        first = [edge.max, edge.min, edge.tiny, -0.0, float("inf"), float("nan")]
        rest = torch.linspace(-3, 3, n - len(first), dtype=torch.float64)
        return torch.cat([torch.tensor(first, dtype=torch.float64), rest]).to(dtype)
    edge = torch.iinfo(dtype)
    return torch.tensor([edge.max, edge.min] + list(range(1, n - 1)), dtype=dtype)


def types():
    tensors = {str(dtype).removeprefix("torch."): numbers(12, dtype).view(3, 4) for dtype in NAMES}
    tensors["scalar"] = torch.tensor(-2.5)
    tensors["empty"] = torch.zeros(2, 0, 3)
    tensors["deep"] = numbers(24, torch.float32).view(1, 2, 1, 3, 2, 1, 2)
    tensors["n\u00e4me mit Leerzeichen/und.mehr"] = numbers(7, torch.int16)
    return tensors, tensors, ""


def shared():
    """Views of one storage, and tensors that are the same"""
    base = torch.arange(40, dtype=torch.float32)
    matrix, half = base.view(5, 8), numbers(30, torch.float16).view(5, 6)
    tensors = OrderedDict(
        base=base, transposed=matrix.t(), part=matrix[1:4, 2:7], steps=base[3:30:4],
        row=matrix[2], same=base, expanded=base[7].expand(2, 3), last=base[39:],
        half=half, half_transposed=half.t())
    return tensors, tensors, ""


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 3, (1, 2))
        self.norm = nn.BatchNorm2d(3)
        self.out = nn.Linear(3, 2)
        self.tied = self.out
        self.register_buffer("position_ids", torch.arange(5).view(1, 5))

    def forward(self, x):
        return self.out(self.norm(self.conv(x)).mean((2, 3)))


def net():
    torch.manual_seed(1)
    module = Net()
    module(torch.randn(4, 2, 3, 3))         # moves the running means
    return module


def module():
    """A module's state_dict: buffers, a tied layer, _metadata on the dictionary"""
    state = net().state_dict()
    return state, state, ""


def training():
    """What a training loop of several processes saves"""
    model = net()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 ** step)
    model(torch.randn(4, 2, 3, 3)).square().sum().backward()
    optimizer.step()
    schedule.step()
    wrapped = OrderedDict(("module." + k, v) for k, v in model.state_dict().items())
    state = {"epoch": 3, "model": wrapped, "optimizer": optimizer.state_dict(),
             "scheduler": schedule.state_dict(), "args": {"lr": 1e-3, "names": ["a", "b"]}}
    expected = dict(model.state_dict())
    for i, moments in state["optimizer"]["state"].items():
        expected.update((f"optimizer.state.{i}.{k}", v) for k, v in moments.items())
    return state, expected, "model.module."


def single(dtype):
    """One type all through, as a model that was converted is saved"""
    def case():
        state = OrderedDict((k, v.to(dtype)) for k, v in net().state_dict().items())
        return state, state, ""
    return case


CASES = dict(types=types, shared=shared, module=module, training=training,
             float16=single(torch.float16), bfloat16=single(torch.bfloat16))


def check_ours(path, expected, aliases, metadata):
    with zipfile.ZipFile(path) as z:
        assert z.testzip() is None
        assert json.loads(z.read("archive/violet.json")) == metadata
    for mmap in False, True:
        state = torch.load(path, weights_only=True, mmap=mmap)
        assert list(state) == list(expected) + list(aliases), list(state)
        for name, t in expected.items():
            assert state[name].dtype == t.dtype and state[name].shape == t.shape, name
            assert bits(state[name]) == bits(t), name
        for name, of in aliases.items():
            assert state[name].data_ptr() == state[of].data_ptr(), name


def main():
    FOLDER.mkdir(exist_ok=True)
    warnings.simplefilter("ignore")
    for name, make in CASES.items():
        state, expected, prefix = make()
        write_safetensors(FOLDER / f"{name}.safetensors", expected, {"prefix": prefix})
        torch.save(state, FOLDER / f"{name}_zip.pt")
        torch.save(state, FOLDER / f"{name}_legacy.pt", _use_new_zipfile_serialization=False)
        # PyTorch 2.11 does not read uint16 to uint64 back from its own legacy files
        for container in ("zip",) if name == "types" else ("zip", "legacy"):
            torch.load(FOLDER / f"{name}_{container}.pt", weights_only=True)
    ours = FOLDER / "ours.pt"
    subprocess.run([sys.argv[1], ours], check=True, cwd=FOLDER.parent.parent.parent)
    try:
        check_ours(ours, types()[0], {"second name": "float32"}, {"config": "{}", "n\u00f6te": "2"})
    except BaseException:
        ours.rename(ours.with_suffix(".bad"))
        raise


main()
