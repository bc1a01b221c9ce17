/* The text that commands measure with, the options that say how well a run is to be known, and the
 * lines that say how well it is and what the machine did meanwhile. Called by the commands that
 * make runs. */
#include "app-cli-private.h"

#include <math.h>

#include "eng-repeat.h"

double app_cli_interval_percent = 100 * RT_REPEAT_TARGET_WIDTH,
       app_cli_budget_s = RT_REPEAT_BUDGET_S;

gboolean
app_cli_check_repeat (GError **error)
{
  const char *wrong = NULL;

  if (!(app_cli_interval_percent >= 0 && app_cli_interval_percent < 100))
    wrong = "--interval must be from 0 to 100 percent";
  else if (!(app_cli_budget_s > 0 && app_cli_budget_s <= 86400))
    wrong = "--budget must be above 0 seconds and at most a day";
  if (wrong != NULL)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, wrong);
  return wrong == NULL;
}

void
app_cli_set_repeat (EngWorkload *workload)
{
  workload->interval_width = app_cli_interval_percent / 100;
  workload->budget_s = app_cli_budget_s;
}

EngWorkload *
app_cli_text_workload (const char *prompt, int n_predict)
{
  EngWorkload *workload
      = eng_workload_new (prompt != NULL ? prompt : "It is a truth universally acknowledged, that");

  workload->n_predict = (guint)MAX (n_predict, 1);
  workload->ignore_end = TRUE;
  app_cli_set_repeat (workload);
  return workload;
}

void
app_cli_print_repeats (EngRun *run, void (*print) (const char *format, ...))
{
  const EngWorkload *workload = eng_run_get_workload (run);

  for (EngFigureId id = 0; id < ENG_N_FIGURES; id++)
    {
      EngFigure figure = eng_run_get_figure (run, id);
      double width = (figure.high - figure.low) / figure.value;
      if (eng_run_get_ended (run, id) == RT_REPEAT_BUDGET && workload->interval_width > 0
          && width > workload->interval_width)
        print ("%s: its interval is %.1f %% wide after the budget of %g s; %g %% were wanted "
               "(--budget)\n",
               eng_figure_id_title (id), 100 * width, workload->budget_s,
               100 * workload->interval_width);
    }
}

static void
add_clock (GString *text, const EngConditions *conditions)
{
  double low, high;

  eng_conditions_clock_range (conditions, &low, &high);
  if (!isfinite (low))
    {
      g_string_append (text, "clock unavailable");
      return;
    }
  g_autofree char *from = eng_format_value (low, "Hz");
  g_autofree char *to = eng_format_value (high, "Hz");
  g_string_append_printf (text, "clock %s to %s", from, to);
}

void
app_cli_print_conditions (EngRun *run, void (*print) (const char *format, ...))
{
  const EngConditions *conditions = eng_run_get_conditions (run);
  double hottest = eng_conditions_hottest_c (conditions),
         sampler = eng_conditions_sampler_percent (conditions);
  g_autoptr (GString) text = g_string_new (NULL);

  if (!conditions->known)
    return;
  add_clock (text, conditions);
  if (isfinite (hottest))
    g_string_append_printf (text, ", at most %.0f °C", hottest);
  else
    g_string_append (text, ", temperature unavailable");
  if (isfinite (conditions->others_cpus))
    g_string_append_printf (text, ", other programs used %.2f of %u processors",
                            conditions->others_cpus, conditions->n_cpus);
  print ("Meanwhile: %s\n", text->str);
  if (isfinite (sampler))
    print ("Watching the machine took %.2f %% of one processor\n", sampler);
}
