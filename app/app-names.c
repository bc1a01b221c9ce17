/* Names for the graph and the memory view. Called by their feeds; draws nothing. */
#include "app-names.h"

#include <string.h>

char *
app_names_dup_first (const char *name)
{
  const char *end = strchr (name, ';');

  return end != NULL && end > name ? g_strndup (name, (gsize)(end - name)) : g_strdup (name);
}

char *
app_names_dup_path (const RtGraph *graph)
{
  int n_layers = rt_graph_n_layers (graph);
  g_autofree char *path = NULL;
  gsize n = 0;

  for (guint i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      gsize k = 0;

      /* What surrounds a network has names of ours. */
      if (n_layers > 0 && (node->layer < 0 || node->layer >= n_layers))
        continue;
      if (path == NULL)
        {
          path = app_names_dup_first (node->name);
          n = strlen (path);
        }
      while (k < n && node->name[k] == path[k])
        k++;
      n = k;
    }
  while (n > 0 && path[n - 1] != '/')
    n--;
  return g_strndup (path != NULL ? path : "", n);
}

char *
app_names_dup_short (const char *path, const char *name)
{
  g_autofree char *first = app_names_dup_first (name);
  gsize n = strlen (path);

  if (n > 0 && g_str_has_prefix (first, path) && first[n] != '\0')
    return g_strdup (first + n);
  return g_steal_pointer (&first);
}
