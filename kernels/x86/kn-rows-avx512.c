/* Products of some rows with AVX-512 VNNI: sixteen groups at a time, two to a register, whose
 * sums end in one register in the groups' order. */
#ifndef __AVX512VNNI__
#error "build with AVX-512 VNNI"
#endif

#include "kn-table-private.h"

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

/* Lanes 0..7: parts of the first of two groups; 8..15: of the second. Codes plus 128: 128 times
 * the sum of the activations too much. */
static inline __m512i
two_groups (const int8_t *codes, const int8_t *x, __mmask64 mask)
{
  const __m512i w
      = _mm512_xor_si512 (_mm512_maskz_loadu_epi8 (mask, codes), _mm512_set1_epi8 (-128));

  return _mm512_dpbusd_epi32 (_mm512_setzero_si512 (), w, _mm512_maskz_loadu_epi8 (mask, x));
}

/* Each 128-bit lane: the sums of that lane of the four. */
static inline __m512i
fold_four (const __m512i p[4])
{
  const __m512i ab
      = _mm512_add_epi32 (_mm512_unpacklo_epi32 (p[0], p[1]), _mm512_unpackhi_epi32 (p[0], p[1]));
  const __m512i cd
      = _mm512_add_epi32 (_mm512_unpacklo_epi32 (p[2], p[3]), _mm512_unpackhi_epi32 (p[2], p[3]));

  return _mm512_add_epi32 (_mm512_unpacklo_epi64 (ab, cd), _mm512_unpackhi_epi64 (ab, cd));
}

static inline __attribute__ ((always_inline)) void
rows_dots (const int8_t *codes, const int8_t *x, const int32_t *sums, size_t n, int32_t *dots)
{
  const __m512i order = _mm512_setr_epi32 (0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15);
  const __mmask16 groups = (__mmask16)((1u << n) - 1);
  __m512i p[8], u[2], dot;

  /* A load of which nothing is wanted would still be slow at the end of memory. */
  for (size_t j = 0; j < 8; j++)
    p[j] = 2 * j + 1 < n ? two_groups (codes + 64 * j, x + 64 * j, ~(__mmask64)0)
           : 2 * j < n   ? two_groups (codes + 64 * j, x + 64 * j, 0xffffffffu)
                         : _mm512_setzero_si512 ();
  u[0] = fold_four (p);
  u[1] = fold_four (p + 4);
  dot = _mm512_add_epi32 (_mm512_shuffle_i32x4 (u[0], u[1], 0x88),
                          _mm512_shuffle_i32x4 (u[0], u[1], 0xdd));
  /* now 0 2 4 6, 1 3 5 7 of the first eight groups, then of the others */
  dot = _mm512_permutexvar_epi32 (order, dot);
  dot = _mm512_sub_epi32 (dot, _mm512_slli_epi32 (_mm512_maskz_loadu_epi32 (groups, sums), 7));
  _mm512_storeu_si512 (dots, dot);
}

static inline void
rows_scales (const uint8_t *halves, const float *xs, size_t n, float *scales)
{
  const __mmask16 mask = (__mmask16)((1u << n) - 1);

  _mm512_storeu_ps (scales,
                    _mm512_mul_ps (_mm512_cvtph_ps (_mm256_maskz_loadu_epi16 (mask, halves)),
                                   _mm512_maskz_loadu_ps (mask, xs)));
}

#include "kn-rows-body.h"

static void
some_rows_avx512 (const KnRowsArgs *args)
{
  some_rows (args);
}

void
kn_rows_avx512 (KnMatmulFamily *family)
{
  family->some_q8_rows = some_rows_avx512;
}
