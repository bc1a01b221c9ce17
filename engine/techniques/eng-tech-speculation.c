/* Technique: speculative decoding. Decides that several tokens of one run give logits, and what the
 * build's drafter is; rounds are made by the measuring loop (eng-measure-speculate.c). */
#include "techniques/eng-techniques.h"

#include <string.h>

#include "eng-draft.h"
#include "eng-error.h"
#include "rt-speculate-lookup.h"

#define ID "speculation"
#define DRAFTING "drafting"
#define MODEL "model"

static const EngChoice drafting[] = {
  { "off", "Off", "one token per step" },
  { "lookup", "Prompt lookup",
    "what followed the same tokens earlier in prompt or text; costs nothing, pays where text "
    "repeats itself" },
  { "draft-model", "Draft model", "a smaller model with the same vocabulary" },
  { "self", "The model itself", "with fewer blocks, smaller weights or a smaller cache" },
  { NULL },
};

static const EngChoice weights[] = {
  { "same", "Same", "the model's own packed weights, shared" },
  { "q8_0", "Q8_0", "8.5 bits per weight" },
  { "q4_0", "Q4_0", "4.5 bits per weight" },
  { "q3_k", "Q3_K", "3.4 bits per weight" },
  { "q2_k", "Q2_K", "2.6 bits per weight" },
  { NULL },
};

static const EngChoice caches[] = {
  { "same", "Same", "the model's own format" },
  { "q8_0", "Q8_0", "8.5 bits per value" },
  { "q4_0", "Q4_0", "4.5 bits per value" },
  { NULL },
};

/* Why the model in the file @path cannot draft for @model. */
static char *
refuse_model (EngModel *model, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngModel) draft = eng_model_load (path, NULL, &error);

  return draft != NULL ? eng_draft_refusal (model, draft) : g_strdup (error->message);
}

static const EngParam params[] = {
  { .id = DRAFTING,
    .title = "Drafting",
    .summary = "Who guesses the next tokens, which the model then verifies in one run.",
    .kind = ENG_PARAM_CHOICE,
    .choices = drafting,
    .default_choice = "off" },
  { .id = MODEL,
    .title = "Draft model",
    .summary = "A smaller model whose vocabulary is the same, token by token.",
    .kind = ENG_PARAM_MODEL,
    .refuse = refuse_model },
  { .id = "draft-weights",
    .title = "Drafter's weights",
    .summary
    = "Format that the drafter's matrices are packed in; they are kept beside the model's.",
    .kind = ENG_PARAM_CHOICE,
    .choices = weights,
    .default_choice = "same" },
  { .id = "draft-cache",
    .title = "Drafter's cache",
    .summary = "Format of the drafter's own keys and values.",
    .kind = ENG_PARAM_CHOICE,
    .choices = caches,
    .default_choice = "same" },
  { .id = "draft-skip",
    .title = "Drafter skips",
    .summary = "Blocks that the drafter leaves out, spread evenly; the first and the last stay.",
    .unit = "blocks",
    .kind = ENG_PARAM_INT,
    .default_value = 1,
    .min = 0,
    .max = 1024,
    .step = 1 },
  { .id = "length",
    .title = "Draft length",
    .summary = "Tokens drafted per round; 0 finds what gains the most while it writes.",
    .unit = "tokens",
    .kind = ENG_PARAM_INT,
    .default_value = 0,
    .min = 0,
    .max = RT_SPECULATE_MAX,
    .step = 1 },
  { .id = "shortest-match",
    .title = "Shortest match",
    .summary = "So many of the last tokens must be found again at the least.",
    .unit = "tokens",
    .kind = ENG_PARAM_INT,
    .default_value = 2,
    .min = 1,
    .max = RT_LOOKUP_MAX_MATCH,
    .step = 1 },
  { .id = "longest-match",
    .title = "Longest match",
    .summary = "So many are looked for first: longer matches are rarer and more often right.",
    .unit = "tokens",
    .kind = ENG_PARAM_INT,
    .default_value = 6,
    .min = 1,
    .max = RT_LOOKUP_MAX_MATCH,
    .step = 1 },
  { .id = "tree-width",
    .title = "Tree width",
    .summary
    = "Different continuations drafted at once and verified in one run with a tree mask; 1 "
      "is a chain.",
    .unit = "chains",
    .kind = ENG_PARAM_INT,
    .default_value = 1,
    .min = 1,
    .max = ENG_DRAFT_MAX_WIDTH,
    .step = 1 },
  { .id = "replacement",
    .title = "With replacement",
    .summary = "Sampled trees only: a token may be drafted twice side by side. Without, they are "
               "different ones.",
    .kind = ENG_PARAM_SWITCH,
    .default_value = 0,
    .max = 1,
    .step = 1 },
  { .id = "fallback",
    .title = "Fall back",
    .summary = "Decode plainly where drafting has turned out slower, and try again now and then.",
    .kind = ENG_PARAM_SWITCH,
    .default_value = 1,
    .max = 1,
    .step = 1 },
};

static gboolean
matters (EngRecipe *recipe, const EngParam *param)
{
  EngDraftPlan plan;

  eng_draft_plan (recipe, &plan);
  if (strcmp (param->id, DRAFTING) == 0)
    return TRUE;
  if (plan.source == ENG_DRAFT_NONE)
    return FALSE;
  if (strcmp (param->id, MODEL) == 0)
    return plan.source == ENG_DRAFT_MODEL;
  if (g_str_has_prefix (param->id, "draft-"))
    return plan.source == ENG_DRAFT_SELF;
  if (g_str_has_suffix (param->id, "-match"))
    return plan.source == ENG_DRAFT_LOOKUP;
  if (strcmp (param->id, "replacement") == 0)
    return plan.source != ENG_DRAFT_LOOKUP && plan.tree_width > 1;
  return TRUE;
}

/* A third of the blocks is a drafter that is clearly cheaper and still the same model. */
static void
limits (EngModel *model, const EngParam *param, double *min, double *max, double *default_value)
{
  guint n = model != NULL && eng_model_get_kind (model) == ENG_MODEL_LANGUAGE
                ? eng_model_get_n_layers (model)
                : 0;
  if (strcmp (param->id, "draft-skip") != 0 || n == 0)
    return;
  *max = n > 2 ? n - 2 : 0;
  *default_value = n / 3;
}

static char *
applies (EngModel *model)
{
  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE)
    return g_strdup ("a network writes no tokens that could be guessed");
  return NULL;
}

/* ---- Drafters ---- */

static gboolean
take_draft_model (EngLowering *lowering, GError **error)
{
  g_autofree char *path = eng_recipe_get_string (lowering->recipe, ID, MODEL, NULL);

  if (path[0] == '\0')
    {
      g_set_error_literal (error, ENG_ERROR, ENG_ERROR_RANGE,
                           "Speculation: choose a draft model, or another way to draft.");
      return FALSE;
    }
  if (lowering->is_sketch) /* reading a file takes longer than a sketch may */
    return TRUE;
  g_autoptr (GError) local = NULL;
  g_autoptr (EngModel) draft = eng_model_load (path, NULL, &local);
  if (draft == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "Speculation: the draft model cannot be opened: %s", local->message);
      return FALSE;
    }
  g_autofree char *why_not = eng_draft_refusal (lowering->model, draft);
  if (why_not != NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "Speculation: %s cannot draft for %s: %s.", eng_model_get_name (draft),
                   eng_model_get_name (lowering->model), why_not);
      return FALSE;
    }
  lowering->draft_recipe = eng_draft_model_recipe (draft, lowering->n_ctx, error);
  lowering->draft_model = g_steal_pointer (&draft);
  return lowering->draft_recipe != NULL;
}

static gboolean
apply (EngLowering *lowering, GError **error)
{
  EngDraftPlan plan;

  eng_draft_plan (lowering->recipe, &plan);
  if (plan.source == ENG_DRAFT_NONE || lowering->is_observed)
    return TRUE;
  lowering->n_outputs = RT_SPECULATE_MAX + 1;
  if (plan.source == ENG_DRAFT_MODEL)
    return take_draft_model (lowering, error);
  if (plan.source != ENG_DRAFT_SELF)
    return TRUE;
  lowering->draft_recipe = eng_draft_self_recipe (lowering->model, lowering->recipe, error);
  return lowering->draft_recipe != NULL;
}

/* ---- Words ---- */

static char *
explain (EngModel *model, EngRecipe *recipe, int layer)
{
  EngDraftPlan plan;
  guint n = eng_model_get_n_layers (model);

  eng_draft_plan (recipe, &plan);
  if (plan.source == ENG_DRAFT_NONE || layer < 0 || layer >= (int)n)
    return NULL;
  if (plan.source != ENG_DRAFT_SELF)
    return plan.length > 0
               ? g_strdup_printf ("Reads its weights once for up to %u tokens instead of one.",
                                  plan.length + 1)
               : g_strdup ("Reads its weights once for all drafted tokens of a round.");
  g_autofree gboolean *skipped = g_new (gboolean, n);
  eng_draft_choose_skipped (n, eng_draft_n_skipped (model, recipe), skipped);
  return g_strdup (skipped[layer] ? "The drafter leaves this block out; the model verifies with it."
                                  : "Runs in the drafter for every drafted token, and once more "
                                    "over all of them in the model.");
}

static char *
describe (EngRecipe *recipe)
{
  EngDraftPlan plan;

  eng_draft_plan (recipe, &plan);
  if (plan.source == ENG_DRAFT_NONE)
    return NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  const char *const names[] = { "", "prompt lookup", "drafts by another model", "self-drafting" };
  g_string_append (text, names[plan.source]);
  if (plan.length > 0)
    g_string_append_printf (text, " of %u", plan.length);
  if (plan.tree_width > 1)
    g_string_append_printf (text, " in %u chains", plan.tree_width);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

const EngTechnique eng_technique_speculation = {
  .id = ID,
  .title = "Speculation",
  .group = "Speculation",
  .summary = "Guessed tokens are verified in one run that costs little more than a step: faster "
             "where guesses are right, never another text; memory for the drafter.",
  .papers = "Leviathan et al. 2023, Fast Inference from Transformers via Speculative Decoding; "
            "Spector and Re 2023, Accelerating LLM Inference with Staged Speculative Decoding; "
            "Jeon et al. 2024, Recursive Speculative Decoding: Accelerating LLM Inference via "
            "Sampling Without Replacement; "
            "Timor et al. 2024, Distributed Speculative Inference of Large Language Models; "
            "Zafrir et al. 2024, FastDraft: How to Train Your Draft; "
            "Tiwari et al. 2025, QuantSpec: Self-Speculative Decoding with Hierarchical Quantized "
            "KV Cache",
  .params = params,
  .n_params = G_N_ELEMENTS (params),
  .language = TRUE,
  .limits = limits,
  .matters = matters,
  .applies = applies,
  .apply = apply,
  .explain = explain,
  .describe = describe,
};
