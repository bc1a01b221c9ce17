/* Charts and sparks, for plot-gallery.c. */
#include "gallery.h"

#include <math.h>

#include "plots.h"

static void
add_spark_page (void)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *spark = plot_spark_new ("tokens per second", &PLOT_UNIT_TOKENS_PER_S);

  for (guint i = 0; i < 90; i++)
    plot_spark_push (PLOT_SPARK (spark),
                     i == 40 ? NAN : 210 + 15 * gallery_noise (i, 5) + 5 * sin (i / 9.0));
  gtk_box_append (GTK_BOX (box), gtk_label_new ("218 tok/s"));
  gtk_box_append (GTK_BOX (box), spark);
  gtk_widget_set_valign (box, GTK_ALIGN_CENTER);
  gtk_widget_set_halign (box, GTK_ALIGN_CENTER);
  gallery_add ("spark", 300, 60, box);
}

/* --- charts --- */

static PlotChart *
new_chart (const char *title, const char *x_title, const PlotUnit *x_unit, const char *y_title,
           const PlotUnit *y_unit)
{
  PlotChart *chart = PLOT_CHART (plot_chart_new ());

  plot_chart_set_title (chart, title);
  plot_axis_set_title (plot_chart_get_x_axis (chart), x_title);
  plot_axis_set_unit (plot_chart_get_x_axis (chart), x_unit);
  plot_axis_set_title (plot_chart_get_y_axis (chart), y_title);
  plot_axis_set_unit (plot_chart_get_y_axis (chart), y_unit);
  return chart;
}

static PlotLayer *
take_layer (PlotChart *chart, const PlotLayerKind *kind, PlotSeries *series, const char *title,
            int color, guint dash)
{
  PlotLayer *layer = plot_layer_new (kind, series);

  plot_layer_set_title (layer, title);
  plot_layer_set_color (layer, color);
  plot_layer_set_dash (layer, dash);
  plot_chart_add_layer (chart, layer);
  g_object_unref (series);
  return layer;
}

static void
add_line_page (void)
{
  PlotChart *chart = new_chart ("Time per token (" GALLERY_NOTE ")", "Token", &PLOT_UNIT_PLAIN,
                                "Time", &PLOT_UNIT_SECONDS);
  PlotSeries *a = plot_series_new_regular ("Q4_0", 0, 1),
             *b = plot_series_new_regular ("F16", 0, 1);
  PlotSeries *limit = plot_series_new ("limit");

  for (guint i = 0; i < 256; i++)
    {
      double v = 4.2e-3 + 3e-6 * i + 4e-4 * gallery_noise (i, 1);
      double w = 7.9e-3 + 5e-6 * i + 5e-4 * gallery_noise (i, 2);

      plot_series_append_interval (a, 0, i > 120 && i < 132 ? NAN : v, v * 0.93, v * 1.1);
      plot_series_append_interval (b, 0, w, w * 0.95, w * 1.06);
    }
  plot_series_append (limit, 0, 10e-3);
  plot_axis_set_include_zero (plot_chart_get_y_axis (chart), TRUE);
  take_layer (chart, &plot_layer_band, g_object_ref (a), "", 0, 0);
  take_layer (chart, &plot_layer_band, g_object_ref (b), "", 1, 0);
  take_layer (chart, &plot_layer_line, a, "Q4_0", 0, 0);
  take_layer (chart, &plot_layer_line, b, "F16", 1, 1);
  take_layer (chart, &plot_layer_rule, limit, "limit", 4, 0);
  gallery_add ("chart-line", 800, 420, GTK_WIDGET (chart));
  gallery_hover (0.6, 0.5);
}

static void
add_dense_page (void)
{
  PlotChart *chart
      = new_chart ("One million samples (" GALLERY_NOTE ")", "Time", &PLOT_UNIT_SECONDS, "Power",
                   &(PlotUnit){ .symbol = "W", .prefix = PLOT_PREFIX_BOTH });
  PlotSeries *series = plot_series_new_regular ("power", 0, 1e-5);
  guint32 state = 1;
  double walk = 0;

  plot_series_reserve (series, 1000000);
  for (guint i = 0; i < 1000000; i++)
    {
      state = state * 1664525u + 1013904223u;
      walk += (state >> 8) / 16777216.0 - 0.5;
      walk *= 0.9999;
      plot_series_append (series, 0,
                          i > 600000 && i < 640000 ? NAN
                                                   : 5 + walk * 0.02 + (i % 77777 == 0 ? 6 : 0));
    }
  take_layer (chart, &plot_layer_line, series, "power", 0, 0);
  gallery_add ("chart-dense", 800, 360, GTK_WIDGET (chart));
  gallery_hover (0.85, 0.5);
}

static void
add_tradeoff_page (void)
{
  static const char *const names[] = { "F16", "Q8_0", "Q6_K", "Q5_K", "Q4_K", "Q4_0", "Q2_K" };
  PlotChart *chart = new_chart ("Trade-off (" GALLERY_NOTE ")", "Latency per token",
                                &PLOT_UNIT_SECONDS, "Perplexity", &PLOT_UNIT_PLAIN);
  PlotSeries *runs = plot_series_new ("runs"), *front = plot_series_new ("Pareto front");
  PlotSeries *board = plot_series_new ("Raspberry Pi");
  PlotLayer *points;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      double x = 8e-3 * pow (0.8, i), y = 14 + 0.04 * exp (i * 0.75);
      gsize at = plot_series_append_full (runs, x, x * 0.96, x * 1.05, y, y - 0.25, y + 0.25);

      plot_series_set_label (runs, at, names[i]);
      plot_series_set_estimate (runs, at, i == 3);
      plot_series_append_full (board, x * 3.3, x * 3.1, x * 3.6, y + 0.2, y - 0.1, y + 0.5);
    }
  for (guint i = G_N_ELEMENTS (names); i-- > 0;)
    plot_series_append (front, plot_series_get_x (runs, i),
                        plot_series_get (runs, PLOT_COLUMN_Y, i));
  take_layer (chart, &plot_layer_step, front, "Pareto front", 6, 1);
  take_layer (chart, &plot_layer_points, runs, "this computer", 0, 0);
  points = plot_layer_new (&plot_layer_points, board);
  plot_layer_set_shape (points, PLOT_SHAPE_DIAMOND);
  plot_layer_set_color (points, 1);
  plot_chart_add_layer (chart, points);
  plot_chart_select (chart, plot_chart_get_layer (chart, 1), 4);
  plot_axis_set_kind (plot_chart_get_x_axis (chart), PLOT_AXIS_LOG);
  gallery_add ("chart-tradeoff", 700, 460, GTK_WIDGET (chart));
  gallery_hover (0.33, 0.78);
}

static PlotSeries *
make_roofline_points (const char *name, double rate, double top, double x_middle, double share,
                      PlotSeries *trail)
{
  PlotSeries *series = plot_series_new (name);

  for (guint i = 0; i < 30; i++)
    {
      double x = x_middle * pow (10, 0.25 * (gallery_noise (i, 3) - 0.5));
      double y = fmin (rate * x, top) * share * (0.8 + 0.4 * gallery_noise (i, 4));
      g_autofree char *label = g_strdup_printf ("Block %u", i);

      plot_series_append_full (series, x, NAN, NAN, y, y * 0.93, y * 1.06);
      plot_series_set_label (series, i, label);
      plot_series_set_estimate (series, i, i >= 27);
      plot_series_add_fact (series, i, "Bound by", "memory (DRAM)");
      plot_series_add_fact (series, i, "Share of the roof", "62 %");
      plot_series_add_fact (series, i, "Lost against it", "0.041 ms");
      if (trail != NULL)
        plot_series_append_full (trail, x, x * 0.35, NAN, y, y * 0.5, NAN);
    }
  return series;
}

static void
add_roofline (const char *name, int width, int height, double zoom)
{
  PlotChart *chart
      = new_chart ("Roofline (" GALLERY_NOTE ")", "Operations per byte", &PLOT_UNIT_PLAIN, "Speed",
                   &(PlotUnit){ "op/s", PLOT_PREFIX_LARGE });
  PlotSeries *trail = plot_series_new ("moved from the baseline");
  PlotSeries *decode = make_roofline_points ("decode", 94e9, 1974e9, 3.2, 0.5, trail);
  PlotSeries *prefill = make_roofline_points ("prefill", 94e9, 1974e9, 60, 0.4, NULL);
  PlotLayer *roofs = plot_roof_layer_new (), *points;

  plot_roof_layer_add_slope (roofs, "L1 904 GB/s", 904e9);
  plot_roof_layer_add_slope (roofs, "L2 509 GB/s", 509e9);
  plot_roof_layer_add_slope (roofs, "L3 221 GB/s", 221e9);
  plot_roof_layer_add_slope (roofs, "DRAM 94.3 GB/s", 94.3e9);
  plot_roof_layer_add_level (roofs, "f32 516 Gop/s", 516e9);
  plot_roof_layer_add_level (roofs, "int8 1.97 Top/s", 1974e9);
  plot_layer_set_title (roofs, "measured roofs");
  plot_axis_set_kind (plot_chart_get_x_axis (chart), PLOT_AXIS_LOG);
  plot_axis_set_kind (plot_chart_get_y_axis (chart), PLOT_AXIS_LOG);
  plot_chart_add_layer (chart, roofs);
  take_layer (chart, &plot_layer_trail, trail, NULL, 0, 0);
  points = plot_layer_new (&plot_layer_points, prefill);
  plot_layer_set_shape (points, PLOT_SHAPE_SQUARE);
  plot_layer_set_color (points, 1);
  plot_chart_add_layer (chart, points);
  g_object_unref (prefill);
  take_layer (chart, &plot_layer_points, decode, NULL, 0, 0);
  if (zoom > 0)
    plot_axis_set_bounds (plot_chart_get_x_axis (chart), 0.05, zoom);
  gallery_add (name, width, height, GTK_WIDGET (chart));
}

/* Everything of a trade-off: front, limits, undecided and beaten points, an estimate, names without
 * overlaps. */
static void
add_tradeoff_front_page (const char *name, int width, int height)
{
  static const char *const names[]
      = { "F16 weights",        "Q8_0 weights", "Q6_K weights",
          "Q5_K weights",       "Q4_K weights", "Q4_0 weights, 2 threads",
          "Q4_0, Q8_0 in blk.0" };
  static const double x[] = { 41, 55, 63, 70, 78, 84, 81 },
                      y[] = { 14.1, 14.15, 14.4, 15.0, 15.1, 17.2, 16.4 };
  PlotChart *chart = new_chart ("Trade-off (" GALLERY_NOTE ")", "Decode speed",
                                &PLOT_UNIT_TOKENS_PER_S, "Perplexity", &PLOT_UNIT_PLAIN);
  PlotSeries *good = plot_series_new ("On the front"), *front = plot_series_new ("Front");
  PlotSeries *beaten = plot_series_new ("Beaten"), *open = plot_series_new ("Undecided");
  PlotSeries *guess = plot_series_new ("Estimate"),
             *limit = plot_series_new ("Decode speed ≥ 50 tok/s");
  PlotSeries *labels = plot_series_new ("labels"), *best = plot_series_new ("Best allowed");
  PlotLayer *layer;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      plot_series_append (labels, x[i], y[i]);
      plot_series_set_label (labels, i, names[i]);
      gsize at = plot_series_append_full (good, x[i], x[i] - 1, x[i] + 1.5, y[i], y[i] - 0.2,
                                          y[i] + 0.2);
      plot_series_set_label (good, at, names[i]);
    }
  for (guint i = 0; i < 5; i++)
    plot_series_append (front, x[i], y[i]);
  plot_series_append (front, x[6], y[6]);
  plot_series_append (front, x[5], y[5]);
  plot_series_append_full (open, 62, 60, 64, 14.5, 14.2, 14.8);
  plot_series_append_full (beaten, 48, 47, 49, 16.0, 15.8, 16.2);
  plot_series_append_full (guess, 88, NAN, NAN, 17.9, NAN, NAN);
  plot_series_set_estimate (guess, 0, TRUE);
  plot_series_append (limit, 50, NAN);
  plot_series_append (best, 55, 14.15);
  take_layer (chart, &plot_layer_limit_below, limit, NULL, 1, 0);
  layer = take_layer (chart, &plot_layer_front, front, NULL, 0, 0);
  plot_front_set_goals (layer, FALSE, TRUE);
  take_layer (chart, &plot_layer_ring, best, NULL, 2, 0);
  take_layer (chart, &plot_layer_points, good, NULL, 0, 0);
  layer = take_layer (chart, &plot_layer_points, open, NULL, 0, 0);
  plot_layer_set_shape (layer, PLOT_SHAPE_DIAMOND);
  layer = take_layer (chart, &plot_layer_points, beaten, NULL, 7, 0);
  plot_layer_set_shape (layer, PLOT_SHAPE_SQUARE);
  take_layer (chart, &plot_layer_points, guess, NULL, 0, 0);
  layer = take_layer (chart, &plot_layer_labels, labels, NULL, 0, 0);
  plot_layer_set_title (layer, "");
  plot_chart_set_reference (chart, "F16 weights", 41, PLOT_GOAL_HIGHER, 14.1, PLOT_GOAL_LOWER);
  plot_chart_select (chart, plot_chart_get_layer (chart, 3), 3);
  gallery_add (name, width, height, GTK_WIDGET (chart));
  gallery_hover (0.827, 0.415);
}

static void
add_roofline_page (void)
{
  add_roofline ("chart-roofline", 900, 520, 0);
  gallery_hover (0.38, 0.55);
  add_roofline ("chart-roofline-wide", 900, 520, 2000);
  add_roofline ("chart-roofline-narrow", 360, 320, 0);
}

static void
add_area_page (void)
{
  PlotChart *chart = new_chart ("", "Context", &PLOT_UNIT_COUNT, "Memory", &PLOT_UNIT_BYTES);
  PlotSeries *area = plot_series_new ("KV cache"), *step = plot_series_new ("allocated");

  for (guint i = 0; i <= 64; i++)
    {
      plot_series_append (area, i * 64, i * 64 * 46080.0);
      if (i % 8 == 0)
        plot_series_append (step, i * 64, (i + 8) * 64 * 46080.0);
    }
  take_layer (chart, &plot_layer_area, area, "KV cache", 2, 0);
  take_layer (chart, &plot_layer_step, step, "allocated", 3, 1);
  gallery_add ("chart-area", 360, 240, GTK_WIDGET (chart));
}

void
gallery_add_charts (void)
{
  add_spark_page ();
  add_line_page ();
  add_dense_page ();
  add_tradeoff_page ();
  add_tradeoff_front_page ("chart-tradeoff-front", 860, 520);
  add_tradeoff_front_page ("chart-tradeoff-narrow", 360, 420);
  add_roofline_page ();
  add_area_page ();
}
