/* Answers as JSON. Used by the ag-server*.c files for requests and by ag-run.c for a WebSocket. */
#include "ag-answer.h"

#include <string.h>

void
ag_json_add_number (JsonBuilder *builder, const char *name, gint64 number)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, number);
}

void
ag_json_add_text (JsonBuilder *builder, const char *name, const char *text)
{
  json_builder_set_member_name (builder, name);
  if (text)
    json_builder_add_string_value (builder, text);
  else
    json_builder_add_null_value (builder);
}

void
ag_answer (SoupServerMessage *msg, guint status, JsonBuilder *builder)
{
  if (builder)
    {
      g_autoptr (JsonNode) root = json_builder_get_root (builder);
      g_autofree char *text = json_to_string (root, FALSE);
      gsize n = strlen (text);
      soup_server_message_set_response (msg, "application/json", SOUP_MEMORY_TAKE,
                                        g_steal_pointer (&text), n);
    }
  else
    soup_server_message_set_response (msg, NULL, SOUP_MEMORY_STATIC, NULL, 0);
  soup_server_message_set_status (msg, status, NULL);
}

void
ag_hang_up_after (SoupServerMessage *msg)
{
  soup_message_headers_replace (soup_server_message_get_response_headers (msg), "Connection",
                                "close");
}

JsonBuilder *
ag_json_new_error (const char *code, const char *message)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "error");
  json_builder_begin_object (builder);
  ag_json_add_text (builder, "code", code);
  ag_json_add_text (builder, "message", message);
  json_builder_end_object (builder);
  json_builder_end_object (builder);
  return builder;
}

void
ag_refuse (SoupServerMessage *msg, guint status, const char *code, const char *message)
{
  g_autoptr (JsonBuilder) builder = ag_json_new_error (code, message);

  ag_answer (msg, status, builder);
}

void
ag_refuse_error (SoupServerMessage *msg, const GError *error)
{
  guint status = 500;
  const char *code = "failed";

  if (error->domain == G_IO_ERROR)
    switch ((int)error->code)
      {
      case G_IO_ERROR_NOT_FOUND:
        status = 404, code = "not-found";
        break;
      case G_IO_ERROR_NO_SPACE:
        status = 507, code = "no-space";
        break;
      case G_IO_ERROR_BUSY:
        status = 409, code = "busy";
        break;
      case G_IO_ERROR_INVALID_ARGUMENT:
        status = 409, code = "range";
        break;
      case G_IO_ERROR_INVALID_DATA:
        status = 422, code = "sum";
        break;
      case G_IO_ERROR_PERMISSION_DENIED:
        status = 403, code = "permission";
        break;
      default:
        break;
      }
  ag_refuse (msg, status, code, error->message);
}
