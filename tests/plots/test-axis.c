/* Axes: bounds, view, zoom and pan, scales. */

#include <glib.h>
#include <math.h>
#include "plot-axis.h"

#define assert_near(a, b) g_assert_cmpfloat_with_epsilon (a, b, 1e-9 * (1 + fabs ((double)(b))))

static void
test_bounds (void)
{
  g_autoptr (PlotAxis) axis = plot_axis_new ("t", &PLOT_UNIT_SECONDS);
  int one, two;
  double min, max;

  plot_axis_get_bounds (axis, &min, &max); /* no data: something that can be drawn */
  g_assert_cmpfloat (min, <, max);

  plot_axis_set_data_extent (axis, &one, 10, 20, 10);
  plot_axis_get_bounds (axis, &min, &max);
  g_assert_true (min < 10 && min > 9 && max > 20 && max < 21);

  plot_axis_set_data_extent (axis, &two, -5, 12, 3); /* another chart on the same axis */
  plot_axis_get_bounds (axis, &min, &max);
  g_assert_true (min < -5 && max > 20);
  plot_axis_set_data_extent (axis, &two, 1, 0, 0); /* taken back */
  plot_axis_get_bounds (axis, &min, &max);
  g_assert_true (min > 9);

  plot_axis_set_include_zero (axis, TRUE);
  plot_axis_get_bounds (axis, &min, &max);
  g_assert_cmpfloat (min, ==, 0);

  plot_axis_set_bounds (axis, NAN, 15);
  plot_axis_get_bounds (axis, &min, &max);
  g_assert_true (min == 0 && max == 15);

  plot_axis_set_data_extent (axis, &one, 7, 7, 7); /* one value only */
  plot_axis_set_bounds (axis, NAN, NAN);
  plot_axis_set_include_zero (axis, FALSE);
  plot_axis_get_bounds (axis, &min, &max);
  g_assert_true (min < 7 && max > 7);
}

static void
test_log (void)
{
  g_autoptr (PlotAxis) axis = plot_axis_new ("t", NULL);
  PlotScale scale;
  double min, max;

  plot_axis_set_data_extent (axis, axis, -3, 1000, 0.1);
  plot_axis_set_kind (axis, PLOT_AXIS_LOG);
  plot_axis_get_bounds (axis, &min, &max);
  g_assert_true (min > 0 && min < 0.1 && max > 1000);
  plot_axis_set_view (axis, 1, 100);
  assert_near (plot_axis_normalise (axis, 10), 0.5);
  assert_near (plot_axis_denormalise (axis, 0.5), 10);
  g_assert_true (isnan (plot_axis_normalise (axis, 0)));
  g_assert_true (isnan (plot_axis_normalise (axis, -1)));
  plot_axis_get_scale (axis, 200, 0, &scale); /* y grows upwards */
  assert_near (plot_scale_to_px (&scale, 1), 200);
  assert_near (plot_scale_to_px (&scale, 100), 0);
  assert_near (plot_scale_from_px (&scale, 100), 10);
}

/* Whatever is zoomed, the value under the pointer stays where it is. */
static void
test_zoom (void)
{
  for (guint k = 0; k < 2000; k++)
    {
      g_autoptr (PlotAxis) axis = plot_axis_new ("", NULL);
      double frac = g_test_rand_double_range (0.2, 0.8);
      double factor = g_test_rand_double_range (1.01, 4), before, after;

      plot_axis_set_kind (axis, k % 2 ? PLOT_AXIS_LOG : PLOT_AXIS_LINEAR);
      plot_axis_set_data_extent (axis, axis, 1, 1e4, 1);
      plot_axis_zoom (axis, 2, 0.5);
      before = plot_axis_denormalise (axis, frac);
      plot_axis_zoom (axis, factor, frac);
      after = plot_axis_denormalise (axis, frac);
      g_assert_cmpfloat_with_epsilon (before, after, 1e-6 * before);
      g_assert_false (plot_axis_get_following (axis));
    }
}

static void
test_view_limits (void)
{
  g_autoptr (PlotAxis) axis = plot_axis_new ("", NULL);
  double min, max, lo, hi;

  plot_axis_set_data_extent (axis, axis, 0, 100, 1);
  plot_axis_get_bounds (axis, &lo, &hi);
  plot_axis_set_view (axis, -1e9, 1e9); /* never more than twice the data */
  plot_axis_get_view (axis, &min, &max);
  g_assert_cmpfloat (max - min, <=, 2.0001 * (hi - lo));
  for (guint i = 0; i < 100; i++)
    plot_axis_pan (axis, 0.5); /* never out of sight */
  plot_axis_get_view (axis, &min, &max);
  g_assert_cmpfloat ((min + max) / 2, <=, hi + 1e-9);
  for (guint i = 0; i < 500; i++)
    plot_axis_zoom (axis, 2, 0.3); /* never so near that numbers run out */
  plot_axis_get_view (axis, &min, &max);
  g_assert_cmpfloat (min, <, max);

  plot_axis_reset_view (axis);
  g_assert_true (plot_axis_get_following (axis));
  plot_axis_get_view (axis, &min, &max);
  g_assert_true (min == lo && max == hi);
}

static void
count_up (PlotAxis *axis, guint *count)
{
  (*count)++;
}

static void
test_changed (void)
{
  g_autoptr (PlotAxis) axis = plot_axis_new ("a", NULL);
  guint count = 0;

  g_signal_connect (axis, "changed", G_CALLBACK (count_up), &count);
  plot_axis_set_title (axis, "a");
  plot_axis_set_kind (axis, PLOT_AXIS_LINEAR);
  plot_axis_set_include_zero (axis, FALSE);
  plot_axis_set_bounds (axis, NAN, NAN);
  plot_axis_reset_view (axis);
  g_assert_cmpuint (count, ==, 0); /* nothing was different */
  plot_axis_set_title (axis, "b");
  plot_axis_set_bounds (axis, 0, 1);
  plot_axis_set_view (axis, 0.2, 0.4);
  g_assert_cmpuint (count, ==, 3);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/plots/axis/bounds", test_bounds);
  g_test_add_func ("/plots/axis/log", test_log);
  g_test_add_func ("/plots/axis/zoom", test_zoom);
  g_test_add_func ("/plots/axis/view-limits", test_view_limits);
  g_test_add_func ("/plots/axis/changed", test_changed);
  return g_test_run ();
}
