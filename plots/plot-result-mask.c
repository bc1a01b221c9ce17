/* The mask over a picture of PlotResult, made pixel by pixel: a wash in the colour of its class
 * with the strokes of its pattern and an outline, so that classes differ without colour too. Pure.
 */

#include "plot-result-private.h"

#include <math.h>

#define MOST_PIXELS 4000000.0

typedef struct
{
  const PlotResultModel *model;
  const PlotStyle *style;
  int width, height; /* of what is drawn */
  double unit;       /* pixels per logical pixel */
} Raster;

static guint32
premultiplied (const GdkRGBA *color, double alpha)
{
  guint a = (guint)(255 * alpha + 0.5);

  return a << 24 | (guint)(color->red * a + 0.5f) << 16 | (guint)(color->green * a + 0.5f) << 8
         | (guint)(color->blue * a + 0.5f);
}

static guint8
mask_at (const Raster *raster, int x, int y)
{
  const PlotResultModel *model = raster->model;
  guint mx = (guint)((guint64)(guint)x * model->mask_width / (guint)raster->width);
  guint my = (guint)((guint64)(guint)y * model->mask_height / (guint)raster->height);

  return model->mask[(gsize)my * model->mask_width + mx];
}

/* Shares of foreground between the mask's pixels. */
static double
soft_at (const Raster *raster, int x, int y)
{
  const PlotResultModel *model = raster->model;
  double u = (x + 0.5) * model->mask_width / raster->width - 0.5;
  double v = (y + 0.5) * model->mask_height / raster->height - 0.5;
  double fx = u - floor (u), fy = v - floor (v);
  int w = (int)model->mask_width, h = (int)model->mask_height;
  int x0 = CLAMP ((int)floor (u), 0, w - 1), x1 = CLAMP ((int)floor (u) + 1, 0, w - 1);
  int y0 = CLAMP ((int)floor (v), 0, h - 1), y1 = CLAMP ((int)floor (v) + 1, 0, h - 1);
  const guint8 *m = model->mask;

  return ((m[y0 * w + x0] * (1 - fx) + m[y0 * w + x1] * fx) * (1 - fy)
          + (m[y1 * w + x0] * (1 - fx) + m[y1 * w + x1] * fx) * fy)
         / 255;
}

/* Strokes 2 wide every 8. */
static gboolean
on_pattern (PlotPattern pattern, double x, double y)
{
  const double period = 8, width = 2;

  switch (pattern)
    {
    case PLOT_PATTERN_HATCH:
      return fmod (x + y, period) < width;
    case PLOT_PATTERN_BACKHATCH:
      return fmod (x - y + 1e6 * period, period) < width;
    case PLOT_PATTERN_HORIZONTAL:
      return fmod (y, period) < width;
    case PLOT_PATTERN_CROSS:
      return fmod (x + y, period) < 1.5 || fmod (x - y + 1e6 * period, period) < 1.5;
    case PLOT_PATTERN_DOTS:
      return hypot (fmod (x, period) - 4, fmod (y, period) - 4) < 1.6;
    case PLOT_PATTERN_SOLID:
    case PLOT_N_PATTERNS:
    default:
      return FALSE;
    }
}

static gboolean
is_edge (const Raster *raster, int x, int y, guint8 value)
{
  int reach = MAX (1, (int)(raster->unit + 0.5));

  return (x >= reach && mask_at (raster, x - reach, y) != value)
         || (x + reach < raster->width && mask_at (raster, x + reach, y) != value)
         || (y >= reach && mask_at (raster, x, y - reach) != value)
         || (y + reach < raster->height && mask_at (raster, x, y + reach) != value);
}

static void
fill_classes (const Raster *raster, guint32 *row, int y)
{
  const PlotResultModel *model = raster->model;

  for (int x = 0; x < raster->width; x++)
    {
      guint8 value = mask_at (raster, x, y);
      int i = model->class_of[value];
      const PlotMaskClass *class;
      double alpha = 0.45;

      if (i < 0)
        continue;
      class = &g_array_index (model->classes, PlotMaskClass, i);
      if (is_edge (raster, x, y, value))
        alpha = 1;
      else if (on_pattern (class->pattern, x / raster->unit, y / raster->unit))
        alpha = 0.8;
      row[x] = premultiplied (plot_style_color (raster->style, class->color), alpha);
    }
}

static void
fill_soft (const Raster *raster, guint32 *row, int y)
{
  guint index = g_array_index (raster->model->classes, PlotMaskClass, 0).color;
  const GdkRGBA *color = plot_style_color (raster->style, index);

  for (int x = 0; x < raster->width; x++)
    {
      double share = soft_at (raster, x, y);
      gboolean inside = share >= 0.5;
      gboolean edge = (x + 1 < raster->width && (soft_at (raster, x + 1, y) >= 0.5) != inside)
                      || (y + 1 < raster->height && (soft_at (raster, x, y + 1) >= 0.5) != inside);

      row[x] = premultiplied (color, edge ? 1 : 0.55 * share);
    }
}

void
plot_result_draw_mask (const PlotResultModel *model, const PlotResultFrame *frame, PlotRect picture)
{
  double scale = frame->device_scale;
  Raster raster = { .model = model, .style = frame->style };
  cairo_surface_t *surface;

  if (picture.w * picture.h * scale * scale > MOST_PIXELS)
    scale = sqrt (MOST_PIXELS / (picture.w * picture.h));
  raster.unit = scale;
  raster.width = MAX (1, (int)(picture.w * scale + 0.5));
  raster.height = MAX (1, (int)(picture.h * scale + 0.5));
  surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, raster.width, raster.height);
  if (cairo_surface_status (surface) == CAIRO_STATUS_SUCCESS)
    {
      guint8 *data = cairo_image_surface_get_data (surface);
      int stride = cairo_image_surface_get_stride (surface);

      for (int y = 0; y < raster.height; y++)
        if (model->soft)
          fill_soft (&raster, (guint32 *)(gpointer)(data + (gsize)y * (gsize)stride), y);
        else
          fill_classes (&raster, (guint32 *)(gpointer)(data + (gsize)y * (gsize)stride), y);
      cairo_surface_mark_dirty (surface);
      cairo_save (frame->cr);
      cairo_translate (frame->cr, picture.x, picture.y);
      cairo_scale (frame->cr, picture.w / raster.width, picture.h / raster.height);
      cairo_set_source_surface (frame->cr, surface, 0, 0);
      cairo_pattern_set_filter (cairo_get_source (frame->cr), CAIRO_FILTER_NEAREST);
      cairo_paint (frame->cr);
      cairo_restore (frame->cr);
    }
  cairo_surface_destroy (surface);
}
