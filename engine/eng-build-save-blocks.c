/* What a saved build still has: which blocks, and what number each gets, for other programs read
 * blocks without gaps; what sizes they have; which tokens. Called by eng-build-save.c; knows no
 * technique, only what the graph has left. */
#include "eng-build-save-private.h"

#include <string.h>

#include "eng-error.h"
#include "ops/rt-ops-vocabulary.h"
#include "ops/rt-ops.h"

static RtNodeId
find_node (EngBuild *self, guint block, const char *name)
{
  g_autofree char *full = g_strdup_printf ("blk.%u.%s", block, name);
  return rt_graph_find_node (self->source, full);
}

static gboolean
has_node (EngBuild *self, guint block, const char *name)
{
  return find_node (self, block, name) != RT_NONE;
}

/* ---- numbers ---- */

int *
eng_build_number_blocks (EngBuild *self)
{
  guint n = eng_model_get_n_layers (self->model);
  int *numbers = g_new (int, n + 1);
  int next = 0;

  for (guint i = 0; i < n; i++)
    numbers[i] = has_node (self, i, "attn_add") || has_node (self, i, "ffn_add") ? next++ : -1;
  return numbers;
}

guint
eng_build_count_blocks (EngBuild *self, const int *numbers)
{
  guint n = 0;
  for (guint i = 0; i < eng_model_get_n_layers (self->model); i++)
    n += numbers[i] >= 0;
  return n;
}

/* The block that @name, "blk.7.attn_q.weight", is of, *@rest what follows its number; or -1. */
static int
block_of (EngBuild *self, const char *name, const char **rest)
{
  char *end;

  if (!g_str_has_prefix (name, "blk."))
    return -1;
  guint64 block = g_ascii_strtoull (name + 4, &end, 10);
  if (end == name + 4 || *end != '.' || block >= eng_model_get_n_layers (self->model))
    return -1;
  *rest = end + 1;
  return (int)block;
}

char *
eng_build_dup_saved_name (EngBuild *self, const int *numbers, const char *name)
{
  const char *rest;
  int block = block_of (self, name, &rest);

  if (block < 0)
    return g_strdup (name);
  return numbers[block] >= 0 ? g_strdup_printf ("blk.%d.%s", numbers[block], rest) : NULL;
}

/* ---- sizes ---- */

static RtArchBlock
block_sizes (EngBuild *self, guint block)
{
  RtArchBlock sizes = { 0 };
  RtNodeId attention = find_node (self, block, "attn");
  g_autofree char *down = g_strdup_printf ("blk.%u.ffn_down.weight", block);
  RtValueId id = rt_graph_find_value (self->source, down);

  if (attention != RT_NONE && rt_graph_node (self->source, attention)->op == &rt_op_attention)
    {
      const RtAttentionAttrs *attrs = rt_graph_node (self->source, attention)->attrs;
      sizes.n_heads = attrs->n_heads;
      sizes.n_kv_heads = attrs->n_kv_heads;
    }
  if (id != RT_NONE)
    sizes.n_ff = (guint32)rt_graph_value (self->source, id)->shape.dims[1];
  return sizes;
}

RtArchBlock *
eng_build_get_saved_blocks (EngBuild *self, const int *numbers)
{
  RtArchBlock *blocks = g_new0 (RtArchBlock, eng_build_count_blocks (self, numbers) + 1);

  for (guint i = 0; i < eng_model_get_n_layers (self->model); i++)
    if (numbers[i] >= 0)
      blocks[numbers[i]] = block_sizes (self, i);
  return blocks;
}

gboolean
eng_build_blocks_differ (const RtArchBlock *blocks, guint n)
{
  for (guint i = 1; i < n; i++)
    if (memcmp (&blocks[i], &blocks[0], sizeof *blocks) != 0)
      return TRUE;
  return FALSE;
}

/* What llama.cpp makes of "deci": blocks of any size, without attention too, as long as it is not
 * the first (its head size is taken from there); but it drops the attention of a block without
 * feed-forward part. Such files keep their name, under which it refuses them. */
const char *
eng_build_saved_arch (EngBuild *self, const RtArchBlock *blocks, guint n)
{
  const char *arch = eng_model_get_arch (self->model);
  gboolean is_llama = strcmp (arch, "llama") == 0 || strcmp (arch, "deci") == 0;
  gboolean is_known = n > 0 && blocks[0].n_heads > 0;

  for (guint i = 0; i < n; i++)
    is_known &= blocks[i].n_ff > 0;
  if (!is_llama)
    return arch;
  return is_known && eng_build_blocks_differ (blocks, n) ? "deci" : "llama";
}

/* ---- shapes ---- */

/* Rows and columns that matrix @rest of a block, or vector of as many values as rows, must have; 0:
 * any. */
static void
expected_shape (const RtArchParams *p, const RtArchBlock *block, const char *rest, guint64 *n_rows,
                guint64 *n_cols)
{
  guint64 q = (guint64)block->n_heads * p->head_dim, kv = (guint64)block->n_kv_heads * p->head_dim;
  const struct
  {
    const char *name;
    guint64 n_rows, n_cols;
  } parts[] = { { "attn_q.", q, p->n_embd },
                { "attn_k.", kv, p->n_embd },
                { "attn_v.", kv, p->n_embd },
                { "attn_output.", p->n_embd, q },
                { "ffn_gate.", block->n_ff, p->n_embd },
                { "ffn_up.", block->n_ff, p->n_embd },
                { "ffn_down.", p->n_embd, block->n_ff } };

  *n_rows = *n_cols = 0;
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    if (g_str_has_prefix (rest, parts[i].name))
      {
        *n_rows = parts[i].n_rows;
        *n_cols = parts[i].n_cols;
      }
}

static gboolean
refuse_shape (const char *name, const char *how, GError **error)
{
  g_set_error (
      error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
      "The recipe takes parts out of the model (%s %s) in a way that GGUF's metadata cannot "
      "say. Save the recipe; it is applied in seconds.",
      name, how);
  return FALSE;
}

/* Whether the half of the block that tensor @rest belongs to is gone as a whole. */
static gboolean
is_half_gone (EngBuild *self, guint block, const char *rest)
{
  gboolean is_attention
      = g_str_has_prefix (rest, "attn_") || g_str_has_prefix (rest, "post_attention");
  return !has_node (self, block, is_attention ? "attn_add" : "ffn_add");
}

static gboolean
check_shape (EngBuild *self, const RtGgufTensor *tensor, guint n_kept, GError **error)
{
  const RtArchParams *p = eng_model_get_params (self->model);
  g_autofree char *name = g_strndup (tensor->name.data, tensor->name.length);
  RtValueId id = rt_graph_find_value (self->source, name);
  const char *rest = NULL;
  int block = block_of (self, name, &rest);
  guint64 n_rows = 0, n_cols = 0;

  if (id == RT_NONE)
    return (block >= 0 && is_half_gone (self, (guint)block, rest))
           || refuse_shape (name, "is gone", error);
  const RtShape *shape = &rt_graph_value (self->source, id)->shape;
  if (block >= 0)
    {
      RtArchBlock sizes = block_sizes (self, (guint)block);
      expected_shape (p, &sizes, rest, &n_rows, &n_cols);
    }
  else if (g_str_has_prefix (name, "token_embd.") || g_str_has_prefix (name, "output."))
    {
      n_rows = n_kept;
      n_cols = p->n_embd;
    }
  if (n_rows == 0)
    {
      n_rows = tensor->n_dims > 1 ? tensor->ne[1] : tensor->ne[0];
      n_cols = tensor->ne[0];
    }
  if ((guint64)shape->dims[0] != n_rows || (shape->n_dims > 1 && (guint64)shape->dims[1] != n_cols))
    return refuse_shape (name, "has another size", error);
  return TRUE;
}

gboolean
eng_build_check_shapes (EngBuild *self, GError **error)
{
  const RtGguf *gguf = eng_model_get_gguf (self->model);
  guint n_kept;
  g_autofree bool *keep = eng_build_get_kept_tokens (self, &n_kept);

  for (guint64 i = 0; i < rt_gguf_n_tensors (gguf); i++)
    if (!check_shape (self, rt_gguf_tensor (gguf, i), n_kept, error))
      return FALSE;
  return TRUE;
}

/* ---- tokens ---- */

bool *
eng_build_get_kept_tokens (EngBuild *self, guint *n_kept)
{
  guint n_vocab = eng_model_get_params (self->model)->n_vocab;

  *n_kept = n_vocab;
  for (RtNodeId i = rt_graph_n_nodes (self->source); i-- > 0;)
    {
      const RtNode *node = rt_graph_node (self->source, i);
      if (node->op != &rt_op_spread)
        continue;
      const RtValue *columns = rt_graph_value (self->source, node->inputs[1]);
      const gint32 *tokens = columns->data;
      bool *keep = g_new0 (bool, n_vocab + 1);
      *n_kept = (guint)columns->shape.dims[0];
      for (guint k = 0; k < *n_kept; k++)
        keep[tokens[k]] = true;
      return keep;
    }
  return NULL;
}
