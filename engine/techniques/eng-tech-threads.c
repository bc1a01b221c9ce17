/* Technique: how many threads share the work of every operator. */
#include "techniques/eng-techniques.h"

#define ID "threads"
#define PARAM "count"

static const EngParam params[] = {
  { .id = PARAM,
    .title = "Threads",
    .summary = "Threads that share out every operator; the result is the same for every number.",
    .unit = "threads",
    .kind = ENG_PARAM_INT,
    .default_value = 1,
    .min = 1,
    .max = RT_MAX_THREADS,
    .step = 1 },
};

static void
limits (EngModel *model, const EngParam *param, double *min, double *max, double *default_value)
{
  double n_cpus = g_get_num_processors (); /* those this process may use */
  *max = MIN (*max, n_cpus);
  *default_value = *max;
}

static gboolean
apply (EngLowering *lowering, GError **error)
{
  double min, max, standard;
  eng_technique_limits (&eng_technique_threads, lowering->model, &params[0], &min, &max, &standard);
  gint64 wanted
      = eng_technique_get_int (&eng_technique_threads, lowering->model, lowering->recipe, PARAM);
  gint64 n = CLAMP (wanted, 1, (gint64)max);
  if (n != wanted)
    eng_lowering_note (lowering,
                       "Threads: %" G_GINT64_FORMAT " instead of %" G_GINT64_FORMAT
                       ", since this machine has no more processors",
                       n, wanted);
  lowering->n_threads = (guint32)n;
  return TRUE;
}

static char *
describe (EngRecipe *recipe)
{
  if (!eng_recipe_is_set (recipe, ID, PARAM))
    return NULL;
  gint64 n = eng_recipe_get_int (recipe, ID, PARAM);
  return g_strdup_printf ("%" G_GINT64_FORMAT " thread%s", n, n == 1 ? "" : "s");
}

const EngTechnique eng_technique_threads = {
  .id = ID,
  .title = "Threads",
  .group = "Execution",
  .summary = "More threads share the arithmetic until memory bandwidth is used up; they take "
             "processors from everything else.",
  .papers = "Yuan et al. 2024, LLM Inference Unveiled: Survey and Roofline Model Insights",
  .params = params,
  .n_params = G_N_ELEMENTS (params),
  .limits = limits,
  .apply = apply,
  .describe = describe,
};
