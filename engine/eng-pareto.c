/* Pareto dominance with intervals. Called by the trade-off; knows nothing of runs.
 *
 * By medians, q beats p when it is at least as good in both figures and better in one. That is
 * certain when q's worst end is at least as good as p's best end in both figures, and better in
 * one: intervals that overlap decide nothing. (Interval dominance, as in Teich, "Pareto-Front
 * Exploration with Uncertain Objectives", EMO 2001, section 3, for probability one.) */
#include "eng-pareto.h"

#include <math.h>

/* One figure of one point, turned so that lower is better. */
typedef struct
{
  double value, best, worst;
} Goal;

static Goal
goal_from_figure (const EngFigure *figure, gboolean lower_is_better)
{
  gboolean exact = figure->n == 0 && isnan (figure->low) && isnan (figure->high);
  double low = exact ? figure->value : isnan (figure->low) ? -INFINITY : figure->low;
  double high = exact ? figure->value : isnan (figure->high) ? INFINITY : figure->high;

  if (lower_is_better)
    return (Goal){ figure->value, low, high };
  return (Goal){ -figure->value, -high, -low };
}

static gboolean
beats (double ax, double ay, double bx, double by)
{
  return ax <= bx && ay <= by && (ax < bx || ay < by);
}

static void
judge (const Goal *x, const Goal *y, const gboolean *known, guint n, guint p, EngParetoState *state,
       int *by)
{
  *state = ENG_PARETO_FRONT;
  for (guint q = 0; q < n; q++)
    {
      if (q == p || !known[q])
        continue;
      if (beats (x[q].worst, y[q].worst, x[p].best, y[p].best))
        {
          *state = ENG_PARETO_DOMINATED;
          *by = (int)q;
          return;
        }
      if (*state == ENG_PARETO_FRONT && beats (x[q].value, y[q].value, x[p].value, y[p].value))
        {
          *state = ENG_PARETO_UNDECIDED;
          *by = (int)q;
        }
    }
}

void
eng_pareto (const EngFigure *x, const EngFigure *y, guint n, gboolean x_lower_is_better,
            gboolean y_lower_is_better, EngParetoState *states, int *beaten_by)
{
  g_return_if_fail (n == 0 || (x != NULL && y != NULL && states != NULL));

  g_autofree Goal *gx = g_new (Goal, n + 1);
  g_autofree Goal *gy = g_new (Goal, n + 1);
  g_autofree gboolean *known = g_new (gboolean, n + 1);

  for (guint i = 0; i < n; i++)
    {
      known[i] = x[i].available && y[i].available && isfinite (x[i].value) && isfinite (y[i].value);
      gx[i] = goal_from_figure (&x[i], x_lower_is_better);
      gy[i] = goal_from_figure (&y[i], y_lower_is_better);
    }
  for (guint i = 0; i < n; i++)
    {
      int by = -1;
      states[i] = ENG_PARETO_NONE;
      if (known[i])
        judge (gx, gy, known, n, i, &states[i], &by);
      if (beaten_by != NULL)
        beaten_by[i] = by;
    }
}

const char *
eng_pareto_state_name (EngParetoState state)
{
  static const char *const names[] = { "none", "front", "undecided", "dominated" };
  g_return_val_if_fail (state < G_N_ELEMENTS (names), NULL);
  return names[state];
}
