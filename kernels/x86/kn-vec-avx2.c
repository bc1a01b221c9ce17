/* The vec family with AVX2, FMA and F16C: two registers are the 16 lanes of the specification.
 * Tails of element-wise kernels go through masked loads and stores, tails of sums through the C
 * code on the stored lanes. */
#ifndef __AVX2__
#error "this file needs -mavx2 -mfma -mf16c"
#endif

#include "kn-f16-private.h"
#include "kn-table-private.h"
#include "x86/kn-math-avx2.h"

#define INLINE static inline __attribute__ ((always_inline))

/* y = op (a, b) for a row; @op is inlined. */
INLINE void
map2 (__m256 (*op) (__m256 a, __m256 b), const float *a, const float *b, size_t n, float *y)
{
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    _mm256_storeu_ps (y + i, op (_mm256_loadu_ps (a + i), _mm256_loadu_ps (b + i)));
  if (i < n)
    {
      const __m256i k = kn_tail8 (n - i);
      _mm256_maskstore_ps (y + i, k,
                           op (_mm256_maskload_ps (a + i, k), _mm256_maskload_ps (b + i, k)));
    }
}

/* Sum of a[i] * b[i] in 16 lanes. */
INLINE float
dot16 (const float *a, const float *b, size_t n)
{
  __m256 lo = _mm256_setzero_ps (), hi = lo;
  size_t i = 0;
  for (; i + 16 <= n; i += 16)
    {
      lo = _mm256_fmadd_ps (_mm256_loadu_ps (a + i), _mm256_loadu_ps (b + i), lo);
      hi = _mm256_fmadd_ps (_mm256_loadu_ps (a + i + 8), _mm256_loadu_ps (b + i + 8), hi);
    }
  if (i == n)
    return kn_sum8x2 (lo, hi);

  float lane[KN_LANES];
  _mm256_storeu_ps (lane, lo);
  _mm256_storeu_ps (lane + 8, hi);
  for (size_t j = 0; i + j < n; j++)
    lane[j] = fmaf (a[i + j], b[i + j], lane[j]);
  return kn_sum_lanes (lane);
}

static float
dot_avx2 (const float *a, const float *b, size_t n)
{
  return dot16 (a, b, n);
}

INLINE __m256
op_mul (__m256 a, __m256 b)
{
  return _mm256_mul_ps (a, b);
}

static void
scale_avx2 (const float *x, float s, size_t n, float *y)
{
  const __m256 factor = _mm256_set1_ps (s);
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    _mm256_storeu_ps (y + i, _mm256_mul_ps (_mm256_loadu_ps (x + i), factor));
  for (; i < n; i++)
    y[i] = x[i] * s;
}

static void
rmsnorm_avx2 (const float *x, const float *w, float eps, size_t n, float *y)
{
  const float s = kn_rms_scale (dot16 (x, x, n), n, eps);
  const __m256 scale = _mm256_set1_ps (s);
  if (!w)
    {
      scale_avx2 (x, s, n, y);
      return;
    }

  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    _mm256_storeu_ps (y + i, _mm256_mul_ps (_mm256_mul_ps (_mm256_loadu_ps (x + i), scale),
                                            _mm256_loadu_ps (w + i)));
  for (; i < n; i++)
    y[i] = x[i] * s * w[i];
}

/* NaN is ignored: the second operand stays when the first is NaN. */
static float
row_max (const float *x, size_t n)
{
  __m256 m = _mm256_set1_ps (-INFINITY);
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    m = _mm256_max_ps (_mm256_loadu_ps (x + i), m);
  float max = kn_max8 (m);
  for (; i < n; i++)
    max = kn_max1 (max, x[i]);
  return max;
}

static void
softmax_avx2 (const float *x, size_t n, float *y)
{
  const float shift = kn_softmax_shift (row_max (x, n));
  const __m256 shift8 = _mm256_set1_ps (shift);
  __m256 acc[2] = { _mm256_setzero_ps (), _mm256_setzero_ps () };
  size_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (size_t h = 0; h < 2; h++)
      {
        const __m256 e = kn_exp8 (_mm256_sub_ps (_mm256_loadu_ps (x + i + 8 * h), shift8));
        _mm256_storeu_ps (y + i + 8 * h, e);
        acc[h] = _mm256_add_ps (acc[h], e);
      }

  float lane[KN_LANES];
  _mm256_storeu_ps (lane, acc[0]);
  _mm256_storeu_ps (lane + 8, acc[1]);
  for (size_t j = 0; i + j < n; j++)
    {
      y[i + j] = kn_exp1 (x[i + j] - shift);
      lane[j] += y[i + j];
    }
  scale_avx2 (y, kn_softmax_inverse (kn_sum_lanes (lane)), n, y);
}

INLINE void
rotate (__m256 a, __m256 b, __m256 cos, __m256 sin, __m256 *ya, __m256 *yb)
{
  *ya = _mm256_fmsub_ps (a, cos, _mm256_mul_ps (b, sin));
  *yb = _mm256_fmadd_ps (a, sin, _mm256_mul_ps (b, cos));
}

/* 16 numbers at a time. Even and odd places are separated within 128-bit halves, so pairs come in
 * the order 0 1 4 5 2 3 6 7; cos and sin are brought into that order, and unpacking undoes it. */
static void
rope_adjacent_avx2 (const float *x, const float *cos, const float *sin, size_t n, float *y)
{
  const __m256i order = _mm256_setr_epi32 (0, 1, 4, 5, 2, 3, 6, 7);
  const size_t half = n / 2;
  size_t i = 0;
  for (; i + 8 <= half; i += 8)
    {
      const __m256 x0 = _mm256_loadu_ps (x + 2 * i), x1 = _mm256_loadu_ps (x + 2 * i + 8);
      const __m256 c = _mm256_permutevar8x32_ps (_mm256_loadu_ps (cos + i), order);
      const __m256 s = _mm256_permutevar8x32_ps (_mm256_loadu_ps (sin + i), order);
      __m256 a, b;
      rotate (_mm256_shuffle_ps (x0, x1, 0x88), _mm256_shuffle_ps (x0, x1, 0xdd), c, s, &a, &b);
      _mm256_storeu_ps (y + 2 * i, _mm256_unpacklo_ps (a, b));
      _mm256_storeu_ps (y + 2 * i + 8, _mm256_unpackhi_ps (a, b));
    }
  for (; i < half; i++)
    kn_rotate1 (x[2 * i], x[2 * i + 1], cos[i], sin[i], &y[2 * i], &y[2 * i + 1]);
}

static void
rope_half_avx2 (const float *x, const float *cos, const float *sin, size_t n, float *y)
{
  const size_t half = n / 2;
  size_t i = 0;
  for (; i + 8 <= half; i += 8)
    {
      __m256 a, b;
      rotate (_mm256_loadu_ps (x + i), _mm256_loadu_ps (x + i + half), _mm256_loadu_ps (cos + i),
              _mm256_loadu_ps (sin + i), &a, &b);
      _mm256_storeu_ps (y + i, a);
      _mm256_storeu_ps (y + i + half, b);
    }
  for (; i < half; i++)
    kn_rotate1 (x[i], x[i + half], cos[i], sin[i], &y[i], &y[i + half]);
}

INLINE __m256
op_silu_mul (__m256 a, __m256 b)
{
  return _mm256_mul_ps (kn_silu8 (a), b);
}

INLINE __m256
op_gelu_mul (__m256 a, __m256 b)
{
  return _mm256_mul_ps (kn_gelu8 (a), b);
}

INLINE __m256
op_silu (__m256 a, __m256 b)
{
  return kn_silu8 (a);
}

INLINE __m256
op_add (__m256 a, __m256 b)
{
  return _mm256_add_ps (a, b);
}

static void
silu_mul_avx2 (const float *gate, const float *up, size_t n, float *y)
{
  map2 (op_silu_mul, gate, up, n, y);
}

static void
gelu_tanh_mul_avx2 (const float *gate, const float *up, size_t n, float *y)
{
  map2 (op_gelu_mul, gate, up, n, y);
}

static void
silu_avx2 (const float *x, size_t n, float *y)
{
  map2 (op_silu, x, x, n, y);
}

static void
add_avx2 (const float *a, const float *b, size_t n, float *y)
{
  map2 (op_add, a, b, n, y);
}

static void
mul_avx2 (const float *a, const float *b, size_t n, float *y)
{
  map2 (op_mul, a, b, n, y);
}

static void
f16_to_f32_avx2 (const uint16_t *x, size_t n, float *y)
{
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    _mm256_storeu_ps (y + i,
                      _mm256_cvtph_ps (_mm_loadu_si128 ((const __m128i *)(const void *)(x + i))));
  for (; i < n; i++)
    y[i] = kn_f16_load (x[i]);
}

static void
f32_to_f16_avx2 (const float *x, size_t n, uint16_t *y)
{
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    _mm_storeu_si128 ((__m128i *)(void *)(y + i),
                      _mm256_cvtps_ph (_mm256_loadu_ps (x + i),
                                       _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  for (; i < n; i++)
    y[i] = kn_f16_store (x[i]);
}

void
kn_vec_avx2 (KnVecFamily *f)
{
  *f = (KnVecFamily){
    .rmsnorm = rmsnorm_avx2,
    .softmax = softmax_avx2,
    .rope_adjacent = rope_adjacent_avx2,
    .rope_half = rope_half_avx2,
    .silu_mul = silu_mul_avx2,
    .gelu_tanh_mul = gelu_tanh_mul_avx2,
    .silu = silu_avx2,
    .add = add_avx2,
    .mul = mul_avx2,
    .scale = scale_avx2,
    .dot = dot_avx2,
    .f16_to_f32 = f16_to_f32_avx2,
    .f32_to_f16 = f32_to_f16_avx2,
  };
}
