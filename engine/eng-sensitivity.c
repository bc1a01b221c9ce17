/* The measurement of accuracy per layer: units outside, layers inside, every record kept as soon as
 * it is there. Called by the window's job and the command line. What a unit is lives in
 * eng-sensitivity-text.c and eng-sensitivity-inputs.c, how one layer is run in eng-layer-pair.c.
 *
 * Units outside, so that only one unit's values and logits are in memory, all layers get their
 * first figures within a fraction of the whole time, and intervals narrow from there. */
#include "eng-sensitivity.h"

#include <string.h>

#include "eng-build-private.h"
#include "eng-error.h"
#include "eng-history-private.h"
#include "eng-model-private.h"
#include "eng-sensitivity-private.h"
#include "eval/eng-text-set.h"

typedef struct
{
  EngUnits *units;
  EngLayerTable *table;
  EngHistory *history;
  char *key;
  EngJob *job;
  EngSensitivityFunc func;
  gpointer user_data;
  int n_layers;
  char **layer_keys; /* [n_layers + 2]; NULL: see eng_sensitivity_dup_layer_key() */
} Measuring;

/* ---- names ---- */

char *
eng_sensitivity_dup_key (EngModel *model, EngRecipe *recipe, const EngSensitivityConfig *config)
{
  g_return_val_if_fail (ENG_IS_MODEL (model) && recipe != NULL && config != NULL, NULL);

  g_autoptr (EngRecipe) lossy = eng_recipe_lossy_part (recipe);
  g_autofree char *json = eng_recipe_to_json (lossy);
  g_autoptr (GString) text = g_string_new ("lathe layer errors 1\n");

  if (config->reference != NULL)
    g_string_append_printf (text, "reference %s\n", eng_model_get_identity (config->reference));
  g_string_append_printf (text, "engine %s\nmodel %s\nrecipe %s\n", LATHE_VERSION,
                          eng_model_get_identity (model), json);
  if (eng_model_get_kind (model) == ENG_MODEL_LANGUAGE)
    {
      g_autofree char *hash
          = g_compute_checksum_for_string (G_CHECKSUM_SHA256,
                                           config->text != NULL ? config->text : "", -1);
      if (config->by_matrix)
        g_string_append (text, "matrices\n");
      g_string_append_printf (text, "text %s\nwindow %u\n", hash,
                              config->n_tokens > 0 ? config->n_tokens : ENG_SENSITIVITY_TOKENS);
    }
  else
    g_string_append_printf (text, "inputs %s\n",
                            config->inputs != NULL ? config->inputs : "random");
  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, text->str, (gssize)text->len);
}

/* Whether the file itself has numbers in codes. */
static gboolean
is_quantized_file (EngModel *model)
{
  const RtGraph *graph = eng_model_get_graph (model);
  for (RtValueId id = 0; id < rt_graph_n_values (graph); id++)
    if (rt_graph_value (graph, id)->quant != NULL)
      return TRUE;
  return FALSE;
}

char *
eng_sensitivity_why_not (EngModel *model, EngRecipe *recipe)
{
  g_return_val_if_fail (ENG_IS_MODEL (model) && recipe != NULL, NULL);

  g_autoptr (EngRecipe) lossy = eng_recipe_lossy_part (recipe);
  g_autoptr (EngRecipe) none = eng_recipe_new ();

  if (eng_model_get_report (model)[0] != NULL)
    return g_strdup ("parts of this network are not supported");
  if (eng_recipe_is_set (recipe, "vocabulary", "tokens"))
    return g_strdup ("a trimmed vocabulary cuts text into other tokens: what that costs is not a "
                     "matter of layers. Take it out of the recipe to see what the rest costs");
  if (!eng_recipe_equal (lossy, none))
    return NULL;
  if (eng_model_get_kind (model) == ENG_MODEL_NETWORK && is_quantized_file (model))
    return g_strdup ("the file is quantized already and its float original is not here: there is "
                     "nothing to compare it with");
  return g_strdup ("nothing in this recipe changes results: there is nothing to compare");
}

char *
eng_sensitivity_dup_default_text (char **name, GError **error)
{
  g_autoptr (EngTextSet) set = eng_text_set_load (ENG_BUNDLED_TEXTS, error);
  g_autoptr (GString) text = g_string_new (NULL);

  if (set == NULL)
    return NULL;
  for (guint i = 0; i < set->texts->len; i++)
    {
      const EngText *part = set->texts->pdata[i];
      gsize n;
      const char *bytes = g_bytes_get_data (part->text, &n);
      g_string_append_len (text, bytes, (gssize)n);
      g_string_append (text, "\n\n");
    }
  if (name != NULL)
    *name = g_strdup (set->title);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

double
eng_sensitivity_n_tokens (EngModel *model, const EngSensitivityConfig *config)
{
  double n_windows = config->n_windows > 0 ? config->n_windows : ENG_SENSITIVITY_WINDOWS;
  double n_tokens = config->n_tokens > 0 ? config->n_tokens : ENG_SENSITIVITY_TOKENS;
  /* Of every layer on average half of the network; two whole runs and one layer after the other. */
  double n_changes = eng_model_get_n_layers (model) + 2;
  if (config->by_matrix)
    {
      g_auto (GStrv) names = eng_pair_list_matrices (eng_model_get_graph (model));
      n_changes = g_strv_length (names);
    }
  return n_windows * n_tokens * (n_changes / 2 + 3);
}

/* ---- what is kept ---- */

typedef struct
{
  EngLayerTable *table;
  EngUnits *units;
  GHashTable *by_name; /* name -> unit + 1 */
  int n_layers;
} Restoring;

static void
restore (const char *unit, int layer, const char *numbers, gpointer data)
{
  Restoring *self = data;
  guint index = GPOINTER_TO_UINT (g_hash_table_lookup (self->by_name, unit));
  EngLayerUnit record;

  if (index > 0 && (layer == ENG_LAYER_WHOLE || (layer >= -1 && layer <= self->n_layers))
      && eng_layer_unit_from_text (numbers, &record))
    eng_layer_table_put (self->table, index - 1, layer, &record);
}

static gboolean
read_kept (EngHistory *history, const char *key, EngUnits *units, EngLayerTable *table,
           int n_layers, GError **error)
{
  g_autoptr (GHashTable) by_name = g_hash_table_new (g_str_hash, g_str_equal);
  Restoring restoring = { table, units, by_name, n_layers };

  for (guint i = 0; i < units->n; i++)
    g_hash_table_insert (by_name, units->names[i], GUINT_TO_POINTER (i + 1));
  return history == NULL || eng_history_read_layer_units (history, key, restore, &restoring, error);
}

static gboolean
keep (Measuring *self, guint unit, int layer, const EngLayerUnit *record, GError **error)
{
  g_autofree char *text = eng_layer_unit_to_text (record);
  const char *name = self->units->names[unit];
  const char *shared = layer != ENG_LAYER_WHOLE ? self->layer_keys[layer + 1] : NULL;

  eng_layer_table_put (self->table, unit, layer, record);
  if (self->history == NULL)
    return TRUE;
  return eng_history_add_layer_unit (self->history, self->key, name, layer, text, error)
         && (shared == NULL
             || eng_history_add_layer_unit (self->history, shared, name, layer, text, error));
}

static EngUnits *
units_new (EngModel *model, const EngSensitivityConfig *config, EngBuild *reference,
           EngBuild *changed, RtPool *pool, EngJob *job, GError **error)
{
  return eng_model_get_kind (model) == ENG_MODEL_LANGUAGE
             ? eng_text_units_new (model, config, reference, changed, ENG_LAYER_NONE, pool, error)
             : eng_input_units_new (model, config, reference, changed, ENG_LAYER_NONE, pool, job,
                                    error);
}

/* Whether another recipe has shown anything of this one's layers. */
static gboolean
may_borrow (EngBuild *sketch, const EngSensitivityConfig *config, EngHistory *history)
{
  for (int layer = -1;
       sketch != NULL && layer <= (int)eng_model_get_n_layers (eng_build_get_model (sketch));
       layer++)
    {
      g_autofree char *key = eng_sensitivity_dup_layer_key (sketch, config, layer);
      if (key != NULL && eng_history_has_layer_units (history, key))
        return TRUE;
    }
  return FALSE;
}

/* Layers without a matrix may have other reasons for being empty; which, only the builds know. */
EngLayerErrors *
eng_sensitivity_load (EngModel *model, EngRecipe *recipe, const EngSensitivityConfig *config,
                      EngHistory *history, GError **error)
{
  g_return_val_if_fail (ENG_IS_MODEL (model) && recipe != NULL && config != NULL
                            && ENG_IS_HISTORY (history),
                        NULL);

  g_autofree char *key = eng_sensitivity_dup_key (model, recipe, config);
  g_autofree char *changed = eng_recipe_describe_for (recipe, eng_model_get_kind (model));
  g_auto (GStrv) names
      = config->by_matrix ? eng_pair_list_matrices (eng_model_get_graph (model)) : NULL;
  int n_layers
      = names != NULL ? (int)g_strv_length (names) - 2 : (int)eng_model_get_n_layers (model);

  g_autoptr (EngBuild) sketch
      = eng_model_get_kind (model) == ENG_MODEL_LANGUAGE && !config->by_matrix
            ? eng_build_new_sketch (model, recipe, error)
            : NULL;
  if (!eng_history_has_layer_units (history, key) && !may_borrow (sketch, config, history))
    return NULL;
  EngUnits *units = units_new (model, config, NULL, NULL, NULL, NULL, error);
  if (units == NULL)
    return NULL;
  g_autoptr (EngLayerTable) table
      = eng_layer_table_new (eng_model_get_kind (model), n_layers, units->n, units->title, changed);
  if (names != NULL)
    eng_layer_table_set_names (table, (const char *const *)names);
  gboolean ok = read_kept (history, key, units, table, n_layers, error)
                && (sketch == NULL
                    || eng_sensitivity_borrow (sketch, config, history, units, table, error));
  for (int layer = -1; ok && layer <= n_layers; layer++)
    {
      gboolean known = FALSE;
      for (guint unit = 0; unit < units->n; unit++)
        known |= eng_layer_table_has (table, unit, layer);
      if (!known && eng_layer_table_has (table, 0, ENG_LAYER_WHOLE))
        eng_layer_table_set_reason (table, layer,
                                    "not measured: nothing of it can be compared alone");
    }
  units->class->free (units);
  return ok ? eng_layer_table_snapshot (table) : NULL;
}

/* ---- measuring ---- */

static void
add_error_sums (EngErrorSums *to, const EngErrorSums *from)
{
  to->signal += from->signal;
  to->noise += from->noise;
  to->changed += from->changed;
  to->dot += from->dot;
}

static gboolean
run_side (Measuring *self, EngSide side, GError **error)
{
  RtError rt_error = { 0 };
  if (self->job != NULL
      && g_cancellable_set_error_if_cancelled (eng_job_get_cancellable (self->job), error))
    return FALSE;
  return self->units->class->run (self->units, side, &rt_error)
         || eng_error_take_rt (&rt_error, error);
}

static void
tell (Measuring *self, guint unit)
{
  EngLayerErrors *so_far = eng_layer_table_snapshot (self->table);
  if (self->job != NULL)
    {
      g_autofree char *stage
          = g_strdup_printf ("Accuracy per layer: %u of %u", unit + 1, self->units->n);
      eng_job_report (self->job, stage, eng_layer_errors_get_progress (so_far));
    }
  if (self->func != NULL)
    self->func (so_far, self->user_data);
  eng_layer_errors_unref (so_far);
}

/* Both builds as they are: @base gets the reference's outputs, @whole the changed build's beside
 * them, @records the accumulated errors. */
static gboolean
run_whole (Measuring *self, EngLayerUnit *base, EngLayerUnit *whole, EngLayerUnit *records,
           GError **error)
{
  EngLayerPair *pair = self->units->pair;
  const EngUnitsClass *class = self->units->class;

  if (!eng_layer_pair_begin_whole (pair, ENG_SIDE_REFERENCE, error)
      || !run_side (self, ENG_SIDE_REFERENCE, error))
    return FALSE;
  eng_layer_pair_save (pair);
  class->score_reference (self->units, base);
  if (!eng_layer_pair_begin_whole (pair, ENG_SIDE_CHANGED, error)
      || !run_side (self, ENG_SIDE_CHANGED, error))
    return FALSE;
  for (int layer = -1; layer <= self->n_layers; layer++)
    if (eng_layer_pair_get_reason (pair, layer) == NULL)
      {
        EngErrorSums sums;
        eng_layer_pair_accumulated (pair, layer, &sums);
        add_error_sums (&records[layer + 1].accumulated, &sums);
      }
  class->score (self->units, ENG_SIDE_CHANGED, whole);
  return TRUE;
}

/* What @base says of the reference, in a record of something else. */
static void
add_reference (EngLayerUnit *record, const EngLayerUnit *base)
{
  record->n_scored += base->n_scored;
  record->n_labelled += base->n_labelled;
  record->reference_loss += base->reference_loss;
}

/* A layer that makes the very bits of the reference: so does all that follows. */
static void
add_exact (EngLayerUnit *record, const EngLayerUnit *base)
{
  record->loss += base->loss;
  record->n_agree += base->n_agree;
  add_error_sums (&record->outputs, &base->outputs);
}

static gboolean
run_layer (Measuring *self, int layer, const EngLayerUnit *base, EngLayerUnit *record,
           GError **error)
{
  EngLayerPair *pair = self->units->pair;
  EngErrorSums sums;

  if (!eng_layer_pair_begin_local (pair, layer, error) || !run_side (self, ENG_SIDE_CHANGED, error))
    return FALSE;
  eng_layer_pair_local (pair, layer, &sums);
  add_error_sums (&record->local, &sums);
  add_reference (record, base);
  if (sums.noise == 0)
    {
      add_exact (record, base);
      return TRUE;
    }
  if (!eng_layer_pair_begin_rest (pair, layer, error)
      || !run_side (self, ENG_SIDE_REFERENCE, error))
    return FALSE;
  self->units->class->score (self->units, ENG_SIDE_REFERENCE, record);
  return TRUE;
}

static gboolean
is_unit_complete (Measuring *self, guint unit)
{
  gboolean complete = eng_layer_table_has (self->table, unit, ENG_LAYER_WHOLE);
  for (int layer = -1; layer <= self->n_layers; layer++)
    complete &= eng_layer_pair_get_reason (self->units->pair, layer) != NULL
                || eng_layer_table_has (self->table, unit, layer);
  return complete;
}

static gboolean
measure_unit (Measuring *self, guint unit, GError **error)
{
  const EngUnitsClass *class = self->units->class;
  g_autofree EngLayerUnit *records = g_new0 (EngLayerUnit, self->n_layers + 2);
  EngLayerUnit whole = { 0 };
  guint n_steps;

  if (!class->begin (self->units, unit, &n_steps, error))
    return FALSE;
  for (guint step = 0; step < n_steps; step++)
    {
      EngLayerUnit base = { 0 };
      gboolean last = step + 1 == n_steps;
      if (!class->feed (self->units, step, error)
          || !run_whole (self, &base, &whole, records, error))
        return FALSE;
      add_reference (&whole, &base);
      if (last && !keep (self, unit, ENG_LAYER_WHOLE, &whole, error))
        return FALSE;
      for (int layer = -1; layer <= self->n_layers; layer++)
        {
          EngLayerUnit *record = &records[layer + 1];
          if (eng_layer_pair_get_reason (self->units->pair, layer) != NULL
              || (n_steps == 1 && eng_layer_table_has (self->table, unit, layer)))
            continue;
          const EngLayerUnit *borrowed
              = n_steps == 1 ? eng_layer_table_get_borrowed (self->table, unit, layer) : NULL;
          if (borrowed != NULL)
            {
              EngErrorSums accumulated = record->accumulated;
              *record = *borrowed;
              record->accumulated = accumulated;
            }
          else if (!run_layer (self, layer, &base, record, error))
            return FALSE;
          if (last && !keep (self, unit, layer, record, error))
            return FALSE;
          if (last)
            tell (self, unit);
        }
    }
  return TRUE;
}

static gboolean
measure_all (Measuring *self, GError **error)
{
  guint n_layers = 0;

  for (int layer = -1; layer <= self->n_layers; layer++)
    {
      const char *reason = eng_layer_pair_get_reason (self->units->pair, layer);
      if (reason != NULL)
        eng_layer_table_set_reason (self->table, layer, reason);
      n_layers += reason == NULL;
    }
  if (n_layers == 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "No layer can be compared. Of the first: %s.",
                   eng_layer_pair_get_reason (self->units->pair, 0));
      return FALSE;
    }
  tell (self, 0);
  for (guint unit = 0; unit < self->units->n; unit++)
    if (!is_unit_complete (self, unit) && !measure_unit (self, unit, error))
      return FALSE;
  return TRUE;
}

static EngRecipe *
without_fusion (EngRecipe *recipe, GError **error)
{
  return eng_recipe_with (recipe, "fusion", "enabled", NULL, g_variant_new_boolean (FALSE), error);
}

/* @build itself, or unfused with the same weights, so that every matrix has an operator of its
 * own. */
static EngBuild *
make_changed (EngBuild *build, const EngSensitivityConfig *config, EngJob *job, GError **error)
{
  if (!config->by_matrix)
    return g_object_ref (build);
  if (eng_model_get_kind (eng_build_get_model (build)) != ENG_MODEL_LANGUAGE)
    {
      g_set_error_literal (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                           "The layers of a network are its matrices already: measure by layer.");
      return NULL;
    }
  g_autoptr (EngRecipe) recipe = without_fusion (eng_build_get_recipe (build), error);
  return recipe != NULL
             ? eng_build_new_within (eng_build_get_model (build), recipe, build, job, error)
             : NULL;
}

/* The same network, float and unfused: every value of the file is there to compare with, and fusion
 * changes no bit. */
static EngBuild *
make_reference (EngBuild *build, const EngSensitivityConfig *config, EngJob *job, GError **error)
{
  EngModel *model = config->reference != NULL ? config->reference : eng_build_get_model (build);
  g_autoptr (EngRecipe) recipe = eng_recipe_reference (eng_build_get_recipe (build));

  if (eng_model_get_kind (model) == ENG_MODEL_NETWORK || config->by_matrix)
    {
      EngRecipe *unfused = without_fusion (recipe, error);
      if (unfused == NULL)
        return NULL;
      eng_recipe_unref (recipe);
      recipe = unfused;
    }
  /* Not eng_build_new(), which would end the job. */
  return eng_build_new_within (model, recipe, build, job, error);
}

EngLayerErrors *
eng_sensitivity_measure (EngBuild *build, const EngSensitivityConfig *config, EngHistory *history,
                         EngJob *job, EngSensitivityFunc func, gpointer user_data, GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (build) && config != NULL, NULL);

  EngModel *model = eng_build_get_model (build);
  g_autoptr (EngBuild) reference = make_reference (build, config, job, error);
  g_autofree char *changed
      = eng_recipe_describe_for (eng_build_get_recipe (build), eng_model_get_kind (model));
  RtError rt_error = { 0 };
  EngLayerErrors *result = NULL;

  g_autoptr (EngBuild) used = reference != NULL ? make_changed (build, config, job, error) : NULL;
  if (used == NULL)
    return NULL;
  RtPool *pool = rt_pool_new (eng_build_get_n_threads (build), &rt_error);
  if (pool == NULL)
    {
      eng_error_take_rt (&rt_error, error);
      return NULL;
    }
  Measuring self = { .history = history, .job = job, .func = func, .user_data = user_data };
  self.units = units_new (model, config, reference, used, pool, job, error);
  if (self.units != NULL && eng_layer_pair_has_state (self.units->pair))
    g_set_error_literal (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                         "This network carries values from one step to the next: one layer of one "
                         "step cannot be changed alone.");
  else if (self.units != NULL)
    {
      self.n_layers = eng_layer_pair_get_n_layers (self.units->pair);
      self.key = eng_sensitivity_dup_key (model, eng_build_get_recipe (build), config);
      self.layer_keys = g_new0 (char *, self.n_layers + 2);
      for (int layer = -1; layer <= self.n_layers; layer++)
        self.layer_keys[layer + 1] = eng_sensitivity_dup_layer_key (build, config, layer);
      self.table = eng_layer_table_new (eng_model_get_kind (model), self.n_layers, self.units->n,
                                        self.units->title, changed);
      if (config->by_matrix)
        {
          g_auto (GStrv) names = eng_pair_list_matrices (eng_build_get_graph (used));
          eng_layer_table_set_names (self.table, (const char *const *)names);
        }
      if (read_kept (history, self.key, self.units, self.table, self.n_layers, error)
          && (history == NULL
              || eng_sensitivity_borrow (build, config, history, self.units, self.table, error))
          && measure_all (&self, error))
        result = eng_layer_table_snapshot (self.table);
    }
  if (self.units != NULL)
    self.units->class->free (self.units);
  eng_layer_table_free (self.table);
  for (int i = 0; self.layer_keys != NULL && i < self.n_layers + 2; i++)
    g_free (self.layer_keys[i]);
  g_free (self.layer_keys);
  g_free (self.key);
  rt_pool_free (pool);
  return result;
}
