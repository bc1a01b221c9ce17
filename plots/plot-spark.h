#pragma once

#include <gtk/gtk.h>
#include "plot-figure.h"

G_BEGIN_DECLS

/**
 * PlotSpark: the last values of one live quantity as a line without axes, with the newest value
 * marked. Properties: title (string), capacity (uint, values kept; 120), color (uint, palette
 * index).
 */
#define PLOT_TYPE_SPARK (plot_spark_get_type ())
G_DECLARE_FINAL_TYPE (PlotSpark, plot_spark, PLOT, SPARK, GtkWidget)

GtkWidget *plot_spark_new (const char *title, const PlotUnit *unit);
void plot_spark_set_unit (PlotSpark *self, const PlotUnit *unit);
/** Adds a value at the right end (NaN: a gap); the oldest falls out. O(1), one redraw per frame. */
void plot_spark_push (PlotSpark *self, double value);
void plot_spark_clear (PlotSpark *self);
guint plot_spark_get_n_values (PlotSpark *self);
/** The newest value, NaN if there is none. */
double plot_spark_get_last (PlotSpark *self);

G_END_DECLS
