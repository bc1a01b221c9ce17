/* The command line's table of commands and what they share. Called by main() when the first
 * argument names a command. */

#include "app-cli.h"

#include <locale.h>
#include <math.h>
#include <string.h>

#include "app-cli-devices.h"
#include "app-cli-private.h"
#include "app-config.h"
#include "eng-error.h"
#include "eng-power.h"
#include "eng-run-verdict.h"

static const AppCommand *const commands[] = {
  &app_command_inspect,  &app_command_run,      &app_command_bench,       &app_command_profile,
  &app_command_estimate, &app_command_eval,     &app_command_convert,     &app_command_techniques,
  &app_command_trace,    &app_command_tradeoff, &app_command_sweep,       &app_command_price,
  &app_command_compare,  &app_command_runs,     &app_command_sensitivity, &app_command_distribution,
  &app_command_report,   &app_command_advise,   &app_command_skip,        &app_command_devices,
  &app_command_formats,  &app_command_push,
};

G_DEFINE_QUARK (app - cli - exit, app_cli_exit)

static const AppCommand *
find_command (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (g_str_equal (commands[i]->name, name))
      return commands[i];
  return NULL;
}

gboolean
app_cli_is_command (const char *name)
{
  return find_command (name) != NULL || g_str_equal (name, "help") || g_str_equal (name, "--help")
         || g_str_equal (name, "-h") || g_str_equal (name, "--version");
}

static void
print_help (void)
{
  g_print ("Lathe %s: where a neural network's time and memory go, and what a cut saves.\n\n"
           "  lathe [FILE]                 the window\n",
           APP_VERSION);
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    g_print ("  lathe %s %s\n        %s\n", commands[i]->name, commands[i]->arguments,
             commands[i]->summary);
  g_print ("\nEvery command takes --help and --json (one object on standard output).\n"
           "LATHE_CPU=c|avx2|avx512|neon|dotprod caps the instruction set; results are the same "
           "bits on all of them.\n");
}

int
app_cli_main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  const AppCommand *command;

  g_return_val_if_fail (argc >= 2, 1);

  setlocale (LC_ALL, "");
  if (g_str_equal (argv[1], "--version"))
    {
      g_print ("lathe %s\n", APP_VERSION);
      return 0;
    }
  command = find_command (argv[1]);
  if (command == NULL)
    {
      print_help ();
      return 0;
    }
  g_set_prgname ("lathe");
  gboolean ok = command->run (argc - 1, argv + 1, &error);
  eng_power_set_current (NULL); /* a serial meter is told to stop, and its port is as it was */
  if (ok)
    return 0;
  g_printerr ("lathe %s: %s\n", command->name, error != NULL ? error->message : "failed");
  return error != NULL && error->domain == APP_CLI_EXIT ? error->code : 1;
}

gboolean
app_cli_parse (const AppCommand *command, const GOptionEntry *entries, int *argc, char ***argv,
               guint n_files, GError **error)
{
  g_autofree char *title = g_strdup_printf ("%s\n\n%s", command->arguments, command->summary);
  g_autoptr (GOptionContext) context = g_option_context_new (title);

  g_autofree char *program = g_strdup (g_get_prgname ());
  g_autofree char *called = g_strdup_printf ("lathe %s", command->name); /* as --help says it */

  g_option_context_add_main_entries (context, entries, NULL);
  g_set_prgname (called);
  gboolean ok = g_option_context_parse (context, argc, argv, error);
  g_set_prgname (program);
  if (!ok)
    return FALSE;
  if ((guint)*argc - 1 == n_files)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "%s. Usage: lathe %s %s",
               (guint)*argc - 1 < n_files ? "the file to work on is missing"
               : n_files == 0             ? "it takes no file"
                                          : "there is more than one file",
               command->name, command->arguments);
  return FALSE;
}

EngRecipe *
app_cli_recipe (const char *file_or_json, GError **error)
{
  if (file_or_json == NULL)
    return eng_recipe_new ();
  if (file_or_json[strspn (file_or_json, " \t\r\n")] == '{')
    return eng_recipe_from_json (file_or_json, error);
  return eng_recipe_load (file_or_json, error);
}

EngRecipe *
app_cli_recipe_with_threads (EngRecipe *recipe, int n_threads, GError **error)
{
  if (n_threads == 0)
    return eng_recipe_ref (recipe);
  return eng_recipe_with (recipe, "threads", "count", NULL, g_variant_new_int64 (n_threads), error);
}

EngBuild *
app_cli_build (EngModel *model, EngRecipe *recipe, GError **error)
{
  EngBuild *build = eng_build_new (model, recipe, NULL, NULL, error);
  const char *const *notes;

  if (build == NULL)
    return NULL;
  notes = eng_build_get_notes (build);
  for (guint i = 0; notes[i] != NULL; i++)
    g_printerr ("note: %s\n", notes[i]);
  return build;
}

EngEstimator *
app_cli_estimator (GError **error)
{
  g_autoptr (EngKernelTimes) times = eng_kernel_times_open (NULL, error);

  return times != NULL ? eng_estimator_new (times) : NULL;
}

void
app_cli_take_run (EngRun *run, EngModel *model)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngEstimator) estimator = app_cli_estimator (&error);

  if (estimator == NULL || !eng_estimator_take_run (estimator, run, &error))
    g_printerr ("note: the run's times were not kept for estimates: %s\n", error->message);
  eng_run_take_verdicts (run, model);
}

void
app_cli_print_verdicts (EngRun *run, guint max_per_technique,
                        void (*print) (const char *format, ...) G_GNUC_PRINTF (1, 2))
{
  const char *technique = NULL;
  guint n, n_of_technique = 0;
  const EngRunVerdict *verdicts = eng_run_get_verdicts (run, &n);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *text = eng_run_verdict_describe (run, &verdicts[i]);

      n_of_technique = g_strcmp0 (technique, verdicts[i].technique) == 0 ? n_of_technique + 1 : 0;
      technique = verdicts[i].technique;
      if (max_per_technique == 0 || n_of_technique < max_per_technique)
        print ("%s\n", text);
      else if (n_of_technique == max_per_technique)
        print ("... and other layers: lathe profile tells them all, as does --json.\n");
    }
}

void
app_cli_print_estimates (EngRun *run)
{
  static const char *const titles[RT_N_PHASES]
      = { "prefill step", "decoding a token", "inference" };
  const EngRunEstimate *estimate = eng_run_get_estimate (run);

  for (guint p = 0; estimate != NULL && p < RT_N_PHASES; p++)
    {
      g_autofree char *text = eng_phase_estimate_describe (&estimate->phases[p]);

      if (text != NULL)
        g_printerr ("%s: %s\n", titles[p], text);
    }
}

void
app_cli_json_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  if (value != NULL)
    json_builder_add_string_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

void
app_cli_json_int (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

void
app_cli_json_number (JsonBuilder *builder, const char *name, double value)
{
  json_builder_set_member_name (builder, name);
  if (isfinite (value))
    json_builder_add_double_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

void
app_cli_json_figure (JsonBuilder *builder, const char *name, const EngFigure *figure)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  if (figure->available)
    {
      app_cli_json_number (builder, "value", figure->value);
      app_cli_json_number (builder, "low95", figure->low);
      app_cli_json_number (builder, "high95", figure->high);
      app_cli_json_int (builder, "n", figure->n);
    }
  else
    app_cli_json_string (builder, "unavailable", figure->reason);
  app_cli_json_string (builder, "unit", figure->unit);
  json_builder_end_object (builder);
}

void
app_cli_json_recipe (JsonBuilder *builder, EngRecipe *recipe)
{
  g_autofree char *text = eng_recipe_to_json (recipe);

  json_builder_set_member_name (builder, "recipe");
  json_builder_add_value (builder, json_from_string (text, NULL));
}

void
app_cli_json_print (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree char *text = json_to_string (root, TRUE);

  g_print ("%s\n", text);
}
