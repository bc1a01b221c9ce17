/* Rule: level lines at y (limits, roofs), or upright ones at x where y is NaN. */

#include <math.h>
#include "plot-layer-private.h"
#include "plot-marks-private.h"

static void
draw_rules (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame)
{
  PlotSeries *series = plot_layer_get_series (layer);
  double half = 0.5 / frame->device_scale;

  for (gsize i = 0; i < plot_series_get_n (series); i++)
    {
      double y = plot_series_get (series, PLOT_COLUMN_Y, i);

      if (isnan (y))
        {
          double x = plot_snap (plot_frame_x (frame, plot_series_get_x (series, i)),
                                frame->device_scale);

          cairo_move_to (cr, x + half, frame->y_px);
          cairo_line_to (cr, x + half, frame->y_px + frame->height_px);
        }
      else
        {
          y = plot_snap (plot_frame_y (frame, y), frame->device_scale);
          cairo_move_to (cr, frame->x_px, y + half);
          cairo_line_to (cr, frame->x_px + frame->width_px, y + half);
        }
    }
  plot_set_color (cr, plot_layer_rgba (layer, frame->style), 1);
  cairo_set_line_width (cr, 1);
  plot_set_dash (cr, plot_layer_get_dash (layer) != 0 ? plot_layer_get_dash (layer) : 1, 1.2);
  cairo_stroke (cr);
}

static void
rule_swatch (PlotLayer *layer, cairo_t *cr, const PlotStyle *style)
{
  plot_set_color (cr, plot_layer_rgba (layer, style), 1);
  cairo_set_line_width (cr, 1);
  plot_set_dash (cr, 1, 1.2);
  cairo_move_to (cr, 1, 6.5);
  cairo_line_to (cr, 17, 6.5);
  cairo_stroke (cr);
}

const PlotLayerKind plot_layer_rule = { .id = "rule",
                                        .draw = draw_rules,
                                        .extent = plot_layer_rule_extent,
                                        .pick = plot_layer_pick_nothing,
                                        .swatch = rule_swatch };
