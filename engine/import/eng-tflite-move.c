/* TFLite operators that move, select, index and resample elements, and make constants of shapes.
 * Quantized tensors are moved as the integers that they are; where the file wants another scale
 * after it they are requantized first. */
#include "eng-tflite-private.h"

#include <string.h>

#include "ops/rt-ops-int8.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops-move.h"

/* ---- Small things ---- */

static const RtShape *
shape_of (EngTflite *self, RtValueId value)
{
  return &eng_import_value (self->import, value)->shape;
}

/* @axis counted from the front, of @n_dims. */
static gboolean
get_axis (EngTflite *self, gint64 axis, guint n_dims, guint *from_front)
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
static RtValueId
moved_input (EngTflite *self, const EngTfliteOp *op, guint index, guint output)
{
  return match_quant (self, eng_tflite_input (self, op, index),
                      eng_tflite_output_tensor (self, op, output));
}

/* A node with one input and one output that moves its input's elements. */
static gboolean
add_move (EngTflite *self, const EngTfliteOp *op, const RtOp *rt_op, gconstpointer attrs)
{
  RtValueId x = moved_input (self, op, 0, 0);

  if (x == RT_NONE)
    return FALSE;
  return eng_tflite_output (self, op, 0, eng_import_node1 (self->import, rt_op, attrs, &x, 1));
}

static RtValueId
make_ints (EngTflite *self, int type, const gint64 *values, gsize n, guint n_dims)
{
  g_autofree gint32 *narrow = g_new (gint32, n + 1);
  RtShape shape = { .n_dims = n_dims, .dims = { (int64_t)n } };

  for (gsize i = 0; i < n; i++)
    narrow[i] = (gint32)values[i];
  if (type == RT_TYPE_I64)
    return eng_import_constant (self->import, NULL, type, &shape, values, n * 8, TRUE);
  return eng_import_constant (self->import, NULL, RT_TYPE_I32, &shape, narrow, n * 4, TRUE);
}

/* ---- Other shapes of the same elements ---- */

/* The shape that input 1 or the options name, -1 filled in; else the declared one. */
static gboolean
wanted_shape (EngTflite *self, const EngTfliteOp *op, guint64 n_elements, RtShape *shape)
{
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);
  g_autofree gint64 *sizes = NULL;
  gsize n = 0;
  gint64 known = 1;
  int open = -1;

  if (eng_tflite_input_tensor (self, op, 1))
    sizes = eng_tflite_dup_ints (self, op, 1, &n);
  if (!sizes && y)
    {
      eng_tflite_shape (y, shape);
      if (rt_shape_n (shape) == n_elements)
        return TRUE;
    }
  if (!sizes || n > RT_MAX_DIMS)
    return eng_import_refuse (self->import, "the shape that it should make is not known");
  *shape = (RtShape){ .n_dims = (uint32_t)n };
  for (gsize i = 0; i < n; i++)
    {
      shape->dims[i] = sizes[i];
      if (sizes[i] == -1 && open < 0)
        open = (int)i;
      else if (sizes[i] < 0 || (sizes[i] > 0 && known > G_MAXINT64 / 4 / sizes[i]))
        return eng_import_refuse (self->import, "the shape that it should make is no shape");
      else
        known *= sizes[i];
    }
  if (open >= 0)
    shape->dims[open] = known > 0 ? (gint64)n_elements / known : 0;
  return TRUE;
}

static gboolean
emit_reshape (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId x = moved_input (self, op, 0, 0);
  RtShape shape;

  if (x == RT_NONE || !wanted_shape (self, op, rt_shape_n (shape_of (self, x)), &shape))
    return FALSE;
  return eng_tflite_output (self, op, 0, eng_tflite_reshape (self, x, &shape));
}

static gboolean
emit_squeeze (EngTflite *self, const EngTfliteOp *op)
{
  EngFlat *flat = &self->file->flat;
  EngFlatVector axes = eng_flat_vector (flat, op->options, 0, 4);
  RtValueId x = moved_input (self, op, 0, 0);
  RtShape shape = { 0 };
  guint gone = 0, axis = 0;

  if (x == RT_NONE)
    return FALSE;
  const RtShape *old = shape_of (self, x);
  for (guint32 i = 0; i < axes.n_items; i++)
    {
      if (!get_axis (self, eng_flat_vector_i32 (flat, axes, i), old->n_dims, &axis))
        return FALSE;
      if (old->dims[axis] == 1)
        gone |= 1u << axis;
    }
  for (guint d = 0; d < old->n_dims; d++)
    if (!(axes.n_items > 0 ? gone >> d & 1 : old->dims[d] == 1))
      shape.dims[shape.n_dims++] = old->dims[d];
  return eng_tflite_output (self, op, 0, eng_tflite_reshape (self, x, &shape));
}

static RtValueId
insert_dim (EngTflite *self, RtValueId x, guint axis)
{
  RtShape shape = *shape_of (self, x);

  if (shape.n_dims >= RT_MAX_DIMS)
    {
      eng_import_refuse (self->import, "it makes more than %d dimensions", RT_MAX_DIMS);
      return RT_NONE;
    }
  memmove (shape.dims + axis + 1, shape.dims + axis, (shape.n_dims - axis) * sizeof *shape.dims);
  shape.dims[axis] = 1;
  shape.n_dims++;
  return eng_tflite_reshape (self, x, &shape);
}

static RtValueId
remove_dim (EngTflite *self, RtValueId x, guint axis)
{
  if (x == RT_NONE)
    return RT_NONE;
  RtShape shape = *shape_of (self, x);
  memmove (shape.dims + axis, shape.dims + axis + 1,
           (shape.n_dims - axis - 1) * sizeof *shape.dims);
  shape.n_dims--;
  return eng_tflite_reshape (self, x, &shape);
}

static gboolean
emit_expand_dims (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId x = moved_input (self, op, 0, 0);
  gsize n;
  g_autofree gint64 *axes = eng_tflite_dup_ints (self, op, 1, &n);
  guint axis = 0;

  if (x == RT_NONE || !axes)
    return FALSE;
  if (n != 1)
    return eng_import_refuse (self->import, "it names %zu axes", n);
  if (!get_axis (self, axes[0], shape_of (self, x)->n_dims + 1, &axis))
    return FALSE;
  return eng_tflite_output (self, op, 0, insert_dim (self, x, axis));
}

static gboolean
emit_transpose (EngTflite *self, const EngTfliteOp *op)
{
  gsize n;
  g_autofree gint64 *perm = eng_tflite_dup_ints (self, op, 1, &n);
  RtTransposeAttrs attrs = { 0 };
  const EngTfliteTensor *x = eng_tflite_input_tensor (self, op, 0);
  guint axis = 0;

  if (!perm || !x)
    return FALSE;
  if (n > RT_MAX_DIMS)
    return eng_import_refuse (self->import, "it permutes %zu dimensions", n);
  for (gsize i = 0; i < n; i++)
    {
      if (!get_axis (self, perm[i], (guint)n, &axis))
        return FALSE;
      attrs.perm[i] = axis;
    }
  return add_move (self, op, &rt_op_transpose, &attrs);
}

/* ---- Parts and sums of parts ---- */

static RtValueId
slice_axis (EngTflite *self, RtValueId x, guint axis, gint64 start, gint64 end)
{
  RtSliceAttrs attrs = {
    .n_axes = 1, .axes = { (int32_t)axis }, .starts = { start }, .ends = { end }, .steps = { 1 }
  };

  return eng_import_node1 (self->import, &rt_op_slice, &attrs, &x, 1);
}

/* The quantization of @from for @value, which lost it on the way. */
static gboolean
keep_quant (EngTflite *self, RtValueId value, RtValueId from)
{
  const RtQuant *quant = eng_import_value (self->import, from)->quant;

  return value != RT_NONE && (!quant || eng_import_set_quant (self->import, value, quant));
}

static gboolean
emit_concatenation (EngTflite *self, const EngTfliteOp *op)
{
  g_autofree RtValueId *inputs = g_new (RtValueId, op->n_inputs + 1);
  RtAxisAttrs attrs = { .axis = eng_tflite_i32 (self, op, 0, 0) };

  for (guint i = 0; i < op->n_inputs; i++)
    {
      inputs[i] = moved_input (self, op, i, 0);
      if (inputs[i] == RT_NONE)
        return FALSE;
    }
  RtValueId made = eng_import_node1 (self->import, &rt_op_concat, &attrs, inputs, op->n_inputs);
  return eng_tflite_output (self, op, 0,
                            eng_tflite_activate (self, made, eng_tflite_i8 (self, op, 1, 0)));
}

static gboolean
emit_pack (EngTflite *self, const EngTfliteOp *op)
{
  g_autofree RtValueId *inputs = g_new (RtValueId, op->n_inputs + 1);
  RtAxisAttrs attrs;
  guint axis = 0;

  for (guint i = 0; i < op->n_inputs; i++)
    {
      RtValueId x = moved_input (self, op, i, 0);
      if (x == RT_NONE
          || !get_axis (self, eng_tflite_i32 (self, op, 1, 0), shape_of (self, x)->n_dims + 1,
                        &axis))
        return FALSE;
      inputs[i] = insert_dim (self, x, axis);
      if (inputs[i] == RT_NONE)
        return FALSE;
    }
  attrs.axis = (int32_t)axis;
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_concat, &attrs, inputs,
                                              op->n_inputs));
}

static gboolean
emit_unpack (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId x = eng_tflite_input (self, op, 0);
  guint axis = 0;

  if (x == RT_NONE
      || !get_axis (self, eng_tflite_i32 (self, op, 1, 0), shape_of (self, x)->n_dims, &axis))
    return FALSE;
  if (shape_of (self, x)->dims[axis] != (gint64)op->n_outputs)
    return eng_import_refuse (self->import, "%" G_GINT64_FORMAT " parts do not go to %u outputs",
                              shape_of (self, x)->dims[axis], op->n_outputs);
  for (guint i = 0; i < op->n_outputs; i++)
    {
      RtValueId part = slice_axis (self, x, axis, i, (gint64)i + 1);
      if (!keep_quant (self, part, x)
          || !eng_tflite_output (self, op, i, remove_dim (self, part, axis)))
        return FALSE;
    }
  return TRUE;
}

/* Parts of @sizes [n_outputs] along @axis. */
static gboolean
add_split (EngTflite *self, const EngTfliteOp *op, RtValueId x, guint axis, const gint64 *sizes)
{
  gint64 start = 0;

  for (guint i = 0; i < op->n_outputs; i++)
    {
      RtValueId part = slice_axis (self, x, axis, start, start + sizes[i]);
      start += sizes[i];
      if (!eng_tflite_output (self, op, i, part))
        return FALSE;
    }
  return TRUE;
}

/* Inputs: axis, x. */
static gboolean
emit_split (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId x = eng_tflite_input (self, op, 1);
  gsize n;
  g_autofree gint64 *axes = eng_tflite_dup_ints (self, op, 0, &n);
  guint axis = 0;

  if (x == RT_NONE || !axes || n != 1 || op->n_outputs == 0
      || !get_axis (self, axes[0], shape_of (self, x)->n_dims, &axis))
    return FALSE;
  gint64 size = shape_of (self, x)->dims[axis];
  if (size % op->n_outputs != 0)
    return eng_import_refuse (self->import, "%" G_GINT64_FORMAT " does not split into %u", size,
                              op->n_outputs);
  g_autofree gint64 *sizes = g_new (gint64, op->n_outputs);
  for (guint i = 0; i < op->n_outputs; i++)
    sizes[i] = size / op->n_outputs;
  return add_split (self, op, x, axis, sizes);
}

/* Inputs: x, sizes (one may be -1), axis. */
static gboolean
emit_split_v (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId x = eng_tflite_input (self, op, 0);
  gsize n_sizes, n_axes;
  g_autofree gint64 *sizes = eng_tflite_dup_ints (self, op, 1, &n_sizes);
  g_autofree gint64 *axes = eng_tflite_dup_ints (self, op, 2, &n_axes);
  gint64 known = 0;
  gint64 *open = NULL;
  guint axis = 0;

  if (x == RT_NONE || !sizes || !axes || n_axes != 1
      || !get_axis (self, axes[0], shape_of (self, x)->n_dims, &axis))
    return FALSE;
  if (n_sizes != op->n_outputs)
    return eng_import_refuse (self->import, "%zu sizes for %u outputs", n_sizes, op->n_outputs);
  for (gsize i = 0; i < n_sizes; i++)
    if (sizes[i] == -1 && !open)
      open = &sizes[i];
    else if (sizes[i] < 0 || sizes[i] > G_MAXINT32)
      return eng_import_refuse (self->import, "size %" G_GINT64_FORMAT " of a part", sizes[i]);
    else
      known += sizes[i];
  if (open)
    *open = shape_of (self, x)->dims[axis] - known;
  if (open ? *open < 0 : known != shape_of (self, x)->dims[axis])
    return eng_import_refuse (self->import, "its parts do not add up to the whole");
  return add_split (self, op, x, axis, sizes);
}

/* Inputs: x, begin, size (-1: to the end). */
static gboolean
emit_slice (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId x = eng_tflite_input (self, op, 0);
  gsize n_begin, n_size;
  g_autofree gint64 *begin = eng_tflite_dup_ints (self, op, 1, &n_begin);
  g_autofree gint64 *size = eng_tflite_dup_ints (self, op, 2, &n_size);
  RtSliceAttrs attrs = { 0 };

  if (x == RT_NONE || !begin || !size)
    return FALSE;
  const RtShape *shape = shape_of (self, x);
  if (n_begin != shape->n_dims || n_size != shape->n_dims)
    return eng_import_refuse (self->import, "begin and size do not name every dimension");
  attrs.n_axes = shape->n_dims;
  for (guint d = 0; d < shape->n_dims; d++)
    {
      if (begin[d] < 0 || begin[d] > shape->dims[d] || size[d] < -1
          || size[d] > shape->dims[d] - begin[d])
        return eng_import_refuse (self->import, "it reaches outside of its input");
      attrs.axes[d] = (int32_t)d;
      attrs.starts[d] = begin[d];
      attrs.ends[d] = size[d] < 0 ? shape->dims[d] : begin[d] + size[d];
      attrs.steps[d] = 1;
    }
  return add_move (self, op, &rt_op_slice, &attrs);
}

/* What StridedSliceOptions and the three lists say about each dimension of the input. */
typedef struct
{
  gint32 begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_mask;
  gboolean is_offset;
  const gint64 *begin, *end, *stride;
  guint n;
} StridedSpec;

#define NEW_AXIS (-1)

/* Fill @attrs; @kept lists what the output's dimensions are: one of the input's, or NEW_AXIS. */
static gboolean
read_strided (EngTflite *self, const StridedSpec *spec, const RtShape *x, RtSliceAttrs *attrs,
              int *kept, guint *n_kept)
{
  guint d = 0,
        n_new = (guint)__builtin_popcount ((guint)spec->new_axis_mask & ((1u << spec->n) - 1));
  gboolean had_ellipsis = FALSE;

  for (guint i = 0; i < spec->n; i++)
    {
      if (*n_kept >= RT_MAX_DIMS)
        return eng_import_refuse (self->import, "it makes more than %d dimensions", RT_MAX_DIMS);
      if (spec->ellipsis_mask >> i & 1)
        {
          guint named = spec->n - n_new - 1;
          if (had_ellipsis || named > x->n_dims)
            return eng_import_refuse (self->import, "its ellipses do not fit");
          had_ellipsis = TRUE;
          for (guint k = x->n_dims - named; k > 0 && *n_kept < RT_MAX_DIMS; k--)
            kept[(*n_kept)++] = (int)d++;
          continue;
        }
      if (spec->new_axis_mask >> i & 1)
        {
          kept[(*n_kept)++] = NEW_AXIS;
          continue;
        }
      if (d >= x->n_dims)
        return eng_import_refuse (self->import, "it names more dimensions than there are");
      gboolean shrink = spec->shrink_mask >> i & 1;
      gint64 step = shrink ? 1 : spec->stride[i], size = x->dims[d];
      gint64 start = spec->begin[i], end = spec->end[i];
      if (step == 0)
        return eng_import_refuse (self->import, "it has a step of 0");
      if (spec->is_offset)
        end += start;
      if (spec->begin_mask >> i & 1)
        start = step > 0 ? 0 : size - 1;
      if (shrink)
        {
          if (start < -size || start >= size)
            return eng_import_refuse (self->import, "it reaches outside of its input");
          start = start < 0 ? start + size : start;
          end = start + 1;
        }
      else if (spec->end_mask >> i & 1)
        end = step > 0 ? size : G_MININT64;
      else if (step < 0 && end < -size)
        end = G_MININT64;
      guint k = attrs->n_axes++;
      attrs->axes[k] = (int32_t)d;
      attrs->starts[k] = start;
      attrs->ends[k] = end;
      attrs->steps[k] = step;
      if (!shrink)
        kept[(*n_kept)++] = (int)d;
      d++;
    }
  for (; d < x->n_dims && *n_kept < RT_MAX_DIMS; d++)
    kept[(*n_kept)++] = (int)d;
  return TRUE;
}

static gboolean
emit_strided_slice (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId x = moved_input (self, op, 0, 0);
  gsize n_begin, n_end, n_stride;
  g_autofree gint64 *begin = eng_tflite_dup_ints (self, op, 1, &n_begin);
  g_autofree gint64 *end = eng_tflite_dup_ints (self, op, 2, &n_end);
  g_autofree gint64 *stride = eng_tflite_dup_ints (self, op, 3, &n_stride);
  RtSliceAttrs attrs = { 0 };
  RtShape shape = { 0 };
  int kept[RT_MAX_DIMS];
  guint n_kept = 0;

  if (x == RT_NONE || !begin || !end || !stride)
    return FALSE;
  if (n_begin != n_end || n_begin != n_stride || n_begin > 2 * RT_MAX_DIMS)
    return eng_import_refuse (self->import, "begin, end and strides are not of one length");
  StridedSpec spec = {
    .begin_mask = eng_tflite_i32 (self, op, 0, 0),
    .end_mask = eng_tflite_i32 (self, op, 1, 0),
    .ellipsis_mask = eng_tflite_i32 (self, op, 2, 0),
    .new_axis_mask = eng_tflite_i32 (self, op, 3, 0),
    .shrink_mask = eng_tflite_i32 (self, op, 4, 0),
    .is_offset = eng_tflite_bool (self, op, 5),
    .begin = begin,
    .end = end,
    .stride = stride,
    .n = (guint)n_begin,
  };
  if (!read_strided (self, &spec, shape_of (self, x), &attrs, kept, &n_kept))
    return FALSE;
  RtValueId made
      = attrs.n_axes > 0 ? eng_import_node1 (self->import, &rt_op_slice, &attrs, &x, 1) : x;
  if (!keep_quant (self, made, x))
    return FALSE;
  shape.n_dims = n_kept;
  for (guint i = 0; i < n_kept; i++)
    shape.dims[i] = kept[i] == NEW_AXIS ? 1 : shape_of (self, made)->dims[kept[i]];
  return eng_tflite_output (self, op, 0, eng_tflite_reshape (self, made, &shape));
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
      RtValueId value = moved_input (self, op, 2, 0);
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
  return add_move (self, op, &rt_op_pad, &attrs);
}

static gboolean
emit_mirror_pad (EngTflite *self, const EngTfliteOp *op)
{
  RtPadAttrs attrs
      = { .mode = eng_tflite_i8 (self, op, 0, 0) == 0 ? RT_PAD_REFLECT : RT_PAD_SYMMETRIC };

  return read_pads (self, op, &attrs) && add_move (self, op, &rt_op_pad, &attrs);
}

/* ---- Indexing ---- */

static gboolean
emit_gather (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId inputs[2] = { moved_input (self, op, 0, 0), eng_tflite_input (self, op, 1) };
  gint32 batch_dims = eng_tflite_i32 (self, op, 1, 0);
  RtGatherAttrs attrs
      = { .axis = eng_tflite_i32 (self, op, 0, 0), .batch_dims = (uint32_t)batch_dims };

  if (inputs[0] == RT_NONE || inputs[1] == RT_NONE)
    return FALSE;
  if (batch_dims < 0)
    return eng_import_refuse (self->import, "a negative number of batch dimensions");
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_gather, &attrs, inputs, 2));
}

/* Inputs: rows, table. */
static gboolean
emit_embedding_lookup (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId rows = eng_tflite_input (self, op, 0), table = eng_tflite_input (self, op, 1);
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);
  RtGatherAttrs attrs = { 0 };

  if (!eng_tflite_is_quantized (y))
    table = eng_tflite_real (self, table);
  if (rows == RT_NONE || table == RT_NONE)
    return FALSE;
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_gather, &attrs,
                                              (RtValueId[]){ table, rows }, 2));
}

static gboolean
emit_gather_nd (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId inputs[2] = { moved_input (self, op, 0, 0), eng_tflite_input (self, op, 1) };
  RtGatherNdAttrs attrs = { 0 };

  if (inputs[0] == RT_NONE || inputs[1] == RT_NONE)
    return FALSE;
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_gather_nd, &attrs, inputs, 2));
}

/* Inputs: indices, updates, shape. What several updates name is added up. */
static gboolean
emit_scatter_nd (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId indices = eng_tflite_input (self, op, 0), updates = eng_tflite_input (self, op, 1);
  gsize n;
  g_autofree gint64 *sizes = eng_tflite_dup_ints (self, op, 2, &n);
  RtScatterAttrs attrs = { .mode = RT_SCATTER_ADD };
  RtShape shape = { 0 };

  if (indices == RT_NONE || updates == RT_NONE || !sizes)
    return FALSE;
  if (n > RT_MAX_DIMS)
    return eng_import_refuse (self->import, "it makes more than %d dimensions", RT_MAX_DIMS);
  shape.n_dims = (uint32_t)n;
  for (gsize i = 0; i < n; i++)
    shape.dims[i] = MAX (sizes[i], 0);
  if (rt_shape_n (&shape) > G_MAXINT32)
    return eng_import_refuse (self->import, "its output is too large");
  int type = eng_import_value (self->import, updates)->type;
  gsize n_bytes = rt_shape_n (&shape) * rt_type_bytes (type);
  g_autofree guint8 *zeros = g_try_malloc0 (MAX (n_bytes, 1));
  if (!zeros)
    return eng_import_refuse (self->import, "no memory for its output");
  RtValueId data = eng_import_constant (self->import, NULL, type, &shape, zeros, n_bytes, TRUE);
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_scatter_nd, &attrs,
                                              (RtValueId[]){ data, indices, updates }, 3));
}

/* SELECT's condition may be one per row of the first dimension. */
static gboolean
emit_select (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId inputs[3] = { eng_tflite_input (self, op, 0), moved_input (self, op, 1, 0),
                          moved_input (self, op, 2, 0) };

  if (inputs[0] == RT_NONE || inputs[1] == RT_NONE || inputs[2] == RT_NONE)
    return FALSE;
  const RtShape *condition = shape_of (self, inputs[0]), *a = shape_of (self, inputs[1]);
  if (op->code == 64 && condition->n_dims == 1 && a->n_dims > 1)
    {
      RtShape column = { .n_dims = a->n_dims, .dims = { condition->dims[0] } };
      for (guint d = 1; d < a->n_dims; d++)
        column.dims[d] = 1;
      inputs[0] = eng_tflite_reshape (self, inputs[0], &column);
    }
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_where, NULL, inputs, 3));
}

/* Indices of what is not 0, a row each: only of constants. */
static gboolean
emit_where (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId x = eng_tflite_input (self, op, 0);
  RtTransposeAttrs attrs = { .perm = { 1, 0 } };

  if (x == RT_NONE)
    return FALSE;
  if (op->n_inputs != 1)
    return emit_select (self, op);
  x = eng_import_node1 (self->import, &rt_op_non_zero, NULL, &x, 1);
  if (x == RT_NONE)
    return FALSE;
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_transpose, &attrs, &x, 1));
}

/* Inputs: indices, depth, on, off. */
static gboolean
emit_one_hot (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId indices = eng_tflite_input (self, op, 0), on = eng_tflite_input (self, op, 2);
  RtValueId off = eng_tflite_input (self, op, 3);
  gsize n;
  g_autofree gint64 *depth = eng_tflite_dup_ints (self, op, 1, &n);
  RtOneHotAttrs attrs = { .axis = eng_tflite_i32 (self, op, 0, -1) };
  RtShape one = { .n_dims = 1, .dims = { 1 } };

  if (indices == RT_NONE || on == RT_NONE || off == RT_NONE || !depth || n != 1)
    return FALSE;
  attrs.depth = depth[0];
  RtValueId values[2]
      = { eng_tflite_reshape (self, off, &one), eng_tflite_reshape (self, on, &one) };
  if (values[0] == RT_NONE || values[1] == RT_NONE)
    return FALSE;
  RtValueId both = eng_import_node1 (self->import, &rt_op_concat, &(RtAxisAttrs){ 0 }, values, 2);
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_one_hot, &attrs,
                                              (RtValueId[]){ indices, both }, 2));
}

static gboolean
emit_arg (EngTflite *self, const EngTfliteOp *op)
{
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);
  RtValueId x = eng_tflite_input (self, op, 0);
  gsize n;
  g_autofree gint64 *axis = eng_tflite_dup_ints (self, op, 1, &n);

  if (x == RT_NONE || !axis || n != 1 || !y)
    return FALSE;
  RtArgAttrs attrs = { .axis = (int32_t)CLAMP (axis[0], G_MININT32, G_MAXINT32),
                       .type = eng_tflite_rt_type (y->type) };
  const RtOp *rt_op = op->code == 56 ? &rt_op_arg_max : &rt_op_arg_min;
  return eng_tflite_output (self, op, 0, eng_import_node1 (self->import, rt_op, &attrs, &x, 1));
}

static gboolean
emit_top_k (EngTflite *self, const EngTfliteOp *op)
{
  const EngTfliteTensor *indices = eng_tflite_output_tensor (self, op, 1);
  RtValueId x = eng_tflite_input (self, op, 0), outputs[RT_MAX_OUTPUTS];
  gsize n;
  g_autofree gint64 *k = eng_tflite_dup_ints (self, op, 1, &n);

  if (x == RT_NONE || !k || n != 1)
    return FALSE;
  RtTopKAttrs attrs = { .axis = -1, .k = k[0], .type = RT_TYPE_I32 };
  if (indices && indices->type == ENG_TFLITE_I64)
    attrs.type = RT_TYPE_I64;
  return eng_import_node (self->import, &rt_op_top_k, &attrs, &x, 1, outputs)
         && eng_tflite_output (self, op, 0, outputs[0])
         && eng_tflite_output (self, op, 1, outputs[1]);
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
  return add_move (self, op, &rt_op_tile, &attrs);
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
  return add_move (self, op, &rt_op_expand, &attrs);
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
      if (!get_axis (self, axes[i], x->n_dims, &axis))
        return FALSE;
      attrs.axes[i] = (int32_t)axis;
    }
  attrs.n_axes = (uint32_t)n;
  return add_move (self, op, &rt_op_reverse, &attrs);
}

static gboolean
emit_reverse_sequence (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId inputs[2] = { moved_input (self, op, 0, 0), eng_tflite_input (self, op, 1) };
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

  return add_move (self, op, op->code == 5 ? &rt_op_depth_to_space : &rt_op_space_to_depth, &attrs);
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

/* [N, H, W, ...] -> padded -> [N, H / b, b, W / b, b, ...] -> [b, b, N, H / b, W / b, ...] -> [b b N,
 * H / b, W / b, ...] */
static gboolean
emit_space_to_batch (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId x = moved_input (self, op, 0, 0);
  RtPadAttrs pad = { .mode = RT_PAD_CONSTANT };
  RtTransposeAttrs turn = { 0 };
  RtShape split = { 0 }, joined;
  Blocks blocks;
  guint n_turned = 0;

  if (x == RT_NONE || !read_blocks (self, op, shape_of (self, x)->n_dims, &blocks))
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
  joined = *shape_of (self, padded);
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

/* The way back: [b b N, H, W, ...] -> [b, b, N, H, W, ...] -> [N, H, b, W, b, ...] -> [N, H b, W b, ...]
 * -> cropped */
static gboolean
emit_batch_to_space (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId x = moved_input (self, op, 0, 0);
  RtTransposeAttrs turn = { 0 };
  RtShape split = { 0 }, joined;
  RtSliceAttrs crop = { 0 };
  Blocks blocks;
  gint64 all = 1;
  guint n_turned = 0;

  if (x == RT_NONE || !read_blocks (self, op, shape_of (self, x)->n_dims, &blocks))
    return FALSE;
  joined = *shape_of (self, x);
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
  RtValueId x = moved_input (self, op, 0, 0);
  gsize n;
  g_autofree gint64 *size = eng_tflite_dup_ints (self, op, 1, &n);
  RtResizeAttrs attrs = { .mode = is_linear ? RT_RESIZE_LINEAR : RT_RESIZE_NEAREST,
                          .rounding = align ? RT_ROUND_PREFER_CEIL : RT_ROUND_FLOOR };

  if (x == RT_NONE || !size)
    return FALSE;
  attrs.shape = *shape_of (self, x);
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

/* ---- Types ---- */

static gboolean
emit_cast (EngTflite *self, const EngTfliteOp *op)
{
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);
  RtValueId x = eng_tflite_half_input (self, op, 0);

  if (x == RT_NONE || !y)
    return FALSE;
  RtTypeAttrs attrs = { eng_tflite_rt_type (y->type) };
  if (attrs.type < 0)
    return eng_import_refuse (self->import, "type %s is not supported",
                              eng_tflite_type_name (y->type));
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_cast, &attrs, &x, 1));
}

/* Constants of half precision stay so: convolutions read them as they are. */
static gboolean
emit_dequantize (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId x = eng_tflite_half_input (self, op, 0);

  if (x == RT_NONE)
    return FALSE;
  int type = eng_import_value (self->import, x)->type;
  if (type == RT_TYPE_F16 && eng_import_is_constant (self->import, x))
    return eng_tflite_output (self, op, 0, x);
  if (type == RT_TYPE_F16 || type == RT_TYPE_BF16)
    x = eng_import_node1 (self->import, &rt_op_cast, &(RtTypeAttrs){ RT_TYPE_F32 }, &x, 1);
  else if (!eng_import_value (self->import, x)->quant)
    return eng_import_refuse (self->import, "its input has no scale");
  return eng_tflite_output (self, op, 0, eng_tflite_real (self, x));
}

static gboolean
emit_quantize (EngTflite *self, const EngTfliteOp *op)
{
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);
  RtValueId x = eng_tflite_input (self, op, 0);

  if (x == RT_NONE || !y)
    return FALSE;
  if (!eng_tflite_is_quantized (y))
    return eng_import_refuse (self->import, "its output has no scale");
  if (eng_import_value (self->import, x)->quant)
    {
      const EngTfliteTensor *from = eng_tflite_input_tensor (self, op, 0);
      RtQuantizeAttrs attrs = { .type = (uint32_t)eng_tflite_rt_type (y->type),
                                .coarse = from->type == y->type && y->type != ENG_TFLITE_I16 };
      return eng_tflite_output (self, op, 0,
                                eng_import_node1 (self->import, &rt_op_requantize, &attrs, &x, 1));
    }
  return eng_tflite_output (self, op, 0, eng_tflite_quantized (self, x, y));
}

/* The constant behind it was unpacked when it was read. */
static gboolean
emit_densify (EngTflite *self, const EngTfliteOp *op)
{
  return eng_tflite_output (self, op, 0, eng_tflite_half_input (self, op, 0));
}

/* ---- Constants from shapes ---- */

static gboolean
emit_shape (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId x = eng_tflite_half_input (self, op, 0);
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);

  if (x == RT_NONE || !y)
    return FALSE;
  const RtShape shape = *shape_of (self, x);
  gint64 rank = shape.n_dims;
  int type = y->type == ENG_TFLITE_I64 ? RT_TYPE_I64 : RT_TYPE_I32;
  return eng_tflite_output (self, op, 0,
                            op->code == 77 ? make_ints (self, type, shape.dims, shape.n_dims, 1)
                                           : make_ints (self, type, &rank, 1, 0));
}

static gboolean
emit_zeros_like (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId x = eng_tflite_input (self, op, 0);

  if (x == RT_NONE)
    return FALSE;
  const RtValue *value = eng_import_value (self->import, x);
  gsize n = rt_shape_n (&value->shape) * rt_type_bytes (value->type);
  g_autofree guint8 *zeros = g_try_malloc0 (MAX (n, 1));
  if (!zeros)
    return eng_import_refuse (self->import, "no memory for its output");
  return eng_tflite_output (self, op, 0,
                            eng_import_constant (self->import, NULL, value->type, &value->shape,
                                                 zeros, n, TRUE));
}

/* Inputs: sizes, value. */
static gboolean
emit_fill (EngTflite *self, const EngTfliteOp *op)
{
  gsize n;
  g_autofree gint64 *sizes = eng_tflite_dup_ints (self, op, 0, &n);
  RtValueId value = eng_tflite_input (self, op, 1);
  RtShapeAttrs attrs = { 0 };

  if (!sizes || value == RT_NONE)
    return FALSE;
  if (n > RT_MAX_DIMS)
    return eng_import_refuse (self->import, "it makes %zu dimensions", n);
  attrs.shape.n_dims = (uint32_t)n;
  for (gsize i = 0; i < n; i++)
    attrs.shape.dims[i] = MAX (sizes[i], 0);
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_expand, &attrs, &value, 1));
}

/* Inputs: start, limit, delta. */
static gboolean
emit_range (EngTflite *self, const EngTfliteOp *op)
{
  RtRangeAttrs attrs = { .type = RT_TYPE_I32 };
  double numbers[3];

  for (guint i = 0; i < 3; i++)
    {
      RtValueId value = eng_tflite_input (self, op, i);
      gsize n = 0;
      if (value == RT_NONE)
        return FALSE;
      attrs.type = eng_import_value (self->import, value)->type;
      g_autofree float *real = eng_import_dup_floats (self->import, value, &n);
      g_autofree gint64 *whole = eng_import_dup_ints (self->import, value, &n);
      if (n != 1 || (!real && !whole))
        return eng_import_refuse (self->import, "its limits are not constant");
      numbers[i] = whole ? (double)whole[0] : (double)real[0];
    }
  double n = numbers[2] != 0 ? (numbers[1] - numbers[0]) / numbers[2] : -1;
  if (!(n >= 0 && n < 1e9))
    return eng_import_refuse (self->import, "its limits make no range");
  attrs.n = (gint64)n + ((double)(gint64)n < n);
  attrs.start_f = numbers[0];
  attrs.delta_f = numbers[2];
  attrs.start = (gint64)numbers[0];
  attrs.delta = (gint64)numbers[2];
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_range, &attrs, NULL, 0));
}

const EngTfliteRow eng_tflite_rows_move[] = {
  { 2, emit_concatenation, NULL },      /* CONCATENATION */
  { 5, emit_block, NULL },              /* DEPTH_TO_SPACE */
  { 6, emit_dequantize, NULL },         /* DEQUANTIZE */
  { 7, emit_embedding_lookup, NULL },   /* EMBEDDING_LOOKUP */
  { 22, emit_reshape, NULL },           /* RESHAPE */
  { 23, emit_resize, NULL },            /* RESIZE_BILINEAR */
  { 26, emit_block, NULL },             /* SPACE_TO_DEPTH */
  { 34, emit_pad, NULL },               /* PAD */
  { 36, emit_gather, NULL },            /* GATHER */
  { 37, emit_batch_to_space, NULL },    /* BATCH_TO_SPACE_ND */
  { 38, emit_space_to_batch, NULL },    /* SPACE_TO_BATCH_ND */
  { 39, emit_transpose, NULL },         /* TRANSPOSE */
  { 43, emit_squeeze, NULL },           /* SQUEEZE */
  { 45, emit_strided_slice, NULL },     /* STRIDED_SLICE */
  { 48, emit_top_k, NULL },             /* TOPK_V2 */
  { 49, emit_split, NULL },             /* SPLIT */
  { 53, emit_cast, NULL },              /* CAST */
  { 56, emit_arg, NULL },               /* ARG_MAX */
  { 60, emit_pad, NULL },               /* PADV2 */
  { 64, emit_select, NULL },            /* SELECT */
  { 65, emit_slice, NULL },             /* SLICE */
  { 69, emit_tile, NULL },              /* TILE */
  { 70, emit_expand_dims, NULL },       /* EXPAND_DIMS */
  { 77, emit_shape, NULL },             /* SHAPE */
  { 79, emit_arg, NULL },               /* ARG_MIN */
  { 83, emit_pack, NULL },              /* PACK */
  { 85, emit_one_hot, NULL },           /* ONE_HOT */
  { 88, emit_unpack, NULL },            /* UNPACK */
  { 93, emit_zeros_like, NULL },        /* ZEROS_LIKE */
  { 94, emit_fill, NULL },              /* FILL */
  { 96, emit_range, NULL },             /* RANGE */
  { 97, emit_resize, NULL },            /* RESIZE_NEAREST_NEIGHBOR */
  { 100, emit_mirror_pad, NULL },       /* MIRROR_PAD */
  { 102, emit_split_v, NULL },          /* SPLIT_V */
  { 105, emit_reverse, NULL },          /* REVERSE_V2 */
  { 107, emit_gather_nd, NULL },        /* GATHER_ND */
  { 109, emit_where, NULL },            /* WHERE */
  { 110, emit_shape, NULL },            /* RANK */
  { 112, emit_reverse_sequence, NULL }, /* REVERSE_SEQUENCE */
  { 114, emit_quantize, NULL },         /* QUANTIZE */
  { 122, emit_scatter_nd, NULL },       /* SCATTER_ND */
  { 123, emit_select, NULL },           /* SELECT_V2 */
  { 124, emit_densify, NULL },          /* DENSIFY */
  { 130, emit_broadcast_to, NULL },     /* BROADCAST_TO */
  { 0, NULL, NULL },
};
