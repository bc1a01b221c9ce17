/* ONNX functions of one and two numbers. Emit functions of the table in eng-onnx-list.c. */
#include "eng-onnx-ops.h"

#include "ops/rt-ops-math.h"
#include "ops/rt-ops.h"

#include <math.h>
#include <string.h>

/* ---- types that are computed in f32 ---- */

static gboolean
is_half (const EngOnnxNode *node, RtValueId value)
{
  int type = eng_onnx_value (node, value)->type;

  return value != RT_NONE && (type == RT_TYPE_F16 || type == RT_TYPE_BF16);
}

/* @op of one or two inputs. Halves are computed in f32 and rounded once. */
static RtValueId
compute (EngOnnxNode *node, const RtOp *op, gconstpointer attrs, RtValueId a, RtValueId b)
{
  RtValueId inputs[] = { a, b };
  int type = eng_onnx_value (node, a)->type;
  gboolean half = is_half (node, a);

  for (guint i = 0; half && i < 2; i++)
    if (is_half (node, inputs[i]))
      inputs[i] = eng_onnx_cast (node, inputs[i], RT_TYPE_F32);
  RtValueId y = eng_onnx_add (node, op, attrs, inputs, b != RT_NONE ? 2 : 1);
  return half && eng_onnx_ok (node) && eng_onnx_value (node, y)->type == RT_TYPE_F32
             ? eng_onnx_cast (node, y, type)
             : y;
}

/* ---- one number ---- */

/* Attributes a and b of the runtime's function by ONNX's names, with ONNX's defaults. */
typedef struct
{
  const char *name;
  const RtOp *op;
  const char *a, *b;
  float a_default, b_default;
} Unary;

static const Unary unaries[] = {
  { "Relu", &rt_op_relu, NULL, NULL, 0, 0 },
  { "Abs", &rt_op_abs, NULL, NULL, 0, 0 },
  { "Neg", &rt_op_neg, NULL, NULL, 0, 0 },
  { "Sign", &rt_op_sign, NULL, NULL, 0, 0 },
  { "LeakyRelu", &rt_op_leaky_relu, "alpha", NULL, 0.01f, 0 },
  { "Elu", &rt_op_elu, "alpha", NULL, 1, 0 },
  { "Selu", &rt_op_selu, "alpha", "gamma", 1.67326319217681884765625f, 1.05070102214813232421875f },
  { "Celu", &rt_op_celu, "alpha", NULL, 1, 0 },
  { "ThresholdedRelu", &rt_op_thresholded_relu, "alpha", NULL, 1, 0 },
  { "HardSigmoid", &rt_op_hard_sigmoid, "alpha", "beta", 0.2f, 0.5f },
  { "HardSwish", &rt_op_hard_swish, NULL, NULL, 0, 0 },
  { "Mish", &rt_op_mish, NULL, NULL, 0, 0 },
  { "Shrink", &rt_op_shrink, "lambd", "bias", 0.5f, 0 },
  { "Sigmoid", &rt_op_sigmoid, NULL, NULL, 0, 0 },
  { "Tanh", &rt_op_tanh, NULL, NULL, 0, 0 },
  { "Softplus", &rt_op_softplus, NULL, NULL, 0, 0 },
  { "Softsign", &rt_op_softsign, NULL, NULL, 0, 0 },
  { "Sqrt", &rt_op_sqrt, NULL, NULL, 0, 0 },
  { "Reciprocal", &rt_op_reciprocal, NULL, NULL, 0, 0 },
  { "Exp", &rt_op_exp, NULL, NULL, 0, 0 },
  { "Log", &rt_op_log, NULL, NULL, 0, 0 },
  { "Erf", &rt_op_erf, NULL, NULL, 0, 0 },
  { "Sin", &rt_op_sin, NULL, NULL, 0, 0 },
  { "Cos", &rt_op_cos, NULL, NULL, 0, 0 },
  { "Tan", &rt_op_tan, NULL, NULL, 0, 0 },
  { "Asin", &rt_op_asin, NULL, NULL, 0, 0 },
  { "Acos", &rt_op_acos, NULL, NULL, 0, 0 },
  { "Atan", &rt_op_atan, NULL, NULL, 0, 0 },
  { "Sinh", &rt_op_sinh, NULL, NULL, 0, 0 },
  { "Cosh", &rt_op_cosh, NULL, NULL, 0, 0 },
  { "Asinh", &rt_op_asinh, NULL, NULL, 0, 0 },
  { "Acosh", &rt_op_acosh, NULL, NULL, 0, 0 },
  { "Atanh", &rt_op_atanh, NULL, NULL, 0, 0 },
  { "Ceil", &rt_op_ceil, NULL, NULL, 0, 0 },
  { "Floor", &rt_op_floor, NULL, NULL, 0, 0 },
  { "Round", &rt_op_round, NULL, NULL, 0, 0 },
  { "IsNaN", &rt_op_is_nan, NULL, NULL, 0, 0 },
  { "Not", &rt_op_not, NULL, NULL, 0, 0 },
  { "BitwiseNot", &rt_op_bitwise_not, NULL, NULL, 0, 0 },
};

gboolean
eng_onnx_emit_unary (EngOnnxNode *node)
{
  for (guint i = 0; i < G_N_ELEMENTS (unaries); i++)
    if (strcmp (node->op->name, unaries[i].name) == 0)
      {
        const Unary *u = &unaries[i];
        RtUnaryAttrs attrs = { 0 };
        if (u->a != NULL)
          attrs.a = (double)eng_onnx_float (node, u->a, u->a_default);
        if (u->b != NULL)
          attrs.b = (double)eng_onnx_float (node, u->b, u->b_default);
        return eng_onnx_out (node, 0,
                             compute (node, u->op, &attrs, eng_onnx_in (node, 0), RT_NONE));
      }
  return eng_onnx_refuse (node, "this operator is not supported");
}

gboolean
eng_onnx_emit_is_inf (EngOnnxNode *node)
{
  RtUnaryAttrs attrs = { .a = eng_onnx_int (node, "detect_negative", 1) != 0,
                         .b = eng_onnx_int (node, "detect_positive", 1) != 0 };

  return eng_onnx_out (node, 0, ENG_ONNX_ADD (node, &rt_op_is_inf, &attrs, eng_onnx_in (node, 0)));
}

/* Limits are attributes up to opset 10, then inputs; those that are not known are a minimum and a
 * maximum of two values. */
gboolean
eng_onnx_emit_clip (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0), low = eng_onnx_in (node, 1), high = eng_onnx_in (node, 2);
  RtUnaryAttrs attrs = { -INFINITY, INFINITY };

  if (node->opset < 11)
    {
      attrs.a = (double)eng_onnx_float (node, "min", -INFINITY);
      attrs.b = (double)eng_onnx_float (node, "max", INFINITY);
    }
  else if ((low != RT_NONE && !eng_onnx_is_const (node, low))
           || (high != RT_NONE && !eng_onnx_is_const (node, high)))
    {
      if (low != RT_NONE)
        x = compute (node, &rt_op_max, NULL, x, low);
      if (high != RT_NONE)
        x = compute (node, &rt_op_min, NULL, x, high);
      return eng_onnx_out (node, 0, x);
    }
  else
    {
      attrs.a = eng_onnx_const_number (node, 1, -INFINITY);
      attrs.b = eng_onnx_const_number (node, 2, INFINITY);
    }
  return eng_onnx_out (node, 0, compute (node, &rt_op_clip, &attrs, x, RT_NONE));
}

gboolean
eng_onnx_emit_gelu (EngOnnxNode *node)
{
  const char *form = eng_onnx_string (node, "approximate", "none");
  const RtOp *op = strcmp (form, "tanh") == 0 ? &rt_op_gelu : &rt_op_gelu_erf;

  if (op != &rt_op_gelu && strcmp (form, "none") != 0)
    return eng_onnx_refuse (node, "attribute 'approximate' is '%s'", form);
  return eng_onnx_out (node, 0,
                       ENG_ONNX_ADD (node, op, op == &rt_op_gelu ? NULL : &(RtUnaryAttrs){ 0 },
                                     eng_onnx_in (node, 0)));
}

/* ---- two numbers ---- */

static const struct
{
  const char *name;
  const RtOp *op;
} binaries[] = {
  { "Add", &rt_op_add },
  { "Sub", &rt_op_sub },
  { "Mul", &rt_op_mul },
  { "Div", &rt_op_div },
  { "Pow", &rt_op_pow },
  { "PRelu", &rt_op_prelu },
  { "Equal", &rt_op_equal },
  { "Less", &rt_op_less },
  { "LessOrEqual", &rt_op_less_equal },
  { "Greater", &rt_op_greater },
  { "GreaterOrEqual", &rt_op_greater_equal },
  { "And", &rt_op_and },
  { "Or", &rt_op_or },
  { "Xor", &rt_op_xor },
  { "BitwiseAnd", &rt_op_bitwise_and },
  { "BitwiseOr", &rt_op_bitwise_or },
  { "BitwiseXor", &rt_op_bitwise_xor },
  { "Min", &rt_op_min },
  { "Max", &rt_op_max },
  { "Sum", &rt_op_add },
  { "Mean", &rt_op_add },
};

static const RtOp *
binary_op (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (binaries); i++)
    if (strcmp (binaries[i].name, name) == 0)
      return binaries[i].op;
  return NULL;
}

gboolean
eng_onnx_emit_binary (EngOnnxNode *node)
{
  return eng_onnx_out (node, 0,
                       ENG_ONNX_ADD (node, binary_op (node->op->name), NULL, eng_onnx_in (node, 0),
                                     eng_onnx_in (node, 1)));
}

/* Any number of inputs, one after the other. */
gboolean
eng_onnx_emit_variadic (EngOnnxNode *node)
{
  RtValueId sum = eng_onnx_in (node, 0);

  for (guint i = 1; i < node->n_inputs; i++)
    sum = compute (node, binary_op (node->op->name), NULL, sum, eng_onnx_in (node, i));
  if (strcmp (node->op->name, "Mean") == 0 && node->n_inputs > 1)
    sum = ENG_ONNX_ADD (node, &rt_op_div, NULL, sum,
                        eng_onnx_scalar (node, eng_onnx_value (node, sum)->type, node->n_inputs));
  return eng_onnx_out (node, 0, sum);
}

gboolean
eng_onnx_emit_mod (EngOnnxNode *node)
{
  const RtOp *op = eng_onnx_int (node, "fmod", 0) != 0 ? &rt_op_fmod : &rt_op_mod;

  return eng_onnx_out (node, 0,
                       compute (node, op, NULL, eng_onnx_in (node, 0), eng_onnx_in (node, 1)));
}

gboolean
eng_onnx_emit_shift (EngOnnxNode *node)
{
  const char *direction = eng_onnx_string (node, "direction", "");
  gboolean left = strcmp (direction, "LEFT") == 0;

  if (!left && strcmp (direction, "RIGHT") != 0)
    return eng_onnx_refuse (node, "attribute 'direction' is '%s'", direction);
  return eng_onnx_out (node, 0,
                       ENG_ONNX_ADD (node, left ? &rt_op_shift_left : &rt_op_shift_right, NULL,
                                     eng_onnx_in (node, 0), eng_onnx_in (node, 1)));
}
