#!/usr/bin/env python3
"""The engine beside an independent program: tests/peers/llama_numpy.py, a Llama written in NumPy from the papers.

The same file and token numbers go through rt-generate and through NumPy: the greedy continuation must be the same and every
logit of the prompt within 2e-2. Usage: test_conformance.py RT_GENERATE
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "models"), str(ROOT / "tests" / "peers")]
sys.dont_write_bytecode = True

import tap

try:
    import numpy as np
    import llama_numpy
    from gguf_numpy import Gguf
except ImportError as problem:
    np, MISSING = None, str(problem)
else:
    MISSING = ""

GENERATE = sys.argv.pop() if len(sys.argv) > 1 else None
TEST_DATA = pathlib.Path(os.environ.get("LATHE_TEST_DATA", ROOT.parent / "shared" / "models"))
MODELS = pathlib.Path(os.environ.get("LATHE_MODELS")
                      or pathlib.Path.home() / ".local/share/lathe/models")
TOLERANCE = 2e-2


def engine(model, tokens, n_predict, options):
    """(greedy tokens, logits [positions, vocabulary])"""
    with tempfile.NamedTemporaryFile(suffix=".f32") as logits:
        out = subprocess.run(
            [GENERATE, str(model), "-k", ",".join(map(str, tokens)), "-n", str(n_predict),
             "-l", logits.name, *options],
            check=True, capture_output=True, text=True).stdout
        values = np.fromfile(logits.name, dtype="<f4").reshape(len(tokens), -1)
    line = next(l for l in out.splitlines() if l.startswith("tokens:"))
    return [int(t) for t in line.split()[1:]], values


def peer(model, tokens, n_predict, dtype):
    llama = llama_numpy.Llama(Gguf(model), dtype)
    logits = llama.forward(tokens)
    last, greedy = logits[-1], []
    for _ in range(n_predict):
        greedy.append(int(np.argmax(last)))
        last = llama.forward(greedy[-1:])[-1]
    return greedy, logits


@unittest.skipIf(MISSING, MISSING)
class ConformanceTest(unittest.TestCase):
    def compare(self, model, tokens, n_predict, options=(), dtype="float64"):
        if not model.exists():
            self.skipTest("%s is not there" % model.name)
        expected_tokens, expected = peer(model, tokens, n_predict, dtype)
        got_tokens, got = engine(model, tokens, n_predict, options)
        self.assertEqual(got.shape, expected.shape)
        self.assertGreater(float(np.ptp(expected)), 1.0)
        worst = float(np.abs(got - expected).max())
        print("# %s %s: largest difference of logits %.2g" % (model.name, " ".join(options), worst),
              file=sys.stderr)
        self.assertLessEqual(worst, TOLERANCE)
        self.assertEqual(got_tokens, expected_tokens)

    def random_model(self, arch, n_predict=16):
        with tempfile.TemporaryDirectory() as folder:
            model = pathlib.Path(folder) / "random.gguf"
            subprocess.run([GENERATE, str(model), "-r", arch], check=True, capture_output=True)
            self.compare(model, [1, 5, 9, 33, 2, 70], n_predict, ["-K", "F32"])

    def test_stories260k(self):
        tokens = [1, 403, 407, 261, 378, 432, 383]
        self.compare(TEST_DATA / "llm" / "stories260K-f32.gguf", tokens, 64, ["-K", "F32"])

    def test_stories260k_f16_cache(self):
        tokens = [1, 403, 407, 261, 378, 432, 383]
        self.compare(TEST_DATA / "llm" / "stories260K-f32.gguf", tokens, 64, ["-K", "F16"])

    def test_default_model_f16(self):
        self.compare(ROOT / "data/default-model/lathe-default-f16.gguf", [1, 306, 417, 5, 955, 12],
                     64, ["-K", "F16"])

    def test_smollm2_in_f32(self):
        # The file is Q4_1; in F32 its weights are exact and activations stay floats.
        model = MODELS / "SmolLM2-135M-Instruct.Q4_1.gguf"
        tokens = [1, 9690, 198, 2683, 359, 253, 5356, 5646]
        self.compare(model, tokens, 24, ["-q", "F32", "-K", "F32"], "float32")

    def test_qwen2(self):
        self.random_model("qwen2")

    def test_qwen3(self):
        self.random_model("qwen3")

    def test_llama(self):
        self.random_model("llama")


if __name__ == "__main__":
    tap.main()
