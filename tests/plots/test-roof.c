/* Roofs without a picture: where they end, what the axes must hold, where names find room. */

#include <math.h>
#include "plot-roof-private.h"

#define assert_near(a, b) g_assert_cmpfloat_with_epsilon (a, b, 1e-9 * fabs ((double)(b)))

static PlotLayer *
make_roofs (void)
{
  PlotLayer *layer = plot_roof_layer_new ();

  plot_roof_layer_add_slope (layer, "L2", 100);
  plot_roof_layer_add_slope (layer, "DRAM", 20);
  plot_roof_layer_add_level (layer, "f32", 200);
  plot_roof_layer_add_level (layer, "int8", 800);
  return layer;
}

static void
test_spans (void)
{
  g_autoptr (PlotLayer) layer = make_roofs ();
  double x0, x1;

  g_assert_cmpuint (plot_roof_layer_get_n (layer), ==, 4);
  g_assert_cmpstr (plot_roof_layer_get_label (layer, 1), ==, "DRAM");
  plot_roof_layer_get_span (layer, 0, &x0, &x1); /* 800 / 100 */
  g_assert_cmpfloat (x0, ==, 0);
  assert_near (x1, 8);
  plot_roof_layer_get_span (layer, 1, &x0, &x1); /* 800 / 20 */
  assert_near (x1, 40);
  plot_roof_layer_get_span (layer, 2, &x0, &x1); /* 200 / 100 */
  assert_near (x0, 2);
  g_assert_true (isinf (x1));
  plot_roof_layer_get_span (layer, 3, &x0, &x1);
  assert_near (x0, 8);
  plot_roof_layer_clear (layer);
  g_assert_cmpuint (plot_roof_layer_get_n (layer), ==, 0);
  plot_roof_layer_add_slope (layer, "DRAM", 20); /* nothing to end at */
  plot_roof_layer_get_span (layer, 0, &x0, &x1);
  g_assert_true (isinf (x1));
}

static void
test_extent (void)
{
  g_autoptr (PlotLayer) layer = make_roofs ();
  PlotExtent x = { INFINITY, -INFINITY, INFINITY }, y = x;

  plot_layer_roof.extent (layer, &x, &y);
  assert_near (y.min, 200);
  assert_near (y.max, 800);
  assert_near (x.min, 40); /* the last ridge */
  g_assert_cmpfloat (x.max, >, 40);
  plot_roof_layer_clear (layer);
  x = y = (PlotExtent){ INFINITY, -INFINITY, INFINITY };
  plot_layer_roof.extent (layer, &x, &y);
  g_assert_cmpfloat (x.min, >, x.max); /* needs nothing */
}

static void
on_changed (PlotLayer *layer, guint *count)
{
  (*count)++;
}

static void
test_changed (void)
{
  g_autoptr (PlotLayer) layer = plot_roof_layer_new ();
  guint64 before = plot_layer_get_generation (layer);
  guint count = 0;

  g_signal_connect (layer, "changed", G_CALLBACK (on_changed), &count);
  plot_roof_layer_add_slope (layer, "DRAM", 20);
  g_assert_cmpuint (count, ==, 1);
  g_assert_cmpuint (plot_layer_get_generation (layer), >, before);
}

/* Names are 80 x 12. */
static void
test_names (void)
{
  PlotRoofLine lines[] = { { 200, 10, 0, INFINITY, INFINITY },
                           { 200, 40, 0, INFINITY, INFINITY },
                           { 200, 50, 0, INFINITY, INFINITY },
                           { 200, 60, 0, INFINITY, INFINITY },
                           { 90, 200, 0, INFINITY, INFINITY } };
  PlotRoofName name;

  g_assert_true (plot_roof_place_name (lines, 5, 0, 80, 12, &name));
  g_assert_false (name.is_below);
  g_assert_true (plot_roof_place_name (lines, 5, 1, 80, 12, &name)); /* 30 above it are free */
  g_assert_false (name.is_below);
  g_assert_false (plot_roof_place_name (lines, 5, 2, 80, 12, &name)); /* between two at 10 */
  g_assert_true (plot_roof_place_name (lines, 5, 3, 80, 12, &name));
  g_assert_true (name.is_below);
  g_assert_false (plot_roof_place_name (lines, 5, 4, 80, 12, &name)); /* longer than its line */
  lines[0].room_above_px = 5;                                         /* the edge of the plot */
  g_assert_true (plot_roof_place_name (lines, 5, 0, 80, 12, &name));
  g_assert_true (name.is_below);
  lines[0].name_below_px = 20; /* and there it stays: 10 are left above the next */
  lines[2].offset_px = 80;
  lines[3].offset_px = 90;
  g_assert_true (plot_roof_place_name (lines, 5, 1, 80, 12, &name));
  g_assert_true (name.is_below);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/plots/roof/spans", test_spans);
  g_test_add_func ("/plots/roof/extent", test_extent);
  g_test_add_func ("/plots/roof/changed", test_changed);
  g_test_add_func ("/plots/roof/names", test_names);
  return g_test_run ();
}
