/* The dimensions in another order. The strided copy finds the two dimensions that are contiguous in
 * memory and transposes blocks of them in registers. */
#include "rt-op-move.h"

static bool
transpose_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                 RtError *error)
{
  const RtTransposeAttrs *attrs = node->attrs;
  const RtValue *x = rt_move_input (graph, node, 0, error);
  uint32_t seen = 0;

  if (x == NULL)
    return false;
  shapes[0].n_dims = x->shape.n_dims;
  for (uint32_t i = 0; i < x->shape.n_dims; i++)
    {
      if (attrs->perm[i] >= x->shape.n_dims || (seen >> attrs->perm[i] & 1))
        return rt_fail (
            error, RT_ERROR_FORMAT,
            "%s has %u dimensions: number %u in place %u is not part of an order of them", x->name,
            x->shape.n_dims, attrs->perm[i], i);
      seen |= 1u << attrs->perm[i];
      shapes[0].dims[i] = x->shape.dims[attrs->perm[i]];
    }
  types[0] = x->type;
  return true;
}

static void
transpose_view (const RtOpContext *context, RtStrided *s)
{
  const RtTransposeAttrs *attrs = context->attrs;
  const RtShape *shape = &context->outputs[0].shape;
  int64_t from[RT_MAX_DIMS], to[RT_MAX_DIMS];

  rt_move_strides (&context->inputs[0].shape, from);
  rt_move_strides (shape, to);
  for (uint32_t i = 0; i < shape->n_dims; i++)
    rt_strided_add (s, shape->dims[i], from[attrs->perm[i]], to[i]);
}

static int64_t
transpose_source (const RtOpContext *context, const int64_t *index)
{
  const RtTransposeAttrs *attrs = context->attrs;
  const RtShape *shape = &context->inputs[0].shape;
  int64_t source[RT_MAX_DIMS], at = 0;

  for (uint32_t i = 0; i < shape->n_dims; i++)
    source[attrs->perm[i]] = index[i];
  for (uint32_t i = 0; i < shape->n_dims; i++)
    at = at * shape->dims[i] + source[i];
  return at;
}

static bool
transpose_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
                   void *attrs)
{
  const RtTransposeAttrs *old = node->attrs;
  RtTransposeAttrs *new = attrs;

  if (!rt_move_all_have (graph, node, n_dims))
    return false;
  for (uint32_t i = 0; i < n_dims; i++)
    new->perm[i] = rt_move_permuted (old->perm[perm[i]], perm, n_dims);
  return true;
}

static const RtMoveView transpose = { transpose_view, transpose_source };

static const RtField fields[] = { RT_FIELD (RtTransposeAttrs, perm, 0, RT_MAX_DIMS - 1) };

const RtOp rt_op_transpose = {
  .name = "transpose",
  .title = "Transpose",
  .attrs_bytes = sizeof (RtTransposeAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .data = &transpose,
  .infer = transpose_infer,
  .n_phases = 1,
  .n_chunks = rt_move_view_chunks,
  .run = rt_move_view_run,
  .reference = rt_move_view_reference,
  .cost = rt_move_cost,
  .permute = transpose_permute,
};
