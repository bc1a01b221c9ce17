/* Trail: an arrow from where each point was to where it is. A point lies at (x, y) and was at the
 * lower ends of its intervals, (x lo, lo); one that has not moved, or was nowhere, has none. Drawn
 * below the points, which another layer draws. */

#include <math.h>
#include "plot-layer-private.h"
#include "plot-marks-private.h"

#define LEAST_PX 14.0 /* shorter ones would be hidden by the points at their ends */
#define AWAY_PX 6.0   /* of the tip from the middle of its point */
#define HEAD_PX 6.0

static void
draw_arrow (cairo_t *cr, double x0, double y0, double x1, double y1)
{
  double angle = atan2 (y1 - y0, x1 - x0);
  double tip_x = x1 - AWAY_PX * cos (angle), tip_y = y1 - AWAY_PX * sin (angle);

  cairo_move_to (cr, x0, y0);
  cairo_line_to (cr, tip_x, tip_y);
  for (int side = -1; side <= 1; side += 2)
    {
      cairo_move_to (cr, tip_x, tip_y);
      cairo_line_to (cr, tip_x - HEAD_PX * cos (angle + side * 0.45),
                     tip_y - HEAD_PX * sin (angle + side * 0.45));
    }
}

static void
draw_trails (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame)
{
  PlotSeries *series = plot_layer_get_series (layer);

  for (gsize i = 0; i < plot_series_get_n (series); i++)
    {
      double x0 = plot_frame_x (frame, plot_series_get (series, PLOT_COLUMN_X_LO, i));
      double y0 = plot_frame_y (frame, plot_series_get (series, PLOT_COLUMN_LO, i));
      double x1 = plot_frame_x (frame, plot_series_get_x (series, i));
      double y1 = plot_frame_y (frame, plot_series_get (series, PLOT_COLUMN_Y, i));

      if (hypot (x1 - x0, y1 - y0) >= LEAST_PX) /* false for NaN */
        draw_arrow (cr, x0, y0, x1, y1);
    }
  plot_set_color (cr, plot_layer_rgba (layer, frame->style), 0.55);
  cairo_set_line_width (cr, 1.2);
  cairo_set_line_cap (cr, CAIRO_LINE_CAP_ROUND);
  cairo_stroke (cr);
}

static gboolean
trail_pick (PlotLayer *layer, const PlotFrame *frame, double px, double py, gsize *index,
            double *distance_px)
{
  return FALSE;
}

static void
trail_swatch (PlotLayer *layer, cairo_t *cr, const PlotStyle *style)
{
  draw_arrow (cr, 1, 6, 17 + AWAY_PX, 6);
  plot_set_color (cr, plot_layer_rgba (layer, style), 0.8);
  cairo_set_line_width (cr, 1.2);
  cairo_stroke (cr);
}

const PlotLayerKind plot_layer_trail
    = { .id = "trail", .draw = draw_trails, .pick = trail_pick, .swatch = trail_swatch };
