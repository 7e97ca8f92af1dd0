"""Writes golden_amp.json: training steps in mixed precision of PyTorch's own
autocast, GradScaler and fused AdamW, for weights and images from the formula of
system/nn. Run by hand, with torch 2.11 and torchvision:

    python3 system/optim/testdata/golden_amp.py

Each case has, for every step, the loss (the mean over the parts that the batch is
cut into), the norm of all gradients after unscaling and before clipping (null if it
is not finite), and the scale after the step; and the norm of all weights at the end.
"""

import json
import math
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "peer"))
import pytorch_worker as peer  # noqa: E402  (the networks and the formula)
import torch  # noqa: E402

SEED, RATE, DECAY, CLIP = 11, 1e-3, 1e-4, 1.0

# model, pixels, batch, parts, precision, steps, first scale (0: no scaler), interval of growth
CASES = [
    ("resnet18", 32, 4, 1, "bfloat16", 3, 0, 0),
    ("light_transformer", 64, 2, 1, "bfloat16", 3, 0, 0),
    ("resnet18", 32, 4, 1, "float16", 4, 2.0**13, 3),
    ("light_transformer", 32, 4, 2, "float16", 5, 2.0**16, 2),
]


def main():
    torch.set_num_threads(1)
    lines = ",\n  ".join(json.dumps(case(*c)) for c in CASES)
    (HERE / "golden_amp.json").write_text(f'{{\n "torch": "{torch.__version__}",\n "cases": [\n  {lines}\n ]\n}}\n')


def case(name, pixels, batch, parts, precision, steps, scale, interval):
    model = peer.build(name, 3).train()
    peer.fill_weights(model, SEED)
    shape = (batch, 3, pixels, pixels)
    images = torch.from_numpy(peer.uniform("input", SEED, math.prod(shape), 0.0, math.sqrt(3)).reshape(shape))
    labels = (torch.arange(batch) % 2).float()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY, fused=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=scale or 1.0, growth_interval=interval or 1, enabled=scale > 0)
    out = {"model": name, "shape": shape, "parts": parts, "precision": precision, "seed": SEED, "rate": RATE, "decay": DECAY,
           "clip": CLIP, "scale": scale, "interval": interval, "steps": []}
    torch.manual_seed(SEED)
    for _ in range(steps):
        loss = backward(model, scaler, images, labels, parts, getattr(torch, precision))
        scaler.unscale_(optimizer)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP).item()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        out["steps"].append({"loss": loss, "norm": norm if math.isfinite(norm) else None, "scale": scaler.get_scale()})
    out["weights"] = math.sqrt(sum(p.double().square().sum().item() for p in model.parameters()))
    return out


def backward(model, scaler, images, labels, parts, dtype):
    """Adds to the gradients, part by part; returns the mean loss."""
    total = 0.0
    for x, y in zip(images.chunk(parts), labels.chunk(parts)):
        with torch.autocast("cpu", dtype):
            loss = torch.nn.functional.binary_cross_entropy_with_logits(model(x).reshape(-1), y) / parts
        scaler.scale(loss).backward()
        total += loss.item()
    return total


if __name__ == "__main__":
    main()
