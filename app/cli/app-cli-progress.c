/* Progress of a job on standard error, where a person is watching, and Ctrl-C that cancels it.
 * Called by commands that take their time. */
#include "app-cli-private.h"

#include <stdio.h>
#include <unistd.h>

struct _AppCliProgress
{
  EngJob *job;
  GThread *thread; /* NULL: nobody is watching */
  GCancellable *interrupt;
  gulong handler;
};

static gpointer
show (gpointer job)
{
  while (!eng_job_get_done (job))
    {
      g_autofree char *stage = eng_job_dup_stage (job);

      if (stage != NULL && stage[0] != '\0')
        fprintf (stderr, "\r\033[K%s", stage);
      fflush (stderr);
      g_usleep (200000);
    }
  fprintf (stderr, "\r\033[K");
  return NULL;
}

static void
on_interrupted (GCancellable *cancellable, gpointer job)
{
  eng_job_cancel (job);
}

AppCliProgress *
app_cli_progress_new (const char *title)
{
  AppCliProgress *self = g_new0 (AppCliProgress, 1);

  self->job = eng_job_new (title);
  self->interrupt = app_cli_stop_on_interrupt ();
  self->handler
      = g_cancellable_connect (self->interrupt, G_CALLBACK (on_interrupted), self->job, NULL);
  if (isatty (STDERR_FILENO))
    self->thread = g_thread_new ("progress", show, self->job);
  return self;
}

EngJob *
app_cli_progress_get_job (AppCliProgress *self)
{
  return self->job;
}

void
app_cli_progress_free (AppCliProgress *self)
{
  eng_job_finish (self->job);
  if (self->thread != NULL)
    g_thread_join (self->thread);
  g_cancellable_disconnect (self->interrupt, self->handler);
  g_object_unref (self->interrupt);
  g_object_unref (self->job);
  g_free (self);
}
