#!/usr/bin/python3
"""Coefficients of the exponential's polynomial in kernels/kn-lanes.h, by the Remez exchange algorithm.

exp (r) = 1 + r + r^2 q (r) on |r| <= ln 2 / 2, where q has the coefficients c2..cN. The largest relative error is made
minimal; the constant and linear coefficients are held at 1, so that exp (r) - 1 keeps its relative accuracy near 0.
Prints the coefficients rounded to single precision and the largest relative error that is left with them.
Python's decimal module, 50 digits, nothing else.

usage: exp-coefficients.py [DEGREE]
"""
import struct
import sys
from decimal import Decimal as D, getcontext

getcontext().prec = 50
LN2 = D(2).ln()
# The reduction rounds x / ln 2 in single precision, so r may pass ln 2 / 2 by a few units in the last place.
EDGE = LN2 / 2 * (1 + D(2) ** -16)


def solve(a, b):
    """Gauss elimination with row exchange."""
    n = len(b)
    for i in range(n):
        p = max(range(i, n), key=lambda k: abs(a[k][i]))
        a[i], a[p], b[i], b[p] = a[p], a[i], b[p], b[i]
        for k in range(i + 1, n):
            f = a[k][i] / a[i][i]
            a[k] = [x - f * y for x, y in zip(a[k], a[i])]
            b[k] -= f * b[i]
    x = [D(0)] * n
    for i in reversed(range(n)):
        x[i] = (b[i] - sum(a[i][j] * x[j] for j in range(i + 1, n))) / a[i][i]
    return x


def error(c, r):
    return (1 + r + sum(ck * r ** (k + 2) for k, ck in enumerate(c))) / r.exp() - 1


def extrema(c, n, steps=1500):
    grid = [-EDGE + 2 * EDGE * i / steps for i in range(steps + 1)]
    e = [error(c, r) for r in grid]
    found = [(grid[i], e[i]) for i in range(steps + 1)
             if (i == 0 or abs(e[i]) >= abs(e[i - 1])) and (i == steps or abs(e[i]) >= abs(e[i + 1])) and e[i] != 0]
    # One extremum per run of equal signs, then the n largest neighbours.
    runs = []
    for r, v in found:
        if runs and (runs[-1][1] > 0) == (v > 0):
            if abs(v) > abs(runs[-1][1]):
                runs[-1] = (r, v)
        else:
            runs.append((r, v))
    while len(runs) > n:
        runs.pop(0 if abs(runs[0][1]) < abs(runs[-1][1]) else -1)
    return runs


def remez(degree):
    n = degree - 1          # unknown coefficients c2..c_degree
    points = [-EDGE + 2 * EDGE * (i + D("0.5")) / (n + 1) for i in range(n + 1)]
    c = []
    for _ in range(12):
        rows = [[r ** (k + 2) / r.exp() for k in range(n)] + [D((-1) ** i)] for i, r in enumerate(points)]
        rhs = [1 - (1 + r) / r.exp() for r in points]
        c = solve(rows, rhs)[:n]
        ext = extrema(c, n + 1)
        if len(ext) < n + 1:
            break
        points = [r for r, _ in ext]
    return c


def single(x):
    return struct.unpack("f", struct.pack("f", float(x)))[0]


degree = int(sys.argv[1]) if len(sys.argv) > 1 else 6
coefficients = [single(c) for c in remez(degree)]
for k, value in enumerate(coefficients):
    print(f"c{k + 2} = {value.hex()}  ({value:.10g})")
worst = max(abs(error([D(v) for v in coefficients], -EDGE + 2 * EDGE * i / 4000)) for i in range(4001))
print(f"largest relative error {worst:.3e} = {worst / D(2) ** -24:.3f} x 2^-24")
