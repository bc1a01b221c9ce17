/* Blocks of pixels to channels and back. */
#include "rt-op-move.h"

typedef struct
{
  uint32_t y, x, c; /* dimensions */
} Layout;

static Layout
layout_of (const RtBlockAttrs *attrs)
{
  return attrs->channels_first ? (Layout){ 2, 3, 1 } : (Layout){ 1, 2, 3 };
}

static const RtValue *
check (const RtGraph *graph, const RtNode *node, RtError *error)
{
  const RtBlockAttrs *attrs = node->attrs;
  const RtValue *x = rt_move_input (graph, node, 0, error);

  if (x == NULL || !rt_move_check_n_dims (x, 4, error))
    return NULL;
  for (uint32_t i = 1; i < 4; i++)
    if (!rt_move_check_concrete (x, i, error))
      return NULL;
  if (attrs->block < 1 || attrs->block > 1 << 14)
    {
      rt_fail (error, RT_ERROR_RANGE, "blocks of %u", attrs->block);
      return NULL;
    }
  return x;
}

static bool
space_to_depth_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                      RtError *error)
{
  const RtBlockAttrs *attrs = node->attrs;
  const Layout at = layout_of (attrs);
  const RtValue *x = check (graph, node, error);
  int64_t b = attrs->block;
  char got[128];

  if (x == NULL)
    return false;
  if (x->shape.dims[at.y] % b != 0 || x->shape.dims[at.x] % b != 0)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: height and width of %s are no multiples of %u",
                    x->name, rt_shape_text (&x->shape, got, sizeof got), attrs->block);
  shapes[0] = x->shape;
  shapes[0].dims[at.y] /= b;
  shapes[0].dims[at.x] /= b;
  shapes[0].dims[at.c] *= b * b;
  types[0] = x->type;
  return true;
}

static bool
depth_to_space_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                      RtError *error)
{
  const RtBlockAttrs *attrs = node->attrs;
  const Layout at = layout_of (attrs);
  const RtValue *x = check (graph, node, error);
  int64_t b = attrs->block;
  char got[128];

  if (x == NULL)
    return false;
  if (x->shape.dims[at.c] % (b * b) != 0)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: the channels of %s are no multiple of %u x %u",
                    x->name, rt_shape_text (&x->shape, got, sizeof got), attrs->block,
                    attrs->block);
  shapes[0] = x->shape;
  shapes[0].dims[at.y] *= b;
  shapes[0].dims[at.x] *= b;
  shapes[0].dims[at.c] /= b * b;
  types[0] = x->type;
  return true;
}

/* Strides of the parts of the deep side's channels: y in the block, x in the block, channel. */
static void
deep_strides (const RtBlockAttrs *attrs, int64_t channel_stride, int64_t n_channels, int64_t *by,
              int64_t *bx, int64_t *c)
{
  int64_t b = attrs->block;

  *c = (attrs->crd ? b * b : 1) * channel_stride;
  *bx = (attrs->crd ? 1 : n_channels) * channel_stride;
  *by = b * *bx;
}

static void
block_view (const RtOpContext *context, bool to_depth, RtStrided *s)
{
  RtBlockAttrs attrs = *(const RtBlockAttrs *)context->attrs;
  const Layout at = layout_of (&attrs);
  const RtTensor *wide = to_depth ? &context->inputs[0] : &context->outputs[0];
  const RtTensor *deep = to_depth ? &context->outputs[0] : &context->inputs[0];
  int64_t w[RT_MAX_DIMS], d[RT_MAX_DIMS], by, bx, c, b = attrs.block;

  if (to_depth)
    attrs.crd = 0;
  rt_move_strides (&wide->shape, w);
  rt_move_strides (&deep->shape, d);
  deep_strides (&attrs, d[at.c], wide->shape.dims[at.c], &by, &bx, &c);

  /* In the order of the target's memory. */
  const int64_t parts[6][3] = {
    { deep->shape.dims[0], w[0], d[0] },
    { deep->shape.dims[at.y], w[at.y] * b, d[at.y] },
    { b, w[at.y], by },
    { deep->shape.dims[at.x], w[at.x] * b, d[at.x] },
    { b, w[at.x], bx },
    { wide->shape.dims[at.c], w[at.c], c },
  };
  static const uint8_t orders[2][2][6] = {
    { { 0, 1, 2, 3, 4, 5 }, { 0, 5, 1, 2, 3, 4 } }, /* to wide: NHWC, NCHW */
    { { 0, 1, 3, 2, 4, 5 }, { 0, 2, 4, 5, 1, 3 } }, /* to deep */
  };
  for (int i = 0; i < 6; i++)
    {
      const int64_t *part = parts[orders[to_depth][attrs.channels_first != 0][i]];
      rt_strided_add (s, part[0], to_depth ? part[1] : part[2], to_depth ? part[2] : part[1]);
    }
}

static void
space_to_depth_view (const RtOpContext *context, RtStrided *s)
{
  block_view (context, true, s);
}

static void
depth_to_space_view (const RtOpContext *context, RtStrided *s)
{
  block_view (context, false, s);
}

static int64_t
offset (const RtShape *shape, const Layout *at, int64_t n, int64_t y, int64_t x, int64_t c)
{
  int64_t index[4] = { n };
  int64_t sum = 0;

  index[at->y] = y;
  index[at->x] = x;
  index[at->c] = c;
  for (int i = 0; i < 4; i++)
    sum = sum * shape->dims[i] + index[i];
  return sum;
}

static int64_t
space_to_depth_source (const RtOpContext *context, const int64_t *index)
{
  const RtBlockAttrs *attrs = context->attrs;
  const RtShape *shape = &context->inputs[0].shape;
  const Layout at = layout_of (attrs);
  int64_t b = attrs->block, n = shape->dims[at.c], c = index[at.c];

  return offset (shape, &at, index[0], index[at.y] * b + c / n / b, index[at.x] * b + c / n % b,
                 c % n);
}

static int64_t
depth_to_space_source (const RtOpContext *context, const int64_t *index)
{
  const RtBlockAttrs *attrs = context->attrs;
  const RtShape *shape = &context->inputs[0].shape;
  const Layout at = layout_of (attrs);
  int64_t b = attrs->block, n = context->outputs[0].shape.dims[at.c];
  int64_t by = index[at.y] % b, bx = index[at.x] % b, c = index[at.c];

  c = attrs->crd ? (c * b + by) * b + bx : (by * b + bx) * n + c;
  return offset (shape, &at, index[0], index[at.y] / b, index[at.x] / b, c);
}

static bool
block_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
               void *attrs)
{
  RtBlockAttrs *block = attrs;

  if (n_dims != 4 || !block->channels_first || perm[0] != 0 || perm[1] != 2 || perm[2] != 3)
    return false;
  block->channels_first = 0;
  return true;
}

static const RtMoveView space_to_depth = { space_to_depth_view, space_to_depth_source };
static const RtMoveView depth_to_space = { depth_to_space_view, depth_to_space_source };

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD (RtBlockAttrs, block, 1, 1 << 14),
  RT_FIELD_FLAG (RtBlockAttrs, crd),
  RT_FIELD_FLAG (RtBlockAttrs, channels_first),
};
/* clang-format on */

const RtOp rt_op_space_to_depth = {
  .name = "space-to-depth",
  .title = "Space to depth",
  .attrs_bytes = sizeof (RtBlockAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .data = &space_to_depth,
  .infer = space_to_depth_infer,
  .n_phases = 1,
  .n_chunks = rt_move_view_chunks,
  .run = rt_move_view_run,
  .reference = rt_move_view_reference,
  .cost = rt_move_cost,
  .permute = block_permute,
};

const RtOp rt_op_depth_to_space = {
  .name = "depth-to-space",
  .title = "Depth to space",
  .attrs_bytes = sizeof (RtBlockAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .data = &depth_to_space,
  .infer = depth_to_space_infer,
  .n_phases = 1,
  .n_chunks = rt_move_view_chunks,
  .run = rt_move_view_run,
  .reference = rt_move_view_reference,
  .cost = rt_move_cost,
  .permute = block_permute,
};
