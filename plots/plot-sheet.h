#pragma once

#include "plot-figure.h"

G_BEGIN_DECLS

/**
 * PlotSheet: several figures on one page, in rows and columns, with a table of its own: what a view
 * of several plots exports. No widget.
 */
#define PLOT_TYPE_SHEET (plot_sheet_get_type ())
G_DECLARE_FINAL_TYPE (PlotSheet, plot_sheet, PLOT, SHEET, GObject)

/* Properties: title (string; "": none), drawn above all of it. */
PlotSheet *plot_sheet_new (const char *title);
void plot_sheet_set_title (PlotSheet *self, const char *title);

/** Removes all figures and the table. */
void plot_sheet_clear (PlotSheet *self);

/** Puts @figure (kept) into @row, right of those that are there; rows share the page's height by
 * the greatest @weight of their figures, figures of a row its width equally. */
void plot_sheet_add (PlotSheet *self, guint row, double weight, PlotFigure *figure);

/** What the sheet is as a table (kept); NULL: the first figure's. */
void plot_sheet_set_table (PlotSheet *self, PlotTable *table);

G_END_DECLS
