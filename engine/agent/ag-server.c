/* Requests: who may, which, and where they are answered. The gate is the first thing that sees a
 * request's headers; behind it every request has a token or is one of the two of pairing. Files and
 * builds are answered in ag-server-files.c, pairing in ag-server-pairing.c. libsoup reads and
 * writes HTTP; connections come through ag-door.c. */
#include "ag-server-private.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>

#include "ag-answer.h"
#include "ag-request.h"

static void
request_free (gpointer data)
{
  AgRequest *request = data;

  ag_upload_free (request->upload);
  g_clear_error (&request->failure);
  g_clear_pointer (&request->body, g_byte_array_unref);
  g_free (request);
}

AgRequest *
ag_request_of (SoupServerMessage *msg)
{
  return g_object_get_data (G_OBJECT (msg), "ag-request");
}

AgGuest *
ag_guest_of (SoupServerMessage *msg)
{
  return ag_door_find (soup_server_message_get_remote_address (msg));
}

const char *
ag_token_of (SoupServerMessage *msg)
{
  const char *text = soup_message_headers_get_one (soup_server_message_get_request_headers (msg),
                                                   "Authorization");

  return text && g_ascii_strncasecmp (text, "Bearer ", 7) == 0 ? text + 7 : NULL;
}

/* ---- the gate ---- */

static gboolean
is_pairing (SoupServerMessage *msg)
{
  const char *path = g_uri_get_path (soup_server_message_get_uri (msg));

  return strcmp (soup_server_message_get_method (msg), "POST") == 0
         && (strcmp (path, "/v1/pair/start") == 0 || strcmp (path, "/v1/pair/finish") == 0);
}

/* 401, nothing in it, and goodbye: the same for every path and method, whether it exists or not. */
static void
turn_away (SoupServerMessage *msg)
{
  ag_answer (msg, 401, NULL);
  ag_hang_up_after (msg);
}

/* Whose request it is; the answer is set when it goes no further. */
static const AgPaired *
check_token (AgServer *server, SoupServerMessage *msg, AgGuest *guest)
{
  const AgPaired *paired = ag_tokens_check (server->tokens, ag_token_of (msg));

  if (!paired)
    {
      turn_away (msg);
      return NULL;
    }
  if (ag_guest_prove (guest, paired->id))
    return paired;
  ag_refuse (msg, 503, "busy", "Too many connections of paired studios");
  ag_hang_up_after (msg);
  return NULL;
}

static const char *
file_of (SoupServerMessage *msg)
{
  const char *path = g_uri_get_path (soup_server_message_get_uri (msg));

  return g_str_has_prefix (path, "/v1/files/") ? path + strlen ("/v1/files/") : NULL;
}

/* What is known from the headers alone; a body that nobody wants is never stored. */
static void
begin (AgServer *server, SoupServerMessage *msg, AgRequest *request)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (msg);
  const char *method = soup_server_message_get_method (msg);
  const char *name = file_of (msg);
  goffset n_body = soup_message_headers_get_content_length (headers);

  if (soup_message_headers_get_encoding (headers) == SOUP_ENCODING_CHUNKED)
    ag_refuse (msg, 411, "format", "Content-Length is needed");
  else if (name && !ag_name_is_valid (name))
    ag_refuse (msg, 400, "name", "Names of files are letters, digits, '.', '_' and '-'");
  else if (name && strcmp (method, "PUT") == 0)
    ag_server_begin_put (server, msg, name, request);
  else if (n_body > AG_MAX_BODY)
    ag_refuse (msg, 413, "format", "Too large a body");
  else
    {
      request->body = g_byte_array_new ();
      return;
    }
  if (soup_server_message_get_status (msg) != 0)
    ag_hang_up_after (msg);
}

static void
got_headers (SoupServerMessage *msg, gpointer data)
{
  AgRequest *request = data;
  AgServer *server = request->server;
  AgGuest *guest = ag_guest_of (msg);
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (msg);

  soup_message_body_set_accumulate (soup_server_message_get_request_body (msg), FALSE);
  if (!guest)
    {
      turn_away (msg);
      return;
    }
  if (is_pairing (msg))
    {
      ag_hang_up_after (msg);
      if (soup_message_headers_get_encoding (headers) == SOUP_ENCODING_CHUNKED
          || soup_message_headers_get_content_length (headers) > AG_MAX_BODY)
        turn_away (msg);
      else
        {
          request->body = g_byte_array_new ();
          ag_guest_begin (guest);
        }
      return;
    }
  if (!check_token (server, msg, guest))
    return;
  ag_guest_begin (guest);
  /* libsoup has refused it already: a path that climbs, a version that it does not speak. */
  if (soup_server_message_get_status (msg) == 0)
    begin (server, msg, request);
}

static void
got_chunk (SoupServerMessage *msg, GBytes *chunk, gpointer data)
{
  AgRequest *request = data;
  gsize n;
  gconstpointer bytes = g_bytes_get_data (chunk, &n);

  if (request->upload)
    ag_server_go_on_put (request, bytes, n);
  else if (request->body && request->body->len + n <= AG_MAX_BODY)
    g_byte_array_append (request->body, bytes, (guint)n);
}

static void
finished (SoupServerMessage *msg, gpointer data)
{
  AgGuest *guest = ag_guest_of (msg);

  if (guest)
    ag_guest_end (guest);
}

static void
request_started (SoupServer *soup, SoupServerMessage *msg, gpointer data)
{
  AgRequest *request = g_new0 (AgRequest, 1);

  request->server = data;
  g_object_set_data_full (G_OBJECT (msg), "ag-request", request, request_free);
  g_signal_connect (msg, "got-headers", G_CALLBACK (got_headers), request);
  g_signal_connect (msg, "got-chunk", G_CALLBACK (got_chunk), request);
  g_signal_connect (msg, "finished", G_CALLBACK (finished), request);
}

/* ---- GET /v1/agent ---- */

static void
get_agent (AgServer *server, SoupServerMessage *msg)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *system
      = g_strdup_printf ("%s %s", server->system.sysname, server->system.release);
  AgSpace space;

  ag_store_get_space (server->store, &space);
  json_builder_begin_object (builder);
  ag_json_add_number (builder, "protocol", AG_PROTOCOL);
  ag_json_add_text (builder, "agent", AG_VERSION);
  ag_json_add_text (builder, "name", server->name);
  ag_json_add_text (builder, "machine", server->system.machine);
  ag_json_add_text (builder, "system", system);
  ag_json_add_number (builder, "time_s", g_get_real_time () / G_USEC_PER_SEC);
  ag_json_add_number (builder, "used_bytes", (gint64)space.used);
  ag_json_add_number (builder, "left_bytes", (gint64)space.left);
  ag_json_add_number (builder, "quota_bytes", (gint64)MIN (space.quota, G_MAXINT64));
  ag_json_add_number (builder, "builds_bytes", (gint64)space.builds);
  ag_json_add_text (builder, "current", ag_store_current (server->store));
  json_builder_end_object (builder);
  ag_answer (msg, 200, builder);
}

/* ---- after the body ---- */

static gboolean
is (SoupServerMessage *msg, const char *method, const char *path)
{
  return strcmp (soup_server_message_get_method (msg), method) == 0
         && strcmp (g_uri_get_path (soup_server_message_get_uri (msg)), path) == 0;
}

static void
handle (SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query,
        gpointer data)
{
  AgServer *server = data;
  AgRequest *request = ag_request_of (msg);
  const char *name = file_of (msg);
  const char *method = soup_server_message_get_method (msg);
  const char *text = request->body ? (const char *)request->body->data : NULL;
  gsize n = request->body ? request->body->len : 0;

  if (request->upload)
    ag_server_end_put (msg, request);
  else if (is_pairing (msg) && g_str_has_suffix (path, "/start"))
    ag_server_pair_start (server, msg, text ? text : "", n);
  else if (is_pairing (msg))
    ag_server_pair_finish (server, msg, text ? text : "", n);
  else if (is (msg, "GET", "/v1/agent"))
    get_agent (server, msg);
  else if (name && strcmp (method, "GET") == 0)
    ag_server_get_file (server, msg, name, query);
  else if (name && strcmp (method, "DELETE") == 0)
    ag_server_delete_file (server, msg, name);
  else if (is (msg, "GET", "/v1/builds"))
    ag_server_get_builds (server, msg);
  else if (is (msg, "POST", "/v1/builds/rollback"))
    ag_server_post_rollback (server, msg, text, n);
  else if (is (msg, "DELETE", "/v1/pairing"))
    ag_server_unpair (server, msg);
  else
    ag_refuse (msg, 404, "not-found", "There is nothing here");
}

static void
handle_run (SoupServer *soup, SoupServerMessage *msg, const char *path,
            SoupWebsocketConnection *socket, gpointer data)
{
  AgServer *server = data;

  ag_runs_take (server->runs, socket, soup_server_message_get_remote_address (msg));
}

/* ---- opening ---- */

static void
welcome (AgGuest *guest, GIOStream *stream, GSocketAddress *near, GSocketAddress *far,
         gpointer data)
{
  AgServer *server = data;

  soup_server_accept_iostream (server->soup, stream, near, far, NULL);
}

/* libsoup keeps a connection for a second request only while it listens itself. We accept, as it
 * has no limits of its own; so it gets one end of a pair of sockets to listen on, and nobody has
 * the other. */
static gboolean
open_soup (AgServer *server, GError **error)
{
  g_autoptr (GSocket) socket = NULL;

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, server->silent) < 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "No sockets are left");
      return FALSE;
    }
  socket = g_socket_new_from_fd (server->silent[0], error);
  if (!socket)
    return FALSE;
  server->soup = soup_server_new ("raw-paths", TRUE, NULL);
  g_signal_connect (server->soup, "request-started", G_CALLBACK (request_started), server);
  soup_server_add_handler (server->soup, NULL, handle, server, NULL);
  soup_server_add_websocket_handler (server->soup, "/v1/run", NULL, NULL, handle_run, server, NULL);
  return soup_server_listen_socket (server->soup, socket, 0, error);
}

AgServer *
ag_server_new (const AgConfig *config, GError **error)
{
  AgServer *server = g_new0 (AgServer, 1);

  uname (&server->system);
  server->name = g_strndup (server->system.nodename, 64);
  server->silent[0] = server->silent[1] = -1;
  server->identity = ag_identity_load (config->state, error);
  if (server->identity)
    server->tokens = ag_tokens_load (config->state, error);
  if (server->tokens)
    server->store = ag_store_new (config->files, config->quota_bytes, error);
  if (server->store)
    {
      server->pairing = ag_pairing_new (server->identity->fingerprint, server->name);
      server->runs = ag_runs_new (server->store);
    }
  if (server->store && open_soup (server, error))
    server->door = ag_door_new (server->identity, config->address, config->port, config->limits,
                                welcome, server, error);
  if (server->door)
    return server;
  ag_server_free (server);
  return NULL;
}

void
ag_server_free (AgServer *server)
{
  if (!server)
    return;
  ag_runs_free (server->runs);
  ag_door_free (server->door);
  if (server->soup)
    {
      soup_server_disconnect (server->soup);
      g_object_unref (server->soup);
    }
  if (server->silent[1] >= 0)
    g_close (server->silent[1], NULL);
  ag_pairing_free (server->pairing);
  ag_store_free (server->store);
  ag_tokens_free (server->tokens);
  ag_identity_free (server->identity);
  g_free (server->name);
  g_free (server);
}

guint16
ag_server_get_port (AgServer *server)
{
  return ag_door_get_port (server->door);
}

const AgIdentity *
ag_server_get_identity (AgServer *server)
{
  return server->identity;
}

AgPairing *
ag_server_get_pairing (AgServer *server)
{
  return server->pairing;
}

AgTokens *
ag_server_get_tokens (AgServer *server)
{
  return server->tokens;
}

AgDoor *
ag_server_get_door (AgServer *server)
{
  return server->door;
}

AgStore *
ag_server_get_store (AgServer *server)
{
  return server->store;
}

const char *
ag_server_get_name (AgServer *server)
{
  return server->name;
}

const char *
ag_server_get_machine (AgServer *server)
{
  return server->system.machine;
}

void
ag_server_watch_pairing (AgServer *server, AgServerPaired watch, gpointer user_data)
{
  server->watch = watch;
  server->watch_data = user_data;
}
