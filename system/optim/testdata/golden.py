"""Writes golden.json: training steps of PyTorch's own modules and fused AdamW, for
weights and images from the formula of system/nn. Run by hand, with torch 2.11 and
torchvision:

    python3 system/optim/testdata/golden.py

Each case has the losses and the norms of all gradients of two steps, and after
the first the norms of every parameter and of its two moments.
"""

import json
import math
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "peer"))
import pytorch_worker as peer  # noqa: E402  (the networks and the formula)
import torch  # noqa: E402

# model, pixels, batch, largest norm
CASES = [
    ("resnet18", 32, 4, 1.0),
    ("resnet18", 32, 4, 0.0),
    ("resnet34", 32, 2, 1.0),
    ("light_transformer", 64, 2, 1.0),
    ("vit_b_16", 224, 1, 1.0),
]
SEED, RATE, DECAY, STEPS = 11, 1e-3, 1e-4, 2


def main():
    torch.set_num_threads(1)
    lines = ",\n  ".join(json.dumps(case(*c)) for c in CASES)
    (HERE / "golden.json").write_text(f'{{\n "torch": "{torch.__version__}",\n "cases": [\n  {lines}\n ]\n}}\n')


def case(name, pixels, batch, clip):
    model = peer.build(name, 3).train()
    peer.fill_weights(model, SEED)
    shape = (batch, 3, pixels, pixels)
    images = torch.from_numpy(peer.uniform("input", SEED, math.prod(shape), 0.0, math.sqrt(3)).reshape(shape))
    labels = (torch.arange(batch) % 2).float()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY, fused=True)
    out = {"model": name, "shape": shape, "seed": SEED, "rate": RATE, "decay": DECAY, "clip": clip, "losses": [], "norms": []}
    torch.manual_seed(SEED)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(images).reshape(-1), labels)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), clip if clip > 0 else math.inf)
        optimizer.step()
        out["losses"].append(loss.item())
        out["norms"].append(norm.item())
        if step == 0:
            out["parameters"] = {n: size(n, p, optimizer.state[p]) for n, p in model.named_parameters()}
    return out


def size(name, p, state):
    return [float(f"{t.double().norm().item():.9g}") for t in (p.detach(), state["exp_avg"], state["exp_avg_sq"])]


if __name__ == "__main__":
    main()
