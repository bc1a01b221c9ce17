/* What a push says of bytes: how many of how many, how fast, how long yet, and how many went over
 * the link after all. Called by the stages that copy and verify; knows no link. */
#include <math.h>

#include "eng-push-private.h"

/* The rate is of the last seconds: of a window that is cut to its half when it is full. */
#define SHORTEST_S 0.25
#define WINDOW_S 5

static double
seconds_since (gint64 us)
{
  return (double)(g_get_monotonic_time () - us) * 1e-6;
}

void
eng_push_begin_files (EngPush *self, guint64 n_bytes)
{
  self->n_files_done = 0;
  self->progress.n_done = 0;
  self->progress.n_bytes = n_bytes;
}

void
eng_push_begin_file (EngPush *self, const char *what)
{
  self->progress.what = what;
  self->file_began = FALSE;
  self->file_bytes = 0;
}

void
eng_push_begin_try (EngPush *self)
{
  self->speed_us = 0;
  self->progress.bytes_per_s = self->progress.left_s = NAN;
}

/* Of the files' bytes @n are done. */
static void
tell_rate (EngPush *self, guint64 n)
{
  EngPushProgress *progress = &self->progress;

  progress->n_done = n;
  if (self->speed_us == 0 || n < self->speed_bytes)
    {
      self->speed_us = g_get_monotonic_time ();
      self->speed_bytes = n;
    }
  double seconds = seconds_since (self->speed_us);
  if (seconds > SHORTEST_S)
    {
      progress->bytes_per_s = (double)(n - self->speed_bytes) / seconds;
      progress->left_s = n >= progress->n_bytes ? 0
                         : progress->bytes_per_s > 0
                             ? (double)(progress->n_bytes - n) / progress->bytes_per_s
                             : NAN;
    }
  if (seconds > WINDOW_S)
    {
      self->speed_us = g_get_monotonic_time () - (gint64)(WINDOW_S / 2.0 * G_USEC_PER_SEC);
      self->speed_bytes = n - (guint64)(progress->bytes_per_s * WINDOW_S / 2.0);
    }
}

/* "9 s", "2 min 5 s" */
static char *
duration_text (double seconds)
{
  guint whole = (guint)MIN (ceil (seconds), 359999);

  if (whole < 60)
    return g_strdup_printf ("%u s", whole);
  if (whole < 3600)
    return g_strdup_printf ("%u min %u s", whole / 60, whole % 60);
  return g_strdup_printf ("%u h %u min", whole / 3600, whole / 60 % 60);
}

/* One short line: "Build: 12 MB of 118 MB, 11 MB/s, 9 s left". */
static char *
line_text (const EngPushProgress *progress, const char *words)
{
  g_autofree char *done = eng_format_value ((double)progress->n_done, "B");
  g_autofree char *all = eng_format_value ((double)progress->n_bytes, "B");
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "%s: %s of %s", words, done, all);
  if (isfinite (progress->bytes_per_s))
    {
      g_autofree char *rate = eng_format_value (progress->bytes_per_s, "B/s");
      g_string_append_printf (text, ", %s", rate);
    }
  if (isfinite (progress->left_s))
    {
      g_autofree char *left = duration_text (progress->left_s);
      g_string_append_printf (text, ", %s left", left);
    }
  return g_string_free (text, FALSE);
}

static void
report (EngPush *self, const char *words)
{
  const EngPushProgress *progress = &self->progress;

  if (self->job == NULL || progress->n_bytes == 0)
    return;
  g_autofree char *text = line_text (progress, words);
  eng_job_report (self->job, text, MIN (1, (double)progress->n_done / (double)progress->n_bytes));
}

/* What the first try finds of a file was there; what came since went over the link, also where the
 * link was lost before that was said. Bytes that have to be sent again count again. */
static void
count (EngPush *self, guint64 n_done)
{
  if (!self->file_began)
    self->times->n_kept += n_done;
  else if (n_done > self->file_bytes)
    self->times->n_copied += n_done - self->file_bytes;
  self->file_began = TRUE;
  self->file_bytes = n_done;
}

void
eng_push_tell_copied (guint64 n_done, guint64 n_all, gpointer user_data)
{
  static const struct
  {
    const char *what, *words;
  } files[] = { { "runner", "Runner" }, { "build", "Build" }, { "inputs", "Inputs" } };
  EngPush *self = user_data;
  const char *words = "Files";

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    if (g_strcmp0 (files[i].what, self->progress.what) == 0)
      words = files[i].words;
  count (self, n_done);
  tell_rate (self, self->n_files_done + n_done);
  eng_push_moved (self);
  report (self, words);
  eng_push_tell (self, FALSE);
}

void
eng_push_tell_verified (EngPush *self, guint64 n_done, guint64 n_all)
{
  self->progress.n_bytes = n_all;
  tell_rate (self, MIN (n_done, n_all));
  eng_push_moved (self);
  report (self, "Verifying");
  eng_push_tell (self, n_done >= n_all); /* at least once, however fast it went */
}
