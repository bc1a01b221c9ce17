/* Element-wise kernels on 8-bit codes with AVX-512: 16 numbers to a register; masks serve the
 * tails. */
#ifndef __AVX512BW__
#error "this file needs -mavx512bw"
#endif

#include "kn-qvec-spec.h"
#include "kn-table-private.h"
#include "x86/kn-qconv-avx512-private.h"

KN_QINLINE __mmask16
mask16 (size_t left)
{
  return left < 16 ? (__mmask16)((1u << left) - 1) : (__mmask16)0xffff;
}

KN_QINLINE __m512i
load_codes (__mmask16 k, const void *x, int is_signed)
{
  const __m128i codes = _mm_maskz_loadu_epi8 (k, x);
  return is_signed ? _mm512_cvtepi8_epi32 (codes) : _mm512_cvtepu8_epi32 (codes);
}

KN_QINLINE void
store_codes (__mmask16 k, uint8_t *y, __m512i codes)
{
  _mm_mask_storeu_epi8 (y, k, _mm512_cvtepi32_epi8 (codes));
}

static void
quantize_avx512 (const float *x, size_t n, float scale, const KnRequant *r, uint8_t *y)
{
  const __m512 divisor = _mm512_set1_ps (scale), low = _mm512_set1_ps (r->low);
  const __m512 high = _mm512_set1_ps (r->high);
  const __m512i zero = _mm512_set1_epi32 (r->zero);

  for (size_t i = 0; i < n; i += 16)
    {
      const __mmask16 k = mask16 (n - i);
      __m512 v = _mm512_div_ps (_mm512_maskz_loadu_ps (k, x + i), divisor);
      v = _mm512_min_ps (_mm512_max_ps (v, low), high);
      store_codes (k, y + i, _mm512_add_epi32 (_mm512_cvtps_epi32 (v), zero));
    }
}

static void
dequantize_avx512 (const uint8_t *x, size_t n, int is_signed, int32_t zero, float scale, float *y)
{
  const __m512 factor = _mm512_set1_ps (scale);
  const __m512i z = _mm512_set1_epi32 (zero);

  for (size_t i = 0; i < n; i += 16)
    {
      const __mmask16 k = mask16 (n - i);
      const __m512i codes = _mm512_sub_epi32 (load_codes (k, x + i, is_signed), z);
      _mm512_mask_storeu_ps (y + i, k, _mm512_mul_ps (_mm512_cvtepi32_ps (codes), factor));
    }
}

/* Sixteen tables of sixteen bytes: each shuffle answers the bytes whose high half names its
 * table. */
static void
lookup_avx512 (const uint8_t *x, size_t n, const uint8_t table[256], uint8_t *y)
{
  const __m512i nibble = _mm512_set1_epi8 (15);
  size_t i = 0;

  for (; i + 64 <= n; i += 64)
    {
      const __m512i codes = _mm512_loadu_si512 (x + i), low = _mm512_and_si512 (codes, nibble);
      const __m512i high = _mm512_and_si512 (_mm512_srli_epi16 (codes, 4), nibble);
      __m512i out = _mm512_setzero_si512 ();

      _Pragma ("GCC unroll 16") for (int t = 0; t < 16; t++)
      {
        const __m512i part = _mm512_broadcast_i32x4 (
            _mm_loadu_si128 ((const __m128i *)(const void *)(table + 16 * t)));
        out = _mm512_mask_shuffle_epi8 (out,
                                        _mm512_cmpeq_epi8_mask (high, _mm512_set1_epi8 ((char)t)),
                                        part, low);
      }
      _mm512_storeu_si512 (y + i, out);
    }
  for (; i < n; i++)
    y[i] = table[x[i]];
}

KN_QINLINE __m512i
load_b (__mmask16 k, const KnQbinaryArgs *a, size_t i)
{
  if (a->b_step == 0)
    return _mm512_set1_epi32 (kn_code (a->b, 0, a->b_signed));
  return load_codes (k, (const uint8_t *)a->b + i, a->b_signed);
}

typedef struct
{
  __m512i a_factor, b_factor, bias, b; /* b: b_step 0 */
  __m128i shift;
} AddConstants;

/* Before the limits. */
KN_QINLINE __m512i
add16 (const KnQbinaryArgs *a, const AddConstants *k, __mmask16 mask, size_t i)
{
  const __m512i x = load_codes (mask, (const uint8_t *)a->a + i, a->a_signed);
  const __m512i b
      = a->b_step == 0 ? k->b : load_codes (mask, (const uint8_t *)a->b + i, a->b_signed);
  const __m512i sum = _mm512_add_epi32 (k->bias, _mm512_mullo_epi32 (x, k->a_factor));

  return _mm512_sra_epi32 (_mm512_add_epi32 (sum, _mm512_mullo_epi32 (b, k->b_factor)), k->shift);
}

/* 64 codes at a time. Sums far beyond the codes become the largest 16-bit numbers, which the limits
 * bring back. */
KN_QINLINE size_t
add_blocks (const KnQbinaryArgs *a, const AddConstants *k)
{
  const int32_t zero = a->requant.zero;
  const __m512i z = _mm512_set1_epi16 ((int16_t)zero);
  const __m512i low = _mm512_set1_epi16 ((int16_t)((int32_t)a->requant.low + zero));
  const __m512i high = _mm512_set1_epi16 ((int16_t)((int32_t)a->requant.high + zero));
  const __m512i byte = _mm512_set1_epi16 (255);
  const __m512i order = _mm512_setr_epi32 (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  size_t i = 0;

  for (; i + 64 <= a->n; i += 64)
    {
      __m512i half[2];

      UNROLL
      for (size_t j = 0; j < 2; j++)
        {
          const __m512i first = add16 (a, k, 0xffff, i + 32 * j);
          const __m512i second = add16 (a, k, 0xffff, i + 32 * j + 16);
          __m512i v = _mm512_adds_epi16 (_mm512_packs_epi32 (first, second), z);
          v = _mm512_min_epi16 (_mm512_max_epi16 (v, low), high);
          half[j] = _mm512_and_si512 (v, byte);
        }
      _mm512_storeu_si512 (a->y + i,
                           _mm512_permutexvar_epi32 (order,
                                                     _mm512_packus_epi16 (half[0], half[1])));
    }
  return i;
}

static void
add_avx512 (const KnQbinaryArgs *a)
{
  const AddConstants k = { .a_factor = _mm512_set1_epi32 (a->a_factor),
                           .b_factor = _mm512_set1_epi32 (a->b_factor),
                           .bias = _mm512_set1_epi32 (a->bias),
                           .b = a->b_step == 0 ? _mm512_set1_epi32 (kn_code (a->b, 0, a->b_signed))
                                               : _mm512_setzero_si512 (),
                           .shift = _mm_cvtsi32_si128 ((int)a->shift) };
  const __m512i low = _mm512_set1_epi32 ((int32_t)a->requant.low);
  const __m512i high = _mm512_set1_epi32 ((int32_t)a->requant.high);
  const __m512i zero = _mm512_set1_epi32 (a->requant.zero);

  for (size_t i = add_blocks (a, &k); i < a->n; i += 16)
    {
      const __mmask16 mask = mask16 (a->n - i);
      const __m512i sum = _mm512_min_epi32 (_mm512_max_epi32 (add16 (a, &k, mask, i), low), high);
      store_codes (mask, a->y + i, _mm512_add_epi32 (sum, zero));
    }
}

/* 128 codes at most fit a 16-bit sum. */
static void
sum_rows_avx512 (const uint8_t *x, size_t row_stride, size_t n_rows, size_t n, int is_signed,
                 int32_t *sums)
{
  for (size_t i = 0; i < n; i += 32)
    {
      const size_t left = n - i;
      const __mmask32 k = left < 32 ? ((__mmask32)1 << left) - 1 : 0xffffffff;
      const uint8_t *at = x + i;

      for (size_t done = 0; done < n_rows;)
        {
          const size_t end = n_rows - done < 128 ? n_rows : done + 128;
          __m512i acc = _mm512_setzero_si512 ();

          if (is_signed)
            for (; done < end; done++, at += row_stride)
              acc = _mm512_add_epi16 (acc, _mm512_cvtepi8_epi16 (_mm256_maskz_loadu_epi8 (k, at)));
          else
            for (; done < end; done++, at += row_stride)
              acc = _mm512_add_epi16 (acc, _mm512_cvtepu8_epi16 (_mm256_maskz_loadu_epi8 (k, at)));

          UNROLL
          for (size_t j = 0; j < 2; j++)
            {
              const __mmask16 mask = (__mmask16)(k >> 16 * j);
              const __m256i part
                  = j ? _mm512_extracti64x4_epi64 (acc, 1) : _mm512_castsi512_si256 (acc);
              const __m512i sum = _mm512_maskz_loadu_epi32 (mask, sums + i + 16 * j);
              _mm512_mask_storeu_epi32 (sums + i + 16 * j, mask,
                                        _mm512_add_epi32 (sum, _mm512_cvtepi16_epi32 (part)));
            }
        }
    }
}

static void
max_rows_avx512 (const uint8_t *x, size_t row_stride, size_t n_rows, size_t n, int is_signed,
                 uint8_t *y)
{
  for (size_t i = 0; i < n; i += 64)
    {
      const __mmask64 k = kn_tail64 (n - i);
      const uint8_t *at = x + i;
      __m512i v = _mm512_maskz_loadu_epi8 (k, y + i);

      for (size_t row = 0; row < n_rows; row++, at += row_stride)
        {
          const __m512i codes = _mm512_maskz_loadu_epi8 (k, at);
          v = is_signed ? _mm512_max_epi8 (v, codes) : _mm512_max_epu8 (v, codes);
        }
      _mm512_mask_storeu_epi8 (y + i, k, v);
    }
}

static void
mul_avx512 (const KnQbinaryArgs *a)
{
  const __m512i a_zero = _mm512_set1_epi32 (a->a_zero), b_zero = _mm512_set1_epi32 (a->b_zero);
  const __m512 scale = _mm512_set1_ps (a->scale);

  for (size_t i = 0; i < a->n; i += 16)
    {
      const __mmask16 k = mask16 (a->n - i);
      const __m512i x
          = _mm512_sub_epi32 (load_codes (k, (const uint8_t *)a->a + i, a->a_signed), a_zero);
      const __m512i product = _mm512_mullo_epi32 (x, _mm512_sub_epi32 (load_b (k, a, i), b_zero));
      store_codes (k, a->y + i, kn_requant16 (product, scale, &a->requant));
    }
}

static void
lerp_avx512 (const int32_t *a, const int32_t *b, int32_t a_factor, int32_t b_factor, size_t n,
             uint8_t *y)
{
  const __m512i fa = _mm512_set1_epi32 (a_factor), fb = _mm512_set1_epi32 (b_factor);
  const __m512i half = _mm512_set1_epi32 (1 << 19);

  for (size_t i = 0; i < n; i += 16)
    {
      const __mmask16 k = mask16 (n - i);
      const __m512i sum
          = _mm512_add_epi32 (_mm512_mullo_epi32 (_mm512_maskz_loadu_epi32 (k, a + i), fa),
                              _mm512_mullo_epi32 (_mm512_maskz_loadu_epi32 (k, b + i), fb));
      const __m512i up = _mm512_add_epi32 (half, _mm512_srai_epi32 (sum, 31));
      const __m128i codes
          = _mm512_cvtepi32_epi8 (_mm512_srai_epi32 (_mm512_add_epi32 (sum, up), 20));

      if (n - i >= 16)
        _mm_storeu_si128 ((__m128i *)(void *)(y + i), codes);
      else
        _mm_mask_storeu_epi8 (y + i, k, codes);
    }
}

void
kn_qvec_avx512 (KnQvecFamily *f)
{
  *f = (KnQvecFamily){
    .quantize = quantize_avx512,
    .dequantize = dequantize_avx512,
    .lookup = lookup_avx512,
    .add = add_avx512,
    .mul = mul_avx512,
    .sum_rows = sum_rows_avx512,
    .max_rows = max_rows_avx512,
    .lerp = lerp_avx512,
  };
}
