/* Shared by the quantizers of the simple and of the K formats. */
#pragma once

#include "kn-block-private.h"
#include "kn-f16-private.h"
#include "kn-types.h"

/* Copy [n] values, NaN as 0, clamped to what a half-precision scale can hold. The formats have no
 * codes for the others. */
static inline void
kn_quant_clean (const float *src, float *dst, size_t n)
{
  const uint32_t limit = 0x477fe000; /* 65504 */

  for (size_t i = 0; i < n; i++)
    {
      uint32_t bits = kn_f32_bits (src[i]);
      int32_t a = (int32_t)(bits & 0x7fffffff);

      a = a > 0x7f800000 ? 0 : a;
      a = a > (int32_t)limit ? (int32_t)limit : a;
      dst[i] = kn_f32_from_bits ((uint32_t)a | (bits & 0x80000000));
    }
}

/* @weights: what an error on each value costs, or NULL (kn-quant-fit-private.h). */
void kn_quantize_q4_k (const float *src, const float *weights, void *dst, size_t n);
void kn_quantize_q5_k (const float *src, const float *weights, void *dst, size_t n);
void kn_quantize_q6_k (const float *src, const float *weights, void *dst, size_t n);
void kn_quantize_q2_k (const float *src, const float *weights, void *dst, size_t n);
void kn_quantize_q3_k (const float *src, const float *weights, void *dst, size_t n);
void kn_quantize_q1_64 (const float *src, const float *weights, void *dst, size_t n);
void kn_quantize_q2_64 (const float *src, const float *weights, void *dst, size_t n);
void kn_quantize_q3_64 (const float *src, const float *weights, void *dst, size_t n);
void kn_quantize_tq1_0 (const float *src, const float *weights, void *dst, size_t n);
void kn_quantize_tq2_0 (const float *src, const float *weights, void *dst, size_t n);
void kn_quantize_mxfp4 (const float *src, const float *weights, void *dst, size_t n);
/* @dtype: F8_E4M3 or F8_E5M2. */
void kn_quantize_f8 (KnDtype dtype, const float *src, const float *weights, void *dst, size_t n);
void kn_dequantize_f8 (KnDtype dtype, const void *src, float *dst, size_t n);

void kn_dequantize_q2_k (const void *src, float *dst, size_t n);
void kn_dequantize_q3_k (const void *src, float *dst, size_t n);
void kn_dequantize_q1_64 (const void *src, float *dst, size_t n);
void kn_dequantize_q2_64 (const void *src, float *dst, size_t n);
void kn_dequantize_q3_64 (const void *src, float *dst, size_t n);
void kn_dequantize_tq1_0 (const void *src, float *dst, size_t n);
void kn_dequantize_tq2_0 (const void *src, float *dst, size_t n);
void kn_dequantize_mxfp4 (const void *src, float *dst, size_t n);

/* Rows with one scale (kn-quant-row.c). */
void kn_quantize_w8a8 (const float *src, void *dst, size_t n);
void kn_quantize_w4a8 (const float *src, const float *weights, void *dst, size_t n);
