/* Graphs and their memory plans: names, shapes that do not fit, validation; plans that never let
 * two living values share memory, and that reach the lower bound where it is known. */
#include <glib.h>
#include <string.h>

#include "ops/rt-ops-math.h"
#include "ops/rt-ops.h"
#include "rt-fuse.h"
#include "rt-plan.h"

static RtValueId
add_rows (RtGraph *graph, const char *name, int64_t n_rows, int64_t n_cols)
{
  RtShape shape = { .n_dims = 2, .dims = { n_rows, n_cols } };
  return rt_graph_add_input (graph, name, RT_TYPE_F32, &shape, NULL);
}

static RtValueId
unary (RtGraph *graph, const char *name, const RtOp *op, RtValueId x)
{
  RtScaleAttrs attrs = { .factor = 2 };
  RtNodeId id
      = rt_graph_add_node (graph, name, 0, op, &x, 1, op->attrs_bytes > 0 ? &attrs : NULL, NULL);
  g_assert_cmpuint (id, !=, RT_NONE);
  return rt_graph_node (graph, id)->outputs[0];
}

static RtValueId
binary (RtGraph *graph, const char *name, const RtOp *op, RtValueId a, RtValueId b)
{
  RtNodeId id = rt_graph_add_node (graph, name, 0, op, (RtValueId[]){ a, b }, 2, NULL, NULL);
  g_assert_cmpuint (id, !=, RT_NONE);
  return rt_graph_node (graph, id)->outputs[0];
}

static void
test_names (void)
{
  RtGraph *graph = rt_graph_new (NULL);
  RtError error = { 0 };
  RtValueId x = add_rows (graph, "x", RT_DIM_TOKENS, 8);

  for (int i = 0; i < 2000; i++)
    {
      g_autofree char *name = g_strdup_printf ("node.%d", i);
      RtValueId y = unary (graph, name, &rt_op_silu, x);
      g_assert_cmpuint (rt_graph_find_value (graph, name), ==, y);
      x = y;
    }
  for (int i = 0; i < 2000; i++)
    {
      g_autofree char *name = g_strdup_printf ("node.%d", i);
      g_assert_cmpuint (rt_graph_find_node (graph, name), ==, i);
      g_assert_cmpstr (rt_graph_node (graph, i)->name, ==, name);
    }
  g_assert_cmpuint (rt_graph_find_value (graph, "node.2000"), ==, RT_NONE);
  g_assert_cmpuint (rt_graph_find_node (graph, "x"), ==, RT_NONE);

  g_assert_cmpuint (rt_graph_add_node (graph, "node.7", 0, &rt_op_silu, &x, 1, NULL, &error), ==,
                    RT_NONE);
  g_assert_nonnull (strstr (error.message, "node.7"));
  RtShape shape = { .n_dims = 1, .dims = { 3 } };
  g_assert_cmpuint (rt_graph_add_input (graph, "x", RT_TYPE_I32, &shape, &error), ==, RT_NONE);
  g_assert_true (rt_graph_validate (graph, &error));
  rt_graph_free (graph);
}

static void
assert_rejected (RtGraph *graph, const RtOp *op, const RtValueId *inputs, uint32_t n,
                 const void *attrs, const char *text)
{
  RtError error = { 0 };
  uint32_t n_nodes = rt_graph_n_nodes (graph);

  g_assert_cmpuint (rt_graph_add_node (graph, "bad", 0, op, inputs, n, attrs, &error), ==, RT_NONE);
  if (strstr (error.message, text) == NULL || strstr (error.message, "bad") == NULL)
    g_error ("\"%s\" does not say \"%s\" and where", error.message, text);
  g_assert_cmpuint (rt_graph_n_nodes (graph), ==, n_nodes);
}

static void
test_shape_errors (void)
{
  static const float data[64 * 8];
  RtGraph *graph = rt_graph_new (NULL);
  RtError error = { 0 };
  RtValueId x = add_rows (graph, "x", RT_DIM_TOKENS, 8);
  RtValueId wide = add_rows (graph, "wide", RT_DIM_TOKENS, 64);
  RtShape matrix = { .n_dims = 2, .dims = { 64, 8 } }, vector = { .n_dims = 1, .dims = { 8 } };
  RtValueId w = rt_graph_add_weight (graph, "w", KN_F32, &matrix, data, sizeof data, &error);
  RtValueId v = rt_graph_add_weight (graph, "v", KN_F32, &vector, data, 32, &error);
  RtNormAttrs norm = { .eps = 1e-5f, .n_groups = 1 }, norm_3 = { .n_groups = 3 };
  RtAttentionAttrs attention = { .n_heads = 2, .n_kv_heads = 2, .head_dim = 4 };

  assert_rejected (graph, &rt_op_add, (RtValueId[]){ x, wide }, 2, NULL, "[tokens, 64]");
  assert_rejected (graph, &rt_op_add, (RtValueId[]){ x }, 1, NULL, "2 to 2 inputs");
  assert_rejected (graph, &rt_op_add, (RtValueId[]){ x, RT_NONE }, 2, NULL, "input 2");
  assert_rejected (graph, &rt_op_add, (RtValueId[]){ x, w }, 2, NULL, "w");
  assert_rejected (graph, &rt_op_matmul, (RtValueId[]){ wide, w }, 2, NULL, "rows of 8");
  assert_rejected (graph, &rt_op_matmul, (RtValueId[]){ x, v }, 2, NULL, "[8]");
  assert_rejected (graph, &rt_op_matmul, (RtValueId[]){ x, x }, 2, NULL, "expected a weight");
  assert_rejected (graph, &rt_op_matmul, (RtValueId[]){ x, w, v }, 3, NULL, "expected [64]");
  assert_rejected (graph, &rt_op_matmul, (RtValueId[]){ x, w, RT_NONE, x }, 4, NULL,
                   "[tokens, 64]");
  assert_rejected (graph, &rt_op_rmsnorm, (RtValueId[]){ wide, v }, 2, &norm, "expected [64]");
  assert_rejected (graph, &rt_op_rmsnorm, (RtValueId[]){ x, v }, 2, &norm_3, "3 equal groups");
  assert_rejected (graph, &rt_op_norm_quant, (RtValueId[]){ x, v }, 2, &norm, "groups of 32");
  assert_rejected (graph, &rt_op_attention, (RtValueId[]){ x, x, wide }, 3, &attention,
                   "rows of 8");
  attention.n_kv_heads = 0;
  assert_rejected (graph, &rt_op_attention, (RtValueId[]){ x, x, x }, 3, &attention,
                   "cannot share 0");
  assert_rejected (graph, &rt_op_embed, (RtValueId[]){ x, w }, 2, NULL, "token numbers");

  /* A type that has no kernels, bytes that do not add up, a shape that overflows. */
  RtValueId odd = rt_graph_add_weight (graph, "odd", 19, &matrix, data, 100, &error);
  g_assert_cmpuint (odd, !=, RT_NONE);
  assert_rejected (graph, &rt_op_matmul, (RtValueId[]){ x, odd }, 2, NULL, "tensor type 19");
  g_assert_cmpuint (rt_graph_add_weight (graph, "short", KN_F32, &matrix, data, 2047, &error), ==,
                    RT_NONE);
  g_assert_nonnull (strstr (error.message, "short"));
  RtShape huge = { .n_dims = 4, .dims = { INT32_MAX, INT32_MAX, INT32_MAX, 32 } };
  g_assert_cmpuint (rt_graph_add_weight (graph, "huge", KN_F32, &huge, data, 0, &error), ==,
                    RT_NONE);
  RtShape q4 = { .n_dims = 2, .dims = { 4, 40 } };
  g_assert_cmpuint (rt_graph_add_weight (graph, "q4", KN_Q4_0, &q4, data, 90, &error), ==, RT_NONE);
  g_assert_nonnull (strstr (error.message, "Q4_0"));
  rt_graph_free (graph);
}

static void
test_shape_text (void)
{
  char buffer[64];
  RtShape shape = { .n_dims = 3, .dims = { RT_DIM_TOKENS, 576, RT_DIM_OUTPUTS } };

  g_assert_cmpstr (rt_shape_text (&shape, buffer, sizeof buffer), ==, "[tokens, 576, outputs]");
  g_assert_cmpstr (rt_shape_text (&(RtShape){ 0 }, buffer, sizeof buffer), ==, "[]");
  rt_shape_text (&shape, buffer, 10);
  g_assert_cmpuint (strlen (buffer), <, 10);
}

static void
test_operator_table (void)
{
  uint32_t n;
  const RtOp *const *ops = rt_op_list (&n);

  for (uint32_t i = 0; i < n; i++)
    {
      g_assert_true (rt_op_find (ops[i]->name) == ops[i]);
      g_assert_nonnull (ops[i]->title);
      g_assert_nonnull (ops[i]->infer);
      g_assert_nonnull (ops[i]->n_chunks);
      g_assert_nonnull (ops[i]->run);
      g_assert_nonnull (ops[i]->reference);
      g_assert_nonnull (ops[i]->cost);
      g_assert_cmpuint (ops[i]->n_phases, >=, 1);
      g_assert_cmpuint (ops[i]->max_inputs, >=, ops[i]->min_inputs);
      g_assert_true ((ops[i]->prepare == NULL) == (ops[i]->prepared_bytes == NULL));
      g_assert_cmpuint (ops[i]->n_outputs, <=, RT_MAX_OUTPUTS);
    }
  g_assert_null (rt_op_find ("no-such-operator"));
}

/* ---- plans ---- */

static RtPlan *
make_plan (const RtGraph *graph, int64_t n_tokens)
{
  RtPlanConfig config = { .max_symbols = { n_tokens, 1 }, .n_threads = 2, .kv_capacity = 64 };
  RtPlan *plan = rt_plan_new (graph, &config, NULL);
  g_assert_nonnull (plan);
  return plan;
}

/* x -> a -> b -> c, all element-wise: one buffer, because each takes the place of the one before.
 */
static void
test_plan_chain (void)
{
  RtGraph *graph = rt_graph_new (NULL);
  RtValueId x = add_rows (graph, "x", RT_DIM_TOKENS, 16);
  RtValueId a = unary (graph, "a", &rt_op_silu, x);
  RtValueId b = unary (graph, "b", &rt_op_gelu, a);
  RtValueId c = unary (graph, "c", &rt_op_scale, b);
  rt_graph_set_output (graph, c);

  RtPlan *plan = make_plan (graph, 10);
  g_assert_cmpuint (plan->arena_bytes, ==, 10 * 16 * 4);
  g_assert_cmpuint (plan->lower_bound_bytes, ==, 10 * 16 * 4);
  g_assert_cmpuint (plan->entries[x].bytes, ==, 0); /* the caller's */
  g_assert_cmpuint (plan->entries[b].alias_of, ==, a);
  g_assert_cmpuint (plan->entries[c].alias_of, ==, b);
  rt_plan_free (plan);
  rt_graph_free (graph);
}

/* a is read twice, so its first reader must not overwrite it: two buffers. */
static void
test_plan_diamond (void)
{
  RtGraph *graph = rt_graph_new (NULL);
  RtValueId x = add_rows (graph, "x", 4, 16);
  RtValueId a = unary (graph, "a", &rt_op_silu, x);
  RtValueId b = unary (graph, "b", &rt_op_silu, a);
  RtValueId c = binary (graph, "c", &rt_op_add, a, b);
  rt_graph_set_output (graph, c);

  RtPlan *plan = make_plan (graph, 1);
  g_assert_cmpuint (plan->entries[b].alias_of, ==, RT_NONE);
  g_assert_cmpuint (plan->entries[c].alias_of, ==, a);
  g_assert_cmpuint (plan->arena_bytes, ==, 2 * 256);
  g_assert_cmpuint (plan->lower_bound_bytes, ==, 2 * 256);
  rt_plan_free (plan);

  /* x + x must not be done in place on one of two readings of the same value... which it may: both
   * are gone after. */
  RtValueId d = binary (graph, "d", &rt_op_add, c, c);
  g_assert_cmpuint (d, !=, RT_NONE);
  plan = make_plan (graph, 1);
  g_assert_cmpuint (plan->entries[d].alias_of, ==, RT_NONE);
  rt_plan_free (plan);
  rt_graph_free (graph);
}

/* An output keeps its memory to the end. */
static void
test_plan_output (void)
{
  RtGraph *graph = rt_graph_new (NULL);
  RtValueId x = add_rows (graph, "x", 4, 16);
  RtValueId a = unary (graph, "a", &rt_op_silu, x);
  rt_graph_set_output (graph, a);
  RtValueId b = unary (graph, "b", &rt_op_silu, a);
  RtValueId c = unary (graph, "c", &rt_op_silu, b);
  rt_graph_set_output (graph, c);

  RtPlan *plan = make_plan (graph, 1);
  g_assert_cmpuint (plan->entries[b].alias_of, ==, RT_NONE);
  g_assert_cmpuint (plan->entries[a].last, ==, 2);
  g_assert_cmpuint (plan->arena_bytes, ==, 2 * 256);
  rt_plan_free (plan);
  rt_graph_free (graph);
}

static RtGraph *
random_graph (void)
{
  static const int64_t widths[] = { 1, 8, 24, 100 };
  static const RtOp *const unaries[] = { &rt_op_silu, &rt_op_gelu, &rt_op_scale };
  RtGraph *graph = rt_graph_new (NULL);
  GArray *pools[4];

  for (size_t w = 0; w < G_N_ELEMENTS (widths); w++)
    {
      g_autofree char *name = g_strdup_printf ("x%zu", w);
      RtValueId x = add_rows (graph, name, RT_DIM_TOKENS, widths[w]);
      pools[w] = g_array_new (FALSE, FALSE, sizeof x);
      g_array_append_val (pools[w], x);
    }
  int n_nodes = g_test_rand_int_range (1, 120);
  for (int i = 0; i < n_nodes; i++)
    {
      g_autofree char *name = g_strdup_printf ("n%d", i);
      GArray *pool = pools[g_test_rand_int_range (0, 4)];
      int back = MIN ((int)pool->len, 4);
      RtValueId a
          = g_array_index (pool, RtValueId, pool->len - 1 - g_test_rand_int_range (0, back));
      RtValueId b = g_array_index (pool, RtValueId, g_test_rand_int_range (0, (int)pool->len));
      RtValueId y = g_test_rand_bit () ? unary (graph, name, unaries[i % 3], a)
                                       : binary (graph, name, &rt_op_add, a, b);
      if (g_test_rand_int_range (0, 12) == 0)
        rt_graph_set_output (graph, y);
      g_array_append_val (pool, y);
    }
  for (size_t w = 0; w < G_N_ELEMENTS (widths); w++)
    g_array_free (pools[w], TRUE);
  return graph;
}

/* Play the graph: when a node writes a value's bytes, no value that is read later or that is an
 * output may lie there, except one that this node takes over. */
static void
assert_plan_sound (const RtGraph *graph, const RtPlan *plan)
{
  uint32_t n_nodes = rt_graph_n_nodes (graph), n_values = rt_graph_n_values (graph);
  g_autofree uint32_t *last_read = g_new0 (uint32_t, n_values);
  uint64_t live_max = 0;

  for (RtNodeId n = 0; n < n_nodes; n++)
    for (uint32_t i = 0; i < rt_graph_node (graph, n)->n_inputs; i++)
      last_read[rt_graph_node (graph, n)->inputs[i]] = n;

  for (RtNodeId n = 0; n < n_nodes; n++)
    {
      RtValueId written = rt_graph_node (graph, n)->outputs[0];
      const RtPlanEntry *w = &plan->entries[written];
      g_assert_cmpuint (w->offset % KN_ALIGN, ==, 0);
      g_assert_cmpuint (w->offset + w->bytes, <=, plan->arena_bytes);
      for (RtValueId id = 0; id < n_values; id++)
        {
          const RtValue *value = rt_graph_value (graph, id);
          const RtPlanEntry *e = &plan->entries[id];
          if (id == written || value->producer == RT_NONE || value->producer > n)
            continue;
          bool needed = value->kind == RT_VALUE_OUTPUT || last_read[id] > n
                        || (last_read[id] == n && w->alias_of != id);
          if (needed)
            g_assert_true (e->offset + e->bytes <= w->offset || w->offset + w->bytes <= e->offset);
        }
      live_max = MAX (live_max, rt_plan_live_bytes (plan, n));
    }
  g_assert_cmpuint (plan->lower_bound_bytes, ==, live_max);
  g_assert_cmpuint (rt_plan_live_bytes (plan, plan->peak_node), ==, live_max);
  g_assert_cmpuint (plan->arena_bytes, >=, plan->lower_bound_bytes);
}

static void
test_plan_random (void)
{
  uint64_t arena = 0, bound = 0;

  for (int i = 0; i < 300; i++)
    {
      RtGraph *graph = random_graph ();
      RtPlan *plan = make_plan (graph, g_test_rand_int_range (1, 40));
      assert_plan_sound (graph, plan);
      arena += plan->arena_bytes;
      bound += plan->lower_bound_bytes;
      rt_plan_free (plan);
      rt_graph_free (graph);
    }
  g_test_message ("arenas over lower bounds: %.4f", (double)arena / (double)bound);
  g_assert_cmpfloat ((double)arena, <, 1.1 * (double)bound);
}

static void
test_plan_empty (void)
{
  RtGraph *graph = rt_graph_new (NULL);
  RtPlan *plan = make_plan (graph, 1);
  g_assert_cmpuint (plan->arena_bytes, ==, 0);
  rt_plan_free (plan);
  rt_plan_free (NULL);
  RtGraph *fused = rt_fuse (graph, NULL, RT_FUSE_ALL, NULL);
  g_assert_cmpuint (rt_graph_n_nodes (fused), ==, 0);
  rt_graph_free (fused);
  rt_graph_free (graph);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/graph/names", test_names);
  g_test_add_func ("/graph/shape-errors", test_shape_errors);
  g_test_add_func ("/graph/shape-text", test_shape_text);
  g_test_add_func ("/graph/operator-table", test_operator_table);
  g_test_add_func ("/plan/chain", test_plan_chain);
  g_test_add_func ("/plan/diamond", test_plan_diamond);
  g_test_add_func ("/plan/output", test_plan_output);
  g_test_add_func ("/plan/random", test_plan_random);
  g_test_add_func ("/plan/empty", test_plan_empty);
  return g_test_run ();
}
