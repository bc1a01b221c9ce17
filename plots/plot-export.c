/* Figures as files. The same draw call as on screen, on another Cairo surface. Drawing needs the
 * main thread (widgets own the data); encoding and writing do not, so the async form hands bytes or
 * pixels to a worker. */

#include "plot-export.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <math.h>
#include <string.h>

#define MAX_SIDE_PX 16384

G_DEFINE_QUARK (plot - export - error - quark, plot_export_error)

gboolean
plot_export_format_for_name (const char *name, PlotExportFormat *format, GError **error)
{
  static const struct
  {
    const char *ending;
    PlotExportFormat format;
  } known[] = { { ".png", PLOT_EXPORT_PNG },
                { ".svg", PLOT_EXPORT_SVG },
                { ".pdf", PLOT_EXPORT_PDF },
                { ".csv", PLOT_EXPORT_CSV } };
  g_autofree char *lower = NULL;

  g_return_val_if_fail (name != NULL && format != NULL, FALSE);

  lower = g_ascii_strdown (name, -1);
  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (g_str_has_suffix (lower, known[i].ending))
      {
        *format = known[i].format;
        return TRUE;
      }
  g_set_error (
      error, PLOT_EXPORT_ERROR, PLOT_EXPORT_ERROR_FORMAT,
      "“%s” does not say which format to write; end the name with .png, .svg, .pdf or .csv", name);
  return FALSE;
}

/* --- drawing --- */

static gboolean
complete_options (const PlotExportOptions *options, PlotExportOptions *out, GError **error)
{
  *out = *options;
  if (out->width_px == 0)
    out->width_px = 960;
  if (out->height_px == 0)
    out->height_px = 540;
  if (out->scale == 0 || out->format != PLOT_EXPORT_PNG)
    out->scale = out->format == PLOT_EXPORT_PNG ? 2 : 1;
  if (out->width_px > 0 && out->height_px > 0 && out->scale > 0
      && out->width_px * out->scale <= MAX_SIDE_PX && out->height_px * out->scale <= MAX_SIDE_PX)
    return TRUE;
  g_set_error (
      error, PLOT_EXPORT_ERROR, PLOT_EXPORT_ERROR_SIZE,
      "A picture of %d × %d at scale %g cannot be made; each side must lie between 1 and %d"
      " pixels",
      options->width_px, options->height_px, options->scale, MAX_SIDE_PX);
  return FALSE;
}

static cairo_status_t
append_bytes (void *closure, const unsigned char *data, unsigned int length)
{
  g_byte_array_append (closure, data, length);
  return CAIRO_STATUS_SUCCESS;
}

static cairo_surface_t *
make_surface (const PlotExportOptions *options, GByteArray *out)
{
  /* Vector formats count in points: 1 logical pixel is 1/96 inch. */
  const double points = 72.0 / 96.0;
  double w = options->width_px, h = options->height_px;
  cairo_surface_t *surface;

  switch (options->format)
    {
    case PLOT_EXPORT_SVG:
      surface = cairo_svg_surface_create_for_stream (append_bytes, out, w, h);
      cairo_svg_surface_set_document_unit (surface, CAIRO_SVG_UNIT_PX);
      return surface;
    case PLOT_EXPORT_PDF:
      surface = cairo_pdf_surface_create_for_stream (append_bytes, out, w * points, h * points);
      cairo_surface_set_device_scale (surface, points, points);
      return surface;
    case PLOT_EXPORT_PNG:
    case PLOT_EXPORT_CSV:
    default:
      surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, (int)ceil (w * options->scale),
                                            (int)ceil (h * options->scale));
      cairo_surface_set_device_scale (surface, options->scale, options->scale);
      return surface;
    }
}

static gboolean
check_surface (cairo_surface_t *surface, GError **error)
{
  cairo_status_t status = cairo_surface_status (surface);

  if (status == CAIRO_STATUS_SUCCESS)
    return TRUE;
  g_set_error (error, PLOT_EXPORT_ERROR, PLOT_EXPORT_ERROR_CAIRO,
               "The picture could not be drawn: %s", cairo_status_to_string (status));
  return FALSE;
}

/* Draws @figure; vector formats are complete in @out afterwards, a PNG is still pixels. */
static cairo_surface_t *
draw_surface (PlotFigure *figure, const PlotExportOptions *options, GByteArray *out, GError **error)
{
  cairo_surface_t *surface = make_surface (options, out);
  PlotStyle style;
  cairo_t *cr;

  plot_style_init (&style, options->dark);
  if (options->transparent && options->format != PLOT_EXPORT_PDF)
    style.background.alpha = 0;
  if (options->format == PLOT_EXPORT_PDF && *plot_figure_get_title (figure) != '\0')
    cairo_pdf_surface_set_metadata (surface, CAIRO_PDF_METADATA_TITLE,
                                    plot_figure_get_title (figure));
  cr = cairo_create (surface);
  plot_figure_draw (figure, cr, options->width_px, options->height_px, &style);
  if (options->format != PLOT_EXPORT_PNG)
    {
      cairo_show_page (cr);
      cairo_surface_finish (surface);
    }
  cairo_destroy (cr);
  if (!check_surface (surface, error))
    g_clear_pointer (&surface, cairo_surface_destroy);
  return surface;
}

static GBytes *
encode_png (cairo_surface_t *surface, GError **error)
{
  GByteArray *out = g_byte_array_new ();
  cairo_status_t status = cairo_surface_write_to_png_stream (surface, append_bytes, out);

  if (status == CAIRO_STATUS_SUCCESS)
    return g_byte_array_free_to_bytes (out);
  g_byte_array_unref (out);
  g_set_error (error, PLOT_EXPORT_ERROR, PLOT_EXPORT_ERROR_CAIRO,
               "The picture could not be compressed: %s", cairo_status_to_string (status));
  return NULL;
}

/* What the main thread must do. Either *@bytes (complete) or *@surface (pixels) is set. */
static gboolean
prepare (PlotFigure *figure, const PlotExportOptions *given, GBytes **bytes,
         cairo_surface_t **surface, GError **error)
{
  PlotExportOptions options;
  GByteArray *out;

  *bytes = NULL;
  *surface = NULL;
  if (given->format == PLOT_EXPORT_CSV)
    {
      g_autoptr (PlotTable) table = plot_figure_make_table (figure);
      char *csv = plot_table_to_csv_from (table, given->source_heading, given->source);

      *bytes = g_bytes_new_take (csv, strlen (csv));
      return TRUE;
    }
  if (!complete_options (given, &options, error))
    return FALSE;

  out = g_byte_array_new ();
  *surface = draw_surface (figure, &options, out, error);
  if (*surface == NULL || options.format == PLOT_EXPORT_PNG)
    {
      g_byte_array_unref (out);
      return *surface != NULL;
    }
  g_clear_pointer (surface, cairo_surface_destroy);
  *bytes = g_byte_array_free_to_bytes (out);
  return TRUE;
}

GBytes *
plot_export_to_bytes (PlotFigure *figure, const PlotExportOptions *options, GError **error)
{
  cairo_surface_t *surface;
  GBytes *bytes;

  g_return_val_if_fail (PLOT_IS_FIGURE (figure) && options != NULL, NULL);

  if (!prepare (figure, options, &bytes, &surface, error))
    return NULL;
  if (bytes == NULL)
    {
      bytes = encode_png (surface, error);
      cairo_surface_destroy (surface);
    }
  return bytes;
}

static gboolean
write_bytes (GFile *file, GBytes *bytes, GCancellable *cancellable, GError **error)
{
  gsize length;
  const char *data = g_bytes_get_data (bytes, &length);

  return g_file_replace_contents (file, data, length, NULL, FALSE, G_FILE_CREATE_NONE, NULL,
                                  cancellable, error);
}

gboolean
plot_export (PlotFigure *figure, GFile *file, const PlotExportOptions *options,
             GCancellable *cancellable, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;

  g_return_val_if_fail (G_IS_FILE (file), FALSE);

  bytes = plot_export_to_bytes (figure, options, error);
  return bytes != NULL && write_bytes (file, bytes, cancellable, error);
}

/* --- async --- */

typedef struct
{
  GFile *file;
  GBytes *bytes;
  cairo_surface_t *surface; /* pixels of a PNG: only the worker touches them */
} Work;

static void
work_free (gpointer data)
{
  Work *work = data;

  g_clear_object (&work->file);
  g_clear_pointer (&work->bytes, g_bytes_unref);
  g_clear_pointer (&work->surface, cairo_surface_destroy);
  g_free (work);
}

static void
write_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Work *work = data;
  GError *error = NULL;

  if (work->bytes == NULL)
    work->bytes = encode_png (work->surface, &error);
  if (work->bytes == NULL || !write_bytes (work->file, work->bytes, cancellable, &error))
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

void
plot_export_async (PlotFigure *figure, GFile *file, const PlotExportOptions *options,
                   GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;
  Work *work;

  g_return_if_fail (PLOT_IS_FIGURE (figure) && G_IS_FILE (file) && options != NULL);

  task = g_task_new (figure, cancellable, callback, data);
  g_task_set_source_tag (task, plot_export_async);
  work = g_new0 (Work, 1);
  work->file = g_object_ref (file);
  g_task_set_task_data (task, work, work_free);
  if (prepare (figure, options, &work->bytes, &work->surface, &error))
    g_task_run_in_thread (task, write_thread);
  else
    g_task_return_error (task, error);
}

gboolean
plot_export_finish (PlotFigure *figure, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, figure), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
