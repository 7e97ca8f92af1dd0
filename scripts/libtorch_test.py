"""Tests of libtorch.py against small wheels made here; nothing is downloaded."""
import contextlib
import hashlib
import io
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zipfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import libtorch  # noqa: E402

TORCH = "torch-2.11.0-cp312-cp312-manylinux_2_28_x86_64.whl"


def make_wheel(directory, name, files):
    """Write a wheel that pip accepts; return its SHA-256."""
    project, version, *tags = name[:-4].split("-")
    info = f"{project}-{version}.dist-info"
    path = os.path.join(directory, name)
    with zipfile.ZipFile(path, "w") as z:
        for inside, text in files.items():
            z.writestr(inside, text)
        z.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n")
        z.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {'-'.join(tags)}\n")
        z.writestr(f"{info}/RECORD", "")
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


class Fetch(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="libtorch-test-")
        self.addCleanup(subprocess.run, ["rm", "-rf", self.dir], check=False)
        self.wheels = os.path.join(self.dir, "wheels")
        os.mkdir(self.wheels)
        header = "#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 11\n"
        sha = make_wheel(self.wheels, TORCH, {
            "torch/include/ATen/core/TensorBody.h": "", "torch/include/torch/version.h": header,
            "torch/lib/libc10.so": "c10", "torch/lib/libtorch_cpu.so": "cpu" * 1000,
            "torch/lib/libtorch_cuda.so": "not wanted", "torch/version.py": ""})
        self.patch(libtorch, "WHEELS", {"torch==2.11.0": (sha, libtorch.WHEELS["torch==2.11.0"][1])})
        for key in ("LIBTORCH", "LIBTORCH_USE_PYTORCH", "PIP_REQUIRE_VIRTUALENV"):
            self.setenv(key, None)
        self.setenv("PIP_NO_INDEX", "1")
        self.setenv("PIP_FIND_LINKS", self.wheels)
        self.setenv("LENSBENCH_CACHE", os.path.join(self.dir, "cache"))

    def patch(self, target, name, value):
        before = getattr(target, name)
        setattr(target, name, value)
        self.addCleanup(setattr, target, name, before)

    def setenv(self, key, value):
        before = os.environ.get(key)
        self.addCleanup(lambda: os.environ.pop(key, None) if before is None else os.environ.update({key: before}))
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value

    def run_main(self, *argv):
        """Return (exit status, standard output, standard error) of one call."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            self.patch(libtorch.subprocess, "run", self.quiet_run)
            try:
                status = libtorch.main(list(argv))
            except libtorch.Problem as problem:
                status = 2
                print(problem, file=sys.stderr)
        return status, out.getvalue().strip(), err.getvalue()

    real_run = staticmethod(subprocess.run)

    @classmethod
    def quiet_run(cls, command, **options):
        if options.get("stdout") is not None and not options.get("capture_output"):
            options.update(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return cls.real_run(command, **options)

    def root(self):
        return os.path.join(os.environ["LENSBENCH_CACHE"], "libtorch")

    def left_over(self):
        return [n for n in os.listdir(self.root()) if n.startswith("stage-")]

    def test_first_call_fetches_and_second_finds(self):
        status, path, err = self.run_main()
        self.assertEqual(status, 0, err)
        self.assertTrue(os.path.exists(os.path.join(path, "lib/libtorch_cpu.so")))
        self.assertFalse(os.path.exists(os.path.join(path, "lib/libtorch_cuda.so")))
        self.setenv("PIP_FIND_LINKS", "/nonexistent")  # a second fetch would fail
        self.assertEqual(self.run_main()[:2], (0, path))
        self.assertEqual(self.run_main("--verify")[0], 0)
        self.assertEqual(self.left_over(), [])

    def test_broken_download_keeps_nothing(self):
        with open(os.path.join(self.wheels, TORCH), "r+b") as f:
            f.seek(60)
            f.write(b"flip")
        status, path, err = self.run_main()
        self.assertEqual((status, path), (2, ""))
        self.assertIn("could not download", err)
        self.assertEqual(self.left_over(), [])
        self.assertEqual(self.run_main("--find")[0], 1)

    def test_damaged_copy_is_fetched_again(self):
        path = self.run_main()[1]
        with open(os.path.join(path, "lib/libtorch_cpu.so"), "w", encoding="utf-8") as f:
            f.write("cut")
        self.assertEqual(self.run_main("--find")[0], 1)
        self.assertEqual(self.run_main()[:2], (0, path))
        self.assertEqual(os.path.getsize(os.path.join(path, "lib/libtorch_cpu.so")), 3000)

    def test_changed_byte_is_found_by_verify(self):
        path = self.run_main()[1]
        with open(os.path.join(path, "lib/libtorch_cpu.so"), "r+b") as f:
            f.write(b"C")
        status, _, err = self.run_main("--verify")
        self.assertEqual(status, 2)
        self.assertIn("has changed", err)

    def test_killed_fetch_is_cleaned_up(self):
        os.makedirs(os.path.join(self.root(), "stage-killed"))
        self.assertEqual(self.run_main()[0], 0)
        self.assertEqual(self.left_over(), [])

    def test_two_at_once_fetch_once(self):
        fetched = []
        self.patch(libtorch, "download", lambda stage, real=libtorch.download: (fetched.append(1), time.sleep(.2), real(stage)))
        self.patch(libtorch.subprocess, "run", self.quiet_run)
        paths, root = [], self.root()
        with contextlib.redirect_stderr(io.StringIO()):
            threads = [threading.Thread(target=lambda: paths.append(libtorch.fetch(root))) for _ in range(2)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
        self.assertEqual((len(fetched), len(paths), len(set(paths))), (1, 2, 1))

    def test_full_disk_is_said_before_the_download(self):
        self.patch(libtorch, "DISK", 1 << 62)
        status, _, err = self.run_main()
        self.assertEqual(status, 2)
        self.assertIn("GB free", err)

    def test_unwritable_cache_is_named(self):
        self.setenv("LENSBENCH_CACHE", "/proc/nowhere")
        status, _, err = self.run_main()
        self.assertEqual(status, 2)
        self.assertIn("/proc/nowhere/libtorch", err)

    def test_libtorch_variable_comes_first_and_is_checked(self):
        path = self.run_main()[1]
        self.setenv("LIBTORCH", path)
        self.setenv("LIBTORCH_USE_PYTORCH", "1")
        self.assertEqual(self.run_main()[:2], (0, path))
        os.remove(os.path.join(path, "lib/libc10.so"))
        status, _, err = self.run_main()
        self.assertEqual(status, 2)
        self.assertIn("has no lib/libc10.so", err)

    def test_too_old_a_libtorch_is_refused(self):
        path = self.run_main()[1]
        with open(os.path.join(path, "include/torch/version.h"), "w", encoding="utf-8") as f:
            f.write("#define TORCH_VERSION_MAJOR 1\n#define TORCH_VERSION_MINOR 13\n")
        self.setenv("LIBTORCH", path)
        status, _, err = self.run_main()
        self.assertEqual(status, 2)
        self.assertIn("libtorch 1.13", err)

    def test_interrupt_says_that_nothing_was_kept(self):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "libtorch.py")
        self.setenv("PIP_FIND_LINKS", self.wheels)
        p = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             start_new_session=True,
                             # A test that runs in the background may have inherited an ignored Ctrl-C.
                             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
        while "fetching" not in p.stderr.readline():
            pass
        os.killpg(p.pid, signal.SIGINT)  # as a terminal does: pip gets it too
        _, err = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 130, err)
        self.assertIn("nothing half-finished was kept", err)
        self.assertEqual(self.left_over(), [])


if __name__ == "__main__":
    unittest.main()
