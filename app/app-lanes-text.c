/* Sentences made of a profile's numbers. Called by the lanes view; knows no widgets. */
#include "app-lanes-text.h"

#include "app-config.h"
#include "eng-figure.h"
#include "plot-format.h"

#include <glib/gi18n.h>
#include <math.h>

char *
app_lanes_text_dup_caption (EngProfile *profile, RtPhase phase)
{
  const EngPhaseProfile *data = profile != NULL ? eng_profile_get_phase (profile, phase) : NULL;

  if (data == NULL || data->total.n == 0)
    return g_strdup ("");
  if (phase == RT_PHASE_PREFILL)
    /* Translators: first the number of tokens fed at once, then how many times that was measured */
    return g_strdup_printf (ngettext ("Median of %2$u pass, %1$u tokens at once",
                                      "Median and 5–95 %% of %2$u passes, %1$u tokens at once",
                                      data->total.n),
                            data->n_tokens, data->total.n);
  if (phase == RT_PHASE_INFERENCE)
    return g_strdup_printf (ngettext ("One inference, measured once",
                                      "Median and 5–95 %% of the last %u inferences",
                                      data->total.n),
                            data->total.n);
  return g_strdup_printf (ngettext ("One token, measured once",
                                    "Median and 5–95 %% of the last %u tokens", data->total.n),
                          data->total.n);
}

char *
app_lanes_text_dup_total (EngProfile *profile, RtPhase phase)
{
  const EngPhaseProfile *data = profile != NULL ? eng_profile_get_phase (profile, phase) : NULL;
  const PlotUnit unit = PLOT_UNIT_NS;
  g_autofree char *sum = NULL;
  g_autofree char *clean = NULL;

  if (data == NULL || data->total.n == 0)
    return NULL;
  sum = plot_format_value (&unit, data->total.median_ns, 3);
  if (data->clean.n == 0)
    return g_strdup_printf ("Σ %s", sum);
  clean = plot_format_value (&unit, data->clean.median_ns, 3);
  /* Translators: the sum over the layers, then the whole step measured without instruments */
  return g_strdup_printf (_ ("Σ %s · clean %s"), sum, clean);
}

static void
append (GString *text, char *part)
{
  if (text->len > 0)
    g_string_append (text, " · ");
  g_string_append (text, part);
  g_free (part);
}

static void
append_latency (GString *text, const EngLatency *latency, const EngLatency *total)
{
  const PlotUnit unit = PLOT_UNIT_NS;
  g_autofree char *median = NULL;
  g_autofree char *band = NULL;

  if (latency == NULL || latency->n == 0)
    return;
  median = plot_format_value (&unit, latency->median_ns, 3);
  band = plot_format_interval (&unit, latency->p5_ns, latency->p95_ns);
  append (text, g_strdup_printf ("%s (%s)", median, band));
  if (total->n > 0 && total->median_ns > 0.0)
    append (text, g_strdup_printf (_ ("%.1f %% of all layers"),
                                   100.0 * latency->median_ns / total->median_ns));
}

/* Speeds of one operator: what it read over how long it took. */
static void
append_rates (GString *text, const RtCost *cost, const EngLatency *latency)
{
  double seconds = latency->median_ns * 1e-9;
  double bytes;

  if (cost == NULL || latency->n == 0 || !(seconds > 0.0))
    return;
  bytes = (double)cost->weight_bytes + (double)cost->read_bytes + (double)cost->write_bytes;
  if (bytes > 0.0)
    append (text, plot_format_value (&PLOT_UNIT_BYTES_PER_S, bytes / seconds, 3));
  if (cost->flops > 0)
    append (text, plot_format_value (&PLOT_UNIT_FLOPS, (double)cost->flops / seconds, 3));
}

static void
append_memory (GString *text, const EngLayerMemory *memory)
{
  if (memory == NULL)
    return;
  if (memory->weight_bytes > 0)
    {
      g_autofree char *value = eng_format_value ((double)memory->weight_bytes, "B");
      append (text, g_strdup_printf (_ ("weights %s"), value));
    }
  if (memory->activation_bytes > 0)
    {
      g_autofree char *value = eng_format_value ((double)memory->activation_bytes, "B");
      append (text, g_strdup_printf (_ ("activations %s"), value));
    }
  if (memory->kv_bytes > 0)
    {
      g_autofree char *value = eng_format_value ((double)memory->kv_bytes, "B");
      append (text, g_strdup_printf (_ ("KV cache %s"), value));
    }
}

/* Of a node (layer NULL) or of a layer. Hardware counters only; what is missing is said once, with
 * its reason, when it was asked for. */
static void
append_counters (GString *text, EngProfile *profile, RtPhase phase, const int *layer, guint node)
{
  double counts[RT_N_COUNTERS];
  const char *reason = eng_profile_get_counter_reason (profile, phase, 0);

  if (g_strcmp0 (reason, "not counted") == 0)
    return;
  for (int c = 0; c < RT_N_COUNTERS; c++)
    counts[c] = layer != NULL ? eng_profile_get_layer_count (profile, *layer, phase, c)
                              : eng_profile_get_node_count (profile, node, phase, c);
  for (int c = 0; c < RT_N_COUNTERS; c++)
    if (isfinite (counts[c]))
      {
        g_autofree char *count = plot_format_value (&PLOT_UNIT_COUNT, counts[c], 3);
        append (text, g_strdup_printf ("%s %s", count, eng_profile_get_counter_title (profile, c)));
      }
  if (counts[0] > 0 && isfinite (counts[1]) && reason == NULL)
    append (text, g_strdup_printf (_ ("%.2f instructions per cycle"), counts[1] / counts[0]));
  if (reason != NULL)
    append (text, g_strdup_printf (_ ("counters unavailable: %s"), reason));
}

/* What operators left out of their work, of a token alone. */
static void
append_skipped (GString *text, EngProfile *profile, RtPhase phase, int layer)
{
  g_autofree char *skipped
      = phase == RT_PHASE_DECODE ? eng_profile_dup_layer_skipped (profile, layer) : NULL;

  if (skipped != NULL)
    append (text, g_strdup_printf (_ ("%s skipped"), skipped));
}

static char *
dup_node_detail (EngProfile *profile, guint node, RtPhase phase)
{
  const EngPhaseProfile *data = eng_profile_get_phase (profile, phase);
  const EngLatency *latency = &data->nodes[node];
  const char *const *sources = eng_profile_get_node_sources (profile, node);
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "%s: %s", eng_profile_get_node_name (profile, node),
                          eng_profile_get_node_op (profile, node));
  append_latency (text, latency, &data->total);
  append_rates (text, eng_profile_get_node_cost (profile, node, phase), latency);
  append_memory (text, eng_profile_get_node_memory (profile, node));
  if (sources != NULL && sources[0] != NULL && sources[1] != NULL)
    {
      g_autofree char *joined = g_strjoinv (", ", (char **)sources);
      append (text, g_strdup_printf (_ ("fused from %s"), joined));
    }
  if (phase == RT_PHASE_DECODE && isfinite (eng_profile_get_node_skipped (profile, node)))
    append (text, g_strdup_printf (_ ("%.1f %% of the %s skipped"),
                                   100 * eng_profile_get_node_skipped (profile, node),
                                   eng_profile_get_node_skips (profile, node)));
  append_counters (text, profile, phase, NULL, node);
  return g_string_free (text, FALSE);
}

char *
app_lanes_text_dup_detail (EngModel *model, const AppAxis *axis, guint item, EngProfile *profile,
                           RtPhase phase)
{
  int layer = app_axis_get_layer (axis, item);
  g_autofree char *name = eng_model_dup_layer_name (model, layer);
  int node;
  GString *text;

  if (profile == NULL || eng_profile_get_n_layers (profile) != (int)eng_model_get_n_layers (model))
    return g_steal_pointer (&name);
  node = app_axis_find_profile_node (axis, profile, item);
  if (node >= 0)
    return dup_node_detail (profile, (guint)node, phase);
  if (app_axis_get_node_name (axis, item) != NULL)
    return g_strdup_printf (_ ("%s is not executed in this run"),
                            app_axis_get_node_name (axis, item));

  text = g_string_new (NULL);
  g_string_append (text, name);
  append_latency (text, &eng_profile_get_phase (profile, phase)->layers[layer + 1],
                  &eng_profile_get_phase (profile, phase)->total);
  append_memory (text, eng_profile_get_layer_memory (profile, layer));
  append_skipped (text, profile, phase, layer);
  append_counters (text, profile, phase, &layer, 0);
  return g_string_free (text, FALSE);
}
