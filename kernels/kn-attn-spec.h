/* Layout of the key-value cache and the parts of attention that all instruction sets share.
 *
 * Private to the attn kernel files.
 *
 * Keys, one panel of 16 positions after another, so that one load holds one coordinate of 16
 * positions:
 *
 *   F32   [head_dim][16] f32
 *   F16   [head_dim][16] f16
 *   Q8_0  [head_dim / 4][16][4] int8, then [head_dim / 32][16] f16 scales
 *
 * Values, so that one load holds 16 coordinates of one position:
 *
 *   F32   [position][head_dim] f32
 *   F16   [position][head_dim] f16
 *   Q8_0  panels of 16 positions: [16][head_dim] int8, then [16][head_dim / 32] f16 scales
 *
 * The arithmetic of one query and one chunk:
 *
 *   score     F32 and F16: s = fma (q[d], k[d], s) for d in rising order, from 0.
 *             Q8_0: q is quantized per 32 coordinates; the integer dot product of such a group
 *             is exact, then s = fma ((float) dot, q_scale * k_scale, s), groups in rising order.
 *   softcap   s = softcap * tanh (s * (1 / softcap))
 *   m         largest visible score; p = exp (s - m), 0 where a position is not visible
 *   l         p summed in 16 lanes (lane = position mod 16), then the tree of kn_sum_lanes
 *   o[d]      fma (p, v[d], o[d]) over the visible positions in rising order, from 0;
 *             a Q8_0 value is code * scale, which is exact in f32 */
#pragma once

#include "kn-attn.h"
#include "kn-f16-private.h"
#include "kn-vec-spec.h"

/* Queries that a vector kernel works on together. Fixes the size of the scratch memory and nothing
 * else. */
#define KN_ATTN_TILE 8

#define KN_Q8_MAX 127.0f

typedef struct
{
  float *scores;   /* [KN_ATTN_TILE][KN_ATTN_CHUNK] */
  float *q_scales; /* [KN_ATTN_TILE][head_dim / 32] */
  int32_t *q_sums; /* [KN_ATTN_TILE][head_dim / 32], sums of codes, for those that want them */
  int8_t *q_codes; /* [KN_ATTN_TILE][head_dim] */
} KnAttnScratch;

static inline KnAttnScratch
kn_attn_scratch (const KnAttnChunk *a)
{
  KnAttnScratch s;
  s.scores = (float *)a->scratch;
  s.q_codes = (int8_t *)(s.scores + KN_ATTN_TILE * KN_ATTN_CHUNK);
  const size_t padded = (a->head_dim + 63) & ~(size_t)63;
  s.q_scales = (float *)(s.q_codes + KN_ATTN_TILE * padded);
  s.q_sums = (int32_t *)(s.q_scales + KN_ATTN_TILE * padded / 32);
  return s;
}

/* Positions of the chunk that query @i sees: [*lo, *hi), empty when nothing is visible. */
static inline int
kn_attn_range (const KnAttnChunk *a, size_t i, size_t *lo, size_t *hi)
{
  *lo = a->first;
  *hi = a->last;
  if (a->first_visible && a->first_visible[i] > *lo)
    *lo = a->first_visible[i];
  if (a->n_visible && a->n_visible[i] < *hi)
    *hi = a->n_visible[i];
  if (*lo >= *hi)
    *lo = *hi = a->first;
  return *lo < *hi;
}

/* Start of the panel that holds @position. */
static inline const uint8_t *
kn_k_panel (KnDtype format, const void *k, size_t head_dim, size_t position)
{
  const size_t panel_bytes = format == KN_F32 ? head_dim * 16 * sizeof (float)
                             : format == KN_F16
                                 ? head_dim * 16 * sizeof (uint16_t)
                                 : head_dim * 16 + head_dim / 32 * 16 * sizeof (uint16_t);
  return (const uint8_t *)k + position / KN_PANEL_ROWS * panel_bytes;
}

/* Q8_0 values: the codes of @position, and its scales. */
static inline int8_t *
kn_v_codes (const void *v, size_t head_dim, size_t position)
{
  uint8_t *panel
      = (uint8_t *)v + position / 16 * (head_dim * 16 + head_dim / 32 * 16 * sizeof (uint16_t));
  return (int8_t *)panel + position % 16 * head_dim;
}

static inline uint16_t *
kn_v_scales (const void *v, size_t head_dim, size_t position)
{
  uint8_t *panel
      = (uint8_t *)v + position / 16 * (head_dim * 16 + head_dim / 32 * 16 * sizeof (uint16_t));
  return (uint16_t *)(void *)(panel + head_dim * 16) + position % 16 * (head_dim / 32);
}

/* Largest magnitude of 32 numbers, taken from the bit patterns: infinity is above all finite values
 * and NaN above that. */
static inline float
kn_amax32 (const float *x)
{
  uint32_t top = 0;
  for (int i = 0; i < 32; i++)
    {
      const uint32_t bits = kn_f32_bits (x[i]) & 0x7fffffff;
      top = bits > top ? bits : top;
    }
  return kn_f32_from_bits (top);
}

/* The integer nearest to x / scale, a tie to even, held within -127..127. */
static inline int8_t
kn_q8_code (float x, float scale)
{
  float c = x / scale;
  c = c < -KN_Q8_MAX ? -KN_Q8_MAX : c;
  c = c > KN_Q8_MAX ? KN_Q8_MAX : c;
  return (int8_t)rintf (c);
}

/* Whether a group can be quantized with @scale: not when it is 0 (all codes are 0 then), infinite
 * or NaN (the codes are 0 and the scale becomes NaN, so that bad numbers show as NaN). */
static inline int
kn_q8_scale_ok (float scale)
{
  return scale > 0.0f && scale < INFINITY;
}

/* Quantize 32 numbers; the scale is returned. */
static inline float
kn_q8_group (const float *x, int8_t *codes, float scale)
{
  if (!kn_q8_scale_ok (scale))
    {
      memset (codes, 0, 32);
      return scale == 0.0f ? 0.0f : NAN;
    }
  for (int i = 0; i < 32; i++)
    codes[i] = kn_q8_code (x[i], scale);
  return scale;
}

/* The scale of a query group: full precision. */
static inline float
kn_q_scale (float amax)
{
  return amax / KN_Q8_MAX;
}

/* The scale of a stored group: rounded to half precision first, so that the codes fit the scale
 * that is read back. */
static inline float
kn_kv_scale (float amax)
{
  return kn_f16_load (kn_f16_store (amax / KN_Q8_MAX));
}

static inline float
kn_softcap1 (float s, float softcap, float inverse)
{
  return softcap * kn_tanh1 (s * inverse);
}

/* Weights of two partial results with maxima @a and @b for their common maximum @top. A part that
 * saw nothing is all zeros and gets weight 1; only a NaN in it could change anything, and must. */
static inline float
kn_merge_weight (float m, float top)
{
  return m == -INFINITY ? 1.0f : kn_exp1 (m - top);
}
