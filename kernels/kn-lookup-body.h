/* The walk of a product by table lookup, included by one file per instruction set after it defined
 *
 *   LOOKUP_LEVEL                             the level of the file
 *   build_tables (xq, tables)                tables of a group of 32 activation codes,
 *                                            KN_LOOKUP_TABLE_BYTES, laid out as it likes
 *   sum_group (n_planes, codes, tables, sum) sum[h][row] = exact sum over half group h of stored
 *   code
 *                                            times activation code
 *   load_f16s (src, dst)                     16 half-precision numbers
 *   LookupWords, load_bytes (src)            a vector of 32-bit words; one of as many bytes
 *
 * What is done with the sums is what kn-matmul.c says of the base format, so results have its
 * bits. */
#pragma once

#include "kn-block-private.h"
#include "kn-lookup-private.h"
#include "kn-panel-private.h"
#include "kn-table.h"

#include <math.h>
#include <string.h>

#define ROWS KN_PANEL_ROWS
#define BLOCK_GROUPS 32 /* whose tables are made at a time: 8 KB, on the stack */
#define BLOCK_PANELS 16 /* that use them */
#define PREFETCH 2048   /* bytes ahead: the hardware stops at the pages' ends */

/* As many words as a LookupWords has. */
#define LOOKUP_LANES (sizeof (LookupWords) / 4)
typedef int32_t LookupInts __attribute__ ((vector_size (sizeof (LookupWords))));
typedef uint16_t LookupPairs __attribute__ ((vector_size (sizeof (LookupWords) / 2)));

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

/* @idot: what the sums of the two halves of group @g come to with their integer scales; @jdot: what
 * the sums of the activations come to with the minima, where there are some. */
static inline __attribute__ ((always_inline)) void
apply_int_scales (KnDtype base, const uint8_t *block, size_t g, const LookupRow *x,
                  const int32_t sum[2][ROWS], int32_t idot[ROWS], int32_t jdot[ROWS])
{
  const uint8_t *at = block + kn_panel_int_scales_at (base, g % kn_panel_block_groups (base));
  const int32_t zero0 = kn_panel_zero (base) * x->half_sums[2 * g],
                zero1 = kn_panel_zero (base) * x->half_sums[2 * g + 1];

  for (size_t row = 0; row < ROWS; row += LOOKUP_LANES)
    {
      LookupPairs pairs;
      LookupInts s[2], scaled, mins;

      memcpy (s + 0, sum[0] + row, sizeof s[0]);
      memcpy (s + 1, sum[1] + row, sizeof s[1]);
      if (base == KN_Q3_64)
        {
          const LookupInts w = (LookupInts)load_bytes (at + row);

          scaled = ((w & 15) - 8) * (s[0] - zero0) + ((w >> 4) - 8) * (s[1] - zero1);
          memcpy (idot + row, &scaled, sizeof scaled);
          continue;
        }
      memcpy (&pairs, at + 2 * row, sizeof pairs);
      const LookupInts w = __builtin_convertvector(pairs, LookupInts);
      if (base == KN_Q3_K) /* signed bytes */
        scaled = (w << 24 >> 24) * (s[0] - zero0) + (w << 16 >> 24) * (s[1] - zero1);
      else
        scaled = (w & 15) * s[0] + (w >> 8 & 15) * s[1];
      memcpy (idot + row, &scaled, sizeof scaled);
      if (!kn_panel_has_int_mins (base))
        continue;
      mins = (w >> 4 & 15) * x->half_sums[2 * g] + (w >> 12) * x->half_sums[2 * g + 1];
      memcpy (jdot + row, &mins, sizeof mins);
    }
}

static inline __attribute__ ((always_inline)) void
add_int_group (KnDtype base, const uint8_t *block, size_t g, const LookupRow *x,
               const int32_t sum[2][ROWS], float acc[ROWS])
{
  int32_t idot[ROWS], jdot[ROWS];
  float d[ROWS];

  apply_int_scales (base, block, g, x, sum, idot, jdot);
  load_f16s (block, d);
  for (size_t row = 0; row < ROWS; row++)
    acc[row] = fmaf ((float)idot[row], d[row] * x->scales[g], acc[row]);
  if (!kn_panel_has_int_mins (base))
    return;
  load_f16s (block + 32, d);
  for (size_t row = 0; row < ROWS; row++)
    acc[row] = fmaf (-(float)jdot[row], d[row] * x->scales[g], acc[row]);
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
  load_f16s (kn_panel_has_own_scales (base)
                 ? block + kn_panel_own_scales_at (base, g % kn_panel_block_groups (base))
                 : block,
             d);
  for (size_t row = 0; row < ROWS; row++)
    {
      const int32_t bits = sum[0][row] + sum[1][row];
      const int32_t idot = (base == KN_Q1_64 ? 2 * bits : bits) - zero;

      acc[row] = fmaf ((float)idot, d[row] * x->scales[g], acc[row]);
    }
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

/* ---- many tokens ---- */

/* The bits of two steps of a few rows, a row to a word: bit k of either step at the bottom of a
 * nibble of byte k. */
static inline __attribute__ ((always_inline)) LookupWords
spread (const uint8_t *bits)
{
  const LookupWords w = load_bytes (bits);

  return (w | w << 7 | w << 14 | w << 21) & 0x11111111u;
}

/* The lines of a group of the base format, from its planes. */
static inline __attribute__ ((always_inline)) void
planes_to_lines (int n_planes, const uint8_t *planes, uint8_t *lines)
{
  for (size_t row = 0; row < ROWS; row += LOOKUP_LANES)
    {
      LookupWords line[4] = { 0 };

#pragma GCC unroll 4
      for (size_t step = 0; step < 4; step++)
        {
          const uint8_t *at = planes + 16 * step + row;
          LookupWords codes = spread (at); /* of two steps, one nibble each */

          if (n_planes > 1)
            codes |= spread (at + KN_LOOKUP_PLANE) << 1;
          if (n_planes == 4)
            line[step] = codes | spread (at + 2 * KN_LOOKUP_PLANE) << 2
                         | spread (at + 3 * KN_LOOKUP_PLANE) << 3;
          else if (n_planes == 1)
            line[0] |= codes << (uint32_t)step;
          else
            {
              line[0] |= (codes & 0x03030303u) << 2 * (uint32_t)step;
              line[1] |= (codes >> 4 & 0x03030303u) << 2 * (uint32_t)step;
            }
          if (n_planes == 3)
            line[2] |= spread (at + 2 * KN_LOOKUP_PLANE) << (uint32_t)step;
        }
#pragma GCC unroll 4
      for (int i = 0; i < n_planes; i++)
        memcpy (lines + KN_LOOKUP_PLANE * i + 4 * row, &line[i], sizeof line[i]);
    }
}

static inline __attribute__ ((always_inline)) void
panel_to_base (KnDtype base, int n_planes, size_t n_cols, const uint8_t *panel, uint8_t *to)
{
  for (size_t g = 0; g < n_cols / 32; g++)
    {
      const size_t codes = kn_panel_codes_at (base, g), scales = kn_panel_scales_at (base, g);

      if (g % kn_panel_block_groups (base) == 0)
        memcpy (to + scales, panel + scales, kn_panel_scale_bytes (base));
      for (size_t i = 0; i < kn_panel_group_bytes (base); i += 64)
        __builtin_prefetch (panel + codes + PREFETCH + i);
      planes_to_lines (n_planes, panel + codes, to + codes);
    }
}

/* Tables are made for each token anew, codes are put in order once for all: a few panels become the
 * base's in the scratch, and its product goes on. */
static inline __attribute__ ((always_inline)) void
base_product (KnDtype base, int n_planes, const KnMatmulArgs *a)
{
  const KnMatmulFn product = kn_matmul_fn (&kn_table_for_level (LOOKUP_LEVEL)->matmul, base);
  const size_t panel_bytes = kn_panel_bytes (base, a->n_cols), step = KN_LOOKUP_PANELS * ROWS;
  const uint8_t *panel = a->panels;
  uint8_t *panels = a->scratch;
  KnMatmulArgs part = *a;

  part.panels = panels;
  part.scratch = panels + KN_LOOKUP_PANELS * panel_bytes;
  for (size_t r = 0; r < a->n_rows; r += step)
    {
      part.n_rows = a->n_rows - r < step ? a->n_rows - r : step;
      part.y = a->y + r;
      for (size_t p = 0; p * ROWS < part.n_rows; p++, panel += panel_bytes)
        panel_to_base (base, n_planes, a->n_cols, panel, panels + p * panel_bytes);
      product (&part);
    }
}

static inline __attribute__ ((always_inline)) void
lookup_product (KnDtype dtype, KnDtype base, int n_planes, const KnMatmulArgs *a)
{
  const size_t panel_bytes = kn_panel_bytes (base, a->n_cols), step = BLOCK_PANELS * ROWS;

  if (a->n_tokens > kn_lookup_max_tokens (LOOKUP_LEVEL, dtype))
    {
      base_product (base, n_planes, a);
      return;
    }
  for (size_t t = 0; t < a->n_tokens; t++)
    {
      const LookupRow x = lookup_row ((const uint8_t *)a->x + t * a->x_stride, a->n_cols);

      for (size_t r = 0; r < a->n_rows; r += step)
        lookup_panels (base, n_planes, a, (const uint8_t *)a->panels + r / ROWS * panel_bytes,
                       a->n_rows - r < step ? a->n_rows - r : step, &x, a->y + t * a->y_stride + r);
    }
}
