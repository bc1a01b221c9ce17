/* Checked look-ups in one line of a board. Called by eng-board.c and the telemetry reader; knows
 * nothing of what the members mean. */
#include "eng-line.h"

#include <math.h>

#include "eng-error.h"
#include "eng-json.h"

static void
refuse (EngLine *line, const char *name, const char *expected, JsonNode *found)
{
  if (line->error != NULL)
    return;
  g_autofree char *text = found != NULL ? json_to_string (found, FALSE) : g_strdup ("nothing");
  if (g_utf8_strlen (text, -1) > 40)
    {
      g_autofree char *start = g_utf8_substring (text, 0, 40);
      g_free (text);
      text = g_strconcat (start, "…", NULL);
    }
  line->error = g_error_new (ENG_ERROR, found != NULL ? ENG_ERROR_RANGE : ENG_ERROR_FORMAT,
                             "%s: “%s” should be %s, and is %s", line->what, name, expected, text);
}

/* NULL: absent or null. */
static JsonNode *
find (EngLine *line, const char *name)
{
  JsonNode *node = line->error == NULL ? json_object_get_member (line->object, name) : NULL;
  return node != NULL && !JSON_NODE_HOLDS_NULL (node) ? node : NULL;
}

gboolean
eng_line_node_count (JsonNode *node, guint64 most, guint64 *value)
{
  GType type = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;

  if (type == G_TYPE_INT64)
    {
      gint64 whole = json_node_get_int (node);
      *value = (guint64)whole;
      return whole >= 0 && (guint64)whole <= most;
    }
  if (type != G_TYPE_DOUBLE)
    return FALSE;
  /* A writer may print counts as floats: 1e9. */
  double number = json_node_get_double (node);
  if (!(number >= 0 && number <= 9007199254740992.0) || floor (number) != number)
    return FALSE;
  *value = (guint64)number;
  return *value <= most;
}

guint64
eng_line_count_or (EngLine *line, const char *name, guint64 most, guint64 fallback)
{
  JsonNode *node = find (line, name);
  guint64 value = fallback;

  if (node == NULL)
    return fallback;
  if (!eng_line_node_count (node, most, &value))
    {
      g_autofree char *expected
          = g_strdup_printf ("a whole number from 0 to %" G_GUINT64_FORMAT, most);
      refuse (line, name, expected, node);
      return fallback;
    }
  return value;
}

guint64
eng_line_count (EngLine *line, const char *name, guint64 most)
{
  if (find (line, name) == NULL)
    refuse (line, name, "a whole number", NULL);
  return eng_line_count_or (line, name, most, 0);
}

double
eng_line_number (EngLine *line, const char *name, double least, double most)
{
  JsonNode *node = find (line, name);

  if (node == NULL)
    return NAN;
  GType type = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;
  double value = type == G_TYPE_INT64    ? (double)json_node_get_int (node)
                 : type == G_TYPE_DOUBLE ? json_node_get_double (node)
                                         : NAN;
  if (!(value >= least && value <= most))
    {
      g_autofree char *expected = g_strdup_printf ("a number from %g to %g", least, most);
      refuse (line, name, expected, node);
      return NAN;
    }
  return value;
}

gboolean
eng_line_flag (EngLine *line, const char *name, gboolean fallback)
{
  JsonNode *node = find (line, name);

  if (node == NULL)
    return fallback;
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_BOOLEAN)
    {
      refuse (line, name, "true or false", node);
      return fallback;
    }
  return json_node_get_boolean (node);
}

const char *
eng_line_text (EngLine *line, const char *name)
{
  JsonNode *node = find (line, name);

  if (node == NULL)
    return NULL;
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING
      || !g_utf8_validate (json_node_get_string (node), -1, NULL))
    {
      refuse (line, name, "a text", node);
      return NULL;
    }
  return json_node_get_string (node);
}

const char *
eng_line_need_text (EngLine *line, const char *name)
{
  const char *text = eng_line_text (line, name);
  if (text == NULL)
    refuse (line, name, "a text", NULL);
  return text;
}

JsonArray *
eng_line_array (EngLine *line, const char *name)
{
  JsonNode *node = find (line, name);

  if (node == NULL)
    return NULL;
  if (!JSON_NODE_HOLDS_ARRAY (node))
    {
      refuse (line, name, "a list", node);
      return NULL;
    }
  return json_node_get_array (node);
}

gboolean
eng_line_finish (EngLine *line, GError **error)
{
  if (line->error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&line->error));
  return FALSE;
}
