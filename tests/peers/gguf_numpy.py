"""Read a GGUF file with NumPy: metadata, and tensors unpacked to float32.

Part of the reference that the engine's conformance tests compare with (llama_numpy.py).  Written from
the published description of the format and of its block layouts; it shares nothing with the engine's
own reader, and it prefers to be short: a damaged file raises an exception.
"""

import struct

import numpy as np

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9


class Cursor:
    """Takes little-endian values off a buffer, front to back."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, fmt):
        values = struct.unpack_from("<" + fmt, self.data, self.at)
        self.at += struct.calcsize("<" + fmt)
        return values[0] if len(values) == 1 else values

    def string(self):
        size = self.take("Q")
        raw = bytes(self.data[self.at:self.at + size])
        self.at += size
        return raw.decode("utf-8", "surrogateescape")

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            kind, count = self.take("IQ")
            return [self.value(kind) for _ in range(count)]
        return self.take(SCALARS[kind])


def halves(blocks, start, count=1):
    """float16 fields of packed blocks [n, bytes] as float32 [n, count]."""
    return blocks[:, start:start + 2 * count].copy().view("<f2").astype(np.float32)


def nibbles(packed):
    """Bytes [..., n] as their low halves followed by their high halves [..., 2 n]."""
    return np.concatenate((packed & 15, packed >> 4), -1)


def unpack_q8_0(b):  # f16 scale, 32 signed bytes
    return halves(b, 0) * b[:, 2:].view(np.int8)


def unpack_q4_0(b):  # f16 scale, 32 nibbles around 8
    return halves(b, 0) * (nibbles(b[:, 2:]).astype(np.float32) - 8)


def unpack_q4_1(b):  # f16 scale, f16 minimum, 32 nibbles
    return halves(b, 0) * nibbles(b[:, 4:]) + halves(b, 2)


def k_scales(s):
    """The eight 6-bit scales and minima in 12 bytes: two arrays [n, 8]."""
    low, mid, high = s[:, 0:4], s[:, 4:8], s[:, 8:12]
    scale = np.concatenate((low & 63, (high & 15) | (low >> 6 << 4)), 1)
    minimum = np.concatenate((mid & 63, (high >> 4) | (mid >> 6 << 4)), 1)
    return scale.astype(np.float32), minimum.astype(np.float32)


def scale_k(b, quants):
    """quants[n, 8, 32] under the super-block header at the start of b."""
    scale, minimum = k_scales(b[:, 4:16])
    d, dmin = halves(b, 0), halves(b, 2)
    return ((d * scale)[:, :, None] * quants - (dmin * minimum)[:, :, None]).reshape(len(b), 256)


def unpack_q4_k(b):  # header, 4 runs of 32 bytes: low nibbles are one sub-block, high the next
    return scale_k(b, nibbles(b[:, 16:144].reshape(-1, 4, 32)).reshape(-1, 8, 32))


def unpack_q5_k(b):  # header, 32 bytes of fifth bits (bit i for sub-block i), then as Q4_K
    fifth = b[:, 16:48, None] >> np.arange(8, dtype=np.uint8) & 1
    quants = nibbles(b[:, 48:176].reshape(-1, 4, 32)).reshape(-1, 8, 32)
    return scale_k(b, quants + 16 * fifth.transpose(0, 2, 1))


def unpack_q6_k(b):  # per 128 values: 64 bytes of low nibbles, 32 bytes of high bit pairs; 16 scales
    low = b[:, 0:128].reshape(-1, 2, 2, 32)
    low = np.concatenate((low & 15, low >> 4), 2)  # [n, 2, 4, 32]
    pairs = b[:, 128:192].reshape(-1, 2, 1, 32) >> np.array([0, 2, 4, 6], np.uint8)[:, None] & 3
    quants = (low | pairs << 4).astype(np.float32).reshape(-1, 16, 16) - 32
    scale = b[:, 192:208].view(np.int8).astype(np.float32) * halves(b, 208)
    return (scale[:, :, None] * quants).reshape(len(b), 256)


# type number: (name, values per block, bytes per block, unpack)
BLOCKS = {
    0: ("F32", 1, 4, lambda b: b.view("<f4")),
    1: ("F16", 1, 2, lambda b: b.view("<f2")),
    2: ("Q4_0", 32, 18, unpack_q4_0),
    3: ("Q4_1", 32, 20, unpack_q4_1),
    8: ("Q8_0", 32, 34, unpack_q8_0),
    12: ("Q4_K", 256, 144, unpack_q4_k),
    13: ("Q5_K", 256, 176, unpack_q5_k),
    14: ("Q6_K", 256, 210, unpack_q6_k),
    30: ("BF16", 1, 2, lambda b: (b.view("<u2").astype(np.uint32) << 16).view(np.float32)),
}


class Gguf:
    """A GGUF file: .meta is {key: value}, .tensors is {name: (dims, type, offset)}."""

    def __init__(self, path):
        data = np.memmap(path, np.uint8, "r")
        cursor = Cursor(data)
        if bytes(data[:4]) != b"GGUF":
            raise ValueError("%s: not a GGUF file" % path)
        cursor.at = 4
        version, n_tensors, n_pairs = cursor.take("IQQ")
        if version not in (2, 3):
            raise ValueError("%s: GGUF version %d, expected 2 or 3" % (path, version))
        self.meta, self.tensors = {}, {}
        for _ in range(n_pairs):
            key = cursor.string()
            self.meta[key] = cursor.value(cursor.take("I"))
        for _ in range(n_tensors):
            name = cursor.string()
            dims = [cursor.take("Q") for _ in range(cursor.take("I"))]
            self.tensors[name] = (dims, *cursor.take("IQ"))
        alignment = self.meta.get("general.alignment", 32)
        self.payload = data[-(-cursor.at // alignment) * alignment:]

    def tensor(self, name):
        """A tensor as float32, its dimensions in C order (the contiguous one last)."""
        dims, kind, offset = self.tensors[name]
        if kind not in BLOCKS:
            raise ValueError("%s: tensor type %d is not supported here" % (name, kind))
        _, per_block, size, unpack = BLOCKS[kind]
        n_blocks = int(np.prod(dims)) // per_block
        blocks = np.asarray(self.payload[offset:offset + n_blocks * size]).reshape(n_blocks, size)
        return unpack(blocks).astype(np.float32).reshape(dims[::-1])
