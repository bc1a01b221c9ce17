/* PlotChart and PlotSpark as widgets: layers, shared axes, selection, zoom, cached nodes, what a
 * screen reader is told. */

#include <math.h>
#include "plot-chart-private.h"
#include "plot-spark.h"
#include "plot-test-input.h"

typedef struct
{
  GtkWidget *window, *widget;
  PlotChart *chart;
  PlotSeries *line, *runs;
  PlotLayer *line_layer, *points_layer;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->widget = g_object_ref_sink (plot_chart_new ());
  f->chart = PLOT_CHART (f->widget);
  f->line = plot_series_new_regular ("line", 0, 1);
  f->runs = plot_series_new ("runs");
  for (guint i = 0; i < 100; i++)
    plot_series_append (f->line, 0, i % 10 == 9 ? NAN : i);
  plot_series_append_full (f->runs, 20, 18, 22, 80, 75, 85);
  plot_series_append_full (f->runs, 60, 58, 62, 20, 15, 25);
  plot_series_set_label (f->runs, 1, "Q4_0");
  f->line_layer = plot_layer_new (&plot_layer_line, f->line);
  f->points_layer = plot_layer_new (&plot_layer_points, f->runs);
  plot_chart_add_layer (f->chart, f->line_layer);
  plot_chart_add_layer (f->chart, f->points_layer);
  plot_axis_set_title (plot_chart_get_x_axis (f->chart), "Time");
  plot_axis_set_unit (plot_chart_get_x_axis (f->chart), &PLOT_UNIT_SECONDS);
  f->window = plot_test_window (f->widget, 600, 400);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  gtk_window_destroy (GTK_WINDOW (f->window));
  g_assert_finalize_object (f->chart);
  g_object_unref (f->line);
  g_object_unref (f->runs);
}

static void
point_place (Fixture *f, PlotLayer *layer, gsize i, double *x, double *y)
{
  PlotSeries *series = plot_layer_get_series (layer);
  PlotFrame frame;

  plot_chart_make_frame (&f->chart->layout, f->chart, &f->chart->style, &frame);
  *x = plot_frame_x (&frame, plot_series_get_x (series, i));
  *y = plot_frame_y (&frame, plot_series_get (series, PLOT_COLUMN_Y, i));
}

static void
on_selected (PlotChart *chart, PlotLayer *layer, guint64 index, guint *count)
{
  (*count)++;
}

static void
test_single_click (Fixture *f, gconstpointer data)
{
  guint count = 0;
  double x, y, line_x, line_y;

  g_signal_connect (f->chart, "point-activated", G_CALLBACK (on_selected), &count);
  point_place (f, f->points_layer, 1, &x, &y);
  point_place (f, f->line_layer, 50, &line_x, &line_y);
  plot_test_click (f->widget, 1, x, y);
  g_assert_cmpuint (count, ==, 0);
  plot_test_click (f->widget, 2, x, y);
  g_assert_cmpuint (count, ==, 1);
  g_object_set (f->chart, "single-click-activate", TRUE, NULL);
  plot_test_click (f->widget, 1, x, y);
  g_assert_cmpuint (count, ==, 2);
  plot_test_click (f->widget, 1, line_x, line_y); /* a line is looked at, not chosen */
  g_assert_cmpuint (count, ==, 2);
  plot_test_key (f->widget, GDK_KEY_n); /* neither is what one walks over */
  g_assert_cmpuint (count, ==, 2);
}

static void
test_selection (Fixture *f, gconstpointer data)
{
  guint64 index = 77;
  guint count = 0;
  double x, y;

  g_signal_connect (f->chart, "point-selected", G_CALLBACK (on_selected), &count);
  point_place (f, f->points_layer, 1, &x, &y);
  plot_test_click (f->widget, 1, x + 3, y - 3); /* near a point: the point, not the line */
  g_assert_true (plot_chart_get_selected (f->chart, &index) == f->points_layer);
  g_assert_cmpuint (index, ==, 1);
  g_assert_cmpuint (count, ==, 1);
  plot_chart_select (f->chart, f->points_layer, 1);
  g_assert_cmpuint (count, ==, 1);
  gtk_test_accessible_assert_property (f->widget, GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Chart. runs, Q4_0: Time 60.00\u202fs,  20.");
  point_place (f, f->line_layer, 50, &x, &y);
  plot_test_click (f->widget, 1, x, y);
  g_assert_true (plot_chart_get_selected (f->chart, &index) == f->line_layer);
  g_assert_cmpuint (index, ==, 50);
  plot_test_key (f->widget, GDK_KEY_n);
  plot_chart_get_selected (f->chart, &index);
  g_assert_cmpuint (index, ==, 51);
  plot_test_key (f->widget, GDK_KEY_Escape);
  g_assert_null (plot_chart_get_selected (f->chart, NULL));
  gtk_test_widget_wait_for_draw (f->window);

  plot_chart_select (f->chart, f->line_layer, 3);
  plot_chart_remove_layer (f->chart, f->line_layer);
  g_assert_null (plot_chart_get_selected (f->chart, NULL));
  gtk_test_widget_wait_for_draw (f->window);
}

/* n and p go over the points of all layers of points from left to right, not layer by layer. */
static void
test_walk (Fixture *f, gconstpointer data)
{
  g_autoptr (PlotSeries) others = plot_series_new ("others");
  PlotLayer *layer = plot_layer_new (&plot_layer_points, others);
  PlotLayer *expected[] = { f->points_layer, layer, f->points_layer, layer };
  const guint64 indices[] = { 0, 1, 1, 0 };
  guint64 index;

  plot_series_append (others, 90, 10);
  plot_series_append (others, 40, 10);
  plot_series_append (others, 50, NAN); /* nowhere: not a stop */
  plot_chart_add_layer (f->chart, layer);
  for (guint i = 0; i < 4; i++)
    {
      plot_test_key (f->widget, GDK_KEY_n);
      g_assert_true (plot_chart_get_selected (f->chart, &index) == expected[i]);
      g_assert_cmpuint (index, ==, indices[i]);
    }
  plot_test_key (f->widget, GDK_KEY_n); /* the end */
  g_assert_true (plot_chart_get_selected (f->chart, &index) == layer && index == 0);
  for (guint i = 3; i-- > 0;)
    {
      plot_test_key (f->widget, GDK_KEY_p);
      g_assert_true (plot_chart_get_selected (f->chart, &index) == expected[i]);
      g_assert_cmpuint (index, ==, indices[i]);
    }
}

/* Fronts, limits, rings and names show what is there already: not in the table, nothing to point
 * at; and a limit far away squeezes nothing. */
static void
test_derived (Fixture *f, gconstpointer data)
{
  const PlotLayerKind *kinds[] = { &plot_layer_front, &plot_layer_limit_above,
                                   &plot_layer_limit_below, &plot_layer_ring, &plot_layer_labels };
  g_autoptr (PlotSeries) series = plot_series_new ("derived");
  g_autoptr (PlotTable) before = plot_figure_make_table (PLOT_FIGURE (f->chart));
  double y0, y1, y2, y3, px, py;
  gsize index = 0;

  plot_axis_get_view (plot_chart_get_y_axis (f->chart), &y0, &y1);
  plot_series_append (series, 20, 80);
  plot_series_set_label (series, 0, "a name");
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    plot_chart_add_layer (f->chart, plot_layer_new (kinds[i], series));
  g_autoptr (PlotSeries) far = plot_series_new ("far");
  plot_series_append (far, 0, 1e9);
  plot_chart_add_layer (f->chart, plot_layer_new (&plot_layer_limit_above, far));
  plot_chart_set_reference (f->chart, "a reference", 20, PLOT_GOAL_LOWER, 80, PLOT_GOAL_HIGHER);
  gtk_test_widget_wait_for_draw (f->window);
  plot_axis_get_view (plot_chart_get_y_axis (f->chart), &y2, &y3);
  g_assert_true (y0 == y2 && y1 == y3);
  point_place (f, f->points_layer, 0, &px, &py);
  g_assert_true (plot_chart_pick (f->chart, px, py, &index, TRUE) == f->points_layer);
  plot_test_motion (f->widget, px, py); /* the card with its differences */
  gtk_test_widget_wait_for_draw (f->window);
  g_autoptr (PlotTable) after = plot_figure_make_table (PLOT_FIGURE (f->chart));
  g_assert_cmpuint (plot_table_get_n_rows (after), ==, plot_table_get_n_rows (before));
}

static void
test_zoom (Fixture *f, gconstpointer data)
{
  PlotAxis *x_axis = plot_chart_get_x_axis (f->chart), *y_axis = plot_chart_get_y_axis (f->chart);
  double frac = 0.3, before = plot_axis_denormalise (x_axis, frac), y0, y1, y2, y3;
  double px = f->chart->layout.x_px + frac * f->chart->layout.w_px;

  plot_test_motion (f->widget, px, 100);
  g_assert_true (plot_test_scroll (f->widget, 0, -1));
  g_assert_cmpfloat_with_epsilon (plot_axis_denormalise (x_axis, frac), before, 1e-6);
  plot_axis_get_view (y_axis, &y0, &y1);
  plot_test_motion (f->widget, px, f->chart->layout.y_px + f->chart->layout.h_px + 10);
  plot_test_scroll (f->widget, 0, -1); /* over the x axis: x only */
  plot_axis_get_view (y_axis, &y2, &y3);
  g_assert_true (y0 == y2 && y1 == y3);
  plot_test_click (f->widget, 2, px, 100); /* nothing there: everything again */
  g_assert_true (plot_axis_get_following (x_axis) && plot_axis_get_following (y_axis));
  plot_test_key (f->widget, GDK_KEY_plus);
  g_assert_false (plot_axis_get_following (x_axis));
  plot_test_key (f->widget, GDK_KEY_Home);
  g_assert_true (plot_axis_get_following (x_axis));
  plot_chart_set_interactive (f->chart, FALSE);
  g_assert_false (plot_test_scroll (f->widget, 0, -1));
  g_assert_false (plot_test_key (f->widget, GDK_KEY_plus));
  g_assert_true (plot_axis_get_following (x_axis));
}

/* Data that grow make the view follow, and cost one change per frame. */
static void
test_follow (Fixture *f, gconstpointer data)
{
  double min, max;

  for (guint i = 0; i < 1000; i++)
    plot_series_append (f->line, 0, 500);
  gtk_test_widget_wait_for_draw (f->window);
  plot_axis_get_view (plot_chart_get_y_axis (f->chart), &min, &max);
  g_assert_cmpfloat (max, >, 500);
  plot_axis_get_view (plot_chart_get_x_axis (f->chart), &min, &max);
  g_assert_cmpfloat (max, >, 1099);
  plot_layer_set_visible (f->line_layer, FALSE); /* hidden data do not count */
  gtk_test_widget_wait_for_draw (f->window);
  plot_axis_get_view (plot_chart_get_x_axis (f->chart), &min, &max);
  g_assert_cmpfloat (max, <, 70);
}

static void
test_shared_axis (Fixture *f, gconstpointer data)
{
  GtkWidget *widget = g_object_ref_sink (plot_chart_new ());
  PlotChart *other = PLOT_CHART (widget);
  g_autoptr (PlotSeries) series = plot_series_new ("far");
  GtkWidget *window;
  double min, max;

  plot_series_append (series, 1000, 1);
  plot_series_append (series, 2000, 1);
  plot_chart_set_x_axis (other, plot_chart_get_x_axis (f->chart));
  plot_chart_add_layer (other, plot_layer_new (&plot_layer_line, series));
  window = plot_test_window (widget, 300, 200);
  plot_axis_get_view (plot_chart_get_x_axis (f->chart), &min, &max);
  g_assert_true (min < 0 && max > 2000); /* both charts' data */
  gtk_window_destroy (GTK_WINDOW (window));
  g_assert_finalize_object (other);
  plot_axis_get_view (plot_chart_get_x_axis (f->chart), &min, &max);
  g_assert_cmpfloat (max, <, 200); /* and only what is left */
}

static void
test_nodes_cached (Fixture *f, gconstpointer data)
{
  GskRenderNode *line, *points, *frame;

  gtk_test_widget_wait_for_draw (f->window);
  line = g_array_index (f->chart->nodes, PlotChartNode, 0).node;
  points = g_array_index (f->chart->nodes, PlotChartNode, 1).node;
  frame = f->chart->frame_node;
  g_assert_nonnull (line);
  plot_test_motion (f->widget, 300, 150); /* crosshair and card */
  gtk_test_widget_wait_for_draw (f->window);
  g_assert_true (g_array_index (f->chart->nodes, PlotChartNode, 0).node == line);
  g_assert_true (f->chart->frame_node == frame);
  plot_layer_set_shape (f->points_layer, PLOT_SHAPE_SQUARE); /* one layer only */
  gtk_test_widget_wait_for_draw (f->window);
  g_assert_true (g_array_index (f->chart->nodes, PlotChartNode, 1).node != points
                 || g_array_index (f->chart->nodes, PlotChartNode, 1).generation
                        == plot_layer_get_generation (f->points_layer));
}

static void
test_table (Fixture *f, gconstpointer data)
{
  g_autoptr (PlotTable) table = plot_figure_make_table (PLOT_FIGURE (f->chart));
  g_autofree char *series = plot_table_dup_cell (table, 101, 0);
  g_autofree char *label = plot_table_dup_cell (table, 101, 1);

  g_assert_cmpuint (plot_table_get_n_rows (table), ==, 102);
  g_assert_cmpstr (series, ==, "runs");
  g_assert_cmpstr (label, ==, "Q4_0");
  g_assert_cmpfloat (plot_table_get_number (table, 101, 2), ==, 60);
  g_assert_cmpfloat (plot_table_get_number (table, 101, 3), ==, 58);
  g_assert_cmpfloat (plot_table_get_number (table, 101, 7), ==, 25);
  g_assert_true (isnan (plot_table_get_number (table, 9, 5)));
}

static void
test_empty (void)
{
  GtkWidget *window = plot_test_window (plot_chart_new (), 300, 200);

  gtk_test_widget_wait_for_draw (window);
  gtk_window_destroy (GTK_WINDOW (window));
}

static void
test_spark (void)
{
  GtkWidget *widget = g_object_ref_sink (plot_spark_new ("speed", &PLOT_UNIT_TOKENS_PER_S));
  PlotSpark *spark = PLOT_SPARK (widget);
  GtkWidget *window = plot_test_window (widget, 120, 30);
  g_autoptr (PlotTable) table = NULL;

  g_assert_true (isnan (plot_spark_get_last (spark)));
  g_object_set (spark, "capacity", 4, NULL);
  for (guint i = 0; i < 6; i++)
    plot_spark_push (spark, i == 4 ? NAN : i);
  gtk_test_widget_wait_for_draw (window);
  g_assert_cmpuint (plot_spark_get_n_values (spark), ==, 4);
  table = plot_figure_make_table (PLOT_FIGURE (spark));
  g_assert_cmpfloat (plot_table_get_number (table, 0, 1), ==, 2); /* the oldest kept */
  g_assert_true (isnan (plot_table_get_number (table, 2, 1)));
  g_assert_cmpfloat (plot_table_get_number (table, 3, 1), ==, 5);
  g_object_set (spark, "capacity", 2, NULL);
  g_assert_cmpuint (plot_spark_get_n_values (spark), ==, 2);
  g_assert_cmpfloat (plot_spark_get_last (spark), ==, 5);
  g_object_set (spark, "capacity", 8, NULL);
  plot_spark_push (spark, 6);
  g_assert_cmpuint (plot_spark_get_n_values (spark), ==, 3);
  plot_spark_clear (spark);
  g_assert_cmpuint (plot_spark_get_n_values (spark), ==, 0);
  gtk_window_destroy (GTK_WINDOW (window));
  g_assert_finalize_object (spark);
}

int
main (int argc, char **argv)
{
  plot_test_init (&argc, &argv);
#define ADD(name, func) g_test_add ("/plots/chart/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("selection", test_selection);
  ADD ("single-click", test_single_click);
  ADD ("walk", test_walk);
  ADD ("derived", test_derived);
  ADD ("zoom", test_zoom);
  ADD ("follow", test_follow);
  ADD ("shared-axis", test_shared_axis);
  ADD ("nodes-cached", test_nodes_cached);
  ADD ("table", test_table);
#undef ADD
  g_test_add_func ("/plots/chart/empty", test_empty);
  g_test_add_func ("/plots/spark", test_spark);
  return g_test_run ();
}
