/* Graphs that are no language models: inputs, states, views, prepared constants, many inputs. */
#include <string.h>

#include "net-case.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops.h"

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
  RtNodeId add = rt_graph_add_node (graph, "twice", 0, &rt_op_add, (RtValueId[]){ in, in }, 2, NULL,
                                    &error);
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
  RtValueId b
      = rt_graph_add_weight (graph, "b", RT_TYPE_I64, &(RtShape){ 0 }, numbers, 8, &error);
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/network/state", test_state);
  g_test_add_func ("/network/symbols", test_symbols);
  g_test_add_func ("/network/values", test_values);
  return g_test_run ();
}
