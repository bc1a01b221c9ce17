/* Element-wise kernels on 8-bit codes with NEON: the body of kn-qvec-body.h with 4 numbers to a
 * vector, and table lookup 64 bytes at a time. */
#include "arm/kn-q8-neon.h"
#include "kn-table-private.h"

#include "kn-qvec-body.h"

/* Each of four tables answers the bytes that are less than 64 above its start, and leaves the
 * others. */
static void
lookup (const uint8_t *x, size_t n, const uint8_t table[256], uint8_t *y)
{
  const uint8x16x4_t tables[4] = { vld1q_u8_x4 (table), vld1q_u8_x4 (table + 64),
                                   vld1q_u8_x4 (table + 128), vld1q_u8_x4 (table + 192) };
  const uint8x16_t step = vdupq_n_u8 (64);
  size_t i = 0;

  for (; i + 16 <= n; i += 16)
    {
      uint8x16_t codes = vld1q_u8 (x + i), out = vqtbl4q_u8 (tables[0], codes);

      for (int t = 1; t < 4; t++)
        {
          codes = vsubq_u8 (codes, step);
          out = vqtbx4q_u8 (out, tables[t], codes);
        }
      vst1q_u8 (y + i, out);
    }
  for (; i < n; i++)
    y[i] = table[x[i]];
}

void
kn_qvec_neon (KnQvecFamily *f)
{
  *f = (KnQvecFamily){
    .quantize = quantize,
    .dequantize = dequantize,
    .lookup = lookup,
    .add = add,
    .mul = mul,
    .sum_rows = sum_rows,
    .max_rows = max_rows,
    .lerp = lerp,
  };
}
