/* Layout of the key-value cache and the parts of attention that all instruction sets share.
 *
 * Private to the attn kernel files.
 *
 * Keys, one panel of 16 positions after another, so that one load holds one coordinate of 16
 * positions:
 *
 *   F32   [head_dim][16] f32
 *   F16   [head_dim][16] f16
 *   Q8    [head_dim / 4][16][4] int8, then [head_dim / G][16] f16 scales
 *   Q4    [head_dim / 32][4][16][4] bytes, then [head_dim / G][16] f16 scales; byte [g][i][row][c]
 *         holds coordinate 32 g + 4 i + c in its low half and the one 16 further in its high half
 *
 * with G = 32 for Q8_0 and Q4_0, and G = head_dim for the formats with one scale per head.
 *
 * Values, so that one load holds 16 coordinates of one position:
 *
 *   F32   [position][head_dim] f32
 *   F16   [position][head_dim] f16
 *   Q8    panels of 16 positions: [16][head_dim] int8, then [16][head_dim / G] f16 scales
 *   Q4    panels of 16 positions: [16][head_dim / 32][16] bytes, then [16][head_dim / G] f16
 *         scales; byte [row][g][c] holds coordinate 32 g + c in its low half and the one 16 further
 *         in its high half
 *
 * Numbers: Q8 is code * scale with codes -127..127, scale = largest magnitude / 127. Q4 is (code -
 * 8) * scale with codes 0..15; the number of the largest magnitude becomes code 0, so scale =
 * largest magnitude / 8 with the sign turned (the positive one of two).
 *
 * The arithmetic of one query and one chunk:
 *
 *   score     F32 and F16: s = fma (q[d], k[d], s) for d in rising order, from 0.
 *             Q8 and Q4: q is quantized to 8 bit in groups of G; the integer dot product of such a
 *               group
 *             is exact, then s = fma ((float) dot, q_scale * k_scale, s), groups in rising order.
 *   softcap   s = softcap * tanh (s * (1 / softcap))
 *   m         largest visible score; p = exp (s - m), 0 where a position is not visible
 *   l         p summed in 16 lanes (lane = position mod 16), then the tree of kn_sum_lanes
 *   rounding  with levels: p = fma (rint (p * levels), 1 / levels, bias) where a position is
 *             visible; l is that of the exact weights
 *   o[d]      fma (p, v[d], o[d]) over the visible positions in rising order, from 0;
 *             a Q8 or Q4 value is code * scale, which is exact in f32 */
#pragma once

#include "kn-attn.h"
#include "kn-f16-private.h"
#include "kn-vec-spec.h"

/* Queries that a vector kernel works on together. Fixes the size of the scratch memory and nothing
 * else. */
#define KN_ATTN_TILE 8

#define KN_Q8_MAX 127.0f

/* Largest head that Q8 and Q4 caches take: an integer dot product of a whole head stays far below
 * 2^31. */
#define KN_MAX_HEAD_DIM 1024

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

/* What a format is made of; constants wherever the format is one. */
static inline int
kn_kv_is_coded (KnDtype format)
{
  return format != KN_F32 && format != KN_F16;
}

static inline int
kn_kv_is_q4 (KnDtype format)
{
  return format == KN_Q4_0 || format == KN_KV_Q4_HEAD;
}

static inline int
kn_kv_is_per_head (KnDtype format)
{
  return format == KN_KV_Q8_HEAD || format == KN_KV_Q4_HEAD;
}

/* Coordinates that share a scale. */
static inline size_t
kn_kv_group (KnDtype format, size_t head_dim)
{
  return kn_kv_is_per_head (format) ? head_dim : 32;
}

static inline size_t
kn_kv_n_scales (KnDtype format, size_t head_dim)
{
  return kn_kv_is_per_head (format) ? 1 : head_dim / 32;
}

/* Bytes of the codes of one head and position. */
static inline size_t
kn_kv_code_bytes (KnDtype format, size_t head_dim)
{
  return kn_kv_is_q4 (format) ? head_dim / 2 : head_dim;
}

/* Bytes of 16 positions, keys or values. */
static inline size_t
kn_kv_panel_bytes (KnDtype format, size_t head_dim)
{
  if (!kn_kv_is_coded (format))
    return head_dim * 16 * (format == KN_F32 ? sizeof (float) : sizeof (uint16_t));
  return 16
         * (kn_kv_code_bytes (format, head_dim)
            + kn_kv_n_scales (format, head_dim) * sizeof (uint16_t));
}

/* Start of the panel of keys that holds @position. */
static inline const uint8_t *
kn_k_panel (KnDtype format, const void *k, size_t head_dim, size_t position)
{
  return (const uint8_t *)k + position / KN_PANEL_ROWS * kn_kv_panel_bytes (format, head_dim);
}

/* The scales of a panel of keys: [groups][16]. */
static inline uint16_t *
kn_k_scales (KnDtype format, const uint8_t *panel, size_t head_dim)
{
  return (uint16_t *)(void *)((uint8_t *)panel + 16 * kn_kv_code_bytes (format, head_dim));
}

/* Q8 and Q4 values: the codes of @position, and its scales. */
static inline uint8_t *
kn_v_codes (KnDtype format, const void *v, size_t head_dim, size_t position)
{
  return (uint8_t *)v + position / 16 * kn_kv_panel_bytes (format, head_dim)
         + position % 16 * kn_kv_code_bytes (format, head_dim);
}

static inline uint16_t *
kn_v_scales (KnDtype format, const void *v, size_t head_dim, size_t position)
{
  uint8_t *panel = (uint8_t *)v + position / 16 * kn_kv_panel_bytes (format, head_dim);
  return (uint16_t *)(void *)(panel + 16 * kn_kv_code_bytes (format, head_dim))
         + position % 16 * kn_kv_n_scales (format, head_dim);
}

/* Largest magnitude of @n numbers, taken from the bit patterns: infinity is above all finite values
 * and NaN above that. */
static inline float
kn_amax (const float *x, size_t n)
{
  uint32_t top = 0;
  for (size_t i = 0; i < n; i++)
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

/* Quantize @n numbers; the scale is returned. */
static inline float
kn_q8_group (const float *x, size_t n, int8_t *codes, float scale)
{
  if (!kn_q8_scale_ok (scale))
    {
      memset (codes, 0, n);
      return scale == 0.0f ? 0.0f : NAN;
    }
  for (size_t i = 0; i < n; i++)
    codes[i] = kn_q8_code (x[i], scale);
  return scale;
}

/* The same for Q4: codes 0..15, one to a byte. The scale is rounded to half precision first.
 * Written so that compilers make vectors of it. */
static inline float
kn_q4_group (const float *x, size_t n, uint8_t *codes)
{
  const float amax = kn_amax (x, n);
  float size = kn_f16_load (kn_f16_store (amax / 8.0f));
  int positive = 0;

  if (!kn_q8_scale_ok (size))
    {
      memset (codes, 8, n);
      return size == 0.0f ? 0.0f : NAN;
    }
  for (size_t i = 0; i < n; i++)
    positive |= x[i] == amax;
  const float scale = positive ? -size : size;
  for (size_t i = 0; i < n; i++)
    {
      float c = x[i] / scale;
      c = c < -8.0f ? -8.0f : c;
      c = c > 7.0f ? 7.0f : c;
      codes[i] = (uint8_t)((int32_t)rintf (c) + 8);
    }
  return scale;
}

/* A position's Q4 key or value, for all instruction sets. */
static inline void
kn_store_k4 (KnDtype format, void *k, size_t head_dim, size_t position, const float *x)
{
  uint8_t *panel = (uint8_t *)kn_k_panel (format, k, head_dim, position);
  const size_t row = position % KN_PANEL_ROWS, group = kn_kv_group (format, head_dim);
  uint16_t *scales = kn_k_scales (format, panel, head_dim);
  uint8_t codes[KN_MAX_HEAD_DIM];

  for (size_t g = 0; g < head_dim / group; g++)
    scales[g * 16 + row] = kn_f16_store (kn_q4_group (x + g * group, group, codes + g * group));
  for (size_t g = 0; g < head_dim / 32; g++)
    for (size_t i = 0; i < 16; i++)
      panel[g * 256 + i / 4 * 64 + row * 4 + i % 4]
          = (uint8_t)(codes[g * 32 + i] | codes[g * 32 + 16 + i] << 4);
}

static inline void
kn_store_v4 (KnDtype format, void *v, size_t head_dim, size_t position, const float *x)
{
  const size_t group = kn_kv_group (format, head_dim);
  uint16_t *scales = kn_v_scales (format, v, head_dim, position);
  uint8_t *at = kn_v_codes (format, v, head_dim, position);
  uint8_t codes[KN_MAX_HEAD_DIM];

  for (size_t g = 0; g < head_dim / group; g++)
    scales[g] = kn_f16_store (kn_q4_group (x + g * group, group, codes + g * group));
  for (size_t g = 0; g < head_dim / 32; g++)
    for (size_t i = 0; i < 16; i++)
      at[g * 16 + i] = (uint8_t)(codes[g * 32 + i] | codes[g * 32 + 16 + i] << 4);
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

/* Weights of @n visible positions in few levels. Written so that compilers make vectors of it. */
static inline void
kn_round_weights (float *p, size_t n, float levels, float bias)
{
  const float step = 1.0f / levels;
  for (size_t i = 0; i < n; i++)
    p[i] = fmaf (rintf (p[i] * levels), step, bias);
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
