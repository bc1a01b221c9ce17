#!/usr/bin/env python3
"""Every header compiles alone, with the include paths that its folder is allowed and no others.

    check-headers.py SOURCE-ROOT BUILD-ROOT COMPILER...

So a header that leans on what its users happen to include fails here, and one that reaches into a
folder which it must not see (design, section 3) cannot find it.  Headers are found by looking, nobody
registers them.  Not so kernels/*-body.h: those are code written once for several instruction sets, and each
file that includes one first defines what it is made of.  Prints TAP, one line per header, and one per folder for includes that climb out of it.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

GLIB = ["gio-2.0", "gio-unix-2.0"]
GTK = ["gtk4"]

# Folder -> (folders it may include from, itself among them; pkg-config packages).
FOLDERS = {
    "kernels": (["kernels"], []),
    "engine/runtime": (["engine/runtime", "kernels"], []),
    "engine/runner": (["engine/runner", "engine/runtime", "kernels"], []),
    "engine/agent": (["engine/agent"], GLIB + ["json-glib-1.0", "libsoup-3.0", "gnutls", "hogweed"]),
    "engine": (["engine", "engine/import", "engine/devices", "engine/agent", "engine/runtime", "kernels",
                "kernels/cortex-m"],
               GLIB + ["json-glib-1.0", "sqlite3", "libprotobuf-c", "libssh", "libsoup-3.0"]),
    "plots": (["plots"], GTK),
    "app": (["app", "app/cli", "engine", "engine/devices", "engine/runtime", "kernels", "plots"],
            GTK + ["libadwaita-1", "json-glib-1.0", "sqlite3"]),
}

# Sub-folders of kernels that need an instruction set: the compiler's flags, and another compiler where
# this machine is of another kind.
X86 = ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx512vnni", "-mavx2", "-mfma", "-mf16c"]
ARM = ["-march=armv8.2-a+dotprod"]
MACHINES = {"kernels/x86": ("x86_64", X86), "kernels/arm": ("aarch64", ARM)}

WARNINGS = ["-Wall", "-Wextra", "-Wstrict-prototypes", "-Wundef", "-Wno-unused-parameter",
            "-Wno-missing-field-initializers", "-Werror"]


def folder_of(path):
    """The longest folder name that contains the header."""
    return max((f for f in FOLDERS if path.startswith(f + "/")), key=len, default=None)


def package_flags(packages):
    known = [p for p in packages if subprocess.run(["pkg-config", "--exists", p]).returncode == 0]
    if not known:
        return []
    out = subprocess.run(["pkg-config", "--cflags", *known], capture_output=True, text=True, check=True)
    # System headers are not what is tested.
    return ["-isystem" + f[2:] if f.startswith("-I") else f for f in out.stdout.split()]


def machine_of(command):
    out = subprocess.run([*command, "-dumpmachine"], capture_output=True, text=True)
    return out.stdout.split("-")[0]


class Checker:
    def __init__(self, source, build, compiler):
        self.source, self.build, self.compiler = source, build, compiler
        self.machine = machine_of(compiler)
        self.packages = {folder: package_flags(p) for folder, (_, p) in FOLDERS.items()}

    def command(self, header):
        """The compiler for @header, or the reason why there is none."""
        for place, (machine, flags) in MACHINES.items():
            if header.startswith(place + "/"):
                cross = f"{machine}-linux-gnu-gcc"
                if machine == self.machine:
                    return [*self.compiler, *flags], None
                if shutil.which(cross):
                    return [cross, *flags], None
                return None, f"{cross} is not installed"
        return self.compiler, None

    def check(self, header):
        """None when it compiles, otherwise (skipped, why)."""
        command, reason = self.command(header)
        if reason:
            return True, reason
        folder = folder_of(header)
        allowed, _ = FOLDERS[folder]
        paths = [f"-I{root / f}" for f in allowed for root in (self.source, self.build)]
        # From a file elsewhere, twice: it must also bear that.
        text = f'#include "{self.source / header}"\n' * 2 + "extern int not_empty;\n"
        with tempfile.TemporaryDirectory() as aside:
            done = subprocess.run(
                [*command, "-std=gnu17", "-D_GNU_SOURCE", "-fsyntax-only", *WARNINGS, *paths,
                 *self.packages[folder], "-x", "c", "-"],
                input=text, capture_output=True, text=True, cwd=aside)
        return None if done.returncode == 0 else (False, done.stderr.strip())


def climbing_includes(source, folder):
    """Includes by a relative path that leaves the folder: they would get round the include paths."""
    found = []
    for path in sorted((source / folder).rglob("*.[ch]")):
        here = path.relative_to(source).as_posix()
        if folder_of(here) != folder:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"(\.\./[^"]*|/[^"]*)"', line)
            if match:
                target = os.path.normpath(path.parent / match[1])
                if folder_of(os.path.relpath(target, source)) != folder:
                    found.append(f"{here}:{number}: {match[1]}")
    return found


def comment(text):
    return "".join(f"# {line}\n" for line in text.splitlines()[:30])


def main():
    source, build = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    checker = Checker(source, build, sys.argv[3:])
    headers = sorted(p.relative_to(source).as_posix() for f in FOLDERS for p in (source / f).rglob("*.h")
                     if folder_of(p.relative_to(source).as_posix()) == f
                     and not (f == "kernels" and p.name.endswith("-body.h")))
    print(f"1..{len(headers) + len(FOLDERS)}")
    number = failed = 0
    with ThreadPoolExecutor(max_workers=2) as pool:
        for header, result in zip(headers, pool.map(checker.check, headers)):
            number += 1
            if result is None:
                print(f"ok {number} {header}")
            elif result[0]:
                print(f"ok {number} {header} # SKIP {result[1]}")
            else:
                failed += 1
                print(f"not ok {number} {header}\n{comment(result[1])}", end="")
            sys.stdout.flush()
    for folder in FOLDERS:
        number += 1
        found = climbing_includes(source, folder)
        failed += bool(found)
        print(f"{'not ok' if found else 'ok'} {number} no include leaves {folder}")
        print(comment("\n".join(found)), end="")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
