/* One element of the kernels on 8-bit codes: the specification, and the tails of the others.
 * Private to kernels. */
#pragma once

#include "kn-qconv-spec.h"
#include "kn-qvec.h"

KN_QINLINE uint8_t
kn_quantize1 (float x, float scale, const KnRequant *r)
{
  float v = x / scale;
  const float magic = KN_ROUND_MAGIC;
  int32_t bits, magic_bits;

  v = v > r->low ? v : r->low;
  v = v < r->high ? v : r->high;
  v += magic;
  memcpy (&bits, &v, sizeof bits);
  memcpy (&magic_bits, &magic, sizeof bits);
  return (uint8_t)(bits - magic_bits + r->zero);
}

KN_QINLINE int32_t
kn_code (const void *x, size_t i, int is_signed)
{
  return is_signed ? ((const int8_t *)x)[i] : ((const uint8_t *)x)[i];
}

KN_QINLINE uint8_t
kn_qadd1 (const KnQbinaryArgs *a, size_t i)
{
  int32_t sum = a->bias + kn_code (a->a, i, a->a_signed) * a->a_factor
                + kn_code (a->b, i * a->b_step, a->b_signed) * a->b_factor;
  const int32_t low = (int32_t)a->requant.low, high = (int32_t)a->requant.high;

  sum >>= a->shift;
  sum = sum > low ? sum : low;
  sum = sum < high ? sum : high;
  return (uint8_t)(sum + a->requant.zero);
}

KN_QINLINE uint8_t
kn_qmul1 (const KnQbinaryArgs *a, size_t i)
{
  const int32_t product = (kn_code (a->a, i, a->a_signed) - a->a_zero)
                          * (kn_code (a->b, i * a->b_step, a->b_signed) - a->b_zero);

  return (uint8_t)kn_requant1 (product, a->scale, &a->requant);
}

KN_QINLINE uint8_t
kn_qround20 (int32_t sum)
{
  return (uint8_t)((sum + (1 << 19) + (sum >> 31)) >> 20);
}
