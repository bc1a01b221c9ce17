/* A recipe from and to its JSON text. Unknown names are errors that list what is known: a misspelt
 * technique must not be a technique left out. */
#include "eng-error.h"
#include "eng-json.h"
#include "eng-recipe-private.h"

#define FORMAT_KEY "lathe-recipe"
#define FORMAT_VERSION 1

static GVariant *
value_from_node (const EngParam *param, JsonNode *node)
{
  if (!JSON_NODE_HOLDS_VALUE (node))
    return NULL;
  GType type = json_node_get_value_type (node);

  if ((param->kind == ENG_PARAM_CHOICE || param->kind == ENG_PARAM_PATH
       || param->kind == ENG_PARAM_MODEL)
      && type == G_TYPE_STRING)
    return g_variant_new_string (json_node_get_string (node));
  if (param->kind == ENG_PARAM_INT && type == G_TYPE_INT64)
    return g_variant_new_int64 (json_node_get_int (node));
  if (param->kind == ENG_PARAM_REAL && (type == G_TYPE_DOUBLE || type == G_TYPE_INT64))
    return g_variant_new_double (json_node_get_double (node));
  if (param->kind == ENG_PARAM_SWITCH && type == G_TYPE_BOOLEAN)
    return g_variant_new_boolean (json_node_get_boolean (node));
  return NULL;
}

static char *
list_params (const EngTechnique *technique)
{
  g_autoptr (GString) list = g_string_new (NULL);
  for (guint i = 0; i < technique->n_params; i++)
    g_string_append_printf (list, "%s%s", i > 0 ? ", " : "", technique->params[i].id);
  return g_string_free (g_steal_pointer (&list), FALSE);
}

static char *
list_techniques (void)
{
  g_autoptr (GString) list = g_string_new (NULL);
  guint n;
  const EngTechnique *const *techniques = eng_technique_list (&n);
  for (guint i = 0; i < n; i++)
    g_string_append_printf (list, "%s%s", i > 0 ? ", " : "", techniques[i]->id);
  return g_string_free (g_steal_pointer (&list), FALSE);
}

/* Set one member through eng_recipe_with(), which checks it. */
static gboolean
read_member (EngRecipe **recipe, const EngTechnique *technique, const char *match, const char *name,
             JsonNode *node, GError **error)
{
  static const char *const wanted[] = { "a text", "a whole number", "a number", "true or false",
                                        "the path of a folder or file" };
  const EngParam *param = eng_technique_find_param (technique, name);

  if (param == NULL)
    {
      g_autofree char *known = list_params (technique);
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "The recipe sets \"%s\" of %s; known are: %s", name, technique->id, known);
      return FALSE;
    }
  GVariant *value = value_from_node (param, node);
  if (value == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "%s.%s is %s; it must be %s", technique->id,
                   name, eng_json_kind (node), wanted[param->kind]);
      return FALSE;
    }
  if (match != NULL && eng_recipe_has_rule (*recipe, param, match))
    {
      g_variant_unref (g_variant_ref_sink (value));
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "%s has two rules for \"%s\"; keep one",
                   technique->id, match);
      return FALSE;
    }
  EngRecipe *next = eng_recipe_with (*recipe, technique->id, name, match, value, error);
  if (next == NULL)
    return FALSE;
  eng_recipe_unref (*recipe);
  *recipe = next;
  return TRUE;
}

static gboolean
read_rule (EngRecipe **recipe, const EngTechnique *technique, JsonNode *node, GError **error)
{
  const char *match = JSON_NODE_HOLDS_OBJECT (node)
                          ? eng_json_get_string (json_node_get_object (node), "match")
                          : NULL;
  if (match == NULL)
    {
      g_set_error (
          error, ENG_ERROR, ENG_ERROR_FORMAT,
          "A rule of %s must be an object with a \"match\", such as {\"match\": \"blk.0.*\", ...}",
          technique->id);
      return FALSE;
    }
  g_autoptr (GList) members = json_object_get_members (json_node_get_object (node));
  for (GList *member = members; member != NULL; member = member->next)
    if (g_strcmp0 (member->data, "match") != 0
        && !read_member (recipe, technique, match, member->data,
                         json_object_get_member (json_node_get_object (node), member->data), error))
      return FALSE;
  return TRUE;
}

static gboolean
read_technique (EngRecipe **recipe, const char *id, JsonNode *node, GError **error)
{
  const EngTechnique *technique = eng_technique_find (id);
  if (technique == NULL)
    {
      g_autofree char *known = list_techniques ();
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "The recipe asks for the technique \"%s\"; known are: %s", id, known);
      return FALSE;
    }
  if (!JSON_NODE_HOLDS_OBJECT (node))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "%s is %s in the recipe; it must be an object of settings", id,
                   eng_json_kind (node));
      return FALSE;
    }

  JsonObject *object = json_node_get_object (node);
  g_autoptr (GList) members = json_object_get_members (object);
  for (GList *member = members; member != NULL; member = member->next)
    if (g_strcmp0 (member->data, "rules") != 0
        && !read_member (recipe, technique, NULL, member->data,
                         json_object_get_member (object, member->data), error))
      return FALSE;

  if (!json_object_has_member (object, "rules"))
    return TRUE;
  JsonArray *rules = eng_json_get_array (object, "rules");
  if (rules == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "%s.rules must be a list", id);
      return FALSE;
    }
  for (guint i = 0; i < json_array_get_length (rules); i++)
    if (!read_rule (recipe, technique, json_array_get_element (rules, i), error))
      return FALSE;
  return TRUE;
}

EngRecipe *
eng_recipe_from_json (const char *json, GError **error)
{
  g_autoptr (JsonNode) root = eng_json_parse_object (json, "recipe", error);
  if (root == NULL)
    return NULL;

  JsonObject *object = json_node_get_object (root);
  gint64 version = eng_json_get_int (object, FORMAT_KEY, 0);
  if (version != FORMAT_VERSION)
    {
      g_set_error (
          error, ENG_ERROR, ENG_ERROR_FORMAT,
          version == 0
              ? "This is not a recipe: it lacks \"" FORMAT_KEY "\": %d"
              : "The recipe is of a version that this program does not know; it reads version %d",
          FORMAT_VERSION);
      return NULL;
    }
  g_autoptr (GList) members = json_object_get_members (object);
  for (GList *member = members; member != NULL; member = member->next)
    if (g_strcmp0 (member->data, FORMAT_KEY) != 0 && g_strcmp0 (member->data, "techniques") != 0)
      {
        g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                     "The recipe has an unknown field \"%s\"; settings belong under \"techniques\"",
                     (const char *)member->data);
        return NULL;
      }

  g_autoptr (EngRecipe) recipe = eng_recipe_new ();
  JsonObject *techniques = eng_json_get_object (object, "techniques");
  if (techniques == NULL && json_object_has_member (object, "techniques"))
    {
      g_set_error_literal (error, ENG_ERROR, ENG_ERROR_FORMAT, "\"techniques\" must be an object");
      return NULL;
    }
  g_autoptr (GList) ids = techniques != NULL ? json_object_get_members (techniques) : NULL;
  for (GList *id = ids; id != NULL; id = id->next)
    if (!read_technique (&recipe, id->data, json_object_get_member (techniques, id->data), error))
      return NULL;
  return g_steal_pointer (&recipe);
}

EngRecipe *
eng_recipe_load (const char *path, GError **error)
{
  g_autofree char *json = NULL;
  g_autoptr (GError) local = NULL;

  if (!g_file_get_contents (path, &json, NULL, &local))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "Cannot read the recipe: %s", local->message);
      return NULL;
    }
  EngRecipe *recipe = eng_recipe_from_json (json, error);
  if (recipe == NULL)
    g_prefix_error (error, "%s: ", path);
  return recipe;
}

static void
write_value (JsonBuilder *builder, const EngSetting *setting)
{
  json_builder_set_member_name (builder, setting->param->id);
  switch (setting->param->kind)
    {
    case ENG_PARAM_CHOICE:
    case ENG_PARAM_PATH:
    case ENG_PARAM_MODEL:
      json_builder_add_string_value (builder, g_variant_get_string (setting->value, NULL));
      break;
    case ENG_PARAM_INT:
      json_builder_add_int_value (builder, g_variant_get_int64 (setting->value));
      break;
    case ENG_PARAM_REAL:
      json_builder_add_double_value (builder, g_variant_get_double (setting->value));
      break;
    case ENG_PARAM_SWITCH:
      json_builder_add_boolean_value (builder, g_variant_get_boolean (setting->value));
      break;
    }
}

/* Writes the settings of one technique, which follow each other; returns the index behind them. */
static guint
write_technique (JsonBuilder *builder, EngRecipe *recipe, guint at)
{
  const EngTechnique *technique = eng_recipe_setting (recipe, at)->technique;
  guint n = recipe->settings->len;

  json_builder_set_member_name (builder, technique->id);
  json_builder_begin_object (builder);
  for (; at < n && eng_recipe_setting (recipe, at)->technique == technique
         && eng_recipe_setting (recipe, at)->match == NULL;
       at++)
    write_value (builder, eng_recipe_setting (recipe, at));
  if (at < n && eng_recipe_setting (recipe, at)->technique == technique)
    {
      json_builder_set_member_name (builder, "rules");
      json_builder_begin_array (builder);
      for (; at < n && eng_recipe_setting (recipe, at)->technique == technique; at++)
        {
          json_builder_begin_object (builder);
          eng_json_add_string (builder, "match", eng_recipe_setting (recipe, at)->match);
          write_value (builder, eng_recipe_setting (recipe, at));
          json_builder_end_object (builder);
        }
      json_builder_end_array (builder);
    }
  json_builder_end_object (builder);
  return at;
}

char *
eng_recipe_to_json (EngRecipe *recipe)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  eng_json_add_int (builder, FORMAT_KEY, FORMAT_VERSION);
  json_builder_set_member_name (builder, "techniques");
  json_builder_begin_object (builder);
  for (guint at = 0; at < recipe->settings->len;)
    at = write_technique (builder, recipe, at);
  json_builder_end_object (builder);
  json_builder_end_object (builder);
  return eng_json_builder_finish (builder, TRUE);
}
