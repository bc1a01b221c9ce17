/* Technique: the number format of the key-value cache. */
#include "techniques/eng-techniques.h"

#include <string.h>

#include "eng-figure.h"
#include "kn-attn.h"

#define ID "kv-cache"
#define PARAM "format"

static const EngChoice formats[] = {
  { "f32", "F32", "4 bytes per value, exact" },
  { "f16", "F16", "2 bytes per value" },
  { "q8_0", "Q8_0", "8.5 bits per value: 8-bit codes, one scale per 32" },
  { NULL },
};

static const EngParam params[] = {
  { .id = PARAM,
    .title = "Cache format",
    .summary = "Number format in which keys and values of earlier tokens are kept.",
    .kind = ENG_PARAM_CHOICE,
    .choices = formats,
    .default_choice = "f16" },
};

static KnDtype
wanted_format (EngRecipe *recipe)
{
  g_autofree char *choice = eng_recipe_get_string (recipe, ID, PARAM, NULL);
  return (KnDtype)kn_dtype_from_name (choice);
}

/* Blocks of 32 need heads that they fill; F16 fits every head. */
static KnDtype
fitted_format (EngModel *model, EngRecipe *recipe)
{
  KnDtype wanted = wanted_format (recipe);
  return kn_kv_format_ok (wanted, eng_model_get_params (model)->head_dim) ? wanted : KN_F16;
}

static char *
applies (EngModel *model)
{
  return eng_model_get_kind (model) == ENG_MODEL_LANGUAGE ? NULL : g_strdup ("a network has no cache of keys and values");
}

static gboolean
apply (EngLowering *lowering, GError **error)
{
  KnDtype wanted = wanted_format (lowering->recipe);
  lowering->kv_format = fitted_format (lowering->model, lowering->recipe);
  if (lowering->kv_format != wanted)
    eng_lowering_note (
        lowering, "Key-value cache: heads of %u values do not fill blocks of %u: %s instead of %s",
        eng_model_get_params (lowering->model)->head_dim, kn_dtype_info ((int)wanted)->block_len,
        kn_dtype_info ((int)lowering->kv_format)->name, kn_dtype_info ((int)wanted)->name);
  return TRUE;
}

/* Keys and values of one block for one position. */
static double
bytes_per_position (EngModel *model, EngRecipe *recipe)
{
  const RtArchParams *arch = eng_model_get_params (model);
  return 2.0 * arch->n_kv_heads
         * (double)kn_row_bytes (fitted_format (model, recipe), arch->head_dim);
}

static gint64
context_length (EngModel *model, EngRecipe *recipe)
{
  gint64 n = eng_technique_get_int (&eng_technique_context, model, recipe, "length");
  guint n_train = eng_model_get_n_ctx_train (model);
  return n_train > 0 ? MIN (n, (gint64)n_train) : n;
}

static void
estimate (EngModel *model, EngRecipe *recipe, int layer, EngEstimate *estimate)
{
  if (eng_model_get_kind (model) == ENG_MODEL_LANGUAGE && layer >= 0 && layer < (int)eng_model_get_n_layers (model))
    estimate->kv_bytes
        += bytes_per_position (model, recipe) * (double)context_length (model, recipe);
}

static char *
explain (EngModel *model, EngRecipe *recipe, int layer)
{
  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE || layer < 0 || layer >= (int)eng_model_get_n_layers (model))
    return NULL;
  double one = bytes_per_position (model, recipe);
  gint64 n_ctx = context_length (model, recipe);
  g_autofree char *per_token = eng_format_value (one, "B");
  g_autofree char *all = eng_format_value (one * (double)n_ctx, "B");
  return g_strdup_printf ("Each token leaves %s of keys and values here; %s for %" G_GINT64_FORMAT
                          " tokens. Every new token reads all that is used.",
                          per_token, all, n_ctx);
}

static char *
describe (EngRecipe *recipe)
{
  return g_strdup_printf ("%s cache", kn_dtype_info ((int)wanted_format (recipe))->name);
}

const EngTechnique eng_technique_kv_cache = {
  .id = ID,
  .title = "Key-value cache",
  .group = "Memory",
  .summary = "A smaller cache saves memory, and time at long context, where it is read for every "
             "token; keys and values are rounded.",
  .papers = "Tiwari et al. 2025, QuantSpec: Self-Speculative Decoding with Hierarchical Quantized "
            "KV Cache; "
            "Liu et al. 2024, CacheGen: Fast Context Loading for Language Model Applications",
  .params = params,
  .n_params = G_N_ELEMENTS (params),
  .lossy = TRUE,
  .estimate = estimate,
  .language = TRUE,
  .applies = applies,
  .apply = apply,
  .explain = explain,
  .describe = describe,
};
