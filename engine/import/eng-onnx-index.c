/* ONNX operators that index, select, count and make numbers. Emit functions of the table in
 * eng-onnx-list.c. */
#include "eng-onnx-ops.h"

#include "ops/rt-ops-move.h"

#include <math.h>
#include <string.h>

gboolean
eng_onnx_emit_gather (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  guint rank = eng_onnx_shape (node, x)->n_dims;
  RtGatherAttrs attrs
      = { .axis = (gint32)eng_onnx_axis (node, eng_onnx_int (node, "axis", 0), rank) };

  return eng_onnx_out (node, 0,
                       ENG_ONNX_ADD (node, &rt_op_gather, &attrs, x, eng_onnx_in (node, 1)));
}

gboolean
eng_onnx_emit_gather_elements (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  guint rank = eng_onnx_shape (node, x)->n_dims;
  RtAxisAttrs attrs = { (gint32)eng_onnx_axis (node, eng_onnx_int (node, "axis", 0), rank) };

  return eng_onnx_out (node, 0,
                       ENG_ONNX_ADD (node, &rt_op_gather_elements, &attrs, x,
                                     eng_onnx_in (node, 1)));
}

gboolean
eng_onnx_emit_gather_nd (EngOnnxNode *node)
{
  RtGatherNdAttrs attrs = { (guint32)eng_onnx_int (node, "batch_dims", 0) };

  return eng_onnx_out (node, 0,
                       ENG_ONNX_ADD (node, &rt_op_gather_nd, &attrs, eng_onnx_in (node, 0),
                                     eng_onnx_in (node, 1)));
}

/* data: 1 for ScatterND. */
gboolean
eng_onnx_emit_scatter (EngOnnxNode *node)
{
  static const char *const names[] = { "none", "add", "mul", "min", "max" };
  static const RtScatterMode modes[]
      = { RT_SCATTER_SET, RT_SCATTER_ADD, RT_SCATTER_MUL, RT_SCATTER_MIN, RT_SCATTER_MAX };
  RtValueId x = eng_onnx_in (node, 0);
  guint rank = eng_onnx_shape (node, x)->n_dims;
  const char *reduction = eng_onnx_string (node, "reduction", "none");
  RtScatterAttrs attrs = { .mode = G_MAXUINT32 };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (strcmp (reduction, names[i]) == 0)
      attrs.mode = modes[i];
  if (attrs.mode == G_MAXUINT32)
    return eng_onnx_refuse (node, "attribute 'reduction' is '%s'", reduction);
  if (!node->op->data)
    attrs.axis = (gint32)eng_onnx_axis (node, eng_onnx_int (node, "axis", 0), rank);
  return eng_onnx_out (node, 0,
                       ENG_ONNX_ADD (node,
                                     node->op->data ? &rt_op_scatter_nd : &rt_op_scatter_elements,
                                     &attrs, x, eng_onnx_in (node, 1), eng_onnx_in (node, 2)));
}

gboolean
eng_onnx_emit_where (EngOnnxNode *node)
{
  return eng_onnx_out (node, 0,
                       ENG_ONNX_ADD (node, &rt_op_where, NULL, eng_onnx_in (node, 0),
                                     eng_onnx_in (node, 1), eng_onnx_in (node, 2)));
}

/* ---- types ---- */

RtValueId
eng_onnx_cast (EngOnnxNode *node, RtValueId x, int type)
{
  if (!eng_onnx_ok (node) || eng_onnx_value (node, x)->type == type)
    return x;
  return ENG_ONNX_ADD (node, &rt_op_cast, &(RtTypeAttrs){ type }, x);
}

/* An ONNX element type from attribute @name; -1 after refusing. */
static int
read_type (EngOnnxNode *node, const char *name, int otherwise)
{
  gint64 onnx = eng_onnx_int (node, name, -1);
  int type = onnx < 0 ? otherwise : onnx > 100 ? -1 : eng_onnx_type ((gint32)onnx);

  if (type < 0)
    eng_onnx_refuse (node, "elements of %s (attribute '%s') are not supported",
                     eng_onnx_type_name ((gint32)CLAMP (onnx, -1, 1000)), name);
  return type;
}

gboolean
eng_onnx_emit_cast (EngOnnxNode *node)
{
  int type = read_type (node, "to", -1);

  return eng_onnx_ok (node)
         && eng_onnx_out (node, 0, eng_onnx_cast (node, eng_onnx_in (node, 0), type));
}

gboolean
eng_onnx_emit_cast_like (EngOnnxNode *node)
{
  int type = eng_onnx_value (node, eng_onnx_in (node, 1))->type;

  return eng_onnx_out (node, 0, eng_onnx_cast (node, eng_onnx_in (node, 0), type));
}

/* ---- numbers from shapes and constants ---- */

gboolean
eng_onnx_emit_shape (EngOnnxNode *node)
{
  const RtShape *shape = eng_onnx_shape (node, eng_onnx_in (node, 0));
  gint64 rank = shape->n_dims;
  gint64 start = eng_onnx_int (node, "start", 0), end = eng_onnx_int (node, "end", rank);

  start = CLAMP (start < 0 ? start + rank : start, 0, rank);
  end = CLAMP (end < 0 ? end + rank : end, start, rank);
  return eng_onnx_out (node, 0,
                       eng_onnx_constant_ints (node, shape->dims + start, (guint)(end - start)));
}

gboolean
eng_onnx_emit_size (EngOnnxNode *node)
{
  return eng_onnx_out (node, 0,
                       eng_onnx_scalar (node, RT_TYPE_I64,
                                        (double)rt_shape_n (
                                            eng_onnx_shape (node, eng_onnx_in (node, 0)))));
}

gboolean
eng_onnx_emit_one_hot (EngOnnxNode *node)
{
  RtValueId indices = eng_onnx_in (node, 0);
  guint rank = eng_onnx_shape (node, indices)->n_dims + 1;
  RtOneHotAttrs attrs
      = { .axis = (gint32)eng_onnx_axis (node, eng_onnx_int (node, "axis", -1), rank),
          .depth = (gint64)eng_onnx_const_number (node, 1, 0) };

  return eng_onnx_out (node, 0,
                       ENG_ONNX_ADD (node, &rt_op_one_hot, &attrs, indices, eng_onnx_in (node, 2)));
}

gboolean
eng_onnx_emit_range (EngOnnxNode *node)
{
  double start = eng_onnx_const_number (node, 0, 0), limit = eng_onnx_const_number (node, 1, 0);
  double delta = eng_onnx_const_number (node, 2, 1);

  if (!eng_onnx_ok (node))
    return FALSE;
  double n = ceil ((limit - start) / delta);
  if (delta == 0 || isnan (n) || n > 1 << 28)
    return eng_onnx_refuse (node, "from %g to %g in steps of %g", start, limit, delta);
  RtRangeAttrs attrs = { .type = eng_onnx_value (node, eng_onnx_in (node, 0))->type,
                         .n = (gint64)MAX (n, 0),
                         .start = (gint64)start,
                         .delta = (gint64)delta,
                         .start_f = start,
                         .delta_f = delta };
  return eng_onnx_out (node, 0, eng_onnx_add (node, &rt_op_range, &attrs, NULL, 0));
}

gboolean
eng_onnx_emit_eye_like (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  RtEyeAttrs attrs = { .type = read_type (node, "dtype", eng_onnx_value (node, x)->type),
                       .k = eng_onnx_int (node, "k", 0) };

  return eng_onnx_out (node, 0, ENG_ONNX_ADD (node, &rt_op_eye_like, &attrs, x));
}

/* ---- the largest ---- */

/* data: 1 for ArgMin. */
gboolean
eng_onnx_emit_arg (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  guint rank = eng_onnx_shape (node, x)->n_dims;
  RtArgAttrs attrs = { .axis = (gint32)eng_onnx_axis (node, eng_onnx_int (node, "axis", 0), rank),
                       .keep_dims = eng_onnx_int (node, "keepdims", 1) != 0,
                       .select_last = eng_onnx_int (node, "select_last_index", 0) != 0,
                       .type = RT_TYPE_I64 };

  return eng_onnx_out (node, 0,
                       ENG_ONNX_ADD (node, node->op->data ? &rt_op_arg_min : &rt_op_arg_max, &attrs,
                                     x));
}

gboolean
eng_onnx_emit_top_k (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0), outputs[RT_MAX_OUTPUTS];
  guint rank = eng_onnx_shape (node, x)->n_dims;
  gint64 k = node->opset >= 10 ? (gint64)eng_onnx_const_number (node, 1, 0)
                               : eng_onnx_int (node, "k", 0);
  RtTopKAttrs attrs = { .axis = (gint32)eng_onnx_axis (node, eng_onnx_int (node, "axis", -1), rank),
                        .k = k,
                        .smallest = eng_onnx_int (node, "largest", 1) == 0,
                        .type = RT_TYPE_I64 };

  if (!eng_onnx_add_all (node, &rt_op_top_k, &attrs, &x, 1, outputs))
    return FALSE;
  eng_onnx_out (node, 0, outputs[0]);
  return eng_onnx_out (node, 1, outputs[1]);
}

/* ---- outputs whose shape depends on the numbers ---- */

gboolean
eng_onnx_emit_non_zero (EngOnnxNode *node)
{
  EngOnnxTensor known;

  return eng_onnx_const (node, 0, &known)
         && eng_onnx_out (node, 0,
                          ENG_ONNX_ADD (node, &rt_op_non_zero, NULL, eng_onnx_in (node, 0)));
}

gboolean
eng_onnx_emit_compress (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  guint rank = eng_onnx_shape (node, x)->n_dims;
  RtSelectAttrs attrs = { .has_axis = eng_onnx_has (node, "axis") };
  EngOnnxTensor known;

  if (attrs.has_axis)
    attrs.axis = (gint32)eng_onnx_axis (node, eng_onnx_int (node, "axis", 0), rank);
  return eng_onnx_const (node, 1, &known)
         && eng_onnx_out (node, 0,
                          ENG_ONNX_ADD (node, &rt_op_compress, &attrs, x, eng_onnx_in (node, 1)));
}

gboolean
eng_onnx_emit_unique (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0), outputs[RT_MAX_OUTPUTS];
  guint rank = eng_onnx_shape (node, x)->n_dims;
  RtSelectAttrs attrs = { .has_axis = eng_onnx_has (node, "axis"),
                          .sorted = eng_onnx_int (node, "sorted", 1) != 0 };
  EngOnnxTensor known;

  if (attrs.has_axis)
    attrs.axis = (gint32)eng_onnx_axis (node, eng_onnx_int (node, "axis", 0), rank);
  if (!eng_onnx_const (node, 0, &known)
      || !eng_onnx_add_all (node, &rt_op_unique, &attrs, &x, 1, outputs))
    return FALSE;
  for (guint i = 0; i < node->n_outputs && i < 4; i++)
    eng_onnx_out (node, i, outputs[i]);
  return eng_onnx_ok (node);
}
