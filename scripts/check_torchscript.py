#!/usr/bin/env python3
"""Loads what lens export writes in PyTorch, and compares logits.

    make build
    PYTHON scripts/check_torchscript.py [--lens bin/lens]

PYTHON needs torch 2.11, torchvision and safetensors. Not part of the tests,
which need no Python packages.

For every network: lens init → safetensors → lens export → torch.jit.load gives
the logits of the PyTorch network of the same weights, as it is read and again
after torch.jit.optimize_for_inference. BatchNorm's statistics are random, so
that folding it is no rounding of nothing.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "system" / "peer"))
import pytorch_worker as peer  # noqa: E402  (the networks as PyTorch modules)
import torch  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

TOLERANCE = 1e-4  # of the largest logit
# model, bands, height, width
CASES = [
    ("resnet18", 1, 64, 64),
    ("resnet18", 3, 64, 96),
    ("resnet34", 3, 64, 64),
    ("vit_b_16", 3, 224, 224),
    ("light_transformer", 3, 112, 112),
    ("light_transformer", 4, 160, 80),
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
    sys.exit(not worst <= TOLERANCE)


def check(lens, work, name, bands, height, width):
    torch.manual_seed(1)
    model = peer.build(name, bands).eval()
    randomise(model)
    save_file(model.state_dict(), work / "w.safetensors")
    command = [lens, "export", "--model", name, "--weights", work / "w.safetensors", "--bands", bands, "--torchscript", work / "net.pt"]
    subprocess.run([str(c) for c in command], check=True)
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


def randomise(model):
    """Gives every parameter and statistic a value of its own."""
    with torch.no_grad():
        for name, t in model.state_dict().items():
            if name.endswith("running_var"):
                t.uniform_(0.5, 2)
            elif t.dtype != torch.int64:
                t.add_(0.3 * torch.randn_like(t) * (t.std() if t.dim() > 1 else 1))


if __name__ == "__main__":
    main()
