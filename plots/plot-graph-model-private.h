#pragma once

#include "plot-graph.h"
#include "plot-table.h"

G_BEGIN_DECLS

/* Data of PlotGraph. An *endpoint* is what a line can end at: node i is endpoint i, group g is
 * endpoint n_nodes + g. */

#define PLOT_GRAPH_NONE G_MAXUINT

/* What the layout needs, never changed after it was made: the worker holds a reference. */
typedef struct
{
  gatomicrefcount refs;
  guint n_nodes, n_groups, n_edges;
  float *width;    /* [n_nodes + n_groups] of the boxes, pixels at zoom 1 */
  guint *group_of; /* [n_nodes] */
  guint *from, *to;
} PlotGraphShape;

PlotGraphShape *plot_graph_shape_ref (PlotGraphShape *self);
void plot_graph_shape_unref (PlotGraphShape *self);

typedef struct
{
  char *id, *title, *detail;
  char *problem; /* NULL: none; of a group: of its first node that has one */
  double value;
  guint n_nodes;    /* of a group */
  guint n_problems; /* 0 or 1; of a group: nodes that have one */
} PlotGraphEntry;

typedef struct
{
  PlotGraphShape *shape;
  PlotGraphEntry *entries; /* [n_nodes + n_groups], by endpoint */
  guint8 *expanded;        /* [n_groups] */
  GHashTable *by_id;       /* id -> endpoint + 1 */
  gboolean has_metric;
  char *metric_title;
  char *problem_title; /* NULL: no node has one */
  PlotUnit metric_unit;
} PlotGraphModel;

PlotGraphModel *plot_graph_model_new (const PlotGraphData *data); /* NULL: empty */
void plot_graph_model_free (PlotGraphModel *self);

static inline guint
plot_graph_model_n_endpoints (const PlotGraphModel *self)
{
  return self->shape->n_nodes + self->shape->n_groups;
}

static inline gboolean
plot_graph_model_is_group (const PlotGraphModel *self, guint endpoint)
{
  return endpoint >= self->shape->n_nodes;
}

/** Endpoint of an id; PLOT_GRAPH_NONE. */
guint plot_graph_model_find (const PlotGraphModel *self, const char *id);
/** The endpoint that stands for @endpoint on screen: its closed group, else itself. */
guint plot_graph_model_shown (const PlotGraphModel *self, guint endpoint);
void plot_graph_model_set_metric (PlotGraphModel *self, const PlotGraphMetric *metric,
                                  const double *node_values, const double *group_values);

G_END_DECLS
