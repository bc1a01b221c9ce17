#!/usr/bin/env python3
"""Lathe beside llama.cpp: the same file, the same machine, the same run.

    llama_cpp.py bench --lathe LATHE MODEL.gguf...   [--threads 2] [--prefill 128] [--decode 64] [--rounds 5]
    llama_cpp.py logits MODEL.gguf --out FILE --predict N TOKEN...

The peer comes from the npm registry: @node-llama-cpp/linux-x64 (prebuilt libraries, one per processor level; the best is chosen at
run time) and node-llama-cpp (the matching headers, in a git bundle). Both are kept below the cache folder. Needs npm, git and gcc.

bench: rounds alternate between the two programs, so that a busy moment of the machine meets both; each round is a warm-up and three passes
of each program. The ratio is the median over rounds of Lathe / llama.cpp, with the smallest and largest round beside it. The peer runs
with its defaults: weight repacking on, flash attention chosen by itself, two threads.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tarfile

VERSION = "3.22.1"
HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "lathe" / f"llama-cpp-{VERSION}"


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, text=True, **options).stdout


def unpack(package, folder):
    if not folder.exists():
        folder.mkdir(parents=True)
        archive = run("npm", "pack", "--silent", f"{package}@{VERSION}", cwd=CACHE).split()[-1]
        with tarfile.open(CACHE / archive) as tar:
            tar.extractall(folder)
        (CACHE / archive).unlink()
    return folder


def peer():
    """The peer's program and the folder of its libraries; fetched and built at the first call."""
    CACHE.mkdir(parents=True, exist_ok=True)
    libraries = unpack("@node-llama-cpp/linux-x64", CACHE / "libraries") / "package" / "bins" / "linux-x64"
    source = CACHE / "source"
    if not source.exists():
        bundle = unpack("node-llama-cpp", CACHE / "package") / "package" / "llama" / "gitRelease.bundle"
        run("git", "clone", "--quiet", bundle, source, stderr=subprocess.DEVNULL)
    program = CACHE / "llama-cpp-peer"
    harness = HERE / "llama-cpp-peer.c"
    if not program.exists() or program.stat().st_mtime < harness.stat().st_mtime:
        libllama = next(libraries.glob("libllama.v*.so"))
        libggml = next(libraries.glob("libggml.v*.so"))
        run("gcc", "-O2", harness, f"-I{source}/include", f"-I{source}/ggml/include", libllama, libggml, libraries / "libggml-base.so",
            f"-Wl,-rpath,{libraries}", "-o", program)
    return program, libraries


def compare(arguments, model):
    program, libraries = peer()
    rounds = []
    for _ in range(arguments.rounds):
        theirs = json.loads(run(program, "bench", libraries, model, arguments.threads, arguments.prefill, arguments.decode, 3))
        ours = json.loads(run(arguments.lathe, "bench", model, "-t", arguments.threads, "--prefill", arguments.prefill, "--decode",
                              arguments.decode, "-r", 3, "--json"))["results"][0]
        rounds.append((ours, theirs))
    result = {"model": pathlib.Path(model).name, "threads": arguments.threads, "rounds": arguments.rounds}
    for kind in ("prefill", "decode"):
        field = f"{kind}_tokens_per_s"
        mine = [ours[field]["value"] for ours, _ in rounds]
        other = [statistics.median(theirs[field]) for _, theirs in rounds]
        ratios = [a / b for a, b in zip(mine, other)]
        result[kind] = {
            "lathe_tokens_per_s": round(statistics.median(mine), 2),
            "llama_cpp_tokens_per_s": round(statistics.median(other), 2),
            "ratio": round(statistics.median(ratios), 3),
            "ratio_min": round(min(ratios), 3),
            "ratio_max": round(max(ratios), 3),
        }
    result["decode_share_of_read_roof"] = rounds[-1][0]["decode_share_of_read_roof"]
    result["prefill_share_of_ops_roof"] = rounds[-1][0]["prefill_share_of_ops_roof"]
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    bench = commands.add_parser("bench")
    bench.add_argument("models", nargs="+")
    bench.add_argument("--lathe", required=True)
    bench.add_argument("--threads", type=int, default=2)
    bench.add_argument("--prefill", type=int, default=128)
    bench.add_argument("--decode", type=int, default=64)
    bench.add_argument("--rounds", type=int, default=5)
    logits = commands.add_parser("logits")
    logits.add_argument("model")
    logits.add_argument("tokens", nargs="+", type=int)
    logits.add_argument("--out", required=True)
    logits.add_argument("--predict", type=int, default=64)
    logits.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    if arguments.command == "bench":
        for model in arguments.models:
            print(json.dumps(compare(arguments, model)), flush=True)
        return
    program, libraries = peer()
    sys.stdout.write(run(program, "logits", libraries, arguments.model, arguments.threads, arguments.out, arguments.predict,
                         *arguments.tokens))


if __name__ == "__main__":
    main()
