/* The recipes of a sweep: from a file, or the built-in list (data/sweeps). */
#include "eng-sweep.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "eng-error.h"
#include "eng-sweeps.h"

#define STANDARD "/lathe/sweeps/language.json"

static void
item_free (gpointer data)
{
  EngSweepItem *item = data;
  g_free (item->name);
  g_clear_pointer (&item->recipe, eng_recipe_unref);
  g_free (item);
}

static gboolean
fail (GError **error, const char *what)
{
  g_set_error (
      error, ENG_ERROR, ENG_ERROR_FORMAT,
      "%s. Expected { \"lathe-sweep\": 1, \"recipes\": [ { \"name\": ..., \"recipe\": ... } ] }",
      what);
  return FALSE;
}

static gboolean
has_name (const GPtrArray *items, const char *name)
{
  for (guint i = 0; i < items->len; i++)
    if (strcmp (((const EngSweepItem *)items->pdata[i])->name, name) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
add_entry (GPtrArray *items, guint index, JsonNode *node, GError **error)
{
  g_autofree char *place = g_strdup_printf ("Entry %u of the sweep's recipes", index + 1);
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *name
      = object != NULL ? json_object_get_string_member_with_default (object, "name", NULL) : NULL;
  JsonNode *recipe = object != NULL ? json_object_get_member (object, "recipe") : NULL;

  if (name == NULL || name[0] == '\0' || recipe == NULL || !JSON_NODE_HOLDS_OBJECT (recipe))
    {
      g_autofree char *what = g_strdup_printf ("%s needs a name and a recipe", place);
      return fail (error, what);
    }
  if (has_name (items, name))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "%s is called \"%s\" like an earlier one; rows are told apart by name", place,
                   name);
      return FALSE;
    }
  g_autofree char *text = json_to_string (recipe, FALSE);
  EngRecipe *parsed = eng_recipe_from_json (text, error);
  if (parsed == NULL)
    {
      g_prefix_error (error, "%s (%s): ", place, name);
      return FALSE;
    }
  EngSweepItem *item = g_new0 (EngSweepItem, 1);
  item->name = g_strdup (name);
  item->recipe = parsed;
  g_ptr_array_add (items, item);
  return TRUE;
}

GPtrArray *
eng_sweep_items_from_json (const char *json, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (item_free);

  if (!json_parser_load_from_data (parser, json, -1, error))
    {
      g_prefix_error (error, "The sweep is not JSON: ");
      return NULL;
    }
  JsonNode *root = json_parser_get_root (parser);
  JsonObject *object
      = root != NULL && JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;
  if (object == NULL || !json_object_has_member (object, "lathe-sweep"))
    return fail (error, "This is no sweep") ? NULL : NULL;
  if (json_object_get_int_member_with_default (object, "lathe-sweep", 0) != 1)
    {
      g_set_error_literal (
          error, ENG_ERROR, ENG_ERROR_FORMAT,
          "This sweep is of a version that this program does not know; it knows 1");
      return NULL;
    }
  JsonNode *list = json_object_get_member (object, "recipes");
  if (list == NULL || !JSON_NODE_HOLDS_ARRAY (list)
      || json_array_get_length (json_node_get_array (list)) == 0)
    return fail (error, "The sweep has no recipes") ? NULL : NULL;
  JsonArray *array = json_node_get_array (list);
  for (guint i = 0; i < json_array_get_length (array); i++)
    if (!add_entry (items, i, json_array_get_element (array, i), error))
      return NULL;
  return g_steal_pointer (&items);
}

GPtrArray *
eng_sweep_items_load (const char *path, GError **error)
{
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, error))
    return NULL;
  GPtrArray *items = eng_sweep_items_from_json (text, error);
  if (items == NULL)
    g_prefix_error (error, "%s: ", path);
  return items;
}

GPtrArray *
eng_sweep_items_standard (EngModel *model, GError **error)
{
  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "The built-in recipes are for language models, and %s is a network: name a file "
                   "of recipes with --recipes",
                   eng_model_get_name (model));
      return NULL;
    }
  g_autoptr (GBytes) bytes = g_resource_lookup_data (eng_sweeps_get_resource (), STANDARD,
                                                     G_RESOURCE_LOOKUP_FLAGS_NONE, error);
  if (bytes == NULL)
    return NULL;
  gsize n;
  const char *data = g_bytes_get_data (bytes, &n);
  g_autofree char *text = g_strndup (data, n);
  return eng_sweep_items_from_json (text, error);
}
