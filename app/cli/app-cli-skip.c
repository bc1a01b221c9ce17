/* `lathe skip FILE`: which blocks a text can do best without, one after the other, and the recipe
 * that leaves them out. */

#include <math.h>
#include <unistd.h>

#include "app-cli-private.h"
#include "eng-drop-search.h"
#include "eng-error.h"

static gboolean as_json, by_half, is_quiet;
static char *data, *domain, *recipe_text, *output;
static int n_drops, n_tokens, n_threads;

static const GOptionEntry entries[] = {
  { "blocks", 'b', 0, G_OPTION_ARG_INT, &n_drops, "Blocks to leave out (4)", "N" },
  { "halves", 0, 0, G_OPTION_ARG_NONE, &by_half,
    "Attention and feed-forward part of a block each on their own: twice the work for a step",
    NULL },
  { "data", 'd', 0, G_OPTION_ARG_STRING, &data,
    "Texts whose loss decides: a file, or a folder with one .txt file for each domain (bundled "
    "texts)",
    "SET" },
  { "domain", 0, 0, G_OPTION_ARG_STRING, &domain, "Only the text of this domain (all together)",
    "NAME" },
  { "tokens", 'n', 0, G_OPTION_ARG_INT, &n_tokens,
    "Tokens that decide (512); as many others are kept aside to see what a choice is worth", "N" },
  { "recipe", 0, 0, G_OPTION_ARG_STRING, &recipe_text,
    "What else the model has, and what it skips already: the search goes on from there",
    "FILE|JSON" },
  { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "Write the recipe to this file", "FILE" },
  { "threads", 't', 0, G_OPTION_ARG_INT, &n_threads, "Threads, instead of the recipe's", "N" },
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL },
  { NULL },
};

static gpointer
show_progress (gpointer job)
{
  while (!eng_job_get_done (job))
    {
      g_autofree char *stage = eng_job_dup_stage (job);

      if (stage != NULL)
        g_printerr ("\r\033[K%3.0f %%  %s", 100 * MAX (0, eng_job_get_progress (job)), stage);
      g_usleep (G_USEC_PER_SEC / 2);
    }
  g_printerr ("\r\033[K");
  g_object_unref (job);
  return NULL;
}

static void
on_interrupted (GCancellable *cancellable, gpointer job)
{
  eng_job_cancel (job);
}

/* A line as soon as a step is done: a search may take minutes. */
static void
print_step (const EngDropResult *result, gpointer user_data)
{
  guint n = result->steps->len;
  const EngDropStep *step = &g_array_index (result->steps, EngDropStep, n - 1);
  const EngDropStep *first = &g_array_index (result->steps, EngDropStep, 0);
  g_autofree char *bytes = eng_format_value (step->weight_bytes, "B");

  if (is_quiet)
    return;
  if (n == 1)
    g_print ("%s\n\n  %-14s %10s %10s %14s %14s %12s\n", result->source, "left out", "loss",
             "perplexity", "kept aside", "bits per byte", "weights");
  g_print ("  %-14s %10.4f %10.2f", step->part != NULL ? step->part : "nothing", step->loss,
           exp (step->loss));
  if (isfinite (step->held_out))
    g_print (" %14.4f %14.4f", step->held_out, step->held_out * result->bits_per_byte);
  else
    g_print (" %14s %14.4f", "-", step->loss * result->bits_per_byte);
  g_print (" %12s", bytes);
  if (n > 1)
    g_print ("  %.1f %%", 100 * step->weight_bytes / first->weight_bytes);
  g_print ("\n");
}

static void
write_steps (JsonBuilder *builder, const EngDropResult *result)
{
  json_builder_set_member_name (builder, "steps");
  json_builder_begin_array (builder);
  for (guint i = 0; i < result->steps->len; i++)
    {
      const EngDropStep *step = &g_array_index (result->steps, EngDropStep, i);

      json_builder_begin_object (builder);
      app_cli_json_string (builder, "left_out", step->part);
      app_cli_json_number (builder, "loss_nats_per_token", step->loss);
      app_cli_json_number (builder, "held_out_loss_nats_per_token", step->held_out);
      app_cli_json_number (builder, "held_out_bits_per_byte",
                           step->held_out * result->bits_per_byte);
      app_cli_json_number (builder, "weight_bytes", step->weight_bytes);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static gboolean
tell (EngModel *model, const EngDropResult *result, double seconds, GError **error)
{
  g_autofree char *json = eng_recipe_to_json (result->recipe);
  g_autoptr (JsonBuilder) builder = NULL;

  if (output != NULL && !g_file_set_contents (output, json, -1, error))
    return FALSE;
  if (!as_json)
    {
      g_print ("\nLoss in nats per token; what was kept aside had no say. The recipe%s%s:\n%s\n",
               output != NULL ? ", now in " : "", output != NULL ? output : "", json);
      g_printerr ("%.1f s\n", seconds);
      return TRUE;
    }
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  app_cli_json_string (builder, "model", eng_model_get_name (model));
  app_cli_json_string (builder, "data", result->source);
  app_cli_json_number (builder, "seconds", seconds);
  write_steps (builder, result);
  app_cli_json_recipe (builder, result->recipe);
  json_builder_end_object (builder);
  app_cli_json_print (builder);
  return TRUE;
}

static EngDropResult *
search (EngModel *model, EngRecipe *recipe, GError **error)
{
  EngDropOptions options = { .data = data,
                             .domain = domain,
                             .n_drops = (guint)MAX (n_drops, 0),
                             .n_tokens = (guint)MAX (n_tokens, 0),
                             .by_half = by_half };
  g_autoptr (EngJob) job = eng_job_new ("Searching for blocks to leave out");
  g_autoptr (GCancellable) interrupt = app_cli_stop_on_interrupt ();
  GThread *thread = isatty (STDERR_FILENO)
                        ? g_thread_new ("progress", show_progress, g_object_ref (job))
                        : NULL;

  g_cancellable_connect (interrupt, G_CALLBACK (on_interrupted), job, NULL);
  EngDropResult *result = eng_drop_search (model, recipe, &options, job, print_step, NULL, error);
  eng_job_finish (job);
  if (thread != NULL)
    g_thread_join (thread);
  return result;
}

static gboolean
run (int argc, char **argv, GError **error)
{
  g_autoptr (EngModel) model = NULL;
  g_autoptr (EngRecipe) recipe = NULL, with_threads = NULL;
  g_autoptr (EngDropResult) result = NULL;

  if (!app_cli_parse (&app_command_skip, entries, &argc, &argv, 1, error))
    return FALSE;
  is_quiet = as_json;
  recipe = app_cli_recipe (recipe_text, error);
  with_threads = recipe != NULL ? app_cli_recipe_with_threads (recipe, n_threads, error) : NULL;
  model = with_threads != NULL ? eng_model_load (argv[1], NULL, error) : NULL;
  if (model == NULL)
    return FALSE;
  gint64 start_us = g_get_monotonic_time ();
  result = search (model, with_threads, error);
  return result != NULL
         && tell (model, result, (double)(g_get_monotonic_time () - start_us) * 1e-6, error);
}

const AppCommand app_command_skip
    = { "skip",
        "FILE [--data SET] [--domain NAME] [--blocks N] [--halves] [--recipe R] [-o RECIPE] "
        "[--json]",
        "Which blocks a text can do best without: greedy progressive drop, the loss of every step, "
        "and the recipe.",
        run };
