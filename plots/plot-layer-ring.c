/* Ring: a double circle around each point of a series, to light up what lies there. */

#include <math.h>
#include "plot-layer-private.h"
#include "plot-marks-private.h"

static void
draw_ring (cairo_t *cr, const GdkRGBA *color, double x, double y, double radius)
{
  cairo_set_line_width (cr, 2);
  cairo_new_sub_path (cr);
  cairo_arc (cr, x, y, radius, 0, 2 * G_PI);
  plot_set_color (cr, color, 1);
  cairo_stroke (cr);
  cairo_set_line_width (cr, 1);
  cairo_new_sub_path (cr);
  cairo_arc (cr, x, y, radius + 3.5, 0, 2 * G_PI);
  plot_set_color (cr, color, 0.55);
  cairo_stroke (cr);
}

static void
draw_rings (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame)
{
  PlotSeries *series = plot_layer_get_series (layer);

  cairo_set_dash (cr, NULL, 0, 0);
  for (gsize i = 0; i < plot_series_get_n (series); i++)
    {
      double x = plot_frame_x (frame, plot_series_get_x (series, i));
      double y = plot_frame_y (frame, plot_series_get (series, PLOT_COLUMN_Y, i));

      if (!isnan (x) && !isnan (y))
        draw_ring (cr, plot_layer_rgba (layer, frame->style), x, y, 10);
    }
}

static void
ring_swatch (PlotLayer *layer, cairo_t *cr, const PlotStyle *style)
{
  cairo_set_dash (cr, NULL, 0, 0);
  draw_ring (cr, plot_layer_rgba (layer, style), 9, 6, 3);
}

const PlotLayerKind plot_layer_ring = { .id = "ring",
                                        .draw = draw_rings,
                                        .pick = plot_layer_pick_nothing,
                                        .swatch = ring_swatch,
                                        .derived = TRUE };
