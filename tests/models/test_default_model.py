#!/usr/bin/env python3
"""The committed default model: shape, size, vocabulary, and what it predicts, with the NumPy reference."""

import json
import pathlib
import sys
import unittest

import tap

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "data" / "default-model"
MODEL = FOLDER / "lathe-default-f16.gguf"
HELD_OUT = FOLDER / "heldout.txt"
sys.path.insert(0, str(ROOT / "tests" / "peers"))
sys.dont_write_bytecode = True

try:
    import numpy as np
    from gguf_numpy import Gguf
    import llama_numpy
except ImportError as problem:
    np, MISSING = None, str(problem)
else:
    MISSING = ""


@unittest.skipIf(MISSING, MISSING)
class DefaultModelTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gguf = Gguf(MODEL)
        cls.tokenizer = llama_numpy.SpmTokenizer(cls.gguf.meta)

    def test_is_small_enough_to_embed(self):
        self.assertLess(MODEL.stat().st_size, 12_000_000)

    def test_says_what_it_is(self):
        meta = self.gguf.meta
        self.assertEqual(meta["general.architecture"], "llama")
        self.assertEqual(meta["general.license"], "CC0-1.0")
        self.assertEqual(len(meta["tokenizer.ggml.tokens"]), 1024)
        self.assertTrue(meta["tokenizer.ggml.add_bos_token"])

    def test_tensors_are_f16_and_f32_and_fit_every_block_format(self):
        for name, (dims, kind, offset) in self.gguf.tensors.items():
            self.assertEqual(kind, 1 if len(dims) == 2 else 0, name)
            self.assertEqual(dims[0] % 256, 0, name)
            self.assertEqual(offset % 32, 0, name)
            self.assertTrue(np.isfinite(self.gguf.tensor(name)).all(), name)
        self.assertEqual(len(self.gguf.tensors), 2 + 9 * self.gguf.meta["llama.block_count"])

    def test_tokens_are_those_of_sentencepiece(self):
        cases = json.loads((ROOT / "tests/models/default-model-tokens.json").read_text("utf-8"))
        self.assertGreater(len(cases["cases"]), 10)
        for case in cases["cases"]:
            ids = self.tokenizer.encode(case["text"])
            self.assertEqual(ids, [1] + case["tokens"], repr(case["text"]))
            self.assertEqual(self.tokenizer.decode(ids), " " * bool(case["text"]) + case["text"])

    def test_predicts_held_out_text(self):
        """bzip2 -9 needs 2.44 bits on the whole, a bad export far more; below 1 the text was in the training."""
        text = HELD_OUT.read_text("ascii")[:8192]
        ids = self.tokenizer.encode(text)[1:]
        model = llama_numpy.Llama(self.gguf, np.float32)
        nats = llama_numpy.score_text(model, ids, self.tokenizer.bos, 512)
        bits = nats / np.log(2) / len(text)
        print("%.4f bits per byte on the first %d bytes" % (bits, len(text)))
        self.assertLess(bits, 1.75)
        self.assertGreater(bits, 1.0)


if __name__ == "__main__":
    tap.main()
