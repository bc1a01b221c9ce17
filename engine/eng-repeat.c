/* The figure that the rule of repeats rests on. Called by the makers of runs and by the simulated
 * devices of the tests. */
#include "eng-repeat.h"

#include "eng-series.h"

guint
eng_repeat_warmup (const double *samples, guint n)
{
  g_autofree double *scratch = g_new (double, MAX (n, 1));
  return rt_repeat_warmup (samples, n, scratch);
}

EngFigure
eng_repeat_figure (const double *samples, guint n, double scale, gboolean reciprocal,
                   const char *unit, const char *why_none)
{
  guint skip = eng_repeat_warmup (samples, n), n_steady = n - skip;
  if (n_steady == 0)
    return eng_figure_unavailable (unit, why_none);

  g_autofree double *scaled = g_new (double, n_steady);
  for (guint i = 0; i < n_steady; i++)
    scaled[i] = reciprocal ? scale / samples[skip + i] : scale * samples[skip + i];
  return eng_figure_from_series (scaled, n_steady, unit);
}
