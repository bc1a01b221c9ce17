#pragma once

#include "plot-style.h"
#include "plot-table.h"

G_BEGIN_DECLS

/**
 * PlotFigure: anything of this library that can be drawn on a page or read as a table.
 * #PlotChart, #PlotLanes and #PlotSpark implement it; export works on it.
 */
#define PLOT_TYPE_FIGURE (plot_figure_get_type ())
G_DECLARE_INTERFACE (PlotFigure, plot_figure, PLOT, FIGURE, GObject)

struct _PlotFigureInterface
{
  GTypeInterface g_iface;

  void (*draw) (PlotFigure *self, cairo_t *cr, double width, double height, const PlotStyle *style);
  PlotTable *(*make_table) (PlotFigure *self);
  const char *(*get_title) (PlotFigure *self);
};

/** Draws the figure as it stands (same range, same data; no hover) with title and legend into
 * (0, 0, @width, @height) of @cr in logical pixels. Main thread. */
void plot_figure_draw (PlotFigure *self, cairo_t *cr, double width, double height,
                       const PlotStyle *style);

/** The figure's data as a table; a new reference. */
PlotTable *plot_figure_make_table (PlotFigure *self);

/** The title, "" when there is none; borrowed. */
const char *plot_figure_get_title (PlotFigure *self);

G_END_DECLS
