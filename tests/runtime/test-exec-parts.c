/* Taps and runs of some nodes: watching changes no bit, a run from the middle gives the bits of the
 * whole run, and one block alone gives what it gave among the others. */
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "random-model.h"
#include "rt-model.h"

#define N_TOKENS 70 /* in two runs: more than one chunk of queries, and a second position */
#define N_VOCAB 80
#define BATCH 40

static const RandomModel shape = { .n_layers = 4,
                                   .n_embd = 96,
                                   .n_ff = 160,
                                   .n_heads = 6,
                                   .n_kv_heads = 2,
                                   .head_dim = 32,
                                   .n_vocab = N_VOCAB,
                                   .dtype = KN_F32,
                                   .tied = true };

typedef struct
{
  char *path;
  RtModel model;
  bool *taps;   /* values that leave their layer */
  RtExec *exec; /* with these taps, one row of logits per token */
  int32_t tokens[N_TOKENS];
} Parts;

static bool *
find_taps (const RtGraph *graph)
{
  bool *taps = g_new0 (bool, rt_graph_n_values (graph) + 1);

  for (RtNodeId n = 0; n < rt_graph_n_nodes (graph); n++)
    {
      const RtNode *node = rt_graph_node (graph, n);
      for (uint32_t i = 0; i < node->n_inputs; i++)
        if (node->inputs[i] != RT_NONE)
          {
            RtNodeId producer = rt_graph_value (graph, node->inputs[i])->producer;
            taps[node->inputs[i]]
                |= producer != RT_NONE && rt_graph_node (graph, producer)->layer != node->layer;
          }
    }
  return taps;
}

static RtExec *
make_exec (const RtModel *model, const bool *taps, RtPlanner planner)
{
  RtError error = { 0 };
  RtExec *exec = rt_exec_new (&(RtExecConfig){ .graph = model->graph,
                                               .weights = model->weights,
                                               .pool = model->pool,
                                               .max_symbols = { BATCH, BATCH },
                                               .kv_format = KN_F16,
                                               .kv_capacity = N_TOKENS + 10,
                                               .planner = planner,
                                               .taps = taps },
                              &error);
  if (exec == NULL)
    g_error ("%s", error.message);
  return exec;
}

static void
parts_open (Parts *p, int format, uint32_t fusions, RtPlanner planner)
{
  RtError error = { 0 };

  p->path = random_model_write (&shape, 5, &error);
  g_assert_cmpstr (error.message, ==, "");
  if (!rt_model_open (&p->model,
                      &(RtModelConfig){
                          .path = p->path, .format = format, .fusions = fusions, .n_threads = 2 },
                      &error))
    g_error ("%s", error.message);
  p->taps = find_taps (p->model.graph);
  p->exec = make_exec (&p->model, p->taps, planner);
  for (uint32_t i = 0; i < N_TOKENS; i++)
    p->tokens[i] = (int32_t)((i * 31 + i * i * 7 + 3) % N_VOCAB);
}

static void
parts_close (Parts *p)
{
  rt_exec_free (p->exec);
  rt_model_close (&p->model);
  g_free (p->taps);
  unlink (p->path);
  free (p->path);
}

/* Both halves of the tokens, as @exec stands. Logits [N_TOKENS, N_VOCAB] go to @logits, taps of run
 * r to @kept[r] when not NULL, and come from @given[r], which are all taps that @exec does not make
 * itself. */
static void
run_all (const Parts *p, RtExec *exec, float *logits, GPtrArray **kept, GPtrArray **given)
{
  RtError error = { 0 };
  int64_t symbols[RT_N_SYMBOLS] = { BATCH, BATCH };

  rt_kv_set_n_used (rt_exec_kv (exec), 0);
  for (uint32_t at = 0, r = 0; at < N_TOKENS; at += BATCH, r++)
    {
      uint32_t n = MIN (BATCH, N_TOKENS - at);
      symbols[0] = symbols[1] = n;
      for (RtValueId id = 0; given != NULL && id < rt_graph_n_values (p->model.graph); id++)
        if (p->taps[id])
          {
            GBytes *bytes = g_ptr_array_index (given[r], id);
            memcpy (rt_exec_tap (exec, id), g_bytes_get_data (bytes, NULL),
                    g_bytes_get_size (bytes));
          }
      if (!rt_exec_run (exec, p->tokens + at, n, n, RT_PHASE_PREFILL, &error))
        g_error ("%s", error.message);
      if (logits != NULL)
        memcpy (logits + at * N_VOCAB, rt_exec_logits (exec, 0), n * N_VOCAB * sizeof *logits);
      for (RtValueId id = 0; kept != NULL && id < rt_graph_n_values (p->model.graph); id++)
        g_ptr_array_add (kept[r],
                         p->taps[id]
                             ? g_bytes_new (rt_exec_tap (exec, id),
                                            rt_value_bytes (rt_graph_value (p->model.graph, id),
                                                            symbols))
                             : NULL);
    }
}

static void
bytes_free (gpointer bytes)
{
  if (bytes != NULL)
    g_bytes_unref (bytes);
}

/* Fill every tap with noise, so that nothing can be right by accident. */
static void
spoil (const Parts *p)
{
  int64_t symbols[RT_N_SYMBOLS] = { BATCH, BATCH };

  for (RtValueId id = 0; id < rt_graph_n_values (p->model.graph); id++)
    if (p->taps[id])
      memset (rt_exec_tap (p->exec, id), 0x5a,
              rt_value_bytes (rt_graph_value (p->model.graph, id), symbols));
}

static void
check_suffix (const Parts *p, int32_t first_layer, GPtrArray **kept, const float *expected)
{
  uint32_t n_nodes = rt_graph_n_nodes (p->model.graph);
  g_autofree bool *nodes = g_new0 (bool, n_nodes);
  g_autofree float *logits = g_new0 (float, N_TOKENS *N_VOCAB);
  RtError error = { 0 };

  for (RtNodeId n = 0; n < n_nodes; n++)
    nodes[n] = rt_graph_node (p->model.graph, n)->layer >= first_layer;
  spoil (p);
  g_assert_true (rt_exec_choose (p->exec, nodes, &error));
  run_all (p, p->exec, logits, NULL, kept);
  g_assert_cmpmem (logits, N_TOKENS * N_VOCAB * sizeof *logits, expected,
                   N_TOKENS * N_VOCAB * sizeof *logits);
}

static void
check_layer_alone (const Parts *p, int32_t layer, GPtrArray **kept)
{
  uint32_t n_nodes = rt_graph_n_nodes (p->model.graph), n_made = 0;
  g_autofree bool *nodes = g_new0 (bool, n_nodes);
  GPtrArray *made[2] = { g_ptr_array_new_with_free_func (bytes_free),
                         g_ptr_array_new_with_free_func (bytes_free) };
  RtError error = { 0 };

  for (RtNodeId n = 0; n < n_nodes; n++)
    nodes[n] = rt_graph_node (p->model.graph, n)->layer == layer;
  g_assert_true (rt_exec_choose (p->exec, nodes, &error));
  run_all (p, p->exec, NULL, made, kept);
  for (uint32_t r = 0; r < 2; r++)
    for (RtValueId id = 0; id < rt_graph_n_values (p->model.graph); id++)
      if (p->taps[id])
        {
          RtNodeId producer = rt_graph_value (p->model.graph, id)->producer;
          n_made += nodes[producer];
          g_assert_true (g_bytes_equal (made[r]->pdata[id], kept[r]->pdata[id]));
        }
  g_assert_cmpuint (n_made, >=, 2);
  g_ptr_array_unref (made[0]);
  g_ptr_array_unref (made[1]);
}

static void
check_parts (int format, uint32_t fusions, RtPlanner planner)
{
  Parts p = { 0 };
  RtError error = { 0 };
  g_autofree float *plain = g_new (float, N_TOKENS *N_VOCAB);
  g_autofree float *watched = g_new (float, N_TOKENS *N_VOCAB);
  GPtrArray *kept[2] = { g_ptr_array_new_with_free_func (bytes_free),
                         g_ptr_array_new_with_free_func (bytes_free) };

  parts_open (&p, format, fusions, planner);
  RtExec *without = make_exec (&p.model, NULL, planner);
  run_all (&p, without, plain, NULL, NULL);
  rt_exec_free (without);
  run_all (&p, p.exec, watched, kept, NULL);
  g_assert_cmpmem (plain, N_TOKENS * N_VOCAB * sizeof *plain, watched,
                   N_TOKENS * N_VOCAB * sizeof *watched);

  for (int32_t layer = -1; layer < (int32_t)shape.n_layers; layer++)
    {
      check_suffix (&p, layer + 1, kept, plain);
      check_layer_alone (&p, layer, kept);
    }
  g_assert_true (rt_exec_choose (p.exec, NULL, &error));
  memset (watched, 0, N_TOKENS * N_VOCAB * sizeof *watched);
  run_all (&p, p.exec, watched, NULL, NULL);
  g_assert_cmpmem (plain, N_TOKENS * N_VOCAB * sizeof *plain, watched,
                   N_TOKENS * N_VOCAB * sizeof *watched);
  g_ptr_array_unref (kept[0]);
  g_ptr_array_unref (kept[1]);
  parts_close (&p);
}

static void
test_parts (void)
{
  check_parts (-1, 0, RT_PLANNER_GREEDY);
  check_parts (KN_Q8_0, RT_FUSE_ALL, RT_PLANNER_GREEDY);
  check_parts (KN_Q4_0, RT_FUSE_ALL, RT_PLANNER_ORDER);
  check_parts (KN_F16, RT_FUSE_ALL, RT_PLANNER_NONE);
}

/* A tap's memory overlaps with nothing that lives at any time. */
static void
test_plan (void)
{
  Parts p = { 0 };
  uint32_t n_taps = 0;

  parts_open (&p, KN_Q8_0, RT_FUSE_ALL, RT_PLANNER_GREEDY);
  const RtPlan *plan = rt_exec_plan (p.exec);
  for (RtValueId a = 0; a < plan->n_values; a++)
    {
      const RtPlanEntry *x = &plan->entries[a];
      g_assert_true (rt_exec_is_tap (p.exec, a) == p.taps[a]);
      if (!p.taps[a])
        continue;
      n_taps++;
      g_assert_cmpuint (x->alias_of, ==, RT_NONE);
      for (RtValueId b = 0; b < plan->n_values; b++)
        {
          const RtPlanEntry *y = &plan->entries[b];
          g_assert_true (a == b || y->bytes == 0 || x->offset + x->bytes <= y->offset
                         || y->offset + y->bytes <= x->offset);
        }
    }
  g_assert_cmpuint (n_taps, ==, shape.n_layers + 2); /* the stream after each part, rotary angles */
  parts_close (&p);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/exec-parts/bits", test_parts);
  g_test_add_func ("/exec-parts/plan", test_plan);
  return g_test_run ();
}
