/* `lathe techniques`: the technique table. */

#include "app-cli-private.h"
#include "eng-technique.h"

static gboolean as_json;

static const GOptionEntry entries[] = {
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL },
  { NULL },
};

static char *
describe_values (const EngParam *param)
{
  GString *text;

  if (param->kind == ENG_PARAM_SWITCH)
    return g_strdup (param->default_value != 0 ? "on | off (default on)"
                                               : "on | off (default off)");
  if (param->kind == ENG_PARAM_PATH)
    return g_strdup ("the path of a folder or file (default none)");
  if (param->kind == ENG_PARAM_MODEL)
    return g_strdup ("the path of a model (default none)");
  if (param->kind != ENG_PARAM_CHOICE)
    return g_strdup_printf ("%g to %g%s%s", param->min, param->max, param->unit != NULL ? " " : "",
                            param->unit != NULL ? param->unit : "");
  text = g_string_new (NULL);
  for (const EngChoice *choice = param->choices; choice->id != NULL; choice++)
    g_string_append_printf (text, "%s%s", text->len > 0 ? " | " : "", choice->id);
  g_string_append_printf (text, " (default %s)", param->default_choice);
  return g_string_free (text, FALSE);
}

static void
print_technique (const EngTechnique *technique)
{
  g_print ("%s: %s (%s)\n  %s\n", technique->id, technique->title, technique->group,
           technique->summary);
  for (guint i = 0; i < technique->n_params; i++)
    {
      const EngParam *param = &technique->params[i];
      g_autofree char *values = describe_values (param);

      g_print ("    %s%s: %s\n      %s\n", param->id, param->per_layer ? " (also by layer)" : "",
               values, param->summary);
    }
  if (technique->papers != NULL)
    g_print ("  %s\n", technique->papers);
  g_print ("\n");
}

static void
add_param (JsonBuilder *builder, const EngParam *param)
{
  static const char *const kinds[] = { "choice", "integer", "number", "switch", "path", "model" };

  json_builder_begin_object (builder);
  app_cli_json_string (builder, "id", param->id);
  app_cli_json_string (builder, "title", param->title);
  app_cli_json_string (builder, "summary", param->summary);
  app_cli_json_string (builder, "unit", param->unit);
  app_cli_json_string (builder, "kind", kinds[param->kind]);
  json_builder_set_member_name (builder, "per_layer");
  json_builder_add_boolean_value (builder, param->per_layer);
  if (param->kind == ENG_PARAM_CHOICE)
    {
      app_cli_json_string (builder, "default", param->default_choice);
      json_builder_set_member_name (builder, "choices");
      json_builder_begin_array (builder);
      for (const EngChoice *choice = param->choices; choice->id != NULL; choice++)
        {
          json_builder_begin_object (builder);
          app_cli_json_string (builder, "id", choice->id);
          app_cli_json_string (builder, "title", choice->title);
          app_cli_json_string (builder, "summary", choice->summary);
          json_builder_end_object (builder);
        }
      json_builder_end_array (builder);
    }
  else if (param->kind != ENG_PARAM_PATH && param->kind != ENG_PARAM_MODEL)
    {
      app_cli_json_number (builder, "default", param->default_value);
      app_cli_json_number (builder, "min", param->min);
      app_cli_json_number (builder, "max", param->max);
    }
  json_builder_end_object (builder);
}

static void
add_technique (JsonBuilder *builder, const EngTechnique *technique)
{
  json_builder_begin_object (builder);
  app_cli_json_string (builder, "id", technique->id);
  app_cli_json_string (builder, "title", technique->title);
  app_cli_json_string (builder, "group", technique->group);
  app_cli_json_string (builder, "summary", technique->summary);
  app_cli_json_string (builder, "papers", technique->papers);
  json_builder_set_member_name (builder, "parameters");
  json_builder_begin_array (builder);
  for (guint i = 0; i < technique->n_params; i++)
    add_param (builder, &technique->params[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

static gboolean
run (int argc, char **argv, GError **error)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  const EngTechnique *const *list;
  guint n;

  if (!app_cli_parse (&app_command_techniques, entries, &argc, &argv, 0, error))
    return FALSE;
  list = eng_technique_list (&n);
  if (!as_json)
    {
      for (guint i = 0; i < n; i++)
        print_technique (list[i]);
      return TRUE;
    }
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "techniques");
  json_builder_begin_array (builder);
  for (guint i = 0; i < n; i++)
    add_technique (builder, list[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  app_cli_json_print (builder);
  return TRUE;
}

const AppCommand app_command_techniques
    = { "techniques", "[--json]", "What a recipe can set: techniques, parameters, papers.", run };
