/* Element-wise and row-wise kernels in plain C: the specification of the family, and what runs
 * where no better level is.
 *
 * Called through KnVecFamily. Must know nothing of models, shapes beyond one row, or threads. */
#include "kn-vec.h"

#include "kn-f16-private.h"
#include "kn-table-private.h"
#include "kn-vec-spec.h"

float
kn_expf (float x)
{
  return kn_exp1 (x);
}

static void
rmsnorm_c (const float *x, const float *w, float eps, size_t n, float *y)
{
  float lane[KN_LANES] = { 0 };
  for (size_t i = 0; i < n; i++)
    lane[i % KN_LANES] = fmaf (x[i], x[i], lane[i % KN_LANES]);
  const float scale = kn_rms_scale (kn_sum_lanes (lane), n, eps);

  for (size_t i = 0; i < n; i++)
    y[i] = w ? x[i] * scale * w[i] : x[i] * scale;
}

static void
softmax_c (const float *x, size_t n, float *y)
{
  float m = -INFINITY;
  for (size_t i = 0; i < n; i++)
    m = kn_max1 (m, x[i]);
  m = kn_softmax_shift (m);

  float lane[KN_LANES] = { 0 };
  for (size_t i = 0; i < n; i++)
    {
      y[i] = kn_exp1 (x[i] - m);
      lane[i % KN_LANES] += y[i];
    }

  const float inverse = kn_softmax_inverse (kn_sum_lanes (lane));
  for (size_t i = 0; i < n; i++)
    y[i] *= inverse;
}

static void
rope_adjacent_c (const float *x, const float *cos, const float *sin, size_t n, float *y)
{
  for (size_t i = 0; i < n / 2; i++)
    kn_rotate1 (x[2 * i], x[2 * i + 1], cos[i], sin[i], &y[2 * i], &y[2 * i + 1]);
}

static void
rope_half_c (const float *x, const float *cos, const float *sin, size_t n, float *y)
{
  const size_t half = n / 2;
  for (size_t i = 0; i < half; i++)
    kn_rotate1 (x[i], x[i + half], cos[i], sin[i], &y[i], &y[i + half]);
}

static void
silu_mul_c (const float *gate, const float *up, size_t n, float *y)
{
  for (size_t i = 0; i < n; i++)
    y[i] = kn_silu1 (gate[i]) * up[i];
}

static void
gelu_tanh_mul_c (const float *gate, const float *up, size_t n, float *y)
{
  for (size_t i = 0; i < n; i++)
    y[i] = kn_gelu1 (gate[i]) * up[i];
}

static void
silu_c (const float *x, size_t n, float *y)
{
  for (size_t i = 0; i < n; i++)
    y[i] = kn_silu1 (x[i]);
}

static void
add_c (const float *a, const float *b, size_t n, float *y)
{
  for (size_t i = 0; i < n; i++)
    y[i] = a[i] + b[i];
}

static void
mul_c (const float *a, const float *b, size_t n, float *y)
{
  for (size_t i = 0; i < n; i++)
    y[i] = a[i] * b[i];
}

static void
scale_c (const float *x, float s, size_t n, float *y)
{
  for (size_t i = 0; i < n; i++)
    y[i] = x[i] * s;
}

static float
dot_c (const float *a, const float *b, size_t n)
{
  float lane[KN_LANES] = { 0 };
  for (size_t i = 0; i < n; i++)
    lane[i % KN_LANES] = fmaf (a[i], b[i], lane[i % KN_LANES]);
  return kn_sum_lanes (lane);
}

static void
f16_to_f32_c (const uint16_t *x, size_t n, float *y)
{
  for (size_t i = 0; i < n; i++)
    y[i] = kn_f16_load (x[i]);
}

static void
f32_to_f16_c (const float *x, size_t n, uint16_t *y)
{
  for (size_t i = 0; i < n; i++)
    y[i] = kn_f16_store (x[i]);
}

void
kn_vec_c (KnVecFamily *f)
{
  *f = (KnVecFamily){
    .rmsnorm = rmsnorm_c,
    .softmax = softmax_c,
    .rope_adjacent = rope_adjacent_c,
    .rope_half = rope_half_c,
    .silu_mul = silu_mul_c,
    .gelu_tanh_mul = gelu_tanh_mul_c,
    .silu = silu_c,
    .add = add_c,
    .mul = mul_c,
    .scale = scale_c,
    .dot = dot_c,
    .f16_to_f32 = f16_to_f32_c,
    .f32_to_f16 = f32_to_f16_c,
  };
}
