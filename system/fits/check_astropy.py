"""Astropy reads what lens writes as FITS, and lens reads what astropy writes.

    python3 system/fits/check_astropy.py --lens bin/lens

Needs astropy and numpy (pip install astropy). Exit status 1 if a value differs.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy as np
    from astropy.io import fits
except ImportError as e:
    sys.exit(f"{e}; pip install astropy")


def run(*words):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}: {done.stderr}")
    return done.stdout


def ours(lens, work):
    """A simulated set as FITS, read by astropy: to the bit."""
    run(lens, "simulate", "--count", 4, "--pixels", 24, "--seed", 5, "-o", work / "set")
    run(lens, "convert", work / "set", "-o", work / "ours", "--format", "fits")
    for i in range(4):
        want = np.load(work / "set" / "images" / f"{i:06d}.npy")
        with fits.open(work / "ours" / f"{i:06d}.fits") as f:
            f.verify("exception")
            got = np.stack([h.data for h in f if h.data is not None])
            names = [h.name for h in f if h.data is not None]
        yield f"astropy reads image {i} of lens, bands {names}", np.array_equal(got, want)


def theirs(lens, work, rng):
    """Files of astropy, of every type, read by lens: to float32."""
    cases = {
        "uint8": rng.integers(0, 256, (3, 9, 9)).astype(np.uint8),
        "int16": rng.integers(-32768, 32768, (3, 9, 9)).astype(np.int16),
        "uint16": rng.integers(0, 65536, (3, 9, 9)).astype(np.uint16),
        "int32": rng.integers(-(2**31), 2**31, (3, 9, 9)).astype(np.int32),
        "int64": rng.integers(-(2**60), 2**60, (3, 9, 9)),
        "float32": rng.normal(size=(3, 9, 9)).astype(np.float32),
        "float64": rng.normal(size=(3, 9, 9)),
    }
    for name, data in cases.items():
        place = work / f"theirs-{name}"
        place.mkdir()
        fits.PrimaryHDU(data).writeto(place / "cube.fits")
        yield from compare(lens, work, f"cube of {name}", place, data.astype(np.float32))
        place = work / f"bands-{name}"
        place.mkdir()
        hdus = [fits.PrimaryHDU()] + [fits.ImageHDU(d, name=b) for d, b in zip(data, "gri")]
        fits.HDUList(hdus).writeto(place / "bands.fits")
        yield from compare(lens, work, f"bands of {name}", place, data.astype(np.float32))
    place = work / "scaled"
    place.mkdir()
    data = rng.normal(size=(2, 9, 9)).astype(np.float32)
    hdu = fits.PrimaryHDU(data.copy())
    hdu.scale("int16", "minmax")
    hdu.writeto(place / "x.fits")
    with fits.open(place / "x.fits") as f:
        want = f[0].data.astype(np.float32)
    yield from compare(lens, work, "scaled by BSCALE and BZERO", place, want, 1e-6)


def compare(lens, work, what, place, want, tolerance=0.0):
    out = work / f"back-{place.name}"
    run(lens, "convert", place, "-o", out, "--format", "npy")
    got = np.load(next(out.glob("*.npy")))
    yield f"lens reads {what} of astropy", got.shape == want.shape and np.max(np.abs(got - want) / np.max(np.abs(want))) <= tolerance


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--lens", default="bin/lens")
    lens = p.parse_args().lens
    with tempfile.TemporaryDirectory() as d:
        work = pathlib.Path(d)
        results = [*ours(lens, work), *theirs(lens, work, np.random.default_rng(1))]
    for what, good in results:
        print("ok  " if good else "DIFFERS", what)
    sys.exit(0 if all(good for _, good in results) else 1)


if __name__ == "__main__":
    main()
