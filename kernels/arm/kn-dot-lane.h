/* The Arm dot product by lane, for the files that multiply weights with it. Include only where the
 * instruction is there. */
#pragma once

#include <arm_neon.h>
#include <stddef.h>

/* The lane of the instruction is a constant; after inlining so is @lane. */
static inline __attribute__ ((always_inline)) int32x4_t
kn_dot_lane (int32x4_t sum, int8x16_t w, int8x16_t x, size_t lane)
{
  switch (lane)
    {
    case 0:
      return vdotq_laneq_s32 (sum, w, x, 0);
    case 1:
      return vdotq_laneq_s32 (sum, w, x, 1);
    case 2:
      return vdotq_laneq_s32 (sum, w, x, 2);
    default:
      return vdotq_laneq_s32 (sum, w, x, 3);
    }
}
