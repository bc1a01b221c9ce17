/* What the AVX2 products share: loading a group's codes and scales from a panel (layout:
 * kn-panel-private.h), one half of 8 rows to a register. The format is a compile-time constant
 * wherever these are called.
 *
 * AVX2 multiplies unsigned by signed bytes and adds pairs to 16 bits, with saturation. Codes of 4,
 * 5 and 6 bits leave room for the sums of 8, 4 and 2 steps before they must be widened; int8
 * weights are split into magnitude and sign. */
#pragma once

#include "kn-matmul.h"

#include "kn-panel-private.h"

#include <immintrin.h>
#include <string.h>

#define KN_INLINE static inline __attribute__ ((always_inline))

#ifdef __clang__
#define KN_UNROLL _Pragma ("unroll")
#else
#define KN_UNROLL _Pragma ("GCC unroll 16")
#endif

KN_INLINE __m256i
kn_load_half_line (const uint8_t *at)
{
  return _mm256_load_si256 ((const __m256i *)at);
}

/* The same for 2 and 3 bits: four steps to a line of pairs, the third bits in a plane. One bit: a
 * plane alone, bits count twice. */
KN_INLINE void
kn_load_few_bits (KnDtype dtype, const uint8_t *g, __m256i w[8])
{
  const __m256i pair = _mm256_set1_epi8 (3), third = _mm256_set1_epi8 (4);

  if (dtype == KN_Q1_64)
    {
      const __m256i plane = kn_load_half_line (g), two = _mm256_set1_epi8 (2);

      KN_UNROLL
      for (int s = 0; s < 8; s++)
        w[s] = _mm256_and_si256 (s == 0 ? _mm256_slli_epi16 (plane, 1)
                                        : _mm256_srli_epi16 (plane, s - 1),
                                 two);
      return;
    }
  KN_UNROLL
  for (int h = 0; h < 2; h++)
    {
      __m256i line = kn_load_half_line (g + 64 * h);

      KN_UNROLL
      for (int j = 0; j < 4; j++)
        w[4 * h + j] = _mm256_and_si256 (_mm256_srli_epi16 (line, 2 * j), pair);
    }
  if (kn_panel_group_bytes (dtype) == 192)
    {
      __m256i plane = kn_load_half_line (g + 128);

      KN_UNROLL
      for (int s = 0; s < 8; s++)
        {
          __m256i moved
              = s < 2 ? _mm256_slli_epi16 (plane, 2 - s) : _mm256_srli_epi16 (plane, s - 2);
          w[s] = _mm256_or_si256 (w[s], _mm256_and_si256 (moved, third));
        }
    }
}

/* Eight steps of one half (rows 8 @half ..) of a group: unsigned codes, or int8 for Q8_0. */
KN_INLINE void
kn_load_codes (KnDtype dtype, const uint8_t *g, int half, __m256i w[8])
{
  const __m256i nibble = _mm256_set1_epi8 (15);

  g += 32 * half;
  if (dtype == KN_Q8_0)
    {
      KN_UNROLL
      for (int s = 0; s < 8; s++)
        w[s] = kn_load_half_line (g + 64 * s);
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
      __m256i line = kn_load_half_line (g + 64 * i);

      w[i] = _mm256_and_si256 (line, nibble);
      w[i + 4] = _mm256_and_si256 (_mm256_srli_epi16 (line, 4), nibble);
    }
  if (dtype == KN_MXFP4)
    {
      /* The values, with 16 added. */
      const __m256i values = _mm256_broadcastsi128_si256 (
          _mm_setr_epi8 (16, 17, 18, 19, 20, 22, 24, 28, 16, 15, 14, 13, 12, 10, 8, 4));

      KN_UNROLL
      for (int s = 0; s < 8; s++)
        w[s] = _mm256_shuffle_epi8 (values, w[s]);
    }
  if (kn_panel_group_bytes (dtype) == 320)
    {
      const __m256i bit = _mm256_set1_epi8 (16);
      __m256i plane = kn_load_half_line (g + 256);

      /* Shifts by 16-bit lanes move foreign bits in; the mask drops them. */
      KN_UNROLL
      for (int s = 0; s < 8; s++)
        {
          __m256i moved
              = s < 4 ? _mm256_slli_epi16 (plane, 4 - s) : _mm256_srli_epi16 (plane, s - 4);
          w[s] = _mm256_or_si256 (w[s], _mm256_and_si256 (moved, bit));
        }
    }
  if (kn_panel_group_bytes (dtype) == 384)
    {
      const __m256i bits = _mm256_set1_epi8 (0x30);

      KN_UNROLL
      for (int s = 0; s < 8; s++)
        {
          __m256i plane = kn_load_half_line (g + 256 + 64 * (s / 4));
          int left = 4 - 2 * (s % 4);
          __m256i moved
              = left >= 0 ? _mm256_slli_epi16 (plane, left) : _mm256_srli_epi16 (plane, -left);
          w[s] = _mm256_or_si256 (w[s], _mm256_and_si256 (moved, bits));
        }
    }
}

/* Scales of one group and half as f32, the second one for the second half group of Q6_K. The
 * minimum has the sign with which it is added. */
typedef struct
{
  __m256 scale[2];
  __m256 min;
  __m256i subs, sub_mins; /* integer scales and minima: per row the pair of the half groups, 16 bits
                             each */
} KnGroupScales;

KN_INLINE __m256
kn_load_halves (const uint8_t *at)
{
  return _mm256_cvtph_ps (_mm_loadu_si128 ((const __m128i *)at));
}

KN_INLINE __m256
kn_load_u8s (const uint8_t *at)
{
  return _mm256_cvtepi32_ps (_mm256_cvtepu8_epi32 (_mm_loadl_epi64 ((const __m128i *)at)));
}

KN_INLINE __m256
kn_load_s8s (const uint8_t *at)
{
  return _mm256_cvtepi32_ps (_mm256_cvtepi8_epi32 (_mm_loadl_epi64 ((const __m128i *)at)));
}

/* 2^(e - 128) of 8 rows. */
KN_INLINE __m256
kn_load_e8m0s (const uint8_t *at)
{
  __m256i e = _mm256_cvtepu8_epi32 (_mm_loadl_epi64 ((const __m128i *)at));
  __m256i normal = _mm256_slli_epi32 (_mm256_sub_epi32 (e, _mm256_set1_epi32 (1)), 23);
  __m256i small = _mm256_sllv_epi32 (_mm256_set1_epi32 (0x00200000), e);

  return _mm256_castsi256_ps (
      _mm256_blendv_epi8 (normal, small, _mm256_cmpgt_epi32 (_mm256_set1_epi32 (2), e)));
}

KN_INLINE void
kn_load_int_scales (KnDtype dtype, const uint8_t *block, size_t i, int half, KnGroupScales *s)
{
  const uint8_t *at = block + kn_panel_int_scales_at (dtype, i);

  if (dtype == KN_Q3_64)
    {
      const __m256i bytes
          = _mm256_cvtepu8_epi32 (_mm_loadl_epi64 ((const __m128i *)(at + 8 * half)));
      const __m256i pairs = _mm256_or_si256 (bytes, _mm256_slli_epi32 (bytes, 12));

      s->subs = _mm256_sub_epi16 (_mm256_and_si256 (pairs, _mm256_set1_epi16 (15)),
                                  _mm256_set1_epi16 (8));
    }
  else if (dtype == KN_Q3_K)
    s->subs = _mm256_cvtepi8_epi16 (_mm_load_si128 ((const __m128i *)(at + 16 * half)));
  else
    {
      const __m256i both
          = _mm256_cvtepu8_epi16 (_mm_load_si128 ((const __m128i *)(at + 16 * half)));

      s->subs = _mm256_and_si256 (both, _mm256_set1_epi16 (15));
      s->sub_mins = _mm256_srli_epi16 (both, 4);
    }
}

/* Scales of group @i of @block. */
KN_INLINE KnGroupScales
kn_group_scales (KnDtype dtype, const uint8_t *block, size_t i, int half)
{
  KnGroupScales s = { .scale = { _mm256_setzero_ps (), _mm256_setzero_ps () },
                      .min = _mm256_setzero_ps (),
                      .subs = _mm256_setzero_si256 (),
                      .sub_mins = _mm256_setzero_si256 () };
  const uint8_t *sub = block + 32 * i + 8 * half;
  __m256 d;

  if (kn_panel_has_own_scales (dtype))
    {
      s.scale[0] = kn_load_halves (block + kn_panel_own_scales_at (dtype, i) + 16 * half);
      return s;
    }
  if (dtype == KN_MXFP4)
    {
      s.scale[0] = kn_load_e8m0s (block + 16 * i + 8 * half);
      return s;
    }
  d = kn_load_halves (block + 16 * half);
  if (kn_panel_has_int_scales (dtype) || dtype == KN_TQ2_0)
    {
      s.scale[0] = d;
      if (kn_panel_has_int_mins (dtype))
        s.min = kn_load_halves (block + 32 + 16 * half);
      if (kn_panel_has_int_scales (dtype))
        kn_load_int_scales (dtype, block, i, half, &s);
      return s;
    }
  if (dtype == KN_Q6_K)
    {
      s.scale[0] = _mm256_mul_ps (d, kn_load_s8s (sub + 32));
      s.scale[1] = _mm256_mul_ps (d, kn_load_s8s (sub + 48));
      return s;
    }
  s.scale[0] = d;
  s.min = kn_load_halves (block + 32 + 16 * half);
  if (dtype == KN_Q4_K || dtype == KN_Q5_K)
    {
      s.scale[0] = _mm256_mul_ps (d, kn_load_u8s (sub + 64));
      s.min = _mm256_xor_ps (_mm256_mul_ps (s.min, kn_load_u8s (sub + 80)), _mm256_set1_ps (-0.0f));
    }
  return s;
}

/* Steps whose products fit in 16-bit sums; 0 for Q8_0. */
KN_INLINE int
kn_steps_in_16_bits (KnDtype dtype)
{
  const size_t bytes = kn_panel_group_bytes (dtype);

  if (dtype == KN_MXFP4) /* values up to 28 */
    return 4;
  return bytes <= 256 ? 8 : bytes == 320 ? 4 : bytes == 384 ? 2 : 0;
}

/* Four activation bytes in every 32-bit lane. */
KN_INLINE __m256i
kn_broadcast_step (const uint8_t *x)
{
  int32_t word;

  memcpy (&word, x, sizeof word);
  return _mm256_set1_epi32 (word);
}

KN_INLINE __m256i
kn_widen (__m256i pairs)
{
  return _mm256_madd_epi16 (pairs, _mm256_set1_epi16 (1));
}

/* The products of one step of int8 weights, summed to 32 bits. |w| reaches 128, |x| only 127, so
 * pairs do not saturate. */
KN_INLINE __m256i
kn_dot_s8 (__m256i w, __m256i x)
{
  return kn_widen (_mm256_maddubs_epi16 (_mm256_abs_epi8 (w), _mm256_sign_epi8 (x, w)));
}

/* Zero point times the sum of the activations, in every lane. All zero points are powers of two. */
KN_INLINE __m256i
kn_zero_part (KnDtype dtype, const int32_t *sum)
{
  const int log2_zero = dtype == KN_Q4_0                         ? 3
                        : dtype == KN_Q5_0 || dtype == KN_MXFP4  ? 4
                        : dtype == KN_TQ2_0 || dtype == KN_Q1_64 ? 0
                                                                 : 5;

  return _mm256_slli_epi32 (_mm256_set1_epi32 (*sum), log2_zero);
}

/* Scales, sums and half sums of an activation row. */
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

/* The sum that goes with the scale of part @h of group @g: of 16 columns for Q6_K, else of 32. */
KN_INLINE const int32_t *
kn_x_sum (KnDtype dtype, const uint8_t *x, KnQ8Offsets o, size_t g, size_t h)
{
  if (dtype == KN_Q6_K)
    return (const int32_t *)(x + o.half_sums) + 2 * g + h;
  return (const int32_t *)(x + o.sums) + g;
}

/* The sums of the codes of both half groups of 16, as a pair of 16-bit numbers in every lane. */
KN_INLINE __m256i
kn_half_sum_pair (const uint8_t *x, KnQ8Offsets o, size_t g)
{
  const int32_t *sums = (const int32_t *)(x + o.half_sums) + 2 * g;

  return _mm256_set1_epi32 ((int32_t)((uint32_t)sums[0] & 0xffff)
                            | (int32_t)((uint32_t)sums[1] << 16));
}

/* Sums of the unsigned codes of both half groups, two 16-bit parts to a row, times the rows'
 * integer scales; of the 3-bit formats the zero point, 4, is taken off. */
KN_INLINE __m256i
kn_int_dot (KnDtype dtype, const __m256i parts[2], __m256i subs, __m256i sums)
{
  const __m256i first = _mm256_setr_epi8 (0, 1, 0, 1, 4, 5, 4, 5, 8, 9, 8, 9, 12, 13, 12, 13, 0, 1,
                                          0, 1, 4, 5, 4, 5, 8, 9, 8, 9, 12, 13, 12, 13);
  const __m256i second = _mm256_add_epi8 (first, _mm256_set1_epi8 (2));
  __m256i dot = _mm256_add_epi32 (_mm256_madd_epi16 (parts[0], _mm256_shuffle_epi8 (subs, first)),
                                  _mm256_madd_epi16 (parts[1], _mm256_shuffle_epi8 (subs, second)));

  if (!kn_panel_has_int_mins (dtype))
    dot = _mm256_sub_epi32 (dot, _mm256_slli_epi32 (_mm256_madd_epi16 (subs, sums), 2));
  return dot;
}

/* xs * (float) isum in every lane. */
KN_INLINE __m256
kn_x_min_factor (const uint8_t *x, KnQ8Offsets o, size_t g)
{
  return _mm256_set1_ps (kn_x_scale (x, o, g) * (float)((const int32_t *)(x + o.sums))[g]);
}

/* Rows 8 @half .. of a panel of which @n_rows are to be written. */
KN_INLINE __m256i
kn_row_mask (size_t n_rows, int half)
{
  const __m256i lane = _mm256_setr_epi32 (0, 1, 2, 3, 4, 5, 6, 7);
  const int left = n_rows >= 16 ? 16 : (int)n_rows;

  return _mm256_cmpgt_epi32 (_mm256_set1_epi32 (left - 8 * half), lane);
}

/* Products of two and more tokens: panels are expanded to scratch. */
void kn_matmul_batch_avx2 (KnDtype dtype, const KnMatmulArgs *args);

/* A part of the family that kn_matmul_avx2() puts together. */
void kn_matmul_float_avx2 (KnMatmulFamily *family);
