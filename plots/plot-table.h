#pragma once

#include <gtk/gtk.h>
#include "plot-format.h"

G_BEGIN_DECLS

/**
 * PlotTable: what a chart shows, as rows and columns. Every chart makes one (plot_figure_make_table
 * ()); it is a GListModel of #PlotTableRow, so a GtkColumnView can show it, and it writes itself as
 * CSV.
 */
#define PLOT_TYPE_TABLE (plot_table_get_type ())
G_DECLARE_FINAL_TYPE (PlotTable, plot_table, PLOT, TABLE, GObject)

#define PLOT_TYPE_TABLE_ROW (plot_table_row_get_type ())
G_DECLARE_FINAL_TYPE (PlotTableRow, plot_table_row, PLOT, TABLE_ROW, GObject)

PlotTable *plot_table_new (const char *title);

/** Adds a column before any row; @unit NULL makes it a text column. Returns its number. */
guint plot_table_add_column (PlotTable *self, const char *name, const PlotUnit *unit);

/** Adds an empty row (numbers NaN, texts ""); returns its number. */
guint plot_table_add_row (PlotTable *self);

void plot_table_set_text (PlotTable *self, guint row, guint column, const char *text);
void plot_table_set_number (PlotTable *self, guint row, guint column, double value);

const char *plot_table_get_title (PlotTable *self);
guint plot_table_get_n_columns (PlotTable *self);
guint plot_table_get_n_rows (PlotTable *self);
const char *plot_table_get_column_name (PlotTable *self, guint column);

/** The cell as a person reads it: "1.52 ms", an em dash for a missing number. New string. */
char *plot_table_dup_cell (PlotTable *self, guint row, guint column);

/** The number in a cell, NaN for a text column or a missing value. */
double plot_table_get_number (PlotTable *self, guint row, guint column);

/** TRUE for a column of numbers. */
gboolean plot_table_is_numeric (PlotTable *self, guint column);

/** The same, from an item of the list model. */
char *plot_table_row_dup_cell (PlotTableRow *row, guint column);
double plot_table_row_get_number (PlotTableRow *row, guint column);

/** RFC 4180 text: one heading line with units ("latency median [s]"), numbers in the base unit in
 * full precision, missing numbers empty, lines ended by CRLF, UTF-8. Texts that a spreadsheet would
 * run as a formula (beginning with = + - @) are prefixed with an apostrophe. Returns a new string.
 */
char *plot_table_to_csv (PlotTable *self);

/** The same with a last column called @heading that says @text in every row: where the numbers are
 * from. */
char *plot_table_to_csv_from (PlotTable *self, const char *heading, const char *text);

/** A sortable, accessible GtkColumnView of @table inside a scrolled window (floating reference). */
GtkWidget *plot_table_view_new (PlotTable *table);

G_END_DECLS
