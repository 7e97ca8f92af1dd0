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

import argparse
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

TOLERANCE = 1e-4  # of the largest logit
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


def main():
    args = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    args.add_argument("--lens", default=ROOT / "bin" / "lens")
    lens = args.parse_args().lens
    worst = 0.0
    for case in CASES:
        with tempfile.TemporaryDirectory() as work:
            worst = max(worst, check(lens, pathlib.Path(work), *case))
    print(f"largest difference {worst:.1e} of the largest logit, allowed {TOLERANCE:.0e}")
    sys.exit(worst > TOLERANCE)


def check(lens, work, name, bands, height, width):
    torch.manual_seed(1)
    model = peer.build(name, bands)
    images = torch.randn(3, bands, height, width)
    np.save(work / "x.npy", images.numpy())

    run(lens, "init", "--model", name, "--bands", bands, "--seed", 7, "-o", work / "ours.safetensors")
    model.load_state_dict(load_file(work / "ours.safetensors"), strict=True)
    there = difference(predict(lens, work, name, "ours"), model, images)

    randomise(model)
    save_file(model.state_dict(), work / "theirs.safetensors")
    back = difference(predict(lens, work, name, "theirs"), model, images)
    print(f"{name}, {bands} bands, {height}x{width}: from lens {there:.1e}, from PyTorch {back:.1e}")
    return max(there, back)


def randomise(model):
    """Gives every parameter and statistic a value of its own."""
    with torch.no_grad():
        for name, t in model.state_dict().items():
            if name.endswith("running_var"):
                t.uniform_(0.5, 2)
            elif t.dtype == torch.int64:
                t.fill_(42)
            else:
                # Not larger: a network whose activations grow without bound
                # amplifies rounding, and the comparison would say nothing.
                t.add_(0.3 * torch.randn_like(t) * (t.std() if t.dim() > 1 else 1))


def predict(lens, work, name, weights):
    run(lens, "predict", "--model", name, "--weights", work / f"{weights}.safetensors",
        "--images", work / "x.npy", "--batch", 2, "-o", work / "logits.npy")
    return np.load(work / "logits.npy")


def difference(ours, model, images):
    with torch.inference_mode():
        theirs = model(images).numpy()
    assert ours.dtype == np.float32 and ours.shape == theirs.shape, (ours.dtype, ours.shape)
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def run(*command):
    subprocess.run([str(c) for c in command], check=True)


if __name__ == "__main__":
    main()
