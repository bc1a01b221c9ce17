/* Operator fusion as a rewrite of the source graph. Called by the lowering; knows the operators it
 * joins.
 *
 * The nodes are walked in order. Each is copied, swallowed by a node that came before, or the first
 * of a pattern: then one new node takes the place of the whole pattern. A pattern is only taken
 * when every value inside of it has no reader outside. */
#include "rt-fuse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/rt-ops-math.h"
#include "ops/rt-ops-skip.h"
#include "ops/rt-ops.h"
#include "rt-fuse-private.h"

#define MAX_SOURCES 4

/* ---- looking at the old graph ---- */

const RtNode *
rt_fuser_only_reader (const RtFuser *f, RtValueId value, const RtOp *op)
{
  if (value == RT_NONE || f->n_readers[value] != 1
      || rt_graph_value (f->old, value)->kind != RT_VALUE_ACTIVATION
      || rt_graph_value (f->old, value)->is_kept)
    return NULL;
  const RtNode *node = rt_graph_node (f->old, f->some_reader[value]);
  return op == NULL || node->op == op ? node : NULL;
}

static KnActKind
act_of (const RtFuser *f, RtValueId weight)
{
  int dtype = f->dtypes != NULL ? f->dtypes[weight] : -1;
  return kn_matmul_act (dtype >= 0 ? dtype : rt_graph_value (f->old, weight)->type);
}

/* The 8-bit rows that everything that reads @value wants of it; KN_ACT_F32 when there are none. */
static KnActKind
wanted_rows (const RtFuser *f, RtValueId value)
{
  const RtValue *v = rt_graph_value (f->old, value);
  KnActKind wanted = KN_ACT_F32;

  if (v->kind != RT_VALUE_ACTIVATION || v->is_kept || f->n_readers[value] == 0
      || v->shape.dims[v->shape.n_dims - 1] % KN_Q8_GROUP != 0)
    return KN_ACT_F32;
  for (RtNodeId n = v->producer; n < rt_graph_n_nodes (f->old); n++)
    {
      const RtNode *node = rt_graph_node (f->old, n);
      for (uint32_t i = 0; i < node->n_inputs; i++)
        {
          if (node->inputs[i] != value)
            continue;
          KnActKind act = node->op == &rt_op_matmul && i == RT_MATMUL_X
                              ? act_of (f, node->inputs[RT_MATMUL_WEIGHT])
                          : node->op == &rt_op_gate_up_skip && i == RT_GATE_UP_SKIP_X
                              ? act_of (f, node->inputs[RT_GATE_UP_SKIP_GATE])
                              : KN_ACT_F32;
          if (act == KN_ACT_F32 || (wanted != KN_ACT_F32 && act != wanted))
            return KN_ACT_F32;
          wanted = act;
        }
    }
  return wanted;
}

/* Only rows with a scale per group can be written piece by piece. */
static bool
wants_q8 (const RtFuser *f, RtValueId value)
{
  return wanted_rows (f, value) == KN_ACT_Q8;
}

RtNodeId
rt_fuser_node_id (const RtFuser *f, const RtNode *node)
{
  return rt_graph_value (f->old, node->outputs[0])->producer;
}

/* ---- writing the new graph ---- */

bool
rt_fuser_emit (RtFuser *f, const char *name, const RtOp *op, const void *attrs, uint32_t n_inputs,
               const RtValueId *inputs, uint32_t n_sources, const RtNode *const *sources,
               const RtValueId *results)
{
  RtNodeId id = rt_graph_add_node (f->graph, name, sources[0]->layer, op, inputs, n_inputs, attrs,
                                   f->error);
  if (id == RT_NONE || !rt_graph_set_sources (f->graph, id, sources, n_sources, f->error))
    return false;

  const RtNode *node = rt_graph_node (f->graph, id);
  for (uint32_t i = 0; i < node->n_outputs; i++)
    {
      const RtValue *old = rt_graph_value (f->old, results[i]);
      f->map[results[i]] = node->outputs[i];
      if (old->quant != NULL
          && !rt_graph_set_quant (f->graph, node->outputs[i], old->quant, f->error))
        return false;
      if (old->kind == RT_VALUE_OUTPUT)
        rt_graph_set_output (f->graph, node->outputs[i]);
    }
  for (uint32_t i = 0; i < n_sources; i++)
    f->swallowed[rt_fuser_node_id (f, sources[i])] = true;
  return true;
}

/* One old node, maybe with other attributes or another operator of the same inputs. */
static bool
emit_one (RtFuser *f, const RtNode *node, const RtOp *op, const void *attrs)
{
  RtValueId *inputs = malloc ((node->n_inputs + 1) * sizeof *inputs);
  if (inputs == NULL)
    return rt_fail (f->error, RT_ERROR_MEMORY, "No memory for the graph at %s", node->name);

  for (uint32_t i = 0; i < node->n_inputs; i++)
    inputs[i] = rt_fuser_mapped (f, node->inputs[i]);
  bool ok
      = rt_fuser_emit (f, node->name, op, attrs, node->n_inputs, inputs, 1, &node, node->outputs);
  free (inputs);
  return ok;
}

/* "blk.3.attn_q" and "_q", "_qkv": "blk.3.attn_qkv". */
static void
fused_name (const char *name, const char *tail, const char *new_tail, char *result, size_t n_bytes)
{
  size_t n = strlen (name), n_tail = strlen (tail);
  if (n > n_tail && strcmp (name + n - n_tail, tail) == 0)
    n -= n_tail;
  snprintf (result, n_bytes, "%.*s%s", (int)n, name, new_tail);
}

/* ---- patterns: *@done says whether the pattern was there; false is an error ---- */

/* The attention that @value reaches through head norms and rotations, as its input @input. */
static const RtNode *
attention_of (const RtFuser *f, RtValueId value, uint32_t input)
{
  for (;;)
    {
      const RtNode *attention = rt_fuser_only_reader (f, value, &rt_op_attention);
      if (attention != NULL)
        return attention->inputs[input] == value ? attention : NULL;
      const RtNode *next = rt_fuser_only_reader (f, value, &rt_op_rope);
      if (next == NULL)
        next = rt_fuser_only_reader (f, value, &rt_op_rmsnorm);
      if (next == NULL || next->inputs[0] != value)
        return NULL;
      value = next->outputs[0];
    }
}

/* A product that does nothing to its sums: the fused operators have no activation of their own. */
static bool
is_plain_product (const RtNode *node)
{
  static const RtMatmulAttrs plain;
  return node->op == &rt_op_matmul && memcmp (node->attrs, &plain, sizeof plain) == 0;
}

/* @q and two later products of the same rows lead to the three inputs of one attention. */
static bool
find_qkv (const RtFuser *f, const RtNode *q, const RtNode *parts[3])
{
  const RtNode *attention = attention_of (f, q->outputs[0], 0);
  uint32_t n = 1;

  if (attention == NULL || rt_fuser_has_input (q, RT_MATMUL_RESIDUAL))
    return false;
  parts[0] = q;
  for (RtNodeId id = rt_fuser_node_id (f, q) + 1; id < rt_graph_n_nodes (f->old) && n < 3; id++)
    {
      const RtNode *node = rt_graph_node (f->old, id);
      if (is_plain_product (node) && node->inputs[RT_MATMUL_X] == q->inputs[RT_MATMUL_X]
          && !rt_fuser_has_input (node, RT_MATMUL_RESIDUAL)
          && attention_of (f, node->outputs[0], n) == attention
          && act_of (f, node->inputs[RT_MATMUL_WEIGHT]) == act_of (f, q->inputs[RT_MATMUL_WEIGHT]))
        parts[n++] = node;
      else if (node->op == &rt_op_attention)
        break;
    }
  return n == 3;
}

static bool
fuse_qkv (RtFuser *f, const RtNode *node, bool *done)
{
  const RtNode *parts[3];
  RtValueId inputs[7], results[3];
  uint32_t n_inputs = 4;
  char name[128];

  if (!(f->fusions & RT_FUSE_QKV) || !find_qkv (f, node, parts))
    return true;

  inputs[RT_QKV_X] = rt_fuser_mapped (f, node->inputs[RT_MATMUL_X]);
  for (uint32_t i = 0; i < 3; i++)
    {
      bool bias = rt_fuser_has_input (parts[i], RT_MATMUL_BIAS);
      inputs[RT_QKV_WEIGHT + i] = rt_fuser_mapped (f, parts[i]->inputs[RT_MATMUL_WEIGHT]);
      inputs[RT_QKV_BIAS + i]
          = bias ? rt_fuser_mapped (f, parts[i]->inputs[RT_MATMUL_BIAS]) : RT_NONE;
      n_inputs = bias ? RT_QKV_BIAS + i + 1 : n_inputs;
      results[i] = parts[i]->outputs[0];
    }
  fused_name (node->name, "_q", "_qkv", name, sizeof name);
  *done = true;
  return rt_fuser_emit (f, name, &rt_op_qkv, NULL, n_inputs, inputs, 3, parts, results);
}

/* Both are activations of one shape: element-wise operators broadcast, the fused ones do not. */
static bool
same_rows (const RtFuser *f, RtValueId a, RtValueId b)
{
  const RtValue *x = rt_graph_value (f->old, a), *y = rt_graph_value (f->old, b);

  return x->kind != RT_VALUE_WEIGHT && y->kind != RT_VALUE_WEIGHT && x->type == y->type
         && x->shape.n_dims == y->shape.n_dims
         && memcmp (x->shape.dims, y->shape.dims, x->shape.n_dims * sizeof *x->shape.dims) == 0;
}

/* gate -> act -> mul <- up, with the same rows in. */
static bool
find_gate_up (const RtFuser *f, const RtNode *gate, const RtNode *parts[4], uint32_t *activation)
{
  const RtNode *act = rt_fuser_only_reader (f, gate->outputs[0], &rt_op_silu);
  *activation = RT_ACTIVATION_SILU;
  if (act == NULL)
    {
      act = rt_fuser_only_reader (f, gate->outputs[0], &rt_op_gelu);
      *activation = RT_ACTIVATION_GELU;
    }
  if (act == NULL || gate->n_inputs != 2)
    return false;

  const RtNode *mul = rt_fuser_only_reader (f, act->outputs[0], &rt_op_mul);
  if (mul == NULL || mul->inputs[0] != act->outputs[0])
    return false;
  const RtValue *other = rt_graph_value (f->old, mul->inputs[1]);
  const RtNode *up = other->producer != RT_NONE ? rt_graph_node (f->old, other->producer) : NULL;
  if (up == NULL || !is_plain_product (up) || up->n_inputs != 2 || up == gate
      || !same_rows (f, mul->inputs[0], mul->inputs[1])
      || rt_fuser_only_reader (f, up->outputs[0], &rt_op_mul) != mul
      || up->inputs[RT_MATMUL_X] != gate->inputs[RT_MATMUL_X]
      || act_of (f, up->inputs[RT_MATMUL_WEIGHT]) != act_of (f, gate->inputs[RT_MATMUL_WEIGHT]))
    return false;

  parts[0] = gate;
  parts[1] = up;
  parts[2] = act;
  parts[3] = mul;
  return true;
}

static bool
fuse_gate_up (RtFuser *f, const RtNode *node, bool *done)
{
  const RtNode *parts[MAX_SOURCES];
  RtGateUpAttrs attrs = { 0 };
  char name[128];

  if (!(f->fusions & RT_FUSE_GATE_UP) || !find_gate_up (f, node, parts, &attrs.activation))
    return true;

  attrs.quantize = wants_q8 (f, parts[3]->outputs[0]);
  fused_name (node->name, "_gate", "_gate_up", name, sizeof name);
  *done = true;
  return rt_fuser_emit (f, name, &rt_op_gate_up, &attrs, 3,
                        (RtValueId[]){ rt_fuser_mapped (f, node->inputs[RT_MATMUL_X]),
                                       rt_fuser_mapped (f, node->inputs[RT_MATMUL_WEIGHT]),
                                       rt_fuser_mapped (f, parts[1]->inputs[RT_MATMUL_WEIGHT]) },
                        4, parts, parts[3]->outputs);
}

static bool
fuse_residual (RtFuser *f, const RtNode *node, bool *done)
{
  if (!(f->fusions & RT_FUSE_RESIDUAL) || rt_fuser_has_input (node, RT_MATMUL_RESIDUAL))
    return true;
  const RtNode *add = rt_fuser_only_reader (f, node->outputs[0], &rt_op_add);
  if (add == NULL)
    return true;

  RtValueId y = node->outputs[0];
  RtValueId residual = add->inputs[0] == y ? add->inputs[1] : add->inputs[0];
  if (residual == y || rt_fuser_mapped (f, residual) == RT_NONE || !same_rows (f, residual, y))
    return true;

  RtValueId inputs[4] = { rt_fuser_mapped (f, node->inputs[RT_MATMUL_X]),
                          rt_fuser_mapped (f, node->inputs[RT_MATMUL_WEIGHT]), RT_NONE,
                          rt_fuser_mapped (f, residual) };
  if (rt_fuser_has_input (node, RT_MATMUL_BIAS))
    inputs[RT_MATMUL_BIAS] = rt_fuser_mapped (f, node->inputs[RT_MATMUL_BIAS]);
  *done = true;
  return rt_fuser_emit (f, node->name, &rt_op_matmul, NULL, 4, inputs, 2,
                        (const RtNode *[]){ node, add }, add->outputs);
}

static bool
fuse_quantize (RtFuser *f, const RtNode *node, bool *done)
{
  if (node->op == &rt_op_rmsnorm && (f->fusions & RT_FUSE_NORM_QUANT)
      && ((const RtNormAttrs *)node->attrs)->n_groups == 1
      && wanted_rows (f, node->outputs[0]) != KN_ACT_F32)
    {
      RtNormAttrs attrs = *(const RtNormAttrs *)node->attrs;
      attrs.per_token = wanted_rows (f, node->outputs[0]) == KN_ACT_Q8_TOKEN;
      *done = true;
      return emit_one (f, node, &rt_op_norm_quant, &attrs);
    }
  if (node->op == &rt_op_attention && (f->fusions & RT_FUSE_ATTENTION_QUANT)
      && wants_q8 (f, node->outputs[0]))
    {
      RtAttentionAttrs attrs = *(const RtAttentionAttrs *)node->attrs;
      if (attrs.head_dim % KN_Q8_GROUP != 0)
        return true;
      attrs.quantize = 1;
      *done = true;
      return emit_one (f, node, node->op, &attrs);
    }
  return true;
}

static bool
fuse_node (RtFuser *f, const RtNode *node)
{
  bool done = false;

  if (is_plain_product (node))
    {
      if (!fuse_qkv (f, node, &done) || (!done && !fuse_gate_up (f, node, &done))
          || (!done && !fuse_residual (f, node, &done)))
        return false;
    }
  else if (!fuse_quantize (f, node, &done) || (!done && !rt_fuse_conv (f, node, &done)))
    return false;
  return done || emit_one (f, node, node->op, node->attrs);
}

/* ---- */

static bool
copy_sources (RtFuser *f)
{
  for (RtValueId id = 0; id < rt_graph_n_values (f->old); id++)
    {
      const RtValue *value = rt_graph_value (f->old, id);
      f->map[id] = RT_NONE;
      if (value->kind == RT_VALUE_INPUT)
        f->map[id]
            = rt_graph_add_input (f->graph, value->name, value->type, &value->shape, f->error);
      else if (value->kind == RT_VALUE_WEIGHT)
        f->map[id] = rt_graph_add_weight (f->graph, value->name, value->type, &value->shape,
                                          value->data, value->data_bytes, f->error);
      else if (value->kind == RT_VALUE_STATE)
        f->map[id] = rt_graph_add_state (f->graph, value->name, value->type, &value->shape,
                                         value->data, f->error);
      else
        continue;
      if (f->map[id] == RT_NONE
          || (value->quant != NULL
              && !rt_graph_set_quant (f->graph, f->map[id], value->quant, f->error)))
        return false;
    }
  return true;
}

/* What states take must be there in the new graph: patterns never swallow a kept value. */
static bool
copy_next (RtFuser *f)
{
  for (RtValueId id = 0; id < rt_graph_n_values (f->old); id++)
    {
      const RtValue *value = rt_graph_value (f->old, id);
      if (value->kind == RT_VALUE_STATE && value->next != RT_NONE
          && !rt_graph_set_next (f->graph, f->map[id], f->map[value->next], f->error))
        return false;
    }
  return true;
}

static void
count_readers (RtFuser *f)
{
  for (RtNodeId n = 0; n < rt_graph_n_nodes (f->old); n++)
    {
      const RtNode *node = rt_graph_node (f->old, n);
      for (uint32_t i = 0; i < node->n_inputs; i++)
        if (node->inputs[i] != RT_NONE)
          {
            f->n_readers[node->inputs[i]]++;
            f->some_reader[node->inputs[i]] = n;
          }
    }
}

static bool
rewrite (RtFuser *f)
{
  if (!copy_sources (f))
    return false;
  count_readers (f);
  for (RtNodeId n = 0; n < rt_graph_n_nodes (f->old); n++)
    if (!f->swallowed[n] && !fuse_node (f, rt_graph_node (f->old, n)))
      return false;
  rt_graph_set_n_layers (f->graph, rt_graph_n_layers (f->old));
  return copy_next (f) && rt_graph_validate (f->graph, f->error);
}

RtGraph *
rt_fuse (const RtGraph *graph, const int *weight_dtypes, uint32_t fusions, RtError *error)
{
  uint32_t n_values = rt_graph_n_values (graph), n_nodes = rt_graph_n_nodes (graph);
  RtFuser f = { .old = graph,
                .dtypes = weight_dtypes,
                .fusions = fusions,
                .error = error,
                .map = calloc (n_values + 1, sizeof *f.map),
                .swallowed = calloc (n_nodes + 1, sizeof *f.swallowed),
                .n_readers = calloc (n_values + 1, sizeof *f.n_readers),
                .some_reader = calloc (n_values + 1, sizeof *f.some_reader) };
  bool ok = false;

  if (f.map == NULL || f.swallowed == NULL || f.n_readers == NULL || f.some_reader == NULL)
    rt_fail (error, RT_ERROR_MEMORY, "No memory to fuse a graph of %u nodes", n_nodes);
  else
    {
      f.graph = rt_graph_new (error);
      ok = f.graph != NULL && rewrite (&f);
    }
  if (!ok)
    {
      rt_graph_free (f.graph);
      f.graph = NULL;
    }
  free (f.some_reader);
  free (f.n_readers);
  free (f.swallowed);
  free (f.map);
  return f.graph;
}
