/* A result drawn over the picture it is about: boxes with labels, landmarks with their edges, masks
 * in colours. For `lathe run --output X.png`; the window draws its own. */

#include <cairo.h>
#include <math.h>

#include "app-cli-private.h"
#include "eng-run.h"

/* Okabe and Ito's colours, which stay apart for colour-blind readers. */
static const double colours[][3] = {
  { 0.90, 0.62, 0.00 }, { 0.34, 0.71, 0.91 }, { 0.00, 0.62, 0.45 }, { 0.94, 0.89, 0.26 },
  { 0.00, 0.45, 0.70 }, { 0.84, 0.37, 0.00 }, { 0.80, 0.47, 0.65 },
};

#define MASK_ALPHA 0.55

static cairo_surface_t *
surface_of (EngPicture *picture)
{
  int width = (int)eng_picture_get_width (picture), height = (int)eng_picture_get_height (picture);
  const guint8 *pixels = eng_picture_get_pixels (picture);
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, width, height);
  guint8 *to = cairo_image_surface_get_data (surface);
  int stride = cairo_image_surface_get_stride (surface);

  if (to == NULL) /* too large for Cairo: saving says so */
    return surface;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      {
        const guint8 *p = pixels + 3 * ((gsize)y * (gsize)width + (gsize)x);

        ((guint32 *)(void *)(to + (gsize)y * (gsize)stride))[x]
            = (guint32)p[0] << 16 | (guint32)p[1] << 8 | p[2];
      }
  cairo_surface_mark_dirty (surface);
  return surface;
}

static void
use_colour (cairo_t *cr, guint index, double alpha)
{
  const double *c = colours[index % G_N_ELEMENTS (colours)];

  cairo_set_source_rgba (cr, c[0], c[1], c[2], alpha);
}

/* Text on a dark ground, its lower left corner at (x, y). */
static void
draw_text (cairo_t *cr, double x, double y, const char *text)
{
  cairo_text_extents_t extents;

  cairo_text_extents (cr, text, &extents);
  y = MAX (y, extents.height + 4);
  cairo_set_source_rgba (cr, 0, 0, 0, 0.6);
  cairo_rectangle (cr, x, y - extents.height - 4, extents.width + 6, extents.height + 6);
  cairo_fill (cr);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_move_to (cr, x + 3, y - 1);
  cairo_show_text (cr, text);
}

static void
draw_points (cairo_t *cr, const EngPoint *points, guint n, double width, double height,
             double radius)
{
  for (guint i = 0; i < n; i++)
    {
      cairo_arc (cr, (double)points[i].x * width, (double)points[i].y * height, radius, 0,
                 2 * G_PI);
      cairo_fill (cr);
    }
}

static void
draw_boxes (cairo_t *cr, EngResult *result, double width, double height, double unit)
{
  for (guint i = 0; i < eng_result_get_n_boxes (result); i++)
    {
      const EngBox *box = eng_result_get_box (result, i);
      double x = (double)box->x0 * width, y = (double)box->y0 * height;
      g_autofree char *text
          = g_strdup_printf ("%s %.0f %%", box->what.label, 100 * box->what.score);

      use_colour (cr, box->what.index, 1);
      cairo_rectangle (cr, x, y, (double)box->x1 * width - x, (double)box->y1 * height - y);
      cairo_stroke (cr);
      draw_points (cr, box->points, box->n_points, width, height, unit * 1.5);
      draw_text (cr, x, y, text);
    }
}

static void
draw_landmarks (cairo_t *cr, EngResult *result, double width, double height, double unit)
{
  guint n, n_edges;
  const EngPoint *points = eng_result_get_points (result, &n);
  const guint8 *edges = eng_result_get_edges (result, &n_edges);

  use_colour (cr, 1, 0.9);
  for (guint i = 0; i < n_edges; i++)
    {
      const EngPoint *a = &points[edges[2 * i]], *b = &points[edges[2 * i + 1]];

      cairo_move_to (cr, (double)a->x * width, (double)a->y * height);
      cairo_line_to (cr, (double)b->x * width, (double)b->y * height);
    }
  cairo_stroke (cr);
  use_colour (cr, 0, 1);
  draw_points (cr, points, n, width, height, unit * 1.5);
}

/* Over the whole picture: a share of foreground in one colour, classes but the first in one
 * each. */
static void
draw_mask (cairo_t *cr, EngResult *result, double width, double height)
{
  guint mask_width, mask_height;
  gboolean soft;
  const guint8 *mask = eng_result_get_mask (result, &mask_width, &mask_height, &soft);
  cairo_surface_t *surface
      = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, (int)mask_width, (int)mask_height);
  guint8 *to = cairo_image_surface_get_data (surface);
  gsize stride = (gsize)cairo_image_surface_get_stride (surface);

  for (guint i = 0; to != NULL && i < mask_width * mask_height; i++)
    {
      const double *c = colours[(soft ? 0 : mask[i]) % G_N_ELEMENTS (colours)];
      double alpha = MASK_ALPHA * (soft ? mask[i] / 255.0 : mask[i] != 0);
      guint32 pixel = (guint32)lround (255 * alpha) << 24;

      for (guint k = 0; k < 3; k++)
        pixel |= (guint32)lround (255 * alpha * c[k]) << (16 - 8 * k);
      ((guint32 *)(void *)(to + (i / mask_width) * stride))[i % mask_width] = pixel;
    }
  cairo_surface_mark_dirty (surface);
  cairo_save (cr);
  cairo_scale (cr, width / mask_width, height / mask_height);
  cairo_set_source_surface (cr, surface, 0, 0);
  cairo_pattern_set_filter (cairo_get_source (cr), CAIRO_FILTER_NEAREST);
  cairo_paint (cr);
  cairo_restore (cr);
  cairo_surface_destroy (surface);
}

gboolean
app_cli_draw_result (EngResult *result, const char *path, GError **error)
{
  EngPicture *picture = eng_input_get_picture (eng_result_get_input (result));
  cairo_surface_t *surface = surface_of (picture);
  cairo_t *cr = cairo_create (surface);
  double width = eng_picture_get_width (picture), height = eng_picture_get_height (picture);
  double unit = MAX (1, MAX (width, height) / 400);
  cairo_status_t status;

  cairo_set_line_width (cr, unit);
  cairo_set_font_size (cr, 8 * unit);
  if (eng_result_get_kind (result) == ENG_RESULT_BOXES)
    draw_boxes (cr, result, width, height, unit);
  else if (eng_result_get_kind (result) == ENG_RESULT_POINTS)
    draw_landmarks (cr, result, width, height, unit);
  else
    draw_mask (cr, result, width, height);
  cairo_destroy (cr);
  status = cairo_surface_write_to_png (surface, path);
  cairo_surface_destroy (surface);
  if (status == CAIRO_STATUS_SUCCESS)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", path,
               cairo_status_to_string (status));
  return FALSE;
}
