/* One command of the runner on a paired board, over a WebSocket: what it writes comes as binary
 * messages; how much of it was read goes back, so that the board sends no more than a window ahead.
 * The end is a text message with the exit status. */
#include <string.h>

#include "transports/eng-agent-link.h"

#define ACK_BYTES (64 * 1024)
#define SILENCE_S 45 /* without a byte or an answer to a ping: the link is gone */
#define CONNECT_S 15

typedef struct
{
  EngAgentHttp *http;
  SoupWebsocketConnection *socket;
  EngLinkData data;
  gpointer user_data;
  GError *error;
  gboolean connected, enough, ended, closed;
  int status;
  char *errors; /* what it said on its standard error */
  guint64 n_read, n_told;
  gint64 heard_us;
} Run;

/* ---- What comes ---- */

static void
tell_read (Run *run)
{
  g_autofree char *text = g_strdup_printf ("{\"read\": %" G_GUINT64_FORMAT "}", run->n_read);

  run->n_told = run->n_read;
  if (soup_websocket_connection_get_state (run->socket) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_send_text (run->socket, text);
}

static void
take_error (Run *run, JsonObject *inner)
{
  const char *code = eng_json_get_string (inner, "code");
  const char *message = eng_json_get_string (inner, "message");

  g_set_error (&run->error, G_IO_ERROR,
               g_strcmp0 (code, "not-found") == 0    ? G_IO_ERROR_NOT_FOUND
               : g_strcmp0 (code, "permission") == 0 ? G_IO_ERROR_PERMISSION_DENIED
                                                     : G_IO_ERROR_FAILED,
               "%s: %s", run->http->host, message != NULL ? message : "it refuses the command");
}

static void
take_end (Run *run, const char *text)
{
  g_autoptr (JsonNode) root = eng_json_parse_object (text, "board's answer", &run->error);
  JsonObject *object = root != NULL ? json_node_get_object (root) : NULL;
  JsonObject *inner = object != NULL ? eng_json_get_object (object, "error") : NULL;

  run->ended = TRUE;
  if (inner != NULL)
    take_error (run, inner);
  else if (object != NULL)
    {
      gint64 signal = eng_json_get_int (object, "signal", 0);
      run->status = signal != 0 ? 128 + (int)signal : (int)eng_json_get_int (object, "status", -1);
      run->errors = g_strdup (eng_json_get_string (object, "errors"));
    }
}

static void
got_message (SoupWebsocketConnection *socket, int type, GBytes *message, gpointer data)
{
  Run *run = data;
  gsize n;
  const char *bytes = g_bytes_get_data (message, &n);

  run->heard_us = g_get_monotonic_time ();
  if (run->ended || run->enough)
    return;
  if (type == SOUP_WEBSOCKET_DATA_TEXT)
    {
      g_autofree char *text = g_strndup (bytes, n);
      take_end (run, text);
      return;
    }
  run->n_read += n;
  run->enough = n > 0 && run->data != NULL && !run->data (bytes, n, run->user_data);
  if (run->n_read - run->n_told >= ACK_BYTES)
    tell_read (run);
}

static void
got_pong (SoupWebsocketConnection *socket, GBytes *message, gpointer data)
{
  ((Run *)data)->heard_us = g_get_monotonic_time ();
}

static void
socket_closed (SoupWebsocketConnection *socket, gpointer data)
{
  ((Run *)data)->closed = TRUE;
}

static void
socket_failed (SoupWebsocketConnection *socket, GError *local, gpointer data)
{
  Run *run = data;

  if (run->error == NULL && !run->ended && !run->enough)
    eng_agent_http_failed (run->http, g_error_copy (local), &run->error);
}

/* ---- Asking ---- */

static void
ask_command (Run *run, const char *runner, const char *const *args)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  eng_json_add_string (builder, "runner", runner);
  eng_json_add_strv (builder, "args", args);
  json_builder_end_object (builder);
  g_autofree char *text = eng_json_builder_finish (builder, FALSE);
  soup_websocket_connection_send_text (run->socket, text);
}

static void
connected (GObject *source, GAsyncResult *result, gpointer data)
{
  Run *run = data;

  run->socket = soup_session_websocket_connect_finish (SOUP_SESSION (source), result, &run->error);
  run->connected = TRUE;
}

static gboolean
wake (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

/* Any thread. */
static void
wake_up (GCancellable *cancellable, gpointer context)
{
  g_main_context_wakeup (context);
}

static void
wait_until_connected (Run *run, SoupMessage *msg, GCancellable *cancellable)
{
  g_autoptr (GCancellable) inner = g_cancellable_new ();
  gulong chained = cancellable != NULL
                       ? g_cancellable_connect (cancellable, G_CALLBACK (wake_up),
                                                run->http->context, NULL)
                       : 0;
  gint64 until_us = g_get_monotonic_time () + CONNECT_S * G_USEC_PER_SEC;
  gboolean late = FALSE, given_up = FALSE;

  soup_session_websocket_connect_async (run->http->session, msg, NULL, NULL, G_PRIORITY_DEFAULT,
                                        inner, connected, run);
  while (!run->connected)
    {
      late = g_get_monotonic_time () > until_us;
      if (!given_up && (late || g_cancellable_is_cancelled (cancellable)))
        {
          given_up = TRUE;
          eng_agent_http_drop (run->http);
          g_cancellable_cancel (inner);
        }
      g_main_context_iteration (run->http->context, TRUE);
    }
  g_cancellable_disconnect (cancellable, chained);
  if (run->error == NULL)
    return;
  GError *local = g_steal_pointer (&run->error);
  guint status = soup_message_get_status (msg);
  if (given_up && late && !g_cancellable_is_cancelled (cancellable))
    {
      g_error_free (local);
      g_set_error (&run->error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "%s did not answer for %d s",
                   run->http->base, CONNECT_S);
    }
  else if (status >= 400)
    {
      g_error_free (local);
      eng_agent_http_refused (run->http, status, NULL, &run->error);
    }
  else
    eng_agent_http_failed (run->http, local, &run->error);
}

static void
wait_until_ended (Run *run, GCancellable *cancellable)
{
  while (!run->ended && !run->enough && run->error == NULL)
    {
      if (run->closed)
        g_set_error (&run->error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED,
                     "The connection to %s ended", run->http->base);
      else if (g_cancellable_set_error_if_cancelled (cancellable, &run->error))
        break;
      else if (g_get_monotonic_time () - run->heard_us > SILENCE_S * G_USEC_PER_SEC)
        g_set_error (&run->error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "%s said nothing for %d s",
                     run->http->base, SILENCE_S);
      else
        g_main_context_iteration (run->http->context, TRUE);
    }
}

/* Says goodbye and waits a little for it: the next command finds the board free. */
static void
hang_up (Run *run)
{
  gint64 until_us = g_get_monotonic_time () + G_USEC_PER_SEC;

  if (soup_websocket_connection_get_state (run->socket) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_close (run->socket, SOUP_WEBSOCKET_CLOSE_NORMAL, NULL);
  while (!run->closed && g_get_monotonic_time () < until_us)
    g_main_context_iteration (run->http->context, TRUE);
  if (!run->closed)
    eng_agent_http_drop (run->http);
  g_signal_handlers_disconnect_by_data (run->socket, run);
}

static void
converse (Run *run, const char *runner, const char *const *args, GCancellable *cancellable)
{
  soup_websocket_connection_set_max_incoming_payload_size (run->socket, 1 << 20);
  soup_websocket_connection_set_keepalive_interval (run->socket, 10);
  g_signal_connect (run->socket, "message", G_CALLBACK (got_message), run);
  g_signal_connect (run->socket, "pong", G_CALLBACK (got_pong), run);
  g_signal_connect (run->socket, "closed", G_CALLBACK (socket_closed), run);
  g_signal_connect (run->socket, "error", G_CALLBACK (socket_failed), run);
  run->heard_us = g_get_monotonic_time ();
  ask_command (run, runner, args);
  wait_until_ended (run, cancellable);
  hang_up (run);
}

/* 126, 127: what shells and emulators end with when there is no program or it is for another
 * machine. */
static gboolean
conclude (Run *run, int *status, GError **error)
{
  if (run->error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&run->error));
      return FALSE;
    }
  if (status != NULL)
    *status = run->status;
  if (run->enough || (run->status != 126 && run->status != 127))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The runner could not be started%s%s",
               run->errors != NULL && *run->errors != '\0' ? ": " : "",
               run->errors != NULL ? g_strstrip (run->errors) : "");
  return FALSE;
}

gboolean
eng_agent_run (EngAgentHttp *http, const char *runner, const char *const *args, EngLinkData data,
               gpointer user_data, int *status, GCancellable *cancellable, GError **error)
{
  g_autofree char *uri = g_strconcat (http->base, "/v1/run", NULL);
  g_autofree char *value = g_strconcat ("Bearer ", http->token, NULL);
  g_autoptr (SoupMessage) msg = soup_message_new ("GET", uri);
  g_autoptr (GSource) clock = g_timeout_source_new (100);
  Run run = { .http = http, .data = data, .user_data = user_data };

  g_main_context_push_thread_default (http->context);
  g_source_set_callback (clock, wake, NULL, NULL);
  g_source_attach (clock, http->context);
  soup_message_headers_replace (soup_message_get_request_headers (msg), "Authorization", value);
  explicit_bzero (value, strlen (value));
  eng_agent_http_watch (http, msg);
  wait_until_connected (&run, msg, cancellable);
  if (run.socket != NULL)
    converse (&run, runner, args, cancellable);
  g_source_destroy (clock);
  g_clear_object (&run.socket);
  g_main_context_pop_thread_default (http->context);
  gboolean ok = conclude (&run, status, error);
  g_free (run.errors);
  return ok;
}
