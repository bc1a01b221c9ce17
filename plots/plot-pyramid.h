#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PlotPyramid: least and greatest value of any range of a growing array, in O(log n).
 *
 *   level 0   16 samples per cell     [min max] [min max] [min max] ...
 *   level 1   16 cells of level 0     [min          max] [min ...
 *   ...                                memory: 2/15 of the samples
 *
 * NaN is a hole: it is skipped, and a range of nothing but holes has min > max. The pyramid does
 * not own the samples; the caller passes the same array (it may have moved) to every call.
 */
typedef struct _PlotPyramid PlotPyramid;

PlotPyramid *plot_pyramid_new (void);
void plot_pyramid_free (PlotPyramid *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PlotPyramid, plot_pyramid_free)

/** Takes note of samples @from the number known so far up to @n. O(n - known) amortised, plus O(log
 * n). */
void plot_pyramid_extend (PlotPyramid *self, const double *samples, gsize n);
/** Forgets everything: the samples changed. */
void plot_pyramid_reset (PlotPyramid *self);
gsize plot_pyramid_get_n (PlotPyramid *self);

/** Extremes of samples[first .. last - 1], clamped to what is known; no value: *min = +inf, *max =
 * -inf, and FALSE. */
gboolean plot_pyramid_query (const PlotPyramid *self, const double *samples, gsize first,
                             gsize last, double *min, double *max);

G_END_DECLS
