/* Bars: from zero to y, one unit of x apart, with whiskers from lo to hi. For counts and shares by
 * a whole number. */

#include <math.h>
#include "plot-layer-private.h"
#include "plot-marks-private.h"

#define WIDTH 0.66 /* of a unit of x */
#define MAX_WIDTH_PX 48.0
#define CAP_PX 4.0

static double
bar_width (const PlotFrame *frame)
{
  double unit = fabs (plot_scale_to_px (&frame->x, frame->x.min + 1)
                      - plot_scale_to_px (&frame->x, frame->x.min));

  return CLAMP (WIDTH * unit, 2.0, MAX_WIDTH_PX);
}

static void
draw_bar (PlotSeries *series, gsize i, cairo_t *cr, const PlotFrame *frame, const GdkRGBA *color)
{
  double value = plot_series_get (series, PLOT_COLUMN_Y, i);
  double x = plot_frame_x (frame, plot_series_get_x (series, i)), w = bar_width (frame);
  double y = plot_snap (plot_frame_y (frame, value), frame->device_scale);
  double zero = plot_snap (plot_frame_y (frame, 0), frame->device_scale);
  double left = plot_snap (x - w / 2, frame->device_scale);

  if (isnan (value))
    return;
  cairo_rectangle (cr, left, fmin (y, zero), w, fabs (zero - y));
  if (plot_series_get_estimate (series, i))
    {
      plot_set_color (cr, color, 1);
      cairo_set_line_width (cr, 1.5);
      cairo_stroke (cr);
    }
  else
    {
      plot_set_color (cr, color, 0.85);
      cairo_fill (cr);
    }
}

static void
draw_whisker (PlotSeries *series, gsize i, cairo_t *cr, const PlotFrame *frame)
{
  double x = plot_frame_x (frame, plot_series_get_x (series, i));
  double lo = plot_series_get (series, PLOT_COLUMN_LO, i);
  double hi = plot_series_get (series, PLOT_COLUMN_HI, i);

  if (isnan (lo) || isnan (hi) || isnan (plot_series_get (series, PLOT_COLUMN_Y, i)))
    return;
  lo = plot_frame_y (frame, lo);
  hi = plot_frame_y (frame, hi);
  cairo_move_to (cr, x, lo);
  cairo_line_to (cr, x, hi);
  cairo_move_to (cr, x - CAP_PX, lo);
  cairo_line_to (cr, x + CAP_PX, lo);
  cairo_move_to (cr, x - CAP_PX, hi);
  cairo_line_to (cr, x + CAP_PX, hi);
}

static void
draw_bars (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame)
{
  PlotSeries *series = plot_layer_get_series (layer);
  gsize first, last;

  plot_layer_visible_range (series, frame, &first, &last);
  for (gsize i = first; i < last; i++)
    draw_bar (series, i, cr, frame, plot_layer_rgba (layer, frame->style));
  for (gsize i = first; i < last; i++)
    draw_whisker (series, i, cr, frame);
  plot_set_color (cr, &frame->style->text, 0.8);
  cairo_set_line_width (cr, 1.2);
  cairo_stroke (cr);
}

/* Half a bar to either side, and zero. */
static void
bars_extent (PlotLayer *layer, PlotExtent *x, PlotExtent *y)
{
  plot_layer_default_extent (layer, x, y);
  if (x->min > x->max)
    return;
  x->min -= 0.5;
  x->max += 0.5;
  y->min = fmin (y->min, 0);
}

static gboolean
bars_pick (PlotLayer *layer, const PlotFrame *frame, double px, double py, gsize *index,
           double *distance_px)
{
  PlotSeries *series = plot_layer_get_series (layer);
  double half = bar_width (frame) / 2 + 2;

  for (gsize i = 0; i < plot_series_get_n (series); i++)
    if (fabs (plot_frame_x (frame, plot_series_get_x (series, i)) - px) <= half)
      {
        *index = i;
        *distance_px = 0;
        return TRUE;
      }
  return FALSE;
}

static void
bars_swatch (PlotLayer *layer, cairo_t *cr, const PlotStyle *style)
{
  plot_set_color (cr, plot_layer_rgba (layer, style), 0.85);
  cairo_rectangle (cr, 3, 4, 5, 8);
  cairo_rectangle (cr, 10, 1, 5, 11);
  cairo_fill (cr);
}

const PlotLayerKind plot_layer_bars = {
  .id = "bars", .draw = draw_bars, .extent = bars_extent, .pick = bars_pick, .swatch = bars_swatch
};
