#!/usr/bin/env python3
"""Print the directory of a usable libtorch, fetching a copy if there is none.

usage: libtorch.py [--find | --verify]

Looked for in this order:
  LIBTORCH                a directory with include/ and lib/
  LIBTORCH_USE_PYTORCH=1  the PyTorch of the python3 on PATH
  the cache               $LENSBENCH_CACHE, $XDG_CACHE_HOME/lensbench or ~/.cache/lensbench
and, failing that, fetched from the Python package index into the cache (about
545 MB of download, 0.5 GB kept). The wheels are pinned by SHA-256; nothing is
installed and no Python environment is made. A copy becomes visible by one
rename, after it was verified, so an interrupted fetch leaves nothing that looks
complete; a second fetch at the same time waits for the first.

  --find    only look; exit 1 if there is none
  --verify  compare every file of the cached copy with the hashes taken when it was unpacked

Needs Python 3.8 or newer with pip, and nothing else.
"""
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

VERSION = "2.11.0"
OLDEST = (2, 11)

# The wheels, with their SHA-256, and what is taken from each.
WHEELS = {
    f"torch=={VERSION}": (
        "0f68f4ac6d95d12e896c3b7a912b5871619542ec54d3649cf48cc1edd4dd2756",
        ("torch/include/", "torch/lib/libc10.so", "torch/lib/libtorch_cpu.so", "torch/lib/libgomp.so.1",
         "torch/version.py"),
    ),
    "nvidia-cuda-runtime==13.0.96": (
        "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
        ("nvidia/cu13/lib/libcudart.so.13",),
    ),
    "nvidia-cuda-cupti==13.0.85": (
        "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
        ("nvidia/cu13/lib/libcupti.so.13",),
    ),
}
# One wheel, whatever Python runs this: libraries of other CPython versions'
# wheels work the same but differ in bytes.
PLATFORM = ["--python-version", "3.12", "--implementation", "cp", "--abi", "cp312", "--abi", "none",
            "--platform", "manylinux_2_28_x86_64", "--platform", "manylinux_2_25_x86_64",
            "--platform", "manylinux2014_x86_64", "--only-binary=:all:"]
NEEDED = ("include/ATen/core/TensorBody.h", "lib/libtorch_cpu.so", "lib/libc10.so")
DISK = 1_300_000_000  # bytes: wheels and unpacked copy side by side
COMPLETE = "complete.json"


class Problem(Exception):
    """What is wrong and what to do, in one or two lines."""


def say(text):
    print(f"libtorch: {text}", file=sys.stderr, flush=True)


def cache_root():
    if os.environ.get("LENSBENCH_CACHE"):
        return os.path.abspath(os.environ["LENSBENCH_CACHE"])
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(os.path.abspath(base), "lensbench")


def copy_name():
    """One name per set of pinned wheels, so that a new pin never meets an old copy."""
    pins = hashlib.sha256(json.dumps(sorted((k, v[0], v[1]) for k, v in WHEELS.items())).encode())
    return f"{VERSION}-{pins.hexdigest()[:8]}"


def check_directory(path, origin):
    """Return path if it is a usable libtorch, else say what it lacks."""
    if not os.path.isdir(path):
        raise Problem(f"{origin}: {path} is not a directory; give one with include/ and lib/")
    for name in NEEDED:
        if not os.path.exists(os.path.join(path, name)):
            raise Problem(f"{origin}: {path} has no {name}; give a libtorch directory with include/ and lib/, "
                          f"or unset it to use the project's own copy")
    version = header_version(path)
    if version and version < OLDEST:
        raise Problem(f"{origin}: {path} is libtorch {version[0]}.{version[1]}; "
                      f"{OLDEST[0]}.{OLDEST[1]} or newer is needed")
    return os.path.abspath(path)


def header_version(path):
    for name in ("include/torch/headeronly/version.h", "include/torch/version.h",
                 "include/torch/csrc/api/include/torch/version.h"):
        try:
            with open(os.path.join(path, name), encoding="utf-8") as f:
                text = f.read()
        except OSError:
            continue
        found = [re.search(rf"#define TORCH_VERSION_{part} (\d+)", text) for part in ("MAJOR", "MINOR")]
        if all(found):
            return tuple(int(m.group(1)) for m in found)
    return None


def pytorch_directory():
    ask = "import os, torch; print(os.path.dirname(os.path.abspath(torch.__file__)))"
    # From "/", because python3 -c would import the torch/ of the current directory first.
    done = subprocess.run(["python3", "-c", ask], capture_output=True, text=True, check=False, cwd="/")
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise Problem(f"LIBTORCH_USE_PYTORCH=1: the python3 on PATH cannot import torch ({last}); "
                      f"run 'python3 -m pip install torch=={VERSION}' or unset it")
    return check_directory(done.stdout.strip(), "LIBTORCH_USE_PYTORCH=1")


def read_complete(copy):
    """Return {file: [size, sha256]} of a finished copy, or None."""
    try:
        with open(os.path.join(copy, COMPLETE), encoding="utf-8") as f:
            return json.load(f)
    except (OSError, ValueError):
        return None


def sizes_match(copy):
    """A quick look at a copy: every file there with its size."""
    files = read_complete(copy)
    if not files:
        return False
    try:
        return all(os.path.getsize(os.path.join(copy, name)) == size for name, (size, _) in files.items())
    except OSError:
        return False


def verify(copy):
    files = read_complete(copy)
    if not files:
        raise Problem(f"{copy} is not a finished copy; run 'make build' to fetch it again")
    for name, (_, want) in files.items():
        if not os.path.exists(os.path.join(copy, name)):
            raise Problem(f"{os.path.join(copy, name)} is missing; delete {copy} and run 'make build'")
        if digest(os.path.join(copy, name)) != want:
            raise Problem(f"{os.path.join(copy, name)} has changed since it was unpacked; "
                          f"delete {copy} and run 'make build'")
    say(f"{len(files)} files of {copy} are as they were unpacked")


def digest(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            h.update(block)
    return h.hexdigest()


def fetch(root):
    """Download, verify and unpack below root, while holding its lock."""
    try:
        os.makedirs(root, exist_ok=True)
        lock = open(os.path.join(root, "lock"), "w", encoding="utf-8")
    except OSError as e:
        raise Problem(f"{root}: {e.strerror}; set LENSBENCH_CACHE to a directory that can be written") from e
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("another process is fetching it; waiting")
            fcntl.flock(lock, fcntl.LOCK_EX)
        copy = os.path.join(root, copy_name())
        if sizes_match(copy):
            return copy
        for name in os.listdir(root):  # what a killed fetch left behind: we hold the lock
            if name.startswith("stage-"):
                shutil.rmtree(os.path.join(root, name), ignore_errors=True)
        free = shutil.disk_usage(root).free
        if free < DISK:
            raise Problem(f"{root}: {free / 1e9:.1f} GB free, {DISK / 1e9:.1f} GB needed; "
                          f"make room or set LENSBENCH_CACHE to another disk")
        stage = tempfile.mkdtemp(prefix="stage-", dir=root)
        try:
            download(stage)
            unpack(stage)
            shutil.rmtree(copy, ignore_errors=True)
            os.rename(os.path.join(stage, "copy"), copy)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
        say(f"libtorch {VERSION} is in {copy}")
        return copy


def download(stage):
    requirements = os.path.join(stage, "requirements.txt")
    with open(requirements, "w", encoding="utf-8") as f:
        for wheel, (sha256, _) in WHEELS.items():
            f.write(f"{wheel} --hash=sha256:{sha256}\n")
    say(f"fetching libtorch {VERSION} (545 MB, once) from the Python package index")
    bar = [] if sys.stderr.isatty() else ["--progress-bar", "off"]
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--no-cache-dir",
               "--disable-pip-version-check", *bar, *PLATFORM, "-d", os.path.join(stage, "wheels"),
               "-r", requirements]
    done = subprocess.run(command, stdout=sys.stderr, check=False, cwd=stage)
    if done.returncode != 0:
        raise Problem("pip could not download libtorch, its message is above; check the network and run the same "
                      "command again, or set LIBTORCH to a copy (nothing half-finished was kept)")


def unpack(stage):
    """Unpack what is needed to stage/copy and record its hashes."""
    copy, files = os.path.join(stage, "copy"), {}
    for wheel in sorted(os.listdir(os.path.join(stage, "wheels"))):
        wanted = next(v[1] for k, v in WHEELS.items() if wheel.startswith(k.split("==")[0].replace("-", "_") + "-"))
        say(f"unpacking {wheel}")
        path = os.path.join(stage, "wheels", wheel)
        with zipfile.ZipFile(path) as z:
            names = [n for n in z.namelist() if n.startswith(wanted) and not n.endswith("/")]
            for name in names:
                z.extract(name, copy)  # checks the archive's CRC
                out = os.path.join(copy, name)
                files[name] = [os.path.getsize(out), digest(out)]
        os.remove(path)
    check_directory(os.path.join(copy, "torch"), "the downloaded wheels")
    with open(os.path.join(copy, COMPLETE), "w", encoding="utf-8") as f:
        json.dump(files, f)
        f.flush()
        os.fsync(f.fileno())


def main(argv):
    if len(argv) > 1 or argv and argv[0] not in ("--find", "--verify"):
        print(__doc__, file=sys.stderr)
        return 2
    mode = argv[0] if argv else ""
    if os.environ.get("LIBTORCH"):
        print(check_directory(os.environ["LIBTORCH"], "LIBTORCH"))
        return 0
    if os.environ.get("LIBTORCH_USE_PYTORCH") == "1":
        print(pytorch_directory())
        return 0
    root = os.path.join(cache_root(), "libtorch")
    copy = os.path.join(root, copy_name())
    if mode == "--verify":
        verify(copy)
    if not sizes_match(copy):
        if mode == "--find":
            say(f"none found: LIBTORCH and LIBTORCH_USE_PYTORCH are not set, and {copy} is not there")
            return 1
        copy = fetch(root)
    print(os.path.join(copy, "torch"))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Problem as problem:
        say(str(problem))
        sys.exit(2)
    except OSError as error:
        say(f"{error.filename or ''}: {error.strerror}")
        sys.exit(2)
    except KeyboardInterrupt:
        say("interrupted; nothing half-finished was kept")
        sys.exit(130)
