/* Changing a graph: a block taken out gives what a model without it gives; smaller matrices, other
 * vectors and nodes put in give the shapes they should; what does not fit is an error that names
 * the node. */
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "ops/rt-ops.h"
#include "random-model.h"
#include "rt-model.h"
#include "rt-surgery.h"

static const RandomModel shape = { .n_layers = 3,
                                   .n_embd = 64,
                                   .n_ff = 96,
                                   .n_heads = 4,
                                   .n_kv_heads = 2,
                                   .head_dim = 16,
                                   .n_vocab = 50,
                                   .dtype = KN_F32,
                                   .tied = true };

typedef struct
{
  char *path;
  RtModel model;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  RtError error = { 0 };
  f->path = random_model_write (&shape, 7, &error);
  g_assert_nonnull (f->path);
  g_assert_true (rt_model_open (&f->model,
                                &(RtModelConfig){ .path = f->path, .format = -1, .n_threads = 1 },
                                &error));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  rt_model_close (&f->model);
  unlink (f->path);
  free (f->path);
}

static RtValueId
output_of (const RtGraph *graph, const char *node)
{
  RtNodeId id = rt_graph_find_node (graph, node);
  g_assert_cmpuint (id, !=, RT_NONE);
  return rt_graph_node (graph, id)->outputs[0];
}

static guint
count_layer (const RtGraph *graph, int layer)
{
  guint n = 0;
  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    n += rt_graph_node (graph, i)->layer == layer;
  return n;
}

/* The executor of @graph with the weights of the model's source graph, by name. */
static void
run_logits (Fixture *f, const RtGraph *graph, float *logits)
{
  RtError error = { 0 };
  guint n = rt_graph_n_values (graph);
  g_autofree RtWeight **weights = g_new0 (RtWeight *, n);
  const gint32 tokens[] = { 3, 9, 27, 31, 4 };

  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      for (guint k = 0; k < node->n_inputs; k++)
        {
          RtValueId id = node->inputs[k];
          const RtValue *value = id != RT_NONE ? rt_graph_value (graph, id) : NULL;
          if (value == NULL || value->kind != RT_VALUE_WEIGHT || value->shape.n_dims != 2
              || weights[id] != NULL)
            continue;
          weights[id] = rt_weight_pack (KN_F32, value->type, value->data, value->data_bytes,
                                        (guint64)value->shape.dims[0],
                                        (guint64)value->shape.dims[1], NULL, NULL, &error);
          g_assert_nonnull (weights[id]);
        }
    }
  RtExec *exec = rt_exec_new (&(RtExecConfig){ .graph = graph,
                                               .weights = weights,
                                               .pool = f->model.pool,
                                               .max_symbols = { 8, 1 },
                                               .kv_format = KN_F32,
                                               .kv_capacity = 32 },
                              &error);
  g_assert_cmpstr (error.message, ==, "");
  g_assert_nonnull (exec);
  g_assert_true (rt_exec_run (exec, tokens, G_N_ELEMENTS (tokens), 1, RT_PHASE_PREFILL, &error));
  memcpy (logits, rt_exec_logits (exec, 0), shape.n_vocab * sizeof *logits);
  rt_exec_free (exec);
  for (guint i = 0; i < n; i++)
    rt_weight_unref (weights[i]);
}

/* Without changes: the same graph. */
static void
test_copy (Fixture *f, gconstpointer data)
{
  RtError error = { 0 };
  const RtGraph *old = f->model.source;
  RtGraph *copy = rt_surgery_finish (rt_surgery_new (old, &error), &error);
  float before[50], after[50];

  g_assert_nonnull (copy);
  g_assert_cmpuint (rt_graph_n_nodes (copy), ==, rt_graph_n_nodes (old));
  g_assert_cmpuint (rt_graph_n_values (copy), ==, rt_graph_n_values (old));
  for (RtNodeId i = 0; i < rt_graph_n_nodes (old); i++)
    {
      g_assert_cmpstr (rt_graph_node (copy, i)->name, ==, rt_graph_node (old, i)->name);
      g_assert_cmpint (rt_graph_node (copy, i)->layer, ==, rt_graph_node (old, i)->layer);
    }
  run_logits (f, old, before);
  run_logits (f, copy, after);
  g_assert_cmpmem (before, sizeof before, after, sizeof after);
  rt_graph_free (copy);
}

/* Blocks 1 and 2 out: what reads the last sum reads the first block's. All their weights are gone,
 * and the logits are those of a graph whose blocks add nothing. */
static void
test_drop_blocks (Fixture *f, gconstpointer data)
{
  RtError error = { 0 };
  const RtGraph *old = f->model.source;
  float zeros[64] = { 0 }, dropped[50], silent[50];

  RtSurgery *s = rt_surgery_new (old, &error);
  rt_surgery_reroute (s, output_of (old, "blk.1.ffn_add"), output_of (old, "blk.0.ffn_add"));
  rt_surgery_reroute (s, output_of (old, "blk.2.ffn_add"), output_of (old, "blk.1.ffn_add"));
  RtGraph *graph = rt_surgery_finish (s, &error);
  g_assert_nonnull (graph);
  g_assert_cmpuint (count_layer (graph, 0), ==, count_layer (old, 0));
  g_assert_cmpuint (count_layer (graph, 1), ==, 0);
  g_assert_cmpuint (count_layer (graph, 2), ==, 0);
  g_assert_cmpuint (rt_graph_find_value (graph, "blk.1.ffn_down.weight"), ==, RT_NONE);
  g_assert_cmpuint (rt_graph_find_value (graph, "blk.0.ffn_down.weight"), !=, RT_NONE);
  g_assert_cmpint (rt_graph_n_layers (graph), ==, 3);
  run_logits (f, graph, dropped);

  /* Norms of zeros silence a block: it adds 0 to what goes past it. */
  s = rt_surgery_new (old, &error);
  for (guint layer = 1; layer < 3; layer++)
    for (guint part = 0; part < 2; part++)
      {
        g_autofree char *name
            = g_strdup_printf ("blk.%u.%s.weight", layer, part == 0 ? "attn_norm" : "ffn_norm");
        rt_surgery_set_vector (s, rt_graph_find_value (old, name), zeros, 64);
      }
  RtGraph *quiet = rt_surgery_finish (s, &error);
  g_assert_nonnull (quiet);
  run_logits (f, quiet, silent);
  g_assert_cmpmem (dropped, sizeof dropped, silent, sizeof silent);
  rt_graph_free (graph);
  rt_graph_free (quiet);
}

static void
test_reshape (Fixture *f, gconstpointer data)
{
  RtError error = { 0 };
  const RtGraph *old = f->model.source;
  RtSurgery *s = rt_surgery_new (old, &error);

  rt_surgery_reshape (s, rt_graph_find_value (old, "blk.0.ffn_gate.weight"), 32, 64);
  rt_surgery_reshape (s, rt_graph_find_value (old, "blk.0.ffn_up.weight"), 32, 64);
  rt_surgery_reshape (s, rt_graph_find_value (old, "blk.0.ffn_down.weight"), 64, 32);
  RtGraph *graph = rt_surgery_finish (s, &error);
  g_assert_nonnull (graph);
  const RtValue *hidden = rt_graph_value (graph, output_of (graph, "blk.0.ffn_mul"));
  g_assert_cmpint (hidden->shape.dims[1], ==, 32);
  rt_graph_free (graph);

  /* Only one of two that must agree. */
  s = rt_surgery_new (old, &error);
  rt_surgery_reshape (s, rt_graph_find_value (old, "blk.0.ffn_gate.weight"), 32, 64);
  g_assert_null (rt_surgery_finish (s, &error));
  g_assert_nonnull (strstr (error.message, "blk.0.ffn"));
}

/* Attributes, and a node put in: twice the embedding is what a scale of 2 gives. */
static void
test_insert (Fixture *f, gconstpointer data)
{
  RtError error = { 0 };
  const RtGraph *old = f->model.source;
  RtSurgery *s = rt_surgery_new (old, &error);
  RtValueId embedding = output_of (old, "token_embd");
  RtNodeId attention = rt_graph_find_node (old, "blk.0.attn");

  RtValueId scaled = rt_surgery_insert (s, embedding, "twice", -1, &rt_op_scale, &embedding, 1,
                                        &(RtScaleAttrs){ .factor = 2 }, embedding);
  g_assert_cmpuint (scaled, !=, RT_NONE);
  ((RtAttentionAttrs *)rt_surgery_attrs (s, attention))->scale = 0.5f;
  RtGraph *graph = rt_surgery_finish (s, &error);
  g_assert_nonnull (graph);
  RtNodeId twice = rt_graph_find_node (graph, "twice");
  g_assert_cmpuint (twice, ==, rt_graph_find_node (graph, "token_embd") + 1);
  const RtNode *norm = rt_graph_node (graph, rt_graph_find_node (graph, "blk.0.attn_norm"));
  g_assert_cmpuint (norm->inputs[0], ==, rt_graph_node (graph, twice)->outputs[0]);
  const RtNode *made = rt_graph_node (graph, rt_graph_find_node (graph, "blk.0.attn"));
  g_assert_cmpfloat (((const RtAttentionAttrs *)made->attrs)->scale, ==, 0.5f);
  const RtAttentionAttrs *kept = rt_graph_node (old, attention)->attrs;
  g_assert_cmpfloat (kept->scale, ==, 0.25f); /* 1 / sqrt (16) */
  rt_graph_free (graph);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/surgery/copy", Fixture, NULL, set_up, test_copy, tear_down);
  g_test_add ("/surgery/drop-blocks", Fixture, NULL, set_up, test_drop_blocks, tear_down);
  g_test_add ("/surgery/reshape", Fixture, NULL, set_up, test_reshape, tear_down);
  g_test_add ("/surgery/insert", Fixture, NULL, set_up, test_insert, tear_down);
  return g_test_run ();
}
