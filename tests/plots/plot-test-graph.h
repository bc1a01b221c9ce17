#pragma once

#include "plot-graph.h"

/* Invented graphs for tests, benchmark and gallery: the same everywhere. */

typedef struct
{
  GArray *nodes, *groups, *edges; /* PlotGraphNode, PlotGraphGroup, PlotGraphEdge */
  GPtrArray *strings;
} PlotTestGraph;

static inline PlotTestGraph
plot_test_graph_new (void)
{
  return (PlotTestGraph){ g_array_new (FALSE, FALSE, sizeof (PlotGraphNode)),
                          g_array_new (FALSE, FALSE, sizeof (PlotGraphGroup)),
                          g_array_new (FALSE, FALSE, sizeof (PlotGraphEdge)),
                          g_ptr_array_new_with_free_func (g_free) };
}

static inline void
plot_test_graph_clear (PlotTestGraph *graph)
{
  g_array_unref (graph->nodes);
  g_array_unref (graph->groups);
  g_array_unref (graph->edges);
  g_ptr_array_unref (graph->strings);
}

static inline PlotGraphData
plot_test_graph_data (const PlotTestGraph *graph)
{
  return (PlotGraphData){ (const PlotGraphNode *)graph->nodes->data,   graph->nodes->len,
                          (const PlotGraphGroup *)graph->groups->data, graph->groups->len,
                          (const PlotGraphEdge *)graph->edges->data,   graph->edges->len };
}

static inline const char *
plot_test_graph_keep (PlotTestGraph *graph, char *text)
{
  g_ptr_array_add (graph->strings, text);
  return text;
}

static inline guint
plot_test_graph_group (PlotTestGraph *graph, char *id)
{
  PlotGraphGroup group = { .id = plot_test_graph_keep (graph, id) };

  g_array_append_val (graph->groups, group);
  return graph->groups->len - 1;
}

/* @id is taken. */
static inline guint
plot_test_graph_node (PlotTestGraph *graph, char *id, const char *detail, guint group)
{
  PlotGraphNode node = { plot_test_graph_keep (graph, id), NULL, detail, group };

  g_array_append_val (graph->nodes, node);
  return graph->nodes->len - 1;
}

static inline void
plot_test_graph_edge (PlotTestGraph *graph, guint from, guint to)
{
  PlotGraphEdge edge = { from, to };

  g_array_append_val (graph->edges, edge);
}

/* Residual blocks with a skip each, and long skips from the first half to the second, as in a
 * segmentation network. */
static inline PlotTestGraph
plot_test_graph_residual (guint n_blocks, gboolean grouped)
{
  PlotTestGraph graph = plot_test_graph_new ();
  guint last = plot_test_graph_node (&graph, g_strdup ("input"), "picture \u00b7 [1, 224, 224, 3]",
                                     PLOT_GRAPH_NO_GROUP);
  g_autofree guint *ends = g_new (guint, n_blocks);

  for (guint b = 0; b < n_blocks; b++)
    {
      guint group = grouped ? plot_test_graph_group (&graph, g_strdup_printf ("Block %u", b))
                            : PLOT_GRAPH_NO_GROUP;
      guint expand = plot_test_graph_node (&graph, g_strdup_printf ("b%u.expand", b),
                                           "Conv 1\u00d71 \u00b7 [1, 56, 56, 96]", group);
      guint depth = plot_test_graph_node (&graph, g_strdup_printf ("b%u.depthwise", b),
                                          "Depthwise 3\u00d73 \u00b7 [1, 56, 56, 96]", group);
      guint project = plot_test_graph_node (&graph, g_strdup_printf ("b%u.project", b),
                                            "Conv 1\u00d71 \u00b7 [1, 56, 56, 24]", group);
      guint add = plot_test_graph_node (&graph, g_strdup_printf ("b%u.add", b),
                                        "Add \u00b7 [1, 56, 56, 24]", group);

      plot_test_graph_edge (&graph, last, expand);
      plot_test_graph_edge (&graph, expand, depth);
      plot_test_graph_edge (&graph, depth, project);
      plot_test_graph_edge (&graph, project, add);
      plot_test_graph_edge (&graph, last, add);
      if (b >= (n_blocks + 1) / 2 && b % 3 == 0)
        plot_test_graph_edge (&graph, ends[n_blocks - 1 - b], expand);
      ends[b] = last = add;
    }
  plot_test_graph_edge (&graph, last,
                        plot_test_graph_node (&graph, g_strdup ("output"),
                                              "Softmax \u00b7 [1, 1000]", PLOT_GRAPH_NO_GROUP));
  return graph;
}

static inline double
plot_test_graph_random (guint32 *state)
{
  *state = *state * 1664525u + 1013904223u;
  return (*state >> 8) / 16777216.0;
}

/* @n nodes, each reading one or two of the @reach before it. */
static inline PlotTestGraph
plot_test_graph_scattered (guint n, guint reach, guint32 seed)
{
  PlotTestGraph graph = plot_test_graph_new ();
  guint32 state = seed;

  for (guint i = 0; i < n; i++)
    {
      guint node = plot_test_graph_node (&graph, g_strdup_printf ("node %u", i), "op",
                                         PLOT_GRAPH_NO_GROUP);
      guint n_in = i == 0 ? 0 : 1 + (plot_test_graph_random (&state) < 0.3);

      for (guint k = 0; k < n_in; k++)
        {
          guint back = 1 + (guint)(plot_test_graph_random (&state) * MIN (reach, i));

          plot_test_graph_edge (&graph, i - MIN (back, i), node);
        }
    }
  return graph;
}
