/* Checks of the products that skip channels: the bits of plain C's Q8_0 product of the same weights
 * and activations, alone and in batches, at every level; the list of channels beside a plain count;
 * packing by unpacking. Panels and lists end at an unreadable page. */
#include "kn-check-product.h"
#include "kn-quant.h"

#include <stdlib.h>
#include <string.h>

typedef struct
{
  size_t n_rows, n_cols, n_tokens;
  unsigned percent; /* of the activations that are zero */
} Shape;

typedef struct
{
  uint8_t *rows, *channels, *dense, *x;
  size_t row_bytes;
} Problem;

static Problem
new_problem (const Shape *s, const KnTable *c)
{
  Problem p = { .row_bytes = kn_row_bytes (KN_Q8_CHANNELS, s->n_cols) };

  kc_context ("%zu rows, %zu columns, %zu tokens, %u %% zeros", s->n_rows, s->n_cols, s->n_tokens,
              s->percent);
  p.rows = kc_input (s->n_rows * p.row_bytes, 4);
  kc_fill_weights (KN_Q8_0, p.rows, s->n_rows, s->n_cols, KC_CODES_RANDOM, KC_NORMAL, 1);
  p.channels = kc_pack (KN_Q8_CHANNELS, p.rows, p.row_bytes, s->n_rows, s->n_cols);
  p.dense = kc_pack (KN_Q8_0, p.rows, p.row_bytes, s->n_rows, s->n_cols);
  p.x = kc_q8_rows (c, s->n_cols, s->n_tokens, KC_NORMAL, s->percent);
  return p;
}

static float *
product (const KnTable *v, KnDtype dtype, const Shape *s, const Problem *p)
{
  return kc_product (v, dtype,
                     (KnMatmulArgs){ .n_cols = s->n_cols,
                                     .n_rows = s->n_rows,
                                     .n_tokens = s->n_tokens,
                                     .panels = dtype == KN_Q8_0 ? p->dense : p->channels,
                                     .x = p->x });
}

static void
check_list (const Shape *s, const uint8_t *row, const KnSkipList *list)
{
  const int8_t *codes = (const int8_t *)row;
  const KnSkipQuad *quad = list->quads;
  size_t n = 0;

  for (size_t g = 0; g < s->n_cols / 32; g++)
    {
      size_t from = 0;

      for (size_t i = 0; i < 4u * list->n_quads[g]; i++)
        {
          const KnSkipQuad *q = quad + i / 4;
          const int code = (int8_t)(uint8_t)((uint32_t)q->codes >> 8 * (i % 4));
          const size_t channel
              = (q->at[i % 4] - g * KN_SKIP_GROUP_BYTES - KN_SKIP_SCALE_BYTES) / 64;

          if (code == 0)
            continue;
          while (from < channel)
            if (codes[32 * g + from++] != 0)
              kc_fail ("channel %zu of group %zu is not in the list", from - 1, g);
          if (codes[32 * g + from++] != code)
            kc_fail ("code %d for channel %zu of group %zu", code, channel, g);
          n++;
        }
      while (from < 32)
        if (codes[32 * g + from++] != 0)
          kc_fail ("channel %zu of group %zu is not in the list", from - 1, g);
      quad += list->n_quads[g];
    }
  if (n != list->n_channels)
    kc_fail ("%zu channels, %zu are said", n, list->n_channels);
}

static void
check_alone (const KnTable *v, const Shape *s, const Problem *p, const float *want)
{
  for (size_t t = 0; t < s->n_tokens; t += 3)
    {
      KnSkipList list;
      float *y = kc_output (s->n_rows * sizeof *y, 4);
      const uint8_t *row = p->x + t * kn_q8_row_bytes (s->n_cols);

      kn_skip_list (row, s->n_cols, kc_output (kn_skip_list_bytes (s->n_cols), 4), &list);
      check_list (s, row, &list);
      v->matmul.skip_q8_channels (&(KnSkipArgs){ .n_cols = s->n_cols,
                                                 .n_rows = s->n_rows,
                                                 .panels = p->channels,
                                                 .x = row,
                                                 .list = &list,
                                                 .y = y });
      kc_guards ("the product that skips");
      kc_same ("y of a token alone", y, want + t * s->n_rows, s->n_rows);
    }
}

static void
check_unpack (const Shape *s, const Problem *p)
{
  float *got = kc_output (s->n_cols * sizeof *got, 4),
        *want = kc_output (s->n_cols * sizeof *want, 4);

  for (size_t r = 0; r < s->n_rows; r++)
    {
      kn_dequantize_row (KN_Q8_0, p->rows + r * p->row_bytes, want, s->n_cols);
      kn_unpack_row (KN_Q8_CHANNELS,
                     p->channels + r / KN_SKIP_ROWS * kn_panel_bytes (KN_Q8_CHANNELS, s->n_cols),
                     r % KN_SKIP_ROWS, s->n_cols, got);
      kc_same ("the row unpacked", got, want, s->n_cols);
    }
}

static void
check_skip (const KnTable *c, const KnTable *v, const void *data)
{
  static const size_t rows[] = { 1, 16, 63, 64, 80, 576 }, cols[] = { 32, 96, 576, 1536 };
  static const size_t tokens[] = { 1, 2, 7, 19 };
  static const unsigned percents[] = { 50, 0, 90, 100, 20 };
  size_t n = 0;

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (size_t j = 0; j < sizeof cols / sizeof *cols; j++)
      for (size_t k = 0; k < sizeof tokens / sizeof *tokens; k++, n++)
        {
          const Shape s = { rows[i], cols[j], tokens[k], percents[n % 5] };
          const Problem p = new_problem (&s, c);
          const float *want = product (c, KN_Q8_0, &s, &p);

          if (v == c)
            check_unpack (&s, &p);
          kc_same ("y", product (v, KN_Q8_CHANNELS, &s, &p), want, s.n_tokens * s.n_rows);
          check_alone (v, &s, &p, want);
          kc_release ();
        }
}

/* ---- benchmark: decoding with so many activations zero ---- */

typedef struct
{
  KnSkipFn fn;
  KnSkipArgs args;
} Job;

static void
run_job (void *arg)
{
  Job *job = arg;

  job->fn (&job->args);
}

static void
bench_size (const KnTable *v, const char *label, const Shape *s)
{
  const size_t bytes = (s->n_rows + 63) / 64 * kn_panel_bytes (KN_Q8_CHANNELS, s->n_cols);
  const uint8_t *x = kc_q8_rows (v, s->n_cols, s->n_tokens, KC_NORMAL, s->percent);
  KnSkipList list;
  Job job = { v->matmul.skip_q8_channels, { s->n_cols, s->n_rows } };

  void *memory = kc_new (kn_skip_list_bytes (s->n_cols)), *panels = kc_new (bytes);
  kn_skip_list (x, s->n_cols, memory, &list);
  memset (panels, 3, bytes);
  job.args.panels = panels;
  job.args.x = x;
  job.args.list = &list;
  job.args.y = kc_new (s->n_rows * sizeof (float));
  kc_bench (label, run_job, &job, (double)bytes * (double)list.n_channels / (double)s->n_cols,
            2.0 * (double)s->n_rows * (double)s->n_cols);
  free (job.args.y);
  free (panels);
  free (memory);
}

static void
bench_skip (const KnTable *v, const void *data)
{
  static const struct
  {
    const char *label;
    Shape shape;
  } sizes[] = {
    { "0 % zeros, 32000 x 2048", { 32000, 2048, 1, 0 } },
    { "38 % zeros, 32000 x 2048", { 32000, 2048, 1, 25 } },
    { "60 % zeros, 32000 x 2048", { 32000, 2048, 1, 50 } },
    { "92 % zeros, 32000 x 2048", { 32000, 2048, 1, 90 } },
    { "0 % zeros, 576 x 1536", { 576, 1536, 1, 0 } },
    { "60 % zeros, 576 x 1536", { 576, 1536, 1, 50 } },
  };

  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    if (v->level != KN_LEVEL_C || sizes[i].shape.n_rows < 1000)
      bench_size (v, sizes[i].label, &sizes[i].shape);
}

static const KcCase cases[] = {
  { "skip/q8_channels", check_skip, bench_skip, NULL, KC_MEMBERS (matmul.q8_channels) },
  { 0 },
};

void
kc_register_skip (void)
{
  kc_register (cases);
}
