#pragma once

#include <gtk/gtk.h>
#include "plot-figure.h"
#include "plot-layer.h"

G_BEGIN_DECLS

/**
 * PlotChart: layers over two numeric axes.
 *
 *   PlotChart *chart = PLOT_CHART (plot_chart_new ());
 *   plot_axis_set_unit (plot_chart_get_x_axis (chart), &PLOT_UNIT_SECONDS);
 *   plot_chart_add_layer (chart, plot_layer_new (&plot_layer_line, series));
 *
 * Pointer: wheel and pinch zoom about the pointer (over an axis only along it; Shift: x only, Ctrl:
 * y only), drag pans, double click shows everything again, click selects the nearest point.
 * Keyboard: Left and Right pan, Up and Down pan, + and - zoom, Home or 0 shows everything, n and p
 * (or Page Down, Page Up) move the selection along the data (over the points of all layers of
 * points, from left to right), Escape takes it away.
 *
 * 10,000,000 sorted points pan and zoom within a frame: see plot_layer_line.
 *
 * Properties
 *   title            string   drawn above; ""
 *   show-legend      boolean  TRUE: shown if there is more than one layer
 *   interactive      boolean  TRUE: reacts to pointer and keyboard
 *   single-click-activate  boolean  FALSE; TRUE: a click on a point selects and activates it
 * Signals
 *   point-selected (PlotLayer *layer, uint64 index)   layer NULL: nothing is selected
 *   point-activated (PlotLayer *layer, uint64 index)  Enter, or a double click on a point
 */
#define PLOT_TYPE_CHART (plot_chart_get_type ())
G_DECLARE_FINAL_TYPE (PlotChart, plot_chart, PLOT, CHART, GtkWidget)

GtkWidget *plot_chart_new (void);

const char *plot_chart_get_title (PlotChart *self);
void plot_chart_set_title (PlotChart *self, const char *title);
gboolean plot_chart_get_show_legend (PlotChart *self);
void plot_chart_set_show_legend (PlotChart *self, gboolean show_legend);
gboolean plot_chart_get_interactive (PlotChart *self);
void plot_chart_set_interactive (PlotChart *self, gboolean interactive);

/** Borrowed; never NULL. */
PlotAxis *plot_chart_get_x_axis (PlotChart *self);
PlotAxis *plot_chart_get_y_axis (PlotChart *self);
/** Uses another axis, perhaps one of another chart (kept). */
void plot_chart_set_x_axis (PlotChart *self, PlotAxis *axis);
void plot_chart_set_y_axis (PlotChart *self, PlotAxis *axis);

/** Adds @layer on top; the chart takes the reference. */
void plot_chart_add_layer (PlotChart *self, PlotLayer *layer);
void plot_chart_remove_layer (PlotChart *self, PlotLayer *layer);
guint plot_chart_get_n_layers (PlotChart *self);
PlotLayer *plot_chart_get_layer (PlotChart *self, guint i);

/** Shows everything on both axes. */
void plot_chart_reset_view (PlotChart *self);

/** Selects point @index of @layer (NULL: nothing); emits point-selected if that is a change. */
void plot_chart_select (PlotChart *self, PlotLayer *layer, guint64 index);
/** What points are compared with on their card: "−12 %, better". @name NULL, or NaN for @x or @y,
 * takes it away. The goals say which change is better. */
typedef enum
{
  PLOT_GOAL_NONE,
  PLOT_GOAL_LOWER,
  PLOT_GOAL_HIGHER,
} PlotGoal;

void plot_chart_set_reference (PlotChart *self, const char *name, double x, PlotGoal x_goal,
                               double y, PlotGoal y_goal);

/** The selected layer (borrowed) and its point, NULL if none. @index may be NULL. */
PlotLayer *plot_chart_get_selected (PlotChart *self, guint64 *index);

G_END_DECLS
