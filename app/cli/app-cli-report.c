/* `lathe report RUN...`: runs as one file that opens anywhere. */

#include <string.h>

#include "app-cli-private.h"
#include "app-report.h"
#include "eng-compare.h"
#include "eng-error.h"

static char **outputs, *title;

static const GOptionEntry entries[] = {
  { "output", 'o', 0, G_OPTION_ARG_FILENAME_ARRAY, &outputs,
    "What to write: FILE.html, FILE.csv or FILE.json; may be repeated (report.html)", "FILE" },
  { "title", 0, 0, G_OPTION_ARG_STRING, &title, "The report's heading (the model's name)", "TEXT" },
  { NULL },
};

static char *
make_text (GPtrArray *runs, const char *path, GError **error)
{
  EngRun *const *array = (EngRun *const *)runs->pdata;
  g_autoptr (EngComparison) comparison = NULL;

  if (g_str_has_suffix (path, ".html") || g_str_has_suffix (path, ".htm"))
    {
      /* Without a history there are the runs' own figures. */
      g_autoptr (EngHistory) history = eng_history_open (NULL, NULL);
      g_autoptr (AppAccuracy) accuracy = app_accuracy_new (history);

      return app_report_to_html (array, runs->len, accuracy, title);
    }
  if (!g_str_has_suffix (path, ".csv") && !g_str_has_suffix (path, ".json"))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "%s: a report is .html, .csv or .json; end the name with one of these", path);
      return NULL;
    }
  comparison = eng_comparison_new (array, runs->len, RT_PHASE_DECODE);
  return g_str_has_suffix (path, ".csv") ? eng_comparison_to_csv (comparison, 0)
                                         : eng_comparison_to_json (comparison, 0);
}

static gboolean
run_command (int argc, char **argv, GError **error)
{
  static char *standard[] = { "report.html", NULL };
  g_autoptr (GOptionContext) context = g_option_context_new (app_command_report.arguments);
  g_autoptr (GPtrArray) runs = NULL;

  g_option_context_set_summary (context, app_command_report.summary);
  g_option_context_set_description (context,
                                    "RUN is a run's file, the id of a run of the history or its "
                                    "beginning, \"latest\" or \"latest~1\". With several "
                                    "runs, the first is what the others are compared with.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (argc < 2)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                   "a run is missing. Usage: lathe report %s", app_command_report.arguments);
      return FALSE;
    }
  runs = app_cli_find_runs (argc, argv, error);
  for (char **path = outputs != NULL ? outputs : standard; runs != NULL && *path != NULL; path++)
    {
      g_autofree char *text = make_text (runs, *path, error);

      if (text == NULL || !g_file_set_contents (*path, text, -1, error))
        return FALSE;
      g_printerr ("%s written\n", *path);
    }
  return runs != NULL;
}

const AppCommand app_command_report
    = { "report", "RUN... [-o FILE.html] [-o FILE.csv] [-o FILE.json] [--title TEXT]",
        "Runs as one self-contained HTML file, with plots and tables; also as CSV and JSON.",
        run_command };
