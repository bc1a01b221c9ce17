/* A forecast along the layer axis and in words. Called by the lanes; knows no widgets and no way in
 * which estimates are made. */
#include "app-estimate.h"

#include "app-config.h"
#include "eng-figure.h"
#include "plot-format.h"

#include <glib/gi18n.h>
#include <math.h>

/* Nodes of a forecast by name; free with g_hash_table_unref(). */
static GHashTable *
index_nodes (EngForecast *forecast)
{
  GHashTable *by_name = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < eng_forecast_get_n_nodes (forecast); i++)
    g_hash_table_insert (by_name, (gpointer)eng_forecast_get_node (forecast, i)->name,
                         GUINT_TO_POINTER (i + 1));
  return by_name;
}

static int
find_node (GHashTable *by_name, const char *name)
{
  return (int)GPOINTER_TO_UINT (g_hash_table_lookup (by_name, name)) - 1;
}

void
app_estimate_fill_latency (const AppAxis *axis, EngForecast *forecast, RtPhase phase, double *value,
                           double *low, double *high)
{
  gboolean known = forecast != NULL && eng_forecast_has_phase (forecast, phase);
  g_autoptr (GHashTable) nodes = known ? index_nodes (forecast) : NULL;

  for (guint i = 0; i < app_axis_n_items (axis); i++)
    {
      const char *name = app_axis_get_node_name (axis, i);
      int node = known && name != NULL ? find_node (nodes, name) : -1;

      value[i] = low[i] = high[i] = NAN;
      if (known && name == NULL)
        {
          const EngForecastValue *layer
              = eng_forecast_get_layer (forecast, phase, app_axis_get_layer (axis, i));

          if (!(layer->ns > 0)) /* a layer without operators takes nothing: there is no mark */
            continue;
          value[i] = layer->ns;
          low[i] = layer->low_ns;
          high[i] = layer->high_ns;
        }
      else if (node >= 0)
        value[i] = eng_forecast_get_node_time (forecast, phase, (guint)node)->ns;
    }
}

void
app_estimate_fill_memory (const AppAxis *axis, EngForecast *forecast, double *weights,
                          double *activations, double *kv)
{
  g_autoptr (GHashTable) nodes = index_nodes (forecast);

  for (guint i = 0; i < app_axis_n_items (axis); i++)
    {
      const char *name = app_axis_get_node_name (axis, i);
      int node = name != NULL ? find_node (nodes, name) : -1;
      EngLayerMemory memory;

      weights[i] = activations[i] = kv[i] = NAN;
      if (name == NULL)
        eng_forecast_get_layer_memory (forecast, app_axis_get_layer (axis, i), &memory);
      else if (node >= 0)
        eng_forecast_get_node_memory (forecast, (guint)node, &memory);
      else
        continue;
      weights[i] = (double)memory.weight_bytes;
      activations[i] = (double)memory.activation_bytes;
      kv[i] = (double)memory.kv_bytes;
    }
}

/* ---- Words ---- */

static void
append (GString *text, double share, const char *what)
{
  if (share >= 0.005)
    g_string_append_printf (text, "%s%.0f\u202f%% %s", text->len > 0 ? ", " : "", 100.0 * share,
                            what);
}

char *
app_estimate_dup_caption (EngForecast *forecast, RtPhase phase)
{
  const EngForecastValue *total;
  double band;
  GString *text;

  if (forecast == NULL || !eng_forecast_has_phase (forecast, phase))
    return g_strdup ("");
  total = eng_forecast_get_total (forecast, phase);
  if (!isfinite (total->ns))
    return g_strdup_printf (_ ("No estimate: %s"), total->reason);

  text = g_string_new (NULL);
  /* Translators: parts of a sentence that begins with "Estimate:" */
  append (text, total->shares[ENG_BASIS_TABLE], _ ("from these operators, measured here"));
  append (text, total->shares[ENG_BASIS_NEIGHBOUR], _ ("scaled from similar ones"));
  append (text, total->shares[ENG_BASIS_ROOF], _ ("from the roofs"));
  g_string_prepend (text, _ ("Estimate: "));
  band = eng_forecast_get_band (forecast, phase);
  if (isfinite (band))
    g_string_append_printf (text, " · \u00b1%.0f\u202f%%", 100.0 * (band - 1.0));
  return g_string_free (text, FALSE);
}

char *
app_estimate_dup_total (EngForecast *forecast, RtPhase phase)
{
  const PlotUnit unit = PLOT_UNIT_NS;
  g_autofree char *sum = NULL;

  if (forecast == NULL || !eng_forecast_has_phase (forecast, phase))
    return NULL;
  if (!isfinite (eng_forecast_get_total (forecast, phase)->ns))
    return g_strdup (""); /* of the layers that are known a sum would be of a part */
  sum = plot_format_value (&unit, eng_forecast_get_total (forecast, phase)->ns, 3);
  /* Translators: an estimated sum over the layers */
  return g_strdup_printf (_ ("Σ ~%s, estimated"), sum);
}

static char *
dup_basis (EngBasis basis)
{
  switch (basis)
    {
    case ENG_BASIS_TABLE:
      return g_strdup (_ ("measured here before"));
    case ENG_BASIS_NEIGHBOUR:
      return g_strdup (_ ("scaled from similar operators measured here"));
    case ENG_BASIS_ROOF:
      return g_strdup (_ ("from the roofs of this computer"));
    case ENG_BASIS_NONE:
    default:
      return g_strdup ("");
    }
}

char *
app_estimate_dup_detail (EngModel *model, const AppAxis *axis, guint item, EngForecast *forecast,
                         RtPhase phase)
{
  const PlotUnit unit = PLOT_UNIT_NS;
  const char *name = app_axis_get_node_name (axis, item);
  g_autofree char *title = eng_model_dup_layer_name (model, app_axis_get_layer (axis, item));
  g_autofree char *time = NULL;
  g_autofree char *basis = NULL;
  const char *reason;
  double ns;

  if (forecast == NULL || !eng_forecast_has_phase (forecast, phase))
    return NULL;
  if (name == NULL)
    {
      const EngForecastValue *layer
          = eng_forecast_get_layer (forecast, phase, app_axis_get_layer (axis, item));

      ns = layer->ns;
      reason = layer->reason;
      basis = dup_basis (layer->basis);
    }
  else
    {
      g_autoptr (GHashTable) nodes = index_nodes (forecast);
      int node = find_node (nodes, name);

      if (node < 0)
        return NULL;
      const EngExpected *expected = eng_forecast_get_node_time (forecast, phase, (guint)node);
      ns = expected->ns;
      reason = expected->reason;
      basis = dup_basis (expected->basis);
      g_free (title);
      title = g_strdup (name);
    }
  if (!isfinite (ns))
    return g_strdup_printf (_ ("%s: no estimate: %s"), title, reason);
  time = plot_format_value (&unit, ns, 3);
  return g_strdup_printf (_ ("%s: ~%s expected, %s"), title, time, basis);
}

char *
app_estimate_dup_error (EngRun *run, RtPhase phase)
{
  const EngRunEstimate *estimate = run != NULL ? eng_run_get_estimate (run) : NULL;

  return estimate != NULL ? eng_phase_estimate_describe (&estimate->phases[phase]) : NULL;
}

char *
app_estimate_dup_short_error (EngRun *run, RtPhase phase)
{
  const EngRunEstimate *estimate = run != NULL ? eng_run_get_estimate (run) : NULL;
  double percent
      = estimate != NULL ? 100.0 * eng_phase_estimate_error (&estimate->phases[phase]) : NAN;

  if (isnan (percent))
    return NULL;
  /* Translators: how far off the estimate was, in per cent, with its sign */
  return g_strdup_printf (_ ("estimate %s%.*f\u202f%%"), percent < 0.0 ? "\u2212" : "+",
                          fabs (percent) < 2.0 ? 1 : 0, fabs (percent));
}
