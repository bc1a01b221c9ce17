#!/usr/bin/python3
"""Plain C kernels of two builds give the same bits: compares the digests that kn-check --digest prints.

usage: same-bits.py NATIVE_KN_CHECK OTHER_KN_CHECK [EMULATOR]

LATHE_NATIVE_KN_CHECK overrides the first. Exit status 77 (skipped) when there is no native build.
"""
import os
import subprocess
import sys


def digests(command):
    # All families whose name holds one of these, so conv is qconv as well; of the products the smaller half: an emulator
    # is slow.
    found = {}
    for family in "vec/", "map/", "attn/", "quant/", "conv/", "pool/", "matmul/q4_k", "matmul/quantize":
        run = subprocess.run(command + ["--level", "c", "--digest", family], capture_output=True, text=True, check=False)
        if run.returncode:
            sys.exit(f"{' '.join(command)} {family} failed:\n{run.stdout}{run.stderr}")
        for line in run.stdout.splitlines():
            if line.startswith("# digest "):
                name, _, value = line[len("# digest "):].rsplit(" ", 2)
                found[name] = value
    return found


native = os.environ.get("LATHE_NATIVE_KN_CHECK", sys.argv[1])
if not os.path.exists(native):
    print(f"no native build to compare with ({native}); set LATHE_NATIVE_KN_CHECK")
    sys.exit(77)
here, there = digests([native]), digests([part for part in sys.argv[3:] if part] + [sys.argv[2]])
if set(here) != set(there):
    sys.exit("the two programs have different cases: build both from the same sources")
differing = [name for name in here if here[name] != there[name]]
for name in differing:
    print(f"{name}: {here[name]} here, {there[name]} there")
print(f"{len(here)} cases, {len(differing)} differ")
sys.exit(1 if differing or not here else 0)
