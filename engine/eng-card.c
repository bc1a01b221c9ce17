/* Cards: reading them, and finding the one of a network. Called when a network is opened; knows
 * nothing of what the options mean (tasks/). */
#include "eng-card.h"

#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-json.h"
#include "eng-networks.h"
#include "tasks/eng-task.h"

#define RESOURCE_FOLDER "/lathe/networks"
#define MAX_LABEL_BYTES (4u << 20)

struct _EngCard
{
  gatomicrefcount ref_count;
  JsonNode *root;
  char *title, *origin, *front, *task, *text;
  JsonObject *front_options, *task_options; /* owned */
  GStrv labels;                             /* the card's own or the file's; NULL: none */
  char *folder;                             /* of the model, for label files; NULL */
  GMutex mutex;                             /* guards found_labels */
  GStrv found_labels;
  guint found_for;
};

G_DEFINE_BOXED_TYPE (EngCard, eng_card, eng_card_ref, eng_card_unref)

EngCard *
eng_card_ref (EngCard *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
eng_card_unref (EngCard *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_clear_pointer (&self->root, json_node_unref);
  json_object_unref (self->front_options);
  json_object_unref (self->task_options);
  g_free (self->title);
  g_free (self->origin);
  g_free (self->front);
  g_free (self->task);
  g_free (self->text);
  g_free (self->folder);
  g_strfreev (self->labels);
  g_strfreev (self->found_labels);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

/* ---- Reading ---- */

/* A member object with its "kind"; an empty one when it is not there. */
static gboolean
read_part (JsonObject *card, const char *name, const char *card_name, JsonObject **options,
           char **kind, GError **error)
{
  JsonNode *node = json_object_get_member (card, name);
  if (node == NULL)
    {
      *options = json_object_new ();
      *kind = g_strdup ("tensor");
      return TRUE;
    }
  const char *text = JSON_NODE_HOLDS_OBJECT (node)
                         ? eng_json_get_string (json_node_get_object (node), "kind")
                         : NULL;
  if (text == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "The network card %s: \"%s\" must be an object with a \"kind\"", card_name,
                   name);
      return FALSE;
    }
  *options = json_object_ref (json_node_get_object (node));
  *kind = g_strdup (text);
  return TRUE;
}

static gboolean
check_kinds (EngCard *self, const char *name, GError **error)
{
  if (eng_task_find (self->task) == NULL)
    {
      g_autofree char *known = eng_task_dup_list ();
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "The network card %s names the task \"%s\"; known are %s", name, self->task,
                   known);
      return FALSE;
    }
  if (eng_front_find (self->front) == NULL)
    {
      g_autofree char *known = eng_front_dup_list ();
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "The network card %s names the front end \"%s\"; known are %s", name,
                   self->front, known);
      return FALSE;
    }
  return TRUE;
}

EngCard *
eng_card_from_json (const char *json, const char *name, GError **error)
{
  g_return_val_if_fail (json != NULL && name != NULL, NULL);

  JsonNode *root = eng_json_parse_object (json, "network card", error);
  if (root == NULL)
    {
      g_prefix_error (error, "%s: ", name);
      return NULL;
    }
  JsonObject *object = json_node_get_object (root);
  g_autoptr (EngCard) self = g_new0 (EngCard, 1);
  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->mutex);
  self->root = root;
  self->origin = g_strdup (name);
  self->text = eng_json_to_text (root, FALSE);
  self->title = g_strdup (eng_json_get_string (object, "title"));
  gboolean ok = read_part (object, "front", name, &self->front_options, &self->front, error)
                & read_part (object, "task", name, &self->task_options, &self->task, error);
  if (self->front_options == NULL)
    self->front_options = json_object_new ();
  if (self->task_options == NULL)
    self->task_options = json_object_new ();
  if (!ok)
    return NULL;
  if (eng_json_get_int (object, "lathe-card", 0) != 1)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "%s is no network card of version 1: \"lathe-card\" is not 1", name);
      return NULL;
    }
  if (!check_kinds (self, name, error))
    return NULL;
  self->labels = eng_json_dup_strv (self->task_options, "labels");
  if (self->labels[0] == NULL)
    g_clear_pointer (&self->labels, g_strfreev);
  return g_steal_pointer (&self);
}

/* ---- Matching ---- */

static gboolean
port_is (const EngImported *imported, const EngPort *port, const char *wanted)
{
  const RtValue *value = rt_graph_value (imported->graph, port->value);
  char shape[256];
  g_autofree char *text = g_strdup_printf ("%s %s", rt_type_name (value->type),
                                           rt_shape_text (&value->shape, shape, sizeof shape));
  return g_ascii_strcasecmp (text, wanted) == 0;
}

/* Whether the list is there and names all ports, in their order. */
static gboolean
ports_match (const EngImported *imported, const EngPort *ports, guint n, JsonObject *match,
             const char *name)
{
  g_auto (GStrv) wanted = eng_json_dup_strv (match, name);
  if (g_strv_length (wanted) != n)
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!port_is (imported, &ports[i], wanted[i]))
      return FALSE;
  return TRUE;
}

gboolean
eng_card_matches (EngCard *self, const EngImported *imported, const char *sha256)
{
  JsonArray *matches = eng_json_get_array (json_node_get_object (self->root), "match");

  for (guint i = 0; matches != NULL && i < json_array_get_length (matches); i++)
    {
      JsonNode *node = json_array_get_element (matches, i);
      if (!JSON_NODE_HOLDS_OBJECT (node))
        continue;
      JsonObject *match = json_node_get_object (node);
      const char *hash = eng_json_get_string (match, "sha256");
      const char *format = eng_json_get_string (match, "format");
      if (hash != NULL)
        {
          if (sha256 != NULL && g_ascii_strcasecmp (hash, sha256) == 0)
            return TRUE;
          continue;
        }
      if (format != NULL && !g_str_has_prefix (imported->format, format))
        continue;
      if (ports_match (imported, imported->inputs, imported->n_inputs, match, "inputs")
          && ports_match (imported, imported->outputs, imported->n_outputs, match, "outputs"))
        return TRUE;
    }
  return FALSE;
}

static EngCard *
find_built_in (const EngImported *imported, const char *sha256)
{
  GResource *resource = eng_networks_get_resource ();
  g_auto (GStrv) names = g_resource_enumerate_children (resource, RESOURCE_FOLDER, 0, NULL);

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    {
      g_autofree char *path = g_strdup_printf (RESOURCE_FOLDER "/%s", names[i]);
      g_autoptr (GBytes) bytes = g_resource_lookup_data (resource, path, 0, NULL);
      g_autofree char *json = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
      g_autoptr (GError) error = NULL;
      g_autoptr (EngCard) card = eng_card_from_json (json, names[i], &error);
      if (card == NULL) /* a test reads them all */
        g_critical ("%s", error->message);
      else if (eng_card_matches (card, imported, sha256))
        return g_steal_pointer (&card);
    }
  return NULL;
}

static char *
card_path (const char *path)
{
  g_autofree char *stem = g_strdup (path);
  char *dot = strrchr (stem, '.');
  if (dot != NULL && strchr (dot, '/') == NULL)
    *dot = '\0';
  return g_strconcat (stem, ".card.json", NULL);
}

EngCard *
eng_card_find (const char *path, const EngImported *imported, const char *sha256, GError **error)
{
  g_autofree char *beside = card_path (path);
  g_autofree char *json = NULL;
  EngCard *card;

  if (g_file_get_contents (beside, &json, NULL, NULL))
    card = eng_card_from_json (json, beside, error);
  else
    card = find_built_in (imported, sha256);
  if (card == NULL && json == NULL)
    card = eng_card_from_json ("{\"lathe-card\": 1}", "none", error);
  if (card == NULL)
    return NULL;
  card->folder = g_path_get_dirname (path);
  if (card->labels == NULL && imported->labels != NULL && imported->labels[0] != NULL)
    card->labels = g_strdupv (imported->labels);
  return card;
}

/* ---- Labels ---- */

/* The lines of a text file without those at its end that are empty. */
static GStrv
read_lines (const char *path)
{
  g_autofree char *text = NULL;
  gsize n;
  if (!g_file_get_contents (path, &text, &n, NULL) || n > MAX_LABEL_BYTES
      || !g_utf8_validate (text, (gssize)n, NULL))
    return NULL;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  guint n_lines = g_strv_length (lines);
  for (guint i = 0; i < n_lines; i++)
    g_strchomp (lines[i]);
  while (n_lines > 0 && lines[n_lines - 1][0] == '\0')
    g_clear_pointer (&lines[--n_lines], g_free);
  return g_steal_pointer (&lines);
}

static GStrv
find_label_file (const char *folder, guint n_classes)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *lower = g_ascii_strdown (name, -1);
      if (strstr (lower, "label") == NULL || !g_str_has_suffix (lower, ".txt"))
        continue;
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_auto (GStrv) lines = read_lines (path);
      if (lines != NULL && g_strv_length (lines) == n_classes)
        return g_steal_pointer (&lines);
    }
  return NULL;
}

const char *const *
eng_card_get_labels (EngCard *self, guint n_classes)
{
  if (self->labels != NULL)
    return g_strv_length (self->labels) == n_classes ? (const char *const *)self->labels : NULL;
  if (self->folder == NULL)
    return NULL;
  g_mutex_lock (&self->mutex);
  if (self->found_for == 0)
    {
      self->found_for = n_classes;
      self->found_labels = find_label_file (self->folder, n_classes);
    }
  const char *const *labels
      = self->found_for == n_classes ? (const char *const *)self->found_labels : NULL;
  g_mutex_unlock (&self->mutex);
  return labels;
}

/* ---- Looking ---- */

const char *
eng_card_get_title (EngCard *self)
{
  return self->title;
}

const char *
eng_card_get_origin (EngCard *self)
{
  return self->origin;
}

const char *
eng_card_get_front (EngCard *self)
{
  return self->front;
}

const char *
eng_card_get_task (EngCard *self)
{
  return self->task;
}

JsonObject *
eng_card_get_front_options (EngCard *self)
{
  return self->front_options;
}

JsonObject *
eng_card_get_task_options (EngCard *self)
{
  return self->task_options;
}

const char *
eng_card_get_text (EngCard *self)
{
  return self->text;
}

static gboolean
has_output (const EngImported *imported, const char *name)
{
  for (guint i = 0; i < imported->n_outputs; i++)
    if (g_strcmp0 (imported->outputs[i].name, name) == 0)
      return TRUE;
  return FALSE;
}

const char *
eng_card_get_state (EngCard *self, const char *name, const EngImported *imported)
{
  JsonArray *states = eng_json_get_array (json_node_get_object (self->root), "states");
  const char *first = NULL;

  for (guint i = 0; states != NULL && i < json_array_get_length (states); i++)
    {
      JsonNode *node = json_array_get_element (states, i);
      JsonArray *pair = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
      if (pair == NULL || json_array_get_length (pair) != 2)
        continue;
      JsonNode *input = json_array_get_element (pair, 0),
               *output = json_array_get_element (pair, 1);
      if (!JSON_NODE_HOLDS_VALUE (input) || !JSON_NODE_HOLDS_VALUE (output)
          || g_strcmp0 (json_node_get_string (input), name) != 0)
        continue;
      const char *becomes = json_node_get_string (output);
      if (has_output (imported, becomes))
        return becomes;
      if (first == NULL)
        first = becomes;
    }
  return first;
}

EngDimSize *
eng_card_dup_dims (EngCard *self, guint *n)
{
  JsonObject *dims = eng_json_get_object (json_node_get_object (self->root), "dims");
  g_autoptr (GList) names = dims != NULL ? json_object_get_members (dims) : NULL;
  EngDimSize *sizes = g_new0 (EngDimSize, g_list_length (names) + 1);

  *n = 0;
  for (GList *l = names; l != NULL; l = l->next)
    {
      gint64 size = eng_json_get_int (dims, l->data, 0);
      if (size > 0 && size < G_MAXINT)
        sizes[(*n)++] = (EngDimSize){ l->data, size };
    }
  if (*n == 0)
    g_clear_pointer (&sizes, g_free);
  return sizes;
}

double
eng_card_number (JsonObject *options, const char *name, double fallback)
{
  double value = eng_json_get_double (options, name);
  return isnan (value) ? fallback : value;
}

guint
eng_card_count (JsonObject *options, const char *name, guint fallback)
{
  double value = eng_json_get_double (options, name);
  return isnan (value) ? fallback : (guint)CLAMP (value, 0, G_MAXINT);
}

gboolean
eng_card_numbers (JsonObject *options, const char *name, double *numbers, guint n)
{
  double one = eng_json_get_double (options, name);
  JsonArray *list = eng_json_get_array (options, name);

  if (!isnan (one))
    {
      for (guint i = 0; i < n; i++)
        numbers[i] = one;
      return TRUE;
    }
  if (list == NULL || json_array_get_length (list) != n)
    return FALSE;
  for (guint i = 0; i < n; i++)
    {
      JsonNode *node = json_array_get_element (list, i);
      if (!JSON_NODE_HOLDS_VALUE (node)
          || !(json_node_get_value_type (node) == G_TYPE_INT64
               || json_node_get_value_type (node) == G_TYPE_DOUBLE))
        return FALSE;
      numbers[i] = json_node_get_double (node);
    }
  return TRUE;
}
