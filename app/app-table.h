/* A plot's table, set up for reading beside the plot. */
#pragma once

#include <gtk/gtk.h>

#include "plot-table.h"

G_BEGIN_DECLS

/* plot_table_view_new() with room for the first column; text columns that say the same in each row,
 * or nothing, are left out. Floating reference. */
GtkWidget *app_table_new (PlotTable *table, int first_column_px);

G_END_DECLS
