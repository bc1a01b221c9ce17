/* ONNX operators that give the same elements another shape, order or place. Emit functions of the
 * table in eng-onnx-list.c. */
#include "eng-onnx-ops.h"

#include "ops/rt-ops-move.h"

#include <string.h>

/* ---- shapes ---- */

gboolean
eng_onnx_emit_reshape (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  RtShape wanted = { 0 };
  gint64 dims[RT_MAX_DIMS];
  guint n = node->n_inputs > 1 ? eng_onnx_const_ints (node, 1, dims, RT_MAX_DIMS)
                               : eng_onnx_ints (node, "shape", dims, RT_MAX_DIMS);
  gboolean zero_is_zero = eng_onnx_int (node, "allowzero", 0) != 0;
  int open = -1;

  if (!eng_onnx_ok (node))
    return FALSE;
  const RtShape *shape = eng_onnx_shape (node, x);
  guint64 n_x = rt_shape_n (shape), n_known = 1;
  wanted.n_dims = n;
  for (guint i = 0; i < n; i++)
    {
      wanted.dims[i] = dims[i];
      if (dims[i] == 0 && !zero_is_zero)
        {
          if (i >= shape->n_dims)
            return eng_onnx_refuse (node, "shape has 0 (keep) for dimension %u, the input has %u",
                                    i, shape->n_dims);
          wanted.dims[i] = shape->dims[i];
        }
      if (dims[i] == -1 && open < 0)
        open = (int)i;
      else if (wanted.dims[i] < 0)
        return eng_onnx_refuse (node, "dimension %u of the shape is %" G_GINT64_FORMAT, i, dims[i]);
      else if (wanted.dims[i] > 0 && n_known > (guint64)G_MAXINT64 / (guint64)wanted.dims[i])
        return eng_onnx_refuse (node, "the shape is too large");
      else
        n_known *= (guint64)wanted.dims[i];
    }
  if (open >= 0)
    wanted.dims[open] = n_known > 0 ? (gint64)(n_x / n_known) : 0;
  return eng_onnx_out (node, 0, eng_onnx_reshape (node, x, &wanted));
}

RtValueId
eng_onnx_reshape (EngOnnxNode *node, RtValueId x, const RtShape *shape)
{
  if (!eng_onnx_ok (node))
    return RT_NONE;
  const RtShape *old = eng_onnx_shape (node, x);
  if (old->n_dims == shape->n_dims
      && memcmp (old->dims, shape->dims, shape->n_dims * sizeof *shape->dims) == 0)
    return x;
  return ENG_ONNX_ADD (node, &rt_op_reshape, &(RtShapeAttrs){ *shape }, x);
}

gboolean
eng_onnx_emit_flatten (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  const RtShape *shape = eng_onnx_shape (node, x);
  gint64 axis = eng_onnx_int (node, "axis", 1);
  RtShape flat = { 2, { 1, 1 } };

  if (axis < -(gint64)shape->n_dims || axis > (gint64)shape->n_dims)
    return eng_onnx_refuse (node, "attribute 'axis' is %" G_GINT64_FORMAT " of %u dimensions", axis,
                            shape->n_dims);
  if (axis < 0)
    axis += shape->n_dims;
  for (guint i = 0; i < shape->n_dims; i++)
    flat.dims[i < axis ? 0 : 1] *= shape->dims[i];
  return eng_onnx_out (node, 0, eng_onnx_reshape (node, x, &flat));
}

/* Axes are an attribute up to opset 12, an input from 13. TRUE in @marked for those named. */
static gboolean
read_axes (EngOnnxNode *node, guint rank, gboolean *marked, guint *n_axes)
{
  gint64 axes[RT_MAX_DIMS];
  guint n = eng_onnx_in (node, 1) != RT_NONE ? eng_onnx_const_ints (node, 1, axes, RT_MAX_DIMS)
                                             : eng_onnx_ints (node, "axes", axes, RT_MAX_DIMS);

  *n_axes = n;
  if (rank + (guint)0 > RT_MAX_DIMS)
    return eng_onnx_refuse (node, "more than %d dimensions", RT_MAX_DIMS);
  memset (marked, 0, RT_MAX_DIMS * sizeof *marked);
  for (guint i = 0; i < n && eng_onnx_ok (node); i++)
    {
      guint axis = eng_onnx_axis (node, axes[i], rank);
      if (eng_onnx_ok (node) && marked[axis])
        eng_onnx_refuse (node, "axis %u is named twice", axis);
      else if (eng_onnx_ok (node))
        marked[axis] = TRUE;
    }
  return eng_onnx_ok (node);
}

gboolean
eng_onnx_emit_squeeze (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  const RtShape *shape = eng_onnx_shape (node, x);
  gboolean gone[RT_MAX_DIMS];
  RtShape out = { 0 };
  guint n_axes;

  if (!read_axes (node, shape->n_dims, gone, &n_axes))
    return FALSE;
  for (guint i = 0; i < shape->n_dims; i++)
    {
      gboolean drop = n_axes > 0 ? gone[i] : shape->dims[i] == 1;
      if (drop && shape->dims[i] != 1)
        return eng_onnx_refuse (node, "dimension %u is %" G_GINT64_FORMAT ", expected 1", i,
                                shape->dims[i]);
      if (!drop)
        out.dims[out.n_dims++] = shape->dims[i];
    }
  return eng_onnx_out (node, 0, eng_onnx_reshape (node, x, &out));
}

gboolean
eng_onnx_emit_unsqueeze (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  const RtShape *shape = eng_onnx_shape (node, x);
  gint64 axes[RT_MAX_DIMS];
  guint n = eng_onnx_in (node, 1) != RT_NONE ? eng_onnx_const_ints (node, 1, axes, RT_MAX_DIMS)
                                             : eng_onnx_ints (node, "axes", axes, RT_MAX_DIMS);
  RtShape out = { .n_dims = shape->n_dims + n };
  gboolean is_new[RT_MAX_DIMS];
  guint n_axes;

  if (out.n_dims > RT_MAX_DIMS)
    return eng_onnx_refuse (node, "%u dimensions; at most %d are supported", out.n_dims,
                            RT_MAX_DIMS);
  if (!eng_onnx_ok (node) || !read_axes (node, out.n_dims, is_new, &n_axes))
    return FALSE;
  for (guint i = 0, from = 0; i < out.n_dims; i++)
    out.dims[i] = is_new[i] ? 1 : shape->dims[from++];
  return eng_onnx_out (node, 0, eng_onnx_reshape (node, x, &out));
}

gboolean
eng_onnx_emit_transpose (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  guint rank = eng_onnx_shape (node, x)->n_dims;
  gint64 perm[RT_MAX_DIMS];
  guint n = eng_onnx_ints (node, "perm", perm, RT_MAX_DIMS);
  RtTransposeAttrs attrs = { 0 };

  if (!eng_onnx_ok (node))
    return FALSE;
  if (n != 0 && n != rank)
    return eng_onnx_refuse (node, "attribute 'perm' has %u numbers, the input %u dimensions", n,
                            rank);
  for (guint i = 0; i < rank; i++)
    {
      if (n > 0 && (perm[i] < 0 || perm[i] >= rank))
        return eng_onnx_refuse (node, "attribute 'perm' names dimension %" G_GINT64_FORMAT " of %u",
                                perm[i], rank);
      attrs.perm[i] = n > 0 ? (guint)perm[i] : rank - 1 - i;
    }
  return eng_onnx_out (node, 0, ENG_ONNX_ADD (node, &rt_op_transpose, &attrs, x));
}

/* ---- joining and cutting ---- */

gboolean
eng_onnx_emit_concat (EngOnnxNode *node)
{
  guint rank = eng_onnx_shape (node, eng_onnx_in (node, 0))->n_dims;
  RtAxisAttrs attrs = { (gint32)eng_onnx_axis (node, eng_onnx_int (node, "axis", 1), rank) };

  return eng_onnx_out (node, 0,
                       eng_onnx_add (node, &rt_op_concat, &attrs, node->inputs, node->n_inputs));
}

RtValueId
eng_onnx_cut (EngOnnxNode *node, RtValueId x, guint axis, gint64 start, gint64 end)
{
  RtSliceAttrs attrs = {
    .n_axes = 1, .axes = { (gint32)axis }, .starts = { start }, .ends = { end }, .steps = { 1 }
  };

  return ENG_ONNX_ADD (node, &rt_op_slice, &attrs, x);
}

gboolean
eng_onnx_emit_split (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  const RtShape shape = *eng_onnx_shape (node, x);
  guint axis = eng_onnx_axis (node, eng_onnx_int (node, "axis", 0), shape.n_dims);
  g_autofree gint64 *sizes = g_new0 (gint64, MAX (node->n_outputs, 1));
  guint n = eng_onnx_in (node, 1) != RT_NONE
                ? eng_onnx_const_ints (node, 1, sizes, node->n_outputs)
                : eng_onnx_ints (node, "split", sizes, node->n_outputs);
  gint64 at = 0;

  if (!eng_onnx_ok (node))
    return FALSE;
  if (n != 0 && n != node->n_outputs)
    return eng_onnx_refuse (node, "%u sizes for %u outputs", n, node->n_outputs);
  gint64 size = shape.dims[axis], each = (size + node->n_outputs - 1) / node->n_outputs;
  for (guint i = 0; i < node->n_outputs; i++)
    {
      gint64 part = n > 0 ? sizes[i] : MIN (each, size - at);
      if (part < 0 || part > size - at)
        return eng_onnx_refuse (node,
                                "the parts do not make up dimension %u (%" G_GINT64_FORMAT ")",
                                axis, size);
      eng_onnx_out (node, i, eng_onnx_cut (node, x, axis, at, at + part));
      at += part;
    }
  if (at != size)
    return eng_onnx_refuse (node,
                            "the parts take %" G_GINT64_FORMAT " of dimension %u (%" G_GINT64_FORMAT
                            ")",
                            at, axis, size);
  return eng_onnx_ok (node);
}

gboolean
eng_onnx_emit_slice (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  guint rank = eng_onnx_shape (node, x)->n_dims;
  gint64 starts[RT_MAX_DIMS], ends[RT_MAX_DIMS], axes[RT_MAX_DIMS], steps[RT_MAX_DIMS];
  gboolean by_input = node->opset >= 10;
  guint n = by_input ? eng_onnx_const_ints (node, 1, starts, RT_MAX_DIMS)
                     : eng_onnx_ints (node, "starts", starts, RT_MAX_DIMS);
  guint n_ends = by_input ? eng_onnx_const_ints (node, 2, ends, RT_MAX_DIMS)
                          : eng_onnx_ints (node, "ends", ends, RT_MAX_DIMS);
  guint n_axes = 0, n_steps = 0;

  if (!by_input)
    n_axes = eng_onnx_ints (node, "axes", axes, RT_MAX_DIMS);
  else if (eng_onnx_in (node, 3) != RT_NONE)
    n_axes = eng_onnx_const_ints (node, 3, axes, RT_MAX_DIMS);
  if (by_input && eng_onnx_in (node, 4) != RT_NONE)
    n_steps = eng_onnx_const_ints (node, 4, steps, RT_MAX_DIMS);
  if (!eng_onnx_ok (node))
    return FALSE;
  if (n_ends != n || (n_axes != 0 && n_axes != n) || (n_steps != 0 && n_steps != n) || n > rank)
    return eng_onnx_refuse (node, "%u starts, %u ends, %u axes, %u steps for %u dimensions", n,
                            n_ends, n_axes, n_steps, rank);

  RtSliceAttrs attrs = { .n_axes = n };
  for (guint i = 0; i < n; i++)
    {
      attrs.axes[i] = (gint32)eng_onnx_axis (node, n_axes > 0 ? axes[i] : i, rank);
      attrs.starts[i] = starts[i];
      attrs.ends[i] = ends[i];
      attrs.steps[i] = n_steps > 0 ? steps[i] : 1;
    }
  return eng_onnx_out (node, 0, ENG_ONNX_ADD (node, &rt_op_slice, &attrs, x));
}

/* ---- larger ---- */

gboolean
eng_onnx_emit_pad (EngOnnxNode *node)
{
  static const char *const names[] = { "constant", "reflect", "edge", "wrap" };
  static const RtPadMode modes[] = { RT_PAD_CONSTANT, RT_PAD_REFLECT, RT_PAD_EDGE, RT_PAD_WRAP };
  RtValueId x = eng_onnx_in (node, 0), value = RT_NONE;
  guint rank = eng_onnx_shape (node, x)->n_dims, n_axes = 0;
  gint64 pads[2 * RT_MAX_DIMS], axes[RT_MAX_DIMS];
  gboolean by_input = node->opset >= 11;
  guint n = by_input ? eng_onnx_const_ints (node, 1, pads, 2 * RT_MAX_DIMS)
                     : eng_onnx_ints (node, "pads", pads, 2 * RT_MAX_DIMS);
  const char *mode = eng_onnx_string (node, "mode", "constant");
  RtPadAttrs attrs = { .mode = G_MAXUINT32 };

  if (by_input && eng_onnx_in (node, 3) != RT_NONE)
    n_axes = eng_onnx_const_ints (node, 3, axes, RT_MAX_DIMS);
  if (!eng_onnx_ok (node))
    return FALSE;
  if (n != 2 * (n_axes > 0 ? n_axes : rank))
    return eng_onnx_refuse (node, "%u amounts of padding for %u dimensions", n, rank);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (strcmp (mode, names[i]) == 0)
      attrs.mode = modes[i];
  if (attrs.mode == G_MAXUINT32)
    return eng_onnx_refuse (node, "attribute 'mode' is '%s'", mode);
  for (guint i = 0; i < n / 2; i++)
    {
      guint axis = eng_onnx_axis (node, n_axes > 0 ? axes[i] : i, rank);
      if (!eng_onnx_ok (node))
        return FALSE;
      attrs.before[axis] = pads[i];
      attrs.after[axis] = pads[n / 2 + i];
    }
  if (by_input)
    value = eng_onnx_in (node, 2);
  else
    attrs.value = eng_onnx_float (node, "value", 0);
  return eng_onnx_out (node, 0, ENG_ONNX_ADD (node, &rt_op_pad, &attrs, x, value));
}

gboolean
eng_onnx_emit_expand (EngOnnxNode *node)
{
  RtShapeAttrs attrs = { 0 };

  attrs.shape.n_dims = eng_onnx_const_ints (node, 1, attrs.shape.dims, RT_MAX_DIMS);
  return eng_onnx_out (node, 0, ENG_ONNX_ADD (node, &rt_op_expand, &attrs, eng_onnx_in (node, 0)));
}

gboolean
eng_onnx_emit_tile (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  guint rank = eng_onnx_shape (node, x)->n_dims;
  RtTileAttrs attrs = { 0 };
  guint n = eng_onnx_const_ints (node, 1, attrs.repeats, RT_MAX_DIMS);

  if (eng_onnx_ok (node) && n != rank)
    return eng_onnx_refuse (node, "%u repeats for %u dimensions", n, rank);
  return eng_onnx_out (node, 0, ENG_ONNX_ADD (node, &rt_op_tile, &attrs, x));
}

/* ---- order ---- */

gboolean
eng_onnx_emit_reverse_sequence (EngOnnxNode *node)
{
  RtReverseSequenceAttrs attrs = { .batch_axis = (gint32)eng_onnx_int (node, "batch_axis", 1),
                                   .time_axis = (gint32)eng_onnx_int (node, "time_axis", 0) };

  return eng_onnx_out (node, 0,
                       ENG_ONNX_ADD (node, &rt_op_reverse_sequence, &attrs, eng_onnx_in (node, 0),
                                     eng_onnx_in (node, 1)));
}

/* data: 1 for DepthToSpace. */
gboolean
eng_onnx_emit_blocks (EngOnnxNode *node)
{
  gint64 block = eng_onnx_int (node, "blocksize", 0);
  const char *mode = eng_onnx_string (node, "mode", "DCR");
  RtBlockAttrs attrs = { .channels_first = 1, .crd = strcmp (mode, "CRD") == 0 };

  if (block < 1 || block > G_MAXINT16)
    return eng_onnx_refuse (node, "attribute 'blocksize' is %" G_GINT64_FORMAT, block);
  if (!attrs.crd && strcmp (mode, "DCR") != 0)
    return eng_onnx_refuse (node, "attribute 'mode' is '%s'", mode);
  attrs.block = (guint32)block;
  return eng_onnx_out (node, 0,
                       ENG_ONNX_ADD (node,
                                     node->op->data ? &rt_op_depth_to_space : &rt_op_space_to_depth,
                                     &attrs, eng_onnx_in (node, 0)));
}

gboolean
eng_onnx_emit_trilu (EngOnnxNode *node)
{
  RtTriluAttrs attrs = { .upper = eng_onnx_int (node, "upper", 1) != 0,
                         .k = (gint64)eng_onnx_const_number (node, 1, 0) };

  return eng_onnx_out (node, 0, ENG_ONNX_ADD (node, &rt_op_trilu, &attrs, eng_onnx_in (node, 0)));
}
