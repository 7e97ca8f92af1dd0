#!/usr/bin/env python3
"""Compare the speed of `lens render` with lenstronomy's on the same scenes.

    python3 system/sky/compare_lenstronomy.py --lens bin/lens 64 112

Needs lenstronomy (and numba). For each size, scenes of one lens (SIE and shear), its
light (n = 4) and one source are drawn, all parameters different in each; pixels of
0.2", a Gaussian of FWHM 0.7". Both render all of them in turns, one thread each,
objects built once: lens at the quality of a simulation, lenstronomy in two ways, fast
(supersampling 3, convolution after binning) and as accurate as it gets in reasonable time
(supersampling 9, convolved before binning). The ratio is of images per second of
processor time, with the spread over the rounds. Errors are relative to the peak,
against the converged images of `lens render`.
"""
import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
from lenstronomy.Data.pixel_grid import PixelGrid
from lenstronomy.Data.psf import PSF
from lenstronomy.ImSim.image_model import ImageModel
from lenstronomy.LensModel.lens_model import LensModel
from lenstronomy.LightModel.light_model import LightModel

SCALE, FWHM = 0.2, 0.7
# Ways to use lenstronomy: supersampling, whether images are convolved before they are
# binned, and the share of the scenes that there is time for.
WAYS = {"fast": (3, False, 1.0), "accurate": (9, True, 0.2)}


def draw(rng, count):
    """Scenes as lenstronomy's arguments."""
    u = rng.uniform
    scenes = []
    for _ in range(count):
        e = u(-0.15, 0.15, 4)
        mass = dict(theta_E=u(0.6, 2.2), e1=e[0], e2=e[1], center_x=0.0, center_y=0.0)
        shear = dict(gamma1=u(-0.05, 0.05), gamma2=u(-0.05, 0.05), ra_0=0.0, dec_0=0.0)
        source = dict(amp=20.0, R_sersic=u(0.15, 0.5), n_sersic=u(0.8, 2.0), e1=e[2], e2=e[3],
                      center_x=u(-0.4, 0.4), center_y=u(-0.4, 0.4))
        light = dict(amp=20.0, R_sersic=u(0.5, 1.5), n_sersic=4.0, e1=e[0], e2=e[1], center_x=0.0, center_y=0.0)
        scenes.append(([mass, shear], [source], [light]))
    return scenes


def axes(args):
    """Replaces e1 and e2 by axis ratio and position angle."""
    args = {key: float(value) for key, value in args.items()}
    e1, e2 = args.pop("e1"), args.pop("e2")
    e = float(np.hypot(e1, e2))
    return dict(args, q=(1 - e) / (1 + e), phi=float(np.arctan2(e2, e1)) / 2)


def case(i, size, scene):
    """A scene as lens's input."""
    (mass, shear), source, light = scene
    lens = dict(axes(mass), gamma1=float(shear["gamma1"]), gamma2=float(shear["gamma2"]))
    return dict(id="s%04d" % i, n_pix=size, pixel_scale=SCALE, psf_fwhm=FWHM, lens=lens,
                lens_light=[axes(x) for x in light], source=[axes(x) for x in source])


def render(lens, cases, out, quality):
    """Renders with lens; returns images per second of processor time."""
    run = subprocess.run([lens, "render", cases, "--out", out, "--quality", quality, "--sersic-bn", "approx"],
                         capture_output=True, text=True, env=dict(os.environ, GOMAXPROCS="1"))
    if run.returncode != 0:
        raise SystemExit(run.stderr)
    return float(run.stderr.split(",")[-1].split()[0])


def peer_model(size, supersampling, before):
    corner = -(size - 1) / 2 * SCALE
    grid = PixelGrid(nx=size, ny=size, transform_pix2angle=np.eye(2) * SCALE, ra_at_xy_0=corner, dec_at_xy_0=corner)
    return ImageModel(grid, PSF(psf_type="GAUSSIAN", fwhm=FWHM), lens_model_class=LensModel(["SIE", "SHEAR"]),
                      source_model_class=LightModel(["SERSIC_ELLIPSE"]), lens_light_model_class=LightModel(["SERSIC_ELLIPSE"]),
                      kwargs_numerics=dict(supersampling_factor=supersampling, supersampling_convolution=before))


def peer_speed(model, scenes):
    begin = time.process_time()
    for scene in scenes:
        model.image(*scene)
    return len(scenes) / (time.process_time() - begin)


def error(image, truth):
    return np.max(np.abs(image - truth)) / np.max(truth)


def compare(lens, size, count, rounds, directory):
    scenes = draw(np.random.default_rng(1), count)
    cases = os.path.join(directory, "scenes.json")
    with open(cases, "w") as f:
        json.dump(dict(cases=[case(i, size, s) for i, s in enumerate(scenes)]), f)
    fast, true = os.path.join(directory, "fast"), os.path.join(directory, "true")
    render(lens, cases, true, "converged")
    load = lambda where, i: np.load(os.path.join(where, "s%04d.npy" % i))
    for way, (supersampling, before, share) in WAYS.items():
        model, part = peer_model(size, supersampling, before), scenes[:round(share * count)]
        peer_speed(model, part[:3])
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(render(lens, cases, fast, "simulation"))
            theirs.append(peer_speed(model, part))
        ratios = [a / b for a, b in zip(ours, theirs)]
        errors = [error(model.image(*scene), load(true, i)) for i, scene in enumerate(part)]
        print("%d pixels: %.0f images per CPU second, lenstronomy %s %.1f: ratio %.1f (%.1f to %.1f in %d rounds)"
              % (size, statistics.median(ours), way, statistics.median(theirs), statistics.median(ratios), min(ratios), max(ratios), rounds))
        report("lenstronomy " + way, errors)
    report("lens", [error(load(fast, i), load(true, i)) for i in range(count)])


def report(name, errors):
    print("  error of %-21s median %.1e, largest %.1e of the peak" % (name + ":", statistics.median(errors), max(errors)))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("sizes", type=int, nargs="*", default=[64, 112], help="pixels on a side")
    p.add_argument("--lens", default="bin/lens", help="the program")
    p.add_argument("--scenes", type=int, default=100)
    p.add_argument("--rounds", type=int, default=7)
    args = p.parse_args()
    for size in args.sizes:
        with tempfile.TemporaryDirectory() as directory:
            compare(args.lens, size, args.scenes, args.rounds, directory)


if __name__ == "__main__":
    main()
