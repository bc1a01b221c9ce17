/* Technique: the number formats of the key-value cache. Keys and values may differ: a key's
 * rounding moves scores, and so the weights of all positions; a value's rounding is averaged over
 * them. */
#include "techniques/eng-techniques.h"

#include <string.h>

#include "eng-figure.h"
#include "kn-attn.h"

#define ID "kv-cache"
#define KEYS "format"
#define VALUES "values"
#define SCALES "scales"

static const EngChoice formats[] = {
  { "f32", "F32", "4 bytes per value, exact" },
  { "f16", "F16", "2 bytes per value" },
  { "q8_0", "Q8_0", "8-bit codes: 8.5 bits per value with one scale per 32" },
  { "q4_0", "Q4_0", "4-bit codes: 4.5 bits per value with one scale per 32" },
  { NULL },
};

static const EngChoice values_formats[] = {
  { "same", "Same", "as the cache format says" },
  { "f32", "F32", "4 bytes per value, exact" },
  { "f16", "F16", "2 bytes per value" },
  { "q8_0", "Q8_0", "8-bit codes: 8.5 bits per value with one scale per 32" },
  { "q4_0", "Q4_0", "4-bit codes: 4.5 bits per value with one scale per 32" },
  { NULL },
};

static const EngChoice scales[] = {
  { "block", "Per 32", "one scale per 32 values" },
  { "head", "Per head",
    "one scale per head and token: smaller; one large value costs the whole head its precision" },
  { NULL },
};

static const EngParam params[] = {
  { .id = KEYS,
    .title = "Cache format",
    .summary = "Number format in which keys and values of earlier tokens are kept.",
    .kind = ENG_PARAM_CHOICE,
    .choices = formats,
    .default_choice = "f16" },
  { .id = VALUES,
    .title = "Values",
    .summary = "Another format for the values; keys keep the cache format.",
    .kind = ENG_PARAM_CHOICE,
    .choices = values_formats,
    .default_choice = "same" },
  { .id = SCALES,
    .title = "Scales",
    .summary = "How many values of an 8-bit or 4-bit cache share a scale.",
    .kind = ENG_PARAM_CHOICE,
    .choices = scales,
    .default_choice = "block" },
};

/* One half of the cache, as the recipe asks for it. */
static KnDtype
half_format (EngRecipe *recipe, const char *param)
{
  g_autofree char *choice = eng_recipe_get_string (recipe, ID, param, NULL);
  if (strcmp (choice, "same") == 0)
    return half_format (recipe, KEYS);
  KnDtype format = (KnDtype)kn_dtype_from_name (choice);
  g_autofree char *per = eng_recipe_get_string (recipe, ID, SCALES, NULL);
  if (strcmp (per, "head") == 0 && format == KN_Q8_0)
    return KN_KV_Q8_HEAD;
  if (strcmp (per, "head") == 0 && format == KN_Q4_0)
    return KN_KV_Q4_HEAD;
  return format;
}

static KnDtype
wanted_format (EngRecipe *recipe)
{
  return kn_kv_pair (half_format (recipe, KEYS), half_format (recipe, VALUES));
}

/* Codes come in blocks of 32, which heads must fill; F16 fits every head. */
static KnDtype
fitted_format (EngModel *model, EngRecipe *recipe)
{
  guint32 head_dim = eng_model_get_params (model)->head_dim;
  KnDtype keys = half_format (recipe, KEYS), values = half_format (recipe, VALUES);
  return kn_kv_pair (kn_kv_format_ok (keys, head_dim) ? keys : KN_F16,
                     kn_kv_format_ok (values, head_dim) ? values : KN_F16);
}

static gboolean
matters (EngRecipe *recipe, const EngParam *param)
{
  KnDtype keys = half_format (recipe, KEYS), values = half_format (recipe, VALUES);
  return strcmp (param->id, SCALES) != 0 || (keys != KN_F32 && keys != KN_F16)
         || (values != KN_F32 && values != KN_F16);
}

static char *
applies (EngModel *model)
{
  return eng_model_get_kind (model) == ENG_MODEL_LANGUAGE
             ? NULL
             : g_strdup ("a network has no cache of keys and values");
}

static gboolean
apply (EngLowering *lowering, GError **error)
{
  char fitted_name[KN_KV_NAME_BYTES], wanted_name[KN_KV_NAME_BYTES];
  KnDtype wanted = wanted_format (lowering->recipe);
  lowering->kv_format = fitted_format (lowering->model, lowering->recipe);
  if (lowering->kv_format != wanted)
    eng_lowering_note (
        lowering, "Key-value cache: heads of %u values do not fill blocks of 32: %s instead of %s",
        eng_model_get_params (lowering->model)->head_dim,
        kn_kv_name (lowering->kv_format, fitted_name), kn_kv_name (wanted, wanted_name));
  return TRUE;
}

/* Keys and values of one block for one position. */
static double
bytes_per_position (EngModel *model, EngRecipe *recipe)
{
  const RtArchParams *arch = eng_model_get_params (model);
  KnDtype format = fitted_format (model, recipe);
  return (double)arch->n_kv_heads
         * (double)(kn_k_bytes (format, arch->head_dim, KN_PANEL_ROWS)
                    + kn_v_bytes (format, arch->head_dim, KN_PANEL_ROWS))
         / KN_PANEL_ROWS;
}

static gint64
context_length (EngModel *model, EngRecipe *recipe)
{
  gint64 n = eng_technique_get_int (&eng_technique_context, model, recipe, "length");
  guint n_train = eng_model_get_n_ctx_train (model);
  return n_train > 0 ? MIN (n, (gint64)n_train) : n;
}

/* Blocks may lack their attention. */
static gboolean
has_attention (EngModel *model, int layer)
{
  g_autofree char *name = g_strdup_printf ("blk.%d.attn", layer);
  return eng_model_get_kind (model) == ENG_MODEL_LANGUAGE && layer >= 0
         && layer < (int)eng_model_get_n_layers (model)
         && rt_graph_find_node (eng_model_get_graph (model), name) != RT_NONE;
}

static void
estimate (EngModel *model, EngRecipe *recipe, int layer, EngEstimate *estimate)
{
  if (has_attention (model, layer))
    estimate->kv_bytes
        += bytes_per_position (model, recipe) * (double)context_length (model, recipe);
}

static char *
explain (EngModel *model, EngRecipe *recipe, int layer)
{
  if (!has_attention (model, layer))
    return NULL;
  const RtArchParams *arch = eng_model_get_params (model);
  double one = bytes_per_position (model, recipe);
  double bits = one * 8 / (2.0 * arch->n_kv_heads * arch->head_dim);
  char name[KN_KV_NAME_BYTES];
  gint64 n_ctx = context_length (model, recipe);
  g_autofree char *per_token = eng_format_value (one, "B");
  g_autofree char *all = eng_format_value (one * (double)n_ctx, "B");
  return g_strdup_printf ("%s, %.2f bits per value: each token leaves %s of keys and values here; "
                          "%s for %" G_GINT64_FORMAT
                          " tokens. Every new token reads all that is used.",
                          kn_kv_name (fitted_format (model, recipe), name), bits, per_token, all,
                          n_ctx);
}

static char *
describe (EngRecipe *recipe)
{
  char name[KN_KV_NAME_BYTES];
  KnDtype format = wanted_format (recipe);
  return g_strdup_printf (kn_kv_keys (format) == kn_kv_values (format) ? "%s cache" : "%s",
                          kn_kv_name (format, name));
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
  .matters = matters,
  .estimate = estimate,
  .language = TRUE,
  .applies = applies,
  .apply = apply,
  .explain = explain,
  .describe = describe,
};
