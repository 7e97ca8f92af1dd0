#!/usr/bin/env python3
"""Compare the speed of `lens load` with that of PyTorch's DataLoader on the same files.

    make build
    PYTHON system/loader/compare_dataloader.py [--lens bin/lens] [npy png]

PYTHON needs torch, torchvision, numpy and pillow. Two sets of files are written, with
the same 6,000 images of 64x64 pixels in three bands, noise that does not compress well:
.npy, float32 [bands, rows, columns], which neither side has to transpose; and .png, 8 bit
RGB, which both bring to float32 [bands, rows, columns].

Both read all files in order with two workers, batches of 64 and a prefetch of four
batches: per worker for DataLoader, whose workers persist, in all for lens. Neither
varies or normalises anything, and batches are thrown away. First the pixels are
compared. Then they take turns, one epoch each after one to warm up; the ratio is that
of images per second of neighbours, with its spread over the rounds. A step's wait is the
mean time that the loop stands in next() for a batch, without the first.
"""
import argparse
import hashlib
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import ToTensor

SIDE, BATCH, WORKERS, PREFETCH = 64, 64, 2, 4


def write(directory, count):
    """Writes the files; returns a directory for each format."""
    rng = np.random.default_rng(0)
    directories = {}
    for kind in ("npy", "png"):
        directories[kind] = pathlib.Path(directory, kind)
        directories[kind].mkdir()
    for i in range(count):
        image = np.clip(rng.normal(40, 12, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(image).save(directories["png"] / ("%05d.png" % i))
        np.save(directories["npy"] / ("%05d.npy" % i), np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32))
    return directories


class Files(torch.utils.data.Dataset):
    def __init__(self, directory):
        self.paths = sorted(str(p) for p in directory.iterdir())
        self.read = self.png if directory.name == "png" else self.npy
        self.transform = ToTensor()

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        return self.read(self.paths[i]), 0.0

    def png(self, path):
        return self.transform(Image.open(path).convert("RGB"))

    def npy(self, path):
        return torch.from_numpy(np.load(path))


def dataloader(directory):
    return torch.utils.data.DataLoader(Files(directory), batch_size=BATCH, num_workers=WORKERS,
                                       persistent_workers=True, prefetch_factor=PREFETCH)


def peer_epoch(loader):
    """Returns images per second and the wait of a step."""
    images, waits = 0, []
    begin = time.perf_counter()
    batches = iter(loader)
    while True:
        asked = time.perf_counter()
        batch = next(batches, None)
        if batch is None:
            break
        waits.append(time.perf_counter() - asked)
        images += batch[0].shape[0]
    return images / (time.perf_counter() - begin), statistics.mean(waits[1:])


def peer_digest(loader, unit):
    digest = hashlib.sha256()
    for pixels, _ in loader:
        digest.update((pixels * unit).round().numpy().astype("<f4").tobytes())
    return digest.hexdigest()


def lens(program, directory, *more):
    """Loads two epochs and returns what lens says of the second."""
    command = [program, "load", "--data", str(directory), "--batch", str(BATCH), "--workers", str(WORKERS),
               "--prefetch", str(PREFETCH), "--stretch", "none", "--epochs", "2", "--json", *more]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(run.stderr)
    return json.loads(run.stdout.splitlines()[-1])


def compare(program, directory, rounds):
    kind = directory.name
    loader = dataloader(directory)
    if lens(program, directory, "--digest")["digest"] != peer_digest(loader, 255 if kind == "png" else 1):
        raise SystemExit("%s: lens and DataLoader read other pixels" % kind)
    ours, theirs = [], []
    for _ in range(rounds):
        epoch = lens(program, directory)
        ours.append((epoch["images_per_second"], epoch["wait_per_step"]))
        theirs.append(peer_epoch(loader))
    ratios = [a[0] / b[0] for a, b in zip(ours, theirs)]
    middle = lambda pairs, k: statistics.median(p[k] for p in pairs)
    print("%s: lens %.0f images/s, DataLoader %.0f: ratio %.2f (%.2f to %.2f in %d rounds of %d); wait per step %.2f ms, DataLoader %.2f ms"
          % (kind, middle(ours, 0), middle(theirs, 0), statistics.median(ratios), min(ratios), max(ratios), rounds,
             len(loader.dataset), 1e3 * middle(ours, 1), 1e3 * middle(theirs, 1)), flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("formats", nargs="*", metavar="FORMAT", help="npy or png; both without")
    p.add_argument("--lens", default="bin/lens", help="the program")
    p.add_argument("--images", type=int, default=6000)
    p.add_argument("--rounds", type=int, default=7)
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        directories = write(directory, args.images)
        for kind in args.formats or ["npy", "png"]:
            compare(args.lens, directories[kind], args.rounds)


if __name__ == "__main__":
    main()
