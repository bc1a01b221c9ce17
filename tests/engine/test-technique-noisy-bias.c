/* Noise before the rounding of activations: where it is, how large, what the biases are, that
 * products keep what they are without rounding, that rounding errors change; words, recipes,
 * hashes. */
#include <math.h>
#include <string.h>

#include "eng-activations.h"
#include "eng-lowering.h"
#include "eng-test.h"
#include "kn-quant.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops.h"

#define ID "noisy-bias"
#define SMALL "\"calibration\": {\"tokens\": 512}"
#define NOISY(format, text)                                                                        \
  "{" SMALL ", \"weight-format\": {\"format\": \"" format "\"}, \"noisy-bias\": {" text "}}"
#define N_TOKENS 48

static const RtNode *
node_of (const RtGraph *graph, const char *name)
{
  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    if (strcmp (rt_graph_node (graph, i)->name, name) == 0)
      return rt_graph_node (graph, i);
  g_error ("no node %s", name);
}

static const float *
vector_of (const RtGraph *graph, const RtNode *node, guint input, gsize n)
{
  g_assert_cmpuint (input, <, node->n_inputs);
  const RtValue *value = rt_graph_value (graph, node->inputs[input]);
  g_assert_cmpint (value->type, ==, RT_TYPE_F32);
  g_assert_cmpuint (value->data_bytes, ==, n * sizeof (float));
  return value->data;
}

/* The numbers of file matrix @name after rounding to @dtype: [n_rows][n_cols]. */
static float *
rounded (EngModel *model, const char *name, int dtype, gsize *n_rows, gsize *n_cols)
{
  const RtGraph *graph = eng_model_get_graph (model);
  const RtValue *value = rt_graph_value (graph, rt_graph_find_value (graph, name));
  *n_rows = (gsize)value->shape.dims[0];
  *n_cols = (gsize)value->shape.dims[1];
  float *numbers = g_new (float, *n_rows **n_cols);
  g_autofree guint8 *blocks = g_malloc (kn_row_bytes ((KnDtype)dtype, *n_cols));

  for (gsize r = 0; r < *n_rows; r++)
    {
      float *row = numbers + r * *n_cols;
      kn_dequantize_row ((KnDtype)value->type,
                         (const guint8 *)value->data
                             + r * kn_row_bytes ((KnDtype)value->type, *n_cols),
                         row, *n_cols);
      kn_quantize_row ((KnDtype)dtype, row, blocks, *n_cols);
      kn_dequantize_row ((KnDtype)dtype, blocks, row, *n_cols);
    }
  return numbers;
}

/* Bias = - W N, sum by sum. */
static void
check_bias (EngModel *model, const char *name, int dtype, const float *noise, const float *bias)
{
  gsize n_rows, n_cols;
  g_autofree float *w = rounded (model, name, dtype, &n_rows, &n_cols);

  for (gsize r = 0; r < n_rows; r++)
    {
      double sum = 0, size = 0;
      for (gsize c = n_cols; c-- > 0;)
        {
          sum += (double)w[r * n_cols + c] * (double)noise[c];
          size += fabs ((double)w[r * n_cols + c] * (double)noise[c]);
        }
      if (fabs ((double)bias[r] + sum) > 1e-7 * size + 1e-12)
        g_error ("%s row %zu: %.9g, expected %.9g", name, r, (double)bias[r], -sum);
    }
}

/* Behind norms an operand of what writes the rows, elsewhere a node; biases of all that reads
 * them. */
static void
test_graph (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, NOISY ("w8a8", "\"amplitude\": 1"), NULL);
  const RtGraph *graph = eng_build_get_graph (build);
  const RtNode *norm = node_of (graph, "blk.1.attn_norm");
  const RtNode *qkv = node_of (graph, "blk.1.attn_qkv");
  const RtNode *gate_up = node_of (graph, "blk.1.ffn_gate_up");
  const RtNode *down = node_of (graph, "blk.1.ffn_down");
  guint n = eng_model_get_params (model)->n_embd, n_ff = eng_model_get_params (model)->n_ff;
  guint n_kv = eng_model_get_params (model)->n_kv_heads * eng_model_get_params (model)->head_dim;

  g_assert_true (norm->op == &rt_op_norm_quant);
  const float *noise = vector_of (graph, norm, RT_NORM_OFFSET, n);
  check_bias (model, "blk.1.attn_q.weight", KN_W8A8, noise, vector_of (graph, qkv, RT_QKV_BIAS, n));
  check_bias (model, "blk.1.attn_v.weight", KN_W8A8, noise,
              vector_of (graph, qkv, RT_QKV_BIAS + 2, n_kv));
  noise = vector_of (graph, node_of (graph, "blk.1.ffn_norm"), RT_NORM_OFFSET, n);
  check_bias (model, "blk.1.ffn_gate.weight", KN_W8A8, noise,
              vector_of (graph, gate_up, RT_GATE_UP_BIAS, n_ff));
  check_bias (model, "blk.1.ffn_up.weight", KN_W8A8, noise,
              vector_of (graph, gate_up, RT_GATE_UP_BIAS + 1, n_ff));

  const RtNode *add = node_of (graph, "blk.1.ffn_gate_up_noise");
  g_assert_true (add->op == &rt_op_add);
  g_assert_cmpuint (down->inputs[RT_MATMUL_X], ==, add->outputs[0]);
  check_bias (model, "blk.1.ffn_down.weight", KN_W8A8, vector_of (graph, add, 1, n_ff),
              vector_of (graph, down, RT_MATMUL_BIAS, n));
}

static int
compare_floats (const void *a, const void *b)
{
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

/* Within the amplitude, which it reaches, on both sides; by rules of the layer; another with
 * another number. */
static void
test_size (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) recipe = eng_test_recipe ("{" SMALL "}");
  g_autoptr (GError) error = NULL;
  g_autoptr (EngActivations) activations
      = eng_activations_load (model, recipe, ENG_ACTIVATIONS_CHANNELS, NULL, &error);
  g_assert_no_error (error);
  guint n = eng_model_get_params (model)->n_embd;
  g_autofree float *points = g_new (float, n * 24);

  for (guint c = 0; c < n; c++)
    for (guint i = 0; i < 24; i++)
      g_assert_true (eng_activations_get_quantile (activations, "blk.0.attn_q.weight", (int)c,
                                                   (i + 0.5) / 24, &points[c * 24 + i]));
  qsort (points, n * 24, sizeof *points, compare_floats);
  double step = (double)points[n * 24 - 12] / 127;

  g_autoptr (EngBuild) a = eng_test_build (
      model,
      NOISY ("w8a8", "\"amplitude\": 1, \"rules\": [{\"match\": \"blk.1.*\", \"amplitude\": 0}, "
                     "{\"match\": \"blk.0.attn_q.weight\", \"amplitude\": 2}]"),
      NULL);
  g_autoptr (EngBuild) b
      = eng_test_build (model, NOISY ("w8a8", "\"amplitude\": 2, \"seed\": 7"), NULL);
  const float *x
      = vector_of (eng_build_get_graph (a), node_of (eng_build_get_graph (a), "blk.0.attn_norm"),
                   RT_NORM_OFFSET, n);
  const float *y
      = vector_of (eng_build_get_graph (b), node_of (eng_build_get_graph (b), "blk.0.attn_norm"),
                   RT_NORM_OFFSET, n);
  double most = 0, mean = 0, together = 0, power = 0;
  for (guint c = 0; c < n; c++)
    {
      most = MAX (most, fabs ((double)x[c]));
      mean += (double)x[c] / n;
      power += (double)x[c] * (double)x[c] / n;
      together += (double)x[c] * (double)y[c] / n;
    }
  g_assert_cmpfloat (most, <=, 2 * step * (1 + 1e-6));
  g_assert_cmpfloat (most, >, 1.9 * step);
  /* Of a uniform density of that width: the variance, and five times its deviation for 256 of
   * them. */
  double variance = 4 * step * step / 3;
  g_assert_cmpfloat (fabs (mean), <, 5 * sqrt (variance / n));
  g_assert_cmpfloat (fabs (power - variance), <, 5 * variance * 0.9 / sqrt (n));
  g_assert_cmpfloat (fabs (together), <, 5 * variance / sqrt (n));
  g_assert_cmpuint (node_of (eng_build_get_graph (a), "blk.1.attn_norm")->n_inputs, ==, 2);
  g_assert_cmpuint (node_of (eng_build_get_graph (a), "blk.1.attn_qkv")->n_inputs, ==, 4);
}

/* ---- what comes of it ---- */

static float *
logits_of (EngModel *model, const char *recipe)
{
  g_autoptr (EngBuild) build = eng_test_build (model, recipe, NULL);
  gint32 tokens[N_TOKENS];

  eng_test_fill_tokens (tokens, N_TOKENS);
  return eng_test_logits (build, tokens, N_TOKENS);
}

static double
distance (EngModel *model, const char *recipe, const float *from)
{
  g_autofree float *logits = logits_of (model, recipe);
  return eng_test_relative_error (logits, from, eng_model_get_params (model)->n_vocab);
}

/* One product as the build has it, on rows that are not rounded: y = W (x + N) + b is W x. */
static void
test_preserved (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, NOISY ("w4a8", "\"amplitude\": 4"), NULL);
  const RtGraph *graph = eng_build_get_graph (build);
  guint n_ff = eng_model_get_params (model)->n_ff, n = eng_model_get_params (model)->n_embd;
  const float *noise = vector_of (graph, node_of (graph, "blk.0.ffn_norm"), RT_NORM_OFFSET, n);
  const float *bias
      = vector_of (graph, node_of (graph, "blk.0.ffn_gate_up"), RT_GATE_UP_BIAS + 1, n_ff);
  gsize n_rows, n_cols;
  g_autofree float *w = rounded (model, "blk.0.ffn_up.weight", KN_W4A8, &n_rows, &n_cols);

  for (gsize r = 0; r < n_rows; r++)
    {
      double plain = 0, noisy = (double)bias[r], size = 0;
      for (gsize c = 0; c < n_cols; c++)
        {
          double x = sin ((double)(c * 7 + r));
          plain += (double)w[r * n_cols + c] * x;
          noisy += (double)w[r * n_cols + c] * (x + (double)noise[c]);
          size += fabs ((double)w[r * n_cols + c]) * (fabs (x) + fabs ((double)noise[c]));
        }
      g_assert_cmpfloat (fabs (plain - noisy), <, 1e-7 * size);
    }
}

/* The whole model: another rounding, of about the same size; with and without fusion, in both kinds
 * of rows. */
static void
test_logits (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  static const char *formats[] = { "w8a8", "w4a8", "q8_0", "q4_0" };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_autofree char *off = g_strdup_printf (NOISY ("%s", "\"seed\": 1"), formats[i]);
      g_autofree char *on = g_strdup_printf (NOISY ("%s", "\"amplitude\": 1"), formats[i]);
      g_autofree char *apart = g_strdup_printf ("{\"fusion\": {\"enabled\": false}, " SMALL
                                                ", \"weight-format\": {\"format\": \"%s\"}, "
                                                "\"noisy-bias\": {\"amplitude\": 1}}",
                                                formats[i]);
      g_autofree float *plain = logits_of (model, off);
      g_autofree float *noisy = logits_of (model, on);
      double changed = distance (model, on, plain), other = distance (model, apart, noisy);

      g_test_message ("%s: %.5f, without fusion %.6f", formats[i], changed, other);
      g_assert_cmpfloat (changed, >, 1e-5);
      g_assert_cmpfloat (changed, <, 0.08);
      /* Fused or not, one definition of the rounded rows. */
      g_assert_cmpfloat (other, <, 1e-3);
    }
}

/* With other techniques the biases go by what is packed. */
static void
test_together (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  static const char with[]
      = "{" SMALL ", \"equalization\": {\"method\": \"smooth\"}, \"rounding\": {\"method\": "
        "\"mse\"}, \"weight-format\": {\"format\": \"w8a8\"}%s}";
  g_autofree char *off = g_strdup_printf (with, "");
  g_autofree char *on = g_strdup_printf (with, ", \"noisy-bias\": {\"amplitude\": 1}");
  g_autofree float *plain = logits_of (model, off);
  double changed = distance (model, on, plain);

  g_test_message ("equalized: %.5f", changed);
  g_assert_cmpfloat (changed, >, 1e-5);
  g_assert_cmpfloat (changed, <, 0.08);
}

/* ---- words ---- */

static void
test_words (void)
{
  const EngTechnique *technique = eng_technique_find (ID);
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) none = eng_recipe_new ();
  g_autoptr (EngRecipe) recipe = eng_test_recipe (
      NOISY ("w8a8", "\"amplitude\": 0.5, \"seed\": 3, \"rules\": [{\"match\": \"blk.1.*\", "
                     "\"amplitude\": 0}]"));
  g_autoptr (EngRecipe) again = eng_test_round_trip (recipe);

  g_autofree char *words = technique->describe (again);
  g_assert_cmpstr (words, ==, "noisy bias by rules");
  g_assert_null (technique->describe (none));
  g_assert_null (technique->explain (model, none, 0));
  g_assert_null (technique->explain (model, again, 1));
  g_autofree char *text = technique->explain (model, again, 0);
  g_autofree char *pass
      = g_strdup_printf ("a pass of its own, over %u values",
                         eng_model_get_params (model)->n_embd + eng_model_get_params (model)->n_ff);
  g_assert_nonnull (strstr (text, "blk.0.ffn_down.weight ±0.5"));
  g_assert_nonnull (strstr (text, pass));
  g_autofree char *output = technique->explain (model, again, (int)eng_model_get_n_layers (model));
  g_assert_nonnull (strstr (output, "token_embd.weight ±0.5")); /* tied */
  g_assert_null (strstr (output, "pass of its own"));
  g_assert_false (technique->matters (none, eng_technique_find_param (technique, "seed")));
  g_assert_true (technique->matters (again, eng_technique_find_param (technique, "seed")));
}

/* Twice the same; noise that nothing rounds is said not to be there. */
static void
test_hash (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) a = eng_test_build (model, NOISY ("w8a8", "\"amplitude\": 1"), NULL);
  g_autoptr (EngBuild) b = eng_test_build (model, NOISY ("w8a8", "\"amplitude\": 1"), NULL);
  g_autoptr (EngBuild) c
      = eng_test_build (model, NOISY ("w8a8", "\"amplitude\": 1, \"seed\": 2"), NULL);
  g_autoptr (EngBuild) d = eng_test_build (model, NOISY ("w8a8", "\"amplitude\": 0"), NULL);

  g_assert_cmpstr (eng_build_get_hash (a), ==, eng_build_get_hash (b));
  g_assert_cmpstr (eng_build_get_hash (a), !=, eng_build_get_hash (c));
  g_assert_cmpstr (eng_build_get_hash (a), !=, eng_build_get_hash (d));

  g_autoptr (EngBuild) f16 = eng_test_build (model, NOISY ("f16", "\"amplitude\": 1"), NULL);
  g_autoptr (EngBuild) plain = eng_test_build (model, NOISY ("f16", "\"amplitude\": 0"), NULL);
  g_autofree char *notes = g_strjoinv ("\n", (GStrv)eng_build_get_notes (f16));
  g_assert_nonnull (strstr (notes, "Noisy bias: no noise is added: no matrix is in a format that "
                                   "rounds activations to 8 bits"));
  g_assert_cmpstr (eng_build_get_hash (f16), ==, eng_build_get_hash (plain));
}

/* With inputs that are skipped: their product has no bias, so its noise is left out, and said to
 * be; the other matrices of the block have theirs. */
static void
test_skipped (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) both = eng_test_build (
      model,
      "{" SMALL ", \"weight-format\": {\"format\": \"q8_0\"}, \"noisy-bias\": {\"amplitude\": 1}, "
      "\"activation-sparsity\": {\"share\": 40.0}}",
      NULL);
  g_autoptr (EngBuild) alone = eng_test_build (model, NOISY ("q8_0", "\"amplitude\": 1"), NULL);
  const char *const *notes = eng_build_get_notes (both);
  const RtGraph *graph = eng_build_get_graph (both);
  guint n_found = 0;

  for (guint i = 0; notes[i] != NULL; i++)
    n_found += strcmp (notes[i], "Noisy bias: blk.0.ffn_down.weight and others like it: no noise: "
                                 "“Matrix product that skips” has no bias that could take it off "
                                 "again")
               == 0;
  g_assert_cmpuint (n_found, ==, 1);
  g_assert_cmpuint (rt_graph_find_value (graph, "blk.0.ffn_down.weight.noise"), ==, RT_NONE);
  g_assert_cmpuint (rt_graph_find_value (graph, "blk.0.ffn_gate.weight.noise"), !=, RT_NONE);
  notes = eng_build_get_notes (alone);
  for (guint i = 0; notes[i] != NULL; i++)
    g_assert_null (strstr (notes[i], "no noise"));
  g_assert_cmpuint (rt_graph_find_value (eng_build_get_graph (alone),
                                         "blk.0.ffn_down.weight.noise"),
                    !=, RT_NONE);
}

static void
test_refusal (void)
{
  eng_test_check_refusal (ID, "vision/mnist/opt-mnist.onnx",
                          "only language models have a text on which activations are measured");
}

int
main (int argc, char **argv)
{
  eng_test_use_own_cache ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/technique/noisy-bias/graph", test_graph);
  g_test_add_func ("/technique/noisy-bias/size", test_size);
  g_test_add_func ("/technique/noisy-bias/preserved", test_preserved);
  g_test_add_func ("/technique/noisy-bias/logits", test_logits);
  g_test_add_func ("/technique/noisy-bias/together", test_together);
  g_test_add_func ("/technique/noisy-bias/words", test_words);
  g_test_add_func ("/technique/noisy-bias/hash", test_hash);
  g_test_add_func ("/technique/noisy-bias/skipped", test_skipped);
  g_test_add_func ("/technique/noisy-bias/refusal", test_refusal);
  return g_test_run ();
}
