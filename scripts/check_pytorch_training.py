#!/usr/bin/env python3
"""Compares a training step of lens with PyTorch's, on the same weights and batch.

    make build
    PYTHON scripts/check_pytorch_training.py [--lens bin/lens]

PYTHON needs torch 2.11, torchvision and safetensors. Not part of the tests, which
need no Python packages.

For every network, with dropout and DropPath as in training:
  1. lens trains one step from weights of lens init, and PyTorch one from the same:
     loss, gradients and weights after AdamW agree;
  2. PyTorch loads weights, moments and generator of lens's checkpoint, lens makes
     its second step, PyTorch the same: losses agree;
  3. lens begins with the weights that PyTorch's step has left: losses agree.

The gradients of lens are its first moments after one step, divided by 1 - 0.9.
The order of a batch's images is lens's own, so PyTorch tries them all.

AdamW's first step is as long for a gradient that is nothing but rounding as for any
other. So weights are compared twice: after PyTorch's AdamW with the gradients of
lens ("AdamW"), and after the whole step where a gradient is above 1e-4 of the
largest of its tensor ("weights").
"""

import argparse
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "system" / "peer"))
import numpy as np  # noqa: E402
import pytorch_worker as peer  # noqa: E402  (the networks as PyTorch modules)
import torch  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

LOSS, GRADIENT, WEIGHT = 1e-6, 1e-4, 1e-6
ALLOWED = (LOSS, GRADIENT, WEIGHT, WEIGHT, LOSS, LOSS)
RATE, DECAY, SEED = 1e-4, 1e-4, 1
CASES = [("resnet18", 64, 4), ("resnet34", 64, 4), ("light_transformer", 112, 4), ("vit_b_16", 224, 2)]  # pixels, batch


def main():
    args = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    args.add_argument("--lens", default=ROOT / "bin" / "lens")
    args.add_argument("--threads", type=int, default=2)
    args = args.parse_args()
    torch.set_num_threads(args.threads)
    good = True
    print(f"{'':18}{'loss':>9}{'gradients':>11}{'AdamW':>9}{'weights':>9}{'their next':>12}{'our next':>10}")
    for case in CASES:
        with tempfile.TemporaryDirectory() as work:
            values = check(args.lens, args.threads, pathlib.Path(work), *case)
        print(line(case[0], values), flush=True)
        good &= all(v <= limit for v, limit in zip(values, ALLOWED))
    print(line("allowed", ALLOWED))
    sys.exit(not good)


def line(name, values):
    return f"{name:18}" + "".join(f"{v:{width}.1e}" for v, width in zip(values, (9, 11, 9, 9, 12, 10)))


def check(lens, threads, work, name, pixels, batch):
    run(lens, "simulate", "--train", batch, "--validation", 2, "--pixels", pixels, "--seed", 3, "-o", work / "set")
    run(lens, "init", "--model", name, "--bands", 3, "--seed", 7, "-o", work / "w.safetensors")
    images, labels = batch_of(work / "set", batch)

    # 1. One step.
    losses, state = train(lens, threads, work, name, batch, "one", work / "w.safetensors", 1)
    model = peer.build(name, 3)
    model.load_state_dict(load_file(work / "w.safetensors"), strict=True)
    start = torch.manual_seed(SEED).get_state()
    order = order_of(model, images, labels, start, losses[0])
    theirs, optimizer = step(model, images[order], labels[order], start)
    gradients = {n: p.grad for n, p in model.named_parameters()}
    difference = [abs(theirs - losses[0])]
    difference.append(max(relative(state[f"optimizer.exp_avg.{n}"] / 0.1, g) for n, g in gradients.items()))
    difference.append(adamw(name, work, state))
    difference.append(max(absolute(state[n], t, significant(gradients.get(n))) for n, t in model.state_dict().items() if t.is_floating_point()))
    save_file(model.state_dict(), work / "theirs.safetensors")

    # 2. PyTorch goes on from lens's checkpoint.
    losses, _ = train(lens, threads, work, name, batch, "two", work / "w.safetensors", 2)
    model.load_state_dict({n: t for n, t in state.items() if n in model.state_dict()}, strict=True)
    names = {p: n for n, p in model.named_parameters()}
    for group in optimizer.param_groups:
        for p in group["params"]:
            optimizer.state[p] = {"step": state["optimizer.step"].reshape(()), "exp_avg": state[f"optimizer.exp_avg.{names[p]}"],
                                  "exp_avg_sq": state[f"optimizer.exp_avg_sq.{names[p]}"]}
    order = order_of(model, images, labels, state["generator"], losses[1])
    second, _ = step(model, images[order], labels[order], state["generator"], optimizer)
    difference.append(abs(second - losses[1]))

    # 3. lens goes on from PyTorch's weights.
    losses, _ = train(lens, threads, work, name, batch, "three", work / "theirs.safetensors", 1)
    model.load_state_dict(load_file(work / "theirs.safetensors"), strict=True)
    order = order_of(model, images, labels, start, losses[0])
    difference.append(abs(step(model, images[order], labels[order], start)[0] - losses[0]))
    return difference


def batch_of(path, n):
    """All training images, by the stretch called linear, and their labels."""
    manifest = json.loads((path / "manifest.json").read_text())["images"][:n]
    images = np.stack([np.load(path / m["file"]) for m in manifest])
    images /= np.abs(images).max(axis=(1, 2, 3), keepdims=True)
    return torch.from_numpy(images), torch.tensor([float(m["label"]) for m in manifest])


def train(lens, threads, work, name, batch, out, init, epochs):
    """Trains one step an epoch; returns their losses and the last checkpoint."""
    run(lens, "train", "--data", work / "set", "--model", name, "--init", init, "-o", work / out, "--epochs", epochs,
        "--batch", batch, "--lr", RATE, "--weight-decay", DECAY, "--clip-norm", 0, "--schedule", "constant", "--stretch", "linear",
        "--flips=false", "--shift", 0, "--seed", SEED, "--threads", threads, "--workers", 0)
    lines = [json.loads(line) for line in (work / out / "metrics.jsonl").read_text().splitlines()]
    return [m["loss"] for m in lines if m["kind"] == "epoch"], load_file(work / out / "last.safetensors")


def loss_of(model, images, labels, generator):
    torch.set_rng_state(generator)
    return torch.nn.functional.binary_cross_entropy_with_logits(model.train()(images).reshape(-1), labels)


def order_of(model, images, labels, generator, loss):
    """The order of the batch in which PyTorch's loss is nearest to lens's."""
    state = {n: t.clone() for n, t in model.state_dict().items()}
    orders = [list(o) for o in itertools.permutations(range(len(labels)))]
    with torch.no_grad():
        best = min(orders, key=lambda o: abs(loss_of(model, images[o], labels[o], generator).item() - loss))
    model.load_state_dict(state)  # BatchNorm has moved its statistics
    return best


def step(model, images, labels, generator, optimizer=None):
    if optimizer is None:
        optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY, fused=True)
    optimizer.zero_grad()
    loss = loss_of(model, images, labels, generator)
    loss.backward()
    optimizer.step()
    return loss.item(), optimizer


def adamw(name, work, state):
    """Largest difference of weights after PyTorch's AdamW with the gradients of lens."""
    model = peer.build(name, 3)
    model.load_state_dict(load_file(work / "w.safetensors"), strict=True)
    for n, p in model.named_parameters():
        p.grad = (state[f"optimizer.exp_avg.{n}"].double() / (1 - 0.9)).float().reshape(p.shape)
    torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY, fused=True).step()
    return max(absolute(state[n], p.detach()) for n, p in model.named_parameters())


def significant(gradient):
    """Where a gradient is more than rounding; everywhere for what has none."""
    return slice(None) if gradient is None else gradient.abs() > GRADIENT * gradient.abs().max()


def absolute(ours, theirs, where=slice(None)):
    """Largest difference."""
    return (ours.reshape(theirs.shape) - theirs).abs()[where].max().item()


def relative(ours, theirs):
    """Largest difference, in units of the largest element."""
    largest = theirs.abs().max().item()
    return absolute(ours, theirs) / largest if largest > 0 else absolute(ours, theirs)


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(str(c) for c in command)}\n{done.stderr}")


if __name__ == "__main__":
    main()
