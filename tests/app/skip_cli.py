#!/usr/bin/python3
"""`lathe skip` through the real program: skip_cli.py LATHE MODEL. TAP."""

import json
import subprocess
import sys
import tempfile

LATHE, MODEL = sys.argv[1], sys.argv[2]


def run(*arguments):
    return subprocess.run([LATHE, *arguments], capture_output=True, text=True, check=False, timeout=120)


def test_json():
    """Steps with falling sizes, and a recipe that the other commands take."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        done = run("skip", MODEL, "--blocks", "2", "-n", "128", "--domain", "prose", "--json", "-o", file.name)
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        steps = report["steps"]
        assert [s["left_out"] is None for s in steps] == [True, False, False]
        assert steps[0]["weight_bytes"] > steps[1]["weight_bytes"] > steps[2]["weight_bytes"]
        rules = report["recipe"]["techniques"]["layer-skip"]["rules"]
        assert sorted(r["match"] for r in rules) == sorted(s["left_out"] for s in steps[1:])
        listed = run("run", MODEL, "-p", "It", "-n", "2", "--recipe", file.name)
        assert listed.returncode == 0, listed.stderr


def test_halves():
    """Half a block at a time, as a table."""
    done = run("skip", MODEL, "--blocks", "1", "-n", "128", "--domain", "prose", "--halves")
    assert done.returncode == 0, done.stderr
    assert "attn*" in done.stdout or "ffn*" in done.stdout
    assert "kept aside" in done.stdout


def test_errors():
    """A sentence, and status 1."""
    done = run("skip", MODEL, "--domain", "cooking")
    assert done.returncode == 1 and "prose" in done.stderr, done.stderr
    done = run("skip", MODEL, "--blocks", "99")
    assert done.returncode == 1 and "at least one must stay" in done.stderr, done.stderr


def main():
    tests = [test_json, test_halves, test_errors]
    failed = 0
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} {test.__name__}")
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            print(f"not ok {number} {test.__name__}: {error!r}")
    sys.exit(failed > 0)


main()
