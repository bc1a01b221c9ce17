/* Products of 8-bit numbers with AVX2, which multiplies bytes only with a loss: they become 16-bit
 * numbers first, whose products are added in pairs.
 *
 * The body of kn-qconv-body.h with 8 numbers to a vector. A tile is 3 pixels x 16 rows: 12
 * accumulators, each of 4 rows x 2 sums, so that one widened line of weights serves 3 pixels. */
#ifndef __AVX2__
#error "this file needs -mavx2"
#endif

#include "kn-table-private.h"
#include "x86/kn-q8-avx2.h"

#define ACT_SIGNED 0
#define MAX_PIXELS 3
#define DW_PAIR_BYTES 64
#define LINE_OF_16 2

/* Four bytes, widened, to all places. */
KN_QINLINE __m256i
broadcast4 (const uint8_t *x)
{
  int32_t v;
  memcpy (&v, x, sizeof v);
  return _mm256_cvtepu8_epi16 (_mm_set1_epi32 (v));
}

KN_QINLINE void
tile_sums (const size_t P, const KnQgemmArgs *a, const uint8_t *panel, const uint8_t *x,
           I32 acc[MAX_PIXELS][LINE_OF_16])
{
  const size_t n_steps = (a->n_cols + 3) / 4, stride = a->x_stride;
  __m256i part[MAX_PIXELS][4];

  UNROLL
  for (size_t p = 0; p < P; p++)
    UNROLL
  for (size_t q = 0; q < 4; q++)
    part[p][q] = _mm256_setzero_si256 ();

  for (size_t s = 0; s < a->n_segments; s++, x += a->segment_step - 4 * n_steps)
    for (size_t step = 0; step < n_steps; step++, panel += 64, x += 4)
      {
        __m256i four[MAX_PIXELS];

        UNROLL
        for (size_t p = 0; p < P; p++)
          four[p] = broadcast4 (x + p * stride);
        UNROLL
        for (size_t q = 0; q < 4; q++)
          {
            const __m256i w = _mm256_cvtepi8_epi16 (
                _mm_load_si128 ((const __m128i *)(const void *)(panel + 16 * q)));
            UNROLL
            for (size_t p = 0; p < P; p++)
              part[p][q] = _mm256_add_epi32 (part[p][q], _mm256_madd_epi16 (w, four[p]));
          }
      }

  /* Two sums a row to one; the quarters' rows into order. */
  UNROLL
  for (size_t p = 0; p < P; p++)
    UNROLL
  for (size_t i = 0; i < 2; i++)
    {
      const __m256i sums = _mm256_hadd_epi32 (part[p][2 * i], part[p][2 * i + 1]);
      acc[p][i] = i32_add (acc[p][i], _mm256_permute4x64_epi64 (sums, 0xd8));
    }
}

/* 16-bit numbers, the two taps of a channel side by side. */
static void
dw_pack_pair (const int8_t *first, const int8_t *second, uint8_t *to)
{
  for (size_t c = 0; c < 16; c++)
    {
      const int16_t pair[2] = { first[c], second[c] };
      memcpy (to + 4 * c, pair, sizeof pair);
    }
}

KN_QINLINE void
dw_pair (I32 acc[LINE_OF_16], Bytes x0, Bytes x1, const uint8_t *w)
{
  const __m256i low = _mm256_cvtepu8_epi16 (_mm_unpacklo_epi8 (x0, x1));
  const __m256i high = _mm256_cvtepu8_epi16 (_mm_unpackhi_epi8 (x0, x1));

  acc[0] = i32_add (acc[0], _mm256_madd_epi16 (low, i32_load ((const int32_t *)(const void *)w)));
  acc[1] = i32_add (acc[1],
                    _mm256_madd_epi16 (high, i32_load ((const int32_t *)(const void *)(w + 32))));
}

#include "kn-qconv-body.h"

void
kn_qconv_avx2 (KnQconvFamily *f)
{
  *f = (KnQconvFamily){
    .act_signed = ACT_SIGNED,
    .gemm = gemm,
    .copy = copy_all,
    .gather = gather,
    .row_sums = row_sums,
    .dw_bytes = dw_bytes,
    .dw_pack = dw_pack,
    .depthwise = depthwise,
  };
}
