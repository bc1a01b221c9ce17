/* Every operator against its plain reference: the same bits for every number of threads, and within
 * a proven bound of the reference. u = 2^-24, gamma_n = n u / (1 - n u): Higham 2002, section 3.1.
 */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "kn-quant.h"
#include "ops/rt-op-common.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops-skip.h"
#include "ops/rt-ops.h"

#define U (1.0 / (1 << 24))
#define KV_CAPACITY 512

static const uint32_t thread_counts[] = { 1, 2, 3, 8 };
static const uint32_t token_counts[] = { 1, 2, 5, 16, 33, 130, 300 };

static double
gamma_n (double n)
{
  return n * U / (1 - n * U);
}

/* ---- one node with its inputs ---- */

typedef struct
{
  RtGraph *graph;
  RtNodeId node;
  RtValueId inputs[RT_INPUT_SLOTS];
  uint32_t n_inputs;
  void *data[RT_INPUT_SLOTS]; /* f32 rows, tokens or vectors */
  RtWeight *weights[RT_INPUT_SLOTS];
  GPtrArray *owned;
  uint32_t n_tokens, n_outputs, position;
  RtKv *kv;
} Case;

static void
case_init (Case *c, uint32_t n_tokens)
{
  memset (c, 0, sizeof *c);
  c->graph = rt_graph_new (NULL);
  c->owned = g_ptr_array_new_with_free_func (g_free);
  c->n_tokens = n_tokens;
  c->n_outputs = n_tokens;
}

static void
case_clear (Case *c)
{
  for (uint32_t i = 0; i < c->n_inputs; i++)
    rt_weight_unref (c->weights[i]);
  rt_kv_free (c->kv);
  rt_graph_free (c->graph);
  g_ptr_array_unref (c->owned);
}

static void *
own (Case *c, size_t n_bytes)
{
  /* Aligned as the arena is. */
  uint8_t *memory = g_malloc0 (n_bytes + 2 * KN_ALIGN);
  g_ptr_array_add (c->owned, memory);
  return memory + KN_ALIGN - (uintptr_t)memory % KN_ALIGN;
}

static float *
random_floats (Case *c, size_t n, float low, float high)
{
  float *x = own (c, n * sizeof *x);
  for (size_t i = 0; i < n; i++)
    x[i] = (float)g_test_rand_double_range (low, high);
  return x;
}

static uint32_t
add_value (Case *c, int type, int64_t n_cols, void *data)
{
  RtShape shape = { .n_dims = n_cols > 0 ? 2 : 1, .dims = { RT_DIM_TOKENS, n_cols } };
  char name[16];
  g_snprintf (name, sizeof name, "in%u", c->n_inputs);
  c->inputs[c->n_inputs] = rt_graph_add_input (c->graph, name, type, &shape, NULL);
  c->data[c->n_inputs] = data;
  return c->n_inputs++;
}

static uint32_t
add_rows (Case *c, size_t n_cols)
{
  return add_value (c, RT_TYPE_F32, (int64_t)n_cols,
                    random_floats (c, c->n_tokens * n_cols, -2, 2));
}

/* The same rows as 8-bit ones. */
static uint32_t
add_q8_rows (Case *c, KnActKind act, size_t n_cols)
{
  const float *x = random_floats (c, c->n_tokens * n_cols, -2, 2);
  size_t row_bytes = kn_act_row_bytes (act, n_cols);
  uint8_t *rows = own (c, c->n_tokens * row_bytes);
  for (uint32_t t = 0; t < c->n_tokens; t++)
    kn_act_store (&kn_table ()->matmul, act, x + t * n_cols, n_cols, rows + t * row_bytes);
  return add_value (c, act == KN_ACT_Q8 ? RT_TYPE_Q8_ROWS : RT_TYPE_Q8_TOKEN_ROWS, (int64_t)n_cols,
                    rows);
}

static uint32_t
add_weight_value (Case *c, KnDtype dtype, size_t n_rows, size_t n_cols, const void *bytes,
                  size_t n_bytes)
{
  RtShape shape = { .n_dims = n_rows > 0 ? 2 : 1,
                    .dims = { (int64_t)(n_rows > 0 ? n_rows : n_cols), (int64_t)n_cols } };
  char name[16];
  g_snprintf (name, sizeof name, "w%u", c->n_inputs);
  c->inputs[c->n_inputs]
      = rt_graph_add_weight (c->graph, name, dtype, &shape, bytes, n_bytes, NULL);
  return c->n_inputs++;
}

static uint32_t
add_vector (Case *c, size_t n)
{
  float *x = random_floats (c, n, 0.5f, 1.5f);
  uint32_t i = add_weight_value (c, KN_F32, 0, n, x, n * 4);
  c->data[i] = x;
  return i;
}

static uint32_t
add_matrix (Case *c, KnDtype dtype, size_t n_rows, size_t n_cols)
{
  float *x = random_floats (c, n_rows * n_cols, -1, 1);
  size_t row_bytes = kn_row_bytes (dtype, n_cols);
  uint8_t *rows = own (c, n_rows * row_bytes);
  for (size_t r = 0; r < n_rows; r++)
    kn_quantize_row (dtype, x + r * n_cols, rows + r * row_bytes, n_cols);

  uint32_t i = add_weight_value (c, dtype, n_rows, n_cols, rows, n_rows * row_bytes);
  c->weights[i]
      = rt_weight_pack (dtype, dtype, rows, n_rows * row_bytes, n_rows, n_cols, NULL, NULL, NULL);
  return i;
}

static void
skip_input (Case *c)
{
  c->inputs[c->n_inputs++] = RT_NONE;
}

static void
add_node (Case *c, const RtOp *op, const void *attrs)
{
  RtError error = { 0 };
  c->node = rt_graph_add_node (c->graph, "node", 0, op, c->inputs, c->n_inputs, attrs, &error);
  if (c->node == RT_NONE)
    g_error ("%s: %s", op->name, error.message);
}

/* ---- running it ---- */

typedef struct
{
  uint8_t *data[RT_MAX_OUTPUTS];
  size_t n_bytes[RT_MAX_OUTPUTS];
} Result;

static void
result_clear (Result *r)
{
  for (int i = 0; i < RT_MAX_OUTPUTS; i++)
    g_aligned_free (r->data[i]);
}

static uint32_t
job_begin (const RtWorker *worker, void *data, uint32_t phase)
{
  const RtOpContext *context = data;
  return context->node->op->n_chunks (context, phase);
}

static void
job_chunk (const RtWorker *worker, void *data, uint32_t phase, uint32_t chunk)
{
  const RtOpContext *context = data;
  context->node->op->run (context, phase, chunk, worker);
}

static void
fill_context (Case *c, RtOpContext *context, Result *result, const int64_t *symbols)
{
  const RtNode *node = rt_graph_node (c->graph, c->node);

  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (node->inputs[i] != RT_NONE)
      {
        const RtValue *value = rt_graph_value (c->graph, node->inputs[i]);
        context->inputs[i]
            = (RtTensor){ .data = c->data[i], .weight = c->weights[i], .type = value->type };
        if (c->weights[i] == NULL && c->data[i] == NULL)
          context->inputs[i].data = (void *)value->data;
        rt_shape_bind (&value->shape, symbols, &context->inputs[i].shape);
      }
  for (uint32_t i = 0; i < node->n_outputs; i++)
    {
      const RtValue *value = rt_graph_value (c->graph, node->outputs[i]);
      result->n_bytes[i] = rt_value_bytes (value, symbols);
      result->data[i] = g_aligned_alloc0 (result->n_bytes[i] / KN_ALIGN + 2, KN_ALIGN, KN_ALIGN);
      /* What lies behind the output must stay. */
      memset (result->data[i] + result->n_bytes[i], 0x5a, KN_ALIGN);
      context->outputs[i] = (RtTensor){ .data = result->data[i], .type = value->type };
      rt_shape_bind (&value->shape, symbols, &context->outputs[i].shape);
    }
}

/* @n_threads 0: the reference. */
static Result
run_case (Case *c, uint32_t n_threads)
{
  const RtNode *node = rt_graph_node (c->graph, c->node);
  int64_t symbols[RT_N_SYMBOLS] = { c->n_tokens, c->n_outputs };
  uint64_t shared_bytes = 0, thread_bytes = 0;
  Result result = { 0 };
  g_autofree int *dtypes = g_new (int, rt_graph_n_values (c->graph));
  uint32_t n = MAX (n_threads, 1);

  for (RtValueId id = 0; id < rt_graph_n_values (c->graph); id++)
    dtypes[id] = rt_graph_value (c->graph, id)->kind == RT_VALUE_WEIGHT
                     ? rt_graph_value (c->graph, id)->type
                     : -1;
  if (node->op->scratch != NULL)
    node->op->scratch (&(RtOpQuery){ .graph = c->graph,
                                     .node = node,
                                     .weight_dtypes = dtypes,
                                     .symbols = symbols,
                                     .kv_capacity = KV_CAPACITY,
                                     .n_threads = n },
                       &shared_bytes, &thread_bytes);
  thread_bytes = (thread_bytes + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
  shared_bytes = (shared_bytes + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
  /* Exactly what was asked for, so that the address sanitizer sees a scratch that is too small. */
  uint8_t *scratch
      = g_aligned_alloc ((shared_bytes + n * thread_bytes) / KN_ALIGN + 1, KN_ALIGN, KN_ALIGN);
  memset (scratch, 0xff, shared_bytes + n * thread_bytes);

  RtTensor inputs[RT_INPUT_SLOTS] = { 0 }, outputs[RT_MAX_OUTPUTS] = { 0 };
  RtOpContext context = { .kn = kn_table (),
                          .node = node,
                          .attrs = node->attrs,
                          .inputs = inputs,
                          .outputs = outputs,
                          .kv = c->kv,
                          .position = c->position,
                          .n_threads = n,
                          .scratch = scratch,
                          .thread_scratch = scratch + shared_bytes,
                          .thread_scratch_stride = thread_bytes };
  fill_context (c, &context, &result, symbols);
  if (n_threads == 0)
    node->op->reference (&context);
  else
    {
      RtPool *pool = rt_pool_new (n_threads, NULL);
      RtJob job = {
        .n_phases = node->op->n_phases, .begin = job_begin, .chunk = job_chunk, .data = &context
      };
      rt_pool_run (pool, &job);
      rt_pool_free (pool);
    }
  for (uint32_t i = 0; i < node->n_outputs; i++)
    for (size_t k = 0; k < KN_ALIGN; k++)
      g_assert_cmphex (result.data[i][result.n_bytes[i] + k], ==, 0x5a);
  g_aligned_free (scratch);
  return result;
}

/* Run with all numbers of threads: the same bytes. Returns the first. */
static Result
run_threads (Case *c)
{
  Result first = run_case (c, 1);

  for (size_t i = 1; i < G_N_ELEMENTS (thread_counts); i++)
    {
      Result other = run_case (c, thread_counts[i]);
      for (uint32_t k = 0; k < rt_graph_node (c->graph, c->node)->n_outputs; k++)
        g_assert_cmpmem (first.data[k], first.n_bytes[k], other.data[k], other.n_bytes[k]);
      result_clear (&other);
    }
  return first;
}

static const float *
floats (const Result *r, uint32_t output)
{
  return (const float *)(const void *)r->data[output];
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
        Case c;
        RtScaleAttrs attrs = { .factor = 1.7f };
        case_init (&c, token_counts[t]);
        for (uint32_t i = 0; i < n_inputs; i++)
          add_rows (&c, widths[w]);
        add_node (&c, op, op->attrs_bytes > 0 ? &attrs : NULL);
        Result got = run_threads (&c), expected = run_case (&c, 0);
        for (size_t i = 0; i < token_counts[t] * widths[w]; i++)
          assert_near (floats (&got, 0)[i], floats (&expected, 0)[i],
                       relative * fabs (floats (&expected, 0)[i]) + absolute, op->name, i);
        result_clear (&got);
        result_clear (&expected);
        case_clear (&c);
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
  Case c;
  RtNormAttrs attrs = { .eps = 1e-5f, .n_groups = n_groups, .per_token = per_token };
  case_init (&c, n_tokens);
  add_rows (&c, n_cols);
  add_vector (&c, n_cols / n_groups);
  if (per_token)
    add_vector (&c, n_cols); /* an offset */
  add_node (&c, op, &attrs);
  Result got = run_threads (&c), expected = run_case (&c, 0);

  if (op == &rt_op_rmsnorm)
    for (size_t i = 0; i < n_tokens * n_cols; i++)
      assert_near (floats (&got, 0)[i], floats (&expected, 0)[i],
                   gamma_n ((double)n_cols / 16 + 12) * fabs (floats (&expected, 0)[i]), op->name,
                   i);
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
  result_clear (&got);
  result_clear (&expected);
  case_clear (&c);
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
random_tokens (Case *c, uint32_t n_vocab)
{
  int32_t *tokens = own (c, c->n_tokens * sizeof *tokens);
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
        Case c;
        case_init (&c, token_counts[t]);
        int32_t *tokens = random_tokens (&c, 37);
        add_value (&c, RT_TYPE_I32, 0, tokens);
        uint32_t table = add_matrix (&c, KN_Q4_1, 37, 96);
        if (!packed)
          {
            rt_weight_unref (c.weights[table]);
            c.weights[table] = NULL;
          }
        add_node (&c, &rt_op_embed, NULL);
        Result got = run_threads (&c);
        const RtValue *value = rt_graph_value (c.graph, c.inputs[table]);
        for (uint32_t i = 0; i < c.n_tokens; i++)
          {
            float row[96];
            kn_dequantize_row (KN_Q4_1,
                               (const uint8_t *)value->data
                                   + (size_t)tokens[i] * kn_row_bytes (KN_Q4_1, 96),
                               row, 96);
            g_assert_cmpmem (row, sizeof row, floats (&got, 0) + i * 96, sizeof row);
          }
        result_clear (&got);
        case_clear (&c);
      }
}

static void
test_select_rows (void)
{
  for (size_t t = 0; t < G_N_ELEMENTS (token_counts); t++)
    for (uint32_t n_out = 0; n_out <= token_counts[t]; n_out += MAX (1, token_counts[t] / 3))
      {
        Case c;
        case_init (&c, token_counts[t]);
        c.n_outputs = n_out;
        uint32_t x = add_rows (&c, 24);
        add_node (&c, &rt_op_select_rows, NULL);
        Result got = run_threads (&c);
        g_assert_cmpmem ((float *)c.data[x] + (c.n_tokens - n_out) * 24, n_out * 96, got.data[0],
                         got.n_bytes[0]);
        result_clear (&got);
        case_clear (&c);
      }
}

static void
check_rope (uint32_t n_tokens, uint32_t position, uint32_t n_heads, uint32_t head_dim,
            uint32_t n_dims, bool half, bool factors)
{
  Case table_case, c;
  RtRopeTableAttrs table_attrs = { .n_dims = n_dims, .base = 10000, .scale = 0.5f };
  RtRopeAttrs attrs = { .n_heads = n_heads, .head_dim = head_dim, .half = half };

  case_init (&table_case, n_tokens);
  table_case.position = position;
  add_value (&table_case, RT_TYPE_I32, 0, random_tokens (&table_case, 10));
  if (factors)
    add_vector (&table_case, n_dims / 2);
  add_node (&table_case, &rt_op_rope_table, &table_attrs);
  Result table = run_threads (&table_case);

  /* Straight from the formula. */
  for (uint32_t t = 0; t < n_tokens; t++)
    for (uint32_t i = 0; i < n_dims / 2; i++)
      {
        double angle = (position + t) * 0.5 * pow (10000, -2.0 * i / n_dims)
                       / (factors ? ((float *)table_case.data[1])[i] : 1);
        assert_near (floats (&table, 0)[t * n_dims + i], cos (angle), 1e-7, "cos", i);
        assert_near (floats (&table, 0)[t * n_dims + n_dims / 2 + i], sin (angle), 1e-7, "sin", i);
      }

  case_init (&c, n_tokens);
  uint32_t x = add_rows (&c, n_heads * head_dim);
  add_value (&c, RT_TYPE_F32, n_dims, table.data[0]);
  add_node (&c, &rt_op_rope, &attrs);
  Result got = run_threads (&c), expected = run_case (&c, 0);
  for (size_t i = 0; i < n_tokens * n_heads * head_dim; i++)
    assert_near (floats (&got, 0)[i], floats (&expected, 0)[i], gamma_n (3) * 4, "rope", i);
  (void)x;
  result_clear (&got);
  result_clear (&expected);
  result_clear (&table);
  case_clear (&c);
  case_clear (&table_case);
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
product_bound (Case *c, uint32_t weight, size_t token, size_t row)
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
compare_product (Case *c, const Result *got, const Result *expected, uint32_t output,
                 uint32_t weight, double extra)
{
  size_t n_rows = rt_weight_n_rows (c->weights[weight]);
  g_autofree double *bounds = g_new (double, n_rows);
  for (size_t r = 0; r < n_rows; r++)
    bounds[r] = product_bound (c, weight, 0, r) + extra;
  for (uint32_t t = 0; t < c->n_tokens; t++)
    for (size_t r = 0; r < n_rows; r++)
      assert_near (floats (got, output)[t * n_rows + r], floats (expected, output)[t * n_rows + r],
                   bounds[r], "product", t * n_rows + r);
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
  Case c;
  size_t n_rows = matrices[which].n_rows, n_cols = matrices[which].n_cols;

  case_init (&c, n_tokens);
  if (q8)
    add_q8_rows (&c, kn_matmul_act (matrices[which].dtype), n_cols);
  else
    add_rows (&c, n_cols);
  add_matrix (&c, matrices[which].dtype, n_rows, n_cols);
  if (bias)
    add_vector (&c, n_rows);
  else if (residual)
    skip_input (&c);
  if (residual)
    add_rows (&c, n_rows);
  add_node (&c, &rt_op_matmul, NULL);
  Result got = run_threads (&c), expected = run_case (&c, 0);
  compare_product (&c, &got, &expected, 0, RT_MATMUL_WEIGHT, 8 * U * 200);
  result_clear (&got);
  result_clear (&expected);
  case_clear (&c);
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
  Case c;
  case_init (&c, n_tokens);
  add_rows (&c, 64);
  add_matrix (&c, dtype, 96, 64);
  add_matrix (&c, dtype, 40, 64);
  add_matrix (&c, dtype, 7, 64);
  if (bias)
    {
      add_vector (&c, 96);
      skip_input (&c);
      add_vector (&c, 7);
    }
  add_node (&c, &rt_op_qkv, NULL);
  Result got = run_threads (&c), expected = run_case (&c, 0);
  for (uint32_t i = 0; i < 3; i++)
    compare_product (&c, &got, &expected, i, RT_QKV_WEIGHT + i, 8 * U * 200);
  result_clear (&got);
  result_clear (&expected);
  case_clear (&c);
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
  Case c;
  RtGateUpAttrs attrs = { .activation = activation, .quantize = quantize };
  case_init (&c, n_tokens);
  add_rows (&c, 64);
  add_matrix (&c, dtype, n_rows, 64);
  add_matrix (&c, dtype == KN_Q4_0 ? KN_Q8_0 : dtype, n_rows, 64);
  if (n_tokens > 1) /* biases */
    for (uint32_t i = 0; i < 2; i++)
      add_vector (&c, n_rows);
  add_node (&c, &rt_op_gate_up, &attrs);
  Result got = run_threads (&c), expected = run_case (&c, 0);

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
          memcpy (a, floats (&got, 0) + t * n_rows, n_rows * 4);
          memcpy (b, floats (&expected, 0) + t * n_rows, n_rows * 4);
        }
      for (size_t r = 0; r < n_rows; r++)
        top = MAX (top, fabs (b[r]));
      for (size_t r = 0; r < n_rows; r++)
        assert_near (a[r], b[r], quantize ? top / 127 * 1.01 + bound : bound, "gate-up", r);
    }
  result_clear (&got);
  result_clear (&expected);
  case_clear (&c);
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
  Case c;
  RtMatmulSkipAttrs attrs = { .share = 0.5f };

  case_init (&c, n_tokens);
  add_rows (&c, n_cols);
  add_matrix (&c, dtype, n_rows, n_cols);
  add_vector (&c, n_cols);
  add_node (&c, &rt_op_matmul_skip, &attrs);
  Result got = run_threads (&c), expected = run_case (&c, 0);
  compare_product (&c, &got, &expected, 0, RT_MATMUL_SKIP_WEIGHT, 8 * U * 200);
  for (uint32_t t = 0; t < n_tokens; t++)
    {
      guint n_kept = 0;
      for (size_t i = 0; i < n_cols; i++)
        n_kept += fabsf (((float *)(void *)c.data[RT_MATMUL_SKIP_X])[t * n_cols + i])
                  >= ((float *)(void *)c.data[RT_MATMUL_SKIP_THRESHOLDS])[i];
      g_assert_cmpfloat (floats (&got, 1)[t], ==, (float)n_kept);
    }
  result_clear (&got);
  result_clear (&expected);
  case_clear (&c);
}

/* Gate and up with rows of up left out: as the formula, on any number of threads, zeros where
 * the gate is below its threshold. Where rounding decides about a threshold, at most one in a
 * hundred, either is right. */
static void
check_gate_up_skip (KnDtype dtype, KnDtype up, size_t n_rows, uint32_t n_tokens,
                    uint32_t activation)
{
  Case c;
  RtGateUpSkipAttrs attrs = { .activation = activation, .share = 0.5f };
  guint n_zero = 0, n_other = 0;

  case_init (&c, n_tokens);
  add_rows (&c, 64);
  add_matrix (&c, dtype, n_rows, 64);
  add_matrix (&c, up, n_rows, 64);
  add_vector (&c, n_rows);
  for (size_t i = 0; i < n_rows; i++)
    ((float *)(void *)c.data[RT_GATE_UP_SKIP_THRESHOLDS])[i]
        = fabsf (((float *)(void *)c.data[RT_GATE_UP_SKIP_THRESHOLDS])[i]);
  add_node (&c, &rt_op_gate_up_skip, &attrs);
  Result got = run_threads (&c), expected = run_case (&c, 0);
  double error = product_bound (&c, 1, 0, 0);
  for (size_t r = 1; r < n_rows; r++)
    error = MAX (error, MAX (product_bound (&c, 1, 0, r), product_bound (&c, 2, 0, r)));
  double bound = 130 * 1.13 * error * 2 + 130 * 130 * 20 * U; /* as in check_gate_up () */
  for (size_t i = 0; i < n_tokens * n_rows; i++)
    {
      float y = floats (&got, 0)[i], want = floats (&expected, 0)[i];
      n_zero += y == 0;
      if ((y == 0) != (want == 0))
        n_other++;
      else
        g_assert_cmpfloat (fabs ((double)y - (double)want), <=, bound);
    }
  g_assert_cmpuint (100 * n_other, <=, n_tokens * n_rows);
  g_assert_cmpuint (n_zero, >, 0);
  g_assert_cmpuint (n_zero, <, n_tokens * n_rows);
  result_clear (&got);
  result_clear (&expected);
  case_clear (&c);
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
fill_cache (Case *c, const Attention *a, uint32_t n)
{
  RtError error = { 0 };
  c->kv = rt_kv_new (a->format, 2, a->n_kv_heads, a->head_dim, KV_CAPACITY, &error);
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
  Case c;
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
  case_init (&c, n_tokens);
  c.position = position;
  add_rows (&c, n_cols);
  add_rows (&c, a->n_kv_heads * a->head_dim);
  add_rows (&c, a->n_kv_heads * a->head_dim);
  fill_cache (&c, a, position);
  add_node (&c, &rt_op_attention, &attrs);
  Result got = run_threads (&c), expected = run_case (&c, 0);

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
          memcpy (x, floats (&got, 0) + t * n_cols, n_cols * 4);
          memcpy (y, floats (&expected, 0) + t * n_cols, n_cols * 4);
        }
      for (size_t i = 0; i < n_cols; i++)
        assert_near (x[i], y[i], bound, "attention", t * n_cols + i);
    }
  result_clear (&got);
  result_clear (&expected);
  case_clear (&c);
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
