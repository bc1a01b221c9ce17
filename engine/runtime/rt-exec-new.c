/* Creation of the executor: every check and every allocation, so that a run needs neither. Reads
 * the operators' masks of inputs; knows no operator. */
#include "rt-exec-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kn-quant.h"

/* The most of anything that a run is given: an hour of sound at 16 kHz. */
#define MAX_SYMBOL (1 << 26)

static bool
fail_memory (RtError *error, const char *what, uint64_t n_bytes)
{
  return rt_fail (error, RT_ERROR_MEMORY, "No memory for %s (%" PRIu64 " KiB)", what,
                  n_bytes >> 10);
}

/* Zeroed and aligned; 0 bytes give a small block. */
static void *
alloc_aligned (uint64_t n_bytes)
{
  n_bytes = (n_bytes + KN_ALIGN) / KN_ALIGN * KN_ALIGN;
  void *memory = n_bytes <= SIZE_MAX ? aligned_alloc (KN_ALIGN, (size_t)n_bytes) : NULL;
  if (memory != NULL)
    memset (memory, 0, (size_t)n_bytes);
  return memory;
}

/* ---- weights ---- */

static bool
check_packed (const RtNode *node, const RtValue *value, const RtWeight *weight, RtError *error)
{
  uint64_t n_cols = 1;
  for (uint32_t i = 1; i < value->shape.n_dims; i++)
    n_cols *= (uint64_t)value->shape.dims[i];
  if (value->shape.n_dims < 2 || rt_weight_n_rows (weight) != (uint64_t)value->shape.dims[0]
      || rt_weight_n_cols (weight) != n_cols)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "%s: the packed weight %s is %" PRIu64 " x %" PRIu64
                    ", which is not the graph's shape",
                    node->name, value->name, rt_weight_n_rows (weight), rt_weight_n_cols (weight));
  return true;
}

/* All matrices of a node read the same input rows, so they must want them in the same form. */
static bool
check_act (const RtExec *exec, const RtNode *node, const RtValue *value, KnActKind act,
           int *node_act, RtError *error)
{
  if (*node_act >= 0 && *node_act != (int)act)
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "%s: its weights are in formats that need different activations", node->name);
  *node_act = (int)act;

  int type = rt_graph_value (exec->graph, node->inputs[0])->type;
  if ((type == RT_TYPE_Q8_ROWS && act != KN_ACT_Q8)
      || (type == RT_TYPE_Q8_TOKEN_ROWS && act != KN_ACT_Q8_TOKEN))
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "%s: %s is in a format that does not read the 8-bit rows it was fused for",
                    node->name, value->name);
  return true;
}

static bool
check_node_weights (const RtExec *exec, const RtNode *node, RtError *error)
{
  int act = -1;

  for (uint32_t i = 0; i < node->n_inputs; i++)
    {
      RtValueId id = node->inputs[i];
      bool matrix = rt_op_input_is (node->op->matrix_inputs, i);
      if (id == RT_NONE || !(matrix || rt_op_input_is (node->op->table_inputs, i)))
        continue;

      const RtValue *value = rt_graph_value (exec->graph, id);
      const RtWeight *weight = exec->weights[id];
      if (matrix && weight == NULL)
        return rt_fail (error, RT_ERROR_FORMAT, "%s: weight %s is not packed", node->name,
                        value->name);
      if (weight != NULL && !check_packed (node, value, weight, error))
        return false;
      if (matrix
          && !check_act (exec, node, value, kn_matmul_act (rt_weight_dtype (weight)), &act, error))
        return false;
    }
  return true;
}

static bool
take_weights (RtExec *exec, RtWeight *const *weights, RtError *error)
{
  uint32_t n_values = rt_graph_n_values (exec->graph);

  exec->weights = calloc (n_values + 1, sizeof *exec->weights);
  exec->weight_dtypes = calloc (n_values + 1, sizeof *exec->weight_dtypes);
  exec->weight_bytes = calloc (n_values + 1, sizeof *exec->weight_bytes);
  if (exec->weights == NULL || exec->weight_dtypes == NULL || exec->weight_bytes == NULL)
    return fail_memory (error, "the list of weights", n_values * sizeof *exec->weights);

  for (RtValueId id = 0; id < n_values; id++)
    {
      RtWeight *weight = weights != NULL ? weights[id] : NULL;
      exec->weights[id] = weight != NULL ? rt_weight_ref (weight) : NULL;
      exec->weight_dtypes[id] = weight != NULL ? (int)rt_weight_dtype (weight) : -1;
      if (weight != NULL && rt_weight_offsets (weight) != NULL)
        exec->weight_bytes[id] = rt_weight_bytes (weight);
    }
  for (RtNodeId n = 0; n < rt_graph_n_nodes (exec->graph); n++)
    if (!check_node_weights (exec, rt_graph_node (exec->graph, n), error))
      return false;
  return true;
}

/* ---- vectors: f32 copies, whatever the file's format and alignment ---- */

static uint64_t
padded_length (const RtValue *value)
{
  const uint64_t unit = KN_ALIGN / sizeof (float);
  return (rt_shape_n (&value->shape) + unit - 1) / unit * unit;
}

/* Mark the weights that some node reads as a vector. */
static void
mark_vectors (const RtGraph *graph, bool *is_vector)
{
  for (RtNodeId n = 0; n < rt_graph_n_nodes (graph); n++)
    {
      const RtNode *node = rt_graph_node (graph, n);
      for (uint32_t i = 0; i < node->n_inputs; i++)
        if (node->inputs[i] != RT_NONE && rt_op_input_is (node->op->vector_inputs, i)
            && rt_graph_value (graph, node->inputs[i])->kind == RT_VALUE_WEIGHT
            && kn_dtype_info (rt_graph_value (graph, node->inputs[i])->type) != NULL)
          is_vector[node->inputs[i]] = true;
    }
}

static bool
copy_vectors (RtExec *exec, const bool *is_vector, RtError *error)
{
  uint64_t n = 0;

  for (RtValueId id = 0; id < rt_graph_n_values (exec->graph); id++)
    if (is_vector[id])
      n += padded_length (rt_graph_value (exec->graph, id));
  exec->vector_bytes = n * sizeof (float);
  exec->vector_memory = alloc_aligned (exec->vector_bytes);
  if (exec->vector_memory == NULL)
    return fail_memory (error, "norms and biases", exec->vector_bytes);

  float *at = exec->vector_memory;
  for (RtValueId id = 0; id < rt_graph_n_values (exec->graph); id++)
    if (is_vector[id])
      {
        const RtValue *value = rt_graph_value (exec->graph, id);
        exec->vectors[id] = at;
        kn_dequantize_row (value->type, value->data, at, (size_t)rt_shape_n (&value->shape));
        at += padded_length (value);
      }
  return true;
}

static bool
make_vectors (RtExec *exec, RtError *error)
{
  uint32_t n_values = rt_graph_n_values (exec->graph);
  bool *is_vector = calloc (n_values + 1, sizeof *is_vector);
  exec->vectors = calloc (n_values + 1, sizeof *exec->vectors);
  bool ok = is_vector != NULL && exec->vectors != NULL;

  if (ok)
    {
      mark_vectors (exec->graph, is_vector);
      ok = copy_vectors (exec, is_vector, error);
    }
  else
    fail_memory (error, "the list of vectors", n_values * sizeof *exec->vectors);
  free (is_vector);
  return ok;
}

/* ---- inputs, outputs, cache ---- */

static bool
find_ends (RtExec *exec, RtError *error)
{
  exec->tokens_value = exec->logits_value = RT_NONE;
  exec->n_tokens_known = INT32_MAX;

  for (RtValueId id = 0; id < rt_graph_n_values (exec->graph); id++)
    {
      const RtValue *value = rt_graph_value (exec->graph, id);
      if (value->kind == RT_VALUE_INPUT && value->type == RT_TYPE_I32 && value->shape.n_dims == 1
          && value->shape.dims[0] == RT_DIM_TOKENS)
        exec->tokens_value = id;
      if (value->kind == RT_VALUE_OUTPUT && value->shape.n_dims == 2)
        exec->logits_value = id;
    }
  if (exec->tokens_value == RT_NONE)
    return true;
  if (exec->logits_value == RT_NONE)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "The graph has an input of token numbers and no output of logits");

  exec->n_vocab = (uint32_t)rt_graph_value (exec->graph, exec->logits_value)->shape.dims[1];
  for (RtNodeId n = 0; n < rt_graph_n_nodes (exec->graph); n++)
    {
      const RtNode *node = rt_graph_node (exec->graph, n);
      for (uint32_t i = 1; i < node->n_inputs; i++)
        if (node->inputs[0] == exec->tokens_value && rt_op_input_is (node->op->table_inputs, i))
          {
            int64_t n_rows = rt_graph_value (exec->graph, node->inputs[i])->shape.dims[0];
            if (n_rows < exec->n_tokens_known)
              exec->n_tokens_known = n_rows;
          }
    }

  exec->tokens = exec->memory[exec->tokens_value];
  return true;
}

/* Inputs whose shape has no symbol other than the tokens', and states. */
static bool
is_own (const RtValue *value)
{
  if (value->kind == RT_VALUE_STATE)
    return true;
  for (uint32_t i = 0; i < value->shape.n_dims; i++)
    if (value->shape.dims[i] < RT_DIM_OUTPUTS)
      return false;
  return value->kind == RT_VALUE_INPUT;
}

static bool
make_inputs (RtExec *exec, RtError *error)
{
  uint32_t n_values = rt_graph_n_values (exec->graph);

  exec->memory = calloc (n_values + 1, sizeof *exec->memory);
  exec->is_owned = calloc (n_values + 1, sizeof *exec->is_owned);
  if (exec->memory == NULL || exec->is_owned == NULL)
    return fail_memory (error, "the list of inputs", n_values * sizeof *exec->memory);
  for (RtValueId id = 0; id < n_values; id++)
    {
      const RtValue *value = rt_graph_value (exec->graph, id);
      if (!is_own (value))
        continue;
      uint64_t n_bytes = rt_value_bytes (value, exec->max_symbols);
      exec->memory[id] = alloc_aligned (n_bytes);
      exec->is_owned[id] = true;
      if (exec->memory[id] == NULL)
        return fail_memory (error, value->name, n_bytes);
      if (value->kind == RT_VALUE_STATE)
        exec->state_bytes += n_bytes;
    }
  rt_exec_reset_state (exec);
  return true;
}

static bool
make_cache (RtExec *exec, KnDtype format, uint32_t capacity, RtError *error)
{
  RtKvShape all = { 0 };

  for (RtNodeId n = 0; n < rt_graph_n_nodes (exec->graph); n++)
    {
      const RtNode *node = rt_graph_node (exec->graph, n);
      RtKvShape shape = { 0 };
      if (node->op->cache == NULL)
        continue;
      node->op->cache (node, &shape);
      if (all.n_layers > 0 && shape.head_dim != all.head_dim)
        return rt_fail (error, RT_ERROR_UNSUPPORTED,
                        "%s: blocks with key-value heads of different sizes (%u, before: %u) "
                        "cannot share a cache",
                        node->name, shape.head_dim, all.head_dim);
      shape.n_layers = shape.n_layers > all.n_layers ? shape.n_layers : all.n_layers;
      /* Every block has room for the most heads; what it does not use is never touched. */
      shape.n_heads = shape.n_heads > all.n_heads ? shape.n_heads : all.n_heads;
      all = shape;
    }
  if (all.n_layers == 0)
    return true;
  if (capacity == 0)
    return rt_fail (error, RT_ERROR_RANGE, "The context length must be at least 1");
  exec->kv = rt_kv_new (format, all.n_layers, all.n_heads, all.head_dim, capacity, error);
  return exec->kv != NULL;
}

/* ---- taps ---- */

static bool
take_taps (RtExec *exec, const bool *taps, RtError *error)
{
  uint32_t n_values = rt_graph_n_values (exec->graph);

  if (taps == NULL)
    return true;
  exec->taps = calloc (n_values + 1, sizeof *exec->taps);
  if (exec->taps == NULL)
    return fail_memory (error, "the list of taps", n_values * sizeof *exec->taps);
  for (RtValueId id = 0; id < n_values; id++)
    {
      RtValueKind kind = rt_graph_value (exec->graph, id)->kind;
      exec->taps[id] = taps[id] && (kind == RT_VALUE_ACTIVATION || kind == RT_VALUE_OUTPUT);
    }
  return true;
}

/* ---- contexts and phases ---- */

static void
fill_tensor (const RtExec *exec, RtValueId id, uint32_t vector_mask, uint32_t index,
             RtTensor *tensor)
{
  if (id == RT_NONE)
    return;

  const RtValue *value = rt_graph_value (exec->graph, id);
  tensor->type = value->type;
  tensor->shape = value->shape;
  tensor->quant = value->quant;
  tensor->weight = exec->weights[id];
  if (value->shape.n_dims > 0 && value->shape.dims[value->shape.n_dims - 1] > 0)
    tensor->row_stride = (size_t)value->shape.dims[value->shape.n_dims - 1];
  else
    tensor->row_stride = 1;
  if (exec->plan->entries[id].row_stride != 0)
    tensor->row_stride = exec->plan->entries[id].row_stride;
  if (rt_op_input_is (vector_mask, index) && exec->vectors[id] != NULL)
    {
      tensor->type = RT_TYPE_F32;
      tensor->data = exec->vectors[id];
      tensor->weight = NULL;
    }
  else if (tensor->weight == NULL)
    tensor->data = (void *)rt_exec_value (exec, id);
}

static void
fill_context (const RtExec *exec, const RtNode *node, RtTensor *tensors, RtOpContext *context)
{
  *context = (RtOpContext){ .kn = exec->kn,
                            .node = node,
                            .attrs = node->attrs,
                            .inputs = tensors + RT_MAX_OUTPUTS,
                            .outputs = tensors,
                            .kv = exec->kv,
                            .n_threads = exec->n_threads,
                            .scratch = exec->scratch,
                            .thread_scratch = exec->scratch + exec->plan->shared_scratch_bytes,
                            .thread_scratch_stride = exec->plan->thread_scratch_bytes };
  for (uint32_t i = 0; i < node->n_inputs; i++)
    fill_tensor (exec, node->inputs[i], node->op->vector_inputs, i, &context->inputs[i]);
  for (uint32_t i = 0; i < node->n_outputs; i++)
    fill_tensor (exec, node->outputs[i], 0, i, &context->outputs[i]);
}

RtPlan *
rt_exec_make_plan (const RtExec *exec, RtPlanner planner, RtError *error)
{
  RtPlanConfig config = { .weight_dtypes = exec->weight_dtypes,
                          .n_threads = exec->n_threads,
                          .kv_format = exec->kv_format,
                          .planner = planner,
                          .taps = exec->taps,
                          .kv_capacity = exec->kv != NULL ? rt_kv_capacity (exec->kv) : 0 };

  memcpy (config.max_symbols, exec->max_symbols, sizeof exec->max_symbols);
  return rt_plan_new (exec->graph, &config, error);
}

static bool
make_memory (RtExec *exec, const RtExecConfig *config, RtError *error)
{
  exec->kv_format = config->kv_format;
  /* References know nothing of shared memory. */
  exec->plan
      = rt_exec_make_plan (exec, exec->use_reference ? RT_PLANNER_NONE : config->planner, error);
  if (exec->plan == NULL)
    return false;

  uint64_t scratch_bytes
      = exec->plan->shared_scratch_bytes + exec->n_threads * exec->plan->thread_scratch_bytes;
  exec->arena = alloc_aligned (exec->plan->arena_bytes);
  exec->scratch = alloc_aligned (scratch_bytes);
  if (exec->arena == NULL || exec->scratch == NULL)
    return fail_memory (error, "activations", exec->plan->arena_bytes + scratch_bytes);
  return true;
}

/* Tensors of a node's context: outputs, then inputs. */
static size_t
n_tensors (const RtNode *node)
{
  return RT_MAX_OUTPUTS
         + (node->n_inputs > RT_INPUT_SLOTS ? node->n_inputs : (size_t)RT_INPUT_SLOTS);
}

static bool
make_phases (RtExec *exec, RtError *error)
{
  uint32_t n_nodes = rt_graph_n_nodes (exec->graph), n = 0;
  size_t n_all = 0;

  for (RtNodeId id = 0; id < n_nodes; id++)
    {
      const RtNode *node = rt_graph_node (exec->graph, id);
      n += exec->use_reference ? 1 : node->op->n_phases;
      n_all += n_tensors (node);
    }
  if (n > RT_JOB_MAX)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "A graph of %u nodes is too long", n_nodes);

  exec->contexts = calloc (n_nodes + 1, sizeof *exec->contexts);
  exec->tallies = calloc (n_nodes + 1, sizeof *exec->tallies);
  exec->phases = calloc (n + 1, sizeof *exec->phases);
  exec->tensors = calloc (n_all + 1, sizeof *exec->tensors);
  if (exec->contexts == NULL || exec->tallies == NULL || exec->phases == NULL
      || exec->tensors == NULL)
    return fail_memory (error, "the steps of a run", n_nodes * sizeof *exec->contexts);

  RtTensor *tensors = exec->tensors;
  for (RtNodeId id = 0; id < n_nodes; id++)
    {
      const RtNode *node = rt_graph_node (exec->graph, id);
      fill_context (exec, node, tensors, &exec->contexts[id]);
      exec->contexts[id].tally = &exec->tallies[id];
      tensors += n_tensors (node);
      for (uint32_t p = 0; p < (exec->use_reference ? 1 : node->op->n_phases); p++)
        exec->phases[exec->n_phases++] = (RtExecPhase){ id, p };
    }
  return rt_exec_choose (exec, NULL, error);
}

static uint64_t
node_prepared_bytes (const RtExec *exec, const RtNode *node)
{
  if (node->op->prepared_bytes == NULL)
    return 0;
  uint64_t n_bytes = node->op->prepared_bytes (&(RtOpQuery){ .graph = exec->graph,
                                                             .node = node,
                                                             .weight_dtypes = exec->weight_dtypes,
                                                             .symbols = exec->max_symbols,
                                                             .n_threads = exec->n_threads });
  return (n_bytes + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
}

/* What nodes make once from their constants. */
static bool
prepare (RtExec *exec, RtError *error)
{
  uint32_t n_nodes = rt_graph_n_nodes (exec->graph);

  rt_exec_bind (exec, exec->max_symbols);
  for (RtNodeId n = 0; n < n_nodes; n++)
    exec->prepared_bytes += node_prepared_bytes (exec, rt_graph_node (exec->graph, n));
  exec->prepared = alloc_aligned (exec->prepared_bytes);
  if (exec->prepared == NULL)
    return fail_memory (error, "constants of the operators", exec->prepared_bytes);

  uint8_t *at = exec->prepared;
  for (RtNodeId n = 0; n < n_nodes; n++)
    {
      const RtNode *node = rt_graph_node (exec->graph, n);
      if (node->op->prepared_bytes == NULL)
        continue;
      node->op->prepare (&exec->contexts[n], at);
      exec->contexts[n].prepared = at;
      at += node_prepared_bytes (exec, node);
    }
  return true;
}

/* No phase of the largest run may have more chunks than the pool can count. */
static bool
check_chunks (RtExec *exec, RtError *error)
{
  for (uint32_t p = 0; p < exec->n_phases && !exec->use_reference; p++)
    {
      const RtOpContext *context = &exec->contexts[exec->phases[p].node];
      if (context->node->op->n_chunks (context, exec->phases[p].phase) > RT_JOB_MAX)
        return rt_fail (error, RT_ERROR_RANGE,
                        "%s: a run of this size is too long, choose a smaller batch or input",
                        context->node->name);
    }
  return true;
}

/* ---- */

static bool
check_config (const RtExecConfig *config, RtError *error)
{
  bool is_used[RT_N_SYMBOLS] = { false };

  for (RtValueId id = 0; id < rt_graph_n_values (config->graph); id++)
    {
      const RtShape *shape = &rt_graph_value (config->graph, id)->shape;
      for (uint32_t i = 0; i < shape->n_dims; i++)
        if (shape->dims[i] < 0 && shape->dims[i] >= -RT_N_SYMBOLS)
          is_used[-shape->dims[i] - 1] = true;
    }
  for (RtNodeId n = 0; n < rt_graph_n_nodes (config->graph); n++)
    {
      const RtNode *node = rt_graph_node (config->graph, n);
      if (node->op->run == NULL)
        return rt_fail (error, RT_ERROR_UNSUPPORTED, "%s: this operator is not supported",
                        node->name);
      /* Kernels would read and write elsewhere. */
      if (!config->use_reference && !node->op->runs_channels_first
          && node->op->is_channels_first != NULL && node->op->is_channels_first (node))
        return rt_fail (error, RT_ERROR_UNSUPPORTED,
                        "%s: pictures with channels first are run only after the layout pass",
                        node->name);
    }
  for (int i = 0; i < RT_N_SYMBOLS; i++)
    if (is_used[i] && (config->max_symbols[i] < 1 || config->max_symbols[i] > MAX_SYMBOL))
      return rt_fail (error, RT_ERROR_RANGE,
                      "Largest run: %" PRId64
                      " tokens, outputs, pixels or samples, expected 1 to %d",
                      config->max_symbols[i], MAX_SYMBOL);
  return rt_graph_validate (config->graph, error);
}

RtExec *
rt_exec_new (const RtExecConfig *config, RtError *error)
{
  if (!check_config (config, error))
    return NULL;

  RtExec *exec = alloc_aligned (sizeof *exec);
  if (exec == NULL)
    {
      fail_memory (error, "an executor", sizeof *exec);
      return NULL;
    }
  exec->graph = config->graph;
  exec->pool = config->pool;
  exec->kn = config->kernels != NULL ? config->kernels : kn_table ();
  exec->use_reference = config->use_reference;
  exec->n_threads = rt_pool_n_threads (config->pool);
  exec->begun_node = RT_NONE;
  memcpy (exec->max_symbols, config->max_symbols, sizeof exec->max_symbols);

  if (!take_weights (exec, config->weights, error) || !take_taps (exec, config->taps, error)
      || !make_vectors (exec, error) || !make_inputs (exec, error) || !find_ends (exec, error)
      || !make_cache (exec, config->kv_format, config->kv_capacity, error)
      || !make_memory (exec, config, error) || !make_phases (exec, error) || !prepare (exec, error)
      || !check_chunks (exec, error) || !rt_exec_trace_new (exec, error))
    {
      rt_exec_free (exec);
      return NULL;
    }
  return exec;
}

void
rt_exec_free (RtExec *exec)
{
  if (exec == NULL)
    return;

  rt_exec_count_end (exec);
  rt_exec_trace_free (exec);
  for (RtValueId id = 0; exec->weights != NULL && id < rt_graph_n_values (exec->graph); id++)
    rt_weight_unref (exec->weights[id]);
  free (exec->weights);
  free (exec->weight_dtypes);
  free (exec->weight_bytes);
  free (exec->vectors);
  free (exec->vector_memory);
  free (exec->contexts);
  free (exec->tallies);
  free (exec->phases);
  free (exec->chosen_phases);
  free (exec->taps);
  for (RtValueId id = 0; exec->is_owned != NULL && id < rt_graph_n_values (exec->graph); id++)
    if (exec->is_owned[id])
      free (exec->memory[id]);
  free (exec->memory);
  free (exec->is_owned);
  free (exec->prepared);
  free (exec->tensors);
  free (exec->scratch);
  free (exec->arena);
  rt_plan_free (exec->plan);
  rt_kv_free (exec->kv);
  free (exec);
}
