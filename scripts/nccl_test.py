"""Tests of nccl.sh: on directories with only some of the headers."""
import os
import subprocess
import tempfile
import unittest

NCCL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nccl.sh")
# Where pip puts the headers, beside the directory torch.
HEADERS = {
    "nccl": ("nccl.h",),
    "cu13": ("cuda_runtime.h", "crt/host_config.h", "cublas_v2.h", "cublasLt.h", "cusparse.h", "cusolverDn.h",
             "cccl/nv/target"),
}


class Nccl(unittest.TestCase):
    def setUp(self):
        work = tempfile.TemporaryDirectory(prefix="nccl-test-")
        self.addCleanup(work.cleanup)
        self.root = work.name
        self.torch = os.path.join(self.root, "torch")

    def touch(self, *path):
        file = os.path.join(self.root, *path)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "w", encoding="utf-8"):
            pass

    def headers(self, without=""):
        for package, names in HEADERS.items():
            for name in names:
                if name != without:
                    self.touch("nvidia", package, "include", name)

    def flags(self, **variables):
        done = subprocess.run(["/bin/sh", NCCL, self.torch], capture_output=True, text=True, check=True,
                              env={"PATH": os.environ["PATH"], **variables})
        self.assertEqual(done.stderr, "")
        return done.stdout.strip()

    def test_a_libtorch_for_cpus(self):
        self.headers()
        self.assertEqual(self.flags(), f"none: {self.torch} is without libtorch_cuda.so")

    def test_every_header_there(self):
        self.touch("torch", "lib", "libtorch_cuda.so")
        self.headers()
        flags = self.flags()
        for part in ("nccl/include", "cu13/include", "cu13/include/cccl"):
            self.assertIn(f"-isystem {self.torch}/../nvidia/{part} ", flags + " ")

    def test_what_is_missing_is_named(self):
        self.touch("torch", "lib", "libtorch_cuda.so")
        self.headers(without="nccl.h")
        # Not by this machine's own directories, which may have it.
        if not any(os.path.exists(f"{d}/nccl.h") for d in ("/usr/include", "/usr/local/cuda/include")):
            self.assertTrue(self.flags().startswith("none: the header nccl.h is not in "), self.flags())

    def test_cuda_home(self):
        self.touch("torch", "lib", "libtorch_cuda.so")
        self.headers(without="nccl.h")
        self.touch("cuda", "include", "nccl.h")
        home = os.path.join(self.root, "cuda")
        self.assertIn(f"-isystem {home}/include ", self.flags(CUDA_HOME=home))


if __name__ == "__main__":
    unittest.main()
