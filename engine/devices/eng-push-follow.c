/* A run on a Linux board: started detached, so that a lost link loses nothing, and followed from
 * the byte up to which it is known. */
#include <string.h>

#include "eng-error.h"
#include "eng-json.h"
#include "eng-push-private.h"

/* The runner says something every second; an emulator on a busy computer less often. */
#define SILENCE_S 30
#define QUICK_S 30
/* After Cancel: for the board's last lines. */
#define LAST_S 10
#define MAX_ANSWER_BYTES (1 << 20)

static void
keep (EngPush *self, const char *bytes, gsize n_bytes)
{
  const char *end = memrchr (bytes, '\n', n_bytes);

  if (self->telemetry == NULL)
    return;
  if (end != NULL)
    self->whole_bytes = ftello (self->telemetry) + (off_t)(end - bytes) + 1;
  fwrite (bytes, 1, n_bytes, self->telemetry);
}

/* A line that was cut comes again, whole. */
static void
drop_cut_line (EngPush *self)
{
  if (self->telemetry != NULL && fflush (self->telemetry) == 0
      && ftruncate (fileno (self->telemetry), self->whole_bytes) == 0)
    fseeko (self->telemetry, self->whole_bytes, SEEK_SET);
}

gboolean
eng_push_take (const char *bytes, gsize n_bytes, gpointer user_data)
{
  EngPush *self = user_data;
  EngTelemetry *telemetry = eng_board_run_get_telemetry (self->run);
  EngTelemetryCounts before, after;

  keep (self, bytes, n_bytes);
  eng_telemetry_get_counts (telemetry, &before);
  eng_telemetry_feed (telemetry, bytes, n_bytes);
  eng_telemetry_get_counts (telemetry, &after);
  /* A link that is lost within the same line again and again does not get on. */
  if (after.n_lines + after.n_unknown > before.n_lines + before.n_unknown)
    eng_push_moved (self);
  else
    eng_push_heard (self);
  self->progress.progress = eng_board_run_get_progress (self->run);
  eng_push_tell (self, FALSE);
  return TRUE;
}

/* ---- Starting ---- */

static gboolean
gather (const char *bytes, gsize n_bytes, gpointer user_data)
{
  GString *text = user_data;
  g_string_append_len (text, bytes, (gssize)n_bytes);
  return text->len < MAX_ANSWER_BYTES;
}

/* The message of a line "error" in @answer; NULL: there is none. */
static char *
find_message (const char *answer)
{
  g_auto (GStrv) lines = g_strsplit (answer, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_autoptr (JsonNode) root = g_utf8_validate (lines[i], -1, NULL)
                                      ? eng_json_parse_object (lines[i], "line", NULL)
                                      : NULL;
      JsonObject *object = root != NULL ? json_node_get_object (root) : NULL;
      if (object != NULL && g_strcmp0 (eng_json_get_string (object, "kind"), "error") == 0)
        return g_strdup (eng_json_get_string (object, "message"));
    }
  return NULL;
}

static gboolean
start (EngPush *self, GCancellable *cancellable, gpointer data, GError **error)
{
  const char *const args[]
      = { "start", self->build_name, self->work_name, "--log", self->log_name, NULL };
  g_autoptr (GString) answer = g_string_new (NULL);
  guint64 n_bytes;
  int status = -1;

  /* A link may be lost between the start and its answer: a log is the answer, too. */
  if (!eng_link_size (self->link, self->log_name, &n_bytes, cancellable, error))
    return FALSE;
  if (n_bytes != G_MAXUINT64)
    return TRUE;
  if (!eng_link_run (self->link, self->runner->name, args, gather, answer, &status, cancellable,
                     error))
    return FALSE;
  if (strstr (answer->str, "\"started\"") != NULL)
    return TRUE;
  g_autofree char *message = find_message (answer->str);
  g_autofree char *said = g_utf8_make_valid (answer->str, (gssize)MIN (answer->len, 200));
  g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "%s could not start the run: %s",
               eng_device_get_name (self->device), message != NULL ? message : g_strstrip (said));
  return FALSE;
}

/* ---- Following ---- */

static gboolean
follow (EngPush *self, GCancellable *cancellable, gpointer data, GError **error)
{
  EngTelemetry *telemetry = eng_board_run_get_telemetry (self->run);
  g_autofree char *from = g_strdup_printf ("%" G_GUINT64_FORMAT, eng_telemetry_resume (telemetry));
  const char *const args[] = { "follow", self->log_name, "--from", from, NULL };

  drop_cut_line (self);
  return eng_link_run (self->link, self->runner->name, args, eng_push_take, self, NULL, cancellable,
                       error);
}

static gboolean
stop (EngPush *self, GCancellable *cancellable, gpointer data, GError **error)
{
  const char *const args[] = { "stop", self->log_name, NULL };
  return eng_link_run (self->link, self->runner->name, args, NULL, NULL, NULL, cancellable, error);
}

/* Nothing more is asked of a board that is not there. */
static void
note_gone (EngPush *self, const GError *why)
{
  self->gone = eng_link_error_is_lost (why);
  if (self->gone)
    eng_device_set_state (self->device, ENG_DEVICE_UNREACHABLE, why->message, NULL);
}

/* The job was cancelled: the board's run must end, and what it has must come home. */
static void
stop_and_collect (EngPush *self)
{
  const double limit_s = self->link != NULL ? LAST_S : LAST_S / 2; /* lost: who stops has waited */
  g_autoptr (GError) local = NULL;

  if (eng_push_try_last (self, stop, NULL, limit_s, &local)
      && eng_push_try_last (self, follow, NULL, limit_s, &local))
    return;
  self->lost = g_strdup_printf ("it was stopped, and %s did not answer (%s)",
                                eng_device_get_name (self->device), local->message);
  note_gone (self, local);
}

gboolean
eng_push_run_linux (EngPush *self, GError **error)
{
  EngTelemetry *telemetry = eng_board_run_get_telemetry (self->run);
  g_autoptr (GError) local = NULL;
  gint64 began = g_get_monotonic_time ();

  if (!eng_push_try (self, start, NULL, QUICK_S, error))
    return FALSE;
  double silence_s = self->options != NULL && self->options->silence_s > 0
                         ? self->options->silence_s
                         : SILENCE_S;
  gboolean ok = eng_push_try (self, follow, NULL, silence_s, &local);
  if (!ok && g_cancellable_is_cancelled (self->cancellable))
    stop_and_collect (self);
  else if (!ok)
    {
      self->lost = g_strdup (local->message);
      note_gone (self, local);
    }
  else if (!eng_telemetry_has_ended (telemetry))
    self->lost = g_strdup ("the runner ended before its last line");
  gint64 first = eng_board_run_get_first_line_us (self->run);
  if (first > 0)
    self->times->start_s = (double)(first - began) * 1e-6;
  return TRUE;
}
