/* The list of techniques: one line each, in the order in which they are shown and applied. What
 * each is lives in its own file in techniques/. */
#include "eng-technique.h"

#include <string.h>

#include "techniques/eng-techniques.h"

static const EngTechnique *const techniques[] = {
  &eng_technique_weight_format,
  &eng_technique_layer_skip,
  &eng_technique_equalization, /* before all that takes rows or columns out: scales go by the file's
                                * channels */
  &eng_technique_prune_structured,
  &eng_technique_vocabulary,
  &eng_technique_calibration,
  &eng_technique_sparsity, /* before the numbers that are left are rounded */
  &eng_technique_softmax,  /* after what takes heads away */
  &eng_technique_kv_cache,
  &eng_technique_context,
  &eng_technique_threads,
  &eng_technique_fusion,
  &eng_technique_memory_plan,
  &eng_technique_activation_sparsity, /* after those that store the same matrices in their own
                                       * way */
  &eng_technique_noisy_bias,
  &eng_technique_speculation, /* after all that its drafter inherits */
  &eng_technique_int8,        /* after all that it takes over from: fusion, memory plan */
  &eng_technique_rounding,    /* last: of numbers that others may have changed */
  &eng_technique_lookup,      /* and how the formats that were chosen are multiplied */
};

const EngTechnique *const *
eng_technique_list (guint *n)
{
  *n = G_N_ELEMENTS (techniques);
  return techniques;
}

const EngTechnique *
eng_technique_find (const char *id)
{
  for (guint i = 0; i < G_N_ELEMENTS (techniques); i++)
    if (g_strcmp0 (techniques[i]->id, id) == 0)
      return techniques[i];
  return NULL;
}

const EngParam *
eng_technique_find_param (const EngTechnique *technique, const char *id)
{
  for (guint i = 0; i < technique->n_params; i++)
    if (g_strcmp0 (technique->params[i].id, id) == 0)
      return &technique->params[i];
  return NULL;
}

void
eng_technique_limits (const EngTechnique *technique, EngModel *model, const EngParam *param,
                      double *min, double *max, double *default_value)
{
  *min = param->min;
  *max = param->max;
  *default_value = param->default_value;
  if (technique->limits != NULL)
    technique->limits (model, param, min, max, default_value);
}

gint64
eng_technique_get_int (const EngTechnique *technique, EngModel *model, EngRecipe *recipe,
                       const char *param_id)
{
  const EngParam *param = eng_technique_find_param (technique, param_id);
  g_return_val_if_fail (param != NULL, 0);

  if (eng_recipe_is_set (recipe, technique->id, param_id))
    return eng_recipe_get_int (recipe, technique->id, param_id);
  double min, max, standard;
  eng_technique_limits (technique, model, param, &min, &max, &standard);
  return (gint64)standard;
}
