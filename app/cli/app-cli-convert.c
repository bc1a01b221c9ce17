/* `lathe convert FILE -o BUILD`: the build as one GGUF file. */

#include "app-cli-private.h"

static gboolean as_json;
static char *output, *recipe_text;

static const GOptionEntry entries[] = {
  { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "The file to write", "BUILD" },
  { "recipe", 0, 0, G_OPTION_ARG_STRING, &recipe_text, "A recipe: a file or JSON", "FILE|JSON" },
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL },
  { NULL },
};

static void
print_result (EngBuild *build)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  if (!as_json)
    {
      g_print ("%s: build %s\n", output, eng_build_get_hash (build));
      return;
    }
  json_builder_begin_object (builder);
  app_cli_json_string (builder, "path", output);
  app_cli_json_string (builder, "build_hash", eng_build_get_hash (build));
  json_builder_set_member_name (builder, "notes");
  json_builder_begin_array (builder);
  for (const char *const *note = eng_build_get_notes (build); *note != NULL; note++)
    json_builder_add_string_value (builder, *note);
  json_builder_end_array (builder);
  app_cli_json_recipe (builder, eng_build_get_recipe (build));
  json_builder_end_object (builder);
  app_cli_json_print (builder);
}

static gboolean
run (int argc, char **argv, GError **error)
{
  g_autoptr (EngModel) model = NULL;
  g_autoptr (EngRecipe) recipe = NULL;
  g_autoptr (EngBuild) build = NULL;

  if (!app_cli_parse (&app_command_convert, entries, &argc, &argv, 1, error))
    return FALSE;
  if (output == NULL)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                           "say where to write the build: -o FILE");
      return FALSE;
    }
  recipe = app_cli_recipe (recipe_text, error);
  model = recipe != NULL ? eng_model_load (argv[1], NULL, error) : NULL;
  build = model != NULL ? app_cli_build (model, recipe, error) : NULL;
  if (build == NULL || !eng_build_save (build, output, NULL, error))
    return FALSE;
  print_result (build);
  return TRUE;
}

const AppCommand app_command_convert = { "convert", "FILE -o BUILD [--recipe R] [--json]",
                                         "Write the build as one GGUF file, smaller matrices and "
                                         "vocabularies included. Weight formats that GGUF does "
                                         "not know are refused by name: save the recipe instead.",
                                         run };
