/* Attention over one KV head's cache with NEON (kn-attn-spec.h has layout and arithmetic).
 *
 * Queries are taken in tiles of up to 4: 16 accumulators of a panel's 16 positions, or of 16
 * coordinates of a value, leave room for what is loaded. The functions marked INLINE are written
 * once for any tile and become one loop per tile size. */
#ifndef __ARM_NEON
#error "this file needs NEON"
#endif

#include "arm/kn-attn-neon.h"
#include "arm/kn-math-neon.h"
#include "kn-table-private.h"

#define INLINE static inline __attribute__ ((always_inline))
#define TILE KN_ATTN_NEON_TILE

INLINE float32x4_t
load_f32_or_f16 (KnDtype format, const void *base, size_t at)
{
  return format == KN_F32 ? vld1q_f32 ((const float *)base + at)
                          : kn_load_half4 ((const uint16_t *)base + at);
}

/* --- scores --- */

/* @n queries of the tile against @nr quarters of panels (4 positions each). */
INLINE void
scores_float (const KnAttnTile *t, KnDtype format, size_t n, size_t nr, size_t position)
{
  const size_t dim = t->a->head_dim, stride = t->a->q_stride;
  const size_t start = position / 16 * dim * 16;
  float *s = t->scratch.scores + position % KN_ATTN_CHUNK;
  float32x4_t acc[TILE][8], k[8];

  for (size_t j = 0; j < n; j++)
    for (size_t r = 0; r < nr; r++)
      acc[j][r] = vdupq_n_f32 (0);
  for (size_t d = 0; d < dim; d++)
    {
      for (size_t r = 0; r < nr; r++)
        k[r] = load_f32_or_f16 (format, t->a->k, start + r / 4 * dim * 16 + d * 16 + r % 4 * 4);
      for (size_t j = 0; j < n; j++)
        for (size_t r = 0; r < nr; r++)
          acc[j][r] = vfmaq_n_f32 (acc[j][r], k[r], t->q[j * stride + d]);
    }
  for (size_t j = 0; j < n; j++)
    for (size_t r = 0; r < nr; r++)
      vst1q_f32 (s + j * KN_ATTN_CHUNK + r * 4, acc[j][r]);
}

/* 4 bytes of the query, four times: one product register is 2 positions x 4 coordinates. */
INLINE int8x16_t
query_step (const int8_t *q)
{
  int32_t four;
  memcpy (&four, q, sizeof four);
  return vreinterpretq_s8_s32 (vdupq_n_s32 (four));
}

/* 4 positions. Products of 8 bits are added in 16 bits over two steps (at most 2 * 127 * 127), then
 * in 32. */
INLINE void
scores_coded_quarter (const KnAttnTile *t, KnDtype format, size_t n, size_t position,
                      size_t quarter)
{
  const size_t dim = t->a->head_dim, n_blocks = dim / 32, n_scales = kn_kv_n_scales (format, dim);
  const int per_head = kn_kv_is_per_head (format);
  const uint8_t *k = kn_k_panel (format, t->a->k, dim, position);
  const uint16_t *scales = kn_k_scales (format, k, dim) + quarter * 4;
  float *s = t->scratch.scores + position % KN_ATTN_CHUNK + quarter * 4;
  float32x4_t acc[TILE];
  int32x4_t lo[TILE], hi[TILE];

  for (size_t j = 0; j < n; j++)
    {
      acc[j] = vdupq_n_f32 (0);
      lo[j] = hi[j] = vdupq_n_s32 (0);
    }
  for (size_t g = 0; g < n_blocks; g++)
    {
      for (size_t j = 0; !per_head && j < n; j++)
        lo[j] = hi[j] = vdupq_n_s32 (0);
#pragma GCC unroll 1 /* unrolled by the compiler, it spills */
      for (size_t c = 0; c < 8; c += 2)
        {
          const int8x16_t k0 = kn_attn_key_step (format, k + quarter * 16, g, c);
          const int8x16_t k1 = kn_attn_key_step (format, k + quarter * 16, g, c + 1);
          for (size_t j = 0; j < n; j++)
            {
              const int8_t *q = t->scratch.q_codes + j * dim + g * 32 + c * 4;
              const int8x16_t q0 = query_step (q), q1 = query_step (q + 4);
              const int16x8_t low = vmlal_s8 (vmull_s8 (vget_low_s8 (k0), vget_low_s8 (q0)),
                                              vget_low_s8 (k1), vget_low_s8 (q1));
              const int16x8_t high = vmlal_high_s8 (vmull_high_s8 (k0, q0), k1, q1);
              lo[j] = vpadalq_s16 (lo[j], low);
              hi[j] = vpadalq_s16 (hi[j], high);
            }
        }
      if (per_head && g + 1 < n_blocks)
        continue;
      const size_t at = per_head ? 0 : g;
      const float32x4_t scale = kn_load_half4 (scales + at * 16);
      for (size_t j = 0; j < n; j++)
        acc[j] = vfmaq_f32 (acc[j], vcvtq_f32_s32 (vpaddq_s32 (lo[j], hi[j])),
                            vmulq_n_f32 (scale, t->scratch.q_scales[j * n_scales + at]));
    }
  for (size_t j = 0; j < n; j++)
    vst1q_f32 (s + j * KN_ATTN_CHUNK, acc[j]);
}

/* Panels [first, end), @np at a time where the format allows. */
INLINE void
scores_rows (const KnAttnTile *t, KnDtype format, size_t n, size_t np, size_t first, size_t end)
{
  size_t p = first;
  for (; !kn_kv_is_coded (format) && p + np * 16 <= end; p += np * 16)
    scores_float (t, format, n, 4 * np, p);
  for (; p < end; p += 16)
    if (kn_kv_is_coded (format))
      for (size_t quarter = 0; quarter < 4; quarter++)
        scores_coded_quarter (t, format, n, p, quarter);
    else
      scores_float (t, format, n, 4, p);
}

INLINE void
scores_tile (const KnAttnTile *t, KnDtype format, size_t n, size_t first, size_t end)
{
  if (n == 4)
    scores_rows (t, format, 4, 1, first, end);
  else if (n == 3)
    scores_rows (t, format, 3, 1, first, end);
  else if (n == 2)
    scores_rows (t, format, 2, 2, first, end);
  else
    scores_rows (t, format, 1, 2, first, end);
}

static void
scores (const KnAttnTile *t, size_t n, size_t first, size_t end)
{
  KN_FOR_KV (kn_kv_keys (t->a->format), scores_tile, t, n, first, end);
}

/* --- softmax --- */

static void
weights (const KnAttnChunk *a, float *s, size_t lo, size_t hi, float *m, float *l)
{
  const size_t base = lo / KN_ATTN_CHUNK * KN_ATTN_CHUNK, first = lo / 16 * 16,
               end = (hi + 15) / 16 * 16;
  const float inverse_cap = 1.0f / a->softcap;
  float32x4_t max = vdupq_n_f32 (-INFINITY);
  float32x4_t sum[4] = { vdupq_n_f32 (0), vdupq_n_f32 (0), vdupq_n_f32 (0), vdupq_n_f32 (0) };

  if (a->softcap != 0.0f)
    for (size_t p = first; p < end; p += 4)
      {
        const float32x4_t v = vmulq_n_f32 (vld1q_f32 (s + (p - base)), inverse_cap);
        vst1q_f32 (s + (p - base), vmulq_n_f32 (kn_tanh4 (v), a->softcap));
      }
  for (size_t p = first; p < lo; p++)
    s[p - base] = -INFINITY;
  for (size_t p = hi; p < end; p++)
    s[p - base] = -INFINITY;
  for (size_t p = first; p < end; p += 4)
    max = kn_max4 (max, vld1q_f32 (s + (p - base)));
  *m = vmaxvq_f32 (max) + 0.0f;

  const float32x4_t shift = vdupq_n_f32 (kn_softmax_shift (*m));
  for (size_t p = first; p < end; p += 16)
    for (size_t r = 0; r < 4; r++)
      {
        float *at = s + (p - base) + r * 4;
        const float32x4_t e = kn_exp4 (vsubq_f32 (vld1q_f32 (at), shift));
        vst1q_f32 (at, e);
        sum[r] = vaddq_f32 (sum[r], e);
      }
  *l = kn_sum4x4 (sum);
}

static void
round_weights (float *p, size_t n, float levels, float bias)
{
  const float32x4_t step = vdupq_n_f32 (1.0f / levels), more = vdupq_n_f32 (bias);
  size_t i = 0;
  for (; i + 4 <= n; i += 4)
    {
      const float32x4_t code = vrndnq_f32 (vmulq_n_f32 (vld1q_f32 (p + i), levels));
      vst1q_f32 (p + i, vfmaq_f32 (more, code, step));
    }
  kn_round_weights (p + i, n - i, levels, bias);
}

/* --- weighted values --- */

/* 8 coordinates of a position. */
INLINE void
load_values (const KnAttnChunk *a, KnDtype format, size_t position, size_t d, float32x4_t v[2])
{
  if (!kn_kv_is_coded (format))
    {
      v[0] = load_f32_or_f16 (format, a->v, position * a->head_dim + d);
      v[1] = load_f32_or_f16 (format, a->v, position * a->head_dim + d + 4);
      return;
    }
  const uint8_t *codes = kn_v_codes (format, a->v, a->head_dim, position);
  const size_t at = kn_kv_is_per_head (format) ? 0 : d / 32;
  const uint16x4_t half = vdup_n_u16 (kn_v_scales (format, a->v, a->head_dim, position)[at]);
  const float32x4_t scale = vcvt_f32_f16 (vreinterpret_f16_u16 (half));
  int16x8_t wide;
  if (kn_kv_is_q4 (format))
    {
      const uint8x8_t both = vld1_u8 (codes + d / 32 * 16 + d % 16);
      const uint8x8_t one = d % 32 < 16 ? vand_u8 (both, vdup_n_u8 (15)) : vshr_n_u8 (both, 4);
      wide = vsubq_s16 (vreinterpretq_s16_u16 (vmovl_u8 (one)), vdupq_n_s16 (8));
    }
  else
    wide = vmovl_s8 (vld1_s8 ((const int8_t *)codes + d));
  v[0] = vmulq_f32 (vcvtq_f32_s32 (vmovl_s16 (vget_low_s16 (wide))), scale);
  v[1] = vmulq_f32 (vcvtq_f32_s32 (vmovl_s16 (vget_high_s16 (wide))), scale);
}

/* o += p v for @n queries, 4 @nd coordinates from @d (@nd even), positions [lo, hi). */
INLINE void
add_values (const KnAttnTile *t, KnDtype format, size_t n, size_t nd, size_t d, size_t lo,
            size_t hi)
{
  const size_t dim = t->a->head_dim;
  const float *p = t->scratch.scores;
  float *o = t->o + d;
  float32x4_t acc[TILE][8], v[8];

  for (size_t j = 0; j < n; j++)
    for (size_t e = 0; e < nd; e++)
      acc[j][e] = vld1q_f32 (o + j * dim + e * 4);
  for (size_t position = lo; position < hi; position++)
    {
      for (size_t e = 0; e < nd; e += 2)
        load_values (t->a, format, position, d + e * 4, v + e);
      for (size_t j = 0; j < n; j++)
        for (size_t e = 0; e < nd; e++)
          acc[j][e]
              = vfmaq_n_f32 (acc[j][e], v[e], p[j * KN_ATTN_CHUNK + position % KN_ATTN_CHUNK]);
    }
  for (size_t j = 0; j < n; j++)
    for (size_t e = 0; e < nd; e++)
      vst1q_f32 (o + j * dim + e * 4, acc[j][e]);
}

/* The last head_dim % 8 coordinates of one query; Q8 and Q4 have none. */
static void
add_values_tail (const KnAttnTile *t, size_t i, size_t d, size_t lo, size_t hi)
{
  const size_t dim = t->a->head_dim;
  const float *p = t->scratch.scores + i * KN_ATTN_CHUNK;
  float *o = t->o + i * dim;
  for (; d < dim; d++)
    for (size_t position = lo; position < hi; position++)
      {
        const size_t at = position * dim + d;
        const float v = kn_kv_values (t->a->format) == KN_F32
                            ? ((const float *)t->a->v)[at]
                            : kn_f16_load (((const uint16_t *)t->a->v)[at]);
        o[d] = fmaf (p[position % KN_ATTN_CHUNK], v, o[d]);
      }
}

/* All coordinates for @n queries, 4 @nd at a time. */
INLINE void
values_rows (const KnAttnTile *t, KnDtype format, size_t n, size_t nd, size_t lo, size_t hi)
{
  const size_t dim = t->a->head_dim;
  size_t d = 0;
  for (; d + nd * 4 <= dim; d += nd * 4)
    add_values (t, format, n, nd, d, lo, hi);
  for (; d + 8 <= dim; d += 8)
    add_values (t, format, n, 2, d, lo, hi);
  for (size_t j = 0; d < dim && j < n; j++)
    add_values_tail (t, j, d, lo, hi);
}

INLINE void
values_tile (const KnAttnTile *t, KnDtype format, size_t n, size_t lo, size_t hi)
{
  if (n == 4)
    values_rows (t, format, 4, 4, lo, hi);
  else if (n == 3)
    values_rows (t, format, 3, 4, lo, hi);
  else if (n == 2)
    values_rows (t, format, 2, 8, lo, hi);
  else
    values_rows (t, format, 1, 8, lo, hi);
}

static void
values (const KnAttnTile *t, size_t n, size_t lo, size_t hi)
{
  KN_FOR_KV (kn_kv_values (t->a->format), values_tile, t, n, lo, hi);
}

/* --- 8-bit numbers --- */

/* kn_amax. */
static float
amax (const float *x, size_t n)
{
  const uint32x4_t magnitude = vdupq_n_u32 (0x7fffffff);
  uint32x4_t top = vdupq_n_u32 (0);
  for (size_t i = 0; i < n; i += 4)
    top = vmaxq_u32 (top, vandq_u32 (vreinterpretq_u32_f32 (vld1q_f32 (x + i)), magnitude));
  return kn_f32_from_bits (vmaxvq_u32 (top));
}

/* kn_q8_group. */
static float
quantize_group (const float *x, size_t n, int8_t *codes, float scale)
{
  if (!kn_q8_scale_ok (scale))
    return kn_q8_group (x, n, codes, scale);

  const float32x4_t by = vdupq_n_f32 (scale);
  const float32x4_t upper = vdupq_n_f32 (KN_Q8_MAX), lower = vdupq_n_f32 (-KN_Q8_MAX);
  for (size_t i = 0; i < n; i += 8)
    {
      int16x4_t c[2];
      for (size_t h = 0; h < 2; h++)
        {
          const float32x4_t v = vdivq_f32 (vld1q_f32 (x + i + 4 * h), by);
          c[h] = vmovn_s32 (vcvtnq_s32_f32 (vminq_f32 (vmaxq_f32 (v, lower), upper)));
        }
      vst1_s8 (codes + i, vmovn_s16 (vcombine_s16 (c[0], c[1])));
    }
  return scale;
}

/* The sum of the codes is not needed here: vmull and sdot take signed keys. */
static float
quantize_query_group (const float *x, size_t n, int8_t *codes, int32_t *sum)
{
  *sum = 0;
  return quantize_group (x, n, codes, kn_q_scale (amax (x, n)));
}

/* --- chunk --- */

const KnAttnSteps kn_attn_neon_steps = {
  .tile = TILE,
  .quantize_group = quantize_query_group,
  .scores = scores,
  .weights = weights,
  .round_weights = round_weights,
  .values = values,
};

static void
chunk_neon (const KnAttnChunk *a)
{
  kn_attn_by_tiles (a, &kn_attn_neon_steps);
}

/* --- store --- */

static void
halves_from_row (const float *x, size_t n, uint16_t *y)
{
  size_t i = 0;
  for (; i + 4 <= n; i += 4)
    vst1_u16 (y + i, vreinterpret_u16_f16 (vcvt_f16_f32 (vld1q_f32 (x + i))));
  for (; i < n; i++)
    y[i] = kn_f16_store (x[i]);
}

/* One position's coordinates are 16 places apart: converted together, stored one by one. */
static void
store_k_halves (uint16_t *panel, size_t head_dim, size_t row, const float *x)
{
  for (size_t d = 0; d < head_dim; d += 32)
    {
      const size_t n = head_dim - d < 32 ? head_dim - d : 32;
      uint16_t halves[32];
      halves_from_row (x + d, n, halves);
      for (size_t i = 0; i < n; i++)
        panel[(d + i) * 16 + row] = halves[i];
    }
}

static void
store_k_q8 (KnDtype format, uint8_t *panel, size_t head_dim, size_t row, const float *x)
{
  const size_t group = kn_kv_group (format, head_dim);
  uint16_t *scales = kn_k_scales (format, panel, head_dim);
  int8_t codes[KN_MAX_HEAD_DIM];

  for (size_t d = 0; d < head_dim; d += group)
    scales[d / group * 16 + row] = kn_f16_store (
        quantize_group (x + d, group, codes + d, kn_kv_scale (amax (x + d, group))));
  for (size_t i = 0; i < head_dim; i += 4)
    memcpy (panel + i * 16 + row * 4, codes + i, 4);
}

static void
store_k_neon (KnDtype format, void *k, size_t head_dim, size_t position, const float *x)
{
  format = kn_kv_keys (format);
  uint8_t *panel = (uint8_t *)kn_k_panel (format, k, head_dim, position);
  const size_t row = position % KN_PANEL_ROWS;

  if (format == KN_F32)
    for (size_t d = 0; d < head_dim; d++)
      ((float *)(void *)panel)[d * 16 + row] = x[d];
  else if (format == KN_F16)
    store_k_halves ((uint16_t *)(void *)panel, head_dim, row, x);
  else if (kn_kv_is_q4 (format))
    kn_store_k4 (format, k, head_dim, position, x);
  else
    store_k_q8 (format, panel, head_dim, row, x);
}

static void
store_v_neon (KnDtype format, void *v, size_t head_dim, size_t position, const float *x)
{
  format = kn_kv_values (format);
  if (format == KN_F32)
    memcpy ((float *)v + position * head_dim, x, head_dim * sizeof (float));
  else if (format == KN_F16)
    halves_from_row (x, head_dim, (uint16_t *)v + position * head_dim);
  else if (kn_kv_is_q4 (format))
    kn_store_v4 (format, v, head_dim, position, x);
  else
    {
      const size_t group = kn_kv_group (format, head_dim);
      int8_t *codes = (int8_t *)kn_v_codes (format, v, head_dim, position);
      uint16_t *scales = kn_v_scales (format, v, head_dim, position);
      for (size_t d = 0; d < head_dim; d += group)
        scales[d / group] = kn_f16_store (
            quantize_group (x + d, group, codes + d, kn_kv_scale (amax (x + d, group))));
    }
}

/* --- merge --- */

static void
merge_neon (float *m0, float *l0, float *o0, float m, float l, const float *o, size_t head_dim)
{
  const float top = kn_max1 (*m0, m);
  const float w0 = kn_merge_weight (*m0, top), w = kn_merge_weight (m, top);
  size_t d = 0;

  for (; d + 4 <= head_dim; d += 4)
    vst1q_f32 (o0 + d, vfmaq_n_f32 (vmulq_n_f32 (vld1q_f32 (o0 + d), w0), vld1q_f32 (o + d), w));
  for (; d < head_dim; d++)
    o0[d] = fmaf (o[d], w, o0[d] * w0);
  *l0 = fmaf (l, w, *l0 * w0);
  *m0 = top;
}

static void
finish_neon (const float *o, float l, size_t head_dim, float *y)
{
  const float32x4_t divisor = vdupq_n_f32 (l);
  size_t d = 0;
  if (l == 0.0f)
    {
      memset (y, 0, head_dim * sizeof *y);
      return;
    }
  for (; d + 4 <= head_dim; d += 4)
    vst1q_f32 (y + d, vdivq_f32 (vld1q_f32 (o + d), divisor));
  for (; d < head_dim; d++)
    y[d] = o[d] / l;
}

void
kn_attn_neon (KnAttnFamily *f)
{
  *f = (KnAttnFamily){
    .store_k = store_k_neon,
    .store_v = store_v_neon,
    .chunk = chunk_neon,
    .merge = merge_neon,
    .finish = finish_neon,
  };
}
