/* Recipes that advice proposes, and what they weigh: changing one value, formats of some layers,
 * names of layers. Knows no rules. */
#include "eng-advice-private.h"

#include <string.h>

#include "eng-build-private.h"
#include "kn-matmul.h"

EngRecipe *
eng_advice_with (EngRecipe *recipe, const char *technique, const char *param, GVariant *value)
{
  return eng_recipe_with (recipe, technique, param, NULL, value, NULL);
}

/* ---- Formats of some matrices ---- */

static gboolean
holds (GPtrArray *tensors, const EngTensor *tensor)
{
  return g_ptr_array_find (tensors, tensor, NULL);
}

/* A glob that matches @tensors of @layer and nothing else of the model; NULL: there is none that is
 * shorter than their names. */
static char *
dup_layer_pattern (EngModel *model, GPtrArray *tensors, int layer)
{
  g_autofree char *prefix = NULL;
  char *pattern, *dot;
  guint n_members = 0;

  for (guint i = 0; i < tensors->len; i++)
    {
      const EngTensor *tensor = g_ptr_array_index (tensors, i);
      gsize n = 0;

      if (tensor->layer != layer)
        continue;
      n_members++;
      if (prefix == NULL)
        prefix = g_strdup (tensor->name);
      while (prefix[n] != '\0' && prefix[n] == tensor->name[n])
        n++;
      prefix[n] = '\0';
    }
  dot = prefix != NULL ? strrchr (prefix, '.') : NULL;
  if (dot == NULL || n_members < 2) /* one is called by its name */
    return NULL;
  dot[1] = '\0';
  pattern = g_strconcat (prefix, "*", NULL);
  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);

      if (g_pattern_match_simple (pattern, tensor->name)
          != (tensor->layer == layer && holds (tensors, tensor)))
        {
          g_free (pattern);
          return NULL;
        }
    }
  return pattern;
}

static gboolean
add_rule (EngRecipe **recipe, const char *match, const char *format)
{
  EngRecipe *next = eng_recipe_with (*recipe, "weight-format", "format", match,
                                     g_variant_new_string (format), NULL);

  if (next == NULL)
    return FALSE;
  eng_recipe_unref (*recipe);
  *recipe = next;
  return TRUE;
}

static gboolean
add_layer_rules (EngModel *model, EngRecipe **recipe, GPtrArray *tensors, int layer,
                 const char *format)
{
  g_autofree char *pattern = dup_layer_pattern (model, tensors, layer);

  if (pattern != NULL)
    return add_rule (recipe, pattern, format);
  for (guint i = 0; i < tensors->len; i++)
    {
      const EngTensor *tensor = g_ptr_array_index (tensors, i);

      if (tensor->layer == layer && !add_rule (recipe, tensor->name, format))
        return FALSE;
    }
  return TRUE;
}

/* Without rules: a global value is then true of everything. */
static EngRecipe *
without_rules (EngRecipe *recipe)
{
  EngRecipe *bare = eng_recipe_ref (recipe);

  while (bare != NULL && eng_recipe_n_rules (bare, "weight-format") > 0)
    {
      g_autofree char *match = g_strdup (eng_recipe_get_rule (bare, "weight-format", 0).match);
      EngRecipe *next = eng_recipe_with (bare, "weight-format", "format", match, NULL, NULL);

      eng_recipe_unref (bare);
      bare = next;
    }
  return bare;
}

EngRecipe *
eng_advice_with_format (EngModel *model, EngRecipe *recipe, GPtrArray *tensors, const char *format)
{
  EngRecipe *changed;

  if (tensors->len == 0)
    return NULL;
  if (tensors->len == eng_model_get_n_tensors (model))
    {
      g_autoptr (EngRecipe) bare = without_rules (recipe);

      return bare != NULL
                 ? eng_advice_with (bare, "weight-format", "format", g_variant_new_string (format))
                 : NULL;
    }
  changed = eng_recipe_ref (recipe);
  for (int layer = -1; layer <= (int)eng_model_get_n_layers (model); layer++)
    if (!add_layer_rules (model, &changed, tensors, layer, format))
      {
        eng_recipe_unref (changed);
        return NULL;
      }
  return changed;
}

static KnDtype
packed_dtype (const EngTensor *tensor, EngRecipe *recipe)
{
  g_autofree char *choice = eng_recipe_get_string (recipe, "weight-format", "format", tensor->name);
  int wanted = strcmp (choice, "source") == 0 ? tensor->dtype : kn_dtype_from_name (choice);

  return (KnDtype)eng_fit_dtype (wanted, tensor->n_cols);
}

double
eng_advice_tensor_bytes (const EngTensor *tensor, EngRecipe *recipe)
{
  return (double)kn_row_bytes (packed_dtype (tensor, recipe), tensor->n_cols)
         * (double)tensor->n_rows;
}

gboolean
eng_advice_is_int8 (const EngTensor *tensor, EngRecipe *recipe)
{
  return kn_matmul_act (packed_dtype (tensor, recipe)) != KN_ACT_F32;
}

double
eng_advice_recipe_bytes (EngModel *model, EngRecipe *recipe)
{
  EngEstimate estimate = { 0 };
  guint n;
  const EngTechnique *const *techniques = eng_technique_list (&n);

  for (guint i = 0; i < n; i++)
    for (int layer = -1; layer <= (int)eng_model_get_n_layers (model); layer++)
      if (techniques[i]->estimate != NULL)
        techniques[i]->estimate (model, recipe, layer, &estimate);
  return estimate.weight_bytes + estimate.kv_bytes;
}

/* ---- Words ---- */

const char *
eng_advice_step_name (RtPhase phase)
{
  switch (phase)
    {
    case RT_PHASE_PREFILL:
      return "prompt";
    case RT_PHASE_DECODE:
      return "token";
    case RT_PHASE_INFERENCE:
    default:
      return "inference";
    }
}

/* "Block 3" to "Block 7", whose names differ in their last number only, are "Blocks 3–7". */
static char *
name_range (EngModel *model, int first, int last)
{
  g_autofree char *from = eng_model_dup_layer_name (model, first);

  if (first == last)
    return g_steal_pointer (&from);
  if (eng_model_get_kind (model) == ENG_MODEL_LANGUAGE && first >= 0
      && last < (int)eng_model_get_n_layers (model))
    return g_strdup_printf ("Blocks %d–%d", first, last);
  g_autofree char *to = eng_model_dup_layer_name (model, last);
  return g_strdup_printf (last == first + 1 ? "%s and %s" : "%s to %s", from, to);
}

#define MAX_NAMES 3

char *
eng_advice_name_layers (EngModel *model, const int *layers, guint n)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  GString *text = g_string_new (NULL);
  guint n_more = 0;

  if (n == eng_model_get_n_layers (model) + 2 || n == 0)
    return g_string_free (g_string_append (text, "all layers"), FALSE);
  for (guint i = 0; i < n;)
    {
      guint k = i;

      while (k + 1 < n && layers[k + 1] == layers[k] + 1 && layers[i] >= 0
             && layers[k + 1] < (int)eng_model_get_n_layers (model))
        k++;
      if (names->len < MAX_NAMES)
        g_ptr_array_add (names, name_range (model, layers[i], layers[k]));
      else
        n_more += k + 1 - i;
      i = k + 1;
    }
  for (guint i = 0; i < names->len; i++)
    g_string_append_printf (text, "%s%s",
                            i == 0                               ? ""
                            : i == names->len - 1 && n_more == 0 ? " and "
                                                                 : ", ",
                            (const char *)g_ptr_array_index (names, i));
  if (n_more > 0)
    g_string_append_printf (text, " and %u more", n_more);
  return g_string_free (text, FALSE);
}
