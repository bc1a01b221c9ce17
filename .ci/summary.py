#!/usr/bin/env python3
"""Add up meson's test logs (testlog.json) and print the closing line: N passed, N failed, N skipped.

Every sub-test of a TAP program counts. A program that crashed, hung or ended with an error without
naming a sub-test counts as one failure. Skips are listed with their reasons; failures come last, each
with the lines of its output that say why.
"""

import json
import pathlib
import re
import sys

TAP = re.compile(r"^(not ok|ok)\b *\d* *(?:- *)?(.*)$")
SKIP = re.compile(r"#\s*skip\b:?\s*(.*)$", re.IGNORECASE)
TELLING = re.compile(r"^not ok|^Bail out|\bERROR\b|Error:|assert|Sanitizer|runtime error|exited with|^ +#[0-4] ")
N_LINES = 8  # of a failed program's output


def outcomes(program):
    """The (name, verdict, reason) of every sub-test; the program itself where it names none."""
    found = []
    for line in (program.get("stdout") or "").splitlines():
        match = TAP.match(line)
        if match:
            skip = SKIP.search(match[2])
            name = SKIP.sub("", match[2]).strip()
            verdict = "failed" if match[1] == "not ok" else "skipped" if skip else "passed"
            found.append((name, verdict, skip[1] if skip else ""))
    result = program["result"]
    if result in ("FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS"):
        if not any(verdict == "failed" for _, verdict, _ in found):
            last = f" after {found[-1][0]}" if found else ""
            found.append(("", "failed", f"{result.lower()}{last}, status {program.get('returncode')}"))
    elif not found:
        found.append(("", "skipped" if result == "SKIP" else "passed", ""))
    return found


def why(program):
    """The lines of a failed program's output that tell most, printable."""
    text = f"{program.get('stdout') or ''}\n{program.get('stderr') or ''}"
    lines = [re.sub(r"[^\x20-\x7e\u00a0-\uffff]", "?", line)[:200] for line in text.splitlines() if line.strip()]
    telling, after = [], False  # TAP says why in comments behind "not ok"
    for line in lines:
        after = line.startswith("not ok") or after and line.startswith("#")
        if after or TELLING.search(line):
            telling.append(line)
    return (telling or lines)[-N_LINES:]


count = {"passed": 0, "failed": 0, "skipped": 0}
skips, failures = set(), []
for path in map(pathlib.Path, sys.argv[1:]):
    where = path.parent.parent.name
    try:
        programs = [json.loads(line) for line in path.read_text(errors="replace").splitlines()]
    except (OSError, ValueError) as error:
        count["failed"] += 1
        failures.append([f"FAILED: {where}: its test log cannot be read: {error}"])
        continue
    for program in programs:
        details = None
        for name, verdict, reason in outcomes(program):
            count[verdict] += 1
            label = f"{program['name']} {name}".strip()
            if verdict == "skipped":
                skips.add(f"skipped: {label} {reason}".rstrip())
            elif verdict == "failed":
                details = details or why(program)
                failures.append([f"FAILED: {where}: {label} {reason}".rstrip()])
        if details:
            failures[-1].extend(f"    {line}" for line in details)

for line in sorted(skips):
    print(line)
for failure in failures:
    print("\n".join(failure))
print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
sys.exit(1 if count["failed"] or not count["passed"] else 0)
