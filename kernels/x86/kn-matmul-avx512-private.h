/* What the AVX-512 products of all quantized formats share: loading a group's codes and scales from
 * a panel (layout: kn-panel-private.h). The format is a compile-time constant wherever these are
 * called, so each call keeps only its own case. */
#pragma once

#include "kn-matmul.h"

#include "kn-panel-private.h"

#include <immintrin.h>
#include <string.h>

/* @product (dtype, N, args) with the number of tokens as a constant, for 1 to 8: all sums stay in
 * registers. More: @otherwise. */
#define KN_FOR_FEW_TOKENS(dtype, product, args, otherwise)                                         \
  switch ((args)->n_tokens)                                                                        \
    {                                                                                              \
      KN_TOKENS_CASE (1, dtype, product, args);                                                    \
      KN_TOKENS_CASE (2, dtype, product, args);                                                    \
      KN_TOKENS_CASE (3, dtype, product, args);                                                    \
      KN_TOKENS_CASE (4, dtype, product, args);                                                    \
      KN_TOKENS_CASE (5, dtype, product, args);                                                    \
      KN_TOKENS_CASE (6, dtype, product, args);                                                    \
      KN_TOKENS_CASE (7, dtype, product, args);                                                    \
      KN_TOKENS_CASE (8, dtype, product, args);                                                    \
    default:                                                                                       \
      otherwise;                                                                                   \
    }
#define KN_TOKENS_CASE(n, dtype, product, args)                                                    \
  case n:                                                                                          \
    product (dtype, n, args);                                                                      \
    break

#define KN_INLINE static inline __attribute__ ((always_inline))

#ifdef __clang__
#define KN_UNROLL _Pragma ("unroll")
#else
#define KN_UNROLL _Pragma ("GCC unroll 16")
#endif

KN_INLINE __m512i
kn_load_line (const uint8_t *at)
{
  return _mm512_load_si512 (at);
}

/* The same for 2 and 3 bits: four steps to a line of pairs, the third bits in a plane. One bit: a
 * plane alone, bits count twice. */
KN_INLINE void
kn_load_few_bits (KnDtype dtype, const uint8_t *g, __m512i w[8])
{
  const __m512i pair = _mm512_set1_epi8 (3), third = _mm512_set1_epi8 (4);

  if (dtype == KN_Q1_64)
    {
      const __m512i plane = kn_load_line (g), two = _mm512_set1_epi8 (2);

      KN_UNROLL
      for (int s = 0; s < 8; s++)
        w[s] = _mm512_and_si512 (s == 0 ? _mm512_slli_epi16 (plane, 1)
                                        : _mm512_srli_epi16 (plane, (unsigned)(s - 1)),
                                 two);
      return;
    }
  KN_UNROLL
  for (int h = 0; h < 2; h++)
    {
      __m512i line = kn_load_line (g + 64 * h);

      KN_UNROLL
      for (int j = 0; j < 4; j++)
        w[4 * h + j] = _mm512_and_si512 (_mm512_srli_epi16 (line, (unsigned)(2 * j)), pair);
    }
  if (kn_panel_group_bytes (dtype) == 192)
    {
      __m512i plane = kn_load_line (g + 128);

      KN_UNROLL
      for (int s = 0; s < 8; s++)
        {
          __m512i moved = s < 2 ? _mm512_slli_epi16 (plane, (unsigned)(2 - s))
                                : _mm512_srli_epi16 (plane, (unsigned)(s - 2));
          w[s] = _mm512_ternarylogic_epi64 (w[s], moved, third, 0xf8);
        }
    }
}

/* Eight steps of unsigned codes of one group. The nibble lines give two steps each; planes add the
 * bits above. */
KN_INLINE void
kn_load_codes (KnDtype dtype, const uint8_t *g, __m512i w[8])
{
  const __m512i nibble = _mm512_set1_epi8 (15);

  if (dtype == KN_Q8_0)
    {
      KN_UNROLL
      for (int s = 0; s < 8; s++)
        w[s] = _mm512_xor_si512 (kn_load_line (g + 64 * s), _mm512_set1_epi8 (-128));
      return;
    }
  if (kn_panel_group_bytes (dtype) < 256)
    {
      kn_load_few_bits (dtype, g, w);
      return;
    }
  KN_UNROLL
  for (int i = 0; i < 4; i++)
    {
      __m512i line = kn_load_line (g + 64 * i);

      w[i] = _mm512_and_si512 (line, nibble);
      w[i + 4] = _mm512_and_si512 (_mm512_srli_epi16 (line, 4), nibble);
    }
  if (dtype == KN_MXFP4)
    {
      /* The values, with 16 added. */
      const __m512i values = _mm512_broadcast_i32x4 (
          _mm_setr_epi8 (16, 17, 18, 19, 20, 22, 24, 28, 16, 15, 14, 13, 12, 10, 8, 4));

      KN_UNROLL
      for (int s = 0; s < 8; s++)
        w[s] = _mm512_shuffle_epi8 (values, w[s]);
    }
  if (kn_panel_group_bytes (dtype) == 320)
    {
      const __m512i bit = _mm512_set1_epi8 (16);
      __m512i plane = kn_load_line (g + 256);

      /* Shifts by 16-bit lanes move foreign bits in; the mask drops them. 0xea: a | (b & c), 0xf8
       * on (a, b, c). */
      KN_UNROLL
      for (int s = 0; s < 8; s++)
        {
          __m512i moved = s < 4 ? _mm512_slli_epi16 (plane, (unsigned)(4 - s))
                                : _mm512_srli_epi16 (plane, (unsigned)(s - 4));
          w[s] = _mm512_ternarylogic_epi64 (w[s], moved, bit, 0xf8);
        }
    }
  if (kn_panel_group_bytes (dtype) == 384)
    {
      const __m512i bits = _mm512_set1_epi8 (0x30);

      KN_UNROLL
      for (int s = 0; s < 8; s++)
        {
          __m512i plane = kn_load_line (g + 256 + 64 * (s / 4));
          int left = 4 - 2 * (s % 4);
          __m512i moved = left >= 0 ? _mm512_slli_epi16 (plane, (unsigned)left)
                                    : _mm512_srli_epi16 (plane, (unsigned)-left);
          w[s] = _mm512_ternarylogic_epi64 (w[s], moved, bits, 0xf8);
        }
    }
}

/* Scales of one group as f32, the second one for the second half group of Q6_K; minima are
 * subtracted by the K formats and added by the others. */
typedef struct
{
  __m512 scale[2];
  __m512 min;
  __m512i subs, sub_mins; /* integer scales and minima: per row the pair of the half groups, 16 bits
                             each */
} KnGroupScales;

/* Units of one block, converted once per block. */
typedef struct
{
  __m512 d, m;
} KnBlockUnits;

KN_INLINE __m512
kn_load_halves (const uint8_t *at)
{
  return _mm512_cvtph_ps (_mm256_loadu_si256 ((const __m256i *)at));
}

KN_INLINE __m512
kn_load_u8s (const uint8_t *at)
{
  return _mm512_cvtepi32_ps (_mm512_cvtepu8_epi32 (_mm_loadu_si128 ((const __m128i *)at)));
}

KN_INLINE __m512
kn_load_s8s (const uint8_t *at)
{
  return _mm512_cvtepi32_ps (_mm512_cvtepi8_epi32 (_mm_loadu_si128 ((const __m128i *)at)));
}

KN_INLINE KnBlockUnits
kn_load_units (KnDtype dtype, const uint8_t *block)
{
  KnBlockUnits u = { _mm512_setzero_ps (), _mm512_setzero_ps () };

  if (!kn_panel_has_own_scales (dtype) && dtype != KN_MXFP4)
    u.d = kn_load_halves (block);
  if (kn_panel_has_min (dtype) || kn_panel_has_int_mins (dtype))
    u.m = kn_load_halves (block + 32);
  return u;
}

/* 2^(e - 128) of 16 rows. */
KN_INLINE __m512
kn_load_e8m0s (const uint8_t *at)
{
  __m512i e = _mm512_cvtepu8_epi32 (_mm_load_si128 ((const __m128i *)at));
  __m512i normal = _mm512_slli_epi32 (_mm512_sub_epi32 (e, _mm512_set1_epi32 (1)), 23);
  __m512i small = _mm512_sllv_epi32 (_mm512_set1_epi32 (0x00200000), e);

  return _mm512_castsi512_ps (
      _mm512_mask_blend_epi32 (_mm512_cmplt_epi32_mask (e, _mm512_set1_epi32 (2)), normal, small));
}

KN_INLINE void
kn_load_int_scales (KnDtype dtype, const uint8_t *block, size_t g, KnGroupScales *s)
{
  const uint8_t *at = block + kn_panel_int_scales_at (dtype, g);

  s->sub_mins = _mm512_setzero_si512 ();
  if (dtype == KN_Q3_64)
    {
      const __m512i bytes = _mm512_cvtepu8_epi32 (_mm_load_si128 ((const __m128i *)at));
      const __m512i pairs = _mm512_or_si512 (bytes, _mm512_slli_epi32 (bytes, 12));

      s->subs = _mm512_sub_epi16 (_mm512_and_si512 (pairs, _mm512_set1_epi16 (15)),
                                  _mm512_set1_epi16 (8));
    }
  else if (dtype == KN_Q3_K)
    s->subs = _mm512_cvtepi8_epi16 (_mm256_load_si256 ((const __m256i *)at));
  else
    {
      const __m512i both = _mm512_cvtepu8_epi16 (_mm256_load_si256 ((const __m256i *)at));

      s->subs = _mm512_and_si512 (both, _mm512_set1_epi16 (15));
      s->sub_mins = _mm512_srli_epi16 (both, 4);
    }
}

/* Scales of group @g of the block. */
KN_INLINE KnGroupScales
kn_group_scales (KnDtype dtype, KnBlockUnits u, const uint8_t *block, size_t g)
{
  KnGroupScales s = { .scale = { u.d, u.d }, .min = u.m };

  if (kn_panel_has_int_scales (dtype))
    kn_load_int_scales (dtype, block, g, &s);
  else if (dtype == KN_MXFP4)
    s.scale[0] = kn_load_e8m0s (block + 16 * g);
  else if (kn_panel_has_own_scales (dtype))
    s.scale[0] = kn_load_halves (block + kn_panel_own_scales_at (dtype, g));
  else if (dtype == KN_Q4_K || dtype == KN_Q5_K)
    {
      s.scale[0] = _mm512_mul_ps (u.d, kn_load_u8s (block + 64 + 32 * g));
      s.min = _mm512_mul_ps (u.m, kn_load_u8s (block + 64 + 32 * g + 16));
    }
  else if (dtype == KN_Q6_K)
    {
      s.scale[0] = _mm512_mul_ps (u.d, kn_load_s8s (block + 32 + 32 * g));
      s.scale[1] = _mm512_mul_ps (u.d, kn_load_s8s (block + 32 + 32 * g + 16));
    }
  return s;
}

/* acc + min * s, with the sign the format gives its minima. */
KN_INLINE __m512
kn_add_min (KnDtype dtype, __m512 min, __m512 s, __m512 acc)
{
  if (dtype == KN_Q4_K || dtype == KN_Q5_K)
    return _mm512_fnmadd_ps (min, s, acc);
  return _mm512_fmadd_ps (min, s, acc);
}

/* The start of an integer sum of unsigned codes: minus the zero point times the sum of the
 * activations. All zero points are powers of two; KN_NO_ZERO is the logarithm of none. */
#define KN_NO_ZERO 99u

KN_INLINE __m512i
kn_dot_start (unsigned log2_zero, const int32_t *sum)
{
  if (log2_zero == KN_NO_ZERO)
    return _mm512_setzero_si512 ();
  return _mm512_sub_epi32 (_mm512_setzero_si512 (),
                           _mm512_slli_epi32 (_mm512_set1_epi32 (*sum), log2_zero));
}

KN_INLINE unsigned
kn_log2_zero (KnDtype dtype)
{
  return dtype == KN_Q4_0    ? 3
         : dtype == KN_MXFP4 ? 4
         : dtype == KN_Q5_0  ? 4
         : dtype == KN_Q6_K  ? 5
         : dtype == KN_Q8_0  ? 7
         : dtype == KN_TQ2_0 ? 0
         : dtype == KN_Q1_64 ? 0
                             : KN_NO_ZERO;
}

/* Four activation bytes in every 32-bit lane. */
KN_INLINE __m512i
kn_broadcast_step (const uint8_t *x)
{
  int32_t word;

  memcpy (&word, x, sizeof word);
  return _mm512_set1_epi32 (word);
}

/* The arrays of an activation row. */
typedef struct
{
  size_t scales, sums, half_sums; /* byte offsets */
} KnQ8Offsets;

KN_INLINE KnQ8Offsets
kn_q8_offsets (size_t n_cols)
{
  return (KnQ8Offsets){ kn_q8_scales_offset (n_cols), kn_q8_sums_offset (n_cols),
                        kn_q8_half_sums_offset (n_cols) };
}

KN_INLINE float
kn_x_scale (const uint8_t *x, KnQ8Offsets o, size_t g)
{
  return ((const float *)(x + o.scales))[g];
}

KN_INLINE const int32_t *
kn_x_sum (const uint8_t *x, KnQ8Offsets o, size_t g)
{
  return (const int32_t *)(x + o.sums) + g;
}

KN_INLINE const int32_t *
kn_x_half_sum (const uint8_t *x, KnQ8Offsets o, size_t h)
{
  return (const int32_t *)(x + o.half_sums) + h;
}

/* The sums of the codes of both half groups of 16, as a pair of 16-bit numbers in every lane. */
KN_INLINE __m512i
kn_half_sum_pair (const uint8_t *x, KnQ8Offsets o, size_t g)
{
  const int32_t *sums = kn_x_half_sum (x, o, 2 * g);

  return _mm512_set1_epi32 ((int32_t)((uint32_t)sums[0] & 0xffff)
                            | (int32_t)((uint32_t)sums[1] << 16));
}

/* xs * (float) isum in every lane. */
KN_INLINE __m512
kn_x_min_factor (const uint8_t *x, KnQ8Offsets o, size_t g)
{
  return _mm512_mul_ps (_mm512_set1_ps (kn_x_scale (x, o, g)),
                        _mm512_cvtepi32_ps (_mm512_set1_epi32 (*kn_x_sum (x, o, g))));
}

KN_INLINE __mmask16
kn_row_mask (size_t n_rows)
{
  return n_rows >= 16 ? 0xffff : (__mmask16)((1u << n_rows) - 1);
}

/* Products of 9 and more tokens: panels are expanded to scratch. */
void kn_matmul_batch_avx512 (KnDtype dtype, const KnMatmulArgs *args);

/* Parts of the family that kn_matmul_avx512() puts together. */
void kn_matmul_small_avx512 (KnMatmulFamily *family);
void kn_matmul_float_avx512 (KnMatmulFamily *family);
