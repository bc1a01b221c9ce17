/* Architecture builders and fusion: what the graph holds, and errors that name what is wrong with a
 * file. */
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "ops/rt-ops-math.h"
#include "ops/rt-ops.h"
#include "random-model.h"
#include "rt-arch.h"
#include "rt-fuse.h"

static const RandomModel small = { .n_layers = 2,
                                   .n_embd = 64,
                                   .n_ff = 96,
                                   .n_heads = 4,
                                   .n_kv_heads = 2,
                                   .head_dim = 16,
                                   .n_vocab = 40,
                                   .dtype = KN_F32 };

static RtGguf *
open_random (const RandomModel *shape)
{
  RtError error = { 0 };
  char *path = random_model_write (shape, 1, &error);
  g_assert_cmpstr (error.message, ==, "");
  RtGguf *gguf = rt_gguf_open (path, &error);
  g_assert_cmpstr (error.message, ==, "");
  unlink (path);
  free (path);
  return gguf;
}

static RtGraph *
build (RtGguf *gguf, RtArchParams *params)
{
  RtError error = { 0 };
  if (!rt_arch_params (gguf, params, &error))
    g_error ("%s", error.message);
  RtGraph *graph = rt_arch_build (gguf, params, &error);
  if (graph == NULL || !rt_graph_validate (graph, &error))
    g_error ("%s", error.message);
  return graph;
}

static void
assert_fails (const RandomModel *shape, RtStatus status, const char *text)
{
  RtError error = { 0 };
  RtArchParams params;
  RtGguf *gguf = open_random (shape);
  RtGraph *graph = NULL;

  if (rt_arch_params (gguf, &params, &error))
    graph = rt_arch_build (gguf, &params, &error);
  g_assert_null (graph);
  if (error.status != status || strstr (error.message, text) == NULL)
    g_error ("status %d, \"%s\" does not say \"%s\"", error.status, error.message, text);
  rt_gguf_close (gguf);
}

static void
assert_node (const RtGraph *graph, const char *name, const RtOp *op, int32_t layer)
{
  RtNodeId id = rt_graph_find_node (graph, name);
  if (id == RT_NONE)
    g_error ("no node %s", name);
  g_assert_true (rt_graph_node (graph, id)->op == op);
  g_assert_cmpint (rt_graph_node (graph, id)->layer, ==, layer);
}

static void
test_llama (void)
{
  RtArchParams p;
  RtGguf *gguf = open_random (&small);
  RtGraph *graph = build (gguf, &p);

  g_assert_cmpstr (p.arch, ==, "llama");
  g_assert_cmpuint (p.n_layers, ==, 2);
  g_assert_cmpuint (p.n_embd, ==, 64);
  g_assert_cmpuint (p.n_ff, ==, 96);
  g_assert_cmpuint (p.n_heads, ==, 4);
  g_assert_cmpuint (p.n_kv_heads, ==, 2);
  g_assert_cmpuint (p.head_dim, ==, 16);
  g_assert_cmpuint (p.rope_dims, ==, 16);
  g_assert_cmpuint (p.n_vocab, ==, 40);
  g_assert_cmpuint (p.n_ctx_train, ==, 512);
  g_assert_cmpfloat (p.attention_scale, ==, 0.25f);
  g_assert_false (p.tied_embeddings);
  g_assert_false (p.rope_half);

  g_assert_cmpint (rt_graph_n_layers (graph), ==, 2);
  /* Embedding and angles; 16 operations a block; the last rows, the norm, the output. */
  g_assert_cmpuint (rt_graph_n_nodes (graph), ==, 2 + 2 * 16 + 3);
  assert_node (graph, "token_embd", &rt_op_embed, -1);
  assert_node (graph, "rope", &rt_op_rope_table, -1);
  assert_node (graph, "blk.0.attn_norm", &rt_op_rmsnorm, 0);
  assert_node (graph, "blk.1.attn_q", &rt_op_matmul, 1);
  assert_node (graph, "blk.1.attn_k_rope", &rt_op_rope, 1);
  assert_node (graph, "blk.1.attn", &rt_op_attention, 1);
  assert_node (graph, "blk.1.ffn_act", &rt_op_silu, 1);
  assert_node (graph, "blk.1.ffn_add", &rt_op_add, 1);
  assert_node (graph, "output_rows", &rt_op_select_rows, 2);
  assert_node (graph, "output", &rt_op_matmul, 2);

  const RtValue *logits = rt_graph_value (graph, rt_graph_find_value (graph, "output"));
  g_assert_cmpint (logits->kind, ==, RT_VALUE_OUTPUT);
  g_assert_cmpint (logits->shape.dims[0], ==, RT_DIM_OUTPUTS);
  g_assert_cmpint (logits->shape.dims[1], ==, 40);
  rt_graph_free (graph);
  rt_gguf_close (gguf);
}

static void
test_variants (void)
{
  RandomModel shape = small;
  RtArchParams p;
  shape.arch = "gemma3";
  shape.head_norms = shape.post_norms = shape.tied = true;
  shape.n_layers = 6;
  shape.window = 16;
  RtGguf *gguf = open_random (&shape);
  RtGraph *graph = build (gguf, &p);

  g_assert_true (p.tied_embeddings && p.gelu && p.rope_half);
  g_assert_cmpfloat (p.embedding_scale, ==, 8);
  g_assert_cmpuint (p.sliding_window, ==, 16);
  g_assert_cmpfloat (p.rope_base_local, ==, 10000);
  assert_node (graph, "token_embd_scale", &rt_op_scale, -1);
  assert_node (graph, "rope_local", &rt_op_rope_table, -1);
  assert_node (graph, "blk.0.attn_q_norm", &rt_op_rmsnorm, 0);
  assert_node (graph, "blk.0.post_ffw_norm", &rt_op_rmsnorm, 0);
  assert_node (graph, "blk.0.ffn_act", &rt_op_gelu, 0);
  for (int layer = 0; layer < 6; layer++)
    {
      g_autofree char *name = g_strdup_printf ("blk.%d.attn", layer);
      const RtNode *attn = rt_graph_node (graph, rt_graph_find_node (graph, name));
      g_assert_cmpuint (((RtAttentionAttrs *)attn->attrs)->window, ==, layer == 5 ? 0 : 16);
    }
  rt_graph_free (graph);
  rt_gguf_close (gguf);
}

static void
test_rope_scaling (void)
{
  RandomModel shape = small;
  RtArchParams p;
  shape.scaling_type = "linear";
  RtGguf *gguf = open_random (&shape);
  rt_graph_free (build (gguf, &p));
  g_assert_cmpfloat (p.rope_scale, ==, 0.25f);
  rt_gguf_close (gguf);

  shape.scaling_type = "none";
  gguf = open_random (&shape);
  rt_graph_free (build (gguf, &p));
  g_assert_cmpfloat (p.rope_scale, ==, 1);
  rt_gguf_close (gguf);

  shape.scaling_type = "yarn";
  assert_fails (&shape, RT_ERROR_UNSUPPORTED, "\"yarn\"");
}

static void
test_errors (void)
{
  RandomModel shape = small;
  shape.arch = "mamba";
  assert_fails (&shape, RT_ERROR_UNSUPPORTED, "\"mamba\"; known are llama");

  shape = small;
  shape.leave_out = "blk.1.ffn_up.weight";
  assert_fails (&shape, RT_ERROR_FORMAT, "blk.1.ffn_up.weight is missing");
  shape.leave_out = "token_embd.weight";
  assert_fails (&shape, RT_ERROR_FORMAT, "token_embd.weight is missing");
  shape = small;
  shape.arch = "qwen3";
  assert_fails (&shape, RT_ERROR_FORMAT, "blk.0.attn_q_norm.weight is missing");

  shape = small;
  shape.wrong_shape = "blk.0.attn_k.weight";
  assert_fails (&shape, RT_ERROR_FORMAT, "blk.0.attn_k.weight: expected 2 dimensions, 32 x 64");
  shape.wrong_shape = "output_norm.weight";
  assert_fails (&shape, RT_ERROR_FORMAT, "output_norm.weight: expected 1 dimension, 1 x 64");

  shape = small;
  shape.extra = "blk.0.attn_sinks.weight";
  assert_fails (&shape, RT_ERROR_UNSUPPORTED, "blk.0.attn_sinks.weight");

  shape = small;
  shape.n_kv_heads = 3;
  assert_fails (&shape, RT_ERROR_FORMAT, "cannot share 3");
  shape = small;
  shape.head_dim = 15;
  assert_fails (&shape, RT_ERROR_UNSUPPORTED, "15");
  shape = small;
  shape.n_layers = 0;
  assert_fails (&shape, RT_ERROR_FORMAT, "block_count: expected 1 to");
}

/* ---- blocks of their own sizes ---- */

static const uint32_t ff_list[] = { 96, 0, 32, 64 }, heads_list[] = { 4, 2, 0, 6 },
                      kv_list[] = { 2, 1, 0, 3 };
static const RandomModel uneven = { .arch = "deci",
                                    .n_layers = 4,
                                    .n_embd = 64,
                                    .head_dim = 16,
                                    .n_vocab = 40,
                                    .dtype = KN_F32,
                                    .ff_list = ff_list,
                                    .heads_list = heads_list,
                                    .kv_list = kv_list };

static void
test_lists (void)
{
  RtArchParams p;
  RtGguf *gguf = open_random (&uneven);
  RtGraph *graph = build (gguf, &p);
  uint32_t next = 0;

  g_assert_cmpuint (p.n_ff, ==, 96); /* the largest of any block */
  g_assert_cmpuint (p.n_heads, ==, 6);
  g_assert_cmpuint (p.n_kv_heads, ==, 3);
  g_assert_true (p.blocks_differ);
  for (uint32_t i = 0; i < p.n_layers; i++)
    {
      RtArchBlock block = rt_arch_block (gguf, &p, i);
      g_autofree char *attn = g_strdup_printf ("blk.%u.attn", i);
      g_autofree char *gate = g_strdup_printf ("blk.%u.ffn_gate.weight", i);
      RtNodeId node = rt_graph_find_node (graph, attn);
      RtValueId value = rt_graph_find_value (graph, gate);

      g_assert_cmpuint (block.n_ff, ==, ff_list[i]);
      g_assert_cmpuint (block.n_heads, ==, heads_list[i]);
      g_assert_cmpuint (block.n_kv_heads, ==, kv_list[i]);
      g_assert_true ((node != RT_NONE) == (heads_list[i] > 0));
      g_assert_true ((value != RT_NONE) == (ff_list[i] > 0));
      if (node != RT_NONE)
        {
          const RtAttentionAttrs *attrs = rt_graph_node (graph, node)->attrs;
          g_assert_cmpuint (attrs->n_heads, ==, heads_list[i]);
          g_assert_cmpuint (attrs->n_kv_heads, ==, kv_list[i]);
          g_assert_cmpuint (attrs->kv_layer, ==, next++);
        }
      if (value != RT_NONE)
        g_assert_cmpint (rt_graph_value (graph, value)->shape.dims[0], ==, ff_list[i]);
    }
  rt_graph_free (graph);
  rt_gguf_close (gguf);

  /* Lists of equal numbers say what single numbers say; a missing half is no other size. */
  RandomModel shape = small;
  static const uint32_t same[] = { 4, 4 }, half[] = { 0, 4 }, kv_half[] = { 0, 2 };
  shape.heads_list = same;
  shape.no_head_size = true;
  gguf = open_random (&shape);
  rt_graph_free (build (gguf, &p));
  g_assert_false (p.blocks_differ);
  g_assert_cmpuint (p.head_dim, ==, 16);
  rt_gguf_close (gguf);
  shape.heads_list = half;
  shape.kv_list = kv_half;
  gguf = open_random (&shape);
  rt_graph_free (build (gguf, &p));
  g_assert_false (p.blocks_differ);
  g_assert_cmpuint (p.n_heads, ==, 4);
  rt_gguf_close (gguf);
  shape.kv_list = NULL; /* one number of key-value heads for those that have any */
  gguf = open_random (&shape);
  rt_graph_free (build (gguf, &p));
  g_assert_cmpuint (rt_arch_block (gguf, &p, 0).n_kv_heads, ==, 0);
  g_assert_cmpuint (rt_arch_block (gguf, &p, 1).n_kv_heads, ==, 2);
  rt_gguf_close (gguf);
}

static void
test_list_errors (void)
{
  static const uint32_t none[4] = { 0 }, no_kv[] = { 2, 0, 0, 3 }, kv_for_none[] = { 2, 1, 1, 3 },
                        odd_kv[] = { 2, 1, 0, 4 }, huge[] = { 96, 0, 32, 2000000 },
                        negative[] = { 96, 0, UINT32_MAX, 64 };
  RandomModel shape = uneven;

  shape.list_items = 3;
  assert_fails (&shape, RT_ERROR_FORMAT,
                "deci.feed_forward_length: expected one number or a list of 4, one per block; the "
                "list has 3");
  shape = uneven;
  shape.float_lists = true;
  assert_fails (&shape, RT_ERROR_FORMAT,
                "deci.feed_forward_length: expected whole numbers, got a list of f32");
  shape = uneven;
  shape.ff_said = huge;
  assert_fails (&shape, RT_ERROR_FORMAT,
                "deci.feed_forward_length: expected 0 to 1048576 for block 3, got 2000000");
  shape.ff_said = negative;
  assert_fails (&shape, RT_ERROR_FORMAT, "for block 2, got -1");
  shape = uneven;
  shape.kv_list = no_kv;
  assert_fails (&shape, RT_ERROR_UNSUPPORTED,
                "deci.attention.head_count_kv is 0 for block 1, which has 2 query heads");
  shape.kv_list = kv_for_none;
  assert_fails (&shape, RT_ERROR_FORMAT,
                "deci.attention.head_count_kv is 1 for block 2, which has no query heads");
  shape.kv_list = odd_kv;
  assert_fails (&shape, RT_ERROR_FORMAT,
                "the 6 query heads of block 3 cannot share 4 key-value heads");
  shape = uneven;
  shape.heads_list = shape.kv_list = none;
  assert_fails (&shape, RT_ERROR_FORMAT, "deci.attention.head_count is 0 for all 4 blocks");
  shape = uneven;
  shape.no_head_size = true;
  assert_fails (&shape, RT_ERROR_FORMAT, "deci.attention.key_length is missing");
  /* Tensors of a half that the lists deny. */
  shape = uneven;
  shape.extra = "blk.2.attn_norm.weight";
  assert_fails (&shape, RT_ERROR_UNSUPPORTED, "blk.2.attn_norm.weight");
}

/* ---- fusion ---- */

static RtGraph *
fuse_as (const RtGraph *source, int dtype, uint32_t fusions)
{
  uint32_t n = rt_graph_n_values (source);
  g_autofree int *dtypes = g_new (int, n);
  RtError error = { 0 };

  for (uint32_t i = 0; i < n; i++)
    dtypes[i] = dtype;
  RtGraph *graph = rt_fuse (source, dtypes, fusions, &error);
  if (graph == NULL)
    g_error ("%s", error.message);
  return graph;
}

static void
assert_sources (const RtGraph *graph, const char *name, const char *expected)
{
  const RtNode *node = rt_graph_node (graph, rt_graph_find_node (graph, name));
  g_autoptr (GString) text = g_string_new (NULL);
  for (uint32_t i = 0; i < node->n_sources; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? " " : "", node->sources[i]);
  g_assert_cmpstr (text->str, ==, expected);
}

static void
test_fuse (void)
{
  RtArchParams p;
  RandomModel shape = small;
  shape.head_dim = 32;
  RtGguf *gguf = open_random (&shape);
  RtGraph *source = build (gguf, &p);
  RtGraph *graph = fuse_as (source, KN_Q8_0, RT_FUSE_ALL);

  /* norm, qkv, 2 rope, attention, output, norm, gate-up, down. */
  g_assert_cmpuint (rt_graph_n_nodes (graph), ==, 2 + 2 * 9 + 3);
  assert_node (graph, "blk.0.attn_norm", &rt_op_norm_quant, 0);
  assert_node (graph, "blk.0.attn_qkv", &rt_op_qkv, 0);
  assert_node (graph, "blk.1.ffn_gate_up", &rt_op_gate_up, 1);
  assert_sources (graph, "blk.0.attn_qkv", "blk.0.attn_q blk.0.attn_k blk.0.attn_v");
  assert_sources (graph, "blk.1.ffn_gate_up",
                  "blk.1.ffn_gate blk.1.ffn_up blk.1.ffn_act blk.1.ffn_mul");
  assert_sources (graph, "blk.1.ffn_down", "blk.1.ffn_down blk.1.ffn_add");
  assert_sources (graph, "output", "output");
  g_assert_cmpint (rt_graph_value (graph, rt_graph_find_value (graph, "output"))->kind, ==,
                   RT_VALUE_OUTPUT);

  /* Every source node is in exactly one fused node. */
  uint32_t n_sources = 0;
  for (RtNodeId n = 0; n < rt_graph_n_nodes (graph); n++)
    n_sources += rt_graph_node (graph, n)->n_sources;
  g_assert_cmpuint (n_sources, ==, rt_graph_n_nodes (source));
  rt_graph_free (graph);

  /* Float weights want no 8-bit rows; the other fusions stay. */
  graph = fuse_as (source, KN_F16, RT_FUSE_ALL);
  assert_node (graph, "blk.0.attn_norm", &rt_op_rmsnorm, 0);
  assert_node (graph, "blk.0.attn_qkv", &rt_op_qkv, 0);
  for (RtValueId id = 0; id < rt_graph_n_values (graph); id++)
    g_assert_cmpint (rt_graph_value (graph, id)->type, !=, RT_TYPE_Q8_ROWS);
  rt_graph_free (graph);

  graph = fuse_as (source, KN_Q8_0, 0);
  g_assert_cmpuint (rt_graph_n_nodes (graph), ==, rt_graph_n_nodes (source));
  rt_graph_free (graph);
  rt_graph_free (source);
  rt_gguf_close (gguf);
}

/* One projection in a float format: nothing that needs 8-bit rows may be fused with it. */
static void
test_fuse_mixed (void)
{
  RtArchParams p;
  RtGguf *gguf = open_random (&small);
  RtGraph *source = build (gguf, &p);
  g_autofree int *dtypes = g_new (int, rt_graph_n_values (source));
  RtError error = { 0 };

  for (uint32_t i = 0; i < rt_graph_n_values (source); i++)
    dtypes[i] = KN_Q8_0;
  dtypes[rt_graph_find_value (source, "blk.0.attn_k.weight")] = KN_F16;
  dtypes[rt_graph_find_value (source, "blk.1.ffn_down.weight")] = KN_F16;
  RtGraph *graph = rt_fuse (source, dtypes, RT_FUSE_ALL, &error);

  assert_node (graph, "blk.0.attn_norm", &rt_op_rmsnorm, 0);
  assert_node (graph, "blk.0.attn_q", &rt_op_matmul, 0);
  assert_node (graph, "blk.1.attn_norm", &rt_op_norm_quant, 1);
  assert_node (graph, "blk.1.attn_qkv", &rt_op_qkv, 1);
  const RtValue *rows = rt_graph_value (graph, rt_graph_find_value (graph, "blk.1.ffn_gate_up"));
  g_assert_cmpint (rows->type, ==, RT_TYPE_F32);
  rows = rt_graph_value (graph, rt_graph_find_value (graph, "blk.0.ffn_gate_up"));
  g_assert_cmpint (rows->type, ==, RT_TYPE_Q8_ROWS);
  /* Heads of 16 are not whole groups. */
  rows = rt_graph_value (graph, rt_graph_find_value (graph, "blk.0.attn"));
  g_assert_cmpint (rows->type, ==, RT_TYPE_F32);
  rt_graph_free (graph);

  /* One scale per token: only a norm has the whole row in hand. */
  for (uint32_t i = 0; i < rt_graph_n_values (source); i++)
    dtypes[i] = KN_W8A8;
  graph = rt_fuse (source, dtypes, RT_FUSE_ALL, &error);
  assert_node (graph, "blk.0.attn_norm", &rt_op_norm_quant, 0);
  rows = rt_graph_value (graph, rt_graph_find_value (graph, "blk.0.attn_norm"));
  g_assert_cmpint (rows->type, ==, RT_TYPE_Q8_TOKEN_ROWS);
  rows = rt_graph_value (graph, rt_graph_find_value (graph, "blk.0.ffn_gate_up"));
  g_assert_cmpint (rows->type, ==, RT_TYPE_F32);
  rt_graph_free (graph);
  rt_graph_free (source);
  rt_gguf_close (gguf);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/arch/llama", test_llama);
  g_test_add_func ("/arch/variants", test_variants);
  g_test_add_func ("/arch/rope-scaling", test_rope_scaling);
  g_test_add_func ("/arch/errors", test_errors);
  g_test_add_func ("/arch/lists", test_lists);
  g_test_add_func ("/arch/list-errors", test_list_errors);
  g_test_add_func ("/fuse/all", test_fuse);
  g_test_add_func ("/fuse/mixed", test_fuse_mixed);
  return g_test_run ();
}
