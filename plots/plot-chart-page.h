#pragma once

#include "plot-chart.h"

G_BEGIN_DECLS

/**
 * PlotChartPage: a chart on paper. The same axes, layers and pictures as #PlotChart, without a
 * widget: it needs neither a display nor gtk_init (), so that a command line can write reports.
 */
#define PLOT_TYPE_CHART_PAGE (plot_chart_page_get_type ())
G_DECLARE_FINAL_TYPE (PlotChartPage, plot_chart_page, PLOT, CHART_PAGE, GObject)

/** Takes references of the axes. */
PlotChartPage *plot_chart_page_new (const char *title, PlotAxis *x_axis, PlotAxis *y_axis);
/** Adds a layer on top (kept); it gets the next colour unless it has one. */
void plot_chart_page_add_layer (PlotChartPage *self, PlotLayer *layer);

G_END_DECLS
