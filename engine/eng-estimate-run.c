/* What a finished run teaches: how right its estimate was, and what its operators took. Called once
 * per run by whoever made it, on the thread that made it, before the run is shown or kept. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eng-estimate-private.h"
#include "eng-run-device.h"
#include "eng-run-private.h"
#include "rt-series.h"

/* Layers too short to matter do not judge an estimate: less than this share of the whole. */
#define LEAST_LAYER 0.005

static int
by_value (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* ---- The estimate of what was measured ---- */

static gboolean
is_cold (EngProfile *profile, RtPhase phase, const EngEstimateDevice *device)
{
  guint64 weight_bytes = 0;
  for (guint i = 0; i < eng_profile_get_n_nodes (profile); i++)
    weight_bytes += eng_profile_get_node_cost (profile, i, phase)->weight_bytes;
  return eng_kernel_is_cold (weight_bytes, device->cache_bytes);
}

/* What people wait for one step of @phase, as it was measured. */
static double
wall_ns (EngRun *run, RtPhase phase)
{
  const EngPhaseProfile *figures = eng_profile_get_phase (run->profile, phase);

  if (phase == RT_PHASE_DECODE && run->figures[ENG_FIGURE_DECODE].available)
    return 1e9 / run->figures[ENG_FIGURE_DECODE].value;
  if (phase == RT_PHASE_INFERENCE && run->figures[ENG_FIGURE_INFERENCE].available)
    return 1e6 * run->figures[ENG_FIGURE_INFERENCE].value;
  if (phase == RT_PHASE_PREFILL && run->figures[ENG_FIGURE_PREFILL].available
      && run->n_prompt == figures->n_tokens)
    return 1e9 * run->n_prompt / run->figures[ENG_FIGURE_PREFILL].value;
  return phase == RT_PHASE_PREFILL && figures->clean.n > 0 ? figures->clean.median_ns : NAN;
}

static double
layer_error (const EngPhaseEstimate *estimate, const EngPhaseProfile *figures, int n_layers)
{
  g_autofree double *errors = g_new (double, (gsize)n_layers + 2);
  guint n = 0;

  for (int i = 0; i < n_layers + 2; i++)
    if (figures->layers[i].n > 0 && estimate->layers[i] > 0
        && figures->layers[i].median_ns > LEAST_LAYER * figures->total.median_ns)
      errors[n++] = fabs (figures->layers[i].median_ns / estimate->layers[i] - 1);
  if (n == 0)
    return NAN;
  qsort (errors, n, sizeof *errors, by_value);
  return eng_quantile_sorted (errors, n, 0.9);
}

static void
expect_node (EngRun *run, EngEstimateDevice *device, RtPhase phase, guint node, gboolean cold,
             EngExpected *expected)
{
  const char *signature = eng_profile_get_node_signature (run->profile, node);

  if (signature != NULL)
    eng_kernel_table_predict (device->table, signature,
                              eng_profile_get_node_cost (run->profile, node, phase), cold,
                              expected);
  else
    *expected = (EngExpected){ .basis = ENG_BASIS_NONE,
                               .ns = NAN,
                               .reason = "the run does not say what its operators were" };
}

static void
expect_phase (EngRun *run, EngEstimateDevice *device, RtPhase phase)
{
  const EngPhaseProfile *figures = eng_profile_get_phase (run->profile, phase);
  EngPhaseEstimate *estimate = &run->estimate->phases[phase];
  int n_layers = eng_profile_get_n_layers (run->profile);
  g_autofree EngEstimateSum *layers = g_new0 (EngEstimateSum, (gsize)n_layers + 2);
  EngEstimateSum total = { 0 };
  gboolean cold = is_cold (run->profile, phase, device);
  double measured = 0;

  for (guint i = 0; i < eng_profile_get_n_nodes (run->profile); i++)
    {
      EngExpected expected;
      if (figures->nodes[i].n == 0)
        continue; /* not executed */
      measured += figures->nodes[i].median_ns;
      expect_node (run, device, phase, i, cold, &expected);
      eng_estimate_sum_add (&layers[eng_profile_get_node_layer (run->profile, i) + 1], &expected);
      eng_estimate_sum_add (&total, &expected);
    }
  EngForecastValue sum = eng_estimate_sum_value (&total);
  estimate->available = sum.ns > 0;
  estimate->reason = estimate->available ? NULL : sum.reason;
  estimate->basis = sum.basis;
  estimate->is_known = eng_estimate_sum_is_known (&total);
  EngEstimateJudgement judgement;
  eng_estimate_device_judge (device, phase, estimate->is_known, &judgement);
  estimate->uncorrected_ns = sum.ns;
  estimate->predicted_ns = sum.ns * judgement.correction;
  estimate->measured_ns = measured;
  for (int i = 0; i < n_layers + 2; i++)
    estimate->layers[i] = eng_estimate_sum_value (&layers[i]).ns * judgement.correction;
  estimate->layer_error = layer_error (estimate, figures, n_layers);
  estimate->wall_measured_ns = wall_ns (run, phase);
  estimate->wall_predicted_ns
      = estimate->predicted_ns * eng_estimate_device_wall_ratio (device, phase, run->model_name);
}

/* ---- What its operators took ---- */

static gboolean
same_cost (const RtCost *a, const RtCost *b)
{
  return a->flops == b->flops && a->weight_bytes == b->weight_bytes
         && a->read_bytes == b->read_bytes && a->write_bytes == b->write_bytes;
}

/* The medians of nodes of the same work, which are what repeats of one operator are: their median,
 * and its interval where there are enough of them, else that of the node in the middle. */
static EngKernelTime
join (GArray *nodes, EngRun *run, RtPhase phase, gboolean cold)
{
  const EngPhaseProfile *figures = eng_profile_get_phase (run->profile, phase);
  guint first = g_array_index (nodes, guint, 0);
  g_autofree double *medians = g_new (double, nodes->len);
  EngKernelTime time
      = { .signature = eng_profile_get_node_signature (run->profile, first),
          .cost = *eng_profile_get_node_cost (run->profile, first, phase),
          .is_cold = cold,
          .time = run->time,
          .source = run->validity == ENG_RUN_VALID ? ENG_KERNEL_RUN : ENG_KERNEL_DEGRADED };

  for (guint i = 0; i < nodes->len; i++)
    {
      const EngLatency *node = &figures->nodes[g_array_index (nodes, guint, i)];
      medians[i] = node->median_ns;
      time.n += node->n;
    }
  qsort (medians, nodes->len, sizeof *medians, by_value);
  guint rank = rt_median_rank (nodes->len);
  time.median_ns = eng_quantile_sorted (medians, nodes->len, 0.5);
  time.low_ns = rank > 0 ? medians[rank - 1] : figures->nodes[first].low_ns;
  time.high_ns = rank > 0 ? medians[nodes->len - rank] : figures->nodes[first].high_ns;
  return time;
}

static void
collect_phase (EngRun *run, EngEstimateDevice *device, RtPhase phase, GArray *times)
{
  EngProfile *profile = run->profile;
  const EngPhaseProfile *figures = eng_profile_get_phase (profile, phase);
  guint n_nodes = eng_profile_get_n_nodes (profile);
  g_autofree gboolean *done = g_new0 (gboolean, n_nodes + 1);
  gboolean cold = is_cold (profile, phase, device);

  for (guint i = 0; i < n_nodes; i++)
    {
      g_autoptr (GArray) same = g_array_new (FALSE, FALSE, sizeof (guint));
      const char *signature = eng_profile_get_node_signature (profile, i);
      for (guint k = i; signature != NULL && k < n_nodes; k++)
        if (!done[k] && figures->nodes[k].n > 0 && figures->nodes[k].median_ns > 0
            && eng_profile_get_node_signature (profile, k) == signature
            && same_cost (eng_profile_get_node_cost (profile, i, phase),
                          eng_profile_get_node_cost (profile, k, phase)))
          {
            done[k] = TRUE;
            g_array_append_val (same, k);
          }
      if (same->len > 0)
        {
          EngKernelTime time = join (same, run, phase, cold);
          g_array_append_val (times, time);
        }
    }
}

static gboolean
keep_errors (EngEstimator *self, EngRun *run, const char *device, GError **error)
{
  gboolean ok = TRUE;

  for (RtPhase phase = 0; ok && phase < RT_N_PHASES; phase++)
    {
      const EngPhaseEstimate *estimate = &run->estimate->phases[phase];
      if (!(estimate->measured_ns > 0))
        continue;
      EngKernelError kept = { .run_id = run->id,
                              .model = run->model_name,
                              .phase = phase,
                              .basis = estimate->basis,
                              .is_known = estimate->is_known,
                              .is_valid = run->validity == ENG_RUN_VALID,
                              .predicted_ns = estimate->uncorrected_ns,
                              .nodes_ns = estimate->measured_ns,
                              .wall_ns = estimate->wall_measured_ns,
                              .layer_error = estimate->layer_error,
                              .time = run->time };
      ok = eng_kernel_times_add_error (eng_estimator_get_times (self), device, &kept, error);
    }
  return ok;
}

gboolean
eng_estimator_take_run (EngEstimator *self, EngRun *run, GError **error)
{
  g_return_val_if_fail (ENG_IS_ESTIMATOR (self) && ENG_IS_RUN (run), FALSE);

  if (run->profile == NULL || run->validity == ENG_RUN_INVALID || run->n_threads == 0
      || eng_profile_get_n_nodes (run->profile) == 0)
    return TRUE;
  /* The table is of this computer: what another device takes has no place in it. */
  if (eng_run_get_device (run) != NULL)
    return TRUE;
  g_autoptr (EngEstimateDevice) device = eng_estimator_get_device (self, run->n_threads, error);
  if (device == NULL)
    return FALSE;

  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (EngKernelTime));
  eng_run_estimate_free (run->estimate);
  run->estimate = eng_run_estimate_new (eng_profile_get_n_layers (run->profile));
  for (RtPhase phase = 0; phase < RT_N_PHASES; phase++)
    if (eng_profile_get_phase (run->profile, phase)->total.n > 0)
      {
        expect_phase (run, device, phase);
        collect_phase (run, device, phase, times);
      }
  if (eng_estimator_get_times (self) == NULL)
    return TRUE;
  return keep_errors (self, run, device->name, error)
         && eng_kernel_times_add (eng_estimator_get_times (self), device->name,
                                  (const EngKernelTime *)times->data, times->len, error);
}
