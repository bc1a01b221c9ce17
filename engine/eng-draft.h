/* Who drafts for a model: what the recipe asks for, which other models can, and the recipe of a
 * model that drafts for itself. */
#pragma once

#include "eng-model.h"
#include "eng-recipe.h"
#include "eng-speculation.h"

G_BEGIN_DECLS

/* The most chains of a tree. */
#define ENG_DRAFT_MAX_WIDTH 4

/* What a recipe asks of speculation. */
typedef struct
{
  EngDraftSource source;
  guint length;               /* 0: automatic */
  guint min_match, max_match; /* lookup */
  guint tree_width;           /* 1: chains */
  gboolean replacement;
  gboolean fallback;
} EngDraftPlan;
void eng_draft_plan (EngRecipe *recipe, EngDraftPlan *plan);

/* What of it changes what a run does, for the build's hash. Newly allocated. */
char *eng_draft_dup_key (EngRecipe *recipe);

/* Why @draft cannot draft for @model, in a sentence for the user; NULL: it can. Their vocabularies
 * must be the same, token by token: a drafted token is a number. Tokens that only @draft has do not
 * matter. O(tokens). Newly allocated. */
char *eng_draft_refusal (EngModel *model, EngModel *draft);

/* @recipe as the drafter of its own model has it: without speculation, with the cheaper formats and
 * the skipped blocks that it asks for. NULL and @error when there is nothing cheaper about it. */
EngRecipe *eng_draft_self_recipe (EngModel *model, EngRecipe *recipe, GError **error);
/* The recipe of another model that drafts, with the context that it must look back on: its own
 * saved one, or the defaults. */
EngRecipe *eng_draft_model_recipe (EngModel *draft, guint n_ctx, GError **error);
/* How many blocks a self-drafter leaves out: the recipe's number, or a third. */
guint eng_draft_n_skipped (EngModel *model, EngRecipe *recipe);
/* Which blocks a self-drafter leaves out: @n_skipped of @n, spread evenly, the first and the last
 * never. [n] */
void eng_draft_choose_skipped (guint n, guint n_skipped, gboolean *skipped);
/* What drafts, in words: "2 to 4 tokens found again", "SmolLM2 360M", "the model itself, Q4_0
 * weights, 10 of 30 blocks skipped". Newly allocated. */
char *eng_draft_describe (EngModel *model, EngRecipe *recipe);

G_END_DECLS
