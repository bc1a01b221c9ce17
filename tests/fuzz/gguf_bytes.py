"""Bytes of GGUF files, sound or not: for the corpora."""
import struct

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
FORMATS = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "B", U64: "Q", I64: "q", F64: "d"}
HUGE = 2**64 - 1


def u32(*values):
    return b"".join(struct.pack("<I", v) for v in values)


def u64(*values):
    return b"".join(struct.pack("<Q", v) for v in values)


def string(text):
    raw = text if isinstance(text, bytes) else text.encode()
    return u64(len(raw)) + raw


def array(kind, values):
    items = [string(v) if kind == STRING else struct.pack("<" + FORMATS[kind], v) for v in values]
    return u32(kind) + u64(len(items)) + b"".join(items)


def entry(key, kind, value):
    if kind == STRING:
        return string(key) + u32(kind) + string(value)
    if isinstance(value, bytes):
        return string(key) + u32(kind) + value
    return string(key) + u32(kind) + struct.pack("<" + FORMATS[kind], value)


def tensor(name, dims, dtype, offset):
    return string(name) + u32(len(dims)) + u64(*dims) + u32(dtype) + u64(offset)


def gguf(metas=(), tensors=(), data=b"", version=3, n_meta=None, n_tensors=None, alignment=32, magic=b"GGUF"):
    head = magic + u32(version)
    head += u64(len(tensors) if n_tensors is None else n_tensors, len(metas) if n_meta is None else n_meta)
    head += b"".join(metas) + b"".join(tensors)
    if tensors:
        head += b"\0" * (-len(head) % alignment)
    return head + data
