"""Corpus of fuzz-arch: language models of a few kilobytes, in every weight format, with one size for all blocks or a list."""
from gguf_bytes import ARRAY, F32, I32, STRING, U8, U32, U64, array, entry, gguf, tensor

F32_TYPE, F16_TYPE = 0, 1
# GGUF's number: values and bytes of a block.
FORMATS = {
    "f32": (0, 1, 4), "f16": (1, 1, 2), "q4_0": (2, 32, 18), "q4_1": (3, 32, 20), "q5_0": (6, 32, 22), "q5_1": (7, 32, 24),
    "q8_0": (8, 32, 34), "q2_k": (10, 256, 84), "q3_k": (11, 256, 110), "q4_k": (12, 256, 144), "q5_k": (13, 256, 176),
    "q6_k": (14, 256, 210), "bf16": (30, 1, 2), "tq1_0": (34, 256, 54), "tq2_0": (35, 256, 66), "mxfp4": (39, 32, 17),
}


def noise(n, seed):
    """Bytes that are the same in every run (Park and Miller 1988)."""
    out, state = bytearray(), seed % 2147483646 + 1
    for _ in range(n):
        state = state * 48271 % 2147483647
        out.append(state >> 8 & 255)
    return bytes(out)


class Model:
    """One block of width 32 or 256, one head of two values, one channel, two tokens; tied."""

    def __init__(self, name="f16", arch="llama", n_embd=32, ff=(1,), heads=(1,), kv=(1,), dtype=None):
        self.dtype, self.block, self.bytes = FORMATS[name]
        self.dtype = self.dtype if dtype is None else dtype
        self.arch, self.n_embd, self.ff, self.heads, self.kv = arch, n_embd, ff, heads, kv
        self.tensors, self.data, self.sizes = [], b"", {}
        self.matrix("token_embd.weight", 2, n_embd)
        for i, (n_ff, n_heads, n_kv) in enumerate(zip(ff, heads, kv)):
            if n_heads:
                self.vector(f"blk.{i}.attn_norm.weight")
                self.matrix(f"blk.{i}.attn_q.weight", 2 * n_heads, n_embd)
                self.matrix(f"blk.{i}.attn_k.weight", 2 * n_kv, n_embd)
                self.matrix(f"blk.{i}.attn_v.weight", 2 * n_kv, n_embd)
                self.matrix(f"blk.{i}.attn_output.weight", n_embd, 2 * n_heads)
            if n_ff:
                self.vector(f"blk.{i}.ffn_norm.weight")
                self.matrix(f"blk.{i}.ffn_gate.weight", n_ff, n_embd)
                self.matrix(f"blk.{i}.ffn_up.weight", n_ff, n_embd)
                self.matrix(f"blk.{i}.ffn_down.weight", n_embd, n_ff)
        self.vector("output_norm.weight")

    def add(self, name, dims, dtype, n_bytes):
        self.data += b"\0" * (-len(self.data) % 32)
        self.tensors.append(tensor(name, dims, dtype, len(self.data)))
        self.data += noise(n_bytes, len(self.data))

    def vector(self, name):
        self.add(name, [self.n_embd], F16_TYPE, 2 * self.n_embd)

    def matrix(self, name, n_rows, n_cols):
        if n_cols % self.block:
            self.add(name, [n_cols, n_rows], F16_TYPE, 2 * n_rows * n_cols)
        else:
            self.add(name, [n_cols, n_rows], self.dtype, n_rows * n_cols // self.block * self.bytes)

    def size(self, key, values):
        """One number where all are the same, else a list; or what self.sizes says instead."""
        full = f"{self.arch}.{key}"
        if key in self.sizes:
            return entry(full, *self.sizes[key])
        if len(set(values)) == 1 and values[0]:
            return entry(full, U32, values[0])
        return entry(full, ARRAY, array(I32, values))

    def file(self, **sizes):
        self.sizes = {key.replace("_dot_", "."): value for key, value in sizes.items()}
        metas = [entry("general.architecture", STRING, self.arch), self.size("block_count", [len(self.ff)]),
                 self.size("embedding_length", [self.n_embd]), self.size("feed_forward_length", self.ff),
                 self.size("attention.head_count", self.heads), self.size("attention.head_count_kv", self.kv),
                 self.size("attention.key_length", [2]), self.size("attention.value_length", [2]),
                 entry(f"{self.arch}.attention.layer_norm_rms_epsilon", F32, 1e-5)]
        return gguf(metas, self.tensors, self.data)


def corpus():
    files = {f"good-{name}": Model(name, n_embd=max(32, block)).file() for name, (_, block, _) in FORMATS.items()}
    # Formats of this program alone are never in a file, whatever number the file gives.
    for dtype in (200, 202, 210, 220, 224, 230, 24, 31, 36, 40):
        files[f"bad-format-{dtype}"] = Model("q8_0", dtype=dtype).file()

    def uneven(ff=(2, 1, 0), heads=(2, 0, 4), kv=(1, 0, 2)):
        return Model("q8_0", arch="deci", ff=ff, heads=heads, kv=kv)

    files |= {
        "good-lists": uneven().file(),
        "good-lists-first-half": uneven((0, 1), (2, 0), (2, 0)).file(),
        "good-lists-empty-block": uneven((0, 1), (0, 2), (0, 1)).file(),
        "good-lists-equal": Model("mxfp4", ff=(1, 1), heads=(1, 1), kv=(1, 1)).file(feed_forward_length=(ARRAY, array(U64, [1, 1]))),
        "good-lists-kv-single": uneven((1, 1), (2, 0), (1, 0)).file(attention_dot_head_count_kv=(U32, 1)),
        "bad-list-short": uneven().file(feed_forward_length=(ARRAY, array(I32, [2, 1]))),
        "bad-list-long": uneven().file(attention_dot_head_count=(ARRAY, array(I32, [2, 0, 4, 4]))),
        "bad-list-empty": uneven().file(attention_dot_head_count_kv=(ARRAY, array(I32, []))),
        "bad-list-floats": uneven().file(feed_forward_length=(ARRAY, array(F32, [2, 1, 0]))),
        "bad-list-strings": uneven().file(attention_dot_head_count=(ARRAY, array(STRING, ["2", "0", "4"]))),
        "bad-list-of-lists": uneven().file(feed_forward_length=(ARRAY, b"\x09\0\0\0" + b"\x03" + b"\0" * 7 + array(U8, [1]) * 3)),
        "bad-list-negative": uneven().file(feed_forward_length=(ARRAY, array(I32, [2, -1, 0]))),
        "bad-list-huge": uneven().file(feed_forward_length=(ARRAY, array(U64, [2, 2**63, 0]))),
        "bad-list-wraps": uneven().file(attention_dot_head_count=(ARRAY, array(U64, [2**32 + 2, 0, 4]))),
        "bad-list-wide": uneven().file(feed_forward_length=(ARRAY, array(I32, [2, 2**20, 0]))),
        "bad-list-all-zero": uneven().file(attention_dot_head_count=(ARRAY, array(I32, [0, 0, 0])),
                                           attention_dot_head_count_kv=(ARRAY, array(I32, [0, 0, 0]))),
        "bad-list-no-keys": uneven().file(attention_dot_head_count_kv=(ARRAY, array(I32, [1, 0, 0]))),
        "bad-list-keys-of-nothing": uneven().file(attention_dot_head_count_kv=(ARRAY, array(I32, [1, 1, 2]))),
        "bad-list-not-dividing": uneven().file(attention_dot_head_count_kv=(ARRAY, array(I32, [1, 0, 3]))),
        "bad-list-denies-tensors": uneven().file(feed_forward_length=(ARRAY, array(I32, [2, 0, 0]))),
        "bad-list-wants-tensors": uneven().file(feed_forward_length=(ARRAY, array(I32, [2, 1, 1]))),
        "bad-list-of-blocks": uneven().file(block_count=(ARRAY, array(I32, [3, 3, 4]))),
        "bad-blocks-huge": uneven().file(block_count=(U32, 2**32 - 1)),
        "bad-blocks-4096": Model().file(block_count=(U32, 4096)),
        "bad-single-zero": Model().file(feed_forward_length=(U32, 0)),
        "bad-head-size-huge": Model().file(attention_dot_key_length=(U32, 2**31)),
    }
    return files
