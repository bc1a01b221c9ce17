/* Operators of fixed-point sound front ends, as networks for microcontrollers carry them: window,
 * spectrum, filter bank, noise reduction, gain control, logarithm, all in integers. Every shift and
 * rounding is given, so the numbers are the same everywhere; they are those of the signal library
 * of TFLite Micro.
 *
 *     window -> auto_scale -> rfft -> energy -> filter_bank -> filter_bank_sqrt
 *            -> spectral_subtraction -> pcan -> filter_bank_log */
#pragma once

#include "rt-op.h"

/* x I16 [.., n], window I16 [n] -> I16 of the shape of x: x * window >> shift, saturated. */
extern const RtOp rt_op_fixed_window;
typedef struct
{
  uint32_t shift; /* 0..31 */
} RtFixedWindowAttrs;

/* x I16 [n] -> x << bits I16 [n], and bits I32 []: as many as leave the largest |x| below 2^15. */
extern const RtOp rt_op_fixed_auto_scale;

/* x I16 or I32 [.., n], followed by zeros up to fft_length -> the same type [.., fft_length + 2]:
 * real and imaginary parts of the transform over fft_length, in turn. */
extern const RtOp rt_op_fixed_rfft;
typedef struct
{
  uint32_t fft_length; /* a power of two, 4..65536, at least n */
} RtFixedRfftAttrs;

/* Spectrum I16 [2 n] -> re^2 + im^2 U32 [n] for bins first..last - 1, others 0. */
extern const RtOp rt_op_fixed_energy;
typedef struct
{
  uint32_t first, last;
} RtFixedEnergyAttrs;

/* Energies U32 [bins], constants I16: weights [w] and complements [w] of overlapping triangles; and
 * per channel [n_channels + 1]: its first bin, its first weight, its number of bins -> U64
 * [n_channels]. A channel is its own bins weighted, and those of the channel before by their
 * complements. */
extern const RtOp rt_op_fixed_filter_bank;

/* U64 [n], bits I32 [] -> U32 [n]: the root, to nearest, >> bits. */
extern const RtOp rt_op_fixed_sqrt;

/* x U32 [n], noise before U32 [n] -> x without noise U32 [n], noise now U32 [n]. With S = smoothing
 * (even channels) or alternate_smoothing (odd ones) and T its complement, of @bits fraction bits:
 * noise = ((x << smoothing_bits) S + noise T) >> bits; y = x - (noise >> smoothing_bits), at least
 * x * min_remaining >> bits. */
extern const RtOp rt_op_spectral_subtraction;
typedef struct
{
  uint32_t smoothing, one_minus_smoothing;
  uint32_t alternate_smoothing, alternate_one_minus_smoothing;
  uint32_t smoothing_bits; /* 0..31 */
  uint32_t min_remaining;
  uint32_t bits;  /* 0..63 */
  uint32_t clamp; /* the noise kept is never above the signal */
} RtSpectralSubtractionAttrs;

/* x U32 [n], noise U32 [n], constant I16 [125]: gain by noise, parabolas between powers of two ->
 * U32 [n]: x * gain >> snr_shift, compressed (per-channel amplitude normalization; Wang et al.
 * 2017). */
extern const RtOp rt_op_pcan;
typedef struct
{
  uint32_t snr_shift; /* 0..63 */
} RtPcanAttrs;

/* x U32 [n] -> I16 [n]: scale * ln (x << correction_bits), 0 for 0 and 1. */
extern const RtOp rt_op_fixed_log;
typedef struct
{
  uint32_t correction_bits; /* 0..31 */
  uint32_t scale;
} RtFixedLogAttrs;
