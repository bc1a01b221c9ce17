/* Rules of advice on memory that costs nothing: results and times stay the same. */
#include "eng-advice-private.h"

#include <math.h>
#include <string.h>

/* Room for going on: a context of twice what was used, in steps of this. */
#define CONTEXT_STEP 256
/* Searching for the best plan takes time that grows with the graph. */
#define MAX_SEARCHED_NODES 400

/* ---- memory-plan ---- */

static gboolean
has_build (EngAdvisor *self)
{
  return self->in->build != NULL;
}

/* Bytes of the arena that @planner would need; NAN when it cannot tell. */
static double
arena_bytes (EngBuild *build, RtPlanner planner)
{
  RtError error = { 0 };
  RtPlan *plan = rt_exec_make_plan (eng_build_get_exec (build), planner, &error);
  double bytes = plan != NULL ? (double)plan->arena_bytes : NAN;

  if (plan != NULL)
    rt_plan_free (plan);
  return bytes;
}

static void
propose_plan (EngAdvisor *self)
{
  static const struct
  {
    RtPlanner planner;
    const char *id, *words;
  } planners[] = { { RT_PLANNER_GREEDY, "greedy", "largest first" },
                   { RT_PLANNER_OPTIMAL, "optimal", "best found" } };
  g_autofree char *current
      = eng_recipe_get_string (self->in->recipe, "memory-plan", "planner", NULL);
  RtMemory memory;

  eng_build_get_memory (self->in->build, &memory);
  for (guint i = 0; i < G_N_ELEMENTS (planners); i++)
    {
      double bytes;
      EngRecipe *recipe;

      if (strcmp (planners[i].id, current) == 0
          || (planners[i].planner == RT_PLANNER_OPTIMAL
              && rt_graph_n_nodes (eng_build_get_graph (self->in->build)) > MAX_SEARCHED_NODES))
        continue;
      bytes = arena_bytes (self->in->build, planners[i].planner);
      if (!(bytes < (double)memory.activation_bytes))
        continue;
      recipe = eng_advice_with (self->in->recipe, "memory-plan", "planner",
                                g_variant_new_string (planners[i].id));
      if (recipe == NULL)
        continue;
      eng_advisor_propose (self, recipe, g_strdup_printf ("Memory plan: %s", planners[i].words),
                           g_strdup (
                               "Activations lie in less memory when they are placed in another "
                               "order; results and times stay."),
                           NULL, 0)
          ->memory_bytes
          = bytes - (double)memory.activation_bytes;
    }
}

/* ---- context ---- */

static guint
wanted_context (EngAdvisor *self)
{
  guint used = self->in->n_prompt + self->in->n_generated;

  return (2 * used + CONTEXT_STEP - 1) / CONTEXT_STEP * CONTEXT_STEP;
}

static gboolean
context_is_long (EngAdvisor *self)
{
  return self->phase == RT_PHASE_DECODE && self->in->n_prompt + self->in->n_generated > 0
         && self->in->n_ctx >= 2 * wanted_context (self);
}

static void
propose_context (EngAdvisor *self)
{
  guint n = wanted_context (self);
  EngRecipe *recipe
      = eng_advice_with (self->in->recipe, "context", "length", g_variant_new_int64 (n));

  if (recipe != NULL)
    eng_advisor_propose (
        self, recipe, g_strdup_printf ("Context of %u tokens instead of %u", n, self->in->n_ctx),
        g_strdup_printf ("The cache is allocated for the whole context; prompt and answer used %u "
                         "tokens of it.",
                         self->in->n_prompt + self->in->n_generated),
        NULL, 0);
}

const EngAdviceRule eng_advice_memory_rules[] = {
  { { "memory-plan", "activations could lie in less memory" }, has_build, propose_plan },
  { { "context", "a cache for far more tokens than were used" }, context_is_long, propose_context },
};
const guint eng_advice_n_memory_rules = G_N_ELEMENTS (eng_advice_memory_rules);
