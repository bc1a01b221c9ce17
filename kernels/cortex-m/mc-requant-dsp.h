/* Back to 8 bit with one conversion that rounds half to even (VCVTR, in the mode that processors
 * start in) and saturating integers: the bits of mc_requant1(). Private to kernels/cortex-m. */
#pragma once

#include "mc-private.h"

#if MC_USE_DSP

#include <arm_acle.h>

/* Saturates; a sum times a finite scale is a number. */
MC_INLINE int32_t
mc_code_dsp (int32_t sum, float scale, int32_t zero)
{
  int32_t code;

  __asm__("vcvtr.s32.f32 %0, %1" : "=t"(code) : "t"((float)sum * scale));
  return __ssat (__qadd (code, zero), 8);
}

/* [n] sums. Limits that are the type's cost nothing. */
MC_INLINE void
mc_requant_run_dsp (const int32_t *sums, const float *scale, int32_t n, const McRequant *r,
                    int8_t *y)
{
  const int32_t zero = r->zero, low = (int32_t)r->low + zero, high = (int32_t)r->high + zero;
  int8_t *const end = y + n;

  if (low == INT8_MIN && high == INT8_MAX)
    while (y < end)
      *y++ = (int8_t)mc_code_dsp (*sums++, *scale++, zero);
  else
    while (y < end)
      *y++ = (int8_t)mc_min (mc_max (mc_code_dsp (*sums++, *scale++, zero), low), high);
}

#endif
