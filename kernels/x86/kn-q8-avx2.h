/* Vectors of 8 numbers for the kernels on 8-bit codes that are written once for instruction sets
 * with short vectors (kn-qconv-body.h, kn-qvec-body.h). */
#pragma once

#include <immintrin.h>

#include "kn-qconv-spec.h"

#define LANES 8
#define UNROLL _Pragma ("GCC unroll 16")

typedef __m256i I32;
typedef __m256 F32;

KN_QINLINE I32
i32_load (const int32_t *p)
{
  return _mm256_loadu_si256 ((const __m256i *)(const void *)p);
}

KN_QINLINE void
i32_store (int32_t *p, I32 v)
{
  _mm256_storeu_si256 ((__m256i *)(void *)p, v);
}

KN_QINLINE I32
i32_set1 (int32_t v)
{
  return _mm256_set1_epi32 (v);
}

KN_QINLINE I32
i32_add (I32 a, I32 b)
{
  return _mm256_add_epi32 (a, b);
}

KN_QINLINE I32
i32_sub (I32 a, I32 b)
{
  return _mm256_sub_epi32 (a, b);
}

KN_QINLINE I32
i32_mul (I32 a, I32 b)
{
  return _mm256_mullo_epi32 (a, b);
}

KN_QINLINE I32
i32_min (I32 a, I32 b)
{
  return _mm256_min_epi32 (a, b);
}

KN_QINLINE I32
i32_max (I32 a, I32 b)
{
  return _mm256_max_epi32 (a, b);
}

/* The sign stays. */
KN_QINLINE I32
i32_shift_right (I32 v, uint32_t n)
{
  return _mm256_sra_epi32 (v, _mm_cvtsi32_si128 ((int)n));
}

KN_QINLINE F32
f32_load (const float *p)
{
  return _mm256_loadu_ps (p);
}

KN_QINLINE void
f32_store (float *p, F32 v)
{
  _mm256_storeu_ps (p, v);
}

KN_QINLINE F32
f32_set1 (float v)
{
  return _mm256_set1_ps (v);
}

KN_QINLINE F32
f32_mul (F32 a, F32 b)
{
  return _mm256_mul_ps (a, b);
}

KN_QINLINE F32
f32_div (F32 a, F32 b)
{
  return _mm256_div_ps (a, b);
}

/* NaN becomes @low. */
KN_QINLINE F32
f32_limit (F32 v, F32 low, F32 high)
{
  return _mm256_min_ps (_mm256_max_ps (v, low), high);
}

KN_QINLINE F32
f32_of_i32 (I32 v)
{
  return _mm256_cvtepi32_ps (v);
}

/* Half to even. */
KN_QINLINE I32
i32_round (F32 v)
{
  return _mm256_cvtps_epi32 (v);
}

KN_QINLINE I32
codes_load (const void *x, int is_signed)
{
  const __m128i codes = _mm_loadl_epi64 (x);
  return is_signed ? _mm256_cvtepi8_epi32 (codes) : _mm256_cvtepu8_epi32 (codes);
}

KN_QINLINE void
codes_store (uint8_t *y, I32 codes)
{
  const __m256i low = _mm256_and_si256 (codes, _mm256_set1_epi32 (255));
  const __m128i words
      = _mm_packus_epi32 (_mm256_castsi256_si128 (low), _mm256_extracti128_si256 (low, 1));

  _mm_storel_epi64 ((__m128i *)(void *)y, _mm_packus_epi16 (words, words));
}

/* 16 bytes, as all of these instruction sets have them. */
typedef __m128i Bytes;

KN_QINLINE Bytes
bytes_load (const uint8_t *p)
{
  return _mm_loadu_si128 ((const __m128i *)(const void *)p);
}

KN_QINLINE void
bytes_store (uint8_t *p, Bytes v)
{
  _mm_storeu_si128 ((__m128i *)(void *)p, v);
}

KN_QINLINE Bytes
bytes_set1 (uint8_t v)
{
  return _mm_set1_epi8 ((char)v);
}

KN_QINLINE Bytes
bytes_xor (Bytes a, Bytes b)
{
  return _mm_xor_si128 (a, b);
}

KN_QINLINE Bytes
bytes_max (Bytes a, Bytes b, int is_signed)
{
  return is_signed ? _mm_max_epi8 (a, b) : _mm_max_epu8 (a, b);
}
