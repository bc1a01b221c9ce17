/* Front: the staircase under which nothing lies that beats its points, through a series sorted by
 * x. Which corner of a step is the inner one follows from which end of each axis is better; beyond
 * its ends the front goes on to the edges of the picture, thinner: there nothing was measured. */

#include <math.h>
#include "plot-layer-private.h"
#include "plot-marks-private.h"

enum
{
  X_HIGHER = 1 << 0,
  Y_HIGHER = 1 << 1,
};

void
plot_front_set_goals (PlotLayer *self, gboolean x_lower_is_better, gboolean y_lower_is_better)
{
  guint goals = (x_lower_is_better ? 0 : X_HIGHER) | (y_lower_is_better ? 0 : Y_HIGHER);

  g_return_if_fail (PLOT_IS_LAYER (self) && plot_layer_get_kind (self) == &plot_layer_front);
  plot_layer_set_data (self, GUINT_TO_POINTER (goals), NULL);
}

static guint
get_goals (PlotLayer *layer)
{
  return GPOINTER_TO_UINT (plot_layer_get_data (layer));
}

static double
point_x (PlotSeries *series, const PlotFrame *frame, gsize i)
{
  return plot_frame_x (frame, plot_series_get_x (series, i));
}

static double
point_y (PlotSeries *series, const PlotFrame *frame, gsize i)
{
  return plot_frame_y (frame, plot_series_get (series, PLOT_COLUMN_Y, i));
}

/* Of the two corners between a point and the next, the one that both of them beat. */
static void
add_steps (PlotSeries *series, cairo_t *cr, const PlotFrame *frame, guint goals)
{
  gsize n = plot_series_get_n (series);

  cairo_move_to (cr, point_x (series, frame, 0), point_y (series, frame, 0));
  for (gsize i = 1; i < n; i++)
    {
      double x0 = point_x (series, frame, i - 1), y0 = point_y (series, frame, i - 1);
      double x1 = point_x (series, frame, i), y1 = point_y (series, frame, i);

      if (goals & X_HIGHER)
        cairo_line_to (cr, x0, y1);
      else
        cairo_line_to (cr, x1, y0);
      cairo_line_to (cr, x1, y1);
    }
}

/* From the point that is best in one figure, away to the worse end of the other. */
static void
add_ends (PlotSeries *series, cairo_t *cr, const PlotFrame *frame, guint goals)
{
  gsize n = plot_series_get_n (series);
  gsize best_x = goals & X_HIGHER ? n - 1 : 0, best_y = n - 1 - best_x;
  double worse_x = goals & X_HIGHER ? frame->x_px : frame->x_px + frame->width_px;
  double worse_y = goals & Y_HIGHER ? frame->y_px + frame->height_px : frame->y_px;

  cairo_move_to (cr, point_x (series, frame, best_x), point_y (series, frame, best_x));
  cairo_line_to (cr, point_x (series, frame, best_x), worse_y);
  cairo_move_to (cr, point_x (series, frame, best_y), point_y (series, frame, best_y));
  cairo_line_to (cr, worse_x, point_y (series, frame, best_y));
}

static void
draw_front (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame)
{
  PlotSeries *series = plot_layer_get_series (layer);
  const GdkRGBA *color = plot_layer_rgba (layer, frame->style);
  guint goals = get_goals (layer);

  if (plot_series_get_n (series) == 0)
    return;
  cairo_set_line_join (cr, CAIRO_LINE_JOIN_MITER);
  add_ends (series, cr, frame, goals);
  plot_set_color (cr, color, 0.55);
  cairo_set_line_width (cr, 1);
  plot_set_dash (cr, 2, 1.2);
  cairo_stroke (cr);
  cairo_set_dash (cr, NULL, 0, 0);
  add_steps (series, cr, frame, goals);
  plot_set_color (cr, color, 1);
  cairo_set_line_width (cr, frame->style->line_width_px);
  cairo_stroke (cr);
}

static void
front_swatch (PlotLayer *layer, cairo_t *cr, const PlotStyle *style)
{
  plot_set_color (cr, plot_layer_rgba (layer, style), 1);
  cairo_set_line_width (cr, style->line_width_px);
  cairo_move_to (cr, 1, 2.5);
  cairo_line_to (cr, 9, 2.5);
  cairo_line_to (cr, 9, 9.5);
  cairo_line_to (cr, 17, 9.5);
  cairo_stroke (cr);
}

const PlotLayerKind plot_layer_front = { .id = "front",
                                         .draw = draw_front,
                                         .pick = plot_layer_pick_nothing,
                                         .swatch = front_swatch,
                                         .derived = TRUE };
