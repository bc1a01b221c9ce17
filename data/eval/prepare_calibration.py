#!/usr/bin/env python3
"""Cuts the bundled calibration texts (README.md says what they are) out of their sources.

    prepare_calibration.py DEBS OUT

DEBS is a folder into which the Debian packages bible-kjv, bible-kjv-text, dict-devil, dict-jargon and r-cran-janeaustenr were
unpacked (dpkg-deb -x). Nothing here is in a text that evaluations predict: a cut chosen on the text it is judged by would look
better than it is. main() refuses to write a text that shares a line with one of those.
"""

import gzip
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE), str(HERE.parent / "default-model")]

import prepare_text  # noqa: E402
import prepare_texts  # noqa: E402

N_BYTES = 24_000
CODE = ("engine/runtime/rt-unicode.c", "engine/eng-interval.c", "engine/eng-window.c", "engine/runtime/rt-trim.c",
        "engine/runtime/rt-clock.c", "engine/eval/eng-interval.c", "plots/plot-axis.c", "tests/peers/hf_models.py")


def isaiah(root):
    """Isaiah in the King James Version, a paragraph a chapter."""
    out = subprocess.run([root / "usr/bin/bible", "-f", "-l100000", "-p", root / "usr/lib", "-d", "bible.data", "isa1:1-isa66:24"],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout.decode("latin-1")
    chapters = []
    for line in out.splitlines():
        where, verse = line.split(" ", 1)
        if where.endswith(":1"):
            chapters.append([])
        chapters[-1].append(verse.strip())
    return prepare_texts.ascii_only("\n\n".join(" ".join(c) for c in chapters) + "\n")


def jargon(root):
    """Entries from "nagware" on."""
    text = prepare_texts.jargon(root)
    return text[text.index("\n\nnagware") + 2:]


def entries(root):
    """The Devil's Dictionary from its middle on, from the beginning of a paragraph."""
    text = prepare_text.devil(root)
    return text[text.index("\n\n", len(text) // 2) + 2:]


def main():
    root, out = (pathlib.Path(a) for a in sys.argv[1:3])
    repository = HERE.parents[1]
    novels = prepare_text.austen(root)
    emma = next(text for title, text in novels.items() if title.lower() == "emma")
    texts = {
        "prose": emma[emma.index("\n\n", 20_000) + 2:],
        "scripture": isaiah(root),
        "satire": entries(root),
        "dictionary": jargon(root),
        "code": "\n\n".join((repository / name).read_text() for name in CODE if (repository / name).exists())
                .encode("ascii", "replace").decode(),
    }
    judged = {line for path in [*(HERE / "texts").glob("*.txt"), repository / "data/default-model/heldout.txt"]
              for line in path.read_text().splitlines() if len(line) > 60}
    out.mkdir(exist_ok=True)
    for name, text in texts.items():
        text = prepare_texts.cut(text, N_BYTES)
        shared = judged.intersection(text.splitlines())
        if shared:
            sys.exit(f"{name} shares a line with a text of evaluations: {shared.pop()}")
        (out / f"{name}.txt").write_text(text)


if __name__ == "__main__":
    main()
