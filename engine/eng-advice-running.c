/* Rules of advice on how a model is run: cache, threads, fusion, what surrounds a network, and what
 * was measured before. */
#include "eng-advice-private.h"

#include <math.h>
#include <string.h>

#define LEAST_CACHE_SHARE 0.10
#define LEAST_OVERHEAD_SHARE 0.40
#define LEAST_SURROUNDING_SHARE 0.25

/* ---- kv-cache ---- */

static gboolean
reads_cache (EngAdvisor *self, guint node)
{
  return eng_profile_get_node_memory (self->in->profile, node)->kv_bytes > 0
         && eng_roofline_get_node (self->roofline, node)->time.available;
}

static double
cache_ms (EngAdvisor *self)
{
  double ms = 0;

  for (guint i = 0; i < eng_profile_get_n_nodes (self->in->profile); i++)
    if (reads_cache (self, i))
      ms += eng_roofline_get_node (self->roofline, i)->time.value;
  return ms;
}

static gboolean
cache_is_wide (EngAdvisor *self)
{
  g_autofree char *format = NULL;

  if (self->phase != RT_PHASE_DECODE)
    return FALSE;
  format = eng_recipe_get_string (self->in->recipe, "kv-cache", "format", NULL);
  return g_str_has_prefix (format, "f") && cache_ms (self) >= LEAST_CACHE_SHARE * self->nodes_ms;
}

static void
propose_cache (EngAdvisor *self)
{
  EngRecipe *recipe
      = eng_advice_with (self->in->recipe, "kv-cache", "format", g_variant_new_string ("q8_0"));
  double all_before, all_after, kv_before = 0, gain = 0;

  if (recipe == NULL)
    return;
  /* Weights are the same in both. */
  all_before = eng_advice_recipe_bytes (self->in->model, self->in->recipe);
  all_after = eng_advice_recipe_bytes (self->in->model, recipe);
  for (guint i = 0; i < eng_profile_get_n_nodes (self->in->profile); i++)
    kv_before += (double)eng_profile_get_node_memory (self->in->profile, i)->kv_bytes;
  for (guint i = 0; i < eng_profile_get_n_nodes (self->in->profile); i++)
    {
      const EngRooflinePoint *point = eng_roofline_get_node (self->roofline, i);

      if (reads_cache (self, i) && point->bound == ENG_BOUND_MEMORY && kv_before > 0)
        gain += point->time.value * (point->read_bytes / point->bytes)
                * ((all_before - all_after) / kv_before);
    }
  eng_advisor_propose (
      self, recipe, g_strdup ("Q8_0 key-value cache"),
      g_strdup_printf (
          "Attention takes %.0f %% of a token's time, reading keys and values of every "
          "earlier token.",
          100 * cache_ms (self) / self->nodes_ms),
      NULL, gain);
}

/* ---- threads ---- */

static gboolean
has_idle_cpus (EngAdvisor *self)
{
  return self->in->n_threads > 0 && self->in->n_threads < self->in->n_cpus;
}

static double
bandwidth_of (const EngRoof *roof, int level)
{
  return level >= 0 && level < (int)roof->n_levels ? roof->levels[level].read.value
                                                   : roof->read_bytes_per_s;
}

/* Nodes keep their share of roofs that rise; what no roof explains stays as it is. */
static double
gain_from_threads (EngAdvisor *self)
{
  const EngRoof *now = self->in->roof, *full = self->in->full_roof;
  double gain = 0;

  if (now == NULL || full == NULL)
    return NAN;
  for (guint i = 0; i < eng_profile_get_n_nodes (self->in->profile); i++)
    {
      const EngRooflinePoint *point = eng_roofline_get_node (self->roofline, i);
      double ratio = 1;

      if (point->bound == ENG_BOUND_MEMORY)
        ratio = bandwidth_of (now, point->level) / bandwidth_of (full, point->level);
      else if (point->bound == ENG_BOUND_ARITHMETIC)
        ratio = eng_roof_get_ops (now, point->arithmetic)
                / eng_roof_get_ops (full, point->arithmetic);
      if (ratio < 1)
        gain += point->time.value * (1 - ratio);
    }
  return gain;
}

static char *
dup_threads (guint n)
{
  return g_strdup_printf (n == 1 ? "%u thread" : "%u threads", n);
}

static void
propose_threads (EngAdvisor *self, guint n, char *cause, double gain)
{
  EngRecipe *recipe
      = eng_advice_with (self->in->recipe, "threads", "count", g_variant_new_int64 (n));
  g_autofree char *then = dup_threads (n);

  if (recipe == NULL)
    g_free (cause);
  else
    eng_advisor_propose (self, recipe,
                         g_strdup_printf ("%s instead of %u", then, self->in->n_threads), cause,
                         NULL, gain);
}

static void
propose_more_threads (EngAdvisor *self)
{
  guint idle = self->in->n_cpus - self->in->n_threads;

  propose_threads (self, self->in->n_cpus,
                   g_strdup_printf (idle == 1 ? "%u of %u processors stands idle."
                                              : "%u of %u processors stand idle.",
                                    idle, self->in->n_cpus),
                   gain_from_threads (self));
}

static double
overhead_ms (EngAdvisor *self)
{
  double ms = 0;

  for (guint i = 0; i < eng_profile_get_n_nodes (self->in->profile); i++)
    if (eng_roofline_get_node (self->roofline, i)->bound == ENG_BOUND_OVERHEAD)
      ms += eng_roofline_get_node (self->roofline, i)->time.value;
  return ms;
}

static gboolean
is_mostly_overhead (EngAdvisor *self)
{
  return self->in->n_threads > 1 && overhead_ms (self) >= LEAST_OVERHEAD_SHARE * self->nodes_ms;
}

/* How much of it is waiting for each other no roof says: only a forecast or an earlier run. */
static void
propose_fewer_threads (EngAdvisor *self)
{
  for (guint n = self->in->n_threads - 1; n >= 1; n /= 2)
    propose_threads (
        self, n,
        g_strdup_printf (
            "%.0f %% of the time goes by in operators that are too small for %u threads.",
            100 * overhead_ms (self) / self->nodes_ms, self->in->n_threads),
        NAN);
}

/* ---- fusion ---- */

static gboolean
fusion_is_off (EngAdvisor *self)
{
  return eng_recipe_get_int (self->in->recipe, "fusion", "enabled") == 0;
}

static void
propose_fusion (EngAdvisor *self)
{
  EngRecipe *recipe = eng_advice_with (self->in->recipe, "fusion", "enabled", NULL);

  if (recipe != NULL)
    eng_advisor_propose (self, recipe, g_strdup ("Fuse operators"),
                         g_strdup (
                             "Neighbouring operators run one by one: each writes what the next "
                             "reads, and all threads wait for each other in between."),
                         NULL, NAN);
}

/* ---- earlier ---- */

/* Faster beyond the intervals, no larger, and not known to be less accurate. */
static gboolean
dominates (EngAdvisor *self, const EngAdviceRun *run)
{
  const EngFigure *step = &self->in->step;

  if (!run->step.available || !step->available || !(run->step.high < step->low)
      || eng_recipe_equal (run->recipe, self->in->recipe)
      || eng_advisor_is_known_worse (self, run->recipe))
    return FALSE;
  return !self->in->memory.available || !run->memory.available
         || run->memory.value <= self->in->memory.value * 1.001;
}

static const EngAdviceRun *
find_dominating (EngAdvisor *self)
{
  const EngAdviceRun *best = NULL;

  for (guint i = 0; self->in->runs != NULL && i < self->in->runs->len; i++)
    {
      const EngAdviceRun *run = g_ptr_array_index (self->in->runs, i);

      if (dominates (self, run) && (best == NULL || run->step.value < best->step.value))
        best = run;
    }
  return best;
}

static gboolean
has_dominating (EngAdvisor *self)
{
  return find_dominating (self) != NULL;
}

static void
propose_earlier (EngAdvisor *self)
{
  const EngAdviceRun *run = find_dominating (self);
  g_autofree char *words
      = eng_recipe_describe_for (run->recipe, eng_model_get_kind (self->in->model));

  eng_advisor_propose (
      self, eng_recipe_ref (run->recipe), g_strdup_printf ("Back to: %s", words),
      g_strdup ("An earlier run of this recipe with the same work was faster beyond the intervals "
                "and needed no more memory."),
      NULL, NAN);
}

/* ---- smaller-inputs ---- */

static gboolean
is_mostly_surrounding (EngAdvisor *self)
{
  const EngLatency *front = &self->data->layers[0];

  return self->phase == RT_PHASE_INFERENCE && front->n > 0
         && front->median_ns / 1e6 >= LEAST_SURROUNDING_SHARE * self->nodes_ms;
}

static void
propose_smaller_inputs (EngAdvisor *self)
{
  double ms = self->data->layers[0].median_ns / 1e6;
  g_autoptr (GArray) layers = g_array_new (FALSE, FALSE, sizeof (int));
  EngAdviceDraft *draft;
  int front = -1;

  g_array_append_val (layers, front);
  draft = eng_advisor_propose (
      self, NULL, g_strdup ("Prepare inputs outside"),
      g_strdup_printf (
          "Preparing the input takes %.0f %% of the nodes' time, the network the rest.",
          100 * ms / self->nodes_ms),
      layers, ms);
  draft->action
      = g_strdup ("Hand over inputs of the size that the network reads, or let camera and "
                  "decoder scale them; no recipe changes this.");
}

const EngAdviceRule eng_advice_run_rules[] = {
  { { "kv-cache", "long context: attention waits for keys and values" },
    cache_is_wide,
    propose_cache },
  { { "more-threads", "processors stand idle" }, has_idle_cpus, propose_more_threads },
  { { "fewer-threads", "operators too small for the threads" },
    is_mostly_overhead,
    propose_fewer_threads },
  { { "fusion", "operators run one by one" }, fusion_is_off, propose_fusion },
  { { "earlier", "an earlier run was faster and no larger" }, has_dominating, propose_earlier },
  { { "smaller-inputs", "preparing the input takes longer than it should" },
    is_mostly_surrounding,
    propose_smaller_inputs },
};
const guint eng_advice_n_run_rules = G_N_ELEMENTS (eng_advice_run_rules);
