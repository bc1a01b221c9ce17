/* Depthwise convolutions with AVX-512: 16 channels at a time along a row of output pixels.
 *
 * The weights of 16 channels stay in registers while a whole row passes; several pixels are in work
 * at once, because the multiply-adds of one output form a chain, and neighbours share the input
 * columns that their windows have in common. Windows other than 3x3 and 5x5 load their weights for
 * each group of pixels. */
#ifndef __AVX512F__
#error "build with AVX-512"
#endif

#include "kn-conv-private.h"
#include "kn-table-private.h"

#include <immintrin.h>

/* 16 channels (fewer at the end) of one row of output. */
typedef struct
{
  const KnDepthwiseArgs *args;
  size_t channel;
  __mmask16 mask;
  int whole; /* stores with a mask are slow on some processors */
  __m512 bias, min, max;
} Strip;

KN_INLINE __m512
load (const Strip *s, const float *at)
{
  return _mm512_maskz_loadu_ps (s->mask, at + s->channel);
}

KN_INLINE void
store (const Strip *s, size_t pixel, __m512 v)
{
  const KnDepthwiseArgs *a = s->args;

  if (a->bias)
    v = _mm512_add_ps (v, s->bias);
  v = _mm512_min_ps (s->max, _mm512_max_ps (s->min, v));
  if (s->whole)
    _mm512_storeu_ps (a->y + pixel * a->y_stride + s->channel, v);
  else
    _mm512_mask_storeu_ps (a->y + pixel * a->y_stride + s->channel, s->mask, v);
}

/* @n pixels from @pixel with the @size x @size weights @w and a constant @stride; 0: that of the
 * arguments, which also says the dilation. */
KN_INLINE void
square (const Strip *s, const __m512 *w, const int size, const size_t stride, const int n,
        size_t pixel)
{
  const KnDepthwiseArgs *a = s->args;
  const float *const *columns = a->columns + pixel * stride;
  __m512 acc[8];

  KN_UNROLL
  for (int p = 0; p < n; p++)
    acc[p] = _mm512_setzero_ps ();
  KN_UNROLL
  for (int i = 0; i < size; i++, columns += a->columns_stride)
    {
      __m512 x[24];

      KN_UNROLL
      for (int j = 0; j < (n - 1) * (int)stride + size; j++)
        x[j] = load (s, columns[j]);
      KN_UNROLL
      for (int j = 0; j < size; j++)
        {
          KN_UNROLL
          for (int p = 0; p < n; p++)
            acc[p] = _mm512_fmadd_ps (w[i * size + j], x[p * (int)stride + j], acc[p]);
        }
    }
  KN_UNROLL
  for (int p = 0; p < n; p++)
    store (s, pixel + (size_t)p, acc[p]);
}

KN_INLINE void
square_row (const Strip *s, const int size, const size_t stride, const int n)
{
  const KnDepthwiseArgs *a = s->args;
  __m512 w[25];
  size_t pixel = 0;

  KN_UNROLL
  for (int i = 0; i < size * size; i++)
    w[i] = load (s, a->weights + (size_t)i * a->weights_stride);
  for (; pixel + (size_t)n <= a->n_pixels; pixel += (size_t)n)
    square (s, w, size, stride, n, pixel);
  for (; pixel + 2 <= a->n_pixels; pixel += 2)
    square (s, w, size, stride, 2, pixel);
  if (pixel < a->n_pixels)
    square (s, w, size, stride, 1, pixel);
}

static __attribute__ ((noinline)) void
row_3x3_stride1 (const Strip *s)
{
  square_row (s, 3, 1, 6);
}

static __attribute__ ((noinline)) void
row_3x3_stride2 (const Strip *s)
{
  square_row (s, 3, 2, 4);
}

static __attribute__ ((noinline)) void
row_5x5_stride1 (const Strip *s)
{
  square_row (s, 5, 1, 4);
}

static __attribute__ ((noinline)) void
row_5x5_stride2 (const Strip *s)
{
  square_row (s, 5, 2, 4);
}

/* Any window, @n pixels. */
KN_INLINE void
any (const Strip *s, const int n, size_t pixel)
{
  const KnDepthwiseArgs *a = s->args;
  const float *w = a->weights;
  __m512 acc[8];

  KN_UNROLL
  for (int p = 0; p < n; p++)
    acc[p] = _mm512_setzero_ps ();
  for (size_t i = 0; i < a->kernel_h; i++)
    {
      const float *const *columns = a->columns + i * a->columns_stride + pixel * a->stride;

      for (size_t j = 0; j < a->kernel_w; j++, columns += a->dilation, w += a->weights_stride)
        {
          const __m512 weight = load (s, w);

          KN_UNROLL
          for (int p = 0; p < n; p++)
            acc[p] = _mm512_fmadd_ps (weight, load (s, columns[(size_t)p * a->stride]), acc[p]);
        }
    }
  KN_UNROLL
  for (int p = 0; p < n; p++)
    store (s, pixel + (size_t)p, acc[p]);
}

static __attribute__ ((noinline)) void
row_any (const Strip *s)
{
  size_t pixel = 0;

  for (; pixel + 8 <= s->args->n_pixels; pixel += 8)
    any (s, 8, pixel);
  for (; pixel + 2 <= s->args->n_pixels; pixel += 2)
    any (s, 2, pixel);
  if (pixel < s->args->n_pixels)
    any (s, 1, pixel);
}

typedef void (*RowFn) (const Strip *s);

static RowFn
row_function (const KnDepthwiseArgs *a)
{
  static const RowFn squares[2][2] = {
    { row_3x3_stride1, row_3x3_stride2 },
    { row_5x5_stride1, row_5x5_stride2 },
  };

  if (a->kernel_h != a->kernel_w || (a->kernel_w != 3 && a->kernel_w != 5) || a->dilation != 1
      || a->stride > 2)
    return row_any;
  return squares[a->kernel_w == 5][a->stride - 1];
}

static void
depthwise_avx512 (const KnDepthwiseArgs *a)
{
  const RowFn row = row_function (a);

  for (size_t c = 0; c < a->n_channels; c += 16)
    {
      const size_t left = a->n_channels - c;
      Strip s = { .args = a, .channel = c };

      s.whole = left >= 16;
      s.mask = left >= 16 ? 0xffff : (__mmask16)((1u << left) - 1);
      s.min = _mm512_set1_ps (a->min);
      s.max = _mm512_set1_ps (a->max);
      if (a->bias)
        s.bias = load (&s, a->bias);
      row (&s);
    }
}

void
kn_depthwise_avx512 (KnConvFamily *family)
{
  family->depthwise = depthwise_avx512;
}
