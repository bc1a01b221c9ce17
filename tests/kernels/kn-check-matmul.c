/* Checks of the matmul family.
 *
 * The weights of the oracle come from the GGUF blocks, not from the packed panels, so packing is
 * checked too. Each block is dequantized twice, once with its minima set to zero and once with its
 * codes: the two parts w = s + m of a weight, which the kernels add up separately. In exact
 * arithmetic the result is sum_c (s_c + m_c) x_c with x the quantized activations.
 *
 * Bound for plain C: a group's integer dot product is exact, its scale is rounded once, and one
 * fused multiply-add per group and part follows, so |error| <= gamma (2 n_groups + 3) * sum_c
 * (|s_c| + |m_c|) |x_c|; for float weights gamma (n_cols) * sum |w x|. A scale below the normal
 * range loses up to 2^-149 times the dot product on top. */
#include "kn-check-matmul.h"

#include "kn-f16-private.h"
#include "kn-quant.h"

#include <math.h>
#include <string.h>

#define GAP 3 /* floats between the rows of y, to be left alone */
#define GAP_BYTE 0x5a

typedef struct
{
  KnDtype dtype;
  size_t n_rows, n_cols, n_tokens;
  KcCodes codes;
  KcKind scales, inputs;
} Shape;

typedef struct
{
  uint8_t *rows; /* GGUF blocks */
  size_t row_bytes;
  void *panels;
  float *x;          /* [n_tokens][n_cols] */
  void *activations; /* x itself, or quantized rows */
  size_t x_stride;
  void *scratch;
  size_t y_stride;
} Problem;

void
kc_block_fields (KnDtype dtype, int *d, int *m)
{
  static const struct
  {
    KnDtype dtype;
    int d, m;
  } others[] = {
    { KN_Q4_1, 0, 2 },    { KN_Q5_1, 0, 2 },    { KN_Q4_K, 0, 2 },    { KN_Q5_K, 0, 2 },
    { KN_Q6_K, 208, -1 }, { KN_Q2_K, 80, 82 },  { KN_Q3_K, 108, -1 }, { KN_TQ1_0, 52, -1 },
    { KN_TQ2_0, 64, -1 }, { KN_MXFP4, -1, -1 }, { KN_Q2_64, 0, 2 },
  };

  *d = 0;
  *m = -1;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (others[i].dtype == dtype)
      {
        *d = others[i].d;
        *m = others[i].m;
      }
}

static void
put_half (uint8_t *at, float value)
{
  uint16_t h = kn_f32_to_f16 (value);

  memcpy (at, &h, sizeof h);
}

/* A scale that half precision can hold, whatever the kind: the shape of the distribution is what
 * counts. */
static float
random_scale (KcKind kind, float unit)
{
  if (kind == KC_DENORMAL)
    return ldexpf ((float)kc_random_below (1024), -24);
  if (kind == KC_ANY)
    return kc_random_below (2) ? 65504.0f : -65504.0f;
  return kc_random_float (kind) * unit;
}

static void
fill_float_weights (KnDtype dtype, uint8_t *row, size_t n_cols, KcKind kind, float unit)
{
  for (size_t c = 0; c < n_cols; c++)
    {
      float w = kc_random_float (kind) * unit;

      kn_quantize_row (dtype, &w, row + c * kn_dtype_info ((int)dtype)->block_bytes, 1);
    }
}

void
kc_fill_weights (KnDtype dtype, uint8_t *rows, size_t n_rows, size_t n_cols, KcCodes codes,
                 KcKind scales, float unit)
{
  static const uint8_t fills[KC_N_CODES] = { 0, 0xff, 0x00, 0x80 };
  const KnDtypeInfo *info = kn_dtype_info ((int)dtype);
  const size_t row_bytes = kn_row_bytes (dtype, n_cols);
  int d, m;

  if (info->block_len == 1)
    {
      for (size_t r = 0; r < n_rows; r++)
        fill_float_weights (dtype, rows + r * row_bytes, n_cols, scales, unit);
      return;
    }
  kc_block_fields (dtype, &d, &m);
  if (codes == KC_CODES_RANDOM)
    kc_fill_bytes (rows, n_rows * row_bytes);
  else
    memset (rows, fills[codes], n_rows * row_bytes);
  if (info->header_bytes > 0) /* one f32 scale per row */
    {
      for (size_t r = 0; r < n_rows; r++)
        {
          const float scale = random_scale (scales, unit);

          memcpy (rows + r * row_bytes, &scale, sizeof scale);
        }
      return;
    }
  for (uint8_t *b = rows; b < rows + n_rows * row_bytes; b += info->block_bytes)
    {
      if (d >= 0)
        put_half (b + d, random_scale (scales, unit));
      else /* MXFP4: a power of two, of a size with which products stay within f32's range */
        b[0] = (uint8_t)(scales == KC_ZERO || scales == KC_DENORMAL ? kc_random_below (4)
                                                                    : 118 + kc_random_below (18));
      if (m >= 0)
        put_half (b + m, random_scale (scales, unit));
      for (int i = 2; dtype == KN_F8_E5M2 && i < 34; i++) /* no infinity, no NaN */
        b[i] &= (b[i] & 0x7c) == 0x7c ? 0xfb : 0xff;
    }
}

static void
context (const Shape *s)
{
  static const char *const codes[KC_N_CODES] = { "random", "highest", "zero", "lowest" };

  kc_context ("%zu rows, %zu columns, %zu tokens, %s codes, %s scales, %s inputs", s->n_rows,
              s->n_cols, s->n_tokens, codes[s->codes], kc_kind_name (s->scales),
              kc_kind_name (s->inputs));
}

static Problem
new_problem (const Shape *s, const KnTable *c)
{
  const size_t n_panels = (s->n_rows + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS;
  const size_t panel_bytes = kn_panel_bytes (s->dtype, s->n_cols);
  Problem p = { .row_bytes = kn_row_bytes (s->dtype, s->n_cols), .y_stride = s->n_rows + GAP };

  context (s);
  p.rows = kc_input (s->n_rows * p.row_bytes, 4);
  kc_fill_weights (s->dtype, p.rows, s->n_rows, s->n_cols, s->codes, s->scales, 1);
  p.panels = kc_input (n_panels * panel_bytes, KN_ALIGN);
  for (size_t i = 0; i < n_panels; i++)
    {
      size_t left = s->n_rows - i * KN_PANEL_ROWS;

      kn_pack_panel (s->dtype, p.rows + i * KN_PANEL_ROWS * p.row_bytes, p.row_bytes,
                     left < KN_PANEL_ROWS ? left : KN_PANEL_ROWS, s->n_cols,
                     (uint8_t *)p.panels + i * panel_bytes);
    }
  p.x_stride = (s->n_cols * sizeof (float) + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
  p.x = kc_input (s->n_tokens * p.x_stride, KN_ALIGN);
  kc_fill (p.x, s->n_tokens * p.x_stride / sizeof (float), s->inputs);
  p.activations = p.x;
  if (kn_matmul_act (s->dtype) != KN_ACT_F32)
    {
      const size_t float_stride = p.x_stride / sizeof (float);

      p.x_stride = kn_act_row_bytes (kn_matmul_act (s->dtype), s->n_cols);
      p.activations = kc_input (s->n_tokens * p.x_stride, KN_ALIGN);
      for (size_t t = 0; t < s->n_tokens; t++)
        kn_act_store (&c->matmul, kn_matmul_act (s->dtype), p.x + t * float_stride, s->n_cols,
                      (uint8_t *)p.activations + t * p.x_stride);
    }
  if (s->n_tokens > 1)
    p.scratch = kc_output (kn_matmul_scratch_bytes (s->dtype, s->n_cols), KN_ALIGN);
  return p;
}

/* Run on tokens [first, first + n). */
static float *
product (const KnTable *v, const Shape *s, const Problem *p, size_t first, size_t n)
{
  float *y = kc_output (n * p->y_stride * sizeof (float), sizeof (float));
  KnMatmulArgs args = { .n_cols = s->n_cols,
                        .n_rows = s->n_rows,
                        .n_tokens = n,
                        .panels = p->panels,
                        .x = (const uint8_t *)p->activations + first * p->x_stride,
                        .x_stride = p->x_stride,
                        .y = y,
                        .y_stride = p->y_stride,
                        .scratch = n > 1 ? p->scratch : NULL };

  memset (y, GAP_BYTE, n * p->y_stride * sizeof (float));
  kn_matmul_fn (&v->matmul, s->dtype) (&args);
  kc_guards ("product");
  for (size_t t = 0; t < n; t++)
    {
      const uint8_t *gap = (const uint8_t *)(y + t * p->y_stride + s->n_rows);

      for (size_t i = 0; i < GAP * sizeof (float); i++)
        if (gap[i] != GAP_BYTE)
          kc_fail ("wrote behind the %zu rows of token %zu", s->n_rows, t);
    }
  return y;
}

/* The two parts of each weight of a row: scale * code, and what is added to it. */
static void
weight_parts (const Shape *s, const uint8_t *row, size_t row_bytes, float *scaled, float *added)
{
  const KnDtypeInfo *info = kn_dtype_info ((int)s->dtype);
  uint8_t *copy = kc_input (row_bytes, 4);
  int d, m;

  memset (added, 0, s->n_cols * sizeof (float));
  kc_block_fields (s->dtype, &d, &m);
  if (info->block_len == 1 || m < 0)
    {
      kn_dequantize_row (s->dtype, row, scaled, s->n_cols);
      return;
    }
  memcpy (copy, row, row_bytes);
  for (size_t at = 0; at < row_bytes; at += info->block_bytes)
    put_half (copy + at + m, 0);
  kn_dequantize_row (s->dtype, copy, scaled, s->n_cols);
  memcpy (copy, row, row_bytes);
  for (size_t at = 0; at < row_bytes; at += info->block_bytes)
    put_half (copy + at + d, 0);
  kn_dequantize_row (s->dtype, copy, added, s->n_cols);
}

/* Value @c of activation row @t, as the kernel sees it. */
static double
input_value (const Shape *s, const Problem *p, size_t t, size_t c)
{
  const uint8_t *row = (const uint8_t *)p->activations + t * p->x_stride;

  if (kn_matmul_act (s->dtype) == KN_ACT_F32)
    return ((const float *)row)[c];
  if (kn_matmul_act (s->dtype) == KN_ACT_Q8_TOKEN)
    return (double)*(const float *)(row + kn_q8_token_scale_offset (s->n_cols))
           * ((const int8_t *)row)[c];
  return (double)((const float *)(row + kn_q8_scales_offset (s->n_cols)))[c / 32]
         * ((const int8_t *)row)[c];
}

static void
check_oracle (const KnTable *c, const Shape *s, const Problem *p)
{
  const int is_float = kn_matmul_act (s->dtype) == KN_ACT_F32;
  const double n_groups = (double)s->n_cols / (s->dtype == KN_Q6_K ? 16 : 32);
  /* One scale for the row: the weight's own rounding here, and three at the end there. */
  const int is_row = kn_matmul_act (s->dtype) == KN_ACT_Q8_TOKEN;
  const double gamma = kc_gamma (is_float ? (double)s->n_cols : is_row ? 4 : 2 * n_groups + 3);
  const float *y = product (c, s, p, 0, s->n_tokens);
  float *scaled = kc_input (s->n_cols * sizeof (float), 4);
  float *added = kc_input (s->n_cols * sizeof (float), 4);

  for (size_t r = 0; r < s->n_rows; r++)
    {
      weight_parts (s, p->rows + r * p->row_bytes, p->row_bytes, scaled, added);
      for (size_t t = 0; t < s->n_tokens; t++)
        {
          double sum = 0, magnitude = 0;

          for (size_t i = 0; i < s->n_cols; i++)
            {
              double x = input_value (s, p, t, i);

              sum += ((double)scaled[i] + (double)added[i]) * x;
              magnitude += (fabs ((double)scaled[i]) + fabs ((double)added[i])) * fabs (x);
            }
          kc_near ("y", t * s->n_rows + r, y[t * p->y_stride + r], sum,
                   gamma * magnitude + (double)s->n_cols * 128 * 128 * 0x1p-149);
        }
    }
}

static void
check_same (const KnTable *c, const KnTable *v, const Shape *s, const Problem *p)
{
  const float *want = product (c, s, p, 0, s->n_tokens);
  const float *got = product (v, s, p, 0, s->n_tokens);

  for (size_t t = 0; t < s->n_tokens; t++)
    {
      kc_context ("%zu rows, %zu columns, token %zu of %zu", s->n_rows, s->n_cols, t, s->n_tokens);
      kc_same ("y", got + t * p->y_stride, want + t * p->y_stride, s->n_rows);
    }
}

/* A token alone gives the bits it gives in a batch. */
static void
check_alone (const KnTable *v, const Shape *s, const Problem *p)
{
  const float *all = product (v, s, p, 0, s->n_tokens);
  size_t first = kc_random_below ((uint32_t)s->n_tokens);
  const float *alone = product (v, s, p, first, 1);

  kc_context ("%zu rows, %zu columns, token %zu of %zu alone", s->n_rows, s->n_cols, first,
              s->n_tokens);
  kc_same ("y", alone, all + first * p->y_stride, s->n_rows);
}

/* Whether the exact result is a number that the bound speaks of: finite operands whose products are
 * within f32's range. */
static int
has_oracle (const Shape *s)
{
  const int huge_weights = s->scales == KC_ANY && kn_matmul_act (s->dtype) == KN_ACT_F32;

  return s->inputs != KC_ANY && s->inputs != KC_SPECIAL && s->scales != KC_SPECIAL && !huge_weights;
}

static void
check_shape (const KnTable *c, const KnTable *v, const Shape *s)
{
  Problem p = new_problem (s, c);

  if (v == c && has_oracle (s) && s->n_rows * s->n_cols * s->n_tokens < 2000000)
    check_oracle (c, s, &p);
  if (v != c)
    check_same (c, v, s, &p);
  check_alone (v, s, &p);
  kc_release ();
}

static void
check_matmul (const KnTable *c, const KnTable *v, const void *data)
{
  static const size_t rows[] = { 1, 15, 16, 17, 80, 172 }, cols[] = { 32, 64, 256, 576, 768, 1536 };
  static const size_t tokens[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 64 };
  static const KcKind inputs[]
      = { KC_NORMAL, KC_WIDE, KC_CONSTANT, KC_SPECIAL, KC_DENORMAL, KC_ANY, KC_ZERO };
  static const KcKind scales[] = { KC_NORMAL, KC_ANY, KC_DENORMAL, KC_ZERO, KC_SPECIAL };
  Shape s = { .dtype = *(const KnDtype *)data };
  size_t n = 0;

  /* All sizes; kinds of numbers in turn, with periods that have no common factor with the number of
   * sizes. */
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (size_t j = 0; j < sizeof cols / sizeof *cols; j++)
      for (size_t k = 0; k < sizeof tokens / sizeof *tokens; k++, n++)
        {
          s.n_rows = rows[i];
          s.n_cols = cols[j];
          s.n_tokens = tokens[k];
          s.codes = n % 11 < 8 ? KC_CODES_RANDOM : (KcCodes)(n % 11 - 7);
          s.scales = n % 13 < 9 ? KC_NORMAL : scales[n % 13 - 8];
          s.inputs = inputs[n % 7];
          if (kn_panel_bytes (s.dtype, s.n_cols) != 0)
            check_shape (c, v, &s);
        }
  /* The worst for 16-bit sums: all codes at one end against activations all at the other. */
  for (KcCodes codes = KC_CODES_ONES; codes < KC_N_CODES; codes++)
    for (size_t k = 0; k < sizeof tokens / sizeof *tokens; k++)
      {
        s = (Shape){ s.dtype, 33, 512, tokens[k], codes, KC_NORMAL, KC_CONSTANT };
        check_shape (c, v, &s);
      }
}

/* --- quantization of activations */

static void
check_q8_group (const float *x, const int8_t *codes, float scale, int32_t sum,
                const int32_t *halves)
{
  double amax = 0;
  int32_t sums[2] = { 0, 0 };
  int finite = 1;

  for (size_t i = 0; i < 32; i++)
    {
      finite &= isfinite (x[i]) != 0;
      amax = fmax (amax, fabs ((double)x[i]));
      sums[i / 16] += codes[i];
    }
  if (sums[0] != halves[0] || sums[1] != halves[1] || sums[0] + sums[1] != sum)
    kc_fail ("sums %d = %d + %d of codes that sum to %d and %d", sum, halves[0], halves[1], sums[0],
             sums[1]);
  if (!finite)
    amax = NAN;
  else if (amax < 0x1p-100)
    amax = 0;
  kc_near ("scale", 0, scale, amax / 127, amax / 127 * 0x1p-24);
  for (size_t i = 0; i < 32; i++)
    {
      /* Two roundings stand before the one to an integer. */
      double exact = amax > 0 ? x[i] * (127 / amax) : 0;

      if (fabs (codes[i] - exact) > 0.5 + 127 * 0x1p-22)
        kc_fail ("code %d for %.9g", codes[i], exact);
    }
}

static void
check_quantize_q8 (const KnTable *c, const KnTable *v, const void *data)
{
  static const size_t sizes[] = { 32, 64, 96, 576, 1536, 2048 };

  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (KcKind kind = 0; kind < KC_N_KINDS; kind++)
      for (int repeat = 0; repeat < 20; repeat++)
        {
          const size_t n = sizes[i], used = kn_q8_half_sums_offset (n) + n / 16 * 4;
          float *x = kc_input (n * sizeof (float), 4);
          uint8_t *got = kc_output (kn_q8_row_bytes (n), KN_ALIGN);
          uint8_t *want = kc_output (kn_q8_row_bytes (n), KN_ALIGN);

          kc_context ("%zu %s numbers", n, kc_kind_name (kind));
          kc_fill (x, n, kind);
          v->matmul.quantize_q8 (x, n, got);
          c->matmul.quantize_q8 (x, n, want);
          kc_same_bytes ("the row", got, want, used);
          for (size_t g = 0; g < n / 32; g++)
            check_q8_group (x + 32 * g, (const int8_t *)got + 32 * g,
                            ((const float *)(got + kn_q8_scales_offset (n)))[g],
                            ((const int32_t *)(got + kn_q8_sums_offset (n)))[g],
                            (const int32_t *)(got + kn_q8_half_sums_offset (n)) + 2 * g);
          kc_guards ("quantize_q8");
          kc_release ();
        }
}

static const KnDtype dtypes[]
    = { KN_F32,   KN_F16,   KN_BF16,  KN_Q8_0,    KN_Q4_0,    KN_Q4_1, KN_Q5_0,
        KN_Q5_1,  KN_Q4_K,  KN_Q5_K,  KN_Q6_K,    KN_Q2_K,    KN_Q3_K, KN_Q2_64,
        KN_Q3_64, KN_TQ2_0, KN_MXFP4, KN_F8_E4M3, KN_F8_E5M2, KN_Q1_64 };
static const KnDtype row_dtypes[] = { KN_W8A8, KN_W4A8 };

static const KcCase cases[] = {
  { "matmul/f32", check_matmul, kc_bench_matmul, &dtypes[0], KC_MEMBERS (matmul.f32) },
  { "matmul/f16", check_matmul, kc_bench_matmul, &dtypes[1], KC_MEMBERS (matmul.f16) },
  { "matmul/bf16", check_matmul, kc_bench_matmul, &dtypes[2], KC_MEMBERS (matmul.bf16) },
  { "matmul/q8_0", check_matmul, kc_bench_matmul, &dtypes[3], KC_MEMBERS (matmul.q8_0) },
  { "matmul/q4_0", check_matmul, kc_bench_matmul, &dtypes[4], KC_MEMBERS (matmul.q4_0) },
  { "matmul/q4_1", check_matmul, kc_bench_matmul, &dtypes[5], KC_MEMBERS (matmul.q4_1) },
  { "matmul/q5_0", check_matmul, kc_bench_matmul, &dtypes[6], KC_MEMBERS (matmul.q5_0) },
  { "matmul/q5_1", check_matmul, kc_bench_matmul, &dtypes[7], KC_MEMBERS (matmul.q5_1) },
  { "matmul/q4_k", check_matmul, kc_bench_matmul, &dtypes[8], KC_MEMBERS (matmul.q4_k) },
  { "matmul/q5_k", check_matmul, kc_bench_matmul, &dtypes[9], KC_MEMBERS (matmul.q5_k) },
  { "matmul/q6_k", check_matmul, kc_bench_matmul, &dtypes[10], KC_MEMBERS (matmul.q6_k) },
  { "matmul/w8a8", check_matmul, kc_bench_matmul, &row_dtypes[0], KC_MEMBERS (matmul.w8a8) },
  { "matmul/w4a8", check_matmul, kc_bench_matmul, &row_dtypes[1], KC_MEMBERS (matmul.w4a8) },
  { "matmul/q2_k", check_matmul, kc_bench_matmul, &dtypes[11], KC_MEMBERS (matmul.q2_k) },
  { "matmul/q3_k", check_matmul, kc_bench_matmul, &dtypes[12], KC_MEMBERS (matmul.q3_k) },
  { "matmul/q2_64", check_matmul, kc_bench_matmul, &dtypes[13], KC_MEMBERS (matmul.q2_64) },
  { "matmul/q3_64", check_matmul, kc_bench_matmul, &dtypes[14], KC_MEMBERS (matmul.q3_64) },
  { "matmul/tq2_0", check_matmul, kc_bench_matmul, &dtypes[15], KC_MEMBERS (matmul.tq2_0) },
  { "matmul/mxfp4", check_matmul, kc_bench_matmul, &dtypes[16], KC_MEMBERS (matmul.mxfp4) },
  { "matmul/f8_e4m3", check_matmul, kc_bench_matmul, &dtypes[17], KC_MEMBERS (matmul.f8_e4m3) },
  { "matmul/f8_e5m2", check_matmul, kc_bench_matmul, &dtypes[18], KC_MEMBERS (matmul.f8_e5m2) },
  { "matmul/q1_64", check_matmul, kc_bench_matmul, &dtypes[19], KC_MEMBERS (matmul.q1_64) },
  { "matmul/quantize_q8", check_quantize_q8, kc_bench_quantize_q8, NULL,
    KC_MEMBERS (matmul.quantize_q8) },
  { 0 },
};

void
kc_register_matmul (void)
{
  kc_register (cases);
}
