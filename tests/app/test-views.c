/* What the graph and the memory view are fed with, from the default model: every executed node and
 * line, ids that lead there and back, the plan's own bytes. Needs a display. */
#include "app-graph-feed.h"
#include "app-memory-feed.h"

#include <adwaita.h>
#include <math.h>

static EngModel *model;
static EngBuild *build;

static void
test_graph_nodes (void)
{
  g_autoptr (AppGraphFeed) feed = app_graph_feed_new (model, build);
  g_autoptr (AppGraphFeed) again = app_graph_feed_new (model, build);
  g_autoptr (AppGraphFeed) source = app_graph_feed_new (model, NULL);
  const RtGraph *graph = eng_build_get_graph (build);

  g_assert_cmpuint (app_graph_feed_get_n_nodes (feed), ==, rt_graph_n_nodes (graph));
  g_assert_cmpuint (app_graph_feed_get_n_nodes (source), ==,
                    rt_graph_n_nodes (eng_model_get_graph (model)));
  g_assert_true (app_graph_feed_equal (feed, again));
  g_assert_false (app_graph_feed_equal (feed, source));
  g_assert_false (app_graph_feed_equal (feed, NULL));
  for (guint i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      const char *id = app_graph_feed_find (feed, node->layer, node->name), *name;
      int layer;

      g_assert_nonnull (id);
      g_assert_true (app_graph_feed_lookup (feed, id, &layer, &name));
      g_assert_cmpint (layer, ==, node->layer);
      g_assert_cmpstr (name, ==, node->name);
      g_assert_cmpuint (app_graph_feed_get_node (feed, id), ==, i);
    }
}

static void
test_graph_layers (void)
{
  g_autoptr (AppGraphFeed) feed = app_graph_feed_new (model, build);
  int n_layers = (int)eng_model_get_n_layers (model), layer;
  const char *name;

  for (int i = 0; i < n_layers; i++)
    {
      const char *id = app_graph_feed_find (feed, i, NULL);

      g_assert_true (app_graph_feed_lookup (feed, id, &layer, &name));
      g_assert_cmpint (layer, ==, i);
      g_assert_null (name); /* a block of several nodes */
      g_assert_cmpstr (app_graph_feed_find (feed, i, "no such node"), ==, id);
    }
  g_assert_null (app_graph_feed_find (feed, n_layers + 1, NULL));
  g_assert_null (app_graph_feed_find (feed, -2, NULL));
  g_assert_false (app_graph_feed_lookup (feed, "value/tokens", &layer, &name)); /* an input */
  g_assert_false (app_graph_feed_lookup (feed, "nobody", &layer, &name));
  g_assert_false (app_graph_feed_lookup (feed, NULL, &layer, &name));
}

/* Bytes of blocks are those of the build, and the blocks' weights are all weights. */
static void
test_graph_colour (void)
{
  g_autoptr (AppGraphFeed) feed = app_graph_feed_new (model, build);
  PlotGraph *graph = PLOT_GRAPH (g_object_ref_sink (plot_graph_new ()));
  g_autoptr (PlotTable) table = NULL;
  RtMemory memory;
  double sum = 0;

  app_graph_feed_install (feed, graph);
  app_graph_feed_colour (feed, graph, APP_METRIC_WEIGHTS, build, NULL, RT_PHASE_DECODE);
  table = plot_figure_make_table (PLOT_FIGURE (graph));
  for (guint row = 0; row < plot_table_get_n_rows (table); row++)
    {
      double value = plot_table_get_number (table, row, 5);

      sum += isnan (value) ? 0 : value;
    }
  eng_build_get_memory (build, &memory);
  g_assert_cmpfloat (sum, ==, (double)memory.weight_bytes);

  /* Nothing measured: no value, never zero. */
  app_graph_feed_colour (feed, graph, APP_METRIC_LATENCY, build, NULL, RT_PHASE_DECODE);
  g_clear_object (&table);
  table = plot_figure_make_table (PLOT_FIGURE (graph));
  for (guint row = 0; row < plot_table_get_n_rows (table); row++)
    g_assert_true (isnan (plot_table_get_number (table, row, 5)));
  g_object_unref (graph);
}

static void
test_memory (void)
{
  const RtPlan *plan = rt_exec_plan (eng_build_get_exec (build));
  PlotMemory *memory = PLOT_MEMORY (g_object_ref_sink (plot_memory_new ()));
  g_autoptr (PlotTable) table = NULL;
  guint64 top = 0;
  guint n_blocks = 0;

  for (guint v = 0; v < plan->n_values; v++)
    n_blocks += plan->entries[v].bytes > 0 && plan->entries[v].alias_of == RT_NONE;
  app_memory_feed_install (build, memory);
  g_assert_cmpuint (plot_memory_get_n_buffers (memory), ==, n_blocks);
  g_assert_cmpuint (plot_memory_get_alive_bytes (memory, (guint)plot_memory_get_peak_step (memory)),
                    ==, plan->lower_bound_bytes);
  table = plot_figure_make_table (PLOT_FIGURE (memory));
  for (guint row = 0; row < plot_table_get_n_rows (table); row++)
    top = MAX (top, (guint64)(plot_table_get_number (table, row, 2)
                              + plot_table_get_number (table, row, 3)));
  g_assert_cmpuint (top, ==, plan->arena_bytes);
  g_object_unref (memory);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRecipe) recipe = eng_recipe_new ();
  int status;

  if (!gtk_init_check ())
    {
      g_print ("1..0 # SKIP no display\n");
      return 77;
    }
  g_test_init (&argc, &argv, NULL);
  model = eng_model_load (argv[1], NULL, &error);
  g_assert_no_error (error);
  build = eng_build_new (model, recipe, NULL, NULL, &error);
  g_assert_no_error (error);
  g_test_add_func ("/app/views/graph-nodes", test_graph_nodes);
  g_test_add_func ("/app/views/graph-layers", test_graph_layers);
  g_test_add_func ("/app/views/graph-colour", test_graph_colour);
  g_test_add_func ("/app/views/memory", test_memory);
  status = g_test_run ();
  g_object_unref (build);
  g_object_unref (model);
  return status;
}
