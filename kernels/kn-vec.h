/* Element-wise and row-wise kernels of a transformer. All f32. Sums run over 16 virtual lanes
 * (element i goes to lane i mod 16), then a fixed tree, so that every instruction set gives the
 * same bits. n = 0 is valid everywhere; no alignment is assumed; in place (y is one of the inputs)
 * is valid for all but the two conversions. Errors, against exact arithmetic, are checked by
 * kn-check with the bounds that stand in tests/kernels/kn-check-vec.c. */
#pragma once

#include "kn-types.h"

typedef struct
{
  /* y[i] = x[i] / sqrt (mean (x^2) + eps) * w[i]; w may be NULL (all ones).
   * Zhang and Sennrich 2019, eq. 4. */
  void (*rmsnorm) (const float *x, const float *w, float eps, size_t n, float *y);

  /* Softmax of one row; stable (maximum subtracted). -inf entries give 0, a row of nothing but -inf
   * gives zeros, a NaN or +inf makes the whole row NaN. */
  void (*softmax) (const float *x, size_t n, float *y);

  /* Rotary embedding of one head [n], n even: pairs (2i, 2i+1) or (i, i + n/2); cos and sin are
   * [n/2]. Su et al. 2021, eq. 34. */
  void (*rope_adjacent) (const float *x, const float *cos, const float *sin, size_t n, float *y);
  void (*rope_half) (const float *x, const float *cos, const float *sin, size_t n, float *y);

  /* y = silu (gate) * up; y = gelu (gate) * up with the tanh form of gelu (Gemma's GeGLU). */
  void (*silu_mul) (const float *gate, const float *up, size_t n, float *y);
  void (*gelu_tanh_mul) (const float *gate, const float *up, size_t n, float *y);
  void (*silu) (const float *x, size_t n, float *y);

  void (*add) (const float *a, const float *b, size_t n, float *y);
  void (*mul) (const float *a, const float *b, size_t n, float *y);
  void (*scale) (const float *x, float s, size_t n, float *y);

  /* Dot product in f32, 16 lanes. */
  float (*dot) (const float *a, const float *b, size_t n);

  /* Half precision: to nearest even, subnormals kept, overflow to infinity, NaN stays NaN. */
  void (*f16_to_f32) (const uint16_t *x, size_t n, float *y);
  void (*f32_to_f16) (const float *x, size_t n, uint16_t *y);
} KnVecFamily;

/* The one exponential that all families share: a polynomial, same bits on every instruction set,
 * within 2 ulp of exp (x), subnormal results included. */
float kn_expf (float x);
