/* What the dot product instructions add to attention: the scores of Q8 and Q4 keys. All else is
 * NEON's. */
#ifndef __ARM_FEATURE_DOTPROD
#error "this file needs -march=armv8.2-a+dotprod"
#endif

#include "arm/kn-attn-neon.h"
#include "arm/kn-math-neon.h"
#include "kn-table-private.h"

#define INLINE static inline __attribute__ ((always_inline))
#define TILE KN_ATTN_NEON_TILE

/* 8 positions: two registers of 4 positions x 4 coordinates a step, each times 4 coordinates of a
 * query. */
INLINE void
scores_half (const KnAttnTile *t, KnDtype format, size_t n, size_t position, size_t half)
{
  const size_t dim = t->a->head_dim, n_blocks = dim / 32, n_scales = kn_kv_n_scales (format, dim);
  const int per_head = kn_kv_is_per_head (format);
  const uint8_t *k = kn_k_panel (format, t->a->k, dim, position);
  const uint16_t *scales = kn_k_scales (format, k, dim) + half * 8;
  float *s = t->scratch.scores + position % KN_ATTN_CHUNK + half * 8;
  float32x4_t acc[TILE][2];
  int32x4_t dot[TILE][2];

  for (size_t j = 0; j < n; j++)
    {
      acc[j][0] = acc[j][1] = vdupq_n_f32 (0);
      dot[j][0] = dot[j][1] = vdupq_n_s32 (0);
    }
  for (size_t g = 0; g < n_blocks; g++)
    {
      for (size_t j = 0; !per_head && j < n; j++)
        dot[j][0] = dot[j][1] = vdupq_n_s32 (0);
      for (size_t c = 0; c < 8; c += 4)
        {
          int8x16_t q[TILE];
          for (size_t j = 0; j < n; j++)
            q[j] = vld1q_s8 (t->scratch.q_codes + j * dim + g * 32 + c * 4);
          for (size_t r = 0; r < 2; r++)
            {
              const uint8_t *from = k + half * 32 + r * 16;
              const int8x16_t k0 = kn_attn_key_step (format, from, g, c),
                              k1 = kn_attn_key_step (format, from, g, c + 1);
              const int8x16_t k2 = kn_attn_key_step (format, from, g, c + 2),
                              k3 = kn_attn_key_step (format, from, g, c + 3);
              for (size_t j = 0; j < n; j++)
                {
                  dot[j][r] = vdotq_laneq_s32 (dot[j][r], k0, q[j], 0);
                  dot[j][r] = vdotq_laneq_s32 (dot[j][r], k1, q[j], 1);
                  dot[j][r] = vdotq_laneq_s32 (dot[j][r], k2, q[j], 2);
                  dot[j][r] = vdotq_laneq_s32 (dot[j][r], k3, q[j], 3);
                }
            }
        }
      if (per_head && g + 1 < n_blocks)
        continue;
      const size_t at = per_head ? 0 : g;
      for (size_t r = 0; r < 2; r++)
        {
          const float32x4_t scale = kn_load_half4 (scales + at * 16 + r * 4);
          for (size_t j = 0; j < n; j++)
            acc[j][r] = vfmaq_f32 (acc[j][r], vcvtq_f32_s32 (dot[j][r]),
                                   vmulq_n_f32 (scale, t->scratch.q_scales[j * n_scales + at]));
        }
    }
  for (size_t j = 0; j < n; j++)
    for (size_t r = 0; r < 2; r++)
      vst1q_f32 (s + j * KN_ATTN_CHUNK + r * 4, acc[j][r]);
}

INLINE void
scores_rows (const KnAttnTile *t, KnDtype format, size_t n, size_t first, size_t end)
{
  for (size_t p = first; p < end; p += 16)
    for (size_t half = 0; half < 2; half++)
      scores_half (t, format, n, p, half);
}

INLINE void
scores_tile (const KnAttnTile *t, KnDtype format, size_t n, size_t first, size_t end)
{
  if (n == 4)
    scores_rows (t, format, 4, first, end);
  else if (n == 3)
    scores_rows (t, format, 3, first, end);
  else if (n == 2)
    scores_rows (t, format, 2, first, end);
  else
    scores_rows (t, format, 1, first, end);
}

static void
scores (const KnAttnTile *t, size_t n, size_t first, size_t end)
{
  switch ((int)kn_kv_keys (t->a->format))
    {
      KN_FOR_CODED_KV (scores_tile, t, n, first, end);
    default:
      kn_attn_neon_steps.scores (t, n, first, end);
    }
}

static void
chunk_dotprod (const KnAttnChunk *a)
{
  KnAttnSteps steps = kn_attn_neon_steps;
  steps.scores = scores;
  kn_attn_by_tiles (a, &steps);
}

void
kn_attn_dotprod (KnAttnFamily *f)
{
  f->chunk = chunk_dotprod;
}
