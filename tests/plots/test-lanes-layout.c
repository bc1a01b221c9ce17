/* Model and geometry of PlotLanes, without a display: slots, hit testing, totals, ranges, readings.
 */

#include <glib.h>
#include <math.h>
#include "plot-lanes-draw-private.h"

/* 0 a; 1 b (2 b1; 3 b2 (4 b2x)); 5 c */
static const PlotItem tree[] = {
  { "a", NULL, "in", -1 }, { "b", NULL, "mid", -1 }, { "b1", NULL, NULL, 1 },
  { "b2", NULL, NULL, 1 }, { "b2x", NULL, NULL, 3 }, { "c", NULL, "mid", -1 },
};

static PlotLanesModel *
make_model (void)
{
  PlotLanesModel *model = plot_lanes_model_new ();

  plot_lanes_model_set_items (model, tree, G_N_ELEMENTS (tree));
  return model;
}

static void
check_slots (PlotLanesModel *model, const char *expected)
{
  PlotLanesLayout layout = { 0 };
  g_autoptr (GString) out = g_string_new (NULL);
  double x = 0;

  plot_lanes_layout_update_slots (&layout, model);
  for (guint i = 0; i < layout.n_slots; i++)
    {
      g_assert_cmpfloat (layout.slots[i].x, ==, x);
      x += layout.slots[i].w;
      g_string_append_printf (out, "%s%s:%g", i > 0 ? " " : "",
                              model->items[layout.slots[i].item].name, layout.slots[i].w);
    }
  g_assert_cmpfloat (layout.total, ==, x);
  g_assert_cmpstr (out->str, ==, expected);
  plot_lanes_layout_clear (&layout);
}

static void
test_slots (void)
{
  PlotLanesModel *model = make_model ();

  g_assert_cmpuint (model->items[1].n_below, ==, 3);
  g_assert_cmpuint (model->items[1].n_children, ==, 2);
  g_assert_cmpuint (model->items[4].depth, ==, 2);
  g_assert_cmpuint (model->items[5].place, ==, 2);
  check_slots (model, "a:1 b:1 c:1");
  model->items[1].open = 0.5; /* on its way */
  check_slots (model, "a:1 b:1 b1:0.5 b2:0.5 c:1");
  model->items[1].open = 1;
  model->items[3].open = 0.25;
  check_slots (model, "a:1 b:1 b1:1 b2:1 b2x:0.25 c:1");
  model->items[1].open = 0; /* what is inside a closed item is not shown, open or not */
  check_slots (model, "a:1 b:1 c:1");
  plot_lanes_model_free (model);
}

static void
test_items_again (void)
{
  static const PlotItem other[]
      = { { "new", NULL, NULL, -1 }, { "b", NULL, NULL, -1 }, { "b9", NULL, NULL, 1 } };
  PlotLanesModel *model = make_model ();

  model->items[1].expanded = TRUE;
  model->items[1].open = 1;
  plot_lanes_model_set_items (model, other, G_N_ELEMENTS (other));
  g_assert_true (model->items[1].expanded);
  check_slots (model, "new:1 b:1 b9:1");
  plot_lanes_model_set_items (model, NULL, 0);
  check_slots (model, "");
  plot_lanes_model_free (model);
}

static void
compute (PlotLanesLayout *layout, PlotLanesModel *model, double width, double height, double view0,
         double view1)
{
  PlotStyle style;
  g_autoptr (PlotText) text = NULL;

  plot_style_init (&style, FALSE);
  text = plot_text_new (&style);
  plot_lanes_layout_update_slots (layout, model);
  plot_lanes_layout_compute (layout, model, text, width, height, 1, view0, view1, TRUE, NULL);
}

/* Every place of the plot area belongs to the item whose slot holds it, before and after zooming.
 */
static void
test_hit (void)
{
  PlotLanesModel *model = make_model ();
  PlotLanesLayout layout = { 0 };

  plot_lanes_model_add_lane (model, &(PlotLaneInfo){ .title = "Latency", .unit = PLOT_UNIT_NS });
  plot_lanes_model_add_lane (model, &(PlotLaneInfo){ .title = "Memory", .unit = PLOT_UNIT_BYTES });
  model->items[1].open = 1;
  for (guint k = 0; k < 200; k++)
    {
      double a = g_test_rand_double_range (-1, 5), b = a + g_test_rand_double_range (0.1, 8);

      compute (&layout, model, 900, 400, a, b);
      g_assert_cmpfloat (layout.view0, >=, 0);
      g_assert_cmpfloat (layout.view1, <=, layout.total);
      for (guint i = 0; i < layout.n_slots; i++)
        {
          const PlotSlot *slot = &layout.slots[i];
          double px = plot_lanes_layout_px (&layout, slot->x + slot->w / 2);
          gboolean inside = px >= layout.plot_x && px < layout.plot_x + layout.plot_w;

          g_assert_cmpint (plot_lanes_layout_hit (&layout, px, 200), ==,
                           inside ? (int)slot->item : -1);
          g_assert_cmpint (plot_lanes_layout_slot_of (&layout, slot->item), ==, (int)i);
          g_assert_cmpfloat_with_epsilon (plot_lanes_layout_units (&layout, px),
                                          slot->x + slot->w / 2, 1e-9);
        }
    }
  g_assert_cmpint (plot_lanes_layout_slot_of (&layout, 4), ==, -1); /* hidden */
  g_assert_cmpint (plot_lanes_layout_hit (&layout, 3, 200), ==, -1);
  g_assert_cmpint (plot_lanes_layout_hit (&layout, 899.9, 200), ==, -1);
  plot_lanes_layout_clear (&layout);
  plot_lanes_model_free (model);
}

/* Lanes share the height by weight, do not overlap, and stay inside at any size. */
static void
test_boxes (void)
{
  PlotLanesModel *model = make_model ();
  PlotLanesLayout layout = { 0 };
  const double widths[] = { 240, 360, 599, 600, 1400 }, heights[] = { 60, 200, 900 };

  for (guint l = 0; l < 4; l++)
    plot_lanes_model_add_lane (model, &(PlotLaneInfo){ .title = "A long title of a lane",
                                                       .height = l == 0 ? 2 : 1 });
  plot_lanes_model_lane (model, 2)->visible = FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (widths); i++)
    for (guint j = 0; j < G_N_ELEMENTS (heights); j++)
      {
        double y = 0;

        compute (&layout, model, widths[i], heights[j], 0, 3);
        for (guint l = 0; l < 4; l++)
          {
            const PlotLaneBox *box = &layout.lanes[l];

            g_assert_cmpfloat (box->y, >=, y);
            g_assert_cmpfloat (box->plot_h, >=, 0);
            g_assert_cmpfloat (box->plot_y + box->plot_h, <=, box->y + box->h + 1e-9);
            y = box->y + box->h;
          }
        g_assert_cmpfloat (layout.lanes[2].h, ==, 0);
        g_assert_cmpint (plot_lanes_layout_lane_at (&layout, layout.lanes[1].plot_y + 1), ==, 1);
        if (heights[j] > 500)
          g_assert_cmpfloat_with_epsilon (layout.lanes[0].plot_h, 2 * layout.lanes[1].plot_h, 2);
        g_assert_cmpfloat (layout.plot_x + layout.plot_w, <=, widths[i]);
      }
  plot_lanes_layout_clear (&layout);
  plot_lanes_model_free (model);
}

static void
test_clamp_view (void)
{
  double a = 5, b = 6;

  plot_lanes_layout_clamp_view (100, &a, &b); /* at least three items */
  g_assert_true (b - a == 3 && (a + b) / 2 == 5.5);
  a = -10, b = 500;
  plot_lanes_layout_clamp_view (100, &a, &b);
  g_assert_true (a == 0 && b == 100);
  a = 98, b = 104;
  plot_lanes_layout_clamp_view (100, &a, &b);
  g_assert_true (a == 94 && b == 100);
  a = 0, b = NAN;
  plot_lanes_layout_clamp_view (0, &a, &b);
  g_assert_true (a == 0 && b == 1);
}

static void
test_values (void)
{
  PlotLanesModel *model = make_model ();
  const double value[6] = { 1, 2, 0.5, 1.5, 1.5, NAN }, wide[6] = { 1.5, 3, 1, 2, 2, 4 };
  const guint8 state[6] = { PLOT_STATE_MEASURED,   PLOT_STATE_ABSENT,   PLOT_STATE_ESTIMATE,
                            PLOT_STATE_ATTRIBUTED, PLOT_STATE_MEASURED, PLOT_STATE_MEASURED };
  PlotLaneSeries *series;
  PlotLane *lane;

  plot_lanes_model_add_lane (model, &(PlotLaneInfo){ .total = PLOT_TOTAL_SUM });
  lane = plot_lanes_model_lane (model, 0);
  plot_lanes_model_add_series (model, 0, &(PlotLaneSeriesInfo){ .name = "s" });
  g_assert_true (plot_lane_is_empty (lane, 6));
  g_assert_true (isnan (plot_lanes_model_total (model, 0, 0)));
  plot_lanes_model_set_values (model, 0, 0, 0, 6, value, NULL, wide, NULL);
  series = plot_lane_get_series (lane, 0);
  g_assert_cmpint (series->state[0], ==, PLOT_STATE_MEASURED);
  g_assert_cmpint (series->state[5], ==, PLOT_STATE_ABSENT);
  g_assert_true (isnan (series->hi[5]));                           /* no interval without a value */
  g_assert_cmpfloat (plot_lanes_model_total (model, 0, 0), ==, 3); /* first level only */

  plot_lanes_model_set_values (model, 0, 0, 0, 6, value, NULL, NULL, state);
  g_assert_true (isnan (series->value[1])); /* absent is never a number */
  g_assert_cmpfloat (plot_lanes_model_total (model, 0, 0), ==, 1);
  plot_lanes_model_clear_values (model, 0, 0);
  g_assert_true (plot_lane_is_empty (lane, 6));
  plot_lanes_model_free (model);
}

static void
test_stack_and_baseline (void)
{
  PlotLanesModel *model = make_model ();
  const double part[6] = { 1, 2, 3, 4, 5, NAN }, more[6] = { 10, NAN, 10, 10, 10, NAN };
  double lo = INFINITY, hi = -INFINITY, positive = INFINITY;
  PlotLaneSeries *baseline;
  PlotLane *lane;

  plot_lanes_model_add_lane (model, &(PlotLaneInfo){ .total = PLOT_TOTAL_MAX });
  lane = plot_lanes_model_lane (model, 0);
  plot_lanes_model_add_series (model, 0, &(PlotLaneSeriesInfo){ .role = PLOT_ROLE_STACK });
  plot_lanes_model_add_series (model, 0, &(PlotLaneSeriesInfo){ .role = PLOT_ROLE_STACK });
  plot_lanes_model_set_values (model, 0, 0, 0, 6, part, NULL, NULL, NULL);
  plot_lanes_model_set_values (model, 0, 1, 0, 6, more, NULL, NULL, NULL);
  g_assert_cmpfloat (plot_lane_stack_value (lane, 0), ==, 11);
  g_assert_cmpfloat (plot_lane_stack_value (lane, 1), ==, 2);
  g_assert_true (isnan (plot_lane_stack_value (lane, 5)));
  g_assert_cmpfloat (plot_lanes_model_total (model, 0, 0), ==, 11);

  plot_lanes_model_pin_baseline (model, "before");
  g_assert_cmpuint (lane->series->len, ==, 3); /* one ghost for the whole stack */
  baseline = plot_lane_find_baseline (lane, 1);
  g_assert_nonnull (baseline);
  g_assert_cmpfloat (baseline->value[0], ==, 11);
  g_assert_cmpint (baseline->state[5], ==, PLOT_STATE_ABSENT);
  plot_lanes_model_pin_baseline (model, "again");
  g_assert_cmpuint (lane->series->len, ==, 3);

  plot_lanes_model_clear_values (model, 0, 1);
  plot_lane_item_extent (lane, 0, TRUE, &lo, &hi, &positive);
  g_assert_true (lo == 1 && hi == 11);
  lo = INFINITY, hi = -INFINITY;
  plot_lane_item_extent (lane, 0, FALSE, &lo, &hi, &positive);
  g_assert_true (lo == 1 && hi == 1);
  plot_lanes_model_free (model);
}

/* Intervals get 1.6 times the bar's height; points, whose interval is the message, all they
 * need. */
static void
test_ceiling (void)
{
  const double bar[1] = { 10 }, low[1] = { 9 }, high[1] = { 400 }, before[1] = { 20 };
  PlotLanesModel *model = plot_lanes_model_new ();
  PlotLane *lane;

  plot_lanes_model_set_items (model, &(PlotItem){ .name = "a", .parent = -1 }, 1);
  plot_lanes_model_add_lane (model, &(PlotLaneInfo){ .title = "bars" });
  plot_lanes_model_add_lane (model, &(PlotLaneInfo){ .title = "points" });
  plot_lanes_model_add_series (model, 0, &(PlotLaneSeriesInfo){ .role = PLOT_ROLE_BAR });
  plot_lanes_model_add_series (model, 0, &(PlotLaneSeriesInfo){ .role = PLOT_ROLE_BASELINE });
  plot_lanes_model_add_series (model, 1, &(PlotLaneSeriesInfo){ .role = PLOT_ROLE_POINT });
  lane = plot_lanes_model_lane (model, 0);
  g_assert_true (isinf (plot_lane_item_ceiling (lane, 0, TRUE))); /* nothing is there */
  plot_lanes_model_set_values (model, 0, 0, 0, 1, bar, low, high, NULL);
  g_assert_cmpfloat (plot_lane_item_ceiling (lane, 0, TRUE), ==, 16);
  plot_lanes_model_set_values (model, 0, 1, 0, 1, before, NULL, NULL, NULL);
  g_assert_cmpfloat (plot_lane_item_ceiling (lane, 0, TRUE), ==, 32);
  g_assert_cmpfloat (plot_lane_item_ceiling (lane, 0, FALSE), ==, 16);
  plot_lanes_model_set_values (model, 1, 0, 0, 1, bar, low, high, NULL);
  g_assert_true (isinf (plot_lane_item_ceiling (plot_lanes_model_lane (model, 1), 0, TRUE)));
  plot_lanes_model_free (model);
}

/* The range grows at once, but shrinks only after it has been too large for a while: no jumping. */
static void
test_hysteresis (void)
{
  PlotLane lane = { .target_max = 1, .y_max = 1 };

  g_assert_false (plot_lane_update_target (&lane, 1, 9, 1, 0, FALSE));
  g_assert_cmpfloat (lane.target_max, ==, 10);
  g_assert_false (plot_lane_update_target (&lane, 1, 7, 1, 1000, FALSE)); /* 8 would do: stay */
  g_assert_cmpfloat (lane.target_max, ==, 10);
  g_assert_true (plot_lane_update_target (&lane, 1, 2, 1, 2000, FALSE)); /* much too large: wait */
  g_assert_cmpfloat (lane.target_max, ==, 10);
  g_assert_false (plot_lane_update_target (&lane, 1, 9, 1, 3000, FALSE)); /* no longer */
  g_assert_true (plot_lane_update_target (&lane, 1, 2, 1, 4000, FALSE));
  g_assert_false (plot_lane_update_target (&lane, 1, 2, 1, 4000 + 800 * 1000, FALSE));
  g_assert_cmpfloat (lane.target_max, ==, 2.5);
  g_assert_false (plot_lane_update_target (&lane, -3, 1, 1, 5000, TRUE));
  g_assert_true (lane.target_min == -4 && lane.target_max == 1.5);
}

static void
test_step_range (void)
{
  PlotLane lane = { .target_max = 10, .y_max = 1 };
  guint n = 0;

  while (plot_lane_step_range (&lane, 0.2))
    {
      g_assert_cmpfloat (lane.y_max, <=, 10);
      g_assert_cmpuint (++n, <, 100);
    }
  g_assert_cmpfloat (lane.y_max, ==, 10);
  g_assert_cmpuint (n, >, 5); /* smooth */
  lane.target_max = 50;
  g_assert_false (plot_lane_step_range (&lane, 1)); /* animations off: at once */
  g_assert_cmpfloat (lane.y_max, ==, 50);
}

static void
test_log_range (void)
{
  PlotLane lane
      = { .flags = PLOT_LANE_LOG, .target_min = 1, .target_max = 10, .y_min = 1, .y_max = 10 };

  plot_lane_update_target (&lane, 0, 3e-3, 4e-6, 0, TRUE);
  g_assert_cmpfloat_with_epsilon (lane.target_min, 1e-6, 1e-15);
  g_assert_cmpfloat_with_epsilon (lane.target_max, 1e-2, 1e-12);
  plot_lane_update_target (&lane, 0, 0, INFINITY, 0, TRUE); /* only zeros */
  g_assert_true (lane.target_min == 1 && lane.target_max == 10);
}

static void
test_reading (void)
{
  PlotLanesModel *model = make_model ();
  const double before[6] = { 2e6, 2e6, 2e6, 2e6, 2e6, 2e6 },
               value[6] = { 1.5e6, NAN, 1e6, 0, 0, 3e6 };
  const double lo[6] = { 1.4e6, NAN, NAN, 0, 0, 2e6 }, hi[6] = { 1.6e6, NAN, NAN, 0, 0, 4e6 };
  const guint8 state[6] = { PLOT_STATE_MEASURED, PLOT_STATE_ABSENT,   PLOT_STATE_ESTIMATE,
                            PLOT_STATE_MEASURED, PLOT_STATE_MEASURED, PLOT_STATE_MEASURED };
  g_autofree char *a = NULL;
  g_autofree char *b = NULL;
  g_autofree char *b1 = NULL;
  g_autofree char *none = NULL;

  plot_lanes_model_add_lane (model, &(PlotLaneInfo){ .title = "Latency",
                                                     .unit = PLOT_UNIT_NS,
                                                     .flags = PLOT_LANE_LOWER_IS_BETTER });
  plot_lanes_model_add_series (model, 0, &(PlotLaneSeriesInfo){ .name = "decode" });
  plot_lanes_model_set_values (model, 0, 0, 0, 6, before, NULL, NULL, NULL);
  plot_lanes_model_pin_baseline (model, "F16");
  plot_lanes_model_set_values (model, 0, 0, 0, 6, value, lo, hi, state);
  a = plot_lanes_model_dup_reading (model, 0);
  b = plot_lanes_model_dup_reading (model, 1);
  b1 = plot_lanes_model_dup_reading (model, 2);
  none = plot_lanes_model_dup_reading (model, 17);
  g_assert_cmpstr (
      a, ==,
      "a. Latency: 1.50\u202fms, 5 to 95 % 1.40\u20131.60\u202fms, \u221225.0\u202f% against "
      "F16, better.");
  g_assert_cmpstr (b, ==, "b. Latency: not measured.");
  g_assert_cmpstr (
      b1, ==, "b, b1. Latency: 1.00\u202fms (estimate), \u221250.0\u202f% against F16, better.");
  g_assert_cmpstr (none, ==, "");
  plot_lanes_model_free (model);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/plots/lanes-layout/slots", test_slots);
  g_test_add_func ("/plots/lanes-layout/items-again", test_items_again);
  g_test_add_func ("/plots/lanes-layout/hit", test_hit);
  g_test_add_func ("/plots/lanes-layout/boxes", test_boxes);
  g_test_add_func ("/plots/lanes-layout/clamp-view", test_clamp_view);
  g_test_add_func ("/plots/lanes-model/values", test_values);
  g_test_add_func ("/plots/lanes-model/stack-and-baseline", test_stack_and_baseline);
  g_test_add_func ("/plots/lanes-model/ceiling", test_ceiling);
  g_test_add_func ("/plots/lanes-model/hysteresis", test_hysteresis);
  g_test_add_func ("/plots/lanes-model/step-range", test_step_range);
  g_test_add_func ("/plots/lanes-model/log-range", test_log_range);
  g_test_add_func ("/plots/lanes-model/reading", test_reading);
  return g_test_run ();
}
