/* `lathe sensitivity FILE`: what the recipe costs in accuracy, layer by layer. */

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "app-cli-private.h"
#include "eng-error.h"
#include "eng-sensitivity.h"

static gboolean as_json, by_rank, afresh, by_matrix;
static char *against, *text_path, *text_name, *inputs, *recipe_text;
static int n_windows, n_tokens, n_inputs, n_threads;

static const GOptionEntry entries[] = {
  { "recipe", 0, 0, G_OPTION_ARG_STRING, &recipe_text, "What is changed: a recipe, a file or JSON",
    "FILE|JSON" },
  { "text", 0, 0, G_OPTION_ARG_FILENAME, &text_path,
    "Of a language model: the text that is foretold (bundled texts without)", "FILE" },
  { "windows", 'w', 0, G_OPTION_ARG_INT, &n_windows,
    "Windows of the text (16): more make intervals narrower", "N" },
  { "window-tokens", 0, 0, G_OPTION_ARG_INT, &n_tokens,
    "Tokens of a window (128); the first quarter is context", "N" },
  { "input", 'i', 0, G_OPTION_ARG_FILENAME, &inputs,
    "Of a network: a file, a folder or an archive, with or without labels (random without)",
    "FILE" },
  { "samples", 0, 0, G_OPTION_ARG_INT, &n_inputs, "Of a network: inputs at most (64)", "N" },
  { "against", 0, 0, G_OPTION_ARG_FILENAME, &against,
    "Of a network: another file of it to compare with, the float original of one that is quantized "
    "in its file",
    "FILE" },
  { "threads", 't', 0, G_OPTION_ARG_INT, &n_threads, "Threads, instead of the recipe's", "N" },
  { "matrices", 0, 0, G_OPTION_ARG_NONE, &by_matrix,
    "Of a language model: every weight matrix alone, not every layer; about seven times the work",
    NULL },
  { "rank", 0, 0, G_OPTION_ARG_NONE, &by_rank,
    "The most sensitive layer first, not in network order", NULL },
  { "afresh", 0, 0, G_OPTION_ARG_NONE, &afresh,
    "Leave aside what was measured before, and keep nothing", NULL },
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL },
  { NULL },
};

static void
tell_progress (EngLayerErrors *so_far, gpointer data)
{
  gint64 *last_us = data, now_us = g_get_monotonic_time ();

  if (now_us - *last_us < G_USEC_PER_SEC || !isatty (STDERR_FILENO))
    return;
  *last_us = now_us;
  g_printerr ("\r%3.0f %% of %s ", 100 * eng_layer_errors_get_progress (so_far),
              eng_layer_errors_get_data (so_far));
}

/* "0.01234 (0.01101–0.01366)". */
static char *
format_interval (const EngFigure *figure)
{
  if (!figure->available)
    return g_strdup ("-");
  if (!isfinite (figure->low))
    return g_strdup_printf ("%.3g", figure->value);
  return g_strdup_printf ("%.3g (%.3g to %.3g)", figure->value, figure->low, figure->high);
}

static int width = 12; /* of names */

static void
print_line (const char *name, const EngLayerError *layer, gboolean language, gboolean whole)
{
  g_autofree char *local = eng_layer_deviation_format (&layer->local),
                  *accumulated = eng_layer_deviation_format (&layer->accumulated);
  g_autofree char *first
      = format_interval (language ? &layer->divergence : &layer->outputs.relative);
  g_autofree char *loss = format_interval (&layer->loss), *agreement = NULL;

  if (layer->reason != NULL || layer->n_units == 0)
    {
      g_print ("  %-*s %s\n", width, name, layer->reason != NULL ? layer->reason : "not measured");
      return;
    }
  if (layer->agreement.available)
    agreement = g_strdup_printf ("%7.2f %%", layer->agreement.value);
  g_print ("  %-*s %10s %12s   %-32s %-32s %9s\n", width, name, whole ? "" : local,
           whole ? "" : accumulated, first, loss, agreement != NULL ? agreement : "-");
}

static EngLayerErrors *compared;

static int
compare_layers (const void *a, const void *b)
{
  EngFigure x = eng_layer_errors_get_sensitivity (compared, *(const int *)a);
  EngFigure y = eng_layer_errors_get_sensitivity (compared, *(const int *)b);
  double vx = x.available ? x.value : -1, vy = y.available ? y.value : -1;

  return (vx < vy) - (vx > vy);
}

void
app_cli_print_layers (EngModel *model, EngLayerErrors *errors)
{
  gboolean language = eng_model_get_kind (model) == ENG_MODEL_LANGUAGE;
  int n = eng_layer_errors_get_n_layers (errors) + 2;
  g_autofree int *layers = g_new (int, n);

  for (int i = 0; i < n; i++)
    {
      g_autofree char *name = eng_layer_errors_dup_name (errors, model, i - 1);

      layers[i] = i - 1;
      width = MAX (width, (int)g_utf8_strlen (name, -1));
    }
  compared = errors;
  if (by_rank)
    qsort (layers, (gsize)n, sizeof *layers, compare_layers);
  g_print ("%s: %s\n%s\n\n", eng_model_get_name (model), eng_layer_errors_get_recipe (errors),
           eng_layer_errors_get_data (errors));
  g_print ("  %-*s %10s %12s   %-32s %-32s %s\n", width, "", "local", "accumulated",
           language ? "KL divergence, nats/token" : "error of the outputs, %",
           language ? "log-likelihood lost, nats/token" : "accuracy lost, pp", "agreement");
  for (int i = 0; i < n; i++)
    {
      g_autofree char *name = eng_layer_errors_dup_name (errors, model, layers[i]);

      print_line (name, eng_layer_errors_get (errors, layers[i]), language, FALSE);
    }
  print_line ("all together", eng_layer_errors_get_whole (errors), language, TRUE);
  g_print ("\nLocal: only this layer is changed, seen at its output; accumulated: all are, seen at "
           "its output. Both as signal to noise.\n"
           "Right of them what the model's output loses when only this layer is changed, with 95 "
           "%% intervals over %s.\n",
           language ? "windows" : "inputs");
}

static gboolean
read_config (EngModel *model, EngSensitivityConfig *config, char **text, GError **error)
{
  *config = (EngSensitivityConfig){ .n_windows = (guint)MAX (n_windows, 0),
                                    .n_tokens = (guint)MAX (n_tokens, 0),
                                    .inputs = inputs,
                                    .by_matrix = by_matrix,
                                    .n_inputs = (guint)MAX (n_inputs, 0) };
  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE)
    return TRUE;
  if (text_path != NULL ? !g_file_get_contents (text_path, text, NULL, error)
                        : (*text = eng_sensitivity_dup_default_text (&text_name, error)) == NULL)
    return FALSE;
  config->text = *text;
  config->text_name = text_path != NULL ? text_path : text_name;
  return TRUE;
}

/* Of this command, or of another that adds it to what it says. */
static EngLayerErrors *
measure (EngBuild *build, const EngSensitivityConfig *config, GError **error)
{
  g_autoptr (EngHistory) history = NULL;
  gint64 last_us = 0;
  EngLayerErrors *errors;

  if (!afresh && (history = eng_history_open (NULL, error)) == NULL)
    return NULL;
  errors = eng_sensitivity_measure (build, config, history, NULL, tell_progress, &last_us, error);
  if (isatty (STDERR_FILENO))
    g_printerr ("\r\033[K");
  return errors;
}

gboolean
app_cli_check_layers (EngModel *model, EngRecipe *recipe, GError **error)
{
  g_autofree char *why_not = eng_sensitivity_why_not (model, recipe);

  if (why_not == NULL)
    return TRUE;
  g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
               "Accuracy per layer of %s: %s. --recipe says what is changed.",
               eng_model_get_name (model), why_not);
  return FALSE;
}

EngLayerErrors *
app_cli_measure_layers (EngBuild *build, const char *text, const char *samples, GError **error)
{
  EngModel *model = eng_build_get_model (build);
  g_autofree char *contents = NULL;
  EngSensitivityConfig config;

  text_path = (char *)text;
  inputs = (char *)samples;
  if (!app_cli_check_layers (model, eng_build_get_recipe (build), error)
      || !read_config (model, &config, &contents, error))
    return NULL;
  return measure (build, &config, error);
}

static gboolean
run (int argc, char **argv, GError **error)
{
  g_autoptr (EngModel) model = NULL, original = NULL;
  g_autoptr (EngRecipe) recipe = NULL, with_threads = NULL;
  g_autoptr (EngBuild) build = NULL;
  g_autoptr (EngLayerErrors) errors = NULL;
  g_autoptr (JsonBuilder) builder = NULL;
  g_autofree char *text = NULL;
  EngSensitivityConfig config;

  if (!app_cli_parse (&app_command_sensitivity, entries, &argc, &argv, 1, error))
    return FALSE;
  recipe = app_cli_recipe (recipe_text, error);
  with_threads = recipe != NULL ? app_cli_recipe_with_threads (recipe, n_threads, error) : NULL;
  model = with_threads != NULL ? eng_model_load (argv[1], NULL, error) : NULL;
  if (model == NULL || !read_config (model, &config, &text, error))
    return FALSE;
  if (against != NULL && (original = eng_model_load (against, NULL, error)) == NULL)
    return FALSE;
  config.reference = original;
  if (original == NULL && !app_cli_check_layers (model, with_threads, error))
    return FALSE;
  build = app_cli_build (model, with_threads, error);
  if (build == NULL)
    return FALSE;
  gint64 start_us = g_get_monotonic_time ();
  errors = measure (build, &config, error);
  if (errors == NULL)
    return FALSE;
  if (!as_json)
    {
      app_cli_print_layers (model, errors);
      g_printerr ("%.1f s\n", (double)(g_get_monotonic_time () - start_us) * 1e-6);
      return TRUE;
    }
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  app_cli_json_string (builder, "model", eng_model_get_name (model));
  app_cli_json_string (builder, "path", eng_model_get_path (model));
  app_cli_json_recipe (builder, with_threads);
  app_cli_json_string (builder, "build_hash", eng_build_get_hash (build));
  app_cli_json_number (builder, "seconds", (double)(g_get_monotonic_time () - start_us) * 1e-6);
  eng_layer_errors_write (errors, model, builder, "layer_errors");
  json_builder_end_object (builder);
  app_cli_json_print (builder);
  return TRUE;
}

const AppCommand app_command_sensitivity
    = { "sensitivity",
        "FILE --recipe R [--text FILE | -i INPUTS] [-w WINDOWS] [--against FILE] [--matrices] "
        "[--rank] [--json]",
        "What a recipe costs in accuracy, layer by layer: local and accumulated error, "
        "sensitivity; goes on where it was stopped.",
        run };
