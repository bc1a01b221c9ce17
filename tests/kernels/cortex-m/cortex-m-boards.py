#!/usr/bin/env python3
"""The Cortex-M kernels and the boards' own code, on emulated boards.

    cortex-m-boards.py SOURCE-ROOT TEST-CORTEX-M [--bench]

For each folder of data/boards with an emulator, compiles and runs two images: the cases of mc-cases.c, whose checksums
must be those of plain C on this computer (TEST-CORTEX-M --sums), and a network of two layers with a work file, whose
telemetry is checked line by line; then broken work files, a full stack.  For the others the network only has to link.
Prints TAP; skips with the reason where the compiler or the emulator is absent.  --bench: instructions of each case on each board, plain C beside it.
"""
import base64
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FLAGS = ["-std=gnu17", "-ffreestanding", "-O2", "-ffp-contract=off", "-fno-math-errno", "-ffunction-sections",
         "-fdata-sections", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Wshadow", "-Wstrict-prototypes", "-Wundef",
         "-Werror", "-Wno-infinite-recursion"]
SECONDS = 60


class Tap:
    def __init__(self):
        self.n = self.n_failed = 0

    def check(self, ok, what, details=""):
        self.n += 1
        self.n_failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.n} {what}")
        if not ok:
            for line in str(details).splitlines():
                print(f"# {line}")

    def skip(self, what, why):
        self.n += 1
        print(f"ok {self.n} {what} # SKIP {why}")


class Board:
    def __init__(self, source, folder, scratch):
        self.source, self.folder, self.scratch = source.resolve(), folder.resolve(), scratch
        self.facts = json.loads((folder / "board.json").read_text())
        self.name = self.facts["name"]

    def missing(self):
        emulator = self.facts.get("emulator")
        for program in [self.facts["compiler"]] + ([emulator["program"]] if emulator else []):
            if shutil.which(program) is None:
                return f"{program} is not installed"
        return None

    def objects(self, sources, flags):
        """Compiled in one call, each once per set of flags."""
        folder = self.scratch / f"{self.name}{''.join(flags).replace('/', '_')}"
        folder.mkdir(exist_ok=True)
        objects = [folder / (path.stem + ".o") for path in sources]
        new = [str(path) for path, made in zip(sources, objects) if not made.exists()]
        command = [self.facts["compiler"], *FLAGS, *self.facts["cpu_flags"], "-DBOARD_EMULATED=1", *flags, "-c",
                   f"-I{self.folder}", f"-I{self.folder.parent / 'common'}", f"-I{self.source / 'kernels/cortex-m'}",
                   f"-I{self.source / 'tests/kernels/cortex-m'}", *new]
        if new:
            subprocess.run(command, check=True, cwd=folder)
        return [str(path) for path in objects]

    def build(self, name, sources, flags=()):
        image = self.scratch / f"{self.name}-{name}.elf"
        common = self.folder.parent / "common"
        shared = sorted((self.source / "kernels/cortex-m").glob("*.c"))
        shared += [common / f"board-{part}.c" for part in ("start", "host", "clock", "telemetry", "memory")]
        command = [self.facts["compiler"], *self.facts["cpu_flags"], *self.objects(shared, flags),
                   *self.objects(sources, flags), "-nostdlib", "-Wl,--gc-sections", f"-L{common}",
                   f"-T{self.folder / self.facts['linker_script']}", "-lgcc", "-o", str(image)]
        subprocess.run(command, check=True)
        return image

    def run(self, image, *words):
        emulator = self.facts["emulator"]
        arguments = "".join(f",arg={word}" for word in ("lathe", *words))
        done = subprocess.run([emulator["program"], *emulator["arguments"], "-display", "none", "-monitor", "none",
                               "-serial", "none", "-semihosting-config", f"enable=on,target=native{arguments}",
                               "-kernel", str(image)], capture_output=True, text=True, timeout=SECONDS,
                              stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout + done.stderr

    def lines(self, image, *words):
        status, text = self.run(image, *words)
        return status, [json.loads(line) for line in text.splitlines()]


def expected_sums(program):
    out = subprocess.run([program, "--sums"], check=True, capture_output=True, text=True).stdout
    return {int(index): int(value, 16) for index, value in (line.split() for line in out.splitlines())}


# ---- kernels ----

def cases_image(board, tests, name="cases", flags=()):
    return board.build(name, [tests / "mc-cases.c", tests / "board-cases.c"], flags)


def check_cases(tap, board, tests, sums):
    image = cases_image(board, tests)
    status, lines = board.lines(image)
    cases = [line for line in lines if line["kind"] == "case"]
    wrong = [c["index"] for c in cases if c["sum"] != sums[c["index"]]]
    broken = [c["index"] for c in cases if c["broken"]]
    tap.check(lines[-1].get("isa") == board.facts["isa"], f"{board.name}: kernels of {board.facts['isa']}", lines[-1])
    tap.check(len(cases) == len(sums) and not wrong, f"{board.name}: {len(sums)} checksums of plain C", f"cases {wrong}")
    tap.check(status == 0 and not broken, f"{board.name}: nothing is written around outputs", f"cases {broken}")
    for what in ("x", "weights"):
        status, lines = board.lines(image, what)
        same = {c["index"]: c["sum"] for c in by_kind(lines, "case")} == sums
        tap.check(status == 0 and same, f"{board.name}: nothing is read behind {what}", lines[-2:])


# ---- the way a board runs a network ----

def work(inputs, **header):
    data = b"".join(inputs)
    lines = {"threads": 1, "budget_s": 0, "repeats": 0, "outputs": "all", "inputs": len(inputs), "steps": 1, **header}
    text = "".join(f"{word} {value}\n" for word, value in lines.items() if value is not None)
    version = 2 if "interval" in header else 1
    return b"lathe-work %d\nkind inputs\n" % version + text.encode() + b"data %d\n" % len(data) + data


def sums_of(picture):
    """3x3 sums of a 4x4 picture whose border is 0."""
    at = lambda y, x: picture[4 * y + x] if 0 <= y < 4 and 0 <= x < 4 else 0
    return bytes(sum(at(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)) for y in range(4) for x in range(4))


def by_kind(lines, kind):
    return [line for line in lines if line["kind"] == kind]


def check_telemetry(tap, board, image, scratch):
    pictures = [bytes([1] * 16), bytes(range(16)), bytes([2, 1] * 8)]
    path = scratch / f"{board.name} work"  # the space belongs to the name
    path.write_bytes(work(pictures, repeats=9, steps=3))
    status, lines = board.lines(image, str(path))
    name = board.name

    tap.check(status == 0, f"{name}: the run succeeds", lines)
    tap.check([line["n"] for line in lines] == list(range(len(lines)))
              and all(a["t_ns"] <= b["t_ns"] for a, b in zip(lines, lines[1:])), f"{name}: lines are numbered and in time")
    hello, facts, build, end = lines[0], lines[1], lines[2], lines[-1]
    tap.check(hello["kind"] == "hello" and hello["telemetry"] == 1 and hello["isa"] == board.facts["isa"],
              f"{name}: hello", hello)
    tap.check(facts["kind"] == "board" and facts["emulated"] is True
              and all(facts[a] == board.facts[b] for a, b in
                      (("cpu", "cpu"), ("machine", "machine"), ("clock_hz", "clock_hz"), ("memory_bytes", "ram_bytes"),
                       ("flash_bytes", "flash_bytes"))), f"{name}: board.json and the program agree", facts)
    tap.check(build["kind"] == "build" and build["n_nodes"] == 2 and build["weight_bytes"] == 20, f"{name}: build", build)
    tap.check(end["kind"] == "end" and end["status"] == "complete" and end["n_lines"] == len(lines), f"{name}: end", end)

    outputs = by_kind(lines, "output")
    sums = [base64.b64decode(o["base64"]) for o in outputs if o["value"] == "sums"]
    runs = [base64.b64decode(o["base64"]) for o in outputs if o["value"] == "runs"]
    tap.check(sums == [sums_of(p) for p in pictures], f"{name}: outputs of every input", sums)
    tap.check(runs == [b"\1", b"\2", b"\3"], f"{name}: states go on within a group of steps", runs)

    clean = [p for p in by_kind(lines, "pass") if not p["traced"]]
    traced = [p for p in by_kind(lines, "pass") if p["traced"]]
    traces = by_kind(lines, "trace")
    tap.check(len(clean) == 9 and len(traced) >= 7 and len(traces) == len(traced), f"{name}: clean and traced passes",
              (len(clean), len(traced), len(traces)))
    records = traces[-1]["records"]
    tap.check([r[0] for r in records] == [0, 1]
              and all(0 <= start < work == end for _, _, start, work, end in records)
              and records[0][4] <= records[1][2] and traced[-1]["nodes_ns"] <= traced[-1]["ns"]
              and abs(sum(end - start for _, _, start, _, end in records) - traced[-1]["nodes_ns"]) <= 200,
              f"{name}: one record per node, two runs of rows summed", records)
    tap.check(max(p["ns"] for p in clean[1:]) - min(p["ns"] for p in clean[1:]) <= 200,
              f"{name}: time repeats", [p["ns"] for p in clean])
    stack = by_kind(lines, "state")[-1]
    tap.check(0 < stack["stack_used_bytes"] < stack["stack_bytes"] == board.facts["stack_bytes"],
              f"{name}: the stack's high-water mark", stack)


def check_ends(tap, board, image, scratch):
    """Why repeats end, told: the count that was asked for, a narrow interval, the budget."""
    cases = {"count": ({"repeats": 9}, lambda n: n == 9), "budget": ({"budget_s": 0}, lambda n: n == 1),
             # A thousand seconds would not be over before the watchdog is: passes are alike, 30 of them are enough.
             "interval": ({"budget_s": 1000, "interval": 0.05}, lambda n: n == 30)}
    for ended, (header, enough) in cases.items():
        path = scratch / f"{board.name}-ends"
        path.write_bytes(work([bytes([1] * 16)], outputs="none", **header))
        status, lines = board.lines(image, str(path))
        clean = [p["ns"] for p in by_kind(lines, "pass") if not p["traced"]]
        told = by_kind(lines, "repeats")
        tap.check(status == 0 and len(told) == 1 and told[0]["ended"] == ended and told[0]["n_samples"] == len(clean)
                  and enough(len(clean)), f"{board.name}: repeats end by {ended}", (told, len(clean)))
        tap.check(ended != "interval" or max(clean) - min(clean) <= 0.05 * min(clean), f"{board.name}: passes within {ended}",
                  (min(clean), max(clean)))


def check_refusals(tap, board, image, scratch):
    good = work([bytes(16)])
    bad = {
        "format": [b"lathe-work 3\n" + good[13:], good.replace(b"kind inputs", b"kind text"),
                   good.replace(b"steps 1", b"steps 3"), good.replace(b"threads 1", b"colour 1"),
                   good.replace(b"threads 1", b"threads x"), good.replace(b"threads 1", b"interval 5"), good[:40], good.replace(b"steps 1", b"steps " + b"1" * 200)],
        "range": [work([bytes(17)]), work([bytes(8), bytes(8)])],
        "io": [good[:-3]],
    }
    path = scratch / f"{board.name}-bad"
    for code, files in bad.items():
        for i, data in enumerate(files):
            path.write_bytes(data)
            status, lines = board.lines(image, str(path))
            errors = by_kind(lines, "error")
            tap.check(status == 1 and len(errors) == 1 and errors[0]["code"] == code and lines[-1]["status"] == "failed",
                      f"{board.name}: a work file that is refused ({code} {i})", lines[-3:])
    status, lines = board.lines(image, str(scratch / "no such file"))
    tap.check(status == 1 and by_kind(lines, "error")[0]["code"] == "io", f"{board.name}: no work file", lines[-2:])
    status, lines = board.lines(image, "--board")
    tap.check(status == 0 and [line["kind"] for line in lines] == ["hello", "board", "end"],
              f"{board.name}: what the board is", lines)


def check_faults(tap, board, sources, tests):
    """A layer with an instruction that is none, and one that never returns from calling itself."""
    for where, code in (("fault", "__builtin_trap ()"), ("stack", "volatile int deep = 1; layer_2 (), state += deep")):
        text = (tests / "board-network.c").read_text()
        broken = board.scratch / f"{board.name}-{where}.c"
        broken.write_text(text.replace("((int8_t *)arena)[32] = ++state;", f"{code};"))
        image = board.build(where, [*sources[1:], broken])
        path = board.scratch / "work"
        path.write_bytes(work([bytes(16)]))
        status, lines = board.lines(image, str(path))
        errors = by_kind(lines, "error")
        tap.check(status == 1 and errors and errors[0]["where"] == where and lines[-1]["status"] == "failed",
                  f"{board.name}: {where} is told", lines[-2:])


def network_image(board, tests):
    common = board.folder.parent / "common"
    sources = [tests / "board-network.c", common / "board-run.c", common / "board-work.c"]
    return sources, board.build("network", sources)


def check_link(tap, board, tests):
    """A chip that nobody emulates: the image links within its memory."""
    try:
        _, image = network_image(board, tests)
        head = image.read_bytes()[:20]
        tap.check(head[:4] == b"\x7fELF" and head[18] == 40, f"{board.name}: an image for Arm", head)
    except subprocess.CalledProcessError as error:
        tap.check(False, f"{board.name}: an image for Arm", error)


def check_network(tap, board, tests):
    sources, image = network_image(board, tests)
    check_telemetry(tap, board, image, board.scratch)
    check_ends(tap, board, image, board.scratch)
    check_refusals(tap, board, image, board.scratch)
    check_faults(tap, board, sources, tests)


# ---- instructions ----

def instructions(board, tests, name, flags):
    """Of each case, and what it is."""
    per_cycle = 1e9 / board.facts["clock_hz"] / board.facts["emulator"]["ns_per_instruction"]
    lines = board.lines(cases_image(board, tests, name, flags))[1]
    return [(line["cycles"] * per_cycle, line) for line in lines if line["kind"] == "case"]


def bench(boards, tests):
    for board in boards:
        if board.missing() or "emulator" not in board.facts:
            continue
        plain = instructions(board, tests, "plain", ["-DMC_PLAIN"])
        fast = instructions(board, tests, "cases", [])
        print(f"{board.name}: instructions of an emulator, not cycles of a chip")
        print(f"{'case':24}{'plain C':>12}{board.facts['isa']:>12}{'times':>8}{'per product':>14}")
        for (slow, line), (quick, _) in zip(plain, fast):
            each = f"{quick / line['macs']:14.2f}" if line["macs"] else ""
            print(f"{line['index']:3} {line['name']:20}{slow:12.0f}{quick:12.0f}{slow / quick:8.2f}{each}")


def main():
    source, program = Path(sys.argv[1]).resolve(), sys.argv[2]
    tests = source / "tests/kernels/cortex-m"
    with tempfile.TemporaryDirectory() as scratch:
        boards = [Board(source, path.parent, Path(scratch)) for path in sorted(source.glob("data/boards/*/board.json"))]
        if "--bench" in sys.argv:
            bench(boards, tests)
            return 0
        tap = Tap()
        sums = expected_sums(program)
        for board in boards:
            if board.missing():
                tap.skip(board.name, board.missing())
                continue
            if "emulator" not in board.facts:
                check_link(tap, board, tests)
                continue
            check_cases(tap, board, tests, sums)
            check_network(tap, board, tests)
        print(f"1..{tap.n}")
        return 1 if tap.n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
