/* The walk of products with one scale per row, for both Arm levels: a tile is a panel and up to 4
 * tokens, its integer sums run over the whole row. What differs is how the sums are made. */
#pragma once

#include "arm/kn-matmul-arm.h"

#include "kn-f16-private.h"

#include <math.h>

/* 4 rows x 4 columns of a group: signed 8-bit codes, or 4-bit codes as they are stored. */
INLINE int8x16_t
load_row_codes (KnDtype dtype, const uint8_t *group, size_t step, size_t r)
{
  if (dtype == KN_W8A8)
    return vreinterpretq_s8_u8 (
        veorq_u8 (vld1q_u8 (group + 64 * step + 16 * r), vdupq_n_u8 (0x80)));

  const uint8x16_t line = vld1q_u8 (group + 64 * (step % 4) + 16 * r);
  return vreinterpretq_s8_u8 (step < 4 ? vandq_u8 (line, vdupq_n_u8 (15)) : vshrq_n_u8 (line, 4));
}

/* Sums of codes times activations of the 4 quarters of a panel with @n tokens. */
typedef void (*PanelDots) (KnDtype dtype, const uint8_t *codes, size_t n_cols, size_t n,
                           const int8_t *const *x, int32x4_t out[4][MAX_TOKENS]);

INLINE void
row_tile (KnDtype dtype, PanelDots dots, const KnMatmulArgs *a, const uint8_t *panel, size_t row,
          size_t token, size_t n)
{
  const int8_t *x[MAX_TOKENS];
  int32x4_t out[4][MAX_TOKENS];

  for (size_t j = 0; j < n; j++)
    x[j] = (const int8_t *)a->x + (token + j) * a->x_stride;
  dots (dtype, panel + kn_panel_codes_at (dtype, 0), a->n_cols, n, x, out);
  for (size_t j = 0; j < n; j++)
    {
      const int8_t *tail = x[j] + kn_q8_token_scale_offset (a->n_cols);
      float xs;
      int32_t total;

      memcpy (&xs, tail, sizeof xs);
      memcpy (&total, tail + 4, sizeof total);
      for (size_t r = 0; r < 4; r++)
        {
          const float32x4_t ws = vld1q_f32 ((const float *)(const void *)panel + 4 * r);
          int32x4_t sum = out[r][j];

          if (dtype == KN_W4A8)
            sum = vsubq_s32 (sum, vdupq_n_s32 (8 * total));
          write_rows (a, token + j, row + 4 * r,
                      vmulq_f32 (vcvtq_f32_s32 (sum), vmulq_n_f32 (ws, xs)));
        }
    }
}

INLINE void
matmul_row (KnDtype dtype, PanelDots dots, const KnMatmulArgs *a)
{
  const size_t panel_bytes = kn_panel_bytes (dtype, a->n_cols);
  for (size_t row = 0; row < a->n_rows; row += ROWS)
    {
      const uint8_t *panel = (const uint8_t *)a->panels + row / ROWS * panel_bytes;
      size_t t = 0;
      for (; t + 4 <= a->n_tokens; t += 4)
        row_tile (dtype, dots, a, panel, row, t, 4);
      if (t + 3 == a->n_tokens)
        row_tile (dtype, dots, a, panel, row, t, 3);
      else if (t + 2 == a->n_tokens)
        row_tile (dtype, dots, a, panel, row, t, 2);
      else if (t + 1 == a->n_tokens)
        row_tile (dtype, dots, a, panel, row, t, 1);
    }
}
