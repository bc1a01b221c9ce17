/* Names for the graph and the memory view. Called by their feeds; draws nothing. */
#include "app-names.h"

#include <string.h>

#define OURS "lathe."

char *
app_names_dup_first (const char *name)
{
  const char *end = strchr (name, ';');

  return end != NULL && end > name ? g_strndup (name, (gsize)(end - name)) : g_strdup (name);
}

/* What surrounds a network has names of ours. */
static gboolean
is_inside (const RtGraph *graph, const RtNode *node)
{
  int n_layers = rt_graph_n_layers (graph);

  return n_layers == 0 || (node->layer >= 0 && node->layer < n_layers);
}

/* How many nodes inside have names that begin with @path. */
static guint
count_prefix (const RtGraph *graph, const char *path)
{
  guint n = 0;

  for (guint i = 0; i < rt_graph_n_nodes (graph); i++)
    n += is_inside (graph, rt_graph_node (graph, i))
         && g_str_has_prefix (rt_graph_node (graph, i)->name, path);
  return n;
}

/* @path and the next part of the name of the node in the middle, "a/" -> "a/b/"; NULL: no part is
 * left. The middle one is in whatever most are in. */
static char *
dup_longer (const RtGraph *graph, const char *path)
{
  const char *name = rt_graph_node (graph, rt_graph_n_nodes (graph) / 2)->name;
  const char *slash = g_str_has_prefix (name, path) ? strchr (name + strlen (path), '/') : NULL;
  const char *end = strchr (name, ';');

  if (slash == NULL || slash[1] == '\0' || (end != NULL && slash > end))
    return NULL;
  return g_strndup (name, (gsize)(slash + 1 - name));
}

char *
app_names_dup_path (const RtGraph *graph)
{
  g_autofree char *path = g_strdup ("");
  guint n_inside = rt_graph_n_nodes (graph) > 0 ? count_prefix (graph, "") : 0;

  while (n_inside > 1)
    {
      g_autofree char *longer = dup_longer (graph, path);

      /* Nine in ten: a head or a resize at the end often lies outside. */
      if (longer == NULL || 10 * count_prefix (graph, longer) < 9 * n_inside)
        break;
      g_free (path);
      path = g_steal_pointer (&longer);
    }
  return g_steal_pointer (&path);
}

/* "Conv_0/2" of "Conv_0": importers and passes number what they add. */
static gboolean
is_numbered (const char *name, const char *source)
{
  const char *p = name + strlen (source);

  if (!g_str_has_prefix (name, source) || *p++ != '/' || *p == '\0')
    return FALSE;
  while (g_ascii_isdigit (*p))
    p++;
  return *p == '\0';
}

char *
app_names_dup_node (const char *path, const RtNode *node)
{
  for (guint i = 0; i < node->n_sources; i++)
    if (is_numbered (node->name, node->sources[i]))
      return app_names_dup_short (path, node->sources[i]);
  return app_names_dup_short (path, node->name);
}

char *
app_names_dup_short (const char *path, const char *name)
{
  g_autofree char *first = app_names_dup_first (name);
  gsize n = strlen (path);

  /* What surrounds the network. */
  if (g_str_has_prefix (first, OURS) && first[strlen (OURS)] != '\0')
    return g_strdup (first + strlen (OURS));
  if (n > 0 && g_str_has_prefix (first, path) && first[n] != '\0')
    return g_strdup (first + n);
  return g_steal_pointer (&first);
}
