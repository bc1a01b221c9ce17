"""TFLite files for the fuzz targets' corpus: small sound ones, and hostile ones.

A FlatBuffers writer that goes front to back: every offset leads forward, so a table is written with room for its fields and
what they point to follows.
"""
import struct


class Flat:
    def __init__(self):
        self.data = bytearray(8)
        self.data[4:8] = b"TFL3"

    def put(self, raw, align=4):
        self.data += bytes(-len(self.data) % align)
        place = len(self.data)
        self.data += raw
        return place

    def table(self, fields):
        """fields: {slot: value}; bytes are inline, others are offsets to what value(self) writes."""
        n = max(fields, default=-1) + 1
        inline, offsets = b"", [0] * n
        for slot, value in fields.items():
            offsets[slot] = 4 + len(inline)
            inline += value if isinstance(value, bytes) else bytes(4)
            inline += bytes(-len(inline) % 4)
        vtable = self.put(struct.pack("<%dH" % (2 + n), 4 + 2 * n, 4 + len(inline), *offsets))
        place = self.put(b"")
        self.data += struct.pack("<i", place - vtable) + inline
        for slot, value in fields.items():
            if not isinstance(value, bytes):
                self.point(place + offsets[slot], value(self))
        return place

    def point(self, place, target):
        self.data[place:place + 4] = struct.pack("<I", target - place)

    def vector(self, fmt, values, count=None):
        raw = b"".join(struct.pack("<" + fmt, v) for v in values)
        return self.put(struct.pack("<I", len(values) if count is None else count) + raw)

    def tables(self, makers):
        place = self.put(struct.pack("<I", len(makers)) + bytes(4 * len(makers)))
        for i, make in enumerate(makers):
            self.point(place + 4 + 4 * i, make(self))
        return place


def i8(value):
    return struct.pack("<b", value)


def i32(value):
    return struct.pack("<i", value)


def u32(value):
    return struct.pack("<I", value)


def f32(value):
    return struct.pack("<f", value)


def numbers(values, fmt="i", count=None):
    return lambda f: f.vector(fmt, values, count)


def text(value):
    raw = value if isinstance(value, bytes) else value.encode()
    return lambda f: f.vector("B", raw)


def table(fields):
    return lambda f: f.table(fields)


def tables(makers):
    return lambda f: f.tables(makers)


def quantization(scales, zeros, axis=0):
    return table({2: numbers(scales, "f"), 3: numbers(zeros, "q"), 6: i32(axis)})


def tensor(name, dims, kind=0, buffer=0, quant=None, **more):
    fields = {0: numbers(dims), 1: i8(kind), 2: u32(buffer), 3: text(name)}
    if quant:
        fields[4] = quant
    for slot, value in more.items():
        fields[int(slot[1:])] = value
    return table(fields)


def op(code, inputs, outputs, kind=0, options=None, custom=None):
    fields = {0: u32(code), 1: numbers(inputs), 2: numbers(outputs)}
    if options is not None:
        fields |= {3: i8(kind), 4: table(options)}
    if custom is not None:
        fields[5] = text(custom)
    return table(fields)


def subgraph(tensors, ops, inputs, outputs):
    return table({0: tables(tensors), 1: numbers(inputs), 2: numbers(outputs), 3: tables(ops), 4: text("main")})


def code(number, custom=None):
    fields = {0: i8(min(number, 127)), 3: i32(number)}
    if custom is not None:
        fields[1] = text(custom)
    return table(fields)


def model(graphs, codes=(), buffers=(), version=3, **more):
    flat = Flat()
    fields = {0: u32(version), 1: tables(list(codes)), 2: tables(graphs), 3: text("corpus"),
              4: tables([table({})] + [table({0: text(raw)}) for raw in buffers])}
    for slot, value in more.items():
        fields[int(slot[1:])] = value
    flat.point(0, flat.table(fields))
    return bytes(flat.data)


def floats(*values):
    return b"".join(f32(v) for v in values)


def flex(**options):
    """A FlexBuffer map of numbers from -128 to 127, one byte each."""
    data, places = b"", []
    for key in sorted(options):
        places.append(len(data))
        data += key.encode() + b"\0"
    data += bytes([len(options)])
    keys = len(data)
    for place in places:
        data += bytes([len(data) - place])
    data += bytes([len(data) - keys, 1, len(options)])
    values = len(data)
    data += b"".join(i8(options[key]) for key in sorted(options)) + bytes([4] * len(options))  # 4: an integer of one byte
    return data + bytes([len(data) - values, 9 << 2, 1])  # a map


def sound(name, tensors, inputs, outputs, buffers=(), **options):
    """A network of one operator of the signal library; its first tensor is the network's input."""
    return model([subgraph(tensors, [op(0, inputs, outputs, custom=flex(**options))], [0], outputs)], [code(32, name)], list(buffers))


def sound_models():
    i16 = 7
    window = [tensor("x", [1, 2], i16), tensor("w", [2], i16, 1), tensor("y", [1, 2], i16)]
    bank = [tensor("x", [4], 15), tensor("w", [3], i16, 1), tensor("u", [3], i16, 1), tensor("f", [2], i16, 2), tensor("s", [2], i16, 3),
            tensor("n", [2], i16, 4), tensor("y", [1], 12)]
    lists = [struct.pack("<3h", 1, 2, 3), struct.pack("<2h", 0, 2), struct.pack("<2h", 0, 1), struct.pack("<2h", 1, 2)]
    table_of_gains = [tensor("x", [2], 15), tensor("noise", [2], 15), tensor("gain", [3], i16, 1), tensor("y", [2], 15)]
    return {
        "any-sound-window": sound("SignalWindow", window, [0, 1], [2], [struct.pack("<2h", 4096, 1)], shift=12),
        "any-sound-no-options": sound("SignalWindow", window, [0, 1], [2], [struct.pack("<2h", 4096, 1)]),
        "any-sound-shift": sound("SignalWindow", window, [0, 1], [2], [struct.pack("<2h", 4096, 1)], shift=-1),
        "any-sound-rfft": sound("SignalRfft", [tensor("x", [3], i16), tensor("y", [6], i16)], [0], [1], fft_length=4),
        "any-sound-rfft-odd": sound("SignalRfft", [tensor("x", [3], i16), tensor("y", [5], i16)], [0], [1], fft_length=3),
        "any-sound-energy": sound("SignalEnergy", [tensor("x", [6], i16), tensor("y", [3], 15)], [0], [1], start_index=2, end_index=9),
        "any-sound-bank": sound("SignalFilterBank", bank, [0, 1, 2, 3, 4, 5], [6], lists, num_channels=1),
        "any-sound-bank-wild": sound("SignalFilterBank", bank, [0, 1, 2, 3, 4, 5], [6], lists[:3] + [struct.pack("<2h", 1, 32767)], num_channels=1),
        "any-sound-bank-before": sound("SignalFilterBank", bank, [0, 1, 2, 3, 4, 5], [6], lists[:1] + [struct.pack("<2h", -1, 2)] + lists[2:], num_channels=1),
        "any-sound-gain-short": sound("SignalPCAN", table_of_gains, [0, 0, 2], [3], [bytes(6)], snr_shift=6),
    }


def lstm_model(is_variable=True, hidden=1):
    """An LSTM in integers, one step of one number."""
    scale = quantization([0.5], [0])
    tensors = [tensor("x", [1, 1, 1], 9, 0, scale), tensor("w", [1, hidden], 9, 1, scale), tensor("b", [1], 2, 2, scale),
               tensor("h", [1, 1], 9, 0, scale, _5=i8(is_variable)), tensor("c", [1, 1], 7, 0, quantization([1 / 4096], [0]), _5=i8(is_variable)),
               tensor("y", [1, 1, 1], 9, 0, scale)]
    inputs = [0] + [1] * 8 + [-1] * 3 + [2] * 4 + [-1, -1, 3, 4]
    return model([subgraph(tensors, [op(0, inputs, [5], 71, {0: i8(4)})], [0], [5])], [code(44)], [bytes(hidden), i32(7)])


def sparse(dims, order=(0, 1), blocks=(), segments=(0, 1, 2), indices=(0, 2)):
    dense = table({0: i8(0), 1: i32(dims[0])})
    rows = table({0: i8(1), 2: i8(3), 3: table({0: numbers(segments, "B")}),
                  4: i8(3), 5: table({0: numbers(indices, "B")})})
    return table({0: numbers(order), 1: numbers(blocks), 2: tables([dense, rows])})


ADD, CONV, RELU, RESHAPE, CUSTOM, DENSIFY, CALL_ONCE, VAR, READ, ASSIGN = 0, 3, 19, 22, 32, 124, 129, 142, 143, 144


def small(**changes):
    """y = relu (x + c)"""
    part = {"tensors": [tensor("x", [1, 2]), tensor("c", [1, 2], buffer=1), tensor("s", [1, 2]), tensor("y", [1, 2])],
            "ops": [op(0, [0, 1], [2], 11, {0: i8(1)}), op(1, [2], [3])], "inputs": [0], "outputs": [3]} | changes
    return subgraph(part["tensors"], part["ops"], part["inputs"], part["outputs"])


def conv(options, x=(1, 5, 5, 2), w=(3, 3, 3, 2), y=(1, 3, 3, 3), buffer=bytes(4 * 54)):
    graph = subgraph([tensor("x", x), tensor("w", w, buffer=1), tensor("b", [3], buffer=2), tensor("y", y)],
                     [op(0, [0, 1, 2], [3], 1, options)], [0], [3])
    return model([graph], [code(CONV)], [buffer, bytes(12)])


def quantized(scales=(0.5,), zeros=(3,), axis=0):
    q = quantization(scales, zeros, axis)
    graph = subgraph([tensor("x", [1, 2], 9, 0, q), tensor("c", [1, 2], 9, 1, q), tensor("y", [1, 2], 9, 0, q)],
                     [op(0, [0, 1], [2], 11, {})], [0], [2])
    return model([graph], [code(ADD)], [b"\1\2"])


def variables(container="a", init=1):
    states = [tensor("h", [], 13), tensor("v", [1, 2], buffer=1)]
    main = subgraph([tensor("x", [1, 2]), tensor("h", [], 13), tensor("r", [1, 2]), tensor("y", [1, 2])],
                    [op(3, [], [], 103, {0: i32(init)}), op(0, [], [1], 111, {1: text(container)}), op(1, [1], [2]),
                     op(4, [2, 0], [3], 11, {}), op(2, [1, 3], [])], [0], [3])
    begin = subgraph(states, [op(0, [], [0], 111, {1: text("a")}), op(2, [0, 1], [])], [], [])
    return model([main, begin], [code(VAR), code(READ), code(ASSIGN), code(CALL_ONCE), code(ADD)], [floats(1, 2)])


def corpus():
    codes, buffers = [code(ADD), code(RELU)], [floats(1, 2)]
    good = model([small()], codes, buffers)
    valid = {0: i8(1), 1: i32(1), 2: i32(1), 3: i8(1), 4: i32(1), 5: i32(1)}
    dense = [tensor("w", [2, 3], 0, 1, s6=sparse([2, 3])), tensor("d", [2, 3]), tensor("x", [2, 3]), tensor("y", [2, 3])]
    densify = [op(0, [0], [1]), op(1, [1, 2], [3], 11, {})]
    wide = [tensor("t%d" % i, [1]) for i in range(40)]
    files = {
        "good-small": good,
        "good-conv": conv(valid),
        "good-quantized": quantized(),
        "good-channels": quantized((0.5, 0.25), (0, 0), 1),
        "good-variables": variables(),
        "good-sparse": model([subgraph(dense, densify, [2], [3])], [code(DENSIFY), code(ADD)], [floats(5, 6)]),
        "good-custom": model([subgraph([tensor("x", [1]), tensor("y", [1])], [op(0, [0], [1], custom=b"shift\0\1\7\1\1\1\14\4\2$\1")],
                                       [0], [1])], [code(CUSTOM, "Own")]),
        "good-optional": model([small(ops=[op(0, [0, -1], [2]), op(1, [2], [3])])], codes, buffers),
        "good-signature": model([small()], codes, buffers, s7=tables([table({
            0: tables([table({0: text("in"), 1: u32(0)})]), 1: tables([table({0: text("out"), 1: u32(3)})]),
            2: text("serving_default"), 4: u32(0)})])),
        "any-stride-0": conv(valid | {1: i32(0)}),
        "any-stride-huge": conv(valid | {2: i32(2**31 - 1)}),
        "any-dilation-huge": conv(valid | {4: i32(2**31 - 1), 5: i32(2**31 - 1)}),
        "any-activation": conv(valid | {3: i8(77)}),
        "any-padding": conv(valid | {0: i8(-5)}),
        "any-kernel-0": conv(valid, w=(3, 0, 3, 2), buffer=b""),
        "any-output-wrong": conv(valid, y=(9, 9, 9, 9)),
        "any-channels-wrong": conv(valid, x=(1, 5, 5, 7)),
        "any-no-options": model([small(ops=[op(0, [0, 1], [2]), op(1, [2], [3])])], codes, buffers),
        "any-op-unknown": model([small()], [code(9999), code(RELU)], buffers),
        "any-op-backwards": model([small(ops=[op(1, [2], [3]), op(0, [0, 1], [2])])], codes, buffers),
        "any-twice-made": model([small(ops=[op(1, [0], [3]), op(1, [0], [3])])], codes, buffers),
        "any-makes-input": model([small(ops=[op(1, [3], [0])])], codes, buffers),
        "any-makes-constant": model([small(ops=[op(1, [0], [1])])], codes, buffers),
        "any-no-inputs": model([small(ops=[op(0, [], [2]), op(1, [], [])])], codes, buffers),
        "any-all-optional": model([small(ops=[op(0, [-1, -1], [2])])], codes, buffers),
        "any-variable-unknown": variables("b"),
        "any-init-itself": variables(init=0),
        "any-init-missing": variables(init=7),
        "any-scalar": model([subgraph([tensor("x", []), tensor("y", [])], [op(0, [0], [1])], [0], [1])], [code(RELU)]),
        "any-dim-0": model([subgraph([tensor("x", [0, 4]), tensor("y", [0, 4])], [op(0, [0], [1])], [0], [1])], [code(RELU)]),
        "any-reshape-wild": model([subgraph([tensor("x", [4]), tensor("s", [2], 2, 1), tensor("y", [2, 2])],
                                            [op(0, [0, 1], [2])], [0], [2])], [code(RESHAPE)], [i32(-1) + i32(-1)]),
        "any-names-three": model([subgraph([tensor("t", [1]), tensor("t", [1]), tensor("t", [1])], [op(0, [0], [1]), op(0, [1], [2])], [0], [2])],
                                 [code(RELU)]),
        "any-lstm": lstm_model(), "any-lstm-constant-state": lstm_model(is_variable=False), "any-lstm-wide": lstm_model(hidden=3),
        **sound_models(),
        "any-names-same": model([subgraph([tensor("t", [1]), tensor("t", [1])], [op(0, [0], [1])], [0], [1])], [code(RELU)]),
        "any-names-empty": model([subgraph([tensor("", [1]), tensor("", [1])], [op(0, [0], [1])], [0], [1])], [code(RELU)]),
        "any-names-odd": model([subgraph([tensor(b"\xff\0\n", [1]), tensor("y", [1])], [op(0, [0], [1])], [0], [1])], [code(RELU)]),
        "bad-empty": b"", "bad-magic": b"\x1c\0\0\0TFL2" + good[8:], "bad-only-magic": good[:8],
        "bad-root-0": u32(0) + good[4:], "bad-root-huge": u32(2**32 - 1) + good[4:], "bad-root-end": u32(len(good)) + good[4:],
        "bad-version": model([small()], codes, buffers, version=2),
        "bad-no-subgraph": model([], codes, buffers),
        "bad-code": model([small(ops=[op(7, [0, 1], [2])])], codes, buffers),
        "bad-tensor": model([small(ops=[op(0, [0, 4], [2])])], codes, buffers),
        "bad-tensor-negative": model([small(ops=[op(0, [0, -2], [2])])], codes, buffers),
        "bad-output-negative": model([small(ops=[op(0, [0, 1], [-1])])], codes, buffers),
        "bad-graph-input": model([small(inputs=[9])], codes, buffers),
        "bad-buffer": model([small()], codes),
        "bad-constant-short": model([small()], codes, [floats(1)]),
        "bad-constant-long": model([small()], codes, [floats(1, 2, 3)]),
        "bad-type": model([small(tensors=[tensor("x", [1], 99)] * 4)], codes, buffers),
        "bad-dims-9": model([small(tensors=[tensor("x", [1] * 9)] * 4)], codes, buffers),
        "bad-dim-negative": model([small(tensors=[tensor("x", [-2])] * 4)], codes, buffers),
        "bad-dims-huge": model([small(tensors=[tensor("x", [2**31 - 1] * 4)] * 4)], codes, buffers),
        "bad-scale-nan": quantized((float("nan"),)), "bad-scale-negative": quantized((-1.0,)),
        "bad-scale-infinite": quantized((float("inf"),)),
        "bad-zero-huge": quantized(zeros=(2**40,)), "bad-zeros": quantized((0.5, 0.5), (0, 0, 0), 1),
        "good-axis-wrong": quantized((0.5, 0.5), (0, 0), 2), "good-axis-negative": quantized((0.5, 0.5), (0, 0), -1),
        "bad-channels": quantized((0.5, 0.5, 0.5), (0, 0, 0), 1),
        "bad-sparse-levels": model([subgraph([tensor("w", [2, 3, 4], 0, 1, s6=sparse([2, 3]))], [], [], [])], [], [floats(5, 6)]),
        "any-sparse-segments": model([subgraph([tensor("w", [2, 3], 0, 1, s6=sparse([2, 3], segments=(0, 200, 2)))] + dense[1:],
                                               densify, [2], [3])], [code(DENSIFY), code(ADD)], [floats(5, 6)]),
        "any-sparse-indices": model([subgraph([tensor("w", [2, 3], 0, 1, s6=sparse([2, 3], indices=(0, 9)))] + dense[1:],
                                              densify, [2], [3])], [code(DENSIFY), code(ADD)], [floats(5, 6)]),
        "any-sparse-order": model([subgraph([tensor("w", [2, 3], 0, 1, s6=sparse([2, 3], order=(7, -1)))] + dense[1:],
                                            densify, [2], [3])], [code(DENSIFY), code(ADD)], [floats(5, 6)]),
        "any-sparse-short": model([subgraph(dense, densify, [2], [3])], [code(DENSIFY), code(ADD)], [floats(5)]),
        "bad-signature": model([small()], codes, buffers, s7=tables([table({2: text("s"), 4: u32(3)})])),
        "bad-signature-tensor": model([small()], codes, buffers, s7=tables([table({0: tables([table({1: u32(99)})])})])),
        "good-wide": model([subgraph(wide, [op(0, list(range(39)), [39])], list(range(39)), [39])], [code(2)]),
    }
    for n in range(12, len(good) - 60, 37):
        files["bad-cut-%03d" % n] = good[:n]
    return files
