#!/usr/bin/python3
"""`lathe devices` and `lathe push` through the real program: push_cli.py LATHE MODEL. TAP."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

LATHE, MODEL = sys.argv[1], sys.argv[2]
HOME = tempfile.TemporaryDirectory()
ENVIRONMENT = {**os.environ, **{name: HOME.name for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME")}}


def run(*arguments):
    return subprocess.run([LATHE, *arguments], capture_output=True, text=True, check=False, timeout=120, env=ENVIRONMENT,
                          stdin=subprocess.DEVNULL)


def test_list():
    """Built-in devices are always there; added ones are kept, and go when they are removed."""
    listed = json.loads(run("devices", "list", "--json").stdout)["devices"]
    assert [d["id"] for d in listed][:2] == ["local", "virtual-aarch64"]
    assert all(d["origin"] == "built in" and d["state"] == "unknown" and d["machine"] is None for d in listed)
    done = run("devices", "add", "ssh", "--host", "192.0.2.7", "--user", "pi", "--name", "Kitchen")
    assert done.returncode == 0, done.stderr
    added = json.loads(run("devices", "list", "--json").stdout)["devices"][-1]
    assert (added["name"], added["origin"], added["transport"]) == ("Kitchen", "added", "ssh")
    assert added["settings"]["host"] == "192.0.2.7"
    kept = Path(HOME.name, "lathe", "devices.json")
    assert kept.stat().st_mode & 0o077 == 0
    assert run("devices", "remove", "Kitchen").returncode == 0
    assert json.loads(run("devices", "list", "--json").stdout)["devices"] == listed


def test_push():
    """The text of a push is that of a run here; the run is kept and comparable."""
    with tempfile.TemporaryDirectory() as folder:
        here, there = str(Path(folder, "here.json")), str(Path(folder, "there.json"))
        text = ("-p", "Once upon a time", "-n", "12", "--budget", "0.2")
        own = run("run", MODEL, *text, "--save", here)
        pushed = run("push", MODEL, "--device", "local", *text, "--save", there)
        if pushed.returncode != 0 and "is not built" in pushed.stderr:
            return pushed.stderr.strip()
        assert pushed.returncode == 0, pushed.stderr
        assert pushed.stdout == own.stdout
        again = run("push", MODEL, "--device", "local", *text, "--json")
        document = json.loads(again.stdout)
        assert document["push"]["copied_bytes"] < 2000 < document["push"]["kept_bytes"]
        assert document["run"]["machine"]["device"] == "This computer"
        compared = json.loads(run("compare", here, there, "--json").stdout)
        assert "decode_tokens_per_s" in json.dumps(compared)
    return None


def test_calibrate():
    """A board that nobody calibrated says which command does; then there is a band, or why there is none."""
    done = run("devices", "expect", "local", MODEL)
    assert done.returncode == 1 and "lathe devices calibrate local" in done.stderr, done.stderr
    done = run("devices", "calibrate", "local", "--json")
    if done.returncode != 0 and "is not built" in done.stderr:
        return done.stderr.strip()
    assert done.returncode == 0, done.stderr
    calibration = json.loads(done.stdout)
    assert 8 <= len(calibration["references"]) <= 14 and calibration["basis"] == "this computer"
    assert all(r["host_ns"] > 0 and r["board_ns"] > 0 and r["left_out_ns"] > 0 for r in calibration["references"])
    done = run("devices", "expect", "local", MODEL, "--json")
    assert done.returncode == 0, done.stderr
    for phase in ("prefill", "decode"):
        step = json.loads(done.stdout)[phase]
        if step["expected_ns"] is None:
            assert "was not timed on this computer" in step["unavailable"]
        else:
            assert step["low90_ns"] <= step["expected_ns"] <= step["high90_ns"]
    return None


def test_errors():
    """A sentence that helps, and status 1."""
    for arguments, words in [(("push", MODEL, "-p", "x"), "--device says where to"),
                             (("push", MODEL, "--device", "nowhere", "-p", "x"), "there are: local"),
                             (("push", MODEL, "--device", "virtual-cortex-m4", "-p", "x"), ""),
                             (("devices", "add", "pigeon"), "transports are:"),
                             (("devices", "add", "ssh", "--name", "x"), "Host"),
                             (("devices", "remove", "local"), "built in")]:
        done = run(*arguments)
        assert done.returncode == 1, (arguments, done.returncode)
        assert words in done.stderr, (arguments, done.stderr)
    Path(HOME.name, "lathe").mkdir(exist_ok=True)
    Path(HOME.name, "lathe", "devices.json").write_text("{ broken")
    done = run("devices", "list")
    assert done.returncode == 1 and "left as it is" in done.stderr
    assert Path(HOME.name, "lathe", "devices.json").read_text() == "{ broken"


def main():
    tests = [test_list, test_push, test_calibrate, test_errors]
    failed = 0
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        try:
            skipped = test()
            print(f"ok {number} {test.__name__}" + (f" # SKIP {skipped}" if skipped else ""))
        except AssertionError as error:
            failed += 1
            print(f"not ok {number} {test.__name__}\n# {error}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
