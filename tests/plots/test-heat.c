/* PlotHeat: its table, its height, selection by keys' order, and that what is not known is no
 * zero. */
#include <math.h>
#include <string.h>

#include "plot-heat.h"
#include "plot-test-input.h"

static PlotHeat *
make (void)
{
  PlotHeat *heat = PLOT_HEAT (g_object_ref_sink (plot_heat_new ("Prices")));
  const char *const columns[] = { "Q8_0", "Q4_0" };
  const PlotHeatCell first[] = { { 0.001, "0.001", 50, PLOT_STATE_MEASURED, FALSE },
                                 { 0.02, "0.02", 30, PLOT_STATE_MEASURED, TRUE } };
  const PlotHeatCell second[] = { { 0, "same", 50, PLOT_STATE_ESTIMATE, TRUE },
                                  { NAN, NULL, NAN, PLOT_STATE_ABSENT, FALSE } };

  plot_heat_set_columns (heat, columns, 2, "loss", &(PlotUnit){ .symbol = "nat" }, "time",
                         &PLOT_UNIT_NS);
  plot_heat_add_row (heat, "Block 0", first, "Q4_0 instead of Q8_0");
  plot_heat_add_row (heat, "Block 1", second, NULL);
  return heat;
}

static void
test_table (void)
{
  PlotHeat *heat = make ();
  g_autoptr (PlotTable) table = plot_figure_make_table (PLOT_FIGURE (heat));
  g_autofree char *name = plot_table_dup_cell (table, 0, 0);
  g_autofree char *chosen = plot_table_dup_cell (table, 0, 1);
  g_autofree char *other = plot_table_dup_cell (table, 1, 1);
  g_autofree char *detail = plot_table_dup_cell (table, 0, 6);

  g_assert_cmpuint (plot_table_get_n_rows (table), ==, 2);
  g_assert_cmpuint (plot_table_get_n_columns (table), ==, 7);
  g_assert_cmpstr (name, ==, "Block 0");
  g_assert_cmpstr (chosen, ==, "Q4_0");
  g_assert_cmpstr (other, ==, "Q8_0");
  g_assert_cmpstr (detail, ==, "Q4_0 instead of Q8_0");
  g_assert_cmpfloat (plot_table_get_number (table, 0, 4), ==, 0.02);
  g_assert_cmpfloat (plot_table_get_number (table, 0, 5), ==, 30);
  g_assert_true (isnan (plot_table_get_number (table, 1, 4)));
  g_object_unref (heat);
}

static void
test_height (void)
{
  PlotHeat *heat = make ();
  const PlotHeatCell cells[2] = { { 1, "1", 1, PLOT_STATE_MEASURED, TRUE }, { 0 } };
  int two, three;

  gtk_widget_measure (GTK_WIDGET (heat), GTK_ORIENTATION_VERTICAL, -1, NULL, &two, NULL, NULL);
  plot_heat_add_row (heat, "Block 2", cells, NULL);
  gtk_widget_measure (GTK_WIDGET (heat), GTK_ORIENTATION_VERTICAL, -1, NULL, &three, NULL, NULL);
  g_assert_cmpint (three - two, ==, 30);
  g_object_unref (heat);
}

static void
count (guint *n)
{
  ++*n;
}

static void
test_selection (void)
{
  PlotHeat *heat = make ();
  guint n = 0;

  g_signal_connect_swapped (heat, "notify::selected", G_CALLBACK (count), &n);
  g_assert_cmpint (plot_heat_get_selected (heat), ==, -1);
  plot_heat_set_selected (heat, 1);
  plot_heat_set_selected (heat, 1);
  g_assert_cmpuint (n, ==, 1);
  plot_heat_set_selected (heat, 7); /* no such row */
  g_assert_cmpint (plot_heat_get_selected (heat), ==, -1);
  g_object_unref (heat);
}

/* The warmest cell is darker than the coolest, on the page as well. */
static double
brightness (cairo_surface_t *surface, int x, int y)
{
  const guchar *pixel = cairo_image_surface_get_data (surface)
                        + (gsize)y * (gsize)cairo_image_surface_get_stride (surface) + 4 * (gsize)x;
  return pixel[0] + pixel[1] + pixel[2];
}

static void
test_warmth (void)
{
  PlotHeat *heat = PLOT_HEAT (g_object_ref_sink (plot_heat_new ("")));
  const char *const columns[] = { "a", "b" };
  const PlotHeatCell cells[]
      = { { 0.001, "", NAN, PLOT_STATE_ABSENT, FALSE }, { 1, "", NAN, PLOT_STATE_ABSENT, FALSE } };
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, 400, 140);
  cairo_t *cr = cairo_create (surface);
  PlotStyle style;

  plot_style_init (&style, FALSE);
  style.marks_only = TRUE;
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_paint (cr);
  plot_heat_set_columns (heat, columns, 2, "", &PLOT_UNIT_PLAIN, "", &PLOT_UNIT_PLAIN);
  plot_heat_add_row (heat, "", cells, NULL);
  plot_figure_draw (PLOT_FIGURE (heat), cr, 400, 140, &style);
  cairo_surface_flush (surface);
  /* In the first row: 34 of title, 24 of legend, 28 of heads; columns of 150 from 24 on. */
  g_assert_cmpfloat (brightness (surface, 24 + 225, 34 + 24 + 28 + 6), <,
                     brightness (surface, 24 + 75, 34 + 24 + 28 + 6));
  cairo_destroy (cr);
  cairo_surface_destroy (surface);
  g_object_unref (heat);
}

/* In a scrolled window: as high as its rows, selecting by key brings the row into view, and
 * scrolling keeps to what there is. */
static void
test_scroll (void)
{
  PlotHeat *heat = make ();
  GtkWidget *window = gtk_window_new ();
  GtkWidget *scrolled = gtk_scrolled_window_new ();
  const PlotHeatCell cells[2] = { { 1, "1", 1, PLOT_STATE_MEASURED, TRUE }, { 0 } };
  GtkAdjustment *vertical, *horizontal;
  int natural;

  for (guint i = 0; i < 60; i++)
    plot_heat_add_row (heat, "Block", cells, NULL);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), GTK_WIDGET (heat));
  gtk_window_set_child (GTK_WINDOW (window), scrolled);
  gtk_window_set_default_size (GTK_WINDOW (window), 400, 300);
  gtk_window_present (GTK_WINDOW (window));
  gtk_test_widget_wait_for_draw (GTK_WIDGET (heat));
  gtk_widget_measure (GTK_WIDGET (heat), GTK_ORIENTATION_VERTICAL,
                      gtk_widget_get_width (GTK_WIDGET (heat)), NULL, &natural, NULL, NULL);

  vertical = gtk_scrollable_get_vadjustment (GTK_SCROLLABLE (heat));
  horizontal = gtk_scrollable_get_hadjustment (GTK_SCROLLABLE (heat));
  g_assert_cmpfloat (gtk_adjustment_get_page_size (vertical), ==,
                     gtk_widget_get_height (GTK_WIDGET (heat)));
  g_assert_cmpfloat (gtk_adjustment_get_upper (vertical), ==, natural);
  g_assert_cmpfloat (gtk_adjustment_get_upper (horizontal), ==,
                     gtk_widget_get_width (GTK_WIDGET (heat))); /* two columns fit */
  plot_heat_reveal (heat, 1);
  g_assert_cmpfloat (gtk_adjustment_get_value (vertical), ==, 0);
  plot_heat_reveal (heat, 61); /* the last: below it is the margin only */
  g_assert_cmpfloat (gtk_adjustment_get_value (vertical), >,
                     natural - gtk_widget_get_height (GTK_WIDGET (heat)) - 30);
  plot_heat_reveal (heat, 0);
  g_assert_cmpfloat (gtk_adjustment_get_value (vertical), ==, 0);
  gtk_window_destroy (GTK_WINDOW (window));
  g_object_unref (heat);
}

int
main (int argc, char **argv)
{
  gtk_test_init (&argc, &argv, NULL);
  g_test_add_func ("/heat/table", test_table);
  g_test_add_func ("/heat/height", test_height);
  g_test_add_func ("/heat/selection", test_selection);
  g_test_add_func ("/heat/warmth", test_warmth);
  g_test_add_func ("/heat/scroll", test_scroll);
  return g_test_run ();
}
