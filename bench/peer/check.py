"""Shows that the peer computes the published model: compares it with golden values.

    bench/peer/run check.py ORACLE_FOLDER [CASE ...]        cases: tiny-a tiny-c base

Prints the largest relative L2 error of each group of outputs and, beside it, the largest share of
what that output is allowed (the float32 tolerances of the oracle's README). Exit status 1 if one is
above it.
"""
import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from violet_torch import (Violet, VTM_TEMPERATURE, hash_initialise, optimiser, pretrain_losses)


class Checker:
    def __init__(self, golden, stored):
        self.golden, self.stored = golden, stored
        self.left = set(golden["outputs"])
        self.worst = {}         # group -> [count, largest error, its name, largest share, its name]

    def __call__(self, group, name, value):
        self.left.discard(name)
        value = value.detach().double().flatten()
        wanted = self.stored.get("out." + name)
        if wanted is None:
            value = value[self.stored[f"out.{name}#index"]]
            wanted = self.stored[f"out.{name}#value"]
        wanted = wanted.double().flatten()
        apart = float((value - wanted).norm())
        norm = float(wanted.norm())
        error = apart / norm if norm > 0 else apart
        torch_error = self.golden["outputs"][name].get("float32_rel_l2_error", 0.0)
        if group == "gradient":
            least = 1e-6 * self.golden["gradient_l2"]
            share = min(error / max(1e-4, 5 * torch_error), apart / least)
            if apart <= least:          # zero in exact arithmetic: no relative error to speak of
                error = 0.0 if norm <= least else error
        elif group == "adamw":
            share = error / 1e-2
        else:
            share = error / max(1e-5 if group == "loss" else 2e-5, 10 * torch_error)
        self.note(group, name, error, share)

    def note(self, group, name, error, share):
        row = self.worst.setdefault(group, [0, 0.0, name, 0.0, name])
        row[0] += 1
        for i, value in ((1, error), (3, share)):
            if not value <= row[i]:     # a NaN counts as the worst
                row[i], row[i + 1] = value, name


def watch_blocks(model, seen):
    """Keeps what the encoder's parts give on their first run."""
    def keep(name, pick=lambda y: y):
        def hook(_module, _input, output):
            seen.setdefault(name, pick(output).detach())
        return hook
    swin = model.enc_img.swin
    hooks = [swin.patch_embed.register_forward_hook(keep("swin.patch_embed")),
             swin.register_forward_hook(keep("swin")),
             model.enc_img.register_forward_hook(keep("feature_image")),
             model.enc_txt.register_forward_hook(keep("feature_text"))]
    for s, layer in enumerate(swin.layers):
        hooks.append(layer.register_forward_hook(keep(f"swin.layer{s}")))
        hooks += [block.register_forward_hook(keep(f"swin.layer{s}.block{k}"))
                  for k, block in enumerate(layer.blocks)]
    hooks += [layer.register_forward_hook(keep(f"ct.layer{i}", lambda y: y[0]))
              for i, layer in enumerate(model.trsfr.layer)]
    return hooks


def check_case(folder):
    golden = json.loads((folder / "golden.json").read_text())
    stored = load_file(folder / "golden.safetensors")
    given = {k[3:]: v for k, v in stored.items() if k.startswith("in.")}
    check = Checker(golden, stored)

    model = hash_initialise(Violet(golden["config"]), golden["seed"]).eval()
    parameters = dict(model.named_parameters())
    shapes = {k: list(p.shape) for k, p in parameters.items()}
    if shapes != golden["parameters"]:
        raise SystemExit(f"{folder.name}: parameter names or shapes differ")
    for name, first in golden["first_values"].items():
        # fc.3.bias lists values of the larger open-ended head: a stream's start is the same
        ours = parameters[name].detach().flatten()[:len(first)]
        wanted = torch.tensor(first[:len(ours)])
        check.note("initial value", name, float((ours - wanted).abs().max()),
                   0.0 if torch.equal(ours, wanted) else 2.0)

    image, plain = given["image_masked"].float() / 255, given["image"].float() / 255
    masked = dict(given, image=image, text=given["text_masked"])
    seen = {}
    hooks = watch_blocks(model, seen)
    logits = model.pretrain_logits(masked)
    for hook in hooks:
        hook.remove()
    for name, value in seen.items():
        if name in golden["outputs"]:           # the large case keeps some of its blocks
            check("activation", name, value)
    for name, value in logits.items():
        check("logit", "logit_" + name, value)
    losses = pretrain_losses(logits, masked)
    loss = sum(losses.values())
    for name, value in losses.items():
        check("loss", "loss_" + name, value)
    check("loss", "loss", loss)
    loss.backward()
    for name, parameter in parameters.items():
        check("gradient", "grad/" + name, parameter.grad)
    with torch.no_grad():
        weight = model.attended_weight(plain, given["text"], given["text_mask"])
        check("attended weight", "attended_weight", weight)
    del logits, losses, loss, seen

    if "retrieval/logit" in golden["outputs"]:
        with torch.no_grad():
            B = plain.shape[0]
            features = model.features(plain, given["text"])
            pairs = [(b, c) for b in range(B) for c in range(B)]
            score = model.match(*features, given["text_mask"], pairs).view(B, B) / VTM_TEMPERATURE
            check("retrieval logit", "retrieval/logit", score)
            check("loss", "retrieval/loss", F.cross_entropy(score, torch.arange(B)))

    if golden["losses_over_steps"]:
        check_steps(golden, check, model, parameters, masked)
    print(f"{folder.name}: {sum(p.numel() for p in parameters.values()) / 1e6:.1f} M parameters")
    for group, (count, error, error_name, share, share_name) in check.worst.items():
        print(f"  {group:16s} {count:4d} compared, largest error {error:.1e} ({error_name}), "
              f"at most {share:.2f} of the tolerance ({share_name})")
    left = sorted({"/".join(name.split("/")[:2]) for name in check.left})
    print(f"  not compared: {', '.join(left) or 'nothing'}")
    return all(row[3] <= 1.0 for row in check.worst.values())


def check_steps(golden, check, model, parameters, masked):
    """Five AdamW updates on one batch, without dropout."""
    start = {k: p.detach().clone() for k, p in parameters.items()}
    step = optimiser(model, golden["lr"])
    for i, wanted in enumerate(golden["losses_over_steps"]):
        step.zero_grad()
        losses = pretrain_losses(model.pretrain_logits(masked), masked)
        loss = sum(losses.values())
        loss.backward()
        step.step()
        for column, want in zip(golden["loss_columns"], wanted):
            ours = (loss if column == "sum" else losses[column]).item()
            error = abs(ours - want) / abs(want)
            check.note("losses of steps", f"step {i} {column}", error, error / 1e-3)
    for name in (k for k in golden["outputs"] if k.startswith("adamw_change/")):
        key = name.split("/", 1)[1]
        check("adamw", name, parameters[key].detach() - start[key])


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    folder = Path(sys.argv[1])
    good = [check_case(folder / case) for case in sys.argv[2:] or ["tiny-a", "tiny-c", "base"]]
    raise SystemExit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
