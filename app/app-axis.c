/* From profiles and builds to arrays along the layer axis. Called by the lanes and the comparison.
 * Knows the engine's data and the plot's items, but draws nothing and keeps nothing alive. */
#include "app-axis.h"

#include "app-config.h"
#include "app-layers.h"
#include "eng-technique.h"

#include <glib/gi18n.h>
#include <math.h>

/* What a card has room for. */
#define MAX_SOURCES 4

typedef struct
{
  int layer;
  int parent;      /* item, -1 for a layer */
  guint node;      /* in the profile or graph it was made from */
  char *node_name; /* NULL for a layer */
  char *name;
  char *label;
  char *group; /* NULL: none */
} Item;

struct _AppAxis
{
  GArray *items;       /* Item */
  GHashTable *by_name; /* node name -> item + 1 */
  int *item_of_layer;  /* [n_layers + 2], index layer + 1 */
  int n_layers;
};

static void
item_clear (gpointer data)
{
  Item *item = data;

  g_free (item->node_name);
  g_free (item->name);
  g_free (item->label);
  g_free (item->group);
}

/* ---- Nodes, wherever they come from ---- */

static guint
source_n_nodes (EngProfile *profile, EngBuild *build)
{
  if (profile != NULL)
    return eng_profile_get_n_nodes (profile);
  return build != NULL ? rt_graph_n_nodes (eng_build_get_graph (build)) : 0;
}

static int
source_layer (EngProfile *profile, EngBuild *build, guint node)
{
  return profile != NULL ? eng_profile_get_node_layer (profile, node)
                         : rt_graph_node (eng_build_get_graph (build), node)->layer;
}

static const char *
source_name (EngProfile *profile, EngBuild *build, guint node)
{
  return profile != NULL ? eng_profile_get_node_name (profile, node)
                         : rt_graph_node (eng_build_get_graph (build), node)->name;
}

static const char *
source_op (EngProfile *profile, EngBuild *build, guint node)
{
  return profile != NULL ? eng_profile_get_node_op (profile, node)
                         : rt_graph_node (eng_build_get_graph (build), node)->op->title;
}

/* Names of the nodes of the file that the executed one stands for, *@n of them; borrowed. */
static const char *const *
source_names (EngProfile *profile, EngBuild *build, guint node, guint *n)
{
  const RtNode *executed;
  const char *const *names;

  if (profile != NULL)
    {
      names = eng_profile_get_node_sources (profile, node);
      *n = names != NULL ? g_strv_length ((char **)names) : 0;
      return names;
    }
  executed = rt_graph_node (eng_build_get_graph (build), node);
  *n = executed->n_sources;
  return executed->sources;
}

/* "blk.3.attn_q" -> "attn_q": the layer is already named by the parent. */
static char *
dup_short_name (const char *name)
{
  const char *p = name;

  if (!g_str_has_prefix (p, "blk."))
    return app_layers_dup_short_name (name);
  p += 4;
  while (g_ascii_isdigit (*p))
    p++;
  return g_strdup (*p == '.' && p[1] != '\0' ? p + 1 : name);
}

/* "conv_3 (Convolution)"; of a fused node also what it was made of: "relu_3 (Convolution of Conv_3,
 * BatchNorm_3, Relu_3)". */
static char *
dup_node_name (EngProfile *profile, EngBuild *build, guint node)
{
  GString *text = g_string_new (source_name (profile, build, node));
  guint n;
  const char *const *names = source_names (profile, build, node, &n);

  g_string_append_printf (text, " (%s", source_op (profile, build, node));
  for (guint i = 0; n > 1 && i < MIN (n, MAX_SOURCES); i++)
    {
      g_autofree char *name = dup_short_name (names[i]);

      g_string_append (text, i == 0 ? C_ ("made of nodes", " of ") : ", ");
      g_string_append (text, name);
    }
  if (n > MAX_SOURCES)
    g_string_append (text, ", …");
  g_string_append_c (text, ')');
  return g_string_free (text, FALSE);
}

static void
add_layer (AppAxis *self, EngModel *model, int layer)
{
  Item item = { .layer = layer, .parent = -1 };

  item.name = eng_model_dup_layer_name (model, layer);
  item.label = app_layers_dup_label (model, layer);
  item.group = app_layers_dup_group (model, layer);
  self->item_of_layer[layer + 1] = (int)self->items->len;
  g_array_append_val (self->items, item);
}

static void
add_node (AppAxis *self, EngProfile *profile, EngBuild *build, guint node, int layer)
{
  const char *name = source_name (profile, build, node);
  Item item = { .layer = layer, .parent = self->item_of_layer[layer + 1], .node = node };

  item.node_name = g_strdup (name);
  item.name = dup_node_name (profile, build, node);
  item.label = dup_short_name (name);
  g_hash_table_insert (self->by_name, item.node_name, GUINT_TO_POINTER (self->items->len + 1));
  g_array_append_val (self->items, item);
}

AppAxis *
app_axis_new (EngModel *model, EngProfile *profile, EngBuild *build)
{
  AppAxis *self = g_new0 (AppAxis, 1);
  guint n_nodes = source_n_nodes (profile, build);

  self->n_layers = (int)eng_model_get_n_layers (model);
  if (profile != NULL && eng_profile_get_n_layers (profile) != self->n_layers)
    n_nodes = 0; /* a profile of something else has no business here */
  self->items = g_array_new (FALSE, FALSE, sizeof (Item));
  g_array_set_clear_func (self->items, item_clear);
  self->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  self->item_of_layer = g_new (int, self->n_layers + 2);

  for (int layer = -1; layer <= self->n_layers; layer++)
    {
      add_layer (self, model, layer);
      for (guint node = 0; node < n_nodes; node++)
        if (source_layer (profile, build, node) == layer)
          add_node (self, profile, build, node, layer);
    }
  return self;
}

void
app_axis_free (AppAxis *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->by_name);
  g_array_unref (self->items);
  g_free (self->item_of_layer);
  g_free (self);
}

static const Item *
get_item (const AppAxis *self, guint i)
{
  return &g_array_index (self->items, Item, i);
}

gboolean
app_axis_equal (const AppAxis *a, const AppAxis *b)
{
  if (a == NULL || b == NULL || a->items->len != b->items->len)
    return a == b;
  for (guint i = 0; i < a->items->len; i++)
    if (get_item (a, i)->layer != get_item (b, i)->layer
        || g_strcmp0 (get_item (a, i)->name, get_item (b, i)->name) != 0)
      return FALSE;
  return TRUE;
}

void
app_axis_install (const AppAxis *self, PlotLanes *lanes)
{
  g_autofree PlotItem *items = g_new0 (PlotItem, self->items->len);

  for (guint i = 0; i < self->items->len; i++)
    {
      const Item *item = get_item (self, i);

      items[i].name = item->name;
      items[i].label = item->label;
      items[i].parent = item->parent;
      items[i].group = item->group;
    }
  plot_lanes_set_items (lanes, items, self->items->len);
}

guint
app_axis_n_items (const AppAxis *self)
{
  return self->items->len;
}

int
app_axis_get_layer (const AppAxis *self, guint item)
{
  g_return_val_if_fail (item < self->items->len, 0);
  return get_item (self, item)->layer;
}

const char *
app_axis_get_node_name (const AppAxis *self, guint item)
{
  g_return_val_if_fail (item < self->items->len, NULL);
  return get_item (self, item)->node_name;
}

int
app_axis_find (const AppAxis *self, int layer, const char *node)
{
  if (node != NULL)
    {
      guint found = GPOINTER_TO_UINT (g_hash_table_lookup (self->by_name, node));

      if (found > 0)
        return (int)found - 1;
    }
  return layer >= -1 && layer <= self->n_layers ? self->item_of_layer[layer + 1] : -1;
}

/* TRUE when @item was made from this very place of a profile like @profile: names need not be
 * unique in a network. */
static gboolean
is_node (const Item *item, EngProfile *profile)
{
  return item->node_name != NULL && item->node < eng_profile_get_n_nodes (profile)
         && g_strcmp0 (eng_profile_get_node_name (profile, item->node), item->node_name) == 0;
}

/* For every item the node of @profile that it stands for, -1 for none; newly allocated [n_items].
 */
static int *
match_nodes (const AppAxis *self, EngProfile *profile)
{
  int *nodes = g_new (int, self->items->len);

  for (guint i = 0; i < self->items->len; i++)
    nodes[i] = is_node (get_item (self, i), profile) ? (int)get_item (self, i)->node : -1;
  for (guint node = 0; node < eng_profile_get_n_nodes (profile); node++)
    {
      guint found = GPOINTER_TO_UINT (
          g_hash_table_lookup (self->by_name, eng_profile_get_node_name (profile, node)));

      if (found > 0 && nodes[found - 1] < 0)
        nodes[found - 1] = (int)node;
    }
  return nodes;
}

int
app_axis_find_profile_node (const AppAxis *self, EngProfile *profile, guint item)
{
  const char *name = app_axis_get_node_name (self, item);

  if (name == NULL)
    return -1;
  if (is_node (get_item (self, item), profile))
    return (int)get_item (self, item)->node;
  for (guint node = 0; node < eng_profile_get_n_nodes (profile); node++)
    if (g_strcmp0 (eng_profile_get_node_name (profile, node), name) == 0)
      return (int)node;
  return -1;
}

void
app_axis_fill_latency (const AppAxis *self, EngProfile *profile, RtPhase phase, double *median,
                       double *low, double *high)
{
  gboolean fits = profile != NULL && eng_profile_get_n_layers (profile) == self->n_layers;
  const EngPhaseProfile *data = fits ? eng_profile_get_phase (profile, phase) : NULL;
  g_autofree int *nodes = fits ? match_nodes (self, profile) : NULL;

  for (guint i = 0; i < self->items->len; i++)
    {
      const Item *item = get_item (self, i);
      const EngLatency *latency = NULL;

      median[i] = low[i] = high[i] = NAN;
      if (data == NULL)
        continue;
      if (item->parent < 0)
        latency = &data->layers[item->layer + 1];
      else if (nodes[i] >= 0)
        latency = &data->nodes[nodes[i]];
      if (latency == NULL || latency->n == 0)
        continue;
      median[i] = latency->median_ns;
      low[i] = latency->p5_ns;
      high[i] = latency->p95_ns;
    }
}

void
app_axis_fill_values (const AppAxis *self, EngProfile *profile, const double *layers,
                      const double *nodes, double *values)
{
  gboolean fits = profile != NULL && eng_profile_get_n_layers (profile) == self->n_layers;
  g_autofree int *found = fits ? match_nodes (self, profile) : NULL;

  for (guint i = 0; i < self->items->len; i++)
    {
      const Item *item = get_item (self, i);

      values[i] = NAN;
      if (fits && item->parent < 0 && layers != NULL)
        values[i] = layers[item->layer + 1];
      else if (fits && item->parent >= 0 && nodes != NULL && found[i] >= 0)
        values[i] = nodes[found[i]];
    }
}

static void
put_memory (const EngLayerMemory *memory, guint i, double *weights, double *activations, double *kv)
{
  weights[i] = memory != NULL ? (double)memory->weight_bytes : NAN;
  activations[i] = memory != NULL ? (double)memory->activation_bytes : NAN;
  kv[i] = memory != NULL ? (double)memory->kv_bytes : NAN;
}

void
app_axis_fill_memory (const AppAxis *self, EngProfile *profile, double *weights,
                      double *activations, double *kv)
{
  gboolean fits = profile != NULL && eng_profile_get_n_layers (profile) == self->n_layers;
  g_autofree int *nodes = fits ? match_nodes (self, profile) : NULL;

  for (guint i = 0; i < self->items->len; i++)
    {
      const Item *item = get_item (self, i);
      const EngLayerMemory *memory = NULL;

      if (fits && item->parent < 0)
        memory = eng_profile_get_layer_memory (profile, item->layer);
      else if (fits && nodes[i] >= 0)
        memory = eng_profile_get_node_memory (profile, (guint)nodes[i]);
      put_memory (memory, i, weights, activations, kv);
    }
}

void
app_axis_fill_build_memory (const AppAxis *self, EngBuild *build, double *weights,
                            double *activations, double *kv)
{
  guint n_nodes = rt_graph_n_nodes (eng_build_get_graph (build));

  for (guint i = 0; i < self->items->len; i++)
    {
      const Item *item = get_item (self, i);
      EngLayerMemory memory;
      gboolean known = TRUE;

      if (item->parent < 0)
        eng_build_get_layer_memory (build, item->layer, &memory);
      else if (item->node < n_nodes
               && g_strcmp0 (rt_graph_node (eng_build_get_graph (build), item->node)->name,
                             item->node_name)
                      == 0)
        eng_build_get_node_memory (build, item->node, &memory);
      else
        known = FALSE;
      put_memory (known ? &memory : NULL, i, weights, activations, kv);
    }
}

void
app_axis_fill_estimates (const AppAxis *self, EngModel *model, EngRecipe *recipe, double *weights,
                         double *kv)
{
  guint n;
  const EngTechnique *const *list = eng_technique_list (&n);

  for (guint i = 0; i < self->items->len; i++)
    {
      const Item *item = get_item (self, i);
      EngEstimate estimate = { 0.0, 0.0 };

      weights[i] = kv[i] = NAN;
      if (item->parent >= 0)
        continue;
      for (guint t = 0; t < n; t++)
        if (list[t]->estimate != NULL)
          list[t]->estimate (model, recipe, item->layer, &estimate);
      weights[i] = estimate.weight_bytes;
      kv[i] = estimate.kv_bytes;
    }
}
