/* Answers about the layer axis from the model's tensor names alone. Called by the recipe pane and
 * the lanes; must not know of widgets. */
#include "app-layers.h"

#include <glib/gi18n.h>
#include <string.h>

guint
app_layers_count_matches (EngModel *model, const char *pattern)
{
  g_autoptr (GPatternSpec) spec = g_pattern_spec_new (pattern);
  guint n = 0;

  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    n += g_pattern_spec_match_string (spec, eng_model_get_tensor (model, i)->name);
  return n;
}

/* The longest common beginning of the names in @layer, and how many there are. */
static char *
common_prefix (EngModel *model, int layer, guint *n_members)
{
  char *prefix = NULL;

  *n_members = 0;
  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      gsize n = 0;

      if (tensor->layer != layer)
        continue;
      (*n_members)++;
      if (prefix == NULL)
        {
          prefix = g_strdup (tensor->name);
          continue;
        }
      while (prefix[n] != '\0' && prefix[n] == tensor->name[n])
        n++;
      prefix[n] = '\0';
    }
  return prefix;
}

char *
app_layers_dup_pattern (EngModel *model, int layer)
{
  g_autofree char *prefix = NULL;
  g_autofree char *pattern = NULL;
  guint n_members;
  char *dot;

  g_return_val_if_fail (ENG_IS_MODEL (model), NULL);

  prefix = common_prefix (model, layer, &n_members);
  if (n_members == 0)
    return NULL;
  if (n_members == 1)
    return g_steal_pointer (&prefix);

  /* "blk.3.attn_" reads better, and holds for names not seen yet, as "blk.3.*". */
  dot = strrchr (prefix, '.');
  if (dot != NULL)
    {
      g_autofree char *tidy = g_strndup (prefix, (gsize)(dot - prefix) + 1);

      pattern = g_strconcat (tidy, "*", NULL);
      if (app_layers_count_matches (model, pattern) == n_members)
        return g_steal_pointer (&pattern);
      g_clear_pointer (&pattern, g_free);
    }
  pattern = g_strconcat (prefix, "*", NULL);
  return app_layers_count_matches (model, pattern) == n_members ? g_steal_pointer (&pattern) : NULL;
}

char *
app_layers_dup_label (EngModel *model, int layer)
{
  if (layer < 0)
    return g_strdup (C_ ("layer axis", "Emb"));
  if (layer >= (int)eng_model_get_n_layers (model))
    return g_strdup (C_ ("layer axis", "Out"));
  return g_strdup_printf ("%d", layer);
}
