/* What the dot product instructions add to attention: the scores of a Q8_0 cache. All else is
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
scores_half (const KnAttnTile *t, size_t n, size_t position, size_t half)
{
  const size_t dim = t->a->head_dim, n_groups = dim / 32;
  const int8_t *k = (const int8_t *)kn_k_panel (KN_Q8_0, t->a->k, dim, position) + half * 32;
  const uint16_t *scales
      = (const uint16_t *)(const void *)(kn_k_panel (KN_Q8_0, t->a->k, dim, position) + dim * 16)
        + half * 8;
  float *s = t->scratch.scores + position % KN_ATTN_CHUNK + half * 8;
  float32x4_t acc[TILE][2];

  for (size_t j = 0; j < n; j++)
    acc[j][0] = acc[j][1] = vdupq_n_f32 (0);
  for (size_t g = 0; g < n_groups; g++)
    {
      int32x4_t dot[TILE][2];
      for (size_t j = 0; j < n; j++)
        dot[j][0] = dot[j][1] = vdupq_n_s32 (0);
      for (size_t c = 0; c < 8; c += 4)
        {
          const int8_t *codes = k + (g * 8 + c) * 64;
          int8x16_t q[TILE];
          for (size_t j = 0; j < n; j++)
            q[j] = vld1q_s8 (t->scratch.q_codes + j * dim + g * 32 + c * 4);
          for (size_t r = 0; r < 2; r++)
            {
              const int8x16_t k0 = vld1q_s8 (codes + r * 16), k1 = vld1q_s8 (codes + 64 + r * 16);
              const int8x16_t k2 = vld1q_s8 (codes + 128 + r * 16),
                              k3 = vld1q_s8 (codes + 192 + r * 16);
              for (size_t j = 0; j < n; j++)
                {
                  dot[j][r] = vdotq_laneq_s32 (dot[j][r], k0, q[j], 0);
                  dot[j][r] = vdotq_laneq_s32 (dot[j][r], k1, q[j], 1);
                  dot[j][r] = vdotq_laneq_s32 (dot[j][r], k2, q[j], 2);
                  dot[j][r] = vdotq_laneq_s32 (dot[j][r], k3, q[j], 3);
                }
            }
        }
      for (size_t r = 0; r < 2; r++)
        {
          const float32x4_t scale = kn_load_half4 (scales + g * 16 + r * 4);
          for (size_t j = 0; j < n; j++)
            acc[j][r] = vfmaq_f32 (acc[j][r], vcvtq_f32_s32 (dot[j][r]),
                                   vmulq_n_f32 (scale, t->scratch.q_scales[j * n_groups + g]));
        }
    }
  for (size_t j = 0; j < n; j++)
    for (size_t r = 0; r < 2; r++)
      vst1q_f32 (s + j * KN_ATTN_CHUNK + r * 4, acc[j][r]);
}

INLINE void
scores_rows (const KnAttnTile *t, size_t n, size_t first, size_t end)
{
  for (size_t p = first; p < end; p += 16)
    for (size_t half = 0; half < 2; half++)
      scores_half (t, n, p, half);
}

static void
scores (const KnAttnTile *t, size_t n, size_t first, size_t end)
{
  if (t->a->format != KN_Q8_0)
    kn_attn_neon_steps.scores (t, n, first, end);
  else if (n == 4)
    scores_rows (t, 4, first, end);
  else if (n == 3)
    scores_rows (t, 3, first, end);
  else if (n == 2)
    scores_rows (t, 2, first, end);
  else
    scores_rows (t, 1, first, end);
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
