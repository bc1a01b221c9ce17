/* The sketch of a recipe says what its build will be: graph, formats, bytes and costs, without
 * packing anything. */
#include "eng-sketch.h"

#include "eng-build-private.h"
#include "eng-error.h"
#include "eng-test.h"

static EngSketch *
sketch_of (EngModel *model, const char *techniques)
{
  g_autoptr (EngRecipe) recipe = eng_test_recipe (techniques);
  g_autoptr (GError) error = NULL;
  EngSketch *sketch = eng_sketch_new (model, recipe, &error);
  g_assert_no_error (error);
  return sketch;
}

/* Node by node what the build executes, of @n_tokens at position 5. */
static void
check_same (EngSketch *sketch, EngBuild *build, guint n_tokens)
{
  const RtGraph *graph = eng_sketch_get_graph (sketch), *built = eng_build_get_graph (build);
  int64_t symbols[RT_N_SYMBOLS];
  RtMemory mine, its;

  g_assert_cmpuint (rt_graph_n_nodes (graph), ==, rt_graph_n_nodes (built));
  g_assert_cmpuint (eng_sketch_get_n_threads (sketch), ==, eng_build_get_n_threads (build));
  g_assert_cmpuint (eng_sketch_get_max_tokens (sketch), ==, eng_build_get_max_tokens (build));
  eng_build_get_max_symbols (build, symbols);
  if (eng_model_get_kind (eng_build_get_model (build)) == ENG_MODEL_LANGUAGE)
    symbols[0] = n_tokens;
  EngProfiler *profiler = eng_profiler_new (build, 4);
  g_autoptr (EngProfile) profile = eng_profiler_snapshot (profiler);
  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      RtCost cost, expected;
      EngLayerMemory memory, node_memory;
      eng_sketch_get_cost (sketch, i, symbols, 5, &cost);
      rt_exec_cost (eng_build_get_exec (build), i, n_tokens, 5, &expected);
      g_assert_cmpstr (rt_graph_node (graph, i)->name, ==, rt_graph_node (built, i)->name);
      g_assert_cmpmem (&cost, sizeof cost, &expected, sizeof expected);
      g_assert_true (eng_sketch_get_signature (sketch, i)
                     == eng_profile_get_node_signature (profile, i));
      eng_sketch_get_node_memory (sketch, i, &memory);
      eng_build_get_node_memory (build, i, &node_memory);
      g_assert_cmpmem (&memory, sizeof memory, &node_memory, sizeof node_memory);
    }
  eng_sketch_get_memory (sketch, &mine);
  eng_build_get_memory (build, &its);
  g_assert_cmpuint (mine.activation_bytes, ==, its.activation_bytes);
  g_assert_cmpuint (mine.scratch_bytes, ==, its.scratch_bytes);
  g_assert_cmpuint (mine.kv_bytes, ==, its.kv_bytes);
  /* What operators make of their constants is small and not known before they are made. */
  g_assert_cmpuint (mine.weight_bytes, <=, its.weight_bytes);
  g_assert_cmpuint (its.weight_bytes - mine.weight_bytes, <=, its.weight_bytes / 50 + 4096);
  eng_profiler_free (profiler);
}

static void
test_language (void)
{
  static const char *const recipes[]
      = { "{}", "{\"weight-format\": {\"format\": \"q4_0\"}}",
          "{\"weight-format\": {\"format\": \"q8_0\", \"rules\": [{\"match\": \"blk.0.*\", "
          "\"format\": \"f32\"}]}, \"context\": {\"length\": 128}}",
          "{\"fusion\": {\"enabled\": false}, \"threads\": {\"count\": 1}}" };
  g_autoptr (EngModel) model = eng_test_load_default ();

  for (guint i = 0; i < G_N_ELEMENTS (recipes); i++)
    {
      g_autoptr (EngSketch) sketch = sketch_of (model, recipes[i]);
      g_autoptr (EngBuild) build = eng_test_build (model, recipes[i], NULL);
      check_same (sketch, build, 1);
      check_same (sketch, build, 33);
    }
}

static void
test_network (void)
{
  g_autofree char *path = eng_test_data_or_skip ("vision/cifar10/pretrainedResnet.tflite");
  if (path == NULL)
    return;
  g_autoptr (EngModel) model = eng_test_load (path);
  g_autoptr (EngSketch) sketch = sketch_of (model, "{}");
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  check_same (sketch, build, 1);

  /* 8-bit integers without samples cannot be built; what they would be can be told. */
  static const char *const int8 = "{\"int8\": {\"precision\": \"int8\"}}";
  g_autoptr (EngRecipe) recipe = eng_test_recipe (int8);
  g_autoptr (GError) error = NULL;
  g_assert_null (eng_build_new (model, recipe, NULL, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_RANGE);
  g_autoptr (EngSketch) quantized = sketch_of (model, int8);
  const RtGraph *graph = eng_sketch_get_graph (quantized);
  guint n_int8 = 0;
  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    n_int8 += g_str_has_prefix (eng_sketch_get_signature (quantized, i), "conv_int8 ");
  g_assert_cmpuint (n_int8, >=, 9);
  RtMemory before, after;
  eng_sketch_get_memory (sketch, &before);
  eng_sketch_get_memory (quantized, &after);
  g_assert_cmpuint (after.activation_bytes, <, before.activation_bytes);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sketch/language", test_language);
  g_test_add_func ("/sketch/network", test_network);
  return g_test_run ();
}
