/* The rule that ends a measurement. Called by the studio's measuring loops, by the runner's and by
 * the simulated devices of the tests; takes no time and measures nothing itself. */
#include "rt-repeat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rt-series.h"

/* From one look at the interval to the next. */
#define LOOK_GROWTH 1.25

uint32_t
rt_repeat_warmup (const double *samples, uint32_t n, double *scratch)
{
  uint32_t length = 2 * rt_warmup_length (samples, n, scratch);
  return length < n / 2 ? length : n / 2;
}

double
rt_repeat_width (const double *samples, uint32_t n, double *n_independent)
{
  double *scratch = n > 0 ? malloc (3 * (size_t)n * sizeof *scratch) : NULL, width = NAN;

  if (n_independent != NULL)
    *n_independent = 0;
  if (scratch == NULL)
    return NAN;
  uint32_t skip = rt_repeat_warmup (samples, n, scratch), n_steady = n - skip;
  double *sorted = scratch + 2 * (size_t)n;
  double inefficiency = rt_series_inefficiency (samples + skip, n_steady, scratch);
  uint32_t k = rt_series_rank (n_steady, inefficiency);
  if (k > 0)
    {
      memcpy (sorted, samples + skip, n_steady * sizeof *sorted);
      qsort (sorted, n_steady, sizeof *sorted, rt_compare_doubles);
      width = (sorted[n_steady - k] - sorted[k - 1]) / rt_quantile_sorted (sorted, n_steady, 0.5);
    }
  if (n_independent != NULL)
    *n_independent = n_steady / inefficiency;
  free (scratch);
  return width;
}

/* The interval is narrow enough, and rests on enough that is independent. */
static bool
is_narrow (const RtRepeatRule *rule, const double *samples, uint32_t n)
{
  double n_independent, width = rt_repeat_width (samples, n, &n_independent);

  return n_independent >= rule->n_min && width <= rule->target_width; /* false for NAN */
}

void
rt_repeat_init (RtRepeat *repeat, const RtRepeatRule *rule)
{
  *repeat = (RtRepeat){ .rule = *rule, .next_look = rule->n_min > 1 ? rule->n_min : 1 };
}

RtRepeatVerdict
rt_repeat_decide (RtRepeat *repeat, const double *samples, uint32_t n, uint32_t n_budget,
                  double spent_s)
{
  const RtRepeatRule *rule = &repeat->rule;

  if (rule->n_max > 0 && n >= rule->n_max)
    return RT_REPEAT_ENOUGH;
  if (rule->target_width > 0 && n >= repeat->next_look)
    {
      if (is_narrow (rule, samples, n))
        return RT_REPEAT_NARROW;
      uint32_t next = (uint32_t)ceil (n * LOOK_GROWTH);
      repeat->next_look = next > n ? next : n + 1;
    }
  /* Where the next one would end, when it takes as long as those before. */
  double next_s = n_budget > 0 ? spent_s + spent_s / n_budget : spent_s;
  double budget_s = n < RT_REPEAT_FEWEST ? RT_REPEAT_OVERRUN * rule->budget_s : rule->budget_s;
  return next_s > budget_s ? RT_REPEAT_BUDGET : RT_REPEAT_MORE;
}

const char *
rt_repeat_verdict_name (RtRepeatVerdict verdict)
{
  static const char *const names[RT_N_REPEAT_VERDICTS]
      = { "unfinished", "interval", "budget", "count" };
  return names[verdict];
}
