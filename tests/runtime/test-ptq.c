/* Post-training quantization of a small network: close to the float one, exactly the float one
 * where it is told to be, and better with equalization and bias correction where those matter. */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "net-case.h"
#include "ops/rt-ops-conv.h"
#include "ops/rt-ops-int8.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops-move.h"
#include "ops/rt-ops.h"
#include "rt-ptq.h"

#define SIDE 12
#define N_X (SIDE * SIDE * 3)

static const RtConvAttrs conv_attrs = { .stride_h = 1,
                                        .stride_w = 1,
                                        .dilation_h = 1,
                                        .dilation_w = 1,
                                        .pad_top = 1,
                                        .pad_left = 1,
                                        .pad_bottom = 1,
                                        .pad_right = 1,
                                        .groups = 1,
                                        .min = 0,
                                        .max = INFINITY };

/* conv, depthwise, conv, a sum of two branches, hard-swish, concat, pool, dense, softmax. */
static void
build (Net *net)
{
  RtConvAttrs linear = conv_attrs;
  net_init (net);
  linear.min = -INFINITY;

  RtValueId x = rt_graph_add_input (net->graph, "x", RT_TYPE_F32,
                                    &(RtShape){ .n_dims = 4, .dims = { 1, SIDE, SIDE, 3 } }, NULL);
  RtValueId a
      = net_add (net, "conv1", &rt_op_conv, &conv_attrs, 3,
                 (RtValueId[]){ x, net_weight (net, 4, (int64_t[]){ 16, 3, 3, 3 }, -0.4f, 0.4f),
                                net_weight (net, 1, (int64_t[]){ 16 }, -0.1f, 0.3f) });
  a = net_add (net, "dw", &rt_op_depthwise, &conv_attrs, 3,
               (RtValueId[]){ a, net_weight (net, 3, (int64_t[]){ 3, 3, 16 }, -0.3f, 0.4f),
                              net_weight (net, 1, (int64_t[]){ 16 }, -0.1f, 0.3f) });
  RtValueId b
      = net_add (net, "conv2", &rt_op_conv, &linear, 2,
                 (RtValueId[]){ a, net_weight (net, 4, (int64_t[]){ 16, 3, 3, 16 }, -0.2f, 0.2f) });
  RtValueId sum = net_add (net, "sum", &rt_op_add, NULL, 2, (RtValueId[]){ a, b });
  sum = net_add (net, "swish", &rt_op_hard_swish, NULL, 1, &sum);
  RtValueId both
      = net_add (net, "both", &rt_op_concat, &(RtAxisAttrs){ 3 }, 2, (RtValueId[]){ sum, a });
  both = net_add (net, "pool", &rt_op_max_pool,
                  &(RtPoolAttrs){ .kernel_h = 2,
                                  .kernel_w = 2,
                                  .stride_h = 2,
                                  .stride_w = 2,
                                  .dilation_h = 1,
                                  .dilation_w = 1,
                                  .min = -INFINITY,
                                  .max = INFINITY },
                  1, &both);
  RtValueId flat
      = net_add (net, "flat", &rt_op_reshape,
                 &(RtShapeAttrs){ { .n_dims = 2, .dims = { 1, SIDE * SIDE / 4 * 32 } } }, 1, &both);
  RtValueId y = net_add (net, "dense", &rt_op_matmul, NULL, 3,
                         (RtValueId[]){ flat,
                                        net_weight (net, 2, (int64_t[]){ 10, SIDE * SIDE / 4 * 32 },
                                                    -0.05f, 0.05f),
                                        net_weight (net, 1, (int64_t[]){ 10 }, -1, 1) });
  rt_graph_set_output (net->graph, y);
}

static void
random_x (float *x)
{
  for (guint i = 0; i < N_X; i++)
    x[i] = (float)g_test_rand_double_range (-0.5, 1);
}

/* Ranges and channel means of all values over some random inputs. */
static void
calibrate (const RtGraph *graph, RtRange *ranges, float **means)
{
  float x[N_X];
  NetExec e;
  const guint n_runs = 8;

  net_exec_init (&e, graph, 1, RT_PLANNER_NONE, false);
  for (guint run = 0; run < n_runs; run++)
    {
      random_x (x);
      rt_exec_set_input (e.exec, rt_graph_find_value (graph, "x"), x);
      net_exec_run (&e);
      for (RtValueId id = 0; id < rt_graph_n_values (graph); id++)
        {
          const RtValue *value = rt_graph_value (graph, id);
          if (value->kind == RT_VALUE_WEIGHT)
            continue;
          const float *v = rt_exec_value (e.exec, id);
          guint64 n = rt_shape_n (&value->shape);
          gsize n_channels = (gsize)value->shape.dims[value->shape.n_dims - 1];
          if (means[id] == NULL)
            means[id] = g_new0 (float, n_channels);
          if (run == 0)
            {
              memset (means[id], 0, n_channels * sizeof (float));
              ranges[id] = (RtRange){ 0 };
            }
          for (guint64 i = 0; i < n; i++)
            {
              ranges[id].low = fminf (ranges[id].low, v[i]);
              ranges[id].high = fmaxf (ranges[id].high, v[i]);
              means[id][i % n_channels] += v[i] * (float)n_channels / (float)(n * n_runs);
            }
          ranges[id].is_known = true;
        }
    }
  net_exec_clear (&e);
}

/* Signal to error of @got against @expected over some inputs, in dB; *@bias is increased by
 * the size of the mean error of an output. */
static double
compare (const RtGraph *got, const RtGraph *expected, double *bias)
{
  float x[N_X];
  NetExec a, b;
  double signal = 0, noise = 0, errors[10] = { 0 };
  gsize n = 0;
  const guint n_runs = 12;

  net_exec_init (&a, got, 2, RT_PLANNER_GREEDY, false);
  net_exec_init (&b, expected, 1, RT_PLANNER_GREEDY, false);
  for (guint run = 0; run < n_runs; run++)
    {
      random_x (x);
      rt_exec_set_input (a.exec, rt_graph_find_value (got, "x"), x);
      rt_exec_set_input (b.exec, rt_graph_find_value (expected, "x"), x);
      net_exec_run (&a);
      net_exec_run (&b);
      const float *ya = net_exec_floats (&a, "dense", &n), *yb = net_exec_floats (&b, "dense", &n);
      for (gsize i = 0; i < n; i++)
        {
          signal += (double)yb[i] * yb[i];
          noise += ((double)ya[i] - yb[i]) * ((double)ya[i] - yb[i]);
          errors[i] += (double)ya[i] - yb[i];
        }
    }
  net_exec_clear (&a);
  net_exec_clear (&b);
  for (gsize i = 0; i < n && bias != NULL; i++)
    *bias += fabs (errors[i]) / (double)(n * n_runs);
  return noise > 0 ? 10 * log10 (signal / noise) : INFINITY;
}

static guint
count (const RtGraph *graph, const RtOp *op)
{
  guint n = 0;
  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    n += rt_graph_node (graph, i)->op == op;
  return n;
}

typedef struct
{
  Net net;
  RtRange *ranges;
  float **means;
  guint n_values;
} Setup;

static void
setup_init (Setup *s)
{
  build (&s->net);
  s->n_values = rt_graph_n_values (s->net.graph);
  s->ranges = g_new0 (RtRange, s->n_values);
  s->means = g_new0 (float *, s->n_values);
  calibrate (s->net.graph, s->ranges, s->means);
}

static void
setup_clear (Setup *s)
{
  for (guint i = 0; i < s->n_values; i++)
    g_free (s->means[i]);
  g_free (s->means);
  g_free (s->ranges);
  net_clear (&s->net);
}

static void
test_close (void)
{
  Setup s;
  RtError error = { 0 };

  setup_init (&s);
  RtGraph *graph = rt_ptq (s.net.graph, &(RtPtqConfig){ .ranges = s.ranges }, &error);
  if (graph == NULL)
    g_error ("%s", error.message);
  /* All of it: one step in, one step out. */
  g_assert_cmpuint (count (graph, &rt_op_quantize), ==, 1);
  g_assert_cmpuint (count (graph, &rt_op_dequantize), ==, 1);
  g_assert_cmpuint (count (graph, &rt_op_conv_int8), ==, 2);
  g_assert_cmpuint (count (graph, &rt_op_depthwise_int8), ==, 1);
  g_assert_cmpuint (count (graph, &rt_op_fully_connected_int8), ==, 1);
  g_assert_cmpuint (count (graph, &rt_op_conv) + count (graph, &rt_op_add), ==, 0);
  const RtNode *dense = rt_graph_node (graph, rt_graph_n_nodes (graph) - 1);
  g_assert_cmpstr (dense->name, ==, "dense");
  double db = compare (graph, s.net.graph, NULL);
  g_test_message ("8 bit: %.1f dB", db);
  g_assert_cmpfloat (db, >, 15);
  rt_graph_free (graph);
  setup_clear (&s);
}

static void
test_opt_out (void)
{
  Setup s;
  RtError error = { 0 };

  setup_init (&s);
  guint n = rt_graph_n_nodes (s.net.graph);
  g_autofree bool *keep = g_new0 (bool, n);
  for (guint i = 0; i < n; i++)
    keep[i] = true;
  RtPtqConfig config = { .ranges = s.ranges, .keep_float = keep };
  RtGraph *graph = rt_ptq (s.net.graph, &config, &error);
  g_assert_true (isinf (compare (graph, s.net.graph, NULL))); /* nothing changed */
  rt_graph_free (graph);

  /* One convolution alone: a step in before and a step out behind it. */
  keep[rt_graph_find_node (s.net.graph, "conv2")] = false;
  graph = rt_ptq (s.net.graph, &config, &error);
  g_assert_cmpuint (count (graph, &rt_op_conv_int8), ==, 1);
  g_assert_cmpuint (count (graph, &rt_op_quantize), ==, 1);
  g_assert_cmpuint (count (graph, &rt_op_dequantize), ==, 1);
  g_assert_cmpfloat (compare (graph, s.net.graph, NULL), >, 20);
  rt_graph_free (graph);

  /* What has no range stays float. */
  memset (s.ranges, 0, s.n_values * sizeof *s.ranges);
  graph = rt_ptq (s.net.graph, &(RtPtqConfig){ .ranges = s.ranges }, &error);
  g_assert_cmpuint (count (graph, &rt_op_conv), ==, 2);
  rt_graph_free (graph);
  setup_clear (&s);
}

/* Channels of the first convolution that differ by a factor of a hundred: the depthwise one behind
 * it gives them back. Eight bits for all of them together are too few, until they are equalized. */
static void
test_equalize (void)
{
  Setup s;
  RtError error = { 0 };
  uint32_t n_pairs;

  build (&s.net);
  float *w0 = (float *)rt_graph_value (s.net.graph, rt_graph_find_value (s.net.graph, "w0"))->data;
  float *b0 = (float *)rt_graph_value (s.net.graph, rt_graph_find_value (s.net.graph, "w1"))->data;
  float *w2 = (float *)rt_graph_value (s.net.graph, rt_graph_find_value (s.net.graph, "w2"))->data;
  for (guint c = 0; c < 16; c++)
    {
      float factor = c % 2 == 0 ? 100 : 1;
      for (guint k = 0; k < 27; k++)
        w0[c * 27 + k] *= factor;
      b0[c] *= factor;
      for (guint k = 0; k < 9; k++)
        w2[k * 16 + c] /= factor;
    }
  RtGraph *equal = rt_equalize (s.net.graph, &n_pairs, &error);
  if (equal == NULL)
    g_error ("%s", error.message);
  g_assert_cmpuint (n_pairs, ==, 1); /* conv1 and dw; dw has two readers */
  g_assert_cmpfloat (compare (equal, s.net.graph, NULL), >, 100);

  const RtGraph *graphs[2] = { s.net.graph, equal };
  double db[2];
  for (guint i = 0; i < 2; i++)
    {
      guint n = rt_graph_n_values (graphs[i]);
      g_autofree RtRange *ranges = g_new0 (RtRange, n);
      g_autofree float **means = g_new0 (float *, n);
      calibrate (graphs[i], ranges, means);
      RtGraph *graph = rt_ptq (graphs[i], &(RtPtqConfig){ .ranges = ranges }, &error);
      db[i] = compare (graph, s.net.graph, NULL);
      rt_graph_free (graph);
      for (guint k = 0; k < n; k++)
        g_free (means[k]);
    }
  g_test_message ("plain %.1f dB, equalized %.1f dB", db[0], db[1]);
  g_assert_cmpfloat (db[1], >, db[0] + 3);
  rt_graph_free (equal);
  net_clear (&s.net);
}

/* One large weight a row makes the step so wide that all others round to nothing: what they add on
 * average comes back through the bias. */
static void
test_bias_correction (void)
{
  double with = 0, without = 0;

  for (guint round = 0; round < 3; round++)
    {
      Setup s;
      RtError error = { 0 };
      setup_init (&s);
      const RtValue *value = rt_graph_value (s.net.graph, rt_graph_find_value (s.net.graph, "w5"));
      g_assert_cmpint (value->shape.dims[0], ==, 10);
      for (guint i = 0; i < rt_shape_n (&value->shape); i++)
        ((float *)value->data)[i] = i % (guint)value->shape.dims[1] == 0 ? 12.7f : 0.04f;
      calibrate (s.net.graph, s.ranges, s.means);
      /* Only the last product: there the error of its weights is the error of the output. */
      guint n = rt_graph_n_nodes (s.net.graph);
      g_autofree bool *keep = g_new0 (bool, n);
      for (guint i = 0; i < n; i++)
        keep[i] = rt_graph_node (s.net.graph, i)->op != &rt_op_matmul;
      RtGraph *a
          = rt_ptq (s.net.graph, &(RtPtqConfig){ .ranges = s.ranges, .keep_float = keep }, &error);
      RtGraph *b = rt_ptq (s.net.graph,
                           &(RtPtqConfig){ .ranges = s.ranges,
                                           .keep_float = keep,
                                           .means = (const float *const *)s.means },
                           &error);
      compare (a, s.net.graph, &without);
      compare (b, s.net.graph, &with);
      rt_graph_free (a);
      rt_graph_free (b);
      setup_clear (&s);
    }
  g_test_message ("mean error %.3g without, %.3g with bias correction", without / 3, with / 3);
  g_assert_cmpfloat (with, <, without / 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ptq/close", test_close);
  g_test_add_func ("/ptq/opt-out", test_opt_out);
  g_test_add_func ("/ptq/equalize", test_equalize);
  g_test_add_func ("/ptq/bias-correction", test_bias_correction);
  return g_test_run ();
}
