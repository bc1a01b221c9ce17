/* Element-wise and row-wise kernels of a transformer. All f32. Sums run over 16 virtual lanes
 * (element i goes to lane i mod 16), then a fixed tree, so that every instruction set gives the
 * same bits. n = 0 is valid everywhere; no alignment is assumed; in-place (y == x) is valid where
 * the comment says so. */
#pragma once

#include "kn-types.h"

typedef struct
{
  /* y[i] = x[i] / sqrt (mean (x^2) + eps) * w[i]. Zhang and Sennrich 2019, eq. 4. w
   * may be NULL (all ones). */
  void (*rmsnorm) (const float *x, const float *w, float eps, size_t n, float *y);

  /* Softmax of one row; stable (maximum subtracted). -inf entries give 0. */
  void (*softmax) (const float *x, size_t n, float *y);

  /* Rotary embedding of one head [n], n even: pairs (2i, 2i+1) or (i, i + n/2); cos/sin are [n/2].
   * In place valid. Su et al. 2021, eq. 34. */
  void (*rope_adjacent) (const float *x, const float *cos, const float *sin, size_t n, float *y);
  void (*rope_half) (const float *x, const float *cos, const float *sin, size_t n, float *y);

  void (*silu_mul) (const float *gate, const float *up, size_t n,
                    float *y); /* y = silu (gate) * up */
  void (*gelu_tanh_mul) (const float *gate, const float *up, size_t n,
                         float *y); /* Gemma's GeGLU */
  void (*silu) (const float *x, size_t n, float *y);
  void (*add) (const float *a, const float *b, size_t n, float *y);
  void (*mul) (const float *a, const float *b, size_t n, float *y);
  void (*scale) (const float *x, float s, size_t n, float *y);

  /* Dot product in f32, 16 lanes. */
  float (*dot) (const float *a, const float *b, size_t n);

  void (*f16_to_f32) (const uint16_t *x, size_t n, float *y);
  void (*f32_to_f16) (const float *x, size_t n, uint16_t *y);
} KnVecFamily;

/* The one exponential that all families share: a polynomial, same bits on every instruction set,
 * within 2 ulp of exp (x). */
float kn_expf (float x);
