"""Small ONNX files for the fuzz target: sound ones, and ones that try something. Written in protobuf's wire
format; nothing of ONNX's own Python is needed."""
import struct

FLOAT, UINT8, INT8, INT32, INT64, STRING, BOOL = 1, 2, 3, 6, 7, 8, 9


def varint(value):
    value &= 2**64 - 1
    out = b""
    while True:
        out += bytes([value & 0x7F | (0x80 if value > 0x7F else 0)])
        value >>= 7
        if not value:
            return out


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def tensor(name, kind, dims, raw=None, extra=b""):
    out = b"".join(field(1, d) for d in dims) + field(2, kind) + field(8, name)
    return out + (field(9, raw) if raw is not None else b"") + extra


def floats(name, dims, values):
    return tensor(name, FLOAT, dims, struct.pack(f"<{len(values)}f", *values))


def ints(name, values, dims=None):
    return tensor(name, INT64, [len(values)] if dims is None else dims, struct.pack(f"<{len(values)}q", *values))


def value(name, kind=FLOAT, dims=()):
    shape = b"".join(field(1, field(2, d) if isinstance(d, str) else field(1, d)) for d in dims)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))


def attribute(name, data):
    out = field(1, name)
    if isinstance(data, float):
        return out + field(2, data) + field(20, 1)
    if isinstance(data, int):
        return out + field(3, data) + field(20, 2)
    if isinstance(data, str):
        return out + field(4, data) + field(20, 3)
    if isinstance(data, list):
        return out + b"".join(field(8, d) for d in data) + field(20, 7)
    kind, raw = data  # ("t", tensor) or ("g", graph)
    return out + (field(5, raw) + field(20, 4) if kind == "t" else field(6, raw) + field(20, 5))


def node(op, inputs, outputs, name="", **attributes):
    out = b"".join(field(1, i) for i in inputs) + b"".join(field(2, o) for o in outputs)
    out += field(3, name or op.lower()) + field(4, op)
    return out + b"".join(field(5, attribute(k, v)) for k, v in attributes.items())


def graph(nodes, inputs=(), outputs=(), initializers=(), extra=b""):
    return (b"".join(field(1, n) for n in nodes) + field(2, "g") + b"".join(field(5, i) for i in initializers)
            + b"".join(field(11, i) for i in inputs) + b"".join(field(12, o) for o in outputs) + extra)


def model(body, opset=13, domain=""):
    return field(1, 8) + field(2, "corpus") + field(8, field(1, domain) + field(2, opset)) + field(7, body)


X = value("x", dims=[1, 2, 4, 4])
Y = value("y")


def one(op, inputs=("x",), initializers=(), opset=13, x=X, **attributes):
    return model(graph([node(op, inputs, ["y"], **attributes)], [x], [Y], initializers), opset)


def branch(name, op="Relu"):
    return graph([node(op, ["x"], [name])], outputs=[value(name)])


def nested(depth):
    body = branch("y0")
    for i in range(depth):
        inner = node("If", ["c"], [f"y{i + 1}"], then_branch=("g", body), else_branch=("g", branch("z")))
        body = graph([inner], outputs=[value(f"y{i + 1}")])
    return model(graph([node("If", ["c"], ["y"], then_branch=("g", body), else_branch=("g", branch("z")))], [X], [Y],
                       [tensor("c", BOOL, [], b"\1")]))


def qdq():
    """Every kind of node that becomes an operator on codes."""
    scales = [floats("s", [], [0.5]), tensor("z", UINT8, [], b"\x05"), floats("ws", [2], [0.25, 0.5]), tensor("wz", INT8, [2], bytes(2)),
              floats("bs", [2], [0.125, 0.25]), tensor("w", INT8, [2, 2, 1, 1], b"\1\2\3\4"), tensor("b", INT32, [2], bytes(8)),
              tensor("m", INT8, [2, 2], b"\1\2\3\4")]
    nodes, last = [node("QuantizeLinear", ["x", "s", "z"], ["q0"])], "q0"
    for i, (op, others, attributes) in enumerate([
            ("Conv", ["wr", "br"], {}), ("Relu", [], {}), ("Add", ["r0"], {}), ("Concat", ["r0"], {"axis": 1}), ("MaxPool", [], {"kernel_shape": [2, 2]}),
            ("AveragePool", [], {"kernel_shape": [1, 2]}), ("Sigmoid", [], {}), ("Flatten", [], {"axis": 3}), ("MatMul", ["mr"], {}), ("Gemm", ["mr", "br"], {})]):
        nodes.append(node("DequantizeLinear", [last, "s", "z"], [f"r{i}"]))
        if i == 0:
            nodes += [node("DequantizeLinear", ["w", "ws", "wz"], ["wr"], axis=0), node("DequantizeLinear", ["b", "bs"], ["br"], axis=0),
                      node("DequantizeLinear", ["m", "ws", "wz"], ["mr"], axis=1)]
        last = f"q{i + 1}"
        nodes += [node(op, [f"r{i}", *others], [f"c{i}"], **attributes), node("QuantizeLinear", [f"c{i}", "s", "z"], [last])]
    nodes.append(node("DequantizeLinear", [last, "s", "z"], ["y"]))
    return graph(nodes, [value("x", dims=[1, 2, 3, 4])], [Y], scales)


def good():
    weight = floats("w", [2, 2, 3, 3], [i / 8 for i in range(36)])
    shape_chain = graph([
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "zero"], ["n"], axis=0),
        node("Unsqueeze", ["n", "axes"], ["n1"]),
        node("Concat", ["n1", "rest"], ["shape"], axis=0),
        node("Reshape", ["x", "shape"], ["y"]),
    ], [X], [Y], [ints("zero", [0], []), ints("axes", [0]), ints("rest", [-1])])
    conv = graph([
        node("Conv", ["x", "w", "b"], ["c"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("Relu", ["c"], ["r"]),
        node("MaxPool", ["r"], ["y"], kernel_shape=[2, 2], strides=[2, 2]),
    ], [X], [Y], [weight, floats("b", [2], [1, 2])])
    lstm = graph([node("LSTM", ["x", "w", "r"], ["y"], hidden_size=1)], [value("x", dims=[3, 1, 2])], [Y],
                 [floats("w", [1, 4, 2], [0.5] * 8), floats("r", [1, 4, 1], [0.25] * 4)])
    quant = graph([
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ], [X], [Y], [floats("s", [], [0.5]), tensor("z", UINT8, [], b"\x80")])
    return {
        "good-relu": one("Relu"),
        "good-open-dims": one("Relu", x=value("x", dims=["batch", 3, "h", "w"])),
        "good-shape-chain": model(shape_chain),
        "good-conv": model(conv),
        "good-lstm": model(lstm),
        "good-quant": model(quant),
        "good-qdq": model(qdq()),
        "good-if": nested(0),
        "good-if-unknown": model(graph([node("If", ["c"], ["y"], then_branch=("g", branch("a")),
                                             else_branch=("g", branch("b")))], [X, value("c", BOOL)], [Y])),
        "good-if-nested": nested(4),
        "good-constant": model(graph([node("Constant", [], ["c"], value=("t", floats("", [1], [2]))),
                                      node("Mul", ["x", "c"], ["y"])], [X], [Y])),
        "good-slice": one("Slice", ["x", "a", "b", "c", "d"], [ints("a", [0, -1]), ints("b", [2**63 - 1, -2**63]),
                                                               ints("c", [2, 3]), ints("d", [2, -1])]),
        "good-resize": one("Resize", ["x", "", "s"], [floats("s", [4], [1, 1, 2, 1.5])], mode="linear"),
        "good-typed-list": one("Mul", ["x", "w"], [tensor("w", FLOAT, [2], None, field(4, struct.pack("<2f", 1, 2))),
                                                   ], x=value("x", dims=[2])),
        "good-old-input-list": model(graph([node("Add", ["x", "w"], ["y"])], [X, value("w", dims=[1])], [Y],
                                           [floats("w", [1], [2])]), 7),
    }


def bad():
    huge = [2**31 - 1] * 8
    return {
        "bad-empty": b"",
        "bad-text": b"no network",
        "bad-no-graph": field(1, 8),
        "bad-no-opset": field(1, 8) + field(7, graph([node("Relu", ["x"], ["y"])], [X], [Y])),
        "bad-cut": one("Relu")[:-9],
        "bad-unknown-operator": one("Foo"),
        "bad-opset-6": one("Add", ["x", "x"], opset=6),
        "bad-domain": model(graph([node("Relu", ["x"], ["y"]) + field(7, "com.example")], [X], [Y])),
        "bad-no-input": one("Relu", ["z"]),
        "bad-own-output": one("Relu", ["y"]),
        "bad-no-output": model(graph([node("Relu", ["x"], ["z"])], [X], [Y])),
        "bad-string-input": one("Relu", x=value("x", STRING, [1])),
        "bad-nine-dims": one("Relu", x=value("x", dims=[1] * 9)),
        "bad-huge-input": one("Relu", x=value("x", dims=huge)),
        "bad-huge-constant": one("ConstantOfShape", ["s"], [ints("s", [2**40])]),
        "bad-negative-constant": one("ConstantOfShape", ["s"], [ints("s", [-4])]),
        "bad-huge-expand": one("Expand", ["x", "s"], [ints("s", [2**20, 2**20, 2, 4, 4])]),
        "bad-huge-tile": one("Tile", ["x", "s"], [ints("s", [2**62, 2, 2, 2])]),
        "bad-huge-range": one("Range", ["a", "b", "c"], [ints("a", [0], []), ints("b", [2**60], []), ints("c", [1], [])]),
        "bad-huge-pad": one("Pad", ["x", "p"], [ints("p", [2**62] * 8)]),
        "bad-huge-one-hot": model(graph([node("OneHot", ["x", "d", "v"], ["y"])], [value("x", INT64, [4])], [Y],
                                        [ints("d", [2**50], []), floats("v", [2], [0, 1])])),
        "bad-huge-resize": one("Resize", ["x", "", "s"], [floats("s", [4], [1, 1, 1e9, 1e9])]),
        "bad-reshape": one("Reshape", ["x", "s"], [ints("s", [7, -1])]),
        "bad-reshape-unknown": model(graph([node("Reshape", ["x", "s"], ["y"])], [X, value("s", INT64, [2])], [Y])),
        "bad-reshape-overflow": one("Reshape", ["x", "s"], [ints("s", [2**62, 2**62, -1])]),
        "bad-transpose": one("Transpose", perm=[0, 0, 1, 9]),
        "bad-concat-axis": one("Concat", ["x", "x"], axis=-9),
        "bad-attribute-kind": one("LeakyRelu", alpha="big"),
        "bad-conv-weights": one("Conv", ["x", "w"], [floats("w", [2, 3, 1, 1], [0] * 6)]),
        "bad-conv-groups": one("Conv", ["x", "w"], [floats("w", [2, 1, 1, 1], [0] * 2)], group=-2),
        "bad-conv-stride": one("Conv", ["x", "w"], [floats("w", [2, 2, 1, 1], [0] * 4)], strides=[0, 1]),
        "bad-conv-pads": one("Conv", ["x", "w"], [floats("w", [2, 2, 1, 1], [0] * 4)], pads=[2**40] * 4),
        "bad-conv-window": one("Conv", ["x", "w"], [floats("w", [2, 2, 9, 9], [0] * 324)]),
        "bad-pool-3d": one("MaxPool", x=value("x", dims=[1, 1, 4, 4, 4]), kernel_shape=[2, 2, 2]),
        "bad-pool-window": one("AveragePool", kernel_shape=[2**31, 2**31]),
        "bad-gather-index": one("Gather", ["w", "i"], [floats("w", [2], [1, 2]), ints("i", [99])]),
        "bad-split": model(graph([node("Split", ["x", "s"], ["a", "y"])], [X], [Y], [ints("s", [-1, 2])])),
        "bad-lstm": one("LSTM", ["x", "w", "r"], [floats("w", [1, 3, 2], [0] * 6), floats("r", [1, 4, 1], [0] * 4)],
                        x=value("x", dims=[3, 1, 2])),
        "bad-quant-scale": one("QuantizeLinear", ["x", "s"], [floats("s", [], [0])]),
        "bad-quant-scales": one("QuantizeLinear", ["x", "s"], [floats("s", [3], [1, 1, 1])], axis=1),
        "bad-einsum": one("Einsum", ["x"], opset=13, equation="ab->"),
        "bad-loop": model(graph([node("Loop", ["", "", "x"], ["y"], body=("g", branch("z")))], [X], [Y])),
        "bad-if-shapes": model(graph([node("If", ["c"], ["y"], then_branch=("g", branch("a")),
                                           else_branch=("g", branch("b", "Size")))], [X, value("c", BOOL)], [Y])),
        "bad-if-outputs": model(graph([node("If", ["c"], ["y", "z"], then_branch=("g", branch("a")),
                                            else_branch=("g", branch("b")))], [X], [Y],
                                      [tensor("c", BOOL, [], b"\1")])),
        "bad-deep": nested(40),
        "bad-sparse": model(graph([node("Relu", ["w"], ["y"])], [X], [Y],
                                  extra=field(15, field(1, floats("w", [1], [1])) + field(3, 4)))),
        "bad-weight-short": one("Mul", ["x", "w"], [tensor("w", FLOAT, [4], b"1234")]),
        "bad-weight-dims": one("Mul", ["x", "w"], [tensor("w", FLOAT, [2**31, 2**31, 2**31, 2], b"")]),
        "bad-weight-negative": one("Mul", ["x", "w"], [tensor("w", FLOAT, [-1], b"1234")]),
        "bad-weight-string": one("Mul", ["x", "w"], [tensor("w", STRING, [1], None, field(6, "a"))]),
        "bad-external": one("Mul", ["x", "w"], [tensor("w", FLOAT, [1], None, field(13, field(1, "location") + field(
            2, "../../etc/passwd")) + field(14, 1))]),
        "bad-group": model(graph([node("Relu", ["x"], ["y"])], [X], [Y])) + b"\x0b\x0c",
    }


def corpus():
    return good() | bad()
