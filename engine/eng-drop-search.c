/* The greedy search itself: parts, losses, the order in which they go. Called by eng-drop-model.c,
 * which knows what a part is; this file must not. */
#include "eng-drop-search.h"

#include <math.h>

/* The part that is cheapest to drop next, given what @dropped holds; n when none is left. */
static gboolean
find_cheapest (guint n, gboolean *dropped, EngDropLoss loss, gpointer user_data, guint *best,
               double *best_loss, GError **error)
{
  *best = n;
  *best_loss = INFINITY;
  for (guint i = 0; i < n; i++)
    {
      double now = NAN;
      if (dropped[i])
        continue;
      dropped[i] = TRUE;
      gboolean ok = loss (dropped, &now, user_data, error);
      dropped[i] = FALSE;
      if (!ok)
        return FALSE;
      /* A loss that is no number is one that broke down: the last resort. */
      if (*best == n || now < *best_loss)
        {
          *best = i;
          *best_loss = isnan (now) ? INFINITY : now;
        }
    }
  return TRUE;
}

gboolean
eng_drop_greedy (guint n, gboolean *dropped, guint n_steps, EngDropLoss loss, EngDropTaken taken,
                 gpointer user_data, GError **error)
{
  g_return_val_if_fail (dropped != NULL && loss != NULL, FALSE);

  for (guint step = 0; step < n_steps; step++)
    {
      guint best;
      double best_loss;
      if (!find_cheapest (n, dropped, loss, user_data, &best, &best_loss, error))
        return FALSE;
      if (best == n)
        return TRUE;
      dropped[best] = TRUE;
      if (taken != NULL && !taken (step, best, best_loss, user_data, error))
        return FALSE;
    }
  return TRUE;
}
