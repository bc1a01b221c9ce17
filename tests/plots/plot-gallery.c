/* All widgets of the plot library with invented data, to look at them:
 *   plot-gallery                     a window
 *   plot-gallery --screenshot DIR    pictures of every page, light and dark, and what export
 *                                    writes; then leaves
 * The figures are made up and every page says so. Pages: gallery-*.c. */
#include "gallery.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "plot-test-input.h"
#include "plots.h"

double
gallery_noise (guint i, guint salt)
{
  double v = sin (i * 12.9898 + salt * 78.233) * 43758.5453;

  return v - floor (v);
}

/* --- pages --- */

typedef struct
{
  const char *name;
  int width, height;
  GtkWidget *widget;
  double hover_x, hover_y; /* where the pointer is, as a share of the size; 0: nowhere */
} Page;

static GArray *pages;

void
gallery_hover (double x, double y)
{
  Page *page = &g_array_index (pages, Page, pages->len - 1);

  page->hover_x = x;
  page->hover_y = y;
}

void
gallery_add (const char *name, int width, int height, GtkWidget *widget)
{
  Page page = { name, width, height, g_object_ref_sink (widget), 0, 0 };

  g_array_append_val (pages, page);
}

/* --- pictures of the real widgets --- */

static void
wait_ms (guint ms)
{
  gint64 end = g_get_monotonic_time () + ms * 1000;

  while (g_get_monotonic_time () < end)
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (1000);
}

static void
save_widget (GtkWidget *window, const char *path)
{
  GdkPaintable *paintable = gtk_widget_paintable_new (window);
  int w = gtk_widget_get_width (window), h = gtk_widget_get_height (window);
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  g_autoptr (GskRenderNode) node = NULL;
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, w, h);
  cairo_t *cr = cairo_create (surface);

  gdk_paintable_snapshot (paintable, snapshot, w, h);
  node = gtk_snapshot_free_to_node (snapshot);
  if (node != NULL)
    gsk_render_node_draw (node, cr);
  cairo_destroy (cr);
  if (cairo_surface_write_to_png (surface, path) != CAIRO_STATUS_SUCCESS)
    g_printerr ("cannot write %s\n", path);
  cairo_surface_destroy (surface);
  g_object_unref (paintable);
}

static void
screenshot_page (const Page *page, const char *folder, gboolean dark)
{
  GtkWidget *window = gtk_window_new ();
  g_autofree char *file = g_strdup_printf ("%s-%s.png", page->name, dark ? "dark" : "light");
  g_autofree char *path = g_build_filename (folder, file, NULL);

  g_object_set (gtk_settings_get_default (), "gtk-application-prefer-dark-theme", dark, NULL);
  gtk_window_set_decorated (GTK_WINDOW (window), FALSE);
  gtk_window_set_default_size (GTK_WINDOW (window), page->width, page->height);
  gtk_window_set_child (GTK_WINDOW (window), page->widget);
  gtk_window_present (GTK_WINDOW (window));
  wait_ms (700);
  if (page->hover_x > 0)
    plot_test_motion (page->widget, page->hover_x * page->width, page->hover_y * page->height);
  wait_ms (50);
  save_widget (window, path);
  gtk_window_set_child (GTK_WINDOW (window), NULL);
  gtk_window_destroy (GTK_WINDOW (window));
}

/* What the export writes, to compare with the screen. */
static void
export_page (const Page *page, const char *folder)
{
  const char *const endings[] = { "png", "svg", "pdf", "csv" };

  if (!PLOT_IS_FIGURE (page->widget))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (endings); i++)
    {
      g_autofree char *name = g_strdup_printf ("%s-export.%s", page->name, endings[i]);
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autoptr (GFile) file = g_file_new_for_path (path);
      g_autoptr (GError) error = NULL;
      PlotExportOptions options = { .width_px = page->width, .height_px = page->height };

      if (!plot_export_format_for_name (name, &options.format, &error)
          || !plot_export (PLOT_FIGURE (page->widget), file, &options, NULL, &error))
        g_printerr ("%s\n", error->message);
    }
}

static void
take_screenshots (const char *folder, const char *only)
{
  g_mkdir_with_parents (folder, 0777);
  for (guint i = 0; i < pages->len; i++)
    {
      const Page *page = &g_array_index (pages, Page, i);

      if (only != NULL && strstr (page->name, only) == NULL)
        continue;
      screenshot_page (page, folder, FALSE);
      screenshot_page (page, folder, TRUE);
      export_page (page, folder);
    }
}

static void
show_window (void)
{
  GtkWidget *window = gtk_window_new (), *stack = gtk_stack_new ();
  GtkWidget *switcher = gtk_stack_sidebar_new (),
            *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);
  GMainLoop *loop = g_main_loop_new (NULL, FALSE);

  for (guint i = 0; i < pages->len; i++)
    {
      const Page *page = &g_array_index (pages, Page, i);

      gtk_stack_add_titled (GTK_STACK (stack), page->widget, page->name, page->name);
    }
  gtk_stack_sidebar_set_stack (GTK_STACK_SIDEBAR (switcher), GTK_STACK (stack));
  gtk_widget_set_hexpand (stack, TRUE);
  gtk_box_append (GTK_BOX (box), switcher);
  gtk_box_append (GTK_BOX (box), stack);
  gtk_window_set_title (GTK_WINDOW (window), "Plot gallery \u2013 " GALLERY_NOTE);
  gtk_window_set_default_size (GTK_WINDOW (window), 1300, 760);
  gtk_window_set_child (GTK_WINDOW (window), box);
  g_signal_connect_swapped (window, "destroy", G_CALLBACK (g_main_loop_quit), loop);
  gtk_window_present (GTK_WINDOW (window));
  g_main_loop_run (loop);
}

int
main (int argc, char **argv)
{
  g_autofree char *folder = NULL;
  g_autofree char *only = NULL;
  g_autoptr (GError) error = NULL;
  GOptionEntry entries[]
      = { { "screenshot", 0, 0, G_OPTION_ARG_FILENAME, &folder, "Write pictures into a folder",
            "DIR" },
          { "only", 0, 0, G_OPTION_ARG_STRING, &only, "Only pages whose name holds this", "TEXT" },
          { NULL } };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }
  gtk_init ();
  pages = g_array_new (FALSE, FALSE, sizeof (Page));
  gallery_add_lanes ();
  gallery_add_charts ();
  gallery_add_views ();
  if (folder != NULL)
    take_screenshots (folder, only);
  else
    show_window ();
  return 0;
}
