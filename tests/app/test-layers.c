/* The layer axis of the default model: patterns that mean one layer, labels, and the axis that
 * plots are drawn on. */
#include "app-axis.h"
#include "app-estimate.h"
#include "app-layers.h"

#include "eng-build.h"

#include <math.h>

static char *model_path;

static EngModel *
load (void)
{
  g_autoptr (GError) error = NULL;
  EngModel *model = eng_model_load (model_path, NULL, &error);

  g_assert_no_error (error);
  return model;
}

/* The pattern of a layer matches all of its matrices and none of another's. */
static void
test_patterns (void)
{
  g_autoptr (EngModel) model = load ();
  int n_layers = (int)eng_model_get_n_layers (model);
  g_autofree char *block = app_layers_dup_pattern (model, 1);

  g_assert_cmpint (n_layers, >, 1);
  g_assert_cmpstr (block, ==, "blk.1.*");
  g_assert_null (app_layers_dup_pattern (model, n_layers + 5));
  for (int layer = -1; layer <= n_layers; layer++)
    {
      g_autofree char *pattern = app_layers_dup_pattern (model, layer);
      guint n = 0;

      for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
        {
          const EngTensor *tensor = eng_model_get_tensor (model, i);

          n += tensor->layer == layer;
          if (pattern != NULL)
            g_assert_cmpint (g_pattern_match_simple (pattern, tensor->name), ==,
                             tensor->layer == layer);
        }
      g_assert_cmpint (pattern != NULL, ==, n > 0);
      if (pattern != NULL)
        g_assert_cmpuint (app_layers_count_matches (model, pattern), ==, n);
    }
}

static void
test_labels (void)
{
  g_autoptr (EngModel) model = load ();
  g_autofree char *first = app_layers_dup_label (model, -1);
  g_autofree char *block = app_layers_dup_label (model, 2);
  g_autofree char *last = app_layers_dup_label (model, (int)eng_model_get_n_layers (model));

  g_assert_cmpstr (first, ==, "Emb");
  g_assert_cmpstr (block, ==, "2");
  g_assert_cmpstr (last, ==, "Out");
}

/* Without a build there are the bare layers; with one, its nodes, each behind its layer; memory
 * adds up to what the build says. */
static void
test_axis (void)
{
  g_autoptr (EngModel) model = load ();
  g_autoptr (EngRecipe) recipe = eng_recipe_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (EngBuild) build = eng_build_new (model, recipe, NULL, NULL, &error);
  g_autoptr (AppAxis) bare = app_axis_new (model, NULL, NULL);
  guint n_layers = eng_model_get_n_layers (model);

  g_assert_no_error (error);
  g_autoptr (AppAxis) full = app_axis_new (model, NULL, build);
  guint n = app_axis_n_items (full);
  g_autofree double *weights = g_new (double, n);
  g_autofree double *activations = g_new (double, n);
  g_autofree double *kv = g_new (double, n);
  double sum_layers = 0.0;
  RtMemory memory;

  g_assert_cmpuint (app_axis_n_items (bare), ==, n_layers + 2);
  g_assert_cmpuint (n, ==, n_layers + 2 + rt_graph_n_nodes (eng_build_get_graph (build)));
  g_assert_false (app_axis_equal (bare, full));
  g_assert_true (app_axis_equal (full, full));

  app_axis_fill_build_memory (full, build, weights, activations, kv);
  for (guint i = 0; i < n; i++)
    {
      if (app_axis_get_node_name (full, i) == NULL)
        sum_layers += weights[i];
      else
        g_assert_cmpint (app_axis_find (full, app_axis_get_layer (full, i),
                                        app_axis_get_node_name (full, i)),
                         ==, (int)i);
    }
  eng_build_get_memory (build, &memory);
  g_assert_cmpfloat_with_epsilon (sum_layers, (double)memory.weight_bytes,
                                  0.05 * (double)memory.weight_bytes);
  g_assert_cmpint (app_axis_find (full, -1, NULL), ==, 0);
  g_assert_cmpint (app_axis_find (full, (int)n_layers + 1, NULL), ==, -1);
}

/* Estimates stand where the layers and operators are that they are of. */
static void
test_estimates (void)
{
  g_autoptr (EngModel) model = load ();
  g_autoptr (EngRecipe) recipe = eng_recipe_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (EngBuild) build = eng_build_new (model, recipe, NULL, NULL, &error);
  g_autoptr (AppAxis) axis = app_axis_new (model, NULL, build);
  guint n = app_axis_n_items (axis), n_nodes = 0;
  g_autofree double *value = g_new (double, n);
  g_autofree double *low = g_new (double, n);
  g_autofree double *high = g_new (double, n);
  /* A byte takes a nanosecond and everything reaches half of its roof. */
  EngRoof roof = { .n_threads = 1, .read_bytes_per_s = 1e9, .f32_flops = 1e15, .int8_ops = 1e15 };
  EngKernelTime half
      = { .signature = "probe f32 f32|f32[1]", .cost = { .read_bytes = 1 }, .median_ns = 2 };
  g_autoptr (EngKernelTable) table = eng_kernel_table_new (&half, 1, &roof, 0);
  g_autoptr (EngEstimator) estimator = eng_estimator_new_for_table (table);
  EngEstimateSizes sizes;
  double layers = 0, nodes = 0;

  g_assert_no_error (error);
  eng_estimate_sizes_init (&sizes, model, NULL);
  g_autoptr (EngForecast) forecast
      = eng_estimator_forecast (estimator, model, recipe, &sizes, &error);
  g_assert_no_error (error);
  app_estimate_fill_latency (axis, forecast, RT_PHASE_DECODE, value, low, high);
  for (guint i = 0; i < n; i++)
    {
      g_assert_cmpfloat (value[i], >, 0);
      if (app_axis_get_node_name (axis, i) == NULL)
        layers += value[i];
      else
        {
          nodes += value[i];
          n_nodes++;
        }
    }
  g_assert_cmpuint (n_nodes, ==, eng_forecast_get_n_nodes (forecast));
  g_assert_cmpfloat_with_epsilon (layers, nodes, 1e-6 * nodes);
  g_assert_cmpfloat_with_epsilon (layers, eng_forecast_get_total (forecast, RT_PHASE_DECODE)->ns,
                                  1e-6 * layers);
  app_estimate_fill_latency (axis, NULL, RT_PHASE_DECODE, value, low, high);
  g_assert_true (isnan (value[0]) && isnan (value[n - 1]));

  g_autofree char *caption = app_estimate_dup_caption (forecast, RT_PHASE_DECODE);
  g_autofree char *total = app_estimate_dup_total (forecast, RT_PHASE_DECODE);
  g_autofree char *detail = app_estimate_dup_detail (model, axis, 1, forecast, RT_PHASE_DECODE);
  g_assert_cmpstr (caption, ==, "Estimate: 100\u202f% from the roofs");
  g_assert_true (g_str_has_prefix (total, "Σ ~") && g_str_has_suffix (total, ", estimated"));
  g_assert_nonnull (strstr (detail, "expected, from the roofs"));
  g_assert_null (app_estimate_dup_total (NULL, RT_PHASE_DECODE));

  /* Where nothing is known there is no mark, and no sum of what there is. */
  g_autoptr (EngKernelTable) no_table = eng_kernel_table_new (NULL, 0, NULL, 0);
  g_autoptr (EngEstimator) blind = eng_estimator_new_for_table (no_table);
  g_autoptr (EngForecast) unknown = eng_estimator_forecast (blind, model, recipe, &sizes, &error);
  g_assert_no_error (error);
  app_estimate_fill_latency (axis, unknown, RT_PHASE_DECODE, value, low, high);
  for (guint i = 0; i < n; i++)
    g_assert_true (isnan (value[i]));
  g_autofree char *no_total = app_estimate_dup_total (unknown, RT_PHASE_DECODE);
  g_assert_cmpstr (no_total, ==, "");
  g_assert_null (app_estimate_dup_error (NULL, RT_PHASE_DECODE));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_cmpint (argc, ==, 2);
  model_path = argv[1];
  g_test_add_func ("/app/layers/patterns", test_patterns);
  g_test_add_func ("/app/layers/labels", test_labels);
  g_test_add_func ("/app/layers/axis", test_axis);
  g_test_add_func ("/app/layers/estimates", test_estimates);
  return g_test_run ();
}
