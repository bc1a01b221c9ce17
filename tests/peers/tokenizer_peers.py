#!/usr/bin/env python3
"""Lathe's tokenizers beside Hugging Face `tokenizers` and Google's `sentencepiece`.

    python3 -m venv peers && peers/bin/pip install numpy regex tokenizers sentencepiece protobuf
    peers/bin/python tests/peers/tokenizer_peers.py BUILD/tests/runtime/tokenizer-tool [TEXT-FILE...]

The peers are built from the same vocabularies (data/fetch-models vocabs), byte-level BPE with the
regular expression that the model's tokenizer.json carries. Texts: the lines of the given files and
random strings that are rich in what pre-tokenizers care about. Prints one line per vocabulary and
exits 1 when any text differs.
"""
import os
import random
import struct
import subprocess
import sys
import unicodedata
from pathlib import Path

import regex

from gguf_numpy import Gguf

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
          r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
SPLITS = {
    "gpt-2": [GPT2],
    "smollm": [r"\p{N}", GPT2],
    "starcoder": [r"\p{N}", GPT2],
    "refact": [r"\p{N}", GPT2],
    "command-r": [r"\p{N}", GPT2],
    "llama-bpe": [LLAMA3],
    "qwen2": [LLAMA3.replace("{1,3}", "")],
    "falcon": [r"[\p{P}$+<=>^~|`]+", GPT2, r"[0-9][0-9][0-9]"],
}


def models_folder():
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Path(os.environ.get("LATHE_MODELS") or Path(data) / "lathe/models")


def random_texts(count, seed):
    """Strings of a few dozen characters, drawn from classes where rules meet."""
    rng = random.Random(seed)
    classes = [" ", "  ", "\n", "\r", "\r\n", "\t", "\u00a0", "\u2003", "\u3000", "\x85", "\u2028", "\x1c",
               "'", "'s", "'S", "'LL", "'re", "'ſ", "'d", "\u2019", ".", ",", "!", "...", "-", "_", "$", "+",
               "<", "=", "|", "`", "~", "^", "0", "12", "345", "6789", "٣", "Ⅷ", "½", "²", "１", "a", "the", "The",
               " of", "straße", "İ", "ß", "é", "e\u0301", "ñ", "Привет", "שלום", "مرحبا", "हिन्दी", "ไทย", "中文",
               "日本語", "한국어", "ʰ", "ª", "🚀", "👩‍👩‍👧", "\U0001F1E9\U0001F1EA", "\u200b", "\u200d", "\ufeff",
               "\ufffd", "\x00", "\x7f", "\u0378", "\U0010ffff", "𝔘", "▁", "<s>", "</s>", "<|im_start|>", "<0x0A>"]
    for _ in range(count):
        yield "".join(rng.choice(classes) for _ in range(rng.randint(1, 24)))
    for _ in range(count // 4):
        yield "".join(chr(c) for c in (rng.randint(1, 0x10ffff) for _ in range(12))
                      if not 0xd800 <= c <= 0xdfff)


def is_newer(text):
    """Whether the peers' Unicode knows a letter, number or sign that Lathe's tables (version 14, as
    Debian 12's Python) do not."""
    return any(unicodedata.category(c) == "Cn" and regex.match(r"[\p{L}\p{N}\p{P}\p{Z}]", c) for c in text)


def lathe_tokens(tool, path, texts):
    packed = b"".join(struct.pack("<I", len(t)) + t for t in (t.encode() for t in texts))
    done = subprocess.run([tool, path], input=packed, capture_output=True, check=True)
    at, out = 0, []
    for _ in texts:
        (n,) = struct.unpack_from("<I", done.stdout, at)
        if n == 0xffffffff:
            out.append(None)
            at += 4
            continue
        out.append(list(struct.unpack_from(f"<{n}i", done.stdout, at + 4)))
        at += 4 + 4 * n
    return out, done.stderr.decode().strip().splitlines()


def bpe_peer(meta):
    """A `tokenizers` byte-level BPE from the file's own vocabulary and merges."""
    from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers
    tokens, types = meta["tokenizer.ggml.tokens"], meta["tokenizer.ggml.token_type"]
    merges = []
    for line in meta["tokenizer.ggml.merges"]:
        left, right = line[0] + line[1:].split(" ", 1)[0], line[1:].split(" ", 1)[1]
        merges.append((left, right))
    pre = meta["tokenizer.ggml.pre"]
    vocab = {t: i for i, t in enumerate(tokens) if types[i] == 1}
    bpe = models.BPE(vocab=vocab, merges=merges, ignore_merges=pre == "llama-bpe")
    tokenizer = Tokenizer(bpe)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(r), "isolated") for r in SPLITS[pre]]
        + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    # What is user-defined is looked for first; its number may differ, so it goes by name.
    added = [tokens[i] for i in range(len(tokens)) if types[i] == 4]
    tokenizer.add_tokens([AddedToken(t, normalized=False) for t in added])
    by_name = {t: i for i, t in enumerate(tokens)}

    def encode(texts):
        return [[by_name[t] for t in e.tokens] for e in tokenizer.encode_batch(texts, False)]
    return encode


def spm_peer(meta):
    """A `sentencepiece` BPE model with the file's pieces and scores, without normalisation."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2 as pb
    model = pb.ModelProto()
    model.trainer_spec.model_type = pb.TrainerSpec.BPE
    model.trainer_spec.byte_fallback = True
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = True
    model.normalizer_spec.remove_extra_whitespaces = False
    pieces = zip(meta["tokenizer.ggml.tokens"], meta["tokenizer.ggml.scores"], meta["tokenizer.ggml.token_type"])
    for i, (text, score, kind) in enumerate(pieces):
        # SentencePiece wants exactly one unknown piece; Phi-3's file calls that one a control token
        # and its padding unknown. No text becomes either.
        kind = 2 if i == 0 else 3 if kind == 2 else kind
        model.pieces.add(piece=text, score=score, type=kind)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString())
    return lambda texts: [processor.encode(t) for t in texts]


def compare(tool, path, texts):
    meta = Gguf(path).meta
    spm = meta["tokenizer.ggml.model"] == "llama"
    if not spm and meta.get("tokenizer.ggml.pre") not in SPLITS:
        print(f"{path.name}: no peer for its pre-tokenizer {meta.get('tokenizer.ggml.pre')}")
        return True
    # After a user-defined token Lathe, like llama.cpp and `transformers`, puts a space again where
    # SentencePiece does not.
    spaced = [t for t, k in zip(meta["tokenizer.ggml.tokens"], meta["tokenizer.ggml.token_type"]) if k == 4]
    if spm:
        texts = [t for t in texts if not any(s in t for s in spaced)]
    theirs = (spm_peer if spm else bpe_peer)(meta)(texts)
    ours, notes = lathe_tokens(tool, path, texts)
    told = [i for i in range(len(texts)) if ours[i] is not None]
    wrong = [i for i in told if ours[i] != theirs[i]]
    refused = len(texts) - len(told)
    if refused:
        notes.append(f"{refused} refused for bytes that the vocabulary lacks, which the peer drops")
    print(f"{path.name}: {len(told) - len(wrong)} of {len(told)} texts equal; {'; '.join(notes)}")
    for i in wrong[:8]:
        print(f"  {texts[i]!r}\n    Lathe {ours[i]}\n    peer  {theirs[i]}")
    return not wrong


def main():
    tool, files = sys.argv[1], sys.argv[2:]
    texts = [t for t in random_texts(20000, 1) if not is_newer(t)]
    for name in files:
        texts += [line for line in Path(name).read_text().splitlines() if line]
    names = ["llama-spm", "phi-3", "gpt-2", "llama-bpe", "qwen2", "falcon", "starcoder", "command-r", "refact"]
    paths = [models_folder() / f"vocabs/ggml-vocab-{n}.gguf" for n in names]
    paths.append(models_folder() / "SmolLM2-135M-Instruct.Q4_1.gguf")
    paths.append(Path(__file__).parents[2] / "data/default-model/lathe-default-f16.gguf")
    here = [p for p in paths if p.exists()]
    if not here:
        sys.exit("no vocabularies: run data/fetch-models vocabs")
    return 0 if all([compare(tool, p, texts) for p in here]) else 1


if __name__ == "__main__":
    sys.exit(main())
