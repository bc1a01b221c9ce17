/* The table behind "Several at Once". Knows runs and figures only. */
#include "app-device-table.h"

#include "app-config.h"
#include "eng-run-device.h"

#include <glib/gi18n.h>
#include <math.h>

/* "1.52 ms (1.49–1.55)": with the interval where there is one; or why there is no number. */
static char *
dup_figure (EngRun *run, EngFigureId id)
{
  EngFigure figure;

  if (run == NULL)
    return g_strdup ("—");
  figure = eng_run_get_figure (run, id);
  if (!figure.available)
    return g_strdup ("—");
  return eng_figure_format (&figure);
}

static const char *
get_validity (EngRun *run)
{
  switch (eng_run_get_validity (run))
    {
    case ENG_RUN_VALID:
      return C_ ("run", "valid");
    case ENG_RUN_DEGRADED:
      return C_ ("run", "degraded");
    case ENG_RUN_INVALID:
    default:
      return C_ ("run", "invalid");
    }
}

static gboolean
anybody_has (EngRun *const *runs, guint n, EngFigureId id)
{
  for (guint i = 0; i < n; i++)
    if (runs[i] != NULL && eng_run_get_figure (runs[i], id).available)
      return TRUE;
  return FALSE;
}

static guint
add_line (PlotTable *table, const char *title)
{
  guint row = plot_table_add_row (table);

  plot_table_set_text (table, row, 0, title);
  return row;
}

PlotTable *
app_device_table_new (EngModelKind kind, EngRun *const *runs, const char *const *names, guint n)
{
  PlotTable *table = plot_table_new (_ ("Figures by device"));
  guint n_infos, row;
  const AppFigureInfo *infos = app_figures_headline (kind, &n_infos);

  plot_table_add_column (table, _ ("Figure"), NULL);
  for (guint i = 0; i < n; i++)
    plot_table_add_column (table, names[i], NULL);
  for (guint f = 0; f < n_infos; f++)
    {
      if (infos[f].optional && !anybody_has (runs, n, infos[f].id))
        continue;
      row = add_line (table, _ (infos[f].title));
      for (guint i = 0; i < n; i++)
        {
          g_autofree char *text = dup_figure (runs[i], infos[f].id);

          plot_table_set_text (table, row, i + 1, text);
        }
    }
  row = add_line (table, _ ("Run"));
  for (guint i = 0; i < n; i++)
    plot_table_set_text (table, row, i + 1,
                         runs[i] != NULL ? get_validity (runs[i]) : _ ("not measured"));
  row = add_line (table, _ ("Times are of"));
  for (guint i = 0; i < n; i++)
    plot_table_set_text (table, row, i + 1,
                         runs[i] == NULL                  ? "—"
                         : eng_run_get_emulated (runs[i]) ? _ ("an emulator")
                                                          : _ ("the device itself"));
  row = add_line (table, _ ("Instruction set"));
  for (guint i = 0; i < n; i++)
    plot_table_set_text (table, row, i + 1, runs[i] != NULL ? eng_run_get_isa (runs[i]) : "—");
  row = add_line (table, _ ("Threads"));
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *threads = runs[i] != NULL
                                     ? g_strdup_printf ("%u", eng_run_get_n_threads (runs[i]))
                                     : g_strdup ("—");

      plot_table_set_text (table, row, i + 1, threads);
    }
  return table;
}
