/* The layer axis of the default model: patterns that mean one layer, labels, and the axis that
 * plots are drawn on. */
#include "app-axis.h"
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_cmpint (argc, ==, 2);
  model_path = argv[1];
  g_test_add_func ("/app/layers/patterns", test_patterns);
  g_test_add_func ("/app/layers/labels", test_labels);
  g_test_add_func ("/app/layers/axis", test_axis);
  return g_test_run ();
}
