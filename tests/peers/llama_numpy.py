#!/usr/bin/env python3
"""A Llama in NumPy, written from the papers: the reference for the engine's conformance tests.

Reads a GGUF file of architecture llama, qwen2 or qwen3, computes in float64 by default, and prints one
JSON object: the prompt's token ids, the largest logits after it, and the greedy continuation.

    llama_numpy.py MODEL.gguf --prompt "It is a truth" --n-predict 32
    llama_numpy.py MODEL.gguf --tokens 1,306,417 --logits-out logits.f32
    llama_numpy.py MODEL.gguf --text heldout.txt --window 512

--logits-out writes the logits of every prompt position as raw float32 [positions, vocabulary], or as a
NumPy file if its name ends in .npy.  --text prints the perplexity and the bits per byte of a file, cut
into windows that begin with the BOS token.  A prompt given as text needs a SentencePiece-type
vocabulary; with other vocabularies give --tokens.

Sources: RMSNorm, Zhang and Sennrich 2019; rotary embedding, Su and others 2021; grouped queries,
Ainslie and others 2023; gated feed-forward, Shazeer 2020; the whole, Touvron and others 2023.
"""

import argparse
import heapq
import json
import math
import pathlib

import numpy as np

from gguf_numpy import BLOCKS, Gguf

NORMAL, CONTROL, USER_DEFINED, BYTE = 1, 3, 4, 6
SPACE = "\u2581"


class SpmTokenizer:
    """SentencePiece-type vocabulary: the pair of pieces whose union scores best is joined first."""

    def __init__(self, meta):
        self.pieces = meta["tokenizer.ggml.tokens"]
        self.scores = meta["tokenizer.ggml.scores"]
        self.types = meta["tokenizer.ggml.token_type"]
        self.bos = meta.get("tokenizer.ggml.bos_token_id", 1)
        self.add_bos = meta.get("tokenizer.ggml.add_bos_token", True)
        self.prefix = meta.get("tokenizer.ggml.add_space_prefix", True)
        known = (NORMAL, USER_DEFINED)
        self.ids = {p: i for i, p in enumerate(self.pieces) if self.types[i] in known}
        self.bytes = {int(p[3:5], 16): i for i, p in enumerate(self.pieces) if self.types[i] == BYTE}

    def encode(self, text):
        ids = [self.bos] if self.add_bos else []
        if not text:
            return ids
        text = (" " if self.prefix else "") + text
        for piece in self.merge(list(text.replace(" ", SPACE))):
            if piece in self.ids:
                ids.append(self.ids[piece])
            else:
                ids.extend(self.bytes[b] for b in piece.encode("utf-8"))
        return ids

    def merge(self, parts):
        """Joins neighbours while a union is in the vocabulary: highest score, then leftmost, first."""
        after = list(range(1, len(parts) + 1))
        before = list(range(-1, len(parts) - 1))
        queue = []

        def offer(left, right):
            if left >= 0 and right < len(parts):
                union = parts[left] + parts[right]
                if union in self.ids:
                    heapq.heappush(queue, (-self.scores[self.ids[union]], left, right, union))

        for i in range(len(parts) - 1):
            offer(i, i + 1)
        while queue:
            _, left, right, union = heapq.heappop(queue)
            if parts[left] is None or parts[right] is None or parts[left] + parts[right] != union:
                continue  # one of the two was joined to something else meanwhile
            parts[left], parts[right] = union, None
            after[left] = after[right]
            if after[left] < len(parts):
                before[after[left]] = left
            offer(before[left], left)
            offer(left, after[left])
        return [p for p in parts if p is not None]

    def decode(self, ids):
        raw = b""
        for i in ids:
            if self.types[i] == BYTE:
                raw += bytes([int(self.pieces[i][3:5], 16)])
            elif self.types[i] != CONTROL:
                raw += self.pieces[i].replace(SPACE, " ").encode("utf-8")
        return raw.decode("utf-8", "replace")


def gpt2_decode(pieces, ids):
    """Text of byte-level BPE tokens: each character of a piece stands for one byte."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    byte_of = {chr(b): b for b in shown}
    byte_of.update({chr(256 + n): b for n, b in enumerate(b for b in range(256) if b not in shown)})
    raw = b"".join(bytes([byte_of[c]]) if c in byte_of else c.encode("utf-8")
                   for i in ids for c in pieces[i])
    return raw.decode("utf-8", "replace")


class Llama:
    """The network with its KV cache; weights [out, in] in the given floating-point type."""

    def __init__(self, gguf, dtype):
        meta, arch = gguf.meta, gguf.meta["general.architecture"]
        if arch not in ("llama", "qwen2", "qwen3"):
            raise SystemExit("llama_numpy: architecture %s is not supported" % arch)
        dim = meta[arch + ".embedding_length"]
        self.n_layers = meta[arch + ".block_count"]
        self.n_heads = meta[arch + ".attention.head_count"]
        self.n_kv_heads = meta.get(arch + ".attention.head_count_kv", self.n_heads)
        self.head_dim = meta.get(arch + ".attention.key_length", dim // self.n_heads)
        self.eps = meta[arch + ".attention.layer_norm_rms_epsilon"]
        self.neighbours = arch == "llama"  # rotary pairs (2i, 2i + 1); otherwise (i, i + half)
        self.w = {name: gguf.tensor(name).astype(dtype) for name in gguf.tensors}
        self.w.setdefault("output.weight", self.w["token_embd.weight"])
        n_rot = meta.get(arch + ".rope.dimension_count", self.head_dim)
        base = meta.get(arch + ".rope.freq_base", 10000.0)
        self.frequency = base ** (-np.arange(0, n_rot, 2, dtype=np.float64) / n_rot)
        if "rope_freqs.weight" in self.w:
            self.frequency /= self.w["rope_freqs.weight"]
        self.dtype = dtype
        self.cache = None  # a narrower type that keys and values are rounded to
        self.forget()

    def forget(self):
        """Empties the KV cache."""
        shape = (0, self.n_kv_heads, self.head_dim)
        self.keys = [np.zeros(shape, self.dtype) for _ in range(self.n_layers)]
        self.values = [np.zeros(shape, self.dtype) for _ in range(self.n_layers)]

    def norm(self, x, name):
        return x / np.sqrt(np.mean(x * x, -1, keepdims=True) + self.eps) * self.w[name]

    def linear(self, x, name):
        y = x @ self.w[name + ".weight"].T
        return y + self.w[name + ".bias"] if name + ".bias" in self.w else y

    def rotate(self, x, first):
        """x[position, head, head_dim] turned by its position, counted from first."""
        angle = (first + np.arange(len(x)))[:, None, None] * self.frequency
        cos, sin = np.cos(angle).astype(self.dtype), np.sin(angle).astype(self.dtype)
        half = len(self.frequency)
        a, b = (slice(0, 2 * half, 2), slice(1, 2 * half, 2)) if self.neighbours else (
            slice(0, half), slice(half, 2 * half))
        y = x.copy()
        y[..., a] = x[..., a] * cos - x[..., b] * sin
        y[..., b] = x[..., a] * sin + x[..., b] * cos
        return y

    def attention(self, x, layer):
        p = "blk.%d." % layer
        q, k, v = (self.linear(x, p + n).reshape(len(x), -1, self.head_dim)
                   for n in ("attn_q", "attn_k", "attn_v"))
        if p + "attn_q_norm.weight" in self.w:
            q, k = self.norm(q, p + "attn_q_norm.weight"), self.norm(k, p + "attn_k_norm.weight")
        past = len(self.keys[layer])
        q, k = self.rotate(q, past), self.rotate(k, past)
        if self.cache:
            k, v = (a.astype(self.cache).astype(self.dtype) for a in (k, v))
        k = self.keys[layer] = np.concatenate((self.keys[layer], k))
        v = self.values[layer] = np.concatenate((self.values[layer], v))
        group = self.n_heads // self.n_kv_heads
        k, v = np.repeat(k, group, 1), np.repeat(v, group, 1)
        scores = np.einsum("qhd,khd->hqk", q, k) / math.sqrt(self.head_dim)
        future = np.arange(len(k))[None, :] > past + np.arange(len(x))[:, None]
        scores = np.where(future, -np.inf, scores)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        y = np.einsum("hqk,khd->qhd", scores, v).reshape(len(x), -1)
        return self.linear(y, p + "attn_output")

    def feed_forward(self, x, layer):
        p = "blk.%d." % layer
        gate = self.linear(x, p + "ffn_gate")
        return self.linear(gate / (1 + np.exp(-gate)) * self.linear(x, p + "ffn_up"), p + "ffn_down")

    def forward(self, ids):
        """Logits [positions, vocabulary] of ids, which follow what the cache holds."""
        x = self.w["token_embd.weight"][np.asarray(ids)]
        for layer in range(self.n_layers):
            x = x + self.attention(self.norm(x, "blk.%d.attn_norm.weight" % layer), layer)
            x = x + self.feed_forward(self.norm(x, "blk.%d.ffn_norm.weight" % layer), layer)
        return self.linear(self.norm(x, "output_norm.weight"), "output")


def score_text(model, ids, bos, window):
    """Sum of -ln p over ids, in windows that begin with BOS."""
    nats = 0.0
    for at in range(0, len(ids), window):
        target = ids[at:at + window]
        model.forget()
        logits = model.forward([bos] + target[:-1]).astype(np.float64)
        logits -= logits.max(-1, keepdims=True)
        nats += float(np.sum(np.log(np.exp(logits).sum(-1)) - logits[np.arange(len(target)), target]))
    return nats


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=pathlib.Path)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--prompt", help="text; BOS is added if the file says so")
    what.add_argument("--tokens", help="token ids separated by commas, used as they are")
    what.add_argument("--text", type=pathlib.Path, help="measure the perplexity of this file")
    parser.add_argument("--n-predict", type=int, default=0, help="greedy tokens to append")
    parser.add_argument("--logits-out", type=pathlib.Path)
    parser.add_argument("--top", type=int, default=10, help="how many of the last logits to print")
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--dtype", choices=("f32", "f64"), default="f64")
    args = parser.parse_args()

    gguf = Gguf(args.model)
    kind = gguf.meta["tokenizer.ggml.model"]
    tokenizer = SpmTokenizer(gguf.meta) if kind == "llama" else None
    if tokenizer is None and args.tokens is None:
        parser.error("vocabulary type %s: give --tokens" % kind)
    model = Llama(gguf, {"f32": np.float32, "f64": np.float64}[args.dtype])
    result = {"model": gguf.meta.get("general.name", args.model.name),
              "architecture": gguf.meta["general.architecture"],
              "tensor_types": sorted({BLOCKS[t[1]][0] for t in gguf.tensors.values()})}

    if args.text:
        raw = args.text.read_bytes()
        ids = tokenizer.encode(raw.decode("utf-8"))[1 if tokenizer.add_bos else 0:]
        nats = score_text(model, ids, tokenizer.bos, args.window)
        result.update(n_bytes=len(raw), n_tokens=len(ids), perplexity=math.exp(nats / len(ids)),
                      bits_per_byte=nats / math.log(2) / len(raw))
    else:
        ids = [int(t) for t in args.tokens.split(",")] if args.tokens else tokenizer.encode(args.prompt)
        logits = model.forward(ids)
        if args.logits_out and args.logits_out.suffix == ".npy":
            np.save(args.logits_out, logits.astype(np.float32))
        elif args.logits_out:
            logits.astype("<f4").tofile(args.logits_out)
        last, greedy = logits[-1], []
        best = np.argsort(-last, kind="stable")[:args.top]
        for _ in range(args.n_predict):
            greedy.append(int(np.argmax(last)))
            last = model.forward(greedy[-1:])[-1]
        pieces = gguf.meta["tokenizer.ggml.tokens"]
        text = tokenizer.decode(greedy) if tokenizer else gpt2_decode(pieces, greedy)
        result.update(tokens=ids, top=[[int(i), float(logits[-1][i])] for i in best], greedy=greedy,
                      text=text)
    print(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    main()
