/* Commands of the runner. The child writes into a pipe; we read from it only while the reader is
 * less than a window behind, so a slow reader fills the pipe of "follow", which waits, and never
 * the measurement, which writes into a file. Started by ag-server.c after the token was seen. */
#include "ag-run.h"

#include <signal.h>
#include <string.h>

#include "ag-answer.h"
#include "ag-request.h"

#define READ_BYTES 16384
#define MAX_ERRORS 4096

struct _AgRuns
{
  AgStore *store;
  GPtrArray *list; /* Run */
};

typedef struct
{
  AgRuns *runs;
  SoupWebsocketConnection *socket;
  GSocketAddress *remote;
  GSubprocess *child; /* NULL: not asked yet */
  GInputStream *out, *err;
  GCancellable *cancellable;
  GString *errors;
  guint64 n_sent, n_read; /* bytes given to the socket; bytes the reader has had */
  gint64 heard_us;
  guint n_pending; /* callbacks that will still come */
  gboolean reading, out_ended, err_ended, exited, closed, told;
  int status, signal;
  guint timer;
  guint n_ticks; /* since it was to end, or since it exited */
} Run;

static void pump (Run *run);

static AgGuest *
guest_of (Run *run)
{
  return ag_door_find (run->remote);
}

static void
run_free (Run *run)
{
  AgGuest *guest = guest_of (run);

  if (guest)
    ag_guest_release (guest);
  g_ptr_array_remove_fast (run->runs->list, run);
  if (run->timer)
    g_source_remove (run->timer);
  g_signal_handlers_disconnect_by_data (run->socket, run);
  g_object_unref (run->socket);
  g_object_unref (run->remote);
  g_clear_object (&run->child);
  g_object_unref (run->cancellable);
  g_string_free (run->errors, TRUE);
  g_free (run);
}

static void
maybe_free (Run *run)
{
  if (run->closed && run->n_pending == 0 && (!run->child || run->exited))
    run_free (run);
}

static void
say (Run *run, JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree char *text = json_to_string (root, FALSE);

  if (soup_websocket_connection_get_state (run->socket) == SOUP_WEBSOCKET_STATE_OPEN)
    {
      soup_websocket_connection_send_text (run->socket, text);
      soup_websocket_connection_close (run->socket, SOUP_WEBSOCKET_CLOSE_NORMAL, NULL);
    }
}

static void
tell_error (Run *run, const char *code, const char *message)
{
  g_autoptr (JsonBuilder) builder = ag_json_new_error (code, message);

  run->told = TRUE;
  say (run, builder);
}

/* All output went out and the child is gone. */
static void
tell_end (Run *run)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *errors = g_utf8_make_valid (run->errors->str, (gssize)run->errors->len);

  if (run->told || run->closed || !run->exited || !run->out_ended || !run->err_ended)
    return;
  run->told = TRUE;
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "status");
  if (run->signal)
    json_builder_add_null_value (builder);
  else
    json_builder_add_int_value (builder, run->status);
  json_builder_set_member_name (builder, "signal");
  if (run->signal)
    json_builder_add_int_value (builder, run->signal);
  else
    json_builder_add_null_value (builder);
  json_builder_set_member_name (builder, "bytes");
  json_builder_add_int_value (builder, (gint64)run->n_sent);
  json_builder_set_member_name (builder, "errors");
  json_builder_add_string_value (builder, errors);
  json_builder_end_object (builder);
  say (run, builder);
}

/* ---- the child ---- */

static void
got_output (GObject *source, GAsyncResult *result, gpointer data)
{
  Run *run = data;
  g_autoptr (GBytes) bytes
      = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, NULL);
  gsize n = bytes ? g_bytes_get_size (bytes) : 0;

  run->n_pending--;
  run->reading = FALSE;
  if (n == 0)
    run->out_ended = TRUE;
  else if (!run->closed
           && soup_websocket_connection_get_state (run->socket) == SOUP_WEBSOCKET_STATE_OPEN)
    {
      soup_websocket_connection_send_message (run->socket, SOUP_WEBSOCKET_DATA_BINARY, bytes);
      run->n_sent += n;
    }
  pump (run);
  tell_end (run);
  maybe_free (run);
}

static void
pump (Run *run)
{
  if (!run->child || run->reading || run->out_ended || run->closed
      || run->n_sent - run->n_read >= AG_WINDOW_BYTES)
    return;
  run->reading = TRUE;
  run->n_pending++;
  g_input_stream_read_bytes_async (run->out, READ_BYTES, G_PRIORITY_DEFAULT, run->cancellable,
                                   got_output, run);
}

static void
got_errors (GObject *source, GAsyncResult *result, gpointer data)
{
  Run *run = data;
  g_autoptr (GBytes) bytes
      = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, NULL);
  gsize n = bytes ? g_bytes_get_size (bytes) : 0;

  run->n_pending--;
  if (n > 0 && run->errors->len < MAX_ERRORS)
    g_string_append_len (run->errors, g_bytes_get_data (bytes, NULL),
                         (gssize)MIN (n, MAX_ERRORS - run->errors->len));
  if (n > 0 && !run->closed)
    {
      run->n_pending++;
      g_input_stream_read_bytes_async (run->err, READ_BYTES, G_PRIORITY_DEFAULT, run->cancellable,
                                       got_errors, run);
    }
  else
    run->err_ended = TRUE;
  tell_end (run);
  maybe_free (run);
}

static void
child_exited (GObject *source, GAsyncResult *result, gpointer data)
{
  Run *run = data;

  run->n_pending--;
  g_subprocess_wait_finish (run->child, result, NULL);
  run->exited = TRUE;
  run->n_ticks = 0;
  if (g_subprocess_get_if_signaled (run->child))
    run->signal = g_subprocess_get_term_sig (run->child);
  else if (g_subprocess_get_if_exited (run->child))
    run->status = g_subprocess_get_exit_status (run->child);
  tell_end (run);
  maybe_free (run);
}

static gboolean
check_files (Run *run, AgCommand *command, GError **error)
{
  AgStore *store = run->runs->store;
  const char *current = ag_store_current (store);
  guint64 n_bytes;

  if (!ag_store_sha256 (store, command->runner) || !ag_store_is_program (store, command->runner))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                   "%s was not put and verified here as a program", command->runner);
      return FALSE;
    }
  for (guint i = 0; i < command->files->len; i++)
    if (!ag_store_size (store, command->files->pdata[i], &n_bytes))
      {
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "There is no %s",
                     (const char *)command->files->pdata[i]);
        return FALSE;
      }
  /* A log may not take the place of what was verified. */
  if (command->log && ag_store_sha256 (store, command->log))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                   "%s was put here; a log needs a name of its own", command->log);
      return FALSE;
    }
  if (!command->build)
    return TRUE;
  if (strcmp (command->build, AG_CURRENT) == 0)
    {
      if (!current)
        {
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "No build is current here");
          return FALSE;
        }
      g_free (command->args[1]);
      command->args[1] = g_strdup (current);
      command->build = command->args[1];
    }
  if (!ag_store_sha256 (store, command->build))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                   "%s was not put and verified here", command->build);
      return FALSE;
    }
  ag_store_use_build (store, command->build);
  return TRUE;
}

static gboolean
spawn (Run *run, AgCommand *command, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  static const char *const kept[] = { "PATH", "HOME", "LANG", "TMPDIR", "LATHE_CPU" };
  g_auto (GStrv) environment = NULL;
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  const char *folder = ag_store_get_folder (run->runs->store);

  for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
    if (g_getenv (kept[i]))
      environment = g_environ_setenv (environment, kept[i], g_getenv (kept[i]), TRUE);
  g_subprocess_launcher_set_environ (launcher,
                                     environment ? environment : (GStrv)(char *[]){ NULL });
  g_subprocess_launcher_set_cwd (launcher, folder);
  g_ptr_array_add (argv, g_build_filename (folder, command->runner, NULL));
  for (guint i = 0; command->args[i]; i++)
    g_ptr_array_add (argv, g_strdup (command->args[i]));
  g_ptr_array_add (argv, NULL);
  run->child = g_subprocess_launcher_spawnv (launcher, (const char *const *)argv->pdata, error);
  if (!run->child)
    return FALSE;
  run->out = g_subprocess_get_stdout_pipe (run->child);
  run->err = g_subprocess_get_stderr_pipe (run->child);
  run->n_pending += 2;
  g_subprocess_wait_async (run->child, NULL, child_exited, run);
  g_input_stream_read_bytes_async (run->err, READ_BYTES, G_PRIORITY_DEFAULT, run->cancellable,
                                   got_errors, run);
  pump (run);
  return TRUE;
}

/* ---- the socket ---- */

static void
take_command (Run *run, const char *text, gsize n)
{
  g_autoptr (GError) error = NULL;
  AgCommand command;

  if (!ag_command_read (&command, text, n, &error))
    {
      tell_error (run, "format", error->message);
      return;
    }
  if (!check_files (run, &command, &error))
    tell_error (run,
                g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND) ? "not-found"
                                                                          : "permission",
                error->message);
  else if (!spawn (run, &command, &error))
    tell_error (run, "failed", error->message);
  ag_command_clear (&command);
}

static void
got_message (SoupWebsocketConnection *socket, int type, GBytes *message, gpointer data)
{
  Run *run = data;
  g_autoptr (JsonObject) object = NULL;
  gsize n;
  const char *text = g_bytes_get_data (message, &n);
  gint64 n_read;

  run->heard_us = g_get_monotonic_time ();
  if (run->told)
    return;
  if (type != SOUP_WEBSOCKET_DATA_TEXT || !text)
    {
      tell_error (run, "format", "Messages to the board are JSON text");
      return;
    }
  if (!run->child)
    {
      take_command (run, text, n);
      return;
    }
  object = ag_json_read (text, n, NULL);
  n_read = object ? json_object_get_int_member_with_default (object, "read", -1) : -1;
  if (n_read < 0 || (guint64)n_read > run->n_sent || (guint64)n_read < run->n_read)
    {
      tell_error (run, "format", "\"read\" is the number of bytes read until now");
      return;
    }
  run->n_read = (guint64)n_read;
  pump (run);
}

static void
got_pong (SoupWebsocketConnection *socket, GBytes *message, gpointer data)
{
  ((Run *)data)->heard_us = g_get_monotonic_time ();
}

static void
socket_closed (SoupWebsocketConnection *socket, gpointer data)
{
  Run *run = data;

  if (run->closed)
    return;
  run->closed = TRUE;
  run->n_ticks = 0;
  /* Nobody listens: the command ends. What "start" detached has its own life. */
  if (run->child && !run->exited)
    g_subprocess_send_signal (run->child, SIGTERM);
  g_cancellable_cancel (run->cancellable);
  maybe_free (run);
}

static void
hang_up (Run *run)
{
  AgGuest *guest = guest_of (run);

  if (guest)
    ag_guest_cut (guest);
}

/* Once a second: what is overdue. */
static gboolean
tick (gpointer data)
{
  Run *run = data;
  gint64 now_us = g_get_monotonic_time ();

  run->n_ticks++;
  if (!run->closed && now_us - run->heard_us > AG_SILENCE_S * G_USEC_PER_SEC)
    hang_up (run);
  else if (!run->child && !run->told && run->n_ticks > AG_ASK_S)
    tell_error (run, "late", "No command came");
  else if (run->closed && run->child && !run->exited && run->n_ticks > 3)
    g_subprocess_force_exit (run->child);
  else if (run->exited && !run->told && run->n_ticks > 1
           && run->n_sent - run->n_read < AG_WINDOW_BYTES)
    {
      /* Something that it started keeps the pipes open and will never close them. */
      run->out_ended = run->err_ended = TRUE;
      g_cancellable_cancel (run->cancellable);
      tell_end (run);
    }
  return G_SOURCE_CONTINUE;
}

AgRuns *
ag_runs_new (AgStore *store)
{
  AgRuns *runs = g_new0 (AgRuns, 1);

  runs->store = store;
  runs->list = g_ptr_array_new ();
  return runs;
}

void
ag_runs_free (AgRuns *runs)
{
  if (!runs)
    return;
  for (guint i = 0; i < runs->list->len; i++)
    {
      Run *run = runs->list->pdata[i];
      if (run->child && !run->exited)
        g_subprocess_send_signal (run->child, SIGTERM);
    }
  /* Where some are left, their callbacks may still come: the process ends soon. */
  if (runs->list->len > 0)
    return;
  g_ptr_array_unref (runs->list);
  g_free (runs);
}

void
ag_runs_take (AgRuns *runs, SoupWebsocketConnection *socket, GSocketAddress *remote)
{
  Run *run = g_new0 (Run, 1);
  AgGuest *guest = ag_door_find (remote);

  run->runs = runs;
  run->socket = g_object_ref (socket);
  run->remote = g_object_ref (remote);
  run->cancellable = g_cancellable_new ();
  run->errors = g_string_new (NULL);
  run->heard_us = g_get_monotonic_time ();
  g_ptr_array_add (runs->list, run);
  if (guest)
    ag_guest_hold (guest);
  soup_websocket_connection_set_max_incoming_payload_size (socket, AG_MAX_BODY);
  soup_websocket_connection_set_keepalive_interval (socket, 15);
  g_signal_connect (socket, "message", G_CALLBACK (got_message), run);
  g_signal_connect (socket, "pong", G_CALLBACK (got_pong), run);
  g_signal_connect (socket, "closed", G_CALLBACK (socket_closed), run);
  run->timer = g_timeout_add_seconds (1, tick, run);
  if (runs->list->len > AG_MAX_RUNS)
    tell_error (run, "busy", "Too many commands run here at a time; wait for one to end");
}
