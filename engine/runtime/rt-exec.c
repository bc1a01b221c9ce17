/* Runs of the executor: binds the symbols, hands the phases of all nodes to the pool as one job,
 * moves the cache on. Nothing here allocates or locks, and nothing that could fail is left when the
 * job begins. Must not know any operator. */
#include "rt-exec-private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Strided tensors have no symbol in their last dimension, so their stride stays. */
static void
bind_tensor (const RtGraph *graph, RtValueId id, const int64_t *symbols, RtTensor *tensor)
{
  if (id == RT_NONE)
    return;
  const RtShape *shape = &rt_graph_value (graph, id)->shape;
  rt_shape_bind (shape, symbols, &tensor->shape);
  if (shape->n_dims > 0 && shape->dims[shape->n_dims - 1] < 0)
    tensor->row_stride = (size_t)tensor->shape.dims[shape->n_dims - 1];
}

void
rt_exec_bind (RtExec *exec, const int64_t *symbols)
{
  if (memcmp (exec->symbols, symbols, sizeof exec->symbols) == 0)
    return;

  memcpy (exec->symbols, symbols, sizeof exec->symbols);
  for (RtNodeId n = 0; n < rt_graph_n_nodes (exec->graph); n++)
    {
      RtOpContext *context = &exec->contexts[n];
      const RtNode *node = context->node;
      for (uint32_t i = 0; i < node->n_inputs; i++)
        bind_tensor (exec->graph, node->inputs[i], symbols, &context->inputs[i]);
      for (uint32_t i = 0; i < node->n_outputs; i++)
        bind_tensor (exec->graph, node->outputs[i], symbols, &context->outputs[i]);
    }
}

/* ---- the job ---- */

static uint32_t
run_begin (const RtWorker *worker, void *data, uint32_t phase)
{
  RtExec *exec = data;
  RtExecPhase at = exec->run_phases[phase];
  RtOpContext *context = &exec->contexts[at.node];

  if (exec->traced)
    rt_exec_trace_begin (exec, worker, at.node);
  if (at.phase == 0)
    {
      if (atomic_load_explicit (&exec->cancel, memory_order_relaxed) != 0)
        {
          exec->stopped = true;
          return RT_JOB_STOP;
        }
      context->position = exec->position;
      context->tree = exec->is_tree ? &exec->tree : NULL;
    }
  if (exec->use_reference)
    return 1;
  return context->node->op->n_chunks (context, at.phase);
}

static void
run_chunk (const RtWorker *worker, void *data, uint32_t phase, uint32_t chunk)
{
  RtExec *exec = data;
  RtExecPhase at = exec->run_phases[phase];
  const RtOpContext *context = &exec->contexts[at.node];

  if (exec->traced)
    rt_exec_trace_chunk (exec, worker, at.node);
  if (exec->use_reference)
    context->node->op->reference (context);
  else
    context->node->op->run (context, at.phase, chunk, worker);
}

static void
run_leave (const RtWorker *worker, void *data, uint32_t phase)
{
  rt_exec_trace_leave (data, worker);
}

/* The same for counted runs (rt-exec-count.c). */
static uint32_t
counted_begin (const RtWorker *worker, void *data, uint32_t phase)
{
  uint32_t n_chunks = run_begin (worker, data, phase);
  rt_exec_count_phase (data, n_chunks);
  return n_chunks;
}

static void
counted_chunk (const RtWorker *worker, void *data, uint32_t phase, uint32_t chunk)
{
  RtExec *exec = data;

  rt_exec_count_enter (exec, worker, exec->run_phases[phase].node);
  run_chunk (worker, data, phase, chunk);
  rt_exec_count_after (exec, worker);
}

static void
counted_leave (const RtWorker *worker, void *data, uint32_t phase)
{
  rt_exec_count_leave (data, worker);
}

/* ---- a run ---- */

/* @n_positions: of the sequence that the tokens take. */
static bool
check_run (const RtExec *exec, const int32_t *tokens, uint32_t n_tokens, uint32_t n_positions,
           uint32_t n_outputs, RtError *error)
{
  if (n_tokens == 0 || n_tokens > exec->max_symbols[0])
    return rt_fail (error, RT_ERROR_RANGE, "A run takes 1 to %d tokens, got %u",
                    (int)exec->max_symbols[0], n_tokens);
  if (n_outputs > n_tokens || n_outputs > exec->max_symbols[1])
    return rt_fail (error, RT_ERROR_RANGE,
                    "Logits of %u tokens are wanted; %u tokens are fed and %d were planned for",
                    n_outputs, n_tokens, (int)exec->max_symbols[1]);
  if (exec->kv != NULL && n_positions > rt_kv_capacity (exec->kv) - rt_kv_n_used (exec->kv))
    return rt_fail (error, RT_ERROR_RANGE,
                    "The context is full: %u of %u positions are used and %u more are wanted. "
                    "Choose a longer context or start again",
                    rt_kv_n_used (exec->kv), rt_kv_capacity (exec->kv), n_positions);
  for (uint32_t i = 0; i < n_tokens; i++)
    if (tokens[i] < 0 || tokens[i] >= exec->n_tokens_known)
      return rt_fail (error, RT_ERROR_RANGE, "Token %u is %d, expected 0 to %d", i, tokens[i],
                      (int)exec->n_tokens_known - 1);
  return true;
}

/* Everything is bound: run the graph. */
static bool
execute (RtExec *exec, RtPhase phase, RtError *error)
{
  exec->phase = phase;
  exec->stopped = false;
  exec->traced = atomic_load_explicit (&exec->tracing, memory_order_relaxed);
  exec->begun_node = RT_NONE;
  if (exec->traced)
    rt_clock_begin (&exec->clock);
  atomic_store_explicit (&exec->cancel, 0, memory_order_relaxed);

  RtJob job = { .n_phases = exec->n_run_phases,
                .begin = run_begin,
                .chunk = run_chunk,
                .leave = exec->traced ? run_leave : NULL,
                .data = exec };
  if (exec->count != NULL)
    {
      assert (!exec->traced);
      job.begin = counted_begin;
      job.chunk = counted_chunk;
      job.leave = counted_leave;
    }
  if (job.n_phases > 0)
    rt_pool_run (exec->pool, &job);

  if (exec->traced)
    rt_exec_trace_end (exec);
  exec->step++;
  return !exec->stopped || rt_fail (error, RT_ERROR_CANCELLED, "The run was stopped");
}

static bool
run_tokens (RtExec *exec, const int32_t *tokens, uint32_t n_tokens, uint32_t n_outputs,
            RtPhase phase, RtError *error)
{
  int64_t symbols[RT_N_SYMBOLS];

  memcpy (symbols, exec->max_symbols, sizeof symbols);
  symbols[0] = n_tokens;
  symbols[1] = n_outputs;
  rt_exec_bind (exec, symbols);
  memcpy (exec->tokens, tokens, n_tokens * sizeof *tokens);
  exec->position = exec->kv != NULL ? rt_kv_n_used (exec->kv) : 0;
  return execute (exec, phase, error);
}

bool
rt_exec_run (RtExec *exec, const int32_t *tokens, uint32_t n_tokens, uint32_t n_outputs,
             RtPhase phase, RtError *error)
{
  assert (exec->tokens_value != RT_NONE);
  if (!check_run (exec, tokens, n_tokens, n_tokens, n_outputs, error)
      || !run_tokens (exec, tokens, n_tokens, n_outputs, phase, error))
    return false;
  if (exec->kv != NULL)
    rt_kv_set_n_used (exec->kv, exec->position + n_tokens);
  return true;
}

bool
rt_exec_run_tree (RtExec *exec, const int32_t *tokens, const uint32_t *parents, uint32_t n_tokens,
                  uint32_t n_outputs, RtPhase phase, RtError *error)
{
  uint32_t path[RT_TREE_MAX_TOKENS];
  bool is_chain = n_tokens <= RT_TREE_MAX_TOKENS && rt_tree_is_chain (parents, n_tokens);
  RtTree *tree = &exec->tree;

  assert (exec->tokens_value != RT_NONE && exec->kv != NULL);
  if (!rt_tree_init (tree, parents, n_tokens, error)
      || !check_run (exec, tokens, n_tokens, tree->n_depths, n_outputs, error)
      || (!is_chain
          && !rt_kv_reserve_drafts (exec->kv, &exec->kn->attn,
                                    exec->max_symbols[0] < RT_TREE_MAX_TOKENS
                                        ? (uint32_t)exec->max_symbols[0]
                                        : RT_TREE_MAX_TOKENS,
                                    error)))
    return false;

  exec->is_tree = !is_chain;
  bool ok = run_tokens (exec, tokens, n_tokens, n_outputs, phase, error);
  exec->is_tree = false;
  if (ok)
    rt_kv_set_drafted (exec->kv, exec->position, path,
                       rt_tree_path (tree, tree->leaves[tree->n_paths - 1], path));
  return ok;
}

/* ---- networks ---- */

static bool
has_symbol (const RtShape *shape)
{
  for (uint32_t i = 0; i < shape->n_dims; i++)
    if (shape->dims[i] < 0)
      return true;
  return false;
}

void
rt_exec_set_input (RtExec *exec, RtValueId id, const void *data)
{
  const RtValue *value = rt_graph_value (exec->graph, id);

  assert (value->kind == RT_VALUE_INPUT && data != NULL);
  if (!has_symbol (&value->shape))
    {
      memcpy (exec->memory[id], data, rt_value_bytes (value, exec->max_symbols));
      return;
    }
  exec->memory[id] = (void *)data;
  for (RtNodeId n = 0; n < rt_graph_n_nodes (exec->graph); n++)
    for (uint32_t i = 0; i < exec->contexts[n].node->n_inputs; i++)
      if (exec->contexts[n].node->inputs[i] == id)
        exec->contexts[n].inputs[i].data = (void *)data;
}

/* So that small networks, of which a run takes microseconds, do not look at all values. */
static void
find_ports (RtExec *exec)
{
  if (exec->end_port > 0)
    return;
  exec->end_port = rt_graph_n_values (exec->graph);
  for (RtValueId id = exec->end_port, first = 1; id-- > 0;)
    {
      const RtValueKind kind = rt_graph_value (exec->graph, id)->kind;
      if (kind != RT_VALUE_INPUT && kind != RT_VALUE_STATE)
        continue;
      exec->end_port = first ? id + 1 : exec->end_port;
      exec->first_port = id;
      first = 0;
    }
}

static bool
check_inputs (const RtExec *exec, const int64_t *symbols, RtError *error)
{
  for (int i = 0; i < RT_N_SYMBOLS; i++)
    if (symbols[i] != exec->max_symbols[i] && (symbols[i] < 1 || symbols[i] > exec->max_symbols[i]))
      return rt_fail (error, RT_ERROR_RANGE,
                      "The input's size is %" PRId64 ", expected 1 to %" PRId64, symbols[i],
                      exec->max_symbols[i]);
  for (RtValueId id = exec->first_port; id < exec->end_port; id++)
    if (exec->memory[id] == NULL && rt_graph_value (exec->graph, id)->kind == RT_VALUE_INPUT)
      return rt_fail (error, RT_ERROR_RANGE, "Input %s was not given",
                      rt_graph_value (exec->graph, id)->name);
  return true;
}

bool
rt_exec_infer (RtExec *exec, const int64_t *symbols, RtPhase phase, RtError *error)
{
  if (symbols == NULL)
    symbols = exec->max_symbols;
  find_ports (exec);
  if (!check_inputs (exec, symbols, error))
    return false;

  rt_exec_bind (exec, symbols);
  exec->position = exec->kv != NULL ? rt_kv_n_used (exec->kv) : 0;
  if (!execute (exec, phase, error))
    return false;
  for (RtValueId id = exec->first_port; id < exec->end_port; id++)
    {
      if (exec->memory[id] == NULL)
        continue;
      const RtValue *value = rt_graph_value (exec->graph, id);
      if (value->kind == RT_VALUE_STATE && value->next != RT_NONE)
        memcpy (exec->memory[id], rt_exec_value (exec, value->next),
                rt_value_bytes (value, symbols));
    }
  return true;
}

void
rt_exec_reset_state (RtExec *exec)
{
  for (RtValueId id = 0; id < rt_graph_n_values (exec->graph); id++)
    {
      const RtValue *value = rt_graph_value (exec->graph, id);
      if (value->kind != RT_VALUE_STATE)
        continue;
      uint64_t n_bytes = rt_value_bytes (value, exec->max_symbols);
      if (value->data != NULL)
        memcpy (exec->memory[id], value->data, n_bytes);
      else
        memset (exec->memory[id], 0, n_bytes);
    }
}

void
rt_exec_value_shape (const RtExec *exec, RtValueId value, RtShape *shape)
{
  rt_shape_bind (&rt_graph_value (exec->graph, value)->shape, exec->symbols, shape);
}

void
rt_exec_cancel (RtExec *exec)
{
  atomic_store_explicit (&exec->cancel, 1, memory_order_relaxed);
}

void
rt_exec_set_tracing (RtExec *exec, bool on)
{
  atomic_store_explicit (&exec->tracing, on, memory_order_relaxed);
}

/* ---- parts ---- */

bool
rt_exec_choose (RtExec *exec, const bool *nodes, RtError *error)
{
  if (nodes == NULL)
    {
      exec->run_phases = exec->phases;
      exec->n_run_phases = exec->n_phases;
      return true;
    }
  if (exec->chosen_phases == NULL)
    exec->chosen_phases = calloc (exec->n_phases + 1, sizeof *exec->chosen_phases);
  if (exec->chosen_phases == NULL)
    return rt_fail (error, RT_ERROR_MEMORY, "No memory for the steps of a run");

  uint32_t n = 0;
  for (uint32_t i = 0; i < exec->n_phases; i++)
    if (nodes[exec->phases[i].node])
      exec->chosen_phases[n++] = exec->phases[i];
  exec->run_phases = exec->chosen_phases;
  exec->n_run_phases = n;
  return true;
}

bool
rt_exec_is_tap (const RtExec *exec, RtValueId value)
{
  return exec->taps != NULL && exec->taps[value];
}

void *
rt_exec_tap (RtExec *exec, RtValueId value)
{
  assert (rt_exec_is_tap (exec, value));
  return exec->arena + exec->plan->entries[value].offset;
}

/* ---- looking ---- */

RtTraceRing *
rt_exec_trace (RtExec *exec, uint32_t thread)
{
  return thread < exec->n_threads ? exec->rings[thread] : NULL;
}

const float *
rt_exec_logits (const RtExec *exec, uint32_t row)
{
  assert (row < exec->symbols[1]);
  return (const float *)rt_exec_value (exec, exec->logits_value) + (size_t)row * exec->n_vocab;
}

uint32_t
rt_exec_n_vocab (const RtExec *exec)
{
  return exec->n_vocab;
}

const void *
rt_exec_value (const RtExec *exec, RtValueId id)
{
  const RtValue *value = rt_graph_value (exec->graph, id);

  switch (value->kind)
    {
    case RT_VALUE_INPUT:
    case RT_VALUE_STATE:
      return exec->memory[id];
    case RT_VALUE_WEIGHT:
      return exec->vectors[id] != NULL ? exec->vectors[id] : value->data;
    case RT_VALUE_ACTIVATION:
    case RT_VALUE_OUTPUT:
      return exec->arena + exec->plan->entries[id].offset;
    }
  return NULL;
}

RtKv *
rt_exec_kv (RtExec *exec)
{
  return exec->kv;
}

RtWeight *const *
rt_exec_weights (const RtExec *exec)
{
  return exec->weights;
}

const RtPlan *
rt_exec_plan (const RtExec *exec)
{
  return exec->plan;
}

void
rt_exec_symbols (const RtExec *exec, int64_t *symbols)
{
  memcpy (symbols, exec->symbols, sizeof exec->symbols);
}

uint32_t
rt_exec_step (const RtExec *exec)
{
  return exec->step;
}

static uint64_t
weight_bytes (const RtExec *exec)
{
  uint64_t bytes = exec->vector_bytes + exec->prepared_bytes;

  for (RtValueId id = 0; id < rt_graph_n_values (exec->graph); id++)
    {
      bool seen = exec->weights[id] == NULL;
      for (RtValueId before = 0; before < id && !seen; before++)
        seen = exec->weights[before] == exec->weights[id];
      if (!seen)
        bytes += rt_weight_bytes (exec->weights[id]);
    }
  return bytes;
}

void
rt_exec_memory (const RtExec *exec, RtMemory *memory)
{
  *memory = (RtMemory){
    .weight_bytes = weight_bytes (exec),
    .activation_bytes = exec->plan->arena_bytes + exec->state_bytes,
    .scratch_bytes
    = exec->plan->shared_scratch_bytes + exec->n_threads * exec->plan->thread_scratch_bytes,
    .kv_bytes = exec->kv != NULL ? rt_kv_bytes (exec->kv) : 0,
  };
  for (uint32_t i = 0; i < exec->n_threads; i++)
    memory->trace_bytes += rt_trace_ring_bytes (exec->rings[i]);
}

RtTally
rt_exec_tally (const RtExec *exec, RtNodeId node)
{
  return exec->tallies[node];
}

void
rt_exec_cost (const RtExec *exec, RtNodeId node, uint32_t n_tokens, uint32_t position, RtCost *cost)
{
  int64_t symbols[RT_N_SYMBOLS];

  memset (cost, 0, sizeof *cost);
  /* Of a network: what the last run bound; before the first, the maxima. */
  memcpy (symbols,
          exec->tokens_value == RT_NONE && exec->symbols[0] > 0 ? exec->symbols : exec->max_symbols,
          sizeof symbols);
  if (exec->tokens_value != RT_NONE)
    {
      symbols[0] = n_tokens;
      symbols[1] = 1;
    }
  const RtNode *n = rt_graph_node (exec->graph, node);
  n->op->cost (&(RtOpQuery){ .graph = exec->graph,
                             .node = n,
                             .weight_dtypes = exec->weight_dtypes,
                             .weight_bytes = exec->weight_bytes,
                             .symbols = symbols,
                             .kv_format = exec->kv != NULL ? rt_kv_format (exec->kv) : KN_F16,
                             .kv_capacity = exec->kv != NULL ? rt_kv_capacity (exec->kv) : 0,
                             .position = position,
                             .n_threads = exec->n_threads },
               cost);
}
