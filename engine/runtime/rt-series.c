/* Order statistics of a median and the dependence of samples on each other. Called by the rule that
 * ends measurements, here and on boards, and by the studio's figures; knows nothing of what was
 * sampled. */
#include "rt-series.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is added to the interval's ranks because a measurement ends when its interval is narrow,
 * that is, rather at a lucky moment: 2.25 standard deviations to each side in place of 1.96, so
 * that 95 % are left after stopping (tests/engine/test-honesty.c). */
#define MARGIN 1.15

/* More samples than this are averaged in blocks before their lags are looked at. */
#define MAX_LAGGED 4096

#define LN2 0.693147180559945309417232121458176568

int
rt_compare_doubles (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double
rt_quantile_sorted (const double *sorted, uint32_t n, double q)
{
  double position = q * (n - 1);
  uint32_t below = (uint32_t)position;
  if (below + 1 >= n)
    return sorted[n - 1];
  double share = position - below;
  return sorted[below] + share * (sorted[below + 1] - sorted[below]);
}

uint32_t
rt_median_rank (uint32_t n)
{
  /* The largest k with P (Bin (n, 1/2) <= k - 1) <= 0.025: then x_(k) .. x_(n+1-k) covers the
   * median with at least 95 %. Terms are added as logarithms, since 2^-n leaves the range of double
   * near n = 1075. */
  double log_term = -(double)n * LN2; /* of C (n, 0) / 2^n */
  double sum = 0;
  uint32_t k = 0;

  while (k < n)
    {
      sum += exp (log_term);
      if (sum > 0.025)
        break;
      k++;
      log_term += log ((double)(n - k + 1) / k);
    }
  return k;
}

uint32_t
rt_warmup_length (const double *samples, uint32_t n, double *scratch)
{
  /* Caches, page tables and clocks make the first samples slow. The second half is taken as the
   * steady state, and the warm-up is the run of samples at the start that lie above its upper
   * fence, Q3 + 1.5 IQR (Tukey, Exploratory Data Analysis, 1977, section 2D). MSER-5 (White 1997)
   * was not taken: a decode step grows a little with every position, and under a trend MSER throws
   * away good samples until half are gone. A change in the other direction is not a warm-up and
   * stays in the data. */
  if (n < 4)
    return 0;

  uint32_t half = n / 2, n_tail = n - half;
  memcpy (scratch, samples + half, n_tail * sizeof *scratch);
  qsort (scratch, n_tail, sizeof *scratch, rt_compare_doubles);
  double q1 = rt_quantile_sorted (scratch, n_tail, 0.25);
  double q3 = rt_quantile_sorted (scratch, n_tail, 0.75);
  double fence = q3 + 1.5 * (q3 - q1);

  uint32_t length = 0;
  while (length < half && samples[length] > fence)
    length++;
  return length;
}

/* ---- Dependence ---- */

static double
clamp (double value, double low, double high)
{
  return value > high ? high : value < low ? low : value;
}

/* -1, 0 or 1: below, at or above the median; the mean is taken away, because ties may leave one. */
static void
take_signs (const double *samples, uint32_t n, double *sorted, double *signs)
{
  double mean = 0;

  memcpy (sorted, samples, n * sizeof *sorted);
  qsort (sorted, n, sizeof *sorted, rt_compare_doubles);
  double median = rt_quantile_sorted (sorted, n, 0.5);
  for (uint32_t i = 0; i < n; i++)
    {
      signs[i] = (samples[i] > median) - (samples[i] < median);
      mean += signs[i] / n;
    }
  for (uint32_t i = 0; i < n; i++)
    signs[i] -= mean;
}

static double
covariance (const double *signs, uint32_t n, uint32_t lag)
{
  double sum = 0;

  for (uint32_t i = 0; i + lag < n; i++)
    sum += signs[i] * signs[i + lag];
  return sum;
}

/* Of a series with mean 0: the sum of its autocorrelations, twice but for the first. */
static double
sum_autocorrelations (const double *series, uint32_t n)
{
  double variance = covariance (series, n, 0), sum = 0, last = DBL_MAX;
  uint32_t lag = 0;

  if (!(variance > 0))
    return 1; /* all alike */
  /* Sums of two neighbouring autocorrelations are positive and fall for a reversible process; where
   * they are no longer so, what follows is noise. */
  for (; lag + 1 < n; lag += 2)
    {
      double pair = (covariance (series, n, lag) + covariance (series, n, lag + 1)) / variance;
      pair = pair < last ? pair : last;
      if (!(pair > 0))
        break;
      sum += pair;
      last = pair;
    }
  /* The median is taken from the same samples, which makes each autocorrelation too small by about
   * inefficiency / n (Anderson, The Statistical Analysis of Time Series, 1971, section 8.2); 2 *
   * lag of them were added. */
  double seen = 2 * sum - 1, left = 1 - 2.0 * lag / n;
  return clamp (seen / (left > 0.2 ? left : 0.2), 1, n);
}

/* Means of @block neighbours each, in place; how many. */
static uint32_t
average_blocks (double *series, uint32_t n, uint32_t block)
{
  for (uint32_t i = 0; i < n / block; i++)
    {
      double sum = 0;
      for (uint32_t k = 0; k < block; k++)
        sum += series[i * block + k];
      series[i] = sum / block;
    }
  return n / block;
}

double
rt_series_inefficiency (const double *samples, uint32_t n, double *scratch)
{
  double *signs = scratch + n;

  if (n < RT_SERIES_MIN)
    return 1;
  take_signs (samples, n, scratch, signs);
  uint32_t block = (n + MAX_LAGGED - 1) / MAX_LAGGED;
  if (block == 1)
    return sum_autocorrelations (signs, n);

  /* Lags of a run of hours would take as long. Means of blocks vary block times as much as they
   * would if their samples were independent, and among each other as above. */
  double variance = covariance (signs, n, 0) / n;
  uint32_t n_blocks = average_blocks (signs, n, block);
  double of_blocks = covariance (signs, n_blocks, 0) / n_blocks;
  if (!(variance > 0))
    return 1;
  return clamp (block * of_blocks / variance * sum_autocorrelations (signs, n_blocks), 1, n);
}

uint32_t
rt_series_rank (uint32_t n, double inefficiency)
{
  uint32_t k = rt_median_rank (n);

  /* Of so few nothing was estimated, and none of them ended because it looked good
   * (RT_REPEAT_MIN): the textbook's ranks. */
  if (k == 0 || n < RT_SERIES_MIN)
    return k;
  /* The inefficiency is an estimate, too: Student's quantile in place of the normal one, larger by
   * the factor 1 + (1.96^2 + 1) / (4 nu) (Fisher and Cornish 1960), with half of the independent
   * samples as degrees of freedom. */
  double student = 1 + 2.4 * inefficiency / n;
  double half = (n + 1) / 2.0 - k;
  double rank = floor ((n + 1) / 2.0 - MARGIN * student * half * sqrt (inefficiency));
  return rank >= 1 ? (uint32_t)rank : 1;
}
