#!/usr/bin/env python3
"""A Cortex-M4 at the end of a JTAG cable, simulated, for the real OpenOCD.

    fake-chip.py SOCKET [--chip NAME] [--dead] [--cut-after CALLS]

Listens on the Unix socket for OpenOCD's "remote_bitbang" adapter: a TAP, a JTAG debug port, a memory access port and
the debug registers behind it (Arm: ADIv5.2 and the v7-M architecture reference manual), as far as OpenOCD uses them.
The core has registers and memory but executes nothing: when it is let run, a script in this file (Program) makes the
semihosting calls that a program would make, with the breakpoint, the registers and the memory that OpenOCD looks at.

Covered by it: connecting, reading the chip's id, loading into RAM, verifying, starting, semihosting, the end, a cut cable.
Not covered: USB adapters, SWD, writing flash, a processor that executes.
"""
import argparse
import os
import socket
import struct

RAM, RAM_BYTES = 0x20000000, 0x20000
BREAKPOINT, BLOCK, BUFFER = RAM + 0x10000, RAM + 0x10010, RAM + 0x10100

CHIPS = {
    # name: {address: word} of the registers that identify it
    "stm32f407": {0xE0042000: 0x10076413, 0x1FFF7A20: 0x04000000},
    "nrf52840": {0x10000100: 0x00052840, 0x1000010C: 256, 0x10000110: 1024},
    "nameless": {},
}


class Program:
    """What the program on the chip asks for: opens the work file that its command line names, says how it was loaded
    and what the file holds, and exits."""

    def __init__(self, chip):
        self.chip = chip

    def text(self, at, text):
        self.chip.put_bytes(at, text.encode() + b"\0")

    def call(self, operation, *words):
        for i, w in enumerate(words):
            self.chip.put(BLOCK + 4 * i, w)
        return operation, BLOCK

    def say(self, out, line):
        data = line.encode()
        self.chip.put_bytes(BUFFER, data)
        return self.call(0x05, out, BUFFER, len(data))

    def run(self):
        sp, pc, vtor = self.chip.regs[13], self.chip.regs[15], self.chip.words.get(0xE000ED08, 0)
        loaded = self.chip.get_bytes(RAM, 16).hex()
        self.text(BUFFER, ":tt")
        out = yield self.call(0x01, BUFFER, 4, 3)
        yield self.say(out, f"loaded {loaded}, sp {sp:08x}, pc {pc:08x}, vector table {vtor:08x}\n")
        yield self.call(0x15, BUFFER, 200)
        line = self.chip.get_bytes(BUFFER, 200).split(b"\0")[0].decode()
        yield self.say(out, f"command line {line}\n")
        self.text(BUFFER, line.split(" ", 1)[1])
        work = yield self.call(0x01, BUFFER, 1, len(line.split(" ", 1)[1]))
        left = yield self.call(0x06, work, BUFFER, 100)
        data = self.chip.get_bytes(BUFFER, 100 - left).decode()
        yield self.say(out, f"work {data}\n")
        yield self.call(0x20, *((0x20026, 3) if data == "fail" else (0x20026, 0)))


class Chip:
    def __init__(self, known):
        self.ram = bytearray(RAM_BYTES)
        self.words = {0xE000ED00: 0x410FC241, 0xE000ED6C: 0x01111131, 0xE000EDFC: 0, 0xE000ED30: 0,
                      0xE0002000: 0x260, 0xE0001000: 0x40000000, 0xE000ED0C: 0xFA050000, **known}
        self.zeros = set(range(0xE000E000, 0xE000F000, 4)) | set(range(0xE0001000, 0xE0003000, 4))
        self.regs = {i: 0 for i in range(128)}
        self.debugen, self.halted, self.was_reset, self.selected = 0, False, True, 0
        self.program, self.calls = None, 0

    # ---- memory ----

    def get_bytes(self, at, n):
        return bytes(self.ram[at - RAM:at - RAM + n])

    def put_bytes(self, at, data):
        self.ram[at - RAM:at - RAM + len(data)] = data

    def get(self, at):
        """A word, or None: a bus error."""
        at &= ~3
        if RAM <= at < RAM + RAM_BYTES:
            return struct.unpack_from("<I", self.ram, at - RAM)[0]
        if at == 0xE000EDF0:
            value = self.debugen | 1 << 16 | self.halted << 17 | self.was_reset << 25 | (not self.halted) << 24
            self.was_reset = False
            return value | (self.halted << 1)
        if at in self.words:
            return self.words[at]
        return 0 if at in self.zeros else None

    def put(self, at, value):
        if RAM <= at < RAM + RAM_BYTES:
            struct.pack_into("<I", self.ram, (at & ~3) - RAM, value)
        elif at == 0xE000EDF0:
            if value >> 16 == 0xA05F:
                self.control(value)
        elif at == 0xE000EDF4:
            if value >> 16 & 1:
                self.regs[value & 127] = self.words.get(0xE000EDF8, 0)
            else:
                self.words[0xE000EDF8] = self.regs[value & 127]
        elif at == 0xE000ED0C:
            if value & 4:
                self.reset()
        elif at == 0xE000ED30:
            self.words[at] &= ~value
        elif at in self.words or at in self.zeros:
            self.words[at] = value
        else:
            return False
        return True

    # ---- debug ----

    def stop(self, reason):
        self.halted = True
        self.words[0xE000ED30] |= reason

    def reset(self):
        self.was_reset, self.program, self.halted = True, None, False
        self.words[0xE000ED08] = 0
        self.regs[16] = 0x01000000
        if self.words[0xE000EDFC] & 1 and self.debugen:
            self.stop(8)

    def control(self, value):
        self.debugen = value & 1
        if value & 2 and not self.halted:
            self.stop(1)
        elif not value & 2 and self.halted:
            self.halted = False
            if not value & 4:
                self.go_on()

    def go_on(self):
        """The next semihosting call."""
        try:
            if self.program is None:
                self.program = Program(self).run()
                operation, block = next(self.program)
            else:
                operation, block = self.program.send(self.regs[0])
        except StopIteration:
            return
        self.calls += 1
        self.put_bytes(BREAKPOINT, struct.pack("<H", 0xBEAB))
        self.regs[0], self.regs[1], self.regs[15] = operation, block, BREAKPOINT
        self.stop(2)


class Port:
    """JTAG-DP with one AHB access port."""

    def __init__(self, chip):
        self.chip = chip
        self.result, self.status, self.select, self.csw, self.tar = 0, 0, 0, 0x23000040, 0

    def access(self, is_ap, request):
        is_read, at, data = request & 1, request >> 1 & 3, request >> 3
        value = self.ap(is_read, at << 2 | self.select & 0xF0, data) if is_ap else self.dp(is_read, at << 2, data)
        if is_read:
            self.result = value

    def dp(self, is_read, at, data):
        if at == 0x4 and is_read:
            return self.status | (self.status & 0x50000000) << 1
        if at == 0x4:
            self.status = data & 0x50000F00 | self.status & 0x20 & ~data
        elif at == 0x8 and not is_read:
            self.select = data
        elif at == 0xC and is_read:
            return self.result
        return 0

    def ap(self, is_read, at, data):
        if self.select >> 24 != 0 or self.status & 0x20:
            return 0
        if at in (0xFC, 0xF8, 0xF4):
            return {0xFC: 0x24770011, 0xF8: 0xE00FF003, 0xF4: 0}[at]
        if at == 0x00:
            if not is_read:
                self.csw = data & ~0x20 | 0x40  # no packed transfers
            return self.csw
        if at == 0x04:
            if not is_read:
                self.tar = data
            return self.tar
        if at == 0x0C:
            address = self.tar
            if self.csw & 0x10:
                self.tar = self.tar & ~0x3FF | self.tar + (1 << (self.csw & 7)) & 0x3FF
        elif 0x10 <= at <= 0x1C:
            address = self.tar & ~15 | at & 15
        else:
            return 0
        return self.memory(is_read, address, data)

    def memory(self, is_read, address, data):
        n = 1 << (self.csw & 7)
        word = self.chip.get(address) if is_read or n < 4 else 0
        if word is None:
            self.status |= 0x20
            return 0
        if is_read:
            return word
        if n < 4:
            lane = 8 * (address & 3)
            mask = ((1 << 8 * n) - 1) << lane
            data = word & ~mask | data & mask
        if not self.chip.put(address, data):
            self.status |= 0x20
        return 0


# The TAP's states: next state for TMS 0 and 1 (IEEE 1149.1).
STATES = {"reset": ("idle", "reset"), "idle": ("idle", "dr"), "dr": ("dr-capture", "ir"),
          "dr-capture": ("dr-shift", "dr-exit1"), "dr-shift": ("dr-shift", "dr-exit1"),
          "dr-exit1": ("dr-pause", "dr-update"), "dr-pause": ("dr-pause", "dr-exit2"),
          "dr-exit2": ("dr-shift", "dr-update"), "dr-update": ("idle", "dr"), "ir": ("ir-capture", "reset"),
          "ir-capture": ("ir-shift", "ir-exit1"), "ir-shift": ("ir-shift", "ir-exit1"),
          "ir-exit1": ("ir-pause", "ir-update"), "ir-pause": ("ir-pause", "ir-exit2"),
          "ir-exit2": ("ir-shift", "ir-update"), "ir-update": ("idle", "dr")}
IR_ABORT, IR_DPACC, IR_APACC, IR_IDCODE = 8, 10, 11, 14


class Tap:
    def __init__(self, port):
        self.port, self.state, self.ir, self.shift, self.n, self.clock = port, "reset", IR_IDCODE, 0, 1, 1

    def tdo(self):
        return self.shift & 1

    def edge(self, clock, tms, tdi):
        if clock == self.clock:
            return
        self.clock = clock
        if not clock:
            return
        if self.state.endswith("-shift"):
            self.shift = self.shift >> 1 | tdi << (self.n - 1)
        self.state = STATES[self.state][tms]
        getattr(self, "on_" + self.state.replace("-", "_"), lambda: None)()

    def on_reset(self):
        self.ir = IR_IDCODE

    def on_ir_capture(self):
        self.shift, self.n = 1, 4

    def on_ir_update(self):
        self.ir = self.shift

    def on_dr_capture(self):
        if self.ir == IR_IDCODE:
            self.shift, self.n = 0x4BA00477, 32
        elif self.ir in (IR_DPACC, IR_APACC, IR_ABORT):
            self.shift, self.n = self.port.result << 3 | 2, 35
        else:
            self.shift, self.n = 0, 1

    def on_dr_update(self):
        if self.ir in (IR_DPACC, IR_APACC):
            self.port.access(self.ir == IR_APACC, self.shift)


def serve(peer, options):
    chip = Chip(CHIPS[options.chip])
    tap = Tap(Port(chip))
    while data := peer.recv(65536):
        answer = bytearray()
        for c in data:
            if 0x30 <= c <= 0x37:
                tap.edge(c >> 2 & 1, c >> 1 & 1, c & 1)
            elif c == 0x52:  # R
                answer.append(0x31 if options.dead or tap.tdo() else 0x30)
            elif c == 0x51:  # Q
                return
        if options.cut_after and chip.calls >= options.cut_after:
            return
        if answer:
            peer.sendall(answer)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("socket")
    parser.add_argument("--chip", choices=CHIPS, default="stm32f407")
    parser.add_argument("--dead", action="store_true", help="nothing is connected: the line stays high")
    parser.add_argument("--cut-after", type=int, default=0, help="the cable is pulled at the Nth semihosting call")
    options = parser.parse_args()
    with socket.socket(socket.AF_UNIX) as listener:
        if os.path.exists(options.socket):
            os.unlink(options.socket)
        listener.bind(options.socket)
        listener.listen(4)
        listener.settimeout(1)
        parent = os.getppid()
        print("ready", flush=True)
        while os.getppid() == parent:  # who started it may be gone
            try:
                peer, _ = listener.accept()
            except TimeoutError:
                continue
            with peer:
                peer.setblocking(True)
                serve(peer, options)


if __name__ == "__main__":
    main()
