/* `lathe tradeoff MODEL`: the runs of a model in the history as points of two figures, their front,
 * and the best within limits. */

#include "app-cli-private.h"

#include <math.h>

#include "eng-tradeoff.h"

static gboolean as_json, as_csv, other_files;
static char *x_name, *y_name, *set, *workload, *history_path;
static char **limit_texts;

static const GOptionEntry entries[] = {
  { "x", 0, 0, G_OPTION_ARG_STRING, &x_name, "Figure to the right (latency)", "FIGURE" },
  { "y", 0, 0, G_OPTION_ARG_STRING, &y_name, "Figure upwards (memory)", "FIGURE" },
  { "limit", 'l', 0, G_OPTION_ARG_STRING_ARRAY, &limit_texts,
    "FIGURE<=VALUE or FIGURE>=VALUE, with unit; may be repeated: the best point within is named",
    "LIMIT" },
  { "set", 0, 0, G_OPTION_ARG_STRING, &set, "Evaluations on this set only (the newest)", "SET" },
  { "workload", 0, 0, G_OPTION_ARG_STRING, &workload,
    "Runs of this workload only, as it is written in the table", "TEXT" },
  { "other-files", 0, 0, G_OPTION_ARG_NONE, &other_files,
    "Runs of other files of the same network, too", NULL },
  { "history", 0, 0, G_OPTION_ARG_FILENAME, &history_path, "Another history than the user's",
    "FILE" },
  { "csv", 0, 0, G_OPTION_ARG_NONE, &as_csv, "Comma-separated values", NULL },
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL },
  { NULL },
};

static gboolean
read_limits (EngWorkloadKind kind, GArray *limits, GError **error)
{
  for (guint i = 0; limit_texts != NULL && limit_texts[i] != NULL; i++)
    {
      EngLimit limit;

      if (!eng_limit_parse (limit_texts[i], kind, &limit, error))
        return FALSE;
      g_array_append_val (limits, limit);
    }
  return TRUE;
}

static const char *
mark (const EngTradeoff *result, guint i)
{
  const EngTradeoffPoint *point = result->points->pdata[i];

  if ((int)i == result->best)
    return "best";
  return point->estimate ? "estimate" : eng_pareto_state_name (point->pareto);
}

static void
print_points (const EngTradeoff *result)
{
  g_autofree char *set_name = result->set != NULL ? g_path_get_basename (result->set) : NULL;

  g_print ("%s against %s, %u %s%s%s\n", eng_figure_id_title (result->y),
           eng_figure_id_title (result->x), result->points->len,
           result->points->len == 1 ? "point" : "points", set_name != NULL ? ", evaluated on " : "",
           set_name != NULL ? set_name : "");
  for (guint i = 0; i < result->points->len; i++)
    {
      const EngTradeoffPoint *point = result->points->pdata[i];
      g_autofree char *x = eng_figure_format (&point->figures[result->x]);
      g_autofree char *y = eng_figure_format (&point->figures[result->y]);

      g_print ("  %-10s %-30s %-30s %s%s\n", mark (result, i), x, y, point->short_label,
               point->validity == ENG_RUN_DEGRADED ? " (degraded)" : "");
    }
  if (result->points->len == 0)
    g_print ("  none: keep the runs of two recipes (lathe run --keep, or the window)\n");
  if (result->missing->len > 0)
    g_print ("\nNot shown\n");
  for (guint i = 0; i < result->missing->len; i++)
    {
      const EngTradeoffPoint *point = result->missing->pdata[i];

      g_print ("  %s: %s\n", point->short_label, point->missing);
    }
}

static gboolean
run_command (int argc, char **argv, GError **error)
{
  g_autoptr (GArray) limits = g_array_new (FALSE, FALSE, sizeof (EngLimit));
  EngTradeoffQuery query = { 0 };
  EngRunModel kept = { 0 };

  if (!app_cli_parse (&app_command_tradeoff, entries, &argc, &argv, 1, error))
    return FALSE;

  g_autoptr (EngModel) model = eng_model_load (argv[1], NULL, error);
  if (model == NULL)
    return FALSE;
  query.kind
      = eng_model_get_kind (model) == ENG_MODEL_NETWORK ? ENG_WORKLOAD_INPUT : ENG_WORKLOAD_TEXT;
  if (!eng_figure_id_parse (x_name != NULL ? x_name : "latency", query.kind, &query.x, error)
      || !eng_figure_id_parse (y_name != NULL ? y_name : "memory", query.kind, &query.y, error)
      || !read_limits (query.kind, limits, error))
    return FALSE;
  g_autofree char *hash = eng_model_dup_hash (model, NULL, error);
  g_autoptr (EngHistory) history = hash != NULL ? eng_history_open (history_path, error) : NULL;
  g_autoptr (EngTradeoffRuns) runs = eng_tradeoff_runs_new ();
  if (history == NULL || !eng_tradeoff_runs_add_history (runs, history, error))
    return FALSE;

  eng_run_model_init (&kept, model);
  query.model_hash = hash;
  query.model = other_files ? &kept : NULL;
  query.set = set;
  query.workload = workload;
  query.limits = (const EngLimit *)limits->data;
  query.n_limits = limits->len;
  g_autoptr (EngTradeoff) result = eng_tradeoff_new (runs, &query);
  eng_run_model_clear (&kept);
  if (as_json || as_csv)
    {
      g_autofree char *text
          = as_json ? eng_tradeoff_to_json (result) : eng_tradeoff_to_csv (result);

      g_print ("%s%s", text, as_json ? "\n" : "");
      return TRUE;
    }
  print_points (result);
  if (result->caveat != NULL)
    g_print ("\n%s\n", result->caveat);
  if (result->sentence != NULL)
    g_print ("\n%s\n", result->sentence);
  return TRUE;
}

const AppCommand app_command_tradeoff
    = { "tradeoff", "FILE [--x FIGURE] [--y FIGURE] [--limit 'FIGURE<=VALUE']... [--json|--csv]",
        "The runs of the history as points of two figures, the front, and the best within limits",
        run_command };
