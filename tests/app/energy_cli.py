#!/usr/bin/python3
"""Energy on the command line, through the real program and a counter that is moved here: energy_cli.py LATHE MODEL. TAP."""

import csv
import io
import json
import os
import pty
import select
import subprocess
import sys
import tempfile
import threading
import time
import tty

LATHE, MODEL = sys.argv[1], sys.argv[2]
WATTS = 20.0


class Counter(threading.Thread):
    """A package's energy counter, at WATTS; its file goes away after `lose_after_s`."""

    def __init__(self, root, lose_after_s=None):
        super().__init__(daemon=True)
        self.folder = os.path.join(root, "sys/class/powercap/intel-rapl:0")
        os.makedirs(self.folder)
        self.lose_after_s, self.stop = lose_after_s, False
        self.put("name", "package-0")
        self.put("max_energy_range_uj", 262143328850)
        self.put("energy_uj", 1000000)

    def put(self, name, value):
        path = os.path.join(self.folder, name)
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(f"{value}\n")
        os.rename(path + ".new", path)

    def run(self):
        start = time.monotonic()
        while not self.stop:
            seconds = time.monotonic() - start
            if self.lose_after_s is not None and seconds > self.lose_after_s:
                os.remove(os.path.join(self.folder, "energy_uj"))
                return
            self.put("energy_uj", 1000000 + int(seconds * WATTS * 1e6))
            time.sleep(0.002)


class Board(threading.Thread):
    """A power meter on a pseudo terminal that speaks the line protocol: 5 V, so many milliamperes, 200 samples a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.fd, other = pty.openpty()
        self.port, self.other = os.ttyname(other), other  # kept open: a hang-up would end the reading
        tty.setraw(other)
        self.heard, self.end = b"", False

    def say(self, text):
        os.write(self.fd, text.encode("ascii"))

    def run(self):
        sending, start = False, time.monotonic()
        while not self.end:
            if select.select([self.fd], [], [], 0.005)[0]:
                self.heard += os.read(self.fd, 256)
                if self.heard.endswith(b"lathe-meter?\n"):
                    self.say("lathe-meter 1 pty\n")
                sending = b"start\n" in self.heard and b"stop\n" not in self.heard
            if sending:
                body = f"{int((time.monotonic() - start) * 1e6)},5000,{1000 * WATTS / 5:.1f}"
                checksum = 0
                for byte in body.encode("ascii"):
                    checksum ^= byte
                self.say(f"{body}*{checksum:02X}\r\n")


def call(*arguments):
    return subprocess.run([LATHE, *arguments], capture_output=True, text=True, encoding="utf-8", check=False)


def run_json(*arguments):
    result = call(*arguments, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


SHORT = ("--budget", "0.3", "-n", "12")


def measures(folder):
    root = os.path.join(folder, "a")
    counter = Counter(root)
    counter.start()
    run = run_json("profile", MODEL, *SHORT, "--meter", f"rapl:{root}")
    table = call("profile", MODEL, *SHORT, "--csv", "--meter", f"rapl:{root}")
    counter.stop = True
    figures, energy = run["figures"], run["energy"]
    watts, joules = figures["measured_mean_power_watts"], figures["measured_joules_per_token"]
    assert 0.8 * WATTS < watts["value"] < 1.2 * WATTS, watts
    assert watts["low95"] <= watts["value"] <= watts["high95"] and joules["value"] > 0, (watts, joules)
    assert energy["meter"]["id"] == "rapl" and energy["meter"]["place"] == root, energy["meter"]
    decode = energy["decode"]
    assert decode["per"] == "token" and {decode[g]["grade"] for g in ("measured", "attributed", "modelled")} == {"measured", "attributed", "modelled"}
    layers = sum(j for j in decode["attributed"]["layers_joules"] if j is not None)
    assert abs(layers / joules["value"] - 1) < 1e-6, (layers, joules)
    modelled = sum(decode["modelled"]["layers_joules"])
    assert abs(modelled / figures["modelled_joules_per_token"]["value"] - 1) < 1e-6, modelled
    rows = [row for row in csv.DictReader(io.StringIO(table.stdout)) if row["phase"] == "decode"]
    assert rows and all(float(row["attributed_joules"]) >= 0 and float(row["modelled_joules"]) >= 0 for row in rows), table.stdout[:300]


def says_why_not(folder):
    root = os.path.join(folder, "nothing")
    os.makedirs(root)
    run = run_json("profile", MODEL, *SHORT, "--meter", "none")
    joules = run["figures"]["measured_joules_per_token"]
    assert joules["value"] is None and joules["reason"], joules
    assert run["energy"]["meter"] is None and run["energy"]["not_measured_because"], run["energy"]
    assert run["figures"]["modelled_joules_per_token"]["value"] > 0
    table = call("profile", MODEL, *SHORT, "--csv", "--meter", "none").stdout
    rows = [row for row in csv.DictReader(io.StringIO(table)) if row["phase"] == "decode"]
    assert rows and all(row["attributed_joules"] == "" for row in rows), "not a zero where nothing was measured"
    for choice, word in ((f"rapl:{root}", "no RAPL counters"), ("steam", "no meter called"), ("serial", "needs its port")):
        result = call("run", MODEL, "-p", "x", "-n", "2", "--meter", choice)
        assert result.returncode == 1 and word in result.stderr and result.stderr.count("\n") == 1, result.stderr


def loses_the_sensor(folder):
    root = os.path.join(folder, "b")
    counter = Counter(root, lose_after_s=1.0)
    counter.start()
    run = run_json("profile", MODEL, *SHORT, "--meter", f"rapl:{root}")
    joules = run["figures"]["measured_joules_per_token"]
    assert joules["value"] is None and "energy_uj" in joules["reason"], joules
    assert "unavailable" in run["energy"]["decode"]["attributed"], run["energy"]["decode"]
    assert any("energy was not measured" in note for note in run["notes"]), run["notes"]
    assert run["figures"]["decode_tokens_per_s"]["value"] > 0


def states_idle_power(folder):
    root = os.path.join(folder, "c")
    counter = Counter(root)
    counter.start()
    run = run_json("profile", MODEL, *SHORT, "--meter", f"rapl:{root}", "--idle", "1")
    counter.stop = True
    idle = run["energy"]["idle_watts"]
    assert 0.8 * WATTS < idle["value"] < 1.2 * WATTS, idle
    result = call("run", MODEL, "-p", "x", "-n", "2", "--meter", "none", "--idle", "1")
    assert result.returncode == 1 and "--idle needs a power meter" in result.stderr, result.stderr


def reads_a_serial_meter(folder):
    board = Board()
    board.start()
    run = run_json("profile", MODEL, *SHORT, "--meter", f"serial:{board.port}")
    time.sleep(0.2)
    board.end = True
    watts = run["figures"]["measured_mean_power_watts"]
    assert watts["value"] is not None and 0.8 * WATTS < watts["value"] < 1.2 * WATTS, watts
    assert "pty" in run["energy"]["meter"]["title"], run["energy"]["meter"]
    assert board.heard.endswith(b"stop\n"), board.heard  # left as it was found


def main():
    steps = [measures, says_why_not, loses_the_sensor, states_idle_power, reads_a_serial_meter]
    failed = 0
    print(f"1..{len(steps)}")
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(XDG_DATA_HOME=folder, XDG_CACHE_HOME=folder, LC_ALL="C.UTF-8")
        for number, step in enumerate(steps, 1):
            try:
                step(folder)
                print(f"ok {number} - {step.__name__}", flush=True)
            except AssertionError as error:
                failed += 1
                print(f"not ok {number} - {step.__name__}\n# " + str(error).replace("\n", "\n# "), flush=True)
    sys.exit(failed > 0)


main()
