/* ONNX networks written byte by byte (onnx-bytes.h), imported and run; results worked out by
 * hand. */
#include "eng-onnx.h"

#include "net-runner.h"
#include "onnx-bytes.h"

#include <math.h>

static EngImported *
import (GByteArray *model, const EngDimSize *dims, guint n_dims)
{
  g_autoptr (GError) error = NULL;
  EngOnnxOptions options = { .dims = dims, .n_dims = n_dims };
  EngOnnxFile *file = eng_onnx_file_new_from_bytes (model->data, model->len, NULL, &error);

  g_byte_array_unref (model);
  g_assert_no_error (error);
  EngImported *imported = eng_onnx_import (file, &options, NULL, &error);
  g_assert_no_error (error);
  return imported;
}

static void
add_constant (GByteArray *graph, const char *name, int type, guint n, gconstpointer data,
              gsize n_bytes)
{
  pb_message (graph, 5, onnx_tensor (name, type, (gint64[]){ n }, n > 1, data, n_bytes));
}

static guint
count (const EngImported *imported, const char *op)
{
  guint n = 0;

  for (RtNodeId i = 0; i < rt_graph_n_nodes (imported->graph); i++)
    n += g_str_equal (rt_graph_node (imported->graph, i)->op->name, op);
  return n;
}

/* Output 0 of a network on its inputs, as floats. */
static void
run (const EngImported *imported, gconstpointer *inputs, float *out, guint n_out)
{
  RtError error = { 0 };
  NetRunner net = { 0 };

  for (guint i = 0; imported->report[i] != NULL; i++)
    g_error ("%s", imported->report[i]);
  if (!net_runner_init (&net, imported, 2, FALSE, FALSE, &error))
    g_error ("%s", error.message);
  for (guint i = 0; i < imported->n_inputs; i++)
    rt_exec_set_input (net.exec, net_runner_value (&net, &imported->inputs[i]), inputs[i]);
  g_assert_true (rt_exec_infer (net.exec, NULL, RT_PHASE_INFERENCE, &error));
  RtValueId y = net_runner_value (&net, &imported->outputs[0]);
  g_assert_cmpuint (net_runner_bytes (&net, y), ==, n_out * sizeof *out);
  memcpy (out, rt_exec_value (net.exec, y), n_out * sizeof *out);
  net_runner_clear (&net);
}

static void
assert_says (const EngImported *imported, guint line, const char *words)
{
  g_assert_cmpuint (g_strv_length (imported->report), >, line);
  if (strstr (imported->report[line], words) == NULL)
    g_error ("'%s' does not say '%s'", imported->report[line], words);
}

/* ---- open dimensions ---- */

/* y = x w + b with an open batch. */
static GByteArray *
dense (void)
{
  static const float w[] = { 1, 2, 3, 4 }, b[] = { 10, 20 };
  GByteArray *graph = g_byte_array_new ();

  pb_message (graph, 1, onnx_node ("MatMul", "product", "x,w", "p"));
  pb_message (graph, 1, onnx_node ("Add", "bias", "p,b", "y"));
  pb_message (graph, 5, onnx_tensor ("w", ONNX_FLOAT, (gint64[]){ 2, 2 }, 2, w, sizeof w));
  pb_message (graph, 5, onnx_tensor ("b", ONNX_FLOAT, (gint64[]){ 2 }, 1, b, sizeof b));
  pb_message (graph, 11, onnx_value ("x", ONNX_FLOAT, (gint64[]){ -1, 2 }, 2));
  pb_message (graph, 12, onnx_value ("y", ONNX_FLOAT, (gint64[]){ -1, 2 }, 2));
  return graph;
}

static void
test_batch (void)
{
  static const float x[] = { 1, 1, 2, 0, 0, 2 };
  static const EngDimSize dims[] = { { "open0", 3 } };
  float y[6];

  g_autoptr (EngImported) one = import (onnx_model (dense (), 13), NULL, 0);
  g_assert_cmpstr (one->dims[0], ==, "open0 = 1");
  run (one, (gconstpointer[]){ x }, y, 2);
  g_assert_cmpfloat (y[0], ==, 14);
  g_assert_cmpfloat (y[1], ==, 26);

  g_autoptr (EngImported) three = import (onnx_model (dense (), 13), dims, 1);
  g_assert_cmpstr (three->dims[0], ==, "open0 = 3");
  run (three, (gconstpointer[]){ x }, y, 6);
  static const float expected[] = { 14, 26, 12, 24, 16, 28 };
  g_assert_cmpmem (y, sizeof y, expected, sizeof expected);
}

/* The same network means the same in every version that is read. */
static void
test_opsets (void)
{
  static const float x[] = { 1, 1 };
  float y[2];

  for (gint64 opset = 7; opset <= 17; opset++)
    {
      g_autoptr (EngImported) net = import (onnx_model (dense (), opset), NULL, 0);
      run (net, (gconstpointer[]){ x }, y, 2);
      g_assert_cmpfloat (y[0], ==, 14);
    }
}

/* ---- branches ---- */

static GByteArray *
branch (const char *op, const char *inner, const char *out)
{
  GByteArray *graph = g_byte_array_new ();
  g_autofree char *name = g_strconcat (inner, "_node", NULL);

  pb_message (graph, 1, onnx_node (op, name, "x", inner));
  pb_message (graph, 1, onnx_node ("Identity", out, inner, out));
  pb_message (graph, 12, onnx_value (out, ONNX_FLOAT, (gint64[]){ 2 }, 1));
  return graph;
}

/* y = c > 0 ? -x : other (x) */
static EngImported *
import_if (const char *other, const EngDimSize *dims, guint n_dims)
{
  static const gint64 zero = 0;
  GByteArray *graph = g_byte_array_new (), *node = onnx_node ("If", "choice", "is", "y");

  add_constant (graph, "zero", ONNX_INT64, 1, &zero, sizeof zero);
  pb_message (graph, 1, onnx_node ("Greater", "test", "c,zero", "is"));
  onnx_attribute_graph (node, "then_branch", branch ("Neg", "a", "yes"));
  onnx_attribute_graph (node, "else_branch", branch (other, "b", "no"));
  pb_message (graph, 1, node);
  pb_message (graph, 11, onnx_value ("c", ONNX_INT64, NULL, 0));
  pb_message (graph, 11, onnx_value ("x", ONNX_FLOAT, (gint64[]){ 2 }, 1));
  pb_message (graph, 12, onnx_value ("y", ONNX_FLOAT, (gint64[]){ 2 }, 1));
  return import (onnx_model (graph, 13), dims, n_dims);
}

/* A condition that is computed in the run selects; one that is known leaves one branch. */
static void
test_if (void)
{
  static const float x[] = { 3, -5 };
  static const gint64 plus = 7, minus = -7;
  static const EngDimSize known[] = { { "c", 7 } };
  float y[2];

  g_autoptr (EngImported) both = import_if ("Abs", NULL, 0);
  g_assert_cmpuint (count (both, "neg"), ==, 1);
  g_assert_cmpuint (count (both, "abs"), ==, 1);
  run (both, (gconstpointer[]){ &plus, x }, y, 2);
  g_assert_cmpmem (y, sizeof y, ((float[]){ -3, 5 }), sizeof y);
  run (both, (gconstpointer[]){ &minus, x }, y, 2);
  g_assert_cmpmem (y, sizeof y, ((float[]){ 3, 5 }), sizeof y);

  g_autoptr (EngImported) one = import_if ("Abs", known, 1);
  g_assert_cmpuint (one->n_inputs, ==, 1);
  g_assert_cmpuint (count (one, "abs"), ==, 0);
  run (one, (gconstpointer[]){ x }, y, 2);
  g_assert_cmpmem (y, sizeof y, ((float[]){ -3, 5 }), sizeof y);
}

/* What one branch lacks is named, with its place; which one is taken may be known instead. */
static void
test_if_unsupported (void)
{
  static const EngDimSize known[] = { { "c", 7 } };

  g_autoptr (EngImported) both = import_if ("NoSuchOperator", NULL, 0);
  assert_says (both, 0, "“b_node” (operator NoSuchOperator, number 2 of the file)");
  assert_says (both, 1, "1 further node reads");
  g_autoptr (EngImported) one = import_if ("NoSuchOperator", known, 1);
  g_assert_cmpuint (g_strv_length (one->report), ==, 0);
  g_autoptr (EngImported) shapes = import_if ("Size", NULL, 0);
  assert_says (shapes, 0, "depends on 'c'");
}

static void
test_loop_unsupported (void)
{
  GByteArray *graph = g_byte_array_new (), *node = onnx_node ("Loop", "again", "n,,x", "y");

  pb_message (graph, 11, onnx_value ("w", ONNX_FLOAT, (gint64[]){ -1 }, 1));
  onnx_attribute_graph (node, "body", branch ("Neg", "a", "out"));
  pb_message (graph, 1, node);
  pb_message (graph, 1, onnx_node ("Abs", "abs", "y", "z"));
  pb_message (graph, 11, onnx_value ("n", ONNX_INT64, NULL, 0));
  pb_message (graph, 11, onnx_value ("x", ONNX_FLOAT, (gint64[]){ 2 }, 1));
  pb_message (graph, 12, onnx_value ("z", ONNX_FLOAT, (gint64[]){ 2 }, 1));
  g_autoptr (EngImported) net = import (onnx_model (graph, 13), NULL, 0);
  assert_says (net, 0, "“again” (operator Loop, number 1 of the file)");
  assert_says (net, 1, "1 further node reads");
  assert_says (net, 1, "“abs”");
  assert_says (net, 2, "Open dimensions were taken as open0 = 1");
}

/* ---- QDQ ---- */

/* x [1, 2, 1, 2] -> Q -> DQ -> Conv 1x1 -> Relu -> Q -> DQ, all scales powers of two. */
static GByteArray *
qdq (gboolean shares, float bias_scale)
{
  static const float sx = 0.5f, sw[] = { 0.25f, 0.5f }, sy = 1;
  static const guint8 zx = 10, zy = 3;
  static const gint8 zw[] = { 0, 0 }, w[] = { 4, -8, 2, 6 };
  static const gint32 b[] = { 8, -4 };
  const float sb[] = { bias_scale * sx * sw[0], bias_scale * sx * sw[1] };
  GByteArray *graph = g_byte_array_new (), *dq;

  pb_message (graph, 1, onnx_node ("QuantizeLinear", "qx", "x,sx,zx", "xq"));
  pb_message (graph, 1, onnx_node ("DequantizeLinear", "dx", "xq,sx,zx", "xr"));
  dq = onnx_node ("DequantizeLinear", "dw", "w,sw,zw", "wr");
  onnx_attribute_int (dq, "axis", 0);
  pb_message (graph, 1, dq);
  dq = onnx_node ("DequantizeLinear", "db", "b,sb", "br");
  onnx_attribute_int (dq, "axis", 0);
  pb_message (graph, 1, dq);
  pb_message (graph, 1, onnx_node ("Conv", "conv", "xr,wr,br", "c"));
  pb_message (graph, 1, onnx_node ("Relu", "relu", "c", "r"));
  pb_message (graph, 1, onnx_node ("QuantizeLinear", "qy", "r,sy,zy", "yq"));
  pb_message (graph, 1, onnx_node ("DequantizeLinear", "dy", "yq,sy,zy", "y"));
  add_constant (graph, "sx", ONNX_FLOAT, 1, &sx, 4);
  add_constant (graph, "zx", ONNX_UINT8, 1, &zx, 1);
  add_constant (graph, "sy", ONNX_FLOAT, 1, &sy, 4);
  add_constant (graph, "zy", ONNX_UINT8, 1, &zy, 1);
  add_constant (graph, "sw", ONNX_FLOAT, 2, sw, 8);
  add_constant (graph, "zw", ONNX_INT8, 2, zw, 2);
  add_constant (graph, "sb", ONNX_FLOAT, 2, sb, 8);
  add_constant (graph, "b", ONNX_INT32, 2, b, 8);
  pb_message (graph, 5, onnx_tensor ("w", ONNX_INT8, (gint64[]){ 2, 2, 1, 1 }, 4, w, 4));
  pb_message (graph, 11, onnx_value ("x", ONNX_FLOAT, (gint64[]){ 1, 2, 1, 2 }, 4));
  pb_message (graph, 12, onnx_value ("y", ONNX_FLOAT, (gint64[]){ 1, 2, 1, 2 }, 4));
  if (shares)
    pb_message (graph, 12, onnx_value ("c", ONNX_FLOAT, (gint64[]){ 1, 2, 1, 2 }, 4));
  return graph;
}

static void
test_qdq (void)
{
  /* Real weights: 1 -2; 1 3. Real biases: 1, -1. Channel 0 of x: 2, 3; channel 1: 1, -1.2, which is
   * -1. Sums: 1 + 2 - 2 = 1, 1 + 3 + 2 = 6; -1 + 2 + 3 = 4, -1 + 3 - 3 = -1, cut to 0. */
  static const float x[] = { 2, 3, 1, -1.2f }, expected[] = { 1, 6, 4, 0 };
  float y[4];

  g_autoptr (EngImported) net = import (onnx_model (qdq (FALSE, 1), 13), NULL, 0);
  g_assert_cmpuint (count (net, "conv_int8"), ==, 1);
  g_assert_cmpuint (count (net, "relu"), ==, 0);
  g_assert_cmpuint (rt_graph_n_nodes (net->graph), ==, 3);
  run (net, (gconstpointer[]){ x }, y, 4);
  g_assert_cmpmem (y, sizeof y, expected, sizeof expected);

  /* Something else wants the real numbers, or the bias is in another scale: they stay real. */
  g_autoptr (EngImported) shared = import (onnx_model (qdq (TRUE, 1), 13), NULL, 0);
  g_assert_cmpuint (count (shared, "conv_int8"), ==, 0);
  run (shared, (gconstpointer[]){ x }, y, 4);
  g_assert_cmpmem (y, sizeof y, expected, sizeof expected);
  g_autoptr (EngImported) scaled = import (onnx_model (qdq (FALSE, 2), 13), NULL, 0);
  g_assert_cmpuint (count (scaled, "conv_int8"), ==, 0);
  run (scaled, (gconstpointer[]){ x }, y, 4);
  g_assert_cmpfloat (y[0], ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/onnx/batch", test_batch);
  g_test_add_func ("/onnx/opsets", test_opsets);
  g_test_add_func ("/onnx/if", test_if);
  g_test_add_func ("/onnx/if-unsupported", test_if_unsupported);
  g_test_add_func ("/onnx/loop-unsupported", test_loop_unsupported);
  g_test_add_func ("/onnx/qdq", test_qdq);
  return g_test_run ();
}
