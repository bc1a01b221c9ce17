/* Drafters: what the recipe's speculation asks for, and whether a model can be one. Called by the
 * technique, the build and pickers of draft models; knows nothing of rounds (rt-speculate-round.c)
 * or time. */
#include "eng-draft.h"

#include <string.h>

#include "eng-build-private.h"
#include "eng-error.h"

#define ID "speculation"

static EngDraftSource
source_of (EngRecipe *recipe)
{
  g_autofree char *choice = eng_recipe_get_string (recipe, ID, "drafting", NULL);

  for (EngDraftSource source = ENG_DRAFT_NONE; source <= ENG_DRAFT_SELF; source++)
    if (g_str_equal (choice, eng_draft_source_name (source)))
      return source;
  g_return_val_if_reached (ENG_DRAFT_NONE);
}

void
eng_draft_plan (EngRecipe *recipe, EngDraftPlan *plan)
{
  guint most = (guint)eng_recipe_get_int (recipe, ID, "longest-match");
  guint least = (guint)eng_recipe_get_int (recipe, ID, "shortest-match");

  *plan = (EngDraftPlan){ .source = source_of (recipe),
                          .length = (guint)eng_recipe_get_int (recipe, ID, "length"),
                          .min_match = MIN (least, most),
                          .max_match = MAX (least, most),
                          .tree_width = (guint)eng_recipe_get_int (recipe, ID, "tree-width"),
                          .replacement = eng_recipe_get_int (recipe, ID, "replacement") != 0,
                          .fallback = eng_recipe_get_int (recipe, ID, "fallback") != 0 };
}

char *
eng_draft_dup_key (EngRecipe *recipe)
{
  EngDraftPlan plan;

  eng_draft_plan (recipe, &plan);
  return g_strdup_printf ("%s length %u match %u-%u width %u%s%s",
                          eng_draft_source_name (plan.source), plan.length, plan.min_match,
                          plan.max_match, plan.tree_width, plan.replacement ? " replacement" : "",
                          plan.fallback ? " fallback" : "");
}

/* ---- Vocabularies ---- */

static char *
token_text (const RtTokenizer *tokenizer, guint32 token)
{
  RtSlice name = rt_tokenizer_name (tokenizer, (gint32)token);
  return g_utf8_make_valid (name.data, (gssize)name.length);
}

char *
eng_draft_refusal (EngModel *model, EngModel *draft)
{
  g_return_val_if_fail (ENG_IS_MODEL (model) && ENG_IS_MODEL (draft), NULL);
  const char *name = eng_model_get_name (draft), *own = eng_model_get_name (model);

  if (eng_model_get_kind (draft) != ENG_MODEL_LANGUAGE)
    return g_strdup_printf ("%s is a network: it writes no tokens", name);
  const RtTokenizer *a = eng_model_get_tokenizer (model), *b = eng_model_get_tokenizer (draft);
  if (b == NULL)
    return g_strdup_printf ("its vocabulary cannot be read: %s",
                            eng_model_get_tokenizer_error (draft));
  if (a == NULL)
    return g_strdup_printf ("the vocabulary of %s cannot be read: %s", own,
                            eng_model_get_tokenizer_error (model));

  guint32 n = rt_tokenizer_n_vocab (a), n_draft = rt_tokenizer_n_vocab (b);
  if (n_draft < n)
    return g_strdup_printf ("it has %u tokens and %s has %u: their vocabularies are different",
                            n_draft, own, n);
  for (guint32 i = 0; i < n; i++)
    {
      RtSlice x = rt_tokenizer_name (a, (gint32)i), y = rt_tokenizer_name (b, (gint32)i);
      if (x.length == y.length && memcmp (x.data, y.data, x.length) == 0)
        continue;
      g_autofree char *mine = token_text (a, i), *its = token_text (b, i);
      return g_strdup_printf ("its token %u is “%s” and that of %s is “%s”: their vocabularies "
                              "are different",
                              i, its, own, mine);
    }
  return NULL;
}

/* ---- Recipes ---- */

/* @recipe, which is given up, with one value changed; NULL stays NULL. */
static EngRecipe *
with (EngRecipe *recipe, const char *technique, const char *param, const char *match,
      GVariant *value, GError **error)
{
  g_autoptr (GVariant) sunk = value != NULL ? g_variant_ref_sink (value) : NULL;

  if (recipe == NULL)
    return NULL;
  EngRecipe *changed = eng_recipe_with (recipe, technique, param, match, sunk, error);
  eng_recipe_unref (recipe);
  return changed;
}

guint
eng_draft_n_skipped (EngModel *model, EngRecipe *recipe)
{
  double min, max, standard;
  const EngTechnique *technique = eng_technique_find (ID);
  gint64 n = eng_technique_get_int (technique, model, recipe, "draft-skip");

  eng_technique_limits (technique, model, eng_technique_find_param (technique, "draft-skip"), &min,
                        &max, &standard);
  return (guint)CLAMP (n, (gint64)min, (gint64)max);
}

void
eng_draft_choose_skipped (guint n, guint n_skipped, gboolean *skipped)
{
  guint n_inner = n > 2 ? n - 2 : 0, count = MIN (n_skipped, n_inner);

  memset (skipped, 0, n * sizeof *skipped);
  /* The middle of each of @count equal parts of the inner blocks. */
  for (guint i = 0; i < count; i++)
    skipped[1 + (2 * i + 1) * n_inner / (2 * count)] = TRUE;
}

static EngRecipe *
with_skipped (EngModel *model, EngRecipe *recipe, guint n_skipped, GError **error)
{
  guint n = eng_model_get_n_layers (model);
  g_autofree gboolean *skipped = g_new (gboolean, MAX (n, 1));

  eng_draft_choose_skipped (n, n_skipped, skipped);
  for (guint i = 0; recipe != NULL && i < n; i++)
    if (skipped[i])
      {
        g_autofree char *match = g_strdup_printf ("blk.%u.*", i);
        recipe = with (recipe, "layer-skip", "skip", match, g_variant_new_boolean (TRUE), error);
      }
  return recipe;
}

EngRecipe *
eng_draft_self_recipe (EngModel *model, EngRecipe *recipe, GError **error)
{
  g_autofree char *weights = eng_recipe_get_string (recipe, ID, "draft-weights", NULL);
  g_autofree char *cache = eng_recipe_get_string (recipe, ID, "draft-cache", NULL);
  guint n_skipped = eng_draft_n_skipped (model, recipe);
  EngRecipe *draft = with (eng_recipe_ref (recipe), ID, "drafting", NULL, NULL, error);

  if (!g_str_equal (weights, "same"))
    draft = with (draft, "weight-format", "format", NULL, g_variant_new_string (weights), error);
  if (!g_str_equal (cache, "same"))
    {
      draft = with (draft, "kv-cache", "format", NULL, g_variant_new_string (cache), error);
      draft = with (draft, "kv-cache", "values", NULL, NULL, error); /* the same */
    }
  draft = with_skipped (model, draft, n_skipped, error);
  if (draft == NULL)
    return NULL;
  if (g_str_equal (weights, "same") && g_str_equal (cache, "same") && n_skipped == 0)
    {
      g_set_error_literal (error, ENG_ERROR, ENG_ERROR_RANGE,
                           "Speculation: the model itself is no cheaper than the model. Let the "
                           "drafter skip blocks, or choose smaller weights or a smaller cache for "
                           "it.");
      g_clear_pointer (&draft, eng_recipe_unref);
    }
  return draft;
}

EngRecipe *
eng_draft_model_recipe (EngModel *draft, guint n_ctx, GError **error)
{
  EngRecipe *recipe = eng_build_saved_recipe (draft, error);

  recipe = with (recipe, ID, "drafting", NULL, NULL, error);
  return with (recipe, "context", "length", NULL, g_variant_new_int64 (n_ctx), error);
}

char *
eng_draft_describe (EngModel *model, EngRecipe *recipe)
{
  EngDraftPlan plan;
  GString *text;

  eng_draft_plan (recipe, &plan);
  if (plan.source == ENG_DRAFT_LOOKUP)
    return plan.min_match == plan.max_match
               ? g_strdup_printf ("%u tokens found again", plan.min_match)
               : g_strdup_printf ("%u to %u tokens found again", plan.min_match, plan.max_match);
  if (plan.source == ENG_DRAFT_MODEL)
    {
      g_autofree char *path = eng_recipe_get_string (recipe, ID, "model", NULL);
      g_autofree char *name = g_path_get_basename (path);
      return g_utf8_make_valid (name, -1);
    }
  if (plan.source == ENG_DRAFT_NONE)
    return g_strdup ("nothing");

  g_autofree char *weights = eng_recipe_get_string (recipe, ID, "draft-weights", NULL);
  g_autofree char *cache = eng_recipe_get_string (recipe, ID, "draft-cache", NULL);
  guint n_skipped = eng_draft_n_skipped (model, recipe);
  text = g_string_new ("the model itself");
  if (!g_str_equal (weights, "same"))
    g_string_append_printf (text, ", %s weights",
                            kn_dtype_info (kn_dtype_from_name (weights))->name);
  if (!g_str_equal (cache, "same"))
    g_string_append_printf (text, ", %s cache", kn_dtype_info (kn_dtype_from_name (cache))->name);
  if (n_skipped > 0)
    g_string_append_printf (text, ", %u of %u blocks skipped", n_skipped,
                            eng_model_get_n_layers (model));
  return g_string_free (text, FALSE);
}
