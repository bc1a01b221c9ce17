#!/usr/bin/env python3
"""Outputs of TFLite networks beside LiteRT's, on the same inputs.

    litert.py --tool NET-RUN [--layers] [--runs N] [--inputs random|ramp] [--json] MODEL.tflite...

Every input tensor is filled with random numbers of its type (floats in -1..1, or 0..1 for pictures; integers over their whole range) from a fixed seed, N runs
after one another, so that networks with memory are compared over time. All outputs of all runs are compared with LiteRT's interpreter, with its default
kernels (XNNPACK) and with its reference kernels. A line per model: for floats the largest |difference| over the range of the peer's output (0 included); for integers
the share of values that differ, and the largest difference. Limits: 1e-4; at most one off in less than 0.1 % of the values. A model passes when it is within the limits of
either set of kernels, since the two differ from each other as well (shown in the last columns).

--layers compares every tensor in between with the reference kernels and prints the first that are beyond the limits.

LiteRT comes from the Python package registry ("ai-edge-litert", with numpy) into a virtual environment in ~/.cache/lathe/peers/litert; the script runs itself again
in there. NET-RUN is tests/import/net-run of a build.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

VENV = pathlib.Path.home() / ".cache" / "lathe" / "peers" / "litert"
PACKAGES = ["ai-edge-litert", "numpy"]
FLOAT_LIMIT, SHARE_LIMIT = 1e-4, 1e-3


def enter_environment():
    """Run again where LiteRT is installed; makes that place the first time."""
    try:
        import ai_edge_litert.interpreter  # noqa: F401
        import numpy  # noqa: F401
        return
    except ImportError:
        pass
    python = VENV / "bin" / "python"
    if os.environ.get("LATHE_LITERT_VENV") == str(VENV):
        sys.exit("%s has no working ai-edge-litert; remove it and try again" % VENV)
    if not python.exists():
        print("making %s" % VENV, file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    os.environ["LATHE_LITERT_VENV"] = str(VENV)
    os.execv(str(python), [str(python), __file__, *sys.argv[1:]])


def make_inputs(details, n_runs, kind):
    """One array [runs, ...] per input."""
    import numpy as np
    random = np.random.default_rng(7)
    arrays = []
    for detail in details:
        shape, dtype = (n_runs, *detail["shape"]), np.dtype(detail["dtype"])
        if kind == "ramp":
            values = np.linspace(0, 1, int(np.prod(shape))).reshape(shape)
        else:
            values = random.random(shape)
        if dtype.kind == "f":
            low = 0.0 if len(detail["shape"]) == 4 else -1.0
            arrays.append((low + (1 - low) * values).astype(dtype))
        elif dtype.kind == "b":
            arrays.append(values > 0.5)
        else:
            info = np.iinfo(dtype)
            arrays.append((info.min + values * (float(info.max) - info.min)).astype(dtype))
    return arrays


def interpreter(path, reference, keep=False):
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
    kind = OpResolverType.BUILTIN_REF if reference else OpResolverType.AUTO
    net = Interpreter(model_path=str(path), num_threads=1, experimental_op_resolver_type=kind,
                      experimental_preserve_all_tensors=keep)
    net.allocate_tensors()
    return net


def run_peer(net, inputs, names):
    """Values of the named tensors, [runs, ...] each. LiteRT knows the outputs by index."""
    import numpy as np
    details = net.get_input_details()
    results = [[] for _ in names]
    for run in range(len(inputs[0]) if inputs else 1):
        for detail, array in zip(details, inputs):
            net.set_tensor(detail["index"], array[run])
        net.invoke()
        for result, index in zip(results, names):
            result.append(np.array(net.get_tensor(index)))
    return [np.stack(r) for r in results]


DTYPES = {"f32": "<f4", "f16": "<f2", "f64": "<f8", "i8": "i1", "u8": "u1", "i16": "<i2", "u16": "<u2", "i32": "<i4", "u32": "<u4",
          "i64": "<i8", "u64": "<u8", "bool": "?"}


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
        if not file:
            continue
        shape = [int(d) for d in dims.split("x")] if dims else []
        data = np.fromfile(folder / "out" / file, DTYPES[dtype])
        rows.append((kind, name, data.reshape(len(inputs[0]) if inputs else 1, *shape)))
    return rows


def difference(ours, theirs):
    """(is float, error or share, largest difference in steps)"""
    import numpy as np
    if theirs.dtype.kind == "f":
        spread = float(max(theirs.max(), 0) - min(theirs.min(), 0)) if theirs.size else 0.0
        error = float(np.abs(ours.astype("f8") - theirs).max()) if theirs.size else 0.0
        return True, error / (spread or 1.0), 0
    steps = np.abs(ours.astype("i8") - theirs.astype("i8")) if theirs.size else np.zeros(1)
    return False, float((steps > 0).mean()), int(steps.max())


def worst(pairs):
    """Over all outputs: the largest float error, the share of all integers that differ, the largest step."""
    error, wrong, total, step = 0.0, 0.0, 0, 0
    for ours, theirs in pairs:
        is_float, value, steps = difference(ours, theirs)
        if is_float:
            error = max(error, value)
        else:
            wrong, total, step = wrong + value * theirs.size, total + theirs.size, max(step, steps)
    return {"float_error": error, "integer_share": wrong / total if total else 0.0, "integer_step": step}


def within(result):
    return result["float_error"] <= FLOAT_LIMIT and result["integer_share"] < SHARE_LIMIT and result["integer_step"] <= 1


def compare(tool, path, n_runs, kind, options):
    with tempfile.TemporaryDirectory() as folder:
        net = interpreter(path, False)
        inputs = make_inputs(net.get_input_details(), n_runs, kind)
        ours = [row[2] for row in run_lathe(tool, path, inputs, pathlib.Path(folder), options) if row[0] == "output"]
        outputs = [d["index"] for d in net.get_output_details()]
        default = run_peer(net, inputs, outputs)
        reference = run_peer(interpreter(path, True), inputs, outputs)
        shaped = [o.reshape(d.shape) for o, d in zip(ours, default)]
        return {"outputs": len(outputs), "default": worst(zip(shaped, default)), "reference": worst(zip(shaped, reference)),
                "peers": worst(zip(default, reference))}


def layers(tool, path, n_runs, kind):
    with tempfile.TemporaryDirectory() as folder:
        net = interpreter(path, True, keep=True)
        inputs = make_inputs(net.get_input_details(), n_runs, kind)
        rows = [row for row in run_lathe(tool, path, inputs, pathlib.Path(folder), ["-a"]) if row[0] == "value"]
        shown = 0
        for detail in net.get_tensor_details():
            name = detail["name"]
            same = [r for r in rows if (r[1] == name or r[1].startswith(name + "/")) and list(r[2].shape[1:]) == list(detail["shape"])
                    and r[2].dtype == detail["dtype"]]
            if not same:
                continue
            try:
                theirs = run_peer(net, inputs, [detail["index"]])[0]
            except ValueError:
                continue
            is_float, value, steps = difference(same[-1][2], theirs)
            if value > (FLOAT_LIMIT if is_float else SHARE_LIMIT) or steps > 1:
                print("  %-40s %s %s error %.2g steps %d" % (name[-40:], detail["dtype"].__name__, list(detail["shape"]), value, steps))
                shown += 1
                if shown == 12:
                    break


def cell(result):
    text = "%.1e" % result["float_error"] if result["float_error"] else ""
    if result["integer_share"] or not text:
        text += " %.3f %% by %d" % (100 * result["integer_share"], result["integer_step"])
    return text.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True, type=pathlib.Path)
    parser.add_argument("--layers", action="store_true")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--inputs", choices=["random", "ramp"], default="random")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("models", nargs="+", type=pathlib.Path)
    args = parser.parse_args()
    enter_environment()
    failed, table = 0, []
    if not args.json:
        print("%-40s %7s %-22s %-22s %-22s" % ("model", "outputs", "LiteRT", "its reference", "LiteRT and reference"))
    for path in args.models:
        row = {"model": path.name}
        try:
            row |= compare(args.tool, path, args.runs, args.inputs, ["-t", str(args.threads)])
            row["ok"] = within(row["default"]) or within(row["reference"])
        except (RuntimeError, ValueError) as problem:
            row |= {"ok": False, "error": str(problem)}
        failed += not row["ok"]
        table.append(row)
        if not args.json:
            if "error" in row:
                print("%-40s %s" % (path.name, row["error"][:150]), flush=True)
            else:
                print("%-40s %7d %-22s %-22s %-22s %s" % (path.name, row["outputs"], cell(row["default"]), cell(row["reference"]), cell(row["peers"]),
                                                          "" if row["ok"] else "BEYOND THE LIMITS"), flush=True)
            if args.layers and "error" not in row:
                layers(args.tool, path, args.runs, args.inputs)
    if args.json:
        print(json.dumps(table, indent=1))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
