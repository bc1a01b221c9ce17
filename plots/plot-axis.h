#pragma once

#include <glib-object.h>
#include "plot-ticks.h"

G_BEGIN_DECLS

/**
 * PlotAxis: a range of values, and how it is written. The axis normalises: it turns a value into
 * 0..1 of the range shown, layers only draw. Two charts may share one axis; then they zoom
 * together.
 *
 * There are two ranges. *Bounds* hold all the data (set by the chart, from its layers, or by
 * plot_axis_set_bounds ()). The *view* is what is shown; it follows the bounds until somebody
 * zooms.
 *
 * Properties: title (string), kind (PlotAxisKind), view-min, view-max (double), include-zero
 * (boolean: the view that follows starts at 0). Signal: changed (anything that changes what is
 * drawn).
 */
#define PLOT_TYPE_AXIS (plot_axis_get_type ())
G_DECLARE_FINAL_TYPE (PlotAxis, plot_axis, PLOT, AXIS, GObject)

#define PLOT_TYPE_AXIS_KIND (plot_axis_kind_get_type ())
GType plot_axis_kind_get_type (void);

PlotAxis *plot_axis_new (const char *title, const PlotUnit *unit);

const char *plot_axis_get_title (PlotAxis *self);
void plot_axis_set_title (PlotAxis *self, const char *title);
const PlotUnit *plot_axis_get_unit (PlotAxis *self);
void plot_axis_set_unit (PlotAxis *self, const PlotUnit *unit);
PlotAxisKind plot_axis_get_kind (PlotAxis *self);
void plot_axis_set_kind (PlotAxis *self, PlotAxisKind kind);
gboolean plot_axis_get_include_zero (PlotAxis *self);
void plot_axis_set_include_zero (PlotAxis *self, gboolean include_zero);

/** Fixes the whole range by hand, instead of taking it from the data; NaN for an end that the data
 * shall give. */
void plot_axis_set_bounds (PlotAxis *self, double min, double max);
/** What a chart (@source, any address that stays the same) reports as the extent of its data; the
 * union of all reports counts where bounds are not fixed. @min > @max takes the report back. */
void plot_axis_set_data_extent (PlotAxis *self, gconstpointer source, double min, double max,
                                double min_positive);
/** The whole range, after padding and zero. Never empty. */
void plot_axis_get_bounds (PlotAxis *self, double *min, double *max);

void plot_axis_get_view (PlotAxis *self, double *min, double *max);
/** Shows min..max (min < max, both > 0 on a log axis), kept inside twice the bounds. */
void plot_axis_set_view (PlotAxis *self, double min, double max);
/** Shows everything and follows the data again. */
void plot_axis_reset_view (PlotAxis *self);
/** TRUE while the view follows the bounds. */
gboolean plot_axis_get_following (PlotAxis *self);

/** Zooms by @factor (> 1: nearer) keeping the value at @frac (0..1 of the view) in place. */
void plot_axis_zoom (PlotAxis *self, double factor, double frac);
/** Moves the view by @frac of its length. */
void plot_axis_pan (PlotAxis *self, double frac);

/** 0..1 for values inside the view; NaN where the axis has no place for the value. */
double plot_axis_normalise (PlotAxis *self, double value);
double plot_axis_denormalise (PlotAxis *self, double frac);

/**
 * PlotScale: a frozen axis on a stretch of pixels, for draw functions. px = a + b * f (value), f
 * the identity or log10.
 */
typedef struct
{
  PlotAxisKind kind;
  double min, max; /* the view */
  double px0, px1; /* where min and max lie; px1 < px0 is usual for y */
} PlotScale;

void plot_axis_get_scale (PlotAxis *self, double px0, double px1, PlotScale *scale);
double plot_scale_to_px (const PlotScale *scale, double value);
double plot_scale_from_px (const PlotScale *scale, double px);

G_END_DECLS
