#pragma once

#include <gtk/gtk.h>
#include "plot-figure.h"

G_BEGIN_DECLS

/** One line of a #PlotForest. Strings are copied. */
typedef struct
{
  const char *name;
  double value, low, high; /* NAN: not known; an interval may be missing */
  double reference;        /* what it is compared with, drawn as an upright tick; NAN: none */
  gboolean certain;        /* filled; else hollow: it may be chance */
  gboolean total;          /* of all: bold, and set apart from the lines below */
  const char *text;        /* at the right end: "+5.6 % (4.0–7.2)"; NULL: the value */
  const char *detail;      /* further right where there is room: "57.2 → 60.4" */
} PlotForestRow;

/**
 * PlotForest: values of groups with their intervals, one line each, about a common zero ("forest
 * plot": Lewis and Clarke, BMJ 322, 2001). What differs for certain is filled, what may be chance
 * is hollow. As tall as it has lines: put it into a scrolled window. Properties: title (string).
 */
#define PLOT_TYPE_FOREST (plot_forest_get_type ())
G_DECLARE_FINAL_TYPE (PlotForest, plot_forest, PLOT, FOREST, GtkWidget)

GtkWidget *plot_forest_new (const char *title);

/** @unit: of the values; @zero: where nothing changes, drawn as a line; NAN: none. @low_word and
 * @high_word name the two sides of it ("better", "worse"; nullable). */
void plot_forest_set_axis (PlotForest *self, const char *axis_title, const PlotUnit *unit,
                           double zero, const char *low_word, const char *high_word);
void plot_forest_set_rows (PlotForest *self, const PlotForestRow *rows, guint n);
guint plot_forest_get_n_rows (PlotForest *self);

G_END_DECLS
