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

/* --- patterns --- */

/* Every pattern repeats after this many logical pixels in both directions. */
#define TILE_PX 40

/* Lines x + slope * y = k * step through the box, for slope -1 or 1, and one beyond each corner. */
static void
slanted_lines (cairo_t *cr, double x, double y, double w, double h, double step, int slope)
{
  double from = (slope > 0 ? x + y : x - y - h) - step;
  double to = (slope > 0 ? x + w + y + h : x + w - y) + step;

  for (double k = ceil (from / step) * step; k <= to; k += step)
    {
      cairo_move_to (cr, slope > 0 ? k - y + 1 : k + y - 1, y - 1);
      cairo_line_to (cr, slope > 0 ? k - y - h - 1 : k + y + h + 1, y + h + 1);
    }
}

static void
level_lines (cairo_t *cr, double x, double y, double w, double h, double step)
{
  for (double k = floor (y / step) * step; k <= y + h + step; k += step)
    {
      cairo_move_to (cr, x, k + 0.7);
      cairo_line_to (cr, x + w, k + 0.7);
    }
}

/* Strokes of no length with round ends: a tenth of what circles take in a file. */
static void
dots (cairo_t *cr, double x, double y, double w, double h, double step)
{
  for (double row = floor (y / step) - 1; row * step <= y + h + step; row++)
    {
      double shift = fmod (fabs (row), 2) != 0 ? step / 2 : 0;

      for (double k = floor (x / step) - 1; k * step <= x + w + step; k++)
        {
          cairo_move_to (cr, k * step + shift, row * step);
          cairo_line_to (cr, k * step + shift, row * step);
        }
    }
}

/* The strokes of @pattern over a box, in the current source. */
static void
draw_strokes (cairo_t *cr, PlotPattern pattern, double x, double y, double w, double h)
{
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
      slanted_lines (cr, x, y, w, h, 8, 1);
      slanted_lines (cr, x, y, w, h, 8, -1);
      cairo_set_line_width (cr, 1);
      cairo_stroke (cr);
      break;
    case PLOT_PATTERN_HORIZONTAL:
      level_lines (cr, x, y, w, h, 4);
      cairo_stroke (cr);
      break;
    case PLOT_PATTERN_DOTS:
      dots (cr, x, y, w, h, 5);
      cairo_set_line_width (cr, 2.3);
      cairo_set_line_cap (cr, CAIRO_LINE_CAP_ROUND);
      cairo_stroke (cr);
      cairo_set_line_cap (cr, CAIRO_LINE_CAP_BUTT);
      break;
    case PLOT_PATTERN_SOLID:
    case PLOT_N_PATTERNS:
    default:
      break;
    }
}

/* A tile of the pattern with its wash, in device pixels: filling with it costs what a solid colour
 * costs, where stroking under a clip of many bars costs 30 ms. */
static cairo_pattern_t *
make_tile (PlotPattern pattern, const GdkRGBA *color, double device_scale)
{
  int side = (int)ceil (TILE_PX * device_scale);
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, side, side);
  cairo_t *cr = cairo_create (surface);
  cairo_pattern_t *tile;
  cairo_matrix_t matrix;

  plot_set_color (cr, color, 0.30);
  cairo_paint (cr);
  cairo_scale (cr, side / (double)TILE_PX, side / (double)TILE_PX);
  plot_set_color (cr, color, 1);
  draw_strokes (cr, pattern, 0, 0, TILE_PX, TILE_PX);
  cairo_destroy (cr);

  tile = cairo_pattern_create_for_surface (surface);
  cairo_surface_destroy (surface);
  cairo_pattern_set_extend (tile, CAIRO_EXTEND_REPEAT);
  cairo_matrix_init_scale (&matrix, side / (double)TILE_PX, side / (double)TILE_PX);
  cairo_pattern_set_matrix (tile, &matrix);
  cairo_pattern_set_filter (tile, CAIRO_FILTER_NEAREST);
  return tile;
}

/* Tiles of the few colours and patterns in use; main thread, as all drawing here. */
static cairo_pattern_t *
get_tile (PlotPattern pattern, const GdkRGBA *color, double device_scale)
{
  static GHashTable *tiles;
  g_autofree char *rgba = gdk_rgba_to_string (color);
  g_autofree char *key = g_strdup_printf ("%d %g %s", pattern, device_scale, rgba);
  cairo_pattern_t *tile;

  if (tiles == NULL)
    tiles = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                   (GDestroyNotify)cairo_pattern_destroy);
  tile = g_hash_table_lookup (tiles, key);
  if (tile == NULL)
    {
      if (g_hash_table_size (tiles) > 200)
        g_hash_table_remove_all (tiles);
      tile = make_tile (pattern, color, device_scale);
      g_hash_table_insert (tiles, g_steal_pointer (&key), tile);
    }
  return tile;
}

static gboolean
is_vector (cairo_t *cr)
{
  cairo_surface_type_t type = cairo_surface_get_type (cairo_get_target (cr));

  return type == CAIRO_SURFACE_TYPE_SVG || type == CAIRO_SURFACE_TYPE_PDF;
}

void
plot_fill_pattern (cairo_t *cr, PlotPattern pattern, const GdkRGBA *color, double device_scale,
                   double x, double y, double w, double h)
{
  if (pattern == PLOT_PATTERN_SOLID)
    {
      plot_set_color (cr, color, 1);
      cairo_fill (cr);
      return;
    }
  if (!is_vector (cr))
    {
      cairo_set_source (cr, get_tile (pattern, color, device_scale));
      cairo_fill (cr);
      return;
    }
  double left, top, right, bottom;
  plot_set_color (cr, color, 0.30);
  cairo_fill_preserve (cr);
  /* The patterns' grids are absolute, so nothing moves when only what is filled is covered. */
  cairo_fill_extents (cr, &left, &top, &right, &bottom);
  right = fmin (x + w, right);
  bottom = fmin (y + h, bottom);
  x = fmax (x, left);
  y = fmax (y, top);
  cairo_save (cr);
  cairo_clip (cr);
  plot_set_color (cr, color, 1);
  draw_strokes (cr, pattern, x, y, fmax (0, right - x), fmax (0, bottom - y));
  cairo_restore (cr);
}

/* --- columns --- */

void
plot_columns_init (PlotColumns *self, cairo_t *cr, double x, double y, double w, double h,
                   double device_scale)
{
  *self = (PlotColumns){ .cr = cr, .x_px = x, .y_px = y, .device_scale = device_scale };
  if (is_vector (cr))
    return;
  self->width = MAX (1, (int)ceil (w * device_scale));
  self->height = MAX (1, (int)ceil (h * device_scale));
  self->mask = cairo_image_surface_create (CAIRO_FORMAT_A8, self->width, self->height);
  self->data = cairo_image_surface_get_data (self->mask);
  self->stride = cairo_image_surface_get_stride (self->mask);
}

void
plot_columns_add (PlotColumns *self, guint i, double top, double bottom)
{
  int first, last;

  if (self->mask == NULL)
    {
      cairo_rectangle (self->cr, self->x_px + i / self->device_scale, top, 1 / self->device_scale,
                       bottom - top);
      return;
    }
  first = (int)lrint ((top - self->y_px) * self->device_scale);
  last = (int)lrint ((bottom - self->y_px) * self->device_scale);
  first = CLAMP (first, 0, self->height);
  last = CLAMP (last, 0, self->height);
  if ((int)i >= self->width || self->data == NULL)
    return;
  for (int row = first; row < last; row++)
    self->data[(gsize)row * self->stride + i] = 255;
}

void
plot_columns_paint (PlotColumns *self, const GdkRGBA *color, double alpha)
{
  plot_set_color (self->cr, color, alpha);
  if (self->mask == NULL)
    {
      cairo_fill (self->cr);
      return;
    }
  cairo_surface_mark_dirty (self->mask);
  cairo_surface_set_device_scale (self->mask, self->device_scale, self->device_scale);
  cairo_mask_surface (self->cr, self->mask, self->x_px, self->y_px);
  cairo_surface_destroy (self->mask);
}

/* --- shapes --- */

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
