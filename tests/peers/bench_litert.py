#!/usr/bin/env python3
"""8-bit TFLite networks timed beside LiteRT (XNNPACK), in turn, on 1 and 2 threads.

    bench_litert.py --tool NET-BENCH [--threads 1,2] [--rounds N] [--layers] [--json] [MODEL.tflite...]

Both programs keep running and are asked in turn: some runs of one, some of the other, N rounds. A round gives each program's median and their ratio
(LiteRT's time over Lathe's: above 1 Lathe is faster). Printed are the median of the ratios with their quartiles, and what Lathe's time is of what the machine
could do: for each layer the larger of operations / the 8-bit multiply-add roof and bytes / the read roof (of a buffer as large as the network, so of the
cache it fits in), summed over the layers, over the measured time. Roofs are measured in the same run, by the same threads.

The time is that of the run alone: inputs are set before. LiteRT is called through its Python package, which costs it about a microsecond per run.

Without MODEL: the 8-bit networks of LATHE_TEST_DATA (default: ../shared/models beside the checkout). A network that LiteRT refuses is listed with the reason.

LiteRT comes from the Python package registry, as in litert.py. NET-BENCH is tests/import/net-bench of a build. Output is Markdown.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import litert

ROUND_NS = 25e6  # of each program, about
WARM_NS = 200e6

MODELS = [
    "audio/kws/kws_ref_model.tflite",
    "audio/kws/micro_speech_quantized.tflite",
    "audio/kws/str_ww_ref_model.tflite",
    "audio/wake/alexa.tflite",
    "audio/wake/hey_jarvis.tflite",
    "audio/anomaly/ad01_int8.tflite",
    "vision/cifar10/pretrainedResnet_quant.tflite",
    "vision/cifar10/pretrainedResnet_large_int8.tflite",
    "vision/vww/vww_96_int8.tflite",
    "vision/vww/person_detect.tflite",
    "vision/imagenet/mobilenet_v1_0.25_128_quant.tflite",
    "vision/imagenet/mobilenet_v2_1.0_224_quant.tflite",
    "vision/seg/deeplabv3_mnv2_dm05_pascal_quant.tflite",
]


class Lathe:
    def __init__(self, tool, path, threads, inputs, folder):
        files = []
        for i, array in enumerate(inputs):
            files.append(folder / ("in%d.raw" % i))
            array[0].tofile(files[-1])
        self.process = subprocess.Popen([str(tool), "-t", str(threads), str(path), *map(str, files)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)

    def ask(self, command):
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise RuntimeError(self.process.stderr.read().strip() or "net-bench ended")
        return json.loads(line)

    def times(self, n):
        return self.ask("time %d" % n)["ns"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Peer:
    def __init__(self, path, threads):
        import numpy as np
        from ai_edge_litert.interpreter import Interpreter
        self.net = Interpreter(model_content=litert.loadable(path.read_bytes()), num_threads=threads)
        self.net.allocate_tensors()
        details = self.net.get_input_details()
        self.inputs = litert.random_inputs([(tuple(int(n) for n in d["shape"]), np.dtype(d["dtype"])) for d in details], 1, 7)
        for detail, array in zip(details, self.inputs):
            self.net.set_tensor(detail["index"], array[0])

    def times(self, n):
        invoke, now, ns = self.net.invoke, time.perf_counter_ns, []
        for _ in range(n):
            start = now()
            invoke()
            ns.append(now() - start)
        return ns


def warm(program):
    """Run until caches and clocks have settled; returns how many runs make a round."""
    n = 1
    while True:
        ns = program.times(n)
        if sum(ns) > WARM_NS:
            return max(1, int(ROUND_NS / statistics.median(ns)))
        n *= 2


def quartiles(values):
    values = sorted(values)
    low, middle, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
    return middle, low, high


def roof_share(layers, roofs):
    """Per layer: (nanoseconds that the roofs allow, nanoseconds it took)."""
    return [(max(l["ops"] / roofs["ops_per_ns"], l["bytes"] / roofs["bytes_per_ns"]), l["ns"]) for l in layers]


def bench(tool, path, threads, n_rounds, folder):
    peer = Peer(path, threads)
    ours = Lathe(tool, path, threads, peer.inputs, folder)
    try:
        n_ours, n_peer = warm(ours), warm(peer)
        a, b = [], []
        for i in range(n_rounds):
            pair = [(a, ours, n_ours), (b, peer, n_peer)]
            for times, program, n in pair if i % 2 else reversed(pair):
                times.append(statistics.median(program.times(n)))
        layers = ours.ask("layers %d" % max(5, min(200, 2 * n_ours)))["layers"]
        roofs = ours.ask("roofs")
    finally:
        ours.close()
    ratio, low, high = quartiles([y / x for x, y in zip(a, b)])
    return {"lathe_us": statistics.median(a) / 1e3, "litert_us": statistics.median(b) / 1e3, "ratio": ratio, "low": low, "high": high,
            "fastest_ratio": min(b) / min(a), "layers": layers, "roofs": roofs, "of_roof": sum(x for x, _ in roof_share(layers, roofs)) / statistics.median(a)}


def print_layers(row):
    shares = roof_share(row["layers"], row["roofs"])
    total = sum(ns for _, ns in shares)
    print("\n%s, %d threads: %.0f Gop/s and %.0f GB/s are the roofs; layers take %.1f us of %.1f us\n" % (
        row["model"], row["threads"], row["roofs"]["ops_per_ns"], row["roofs"]["bytes_per_ns"], total / 1e3, row["lathe_us"]))
    print("| layer | operator | us | share of time | Gop/s | GB/s | of the roofs |\n|---|---|---:|---:|---:|---:|---:|")
    for layer, (least, ns) in zip(row["layers"], shares):
        ns = max(ns, 1)
        print("| %s | %s | %.1f | %.0f %% | %.0f | %.1f | %.0f %% |" % (layer["name"][-48:].replace("|", "/"), layer["op"], ns / 1e3, 100 * ns / total, layer["ops"] / ns,
                                                                  layer["bytes"] / ns, 100 * least / ns))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True, type=pathlib.Path)
    parser.add_argument("--threads", default="1,2", help="comma-separated")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--layers", action="store_true", help="a table of layers per network and number of threads")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("models", nargs="*", type=pathlib.Path)
    args = parser.parse_args()
    litert.enter_environment()
    data = pathlib.Path(os.environ.get("LATHE_TEST_DATA", pathlib.Path(__file__).resolve().parents[3] / "shared" / "models"))
    models = args.models or [data / name for name in MODELS]
    rows = []
    if not args.json:
        print("| network | threads | Lathe, us | LiteRT, us | ratio | quartiles | of fastest | of the roofs |\n|---|---:|---:|---:|---:|---|---:|---:|", flush=True)
    for path in models:
        for threads in map(int, args.threads.split(",")):
            row = {"model": path.name, "threads": threads}
            try:
                with tempfile.TemporaryDirectory() as folder:
                    row |= bench(args.tool, path, threads, args.rounds, pathlib.Path(folder))
            except (RuntimeError, ValueError, OSError) as problem:
                row["error"] = str(problem).splitlines()[0]
            rows.append(row)
            if args.json:
                continue
            if "error" in row:
                print("| %s | %d | | | | %s | | |" % (path.name, threads, row["error"][:120]), flush=True)
            else:
                print("| %s | %d | %.1f | %.1f | %.2f | %.2f to %.2f | %.2f | %.0f %% |" % (path.name, threads, row["lathe_us"], row["litert_us"], row["ratio"], row["low"],
                                                                                    row["high"], row["fastest_ratio"], 100 * row["of_roof"]), flush=True)
    if args.json:
        print(json.dumps(rows, indent=1))
    elif args.layers:
        for row in rows:
            if "error" not in row:
                print_layers(row)
    return 1 if any("error" in row for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
