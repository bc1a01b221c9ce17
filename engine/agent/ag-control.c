/* Both ends of the control socket. A question is a line, an answer some lines, then the end:
 *
 *   pair          "fingerprint 3F9A:…", "code 12345678", then "wrong N" (tries left), "paired
 *                 NAME", "void", "expired", "wait S" or "failed WHY"; the code is void when the
 *                 asker hangs up
 *   unpair NAME   "unpaired N"; NAME "*": all
 *   status        "port N", "fingerprint …", "paired ID SINCE NAME" each, "current FILE" and
 *                 more */
#include "ag-control.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  AgControl *control;
  GSocketConnection *connection;
  GDataInputStream *in;
} Caller;

struct _AgControl
{
  AgServer *server;
  GSocketService *service;
  char *path;
  Caller *pairing; /* who waits for a studio; NULL: nobody */
  guint timer;
};

static GSocketAddress *
address_of (const char *state, char **path)
{
  *path = g_build_filename (state, "control", NULL);
  return g_unix_socket_address_new (*path);
}

/* ---- the service's end ---- */

/* To a program on the same machine, a few bytes: it does not block but for a moment. */
static void G_GNUC_PRINTF (2, 3) tell (Caller *caller, const char *format, ...)
{
  GOutputStream *out = g_io_stream_get_output_stream (G_IO_STREAM (caller->connection));
  g_autofree char *text = NULL, *line = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  line = g_strconcat (text, "\n", NULL);
  g_output_stream_write_all (out, line, strlen (line), NULL, NULL, NULL);
}

static void
end_call (Caller *caller)
{
  AgControl *control = caller->control;

  if (control->pairing == caller)
    {
      control->pairing = NULL;
      g_clear_handle_id (&control->timer, g_source_remove);
      ag_pairing_close (ag_server_get_pairing (control->server));
    }
  g_io_stream_close (G_IO_STREAM (caller->connection), NULL, NULL);
}

static void
caller_free (Caller *caller)
{
  end_call (caller);
  g_object_unref (caller->in);
  g_object_unref (caller->connection);
  g_free (caller);
}

static void
pairing_changed (const char *event, const char *name, gpointer data)
{
  AgControl *control = data;
  Caller *caller = control->pairing;

  if (!caller)
    return;
  if (strcmp (event, "wrong") == 0)
    {
      tell (caller, "wrong %u", ag_pairing_get_tries (ag_server_get_pairing (control->server)));
      return;
    }
  if (name)
    tell (caller, "%s %s", event, name);
  else
    tell (caller, "%s", event);
  end_call (caller);
}

static gboolean
check_expiry (gpointer data)
{
  AgControl *control = data;

  if (ag_pairing_is_open (ag_server_get_pairing (control->server), g_get_monotonic_time ()))
    return G_SOURCE_CONTINUE;
  control->timer = 0;
  tell (control->pairing, "expired");
  end_call (control->pairing);
  return G_SOURCE_REMOVE;
}

static void
start_pairing (Caller *caller)
{
  AgControl *control = caller->control;
  AgPairing *pairing = ag_server_get_pairing (control->server);
  g_autofree char *fingerprint
      = ag_fingerprint_text (ag_server_get_identity (control->server)->fingerprint);
  char code[AG_CODE_DIGITS + 1];
  AgPairingResult result;

  if (control->pairing)
    {
      tell (control->pairing, "void");
      end_call (control->pairing);
    }
  result = ag_pairing_open (pairing, g_get_monotonic_time (), code);
  if (result != AG_PAIRING_OK)
    {
      if (result == AG_PAIRING_WAIT)
        tell (caller, "wait %.0f", ag_pairing_get_wait_s (pairing, g_get_monotonic_time ()));
      else
        tell (caller, "failed There are no random numbers");
      end_call (caller);
      return;
    }
  control->pairing = caller;
  control->timer = g_timeout_add_seconds (1, check_expiry, control);
  tell (caller, "fingerprint %s", fingerprint);
  tell (caller, "code %s", code);
}

static void
unpair (Caller *caller, const char *which)
{
  AgServer *server = caller->control->server;
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;

  if (!ag_tokens_remove (ag_server_get_tokens (server), strcmp (which, "*") == 0 ? NULL : which,
                         ids, &error))
    tell (caller, "failed %s", error->message);
  else
    tell (caller, "unpaired %u", ids->len);
  for (guint i = 0; !error && i < ids->len; i++)
    ag_door_close_pairing (ag_server_get_door (server), ids->pdata[i]);
}

static void
status (Caller *caller)
{
  AgServer *server = caller->control->server;
  const GPtrArray *list = ag_tokens_list (ag_server_get_tokens (server));
  AgDoorCounts counts = ag_door_get_counts (ag_server_get_door (server));
  g_autofree char *fingerprint = ag_fingerprint_text (ag_server_get_identity (server)->fingerprint);
  AgSpace space;

  ag_store_get_space (ag_server_get_store (server), &space);
  tell (caller, "port %u", ag_server_get_port (server));
  tell (caller, "fingerprint %s", fingerprint);
  for (guint i = 0; i < list->len; i++)
    {
      const AgPaired *paired = list->pdata[i];
      g_autoptr (GDateTime) since = g_date_time_new_from_unix_local (paired->since);
      g_autofree char *text = since ? g_date_time_format (since, "%Y-%m-%d") : g_strdup ("?");
      tell (caller, "paired %s %s %s", paired->id, text, paired->name);
    }
  tell (caller, "connections %u paired, %u strangers", counts.n_paired, counts.n_strangers);
  tell (caller,
        "since the start %" G_GUINT64_FORMAT " accepted, %" G_GUINT64_FORMAT
        " refused, %" G_GUINT64_FORMAT " sent away for others, %" G_GUINT64_FORMAT " too slow",
        counts.n_accepted, counts.n_refused, counts.n_evicted, counts.n_late);
  if (ag_store_current (ag_server_get_store (server)))
    tell (caller, "current %s/%s", ag_store_get_folder (ag_server_get_store (server)),
          ag_store_current (ag_server_get_store (server)));
  tell (caller, "bytes %" G_GUINT64_FORMAT " used, %" G_GUINT64_FORMAT " left", space.used,
        space.left);
}

static void
got_line (GObject *source, GAsyncResult *result, gpointer data)
{
  Caller *caller = data;
  g_autofree char *line
      = g_data_input_stream_read_line_finish_utf8 (caller->in, result, NULL, NULL);

  if (!line)
    {
      caller_free (caller);
      return;
    }
  if (strcmp (line, "pair") == 0)
    start_pairing (caller);
  else
    {
      if (strcmp (line, "status") == 0)
        status (caller);
      else if (g_str_has_prefix (line, "unpair ") && line[7])
        unpair (caller, line + 7);
      end_call (caller);
    }
  /* Ends when the asker hangs up, or by the end of the call. */
  g_data_input_stream_read_line_async (caller->in, G_PRIORITY_DEFAULT, NULL, got_line, caller);
}

static gboolean
incoming (GSocketService *service, GSocketConnection *connection, GObject *source, gpointer data)
{
  Caller *caller = g_new0 (Caller, 1);

  caller->control = data;
  caller->connection = g_object_ref (connection);
  caller->in = g_data_input_stream_new (g_io_stream_get_input_stream (G_IO_STREAM (connection)));
  g_data_input_stream_read_line_async (caller->in, G_PRIORITY_DEFAULT, NULL, got_line, caller);
  return TRUE;
}

AgControl *
ag_control_new (AgServer *server, const char *state, GError **error)
{
  AgControl *control = g_new0 (AgControl, 1);
  g_autoptr (GSocketAddress) address = address_of (state, &control->path);

  control->server = server;
  control->service = g_socket_service_new ();
  g_unlink (control->path); /* of a service that was killed; a living one has the lock */
  if (!g_socket_listener_add_address (G_SOCKET_LISTENER (control->service), address,
                                      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL,
                                      error))
    {
      ag_control_free (control);
      return NULL;
    }
  g_chmod (control->path, 0600);
  g_signal_connect (control->service, "incoming", G_CALLBACK (incoming), control);
  ag_server_watch_pairing (server, pairing_changed, control);
  return control;
}

void
ag_control_free (AgControl *control)
{
  if (!control)
    return;
  g_socket_service_stop (control->service);
  g_socket_listener_close (G_SOCKET_LISTENER (control->service));
  g_object_unref (control->service);
  g_unlink (control->path);
  g_clear_handle_id (&control->timer, g_source_remove);
  g_free (control->path);
  g_free (control);
}

/* ---- the asker's end ---- */

gboolean
ag_control_ask (const char *state, const char *question, AgControlLine line, gpointer user_data,
                GError **error)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autofree char *path = NULL;
  g_autofree char *text = g_strconcat (question, "\n", NULL);
  g_autoptr (GSocketAddress) address = address_of (state, &path);
  g_autoptr (GSocketConnection) connection
      = g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, NULL);
  g_autoptr (GDataInputStream) in = NULL;
  char *answer;

  if (!connection)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   "No service runs with the folder %s: start it with lathe-agent serve, or "
                   "systemctl --user start lathe-agent",
                   state);
      return FALSE;
    }
  if (!g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), text,
                                  strlen (text), NULL, NULL, error))
    return FALSE;
  in = g_data_input_stream_new (g_io_stream_get_input_stream (G_IO_STREAM (connection)));
  while ((answer = g_data_input_stream_read_line_utf8 (in, NULL, NULL, NULL)))
    {
      line (answer, user_data);
      g_free (answer);
    }
  return TRUE;
}
