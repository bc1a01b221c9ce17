/* TFLite operators that give the same elements another shape or order, take parts of a tensor and
 * put parts together. */
#include "eng-tflite-move.h"

#include <string.h>

#include "ops/rt-ops-int8.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops-move.h"

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
  RtValueId x = eng_tflite_moved_input (self, op, 0, 0);
  RtShape shape;

  if (x == RT_NONE || !wanted_shape (self, op, rt_shape_n (eng_tflite_shape_of (self, x)), &shape))
    return FALSE;
  return eng_tflite_output (self, op, 0, eng_tflite_reshape (self, x, &shape));
}

static gboolean
emit_squeeze (EngTflite *self, const EngTfliteOp *op)
{
  EngFlat *flat = &self->file->flat;
  EngFlatVector axes = eng_flat_vector (flat, op->options, 0, 4);
  RtValueId x = eng_tflite_moved_input (self, op, 0, 0);
  RtShape shape = { 0 };
  guint gone = 0, axis = 0;

  if (x == RT_NONE)
    return FALSE;
  const RtShape *old = eng_tflite_shape_of (self, x);
  for (guint32 i = 0; i < axes.n_items; i++)
    {
      if (!eng_tflite_get_axis (self, eng_flat_vector_i32 (flat, axes, i), old->n_dims, &axis))
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
  RtShape shape = *eng_tflite_shape_of (self, x);

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
  RtShape shape = *eng_tflite_shape_of (self, x);
  memmove (shape.dims + axis, shape.dims + axis + 1,
           (shape.n_dims - axis - 1) * sizeof *shape.dims);
  shape.n_dims--;
  return eng_tflite_reshape (self, x, &shape);
}

static gboolean
emit_expand_dims (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId x = eng_tflite_moved_input (self, op, 0, 0);
  gsize n;
  g_autofree gint64 *axes = eng_tflite_dup_ints (self, op, 1, &n);
  guint axis = 0;

  if (x == RT_NONE || !axes)
    return FALSE;
  if (n != 1)
    return eng_import_refuse (self->import, "it names %zu axes", n);
  if (!eng_tflite_get_axis (self, axes[0], eng_tflite_shape_of (self, x)->n_dims + 1, &axis))
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
      if (!eng_tflite_get_axis (self, perm[i], (guint)n, &axis))
        return FALSE;
      attrs.perm[i] = axis;
    }
  return eng_tflite_add_move (self, op, &rt_op_transpose, &attrs);
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
      inputs[i] = eng_tflite_moved_input (self, op, i, 0);
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
      RtValueId x = eng_tflite_moved_input (self, op, i, 0);
      if (x == RT_NONE
          || !eng_tflite_get_axis (self, eng_tflite_i32 (self, op, 1, 0),
                                   eng_tflite_shape_of (self, x)->n_dims + 1, &axis))
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
      || !eng_tflite_get_axis (self, eng_tflite_i32 (self, op, 1, 0),
                               eng_tflite_shape_of (self, x)->n_dims, &axis))
    return FALSE;
  if (eng_tflite_shape_of (self, x)->dims[axis] != (gint64)op->n_outputs)
    return eng_import_refuse (self->import, "%" G_GINT64_FORMAT " parts do not go to %u outputs",
                              eng_tflite_shape_of (self, x)->dims[axis], op->n_outputs);
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
      || !eng_tflite_get_axis (self, axes[0], eng_tflite_shape_of (self, x)->n_dims, &axis))
    return FALSE;
  gint64 size = eng_tflite_shape_of (self, x)->dims[axis];
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
      || !eng_tflite_get_axis (self, axes[0], eng_tflite_shape_of (self, x)->n_dims, &axis))
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
    *open = eng_tflite_shape_of (self, x)->dims[axis] - known;
  if (open ? *open < 0 : known != eng_tflite_shape_of (self, x)->dims[axis])
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
  const RtShape *shape = eng_tflite_shape_of (self, x);
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
  return eng_tflite_add_move (self, op, &rt_op_slice, &attrs);
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
  RtValueId x = eng_tflite_moved_input (self, op, 0, 0);
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
  if (!read_strided (self, &spec, eng_tflite_shape_of (self, x), &attrs, kept, &n_kept))
    return FALSE;
  RtValueId made
      = attrs.n_axes > 0 ? eng_import_node1 (self->import, &rt_op_slice, &attrs, &x, 1) : x;
  if (!keep_quant (self, made, x))
    return FALSE;
  shape.n_dims = n_kept;
  for (guint i = 0; i < n_kept; i++)
    shape.dims[i] = kept[i] == NEW_AXIS ? 1 : eng_tflite_shape_of (self, made)->dims[kept[i]];
  return eng_tflite_output (self, op, 0, eng_tflite_reshape (self, made, &shape));
}

const EngTfliteRow eng_tflite_rows_shape[] = {
  { 2, emit_concatenation, NULL },  /* CONCATENATION */
  { 22, emit_reshape, NULL },       /* RESHAPE */
  { 39, emit_transpose, NULL },     /* TRANSPOSE */
  { 43, emit_squeeze, NULL },       /* SQUEEZE */
  { 45, emit_strided_slice, NULL }, /* STRIDED_SLICE */
  { 49, emit_split, NULL },         /* SPLIT */
  { 65, emit_slice, NULL },         /* SLICE */
  { 70, emit_expand_dims, NULL },   /* EXPAND_DIMS */
  { 83, emit_pack, NULL },          /* PACK */
  { 88, emit_unpack, NULL },        /* UNPACK */
  { 102, emit_split_v, NULL },      /* SPLIT_V */
  { 0, NULL, NULL },
};
