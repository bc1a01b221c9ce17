/* The run as a value: getters, the names of its figures, the workload, and its table as CSV. Making
 * one is eng-run-generate.c, its JSON eng-run-json.c. */
#include "eng-repeat.h"
#include "eng-run-device.h"
#include "eng-run-private.h"

#include <math.h>
#include <string.h>

G_DEFINE_FINAL_TYPE (EngRun, eng_run, G_TYPE_OBJECT)

static void
eng_run_finalize (GObject *object)
{
  EngRun *self = ENG_RUN (object);

  g_free (self->id);
  g_free (self->model_name);
  g_free (self->model_file);
  g_free (self->model_hash);
  g_free (self->build_hash);
  g_free (self->isa);
  g_free (self->engine_version);
  g_free (self->machine_json);
  g_free (self->text);
  g_strfreev (self->reasons);
  g_strfreev (self->notes);
  eng_run_model_clear (&self->model);
  eng_timeline_unref (self->timeline);
  eng_speculation_unref (self->speculation);
  eng_workload_free (self->workload);
  eng_conditions_clear (&self->conditions);
  eng_run_estimate_free (self->estimate);
  g_clear_pointer (&self->verdicts, g_array_unref);
  g_clear_pointer (&self->result, eng_result_unref);
  g_clear_pointer (&self->energy, eng_energy_unref);
  g_clear_pointer (&self->recipe, eng_recipe_unref);
  g_clear_pointer (&self->profile, eng_profile_unref);
  g_clear_pointer (&self->evaluation, eng_evaluation_unref);
  G_OBJECT_CLASS (eng_run_parent_class)->finalize (object);
}

static void
eng_run_class_init (EngRunClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = eng_run_finalize;
}

static void
eng_run_init (EngRun *self)
{
  eng_conditions_init (&self->conditions);
}

/* ---- Figures ---- */

static const struct
{
  const char *name, *title, *unit;
  gboolean lower_is_better;
  EngWorkloadKind kind; /* which runs have it; memory is of both */
} figure_info[ENG_N_FIGURES] = {
  [ENG_FIGURE_DECODE] = { "decode_tokens_per_s", "Decode speed", "tok/s", FALSE },
  [ENG_FIGURE_PREFILL] = { "prefill_tokens_per_s", "Prefill speed", "tok/s", FALSE },
  [ENG_FIGURE_FIRST_TOKEN] = { "first_token_ms", "Time to first token", "ms", TRUE },
  [ENG_FIGURE_PEAK_MEMORY] = { "peak_memory_bytes", "Peak memory", "B", TRUE },
  [ENG_FIGURE_STEP_CLEAN] = { "decode_step_clean_ms", "Decode step, clean", "ms", TRUE },
  [ENG_FIGURE_STEP_LAYERS]
  = { "decode_step_sum_of_nodes_ms", "Decode step, sum of nodes", "ms", TRUE },
  [ENG_FIGURE_OVERHEAD] = { "decode_overhead_percent", "Overhead", "%", TRUE },
  [ENG_FIGURE_INFERENCE] = { "inference_ms", "Inference", "ms", TRUE, ENG_WORKLOAD_INPUT },
  [ENG_FIGURE_INFERENCES]
  = { "inferences_per_s", "Inferences per second", "/s", FALSE, ENG_WORKLOAD_INPUT },
  [ENG_FIGURE_PREPROCESSING]
  = { "preprocessing_ms", "Pre-processing", "ms", TRUE, ENG_WORKLOAD_INPUT },
  [ENG_FIGURE_NETWORK] = { "network_ms", "Network", "ms", TRUE, ENG_WORKLOAD_INPUT },
  [ENG_FIGURE_POSTPROCESSING]
  = { "postprocessing_ms", "Post-processing", "ms", TRUE, ENG_WORKLOAD_INPUT },
  [ENG_FIGURE_INFERENCE_NODES]
  = { "inference_sum_of_nodes_ms", "Inference, sum of nodes", "ms", TRUE, ENG_WORKLOAD_INPUT },
  [ENG_FIGURE_INFERENCE_OVERHEAD]
  = { "inference_overhead_percent", "Overhead", "%", TRUE, ENG_WORKLOAD_INPUT },
  [ENG_FIGURE_READING] = { "reading_ms", "Reading the input", "ms", TRUE, ENG_WORKLOAD_INPUT },
  [ENG_FIGURE_SURROUNDINGS]
  = { "surroundings_percent", "Around the network", "%", TRUE, ENG_WORKLOAD_INPUT },
  [ENG_FIGURE_ACCURACY] = { "accuracy_percent", "Accuracy", "%", FALSE, ENG_WORKLOAD_INPUT },
  [ENG_FIGURE_LATE] = { "late_inputs_percent", "Late inputs", "%", TRUE, ENG_WORKLOAD_INPUT },
  [ENG_FIGURE_TOKEN_ENERGY]
  = { "measured_joules_per_token", "Energy per token, measured", "J/tok", TRUE },
  [ENG_FIGURE_PROMPT_ENERGY]
  = { "measured_joules_per_prompt_token", "Energy per prompt token, measured", "J/tok", TRUE },
  [ENG_FIGURE_INFERENCE_ENERGY]
  = { "measured_joules_per_inference", "Energy per inference, measured", "J", TRUE,
      ENG_WORKLOAD_INPUT },
  [ENG_FIGURE_POWER] = { "measured_mean_power_watts", "Mean power, measured", "W", TRUE },
  [ENG_FIGURE_ACCURACY_PER_JOULE]
  = { "accuracy_percent_per_measured_joule", "Accuracy per joule, measured", "%/J", FALSE,
      ENG_WORKLOAD_INPUT },
  [ENG_FIGURE_TOKEN_ENERGY_MODEL]
  = { "modelled_joules_per_token", "Energy per token, modelled", "J/tok", TRUE },
  [ENG_FIGURE_PROMPT_ENERGY_MODEL]
  = { "modelled_joules_per_prompt_token", "Energy per prompt token, modelled", "J/tok", TRUE },
  [ENG_FIGURE_INFERENCE_ENERGY_MODEL]
  = { "modelled_joules_per_inference", "Energy per inference, modelled", "J", TRUE,
      ENG_WORKLOAD_INPUT },
  [ENG_FIGURE_ACCURACY_PER_JOULE_MODEL]
  = { "accuracy_percent_per_modelled_joule", "Accuracy per joule, modelled", "%/J", FALSE,
      ENG_WORKLOAD_INPUT },
  [ENG_FIGURE_PERPLEXITY] = { "perplexity", "Perplexity", "", TRUE },
  [ENG_FIGURE_BITS_PER_BYTE] = { "bits_per_byte", "Bits per byte", "bit/B", TRUE },
  [ENG_FIGURE_KL_DIVERGENCE] = { "kl_divergence_nats", "KL divergence", "nat", TRUE },
  [ENG_FIGURE_KL_DIVERGENCE_P99]
  = { "kl_divergence_p99_nats", "KL divergence, 99th percentile", "nat", TRUE },
  [ENG_FIGURE_TOKEN_AGREEMENT] = { "token_agreement_percent", "Same best token", "%", FALSE },
  [ENG_FIGURE_CHOICE_ACCURACY] = { "choice_accuracy_percent", "Right answers", "%", FALSE },
  [ENG_FIGURE_MEAN_PRECISION]
  = { "mean_average_precision_percent", "Mean average precision", "%", FALSE, ENG_WORKLOAD_INPUT },
  [ENG_FIGURE_LANDMARK_ERROR]
  = { "landmark_error_percent", "Landmark error", "%", TRUE, ENG_WORKLOAD_INPUT },
  [ENG_FIGURE_MEAN_IOU] = { "mean_iou_percent", "Mean IoU", "%", FALSE, ENG_WORKLOAD_INPUT },
  [ENG_FIGURE_SOUND_SNR] = { "sound_snr_db", "Signal to noise", "dB", FALSE, ENG_WORKLOAD_INPUT },
  [ENG_FIGURE_OUTPUT_AGREEMENT]
  = { "output_agreement_percent", "Same result", "%", FALSE, ENG_WORKLOAD_INPUT },
  [ENG_FIGURE_OUTPUT_SQNR]
  = { "output_sqnr_db", "Output against baseline", "dB", FALSE, ENG_WORKLOAD_INPUT },
  [ENG_FIGURE_ACCEPTANCE] = { "draft_acceptance_percent", "Accepted drafts", "%", FALSE },
  [ENG_FIGURE_ROUND_TOKENS] = { "tokens_per_drafting_round", "Tokens per round", "tok", FALSE },
  [ENG_FIGURE_SPECULATION_SPEEDUP]
  = { "speculation_speedup", "Speed-up by speculation", "×", FALSE },
  [ENG_FIGURE_SPECULATION_EXPECTED]
  = { "speculation_speedup_expected", "Speed-up by the formula", "×", FALSE },
  [ENG_FIGURE_WEIGHTS] = { "weight_bytes", "Weights", "B", TRUE },
};

gboolean
eng_figure_id_applies (EngFigureId id, EngWorkloadKind kind)
{
  g_return_val_if_fail (id < ENG_N_FIGURES, FALSE);
  return id == ENG_FIGURE_PEAK_MEMORY || id == ENG_FIGURE_WEIGHTS || id == ENG_FIGURE_POWER
         || id == ENG_FIGURE_ACCURACY_PER_JOULE || id == ENG_FIGURE_ACCURACY_PER_JOULE_MODEL
         || figure_info[id].kind == kind;
}

gboolean
eng_figure_id_is_accuracy (EngFigureId id)
{
  return id == ENG_FIGURE_ACCURACY || (id >= ENG_FIGURE_PERPLEXITY && id <= ENG_FIGURE_OUTPUT_SQNR);
}

gboolean
eng_figure_id_is_speculation (EngFigureId id)
{
  return id >= ENG_FIGURE_ACCEPTANCE && id <= ENG_FIGURE_SPECULATION_EXPECTED;
}

void
eng_run_clear_figures (EngRun *run, EngWorkloadKind kind)
{
  for (EngFigureId id = 0; id < ENG_N_FIGURES; id++)
    run->figures[id]
        = eng_figure_unavailable (figure_info[id].unit,
                                  !eng_figure_id_applies (id, kind)   ? "not of this kind of run"
                                  : eng_figure_id_is_speculation (id) ? "the recipe drafts nothing"
                                                                      : "not recorded");
}

void
eng_run_fill_memory (EngRun *run, EngBuild *build)
{
  RtMemory memory;

  eng_build_get_memory (build, &memory);
  run->figures[ENG_FIGURE_PEAK_MEMORY]
      = eng_figure_exact ((double)(memory.weight_bytes + memory.activation_bytes
                                   + memory.scratch_bytes + memory.kv_bytes),
                          "B");
  run->figures[ENG_FIGURE_WEIGHTS] = eng_figure_exact ((double)memory.weight_bytes, "B");
}

const char *
eng_figure_id_name (EngFigureId id)
{
  g_return_val_if_fail (id < ENG_N_FIGURES, NULL);
  return figure_info[id].name;
}

const char *
eng_figure_id_title (EngFigureId id)
{
  g_return_val_if_fail (id < ENG_N_FIGURES, NULL);
  return figure_info[id].title;
}

const char *
eng_figure_id_unit (EngFigureId id)
{
  g_return_val_if_fail (id < ENG_N_FIGURES, NULL);
  return figure_info[id].unit;
}

gboolean
eng_figure_id_lower_is_better (EngFigureId id)
{
  g_return_val_if_fail (id < ENG_N_FIGURES, FALSE);
  return figure_info[id].lower_is_better;
}

const char *
eng_validity_name (EngValidity validity)
{
  static const char *const names[] = { "valid", "degraded", "invalid" };
  g_return_val_if_fail (validity < G_N_ELEMENTS (names), NULL);
  return names[validity];
}

/* ---- Workload ---- */

EngWorkload *
eng_workload_new (const char *prompt)
{
  EngWorkload *workload = g_new0 (EngWorkload, 1);
  workload->prompt = g_strdup (prompt != NULL ? prompt : "");
  workload->n_predict = 128;
  workload->interval_width = RT_REPEAT_TARGET_WIDTH;
  workload->budget_s = RT_REPEAT_BUDGET_S;
  workload->sampler = (RtSamplerConfig){ .top_p = 1 };
  return workload;
}

EngWorkload *
eng_workload_new_input (const char *const *inputs)
{
  static const char *const none[] = { NULL };
  EngWorkload *workload = eng_workload_new (NULL);
  workload->kind = ENG_WORKLOAD_INPUT;
  workload->inputs = g_strdupv ((GStrv)(inputs != NULL ? inputs : none));
  return workload;
}

const char *
eng_workload_kind_name (EngWorkloadKind kind)
{
  static const char *const names[] = { "text", "input" };
  g_return_val_if_fail (kind < G_N_ELEMENTS (names), NULL);
  return names[kind];
}

EngWorkload *
eng_workload_copy (const EngWorkload *workload)
{
  EngWorkload *copy = g_memdup2 (workload, sizeof *workload);
  copy->prompt = g_strdup (workload->prompt);
  copy->system = g_strdup (workload->system);
  copy->inputs = g_strdupv (workload->inputs);
  return copy;
}

void
eng_workload_free (EngWorkload *workload)
{
  if (workload == NULL)
    return;
  g_free (workload->prompt);
  g_free (workload->system);
  g_strfreev (workload->inputs);
  g_free (workload);
}

static gboolean
equal_inputs (const EngWorkload *a, const EngWorkload *b)
{
  static const char *const none[] = { NULL };
  return g_strv_equal (a->inputs != NULL ? (const char *const *)a->inputs : none,
                       b->inputs != NULL ? (const char *const *)b->inputs : none)
         && a->input_seed == b->input_seed && a->n_repeats == b->n_repeats
         && a->seconds == b->seconds && a->rate_hz == b->rate_hz && a->labelled == b->labelled;
}

gboolean
eng_workload_equal (const EngWorkload *a, const EngWorkload *b)
{
  if (a->kind != b->kind)
    return FALSE;
  if (a->kind == ENG_WORKLOAD_INPUT || a->labelled || b->labelled)
    return equal_inputs (a, b);
  return g_strcmp0 (a->prompt, b->prompt) == 0 && g_strcmp0 (a->system, b->system) == 0
         && a->chat == b->chat && a->n_predict == b->n_predict && a->ignore_end == b->ignore_end
         && a->sampler.temperature == b->sampler.temperature && a->sampler.top_k == b->sampler.top_k
         && a->sampler.top_p == b->sampler.top_p && a->sampler.min_p == b->sampler.min_p
         && a->sampler.seed == b->sampler.seed;
}

/* ---- Looking ---- */

const char *
eng_run_get_id (EngRun *self)
{
  return self->id;
}

gint64
eng_run_get_time (EngRun *self)
{
  return self->time;
}

const char *
eng_run_get_model_name (EngRun *self)
{
  return self->model_name;
}

const char *
eng_run_get_model_file (EngRun *self)
{
  return self->model_file;
}

const char *
eng_run_get_model_hash (EngRun *self)
{
  return self->model_hash;
}

const char *
eng_run_get_build_hash (EngRun *self)
{
  return self->build_hash;
}

EngRecipe *
eng_run_get_recipe (EngRun *self)
{
  return self->recipe;
}

char *
eng_run_dup_recipe_text (EngRun *self)
{
  return eng_recipe_describe_for (self->recipe, self->workload->kind == ENG_WORKLOAD_INPUT
                                                    ? ENG_MODEL_NETWORK
                                                    : ENG_MODEL_LANGUAGE);
}

const EngWorkload *
eng_run_get_workload (EngRun *self)
{
  return self->workload;
}

const char *
eng_run_get_machine_json (EngRun *self)
{
  return self->machine_json;
}

EngFigure
eng_run_get_figure (EngRun *self, EngFigureId id)
{
  g_return_val_if_fail (ENG_IS_RUN (self) && id < ENG_N_FIGURES,
                        eng_figure_unavailable (NULL, NULL));
  return self->figures[id];
}

RtRepeatVerdict
eng_run_get_ended (EngRun *self, EngFigureId id)
{
  g_return_val_if_fail (ENG_IS_RUN (self) && id < ENG_N_FIGURES, RT_REPEAT_MORE);
  return self->ended[id];
}

const EngRunEstimate *
eng_run_get_estimate (EngRun *self)
{
  g_return_val_if_fail (ENG_IS_RUN (self), NULL);
  return self->estimate;
}

EngProfile *
eng_run_get_profile (EngRun *self)
{
  return self->profile;
}

EngEnergy *
eng_run_get_energy (EngRun *self)
{
  return self->energy;
}

EngTimeline *
eng_run_get_timeline (EngRun *self)
{
  return self->timeline;
}

EngSpeculation *
eng_run_get_speculation (EngRun *self)
{
  return self->speculation;
}

const char *
eng_run_get_text (EngRun *self)
{
  return self->text;
}

EngResult *
eng_run_get_result (EngRun *self)
{
  return self->result;
}

EngEvaluation *
eng_run_get_evaluation (EngRun *self)
{
  return self->evaluation;
}

guint
eng_run_get_n_inferences (EngRun *self)
{
  return self->n_inferences;
}

guint
eng_run_get_n_prompt (EngRun *self)
{
  return self->n_prompt;
}

guint
eng_run_get_n_generated (EngRun *self)
{
  return self->n_generated;
}

guint
eng_run_get_n_threads (EngRun *self)
{
  return self->n_threads;
}

guint
eng_run_get_n_ctx (EngRun *self)
{
  return self->n_ctx;
}

const char *
eng_run_get_isa (EngRun *self)
{
  return self->isa;
}

const char *
eng_run_get_stop (EngRun *self)
{
  return self->stop;
}

const EngConditions *
eng_run_get_conditions (EngRun *self)
{
  g_return_val_if_fail (ENG_IS_RUN (self), NULL);
  return &self->conditions;
}

EngValidity
eng_run_get_validity (EngRun *self)
{
  return self->validity;
}

const char *const *
eng_run_get_reasons (EngRun *self)
{
  return (const char *const *)self->reasons;
}

const char *const *
eng_run_get_notes (EngRun *self)
{
  return (const char *const *)self->notes;
}

/* ---- CSV (RFC 4180) ---- */

static void
add_cell (GString *csv, const char *text)
{
  if (strpbrk (text, ",\"\r\n") == NULL)
    {
      g_string_append (csv, text);
      return;
    }
  g_string_append_c (csv, '"');
  for (const char *p = text; *p != '\0'; p++)
    {
      if (*p == '"')
        g_string_append_c (csv, '"');
      g_string_append_c (csv, *p);
    }
  g_string_append_c (csv, '"');
}

/* An empty cell where there is no figure: never a zero. */
static void
add_ns (GString *csv, double ns)
{
  g_string_append_c (csv, ',');
  if (isfinite (ns))
    g_string_append_printf (csv, "%" G_GINT64_FORMAT, (gint64)llround (ns));
}

/* Joules of the grades are never in one column. */
static void
add_joules (GString *csv, const char *reason, const double *nodes_j, guint node)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_c (csv, ',');
  if (reason == NULL && isfinite (nodes_j[node]))
    g_string_append (csv, g_ascii_formatd (text, sizeof text, "%.6g", nodes_j[node]));
}

static void
add_energy (GString *csv, EngEnergy *energy, RtPhase phase, guint node)
{
  const EngPhaseEnergy *data = energy != NULL ? eng_energy_get_phase (energy, phase) : NULL;

  if (data == NULL || node >= eng_energy_get_n_nodes (energy))
    {
      g_string_append (csv, ",,");
      return;
    }
  add_joules (csv, data->attributed.reason, data->attributed.nodes_j, node);
  add_joules (csv, data->modelled.reason, data->modelled.nodes_j, node);
}

/* Hardware counters; empty cells where there are none. */
static void
add_counts (GString *csv, EngProfile *profile, RtPhase phase, guint node)
{
  for (int c = 0; c < RT_N_COUNTERS; c++)
    {
      gboolean hardware = g_strcmp0 (eng_profile_get_counter_name (profile, c),
                                     rt_counter_name (RT_COUNTERS_HARDWARE, c))
                          == 0;
      add_ns (csv, hardware ? eng_profile_get_node_count (profile, node, phase, c) : NAN);
    }
}

/* Where it was measured, with every row: tables are joined. */
static void
add_device (GString *csv, EngRun *self)
{
  const char *device = eng_run_get_device (self);

  g_string_append_c (csv, ',');
  add_cell (csv, device != NULL ? device : ENG_RUN_THIS_COMPUTER);
  g_string_append (csv, eng_run_get_emulated (self) ? ",true" : ",false");
}

static void
add_row (GString *csv, EngRun *self, RtPhase phase, const char *phase_name, guint node)
{
  EngProfile *profile = self->profile;
  const EngPhaseProfile *figures = eng_profile_get_phase (profile, phase);
  const EngLatency *latency = &figures->nodes[node];
  const RtCost *cost = eng_profile_get_node_cost (profile, node, phase);
  const EngLayerMemory *memory = eng_profile_get_node_memory (profile, node);
  g_autofree char *sources = g_strjoinv (" ", (GStrv)eng_profile_get_node_sources (profile, node));

  g_string_append_printf (csv, "%s,%d,", phase_name, eng_profile_get_node_layer (profile, node));
  add_cell (csv, eng_profile_get_node_name (profile, node));
  g_string_append_c (csv, ',');
  add_cell (csv, eng_profile_get_node_op (profile, node));
  g_string_append_printf (csv, ",%u,%u", figures->n_tokens, latency->n);
  add_ns (csv, latency->median_ns);
  add_ns (csv, latency->p5_ns);
  add_ns (csv, latency->p95_ns);
  add_ns (csv, latency->low_ns);
  add_ns (csv, latency->high_ns);
  g_string_append_printf (csv,
                          ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT
                          ",%" G_GUINT64_FORMAT,
                          cost->flops, cost->weight_bytes, cost->read_bytes, cost->write_bytes);
  g_string_append_printf (csv,
                          ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",",
                          memory->weight_bytes, memory->activation_bytes, memory->kv_bytes);
  add_cell (csv, sources);
  add_energy (csv, self->energy, phase, node);
  add_counts (csv, profile, phase, node);
  add_device (csv, self);
  g_string_append (csv, "\r\n");
}

char *
eng_run_to_csv (EngRun *self)
{
  static const char *const names[] = { "prefill", "decode", "inference" };
  g_autoptr (GString) csv = g_string_new (
      "phase,layer,node,operator,tokens_per_step,n,median_ns,p5_ns,p95_ns,low95_ns,high95_ns,flops,"
      "read_weight_bytes,read_bytes,write_bytes,resident_weight_bytes,live_activation_bytes,kv_"
      "bytes,"
      "sources,attributed_joules,modelled_joules,cycles,instructions,cache_misses,device,emulated"
      "\r\n");

  for (RtPhase phase = RT_PHASE_PREFILL; phase < RT_N_PHASES; phase++)
    for (guint i = 0; i < eng_profile_get_n_nodes (self->profile); i++)
      if (eng_profile_get_phase (self->profile, phase)->nodes[i].n > 0)
        add_row (csv, self, phase, names[phase], i);
  return g_string_free (g_steal_pointer (&csv), FALSE);
}
