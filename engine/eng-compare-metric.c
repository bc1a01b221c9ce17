/* What layers and operators have values of, one table row each. Called by the comparison. A new
 * metric: its number in eng-compare.h, two functions and a row here. */
#include "eng-compare-private.h"

#include <math.h>

static EngFigure
from_latency (const EngLatency *latency)
{
  EngFigure figure;

  if (latency->n == 0)
    return eng_figure_unavailable ("ns", "not measured");
  figure = eng_figure_exact (latency->median_ns, "ns");
  figure.n = latency->n;
  figure.low = latency->low_ns;
  figure.high = latency->high_ns;
  return figure;
}

static EngFigure
latency_of_node (const EngMetricSource *from, guint node)
{
  return from_latency (
      &eng_profile_get_phase (eng_run_get_profile (from->run), from->phase)->nodes[node]);
}

static EngFigure
latency_of_layer (const EngMetricSource *from, int layer)
{
  return from_latency (
      &eng_profile_get_phase (eng_run_get_profile (from->run), from->phase)->layers[layer + 1]);
}

#define MEMORY(what)                                                                               \
  static EngFigure what##_of_node (const EngMetricSource *from, guint node)                        \
  {                                                                                                \
    return eng_figure_exact (                                                                      \
        (double)eng_profile_get_node_memory (eng_run_get_profile (from->run), node)->what##_bytes, \
        "B");                                                                                      \
  }                                                                                                \
  static EngFigure what##_of_layer (const EngMetricSource *from, int layer)                        \
  {                                                                                                \
    return eng_figure_exact ((double)eng_profile_get_layer_memory (eng_run_get_profile (           \
                                                                       from->run),                 \
                                                                   layer)                          \
                                 ->what##_bytes,                                                   \
                             "B");                                                                 \
  }

MEMORY (weight)
MEMORY (activation)
MEMORY (kv)

/* ---- Energy ---- */

static EngFigure
from_joules (const char *reason, double joules)
{
  if (reason != NULL)
    return eng_figure_unavailable ("J", reason);
  return isfinite (joules) ? eng_figure_exact (joules, "J")
                           : eng_figure_unavailable ("J", "not known of this operator");
}

static const EngPhaseEnergy *
phase_energy (EngRun *run, RtPhase phase)
{
  EngEnergy *energy = eng_run_get_energy (run);

  return energy != NULL ? eng_energy_get_phase (energy, phase) : NULL;
}

/* A part of a measured total: the rule that divides it has an error that is not known, so it has no
 * interval. */
static EngFigure
attributed_joules (const char *reason, double joules)
{
  EngFigure figure = from_joules (reason, joules);

  if (!figure.available)
    return figure;
  figure.n = 1;
  figure.low = figure.high = NAN;
  figure.reason = "divided by a rule: no interval";
  return figure;
}

static EngFigure
modelled_joules (const char *reason, double joules)
{
  EngFigure figure = from_joules (reason, joules);

  if (figure.available)
    figure.reason = "modelled";
  return figure;
}

#define ENERGY(grade)                                                                              \
  static EngFigure grade##_of_node (const EngMetricSource *from, guint node)                       \
  {                                                                                                \
    const EngPhaseEnergy *energy = phase_energy (from->run, from->phase);                          \
    if (energy == NULL)                                                                            \
      return eng_figure_unavailable ("J", "not recorded");                                         \
    return grade##_joules (energy->grade.reason,                                                   \
                           energy->grade.reason == NULL ? energy->grade.nodes_j[node] : NAN);      \
  }                                                                                                \
  static EngFigure grade##_of_layer (const EngMetricSource *from, int layer)                       \
  {                                                                                                \
    const EngPhaseEnergy *energy = phase_energy (from->run, from->phase);                          \
    if (energy == NULL)                                                                            \
      return eng_figure_unavailable ("J", "not recorded");                                         \
    return grade##_joules (energy->grade.reason, energy->grade.reason == NULL                      \
                                                     ? energy->grade.layers_j[layer + 1]           \
                                                     : NAN);                                       \
  }

ENERGY (attributed)
ENERGY (modelled)

/* ---- Accuracy ---- */

static EngFigure
error_of_node (const EngMetricSource *from, guint node)
{
  return eng_figure_unavailable ("%", "measured of whole layers");
}

static const EngLayerError *
layer_error (const EngMetricSource *from, int layer, const char **reason)
{
  const EngLayerError *error = NULL;

  if (from->errors == NULL || layer > eng_layer_errors_get_n_layers (from->errors))
    *reason = "accuracy per layer was not measured with this recipe";
  else
    {
      error = eng_layer_errors_get (from->errors, layer);
      *reason = error->reason != NULL ? error->reason : error->n_units == 0 ? "not measured" : NULL;
    }
  return *reason == NULL ? error : NULL;
}

static EngFigure
sensitivity_of_layer (const EngMetricSource *from, int layer)
{
  const char *reason;

  return layer_error (from, layer, &reason) != NULL
             ? eng_layer_errors_get_sensitivity (from->errors, layer)
             : eng_figure_unavailable ("nat", g_intern_string (reason));
}

static EngFigure
local_of_layer (const EngMetricSource *from, int layer)
{
  const char *reason;
  const EngLayerError *error = layer_error (from, layer, &reason);

  return error != NULL ? error->local.relative
                       : eng_figure_unavailable ("%", g_intern_string (reason));
}

static EngFigure
accumulated_of_layer (const EngMetricSource *from, int layer)
{
  const char *reason;
  const EngLayerError *error = layer_error (from, layer, &reason);

  return error != NULL ? error->accumulated.relative
                       : eng_figure_unavailable ("%", g_intern_string (reason));
}

static const EngLayerMetricInfo infos[ENG_N_LAYER_METRICS] = {
  [ENG_LAYER_METRIC_LATENCY] = { "latency_ns", "Latency", "ns", TRUE, TRUE, ENG_ASPECT_TIMES,
                                 latency_of_node, latency_of_layer },
  [ENG_LAYER_METRIC_WEIGHTS] = { "weight_bytes", "Weights", "B", TRUE, TRUE, ENG_ASPECT_MEMORY,
                                 weight_of_node, weight_of_layer },
  [ENG_LAYER_METRIC_ACTIVATIONS] = { "activation_bytes", "Activations", "B", TRUE, FALSE,
                                     ENG_ASPECT_MEMORY, activation_of_node, activation_of_layer },
  [ENG_LAYER_METRIC_KV]
  = { "kv_bytes", "Key-value cache", "B", TRUE, TRUE, ENG_ASPECT_MEMORY, kv_of_node, kv_of_layer },
  [ENG_LAYER_METRIC_ENERGY_ATTRIBUTED]
  = { "energy_attributed_j", "Energy, attributed", "J", TRUE, TRUE, ENG_ASPECT_TIMES,
      attributed_of_node, attributed_of_layer },
  [ENG_LAYER_METRIC_ENERGY_MODELLED] = { "energy_modelled_j", "Energy, modelled", "J", TRUE, TRUE,
                                         ENG_ASPECT_TIMES, modelled_of_node, modelled_of_layer },
  [ENG_LAYER_METRIC_SENSITIVITY] = { "sensitivity", "Sensitivity", "nat", TRUE, FALSE,
                                     ENG_ASPECT_ACCURACY, error_of_node, sensitivity_of_layer },
  [ENG_LAYER_METRIC_LOCAL_ERROR] = { "local_error_percent", "Local error", "%", TRUE, FALSE,
                                     ENG_ASPECT_ACCURACY, error_of_node, local_of_layer },
  [ENG_LAYER_METRIC_ACCUMULATED_ERROR]
  = { "accumulated_error_percent", "Accumulated error", "%", TRUE, FALSE, ENG_ASPECT_ACCURACY,
      error_of_node, accumulated_of_layer },
};

const EngLayerMetricInfo *
eng_layer_metric_info (EngLayerMetric metric)
{
  g_return_val_if_fail (metric < ENG_N_LAYER_METRICS, NULL);
  return &infos[metric];
}

const char *
eng_layer_metric_name (EngLayerMetric metric)
{
  return eng_layer_metric_info (metric)->name;
}

const char *
eng_layer_metric_title (EngLayerMetric metric)
{
  return eng_layer_metric_info (metric)->title;
}

const char *
eng_layer_metric_unit (EngLayerMetric metric)
{
  return eng_layer_metric_info (metric)->unit;
}

gboolean
eng_layer_metric_lower_is_better (EngLayerMetric metric)
{
  return eng_layer_metric_info (metric)->lower_is_better;
}

gboolean
eng_layer_metric_adds_up (EngLayerMetric metric)
{
  return eng_layer_metric_info (metric)->adds_up;
}

EngAspect
eng_layer_metric_aspect (EngLayerMetric metric)
{
  return eng_layer_metric_info (metric)->aspect;
}

static EngFigure
largest (const EngFigure *figures, guint n, const char *unit)
{
  EngFigure most = eng_figure_unavailable (unit, n > 0 ? figures[0].reason : "not measured");

  for (guint i = 0; i < n; i++)
    if (figures[i].available && (!most.available || figures[i].value > most.value))
      most = figures[i];
  return most;
}

/* How many nodes of each layer are in @nodes, less how many there are at all: 0 where all are.
 * [n_layers + 2]. */
static int *
missing_of_layers (EngProfile *profile, const guint *nodes, guint n)
{
  int *missing = g_new0 (int, (gsize)eng_profile_get_n_layers (profile) + 2);

  for (guint i = 0; i < eng_profile_get_n_nodes (profile); i++)
    missing[eng_profile_get_node_layer (profile, i) + 1]++;
  for (guint i = 0; i < n; i++)
    missing[eng_profile_get_node_layer (profile, nodes[i]) + 1]--;
  return missing;
}

EngFigure
eng_layer_metric_measure (EngLayerMetric metric, const EngMetricSource *from, const guint *nodes,
                          guint n)
{
  const EngLayerMetricInfo *info = eng_layer_metric_info (metric);
  EngProfile *profile = eng_run_get_profile (from->run);
  g_autofree int *missing = missing_of_layers (profile, nodes, n);
  g_autoptr (GArray) parts = g_array_new (FALSE, FALSE, sizeof (EngFigure));
  const EngFigure *figures;

  for (guint i = 0; i < n; i++)
    {
      int layer = eng_profile_get_node_layer (profile, nodes[i]);
      EngFigure part;

      if (missing[layer + 1] < 0)
        continue; /* counted as a whole */
      part
          = missing[layer + 1] == 0 ? info->of_layer (from, layer) : info->of_node (from, nodes[i]);
      if (missing[layer + 1] == 0)
        missing[layer + 1] = -1;
      g_array_append_val (parts, part);
    }
  figures = (const EngFigure *)(gpointer)parts->data;
  return info->adds_up ? eng_figure_sum (figures, parts->len, info->unit)
                       : largest (figures, parts->len, info->unit);
}
