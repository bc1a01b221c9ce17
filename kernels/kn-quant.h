/* Rows of numbers between f32 and the file formats. The C code is the specification of each format.
 */
#pragma once

#include "kn-types.h"

/* @src: one row of @n values in @dtype (GGUF block layout); @dst: [n] f32. @n is a multiple of the
 * block length. */
void kn_dequantize_row (KnDtype dtype, const void *src, float *dst, size_t n);

/* Quantization of [n] f32 into GGUF blocks; @n is a multiple of the block length. The simple
 * formats round to nearest with the field's rules (same bytes as other converters); for the K
 * formats the scales are found by a weighted least-squares search. The block formats have no codes
 * for NaN and infinity: NaN is stored as 0, magnitudes above 65504 as 65504. F16 and BF16 are plain
 * conversions that keep them. */
void kn_quantize_row (KnDtype dtype, const float *src, void *dst, size_t n);

/* The same with @weights[n]: what the squared error of each value costs (the mean square of the
 * input that it is multiplied with), finite and not negative, their unit free. Scales and codes are
 * searched for the smallest weighted square error, in the simple formats too; equal weights are a
 * search for the smallest mean square error. No block has a larger weighted error than
 * kn_quantize_row() gives it. NULL: kn_quantize_row(). Cost: about 50 times a simple format's, 2
 * times a K format's. Plain floats are converted. */
void kn_quantize_row_weighted (KnDtype dtype, const float *src, const float *weights, void *dst,
                               size_t n);

float kn_f16_to_f32 (uint16_t h);
uint16_t kn_f32_to_f16 (float f); /* round to nearest even, overflow to infinity, NaN kept */
