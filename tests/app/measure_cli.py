#!/usr/bin/python3
"""Devices, precision and conditions on the command line, through the real program: measure_cli.py LATHE MODEL. TAP."""

import json
import os
import subprocess
import sys
import tempfile

LATHE, MODEL = sys.argv[1], sys.argv[2]
n_tests = n_failed = 0


def report(passed, what, detail=""):
    global n_tests, n_failed
    n_tests += 1
    n_failed += not passed
    print(f"{'ok' if passed else 'not ok'} {n_tests} - {what}{': ' + detail if detail and not passed else ''}", flush=True)


def lathe(home, *arguments):
    environment = dict(os.environ, XDG_CACHE_HOME=home, XDG_DATA_HOME=home, LC_ALL="C.UTF-8")
    return subprocess.run([LATHE, *arguments], capture_output=True, text=True, env=environment, timeout=120, check=False)


def devices(home):
    text = lathe(home, "devices")
    report(text.returncode == 0 and "not measured yet: lathe devices --measure" in text.stdout, "roofs that were not measured are no figures", text.stdout)
    device = json.loads(lathe(home, "devices", "--json").stdout)["devices"][0]
    report(device["roofs"] == [] and device["machine"]["cpus"] >= 1, "nor are they in JSON")
    for name, sensor in device["sensors"].items():
        if isinstance(sensor, dict):
            report(("value" in sensor) != ("unavailable" in sensor), f"{name} has a value or a reason", str(sensor))
    refused = lathe(home, "devices", "file.onnx")
    report(refused.returncode == 1 and "there is no “file.onnx”" in refused.stderr and "Usage: lathe devices" in refused.stderr, "a file is refused", refused.stderr)


def roofs(home):
    measured = lathe(home, "devices", "--measure", "--json")
    report(measured.returncode == 0, "roofs are measured", measured.stderr)
    kept = json.loads(lathe(home, "devices", "--json").stdout)["devices"][0]["roofs"]
    report(json.loads(measured.stdout)["devices"][0]["roofs"] == kept and len(kept) >= 1, "and kept")
    report([roof["threads"] for roof in kept][0] == 1, "for one thread, too")
    for roof in kept:
        figures = [level["read_bytes_per_s"] for level in roof["levels"]] + [roof["f32_flop_per_s"], roof["int8_op_per_s"]]
        report(all(f["low95"] <= f["value"] <= f["high95"] for f in figures), f"{roof['threads']} threads: each figure lies in its interval")
        report(roof["levels"][-1]["name"] == "DRAM" and roof["time_unix_s"] > 0, "main memory is last, and the date is kept")


def precision(home):
    for wrong in (["--interval", "500"], ["--interval", "-1"], ["--budget", "0"]):
        refused = lathe(home, "run", MODEL, "-p", "It is", "-n", "2", *wrong)
        report(refused.returncode == 1 and wrong[0] in refused.stderr, f"{' '.join(wrong)} is refused", refused.stderr)
    run = json.loads(lathe(home, "run", MODEL, "-p", "It is", "-n", "4", "--interval", "7", "--budget", "0.5", "--json").stdout)
    report(run["workload"]["interval_width"] == 0.07 and run["workload"]["budget_s"] == 0.5, "precision is in the run")
    report(run["ended_by"]["decode_tokens_per_s"] in ("interval", "budget", "count"), "and what ended the repeats")
    conditions = run["conditions"]
    times = conditions["series"]["time_s"]
    report(len(times) >= 2 and times == sorted(times), "the machine was looked at", str(times))
    report(0 < conditions["sampling_cpu_s"] < conditions["wall_s"], "and what that took is known")
    report(bool(conditions["compiler"]) and bool(conditions["kernel"]), "compiler and kernel are recorded")
    counters = run["profile"]["counters"]["decode"]
    report(counters["counted_steps"] > 0 or set(counters["unavailable"]) == {"cycles", "instructions", "cache_misses"},
           "counters were counted, or each says why not", str(counters))


with tempfile.TemporaryDirectory() as folder:
    devices(folder)
    roofs(folder)
    precision(folder)
print(f"1..{n_tests}")
sys.exit(n_failed > 0)
