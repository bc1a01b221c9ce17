#pragma once

#include <gtk/gtk.h>
#include "plot-figure.h"

G_BEGIN_DECLS

/** One cell of a #PlotHeat. Strings are copied. */
typedef struct
{
  double value;     /* the warmth, on a logarithmic scale over all cells; 0 and less: none; NAN: not
                     * known */
  const char *text; /* the same in words; NULL: an em dash */
  double bar;       /* a second quantity as a bar along the foot, linear, the longest of a row fills
                     * its cell; NAN: not known */
  PlotState bar_state;
  gboolean chosen;  /* outlined and ticked; one in a row */
  const char *note; /* what is said of it under the pointer: units, intervals; NULL: text and bar */
} PlotHeatCell;

/**
 * PlotHeat: a matrix of rows and named columns whose cells carry a number as warmth and in words, a
 * second one as a bar beside the longest of its row, and a choice per row. A #GtkScrollable: in a
 * scrolled window the legend, the heads of the columns and the names of the rows stay. Rows are
 * selected by pointer and keys. Properties: title (string), selected (int: the row, -1 none).
 */
#define PLOT_TYPE_HEAT (plot_heat_get_type ())
G_DECLARE_FINAL_TYPE (PlotHeat, plot_heat, PLOT, HEAT, GtkWidget)

GtkWidget *plot_heat_new (const char *title);

/** Starts over with these columns. @value_name and @bar_name: what the warmth and the bar say,
 * with units; for table and screen readers. */
void plot_heat_set_columns (PlotHeat *self, const char *const *names, guint n,
                            const char *value_name, const PlotUnit *value_unit,
                            const char *bar_name, const PlotUnit *bar_unit);
/** @cells: [number of columns]; @detail: at the right end where there is room, nullable. */
void plot_heat_add_row (PlotHeat *self, const char *name, const PlotHeatCell *cells,
                        const char *detail);
guint plot_heat_get_n_rows (PlotHeat *self);
void plot_heat_set_selected (PlotHeat *self, int row);
int plot_heat_get_selected (PlotHeat *self);
/** Scrolls no further than needed for @row to be seen; -1: nothing. */
void plot_heat_reveal (PlotHeat *self, int row);

G_END_DECLS
