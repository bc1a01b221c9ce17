/* The vec family with AVX-512: one register is the 16 lanes of the specification, a mask serves the
 * tail. */
#ifndef __AVX512F__
#error "this file needs -mavx512f"
#endif

#include "kn-table-private.h"
#include "x86/kn-math-avx512.h"

#define INLINE static inline __attribute__ ((always_inline))

/* Sum of a[i] * b[i] in 16 lanes. No masked load without lanes: beside an unmapped page it costs
 * hundreds of cycles. */
INLINE float
dot16 (const float *a, const float *b, size_t n)
{
  __m512 acc = _mm512_setzero_ps ();
  size_t i = 0;
  for (; i + 16 <= n; i += 16)
    acc = _mm512_fmadd_ps (_mm512_loadu_ps (a + i), _mm512_loadu_ps (b + i), acc);
  if (i < n)
    {
      const __mmask16 k = kn_tail16 (n - i);
      acc = _mm512_mask3_fmadd_ps (_mm512_maskz_loadu_ps (k, a + i),
                                   _mm512_maskz_loadu_ps (k, b + i), acc, k);
    }
  return kn_sum16 (acc);
}

/* y = op (a, b) for a row; @op is inlined. */
INLINE void
map2 (__m512 (*op) (__m512 a, __m512 b), const float *a, const float *b, size_t n, float *y)
{
  size_t i = 0;
  for (; i + 16 <= n; i += 16)
    _mm512_storeu_ps (y + i, op (_mm512_loadu_ps (a + i), _mm512_loadu_ps (b + i)));
  if (i < n)
    {
      const __mmask16 k = kn_tail16 (n - i);
      _mm512_mask_storeu_ps (y + i, k,
                             op (_mm512_maskz_loadu_ps (k, a + i),
                                 _mm512_maskz_loadu_ps (k, b + i)));
    }
}

static void
rmsnorm_avx512 (const float *x, const float *w, float eps, size_t n, float *y)
{
  const __m512 scale = _mm512_set1_ps (kn_rms_scale (dot16 (x, x, n), n, eps));
  for (size_t i = 0; i < n; i += 16)
    {
      const __mmask16 m = n - i < 16 ? kn_tail16 (n - i) : (__mmask16)0xffff;
      __m512 v = _mm512_mul_ps (_mm512_maskz_loadu_ps (m, x + i), scale);
      if (w)
        v = _mm512_mul_ps (v, _mm512_maskz_loadu_ps (m, w + i));
      _mm512_mask_storeu_ps (y + i, m, v);
    }
}

/* NaN is ignored: the second operand stays when the first is NaN. */
static float
row_max (const float *x, size_t n)
{
  const __m512 lowest = _mm512_set1_ps (-INFINITY);
  __m512 m = lowest;
  size_t i = 0;
  for (; i + 16 <= n; i += 16)
    m = _mm512_max_ps (_mm512_loadu_ps (x + i), m);
  if (i < n)
    m = _mm512_max_ps (_mm512_mask_loadu_ps (lowest, kn_tail16 (n - i), x + i), m);
  return _mm512_reduce_max_ps (m);
}

static void
softmax_avx512 (const float *x, size_t n, float *y)
{
  const __m512 shift = _mm512_set1_ps (kn_softmax_shift (row_max (x, n)));
  __m512 acc = _mm512_setzero_ps ();
  for (size_t i = 0; i < n; i += 16)
    {
      const __mmask16 k = n - i < 16 ? kn_tail16 (n - i) : (__mmask16)0xffff;
      const __m512 e = kn_exp16 (_mm512_sub_ps (_mm512_maskz_loadu_ps (k, x + i), shift));
      _mm512_mask_storeu_ps (y + i, k, e);
      acc = _mm512_mask_add_ps (acc, k, acc, e);
    }

  const __m512 inverse = _mm512_set1_ps (kn_softmax_inverse (kn_sum16 (acc)));
  for (size_t i = 0; i < n; i += 16)
    {
      const __mmask16 k = n - i < 16 ? kn_tail16 (n - i) : (__mmask16)0xffff;
      _mm512_mask_storeu_ps (y + i, k, _mm512_mul_ps (_mm512_maskz_loadu_ps (k, y + i), inverse));
    }
}

INLINE void
rotate (__m512 a, __m512 b, __m512 cos, __m512 sin, __m512 *ya, __m512 *yb)
{
  *ya = _mm512_fmsub_ps (a, cos, _mm512_mul_ps (b, sin));
  *yb = _mm512_fmadd_ps (a, sin, _mm512_mul_ps (b, cos));
}

/* 32 numbers at a time: even places to one register, odd places to the other, and back. */
static void
rope_adjacent_avx512 (const float *x, const float *cos, const float *sin, size_t n, float *y)
{
  const __m512i even
      = _mm512_setr_epi32 (0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd = _mm512_setr_epi32 (1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  const __m512i low = _mm512_setr_epi32 (0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const __m512i high
      = _mm512_setr_epi32 (8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  const size_t half = n / 2;

  for (size_t i = 0; i < half; i += 16)
    {
      const size_t left = half - i < 16 ? half - i : 16;
      const __mmask16 k = left < 16 ? kn_tail16 (left) : (__mmask16)0xffff;
      const uint32_t pairs = left < 16 ? (1u << 2 * left) - 1 : 0xffffffff;
      const __mmask16 k0 = (__mmask16)pairs, k1 = (__mmask16)(pairs >> 16);
      const __m512 x0 = _mm512_maskz_loadu_ps (k0, x + 2 * i);
      const __m512 x1 = _mm512_maskz_loadu_ps (k1, x + 2 * i + 16);
      __m512 a, b;
      rotate (_mm512_permutex2var_ps (x0, even, x1), _mm512_permutex2var_ps (x0, odd, x1),
              _mm512_maskz_loadu_ps (k, cos + i), _mm512_maskz_loadu_ps (k, sin + i), &a, &b);
      _mm512_mask_storeu_ps (y + 2 * i, k0, _mm512_permutex2var_ps (a, low, b));
      _mm512_mask_storeu_ps (y + 2 * i + 16, k1, _mm512_permutex2var_ps (a, high, b));
    }
}

static void
rope_half_avx512 (const float *x, const float *cos, const float *sin, size_t n, float *y)
{
  const size_t half = n / 2;
  for (size_t i = 0; i < half; i += 16)
    {
      const __mmask16 k = half - i < 16 ? kn_tail16 (half - i) : (__mmask16)0xffff;
      __m512 a, b;
      rotate (_mm512_maskz_loadu_ps (k, x + i), _mm512_maskz_loadu_ps (k, x + i + half),
              _mm512_maskz_loadu_ps (k, cos + i), _mm512_maskz_loadu_ps (k, sin + i), &a, &b);
      _mm512_mask_storeu_ps (y + i, k, a);
      _mm512_mask_storeu_ps (y + i + half, k, b);
    }
}

INLINE __m512
op_silu_mul (__m512 a, __m512 b)
{
  return _mm512_mul_ps (kn_silu16 (a), b);
}

INLINE __m512
op_gelu_mul (__m512 a, __m512 b)
{
  return _mm512_mul_ps (kn_gelu16 (a), b);
}

INLINE __m512
op_silu (__m512 a, __m512 b)
{
  return kn_silu16 (a);
}

INLINE __m512
op_add (__m512 a, __m512 b)
{
  return _mm512_add_ps (a, b);
}

INLINE __m512
op_mul (__m512 a, __m512 b)
{
  return _mm512_mul_ps (a, b);
}

static void
silu_mul_avx512 (const float *gate, const float *up, size_t n, float *y)
{
  map2 (op_silu_mul, gate, up, n, y);
}

static void
gelu_tanh_mul_avx512 (const float *gate, const float *up, size_t n, float *y)
{
  map2 (op_gelu_mul, gate, up, n, y);
}

static void
silu_avx512 (const float *x, size_t n, float *y)
{
  map2 (op_silu, x, x, n, y);
}

static void
add_avx512 (const float *a, const float *b, size_t n, float *y)
{
  map2 (op_add, a, b, n, y);
}

static void
mul_avx512 (const float *a, const float *b, size_t n, float *y)
{
  map2 (op_mul, a, b, n, y);
}

static void
scale_avx512 (const float *x, float s, size_t n, float *y)
{
  const __m512 factor = _mm512_set1_ps (s);
  for (size_t i = 0; i < n; i += 16)
    {
      const __mmask16 k = n - i < 16 ? kn_tail16 (n - i) : (__mmask16)0xffff;
      _mm512_mask_storeu_ps (y + i, k, _mm512_mul_ps (_mm512_maskz_loadu_ps (k, x + i), factor));
    }
}

static float
dot_avx512 (const float *a, const float *b, size_t n)
{
  return dot16 (a, b, n);
}

static void
f16_to_f32_avx512 (const uint16_t *x, size_t n, float *y)
{
  for (size_t i = 0; i < n; i += 16)
    {
      const __mmask16 k = n - i < 16 ? kn_tail16 (n - i) : (__mmask16)0xffff;
      _mm512_mask_storeu_ps (y + i, k, _mm512_cvtph_ps (_mm256_maskz_loadu_epi16 (k, x + i)));
    }
}

static void
f32_to_f16_avx512 (const float *x, size_t n, uint16_t *y)
{
  for (size_t i = 0; i < n; i += 16)
    {
      const __mmask16 k = n - i < 16 ? kn_tail16 (n - i) : (__mmask16)0xffff;
      const __m512 v = _mm512_maskz_loadu_ps (k, x + i);
      _mm256_mask_storeu_epi16 (y + i, k,
                                _mm512_cvtps_ph (v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    }
}

void
kn_vec_avx512 (KnVecFamily *f)
{
  *f = (KnVecFamily){
    .rmsnorm = rmsnorm_avx512,
    .softmax = softmax_avx512,
    .rope_adjacent = rope_adjacent_avx512,
    .rope_half = rope_half_avx512,
    .silu_mul = silu_mul_avx512,
    .gelu_tanh_mul = gelu_tanh_mul_avx512,
    .silu = silu_avx512,
    .add = add_avx512,
    .mul = mul_avx512,
    .scale = scale_avx512,
    .dot = dot_avx512,
    .f16_to_f32 = f16_to_f32_avx512,
    .f32_to_f16 = f32_to_f16_avx512,
  };
}
