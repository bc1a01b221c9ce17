/* Post-training quantization as a technique: ranges from histograms, calibration, per-layer rules,
 * and what it does to a real network. */
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "eng-build-private.h"
#include "eng-calibrate.h"
#include "eng-error.h"
#include "eng-test.h"
#include "eval/eng-evaluate.h"
#include "ops/rt-ops-conv.h"
#include "ops/rt-ops-int8.h"
#include "ops/rt-ops.h"

/* ---- histograms ---- */

static void
add (EngHistogram *histogram, const float *values, guint n)
{
  float low = INFINITY, high = -INFINITY;
  for (guint i = 0; i < n; i++)
    {
      low = MIN (low, values[i]);
      high = MAX (high, values[i]);
    }
  eng_histogram_add (histogram, values, n, low, high);
}

/* Numbers that arrive later and lie further out halve the resolution, and nothing is lost. */
static void
test_histogram_grows (void)
{
  g_autofree EngHistogram *h = g_new0 (EngHistogram, 1);
  guint64 total = 0, upper = 0;

  add (h, (float[]){ 0, 0, 0 }, 3);
  g_assert_cmpfloat (h->limit, ==, 0);
  add (h, (float[]){ 0.9f, -0.5f, 0.25f }, 3);
  g_assert_cmpfloat (h->limit, ==, 1);
  g_assert_cmpuint (h->bins[(guint)((0.25 + 1) * ENG_HISTOGRAM_BINS / 2)], ==, 1);
  add (h, (float[]){ 7, -1 }, 2);
  g_assert_cmpfloat (h->limit, ==, 8);
  for (guint i = 0; i < ENG_HISTOGRAM_BINS; i++)
    {
      total += h->bins[i];
      upper += i >= ENG_HISTOGRAM_BINS / 2 ? h->bins[i] : 0;
    }
  g_assert_cmpuint (total, ==, 8);
  g_assert_cmpuint (upper, ==, 6); /* three zeros and three positive numbers */
  g_assert_cmpuint (h->bins[(guint)((0.25 / 8 + 1) * ENG_HISTOGRAM_BINS / 2)], ==, 1);
}

/* 100,000 numbers evenly over 0..1 and one at 50. */
static EngHistogram *
make_outlier (void)
{
  const guint n = 100000;
  EngHistogram *h = g_new0 (EngHistogram, 1);
  g_autofree float *values = g_new (float, n);

  for (guint i = 0; i < n; i++)
    values[i] = (float)i / (float)n;
  add (h, values, n);
  add (h, (float[]){ 50 }, 1);
  return h;
}

static void
range_of (const EngHistogram *h, EngRangeMethod method, double percentile, float *low, float *high)
{
  *low = 0;
  *high = 50;
  eng_histogram_range (h, method, percentile, low, high);
}

static void
test_percentile (void)
{
  g_autofree EngHistogram *h = make_outlier ();
  float low, high;

  range_of (h, ENG_RANGE_PERCENTILE, 99.99, &low, &high);
  g_assert_cmpfloat (low, ==, 0); /* ten numbers of a bin of 3000 may go: none does */
  g_assert_cmpfloat_with_epsilon (high, 1, 0.04f); /* a bin is 64 / 2048 wide */
  range_of (h, ENG_RANGE_PERCENTILE, 100, &low, &high);
  g_assert_cmpfloat_with_epsilon (high, 50, 0.04f);
  range_of (h, ENG_RANGE_MIN_MAX, 99.99, &low, &high);
  g_assert_cmpfloat (high, ==, 50);
}

/* Clipping the outlier at t costs (50 - t)^2, the steps cost 100000 (t / 255)^2 / 12: the sum is
 * least where (50 - t) = t * 100000 / (12 * 255^2), at 50 / (1 + 0.12815) = 44.3. With 1000 of them
 * at 50 none is clipped. */
static void
test_least_error (void)
{
  g_autofree EngHistogram *h = make_outlier ();
  float low, high;

  range_of (h, ENG_RANGE_MSE, 0, &low, &high);
  g_assert_cmpfloat_with_epsilon (high, 44.3f, 50.f / 128);
  for (guint i = 0; i < 1000; i++)
    add (h, (float[]){ 50 }, 1);
  range_of (h, ENG_RANGE_MSE, 0, &low, &high);
  g_assert_cmpfloat (high, >, 49);
}

/* A bell with a thin far tail: what is chosen holds nearly all of the bell and leaves the tail out;
 * without a tail nothing is clipped that matters. */
static void
test_least_divergence (void)
{
  const guint n = 200000;
  g_autofree EngHistogram *h = g_new0 (EngHistogram, 1);
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  g_autofree float *values = g_new (float, n);
  float low, high;

  for (guint i = 0; i < n; i++)
    {
      double sum = 0;
      for (guint k = 0; k < 12; k++)
        sum += g_rand_double (rand) - 0.5;
      values[i] = (float)fabs (sum);
    }
  add (h, values, n);
  add (h, (float[]){ 50 }, 1);
  range_of (h, ENG_RANGE_ENTROPY, 0, &low, &high);
  g_assert_cmpfloat (high, >, 2);
  g_assert_cmpfloat (high, <, 15);

  /* A ReLU's zeros say nothing about the range: zero is a code in any. */
  const float zeros[1000] = { 0 };
  for (guint i = 0; i < 2000; i++)
    add (h, zeros, 1000);
  float first = high;
  range_of (h, ENG_RANGE_ENTROPY, 0, &low, &high);
  g_assert_cmpfloat (high, ==, first);
}

/* ---- the technique ---- */

#define KWS "audio/kws/kws_ref_model_float32.tflite"
#define KWS_DATA "data/kws01.tar.gz"

static char *
recipe_text (const char *data, const char *more)
{
  return g_strdup_printf (
      "{\"int8\": {\"precision\": \"int8\", \"calibration\": \"%s\", \"samples\": 50%s}}", data,
      more);
}

static guint
count (EngBuild *build, const RtOp *op)
{
  const RtGraph *graph = eng_build_get_graph (build);
  guint n = 0;
  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    n += rt_graph_node (graph, i)->op == op;
  return n;
}

/* Of the network alone: its front end has constants of its own. */
static guint64
weight_bytes (EngBuild *build)
{
  int n = (int)eng_model_get_n_layers (eng_build_get_model (build));
  guint64 sum = 0;
  for (int layer = 0; layer < n; layer++)
    {
      EngLayerMemory memory;
      eng_build_get_layer_memory (build, layer, &memory);
      sum += memory.weight_bytes;
    }
  return sum;
}

static EngEvaluation *
evaluate (EngBuild *build, EngBuild *baseline, const char *data)
{
  g_autoptr (GError) error = NULL;
  EngEvalOptions options = { .data = data };
  EngEvaluation *evaluation = eng_evaluate (build, baseline, &options, NULL, &error);
  g_assert_no_error (error);
  return evaluation;
}

/* All in integers, a quarter of the weights, the same answers but for a few. */
static void
test_keyword_spotting (void)
{
  static const char *const more[] = { "",
                                      ", \"range\": \"mse\"",
                                      ", \"range\": \"entropy\"",
                                      ", \"range\": \"percentile\"",
                                      ", \"bias-correction\": false",
                                      ", \"equalization\": true" };
  g_autofree char *path = eng_test_data_or_skip (KWS);
  g_autofree char *data = path != NULL ? eng_test_data_or_skip (KWS_DATA) : NULL;
  if (data == NULL)
    return;
  g_autoptr (EngModel) model = eng_test_load (path);
  g_autoptr (EngBuild) plain = eng_test_build (model, "{}", NULL);
  g_autoptr (GHashTable) hashes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_assert_cmpuint (count (plain, &rt_op_conv), >, 0);
  for (guint i = 0; i < G_N_ELEMENTS (more); i++)
    {
      g_autofree char *recipe = recipe_text (data, more[i]);
      g_autoptr (EngBuild) build = eng_test_build (model, recipe, plain);
      g_autoptr (EngEvaluation) evaluation = evaluate (build, plain, data);
      const EngEvalMetric *top1 = eng_evaluation_find_metric (evaluation, "top1-accuracy");
      const EngEvalMetric *same = eng_evaluation_find_metric (evaluation, "output-agreement");

      g_assert_cmpuint (count (build, &rt_op_conv) + count (build, &rt_op_depthwise), ==, 0);
      g_assert_cmpuint (count (build, &rt_op_conv_int8) + count (build, &rt_op_depthwise_int8), ==,
                        count (plain, &rt_op_conv) + count (plain, &rt_op_depthwise));
      g_assert_cmpuint (count (build, &rt_op_dynamic_round), ==, 0);
      g_assert_cmpuint (weight_bytes (build) * 2, <, weight_bytes (plain));
      g_assert_cmpfloat (same->whole.value.value, >, 93);
      g_assert_cmpfloat (fabs (top1->whole.change.value), <, 2);
      /* Another range is another build. */
      g_assert_true (g_hash_table_add (hashes, g_strdup (eng_build_get_hash (build))));
    }
}

/* One layer may stay float; its neighbours do not. */
static void
test_rule (void)
{
  g_autofree char *path = eng_test_data_or_skip (KWS);
  g_autofree char *data = path != NULL ? eng_test_data_or_skip (KWS_DATA) : NULL;
  if (data == NULL)
    return;
  g_autoptr (EngModel) model = eng_test_load (path);
  const char *tensor = eng_model_get_tensor (model, 1)->name;
  g_autofree char *rule
      = g_strdup_printf (", \"rules\": [{\"match\": \"%s\", \"precision\": \"float\"}]", tensor);
  g_autofree char *recipe = recipe_text (data, rule);
  g_autoptr (EngBuild) build = eng_test_build (model, recipe, NULL);

  g_assert_cmpuint (count (build, &rt_op_conv) + count (build, &rt_op_depthwise)
                        + count (build, &rt_op_matmul),
                    ==, 1);
  g_autofree char *only = g_strdup_printf ("{\"int8\": {\"calibration\": \"%s\", \"rules\": "
                                           "[{\"match\": \"%s\", \"precision\": \"int8\"}]}}",
                                           data, tensor);
  g_autoptr (EngBuild) one = eng_test_build (model, only, NULL);
  g_assert_cmpuint (count (one, &rt_op_conv_int8) + count (one, &rt_op_depthwise_int8)
                        + count (one, &rt_op_fully_connected_int8),
                    ==, 1);
}

static void
expect_error (EngModel *model, const char *techniques, int code, const char *says)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRecipe) recipe = eng_test_recipe (techniques);
  g_assert_null (eng_build_new (model, recipe, NULL, NULL, &error));
  g_assert_nonnull (error);
  if (code >= 0)
    g_assert_error (error, ENG_ERROR, code);
  if (strstr (error->message, says) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, says);
}

/* Without samples, with none to be found, with samples of something else: refused, in words. */
static void
test_bad_calibration (void)
{
  g_autofree char *path = eng_test_data_or_skip (KWS);
  g_autofree char *other
      = path != NULL ? eng_test_data_or_skip ("data/cifar10-test-1000.tar.gz") : NULL;
  if (other == NULL)
    return;
  g_autoptr (EngModel) model = eng_test_load (path);
  char *directory = eng_test_directory (); /* eng_test_remove() frees it */
  g_autofree char *empty = recipe_text (directory, "");
  g_autofree char *wrong = recipe_text (other, "");

  expect_error (model, "{\"int8\": {\"precision\": \"int8\"}}", ENG_ERROR_RANGE, "calibrate");
  expect_error (model, "{\"int8\": {\"precision\": \"int8\", \"calibration\": \"/nothing/here\"}}",
                -1, "/nothing/here");
  expect_error (model, empty, -1, directory);
  expect_error (model, wrong, -1, "Calibration with");
  eng_test_remove (directory);
}

static void
test_cancel (void)
{
  g_autofree char *path = eng_test_data_or_skip (KWS);
  g_autofree char *data = path != NULL ? eng_test_data_or_skip (KWS_DATA) : NULL;
  if (data == NULL)
    return;
  g_autoptr (EngModel) model = eng_test_load (path);
  g_autofree char *text = recipe_text (data, "");
  g_autoptr (EngRecipe) recipe = eng_test_recipe (text);
  g_autoptr (EngJob) job = eng_job_new ("test");
  g_autoptr (GError) error = NULL;

  eng_job_cancel (job);
  g_assert_null (eng_build_new (model, recipe, NULL, job, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* A language model says why not, and nothing happens to it. */
static void
test_language_model (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build
      = eng_test_build (model, "{\"int8\": {\"precision\": \"int8\"}}", NULL);
  g_autofree char *why = eng_technique_find ("int8")->applies (model);

  g_assert_nonnull (why);
  g_assert_cmpuint (g_strv_length ((GStrv)eng_build_get_notes (build)), ==, 1);
}

/* Samples first, then the precision, then how: the rest has no effect yet. */
static void
test_matters (void)
{
  static const struct
  {
    const char *techniques;
    const char *hidden; /* of the parameters, space-separated with one at either end */
  } cases[] = {
    { "{}", " precision samples range percentile bias-correction equalization " },
    { "{\"int8\": {\"calibration\": \"/x\"}}",
      " samples range percentile bias-correction equalization " },
    { "{\"int8\": {\"precision\": \"int8\", \"calibration\": \"/x\"}}", " percentile " },
    { "{\"int8\": {\"precision\": \"int8\", \"range\": \"percentile\"}}", " " },
    { "{\"int8\": {\"rules\": [{\"match\": \"a\", \"precision\": \"int8\"}]}}", " percentile " },
  };
  const EngTechnique *technique = eng_technique_find ("int8");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (EngRecipe) recipe = eng_test_recipe (cases[i].techniques);
      for (guint p = 0; p < technique->n_params; p++)
        {
          g_autofree char *name = g_strdup_printf (" %s ", technique->params[p].id);
          g_assert_cmpint (technique->matters (recipe, &technique->params[p]), ==,
                           strstr (cases[i].hidden, name) == NULL);
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/int8/histogram-grows", test_histogram_grows);
  g_test_add_func ("/int8/percentile", test_percentile);
  g_test_add_func ("/int8/least-error", test_least_error);
  g_test_add_func ("/int8/least-divergence", test_least_divergence);
  g_test_add_func ("/int8/keyword-spotting", test_keyword_spotting);
  g_test_add_func ("/int8/rule", test_rule);
  g_test_add_func ("/int8/bad-calibration", test_bad_calibration);
  g_test_add_func ("/int8/cancel", test_cancel);
  g_test_add_func ("/int8/matters", test_matters);
  g_test_add_func ("/int8/language-model", test_language_model);
  return g_test_run ();
}
