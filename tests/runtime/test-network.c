/* Graphs that are no language models: inputs, states, views, prepared constants, many inputs. */
#include <math.h>
#include <string.h>

#include "net-case.h"
#include "ops/rt-ops-conv.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops.h"
#include "rt-trim.h"

/* ---- a state that counts: next = state + x ---- */

static void
test_state (void)
{
  RtShape shape = { .n_dims = 2, .dims = { 1, 3 } };
  const float begin[3] = { 1, 2, 3 }, x[3] = { 10, 20, 30 };
  RtGraph *graph = rt_graph_new (NULL);
  RtError error = { 0 };
  RtValueId in = rt_graph_add_input (graph, "x", RT_TYPE_F32, &shape, NULL);
  RtValueId state = rt_graph_add_state (graph, "s", RT_TYPE_F32, &shape, begin, NULL);
  RtNodeId add = rt_graph_add_node (graph, "sum", 0, &rt_op_add, (RtValueId[]){ state, in }, 2,
                                    NULL, &error);
  RtValueId sum = rt_graph_node (graph, add)->outputs[0];
  rt_graph_set_output (graph, sum);
  g_assert_true (rt_graph_set_next (graph, state, sum, &error));
  g_assert_false (rt_graph_set_next (graph, in, sum, &error)); /* an input is no state */
  g_assert_nonnull (strstr (error.message, "x cannot become sum"));

  RtPool *pool = rt_pool_new (2, NULL);
  RtExec *exec = rt_exec_new (&(RtExecConfig){ .graph = graph, .pool = pool }, &error);
  g_assert_nonnull (exec);
  rt_exec_set_input (exec, in, x);
  for (int round = 0; round < 2; round++)
    {
      for (int run = 1; run <= 3; run++)
        {
          g_assert_true (rt_exec_infer (exec, NULL, RT_PHASE_INFERENCE, &error));
          const float *y = rt_exec_value (exec, sum);
          for (int i = 0; i < 3; i++)
            g_assert_cmpfloat (y[i], ==, begin[i] + (float)run * x[i]);
        }
      rt_exec_reset_state (exec);
    }
  rt_exec_free (exec);
  rt_pool_free (pool);
  rt_graph_free (graph);
}

/* ---- an input whose size is known only when it comes ---- */

static void
test_symbols (void)
{
  RtShape shape = { .n_dims = 2, .dims = { RT_DIM_SAMPLES, 2 } };
  const float x[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
  int64_t symbols[RT_N_SYMBOLS] = { [4] = 3 };
  RtGraph *graph = rt_graph_new (NULL);
  RtError error = { 0 };
  RtValueId in = rt_graph_add_input (graph, "x", RT_TYPE_F32, &shape, NULL);
  RtNodeId add
      = rt_graph_add_node (graph, "twice", 0, &rt_op_add, (RtValueId[]){ in, in }, 2, NULL, &error);
  RtValueId y = rt_graph_node (graph, add)->outputs[0];
  rt_graph_set_output (graph, y);

  RtPool *pool = rt_pool_new (1, NULL);
  RtExecConfig config = { .graph = graph, .pool = pool };
  g_assert_null (rt_exec_new (&config, &error)); /* how many samples at most? */
  config.max_symbols[4] = 4;
  RtExec *exec = rt_exec_new (&config, &error);
  g_assert_nonnull (exec);

  g_assert_false (rt_exec_infer (exec, symbols, RT_PHASE_INFERENCE, &error));
  g_assert_nonnull (strstr (error.message, "Input x was not given"));
  rt_exec_set_input (exec, in, x);
  g_assert_true (rt_exec_infer (exec, symbols, RT_PHASE_INFERENCE, &error));
  RtShape got;
  rt_exec_value_shape (exec, y, &got);
  g_assert_cmpint (got.dims[0], ==, 3);
  for (int i = 0; i < 6; i++)
    g_assert_cmpfloat (((const float *)rt_exec_value (exec, y))[i], ==, 2 * x[i]);
  symbols[4] = 5;
  g_assert_false (rt_exec_infer (exec, symbols, RT_PHASE_INFERENCE, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_RANGE);
  rt_exec_free (exec);
  rt_pool_free (pool);
  rt_graph_free (graph);
}

/* ---- constants of any type, scalars, quantization ---- */

static void
test_values (void)
{
  static const int64_t numbers[2] = { 5, 7 };
  const float scales[2] = { 0.5f, 0.25f };
  const int32_t zeros[2] = { 1, -3 };
  RtGraph *graph = rt_graph_new (NULL);
  RtError error = { 0 };
  RtValueId a = rt_graph_add_weight (graph, "a", RT_TYPE_I64,
                                     &(RtShape){ .n_dims = 1, .dims = { 2 } }, numbers, 16, &error);
  RtValueId b = rt_graph_add_weight (graph, "b", RT_TYPE_I64, &(RtShape){ 0 }, numbers, 8, &error);
  g_assert_cmpuint (a, !=, RT_NONE);
  g_assert_cmpuint (b, !=, RT_NONE);
  g_assert_cmpuint (rt_graph_add_weight (graph, "c", RT_TYPE_I64, &(RtShape){ 0 }, numbers, 4,
                                         &error),
                    ==, RT_NONE);
  g_assert_nonnull (strstr (error.message, "expected 8 bytes, got 4"));

  g_assert_true (rt_graph_set_quant (graph, a, &(RtQuant){ 2, 0, scales, zeros }, &error));
  const RtQuant *quant = rt_graph_value (graph, a)->quant;
  g_assert_cmpuint (quant->n, ==, 2);
  g_assert_cmpfloat (quant->scales[1], ==, 0.25f);
  g_assert_cmpint (quant->zero_points[1], ==, -3);
  g_assert_null (rt_graph_value (graph, b)->quant);

  g_assert_cmpuint (rt_type_bytes (RT_TYPE_BOOL), ==, 1);
  g_assert_cmpuint (rt_type_bytes (KN_Q4_0), ==, 0);
  g_assert_cmpstr (rt_type_name (RT_TYPE_U8), ==, "u8");
  g_assert_cmpstr (rt_type_name (KN_Q4_0), ==, "Q4_0");
  g_assert_cmpuint (rt_shape_n (&(RtShape){ 0 }), ==, 1);
  g_assert_cmpuint (rt_shape_n (&(RtShape){ .n_dims = 2, .dims = { 3, 0 } }), ==, 0);
  rt_graph_free (graph);
}

/* ---- batch norms in the weights before them ---- */

typedef struct
{
  RtGraph *graph;
  GPtrArray *owned;
  guint n;
} Made;

static RtValueId
constant (Made *m, guint n_dims, const int64_t *dims, float low, float high)
{
  RtShape shape = { .n_dims = n_dims };
  char name[16];
  memcpy (shape.dims, dims, n_dims * sizeof *dims);
  guint64 n = rt_shape_n (&shape);
  float *data = g_new (float, n);
  for (guint64 i = 0; i < n; i++)
    data[i] = (float)g_test_rand_double_range (low, high);
  g_ptr_array_add (m->owned, data);
  g_snprintf (name, sizeof name, "c%u", m->n++);
  return rt_graph_add_weight (m->graph, name, RT_TYPE_F32, &shape, data, n * 4, NULL);
}

static RtValueId
node (Made *m, const char *name, const RtOp *op, const void *attrs, guint n,
      const RtValueId *inputs)
{
  RtError error = { 0 };
  RtNodeId id = rt_graph_add_node (m->graph, name, 0, op, inputs, n, attrs, &error);
  if (id == RT_NONE)
    g_error ("%s: %s", name, error.message);
  return rt_graph_node (m->graph, id)->outputs[0];
}

static RtValueId
norm (Made *m, const char *name, RtValueId x, int64_t n)
{
  const RtChannelNormAttrs attrs = { .eps = 1e-3f };
  return node (m, name, &rt_op_batch_norm, &attrs, 5,
               (RtValueId[]){ x, constant (m, 1, &n, 0.5f, 2), constant (m, 1, &n, -1, 1),
                              constant (m, 1, &n, -1, 1), constant (m, 1, &n, 0.1f, 2) });
}

/* conv, norm, norm; depthwise with a bias, norm, factors of channels, one of rows; a convolution
 * that is read twice, norm; an output that is a norm. */
static void
make_norms (Made *m)
{
  const RtConvAttrs attrs = { .stride_h = 1,
                              .stride_w = 1,
                              .dilation_h = 1,
                              .dilation_w = 1,
                              .groups = 1,
                              .min = -INFINITY,
                              .max = INFINITY };
  m->graph = rt_graph_new (NULL);
  m->owned = g_ptr_array_new_with_free_func (g_free);
  RtValueId x = rt_graph_add_input (m->graph, "x", RT_TYPE_F32,
                                    &(RtShape){ .n_dims = 4, .dims = { 1, 8, 8, 3 } }, NULL);
  x = node (m, "conv1", &rt_op_conv, &attrs, 2,
            (RtValueId[]){ x, constant (m, 4, (int64_t[]){ 6, 3, 3, 3 }, -1, 1) });
  x = norm (m, "norm1b", norm (m, "norm1", x, 6), 6);
  x = node (m, "dw", &rt_op_depthwise, &attrs, 3,
            (RtValueId[]){ x, constant (m, 3, (int64_t[]){ 3, 3, 6 }, -1, 1),
                           constant (m, 1, (int64_t[]){ 6 }, -1, 1) });
  x = norm (m, "norm2", x, 6);
  x = node (m, "mul", &rt_op_mul, NULL, 2,
            (RtValueId[]){ constant (m, 1, (int64_t[]){ 6 }, -1, 1), x });
  x = node (m, "sub", &rt_op_sub, NULL, 2,
            (RtValueId[]){ x, constant (m, 1, (int64_t[]){ 1 }, -1, 1) });
  x = node (m, "add", &rt_op_add, NULL, 2,
            (RtValueId[]){ x, constant (m, 4, (int64_t[]){ 1, 1, 1, 6 }, -1, 1) });
  x = node (m, "rows", &rt_op_mul, NULL, 2,
            (RtValueId[]){ x, constant (m, 3, (int64_t[]){ 4, 1, 1 }, -1, 1) });
  x = node (m, "conv3", &rt_op_conv, &attrs, 2,
            (RtValueId[]){ x, constant (m, 4, (int64_t[]){ 4, 1, 1, 6 }, -1, 1) });
  x = node (m, "sum", &rt_op_add, NULL, 2, (RtValueId[]){ x, norm (m, "norm3", x, 4) });
  rt_graph_set_output (m->graph, norm (m, "y", x, 4));
}

static float *
run_norms (const RtGraph *graph, gsize *n)
{
  NetExec e;
  float x[8 * 8 * 3];
  for (guint i = 0; i < G_N_ELEMENTS (x); i++)
    x[i] = (float)((i * 37) % 101) / 50 - 1;
  net_exec_init (&e, graph, 1, RT_PLANNER_GREEDY, false);
  rt_exec_set_input (e.exec, rt_graph_find_value (graph, "x"), x);
  net_exec_run (&e);
  RtValueId y = rt_graph_find_value (graph, "y");
  *n = rt_shape_n (&rt_graph_value (graph, y)->shape);
  float *copy = g_memdup2 (rt_exec_value (e.exec, y), *n * sizeof (float));
  net_exec_clear (&e);
  return copy;
}

static void
test_fold_norms (void)
{
  Made m = { 0 };
  RtError error = { 0 };
  guint32 n_folded = 0;
  gsize n, n_again;

  make_norms (&m);
  g_autofree float *before = run_norms (m.graph, &n);
  g_assert_true (rt_fold_norms (m.graph, &n_folded, &error));
  g_assert_cmpuint (n_folded, ==, 6); /* not of what is read twice, not of a sum, not rows */
  RtGraph *graph = rt_trim (m.graph, NULL, &error);
  g_assert_nonnull (graph);
  g_assert_cmpuint (rt_graph_n_nodes (graph), ==, 7);
  g_autofree float *after = run_norms (graph, &n_again);
  g_assert_cmpuint (n, ==, n_again);
  for (gsize i = 0; i < n; i++)
    g_assert_cmpfloat_with_epsilon (after[i], before[i], 1e-4f * (1 + ABS (before[i])));

  const RtNode *conv = rt_graph_node (graph, rt_graph_find_node (graph, "conv1"));
  g_assert_cmpuint (conv->n_sources, ==, 3);
  g_assert_cmpstr (conv->sources[0], ==, "conv1");
  g_assert_cmpstr (conv->sources[2], ==, "norm1b");
  g_assert_cmpuint (conv->n_inputs, ==, 3);
  rt_graph_free (graph);
  rt_graph_free (m.graph);
  g_ptr_array_unref (m.owned);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/network/state", test_state);
  g_test_add_func ("/network/symbols", test_symbols);
  g_test_add_func ("/network/values", test_values);
  g_test_add_func ("/network/fold-norms", test_fold_norms);
  return g_test_run ();
}
