"""The peer as a process to measure: a command a line on stdin, a JSON line on stdout for each.

    setup {"preset": "tiny", "frames": 4, "size_img": 224, "size_txt": 32, "batch": 2, "threads": 2}
              preset: violet1, tiny, or an object with the same keys; also "seed" (0) of weights and
              batch, "lr" (2e-5), "fused" (false: PyTorch's default AdamW, as published)
    forward   evaluation mode, no gradient: image encoder, text embedding, cross-modal encoder and
              the score of each video with its own text
    step      one published pretraining step: attended pass, masking, losses, backward, AdamW
    check     the losses, gradient norm and update of a step without chance in it, to compare with
              another program's: no dropout, masks and negatives by rule
    memory    resident memory now and at its highest, in bytes
    peak      forgets the highest so far
    quit

Every answer has "command", "seconds" and "cpu" (of all threads); a failed one has "error". Run it
by bench/peer/run, which sets the allocator.
"""
import json
import os
import sys
import time

import torch

from violet_torch import (PretrainStep, Violet, hash_batch, hash_initialise, masks_by_rule, preset,
                          pretrain_losses)


def memory(_given):
    with open("/proc/self/status") as f:
        rows = dict(line.split(":", 1) for line in f)
    return dict(peak=int(rows["VmHWM"].split()[0]) * 1024,
                now=int(rows["VmRSS"].split()[0]) * 1024)


def forget_peak(_given):
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")
    return {}


class Peer:
    def __init__(self):
        self.model = self.batch = self.pretrain = None

    def setup(self, given):
        want = dict(preset="violet1", frames=4, size_img=224, size_txt=32, batch=1, threads=2,
                    seed=0, lr=2e-5, fused=False)
        unknown = sorted(set(given) - set(want))
        if unknown:
            raise ValueError(f"setup does not know {', '.join(unknown)}")
        want.update(given)
        config = want["preset"]
        config = preset(config) if isinstance(config, str) else config
        self.model = self.batch = self.pretrain = None          # before the new one takes memory
        torch.set_num_threads(want["threads"])
        torch.manual_seed(want["seed"])
        self.model = hash_initialise(Violet(config), want["seed"])
        self.batch = hash_batch(config, want["batch"], want["frames"], want["size_img"],
                                want["size_txt"], want["seed"])
        self.pretrain = PretrainStep(self.model, want["lr"], want["fused"])
        self.seed = want["seed"]
        return dict(parameters=sum(p.numel() for p in self.model.parameters()),
                    threads=torch.get_num_threads(), torch=torch.__version__,
                    isa=torch.backends.cpu.get_cpu_capability())

    def forward(self, _given):
        self.ready()
        self.model.eval()
        batch, clock = self.batch, [time.perf_counter()]
        with torch.no_grad():
            image = self.model.enc_img(batch["image"])
            clock.append(time.perf_counter())
            text = self.model.enc_txt(batch["text"])
            pairs = [(b, b) for b in range(len(image))]
            score = self.model.match(image, text, batch["text_mask"], pairs)
            clock.append(time.perf_counter())
        return dict(seconds=clock[2] - clock[0], score=score.tolist(),
                    parts=dict(image=clock[1] - clock[0], cross=clock[2] - clock[1]))

    def step(self, _given):
        self.ready()
        start = time.perf_counter()
        losses = self.pretrain(self.batch)
        return dict(seconds=time.perf_counter() - start, losses=losses,
                    parts=self.pretrain.seconds)

    def check(self, _given):
        self.ready()
        self.model.eval()
        batch = self.batch
        with torch.no_grad():
            weight = self.model.attended_weight(batch["image"], batch["text"], batch["text_mask"])
        masked = masks_by_rule(batch, self.seed)
        self.pretrain.optimiser.zero_grad()
        losses, loss = self.losses(masked)
        loss.backward()
        norm = sum(float(p.grad.double().square().sum()) for p in self.model.parameters()) ** 0.5
        self.pretrain.optimiser.step()
        self.pretrain.optimiser.zero_grad()
        with torch.no_grad():
            after, _ = self.losses(masked)
        return dict(losses=losses, gradient=norm, after=after,
                    attended_weight=weight.flatten()[::16].tolist())

    def losses(self, masked):
        losses = pretrain_losses(self.model.pretrain_logits(masked), masked)
        loss = sum(losses.values())
        return dict({k: v.item() for k, v in losses.items()}, sum=loss.item()), loss

    def ready(self):
        if self.model is None:
            raise ValueError("no setup yet")


def answer_lines(commands):
    """commands: name -> function of what is given, which returns a dict."""
    # Answers keep stdout to themselves: whatever else prints goes to stderr.
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    commands = dict(commands, memory=memory, peak=forget_peak)
    for line in sys.stdin:
        name, _, given = line.strip().partition(" ")
        if name == "quit":
            break
        if not name:
            continue
        start, cpu = time.perf_counter(), time.process_time()
        try:
            if name not in commands:
                raise ValueError(f"commands are {', '.join(commands)}, quit")
            answer = commands[name](json.loads(given) if given else {})
        except Exception as problem:            # the driver reads it; the process goes on
            answer = dict(error=f"{type(problem).__name__}: {problem}")
        answer.setdefault("seconds", time.perf_counter() - start)
        answer.setdefault("cpu", time.process_time() - cpu)
        out.write(json.dumps(dict(command=name, **answer)) + "\n")


def main():
    peer = Peer()
    answer_lines(dict(setup=peer.setup, forward=peer.forward, step=peer.step, check=peer.check))


if __name__ == "__main__":
    main()
