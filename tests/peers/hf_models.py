#!/usr/bin/env python3
"""Language models as folders of safetensors, beside the transformers library that writes such folders.

    hf_models.py --tool LATHE-LOGITS [--keep FOLDER]

Models: a small one of every architecture that is imported (random weights from a fixed seed, in F32 and in BF16, one of them in shards) is written by transformers,
read and run by Lathe, and its logits are compared with those of transformers, which computes in F32 from the same weights: a row per model with the largest
|difference| over the range of the logits (limit 1e-4, for BF16 too: the weights are the same numbers), prompt and 8 greedy tokens.

Tokenizers: byte-level and SentencePiece-like vocabularies are trained here by the tokenizers library on this checkout's texts, saved as tokenizer.json, and texts must
become the same tokens.

transformers and tokenizers come from the Python package registry into a virtual environment in ~/.cache/lathe/peers/transformers; torch is Debian's
(python3-torch). The script runs itself again in there. LATHE-LOGITS is tests/engine/lathe-logits of a build.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

VENV = pathlib.Path.home() / ".cache" / "lathe" / "peers" / "transformers"
PACKAGES = ["transformers==4.46.3", "safetensors", "numpy<2"]
LIMIT = 1e-4
SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROMPT = [1, 5, 17, 300, 42, 7, 99, 250, 3, 3, 120, 11]
N_PREDICT = 8
RECIPE = '{"kv-cache": {"format": "f32"}}'

TEXTS = ["", "Once upon a time", "  two spaces,\n\n\ttabs and 12345 numbers 3.14", "It's na\u00efve, isn't it? \u65e5\u672c\u8a9e \U0001f600 \u2014 \"quotes\"",
         "def f(x):\n    return x**2  # comment\r\n\r\n", "HE'LL I'd   \t\n x\u00a0y \u0663\u0664 ½ \u1e69", "<|end|> is special, <s> too", "a\n \nb  \n"]


def enter_environment():
    """Run again where transformers is installed; makes that place the first time."""
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
        return
    except ImportError:
        pass
    python = VENV / "bin" / "python"
    if os.environ.get("LATHE_TRANSFORMERS_VENV") == str(VENV):
        sys.exit("%s has no working torch (Debian's python3-torch) and transformers; remove it and try again" % VENV)
    if not python.exists():
        print("making %s" % VENV, file=sys.stderr)
        subprocess.run(["/usr/bin/python3", "-m", "venv", "--system-site-packages", str(VENV)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    os.environ["LATHE_TRANSFORMERS_VENV"] = str(VENV)
    os.execv(str(python), [str(python), __file__, *sys.argv[1:]])


def models():
    """(title, configuration, class, keyword arguments of saving)"""
    import transformers as t
    size = dict(vocab_size=512, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
                max_position_embeddings=256, attn_implementation="eager", bos_token_id=1, eos_token_id=2)
    llama3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
    yield "llama", t.LlamaConfig(**size), t.LlamaForCausalLM, {}
    yield "llama, one KV head, tied", t.LlamaConfig(**size | {"num_key_value_heads": 1, "tie_word_embeddings": True}), t.LlamaForCausalLM, {}
    yield "llama, shards, head_dim 32", t.LlamaConfig(**size, head_dim=32), t.LlamaForCausalLM, {"max_shard_size": "100KB"}
    yield "llama, linear scaling", t.LlamaConfig(**size, rope_scaling={"rope_type": "linear", "factor": 4.0}), t.LlamaForCausalLM, {}
    yield "llama, llama3 scaling", t.LlamaConfig(**size, rope_scaling=llama3, rope_theta=5e5), t.LlamaForCausalLM, {}
    yield "mistral", t.MistralConfig(**size, sliding_window=None), t.MistralForCausalLM, {}
    yield "qwen2 (biases)", t.Qwen2Config(**size), t.Qwen2ForCausalLM, {}
    yield "gemma", t.GemmaConfig(**size, head_dim=32), t.GemmaForCausalLM, {}
    yield "gemma2", t.Gemma2Config(**size, head_dim=32, sliding_window=8, query_pre_attn_scalar=48), t.Gemma2ForCausalLM, {}


def randomize(model):
    """Weights large enough that every part matters; norms and biases that are not what they start as."""
    import torch
    torch.manual_seed(7)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() == 1:
                p.copy_(0.3 * torch.randn(p.shape) + (1 if "norm" in name and "gemma" not in model.config.model_type else 0))
            else:
                p.copy_(torch.randn(p.shape) / p.shape[1] ** 0.5)


def reference(model):
    """Logits after the prompt and after each greedy token, and those tokens."""
    import torch
    tokens, logits = list(PROMPT), []
    with torch.no_grad():
        for _ in range(N_PREDICT + 1):
            logits.append(model(torch.tensor([tokens]), use_cache=False).logits[0, -1].float().numpy())
            tokens.append(int(logits[-1].argmax()))
    return logits, tokens[len(PROMPT):-1]


def compare_model(tool, folder, config, kind, saving, dtype):
    import numpy as np
    import torch
    model = kind(config).eval()
    randomize(model)
    model.to(dtype).save_pretrained(folder, safe_serialization=True, **saving)
    # Read again: what is not a weight must not be rounded.
    logits, tokens = reference(kind.from_pretrained(folder, torch_dtype=torch.float32, attn_implementation="eager").eval())
    out = folder / "logits.raw"
    done = subprocess.run([str(tool), str(folder), RECIPE, str(out), str(N_PREDICT), *map(str, PROMPT)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    ours = np.fromfile(out, "<f4").reshape(N_PREDICT + 1, -1)
    theirs = np.stack(logits)
    spread = theirs.max() - theirs.min()
    n = 0
    while n < N_PREDICT and ours[n].argmax() == theirs[n].argmax():
        n += 1
    best = np.sort(theirs[n])[-2:]
    tie = n < N_PREDICT and best[1] - best[0] < LIMIT * spread  # rounding decides; what follows is another text
    error = float(np.abs(ours[:n + 1] - theirs[:n + 1]).max() / spread)
    return error, "%d the same%s" % (n, ", then a tie" if tie else "") if n == N_PREDICT or tie else ""


def vocabularies():
    """(title, tokenizers.Tokenizer trained on this checkout)"""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models as kinds, normalizers, pre_tokenizers as pre, processors, trainers
    texts = [p.read_text(errors="replace") for p in sorted((SOURCE / "engine").rglob("*.c"))[:60]]
    texts += [(SOURCE / "README.md").read_text(), *TEXTS]
    cases = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    tail = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

    def split(regex):
        return pre.Sequence([pre.Split(Regex(regex), "isolated", False), pre.ByteLevel(add_prefix_space=False, use_regex=False)])

    for title, step, normal, ignore in [
            ("bytes, GPT-2", pre.ByteLevel(add_prefix_space=False), None, False),
            ("bytes, single digits", pre.Sequence([pre.Digits(individual_digits=True), pre.ByteLevel(add_prefix_space=False)]), None, False),
            ("bytes, Llama 3", split(cases + "{1,3}" + tail), None, True),
            ("bytes, Llama 3 without whole words", split(cases + "{1,3}" + tail), None, False),
            ("bytes, Qwen 2", split(cases + tail), normalizers.NFC(), False)]:
        tok = Tokenizer(kinds.BPE(ignore_merges=ignore))
        tok.pre_tokenizer = step
        if normal is not None:
            tok.normalizer = normal
        tok.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=2000, special_tokens=["<s>", "<|end|>"], initial_alphabet=pre.ByteLevel.alphabet(),
                                                           show_progress=False))
        yield title, tok
    for prefix in (True, False):
        tok = Tokenizer(kinds.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
        tok.normalizer = normalizers.Sequence([*([normalizers.Prepend("\u2581")] if prefix else []), normalizers.Replace(" ", "\u2581")])
        special = ["<unk>", "<s>", "</s>", *("<0x%02X>" % i for i in range(256))]
        tok.pre_tokenizer = pre.Split("\u2581", "merged_with_next")
        tok.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=2000, special_tokens=special, limit_alphabet=150, show_progress=False))
        raw = json.loads(tok.to_str())  # trained by words; used without them, as these vocabularies are
        raw["pre_tokenizer"] = None
        raw["added_tokens"] = [t for t in raw["added_tokens"] if not t["content"].startswith("<0x")]
        tok = Tokenizer.from_str(json.dumps(raw))
        if prefix:
            tok.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
        yield "pieces with bytes, %s" % ("a space first, begin token" if prefix else "no space first"), tok


def compare_tokens(tool, folder, tok):
    """Texts whose tokens differ."""
    import transformers as t
    config = t.LlamaConfig(vocab_size=tok.get_vocab_size(), hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2)
    t.LlamaForCausalLM(config).save_pretrained(folder, safe_serialization=True)
    tok.save(str(folder / "tokenizer.json"))
    wrong = []
    for text in TEXTS:
        done = subprocess.run([str(tool), str(folder), "--tokens", text], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        # The tool takes names of special tokens as text.
        tok.encode_special_tokens = True
        expected = tok.encode(text).ids
        if json.loads(done.stdout)["tokens"] != expected:
            wrong.append(text)
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True, type=pathlib.Path)
    parser.add_argument("--keep", type=pathlib.Path)
    args = parser.parse_args()
    args.tool = args.tool.resolve()
    enter_environment()
    import torch
    failed = 0
    print("| model | weights | error / range | greedy tokens |\n|---|---|---|---|")
    for i, (title, config, kind, saving) in enumerate(models()):
        for dtype in (torch.float32, torch.bfloat16):
            with tempfile.TemporaryDirectory() as aside:
                folder = args.keep / ("model%d-%s" % (i, dtype)) if args.keep else pathlib.Path(aside)
                try:
                    error, same = compare_model(args.tool, folder, config, kind, saving, dtype)
                    ok, text = error <= LIMIT and bool(same), "%.1e | %s" % (error, same or "DIFFER")
                except Exception as problem:
                    ok, text = False, "%s |" % problem
            failed += not ok
            print("| %s | %s | %s%s |" % (title, str(dtype).split(".")[1], text, "" if ok else " BEYOND THE LIMIT"), flush=True)
    print("\n| vocabulary | texts | |\n|---|---|---|")
    for i, (title, tok) in enumerate(vocabularies()):
        with tempfile.TemporaryDirectory() as aside:
            folder = args.keep / ("tokens%d" % i) if args.keep else pathlib.Path(aside)
            try:
                wrong = compare_tokens(args.tool, folder, tok)
                text = "the same tokens" if not wrong else "DIFFER: " + ", ".join(map(repr, wrong))
            except Exception as problem:
                wrong, text = [str(problem)], str(problem)
        failed += bool(wrong)
        print("| %s | %d | %s |" % (title, len(TEXTS), text), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
