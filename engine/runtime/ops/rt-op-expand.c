/* Broadcasting to a larger shape, and repetition. */
#include "rt-op-move.h"

/* ---- expand ---- */

static bool
expand_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtShapeAttrs *attrs = node->attrs;
  const RtValue *x = rt_move_input (graph, node, 0, error);

  if (x == NULL || attrs->shape.n_dims > RT_MAX_DIMS)
    return x != NULL && rt_move_check_shape (&attrs->shape, error);
  for (uint32_t i = 0; i < attrs->shape.n_dims; i++)
    if (attrs->shape.dims[i] < -RT_N_SYMBOLS || attrs->shape.dims[i] > INT32_MAX)
      return rt_fail (error, RT_ERROR_RANGE, "dimension %u of the shape is %lld", i,
                      (long long)attrs->shape.dims[i]);
  shapes[0] = x->shape;
  types[0] = x->type;
  return rt_move_broadcast (&shapes[0], &attrs->shape, error);
}

static void
expand_view (const RtOpContext *context, RtStrided *s)
{
  const RtShape *x = &context->inputs[0].shape, *y = &context->outputs[0].shape;
  int64_t from[RT_MAX_DIMS], to[RT_MAX_DIMS];
  uint32_t n_new = y->n_dims - x->n_dims;

  rt_move_strides (x, from);
  rt_move_strides (y, to);
  for (uint32_t i = 0; i < y->n_dims; i++)
    rt_strided_add (s, y->dims[i], i < n_new || x->dims[i - n_new] == 1 ? 0 : from[i - n_new],
                    to[i]);
}

static int64_t
expand_source (const RtOpContext *context, const int64_t *index)
{
  const RtShape *x = &context->inputs[0].shape, *y = &context->outputs[0].shape;
  int64_t at = 0;

  for (uint32_t i = 0; i < x->n_dims; i++)
    at = at * x->dims[i] + (x->dims[i] == 1 ? 0 : index[i + y->n_dims - x->n_dims]);
  return at;
}

static bool
expand_in_place (const RtNode *node, uint32_t input)
{
  /* As many bytes: the same shape but for dimensions of 1. */
  return input == 0;
}

static bool
expand_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
                void *attrs)
{
  RtShapeAttrs *shape = attrs;

  if (!rt_move_all_have (graph, node, n_dims))
    return false;
  shape->shape = rt_graph_value (graph, node->outputs[0])->shape;
  rt_move_permute_i64 (shape->shape.dims, perm, n_dims);
  return true;
}

/* ---- tile ---- */

static bool
tile_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtTileAttrs *attrs = node->attrs;
  const RtValue *x = rt_move_input (graph, node, 0, error);

  if (x == NULL)
    return false;
  shapes[0] = x->shape;
  types[0] = x->type;
  for (uint32_t i = 0; i < x->shape.n_dims; i++)
    {
      if (attrs->repeats[i] == 1)
        continue;
      if (!rt_move_check_concrete (x, i, error))
        return false;
      if (attrs->repeats[i] < 0 || attrs->repeats[i] > INT32_MAX)
        return rt_fail (error, RT_ERROR_RANGE, "%lld repetitions along axis %u",
                        (long long)attrs->repeats[i], i);
      shapes[0].dims[i] *= attrs->repeats[i];
      if (shapes[0].dims[i] > INT32_MAX)
        return rt_move_check_shape (&shapes[0], error);
    }
  return true;
}

static void
tile_view (const RtOpContext *context, RtStrided *s)
{
  const RtTileAttrs *attrs = context->attrs;
  const RtShape *x = &context->inputs[0].shape, *y = &context->outputs[0].shape;
  int64_t from[RT_MAX_DIMS], to[RT_MAX_DIMS];

  rt_move_strides (x, from);
  rt_move_strides (y, to);
  for (uint32_t i = 0; i < x->n_dims; i++)
    {
      rt_strided_add (s, attrs->repeats[i], 0, x->dims[i] * to[i]);
      rt_strided_add (s, x->dims[i], from[i], to[i]);
    }
}

static int64_t
tile_source (const RtOpContext *context, const int64_t *index)
{
  const RtShape *x = &context->inputs[0].shape;
  int64_t at = 0;

  for (uint32_t i = 0; i < x->n_dims; i++)
    at = at * x->dims[i] + index[i] % x->dims[i];
  return at;
}

static bool
tile_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
              void *attrs)
{
  RtTileAttrs *tile = attrs;

  if (!rt_move_all_have (graph, node, n_dims))
    return false;
  rt_move_permute_i64 (tile->repeats, perm, n_dims);
  return true;
}

static const RtMoveView expand = { expand_view, expand_source };
static const RtMoveView tile = { tile_view, tile_source };

static const RtField expand_fields[] = { RT_FIELD_SHAPE (RtShapeAttrs, shape) };

static const RtField tile_fields[] = { RT_FIELD_COUNT (RtTileAttrs, repeats) };

const RtOp rt_op_expand = {
  .name = "expand",
  .title = "Broadcast",
  .attrs_bytes = sizeof (RtShapeAttrs),
  RT_FIELDS (expand_fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .data = &expand,
  .infer = expand_infer,
  .n_phases = 1,
  .n_chunks = rt_move_view_chunks,
  .run = rt_move_view_run,
  .reference = rt_move_view_reference,
  .cost = rt_move_cost,
  .in_place = expand_in_place,
  .permute = expand_permute,
};

const RtOp rt_op_tile = {
  .name = "tile",
  .title = "Tile",
  .attrs_bytes = sizeof (RtTileAttrs),
  RT_FIELDS (tile_fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .data = &tile,
  .infer = tile_infer,
  .n_phases = 1,
  .n_chunks = rt_move_view_chunks,
  .run = rt_move_view_run,
  .reference = rt_move_view_reference,
  .cost = rt_move_cost,
  .permute = tile_permute,
};
