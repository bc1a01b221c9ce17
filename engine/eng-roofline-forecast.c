/* Turns an estimate into a profile. Called by the Roofline view; knows nothing of roofs. */
#include "eng-roofline-forecast.h"

#include <math.h>
#include <string.h>

#include "eng-profile-private.h"
#include "eng-sketch.h"

static EngLatency
expected_latency (double ns)
{
  if (isnan (ns))
    return (EngLatency){ 0, NAN, NAN, NAN, NAN, NAN, NAN };
  return (EngLatency){ 1, ns, ns, ns, ns, NAN, NAN };
}

/* "matmul Q4_0 int8|...": what stands before the first bar ends with the arithmetic
 * (eng-kernel-table.h). */
static EngArithmetic
read_arithmetic (const char *signature)
{
  g_autofree char *kind = g_strndup (signature, strcspn (signature, "|"));

  return g_str_has_suffix (kind, " int8") ? ENG_ARITHMETIC_INT8 : ENG_ARITHMETIC_F32;
}

static void
fill_info (EngProfileInfo *info, EngForecast *forecast, EngSketch *sketch)
{
  for (guint i = 0; i < info->n_nodes; i++)
    {
      const RtNode *node = eng_forecast_get_node (forecast, i);

      info->names[i] = g_strdup (node->name);
      info->ops[i] = g_strdup (node->op->title);
      info->layers[i] = CLAMP (node->layer, -1, info->n_layers);
      info->sources[i] = g_new0 (char *, node->n_sources + 1);
      for (guint k = 0; k < node->n_sources; k++)
        info->sources[i][k] = g_strdup (node->sources[k]);
      info->signatures[i] = eng_sketch_get_signature (sketch, i);
      info->arithmetics[i] = read_arithmetic (info->signatures[i]);
      eng_forecast_get_node_memory (forecast, i, &info->node_memory[i]);
    }
  for (int layer = -1; layer <= info->n_layers; layer++)
    eng_forecast_get_layer_memory (forecast, layer, &info->layer_memory[layer + 1]);
}

static void
fill_phase (EngProfile *profile, EngForecast *forecast, RtPhase phase)
{
  EngPhaseProfile *data = &profile->phases[phase];

  for (guint i = 0; i < profile->info->n_nodes; i++)
    {
      data->nodes[i] = expected_latency (eng_forecast_get_node_time (forecast, phase, i)->ns);
      profile->costs[phase][i] = *eng_forecast_get_node_cost (forecast, phase, i);
    }
  for (int layer = -1; layer <= profile->info->n_layers; layer++)
    data->layers[layer + 1]
        = expected_latency (eng_forecast_get_layer (forecast, phase, layer)->ns);
  data->total = expected_latency (eng_forecast_get_total (forecast, phase)->ns);
  data->n_tokens = phase == RT_PHASE_PREFILL ? eng_forecast_get_sizes (forecast)->n_prompt : 1;
}

EngProfile *
eng_roofline_expected_profile (EngForecast *forecast, GError **error)
{
  g_autoptr (EngSketch) sketch = NULL;
  g_autoptr (EngProfileInfo) info = NULL;
  EngProfile *profile;

  g_return_val_if_fail (forecast != NULL, NULL);

  sketch = eng_sketch_new (eng_forecast_get_model (forecast), eng_forecast_get_recipe (forecast),
                           error);
  if (sketch == NULL)
    return NULL;
  g_return_val_if_fail (rt_graph_n_nodes (eng_sketch_get_graph (sketch))
                            == eng_forecast_get_n_nodes (forecast),
                        NULL);
  info = eng_profile_info_new (eng_forecast_get_n_nodes (forecast),
                               eng_forecast_get_n_layers (forecast));
  fill_info (info, forecast, sketch);
  profile = eng_profile_new (info);
  for (int p = 0; p < RT_N_PHASES; p++)
    if (eng_forecast_has_phase (forecast, (RtPhase)p))
      fill_phase (profile, forecast, (RtPhase)p);
  return profile;
}
