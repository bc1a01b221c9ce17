/* Convolution, depthwise convolution and pooling, written once for instruction sets with short
 * vectors.
 *
 * Included by x86/kn-conv-avx2.c and arm/kn-conv-neon.c, each of which first defines
 * CONV_MAX_PIXELS and CONV_MAX_PANELS of its tiles, the type Vec of VEC_LANES floats (a divisor of
 * 16) and the functions vec_load, vec_store, vec_set1, vec_add, vec_div, vec_fma (a b + c),
 * vec_at_least (v < low ? low : v), vec_at_most (v > high ? high : v), vec_max (a > b ? a : b); and
 * how one number times a vector is best done: the type VecScalar, vec_scalar (pointer to it) and
 * vec_fma_scalar. */
#pragma once

#include "kn-conv-walk.h"
#include "kn-table-private.h"

#include <math.h>

/* Vectors of a line of weights. */
#define LINE (KN_PANEL_ROWS / VEC_LANES)

/* ---- convolution ---- */

KN_INLINE Vec
end_vector (const KnConvArgs *a, Vec v, const float *bias, const float *residual)
{
  if (bias)
    v = vec_add (v, vec_load (bias));
  if (residual)
    v = vec_add (v, vec_load (residual));
  return vec_at_most (vec_at_least (v, a->min), a->max);
}

/* A panel of which not all rows are wanted. */
static void
store_lanes (const KnConvArgs *a, size_t t, size_t panel, const float sums[KN_PANEL_ROWS])
{
  const ptrdiff_t lane0 = kn_conv_lane0 (a, panel);
  size_t low, high;

  kn_conv_lanes (a, panel, &low, &high);
  for (size_t r = low; r < high; r++)
    {
      const size_t row = (size_t)(lane0 + (ptrdiff_t)r);
      float v = sums[r];

      if (a->bias)
        v += a->bias[row];
      if (a->residual)
        v += a->residual[t * a->residual_stride + row];
      a->y[t * a->y_stride + row] = kn_conv_limit (v, a->min, a->max);
    }
}

/* The sums of pixel @t and panel @panel become outputs. */
KN_INLINE void
store_panel (const KnConvArgs *a, size_t t, size_t panel, const Vec acc[LINE])
{
  size_t low, high;

  kn_conv_lanes (a, panel, &low, &high);
  if (high - low < KN_PANEL_ROWS)
    {
      float sums[KN_PANEL_ROWS];

      KN_UNROLL
      for (int v = 0; v < LINE; v++)
        vec_store (sums + v * VEC_LANES, acc[v]);
      store_lanes (a, t, panel, sums);
      return;
    }

  const size_t row = (size_t)kn_conv_lane0 (a, panel);
  const float *bias = a->bias ? a->bias + row : NULL;
  const float *residual = a->residual ? a->residual + t * a->residual_stride + row : NULL;
  float *y = a->y + t * a->y_stride + row;
  KN_UNROLL
  for (int v = 0; v < LINE; v++)
    {
      const int at = v * VEC_LANES;

      vec_store (y + at,
                 end_vector (a, acc[v], bias ? bias + at : NULL, residual ? residual + at : NULL));
    }
}

KN_INLINE void
conv_tile (const int n_pixels, const int n_panels, const KnConvPass *pass, size_t first_pixel)
{
  const KnConvArgs *a = pass->args;
  const size_t n_terms = pass->block.end - pass->block.first;
  const size_t panel_floats = kn_conv_pass_stride (pass);
  const int n_vecs = n_panels * LINE;
  float *sums = kn_conv_sums (a) + first_pixel * (size_t)n_panels * KN_PANEL_ROWS;
  size_t segment = pass->segment, offset = pass->offset;
  Vec acc[CONV_MAX_PIXELS][CONV_MAX_PANELS * LINE];

  KN_UNROLL
  for (int t = 0; t < n_pixels; t++)
    {
      KN_UNROLL
      for (int v = 0; v < n_vecs; v++)
        acc[t][v]
            = pass->block.is_first ? vec_set1 (0) : vec_load (sums + (t * n_vecs + v) * VEC_LANES);
    }

  for (size_t left = n_terms; left > 0; segment++, offset = 0)
    {
      const size_t n = a->segment_len - offset < left ? a->segment_len - offset : left;
      const float *w = kn_conv_pass_weights (pass, segment, offset, n_terms - left);
      const float *const *segments = a->segments + segment * a->n_pixels + first_pixel;
      const float *x[CONV_MAX_PIXELS];

      KN_UNROLL
      for (int t = 0; t < n_pixels; t++)
        x[t] = segments[t] + offset;
      for (size_t i = 0; i < n; i++, w += KN_PANEL_ROWS)
        {
          Vec line[CONV_MAX_PANELS * LINE];

          KN_UNROLL
          for (int v = 0; v < n_vecs; v++)
            line[v] = vec_load (w + (size_t)(v / LINE) * panel_floats + v % LINE * VEC_LANES);
          KN_UNROLL
          for (int t = 0; t < n_pixels; t++)
            {
              const VecScalar value = vec_scalar (x[t] + i);

              KN_UNROLL
              for (int v = 0; v < n_vecs; v++)
                acc[t][v] = vec_fma_scalar (line[v], value, acc[t][v]);
            }
        }
      left -= n;
    }

  KN_UNROLL
  for (int t = 0; t < n_pixels; t++)
    {
      if (!pass->block.is_last)
        {
          KN_UNROLL
          for (int v = 0; v < n_vecs; v++)
            vec_store (sums + (t * n_vecs + v) * VEC_LANES, acc[t][v]);
          continue;
        }
      KN_UNROLL
      for (int p = 0; p < n_panels; p++)
        store_panel (a, first_pixel + (size_t)t, pass->first_panel + (size_t)p, acc[t] + p * LINE);
    }
}

#define CONV_TILE(pixels, panels)                                                                  \
  static __attribute__ ((noinline)) void tile_##pixels##x##panels (const KnConvPass *pass,         \
                                                                   size_t first_pixel)             \
  {                                                                                                \
    conv_tile (pixels, panels, pass, first_pixel);                                                 \
  }

/* ---- depthwise: strips of VEC_LANES channels, the weights of a window row at a time ---- */

/* Columns that the windows of some pixels see, at most. */
#define MAX_COLUMNS 16

KN_INLINE void
depthwise_store (const KnDepthwiseArgs *a, size_t pixel, size_t c, Vec v)
{
  if (a->bias)
    v = vec_add (v, vec_load (a->bias + c));
  vec_store (a->y + pixel * a->y_stride + c, vec_at_most (vec_at_least (v, a->min), a->max));
}

/* @n pixels of a window of @size x @size: columns that neighbours share are loaded once. */
KN_INLINE void
depthwise_square (const KnDepthwiseArgs *a, const int size, const int stride, const int n,
                  size_t pixel, size_t c)
{
  const float *const *columns = a->columns + pixel * (size_t)stride;
  const float *w = a->weights + c;
  Vec acc[8];

  KN_UNROLL
  for (int p = 0; p < n; p++)
    acc[p] = vec_set1 (0);
  for (int i = 0; i < size; i++, columns += a->columns_stride)
    {
      Vec x[MAX_COLUMNS];

      KN_UNROLL
      for (int j = 0; j < (n - 1) * stride + size; j++)
        x[j] = vec_load (columns[j] + c);
      KN_UNROLL
      for (int j = 0; j < size; j++, w += a->weights_stride)
        {
          const Vec weight = vec_load (w);

          KN_UNROLL
          for (int p = 0; p < n; p++)
            acc[p] = vec_fma (weight, x[p * stride + j], acc[p]);
        }
    }
  KN_UNROLL
  for (int p = 0; p < n; p++)
    depthwise_store (a, pixel + (size_t)p, c, acc[p]);
}

KN_INLINE void
depthwise_any (const KnDepthwiseArgs *a, const int n, size_t pixel, size_t c)
{
  const float *w = a->weights + c;
  Vec acc[8];

  KN_UNROLL
  for (int p = 0; p < n; p++)
    acc[p] = vec_set1 (0);
  for (size_t i = 0; i < a->kernel_h; i++)
    {
      const float *const *columns = a->columns + i * a->columns_stride + pixel * a->stride;

      for (size_t j = 0; j < a->kernel_w; j++, columns += a->dilation, w += a->weights_stride)
        {
          const Vec weight = vec_load (w);

          KN_UNROLL
          for (int p = 0; p < n; p++)
            acc[p] = vec_fma (weight, vec_load (columns[(size_t)p * a->stride] + c), acc[p]);
        }
    }
  KN_UNROLL
  for (int p = 0; p < n; p++)
    depthwise_store (a, pixel + (size_t)p, c, acc[p]);
}

/* One channel, for those that do not fill a vector. */
static void
depthwise_channel (const KnDepthwiseArgs *a, size_t c)
{
  for (size_t p = 0; p < a->n_pixels; p++)
    {
      const float *w = a->weights + c;
      float acc = 0;

      for (size_t i = 0; i < a->kernel_h; i++)
        for (size_t j = 0; j < a->kernel_w; j++, w += a->weights_stride)
          acc = fmaf (*w, a->columns[i * a->columns_stride + p * a->stride + j * a->dilation][c],
                      acc);
      if (a->bias)
        acc += a->bias[c];
      a->y[p * a->y_stride + c] = kn_conv_limit (acc, a->min, a->max);
    }
}

typedef void (*DepthwiseFn) (const KnDepthwiseArgs *a, size_t pixel, size_t c);

/* A row of pixels: @n_many of them at a time, then two, then one. */
KN_INLINE void
depthwise_row (const KnDepthwiseArgs *a, size_t c, size_t n_many, DepthwiseFn many, DepthwiseFn two,
               DepthwiseFn one)
{
  size_t pixel = 0;

  for (; pixel + n_many <= a->n_pixels; pixel += n_many)
    many (a, pixel, c);
  for (; pixel + 2 <= a->n_pixels; pixel += 2)
    two (a, pixel, c);
  if (pixel < a->n_pixels)
    one (a, pixel, c);
}

#define DEPTHWISE_SQUARE(name, size, stride, n)                                                    \
  static void name##_many (const KnDepthwiseArgs *a, size_t pixel, size_t c)                       \
  {                                                                                                \
    depthwise_square (a, size, stride, n, pixel, c);                                               \
  }                                                                                                \
  static void name##_two (const KnDepthwiseArgs *a, size_t pixel, size_t c)                        \
  {                                                                                                \
    depthwise_square (a, size, stride, 2, pixel, c);                                               \
  }                                                                                                \
  static void name##_one (const KnDepthwiseArgs *a, size_t pixel, size_t c)                        \
  {                                                                                                \
    depthwise_square (a, size, stride, 1, pixel, c);                                               \
  }                                                                                                \
  static void name (const KnDepthwiseArgs *a, size_t c)                                            \
  {                                                                                                \
    depthwise_row (a, c, n, name##_many, name##_two, name##_one);                                  \
  }
DEPTHWISE_SQUARE (depthwise_3x3_stride1, 3, 1, 4)
DEPTHWISE_SQUARE (depthwise_3x3_stride2, 3, 2, 3)
DEPTHWISE_SQUARE (depthwise_5x5_stride1, 5, 1, 4)
DEPTHWISE_SQUARE (depthwise_5x5_stride2, 5, 2, 3)

static void
any_many (const KnDepthwiseArgs *a, size_t pixel, size_t c)
{
  depthwise_any (a, 8, pixel, c);
}

static void
any_two (const KnDepthwiseArgs *a, size_t pixel, size_t c)
{
  depthwise_any (a, 2, pixel, c);
}

static void
any_one (const KnDepthwiseArgs *a, size_t pixel, size_t c)
{
  depthwise_any (a, 1, pixel, c);
}

static void
depthwise_other (const KnDepthwiseArgs *a, size_t c)
{
  depthwise_row (a, c, 8, any_many, any_two, any_one);
}

static void
depthwise_body (const KnDepthwiseArgs *a)
{
  static void (*const squares[2][2]) (const KnDepthwiseArgs *, size_t) = {
    { depthwise_3x3_stride1, depthwise_3x3_stride2 },
    { depthwise_5x5_stride1, depthwise_5x5_stride2 },
  };
  const int square = a->kernel_h == a->kernel_w && (a->kernel_w == 3 || a->kernel_w == 5)
                     && a->dilation == 1 && a->stride <= 2;
  size_t c = 0;

  for (; c + VEC_LANES <= a->n_channels; c += VEC_LANES)
    if (square)
      squares[a->kernel_w == 5][a->stride - 1](a, c);
    else
      depthwise_other (a, c);
  for (; c < a->n_channels; c++)
    depthwise_channel (a, c);
}

/* ---- pooling ---- */

/* @n vectors of channels from @c on, of the pixel whose taps lie @at floats behind the first
 * one's. */
KN_INLINE void
pool_vectors (const KnPoolArgs *a, const int is_max, const int n, size_t at, float *y, size_t c)
{
  Vec acc[4];

  KN_UNROLL
  for (int i = 0; i < n; i++)
    acc[i] = vec_set1 (is_max ? -INFINITY : 0);
  for (size_t t = 0; t < a->n_taps; t++)
    {
      KN_UNROLL
      for (int i = 0; i < n; i++)
        {
          const Vec v = vec_load (a->taps[t] + at + c + i * VEC_LANES);

          acc[i] = is_max ? vec_max (v, acc[i]) : vec_add (acc[i], v);
        }
    }
  KN_UNROLL
  for (int i = 0; i < n; i++)
    {
      const Vec v = is_max ? acc[i] : vec_div (acc[i], vec_set1 (a->divisor));

      vec_store (y + c + i * VEC_LANES, vec_at_most (vec_at_least (v, a->min), a->max));
    }
}

KN_INLINE void
pool_pixel (const KnPoolArgs *a, const int is_max, size_t at, float *y)
{
  size_t c = 0;

  for (; c + 4 * VEC_LANES <= a->n_channels; c += 4 * VEC_LANES)
    pool_vectors (a, is_max, 4, at, y, c);
  for (; c + VEC_LANES <= a->n_channels; c += VEC_LANES)
    pool_vectors (a, is_max, 1, at, y, c);
  for (; c < a->n_channels; c++)
    {
      float v = is_max ? -INFINITY : 0;

      for (size_t t = 0; t < a->n_taps; t++)
        {
          const float x = a->taps[t][at + c];

          v = is_max ? (x > v ? x : v) : v + x;
        }
      y[c] = kn_conv_limit (is_max ? v : v / a->divisor, a->min, a->max);
    }
}

KN_INLINE void
pool_body (const KnPoolArgs *a, const int is_max)
{
  for (size_t p = 0; p < a->n_pixels; p++)
    pool_pixel (a, is_max, p * a->step, a->y + p * a->y_stride);
}

static void
pool_max_body (const KnPoolArgs *a)
{
  pool_body (a, 1);
}

static void
pool_average_body (const KnPoolArgs *a)
{
  pool_body (a, 0);
}
