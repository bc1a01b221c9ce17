/* The layout pass and the fusion around convolutions: a channels-first network gives the same
 * outputs as its plain reference, with few transposes and few nodes. */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "net-case.h"
#include "ops/rt-ops-conv.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops-move.h"
#include "ops/rt-ops.h"
#include "rt-fuse.h"
#include "rt-layout.h"

static RtValueId
conv (Net *net, const char *name, RtValueId x, int64_t n_in, int64_t n_out, int64_t k)
{
  RtConvAttrs attrs = { .stride_h = 1,
                        .stride_w = 1,
                        .dilation_h = 1,
                        .dilation_w = 1,
                        .pad_top = (uint32_t)k / 2,
                        .pad_left = (uint32_t)k / 2,
                        .pad_bottom = (uint32_t)k / 2,
                        .pad_right = (uint32_t)k / 2,
                        .groups = 1,
                        .min = -INFINITY,
                        .max = INFINITY,
                        .channels_first = 1 };
  RtValueId w = net_weight (net, 4, (int64_t[]){ n_out, k, k, n_in }, -1, 1);
  RtValueId b = net_weight (net, 1, &n_out, -1, 1);
  return net_add (net, name, &rt_op_conv, &attrs, 3, (RtValueId[]){ x, w, b });
}

static RtValueId
batch_norm (Net *net, const char *name, RtValueId x, int64_t n)
{
  RtChannelNormAttrs attrs = { .eps = 1e-5f, .channels_first = 1 };
  RtValueId inputs[5] = { x };

  for (guint i = 1; i < 5; i++)
    inputs[i] = net_weight (net, 1, &n, -1, 1);
  float *variance = net->owned->pdata[net->owned->len - 1];
  for (int64_t i = 0; i < n; i++)
    variance[i] = fabsf (variance[i]) + 0.5f;
  return net_add (net, name, &rt_op_batch_norm, &attrs, 5, inputs);
}

/* conv - relu - [conv - sigmoid * ] + residual - norm - concat - flatten, with a per-channel
 * constant in the file's layout and a reshape and transpose as detectors have them. */
static void
build (Net *net)
{
  RtValueId x = rt_graph_add_input (net->graph, "x", RT_TYPE_F32,
                                    &(RtShape){ .n_dims = 4, .dims = { 1, 3, 10, 12 } }, NULL);
  RtValueId pad
      = net_add (net, "pad", &rt_op_pad,
                 &(RtPadAttrs){ .before = { 0, 0, 1, 0 }, .after = { 0, 0, 0, 2 } }, 1, &x);
  RtValueId a = conv (net, "a", pad, 3, 16, 3);
  a = net_add (net, "a_relu", &rt_op_relu, NULL, 1, &a);
  RtValueId b = conv (net, "b", a, 16, 16, 1);
  RtValueId gate = net_add (net, "b_sigmoid", &rt_op_sigmoid, NULL, 1, &b);
  b = net_add (net, "b_silu", &rt_op_mul, NULL, 2, (RtValueId[]){ b, gate });
  RtValueId sum = net_add (net, "sum", &rt_op_add, NULL, 2, (RtValueId[]){ a, b });
  RtValueId scale = net_weight (net, 3, (int64_t[]){ 16, 1, 1 }, -1, 1);
  sum = net_add (net, "scaled", &rt_op_mul, NULL, 2, (RtValueId[]){ sum, scale });
  sum = batch_norm (net, "normed", sum, 16);
  RtValueId both
      = net_add (net, "both", &rt_op_concat, &(RtAxisAttrs){ 1 }, 2, (RtValueId[]){ sum, a });
  RtValueId head = conv (net, "head", both, 32, 6, 3);
  RtValueId flat
      = net_add (net, "flat", &rt_op_reshape,
                 &(RtShapeAttrs){ { .n_dims = 3, .dims = { 1, 6, 11 * 14 } } }, 1, &head);
  RtValueId rows
      = net_add (net, "rows", &rt_op_transpose, &(RtTransposeAttrs){ { 0, 2, 1 } }, 1, &flat);
  rows = net_add (net, "out_rows", &rt_op_sigmoid, NULL, 1, &rows);
  rt_graph_set_output (net->graph, rows);
  RtValueId out = conv (net, "out_picture", both, 32, 2, 1);
  rt_graph_set_output (net->graph, out);
}

/* Outputs by name, one after the other. */
static GArray *
run (const RtGraph *graph, bool reference, RtPlanner planner, const float *x)
{
  static const char *const names[] = { "out_rows", "out_picture" };
  GArray *all = g_array_new (FALSE, FALSE, sizeof (float));
  NetExec e;

  net_exec_init (&e, graph, 2, planner, reference);
  rt_exec_set_input (e.exec, rt_graph_find_value (graph, "x"), x);
  net_exec_run (&e);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      gsize n;
      const float *y = net_exec_floats (&e, names[i], &n);
      g_assert_cmpint (rt_graph_value (graph, rt_graph_find_value (graph, names[i]))->kind, ==,
                       RT_VALUE_OUTPUT);
      g_array_append_vals (all, y, (guint)n);
    }
  net_exec_clear (&e);
  return all;
}

static guint
count (const RtGraph *graph, const RtOp *op)
{
  guint n = 0;
  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    n += rt_graph_node (graph, i)->op == op;
  return n;
}

static void
check_near (const GArray *got, const GArray *expected)
{
  g_assert_cmpuint (got->len, ==, expected->len);
  for (guint i = 0; i < got->len; i++)
    g_assert_cmpfloat_with_epsilon (g_array_index (got, float, i),
                                    g_array_index (expected, float, i), 1e-4);
}

static void
test_network (void)
{
  float x[3 * 10 * 12];
  Net net;
  RtError error = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (x); i++)
    x[i] = (float)g_test_rand_double_range (-1, 1);
  net_init (&net);
  build (&net);
  g_autoptr (GArray) expected = run (net.graph, true, RT_PLANNER_GREEDY, x);

  RtGraph *last = rt_layout (net.graph, &error);
  if (last == NULL)
    g_error ("%s", error.message);
  g_assert_true (rt_graph_validate (last, &error));
  for (RtNodeId i = 0; i < rt_graph_n_nodes (last); i++)
    g_test_message ("%s %s", rt_graph_node (last, i)->name, rt_graph_node (last, i)->op->name);
  /* In, and out of the one output that is a picture; the rows of the other come for free. */
  g_assert_cmpuint (count (last, &rt_op_transpose), ==, 2);
  g_autoptr (GArray) plain = run (last, false, RT_PLANNER_NONE, x);
  check_near (plain, expected);

  RtGraph *fused = rt_fuse (last, NULL, RT_FUSE_ALL, &error);
  if (fused == NULL)
    g_error ("%s", error.message);
  g_assert_cmpuint (count (fused, &rt_op_pad), ==, 0);
  g_assert_cmpuint (count (fused, &rt_op_relu), ==, 0);
  g_assert_cmpuint (count (fused, &rt_op_add), ==, 0);
  g_assert_cmpuint (count (fused, &rt_op_sigmoid), ==, 1);
  const RtNode *b = rt_graph_node (fused, rt_graph_find_node (fused, "b"));
  g_assert_cmpuint (b->n_sources, ==, 4);
  g_assert_cmpstr (b->sources[3], ==, "sum");
  for (int planner = 0; planner < RT_N_PLANNERS; planner++)
    {
      g_autoptr (GArray) got = run (fused, false, (RtPlanner)planner, x);
      check_near (got, expected);
    }
  rt_graph_free (fused);
  rt_graph_free (last);
  net_clear (&net);
}

/* A network that has its channels last, and a state that only the next run reads: nothing moves. */
static void
test_nothing_to_do (void)
{
  const RtShape shape = { 4, { 1, 5, 1, 8 } }, part = { 4, { 1, 4, 1, 8 } };
  const RtSliceAttrs slice = { 1, { 1 }, { 1 }, { 5 }, { 1 } };
  float data[4 * 8] = { 0 };
  RtError error = { 0 };
  Net net;

  net_init (&net);
  RtValueId x = rt_graph_add_input (net.graph, "x", RT_TYPE_F32, &shape, &error);
  RtValueId state = rt_graph_add_state (net.graph, "state", RT_TYPE_F32, &part, data, &error);
  RtValueId all
      = net_add (&net, "all", &rt_op_concat, &(RtAxisAttrs){ 1 }, 2, (RtValueId[]){ state, x });
  RtValueId next = net_add (&net, "next", &rt_op_slice, &slice, 1, (RtValueId[]){ all });
  g_assert_true (rt_graph_set_next (net.graph, state, next, &error));
  rt_graph_set_output (net.graph, all);

  RtGraph *last = rt_layout (net.graph, &error);
  if (last == NULL)
    g_error ("%s", error.message);
  g_assert_cmpuint (rt_graph_n_nodes (last), ==, 2);
  rt_graph_free (last);
  net_clear (&net);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/layout/network", test_network);
  g_test_add_func ("/layout/nothing-to-do", test_nothing_to_do);
  return g_test_run ();
}
