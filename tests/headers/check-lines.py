#!/usr/bin/env python3
"""No line of C is longer than 100 columns.

    check-lines.py SOURCE-ROOT [--fix]

clang-format breaks code there, not words: comments and strings that it cannot cut show up here, each with file
and line.  Prints TAP, one line per folder.  --fix first breaks the paragraphs of comments anew; what stands in
columns there must be looked at afterwards.
"""
import re
import sys
import textwrap
from pathlib import Path

FOLDERS = ["kernels", "engine", "plots", "app", "data", "tests"]
COLUMNS = 100
COMMENT = re.compile(r"\s*(/\*|\*)")


def sources(source, folder):
    return sorted((source / folder).rglob("*.[ch]"))


def long_lines(source, folder):
    for path in sources(source, folder):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if len(line) > COLUMNS:
                yield f"{path.relative_to(source).as_posix()}:{number}: {len(line)} columns"


def paragraph_around(lines, i):
    """First and last line of the comment's paragraph; None: it is no comment of its own."""
    first = last = i
    while not lines[first].lstrip().startswith("/*"):
        if first == 0 or not COMMENT.match(lines[first - 1]):
            return None
        if lines[first - 1].strip() == "*":
            break
        first -= 1
    while not lines[last].rstrip().endswith("*/"):
        if last + 1 == len(lines) or not COMMENT.match(lines[last + 1]):
            return None
        if lines[last + 1].strip() == "*":
            break
        last += 1
    return first, last


def break_anew(lines, first, last):
    opens, closes = lines[first].lstrip().startswith("/*"), lines[last].rstrip().endswith("*/")
    margin = re.match(r"\s*", lines[first])[0]
    margin = margin if opens else margin[:-1]
    words = " ".join(re.sub(r"^\s*(/\*+|\*)\s?", "", line).strip() for line in lines[first:last + 1])
    if closes:
        words = words[:-2].strip() + "\u00a0*/"  # it does not stand alone
    wrapped = textwrap.wrap(words, COLUMNS - 3 - len(margin), break_long_words=False, break_on_hyphens=False)
    lines[first:last + 1] = [margin + ("/* " if opens and k == 0 else " * ") + line.replace("\u00a0", " ")
                             for k, line in enumerate(wrapped)]


def fix(path):
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    i = 0
    while i < len(lines):
        around = paragraph_around(lines, i) if len(lines[i]) > COLUMNS and COMMENT.match(lines[i]) else None
        if around:
            break_anew(lines, *around)
        i += 1
    if "\n".join(lines) != text:
        path.write_text("\n".join(lines), encoding="utf-8")


def main():
    source = Path(sys.argv[1]).resolve()
    failed = 0
    if "--fix" in sys.argv[2:]:
        for folder in FOLDERS:
            for path in sources(source, folder):
                fix(path)
    print(f"1..{len(FOLDERS)}")
    for number, folder in enumerate(FOLDERS, 1):
        found = list(long_lines(source, folder))
        failed += bool(found)
        print(f"{'not ok' if found else 'ok'} {number} {folder}: at most {COLUMNS} columns")
        print("".join(f"# {line}\n" for line in found), end="")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
