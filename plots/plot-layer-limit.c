/* Limit: what lies beyond a level y (or beyond x, where y is NaN) is hatched, with an edge. Two
 * kinds: above and below are what is not allowed. */

#include <math.h>
#include "plot-layer-private.h"
#include "plot-marks-private.h"

/* The forbidden part of the picture for one limit. */
static void
limit_box (PlotSeries *series, gsize i, gboolean above, const PlotFrame *frame, double *x,
           double *y, double *w, double *h)
{
  double value = plot_series_get (series, PLOT_COLUMN_Y, i);
  double left = frame->x_px, right = left + frame->width_px;
  double top = frame->y_px, bottom = top + frame->height_px;

  if (isnan (value))
    {
      double at
          = plot_snap (plot_frame_x (frame, plot_series_get_x (series, i)), frame->device_scale);
      at = CLAMP (at, left, right);
      *x = above ? at : left;
      *w = above ? right - at : at - left;
      *y = top;
      *h = bottom - top;
    }
  else
    {
      double at = plot_snap (plot_frame_y (frame, value), frame->device_scale);
      at = CLAMP (at, top, bottom);
      *x = left;
      *w = right - left;
      *y = above ? top : at;
      *h = above ? at - top : bottom - at;
    }
}

static void
draw_edge (PlotSeries *series, gsize i, cairo_t *cr, const PlotFrame *frame)
{
  double value = plot_series_get (series, PLOT_COLUMN_Y, i), half = 0.5 / frame->device_scale;

  if (isnan (value))
    {
      double x
          = plot_snap (plot_frame_x (frame, plot_series_get_x (series, i)), frame->device_scale);
      cairo_move_to (cr, x + half, frame->y_px);
      cairo_line_to (cr, x + half, frame->y_px + frame->height_px);
    }
  else
    {
      double y = plot_snap (plot_frame_y (frame, value), frame->device_scale);
      cairo_move_to (cr, frame->x_px, y + half);
      cairo_line_to (cr, frame->x_px + frame->width_px, y + half);
    }
  cairo_stroke (cr);
}

static void
draw_limits (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame, gboolean above)
{
  PlotSeries *series = plot_layer_get_series (layer);
  const GdkRGBA *color = plot_layer_rgba (layer, frame->style);
  GdkRGBA faint = *color;

  faint.alpha *= 0.4f;
  for (gsize i = 0; i < plot_series_get_n (series); i++)
    {
      double x, y, w, h;

      limit_box (series, i, above, frame, &x, &y, &w, &h);
      if (w > 0 && h > 0)
        {
          cairo_rectangle (cr, x, y, w, h);
          plot_fill_pattern (cr, PLOT_PATTERN_HATCH, &faint, frame->device_scale, x, y, w, h);
        }
      plot_set_color (cr, color, 1);
      cairo_set_line_width (cr, 1.5);
      cairo_set_dash (cr, NULL, 0, 0);
      draw_edge (series, i, cr, frame);
    }
}

static void
draw_above (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame)
{
  draw_limits (layer, cr, frame, TRUE);
}

static void
draw_below (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame)
{
  draw_limits (layer, cr, frame, FALSE);
}

/* A limit far away must not squeeze the points: who wants it in the picture stretches the axis. */
static void
limit_extent (PlotLayer *layer, PlotExtent *x, PlotExtent *y)
{
}

static void
limit_swatch (PlotLayer *layer, cairo_t *cr, const PlotStyle *style)
{
  const GdkRGBA *color = plot_layer_rgba (layer, style);
  GdkRGBA faint = *color;

  faint.alpha *= 0.4f;
  cairo_rectangle (cr, 2, 1, 14, 10);
  plot_fill_pattern (cr, PLOT_PATTERN_HATCH, &faint, 1, 2, 1, 14, 10);
  plot_set_color (cr, color, 1);
  cairo_rectangle (cr, 2, 10, 14, 1.5);
  cairo_fill (cr);
}

const PlotLayerKind plot_layer_limit_above = { .id = "limit-above",
                                               .draw = draw_above,
                                               .extent = limit_extent,
                                               .pick = plot_layer_pick_nothing,
                                               .swatch = limit_swatch,
                                               .derived = TRUE };

const PlotLayerKind plot_layer_limit_below = { .id = "limit-below",
                                               .draw = draw_below,
                                               .extent = limit_extent,
                                               .pick = plot_layer_pick_nothing,
                                               .swatch = limit_swatch,
                                               .derived = TRUE };
