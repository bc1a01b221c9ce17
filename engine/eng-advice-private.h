/* What the rules and the weighing of advice share. */
#pragma once

#include "eng-advice.h"
#include "eng-roofline.h"

G_BEGIN_DECLS

/* One question, asked of all rules. */
typedef struct
{
  const EngAdviceInput *in;
  RtPhase phase; /* the main one: decode or inference */
  const EngPhaseProfile *data;
  EngRoofline *roofline; /* of that phase */
  int n_layers;
  double nodes_ms;          /* sum of nodes of one step */
  double step_ms;           /* what is waited for */
  double n_steps;           /* of the workload */
  EngAdviceForecast *now;   /* of the current recipe; NULL: none */
  GPtrArray **node_tensors; /* [n_nodes] of const EngTensor *; NULL: reads none */
  GPtrArray *drafts;
  const char *rule; /* whose turn it is */
} EngAdvisor;

/* What a rule proposes, before it is weighed. */
typedef struct
{
  const char *rule;
  EngRecipe *recipe; /* NULL: nothing to apply */
  char *title, *cause, *action;
  GArray *layers;      /* int */
  double roof_gain_ms; /* of one step; NAN: only a forecast or the history can tell */
  double
      memory_bytes; /* change, when the rule knows it better than the techniques' estimates; NAN */
} EngAdviceDraft;

typedef struct
{
  EngAdviceRuleInfo info;
  gboolean (*applies) (EngAdvisor *self);
  void (*propose) (EngAdvisor *self);
} EngAdviceRule;

extern const EngAdviceRule eng_advice_weight_rules[], eng_advice_run_rules[],
    eng_advice_memory_rules[];
extern const guint eng_advice_n_weight_rules, eng_advice_n_run_rules, eng_advice_n_memory_rules;

/* Takes @recipe and the strings. @layers may be NULL. */
EngAdviceDraft *eng_advisor_propose (EngAdvisor *self, EngRecipe *recipe, char *title, char *cause,
                                     GArray *layers, double roof_gain_ms);

/* Evaluations show that @recipe gives worse results than the current one. */
gboolean eng_advisor_is_known_worse (EngAdvisor *self, EngRecipe *recipe);

/* @recipe with one global value changed, rules of the technique left as they are. NULL when that is
 * refused. */
EngRecipe *eng_advice_with (EngRecipe *recipe, const char *technique, const char *param,
                            GVariant *value);
/* @recipe with the weights of @tensors (const EngTensor *) in @format: the global value when these
 * are all the model has, one rule per layer or tensor otherwise. */
EngRecipe *eng_advice_with_format (EngModel *model, EngRecipe *recipe, GPtrArray *tensors,
                                   const char *format);
double eng_advice_tensor_bytes (const EngTensor *tensor,
                                EngRecipe *recipe); /* packed as @recipe says */
/* Multiplied in 8-bit integers. */
gboolean eng_advice_is_int8 (const EngTensor *tensor, EngRecipe *recipe);
double
eng_advice_recipe_bytes (EngModel *model,
                         EngRecipe *recipe); /* weights and cache, by the techniques' estimates */

/* "Block 3", "Blocks 0–29 and Output", "all layers". */
char *eng_advice_name_layers (EngModel *model, const int *layers, guint n);
const char *eng_advice_step_name (RtPhase phase); /* "token", "inference", "prompt" */

G_END_DECLS
