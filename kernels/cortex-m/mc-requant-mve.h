/* Back to 8 bit, four channels at a time: the bits of mc_requant1(). Private to kernels/cortex-m.
 */
#pragma once

#include "mc-private.h"

#if MC_USE_MVE

#include <arm_mve.h>

/* Rounded half to even, within the limits, plus zero. */
MC_INLINE int32x4_t
mc_codes_mve (float32x4_t v, const McRequant *r)
{
  v = vmaxnmq_f32 (v, vdupq_n_f32 (r->low));
  v = vminnmq_f32 (v, vdupq_n_f32 (r->high));
  return vaddq_n_s32 (vcvtnq_s32_f32 (v), r->zero);
}

MC_INLINE int32x4_t
mc_requant_mve (int32x4_t sums, float32x4_t scale, const McRequant *r)
{
  return mc_codes_mve (vmulq_f32 (vcvtq_f32_s32 (sums), scale), r);
}

/* Rows [row, row + 4) of a product, those that there are. */
MC_INLINE void
mc_requant4_mve (int32x4_t sums, const McProduct *p, int32_t row, int8_t *y)
{
  const mve_pred16_t some = vctp32q ((uint32_t)(p->n_rows - row));

  vstrbq_p_s32 (y + row, mc_requant_mve (sums, vldrwq_z_f32 (p->scale + row, some), p->requant),
                some);
}

#endif
