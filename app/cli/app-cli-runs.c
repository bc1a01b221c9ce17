/* `lathe runs`: the history, newest first. */

#include "app-cli-private.h"
#include "eng-history.h"
#include "eng-run-device.h"

static gboolean as_json, as_csv;
static int n_most = 20;

static const GOptionEntry entries[] = {
  { "most", 'n', 0, G_OPTION_ARG_INT, &n_most, "At most so many (20; 0: all)", "N" },
  { "csv", 0, 0, G_OPTION_ARG_NONE, &as_csv, "Comma-separated values, all runs", NULL },
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object, all runs", NULL },
  { NULL },
};

/* What a person looks for first. */
static const EngFigure *
first_figure (const EngHistoryEntry *entry)
{
  static const EngFigureId order[]
      = { ENG_FIGURE_DECODE, ENG_FIGURE_ACCURACY, ENG_FIGURE_INFERENCE, ENG_FIGURE_PREFILL };

  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    if (entry->figures[order[i]].available)
      return &entry->figures[order[i]];
  return &entry->figures[ENG_FIGURE_DECODE];
}

static void
print_entry (const EngHistoryEntry *entry)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (entry->time);
  g_autofree char *when = time != NULL ? g_date_time_format (time, "%F %H:%M") : g_strdup ("?");
  g_autofree char *figure = eng_figure_format (first_figure (entry));

  g_autofree char *device = eng_run_device_of_header (entry->header, NULL);

  g_print ("%.8s  %s  %-8s  %s%s%s\n          %s; %s\n", entry->id, when,
           eng_validity_name (entry->validity), entry->model_name, device != NULL ? ", on " : "",
           device != NULL ? device : "", entry->recipe, figure);
}

static gboolean
run_command (int argc, char **argv, GError **error)
{
  g_autoptr (EngHistory) history = NULL;
  g_autoptr (GPtrArray) list = NULL;

  if (!app_cli_parse (&app_command_runs, entries, &argc, &argv, 0, error))
    return FALSE;
  history = eng_history_open (NULL, error);
  if (history == NULL)
    return FALSE;
  if (as_json || as_csv)
    {
      g_autofree char *text = as_json ? eng_history_export_json (history, error)
                                      : eng_history_export_csv (history, error);

      if (text != NULL)
        g_print ("%s%s", text, as_json ? "\n" : "");
      return text != NULL;
    }
  list = eng_history_list (history, NULL, error);
  if (list == NULL)
    return FALSE;
  for (guint i = 0; i < list->len && (n_most <= 0 || i < (guint)n_most); i++)
    print_entry (list->pdata[i]);
  if (list->len == 0)
    g_print (
        "The history is empty: `lathe run --keep`, or a run in the window, puts runs there.\n");
  return TRUE;
}

const AppCommand app_command_runs
    = { "runs", "[-n N] [--csv] [--json]", "The history of runs, newest first.", run_command };
