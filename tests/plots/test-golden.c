/* Pictures of marks, without text, against tests/plots/golden/. On a difference the new picture and
 * a picture of the difference are written beside the test program (NAME.out.png, NAME.diff.png).
 * PLOT_GOLDEN_UPDATE=1 writes the goldens themselves: look at every one of them before it is
 * committed. */

#include <math.h>
#include <string.h>
#include "plot-test-graph.h"
#include "plot-test-input.h"
#include "plot-test-memory.h"
#include "plot-test-result.h"
#include "plot-test-timeline.h"
#include "plots.h"

/* --- invented data, the same everywhere --- */

static guint32 lcg_state;

static double
next_random (void)
{
  lcg_state = lcg_state * 1664525u + 1013904223u;
  return (lcg_state >> 8) / 16777216.0;
}

/* --- comparing --- */

static cairo_surface_t *
draw_figure (PlotFigure *figure, int width, int height, double scale, gboolean dark)
{
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, (int)(width * scale),
                                                         (int)(height * scale));
  cairo_t *cr;
  PlotStyle style;

  cairo_surface_set_device_scale (surface, scale, scale);
  plot_style_init (&style, dark);
  style.marks_only = TRUE;
  cr = cairo_create (surface);
  plot_figure_draw (figure, cr, width, height, &style);
  cairo_destroy (cr);
  cairo_surface_set_device_scale (surface, 1, 1);
  cairo_surface_flush (surface);
  return surface;
}

static int
channel_distance (guint32 a, guint32 b)
{
  int most = 0;

  for (int shift = 0; shift < 32; shift += 8)
    most = MAX (most, ABS ((int)(a >> shift & 255) - (int)(b >> shift & 255)));
  return most;
}

/* Share of pixels that differ visibly; writes the difference into @diff. */
static double
compare (cairo_surface_t *got, cairo_surface_t *want, cairo_surface_t *diff)
{
  int width = cairo_image_surface_get_width (got), height = cairo_image_surface_get_height (got);
  guint n = 0;

  for (int y = 0; y < height; y++)
    {
      const guint32 *a = (const guint32 *)(cairo_image_surface_get_data (got)
                                           + y * cairo_image_surface_get_stride (got));
      const guint32 *b = (const guint32 *)(cairo_image_surface_get_data (want)
                                           + y * cairo_image_surface_get_stride (want));
      guint32 *d = (guint32 *)(cairo_image_surface_get_data (diff)
                               + y * cairo_image_surface_get_stride (diff));

      for (int x = 0; x < width; x++)
        {
          gboolean differs = channel_distance (a[x], b[x]) > 24;

          n += differs;
          d[x] = differs ? 0xffff0000 : 0xff000000 | (b[x] >> 2 & 0x3f3f3f);
        }
    }
  cairo_surface_mark_dirty (diff);
  return (double)n / (width * height);
}

static char *
dup_path (const char *folder_variable, const char *name, const char *ending)
{
  const char *folder = g_getenv (folder_variable);
  g_autofree char *file = g_strconcat (name, ending, NULL);

  return g_build_filename (folder != NULL ? folder : ".", file, NULL);
}

static void
write_png (cairo_surface_t *surface, const char *path)
{
  g_assert_cmpint (cairo_surface_write_to_png (surface, path), ==, CAIRO_STATUS_SUCCESS);
}

static void
check_size (PlotFigure *figure, const char *name, int width, int height, double scale,
            gboolean dark)
{
  g_autofree char *path = dup_path ("PLOT_GOLDEN_DIR", name, ".png");
  g_autofree char *out = dup_path ("PLOT_OUT_DIR", name, ".out.png");
  g_autofree char *diff_path = dup_path ("PLOT_OUT_DIR", name, ".diff.png");
  cairo_surface_t *got = draw_figure (figure, width, height, scale, dark), *want, *diff;
  double share;

  if (g_getenv ("PLOT_GOLDEN_UPDATE") != NULL)
    write_png (got, path);
  want = cairo_image_surface_create_from_png (path);
  if (cairo_surface_status (want) != CAIRO_STATUS_SUCCESS
      || cairo_image_surface_get_width (want) != cairo_image_surface_get_width (got)
      || cairo_image_surface_get_height (want) != cairo_image_surface_get_height (got))
    {
      write_png (got, out);
      g_test_message ("%s is missing or of another size; the picture is %s", path, out);
      g_test_fail ();
    }
  else
    {
      diff = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, cairo_image_surface_get_width (got),
                                         cairo_image_surface_get_height (got));
      share = compare (got, want, diff);
      if (share > 0.001)
        {
          write_png (got, out);
          write_png (diff, diff_path);
          g_test_message ("%.2f %% of %s differs: see %s and %s", 100 * share, name, out,
                          diff_path);
          g_test_fail ();
        }
      cairo_surface_destroy (diff);
    }
  cairo_surface_destroy (got);
  cairo_surface_destroy (want);
}

static void
check (GtkWidget *widget, const char *name)
{
  g_autofree char *dark = g_strconcat (name, "-dark", NULL);

  check_size (PLOT_FIGURE (widget), name, 320, 180, 1, FALSE);
  check_size (PLOT_FIGURE (widget), dark, 320, 180, 1, TRUE);
  g_object_unref (widget);
}

/* --- lanes --- */

static PlotLanes *
new_lanes (guint n, PlotLaneFlags flags)
{
  PlotLanes *lanes = PLOT_LANES (g_object_ref_sink (plot_lanes_new ()));
  g_autofree PlotItem *items = g_new (PlotItem, n);

  lcg_state = 7;
  for (guint i = 0; i < n; i++)
    items[i] = (PlotItem){ "i", NULL, i < n / 2 ? "one" : "two", -1 };
  plot_lanes_set_items (lanes, items, n);
  plot_lanes_add_lane (lanes, &(PlotLaneInfo){ .title = "Lane", .flags = flags });
  return lanes;
}

static void
fill (PlotLanes *lanes, guint series, double base, gboolean interval, PlotState fixed)
{
  guint n = plot_lanes_get_n_items (lanes);
  g_autofree double *value = g_new (double, n);
  g_autofree double *lo = g_new (double, n);
  g_autofree double *hi = g_new (double, n);
  g_autofree guint8 *state = g_new (guint8, n);

  for (guint i = 0; i < n; i++)
    {
      value[i] = base * (0.3 + next_random ());
      lo[i] = interval ? value[i] * 0.85 : NAN;
      hi[i] = interval ? value[i] * 1.2 : NAN;
      state[i] = (guint8)fixed;
    }
  plot_lanes_set_values (lanes, 0, series, 0, n, value, lo, hi, state);
}

/* From the left: measured, estimate, attributed, absent, zero; the same with modelled in place of
 * attributed. */
static void
test_states (void)
{
  PlotLanes *lanes = new_lanes (10, 0);
  const double value[] = { 5, 6, 4, NAN, 0, 3, 7, 2, NAN, 0 },
               lo[] = { 4, 5, 3, 0, 0, 2, 6, 1, 0, 0 };
  const double hi[] = { 7, 7, 5, 0, 0, 4, 8, 3, 0, 0 };
  const guint8 state[]
      = { PLOT_STATE_MEASURED, PLOT_STATE_ESTIMATE, PLOT_STATE_ATTRIBUTED, PLOT_STATE_ABSENT,
          PLOT_STATE_MEASURED, PLOT_STATE_MEASURED, PLOT_STATE_ESTIMATE,   PLOT_STATE_MODELLED,
          PLOT_STATE_ABSENT,   PLOT_STATE_MEASURED };

  plot_lanes_add_series (lanes, 0, &(PlotLaneSeriesInfo){ .name = "s" });
  plot_lanes_set_values (lanes, 0, 0, 0, 10, value, lo, hi, state);
  check (GTK_WIDGET (lanes), "lanes-states");
}

static void
test_stack (void)
{
  PlotLanes *lanes = new_lanes (8, 0);

  for (guint s = 0; s < PLOT_N_PATTERNS; s++)
    {
      plot_lanes_add_series (lanes, 0,
                             &(PlotLaneSeriesInfo){
                                 .role = PLOT_ROLE_STACK, .color = s, .pattern = s });
      fill (lanes, s, 2, FALSE, PLOT_STATE_MEASURED);
    }
  check (GTK_WIDGET (lanes), "lanes-stack");
}

/* Ghosts behind lower bars, notches through higher ones; two series side by side. */
static void
test_baseline (void)
{
  PlotLanes *lanes = new_lanes (12, 0);

  plot_lanes_add_series (lanes, 0, &(PlotLaneSeriesInfo){ .name = "a" });
  plot_lanes_add_series (lanes, 0, &(PlotLaneSeriesInfo){ .name = "b", .color = 1 });
  fill (lanes, 0, 2, FALSE, PLOT_STATE_MEASURED);
  fill (lanes, 1, 2, FALSE, PLOT_STATE_MEASURED);
  plot_lanes_pin_baseline (lanes, "before");
  fill (lanes, 0, 1.6, TRUE, PLOT_STATE_MEASURED);
  fill (lanes, 1, 2.2, TRUE, PLOT_STATE_ESTIMATE);
  check (GTK_WIDGET (lanes), "lanes-baseline");
}

static void
test_points (void)
{
  PlotLanes *lanes = new_lanes (16, 0);

  for (guint s = 0; s < 2; s++)
    {
      plot_lanes_add_series (lanes, 0,
                             &(PlotLaneSeriesInfo){
                                 .role = PLOT_ROLE_POINT, .color = s, .shape = s + 1 });
      fill (lanes, s, 3 + s, TRUE, s == 0 ? PLOT_STATE_MEASURED : PLOT_STATE_ESTIMATE);
    }
  check (GTK_WIDGET (lanes), "lanes-points");
}

static void
test_log (void)
{
  PlotLanes *lanes = new_lanes (10, PLOT_LANE_LOG);
  double value[10];

  plot_lanes_add_series (lanes, 0, &(PlotLaneSeriesInfo){ .name = "s" });
  for (guint i = 0; i < 10; i++)
    value[i] = i == 4 ? 0 : pow (10, (double)i / 2);
  plot_lanes_set_values (lanes, 0, 0, 0, 10, value, NULL, NULL, NULL);
  check (GTK_WIDGET (lanes), "lanes-log");
}

static void
test_negative (void)
{
  PlotLanes *lanes = new_lanes (9, 0);
  const double value[] = { 1, -2, 3, -4, 0, 2, -1, 4, -3 };

  plot_lanes_add_series (lanes, 0, &(PlotLaneSeriesInfo){ .name = "s" });
  plot_lanes_set_values (lanes, 0, 0, 0, 9, value, NULL, NULL, NULL);
  check (GTK_WIDGET (lanes), "lanes-negative");
}

/* Ten items per pixel; one spike that must not be lost; estimates on the right. */
static void
test_dense (void)
{
  PlotLanes *lanes = new_lanes (2400, 0);
  g_autofree double *value = g_new (double, 2400);
  g_autofree guint8 *state = g_new (guint8, 2400);
  g_autofree double *lo = g_new (double, 2400);
  g_autofree double *hi = g_new (double, 2400);

  plot_lanes_add_series (lanes, 0, &(PlotLaneSeriesInfo){ .name = "s" });
  for (guint i = 0; i < 2400; i++)
    {
      value[i] = i == 700 ? 9 : 2 + next_random () + 2 * sin (i / 300.0);
      state[i] = i < 1600 ? PLOT_STATE_MEASURED : PLOT_STATE_ESTIMATE;
      lo[i] = i > 900 ? value[i] * 0.9 : NAN;
      hi[i] = i > 900 ? value[i] * 1.2 : NAN;
    }
  plot_lanes_set_values (lanes, 0, 0, 0, 2400, value, lo, hi, state);
  check (GTK_WIDGET (lanes), "lanes-dense");
}

static void
test_open (void)
{
  const PlotItem items[]
      = { { "a", NULL, NULL, -1 }, { "b", NULL, NULL, -1 }, { "b1", NULL, NULL, 1 },
          { "b2", NULL, NULL, 1 }, { "b3", NULL, NULL, 1 }, { "c", NULL, NULL, -1 } };
  const double value[] = { 5, 6, 1, 2, 3, 4 };
  PlotLanes *lanes = PLOT_LANES (g_object_ref_sink (plot_lanes_new ()));

  plot_lanes_set_items (lanes, items, 6);
  for (guint l = 0; l < 2; l++)
    {
      plot_lanes_add_lane (lanes, &(PlotLaneInfo){ .title = "Lane" });
      plot_lanes_add_series (lanes, l, &(PlotLaneSeriesInfo){ .color = l });
      plot_lanes_set_values (lanes, l, 0, 0, 6, value, NULL, NULL, NULL);
    }
  plot_lanes_set_expanded (lanes, 1, TRUE);
  check_size (PLOT_FIGURE (lanes), "lanes-open-2x", 320, 180, 2, FALSE);
  check (GTK_WIDGET (lanes), "lanes-open");
}

/* --- charts --- */

static PlotChart *
new_chart (void)
{
  lcg_state = 11;
  return PLOT_CHART (g_object_ref_sink (plot_chart_new ()));
}

static PlotLayer *
add (PlotChart *chart, const PlotLayerKind *kind, PlotSeries *series)
{
  PlotLayer *layer = plot_layer_new (kind, series);

  plot_chart_add_layer (chart, layer);
  return layer;
}

/* A hole, and one sample alone between two holes. */
static void
test_line (void)
{
  PlotChart *chart = new_chart ();
  g_autoptr (PlotSeries) series = plot_series_new_regular ("s", 0, 1);
  g_autoptr (PlotSeries) dashed = plot_series_new_regular ("d", 0, 1);
  g_autoptr (PlotSeries) rule = plot_series_new ("r");

  for (guint i = 0; i < 60; i++)
    {
      gboolean hole = (i > 20 && i < 26) || (i > 26 && i < 32);

      plot_series_append_interval (series, 0, hole ? NAN : sin (i / 6.0), sin (i / 6.0) - 0.3,
                                   hole ? NAN : sin (i / 6.0) + 0.2);
      plot_series_append (dashed, 0, cos (i / 9.0));
    }
  plot_series_append (rule, 0, 0.8);
  plot_series_append (rule, 40, NAN);
  plot_layer_set_color (add (chart, &plot_layer_band, series), 0);
  plot_layer_set_color (add (chart, &plot_layer_line, series), 0);
  plot_layer_set_dash (add (chart, &plot_layer_line, dashed), 1);
  add (chart, &plot_layer_rule, rule);
  check (GTK_WIDGET (chart), "chart-line");
}

static void
test_chart_dense (void)
{
  PlotChart *chart = new_chart ();
  g_autoptr (PlotSeries) series = plot_series_new_regular ("s", 0, 1);
  double walk = 0;

  for (guint i = 0; i < 200000; i++)
    {
      walk = 0.9995 * walk + next_random () - 0.5;
      plot_series_append_interval (series, 0,
                                   i > 120000 && i < 130000 ? NAN : walk + (i == 50000 ? 60 : 0),
                                   walk - 20, walk + 20);
    }
  plot_layer_set_color (add (chart, &plot_layer_band, series), 1);
  plot_layer_set_color (add (chart, &plot_layer_line, series), 0);
  check (GTK_WIDGET (chart), "chart-dense");
}

static void
test_chart_points (void)
{
  PlotChart *chart = new_chart ();

  for (guint s = 0; s < PLOT_N_SHAPES; s++)
    {
      g_autoptr (PlotSeries) series = plot_series_new ("s");
      PlotLayer *layer;

      for (guint i = 0; i < 6; i++)
        {
          double x = pow (10, next_random () * 3), y = s + 0.5 * next_random ();

          plot_series_append_full (series, x, x * 0.8, x * 1.25, y, y - 0.3, y + 0.3);
          plot_series_set_estimate (series, i, i % 2);
        }
      layer = add (chart, &plot_layer_points, series);
      plot_layer_set_shape (layer, s);
    }
  plot_axis_set_kind (plot_chart_get_x_axis (chart), PLOT_AXIS_LOG);
  plot_chart_select (chart, plot_chart_get_layer (chart, 0), 2);
  check (GTK_WIDGET (chart), "chart-points");
}

static void
test_roofline (void)
{
  PlotChart *chart = new_chart ();
  g_autoptr (PlotSeries) decode = plot_series_new ("decode");
  g_autoptr (PlotSeries) prefill = plot_series_new ("prefill");
  g_autoptr (PlotSeries) trail = plot_series_new ("trail");
  PlotLayer *roofs = plot_roof_layer_new ();

  plot_roof_layer_add_slope (roofs, "L2", 100e9);
  plot_roof_layer_add_slope (roofs, "DRAM", 20e9);
  plot_roof_layer_add_level (roofs, "f32", 200e9);
  plot_roof_layer_add_level (roofs, "int8", 800e9);
  for (guint i = 0; i < 6; i++)
    {
      double x = 2 + 0.3 * i, y = 12e9 * x;

      plot_series_append_full (decode, x, NAN, NAN, y, y * 0.8, y * 1.2);
      plot_series_append (prefill, 30 * x, 300e9 - 30e9 * i);
      plot_series_set_estimate (decode, i, i == 5);
      plot_series_append_full (trail, x, x * 0.3, NAN, y, y * 0.4, NAN);
    }
  plot_chart_add_layer (chart, roofs);
  add (chart, &plot_layer_trail, trail);
  plot_layer_set_shape (add (chart, &plot_layer_points, prefill), PLOT_SHAPE_SQUARE);
  add (chart, &plot_layer_points, decode);
  plot_axis_set_kind (plot_chart_get_x_axis (chart), PLOT_AXIS_LOG);
  plot_axis_set_kind (plot_chart_get_y_axis (chart), PLOT_AXIS_LOG);
  check (GTK_WIDGET (chart), "chart-roofline");
}

/* Front with its open ends, limits on both axes, a ring, names (as boxes), estimates; higher is
 * better to the right and lower upwards. */
static void
test_tradeoff (void)
{
  static const double x[] = { 10, 20, 30, 45, 22, 38 }, y[] = { 5, 7, 12, 14, 11, 16 };
  PlotChart *chart = new_chart ();
  g_autoptr (PlotSeries) points = plot_series_new ("points");
  g_autoptr (PlotSeries) front = plot_series_new ("front");
  g_autoptr (PlotSeries) left = plot_series_new ("left");
  g_autoptr (PlotSeries) above = plot_series_new ("above");
  g_autoptr (PlotSeries) labels = plot_series_new ("labels");
  g_autoptr (PlotSeries) ring = plot_series_new ("ring");

  for (guint i = 0; i < G_N_ELEMENTS (x); i++)
    {
      plot_series_append_full (points, x[i], x[i] - 1, x[i] + 1, y[i], y[i] - 0.5, y[i] + 0.5);
      plot_series_set_estimate (points, i, i == 5);
      plot_series_append (labels, x[i], y[i]);
      plot_series_set_label (labels, i, i % 2 ? "a long name here" : "short");
      if (i < 4)
        plot_series_append (front, x[i], y[i]);
    }
  plot_series_append (left, 15, NAN);
  plot_series_append (above, 0, 15);
  plot_series_append (ring, 20, 7);
  add (chart, &plot_layer_limit_below, left);
  add (chart, &plot_layer_limit_above, above);
  plot_front_set_goals (add (chart, &plot_layer_front, front), FALSE, TRUE);
  add (chart, &plot_layer_ring, ring);
  add (chart, &plot_layer_points, points);
  add (chart, &plot_layer_labels, labels);
  check (GTK_WIDGET (chart), "chart-tradeoff");
}

/* The same staircase for every choice of what is better. */
static void
test_front_goals (void)
{
  static const char *const names[]
      = { "chart-front-lower-lower", "chart-front-lower-higher", "chart-front-higher-higher" };

  for (guint goal = 0; goal < 3; goal++)
    {
      PlotChart *chart = new_chart ();
      g_autoptr (PlotSeries) front = plot_series_new ("front");
      gboolean falls = goal != 1;

      for (guint i = 0; i < 4; i++)
        plot_series_append (front, 1 + i * i, falls ? 20 - 5.0 * i : 5 + 5.0 * i);
      plot_front_set_goals (add (chart, &plot_layer_front, front), goal < 2, goal < 1);
      add (chart, &plot_layer_points, front);
      check (GTK_WIDGET (chart), names[goal]);
    }
}

static void
test_cloud (void)
{
  PlotChart *chart = new_chart ();
  g_autoptr (PlotSeries) series = plot_series_new ("s");

  for (guint i = 0; i < 8000; i++)
    plot_series_append (series, next_random () + next_random () + next_random (),
                        next_random () + next_random () + next_random ());
  add (chart, &plot_layer_points, series);
  check (GTK_WIDGET (chart), "chart-cloud");
}

static void
test_area_step (void)
{
  PlotChart *chart = new_chart ();
  g_autoptr (PlotSeries) area = plot_series_new ("a");
  g_autoptr (PlotSeries) step = plot_series_new ("b");

  for (guint i = 0; i < 20; i++)
    {
      plot_series_append (area, i, i == 8 ? NAN : 10 + 5 * next_random ());
      plot_series_append (step, i, 12 + 6 * next_random ());
    }
  add (chart, &plot_layer_area, area);
  add (chart, &plot_layer_step, step);
  check (GTK_WIDGET (chart), "chart-area-step");
}

/* 600,000 samples under a log axis, and an area of them. */
static void
test_dense_log (void)
{
  PlotChart *chart = new_chart ();
  g_autoptr (PlotSeries) series = plot_series_new_regular ("s", 1, 0.01);

  for (guint i = 0; i < 600000; i++)
    plot_series_append (series, 0, pow (10, 2 * next_random () + i / 200000.0));
  add (chart, &plot_layer_area, series);
  plot_axis_set_kind (plot_chart_get_x_axis (chart), PLOT_AXIS_LOG);
  plot_axis_set_kind (plot_chart_get_y_axis (chart), PLOT_AXIS_LOG);
  check (GTK_WIDGET (chart), "chart-dense-log");
}

static void
test_spark (void)
{
  GtkWidget *spark = g_object_ref_sink (plot_spark_new ("s", NULL));

  lcg_state = 3;
  for (guint i = 0; i < 100; i++)
    plot_spark_push (PLOT_SPARK (spark), i > 50 && i < 60 ? NAN : next_random () + i * 0.02);
  check_size (PLOT_FIGURE (spark), "spark", 120, 30, 2, FALSE);
  g_object_unref (spark);
}

/* --- graphs --- */

static void
check_graph (PlotTestGraph *graph, gboolean open, const char *name)
{
  GtkWidget *widget = g_object_ref_sink (plot_graph_new ());
  PlotGraphData data = plot_test_graph_data (graph);
  g_autofree double *values = g_new (double, data.n_nodes);
  g_autofree char *dark = g_strconcat (name, "-dark", NULL);

  lcg_state = 5;
  for (guint i = 0; i < data.n_nodes; i++)
    values[i] = i % 9 == 0 ? NAN : next_random ();
  plot_graph_set_graph (PLOT_GRAPH (widget), &data);
  plot_graph_set_metric (PLOT_GRAPH (widget), &(PlotGraphMetric){ .title = "m" }, values, NULL);
  plot_graph_set_all_expanded (PLOT_GRAPH (widget), open);
  check_size (PLOT_FIGURE (widget), name, 320, 420, 1, FALSE);
  check_size (PLOT_FIGURE (widget), dark, 320, 420, 1, TRUE);
  g_object_unref (widget);
  plot_test_graph_clear (graph);
}

static void
test_graph_blocks (void)
{
  PlotTestGraph graph = plot_test_graph_residual (4, TRUE);

  check_graph (&graph, FALSE, "graph-blocks");
}

static void
test_graph_open (void)
{
  PlotTestGraph graph = plot_test_graph_residual (2, TRUE);

  check_graph (&graph, TRUE, "graph-open");
}

static void
test_graph_cycle (void)
{
  PlotTestGraph graph = plot_test_graph_new ();

  for (guint i = 0; i < 6; i++)
    plot_test_graph_node (&graph, g_strdup_printf ("%u", i), NULL, PLOT_GRAPH_NO_GROUP);
  for (guint i = 0; i < 5; i++)
    plot_test_graph_edge (&graph, i, i + 1);
  plot_test_graph_edge (&graph, 4, 1);
  plot_test_graph_edge (&graph, 0, 3);
  check_graph (&graph, FALSE, "graph-cycle");
}

/* More boxes than can be told apart: pixels. */
static void
test_graph_dense (void)
{
  PlotTestGraph graph = plot_test_graph_scattered (1200, 400, 6);

  check_graph (&graph, FALSE, "graph-dense");
}

/* --- memory --- */

static void
check_memory (guint n_steps, const char *name)
{
  GtkWidget *widget = g_object_ref_sink (plot_memory_new ());
  PlotTestMemory m = plot_test_memory_new (n_steps);
  PlotMemoryData data = plot_test_memory_data (&m);

  plot_memory_set_data (PLOT_MEMORY (widget), &data);
  plot_test_memory_clear (&m);
  check (widget, name);
}

static void
test_memory_few (void)
{
  check_memory (14, "memory");
}

static void
test_memory_dense (void)
{
  check_memory (900, "memory-dense");
}

/* --- results --- */

static void
check_result (void (*show) (PlotResult *), const char *name)
{
  GtkWidget *widget = g_object_ref_sink (plot_result_new ());

  show (PLOT_RESULT (widget));
  check (widget, name);
}

static void
fill_classes (PlotResult *result)
{
  plot_test_result_mask (result, FALSE);
}

static void
fill_soft (PlotResult *result)
{
  plot_test_result_mask (result, TRUE);
}

static void
fill_faded (PlotResult *result)
{
  plot_test_result_bars (result);
  g_object_set (result, "faded", TRUE, NULL);
}

static void
test_results (void)
{
  check_result (plot_test_result_boxes, "result-boxes");
  check_result (plot_test_result_points, "result-points");
  check_result (fill_classes, "result-classes");
  check_result (fill_soft, "result-soft");
  check_result (plot_test_result_after, "result-after");
  check_result (plot_test_result_bars, "result-bars");
  check_result (fill_faded, "result-faded");
  check_result (plot_test_result_score, "result-score");
  check_result (plot_test_result_waves, "result-waves");
  check_result (plot_test_result_series, "result-series");
  check_result (plot_test_result_tensors, "result-tensors");
}

static void
test_timeline_few (void)
{
  GtkWidget *widget = g_object_ref_sink (plot_test_timeline_widget (3, 2, 12));

  plot_timeline_set_marked (PLOT_TIMELINE (widget), -1, 1);
  plot_timeline_set_selected_span (PLOT_TIMELINE (widget), 4);
  check (widget, "timeline");
}

/* Spans narrower than a pixel. */
static void
test_timeline_dense (void)
{
  check (g_object_ref_sink (plot_test_timeline_widget (4, 20, 200)), "timeline-dense");
}

int
main (int argc, char **argv)
{
  plot_test_init (&argc, &argv);
  g_test_set_nonfatal_assertions (); /* show all that differ */
  g_test_add_func ("/plots/golden/lanes-states", test_states);
  g_test_add_func ("/plots/golden/lanes-stack", test_stack);
  g_test_add_func ("/plots/golden/lanes-baseline", test_baseline);
  g_test_add_func ("/plots/golden/lanes-points", test_points);
  g_test_add_func ("/plots/golden/lanes-log", test_log);
  g_test_add_func ("/plots/golden/lanes-negative", test_negative);
  g_test_add_func ("/plots/golden/lanes-dense", test_dense);
  g_test_add_func ("/plots/golden/lanes-open", test_open);
  g_test_add_func ("/plots/golden/chart-line", test_line);
  g_test_add_func ("/plots/golden/chart-dense", test_chart_dense);
  g_test_add_func ("/plots/golden/chart-points", test_chart_points);
  g_test_add_func ("/plots/golden/chart-roofline", test_roofline);
  g_test_add_func ("/plots/golden/chart-tradeoff", test_tradeoff);
  g_test_add_func ("/plots/golden/chart-front", test_front_goals);
  g_test_add_func ("/plots/golden/chart-cloud", test_cloud);
  g_test_add_func ("/plots/golden/chart-area-step", test_area_step);
  g_test_add_func ("/plots/golden/chart-dense-log", test_dense_log);
  g_test_add_func ("/plots/golden/spark", test_spark);
  g_test_add_func ("/plots/golden/graph-blocks", test_graph_blocks);
  g_test_add_func ("/plots/golden/graph-open", test_graph_open);
  g_test_add_func ("/plots/golden/graph-cycle", test_graph_cycle);
  g_test_add_func ("/plots/golden/graph-dense", test_graph_dense);
  g_test_add_func ("/plots/golden/memory", test_memory_few);
  g_test_add_func ("/plots/golden/memory-dense", test_memory_dense);
  g_test_add_func ("/plots/golden/results", test_results);
  g_test_add_func ("/plots/golden/timeline", test_timeline_few);
  g_test_add_func ("/plots/golden/timeline-dense", test_timeline_dense);
  return g_test_run ();
}
