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
  guint n_nodes = rt_graph_n_nodes (graph);
  g_autofree char *path = n_nodes > 1 ? app_names_dup_first (rt_graph_node (graph, 0)->name) : NULL;
  gsize n;

  if (path == NULL)
    return g_strdup ("");
  n = strlen (path);
  for (guint i = 1; i < n_nodes && n > 0; i++)
    {
      const char *name = rt_graph_node (graph, i)->name;
      gsize k = 0;

      while (k < n && name[k] == path[k])
        k++;
      n = k;
    }
  while (n > 0 && path[n - 1] != '/')
    n--;
  return g_strndup (path, n);
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
