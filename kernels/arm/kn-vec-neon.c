/* The vec family with NEON: four registers are the 16 lanes of the specification; tails are the C
 * code. */
#ifndef __ARM_NEON
#error "this file needs NEON"
#endif

#include "arm/kn-math-neon.h"
#include "kn-table-private.h"

#define INLINE static inline __attribute__ ((always_inline))

/* y = op (a, b) for a row; both forms of @op are inlined. */
INLINE void
map2 (float32x4_t (*op) (float32x4_t a, float32x4_t b), float (*op1) (float a, float b),
      const float *a, const float *b, size_t n, float *y)
{
  size_t i = 0;
  for (; i + 4 <= n; i += 4)
    vst1q_f32 (y + i, op (vld1q_f32 (a + i), vld1q_f32 (b + i)));
  for (; i < n; i++)
    y[i] = op1 (a[i], b[i]);
}

/* Sum of a[i] * b[i] in 16 lanes. */
INLINE float
dot16 (const float *a, const float *b, size_t n)
{
  float32x4_t acc[4] = { vdupq_n_f32 (0), vdupq_n_f32 (0), vdupq_n_f32 (0), vdupq_n_f32 (0) };
  size_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (size_t r = 0; r < 4; r++)
      acc[r] = vfmaq_f32 (acc[r], vld1q_f32 (a + i + 4 * r), vld1q_f32 (b + i + 4 * r));
  if (i == n)
    return kn_sum4x4 (acc);

  float lane[KN_LANES];
  for (size_t r = 0; r < 4; r++)
    vst1q_f32 (lane + 4 * r, acc[r]);
  for (size_t j = 0; i + j < n; j++)
    lane[j] = fmaf (a[i + j], b[i + j], lane[j]);
  return kn_sum_lanes (lane);
}

static float
dot_neon (const float *a, const float *b, size_t n)
{
  return dot16 (a, b, n);
}

static void
scale_neon (const float *x, float s, size_t n, float *y)
{
  size_t i = 0;
  for (; i + 4 <= n; i += 4)
    vst1q_f32 (y + i, vmulq_n_f32 (vld1q_f32 (x + i), s));
  for (; i < n; i++)
    y[i] = x[i] * s;
}

static void
rmsnorm_neon (const float *x, const float *w, float eps, size_t n, float *y)
{
  const float s = kn_rms_scale (dot16 (x, x, n), n, eps);
  size_t i = 0;
  if (!w)
    {
      scale_neon (x, s, n, y);
      return;
    }
  for (; i + 4 <= n; i += 4)
    vst1q_f32 (y + i, vmulq_f32 (vmulq_n_f32 (vld1q_f32 (x + i), s), vld1q_f32 (w + i)));
  for (; i < n; i++)
    y[i] = x[i] * s * w[i];
}

static float
row_max (const float *x, size_t n)
{
  float32x4_t m = vdupq_n_f32 (-INFINITY);
  size_t i = 0;
  for (; i + 4 <= n; i += 4)
    m = kn_max4 (m, vld1q_f32 (x + i));
  float max = vmaxvq_f32 (m);
  for (; i < n; i++)
    max = kn_max1 (max, x[i]);
  return max;
}

static void
softmax_neon (const float *x, size_t n, float *y)
{
  const float shift = kn_softmax_shift (row_max (x, n));
  const float32x4_t shift4 = vdupq_n_f32 (shift);
  float32x4_t acc[4] = { vdupq_n_f32 (0), vdupq_n_f32 (0), vdupq_n_f32 (0), vdupq_n_f32 (0) };
  size_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (size_t r = 0; r < 4; r++)
      {
        const float32x4_t e = kn_exp4 (vsubq_f32 (vld1q_f32 (x + i + 4 * r), shift4));
        vst1q_f32 (y + i + 4 * r, e);
        acc[r] = vaddq_f32 (acc[r], e);
      }

  float lane[KN_LANES];
  for (size_t r = 0; r < 4; r++)
    vst1q_f32 (lane + 4 * r, acc[r]);
  for (size_t j = 0; i + j < n; j++)
    {
      y[i + j] = kn_exp1 (x[i + j] - shift);
      lane[j] += y[i + j];
    }
  scale_neon (y, kn_softmax_inverse (kn_sum_lanes (lane)), n, y);
}

INLINE void
rotate (float32x4_t a, float32x4_t b, float32x4_t cos, float32x4_t sin, float32x4_t *ya,
        float32x4_t *yb)
{
  *ya = vfmaq_f32 (vnegq_f32 (vmulq_f32 (b, sin)), a, cos);
  *yb = vfmaq_f32 (vmulq_f32 (b, cos), a, sin);
}

/* The structure loads and stores separate even and odd places, and bring them together. */
static void
rope_adjacent_neon (const float *x, const float *cos, const float *sin, size_t n, float *y)
{
  const size_t half = n / 2;
  size_t i = 0;
  for (; i + 4 <= half; i += 4)
    {
      const float32x4x2_t pair = vld2q_f32 (x + 2 * i);
      float32x4x2_t out;
      rotate (pair.val[0], pair.val[1], vld1q_f32 (cos + i), vld1q_f32 (sin + i), &out.val[0],
              &out.val[1]);
      vst2q_f32 (y + 2 * i, out);
    }
  for (; i < half; i++)
    kn_rotate1 (x[2 * i], x[2 * i + 1], cos[i], sin[i], &y[2 * i], &y[2 * i + 1]);
}

static void
rope_half_neon (const float *x, const float *cos, const float *sin, size_t n, float *y)
{
  const size_t half = n / 2;
  size_t i = 0;
  for (; i + 4 <= half; i += 4)
    {
      float32x4_t a, b;
      rotate (vld1q_f32 (x + i), vld1q_f32 (x + i + half), vld1q_f32 (cos + i), vld1q_f32 (sin + i),
              &a, &b);
      vst1q_f32 (y + i, a);
      vst1q_f32 (y + i + half, b);
    }
  for (; i < half; i++)
    kn_rotate1 (x[i], x[i + half], cos[i], sin[i], &y[i], &y[i + half]);
}

INLINE float32x4_t
op_silu_mul (float32x4_t a, float32x4_t b)
{
  return vmulq_f32 (kn_silu4 (a), b);
}

INLINE float
op1_silu_mul (float a, float b)
{
  return kn_silu1 (a) * b;
}

INLINE float32x4_t
op_gelu_mul (float32x4_t a, float32x4_t b)
{
  return vmulq_f32 (kn_gelu4 (a), b);
}

INLINE float
op1_gelu_mul (float a, float b)
{
  return kn_gelu1 (a) * b;
}

INLINE float32x4_t
op_silu (float32x4_t a, float32x4_t b)
{
  return kn_silu4 (a);
}

INLINE float
op1_silu (float a, float b)
{
  return kn_silu1 (a);
}

INLINE float32x4_t
op_add (float32x4_t a, float32x4_t b)
{
  return vaddq_f32 (a, b);
}

INLINE float
op1_add (float a, float b)
{
  return a + b;
}

INLINE float32x4_t
op_mul (float32x4_t a, float32x4_t b)
{
  return vmulq_f32 (a, b);
}

INLINE float
op1_mul (float a, float b)
{
  return a * b;
}

static void
silu_mul_neon (const float *gate, const float *up, size_t n, float *y)
{
  map2 (op_silu_mul, op1_silu_mul, gate, up, n, y);
}

static void
gelu_tanh_mul_neon (const float *gate, const float *up, size_t n, float *y)
{
  map2 (op_gelu_mul, op1_gelu_mul, gate, up, n, y);
}

static void
silu_neon (const float *x, size_t n, float *y)
{
  map2 (op_silu, op1_silu, x, x, n, y);
}

static void
add_neon (const float *a, const float *b, size_t n, float *y)
{
  map2 (op_add, op1_add, a, b, n, y);
}

static void
mul_neon (const float *a, const float *b, size_t n, float *y)
{
  map2 (op_mul, op1_mul, a, b, n, y);
}

static void
f16_to_f32_neon (const uint16_t *x, size_t n, float *y)
{
  size_t i = 0;
  for (; i + 4 <= n; i += 4)
    vst1q_f32 (y + i, kn_load_half4 (x + i));
  for (; i < n; i++)
    y[i] = kn_f16_load (x[i]);
}

static void
f32_to_f16_neon (const float *x, size_t n, uint16_t *y)
{
  size_t i = 0;
  for (; i + 4 <= n; i += 4)
    vst1_u16 (y + i, vreinterpret_u16_f16 (vcvt_f16_f32 (vld1q_f32 (x + i))));
  for (; i < n; i++)
    y[i] = kn_f16_store (x[i]);
}

void
kn_vec_neon (KnVecFamily *f)
{
  *f = (KnVecFamily){
    .rmsnorm = rmsnorm_neon,
    .softmax = softmax_neon,
    .rope_adjacent = rope_adjacent_neon,
    .rope_half = rope_half_neon,
    .silu_mul = silu_mul_neon,
    .gelu_tanh_mul = gelu_tanh_mul_neon,
    .silu = silu_neon,
    .add = add_neon,
    .mul = mul_neon,
    .scale = scale_neon,
    .dot = dot_neon,
    .f16_to_f32 = f16_to_f32_neon,
    .f32_to_f16 = f32_to_f16_neon,
  };
}
