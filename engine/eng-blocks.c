/* From nodes to blocks, as eng-blocks.h says. Called once per network, when it is opened. */
#include "eng-blocks.h"

#include <string.h>

#include "rt-op.h"

/* Neighbouring blocks are merged by scanning all of them; more heavy nodes than this are first
 * taken together by place, so that a file of a million of them opens in time. */
#define MAX_FIRST_BLOCKS 4096

typedef struct
{
  guint first, n_nodes;
  guint heavy;  /* node, or G_MAXUINT */
  char *prefix; /* what the names have in common */
} Block;

static void
block_clear (gpointer data)
{
  g_free (((Block *)data)->prefix);
}

/* Fused names of the file list several nodes, "a;b": the first. */
static char *
source_name (const RtNode *node)
{
  const char *name = node->n_sources > 0 ? node->sources[0] : node->name;
  const char *end = strchr (name, ';');
  g_autofree char *first = end != NULL ? g_strndup (name, (gsize)(end - name)) : g_strdup (name);
  return g_utf8_make_valid (first, -1);
}

static gboolean
is_heavy (const RtGraph *graph, const RtNode *node)
{
  static const char *const products[] = { "matmul_nd", "gemm", "einsum", "lstm", "gru", "rnn" };

  for (guint i = 0; i < G_N_ELEMENTS (products); i++)
    if (strcmp (node->op->name, products[i]) == 0)
      return TRUE;
  if (node->op->matrix_inputs != 0)
    return TRUE;
  for (guint i = 0; i < node->n_inputs; i++)
    {
      const RtValue *value
          = node->inputs[i] != RT_NONE ? rt_graph_value (graph, node->inputs[i]) : NULL;
      gboolean product = strstr (node->op->name, "conv") != NULL
                         || strstr (node->op->name, "depthwise") != NULL
                         || strstr (node->op->name, "dense") != NULL
                         || strstr (node->op->name, "product") != NULL
                         || strstr (node->op->name, "matmul") != NULL;
      if (product && value != NULL && value->kind == RT_VALUE_WEIGHT && value->shape.n_dims >= 2)
        return TRUE;
    }
  return FALSE;
}

static gsize
common_length (const char *a, const char *b)
{
  gsize n = 0;
  while (a[n] != '\0' && a[n] == b[n])
    n++;
  return n;
}

/* Shorten @prefix to what it shares with @name. */
static void
narrow (char *prefix, const char *name)
{
  prefix[common_length (prefix, name)] = '\0';
}

static GArray *
first_blocks (const RtGraph *graph)
{
  GArray *blocks = g_array_new (FALSE, FALSE, sizeof (Block));
  guint n_nodes = rt_graph_n_nodes (graph);
  g_array_set_clear_func (blocks, block_clear);

  for (guint i = 0; i < n_nodes; i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      gboolean heavy = is_heavy (graph, node);
      Block *last = blocks->len > 0 ? &g_array_index (blocks, Block, blocks->len - 1) : NULL;
      g_autofree char *name = source_name (node);
      if (last == NULL || (heavy && last->heavy != G_MAXUINT && blocks->len < MAX_FIRST_BLOCKS))
        {
          Block block = { i, 1, heavy ? i : G_MAXUINT, g_steal_pointer (&name) };
          g_array_append_val (blocks, block);
          continue;
        }
      last->n_nodes++;
      if (heavy && last->heavy == G_MAXUINT)
        last->heavy = i;
      narrow (last->prefix, name);
    }
  return blocks;
}

static void
merge_most_alike (GArray *blocks)
{
  guint best = 0, best_n = G_MAXUINT;
  gsize best_length = 0;

  for (guint i = 0; i + 1 < blocks->len; i++)
    {
      const Block *a = &g_array_index (blocks, Block, i), *b = a + 1;
      gsize length = common_length (a->prefix, b->prefix);
      guint n = a->n_nodes + b->n_nodes;
      if (length > best_length || (length == best_length && n < best_n))
        {
          best = i;
          best_length = length;
          best_n = n;
        }
    }
  Block *a = &g_array_index (blocks, Block, best), *b = a + 1;
  a->n_nodes += b->n_nodes;
  if (a->heavy == G_MAXUINT)
    a->heavy = b->heavy;
  narrow (a->prefix, b->prefix);
  g_array_remove_index (blocks, best + 1);
}

/* "model/block_3/conv" and "model/block_3/relu" share "model/block_3/": the separator and what is
 * no whole part of a name goes. Whether something is left. */
static gboolean
cut_prefix (char *prefix, const char *whole)
{
  gsize n = strlen (prefix);
  if (whole[n] != '\0' && strchr ("/._", whole[n]) == NULL)
    while (n > 0 && strchr ("/._", prefix[n - 1]) == NULL)
      n--;
  while (n > 0 && strchr ("/._", prefix[n - 1]) != NULL)
    n--;
  prefix[n] = '\0';
  return n > 0;
}

static char *
block_name (const RtGraph *graph, Block *block)
{
  g_autofree char *first = source_name (rt_graph_node (graph, block->first));
  guint node = block->heavy != G_MAXUINT ? block->heavy : block->first;
  g_autofree char *prefix = g_strdup (block->prefix);
  const char *name = prefix;
  g_autofree char *heavy = source_name (rt_graph_node (graph, node));

  /* A prefix that says less than a whole part ("", "StatefulPartitionedCall") says nothing. */
  if (!cut_prefix (prefix, first) || strpbrk (prefix, "/.") == NULL)
    name = heavy;
  while (*name == '/')
    name++;
  return g_utf8_make_valid (*name != '\0' ? name : heavy, -1);
}

EngBlocks *
eng_blocks_new (const RtGraph *graph)
{
  g_autoptr (GArray) blocks = first_blocks (graph);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  EngBlocks *self = g_new0 (EngBlocks, 1);

  while (blocks->len > ENG_MAX_BLOCKS)
    merge_most_alike (blocks);
  self->n = blocks->len;
  self->of_node = g_new0 (int, rt_graph_n_nodes (graph) + 1);
  self->names = g_new0 (char *, self->n + 1);
  for (guint i = 0; i < self->n; i++)
    {
      Block *block = &g_array_index (blocks, Block, i);
      for (guint k = 0; k < block->n_nodes; k++)
        self->of_node[block->first + k] = (int)i;
      self->names[i] = block_name (graph, block);
      for (guint copy = 2; g_hash_table_contains (seen, self->names[i]); copy++)
        {
          g_free (self->names[i]);
          g_autofree char *name = block_name (graph, block);
          self->names[i] = g_strdup_printf ("%s (%u)", name, copy);
        }
      g_hash_table_add (seen, self->names[i]);
    }
  return self;
}

void
eng_blocks_free (EngBlocks *self)
{
  if (self == NULL)
    return;
  g_free (self->of_node);
  g_strfreev (self->names);
  g_free (self);
}
