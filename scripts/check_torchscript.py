#!/usr/bin/env python3
"""Loads what lens export writes in PyTorch, and compares logits.

    make build
    PYTHON scripts/check_torchscript.py [--lens bin/lens]

PYTHON needs torch 2.11, torchvision and safetensors. Not part of the tests,
which need no Python packages.

For every network: safetensors → lens export → torch.jit.load gives
the logits of the PyTorch network of the same weights, as it is read and again
after torch.jit.optimize_for_inference. All parameters and statistics are random,
so that folding BatchNorm changes every weight.
"""

import exchanged
import torch

# model, bands, height, width
CASES = [
    ("resnet18", 1, 64, 64),
    ("resnet18", 3, 64, 96),
    ("resnet34", 3, 64, 64),
    ("vit_b_16", 3, 224, 224),
    ("light_transformer", 3, 112, 112),
    ("light_transformer", 4, 160, 80),
]


def check(lens, work, name, bands, height, width):
    model = exchanged.first(lens, name, bands, work / "init.safetensors")
    exchanged.randomise(model, work / "w.safetensors")
    exchanged.run(lens, "export", "--model", name, "--weights", work / "w.safetensors", "--bands", bands, "--torchscript", work / "net.pt")
    images = torch.randn(3, bands, height, width)
    with torch.inference_mode():
        want = model(images)
        script = torch.jit.load(str(work / "net.pt"))
        read = difference(script, images, want)
        optimised = difference(torch.jit.optimize_for_inference(script), images, want)
    print(f"{name}, {bands} bands, {height}x{width}: as read {read:.1e}, optimised {optimised:.1e}")
    return max(read, optimised)


def difference(script, images, want):
    """The first runs profile, later ones are what profiling made of it."""
    got = [script(images) for _ in range(3)]
    assert all(g.shape == want.shape for g in got), [g.shape for g in got]
    return max(float((g - want).abs().max() / want.abs().max()) for g in got)


if __name__ == "__main__":
    exchanged.main(__doc__, CASES, check)
