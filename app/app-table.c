/* The table views of the window. Called by the lanes and the comparison. */
#include "app-table.h"

/* A column of numbers where one is known, or one whose texts differ. */
static gboolean
says_something (PlotTable *table, guint column)
{
  guint n_rows = plot_table_get_n_rows (table);
  g_autofree char *first = NULL;

  for (guint row = 0; row < n_rows; row++)
    {
      g_autofree char *cell = plot_table_dup_cell (table, row, column);

      if (*cell == '\0' || g_str_equal (cell, "—"))
        continue;
      if (first == NULL)
        first = g_steal_pointer (&cell);
      else if (!g_str_equal (first, cell))
        return TRUE;
      if (plot_table_is_numeric (table, column))
        return TRUE;
    }
  return n_rows == 1 && first != NULL;
}

GtkWidget *
app_table_new (PlotTable *table, int first_column_px)
{
  GtkWidget *scroller = plot_table_view_new (table);
  GtkWidget *view = gtk_scrolled_window_get_child (GTK_SCROLLED_WINDOW (scroller));
  GListModel *columns = gtk_column_view_get_columns (GTK_COLUMN_VIEW (view));

  for (guint i = 0; i < g_list_model_get_n_items (columns); i++)
    {
      g_autoptr (GtkColumnViewColumn) column = g_list_model_get_item (columns, i);

      if (i == 0)
        gtk_column_view_column_set_fixed_width (column, first_column_px);
      else
        gtk_column_view_column_set_visible (column, says_something (table, i));
    }
  gtk_widget_add_css_class (view, "data-table");
  return scroller;
}
