/* Products of weights with one scale per row (W8A8, W4A8) with the Arm dot product instruction: 4
 * rows x 4 columns of codes times 4 codes of a token, picked by lane. 16 sums stay in registers for
 * a whole row. */
#ifndef __ARM_FEATURE_DOTPROD
#error "this file needs -march=armv8.2-a+dotprod"
#endif

#include "arm/kn-matmul-row-arm.h"
#include "arm/kn-dot-lane.h"
#include "kn-table-private.h"

INLINE void
panel_dots (KnDtype dtype, const uint8_t *codes, size_t n_cols, size_t n, const int8_t *const *x,
            int32x4_t out[4][MAX_TOKENS])
{
  for (size_t r = 0; r < 4; r++)
    for (size_t j = 0; j < n; j++)
      out[r][j] = vdupq_n_s32 (0);
  for (size_t g = 0; g < n_cols / 32; g++, codes += kn_panel_group_bytes (dtype))
    {
      int8x16_t v[MAX_TOKENS][2];
      for (size_t j = 0; j < n; j++)
        for (size_t c = 0; c < 2; c++)
          v[j][c] = vld1q_s8 (x[j] + 32 * g + 16 * c);

          /* Steps i and i + 4 share a line of nibbles. */
#pragma GCC unroll 4
      for (size_t i = 0; i < 4; i++)
#pragma GCC unroll 4
        for (size_t r = 0; r < 4; r++)
#pragma GCC unroll 2
          for (size_t c = 0; c < 2; c++)
            {
              const int8x16_t w = load_row_codes (dtype, codes, i + 4 * c, r);
              for (size_t j = 0; j < n; j++)
                out[r][j] = kn_dot_lane (out[r][j], w, v[j][c], i);
            }
    }
}

static void
matmul_w8a8_dotprod (const KnMatmulArgs *a)
{
  matmul_row (KN_W8A8, panel_dots, a);
}

static void
matmul_w4a8_dotprod (const KnMatmulArgs *a)
{
  matmul_row (KN_W4A8, panel_dots, a);
}

void
kn_matmul_row_dotprod (KnMatmulFamily *family)
{
  family->w8a8 = matmul_w8a8_dotprod;
  family->w4a8 = matmul_w4a8_dotprod;
}
