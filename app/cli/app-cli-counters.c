/* Performance counters of a profile, below the table of `lathe profile`: per layer or node, or why
 * there are none. */

#include <math.h>

#include "app-cli-private.h"

static const char *const phase_titles[RT_N_PHASES] = { "Prefill", "Decode", "Inferences" };

/* "1.23 M" of counts; "unavailable". */
static char *
format_count (double count)
{
  static const struct
  {
    double from;
    const char *prefix;
  } prefixes[] = { { 1e9, " G" }, { 1e6, " M" }, { 1e3, " k" } };

  if (!isfinite (count))
    return g_strdup ("unavailable");
  for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++)
    if (count >= prefixes[i].from)
      return g_strdup_printf ("%.3g%s", count / prefixes[i].from, prefixes[i].prefix);
  return g_strdup_printf ("%.0f", count);
}

/* Hardware counters come as cycles, instructions and misses: their ratio is what is read first. */
static void
print_counts (EngProfile *profile, const char *name, const double counts[RT_N_COUNTERS])
{
  gboolean hardware = g_str_equal (eng_profile_get_counter_name (profile, 0),
                                   rt_counter_name (RT_COUNTERS_HARDWARE, 0));
  g_autoptr (GString) line = g_string_new (NULL);

  for (int c = 0; c < RT_N_COUNTERS; c++)
    {
      g_autofree char *count = format_count (counts[c]);
      g_string_append_printf (line, "  %16s", count);
    }
  if (hardware && counts[0] > 0 && isfinite (counts[1]))
    g_string_append_printf (line, "  %.2f", counts[1] / counts[0]);
  g_print ("  %-22s%s\n", name, line->str);
}

static void
print_head (EngProfile *profile, RtPhase phase)
{
  double cost = eng_profile_get_counting_cost (profile, phase);
  guint n = eng_profile_get_n_counted (profile, phase);
  g_autoptr (GString) line = g_string_new (NULL);

  g_print ("Counters of a step, %s: %u counted steps", phase_titles[phase], n);
  if (isfinite (cost))
    g_print (", which reading the counters made %.1f %% %s than clean ones", 100 * fabs (cost),
             cost < 0 ? "shorter" : "longer");
  for (int c = 0; c < RT_N_COUNTERS; c++)
    g_string_append_printf (line, "  %16s", eng_profile_get_counter_title (profile, c));
  g_print ("\n  %-22s%s  instructions per cycle\n", "", line->str);
}

static void
print_phase (EngModel *model, EngProfile *profile, RtPhase phase, gboolean by_node)
{
  double counts[RT_N_COUNTERS];

  print_head (profile, phase);
  for (guint i = 0; by_node && i < eng_profile_get_n_nodes (profile); i++)
    {
      for (int c = 0; c < RT_N_COUNTERS; c++)
        counts[c] = eng_profile_get_node_count (profile, i, phase, c);
      print_counts (profile, eng_profile_get_node_name (profile, i), counts);
    }
  for (int layer = -1; !by_node && layer <= eng_profile_get_n_layers (profile); layer++)
    {
      g_autofree char *name = eng_model_dup_layer_name (model, layer);
      for (int c = 0; c < RT_N_COUNTERS; c++)
        counts[c] = eng_profile_get_layer_count (profile, layer, phase, c);
      print_counts (profile, name, counts);
    }
  for (int c = 0; c < RT_N_COUNTERS; c++)
    if (eng_profile_get_counter_reason (profile, phase, c) != NULL)
      g_print ("  %s unavailable: %s\n", eng_profile_get_counter_title (profile, c),
               eng_profile_get_counter_reason (profile, phase, c));
  g_print ("\n");
}

void
app_cli_print_counters (EngModel *model, EngRun *run, gboolean by_node)
{
  EngProfile *profile = eng_run_get_profile (run);
  RtPhase any = eng_run_get_workload (run)->kind == ENG_WORKLOAD_INPUT ? RT_PHASE_INFERENCE
                                                                       : RT_PHASE_DECODE;
  gboolean counted = FALSE;

  for (RtPhase phase = RT_PHASE_PREFILL; phase < RT_N_PHASES; phase++)
    if (eng_profile_get_n_counted (profile, phase) > 0)
      {
        print_phase (model, profile, phase, by_node);
        counted = TRUE;
      }
  if (!counted)
    g_print ("Counters (cycles, instructions, cache misses): unavailable: %s\n",
             eng_profile_get_counter_reason (profile, any, 0));
}
