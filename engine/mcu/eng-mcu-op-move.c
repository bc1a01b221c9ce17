/* Operators that move elements and compute nothing: other shapes, concatenations, padding, slices,
 * transposes. */
#include "eng-mcu-private.h"

#include <string.h>

#include "ops/rt-ops-move.h"

static gsize
product (const RtShape *shape, guint from, guint to)
{
  gsize n = 1;

  for (guint i = from; i < to; i++)
    n *= (gsize)shape->dims[i];
  return n;
}

static guint
axis_of (gint32 axis, guint n_dims)
{
  return (guint)(axis < 0 ? axis + (gint32)n_dims : axis);
}

static char *
refuse_constant (const EngMcuNode *node)
{
  for (guint i = 0; i < node->node->n_inputs; i++)
    if (eng_mcu_input (node, i) != NULL && eng_mcu_is_constant (eng_mcu_input (node, i)))
      return g_strdup_printf ("it reads the constant %s", eng_mcu_input (node, i)->name);
  return NULL;
}

static char *
refuse_dims (const EngMcuNode *node)
{
  if (eng_mcu_input (node, 0)->shape.n_dims > MC_MAX_DIMS)
    return g_strdup_printf ("it has %u dimensions, the kernels know %d",
                            eng_mcu_input (node, 0)->shape.n_dims, MC_MAX_DIMS);
  return refuse_constant (node);
}

/* ---- another shape ---- */

static void
reshape_call (EngMcuSource *source, const EngMcuNode *node, const EngMcuCall *call)
{
  g_autofree char *x = eng_mcu_at (call->x_offset[0]), *y = eng_mcu_at (call->y_offset);

  if (call->x_offset[0] != call->y_offset)
    eng_mcu_source_line (source, "mc_copy (%d, %s, %s);",
                         (int)eng_mcu_value_bytes (eng_mcu_output (node)), x, y);
}

const EngMcuOp eng_mcu_op_reshape = {
  .op = &rt_op_reshape,
  .is_view = TRUE,
  .refuse = refuse_constant,
  .call = reshape_call,
};

/* ---- side by side ---- */

static void
concat_call (EngMcuSource *source, const EngMcuNode *node, const EngMcuCall *call)
{
  const RtAxisAttrs *attrs = node->node->attrs;
  const RtValue *y = eng_mcu_output (node);
  const guint axis = axis_of (attrs->axis, y->shape.n_dims);
  const gsize element = rt_type_bytes (y->type);
  const gsize y_step = product (&y->shape, axis, y->shape.n_dims) * element;
  guint64 to = call->y_offset;

  for (guint i = 0; i < node->node->n_inputs; i++)
    {
      const RtShape *x = &eng_mcu_input (node, i)->shape;
      const gsize n_bytes = product (x, axis, x->n_dims) * element;
      g_autofree char *from_text = eng_mcu_at (call->x_offset[i]), *to_text = eng_mcu_at (to);

      eng_mcu_source_line (source, "mc_copy_rows (%d, %d, %s, %d, %s, %d);",
                           (int)product (x, 0, axis), (int)n_bytes, from_text, (int)n_bytes,
                           to_text, (int)y_step);
      to += n_bytes;
    }
}

const EngMcuOp eng_mcu_op_concat = {
  .op = &rt_op_concat,
  .refuse = refuse_constant,
  .call = concat_call,
};

/* ---- padding ---- */

static char *
refuse_pad (const EngMcuNode *node)
{
  const RtPadAttrs *attrs = node->node->attrs;
  const RtValue *value = eng_mcu_input (node, 1);

  if (attrs->mode != RT_PAD_CONSTANT || (value != NULL && !eng_mcu_is_constant (value)))
    return g_strdup ("only padding with a constant is known");
  if (rt_type_bytes (eng_mcu_output (node)->type) != 1)
    return g_strdup_printf ("it pads %s, the kernel codes of 8 bits",
                            rt_type_name (eng_mcu_output (node)->type));
  if (eng_mcu_input (node, 0)->shape.n_dims > MC_MAX_DIMS
      || eng_mcu_is_constant (eng_mcu_input (node, 0)))
    return g_strdup ("it is of a constant or has too many dimensions");
  return NULL;
}

static char *
list_text (const gint64 *numbers, guint n)
{
  GString *text = g_string_new ("{ ");

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s%d", i > 0 ? ", " : "", (int)numbers[i]);
  g_string_append (text, " }");
  return g_string_free (text, FALSE);
}

static void
pad_call (EngMcuSource *source, const EngMcuNode *node, const EngMcuCall *call)
{
  const RtPadAttrs *attrs = node->node->attrs;
  const RtValue *x = eng_mcu_input (node, 0), *value = eng_mcu_input (node, 1);
  const guint8 code = value != NULL ? *(const guint8 *)value->data : (guint8)(gint)attrs->value;
  const gint8 fill = (gint8)(code ^ (x->type == RT_TYPE_U8 ? 0x80 : 0));
  const guint n_dims = x->shape.n_dims;
  g_autofree char *dims = list_text (x->shape.dims, n_dims);
  g_autofree char *before = list_text (attrs->before, n_dims);
  g_autofree char *after = list_text (attrs->after, n_dims);
  g_autofree char *text = g_strdup_printf ("  .n_dims = %u,\n"
                                           "  .dims = %s,\n"
                                           "  .before = %s,\n"
                                           "  .after = %s,\n"
                                           "  .value = %d,\n",
                                           n_dims, dims, before, after, fill);
  const char *name = eng_mcu_source_struct (source, "McPad", "pad", node->id, text);
  g_autofree char *from = eng_mcu_at (call->x_offset[0]), *to = eng_mcu_at (call->y_offset);

  eng_mcu_source_line (source, "mc_pad (&%s, %s, %s);", name, from, to);
}

const EngMcuOp eng_mcu_op_pad = {
  .op = &rt_op_pad,
  .refuse = refuse_pad,
  .call = pad_call,
};

/* ---- by steps ---- */

/* Bytes from one index to the next, for every dimension of a dense tensor. */
static void
strides_of (const RtValue *value, gint64 strides[RT_MAX_DIMS])
{
  gint64 step = (gint64)rt_type_bytes (value->type);

  for (guint d = value->shape.n_dims; d-- > 0; step *= value->shape.dims[d])
    strides[d] = step;
}

static void
gather_call (EngMcuSource *source, const EngMcuNode *node, const EngMcuCall *call,
             const gint64 *steps, gint64 first)
{
  const RtValue *y = eng_mcu_output (node);
  g_autofree char *dims = list_text (y->shape.dims, y->shape.n_dims);
  g_autofree char *step_text = list_text (steps, y->shape.n_dims);
  g_autofree char *text
      = g_strdup_printf ("  .n_dims = %u,\n"
                         "  .element_bytes = %d,\n"
                         "  .dims = %s,\n"
                         "  .steps = %s,\n",
                         y->shape.n_dims, (int)rt_type_bytes (y->type), dims, step_text);
  const char *name = eng_mcu_source_struct (source, "McGather", "gather", node->id, text);
  g_autofree char *from = eng_mcu_at (call->x_offset[0] + (guint64)first);
  g_autofree char *to = eng_mcu_at (call->y_offset);

  eng_mcu_source_line (source, "mc_gather (&%s, %s, %s);", name, from, to);
}

static void
transpose_call (EngMcuSource *source, const EngMcuNode *node, const EngMcuCall *call)
{
  const RtTransposeAttrs *attrs = node->node->attrs;
  gint64 strides[RT_MAX_DIMS], steps[RT_MAX_DIMS];

  strides_of (eng_mcu_input (node, 0), strides);
  for (guint i = 0; i < eng_mcu_output (node)->shape.n_dims; i++)
    steps[i] = strides[attrs->perm[i]];
  gather_call (source, node, call, steps, 0);
}

const EngMcuOp eng_mcu_op_transpose = {
  .op = &rt_op_transpose,
  .refuse = refuse_dims,
  .call = transpose_call,
};

/* Where a slice begins along a dimension of @n elements, as rt_op_slice has it. */
static gint64
slice_start (gint64 start, gint64 step, gint64 n)
{
  start += start < 0 && start >= -n ? n : 0;
  return CLAMP (start, 0, step > 0 ? n : n - 1);
}

static void
slice_call (EngMcuSource *source, const EngMcuNode *node, const EngMcuCall *call)
{
  const RtSliceAttrs *attrs = node->node->attrs;
  const RtShape *x = &eng_mcu_input (node, 0)->shape;
  gint64 strides[RT_MAX_DIMS], steps[RT_MAX_DIMS], first = 0;

  strides_of (eng_mcu_input (node, 0), strides);
  memcpy (steps, strides, sizeof steps);
  for (guint i = 0; i < attrs->n_axes; i++)
    {
      const guint d = axis_of (attrs->axes[i], x->n_dims);

      first += slice_start (attrs->starts[i], attrs->steps[i], x->dims[d]) * strides[d];
      steps[d] = strides[d] * attrs->steps[i];
    }
  gather_call (source, node, call, steps, first);
}

const EngMcuOp eng_mcu_op_slice = {
  .op = &rt_op_slice,
  .refuse = refuse_dims,
  .call = slice_call,
};
