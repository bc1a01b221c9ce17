/* Benchmarks of the matmul family: matrix-vector products from memory and from the cache, small
 * batches, and prompts, at the shapes of models of 135 M and 1.1 B parameters. One thread. */
#include "kn-check-matmul.h"

#include <stdlib.h>
#include <string.h>

typedef struct
{
  const char *label;
  size_t n_rows, n_cols, n_tokens;
} Size;

static const Size sizes[] = {
  { "1 token, 32000 x 2048", 32000, 2048, 1 },    { "4 tokens, 32000 x 2048", 32000, 2048, 4 },
  { "8 tokens, 32000 x 2048", 32000, 2048, 8 },   { "1 token, 576 x 1536", 576, 1536, 1 },
  { "1 token, 2048 x 2048", 2048, 2048, 1 },      { "16 tokens, 2048 x 2048", 2048, 2048, 16 },
  { "128 tokens, 576 x 576", 576, 576, 128 },     { "128 tokens, 1536 x 576", 1536, 576, 128 },
  { "128 tokens, 2048 x 5632", 2048, 5632, 128 },
};

void
kc_run_matmul (void *arg)
{
  KcMatmulJob *job = arg;

  job->fn (&job->args);
}

/* One random panel, repeated: the arithmetic does not depend on the values. */
static void *
new_panels (KnDtype dtype, const Size *s)
{
  const size_t panel_bytes = kn_panel_bytes (dtype, s->n_cols),
               row_bytes = kn_row_bytes (dtype, s->n_cols);
  const size_t n_panels = (s->n_rows + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS;
  uint8_t *rows = kc_new (KN_PANEL_ROWS * row_bytes), *panels = kc_new (n_panels * panel_bytes);

  kc_fill_weights (dtype, rows, KN_PANEL_ROWS, s->n_cols, KC_CODES_RANDOM, KC_NORMAL, 0.01f);
  for (size_t i = 0; i < n_panels; i++)
    kn_pack_panel (dtype, rows, row_bytes, KN_PANEL_ROWS, s->n_cols, panels + i * panel_bytes);
  free (rows);
  return panels;
}

static void *
new_inputs (const KnTable *v, KnDtype dtype, const Size *s, size_t *stride)
{
  float *x = kc_new (s->n_tokens * s->n_cols * sizeof (float));
  uint8_t *rows;

  for (size_t i = 0; i < s->n_tokens * s->n_cols; i++)
    x[i] = kc_random_float (KC_NORMAL);
  *stride = s->n_cols * sizeof (float);
  if (kn_matmul_act (dtype) == KN_ACT_F32)
    return x;
  *stride = kn_act_row_bytes (kn_matmul_act (dtype), s->n_cols);
  rows = kc_new (s->n_tokens * *stride);
  for (size_t t = 0; t < s->n_tokens; t++)
    kn_act_store (&v->matmul, kn_matmul_act (dtype), x + t * s->n_cols, s->n_cols,
                  rows + t * *stride);
  free (x);
  return rows;
}

static void
bench_size (const KnTable *v, KnDtype dtype, const Size *s)
{
  KcMatmulJob job = { kn_matmul_fn (&v->matmul, dtype), { s->n_cols, s->n_rows, s->n_tokens } };
  const double weight_bytes
      = (double)kn_panel_bytes (dtype, s->n_cols) * (double)(s->n_rows / KN_PANEL_ROWS);
  const double ops = 2.0 * (double)s->n_rows * (double)s->n_cols * (double)s->n_tokens;
  void *panels = new_panels (dtype, s), *x = new_inputs (v, dtype, s, &job.args.x_stride);
  void *y = kc_new (s->n_tokens * s->n_rows * sizeof (float));
  void *scratch = kc_new (kn_matmul_scratch_bytes (dtype, s->n_cols));

  job.args.panels = panels;
  job.args.x = x;
  job.args.y = y;
  job.args.y_stride = s->n_rows;
  job.args.scratch = scratch;
  kc_bench (s->label, kc_run_matmul, &job, weight_bytes, ops);
  free (panels);
  free (x);
  free (y);
  free (scratch);
}

void
kc_bench_matmul (const KnTable *v, const void *data)
{
  const KnDtype dtype = *(const KnDtype *)data;

  /* Plain C would take minutes for the large shapes, and its speed on them says nothing new. */
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    if (kn_panel_bytes (dtype, sizes[i].n_cols) != 0
        && (v->level != KN_LEVEL_C
            || sizes[i].n_rows * sizes[i].n_cols * sizes[i].n_tokens < 5000000))
      bench_size (v, dtype, &sizes[i]);
}

typedef struct
{
  KnQuantizeQ8Fn fn;
  float *x;
  void *row;
  size_t n;
} QuantizeJob;

static void
run_quantize (void *arg)
{
  QuantizeJob *job = arg;

  job->fn (job->x, job->n, job->row);
}

void
kc_bench_quantize_q8 (const KnTable *v, const void *data)
{
  QuantizeJob job = { v->matmul.quantize_q8, kc_new (2048 * sizeof (float)),
                      kc_new (kn_q8_row_bytes (2048)), 2048 };

  kc_fill (job.x, job.n, KC_NORMAL);
  kc_bench ("2048", run_quantize, &job, 2048 * 4, 0);
  free (job.x);
  free (job.row);
}
