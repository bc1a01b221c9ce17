/* Element-wise kernels on 8-bit codes: to and from real numbers, any function as a table, sums and
 * products of two tensors. n = 0 is valid; no alignment is assumed; y may be x, a or b where all
 * are bytes. Signed and unsigned codes differ only where it is said. The same bits on every
 * instruction set. */
#pragma once

#include "kn-qconv.h"

typedef struct
{
  const void *a, *b; /* [n] codes; with b_step 0 one code that serves all */
  size_t b_step;     /* 0 or 1 */
  size_t n;
  int a_signed, b_signed;

  /* add: y = clamp (((a * a_factor + b * b_factor + bias) >> shift) + zero), what XNNPACK's 8-bit
   * addition computes; the shift keeps the sign. */
  int32_t a_factor, b_factor, bias;
  uint32_t shift; /* 1..30 */

  /* mul: y = kn_requant1 ((a - a_zero) * (b - b_zero), scale), as in kn-qconv.h. */
  int32_t a_zero, b_zero;
  float scale;

  KnRequant requant; /* add: low, high and zero as integers */
  uint8_t *y;
} KnQbinaryArgs;

typedef struct
{
  /* y[i] = round_half_even (x[i] / scale), clamped to [low, high], plus zero. NaN becomes the
   * lowest. */
  void (*quantize) (const float *x, size_t n, float scale, const KnRequant *requant, uint8_t *y);

  /* y[i] = (float) (x[i] - zero) * scale. */
  void (*dequantize) (const uint8_t *x, size_t n, int is_signed, int32_t zero, float scale,
                      float *y);

  /* y[i] = table[x[i]], x as an unsigned byte. */
  void (*lookup) (const uint8_t *x, size_t n, const uint8_t table[256], uint8_t *y);

  void (*add) (const KnQbinaryArgs *args);
  void (*mul) (const KnQbinaryArgs *args);

  /* Over @n_rows rows of n codes, @row_stride bytes apart: sums[i] += their sum, and y[i] = the
   * larger of y[i] and all of them. Sums must stay within int32. */
  void (*sum_rows) (const uint8_t *x, size_t row_stride, size_t n_rows, size_t n, int is_signed,
                    int32_t *sums);
  void (*max_rows) (const uint8_t *x, size_t row_stride, size_t n_rows, size_t n, int is_signed,
                    uint8_t *y);

  /* y[i] = kn_qround20 (a[i] * a_factor + b[i] * b_factor): 20 fraction bits rounded half away from
   * zero, to a code of either signedness. Sums must stay within int32. */
  void (*lerp) (const int32_t *a, const int32_t *b, int32_t a_factor, int32_t b_factor, size_t n,
                uint8_t *y);
} KnQvecFamily;
