#pragma once

#include "plot-lanes.h"

G_BEGIN_DECLS

/**
 * PlotLanesPage: lanes on paper. The same items, lanes, series and pictures as #PlotLanes, without
 * a widget: it needs neither a display nor gtk_init (), so that a command line can write reports.
 * Calls mean what those of PlotLanes of the same name do.
 */
#define PLOT_TYPE_LANES_PAGE (plot_lanes_page_get_type ())
G_DECLARE_FINAL_TYPE (PlotLanesPage, plot_lanes_page, PLOT, LANES_PAGE, GObject)

PlotLanesPage *plot_lanes_page_new (const char *title);
void plot_lanes_page_set_items (PlotLanesPage *self, const PlotItem *items, guint n_items);
guint plot_lanes_page_add_lane (PlotLanesPage *self, const PlotLaneInfo *info);
guint plot_lanes_page_add_series (PlotLanesPage *self, guint lane, const PlotLaneSeriesInfo *info);
void plot_lanes_page_set_values (PlotLanesPage *self, guint lane, guint series, guint first,
                                 guint n, const double *value, const double *lo, const double *hi,
                                 const guint8 *state);
void plot_lanes_page_set_lane_note (PlotLanesPage *self, guint lane, const char *note);
void plot_lanes_page_set_lane_limit (PlotLanesPage *self, guint lane, double limit);
void plot_lanes_page_set_lane_total (PlotLanesPage *self, guint lane, const char *text);
void plot_lanes_page_set_baseline_name (PlotLanesPage *self, const char *name);
/** The height in pixels at which all lanes are well readable. */
double plot_lanes_page_get_natural_height (PlotLanesPage *self);

G_END_DECLS
