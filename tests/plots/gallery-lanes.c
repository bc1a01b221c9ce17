/* Lanes of language models and of networks, for plot-gallery.c. */
#include "gallery.h"

#include <math.h>

#include "plots.h"

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
      double size = item->parent >= 0 ? base / 8 * (0.2 + 1.6 * gallery_noise (i, salt)) : base;

      if (i == n - 1)
        size *= 2.1;
      value[i] = size * (0.8 + 0.4 * gallery_noise (i, salt));
      lo[i] = spread > 0 ? value[i] * (1 - spread * gallery_noise (i, salt + 1)) : NAN;
      hi[i] = spread > 0 ? value[i] * (1 + 2 * spread * gallery_noise (i, salt + 2)) : NAN;
      states[i] = (guint8)state;
      if (gallery_noise (i, salt + 3) < absent)
        value[i] = NAN;
    }
  plot_lanes_set_values (lanes, lane, series, 0, n, value, lo, hi, states);
}

static GtkWidget *
make_lanes (const Items *items, gboolean baseline)
{
  PlotLanes *lanes = PLOT_LANES (plot_lanes_new ());
  guint latency, memory, energy, loss;

  g_object_set (lanes, "title", "Cost of every layer (" GALLERY_NOTE ")", NULL);
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

static void
add_lanes_pages (void)
{
  Items model = language_model_items (30), small = language_model_items (6);
  Items many = flat_items (300), huge = flat_items (3000), eight = flat_items (8);
  GtkWidget *widget;

  gallery_add ("lanes", 1100, 640, make_lanes (&model, FALSE));
  gallery_add ("lanes-baseline", 1100, 640, make_lanes (&model, TRUE));
  widget = make_lanes (&model, TRUE);
  plot_lanes_set_selected_item (PLOT_LANES (widget), 10);
  plot_lanes_set_expanded (PLOT_LANES (widget), 10, TRUE);
  gallery_add ("lanes-open", 1100, 640, widget);
  widget = make_lanes (&model, TRUE);
  plot_lanes_set_selected_item (PLOT_LANES (widget), 1 + 9 * 20);
  gallery_add ("lanes-hover", 1100, 640, widget);
  gallery_hover (0.45, 0.3);
  widget = make_lanes (&model, TRUE);
  gallery_add ("lanes-hover-narrow", 360, 640, widget);
  gallery_hover (0.8, 0.5);
  gallery_add ("lanes-8", 900, 560, make_lanes (&eight, TRUE));
  gallery_add ("lanes-small", 760, 480, make_lanes (&small, TRUE));
  gallery_add ("lanes-300", 1100, 600, make_lanes (&many, TRUE));
  gallery_add ("lanes-3000", 1100, 600, make_lanes (&huge, TRUE));
  gallery_add ("lanes-narrow", 360, 640, make_lanes (&model, TRUE));
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
  gallery_add ("lanes-empty", 800, 320, widget);
  items_free (&model);
  items_free (&small);
  items_free (&many);
  items_free (&huge);
  items_free (&eight);
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
  gallery_add ("lanes-network", 1100, 600, widget);
  widget = make_lanes (&items, TRUE);
  plot_lanes_set_expanded (PLOT_LANES (widget), 0, TRUE);
  plot_lanes_set_selected_item (PLOT_LANES (widget), 30);
  gallery_add ("lanes-network-open", 1100, 600, widget);
  widget = make_lanes (&items, TRUE);
  for (guint i = 0; i < items.items->len; i++)
    plot_lanes_set_expanded (PLOT_LANES (widget), i, TRUE);
  gallery_add ("lanes-network-all", 1100, 600, widget);
  widget = make_lanes (&items, TRUE);
  gallery_add ("lanes-network-narrow", 420, 600, widget);
  items_free (&items);
}

void
gallery_add_lanes (void)
{
  add_lanes_pages ();
  add_network_lanes_page ();
}
