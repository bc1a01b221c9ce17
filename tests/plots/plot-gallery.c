/* All widgets of the plot library with invented data, to look at them:
 *   plot-gallery                     a window
 *   plot-gallery --screenshot DIR    pictures of every page, light and dark, and what export
 *                                    writes; then leaves
 * The figures are made up and every page says so. */

#include <glib/gstdio.h>
#include <gtk/gtk.h>
#include <math.h>
#include <string.h>
#include "plot-test-graph.h"
#include "plot-test-input.h"
#include "plot-test-memory.h"
#include "plot-test-result.h"
#include "plot-test-timeline.h"
#include "plots.h"

#define NOTE "Invented data"

/* --- invented data --- */

static double
noise (guint i, guint salt)
{
  double v = sin (i * 12.9898 + salt * 78.233) * 43758.5453;

  return v - floor (v);
}

typedef struct
{
  GArray *items; /* PlotItem */
  GPtrArray *strings;
} Items;

static const char *
keep (Items *items, char *text)
{
  g_ptr_array_add (items->strings, text);
  return text;
}

static void
add_item (Items *items, const char *name, const char *label, const char *group, int parent)
{
  PlotItem item = { name, label, group, parent };

  g_array_append_val (items->items, item);
}

static Items
language_model_items (guint n_blocks)
{
  static const char *const operators[]
      = { "attention norm", "query key value",   "rope",        "attention",
          "output",         "feed-forward norm", "gate and up", "down" };
  Items items
      = { g_array_new (FALSE, FALSE, sizeof (PlotItem)), g_ptr_array_new_with_free_func (g_free) };

  add_item (&items, "Token embedding", "embed", "input", -1);
  for (guint i = 0; i < n_blocks; i++)
    {
      int parent = (int)items.items->len;

      add_item (&items, keep (&items, g_strdup_printf ("Block %u", i)),
                keep (&items, g_strdup_printf ("%u", i)), "transformer blocks", -1);
      for (guint o = 0; o < G_N_ELEMENTS (operators); o++)
        add_item (&items, operators[o], NULL, NULL, parent);
    }
  add_item (&items, "Output projection", "output", "head", -1);
  return items;
}

static Items
flat_items (guint n)
{
  Items items
      = { g_array_new (FALSE, FALSE, sizeof (PlotItem)), g_ptr_array_new_with_free_func (g_free) };

  for (guint i = 0; i < n; i++)
    add_item (&items, keep (&items, g_strdup_printf ("features.%u.conv/Conv2D", i)), NULL,
              i < n / 3       ? "stem"
              : i < 2 * n / 3 ? "bottlenecks with a long name"
                              : "classifier",
              -1);
  return items;
}

static void
items_free (Items *items)
{
  g_array_unref (items->items);
  g_ptr_array_unref (items->strings);
}

static void
fill_lane (PlotLanes *lanes, guint lane, guint series, const Items *items, double base,
           double spread, guint salt, PlotState state, double absent)
{
  guint n = items->items->len;
  g_autofree double *value = g_new (double, n);
  g_autofree double *lo = g_new (double, n);
  g_autofree double *hi = g_new (double, n);
  g_autofree guint8 *states = g_new (guint8, n);

  for (guint i = 0; i < n; i++)
    {
      const PlotItem *item = &g_array_index (items->items, PlotItem, i);
      double size = item->parent >= 0 ? base / 8 * (0.2 + 1.6 * noise (i, salt)) : base;

      if (i == n - 1)
        size *= 2.1;
      value[i] = size * (0.8 + 0.4 * noise (i, salt));
      lo[i] = spread > 0 ? value[i] * (1 - spread * noise (i, salt + 1)) : NAN;
      hi[i] = spread > 0 ? value[i] * (1 + 2 * spread * noise (i, salt + 2)) : NAN;
      states[i] = (guint8)state;
      if (noise (i, salt + 3) < absent)
        value[i] = NAN;
    }
  plot_lanes_set_values (lanes, lane, series, 0, n, value, lo, hi, states);
}

static GtkWidget *
make_lanes (const Items *items, gboolean baseline)
{
  PlotLanes *lanes = PLOT_LANES (plot_lanes_new ());
  guint latency, memory, energy, loss;

  g_object_set (lanes, "title", "Cost of every layer (" NOTE ")", NULL);
  plot_lanes_set_items (lanes, (const PlotItem *)items->items->data, items->items->len);
  latency = plot_lanes_add_lane (lanes, &(PlotLaneInfo){ .title = "Latency",
                                                         .unit = PLOT_UNIT_NS,
                                                         .flags = PLOT_LANE_LOWER_IS_BETTER,
                                                         .total = PLOT_TOTAL_SUM,
                                                         .height = 1.3 });
  plot_lanes_add_series (lanes, latency, &(PlotLaneSeriesInfo){ .name = "decode" });
  memory = plot_lanes_add_lane (lanes, &(PlotLaneInfo){ .title = "Memory",
                                                        .unit = PLOT_UNIT_BYTES,
                                                        .flags = PLOT_LANE_LOWER_IS_BETTER,
                                                        .total = PLOT_TOTAL_SUM });
  plot_lanes_add_series (lanes, memory,
                         &(PlotLaneSeriesInfo){ .name = "weights", .role = PLOT_ROLE_STACK });
  plot_lanes_add_series (lanes, memory,
                         &(PlotLaneSeriesInfo){ .name = "activations",
                                                .role = PLOT_ROLE_STACK,
                                                .color = 1,
                                                .pattern = PLOT_PATTERN_HATCH });
  plot_lanes_add_series (lanes, memory,
                         &(PlotLaneSeriesInfo){ .name = "KV cache",
                                                .role = PLOT_ROLE_STACK,
                                                .color = 2,
                                                .pattern = PLOT_PATTERN_DOTS });
  energy = plot_lanes_add_lane (lanes, &(PlotLaneInfo){ .title = "Energy",
                                                        .unit = PLOT_UNIT_JOULES,
                                                        .flags = PLOT_LANE_LOWER_IS_BETTER,
                                                        .total = PLOT_TOTAL_SUM });
  plot_lanes_add_series (lanes, energy, &(PlotLaneSeriesInfo){ .name = "energy", .color = 3 });
  loss = plot_lanes_add_lane (lanes, &(PlotLaneInfo){ .title = "Accuracy loss",
                                                      .unit = PLOT_UNIT_PERCENT,
                                                      .flags = PLOT_LANE_LOWER_IS_BETTER,
                                                      .total = PLOT_TOTAL_MAX });
  plot_lanes_add_series (lanes, loss,
                         &(PlotLaneSeriesInfo){ .name = "sensitivity",
                                                .role = PLOT_ROLE_POINT,
                                                .color = 4,
                                                .shape = PLOT_SHAPE_DIAMOND });
  if (baseline)
    {
      fill_lane (lanes, latency, 0, items, 240e3, 0.05, 1, PLOT_STATE_MEASURED, 0);
      fill_lane (lanes, memory, 0, items, 9.1e6, 0, 2, PLOT_STATE_MEASURED, 0);
      fill_lane (lanes, memory, 1, items, 1.1e6, 0, 3, PLOT_STATE_MEASURED, 0);
      plot_lanes_pin_baseline (lanes, "F16");
    }
  fill_lane (lanes, latency, 0, items, 180e3, 0.08, 11, PLOT_STATE_MEASURED, 0.04);
  fill_lane (lanes, memory, 0, items, 4.7e6, 0, 12, PLOT_STATE_MEASURED, 0);
  fill_lane (lanes, memory, 1, items, 1.1e6, 0, 13, PLOT_STATE_MEASURED, 0);
  fill_lane (lanes, memory, 2, items, 1.9e6, 0, 14, PLOT_STATE_MEASURED, 0);
  fill_lane (lanes, energy, 0, items, 2.3e-3, 0, 15, PLOT_STATE_ESTIMATE, 0);
  fill_lane (lanes, loss, 0, items, 0.004, 0.3, 16, PLOT_STATE_MEASURED, 0.1);
  return GTK_WIDGET (lanes);
}

/* --- pages --- */

typedef struct
{
  const char *name;
  int width, height;
  GtkWidget *widget;
  double hover_x, hover_y; /* where the pointer is, as a share of the size; 0: nowhere */
} Page;

static GArray *pages;

static void
hover_last_page (double x, double y)
{
  Page *page = &g_array_index (pages, Page, pages->len - 1);

  page->hover_x = x;
  page->hover_y = y;
}

static void
add_page (const char *name, int width, int height, GtkWidget *widget)
{
  Page page = { name, width, height, g_object_ref_sink (widget), 0, 0 };

  g_array_append_val (pages, page);
}

static void
add_lanes_pages (void)
{
  Items model = language_model_items (30), small = language_model_items (6);
  Items many = flat_items (300), huge = flat_items (3000), eight = flat_items (8);
  GtkWidget *widget;

  add_page ("lanes", 1100, 640, make_lanes (&model, FALSE));
  add_page ("lanes-baseline", 1100, 640, make_lanes (&model, TRUE));
  widget = make_lanes (&model, TRUE);
  plot_lanes_set_selected_item (PLOT_LANES (widget), 10);
  plot_lanes_set_expanded (PLOT_LANES (widget), 10, TRUE);
  add_page ("lanes-open", 1100, 640, widget);
  widget = make_lanes (&model, TRUE);
  plot_lanes_set_selected_item (PLOT_LANES (widget), 1 + 9 * 20);
  add_page ("lanes-hover", 1100, 640, widget);
  hover_last_page (0.45, 0.3);
  widget = make_lanes (&model, TRUE);
  add_page ("lanes-hover-narrow", 360, 640, widget);
  hover_last_page (0.8, 0.5);
  add_page ("lanes-8", 900, 560, make_lanes (&eight, TRUE));
  add_page ("lanes-small", 760, 480, make_lanes (&small, TRUE));
  add_page ("lanes-300", 1100, 600, make_lanes (&many, TRUE));
  add_page ("lanes-3000", 1100, 600, make_lanes (&huge, TRUE));
  add_page ("lanes-narrow", 360, 640, make_lanes (&model, TRUE));
  widget = plot_lanes_new ();
  plot_lanes_set_items (PLOT_LANES (widget), (const PlotItem *)model.items->data, model.items->len);
  plot_lanes_add_series (PLOT_LANES (widget),
                         plot_lanes_add_lane (PLOT_LANES (widget),
                                              &(PlotLaneInfo){ .title = "Latency",
                                                               .unit = PLOT_UNIT_NS }),
                         &(PlotLaneSeriesInfo){ .name = "decode" });
  plot_lanes_add_series (PLOT_LANES (widget),
                         plot_lanes_add_lane (PLOT_LANES (widget),
                                              &(PlotLaneInfo){ .title = "Energy",
                                                               .unit = PLOT_UNIT_JOULES }),
                         &(PlotLaneSeriesInfo){ .name = "energy" });
  plot_lanes_set_lane_note (PLOT_LANES (widget), 1, "This computer has no energy sensor");
  add_page ("lanes-empty", 800, 320, widget);
  items_free (&model);
  items_free (&small);
  items_free (&many);
  items_free (&huge);
  items_free (&eight);
}

static void
add_spark_page (void)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *spark = plot_spark_new ("tokens per second", &PLOT_UNIT_TOKENS_PER_S);

  for (guint i = 0; i < 90; i++)
    plot_spark_push (PLOT_SPARK (spark),
                     i == 40 ? NAN : 210 + 15 * noise (i, 5) + 5 * sin (i / 9.0));
  gtk_box_append (GTK_BOX (box), gtk_label_new ("218 tok/s"));
  gtk_box_append (GTK_BOX (box), spark);
  gtk_widget_set_valign (box, GTK_ALIGN_CENTER);
  gtk_widget_set_halign (box, GTK_ALIGN_CENTER);
  add_page ("spark", 300, 60, box);
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
  PlotChart *chart = new_chart ("Time per token (" NOTE ")", "Token", &PLOT_UNIT_PLAIN, "Time",
                                &PLOT_UNIT_SECONDS);
  PlotSeries *a = plot_series_new_regular ("Q4_0", 0, 1),
             *b = plot_series_new_regular ("F16", 0, 1);
  PlotSeries *limit = plot_series_new ("limit");

  for (guint i = 0; i < 256; i++)
    {
      double v = 4.2e-3 + 3e-6 * i + 4e-4 * noise (i, 1);
      double w = 7.9e-3 + 5e-6 * i + 5e-4 * noise (i, 2);

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
  add_page ("chart-line", 800, 420, GTK_WIDGET (chart));
  hover_last_page (0.6, 0.5);
}

static void
add_dense_page (void)
{
  PlotChart *chart = new_chart ("One million samples (" NOTE ")", "Time", &PLOT_UNIT_SECONDS,
                                "Power", &(PlotUnit){ .symbol = "W", .prefix = PLOT_PREFIX_BOTH });
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
  add_page ("chart-dense", 800, 360, GTK_WIDGET (chart));
  hover_last_page (0.85, 0.5);
}

static void
add_tradeoff_page (void)
{
  static const char *const names[] = { "F16", "Q8_0", "Q6_K", "Q5_K", "Q4_K", "Q4_0", "Q2_K" };
  PlotChart *chart = new_chart ("Trade-off (" NOTE ")", "Latency per token", &PLOT_UNIT_SECONDS,
                                "Perplexity", &PLOT_UNIT_PLAIN);
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
  add_page ("chart-tradeoff", 700, 460, GTK_WIDGET (chart));
  hover_last_page (0.33, 0.78);
}

static PlotSeries *
make_roofline_points (const char *name, double rate, double top, double x_middle, double share,
                      PlotSeries *trail)
{
  PlotSeries *series = plot_series_new (name);

  for (guint i = 0; i < 30; i++)
    {
      double x = x_middle * pow (10, 0.25 * (noise (i, 3) - 0.5));
      double y = fmin (rate * x, top) * share * (0.8 + 0.4 * noise (i, 4));
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
  PlotChart *chart = new_chart ("Roofline (" NOTE ")", "Operations per byte", &PLOT_UNIT_PLAIN,
                                "Speed", &(PlotUnit){ "op/s", PLOT_PREFIX_LARGE });
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
  add_page (name, width, height, GTK_WIDGET (chart));
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
  PlotChart *chart = new_chart ("Trade-off (" NOTE ")", "Decode speed", &PLOT_UNIT_TOKENS_PER_S,
                                "Perplexity", &PLOT_UNIT_PLAIN);
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
  add_page (name, width, height, GTK_WIDGET (chart));
  hover_last_page (0.827, 0.415);
}

static void
add_roofline_page (void)
{
  add_roofline ("chart-roofline", 900, 520, 0);
  hover_last_page (0.38, 0.55);
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
  add_page ("chart-area", 360, 240, GTK_WIDGET (chart));
}

/* --- graphs --- */

static GtkWidget *
make_graph (PlotTestGraph *graph, const char *title, gboolean metric)
{
  GtkWidget *widget = plot_graph_new ();
  PlotGraphData data = plot_test_graph_data (graph);
  g_autofree double *values = g_new (double, MAX (1, graph->nodes->len));

  g_object_set (widget, "title", title, NULL);
  plot_graph_set_graph (PLOT_GRAPH (widget), &data);
  for (guint i = 0; i < graph->nodes->len; i++)
    values[i] = i == 0 ? NAN : 20e3 + 900e3 * pow (noise (i, 21), 4);
  if (metric)
    plot_graph_set_metric (PLOT_GRAPH (widget),
                           &(PlotGraphMetric){ .title = "Decode latency", .unit = PLOT_UNIT_NS },
                           values, NULL);
  plot_graph_ensure_layout (PLOT_GRAPH (widget));
  return widget;
}

static void
add_graph_pages (void)
{
  PlotTestGraph blocks = plot_test_graph_residual (16, TRUE);
  PlotTestGraph few = plot_test_graph_residual (4, TRUE);
  PlotTestGraph flat = plot_test_graph_residual (12, FALSE);
  PlotTestGraph wide = plot_test_graph_scattered (300, 25, 4);
  PlotTestGraph huge = plot_test_graph_scattered (10000, 60, 1);
  GtkWidget *widget;

  add_page ("graph", 1000, 700, make_graph (&blocks, "Network (" NOTE ")", TRUE));
  hover_last_page (0.5, 0.31);
  widget = make_graph (&blocks, "Network (" NOTE ")", TRUE);
  plot_graph_set_expanded (PLOT_GRAPH (widget), "Block 1", TRUE);
  plot_graph_set_selected (PLOT_GRAPH (widget), "b1.add");
  add_page ("graph-open", 1000, 700, widget);
  add_page ("graph-few", 760, 520, make_graph (&few, "", FALSE));
  widget = make_graph (&few, "", TRUE);
  plot_graph_set_all_expanded (PLOT_GRAPH (widget), TRUE);
  plot_graph_fit (PLOT_GRAPH (widget));
  add_page ("graph-all-open", 760, 700, widget);
  add_page ("graph-flat", 1000, 700, make_graph (&flat, "", TRUE));
  add_page ("graph-scattered", 1000, 700, make_graph (&wide, "", TRUE));
  widget = make_graph (&wide, "", TRUE);
  plot_graph_fit (PLOT_GRAPH (widget));
  add_page ("graph-scattered-all", 1000, 700, widget);
  widget = make_graph (&huge, "", TRUE);
  plot_graph_fit (PLOT_GRAPH (widget));
  add_page ("graph-10000", 1000, 700, widget);
  add_page ("graph-narrow", 360, 600, make_graph (&blocks, "", TRUE));
  widget = plot_graph_new ();
  g_object_set (widget, "empty-text", "Open a model to see its graph", NULL);
  add_page ("graph-empty", 600, 300, widget);
  plot_test_graph_clear (&blocks);
  plot_test_graph_clear (&few);
  plot_test_graph_clear (&flat);
  plot_test_graph_clear (&wide);
  plot_test_graph_clear (&huge);
}

/* --- results --- */

static void
add_result_page (const char *name, int width, int height, void (*fill) (PlotResult *))
{
  GtkWidget *widget = plot_result_new ();

  fill (PLOT_RESULT (widget));
  add_page (name, width, height, widget);
}

static void
fill_classes (PlotResult *result)
{
  plot_test_result_mask (result, FALSE);
}

static void
add_result_pages (void)
{
  add_result_page ("result-boxes", 480, 360, plot_test_result_boxes);
  add_result_page ("result-points", 360, 480, plot_test_result_points);
  add_result_page ("result-mask", 480, 400, fill_classes);
  add_result_page ("result-after", 480, 360, plot_test_result_after);
  add_result_page ("result-bars", 480, 220, plot_test_result_bars);
  add_result_page ("result-bars-narrow", 240, 320, plot_test_result_bars);
  add_result_page ("result-score", 480, 120, plot_test_result_score);
  add_result_page ("result-waves", 480, 260, plot_test_result_waves);
  add_result_page ("result-series", 480, 260, plot_test_result_series);
  add_result_page ("result-tensors", 480, 260, plot_test_result_tensors);
}

/* --- memory --- */

static void
add_timeline_page (const char *name, int width, int height, guint n_threads, guint n_steps,
                   guint n_nodes)
{
  GtkWidget *widget = plot_test_timeline_widget (n_threads, n_steps, n_nodes);

  g_object_set (widget, "title", "Timeline (" NOTE ")", NULL);
  plot_timeline_set_marked (PLOT_TIMELINE (widget), -1, 1);
  plot_timeline_set_selected_span (PLOT_TIMELINE (widget), 17);
  add_page (name, width, height, widget);
  hover_last_page (0.4, 0.6);
}

static GtkWidget *
make_memory (guint n_steps)
{
  GtkWidget *widget = plot_memory_new ();
  PlotTestMemory m = plot_test_memory_new (n_steps);
  PlotMemoryData data = plot_test_memory_data (&m);

  g_object_set (widget, "title", "Memory plan (" NOTE ")", NULL);
  plot_memory_set_data (PLOT_MEMORY (widget), &data);
  plot_test_memory_clear (&m);
  return widget;
}

static void
add_memory_pages (void)
{
  GtkWidget *widget = make_memory (24);

  plot_memory_set_selected_step (PLOT_MEMORY (widget),
                                 plot_memory_get_peak_step (PLOT_MEMORY (widget)));
  plot_memory_set_selected (PLOT_MEMORY (widget), "value 4");
  add_page ("memory", 1000, 560, widget);
  add_page ("memory-hover", 1000, 560, make_memory (60));
  hover_last_page (0.3, 0.7);
  add_page ("memory-400", 1000, 560, make_memory (400));
  add_page ("memory-narrow", 360, 480, make_memory (60));
  widget = plot_memory_new ();
  g_object_set (widget, "empty-text", "Open a model to see its memory plan", NULL);
  add_page ("memory-empty", 600, 300, widget);
}

/* 60 blocks of 400 nodes, two of them open. */
static void
add_network_lanes_page (void)
{
  Items items
      = { g_array_new (FALSE, FALSE, sizeof (PlotItem)), g_ptr_array_new_with_free_func (g_free) };
  GtkWidget *widget;

  for (guint b = 0; b < 60; b++)
    {
      int parent = (int)items.items->len;
      guint n = b % 3 == 0 ? 8 : 6;

      add_item (&items, keep (&items, g_strdup_printf ("features.%u/inverted_residual", b)),
                keep (&items, g_strdup_printf ("%u", b)),
                b < 8    ? "stem"
                : b < 52 ? "body"
                         : "head",
                -1);
      for (guint k = 0; k < n; k++)
        add_item (&items, keep (&items, g_strdup_printf ("features.%u.conv%u/Conv2D", b, k)), NULL,
                  NULL, parent);
    }
  widget = make_lanes (&items, TRUE);
  add_page ("lanes-network", 1100, 600, widget);
  widget = make_lanes (&items, TRUE);
  plot_lanes_set_expanded (PLOT_LANES (widget), 0, TRUE);
  plot_lanes_set_selected_item (PLOT_LANES (widget), 30);
  add_page ("lanes-network-open", 1100, 600, widget);
  widget = make_lanes (&items, TRUE);
  for (guint i = 0; i < items.items->len; i++)
    plot_lanes_set_expanded (PLOT_LANES (widget), i, TRUE);
  add_page ("lanes-network-all", 1100, 600, widget);
  widget = make_lanes (&items, TRUE);
  add_page ("lanes-network-narrow", 420, 600, widget);
  items_free (&items);
}

/* --- pictures of the real widgets --- */

static void
wait_ms (guint ms)
{
  gint64 end = g_get_monotonic_time () + ms * 1000;

  while (g_get_monotonic_time () < end)
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (1000);
}

static void
save_widget (GtkWidget *window, const char *path)
{
  GdkPaintable *paintable = gtk_widget_paintable_new (window);
  int w = gtk_widget_get_width (window), h = gtk_widget_get_height (window);
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  g_autoptr (GskRenderNode) node = NULL;
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, w, h);
  cairo_t *cr = cairo_create (surface);

  gdk_paintable_snapshot (paintable, snapshot, w, h);
  node = gtk_snapshot_free_to_node (snapshot);
  if (node != NULL)
    gsk_render_node_draw (node, cr);
  cairo_destroy (cr);
  if (cairo_surface_write_to_png (surface, path) != CAIRO_STATUS_SUCCESS)
    g_printerr ("cannot write %s\n", path);
  cairo_surface_destroy (surface);
  g_object_unref (paintable);
}

static void
screenshot_page (const Page *page, const char *folder, gboolean dark)
{
  GtkWidget *window = gtk_window_new ();
  g_autofree char *file = g_strdup_printf ("%s-%s.png", page->name, dark ? "dark" : "light");
  g_autofree char *path = g_build_filename (folder, file, NULL);

  g_object_set (gtk_settings_get_default (), "gtk-application-prefer-dark-theme", dark, NULL);
  gtk_window_set_decorated (GTK_WINDOW (window), FALSE);
  gtk_window_set_default_size (GTK_WINDOW (window), page->width, page->height);
  gtk_window_set_child (GTK_WINDOW (window), page->widget);
  gtk_window_present (GTK_WINDOW (window));
  wait_ms (700);
  if (page->hover_x > 0)
    plot_test_motion (page->widget, page->hover_x * page->width, page->hover_y * page->height);
  wait_ms (50);
  save_widget (window, path);
  gtk_window_set_child (GTK_WINDOW (window), NULL);
  gtk_window_destroy (GTK_WINDOW (window));
}

/* What the export writes, to compare with the screen. */
static void
export_page (const Page *page, const char *folder)
{
  const char *const endings[] = { "png", "svg", "pdf", "csv" };

  if (!PLOT_IS_FIGURE (page->widget))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (endings); i++)
    {
      g_autofree char *name = g_strdup_printf ("%s-export.%s", page->name, endings[i]);
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autoptr (GFile) file = g_file_new_for_path (path);
      g_autoptr (GError) error = NULL;
      PlotExportOptions options = { .width_px = page->width, .height_px = page->height };

      if (!plot_export_format_for_name (name, &options.format, &error)
          || !plot_export (PLOT_FIGURE (page->widget), file, &options, NULL, &error))
        g_printerr ("%s\n", error->message);
    }
}

static void
take_screenshots (const char *folder, const char *only)
{
  g_mkdir_with_parents (folder, 0777);
  for (guint i = 0; i < pages->len; i++)
    {
      const Page *page = &g_array_index (pages, Page, i);

      if (only != NULL && strstr (page->name, only) == NULL)
        continue;
      screenshot_page (page, folder, FALSE);
      screenshot_page (page, folder, TRUE);
      export_page (page, folder);
    }
}

static void
show_window (void)
{
  GtkWidget *window = gtk_window_new (), *stack = gtk_stack_new ();
  GtkWidget *switcher = gtk_stack_sidebar_new (),
            *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);
  GMainLoop *loop = g_main_loop_new (NULL, FALSE);

  for (guint i = 0; i < pages->len; i++)
    {
      const Page *page = &g_array_index (pages, Page, i);

      gtk_stack_add_titled (GTK_STACK (stack), page->widget, page->name, page->name);
    }
  gtk_stack_sidebar_set_stack (GTK_STACK_SIDEBAR (switcher), GTK_STACK (stack));
  gtk_widget_set_hexpand (stack, TRUE);
  gtk_box_append (GTK_BOX (box), switcher);
  gtk_box_append (GTK_BOX (box), stack);
  gtk_window_set_title (GTK_WINDOW (window), "Plot gallery \u2013 " NOTE);
  gtk_window_set_default_size (GTK_WINDOW (window), 1300, 760);
  gtk_window_set_child (GTK_WINDOW (window), box);
  g_signal_connect_swapped (window, "destroy", G_CALLBACK (g_main_loop_quit), loop);
  gtk_window_present (GTK_WINDOW (window));
  g_main_loop_run (loop);
}

int
main (int argc, char **argv)
{
  g_autofree char *folder = NULL;
  g_autofree char *only = NULL;
  g_autoptr (GError) error = NULL;
  GOptionEntry entries[]
      = { { "screenshot", 0, 0, G_OPTION_ARG_FILENAME, &folder, "Write pictures into a folder",
            "DIR" },
          { "only", 0, 0, G_OPTION_ARG_STRING, &only, "Only pages whose name holds this", "TEXT" },
          { NULL } };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }
  gtk_init ();
  pages = g_array_new (FALSE, FALSE, sizeof (Page));
  add_lanes_pages ();
  add_spark_page ();
  add_line_page ();
  add_dense_page ();
  add_tradeoff_page ();
  add_tradeoff_front_page ("chart-tradeoff-front", 860, 520);
  add_tradeoff_front_page ("chart-tradeoff-narrow", 360, 420);
  add_roofline_page ();
  add_area_page ();
  add_graph_pages ();
  add_memory_pages ();
  add_timeline_page ("timeline", 1000, 320, 2, 2, 12);
  add_timeline_page ("timeline-8", 1000, 420, 8, 1, 60);
  add_timeline_page ("timeline-100000", 1000, 420, 8, 40, 300);
  add_timeline_page ("timeline-narrow", 360, 300, 2, 1, 12);
  add_result_pages ();
  add_network_lanes_page ();
  if (folder != NULL)
    take_screenshots (folder, only);
  else
    show_window ();
  return 0;
}
