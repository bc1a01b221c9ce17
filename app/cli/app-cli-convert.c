/* `lathe convert FILE -o BUILD`: the build as one GGUF file, or, with --target, as a folder of C
 * code for a microcontroller. */

#include "app-cli-private.h"
#include "eng-error.h"
#include "eng-json.h"
#include "eng-run-find.h"
#include "mcu/eng-mcu.h"

static gboolean as_json, link_image;
static char *output, *recipe_text, *target, *run_name;
static gint64 ram_bytes;

static const GOptionEntry entries[] = {
  { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "The file to write; with --target the folder",
    "BUILD" },
  { "recipe", 0, 0, G_OPTION_ARG_STRING, &recipe_text, "A recipe: a file or JSON", "FILE|JSON" },
  { "target", 0, 0, G_OPTION_ARG_STRING, &target,
    "C code for a microcontroller: cortex-m4, cortex-m55, mps2-an386, mps3-an547, stm32f405, "
    "nrf52840",
    "BOARD" },
  { "ram", 0, 0, G_OPTION_ARG_INT64, &ram_bytes,
    "With --target: as if the board had so many bytes of RAM", "BYTES" },
  { "run", 0, 0, G_OPTION_ARG_STRING, &run_name,
    "With --target: the run that the code follows from: a file, an id or latest", "RUN" },
  { "link", 0, 0, G_OPTION_ARG_NONE, &link_image,
    "With --target: compile it too, for exact sizes (BUILD.elf)", NULL },
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

static void
print_report (const EngMcuReport *report)
{
  g_autofree char *text = NULL;

  if (as_json)
    {
      g_autoptr (JsonNode) root = eng_mcu_report_to_json (report);

      json_object_set_string_member (json_node_get_object (root), "path", output);
      text = eng_json_to_text (root, TRUE);
      g_print ("%s\n", text);
      return;
    }
  text = eng_mcu_report_to_text (report);
  g_print ("%s: %s", output, text);
  for (guint i = 1; i < report->patches->len; i++)
    {
      const EngMcuPatches *p = g_ptr_array_index (report->patches, i);

      if (i == 1)
        g_print ("  First layers in patches: arena against multiply-adds\n");
      g_print ("  %c %3u layers in %u x %u: %9" G_GUINT64_FORMAT " bytes, +%.1f %%%s\n",
               p->is_chosen ? '*' : ' ', p->n_nodes, p->rows, p->columns, p->arena_bytes,
               100.0 * (double)p->extra_macs / (double)MAX (p->macs - p->extra_macs, 1),
               p->fits ? "" : ", does not fit");
    }
}

/* The run of that name, which must be of @build: what is exported says that it follows from it. */
static gboolean
find_run (EngBuild *build, EngBuild *bare, EngRun **found, GError **error)
{
  g_autoptr (EngHistory) history = NULL;
  g_autoptr (EngRun) got = run_name != NULL ? eng_run_find (&history, run_name, error) : NULL;

  if (run_name == NULL)
    return TRUE;
  if (got == NULL)
    return FALSE;
  const char *hash = eng_run_get_build_hash (got);
  if (g_strcmp0 (hash, eng_build_get_hash (build)) != 0
      && g_strcmp0 (hash, eng_build_get_hash (bare)) != 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "run %s is of another build (%.12s) than this one (%.12s): give the same recipe "
                   "as its",
                   run_name, hash, eng_build_get_hash (build));
      return FALSE;
    }
  *found = g_steal_pointer (&got);
  return TRUE;
}

/* The folder for a microcontroller. */
static gboolean export(EngBuild *build, GError **error)
{
  const EngMcuOptions options = { .ram_limit = (guint64)MAX (ram_bytes, 0) };
  const char *board = eng_mcu_board_find (target, error);
  EngBuild *bare = board != NULL ? eng_build_get_bare (build, error) : NULL;
  g_autoptr (EngMcuReport) report = NULL;
  g_autofree char *elf = g_strconcat (output, ".elf", NULL);
  g_autoptr (EngRun) of = NULL;

  if (board == NULL
      || (bare == NULL && eng_model_get_kind (eng_build_get_model (build)) == ENG_MODEL_NETWORK)
      || (bare != NULL && !find_run (build, bare, &of, error))
      || !eng_mcu_export (bare, board, &options, output, of != NULL ? eng_run_get_id (of) : NULL,
                          &report, NULL, error)
      || (link_image && !eng_mcu_link (output, board, elf, report, NULL, error)))
    return FALSE;
  print_report (report);
  return TRUE;
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
  if (target == NULL && (ram_bytes != 0 || link_image || run_name != NULL))
    {
      g_set_error_literal (
          error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
          "--ram, --run and --link are for microcontrollers: say which with --target");
      return FALSE;
    }
  recipe = app_cli_recipe (recipe_text, error);
  model = recipe != NULL ? eng_model_load (argv[1], NULL, error) : NULL;
  build = model != NULL ? app_cli_build (model, recipe, error) : NULL;
  if (build == NULL)
    return FALSE;
  if (target != NULL)
    return export(build, error);
  if (!eng_build_save (build, output, NULL, error))
    return FALSE;
  print_result (build);
  return TRUE;
}

const AppCommand app_command_convert = {
  "convert", "FILE -o BUILD [--recipe R] [--target BOARD] [--json]",
  "Write the build as one GGUF file, smaller matrices and vocabularies included. Weight formats "
  "that GGUF does not know are refused by name: save the recipe instead. With --target a "
  "network of 8-bit integers becomes a folder of C code for that board: network, kernels, "
  "board support, CMake project, README and a report of its sizes. A network of floats takes the "
  "technique int8: --recipe '{\"lathe-recipe\": 1, \"techniques\": {\"int8\": {\"precision\": "
  "\"int8\", \"calibration\": \"FOLDER\"}}}'.",
  run
};
