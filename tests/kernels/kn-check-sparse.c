/* Checks of the sparse formats: the product of a sparse weight has the bits that plain C gives for
 * the dense format with the same zeros, at every level, for every number of tokens. The dense
 * product has its own oracle (kn-check-matmul.c). Packing is checked by unpacking, sizes by
 * counting the codes of the rows. Panels end at an unreadable page, so that reading on crashes. */
#include "kn-check-product.h"
#include "kn-quant.h"
#include "kn-sparse.h"

#include <stdlib.h>
#include <string.h>

typedef struct
{
  KnDtype dtype;
  unsigned percent; /* of the codes that are zero; patterned formats take what they must */
  size_t n_rows, n_cols, n_tokens;
} Shape;

typedef struct
{
  uint8_t *rows;
  size_t row_bytes, n_panels;
  uint8_t *sparse, *dense, *x;
  uint64_t *offsets;
} Problem;

static int
code_of (KnDtype dtype, const uint8_t *row, size_t c)
{
  if (dtype == KN_Q4_SPARSE)
    return (row[c / 32 * 18 + 2 + c % 16] >> (c % 32 >= 16 ? 4 : 0) & 15) - 8;
  return (int8_t)row[c / 32 * 34 + 2 + c % 32];
}

static void
make_zero (KnDtype dtype, uint8_t *row, size_t c)
{
  if (dtype == KN_Q4_SPARSE)
    {
      uint8_t *at = row + c / 32 * 18 + 2 + c % 16;
      *at = c % 32 >= 16 ? (uint8_t)((*at & 15) | 0x80) : (uint8_t)((*at & 0xf0) | 8);
    }
  else
    row[c / 32 * 34 + 2 + c % 32] = 0;
}

/* Zeros anywhere, and as many more as the pattern wants. */
static void
make_sparse (const Shape *s, uint8_t *row)
{
  const size_t m = s->dtype == KN_Q8_2_4 ? 4 : s->dtype == KN_Q8_4_8 ? 8 : 0;

  for (size_t c = 0; c < s->n_cols; c++)
    if (kc_random_below (100) < s->percent)
      make_zero (s->dtype, row, c);
  for (size_t c = 0; m != 0 && c < s->n_cols; c += m)
    for (;;)
      {
        size_t n = 0;

        for (size_t k = 0; k < m; k++)
          n += code_of (s->dtype, row, c + k) != 0;
        if (n <= m / 2)
          break;
        make_zero (s->dtype, row, c + kc_random_below ((uint32_t)m));
      }
}

static size_t
rows_of_panel (const Shape *s, size_t panel)
{
  const size_t left = s->n_rows - panel * KN_PANEL_ROWS;
  return left < KN_PANEL_ROWS ? left : KN_PANEL_ROWS;
}

static void
pack (const Shape *s, Problem *p)
{
  const KnDtype base = (KnDtype)kn_sparse_base ((int)s->dtype);

  p->offsets = kc_input ((p->n_panels + 1) * sizeof *p->offsets, 8);
  p->offsets[0] = 0;
  for (size_t i = 0; i < p->n_panels; i++)
    {
      const size_t bytes
          = kn_packed_panel_bytes (s->dtype, p->rows + i * KN_PANEL_ROWS * p->row_bytes,
                                   p->row_bytes, rows_of_panel (s, i), s->n_cols);

      if (bytes == 0 || bytes % KN_ALIGN != 0 || bytes > kn_panel_bytes (s->dtype, s->n_cols))
        kc_fail ("a panel of %zu bytes, %zu at most", bytes, kn_panel_bytes (s->dtype, s->n_cols));
      if (!kn_panel_is_variable (s->dtype) && bytes != kn_panel_bytes (s->dtype, s->n_cols))
        kc_fail ("a panel of %zu bytes, not %zu", bytes, kn_panel_bytes (s->dtype, s->n_cols));
      p->offsets[i + 1] = p->offsets[i] + bytes;
    }
  p->sparse = kc_input (p->offsets[p->n_panels], KN_ALIGN);
  for (size_t i = 0; i < p->n_panels; i++)
    kn_pack_panel (s->dtype, p->rows + i * KN_PANEL_ROWS * p->row_bytes, p->row_bytes,
                   rows_of_panel (s, i), s->n_cols, p->sparse + p->offsets[i]);
  p->dense = kc_pack (base, p->rows, p->row_bytes, s->n_rows, s->n_cols);
}

static Problem
new_problem (const Shape *s, const KnTable *c)
{
  const KnDtype base = (KnDtype)kn_sparse_base ((int)s->dtype);
  Problem p = { .row_bytes = kn_row_bytes (s->dtype, s->n_cols),
                .n_panels = (s->n_rows + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS };

  kc_context ("%zu rows, %zu columns, %zu tokens, %u %% zeros", s->n_rows, s->n_cols, s->n_tokens,
              s->percent);
  p.rows = kc_input (s->n_rows * p.row_bytes, 4);
  kc_fill_weights (base, p.rows, s->n_rows, s->n_cols, KC_CODES_RANDOM, KC_NORMAL, 1);
  for (size_t r = 0; r < s->n_rows; r++)
    make_sparse (s, p.rows + r * p.row_bytes);
  pack (s, &p);
  p.x = kc_q8_rows (c, s->n_cols, s->n_tokens, KC_NORMAL, 0);
  return p;
}

/* Rows [16 * @panel, n_rows) of the tokens [first, first + n). */
static float *
product (const KnTable *v, const Shape *s, const Problem *p, int is_sparse, size_t panel,
         size_t first, size_t n)
{
  const KnDtype base = (KnDtype)kn_sparse_base ((int)s->dtype);
  const KnDtype dtype = is_sparse ? s->dtype : base;
  const size_t bytes = kn_panel_bytes (dtype, s->n_cols);
  KnMatmulArgs args = { .n_cols = s->n_cols,
                        .n_rows = s->n_rows - panel * KN_PANEL_ROWS,
                        .n_tokens = n,
                        .panels = is_sparse ? p->sparse : p->dense + panel * bytes,
                        .x = p->x + first * kn_q8_row_bytes (s->n_cols) };

  if (is_sparse && kn_panel_is_variable (s->dtype))
    args.offsets = p->offsets + panel;
  else if (is_sparse)
    args.panels = p->sparse + panel * bytes;
  return kc_product (v, dtype, args);
}

static void
check_packing (const Shape *s, const Problem *p)
{
  float *got = kc_output (s->n_cols * sizeof *got, 4);
  float *want = kc_output (s->n_cols * sizeof *want, 4);
  size_t n = 0, counted = 0;

  for (size_t r = 0; r < s->n_rows; r++)
    {
      const uint8_t *row = p->rows + r * p->row_bytes;

      kn_dequantize_row (s->dtype, row, want, s->n_cols);
      kn_unpack_row (s->dtype, p->sparse + p->offsets[r / KN_PANEL_ROWS], r % KN_PANEL_ROWS,
                     s->n_cols, got);
      for (size_t c = 0; c < s->n_cols; c++)
        {
          n += code_of (s->dtype, row, c) != 0;
          want[c] += 0.0f; /* a scale below zero times the code 0 is -0 where the code is stored */
          got[c] += 0.0f;
        }
      kc_same ("the row unpacked", got, want, s->n_cols);
    }
  for (size_t i = 0; i < p->n_panels; i++)
    counted += kn_sparse_count (s->dtype, p->sparse + p->offsets[i], s->n_cols);
  if (!kn_panel_is_variable (s->dtype))
    n = p->n_panels * KN_PANEL_ROWS * s->n_cols / 2;
  if (counted != n)
    kc_fail ("%zu codes are stored, %zu are not zero", counted, n);
}

static void
check_shape (const KnTable *c, const KnTable *v, const Shape *s)
{
  Problem p = new_problem (s, c);
  const float *want = product (c, s, &p, 0, 0, 0, s->n_tokens);
  const float *got = product (v, s, &p, 1, 0, 0, s->n_tokens);
  const size_t t = kc_random_below ((uint32_t)s->n_tokens);

  if (v == c)
    check_packing (s, &p);
  kc_same ("y", got, want, s->n_tokens * s->n_rows);
  kc_same ("y of a token alone", product (v, s, &p, 1, 0, t, 1), want + t * s->n_rows, s->n_rows);
  if (p.n_panels > 1)
    {
      const size_t panel = 1 + kc_random_below ((uint32_t)p.n_panels - 1);

      kc_same ("y from a later panel on", product (v, s, &p, 1, panel, t, 1),
               want + t * s->n_rows + panel * KN_PANEL_ROWS, s->n_rows - panel * KN_PANEL_ROWS);
    }
  kc_release ();
}

/* A pattern that is not kept cannot be packed. */
static void
check_refusal (const Shape *s)
{
  const size_t row_bytes = kn_row_bytes (s->dtype, 64);
  uint8_t *row = kc_input (row_bytes, 4);

  memset (row, 1, row_bytes);
  if (kn_packed_panel_bytes (s->dtype, row, row_bytes, 1, 64) != 0)
    kc_fail ("a dense row was taken");
  for (size_t c = 0; c < 64; c++)
    if (c % 8 >= 4)
      make_zero (s->dtype, row, c);
  /* Four of eight, but four of the first four. */
  if ((kn_packed_panel_bytes (s->dtype, row, row_bytes, 1, 64) != 0) != (s->dtype == KN_Q8_4_8))
    kc_fail ("4 nonzeros side by side");
  kc_release ();
}

static void
check_sparse (const KnTable *c, const KnTable *v, const void *data)
{
  static const size_t rows[] = { 1, 16, 17, 80 }, cols[] = { 32, 64, 96, 576, 1536 };
  static const size_t tokens[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 40 };
  static const unsigned percents[] = { 50, 0, 90, 100, 20 };
  Shape s = { .dtype = *(const KnDtype *)data };
  size_t n = 0;

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (size_t j = 0; j < sizeof cols / sizeof *cols; j++)
      for (size_t k = 0; k < sizeof tokens / sizeof *tokens; k++, n++)
        {
          s.percent = percents[n % 4 == 0 ? 0 : n % 5];
          s.n_rows = rows[i];
          s.n_cols = cols[j];
          s.n_tokens = tokens[k];
          check_shape (c, v, &s);
        }
  if (v == c && !kn_panel_is_variable (s.dtype))
    check_refusal (&s);
}

/* ---- benchmark: from memory and from the cache, at several densities ---- */

static void
bench_shape (const KnTable *v, const Shape *s, const char *label)
{
  const KnDtype base = (KnDtype)kn_sparse_base ((int)s->dtype);
  const size_t n_panels = s->n_rows / KN_PANEL_ROWS, row_bytes = kn_row_bytes (base, s->n_cols);
  const size_t stride = kn_q8_row_bytes (s->n_cols);
  uint8_t *rows = kc_new (KN_PANEL_ROWS * row_bytes), *x = kc_new (s->n_tokens * stride);
  float *numbers = kc_new (s->n_cols * sizeof *numbers);
  uint64_t *offsets = kc_new ((n_panels + 1) * sizeof *offsets);
  size_t bytes;
  KcMatmulJob job = { kn_matmul_fn (&v->matmul, s->dtype), { s->n_cols, s->n_rows, s->n_tokens } };

  kc_fill_weights (base, rows, KN_PANEL_ROWS, s->n_cols, KC_CODES_RANDOM, KC_NORMAL, 0.01f);
  for (size_t r = 0; r < KN_PANEL_ROWS; r++)
    make_sparse (s, rows + r * row_bytes);
  bytes = kn_packed_panel_bytes (s->dtype, rows, row_bytes, KN_PANEL_ROWS, s->n_cols);
  uint8_t *panels = kc_new (n_panels * bytes);
  for (size_t i = 0; i < n_panels; i++)
    {
      offsets[i] = i * bytes;
      kn_pack_panel (s->dtype, rows, row_bytes, KN_PANEL_ROWS, s->n_cols, panels + i * bytes);
    }
  for (size_t t = 0; t < s->n_tokens; t++)
    {
      kc_fill (numbers, s->n_cols, KC_NORMAL);
      v->matmul.quantize_q8 (numbers, s->n_cols, x + t * stride);
    }
  job.args.panels = panels;
  job.args.offsets = kn_panel_is_variable (s->dtype) ? offsets : NULL;
  job.args.x = x;
  job.args.x_stride = stride;
  job.args.y = kc_new (s->n_tokens * s->n_rows * sizeof (float));
  job.args.y_stride = s->n_rows;
  job.args.scratch = kc_new (kn_matmul_scratch_bytes (s->dtype, s->n_cols));
  kc_bench (label, kc_run_matmul, &job, (double)(bytes * n_panels),
            2.0 * (double)s->n_rows * (double)s->n_cols * (double)s->n_tokens);
  free (job.args.scratch);
  free (job.args.y);
  free (panels);
  free (offsets);
  free (numbers);
  free (x);
  free (rows);
}

static void
bench_sparse (const KnTable *v, const void *data)
{
  static const struct
  {
    const char *label;
    unsigned percent;
    size_t n_rows, n_cols, n_tokens;
  } sizes[] = {
    { "20 % zeros, 1 token, 32000 x 2048", 20, 32000, 2048, 1 },
    { "50 % zeros, 1 token, 32000 x 2048", 50, 32000, 2048, 1 },
    { "75 % zeros, 1 token, 32000 x 2048", 75, 32000, 2048, 1 },
    { "90 % zeros, 1 token, 32000 x 2048", 90, 32000, 2048, 1 },
    { "50 % zeros, 1 token, 576 x 1536", 50, 576, 1536, 1 },
    { "90 % zeros, 1 token, 576 x 1536", 90, 576, 1536, 1 },
    { "50 % zeros, 8 tokens, 2048 x 2048", 50, 2048, 2048, 8 },
    { "50 % zeros, 128 tokens, 1536 x 576", 50, 1536, 576, 128 },
  };

  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    {
      const Shape s = { *(const KnDtype *)data, sizes[i].percent, sizes[i].n_rows, sizes[i].n_cols,
                        sizes[i].n_tokens };

      if (v->level != KN_LEVEL_C || s.n_rows * s.n_cols * s.n_tokens < 5000000)
        bench_shape (v, &s, sizes[i].label);
    }
}

static const KnDtype dtypes[] = { KN_Q8_SPARSE, KN_Q8_2_4, KN_Q8_4_8, KN_Q4_SPARSE };

static const KcCase cases[] = {
  { "matmul/q8_sparse", check_sparse, bench_sparse, &dtypes[0], KC_MEMBERS (matmul.q8_sparse) },
  { "matmul/q8_2_4", check_sparse, bench_sparse, &dtypes[1], KC_MEMBERS (matmul.q8_2_4) },
  { "matmul/q8_4_8", check_sparse, bench_sparse, &dtypes[2], KC_MEMBERS (matmul.q8_4_8) },
  { "matmul/q4_sparse", check_sparse, bench_sparse, &dtypes[3], KC_MEMBERS (matmul.q4_sparse) },
  { 0 },
};

void
kc_register_sparse (void)
{
  kc_register (cases);
}
