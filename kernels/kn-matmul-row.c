/* Products of weights with one scale per row (W8A8, W4A8) in plain C: the specification.
 *
 * What defines the bits of y[t][r]; a variant may reorder anything that is exact and nothing else:
 *
 *   idot = sum over all columns of (code - zero) * xq     exact, int32: |idot| < 2^31 for rows of
 *                                                         at most KN_ROW_SCALE_MAX_COLS
 *   t    = ws * xs                                        one rounding
 *   y    = (float) idot * t                               two: the conversion, to nearest even, and
 *                                                         the product
 *
 * Against the formats with a scale per 32 columns nothing is folded to f32 on the way: the inner
 * loop of a batch is integer dot products alone. Sums may wrap on the way, as unsigned codes make
 * them, since the end fits. */
#include "kn-matmul.h"
#include "kn-table-private.h"

#include "kn-f16-private.h"
#include "kn-panel-private.h"

#include <math.h>

#define ROWS KN_PANEL_ROWS

/* Columns 4 @step .. + 3 of row @row. @dtype is a constant where it is called. */
static inline void
load_step (KnDtype dtype, const uint8_t *codes, size_t step, size_t row, int8_t out[4])
{
  for (size_t k = 0; k < 4; k++)
    if (dtype == KN_W8A8)
      out[k] = (int8_t)(codes[64 * step + 4 * row + k] - 128);
    else
      {
        uint8_t byte = codes[256 * (step / 8) + 64 * (step % 4) + 4 * row + k];

        out[k] = (int8_t)((step % 8 < 4 ? byte & 15 : byte >> 4) - 8);
      }
}

static inline int32_t
row_dot (KnDtype dtype, const uint8_t *codes, size_t row, const int8_t *x, size_t n_cols)
{
  int32_t sum = 0;

  for (size_t step = 0; step < n_cols / 4; step++)
    {
      int8_t w[4];

      load_step (dtype, codes, step, row, w);
      for (size_t k = 0; k < 4; k++)
        sum += (int32_t)w[k] * x[4 * step + k];
    }
  return sum;
}

static inline __attribute__ ((always_inline)) void
matmul_row (KnDtype dtype, const KnMatmulArgs *a)
{
  const size_t panel_bytes = kn_panel_bytes (dtype, a->n_cols);

  for (size_t r = 0; r < a->n_rows; r++)
    {
      const uint8_t *panel = (const uint8_t *)a->panels + r / ROWS * panel_bytes;
      float ws;

      memcpy (&ws, panel + 4 * (r % ROWS), sizeof ws);
      for (size_t t = 0; t < a->n_tokens; t++)
        {
          const uint8_t *x = (const uint8_t *)a->x + t * a->x_stride;
          float xs;

          memcpy (&xs, x + kn_q8_token_scale_offset (a->n_cols), sizeof xs);
          a->y[t * a->y_stride + r] = (float)row_dot (dtype, panel + kn_panel_codes_at (dtype, 0),
                                                      r % ROWS, (const int8_t *)x, a->n_cols)
                                      * (ws * xs);
        }
    }
}

static void
matmul_w8a8_c (const KnMatmulArgs *a)
{
  matmul_row (KN_W8A8, a);
}

static void
matmul_w4a8_c (const KnMatmulArgs *a)
{
  matmul_row (KN_W4A8, a);
}

/* Magnitudes are compared as integers, which puts infinity and NaN above all numbers. */
static void
quantize_q8_token_c (const float *x, size_t n, void *row)
{
  int8_t *codes = row;
  uint8_t *end = (uint8_t *)row + kn_q8_token_scale_offset (n);
  int32_t bits = 0, sum = 0;

  for (size_t i = 0; i < n; i++)
    {
      int32_t magnitude = (int32_t)(kn_f32_bits (x[i]) & 0x7fffffff);

      bits = magnitude > bits ? magnitude : bits;
    }

  const float amax = kn_f32_from_bits ((uint32_t)bits);
  const int usable = amax >= KN_Q8_TINY && bits < 0x7f800000;
  const float inverse = usable ? 127.0f / amax : 0;
  const float scale = usable ? amax / 127.0f : bits >= 0x7f800000 ? NAN : 0;

  memset (codes + n, 0, kn_q8_token_row_bytes (n) - n);
  for (size_t i = 0; i < n; i++)
    {
      codes[i] = usable ? (int8_t)rintf (x[i] * inverse) : 0;
      sum += codes[i];
    }
  memcpy (end, &scale, sizeof scale);
  memcpy (end + 4, &sum, sizeof sum);
}

void
kn_matmul_row_c (KnMatmulFamily *family)
{
  family->w8a8 = matmul_w8a8_c;
  family->w4a8 = matmul_w4a8_c;
  family->quantize_q8_token = quantize_q8_token_c;
}
