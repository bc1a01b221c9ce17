/* Checks of the lookup formats: their products have the bits that plain C gives for the base
 * format, whose own oracle is in kn-check-matmul.c, at every level, for every number of tokens and
 * for the codes that make the largest sums; unpacking gives the rows back. */
#include "kn-check-product.h"
#include "kn-lookup.h"
#include "kn-quant.h"

#include <string.h>

typedef struct
{
  KnDtype dtype, base;
  KcCodes codes;
  KcKind numbers; /* of activations */
  size_t n_rows, n_cols, n_tokens;
} Shape;

typedef struct
{
  size_t row_bytes, panel_bytes, n_panels;
  uint8_t *rows, *lookup, *dense, *x;
} Problem;

static Problem
new_problem (const Shape *s, const KnTable *c)
{
  Problem p = { .row_bytes = kn_row_bytes (s->dtype, s->n_cols),
                .panel_bytes = kn_panel_bytes (s->dtype, s->n_cols),
                .n_panels = (s->n_rows + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS };

  kc_context ("%zu rows, %zu columns, %zu tokens, codes %d, numbers %d", s->n_rows, s->n_cols,
              s->n_tokens, (int)s->codes, (int)s->numbers);
  if (p.row_bytes != kn_row_bytes (s->base, s->n_cols)
      || p.panel_bytes != kn_panel_bytes (s->base, s->n_cols))
    kc_fail ("rows or panels are not of the base's size");
  p.rows = kc_input (s->n_rows * p.row_bytes, 4);
  kc_fill_weights (s->base, p.rows, s->n_rows, s->n_cols, s->codes, KC_NORMAL, 1);
  p.lookup = kc_pack (s->dtype, p.rows, p.row_bytes, s->n_rows, s->n_cols);
  p.dense = kc_pack (s->base, p.rows, p.row_bytes, s->n_rows, s->n_cols);
  p.x = kc_q8_rows (c, s->n_cols, s->n_tokens, s->numbers, 0);
  return p;
}

/* Rows [16 * @panel, n_rows) of the tokens [first, first + n). One token needs no scratch. */
static float *
product (const KnTable *v, const Shape *s, const Problem *p, KnDtype dtype, size_t panel,
         size_t first, size_t n)
{
  const uint8_t *panels = dtype == s->dtype ? p->lookup : p->dense;

  return kc_product (v, dtype,
                     (KnMatmulArgs){ .n_cols = s->n_cols,
                                     .n_rows = s->n_rows - panel * KN_PANEL_ROWS,
                                     .n_tokens = n,
                                     .panels = panels + panel * p->panel_bytes,
                                     .x = p->x + first * kn_q8_row_bytes (s->n_cols) });
}

static void
check_packing (const Shape *s, const Problem *p)
{
  float *got = kc_output (s->n_cols * sizeof *got, 4);
  float *want = kc_output (s->n_cols * sizeof *want, 4);

  for (size_t r = 0; r < s->n_rows; r++)
    {
      kn_dequantize_row (s->dtype, p->rows + r * p->row_bytes, want, s->n_cols);
      kn_unpack_row (s->dtype, p->lookup + r / KN_PANEL_ROWS * p->panel_bytes, r % KN_PANEL_ROWS,
                     s->n_cols, got);
      kc_same ("the row unpacked", got, want, s->n_cols);
    }
  if (memcmp (p->lookup, p->dense, p->n_panels * p->panel_bytes) == 0
      && s->codes == KC_CODES_RANDOM)
    kc_fail ("the panels are the base's");
}

static void
check_shape (const KnTable *c, const KnTable *v, const Shape *s)
{
  Problem p = new_problem (s, c);
  const float *want = product (c, s, &p, s->base, 0, 0, s->n_tokens);
  const size_t t = kc_random_below ((uint32_t)s->n_tokens);

  if (v == c)
    check_packing (s, &p);
  kc_same ("y", product (v, s, &p, s->dtype, 0, 0, s->n_tokens), want, s->n_tokens * s->n_rows);
  kc_same ("y of a token alone", product (v, s, &p, s->dtype, 0, t, 1), want + t * s->n_rows,
           s->n_rows);
  if (p.n_panels > 1)
    {
      const size_t panel = 1 + kc_random_below ((uint32_t)p.n_panels - 1);

      kc_same ("y from a later panel on", product (v, s, &p, s->dtype, panel, t, 1),
               want + t * s->n_rows + panel * KN_PANEL_ROWS, s->n_rows - panel * KN_PANEL_ROWS);
    }
  kc_release ();
}

static void
check_lookup (const KnTable *c, const KnTable *v, const void *data)
{
  /* More than 256 rows share no tables, more than 1024 columns are two blocks of them. */
  static const size_t rows[] = { 1, 17, 80, 275 }, cols[] = { 1, 65, 150, 1030 };
  /* Few are looked up, more are multiplied as the base's (with AVX-512 in three ways). */
  static const size_t tokens[] = { 1, 2, 5, 11, 33 };
  static const KcKind numbers[] = { KC_NORMAL, KC_CONSTANT, KC_SPECIAL };
  Shape s = { .dtype = *(const KnDtype *)data };
  const size_t len = kn_dtype_info ((int)s.dtype)->block_len;
  size_t n = 0;

  s.base = (KnDtype)kn_lookup_base ((int)s.dtype);
  if (kn_lookup_twin ((int)s.base) != (int)s.dtype)
    kc_fail ("the base's twin is another");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (size_t j = 0; j < sizeof cols / sizeof *cols; j++)
      for (size_t k = 0; k < sizeof tokens / sizeof *tokens; k++, n++)
        {
          s.codes = n % 2 == 0 ? KC_CODES_RANDOM : (KcCodes)(n / 2 % KC_N_CODES);
          s.numbers = numbers[n / 3 % 3];
          s.n_rows = rows[i];
          s.n_cols = (cols[j] + len - 1) / len * len;
          s.n_tokens = tokens[k];
          check_shape (c, v, &s);
        }
}

static const KnDtype dtypes[] = { KN_Q4_0_LUT,  KN_Q2_K_LUT,  KN_Q2_64_LUT, KN_Q3_K_LUT,
                                  KN_Q3_64_LUT, KN_TQ2_0_LUT, KN_Q1_64_LUT };

static const KcCase cases[] = {
  { "matmul/q4_0_lut", check_lookup, kc_bench_matmul, &dtypes[0], KC_MEMBERS (matmul.q4_0_lut) },
  { "matmul/q2_k_lut", check_lookup, kc_bench_matmul, &dtypes[1], KC_MEMBERS (matmul.q2_k_lut) },
  { "matmul/q2_64_lut", check_lookup, kc_bench_matmul, &dtypes[2], KC_MEMBERS (matmul.q2_64_lut) },
  { "matmul/q3_k_lut", check_lookup, kc_bench_matmul, &dtypes[3], KC_MEMBERS (matmul.q3_k_lut) },
  { "matmul/q3_64_lut", check_lookup, kc_bench_matmul, &dtypes[4], KC_MEMBERS (matmul.q3_64_lut) },
  { "matmul/tq2_0_lut", check_lookup, kc_bench_matmul, &dtypes[5], KC_MEMBERS (matmul.tq2_0_lut) },
  { "matmul/q1_64_lut", check_lookup, kc_bench_matmul, &dtypes[6], KC_MEMBERS (matmul.q1_64_lut) },
  { 0 },
};

void
kc_register_lookup (void)
{
  kc_register (cases);
}
