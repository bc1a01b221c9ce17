/* Which blocks a saved build still has and what number each gets: other programs read blocks without
 * gaps. Called by eng-build-save.c; knows no technique, only which nodes the graph has left. */
#include "eng-build-save-private.h"

#include <string.h>

static gboolean
has_node (EngBuild *self, guint block, const char *name)
{
  g_autofree char *full = g_strdup_printf ("blk.%u.%s", block, name);
  return rt_graph_find_node (self->source, full) != RT_NONE;
}

int *
eng_build_number_blocks (EngBuild *self)
{
  guint n = eng_model_get_n_layers (self->model);
  int *numbers = g_new (int, n + 1);
  int next = 0;

  for (guint i = 0; i < n; i++)
    numbers[i] = has_node (self, i, "attn_add") || has_node (self, i, "ffn_add") ? next++ : -1;
  return numbers;
}

guint
eng_build_count_blocks (EngBuild *self, const int *numbers)
{
  guint n = 0;
  for (guint i = 0; i < eng_model_get_n_layers (self->model); i++)
    n += numbers[i] >= 0;
  return n;
}

char *
eng_build_dup_saved_name (EngBuild *self, const int *numbers, const RtGgufTensor *tensor)
{
  g_autofree char *name = g_strndup (tensor->name.data, tensor->name.length);
  char *rest;

  if (!g_str_has_prefix (name, "blk."))
    return g_steal_pointer (&name);
  guint64 block = g_ascii_strtoull (name + 4, &rest, 10);
  if (rest == name + 4 || block >= eng_model_get_n_layers (self->model))
    return g_steal_pointer (&name);
  return numbers[block] >= 0 ? g_strdup_printf ("blk.%d%s", numbers[block], rest) : NULL;
}
