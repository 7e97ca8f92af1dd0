"""What the checks that exchange networks with PyTorch share: networks of the peer with
random weights, the program lens, and the largest difference over all cases."""

import argparse
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "system" / "peer"))
import pytorch_worker as peer  # noqa: E402  (the networks as PyTorch modules)
import torch  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

TOLERANCE = 1e-4  # of the largest logit


def run(*command):
    subprocess.run([str(c) for c in command], check=True)


def first(lens, name, bands, path):
    """The network with the weights that lens begins with, which go through a file."""
    run(lens, "init", "--model", name, "--bands", bands, "--seed", 7, "-o", path)
    model = peer.build(name, bands)
    model.load_state_dict(load_file(path), strict=True)
    return model


def randomise(model, path):
    """Gives every parameter and statistic a value of its own, and writes them."""
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
    save_file(model.state_dict(), path)


def main(description, cases, check):
    """Ends with 1 if check finds more than the tolerance in a case, or no number."""
    args = argparse.ArgumentParser(description=description.partition("\n")[0])
    args.add_argument("--lens", default=ROOT / "bin" / "lens")
    lens = args.parse_args().lens
    differences = []
    for case in cases:
        torch.manual_seed(1)
        with tempfile.TemporaryDirectory() as work:
            differences.append(check(lens, pathlib.Path(work), *case))
    print(f"largest difference {max(differences):.1e} of the largest logit, allowed {TOLERANCE:.0e}")
    sys.exit(not all(d <= TOLERANCE for d in differences))
