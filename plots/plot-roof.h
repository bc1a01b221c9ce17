#pragma once

#include "plot-layer.h"

G_BEGIN_DECLS

/**
 * Roofs: the limits of a machine in a chart with two logarithmic axes, x a quantity per unit moved
 * and y a quantity per second. A *slope* is what moving allows, y = rate * x, a straight line of
 * 45 degrees in decades; a *level* is what arithmetic allows. Nothing lies above all of them: a
 * slope ends at the highest level, a level begins at the steepest slope, and what lies above is
 * washed over. Names stand along the lines; one that finds no room is left out.
 *
 *   PlotLayer *roofs = plot_roof_layer_new ();
 *   plot_roof_layer_add_slope (roofs, "DRAM 32 GB/s", 32e9);
 *   plot_roof_layer_add_level (roofs, "f32 400 GFLOP/s", 400e9);
 *   plot_chart_add_layer (chart, roofs);
 */
extern const PlotLayerKind plot_layer_roof;

PlotLayer *plot_roof_layer_new (void);
void plot_roof_layer_clear (PlotLayer *layer);
/** @rate > 0: y per x. */
void plot_roof_layer_add_slope (PlotLayer *layer, const char *label, double rate);
/** @y > 0. */
void plot_roof_layer_add_level (PlotLayer *layer, const char *label, double y);
guint plot_roof_layer_get_n (PlotLayer *layer);
const char *plot_roof_layer_get_label (PlotLayer *layer, guint i);
/** Where roof @i begins and ends: a slope at 0 and at the highest level (infinity: there is none),
 * a level at the steepest slope (0: there is none) and at infinity. */
void plot_roof_layer_get_span (PlotLayer *layer, guint i, double *x0, double *x1);

G_END_DECLS
