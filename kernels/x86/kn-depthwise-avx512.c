/* Depthwise convolutions with AVX-512: 16 channels at a time along a row of output pixels.
 *
 * Up to 8 pixels are in work at once, because the multiply-adds of one output form a chain, and
 * neighbours share the input columns that their windows have in common. A row is cut into groups of
 * nearly equal size: a short last one would wait for its chain. All that a group needs is in a
 * structure of its own that is passed by value, since a store could change whatever a pointer leads
 * to as far as the compiler knows. */
#ifndef __AVX512F__
#error "build with AVX-512"
#endif

#include "kn-conv-private.h"
#include "kn-table-private.h"

#include <immintrin.h>

#define MAX_PIXELS 8
#define MAX_TAPS 25 /* of windows with a function of their own */

/* 16 channels (fewer at the end) of one row of output. */
typedef struct
{
  const float *const *columns;
  size_t columns_stride, channel;
  const float *weights; /* of the channels, whole vectors */
  size_t weights_stride;
  float *y; /* of the channels */
  size_t y_stride;
  __mmask16 mask;
  __m512 bias, min, max;
} Strip;

KN_INLINE __m512
load (const Strip s, const int whole, const float *at)
{
  return whole ? _mm512_loadu_ps (at + s.channel) : _mm512_maskz_loadu_ps (s.mask, at + s.channel);
}

/* Both limits give their second operand when one is NaN; a bias of -0 changes nothing. */
KN_INLINE void
store (const Strip s, const int whole, size_t pixel, __m512 v)
{
  float *y = s.y + pixel * s.y_stride;

  v = _mm512_min_ps (s.max, _mm512_max_ps (s.min, _mm512_add_ps (v, s.bias)));
  if (whole)
    _mm512_storeu_ps (y, v);
  else
    _mm512_mask_storeu_ps (y, s.mask, v);
}

/* @n pixels from @pixel with @size x @size weights. */
KN_INLINE void
square (const Strip s, const int whole, const int size, const int stride, const int n, size_t pixel)
{
  const float *const *columns = s.columns + pixel * (size_t)stride;
  const float *w = s.weights;
  __m512 acc[MAX_PIXELS];

  KN_UNROLL
  for (int p = 0; p < n; p++)
    acc[p] = _mm512_setzero_ps ();
  KN_UNROLL
  for (int i = 0; i < size; i++, columns += s.columns_stride)
    {
      __m512 x[(MAX_PIXELS - 1) * 2 + 5];

      KN_UNROLL
      for (int j = 0; j < (n - 1) * stride + size; j++)
        x[j] = load (s, whole, columns[j]);
      KN_UNROLL
      for (int j = 0; j < size; j++, w += s.weights_stride)
        {
          const __m512 weight = _mm512_loadu_ps (w);

          KN_UNROLL
          for (int p = 0; p < n; p++)
            acc[p] = _mm512_fmadd_ps (weight, x[p * stride + j], acc[p]);
        }
    }
  KN_UNROLL
  for (int p = 0; p < n; p++)
    store (s, whole, pixel + (size_t)p, acc[p]);
}

KN_INLINE void
square_row (const Strip s, const int whole, const int size, const int stride, size_t n_pixels)
{
  const size_t n_groups = (n_pixels + MAX_PIXELS - 1) / MAX_PIXELS;
  const size_t n = n_pixels / n_groups, n_larger = n_pixels % n_groups;

  for (size_t g = 0, pixel = 0; g < n_groups; g++)
    switch (n + (g < n_larger))
      {
#define CASE(n)                                                                                    \
  case n:                                                                                          \
    square (s, whole, size, stride, n, pixel);                                                     \
    pixel += n;                                                                                    \
    break
        CASE (1);
        CASE (2);
        CASE (3);
        CASE (4);
        CASE (5);
        CASE (6);
        CASE (7);
        CASE (8);
#undef CASE
      default:
        break;
      }
}

/* Any window, @n pixels. */
KN_INLINE void
any (const Strip s, const KnDepthwiseArgs *a, const int n, size_t pixel)
{
  const float *w = a->weights;
  const size_t stride = a->stride, dilation = a->dilation, weights_stride = a->weights_stride;
  const size_t kernel_h = a->kernel_h, kernel_w = a->kernel_w;
  __m512 acc[MAX_PIXELS];

  KN_UNROLL
  for (int p = 0; p < n; p++)
    acc[p] = _mm512_setzero_ps ();
  for (size_t i = 0; i < kernel_h; i++)
    {
      const float *const *columns = s.columns + i * s.columns_stride + pixel * stride;

      for (size_t j = 0; j < kernel_w; j++, columns += dilation, w += weights_stride)
        {
          const __m512 weight = load (s, 0, w);

          KN_UNROLL
          for (int p = 0; p < n; p++)
            acc[p] = _mm512_fmadd_ps (weight, load (s, 0, columns[(size_t)p * stride]), acc[p]);
        }
    }
  KN_UNROLL
  for (int p = 0; p < n; p++)
    store (s, 0, pixel + (size_t)p, acc[p]);
}

static Strip
strip (const KnDepthwiseArgs *a, size_t channel)
{
  const size_t left = a->n_channels - channel;
  Strip s = {
    .columns = a->columns,
    .columns_stride = a->columns_stride,
    .channel = channel,
    .weights = a->weights + channel,
    .weights_stride = a->weights_stride,
    .y = a->y + channel,
    .y_stride = a->y_stride,
    .mask = left >= 16 ? 0xffff : (__mmask16)((1u << left) - 1),
    .bias = _mm512_set1_ps (-0.0f),
    .min = _mm512_set1_ps (a->min),
    .max = _mm512_set1_ps (a->max),
  };

  if (a->bias)
    s.bias = _mm512_maskz_loadu_ps (s.mask, a->bias + channel);
  return s;
}

static void
row_any (const KnDepthwiseArgs *a)
{
  for (size_t c = 0; c < a->n_channels; c += 16)
    {
      const Strip s = strip (a, c);
      size_t pixel = 0;

      for (; pixel + MAX_PIXELS <= a->n_pixels; pixel += MAX_PIXELS)
        any (s, a, MAX_PIXELS, pixel);
      for (; pixel + 2 <= a->n_pixels; pixel += 2)
        any (s, a, 2, pixel);
      if (pixel < a->n_pixels)
        any (s, a, 1, pixel);
    }
}

/* The last channels, fewer than 16: their weights as whole vectors. */
KN_INLINE void
square_end (const KnDepthwiseArgs *a, const int size, const int stride, size_t channel)
{
  Strip s = strip (a, channel);
  float weights[MAX_TAPS * 16];

  for (int i = 0; i < size * size; i++)
    _mm512_storeu_ps (weights + i * 16,
                      _mm512_maskz_loadu_ps (s.mask, s.weights + (size_t)i * s.weights_stride));
  s.weights = weights;
  s.weights_stride = 16;
  square_row (s, 0, size, stride, a->n_pixels);
}

KN_INLINE void
square_strips (const KnDepthwiseArgs *a, const int size, const int stride)
{
  size_t c = 0;

  for (; c + 16 <= a->n_channels; c += 16)
    square_row (strip (a, c), 1, size, stride, a->n_pixels);
  if (c < a->n_channels)
    square_end (a, size, stride, c);
}

static __attribute__ ((noinline)) void
row_3x3_stride1 (const KnDepthwiseArgs *a)
{
  square_strips (a, 3, 1);
}

static __attribute__ ((noinline)) void
row_3x3_stride2 (const KnDepthwiseArgs *a)
{
  square_strips (a, 3, 2);
}

static __attribute__ ((noinline)) void
row_5x5_stride1 (const KnDepthwiseArgs *a)
{
  square_strips (a, 5, 1);
}

static __attribute__ ((noinline)) void
row_5x5_stride2 (const KnDepthwiseArgs *a)
{
  square_strips (a, 5, 2);
}

static void
depthwise_avx512 (const KnDepthwiseArgs *a)
{
  static void (*const squares[2][2]) (const KnDepthwiseArgs *) = {
    { row_3x3_stride1, row_3x3_stride2 },
    { row_5x5_stride1, row_5x5_stride2 },
  };

  if (a->kernel_h != a->kernel_w || (a->kernel_w != 3 && a->kernel_w != 5) || a->dilation != 1
      || a->stride > 2)
    row_any (a);
  else
    squares[a->kernel_w == 5][a->stride - 1](a);
}

void
kn_depthwise_avx512 (KnConvFamily *family)
{
  family->depthwise = depthwise_avx512;
}
