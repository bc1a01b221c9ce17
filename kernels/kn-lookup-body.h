/* The walk of a product by table lookup, included by one file per instruction set after it defined
 *
 *   build_tables (xq, tables)                tables of a group of 32 activation codes,
 *                                            KN_LOOKUP_TABLE_BYTES, laid out as it likes
 *   sum_group (n_planes, codes, tables, sum) sum[h][row] = exact sum over half group h of stored code
 *                                            times activation code
 *   load_f16s (src, dst)                     16 half-precision numbers
 *
 * What is done with the sums is what kn-matmul.c says of the base format, so results have its bits. */
#pragma once

#include "kn-block-private.h"
#include "kn-lookup-private.h"
#include "kn-panel-private.h"

#include <math.h>
#include <string.h>

#define ROWS KN_PANEL_ROWS
#define BLOCK_GROUPS 32 /* whose tables are made at a time: 8 KB, on the stack */
#define BLOCK_PANELS 16 /* that use them */
#define PREFETCH 2048   /* bytes ahead: the hardware stops at the pages' ends */

/* One activation row's parts. */
typedef struct
{
  const int8_t *codes;
  const float *scales;
  const int32_t *sums, *half_sums;
} LookupRow;

static inline LookupRow
lookup_row (const uint8_t *x, size_t n_cols)
{
  return (LookupRow){ (const int8_t *)x,
                      (const float *)(const void *)(x + kn_q8_scales_offset (n_cols)),
                      (const int32_t *)(const void *)(x + kn_q8_sums_offset (n_cols)),
                      (const int32_t *)(const void *)(x + kn_q8_half_sums_offset (n_cols)) };
}

/* The integer scales and minima of the two halves of group @i of a block. */
static inline __attribute__ ((always_inline)) void
load_int_scales (KnDtype base, const uint8_t *block, size_t i, int32_t sub[2][ROWS],
                 int32_t sub_min[2][ROWS])
{
  const uint8_t *at = block + kn_panel_int_scales_at (base, i);
  uint16_t pairs[ROWS]; /* of a row: whole words are what compilers make vectors of */

  if (base == KN_Q3_64)
    for (size_t row = 0; row < ROWS; row++)
      {
        sub[0][row] = (at[row] & 15) - 8;
        sub[1][row] = (at[row] >> 4) - 8;
      }
  else
    memcpy (pairs, at, sizeof pairs);
  if (base == KN_Q3_K)
    for (size_t row = 0; row < ROWS; row++)
      {
        sub[0][row] = (int8_t)pairs[row];
        sub[1][row] = (int16_t)pairs[row] >> 8;
      }
  if (kn_panel_has_int_mins (base))
    for (size_t row = 0; row < ROWS; row++)
      {
        sub[0][row] = pairs[row] & 15;
        sub_min[0][row] = pairs[row] >> 4 & 15;
        sub[1][row] = pairs[row] >> 8 & 15;
        sub_min[1][row] = pairs[row] >> 12;
      }
}

static inline __attribute__ ((always_inline)) void
add_int_group (KnDtype base, const uint8_t *block, size_t g, const LookupRow *x,
               int32_t sum[2][ROWS], float acc[ROWS])
{
  const int32_t zero0 = kn_panel_zero (base) * x->half_sums[2 * g],
                zero1 = kn_panel_zero (base) * x->half_sums[2 * g + 1];
  int32_t sub[2][ROWS], sub_min[2][ROWS];
  float d[ROWS], dmin[ROWS];

  load_int_scales (base, block, g % kn_panel_block_groups (base), sub, sub_min);
  load_f16s (block, d);
  for (size_t row = 0; row < ROWS; row++)
    {
      const int32_t idot
          = sub[0][row] * (sum[0][row] - zero0) + sub[1][row] * (sum[1][row] - zero1);

      acc[row] = fmaf ((float)idot, d[row] * x->scales[g], acc[row]);
    }
  if (!kn_panel_has_int_mins (base))
    return;
  load_f16s (block + 32, dmin);
  for (size_t row = 0; row < ROWS; row++)
    {
      const int32_t jdot
          = sub_min[0][row] * x->half_sums[2 * g] + sub_min[1][row] * x->half_sums[2 * g + 1];

      acc[row] = fmaf (-(float)jdot, dmin[row] * x->scales[g], acc[row]);
    }
}

static inline __attribute__ ((always_inline)) void
add_group (KnDtype base, int n_planes, const uint8_t *panel, size_t g, const LookupRow *x,
           const uint8_t *tables, float acc[ROWS])
{
  const uint8_t *block = panel + kn_panel_scales_at (base, g);
  const uint8_t *codes = panel + kn_panel_codes_at (base, g);
  const int32_t zero = kn_panel_zero (base) * x->sums[g];
  int32_t sum[2][ROWS];
  float d[ROWS];

  for (size_t i = 0; i < kn_panel_group_bytes (base); i += 64)
    __builtin_prefetch (codes + PREFETCH + i);
  sum_group (n_planes, codes, tables, sum);
  if (kn_panel_has_int_scales (base))
    {
      add_int_group (base, block, g, x, sum, acc);
      return;
    }
  load_f16s (kn_panel_has_own_scales (base) ? block + g % 2 * 32 : block, d);
  for (size_t row = 0; row < ROWS; row++)
    acc[row] = fmaf ((float)(sum[0][row] + sum[1][row] - zero), d[row] * x->scales[g], acc[row]);
}

/* Up to BLOCK_PANELS panels, @n_rows rows, of one token. Tables are made for a block of columns and
 * used by all the panels before the next block's: once per 256 rows. */
static inline __attribute__ ((always_inline)) void
lookup_panels (KnDtype base, int n_planes, const KnMatmulArgs *a, const uint8_t *panels,
               size_t n_rows, const LookupRow *x, float *y)
{
  const size_t panel_bytes = kn_panel_bytes (base, a->n_cols), n_groups = a->n_cols / 32;
  const size_t n_panels = (n_rows + ROWS - 1) / ROWS;
  _Alignas(64) uint8_t tables[BLOCK_GROUPS][KN_LOOKUP_TABLE_BYTES];
  _Alignas(64) float acc[BLOCK_PANELS][ROWS] = { 0 };

  for (size_t first = 0; first < n_groups; first += BLOCK_GROUPS)
    {
      const size_t end = n_groups - first < BLOCK_GROUPS ? n_groups : first + BLOCK_GROUPS;

      for (size_t g = first; g < end; g++)
        build_tables (x->codes + 32 * g, tables[g - first]);
      for (size_t p = 0; p < n_panels; p++)
        for (size_t g = first; g < end; g++)
          add_group (base, n_planes, panels + p * panel_bytes, g, x, tables[g - first], acc[p]);
    }
  memcpy (y, acc, n_rows * sizeof *y);
}

static inline __attribute__ ((always_inline)) void
lookup_product (KnDtype base, int n_planes, const KnMatmulArgs *a)
{
  const size_t panel_bytes = kn_panel_bytes (base, a->n_cols), step = BLOCK_PANELS * ROWS;

  for (size_t t = 0; t < a->n_tokens; t++)
    {
      const LookupRow x = lookup_row ((const uint8_t *)a->x + t * a->x_stride, a->n_cols);

      for (size_t r = 0; r < a->n_rows; r += step)
        lookup_panels (base, n_planes, a, (const uint8_t *)a->panels + r / ROWS * panel_bytes,
                       a->n_rows - r < step ? a->n_rows - r : step, &x, a->y + t * a->y_stride + r);
    }
}
