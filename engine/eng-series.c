/* The interval of a median of samples that depend on each other. Called by the repeat rule and by
 * the makers of runs; the arithmetic is the runtime's (rt-series.h), because boards decide by it,
 * too. */
#include "eng-series.h"

#include "rt-series.h"

double
eng_series_inefficiency (const double *samples, guint n)
{
  if (n < RT_SERIES_MIN)
    return 1;
  g_autofree double *scratch = g_new (double, 2 * (gsize)n);
  return rt_series_inefficiency (samples, n, scratch);
}

EngFigure
eng_figure_from_series (double *samples, guint n, const char *unit)
{
  double inefficiency = n > 0 ? eng_series_inefficiency (samples, n) : 1;
  EngFigure figure = eng_figure_from_samples (samples, n, unit); /* sorts */
  guint k = rt_series_rank (n, inefficiency);

  if (k > 0)
    {
      figure.low = samples[k - 1];
      figure.high = samples[n - k];
    }
  return figure;
}
