/* ONNX's quantized operators: real = scale * (q - zero point), scales and zero points as inputs
 * that must be constants. Here they become the quantization of the values. Emit functions of the
 * table in eng-onnx-list.c. */
#include "eng-onnx-quant.h"

#include "eng-onnx-importer.h"
#include "eng-onnx-ops.h"
#include "eng-onnx-window.h"

#include "ops/rt-ops-int8.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops-move.h"

#include <math.h>
#include <string.h>

/* ---- quantization of a value ---- */

void
eng_onnx_quant_clear (EngOnnxQuant *q)
{
  g_clear_pointer (&q->scales, g_free);
  g_clear_pointer (&q->zero_points, g_free);
}

gboolean
eng_onnx_read_quant (EngOnnxNode *node, int scale, int zero_point, gint64 axis, EngOnnxQuant *q)
{
  EngOnnxTensor s = { .n = 1 };

  if (scale >= 0 && !eng_onnx_const (node, (guint)scale, &s))
    return FALSE;
  if (s.n < 1 || s.n > 1 << 20)
    return eng_onnx_refuse (node, "%" G_GUINT64_FORMAT " scales", s.n);
  guint n = (guint)s.n;
  q->scales = g_new (float, n);
  q->zero_points = g_new0 (gint32, n);
  q->scales[0] = 1;
  if (scale >= 0)
    eng_onnx_const_floats (node, (guint)scale, q->scales, n);
  if (zero_point >= 0 && eng_onnx_in (node, (guint)zero_point) != RT_NONE)
    {
      g_autofree float *zeros = g_new (float, n);
      guint n_zeros = eng_onnx_const_floats (node, (guint)zero_point, zeros, n);
      if (eng_onnx_ok (node) && n_zeros != n && n_zeros != 1)
        return eng_onnx_refuse (node, "%u zero points for %u scales", n_zeros, n);
      for (guint i = 0; i < n && eng_onnx_ok (node); i++)
        q->zero_points[i] = (gint32)zeros[n_zeros == n ? i : 0];
    }
  for (guint i = 0; i < n && eng_onnx_ok (node); i++)
    if (!(q->scales[i] > 0) || isinf (q->scales[i]))
      return eng_onnx_refuse (node, "scale %u is %g", i, (double)q->scales[i]);
  q->quant = (RtQuant){
    .n = n, .axis = n > 1 ? (gint32)axis : 0, .scales = q->scales, .zero_points = q->zero_points
  };
  return eng_onnx_ok (node);
}

static gboolean
same_quant (const RtQuant *a, const RtQuant *b)
{
  return a->n == b->n && (a->n == 1 || a->axis == b->axis)
         && memcmp (a->scales, b->scales, a->n * sizeof *a->scales) == 0
         && memcmp (a->zero_points, b->zero_points, a->n * sizeof *a->zero_points) == 0;
}

RtValueId
eng_onnx_with_quant (EngOnnxNode *node, RtValueId value, const RtQuant *q)
{
  if (!eng_onnx_ok (node))
    return RT_NONE;
  const RtValue *v = eng_onnx_value (node, value);
  if (q->n > 1 && v->shape.dims[q->axis] != q->n)
    {
      eng_onnx_refuse (node, "%u scales for dimension %d of %" G_GINT64_FORMAT, q->n, q->axis,
                       v->shape.dims[q->axis]);
      return RT_NONE;
    }
  if (v->quant != NULL && same_quant (v->quant, q))
    return value;
  if (v->quant != NULL || eng_onnx_is_const (node, value))
    {
      RtShapeAttrs attrs = { v->shape };
      value = ENG_ONNX_ADD (node, &rt_op_reshape, &attrs, value);
    }
  if (eng_onnx_ok (node) && !eng_import_set_quant (node->importer->import, value, q))
    eng_onnx_refuse (node, "%s", eng_import_reason (node->importer->import));
  return eng_onnx_ok (node) ? value : RT_NONE;
}

int
eng_onnx_type_of (EngOnnxNode *node, guint i, int otherwise)
{
  RtValueId id = eng_onnx_in (node, i);

  return id != RT_NONE ? eng_onnx_value (node, id)->type : otherwise;
}

void
eng_onnx_limits (const EngOnnxNode *node, float *low, float *high)
{
  gboolean has = node->low < node->high;

  *low = has ? node->low : -INFINITY;
  *high = has ? node->high : INFINITY;
}

/* ---- to and from real numbers ---- */

/* Input @i, one number or one per index of @axis, in a shape that broadcasts to @rank dimensions,
 * as f32. */
static RtValueId
along_axis (EngOnnxNode *node, guint i, guint axis, guint rank)
{
  RtValueId id = eng_onnx_in (node, i);
  RtShape shape = { .n_dims = rank };

  if (rt_shape_n (eng_onnx_shape (node, id)) != 1)
    {
      for (guint d = 0; d < rank; d++)
        shape.dims[d] = d == axis ? (gint64)rt_shape_n (eng_onnx_shape (node, id)) : 1;
      id = eng_onnx_reshape (node, id, &shape);
    }
  return eng_onnx_cast (node, id, RT_TYPE_F32);
}

/* Scales that are computed in the run, or numbers that are known: step by step. */
static gboolean
quantize_in_steps (EngOnnxNode *node, RtValueId x, guint axis, int type)
{
  guint rank = eng_onnx_shape (node, x)->n_dims;
  RtUnaryAttrs limits = { type == RT_TYPE_I8 ? -128 : 0, type == RT_TYPE_I8 ? 127 : 255 };

  if (type != RT_TYPE_I8 && type != RT_TYPE_U8)
    return eng_onnx_refuse (node, "scales that are not constants, with a result of %s",
                            rt_type_name (type));
  RtValueId y = ENG_ONNX_ADD (node, &rt_op_div, NULL, x, along_axis (node, 1, axis, rank));
  y = ENG_ONNX_ADD (node, &rt_op_round, &(RtUnaryAttrs){ 0 }, y);
  if (eng_onnx_in (node, 2) != RT_NONE)
    y = ENG_ONNX_ADD (node, &rt_op_add, NULL, y, along_axis (node, 2, axis, rank));
  y = ENG_ONNX_ADD (node, &rt_op_clip, &limits, y);
  return eng_onnx_out (node, 0, eng_onnx_cast (node, y, type));
}

static guint
quant_axis (EngOnnxNode *node, RtValueId x)
{
  guint n = (guint)rt_shape_n (eng_onnx_shape (node, eng_onnx_in (node, 1)));

  return n > 1 ? eng_onnx_axis (node, eng_onnx_int (node, "axis", 1),
                                eng_onnx_shape (node, x)->n_dims)
               : 0;
}

/* Whether inputs 1 and 2 (scale and zero point) are constants. */
static gboolean
has_fixed_quant (const EngOnnxNode *node)
{
  RtValueId zero = eng_onnx_in (node, 2);

  return eng_onnx_is_const (node, eng_onnx_in (node, 1))
         && (zero == RT_NONE || eng_onnx_is_const (node, zero));
}

gboolean
eng_onnx_emit_quantize (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  RtQuantizeAttrs attrs = { (guint32)eng_onnx_type_of (node, 2, RT_TYPE_U8) };
  guint axis = quant_axis (node, x);
  g_auto (EngOnnxQuant) q = { 0 };

  if (!has_fixed_quant (node) || eng_onnx_is_const (node, x))
    return quantize_in_steps (node, x, axis, (int)attrs.type);
  if (!eng_onnx_read_quant (node, 1, 2, axis, &q))
    return FALSE;
  return eng_onnx_out (node, 0,
                       eng_onnx_with_quant (node, ENG_ONNX_ADD (node, &rt_op_quantize, &attrs, x),
                                            &q.quant));
}

gboolean
eng_onnx_emit_dequantize (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  guint rank = eng_onnx_shape (node, x)->n_dims, axis = quant_axis (node, x);
  g_auto (EngOnnxQuant) q = { 0 };

  if (!has_fixed_quant (node))
    {
      RtValueId y = eng_onnx_cast (node, x, RT_TYPE_F32);
      if (eng_onnx_in (node, 2) != RT_NONE)
        y = ENG_ONNX_ADD (node, &rt_op_sub, NULL, y, along_axis (node, 2, axis, rank));
      return eng_onnx_out (node, 0,
                           ENG_ONNX_ADD (node, &rt_op_mul, NULL, y,
                                         along_axis (node, 1, axis, rank)));
    }
  if (!eng_onnx_read_quant (node, 1, 2, axis, &q))
    return FALSE;
  RtValueId from = eng_onnx_with_quant (node, x, &q.quant);
  return eng_onnx_out (node, 0,
                       ENG_ONNX_ADD (node, &rt_op_dequantize, &(RtQuantizeAttrs){ 0 }, from));
}

gboolean
eng_onnx_emit_dynamic_quantize (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0), outputs[RT_MAX_OUTPUTS];

  if (!eng_onnx_add_all (node, &rt_op_dynamic_quantize, NULL, &x, 1, outputs))
    return FALSE;
  for (guint i = 0; i < node->n_outputs && i < 3; i++)
    eng_onnx_out (node, i, outputs[i]);
  return eng_onnx_ok (node);
}

/* ---- convolutions ---- */

/* Where a convolution finds its parts among the node's inputs; -1: it has none. */
typedef struct
{
  guint x, w;
  int x_scale, x_zero, w_scale, w_zero, y_scale, y_zero, bias;
} Places;

static gboolean
emit_conv (EngOnnxNode *node, const Places *at, int out_type)
{
  RtValueId x = eng_onnx_in (node, at->x), w = eng_onnx_in (node, at->w);
  gint64 groups = eng_onnx_int (node, "group", 1), kernel[2] = { 0 };
  g_auto (EngOnnxQuant) qx = { 0 };
  g_auto (EngOnnxQuant) qw = { 0 };
  g_auto (EngOnnxQuant) qy = { 0 };
  EngOnnxTensor known;
  EngOnnxWindow window;
  RtConvInt8Attrs attrs = { .out_type = (guint32)out_type };

  if (!eng_onnx_const (node, at->w, &known)
      || !eng_onnx_read_quant (node, at->x_scale, at->x_zero, 0, &qx)
      || !eng_onnx_read_quant (node, at->w_scale, at->w_zero, 0, &qw)
      || !eng_onnx_read_quant (node, at->y_scale, at->y_zero, 0, &qy))
    return FALSE;
  if (known.shape.n_dims != eng_onnx_shape (node, x)->n_dims || known.shape.n_dims < 3)
    return eng_onnx_refuse (node, "weights of %u dimensions for an input of %u", known.shape.n_dims,
                            eng_onnx_shape (node, x)->n_dims);
  for (guint i = 0; i < 2 && 2 + i < known.shape.n_dims; i++)
    kernel[i] = known.shape.dims[2 + i];
  if (!eng_onnx_window (node, x, kernel, &window))
    return FALSE;
  gboolean depthwise = groups > 1 && known.shape.dims[1] == 1 && out_type != RT_TYPE_I32;
  eng_onnx_window_conv (&window, depthwise ? 0 : groups, &attrs.conv);
  eng_onnx_limits (node, &attrs.conv.min, &attrs.conv.max);
  qw.quant.axis = depthwise ? 2 : 0;

  x = eng_onnx_with_quant (node, x, &qx.quant);
  w = eng_onnx_conv_weight (node, eng_onnx_with_rows (node, w), depthwise);
  w = eng_onnx_with_quant (node, w, &qw.quant);
  RtValueId bias = at->bias >= 0 ? eng_onnx_in (node, (guint)at->bias) : RT_NONE;
  RtValueId y = ENG_ONNX_ADD (node, depthwise ? &rt_op_depthwise_int8 : &rt_op_conv_int8, &attrs, x,
                              w, bias);
  return eng_onnx_out (node, 0,
                       out_type == RT_TYPE_I32 ? y : eng_onnx_with_quant (node, y, &qy.quant));
}

gboolean
eng_onnx_emit_qlinear_conv (EngOnnxNode *node)
{
  static const Places at = { .x = 0,
                             .x_scale = 1,
                             .x_zero = 2,
                             .w = 3,
                             .w_scale = 4,
                             .w_zero = 5,
                             .y_scale = 6,
                             .y_zero = 7,
                             .bias = 8 };

  return emit_conv (node, &at, eng_onnx_type_of (node, 7, RT_TYPE_U8));
}

gboolean
eng_onnx_emit_conv_integer (EngOnnxNode *node)
{
  static const Places at = { .x = 0,
                             .w = 1,
                             .x_zero = 2,
                             .w_zero = 3,
                             .x_scale = -1,
                             .w_scale = -1,
                             .y_scale = -1,
                             .y_zero = -1,
                             .bias = -1 };

  return emit_conv (node, &at, RT_TYPE_I32);
}

/* ---- products ---- */

/* a [..., K] times constant b [K, N], or [N, K] when @transposed, which is what the runtime
 * keeps. */
static gboolean
emit_product (EngOnnxNode *node, const Places *at, gboolean transposed, int out_type)
{
  static const guint swap[] = { 1, 0 };
  RtValueId a = eng_onnx_in (node, at->x), b = eng_onnx_in (node, at->w);
  RtFullyConnectedInt8Attrs attrs = { .out_type = (guint32)out_type };
  g_auto (EngOnnxQuant) qa = { 0 };
  g_auto (EngOnnxQuant) qb = { 0 };
  g_auto (EngOnnxQuant) qy = { 0 };
  EngOnnxTensor known;

  if (!eng_onnx_const (node, at->w, &known)
      || !eng_onnx_read_quant (node, at->x_scale, at->x_zero, 0, &qa)
      || !eng_onnx_read_quant (node, at->w_scale, at->w_zero, 0, &qb)
      || !eng_onnx_read_quant (node, at->y_scale, at->y_zero, 0, &qy))
    return FALSE;
  if (known.shape.n_dims != 2)
    return eng_onnx_refuse (node, "the second factor has %u dimensions, 2 are supported",
                            known.shape.n_dims);
  if (qa.quant.n > 1 || qy.quant.n > 1)
    return eng_onnx_refuse (node, "scales per row are not supported");
  a = eng_onnx_with_quant (node, a, &qa.quant);
  b = eng_onnx_with_quant (node, transposed ? b : eng_onnx_permute (node, b, swap, 2), &qb.quant);
  eng_onnx_limits (node, &attrs.min, &attrs.max);
  RtValueId bias = at->bias >= 0 ? eng_onnx_in (node, (guint)at->bias) : RT_NONE;
  RtValueId y = ENG_ONNX_ADD (node, &rt_op_fully_connected_int8, &attrs, a, b, bias);
  return eng_onnx_out (node, 0,
                       out_type == RT_TYPE_I32 ? y : eng_onnx_with_quant (node, y, &qy.quant));
}

gboolean
eng_onnx_emit_qlinear_matmul (EngOnnxNode *node)
{
  static const Places at = { .x = 0,
                             .x_scale = 1,
                             .x_zero = 2,
                             .w = 3,
                             .w_scale = 4,
                             .w_zero = 5,
                             .y_scale = 6,
                             .y_zero = 7,
                             .bias = -1 };

  return emit_product (node, &at, FALSE, eng_onnx_type_of (node, 7, RT_TYPE_U8));
}

gboolean
eng_onnx_emit_qgemm (EngOnnxNode *node)
{
  static const Places at = { .x = 0,
                             .x_scale = 1,
                             .x_zero = 2,
                             .w = 3,
                             .w_scale = 4,
                             .w_zero = 5,
                             .bias = 6,
                             .y_scale = 7,
                             .y_zero = 8 };

  if (eng_onnx_int (node, "transA", 0) != 0 || eng_onnx_float (node, "alpha", 1) != 1
      || eng_onnx_float (node, "beta", 1) != 1)
    return eng_onnx_refuse (node, "factors, and a transposed first input, are not supported");
  if (eng_onnx_in (node, 7) == RT_NONE)
    return eng_onnx_refuse (node, "a result in real numbers is not supported");
  return emit_product (node, &at, eng_onnx_int (node, "transB", 0) != 0,
                       eng_onnx_type_of (node, 8, RT_TYPE_U8));
}

/* sum (a - za) b = sum a b - za sum b, when za is computed in the run. */
static gboolean
with_late_zero (EngOnnxNode *node, RtValueId product, RtValueId b)
{
  RtReduceAttrs rows = { .n_axes = 1, .axes = { 0 } };
  RtValueId zero = eng_onnx_cast (node, eng_onnx_in (node, 2), RT_TYPE_I32);
  RtValueId b_zero = eng_onnx_in (node, 3);

  if (rt_shape_n (eng_onnx_shape (node, zero)) != 1)
    return eng_onnx_refuse (node, "zero points per row are not supported");
  b = eng_onnx_cast (node, b, RT_TYPE_I32);
  if (b_zero != RT_NONE)
    b = ENG_ONNX_ADD (node, &rt_op_sub, NULL, b, eng_onnx_cast (node, b_zero, RT_TYPE_I32));
  RtValueId sums = ENG_ONNX_ADD (node, &rt_op_reduce_sum, &rows, b);
  RtValueId shift = ENG_ONNX_ADD (node, &rt_op_mul, NULL, sums, zero);
  return eng_onnx_out (node, 0, ENG_ONNX_ADD (node, &rt_op_sub, NULL, product, shift));
}

gboolean
eng_onnx_emit_matmul_integer (EngOnnxNode *node)
{
  RtValueId zero = eng_onnx_in (node, 2);
  gboolean late = zero != RT_NONE && !eng_onnx_is_const (node, zero);
  Places at = { .x = 0,
                .w = 1,
                .x_zero = late ? -1 : 2,
                .w_zero = 3,
                .x_scale = -1,
                .w_scale = -1,
                .y_scale = -1,
                .y_zero = -1,
                .bias = -1 };

  return emit_product (node, &at, FALSE, RT_TYPE_I32)
         && (!late || with_late_zero (node, node->outputs[0], eng_onnx_in (node, 1)));
}
