/* Bars, fields and sheets: where ink is and where none is, by the frame's own arithmetic; no
 * widgets and no display. */
#include "plots.h"

#include <math.h>

#define W 200
#define H 100

/* x from 0 to 2 over the width, y from 0 to 1 upwards; nothing around the plot area. */
static void
make_frame (PlotFrame *frame, PlotStyle *style)
{
  plot_style_init (style, FALSE);
  style->marks_only = TRUE;
  *frame = (PlotFrame){ .x = { PLOT_AXIS_LINEAR, 0, 2, 0, W },
                        .y = { PLOT_AXIS_LINEAR, 0, 1, H, 0 },
                        .width_px = W,
                        .height_px = H,
                        .device_scale = 1,
                        .style = style };
}

static cairo_surface_t *
draw (PlotLayer *layer)
{
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, W, H);
  cairo_t *cr = cairo_create (surface);
  PlotStyle style;
  PlotFrame frame;

  make_frame (&frame, &style);
  plot_layer_set_color (layer, 0);
  plot_layer_get_kind (layer)->draw (layer, cr, &frame);
  cairo_destroy (cr);
  cairo_surface_flush (surface);
  return surface;
}

static guint
alpha_at (cairo_surface_t *surface, int x, int y)
{
  const guint8 *data = cairo_image_surface_get_data (surface);

  return *(const guint32 *)(data + y * cairo_image_surface_get_stride (surface) + 4 * x) >> 24;
}

/* A bar of 0.5 over x = 1: two thirds of a unit (100 px), at most 48 px wide, from the middle down
 * to the bottom; its whisker goes on to 0.8. */
static void
test_bars (void)
{
  g_autoptr (PlotSeries) series = plot_series_new ("bars");
  g_autoptr (PlotLayer) layer = plot_layer_new (&plot_layer_bars, series);
  cairo_surface_t *surface;

  plot_series_append_interval (series, 1, 0.5, 0.4, 0.8);
  surface = draw (layer);
  g_assert_cmpuint (alpha_at (surface, 110, 75), >, 150);
  g_assert_cmpuint (alpha_at (surface, 110, 45), ==, 0); /* above the bar, beside the whisker */
  g_assert_cmpuint (alpha_at (surface, 140, 75), ==, 0); /* beside the bar */
  g_assert_cmpuint (alpha_at (surface, 100, 30), >, 50); /* the whisker */
  g_assert_cmpuint (alpha_at (surface, 100, 15), ==, 0); /* above it */
  cairo_surface_destroy (surface);
}

static void
test_bars_extent (void)
{
  g_autoptr (PlotSeries) series = plot_series_new ("bars");
  g_autoptr (PlotLayer) layer = plot_layer_new (&plot_layer_bars, series);
  PlotExtent x = { INFINITY, -INFINITY, INFINITY }, y = x;

  plot_series_append_interval (series, 1, 0.5, 0.4, 0.8);
  plot_series_append_interval (series, 3, 0.2, NAN, NAN);
  plot_layer_bars.extent (layer, &x, &y);
  g_assert_cmpfloat (x.min, ==, 0.5);
  g_assert_cmpfloat (x.max, ==, 3.5);
  g_assert_cmpfloat (y.min, ==, 0);
  g_assert_cmpfloat (y.max, ==, 0.8);
}

/* Unknown left of 0.5, else the value is x: the level 1 is crossed in the middle. */
static double
slope (double x, double y, gpointer data)
{
  return x < 0.5 ? NAN : x;
}

static void
test_field (void)
{
  guint *freed = g_new0 (guint, 1);
  PlotLayer *layer = plot_field_layer_new ("field", 1.0, slope, freed, g_free);
  cairo_surface_t *surface = draw (layer);
  guint most = 0, hatched = 0;

  for (int y = 10; y < 90; y++)
    {
      g_assert_cmpuint (alpha_at (surface, 20, y), ==, 0);  /* unknown: nothing */
      g_assert_cmpuint (alpha_at (surface, 130, y), >, 20); /* above: tinted everywhere */
      most = MAX (most, alpha_at (surface, 75, y));
      hatched += alpha_at (surface, 75, y) > 60;
    }
  g_assert_cmpuint (most, >, 20); /* below: strokes with gaps between them */
  g_assert_cmpuint (hatched, <, 60);
  g_assert_cmpuint (MAX (alpha_at (surface, 99, 50), alpha_at (surface, 100, 50)), >,
                    200); /* the contour */
  g_assert_cmpuint (alpha_at (surface, 190, 50), >,
                    alpha_at (surface, 130, 50)); /* higher is stronger */
  cairo_surface_destroy (surface);
  g_object_unref (layer);
}

/* Two figures side by side over one of the double height; the table is the one that was given. */
static void
test_sheet (void)
{
  g_autoptr (PlotSheet) sheet = plot_sheet_new ("");
  g_autoptr (PlotTable) table = plot_table_new ("rounds");
  g_autoptr (PlotSeries) series = plot_series_new ("bars");
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, 400, 316);
  cairo_t *cr = cairo_create (surface);
  PlotStyle style;

  plot_series_append (series, 1, 1);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (PlotAxis) x = plot_axis_new ("", &PLOT_UNIT_PLAIN);
      g_autoptr (PlotAxis) y = plot_axis_new ("", &PLOT_UNIT_PLAIN);
      g_autoptr (PlotChartPage) page = plot_chart_page_new ("", x, y);
      g_autoptr (PlotLayer) layer = plot_layer_new (&plot_layer_bars, series);

      plot_chart_page_add_layer (page, layer);
      plot_sheet_add (sheet, i / 2, i == 2 ? 2 : 1, PLOT_FIGURE (page));
    }
  plot_sheet_set_table (sheet, table);
  plot_style_init (&style, FALSE);
  style.marks_only = TRUE;
  style.background.alpha = 0;
  plot_figure_draw (PLOT_FIGURE (sheet), cr, 400, 316, &style);
  cairo_destroy (cr);
  cairo_surface_flush (surface);
  /* Rows of 100 and 200 px with 16 between: nothing is drawn there. */
  for (int x = 0; x < 400; x++)
    g_assert_cmpuint (alpha_at (surface, x, 108), ==, 0);
  g_autoptr (PlotTable) made = plot_figure_make_table (PLOT_FIGURE (sheet));
  g_assert_true (made == table);
  cairo_surface_destroy (surface);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/plots/bars/ink", test_bars);
  g_test_add_func ("/plots/bars/extent", test_bars_extent);
  g_test_add_func ("/plots/field/ink", test_field);
  g_test_add_func ("/plots/sheet/rows", test_sheet);
  return g_test_run ();
}
