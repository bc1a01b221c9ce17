/* Answers about the layer axis from the model's tensor names alone. Called by the recipe pane and
 * the lanes; must not know of widgets. */
#include "app-layers.h"

#include <glib/gi18n.h>
#include <string.h>

/* What a turned label under a bar may be long. */
#define MAX_LABEL_CHARS 13

/* More brackets than these under the axis have no room for their names. */
#define MAX_GROUPS 8

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

/* @text, or its end when it is too long: numbers that tell neighbours apart stand there. */
static char *
dup_end (const char *text)
{
  glong n = g_utf8_strlen (text, -1);

  if (n <= MAX_LABEL_CHARS)
    return g_strdup (text);
  return g_strconcat ("…", g_utf8_offset_to_pointer (text, n - MAX_LABEL_CHARS + 1), NULL);
}

char *
app_layers_dup_short_name (const char *name)
{
  gsize n = strlen (name);
  const char *end = name;

  /* "a/b/", a module's name, ends where its last part does. */
  for (gsize i = 0; i + 1 < n; i++)
    if (name[i] == '/' || name[i] == ';')
      end = name + i + 1;
  return dup_end (end);
}

/* How much of every block's name is the same path ("MobilenetV2/"): it says nothing on an axis. */
static gsize
common_path (EngModel *model)
{
  int n_layers = (int)eng_model_get_n_layers (model);
  g_autofree char *first = n_layers > 1 ? eng_model_dup_layer_name (model, 0) : g_strdup ("");
  gsize n = strlen (first);

  for (int i = 1; i < n_layers; i++)
    {
      g_autofree char *name = eng_model_dup_layer_name (model, i);
      gsize k = 0;

      while (k < n && name[k] == first[k])
        k++;
      n = k;
    }
  while (n > 0 && first[n - 1] != '/')
    n--;
  return n;
}

char *
app_layers_dup_title (EngModel *model, int layer)
{
  g_autofree char *name = eng_model_dup_layer_name (model, layer);
  gsize skip = 0;

  if (eng_model_get_kind (model) == ENG_MODEL_NETWORK && layer >= 0
      && layer < (int)eng_model_get_n_layers (model))
    skip = common_path (model);
  return g_strdup (name[skip] != '\0' ? name + skip : name);
}

/* The first part of a path: "backbone" of "backbone/stage_3/conv", and of "backbone (2)", which is
 * what a second block of that name is called. */
static char *
dup_first_part (const char *path)
{
  const char *end = strchr (path + (*path == '/'), '/');

  if (end == NULL)
    end = strstr (path, " (");
  return end != NULL ? g_strndup (path, (gsize)(end - path)) : g_strdup (path);
}

/* Into how many groups of neighbours the first parts of the blocks' names put the axis. */
static guint
count_groups (EngModel *model)
{
  g_autofree char *before = NULL;
  guint n = 0;

  for (int i = 0; i < (int)eng_model_get_n_layers (model); i++)
    {
      g_autofree char *title = app_layers_dup_title (model, i);
      g_autofree char *part = dup_first_part (title);

      if (g_strcmp0 (part, before) != 0)
        n++;
      g_free (before);
      before = g_steal_pointer (&part);
    }
  return n;
}

/* A bracket over every bar would say the same twice. */
static gboolean
has_groups (EngModel *model)
{
  guint n;

  if (eng_model_get_kind (model) != ENG_MODEL_NETWORK)
    return FALSE;
  n = count_groups (model);
  return n > 1 && n <= MAX_GROUPS && n <= eng_model_get_n_layers (model) / 2;
}

char *
app_layers_dup_group (EngModel *model, int layer)
{
  g_autofree char *title = NULL;

  if (layer < 0 || layer >= (int)eng_model_get_n_layers (model))
    return NULL;
  if (has_groups (model))
    {
      title = app_layers_dup_title (model, layer);
      return dup_first_part (title);
    }
  return g_strdup (_ ("Blocks"));
}

/* Modules are named along a path ("backbone/block_3/expand"): under the axis stands the part that
 * tells it from its neighbours, behind what the bracket below says. */
static char *
dup_network_label (EngModel *model, int layer)
{
  g_autofree char *title = NULL;
  g_autofree char *group = NULL;
  g_autofree char *part = NULL;
  const char *rest;

  if (layer < 0)
    return g_strdup (C_ ("layer axis", "In"));
  if (layer >= (int)eng_model_get_n_layers (model))
    return g_strdup (C_ ("layer axis", "Out"));
  title = app_layers_dup_title (model, layer);
  group = app_layers_dup_group (model, layer);
  rest = title;
  if (group != NULL && g_str_has_prefix (title, group) && title[strlen (group)] == '/')
    rest = title + strlen (group) + 1;
  part = dup_first_part (rest);
  return dup_end (part);
}

char *
app_layers_dup_label (EngModel *model, int layer)
{
  if (eng_model_get_kind (model) == ENG_MODEL_NETWORK)
    return dup_network_label (model, layer);
  if (layer < 0)
    return g_strdup (C_ ("layer axis", "Emb"));
  if (layer >= (int)eng_model_get_n_layers (model))
    return g_strdup (C_ ("layer axis", "Out"));
  return g_strdup_printf ("%d", layer);
}
