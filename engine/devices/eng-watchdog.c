/* A thread that looks at the clock while an operation blocks. Used around every operation of a
 * link by eng-push.c. */
#include "eng-watchdog.h"

static gpointer
watch (gpointer data)
{
  EngWatchdog *self = data;

  g_mutex_lock (&self->mutex);
  while (!self->done && !self->fired)
    {
      gint64 end = self->last_us + self->limit_us;
      if (self->paused)
        g_cond_wait (&self->cond, &self->mutex);
      else if (g_get_monotonic_time () >= end)
        self->fired = TRUE;
      else
        g_cond_wait_until (&self->cond, &self->mutex, end);
    }
  gboolean fired = self->fired && !self->done;
  g_mutex_unlock (&self->mutex);
  if (fired)
    g_cancellable_cancel (self->cancellable);
  return NULL;
}

static void
on_outer (GCancellable *outer, gpointer inner)
{
  g_cancellable_cancel (inner);
}

void
eng_watchdog_begin (EngWatchdog *self, GCancellable *outer, double limit_s)
{
  *self = (EngWatchdog){ .cancellable = g_cancellable_new (),
                         .outer = outer,
                         .last_us = g_get_monotonic_time (),
                         .limit_us = (gint64)(limit_s * G_USEC_PER_SEC) };
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  if (outer != NULL)
    self->handler = g_cancellable_connect (outer, G_CALLBACK (on_outer), self->cancellable, NULL);
  self->thread = g_thread_new ("watchdog", watch, self);
}

void
eng_watchdog_feed (EngWatchdog *self)
{
  g_mutex_lock (&self->mutex);
  self->last_us = g_get_monotonic_time ();
  g_mutex_unlock (&self->mutex);
}

void
eng_watchdog_pause (EngWatchdog *self, gboolean paused)
{
  g_mutex_lock (&self->mutex);
  self->paused = paused;
  self->last_us = g_get_monotonic_time ();
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->mutex);
}

/* ---- Questions ---- */

typedef struct
{
  EngWatchdog *watchdog;
  const EngAsk *ask;
} Asking;

static gboolean
confirm (EngDevice *device, const char *title, const char *text, gpointer user_data)
{
  Asking *self = user_data;

  eng_watchdog_pause (self->watchdog, TRUE);
  gboolean yes = self->ask->confirm (device, title, text, self->ask->user_data);
  eng_watchdog_pause (self->watchdog, FALSE);
  return yes;
}

static char *
secret (EngDevice *device, const char *title, const char *text, gboolean *keep, gpointer user_data)
{
  Asking *self = user_data;

  eng_watchdog_pause (self->watchdog, TRUE);
  char *answer = self->ask->secret (device, title, text, keep, self->ask->user_data);
  eng_watchdog_pause (self->watchdog, FALSE);
  return answer;
}

EngLink *
eng_watchdog_open (EngWatchdog *self, EngDevice *device, const EngAsk *ask, GError **error)
{
  Asking asking = { self, ask };
  EngAsk wrapped = { .confirm = ask != NULL && ask->confirm != NULL ? confirm : NULL,
                     .secret = ask != NULL && ask->secret != NULL ? secret : NULL,
                     .user_data = &asking };

  return eng_device_get_transport (device)->open (device, ask != NULL ? &wrapped : NULL,
                                                  self->cancellable, error);
}

gboolean
eng_watchdog_end (EngWatchdog *self)
{
  g_mutex_lock (&self->mutex);
  self->done = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->mutex);
  g_thread_join (self->thread);
  if (self->outer != NULL)
    g_cancellable_disconnect (self->outer, self->handler);
  gboolean fired = self->fired;
  g_clear_object (&self->cancellable);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  return fired;
}
