/* Thousands of boxes and lines as pixels, where shapes would cost tens of milliseconds a frame: one
 * plane holds the coverage of lines, one the colour step of boxes, and both become one image.
 * Called by plot-graph-draw.c when more is in view than can be told apart. */

#include "plot-graph-draw-private.h"

#include <math.h>
#include <string.h>

#define N_STEPS 30  /* colours of the ramp */
#define STEP_NONE 1 /* a box without value */
#define STEP_FIRST 2
#define STEP_PROBLEM (STEP_FIRST + N_STEPS) /* over all others */

typedef struct
{
  int width, height;
  guint8 *lines; /* coverage, of thin and of strong lines */
  guint8 *strong;
  guint8 *boxes;      /* 0 nothing, STEP_NONE, STEP_FIRST + 0..N_STEPS - 1 */
  double x, y, scale; /* device pixel = (world - origin) * scale */
} Planes;

/* --- lines --- */

static inline void
cover (const Planes *p, guint8 *plane, int x, int y, double share)
{
  guint8 value = (guint8)(share * 255);

  if (x >= 0 && y >= 0 && x < p->width && y < p->height)
    {
      guint8 *at = &plane[(gsize)y * p->width + x];

      *at = MAX (*at, value);
    }
}

static void
upright (const Planes *p, guint8 *plane, double x, double y0, double y1)
{
  int at = (int)floor (x), from = (int)floor (y0), to = (int)ceil (y1);

  if (at < 0 || at >= p->width)
    return;
  from = CLAMP (from, 0, p->height);
  to = CLAMP (to, 0, p->height);
  for (int y = from; y < to; y++)
    plane[(gsize)y * p->width + at] = 255;
}

/* Smooth without a polygon: two pixels a step share the coverage (Wu, "An efficient antialiasing
 * technique", SIGGRAPH 1991). */
static void
slanted (const Planes *p, guint8 *plane, double x0, double y0, double x1, double y1)
{
  gboolean steep = fabs (y1 - y0) > fabs (x1 - x0);
  double a0 = steep ? y0 : x0, b0 = steep ? x0 : y0, a1 = steep ? y1 : x1, b1 = steep ? x1 : y1;
  double limit = steep ? p->height : p->width, slope, from, to;

  if (a0 > a1)
    {
      double t = a0;

      a0 = a1;
      a1 = t;
      t = b0;
      b0 = b1;
      b1 = t;
    }
  slope = a1 > a0 ? (b1 - b0) / (a1 - a0) : 0;
  from = fmax (floor (a0), 0);
  to = fmin (ceil (a1), limit);
  for (double a = from; a < to; a++)
    {
      double b = b0 + slope * (CLAMP (a + 0.5, a0, a1) - a0) - 0.5, low = floor (b);

      if (steep)
        {
          cover (p, plane, (int)low, (int)a, 1 - (b - low));
          cover (p, plane, (int)low + 1, (int)a, b - low);
        }
      else
        {
          cover (p, plane, (int)a, (int)low, 1 - (b - low));
          cover (p, plane, (int)a, (int)low + 1, b - low);
        }
    }
}

static void
draw_piece (const Planes *p, const PlotGraphPiece *piece)
{
  guint8 *plane = piece->flags & PLOT_PIECE_LONG ? p->strong : p->lines;
  double x0 = (piece->x0 - p->x) * p->scale, x1 = (piece->x1 - p->x) * p->scale;
  double y0 = (piece->y0 - p->y) * p->scale, c0 = (piece->c0 - p->y) * p->scale;
  double c1 = (piece->c1 - p->y) * p->scale, y1 = (piece->y1 - p->y) * p->scale;
  double px = x0, py = c0;
  guint n;

  if (fabs (x1 - x0) < 0.7)
    {
      upright (p, plane, x0, y0, y1);
      return;
    }
  upright (p, plane, x0, y0, c0);
  upright (p, plane, x1, c1, y1);
  n = fabs (x1 - x0) > 12 && c1 - c0 > 6 && !(piece->flags & PLOT_PIECE_LOOSE) ? 6 : 1;
  for (guint i = 1; i <= n; i++)
    {
      double t = (double)i / n, bend = t * t * (3 - 2 * t); /* as the curve of plot-graph-draw.c */
      double x = x0 + (x1 - x0) * (n > 1 ? bend : t), y = c0 + (c1 - c0) * t;

      slanted (p, plane, px, py, x, y);
      px = x;
      py = y;
    }
}

/* --- boxes --- */

static guint8
step_of (const PlotGraphModel *model, guint endpoint, double max_value)
{
  double value = model->entries[endpoint].value;

  if (model->entries[endpoint].problem != NULL)
    return STEP_PROBLEM;
  if (!model->has_metric || isnan (value) || !(max_value > 0))
    return STEP_NONE;
  return (guint8)(STEP_FIRST + lrint (CLAMP (value / max_value, 0, 1) * (N_STEPS - 1)));
}

static void
draw_box (const Planes *p, const PlotGraphRect *rect, guint8 step)
{
  int x0 = (int)floor ((rect->x0 - p->x) * p->scale),
      y0 = (int)floor ((rect->y0 - p->y) * p->scale);
  int x1 = (int)floor ((rect->x1 - p->x) * p->scale),
      y1 = (int)floor ((rect->y1 - p->y) * p->scale);

  x1 = MAX (x1, x0 + 1);
  y1 = MAX (y1, y0 + 1);
  x0 = MAX (x0, 0);
  y0 = MAX (y0, 0);
  x1 = MIN (x1, p->width);
  y1 = MIN (y1, p->height);
  for (int y = y0; y < y1; y++)
    for (int x = x0; x < x1; x++)
      {
        guint8 *at = &p->boxes[(gsize)y * p->width + x];

        *at = MAX (*at, step);
      }
}

/* --- the image --- */

static guint32
premultiplied (const GdkRGBA *color, double alpha)
{
  double a = color->alpha * alpha;

  return (guint32)(a * 255 + 0.5) << 24 | (guint32)(color->red * a * 255 + 0.5) << 16
         | (guint32)(color->green * a * 255 + 0.5) << 8 | (guint32)(color->blue * a * 255 + 0.5);
}

static cairo_surface_t *
compose (const Planes *p, const PlotStyle *style)
{
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, p->width, p->height);
  guint8 *data = cairo_image_surface_get_data (surface);
  int stride = cairo_image_surface_get_stride (surface);
  guint32 box[STEP_PROBLEM + 1] = { 0 }, line[256], strong[256];
  GdkRGBA color;

  plot_graph_ramp (style, NAN, &color);
  box[STEP_NONE] = premultiplied (&color, 1);
  plot_graph_problem_color (style, &color);
  box[STEP_PROBLEM] = premultiplied (&color, 1);
  for (guint i = 0; i < N_STEPS; i++)
    {
      plot_graph_ramp (style, i / (N_STEPS - 1.0), &color);
      box[STEP_FIRST + i] = premultiplied (&color, 1);
    }
  for (guint i = 0; i < 256; i++)
    {
      line[i] = premultiplied (&style->axis, i / 255.0);
      strong[i] = premultiplied (plot_style_color (style, 3), i / 255.0 * 0.4);
    }
  for (int y = 0; y < p->height; y++)
    {
      guint32 *row = (guint32 *)(data + (gsize)y * stride);
      gsize at = (gsize)y * p->width;

      for (int x = 0; x < p->width; x++, at++)
        row[x] = p->boxes[at] > 0    ? box[p->boxes[at]]
                 : p->strong[at] > 0 ? strong[p->strong[at]]
                                     : line[p->lines[at]];
    }
  cairo_surface_mark_dirty (surface);
  cairo_surface_set_device_scale (surface, 1, 1);
  return surface;
}

cairo_surface_t *
plot_graph_raster (const PlotGraphModel *model, const PlotGraphScene *scene,
                   const PlotGraphView *view, double max_value, const GArray *boxes,
                   const GArray *pieces, const PlotStyle *style)
{
  Planes p = { .width = MAX (1, (int)ceil (view->width * view->device_scale)),
               .height = MAX (1, (int)ceil (view->height * view->device_scale)),
               .x = view->x,
               .y = view->y,
               .scale = view->zoom * view->device_scale };
  gsize n = (gsize)p.width * p.height;
  g_autofree guint8 *planes = g_malloc0 (3 * n);
  cairo_surface_t *surface;

  p.lines = planes;
  p.strong = planes + n;
  p.boxes = planes + 2 * n;
  for (guint i = 0; i < pieces->len; i++)
    draw_piece (&p, &scene->pieces[g_array_index (pieces, guint, i)]);
  for (guint i = 0; i < boxes->len; i++)
    {
      guint at = g_array_index (boxes, guint, i);

      if (at >= scene->n_frames)
        draw_box (&p, &scene->boxes[at], step_of (model, scene->box_endpoint[at], max_value));
    }
  surface = compose (&p, style);
  cairo_surface_set_device_scale (surface, view->device_scale, view->device_scale);
  return surface;
}
