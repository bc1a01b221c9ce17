/* Pooling with AVX-512: 16 channels of four neighbouring pixels at a time, or 64 of one. */
#ifndef __AVX512F__
#error "build with AVX-512"
#endif

#include "kn-conv-private.h"
#include "kn-table-private.h"

#include <immintrin.h>
#include <math.h>

#define MAX_SUMS 4

/* @n_pixels pixels from @pixel on and @n_vecs vectors of their channels from @c on, one or the
 * other is 1; @mask is 0xffff or, for one vector, less. By value: a store could change what a
 * pointer leads to. */
KN_INLINE void
pool (const KnPoolArgs a, const int is_max, const int n_pixels, const int n_vecs,
      const __mmask16 mask, size_t pixel, size_t c)
{
  const __m512 min = _mm512_set1_ps (a.min), max = _mm512_set1_ps (a.max);
  const size_t x_step = n_pixels > 1 ? a.step : 16, y_step = n_pixels > 1 ? a.y_stride : 16;
  const int n = n_pixels * n_vecs;
  float *y = a.y + pixel * a.y_stride + c;
  __m512 acc[MAX_SUMS];

  KN_UNROLL
  for (int i = 0; i < n; i++)
    acc[i] = is_max ? _mm512_set1_ps (-INFINITY) : _mm512_setzero_ps ();
  for (size_t t = 0; t < a.n_taps; t++)
    {
      const float *x = a.taps[t] + pixel * a.step + c;

      KN_UNROLL
      for (int i = 0; i < n; i++)
        {
          const __m512 v = mask == 0xffff ? _mm512_loadu_ps (x + (size_t)i * x_step)
                                          : _mm512_maskz_loadu_ps (mask, x + (size_t)i * x_step);

          acc[i] = is_max ? _mm512_max_ps (v, acc[i]) : _mm512_add_ps (acc[i], v);
        }
    }
  KN_UNROLL
  for (int i = 0; i < n; i++)
    {
      __m512 v = is_max ? acc[i] : _mm512_div_ps (acc[i], _mm512_set1_ps (a.divisor));

      v = _mm512_min_ps (max, _mm512_max_ps (min, v));
      if (mask == 0xffff)
        _mm512_storeu_ps (y + (size_t)i * y_step, v);
      else
        _mm512_mask_storeu_ps (y + (size_t)i * y_step, mask, v);
    }
}

/* All channels of @n_pixels pixels, 1 or 4. */
KN_INLINE void
pool_channels (const KnPoolArgs a, const int is_max, const int n_pixels, size_t pixel)
{
  size_t c = 0;

  for (; n_pixels == 1 && c + 64 <= a.n_channels; c += 64)
    pool (a, is_max, 1, 4, 0xffff, pixel, c);
  for (; c + 16 <= a.n_channels; c += 16)
    pool (a, is_max, n_pixels, 1, 0xffff, pixel, c);
  if (c < a.n_channels)
    pool (a, is_max, n_pixels, 1, (__mmask16)((1u << (a.n_channels - c)) - 1), pixel, c);
}

KN_INLINE void
pool_pixels (const KnPoolArgs a, const int is_max)
{
  size_t pixel = 0;

  for (; pixel + MAX_SUMS <= a.n_pixels; pixel += MAX_SUMS)
    pool_channels (a, is_max, MAX_SUMS, pixel);
  for (; pixel < a.n_pixels; pixel++)
    pool_channels (a, is_max, 1, pixel);
}

static void
pool_max_avx512 (const KnPoolArgs *a)
{
  pool_pixels (*a, 1);
}

static void
pool_average_avx512 (const KnPoolArgs *a)
{
  pool_pixels (*a, 0);
}

void
kn_pool_avx512 (KnPoolFamily *family)
{
  family->max = pool_max_avx512;
  family->average = pool_average_avx512;
}
