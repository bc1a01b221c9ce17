#!/usr/bin/env python3
"""Float networks in Lathe beside ONNX Runtime, and beside LiteRT (XNNPACK) where the file is a TFLite one: speed, side by side.

    bench_onnx_runtime.py --build BUILD [--threads 1,2] [--rounds N] [--layers N] [--json FILE] [MODEL...]

The programs take turns: a round is one turn of each, the order swaps from round to round, and a turn begins with runs that are not timed and ends with a pause, so
that threads of the other program that still spin have gone to sleep. The ratio of a round is the peer's median time over Lathe's; printed are the median of all
rounds and their quartiles, the fastest times of either, and the largest difference between the outputs over the range of the peer's. With --layers N also the
N dearest layers of Lathe's own profile (`lathe profile --json`), each with its share of the machine's multiply-add roof and of its read bandwidth. As Markdown.

Without MODEL: the float convolution networks below ../shared/models (LATHE_TEST_DATA), those of the packages that tests/peers keeps in ~/.cache/lathe/peers, and the
well-known networks that the Python package "onnx" brings for its own tests (constants for weights).

Lathe runs the file under its default recipe on the file's own tensors (BUILD/tests/import/build-bench); ONNX Runtime with all its optimizations and tensors that
are bound once, as fast as it gets. onnxruntime, onnx, ai-edge-litert and numpy come from the Python package registry into a virtual environment in
~/.cache/lathe/peers/networks; the script runs itself again in there.
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

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PEERS = pathlib.Path.home() / ".cache" / "lathe" / "peers"
VENV = PEERS / "networks"
PACKAGES = ["onnxruntime", "onnx", "ai-edge-litert", "numpy"]
TURN_S, PAUSE_S, N_WARM = 0.12, 0.1, 3
SHARED = ["vision/face/yunet_n_320_320.onnx", "vision/face/version-RFB-320.onnx", "vision/detect/FastestDet.onnx",
          "vision/detect/pytorch_super_resolution.onnx", "vision/mnist/opt-mnist.onnx", "vision/cifar10/pretrainedResnet.tflite",
          "vision/cifar10/pretrainedResnet_large_float.tflite", "vision/vww/vww_96_float.tflite", "audio/kws/kws_ref_model_float32.tflite"]
FETCHED = ["**/face_detection_*_barracuda.onnx", "**/ch_*_infer.onnx"]
LIGHT = ["resnet50", "squeezenet", "shufflenet", "densenet121", "inception_v1", "inception_v2", "bvlc_alexnet"]


def enter_environment():
    """Run again where the peers are installed; makes that place the first time."""
    python = VENV / "bin" / "python"
    if pathlib.Path(sys.prefix).resolve() == VENV.resolve():
        return
    if not python.exists():
        print("making %s" % VENV, file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    os.execv(str(python), [str(python), __file__, *sys.argv[1:]])


def default_models():
    import onnx
    data = pathlib.Path(os.environ.get("LATHE_TEST_DATA") or ROOT.parent / "shared" / "models")
    found = [data / name for name in SHARED if (data / name).exists()]
    for pattern in FETCHED:
        found += sorted((PEERS / "models").glob(pattern))
    light = pathlib.Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    return found + [light / ("light_%s.onnx" % name) for name in LIGHT if (light / ("light_%s.onnx" % name)).exists()]


# ---- The programs: shapes(), run(n) -> ns each, outputs() ----

class OnnxRuntime:
    name = "ONNX Runtime"

    def __init__(self, path, n_threads, shapes=None):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = n_threads, 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.shapes = shapes

    def feed(self, arrays):
        import numpy as np
        self.binding = self.session.io_binding()
        self.arrays = arrays
        inputs = {i.name: a for i, a in zip(self.session.get_inputs(), arrays)}
        for name, array in inputs.items():
            self.binding.bind_cpu_input(name, array)
        self.made = self.session.run(None, inputs)
        self.made = [np.ascontiguousarray(m) for m in self.made]
        for output, array in zip(self.session.get_outputs(), self.made):
            self.binding.bind_output(output.name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)

    def run(self, n):
        times = []
        for _ in range(n):
            begin = time.perf_counter_ns()
            self.session.run_with_iobinding(self.binding)
            times.append(time.perf_counter_ns() - begin)
        return times

    def outputs(self):
        return self.made


class LiteRt:
    name = "LiteRT"

    def __init__(self, path, n_threads, shapes=None):
        from ai_edge_litert.interpreter import Interpreter
        self.net = Interpreter(model_path=str(path), num_threads=n_threads)
        self.net.allocate_tensors()

    def feed(self, arrays):
        for detail, array in zip(self.net.get_input_details(), arrays):
            self.net.set_tensor(detail["index"], array)

    def run(self, n):
        times = []
        for _ in range(n):
            begin = time.perf_counter_ns()
            self.net.invoke()
            times.append(time.perf_counter_ns() - begin)
        return times

    def outputs(self):
        return [self.net.get_tensor(d["index"]) for d in self.net.get_output_details()]


class Lathe:
    name = "Lathe"

    def __init__(self, build, path, n_threads, arrays, folder):
        files = []
        for i, array in enumerate(arrays):
            files.append(folder / ("in%d.raw" % i))
            array.tofile(files[-1])
        command = [str(build / "tests/import/build-bench"), "-t", str(n_threads), str(path), *map(str, files)]
        self.folder = folder
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.process.stderr.read().strip())
        self.about = json.loads(line)

    def ask(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def run(self, n):
        return [int(word) for word in self.ask("run %d" % n).split()]

    def outputs(self, like):
        import numpy as np
        self.ask("write %s" % self.folder)
        return [np.fromfile(self.folder / ("%d.raw" % i), a.dtype).reshape(a.shape) for i, a in enumerate(like)]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


# ---- Measuring ----

def inspect(build, path):
    done = subprocess.run([str(build / "app/lathe"), "inspect", "--json", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return json.loads(done.stdout)


def make_inputs(ports):
    import numpy as np
    random = np.random.default_rng(7)
    types = {"f32": np.float32, "f64": np.float64, "i64": np.int64, "i32": np.int32}
    return [random.random(port["shape"]).astype(types[port["type"]]) for port in ports]


def difference(ours, theirs):
    """The largest over all outputs, over the range of the output (0 included)."""
    import numpy as np
    worst = 0.0
    for a, b in zip(ours, theirs):
        b = b.astype("f8")
        spread = float(max(b.max(), 0) - min(b.min(), 0)) or 1.0
        error = float(np.abs(a.astype("f8") - b).max()) / spread
        worst = error if not error <= worst else worst
    return worst


def take_turns(ours, theirs, n_rounds):
    """[(ns of ours, ns of theirs)], medians of turns."""
    def calibrate(program):
        program.run(N_WARM)
        return max(3, min(5000, int(TURN_S * 1e9 / statistics.median(program.run(3)))))

    n_runs = {ours: calibrate(ours), theirs: calibrate(theirs)}
    rounds = []
    for i in range(n_rounds):
        median = {}
        for program in ((ours, theirs) if i % 2 == 0 else (theirs, ours)):
            time.sleep(PAUSE_S)
            program.run(N_WARM)
            median[program] = statistics.median(program.run(n_runs[program]))
        rounds.append((median[ours], median[theirs]))
    return rounds


def quartiles(values):
    return statistics.quantiles(values, n=4, method="inclusive")


def bench(build, path, n_threads, n_rounds):
    arrays = make_inputs(inspect(build, path)["inputs"])
    with tempfile.TemporaryDirectory() as name:
        theirs = (LiteRt if path.suffix == ".tflite" else OnnxRuntime)(path, n_threads)
        theirs.feed(arrays)
        ours = Lathe(build, path, n_threads, arrays, pathlib.Path(name))
        theirs.run(1)
        ours.run(1)
        wanted = theirs.outputs()
        error = difference(ours.outputs(wanted), wanted)
        rounds = take_turns(ours, theirs, n_rounds)
        ours.close()
    low, middle, high = quartiles([b / a for a, b in rounds])
    return {"model": path.stem, "threads": n_threads, "peer": theirs.name, "lathe_ms": min(a for a, _ in rounds) / 1e6,
            "peer_ms": min(b for _, b in rounds) / 1e6, "ratio": middle, "ratio_low": low, "ratio_high": high, "difference": error,
            "about": ours.about}


def profile(build, path, n_threads, about):
    """[(name, operator, ms, share of the time, of the f32 roof, of the read roof)] of all nodes, dearest first."""
    text = subprocess.run([str(build / "app/lathe"), "profile", "--json", "-t", str(n_threads), "--repeats", "40", str(path)],
                          stdout=subprocess.PIPE, check=True, text=True).stdout
    run = json.loads(text)["profile"]
    nodes = [n for n in run["nodes"] if n.get("inference") and 0 <= n["layer"] < run["n_layers"]]
    total = sum(n["inference"]["median_ns"] for n in nodes)
    rows = []
    for node in nodes:
        seconds = node["inference"]["median_ns"] * 1e-9
        cost = node["inference_cost"]
        moved = cost["weight_bytes"] + cost["read_bytes"] + cost["write_bytes"]
        rows.append((node["name"], node["operator"], seconds * 1e3, seconds * 1e9 / total, cost["flops"] / seconds / about["f32_flops"],
                     moved / seconds / about["read_bytes_per_s"]))
    return sorted(rows, key=lambda row: -row[2])


# ---- Printing ----

def print_table(results):
    print("| network | threads | peer | Lathe ms | peer ms | times faster (quartiles) | outputs differ by |")
    print("|---|---|---|---|---|---|---|")
    for r in results:
        print("| %s | %d | %s | %.3f | %.3f | %.2f (%.2f to %.2f) | %.1e |"
              % (r["model"], r["threads"], r["peer"], r["lathe_ms"], r["peer_ms"], r["ratio"], r["ratio_low"], r["ratio_high"], r["difference"]))
    print()


def print_layers(result, n_layers):
    rows = result["layers"]
    total = sum(row[2] for row in rows)
    bound = sum(row[2] * max(row[4], row[5]) for row in rows) / total
    print("%s, %d threads: %.3f ms in %d layers; at the roofs it would take %.0f %% of that\n" % (result["model"], result["threads"], total, len(rows), 100 * bound))
    print("| layer | operator | ms | of the time | of the multiply-add roof | of the read roof |")
    print("|---|---|---|---|---|---|")
    for name, operator, ms, share, compute, memory in rows[:n_layers]:
        print("| %s | %s | %.4f | %.1f %% | %.0f %% | %.0f %% |" % (name[-40:], operator, ms, 100 * share, 100 * compute, 100 * memory))
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--layers", type=int, default=0)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("models", nargs="*", type=pathlib.Path)
    args = parser.parse_args()
    enter_environment()
    results = []
    for path in args.models or default_models():
        for n_threads in map(int, args.threads.split(",")):
            try:
                result = bench(args.build, path, n_threads, args.rounds)
            except Exception as error:  # a network that one of the programs cannot run
                print("%s: %s" % (path.name, (str(error).strip().splitlines() or [repr(error)])[0]), file=sys.stderr)
                break
            if args.layers:
                result["layers"] = profile(args.build, path, n_threads, result["about"])
            results.append(result)
            print("%-36s %d %.2f" % (path.stem, n_threads, result["ratio"]), file=sys.stderr)
    print_table(results)
    for result in results:
        if args.layers:
            print_layers(result, args.layers)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1))
    return 0 if results else 1


if __name__ == "__main__":
    sys.exit(main())
