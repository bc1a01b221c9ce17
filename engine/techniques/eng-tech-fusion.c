/* Technique: operator fusion, done by the runtime's rt_fuse(). */
#include "techniques/eng-techniques.h"

#define ID "fusion"
#define PARAM "enabled"

static const EngParam params[] = {
  { .id = PARAM,
    .title = "Operator fusion",
    .summary = "Norm with quantization, query with key and value, gate with up and activation, "
               "residual sums with the projection before them; padding, activation and residual "
               "sum with the convolution.",
    .kind = ENG_PARAM_SWITCH,
    .default_value = 1,
    .min = 0,
    .max = 1,
    .step = 1 },
};

static gboolean
apply (EngLowering *lowering, GError **error)
{
  lowering->fusions = eng_recipe_get_int (lowering->recipe, ID, PARAM) ? RT_FUSE_ALL : 0;
  return TRUE;
}

static char *
describe (EngRecipe *recipe)
{
  return eng_recipe_get_int (recipe, ID, PARAM) ? NULL : g_strdup ("no fusion");
}

const EngTechnique eng_technique_fusion = {
  .id = ID,
  .title = "Operator fusion",
  .group = "Execution",
  .summary = "Neighbouring operators run as one: fewer passes over the activations and fewer waits "
             "for all threads; their times can no longer be told apart.",
  .papers = "Wu et al. 2024, Efficient LLM inference solution on Intel GPU",
  .params = params,
  .n_params = G_N_ELEMENTS (params),
  .apply = apply,
  .describe = describe,
};
