"""Writes golden.json: logits of PyTorch's own modules for weights and images
from the formula of system/nn. Run by hand, with torch 2.11 and torchvision:

    python3 system/model/testdata/golden.py

Every network is scored with the plain weights and with the scrambled ones, in
which no normalisation is the identity and no embedding is small; sizes and
numbers of bands vary, so that each branch of the networks is passed.
"""

import hashlib
import json
import math
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "peer"))
import pytorch_worker as peer  # noqa: E402  (the networks and the formula)
import torch  # noqa: E402

# model, bands, height, width, batch
CASES = [
    ("resnet18", 3, 64, 64, 4),
    ("resnet18", 1, 112, 80, 2),
    ("resnet34", 3, 64, 64, 2),
    ("vit_b_16", 3, 224, 224, 2),
    ("light_transformer", 3, 112, 112, 2),
    ("light_transformer", 5, 256, 256, 1),  # an 8x8 grid: positions are not resized
    ("light_transformer", 4, 64, 96, 2),
]
SEED = 11


def main():
    cases = []
    for name, bands, height, width, batch in CASES:
        model = peer.build(name, bands)
        shape = (batch, bands, height, width)
        images = peer.uniform("input", SEED, math.prod(shape), 0.0, math.sqrt(3))
        for scrambled in (False, True):
            peer.fill_weights(model, SEED, scrambled)
            with torch.inference_mode():
                logits = model(torch.from_numpy(images.reshape(shape))).tolist()
            cases.append({"model": name, "scrambled": scrambled, "seed": SEED, "shape": shape, "logits": logits})
    digests = {name: digest(peer.build(name, 3)) for name in peer.PIXELS}
    lines = ",\n  ".join(map(json.dumps, cases))
    (HERE / "golden.json").write_text(
        f'{{\n "torch": "{torch.__version__}",\n "state_dict": {json.dumps(digests)},\n "cases": [\n  {lines}\n ]\n}}\n'
    )


def digest(model):
    """SHA-256 of the state_dict's names and shapes, in order."""
    lines = "".join(f"{name} {tuple(t.shape)}\n" for name, t in model.state_dict().items())
    return hashlib.sha256(lines.encode()).hexdigest()


if __name__ == "__main__":
    main()
