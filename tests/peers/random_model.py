#!/usr/bin/python3
"""Write a Llama-type GGUF with random F16 weights, for speed only: what it says is noise, how fast it says it is real.

    random_model.py OUT.gguf [--shape 1.1b]      the shape of TinyLlama-1.1B (2.2 GB)

`lathe convert OUT.gguf -o Q4.gguf --recipe '{...}'` makes the quantized files from it, which other GGUF programs read too.
Needs NumPy. Weights are normal with the usual scale 1/sqrt(columns), so that activations keep their size from block to block.
"""

import argparse
import struct

import numpy as np

SHAPES = {
    "1.1b": dict(n_embd=2048, n_layers=22, n_heads=32, n_kv=4, n_ff=5632, n_vocab=32000, n_ctx=2048),
    "135m": dict(n_embd=576, n_layers=30, n_heads=9, n_kv=3, n_ff=1536, n_vocab=49152, n_ctx=2048),
}
ALIGN = 32
F32, F16 = 0, 1
U32, FLOAT, STRING, ARRAY, I32 = 4, 6, 8, 9, 5


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def meta(key, kind, value):
    head = string(key) + struct.pack("<I", kind)
    if kind == STRING:
        return head + string(value)
    return head + struct.pack({U32: "<I", FLOAT: "<f"}[kind], value)


def array(key, kind, items):
    head = string(key) + struct.pack("<IIQ", ARRAY, kind, len(items))
    if kind == STRING:
        return head + b"".join(string(item) for item in items)
    return head + np.asarray(items, {FLOAT: "<f4", I32: "<i4"}[kind]).tobytes()


def tensors(shape):
    d, ff, head_dim = shape["n_embd"], shape["n_ff"], shape["n_embd"] // shape["n_heads"]
    kv = shape["n_kv"] * head_dim
    yield "token_embd.weight", (shape["n_vocab"], d)
    for i in range(shape["n_layers"]):
        yield f"blk.{i}.attn_norm.weight", (d,)
        yield f"blk.{i}.attn_q.weight", (d, d)
        yield f"blk.{i}.attn_k.weight", (kv, d)
        yield f"blk.{i}.attn_v.weight", (kv, d)
        yield f"blk.{i}.attn_output.weight", (d, d)
        yield f"blk.{i}.ffn_norm.weight", (d,)
        yield f"blk.{i}.ffn_gate.weight", (ff, d)
        yield f"blk.{i}.ffn_up.weight", (ff, d)
        yield f"blk.{i}.ffn_down.weight", (d, ff)
    yield "output_norm.weight", (d,)
    yield "output.weight", (shape["n_vocab"], d)


def vocabulary(n):
    """Control tokens, the 256 bytes, then invented words: enough for a tokenizer to load."""
    names = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)]
    kinds = [2, 3, 3] + [6] * 256
    for i in range(n - len(names)):
        names.append(f"\u2581w{i}")
        kinds.append(1)
    return names, [-float(i) for i in range(n)], kinds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--shape", choices=sorted(SHAPES), default="1.1b")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    shape = SHAPES[arguments.shape]
    names, scores, kinds = vocabulary(shape["n_vocab"])

    metas = [
        meta("general.architecture", STRING, "llama"),
        meta("general.name", STRING, f"random weights, {arguments.shape} shape"),
        meta("general.file_type", U32, 1),
        meta("llama.block_count", U32, shape["n_layers"]),
        meta("llama.context_length", U32, shape["n_ctx"]),
        meta("llama.embedding_length", U32, shape["n_embd"]),
        meta("llama.feed_forward_length", U32, shape["n_ff"]),
        meta("llama.attention.head_count", U32, shape["n_heads"]),
        meta("llama.attention.head_count_kv", U32, shape["n_kv"]),
        meta("llama.attention.layer_norm_rms_epsilon", FLOAT, 1e-5),
        meta("llama.rope.dimension_count", U32, shape["n_embd"] // shape["n_heads"]),
        meta("tokenizer.ggml.model", STRING, "llama"),
        array("tokenizer.ggml.tokens", STRING, names),
        array("tokenizer.ggml.scores", FLOAT, scores),
        array("tokenizer.ggml.token_type", I32, kinds),
        meta("tokenizer.ggml.unknown_token_id", U32, 0),
        meta("tokenizer.ggml.bos_token_id", U32, 1),
        meta("tokenizer.ggml.eos_token_id", U32, 2),
    ]
    listing, offset, table = list(tensors(shape)), 0, b""
    for name, dims in listing:
        kind = F32 if len(dims) == 1 else F16
        table += string(name) + struct.pack("<I", len(dims)) + b"".join(struct.pack("<Q", n) for n in reversed(dims))
        table += struct.pack("<IQ", kind, offset)
        size = int(np.prod(dims)) * (4 if kind == F32 else 2)
        offset += -(-size // ALIGN) * ALIGN

    random = np.random.default_rng(arguments.seed)
    noise = random.standard_normal(1 << 22, dtype=np.float32)  # drawn once, read from random places: speed does not look at values
    with open(arguments.out, "wb") as out:
        out.write(b"GGUF" + struct.pack("<IQQ", 3, len(listing), len(metas)) + b"".join(metas) + table)
        out.write(b"\0" * (-out.tell() % ALIGN))
        for name, dims in listing:
            if len(dims) == 1:
                out.write(np.ones(dims, "<f4").tobytes())
            else:
                rows, columns = dims
                scaled = (noise / np.sqrt(columns)).astype("<f2")
                for start in range(0, rows * columns, len(scaled) // 2):
                    n = min(len(scaled) // 2, rows * columns - start)
                    at = int(random.integers(0, len(scaled) // 2))
                    out.write(scaled[at : at + n].tobytes())
            out.write(b"\0" * (-out.tell() % ALIGN))


if __name__ == "__main__":
    main()
