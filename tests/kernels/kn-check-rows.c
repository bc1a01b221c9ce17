/* Checks of the products of some rows: the bits of plain C's Q8_0 product of the same weights
 * and activations, of any rows in any number, at every level; of all rows in batches; packing by
 * unpacking. Panels and lists end at an unreadable page. */
#include "kn-check-product.h"
#include "kn-quant.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct
{
  size_t n_rows, n_cols, n_tokens;
} Shape;

typedef struct
{
  uint8_t *rows, *packed, *dense, *x;
  size_t row_bytes;
} Problem;

static Problem
new_problem (const Shape *s, const KnTable *c, KcCodes codes)
{
  Problem p = { .row_bytes = kn_row_bytes (KN_Q8_ROWS, s->n_cols) };

  kc_context ("%zu rows, %zu columns, %zu tokens", s->n_rows, s->n_cols, s->n_tokens);
  p.rows = kc_input (s->n_rows * p.row_bytes, 4);
  kc_fill_weights (KN_Q8_0, p.rows, s->n_rows, s->n_cols, codes, KC_NORMAL, 1);
  p.packed = kc_pack (KN_Q8_ROWS, p.rows, p.row_bytes, s->n_rows, s->n_cols);
  p.dense = kc_pack (KN_Q8_0, p.rows, p.row_bytes, s->n_rows, s->n_cols);
  p.x = kc_q8_rows (c, s->n_cols, s->n_tokens, KC_NORMAL, 0);
  return p;
}

static float *
product (const KnTable *v, KnDtype dtype, const Shape *s, const Problem *p)
{
  return kc_product (v, dtype,
                     (KnMatmulArgs){ .n_cols = s->n_cols,
                                     .n_rows = s->n_rows,
                                     .n_tokens = s->n_tokens,
                                     .panels = dtype == KN_Q8_0 ? p->dense : p->packed,
                                     .x = p->x });
}

/* About so many of the rows, in order. */
static size_t
choose (const Shape *s, unsigned percent, uint32_t **rows)
{
  size_t n = 0;
  bool *chosen = kc_output (s->n_rows * sizeof *chosen, 1);

  for (size_t r = 0; r < s->n_rows; r++)
    n += chosen[r] = kc_random_below (100) < percent;
  *rows = kc_input (n * sizeof **rows, 4);
  for (size_t r = 0, i = 0; r < s->n_rows; r++)
    if (chosen[r])
      (*rows)[i++] = (uint32_t)r;
  return n;
}

static void
check_some (const KnTable *v, const Shape *s, const Problem *p, const float *want, unsigned percent)
{
  uint32_t *rows;
  const size_t n = choose (s, percent, &rows);
  float *y = kc_output (n * sizeof *y, 4), *chosen = kc_output (n * sizeof *y, 4);

  v->matmul.some_q8_rows (&(KnRowsArgs){
      .n_cols = s->n_cols, .panels = p->packed, .x = p->x, .rows = rows, .n = n, .y = y });
  kc_guards ("some rows");
  for (size_t i = 0; i < n; i++)
    chosen[i] = want[rows[i]];
  kc_same ("y of some rows", y, chosen, n);
}

static void
check_unpack (const Shape *s, const Problem *p)
{
  float *got = kc_output (s->n_cols * sizeof *got, 4),
        *want = kc_output (s->n_cols * sizeof *want, 4);

  for (size_t r = 0; r < s->n_rows; r++)
    {
      kn_dequantize_row (KN_Q8_0, p->rows + r * p->row_bytes, want, s->n_cols);
      kn_unpack_row (KN_Q8_ROWS, p->packed + r / 16 * kn_panel_bytes (KN_Q8_ROWS, s->n_cols),
                     r % 16, s->n_cols, got);
      kc_same ("the row unpacked", got, want, s->n_cols);
    }
}

static void
check_rows (const KnTable *c, const KnTable *v, const void *data)
{
  static const size_t rows[] = { 1, 16, 31, 80, 576 }, cols[] = { 32, 96, 288, 544, 576, 1536 };
  static const size_t tokens[] = { 1, 2, 19 };
  static const unsigned percents[] = { 50, 0, 10, 100 };
  size_t n = 0;

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (size_t j = 0; j < sizeof cols / sizeof *cols; j++)
      for (size_t k = 0; k < sizeof tokens / sizeof *tokens; k++, n++)
        {
          const Shape s = { rows[i], cols[j], tokens[k] };
          const Problem p = new_problem (&s, c, (KcCodes)(n % KC_N_CODES));
          const float *want = product (c, KN_Q8_0, &s, &p);

          if (v == c)
            check_unpack (&s, &p);
          kc_same ("y", product (v, KN_Q8_ROWS, &s, &p), want, s.n_tokens * s.n_rows);
          for (size_t m = 0; m < sizeof percents / sizeof *percents; m++)
            check_some (v, &s, &p, want, percents[m]);
          kc_release ();
        }
}

/* ---- benchmark: so many rows of a token, one by one, and in whole groups of 16 ---- */

typedef struct
{
  const KnTable *v;
  const Shape *s;
  const Problem *p;
  KnRowsArgs some;
  KnMatmulArgs panel;
  bool in_groups;
} Job;

static void
run_job (void *arg)
{
  Job *job = arg;
  const size_t bytes = kn_panel_bytes (KN_Q8_0, job->s->n_cols);
  size_t last = SIZE_MAX;

  if (!job->in_groups)
    {
      job->v->matmul.some_q8_rows (&job->some);
      return;
    }
  for (size_t i = 0; i < job->some.n; i++)
    if (job->some.rows[i] / 16 != last)
      {
        last = job->some.rows[i] / 16;
        job->panel.panels = job->p->dense + last * bytes;
        job->panel.y = job->some.y + 16 * last;
        job->v->matmul.q8_0 (&job->panel);
      }
}

static void
bench_size (const KnTable *v, const Shape *s, unsigned percent, bool in_groups)
{
  Problem p = { .row_bytes = kn_row_bytes (KN_Q8_0, s->n_cols) };
  const size_t n_panels = (s->n_rows + 15) / 16;
  Job job = { v, s, &p, { .n_cols = s->n_cols }, { .n_cols = s->n_cols }, in_groups };
  uint32_t *rows;
  char label[80];

  p.x = kc_q8_rows (v, s->n_cols, s->n_tokens, KC_NORMAL, 0);
  p.packed = kc_new (n_panels * kn_panel_bytes (KN_Q8_ROWS, s->n_cols));
  p.dense = kc_new (n_panels * kn_panel_bytes (KN_Q8_0, s->n_cols));
  memset (p.packed, 3, n_panels * kn_panel_bytes (KN_Q8_ROWS, s->n_cols));
  memset (p.dense, 3, n_panels * kn_panel_bytes (KN_Q8_0, s->n_cols));
  job.some.n = choose (s, percent, &rows);
  job.some.panels = p.packed;
  job.some.x = job.panel.x = p.x;
  job.some.rows = rows;
  job.some.y = kc_new (16 * n_panels * sizeof (float));
  job.panel.n_rows = 16;
  job.panel.n_tokens = 1;
  job.panel.x_stride = kn_q8_row_bytes (s->n_cols);
  job.panel.y_stride = 16;
  job.panel.scratch = kc_new (kn_matmul_scratch_bytes (KN_Q8_0, s->n_cols));
  snprintf (label, sizeof label, "%u %% of %zu x %zu%s", percent, s->n_rows, s->n_cols,
            in_groups ? ", groups" : "");
  kc_bench (label, run_job, &job, (double)job.some.n * (double)p.row_bytes,
            2.0 * (double)job.some.n * (double)s->n_cols);
  free (job.panel.scratch);
  free (job.some.y);
  free (p.dense);
  free (p.packed);
}

static void
bench_rows (const KnTable *v, const void *data)
{
  static const Shape sizes[] = { { 5632, 2048, 1 }, { 1536, 576, 1 } };
  static const unsigned percents[] = { 100, 70, 50, 30, 10, 3 };

  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (size_t k = 0; k < 2 * sizeof percents / sizeof *percents; k++)
      bench_size (v, &sizes[i], percents[k / 2], k % 2 != 0);
}

static const KcCase cases[] = {
  { "rows/q8", check_rows, bench_rows, NULL, KC_MEMBERS (matmul.some_q8_rows) },
  { 0 },
};

void
kc_register_rows (void)
{
  kc_register (cases);
}
