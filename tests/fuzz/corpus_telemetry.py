"""Telemetry streams: what a runner says, and what no board should."""
import json


def line(kind, n, **members):
    return (json.dumps({"kind": kind, "n": n, "t_ns": 1000 * n, **members}, separators=(",", ":")) + "\n").encode()


def stream():
    return [
        line("hello", 0, telemetry=1, runner="0.1.0", machine="aarch64", isa="neon", pid=7, command="start"),
        line("board", 1, cpu=None, machine="aarch64", isa="neon", system="Linux 6", n_cpus=4, memory_bytes=4 << 30,
             clock_hz=None, emulated=False, sensors=[{"what": "power", "name": None, "reason": "none"}]),
        line("build", 2, build_sha256="ab", file_sha256="cd", n_nodes=3, n_threads=2, weight_bytes=10),
        line("stage", 3, stage="decode", progress=None),
        line("pass", 4, phase="decode", traced=False, n_tokens=1, position=5, ns=1234, token_ns=1300),
        line("trace", 5, phase="decode", step=2, n_tokens=1, position=6, lost=0, begin_ns=9,
             records=[[0, 0, 0, 5, 6], [1, 1, 6, 9, 9]]),
        line("token", 6, index=0, id=42),
        line("output", 7, input=0, value="scores", type="f32", shape=[1, 2], base64="AAAAAAAAgD8="),
        line("state", 8, rss_bytes=100, clock_hz=None, temperature_c=-3.5, throttled=None, stage="decode"),
        line("energy", 9, meter="rapl", covers="package", phase="decode", joules=0.5, seconds=0.5, n_units=10),
        line("dance", 10, steps=["left", "right"]),
        line("error", 11, code="memory", where="executor", message="too large ü"),
        line("end", 12, status="complete", n_lines=13, dropped=0),
    ]


def a_round(**members):
    return line("round", 0, **{"verdict": "draft", "beside": False, "again": False, "first_token": 1, "n_emitted": 2, "n_run": 3,
                               "n_drafted": 2, "n_accepted": 1, "length": 2, "match": 4, "predicted": None, "begin_ns": 10,
                               "draft_ns": 1, "verify_ns": 7, "choose_ns": 1, "drafts": [[5, 0, 1, 1], [6, 1, 1, 0]], **members})


def corpus():
    good = stream()
    files = {
        "good-all": b"".join(good),
        "good-crlf": b"".join(good).replace(b"\n", b"\r\n"),
        "good-no-numbers": b'{"kind":"stage","stage":"open"}\n{"kind":"end","status":"complete"}\n',
        "good-empty-output": line("output", 0, input=0, type="f32", base64=""),
        "bad-not-json": b"Welcome to raspberrypi\n" + good[0],
        "bad-cut": b"".join(good)[:-5],
        "bad-utf8": good[0] + b'{"kind":"error","code":"io","message":"\xff\xfe"}\n',
        "bad-nul": good[0][:20] + b"\0" + good[0][20:],
        "bad-deep": b'{"kind":' + b"[" * 5000 + b"\n",
        "bad-nan": b'{"kind":"pass","phase":"decode","ns":NaN}\n',
        "bad-negative": line("pass", 0, phase="decode", ns=-1),
        "bad-number": b'{"kind":"stage","n":-1,"stage":"x"}\n',
        "bad-huge": b'{"kind":"pass","phase":"decode","ns":1e300}\n',
        "good-round": a_round(),
        "good-round-again": line("round", 0, verdict="none", again=True, n_emitted=1, n_run=1, n_drafted=0, n_accepted=0,
                                 begin_ns=1, draft_ns=0, verify_ns=5, choose_ns=1),
        "bad-round-parent": a_round(drafts=[[5, 1, 1, 1], [6, 1, 1, 0]]),
        "bad-round-short": a_round(drafts=[[5, 0, 1, 1]]),
        "bad-round-untested": a_round(drafts=[[5, 0, 0, 1], [6, 1, 1, 0]]),
        "bad-round-run": a_round(n_run=2),
        "bad-round-many": a_round(n_drafted=17, n_run=18, drafts=[[5, 0, 1, 0]] * 17),
        "bad-round-accepted": a_round(n_accepted=3),
        "bad-round-verdict": a_round(verdict="guess"),
        "bad-round-late": a_round(verify_ns=2**62),
        "good-scores": line("scores", 0, window=0, base64="AAAAAAAAAAAAAAAAAADwPw=="),
        "bad-scores": line("scores", 0, window=0, base64="AAAA"),
        "bad-scores-none": line("scores", 0, window=0, base64=""),
        "good-piece": line("piece", 0, n_tokens=16, ns=5.5, plain_ns=None),
        "bad-piece": line("piece", 0, n_tokens=0, ns=5, plain_ns=None),
        "bad-piece-differing": line("piece", 0, n_tokens=4, ns=5, n_compared=2, n_differing=3),
        "good-costs": line("costs", 0, verify_ns=[[1, 10.5], [17, 20]]),
        "bad-costs": line("costs", 0, verify_ns=[[18, 10]]),
        "bad-costs-text": line("costs", 0, verify_ns=[[1, "fast"], 7]),
        "good-repeats": line("repeats", 0, phase="decode", ended="interval", n_samples=37, seconds=0.5, width=0.04),
        "bad-repeats": line("repeats", 0, phase="decode", ended="boredom", n_samples=37),
        "bad-phase": line("pass", 0, phase="lunch", ns=1),
        "bad-kind": b'{"kind":7}\n',
        "bad-record-short": line("trace", 0, phase="decode", step=0, records=[[0, 0, 0, 5]]),
        "good-record-late-thread": line("trace", 0, phase="decode", step=0, records=[[0, 0, 9, 9, 5]]),
        "bad-record-text": line("trace", 0, phase="decode", step=0, records=[["a", 0, 0, 5, 6]]),
        "bad-records": line("trace", 0, phase="decode", step=0, records=7),
        "bad-base64": line("output", 0, input=0, type="f32", base64="!!!!"),
        "bad-base64-length": line("output", 0, input=0, type="f32", base64="AAA"),
        "bad-shape": line("output", 0, input=0, type="f32", shape=[1] * 9, base64=""),
        "bad-temperature": line("state", 0, temperature_c=-500),
        "bad-progress": line("stage", 0, stage="x", progress=2),
        "bad-board": line("board", 0, machine="a", isa="b", memory_bytes=2**62),
        "bad-array": b"[1,2]\n",
        "repeated": b"".join(good[:5] + good[2:]),
        "missing": b"".join(good[:3] + good[7:]),
        "empty": b"",
        "newlines": b"\n\r\n\n",
    }
    return files
