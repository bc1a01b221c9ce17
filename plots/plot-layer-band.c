/* Band: from lo to hi as a wash, for 5..95 % intervals over x. Dense data: per pixel column from
 * the least lo to the greatest hi. */

#include <math.h>
#include "plot-layer-private.h"
#include "plot-marks-private.h"

/* One polygon per run without holes: up along hi, back along lo. */
static void
add_run (PlotSeries *series, cairo_t *cr, const PlotFrame *frame, gsize first, gsize last)
{
  if (last - first == 1) /* alone between holes: a thin upright */
    {
      double hi = plot_frame_y (frame, plot_series_get (series, PLOT_COLUMN_HI, first));
      double lo = plot_frame_y (frame, plot_series_get (series, PLOT_COLUMN_LO, first));

      cairo_rectangle (cr, plot_frame_x (frame, plot_series_get_x (series, first)) - 1, hi, 2,
                       lo - hi);
      return;
    }
  for (gsize i = first; i < last; i++)
    cairo_line_to (cr, plot_frame_x (frame, plot_series_get_x (series, i)),
                   plot_frame_y (frame, plot_series_get (series, PLOT_COLUMN_HI, i)));
  for (gsize i = last; i-- > first;)
    cairo_line_to (cr, plot_frame_x (frame, plot_series_get_x (series, i)),
                   plot_frame_y (frame, plot_series_get (series, PLOT_COLUMN_LO, i)));
  cairo_close_path (cr);
}

static gboolean
is_hole (PlotSeries *series, gsize i)
{
  return isnan (plot_series_get (series, PLOT_COLUMN_LO, i))
         || isnan (plot_series_get (series, PLOT_COLUMN_HI, i));
}

static void
add_polygons (PlotSeries *series, cairo_t *cr, const PlotFrame *frame, gsize first, gsize last)
{
  gsize start = first;

  for (gsize i = first; i <= last; i++)
    if (i == last || is_hole (series, i))
      {
        if (i > start)
          {
            cairo_new_sub_path (cr);
            add_run (series, cr, frame, start, i);
          }
        start = i + 1;
      }
}

static void
add_columns (PlotSeries *series, cairo_t *cr, const PlotFrame *frame)
{
  PlotColumnWalk walk;

  plot_column_walk_init (&walk, series, frame);
  while (plot_column_walk_next (&walk))
    {
      double lo, hi, unused, top, bottom;

      if (!plot_series_query (series, PLOT_COLUMN_LO, walk.first, walk.last, &lo, &unused)
          || !plot_series_query (series, PLOT_COLUMN_HI, walk.first, walk.last, &unused, &hi))
        continue;
      top = plot_snap (plot_frame_y (frame, hi), frame->device_scale);
      bottom = plot_snap (plot_frame_y (frame, lo), frame->device_scale);
      cairo_rectangle (cr, walk.x_px, top, walk.w_px, fmax (bottom - top, walk.w_px));
    }
}

static void
draw_band (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame)
{
  PlotSeries *series = plot_layer_get_series (layer);
  gsize first, last;

  plot_layer_visible_range (series, frame, &first, &last);
  if (first >= last)
    return;
  if (plot_layer_is_dense (series, frame, last - first))
    add_columns (series, cr, frame);
  else
    add_polygons (series, cr, frame, first, last);
  plot_set_color (cr, plot_layer_rgba (layer, frame->style), 0.22);
  cairo_fill (cr);
}

static void
band_swatch (PlotLayer *layer, cairo_t *cr, const PlotStyle *style)
{
  plot_set_color (cr, plot_layer_rgba (layer, style), 0.35);
  cairo_rectangle (cr, 1, 1, 16, 10);
  cairo_fill (cr);
}

const PlotLayerKind plot_layer_band = { .id = "band", .draw = draw_band, .swatch = band_swatch };
