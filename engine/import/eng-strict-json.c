/* See eng-strict-json.h. */
#include "eng-strict-json.h"

#include <gio/gio.h>
#include <math.h>
#include <string.h>

#include "eng-error.h"

gboolean
eng_strict_json_refuse (GError **error, int code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_set_error_literal (error, ENG_ERROR, code, valid);
  return FALSE;
}

/* What JSON has outside of strings. json-glib takes more (comments, other quotes); that goes here,
 * so that this scan and json-glib agree on what is a string. */
static gboolean
is_plain (char c)
{
  return strchr ("{}[]:,+-. \t\r\n", c) != NULL || g_ascii_isalnum (c);
}

/* Whether nothing nests too deep. */
static gboolean
check_depth (const char *what, const char *text, gsize n_bytes, GError **error)
{
  guint depth = 0;
  gboolean in_string = FALSE;

  for (gsize i = 0; i < n_bytes; i++)
    {
      char c = text[i];
      if (in_string)
        {
          if (c == '\\')
            i++;
          else if (c == '"')
            in_string = FALSE;
          continue;
        }
      if (c == '"')
        in_string = TRUE;
      else if (c == '\0' || !is_plain (c))
        {
          g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                       "%s: not JSON: unexpected character at byte %" G_GSIZE_FORMAT, what, i);
          return FALSE;
        }
      else if (c == '{' || c == '[')
        depth++;
      else if ((c == '}' || c == ']') && depth > 0)
        depth--;
      if (depth > ENG_STRICT_JSON_MAX_DEPTH)
        {
          g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                       "%s: nested deeper than %d at byte %" G_GSIZE_FORMAT, what,
                       ENG_STRICT_JSON_MAX_DEPTH, i);
          return FALSE;
        }
    }
  return TRUE;
}

JsonObject *
eng_strict_json_parse (const char *what, const char *text, gsize n_bytes, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) local = NULL;
  const char *end;

  if (n_bytes > G_MAXINT32 || !g_utf8_validate (text, (gssize)n_bytes, &end))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "%s: not JSON: %s", what,
                   n_bytes > G_MAXINT32 ? "too large" : "not UTF-8");
      return NULL;
    }
  if (!check_depth (what, text, n_bytes, error))
    return NULL;
  if (!json_parser_load_from_data (parser, text, (gssize)n_bytes, &local))
    {
      eng_strict_json_refuse (error, ENG_ERROR_FORMAT, "%s: not JSON: %s", what, local->message);
      return NULL;
    }
  JsonNode *root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "%s: expected an object { … }", what);
      return NULL;
    }
  return json_object_ref (json_node_get_object (root));
}

JsonObject *
eng_strict_json_load (const char *path, gsize max_bytes, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInfo) info
      = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_SIZE "," G_FILE_ATTRIBUTE_STANDARD_TYPE,
                           G_FILE_QUERY_INFO_NONE, NULL, &local);
  g_autofree char *what = g_path_get_basename (path);
  g_autofree char *text = NULL;
  gsize n_bytes;

  if (info == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "%s cannot be read: %s", path, local->message);
      return NULL;
    }
  if (g_file_info_get_file_type (info) != G_FILE_TYPE_REGULAR
      || g_file_info_get_size (info) > (goffset)max_bytes)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "%s: expected an ordinary file of at most %" G_GSIZE_FORMAT " bytes", path,
                   max_bytes);
      return NULL;
    }
  if (!g_file_get_contents (path, &text, &n_bytes, &local))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "%s cannot be read: %s", path, local->message);
      return NULL;
    }
  return eng_strict_json_parse (what, text, n_bytes, error);
}

/* ---- members ---- */

JsonNode *
eng_strict_json_member (JsonObject *object, const char *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;

  return node != NULL && !JSON_NODE_HOLDS_NULL (node) ? node : NULL;
}

JsonObject *
eng_strict_json_object (JsonObject *object, const char *name)
{
  JsonNode *node = eng_strict_json_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

JsonArray *
eng_strict_json_array (JsonObject *object, const char *name)
{
  JsonNode *node = eng_strict_json_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

const char *
eng_strict_json_node_text (JsonNode *node)
{
  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
                 && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

const char *
eng_strict_json_text (JsonObject *object, const char *name)
{
  return eng_strict_json_node_text (eng_strict_json_member (object, name));
}

gboolean
eng_strict_json_bool (JsonObject *object, const char *name, gboolean otherwise)
{
  JsonNode *node = eng_strict_json_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
                 && json_node_get_value_type (node) == G_TYPE_BOOLEAN
             ? json_node_get_boolean (node)
             : otherwise;
}

gboolean
eng_strict_json_node_int (JsonNode *node, gint64 *value)
{
  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_INT64)
    return FALSE;
  *value = json_node_get_int (node);
  return TRUE;
}

gboolean
eng_strict_json_node_number (JsonNode *node, double *value)
{
  gint64 whole;

  if (eng_strict_json_node_int (node, &whole))
    {
      *value = (double)whole;
      return TRUE;
    }
  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_DOUBLE
      || !isfinite (json_node_get_double (node)))
    return FALSE;
  *value = json_node_get_double (node);
  return TRUE;
}
