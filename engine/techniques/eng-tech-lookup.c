/* Technique: matrix-vector products by table lookup instead of dot products (kn-lookup.h): matrices
 * whose format has a twin made of bit planes are packed as that. Nothing but time changes. Comes
 * after all that choose formats. */
#include "techniques/eng-techniques.h"

#include <string.h>

#include "eng-build.h"
#include "eng-format-speed.h"
#include "eng-recipe-private.h"
#include "eng-worth.h"
#include "kn-lookup.h"
#include "kn-table.h"

#define ID "lookup"
#define METHOD "method"
#define LOOKUP "lookup"

static const EngChoice methods[] = {
  { "dot", "Dot products", "weights are expanded to bytes and multiplied" },
  { LOOKUP, "Table lookup",
    "four weights index a table of sums of four activations, one bit plane at a time: no "
    "multiplications" },
  { NULL },
};

static const EngParam params[] = {
  { .id = METHOD,
    .title = "Products by",
    .summary = "How products with weights of 1 to 4 bits are computed: Q4_0, Q3_K, Q2_K, TQ2_0 "
               "and Q1_64 have both ways.",
    .kind = ENG_PARAM_CHOICE,
    .per_layer = TRUE,
    .choices = methods,
    .default_choice = "dot" },
};

static gboolean
is_wanted (EngRecipe *recipe, const char *tensor)
{
  g_autofree char *method = eng_recipe_get_string (recipe, ID, METHOD, tensor);
  return strcmp (method, LOOKUP) == 0;
}

static gboolean
is_in_block (EngModel *model, const EngTensor *tensor)
{
  return tensor->layer >= 0 && tensor->layer < (int)eng_model_get_n_layers (model);
}

static char *
applies (EngModel *model)
{
  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE)
    return g_strdup ("only the matrices of language models: convolutions have no lookup kernels");
  return NULL;
}

static gboolean
apply (EngLowering *lowering, GError **error)
{
  g_autoptr (GHashTable) noted = g_hash_table_new (g_direct_hash, g_direct_equal);

  for (guint i = 0; i < eng_model_get_n_tensors (lowering->model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (lowering->model, i);
      int dtype = lowering->dtypes[i], twin = kn_lookup_twin (dtype);
      gsize n_rows, n_cols;
      if (!is_in_block (lowering->model, tensor) || !is_wanted (lowering->recipe, tensor->name)
          || !eng_lowering_tensor_shape (lowering, i, &n_rows, &n_cols))
        continue;
      if (twin >= 0)
        lowering->dtypes[i] = twin;
      else if (g_hash_table_add (noted, GINT_TO_POINTER (dtype)))
        eng_lowering_note (lowering,
                           "%s and others like it: %s has no lookup form (Q4_0, Q3_K, Q2_K, "
                           "TQ2_0 and Q1_64 have), it stays with dot products",
                           tensor->name, kn_dtype_info (dtype)->name);
    }
  return TRUE;
}

/* ---- for people ---- */

/* The format that the recipe packs @tensor in. */
static int
format_of (EngRecipe *recipe, const EngTensor *tensor)
{
  g_autofree char *format = eng_recipe_get_string (recipe, "weight-format", "format", tensor->name);
  int dtype = kn_dtype_from_name (format);
  return eng_fit_dtype (dtype >= 0 ? dtype : tensor->dtype, tensor->n_cols);
}

static gboolean
has_dot_product (void)
{
  return kn_table ()->level == KN_LEVEL_AVX512 || kn_table ()->level == KN_LEVEL_DOTPROD;
}

/* What the kernels took by themselves, one token, weights from memory. */
static void
add_speed (GString *text, const EngFormatSpeeds *speeds, int dtype, int twin)
{
  const EngFormatSpeed *dot = eng_format_speeds_find (speeds, dtype),
                       *lookup = eng_format_speeds_find (speeds, twin);

  if (dot == NULL || lookup == NULL || !dot->decode.available || !lookup->decode.available)
    {
      g_string_append_printf (text,
                              " How much faster or slower that is here was not measured yet: "
                              "“lathe formats” does, with both forms of %s.",
                              kn_dtype_info (dtype)->name);
      return;
    }
  double ratio = lookup->decode.value / dot->decode.value;
  gboolean overlap
      = lookup->decode.low <= dot->decode.high && dot->decode.low <= lookup->decode.high;
  g_string_append_printf (text,
                          " Decoding with %s takes %.3g ns per million weights by lookup, %.3g by "
                          "dot products (measured, %u threads): ",
                          kn_dtype_info (dtype)->name, lookup->decode.value, dot->decode.value,
                          speeds->n_threads);
  if (overlap)
    g_string_append (text, "no difference that is sure.");
  else if (ratio < 1)
    g_string_append_printf (text, "%.2f times as fast.", 1 / ratio);
  else
    g_string_append_printf (text, "%.2f times as long.", ratio);
}

static char *
explain (EngModel *model, EngRecipe *recipe, int layer)
{
  guint n = 0, n_lookup = 0;
  int dtype = -1;

  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      if (tensor->layer != layer || !is_in_block (model, tensor))
        continue;
      n++;
      if (!is_wanted (recipe, tensor->name) || kn_lookup_twin (format_of (recipe, tensor)) < 0)
        continue;
      n_lookup++;
      if (dtype < 0)
        dtype = format_of (recipe, tensor);
    }
  if (n_lookup == 0)
    return NULL;
  g_autoptr (EngMachine) machine = eng_machine_new ();
  g_autoptr (EngFormatSpeeds) speeds
      = eng_format_speeds_load (machine, MAX (eng_machine_get_n_cpus (machine), 1));
  g_autoptr (GString) text = g_string_new (NULL);
  g_string_append_printf (text, "%u of %u matrices by table lookup, with the same results.",
                          n_lookup, n);
  add_speed (text, speeds, dtype, kn_lookup_twin (dtype));
  if (has_dot_product ())
    g_string_append (text, " For comparison: this processor has a dot product instruction, which "
                           "lookup is meant to do without.");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static char *
verdict (EngModel *model, EngRecipe *recipe, EngRun *run, int layer)
{
  guint n_lookup = 0;

  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      if (tensor->layer == layer && is_in_block (model, tensor))
        n_lookup
            += is_wanted (recipe, tensor->name) && kn_lookup_twin (format_of (recipe, tensor)) >= 0;
    }
  if (n_lookup == 0)
    return NULL;
  g_autoptr (EngRecipe) dot = eng_recipe_without (recipe, &eng_technique_lookup);
  EngWorth worth = eng_worth (model, recipe, dot, run, layer, ENG_WORTH_ANY);
  g_autofree char *words = eng_worth_dup_speedup (&worth, "dot products");
  return g_strdup_printf ("By lookup: %s.", words);
}

static char *
describe (EngRecipe *recipe)
{
  if (is_wanted (recipe, NULL))
    return g_strdup ("table lookup");
  for (guint i = 0; i < eng_recipe_n_rules (recipe, ID); i++)
    if (strcmp (g_variant_get_string (eng_recipe_get_rule (recipe, ID, i).value, NULL), LOOKUP)
        == 0)
      return g_strdup ("table lookup by rules");
  return NULL;
}

const EngTechnique eng_technique_lookup = {
  .id = ID,
  .title = "Table lookup",
  .group = "Quantization",
  .summary
  = "Compute products of 1- to 4-bit weights by looking sums up in tables, with the same "
    "results: for processors without an 8-bit dot product; with one it is a comparison and "
    "usually slower. Prompts are multiplied as without it where that is faster.",
  .papers
  = "Wei et al. 2025, T-MAC: CPU Renaissance via Table Lookup for Low-Bit LLM Deployment on "
    "Edge; "
    "Ganji et al. 2023, DeepGEMM: Accelerated Ultra Low-Precision Inference on CPU "
    "Architectures using Lookup Tables",
  .params = params,
  .n_params = G_N_ELEMENTS (params),
  .language = TRUE,
  .applies = applies,
  .apply = apply,
  .verdict = verdict,
  .explain = explain,
  .describe = describe,
};
