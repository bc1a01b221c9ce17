/* Operations that outlive a lost link. What is lost is known by the error (eng-link.h) or because
 * nothing moved for too long; then a new link is opened, and the operation, which must be able to
 * go on, is done again. */
#include <math.h>

#include "eng-push-private.h"

#define PATIENCE_S 60
#define FIRST_PAUSE_S 0.2
#define LONGEST_PAUSE_S 5

void
eng_push_heard (EngPush *self)
{
  if (self->watchdog != NULL)
    eng_watchdog_feed (self->watchdog);
}

void
eng_push_moved (EngPush *self)
{
  self->n_moved++;
  eng_push_heard (self);
}

static double
patience_s (const EngPush *self)
{
  return self->options != NULL && self->options->patience_s > 0 ? self->options->patience_s
                                                                : PATIENCE_S;
}

static gboolean
open_link (EngPush *self, GError **error)
{
  if (self->link != NULL)
    return TRUE;
  self->link = eng_watchdog_open (self->watchdog, self->device,
                                  self->options != NULL ? self->options->ask : NULL, error);
  if (self->link == NULL)
    return FALSE;
  self->was_connected = TRUE;
  return TRUE;
}

/* One try; a time out instead of CANCELLED when the watchdog fired. */
static gboolean
try_once (EngPush *self, EngPushStep step, gpointer data, GCancellable *outer, double limit_s,
          GError **error)
{
  EngWatchdog watchdog;
  g_autoptr (GError) local = NULL;

  eng_watchdog_begin (&watchdog, outer, limit_s);
  self->watchdog = &watchdog;
  gboolean ok = open_link (self, &local) && step (self, watchdog.cancellable, data, &local);
  self->watchdog = NULL;
  gboolean fired = eng_watchdog_end (&watchdog);
  if (ok)
    return TRUE;
  if (fired && g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      const char *words
          = self->run != NULL
                ? eng_telemetry_get_last_words (eng_board_run_get_telemetry (self->run))
                : NULL;
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                   "%s did not answer for %.0f seconds%s%s", eng_device_get_name (self->device),
                   limit_s, words != NULL ? "; the last it said was: " : "",
                   words != NULL ? words : "");
      return FALSE;
    }
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* FALSE: cancelled meanwhile. */
static gboolean
pause_for (EngPush *self, double seconds)
{
  gint64 end = g_get_monotonic_time () + (gint64)(seconds * G_USEC_PER_SEC);

  while (g_get_monotonic_time () < end)
    {
      if (g_cancellable_is_cancelled (self->cancellable))
        return FALSE;
      g_usleep (50000);
    }
  return TRUE;
}

gboolean
eng_push_try (EngPush *self, EngPushStep step, gpointer data, double limit_s, GError **error)
{
  gint64 lost_us = 0;
  guint64 n_before = self->n_moved;
  double pause_s = FIRST_PAUSE_S;

  for (;;)
    {
      g_autoptr (GError) local = NULL;
      if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
        return FALSE;
      if (try_once (self, step, data, self->cancellable, limit_s, &local))
        return TRUE;
      /* An operation that was cut off is not one that the device refused. */
      if (!eng_link_error_is_lost (local) || !self->was_connected)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
      g_clear_pointer (&self->link, eng_link_close);
      gint64 now = g_get_monotonic_time ();
      if (lost_us == 0 || self->n_moved != n_before)
        {
          lost_us = now;
          pause_s = FIRST_PAUSE_S;
        }
      n_before = self->n_moved;
      if ((double)(now - lost_us) * 1e-6 > patience_s (self))
        {
          g_set_error (error, local->domain, local->code,
                       "The link to %s was lost and did not come back within %.0f seconds: %s",
                       eng_device_get_name (self->device), patience_s (self), local->message);
          return FALSE;
        }
      self->progress.n_tries++;
      eng_device_set_state (self->device, ENG_DEVICE_CONNECTING, local->message, NULL);
      if (self->job != NULL)
        eng_job_report (self->job, "The link was lost: connecting again", -1);
      eng_push_tell (self, TRUE);
      if (!pause_for (self, pause_s))
        continue;
      pause_s = MIN (2 * pause_s, LONGEST_PAUSE_S);
    }
}

gboolean
eng_push_try_last (EngPush *self, EngPushStep step, gpointer data, double limit_s, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (try_once (self, step, data, NULL, limit_s, &local))
    return TRUE;
  if (!eng_link_error_is_lost (local))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  g_clear_pointer (&self->link, eng_link_close);
  return try_once (self, step, data, NULL, limit_s, error);
}
