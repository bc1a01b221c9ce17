/* Drawing helpers: crisp edges, patterns, shapes. Knows no data. */

#include "plot-marks-private.h"

#include <math.h>

double
plot_snap (double px, double device_scale)
{
  return floor (px * device_scale + 0.5) / device_scale;
}

void
plot_set_color (cairo_t *cr, const GdkRGBA *color, double alpha)
{
  cairo_set_source_rgba (cr, color->red, color->green, color->blue, color->alpha * alpha);
}

/* Lines x + slope * y = k * step through the box, for slope -1, 0 (upright never used) or 1. */
static void
slanted_lines (cairo_t *cr, double x, double y, double w, double h, double step, int slope)
{
  double from = slope > 0 ? x + y : x - y - h, to = slope > 0 ? x + w + y + h : x + w - y;

  for (double k = ceil (from / step) * step; k <= to; k += step)
    {
      cairo_move_to (cr, slope > 0 ? k - y : k + y, y);
      cairo_line_to (cr, slope > 0 ? k - y - h : k + y + h, y + h);
    }
}

static void
level_lines (cairo_t *cr, double x, double y, double w, double h, double step)
{
  for (double k = ceil (y / step) * step; k <= y + h; k += step)
    {
      cairo_move_to (cr, x, k);
      cairo_line_to (cr, x + w, k);
    }
}

static void
dots (cairo_t *cr, double x, double y, double w, double h, double step)
{
  for (double row = floor (y / step); row * step <= y + h; row++)
    {
      double shift = fmod (row, 2) != 0 ? step / 2 : 0;

      for (double k = floor (x / step); k * step <= x + w; k++)
        {
          cairo_new_sub_path (cr);
          cairo_arc (cr, k * step + shift, row * step, 1.15, 0, 2 * G_PI);
        }
    }
}

void
plot_fill_pattern (cairo_t *cr, PlotPattern pattern, const GdkRGBA *color, double x, double y,
                   double w, double h)
{
  if (pattern == PLOT_PATTERN_SOLID)
    {
      plot_set_color (cr, color, 1);
      cairo_fill (cr);
      return;
    }

  plot_set_color (cr, color, 0.30);
  cairo_fill_preserve (cr);
  cairo_save (cr);
  cairo_clip (cr);
  plot_set_color (cr, color, 1);
  cairo_set_line_width (cr, 1.4);
  switch (pattern)
    {
    case PLOT_PATTERN_HATCH:
      slanted_lines (cr, x, y, w, h, 5, 1);
      cairo_stroke (cr);
      break;
    case PLOT_PATTERN_BACKHATCH:
      slanted_lines (cr, x, y, w, h, 5, -1);
      cairo_stroke (cr);
      break;
    case PLOT_PATTERN_CROSS:
      slanted_lines (cr, x, y, w, h, 6, 1);
      slanted_lines (cr, x, y, w, h, 6, -1);
      cairo_set_line_width (cr, 1);
      cairo_stroke (cr);
      break;
    case PLOT_PATTERN_HORIZONTAL:
      level_lines (cr, x, y, w, h, 4);
      cairo_stroke (cr);
      break;
    case PLOT_PATTERN_DOTS:
      dots (cr, x, y, w, h, 4.5);
      cairo_fill (cr);
      break;
    case PLOT_PATTERN_SOLID:
    case PLOT_N_PATTERNS:
    default:
      break;
    }
  cairo_restore (cr);
}

static void
polygon (cairo_t *cr, double x, double y, double r, guint n, double turn)
{
  for (guint i = 0; i < n; i++)
    {
      double angle = turn + 2 * G_PI * i / n;

      if (i == 0)
        cairo_move_to (cr, x + r * cos (angle), y + r * sin (angle));
      else
        cairo_line_to (cr, x + r * cos (angle), y + r * sin (angle));
    }
  cairo_close_path (cr);
}

void
plot_shape_path (cairo_t *cr, PlotShape shape, double x, double y, double r)
{
  switch (shape)
    {
    case PLOT_SHAPE_SQUARE:
      polygon (cr, x, y, r * 1.25, 4, G_PI / 4);
      break;
    case PLOT_SHAPE_DIAMOND:
      polygon (cr, x, y, r * 1.25, 4, 0);
      break;
    case PLOT_SHAPE_TRIANGLE:
      polygon (cr, x, y + r * 0.2, r * 1.35, 3, -G_PI / 2);
      break;
    case PLOT_SHAPE_TRIANGLE_DOWN:
      polygon (cr, x, y - r * 0.2, r * 1.35, 3, G_PI / 2);
      break;
    case PLOT_SHAPE_CROSS:
      {
        double a = r * 1.15, b = r * 0.38;

        cairo_move_to (cr, x - a, y - b);
        cairo_line_to (cr, x - b, y - b);
        cairo_line_to (cr, x - b, y - a);
        cairo_line_to (cr, x + b, y - a);
        cairo_line_to (cr, x + b, y - b);
        cairo_line_to (cr, x + a, y - b);
        cairo_line_to (cr, x + a, y + b);
        cairo_line_to (cr, x + b, y + b);
        cairo_line_to (cr, x + b, y + a);
        cairo_line_to (cr, x - b, y + a);
        cairo_line_to (cr, x - b, y + b);
        cairo_line_to (cr, x - a, y + b);
        cairo_close_path (cr);
      }
      break;
    case PLOT_SHAPE_CIRCLE:
    case PLOT_N_SHAPES:
    default:
      cairo_new_sub_path (cr);
      cairo_arc (cr, x, y, r, 0, 2 * G_PI);
      cairo_close_path (cr);
    }
}

void
plot_round_box_path (cairo_t *cr, double x, double y, double w, double h, double r)
{
  r = MIN (r, MIN (w, h) / 2);
  cairo_new_sub_path (cr);
  cairo_arc (cr, x + w - r, y + r, r, -G_PI / 2, 0);
  cairo_arc (cr, x + w - r, y + h - r, r, 0, G_PI / 2);
  cairo_arc (cr, x + r, y + h - r, r, G_PI / 2, G_PI);
  cairo_arc (cr, x + r, y + r, r, G_PI, 1.5 * G_PI);
  cairo_close_path (cr);
}

void
plot_set_dash (cairo_t *cr, guint dash, double width_px)
{
  static const double patterns[][4] = { { 0 }, { 5, 3 }, { 1.2, 2.2 }, { 6, 2.5, 1.2, 2.5 } };
  static const int lengths[] = { 0, 2, 2, 4 };
  double scaled[4];

  dash %= G_N_ELEMENTS (patterns);
  for (guint i = 0; i < 4; i++)
    scaled[i] = patterns[dash][i] * width_px;
  cairo_set_dash (cr, scaled, lengths[dash], 0);
}
