/* Tables: cells, CSV, list model. */

#include <glib.h>
#include <math.h>
#include "plot-table.h"

static PlotTable *
make_table (void)
{
  PlotTable *table = plot_table_new ("t");
  guint name = plot_table_add_column (table, "name", NULL);
  guint time = plot_table_add_column (table, "time, median", &PLOT_UNIT_NS);
  guint row = plot_table_add_row (table);

  plot_table_set_text (table, row, name, "say \"hi\", twice");
  plot_table_set_number (table, row, time, 1520000);
  row = plot_table_add_row (table);
  plot_table_set_text (table, row, name, "=1+1");
  row = plot_table_add_row (table);
  plot_table_set_number (table, row, time, 0.1);
  return table;
}

static void
test_csv (void)
{
  g_autoptr (PlotTable) table = make_table ();
  g_autofree char *csv = plot_table_to_csv (table);

  g_assert_cmpstr (csv, ==,
                   "name,\"time, median [s]\"\r\n"
                   "\"say \"\"hi\"\", twice\",0.00152\r\n"
                   "\"'=1+1\",\r\n"
                   ",1e-10\r\n");
}

static void
test_cells (void)
{
  g_autoptr (PlotTable) table = make_table ();
  g_autofree char *time = plot_table_dup_cell (table, 0, 1);
  g_autofree char *missing = plot_table_dup_cell (table, 1, 1);
  g_autofree char *empty = plot_table_dup_cell (table, 2, 0);

  g_assert_cmpstr (time, ==, "1.520\u202fms");
  g_assert_cmpstr (missing, ==, "\u2014");
  g_assert_cmpstr (empty, ==, "");
  g_assert_true (isnan (plot_table_get_number (table, 1, 1)));
  g_assert_true (isnan (plot_table_get_number (table, 0, 0)));
  g_assert_true (plot_table_is_numeric (table, 1));
  g_assert_false (plot_table_is_numeric (table, 0));
}

static void
test_model (void)
{
  g_autoptr (PlotTable) table = make_table ();
  g_autoptr (PlotTableRow) row = g_list_model_get_item (G_LIST_MODEL (table), 0);
  g_autofree char *text = plot_table_row_dup_cell (row, 1);

  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (table)), ==, 3);
  g_assert_true (g_list_model_get_item_type (G_LIST_MODEL (table)) == PLOT_TYPE_TABLE_ROW);
  g_assert_cmpstr (text, ==, "1.520\u202fms");
  g_assert_null (g_list_model_get_item (G_LIST_MODEL (table), 3));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/plots/table/csv", test_csv);
  g_test_add_func ("/plots/table/cells", test_cells);
  g_test_add_func ("/plots/table/model", test_model);
  return g_test_run ();
}
