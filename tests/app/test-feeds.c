/* What the trade-off and the timeline are filled with, from real runs of the default model: points
 * there and back, the spans' nodes and layers, and tables that tell the same. Needs a display:
 * plots are widgets. */
#include "app-timeline-feed.h"
#include "app-tradeoff-feed.h"
#include "eng-timeline.h"

#include <math.h>
#include <stdlib.h>

static EngRun *runs[2]; /* F16 and Q8_0 */

static void
make_runs (const char *path)
{
  static const char *const formats[] = { "f16", "q8_0" };
  g_autoptr (GError) error = NULL;
  g_autoptr (EngModel) model = eng_model_load (path, NULL, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *json = g_strdup_printf ("{\"lathe-recipe\": 1, \"techniques\": {"
                                               "\"weight-format\": {\"format\": \"%s\"},"
                                               "\"threads\": {\"count\": 2}}}",
                                               formats[i]);
      g_autoptr (EngRecipe) recipe = eng_recipe_from_json (json, &error);
      g_assert_no_error (error);
      g_autoptr (EngBuild) build = eng_build_new (model, recipe, NULL, NULL, &error);
      g_assert_no_error (error);
      g_autoptr (EngWorkload) workload = eng_workload_new ("It is a truth");

      workload->n_predict = 24;
      workload->ignore_end = TRUE;
      runs[i] = eng_run_generate (build, workload, NULL, NULL, NULL, &error);
      g_assert_no_error (error);
    }
}

/* ---- Trade-off ---- */

static EngTradeoff *
ask (const EngLimit *limits, guint n)
{
  g_autoptr (EngTradeoffRuns) collected = eng_tradeoff_runs_new ();
  EngTradeoffQuery query = { .x = ENG_FIGURE_DECODE,
                             .y = ENG_FIGURE_PEAK_MEMORY,
                             .kind = ENG_WORKLOAD_TEXT,
                             .model_hash = eng_run_get_model_hash (runs[0]),
                             .limits = limits,
                             .n_limits = n };

  eng_tradeoff_runs_add (collected, runs[0]);
  eng_tradeoff_runs_add (collected, runs[1]);
  return eng_tradeoff_new (collected, &query);
}

static void
test_points (void)
{
  g_autoptr (GtkWidget) widget = g_object_ref_sink (plot_chart_new ());
  PlotChart *chart = PLOT_CHART (widget);
  EngLimit limit = { ENG_FIGURE_PEAK_MEMORY, .at_most = TRUE, .value = 1e12 };
  g_autoptr (EngTradeoff) tradeoff = ask (&limit, 1);
  const char *f16 = eng_run_get_build_hash (runs[0]);
  int baseline = app_tradeoff_feed_find_build (tradeoff, f16);
  guint n_found = 0;

  g_assert_cmpuint (tradeoff->points->len, ==, 2);
  g_assert_cmpint (baseline, >=, 0);
  for (guint twice = 0; twice < 2; twice++) /* again: replaced, not added */
    app_tradeoff_feed_install (chart, tradeoff, &limit, 1, f16, NULL);
  for (int i = 0; i < 2; i++)
    {
      const EngTradeoffPoint *point = tradeoff->points->pdata[i];
      PlotLayer *layer = NULL;
      guint64 index;

      g_assert_true (app_tradeoff_feed_find (chart, i, &layer, &index));
      g_assert_cmpint (app_tradeoff_feed_get_point (layer, index), ==, i);
      g_assert_cmpfloat (plot_series_get_x (plot_layer_get_series (layer), index), ==,
                         point->figures[ENG_FIGURE_DECODE].value);
      g_assert_cmpfloat (plot_series_get (plot_layer_get_series (layer), PLOT_COLUMN_Y, index), ==,
                         point->figures[ENG_FIGURE_PEAK_MEMORY].value);
      /* Memory is exact: no error bar; speed has one where there is an interval. */
      g_assert_true (
          isnan (plot_series_get (plot_layer_get_series (layer), PLOT_COLUMN_LO, index)));
    }
  for (guint l = 0; l < plot_chart_get_n_layers (chart); l++)
    {
      PlotLayer *layer = plot_chart_get_layer (chart, l);
      const char *title = plot_layer_get_title (layer);

      n_found += g_str_equal (title, "Peak memory ≤ 1.00\u202fTB")
                 || g_str_equal (title, "Best allowed") || g_str_equal (title, "Front");
      if (plot_layer_get_kind (layer) == &plot_layer_labels)
        for (guint i = 0; i < 2; i++)
          n_found += g_str_has_suffix (plot_series_get_label (plot_layer_get_series (layer), i),
                                       "(baseline)");
    }
  g_assert_cmpuint (n_found, ==, 4);
  g_assert_false (app_tradeoff_feed_find (chart, -1, NULL, NULL));

  g_autoptr (PlotTable) table = app_tradeoff_make_table (tradeoff, baseline);
  g_assert_cmpuint (plot_table_get_n_rows (table), ==, 2);
  g_assert_cmpfloat (
      plot_table_get_number (table, 0, 1), ==,
      ((EngTradeoffPoint *)tradeoff->points->pdata[0])->figures[ENG_FIGURE_DECODE].value);
  g_autoptr (PlotTable) details = app_tradeoff_make_details (tradeoff, 1 - baseline, baseline);
  g_autofree char *first = plot_table_dup_cell (details, 0, 0);
  g_autofree char *second = plot_table_dup_cell (details, 1, 0);
  g_autofree char *change = plot_table_dup_cell (details, 1, 4);
  g_assert_cmpstr (first, ==, "Decode speed");
  g_assert_cmpstr (second, ==, "Peak memory");
  g_assert_true (g_str_has_prefix (change, "−")); /* Q8_0 takes less memory than F16 */
}

/* ---- Timeline ---- */

static int
compare_doubles (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

/* The same from the table of all spans: a thread's span belongs to the step that it begins in. */
static double
median_of (PlotTable *table, const char *op, gboolean waiting, guint n_steps)
{
  double sums[ENG_TIMELINE_STEPS] = { 0 }, starts[ENG_TIMELINE_STEPS];
  guint n = 0;

  for (guint i = 0; i < plot_table_get_n_rows (table); i++)
    {
      g_autofree char *row = plot_table_dup_cell (table, i, 3);

      if (g_str_equal (row, "Steps"))
        starts[n++] = plot_table_get_number (table, i, 4);
    }
  g_assert_cmpuint (n, ==, n_steps);
  for (guint i = 0; i < plot_table_get_n_rows (table); i++)
    {
      g_autofree char *row = plot_table_dup_cell (table, i, 3);
      g_autofree char *group = plot_table_dup_cell (table, i, 2);
      double wait = plot_table_get_number (table, i, 6);
      guint step = 0;

      if (!g_str_has_prefix (row, "Thread ") || !g_str_equal (group, op))
        continue;
      while (step + 1 < n && starts[step + 1] <= plot_table_get_number (table, i, 4))
        step++;
      sums[step] += waiting ? wait : plot_table_get_number (table, i, 5) - wait;
    }
  qsort (sums, n, sizeof *sums, compare_doubles);
  return (sums[(n - 1) / 2] + sums[n / 2]) / 2;
}

static void
check_summary (AppTimelineFeed *feed, PlotTable *table, guint n_steps)
{
  g_autoptr (PlotTable) summary = app_timeline_feed_make_summary (feed);
  double share = 0, before = INFINITY;

  for (guint i = 0; i < plot_table_get_n_rows (summary); i++)
    {
      g_autofree char *op = plot_table_dup_cell (summary, i, 0);
      double work = plot_table_get_number (summary, i, 2);
      double wait = plot_table_get_number (summary, i, 3);

      share += plot_table_get_number (summary, i, 1);
      g_assert_cmpfloat (work + wait, <=, before);
      before = work + wait;
      if (i < 5) /* later ones may share a colour, and so a group */
        {
          g_assert_cmpfloat_with_epsilon (work, median_of (table, op, FALSE, n_steps), 1e-6);
          g_assert_cmpfloat_with_epsilon (wait, median_of (table, op, TRUE, n_steps), 1e-6);
        }
    }
  g_assert_cmpfloat_with_epsilon (share, 1, 1e-9);
}

static void
test_spans (void)
{
  EngTimeline *timeline = eng_run_get_timeline (runs[0]);
  EngProfile *profile = eng_run_get_profile (runs[0]);
  g_autoptr (GtkWidget) widget = g_object_ref_sink (plot_timeline_new ());
  g_autoptr (AppTimelineFeed) feed = app_timeline_feed_new (runs[0], RT_PHASE_DECODE);
  guint n_steps = 0, n_spans = 0, n_layers = 0, n;

  g_assert_nonnull (feed);
  g_assert_null (app_timeline_feed_new (runs[0], RT_PHASE_INFERENCE));
  eng_timeline_get_spans (timeline, &n);
  for (guint s = 0; s < eng_timeline_get_n_steps (timeline); s++)
    {
      const EngTimelineStep *step = eng_timeline_get_step (timeline, s);

      n_steps += step->phase == RT_PHASE_DECODE;
      n_spans += step->phase == RT_PHASE_DECODE ? step->n_spans : 0;
    }
  app_timeline_feed_install (feed, PLOT_TIMELINE (widget));
  g_autoptr (PlotTable) table = plot_figure_make_table (PLOT_FIGURE (widget));
  guint n_rows = plot_table_get_n_rows (table);
  g_assert_cmpuint (n_rows, >, n_steps + n_spans);
  for (guint i = 0; i < n_rows; i++)
    {
      int node, layer;

      app_timeline_feed_lookup (feed, (int)i, &node, &layer);
      if (node < 0)
        n_layers += layer != G_MININT;
      else
        g_assert_cmpint (layer, ==, eng_profile_get_node_layer (profile, (guint)node));
    }
  /* Embedding, blocks and output of every step; what is neither is a step or a span. */
  g_assert_cmpuint (n_layers, ==, n_steps * ((guint)eng_profile_get_n_layers (profile) + 2));
  g_assert_cmpuint (n_rows, ==, n_steps + n_layers + n_spans);

  check_summary (feed, table, n_steps);

  g_autofree char *caption = app_timeline_feed_dup_caption (feed);
  g_assert_true (g_str_has_prefix (caption, "The last 8 instrumented steps, "));
  int node, layer;
  app_timeline_feed_lookup (feed, -1, &node, &layer);
  g_assert_true (node == -1 && layer == G_MININT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (!gtk_init_check ())
    {
      g_print ("1..0 # SKIP there is no display\n");
      return EXIT_SUCCESS;
    }
  make_runs (argv[1]);
  g_test_add_func ("/app/feeds/trade-off", test_points);
  g_test_add_func ("/app/feeds/timeline", test_spans);
  int status = g_test_run ();
  g_object_unref (runs[0]);
  g_object_unref (runs[1]);
  return status;
}
