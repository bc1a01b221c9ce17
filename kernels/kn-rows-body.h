/* The walk over some rows of Q8_ROWS, four at a time so that their sums do not wait for each
 * other. An instruction set that includes it has
 *
 *   rows_dots (codes, x, sums, n, dots)    exact sums of products of @n groups, at most 16, of a
 *                                          row
 *   rows_scales (halves, xs, n, scales)    f16 times f32
 *
 * and a fused multiply-add in fmaf(). */
#pragma once

#include "kn-rows-private.h"

#include <math.h>
#include <string.h>

#define ROWS_AT_ONCE 4
#define ROWS_GROUPS 16

static inline __attribute__ ((always_inline)) void
some_rows (const KnRowsArgs *a)
{
  const size_t n_groups = a->n_cols / 32, panel_bytes = kn_rows_panel_bytes (a->n_cols);
  const int8_t *x = a->x;
  const float *xs = (const float *)(const void *)(x + kn_q8_scales_offset (a->n_cols));
  const int32_t *sums = (const int32_t *)(const void *)(x + kn_q8_sums_offset (a->n_cols));

  for (size_t i = 0; i < a->n; i += ROWS_AT_ONCE)
    {
      const size_t n = a->n - i < ROWS_AT_ONCE ? a->n - i : ROWS_AT_ONCE;
      const int8_t *codes[ROWS_AT_ONCE];
      const uint8_t *halves[ROWS_AT_ONCE];
      float acc[ROWS_AT_ONCE] = { 0 };

      for (size_t k = 0; k < ROWS_AT_ONCE; k++)
        {
          const size_t row = a->rows[i + (k < n ? k : 0)];
          const uint8_t *panel = (const uint8_t *)a->panels + row / KN_PANEL_ROWS * panel_bytes;

          codes[k] = (const int8_t *)panel + row % KN_PANEL_ROWS * a->n_cols;
          halves[k] = panel + KN_PANEL_ROWS * a->n_cols + row % KN_PANEL_ROWS * n_groups * 2;
        }
      for (size_t g = 0; g < n_groups; g += ROWS_GROUPS)
        {
          const size_t n_here = n_groups - g < ROWS_GROUPS ? n_groups - g : ROWS_GROUPS;
          int32_t dots[ROWS_AT_ONCE][ROWS_GROUPS];
          float scales[ROWS_AT_ONCE][ROWS_GROUPS];

          for (size_t k = 0; k < ROWS_AT_ONCE; k++)
            {
              if (n_here == ROWS_GROUPS) /* a number that the compiler knows */
                rows_dots (codes[k] + 32 * g, x + 32 * g, sums + g, ROWS_GROUPS, dots[k]);
              else
                rows_dots (codes[k] + 32 * g, x + 32 * g, sums + g, n_here, dots[k]);
              rows_scales (halves[k] + 2 * g, xs + g, n_here, scales[k]);
            }
          for (size_t h = 0; h < n_here; h++)
            for (size_t k = 0; k < ROWS_AT_ONCE; k++)
              acc[k] = fmaf ((float)dots[k][h], scales[k][h], acc[k]);
        }
      memcpy (a->y + i, acc, n * sizeof *acc);
    }
}
