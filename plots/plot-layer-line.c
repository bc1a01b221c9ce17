/* Line, step and area. Up to two samples per device pixel column the line is stroked; more of them
 * become one filled column each, from the least to the greatest sample, so that every spike stays
 * visible and the cost depends on pixels alone. NaN breaks the line. */

#include "plot-layer-private.h"

#include <math.h>
#include "plot-marks-private.h"

/* 2300 samples of a random walk, 1200 x 700: 26 ms as one path with the default antialiasing, 2.1
 * ms in chunks with CAIRO_ANTIALIAS_FAST (4 x 4 samples a pixel), which few samples do not need. */
#define STROKE_CHUNK 128
#define MANY 300

typedef enum
{
  LINE,
  STEP,
  AREA,
} LineForm;

static void
stroke (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame)
{
  plot_set_color (cr, plot_layer_rgba (layer, frame->style), 1);
  cairo_set_line_width (cr, frame->style->line_width_px);
  cairo_set_line_join (cr, CAIRO_LINE_JOIN_ROUND);
  cairo_set_line_cap (cr, CAIRO_LINE_CAP_ROUND);
  if (plot_layer_get_dash (layer) != 0)
    cairo_set_line_cap (cr, CAIRO_LINE_CAP_BUTT);
  plot_set_dash (cr, plot_layer_get_dash (layer), frame->style->line_width_px);
  cairo_stroke (cr);
}

/* A sample between two holes has no line: it is a dot. */
static void
add_dot (cairo_t *cr, double x, double y)
{
  cairo_new_sub_path (cr);
  cairo_arc (cr, x, y, 0.8, 0, 2 * G_PI);
}

static void
draw_polyline (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame, gsize first, gsize last,
               LineForm form)
{
  PlotSeries *series = plot_layer_get_series (layer);
  gboolean pen_down = FALSE, alone = FALSE, dashed = plot_layer_get_dash (layer) != 0;
  double last_x = 0, last_y = 0;
  guint n = 0;

  if (last - first > MANY)
    cairo_set_antialias (cr, CAIRO_ANTIALIAS_FAST);
  for (gsize i = first; i < last; i++)
    {
      double x = plot_frame_x (frame, plot_series_get_x (series, i));
      double y = plot_frame_y (frame, plot_series_get (series, PLOT_COLUMN_Y, i));

      if (isnan (x) || isnan (y))
        {
          if (alone)
            add_dot (cr, last_x, last_y);
          pen_down = alone = FALSE;
          continue;
        }
      if (!pen_down)
        cairo_move_to (cr, x, y);
      else
        {
          if (form == STEP)
            cairo_line_to (cr, x, last_y);
          cairo_line_to (cr, x, y);
        }
      alone = !pen_down;
      pen_down = TRUE;
      last_x = x;
      last_y = y;
      if (++n % STROKE_CHUNK == 0 && !dashed) /* dashes must run on */
        {
          stroke (layer, cr, frame);
          cairo_move_to (cr, x, y);
        }
    }
  if (alone)
    add_dot (cr, last_x, last_y);
  stroke (layer, cr, frame);
  cairo_set_antialias (cr, CAIRO_ANTIALIAS_DEFAULT);
}

/* The wash under a line, one polygon per run without holes. */
static void
draw_wash (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame, gsize first, gsize last)
{
  PlotSeries *series = plot_layer_get_series (layer);
  double foot = plot_frame_y (frame, frame->y.kind == PLOT_AXIS_LOG ? frame->y.min : 0), end = 0;
  gboolean open = FALSE;

  for (gsize i = first; i <= last; i++)
    {
      double x = NAN, y = NAN;

      if (i < last)
        {
          x = plot_frame_x (frame, plot_series_get_x (series, i));
          y = plot_frame_y (frame, plot_series_get (series, PLOT_COLUMN_Y, i));
        }
      if (isnan (x) || isnan (y))
        {
          if (open)
            {
              cairo_line_to (cr, end, foot);
              cairo_close_path (cr);
            }
          open = FALSE;
          continue;
        }
      if (!open)
        cairo_move_to (cr, x, foot);
      cairo_line_to (cr, x, y);
      open = TRUE;
      end = x;
    }
  plot_set_color (cr, plot_layer_rgba (layer, frame->style), 0.18);
  cairo_fill (cr);
}

/* --- dense --- */

/* One column from top to bottom in pixels, on device pixels. */
static void
add_column (cairo_t *cr, const PlotFrame *frame, const PlotColumnWalk *walk, double top,
            double bottom, double least_px)
{
  double h;

  top = floor (top * frame->device_scale) / frame->device_scale;
  bottom = ceil (bottom * frame->device_scale) / frame->device_scale;
  top = fmax (top, frame->y_px - 4);
  bottom = fmin (bottom, frame->y_px + frame->height_px + 4);
  h = fmax (bottom - top, least_px);
  if (top < frame->y_px + frame->height_px + 4)
    cairo_rectangle (cr, walk->x_px, top, walk->w_px, h);
}

static void
draw_columns (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame, gboolean to_foot)
{
  PlotSeries *series = plot_layer_get_series (layer);
  double foot = plot_frame_y (frame, frame->y.kind == PLOT_AXIS_LOG ? frame->y.min : 0);
  double least = plot_snap (frame->style->line_width_px, frame->device_scale);
  double before_top = NAN, before_bottom = NAN;
  PlotColumnWalk walk;

  plot_column_walk_init (&walk, series, frame);
  while (plot_column_walk_next (&walk))
    {
      double min, max, top, bottom;

      if (walk.first == walk.last)
        continue; /* two samples further apart than a pixel: the next column joins them */
      if (!plot_series_query (series, PLOT_COLUMN_Y, walk.first, walk.last, &min, &max))
        {
          before_top = before_bottom = NAN; /* nothing but holes */
          continue;
        }
      top = plot_frame_y (frame, max);
      bottom = plot_frame_y (frame, min);
      if (to_foot)
        {
          add_column (cr, frame, &walk, fmin (top, foot), fmax (bottom, foot), 0);
          continue;
        }
      /* Neighbouring columns touch, as the line between their samples would. */
      add_column (cr, frame, &walk, fmin (top, isnan (before_bottom) ? top : before_bottom),
                  fmax (bottom, isnan (before_top) ? bottom : before_top), least);
      before_top = top;
      before_bottom = bottom;
    }
  plot_set_color (cr, plot_layer_rgba (layer, frame->style), to_foot ? 0.18 : 1);
  cairo_fill (cr);
}

static void
draw (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame, LineForm form)
{
  PlotSeries *series = plot_layer_get_series (layer);
  gsize first, last;

  plot_layer_visible_range (series, frame, &first, &last);
  if (first >= last)
    return;
  if (plot_layer_is_dense (series, frame, last - first))
    {
      cairo_save (cr);
      cairo_set_antialias (cr, CAIRO_ANTIALIAS_NONE); /* all edges lie on device pixels */
      if (form == AREA)
        draw_columns (layer, cr, frame, TRUE);
      draw_columns (layer, cr, frame, FALSE);
      cairo_restore (cr);
      return;
    }
  if (form == AREA)
    draw_wash (layer, cr, frame, first, last);
  draw_polyline (layer, cr, frame, first, last, form);
}

static void
draw_line (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame)
{
  draw (layer, cr, frame, LINE);
}

static void
draw_step (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame)
{
  draw (layer, cr, frame, STEP);
}

static void
draw_area (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame)
{
  draw (layer, cr, frame, AREA);
}

/* --- extent and swatch --- */

/* The wash ends at zero, so zero belongs to the picture. */
static void
area_extent (PlotLayer *layer, PlotExtent *x, PlotExtent *y)
{
  plot_layer_default_extent (layer, x, y);
  if (y->min <= y->max)
    {
      y->min = fmin (y->min, 0);
      y->max = fmax (y->max, 0);
    }
}

static void
line_swatch (PlotLayer *layer, cairo_t *cr, const PlotStyle *style)
{
  plot_set_color (cr, plot_layer_rgba (layer, style), 1);
  cairo_set_line_width (cr, 2);
  plot_set_dash (cr, plot_layer_get_dash (layer), 1.2);
  cairo_move_to (cr, 1, 6);
  cairo_line_to (cr, 17, 6);
  cairo_stroke (cr);
}

static void
step_swatch (PlotLayer *layer, cairo_t *cr, const PlotStyle *style)
{
  plot_set_color (cr, plot_layer_rgba (layer, style), 1);
  cairo_set_line_width (cr, 2);
  plot_set_dash (cr, plot_layer_get_dash (layer), 1.2);
  cairo_move_to (cr, 1, 9);
  cairo_line_to (cr, 9, 9);
  cairo_line_to (cr, 9, 3);
  cairo_line_to (cr, 17, 3);
  cairo_stroke (cr);
}

static void
area_swatch (PlotLayer *layer, cairo_t *cr, const PlotStyle *style)
{
  plot_set_color (cr, plot_layer_rgba (layer, style), 0.25);
  cairo_rectangle (cr, 1, 3, 16, 8);
  cairo_fill (cr);
  plot_set_color (cr, plot_layer_rgba (layer, style), 1);
  cairo_rectangle (cr, 1, 2, 16, 2);
  cairo_fill (cr);
}

const PlotLayerKind plot_layer_line = { .id = "line", .draw = draw_line, .swatch = line_swatch };
const PlotLayerKind plot_layer_step = { .id = "step", .draw = draw_step, .swatch = step_swatch };
const PlotLayerKind plot_layer_area
    = { .id = "area", .draw = draw_area, .extent = area_extent, .swatch = area_swatch };
