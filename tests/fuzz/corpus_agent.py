"""What lathe-agent reads from the network: names, ranges, commands, bodies of pairing (fuzz-agent.c)."""
import json


def command(*args, runner="lathe-runner-1f2e"):
    return b"c" + json.dumps({"runner": runner, "args": list(args)}).encode()


def corpus():
    start = {"session": "5a" * 32, "share": "09" + "00" * 31, "name": "ada on lovelace ü"}
    finish = {"pairing": "01" * 16, "proof": "FF" * 32}
    return {
        "good-name": b"nrun-1f2e.log",
        "good-name-longest": b"n" + b"x" * 128,
        "bad-name-empty": b"n",
        "bad-name-longer": b"n" + b"x" * 129,
        "bad-name-up": b"n..",
        "bad-name-hidden": b"n.index.json",
        "bad-name-option": b"n--log",
        "bad-name-folder": b"na/b",
        "bad-name-escaped": b"n%2e%2e%2fx",
        "bad-name-line": b"na\nb",
        "good-range": b"rbytes 0-4194303/123456789",
        "good-range-end": b"rbytes */123456789",
        "bad-range-order": b"rbytes 9-0/20",
        "bad-range-end": b"rbytes 0-20/20",
        "bad-range-sign": b"rbytes -1-9/20",
        "bad-range-wrap": b"rbytes 0-18446744073709551615/18446744073709551616",
        "bad-range-space": b"rbytes 0-9/20 ",
        "good-number": b"#1000",
        "bad-number-large": b"#1001",
        "bad-number-larger": b"#99999999999999999999999",
        "bad-number-sign": b"#+1",
        "good-board": command("board", "."),
        "good-hash": command("hash", "a", "b", "c"),
        "good-start": command("start", "a.lathe-build", "w", "--log", "l.log"),
        "good-current": command("run", "@current", "w"),
        "good-follow": command("follow", "l.log", "--from", "9007199254740992"),
        "bad-shell": command("-c", "reboot"),
        "bad-runner": command("board", runner="/bin/sh"),
        "bad-board": command("board", "/"),
        "bad-hash": command("hash", "../state/key.pem"),
        "bad-current": command("hash", "@current"),
        "bad-log": command("start", "a", "w", "--log", "../x"),
        "bad-log-twice": command("start", "a", "w", "--log", "x", "--log", "y"),
        "bad-from": command("follow", "l", "--from", "1e3"),
        "bad-args-many": command("hash", *["x"] * 65),
        "bad-args-number": b'c{"runner": "r", "args": ["stop", 3]}',
        "bad-args-object": b'c{"runner": "r", "args": {"0": "board"}}',
        "bad-args-none": b'c{"runner": "r", "args": []}',
        "bad-nul": b'c{"runner": "r\\u0000x", "args": ["board"]}'.replace(b"\\u0000", b"\0"),
        "good-pair-start": b"s" + json.dumps(start).encode(),
        "bad-pair-name": b"s" + json.dumps({**start, "name": "a\nb"}).encode(),
        "bad-pair-name-long": b"s" + json.dumps({**start, "name": "a" * 65}).encode(),
        "bad-pair-share": b"s" + json.dumps({**start, "share": "09"}).encode(),
        "good-pair-finish": b"f" + json.dumps(finish).encode(),
        "bad-pair-proof": b"f" + json.dumps({**finish, "proof": "FG" * 32}).encode(),
        "bad-deep": b"j" + b"[" * 9 + b"]" * 9,
        "bad-deeper": b'j{"a":' + b"{\"b\":" * 3000,
        "bad-utf8": b'j{"a": "\xff\xfe"}',
        "bad-long": b'j{"a": "' + b"x" * 16384 + b'"}',
        "bad-list": b"j[]",
        "good-object": b'j{"read": 77}',
    }
