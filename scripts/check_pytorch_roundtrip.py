#!/usr/bin/env python3
"""Moves weights between lens and PyTorch, both ways, and compares logits.

    make build
    PYTHON scripts/check_pytorch_roundtrip.py [--lens bin/lens]

PYTHON needs torch 2.11, torchvision and safetensors. Not part of the tests,
which need no Python packages; they compare with values that PyTorch has written
(system/model/testdata/golden.py).

For every network and several numbers of bands:
  1. lens init → safetensors → load_state_dict(strict=True) → PyTorch's logits
     equal those of lens predict;
  2. a PyTorch module whose every parameter and statistic is random → save_file
     → lens predict gives PyTorch's logits.
"""

import exchanged
import numpy as np
import torch

# model, bands, height, width
CASES = [
    ("resnet18", 1, 64, 64),
    ("resnet18", 3, 64, 96),
    ("resnet34", 3, 64, 64),
    ("resnet34", 4, 64, 64),
    ("vit_b_16", 3, 224, 224),
    ("vit_b_16", 5, 224, 224),
    ("light_transformer", 3, 112, 112),
    ("light_transformer", 4, 128, 80),
]


def check(lens, work, name, bands, height, width):
    images = torch.randn(3, bands, height, width)
    np.save(work / "x.npy", images.numpy())

    model = exchanged.first(lens, name, bands, work / "ours.safetensors")
    there = difference(predict(lens, work, name, "ours"), model, images)

    exchanged.randomise(model, work / "theirs.safetensors")
    back = difference(predict(lens, work, name, "theirs"), model, images)
    print(f"{name}, {bands} bands, {height}x{width}: from lens {there:.1e}, from PyTorch {back:.1e}")
    return max(there, back)


def predict(lens, work, name, weights):
    exchanged.run(lens, "predict", "--model", name, "--weights", work / f"{weights}.safetensors",
        "--images", work / "x.npy", "--batch", 2, "-o", work / "logits.npy")
    return np.load(work / "logits.npy")


def difference(ours, model, images):
    with torch.inference_mode():
        theirs = model(images).numpy()
    assert ours.dtype == np.float32 and ours.shape == theirs.shape, (ours.dtype, ours.shape)
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


if __name__ == "__main__":
    exchanged.main(__doc__, CASES, check)
