/* Short names of a comparison's rows. Called by the compare view's feed and by the report. */
#include "app-compare-names.h"

#include "app-config.h"
#include "app-layers.h"

#include <glib/gi18n.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static gboolean
is_path (const EngCompareRow *row)
{
  return row->depth == 0 && strchr (row->name, '/') != NULL;
}

gsize
app_compare_common_path (EngComparison *comparison)
{
  const char *first = NULL;
  gsize n = 0;

  for (guint i = 0; i < eng_comparison_get_n_rows (comparison); i++)
    {
      const EngCompareRow *row = eng_comparison_get_row (comparison, i);
      gsize k = 0;

      if (!is_path (row))
        continue;
      if (first == NULL)
        {
          first = row->name;
          n = strlen (first);
        }
      while (k < n && row->name[k] == first[k])
        k++;
      n = k;
    }
  while (n > 0 && first[n - 1] != '/')
    n--;
  return n;
}

/* "activation_2" of "activation_2/Relu;batch_normalization/...": modules are told apart by their
 * own names, not by what is in them. */
static char *
dup_module (const char *path)
{
  gsize n = strcspn (path, "/;");
  g_autofree char *module = g_strndup (path, n);

  return app_layers_dup_short_name (n > 0 ? module : path);
}

char *
app_compare_dup_row_label (const EngCompareRow *row, gsize common)
{
  static const char *const known[][2]
      = { { "Embedding", N_ ("Emb") }, { "Input", N_ ("In") }, { "Output", N_ ("Out") } };
  const char *name = row->name;

  if (row->depth > 0)
    {
      if (g_str_has_prefix (name, "blk.") && strchr (name + 4, '.') != NULL)
        return g_strdup (strchr (name + 4, '.') + 1);
      return app_layers_dup_short_name (name);
    }
  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (g_str_equal (known[i][0], name))
      return g_strdup (_ (known[i][1]));
  if (g_str_has_prefix (name, "Block "))
    return g_strdup (name + strlen ("Block "));
  return strchr (name, '/') != NULL && strlen (name) > common ? dup_module (name + common)
                                                              : app_layers_dup_short_name (name);
}

/* Of the first value there is: sensitivities of language models and of networks are not the same
 * quantity. */
static const char *
find_unit (EngComparison *comparison, EngLayerMetric metric)
{
  for (guint row = 0; row < eng_comparison_get_n_rows (comparison); row++)
    for (guint run = 0; run < eng_comparison_get_n_runs (comparison); run++)
      {
        EngFigure figure = eng_comparison_get_value (comparison, row, run, metric);

        if (figure.available)
          return figure.unit;
      }
  return eng_layer_metric_unit (metric);
}

PlotUnit
app_compare_unit (EngComparison *comparison, EngLayerMetric metric)
{
  const char *unit = find_unit (comparison, metric);

  if (g_str_equal (unit, "ns"))
    return PLOT_UNIT_NS;
  if (g_str_equal (unit, "B"))
    return PLOT_UNIT_BYTES;
  if (g_str_equal (unit, "J"))
    return PLOT_UNIT_JOULES;
  return (PlotUnit){ .symbol = g_intern_string (unit) };
}

PlotState
app_compare_state (EngLayerMetric metric)
{
  switch (metric)
    {
    case ENG_LAYER_METRIC_ENERGY_ATTRIBUTED:
      return PLOT_STATE_ATTRIBUTED;
    case ENG_LAYER_METRIC_ENERGY_MODELLED:
      return PLOT_STATE_ESTIMATE;
    case ENG_LAYER_METRIC_LATENCY:
    case ENG_LAYER_METRIC_WEIGHTS:
    case ENG_LAYER_METRIC_ACTIVATIONS:
    case ENG_LAYER_METRIC_KV:
    case ENG_LAYER_METRIC_SENSITIVITY:
    case ENG_LAYER_METRIC_LOCAL_ERROR:
    case ENG_LAYER_METRIC_ACCUMULATED_ERROR:
    case ENG_N_LAYER_METRICS:
    default:
      return PLOT_STATE_MEASURED;
    }
}

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return x < y ? -1 : x > y;
}

double
app_compare_limit (const double *value, const double *high, guint n)
{
  g_autofree double *ends = g_new (double, n + 1);
  double most = 0, limit;
  guint n_ends = 0;

  for (guint i = 0; i < n; i++)
    {
      if (isfinite (value[i]))
        most = fmax (most, fabs (value[i]));
      if (isfinite (high[i]))
        ends[n_ends++] = fabs (high[i]);
    }
  if (n_ends == 0)
    return INFINITY;
  qsort (ends, n_ends, sizeof *ends, compare_doubles);
  limit = fmax (1.6 * most, 3 * ends[n_ends / 2]);
  return ends[n_ends - 1] > limit ? limit : INFINITY;
}
