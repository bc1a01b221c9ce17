/* Contact: is it there, what is it? Connects, brings the runner, lets it describe the board. Called
 * by the window, the command line and at the start of every push, on a worker. */
#include "eng-contact.h"

#include <string.h>

#include "eng-error.h"
#include "eng-json.h"
#include "eng-push-private.h"
#include "eng-runners.h"
#include "eng-watchdog.h"

#define MAX_ANSWER_BYTES (1 << 20)
#define SILENCE_S 30
/* Where so much is free it does not matter what is kept. */
#define PLENTY_BYTES ((guint64)8 << 30)

gboolean
eng_contact_check (EngDevice *device, GError **error)
{
  const EngTransport *transport = eng_device_get_transport (device);
  g_autofree char *remedy = NULL;
  g_autoptr (GError) local = NULL;

  if (transport->check == NULL || transport->check (device, &remedy, &local))
    return TRUE;
  eng_device_set_state (device, ENG_DEVICE_MISSING, local->message, remedy);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* ---- The runner ---- */

EngRunnerFile *
eng_contact_bring_runner (EngLink *link, const EngContactProgress *progress, char **remedy,
                          GCancellable *cancellable, GError **error)
{
  g_autofree char *machine = eng_link_machine (link, cancellable, error);
  guint64 n_bytes;

  if (machine == NULL)
    return NULL;
  g_autoptr (EngRunnerFile) file = eng_runner_file_find (machine, error);
  if (file == NULL)
    *remedy = eng_runner_remedy (machine);
  if (file == NULL || !eng_link_size (link, file->name, &n_bytes, cancellable, error))
    return NULL;
  if (n_bytes != file->n_bytes
      && !eng_link_put (link, file->path, file->name, TRUE, progress->progress, progress->user_data,
                        cancellable, error))
    return NULL;
  return g_steal_pointer (&file);
}

void
eng_contact_set_failed (EngDevice *device, const GError *error, const char *remedy)
{
  g_autofree char *left = eng_device_dup_remedy (device); /* by the transport */
  g_autofree char *text = NULL;
  EngDeviceState state = ENG_DEVICE_UNREACHABLE;

  if (error != NULL && error->domain == ENG_RUNNER_ERROR)
    state = ENG_DEVICE_MISSING; /* it answered, and well: what is missing is here */
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
    state = ENG_DEVICE_REFUSED;
  if (remedy == NULL)
    remedy = left;
  if (error == NULL || remedy == NULL)
    {
      eng_device_set_state (device, state, error != NULL ? error->message : NULL, NULL);
      return;
    }
  /* The command stands in the remedy. */
  const char *command = strstr (error->message, remedy);
  text = command != NULL ? g_strndup (error->message, (gsize)(command - error->message))
                         : g_strdup (error->message);
  if (command != NULL && g_str_has_suffix (g_strchomp (text), ":"))
    text[strlen (text) - 1] = '.';
  eng_device_set_state (device, state, text, remedy);
}

/* ---- What the board says ---- */

static gboolean
gather (const char *bytes, gsize n_bytes, gpointer user_data)
{
  GString *text = user_data;
  g_string_append_len (text, bytes, (gssize)n_bytes);
  return text->len < MAX_ANSWER_BYTES;
}

/* The runner sees the disk, not what the service that runs it still takes. */
static gboolean
ask_space (EngLink *link, EngBoard *board, GCancellable *cancellable, GError **error)
{
  EngLinkSpace space;
  gboolean limited;

  if (!eng_link_space (link, &space, &limited, cancellable, error))
    return FALSE;
  if (!limited)
    return TRUE;
  board->limited = TRUE;
  board->free_bytes = space.left_bytes;
  board->quota_bytes = space.quota_bytes;
  board->kept_bytes = space.kept_bytes;
  return TRUE;
}

/* Builds of earlier pushes, which may be what is pushed next, or make way for it. */
static gboolean
ask_kept (EngDevice *device, EngLink *link, EngBoard *board, GCancellable *cancellable,
          GError **error)
{
  if (board->limited || board->free_bytes > PLENTY_BYTES)
    return TRUE;
  g_autoptr (GPtrArray) names = eng_push_kept_old (device, 0);
  for (guint i = 0; i < names->len; i++)
    {
      guint64 n_bytes;

      if (!eng_link_size (link, names->pdata[i], &n_bytes, cancellable, error))
        return FALSE;
      board->kept_bytes += n_bytes != G_MAXUINT64 ? n_bytes : 0;
    }
  return TRUE;
}

static EngBoard *
read_board (EngLink *link, const EngRunnerFile *runner, GCancellable *cancellable, GError **error)
{
  static const char *const args[] = { "board", ".", NULL };
  g_autoptr (GString) text = g_string_new (NULL);
  int status = -1;

  if (!eng_link_run (link, runner->name, args, gather, text, &status, cancellable, error))
    return NULL;
  g_auto (GStrv) lines = g_strsplit (text->str, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      if (strstr (lines[i], "\"board\"") == NULL || !g_utf8_validate (lines[i], -1, NULL))
        continue;
      g_autoptr (JsonNode) root = eng_json_parse_object (lines[i], "board's answer", NULL);
      if (root != NULL
          && g_strcmp0 (eng_json_get_string (json_node_get_object (root), "kind"), "board") == 0)
        return eng_board_from_json (json_node_get_object (root), error);
    }
  g_autofree char *said = g_utf8_make_valid (text->str, (gssize)MIN (text->len, 200));
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
               "The board did not say what it is (the runner ended with status %d%s%s)", status,
               *said != '\0' ? ", and said: " : "", g_strstrip (said));
  return NULL;
}

EngBoard *
eng_contact_ask_board (EngDevice *device, EngLink *link, const EngRunnerFile *runner,
                       GCancellable *cancellable, GError **error)
{
  g_autoptr (EngBoard) board = read_board (link, runner, cancellable, error);

  return board != NULL && ask_space (link, board, cancellable, error)
                 && ask_kept (device, link, board, cancellable, error)
             ? g_steal_pointer (&board)
             : NULL;
}

static void
feed_watchdog (guint64 n_done, guint64 n_all, gpointer watchdog)
{
  eng_watchdog_feed (watchdog);
}

static EngBoard *
ask_over_link (EngWatchdog *watchdog, EngDevice *device, const EngAsk *ask, EngJob *job,
               char **remedy, GError **error)
{
  g_autoptr (EngLink) link = eng_watchdog_open (watchdog, device, ask, error);
  EngContactProgress progress = { feed_watchdog, watchdog };

  if (link == NULL)
    return NULL;
  if (job != NULL)
    eng_job_report (job, "Asking what it is", -1);
  g_autoptr (EngRunnerFile) runner
      = eng_contact_bring_runner (link, &progress, remedy, watchdog->cancellable, error);
  eng_watchdog_feed (watchdog);
  return runner != NULL ? eng_contact_ask_board (device, link, runner, watchdog->cancellable, error)
                        : NULL;
}

static EngBoard *
ask_linux (EngDevice *device, const EngAsk *ask, EngJob *job, char **remedy, GError **error)
{
  EngWatchdog watchdog;
  g_autoptr (GError) local = NULL;

  eng_watchdog_begin (&watchdog, job != NULL ? eng_job_get_cancellable (job) : NULL, SILENCE_S);
  EngBoard *board = ask_over_link (&watchdog, device, ask, job, remedy, &local);
  if (eng_watchdog_end (&watchdog) && board == NULL
      && g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "%s did not answer for %d seconds",
                 eng_device_get_name (device), SILENCE_S);
  else if (board == NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  return board;
}

gboolean
eng_device_contact (EngDevice *device, const EngAsk *ask, EngJob *job, GError **error)
{
  g_return_val_if_fail (ENG_IS_DEVICE (device), FALSE);

  const EngTransport *transport = eng_device_get_transport (device);
  EngDeviceState before = eng_device_get_state (device);
  g_autoptr (GError) local = NULL;
  g_autoptr (EngBoard) board = NULL;
  g_autofree char *remedy = NULL;

  eng_device_set_state (device, ENG_DEVICE_CONNECTING, NULL, NULL);
  if (!eng_contact_check (device, error))
    return FALSE;
  if (job != NULL)
    eng_job_report (job, "Connecting", -1);
  board = eng_device_get_kind (device) == ENG_BOARD_MICROCONTROLLER
              ? transport->describe (device, &local)
              : ask_linux (device, ask, job, &remedy, &local);
  if (board != NULL)
    {
      eng_device_set_board (device, board);
      eng_device_set_state (device, ENG_DEVICE_READY, NULL, NULL);
      return TRUE;
    }
  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    eng_device_set_state (device, before == ENG_DEVICE_CONNECTING ? ENG_DEVICE_UNKNOWN : before,
                          NULL, NULL);
  else
    eng_contact_set_failed (device, local, remedy);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}
