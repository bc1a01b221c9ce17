/* The profile as a value: latencies, costs and memory of every node and layer of one build, valid
 * without it. Made by the profiler (live) or from JSON (history); read by the lanes, tables and
 * exports. */
#include "eng-profile-private.h"

#include <math.h>

G_DEFINE_BOXED_TYPE (EngProfile, eng_profile, eng_profile_ref, eng_profile_unref)

EngProfileInfo *
eng_profile_info_new (guint n_nodes, int n_layers)
{
  EngProfileInfo *info = g_new0 (EngProfileInfo, 1);

  g_atomic_ref_count_init (&info->ref_count);
  info->n_nodes = n_nodes;
  info->n_layers = n_layers;
  info->names = g_new0 (char *, n_nodes + 1);
  info->ops = g_new0 (char *, n_nodes + 1);
  info->layers = g_new0 (int, n_nodes + 1);
  info->sources = g_new0 (GStrv, n_nodes + 1);
  info->arithmetics = g_new0 (EngArithmetic, n_nodes + 1);
  info->signatures = g_new0 (const char *, n_nodes + 1);
  info->skips = g_new0 (const char *, n_nodes + 1);
  info->node_memory = g_new0 (EngLayerMemory, n_nodes + 1);
  info->layer_memory = g_new0 (EngLayerMemory, (gsize)n_layers + 2);
  info->layer_names = g_new0 (char *, (gsize)n_layers + 2);
  return info;
}

EngProfileInfo *
eng_profile_info_ref (EngProfileInfo *info)
{
  g_atomic_ref_count_inc (&info->ref_count);
  return info;
}

void
eng_profile_info_unref (EngProfileInfo *info)
{
  if (!g_atomic_ref_count_dec (&info->ref_count))
    return;
  for (guint i = 0; i < info->n_nodes; i++)
    {
      g_free (info->names[i]);
      g_free (info->ops[i]);
      g_strfreev (info->sources[i]);
    }
  g_free (info->names);
  g_free (info->ops);
  g_free (info->layers);
  g_free (info->sources);
  g_free (info->arithmetics);
  g_free (info->signatures);
  g_free (info->skips);
  g_free (info->node_memory);
  g_free (info->layer_memory);
  for (int i = 0; i < info->n_layers + 2; i++)
    g_free (info->layer_names[i]);
  g_free (info->layer_names);
  g_free (info);
}

EngProfile *
eng_profile_new (EngProfileInfo *info)
{
  static const EngLatency none = { 0, NAN, NAN, NAN, NAN, NAN, NAN };
  EngProfile *profile = g_new0 (EngProfile, 1);

  g_atomic_ref_count_init (&profile->ref_count);
  profile->info = eng_profile_info_ref (info);
  for (guint p = 0; p < ENG_N_PHASES; p++)
    {
      EngPhaseProfile *phase = &profile->phases[p];
      phase->nodes = g_new (EngLatency, info->n_nodes + 1);
      phase->layers = g_new (EngLatency, (gsize)info->n_layers + 2);
      phase->total = phase->clean = none;
      for (guint i = 0; i < info->n_nodes; i++)
        phase->nodes[i] = none;
      for (int i = 0; i < info->n_layers + 2; i++)
        phase->layers[i] = none;
      profile->costs[p] = g_new0 (RtCost, info->n_nodes + 1);
    }
  eng_counts_init (&profile->counts, info->n_nodes);
  profile->tallies = g_new0 (RtTally, info->n_nodes + 1);
  return profile;
}

EngProfile *
eng_profile_ref (EngProfile *profile)
{
  g_atomic_ref_count_inc (&profile->ref_count);
  return profile;
}

void
eng_profile_unref (EngProfile *profile)
{
  if (!g_atomic_ref_count_dec (&profile->ref_count))
    return;
  for (guint p = 0; p < ENG_N_PHASES; p++)
    {
      g_free (profile->phases[p].nodes);
      g_free (profile->phases[p].layers);
      g_free (profile->costs[p]);
    }
  eng_counts_clear (&profile->counts);
  g_free (profile->tallies);
  eng_profile_info_unref (profile->info);
  g_free (profile);
}

guint
eng_profile_get_n_nodes (EngProfile *profile)
{
  return profile->info->n_nodes;
}

int
eng_profile_get_n_layers (EngProfile *profile)
{
  return profile->info->n_layers;
}

const EngPhaseProfile *
eng_profile_get_phase (EngProfile *profile, RtPhase phase)
{
  return &profile->phases[phase];
}

guint64
eng_profile_get_n_lost (EngProfile *profile)
{
  return profile->n_lost;
}

const char *
eng_profile_get_node_name (EngProfile *profile, guint node)
{
  g_return_val_if_fail (node < profile->info->n_nodes, NULL);
  return profile->info->names[node];
}

const char *
eng_profile_get_node_op (EngProfile *profile, guint node)
{
  g_return_val_if_fail (node < profile->info->n_nodes, NULL);
  return profile->info->ops[node];
}

int
eng_profile_get_node_layer (EngProfile *profile, guint node)
{
  g_return_val_if_fail (node < profile->info->n_nodes, 0);
  return profile->info->layers[node];
}

const char *const *
eng_profile_get_node_sources (EngProfile *profile, guint node)
{
  g_return_val_if_fail (node < profile->info->n_nodes, NULL);
  return (const char *const *)profile->info->sources[node];
}

EngArithmetic
eng_profile_get_node_arithmetic (EngProfile *profile, guint node)
{
  g_return_val_if_fail (node < profile->info->n_nodes, ENG_ARITHMETIC_UNKNOWN);
  return profile->info->arithmetics[node];
}

const char *
eng_arithmetic_name (EngArithmetic arithmetic)
{
  static const char *const names[] = { "unknown", "f32", "int8" };
  g_return_val_if_fail (arithmetic < G_N_ELEMENTS (names), NULL);
  return names[arithmetic];
}

const char *
eng_profile_get_node_signature (EngProfile *profile, guint node)
{
  g_return_val_if_fail (node < profile->info->n_nodes, NULL);
  return profile->info->signatures[node];
}

const RtCost *
eng_profile_get_node_cost (EngProfile *profile, guint node, RtPhase phase)
{
  g_return_val_if_fail (node < profile->info->n_nodes, NULL);
  return &profile->costs[phase][node];
}

const EngLayerMemory *
eng_profile_get_layer_memory (EngProfile *profile, int layer)
{
  return &profile->info->layer_memory[CLAMP (layer, -1, profile->info->n_layers) + 1];
}

const EngLayerMemory *
eng_profile_get_node_memory (EngProfile *profile, guint node)
{
  g_return_val_if_fail (node < profile->info->n_nodes, NULL);
  return &profile->info->node_memory[node];
}

char *
eng_profile_dup_layer_name (EngProfile *profile, int layer)
{
  g_return_val_if_fail (layer >= -1 && layer <= profile->info->n_layers, NULL);

  const char *name = profile->info->layer_names[layer + 1];
  if (name != NULL)
    return g_strdup (name);
  return layer < 0                          ? g_strdup ("Input")
         : layer == profile->info->n_layers ? g_strdup ("Output")
                                            : g_strdup_printf ("Block %d", layer);
}

/* ---- Counters ---- */

guint
eng_profile_get_n_counted (EngProfile *profile, RtPhase phase)
{
  return profile->counts.n_steps[phase];
}

const char *
eng_profile_get_counter_name (EngProfile *profile, int counter)
{
  return rt_counter_name (profile->counts.set, counter);
}

const char *
eng_profile_get_counter_title (EngProfile *profile, int counter)
{
  return rt_counter_title (profile->counts.set, counter);
}

const char *
eng_profile_get_counter_reason (EngProfile *profile, RtPhase phase, int counter)
{
  return profile->counts.reasons[phase][counter];
}

double
eng_profile_get_node_count (EngProfile *profile, guint node, RtPhase phase, int counter)
{
  return eng_counts_get (&profile->counts, node, phase, counter);
}

double
eng_profile_get_layer_count (EngProfile *profile, int layer, RtPhase phase, int counter)
{
  double sum = profile->counts.reasons[phase][counter] == NULL ? 0 : NAN;

  for (guint i = 0; i < profile->info->n_nodes; i++)
    if (profile->info->layers[i] == layer)
      sum += eng_counts_get (&profile->counts, i, phase, counter);
  return sum;
}

double
eng_profile_get_counting_cost (EngProfile *profile, RtPhase phase)
{
  const EngLatency *clean = &profile->phases[phase].clean;

  return clean->n > 0 && clean->median_ns > 0
             ? profile->counts.step_ns[phase] / clean->median_ns - 1
             : NAN;
}
