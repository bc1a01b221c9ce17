/* Export: every format is a file that its readers accept, sizes are right, errors say what is
 * wrong. */

#include <glib/gstdio.h>
#include <string.h>
#include "plot-test-input.h"
#include "plots.h"

static PlotFigure *
make_figure (void)
{
  PlotChart *chart = PLOT_CHART (g_object_ref_sink (plot_chart_new ()));
  g_autoptr (PlotSeries) series = plot_series_new_regular ("a < b & \"c\"", 0, 1);

  for (guint i = 0; i < 50; i++)
    plot_series_append (series, 0, i * i);
  plot_chart_set_title (chart, "Title with <markup> & more");
  plot_chart_add_layer (chart, plot_layer_new (&plot_layer_line, series));
  return PLOT_FIGURE (chart);
}

static PlotFigure *
make_lanes (void)
{
  PlotLanes *lanes = PLOT_LANES (g_object_ref_sink (plot_lanes_new ()));
  const PlotItem items[] = { { "a", NULL, NULL, -1 }, { "b", NULL, NULL, -1 } };
  const double value[] = { 1, 2 };

  plot_lanes_set_items (lanes, items, 2);
  plot_lanes_add_lane (lanes, &(PlotLaneInfo){ .title = "Latency", .unit = PLOT_UNIT_SECONDS });
  plot_lanes_add_series (lanes, 0, &(PlotLaneSeriesInfo){ .pattern = PLOT_PATTERN_HATCH });
  plot_lanes_set_values (lanes, 0, 0, 0, 2, value, NULL, NULL, NULL);
  g_object_set (lanes, "title", "Lanes", NULL);
  return PLOT_FIGURE (lanes);
}

static void
on_text (GMarkupParseContext *context, const char *element, const char **names, const char **values,
         gpointer data, GError **error)
{
  (*(guint *)data)++;
}

static void
check_svg (PlotFigure *figure)
{
  const GMarkupParser parser = { .start_element = on_text };
  PlotExportOptions options = { .format = PLOT_EXPORT_SVG, .width_px = 400, .height_px = 300 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = plot_export_to_bytes (figure, &options, &error);
  g_autoptr (GMarkupParseContext) context = NULL;
  guint n_elements = 0;
  gsize length;
  const char *text;

  g_assert_no_error (error);
  text = g_bytes_get_data (bytes, &length);
  context = g_markup_parse_context_new (&parser, 0, &n_elements, NULL);
  g_assert_true (g_markup_parse_context_parse (context, text, (gssize)length, &error));
  g_assert_true (g_markup_parse_context_end_parse (context, &error));
  g_assert_cmpuint (n_elements, >, 10);
  g_assert_nonnull (g_strstr_len (text, 400, "width=\"400px\""));
  g_assert_nonnull (g_strstr_len (text, 400, "height=\"300px\""));
  g_assert_null (g_strstr_len (text, (gssize)length, "data:image")); /* vectors, not a bitmap */
}

static void
test_svg (void)
{
  PlotFigure *chart = make_figure (), *lanes = make_lanes ();

  check_svg (chart);
  check_svg (lanes);
  g_object_unref (chart);
  g_object_unref (lanes);
}

static void
test_pdf (void)
{
  PlotFigure *figure = make_figure ();
  PlotExportOptions options = { .format = PLOT_EXPORT_PDF, .width_px = 400, .height_px = 200 };
  g_autoptr (GBytes) bytes = plot_export_to_bytes (figure, &options, NULL);
  gsize length;
  const char *data = g_bytes_get_data (bytes, &length);
  g_autofree char *text = g_malloc (length + 1);

  for (gsize i = 0; i < length; i++) /* so that strstr sees all of it */
    text[i] = data[i] != '\0' ? data[i] : ' ';
  text[length] = '\0';
  g_assert_true (g_str_has_prefix (text, "%PDF-1."));
  g_assert_nonnull (strstr (text, "%%EOF"));
  g_assert_nonnull (strstr (text, "/MediaBox [ 0 0 300 150 ]")); /* 400 x 200 px at 96 per inch */
  g_object_unref (figure);
}

static void
test_png (void)
{
  PlotFigure *figure = make_figure ();
  PlotExportOptions options
      = { .format = PLOT_EXPORT_PNG, .width_px = 320, .height_px = 200, .scale = 1.5 };
  g_autoptr (GBytes) bytes = plot_export_to_bytes (figure, &options, NULL);
  g_autoptr (GdkTexture) texture = gdk_texture_new_from_bytes (bytes, NULL);

  g_assert_nonnull (texture);
  g_assert_cmpint (gdk_texture_get_width (texture), ==, 480);
  g_assert_cmpint (gdk_texture_get_height (texture), ==, 300);
  g_object_unref (figure);
}

static void
check_corner (PlotExportOptions options, guint32 expected)
{
  PlotFigure *figure = make_figure ();
  g_autoptr (GBytes) bytes = plot_export_to_bytes (figure, &options, NULL);
  g_autoptr (GdkTexture) texture = gdk_texture_new_from_bytes (bytes, NULL);
  int width = gdk_texture_get_width (texture), height = gdk_texture_get_height (texture);
  g_autofree guint32 *pixels = g_new (guint32, width * height);

  gdk_texture_download (texture, (guchar *)pixels, (gsize)width * 4);
  g_assert_cmphex (pixels[width * height - 1], ==, expected);
  g_object_unref (figure);
}

static void
test_background (void)
{
  check_corner ((PlotExportOptions){ .format = PLOT_EXPORT_PNG, .scale = 1 }, 0xffffffff);
  check_corner ((PlotExportOptions){ .format = PLOT_EXPORT_PNG, .scale = 1, .dark = TRUE },
                0xff1e1e1e);
  check_corner ((PlotExportOptions){ .format = PLOT_EXPORT_PNG, .scale = 1, .transparent = TRUE },
                0);
}

static void
test_csv (void)
{
  PlotFigure *figure = make_lanes ();
  PlotExportOptions options = { .format = PLOT_EXPORT_CSV };
  g_autoptr (GBytes) bytes = plot_export_to_bytes (figure, &options, NULL);
  g_autofree char *text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));

  g_assert_cmpstr (
      text, ==,
      "item,parent,group,Latency [s],Latency 5 % [s],Latency 95 % [s],Latency state\r\n"
      "a,,,1,,,measured\r\n"
      "b,,,2,,,measured\r\n");

  /* Where the numbers are from. */
  options.source_heading = "measured on";
  options.source = "Kitchen, \"upper\" board";
  g_autoptr (GBytes) named = plot_export_to_bytes (figure, &options, NULL);
  g_autofree char *table = g_strndup (g_bytes_get_data (named, NULL), g_bytes_get_size (named));
  g_assert_cmpstr (table, ==,
                   "item,parent,group,Latency [s],Latency 5 % [s],Latency 95 % [s],Latency "
                   "state,measured on\r\n"
                   "a,,,1,,,measured,\"Kitchen, \"\"upper\"\" board\"\r\n"
                   "b,,,2,,,measured,\"Kitchen, \"\"upper\"\" board\"\r\n");
  g_object_unref (figure);
}

static void
test_errors (void)
{
  PlotFigure *figure = make_figure ();
  PlotExportOptions options = { .format = PLOT_EXPORT_PNG, .width_px = 20000, .scale = 1 };
  g_autoptr (GError) size = NULL;
  g_autoptr (GError) negative = NULL;
  g_autoptr (GError) place = NULL;
  g_autoptr (GError) ending = NULL;
  g_autoptr (GFile) nowhere = g_file_new_for_path ("/nonexistent/folder/plot.png");
  PlotExportFormat format;

  g_assert_null (plot_export_to_bytes (figure, &options, &size));
  g_assert_error (size, PLOT_EXPORT_ERROR, PLOT_EXPORT_ERROR_SIZE);
  options.width_px = -3;
  g_assert_null (plot_export_to_bytes (figure, &options, &negative));
  g_assert_error (negative, PLOT_EXPORT_ERROR, PLOT_EXPORT_ERROR_SIZE);
  options.width_px = 0;
  g_assert_false (plot_export (figure, nowhere, &options, NULL, &place));
  g_assert_error (place, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);

  g_assert_true (plot_export_format_for_name ("a.b.SVG", &format, NULL));
  g_assert_cmpint (format, ==, PLOT_EXPORT_SVG);
  g_assert_false (plot_export_format_for_name ("plot.jpeg", &format, &ending));
  g_assert_error (ending, PLOT_EXPORT_ERROR, PLOT_EXPORT_ERROR_FORMAT);
  g_assert_nonnull (strstr (ending->message, "plot.jpeg"));
  g_object_unref (figure);
}

static void
on_done (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **)data = g_object_ref (result);
}

static gboolean
export_and_wait (PlotFigure *figure, GFile *file, GCancellable *cancellable, GError **error)
{
  PlotExportOptions options = { .format = PLOT_EXPORT_PNG, .width_px = 300, .height_px = 200 };
  g_autoptr (GAsyncResult) result = NULL;

  plot_export_async (figure, file, &options, cancellable, on_done, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return plot_export_finish (figure, result, error);
}

static void
test_async (void)
{
  PlotFigure *figure = make_figure ();
  g_autofree char *folder = g_dir_make_tmp ("plot-export-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "plot.png", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GdkTexture) texture = NULL;

  g_cancellable_cancel (cancelled);
  g_assert_false (export_and_wait (figure, file, cancelled, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (g_file_query_exists (file, NULL));
  g_clear_error (&error);

  g_assert_true (export_and_wait (figure, file, NULL, &error));
  texture = gdk_texture_new_from_file (file, &error);
  g_assert_no_error (error);
  g_assert_cmpint (gdk_texture_get_width (texture), ==, 600); /* twice, by default */
  g_unlink (path);
  g_rmdir (folder);
  g_object_unref (figure);
}

int
main (int argc, char **argv)
{
  plot_test_init (&argc, &argv);
  g_test_add_func ("/plots/export/svg", test_svg);
  g_test_add_func ("/plots/export/pdf", test_pdf);
  g_test_add_func ("/plots/export/png", test_png);
  g_test_add_func ("/plots/export/background", test_background);
  g_test_add_func ("/plots/export/csv", test_csv);
  g_test_add_func ("/plots/export/errors", test_errors);
  g_test_add_func ("/plots/export/async", test_async);
  return g_test_run ();
}
