/* The comparison as lanes, as a table and as chips, from runs made by hand. Needs a display. */
#include "app-compare-feed.h"
#include "app-compare-names.h"
#include "app-compare-runs.h"
#include "app-resources.h"

#include <adwaita.h>
#include <math.h>

/* Three layers of one operator each; @ns of the second. @extra: a node of the last layer that
 * others lack. */
static EngRun *
make_run (const char *id, const char *hash, double ns, gboolean extra)
{
  const double times[] = { 1000, ns, 3000 };
  g_autoptr (GString) layers = g_string_new ("{\"layer\":-1},");
  g_autoptr (GString) nodes = g_string_new (NULL);
  g_autofree char *json = NULL;
  g_autoptr (GError) error = NULL;
  EngRun *run;

  for (int i = 0; i < 3; i++)
    {
      g_string_append_printf (
          layers,
          "{\"layer\":%d,\"name\":\"net/part_%d/"
          "conv;x\",\"weight_bytes\":64,\"inference\":{\"n\":20,\"median_ns\":%.0f,"
          "\"low95_ns\":%.0f,\"high95_ns\":%.0f}},",
          i, i, times[i], 0.99 * times[i], 1.01 * times[i]);
      g_string_append_printf (nodes,
                              "%s{\"name\":\"c%d\",\"operator\":\"Convolution\",\"layer\":%d,"
                              "\"sources\":[\"c%d\"],\"weight_bytes\":64,"
                              "\"inference\":{\"n\":20,\"median_ns\":%.0f,\"low95_ns\":%.0f,"
                              "\"high95_ns\":%.0f},\"inference_cost\":{\"flops\":%d}}",
                              i > 0 ? "," : "", i, i, i, times[i], 0.99 * times[i], 1.01 * times[i],
                              1000 * (i + 1));
    }
  if (extra)
    g_string_append (nodes, ",{\"name\":\"q\",\"operator\":\"Quantize\",\"layer\":3,\"sources\":["
                            "\"q\"],\"inference\":{\"n\":20,\"median_ns\":7}}");
  json = g_strdup_printf ("{\"lathe-run\":1,\"id\":\"%s\",\"model_name\":\"m\",\"model_sha256\":\"%"
                          "s\",\"build_sha256\":\"b\",\"validity\":\"valid\",\"recipe\":"
                          "{\"lathe-recipe\":1,\"techniques\":{}},\"workload\":{\"kind\":\"input\"}"
                          ",\"profile\":{\"n_layers\":3,\"inference\":{"
                          "\"tokens_per_step\":1,\"sum_of_nodes\":{\"n\":20,\"median_ns\":9000}},"
                          "\"layers\":[%s{\"layer\":3,\"name\":\"Output\"}],"
                          "\"nodes\":[%s]}}",
                          id, hash, layers->str, nodes->str);
  run = eng_run_from_json (json, &error);
  g_assert_no_error (error);
  return run;
}

static EngComparison *
compare (EngRun *a, EngRun *b, EngRun *c)
{
  EngRun *runs[] = { a, b, c };

  return eng_comparison_new (runs, c != NULL ? 3 : 2, RT_PHASE_INFERENCE);
}

static const AppCompareOptions plain = { .metric = APP_COMPARE_OVERVIEW };

static void
test_lanes (void)
{
  g_autoptr (EngRun) a = make_run ("a", "h", 2000, FALSE), b = make_run ("b", "h", 4000, FALSE);
  g_autoptr (EngComparison) comparison = compare (a, b, NULL);
  g_autoptr (AppCompareFeed) feed = app_compare_feed_new (comparison, &plain, "h");
  PlotLanes *lanes = PLOT_LANES (g_object_ref_sink (plot_lanes_new ()));
  double low, high;
  int layer, item;
  const char *node;

  app_compare_feed_install (feed, lanes);
  g_assert_cmpuint (plot_lanes_get_n_items (lanes), ==, 6);
  g_assert_cmpuint (plot_lanes_get_n_lanes (lanes), ==, 3);
  item = app_compare_feed_find (feed, 1, NULL);
  g_assert_cmpint (item, ==, 2);
  /* The second run's bar, the first behind it, and their change. */
  g_assert_cmpfloat (plot_lanes_get_value (lanes, 0, 0, (guint)item, NULL, NULL, NULL), ==, 4000);
  g_assert_cmpfloat (plot_lanes_get_value (lanes, 0, 1, (guint)item, NULL, NULL, NULL), ==, 2000);
  g_assert_cmpfloat (plot_lanes_get_value (lanes, 1, 0, (guint)item, &low, &high, NULL), ==, 1);
  g_assert_cmpfloat_with_epsilon (low, 2 * exp (-hypot (log (1 / 0.99), log (1.01))) - 1, 1e-3);
  g_assert_cmpint (app_compare_feed_find (feed, 1, "c1"), ==, 3);
  g_assert_true (app_compare_feed_lookup (feed, 3, &layer, &node));
  g_assert_cmpint (layer, ==, 1);
  g_assert_cmpstr (node, ==, "c1");
  g_assert_true (app_compare_feed_lookup (feed, 2, &layer, &node));
  g_assert_null (node);
  g_object_unref (lanes);
}

/* The selection is about the model that is open: of runs of others there is nothing to select. */
static void
test_other_model (void)
{
  g_autoptr (EngRun) a = make_run ("a", "h", 2000, FALSE), b = make_run ("b", "h", 4000, FALSE);
  g_autoptr (EngComparison) comparison = compare (a, b, NULL);
  g_autoptr (AppCompareFeed) feed = app_compare_feed_new (comparison, &plain, "another");
  int layer;
  const char *node;

  g_assert_cmpint (app_compare_feed_find (feed, 1, NULL), ==, -1);
  g_assert_false (app_compare_feed_lookup (feed, 0, &layer, &node));
}

static void
test_threshold_and_order (void)
{
  g_autoptr (EngRun) a = make_run ("a", "h", 2000, FALSE), b = make_run ("b", "g", 2100, TRUE);
  g_autoptr (EngComparison) comparison = compare (b, a, NULL);
  AppCompareOptions options = { .metric = ENG_LAYER_METRIC_LATENCY, .threshold = 0.03 };
  g_autoptr (AppCompareFeed) feed = app_compare_feed_new (comparison, &options, "h");
  g_autoptr (PlotTable) table = app_compare_feed_make_table (feed);
  g_autofree char *first = plot_table_dup_cell (table, 0, 0),
                  *second = plot_table_dup_cell (table, 1, 0);
  g_autofree char *remarks = plot_table_dup_cell (table, 1, plot_table_get_n_columns (table) - 1);

  /* The layer that changes by 5 %, and what only one of them executes. */
  g_assert_cmpuint (plot_table_get_n_rows (table), ==, 2);
  g_assert_cmpuint (app_compare_feed_get_n_hidden (feed), ==, 2);
  g_assert_cmpstr (first, ==, "part_1/conv;x");
  g_assert_cmpstr (second, ==, "Output");
  g_assert_cmpstr (remarks, ==, "not executed in B");

  options = (AppCompareOptions){ .metric = ENG_LAYER_METRIC_LATENCY, .sorted = TRUE };
  g_autoptr (AppCompareFeed) sorted = app_compare_feed_new (comparison, &options, "h");
  g_assert_cmpint (app_compare_feed_find (sorted, 1, NULL), ==, 0);
  g_assert_cmpint (app_compare_feed_find (sorted, 0, NULL), >, 0);
}

static void
test_table_of_three (void)
{
  g_autoptr (EngRun) a = make_run ("a", "h", 2000, FALSE), b = make_run ("b", "h", 4000, FALSE),
                     c = make_run ("c", "h", 1000, FALSE);
  g_autoptr (EngComparison) comparison = compare (a, b, c);
  const AppCompareOptions options = { .metric = ENG_LAYER_METRIC_LATENCY };
  g_autoptr (AppCompareFeed) feed = app_compare_feed_new (comparison, &options, "h");
  g_autoptr (PlotTable) table = app_compare_feed_make_table (feed);
  g_autofree char *verdict = plot_table_dup_cell (table, 1, 6),
                  *better = plot_table_dup_cell (table, 1, 11);

  /* Layer; A; B, change, two ends, verdict; the same of C; remarks. */
  g_assert_cmpuint (plot_table_get_n_columns (table), ==, 1 + 1 + 5 + 5 + 1);
  g_assert_cmpuint (plot_table_get_n_rows (table), ==, 3);
  g_assert_cmpfloat (plot_table_get_number (table, 1, 1), ==, 2000);
  g_assert_cmpfloat (plot_table_get_number (table, 1, 3), ==, 1);
  g_assert_cmpstr (verdict, ==, "worse");
  g_assert_cmpfloat (plot_table_get_number (table, 1, 8), ==, -0.5);
  g_assert_cmpstr (better, ==, "better");
}

static void
test_labels (void)
{
  g_autoptr (EngRun) a = make_run ("a", "h", 2000, FALSE), b = make_run ("b", "h", 4000, FALSE);
  g_autoptr (EngComparison) comparison = compare (a, b, NULL);
  gsize common = app_compare_common_path (comparison);
  const EngCompareRow embedding = { 0, -1, "Embedding", "" }, block = { 0, 3, "Block 3", "" },
                      node = { 1, 3, "blk.3.attn_q", "Matrix product" };
  g_autofree char *part
      = app_compare_dup_row_label (eng_comparison_get_row (comparison, 0), common);
  g_autofree char *first = app_compare_dup_row_label (&embedding, common),
                  *number = app_compare_dup_row_label (&block, common),
                  *inner = app_compare_dup_row_label (&node, common);

  g_assert_cmpuint (common, ==, strlen ("net/"));
  g_assert_cmpstr (part, ==, "part_0");
  g_assert_cmpstr (first, ==, "Emb");
  g_assert_cmpstr (number, ==, "3");
  g_assert_cmpstr (inner, ==, "attn_q");
}

/* One interval that is a hundred times as wide as the others is cut off; where all are alike
 * nothing is. */
static void
test_limit (void)
{
  const double value[] = { -0.5, -0.4, -0.6, NAN, 0.1 }, wide[] = { -0.3, 0.1, 0.05, NAN, 40 },
               alike[] = { 0.2, 0.3, 0.25, NAN, 0.3 };
  double limit = app_compare_limit (value, wide, 5);

  g_assert_cmpfloat (limit, >=, 0.6);
  g_assert_cmpfloat (limit, <, 2);
  g_assert_true (isinf (app_compare_limit (value, alike, 5)));
  g_assert_true (isinf (app_compare_limit (value + 3, wide + 3, 1)));
}

static guint
count_chips (AppCompareRuns *chips)
{
  GtkWidget *scroller = gtk_widget_get_first_child (GTK_WIDGET (chips));
  GtkWidget *viewport = gtk_scrolled_window_get_child (GTK_SCROLLED_WINDOW (scroller));
  GtkWidget *box
      = GTK_IS_VIEWPORT (viewport) ? gtk_viewport_get_child (GTK_VIEWPORT (viewport)) : viewport;
  guint n = 0;

  for (GtkWidget *chip = gtk_widget_get_first_child (box); chip != NULL;
       chip = gtk_widget_get_next_sibling (chip))
    n++;
  return n;
}

static void
count_changed (guint *n)
{
  (*n)++;
}

static void
test_chips (void)
{
  g_autoptr (EngRun) a = make_run ("a", "h", 2000, FALSE), b = make_run ("b", "h", 4000, FALSE),
                     again = make_run ("a", "h", 2000, FALSE);
  AppCompareRuns *chips
      = APP_COMPARE_RUNS (g_object_ref_sink (g_object_new (APP_TYPE_COMPARE_RUNS, NULL)));
  EngRun *runs[] = { a, b, again };
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GPtrArray) none = app_compare_runs_dup (chips);
  g_autoptr (EngComparison) comparison = compare (a, b, NULL);
  guint n_changed = 0;

  g_assert_cmpuint (none->len, ==, 0);
  g_signal_connect_swapped (chips, "changed", G_CALLBACK (count_changed), &n_changed);
  app_compare_runs_set (chips, runs, 3);
  g_assert_cmpuint (n_changed, ==, 1);
  list = app_compare_runs_dup (chips);
  g_assert_cmpuint (list->len, ==, 2); /* one run is not compared with itself */
  g_assert_true (list->pdata[0] == a && list->pdata[1] == b);
  app_compare_runs_update (chips, comparison);
  g_assert_cmpuint (count_chips (chips), ==, 2);
  app_compare_runs_set (chips, NULL, 0);
  app_compare_runs_update (chips, NULL);
  g_assert_cmpuint (count_chips (chips), ==, 0);
  g_object_unref (chips);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (!gtk_init_check ())
    return 77;
  adw_init ();
  app_register_resource ();
  g_test_add_func ("/app/compare/lanes", test_lanes);
  g_test_add_func ("/app/compare/other-model", test_other_model);
  g_test_add_func ("/app/compare/threshold-and-order", test_threshold_and_order);
  g_test_add_func ("/app/compare/table-of-three", test_table_of_three);
  g_test_add_func ("/app/compare/labels", test_labels);
  g_test_add_func ("/app/compare/limit", test_limit);
  g_test_add_func ("/app/compare/chips", test_chips);
  return g_test_run ();
}
