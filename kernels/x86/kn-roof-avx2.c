/* The roof streams with 256-bit registers. The integer stream is the sequence that AVX2 needs for
 * four 8-bit products: multiply-add of bytes to 16 bits, then addition. */
#ifndef __AVX2__
#error "build with AVX2"
#endif

#include "kn-roof-private.h"

#include <immintrin.h>

/* Independent sums: ten cover the latency of the multiply-add; the integer additions are quicker.
 */
#define N_FLOAT_CHAINS 10
#define N_INT_CHAINS 6
#define FOR_INT_CHAINS(DO) DO (0) DO (1) DO (2) DO (3) DO (4) DO (5)
#define FOR_FLOAT_CHAINS(DO) FOR_INT_CHAINS (DO) DO (6) DO (7) DO (8) DO (9)

/* The two halves side by side, as in kn-roof-avx512.c. */
static uint64_t
read_avx2 (const void *buffer, size_t bytes, size_t n_passes)
{
  const char *low = buffer, *high = low + bytes / 2;
  __m256i s0 = _mm256_setzero_si256 (), s1 = s0, s2 = s0, s3 = s0;
  uint64_t out[4];

  for (size_t pass = 0; pass < n_passes; pass++)
    {
      for (size_t i = 0; i < bytes / 2; i += 64)
        {
          s0 = _mm256_xor_si256 (s0, _mm256_loadu_si256 ((const __m256i *)(low + i)));
          s1 = _mm256_xor_si256 (s1, _mm256_loadu_si256 ((const __m256i *)(low + i + 32)));
          s2 = _mm256_xor_si256 (s2, _mm256_loadu_si256 ((const __m256i *)(high + i)));
          s3 = _mm256_xor_si256 (s3, _mm256_loadu_si256 ((const __m256i *)(high + i + 32)));
        }
      __asm__ volatile("" ::: "memory"); /* a pass is not the one before: nothing is kept */
    }
  s0 = _mm256_xor_si256 (_mm256_xor_si256 (s0, s1), _mm256_xor_si256 (s2, s3));
  _mm256_storeu_si256 ((__m256i *)out, s0);
  return out[0] + out[1] + out[2] + out[3];
}

static float
fma_f32_avx2 (size_t n_iterations, uint64_t *n_flops)
{
  const __m256 b = _mm256_set1_ps (1 - 0x1p-10f), c = _mm256_set1_ps (0x1p-10f);
  __m256 sum = _mm256_setzero_ps ();
  float out[8], result = 0;

#define START(j) __m256 a##j = _mm256_set1_ps ((float)j);
#define STEP(j) a##j = _mm256_fmadd_ps (a##j, b, c);
#define END(j) sum = _mm256_add_ps (sum, a##j);
  FOR_FLOAT_CHAINS (START)
  for (size_t i = 0; i < n_iterations; i++)
    {
      FOR_FLOAT_CHAINS (STEP)
    }
  FOR_FLOAT_CHAINS (END)
#undef START
#undef STEP
#undef END
  _mm256_storeu_ps (out, sum);
  for (int lane = 0; lane < 8; lane++)
    result += out[lane];
  *n_flops = (uint64_t)n_iterations * N_FLOAT_CHAINS * 8 * 2;
  return result;
}

static int32_t
dot_i8_avx2 (size_t n_iterations, uint64_t *n_ops)
{
  const __m256i u = _mm256_set1_epi8 (3), s = _mm256_set1_epi8 (-2);
  __m256i sum = _mm256_setzero_si256 (), product;
  int16_t out[16];
  int32_t result = 0;

  /* As assembly, because the same product every time is not for the compiler to see. */
#define START(j) __m256i a##j = _mm256_set1_epi16 (j);
#define STEP(j)                                                                                    \
  __asm__ volatile("vpmaddubsw %2, %1, %0" : "=x"(product) : "x"(u), "x"(s));                      \
  a##j = _mm256_add_epi16 (a##j, product);
#define END(j) sum = _mm256_add_epi16 (sum, a##j);
  FOR_INT_CHAINS (START)
  for (size_t i = 0; i < n_iterations; i++)
    {
      FOR_INT_CHAINS (STEP)
    }
  FOR_INT_CHAINS (END)
#undef START
#undef STEP
#undef END
  _mm256_storeu_si256 ((__m256i *)out, sum);
  for (int lane = 0; lane < 16; lane++)
    result += out[lane];
  *n_ops = (uint64_t)n_iterations * N_INT_CHAINS * 32 * 2;
  return result;
}

void
kn_roof_avx2 (KnRoofFamily *family)
{
  *family = (KnRoofFamily){ read_avx2, fma_f32_avx2, dot_i8_avx2 };
}
