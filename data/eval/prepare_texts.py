#!/usr/bin/env python3
"""Cuts the bundled evaluation texts (README.md says what they are) out of their sources.

    prepare_texts.py DEBS DRAMA OUT

DEBS is a folder into which the Debian packages bible-kjv, bible-kjv-text and dict-jargon were unpacked (dpkg-deb -x); DRAMA a plain text of Shakespeare's plays with the speakers' names on lines of their own.
"""

import gzip
import pathlib
import re
import subprocess
import sys

SCRIPTURE_BYTES, DRAMA_BYTES, JARGON_BYTES, CODE_BYTES = 40_000, 40_000, 40_000, 40_000
CRUDE = re.compile(r"\b(fuck|shit|piss|ass|asshole|cunt|bitch|crap|whore|sex)\w*", re.I)
CODE = ("engine/eng-histogram.c", "engine/runtime/rt-gguf-value.c", "engine/eng-blocks.c", "data/default-model/gguf_writer.py",
        "tests/peers/gguf_numpy.py")


def cut(text, n_bytes):
    """The beginning of @text, at most n_bytes, to the end of a paragraph."""
    if len(text) <= n_bytes:
        return text
    return text[:text.rindex("\n\n", 0, n_bytes)] + "\n"


def ascii_only(text):
    signs = {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "--", "\u00b7": "-"}
    return "".join(signs.get(c, c) for c in text).encode("ascii", "ignore").decode()


def jargon(root):
    """Entries from "b" on, hard lines joined, without those that would embarrass a class."""
    raw = gzip.decompress((root / "usr/share/dictd/jargon.dict.dz").read_bytes()).decode("utf-8", "replace")
    raw = raw[raw.index("\nback door\n"):]
    entries = re.split(r"\n(?=\S)", raw)
    kept = []
    for entry in entries:
        if CRUDE.search(entry) or "::=" in entry or len(entry) < 80:
            continue
        paragraphs = re.split(r"\n\s*\n", entry.strip())
        kept.append("\n\n".join(" ".join(line.strip() for line in p.splitlines()) for p in paragraphs))
    return ascii_only("\n\n".join(kept)).replace("{", "").replace("}", "")


def scripture(root):
    """Luke from chapter 10 in the King James Version as the program bible prints it, a paragraph a chapter."""
    out = subprocess.run([root / "usr/bin/bible", "-f", "-l100000", "-p", root / "usr/lib", "-d", "bible.data", "luke10:1-luke24:53"],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout.decode("latin-1")
    chapters = []
    for line in out.splitlines():
        where, verse = line.split(" ", 1)
        if where.endswith(":1"):
            chapters.append([])
        chapters[-1].append(verse.strip())
    return ascii_only("\n\n".join(" ".join(c) for c in chapters) + "\n")


def main():
    root, drama, out = (pathlib.Path(a) for a in sys.argv[1:4])
    repository = pathlib.Path(__file__).resolve().parents[2]
    play = drama.read_text()
    play = play[play.index("PROSPERO:") :] if "PROSPERO:" in play else play
    (out / "dictionary.txt").write_text(cut(jargon(root), JARGON_BYTES))
    (out / "scripture.txt").write_text(cut(scripture(root), SCRIPTURE_BYTES))
    (out / "drama.txt").write_text(cut(play, DRAMA_BYTES))
    (out / "code.txt").write_text(cut("\n\n".join((repository / name).read_text() for name in CODE), CODE_BYTES)
                                  .encode("ascii", "replace").decode())


if __name__ == "__main__":
    main()
