/* What samples in order of time say of their median: warm-up, ranks of its 95 % interval, and how
 * much less n samples say that resemble their neighbours than n independent ones. The studio's
 * figures (eng-figure.h, eng-series.h) and the rule that ends a measurement on any board
 * (rt-repeat.h) rest on the same functions. Nothing here allocates. */
#pragma once

#include <stdint.h>

/* Fewer samples than this say nothing of how they hang together. */
#define RT_SERIES_MIN 20

/* Smaller first; for qsort(). */
int rt_compare_doubles (const void *a, const void *b);

/* Quantile 0..1 of sorted samples, n > 0, linear between order statistics. */
double rt_quantile_sorted (const double *sorted, uint32_t n, double q);

/* The rank k (from 1) of the order statistics x_(k) and x_(n+1-k) that bound the median with at
 * least 95 % (binomial; Conover, Practical Nonparametric Statistics, section 3.2); 0 when @n is too
 * small. */
uint32_t rt_median_rank (uint32_t n);

/* The first index from which the samples' level is steady (see the .c for the rule and its source).
 * @scratch: [n]. */
uint32_t rt_warmup_length (const double *samples, uint32_t n, double *scratch);

/* How many of the samples say as much about the median as one independent sample would: 1 when they
 * are independent, never less. Statistical inefficiency of "above or below the median", the
 * autocorrelations summed up to the end of Geyer's initial positive sequence (Practical Markov
 * chain Monte Carlo, Statistical Science 7, 1992, section 3.3). 1 below RT_SERIES_MIN samples.
 * @scratch: [2 n]. O(n log n + lags * 4096): long series are looked at in blocks. */
double rt_series_inefficiency (const double *samples, uint32_t n, double *scratch);

/* The rank k (from 1) of the order statistics x_(k) and x_(n+1-k) that bound the median of @n
 * samples of this inefficiency; 0 when @n is too small. */
uint32_t rt_series_rank (uint32_t n, double inefficiency);
