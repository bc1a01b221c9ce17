/* Rows of panels as floats: kn_unpack_row() of what kn-pack.c packed gives what kn_dequantize_row()
 * gives of the row it came from. Called where single rows are looked at (embeddings, references,
 * files that are saved), never by products. */
#include "kn-matmul.h"

#include "kn-block-private.h"
#include "kn-f16-private.h"
#include "kn-lookup-private.h"
#include "kn-panel-private.h"
#include "kn-quant.h"
#include "kn-rows-private.h"
#include "kn-skip-private.h"
#include "kn-sparse-private.h"

#define ROWS KN_PANEL_ROWS

/* The stored code of (row, column @j of the group). */
static int
panel_code (KnDtype dtype, const uint8_t *group, size_t row, size_t j)
{
  size_t step = j / 4, at = 4 * row + j % 4;
  int code;

  if (dtype == KN_Q8_0)
    return (int8_t)group[64 * step + at];
  if (dtype == KN_W8A8)
    return group[64 * step + at];
  if (dtype == KN_Q1_64)
    return 2 * (group[at] >> step & 1);
  if (kn_panel_group_bytes (dtype) < 256)
    {
      code = group[64 * (step / 4) + at] >> 2 * (step % 4) & 3;
      return kn_panel_group_bytes (dtype) == 128 ? code : code | (group[128 + at] >> step & 1) << 2;
    }
  code = group[64 * (step % 4) + at] >> (step >= 4 ? 4 : 0) & 15;
  if (kn_panel_group_bytes (dtype) == 320)
    code |= (group[256 + at] >> step & 1) << 4;
  else if (kn_panel_group_bytes (dtype) == 384)
    code |= (group[256 + 64 * (step / 4) + at] >> 2 * (step % 4) & 3) << 4;
  return code;
}

static float
stream_f16 (const uint8_t *at, size_t row)
{
  uint16_t h;

  memcpy (&h, at + 2 * row, sizeof h);
  return kn_f16_load (h);
}

static void
panel_int_scale (KnDtype dtype, const uint8_t *block, size_t row, size_t c, float *scale,
                 float *add)
{
  const size_t i = c / 32 % kn_panel_block_groups (dtype), h = c / 16 % 2;
  const uint8_t *at = block + kn_panel_int_scales_at (dtype, i);

  *scale = stream_f16 (block, row);
  if (dtype == KN_Q3_64)
    *scale *= (float)((at[row] >> 4 * h & 15) - 8);
  else if (dtype == KN_Q3_K)
    *scale *= (float)(int8_t)at[2 * row + h];
  else
    {
      *scale *= (float)(at[2 * row + h] & 15);
      *add = -(stream_f16 (block + 32, row) * (float)(at[2 * row + h] >> 4));
    }
}

/* Scale and addend of column @c: w = scale * q + add. */
static void
panel_scale (KnDtype dtype, const uint8_t *panel, size_t row, size_t c, float *scale, float *add)
{
  const uint8_t *s = panel + kn_panel_scales_at (dtype, c / 32);

  *add = 0;
  if (kn_panel_has_row_scale (dtype))
    {
      memcpy (scale, panel + 4 * row, sizeof *scale);
      return;
    }
  if (kn_panel_has_int_scales (dtype))
    {
      panel_int_scale (dtype, s, row, c, scale, add);
      return;
    }
  if (dtype == KN_MXFP4)
    {
      *scale = kn_e8m0_half (s[c / 32 % 4 * 16 + row]);
      return;
    }
  if (kn_panel_has_own_scales (dtype))
    *scale = stream_f16 (s + kn_panel_own_scales_at (dtype, c / 32 % kn_panel_block_groups (dtype)),
                         row);
  else
    *scale = stream_f16 (s, row);
  if (dtype == KN_Q4_1 || dtype == KN_Q5_1)
    *add = stream_f16 (s + 32, row);
  else if (dtype == KN_Q4_K || dtype == KN_Q5_K)
    {
      const uint8_t *sub = s + 64 + c % 256 / 32 * 32;

      *scale *= (float)sub[row];
      *add = -(stream_f16 (s + 32, row) * (float)sub[16 + row]);
    }
  else if (dtype == KN_Q6_K)
    *scale *= (float)(int8_t)s[32 + c % 256 / 16 * 16 + row];
}

static float
panel_float (KnDtype dtype, const void *panel, size_t at)
{
  if (kn_panel_is_f8 (dtype))
    {
      const uint8_t *block = (const uint8_t *)panel + at / ROWS / 32 * KN_F8_BLOCK_BYTES;

      return stream_f16 (block, at % ROWS)
             * kn_f8_load (block[32 + at % (32 * ROWS)], dtype == KN_F8_E4M3 ? 3 : 2);
    }
  if (dtype == KN_F32)
    return ((const float *)panel)[at];
  if (dtype == KN_F16)
    return kn_f16_load (((const uint16_t *)panel)[at]);
  return kn_bf16_load (((const uint16_t *)panel)[at]);
}

void
kn_unpack_row (KnDtype dtype, const void *panel, size_t row, size_t n_cols, float *dst)
{
  const uint8_t *base = panel, *group;
  const int lookup = kn_lookup_base ((int)dtype);
  uint8_t lines[512]; /* the longest group of any format */
  int zero;

  if (lookup >= 0)
    dtype = (KnDtype)lookup;
  zero = kn_panel_zero (dtype);

  if (dtype == KN_Q8_CHANNELS)
    {
      kn_skip_unpack_row (panel, row, n_cols, dst);
      return;
    }
  if (dtype == KN_Q8_ROWS)
    {
      kn_rows_unpack_row (panel, row, n_cols, dst);
      return;
    }
  if (kn_sparse_base ((int)dtype) >= 0)
    {
      kn_sparse_unpack_row (dtype, panel, row, n_cols, dst);
      return;
    }
  for (size_t c = 0; c < n_cols; c++)
    if (dtype == KN_I8)
      dst[c] = (float)(int8_t)base[c / 4 * 64 + 4 * row + c % 4];
    else if (kn_panel_group_bytes (dtype) == 0)
      dst[c] = panel_float (dtype, panel, c * ROWS + row);
    else
      {
        float scale, add;
        int code;

        group = base + kn_panel_codes_at (dtype, c / 32);
        if (lookup >= 0)
          {
            if (c % 32 == 0)
              kn_lookup_to_lines (dtype, group, lines);
            group = lines;
          }
        code = panel_code (dtype, group, row, c % 32) - zero;

        if (dtype == KN_MXFP4)
          code = kn_mxfp4_values[code + zero];
        panel_scale (dtype, base, row, c, &scale, &add);
        dst[c] = kn_panel_has_min (dtype) || kn_panel_has_int_mins (dtype)
                     ? scale * (float)code + add
                     : scale * (float)code;
      }
}
