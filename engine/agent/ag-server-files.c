/* Requests for files and kept builds: what is there, what comes in pieces, what is taken away.
 * Called by ag-server.c for who showed a token; ag-store.c keeps the files. */
#include "ag-server-private.h"

#include <string.h>

#include "ag-answer.h"
#include "ag-request.h"

/* ---- /v1/files/NAME ---- */

void
ag_server_get_file (AgServer *server, SoupServerMessage *msg, const char *name, GHashTable *query)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  const char *sha256 = query ? g_hash_table_lookup (query, "sha256") : NULL;
  guint8 sum[32];
  guint64 n_bytes = 0;
  gboolean there = ag_store_size (server->store, name, &n_bytes);

  if (sha256 && !ag_hex_read (sha256, sum, sizeof sum))
    {
      ag_refuse (msg, 400, "format", "sha256 is 64 hexadecimal digits");
      return;
    }
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "bytes");
  if (there)
    json_builder_add_int_value (builder, (gint64)n_bytes);
  else
    json_builder_add_null_value (builder);
  ag_json_add_text (builder, "sha256", there ? ag_store_sha256 (server->store, name) : NULL);
  if (sha256)
    {
      g_autofree char *lower = g_ascii_strdown (sha256, -1);
      ag_json_add_number (builder, "part_bytes",
                          (gint64)ag_store_part (server->store, name, lower));
    }
  json_builder_end_object (builder);
  ag_answer (msg, 200, builder);
}

void
ag_server_delete_file (AgServer *server, SoupServerMessage *msg, const char *name)
{
  g_autoptr (GError) error = NULL;

  if (ag_store_remove (server->store, name, &error))
    ag_answer (msg, 204, NULL);
  else
    ag_refuse_error (msg, error);
}

void
ag_server_begin_put (AgServer *server, SoupServerMessage *msg, const char *name, AgRequest *request)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (msg);
  const char *range = soup_message_headers_get_one (headers, "Content-Range");
  const char *sha256 = soup_message_headers_get_one (headers, "Lathe-SHA256");
  const char *program = soup_message_headers_get_one (headers, "Lathe-Program");
  g_autofree char *lower = NULL;
  g_autoptr (GError) error = NULL;
  guint64 start, n, total;
  guint8 sum[32];

  if (!range || !ag_range_read (range, &start, &n, &total) || !sha256
      || !ag_hex_read (sha256, sum, sizeof sum))
    {
      ag_refuse (msg, 400, "format",
                 "Content-Range or Lathe-SHA256 is missing or not as documented");
      return;
    }
  if (n > AG_PUT_BYTES || (guint64)soup_message_headers_get_content_length (headers) != n)
    {
      ag_refuse (msg, 413, "range", "Content-Length is not that of the range, or too large");
      return;
    }
  lower = g_ascii_strdown (sha256, -1);
  request->upload = ag_upload_begin (server->store, name, lower,
                                     program && strcmp (program, "1") == 0, start, total, &error);
  if (!request->upload)
    {
      ag_refuse_error (msg, error);
      return;
    }
  request->n_left = n;
}

void
ag_server_go_on_put (AgRequest *request, gconstpointer bytes, gsize n)
{
  if (!request->failure && n > request->n_left)
    g_set_error_literal (&request->failure, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                         "More bytes than announced");
  if (!request->failure)
    ag_upload_write (request->upload, bytes, n, &request->failure);
  request->n_left -= MIN (n, request->n_left);
}

static void
verified (GObject *source, GAsyncResult *result, gpointer data)
{
  SoupServerMessage *msg = data;
  AgRequest *request = ag_request_of (msg);
  AgGuest *guest = ag_guest_of (msg);
  g_autoptr (GError) error = NULL;

  if (ag_upload_verify_finish (request->upload, result, &error))
    {
      g_autoptr (JsonBuilder) builder = json_builder_new ();
      json_builder_begin_object (builder);
      ag_json_add_number (builder, "bytes", (gint64)ag_upload_get_n (request->upload));
      json_builder_end_object (builder);
      ag_answer (msg, 201, builder);
    }
  else
    ag_refuse_error (msg, error);
  g_clear_pointer (&request->upload, ag_upload_free);
  if (guest)
    {
      ag_guest_release (guest);
      soup_server_message_unpause (msg);
    }
  g_object_unref (msg);
}

void
ag_server_end_put (SoupServerMessage *msg, AgRequest *request)
{
  AgGuest *guest = ag_guest_of (msg);

  if (request->failure)
    {
      ag_refuse_error (msg, request->failure);
      return;
    }
  if (request->n_left > 0)
    {
      ag_refuse (msg, 400, "range", "Fewer bytes than announced");
      return;
    }
  if (!ag_upload_is_complete (request->upload))
    {
      g_autoptr (JsonBuilder) builder = json_builder_new ();
      json_builder_begin_object (builder);
      ag_json_add_number (builder, "part_bytes", (gint64)ag_upload_get_n (request->upload));
      json_builder_end_object (builder);
      ag_answer (msg, 202, builder);
      return;
    }
  if (!guest)
    return;
  ag_guest_hold (guest);
  soup_server_message_pause (msg);
  ag_upload_verify_async (request->upload, verified, g_object_ref (msg));
}

/* ---- /v1/builds ---- */

void
ag_server_get_builds (AgServer *server, SoupServerMessage *msg)
{
  const GPtrArray *builds = ag_store_builds (server->store);
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "builds");
  json_builder_begin_array (builder);
  for (guint i = 0; i < builds->len; i++)
    {
      const AgBuild *build = builds->pdata[i];
      json_builder_begin_object (builder);
      ag_json_add_text (builder, "name", build->name);
      ag_json_add_text (builder, "sha256", ag_store_sha256 (server->store, build->name));
      ag_json_add_number (builder, "bytes", (gint64)build->n_bytes);
      ag_json_add_number (builder, "runs", build->n_runs);
      ag_json_add_number (builder, "first_s", build->first_s);
      ag_json_add_number (builder, "last_s", build->last_s);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  ag_json_add_text (builder, "current", ag_store_current (server->store));
  json_builder_end_object (builder);
  ag_answer (msg, 200, builder);
}

void
ag_server_post_rollback (AgServer *server, SoupServerMessage *msg, const char *text, gsize n)
{
  g_autoptr (JsonObject) object = NULL;
  g_autoptr (GError) error = NULL;
  const char *name = NULL;

  object = ag_json_read (n ? text : "{}", n ? n : 2, &error);
  if (object)
    name = json_object_get_string_member_with_default (object, "name", NULL);
  if (!object || (name && !ag_name_is_valid (name)))
    ag_refuse (msg, 400, "format", error ? error->message : "\"name\" is no name of a file");
  else if (!ag_store_rollback (server->store, name, &error))
    ag_refuse_error (msg, error);
  else
    ag_server_get_builds (server, msg);
}
