/* Readers of what comes over the network. Called by ag-server.c and ag-run.c after the token was
 * seen, but for pairing; they allocate little, refuse early, and touch no file. */
#include "ag-request.h"

#include <gio/gio.h>
#include <string.h>

static gboolean
refuse (GError **error, const char *message)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, message);
  return FALSE;
}

gboolean
ag_name_is_valid (const char *name)
{
  gsize n = strlen (name);

  if (n == 0 || n > AG_MAX_NAME || name[0] == '.' || name[0] == '-')
    return FALSE;
  for (gsize i = 0; i < n; i++)
    if (!g_ascii_isalnum (name[i]) && name[i] != '.' && name[i] != '_' && name[i] != '-')
      return FALSE;
  return TRUE;
}

gboolean
ag_number_read (const char *text, guint64 max, guint64 *number)
{
  guint64 value = 0;

  if (!*text)
    return FALSE;
  for (; *text; text++)
    {
      if (!g_ascii_isdigit (*text))
        return FALSE;
      if (value > (G_MAXUINT64 - 9) / 10)
        return FALSE;
      value = value * 10 + (guint64)(*text - '0');
    }
  *number = value;
  return value <= max;
}

gboolean
ag_range_read (const char *text, guint64 *start, guint64 *n, guint64 *total)
{
  g_auto (GStrv) parts = NULL;
  g_autofree char *first = NULL;
  const char *dash, *slash;
  guint64 end;

  if (!g_str_has_prefix (text, "bytes ") || strlen (text) > 80)
    return FALSE;
  text += 6;
  *n = 0;
  if (g_str_has_prefix (text, "*/"))
    {
      if (!ag_number_read (text + 2, AG_MAX_SIZE, total))
        return FALSE;
      *start = *total;
      return TRUE;
    }
  dash = strchr (text, '-');
  slash = dash ? strchr (dash, '/') : NULL;
  if (!slash)
    return FALSE;
  parts = g_new0 (char *, 4);
  parts[0] = g_strndup (text, (gsize)(dash - text));
  parts[1] = g_strndup (dash + 1, (gsize)(slash - dash - 1));
  parts[2] = g_strdup (slash + 1);
  if (!ag_number_read (parts[0], AG_MAX_SIZE, start)
      || !ag_number_read (parts[1], AG_MAX_SIZE, &end)
      || !ag_number_read (parts[2], AG_MAX_SIZE, total))
    return FALSE;
  if (*start > end || end >= *total)
    return FALSE;
  *n = end - *start + 1;
  return TRUE;
}

/* json-glib descends by recursion; a body may not send it deeper than its stack. */
static gboolean
is_shallow (const char *text, gsize n)
{
  int depth = 0;
  gboolean quoted = FALSE;

  for (gsize i = 0; i < n; i++)
    if (quoted && text[i] == '\\')
      i++;
    else if (text[i] == '"')
      quoted = !quoted;
    else if (!quoted && (text[i] == '[' || text[i] == '{') && ++depth > 8)
      return FALSE;
    else if (!quoted && (text[i] == ']' || text[i] == '}'))
      depth--;
  return TRUE;
}

JsonObject *
ag_json_read (const char *text, gsize n, GError **error)
{
  g_autoptr (JsonParser) parser = NULL;
  JsonNode *root;

  if (n > AG_MAX_BODY || memchr (text, 0, n) || !g_utf8_validate (text, (gssize)n, NULL)
      || !is_shallow (text, n))
    {
      refuse (error, "The body is no small JSON object");
      return NULL;
    }
  parser = json_parser_new_immutable ();
  if (!json_parser_load_from_data (parser, text, (gssize)n, NULL)
      || !(root = json_parser_get_root (parser)) || !JSON_NODE_HOLDS_OBJECT (root))
    {
      refuse (error, "The body is no JSON object");
      return NULL;
    }
  return json_node_dup_object (root);
}

static const char *
get_string (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

/* ---- Commands ---- */

typedef enum
{
  IN_FILES = 1 << 0, /* any number of files */
  IN_DOT = 1 << 1,   /* "." may stand for the folder */
  MAKES_LOG = 1 << 2,
  NEEDS_LOG = 1 << 3,
  HAS_FROM = 1 << 4,
  RUNS = 1 << 5, /* the first file is a build */
} Grammar;

static const struct
{
  const char *name;
  guint n_least, n_most; /* names behind it */
  Grammar grammar;
} subcommands[] = {
  { "board", 0, 1, IN_DOT },         { "hash", 1, AG_MAX_ARGS, IN_FILES },
  { "run", 2, 2, MAKES_LOG | RUNS }, { "start", 2, 2, MAKES_LOG | NEEDS_LOG | RUNS },
  { "follow", 1, 1, HAS_FROM },      { "stop", 1, 1, 0 },
};

static gboolean
refuse_argument (GError **error, const char *why, const char *argument)
{
  g_autofree char *safe = g_strescape (argument, NULL);

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%s: %.160s", why, safe);
  return FALSE;
}

static gboolean
read_option (AgCommand *command, Grammar grammar, const char *option, const char *value,
             GError **error)
{
  guint64 number;

  if (strcmp (option, "--log") == 0 && (grammar & MAKES_LOG) && !command->log)
    {
      if (!value || !ag_name_is_valid (value))
        return refuse_argument (error, "--log wants the name of a file", value ? value : "");
      command->log = value;
      return TRUE;
    }
  if (strcmp (option, "--from") == 0 && (grammar & HAS_FROM))
    {
      if (!value || !ag_number_read (value, AG_MAX_SIZE, &number))
        return refuse_argument (error, "--from wants a number of bytes", value ? value : "");
      return TRUE;
    }
  return refuse_argument (error, "Not an option of this command", option);
}

static gboolean
check_args (AgCommand *command, GError **error)
{
  const char *name = command->args[0];
  Grammar grammar = 0;
  guint n = 0, which = 0;

  while (which < G_N_ELEMENTS (subcommands)
         && (!name || strcmp (name, subcommands[which].name) != 0))
    which++;
  if (which == G_N_ELEMENTS (subcommands))
    return refuse_argument (error, "Not a command of the runner", name ? name : "");
  grammar = subcommands[which].grammar;
  for (guint i = 1; command->args[i]; i++)
    {
      const char *argument = command->args[i];
      if (g_str_has_prefix (argument, "--"))
        {
          if (!read_option (command, grammar, argument, command->args[i + 1], error))
            return FALSE;
          i++;
          continue;
        }
      if ((grammar & IN_DOT) && strcmp (argument, ".") == 0)
        ;
      else if ((grammar & RUNS) && n == 0 && strcmp (argument, AG_CURRENT) == 0)
        ;
      else if ((grammar & IN_DOT) || !ag_name_is_valid (argument))
        return refuse_argument (error, "Not the name of a file here", argument);
      else
        g_ptr_array_add (command->files, command->args[i]);
      if ((grammar & RUNS) && n == 0)
        command->build = argument;
      n++;
    }
  if (n < subcommands[which].n_least || n > subcommands[which].n_most
      || ((grammar & NEEDS_LOG) && !command->log))
    return refuse_argument (error, "Too few or too many arguments", name);
  return TRUE;
}

static gboolean
read_command (AgCommand *command, JsonObject *object, GError **error)
{
  JsonNode *args = json_object_get_member (object, "args");
  const char *runner = get_string (object, "runner");
  JsonArray *array;
  guint n;

  if (!runner || !ag_name_is_valid (runner))
    return refuse (error, "\"runner\" is no name of a file");
  if (!args || !JSON_NODE_HOLDS_ARRAY (args))
    return refuse (error, "\"args\" is no list");
  array = json_node_get_array (args);
  n = json_array_get_length (array);
  if (n == 0 || n > AG_MAX_ARGS)
    return refuse (error, "\"args\" has none, or too many");
  command->runner = g_strdup (runner);
  command->args = g_new0 (char *, n + 1);
  for (guint i = 0; i < n; i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING)
        return refuse (error, "\"args\" holds something that is no text");
      command->args[i] = g_strdup (json_node_get_string (node));
    }
  return check_args (command, error);
}

gboolean
ag_command_read (AgCommand *command, const char *text, gsize n, GError **error)
{
  g_autoptr (JsonObject) object = ag_json_read (text, n, error);

  *command = (AgCommand){ .files = g_ptr_array_new () };
  if (object && read_command (command, object, error))
    return TRUE;
  ag_command_clear (command);
  return FALSE;
}

void
ag_command_clear (AgCommand *command)
{
  g_clear_pointer (&command->runner, g_free);
  g_clear_pointer (&command->args, g_strfreev);
  g_clear_pointer (&command->files, g_ptr_array_unref);
  command->build = command->log = NULL;
}

/* ---- Pairing ---- */

/* It is printed on the board's terminal and kept: letters of any language, no control characters.
 */
static gboolean
is_printable (const char *name)
{
  if (!*name || g_utf8_strlen (name, -1) > 64)
    return FALSE;
  for (const char *at = name; *at; at = g_utf8_next_char (at))
    if (!g_unichar_isprint (g_utf8_get_char (at)))
      return FALSE;
  return TRUE;
}

gboolean
ag_pair_start_read (AgPairStart *start, const char *text, gsize n, GError **error)
{
  g_autoptr (JsonObject) object = ag_json_read (text, n, error);
  const char *name;

  *start = (AgPairStart){ 0 };
  if (!object)
    return FALSE;
  name = get_string (object, "name");
  if (!ag_hex_read (get_string (object, "session"), start->session, sizeof start->session)
      || !ag_hex_read (get_string (object, "share"), start->share, sizeof start->share))
    return refuse (error, "\"session\" and \"share\" are 64 hexadecimal digits");
  if (!name || !is_printable (name))
    return refuse (error, "\"name\" is 1 to 64 printable characters");
  start->name = g_strdup (name);
  return TRUE;
}

void
ag_pair_start_clear (AgPairStart *start)
{
  g_clear_pointer (&start->name, g_free);
}

gboolean
ag_pair_finish_read (AgPairFinish *finish, const char *text, gsize n, GError **error)
{
  g_autoptr (JsonObject) object = ag_json_read (text, n, error);

  *finish = (AgPairFinish){ 0 };
  if (!object)
    return FALSE;
  if (!ag_hex_read (get_string (object, "pairing"), finish->pairing, sizeof finish->pairing)
      || !ag_hex_read (get_string (object, "proof"), finish->proof, sizeof finish->proof))
    return refuse (error, "\"pairing\" is 32 and \"proof\" 64 hexadecimal digits");
  return TRUE;
}
