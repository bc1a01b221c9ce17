#!/usr/bin/env python3
"""Outputs of TFLite networks beside LiteRT's, on the same inputs, as a Markdown table.

    litert.py --tool NET-RUN [--seeds N] [--runs N] [--data FOLDER] [--plain] [--layers] [--json] MODEL.tflite...

Inputs: for every seed, random numbers of the input's type (floats in -1..1, or 0..1 for pictures; integers over their whole range), --runs of them after one
another, so that networks with memory are compared over time; then real ones, where --data (the folder of test data) has what fits: photographs for [1, H, W, 3] and
[1, H, W, 1], digits for [1, 28, 28], speech for samples and 512 floats, the labelled vectors of kws01.tar.gz for 490 bytes.

Peers: LiteRT with its default kernels (XNNPACK where that has the operator) and with its reference kernels; they differ from each other, so the column
between them says by how much. Networks with operators of TFLite Micro's signal library, which LiteRT does not have, run in TFLite Micro's interpreter. MediaPipe's
Convolution2DTransposeBias, which neither has, is given to them as the TRANSPOSE_CONV that it is, and the scales of a vector of biases with the axis 0 that they
have.

Cells: for floats the largest |difference| of an output over its range (0 included, at least 1e-6); for integers the share of values that are off by one, and that are off by more.
Limits: 1e-4; 0.1 % off by one, none by more. A model passes within the limits of one of the peers. --plain adds the distance of Lathe's kernels and of LiteRT's from Lathe's plain
references, which sum in double precision: a network whose peers are 1e-4 apart can only be judged by that; a float network passes as well when Lathe is within 1e-4 of
them, or nearer to them than LiteRT.

--layers compares every tensor in between with the reference kernels and prints the first that are beyond the limits.

LiteRT and TFLite Micro come from the Python package registry ("ai-edge-litert", "tflite-micro", with numpy and pillow) into a virtual environment in
~/.cache/lathe/peers/litert; the script runs itself again in there. NET-RUN is tests/import/net-run of a build.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import wave

VENV = pathlib.Path.home() / ".cache" / "lathe" / "peers" / "litert"
PACKAGES = ["ai-edge-litert", "tflite-micro", "numpy", "pillow"]
FLOAT_LIMIT, SHARE_LIMIT, RANGE_FLOOR = 1e-4, 1e-3, 1e-6
DTYPES = {"f32": "<f4", "f16": "<f2", "f64": "<f8", "i8": "i1", "u8": "u1", "i16": "<i2", "u16": "<u2", "i32": "<i4", "u32": "<u4",
          "i64": "<i8", "u64": "<u8", "bool": "?"}


def enter_environment():
    """Run again where the peers are installed; makes that place the first time."""
    try:
        import ai_edge_litert.interpreter  # noqa: F401
        import PIL  # noqa: F401
        import tflite_micro  # noqa: F401
        return
    except ImportError:
        pass
    python = VENV / "bin" / "python"
    if os.environ.get("LATHE_LITERT_VENV") == str(VENV):
        sys.exit("%s has no working %s; remove it and try again" % (VENV, ", ".join(PACKAGES)))
    if not python.exists():
        print("making %s" % VENV, file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    os.environ["LATHE_LITERT_VENV"] = str(VENV)
    os.execv(str(python), [str(python), os.path.abspath(sys.argv[0]), *sys.argv[1:]])


# ---- inputs: one array [runs, ...] per input of the network ----


def random_inputs(details, n_runs, seed):
    import numpy as np
    random = np.random.default_rng(seed)
    arrays = []
    for shape, dtype in details:
        values = random.random((n_runs, *shape))
        if dtype.kind == "f":
            low = 0.0 if len(shape) == 4 else -1.0
            arrays.append((low + (1 - low) * values).astype(dtype))
        elif dtype.kind == "b":
            arrays.append(values > 0.5)
        else:
            info = np.iinfo(dtype)
            arrays.append((info.min + values * (float(info.max) - info.min)).astype(dtype))
    return arrays


def pictures(folder, pattern, shape, n):
    import numpy as np
    from PIL import Image
    height, width, channels = shape
    mode = {1: "L", 3: "RGB"}[channels]
    found = sorted(folder.glob(pattern))[:n]
    return [np.asarray(Image.open(p).convert(mode).resize((width, height))).reshape(shape) for p in found]


def speech(folder, n_samples, n):
    import numpy as np
    with wave.open(str(folder / "audio/kws/yes_1000ms.wav")) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    first = int(np.abs(samples.astype("i4")).argmax()) // n_samples * n_samples  # the loudest part
    return [samples[at:at + n_samples] for at in range(max(0, first - 2 * n_samples), len(samples) - n_samples, n_samples)][:n]


def keywords(folder, n):
    import numpy as np
    with tarfile.open(folder / "data/kws01.tar.gz") as archive:
        members = [m for m in archive.getmembers() if m.isfile() and m.size == 490][:n]
        return [np.frombuffer(archive.extractfile(m).read(), "i1") for m in members]


def real_inputs(details, folder, n):
    """None where nothing fits."""
    import numpy as np
    if folder is None or len(details) != 1:
        return None
    shape, dtype = details[0]
    try:
        if len(shape) == 4 and shape[0] == 1 and shape[3] in (1, 3) and shape[1] >= 28:
            items = pictures(folder, "data/imagenet-stubs/*.jpg", shape[1:], n)
        elif shape == (1, 28, 28):
            items = pictures(folder, "vision/mnist/*.jpg", (28, 28, 1), n)
        elif int(np.prod(shape)) == 490 and dtype == np.int8:
            items = keywords(folder, n)
        elif dtype == np.int16 or (dtype == np.float32 and shape[-1] == 512):
            items = [s / 32768 if dtype == np.float32 else s for s in speech(folder, int(np.prod(shape)), n)]
        else:
            return None
    except OSError:
        return None
    if not items:
        return None
    array = np.stack([item.reshape(shape) for item in items])
    if array.dtype == np.uint8 and dtype != np.uint8:  # a picture
        array = array.astype("f4") / 255 if dtype.kind == "f" else array.astype("i4") - 128
    return [array.astype(dtype)]


# ---- peers: [output [runs, ...]] from [input [runs, ...]] ----


class LiteRt:
    def __init__(self, model, reference, keep=False):
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
        kind = OpResolverType.BUILTIN_REF if reference else OpResolverType.AUTO
        self.net = Interpreter(model_content=model, num_threads=1, experimental_op_resolver_type=kind, experimental_preserve_all_tensors=keep)
        self.net.allocate_tensors()
        self.inputs = [(tuple(int(n) for n in d["shape"]), self.dtype(d)) for d in self.net.get_input_details()]
        self.outputs = [d["index"] for d in self.net.get_output_details()]

    @staticmethod
    def dtype(detail):
        import numpy as np
        return np.dtype(detail["dtype"])

    def run(self, inputs, tensors=None):
        import numpy as np
        tensors = self.outputs if tensors is None else tensors
        results = [[] for _ in tensors]
        self.net.reset_all_variables()
        for run in range(len(inputs[0]) if inputs else 1):
            for detail, array in zip(self.net.get_input_details(), inputs):
                self.net.set_tensor(detail["index"], array[run])
            self.net.invoke()
            for result, index in zip(results, tensors):
                result.append(np.array(self.net.get_tensor(index)))
        return [np.stack(r) for r in results]


class Micro:
    """One input and one output: all that the models that need it have."""

    def __init__(self, model):
        import numpy as np
        from tflite_micro.python.tflite_micro import runtime
        self.model = model
        self.make = lambda: runtime.Interpreter.from_bytes(model)
        detail = self.make().get_input_details(0)
        self.inputs = [(tuple(int(n) for n in detail["shape"]), np.dtype(detail["dtype"]))]

    def run(self, inputs):
        import numpy as np
        net, results = self.make(), []
        for array in inputs[0]:
            net.set_input(array, 0)
            net.invoke()
            results.append(np.array(net.get_output(0)))
        return [np.stack(results)]


def transpose_conv(schema, model, graph, op):
    """Make an operator Convolution2DTransposeBias (x, weight, bias; options: padding 1 SAME 2 VALID, stride of columns, of rows) a TRANSPOSE_CONV."""
    import numpy as np
    padding, stride_w, stride_h = np.frombuffer(bytes(bytearray(op.customOptions)), "<i4")[:3]
    shape = schema.TensorT()
    shape.name, shape.type, shape.shape = "shape of %s" % op.outputs[0], 2, [4]
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(np.asarray(graph.tensors[op.outputs[0]].shape, "<i4").tobytes(), "u1")
    model.buffers.append(buffer)
    shape.buffer = len(model.buffers) - 1
    graph.tensors.append(shape)
    x, weight, bias = op.inputs
    op.inputs = [len(graph.tensors) - 1, weight, x, bias]
    op.customOptions, op.builtinOptionsType, op.builtinOptions = None, 49, schema.TransposeConvOptionsT()
    op.builtinOptions.padding, op.builtinOptions.strideW, op.builtinOptions.strideH = int(padding) - 1, int(stride_w), int(stride_h)


def loadable(data):
    """The file as LiteRT takes it: without Convolution2DTransposeBias, and with the axis of the scales of a vector, which some files give as that of the weights."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema
    model = schema.ModelT.InitFromPackedBuf(data)
    changed = False
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            if tensor.quantization is not None and tensor.shape is not None and tensor.quantization.quantizedDimension >= max(1, len(tensor.shape)):
                tensor.quantization.quantizedDimension = 0
                changed = True
        for op in graph.operators:
            if model.operatorCodes[op.opcodeIndex].customCode == b"Convolution2DTransposeBias":
                transpose_conv(schema, model, graph, op)
                changed = True
    if not changed:
        return data
    for code in model.operatorCodes:
        if code.customCode == b"Convolution2DTransposeBias":
            code.customCode, code.builtinCode, code.deprecatedBuiltinCode, code.version = None, 67, 67, 3
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def run_lathe(tool, path, inputs, folder, options=()):
    """[(kind, name, array [runs, ...])]"""
    import numpy as np
    files = []
    for i, array in enumerate(inputs):
        files.append(folder / ("in%d.raw" % i))
        array.tofile(files[-1])
    done = subprocess.run([str(tool), *options, str(path), str(folder / "out"), *map(str, files)], stderr=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise RuntimeError((done.stderr.strip().splitlines() or ["exit status %d" % done.returncode])[0])
    rows = []
    for line in (folder / "out" / "index.tsv").read_text().splitlines():
        kind, name, dtype, dims, file = line.split("\t")
        if kind == "input":
            continue
        shape = [int(d) for d in dims.split("x")] if dims else []
        data = np.fromfile(folder / "out" / file, DTYPES[dtype])
        rows.append((kind, name, data.reshape(len(inputs[0]) if inputs else 1, *shape)))
    return rows


def lathe_outputs(tool, path, inputs, options=()):
    with tempfile.TemporaryDirectory() as folder:
        return [row[2] for row in run_lathe(tool, path, inputs, pathlib.Path(folder), options) if row[0] == "output"]


# ---- differences ----


class Difference:
    """The worst of several pairs of arrays."""

    def __init__(self):
        self.error, self.is_float = 0.0, False
        self.n, self.by_one, self.by_more = 0, 0, 0

    def add(self, ours, theirs):
        import numpy as np
        ours = ours.reshape(theirs.shape)
        if theirs.size == 0:
            return
        if theirs.dtype.kind == "f":
            self.is_float = True
            spread = float(max(theirs.max(), 0) - min(theirs.min(), 0))
            error = float(np.abs(ours.astype("f8") - theirs).max()) / max(spread, RANGE_FLOOR)
            self.error = float("inf") if np.isnan(error) else max(self.error, error)
        else:
            steps = np.abs(ours.astype("i8") - theirs.astype("i8"))
            self.n += steps.size
            self.by_one += int((steps == 1).sum())
            self.by_more += int((steps > 1).sum())

    def within(self, share=SHARE_LIMIT):
        return self.error <= FLOAT_LIMIT and self.by_more == 0 and self.by_one <= share * self.n

    def text(self):
        parts = ["%.1e" % self.error] if self.is_float else []
        if self.n and self.by_one + self.by_more == 0:
            parts.append("equal")
        elif self.n:
            parts.append("%.3f %% by 1, %.3f %% by more" % (100 * self.by_one / self.n, 100 * self.by_more / self.n))
        return "; ".join(parts)

    def numbers(self):
        return {"float_error": self.error if self.is_float else None, "n_integers": self.n, "n_off_by_one": self.by_one, "n_off_by_more": self.by_more}


def model_type(path):
    """What its numbers are, in words."""
    import numpy as np
    from ai_edge_litert import schema_py_generated as schema
    graph = schema.ModelT.InitFromPackedBuf(path.read_bytes()).subgraphs[0]
    types = [t.type for t in graph.tensors]
    first = graph.tensors[graph.inputs[0]]
    scales = [len(t.quantization.scale) for t in graph.tensors if t.quantization is not None and t.quantization.scale is not None]
    if first.type == 0 and 9 in types:
        return "float, 8-bit weights"
    if first.type in (3, 9):
        return "%s, scales per %s" % ("uint8" if first.type == 3 else "int8", "channel" if np.max(scales, initial=1) > 1 else "tensor")
    if first.type == 7:
        return "int16 in"
    return "float, f16 weights" if 1 in types else "float"


# ---- the table ----


def make_peers(path):
    """[(name, peer)], the first of which names the inputs."""
    data = loadable(path.read_bytes())
    try:
        return [("XNNPACK", LiteRt(data, False)), ("reference", LiteRt(data, True))]
    except (RuntimeError, ValueError):
        return [("Micro", Micro(data))]


def compare(path, args):
    peers = make_peers(path)
    details = peers[0][1].inputs
    sets = [random_inputs(details, args.runs, seed) for seed in range(args.seeds)]
    real = real_inputs(details, args.data, 4)
    if real is not None:
        sets.append(real)
    row = {"model": path.name, "type": model_type(path), "inputs": "%d x %d%s" % (args.seeds, args.runs, " + %d real" % len(real[0]) if real else "")}
    found = {name: Difference() for name, _ in peers}
    between, lathe_plain, peer_plain = Difference(), Difference(), Difference()
    for inputs in sets:
        ours = lathe_outputs(args.tool, path, inputs, ["-t", str(args.threads)])
        theirs = [peer.run(inputs) for _, peer in peers]
        for (name, _), results in zip(peers, theirs):
            for a, b in zip(ours, results):
                found[name].add(a, b)
        for a, b in zip(theirs[0], theirs[-1]):
            between.add(a, b)
        if args.plain:
            for a, b, c in zip(ours, lathe_outputs(args.tool, path, inputs, ["-r"]), theirs[0]):
                lathe_plain.add(a.reshape(c.shape), b.reshape(c.shape))
                peer_plain.add(c, b.reshape(c.shape))
    row["peers"] = found
    row["between"] = between if len(peers) > 1 else None
    row["plain"] = (lathe_plain, peer_plain) if args.plain else None
    row["ok"] = any(d.within() for d in found.values())
    if args.plain and lathe_plain.is_float:
        row["ok"] = row["ok"] or lathe_plain.within() or (lathe_plain.error < peer_plain.error and lathe_plain.n == 0)
    return row


def print_header(args):
    names = ["model", "type", "inputs", "LiteRT (XNNPACK)", "LiteRT (reference)", "XNNPACK and reference"]
    names += ["plain, Lathe", "plain, LiteRT"] if args.plain else []
    print("| %s | |\n|%s" % (" | ".join(names), "---|" * (len(names) + 1)), flush=True)


def print_row(row, args):
    if "error" in row:
        print("| %s | %s |" % (row["model"], row["error"][:150]), flush=True)
        return
    peers = row["peers"]
    cells = [row["model"], row["type"], row["inputs"]]
    if "Micro" in peers:
        cells += ["Micro: " + peers["Micro"].text(), "", ""]
    else:
        cells += [peers["XNNPACK"].text(), peers["reference"].text(), row["between"].text()]
    if args.plain:
        cells += [d.text() for d in row["plain"]]
    print("| %s | %s |" % (" | ".join(cells), "ok" if row["ok"] else "**beyond the limits**"), flush=True)


def layers(path, args):
    net = LiteRt(loadable(path.read_bytes()), True, keep=True)
    inputs = random_inputs(net.inputs, args.runs, 0)
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for row in run_lathe(args.tool, path, inputs, pathlib.Path(folder), ["-a"]) if row[0] == "value"]
    n_shown = 0
    for detail in net.net.get_tensor_details():
        name, shape = detail["name"], list(detail["shape"])
        same = [r for r in rows if (r[1] == name or r[1].startswith(name + "/")) and list(r[2].shape[1:]) == shape and r[2].dtype == detail["dtype"]]
        if not same:
            continue
        try:
            theirs = net.run(inputs, [detail["index"]])[0]
        except ValueError:
            continue
        difference = Difference()
        difference.add(same[-1][2], theirs)
        if not difference.within():
            print("  %-40s %s %s %s" % (name[-40:], detail["dtype"].__name__, [int(n) for n in shape], difference.text()))
            n_shown += 1
            if n_shown == 12:
                break


def as_json(row):
    if "error" in row:
        return row
    plain = row["plain"]
    return {**row, "peers": {k: d.numbers() for k, d in row["peers"].items()}, "between": row["between"].numbers() if row["between"] else None,
            "plain": {"lathe": plain[0].numbers(), "litert": plain[1].numbers()} if plain else None}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True, type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--layers", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("models", nargs="+", type=pathlib.Path)
    args = parser.parse_args()
    enter_environment()
    if not args.json:
        print_header(args)
    table = []
    for path in args.models:
        try:
            row = compare(path, args)
        except (RuntimeError, ValueError) as problem:
            row = {"model": path.name, "ok": False, "error": " ".join(str(problem).split())}
        table.append(row)
        if not args.json:
            print_row(row, args)
            if args.layers and "error" not in row:
                layers(path, args)
    if args.json:
        print(json.dumps([as_json(row) for row in table], indent=1))
    return 0 if all(row["ok"] for row in table) else 1


if __name__ == "__main__":
    sys.exit(main())
