/* Samples in order of time: neighbours often resemble each other (a clock that drifts, a neighbour
 * that comes and goes), and then n of them say less than n independent ones. */
#pragma once

#include "eng-figure.h"

G_BEGIN_DECLS

/* Fewer samples than this say nothing of how they hang together. */
#define ENG_SERIES_MIN 20

/* How many of the samples say as much about the median as one independent sample would: 1 when they
 * are independent, never less. Statistical inefficiency of "above or below the median", the
 * autocorrelations summed up to the end of Geyer's initial positive sequence (Practical Markov
 * chain Monte Carlo, Statistical Science 7, 1992, section 3.3). 1 below ENG_SERIES_MIN samples. O(n
 * log n + lags * 4096): long series are looked at in blocks. */
double eng_series_inefficiency (const double *samples, guint n);

/* The rank k (from 1) of the order statistics x_(k) and x_(n+1-k) that bound the median of @n
 * samples of this inefficiency; 0 when @n is too small. */
guint eng_series_rank (guint n, double inefficiency);

/* eng_figure_from_samples() for @samples in order of time: the ranks of the interval lie apart by
 * the square root of the inefficiency farther (Heidelberger and Lewis, Quantile estimation in
 * dependent sequences, Operations Research 32, 1984). Sorts @samples in place. */
EngFigure eng_figure_from_series (double *samples, guint n, const char *unit);

G_END_DECLS
