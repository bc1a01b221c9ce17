/* The options that choose a power meter, and the lines that say what energy was spent, each with
 * its grade. Called by the commands that make runs. */
#include "app-cli-private.h"

#include <math.h>

#include "eng-power.h"

char *app_cli_meter;
double app_cli_idle_s;

gboolean
app_cli_choose_meter (GError **error)
{
  const char *choice = app_cli_meter != NULL ? app_cli_meter : "auto";
  g_autoptr (EngPower) power = NULL;

  if (!(app_cli_idle_s >= 0 && app_cli_idle_s <= 3600))
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           "--idle takes 0 to 3600 seconds");
      return FALSE;
    }
  /* What was asked for by name must be there; what was not need not. */
  if (!eng_power_choose (choice, NULL, error))
    {
      if (*error != NULL)
        g_prefix_error (error, "The meter \"%s\" cannot be used: ", choice);
      else if (app_cli_idle_s > 0)
        g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                     "--idle needs a power meter: %s (lathe devices)",
                     eng_power_get_current_reason ());
      return *error == NULL;
    }
  power = eng_power_dup_current ();
  if (app_cli_idle_s > 0)
    {
      EngFigure idle = eng_power_measure_idle (power, app_cli_idle_s, app_cli_stop_on_interrupt ());
      g_autofree char *text = eng_figure_format (&idle);
      g_printerr ("idle power: %s\n", text);
    }
  return TRUE;
}

static void
print_line (const char *name, const char *value, void (*print) (const char *format, ...))
{
  print ("%-34s %s\n", name, value);
}

static void
print_figure (const EngFigure *figure, EngFigureId id, void (*print) (const char *format, ...))
{
  g_autofree char *text = eng_figure_format (figure);
  print_line (eng_figure_id_title (id), text, print);
}

void
app_cli_print_energy_figures (EngEnergy *energy, const EngFigure *figures,
                              void (*print) (const char *format, ...))
{
  EngFigure idle = eng_energy_get_idle (energy);

  for (EngFigureId id = ENG_FIGURE_TOKEN_ENERGY; id <= ENG_FIGURE_ACCURACY_PER_JOULE_MODEL; id++)
    if (figures[id].available)
      print_figure (&figures[id], id, print);
  if (eng_energy_get_meter (energy) != NULL)
    print_line ("Power meter", eng_energy_get_meter (energy), print);
  if (eng_energy_get_reason (energy) != NULL)
    print ("Energy is not measured: %s\n", eng_energy_get_reason (energy));
  if (idle.available)
    {
      g_autofree char *text = eng_figure_format (&idle);
      print ("%-34s %s, not taken off\n", "Idle power, measured", text);
    }
  if (isfinite (eng_energy_get_cost_frac (energy)))
    print ("%-34s %.2f %% of one processor\n", "Reading the meter took",
           100 * eng_energy_get_cost_frac (energy));
}

void
app_cli_print_energy (EngRun *run, void (*print) (const char *format, ...))
{
  EngEnergy *energy = eng_run_get_energy (run);
  EngFigure figures[ENG_N_FIGURES];

  if (energy == NULL)
    return;
  for (EngFigureId id = 0; id < ENG_N_FIGURES; id++)
    figures[id] = eng_run_get_figure (run, id);
  app_cli_print_energy_figures (energy, figures, print);
}

/* "12.3 mJ", or why not. */
static char *
format_joules (const char *reason, const double *values, guint i)
{
  if (reason != NULL || !isfinite (values[i]))
    return g_strdup ("—");
  return eng_format_value (values[i], "J");
}

char *
app_cli_format_attributed (const EngPhaseEnergy *energy, guint i, gboolean node)
{
  const EngEnergyAttributed *a = &energy->attributed;
  return format_joules (a->reason, node ? a->nodes_j : a->layers_j, i);
}

char *
app_cli_format_modelled (const EngPhaseEnergy *energy, guint i, gboolean node)
{
  const EngEnergyModelled *m = &energy->modelled;
  return format_joules (m->reason, node ? m->nodes_j : m->layers_j, i);
}
