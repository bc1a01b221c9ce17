/* The rule that ends a measurement, and the figure that it rests on. Called by both measuring loops
 * and by the simulated devices of the tests; takes no time and measures nothing itself. */
#include "eng-repeat.h"

#include <math.h>

#include "eng-series.h"

/* From one look at the interval to the next. */
#define LOOK_GROWTH 1.25

guint
eng_repeat_warmup (const double *samples, guint n)
{
  return MIN (2 * eng_warmup_length (samples, n), n / 2);
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

/* The interval is narrow enough, and rests on enough that is independent. */
static gboolean
is_narrow (const EngRepeatRule *rule, const double *samples, guint n)
{
  EngFigure figure = eng_repeat_figure (samples, n, 1, FALSE, "", "");
  guint skip = eng_repeat_warmup (samples, n);
  double n_independent = (n - skip) / eng_series_inefficiency (samples + skip, n - skip);

  return n_independent >= rule->n_min
         && figure.high - figure.low <= rule->target_width * figure.value; /* FALSE for NAN */
}

void
eng_repeat_init (EngRepeat *repeat, const EngRepeatRule *rule)
{
  g_return_if_fail (repeat != NULL && rule != NULL);
  *repeat = (EngRepeat){ .rule = *rule, .next_look = MAX (rule->n_min, 1) };
}

EngRepeatVerdict
eng_repeat_decide (EngRepeat *repeat, const double *samples, guint n, guint n_budget,
                   double spent_s)
{
  g_return_val_if_fail (repeat != NULL && (n == 0 || samples != NULL), ENG_REPEAT_BUDGET);

  const EngRepeatRule *rule = &repeat->rule;
  if (rule->n_max > 0 && n >= rule->n_max)
    return ENG_REPEAT_ENOUGH;
  if (rule->target_width > 0 && n >= repeat->next_look)
    {
      if (is_narrow (rule, samples, n))
        return ENG_REPEAT_NARROW;
      repeat->next_look = MAX (n + 1, (guint)ceil (n * LOOK_GROWTH));
    }
  /* Where the next one would end, when it takes as long as those before. */
  double next_s = n_budget > 0 ? spent_s + spent_s / n_budget : spent_s;
  double budget_s = n < ENG_REPEAT_FEWEST ? ENG_REPEAT_OVERRUN * rule->budget_s : rule->budget_s;
  return next_s > budget_s ? ENG_REPEAT_BUDGET : ENG_REPEAT_MORE;
}

const char *
eng_repeat_verdict_name (EngRepeatVerdict verdict)
{
  static const char *const names[] = { "unfinished", "interval", "budget", "count" };
  g_return_val_if_fail (verdict < G_N_ELEMENTS (names), NULL);
  return names[verdict];
}
