/* The map family on 16 lanes, written once for every instruction set.
 *
 * Included by x86/kn-map-avx2.c, x86/kn-map-avx512.c and arm/kn-map-neon.c, each of which first
 * defines the type Vec, 16 floats in as many registers as it takes, and the functions vec_load,
 * vec_store, vec_load_n and vec_store_n (the first n lanes, n in 1..15, no other memory touched),
 * vec_set1, vec_add, vec_sub, vec_mul, vec_div, vec_fma (a b + c), vec_sqrt, vec_abs, vec_neg,
 * vec_copysign, vec_max (a > b ? a : b), vec_min (a < b ? a : b), vec_less (a < b ? yes : no),
 * vec_nan (a NaN ? a : b), vec_exp, vec_tanh, vec_silu and vec_expm1 (of kn-vec-spec.h and
 * kn-map-spec.h). Each function here is the one of the same name in kn-map-spec.h, side by side. */
#pragma once

#include "kn-map-spec.h"
#include "kn-table-private.h"

#define INLINE static inline __attribute__ ((always_inline))

/* ---- one number each ---- */

INLINE Vec
op_clamp (Vec x, Vec low, Vec high)
{
  return vec_min (high, vec_max (low, x));
}

INLINE Vec
op_prelu (Vec x, Vec slope)
{
  return vec_less (x, vec_set1 (0.0f), vec_mul (x, slope), x);
}

INLINE Vec
op_leaky (Vec x, Vec p0, Vec p1)
{
  return op_prelu (x, p0);
}

INLINE Vec
op_affine (Vec x, Vec p0, Vec p1)
{
  return vec_fma (x, p0, p1);
}

INLINE Vec
op_hard_sigmoid (Vec x, Vec p0, Vec p1)
{
  return op_clamp (vec_fma (x, p0, p1), vec_set1 (0.0f), vec_set1 (1.0f));
}

INLINE Vec
op_hard_swish (Vec x, Vec p0, Vec p1)
{
  return vec_mul (x, op_hard_sigmoid (x, vec_set1 (KN_SIXTH), vec_set1 (0.5f)));
}

INLINE Vec
op_elu (Vec x, Vec below, Vec above)
{
  const Vec zero = vec_set1 (0.0f);
  const Vec e = vec_mul (vec_expm1 (vec_less (zero, x, zero, x)), below);
  return vec_less (zero, x, vec_mul (x, above), e);
}

INLINE Vec
op_sigmoid (Vec x, Vec p0, Vec p1)
{
  const Vec one = vec_set1 (1.0f);
  return vec_div (one, vec_add (one, vec_exp (vec_neg (x))));
}

INLINE Vec
op_tanh (Vec x, Vec p0, Vec p1)
{
  return vec_tanh (x);
}

INLINE Vec
op_silu (Vec x, Vec p0, Vec p1)
{
  return vec_silu (x);
}

INLINE Vec
erf_below1 (Vec z)
{
  const Vec s = vec_mul (z, z);
  Vec p = vec_fma (vec_set1 (KN_ERF_P5), s, vec_set1 (KN_ERF_P4));
  p = vec_fma (p, s, vec_set1 (KN_ERF_P3));
  p = vec_fma (p, s, vec_set1 (KN_ERF_P2));
  p = vec_fma (p, s, vec_set1 (KN_ERF_P1));
  return vec_mul (z, vec_fma (p, s, vec_set1 (KN_ERF_P0)));
}

INLINE Vec
erfc_above1 (Vec z)
{
  const Vec c = vec_min (vec_set1 (KN_ERF_LAST), z);
  Vec r = vec_fma (vec_set1 (KN_ERF_R8), c, vec_set1 (KN_ERF_R7));
  r = vec_fma (r, c, vec_set1 (KN_ERF_R6));
  r = vec_fma (r, c, vec_set1 (KN_ERF_R5));
  r = vec_fma (r, c, vec_set1 (KN_ERF_R4));
  r = vec_fma (r, c, vec_set1 (KN_ERF_R3));
  r = vec_fma (r, c, vec_set1 (KN_ERF_R2));
  r = vec_fma (r, c, vec_set1 (KN_ERF_R1));
  r = vec_fma (r, c, vec_set1 (KN_ERF_R0));
  return vec_exp (vec_neg (vec_fma (z, z, r)));
}

INLINE Vec
op_erf (Vec x, Vec p0, Vec p1)
{
  const Vec one = vec_set1 (1.0f), z = vec_abs (x);
  return vec_copysign (vec_less (z, one, erf_below1 (z), vec_sub (one, erfc_above1 (z))), x);
}

INLINE Vec
op_gelu (Vec x, Vec p0, Vec p1)
{
  const Vec one = vec_set1 (1.0f), half = vec_set1 (0.5f);
  const Vec z = vec_mul (vec_abs (x), vec_set1 (KN_SQRT_HALF));
  const Vec tail = vec_less (z, one, vec_fma (erf_below1 (z), vec_set1 (-0.5f), half),
                             vec_mul (erfc_above1 (z), half));
  return vec_mul (x, vec_less (x, vec_set1 (0.0f), tail, vec_sub (one, tail)));
}

INLINE Vec
op_mish (Vec x, Vec p0, Vec p1)
{
  const Vec two = vec_set1 (2.0f);
  const Vec e = vec_exp (vec_min (vec_set1 (KN_MISH_MAX), x));
  const Vec t = vec_mul (e, vec_add (e, two));
  return vec_mul (x, vec_div (t, vec_add (t, two)));
}

INLINE Vec
op_exp (Vec x, Vec p0, Vec p1)
{
  return vec_exp (x);
}

INLINE Vec
op_abs (Vec x, Vec p0, Vec p1)
{
  return vec_abs (x);
}

INLINE Vec
op_neg (Vec x, Vec p0, Vec p1)
{
  return vec_neg (x);
}

INLINE Vec
op_sqrt (Vec x, Vec p0, Vec p1)
{
  return vec_sqrt (x);
}

INLINE Vec
op_square (Vec x, Vec p0, Vec p1)
{
  return vec_mul (x, x);
}

INLINE Vec
op_reciprocal (Vec x, Vec p0, Vec p1)
{
  return vec_div (vec_set1 (1.0f), x);
}

/* @op is inlined. @p is read only by those that have parameters. */
INLINE void
map_row (Vec (*op) (Vec x, Vec p0, Vec p1), const float *x, Vec p0, Vec p1, size_t n, float *y)
{
  size_t i = 0;
  for (; i + KN_LANES <= n; i += KN_LANES)
    vec_store (y + i, op (vec_load (x + i), p0, p1));
  if (i < n)
    vec_store_n (y + i, op (vec_load_n (x + i, n - i), p0, p1), n - i);
}

#define MAP(name)                                                                                  \
  static void map_##name (const float *x, const float *p, size_t n, float *y)                      \
  {                                                                                                \
    map_row (op_##name, x, vec_set1 (0.0f), vec_set1 (0.0f), n, y);                                \
  }
#define MAP_P(name)                                                                                \
  static void map_##name (const float *x, const float *p, size_t n, float *y)                      \
  {                                                                                                \
    map_row (op_##name, x, vec_set1 (p[0]), vec_set1 (p[1]), n, y);                                \
  }

MAP_P (clamp)
MAP_P (leaky)
MAP_P (affine)
MAP_P (hard_sigmoid)
MAP (hard_swish)
MAP_P (elu)
MAP (sigmoid)
MAP (tanh)
MAP (silu)
MAP (gelu)
MAP (mish)
MAP (exp)
MAP (erf)
MAP (abs)
MAP (neg)
MAP (sqrt)
MAP (square)
MAP (reciprocal)

/* ---- two numbers each ---- */

INLINE Vec
op_min2 (Vec a, Vec b)
{
  return vec_nan (a, vec_min (a, b));
}

INLINE Vec
op_max2 (Vec a, Vec b)
{
  return vec_nan (a, vec_max (a, b));
}

INLINE void
map2_row (Vec (*op) (Vec a, Vec b), const float *a, const float *b, size_t n, float *y)
{
  size_t i = 0;
  for (; i + KN_LANES <= n; i += KN_LANES)
    vec_store (y + i, op (vec_load (a + i), vec_load (b + i)));
  if (i < n)
    vec_store_n (y + i, op (vec_load_n (a + i, n - i), vec_load_n (b + i, n - i)), n - i);
}

INLINE void
map2_row_right (Vec (*op) (Vec a, Vec b), const float *a, const float *b, size_t n, float *y)
{
  const Vec one = vec_set1 (*b);
  size_t i = 0;
  for (; i + KN_LANES <= n; i += KN_LANES)
    vec_store (y + i, op (vec_load (a + i), one));
  if (i < n)
    vec_store_n (y + i, op (vec_load_n (a + i, n - i), one), n - i);
}

INLINE void
map2_row_left (Vec (*op) (Vec a, Vec b), const float *a, const float *b, size_t n, float *y)
{
  const Vec one = vec_set1 (*a);
  size_t i = 0;
  for (; i + KN_LANES <= n; i += KN_LANES)
    vec_store (y + i, op (one, vec_load (b + i)));
  if (i < n)
    vec_store_n (y + i, op (one, vec_load_n (b + i, n - i)), n - i);
}

#define MAP2(name, op)                                                                             \
  static void map2_##name (const float *a, const float *b, size_t n, float *y)                     \
  {                                                                                                \
    map2_row (op, a, b, n, y);                                                                     \
  }                                                                                                \
  static void map2_right_##name (const float *a, const float *b, size_t n, float *y)               \
  {                                                                                                \
    map2_row_right (op, a, b, n, y);                                                               \
  }                                                                                                \
  static void map2_left_##name (const float *a, const float *b, size_t n, float *y)                \
  {                                                                                                \
    map2_row_left (op, a, b, n, y);                                                                \
  }

MAP2 (add, vec_add)
MAP2 (sub, vec_sub)
MAP2 (mul, vec_mul)
MAP2 (div, vec_div)
MAP2 (min, op_min2)
MAP2 (max, op_max2)
MAP2 (prelu, op_prelu)

/* ---- folds ---- */

/* @fold is a constant where this is inlined. */
INLINE Vec
fold_step (KnFold fold, Vec total, Vec x)
{
  switch (fold)
    {
    case KN_FOLD_SUM:
      return vec_add (total, x);
    case KN_FOLD_SUM_ABS:
      return vec_add (total, vec_abs (x));
    case KN_FOLD_SUM_SQUARES:
      return vec_fma (x, x, total);
    case KN_FOLD_MAX:
      return op_max2 (total, x);
    case KN_FOLD_MIN:
      return op_min2 (total, x);
    case KN_N_FOLDS:
      break;
    }
  return total;
}

INLINE Vec
fold_join (KnFold fold, Vec a, Vec b)
{
  return fold == KN_FOLD_MAX   ? op_max2 (a, b)
         : fold == KN_FOLD_MIN ? op_min2 (a, b)
                               : vec_add (a, b);
}

INLINE float
fold_row (KnFold fold, const float *x, size_t n)
{
  Vec total = vec_set1 (kn_fold_start (fold));
  size_t i = 0;
  for (; i + KN_LANES <= n; i += KN_LANES)
    total = fold_step (fold, total, vec_load (x + i));

  float lane[KN_LANES];
  vec_store (lane, total);
  for (size_t j = 0; i + j < n; j++)
    lane[j] = kn_fold1 (fold, lane[j], x[i + j]);
  return kn_fold_lanes (fold, lane);
}

/* A strip of @width registers beside each other, of which the last has @n_last lanes. */
INLINE void
fold_strip (KnFold fold, const float *x, size_t stride, size_t n_rows, size_t width, size_t n_last,
            float *y)
{
  const Vec start = vec_set1 (kn_fold_start (fold));
  Vec total[4] = { start, start, start, start };
  for (size_t first = 0; first < n_rows; first += KN_FOLD_ROWS)
    {
      const size_t last = first + KN_FOLD_ROWS < n_rows ? first + KN_FOLD_ROWS : n_rows;
      Vec part[4] = { start, start, start, start };
      for (size_t r = first; r < last; r++)
        for (size_t w = 0; w < width; w++)
          {
            const float *from = x + r * stride + w * KN_LANES;
            const Vec v = n_last < KN_LANES ? vec_load_n (from, n_last) : vec_load (from);
            part[w] = fold_step (fold, part[w], v);
          }
      for (size_t w = 0; w < width; w++)
        total[w] = fold_join (fold, total[w], part[w]);
    }
  for (size_t w = 0; w < width; w++)
    if (n_last < KN_LANES)
      vec_store_n (y + w * KN_LANES, total[w], n_last);
    else
      vec_store (y + w * KN_LANES, total[w]);
}

INLINE void
fold_columns (KnFold fold, const float *x, size_t stride, size_t n_rows, size_t n_cols, float *y)
{
  size_t c = 0;
  for (; c + 4 * KN_LANES <= n_cols; c += 4 * KN_LANES)
    fold_strip (fold, x + c, stride, n_rows, 4, KN_LANES, y + c);
  for (; c + KN_LANES <= n_cols; c += KN_LANES)
    fold_strip (fold, x + c, stride, n_rows, 1, KN_LANES, y + c);
  if (c < n_cols)
    fold_strip (fold, x + c, stride, n_rows, 1, n_cols - c, y + c);
}

#define FOLD(name, fold)                                                                           \
  static float row_##name (const float *x, size_t n)                                               \
  {                                                                                                \
    return fold_row (fold, x, n);                                                                  \
  }                                                                                                \
  static void columns_##name (const float *x, size_t stride, size_t n_rows, size_t n_cols,         \
                              float *y)                                                            \
  {                                                                                                \
    fold_columns (fold, x, stride, n_rows, n_cols, y);                                             \
  }

FOLD (sum, KN_FOLD_SUM)
FOLD (sum_abs, KN_FOLD_SUM_ABS)
FOLD (sum_squares, KN_FOLD_SUM_SQUARES)
FOLD (max, KN_FOLD_MAX)
FOLD (min, KN_FOLD_MIN)

static float
sum_squares_about (const float *x, float mean, size_t n)
{
  const Vec m = vec_set1 (mean);
  Vec total = vec_set1 (0.0f);
  size_t i = 0;
  for (; i + KN_LANES <= n; i += KN_LANES)
    {
      const Vec d = vec_sub (vec_load (x + i), m);
      total = vec_fma (d, d, total);
    }

  float lane[KN_LANES];
  vec_store (lane, total);
  for (size_t j = 0; i + j < n; j++)
    {
      const float d = x[i + j] - mean;
      lane[j] = fmaf (d, d, lane[j]);
    }
  return kn_sum_lanes (lane);
}

/* ---- channels ---- */

static void
affine_channels (const float *x, const float *scale, const float *offset, size_t n, float *y)
{
  size_t i = 0;
  for (; i + KN_LANES <= n; i += KN_LANES)
    vec_store (y + i, vec_fma (vec_load (x + i), vec_load (scale + i), vec_load (offset + i)));
  for (; i < n; i++)
    y[i] = fmaf (x[i], scale[i], offset[i]);
}

static void
normalize (const float *x, float mean, float inverse, const float *scale, const float *offset,
           size_t n, float *y)
{
  const Vec m = vec_set1 (mean), inv = vec_set1 (inverse);
  const Vec one = vec_set1 (1.0f), zero = vec_set1 (0.0f);
  size_t i = 0;
  for (; i + KN_LANES <= n; i += KN_LANES)
    vec_store (y + i,
               vec_fma (vec_mul (vec_sub (vec_load (x + i), m), inv),
                        scale ? vec_load (scale + i) : one, offset ? vec_load (offset + i) : zero));
  for (; i < n; i++)
    y[i] = fmaf ((x[i] - mean) * inverse, scale ? scale[i] : 1.0f, offset ? offset[i] : 0.0f);
}

/* ---- the table ---- */

#define FORMS2(id, name)                                                                           \
  f->map2[id] = map2_##name;                                                                       \
  f->map2_right[id] = map2_right_##name;                                                           \
  f->map2_left[id] = map2_left_##name

#define FOLDS(id, name)                                                                            \
  f->fold_row[id] = row_##name;                                                                    \
  f->fold_columns[id] = columns_##name

static void
fill_map_family (KnMapFamily *f)
{
  *f = (KnMapFamily){
    .map = {
      [KN_MAP_CLAMP] = map_clamp,
      [KN_MAP_LEAKY] = map_leaky,
      [KN_MAP_AFFINE] = map_affine,
      [KN_MAP_HARD_SIGMOID] = map_hard_sigmoid,
      [KN_MAP_HARD_SWISH] = map_hard_swish,
      [KN_MAP_ELU] = map_elu,
      [KN_MAP_SIGMOID] = map_sigmoid,
      [KN_MAP_TANH] = map_tanh,
      [KN_MAP_SILU] = map_silu,
      [KN_MAP_GELU] = map_gelu,
      [KN_MAP_MISH] = map_mish,
      [KN_MAP_EXP] = map_exp,
      [KN_MAP_ERF] = map_erf,
      [KN_MAP_ABS] = map_abs,
      [KN_MAP_NEG] = map_neg,
      [KN_MAP_SQRT] = map_sqrt,
      [KN_MAP_SQUARE] = map_square,
      [KN_MAP_RECIPROCAL] = map_reciprocal,
    },
    .sum_squares_about = sum_squares_about,
    .affine_channels = affine_channels,
    .normalize = normalize,
  };
  FORMS2 (KN_MAP2_ADD, add);
  FORMS2 (KN_MAP2_SUB, sub);
  FORMS2 (KN_MAP2_MUL, mul);
  FORMS2 (KN_MAP2_DIV, div);
  FORMS2 (KN_MAP2_MIN, min);
  FORMS2 (KN_MAP2_MAX, max);
  FORMS2 (KN_MAP2_PRELU, prelu);
  FOLDS (KN_FOLD_SUM, sum);
  FOLDS (KN_FOLD_SUM_ABS, sum_abs);
  FOLDS (KN_FOLD_SUM_SQUARES, sum_squares);
  FOLDS (KN_FOLD_MAX, max);
  FOLDS (KN_FOLD_MIN, min);
}
