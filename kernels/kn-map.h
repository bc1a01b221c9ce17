/* Element-wise kernels and reductions of networks: activations, arithmetic of two rows, per-channel
 * factors, sums of rows and of columns. All f32. n = 0 is valid everywhere; no alignment is
 * assumed; in place (y is one of the inputs) is valid for everything element-wise. The same bits on
 * every instruction set: kn-map-spec.h defines each operation. Errors against exact arithmetic are
 * checked by kn-check with the bounds that stand in tests/kernels/kn-check-map.c. */
#pragma once

#include "kn-types.h"

/* y[i] = f (x[i]), with the parameters p[0] and p[1] where the table says so. */
typedef enum
{
  KN_MAP_CLAMP,        /* to p[0]..p[1]; NaN stays */
  KN_MAP_LEAKY,        /* x, below 0 times p[0] */
  KN_MAP_AFFINE,       /* x * p[0] + p[1] in one rounding */
  KN_MAP_HARD_SIGMOID, /* x * p[0] + p[1], clamped to 0..1 */
  KN_MAP_HARD_SWISH,   /* x times that with 1/6 and 1/2. Howard et al. 2019 */
  KN_MAP_ELU,          /* x > 0: p[1] x; else p[0] (exp (x) - 1). Clevert et al. 2015 */
  KN_MAP_SIGMOID,      /* 1 / (1 + exp (-x)) */
  KN_MAP_TANH,
  KN_MAP_SILU, /* x / (1 + exp (-x)) */
  KN_MAP_GELU, /* x (1 + erf (x / sqrt (2))) / 2. Hendrycks and Gimpel 2016 */
  KN_MAP_MISH, /* x tanh (log (1 + exp (x))). Misra 2019 */
  KN_MAP_EXP,
  KN_MAP_ERF,
  KN_MAP_ABS,
  KN_MAP_NEG,
  KN_MAP_SQRT,
  KN_MAP_SQUARE,
  KN_MAP_RECIPROCAL,
  KN_N_MAPS
} KnMap;

typedef void (*KnMapFn) (const float *x, const float *p, size_t n, float *y);

/* y[i] = a[i] op b[i]. */
typedef enum
{
  KN_MAP2_ADD,
  KN_MAP2_SUB,
  KN_MAP2_MUL,
  KN_MAP2_DIV,
  KN_MAP2_MIN,   /* NaN when one of the two is */
  KN_MAP2_MAX,   /* the same */
  KN_MAP2_PRELU, /* a, below 0 times b */
  KN_N_MAP2S
} KnMap2;

typedef void (*KnMap2Fn) (const float *a, const float *b, size_t n, float *y);

/* One number from many. Sums over a row run over 16 virtual lanes and a fixed tree (kn-vec-spec.h),
 * sums over a column in blocks of 64 rows, so that long ones keep their accuracy. */
typedef enum
{
  KN_FOLD_SUM,
  KN_FOLD_SUM_ABS,
  KN_FOLD_SUM_SQUARES,
  KN_FOLD_MAX, /* NaN when one is; -infinity for n = 0 */
  KN_FOLD_MIN, /* NaN when one is; infinity for n = 0 */
  KN_N_FOLDS
} KnFold;

typedef float (*KnFoldRowFn) (const float *x, size_t n);
typedef void (*KnFoldColumnsFn) (const float *x, size_t stride, size_t n_rows, size_t n_cols,
                                 float *y);

typedef struct
{
  KnMapFn map[KN_N_MAPS];
  KnMap2Fn map2[KN_N_MAP2S];       /* both are rows */
  KnMap2Fn map2_right[KN_N_MAP2S]; /* b is one number */
  KnMap2Fn map2_left[KN_N_MAP2S];  /* a is one number */

  KnFoldRowFn fold_row[KN_N_FOLDS];
  /* y[c] from x[0][c] ... x[n_rows - 1][c], rows @stride floats apart; y is none of x. */
  KnFoldColumnsFn fold_columns[KN_N_FOLDS];

  /* Sum of (x[i] - mean)^2. */
  float (*sum_squares_about) (const float *x, float mean, size_t n);

  /* y[i] = x[i] * scale[i] + offset[i] in one rounding. */
  void (*affine_channels) (const float *x, const float *scale, const float *offset, size_t n,
                           float *y);

  /* y[i] = ((x[i] - mean) * inverse) * scale[i] + offset[i], the last two in one rounding; either
   * may be NULL: all ones, all zeros. Ba et al. 2016, eq. 4. */
  void (*normalize) (const float *x, float mean, float inverse, const float *scale,
                     const float *offset, size_t n, float *y);
} KnMapFamily;
