/* TFLite operators that pad, repeat, turn, tile and resample, and what all operators that move
 * elements share. Quantized tensors are moved as the integers that they are; where the file wants
 * another scale after it they are requantized first. */
#include "eng-tflite-move.h"

#include <string.h>

#include "ops/rt-ops-int8.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops-move.h"

/* ---- Small things ---- */

const RtShape *
eng_tflite_shape_of (EngTflite *self, RtValueId value)
{
  return &eng_import_value (self->import, value)->shape;
}

/* @axis counted from the front, of @n_dims. */
gboolean
eng_tflite_get_axis (EngTflite *self, gint64 axis, guint n_dims, guint *from_front)
{
  gint64 n = n_dims;

  if (axis < -n || axis >= n)
    return eng_import_refuse (self->import,
                              "axis %" G_GINT64_FORMAT " does not exist in %u dimensions", axis,
                              n_dims);
  *from_front = (guint)(axis < 0 ? axis + n : axis);
  return TRUE;
}

static gboolean
same_quant (const RtQuant *a, const EngTfliteTensor *b)
{
  return a->n == 1 && b->n_scales == 1 && a->scales[0] == b->scales[0]
         && a->zero_points[0] == b->zero_points[0];
}

/* @value in the quantization of @tensor, when both have one and they differ. */
static RtValueId
match_quant (EngTflite *self, RtValueId value, const EngTfliteTensor *tensor)
{
  if (value == RT_NONE)
    return RT_NONE;
  const RtValue *v = eng_import_value (self->import, value);
  if (!v->quant || !eng_tflite_is_quantized (tensor) || same_quant (v->quant, tensor))
    return value;
  RtQuantizeAttrs attrs = { .type = (uint32_t)eng_tflite_rt_type (tensor->type) };
  RtValueId made = eng_import_node1 (self->import, &rt_op_requantize, &attrs, &value, 1);
  if (made == RT_NONE || !eng_tflite_set_quant (self, made, tensor, -1))
    return RT_NONE;
  return made;
}

/* Input @index in the quantization that output @output has. */
RtValueId
eng_tflite_moved_input (EngTflite *self, const EngTfliteOp *op, guint index, guint output)
{
  return match_quant (self, eng_tflite_input (self, op, index),
                      eng_tflite_output_tensor (self, op, output));
}

/* A node with one input and one output that moves its input's elements. */
gboolean
eng_tflite_add_move (EngTflite *self, const EngTfliteOp *op, const RtOp *rt_op, gconstpointer attrs)
{
  RtValueId x = eng_tflite_moved_input (self, op, 0, 0);

  if (x == RT_NONE)
    return FALSE;
  return eng_tflite_output (self, op, 0, eng_import_node1 (self->import, rt_op, attrs, &x, 1));
}

/* ---- Padding ---- */

static gboolean
read_pads (EngTflite *self, const EngTfliteOp *op, RtPadAttrs *attrs)
{
  gsize n;
  g_autofree gint64 *pads = eng_tflite_dup_ints (self, op, 1, &n);

  if (!pads)
    return FALSE;
  if (n % 2 != 0 || n / 2 > RT_MAX_DIMS)
    return eng_import_refuse (self->import, "its paddings are not two per dimension");
  for (gsize i = 0; i < n / 2; i++)
    {
      attrs->before[i] = pads[2 * i];
      attrs->after[i] = pads[2 * i + 1];
      if (pads[2 * i] < 0 || pads[2 * i + 1] < 0)
        return eng_import_refuse (self->import, "it has a negative padding");
    }
  return TRUE;
}

static gboolean
emit_pad (EngTflite *self, const EngTfliteOp *op)
{
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);
  RtPadAttrs attrs = { .mode = RT_PAD_CONSTANT };

  if (!read_pads (self, op, &attrs))
    return FALSE;
  if (eng_tflite_input_tensor (self, op, 2))
    {
      RtValueId value = eng_tflite_moved_input (self, op, 2, 0);
      gsize n = 0;
      if (value == RT_NONE)
        return FALSE;
      g_autofree gint64 *whole = eng_import_dup_ints (self->import, value, &n);
      g_autofree float *real = whole ? NULL : eng_import_dup_floats (self->import, value, &n);
      if (n != 1)
        return eng_import_refuse (self->import, "the value that it pads with is not one constant");
      attrs.value = whole ? (double)whole[0] : (double)real[0];
    }
  else if (eng_tflite_is_quantized (y))
    attrs.value = y->zero_points[0];
  return eng_tflite_add_move (self, op, &rt_op_pad, &attrs);
}

static gboolean
emit_mirror_pad (EngTflite *self, const EngTfliteOp *op)
{
  RtPadAttrs attrs
      = { .mode = eng_tflite_i8 (self, op, 0, 0) == 0 ? RT_PAD_REFLECT : RT_PAD_SYMMETRIC };

  return read_pads (self, op, &attrs) && eng_tflite_add_move (self, op, &rt_op_pad, &attrs);
}

/* ---- Repeating and turning ---- */

static gboolean
emit_tile (EngTflite *self, const EngTfliteOp *op)
{
  gsize n;
  g_autofree gint64 *repeats = eng_tflite_dup_ints (self, op, 1, &n);
  RtTileAttrs attrs = { 0 };

  if (!repeats)
    return FALSE;
  if (n > RT_MAX_DIMS)
    return eng_import_refuse (self->import, "it repeats %zu dimensions", n);
  memcpy (attrs.repeats, repeats, n * sizeof *repeats);
  return eng_tflite_add_move (self, op, &rt_op_tile, &attrs);
}

static gboolean
emit_broadcast_to (EngTflite *self, const EngTfliteOp *op)
{
  gsize n;
  g_autofree gint64 *sizes = eng_tflite_dup_ints (self, op, 1, &n);
  RtShapeAttrs attrs = { 0 };

  if (!sizes)
    return FALSE;
  if (n > RT_MAX_DIMS)
    return eng_import_refuse (self->import, "it makes %zu dimensions", n);
  attrs.shape.n_dims = (uint32_t)n;
  for (gsize i = 0; i < n; i++)
    attrs.shape.dims[i] = MAX (sizes[i], 0);
  return eng_tflite_add_move (self, op, &rt_op_expand, &attrs);
}

static gboolean
emit_reverse (EngTflite *self, const EngTfliteOp *op)
{
  gsize n;
  g_autofree gint64 *axes = eng_tflite_dup_ints (self, op, 1, &n);
  const EngTfliteTensor *x = eng_tflite_input_tensor (self, op, 0);
  RtAxesAttrs attrs = { .n_axes = (uint32_t)n };
  guint axis = 0;

  if (!axes || !x)
    return FALSE;
  if (n > RT_MAX_DIMS)
    return eng_import_refuse (self->import, "it reverses %zu dimensions", n);
  for (gsize i = 0; i < n; i++)
    {
      if (!eng_tflite_get_axis (self, axes[i], x->n_dims, &axis))
        return FALSE;
      attrs.axes[i] = (int32_t)axis;
    }
  attrs.n_axes = (uint32_t)n;
  return eng_tflite_add_move (self, op, &rt_op_reverse, &attrs);
}

static gboolean
emit_reverse_sequence (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId inputs[2] = { eng_tflite_moved_input (self, op, 0, 0), eng_tflite_input (self, op, 1) };
  RtReverseSequenceAttrs attrs = { .time_axis = eng_tflite_i32 (self, op, 0, 0),
                                   .batch_axis = eng_tflite_i32 (self, op, 1, 0) };

  if (inputs[0] == RT_NONE || inputs[1] == RT_NONE)
    return FALSE;
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_reverse_sequence, &attrs, inputs,
                                              2));
}

static gboolean
emit_block (EngTflite *self, const EngTfliteOp *op)
{
  RtBlockAttrs attrs = { .block = (uint32_t)MAX (eng_tflite_i32 (self, op, 0, 0), 0) };

  return eng_tflite_add_move (self, op,
                              op->code == 5 ? &rt_op_depth_to_space : &rt_op_space_to_depth,
                              &attrs);
}

/* Blocks of the dimensions after the first, and two numbers for each. */
typedef struct
{
  guint n;
  gint64 block[RT_MAX_DIMS], before[RT_MAX_DIMS], after[RT_MAX_DIMS];
} Blocks;

static gboolean
read_blocks (EngTflite *self, const EngTfliteOp *op, guint n_dims, Blocks *blocks)
{
  gsize n, n_pads;
  g_autofree gint64 *block = eng_tflite_dup_ints (self, op, 1, &n);
  g_autofree gint64 *pads = eng_tflite_dup_ints (self, op, 2, &n_pads);

  if (!block || !pads)
    return FALSE;
  if (n_pads != 2 * n || n + 1 > n_dims || 2 * n + n_dims - n > RT_MAX_DIMS)
    return eng_import_refuse (self->import, "its blocks do not fit %u dimensions", n_dims);
  blocks->n = (guint)n;
  for (gsize i = 0; i < n; i++)
    {
      blocks->block[i] = block[i];
      blocks->before[i] = pads[2 * i];
      blocks->after[i] = pads[2 * i + 1];
      if (block[i] < 1 || block[i] > G_MAXINT32 || pads[2 * i] < 0 || pads[2 * i + 1] < 0)
        return eng_import_refuse (self->import, "it has a block of 0 or a negative padding");
    }
  return TRUE;
}

/* [N, H, W, ...] -> padded -> [N, H / b, b, W / b, b, ...] -> [b, b, N, H / b, W / b, ...] -> [b b
 * N, H / b, W / b, ...] */
static gboolean
emit_space_to_batch (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId x = eng_tflite_moved_input (self, op, 0, 0);
  RtPadAttrs pad = { .mode = RT_PAD_CONSTANT };
  RtTransposeAttrs turn = { 0 };
  RtShape split = { 0 }, joined;
  Blocks blocks;
  guint n_turned = 0;

  if (x == RT_NONE || !read_blocks (self, op, eng_tflite_shape_of (self, x)->n_dims, &blocks))
    return FALSE;
  const RtQuant *quant = eng_import_value (self->import, x)->quant;
  pad.value = quant ? quant->zero_points[0] : 0;
  for (guint i = 0; i < blocks.n; i++)
    {
      pad.before[i + 1] = blocks.before[i];
      pad.after[i + 1] = blocks.after[i];
    }
  RtValueId padded = eng_import_node1 (self->import, &rt_op_pad, &pad, &x, 1);
  if (padded == RT_NONE)
    return FALSE;
  joined = *eng_tflite_shape_of (self, padded);
  split.dims[split.n_dims++] = joined.dims[0];
  for (guint i = 0; i < blocks.n; i++)
    {
      gint64 size = joined.dims[i + 1];
      if (size % blocks.block[i] != 0)
        return eng_import_refuse (self->import, "a padded size is no multiple of its block");
      split.dims[split.n_dims++] = joined.dims[i + 1] = size / blocks.block[i];
      split.dims[split.n_dims++] = blocks.block[i];
      joined.dims[0] *= blocks.block[i];
      turn.perm[n_turned++] = 2 * i + 2;
    }
  turn.perm[n_turned++] = 0;
  for (guint i = 0; i < blocks.n; i++)
    turn.perm[n_turned++] = 2 * i + 1;
  for (guint d = blocks.n + 1; d < joined.n_dims; d++)
    {
      turn.perm[n_turned++] = split.n_dims;
      split.dims[split.n_dims++] = joined.dims[d];
    }
  RtValueId made = eng_tflite_reshape (self, padded, &split);
  if (made == RT_NONE)
    return FALSE;
  made = eng_import_node1 (self->import, &rt_op_transpose, &turn, &made, 1);
  return eng_tflite_output (self, op, 0, eng_tflite_reshape (self, made, &joined));
}

/* The way back: [b b N, H, W, ...] -> [b, b, N, H, W, ...] -> [N, H, b, W, b, ...] -> [N, H b, W b,
 * ...] -> cropped */
static gboolean
emit_batch_to_space (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId x = eng_tflite_moved_input (self, op, 0, 0);
  RtTransposeAttrs turn = { 0 };
  RtShape split = { 0 }, joined;
  RtSliceAttrs crop = { 0 };
  Blocks blocks;
  gint64 all = 1;
  guint n_turned = 0;

  if (x == RT_NONE || !read_blocks (self, op, eng_tflite_shape_of (self, x)->n_dims, &blocks))
    return FALSE;
  joined = *eng_tflite_shape_of (self, x);
  for (guint i = 0; i < blocks.n; i++)
    {
      all *= blocks.block[i];
      split.dims[split.n_dims++] = blocks.block[i];
      if (all > G_MAXINT32)
        return eng_import_refuse (self->import, "its blocks are too large");
    }
  if (joined.dims[0] % all != 0)
    return eng_import_refuse (self->import, "its batch is no multiple of its blocks");
  split.dims[split.n_dims++] = joined.dims[0] / all;
  for (guint d = 1; d < joined.n_dims; d++)
    split.dims[split.n_dims++] = joined.dims[d];
  turn.perm[n_turned++] = blocks.n;
  joined.dims[0] /= all;
  for (guint i = 0; i < blocks.n; i++)
    {
      turn.perm[n_turned++] = blocks.n + 1 + i;
      turn.perm[n_turned++] = i;
      joined.dims[i + 1] *= blocks.block[i];
      if (blocks.before[i] + blocks.after[i] > joined.dims[i + 1])
        return eng_import_refuse (self->import, "it crops more than there is");
      crop.axes[i] = (int32_t)i + 1;
      crop.starts[i] = blocks.before[i];
      crop.ends[i] = joined.dims[i + 1] - blocks.after[i];
      crop.steps[i] = 1;
    }
  crop.n_axes = blocks.n;
  for (guint d = 2 * blocks.n + 1; d < split.n_dims; d++)
    turn.perm[n_turned++] = d;
  RtValueId made = eng_tflite_reshape (self, x, &split);
  if (made == RT_NONE)
    return FALSE;
  made = eng_import_node1 (self->import, &rt_op_transpose, &turn, &made, 1);
  made = eng_tflite_reshape (self, made, &joined);
  if (made == RT_NONE)
    return FALSE;
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_slice, &crop, &made, 1));
}

/* ---- Resampling ---- */

static gboolean
emit_resize (EngTflite *self, const EngTfliteOp *op)
{
  gboolean is_linear = op->code == 23;
  guint slot = is_linear ? 2 : 0; /* the bilinear options begin with two that are no longer used */
  gboolean align = eng_tflite_bool (self, op, slot), half = eng_tflite_bool (self, op, slot + 1);
  RtValueId x = eng_tflite_moved_input (self, op, 0, 0);
  gsize n;
  g_autofree gint64 *size = eng_tflite_dup_ints (self, op, 1, &n);
  RtResizeAttrs attrs = { .mode = is_linear ? RT_RESIZE_LINEAR : RT_RESIZE_NEAREST,
                          .rounding = align ? RT_ROUND_PREFER_CEIL : RT_ROUND_FLOOR };

  if (x == RT_NONE || !size)
    return FALSE;
  attrs.shape = *eng_tflite_shape_of (self, x);
  if (n != 2 || attrs.shape.n_dims != 4 || size[0] < 1 || size[1] < 1)
    return eng_import_refuse (self->import, "it needs 4 dimensions and two sizes above 0");
  attrs.shape.dims[1] = size[0];
  attrs.shape.dims[2] = size[1];
  attrs.coordinates = align ? RT_COORDINATES_ALIGN_CORNERS : RT_COORDINATES_ASYMMETRIC;
  if (half && !align)
    attrs.coordinates = is_linear ? RT_COORDINATES_HALF_PIXEL : RT_COORDINATES_TF_HALF_PIXEL;
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_resize, &attrs, &x, 1));
}

const EngTfliteRow eng_tflite_rows_move[] = {
  { 5, emit_block, NULL },              /* DEPTH_TO_SPACE */
  { 23, emit_resize, NULL },            /* RESIZE_BILINEAR */
  { 26, emit_block, NULL },             /* SPACE_TO_DEPTH */
  { 34, emit_pad, NULL },               /* PAD */
  { 37, emit_batch_to_space, NULL },    /* BATCH_TO_SPACE_ND */
  { 38, emit_space_to_batch, NULL },    /* SPACE_TO_BATCH_ND */
  { 60, emit_pad, NULL },               /* PADV2 */
  { 69, emit_tile, NULL },              /* TILE */
  { 97, emit_resize, NULL },            /* RESIZE_NEAREST_NEIGHBOR */
  { 100, emit_mirror_pad, NULL },       /* MIRROR_PAD */
  { 105, emit_reverse, NULL },          /* REVERSE_V2 */
  { 112, emit_reverse_sequence, NULL }, /* REVERSE_SEQUENCE */
  { 130, emit_broadcast_to, NULL },     /* BROADCAST_TO */
  { 0, NULL, NULL },
};
