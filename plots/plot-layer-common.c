/* Shared by the kinds of layer: range in view, pixel columns, extents, picking. Draws nothing. */

#include "plot-layer-private.h"

#include <math.h>

const GdkRGBA *
plot_layer_rgba (PlotLayer *layer, const PlotStyle *style)
{
  return plot_style_color (style, (guint)MAX (0, plot_layer_get_color (layer)));
}

void
plot_layer_visible_range (PlotSeries *series, const PlotFrame *frame, gsize *first, gsize *last)
{
  gsize n = plot_series_get_n (series);

  *first = 0;
  *last = n;
  if (n == 0 || !plot_series_is_sorted (series))
    return;
  *first = plot_series_lower_bound (series, frame->x.min);
  *last = plot_series_lower_bound (series, frame->x.max);
  if (*first > 0)
    (*first)--;
  *last = MIN (*last + 1, n);
}

static guint
count_columns (const PlotFrame *frame)
{
  return (guint)CLAMP (ceil (frame->width_px * frame->device_scale), 1, 65536);
}

gboolean
plot_layer_is_dense (PlotSeries *series, const PlotFrame *frame, gsize n)
{
  return plot_series_is_sorted (series) && n > 2 * (gsize)count_columns (frame);
}

void
plot_column_walk_init (PlotColumnWalk *walk, PlotSeries *series, const PlotFrame *frame)
{
  *walk = (PlotColumnWalk){ .series = series, .frame = frame, .n_columns = count_columns (frame) };
  walk->w_px = 1 / frame->device_scale;
  walk->next = plot_series_lower_bound (series, plot_scale_from_px (&frame->x, frame->x_px));
}

gboolean
plot_column_walk_next (PlotColumnWalk *walk)
{
  if (walk->column >= walk->n_columns)
    return FALSE;
  walk->x_px = walk->frame->x_px + walk->column * walk->w_px;
  walk->first = walk->next;
  walk->last = plot_series_lower_bound (walk->series, plot_scale_from_px (&walk->frame->x,
                                                                          walk->x_px + walk->w_px));
  walk->next = walk->last;
  walk->column++;
  return TRUE;
}

double
plot_frame_y (const PlotFrame *frame, double value)
{
  double px = plot_scale_to_px (&frame->y, value);

  if (isnan (px))
    return isnan (value) ? NAN : frame->y_px + frame->height_px + 16;
  return CLAMP (px, frame->y_px - 4096, frame->y_px + frame->height_px + 4096);
}

double
plot_frame_x (const PlotFrame *frame, double value)
{
  double px = plot_scale_to_px (&frame->x, value);

  if (isnan (px))
    return isnan (value) ? NAN : frame->x_px - 16;
  return CLAMP (px, frame->x_px - 4096, frame->x_px + frame->width_px + 4096);
}

/* --- extents --- */

static void
join_column (PlotSeries *series, PlotColumn column, PlotExtent *extent)
{
  double min, max, min_positive;

  if (!plot_series_extent (series, column, &min, &max, &min_positive))
    return;
  extent->min = fmin (extent->min, min);
  extent->max = fmax (extent->max, max);
  extent->min_positive = fmin (extent->min_positive, min_positive);
}

void
plot_layer_default_extent (PlotLayer *layer, PlotExtent *x, PlotExtent *y)
{
  PlotSeries *series = plot_layer_get_series (layer);

  join_column (series, PLOT_COLUMN_X, x);
  join_column (series, PLOT_COLUMN_X_LO, x);
  join_column (series, PLOT_COLUMN_X_HI, x);
  join_column (series, PLOT_COLUMN_Y, y);
  join_column (series, PLOT_COLUMN_LO, y);
  join_column (series, PLOT_COLUMN_HI, y);
}

/* A level rule stretches the y axis only, an upright one the x axis only. */
void
plot_layer_rule_extent (PlotLayer *layer, PlotExtent *x, PlotExtent *y)
{
  PlotSeries *series = plot_layer_get_series (layer);

  for (gsize i = 0; i < plot_series_get_n (series); i++)
    {
      double value = plot_series_get (series, PLOT_COLUMN_Y, i);
      PlotExtent *extent = isnan (value) ? x : y;

      if (isnan (value))
        value = plot_series_get_x (series, i);
      extent->min = fmin (extent->min, value);
      extent->max = fmax (extent->max, value);
      if (value > 0)
        extent->min_positive = fmin (extent->min_positive, value);
    }
}

/* --- picking --- */

gboolean
plot_layer_pick_nothing (PlotLayer *layer, const PlotFrame *frame, double px, double py,
                         gsize *index, double *distance_px)
{
  return FALSE;
}

gboolean
plot_layer_pick_point (PlotLayer *layer, const PlotFrame *frame, double px, double py, gsize *index,
                       double *distance_px)
{
  PlotSeries *series = plot_layer_get_series (layer);
  gsize first, last;
  double best = INFINITY;

  plot_layer_visible_range (series, frame, &first, &last);
  for (gsize i = first; i < last; i++)
    {
      double dx = plot_frame_x (frame, plot_series_get_x (series, i)) - px;
      double dy = plot_frame_y (frame, plot_series_get (series, PLOT_COLUMN_Y, i)) - py;
      double distance = hypot (dx, dy);

      if (distance < best) /* false for NaN */
        {
          best = distance;
          *index = i;
        }
    }
  *distance_px = best;
  return isfinite (best);
}

/* Sorted: the sample nearest in x that has a value, a few to each side; the distance is to its
 * height only as far as the pointer is away from it in x. */
gboolean
plot_layer_default_pick (PlotLayer *layer, const PlotFrame *frame, double px, double py,
                         gsize *index, double *distance_px)
{
  PlotSeries *series = plot_layer_get_series (layer);

  if (plot_series_get_n (series) == 0)
    return FALSE;
  if (!plot_series_is_sorted (series))
    return plot_layer_pick_point (layer, frame, px, py, index, distance_px);
  *index = plot_series_nearest (series, plot_scale_from_px (&frame->x, px));
  *distance_px = fabs (plot_frame_x (frame, plot_series_get_x (series, *index)) - px);
  return TRUE;
}
