/* One operator of a language model in a graph of its own: inputs with random numbers, the scratch
 * that it asks for and no byte more, runs on several numbers of threads. What is compared with the
 * reference, and how near it has to be, is the tests'. */
#include "ops-case.h"

#include <string.h>

#include "kn-quant.h"

static const uint32_t thread_counts[] = { 1, 2, 3, 8 };

void
ops_case_init (OpsCase *c, uint32_t n_tokens)
{
  memset (c, 0, sizeof *c);
  c->graph = rt_graph_new (NULL);
  c->owned = g_ptr_array_new_with_free_func (g_free);
  c->n_tokens = n_tokens;
  c->n_outputs = n_tokens;
}

void
ops_case_clear (OpsCase *c)
{
  for (uint32_t i = 0; i < c->n_inputs; i++)
    rt_weight_unref (c->weights[i]);
  rt_kv_free (c->kv);
  rt_graph_free (c->graph);
  g_ptr_array_unref (c->owned);
}

void *
ops_case_own (OpsCase *c, size_t n_bytes)
{
  /* Aligned as the arena is. */
  uint8_t *memory = g_malloc0 (n_bytes + 2 * KN_ALIGN);
  g_ptr_array_add (c->owned, memory);
  return memory + KN_ALIGN - (uintptr_t)memory % KN_ALIGN;
}

float *
ops_case_floats (OpsCase *c, size_t n, float low, float high)
{
  float *x = ops_case_own (c, n * sizeof *x);
  for (size_t i = 0; i < n; i++)
    x[i] = (float)g_test_rand_double_range (low, high);
  return x;
}

uint32_t
ops_case_add_value (OpsCase *c, int type, int64_t n_cols, void *data)
{
  RtShape shape = { .n_dims = n_cols > 0 ? 2 : 1, .dims = { RT_DIM_TOKENS, n_cols } };
  char name[16];
  g_snprintf (name, sizeof name, "in%u", c->n_inputs);
  c->inputs[c->n_inputs] = rt_graph_add_input (c->graph, name, type, &shape, NULL);
  c->data[c->n_inputs] = data;
  return c->n_inputs++;
}

uint32_t
ops_case_add_rows (OpsCase *c, size_t n_cols)
{
  return ops_case_add_value (c, RT_TYPE_F32, (int64_t)n_cols,
                             ops_case_floats (c, c->n_tokens * n_cols, -2, 2));
}

uint32_t
ops_case_add_q8_rows (OpsCase *c, KnActKind act, size_t n_cols)
{
  const float *x = ops_case_floats (c, c->n_tokens * n_cols, -2, 2);
  size_t row_bytes = kn_act_row_bytes (act, n_cols);
  uint8_t *rows = ops_case_own (c, c->n_tokens * row_bytes);
  for (uint32_t t = 0; t < c->n_tokens; t++)
    kn_act_store (&kn_table ()->matmul, act, x + t * n_cols, n_cols, rows + t * row_bytes);
  return ops_case_add_value (c, act == KN_ACT_Q8 ? RT_TYPE_Q8_ROWS : RT_TYPE_Q8_TOKEN_ROWS,
                             (int64_t)n_cols, rows);
}

uint32_t
ops_case_add_weight (OpsCase *c, KnDtype dtype, size_t n_rows, size_t n_cols, const void *bytes,
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

uint32_t
ops_case_add_vector (OpsCase *c, size_t n)
{
  float *x = ops_case_floats (c, n, 0.5f, 1.5f);
  uint32_t i = ops_case_add_weight (c, KN_F32, 0, n, x, n * 4);
  c->data[i] = x;
  return i;
}

uint32_t
ops_case_add_matrix (OpsCase *c, KnDtype dtype, size_t n_rows, size_t n_cols)
{
  float *x = ops_case_floats (c, n_rows * n_cols, -1, 1);
  size_t row_bytes = kn_row_bytes (dtype, n_cols);
  uint8_t *rows = ops_case_own (c, n_rows * row_bytes);
  for (size_t r = 0; r < n_rows; r++)
    kn_quantize_row (dtype, x + r * n_cols, rows + r * row_bytes, n_cols);

  uint32_t i = ops_case_add_weight (c, dtype, n_rows, n_cols, rows, n_rows * row_bytes);
  c->weights[i]
      = rt_weight_pack (dtype, dtype, rows, n_rows * row_bytes, n_rows, n_cols, NULL, NULL, NULL);
  return i;
}

void
ops_case_skip_input (OpsCase *c)
{
  c->inputs[c->n_inputs++] = RT_NONE;
}

void
ops_case_add_node (OpsCase *c, const RtOp *op, const void *attrs)
{
  RtError error = { 0 };
  c->node = rt_graph_add_node (c->graph, "node", 0, op, c->inputs, c->n_inputs, attrs, &error);
  if (c->node == RT_NONE)
    g_error ("%s: %s", op->name, error.message);
}

/* ---- running it ---- */

void
ops_result_clear (OpsResult *r)
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
fill_context (OpsCase *c, RtOpContext *context, OpsResult *result, const int64_t *symbols)
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

OpsResult
ops_case_run (OpsCase *c, uint32_t n_threads)
{
  const RtNode *node = rt_graph_node (c->graph, c->node);
  int64_t symbols[RT_N_SYMBOLS] = { c->n_tokens, c->n_outputs };
  uint64_t shared_bytes = 0, thread_bytes = 0;
  OpsResult result = { 0 };
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
                                     .kv_capacity = OPS_CASE_KV_CAPACITY,
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

OpsResult
ops_case_run_threads (OpsCase *c)
{
  OpsResult first = ops_case_run (c, 1);

  for (size_t i = 1; i < G_N_ELEMENTS (thread_counts); i++)
    {
      OpsResult other = ops_case_run (c, thread_counts[i]);
      for (uint32_t k = 0; k < rt_graph_node (c->graph, c->node)->n_outputs; k++)
        g_assert_cmpmem (first.data[k], first.n_bytes[k], other.data[k], other.n_bytes[k]);
      ops_result_clear (&other);
    }
  return first;
}

const float *
ops_result_floats (const OpsResult *r, uint32_t output)
{
  return (const float *)(const void *)r->data[output];
}
