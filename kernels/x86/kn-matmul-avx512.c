/* The AVX-512 VNNI level of the matrix products: quantization of activations, and the family put
 * together. The products are in kn-matmul-small-avx512.c (1 to 8 tokens), kn-matmul-batch-avx512.c
 * (more) and kn-matmul-float-avx512.c. */
#ifndef __AVX512VNNI__
#error "build with AVX-512 VNNI"
#endif

#include "kn-matmul-avx512-private.h"
#include "kn-table-private.h"

#include <math.h>

typedef struct
{
  int8_t *codes;
  float *scales;
  int32_t *sums, *half_sums;
} Q8Row;

/* One group of 32. Magnitudes are compared as integers: infinity and NaN come out above all
 * numbers. */
static inline void
quantize_group (const float *x, size_t g, Q8Row row)
{
  const __m512i magnitude = _mm512_set1_epi32 (0x7fffffff);
  __m512 lo = _mm512_loadu_ps (x), hi = _mm512_loadu_ps (x + 16);
  __m512i max = _mm512_max_epi32 (_mm512_and_si512 (_mm512_castps_si512 (lo), magnitude),
                                  _mm512_and_si512 (_mm512_castps_si512 (hi), magnitude));
  int32_t bits = _mm512_reduce_max_epi32 (max);
  float amax = _mm_cvtss_f32 (_mm_castsi128_ps (_mm_cvtsi32_si128 (bits)));

  if (!(amax >= KN_Q8_TINY) || bits >= 0x7f800000)
    {
      row.scales[g] = bits >= 0x7f800000 ? NAN : 0;
      row.sums[g] = row.half_sums[2 * g] = row.half_sums[2 * g + 1] = 0;
      _mm256_storeu_si256 ((__m256i *)(row.codes + 32 * g), _mm256_setzero_si256 ());
      return;
    }

  __m512 inverse = _mm512_set1_ps (127.0f / amax);
  __m512i q0 = _mm512_cvtps_epi32 (_mm512_mul_ps (lo, inverse));
  __m512i q1 = _mm512_cvtps_epi32 (_mm512_mul_ps (hi, inverse));
  int32_t s0 = _mm512_reduce_add_epi32 (q0), s1 = _mm512_reduce_add_epi32 (q1);

  row.scales[g] = amax / 127.0f;
  row.half_sums[2 * g] = s0;
  row.half_sums[2 * g + 1] = s1;
  row.sums[g] = s0 + s1;
  _mm_storeu_si128 ((__m128i *)(row.codes + 32 * g), _mm512_cvtepi32_epi8 (q0));
  _mm_storeu_si128 ((__m128i *)(row.codes + 32 * g + 16), _mm512_cvtepi32_epi8 (q1));
}

static void
quantize_q8_avx512 (const float *x, size_t n, void *out)
{
  uint8_t *base = out;
  Q8Row row
      = { out, (float *)(base + kn_q8_scales_offset (n)), (int32_t *)(base + kn_q8_sums_offset (n)),
          (int32_t *)(base + kn_q8_half_sums_offset (n)) };

  memset (base + n, 0, kn_q8_scales_offset (n) - n);
  for (size_t g = 0; g < n / 32; g++)
    quantize_group (x + 32 * g, g, row);
}

void
kn_matmul_avx512 (KnMatmulFamily *family)
{
  kn_matmul_small_avx512 (family);
  kn_matmul_float_avx512 (family);
  kn_matmul_row_avx512 (family);
  family->quantize_q8 = quantize_q8_avx512;
}
