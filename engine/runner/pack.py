#!/usr/bin/env python3
"""Make what travels to a board of the runner as it was linked: without symbols, and of x86-64 packed.

    pack.py strip STRIP IN OUT             the program without symbols
    pack.py payload STRIP IN HEADER BYTES  the same deflated, and a header that brings it into rn-unpack.c
    pack.py install IN PATH                a copy of it at PATH, below $DESTDIR: what `meson install` runs
"""
import os
import subprocess
import sys
import tempfile
import zlib


def stripped(strip, program):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "program")
        subprocess.run([strip, "-o", path, program], check=True)
        with open(path, "rb") as file:
            return file.read()


def write(path, data, mode=0o644):
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)


def main():
    if sys.argv[1] == "install":
        place = os.environ.get("DESTDIR", "") + sys.argv[3]
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(sys.argv[2], "rb") as file:
            write(place, file.read(), 0o755)
        return
    what, strip, program = sys.argv[1:4]
    data = stripped(strip, program)
    if what == "strip":
        write(sys.argv[4], data, 0o755)
        return
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    packed = packer.compress(data) + packer.flush()
    header, payload = sys.argv[4:6]
    write(payload, packed)
    write(header, f"""/* Made by pack.py. */
#pragma once
#include <stdint.h>
#define RN_PAYLOAD_RAW_BYTES {len(data)}
#define RN_PAYLOAD_CRC 0x{zlib.crc32(data):08x}u
extern const uint8_t rn_payload[], rn_payload_end[];
__asm__ (".section .rodata\\nrn_payload:\\n.incbin \\"{os.path.abspath(payload)}\\"\\nrn_payload_end:\\n.text\\n");
""".encode())


main()
