/* Technique: how many tokens the model can look back on, which is how much cache is allocated. */
#include "techniques/eng-techniques.h"

#define ID "context"
#define PARAM "length"
#define DEFAULT_LENGTH 2048

static const EngParam params[] = {
  { .id = PARAM,
    .title = "Context length",
    .summary
    = "The most tokens, prompt and answer together; the cache is allocated for all of them.",
    .unit = "tokens",
    .kind = ENG_PARAM_INT,
    .default_value = DEFAULT_LENGTH,
    .min = 16,
    .max = 1 << 20,
    .step = 16 },
};

static void
limits (EngModel *model, const EngParam *param, double *min, double *max, double *default_value)
{
  guint n_train = model != NULL ? eng_model_get_n_ctx_train (model) : 0;
  if (n_train == 0) /* no model, or a file that does not say */
    return;
  *max = MIN (*max, n_train);
  *min = MIN (*min, *max);
  *default_value = MIN (*default_value, *max);
}

static char *
applies (EngModel *model)
{
  return eng_model_get_kind (model) == ENG_MODEL_LANGUAGE
             ? NULL
             : g_strdup ("a network keeps nothing from input to input that grows");
}

static gboolean
apply (EngLowering *lowering, GError **error)
{
  double min, max, standard;
  eng_technique_limits (&eng_technique_context, lowering->model, &params[0], &min, &max, &standard);
  gint64 wanted
      = eng_technique_get_int (&eng_technique_context, lowering->model, lowering->recipe, PARAM);
  gint64 length = CLAMP (wanted, (gint64)min, (gint64)max);
  if (length != wanted)
    eng_lowering_note (lowering,
                       "Context length: %" G_GINT64_FORMAT " tokens instead of %" G_GINT64_FORMAT
                       ", which the model was trained for",
                       length, wanted);
  lowering->n_ctx = (guint32)length;
  return TRUE;
}

static char *
explain (EngModel *model, EngRecipe *recipe, int layer)
{
  if (layer < 0 || layer >= (int)eng_model_get_n_layers (model))
    return NULL;
  gint64 length = eng_technique_get_int (&eng_technique_context, model, recipe, PARAM);
  return g_strdup_printf ("Attention here looks back on up to %" G_GINT64_FORMAT
                          " tokens; the model was trained for %u.",
                          length, eng_model_get_n_ctx_train (model));
}

static char *
describe (EngRecipe *recipe)
{
  if (!eng_recipe_is_set (recipe, ID, PARAM))
    return NULL;
  return g_strdup_printf ("context %" G_GINT64_FORMAT, eng_recipe_get_int (recipe, ID, PARAM));
}

const EngTechnique eng_technique_context = {
  .id = ID,
  .title = "Context",
  .group = "Memory",
  .summary = "A shorter context allocates less cache; what lies further back cannot be seen, and a "
             "run ends when the context is full.",
  .papers = "Yuan et al. 2024, LLM Inference Unveiled: Survey and Roofline Model Insights",
  .params = params,
  .n_params = G_N_ELEMENTS (params),
  .limits = limits,
  .language = TRUE,
  .applies = applies,
  .apply = apply,
  .explain = explain,
  .describe = describe,
};
