/* The profiler: drains the trace rings after each instrumented step, keeps the last steps' times of
 * every node and layer sorted, and hands snapshots to whoever watches. Draining is done by the
 * runner; the mutex is held for microseconds on both sides, and never while the engine runs. */
#include "eng-profile-private.h"

#include <math.h>
#include <string.h>

#include "eng-build-private.h"
#include "eng-figure.h"
#include "eng-timeline.h"
#include "eng-kernel-table.h"
#include "eng-series.h"
#include "eng-window.h"
#include "rt-series.h"

typedef struct
{
  EngWindow *nodes;  /* [n_nodes] */
  EngWindow *layers; /* [n_layers + 2] */
  EngWindow total, clean;
  double *memory;
  guint n_tokens, position;
  int64_t symbols[RT_N_SYMBOLS];
  RtCost *costs; /* [n_nodes] */
} Phase;

struct _EngProfiler
{
  EngBuild *build;
  EngProfileInfo *info;
  guint generation; /* atomic */
  guint window;

  GMutex mutex; /* guards info, phases, keeper and n_lost */
  EngTimelineKeeper *keeper;
  Phase phases[ENG_N_PHASES];
  guint64 n_lost;
  EngCounts counts;  /* under the mutex, as phases */
  RtTally *tallies;  /* [n_nodes] since the build was taken; under the mutex */

  /* The runner's own. */
  GArray *records;        /* RtTraceRecord */
  guint64 *starts, *ends; /* [n_nodes]; end 0: not executed in this step */
  RtTally *tallies_before; /* [n_nodes] when the build was taken */
  double *layer_sums;     /* [n_layers + 2]; negative: nothing executed */
};

static gboolean
is_byte (const RtValue *value)
{
  return value->type == RT_TYPE_I8 || value->type == RT_TYPE_U8;
}

/* Products of packed integer formats, and operators that make bytes of bytes or read weights of
 * bytes, compute in integers. What only turns bytes into floats (a picture's front end) does
 * not. */
static EngArithmetic
node_arithmetic (EngBuild *build, const RtGraph *graph, const RtNode *node)
{
  gboolean bytes_in = FALSE, byte_weights = FALSE;
  gboolean bytes_out = is_byte (rt_graph_value (graph, node->outputs[0]));

  for (guint k = 0; k < node->n_inputs; k++)
    {
      const RtValue *value
          = node->inputs[k] == RT_NONE ? NULL : rt_graph_value (graph, node->inputs[k]);

      if (value == NULL)
        continue;
      if (value->kind == RT_VALUE_WEIGHT && eng_build_value_is_int8 (build, node->inputs[k]))
        return ENG_ARITHMETIC_INT8;
      *(value->kind == RT_VALUE_WEIGHT ? &byte_weights : &bytes_in) |= is_byte (value);
    }
  return bytes_in && (bytes_out || byte_weights) ? ENG_ARITHMETIC_INT8 : ENG_ARITHMETIC_F32;
}

static EngProfileInfo *
info_from_build (EngBuild *build)
{
  const RtGraph *graph = eng_build_get_graph (build);
  int n_layers = (int)eng_model_get_n_layers (eng_build_get_model (build));
  EngProfileInfo *info = eng_profile_info_new (rt_graph_n_nodes (graph), n_layers);
  const RtKv *kv = rt_exec_kv (eng_build_get_exec (build));
  g_autofree int *dtypes = eng_build_dup_value_dtypes (build);

  for (guint i = 0; i < info->n_nodes; i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      g_autoptr (GStrvBuilder) sources = g_strv_builder_new ();
      for (guint k = 0; k < node->n_sources; k++)
        g_strv_builder_add (sources, node->sources[k]);
      info->names[i] = g_strdup (node->name);
      info->ops[i] = g_strdup (node->op->title);
      info->layers[i] = CLAMP (node->layer, -1, n_layers);
      info->sources[i] = g_strv_builder_end (sources);
      info->arithmetics[i] = node_arithmetic (build, graph, node);
      info->skips[i] = g_intern_string (node->op->skips);
      info->signatures[i] = eng_kernel_signature (&(RtOpQuery){
          .graph = graph,
          .node = node,
          .weight_dtypes = dtypes,
          .kv_format = kv != NULL ? rt_kv_format (kv) : KN_F16,
      });
      eng_build_get_node_memory (build, i, &info->node_memory[i]);
    }
  for (int layer = -1; layer <= n_layers; layer++)
    {
      eng_build_get_layer_memory (build, layer, &info->layer_memory[layer + 1]);
      info->layer_names[layer + 1] = eng_model_dup_layer_name (eng_build_get_model (build), layer);
    }
  return info;
}

static void
phase_init (Phase *phase, const EngProfileInfo *info, guint window)
{
  guint n_layers = (guint)info->n_layers + 2;
  double *memory = phase->memory
      = g_new (double, (gsize)(info->n_nodes + n_layers + 2) * 2 * window);

  phase->nodes = g_new (EngWindow, info->n_nodes + 1);
  phase->layers = g_new (EngWindow, n_layers);
  phase->costs = g_new0 (RtCost, info->n_nodes + 1);
  for (guint i = 0; i < info->n_nodes; i++, memory += 2 * window)
    eng_window_init (&phase->nodes[i], window, memory);
  for (guint i = 0; i < n_layers; i++, memory += 2 * window)
    eng_window_init (&phase->layers[i], window, memory);
  eng_window_init (&phase->total, window, memory);
  eng_window_init (&phase->clean, window, memory + 2 * window);
}

static void
take_build (EngProfiler *self, EngBuild *build)
{
  self->build = g_object_ref (build);
  self->info = info_from_build (build);
  for (guint p = 0; p < ENG_N_PHASES; p++)
    phase_init (&self->phases[p], self->info, self->window);
  eng_counts_init (&self->counts, self->info->n_nodes);
  self->tallies = g_new0 (RtTally, self->info->n_nodes + 1);
  self->tallies_before = g_new0 (RtTally, self->info->n_nodes + 1);
  for (guint i = 0; i < self->info->n_nodes; i++)
    self->tallies_before[i] = rt_exec_tally (eng_build_get_exec (build), i);
  self->starts = g_new0 (guint64, self->info->n_nodes + 1);
  self->ends = g_new0 (guint64, self->info->n_nodes + 1);
  self->layer_sums = g_new0 (double, (gsize)self->info->n_layers + 2);
}

static void
drop_build (EngProfiler *self)
{
  for (guint p = 0; p < ENG_N_PHASES; p++)
    {
      g_free (self->phases[p].nodes);
      g_free (self->phases[p].layers);
      g_free (self->phases[p].memory);
      g_free (self->phases[p].costs);
      self->phases[p] = (Phase){ 0 };
    }
  eng_counts_clear (&self->counts);
  g_free (self->tallies);
  g_free (self->tallies_before);
  g_free (self->starts);
  g_free (self->ends);
  g_free (self->layer_sums);
  eng_profile_info_unref (self->info);
  g_object_unref (self->build);
}

EngProfiler *
eng_profiler_new (EngBuild *build, guint window)
{
  g_return_val_if_fail (ENG_IS_BUILD (build) && window > 0, NULL);

  EngProfiler *self = g_new0 (EngProfiler, 1);
  self->window = window;
  g_mutex_init (&self->mutex);
  self->records = g_array_new (FALSE, FALSE, sizeof (RtTraceRecord));
  self->keeper = eng_timeline_keeper_new ();
  take_build (self, build);
  return self;
}

void
eng_profiler_set_build (EngProfiler *self, EngBuild *build)
{
  g_return_if_fail (ENG_IS_BUILD (build));
  if (build == self->build)
    return;
  g_mutex_lock (&self->mutex);
  drop_build (self);
  take_build (self, build);
  eng_timeline_keeper_clear (self->keeper);
  g_mutex_unlock (&self->mutex);
  g_atomic_int_inc (&self->generation);
}

double
eng_profiler_get_last_layer_ns (EngProfiler *self, int layer)
{
  return MAX (0, self->layer_sums[CLAMP (layer, -1, self->info->n_layers) + 1]);
}

void
eng_profiler_free (EngProfiler *self)
{
  if (self == NULL)
    return;
  drop_build (self);
  eng_timeline_keeper_free (self->keeper);
  g_array_unref (self->records);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

/* A phase is of one number of rows: figures of another would be of other work. */
static void
phase_set_tokens (Phase *phase, const EngProfileInfo *info, guint n_tokens)
{
  if (phase->n_tokens == n_tokens)
    return;
  for (guint i = 0; i < info->n_nodes; i++)
    eng_window_clear (&phase->nodes[i]);
  for (int i = 0; i < info->n_layers + 2; i++)
    eng_window_clear (&phase->layers[i]);
  eng_window_clear (&phase->total);
  eng_window_clear (&phase->clean);
  phase->n_tokens = n_tokens;
}

/* Everything that lies in the rings. Returns how many records were lost. */
static guint64
read_rings (EngProfiler *self)
{
  RtExec *exec = eng_build_get_exec (self->build);
  RtTraceRecord buffer[128];
  uint64_t n_lost = 0;

  g_array_set_size (self->records, 0);
  for (guint t = 0; t < eng_build_get_n_threads (self->build); t++)
    {
      size_t n;
      while (
          (n = rt_trace_ring_read (rt_exec_trace (exec, t), buffer, G_N_ELEMENTS (buffer), &n_lost))
          > 0)
        g_array_append_vals (self->records, buffer, (guint)n);
    }
  return n_lost;
}

/* Gather the newest step: the first thread's start and the end of each node. Returns one of its
 * records, NULL when there is none. */
static const RtTraceRecord *
gather_step (EngProfiler *self)
{
  const RtTraceRecord *newest = NULL;

  for (guint i = 0; i < self->records->len; i++)
    {
      const RtTraceRecord *record = &g_array_index (self->records, RtTraceRecord, i);
      if (newest == NULL || (gint32)(record->step - newest->step) > 0)
        newest = record;
    }
  if (newest == NULL)
    return NULL;

  memset (self->ends, 0, self->info->n_nodes * sizeof *self->ends);
  for (guint i = 0; i < self->records->len; i++)
    {
      const RtTraceRecord *record = &g_array_index (self->records, RtTraceRecord, i);
      if (record->step != newest->step || record->node >= self->info->n_nodes)
        continue;
      guint64 *start = &self->starts[record->node], *end = &self->ends[record->node];
      *start = *end == 0 ? record->start_ns : MIN (*start, record->start_ns);
      *end = MAX (*end, record->end_ns);
    }
  return newest;
}

static double
add_step (EngProfiler *self, Phase *phase)
{
  int n_layers = self->info->n_layers + 2;
  double total = 0;

  for (int i = 0; i < n_layers; i++)
    self->layer_sums[i] = -1;
  for (guint i = 0; i < self->info->n_nodes; i++)
    {
      if (self->ends[i] == 0)
        continue;
      double ns = (double)(self->ends[i] - self->starts[i]);
      double *sum = &self->layer_sums[self->info->layers[i] + 1];
      eng_window_add (&phase->nodes[i], ns);
      *sum = MAX (*sum, 0) + ns;
      total += ns;
    }
  for (int i = 0; i < n_layers; i++)
    if (self->layer_sums[i] >= 0)
      eng_window_add (&phase->layers[i], self->layer_sums[i]);
  eng_window_add (&phase->total, total);
  return total;
}

/* What the step's input bound; a size at its maximum was not asked for by any input. */
static void
read_symbols (EngProfiler *self, guint phase, int64_t *symbols)
{
  int64_t maxima[RT_N_SYMBOLS];

  memset (symbols, 0, RT_N_SYMBOLS * sizeof *symbols);
  if (phase != RT_PHASE_INFERENCE)
    return;
  eng_build_get_max_symbols (self->build, maxima);
  rt_exec_symbols (eng_build_get_exec (self->build), symbols);
  for (guint i = 0; i < RT_N_SYMBOLS; i++)
    if (symbols[i] == maxima[i])
      symbols[i] = 0;
}

/* Under the mutex, on the runner's thread. */
static void
read_tallies (EngProfiler *self)
{
  for (guint i = 0; i < self->info->n_nodes; i++)
    {
      RtTally now = rt_exec_tally (eng_build_get_exec (self->build), i);
      self->tallies[i].n_skipped = now.n_skipped - self->tallies_before[i].n_skipped;
      self->tallies[i].n_all = now.n_all - self->tallies_before[i].n_all;
    }
}

/* The step that lies in self->records. @position: of its first token. Under the mutex. */
static double
take_step (EngProfiler *self, guint64 n_lost, guint position, gboolean is_here)
{
  const RtTraceRecord *step = gather_step (self);

  self->n_lost += n_lost;
  if (step == NULL || n_lost > 0 || step->phase >= ENG_N_PHASES)
    return NAN;
  RtExec *exec = eng_build_get_exec (self->build);
  Phase *phase = &self->phases[step->phase];
  phase_set_tokens (phase, self->info, step->n_tokens);
  double total = add_step (self, phase);
  eng_timeline_keeper_add (self->keeper, (const RtTraceRecord *)self->records->data,
                           self->records->len, step->step, self->info->n_nodes);
  phase->position = position;
  if (is_here)
    read_symbols (self, step->phase, phase->symbols);
  for (guint i = 0; i < self->info->n_nodes; i++)
    rt_exec_cost (exec, i, step->n_tokens, position, &phase->costs[i]);
  return total;
}

double
eng_profiler_drain (EngProfiler *self)
{
  guint64 n_lost = read_rings (self);
  const RtKv *kv = rt_exec_kv (eng_build_get_exec (self->build));
  guint position = kv != NULL ? rt_kv_n_used (kv) : 0;

  g_mutex_lock (&self->mutex);
  read_tallies (self);
  if (self->records->len > 0)
    position -= MIN (position, g_array_index (self->records, RtTraceRecord, 0).n_tokens);
  double total = take_step (self, n_lost, position, TRUE);
  g_mutex_unlock (&self->mutex);
  g_atomic_int_inc (&self->generation);
  return total;
}

double
eng_profiler_feed (EngProfiler *self, const RtTraceRecord *records, guint n_records, guint64 n_lost,
                   guint position)
{
  g_return_val_if_fail (self != NULL && (records != NULL || n_records == 0), NAN);

  g_array_set_size (self->records, 0);
  g_array_append_vals (self->records, records, n_records);
  g_mutex_lock (&self->mutex);
  double total = take_step (self, n_lost, position, FALSE);
  g_mutex_unlock (&self->mutex);
  g_atomic_int_inc (&self->generation);
  return total;
}

void
eng_profiler_set_tally (EngProfiler *self, RtNodeId node, guint64 n_skipped, guint64 n_all)
{
  g_return_if_fail (node < self->info->n_nodes);

  g_mutex_lock (&self->mutex);
  /* As if the executor here, which stands still, had counted so much since. */
  RtTally now = rt_exec_tally (eng_build_get_exec (self->build), node);
  self->tallies_before[node]
      = (RtTally){ now.n_skipped - n_skipped, now.n_all - n_all };
  read_tallies (self);
  g_mutex_unlock (&self->mutex);
}

void
eng_profiler_add_clean (EngProfiler *self, RtPhase phase, guint n_tokens, double ns)
{
  g_mutex_lock (&self->mutex);
  phase_set_tokens (&self->phases[phase], self->info, n_tokens);
  eng_window_add (&self->phases[phase].clean, ns);
  g_mutex_unlock (&self->mutex);
  g_atomic_int_inc (&self->generation);
}

EngTimeline *
eng_profiler_dup_timeline (EngProfiler *self)
{
  g_mutex_lock (&self->mutex);
  EngTimeline *timeline = eng_timeline_keeper_snapshot (self->keeper);
  g_mutex_unlock (&self->mutex);
  return timeline;
}

void
eng_profiler_add_counts (EngProfiler *self, RtExec *exec, RtCounterSet set, RtPhase phase,
                         guint n_steps, double step_ns)
{
  g_mutex_lock (&self->mutex);
  eng_counts_take (&self->counts, exec, set, phase, n_steps, step_ns);
  g_mutex_unlock (&self->mutex);
  g_atomic_int_inc (&self->generation);
}

void
eng_profiler_refuse_counts (EngProfiler *self, RtCounterSet set, const char *reason)
{
  g_mutex_lock (&self->mutex);
  eng_counts_refuse (&self->counts, set, reason);
  g_mutex_unlock (&self->mutex);
  g_atomic_int_inc (&self->generation);
}

guint64
eng_profiler_get_generation (EngProfiler *self)
{
  return (guint)g_atomic_int_get (&self->generation);
}

/* The samples in order of time. */
static void
copy_in_order (const EngWindow *window, double *ordered)
{
  guint first = (window->head + window->capacity - window->n) % window->capacity;

  for (guint i = 0; i < window->n; i++)
    ordered[i] = window->recent[(first + i) % window->capacity];
}

/* @ordered: memory for a window, to take into account that neighbouring steps resemble each other;
 * NULL while live, where it would cost more than it tells. */
static void
latency_from_window (EngLatency *latency, const EngWindow *window, double *ordered)
{
  guint n = window->n;
  if (n == 0)
    return;
  guint rank = rt_median_rank (n);
  if (ordered != NULL)
    {
      copy_in_order (window, ordered);
      rank = rt_series_rank (n, eng_series_inefficiency (ordered, n));
    }
  *latency = (EngLatency){ .n = n,
                           .median_ns = eng_quantile_sorted (window->sorted, n, 0.5),
                           .p5_ns = eng_quantile_sorted (window->sorted, n, 0.05),
                           .p95_ns = eng_quantile_sorted (window->sorted, n, 0.95),
                           .last_ns = eng_window_last (window),
                           .low_ns = rank > 0 ? window->sorted[rank - 1] : NAN,
                           .high_ns = rank > 0 ? window->sorted[n - rank] : NAN };
}

static EngProfile *
take_snapshot (EngProfiler *self, double *ordered)
{
  g_mutex_lock (&self->mutex);
  EngProfile *profile = eng_profile_new (self->info);
  for (guint p = 0; p < ENG_N_PHASES; p++)
    {
      const Phase *from = &self->phases[p];
      EngPhaseProfile *to = &profile->phases[p];
      for (guint i = 0; i < self->info->n_nodes; i++)
        latency_from_window (&to->nodes[i], &from->nodes[i], ordered);
      for (int i = 0; i < self->info->n_layers + 2; i++)
        latency_from_window (&to->layers[i], &from->layers[i], ordered);
      latency_from_window (&to->total, &from->total, ordered);
      latency_from_window (&to->clean, &from->clean, ordered);
      to->n_tokens = from->n_tokens;
      to->position = from->position;
      memcpy (to->symbols, from->symbols, sizeof to->symbols);
      memcpy (profile->costs[p], from->costs, self->info->n_nodes * sizeof (RtCost));
    }
  profile->n_lost = self->n_lost;
  eng_counts_copy (&profile->counts, &self->counts);
  memcpy (profile->tallies, self->tallies, self->info->n_nodes * sizeof *self->tallies);
  g_mutex_unlock (&self->mutex);
  return profile;
}

EngProfile *
eng_profiler_snapshot (EngProfiler *self)
{
  return take_snapshot (self, NULL);
}

EngProfile *
eng_profiler_finish (EngProfiler *self)
{
  g_autofree double *ordered = g_new (double, self->window);
  g_mutex_lock (&self->mutex);
  read_tallies (self);
  g_mutex_unlock (&self->mutex);
  return take_snapshot (self, ordered);
}
