/* Small helpers over json-glib, for everything of this folder that reads or writes JSON. */
#include "eng-json.h"

#include <math.h>
#include <string.h>

#include "eng-error.h"

#define MAX_DEPTH 64
#define MAX_BYTES (256u << 20)

/* json-glib descends recursively: a file of a million brackets would use up the stack. */
static gboolean
depth_ok (const char *text)
{
  guint depth = 0;
  gboolean string = FALSE;

  for (const char *p = text; *p != '\0'; p++)
    {
      if (string)
        {
          if (*p == '\\' && p[1] != '\0')
            p++;
          else if (*p == '"')
            string = FALSE;
        }
      else if (*p == '"')
        string = TRUE;
      else if ((*p == '{' || *p == '[') && ++depth > MAX_DEPTH)
        return FALSE;
      else if ((*p == '}' || *p == ']') && depth > 0)
        depth--;
    }
  return TRUE;
}

JsonNode *
eng_json_parse_object (const char *text, const char *what, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) local = NULL;

  if (strlen (text) > MAX_BYTES || !depth_ok (text))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "The %s is too large or too deeply nested to be one", what);
      return NULL;
    }
  if (!json_parser_load_from_data (parser, text, -1, &local))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "The %s is not valid JSON: %s", what,
                   local->message);
      return NULL;
    }
  JsonNode *root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "The %s must be a JSON object; found %s",
                   what, root != NULL ? eng_json_kind (root) : "nothing");
      return NULL;
    }
  return json_node_ref (root);
}

char *
eng_json_to_text (JsonNode *root, gboolean pretty)
{
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  json_generator_set_root (generator, root);
  json_generator_set_pretty (generator, pretty);
  return json_generator_to_data (generator, NULL);
}

char *
eng_json_builder_finish (JsonBuilder *builder, gboolean pretty)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  char *text = eng_json_to_text (root, pretty);
  g_object_unref (builder);
  return text;
}

void
eng_json_add_double (JsonBuilder *builder, const char *name, double value)
{
  json_builder_set_member_name (builder, name);
  if (isfinite (value))
    json_builder_add_double_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

void
eng_json_add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  if (value != NULL)
    json_builder_add_string_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

void
eng_json_add_int (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

void
eng_json_add_bool (JsonBuilder *builder, const char *name, gboolean value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_boolean_value (builder, value);
}

void
eng_json_add_strv (JsonBuilder *builder, const char *name, const char *const *values)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (guint i = 0; values != NULL && values[i] != NULL; i++)
    json_builder_add_string_value (builder, values[i]);
  json_builder_end_array (builder);
}

void
eng_json_add_figure (JsonBuilder *builder, const char *name, const EngFigure *figure)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  eng_json_add_double (builder, "value", figure->available ? figure->value : NAN);
  eng_json_add_double (builder, "low95", figure->available ? figure->low : NAN);
  eng_json_add_double (builder, "high95", figure->available ? figure->high : NAN);
  eng_json_add_int (builder, "n", figure->n);
  eng_json_add_string (builder, "unit", figure->unit);
  if (figure->reason != NULL)
    eng_json_add_string (builder, "reason", figure->reason);
  json_builder_end_object (builder);
}

static JsonNode *
get_value (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);
  return node != NULL && JSON_NODE_HOLDS_VALUE (node) ? node : NULL;
}

static gboolean
is_number (JsonNode *node)
{
  GType type = json_node_get_value_type (node);
  return type == G_TYPE_INT64 || type == G_TYPE_DOUBLE;
}

double
eng_json_get_double (JsonObject *object, const char *name)
{
  JsonNode *node = get_value (object, name);
  return node != NULL && is_number (node) ? json_node_get_double (node) : NAN;
}

gint64
eng_json_get_int (JsonObject *object, const char *name, gint64 fallback)
{
  JsonNode *node = get_value (object, name);
  if (node == NULL || !is_number (node))
    return fallback;
  if (json_node_get_value_type (node) == G_TYPE_INT64)
    return json_node_get_int (node);
  double value = json_node_get_double (node);
  return fabs (value) < 9e18 ? (gint64)value : fallback;
}

gboolean
eng_json_get_bool (JsonObject *object, const char *name, gboolean fallback)
{
  JsonNode *node = get_value (object, name);
  return node != NULL && json_node_get_value_type (node) == G_TYPE_BOOLEAN
             ? json_node_get_boolean (node)
             : fallback;
}

const char *
eng_json_get_string (JsonObject *object, const char *name)
{
  JsonNode *node = get_value (object, name);
  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

JsonObject *
eng_json_get_object (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);
  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

JsonArray *
eng_json_get_array (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);
  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

GStrv
eng_json_dup_strv (JsonObject *object, const char *name)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  JsonArray *array = eng_json_get_array (object, name);
  guint n = array != NULL ? json_array_get_length (array) : 0;

  for (guint i = 0; i < n; i++)
    {
      JsonNode *item = json_array_get_element (array, i);
      if (JSON_NODE_HOLDS_VALUE (item) && json_node_get_value_type (item) == G_TYPE_STRING)
        g_strv_builder_add (builder, json_node_get_string (item));
    }
  return g_strv_builder_end (builder);
}

EngFigure
eng_json_get_figure (JsonObject *object, const char *name, const char *unit, const char *absent)
{
  JsonObject *member = object != NULL ? eng_json_get_object (object, name) : NULL;

  if (member == NULL)
    return eng_figure_unavailable (unit != NULL ? unit : "", absent);
  if (unit == NULL)
    unit = g_intern_string (eng_json_get_string (member, "unit"));
  EngFigure figure = { .value = eng_json_get_double (member, "value"),
                       .low = eng_json_get_double (member, "low95"),
                       .high = eng_json_get_double (member, "high95"),
                       .n = (guint)CLAMP (eng_json_get_int (member, "n", 0), 0, G_MAXINT),
                       .unit = unit != NULL ? unit : "",
                       .reason = g_intern_string (eng_json_get_string (member, "reason")) };
  figure.available = isfinite (figure.value);
  return figure;
}

gboolean
eng_json_need_string (JsonObject *object, const char *name, const char *what, const char **value,
                      GError **error)
{
  *value = eng_json_get_string (object, name);
  if (*value != NULL)
    return TRUE;
  JsonNode *node = json_object_get_member (object, name);
  g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "The %s has no text \"%s\"; found %s", what,
               name, node != NULL ? eng_json_kind (node) : "no such field");
  return FALSE;
}

const char *
eng_json_kind (JsonNode *node)
{
  if (JSON_NODE_HOLDS_OBJECT (node))
    return "an object";
  if (JSON_NODE_HOLDS_ARRAY (node))
    return "a list";
  if (JSON_NODE_HOLDS_NULL (node))
    return "null";
  GType type = json_node_get_value_type (node);
  if (type == G_TYPE_STRING)
    return "a text";
  return type == G_TYPE_BOOLEAN ? "true or false" : "a number";
}
