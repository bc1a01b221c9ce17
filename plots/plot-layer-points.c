/* Points: a shape at each sample with error bars in both directions. Filled is measured, hollow an
 * estimate. A cloud of very many points is drawn as the set of small cells it touches, so its cost
 * is bounded by the picture. */

#include <math.h>
#include <string.h>
#include "plot-layer-private.h"
#include "plot-marks-private.h"

#define RADIUS 4.0
#define MANY 5000
#define CELL_PX 2.0

static void
add_line (cairo_t *cr, double x0, double y0, double x1, double y1)
{
  cairo_move_to (cr, x0, y0);
  cairo_line_to (cr, x1, y1);
}

static void
add_error_bars (PlotSeries *series, cairo_t *cr, const PlotFrame *frame, gsize i)
{
  const double cap = 3;
  double x = plot_frame_x (frame, plot_series_get_x (series, i));
  double y = plot_frame_y (frame, plot_series_get (series, PLOT_COLUMN_Y, i));
  double lo = plot_frame_y (frame, plot_series_get (series, PLOT_COLUMN_LO, i));
  double hi = plot_frame_y (frame, plot_series_get (series, PLOT_COLUMN_HI, i));
  double left = plot_frame_x (frame, plot_series_get (series, PLOT_COLUMN_X_LO, i));
  double right = plot_frame_x (frame, plot_series_get (series, PLOT_COLUMN_X_HI, i));

  if (!isnan (lo) && !isnan (hi))
    {
      add_line (cr, x, lo, x, hi);
      add_line (cr, x - cap, lo, x + cap, lo);
      add_line (cr, x - cap, hi, x + cap, hi);
    }
  if (!isnan (left) && !isnan (right))
    {
      add_line (cr, left, y, right, y);
      add_line (cr, left, y - cap, left, y + cap);
      add_line (cr, right, y - cap, right, y + cap);
    }
}

static void
draw_few (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame, gsize first, gsize last)
{
  PlotSeries *series = plot_layer_get_series (layer);
  const GdkRGBA *color = plot_layer_rgba (layer, frame->style);

  for (gsize i = first; i < last; i++)
    add_error_bars (series, cr, frame, i);
  plot_set_color (cr, color, 0.6);
  cairo_set_line_width (cr, 1);
  cairo_stroke (cr);

  for (int hollow = 0; hollow < 2; hollow++)
    {
      for (gsize i = first; i < last; i++)
        {
          double x = plot_frame_x (frame, plot_series_get_x (series, i));
          double y = plot_frame_y (frame, plot_series_get (series, PLOT_COLUMN_Y, i));

          if (isnan (x) || isnan (y) || plot_series_get_estimate (series, i) != hollow)
            continue;
          plot_shape_path (cr, plot_layer_get_shape (layer), x, y, hollow ? RADIUS - 0.5 : RADIUS);
        }
      plot_set_color (cr, color, 1);
      cairo_set_line_width (cr, 1.5);
      if (hollow)
        cairo_stroke (cr);
      else
        cairo_fill (cr);
    }
}

static void
draw_many (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame, gsize first, gsize last)
{
  PlotSeries *series = plot_layer_get_series (layer);
  gsize n_x = (gsize)ceil (frame->width_px / CELL_PX) + 1;
  gsize n_y = (gsize)ceil (frame->height_px / CELL_PX) + 1;
  g_autofree guint8 *taken = g_new0 (guint8, n_x * n_y);

  for (gsize i = first; i < last; i++)
    {
      double x = plot_scale_to_px (&frame->x, plot_series_get_x (series, i)) - frame->x_px;
      double y
          = plot_scale_to_px (&frame->y, plot_series_get (series, PLOT_COLUMN_Y, i)) - frame->y_px;
      gsize cell;

      if (!(x >= 0 && x <= frame->width_px && y >= 0 && y <= frame->height_px))
        continue;
      cell = (gsize)(y / CELL_PX) * n_x + (gsize)(x / CELL_PX);
      if (taken[cell])
        continue;
      taken[cell] = 1;
      cairo_rectangle (cr, frame->x_px + floor (x / CELL_PX) * CELL_PX,
                       frame->y_px + floor (y / CELL_PX) * CELL_PX, CELL_PX, CELL_PX);
    }
  plot_set_color (cr, plot_layer_rgba (layer, frame->style), 0.8);
  cairo_fill (cr);
}

static void
draw_points (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame)
{
  PlotSeries *series = plot_layer_get_series (layer);
  gsize first, last;

  plot_layer_visible_range (series, frame, &first, &last);
  if (first >= last)
    return;
  if (last - first > MANY)
    draw_many (layer, cr, frame, first, last);
  else
    draw_few (layer, cr, frame, first, last);
}

static void
points_swatch (PlotLayer *layer, cairo_t *cr, const PlotStyle *style)
{
  PlotSeries *series = plot_layer_get_series (layer);

  plot_shape_path (cr, plot_layer_get_shape (layer), 9, 6, RADIUS);
  plot_set_color (cr, plot_layer_rgba (layer, style), 1);
  if (plot_series_get_n (series) > 0 && plot_series_get_estimate (series, 0))
    {
      cairo_set_line_width (cr, 1.5);
      cairo_stroke (cr);
    }
  else
    cairo_fill (cr);
}

const PlotLayerKind plot_layer_points = {
  .id = "points", .draw = draw_points, .pick = plot_layer_pick_point, .swatch = points_swatch
};
