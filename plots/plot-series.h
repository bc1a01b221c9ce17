#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * PlotSeries: the data behind a layer: y over x, with optional intervals. Grows cheaply at its end;
 * a min/max pyramid over each column that needs it answers range queries in O(log n).
 *
 * x is either given, or x0 + i * dx (no memory). NaN in y is a hole: lines break there.
 * Main thread. Signal: changed, at most once between two plot_series_get_generation () readings by
 * the chart, so a burst of appends costs one redraw.
 *
 * Properties: name (string), n-points (uint64, read-only).
 */
#define PLOT_TYPE_SERIES (plot_series_get_type ())
G_DECLARE_FINAL_TYPE (PlotSeries, plot_series, PLOT, SERIES, GObject)

/** The columns a series may have. */
typedef enum
{
  PLOT_COLUMN_X,
  PLOT_COLUMN_Y,
  PLOT_COLUMN_LO,   /* interval of y: lower end */
  PLOT_COLUMN_HI,   /* interval of y: upper end */
  PLOT_COLUMN_X_LO, /* interval of x */
  PLOT_COLUMN_X_HI,
  PLOT_N_COLUMNS,
} PlotColumn;

/** x is given with every point. */
PlotSeries *plot_series_new (const char *name);
/** x = @x0 + i * @dx, dx > 0. */
PlotSeries *plot_series_new_regular (const char *name, double x0, double dx);

const char *plot_series_get_name (PlotSeries *self);
void plot_series_set_name (PlotSeries *self, const char *name);
gsize plot_series_get_n (PlotSeries *self);
/** Goes up with every change. */
guint64 plot_series_get_generation (PlotSeries *self);

/** Removes all points and labels. */
void plot_series_clear (PlotSeries *self);
/** Makes room, so that loading a known number of points allocates once. */
void plot_series_reserve (PlotSeries *self, gsize n);

/** Appends one point; @x is ignored by a regular series. O(log n) amortised. */
void plot_series_append (PlotSeries *self, double x, double y);
/** Appends a point with an interval; NaN ends are unknown. */
void plot_series_append_interval (PlotSeries *self, double x, double y, double lo, double hi);
/** Appends a point with intervals in both directions (trade-off plots). Returns its index. */
gsize plot_series_append_full (PlotSeries *self, double x, double x_lo, double x_hi, double y,
                               double lo, double hi);
/** Appends @n points. @x NULL on a regular series; @lo and @hi both NULL or both given. O(n). */
void plot_series_append_array (PlotSeries *self, gsize n, const double *x, const double *y,
                               const double *lo, const double *hi);

/** A name for one point, shown when it is hovered or selected, spoken, and written in the table. */
void plot_series_set_label (PlotSeries *self, gsize i, const char *label);
const char *plot_series_get_label (PlotSeries *self, gsize i);
/** A line of the card of one point, below its x and y: "bound by", "memory". May be called again
 * for further lines, which stand in the order of the calls. */
void plot_series_add_fact (PlotSeries *self, gsize i, const char *name, const char *value);
guint plot_series_get_n_facts (PlotSeries *self, gsize i);
/** Borrowed; valid until the series changes. */
void plot_series_get_fact (PlotSeries *self, gsize i, guint fact, const char **name,
                           const char **value);
/** A point that is an estimate is drawn hollow; points are measured unless this says otherwise. */
void plot_series_set_estimate (PlotSeries *self, gsize i, gboolean estimate);
gboolean plot_series_get_estimate (PlotSeries *self, gsize i);

double plot_series_get_x (PlotSeries *self, gsize i);
/** One value; NaN for a column that the series has not. */
double plot_series_get (PlotSeries *self, PlotColumn column, gsize i);
/** The array of a column, NULL if the series has not got it (x of a regular one); borrowed, valid
 * until the series changes. */
const double *plot_series_peek (PlotSeries *self, PlotColumn column);

/** TRUE if x never falls, which is what binary search and columns need. */
gboolean plot_series_is_sorted (PlotSeries *self);
/** First index whose x is >= @x (n if none). O(log n), O(1) if regular; sorted series only. */
gsize plot_series_lower_bound (PlotSeries *self, double x);
/** Index of the point nearest to @x; sorted series with at least one point only. */
gsize plot_series_nearest (PlotSeries *self, double x);

/** Extremes of @column over [first, last): see plot_pyramid_query (). Builds what is missing of the
 * pyramid first. */
gboolean plot_series_query (PlotSeries *self, PlotColumn column, gsize first, gsize last,
                            double *min, double *max);
/** Extremes over all points, and the least positive one (+inf if none) for log axes. */
gboolean plot_series_extent (PlotSeries *self, PlotColumn column, double *min, double *max,
                             double *min_positive);

G_END_DECLS
