/* What the graph and the memory view are fed with, from the default model: every executed node and
 * line, ids that lead there and back, the plan's own bytes. Needs a display. */
#include "app-graph-feed.h"
#include "app-memory-feed.h"
#include "app-planner-bar.h"
#include "app-report-bar.h"
#include "app-resources.h"
#include "eng-technique.h"

#include "../import/onnx-bytes.h"

#include <adwaita.h>
#include <glib/gstdio.h>
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
  g_assert_cmpuint (plot_table_get_n_columns (table), ==, 5); /* no metric */
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

/* ---- a network that cannot run ---- */

/* x -> Relu "first" -> Foo "strange" -> Bar "stranger" -> Relu "last" -> y. The file tells no shape
 * between them. */
static EngModel *
load_unsupported (void)
{
  g_autofree char *dir = g_dir_make_tmp ("lathe-views-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "strange.onnx", NULL);
  const gint64 dims[] = { 1, 4 };
  GByteArray *graph = g_byte_array_new (), *file;
  g_autoptr (GError) error = NULL;
  EngModel *strange;

  pb_message (graph, 1, onnx_node ("Relu", "first", "x", "a"));
  pb_message (graph, 1, onnx_node ("Foo", "strange", "a", "b"));
  pb_message (graph, 1, onnx_node ("Bar", "stranger", "b,a", "c"));
  pb_message (graph, 1, onnx_node ("Relu", "last", "c", "y"));
  pb_message (graph, 11, onnx_value ("x", ONNX_FLOAT, dims, 2));
  pb_message (graph, 12, onnx_value ("y", ONNX_FLOAT, dims, 2));
  file = onnx_model (graph, 13);
  g_assert_true (g_file_set_contents (path, (const char *)file->data, file->len, &error));
  g_byte_array_unref (file);
  strange = eng_model_load (path, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_remove (path), ==, 0);
  g_assert_cmpint (g_rmdir (dir), ==, 0);
  return strange;
}

/* All of it is there, in its order, and what cannot run says so. */
static void
test_unsupported (void)
{
  static const char *const names[] = { "strange", "stranger", "last" };
  g_autoptr (EngModel) strange = load_unsupported ();
  g_autoptr (AppGraphFeed) feed = app_graph_feed_new (strange, NULL);
  g_autoptr (GPtrArray) problems = app_graph_feed_get_problems (feed);
  PlotGraph *graph = PLOT_GRAPH (g_object_ref_sink (plot_graph_new ()));
  g_autoptr (PlotTable) table = NULL;

  g_assert_cmpuint (app_graph_feed_get_n_nodes (feed), ==, 4);
  g_assert_cmpuint (problems->len, ==, G_N_ELEMENTS (names));
  app_graph_feed_install (feed, graph);
  plot_graph_ensure_layout (graph);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      const char *id = app_graph_feed_find_source (feed, names[i]);
      g_autofree char *reading = plot_graph_dup_reading (graph, id);

      g_assert_cmpstr (id, ==, problems->pdata[i]);
      g_assert_nonnull (strstr (reading, "Not supported"));
    }
  /* Rows: the input, then the nodes. Lines are kept where the shape is not known. */
  table = plot_figure_make_table (PLOT_FIGURE (graph));
  for (guint row = 2; row < 5; row++)
    g_assert_cmpfloat (plot_table_get_number (table, row, 3), ==, row == 3 ? 2 : 1);
  g_object_unref (graph);
}

static void
test_report_line (void)
{
  g_autofree char *node = app_report_bar_dup_node ("Node “a/b (c)” (operator Foo, number 3 of the "
                                                   "file): no such operator");
  g_autofree char *file = app_report_bar_dup_node ("output 'y': no node makes it");

  g_assert_cmpstr (node, ==, "a/b (c)");
  g_assert_null (file);
}

static void
count_node (AppReportBar *bar, const char *node, guint *n)
{
  g_assert_cmpstr (node, ==, "strange");
  (*n)++;
}

static GtkWidget *
find_list (GtkWidget *widget)
{
  if (GTK_IS_LIST_VIEW (widget))
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find_list (child);

      if (found != NULL)
        return found;
    }
  return NULL;
}

static void
test_report_bar (void)
{
  g_autoptr (EngModel) strange = load_unsupported ();
  AppReportBar *bar = g_object_ref_sink (g_object_new (APP_TYPE_REPORT_BAR, NULL));
  GtkWidget *list = find_list (GTK_WIDGET (bar));
  guint n = 0;

  g_signal_connect (bar, "node-activated", G_CALLBACK (count_node), &n);
  g_assert_false (gtk_widget_get_visible (GTK_WIDGET (bar)));
  app_report_bar_set_model (bar, strange);
  g_assert_true (gtk_widget_get_visible (GTK_WIDGET (bar)));
  g_assert_cmpuint (g_list_model_get_n_items (
                        G_LIST_MODEL (gtk_list_view_get_model (GTK_LIST_VIEW (list)))),
                    ==, g_strv_length ((GStrv)eng_model_get_report (strange)));
  g_signal_emit_by_name (list, "activate", 0);
  g_assert_cmpuint (n, ==, 1);
  app_report_bar_set_model (bar, model); /* nothing to report */
  g_assert_false (gtk_widget_get_visible (GTK_WIDGET (bar)));
  g_object_unref (bar);
}

/* ---- planners ---- */

/* Every planner's number is that of a build made with it; none is below the bound. */
static void
test_plans (void)
{
  const EngTechnique *technique = eng_technique_find ("memory-plan");
  const EngParam *param = eng_technique_find_param (technique, "planner");
  guint64 none = 0, least = G_MAXUINT64;

  for (guint i = 0; i < RT_N_PLANNERS; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (EngRecipe) plain = eng_recipe_new ();
      g_autoptr (EngRecipe) recipe
          = eng_recipe_with (plain, technique->id, param->id, NULL,
                             g_variant_new_string (param->choices[i].id), &error);
      g_autoptr (EngBuild) other = eng_build_new (model, recipe, build, NULL, &error);
      RtError rt_error = { 0 };
      RtPlan *plan = rt_exec_make_plan (eng_build_get_exec (build), (RtPlanner)i, &rt_error);

      g_assert_no_error (error);
      g_assert_nonnull (plan);
      g_assert_cmpuint (plan->arena_bytes, ==,
                        rt_exec_plan (eng_build_get_exec (other))->arena_bytes);
      g_assert_cmpuint (plan->arena_bytes, >=, plan->lower_bound_bytes);
      least = MIN (least, plan->arena_bytes);
      if (g_str_equal (param->choices[i].id, "none"))
        none = plan->arena_bytes;
      rt_plan_free (plan);
    }
  g_assert_cmpuint (none, >, least); /* sharing saves something */
}

static void
test_search (void)
{
  g_autoptr (AppGraphFeed) feed = app_graph_feed_new (model, build);
  g_autoptr (GPtrArray) blocks = app_graph_feed_search (feed, "BLK.3.");
  g_autoptr (GPtrArray) nothing = app_graph_feed_search (feed, "no such node");
  g_autoptr (GPtrArray) empty = app_graph_feed_search (feed, "");
  int layer;
  const char *name;

  g_assert_cmpuint (blocks->len, >, 3);
  for (guint i = 0; i < blocks->len; i++)
    {
      g_assert_true (app_graph_feed_lookup (feed, blocks->pdata[i], &layer, &name));
      g_assert_cmpint (layer, ==, 3);
    }
  g_assert_cmpuint (nothing->len, ==, 0);
  g_assert_cmpuint (empty->len, ==, 0);
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
  app_register_resource ();
  model = eng_model_load (argv[1], NULL, &error);
  g_assert_no_error (error);
  build = eng_build_new (model, recipe, NULL, NULL, &error);
  g_assert_no_error (error);
  g_test_add_func ("/app/views/graph-nodes", test_graph_nodes);
  g_test_add_func ("/app/views/graph-layers", test_graph_layers);
  g_test_add_func ("/app/views/graph-colour", test_graph_colour);
  g_test_add_func ("/app/views/memory", test_memory);
  g_test_add_func ("/app/views/unsupported", test_unsupported);
  g_test_add_func ("/app/views/report-line", test_report_line);
  g_test_add_func ("/app/views/report-bar", test_report_bar);
  g_test_add_func ("/app/views/plans", test_plans);
  g_test_add_func ("/app/views/search", test_search);
  status = g_test_run ();
  g_object_unref (build);
  g_object_unref (model);
  return status;
}
