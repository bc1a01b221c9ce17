/* PlotForest: its table, its height, and that certain and uncertain marks differ by form. */
#include <math.h>

#include "plot-forest.h"
#include "plot-test-input.h"

static const PlotForestRow rows[] = {
  { .name = "All",
    .value = 2,
    .low = 1,
    .high = 3,
    .reference = NAN,
    .certain = TRUE,
    .total = TRUE },
  { .name = "code",
    .value = 5,
    .low = 4,
    .high = 6,
    .reference = NAN,
    .certain = TRUE,
    .text = "+5 %",
    .detail = "20 → 21" },
  { .name = "prose", .value = -1, .low = NAN, .high = NAN, .reference = NAN },
};

static PlotForest *
make (void)
{
  PlotForest *forest = PLOT_FOREST (g_object_ref_sink (plot_forest_new ("Losses")));

  plot_forest_set_axis (forest, "change", &(PlotUnit){ .symbol = "%" }, 0, "better", "worse");
  plot_forest_set_rows (forest, rows, G_N_ELEMENTS (rows));
  return forest;
}

static void
test_table (void)
{
  PlotForest *forest = make ();
  g_autoptr (PlotTable) table = plot_figure_make_table (PLOT_FIGURE (forest));
  g_autofree char *name = plot_table_dup_cell (table, 1, 0);
  g_autofree char *certain = plot_table_dup_cell (table, 1, 5);
  g_autofree char *chance = plot_table_dup_cell (table, 2, 5);
  g_autofree char *detail = plot_table_dup_cell (table, 1, 6);

  g_assert_cmpuint (plot_table_get_n_rows (table), ==, 3);
  g_assert_cmpstr (name, ==, "code");
  g_assert_cmpfloat (plot_table_get_number (table, 1, 1), ==, 5);
  g_assert_cmpfloat (plot_table_get_number (table, 1, 2), ==, 4);
  g_assert_true (isnan (plot_table_get_number (table, 2, 2)));
  g_assert_cmpstr (certain, !=, chance);
  g_assert_cmpstr (detail, ==, "20 → 21");
  g_object_unref (forest);
}

/* As tall as it has lines; nothing is as tall as its axis. */
static void
test_height (void)
{
  PlotForest *forest = make ();
  int three, one, none;

  gtk_widget_measure (GTK_WIDGET (forest), GTK_ORIENTATION_VERTICAL, -1, &three, NULL, NULL, NULL);
  plot_forest_set_rows (forest, rows, 1);
  gtk_widget_measure (GTK_WIDGET (forest), GTK_ORIENTATION_VERTICAL, -1, &one, NULL, NULL, NULL);
  plot_forest_set_rows (forest, NULL, 0);
  gtk_widget_measure (GTK_WIDGET (forest), GTK_ORIENTATION_VERTICAL, -1, &none, NULL, NULL, NULL);
  g_assert_cmpint (three - one, >=, 56);
  g_assert_cmpint (one, >, none);
  g_object_unref (forest);
}

/* How many pixels have exactly @color. */
static guint
count_color (cairo_surface_t *surface, const GdkRGBA *color)
{
  const guint8 *data = cairo_image_surface_get_data (surface);
  int stride = cairo_image_surface_get_stride (surface);
  guint n = 0;

  for (int y = 0; y < cairo_image_surface_get_height (surface); y++)
    for (int x = 0; x < cairo_image_surface_get_width (surface); x++)
      {
        const guint8 *p = data + y * stride + 4 * x;

        n += abs (p[2] - (int)lround (255 * (double)color->red)) < 2
             && abs (p[1] - (int)lround (255 * (double)color->green)) < 2
             && abs (p[0] - (int)lround (255 * (double)color->blue)) < 2;
      }
  return n;
}

static guint
count_marks (gboolean certain)
{
  PlotForest *forest = make ();
  PlotForestRow row = {
    .name = "code", .value = 5, .low = NAN, .high = NAN, .reference = NAN, .certain = certain
  };
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, 700, 160);
  cairo_t *cr = cairo_create (surface);
  PlotStyle style;
  guint n;

  plot_style_init (&style, FALSE);
  style.marks_only = TRUE;
  plot_forest_set_rows (forest, &row, 1);
  plot_figure_draw (PLOT_FIGURE (forest), cr, 700, 160, &style);
  cairo_surface_flush (surface);
  n = count_color (surface, plot_style_color (&style, 0));
  cairo_destroy (cr);
  cairo_surface_destroy (surface);
  g_object_unref (forest);
  return n;
}

static void
test_marks (void)
{
  guint filled = count_marks (TRUE), hollow = count_marks (FALSE);

  g_test_message ("%u and %u pixels", filled, hollow);
  g_assert_cmpuint (filled, >, 40);
  g_assert_cmpuint (hollow, <, filled / 2);
}

static void
test_drawn (void)
{
  PlotForest *forest = make ();
  GtkWidget *window = plot_test_window (GTK_WIDGET (forest), 320, 200);

  gtk_test_widget_wait_for_draw (window);
  gtk_test_accessible_assert_role (GTK_WIDGET (forest), GTK_ACCESSIBLE_ROLE_IMG);
  gtk_window_destroy (GTK_WINDOW (window));
  g_assert_finalize_object (forest);
}

int
main (int argc, char **argv)
{
  plot_test_init (&argc, &argv);
  g_test_add_func ("/plots/forest/table", test_table);
  g_test_add_func ("/plots/forest/height", test_height);
  g_test_add_func ("/plots/forest/marks", test_marks);
  g_test_add_func ("/plots/forest/drawn", test_drawn);
  return g_test_run ();
}
