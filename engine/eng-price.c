/* What every layer costs in every precision: gathered from sensitivities, estimates and sizes.
 * Called by the window's job and the command line; the choosing is eng-price-solve.c, the words
 * eng-price-buy.c. */
#include "eng-price.h"

#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-kernel-bench.h"
#include "eng-price-private.h"
#include "eng-recipe-private.h"
#include "eng-sensitivity.h"

G_DEFINE_BOXED_TYPE (EngPrices, eng_prices, eng_prices_ref, eng_prices_unref)

/* Columns of language models when nobody chose, from the widest: of each width the first that
 * fits. */
static const char *const language_choices[][2]
    = { { "source" },       { "q8_0" }, { "q6_k" },          { "q5_k", "q5_0" },
        { "q4_k", "q4_1" }, { "q4_0" }, { "q3_k", "q3_64" }, { "q2_k", "q2_64" } };
static const char *const network_choices[] = { "float", "int8", NULL };

void
eng_prices_get_param (EngModelKind kind, const char **technique, const char **param)
{
  *technique = kind == ENG_MODEL_LANGUAGE ? "weight-format" : "int8";
  *param = kind == ENG_MODEL_LANGUAGE ? "format" : "precision";
}

static const EngParam *
find_param (EngModelKind kind, const EngTechnique **technique)
{
  const char *technique_id, *param_id;
  eng_prices_get_param (kind, &technique_id, &param_id);
  *technique = eng_technique_find (technique_id);
  return eng_technique_find_param (*technique, param_id);
}

static const EngChoice *
find_choice (EngModelKind kind, const char *id)
{
  const EngTechnique *technique;
  const EngParam *param = find_param (kind, &technique);
  for (const EngChoice *choice = param->choices; choice->id != NULL; choice++)
    if (strcmp (choice->id, id) == 0)
      return choice;
  return NULL;
}

/* Whether most weights of the model can have the format itself, not one that stands in for it. */
static gboolean
fits_most_rows (EngModel *model, const char *id)
{
  int dtype = kn_dtype_from_name (id);
  guint64 n_fit = 0, n_all = 0;

  for (guint i = 0; dtype >= 0 && i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      guint64 n = tensor->n_rows * tensor->n_cols;
      n_all += n;
      n_fit += tensor->n_cols % kn_dtype_info (dtype)->block_len == 0 ? n : 0;
    }
  return dtype < 0 || 2 * n_fit > n_all; /* "source" is no format */
}

GStrv
eng_prices_default_choices (EngModel *model)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  if (eng_model_get_kind (model) == ENG_MODEL_NETWORK)
    return g_strdupv ((GStrv)network_choices);
  for (guint i = 0; i < G_N_ELEMENTS (language_choices); i++)
    for (guint k = 0; k < 2; k++)
      {
        const char *id = language_choices[i][k];
        if (id == NULL || find_choice (ENG_MODEL_LANGUAGE, id) == NULL
            || !fits_most_rows (model, id))
          continue;
        g_strv_builder_add (builder, id);
        break;
      }
  return g_strv_builder_end (builder);
}

/* ---- the object ---- */

EngPrices *
eng_prices_ref (EngPrices *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
eng_prices_unref (EngPrices *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_object_unref (self->model);
  eng_recipe_unref (self->base);
  g_strfreev (self->choices);
  g_free (self->layers);
  g_free (self->prices);
  g_free (self);
}

static void
find_layers (EngPrices *self)
{
  int n_layers = (int)eng_model_get_n_layers (self->model);

  self->layers = g_new (int, (gsize)n_layers + 2);
  for (int layer = -1; layer <= n_layers; layer++)
    for (guint i = 0; i < eng_model_get_n_tensors (self->model); i++)
      if (eng_model_get_tensor (self->model, i)->layer == layer)
        {
          self->layers[self->n_layers++] = layer;
          break;
        }
}

/* Without the priced parameter: everything else of @recipe, its own rules gone. */
static EngRecipe *
without_param (EngModel *model, EngRecipe *recipe)
{
  const EngTechnique *technique;
  const EngParam *param = find_param (eng_model_get_kind (model), &technique);
  EngRecipe *result = eng_recipe_ref (recipe);

  for (guint i = 0; i < eng_recipe_n_rules (recipe, technique->id); i++)
    {
      EngRule rule = eng_recipe_get_rule (recipe, technique->id, i);
      if (strcmp (rule.param, param->id) != 0)
        continue;
      EngRecipe *less = eng_recipe_with (result, technique->id, param->id, rule.match, NULL, NULL);
      eng_recipe_unref (result);
      result = less;
    }
  EngRecipe *plain = eng_recipe_with (result, technique->id, param->id, NULL, NULL, NULL);
  eng_recipe_unref (result);
  return plain;
}

static EngPrices *
prices_new (EngModel *model, EngRecipe *base, const EngPriceConfig *config, GError **error)
{
  EngModelKind kind = eng_model_get_kind (model);
  g_auto (GStrv) choices = config->choices != NULL ? g_strdupv ((GStrv)config->choices)
                                                   : eng_prices_default_choices (model);

  for (guint i = 0; choices[i] != NULL; i++)
    if (find_choice (kind, choices[i]) == NULL)
      {
        const EngTechnique *technique;
        const EngParam *param = find_param (kind, &technique);
        g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                     "\"%s\" is none of the choices of %s.%s; `lathe techniques` lists them",
                     choices[i], technique->id, param->id);
        return NULL;
      }
  if (g_strv_length (choices) < 2)
    {
      g_set_error_literal (error, ENG_ERROR, ENG_ERROR_RANGE,
                           "A price list takes at least two precisions to choose from");
      return NULL;
    }
  EngPrices *self = g_new0 (EngPrices, 1);
  g_atomic_ref_count_init (&self->ref_count);
  self->model = g_object_ref (model);
  self->base = without_param (model, base);
  self->n_choices = g_strv_length (choices);
  self->choices = g_steal_pointer (&choices);
  find_layers (self);
  self->prices = g_new0 (EngPrice, (gsize)self->n_layers * self->n_choices);
  return self;
}

static EngPrices *
prices_copy (EngPrices *from)
{
  EngPrices *self = g_new0 (EngPrices, 1);
  *self = *from;
  g_atomic_ref_count_init (&self->ref_count);
  self->model = g_object_ref (from->model);
  self->base = eng_recipe_ref (from->base);
  self->choices = g_strdupv (from->choices);
  self->layers = g_memdup2 (from->layers, from->n_layers * sizeof *from->layers);
  self->prices
      = g_memdup2 (from->prices, (gsize)from->n_layers * from->n_choices * sizeof *from->prices);
  return self;
}

EngRecipe *
eng_prices_uniform (EngPrices *self, guint choice)
{
  const EngTechnique *technique;
  const EngParam *param = find_param (eng_model_get_kind (self->model), &technique);
  return eng_recipe_with (self->base, technique->id, param->id, NULL,
                          g_variant_new_string (self->choices[choice]), NULL);
}

EngPrice *
eng_prices_at (EngPrices *self, guint row, guint choice)
{
  return &self->prices[(gsize)row * self->n_choices + choice];
}

/* ---- filling ---- */

/* The row that a node's time belongs to: that of the matrix it reads (an output that is the
 * embedding's table costs what the embedding's precision makes of it), else its own layer's; -1:
 * none. */
static int
row_of_node (EngPrices *self, const RtGraph *graph, const RtNode *node, GHashTable *layers)
{
  int layer = node->layer;
  gpointer owner;

  for (guint k = 0; k < node->n_inputs; k++)
    if (node->inputs[k] != RT_NONE
        && g_hash_table_lookup_extended (layers, rt_graph_value (graph, node->inputs[k])->name,
                                         NULL, &owner))
      layer = GPOINTER_TO_INT (owner);
  for (guint r = 0; r < self->n_layers; r++)
    if (self->layers[r] == layer)
      return (int)r;
  return -1;
}

static gboolean
fill_times (EngPrices *self, guint choice, EngRecipe *recipe, EngForecast *forecast, RtPhase phase,
            GError **error)
{
  g_autoptr (EngSketch) sketch = eng_sketch_new (self->model, recipe, error);
  g_autoptr (GHashTable) layers = g_hash_table_new (g_str_hash, g_str_equal);

  if (sketch == NULL)
    return FALSE;
  for (guint i = 0; i < eng_model_get_n_tensors (self->model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (self->model, i);
      g_hash_table_insert (layers, (gpointer)tensor->name, GINT_TO_POINTER (tensor->layer));
    }
  for (guint r = 0; r < self->n_layers; r++)
    {
      EngPrice *price = eng_prices_at (self, r, choice);
      price->ns = 0;
      price->basis = ENG_BASIS_TABLE;
    }
  self->rest_ns = 0;
  self->n_untimed = choice == 0 ? 0 : self->n_untimed;
  const RtGraph *graph = eng_sketch_get_graph (sketch);
  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      const EngExpected *time = eng_forecast_get_node_time (forecast, phase, i);
      int row = row_of_node (self, graph, rt_graph_node (graph, i), layers);
      double *ns = row >= 0 ? &eng_prices_at (self, (guint)row, choice)->ns : &self->rest_ns;
      /* What reads no matrix takes the same with every choice. */
      if (!isfinite (time->ns) && rt_graph_node (graph, i)->op->matrix_inputs == 0)
        {
          self->n_untimed += choice == 0;
          continue;
        }
      *ns += time->ns;
      if (row >= 0)
        {
          EngPrice *price = eng_prices_at (self, (guint)row, choice);
          price->basis = MAX (price->basis, time->basis); /* the worst */
        }
    }
  return TRUE;
}

static gboolean
fill_costs (EngPrices *self, EngEstimator *estimator, const EngEstimateSizes *sizes, GError **error)
{
  gboolean network = eng_model_get_kind (self->model) == ENG_MODEL_NETWORK;
  RtPhase phase = network ? RT_PHASE_INFERENCE : RT_PHASE_DECODE;

  for (guint c = 0; c < self->n_choices; c++)
    {
      g_autoptr (EngRecipe) recipe = eng_prices_uniform (self, c);
      g_autoptr (EngForecast) forecast
          = eng_estimator_forecast (estimator, self->model, recipe, sizes, error);
      if (forecast == NULL || !fill_times (self, c, recipe, forecast, phase, error))
        return FALSE;
      double priced_bytes = 0, all_bytes = 0;
      for (guint r = 0; r < self->n_layers; r++)
        {
          EngPrice *price = eng_prices_at (self, r, c);
          EngLayerMemory memory;
          eng_forecast_get_layer_memory (forecast, self->layers[r], &memory);
          price->bytes = (double)memory.weight_bytes;
          priced_bytes += price->bytes;
        }
      for (int layer = -1; layer <= eng_forecast_get_n_layers (forecast); layer++)
        {
          EngLayerMemory memory;
          eng_forecast_get_layer_memory (forecast, layer, &memory);
          all_bytes += (double)memory.weight_bytes;
        }
      self->rest_bytes = all_bytes - priced_bytes;
    }
  return TRUE;
}

static const char *const not_measured = "not measured yet";

static void
fill_losses (EngPrices *self, guint choice, EngLayerErrors *errors)
{
  const char *unit = eng_layer_errors_sensitivity_unit (eng_model_get_kind (self->model));

  for (guint r = 0; r < self->n_layers; r++)
    {
      EngPrice *price = eng_prices_at (self, r, choice);
      const EngLayerError *layer
          = errors != NULL ? eng_layer_errors_get (errors, self->layers[r]) : NULL;
      price->loss = layer == NULL || layer->n_units == 0
                        ? eng_figure_unavailable (unit, not_measured)
                        : eng_layer_errors_get_sensitivity (errors, self->layers[r]);
      if (layer != NULL && layer->reason != NULL)
        {
          /* Nothing in this layer is changed by this choice. */
          price->same = TRUE;
          price->loss = eng_figure_exact (0, unit);
        }
      if (!price->restored.available)
        price->restored = eng_figure_unavailable (unit, not_measured);
    }
}

/* A choice that changes nothing costs no accuracy. */
static void
fill_same (EngPrices *self, guint choice)
{
  const char *unit = eng_layer_errors_sensitivity_unit (eng_model_get_kind (self->model));
  for (guint r = 0; r < self->n_layers; r++)
    {
      EngPrice *price = eng_prices_at (self, r, choice);
      price->same = TRUE;
      price->loss = price->restored = eng_figure_exact (0, unit);
    }
}

static gboolean
sensitivity_config (const EngPriceConfig *config, EngModel *model,
                    EngSensitivityConfig *sensitivity, char **text, char **name, GError **error)
{
  *sensitivity = (EngSensitivityConfig){ .n_windows = config->n_windows, .inputs = config->inputs };
  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE)
    return TRUE;
  *text = eng_sensitivity_dup_default_text (name, error);
  sensitivity->text = *text;
  sensitivity->text_name = *name;
  return *text != NULL;
}

static void
report (EngJob *job, EngPrices *self, const char *what, guint choice, double progress)
{
  if (job == NULL)
    return;
  g_autofree char *stage
      = g_strdup_printf ("%s, %s", what, eng_prices_get_choice_title (self, choice));
  eng_job_report (job, stage, progress);
}

typedef struct
{
  EngPrices *prices;
  guint choice;
  EngJob *job;
  EngPricesFunc func;
  gpointer user_data;
  gint64 told_us;
} Telling;

static void
on_layers (EngLayerErrors *so_far, gpointer user_data)
{
  Telling *telling = user_data;
  gint64 now_us = g_get_monotonic_time ();

  report (telling->job, telling->prices, "Loss of every layer", telling->choice,
          (telling->choice + eng_layer_errors_get_progress (so_far)) / telling->prices->n_choices);
  if (telling->func == NULL || now_us - telling->told_us < G_USEC_PER_SEC)
    return;
  telling->told_us = now_us;
  g_autoptr (EngPrices) copy = prices_copy (telling->prices);
  fill_losses (copy, telling->choice, so_far);
  telling->func (copy, telling->user_data);
}

static gboolean
measure_losses (EngPrices *self, guint choice, const EngSensitivityConfig *config,
                EngHistory *history, Telling *telling, GError **error)
{
  g_autoptr (EngRecipe) recipe = eng_prices_uniform (self, choice);
  g_autofree char *why_not = eng_sensitivity_why_not (self->model, recipe);

  if (why_not != NULL)
    {
      fill_same (self, choice);
      return TRUE;
    }
  telling->choice = choice;
  report (telling->job, self, "Building", choice, (double)choice / self->n_choices);
  g_autoptr (EngBuild) build
      = eng_build_new_within (self->model, recipe, NULL, telling->job, error);
  g_autoptr (EngLayerErrors) errors
      = build != NULL ? eng_sensitivity_measure (build, config, history, telling->job, on_layers,
                                                 telling, error)
                      : NULL;
  if (errors == NULL)
    return FALSE;
  fill_losses (self, choice, errors);
  return TRUE;
}

static gboolean
load_losses (EngPrices *self, guint choice, const EngSensitivityConfig *config, EngHistory *history,
             GError **error)
{
  g_autoptr (EngRecipe) recipe = eng_prices_uniform (self, choice);
  g_autofree char *why_not = eng_sensitivity_why_not (self->model, recipe);
  GError *local = NULL;

  if (why_not != NULL)
    {
      fill_same (self, choice);
      return TRUE;
    }
  g_autoptr (EngLayerErrors) errors
      = history != NULL ? eng_sensitivity_load (self->model, recipe, config, history, &local)
                        : NULL;
  if (local != NULL)
    {
      g_propagate_error (error, local);
      return FALSE;
    }
  fill_losses (self, choice, errors);
  return TRUE;
}

EngPrices *
eng_prices_load (EngModel *model, EngRecipe *base, const EngPriceConfig *config,
                 EngEstimator *estimator, EngHistory *history, GError **error)
{
  g_return_val_if_fail (ENG_IS_MODEL (model) && base != NULL && config != NULL, NULL);

  g_autoptr (EngPrices) self = prices_new (model, base, config, error);
  g_autofree char *text = NULL, *name = NULL;
  EngSensitivityConfig sensitivity;
  EngEstimateSizes sizes;

  eng_estimate_sizes_init (&sizes, model, NULL);
  gboolean ok = self != NULL && fill_costs (self, estimator, &sizes, error)
                && sensitivity_config (config, model, &sensitivity, &text, &name, error);
  for (guint c = 0; ok && c < self->n_choices; c++)
    ok = load_losses (self, c, &sensitivity, history, error);
  if (ok)
    eng_prices_load_dependence (self);
  return ok ? g_steal_pointer (&self) : NULL;
}

/* Kernels that were never timed, of all columns; those of a column are shared by the layers. */
static gboolean
bench (EngPrices *self, EngEstimator *estimator, const EngEstimateSizes *sizes, double seconds,
       EngJob *job, GError **error)
{
  EngKernelBenchResult result;

  for (guint c = 0; seconds > 0 && c < self->n_choices; c++)
    {
      g_autoptr (EngRecipe) recipe = eng_prices_uniform (self, c);
      report (job, self, "Timing kernels", c, (double)c / self->n_choices);
      if (!eng_kernel_bench (estimator, self->model, recipe, sizes, seconds / self->n_choices, job,
                             &result, error))
        return FALSE;
    }
  return TRUE;
}

EngPrices *
eng_prices_measure (EngModel *model, EngRecipe *base, const EngPriceConfig *config,
                    EngEstimator *estimator, EngHistory *history, EngJob *job, EngPricesFunc func,
                    gpointer user_data, GError **error)
{
  g_return_val_if_fail (ENG_IS_MODEL (model) && base != NULL && config != NULL, NULL);

  g_autoptr (EngPrices) self = eng_prices_load (model, base, config, estimator, history, error);
  g_autofree char *text = NULL, *name = NULL;
  EngSensitivityConfig sensitivity;
  EngEstimateSizes sizes;
  Telling telling = { .prices = self, .job = job, .func = func, .user_data = user_data };

  eng_estimate_sizes_init (&sizes, model, NULL);
  gboolean ok = self != NULL && bench (self, estimator, &sizes, config->bench_s, job, error)
                && fill_costs (self, estimator, &sizes, error)
                && sensitivity_config (config, model, &sensitivity, &text, &name, error);
  for (guint c = 0; ok && c < self->n_choices; c++)
    ok = measure_losses (self, c, &sensitivity, history, &telling, error);
  if (ok && config->dependence)
    ok = eng_prices_measure_dependence (self, job, error);
  if (job != NULL)
    eng_job_finish (job);
  return ok ? g_steal_pointer (&self) : NULL;
}

/* ---- looking ---- */

EngModel *
eng_prices_get_model (EngPrices *self)
{
  return self->model;
}

EngRecipe *
eng_prices_get_base (EngPrices *self)
{
  return self->base;
}

guint
eng_prices_get_n_choices (EngPrices *self)
{
  return self->n_choices;
}

const char *
eng_prices_get_choice (EngPrices *self, guint choice)
{
  g_return_val_if_fail (choice < self->n_choices, NULL);
  return self->choices[choice];
}

const char *
eng_prices_get_choice_title (EngPrices *self, guint choice)
{
  g_return_val_if_fail (choice < self->n_choices, NULL);
  return find_choice (eng_model_get_kind (self->model), self->choices[choice])->title;
}

guint
eng_prices_get_n_layers (EngPrices *self)
{
  return self->n_layers;
}

int
eng_prices_get_layer (EngPrices *self, guint row)
{
  g_return_val_if_fail (row < self->n_layers, -1);
  return self->layers[row];
}

const EngPrice *
eng_prices_get (EngPrices *self, guint row, guint choice)
{
  g_return_val_if_fail (row < self->n_layers && choice < self->n_choices, NULL);
  return eng_prices_at (self, row, choice);
}

double
eng_prices_get_rest_ns (EngPrices *self)
{
  return self->rest_ns;
}

guint
eng_prices_get_n_untimed (EngPrices *self)
{
  return self->n_untimed;
}

double
eng_prices_get_rest_bytes (EngPrices *self)
{
  return self->rest_bytes;
}

const char *
eng_prices_get_loss_unit (EngPrices *self)
{
  return eng_layer_errors_sensitivity_unit (eng_model_get_kind (self->model));
}

gboolean
eng_prices_has_dependence (EngPrices *self)
{
  for (guint i = 0; i < self->n_layers * self->n_choices; i++)
    if (!self->prices[i].same && self->prices[i].restored.available)
      return TRUE;
  return FALSE;
}
