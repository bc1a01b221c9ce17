#pragma once

#include "plot-axis.h"
#include "plot-series.h"
#include "plot-style.h"

G_BEGIN_DECLS

/**
 * PlotLayer: one way to draw one series in a chart. A kind of layer is one file that fills one
 * table of functions, #PlotLayerKind; those below come with the library, and a program may bring
 * its own.
 *
 * Properties: title (string, for legend and card; the series' name unless set; "" leaves the layer
 * out of both, as for the band of a line), visible (boolean). Signal: changed.
 */
#define PLOT_TYPE_LAYER (plot_layer_get_type ())
G_DECLARE_FINAL_TYPE (PlotLayer, plot_layer, PLOT, LAYER, GObject)

/** Everything a draw function may see. Pure: the same frame and data give the same picture, on the
 * screen, in a file, in a test. */
typedef struct
{
  PlotScale x, y;
  double x_px, y_px, width_px,
      height_px;       /* the plot area in logical pixels; drawing is clipped to it */
  double device_scale; /* device pixels per logical pixel: for crisp edges */
  const PlotStyle *style;
} PlotFrame;

/** Data extents that a layer needs; min > max means it needs nothing. */
typedef struct
{
  double min, max, min_positive;
} PlotExtent;

typedef struct
{
  const char *id;
  /** Draws all of the layer. Cost bounded by pixels, not by points, where the series is sorted. */
  void (*draw) (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame);
  /** Extent of its data; NULL: x and y columns of the series. */
  void (*extent) (PlotLayer *layer, PlotExtent *x, PlotExtent *y);
  /** Point near (px, py) and its distance in pixels; FALSE if none. NULL: nearest in x. */
  gboolean (*pick) (PlotLayer *layer, const PlotFrame *frame, double px, double py, gsize *index,
                    double *distance_px);
  /** The sample in the legend, in a box of 18 x 12 at the origin. NULL: a filled box. */
  void (*swatch) (PlotLayer *layer, cairo_t *cr, const PlotStyle *style);
  /** TRUE: shows what other layers hold already, so the table leaves it out. */
  gboolean derived;
} PlotLayerKind;

extern const PlotLayerKind plot_layer_line;   /* line; dense data as min/max columns */
extern const PlotLayerKind plot_layer_step;   /* each value holds until the next x */
extern const PlotLayerKind plot_layer_area;   /* line with a wash down to zero */
extern const PlotLayerKind plot_layer_band;   /* lo..hi as a wash */
extern const PlotLayerKind plot_layer_points; /* shapes with error bars in x and y */
extern const PlotLayerKind
    plot_layer_rule; /* a level or upright line at each y, or x when y is NaN */
extern const PlotLayerKind
    plot_layer_trail; /* an arrow from (x lo, lo), where a point was, to (x, y) */

extern const PlotLayerKind plot_layer_front; /* staircase of a Pareto front, sorted by x */
extern const PlotLayerKind
    plot_layer_limit_above; /* what is above y, or right of x when y is NaN, is not allowed; the
                             * axes are not stretched to it */
extern const PlotLayerKind plot_layer_limit_below; /* what is below, or left, is not */
extern const PlotLayerKind plot_layer_labels; /* names of points, without overlaps; the first of the
                                               * series are the most important */
extern const PlotLayerKind plot_layer_ring;   /* lights up points */

/* upright bars at whole numbers of x, from zero to y, with whiskers from lo to hi */
extern const PlotLayerKind plot_layer_bars;
/* a function of both axes, see plot_field_layer_new () */
extern const PlotLayerKind plot_layer_field;

/** A value at a place; NaN where it is not known. Pure, cheap: asked some ten thousand times a
 * frame. */
typedef double (*PlotFieldFunc) (double x, double y, gpointer data);

/** A layer over the whole picture: tinted where @function is @level (> 0) or more, hatched where it
 * is less, with the contour between, and those of some multiples of the level with their numbers
 * ("2×"). The axes are not stretched by it. The layer takes @data. */
PlotLayer *plot_field_layer_new (const char *title, double level, PlotFieldFunc function,
                                 gpointer data, GDestroyNotify destroy);

/** What is said in the corner of the smallest x and the greatest y where the function is less
 * than the level there: "slower"; NULL: nothing. */
void plot_field_set_below (PlotLayer *self, const char *text);

/** Which end of each axis is the better one, for a layer of plot_layer_front; lower unless set. */
void plot_front_set_goals (PlotLayer *self, gboolean x_lower_is_better, gboolean y_lower_is_better);

/** A layer of @kind over @series (kept). The chart gives it the next colour when it is added,
 * unless plot_layer_set_color () was called. */
PlotLayer *plot_layer_new (const PlotLayerKind *kind, PlotSeries *series);

const PlotLayerKind *plot_layer_get_kind (PlotLayer *self);
PlotSeries *plot_layer_get_series (PlotLayer *self);
const char *plot_layer_get_title (PlotLayer *self);
void plot_layer_set_title (PlotLayer *self, const char *title);
gboolean plot_layer_get_visible (PlotLayer *self);
void plot_layer_set_visible (PlotLayer *self, gboolean visible);
/** Palette index, or -1 while none is set. */
int plot_layer_get_color (PlotLayer *self);
void plot_layer_set_color (PlotLayer *self, int color);
PlotShape plot_layer_get_shape (PlotLayer *self);
void plot_layer_set_shape (PlotLayer *self, PlotShape shape);
/** Dash pattern of lines, so that two lines differ by more than colour: 0 solid, 1 dashed, 2
 * dotted, 3 dash-dot. */
guint plot_layer_get_dash (PlotLayer *self);
void plot_layer_set_dash (PlotLayer *self, guint dash);
/** Whatever a kind brought by a program wants to keep; freed with the layer. */
gpointer plot_layer_get_data (PlotLayer *self);
void plot_layer_set_data (PlotLayer *self, gpointer data, GDestroyNotify destroy);
/** Goes up with every change of the layer or its series. */
guint64 plot_layer_get_generation (PlotLayer *self);
/** Tells the chart that what the layer draws has changed (for kinds with their own data). */
void plot_layer_changed (PlotLayer *self);

G_END_DECLS
