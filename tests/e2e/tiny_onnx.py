"""Writes small ONNX files, byte by byte from onnx.proto's field numbers: networks for the end-to-end tests, with no program of others."""

import json
import os
import random
import struct


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def shape_type(shape):
    dims = b"".join(field(1, field(1, d)) for d in shape)
    return field(1, field(1, 1) + field(2, dims))  # tensor_type: elem_type f32, shape


def value_info(name, shape):
    return field(1, name) + field(2, shape_type(shape))


def attribute(name, ints):
    return field(1, name) + b"".join(field(8, i) for i in ints) + field(20, 7)  # INTS


def node(op, inputs, outputs, name, attributes=()):
    return (b"".join(field(1, i) for i in inputs) + b"".join(field(2, o) for o in outputs) + field(3, name) + field(4, op)
            + b"".join(field(5, a) for a in attributes))


def tensor(name, shape, values):
    return b"".join(field(1, d) for d in shape) + field(2, 1) + field(8, name) + field(9, struct.pack(f"<{len(values)}f", *values))


def convolutions(path, n=6, channels=16, size=48, unknown=()):
    """A row of 3x3 convolutions with ReLU, of the modules backbone/stage_N; nodes numbered in @unknown are of an operator that nobody has."""
    draw = random.Random(1)
    nodes, constants, shapes = [], [], []
    at = "picture"
    for i in range(n):
        c_in = 3 if i == 0 else channels
        weight = f"weight_{i}"
        constants.append(tensor(weight, (channels, c_in, 3, 3), [draw.gauss(0, (2 / (9 * c_in)) ** 0.5) for _ in range(channels * c_in * 9)]))
        where = f"/backbone/stage_{i}"
        nodes.append(node("Conv", [at, weight], [f"conv_{i}"], f"{where}/conv/Conv", [attribute("pads", (1, 1, 1, 1)), attribute("kernel_shape", (3, 3))]))
        at = f"act_{i}" if i + 1 < n else "features"
        shapes.append(value_info(at, (1, channels, size, size)))
        op = "Frobnicate" if i in unknown else "Relu"
        nodes.append(node(op, [f"conv_{i}"], [at], f"{where}/act/{op}"))
    graph = (b"".join(field(1, part) for part in nodes) + field(2, "tiny") + b"".join(field(5, part) for part in constants)
             + field(11, value_info("picture", (1, 3, size, size))) + field(12, value_info("features", (1, channels, size, size)))
             + b"".join(field(13, part) for part in shapes))
    model = field(1, 8) + field(2, "tiny_onnx") + field(7, graph) + field(8, field(1, "") + field(2, 13))
    with open(path, "wb") as file:
        file.write(model)


def classifier(path, n=4):
    """Scores are the input's numbers: the class is the greatest of them. With a card beside it that says so."""
    identity = [float(i == k) for i in range(n) for k in range(n)]
    nodes = [node("MatMul", ["values", "identity"], ["scores"], "/head/MatMul"), node("Softmax", ["scores"], ["shares"], "/head/Softmax")]
    graph = (b"".join(field(1, part) for part in nodes) + field(2, "classifier") + field(5, tensor("identity", (n, n), identity))
             + field(11, value_info("values", (1, n))) + field(12, value_info("shares", (1, n))))
    with open(path, "wb") as file:
        file.write(field(1, 8) + field(2, "tiny_onnx") + field(7, graph) + field(8, field(1, "") + field(2, 13)))
    with open(os.path.splitext(path)[0] + ".card.json", "w", encoding="utf-8") as file:
        json.dump({"lathe-card": 1, "title": "Greatest number", "task": {"kind": "classify", "labels": [f"number {i}" for i in range(n)]}}, file)


def samples(folder, n=4, n_samples=40, n_wrong=10):
    """Labelled samples for the classifier, of which it gets @n_wrong wrong."""
    os.makedirs(folder, exist_ok=True)
    lines = []
    for i in range(n_samples):
        says = i % n
        label = (says + 1) % n if i < n_wrong else says
        with open(os.path.join(folder, f"sample_{i:02}.bin"), "wb") as file:
            file.write(struct.pack(f"<{n}f", *(3.0 if k == says else 0.5 for k in range(n))))
        lines.append(f"sample_{i:02}.bin,{label}\n")
    with open(os.path.join(folder, "labels.csv"), "w", encoding="utf-8") as file:
        file.writelines(lines)


if __name__ == "__main__":
    import sys

    if sys.argv[1] == "classifier":
        classifier(sys.argv[2])
        samples(sys.argv[3])
    else:
        convolutions(sys.argv[1], unknown=[int(number) for number in sys.argv[2:]])
