/* Channel-major weights in plain C: packing, the list of channels that count, the product that
 * skips the others (the specification), and the product of many tokens by expansion. Knows no
 * instruction set. */
#include "kn-block-private.h"
#include "kn-panel-private.h"
#include "kn-quant.h"
#include "kn-skip-private.h"
#include "kn-table-private.h"

#include <math.h>

#define ROWS KN_SKIP_ROWS

static uint16_t
load_u16 (const uint8_t *at)
{
  uint16_t v;

  memcpy (&v, at, sizeof v);
  return v;
}

static size_t
min_size (size_t a, size_t b)
{
  return a < b ? a : b;
}

/* ---- packing ---- */

void
kn_skip_pack_panel (const void *rows, size_t row_stride, size_t n_rows, size_t n_cols, void *panel)
{
  uint8_t *group = panel;

  for (size_t g = 0; g < n_cols / 32; g++, group += KN_SKIP_GROUP_BYTES)
    {
      memset (group, 0, KN_SKIP_SCALE_BYTES);
      memset (group + KN_SKIP_SCALE_BYTES, 128, 32 * ROWS);
      for (size_t p = 0; p < ROWS; p++)
        {
          const size_t row = kn_skip_row (p);
          const KnBlockQ8_0 *b;

          if (row >= n_rows)
            continue;
          b = (const KnBlockQ8_0 *)(const void *)((const uint8_t *)rows + row * row_stride) + g;
          memcpy (group + 2 * row, &b->d, 2);
          for (size_t c = 0; c < 32; c++)
            group[KN_SKIP_SCALE_BYTES + c * ROWS + p] = (uint8_t)b->qs[c] ^ 0x80;
        }
    }
}

void
kn_skip_unpack_row (const void *panel, size_t row, size_t n_cols, float *dst)
{
  const uint8_t *group = panel;
  const size_t p = kn_skip_row (row); /* its own inverse */

  for (size_t g = 0; g < n_cols / 32; g++, group += KN_SKIP_GROUP_BYTES)
    {
      const float scale = kn_f16_to_f32 (load_u16 (group + 2 * row));

      for (size_t c = 0; c < 32; c++)
        *dst++ = scale * (float)((int)group[KN_SKIP_SCALE_BYTES + c * ROWS + p] - 128);
    }
}

/* ---- the list ---- */

size_t
kn_skip_list_bytes (size_t n)
{
  return n / 4 * sizeof (KnSkipQuad) + n / 32;
}

void
kn_skip_list (const void *row, size_t n, void *memory, KnSkipList *list)
{
  const int8_t *codes = row;
  KnSkipQuad *quad = memory;

  *list = (KnSkipList){ .quads = memory, .n_quads = (uint8_t *)memory + n / 4 * sizeof *quad };
  for (size_t g = 0; g < n / 32; g++, codes += 32)
    {
      const uint32_t base = (uint32_t)(g * KN_SKIP_GROUP_BYTES + KN_SKIP_SCALE_BYTES);
      uint8_t found[36] = { 0 };
      size_t n_found = 0;

      for (uint8_t c = 0; c < 32; c++)
        {
          found[n_found] = c;
          n_found += codes[c] != 0;
        }
      list->n_channels += n_found;
      list->n_quads[g] = (uint8_t)((n_found + 3) / 4);
      for (size_t i = 0; i < n_found; i += 4, quad++)
        {
          uint32_t word = 0;

          for (size_t k = 0; k < 4; k++)
            {
              /* Behind the last the first stands again, with code 0. */
              const uint8_t c = i + k < n_found ? found[i + k] : found[i];

              word |= i + k < n_found ? (uint32_t)(uint8_t)codes[c] << 8 * k : 0;
              quad->at[k] = base + (uint32_t)c * ROWS;
            }
          quad->codes = (int32_t)word;
        }
    }
}

/* ---- one token ---- */

static void
add_quad (const uint8_t *panel, const KnSkipQuad *quad, int32_t sums[ROWS])
{
  for (size_t k = 0; k < 4; k++)
    {
      const int32_t x = (int8_t)(uint8_t)((uint32_t)quad->codes >> 8 * k);
      const uint8_t *line = panel + quad->at[k];

      for (size_t p = 0; p < ROWS; p++)
        sums[p] += ((int32_t)line[p] - 128) * x;
    }
}

/* acc += idot * (ws * xs) for each group that has a channel that counts, as kn-matmul.c has it. */
static void
skip_c (const KnSkipArgs *a)
{
  const size_t panel_bytes = a->n_cols / 32 * KN_SKIP_GROUP_BYTES;
  const float *xs
      = (const float *)(const void *)((const uint8_t *)a->x + kn_q8_scales_offset (a->n_cols));

  for (size_t r = 0; r < a->n_rows; r += ROWS)
    {
      const uint8_t *panel = (const uint8_t *)a->panels + r / ROWS * panel_bytes;
      const KnSkipQuad *quad = a->list->quads;
      float acc[ROWS] = { 0 };

      for (size_t g = 0; g < a->n_cols / 32; g++)
        {
          const uint8_t *scales = panel + g * KN_SKIP_GROUP_BYTES;
          int32_t sums[ROWS] = { 0 };

          if (a->list->n_quads[g] == 0)
            continue;
          for (size_t i = 0; i < a->list->n_quads[g]; i++)
            add_quad (panel, quad++, sums);
          for (size_t p = 0; p < ROWS; p++)
            {
              const size_t row = kn_skip_row (p);
              const float ws = kn_f16_to_f32 (load_u16 (scales + 2 * row));

              acc[row] = fmaf ((float)sums[p], ws * xs[g], acc[row]);
            }
        }
      memcpy (a->y + r, acc, min_size (ROWS, a->n_rows - r) * sizeof *acc);
    }
}

/* ---- many tokens ---- */

void
kn_skip_expand_c (const void *panel, size_t n_cols, void *dense)
{
  const size_t dense_bytes = kn_panel_bytes (KN_Q8_0, n_cols);
  const uint8_t *group = panel;

  for (size_t g = 0; g < n_cols / 32; g++, group += KN_SKIP_GROUP_BYTES)
    for (size_t k = 0; k < ROWS / KN_PANEL_ROWS; k++)
      {
        uint8_t *to = (uint8_t *)dense + k * dense_bytes;
        uint8_t *codes = to + kn_panel_codes_at (KN_Q8_0, g);

        memcpy (to + kn_panel_scales_at (KN_Q8_0, g) + g % 2 * 32, group + 32 * k, 32);
        for (size_t step = 0; step < 8; step++)
          for (size_t row = 0; row < KN_PANEL_ROWS; row++)
            {
              const uint8_t *at = group + KN_SKIP_SCALE_BYTES + 4 * step * ROWS
                                  + kn_skip_row (KN_PANEL_ROWS * k + row);

              kn_store_u32 (codes + 64 * step + 4 * row,
                            ((uint32_t)at[0] | (uint32_t)at[ROWS] << 8
                             | (uint32_t)at[2 * ROWS] << 16 | (uint32_t)at[3 * ROWS] << 24)
                                ^ 0x80808080u);
            }
      }
}

size_t
kn_skip_scratch_bytes (size_t n_cols)
{
  return ROWS / KN_PANEL_ROWS * kn_panel_bytes (KN_Q8_0, n_cols)
         + kn_matmul_scratch_bytes (KN_Q8_0, n_cols);
}

void
kn_skip_product (KnSkipExpandFn expand, KnMatmulFn q8_0, const KnMatmulArgs *a)
{
  const size_t panel_bytes = kn_panel_bytes (KN_Q8_CHANNELS, a->n_cols);
  KnMatmulArgs dense = *a;

  dense.panels = a->scratch;
  dense.scratch
      = (uint8_t *)a->scratch + ROWS / KN_PANEL_ROWS * kn_panel_bytes (KN_Q8_0, a->n_cols);
  for (size_t r = 0; r < a->n_rows; r += ROWS)
    {
      expand ((const uint8_t *)a->panels + r / ROWS * panel_bytes, a->n_cols, a->scratch);
      dense.n_rows = min_size (ROWS, a->n_rows - r);
      dense.y = a->y + r;
      q8_0 (&dense);
    }
}

#define CHANNELS(isa, level)                                                                       \
  static void matmul_q8_channels_##isa (const KnMatmulArgs *a)                                     \
  {                                                                                                \
    kn_skip_product (kn_skip_expand_c, kn_table_for_level (level)->matmul.q8_0, a);                \
  }
CHANNELS (c, KN_LEVEL_C)
CHANNELS (avx2, KN_LEVEL_AVX2)
CHANNELS (neon, KN_LEVEL_NEON)
CHANNELS (dotprod, KN_LEVEL_DOTPROD)

/* Levels without a way of their own expand in plain C and go on with their Q8_0 product; the
 * product that skips is the compiler's, which has plain loops over 64 rows to vectorise. */
void
kn_skip_fill (KnMatmulFamily *family, KnLevel level)
{
  family->skip_q8_channels = skip_c;
  family->q8_channels = level == KN_LEVEL_AVX2      ? matmul_q8_channels_avx2
                        : level == KN_LEVEL_NEON    ? matmul_q8_channels_neon
                        : level == KN_LEVEL_DOTPROD ? matmul_q8_channels_dotprod
                                                    : matmul_q8_channels_c;
}
