/* The roof streams with 512-bit registers: VNNI dot products and fused multiply-adds. */
#ifndef __AVX512VNNI__
#error "build with AVX-512 VNNI"
#endif

#include "kn-roof-private.h"

#include <immintrin.h>

#define N_CHAINS 16

/* Independent sums, unrolled by hand so that they stay in registers. */
#define FOR_CHAINS(DO)                                                                             \
  DO (0)                                                                                           \
  DO (1)                                                                                           \
  DO (2)                                                                                           \
  DO (3) DO (4) DO (5) DO (6) DO (7) DO (8) DO (9) DO (10) DO (11) DO (12) DO (13) DO (14) DO (15)

/* The two halves side by side: prefetchers follow each stream up to the end of a page, and two of
 * them hide each other's starts. */
static uint64_t
read_avx512 (const void *buffer, size_t bytes, size_t n_passes)
{
  const char *low = buffer, *high = low + bytes / 2;
  __m512i s0 = _mm512_setzero_si512 (), s1 = s0, s2 = s0, s3 = s0;

  for (size_t pass = 0; pass < n_passes; pass++)
    {
      for (size_t i = 0; i < bytes / 2; i += 128)
        {
          s0 = _mm512_xor_si512 (s0, _mm512_loadu_si512 (low + i));
          s1 = _mm512_xor_si512 (s1, _mm512_loadu_si512 (low + i + 64));
          s2 = _mm512_xor_si512 (s2, _mm512_loadu_si512 (high + i));
          s3 = _mm512_xor_si512 (s3, _mm512_loadu_si512 (high + i + 64));
        }
      __asm__ volatile("" ::: "memory"); /* a pass is not the one before: nothing is kept */
    }
  s0 = _mm512_xor_si512 (_mm512_xor_si512 (s0, s1), _mm512_xor_si512 (s2, s3));
  return (uint64_t)_mm512_reduce_add_epi64 (s0);
}

static float
fma_f32_avx512 (size_t n_iterations, uint64_t *n_flops)
{
  const __m512 b = _mm512_set1_ps (1 - 0x1p-10f), c = _mm512_set1_ps (0x1p-10f);
  __m512 sum = _mm512_setzero_ps ();

#define START(j) __m512 a##j = _mm512_set1_ps ((float)j);
#define STEP(j) a##j = _mm512_fmadd_ps (a##j, b, c);
#define END(j) sum = _mm512_add_ps (sum, a##j);
  FOR_CHAINS (START)
  for (size_t i = 0; i < n_iterations; i++)
    {
      FOR_CHAINS (STEP)
    }
  FOR_CHAINS (END)
#undef START
#undef STEP
#undef END
  *n_flops = (uint64_t)n_iterations * N_CHAINS * 16 * 2;
  return _mm512_reduce_add_ps (sum);
}

static int32_t
dot_i8_avx512 (size_t n_iterations, uint64_t *n_ops)
{
  const __m512i u = _mm512_set1_epi8 (3), s = _mm512_set1_epi8 (-2);
  __m512i sum = _mm512_setzero_si512 ();

#define START(j) __m512i a##j = _mm512_set1_epi32 (j);
#define STEP(j) a##j = _mm512_dpbusd_epi32 (a##j, u, s);
#define END(j) sum = _mm512_add_epi32 (sum, a##j);
  FOR_CHAINS (START)
  for (size_t i = 0; i < n_iterations; i++)
    {
      FOR_CHAINS (STEP)
    }
  FOR_CHAINS (END)
#undef START
#undef STEP
#undef END
  *n_ops = (uint64_t)n_iterations * N_CHAINS * 64 * 2;
  return _mm512_cvtsi512_si32 (sum); /* the sum of all lanes would overflow; one keeps the work
                                      * alive */
}

void
kn_roof_avx512 (KnRoofFamily *family)
{
  *family = (KnRoofFamily){ read_avx512, fma_f32_avx512, dot_i8_avx512 };
}
