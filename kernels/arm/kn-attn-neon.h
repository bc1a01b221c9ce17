/* The NEON steps of attention, for the dot product level to build on. */
#pragma once

#include "kn-attn-tile.h"

#include <arm_neon.h>

#define KN_ATTN_NEON_TILE 4

/* Signed codes of step @c of group @g for 4 positions, of which @k is the first's byte in the
 * panel's first line. A line of a Q4 panel holds steps c and c + 4. */
static inline __attribute__ ((always_inline)) int8x16_t
kn_attn_key_step (KnDtype format, const uint8_t *k, size_t g, size_t c)
{
  if (!kn_kv_is_q4 (format))
    return vreinterpretq_s8_u8 (vld1q_u8 (k + (g * 8 + c) * 64));
  const uint8x16_t both = vld1q_u8 (k + (g * 4 + c % 4) * 64);
  const uint8x16_t one = c < 4 ? vandq_u8 (both, vdupq_n_u8 (15)) : vshrq_n_u8 (both, 4);
  return vsubq_s8 (vreinterpretq_s8_u8 (one), vdupq_n_s8 (8));
}

extern const KnAttnSteps kn_attn_neon_steps;
