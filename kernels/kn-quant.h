/* Rows of numbers between f32 and the file formats. The C code is the specification of each format. */
#pragma once

#include "kn-types.h"

/* @src: one row of @n values in @dtype (GGUF block layout); @dst: [n] f32. @n is a multiple of the block length. */
void kn_dequantize_row (KnDtype dtype, const void *src, float *dst, size_t n);

/* Round-to-nearest quantization of [n] f32 into GGUF blocks. For the K formats the scales are found by a
 * weighted least-squares search. NaN is stored as 0. @n is a multiple of the block length. */
void kn_quantize_row (KnDtype dtype, const float *src, void *dst, size_t n);

float kn_f16_to_f32 (uint16_t h);
uint16_t kn_f32_to_f16 (float f);  /* round to nearest even, overflow to infinity, NaN kept */
