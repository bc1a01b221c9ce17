#!/usr/bin/env python3
"""Collect the training text of Lathe's default model from Debian packages.

Everything read here is in the public domain (README.md lists the packages and what they say of
themselves).  The packages are fetched by name with apt-get download and unpacked with dpkg-deb, so
nothing needs to be installed; Python's standard library does the rest.  Writes one plain ASCII text
file per source, paragraphs on one line each and separated by a blank line, plus heldout.txt: the last
chapters of Persuasion, which no training file contains.

    prepare_text.py OUT_DIR
"""

import gzip
import html
import pathlib
import re
import struct
import subprocess
import sys
import unicodedata
import zlib

PACKAGES = [
    "r-cran-janeaustenr",
    "sword-text-web",
    "sword-comm-mhcc",
    "sword-comm-tdavid",
    "bible-kjv-text",
    "bible-kjv",
    "dict-devil",
]
HELD_OUT_CHAPTERS = 3  # of Persuasion, from its end

PUNCTUATION = {
    "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"',
    "\u2013": "-", "\u2014": "--", "\u2026": "...", "\u00a0": " ", "\u00b6": "", "\u00e6": "ae",
    "\u0153": "oe", "\u00c6": "Ae", "\u0152": "Oe", "\u00a3": "L",
}


def unpack_packages(work):
    """Downloads PACKAGES and unpacks them; returns the root they lie under."""
    debs, root = work / "debs", work / "root"
    debs.mkdir(parents=True, exist_ok=True)
    missing = [p for p in PACKAGES if not list(debs.glob(p + "_*.deb"))]
    if missing:
        subprocess.run(["apt-get", "download", *missing], cwd=debs, check=True)
    for deb in sorted(debs.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", deb, root], check=True)
    return root


def plain(text):
    """ASCII text: typographic signs spelt out, accents dropped, other scripts removed."""
    text = "".join(PUNCTUATION.get(c, c) for c in text)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return text.replace("_", "")


def reflow(lines):
    """Joins hard-wrapped lines to paragraphs, separated by one blank line."""
    paragraphs = "\n".join(line.rstrip() for line in lines).split("\n\n")
    joined = (" ".join(p.split()) for p in paragraphs)
    return "\n\n".join(p for p in joined if p) + "\n"


def austen(root):
    """The six novels as {title: text}, out of the R data base of the package.

    The .rdb file is a row of records, each a big-endian length and a zlib stream.  Each stream is one R
    object in XDR form: a character vector (type 16) of strings (type 9: flags, length, bytes).
    """
    rest = (root / "usr/lib/R/site-library/janeaustenr/data/Rdata.rdb").read_bytes()
    novels = {}
    while rest:
        unzip = zlib.decompressobj()
        record = unzip.decompress(rest[4:])
        rest = unzip.unused_data
        at = record.index(struct.pack(">I", 16), 14) + 4
        (count,) = struct.unpack_from(">I", record, at)
        at += 4
        lines = []
        for _ in range(count):
            flags, size = struct.unpack_from(">Ii", record, at)
            if flags & 0xFF != 9:
                raise ValueError("not a string in the R data base at byte %d" % at)
            lines.append(record[at + 8:at + 8 + max(size, 0)].decode("utf-8"))
            at += 8 + max(size, 0)
        text = reflow(lines)
        novels[text.split("\n", 1)[0]] = plain(text)
    return novels


def sword(root, module, letter):
    """The text of a compressed SWORD module, Old then New Testament, without its OSIS mark-up."""
    parts = []
    for testament in ("ot", "nt"):
        base = root / "usr/share/sword/modules" / module / testament
        index = base.with_suffix("." + letter + "zs").read_bytes()
        blocks = base.with_suffix("." + letter + "zz").read_bytes()
        for offset, size, _ in struct.iter_unpack("<III", index):
            parts.append(zlib.decompress(blocks[offset:offset + size]).decode("utf-8"))
    text = "\n".join(parts)
    text = re.sub(r"<note\b.*?</note>", "", text, flags=re.S)
    text = re.sub(r"<title\b[^>]*>(.*?)</title>", r"\n\n\1\n\n", text, flags=re.S)
    text = re.sub(r"<(div|chapter|p|lb|l|lg)\b[^>]*>", "\n\n", text)
    text = html.unescape(re.sub(r"<[^>]*>", "", text))
    return plain(reflow(re.split(r"\n", text)))


def king_james(root):
    """The King James Version as the program bible prints it, one paragraph a chapter."""
    out = subprocess.run(
        [root / "usr/bin/bible", "-f", "-l100000", "-p", root / "usr/lib", "-d", "bible.data",
         "gen1:1-rev22:21"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout.decode("latin-1")
    chapters = []
    for line in out.splitlines():
        where, verse = line.split(" ", 1)
        if where.endswith(":1"):
            chapters.append([])
        chapters[-1].append(verse.strip())
    return plain("\n\n".join(" ".join(c) for c in chapters) + "\n")


def devil(root):
    """The Devil's Dictionary, after the header of the dictionary file."""
    raw = gzip.decompress((root / "usr/share/dictd/devil.dict.dz").read_bytes())
    return plain(reflow(raw.decode("utf-8", "replace").splitlines()))


def main():
    work = pathlib.Path(sys.argv[1])
    root = unpack_packages(work)
    novels = austen(root)
    persuasion = next(t for t in novels if t.lower() == "persuasion")
    chapters = [m.start() for m in re.finditer(r"^Chapter \d+$", novels[persuasion], re.M)]
    cut = chapters[-HELD_OUT_CHAPTERS]
    heldout, novels[persuasion] = novels[persuasion][cut:], novels[persuasion][:cut]
    texts = {
        "austen": "\n".join(novels.values()),
        "treasury": sword(root, "comments/zcom/tdavid", "c"),
        "henry": sword(root, "comments/zcom/mhcc", "b"),
        "web": sword(root, "texts/ztext/engWEB2015eb", "b"),
        "kjv": king_james(root),
        "devil": devil(root),
        "heldout": heldout,
    }
    for name, text in texts.items():
        (work / (name + ".txt")).write_text(text)
        print("%-9s %9d bytes" % (name, len(text)))


if __name__ == "__main__":
    main()
