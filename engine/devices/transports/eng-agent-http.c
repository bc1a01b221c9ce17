/* One request and its answer. Used by pairing, the link and its runs. The certificate is not judged
 * by authorities, as nobody vouches for a board: it is the pinned one or the connection ends before
 * a byte of ours, the token among them, is sent. */
#include "transports/eng-agent-http.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "ag-proof.h"

#define MAX_ANSWER_BYTES (1 << 20)
#define UNANSWERED_MS 30000 /* bytes that nobody acknowledged: then the connection is no more */

EngAgentHttp *
eng_agent_http_new (const char *host, guint16 port)
{
  EngAgentHttp *http = g_new0 (EngAgentHttp, 1);
  gboolean ipv6 = strchr (host, ':') != NULL;

  http->host = g_strdup (host);
  http->patience_s = 30;
  http->base = g_strdup_printf (ipv6 ? "https://[%s]:%u" : "https://%s:%u", host, port);
  http->sockets = g_ptr_array_new_with_free_func (g_object_unref);
  http->context = g_main_context_new ();
  g_main_context_push_thread_default (http->context);
  http->session = soup_session_new_with_options ("max-conns", 4, "max-conns-per-host", 4,
                                                 "idle-timeout", 60, "timeout", 0, NULL);
  /* No authority vouches: every certificate comes to accept-certificate. */
  g_object_set (http->session, "tls-database", NULL, "proxy-resolver", NULL, NULL);
  g_main_context_pop_thread_default (http->context);
  return http;
}

static void
wipe (char *text)
{
  if (text != NULL)
    explicit_bzero (text, strlen (text));
  g_free (text);
}

void
eng_agent_http_free (EngAgentHttp *http)
{
  if (http == NULL)
    return;
  g_main_context_push_thread_default (http->context);
  soup_session_abort (http->session);
  g_object_unref (http->session);
  while (g_main_context_iteration (http->context, FALSE))
    continue;
  g_main_context_pop_thread_default (http->context);
  g_main_context_unref (http->context);
  g_ptr_array_unref (http->sockets);
  wipe (http->token);
  g_free (http->host);
  g_free (http->base);
  g_free (http);
}

void
eng_agent_http_pin (EngAgentHttp *http, const guint8 *fingerprint)
{
  memcpy (http->fingerprint, fingerprint, sizeof http->fingerprint);
  http->pinned = TRUE;
}

void
eng_agent_http_set_token (EngAgentHttp *http, const char *token)
{
  wipe (http->token);
  http->token = g_strdup (token);
}

/* ---- The certificate ---- */

static gboolean
accept_certificate (SoupMessage *msg, GTlsCertificate *certificate, GTlsCertificateFlags errors,
                    gpointer data)
{
  EngAgentHttp *http = data;
  g_autoptr (GByteArray) der = NULL;
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 seen[ENG_AGENT_FINGERPRINT_BYTES];
  gsize n = sizeof seen;

  g_object_get (certificate, "certificate", &der, NULL);
  if (der == NULL)
    return FALSE;
  g_checksum_update (sum, der->data, der->len);
  g_checksum_get_digest (sum, seen, &n);
  if (!http->pinned)
    eng_agent_http_pin (http, seen);
  if (memcmp (seen, http->fingerprint, sizeof seen) == 0)
    return TRUE;
  http->mismatch = TRUE;
  return FALSE;
}

/* Ours to shut down, and nothing of it waits longer for the other side than a person does. */
static void
watch_socket (SoupMessage *msg, GSocketClientEvent event, GIOStream *stream, gpointer data)
{
  EngAgentHttp *http = data;

  if (event != G_SOCKET_CLIENT_CONNECTED || !G_IS_SOCKET_CONNECTION (stream))
    return;
  GSocket *socket = g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream));
  g_socket_set_option (socket, IPPROTO_TCP, TCP_USER_TIMEOUT, UNANSWERED_MS, NULL);
  for (guint i = http->sockets->len; i-- > 0;)
    if (g_socket_is_closed (http->sockets->pdata[i]))
      g_ptr_array_remove_index_fast (http->sockets, i);
  g_ptr_array_add (http->sockets, g_object_ref (socket));
}

void
eng_agent_http_drop (EngAgentHttp *http)
{
  for (guint i = 0; i < http->sockets->len; i++)
    if (!g_socket_is_closed (http->sockets->pdata[i]))
      g_socket_shutdown (http->sockets->pdata[i], TRUE, TRUE, NULL);
  g_ptr_array_set_size (http->sockets, 0);
}

void
eng_agent_http_watch (EngAgentHttp *http, SoupMessage *msg)
{
  http->mismatch = FALSE;
  g_signal_connect (msg, "network-event", G_CALLBACK (watch_socket), http);
  g_signal_connect (msg, "accept-certificate", G_CALLBACK (accept_certificate), http);
}

/* ---- Errors ---- */

static gboolean
is_unreachable (const GError *local)
{
  static const int codes[] = { G_IO_ERROR_CONNECTION_REFUSED, G_IO_ERROR_HOST_UNREACHABLE,
                               G_IO_ERROR_NETWORK_UNREACHABLE, G_IO_ERROR_HOST_NOT_FOUND };

  if (local->domain == G_RESOLVER_ERROR)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    if (g_error_matches (local, G_IO_ERROR, codes[i]))
      return TRUE;
  return FALSE;
}

gboolean
eng_agent_http_failed (EngAgentHttp *http, GError *local, GError **error)
{
  g_autoptr (GError) owned = local;

  if (http->mismatch)
    g_set_error (
        error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
        "%s shows another certificate than when it was paired: it is another board, its "
        "service was set up anew, or somebody is in between. Nothing was sent. If you know "
        "why, remove the device, add it again and pair",
        http->host);
  else if (g_error_matches (owned, G_IO_ERROR, G_IO_ERROR_CANCELLED)
           || g_error_matches (owned, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    g_propagate_error (error, g_steal_pointer (&owned));
  else if (is_unreachable (owned))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE,
                 "%s cannot be reached (%s). Is the board on, and lathe-agent running there?",
                 http->base, owned->message);
  else
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, "The connection to %s ended (%s)",
                 http->base, owned->message);
  return FALSE;
}

gboolean
eng_agent_http_refused (EngAgentHttp *http, guint status, JsonObject *object, GError **error)
{
  JsonObject *inner = object != NULL ? eng_json_get_object (object, "error") : NULL;
  const char *message = inner != NULL ? eng_json_get_string (inner, "message") : NULL;
  int code = G_IO_ERROR_FAILED;

  if (status == 401)
    {
      g_set_error (
          error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
          "%s does not know this studio (any more). Run lathe-agent pair there and connect "
          "again",
          http->host);
      return FALSE;
    }
  if (status == 404)
    code = G_IO_ERROR_NOT_FOUND;
  else if (status == 403)
    code = G_IO_ERROR_PERMISSION_DENIED;
  else if (status == 507)
    code = G_IO_ERROR_NO_SPACE;
  else if (inner != NULL && g_strcmp0 (eng_json_get_string (inner, "code"), "busy") == 0)
    code = G_IO_ERROR_BUSY;
  g_set_error (error, G_IO_ERROR, code, "%s: %s", http->host,
               message != NULL ? message : "it refuses without saying why");
  return FALSE;
}

/* ---- One request ---- */

typedef struct
{
  const EngAgentRequest *request;
  GBytes *bytes;
  GError *error;
  gboolean done;
  gsize n_wrote;
  gint64 last_us;
} Waiting;

static void
answered (GObject *source, GAsyncResult *result, gpointer data)
{
  Waiting *waiting = data;

  waiting->bytes
      = soup_session_send_and_read_finish (SOUP_SESSION (source), result, &waiting->error);
  waiting->done = TRUE;
}

static void
wrote (SoupMessage *msg, guint n_bytes, gpointer data)
{
  Waiting *waiting = data;

  waiting->last_us = g_get_monotonic_time ();
  waiting->n_wrote += n_bytes;
  if (waiting->request->wrote != NULL)
    waiting->request->wrote (n_bytes, waiting->request->user_data);
}

static gboolean
wake (gpointer data)
{
  Waiting *waiting = data;
  const EngAgentRequest *request = waiting->request;

  if (request->wrote != NULL && request->body != NULL
      && waiting->n_wrote == g_bytes_get_size (request->body))
    request->wrote (0, request->user_data);
  return G_SOURCE_CONTINUE;
}

/* Any thread. */
static void
wake_up (GCancellable *cancellable, gpointer context)
{
  g_main_context_wakeup (context);
}

static SoupMessage *
make_message (EngAgentHttp *http, const EngAgentRequest *request)
{
  g_autofree char *uri = g_strconcat (http->base, request->path, NULL);
  SoupMessage *msg = soup_message_new (request->method, uri);
  SoupMessageHeaders *headers;

  if (msg == NULL)
    return NULL;
  headers = soup_message_get_request_headers (msg);
  soup_message_set_flags (msg, SOUP_MESSAGE_NO_REDIRECT);
  if (http->token != NULL)
    {
      g_autofree char *value = g_strconcat ("Bearer ", http->token, NULL);
      soup_message_headers_replace (headers, "Authorization", value);
      explicit_bzero (value, strlen (value));
    }
  if (request->range != NULL)
    soup_message_headers_replace (headers, "Content-Range", request->range);
  if (request->sha256 != NULL)
    soup_message_headers_replace (headers, "Lathe-SHA256", request->sha256);
  if (request->program)
    soup_message_headers_replace (headers, "Lathe-Program", "1");
  if (request->body != NULL)
    soup_message_set_request_body_from_bytes (msg, request->type, request->body);
  eng_agent_http_watch (http, msg);
  return msg;
}

/* Until it is answered, nothing went by for too long, or the user has enough. */
static void
wait_for (EngAgentHttp *http, SoupMessage *msg, Waiting *waiting, GCancellable *cancellable)
{
  double patience_s
      = waiting->request->patience_s > 0 ? waiting->request->patience_s : http->patience_s;
  g_autoptr (GCancellable) inner = g_cancellable_new ();
  g_autoptr (GSource) clock = g_timeout_source_new (250);
  gulong chained = cancellable != NULL ? g_cancellable_connect (cancellable, G_CALLBACK (wake_up),
                                                                http->context, NULL)
                                       : 0;
  gboolean late = FALSE, given_up = FALSE;

  g_source_set_callback (clock, wake, waiting, NULL);
  g_source_attach (clock, http->context);
  soup_session_send_and_read_async (http->session, msg, G_PRIORITY_DEFAULT, inner, answered,
                                    waiting);
  while (!waiting->done)
    {
      late = (double)(g_get_monotonic_time () - waiting->last_us) / 1e6 > patience_s;
      if (!given_up && (late || g_cancellable_is_cancelled (cancellable)))
        {
          given_up = TRUE;
          eng_agent_http_drop (http);
          g_cancellable_cancel (inner);
        }
      g_main_context_iteration (http->context, TRUE);
    }
  g_source_destroy (clock);
  g_cancellable_disconnect (cancellable, chained);
  if (given_up && late && waiting->error != NULL && !g_cancellable_is_cancelled (cancellable))
    {
      g_clear_error (&waiting->error);
      g_set_error (&waiting->error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                   "%s did not answer for %.0f s", http->base, patience_s);
    }
}

static JsonObject *
read_answer (EngAgentHttp *http, GBytes *bytes, GError **error)
{
  gsize n = bytes != NULL ? g_bytes_get_size (bytes) : 0;
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) root = NULL;

  if (n == 0)
    return json_object_new ();
  text = g_strndup (g_bytes_get_data (bytes, NULL), MIN (n, MAX_ANSWER_BYTES));
  root = g_utf8_validate (text, -1, NULL) ? eng_json_parse_object (text, "board's answer", error)
                                          : NULL;
  if (root == NULL && (error == NULL || *error == NULL))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s answers with something unreadable",
                 http->base);
  return root != NULL ? json_node_dup_object (root) : NULL;
}

JsonObject *
eng_agent_http_ask (EngAgentHttp *http, const EngAgentRequest *request, guint *status,
                    GCancellable *cancellable, GError **error)
{
  Waiting waiting = { .request = request, .last_us = g_get_monotonic_time () };
  JsonObject *object = NULL;

  g_main_context_push_thread_default (http->context);
  g_autoptr (SoupMessage) msg = make_message (http, request);
  if (msg == NULL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%s is no address of a board",
                 http->host);
  else
    {
      g_signal_connect (msg, "wrote-body-data", G_CALLBACK (wrote), &waiting);
      wait_for (http, msg, &waiting, cancellable);
      *status = soup_message_get_status (msg);
      if (waiting.error != NULL)
        eng_agent_http_failed (http, g_steal_pointer (&waiting.error), error);
      else
        object = read_answer (http, waiting.bytes, error);
    }
  g_clear_pointer (&waiting.bytes, g_bytes_unref);
  g_main_context_pop_thread_default (http->context);
  return object;
}
