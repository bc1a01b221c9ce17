/* Samples in order of time: neighbours often resemble each other (a clock that drifts, a neighbour
 * that comes and goes), and then n of them say less than n independent ones (rt-series.h). */
#pragma once

#include "eng-figure.h"

G_BEGIN_DECLS

/* rt_series_inefficiency(). */
double eng_series_inefficiency (const double *samples, guint n);

/* eng_figure_from_samples() for @samples in order of time: the ranks of the interval lie apart by
 * the square root of the inefficiency farther (Heidelberger and Lewis, Quantile estimation in
 * dependent sequences, Operations Research 32, 1984). Sorts @samples in place. */
EngFigure eng_figure_from_series (double *samples, guint n, const char *unit);

G_END_DECLS
