#!/usr/bin/python3
"""The exit statuses of `lathe compare` and its outputs, through the real program: compare_gate.py LATHE. TAP."""

import csv
import io
import json
import os
import subprocess
import sys
import tempfile

LATHE = sys.argv[1] if len(sys.argv) > 1 else ""


def make_run(path, name, inference_ms, half_width, layer_ns, layer_name="first", model_name="model"):
    """A run of a network with two layers, as the program itself would keep it."""
    def latency(ns):
        return {"n": 20, "median_ns": ns, "low95_ns": round(ns * 0.98), "high95_ns": round(ns * 1.02)}
    nodes = [{"name": "conv", "operator": "Convolution", "layer": 0, "sources": ["conv"], "weight_bytes": 64,
              "inference": latency(layer_ns), "inference_cost": {"flops": 1000}},
             {"name": "fc", "operator": "Matrix product", "layer": 1, "sources": ["fc"], "weight_bytes": 32,
              "inference": latency(500), "inference_cost": {"flops": 2000}}]
    layers = [{"layer": -1}, {"layer": 0, "name": layer_name, "weight_bytes": 64, "inference": latency(layer_ns)},
              {"layer": 1, "name": "second", "weight_bytes": 32, "inference": latency(500)}, {"layer": 2}]
    run = {"lathe-run": 1, "id": name, "model_name": model_name, "model_sha256": "h", "build_sha256": "b", "isa": "avx2", "threads": 2,
           "engine_version": "1", "validity": "valid", "machine": {"cpu": "one"}, "recipe": {"lathe-recipe": 1, "techniques": {}},
           "workload": {"kind": "input", "inputs": ["x.png"]},
           "figures": {"inference_ms": {"value": inference_ms, "low95": inference_ms - half_width, "high95": inference_ms + half_width, "n": 20,
                                        "unit": "ms"},
                       "peak_memory_bytes": {"value": 1000, "low95": 1000, "high95": 1000, "n": 0, "unit": "B"}},
           "profile": {"n_layers": 2, "inference": {"tokens_per_step": 1, "sum_of_nodes": latency(layer_ns + 500)}, "layers": layers,
                       "nodes": nodes}}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(run, file)


def call(*arguments):
    return subprocess.run([LATHE, "compare", *arguments], capture_output=True, text=True, encoding="utf-8", check=False)


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_DATA_HOME"] = folder
        os.environ["LC_ALL"] = "C.UTF-8"
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):  # the command line needs none
            os.environ.pop(name, None)
        a, b, noisy = (os.path.join(folder, name + ".json") for name in ("a", "b", "noisy"))
        make_run(a, "aaaa", 10, 0.2, 1000)
        make_run(b, "bbbb", 11, 0.2, 1500)
        make_run(noisy, "cccc", 11, 3, 1000)
        cases = [
            ("held", (a, b, "--fail-if", "latency>+20%"), 0),
            ("tripped", (a, b, "--fail-if", "latency>+5%"), 3),
            ("absolute", (a, b, "--fail-if", "latency>10.5ms"), 3),
            ("one run, absolute", (b, "--fail-if", "latency>10.5ms"), 3),
            ("layer", (a, b, "--fail-if", "layer:first:latency>+40%"), 3),
            ("layer held", (a, b, "--fail-if", "layer:second:latency>+1%"), 0),
            ("noise", (a, noisy, "--fail-if", "latency>+5%"), 0),
            ("noise, strict", (a, noisy, "--strict", "--fail-if", "latency>+5%"), 3),
            ("unavailable", (a, b, "--fail-if", "energy>+5%"), 2),
            ("unavailable and tripped", (a, b, "--fail-if", "energy>+5%", "--fail-if", "latency>+5%"), 3),
            ("not a gate", (a, b, "--fail-if", "latency"), 1),
            ("no such run", (a, os.path.join(folder, "missing.json")), 1),
            ("no such id", (a, "deadbeef"), 1),
            ("one run", (a,), 1),
            ("no gate", (a, b), 0),
        ]
        print("1..%d" % (len(cases) + 2))
        for i, (name, arguments, status) in enumerate(cases):
            result = call(*arguments)
            good = result.returncode == status and (status == 0 or result.stderr.startswith("lathe compare: "))
            print("%s %d - %s" % ("ok" if good else "not ok", i + 1, name))
            if not good:
                print("# status %d, expected %d\n# %s" % (result.returncode, status, result.stderr.replace("\n", "\n# ")))
        document = json.loads(call(a, b, noisy, "--json").stdout)
        rows = [row for row in document["rows"] if row["kind"] == "layer"]
        change = rows[0]["runs"][1]["latency_ns_change"]
        good = len(document["runs"]) == 3 and [row["name"] for row in rows] == ["first", "second"] and abs(change["change_percent"] - 50) < 1e-9
        print("%s %d - json" % ("ok" if good else "not ok", len(cases) + 1))
        table = list(csv.DictReader(io.StringIO(call(a, b, "--csv").stdout)))
        good = len(table) == 8 and table[1]["latency_ns_change_percent"] == "50" and table[1]["run_id"] == "bbbb"
        print("%s %d - csv" % ("ok" if good else "not ok", len(cases) + 2))


if __name__ == "__main__":
    main()
