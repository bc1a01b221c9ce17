/* Weights row by row in plain C: packing, the product of some rows (the specification), and that
 * of all rows by expansion. Knows no instruction set. */
#include "kn-rows-private.h"

#include "kn-block-private.h"
#include "kn-panel-private.h"
#include "kn-quant.h"
#include "kn-table-private.h"

#define ROWS KN_PANEL_ROWS

static uint16_t
load_u16 (const uint8_t *at)
{
  uint16_t v;

  memcpy (&v, at, sizeof v);
  return v;
}

/* ---- packing ---- */

void
kn_rows_pack_panel (const void *rows, size_t row_stride, size_t n_rows, size_t n_cols, void *panel)
{
  uint8_t *codes = panel, *scales = codes + ROWS * n_cols;

  memset (panel, 0, kn_rows_panel_bytes (n_cols));
  for (size_t r = 0; r < n_rows; r++)
    {
      const KnBlockQ8_0 *b
          = (const KnBlockQ8_0 *)(const void *)((const uint8_t *)rows + r * row_stride);

      for (size_t g = 0; g < n_cols / 32; g++, b++)
        {
          memcpy (codes + r * n_cols + 32 * g, b->qs, 32);
          memcpy (scales + (r * (n_cols / 32) + g) * 2, &b->d, 2);
        }
    }
}

void
kn_rows_unpack_row (const void *panel, size_t row, size_t n_cols, float *dst)
{
  const int8_t *codes = (const int8_t *)panel + row * n_cols;
  const uint8_t *scales = (const uint8_t *)panel + ROWS * n_cols + row * (n_cols / 32) * 2;

  for (size_t c = 0; c < n_cols; c++)
    dst[c] = kn_f16_to_f32 (load_u16 (scales + c / 32 * 2)) * (float)codes[c];
}

/* ---- some rows ---- */

static inline void
rows_dots (const int8_t *codes, const int8_t *x, const int32_t *sums, size_t n, int32_t *dots)
{
  for (size_t g = 0; g < n; g++, codes += 32, x += 32)
    {
      int32_t sum = 0;

      for (size_t c = 0; c < 32; c++)
        sum += (int32_t)codes[c] * x[c];
      dots[g] = sum;
    }
}

static inline void
rows_scales (const uint8_t *halves, const float *xs, size_t n, float *scales)
{
  for (size_t g = 0; g < n; g++)
    scales[g] = kn_f16_to_f32 (load_u16 (halves + 2 * g)) * xs[g];
}

#include "kn-rows-body.h"

static void
some_rows_c (const KnRowsArgs *args)
{
  some_rows (args);
}

/* ---- all rows ---- */

static void
expand (const uint8_t *panel, size_t n_cols, uint8_t *dense)
{
  const uint8_t *scales = panel + ROWS * n_cols;

  for (size_t g = 0; g < n_cols / 32; g++)
    {
      uint8_t *codes = dense + kn_panel_codes_at (KN_Q8_0, g);
      uint8_t *halves = dense + kn_panel_scales_at (KN_Q8_0, g) + g % 2 * 32;

      for (size_t r = 0; r < ROWS; r++)
        {
          memcpy (halves + 2 * r, scales + (r * (n_cols / 32) + g) * 2, 2);
          for (size_t step = 0; step < 8; step++)
            memcpy (codes + 64 * step + 4 * r, panel + r * n_cols + 32 * g + 4 * step, 4);
        }
    }
}

size_t
kn_rows_scratch_bytes (size_t n_cols)
{
  return kn_panel_bytes (KN_Q8_0, n_cols) + kn_matmul_scratch_bytes (KN_Q8_0, n_cols);
}

/* Panel by panel: as a dense one in the scratch. */
static void
product (KnMatmulFn q8_0, const KnMatmulArgs *a)
{
  const size_t panel_bytes = kn_rows_panel_bytes (a->n_cols);
  KnMatmulArgs dense = *a;

  dense.panels = a->scratch;
  dense.scratch = (uint8_t *)a->scratch + kn_panel_bytes (KN_Q8_0, a->n_cols);
  for (size_t r = 0; r < a->n_rows; r += ROWS)
    {
      expand ((const uint8_t *)a->panels + r / ROWS * panel_bytes, a->n_cols, a->scratch);
      dense.n_rows = a->n_rows - r < ROWS ? a->n_rows - r : ROWS;
      dense.y = a->y + r;
      q8_0 (&dense);
    }
}

#define ALL_ROWS(isa, level)                                                                       \
  static void matmul_q8_rows_##isa (const KnMatmulArgs *a)                                         \
  {                                                                                                \
    product (kn_table_for_level (level)->matmul.q8_0, a);                                          \
  }
ALL_ROWS (c, KN_LEVEL_C)
ALL_ROWS (avx2, KN_LEVEL_AVX2)
ALL_ROWS (avx512, KN_LEVEL_AVX512)
ALL_ROWS (neon, KN_LEVEL_NEON)
ALL_ROWS (dotprod, KN_LEVEL_DOTPROD)

void
kn_rows_fill (KnMatmulFamily *family, KnLevel level)
{
  family->some_q8_rows = some_rows_c;
  family->q8_rows = level == KN_LEVEL_AVX2      ? matmul_q8_rows_avx2
                    : level == KN_LEVEL_AVX512  ? matmul_q8_rows_avx512
                    : level == KN_LEVEL_NEON    ? matmul_q8_rows_neon
                    : level == KN_LEVEL_DOTPROD ? matmul_q8_rows_dotprod
                                                : matmul_q8_rows_c;
}
