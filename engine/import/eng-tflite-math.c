/* TFLite operators that compute: functions of one and of two numbers, reductions, normalization.
 * Where the engine has no integer operator for them, quantized tensors are made real, computed
 * with, and made integers again, which rounds as exact arithmetic would. */
#include "eng-tflite-private.h"

#include <math.h>

#include "ops/rt-ops-int8.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops-move.h"
#include "ops/rt-ops.h"

/* ---- Functions of one number ---- */

typedef struct
{
  gint32 code;
  const RtOp *op;
  double a, b; /* RtUnaryAttrs, where the operator has them */
  int int8;    /* RtInt8Function, -1: none */
} Unary;

static const Unary unaries[] = {
  { 8, &rt_op_floor, 0, 0, -1 },                        /* FLOOR */
  { 14, &rt_op_sigmoid, 0, 0, RT_INT8_SIGMOID },        /* LOGISTIC */
  { 19, &rt_op_relu, 0, INFINITY, RT_INT8_CLIP },       /* RELU */
  { 20, &rt_op_clip, -1, 1, RT_INT8_CLIP },             /* RELU_N1_TO_1 */
  { 21, &rt_op_clip, 0, 6, RT_INT8_CLIP },              /* RELU6 */
  { 28, &rt_op_tanh, 0, 0, RT_INT8_TANH },              /* TANH */
  { 47, &rt_op_exp, 0, 0, RT_INT8_EXP },                /* EXP */
  { 59, &rt_op_neg, 0, 0, RT_INT8_NEG },                /* NEG */
  { 66, &rt_op_sin, 0, 0, RT_INT8_SIN },                /* SIN */
  { 73, &rt_op_log, 0, 0, RT_INT8_LOG },                /* LOG */
  { 75, &rt_op_sqrt, 0, 0, RT_INT8_SQRT },              /* SQRT */
  { 76, &rt_op_rsqrt, 0, 0, RT_INT8_RSQRT },            /* RSQRT */
  { 87, &rt_op_not, 0, 0, -1 },                         /* LOGICAL_NOT */
  { 92, &rt_op_square, 0, 0, RT_INT8_SQUARE },          /* SQUARE */
  { 101, &rt_op_abs, 0, 0, RT_INT8_ABS },               /* ABS */
  { 104, &rt_op_ceil, 0, 0, -1 },                       /* CEIL */
  { 108, &rt_op_cos, 0, 0, RT_INT8_COS },               /* COS */
  { 111, &rt_op_elu, 1, 0, RT_INT8_ELU },               /* ELU */
  { 116, &rt_op_round, 0, 0, -1 },                      /* ROUND */
  { 117, &rt_op_hard_swish, 0, 0, RT_INT8_HARD_SWISH }, /* HARD_SWISH */
  { 152, &rt_op_clip, 0, 1, RT_INT8_CLIP },             /* RELU_0_TO_1 */
  { 158, &rt_op_sign, 0, 0, -1 },                       /* SIGN */
};

static gboolean
add_unary (EngTflite *self, const EngTfliteOp *op, const RtOp *rt_op, gconstpointer attrs)
{
  RtValueId x = eng_tflite_real (self, eng_tflite_input (self, op, 0));

  if (x == RT_NONE)
    return FALSE;
  RtValueId made = eng_import_node1 (self->import, rt_op, attrs, &x, 1);
  return eng_tflite_output (self, op, 0,
                            eng_tflite_quantized (self, made,
                                                  eng_tflite_output_tensor (self, op, 0)));
}

/* Input and output in 8 bits with one scale each. */
static gboolean
is_byte (EngTflite *self, const EngTfliteOp *op)
{
  return eng_tflite_is_byte (eng_tflite_input_tensor (self, op, 0))
         && eng_tflite_is_byte (eng_tflite_output_tensor (self, op, 0));
}

/* A function of 8-bit numbers by table. */
static gboolean
add_byte_unary (EngTflite *self, const EngTfliteOp *op, RtInt8Function function, float a, float b)
{
  const EngTfliteTensor *x = eng_tflite_input_tensor (self, op, 0);
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);
  RtValueId value = eng_tflite_input (self, op, 0);
  RtUnaryInt8Attrs attrs = { .function = function,
                             .out_type = (uint32_t)eng_tflite_rt_type (y->type),
                             .a = a,
                             .b = b,
                             .coarse = x->type == y->type };

  if (value == RT_NONE)
    return FALSE;
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_unary_int8, &attrs, &value, 1));
}

static gboolean
emit_unary (EngTflite *self, const EngTfliteOp *op)
{
  for (gsize i = 0; i < G_N_ELEMENTS (unaries); i++)
    if (unaries[i].code == op->code)
      {
        if (unaries[i].int8 >= 0 && is_byte (self, op))
          return add_byte_unary (self, op, (RtInt8Function)unaries[i].int8, (float)unaries[i].a,
                                 (float)unaries[i].b);
        RtUnaryAttrs attrs = { .a = unaries[i].a, .b = unaries[i].b };
        return add_unary (self, op, unaries[i].op, unaries[i].op->attrs_bytes > 0 ? &attrs : NULL);
      }
  return eng_import_refuse (self->import, "it has no row in the table of functions");
}

static gboolean
emit_leaky_relu (EngTflite *self, const EngTfliteOp *op)
{
  RtUnaryAttrs attrs = { .a = (double)eng_tflite_f32 (self, op, 0, 0) };

  if (is_byte (self, op))
    return add_byte_unary (self, op, RT_INT8_LEAKY_RELU, (float)attrs.a, 0);
  return add_unary (self, op, &rt_op_leaky_relu, &attrs);
}

static gboolean
emit_gelu (EngTflite *self, const EngTfliteOp *op)
{
  if (is_byte (self, op))
    return add_byte_unary (self, op,
                           eng_tflite_bool (self, op, 0) ? RT_INT8_GELU_TANH : RT_INT8_GELU, 0, 0);
  return add_unary (self, op, eng_tflite_bool (self, op, 0) ? &rt_op_gelu : &rt_op_gelu_erf, NULL);
}

/* ---- Functions of two numbers ---- */

typedef struct
{
  gint32 code;
  const RtOp *op;
  gboolean has_activation; /* option 0 */
  const RtOp *int8;        /* on 8-bit numbers, NULL: none */
} Binary;

static const Binary binaries[] = {
  { 0, &rt_op_add, TRUE, &rt_op_add_int8 },       /* ADD */
  { 18, &rt_op_mul, TRUE, &rt_op_mul_int8 },      /* MUL */
  { 41, &rt_op_sub, TRUE, &rt_op_sub_int8 },      /* SUB */
  { 42, &rt_op_div, TRUE, NULL },                 /* DIV */
  { 54, &rt_op_prelu, FALSE, &rt_op_prelu_int8 }, /* PRELU */
  { 55, &rt_op_max, FALSE, NULL },                /* MAXIMUM */
  { 57, &rt_op_min, FALSE, NULL },                /* MINIMUM */
  { 58, &rt_op_less, FALSE, NULL },               /* LESS */
  { 61, &rt_op_greater, FALSE, NULL },            /* GREATER */
  { 62, &rt_op_greater_equal, FALSE, NULL },      /* GREATER_EQUAL */
  { 63, &rt_op_less_equal, FALSE, NULL },         /* LESS_EQUAL */
  { 71, &rt_op_equal, FALSE, NULL },              /* EQUAL */
  { 72, &rt_op_not_equal, FALSE, NULL },          /* NOT_EQUAL */
  { 78, &rt_op_pow, FALSE, NULL },                /* POW */
  { 84, &rt_op_or, FALSE, NULL },                 /* LOGICAL_OR */
  { 86, &rt_op_and, FALSE, NULL },                /* LOGICAL_AND */
  { 90, &rt_op_floor_div, FALSE, NULL },          /* FLOOR_DIV */
  { 95, &rt_op_mod, FALSE, NULL },                /* FLOOR_MOD */
  { 99, &rt_op_squared_difference, FALSE, NULL }, /* SQUARED_DIFFERENCE */
  { 156, &rt_op_atan2, FALSE, NULL },             /* ATAN2 */
  { 160, &rt_op_bitwise_xor, FALSE, NULL },       /* BITWISE_XOR */
  { 161, &rt_op_shift_right, FALSE, NULL },       /* RIGHT_SHIFT */
};

static gboolean
add_byte_binary (EngTflite *self, const EngTfliteOp *op, const Binary *row)
{
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);
  RtValueId inputs[2] = { eng_tflite_input (self, op, 0), eng_tflite_input (self, op, 1) };
  RtBinaryInt8Attrs attrs = { .out_type = (uint32_t)eng_tflite_rt_type (y->type) };
  int activation = row->has_activation ? eng_tflite_i8 (self, op, 0, 0) : 0;

  if (inputs[0] == RT_NONE || inputs[1] == RT_NONE
      || !eng_tflite_limits (self, activation, &attrs.min, &attrs.max))
    return FALSE;
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, row->int8, &attrs, inputs, 2));
}

static gboolean
emit_binary (EngTflite *self, const EngTfliteOp *op)
{
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);
  const Binary *row = NULL;
  RtValueId inputs[2];

  for (gsize i = 0; i < G_N_ELEMENTS (binaries); i++)
    if (binaries[i].code == op->code)
      row = &binaries[i];
  if (!row)
    return eng_import_refuse (self->import, "it has no row in the table of functions");
  if (row->int8 && is_byte (self, op) && eng_tflite_is_byte (eng_tflite_input_tensor (self, op, 1)))
    return add_byte_binary (self, op, row);
  for (guint i = 0; i < 2; i++)
    {
      inputs[i] = eng_tflite_real (self, eng_tflite_input (self, op, i));
      if (inputs[i] == RT_NONE)
        return FALSE;
    }
  RtValueId made = eng_import_node1 (self->import, row->op, NULL, inputs, 2);
  if (row->has_activation)
    made = eng_tflite_activate (self, made, eng_tflite_i8 (self, op, 0, 0));
  return eng_tflite_output (self, op, 0, eng_tflite_quantized (self, made, y));
}

static gboolean
emit_add_n (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId sum = eng_tflite_real (self, eng_tflite_input (self, op, 0));

  for (guint i = 1; i < op->n_inputs && sum != RT_NONE; i++)
    {
      RtValueId next = eng_tflite_real (self, eng_tflite_input (self, op, i));
      if (next == RT_NONE)
        return FALSE;
      sum = eng_import_node1 (self->import, &rt_op_add, NULL, (RtValueId[]){ sum, next }, 2);
    }
  return eng_tflite_output (self, op, 0,
                            eng_tflite_quantized (self, sum,
                                                  eng_tflite_output_tensor (self, op, 0)));
}

/* ---- Reductions ---- */

static const Binary reductions[] = {
  { 40, &rt_op_reduce_mean, FALSE, NULL }, /* MEAN */
  { 74, &rt_op_reduce_sum, FALSE, NULL },  /* SUM */
  { 81, &rt_op_reduce_prod, FALSE, NULL }, /* REDUCE_PROD */
  { 82, &rt_op_reduce_max, FALSE, NULL },  /* REDUCE_MAX */
  { 89, &rt_op_reduce_min, FALSE, NULL },  /* REDUCE_MIN */
  { 91, &rt_op_reduce_any, FALSE, NULL },  /* REDUCE_ANY */
  { 140, &rt_op_reduce_all, FALSE, NULL }, /* REDUCE_ALL */
};

/* Whether the named axes lie beside one another. */
static gboolean
are_neighbours (guint axes)
{
  while (axes && !(axes & 1))
    axes >>= 1;
  return (axes & (axes + 1)) == 0;
}

static gboolean
emit_reduce (EngTflite *self, const EngTfliteOp *op)
{
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);
  RtValueId x = eng_tflite_input (self, op, 0);
  gsize n;
  g_autofree gint64 *axes = eng_tflite_dup_ints (self, op, 1, &n);
  RtReduceAttrs attrs = { .keep_dims = (uint32_t)eng_tflite_bool (self, op, 0) };
  guint seen = 0;

  if (x == RT_NONE || !axes)
    return FALSE;
  gint64 n_dims = eng_import_value (self->import, x)->shape.n_dims;
  for (gsize i = 0; i < n; i++)
    {
      gint64 axis = axes[i] < 0 ? axes[i] + n_dims : axes[i];
      if (axis < 0 || axis >= n_dims)
        return eng_import_refuse (self->import, "axis %" G_GINT64_FORMAT " does not exist",
                                  axes[i]);
      if (!(seen >> axis & 1))
        attrs.axes[attrs.n_axes++] = (int32_t)axis;
      seen |= 1u << axis;
    }
  if (op->code == 40 && is_byte (self, op) && attrs.n_axes > 0 && are_neighbours (seen)
      && eng_tflite_input_tensor (self, op, 0)->type == y->type)
    return eng_tflite_output (self, op, 0,
                              eng_import_node1 (self->import, &rt_op_mean_int8, &attrs, &x, 1));
  x = eng_tflite_real (self, x);
  if (x == RT_NONE)
    return FALSE;
  if (attrs.n_axes == 0) /* over nothing */
    return eng_tflite_output (self, op, 0, eng_tflite_quantized (self, x, y));
  for (gsize i = 0; i < G_N_ELEMENTS (reductions); i++)
    if (reductions[i].code == op->code)
      {
        RtValueId made = eng_import_node1 (self->import, reductions[i].op, &attrs, &x, 1);
        return eng_tflite_output (self, op, 0, eng_tflite_quantized (self, made, y));
      }
  return eng_import_refuse (self->import, "it has no row in the table of reductions");
}

/* Inputs: x, axis. */
static gboolean
emit_cumsum (EngTflite *self, const EngTfliteOp *op)
{
  gsize n;
  g_autofree gint64 *axis = eng_tflite_dup_ints (self, op, 1, &n);

  if (!axis || n != 1)
    return FALSE;
  RtCumsumAttrs attrs = { .axis = (int32_t)CLAMP (axis[0], G_MININT32, G_MAXINT32),
                          .exclusive = (uint32_t)eng_tflite_bool (self, op, 0),
                          .reverse = (uint32_t)eng_tflite_bool (self, op, 1) };
  return add_unary (self, op, &rt_op_cumsum, &attrs);
}

/* ---- Along an axis ---- */

static gboolean
is_byte_row (EngTflite *self, const EngTfliteOp *op)
{
  return is_byte (self, op)
         && eng_tflite_input_tensor (self, op, 0)->type
                == eng_tflite_output_tensor (self, op, 0)->type;
}

static gboolean
add_byte_row (EngTflite *self, const EngTfliteOp *op, const RtOp *rt_op, gconstpointer attrs)
{
  RtValueId x = eng_tflite_input (self, op, 0);

  if (x == RT_NONE)
    return FALSE;
  return eng_tflite_output (self, op, 0, eng_import_node1 (self->import, rt_op, attrs, &x, 1));
}

static gboolean
emit_softmax (EngTflite *self, const EngTfliteOp *op)
{
  RtSoftmaxAttrs attrs = { .axis = -1, .beta = eng_tflite_f32 (self, op, 0, 0) };

  if (is_byte_row (self, op))
    return add_byte_row (self, op, &rt_op_softmax_int8, &(RtSoftmaxInt8Attrs){ attrs.beta });
  return add_unary (self, op, &rt_op_softmax, &attrs);
}

static gboolean
emit_log_softmax (EngTflite *self, const EngTfliteOp *op)
{
  RtSoftmaxAttrs attrs = { .axis = -1, .beta = 1 };

  return add_unary (self, op, &rt_op_log_softmax, &attrs);
}

static gboolean
emit_l2_normalization (EngTflite *self, const EngTfliteOp *op)
{
  RtLpNormalizeAttrs attrs = { .axis = -1, .p = 2, .eps = 1e-6f };

  if (is_byte_row (self, op))
    return add_byte_row (self, op, &rt_op_l2_norm_int8, NULL);
  return add_unary (self, op, &rt_op_lp_normalize, &attrs);
}

static gboolean
emit_local_response (EngTflite *self, const EngTfliteOp *op)
{
  gint32 radius = eng_tflite_i32 (self, op, 0, 0);

  if (radius < 0 || radius > 65536)
    return eng_import_refuse (self->import, "a radius of %d", radius);
  RtLrnAttrs attrs = { .size = (uint32_t)(2 * radius + 1),
                       .bias = eng_tflite_f32 (self, op, 1, 0),
                       .alpha = eng_tflite_f32 (self, op, 2, 0) * (float)(2 * radius + 1),
                       .beta = eng_tflite_f32 (self, op, 3, 0) };
  return add_unary (self, op, &rt_op_lrn, &attrs);
}

const EngTfliteRow eng_tflite_rows_math[] = {
  { 0, emit_binary, NULL },
  { 8, emit_unary, NULL },
  { 11, emit_l2_normalization, NULL },
  { 13, emit_local_response, NULL },
  { 14, emit_unary, NULL },
  { 18, emit_binary, NULL },
  { 19, emit_unary, NULL },
  { 20, emit_unary, NULL },
  { 21, emit_unary, NULL },
  { 25, emit_softmax, NULL },
  { 28, emit_unary, NULL },
  { 40, emit_reduce, NULL },
  { 41, emit_binary, NULL },
  { 42, emit_binary, NULL },
  { 47, emit_unary, NULL },
  { 50, emit_log_softmax, NULL },
  { 54, emit_binary, NULL },
  { 55, emit_binary, NULL },
  { 57, emit_binary, NULL },
  { 58, emit_binary, NULL },
  { 59, emit_unary, NULL },
  { 61, emit_binary, NULL },
  { 62, emit_binary, NULL },
  { 63, emit_binary, NULL },
  { 66, emit_unary, NULL },
  { 71, emit_binary, NULL },
  { 72, emit_binary, NULL },
  { 73, emit_unary, NULL },
  { 74, emit_reduce, NULL },
  { 75, emit_unary, NULL },
  { 76, emit_unary, NULL },
  { 78, emit_binary, NULL },
  { 81, emit_reduce, NULL },
  { 82, emit_reduce, NULL },
  { 84, emit_binary, NULL },
  { 86, emit_binary, NULL },
  { 87, emit_unary, NULL },
  { 89, emit_reduce, NULL },
  { 90, emit_binary, NULL },
  { 91, emit_reduce, NULL },
  { 92, emit_unary, NULL },
  { 95, emit_binary, NULL },
  { 98, emit_leaky_relu, NULL },
  { 99, emit_binary, NULL },
  { 101, emit_unary, NULL },
  { 104, emit_unary, NULL },
  { 106, emit_add_n, NULL },
  { 108, emit_unary, NULL },
  { 111, emit_unary, NULL },
  { 116, emit_unary, NULL },
  { 117, emit_unary, NULL },
  { 128, emit_cumsum, NULL },
  { 140, emit_reduce, NULL },
  { 150, emit_gelu, NULL },
  { 152, emit_unary, NULL },
  { 156, emit_binary, NULL },
  { 158, emit_unary, NULL },
  { 160, emit_binary, NULL },
  { 161, emit_binary, NULL },
  { 0, NULL, NULL },
};
