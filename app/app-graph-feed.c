/* From an RtGraph to the data of a PlotGraph. Called by the graph view; draws nothing and keeps
 * nothing of the engine alive. */
#include "app-graph-feed.h"

#include "app-config.h"
#include "app-layers.h"
#include "app-names.h"
#include "ops/rt-ops-unsupported.h"

#include <glib/gi18n.h>
#include <math.h>

typedef struct
{
  char *id, *title, *detail;
  char *name;    /* of the node; NULL for an input of the graph */
  char *problem; /* why it cannot run, NULL: it can */
  int layer;
  RtNodeId node;
  guint group;
} Node;

typedef struct
{
  char *id, *title;
  int layer;
} Group;

struct _AppGraphFeed
{
  GArray *nodes;         /* Node: the graph's inputs, then its nodes in order */
  GArray *groups;        /* Group */
  GArray *edges;         /* PlotGraphEdge */
  GHashTable *by_id;     /* id -> node + 1 */
  GHashTable *by_name;   /* node name -> node + 1 */
  GHashTable *by_source; /* source node's name (owned) -> node + 1 */
  int *group_of_layer;   /* [n_layers + 2], index layer + 1; -1: none */
  int *node_of_layer;    /* the first of it, -1: none */
  char *path;            /* that all names begin with */
  int n_layers;
};

static void
node_clear (gpointer data)
{
  Node *node = data;

  g_free (node->id);
  g_free (node->title);
  g_free (node->detail);
  g_free (node->name);
  g_free (node->problem);
}

static void
group_clear (gpointer data)
{
  Group *group = data;

  g_free (group->id);
  g_free (group->title);
}

static Node *
get_node (const AppGraphFeed *self, guint i)
{
  return &g_array_index (self->nodes, Node, i);
}

static Group *
get_group (const AppGraphFeed *self, guint i)
{
  return &g_array_index (self->groups, Group, i);
}

/* ---- Making ---- */

static int
clamp_layer (const AppGraphFeed *self, int layer)
{
  return CLAMP (layer, -1, self->n_layers);
}

/* A layer of one node needs no box around it. */
static void
add_groups (AppGraphFeed *self, EngModel *model, const RtGraph *graph)
{
  g_autofree guint *count = g_new0 (guint, self->n_layers + 2);

  for (guint i = 0; i < rt_graph_n_nodes (graph); i++)
    count[clamp_layer (self, rt_graph_node (graph, i)->layer) + 1]++;
  for (int layer = -1; layer <= self->n_layers; layer++)
    {
      Group group = { .layer = layer };

      self->group_of_layer[layer + 1] = self->node_of_layer[layer + 1] = -1;
      if (count[layer + 1] < 2)
        continue;
      group.id = g_strdup_printf ("layer/%d", layer);
      group.title = app_layers_dup_title (model, layer);
      self->group_of_layer[layer + 1] = (int)self->groups->len;
      g_array_append_val (self->groups, group);
    }
}

/* In a block, "blk.3.attn_q" is "attn_q" and "stage_2/expand" is "expand": the frame around it says
 * the rest. */
static char *
dup_title (const AppGraphFeed *self, const RtNode *node, int group)
{
  g_autofree char *title = app_names_dup_node (self->path, node);
  const char *frame = group >= 0 ? get_group (self, (guint)group)->title : "", *p = title;
  gsize n = strlen (frame);

  if (group >= 0 && g_str_has_prefix (p, "blk."))
    {
      for (p += 4; g_ascii_isdigit (*p); p++)
        ;
      return g_strdup (*p == '.' && p[1] != '\0' ? p + 1 : title);
    }
  if (n > 0 && g_str_has_prefix (title, frame) && title[n] == '/' && title[n + 1] != '\0')
    return g_strdup (title + n + 1);
  return g_steal_pointer (&title);
}

static char *
dup_shape (const RtValue *value)
{
  char buffer[128];

  return g_strdup (rt_shape_text (&value->shape, buffer, sizeof buffer));
}

/* The report's own words about a node of the file, else what it is called there. */
static char *
dup_problem (EngModel *model, const RtNode *node)
{
  const RtUnsupportedAttrs *attrs = node->attrs;
  const char *const *report = eng_model_get_report (model);
  g_autofree char *start
      = g_strdup_printf ("Node “%s” ", node->n_sources > 0 ? node->sources[0] : node->name);

  for (guint i = 0; report[i] != NULL; i++)
    if (g_str_has_prefix (report[i], start))
      {
        const char *reason = strstr (report[i], "): ");

        return g_strdup (reason != NULL ? reason + 3 : report[i]);
      }
  return g_strdup (attrs->op);
}

static void
add_node (AppGraphFeed *self, EngModel *model, const RtGraph *graph, RtNodeId id)
{
  const RtNode *from = rt_graph_node (graph, id);
  g_autofree char *shape
      = from->n_outputs > 0 ? dup_shape (rt_graph_value (graph, from->outputs[0])) : g_strdup ("");
  Node node = { .layer = clamp_layer (self, from->layer), .node = id };
  int group = self->group_of_layer[node.layer + 1];

  node.id = g_strdup_printf ("node/%s", from->name);
  node.name = g_strdup (from->name);
  node.title = dup_title (self, from, group);
  if (from->op == &rt_op_unsupported)
    {
      const RtUnsupportedAttrs *attrs = from->attrs;

      node.problem = dup_problem (model, from);
      node.detail = g_strdup_printf ("%s \u00b7 %s", attrs->op,
                                     attrs->is_unknown ? _ ("unknown shape") : shape);
    }
  else
    node.detail = g_strdup_printf ("%s \u00b7 %s", from->op->title, shape);
  node.group = group >= 0 ? (guint)group : PLOT_GRAPH_NO_GROUP;
  if (self->node_of_layer[node.layer + 1] < 0)
    self->node_of_layer[node.layer + 1] = (int)self->nodes->len;
  g_array_append_val (self->nodes, node);
  for (guint i = 0; i < from->n_sources; i++)
    if (!g_hash_table_contains (self->by_source, from->sources[i]))
      g_hash_table_insert (self->by_source, g_strdup (from->sources[i]),
                           GUINT_TO_POINTER (self->nodes->len));
}

static void
add_input (AppGraphFeed *self, const RtGraph *graph, RtValueId id)
{
  const RtValue *value = rt_graph_value (graph, id);
  g_autofree char *shape = dup_shape (value);
  Node node = { .layer = -1, .node = RT_NONE, .group = PLOT_GRAPH_NO_GROUP };

  node.id = g_strdup_printf ("value/%s", value->name);
  node.title = app_names_dup_short (self->path, value->name);
  node.detail = g_strdup_printf ("%s \u00b7 %s",
                                 value->kind == RT_VALUE_STATE ? _ ("State") : _ ("Input"), shape);
  g_array_append_val (self->nodes, node);
}

/* From who writes a value, or from the input it is, to who reads it. */
static void
add_edges (AppGraphFeed *self, const RtGraph *graph, const guint *node_of_value)
{
  for (guint i = 0; i < self->nodes->len; i++)
    {
      const RtNode *reader;

      if (get_node (self, i)->node == RT_NONE)
        continue;
      reader = rt_graph_node (graph, get_node (self, i)->node);
      for (guint k = 0; k < reader->n_inputs; k++)
        {
          RtValueId value = reader->inputs[k];
          PlotGraphEdge edge = { 0, i };

          if (value == RT_NONE || node_of_value[value] == G_MAXUINT)
            continue;
          edge.from = node_of_value[value];
          g_array_append_val (self->edges, edge);
        }
    }
}

static void
fill (AppGraphFeed *self, EngModel *model, const RtGraph *graph)
{
  guint n_values = rt_graph_n_values (graph);
  g_autofree guint *node_of_value = g_new (guint, MAX (1, n_values));

  for (guint v = 0; v < n_values; v++)
    {
      RtValueKind kind = rt_graph_value (graph, v)->kind;

      node_of_value[v] = G_MAXUINT;
      if (kind != RT_VALUE_INPUT && kind != RT_VALUE_STATE)
        continue;
      node_of_value[v] = self->nodes->len;
      add_input (self, graph, v);
    }
  for (guint i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);

      for (guint k = 0; k < node->n_outputs; k++)
        if (node->outputs[k] != RT_NONE)
          node_of_value[node->outputs[k]] = self->nodes->len;
      add_node (self, model, graph, i);
    }
  add_edges (self, graph, node_of_value);
}

AppGraphFeed *
app_graph_feed_new (EngModel *model, EngBuild *build)
{
  AppGraphFeed *self = g_new0 (AppGraphFeed, 1);
  const RtGraph *graph = build != NULL ? eng_build_get_graph (build) : eng_model_get_graph (model);

  self->nodes = g_array_new (FALSE, FALSE, sizeof (Node));
  self->groups = g_array_new (FALSE, FALSE, sizeof (Group));
  self->edges = g_array_new (FALSE, FALSE, sizeof (PlotGraphEdge));
  g_array_set_clear_func (self->nodes, node_clear);
  g_array_set_clear_func (self->groups, group_clear);
  self->by_id = g_hash_table_new (g_str_hash, g_str_equal);
  self->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  self->by_source = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->path = app_names_dup_path (graph);
  self->n_layers = (int)eng_model_get_n_layers (model);
  self->group_of_layer = g_new (int, self->n_layers + 2);
  self->node_of_layer = g_new (int, self->n_layers + 2);
  add_groups (self, model, graph);
  fill (self, model, graph);
  for (guint i = 0; i < self->nodes->len; i++)
    {
      const Node *node = get_node (self, i);

      g_hash_table_insert (self->by_id, node->id, GUINT_TO_POINTER (i + 1));
      if (node->name != NULL)
        g_hash_table_insert (self->by_name, node->name, GUINT_TO_POINTER (i + 1));
    }
  return self;
}

void
app_graph_feed_free (AppGraphFeed *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->by_id);
  g_hash_table_unref (self->by_name);
  g_hash_table_unref (self->by_source);
  g_array_unref (self->nodes);
  g_array_unref (self->groups);
  g_array_unref (self->edges);
  g_free (self->path);
  g_free (self->group_of_layer);
  g_free (self->node_of_layer);
  g_free (self);
}

gboolean
app_graph_feed_equal (const AppGraphFeed *a, const AppGraphFeed *b)
{
  if (a == NULL || b == NULL)
    return a == b;
  if (a->nodes->len != b->nodes->len || a->edges->len != b->edges->len
      || memcmp (a->edges->data, b->edges->data, a->edges->len * sizeof (PlotGraphEdge)) != 0)
    return FALSE;
  for (guint i = 0; i < a->nodes->len; i++)
    if (!g_str_equal (get_node (a, i)->id, get_node (b, i)->id)
        || !g_str_equal (get_node (a, i)->detail, get_node (b, i)->detail)
        || get_node (a, i)->group != get_node (b, i)->group)
      return FALSE;
  return TRUE;
}

void
app_graph_feed_install (const AppGraphFeed *self, PlotGraph *graph)
{
  g_autofree PlotGraphNode *nodes = g_new0 (PlotGraphNode, MAX (1, self->nodes->len));
  g_autofree PlotGraphGroup *groups = g_new0 (PlotGraphGroup, MAX (1, self->groups->len));

  for (guint i = 0; i < self->nodes->len; i++)
    {
      const Node *node = get_node (self, i);

      nodes[i] = (PlotGraphNode){ node->id, node->title, node->detail, node->group, node->problem };
    }
  for (guint g = 0; g < self->groups->len; g++)
    {
      groups[g].id = get_group (self, g)->id;
      groups[g].title = get_group (self, g)->title;
    }
  plot_graph_set_graph (graph, &(PlotGraphData){ .nodes = nodes,
                                                 .n_nodes = self->nodes->len,
                                                 .groups = groups,
                                                 .n_groups = self->groups->len,
                                                 .edges = (const PlotGraphEdge *)self->edges->data,
                                                 .n_edges = self->edges->len,
                                                 .problem_title = _ ("Not supported") });
}

guint
app_graph_feed_get_n_nodes (const AppGraphFeed *self)
{
  return g_hash_table_size (self->by_name);
}

/* ---- Searching ---- */

static gboolean
fits (const Node *node, const char *folded)
{
  g_autofree char *name = node->name != NULL ? g_utf8_casefold (node->name, -1) : NULL;
  g_autofree char *detail = g_utf8_casefold (node->detail, -1);

  return (name != NULL && strstr (name, folded) != NULL) || strstr (detail, folded) != NULL;
}

GPtrArray *
app_graph_feed_search (const AppGraphFeed *self, const char *text)
{
  GPtrArray *found = g_ptr_array_new ();
  g_autofree char *folded = g_utf8_casefold (text, -1);

  for (guint i = 0; i < self->nodes->len && *folded != '\0'; i++)
    if (get_node (self, i)->name != NULL && fits (get_node (self, i), folded))
      g_ptr_array_add (found, get_node (self, i)->id);
  return found;
}

GPtrArray *
app_graph_feed_get_problems (const AppGraphFeed *self)
{
  GPtrArray *found = g_ptr_array_new ();

  for (guint i = 0; i < self->nodes->len; i++)
    if (get_node (self, i)->problem != NULL)
      g_ptr_array_add (found, get_node (self, i)->id);
  return found;
}

/* ---- Ids ---- */

const char *
app_graph_feed_find (const AppGraphFeed *self, int layer, const char *node)
{
  guint found = node != NULL ? GPOINTER_TO_UINT (g_hash_table_lookup (self->by_name, node)) : 0;

  if (found > 0)
    return get_node (self, found - 1)->id;
  if (layer < -1 || layer > self->n_layers)
    return NULL;
  if (self->group_of_layer[layer + 1] >= 0)
    return get_group (self, (guint)self->group_of_layer[layer + 1])->id;
  return self->node_of_layer[layer + 1] >= 0
             ? get_node (self, (guint)self->node_of_layer[layer + 1])->id
             : NULL;
}

const char *
app_graph_feed_find_source (const AppGraphFeed *self, const char *source)
{
  guint found = GPOINTER_TO_UINT (g_hash_table_lookup (self->by_source, source));

  return found > 0 ? get_node (self, found - 1)->id : NULL;
}

static const Node *
lookup_node (const AppGraphFeed *self, const char *id)
{
  guint found = id != NULL ? GPOINTER_TO_UINT (g_hash_table_lookup (self->by_id, id)) : 0;

  return found > 0 ? get_node (self, found - 1) : NULL;
}

gboolean
app_graph_feed_lookup (const AppGraphFeed *self, const char *id, int *layer, const char **node)
{
  const Node *found = lookup_node (self, id);

  *node = NULL;
  if (found != NULL)
    {
      *layer = found->layer;
      *node = found->name;
      return found->name != NULL;
    }
  for (guint g = 0; g < self->groups->len && id != NULL; g++)
    if (g_str_equal (get_group (self, g)->id, id))
      {
        *layer = get_group (self, g)->layer;
        return TRUE;
      }
  return FALSE;
}

RtNodeId
app_graph_feed_get_node (const AppGraphFeed *self, const char *id)
{
  const Node *found = lookup_node (self, id);

  return found != NULL ? found->node : RT_NONE;
}

/* ---- Colour ---- */

const char *
app_metric_get_title (AppMetric metric, RtPhase phase)
{
  switch (metric)
    {
    case APP_METRIC_LATENCY:
      return phase == RT_PHASE_PREFILL  ? _ ("Prefill latency")
             : phase == RT_PHASE_DECODE ? _ ("Decode latency")
                                        : _ ("Latency");
    case APP_METRIC_WEIGHTS:
      return _ ("Weights");
    case APP_METRIC_ACTIVATIONS:
      return _ ("Activations alive");
    case APP_METRIC_OPERATIONS:
      return _ ("Operations");
    case APP_N_METRICS:
    default:
      g_return_val_if_reached ("");
    }
}

/* Blocks have samples of their own: the sum over their nodes in one step. */
static void
fill_latency (const AppGraphFeed *self, EngProfile *profile, RtPhase phase, double *nodes,
              double *groups)
{
  const EngPhaseProfile *data = profile != NULL ? eng_profile_get_phase (profile, phase) : NULL;

  if (data == NULL || eng_profile_get_n_layers (profile) != self->n_layers)
    return;
  for (guint i = 0; i < eng_profile_get_n_nodes (profile); i++)
    {
      guint at = GPOINTER_TO_UINT (
          g_hash_table_lookup (self->by_name, eng_profile_get_node_name (profile, i)));

      if (at > 0 && data->nodes[i].n > 0)
        nodes[at - 1] = data->nodes[i].median_ns;
    }
  for (guint g = 0; g < self->groups->len; g++)
    {
      const EngLatency *latency = &data->layers[get_group (self, g)->layer + 1];

      if (latency->n > 0)
        groups[g] = latency->median_ns;
    }
}

double
app_graph_feed_get_latency (const AppGraphFeed *self, EngProfile *profile, RtPhase phase, int layer,
                            const char *node)
{
  const EngPhaseProfile *data = profile != NULL ? eng_profile_get_phase (profile, phase) : NULL;

  if (data == NULL || eng_profile_get_n_layers (profile) != self->n_layers)
    return NAN;
  if (node == NULL)
    return data->layers[layer + 1].n > 0 ? data->layers[layer + 1].median_ns : NAN;
  for (guint i = 0; i < eng_profile_get_n_nodes (profile); i++)
    if (g_str_equal (eng_profile_get_node_name (profile, i), node))
      return data->nodes[i].n > 0 ? data->nodes[i].median_ns : NAN;
  return NAN;
}

static void
fill_memory (const AppGraphFeed *self, EngBuild *build, gboolean weights, double *nodes,
             double *groups)
{
  EngLayerMemory memory;

  for (guint i = 0; i < self->nodes->len; i++)
    if (get_node (self, i)->node != RT_NONE)
      {
        eng_build_get_node_memory (build, get_node (self, i)->node, &memory);
        nodes[i] = (double)(weights ? memory.weight_bytes : memory.activation_bytes);
      }
  for (guint g = 0; g < self->groups->len; g++)
    {
      eng_build_get_layer_memory (build, get_group (self, g)->layer, &memory);
      groups[g] = (double)(weights ? memory.weight_bytes : memory.activation_bytes);
    }
}

/* Of one step: a token, a prompt's chunk, or an inference. */
static void
fill_operations (const AppGraphFeed *self, EngBuild *build, RtPhase phase, double *nodes,
                 double *groups)
{
  guint n_tokens = phase == RT_PHASE_PREFILL ? eng_build_get_max_tokens (build) : 1;

  for (guint i = 0; i < self->nodes->len; i++)
    {
      const Node *node = get_node (self, i);
      RtCost cost;

      if (node->node == RT_NONE)
        continue;
      rt_exec_cost (eng_build_get_exec (build), node->node, n_tokens, 0, &cost);
      nodes[i] = (double)cost.flops;
      if (node->group != PLOT_GRAPH_NO_GROUP)
        groups[node->group] = (isnan (groups[node->group]) ? 0 : groups[node->group]) + nodes[i];
    }
}

void
app_graph_feed_colour (const AppGraphFeed *self, PlotGraph *graph, AppMetric metric,
                       EngBuild *build, EngProfile *profile, RtPhase phase)
{
  g_autofree double *nodes = g_new (double, MAX (1, self->nodes->len));
  g_autofree double *groups = g_new (double, MAX (1, self->groups->len));
  PlotGraphMetric what = { .title = app_metric_get_title (metric, phase), .unit = PLOT_UNIT_BYTES };

  /* Nothing measured at all: boxes without colour say so better than dashes in each. */
  if (build == NULL || (metric == APP_METRIC_LATENCY && profile == NULL))
    {
      plot_graph_set_metric (graph, NULL, NULL, NULL);
      return;
    }
  for (guint i = 0; i < self->nodes->len; i++)
    nodes[i] = NAN;
  for (guint g = 0; g < self->groups->len; g++)
    groups[g] = NAN;
  switch (metric)
    {
    case APP_METRIC_LATENCY:
      what.unit = PLOT_UNIT_NS;
      fill_latency (self, profile, phase, nodes, groups);
      break;
    case APP_METRIC_WEIGHTS:
    case APP_METRIC_ACTIVATIONS:
      fill_memory (self, build, metric == APP_METRIC_WEIGHTS, nodes, groups);
      break;
    case APP_METRIC_OPERATIONS:
      what.unit = (PlotUnit){ .symbol = "FLOP", .prefix = PLOT_PREFIX_LARGE };
      fill_operations (self, build, phase, nodes, groups);
      break;
    case APP_N_METRICS:
    default:
      g_return_if_reached ();
    }
  plot_graph_set_metric (graph, &what, nodes, groups);
}
