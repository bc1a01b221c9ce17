"""Parts of folders of safetensors for the fuzz target: small sound ones, and hostile ones."""
import json
import struct


def weights(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(dtype="F32", shape=(1,), begin=0, end=4):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def config(model_type="llama", **other):
    return json.dumps({"model_type": model_type, "num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4,
                       "num_key_value_heads": 2, "rms_norm_eps": 1e-5, "max_position_embeddings": 256} | other).encode()


def tokenizer(model=None, **other):
    base = {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "<s>": 3}, "merges": ["a b"]}
    return json.dumps({"model": base | (model or {})} | other).encode()


BYTES = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}


def good():
    return {
        "good-empty": weights({}),
        "good-two": weights({"model.norm.weight": entry(), "model.layers.0.self_attn.q_proj.weight": entry("BF16", (2, 2), 4, 12)}, bytes(12)),
        "good-metadata": weights({"__metadata__": {"format": "pt"}, "a": entry("U8", (), 0, 1), "b": entry("F8_E4M3", (0, 3), 1, 1)}, b"x"),
        "good-config": config(),
        "good-config-gemma3": config("gemma3_text", sliding_window=512, query_pre_attn_scalar=256, layer_types=["sliding_attention"] * 2),
        "good-config-llama3": config(rope_scaling=LLAMA3, rope_theta=500000),
        "good-config-parameters": config("qwen3", rope_parameters={"rope_type": "linear", "factor": 2.0, "rope_theta": 1e6}, head_dim=32),
        "good-bytes": tokenizer(pre_tokenizer=BYTES, added_tokens=[{"id": 3, "content": "<s>", "special": True}], bos_token="<s>"),
        "good-pieces": tokenizer({"byte_fallback": True, "merges": [["a", "b"]], "unk_token": "a"},
                                 normalizer={"type": "Prepend", "prepend": "\u2581"},
                                 post_processor={"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]}),
        "good-split": tokenizer(pre_tokenizer={"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, BYTES]}),
    }


def bad():
    return {
        "bad-nothing": b"",
        "bad-short": b"\x02\0\0\0",
        "bad-length": weights({}, length=2**63),
        "bad-length-over": weights({}, length=3),
        "bad-no-object": weights(b"[]"),
        "bad-cut-json": weights(b'{"a":'),
        "bad-deep": weights(b'{"a":' + b"[" * 1000),
        "bad-comment": weights(b'{/* " */"a":[[[[[[[['),
        "bad-not-utf8": weights(b'{"\xff":1}'),
        "bad-number": weights(b'{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}', bytes(4)),
        "bad-dtype": weights({"a": entry("F33")}, bytes(4)),
        "bad-dtype-kind": weights({"a": entry(7)}, bytes(4)),
        "bad-shape": weights({"a": entry(shape=(-1,))}, bytes(4)),
        "bad-shape-real": weights({"a": entry(shape=(1.5,))}, bytes(4)),
        "bad-shape-huge": weights({"a": entry(shape=(2**40, 2**40))}, bytes(4)),
        "bad-dims": weights({"a": entry(shape=(1,) * 9)}, bytes(4)),
        "bad-range": weights({"a": entry(end=8)}, bytes(4)),
        "bad-range-back": weights({"a": entry(begin=8, end=4)}, bytes(8)),
        "bad-range-size": weights({"a": entry(shape=(2,))}, bytes(4)),
        "bad-overlap": weights({"a": entry(), "b": entry(begin=2, end=6)}, bytes(6)),
        "bad-gap": weights({"a": entry(begin=4, end=8)}, bytes(8)),
        "bad-rest": weights({"a": entry()}, bytes(8)),
        "bad-entry": weights({"a": 7}),
        "bad-config-type": config("mamba"),
        "bad-config-layers": config(num_hidden_layers=-1),
        "bad-config-heads": config(num_attention_heads=2**40),
        "bad-config-real": config(hidden_size=1.5),
        "bad-config-eps": config(rms_norm_eps=None),
        "bad-config-act": config(hidden_act="relu"),
        "bad-config-rope": config(rope_scaling={"type": "yarn", "factor": 2}),
        "bad-config-llama3": config(rope_scaling=LLAMA3 | {"high_freq_factor": 0.5}),
        "bad-config-layer-types": config("gemma2", layer_types=["full_attention"]),
        "bad-tokenizer-kind": tokenizer({"type": "Unigram"}),
        "bad-tokenizer-id": tokenizer({"vocab": {"a": -1}}),
        "bad-tokenizer-twice": tokenizer({"vocab": {"a": 0, "b": 0}}, pre_tokenizer=BYTES),
        "bad-tokenizer-merge": tokenizer({"merges": ["ab"]}, pre_tokenizer=BYTES),
        "bad-tokenizer-merge-three": tokenizer({"merges": [["a", "b", "c"]], "byte_fallback": True}),
        "bad-tokenizer-split": tokenizer(pre_tokenizer={"type": "Whitespace"}),
        "bad-tokenizer-sequence": tokenizer(pre_tokenizer={"type": "Sequence", "pretokenizers": [7, None]}),
        "bad-tokenizer-normalizer": tokenizer(normalizer={"type": "Lowercase"}, pre_tokenizer=BYTES),
    }


def corpus():
    return good() | bad()
