/* Every operator against its plain reference: the same bits for every number of threads, and within
 * a proven bound of the reference. u = 2^-24, gamma_n = n u / (1 - n u): Higham 2002, section 3.1.
 */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "kn-quant.h"
#include "ops-case.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops-skip.h"
#include "ops/rt-ops.h"

#define U (1.0 / (1 << 24))

static const uint32_t token_counts[] = { 1, 2, 5, 16, 33, 130, 300 };

static double
gamma_n (double n)
{
  return n * U / (1 - n * U);
}

static void
assert_near (double got, double expected, double bound, const char *what, size_t at)
{
  if (!(fabs (got - expected) <= bound))
    g_error ("%s: element %zu is %.9g, the reference %.9g, allowed %.3g", what, at, got, expected,
             bound);
}

/* ---- element-wise ---- */

static void
check_elementwise (const RtOp *op, uint32_t n_inputs, double relative, double absolute)
{
  static const size_t widths[] = { 1, 15, 64, 777 };

  for (size_t t = 0; t < G_N_ELEMENTS (token_counts); t++)
    for (size_t w = 0; w < G_N_ELEMENTS (widths); w++)
      {
        OpsCase c;
        RtScaleAttrs attrs = { .factor = 1.7f };
        ops_case_init (&c, token_counts[t]);
        for (uint32_t i = 0; i < n_inputs; i++)
          ops_case_add_rows (&c, widths[w]);
        ops_case_add_node (&c, op, op->attrs_bytes > 0 ? &attrs : NULL);
        OpsResult got = ops_case_run_threads (&c), expected = ops_case_run (&c, 0);
        for (size_t i = 0; i < token_counts[t] * widths[w]; i++)
          assert_near (ops_result_floats (&got, 0)[i], ops_result_floats (&expected, 0)[i],
                       relative * fabs (ops_result_floats (&expected, 0)[i]) + absolute, op->name,
                       i);
        ops_result_clear (&got);
        ops_result_clear (&expected);
        ops_case_clear (&c);
      }
}

static void
test_elementwise (void)
{
  check_elementwise (&rt_op_add, 2, 0, 0);
  check_elementwise (&rt_op_mul, 2, 0, 0);
  check_elementwise (&rt_op_scale, 1, 0, 0);
  /* An exponential within 2 ulp, a sum, a quotient. */
  check_elementwise (&rt_op_silu, 1, 10 * U, 0);
  check_elementwise (&rt_op_gelu, 1, 20 * U, 20 * U);
  check_elementwise (&rt_op_softcap, 1, 10 * U, 0);
}

/* ---- rows ---- */

static void
check_norm (const RtOp *op, size_t n_cols, uint32_t n_groups, uint32_t n_tokens, bool per_token)
{
  OpsCase c;
  RtNormAttrs attrs = { .eps = 1e-5f, .n_groups = n_groups, .per_token = per_token };
  ops_case_init (&c, n_tokens);
  ops_case_add_rows (&c, n_cols);
  ops_case_add_vector (&c, n_cols / n_groups);
  if (per_token)
    ops_case_add_vector (&c, n_cols); /* an offset */
  ops_case_add_node (&c, op, &attrs);
  OpsResult got = ops_case_run_threads (&c), expected = ops_case_run (&c, 0);

  if (op == &rt_op_rmsnorm)
    for (size_t i = 0; i < n_tokens * n_cols; i++)
      assert_near (ops_result_floats (&got, 0)[i], ops_result_floats (&expected, 0)[i],
                   gamma_n ((double)n_cols / 16 + 12) * fabs (ops_result_floats (&expected, 0)[i]),
                   op->name, i);
  else
    {
      /* A value on the edge between two codes may fall on either side. */
      g_autofree float *a = g_new (float, n_cols);
      g_autofree float *b = g_new (float, n_cols);
      const KnActKind act = per_token ? KN_ACT_Q8_TOKEN : KN_ACT_Q8;
      size_t row_bytes = kn_act_row_bytes (act, n_cols), n_other = 0;
      for (uint32_t t = 0; t < n_tokens; t++)
        {
          (per_token ? rt_q8_token_load : rt_q8_load) (got.data[0] + t * row_bytes, n_cols, a);
          (per_token ? rt_q8_token_load : rt_q8_load) (expected.data[0] + t * row_bytes, n_cols, b);
          for (size_t i = 0, n_group = per_token ? n_cols : 32; i < n_cols; i++)
            {
              double step = 0;
              for (size_t k = i / n_group * n_group; k < (i / n_group + 1) * n_group; k++)
                step = fmax (step, fabsf (b[k]) / 127);
              assert_near (a[i], b[i], 1.01 * step, op->name, i);
              n_other += fabsf (a[i] - b[i]) > step / 4;
            }
        }
      g_assert_cmpuint (n_other, <=, n_tokens * n_cols / 500 + 1);
    }
  ops_result_clear (&got);
  ops_result_clear (&expected);
  ops_case_clear (&c);
}

static void
test_norms (void)
{
  for (size_t t = 0; t < G_N_ELEMENTS (token_counts); t++)
    {
      check_norm (&rt_op_rmsnorm, 64, 1, token_counts[t], false);
      check_norm (&rt_op_rmsnorm, 50, 1, token_counts[t], false);
      check_norm (&rt_op_rmsnorm, 96, 4, token_counts[t], false);
      check_norm (&rt_op_norm_quant, 96, 1, token_counts[t], false);
      check_norm (&rt_op_norm_quant, 576, 1, token_counts[t], false);
      check_norm (&rt_op_norm_quant, 96, 1, token_counts[t], true);
      check_norm (&rt_op_norm_quant, 576, 1, token_counts[t], true);
    }
}

static int32_t *
random_tokens (OpsCase *c, uint32_t n_vocab)
{
  int32_t *tokens = ops_case_own (c, c->n_tokens * sizeof *tokens);
  for (uint32_t i = 0; i < c->n_tokens; i++)
    tokens[i] = g_test_rand_int_range (0, (int)n_vocab);
  return tokens;
}

static void
test_embed (void)
{
  for (size_t t = 0; t < G_N_ELEMENTS (token_counts); t++)
    for (int packed = 0; packed < 2; packed++)
      {
        OpsCase c;
        ops_case_init (&c, token_counts[t]);
        int32_t *tokens = random_tokens (&c, 37);
        ops_case_add_value (&c, RT_TYPE_I32, 0, tokens);
        uint32_t table = ops_case_add_matrix (&c, KN_Q4_1, 37, 96);
        if (!packed)
          {
            rt_weight_unref (c.weights[table]);
            c.weights[table] = NULL;
          }
        ops_case_add_node (&c, &rt_op_embed, NULL);
        OpsResult got = ops_case_run_threads (&c);
        const RtValue *value = rt_graph_value (c.graph, c.inputs[table]);
        for (uint32_t i = 0; i < c.n_tokens; i++)
          {
            float row[96];
            kn_dequantize_row (KN_Q4_1,
                               (const uint8_t *)value->data
                                   + (size_t)tokens[i] * kn_row_bytes (KN_Q4_1, 96),
                               row, 96);
            g_assert_cmpmem (row, sizeof row, ops_result_floats (&got, 0) + i * 96, sizeof row);
          }
        ops_result_clear (&got);
        ops_case_clear (&c);
      }
}

static void
test_select_rows (void)
{
  for (size_t t = 0; t < G_N_ELEMENTS (token_counts); t++)
    for (uint32_t n_out = 0; n_out <= token_counts[t]; n_out += MAX (1, token_counts[t] / 3))
      {
        OpsCase c;
        ops_case_init (&c, token_counts[t]);
        c.n_outputs = n_out;
        uint32_t x = ops_case_add_rows (&c, 24);
        ops_case_add_node (&c, &rt_op_select_rows, NULL);
        OpsResult got = ops_case_run_threads (&c);
        g_assert_cmpmem ((float *)c.data[x] + (c.n_tokens - n_out) * 24, n_out * 96, got.data[0],
                         got.n_bytes[0]);
        ops_result_clear (&got);
        ops_case_clear (&c);
      }
}

static void
check_rope (uint32_t n_tokens, uint32_t position, uint32_t n_heads, uint32_t head_dim,
            uint32_t n_dims, bool half, bool factors)
{
  OpsCase table_case, c;
  RtRopeTableAttrs table_attrs = { .n_dims = n_dims, .base = 10000, .scale = 0.5f };
  RtRopeAttrs attrs = { .n_heads = n_heads, .head_dim = head_dim, .half = half };

  ops_case_init (&table_case, n_tokens);
  table_case.position = position;
  ops_case_add_value (&table_case, RT_TYPE_I32, 0, random_tokens (&table_case, 10));
  if (factors)
    ops_case_add_vector (&table_case, n_dims / 2);
  ops_case_add_node (&table_case, &rt_op_rope_table, &table_attrs);
  OpsResult table = ops_case_run_threads (&table_case);

  /* Straight from the formula. */
  for (uint32_t t = 0; t < n_tokens; t++)
    for (uint32_t i = 0; i < n_dims / 2; i++)
      {
        double angle = (position + t) * 0.5 * pow (10000, -2.0 * i / n_dims)
                       / (factors ? ((float *)table_case.data[1])[i] : 1);
        assert_near (ops_result_floats (&table, 0)[t * n_dims + i], cos (angle), 1e-7, "cos", i);
        assert_near (ops_result_floats (&table, 0)[t * n_dims + n_dims / 2 + i], sin (angle), 1e-7,
                     "sin", i);
      }

  ops_case_init (&c, n_tokens);
  uint32_t x = ops_case_add_rows (&c, n_heads * head_dim);
  ops_case_add_value (&c, RT_TYPE_F32, n_dims, table.data[0]);
  ops_case_add_node (&c, &rt_op_rope, &attrs);
  OpsResult got = ops_case_run_threads (&c), expected = ops_case_run (&c, 0);
  for (size_t i = 0; i < n_tokens * n_heads * head_dim; i++)
    assert_near (ops_result_floats (&got, 0)[i], ops_result_floats (&expected, 0)[i],
                 gamma_n (3) * 4, "rope", i);
  (void)x;
  ops_result_clear (&got);
  ops_result_clear (&expected);
  ops_result_clear (&table);
  ops_case_clear (&c);
  ops_case_clear (&table_case);
}

static void
test_rope (void)
{
  for (size_t t = 0; t < G_N_ELEMENTS (token_counts); t++)
    for (int half = 0; half < 2; half++)
      {
        check_rope (token_counts[t], 0, 3, 32, 32, half, false);
        check_rope (token_counts[t], 1000, 2, 50, 20, half, true);
      }
}

/* ---- products ---- */

/* gamma (columns + 2) * sum |w| |x| for one element: @x as the product sees it. */
static double
product_bound (OpsCase *c, uint32_t weight, size_t token, size_t row)
{
  const RtWeight *w = c->weights[weight];
  size_t n = rt_weight_n_cols (w);
  KnDtype dtype = rt_weight_dtype (w);
  g_autofree float *values = g_new (float, n);
  double sum = 0;

  kn_unpack_row (dtype, rt_weight_panel (w, row / kn_panel_rows (dtype)),
                 row % kn_panel_rows (dtype), n, values);
  /* Activations are within +-2, their 8-bit forms too. */
  for (size_t i = 0; i < n; i++)
    sum += fabs (values[i]) * 2.01;
  return gamma_n ((double)n + 4) * sum;
}

static void
compare_product (OpsCase *c, const OpsResult *got, const OpsResult *expected, uint32_t output,
                 uint32_t weight, double extra)
{
  size_t n_rows = rt_weight_n_rows (c->weights[weight]);
  g_autofree double *bounds = g_new (double, n_rows);
  for (size_t r = 0; r < n_rows; r++)
    bounds[r] = product_bound (c, weight, 0, r) + extra;
  for (uint32_t t = 0; t < c->n_tokens; t++)
    for (size_t r = 0; r < n_rows; r++)
      assert_near (ops_result_floats (got, output)[t * n_rows + r],
                   ops_result_floats (expected, output)[t * n_rows + r], bounds[r], "product",
                   t * n_rows + r);
}

static const struct
{
  KnDtype dtype;
  size_t n_rows, n_cols;
} matrices[] = {
  { KN_F32, 17, 50 },   { KN_F32, 64, 64 },    { KN_F16, 40, 172 },  { KN_BF16, 33, 96 },
  { KN_Q8_0, 1, 32 },   { KN_Q8_0, 100, 96 },  { KN_Q4_0, 200, 64 }, { KN_Q4_1, 48, 160 },
  { KN_Q5_0, 31, 64 },  { KN_Q5_1, 16, 64 },   { KN_Q4_K, 50, 256 }, { KN_Q5_K, 20, 512 },
  { KN_Q6_K, 70, 256 }, { KN_Q4_0, 1500, 32 }, { KN_W8A8, 100, 96 }, { KN_W4A8, 70, 160 },
};

static void
check_matmul (size_t which, uint32_t n_tokens, bool bias, bool residual, bool q8)
{
  OpsCase c;
  size_t n_rows = matrices[which].n_rows, n_cols = matrices[which].n_cols;

  ops_case_init (&c, n_tokens);
  if (q8)
    ops_case_add_q8_rows (&c, kn_matmul_act (matrices[which].dtype), n_cols);
  else
    ops_case_add_rows (&c, n_cols);
  ops_case_add_matrix (&c, matrices[which].dtype, n_rows, n_cols);
  if (bias)
    ops_case_add_vector (&c, n_rows);
  else if (residual)
    ops_case_skip_input (&c);
  if (residual)
    ops_case_add_rows (&c, n_rows);
  ops_case_add_node (&c, &rt_op_matmul, NULL);
  OpsResult got = ops_case_run_threads (&c), expected = ops_case_run (&c, 0);
  compare_product (&c, &got, &expected, 0, RT_MATMUL_WEIGHT, 8 * U * 200);
  ops_result_clear (&got);
  ops_result_clear (&expected);
  ops_case_clear (&c);
}

static void
test_matmul (void)
{
  for (size_t m = 0; m < G_N_ELEMENTS (matrices); m++)
    for (size_t t = 0; t < G_N_ELEMENTS (token_counts); t++)
      {
        bool q8 = kn_matmul_act (matrices[m].dtype) != KN_ACT_F32 && (m + t) % 2;
        check_matmul (m, token_counts[t], false, false, q8);
        check_matmul (m, token_counts[t], (m + t) % 3 != 0, (m + t) % 3 != 1, !q8 && q8);
      }
}

static void
check_qkv (KnDtype dtype, uint32_t n_tokens, bool bias)
{
  OpsCase c;
  ops_case_init (&c, n_tokens);
  ops_case_add_rows (&c, 64);
  ops_case_add_matrix (&c, dtype, 96, 64);
  ops_case_add_matrix (&c, dtype, 40, 64);
  ops_case_add_matrix (&c, dtype, 7, 64);
  if (bias)
    {
      ops_case_add_vector (&c, 96);
      ops_case_skip_input (&c);
      ops_case_add_vector (&c, 7);
    }
  ops_case_add_node (&c, &rt_op_qkv, NULL);
  OpsResult got = ops_case_run_threads (&c), expected = ops_case_run (&c, 0);
  for (uint32_t i = 0; i < 3; i++)
    compare_product (&c, &got, &expected, i, RT_QKV_WEIGHT + i, 8 * U * 200);
  ops_result_clear (&got);
  ops_result_clear (&expected);
  ops_case_clear (&c);
}

static void
test_qkv (void)
{
  for (size_t t = 0; t < G_N_ELEMENTS (token_counts); t++)
    {
      check_qkv (KN_F32, token_counts[t], true);
      check_qkv (KN_Q4_0, token_counts[t], false);
      check_qkv (KN_Q8_0, token_counts[t], true);
    }
}

static void
check_gate_up (KnDtype dtype, size_t n_rows, uint32_t n_tokens, uint32_t activation, bool quantize)
{
  OpsCase c;
  RtGateUpAttrs attrs = { .activation = activation, .quantize = quantize };
  ops_case_init (&c, n_tokens);
  ops_case_add_rows (&c, 64);
  ops_case_add_matrix (&c, dtype, n_rows, 64);
  ops_case_add_matrix (&c, dtype == KN_Q4_0 ? KN_Q8_0 : dtype, n_rows, 64);
  if (n_tokens > 1) /* biases */
    for (uint32_t i = 0; i < 2; i++)
      ops_case_add_vector (&c, n_rows);
  ops_case_add_node (&c, &rt_op_gate_up, &attrs);
  OpsResult got = ops_case_run_threads (&c), expected = ops_case_run (&c, 0);

  /* |gate|, |up| < 130 and the slope of both activations is below 1.13. */
  double error = product_bound (&c, 1, 0, 0);
  for (size_t r = 1; r < n_rows; r++)
    error = MAX (error, MAX (product_bound (&c, 1, 0, r), product_bound (&c, 2, 0, r)));
  double bound = 130 * 1.13 * error * 2 + 130 * 130 * 20 * U;
  g_autofree float *a = g_new (float, n_rows);
  g_autofree float *b = g_new (float, n_rows);
  for (uint32_t t = 0; t < n_tokens; t++)
    {
      double top = 0;
      if (quantize)
        {
          rt_q8_load (got.data[0] + t * kn_q8_row_bytes (n_rows), n_rows, a);
          rt_q8_load (expected.data[0] + t * kn_q8_row_bytes (n_rows), n_rows, b);
        }
      else
        {
          memcpy (a, ops_result_floats (&got, 0) + t * n_rows, n_rows * 4);
          memcpy (b, ops_result_floats (&expected, 0) + t * n_rows, n_rows * 4);
        }
      for (size_t r = 0; r < n_rows; r++)
        top = MAX (top, fabs (b[r]));
      for (size_t r = 0; r < n_rows; r++)
        assert_near (a[r], b[r], quantize ? top / 127 * 1.01 + bound : bound, "gate-up", r);
    }
  ops_result_clear (&got);
  ops_result_clear (&expected);
  ops_case_clear (&c);
}

static void
test_gate_up (void)
{
  for (size_t t = 0; t < G_N_ELEMENTS (token_counts); t++)
    for (uint32_t activation = RT_ACTIVATION_SILU; activation <= RT_ACTIVATION_GELU; activation++)
      {
        check_gate_up (KN_F32, 37, token_counts[t], activation, false);
        check_gate_up (KN_Q8_0, 96, token_counts[t], activation, false);
        check_gate_up (KN_Q8_0, 96, token_counts[t], activation, true);
        check_gate_up (KN_Q4_0, 160, token_counts[t], activation, true);
      }
}

/* Inputs below their thresholds, about half, count as zero; how many were kept is exact. */
static void
check_skip (KnDtype dtype, size_t n_rows, size_t n_cols, uint32_t n_tokens)
{
  OpsCase c;
  RtMatmulSkipAttrs attrs = { .share = 0.5f };

  ops_case_init (&c, n_tokens);
  ops_case_add_rows (&c, n_cols);
  ops_case_add_matrix (&c, dtype, n_rows, n_cols);
  ops_case_add_vector (&c, n_cols);
  ops_case_add_node (&c, &rt_op_matmul_skip, &attrs);
  OpsResult got = ops_case_run_threads (&c), expected = ops_case_run (&c, 0);
  compare_product (&c, &got, &expected, 0, RT_MATMUL_SKIP_WEIGHT, 8 * U * 200);
  for (uint32_t t = 0; t < n_tokens; t++)
    {
      guint n_kept = 0;
      for (size_t i = 0; i < n_cols; i++)
        n_kept += fabsf (((float *)(void *)c.data[RT_MATMUL_SKIP_X])[t * n_cols + i])
                  >= ((float *)(void *)c.data[RT_MATMUL_SKIP_THRESHOLDS])[i];
      g_assert_cmpfloat (ops_result_floats (&got, 1)[t], ==, (float)n_kept);
    }
  ops_result_clear (&got);
  ops_result_clear (&expected);
  ops_case_clear (&c);
}

/* Gate and up with rows of up left out: as the formula, on any number of threads, zeros where
 * the gate is below its threshold. Where rounding decides about a threshold, at most one in a
 * hundred, either is right. */
static void
check_gate_up_skip (KnDtype dtype, KnDtype up, size_t n_rows, uint32_t n_tokens,
                    uint32_t activation)
{
  OpsCase c;
  RtGateUpSkipAttrs attrs = { .activation = activation, .share = 0.5f };
  guint n_zero = 0, n_other = 0;

  ops_case_init (&c, n_tokens);
  ops_case_add_rows (&c, 64);
  ops_case_add_matrix (&c, dtype, n_rows, 64);
  ops_case_add_matrix (&c, up, n_rows, 64);
  ops_case_add_vector (&c, n_rows);
  for (size_t i = 0; i < n_rows; i++)
    ((float *)(void *)c.data[RT_GATE_UP_SKIP_THRESHOLDS])[i]
        = fabsf (((float *)(void *)c.data[RT_GATE_UP_SKIP_THRESHOLDS])[i]);
  ops_case_add_node (&c, &rt_op_gate_up_skip, &attrs);
  OpsResult got = ops_case_run_threads (&c), expected = ops_case_run (&c, 0);
  double error = product_bound (&c, 1, 0, 0);
  for (size_t r = 1; r < n_rows; r++)
    error = MAX (error, MAX (product_bound (&c, 1, 0, r), product_bound (&c, 2, 0, r)));
  double bound = 130 * 1.13 * error * 2 + 130 * 130 * 20 * U; /* as in check_gate_up () */
  for (size_t i = 0; i < n_tokens * n_rows; i++)
    {
      float y = ops_result_floats (&got, 0)[i], want = ops_result_floats (&expected, 0)[i];
      n_zero += y == 0;
      if ((y == 0) != (want == 0))
        n_other++;
      else
        g_assert_cmpfloat (fabs ((double)y - (double)want), <=, bound);
    }
  g_assert_cmpuint (100 * n_other, <=, n_tokens * n_rows);
  g_assert_cmpuint (n_zero, >, 0);
  g_assert_cmpuint (n_zero, <, n_tokens * n_rows);
  ops_result_clear (&got);
  ops_result_clear (&expected);
  ops_case_clear (&c);
}

static void
test_gate_up_skip (void)
{
  for (size_t t = 0; t < G_N_ELEMENTS (token_counts); t++)
    for (uint32_t activation = RT_ACTIVATION_SILU; activation <= RT_ACTIVATION_GELU; activation++)
      {
        check_gate_up_skip (KN_Q8_0, KN_Q8_ROWS, 200, token_counts[t], activation);
        check_gate_up_skip (KN_Q4_0, KN_Q8_ROWS, 160, token_counts[t], activation);
        check_gate_up_skip (KN_Q8_0, KN_Q4_0, 72, token_counts[t], activation);
        check_gate_up_skip (KN_F32, KN_F32, 37, token_counts[t], activation);
      }
}

static void
test_skip (void)
{
  for (size_t t = 0; t < G_N_ELEMENTS (token_counts); t++)
    {
      check_skip (KN_Q8_CHANNELS, 100, 96, token_counts[t]);
      check_skip (KN_Q8_CHANNELS, 64, 320, token_counts[t]);
      check_skip (KN_Q8_CHANNELS, 7, 32, token_counts[t]);
      check_skip (KN_Q8_0, 100, 96, token_counts[t]);
    }
}

/* ---- attention ---- */

typedef struct
{
  uint32_t n_heads, n_kv_heads, head_dim;
  KnDtype format;
  float softcap;
  uint32_t window;
  bool quantize;
  float levels; /* of the weights; then heads have biases, each another */
} Attention;

/* The cache's earlier positions. */
static void
fill_cache (OpsCase *c, const Attention *a, uint32_t n)
{
  RtError error = { 0 };
  c->kv = rt_kv_new (a->format, 2, a->n_kv_heads, a->head_dim, OPS_CASE_KV_CAPACITY, &error);
  g_assert_nonnull (c->kv);
  for (uint32_t head = 0; head < a->n_kv_heads; head++)
    for (uint32_t p = 0; p < n; p++)
      {
        float x[128];
        for (uint32_t d = 0; d < a->head_dim; d++)
          x[d] = (float)g_test_rand_double_range (-1, 1);
        kn_table ()->attn.store_k (a->format, rt_kv_k (c->kv, 1, head, p / KN_ATTN_CHUNK),
                                   a->head_dim, p % KN_ATTN_CHUNK, x);
        kn_table ()->attn.store_v (a->format, rt_kv_v (c->kv, 1, head, p / KN_ATTN_CHUNK),
                                   a->head_dim, p % KN_ATTN_CHUNK, x);
      }
}

static void
check_attention (const Attention *a, uint32_t position, uint32_t n_tokens)
{
  OpsCase c;
  size_t n_cols = a->n_heads * a->head_dim;
  RtAttentionAttrs attrs = { .n_heads = a->n_heads,
                             .n_kv_heads = a->n_kv_heads,
                             .head_dim = a->head_dim,
                             .kv_layer = 1,
                             .scale = 1 / sqrtf ((float)a->head_dim),
                             .softcap = a->softcap,
                             .window = a->window,
                             .quantize = a->quantize,
                             .softmax_levels = a->levels };
  for (uint32_t head = 0; a->levels != 0 && head < a->n_heads; head++)
    attrs.softmax_bias[head] = 0.25f * (float)(head + 1);
  ops_case_init (&c, n_tokens);
  c.position = position;
  ops_case_add_rows (&c, n_cols);
  ops_case_add_rows (&c, a->n_kv_heads * a->head_dim);
  ops_case_add_rows (&c, a->n_kv_heads * a->head_dim);
  fill_cache (&c, a, position);
  ops_case_add_node (&c, &rt_op_attention, &attrs);
  OpsResult got = ops_case_run_threads (&c), expected = ops_case_run (&c, 0);

  /* |q|, |k|, |v| <= 2: scores are off by at most e, weights by a factor exp (2 e), the sums by
   * gamma of their length. 8-bit caches also round the query. */
  double e = gamma_n (a->head_dim + 4.0) * 4 * sqrt (a->head_dim);
  if (a->format != KN_F32 && a->format != KN_F16)
    e += 2.0 / 127 * 2 * sqrt (a->head_dim);
  double bound = 2 * (expm1 (2 * e) + gamma_n (position + n_tokens + 40));
  /* Some weights lie so near to a tie that they are rounded the other way; biases make sums larger
   * than their length's gamma knows. */
  if (a->levels != 0)
    bound = 3 / a->levels + 1e-4 * (position + n_tokens);
  bound += a->quantize ? 2.0 / 127 * 1.01 : 0;
  g_autofree float *x = g_new (float, n_cols);
  g_autofree float *y = g_new (float, n_cols);
  for (uint32_t t = 0; t < n_tokens; t++)
    {
      if (a->quantize)
        {
          rt_q8_load (got.data[0] + t * kn_q8_row_bytes (n_cols), n_cols, x);
          rt_q8_load (expected.data[0] + t * kn_q8_row_bytes (n_cols), n_cols, y);
        }
      else
        {
          memcpy (x, ops_result_floats (&got, 0) + t * n_cols, n_cols * 4);
          memcpy (y, ops_result_floats (&expected, 0) + t * n_cols, n_cols * 4);
        }
      for (size_t i = 0; i < n_cols; i++)
        assert_near (x[i], y[i], bound, "attention", t * n_cols + i);
    }
  ops_result_clear (&got);
  ops_result_clear (&expected);
  ops_case_clear (&c);
}

static void
test_attention (void)
{
  static const Attention kinds[] = {
    { 4, 2, 32, KN_F32, 0, 0, false },    { 9, 3, 64, KN_F16, 0, 0, true },
    { 3, 3, 18, KN_F16, 0, 0, false },    { 8, 1, 32, KN_Q8_0, 0, 0, false },
    { 4, 4, 32, KN_F32, 3, 0, false },    { 4, 2, 32, KN_F32, 0, 50, true },
    { 40, 2, 16, KN_F16, 0, 200, false }, { 6, 3, 32, KN_F32, 0, 0, false, 255 },
    { 8, 1, 32, KN_Q4_0, 0, 0, false },
  };
  static const uint32_t positions[] = { 0, 1, 127, 128, 200 };

  for (size_t k = 0; k < G_N_ELEMENTS (kinds); k++)
    for (size_t p = 0; p < G_N_ELEMENTS (positions); p++)
      for (size_t t = 0; t < G_N_ELEMENTS (token_counts); t++)
        if ((k + p + t) % 2 == 0 || token_counts[t] == 1)
          check_attention (&kinds[k], positions[p], token_counts[t]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ops/elementwise", test_elementwise);
  g_test_add_func ("/ops/norms", test_norms);
  g_test_add_func ("/ops/embed", test_embed);
  g_test_add_func ("/ops/select-rows", test_select_rows);
  g_test_add_func ("/ops/rope", test_rope);
  g_test_add_func ("/ops/matmul", test_matmul);
  g_test_add_func ("/ops/qkv", test_qkv);
  g_test_add_func ("/ops/gate-up", test_gate_up);
  g_test_add_func ("/ops/skip", test_skip);
  g_test_add_func ("/ops/gate-up-skip", test_gate_up_skip);
  g_test_add_func ("/ops/attention", test_attention);
  return g_test_run ();
}
