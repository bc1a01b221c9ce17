/* The interval of a median of samples that depend on each other. Called by the repeat rule and by
 * the makers of runs; knows nothing of what was sampled. */
#include "eng-series.h"

#include <math.h>
#include <stdlib.h>

/* What is added to the interval's ranks because a measurement ends when its interval is narrow,
 * that is, rather at a lucky moment: 2.25 standard deviations to each side in place of 1.96, so
 * that 95 % are left after stopping (tests/engine/test-honesty.c). */
#define MARGIN 1.15

/* More samples than this are averaged in blocks before their lags are looked at. */
#define MAX_LAGGED 4096

static int
compare_doubles (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* -1, 0 or 1: below, at or above the median; the mean is taken away, because ties may leave one. */
static double *
signs_new (const double *samples, guint n)
{
  g_autofree double *sorted = g_memdup2 (samples, n * sizeof *samples);
  double *signs = g_new (double, n);
  double mean = 0;

  qsort (sorted, n, sizeof *sorted, compare_doubles);
  double median = eng_quantile_sorted (sorted, n, 0.5);
  for (guint i = 0; i < n; i++)
    {
      signs[i] = (samples[i] > median) - (samples[i] < median);
      mean += signs[i] / n;
    }
  for (guint i = 0; i < n; i++)
    signs[i] -= mean;
  return signs;
}

static double
covariance (const double *signs, guint n, guint lag)
{
  double sum = 0;

  for (guint i = 0; i + lag < n; i++)
    sum += signs[i] * signs[i + lag];
  return sum;
}

/* Of a series with mean 0: the sum of its autocorrelations, twice but for the first. */
static double
sum_autocorrelations (const double *series, guint n)
{
  double variance = covariance (series, n, 0), sum = 0, last = G_MAXDOUBLE;
  guint lag = 0;

  if (!(variance > 0))
    return 1; /* all alike */
  /* Sums of two neighbouring autocorrelations are positive and fall for a reversible process; where
   * they are no longer so, what follows is noise. */
  for (; lag + 1 < n; lag += 2)
    {
      double pair = (covariance (series, n, lag) + covariance (series, n, lag + 1)) / variance;
      pair = MIN (pair, last);
      if (!(pair > 0))
        break;
      sum += pair;
      last = pair;
    }
  /* The median is taken from the same samples, which makes each autocorrelation too small by about
   * inefficiency / n (Anderson, The Statistical Analysis of Time Series, 1971, section 8.2); 2 *
   * lag of them were added. */
  double seen = 2 * sum - 1;
  return CLAMP (seen / MAX (1 - 2.0 * lag / n, 0.2), 1, n);
}

/* Means of @block neighbours each, in place; how many. */
static guint
average_blocks (double *series, guint n, guint block)
{
  for (guint i = 0; i < n / block; i++)
    {
      double sum = 0;
      for (guint k = 0; k < block; k++)
        sum += series[i * block + k];
      series[i] = sum / block;
    }
  return n / block;
}

double
eng_series_inefficiency (const double *samples, guint n)
{
  if (n < ENG_SERIES_MIN)
    return 1;

  g_autofree double *signs = signs_new (samples, n);
  guint block = (n + MAX_LAGGED - 1) / MAX_LAGGED;
  if (block == 1)
    return sum_autocorrelations (signs, n);

  /* Lags of a run of hours would take as long. Means of blocks vary block times as much as they
   * would if their samples were independent, and among each other as above. */
  double variance = covariance (signs, n, 0) / n;
  guint n_blocks = average_blocks (signs, n, block);
  double of_blocks = covariance (signs, n_blocks, 0) / n_blocks;
  if (!(variance > 0))
    return 1;
  return CLAMP (block * of_blocks / variance * sum_autocorrelations (signs, n_blocks), 1, n);
}

guint
eng_series_rank (guint n, double inefficiency)
{
  guint k = eng_median_rank (n);

  /* Of so few nothing was estimated, and none of them ended because it looked good
   * (ENG_REPEAT_MIN): the textbook's ranks. */
  if (k == 0 || n < ENG_SERIES_MIN)
    return k;
  /* The inefficiency is an estimate, too: Student's quantile in place of the normal one, larger by
   * the factor 1 + (1.96^2 + 1) / (4 nu) (Fisher and Cornish 1960), with half of the independent
   * samples as degrees of freedom. */
  double student = 1 + 2.4 * inefficiency / n;
  double half = (n + 1) / 2.0 - k;
  double rank = floor ((n + 1) / 2.0 - MARGIN * student * half * sqrt (inefficiency));
  return rank >= 1 ? (guint)rank : 1;
}

EngFigure
eng_figure_from_series (double *samples, guint n, const char *unit)
{
  double inefficiency = n > 0 ? eng_series_inefficiency (samples, n) : 1;
  EngFigure figure = eng_figure_from_samples (samples, n, unit); /* sorts */
  guint k = eng_series_rank (n, inefficiency);

  if (k > 0)
    {
      figure.low = samples[k - 1];
      figure.high = samples[n - k];
    }
  return figure;
}
