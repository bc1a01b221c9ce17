/* Operators on codes beyond the standard's: those of the domain com.microsoft, in which ONNX
 * Runtime's quantizer writes files, and 8-bit forms of standard operators for eng-onnx-qdq.c.
 * Inputs are x, scale, zero point for each tensor; then scale and zero point of the result. */
#include "eng-onnx-ops.h"
#include "eng-onnx-quant.h"
#include "eng-onnx-window.h"

#include "ops/rt-ops-conv.h"
#include "ops/rt-ops-int8.h"
#include "ops/rt-ops-move.h"

#include <math.h>
#include <string.h>

/* Input @i with the quantization of the two inputs behind it. */
static RtValueId
code_in (EngOnnxNode *node, guint i)
{
  g_auto (EngOnnxQuant) q = { 0 };

  if (!eng_onnx_read_quant (node, (int)i + 1, (int)i + 2, 0, &q))
    return RT_NONE;
  if (q.quant.n > 1)
    {
      eng_onnx_refuse (node, "several scales of input %u are not supported", i + 1);
      return RT_NONE;
    }
  return eng_onnx_with_quant (node, eng_onnx_in (node, i), &q.quant);
}

/* @y is output 0, quantized by inputs @i and @i + 1. */
static gboolean
code_out (EngOnnxNode *node, guint i, RtValueId y)
{
  g_auto (EngOnnxQuant) q = { 0 };

  return eng_onnx_read_quant (node, (int)i, (int)i + 1, 0, &q)
         && eng_onnx_out (node, 0, eng_onnx_with_quant (node, y, &q.quant));
}

/* data: 0 add, 1 multiply, 2 subtract. */
static gboolean
emit_binary (EngOnnxNode *node)
{
  static const RtOp *const ops[] = { &rt_op_add_int8, &rt_op_mul_int8, &rt_op_sub_int8 };
  RtBinaryInt8Attrs attrs = { .out_type = (guint32)eng_onnx_type_of (node, 7, RT_TYPE_U8) };
  RtValueId a = code_in (node, 0), b = code_in (node, 3);

  eng_onnx_limits (node, &attrs.min, &attrs.max);
  return code_out (node, 6, ENG_ONNX_ADD (node, ops[node->op->data], &attrs, a, b));
}

/* data: RtInt8Function. */
static gboolean
emit_function (EngOnnxNode *node)
{
  RtUnaryInt8Attrs attrs = { .function = (guint32)node->op->data,
                             .out_type = (guint32)eng_onnx_type_of (node, 4, RT_TYPE_U8) };
  RtValueId x = code_in (node, 0);

  if (attrs.function == RT_INT8_LEAKY_RELU)
    attrs.a = eng_onnx_float (node, "alpha", 0.01f);
  else if (attrs.function == RT_INT8_ELU)
    attrs.a = eng_onnx_float (node, "alpha", 1);
  else if (attrs.function == RT_INT8_HARD_SIGMOID)
    {
      attrs.a = eng_onnx_float (node, "alpha", 0.2f);
      attrs.b = eng_onnx_float (node, "beta", 0.5f);
    }
  else if (attrs.function == RT_INT8_CLIP)
    eng_onnx_limits (node, &attrs.a, &attrs.b);
  return code_out (node, 3, ENG_ONNX_ADD (node, &rt_op_unary_int8, &attrs, x));
}

/* data: whether of the whole picture. */
static gboolean
emit_average (EngOnnxNode *node)
{
  RtPoolAttrs attrs = { .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1 };
  EngOnnxWindow w;
  RtValueId x = code_in (node, 0);

  if (!eng_onnx_ok (node))
    return FALSE;
  if (eng_onnx_int (node, "channels_last", 0) != 0)
    return eng_onnx_refuse (node, "channels that come last are not supported");
  if (eng_onnx_type_of (node, 4, RT_TYPE_U8) != eng_onnx_value (node, x)->type)
    return eng_onnx_refuse (node, "a result of another type than the input's is not supported");
  if (!node->op->data)
    {
      if (!eng_onnx_window (node, x, NULL, &w))
        return FALSE;
      eng_onnx_window_pool (node, &w, &attrs);
    }
  attrs.channels_first = 1;
  eng_onnx_limits (node, &attrs.min, &attrs.max);
  return code_out (node, 3, ENG_ONNX_ADD (node, &rt_op_average_pool_int8, &attrs, x));
}

/* Inputs: scale and zero point of the result, then x, scale, zero point of each part. */
static gboolean
emit_concat (EngOnnxNode *node)
{
  guint n = (node->n_inputs - 2) / 3;
  g_autofree RtValueId *parts = g_new (RtValueId, n + 1);
  RtQuantizeAttrs attrs = { (guint32)eng_onnx_type_of (node, 1, RT_TYPE_U8) };
  g_auto (EngOnnxQuant) q = { 0 };

  if (node->n_inputs % 3 != 2)
    return eng_onnx_refuse (node, "%u inputs: 2, and 3 for each part, are expected",
                            node->n_inputs);
  if (!eng_onnx_read_quant (node, 0, 1, 0, &q))
    return FALSE;
  for (guint i = 0; i < n && eng_onnx_ok (node); i++)
    {
      parts[i] = code_in (node, 2 + 3 * i);
      if (!eng_onnx_ok (node))
        return FALSE;
      const RtValue *part = eng_onnx_value (node, parts[i]);
      if (part->type != (int)attrs.type || part->quant == NULL
          || part->quant->scales[0] != q.scales[0]
          || part->quant->zero_points[0] != q.zero_points[0])
        parts[i]
            = eng_onnx_with_quant (node, ENG_ONNX_ADD (node, &rt_op_requantize, &attrs, parts[i]),
                                   &q.quant);
    }
  if (!eng_onnx_ok (node))
    return FALSE;
  RtAxisAttrs axis = { (gint32)eng_onnx_axis (node, eng_onnx_int (node, "axis", 0),
                                              eng_onnx_shape (node, parts[0])->n_dims) };
  return code_out (node, 0, eng_onnx_add (node, &rt_op_concat, &axis, parts, n));
}

static const EngOnnxOp qops[] = {
  { "QLinearAdd", 1, 1, emit_binary, 0, 7, 8 },
  { "QLinearMul", 1, 1, emit_binary, 1, 7, 8 },
  { "QLinearSub", 1, 1, emit_binary, 2, 7, 8 },
  { "QLinearSigmoid", 1, 1, emit_function, RT_INT8_SIGMOID, 4, 5 },
  { "QLinearLeakyRelu", 1, 1, emit_function, RT_INT8_LEAKY_RELU, 4, 5 },
  { "QLinearTanh", 1, 1, emit_function, RT_INT8_TANH, 4, 5 },
  { "QLinearElu", 1, 1, emit_function, RT_INT8_ELU, 4, 5 },
  { "QLinearHardSigmoid", 1, 1, emit_function, RT_INT8_HARD_SIGMOID, 4, 5 },
  { "QLinearHardSwish", 1, 1, emit_function, RT_INT8_HARD_SWISH, 4, 5 },
  { "QLinearClip", 1, 1, emit_function, RT_INT8_CLIP, 4, 5 },
  { "QLinearAveragePool", 1, 1, emit_average, 0, 4, 5 },
  { "QLinearGlobalAveragePool", 1, 1, emit_average, 1, 4, 5 },
  { "QLinearConcat", 1, 1, emit_concat, 0, 5, 4096 },
  { "QGemm", 1, 1, eng_onnx_emit_qgemm, 0, 6, 9 },
};

const EngOnnxOp *
eng_onnx_qop_find (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (qops); i++)
    if (strcmp (qops[i].name, name) == 0)
      return &qops[i];
  return NULL;
}
