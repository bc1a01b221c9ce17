/* Comparisons: alignment of profiles made by hand and of real twins, what is withheld, gates. */
#include <math.h>
#include <string.h>

#include <json-glib/json-glib.h>

#include "eng-compare.h"
#include "eng-error.h"
#include "eng-gate.h"
#include "eng-run-find.h"
#include "eng-test.h"

/* ---- Runs made by hand ---- */

typedef struct
{
  const char *name, *op, *sources; /* separated by blanks; NULL: the name */
  int layer;
  double ns, flops, weight_bytes;
} Node;

/* A run over inputs of a network with @n_layers blocks, as a document. Intervals are 5 % to either
 * side. */
static EngRun *
make_run (const char *id, const char *hash, int n_layers, const Node *nodes, guint n,
          double inference_ms, const char *extra)
{
  g_autoptr (GString) json = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  EngRun *run;

  g_string_append_printf (json,
                          "{\"lathe-run\":1,\"id\":\"%s\",\"model_name\":\"m\",\"build_sha256\":"
                          "\"b%s\",\"model_sha256\":\"%s\",\"validity\":\"valid\","
                          "\"isa\":\"avx2\",\"threads\":2,\"engine_version\":\"1\",\"recipe\":{"
                          "\"lathe-recipe\":1,\"techniques\":{}},"
                          "\"machine\":{\"cpu\":\"one\"},\"figures\":{\"inference_ms\":{\"value\":%"
                          "g,\"low95\":%g,\"high95\":%g,\"n\":20,\"unit\":\"ms\"},"
                          "\"peak_memory_bytes\":{\"value\":1000,\"low95\":1000,\"high95\":1000,"
                          "\"n\":0,\"unit\":\"B\"}},"
                          "%s,\"profile\":{\"n_layers\":%d,\"inference\":{\"tokens_per_step\":1,"
                          "\"sum_of_nodes\":{\"n\":20,\"median_ns\":1000}},\"layers\":[",
                          id, id, hash, inference_ms, 0.95 * inference_ms, 1.05 * inference_ms,
                          extra != NULL
                              ? extra
                              : "\"workload\":{\"kind\":\"input\",\"inputs\":[\"x.png\"]}",
                          n_layers);
  for (int layer = -1; layer <= n_layers; layer++)
    {
      double ns = 0, bytes = 0;

      for (guint i = 0; i < n; i++)
        if (nodes[i].layer == layer)
          ns += nodes[i].ns, bytes += nodes[i].weight_bytes;
      g_string_append_printf (json, "%s{\"layer\":%d,\"name\":\"L%d\",\"weight_bytes\":%.0f",
                              layer < 0 ? "" : ",", layer, layer, bytes);
      if (ns > 0)
        /* Narrower than the sum of the nodes': it is recognised by that. */
        g_string_append_printf (
            json,
            ",\"inference\":{\"n\":20,\"median_ns\":%.0f,\"low95_ns\":%.0f,\"high95_ns\":%.0f}", ns,
            0.99 * ns, 1.01 * ns);
      g_string_append (json, "}");
    }
  g_string_append (json, "],\"nodes\":[");
  for (guint i = 0; i < n; i++)
    {
      g_auto (GStrv) sources
          = g_strsplit (nodes[i].sources != NULL ? nodes[i].sources : nodes[i].name, " ", -1);
      g_autofree char *list = g_strjoinv ("\",\"", sources);

      g_string_append_printf (json,
                              "%s{\"name\":\"%s\",\"operator\":\"%s\",\"layer\":%d,\"sources\":[\"%"
                              "s\"],\"weight_bytes\":%.0f,"
                              "\"inference\":{\"n\":20,\"median_ns\":%.0f,\"low95_ns\":%.0f,"
                              "\"high95_ns\":%.0f},\"inference_cost\":{\"flops\":%.0f}}",
                              i == 0 ? "" : ",", nodes[i].name, nodes[i].op, nodes[i].layer, list,
                              nodes[i].weight_bytes, nodes[i].ns, 0.95 * nodes[i].ns,
                              1.05 * nodes[i].ns, nodes[i].flops);
    }
  g_string_append (json, "]}}");
  run = eng_run_from_json (json->str, &error);
  g_assert_no_error (error);
  return run;
}

static int
row_of (EngComparison *comparison, int depth, const char *name)
{
  for (guint row = 0; row < eng_comparison_get_n_rows (comparison); row++)
    if (eng_comparison_get_row (comparison, row)->depth == depth
        && g_str_equal (eng_comparison_get_row (comparison, row)->name, name))
      return (int)row;
  g_test_message ("no row %s", name);
  return -1;
}

static double
value_of (EngComparison *comparison, int row, guint run, EngLayerMetric metric)
{
  EngFigure figure = eng_comparison_get_value (comparison, (guint)row, run, metric);

  return figure.available ? figure.value : NAN;
}

/* conv1 | add1 | conv2 | relu2 | fc, all apart. */
static const Node plain[] = {
  { "conv1", "Convolution", NULL, 0, 100, 1000, 40 }, { "add1", "Sum", NULL, 0, 20, 10, 0 },
  { "conv2", "Convolution", NULL, 1, 200, 3000, 80 }, { "relu2", "Rectifier", NULL, 1, 10, 10, 0 },
  { "fc", "Matrix product", NULL, 2, 50, 500, 16 },
};
/* The same with other fusion: conv1 + add1 are one, conv2 + relu2 are one. */
static const Node fused[] = {
  { "conv1", "Convolution", "conv1 add1", 0, 90, 1000, 40 },
  { "conv2", "Convolution", "conv2 relu2", 1, 190, 3000, 80 },
  { "fc", "Matrix product", NULL, 2, 50, 500, 16 },
};
/* Fused across: add1 goes with conv2. */
static const Node across[] = {
  { "conv1", "Convolution", NULL, 0, 100, 1000, 40 },
  { "conv2", "Convolution", "add1 conv2", 1, 210, 3000, 80 },
  { "relu2", "Rectifier", NULL, 1, 10, 10, 0 },
  { "fc", "Matrix product", NULL, 2, 50, 500, 16 },
};

static void
test_fusion (void)
{
  g_autoptr (EngRun) a = make_run ("aaaa", "h", 3, plain, G_N_ELEMENTS (plain), 1, NULL);
  g_autoptr (EngRun) b = make_run ("bbbb", "h", 3, fused, G_N_ELEMENTS (fused), 1, NULL);
  EngRun *runs[] = { a, b };
  g_autoptr (EngComparison) comparison = eng_comparison_new (runs, 2, RT_PHASE_DECODE);
  int both = row_of (comparison, 1, "conv1 + add1"), layer = row_of (comparison, 0, "L1");
  g_autofree char *note = NULL;
  g_autofree char *none = NULL;
  EngFigure figure;

  g_assert_cmpint (eng_comparison_get_phase (comparison), ==, RT_PHASE_INFERENCE);
  g_assert_cmpint (both, >=, 0);
  g_assert_cmpfloat (value_of (comparison, both, 0, ENG_LAYER_METRIC_LATENCY), ==, 120);
  g_assert_cmpfloat (value_of (comparison, both, 1, ENG_LAYER_METRIC_LATENCY), ==, 90);
  note = eng_comparison_dup_note (comparison, (guint)both, 1);
  none = eng_comparison_dup_note (comparison, (guint)both, 0);
  g_assert_cmpstr (note, ==, "fused: one operator here for 2 elsewhere");
  g_assert_null (none);
  /* A whole layer has its own samples, and their interval. */
  figure = eng_comparison_get_value (comparison, (guint)layer, 0, ENG_LAYER_METRIC_LATENCY);
  g_assert_cmpfloat (figure.value, ==, 210);
  g_assert_cmpfloat_with_epsilon (figure.low, 208, 0.5);
  g_assert_cmpfloat (value_of (comparison, layer, 0, ENG_LAYER_METRIC_WEIGHTS), ==, 80);
}

/* The smallest cover of conv1+add1 here and add1+conv2 there is all three. */
static void
test_common_cover (void)
{
  g_autoptr (EngRun) a = make_run ("aaaa", "h", 3, fused, G_N_ELEMENTS (fused), 1, NULL);
  g_autoptr (EngRun) b = make_run ("bbbb", "h", 3, across, G_N_ELEMENTS (across), 1, NULL);
  EngRun *runs[] = { a, b };
  g_autoptr (EngComparison) comparison = eng_comparison_new (runs, 2, RT_PHASE_DECODE);
  int row = row_of (comparison, 1, "conv1 + conv2");

  g_assert_cmpint (row, >=, 0);
  g_assert_cmpfloat (value_of (comparison, row, 0, ENG_LAYER_METRIC_LATENCY), ==, 280);
  g_assert_cmpfloat (value_of (comparison, row, 1, ENG_LAYER_METRIC_LATENCY), ==, 320);
  /* It has most to do in block 1, so it stands there, and block 0 has no row of its own. */
  g_assert_cmpint (eng_comparison_get_row (comparison, (guint)row)->layer, ==, 1);
  g_assert_cmpint (row_of (comparison, 0, "L0"), ==, -1);
}

/* Quantize nodes and suffixes of a converter; one more file of the same network. */
static void
test_suffixes (void)
{
  static const Node int8[] = {
    { "in_quantize", "Quantize", NULL, 0, 5, 10, 0 },
    { "conv1_int8", "Convolution, 8-bit", NULL, 0, 30, 1000, 10 },
    { "add1_quantized", "Add, 8-bit", NULL, 0, 5, 10, 0 },
    { "conv2;other/bias1", "Convolution, 8-bit", NULL, 1, 60, 3000, 20 },
    { "relu2:0", "Rectifier", NULL, 1, 4, 10, 0 },
    { "fc", "Fully connected, 8-bit", NULL, 1, 9, 500, 4 },
  };
  g_autoptr (EngRun) a = make_run ("aaaa", "h", 3, plain, G_N_ELEMENTS (plain), 1, NULL);
  g_autoptr (EngRun) b = make_run ("bbbb", "g", 2, int8, G_N_ELEMENTS (int8), 0.4, NULL);
  EngRun *runs[] = { a, b };
  g_autoptr (EngComparison) comparison = eng_comparison_new (runs, 2, RT_PHASE_DECODE);
  int extra = row_of (comparison, 1, "in_quantize"), fc = row_of (comparison, 0, "L2");
  EngChange change;

  g_assert_cmpint (eng_comparison_get_alignment (comparison, 1), ==, ENG_ALIGN_NAMES);
  g_assert_nonnull (strstr (eng_comparison_get_caveats (comparison, 1)[0], "different files"));
  g_assert_cmpint (extra, >=, 0);
  g_assert_false (eng_comparison_is_executed (comparison, (guint)extra, 0));
  g_assert_cmpstr (eng_comparison_get_value (comparison, (guint)extra, 0, ENG_LAYER_METRIC_LATENCY)
                       .reason,
                   ==, "not executed here");
  /* The other file has two blocks; the axis is the first run's three. */
  g_assert_cmpfloat (value_of (comparison, fc, 1, ENG_LAYER_METRIC_LATENCY), ==, 9);
  change = eng_comparison_get_change (comparison, (guint)row_of (comparison, 1, "conv2"), 1,
                                      ENG_LAYER_METRIC_LATENCY);
  g_assert_cmpfloat_with_epsilon (change.frac, 60.0 / 200 - 1, 1e-9);
  g_assert_cmpint (change.verdict, ==, ENG_CHANGE_BETTER);
}

/* Other names altogether: by order, kind and size; a recurrent operator stands for the products it
 * is made of. */
static void
test_shapes (void)
{
  static const Node written_out[] = {
    { "a/mm", "Matrix product", NULL, 0, 50, 2600, 0 },
    { "a/mm2", "Matrix product", NULL, 0, 30, 1300, 0 },
    { "a/sig", "Sigmoid", NULL, 0, 10, 5, 0 },
    { "b/conv", "Convolution", NULL, 1, 70, 5000, 0 },
    { "lathe.fit", "Picture to tensor", NULL, 2, 8, 9, 0 },
  };
  static const Node lstm[] = {
    { "Transpose7", "Transpose", NULL, 0, 3, 0, 0 },
    { "LSTM_3", "LSTM", NULL, 0, 60, 3980, 0 },
    { "Conv_9", "Convolution", NULL, 1, 75, 5000, 0 },
    { "lathe.fit", "Picture to tensor", NULL, 2, 9, 9, 0 },
  };
  g_autoptr (EngRun) a
      = make_run ("aaaa", "h", 2, written_out, G_N_ELEMENTS (written_out), 1, NULL);
  g_autoptr (EngRun) b = make_run ("bbbb", "g", 2, lstm, G_N_ELEMENTS (lstm), 1, NULL);
  EngRun *runs[] = { a, b };
  g_autoptr (EngComparison) comparison = eng_comparison_new (runs, 2, RT_PHASE_DECODE);
  int row = row_of (comparison, 1, "a/mm + a/mm2 + a/sig");

  g_assert_cmpint (eng_comparison_get_alignment (comparison, 1), ==, ENG_ALIGN_SHAPES);
  g_assert_nonnull (strstr (eng_comparison_get_caveats (comparison, 1)[0], "order, kind and size"));
  g_assert_cmpint (row, >=, 0);
  g_assert_cmpfloat (value_of (comparison, row, 0, ENG_LAYER_METRIC_LATENCY), ==, 90);
  g_assert_cmpfloat (value_of (comparison, row, 1, ENG_LAYER_METRIC_LATENCY), ==, 63);
  g_assert_cmpfloat (value_of (comparison, row_of (comparison, 1, "lathe.fit"), 1,
                               ENG_LAYER_METRIC_LATENCY),
                     ==, 9);
}

static void
test_different_networks (void)
{
  static const Node other[] = { { "x", "Convolution", NULL, 0, 1, 77, 0 },
                                { "y", "Matrix product", NULL, 1, 1, 12345, 0 } };
  static const Node namesake[] = { { "conv1", "Convolution", NULL, 0, 100, 9000, 40 },
                                   { "conv2", "Convolution", NULL, 1, 200, 9000, 80 },
                                   { "fc", "Matrix product", NULL, 2, 50, 9000, 16 } };
  g_autoptr (EngRun) a = make_run ("aaaa", "h", 3, plain, G_N_ELEMENTS (plain), 1, NULL);
  g_autoptr (EngRun) b = make_run ("bbbb", "g", 2, other, G_N_ELEMENTS (other), 1, NULL);
  g_autoptr (EngRun) c = make_run ("cccc", "i", 3, namesake, G_N_ELEMENTS (namesake), 1, NULL);
  EngRun *runs[] = { a, b, c };
  g_autoptr (EngComparison) comparison = eng_comparison_new (runs, 3, RT_PHASE_DECODE);
  g_autofree char *reason = NULL;
  EngChange change = eng_comparison_get_figure_change (comparison, 1, ENG_FIGURE_PEAK_MEMORY);

  for (guint r = 1; r < 3; r++)
    {
      g_assert_cmpint (eng_comparison_get_alignment (comparison, r), ==, ENG_ALIGN_NONE);
      g_assert_nonnull (strstr (eng_comparison_get_withheld (comparison, r, ENG_ASPECT_LAYERS),
                                "different networks"));
    }
  g_assert_nonnull (
      strstr (eng_comparison_get_withheld (comparison, 2, ENG_ASPECT_LAYERS), "other sizes"));
  g_assert_cmpint (change.verdict, ==, ENG_CHANGE_NONE);
  g_assert_true (isnan (value_of (comparison, 0, 1, ENG_LAYER_METRIC_LATENCY)));
  g_assert_cmpfloat (value_of (comparison, 0, 0, ENG_LAYER_METRIC_LATENCY), >, 0);
  g_assert_false (eng_comparison_can_align (a, b, &reason));
  g_assert_nonnull (reason);
}

/* Only the part that is not comparable is withheld. */
static void
test_withheld (void)
{
  g_autoptr (EngRun) a
      = make_run ("aaaa", "h", 3, plain, G_N_ELEMENTS (plain), 1,
                  "\"prompt_tokens\":5,\"workload\":{\"kind\":\"text\",\"prompt\":\"one\"}");
  g_autoptr (EngRun) b
      = make_run ("bbbb", "h", 3, plain, G_N_ELEMENTS (plain), 1,
                  "\"prompt_tokens\":9,\"workload\":{\"kind\":\"text\",\"prompt\":\"two\"}");
  g_autoptr (EngRun) c = make_run ("cccc", "h", 3, plain, G_N_ELEMENTS (plain), 1, NULL);
  EngRun *runs[] = { a, b, c };
  g_autoptr (EngComparison) comparison = eng_comparison_new (runs, 3, RT_PHASE_DECODE);
  EngChange times = eng_comparison_get_change (comparison, 0, 1, ENG_LAYER_METRIC_LATENCY);
  EngChange weights = eng_comparison_get_change (comparison, 0, 1, ENG_LAYER_METRIC_WEIGHTS);

  g_assert_cmpint (times.verdict, ==, ENG_CHANGE_NONE);
  g_assert_nonnull (strstr (times.reason, "prompts differ"));
  g_assert_cmpint (weights.verdict, ==, ENG_CHANGE_SAME);
  g_assert_null (eng_comparison_get_withheld (comparison, 1, ENG_ASPECT_LAYERS));
  g_assert_nonnull (eng_comparison_get_withheld (comparison, 2, ENG_ASPECT_MEMORY));
}

/* ---- Three runs, exports ---- */

static void
test_three (void)
{
  Node slower[G_N_ELEMENTS (plain)];

  memcpy (slower, plain, sizeof plain);
  slower[2].ns = 300;
  g_autoptr (EngRun) a = make_run ("aaaa", "h", 3, plain, G_N_ELEMENTS (plain), 1, NULL);
  g_autoptr (EngRun) b = make_run ("bbbb", "h", 3, fused, G_N_ELEMENTS (fused), 0.9, NULL);
  g_autoptr (EngRun) c = make_run ("cccc", "h", 3, slower, G_N_ELEMENTS (slower), 1.1, NULL);
  EngRun *runs[] = { a, b, c };
  g_autoptr (EngComparison) comparison = eng_comparison_new (runs, 3, RT_PHASE_DECODE);
  g_autofree char *text = eng_comparison_to_json (comparison, 0),
                  *few = eng_comparison_to_json (comparison, 0.2);
  g_autofree char *csv = eng_comparison_to_csv (comparison, 0);
  g_auto (GStrv) lines = g_strsplit (csv, "\r\n", -1);
  g_autoptr (JsonNode) root = json_from_string (text, NULL),
                       few_root = json_from_string (few, NULL);
  JsonObject *object = json_node_get_object (root);
  guint row = (guint)row_of (comparison, 0, "L1"), n = eng_comparison_get_n_rows (comparison);

  g_assert_cmpfloat_with_epsilon (eng_comparison_get_row_change (comparison, row,
                                                                 ENG_LAYER_METRIC_LATENCY),
                                  100.0 / 210, 1e-3);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (object, "rows")), ==, n);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (object, "runs")), ==, 3);
  g_assert_cmpuint (g_strv_length (lines), ==, 1 + 3 * n + 1);
  /* L0 changes by a quarter in the fused run, L1 by a half in the slow one, the last not at all. */
  g_assert_cmpuint (json_array_get_length (
                        json_object_get_array_member (json_node_get_object (few_root), "rows")),
                    <, n);
  g_assert_null (strstr (few, "\"L2\""));
  g_assert_nonnull (strstr (few, "\"L1\""));
}

/* ---- Accuracy per layer ---- */

/* Of whole layers only, on the axis of the first run; a run of which nothing is known says so. */
static void
test_errors (void)
{
  g_autoptr (EngRun) a = make_run ("aaaa", "h", 3, plain, G_N_ELEMENTS (plain), 1, NULL);
  g_autoptr (EngRun) b = make_run ("bbbb", "h", 3, fused, G_N_ELEMENTS (fused), 0.9, NULL);
  EngRun *runs[] = { a, b };
  g_autoptr (EngLayerTable) table
      = eng_layer_table_new (ENG_MODEL_NETWORK, 3, 8, "8 inputs", "half the bits");
  g_autoptr (EngLayerErrors) errors = NULL;
  EngLayerErrors *both[] = { NULL, NULL };
  g_autoptr (EngComparison) comparison = NULL;
  guint layer, node;
  EngFigure local, unknown, part;

  for (guint unit = 0; unit < 8; unit++)
    {
      EngLayerUnit record = { .n_scored = 1 };

      record.local.signal = record.outputs.signal = 100;
      record.local.noise = 4; /* a fifth of the amplitude */
      record.outputs.noise = 1;
      eng_layer_table_put (table, unit, 1, &record);
    }
  both[1] = errors = eng_layer_table_snapshot (table);
  comparison = eng_comparison_new_with_errors (runs, 2, RT_PHASE_DECODE, both);
  layer = (guint)row_of (comparison, 0, "L1");
  node = (guint)row_of (comparison, 1, "conv1 + add1");
  local = eng_comparison_get_value (comparison, layer, 1, ENG_LAYER_METRIC_LOCAL_ERROR);
  unknown = eng_comparison_get_value (comparison, layer, 0, ENG_LAYER_METRIC_LOCAL_ERROR);
  part = eng_comparison_get_value (comparison, node + 1, 1, ENG_LAYER_METRIC_LATENCY);
  g_assert_true (part.available);
  g_assert_true (local.available);
  g_assert_cmpfloat_with_epsilon (local.value, 20, 1e-9);
  g_assert_false (unknown.available);
  g_assert_nonnull (strstr (unknown.reason, "not measured with this recipe"));
  g_assert_cmpint (eng_comparison_get_change (comparison, layer, 1, ENG_LAYER_METRIC_LOCAL_ERROR)
                       .verdict,
                   ==, ENG_CHANGE_NONE);
}

/* ---- Gates ---- */

static void
check_gate (EngComparison *comparison, const char *text, EngGateResult expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngGate) gate = eng_gate_parse (text, &error);
  g_autofree char *sentence = NULL;
  EngGateResult result;

  g_assert_no_error (error);
  result = eng_gate_check (gate, comparison, 1, &sentence);
  g_test_message ("%s", sentence);
  g_assert_cmpint (result, ==, expected);
}

static void
test_gates (void)
{
  static const char *const wrong[]
      = { "latency", "latency=5%", ">5%", "latency>", "latency>fast", "latency>+5furlongs" };
  /* 20 % slower, 5 % to either side: clear. The change of one operator by half a per cent is
   * not. */
  Node slower[G_N_ELEMENTS (plain)];

  memcpy (slower, plain, sizeof plain);
  slower[2].ns = 201;
  g_autoptr (EngRun) a = make_run ("aaaa", "h", 3, plain, G_N_ELEMENTS (plain), 10, NULL);
  g_autoptr (EngRun) b = make_run ("bbbb", "h", 3, slower, G_N_ELEMENTS (slower), 12, NULL);
  EngRun *runs[] = { a, b };
  g_autoptr (EngComparison) comparison = eng_comparison_new (runs, 2, RT_PHASE_DECODE);

  check_gate (comparison, "latency>+5%", ENG_GATE_TRIPPED);
  check_gate (comparison, "latency > +25 %", ENG_GATE_HELD);
  check_gate (comparison, "latency>+1ms", ENG_GATE_TRIPPED);
  check_gate (comparison, "latency>+1500us", ENG_GATE_TRIPPED);
  check_gate (comparison, "latency>+2.5ms", ENG_GATE_HELD);
  check_gate (comparison, "inference_ms>11", ENG_GATE_TRIPPED);
  check_gate (comparison, "latency>11.9ms", ENG_GATE_NOISE); /* 11.4 to 12.6 */
  check_gate (comparison, "latency>=0.1s", ENG_GATE_HELD);
  check_gate (comparison, "latency<-5%", ENG_GATE_HELD);
  check_gate (comparison, "memory>+0%", ENG_GATE_HELD);
  check_gate (comparison, "memory>0.5kB", ENG_GATE_TRIPPED);
  check_gate (comparison, "layer:conv2:latency>+0.3%", ENG_GATE_NOISE);
  check_gate (comparison, "layer:1:latency>+0.5%", ENG_GATE_HELD);
  check_gate (comparison, "layer:L0:weight>+1%", ENG_GATE_HELD);
  check_gate (comparison, "layer:L9:latency>+1%", ENG_GATE_UNKNOWN);
  check_gate (comparison, "accuracy<-1%", ENG_GATE_UNKNOWN);
  check_gate (comparison, "decode<-1%", ENG_GATE_UNKNOWN); /* of language models */
  check_gate (comparison, "latency>5MB", ENG_GATE_UNKNOWN);
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (eng_gate_parse (wrong[i], &error));
      g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
    }
}

/* ---- Real twins ---- */

static EngRun *
infer (const char *path)
{
  g_autoptr (EngModel) model = eng_test_load (path);
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  g_autoptr (EngWorkload) workload = eng_workload_new_input (NULL);
  g_autoptr (GError) error = NULL;
  EngRun *run;

  workload->n_repeats = 6;
  run = eng_run_new (build, workload, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  return run;
}

/* Every heavy operator of either file must stand beside one of the other: nothing of the work is
 * left over. */
static void
check_twins (const char *path_a, const char *path_b, EngAlignKind expected)
{
  g_autofree char *a = eng_test_data_or_skip (path_a),
                  *b = a != NULL ? eng_test_data_or_skip (path_b) : NULL;

  if (b == NULL)
    return;
  g_autoptr (EngRun) run_a = infer (a), run_b = infer (b);
  EngRun *runs[] = { run_a, run_b };
  g_autoptr (EngComparison) comparison = eng_comparison_new (runs, 2, RT_PHASE_INFERENCE);
  guint n_both = 0;

  g_assert_cmpint (eng_comparison_get_alignment (comparison, 1), ==, expected);
  for (guint row = 0; row < eng_comparison_get_n_rows (comparison); row++)
    {
      gboolean here = eng_comparison_is_executed (comparison, row, 0),
               there = eng_comparison_is_executed (comparison, row, 1);
      const char *op = eng_comparison_get_row (comparison, row)->op;

      n_both += here && there && eng_comparison_get_row (comparison, row)->depth == 1;
      if (strstr (op, "onvolution") != NULL || strstr (op, "atrix product") != NULL
          || strstr (op, "Fully connected") != NULL || strstr (op, "LSTM") != NULL)
        {
          if (!here || !there)
            g_test_message ("%s (%s) is only in %s", eng_comparison_get_row (comparison, row)->name,
                            op, here ? path_a : path_b);
          g_assert_true (here && there);
        }
    }
  g_assert_cmpuint (n_both, >=, 3);
}

static void
test_resnet_twins (void)
{
  check_twins ("vision/cifar10/pretrainedResnet.tflite",
               "vision/cifar10/pretrainedResnet_quant.tflite", ENG_ALIGN_NAMES);
}

static void
test_kws_twins (void)
{
  check_twins ("audio/kws/kws_ref_model_float32.tflite", "audio/kws/kws_ref_model.tflite",
               ENG_ALIGN_NAMES);
}

static void
test_vww_twins (void)
{
  check_twins ("vision/vww/vww_96_float.tflite", "vision/vww/vww_96_int8.tflite", ENG_ALIGN_NAMES);
}

/* An ONNX and a TFLite file of one network: other names, and the LSTM is one operator in one of
 * them. */
static void
test_dtln_twins (void)
{
  check_twins ("audio/denoise/model_1.tflite", "audio/denoise/model_1.onnx", ENG_ALIGN_SHAPES);
}

static void
test_strangers (void)
{
  g_autofree char *a = eng_test_data_or_skip ("vision/cifar10/pretrainedResnet.tflite"),
                  *b = eng_test_data_or_skip ("vision/vww/vww_96_float.tflite");

  if (a == NULL || b == NULL)
    return;
  g_autoptr (EngRun) run_a = infer (a), run_b = infer (b);

  g_assert_false (eng_comparison_can_align (run_a, run_b, NULL));
}

/* ---- Finding runs ---- */

static void
test_find (void)
{
  char *directory = eng_test_directory ();
  g_autofree char *path = g_build_filename (directory, "history.db", NULL),
                  *file = g_build_filename (directory, "run.json", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngHistory) history = eng_history_open (path, &error);
  g_autoptr (EngRun) a = make_run ("abcd-1", "h", 3, plain, G_N_ELEMENTS (plain), 1,
                                   "\"time_unix_s\":1,\"workload\":{\"kind\":\"input\"}");
  g_autoptr (EngRun) b = make_run ("abcd-2", "h", 3, plain, G_N_ELEMENTS (plain), 1,
                                   "\"time_unix_s\":2,\"workload\":{\"kind\":\"input\"}");
  static const struct
  {
    const char *what, *id;
  } cases[] = { { "latest", "abcd-2" }, { "latest~1", "abcd-1" }, { "latest~2", NULL },
                { "latest~x", NULL },   { "abcd-1", "abcd-1" },   { "abcd", NULL },
                { "ab", NULL },         { "zzzzz", NULL } };

  g_assert_no_error (error);
  g_assert_true (eng_history_add (history, a, NULL) && eng_history_add (history, b, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (EngRun) run = eng_run_find (&history, cases[i].what, &error);

      g_assert_cmpint (run != NULL, ==, cases[i].id != NULL);
      g_assert_cmpint (error != NULL, ==, cases[i].id == NULL);
      if (run != NULL)
        g_assert_cmpstr (eng_run_get_id (run), ==, cases[i].id);
      g_clear_error (&error);
    }
  g_assert_true (eng_run_save (a, file, &error));
  g_autoptr (EngRun) saved = eng_run_find (&history, file, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (eng_run_get_id (saved), ==, "abcd-1");
  eng_test_remove (directory);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/compare/fusion", test_fusion);
  g_test_add_func ("/engine/compare/common-cover", test_common_cover);
  g_test_add_func ("/engine/compare/suffixes", test_suffixes);
  g_test_add_func ("/engine/compare/shapes", test_shapes);
  g_test_add_func ("/engine/compare/different-networks", test_different_networks);
  g_test_add_func ("/engine/compare/withheld", test_withheld);
  g_test_add_func ("/engine/compare/three", test_three);
  g_test_add_func ("/engine/compare/errors", test_errors);
  g_test_add_func ("/engine/compare/gates", test_gates);
  g_test_add_func ("/engine/compare/find", test_find);
  g_test_add_func ("/engine/compare/twins/resnet", test_resnet_twins);
  g_test_add_func ("/engine/compare/twins/kws", test_kws_twins);
  g_test_add_func ("/engine/compare/twins/vww", test_vww_twins);
  g_test_add_func ("/engine/compare/twins/dtln", test_dtln_twins);
  g_test_add_func ("/engine/compare/twins/strangers", test_strangers);
  return g_test_run ();
}
