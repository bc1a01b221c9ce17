#!/usr/bin/python3
"""`lathe advise` through the real program, on a run kept in a file: the roofline it prints, advice that can be run, errors. advise_cli.py LATHE MODEL. TAP."""

import json
import os
import subprocess
import sys
import tempfile

LATHE, MODEL = sys.argv[1], sys.argv[2]
n_done = n_failed = 0


def case(name, good, why=""):
    global n_done, n_failed
    n_done += 1
    n_failed += not good
    print(("ok" if good else "not ok"), n_done, name)
    if not good:
        print("# " + str(why).replace("\n", "\n# "))


def call(*arguments):
    return subprocess.run([LATHE, *arguments], capture_output=True, text=True, encoding="utf-8", check=False)


def point_is_consistent(point):
    """What is printed follows from what is printed."""
    if point["time_ms"].get("value") is None or point["roof_ms"] is None:
        return True
    time_ms = point["time_ms"]["value"]
    near = lambda a, b: abs(a - b) <= 1e-6 * max(abs(a), abs(b), 1e-12)
    return (near(point["share_of_roof"], point["roof_ms"] / time_ms) and near(point["lost_ms"], max(time_ms - point["roof_ms"], 0))
            and near(point["ops_per_byte"], point["ops"] / point["bytes"]) and point["bound"] in ("memory", "arithmetic", "overhead"))


def main():
    with tempfile.TemporaryDirectory() as folder:
        for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME"):
            os.environ[name] = folder
        os.environ["LC_ALL"] = "C.UTF-8"
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            os.environ.pop(name, None)
        run = os.path.join(folder, "run.json")
        made = call("profile", MODEL, "-n", "32", "--budget", "0.3", "--save", run)
        case("a run is made", made.returncode == 0, made.stderr)
        told = call("advise", MODEL, "--run", run, "--no-history", "--json")
        case("it is advised on", told.returncode == 0, told.stderr)
        answer = json.loads(told.stdout)
        phases = [answer["prefill_roofline"], answer["decode_roofline"]]
        case("both phases have their roofline", all(len(phase["layers"]) == 8 for phase in phases), answer.keys())
        points = phases + [layer for phase in phases for layer in phase["layers"]]
        case("every point is consistent", all(point_is_consistent(point) for point in points), points)
        case("its roofs are those of the run's threads", answer["roofs"]["threads"] == answer["threads"], answer["roofs"])
        case("the advice is ranked", all(isinstance(one["gain_ms_whole_run"], (int, float)) for one in answer["advice"]), answer["advice"])
        for one in answer["advice"]:
            if one["recipe"] is None:
                case(one["rule"] + " says what to do instead", bool(one["action"]), one)
                continue
            again = call("profile", MODEL, "-n", "8", "--budget", "0.1", "--json", "--recipe", json.dumps(one["recipe"]))
            case(one["rule"] + " can be run", again.returncode == 0 and one["recipe"] != answer["recipe"], again.stderr)
            if again.returncode == 0:
                kept = json.loads(again.stdout)["recipe"]
                case(one["rule"] + " is the recipe that runs", kept == one["recipe"], kept)
        text = call("advise", MODEL, "--run", run, "--no-history")
        case("for people: roofs and shares", "Roofs of " in text.stdout and "of the roof" in text.stdout, text.stdout)
        lost = call("advise", MODEL, "--run", "no-such-run")
        case("a run that is not there is an error", lost.returncode == 1 and "no-such-run" in lost.stderr, lost.stderr)
    print(f"1..{n_done}")
    return 1 if n_failed else 0


sys.exit(main())
