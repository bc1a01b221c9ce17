/* Data of PlotGraph: copies of what the program gave. No geometry, no drawing. */

#include "plot-graph-model-private.h"
#include "plot-i18n-private.h"

#include <math.h>
#include <string.h>

/* Widths are counted in characters, not measured: the layout must not depend on the fonts of a
 * machine, and text that does not fit is cut. */
#define TITLE_CHAR_PX 7.3
#define DETAIL_CHAR_PX 6.1
#define MIN_WIDTH 112
#define MAX_WIDTH 250
#define PADDING 24

PlotGraphShape *
plot_graph_shape_ref (PlotGraphShape *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
plot_graph_shape_unref (PlotGraphShape *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_free (self->width);
  g_free (self->group_of);
  g_free (self->from);
  g_free (self->to);
  g_free (self);
}

static float
box_width (const PlotGraphEntry *entry, gboolean group)
{
  double title = TITLE_CHAR_PX * g_utf8_strlen (entry->title, -1) + (group ? 20 : 0);
  double detail = DETAIL_CHAR_PX * g_utf8_strlen (entry->detail, -1);

  return (float)round (CLAMP (fmax (title, detail) + PADDING, MIN_WIDTH, MAX_WIDTH));
}

static void
set_entry (PlotGraphModel *self, guint endpoint, const char *id, const char *title,
           const char *detail)
{
  PlotGraphEntry *entry = &self->entries[endpoint];

  g_return_if_fail (id != NULL);
  entry->id = g_strdup (id);
  entry->title = g_strdup (title != NULL ? title : id);
  entry->detail = g_strdup (detail != NULL ? detail : "");
  entry->value = NAN;
  self->shape->width[endpoint] = box_width (entry, plot_graph_model_is_group (self, endpoint));
  if (!g_hash_table_insert (self->by_id, entry->id, GUINT_TO_POINTER (endpoint + 1)))
    g_critical ("Two nodes or groups of a graph have the id “%s”", id);
}

static void
set_problem (PlotGraphModel *self, const PlotGraphData *data, guint node)
{
  guint group = data->nodes[node].group;
  PlotGraphEntry *entry = &self->entries[node];

  if (data->nodes[node].problem == NULL)
    return;
  entry->problem = g_strdup (data->nodes[node].problem);
  entry->n_problems = 1;
  if (self->problem_title == NULL)
    self->problem_title
        = g_strdup (data->problem_title != NULL ? data->problem_title : _ ("Problem"));
  if (group >= data->n_groups)
    return;
  entry = &self->entries[data->n_nodes + group];
  if (entry->n_problems++ == 0)
    entry->problem = g_strdup (data->nodes[node].problem);
}

static void
copy_groups (PlotGraphModel *self, const PlotGraphData *data)
{
  for (guint i = 0; i < data->n_nodes; i++)
    {
      guint group = data->nodes[i].group;

      g_return_if_fail (group < data->n_groups || group == PLOT_GRAPH_NO_GROUP);
      self->shape->group_of[i] = group;
      if (group != PLOT_GRAPH_NO_GROUP)
        self->entries[data->n_nodes + group].n_nodes++;
    }
  for (guint g = 0; g < data->n_groups; g++)
    {
      const PlotGraphGroup *group = &data->groups[g];
      guint n = self->entries[data->n_nodes + g].n_nodes;
      g_autofree char *count = g_strdup_printf (ngettext ("%u node", "%u nodes", n), n);

      set_entry (self, data->n_nodes + g, group->id, group->title,
                 group->detail != NULL ? group->detail : count);
    }
}

PlotGraphModel *
plot_graph_model_new (const PlotGraphData *data)
{
  static const PlotGraphData nothing = { 0 };
  PlotGraphModel *self = g_new0 (PlotGraphModel, 1);
  PlotGraphShape *shape = g_new0 (PlotGraphShape, 1);
  guint n;

  data = data != NULL ? data : &nothing;
  n = data->n_nodes + data->n_groups;
  g_atomic_ref_count_init (&shape->refs);
  self->shape = shape;
  shape->n_nodes = data->n_nodes;
  shape->n_groups = data->n_groups;
  shape->width = g_new0 (float, MAX (1, n));
  shape->group_of = g_new0 (guint, MAX (1, data->n_nodes));
  shape->from = g_new (guint, MAX (1, data->n_edges));
  shape->to = g_new (guint, MAX (1, data->n_edges));
  self->entries = g_new0 (PlotGraphEntry, MAX (1, n));
  self->expanded = g_new0 (guint8, MAX (1, data->n_groups));
  self->by_id = g_hash_table_new (g_str_hash, g_str_equal);
  self->metric_title = g_strdup ("");

  for (guint i = 0; i < data->n_nodes; i++)
    set_entry (self, i, data->nodes[i].id, data->nodes[i].title, data->nodes[i].detail);
  copy_groups (self, data);
  for (guint i = 0; i < data->n_nodes; i++)
    set_problem (self, data, i);
  for (guint i = 0; i < data->n_edges; i++)
    {
      const PlotGraphEdge *edge = &data->edges[i];

      if (edge->from >= data->n_nodes || edge->to >= data->n_nodes)
        {
          g_critical ("Edge %u of a graph leads from node %u to %u of %u", i, edge->from, edge->to,
                      data->n_nodes);
          continue;
        }
      shape->from[shape->n_edges] = edge->from;
      shape->to[shape->n_edges++] = edge->to;
    }
  return self;
}

void
plot_graph_model_free (PlotGraphModel *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < plot_graph_model_n_endpoints (self); i++)
    {
      g_free (self->entries[i].id);
      g_free (self->entries[i].title);
      g_free (self->entries[i].detail);
      g_free (self->entries[i].problem);
    }
  g_free (self->entries);
  g_free (self->expanded);
  g_free (self->metric_title);
  g_free (self->problem_title);
  g_hash_table_unref (self->by_id);
  plot_graph_shape_unref (self->shape);
  g_free (self);
}

guint
plot_graph_model_find (const PlotGraphModel *self, const char *id)
{
  guint found = id != NULL ? GPOINTER_TO_UINT (g_hash_table_lookup (self->by_id, id)) : 0;

  return found > 0 ? found - 1 : PLOT_GRAPH_NONE;
}

guint
plot_graph_model_shown (const PlotGraphModel *self, guint endpoint)
{
  guint group;

  if (endpoint == PLOT_GRAPH_NONE || plot_graph_model_is_group (self, endpoint))
    return endpoint;
  group = self->shape->group_of[endpoint];
  if (group == PLOT_GRAPH_NO_GROUP || self->expanded[group])
    return endpoint;
  return self->shape->n_nodes + group;
}

void
plot_graph_model_set_metric (PlotGraphModel *self, const PlotGraphMetric *metric,
                             const double *node_values, const double *group_values)
{
  const PlotGraphShape *shape = self->shape;

  self->has_metric = metric != NULL;
  g_free (self->metric_title);
  self->metric_title = g_strdup (metric != NULL && metric->title != NULL ? metric->title : "");
  self->metric_unit = metric != NULL ? metric->unit : PLOT_UNIT_PLAIN;
  for (guint i = 0; i < plot_graph_model_n_endpoints (self); i++)
    self->entries[i].value = NAN;
  if (metric == NULL)
    return;
  for (guint i = 0; i < shape->n_nodes; i++)
    {
      double value = node_values != NULL ? node_values[i] : NAN;
      PlotGraphEntry *group;

      self->entries[i].value = value;
      if (group_values != NULL || isnan (value) || shape->group_of[i] == PLOT_GRAPH_NO_GROUP)
        continue;
      group = &self->entries[shape->n_nodes + shape->group_of[i]];
      group->value = isnan (group->value) ? value : group->value + value;
    }
  for (guint g = 0; g < shape->n_groups && group_values != NULL; g++)
    self->entries[shape->n_nodes + g].value = group_values[g];
}
