/* The expansion of sparse lines on Arm, for both levels: byte shuffles from a table, eight codes at
 * a time. */
#pragma once

#include "kn-sparse-private.h"

#include <arm_neon.h>

/* 32 bytes of 4-bit codes as 64 bytes, in order. */
static inline void
kn_unpack_nibbles (const uint8_t *codes, uint8_t bytes[KN_SPARSE_LINE])
{
  for (size_t i = 0; i < 2; i++)
    {
      const uint8x16_t both = vld1q_u8 (codes + 16 * i);
      const uint8x16x2_t pairs = { { vandq_u8 (both, vdupq_n_u8 (15)), vshrq_n_u8 (both, 4) } };

      vst2q_u8 (bytes + 32 * i, pairs);
    }
}

static inline const uint8_t *
kn_sparse_lines_neon (KnDtype dtype, const uint8_t *masks, const uint8_t *codes, size_t n_lines,
                      uint8_t *lines)
{
  const int is_4_bit = dtype == KN_Q4_SPARSE;
  const uint8x8_t zero = vdup_n_u8 (is_4_bit ? 8 : 128);

  for (size_t line = 0; line < n_lines; line++, lines += KN_SPARSE_LINE)
    {
      uint64_t mask = kn_sparse_mask (masks, line);
      uint8_t bytes[KN_SPARSE_LINE + 8]; /* eight are loaded even where fewer are left */
      const uint8_t *from = codes;

      if (is_4_bit)
        {
          kn_unpack_nibbles (codes, bytes);
          from = bytes;
        }
      codes += kn_sparse_code_bytes (dtype, (size_t)__builtin_popcountll (mask));
      for (size_t i = 0; i < KN_SPARSE_LINE; i += 8, mask >>= 8)
        {
          const uint8x8_t shuffle = vcreate_u8 (kn_sparse_shuffles[mask & 255]);

          vst1_u8 (lines + i, vtbl1_u8 (vsub_u8 (vld1_u8 (from), zero), shuffle));
          from += __builtin_popcountll (mask & 255);
        }
    }
  return codes;
}
