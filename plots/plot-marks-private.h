#pragma once

#include "plot-style.h"

G_BEGIN_DECLS

/* Small drawing helpers shared by lanes, layers, legends and cards. All pure. */

/** @px moved to the nearest edge of a device pixel. */
double plot_snap (double px, double device_scale);

/** Source colour with its alpha multiplied by @alpha. */
void plot_set_color (cairo_t *cr, const GdkRGBA *color, double alpha);

/** Fills the current path: solid, or a light wash with the strokes of @pattern in full colour over
 * it. The strokes are anchored at the origin, so neighbouring areas match; vector output keeps them
 * as lines. The path is consumed; (x, y, w, h) must hold it. */
void plot_fill_pattern (cairo_t *cr, PlotPattern pattern, const GdkRGBA *color, double device_scale,
                        double x, double y, double w, double h);

/** Appends the outline of @shape with centre (x, y) and about the area of a circle of radius @r. */
void plot_shape_path (cairo_t *cr, PlotShape shape, double x, double y, double r);

/** A box with corners rounded by @r as a path. */
void plot_round_box_path (cairo_t *cr, double x, double y, double w, double h, double r);

/** Dash pattern @dash (0 solid, 1 dashed, 2 dotted, 3 dash-dot) for lines of @width_px. */
void plot_set_dash (cairo_t *cr, guint dash, double width_px);

/* Columns one device pixel wide, filled from top to bottom: dense data. On pixels they are set in a
 * mask and painted in one go, a tenth of the cost of as many rectangles; vector formats get the
 * rectangles. */
typedef struct
{
  cairo_t *cr;
  cairo_surface_t *mask; /* NULL: rectangles */
  double x_px, y_px, device_scale;
  int width, height, stride; /* of the mask, device pixels */
  guint8 *data;
} PlotColumns;

/** For the area (x, y, w, h), whose corner lies on a device pixel. */
void plot_columns_init (PlotColumns *self, cairo_t *cr, double x, double y, double w, double h,
                        double device_scale);
/** Fills column @i (from the left edge) from @top to @bottom, both on device pixels. */
void plot_columns_add (PlotColumns *self, guint i, double top, double bottom);
/** Paints all of them and frees. */
void plot_columns_paint (PlotColumns *self, const GdkRGBA *color, double alpha);

G_END_DECLS
