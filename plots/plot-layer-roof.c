/* Roofs: slopes and levels that end where they meet, with their names along them. Drawn below what
 * they limit, in the colours of axes, so that points stand out. */

#include <math.h>
#include "plot-layer-private.h"
#include "plot-marks-private.h"
#include "plot-roof-private.h"
#include "plot-text-private.h"

#define LINE_PX 1.5
#define GAP_PX 2.0   /* between a line and its name */
#define INSET_PX 8.0 /* of names from the edges of the plot */

typedef struct
{
  char *label;
  gboolean is_slope;
  double value; /* y, or y per x */
} Roof;

static void
roof_clear (gpointer data)
{
  g_free (((Roof *)data)->label);
}

static GArray *
get_roofs (PlotLayer *layer)
{
  return plot_layer_get_data (layer);
}

/* --- geometry --- */

/* Of all slopes or of all levels; NaN: there is none. */
static double
highest (GArray *roofs, gboolean slope)
{
  double value = NAN;

  for (guint i = 0; i < roofs->len; i++)
    {
      const Roof *roof = &g_array_index (roofs, Roof, i);

      if (roof->is_slope == slope)
        value = fmax (value, roof->value);
    }
  return value;
}

static double
least_slope (GArray *roofs)
{
  double value = NAN;

  for (guint i = 0; i < roofs->len; i++)
    {
      const Roof *roof = &g_array_index (roofs, Roof, i);

      if (roof->is_slope)
        value = fmin (value, roof->value);
    }
  return value;
}

static void
get_span (GArray *roofs, const Roof *roof, double *x0, double *x1)
{
  double top = highest (roofs, FALSE), steepest = highest (roofs, TRUE);

  *x0 = roof->is_slope || isnan (steepest) ? 0 : roof->value / steepest;
  *x1 = !roof->is_slope || isnan (top) ? INFINITY : top / roof->value;
}

static double
roof_y (const Roof *roof, double x)
{
  return roof->is_slope ? roof->value * x : roof->value;
}

/* The part of @roof inside the plot area, in pixels; FALSE: none. Both axes are logarithmic, so a
 * roof is straight. */
static gboolean
visible_part (GArray *roofs, const Roof *roof, const PlotFrame *frame, double *x0, double *y0,
              double *x1, double *y1)
{
  double from, to;

  get_span (roofs, roof, &from, &to);
  from = fmax (from, frame->x.min);
  to = fmin (to, frame->x.max);
  if (roof->is_slope)
    {
      from = fmax (from, frame->y.min / roof->value);
      to = fmin (to, frame->y.max / roof->value);
    }
  else if (roof->value < frame->y.min || roof->value > frame->y.max)
    return FALSE;
  if (!(from < to))
    return FALSE;
  *x0 = plot_scale_to_px (&frame->x, from);
  *x1 = plot_scale_to_px (&frame->x, to);
  *y0 = plot_scale_to_px (&frame->y, roof_y (roof, from));
  *y1 = plot_scale_to_px (&frame->y, roof_y (roof, to));
  return TRUE;
}

/* --- names --- */

gboolean
plot_roof_place_name (const PlotRoofLine *lines, guint n, guint line, double width_px,
                      double height_px, PlotRoofName *name)
{
  const PlotRoofLine *self = &lines[line];
  double above = INFINITY, below = INFINITY, needs = height_px + 2 * GAP_PX;

  if (self->length_px < width_px + 2 * INSET_PX)
    return FALSE;
  for (guint i = 0; i < n; i++)
    {
      double distance = self->offset_px - lines[i].offset_px;

      if (i == line)
        continue;
      if (distance >= 0)
        above = fmin (above, distance - lines[i].name_below_px);
      else
        below = fmin (below, -distance - lines[i].name_above_px);
    }
  above = fmin (above, self->room_above_px);
  below = fmin (below, self->room_below_px);
  if (above < needs && below < needs)
    return FALSE;
  name->is_below = above < needs;
  return TRUE;
}

/* Lines of one direction, in a frame turned so that they are level: @offset_px grows downwards. */
static void
describe_line (PlotRoofLine *line, gboolean is_slope, const PlotFrame *frame, double x0, double y0,
               double x1, double y1)
{
  double angle = atan2 (y1 - y0, x1 - x0);

  line->length_px = hypot (x1 - x0, y1 - y0);
  line->offset_px = y0 * cos (angle) - x0 * sin (angle);
  line->angle = angle;
  line->room_above_px = is_slope ? INFINITY : y0 - frame->y_px;
  line->room_below_px = is_slope ? INFINITY : frame->y_px + frame->height_px - y0;
}

/* How far along a rising line its name may begin, so that no level runs through it. */
static double
avoid_levels (GArray *roofs, const PlotFrame *frame, const PlotRoofLine *line, double y0,
              double along_px, double width_px, double height_px)
{
  double rise = -sin (line->angle), start = along_px;

  for (guint i = 0; i < roofs->len && rise > 0; i++)
    {
      const Roof *roof = &g_array_index (roofs, Roof, i);
      double y = plot_scale_to_px (&frame->y, roof->value);
      double foot = y0 - start * rise;

      if (!roof->is_slope && y < foot + GAP_PX && y > foot - width_px * rise - height_px)
        start = (y0 - y) / rise + 2 * GAP_PX;
    }
  return start + width_px + INSET_PX <= line->length_px ? start : along_px;
}

static void
draw_name (GArray *roofs, cairo_t *cr, PlotText *text, const PlotFrame *frame, const Roof *roof,
           const PlotRoofLine *line, const PlotRoofName *name, double x0, double y0, double x1)
{
  double height = plot_text_line_height (text, PLOT_FONT_SMALL);
  double away = name->is_below ? GAP_PX + height : -GAP_PX; /* of its foot from the line */
  double along = INSET_PX;

  if (!roof->is_slope)
    {
      plot_text_draw (text, cr, PLOT_FONT_SMALL, &frame->style->dim_text, roof->label,
                      x1 - INSET_PX, y0 + away, 1, 1, 0);
      return;
    }
  /* Turned, the upper left corner leans out of the plot at its left edge. */
  along += (height + GAP_PX) * fabs (sin (line->angle));
  along = avoid_levels (roofs, frame, line, y0, along,
                        plot_text_width (text, PLOT_FONT_SMALL, roof->label), height);
  plot_text_draw_name (text, cr, PLOT_FONT_SMALL, &frame->style->dim_text, roof->label,
                       x0 + along * cos (line->angle) - away * sin (line->angle),
                       y0 + along * sin (line->angle) + away * cos (line->angle), 0, 1, 0,
                       line->angle);
}

/* Names of slopes among slopes, of levels among levels. */
static void
draw_names (GArray *roofs, cairo_t *cr, const PlotFrame *frame, gboolean slopes)
{
  g_autoptr (PlotText) text = plot_text_new (frame->style);
  g_autofree PlotRoofLine *lines = g_new0 (PlotRoofLine, roofs->len + 1);
  g_autofree guint *which = g_new0 (guint, roofs->len + 1);
  double height = plot_text_line_height (text, PLOT_FONT_SMALL);
  double x0, y0, x1, y1;
  guint n = 0;

  for (guint i = 0; i < roofs->len; i++)
    {
      const Roof *roof = &g_array_index (roofs, Roof, i);

      if (roof->is_slope != slopes || !visible_part (roofs, roof, frame, &x0, &y0, &x1, &y1))
        continue;
      describe_line (&lines[n], slopes, frame, x0, y0, x1, y1);
      which[n++] = i;
    }
  for (guint i = 0; i < n; i++)
    {
      const Roof *roof = &g_array_index (roofs, Roof, which[i]);
      double width = plot_text_width (text, PLOT_FONT_SMALL, roof->label);
      PlotRoofName name;

      if (!plot_roof_place_name (lines, n, i, width, height, &name))
        continue;
      *(name.is_below ? &lines[i].name_below_px : &lines[i].name_above_px) = height + GAP_PX;
      visible_part (roofs, roof, frame, &x0, &y0, &x1, &y1);
      draw_name (roofs, cr, text, frame, roof, &lines[i], &name, x0, y0, x1);
    }
}

/* --- drawing --- */

/* A light wash over what no point can reach. */
static void
wash_above (GArray *roofs, cairo_t *cr, const PlotFrame *frame)
{
  double top = highest (roofs, FALSE), steepest = highest (roofs, TRUE);
  double left = frame->x_px, right = frame->x_px + frame->width_px;

  if (isnan (top) || isnan (steepest))
    return;
  cairo_move_to (cr, left, frame->y_px - 4096);
  cairo_line_to (cr, left, plot_frame_y (frame, steepest * frame->x.min));
  if (top / steepest > frame->x.min)
    cairo_line_to (cr, plot_frame_x (frame, top / steepest), plot_frame_y (frame, top));
  else
    cairo_line_to (cr, left, plot_frame_y (frame, top));
  cairo_line_to (cr, right, plot_frame_y (frame, fmin (top, steepest * frame->x.max)));
  cairo_line_to (cr, right, frame->y_px - 4096);
  cairo_close_path (cr);
  plot_set_color (cr, &frame->style->text, 0.05);
  cairo_fill (cr);
}

static void
draw_roofs (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame)
{
  GArray *roofs = get_roofs (layer);
  double half = LINE_PX / 2, x0, y0, x1, y1;

  if (frame->x.kind != PLOT_AXIS_LOG || frame->y.kind != PLOT_AXIS_LOG)
    return;
  wash_above (roofs, cr, frame);
  for (guint i = 0; i < roofs->len; i++)
    {
      const Roof *roof = &g_array_index (roofs, Roof, i);

      if (!visible_part (roofs, roof, frame, &x0, &y0, &x1, &y1))
        continue;
      if (!roof->is_slope)
        y0 = y1 = plot_snap (y0 - half, frame->device_scale) + half;
      cairo_move_to (cr, x0, y0);
      cairo_line_to (cr, x1, y1);
    }
  plot_set_color (cr, &frame->style->baseline, 1);
  cairo_set_line_width (cr, LINE_PX);
  cairo_set_line_cap (cr, CAIRO_LINE_CAP_ROUND);
  cairo_stroke (cr);
  if (frame->style->marks_only)
    return;
  draw_names (roofs, cr, frame, TRUE);
  draw_names (roofs, cr, frame, FALSE);
}

/* All levels, and the corners where slopes meet the highest, with room for the levels' names behind
 * the last. */
static void
roof_extent (PlotLayer *layer, PlotExtent *x, PlotExtent *y)
{
  GArray *roofs = get_roofs (layer);
  double top = highest (roofs, FALSE), slowest = least_slope (roofs);

  for (guint i = 0; i < roofs->len; i++)
    {
      const Roof *roof = &g_array_index (roofs, Roof, i);

      if (roof->is_slope)
        continue;
      y->min = fmin (y->min, roof->value);
      y->max = fmax (y->max, roof->value);
      y->min_positive = fmin (y->min_positive, roof->value);
    }
  if (isnan (top) || isnan (slowest))
    return;
  x->min = fmin (x->min, top / slowest);
  x->min_positive = fmin (x->min_positive, top / slowest);
  x->max = fmax (x->max, 6 * top / slowest);
}

static gboolean
roof_pick (PlotLayer *layer, const PlotFrame *frame, double px, double py, gsize *index,
           double *distance_px)
{
  return FALSE;
}

static void
roof_swatch (PlotLayer *layer, cairo_t *cr, const PlotStyle *style)
{
  plot_set_color (cr, &style->baseline, 1);
  cairo_set_line_width (cr, LINE_PX);
  cairo_move_to (cr, 1, 11);
  cairo_line_to (cr, 8, 3);
  cairo_line_to (cr, 17, 3);
  cairo_stroke (cr);
}

const PlotLayerKind plot_layer_roof = {
  .id = "roof", .draw = draw_roofs, .extent = roof_extent, .pick = roof_pick, .swatch = roof_swatch
};

/* --- data --- */

PlotLayer *
plot_roof_layer_new (void)
{
  g_autoptr (PlotSeries) none = plot_series_new ("");
  PlotLayer *layer = plot_layer_new (&plot_layer_roof, none);
  GArray *roofs = g_array_new (FALSE, FALSE, sizeof (Roof));

  g_array_set_clear_func (roofs, roof_clear);
  plot_layer_set_data (layer, roofs, (GDestroyNotify)g_array_unref);
  return layer;
}

void
plot_roof_layer_clear (PlotLayer *layer)
{
  g_return_if_fail (plot_layer_get_kind (layer) == &plot_layer_roof);

  g_array_set_size (get_roofs (layer), 0);
  plot_layer_changed (layer);
}

static void
add (PlotLayer *layer, const char *label, double value, gboolean is_slope)
{
  Roof roof = { g_strdup (label != NULL ? label : ""), is_slope, value };

  g_array_append_val (get_roofs (layer), roof);
  plot_layer_changed (layer);
}

void
plot_roof_layer_add_slope (PlotLayer *layer, const char *label, double rate)
{
  g_return_if_fail (plot_layer_get_kind (layer) == &plot_layer_roof);
  g_return_if_fail (rate > 0 && isfinite (rate));
  add (layer, label, rate, TRUE);
}

void
plot_roof_layer_add_level (PlotLayer *layer, const char *label, double y)
{
  g_return_if_fail (plot_layer_get_kind (layer) == &plot_layer_roof);
  g_return_if_fail (y > 0 && isfinite (y));
  add (layer, label, y, FALSE);
}

guint
plot_roof_layer_get_n (PlotLayer *layer)
{
  g_return_val_if_fail (plot_layer_get_kind (layer) == &plot_layer_roof, 0);
  return get_roofs (layer)->len;
}

const char *
plot_roof_layer_get_label (PlotLayer *layer, guint i)
{
  g_return_val_if_fail (i < plot_roof_layer_get_n (layer), NULL);
  return g_array_index (get_roofs (layer), Roof, i).label;
}

void
plot_roof_layer_get_span (PlotLayer *layer, guint i, double *x0, double *x1)
{
  g_return_if_fail (i < plot_roof_layer_get_n (layer));
  get_span (get_roofs (layer), &g_array_index (get_roofs (layer), Roof, i), x0, x1);
}
