/* `lathe eval FILE --data SET`: how often a network is right. */

#include "app-cli-private.h"
#include "eng-eval.h"

static gboolean as_json, list_samples;
static char *data, *recipe_text, *against, *against_recipe;
static int n_threads;

static const GOptionEntry entries[] = {
  { "data", 'd', 0, G_OPTION_ARG_FILENAME, &data, "Labelled samples: a folder (one folder per class, or a labels file) or a tar archive", "SET" },
  { "recipe", 0, 0, G_OPTION_ARG_STRING, &recipe_text, "A recipe: a file or JSON", "FILE|JSON" },
  { "threads", 't', 0, G_OPTION_ARG_INT, &n_threads, "Threads, instead of the recipe's", "N" },
  { "against", 0, 0, G_OPTION_ARG_FILENAME, &against, "Another network: on how many samples do they agree", "FILE" },
  { "against-recipe", 0, 0, G_OPTION_ARG_STRING, &against_recipe, "Another recipe of this network, or of --against", "FILE|JSON" },
  { "samples", 0, 0, G_OPTION_ARG_NONE, &list_samples, "What is said of every sample", NULL },
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL },
  { NULL },
};

/* Shares of a set with a score interval, not medians of samples. */
static char *
format_share (const EngFigure *figure)
{
  if (!figure->available)
    return g_strdup_printf ("unavailable: %s", figure->reason);
  return g_strdup_printf ("%.1f %% (95 %%: %.1f to %.1f) of %u", figure->value, figure->low, figure->high, figure->n);
}

static EngEval *
evaluate (EngModel *model, const char *recipe_source, EngBuild **build, GError **error)
{
  g_autoptr (EngRecipe) recipe = app_cli_recipe (recipe_source, error);
  g_autoptr (EngRecipe) with_threads = recipe != NULL ? app_cli_recipe_with_threads (recipe, n_threads, error) : NULL;

  *build = with_threads != NULL ? app_cli_build (model, with_threads, error) : NULL;
  return *build != NULL ? eng_eval_new (*build, data, NULL, error) : NULL;
}

static void
print_text (EngModel *model, const EngEval *eval, const EngEval *other, const EngFigure *agreement)
{
  g_autofree char *top1 = format_share (&eval->top1), *top5 = format_share (&eval->top5);
  g_autofree char *ms = eng_figure_format (&eval->ms);

  g_print ("%s\n  labels from %s\n  %-15s %s\n", eng_model_get_name (model), eval->label_source, eval->metric, top1);
  if (eval->top5.available)
    g_print ("  top-5 accuracy  %s\n", top5);
  g_print ("  per sample      %s\n", ms);
  if (eval->n_unlabelled > 0)
    g_print ("  left out        %u without a label of this network\n", eval->n_unlabelled);
  if (eval->n_unreadable > 0)
    g_print ("  left out        %u that are no inputs: %s%s\n", eval->n_unreadable, eval->unreadable, eval->n_unreadable > 1 ? ", ..." : "");
  if (other != NULL)
    {
      g_autofree char *theirs = format_share (&other->top1), *share = format_share (agreement);

      g_print ("  the other's     %s\n  agreement       %s\n", theirs, share);
    }
  for (guint i = 0; list_samples && i < eval->predictions->len; i++)
    {
      const EngPrediction *p = &g_array_index (eval->predictions, EngPrediction, i);

      g_print ("%s label %d said %d\n", p->name, p->label, p->predicted);
    }
}

static void
add_predictions (JsonBuilder *builder, const EngEval *eval)
{
  json_builder_set_member_name (builder, "samples");
  json_builder_begin_array (builder);
  for (guint i = 0; i < eval->predictions->len; i++)
    {
      const EngPrediction *p = &g_array_index (eval->predictions, EngPrediction, i);

      json_builder_begin_object (builder);
      app_cli_json_string (builder, "name", p->name);
      app_cli_json_int (builder, "label", p->label);
      app_cli_json_int (builder, "predicted", p->predicted);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static void
print_json (EngModel *model, EngBuild *build, const EngEval *eval, const EngEval *other, const EngFigure *agreement)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  app_cli_json_string (builder, "model", eng_model_get_name (model));
  app_cli_json_string (builder, "path", eng_model_get_path (model));
  app_cli_json_string (builder, "data", data);
  app_cli_json_recipe (builder, eng_build_get_recipe (build));
  app_cli_json_string (builder, "build_hash", eng_build_get_hash (build));
  app_cli_json_string (builder, "label_source", eval->label_source);
  app_cli_json_int (builder, "n", eval->n);
  app_cli_json_int (builder, "n_unlabelled", eval->n_unlabelled);
  app_cli_json_int (builder, "n_unreadable", eval->n_unreadable);
  app_cli_json_string (builder, "metric", eval->metric);
  app_cli_json_figure (builder, "top1_percent", &eval->top1);
  app_cli_json_figure (builder, "top5_percent", &eval->top5);
  app_cli_json_figure (builder, "sample_ms", &eval->ms);
  if (other != NULL)
    {
      app_cli_json_figure (builder, "other_top1_percent", &other->top1);
      app_cli_json_figure (builder, "agreement_percent", agreement);
    }
  if (list_samples)
    add_predictions (builder, eval);
  json_builder_end_object (builder);
  app_cli_json_print (builder);
}

static gboolean
run (int argc, char **argv, GError **error)
{
  g_autoptr (EngModel) model = NULL, other_model = NULL;
  g_autoptr (EngBuild) build = NULL, other_build = NULL;
  g_autoptr (EngEval) eval = NULL, other = NULL;
  EngFigure agreement = { 0 };

  if (!app_cli_parse (&app_command_eval, entries, &argc, &argv, 1, error))
    return FALSE;
  if (data == NULL)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--data SET is missing: what to evaluate on");
      return FALSE;
    }
  model = eng_model_load (argv[1], NULL, error);
  eval = model != NULL ? evaluate (model, recipe_text, &build, error) : NULL;
  if (eval == NULL)
    return FALSE;
  if (against != NULL || against_recipe != NULL)
    {
      other_model = against != NULL ? eng_model_load (against, NULL, error) : g_object_ref (model);
      other = other_model != NULL ? evaluate (other_model, against_recipe, &other_build, error) : NULL;
      if (other == NULL)
        return FALSE;
      agreement = eng_eval_agreement (eval, other);
    }
  if (as_json)
    print_json (model, build, eval, other, &agreement);
  else
    print_text (model, eval, other, &agreement);
  return TRUE;
}

const AppCommand app_command_eval = { "eval", "FILE --data SET [--recipe R] [--against FILE] [--against-recipe R] [--samples] [--json]",
                                      "How often a network is right on labelled samples, with the interval.", run };
