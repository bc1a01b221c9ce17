/* Attention weights in few bits: the measured bias against sums that the test makes from a plain
 * run's queries and keys; what the correction is good for; words, recipes, hashes. */
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "eng-activations-private.h"
#include "eng-error.h"
#include "eng-lowering.h"
#include "eng-softmax-bias.h"
#include "eng-test.h"
#include "ops/rt-ops.h"

#define ID "softmax"
#define SMALL "\"calibration\": {\"tokens\": 512}"
#define SOFTMAX(text) "{" SMALL ", \"softmax\": {" text "}}"
#define N_TOKENS 96

static const RtNode *
attention_of (const RtGraph *graph, int layer)
{
  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    if (rt_graph_node (graph, i)->op == &rt_op_attention
        && rt_graph_node (graph, i)->layer == layer)
      return rt_graph_node (graph, i);
  g_error ("no attention in block %d", layer);
}

/* ---- the measurement ---- */

/* Block @layer's weights on all windows, straight from the formula: chunks of 128 positions, each
 * relative to its largest. */
static void
sum_plainly (EngModel *model, EngRecipe *recipe, guint layer, guint head, guint n_bits,
             double *lost, double *mean)
{
  g_autoptr (EngBuild) build = eng_test_build (model, "{\"fusion\": {\"enabled\": false}}", NULL);
  const RtGraph *graph = eng_build_get_graph (build);
  const RtNode *node = attention_of (graph, (int)layer);
  const RtAttentionAttrs *a = node->attrs;
  g_autofree bool *taps = g_new0 (bool, rt_graph_n_values (graph));
  g_autoptr (GError) error = NULL;
  EngCalibrationTokens text = { 0 };
  double steps = pow (2, n_bits) - 1, n = 0;
  RtError rt_error = { 0 };

  g_assert_true (eng_calibration_tokens_make (model, recipe, &text, &error));
  taps[node->inputs[0]] = taps[node->inputs[1]] = true;
  EngExecOptions options = { .max_tokens = text.window, .n_ctx = text.window, .taps = taps };
  RtExec *exec = eng_build_new_exec (build, &options, &error);
  g_assert_no_error (error);
  *lost = *mean = 0;
  for (guint w = 0; w < text.n_windows; w++)
    {
      rt_kv_set_n_used (rt_exec_kv (exec), 0);
      g_assert_true (rt_exec_run (exec, text.tokens + w * text.window, text.window, 1,
                                  RT_PHASE_PREFILL, &rt_error));
      const float *q = rt_exec_tap (exec, node->inputs[0]);
      const float *k = rt_exec_tap (exec, node->inputs[1]);
      for (guint t = 0; t < text.window; t++)
        for (guint from = 0; from <= t; from += 128)
          {
            double score[128], top = -INFINITY;
            guint end = MIN (t + 1, from + 128);
            for (guint i = from; i < end; i++)
              {
                score[i - from] = 0;
                for (guint d = 0; d < a->head_dim; d++)
                  score[i - from]
                      += (double)q[(t * a->n_heads + head) * a->head_dim + d]
                         * (double)k[(i * a->n_kv_heads + head / (a->n_heads / a->n_kv_heads))
                                         * a->head_dim
                                     + d]
                         * (double)a->scale;
                top = fmax (top, score[i - from]);
              }
            for (guint i = from; i < end; i++, n++)
              {
                double e = exp (score[i - from] - top);
                *mean += e;
                *lost += e - floor (e * steps + 0.5) / steps;
              }
          }
    }
  *lost /= n;
  *mean /= n;
  rt_exec_free (exec);
  eng_calibration_tokens_clear (&text);
}

static void
test_measured (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) recipe = eng_test_recipe (SOFTMAX (""));
  g_autoptr (GError) error = NULL;

  g_assert_null (eng_softmax_bias_peek (model, recipe));
  const EngSoftmaxBias *bias = eng_softmax_bias_load (model, recipe, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (eng_softmax_bias_peek (model, recipe) == bias);
  g_assert_cmpuint (bias->n_tokens, ==, 512);
  for (guint layer = 0; layer < bias->n_layers; layer += bias->n_layers - 1)
    for (guint n_bits = 4; n_bits <= 8; n_bits += 4)
      {
        guint head = (layer + 1) % bias->n_heads;
        double lost, mean;
        sum_plainly (model, recipe, layer, head, n_bits, &lost, &mean);
        double got = eng_softmax_bias_lost (bias, layer, head, n_bits);
        /* Scores in float: a few weights of many are rounded the other way. */
        if (fabs (got - lost) > 1e-3 * fabs (lost) + 1e-7)
          g_error ("block %u, %u bits: %.9g, expected %.9g", layer, n_bits, got, lost);
        g_assert_cmpfloat_with_epsilon (bias->mean[layer * bias->n_heads + head], mean,
                                        1e-5 * mean);
      }

  /* A model opened anew finds it on disk, to the last bit. */
  g_autoptr (EngModel) again = eng_test_load_default ();
  const EngSoftmaxBias *kept = eng_softmax_bias_load (again, recipe, NULL, &error);
  g_assert_no_error (error);
  gsize n = (gsize)bias->n_layers * bias->n_heads;
  g_assert_true (kept != bias);
  g_assert_cmpmem (kept->lost, n * ENG_SOFTMAX_N_BITS * sizeof (double), bias->lost,
                   n * ENG_SOFTMAX_N_BITS * sizeof (double));
  g_assert_cmpmem (kept->mean, n * sizeof (double), bias->mean, n * sizeof (double));
}

static void
test_cancelled (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) recipe
      = eng_test_recipe ("{\"calibration\": {\"tokens\": 768}, \"softmax\": {\"bits\": \"8\"}}");
  g_autoptr (EngJob) job = eng_job_new ("test");
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (eng_job_get_cancellable (job));
  g_assert_null (eng_softmax_bias_load (model, recipe, job, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* ---- the graph ---- */

static void
test_graph (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build
      = eng_test_build (model,
                        SOFTMAX (
                            "\"bits\": \"8\", \"rules\": [{\"match\": \"blk.1.*\", "
                            "\"bits\": \"4\"}, {\"match\": \"blk.2.*\", \"bits\": \"exact\"}]"),
                        NULL);
  g_autoptr (EngRecipe) recipe = eng_test_recipe (SOFTMAX (""));
  const EngSoftmaxBias *bias = eng_softmax_bias_peek (model, recipe);
  static const float levels[] = { 255, 15, 0 };
  static const guint n_bits[] = { 8, 4 };

  g_assert_nonnull (bias);
  for (int layer = 0; layer < 3; layer++)
    {
      const RtAttentionAttrs *a = attention_of (eng_build_get_graph (build), layer)->attrs;
      g_assert_cmpfloat (a->softmax_levels, ==, levels[layer]);
      for (guint h = 0; h < a->n_heads; h++)
        g_assert_cmpfloat (a->softmax_bias[h], ==,
                           layer == 2 ? 0
                                      : (float)eng_softmax_bias_lost (bias, (guint)layer, h,
                                                                      n_bits[layer]));
    }

  g_autoptr (EngBuild) plain
      = eng_test_build (model, SOFTMAX ("\"bits\": \"8\", \"correction\": false"), NULL);
  const RtAttentionAttrs *a = attention_of (eng_build_get_graph (plain), 0)->attrs;
  g_assert_cmpfloat (a->softmax_levels, ==, 255);
  g_assert_cmpfloat (a->softmax_bias[0], ==, 0);
}

/* ---- end to end ---- */

static double
logit_error (EngModel *model, const char *recipe, const float *exact)
{
  g_autoptr (EngBuild) build = eng_test_build (model, recipe, NULL);
  gint32 tokens[N_TOKENS];

  eng_test_fill_tokens (tokens, N_TOKENS);
  g_autofree float *logits = eng_test_logits (build, tokens, N_TOKENS);
  return eng_test_relative_error (logits, exact, rt_exec_n_vocab (eng_build_get_exec (build)));
}

/* Fewer bits, more error. */
static void
test_logits (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  gint32 tokens[N_TOKENS];

  eng_test_fill_tokens (tokens, N_TOKENS);
  g_autofree float *exact = eng_test_logits (build, tokens, N_TOKENS);
  double e8 = logit_error (model, SOFTMAX ("\"bits\": \"8\""), exact);
  double e6 = logit_error (model, SOFTMAX ("\"bits\": \"6\""), exact);
  double e4 = logit_error (model, SOFTMAX ("\"bits\": \"4\""), exact);
  double u4 = logit_error (model, SOFTMAX ("\"bits\": \"4\", \"correction\": false"), exact);

  g_test_message ("8 bits %.5f, 6 bits %.5f, 4 bits %.5f, uncorrected %.5f", e8, e6, e4, u4);
  g_assert_cmpfloat (e8, >, 0);
  g_assert_cmpfloat (e6, >, e8);
  g_assert_cmpfloat (e4, >, e6);
  g_assert_cmpfloat (e8, <, 0.02);
  g_assert_cmpfloat (e4, <, 0.3);
  g_assert_cmpfloat (u4, !=, e4);
}

/* ---- words ---- */

static void
test_words (void)
{
  const EngTechnique *technique = eng_technique_find (ID);
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) none = eng_recipe_new ();
  g_autoptr (EngRecipe) recipe = eng_test_recipe (
      SOFTMAX ("\"bits\": \"4\", \"correction\": false, \"rules\": [{\"match\": \"blk.1.*\", "
               "\"bits\": \"exact\"}]"));
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRecipe) again = eng_test_round_trip (recipe);

  g_autofree char *words = technique->describe (again);
  g_assert_cmpstr (words, ==, "4-bit softmax, uncorrected");
  g_assert_null (technique->describe (none));
  g_assert_null (technique->explain (model, again, 1));
  g_autofree char *before = technique->explain (model, again, 0);
  g_assert_nonnull (strstr (before, "1/15"));
  g_assert_null (strstr (before, "%"));

  const EngSoftmaxBias *bias = eng_softmax_bias_load (model, again, NULL, &error);
  g_assert_no_error (error);
  double lost = 0, weight = 0;
  for (guint h = 0; h < bias->n_heads; h++)
    {
      lost += eng_softmax_bias_lost (bias, 0, h, 4);
      weight += bias->mean[h];
    }
  g_autofree char *number = g_strdup_printf ("%+.3f %%", -100 * lost / weight);
  g_autofree char *after = technique->explain (model, again, 0);
  g_assert_nonnull (strstr (after, number));

  g_assert_false (technique->matters (none, eng_technique_find_param (technique, "correction")));
  g_assert_true (technique->matters (again, eng_technique_find_param (technique, "correction")));
}

static void
test_hash (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) a = eng_test_build (model, SOFTMAX ("\"bits\": \"8\""), NULL);
  g_autoptr (EngBuild) b = eng_test_build (model, SOFTMAX ("\"bits\": \"8\""), NULL);
  g_autoptr (EngBuild) c
      = eng_test_build (model, SOFTMAX ("\"bits\": \"8\", \"correction\": false"), NULL);
  g_autoptr (EngBuild) d = eng_test_build (model, "{}", NULL);

  g_assert_cmpstr (eng_build_get_hash (a), ==, eng_build_get_hash (b));
  g_assert_cmpstr (eng_build_get_hash (a), !=, eng_build_get_hash (c));
  g_assert_cmpstr (eng_build_get_hash (c), !=, eng_build_get_hash (d));
}

static void
test_refusal (void)
{
  eng_test_check_refusal (ID, "vision/mnist/opt-mnist.onnx",
                          "a network has no attention over earlier tokens");
}

int
main (int argc, char **argv)
{
  eng_test_use_own_cache ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/technique/softmax/measured", test_measured);
  g_test_add_func ("/technique/softmax/cancelled", test_cancelled);
  g_test_add_func ("/technique/softmax/graph", test_graph);
  g_test_add_func ("/technique/softmax/logits", test_logits);
  g_test_add_func ("/technique/softmax/words", test_words);
  g_test_add_func ("/technique/softmax/hash", test_hash);
  g_test_add_func ("/technique/softmax/refusal", test_refusal);
  return g_test_run ();
}
