/* Advice: asks every rule what it would change, weighs what that gains, says it in sentences, ranks
 * it. Called by the window and by `lathe advise`; the rules are in eng-advice-weights.c and its
 * neighbours. */
#include "eng-advice-private.h"

#include <math.h>
#include <string.h>

#include "eng-json.h"

/* Less than this is not worth a sentence: repeated runs differ by as much. */
#define LEAST_FRAC 0.02
#define LEAST_BYTES (256 * 1024)
#define LEAST_MEMORY_FRAC 0.02

/* How much a gain counts by what it rests on, when pieces are ranked: a bound is never quite
 * reached. */
static const double trust[] = { 1.0, 0.9, 0.6 };

/* And by what is known of the results: nothing; accuracy per layer; an evaluation, of which each
 * percent that it is worse takes five. */
#define TRUST_UNKNOWN 0.7
#define TRUST_LAYERS 0.9
#define TRUST_PER_LOSS 5.0

const char *
eng_advice_basis_name (EngAdviceBasis basis)
{
  static const char *const names[] = { "measured", "estimated", "roof" };

  g_return_val_if_fail (basis < G_N_ELEMENTS (names), NULL);
  return names[basis];
}

void
eng_advice_free (EngAdvice *advice)
{
  if (advice == NULL)
    return;
  g_free (advice->layers);
  g_clear_pointer (&advice->recipe, eng_recipe_unref);
  g_free (advice->title);
  g_free (advice->cause);
  g_free (advice->gain);
  g_free (advice->cost);
  g_free (advice->risk);
  g_free (advice->action);
  g_free (advice->sentence);
  g_free (advice);
}

void
eng_advice_forecast_free (EngAdviceForecast *forecast)
{
  if (forecast == NULL)
    return;
  g_free (forecast->layers_ms);
  g_free (forecast);
}

void
eng_advice_input_init (EngAdviceInput *input, EngModel *model, EngRun *run)
{
  gboolean network = eng_model_get_kind (model) == ENG_MODEL_NETWORK;

  g_return_if_fail (ENG_IS_MODEL (model) && ENG_IS_RUN (run));

  *input = (EngAdviceInput){ .model = model,
                             .recipe = eng_run_get_recipe (run),
                             .profile = eng_run_get_profile (run),
                             .n_threads = eng_run_get_n_threads (run),
                             .n_ctx = eng_run_get_n_ctx (run),
                             .n_prompt = eng_run_get_n_prompt (run),
                             .n_generated = eng_run_get_n_generated (run),
                             .n_cpus = g_get_num_processors () };
  input->step = eng_run_get_figure (run, network ? ENG_FIGURE_INFERENCE : ENG_FIGURE_STEP_CLEAN);
  input->memory = eng_run_get_figure (run, ENG_FIGURE_PEAK_MEMORY);
}

/* ---- Drafts ---- */

static void
draft_free (gpointer data)
{
  EngAdviceDraft *draft = data;

  g_clear_pointer (&draft->recipe, eng_recipe_unref);
  g_free (draft->title);
  g_free (draft->cause);
  g_free (draft->action);
  g_clear_pointer (&draft->layers, g_array_unref);
  g_free (draft);
}

EngAdviceDraft *
eng_advisor_propose (EngAdvisor *self, EngRecipe *recipe, char *title, char *cause, GArray *layers,
                     double roof_gain_ms)
{
  EngAdviceDraft *draft = g_new0 (EngAdviceDraft, 1);

  draft->rule = self->rule;
  draft->recipe = recipe;
  draft->title = title;
  draft->cause = cause;
  draft->layers = layers != NULL ? g_array_ref (layers) : NULL;
  draft->roof_gain_ms = roof_gain_ms;
  draft->memory_bytes = NAN;
  g_ptr_array_add (self->drafts, draft);
  return draft;
}

/* ---- Weighing ---- */

/* The newest run of @recipe with a time; NULL: it was never run. */
static const EngAdviceRun *
find_run (EngAdvisor *self, EngRecipe *recipe)
{
  for (guint i = 0; self->in->runs != NULL && i < self->in->runs->len; i++)
    {
      const EngAdviceRun *run = g_ptr_array_index (self->in->runs, i);

      if (run->step.available && eng_recipe_equal (run->recipe, recipe))
        return run;
    }
  return NULL;
}

static double
prompt_gain (const EngAdviceForecast *now, const EngAdviceForecast *then, double measured_ms)
{
  double before = now->step_ms[RT_PHASE_PREFILL], after = then->step_ms[RT_PHASE_PREFILL];

  return before > 0 && !isnan (after) && measured_ms > 0 ? measured_ms * (1 - after / before) : 0;
}

/* What the prompt of the workload took: its chunks. */
static double
prompt_ms (EngAdvisor *self)
{
  const EngPhaseProfile *data = eng_profile_get_phase (self->in->profile, RT_PHASE_PREFILL);

  if (self->phase != RT_PHASE_DECODE || data->total.n == 0 || data->n_tokens == 0)
    return 0;
  return data->total.median_ns / 1e6 * ceil ((double)self->in->n_prompt / data->n_tokens);
}

static void
weigh_by_run (EngAdvisor *self, const EngAdviceRun *run, EngAdvice *advice)
{
  double before = self->in->step.available ? self->in->step.value : self->step_ms;

  advice->basis = ENG_ADVICE_MEASURED;
  advice->gain_ms = before - run->step.value;
  /* Intervals that overlap: neither is known to be faster. */
  if (advice->gain_ms > 0 && self->in->step.available && run->step.high > self->in->step.low)
    advice->gain_ms = 0;
  advice->gain_frac = advice->gain_ms / before;
  if (self->in->step.available)
    {
      advice->low_frac = 1 - run->step.high / self->in->step.low;
      advice->high_frac = 1 - run->step.low / self->in->step.high;
    }
  advice->run_gain_ms = advice->gain_ms * self->n_steps;
  if (self->in->memory.available && run->memory.available)
    advice->memory_bytes = run->memory.value - self->in->memory.value;
}

static gboolean
weigh_by_forecast (EngAdvisor *self, EngAdviceDraft *draft, EngAdvice *advice)
{
  g_autoptr (EngAdviceForecast) then = NULL;
  double before, after;

  if (self->now == NULL)
    return FALSE;
  then = self->in->forecast (self->in->model, draft->recipe, self->in->forecast_data);
  if (then == NULL)
    return FALSE;
  before = self->now->step_ms[self->phase];
  after = then->step_ms[self->phase];
  if (!(before > 0) || isnan (after))
    return FALSE;
  advice->basis = then->from_roofs ? ENG_ADVICE_ROOF : ENG_ADVICE_ESTIMATED;
  advice->gain_frac = (1 - after / before) * self->nodes_ms / self->step_ms;
  advice->gain_ms = advice->gain_frac * self->step_ms;
  advice->low_frac = (1 - then->band * after / before) * self->nodes_ms / self->step_ms;
  advice->high_frac = (1 - after / (then->band * before)) * self->nodes_ms / self->step_ms;
  advice->run_gain_ms
      = advice->gain_ms * self->n_steps + prompt_gain (self->now, then, prompt_ms (self));
  if (!isnan (then->memory_bytes) && !isnan (self->now->memory_bytes))
    advice->memory_bytes = then->memory_bytes - self->now->memory_bytes;
  return TRUE;
}

static void
weigh_by_roof (EngAdvisor *self, const EngAdviceDraft *draft, EngAdvice *advice)
{
  advice->basis = ENG_ADVICE_ROOF;
  advice->gain_ms = isnan (draft->roof_gain_ms) ? 0 : draft->roof_gain_ms;
  advice->gain_frac = advice->gain_ms / self->step_ms;
  advice->run_gain_ms = advice->gain_ms * self->n_steps;
}

/* Whether it is worth saying. Sentences of one recipe against the same recipe never are. */
static gboolean
is_worth (EngAdvisor *self, const EngAdviceDraft *draft, const EngAdvice *advice)
{
  double resident = self->in->memory.available ? self->in->memory.value : 0;

  if (draft->recipe == NULL)
    return advice->gain_frac >= LEAST_FRAC;
  if (advice->run_gain_ms < 0 || advice->gain_frac < -LEAST_FRAC / 2)
    return FALSE;
  if (advice->gain_frac >= LEAST_FRAC)
    return TRUE;
  /* Memory alone counts where results stay the same. */
  return !advice->changes_results && advice->memory_bytes <= -LEAST_BYTES
         && -advice->memory_bytes >= LEAST_MEMORY_FRAC * resident;
}

static gboolean
changes_results (EngRecipe *a, EngRecipe *b)
{
  g_autoptr (EngRecipe) x = eng_recipe_lossy_part (a);
  g_autoptr (EngRecipe) y = eng_recipe_lossy_part (b);

  return !eng_recipe_equal (x, y);
}

/* ---- Words ---- */

static char *
format_ms (double ms)
{
  return eng_format_value (ms / 1e3, "s");
}

static char *
dup_bytes_change (double bytes)
{
  g_autofree char *size = eng_format_value (fabs (bytes), "B");

  return g_strconcat (bytes < 0 ? "−" : "+", size, NULL);
}

/* A saving is a fall: "−13", and "+2" where it may be none. */
static char *
dup_percent (double frac)
{
  double percent = round (100 * frac);

  return g_strdup_printf ("%s%.0f", percent > 0 ? "−" : percent < 0 ? "+" : "", fabs (percent));
}

static const char *
get_grounds (const EngAdvice *advice)
{
  static const char *const grounds[] = { "measured", "estimated", "from the roofs" };

  /* What is done outside of the program may take all of it away, or less. */
  return g_str_equal (advice->rule, "smaller-inputs") ? "at most" : grounds[advice->basis];
}

static char *
dup_gain (EngAdvisor *self, const EngAdvice *advice)
{
  g_autofree char *ms = format_ms (advice->gain_ms);
  g_autofree char *percent = dup_percent (advice->gain_frac);
  g_autofree char *low = NULL;
  g_autofree char *high = NULL;

  if (advice->gain_frac < LEAST_FRAC)
    return dup_bytes_change (advice->memory_bytes);
  if (!isfinite (advice->low_frac) || !isfinite (advice->high_frac))
    return g_strdup_printf ("−%s per %s (%s %%, %s)", ms, eng_advice_step_name (self->phase),
                            percent, get_grounds (advice));
  low = dup_percent (advice->low_frac);
  high = dup_percent (advice->high_frac);
  return g_strdup_printf ("−%s per %s (%s %%, %s %s to %s %%)", ms,
                          eng_advice_step_name (self->phase), percent, get_grounds (advice), low,
                          high);
}

/* An evaluation of a recipe with the same rounding as @recipe; with @like, of the same figure on
 * the same set. */
static const EngAdviceRun *
find_quality (EngAdvisor *self, EngRecipe *recipe, const EngAdviceRun *like)
{
  for (guint i = 0; self->in->runs != NULL && i < self->in->runs->len; i++)
    {
      const EngAdviceRun *run = g_ptr_array_index (self->in->runs, i);

      if (run->quality.available && !changes_results (run->recipe, recipe)
          && (like == NULL
              || (run->quality_id == like->quality_id && g_strcmp0 (run->set, like->set) == 0)))
        return run;
    }
  return NULL;
}

/* How results change, where both recipes were evaluated; NULL: not known. */
static char *
dup_quality_change (EngAdvisor *self, EngRecipe *recipe, double *worse_frac)
{
  const EngAdviceRun *after = find_quality (self, recipe, NULL);
  const EngAdviceRun *before = after != NULL ? find_quality (self, self->in->recipe, after) : NULL;
  g_autofree char *from = NULL;
  g_autofree char *to = NULL;
  double change;

  *worse_frac = NAN;
  if (before == NULL)
    return NULL;
  change = (after->quality.value - before->quality.value) / fabs (before->quality.value);
  *worse_frac = eng_figure_id_lower_is_better (after->quality_id) ? change : -change;
  from = eng_format_value (before->quality.value, after->quality.unit);
  to = eng_format_value (after->quality.value, after->quality.unit);
  return g_strdup_printf ("%s %s → %s (%+.1f %%)", eng_figure_id_title (after->quality_id), from,
                          to, 100 * change);
}

gboolean
eng_advisor_is_known_worse (EngAdvisor *self, EngRecipe *recipe)
{
  double worse;
  g_autofree char *words = NULL;

  if (!changes_results (recipe, self->in->recipe))
    return FALSE;
  words = dup_quality_change (self, recipe, &worse);
  return words != NULL && worse > 0;
}

/* What is known of results that a technique changes: words, and how much that counts. */
static void
weigh_risk (EngAdvisor *self, const EngAdviceDraft *draft, EngAdvice *advice)
{
  double worse = NAN;

  if (!advice->changes_results)
    return;
  advice->risk = dup_quality_change (self, draft->recipe, &worse);
  if (advice->risk != NULL)
    advice->weight *= CLAMP (1 - TRUST_PER_LOSS * worse, 0, 1);
  else if (self->in->loss != NULL)
    {
      advice->risk = self->in->loss (self->in->model, draft->recipe, self->in->loss_data);
      advice->weight *= advice->risk != NULL ? TRUST_LAYERS : 1;
    }
  if (advice->risk == NULL)
    {
      advice->risk = g_strdup ("accuracy unknown");
      advice->weight *= TRUST_UNKNOWN;
    }
}

static char *
dup_cost (const EngAdviceDraft *draft, const EngAdvice *advice)
{
  g_autofree char *memory = NULL;
  GString *text = g_string_new (NULL);

  if (draft->recipe == NULL)
    return g_string_free (text, FALSE);
  g_string_append (text, advice->risk != NULL ? advice->risk : "same results");
  if (g_strcmp0 (advice->risk, "accuracy unknown") == 0)
    g_string_append (text, ": measure it");
  if (advice->gain_frac >= LEAST_FRAC && fabs (advice->memory_bytes) >= LEAST_BYTES)
    {
      memory = dup_bytes_change (advice->memory_bytes);
      g_string_append_printf (text, "; %s memory", memory);
    }
  return g_string_free (text, FALSE);
}

static char *
dup_sentence (const EngAdvice *advice)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "%s: %s", advice->title, advice->gain);
  if (*advice->cost != '\0')
    g_string_append_printf (text, "; %s", advice->cost);
  g_string_append_printf (text, ". %s", advice->cause);
  if (advice->action != NULL)
    g_string_append_printf (text, " %s", advice->action);
  return g_string_free (text, FALSE);
}

/* ---- One piece ---- */

/* NULL: not worth saying, or known to be no faster. */
static EngAdvice *
weigh (EngAdvisor *self, EngAdviceDraft *draft)
{
  g_autoptr (EngAdvice) advice = g_new0 (EngAdvice, 1);
  const EngAdviceRun *run = draft->recipe != NULL ? find_run (self, draft->recipe) : NULL;

  if (draft->recipe != NULL && eng_recipe_equal (draft->recipe, self->in->recipe))
    return NULL;
  advice->rule = draft->rule;
  advice->low_frac = advice->high_frac = NAN;
  advice->phase = self->phase;
  advice->memory_bytes = draft->recipe == NULL ? NAN
                         : !isnan (draft->memory_bytes)
                             ? draft->memory_bytes
                             : eng_advice_recipe_bytes (self->in->model, draft->recipe)
                                   - eng_advice_recipe_bytes (self->in->model, self->in->recipe);
  advice->changes_results
      = draft->recipe != NULL && changes_results (draft->recipe, self->in->recipe);
  if (run != NULL)
    weigh_by_run (self, run, advice);
  else if (draft->recipe == NULL || !weigh_by_forecast (self, draft, advice))
    weigh_by_roof (self, draft, advice);
  if (!is_worth (self, draft, advice))
    return NULL;

  advice->recipe = draft->recipe != NULL ? eng_recipe_ref (draft->recipe) : NULL;
  if (draft->layers != NULL)
    {
      advice->n_layers = draft->layers->len;
      advice->layers = g_memdup2 (draft->layers->data, sizeof (int) * draft->layers->len);
    }
  advice->title = g_strdup (draft->title);
  advice->cause = g_strdup (draft->cause);
  advice->action = g_strdup (draft->action);
  advice->gain = dup_gain (self, advice);
  advice->weight = trust[advice->basis];
  weigh_risk (self, draft, advice);
  advice->cost = dup_cost (draft, advice);
  advice->sentence = dup_sentence (advice);
  return g_steal_pointer (&advice);
}

/* ---- Ranking ---- */

static int
rank_class (const EngAdvice *advice)
{
  if (advice->recipe == NULL)
    return 2;
  return advice->gain_frac >= LEAST_FRAC ? 0 : 1;
}

static gint
compare_advice (gconstpointer a, gconstpointer b)
{
  const EngAdvice *x = *(EngAdvice *const *)a, *y = *(EngAdvice *const *)b;
  double gain_x = x->run_gain_ms * x->weight, gain_y = y->run_gain_ms * y->weight;

  if (rank_class (x) != rank_class (y))
    return rank_class (x) - rank_class (y);
  if (gain_x != gain_y)
    return gain_x > gain_y ? -1 : 1;
  return (x->memory_bytes > y->memory_bytes) - (x->memory_bytes < y->memory_bytes);
}

/* The best of each rule, and one recipe once. */
static gboolean
is_repeated (GPtrArray *kept, const EngAdvice *advice)
{
  for (guint i = 0; i < kept->len; i++)
    {
      const EngAdvice *other = g_ptr_array_index (kept, i);

      if (g_str_equal (other->rule, advice->rule)
          || (other->recipe != NULL && advice->recipe != NULL
              && eng_recipe_equal (other->recipe, advice->recipe)))
        return TRUE;
    }
  return FALSE;
}

/* ---- All ---- */

static const struct
{
  const EngAdviceRule *rules;
  const guint *n;
} rule_lists[] = {
  { eng_advice_weight_rules, &eng_advice_n_weight_rules },
  { eng_advice_run_rules, &eng_advice_n_run_rules },
  { eng_advice_memory_rules, &eng_advice_n_memory_rules },
};

static void
find_tensors (EngAdvisor *self)
{
  const RtGraph *graph = eng_model_get_graph (self->in->model);
  guint n = eng_profile_get_n_nodes (self->in->profile);

  self->node_tensors = g_new0 (GPtrArray *, n + 1);
  for (guint i = 0; i < n; i++)
    {
      const char *const *sources = eng_profile_get_node_sources (self->in->profile, i);

      for (guint s = 0; sources != NULL && sources[s] != NULL; s++)
        {
          RtNodeId id = rt_graph_find_node (graph, sources[s]);
          const RtNode *node = id != RT_NONE ? rt_graph_node (graph, id) : NULL;

          for (guint k = 0; node != NULL && k < node->n_inputs; k++)
            for (guint t = 0; t < eng_model_get_n_tensors (self->in->model); t++)
              if (eng_model_get_tensor (self->in->model, t)->value == node->inputs[k])
                {
                  if (self->node_tensors[i] == NULL)
                    self->node_tensors[i] = g_ptr_array_new ();
                  g_ptr_array_add (self->node_tensors[i],
                                   (gpointer)eng_model_get_tensor (self->in->model, t));
                }
        }
    }
}

static gboolean
advisor_init (EngAdvisor *self, const EngAdviceInput *input)
{
  *self = (EngAdvisor){ .in = input };
  self->phase = eng_model_get_kind (input->model) == ENG_MODEL_NETWORK ? RT_PHASE_INFERENCE
                                                                       : RT_PHASE_DECODE;
  self->data = eng_profile_get_phase (input->profile, self->phase);
  self->n_layers = (int)eng_model_get_n_layers (input->model);
  if (self->data->total.n == 0 || !(self->data->total.median_ns > 0)
      || eng_profile_get_n_layers (input->profile) != self->n_layers)
    return FALSE;
  self->nodes_ms = self->data->total.median_ns / 1e6;
  /* Instrumented nodes may sum up to more than a clean step takes. */
  self->step_ms = fmax (input->step.available ? input->step.value : 0, self->nodes_ms);
  self->n_steps = self->phase == RT_PHASE_DECODE ? MAX (input->n_generated, 1) : 1;
  self->roofline = eng_roofline_new (input->profile, self->phase, input->roof);
  self->drafts = g_ptr_array_new_with_free_func (draft_free);
  find_tensors (self);
  if (input->forecast != NULL)
    self->now = input->forecast (input->model, input->recipe, input->forecast_data);
  return TRUE;
}

static void
advisor_clear (EngAdvisor *self)
{
  for (guint i = 0; i < eng_profile_get_n_nodes (self->in->profile); i++)
    g_clear_pointer (&self->node_tensors[i], g_ptr_array_unref);
  g_free (self->node_tensors);
  g_ptr_array_unref (self->drafts);
  eng_roofline_free (self->roofline);
  eng_advice_forecast_free (self->now);
}

GPtrArray *
eng_advise (const EngAdviceInput *input)
{
  GPtrArray *kept = g_ptr_array_new_with_free_func ((GDestroyNotify)eng_advice_free);
  g_autoptr (GPtrArray) all = g_ptr_array_new ();
  EngAdvisor self;

  g_return_val_if_fail (input != NULL && ENG_IS_MODEL (input->model), kept);

  if (input->profile == NULL || !advisor_init (&self, input))
    return kept;
  for (guint l = 0; l < G_N_ELEMENTS (rule_lists); l++)
    for (guint r = 0; r < *rule_lists[l].n; r++)
      {
        self.rule = rule_lists[l].rules[r].info.id;
        if (!g_cancellable_is_cancelled (input->cancellable)
            && rule_lists[l].rules[r].applies (&self))
          rule_lists[l].rules[r].propose (&self);
      }
  for (guint i = 0; i < self.drafts->len && !g_cancellable_is_cancelled (input->cancellable); i++)
    {
      EngAdvice *advice = weigh (&self, g_ptr_array_index (self.drafts, i));

      if (advice != NULL)
        g_ptr_array_add (all, advice);
    }
  g_ptr_array_sort (all, compare_advice);
  for (guint i = 0; i < all->len; i++)
    {
      EngAdvice *advice = g_ptr_array_index (all, i);

      if (is_repeated (kept, advice))
        eng_advice_free (advice);
      else
        g_ptr_array_add (kept, advice);
    }
  advisor_clear (&self);
  return kept;
}

const EngAdviceRuleInfo *
eng_advice_rules (guint *n)
{
  static EngAdviceRuleInfo *infos;
  static guint n_infos;

  if (g_once_init_enter (&infos))
    {
      GArray *list = g_array_new (FALSE, FALSE, sizeof (EngAdviceRuleInfo));

      for (guint l = 0; l < G_N_ELEMENTS (rule_lists); l++)
        for (guint r = 0; r < *rule_lists[l].n; r++)
          g_array_append_val (list, rule_lists[l].rules[r].info);
      n_infos = list->len;
      g_once_init_leave (&infos, (EngAdviceRuleInfo *)g_array_free (list, FALSE));
    }
  *n = n_infos;
  return infos;
}

char *
eng_advice_to_json (GPtrArray *advice)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_array (builder);
  for (guint i = 0; i < advice->len; i++)
    {
      const EngAdvice *one = g_ptr_array_index (advice, i);

      json_builder_begin_object (builder);
      eng_json_add_string (builder, "rule", one->rule);
      eng_json_add_string (builder, "title", one->title);
      eng_json_add_string (builder, "cause", one->cause);
      eng_json_add_string (builder, "phase",
                           one->phase == RT_PHASE_DECODE ? "decode" : "inference");
      eng_json_add_double (builder, "gain_ms_per_step", one->gain_ms);
      eng_json_add_double (builder, "gain_fraction", one->gain_frac);
      eng_json_add_double (builder, "gain_fraction_low", one->low_frac);
      eng_json_add_double (builder, "gain_fraction_high", one->high_frac);
      eng_json_add_double (builder, "gain_ms_whole_run", one->run_gain_ms);
      eng_json_add_string (builder, "basis", eng_advice_basis_name (one->basis));
      eng_json_add_double (builder, "memory_change_bytes", one->memory_bytes);
      eng_json_add_bool (builder, "changes_results", one->changes_results);
      eng_json_add_double (builder, "ranking_weight", one->weight);
      eng_json_add_string (builder, "cost", one->cost);
      eng_json_add_string (builder, "action", one->action);
      json_builder_set_member_name (builder, "layers");
      json_builder_begin_array (builder);
      for (guint k = 0; k < one->n_layers; k++)
        json_builder_add_int_value (builder, one->layers[k]);
      json_builder_end_array (builder);
      json_builder_set_member_name (builder, "recipe");
      if (one->recipe != NULL)
        {
          g_autofree char *recipe = eng_recipe_to_json (one->recipe);

          json_builder_add_value (builder, json_from_string (recipe, NULL));
        }
      else
        json_builder_add_null_value (builder);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  return eng_json_builder_finish (builder, FALSE);
}
