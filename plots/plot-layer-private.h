#pragma once

#include "plot-layer.h"

G_BEGIN_DECLS

/* What the kinds of layer that follow one series share (plot-layer-common.c). */

/** The layer's colour. */
const GdkRGBA *plot_layer_rgba (PlotLayer *layer, const PlotStyle *style);

/** Indices [*first, *last) in view, and one beyond each end so that lines leave the picture. A
 * series that is not sorted gives all. */
void plot_layer_visible_range (PlotSeries *series, const PlotFrame *frame, gsize *first,
                               gsize *last);

/** TRUE if that range holds more than two samples per device pixel column and can be reduced to
 * columns. */
gboolean plot_layer_is_dense (PlotSeries *series, const PlotFrame *frame, gsize n);

/** Walks the pixel columns of a sorted series: extremes of its samples per column. */
typedef struct
{
  PlotSeries *series;
  const PlotFrame *frame;
  guint column, n_columns;
  gsize next; /* first sample of the next column */

  gsize first, last; /* samples of this column */
  double x_px;       /* its left edge, on a device pixel */
  double w_px;
} PlotColumnWalk;

void plot_column_walk_init (PlotColumnWalk *walk, PlotSeries *series, const PlotFrame *frame);
gboolean plot_column_walk_next (PlotColumnWalk *walk);

/** Pixel of a value, moved into reach of the plot area (Cairo's numbers are 24.8 bit); values that
 * have no place on a log axis lie below it. */
double plot_frame_y (const PlotFrame *frame, double value);
double plot_frame_x (const PlotFrame *frame, double value);

/** The default of PlotLayerKind.extent and pick. */
void plot_layer_default_extent (PlotLayer *layer, PlotExtent *x, PlotExtent *y);
gboolean plot_layer_default_pick (PlotLayer *layer, const PlotFrame *frame, double px, double py,
                                  gsize *index, double *distance_px);
/** pick of kinds that are nothing to point at. */
gboolean plot_layer_pick_nothing (PlotLayer *layer, const PlotFrame *frame, double px, double py,
                                  gsize *index, double *distance_px);
/** extent of kinds whose samples are levels: y stretches the y axis only, x only where y is NaN. */
void plot_layer_rule_extent (PlotLayer *layer, PlotExtent *x, PlotExtent *y);
/** Nearest sample in the plane, over those in view. */
gboolean plot_layer_pick_point (PlotLayer *layer, const PlotFrame *frame, double px, double py,
                                gsize *index, double *distance_px);

G_END_DECLS
