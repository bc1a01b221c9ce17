/* Memory plans of graphs with branches: nothing that lives at the same time overlaps, the planners
 * keep their promises, and the search finds what trying every order finds. */
#include <glib.h>
#include <string.h>

#include "ops/rt-ops-math.h"
#include "ops/rt-ops-move.h"
#include "ops/rt-ops-unsupported.h"
#include "ops/rt-ops.h"
#include "rt-plan.h"

/* A graph of nodes of which only shapes and edges matter: node k makes sizes[k] bytes and reads the
 * outputs whose bits are set in reads[k]. The last one is the graph's output. */
static RtGraph *
make_graph (uint32_t n, const int64_t *sizes, const uint32_t *reads)
{
  RtGraph *graph = rt_graph_new (NULL);
  RtValueId values[32];

  for (uint32_t k = 0; k < n; k++)
    {
      RtUnsupportedAttrs attrs
          = { .op = "any", .type = RT_TYPE_U8, .shape = { .n_dims = 1, .dims = { sizes[k] } } };
      RtValueId inputs[32];
      uint32_t n_inputs = 0;
      char name[16];
      for (uint32_t i = 0; i < k; i++)
        if (reads[k] >> i & 1)
          inputs[n_inputs++] = values[i];
      g_snprintf (name, sizeof name, "n%u", k);
      RtNodeId node
          = rt_graph_add_node (graph, name, 0, &rt_op_unsupported, inputs, n_inputs, &attrs, NULL);
      g_assert_cmpuint (node, !=, RT_NONE);
      values[k] = rt_graph_node (graph, node)->outputs[0];
    }
  rt_graph_set_output (graph, values[n - 1]);
  return graph;
}

static RtPlan *
make_plan (const RtGraph *graph, RtPlanner planner)
{
  RtPlan *plan = rt_plan_new (graph, &(RtPlanConfig){ .n_threads = 1, .planner = planner }, NULL);
  g_assert_nonnull (plan);
  return plan;
}

static void
check_disjoint (const RtPlan *plan)
{
  for (uint32_t a = 0; a < plan->n_values; a++)
    for (uint32_t b = 0; b < a; b++)
      {
        const RtPlanEntry *x = &plan->entries[a], *y = &plan->entries[b];
        if (x->bytes == 0 || y->bytes == 0 || x->alias_of != RT_NONE || y->alias_of != RT_NONE
            || x->first > y->last || y->first > x->last)
          continue;
        g_assert_true (x->offset + x->bytes <= y->offset || y->offset + y->bytes <= x->offset);
      }
  for (uint32_t a = 0; a < plan->n_values; a++)
    if (plan->entries[a].bytes > 0)
      {
        g_assert_cmpuint (plan->entries[a].offset + plan->entries[a].bytes, <=, plan->arena_bytes);
        g_assert_cmpuint (plan->entries[a].offset % KN_ALIGN, ==, 0);
      }
}

/* The least arena over all orders of lowest-fit placement, by trying them. */
static uint64_t
try_orders (const RtPlan *plan, uint32_t *order, uint32_t n, uint32_t depth, uint64_t *offsets)
{
  uint64_t best = UINT64_MAX;

  if (depth == n)
    {
      uint64_t top = 0;
      for (uint32_t i = 0; i < n; i++)
        top = MAX (top, offsets[i] + plan->entries[order[i]].bytes);
      return top;
    }
  for (uint32_t i = depth; i < n; i++)
    {
      uint32_t v = order[i];
      order[i] = order[depth];
      order[depth] = v;
      uint64_t offset = 0;
      for (gboolean moved = TRUE; moved;)
        {
          moved = FALSE;
          for (uint32_t k = 0; k < depth; k++)
            {
              const RtPlanEntry *x = &plan->entries[v], *y = &plan->entries[order[k]];
              if (x->first <= y->last && y->first <= x->last && offset < offsets[k] + y->bytes
                  && offsets[k] < offset + x->bytes)
                {
                  offset = offsets[k] + y->bytes;
                  moved = TRUE;
                }
            }
        }
      offsets[depth] = offset;
      best = MIN (best, try_orders (plan, order, n, depth + 1, offsets));
      order[depth] = order[i];
      order[i] = v;
    }
  return best;
}

static void
test_random (void)
{
  guint n_better = 0;

  for (guint round = 0; round < 300; round++)
    {
      uint32_t n = (uint32_t)g_test_rand_int_range (2, 8), reads[8], order[8], n_blocks = 0;
      int64_t sizes[8];
      uint64_t offsets[8], sum = 0;
      for (uint32_t k = 0; k < n; k++)
        {
          sizes[k] = g_test_rand_int_range (1, 9) * 64;
          reads[k] = (uint32_t)g_test_rand_int_range (0, 1 << k) | (k > 0 ? 1u << (k - 1) : 0);
        }
      RtGraph *graph = make_graph (n, sizes, reads);
      RtPlan *plans[RT_N_PLANNERS];
      for (int p = 0; p < RT_N_PLANNERS; p++)
        {
          plans[p] = make_plan (graph, (RtPlanner)p);
          check_disjoint (plans[p]);
          g_assert_cmpuint (plans[p]->arena_bytes, >=, plans[p]->lower_bound_bytes);
        }
      for (uint32_t v = 0; v < plans[0]->n_values; v++)
        if (plans[0]->entries[v].bytes > 0)
          {
            sum += plans[0]->entries[v].bytes;
            order[n_blocks++] = v;
          }
      uint64_t least = try_orders (plans[0], order, n_blocks, 0, offsets);
      g_assert_cmpuint (plans[RT_PLANNER_NONE]->arena_bytes, ==, sum);
      g_assert_true (plans[RT_PLANNER_OPTIMAL]->is_optimal);
      g_assert_cmpuint (plans[RT_PLANNER_OPTIMAL]->arena_bytes, ==, least);
      n_better += plans[RT_PLANNER_GREEDY]->arena_bytes > least;
      for (int p = 0; p < RT_N_PLANNERS; p++)
        rt_plan_free (plans[p]);
      rt_graph_free (graph);
    }
  /* The search is worth something only where the simple rule is not enough. */
  g_test_message ("better than largest first in %u of 300", n_better);
  g_assert_cmpuint (n_better, >, 0);
}

static void
test_search_is_bounded (void)
{
  int64_t sizes[30];
  uint32_t reads[30];

  for (uint32_t k = 0; k < 30; k++)
    {
      sizes[k] = 64 + 64 * (k * 7 % 13);
      reads[k] = k == 0 ? 0 : (1u << (k - 1)) | (k > 6 ? 1u << (k - 6) : 0);
    }
  RtGraph *graph = make_graph (30, sizes, reads);
  RtPlan *greedy = make_plan (graph, RT_PLANNER_GREEDY),
         *best = make_plan (graph, RT_PLANNER_OPTIMAL);
  check_disjoint (best);
  g_assert_cmpuint (best->arena_bytes, <=, greedy->arena_bytes);
  rt_plan_free (greedy);
  rt_plan_free (best);
  rt_graph_free (graph);
}

/* ---- sharing ---- */

static RtValueId
input (RtGraph *graph, const char *name, int64_t rows, int64_t cols)
{
  return rt_graph_add_input (graph, name, RT_TYPE_F32,
                             &(RtShape){ .n_dims = 2, .dims = { rows, cols } }, NULL);
}

static RtValueId
node (RtGraph *graph, const char *name, const RtOp *op, const void *attrs, RtValueId a, RtValueId b)
{
  RtValueId inputs[2] = { a, b };
  RtError error = { 0 };
  RtNodeId id = rt_graph_add_node (graph, name, 0, op, inputs, b != RT_NONE ? 2 : 1, attrs, &error);
  if (id == RT_NONE)
    g_error ("%s", error.message);
  return rt_graph_node (graph, id)->outputs[0];
}

/* A view and what it looks at are one block for both their lives; nobody writes over either while
 * the other is still read. */
static void
test_views (void)
{
  RtGraph *graph = rt_graph_new (NULL);
  RtValueId x = input (graph, "x", 4, 16);
  RtValueId a = node (graph, "a", &rt_op_add, NULL, x, x);
  RtValueId view = node (graph, "view", &rt_op_identity, NULL, a, RT_NONE);
  RtValueId b = node (graph, "b", &rt_op_add, NULL, view, x); /* may not write over view: a lives */
  RtValueId c = node (graph, "c", &rt_op_add, NULL, b, a);
  rt_graph_set_output (graph, c);

  RtPlan *plan = make_plan (graph, RT_PLANNER_GREEDY);
  g_assert_cmpuint (plan->entries[view].alias_of, ==, a);
  g_assert_cmpuint (plan->entries[b].alias_of, ==, RT_NONE);
  g_assert_cmpuint (plan->entries[c].alias_of, ==, b);
  g_assert_cmpuint (plan->arena_bytes, ==, 2 * 4 * 16 * sizeof (float));
  check_disjoint (plan);
  rt_plan_free (plan);
  rt_graph_free (graph);
}

/* Parts of a concatenation along the first dimension are made where it will be. */
static void
test_joins (void)
{
  RtGraph *graph = rt_graph_new (NULL);
  RtValueId x = input (graph, "x", 4, 16), y = input (graph, "y", 2, 16);
  RtValueId a = node (graph, "a", &rt_op_add, NULL, x, x);
  RtValueId b = node (graph, "b", &rt_op_add, NULL, y, y);
  RtValueId both = node (graph, "both", &rt_op_concat, &(RtAxisAttrs){ 0 }, a, b);
  rt_graph_set_output (graph, both);

  RtPlan *plan = make_plan (graph, RT_PLANNER_GREEDY);
  g_assert_cmpuint (plan->entries[a].alias_of, ==, both);
  g_assert_cmpuint (plan->entries[b].alias_of, ==, both);
  g_assert_cmpuint (plan->entries[b].offset, ==, plan->entries[both].offset + 4 * 16 * 4);
  g_assert_cmpuint (plan->arena_bytes, ==, 6 * 16 * sizeof (float));
  rt_plan_free (plan);
  plan = make_plan (graph, RT_PLANNER_NONE);
  g_assert_cmpuint (plan->entries[a].alias_of, ==, RT_NONE);
  g_assert_cmpuint (plan->arena_bytes, ==, 2 * 6 * 16 * sizeof (float));
  rt_plan_free (plan);
  rt_graph_free (graph);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/plan/random", test_random);
  g_test_add_func ("/plan/search-is-bounded", test_search_is_bounded);
  g_test_add_func ("/plan/views", test_views);
  g_test_add_func ("/plan/joins", test_joins);
  return g_test_run ();
}
