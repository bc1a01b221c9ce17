/* A PlotTable on screen: the way to read any chart without seeing it. Plain GtkColumnView, so
 * keyboard and screen reader work as everywhere else. */

#include "plot-table.h"

#include <math.h>

static int
compare_rows (gconstpointer a, gconstpointer b, gpointer data)
{
  guint column = GPOINTER_TO_UINT (data);
  PlotTableRow *row_a = (PlotTableRow *)a, *row_b = (PlotTableRow *)b;
  double x = plot_table_row_get_number (row_a, column);
  double y = plot_table_row_get_number (row_b, column);

  if (!isnan (x) || !isnan (y))
    {
      if (isnan (x) != isnan (y))
        return isnan (x) ? GTK_ORDERING_LARGER : GTK_ORDERING_SMALLER; /* missing ones last */
      return x < y ? GTK_ORDERING_SMALLER : x > y ? GTK_ORDERING_LARGER : GTK_ORDERING_EQUAL;
    }
  {
    g_autofree char *text_a = plot_table_row_dup_cell (row_a, column);
    g_autofree char *text_b = plot_table_row_dup_cell (row_b, column);

    return gtk_ordering_from_cmpfunc (g_utf8_collate (text_a, text_b));
  }
}

static void
setup_cell (GtkSignalListItemFactory *factory, GtkListItem *item, gpointer data)
{
  GtkWidget *label = gtk_label_new (NULL);
  gboolean numeric = GPOINTER_TO_INT (g_object_get_data (G_OBJECT (factory), "numeric"));

  gtk_label_set_xalign (GTK_LABEL (label), numeric ? 1 : 0);
  if (numeric)
    gtk_widget_add_css_class (label, "numeric");
  else
    gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_list_item_set_child (item, label);
}

static void
bind_cell (GtkSignalListItemFactory *factory, GtkListItem *item, gpointer data)
{
  g_autofree char *text
      = plot_table_row_dup_cell (gtk_list_item_get_item (item), GPOINTER_TO_UINT (data));

  gtk_label_set_text (GTK_LABEL (gtk_list_item_get_child (item)), text);
}

static GtkColumnViewColumn *
make_column (PlotTable *table, guint i)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  GtkColumnViewColumn *column;
  gboolean numeric = plot_table_is_numeric (table, i);

  g_object_set_data (G_OBJECT (factory), "numeric", GINT_TO_POINTER (numeric));
  g_signal_connect (factory, "setup", G_CALLBACK (setup_cell), NULL);
  g_signal_connect (factory, "bind", G_CALLBACK (bind_cell), GUINT_TO_POINTER (i));

  column = gtk_column_view_column_new (plot_table_get_column_name (table, i), factory);
  gtk_column_view_column_set_sorter (column,
                                     GTK_SORTER (gtk_custom_sorter_new (compare_rows,
                                                                        GUINT_TO_POINTER (i),
                                                                        NULL)));
  gtk_column_view_column_set_resizable (column, TRUE);
  gtk_column_view_column_set_expand (column, !numeric);
  return column;
}

GtkWidget *
plot_table_view_new (PlotTable *table)
{
  GtkWidget *view, *scrolled;
  GtkSortListModel *sorted;

  g_return_val_if_fail (PLOT_IS_TABLE (table), NULL);

  view = gtk_column_view_new (NULL);
  gtk_column_view_set_show_row_separators (GTK_COLUMN_VIEW (view), TRUE);
  gtk_widget_add_css_class (view, "data-table");
  for (guint i = 0; i < plot_table_get_n_columns (table); i++)
    {
      g_autoptr (GtkColumnViewColumn) column = make_column (table, i);

      gtk_column_view_append_column (GTK_COLUMN_VIEW (view), column);
    }
  sorted = gtk_sort_list_model_new (g_object_ref (G_LIST_MODEL (table)),
                                    g_object_ref (
                                        gtk_column_view_get_sorter (GTK_COLUMN_VIEW (view))));
  gtk_column_view_set_model (GTK_COLUMN_VIEW (view), GTK_SELECTION_MODEL (gtk_single_selection_new (
                                                         G_LIST_MODEL (sorted))));
  gtk_accessible_update_property (GTK_ACCESSIBLE (view), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  plot_table_get_title (table), -1);

  scrolled = gtk_scrolled_window_new ();
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), view);
  return scrolled;
}
