/* Differences of figures, and their intervals. Called by comparisons and gates, and through
 * app-change.c by the window; knows nothing of words.
 *
 * The interval of a difference d = b - a of two independent estimates with 95 % intervals (l, u)
 * each is
 *
 *     d - sqrt ((b - l_b)^2 + (u_a - a)^2)   to   d + sqrt ((u_b - b)^2 + (a - l_a)^2)
 *
 * (Zou and Donner, Construction of confidence limits about effect measures: a general approach,
 * Statistics in Medicine 27, 2008, equation 6). Of a ratio b / a of positive numbers it is the same
 * on logarithms, where it always exists. */
#include "eng-change.h"

#include <math.h>

static gboolean
has_interval (const EngFigure *figure)
{
  return isfinite (figure->low) && isfinite (figure->high);
}

static void
fill_points (EngChange *change, const EngFigure *before, const EngFigure *after)
{
  change->points = TRUE;
  change->frac = (after->value - before->value) / 100.0;
  if (has_interval (before) && has_interval (after))
    {
      change->low
          = change->frac - hypot (after->value - after->low, before->high - before->value) / 100.0;
      change->high
          = change->frac + hypot (after->high - after->value, before->value - before->low) / 100.0;
    }
}

static void
fill_ratios (EngChange *change, const EngFigure *before, const EngFigure *after)
{
  change->frac = after->value / before->value - 1.0;
  if (has_interval (before) && has_interval (after) && before->low > 0.0 && after->low > 0.0)
    {
      double ratio = log (after->value / before->value);

      change->low = expm1 (
          ratio - hypot (log (after->value / after->low), log (before->high / before->value)));
      change->high = expm1 (
          ratio + hypot (log (after->high / after->value), log (before->value / before->low)));
    }
}

EngChange
eng_change (const EngFigure *before, const EngFigure *after, gboolean lower_is_better)
{
  EngChange change = { ENG_CHANGE_NONE, NAN, NAN, NAN, FALSE, NULL };
  gboolean good, shares;

  g_return_val_if_fail (before != NULL && after != NULL, change);

  if (!before->available || !after->available)
    {
      change.reason = "not measured in both runs";
      return change;
    }
  shares = g_strcmp0 (before->unit, "%") == 0 && g_strcmp0 (after->unit, "%") == 0;
  if (!shares && (!(before->value > 0.0) || !(after->value >= 0.0)))
    {
      change.reason = "there is nothing to take a ratio of";
      return change;
    }
  if (shares)
    fill_points (&change, before, after);
  else
    fill_ratios (&change, before, after);
  good = (change.frac < 0.0) == (lower_is_better != FALSE);
  change.verdict = change.frac == 0.0 ? ENG_CHANGE_SAME
                   : good             ? ENG_CHANGE_BETTER
                                      : ENG_CHANGE_WORSE;
  if (!isfinite (change.low) || !isfinite (change.high))
    change.reason = after->reason != NULL && *after->reason != '\0'
                        ? after->reason
                        : "too few samples for an interval";
  else if (change.low <= 0.0 && change.high >= 0.0)
    change.verdict = ENG_CHANGE_SAME;
  return change;
}

gboolean
eng_change_is_clear (const EngChange *change)
{
  return isfinite (change->low) && isfinite (change->high)
         && (change->low > 0.0 || change->high < 0.0);
}

const char *
eng_verdict_name (EngVerdict verdict)
{
  static const char *const names[] = { "unknown", "same", "better", "worse" };

  g_return_val_if_fail (verdict < G_N_ELEMENTS (names), NULL);
  return names[verdict];
}

EngFigure
eng_figure_sum (const EngFigure *figures, guint n, const char *unit)
{
  EngFigure sum = eng_figure_exact (0.0, unit);
  gboolean any = FALSE, sampled = FALSE;
  const char *reason = NULL;

  for (guint i = 0; i < n; i++)
    {
      if (!figures[i].available)
        {
          reason = reason != NULL ? reason : figures[i].reason;
          continue;
        }
      sum.value += figures[i].value;
      sum.low
          += figures[i].low; /* NAN spreads: one part without an interval leaves none for the sum */
      sum.high += figures[i].high;
      if (figures[i].n > 0)
        {
          sum.n = sampled ? MIN (sum.n, figures[i].n) : figures[i].n;
          sampled = TRUE;
        }
      sum.reason = figures[i].reason; /* a caveat of one holds for the whole */
      any = TRUE;
    }
  return any ? sum : eng_figure_unavailable (unit, reason != NULL ? reason : "not measured");
}
