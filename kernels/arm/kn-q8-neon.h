/* Vectors of 4 numbers for the kernels on 8-bit codes that are written once for instruction sets
 * with short vectors (kn-qconv-body.h, kn-qvec-body.h). */
#pragma once

#include <arm_neon.h>

#include "kn-qconv-spec.h"

#define LANES 4
#define UNROLL _Pragma ("GCC unroll 16")

typedef int32x4_t I32;
typedef float32x4_t F32;

KN_QINLINE I32
i32_load (const int32_t *p)
{
  return vld1q_s32 (p);
}

KN_QINLINE void
i32_store (int32_t *p, I32 v)
{
  vst1q_s32 (p, v);
}

KN_QINLINE I32
i32_set1 (int32_t v)
{
  return vdupq_n_s32 (v);
}

KN_QINLINE I32
i32_add (I32 a, I32 b)
{
  return vaddq_s32 (a, b);
}

KN_QINLINE I32
i32_sub (I32 a, I32 b)
{
  return vsubq_s32 (a, b);
}

KN_QINLINE I32
i32_mul (I32 a, I32 b)
{
  return vmulq_s32 (a, b);
}

KN_QINLINE I32
i32_min (I32 a, I32 b)
{
  return vminq_s32 (a, b);
}

KN_QINLINE I32
i32_max (I32 a, I32 b)
{
  return vmaxq_s32 (a, b);
}

/* The sign stays. */
KN_QINLINE I32
i32_shift_right (I32 v, uint32_t n)
{
  return vshlq_s32 (v, vdupq_n_s32 (-(int32_t)n));
}

KN_QINLINE F32
f32_load (const float *p)
{
  return vld1q_f32 (p);
}

KN_QINLINE void
f32_store (float *p, F32 v)
{
  vst1q_f32 (p, v);
}

KN_QINLINE F32
f32_set1 (float v)
{
  return vdupq_n_f32 (v);
}

KN_QINLINE F32
f32_mul (F32 a, F32 b)
{
  return vmulq_f32 (a, b);
}

KN_QINLINE F32
f32_div (F32 a, F32 b)
{
  return vdivq_f32 (a, b);
}

/* NaN becomes @low. */
KN_QINLINE F32
f32_limit (F32 v, F32 low, F32 high)
{
  return vminq_f32 (vmaxnmq_f32 (v, low), high);
}

KN_QINLINE F32
f32_of_i32 (I32 v)
{
  return vcvtq_f32_s32 (v);
}

/* Half to even. */
KN_QINLINE I32
i32_round (F32 v)
{
  return vcvtnq_s32_f32 (v);
}

KN_QINLINE I32
codes_load (const void *x, int is_signed)
{
  uint32_t four;
  memcpy (&four, x, sizeof four);
  const uint8x8_t codes = vcreate_u8 (four);

  if (is_signed)
    return vmovl_s16 (vget_low_s16 (vmovl_s8 (vreinterpret_s8_u8 (codes))));
  return vreinterpretq_s32_u32 (vmovl_u16 (vget_low_u16 (vmovl_u8 (codes))));
}

KN_QINLINE void
codes_store (uint8_t *y, I32 codes)
{
  const int16x4_t words = vmovn_s32 (codes);
  const int8x8_t bytes = vmovn_s16 (vcombine_s16 (words, words));
  const uint32_t four = vget_lane_u32 (vreinterpret_u32_s8 (bytes), 0);

  memcpy (y, &four, sizeof four);
}

/* 16 bytes, as all of these instruction sets have them. */
typedef uint8x16_t Bytes;

KN_QINLINE Bytes
bytes_load (const uint8_t *p)
{
  return vld1q_u8 (p);
}

KN_QINLINE void
bytes_store (uint8_t *p, Bytes v)
{
  vst1q_u8 (p, v);
}

KN_QINLINE Bytes
bytes_set1 (uint8_t v)
{
  return vdupq_n_u8 (v);
}

KN_QINLINE Bytes
bytes_xor (Bytes a, Bytes b)
{
  return veorq_u8 (a, b);
}

KN_QINLINE Bytes
bytes_max (Bytes a, Bytes b, int is_signed)
{
  if (is_signed)
    return vreinterpretq_u8_s8 (vmaxq_s8 (vreinterpretq_s8_u8 (a), vreinterpretq_s8_u8 (b)));
  return vmaxq_u8 (a, b);
}
