/* Technique: which rule places the activations in memory, done by the runtime's planner. */
#include "techniques/eng-techniques.h"

#include <string.h>

#define ID "memory-plan"
#define PARAM "planner"

/* In the order of RtPlanner. */
static const EngChoice choices[] = {
  { "greedy", "Largest first", "The largest activations first, each in the smallest gap." },
  { "order", "In order of use",
    "In the order of execution, each in the lowest place that is free." },
  { "optimal", "Best found", "A search over orders; for small graphs proven to be the least." },
  { "none", "Nothing shared", "Every activation for itself: what sharing saves becomes visible." },
  { NULL },
};

static const EngParam params[] = {
  { .id = PARAM,
    .title = "Memory plan",
    .summary = "How activations share memory; results and speed stay the same.",
    .kind = ENG_PARAM_CHOICE,
    .choices = choices,
    .default_choice = "greedy" },
};

static int
chosen (EngRecipe *recipe)
{
  g_autofree char *id = eng_recipe_get_string (recipe, ID, PARAM, NULL);
  for (int i = 0; choices[i].id != NULL; i++)
    if (g_str_equal (choices[i].id, id))
      return i;
  return 0;
}

static gboolean
apply (EngLowering *lowering, GError **error)
{
  lowering->planner = (RtPlanner)chosen (lowering->recipe);
  return TRUE;
}

static char *
describe (EngRecipe *recipe)
{
  int i = chosen (recipe);
  return i == 0 ? NULL : g_strdup_printf ("memory plan: %s", choices[i].id);
}

const EngTechnique eng_technique_memory_plan = {
  .id = ID,
  .title = "Memory plan",
  .group = "Memory",
  .summary = "Activations that do not live at the same time share memory; a better plan needs a "
             "smaller arena and costs only planning time.",
  .papers = "Pisarchyk and Lee 2020, Efficient Memory Management for Deep Neural Net Inference",
  .params = params,
  .n_params = G_N_ELEMENTS (params),
  .apply = apply,
  .describe = describe,
};
