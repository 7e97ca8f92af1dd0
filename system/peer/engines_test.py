"""All engines give the logits of PyTorch's eager mode, on a small batch. Engines whose
packages are not there are skipped, and say how to install them."""

import os
import tempfile
import unittest

import pytorch_engines as engines
import pytorch_worker as peer

# Largest difference of a logit, relative to max(1, |logit|): what is asked of arms of the
# scenarios, half of it for each of two that are compared.
TOLERANCE = {"fp32": 1e-4, "bf16": 2e-2, "int8": 5e-2}


@unittest.skipIf(peer.MISSING, f"no PyTorch ({peer.MISSING}); install it with: {peer.INSTALL}")
class Engines(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cache = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.cache.cleanup)

    def logits(self, **settings):
        settings = peer.parse_settings({"kind": "inference", "model": "resnet18", "batch": 3, "threads": 1, **settings})
        try:
            work = peer.Inference(settings, self.cache.name)
        except engines.Unsupported as e:
            self.skipTest(str(e))
        self.assertEqual(work.facts["threads"], 1)
        return [work.logits()["values"] for _ in range(2)]

    def test_engines(self):
        want = self.logits()[0]
        for engine, precisions in engines.PRECISIONS.items():
            if engine == "compile" and "LENSBENCH_SLOW" not in os.environ:
                continue  # a minute of compiling
            for precision in precisions:
                with self.subTest(engine=engine, precision=precision):
                    for got in self.logits(engine=engine, precision=precision):
                        worst = max(abs(g - w) / max(1, abs(w)) for g, w in zip(got, want, strict=True))
                        self.assertLessEqual(worst, TOLERANCE[precision])

    def test_notes(self):
        """Engines with operators of their own note each call of them, again and again."""
        for engine, convolution in (("onnxruntime", "onnx::Conv"), ("openvino", "openvino::Convolution")):
            with self.subTest(engine=engine):
                settings = peer.parse_settings({"kind": "inference", "model": "resnet18", "batch": 3, "threads": 1, "engine": engine})
                try:
                    work = peer.Inference(settings, self.cache.name, profiles=True)
                except engines.Unsupported as e:
                    self.skipTest(str(e))
                for _ in range(2):
                    sample = peer.measure(work, 1, 4, profiles=True)
                    operators = {o["name"]: o for o in sample["profile"]["operators"]}
                    self.assertEqual(operators[convolution]["calls"], 4 * 20)
                    seconds = sum(o["seconds"] for o in operators.values())
                    self.assertLessEqual(seconds, 1.02 * sample["profile"]["wall"])
                    self.assertGreater(seconds, 0.5 * sample["profile"]["wall"])
                    self.assertLessEqual(sample["profile"]["wall"], sample["wall"])

    def test_derived_files(self):
        """One network's file is made once; another seed's is another."""
        made = []

        def path(seed):
            task = type("Task", (), {"cache": self.cache.name, "settings": {
                "model": "resnet18", "pixels": 64, "bands": 3, "batch": 1, "seed": seed}})

            def make(path):
                made.append(seed)
                with open(path, "w", encoding="ascii") as f:
                    f.write(str(seed))

            return engines.derived(task, ".txt", make)

        paths = [path(seed) for seed in (1, 2, 1)]
        self.assertEqual(made, [1, 2])
        self.assertEqual(paths[0], paths[2])
        for p, seed in zip(paths, (1, 2)):
            with open(p, encoding="ascii") as f:
                self.assertEqual(f.read(), str(seed))


if __name__ == "__main__":
    unittest.main()
