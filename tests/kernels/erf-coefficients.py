#!/usr/bin/python3
"""Coefficients of the error function's two polynomials in kernels/kn-map-spec.h.

Below 1, erf (z) = z p (z^2). From 1 on, erfc (z) = exp (-(z^2 + r (z))), where r is smooth and slow. Both are interpolated at
Chebyshev nodes, which is within a small factor of the best polynomial, in 40 digits from the C library's double precision erf
and erfc. Prints the coefficients, lowest power first, rounded to single precision, and the largest error with them.

usage: erf-coefficients.py [DEGREE_BELOW DEGREE_ABOVE]
"""
import math
import struct
import sys
from decimal import Decimal as D, getcontext

getcontext().prec = 40
SPLIT, LAST = 1.0, 4.0


def single(x):
    return struct.unpack('f', struct.pack('f', float(x)))[0]


def interpolate(f, low, high, degree):
    """Coefficients of the polynomial through f at the Chebyshev nodes of [low, high], by divided differences."""
    n = degree + 1
    xs = [D((low + high) / 2 + (high - low) / 2 * math.cos(math.pi * (2 * i + 1) / (2 * n))) for i in range(n)]
    table = [D(f(float(x))) for x in xs]
    for step in range(1, n):
        for i in range(n - 1, step - 1, -1):
            table[i] = (table[i] - table[i - 1]) / (xs[i] - xs[i - step])
    c = [D(0)]
    for i in range(n - 1, -1, -1):      # c = c (x - xs[i]) + table[i]
        shifted = [D(0)] + c
        for k, v in enumerate(c):
            shifted[k] -= v * xs[i]
        shifted[0] += table[i]
        c = shifted
    return [single(v) for v in c[:n]]


def horner(c, x):
    y = 0.0
    for v in reversed(c):
        y = y * x + v
    return y


def main():
    below, above = (int(a) for a in sys.argv[1:3]) if len(sys.argv) > 2 else (6, 8)
    p = interpolate(lambda s: math.erf(math.sqrt(s)) / math.sqrt(s) if s > 0 else 2 / math.sqrt(math.pi), 0.0, SPLIT ** 2, below)
    r = interpolate(lambda z: -math.log(math.erfc(z)) - z * z, SPLIT, LAST, above)
    grid = [i / 4000 for i in range(1, 4001)]
    worst = max(abs(z * horner(p, z * z) / math.erf(z) - 1) for z in grid)
    print('p:', ', '.join(v.hex() for v in p), f'relative error {worst * 2 ** 24:.3f} * 2^-24')
    grid = [SPLIT + (LAST - SPLIT) * i / 4000 for i in range(4001)]
    worst = max(abs(math.exp(-(z * z + horner(r, z))) / math.erfc(z) - 1) for z in grid)
    print('r:', ', '.join(v.hex() for v in r), f'relative error {worst * 2 ** 24:.3f} * 2^-24')


main()
