/* The estimate of one recipe as a value: sums over nodes, bands, headline numbers, JSON. Filled by
 * the estimator (eng-estimate.c). */
#include <math.h>
#include <stdlib.h>

#include "eng-estimate-private.h"
#include "eng-figure.h"
#include "eng-json.h"

G_DEFINE_BOXED_TYPE (EngForecast, eng_forecast, eng_forecast_ref, eng_forecast_unref)

static const char *const phase_names[RT_N_PHASES] = { "prefill", "decode", "inference" };

/* ---- Sums ---- */

void
eng_estimate_sum_add (EngEstimateSum *sum, const EngExpected *node)
{
  if (node->basis == ENG_BASIS_NONE)
    {
      if (sum->reason == NULL)
        sum->reason = node->reason != NULL ? node->reason : "not known";
      return;
    }
  sum->ns += node->ns;
  sum->by_basis[node->basis] += node->ns;
  if (node->basis == ENG_BASIS_TABLE && node->source != ENG_KERNEL_BENCH)
    sum->from_runs_ns += node->ns;
  if (node->basis <= ENG_BASIS_NEIGHBOUR && node->source != ENG_KERNEL_BENCH)
    sum->runs_ns += node->ns;
}

EngForecastValue
eng_estimate_sum_value (const EngEstimateSum *sum)
{
  EngForecastValue value = {
    .ns = NAN, .low_ns = NAN, .high_ns = NAN, .basis = ENG_BASIS_NONE, .reason = sum->reason
  };
  double so_far = 0;

  if (sum->reason != NULL)
    return value;
  value.runs_share = sum->ns > 0 ? sum->runs_ns / sum->ns : 0;
  value.ns = sum->ns;
  for (EngBasis basis = 0; basis < ENG_N_BASES; basis++)
    {
      value.shares[basis] = sum->ns > 0 ? sum->by_basis[basis] / sum->ns : 0;
      so_far += value.shares[basis];
      if (value.basis == ENG_BASIS_NONE && (so_far >= ENG_ESTIMATE_MOST || sum->ns == 0))
        value.basis = basis;
    }
  return value;
}

gboolean
eng_estimate_sum_is_known (const EngEstimateSum *sum)
{
  return sum->reason == NULL && sum->from_runs_ns >= ENG_ESTIMATE_MOST * sum->ns;
}

static int
layer_index (EngForecast *self, int layer)
{
  return CLAMP (layer, -1, eng_forecast_get_n_layers (self)) + 1;
}

void
eng_forecast_sum (EngForecast *self, RtPhase phase)
{
  const RtGraph *graph = eng_sketch_get_graph (self->sketch);
  int n = eng_forecast_get_n_layers (self) + 2;
  g_autofree EngEstimateSum *layers = g_new0 (EngEstimateSum, n);
  EngEstimateSum total = { 0 };

  for (guint i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      eng_estimate_sum_add (&layers[layer_index (self, rt_graph_node (graph, i)->layer)],
                            &self->nodes[phase][i]);
      eng_estimate_sum_add (&total, &self->nodes[phase][i]);
    }
  for (int i = 0; i < n; i++)
    self->layers[phase][i] = eng_estimate_sum_value (&layers[i]);
  self->totals[phase] = self->walls[phase] = eng_estimate_sum_value (&total);
  self->is_known[phase] = eng_estimate_sum_is_known (&total);
}

static void
widen (EngForecastValue *value, double band)
{
  value->low_ns = value->ns / band;
  value->high_ns = value->ns * band;
}

void
eng_forecast_judge (EngForecast *self, RtPhase phase, const EngEstimateJudgement *judgement,
                    double wall_ratio)
{
  self->judgements[phase] = *judgement;
  for (guint i = 0; i < eng_forecast_get_n_nodes (self); i++)
    self->nodes[phase][i].ns *= judgement->correction;
  self->totals[phase].ns *= judgement->correction;
  self->walls[phase].ns *= judgement->correction * (isfinite (wall_ratio) ? wall_ratio : 1);
  widen (&self->totals[phase], judgement->band);
  widen (&self->walls[phase], judgement->band);
  for (int i = 0; i < eng_forecast_get_n_layers (self) + 2; i++)
    {
      self->layers[phase][i].ns *= judgement->correction;
      widen (&self->layers[phase][i], judgement->layer_band);
    }
}

static int
by_value (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

double
eng_estimate_band (double *errors, guint n)
{
  if (n < ENG_ESTIMATE_MIN_BAND)
    return NAN;
  qsort (errors, n, sizeof *errors, by_value);
  guint rank = (guint)ceil (0.9 * (n + 1));
  return exp (errors[MIN (rank, n) - 1]);
}

/* ---- The value ---- */

EngForecast *
eng_forecast_new (EngSketch *sketch, const EngEstimateSizes *sizes, const char *device)
{
  EngForecast *self = g_new0 (EngForecast, 1);
  guint n_nodes = rt_graph_n_nodes (eng_sketch_get_graph (sketch));
  gboolean network = eng_model_get_kind (eng_sketch_get_model (sketch)) == ENG_MODEL_NETWORK;

  g_atomic_ref_count_init (&self->ref_count);
  self->sketch = eng_sketch_ref (sketch);
  self->sizes = *sizes;
  self->device = g_strdup (device);
  for (RtPhase p = 0; p < RT_N_PHASES; p++)
    {
      self->judgements[p] = (EngEstimateJudgement){ 0, 1, NAN, NAN };
      self->totals[p] = self->walls[p]
          = (EngForecastValue){ .ns = NAN,
                                .low_ns = NAN,
                                .high_ns = NAN,
                                .basis = ENG_BASIS_NONE,
                                .reason = "not of this kind of model" };
      if ((p == RT_PHASE_INFERENCE) != network)
        continue;
      self->nodes[p] = g_new0 (EngExpected, MAX (n_nodes, 1));
      self->costs[p] = g_new0 (RtCost, MAX (n_nodes, 1));
      self->layers[p] = g_new0 (EngForecastValue, (gsize)eng_forecast_get_n_layers (self) + 2);
    }
  return self;
}

EngForecast *
eng_forecast_ref (EngForecast *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
eng_forecast_unref (EngForecast *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  for (guint p = 0; p < RT_N_PHASES; p++)
    {
      g_free (self->nodes[p]);
      g_free (self->costs[p]);
      g_free (self->layers[p]);
    }
  eng_sketch_unref (self->sketch);
  g_free (self->device);
  g_free (self);
}

EngModel *
eng_forecast_get_model (EngForecast *self)
{
  return eng_sketch_get_model (self->sketch);
}

EngRecipe *
eng_forecast_get_recipe (EngForecast *self)
{
  return eng_sketch_get_recipe (self->sketch);
}

const EngEstimateSizes *
eng_forecast_get_sizes (EngForecast *self)
{
  return &self->sizes;
}

const char *
eng_forecast_get_device (EngForecast *self)
{
  return self->device;
}

gboolean
eng_forecast_has_phase (EngForecast *self, RtPhase phase)
{
  return self->nodes[phase] != NULL;
}

guint
eng_forecast_get_n_nodes (EngForecast *self)
{
  return rt_graph_n_nodes (eng_sketch_get_graph (self->sketch));
}

int
eng_forecast_get_n_layers (EngForecast *self)
{
  return (int)eng_model_get_n_layers (eng_sketch_get_model (self->sketch));
}

const RtNode *
eng_forecast_get_node (EngForecast *self, guint node)
{
  return rt_graph_node (eng_sketch_get_graph (self->sketch), node);
}

const EngExpected *
eng_forecast_get_node_time (EngForecast *self, RtPhase phase, guint node)
{
  g_return_val_if_fail (self->nodes[phase] != NULL && node < eng_forecast_get_n_nodes (self), NULL);
  return &self->nodes[phase][node];
}

const RtCost *
eng_forecast_get_node_cost (EngForecast *self, RtPhase phase, guint node)
{
  g_return_val_if_fail (self->nodes[phase] != NULL && node < eng_forecast_get_n_nodes (self), NULL);
  return &self->costs[phase][node];
}

const EngForecastValue *
eng_forecast_get_layer (EngForecast *self, RtPhase phase, int layer)
{
  g_return_val_if_fail (self->layers[phase] != NULL, NULL);
  return &self->layers[phase][layer_index (self, layer)];
}

const EngForecastValue *
eng_forecast_get_total (EngForecast *self, RtPhase phase)
{
  return &self->totals[phase];
}

const EngForecastValue *
eng_forecast_get_wall (EngForecast *self, RtPhase phase)
{
  return &self->walls[phase];
}

void
eng_forecast_get_layer_memory (EngForecast *self, int layer, EngLayerMemory *memory)
{
  eng_sketch_get_layer_memory (self->sketch, layer, memory);
}

void
eng_forecast_get_node_memory (EngForecast *self, guint node, EngLayerMemory *memory)
{
  eng_sketch_get_node_memory (self->sketch, node, memory);
}

void
eng_forecast_get_memory (EngForecast *self, RtMemory *memory)
{
  eng_sketch_get_memory (self->sketch, memory);
}

double
eng_forecast_get_band (EngForecast *self, RtPhase phase)
{
  return self->judgements[phase].band;
}

char *
eng_forecast_dup_band_text (EngForecast *self, RtPhase phase)
{
  const EngEstimateJudgement *judgement = &self->judgements[phase];
  guint n = judgement->n;
  double percent = 100 * (judgement->correction - 1);
  g_autofree char *corrected = NULL;

  if (n < ENG_ESTIMATE_MIN_BAND)
    return g_strdup_printf ("how far off estimates are on this device is not known before %d runs "
                            "have been compared with one: %u so far",
                            ENG_ESTIMATE_MIN_BAND, n);
  corrected = g_strdup_printf ("corrected by %s%.0f\u202f%%, what earlier ones were off by; ",
                               percent < 0 ? "\u2212" : "+", fabs (percent));
  return g_strdup_printf ("%sthe band is \u00b1%.0f\u202f%%: %s of the %u estimates kept on this "
                          "device were as near",
                          corrected, 100 * (judgement->band - 1), n < 9 ? "all" : "nine tenths", n);
}

/* ---- Headline numbers ---- */

static EngFigure
absent (EngFigureId id, const char *reason)
{
  return eng_figure_unavailable (eng_figure_id_unit (id),
                                 reason != NULL ? reason : "not estimated");
}

/* @scale over the time, or the time times @scale. */
static EngFigure
time_figure (EngForecast *self, RtPhase phase, EngFigureId id, double scale, gboolean reciprocal)
{
  const EngForecastValue *wall = &self->walls[phase];
  EngFigure figure = { .available = TRUE, .unit = eng_figure_id_unit (id) };

  if (!isfinite (wall->ns) || wall->ns <= 0)
    return absent (id, wall->reason);
  figure.value = reciprocal ? scale / wall->ns : wall->ns * scale;
  figure.low = reciprocal ? scale / wall->high_ns : wall->low_ns * scale;
  figure.high = reciprocal ? scale / wall->low_ns : wall->high_ns * scale;
  return figure;
}

EngFigure
eng_forecast_get_figure (EngForecast *self, EngFigureId id)
{
  const RtMemory *memory;
  RtMemory all;

  g_return_val_if_fail (self != NULL && id < ENG_N_FIGURES,
                        eng_figure_unavailable ("", "no estimate"));
  if (id == ENG_FIGURE_DECODE)
    return time_figure (self, RT_PHASE_DECODE, id, 1e9, TRUE);
  if (id == ENG_FIGURE_STEP_CLEAN)
    return time_figure (self, RT_PHASE_DECODE, id, 1e-6, FALSE);
  if (id == ENG_FIGURE_PREFILL)
    return time_figure (self, RT_PHASE_PREFILL, id, 1e9 * self->sizes.n_prompt, TRUE);
  if (id == ENG_FIGURE_FIRST_TOKEN && self->nodes[RT_PHASE_PREFILL] != NULL)
    /* Of a prompt that is one chunk; choosing the token is little beside it. */
    return self->sizes.is_of_run && self->sizes.n_prompt < eng_sketch_get_max_tokens (self->sketch)
               ? time_figure (self, RT_PHASE_PREFILL, id, 1e-6, FALSE)
               : absent (id, "not measured yet; it depends on the prompt");
  if (id == ENG_FIGURE_INFERENCE)
    return time_figure (self, RT_PHASE_INFERENCE, id, 1e-6, FALSE);
  if (id == ENG_FIGURE_INFERENCES)
    return time_figure (self, RT_PHASE_INFERENCE, id, 1e9, TRUE);
  if (id != ENG_FIGURE_PEAK_MEMORY && id != ENG_FIGURE_WEIGHTS)
    return absent (id, NULL);
  eng_sketch_get_memory (self->sketch, &all);
  if (id == ENG_FIGURE_WEIGHTS)
    return eng_figure_exact ((double)all.weight_bytes, "B");
  memory = &all;
  return eng_figure_exact ((double)(memory->weight_bytes + memory->activation_bytes
                                    + memory->scratch_bytes + memory->kv_bytes),
                           "B");
}

static void
add_change (GString *text, double from, double to, const char *what)
{
  double percent = 100 * (to / from - 1);

  if (!isfinite (percent))
    return;
  if (fabs (percent) < 0.5)
    g_string_append_printf (text, "%s%s as before", text->len > 0 ? ", " : "", what);
  else
    g_string_append_printf (text, "%s%s%.0f\u202f%% %s", text->len > 0 ? ", " : "",
                            percent < 0 ? "\u2212" : "+", fabs (percent), what);
}

char *
eng_forecast_dup_change (EngForecast *from, EngForecast *to)
{
  g_return_val_if_fail (from != NULL && to != NULL, NULL);

  gboolean network = to->nodes[RT_PHASE_INFERENCE] != NULL;
  RtPhase phase = network ? RT_PHASE_INFERENCE : RT_PHASE_DECODE;
  EngFigure before = eng_forecast_get_figure (from, ENG_FIGURE_PEAK_MEMORY),
            after = eng_forecast_get_figure (to, ENG_FIGURE_PEAK_MEMORY);
  g_autoptr (GString) text = g_string_new (NULL);

  add_change (text, from->walls[phase].ns, to->walls[phase].ns, network ? "latency" : "ms/token");
  add_change (text, before.value, after.value, "memory");
  return text->len > 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}

/* ---- JSON ---- */

static void
write_value (JsonBuilder *builder, const EngForecastValue *value)
{
  json_builder_begin_object (builder);
  eng_json_add_double (builder, "estimate_ns", value->ns);
  eng_json_add_double (builder, "low_ns", value->low_ns);
  eng_json_add_double (builder, "high_ns", value->high_ns);
  eng_json_add_string (builder, "basis", eng_basis_name (value->basis));
  if (value->reason != NULL)
    eng_json_add_string (builder, "unavailable", value->reason);
  else
    for (EngBasis basis = 0; basis < ENG_BASIS_NONE; basis++)
      {
        g_autofree char *name = g_strdup_printf ("from_%s_frac", eng_basis_name (basis));
        eng_json_add_double (builder, name, value->shares[basis]);
      }
}

static void
write_phase (EngForecast *self, RtPhase phase, JsonBuilder *builder)
{
  json_builder_set_member_name (builder, phase_names[phase]);
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "step");
  write_value (builder, &self->walls[phase]);
  json_builder_end_object (builder);
  json_builder_set_member_name (builder, "sum_of_nodes");
  write_value (builder, &self->totals[phase]);
  json_builder_end_object (builder);
  eng_json_add_double (builder, "correction_factor", self->judgements[phase].correction);
  eng_json_add_double (builder, "band_factor", self->judgements[phase].band);
  eng_json_add_int (builder, "kept_errors", self->judgements[phase].n);
  json_builder_set_member_name (builder, "layers");
  json_builder_begin_array (builder);
  for (int layer = -1; layer <= eng_forecast_get_n_layers (self); layer++)
    {
      EngLayerMemory memory;
      eng_forecast_get_layer_memory (self, layer, &memory);
      write_value (builder, eng_forecast_get_layer (self, phase, layer));
      eng_json_add_int (builder, "layer", layer);
      eng_json_add_int (builder, "weight_bytes", (gint64)memory.weight_bytes);
      eng_json_add_int (builder, "activation_bytes", (gint64)memory.activation_bytes);
      eng_json_add_int (builder, "kv_bytes", (gint64)memory.kv_bytes);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "nodes");
  json_builder_begin_array (builder);
  for (guint i = 0; i < eng_forecast_get_n_nodes (self); i++)
    {
      const EngExpected *node = &self->nodes[phase][i];
      json_builder_begin_object (builder);
      eng_json_add_string (builder, "name", eng_forecast_get_node (self, i)->name);
      eng_json_add_int (builder, "layer", eng_forecast_get_node (self, i)->layer);
      eng_json_add_double (builder, "estimate_ns", node->ns);
      eng_json_add_string (builder, "basis", eng_basis_name (node->basis));
      if (node->basis == ENG_BASIS_NONE)
        eng_json_add_string (builder, "unavailable", node->reason);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

char *
eng_forecast_to_json (EngForecast *self)
{
  JsonBuilder *builder = json_builder_new ();
  g_autofree char *recipe = eng_recipe_to_json (eng_forecast_get_recipe (self));
  RtMemory memory;

  json_builder_begin_object (builder);
  eng_json_add_int (builder, "lathe-estimate", 1);
  eng_json_add_string (builder, "model_name", eng_model_get_name (eng_forecast_get_model (self)));
  eng_json_add_string (builder, "device", self->device);
  json_builder_set_member_name (builder, "recipe");
  json_builder_add_value (builder, json_from_string (recipe, NULL));
  eng_forecast_get_memory (self, &memory);
  eng_json_add_int (builder, "weight_bytes", (gint64)memory.weight_bytes);
  eng_json_add_int (builder, "activation_bytes", (gint64)memory.activation_bytes);
  eng_json_add_int (builder, "scratch_bytes", (gint64)memory.scratch_bytes);
  eng_json_add_int (builder, "kv_bytes", (gint64)memory.kv_bytes);
  if (self->nodes[RT_PHASE_DECODE] != NULL)
    {
      eng_json_add_int (builder, "prompt_tokens", self->sizes.n_prompt);
      eng_json_add_int (builder, "position", self->sizes.position);
    }
  for (RtPhase phase = 0; phase < RT_N_PHASES; phase++)
    if (self->nodes[phase] != NULL)
      write_phase (self, phase, builder);
  json_builder_end_object (builder);
  return eng_json_builder_finish (builder, TRUE);
}
