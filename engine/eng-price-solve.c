/* Which precision each layer gets: best exchange first, or exactly. Pure arithmetic; knows no
 * model. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eng-price.h"

static const EngPriceOption *
at (const EngPriceOption *options, guint n_choices, guint row, guint choice)
{
  return &options[(gsize)row * n_choices + choice];
}

static double
sum_spend (const EngPriceOption *options, guint n_rows, guint n_choices, const guint *choices)
{
  double sum = 0;
  for (guint r = 0; r < n_rows; r++)
    sum += at (options, n_choices, r, choices[r])->spend;
  return sum;
}

/* ---- best exchange first ---- */

static void
choose_least_value (const EngPriceOption *options, guint n_rows, guint n_choices, guint *choices)
{
  for (guint r = 0; r < n_rows; r++)
    {
      choices[r] = G_MAXUINT;
      for (guint c = 0; c < n_choices; c++)
        {
          const EngPriceOption *option = at (options, n_choices, r, c);
          const EngPriceOption *best
              = choices[r] != G_MAXUINT ? at (options, n_choices, r, choices[r]) : NULL;
          if (option->available
              && (best == NULL || option->value < best->value
                  || (option->value == best->value && option->spend < best->spend)))
            choices[r] = c;
        }
      g_assert (choices[r] != G_MAXUINT);
    }
}

/* The exchange that adds least for each unit it spares. */
static gboolean
find_exchange (const EngPriceOption *options, guint n_rows, guint n_choices, const guint *choices,
               EngPriceStep *step)
{
  double best = INFINITY;

  for (guint r = 0; r < n_rows; r++)
    {
      const EngPriceOption *now = at (options, n_choices, r, choices[r]);
      for (guint c = 0; c < n_choices; c++)
        {
          const EngPriceOption *to = at (options, n_choices, r, c);
          double spared = now->spend - to->spend, added = to->value - now->value;
          if (!to->available || spared <= 0 || added / spared >= best)
            continue;
          best = added / spared;
          *step = (EngPriceStep){ r, choices[r], c, spared, added };
        }
    }
  return isfinite (best);
}

/* The exchange back that takes most away and still fits into what is left. */
static gboolean
find_return (const EngPriceOption *options, guint n_rows, guint n_choices, const guint *choices,
             double left, EngPriceStep *step)
{
  double best = 0;

  for (guint r = 0; r < n_rows; r++)
    {
      const EngPriceOption *now = at (options, n_choices, r, choices[r]);
      for (guint c = 0; c < n_choices; c++)
        {
          const EngPriceOption *to = at (options, n_choices, r, c);
          double gain = now->value - to->value, more = to->spend - now->spend;
          if (!to->available || gain <= best || more > left)
            continue;
          best = gain;
          *step = (EngPriceStep){ r, choices[r], c, -more, -gain };
        }
    }
  return best > 0;
}

gboolean
eng_price_exchange (const EngPriceOption *options, guint n_rows, guint n_choices, double budget,
                    guint *choices, GArray *steps)
{
  EngPriceStep step;

  choose_least_value (options, n_rows, n_choices, choices);
  while (sum_spend (options, n_rows, n_choices, choices) > budget)
    {
      if (!find_exchange (options, n_rows, n_choices, choices, &step))
        return FALSE;
      choices[step.row] = step.to;
      if (steps != NULL)
        g_array_append_val (steps, step);
    }
  while (find_return (options, n_rows, n_choices, choices,
                      budget - sum_spend (options, n_rows, n_choices, choices), &step))
    {
      choices[step.row] = step.to;
      if (steps != NULL)
        g_array_append_val (steps, step);
    }
  return TRUE;
}

/* ---- exactly ---- */

/* A sum that no other beats in both: the front is sorted by spend, values fall. */
typedef struct
{
  double spend, value;
  guint32 parent; /* on the front of the rows before */
  guint32 choice;
} State;

/* More sums than this on one front are thinned out: of those that spend the same to a millionth of
 * the front's width the one of least value stays. */
#define MOST_STATES 400000u

static int
compare_states (const void *a, const void *b)
{
  const State *x = a, *y = b;
  if (x->spend != y->spend)
    return x->spend < y->spend ? -1 : 1;
  return (x->value > y->value) - (x->value < y->value);
}

static GArray *
extend_front (const GArray *before, const EngPriceOption *row, guint n_choices)
{
  GArray *all = g_array_new (FALSE, FALSE, sizeof (State));
  GArray *front = g_array_new (FALSE, FALSE, sizeof (State));
  double least = INFINITY;

  for (guint c = 0; c < n_choices; c++)
    for (guint i = 0; row[c].available && i < before->len; i++)
      {
        const State *state = &g_array_index (before, State, i);
        State next = { state->spend + row[c].spend, state->value + row[c].value, i, c };
        g_array_append_val (all, next);
      }
  qsort (all->data, all->len, sizeof (State), compare_states);
  double width = all->len > 0 ? g_array_index (all, State, all->len - 1).spend
                                    - g_array_index (all, State, 0).spend
                              : 0;
  double step = all->len > MOST_STATES ? width / 1e6 : 0, last = -INFINITY;
  for (guint i = 0; i < all->len; i++)
    {
      const State *state = &g_array_index (all, State, i);
      if (state->value >= least)
        continue;
      least = state->value;
      /* Thinned: the later, better one takes the place of its neighbour; spends are never
       * rounded. */
      if (front->len > 1 && state->spend - last < step)
        g_array_set_size (front, front->len - 1);
      else
        last = state->spend;
      g_array_append_val (front, *state);
    }
  g_array_unref (all);
  return front;
}

gboolean
eng_price_solve (const EngPriceOption *options, guint n_rows, guint n_choices, double budget,
                 guint *choices)
{
  g_autoptr (GPtrArray) fronts = g_ptr_array_new_with_free_func ((GDestroyNotify)g_array_unref);
  State start = { 0 };
  GArray *front = g_array_new (FALSE, FALSE, sizeof (State));
  int best = -1;

  g_array_append_val (front, start);
  g_ptr_array_add (fronts, front);
  for (guint r = 0; r < n_rows; r++)
    {
      front = extend_front (front, at (options, n_choices, r, 0), n_choices);
      g_ptr_array_add (fronts, front);
    }
  for (guint i = 0; i < front->len; i++)
    if (g_array_index (front, State, i).spend <= budget * (1 + 1e-12))
      best = (int)i;
  gboolean ok = best >= 0;
  guint32 index = ok ? (guint32)best : 0; /* the cheapest there is */
  for (guint r = n_rows; r-- > 0;)
    {
      const State *state = &g_array_index ((GArray *)fronts->pdata[r + 1], State, index);
      choices[r] = state->choice;
      index = state->parent;
    }
  return ok;
}
