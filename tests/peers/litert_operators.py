#!/usr/bin/env python3
"""Single operators of TFLite beside LiteRT's, in networks of one node that are made here.

    litert_operators.py --tool NET-RUN [--verbose] [NAME-PART...]

Convolutions of all kinds, dense layers, pooling, functions, arithmetic with broadcasting, reductions and data movement, in float, with 8-bit weights, and in 8 bit of both
signs, with scales per tensor and per channel, over strides, dilations, paddings and fused activations. Inputs are random from a fixed seed; the scales are such that no sum
lies half-way between two codes, where every implementation rounds as it likes. Peers and limits are those of litert.py, but 1 % of the codes may be off by one: a case has few,
and kernels that round twice (LiteRT's of 8-bit depthwise convolutions without signs) take 15.498 for 16. A case passes within the limits of one set of kernels. Prints the cases
that do not (--verbose: all) and how many there were.
"""
import argparse
import itertools
import pathlib
import sys
import tempfile

import litert

TYPES = {"f4": 0, "f2": 1, "i4": 2, "u1": 3, "i8": 4, "b1": 6, "i2": 7, "i1": 9}
SHARE_LIMIT = 1e-2
SAME, VALID = 0, 1
NO_ACTIVATION, RELU, RELU6 = 0, 1, 3


class Network:
    """One subgraph under construction; the inputs are the tensors without data that no operator makes."""

    def __init__(self):
        from ai_edge_litert import schema_py_generated as schema
        self.schema, self.model, self.graph = schema, schema.ModelT(), schema.SubGraphT()
        self.model.version, self.model.buffers, self.model.operatorCodes = 3, [schema.BufferT()], []
        self.model.subgraphs = [self.graph]
        self.graph.tensors, self.graph.operators, self.graph.inputs, self.graph.outputs = [], [], [], []
        self.values = []

    def tensor(self, shape, dtype, data=None, scale=None, zero=0, axis=0):
        import numpy as np
        tensor = self.schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = "t%d" % len(self.graph.tensors), list(shape), TYPES[dtype], 0
        if data is not None:
            buffer = self.schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data, dtype).tobytes(), "u1")
            self.model.buffers.append(buffer)
            tensor.buffer = len(self.model.buffers) - 1
        if scale is not None:
            quant = tensor.quantization = self.schema.QuantizationParametersT()
            quant.scale = [float(s) for s in np.atleast_1d(np.asarray(scale, "f4"))]
            quant.zeroPoint, quant.quantizedDimension = [int(zero)] * len(quant.scale), axis
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def input(self, value, dtype, **quant):
        self.graph.inputs.append(self.tensor(value.shape, dtype, **quant))
        self.values.append(value.astype(dtype))
        return self.graph.inputs[-1]

    def operator(self, code, inputs, outputs, kind=None, options=None, version=1):
        """kind: the name of the options' table; options: its fields."""
        row, op = self.schema.OperatorCodeT(), self.schema.OperatorT()
        row.builtinCode, row.deprecatedBuiltinCode, row.version = code, min(code, 127), version
        self.model.operatorCodes.append(row)
        op.opcodeIndex, op.inputs, op.outputs = len(self.model.operatorCodes) - 1, list(inputs), list(outputs)
        if kind is not None:
            op.builtinOptionsType = getattr(self.schema.BuiltinOptions, kind)
            op.builtinOptions = getattr(self.schema, kind + "T")()
            for name, value in (options or {}).items():
                setattr(op.builtinOptions, name, value)
        self.graph.operators.append(op)
        self.graph.outputs = list(outputs)

    def data(self):
        import flatbuffers
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


# ---- numbers and their quantization ----


class Numbers:
    def __init__(self):
        import numpy as np
        self.np, self.random = np, np.random.default_rng(3)

    def floats(self, shape, low=-3.0, high=3.0):
        return (low + (high - low) * self.random.random(shape)).astype("f4")

    def of(self, dtype, shape):
        if dtype == "f4":
            return self.floats(shape)
        info = self.np.iinfo(dtype)
        return self.random.integers(max(info.min, -100000), min(info.max, 100000) + 1, shape).astype(dtype)


def quant(dtype, scale, zero):
    """Of an activation: nothing for floats."""
    return {"scale": scale, "zero": zero + (128 if dtype == "u1" else 0)} if dtype in ("i1", "u1") else {}


# ---- cases: (name, network) ----


def slide(size, kernel, stride, dilation, padding):
    return -(-size // stride) if padding == SAME else (size - (kernel - 1) * dilation - 1) // stride + 1


def weights(net, numbers, dtype, shape, n_out, axis, per_channel):
    """The tensor and its scales. dtype: of the weights; f2 goes through DEQUANTIZE."""
    if dtype == "f4":
        return net.tensor(shape, "f4", numbers.floats(shape, -0.5, 0.5)), None
    if dtype == "f2":
        half, full = net.tensor(shape, "f2", numbers.floats(shape, -0.5, 0.5)), net.tensor(shape, "f4")
        net.operator(6, [half], [full], version=3)
        return full, None
    scales = numbers.random.uniform(0.002, 0.005, n_out if per_channel else 1).astype("f4")
    zero = 131 if dtype == "u1" else 0
    codes = numbers.of("u1", shape) if dtype == "u1" else numbers.random.integers(-127, 128, shape)
    return net.tensor(shape, dtype, codes, scales, zero, axis), scales


def conv(numbers, kind, dtype, weight, per_channel, kernel, stride, dilation, padding, activation, n_in=6, n_out=8, height=9, width=11):
    net = Network()
    if kind == "depthwise":
        n_out, shape, axis = n_in, (1, *kernel, n_in), 3
    else:
        shape, axis = (n_out, *kernel, n_in), 0
    if kind == "transposed":
        out = [n * stride if padding == SAME else (n - 1) * stride + k for n, k in zip((height, width), kernel)]
    else:
        out = [slide(n, k, stride, dilation, padding) for n, k in zip((height, width), kernel)]
    x = net.input(numbers.of(dtype, (1, height, width, n_in)), dtype, **quant(dtype, 0.0297, -7))
    w, scales = weights(net, numbers, weight, shape, n_out, axis, per_channel)
    if dtype == "f4":
        bias = net.tensor([n_out], "f4", numbers.floats(n_out))
    else:
        bias = net.tensor([n_out], "i4", numbers.random.integers(-3000, 3000, n_out), 0.0297 * scales, 0, 0)
    n_terms = kernel[0] * kernel[1] * (1 if kind == "depthwise" else n_in)
    y = net.tensor([1, *out, n_out], dtype, **quant(dtype, 0.01713 * n_terms ** 0.5, 5))
    options = {"padding": padding, "strideH": stride, "strideW": stride, "fusedActivationFunction": activation}
    if kind == "transposed":
        sizes = net.tensor([4], "i4", [1, *out, n_out])
        net.operator(67, [sizes, w, x, bias], [y], "TransposeConvOptions", options, 4 if activation else 3)
    elif kind == "depthwise":
        options |= {"dilationHFactor": dilation, "dilationWFactor": dilation, "depthMultiplier": 1}
        net.operator(4, [x, w, bias], [y], "DepthwiseConv2DOptions", options, 6)
    else:
        options |= {"dilationHFactor": dilation, "dilationWFactor": dilation}
        net.operator(3, [x, w, bias], [y], "Conv2DOptions", options, 5)
    return net


def conv_cases(numbers):
    kinds = (("f4", "f4", False), ("f4", "f2", False), ("f4", "i1", True), ("i1", "i1", True), ("i1", "i1", False), ("u1", "u1", False))
    windows = (((1, 1), 1, 1, SAME, NO_ACTIVATION), ((1, 1), 2, 1, SAME, RELU), ((3, 3), 1, 1, SAME, RELU6), ((3, 3), 2, 1, SAME, NO_ACTIVATION),
               ((3, 3), 2, 1, VALID, NO_ACTIVATION), ((3, 3), 1, 2, SAME, RELU), ((1, 3), 1, 1, SAME, NO_ACTIVATION), ((5, 5), 2, 1, SAME, NO_ACTIVATION),
               ((4, 4), 3, 1, SAME, NO_ACTIVATION))
    for kind, types, window in itertools.product(("conv", "depthwise", "transposed"), kinds, windows):
        if kind == "transposed" and window[2] > 1:
            continue
        yield "%s %s x %s%s, window %s stride %d dilation %d padding %d activation %d" % (kind, *types[:2], " per channel" if types[2] else "", *window), \
            conv(numbers, kind, *types, *window)


def dense_cases(numbers):
    for (dtype, weight, per_channel), shape, n_out, activation in itertools.product(
            (("f4", "f4", False), ("f4", "f2", False), ("f4", "i1", False), ("i1", "i1", False), ("i1", "i1", True), ("u1", "u1", False)),
            ((1, 10), (4, 33), (3, 64)), (1, 7, 40), (NO_ACTIVATION, RELU)):
        net = Network()
        x = net.input(numbers.of(dtype, shape), dtype, **quant(dtype, 0.0297, -7))
        w, scales = weights(net, numbers, weight, (n_out, shape[1]), n_out, 0, per_channel)
        bias = net.tensor([n_out], "f4", numbers.floats(n_out)) if dtype == "f4" else \
            net.tensor([n_out], "i4", numbers.random.integers(-3000, 3000, n_out), 0.0297 * scales, 0, 0)
        y = net.tensor([shape[0], n_out], dtype, **quant(dtype, 0.01713 * shape[1] ** 0.5, 5))
        net.operator(9, [x, w, bias], [y], "FullyConnectedOptions", {"fusedActivationFunction": activation}, 9 if dtype == "f4" else 5)
        yield "dense %s x %s%s, %s to %d activation %d" % (dtype, weight, " per channel" if per_channel else "", shape, n_out, activation), net


def pool_cases(numbers):
    for dtype, (code, name), (kernel, stride, padding, activation) in itertools.product(
            ("f4", "i1", "u1"), ((17, "max"), (1, "average")), ((2, 2, SAME, NO_ACTIVATION), (3, 2, VALID, RELU), (3, 1, SAME, RELU6), (9, 1, VALID, NO_ACTIVATION))):
        net = Network()
        x = net.input(numbers.of(dtype, (2, 9, 11, 5)), dtype, **quant(dtype, 0.0513, 3))
        y = net.tensor([2, slide(9, kernel, stride, 1, padding), slide(11, kernel, stride, 1, padding), 5], dtype, **quant(dtype, 0.0513, 3))
        net.operator(code, [x], [y], "Pool2DOptions", {"padding": padding, "strideH": stride, "strideW": stride, "filterHeight": kernel, "filterWidth": kernel,
                                                        "fusedActivationFunction": activation}, 2)
        yield "%s pool %s, %d stride %d padding %d activation %d" % (name, dtype, kernel, stride, padding, activation), net


def function_cases(numbers):
    probability = (1 / 256, -128)
    functions = (("relu", 19, None, (0.0431, -99)), ("relu6", 21, None, (6 / 255, -128)), ("tanh", 28, None, (1 / 128, 0)), ("logistic", 14, None, probability),
                 ("hard swish", 117, None, (0.0331, -101)), ("gelu", 150, "GeluOptions", (0.0331, -101)), ("leaky relu", 98, "LeakyReluOptions", (0.0457, -20)),
                 ("exp", 47, None, None), ("abs", 101, None, None), ("floor", 8, None, None), ("round", 116, None, None), ("sin", 66, None, None), ("elu", 111, None, None),
                 ("softmax", 25, "SoftmaxOptions", probability), ("requantize", 114, None, (0.0331, -7)))
    for (name, code, kind, to), dtype in itertools.product(functions, ("f4", "i1", "u1")):
        if dtype != "f4" and to is None or dtype == "f4" and name == "requantize":
            continue
        net = Network()
        x = net.input(numbers.of(dtype, (3, 257)), dtype, **quant(dtype, 0.0513, 3))
        y = net.tensor([3, 257], dtype, **(quant(dtype, *to) if to else {}))
        options = {"LeakyReluOptions": {"alpha": 0.17}, "SoftmaxOptions": {"beta": 1.0}}.get(kind, {})
        net.operator(code, [x], [y], kind, options, 2 if dtype != "f4" and code != 117 else 1)
        yield "%s %s" % (name, dtype), net


def arithmetic_cases(numbers):
    operators = (("add", 0, "AddOptions"), ("sub", 41, "SubOptions"), ("mul", 18, "MulOptions"), ("div", 42, "DivOptions"), ("maximum", 55, "MaximumMinimumOptions"),
                 ("minimum", 57, "MaximumMinimumOptions"), ("squared difference", 99, "SquaredDifferenceOptions"))
    for (name, code, kind), dtype, shape, activation in itertools.product(operators, ("f4", "i1", "u1", "i4"), ((2, 5, 7), (7,), (5, 1), (1,)), (NO_ACTIVATION, RELU)):
        is_code, has_activation = dtype in ("i1", "u1"), kind in ("AddOptions", "SubOptions", "MulOptions", "DivOptions")
        if is_code and code in (42, 99) or activation and (dtype == "i4" or not has_activation):
            continue
        same = code in (55, 57)
        net = Network()
        values = numbers.of(dtype, shape)
        values[values == 0] = 1
        a = net.input(numbers.of(dtype, (2, 5, 7)), dtype, **quant(dtype, 0.0513, 3))
        b = net.input(values, dtype, **(quant(dtype, 0.0513, 3) if same else quant(dtype, 0.0387, -5)))
        y = net.tensor([2, 5, 7], dtype, **(quant(dtype, 0.0513, 3) if same else quant(dtype, 0.0911 if code != 18 else 0.2137, 7)))
        net.operator(code, [a, b], [y], kind, {"fusedActivationFunction": activation} if has_activation else {}, 2 if is_code else 1)
        yield "%s %s %s activation %d" % (name, dtype, shape, activation), net


def movement_cases(numbers):
    """Operators with constant indices: (name, code, shape, constants, shape of the result, options)."""
    rows = (("reshape", 22, (2, 5, 7), [[7, 10]], (7, 10), "ReshapeOptions", {"newShape": [7, 10]}), ("transpose", 39, (2, 4, 6, 3), [[0, 3, 1, 2]], (2, 3, 4, 6), "TransposeOptions", {}),
            ("pad", 34, (2, 4, 6, 3), [[[0, 0], [2, 1], [0, 3], [0, 0]]], (2, 7, 9, 3), "PadOptions", {}), ("slice", 65, (2, 5, 7), [[0, 1, 2], [2, 3, -1]], (2, 3, 5), "SliceOptions", {}),
            ("gather", 36, (2, 5, 7), [[3, 0, 4, 4]], (2, 4, 7), "GatherOptions", {"axis": 1}), ("tile", 69, (2, 5, 7), [[1, 2, 3]], (2, 10, 21), "TileOptions", {}),
            ("strided slice", 45, (2, 5, 7), [[0, 4, 6], [2, 0, 0], [1, -2, -3]], (2, 2, 2), "StridedSliceOptions", {}),
            ("space to batch", 38, (2, 4, 6, 3), [[2, 2], [[0, 0], [1, 1]]], (8, 2, 4, 3), "SpaceToBatchNDOptions", {}),
            ("batch to space", 37, (8, 2, 4, 3), [[2, 2], [[0, 0], [1, 1]]], (2, 4, 6, 3), "BatchToSpaceNDOptions", {}),
            ("space to depth", 26, (2, 4, 6, 3), [], (2, 2, 3, 12), "SpaceToDepthOptions", {"blockSize": 2}), ("reverse", 105, (2, 5, 7), [[1]], (2, 5, 7), "ReverseV2Options", {}),
            ("mirror pad", 100, (2, 5, 7), [[[1, 0], [2, 2], [0, 3]]], (3, 9, 10), "MirrorPadOptions", {"mode": 0}),
            ("resize nearest", 97, (2, 4, 6, 3), [[7, 9]], (2, 7, 9, 3), "ResizeNearestNeighborOptions", {"alignCorners": False}))
    for (name, code, shape, constants, result, kind, options), dtype in itertools.product(rows, ("f4", "i1", "u1")):
        net = Network()
        x = net.input(numbers.of(dtype, shape), dtype, **quant(dtype, 0.0513, 3))
        lists = [net.tensor(numbers.np.shape(c), "i4", c) for c in constants]
        net.operator(code, [x, *lists], [net.tensor(result, dtype, **quant(dtype, 0.0513, 3))], kind, options, 2 if code not in (22, 97) else 1)
        yield "%s %s" % (name, dtype), net
    for dtype, axes, keep in itertools.product(("f4", "i1", "u1"), ((1, 2), (1,)), (False, True)):
        net = Network()
        x = net.input(numbers.of(dtype, (2, 4, 5, 6)), dtype, **quant(dtype, 0.0513, 3))
        shape = [1 if i in axes else n for i, n in enumerate((2, 4, 5, 6)) if keep or i not in axes]
        y = net.tensor(shape, dtype, **quant(dtype, 0.03117, -11))
        net.operator(40, [x, net.tensor([len(axes)], "i4", axes)], [y], "ReducerOptions", {"keepDims": keep}, 2)
        yield "mean %s over %s%s" % (dtype, axes, " kept" if keep else ""), net


# ---- running ----


def check(name, net, args):
    """Whether it passes; None when neither peer has it."""
    data = net.data()
    inputs = [value[None] for value in net.values]
    texts, passes, has_peer = [], False, False
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "operator.tflite"
        path.write_bytes(data)
        try:
            ours = [row[2] for row in litert.run_lathe(args.tool, path, inputs, pathlib.Path(folder)) if row[0] == "output"]
        except RuntimeError as problem:
            print("%-90s %s" % (name, problem))
            return False
    for reference in (False, True):
        try:
            theirs = litert.LiteRt(data, reference).run(inputs)
        except (RuntimeError, ValueError) as problem:
            texts.append("no peer: %s" % " ".join(str(problem).split())[:60])
            continue
        has_peer = True
        difference = litert.Difference()
        for a, b in zip(ours, theirs):
            difference.add(a, b)
        texts.append(difference.text())
        passes = passes or difference.within(SHARE_LIMIT)
    if args.verbose or (has_peer and not passes):
        print("%-90s %s" % (name, " | ".join(texts)), flush=True)
    return passes if has_peer else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True, type=pathlib.Path)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("parts", nargs="*", help="only cases whose name has one of these in it")
    args = parser.parse_args()
    litert.enter_environment()
    numbers, results = Numbers(), []
    for cases in (conv_cases, dense_cases, pool_cases, function_cases, arithmetic_cases, movement_cases):
        for name, net in cases(numbers):
            if not args.parts or any(part in name for part in args.parts):
                results.append(check(name, net, args))
    print("%d cases, %d beyond the limits, %d that no peer runs" % (len(results), results.count(False), results.count(None)))
    return 1 if False in results else 0


if __name__ == "__main__":
    sys.exit(main())
