#!/usr/bin/env python3
"""Make the committed corpus of the fuzz targets: small hostile files, and small sound ones.

    tests/fuzz/make-corpus.py            write tests/fuzz/corpus/
    tests/fuzz/make-corpus.py --check    say whether that is what lies there (a test)

good-* must be accepted, bad-* refused (fuzz-main.c looks at the name).  What libFuzzer finds goes to
corpus/*/found-*, which this script leaves alone.
"""
import struct
import sys
from pathlib import Path

import corpus_agent
import corpus_arch
import corpus_onnx
import corpus_safetensors
import corpus_telemetry
import corpus_tflite
from gguf_bytes import ARRAY, BOOL, F32, HUGE, I16, I32, STRING, U8, U32, U64, array, entry, gguf, string, tensor, u32, u64

def gguf_corpus():
    metas = [entry("general.architecture", STRING, "llama"), entry("n", U32, 7), entry("eps", F32, 1e-5),
             entry("flag", BOOL, 1), entry("words", ARRAY, array(STRING, ["a", "", "▁the"])),
             entry("numbers", ARRAY, array(I16, [1, -2, 3]))]
    tensors = [tensor("first", [32, 2], 8, 0), tensor("second", [3, 2], 0, 96)]
    good = gguf(metas, tensors, b"\0" * 120)
    files = {
        "good-v3": good,
        "good-v2": gguf(metas, tensors, b"\0" * 120, version=2),
        "good-empty": gguf(),
        "good-alignment": gguf([entry("general.alignment", U32, 64)], [tensor("t", [4], 0, 64)], b"\0" * 80, alignment=64),
        "good-nested": gguf([entry("k", ARRAY, u32(ARRAY) + u64(2) + array(U8, [1, 2]) + array(STRING, ["x"]))]),
        "good-scalar": gguf((), [tensor("t", [], 0, 0)], b"\0" * 4),
        "good-four-dims": gguf((), [tensor("t", [2, 3, 4, 5], 1, 0)], b"\0" * 240),
        "good-unknown-type": gguf((), [tensor("t", [2**40, 2**20], 999, 0)]),
        "good-removed-type": gguf((), [tensor("t", [32], 4, 0)]),
        "good-odd-names": gguf([entry(b"\xff\0\n", U8, 1), entry(b"", U8, 1)], [tensor(b"", [1], 24, 0)], b"\0"),
        "bad-empty": b"",
        "bad-magic": gguf(magic=b"GGML"),
        "bad-magic-half": b"GGU",
        "bad-v0": gguf(version=0), "bad-v1": gguf(version=1), "bad-v4": gguf(version=4),
        "bad-big-endian": gguf(version=0x03000000),
        "bad-meta-count-huge": gguf(n_meta=HUGE),
        "bad-meta-count-one-more": gguf(metas, n_meta=len(metas) + 1),
        "bad-meta-count-overflow": gguf(n_meta=2**61),
        "bad-tensor-count-huge": gguf(n_tensors=HUGE),
        "bad-tensor-count-one-more": gguf((), tensors, b"\0" * 120, n_tensors=3),
        "bad-key-length-huge": gguf([u64(HUGE) + b"k"]),
        "bad-key-length-wraps": gguf([u64(2**64 - 24) + b"k"]),
        "bad-value-type": gguf([string("k") + u32(13) + u64(0)]),
        "bad-value-type-huge": gguf([string("k") + u32(2**32 - 1) + u64(0)]),
        "bad-bool": gguf([entry("k", BOOL, 2)]),
        "bad-string-length-huge": gguf([string("k") + u32(STRING) + u64(HUGE)]),
        "bad-string-length-one-more": gguf([string("k") + u32(STRING) + u64(4) + b"abc"]),
        "bad-array-count-huge": gguf([string("k") + u32(ARRAY, U8) + u64(HUGE)]),
        "bad-array-count-overflow": gguf([string("k") + u32(ARRAY, U64) + u64(2**61)]),
        "bad-array-strings-huge": gguf([string("k") + u32(ARRAY, STRING) + u64(HUGE)]),
        "bad-array-string-length": gguf([string("k") + u32(ARRAY, STRING) + u64(2) + string("a") + u64(HUGE)]),
        "bad-array-item-type": gguf([string("k") + u32(ARRAY, 77) + u64(1)]),
        "bad-array-deep": gguf([string("k") + u32(ARRAY) + (u32(ARRAY) + u64(1)) * 60]),
        "bad-array-wide": gguf([string("k") + u32(ARRAY) + u32(ARRAY) + u64(HUGE) + array(U8, []) * 9]),
        "bad-duplicate-key": gguf([entry("same", U8, 1), entry("other", U8, 1), entry("same", U8, 2)]),
        "bad-alignment-0": gguf([entry("general.alignment", U32, 0)]),
        "bad-alignment-1": gguf([entry("general.alignment", U32, 1)]),
        "bad-alignment-24": gguf([entry("general.alignment", U32, 24)]),
        "bad-alignment-type": gguf([entry("general.alignment", U64, 32)]),
        "bad-alignment-array": gguf([entry("general.alignment", ARRAY, array(U32, []))]),
        "bad-alignment-huge": gguf([entry("general.alignment", U32, 2**31)], [tensor("t", [1], 0, 0)], b"\0" * 64),
        "bad-dims-5": gguf((), [tensor("t", [1] * 5, 0, 0)], b"\0" * 4),
        "bad-dims-huge": gguf((), [string("t") + u32(2**32 - 1)], b"\0" * 64),
        "bad-dim-0": gguf((), [tensor("t", [4, 0], 0, 0)]),
        "bad-dims-overflow": gguf((), [tensor("t", [2**32, 2**32], 0, 0)], b"\0" * 64),
        "bad-dims-overflow-four": gguf((), [tensor("t", [2**16] * 4, 0, 0)], b"\0" * 64),
        "bad-dims-wrap-bytes": gguf((), [tensor("t", [2**62], 0, 0)], b"\0" * 64),
        "bad-dims-negative": gguf((), [tensor("t", [HUGE], 24, 0)], b"\0" * 64),
        "bad-block": gguf((), [tensor("t", [33], 2, 0)], b"\0" * 64),
        "bad-dtype-huge": gguf((), [tensor("t", [1], 2**32 - 1, 0)], b"\0" * 64),
        "bad-offset-misaligned": gguf((), [tensor("t", [1], 0, 4)], b"\0" * 64),
        "bad-offset-past-end": gguf((), [tensor("t", [1], 0, 64)], b"\0" * 64),
        "bad-offset-huge": gguf((), [tensor("t", [1], 0, 2**64 - 32)], b"\0" * 64),
        "bad-data-short": gguf((), [tensor("t", [16], 0, 0)], b"\0" * 63),
        "bad-overlap": gguf((), [tensor("a", [16], 0, 0), tensor("b", [16], 0, 32)], b"\0" * 96),
        "bad-overlap-same": gguf((), [tensor("a", [8], 0, 0), tensor("b", [8], 0, 0)], b"\0" * 32),
        "bad-overlap-inside": gguf((), [tensor("a", [64], 0, 0), tensor("b", [1], 0, 64)], b"\0" * 256),
        "bad-duplicate-tensor": gguf((), [tensor("a", [1], 0, 0), tensor("a", [1], 0, 32)], b"\0" * 64),
    }
    for name in ("q2_k", "q3_k", "tq1_0", "tq2_0", "mxfp4"):
        dtype, block, n_bytes = corpus_arch.FORMATS[name]
        data = corpus_arch.noise(2 * n_bytes, dtype)
        files[f"good-type-{name}"] = gguf((), [tensor("t", [2 * block], dtype, 0)], data)
        files[f"bad-type-{name}-short"] = gguf((), [tensor("t", [2 * block], dtype, 0)], data[:-1])
        files[f"bad-type-{name}-row"] = gguf((), [tensor("t", [block + block // 2, 2], dtype, 0)], data * 2)
    # One file cut in the middle of every field (the fields of `good`, at odd places).
    cuts = [4, 6, 8, 15, 24, 27, 40, 52, 56, 60, 65, 75, 90, 110, 130, 150, 165, 175, 190, 200, 220, 240, 260, 280, 300]
    for n in cuts + [len(good) - 1]:
        if n < len(good):
            files[f"bad-cut-{n:03d}"] = good[:n]
    return files


def spm(pieces, **keys):
    names, types, scores = zip(*pieces)
    metas = [entry("tokenizer.ggml.model", STRING, "llama"), entry("tokenizer.ggml.tokens", ARRAY, array(STRING, names)),
             entry("tokenizer.ggml.token_type", ARRAY, array(I32, types)),
             entry("tokenizer.ggml.scores", ARRAY, array(F32, scores))]
    return gguf(metas + [entry("tokenizer.ggml." + k, BOOL if isinstance(v, bool) else U32, int(v)) for k, v in keys.items()])


def bpe(names, merges, types=None, pre="gpt-2", **keys):
    metas = [entry("tokenizer.ggml.model", STRING, "gpt2"), entry("tokenizer.ggml.pre", STRING, pre),
             entry("tokenizer.ggml.tokens", ARRAY, array(STRING, names)),
             entry("tokenizer.ggml.merges", ARRAY, array(STRING, merges))]
    if types:
        metas.append(entry("tokenizer.ggml.token_type", ARRAY, array(I32, types)))
    return gguf(metas + [entry("tokenizer.ggml." + k, BOOL if isinstance(v, bool) else U32, int(v)) for k, v in keys.items()])


def with_file(file, text):
    return bytes([128]) + struct.pack("<H", len(file)) + file + text.encode()


def tokenizer_corpus():
    pieces = [("<unk>", 2, 0), ("<s>", 3, 0), ("</s>", 3, 0), ("<0x0A>", 6, 0), ("▁", 1, -9), ("a", 1, -8), ("b", 1, -7),
              ("ab", 1, -1), ("▁a", 1, -2), ("<t>", 4, 0), ("<t>>", 4, 0)]
    names = ["a", "b", "Ġ", "ab", "Ġab", "<|im_end|>", "Ċ", "1"]
    texts = ["", "a", "the theabab", "  a  b ", "it's 12345 o'clock\n\n\tYou'LL see", "<s>a</s>", "é中文ไทย🚀", "\r\n \n  x",
             "'ſ", "aaaaaaaaaaaaaaaa", "<|im_end|>"]
    files = {}
    for kind in range(8):
        for i, text in enumerate(texts):
            if (kind + i) % 3 == 0:
                files[f"good-text-{kind}-{i:02d}"] = bytes([kind]) + text.encode()
        files[f"good-bytes-{kind}"] = bytes([kind]) + b"\xff\xc3 \xe2\x96\xf0\x9f\x80a\0b\xed\xa0\x80"
    files |= {
        "good-spm": with_file(spm(pieces), "ab a<t>>b\n<s>"),
        "good-spm-ids": with_file(spm(pieces, bos_token_id=1, eos_token_id=2, add_eos_token=True), "abab"),
        "good-bpe": with_file(bpe(names, ["a b", "Ġ ab"], [1, 1, 1, 1, 1, 3, 1, 1], eos_token_id=5), " ab ab<|im_end|>\n1"),
        "good-bpe-default": with_file(bpe(names, ["a b"], pre="default"), "ab, 1111"),
        "good-bpe-same-special": with_file(bpe(["a", "<x>", "<x>", "<x", "<"], [], [1, 3, 4, 4, 3]), "a<x><x<"),
        "good-spm-infinite-scores": with_file(spm([("a", 1, float("inf")), ("aa", 1, float("-inf")), ("aaa", 1, 0)]), ""),
        "bad-not-gguf": bytes([128, 5, 0]) + b"hello",
        "bad-no-model": with_file(gguf([entry("tokenizer.ggml.tokens", ARRAY, array(STRING, ["a"]))]), "a"),
        "bad-model": with_file(gguf([entry("tokenizer.ggml.model", STRING, "bert")]), "a"),
        "bad-no-tokens": with_file(gguf([entry("tokenizer.ggml.model", STRING, "gpt2")]), "a"),
        "bad-tokens-empty": with_file(gguf([entry("tokenizer.ggml.model", STRING, "gpt2"),
                                            entry("tokenizer.ggml.tokens", ARRAY, array(STRING, []))]), "a"),
        "bad-scores-short": with_file(gguf([entry("tokenizer.ggml.model", STRING, "llama"),
                                            entry("tokenizer.ggml.tokens", ARRAY, array(STRING, ["a", "b"])),
                                            entry("tokenizer.ggml.scores", ARRAY, array(F32, [1]))]), "a"),
        "bad-score-nan": with_file(spm([("a", 1, float("nan"))]), "a"),
        "bad-bos": with_file(spm(pieces, bos_token_id=99), "a"),
        "bad-add-bos": with_file(bpe(names, [], add_bos_token=True), "a"),
        "bad-pre": with_file(bpe(names, [], pre="nobody's"), "a"),
        "bad-merge": with_file(bpe(names, ["ab"]), "a"),
        "bad-merge-empty": with_file(bpe(names, [""]), "a"),
        "bad-merge-space": with_file(bpe(names, [" "]), "a"),
        "bad-merge-foreign": with_file(bpe(names, ["a z"]), "a"),
    }
    return files


def window(*numbers):
    return struct.pack(f"<{len(numbers)}I", *numbers)


def work_file_corpus():
    text, inputs = b"lathe-work 1\nkind text\n", b"lathe-work 1\nkind inputs\n"
    scores = b"lathe-work 2\nkind scores\nwindows 1\ndata 24\n"
    text2, inputs2 = b"lathe-work 2\nkind text\n", b"lathe-work 2\nkind inputs\n"
    return {
        "good-text": text + b"threads 2\nbudget_s 0.5\nrepeats 0\nprompt 1 403 17\ndecode 64\nignore_end 1\nends 2 32000\n",
        "good-text-short": text + b"decode 0\nprompt 0\n",
        "good-inputs": inputs + b"outputs last\ninputs 4\nsteps 2\ndata 8\n\0\n\xff\n dat",
        "good-inputs-no-bytes": inputs + b"inputs 1\ndata 0\n",
        "good-interval": text2 + b"budget_s 2\ninterval 0.05\nprompt 1\ndecode 1\n",
        "good-interval-inputs": inputs2 + b"interval 0\ninputs 1\ndata 1\nx",
        "good-scores": scores + window(2, 1, 5, 6, 7, 8),
        "bad-scores-old": scores.replace(b"work 2", b"work 1") + window(2, 1, 5, 6, 7, 8),
        "bad-scores-first": scores + window(2, 2, 5, 6, 7, 8),
        "bad-scores-short": scores + window(3, 1, 5, 6, 7, 8),
        "bad-scores-long": scores + window(1, 0, 5, 6, 7, 8),
        "bad-scores-sign": scores + window(2, 1, 5, 6, 7, 1 << 31),
        "bad-scores-huge": scores + window((1 << 32) - 1, 1, 5, 6, 7, 8),
        "bad-scores-many": scores.replace(b"windows 1", b"windows 2") + window(2, 1, 5, 6, 7, 8),
        "good-speculate": text2 + b"prompt 1\ndecode 1\nspeculate 0 2 6 1 1\n",
        "bad-speculate-old": text + b"prompt 1\ndecode 1\nspeculate 0 2 6 1 1\n",
        "bad-speculate-few": text2 + b"prompt 1\ndecode 1\nspeculate 0 2 6 1\n",
        "bad-speculate-many": text2 + b"prompt 1\ndecode 1\nspeculate 0 2 6 1 1 1\n",
        "bad-speculate-match": text2 + b"prompt 1\ndecode 1\nspeculate 0 6 2 1 1\n",
        "bad-speculate-width": text2 + b"prompt 1\ndecode 1\nspeculate 4 2 6 0 1\n",
        "bad-speculate-inputs": inputs2 + b"speculate 0 2 6 1 1\ninputs 1\ndata 0\n",
        "bad-interval-old": text + b"interval 0.05\nprompt 1\ndecode 1\n",
        "bad-interval-one": text2 + b"interval 1.0\nprompt 1\ndecode 1\n",
        "bad-interval-long": text2 + b"interval 0." + b"0" * 400 + b"1\nprompt 1\ndecode 1\n",
        "bad-empty": b"",
        "bad-version": b"lathe-work 4294967295\nkind text\n",
        "bad-kind": b"lathe-work 1\nkind \n",
        "bad-no-newline": text + b"prompt 1\ndecode 1",
        "bad-twice": text + b"prompt 1\nprompt 1\ndecode 1\n",
        "bad-token-huge": text + b"prompt 99999999999999999999999999\ndecode 1\n",
        "bad-token-sign": text + b"prompt 1 -1\ndecode 1\n",
        "bad-space": text + b"prompt 1 \ndecode 1\n",
        "bad-zero-byte": text + b"prompt 1\0 2\ndecode 1\n",
        "bad-carriage-return": text + b"prompt 1\r\ndecode 1\n",
        "bad-budget": text + b"budget_s " + b"9" * 400 + b"\n",
        "bad-data-huge": inputs + b"inputs 1\ndata 9223372036854775807\n",
        "bad-data-wraps": inputs + b"inputs 1\ndata 18446744073709551615\n",
        "bad-data-short": inputs + b"inputs 2\ndata 8\n1234567",
        "bad-inputs-none": inputs + b"inputs 0\ndata 0\n",
        "bad-steps": inputs + b"inputs 3\nsteps 2\ndata 3\nabc",
        "bad-other-kind": text + b"prompt 1\ndecode 1\ninputs 1\n",
    }


def main():
    root = Path(__file__).parent / "corpus"
    corpora = {"gguf": gguf_corpus(), "tokenizer": tokenizer_corpus(), "arch": corpus_arch.corpus(), "onnx": corpus_onnx.corpus(),
               "tflite": corpus_tflite.corpus(), "safetensors": corpus_safetensors.corpus(),
               "work-file": work_file_corpus(), "telemetry": corpus_telemetry.corpus(),
               "agent": corpus_agent.corpus()}
    stale = 0
    for name, files in corpora.items():
        folder = root / name
        if "--check" in sys.argv:
            here = {p.name: p.read_bytes() for p in folder.iterdir() if not p.name.startswith("found-")}
            for file in sorted(set(here) | set(files)):
                if here.get(file) != files.get(file):
                    print(f"corpus/{name}/{file} is not what make-corpus.py makes")
                    stale += 1
            continue
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            if not old.name.startswith("found-"):
                old.unlink()
        for file, data in files.items():
            (folder / file).write_bytes(data)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
