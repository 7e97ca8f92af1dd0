"""Tests of need.sh: on a PATH with only some of the tools."""
import os
import shutil
import subprocess
import tempfile
import unittest

NEED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "need.sh")


class Need(unittest.TestCase):
    def setUp(self):
        self.path = tempfile.mkdtemp(prefix="need-test-")
        self.addCleanup(shutil.rmtree, self.path)
        self.tool("sh", target="/bin/sh")
        self.tool("uname", "case $1 in -m) echo x86_64;; *) echo Linux;; esac")

    def tool(self, name, script="exit 0", target=None):
        """Put a tool on the PATH that runs script, or another program."""
        file = os.path.join(self.path, name)
        if target:
            os.symlink(target, file)
            return
        with open(file, "w", encoding="utf-8") as f:
            f.write(f"#!/bin/sh\n{script}\n")
        os.chmod(file, 0o755)

    def need(self, **variables):
        done = subprocess.run(["/bin/sh", NEED], capture_output=True, text=True, check=False,
                              env={"PATH": self.path, **variables})
        self.assertEqual(done.stdout, "")
        return done.returncode, done.stderr

    def all_tools(self):
        for name in ("go", "g++", "gcc", "python3"):
            self.tool(name)

    def test_everything_there_says_nothing(self):
        self.all_tools()
        self.assertEqual(self.need(), (0, ""))

    def test_every_missing_tool_is_named_with_how_to_get_it(self):
        status, text = self.need()
        self.assertEqual(status, 2)
        for word in ("missing: go", "https://go.dev/dl", "missing: g++", "apt-get install g++", "missing: gcc", "missing: python3"):
            self.assertIn(word, text)

    def test_python_without_pip(self):
        self.all_tools()
        os.remove(os.path.join(self.path, "python3"))
        self.tool("python3", "exit 1")
        status, text = self.need()
        self.assertEqual(status, 2)
        self.assertIn("missing: pip", text)
        self.assertEqual(self.need(LIBTORCH="/opt/libtorch"), (0, ""))  # nothing is fetched then
        self.assertEqual(self.need(LIBTORCH_USE_PYTORCH="1"), (0, ""))

    def test_old_compiler(self):
        self.all_tools()
        os.remove(os.path.join(self.path, "g++"))
        self.tool("g++", "[ \"$1\" = -dumpversion ] && echo 7.5 || exit 1")
        status, text = self.need()
        self.assertEqual(status, 2)
        self.assertIn("this one is 7.5", text)
        self.tool("g++-13")
        self.assertEqual(self.need(CXX="g++-13"), (0, ""))

    def test_another_platform(self):
        self.all_tools()
        os.remove(os.path.join(self.path, "uname"))
        self.tool("uname", "case $1 in -m) echo arm64;; *) echo Darwin;; esac")
        status, text = self.need()
        self.assertEqual(status, 2)
        self.assertIn("Darwin on arm64", text)


if __name__ == "__main__":
    unittest.main()
