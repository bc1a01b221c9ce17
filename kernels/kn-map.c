/* The map family in plain C: the specification, and what runs where no better level is.
 *
 * Called through KnMapFamily. Must know nothing of operators, shapes or threads. */
#include "kn-map.h"

#include "kn-map-spec.h"
#include "kn-table-private.h"

/* A row kernel of one number's function: @value is an expression in x, p. */
#define MAP(name, value)                                                                           \
  static void name##_c (const float *row, const float *p, size_t n, float *y)                      \
  {                                                                                                \
    for (size_t i = 0; i < n; i++)                                                                 \
      {                                                                                            \
        const float x = row[i];                                                                    \
        y[i] = value;                                                                              \
      }                                                                                            \
  }

MAP (clamp, kn_clamp1 (x, p[0], p[1]))
MAP (leaky, kn_prelu1 (x, p[0]))
MAP (affine, fmaf (x, p[0], p[1]))
MAP (hard_sigmoid, kn_hard_sigmoid1 (x, p[0], p[1]))
MAP (hard_swish, kn_hard_swish1 (x))
MAP (elu, kn_elu1 (x, p[0], p[1]))
MAP (sigmoid, kn_sigmoid1 (x))
MAP (tanh, kn_tanh1 (x))
MAP (silu, kn_silu1 (x))
MAP (gelu, kn_gelu_erf1 (x))
MAP (mish, kn_mish1 (x))
MAP (exp, kn_exp1 (x))
MAP (erf, kn_erf1 (x))
MAP (abs, fabsf (x))
MAP (neg, -x)
MAP (sqrt, sqrtf (x))
MAP (square, x *x)
MAP (reciprocal, 1.0f / x)

/* The three forms of a function of two numbers: @value is an expression in a, b. */
#define MAP2(name, value)                                                                          \
  static void name##_c (const float *as, const float *bs, size_t n, float *y)                      \
  {                                                                                                \
    for (size_t i = 0; i < n; i++)                                                                 \
      {                                                                                            \
        const float a = as[i], b = bs[i];                                                          \
        y[i] = value;                                                                              \
      }                                                                                            \
  }                                                                                                \
  static void name##_right_c (const float *as, const float *bs, size_t n, float *y)                \
  {                                                                                                \
    const float b = *bs;                                                                           \
    for (size_t i = 0; i < n; i++)                                                                 \
      {                                                                                            \
        const float a = as[i];                                                                     \
        y[i] = value;                                                                              \
      }                                                                                            \
  }                                                                                                \
  static void name##_left_c (const float *as, const float *bs, size_t n, float *y)                 \
  {                                                                                                \
    const float a = *as;                                                                           \
    for (size_t i = 0; i < n; i++)                                                                 \
      {                                                                                            \
        const float b = bs[i];                                                                     \
        y[i] = value;                                                                              \
      }                                                                                            \
  }

MAP2 (add, a + b)
MAP2 (sub, a - b)
MAP2 (mul, a *b)
MAP2 (div, a / b)
MAP2 (min, kn_min2_1 (a, b))
MAP2 (max, kn_max2_1 (a, b))
MAP2 (prelu, kn_prelu1 (a, b))

static inline float
fold_row (KnFold fold, const float *x, size_t n)
{
  float lane[KN_LANES];
  for (int i = 0; i < KN_LANES; i++)
    lane[i] = kn_fold_start (fold);
  for (size_t i = 0; i < n; i++)
    lane[i % KN_LANES] = kn_fold1 (fold, lane[i % KN_LANES], x[i]);
  return kn_fold_lanes (fold, lane);
}

static inline void
fold_columns (KnFold fold, const float *x, size_t stride, size_t n_rows, size_t n_cols, float *y)
{
  for (size_t c = 0; c < n_cols; c++)
    {
      float total = kn_fold_start (fold);
      for (size_t first = 0; first < n_rows; first += KN_FOLD_ROWS)
        {
          const size_t last = first + KN_FOLD_ROWS < n_rows ? first + KN_FOLD_ROWS : n_rows;
          float part = kn_fold_start (fold);
          for (size_t r = first; r < last; r++)
            part = kn_fold1 (fold, part, x[r * stride + c]);
          total = kn_fold_join1 (fold, total, part);
        }
      y[c] = total;
    }
}

#define FOLD(name, fold)                                                                           \
  static float name##_row_c (const float *x, size_t n)                                             \
  {                                                                                                \
    return fold_row (fold, x, n);                                                                  \
  }                                                                                                \
  static void name##_columns_c (const float *x, size_t stride, size_t n_rows, size_t n_cols,       \
                                float *y)                                                          \
  {                                                                                                \
    fold_columns (fold, x, stride, n_rows, n_cols, y);                                             \
  }

FOLD (sum, KN_FOLD_SUM)
FOLD (sum_abs, KN_FOLD_SUM_ABS)
FOLD (sum_squares, KN_FOLD_SUM_SQUARES)
FOLD (max, KN_FOLD_MAX)
FOLD (min, KN_FOLD_MIN)

static float
sum_squares_about_c (const float *x, float mean, size_t n)
{
  float lane[KN_LANES] = { 0 };
  for (size_t i = 0; i < n; i++)
    {
      const float d = x[i] - mean;
      lane[i % KN_LANES] = fmaf (d, d, lane[i % KN_LANES]);
    }
  return kn_sum_lanes (lane);
}

static void
affine_channels_c (const float *x, const float *scale, const float *offset, size_t n, float *y)
{
  for (size_t i = 0; i < n; i++)
    y[i] = fmaf (x[i], scale[i], offset[i]);
}

static void
normalize_c (const float *x, float mean, float inverse, const float *scale, const float *offset,
             size_t n, float *y)
{
  for (size_t i = 0; i < n; i++)
    y[i] = fmaf ((x[i] - mean) * inverse, scale ? scale[i] : 1.0f, offset ? offset[i] : 0.0f);
}

#define FORMS2(id, name)                                                                           \
  f->map2[id] = name##_c;                                                                          \
  f->map2_right[id] = name##_right_c;                                                              \
  f->map2_left[id] = name##_left_c

#define FOLDS(id, name)                                                                            \
  f->fold_row[id] = name##_row_c;                                                                  \
  f->fold_columns[id] = name##_columns_c

void
kn_map_c (KnMapFamily *f)
{
  *f = (KnMapFamily){
    .map = {
      [KN_MAP_CLAMP] = clamp_c,
      [KN_MAP_LEAKY] = leaky_c,
      [KN_MAP_AFFINE] = affine_c,
      [KN_MAP_HARD_SIGMOID] = hard_sigmoid_c,
      [KN_MAP_HARD_SWISH] = hard_swish_c,
      [KN_MAP_ELU] = elu_c,
      [KN_MAP_SIGMOID] = sigmoid_c,
      [KN_MAP_TANH] = tanh_c,
      [KN_MAP_SILU] = silu_c,
      [KN_MAP_GELU] = gelu_c,
      [KN_MAP_MISH] = mish_c,
      [KN_MAP_EXP] = exp_c,
      [KN_MAP_ERF] = erf_c,
      [KN_MAP_ABS] = abs_c,
      [KN_MAP_NEG] = neg_c,
      [KN_MAP_SQRT] = sqrt_c,
      [KN_MAP_SQUARE] = square_c,
      [KN_MAP_RECIPROCAL] = reciprocal_c,
    },
    .sum_squares_about = sum_squares_about_c,
    .affine_channels = affine_channels_c,
    .normalize = normalize_c,
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
