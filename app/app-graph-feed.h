/* A graph of the engine as nodes, groups and lines for a PlotGraph, and the engine's numbers laid
 * out on them. The blocks of the layer axis are the groups. */
#pragma once

#include "eng-profile.h"
#include "plot-graph.h"

G_BEGIN_DECLS

typedef enum
{
  APP_METRIC_LATENCY,
  APP_METRIC_WEIGHTS,
  APP_METRIC_ACTIVATIONS,
  APP_METRIC_OPERATIONS,
  APP_N_METRICS,
} AppMetric;

typedef struct _AppGraphFeed AppGraphFeed;

/* @build NULL: the source graph, as in the file. Copies what it needs. */
AppGraphFeed *app_graph_feed_new (EngModel *model, EngBuild *build);
void app_graph_feed_free (AppGraphFeed *feed); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AppGraphFeed, app_graph_feed_free)

/* TRUE when both show the same nodes and lines: then a plot need not be told. */
gboolean app_graph_feed_equal (const AppGraphFeed *a, const AppGraphFeed *b);
void app_graph_feed_install (const AppGraphFeed *feed, PlotGraph *graph);
guint app_graph_feed_get_n_nodes (const AppGraphFeed *feed); /* without the inputs */

/* Ids of the nodes whose name, operator or shape has @text in it, in the graph's order; whether
 * letters are large or small does not count. Free the array, not the strings. */
GPtrArray *app_graph_feed_search (const AppGraphFeed *feed, const char *text);
/* Ids of the nodes that cannot run. */
GPtrArray *app_graph_feed_get_problems (const AppGraphFeed *feed);

/* The id that stands for a node, or for a whole layer when @node is NULL or unknown; NULL: none. */
const char *app_graph_feed_find (const AppGraphFeed *feed, int layer, const char *node);
/* The id of the node that a node of the file became; NULL: none. */
const char *app_graph_feed_find_source (const AppGraphFeed *feed, const char *source);
/* What an id stands for; @node gets NULL for a whole layer. FALSE for inputs and unknown ids. */
gboolean app_graph_feed_lookup (const AppGraphFeed *feed, const char *id, int *layer,
                                const char **node);
/* The executed node behind an id, RT_NONE for groups and inputs. */
RtNodeId app_graph_feed_get_node (const AppGraphFeed *feed, const char *id);

/* Of one node, or of a whole layer when @node is NULL; NAN: not measured. @profile may be NULL. */
double app_graph_feed_get_latency (const AppGraphFeed *feed, EngProfile *profile, RtPhase phase,
                                   int layer, const char *node);
/* Translated: "Decode latency". */
const char *app_metric_get_title (AppMetric metric, RtPhase phase);
/* Colours @graph, which was installed from @feed. @build NULL: no metric at all; so for latencies
 * when @profile is NULL. Nodes of the profile are matched by name. */
void app_graph_feed_colour (const AppGraphFeed *feed, PlotGraph *graph, AppMetric metric,
                            EngBuild *build, EngProfile *profile, RtPhase phase);

G_END_DECLS
