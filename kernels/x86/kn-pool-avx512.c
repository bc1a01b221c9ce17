/* Pooling with AVX-512, over 64 channels at a time and then over 16. */
#ifndef __AVX512F__
#error "build with AVX-512"
#endif

#include "kn-conv-private.h"
#include "kn-table-private.h"

#include <immintrin.h>
#include <math.h>

KN_INLINE void
pool (const KnPoolArgs *a, const int is_max, const int n, const __mmask16 mask, size_t c)
{
  __m512 acc[4];

  KN_UNROLL
  for (int i = 0; i < n; i++)
    acc[i] = is_max ? _mm512_set1_ps (-INFINITY) : _mm512_setzero_ps ();
  for (size_t t = 0; t < a->n_taps; t++)
    {
      const float *x = a->taps[t] + c;

      KN_UNROLL
      for (int i = 0; i < n; i++)
        {
          const __m512 v = _mm512_maskz_loadu_ps (mask, x + 16 * i);

          acc[i] = is_max ? _mm512_max_ps (v, acc[i]) : _mm512_add_ps (acc[i], v);
        }
    }
  KN_UNROLL
  for (int i = 0; i < n; i++)
    {
      __m512 v = is_max ? acc[i] : _mm512_div_ps (acc[i], _mm512_set1_ps (a->divisor));

      v = _mm512_min_ps (_mm512_set1_ps (a->max), _mm512_max_ps (_mm512_set1_ps (a->min), v));
      if (mask == 0xffff)
        _mm512_storeu_ps (a->y + c + 16 * i, v);
      else
        _mm512_mask_storeu_ps (a->y + c + 16 * i, mask, v);
    }
}

KN_INLINE void
pool_channels (const KnPoolArgs *a, const int is_max)
{
  size_t c = 0;

  for (; c + 64 <= a->n_channels; c += 64)
    pool (a, is_max, 4, 0xffff, c);
  for (; c + 16 <= a->n_channels; c += 16)
    pool (a, is_max, 1, 0xffff, c);
  if (c < a->n_channels)
    pool (a, is_max, 1, (__mmask16)((1u << (a->n_channels - c)) - 1), c);
}

static void
pool_max_avx512 (const KnPoolArgs *a)
{
  pool_channels (a, 1);
}

static void
pool_average_avx512 (const KnPoolArgs *a)
{
  pool_channels (a, 0);
}

void
kn_pool_avx512 (KnPoolFamily *family)
{
  family->max = pool_max_avx512;
  family->average = pool_average_avx512;
}
