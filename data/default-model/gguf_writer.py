"""Write a Llama-architecture GGUF file (version 3, little-endian) with a SentencePiece vocabulary.

The layout: magic, version, counts; key/value pairs; one description per tensor; padding; the tensors,
each beginning at a multiple of 32 bytes from the start of the data.
"""

import struct

import numpy as np

ALIGNMENT = 32
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
PACK = {UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?"}
TENSOR_TYPE = {np.dtype(np.float32): 0, np.dtype(np.float16): 1}
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
MOSTLY_F16 = 1

NAME = "Lathe default (Austen 5M)"
LICENSE = "CC0-1.0"
DESCRIPTION = ("A small Llama trained for Lathe on public-domain English prose: the novels of Jane Austen, "
               "The Treasury of David, Matthew Henry's Concise Commentary, the World English Bible, the King "
               "James Version and The Devil's Dictionary.")


def text(value):
    raw = value.encode("utf-8")
    return struct.pack("<Q", len(raw)) + raw


def scalar(kind, value):
    return text(value) if kind == STRING else struct.pack(PACK[kind], value)


def pair(key, kind, value):
    return text(key) + struct.pack("<I", kind) + scalar(kind, value)


def array(key, kind, values):
    head = text(key) + struct.pack("<IIQ", ARRAY, kind, len(values))
    return head + b"".join(scalar(kind, v) for v in values)


def vocabulary(tokenizer):
    """Pieces, scores and types of a SentencePiece processor."""
    ids = range(tokenizer.get_piece_size())

    def kind(i):
        if tokenizer.is_unknown(i):
            return UNKNOWN
        if tokenizer.is_control(i):
            return CONTROL
        return BYTE if tokenizer.is_byte(i) else NORMAL

    return ([tokenizer.id_to_piece(i) for i in ids], [tokenizer.get_score(i) for i in ids],
            [kind(i) for i in ids])


def metadata(shape, tokenizer):
    pieces, scores, types = vocabulary(tokenizer)
    return [
        pair("general.architecture", STRING, "llama"),
        pair("general.name", STRING, NAME),
        pair("general.license", STRING, LICENSE),
        pair("general.description", STRING, DESCRIPTION),
        pair("general.file_type", UINT32, MOSTLY_F16),
        pair("general.alignment", UINT32, ALIGNMENT),
        pair("llama.vocab_size", UINT32, len(pieces)),
        pair("llama.block_count", UINT32, shape["block_count"]),
        pair("llama.context_length", UINT32, shape["context_length"]),
        pair("llama.embedding_length", UINT32, shape["embedding_length"]),
        pair("llama.feed_forward_length", UINT32, shape["feed_forward_length"]),
        pair("llama.attention.head_count", UINT32, shape["head_count"]),
        pair("llama.attention.head_count_kv", UINT32, shape["head_count_kv"]),
        pair("llama.attention.layer_norm_rms_epsilon", FLOAT32, shape["rms_epsilon"]),
        pair("llama.rope.dimension_count", UINT32, shape["rope_dimension"]),
        pair("llama.rope.freq_base", FLOAT32, shape["rope_base"]),
        pair("tokenizer.ggml.model", STRING, "llama"),
        array("tokenizer.ggml.tokens", STRING, pieces),
        array("tokenizer.ggml.scores", FLOAT32, scores),
        array("tokenizer.ggml.token_type", INT32, types),
        pair("tokenizer.ggml.bos_token_id", UINT32, tokenizer.bos_id()),
        pair("tokenizer.ggml.eos_token_id", UINT32, tokenizer.eos_id()),
        pair("tokenizer.ggml.unknown_token_id", UINT32, tokenizer.unk_id()),
        pair("tokenizer.ggml.add_bos_token", BOOL, True),
        pair("tokenizer.ggml.add_eos_token", BOOL, False),
        pair("tokenizer.ggml.add_space_prefix", BOOL, True),
    ]


def write_llama(path, shape, tokenizer, tensors):
    """Writes tensors {name: C-ordered array, float16 or float32} and the model's description."""
    pairs = metadata(shape, tokenizer)
    described, data = [], bytearray()
    for name, values in tensors.items():
        data += bytes(-len(data) % ALIGNMENT)
        dims = values.shape[::-1]  # the contiguous dimension first
        described.append(text(name) + struct.pack("<I%dQIQ" % len(dims), len(dims), *dims,
                                                  TENSOR_TYPE[values.dtype], len(data)))
        data += np.ascontiguousarray(values).tobytes()
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + b"".join(pairs + described)
    with open(path, "wb") as out:
        out.write(head + bytes(-len(head) % ALIGNMENT) + data)
