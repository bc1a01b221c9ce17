/* The source graph of a Llama-type language model: one node per operation, in the order and with
 * the names of the file's tensors. Covers all architectures of rt-arch.c: what a file does not have
 * (biases, head norms, norms after a part, a half of a block) gives no node.
 *
 *     x ─► attn_norm ─► q, k, v ─► [head norms] ─► rope ─► attention ─► output ─► [norm] ─► + x ─►
 * x' x' ─► ffn_norm ─► gate, up ─► act (gate) * up ─► down ─► [norm] ─► + x' */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ops/rt-ops-math.h"
#include "ops/rt-ops.h"
#include "rt-arch.h"

typedef struct
{
  const RtGguf *gguf;
  const RtArchParams *p;
  RtGraph *graph;
  RtError *error;
  bool failed; /* everything after a failure does nothing: the caller looks once */
  RtValueId tokens;
  RtValueId table, local_table; /* rotary angles of global and of local blocks */
  uint32_t n_caches;            /* blocks with attention so far: each has its place in the cache */
} Builder;

/* ---- weights ---- */

static bool
check_tensor (Builder *b, const RtGgufTensor *tensor, const char *name, uint32_t n_dims,
              uint64_t n_rows, uint64_t n_cols)
{
  if (kn_dtype_info (tensor->dtype) == NULL || tensor->dtype == KN_I8
      || tensor->dtype >= KN_OWN_FIRST)
    return rt_fail (b->error, RT_ERROR_UNSUPPORTED,
                    "%s has tensor type %d, which this program has no kernels for", name,
                    tensor->dtype);
  if (tensor->n_dims != n_dims || tensor->ne[0] != n_cols
      || (n_dims == 2 && tensor->ne[1] != n_rows))
    return rt_fail (b->error, RT_ERROR_FORMAT,
                    "%s: expected %u dimension%s, %" PRIu64 " x %" PRIu64 ", got %u, %" PRIu64
                    " x %" PRIu64,
                    name, n_dims, n_dims == 1 ? "" : "s", n_rows, n_cols, tensor->n_dims,
                    tensor->ne[1], tensor->ne[0]);
  return true;
}

/* The weight called @format; n_rows 0: a vector. RT_NONE when it is not in the file (an error
 * unless @optional). */
__attribute__ ((format (printf, 5, 6))) static RtValueId
weight (Builder *b, uint64_t n_rows, uint64_t n_cols, bool optional, const char *format, ...)
{
  char name[96];
  va_list args;

  if (b->failed)
    return RT_NONE;
  va_start (args, format);
  vsnprintf (name, sizeof name, format, args);
  va_end (args);

  RtValueId known = rt_graph_find_value (b->graph, name);
  if (known != RT_NONE)
    return known;
  const RtGgufTensor *tensor = rt_gguf_find_tensor (b->gguf, name);
  if (tensor == NULL)
    {
      if (!optional)
        {
          rt_fail (b->error, RT_ERROR_FORMAT, "The tensor %s is missing", name);
          b->failed = true;
        }
      return RT_NONE;
    }

  uint32_t n_dims = n_rows > 0 ? 2 : 1;
  RtShape shape = { .n_dims = n_dims };
  shape.dims[0] = (int64_t)(n_rows > 0 ? n_rows : n_cols);
  if (n_rows > 0)
    shape.dims[1] = (int64_t)n_cols;
  RtValueId id = RT_NONE;
  if (check_tensor (b, tensor, name, n_dims, n_rows > 0 ? n_rows : 1, n_cols))
    id = rt_graph_add_weight (b->graph, name, tensor->dtype, &shape, tensor->data, tensor->bytes,
                              b->error);
  b->failed = id == RT_NONE;
  return id;
}

/* ---- nodes ---- */

/* The node "blk.<layer>.<name>", or just @name outside of the blocks; its first output. */
static RtValueId
node (Builder *b, int32_t layer, const char *name, const RtOp *op, const void *attrs,
      uint32_t n_inputs, const RtValueId *inputs)
{
  char full[96];

  if (b->failed)
    return RT_NONE;
  if (layer >= 0 && layer < (int32_t)b->p->n_layers)
    snprintf (full, sizeof full, "blk.%d.%s", layer, name);
  else
    snprintf (full, sizeof full, "%s", name);

  RtNodeId id = rt_graph_add_node (b->graph, full, layer, op, inputs, n_inputs, attrs, b->error);
  b->failed = id == RT_NONE;
  return b->failed ? RT_NONE : rt_graph_node (b->graph, id)->outputs[0];
}

static RtValueId
add_norm (Builder *b, int32_t layer, const char *name, RtValueId x, RtValueId w, uint32_t n_groups)
{
  RtNormAttrs attrs = { .eps = b->p->norm_eps, .n_groups = n_groups };
  return node (b, layer, name, &rt_op_rmsnorm, &attrs, 2, (RtValueId[]){ x, w });
}

/* The norm "blk.<layer>.<name>" of whole rows. */
static RtValueId
row_norm (Builder *b, int32_t layer, const char *name, RtValueId x)
{
  RtValueId w = weight (b, 0, b->p->n_embd, false, "blk.%d.%s.weight", layer, name);
  return add_norm (b, layer, name, x, w, 1);
}

/* Product with "blk.<layer>.<name>.weight" and its bias when there is one. */
static RtValueId
linear (Builder *b, int32_t layer, const char *name, RtValueId x, uint64_t n_rows, uint64_t n_cols)
{
  RtValueId w = weight (b, n_rows, n_cols, false, "blk.%d.%s.weight", layer, name);
  RtValueId bias = weight (b, 0, n_rows, true, "blk.%d.%s.bias", layer, name);
  return node (b, layer, name, &rt_op_matmul, NULL, bias != RT_NONE ? 3 : 2,
               (RtValueId[]){ x, w, bias });
}

static bool
is_local (const RtArchParams *p, uint32_t layer)
{
  return p->sliding_window > 0
         && (p->global_every == 0 || layer % p->global_every != p->global_every - 1);
}

/* The per-head norm of architectures that have one, then the rotation. */
static RtValueId
rotated (Builder *b, int32_t layer, const char *name, RtValueId x, uint32_t n_heads)
{
  const RtArchParams *p = b->p;
  char full[64];

  if (p->head_norms)
    {
      RtValueId w = weight (b, 0, p->head_dim, false, "blk.%d.%s_norm.weight", layer, name);
      snprintf (full, sizeof full, "%s_norm", name);
      x = add_norm (b, layer, full, x, w, n_heads);
    }
  snprintf (full, sizeof full, "%s_rope", name);
  bool local = is_local (p, (uint32_t)layer) && b->local_table != RT_NONE;
  RtRopeAttrs attrs = { .n_heads = n_heads, .head_dim = p->head_dim, .half = p->rope_half };
  return node (b, layer, full, &rt_op_rope, &attrs, 2,
               (RtValueId[]){ x, local ? b->local_table : b->table });
}

static RtValueId
attention_part (Builder *b, int32_t layer, const RtArchBlock *block, RtValueId x)
{
  const RtArchParams *p = b->p;
  uint64_t q_cols = (uint64_t)block->n_heads * p->head_dim;
  uint64_t kv_cols = (uint64_t)block->n_kv_heads * p->head_dim;

  RtValueId normed = row_norm (b, layer, "attn_norm", x);
  RtValueId q = linear (b, layer, "attn_q", normed, q_cols, p->n_embd);
  RtValueId k = linear (b, layer, "attn_k", normed, kv_cols, p->n_embd);
  RtValueId v = linear (b, layer, "attn_v", normed, kv_cols, p->n_embd);
  q = rotated (b, layer, "attn_q", q, block->n_heads);
  k = rotated (b, layer, "attn_k", k, block->n_kv_heads);

  RtAttentionAttrs attrs = { .n_heads = block->n_heads,
                             .n_kv_heads = block->n_kv_heads,
                             .head_dim = p->head_dim,
                             .kv_layer = b->n_caches++,
                             .scale = p->attention_scale,
                             .softcap = p->attention_softcap,
                             .window = is_local (p, (uint32_t)layer) ? p->sliding_window : 0 };
  RtValueId y = node (b, layer, "attn", &rt_op_attention, &attrs, 3, (RtValueId[]){ q, k, v });
  y = linear (b, layer, "attn_output", y, p->n_embd, q_cols);
  if (p->post_norms)
    y = row_norm (b, layer, "post_attention_norm", y);
  return node (b, layer, "attn_add", &rt_op_add, NULL, 2, (RtValueId[]){ x, y });
}

static RtValueId
feed_forward_part (Builder *b, int32_t layer, const RtArchBlock *block, RtValueId x)
{
  const RtArchParams *p = b->p;

  RtValueId normed = row_norm (b, layer, "ffn_norm", x);
  RtValueId gate = linear (b, layer, "ffn_gate", normed, block->n_ff, p->n_embd);
  RtValueId up = linear (b, layer, "ffn_up", normed, block->n_ff, p->n_embd);
  RtValueId act = node (b, layer, "ffn_act", p->gelu ? &rt_op_gelu : &rt_op_silu, NULL, 1, &gate);
  RtValueId y = node (b, layer, "ffn_mul", &rt_op_mul, NULL, 2, (RtValueId[]){ act, up });
  y = linear (b, layer, "ffn_down", y, p->n_embd, block->n_ff);
  if (p->post_norms)
    y = row_norm (b, layer, "post_ffw_norm", y);
  return node (b, layer, "ffn_add", &rt_op_add, NULL, 2, (RtValueId[]){ x, y });
}

/* ---- before and after the blocks ---- */

static RtValueId
embedding_part (Builder *b)
{
  const RtArchParams *p = b->p;
  RtValueId table = weight (b, p->n_vocab, p->n_embd, false, "token_embd.weight");
  RtValueId x
      = node (b, -1, "token_embd", &rt_op_embed, NULL, 2, (RtValueId[]){ b->tokens, table });

  if (p->embedding_scale != 1)
    x = node (b, -1, "token_embd_scale", &rt_op_scale,
              &(RtScaleAttrs){ .factor = p->embedding_scale }, 1, &x);
  return x;
}

static void
rotary_part (Builder *b)
{
  const RtArchParams *p = b->p;
  RtValueId factors = weight (b, 0, p->rope_dims / 2, true, "rope_freqs.weight");
  RtRopeTableAttrs attrs = { .n_dims = p->rope_dims, .base = p->rope_base, .scale = p->rope_scale };

  b->table = node (b, -1, "rope", &rt_op_rope_table, &attrs, factors != RT_NONE ? 2 : 1,
                   (RtValueId[]){ b->tokens, factors });
  b->local_table = RT_NONE;
  if (p->sliding_window > 0 && p->rope_base_local != 0)
    {
      attrs.base = p->rope_base_local;
      attrs.scale = 1;
      b->local_table = node (b, -1, "rope_local", &rt_op_rope_table, &attrs, 1, &b->tokens);
    }
}

static RtValueId
output_part (Builder *b, RtValueId x)
{
  const RtArchParams *p = b->p;
  int32_t layer = (int32_t)p->n_layers;

  x = node (b, layer, "output_rows", &rt_op_select_rows, NULL, 1, &x);
  RtValueId norm = weight (b, 0, p->n_embd, false, "output_norm.weight");
  x = add_norm (b, layer, "output_norm", x, norm, 1);

  RtValueId w = p->tied_embeddings ? weight (b, p->n_vocab, p->n_embd, false, "token_embd.weight")
                                   : weight (b, p->n_vocab, p->n_embd, false, "output.weight");
  RtValueId bias = weight (b, 0, p->n_vocab, true, "output.bias");
  x = node (b, layer, "output", &rt_op_matmul, NULL, bias != RT_NONE ? 3 : 2,
            (RtValueId[]){ x, w, bias });
  if (p->logit_softcap != 0)
    x = node (b, layer, "output_softcap", &rt_op_softcap,
              &(RtScaleAttrs){ .factor = p->logit_softcap }, 1, &x);
  return x;
}

/* A tensor that no node reads belongs to a variant that this builder does not know: running without
 * it would give wrong text. */
static bool
check_all_used (Builder *b)
{
  for (uint64_t i = 0; i < rt_gguf_n_tensors (b->gguf); i++)
    {
      RtSlice slice = rt_gguf_tensor (b->gguf, i)->name;
      char name[96];
      snprintf (name, sizeof name, "%.*s", slice.length < 90 ? (int)slice.length : 90, slice.data);
      if (rt_graph_find_value (b->graph, name) == RT_NONE)
        return rt_fail (b->error, RT_ERROR_UNSUPPORTED,
                        "The file has a tensor %s, which models of architecture %s do not have: "
                        "probably a variant that this program does not know",
                        name, b->p->arch);
    }
  return true;
}

RtGraph *
rt_arch_build (const RtGguf *gguf, const RtArchParams *params, RtError *error)
{
  Builder b = { .gguf = gguf, .p = params, .graph = rt_graph_new (error), .error = error };
  if (b.graph == NULL)
    return NULL;

  RtShape tokens = { .n_dims = 1, .dims = { RT_DIM_TOKENS } };
  b.tokens = rt_graph_add_input (b.graph, "tokens", RT_TYPE_I32, &tokens, error);
  b.failed = b.tokens == RT_NONE;

  RtValueId x = embedding_part (&b);
  rotary_part (&b);
  for (uint32_t layer = 0; layer < params->n_layers && !b.failed; layer++)
    {
      RtArchBlock block = rt_arch_block (gguf, params, layer);
      if (block.n_heads > 0)
        x = attention_part (&b, (int32_t)layer, &block, x);
      if (block.n_ff > 0)
        x = feed_forward_part (&b, (int32_t)layer, &block, x);
    }
  x = output_part (&b, x);

  if (b.failed || !check_all_used (&b))
    {
      rt_graph_free (b.graph);
      return NULL;
    }
  rt_graph_set_output (b.graph, x);
  rt_graph_set_n_layers (b.graph, (int32_t)params->n_layers);
  return b.graph;
}
