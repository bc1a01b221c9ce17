/* Convolutions, pooling and dense layers of TFLite: padding computed from SAME and VALID, weights
 * as the engine wants them, float, quantized, and quantized weights on float activations. */
#include "eng-tflite-private.h"

#include <math.h>
#include <string.h>

#include "ops/rt-ops-conv.h"
#include "ops/rt-ops-int8.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops-move.h"
#include "ops/rt-ops.h"

enum /* Padding */
{
  PADDING_SAME,
  PADDING_VALID,
};

#define ACTIVATION_TANH 4
#define MAX_STEP 65536 /* strides and dilations beyond this are mistakes */

/* How a window of @kernel slides over @size. */
typedef struct
{
  gint64 size, kernel, stride, dilation;
  gint64 out;
  guint32 before, after;
} Axis;

/* Fill in out, before and after. */
static gboolean
slide (EngTflite *self, Axis *axis, int padding)
{
  gint64 reach = (axis->kernel - 1) * axis->dilation + 1;

  if (axis->size < 1 || axis->kernel < 1 || axis->stride < 1 || axis->stride > MAX_STEP
      || axis->dilation < 1 || axis->dilation > MAX_STEP)
    return eng_import_refuse (self->import,
                              "size %" G_GINT64_FORMAT ", kernel %" G_GINT64_FORMAT
                              ", stride %" G_GINT64_FORMAT " and dilation %" G_GINT64_FORMAT
                              " must be above 0",
                              axis->size, axis->kernel, axis->stride, axis->dilation);
  axis->before = axis->after = 0;
  if (padding == PADDING_VALID)
    {
      if (reach > axis->size)
        return eng_import_refuse (self->import, "the kernel is larger than what it slides over");
      axis->out = (axis->size - reach) / axis->stride + 1;
      return TRUE;
    }
  if (padding != PADDING_SAME)
    return eng_import_refuse (self->import, "padding %d is unknown", padding);
  axis->out = (axis->size + axis->stride - 1) / axis->stride;
  gint64 total = MAX ((axis->out - 1) * axis->stride + reach - axis->size, 0);
  axis->before = (guint32)(total / 2);
  axis->after = (guint32)(total - total / 2);
  return TRUE;
}

/* Shape of a picture [N, H, W, C]; FALSE for other numbers of dimensions. */
static gboolean
get_picture (EngTflite *self, RtValueId value, const char *what, RtShape *shape)
{
  if (value == RT_NONE)
    return FALSE;
  *shape = eng_import_value (self->import, value)->shape;
  if (shape->n_dims == 4)
    return TRUE;
  return eng_import_refuse (self->import, "%s must have 4 dimensions and has %u", what,
                            shape->n_dims);
}

/* ---- Convolution ---- */

/* Place of options in Conv2DOptions and DepthwiseConv2DOptions. */
typedef struct
{
  guint stride_w, stride_h, activation, dilation_w, dilation_h;
} ConvSlots;

static const ConvSlots conv_slots = { 1, 2, 3, 4, 5 };
static const ConvSlots depthwise_slots = { 1, 2, 4, 5, 6 };

static gboolean
read_conv (EngTflite *self, const EngTfliteOp *op, const ConvSlots *slots, const RtShape *x,
           gint64 kernel_h, gint64 kernel_w, RtConvAttrs *attrs)
{
  int padding = eng_tflite_i8 (self, op, 0, 0);
  int activation = eng_tflite_i8 (self, op, slots->activation, 0);
  Axis h = { .size = x->dims[1],
             .kernel = kernel_h,
             .stride = eng_tflite_i32 (self, op, slots->stride_h, 0),
             .dilation = eng_tflite_i32 (self, op, slots->dilation_h, 1) };
  Axis w = { .size = x->dims[2],
             .kernel = kernel_w,
             .stride = eng_tflite_i32 (self, op, slots->stride_w, 0),
             .dilation = eng_tflite_i32 (self, op, slots->dilation_w, 1) };

  if (!slide (self, &h, padding) || !slide (self, &w, padding))
    return FALSE;
  *attrs = (RtConvAttrs){
    .stride_h = (guint32)h.stride,
    .stride_w = (guint32)w.stride,
    .dilation_h = (guint32)h.dilation,
    .dilation_w = (guint32)w.dilation,
    .pad_top = h.before,
    .pad_left = w.before,
    .pad_bottom = h.after,
    .pad_right = w.after,
    .min = -INFINITY,
    .max = INFINITY,
  };
  if (activation == ACTIVATION_TANH)
    {
      attrs->activation = RT_ACTIVATION_TANH;
      return TRUE;
    }
  return eng_tflite_limits (self, activation, &attrs->min, &attrs->max);
}

/* Whether there is an integer kernel: 8-bit activations and weights, 32-bit bias, limits only. */
static gboolean
is_int8 (EngTflite *self, const EngTfliteOp *op)
{
  const EngTfliteTensor *x = eng_tflite_input_tensor (self, op, 0);
  const EngTfliteTensor *w = eng_tflite_input_tensor (self, op, 1);
  const EngTfliteTensor *b = eng_tflite_input_tensor (self, op, 2);
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);

  return x && w && y && eng_tflite_is_quantized (x) && eng_tflite_is_quantized (w)
         && eng_tflite_is_quantized (y) && x->type != ENG_TFLITE_I16 && w->type != ENG_TFLITE_I16
         && y->type != ENG_TFLITE_I16 && (!b || b->type == ENG_TFLITE_I32);
}

/* Bias [O] of sums of 32 bits as a real number: the scale is that of x times that of the
 * weights. */
static RtValueId
real_bias (EngTflite *self, const EngTfliteOp *op, RtValueId bias)
{
  const EngTfliteTensor *x = eng_tflite_input_tensor (self, op, 0);
  const EngTfliteTensor *w = eng_tflite_input_tensor (self, op, 1);
  g_autofree gint64 *sums = NULL;
  gsize n;

  if (bias == RT_NONE || eng_import_value (self->import, bias)->type == RT_TYPE_F32
      || eng_import_value (self->import, bias)->type == RT_TYPE_F16)
    return bias;
  sums = eng_import_dup_ints (self->import, bias, &n);
  if (!sums || !eng_tflite_is_quantized (x) || !eng_tflite_is_quantized (w)
      || (w->n_scales != 1 && w->n_scales != n))
    {
      eng_import_refuse (self->import, "its bias does not fit its weights");
      return RT_NONE;
    }
  g_autofree float *real = g_new (float, n + 1);
  for (gsize i = 0; i < n; i++)
    real[i] = (float)((double)sums[i] * (double)x->scales[0]
                      * (double)w->scales[w->n_scales > 1 ? i : 0]);
  RtShape shape = { .n_dims = 1, .dims = { (int64_t)n } };
  return eng_import_constant (self->import, NULL, RT_TYPE_F32, &shape, real, n * sizeof *real,
                              TRUE);
}

/* x [N, ..] as a layer with quantized weights sees it: where x itself is real, the reference
 * kernels of TFLite round each of the N to 8 bit before they multiply, with a zero point when there
 * is a scale per channel. Others as they are. */
static RtValueId
round_input (EngTflite *self, RtValueId x, const EngTfliteTensor *x_tensor,
             const EngTfliteTensor *w_tensor, gboolean asymmetric)
{
  if (x == RT_NONE || x_tensor->type != ENG_TFLITE_F32 || w_tensor->type != ENG_TFLITE_I8
      || !eng_tflite_is_quantized (w_tensor))
    return x;
  RtDynamicRoundAttrs attrs = { .n_outer = 1, .asymmetric = asymmetric };
  return eng_import_node1 (self->import, &rt_op_dynamic_round, &attrs, &x, 1);
}

/* A convolution of either kind whose inputs are ready. Integer where there is a kernel for it; else
 * with real numbers, made integers again where the file wants them. */
static gboolean
add_conv (EngTflite *self, const EngTfliteOp *op, const RtOp *real_op, const RtOp *int8_op,
          const RtConvAttrs *attrs, RtValueId *inputs)
{
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);

  if (is_int8 (self, op) && attrs->activation == 0)
    {
      RtConvInt8Attrs int8 = { .conv = *attrs, .out_type = (uint32_t)eng_tflite_rt_type (y->type) };
      return eng_tflite_output (self, op, 0,
                                eng_import_node1 (self->import, int8_op, &int8, inputs, 3));
    }
  gboolean has_bias = inputs[RT_CONV_BIAS] != RT_NONE;
  inputs[RT_CONV_BIAS] = real_bias (self, op, inputs[RT_CONV_BIAS]);
  const EngTfliteTensor *w = eng_tflite_input_tensor (self, op, 1);
  inputs[RT_CONV_X] = eng_tflite_real (self, inputs[RT_CONV_X]);
  inputs[RT_CONV_X] = round_input (self, inputs[RT_CONV_X], eng_tflite_input_tensor (self, op, 0),
                                   w, w->n_scales > 1 || int8_op == &rt_op_depthwise_int8);
  inputs[RT_CONV_WEIGHT] = eng_tflite_real (self, inputs[RT_CONV_WEIGHT]);
  if (inputs[RT_CONV_X] == RT_NONE || inputs[RT_CONV_WEIGHT] == RT_NONE
      || (has_bias && inputs[RT_CONV_BIAS] == RT_NONE))
    return FALSE;
  RtValueId made = eng_import_node1 (self->import, real_op, attrs, inputs, 3);
  return eng_tflite_output (self, op, 0, eng_tflite_quantized (self, made, y));
}

static gboolean
emit_conv (EngTflite *self, const EngTfliteOp *op)
{
  gboolean ok = TRUE;
  RtValueId inputs[3]
      = { eng_tflite_input (self, op, 0), eng_tflite_half_input (self, op, 1), RT_NONE };
  RtConvAttrs attrs;
  RtShape x, w;

  if (!get_picture (self, inputs[0], "the input", &x)
      || !get_picture (self, inputs[1], "the weight", &w))
    return FALSE;
  inputs[2] = eng_tflite_optional (self, op, 2, &ok);
  if (!ok || !read_conv (self, op, &conv_slots, &x, w.dims[1], w.dims[2], &attrs))
    return FALSE;
  if (w.dims[3] < 1 || x.dims[3] % w.dims[3] != 0)
    return eng_import_refuse (self->import,
                              "%" G_GINT64_FORMAT
                              " channels cannot be split for weights of %" G_GINT64_FORMAT,
                              x.dims[3], w.dims[3]);
  attrs.groups = (guint32)(x.dims[3] / w.dims[3]);
  return add_conv (self, op, &rt_op_conv, &rt_op_conv_int8, &attrs, inputs);
}

/* [1, KH, KW, C * M] in the file, [KH, KW, C * M] in the engine. */
static RtValueId
depthwise_weight (EngTflite *self, const EngTfliteOp *op, RtValueId weight)
{
  const RtValue *value = eng_import_value (self->import, weight);
  RtShape shape = { .n_dims = 3 };

  if (value->shape.dims[0] != 1)
    {
      eng_import_refuse (self->import, "the first dimension of its weight is not 1");
      return RT_NONE;
    }
  memcpy (shape.dims, value->shape.dims + 1, 3 * sizeof *shape.dims);
  if (!eng_import_is_constant (self->import, weight))
    return eng_tflite_reshape (self, weight, &shape);
  RtValueId made = eng_tflite_constant_as (self, weight, &shape);
  const EngTfliteTensor *tensor = eng_tflite_input_tensor (self, op, 1);
  if (made == RT_NONE
      || (tensor->n_scales > 1 && tensor->quant_axis != 3
          && !eng_import_refuse (self->import, "its scales are not one per channel"))
      || !eng_tflite_set_quant (self, made, tensor, tensor->n_scales > 1 ? 2 : -1))
    return RT_NONE;
  return made;
}

/* [1, KH, KW, M] of bytes becomes [M, KH, KW, 1]. */
static RtValueId
turned_weight (EngTflite *self, const EngTfliteOp *op, RtValueId weight)
{
  const RtValue *value = eng_import_value (self->import, weight);
  const EngTfliteTensor *tensor = eng_tflite_input_tensor (self, op, 1);
  const gsize n_taps = (gsize)(value->shape.dims[1] * value->shape.dims[2]);
  const gsize n_outputs = (gsize)value->shape.dims[3];
  const RtShape shape = { 4, { (gint64)n_outputs, value->shape.dims[1], value->shape.dims[2], 1 } };
  g_autofree guint8 *codes = g_malloc (n_taps * n_outputs);

  for (gsize tap = 0; tap < n_taps; tap++)
    for (gsize o = 0; o < n_outputs; o++)
      codes[o * n_taps + tap] = ((const guint8 *)value->data)[tap * n_outputs + o];
  RtValueId made = eng_import_constant (self->import, value->name, value->type, &shape, codes,
                                        n_taps * n_outputs, TRUE);
  return made != RT_NONE && eng_tflite_set_quant (self, made, tensor, tensor->n_scales > 1 ? 0 : -1)
             ? made
             : RT_NONE;
}

/* A depthwise convolution of one channel is an ordinary one, which is several times as fast in 8
 * bit. */
static gboolean
is_ordinary (EngTflite *self, const EngTfliteOp *op, const RtShape *x, RtValueId weight)
{
  const RtValue *value = eng_import_value (self->import, weight);
  const EngTfliteTensor *tensor = eng_tflite_input_tensor (self, op, 1);

  return is_int8 (self, op) && x->dims[3] == 1 && eng_import_is_constant (self->import, weight)
         && value->shape.dims[0] == 1 && rt_type_bytes (value->type) == 1
         && value->data_bytes == rt_shape_n (&value->shape)
         && (tensor->n_scales <= 1 || tensor->quant_axis == 3);
}

static gboolean
emit_depthwise (EngTflite *self, const EngTfliteOp *op)
{
  gboolean ok = TRUE;
  RtValueId inputs[3]
      = { eng_tflite_input (self, op, 0), eng_tflite_half_input (self, op, 1), RT_NONE };
  RtConvAttrs attrs;
  RtShape x, w;

  if (!get_picture (self, inputs[0], "the input", &x)
      || !get_picture (self, inputs[1], "the weight", &w))
    return FALSE;
  inputs[2] = eng_tflite_optional (self, op, 2, &ok);
  if (!ok || !read_conv (self, op, &depthwise_slots, &x, w.dims[1], w.dims[2], &attrs))
    return FALSE;
  const gboolean ordinary = attrs.activation == 0 && is_ordinary (self, op, &x, inputs[1]);
  inputs[1]
      = ordinary ? turned_weight (self, op, inputs[1]) : depthwise_weight (self, op, inputs[1]);
  if (inputs[1] == RT_NONE)
    return FALSE;
  attrs.groups = ordinary ? 1 : attrs.groups;
  if (ordinary)
    return add_conv (self, op, &rt_op_conv, &rt_op_conv_int8, &attrs, inputs);
  return add_conv (self, op, &rt_op_depthwise, &rt_op_depthwise_int8, &attrs, inputs);
}

/* ---- Transposed convolution ---- */

/* Padding of the convolution whose gradient this is, and what no window ends in. */
static gboolean
slide_back (EngTflite *self, gint64 size, gint64 kernel, gint64 stride, gint64 out, int padding,
            guint32 *before, guint32 *after, guint32 *more)
{
  if (size < 1 || kernel < 1 || stride < 1 || stride > MAX_STEP || out < 1
      || (padding != PADDING_SAME && padding != PADDING_VALID))
    return eng_import_refuse (self->import, "kernel, stride or padding make no sense");
  gint64 full = (size - 1) * stride + kernel, total = full - out;
  *before = *after = *more = 0;
  if (total < 0 && -total <= MAX_STEP)
    *more = (guint32)-total;
  else if (total >= 0 && padding == PADDING_SAME)
    {
      *before = (guint32)(total / 2);
      *after = (guint32)(total - total / 2);
    }
  else if (total >= 0)
    *after = (guint32)total; /* what lies outside is cut off at the end */
  else
    return eng_import_refuse (self->import, "the output is larger than what the input reaches");
  return TRUE;
}

static gboolean
add_conv_transpose (EngTflite *self, const EngTfliteOp *op, RtValueId x_id, RtValueId w_id,
                    RtValueId bias, int padding, gint64 stride_h, gint64 stride_w, int activation,
                    gint64 out_h, gint64 out_w)
{
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);
  RtConvTransposeAttrs attrs
      = { .conv
          = { .dilation_h = 1, .dilation_w = 1, .groups = 1, .min = -INFINITY, .max = INFINITY } };
  RtConvAttrs *conv = &attrs.conv;
  RtShape x, w;

  x_id = eng_tflite_real (self, x_id);
  w_id = eng_tflite_real (self, w_id);
  if (!get_picture (self, x_id, "the input", &x) || !get_picture (self, w_id, "the weight", &w))
    return FALSE;
  if (!slide_back (self, x.dims[1], w.dims[1], stride_h, out_h, padding, &conv->pad_top,
                   &conv->pad_bottom, &attrs.output_pad_h)
      || !slide_back (self, x.dims[2], w.dims[2], stride_w, out_w, padding, &conv->pad_left,
                      &conv->pad_right, &attrs.output_pad_w))
    return FALSE;
  conv->stride_h = (guint32)stride_h;
  conv->stride_w = (guint32)stride_w;
  if (activation == ACTIVATION_TANH)
    conv->activation = RT_ACTIVATION_TANH;
  else if (!eng_tflite_limits (self, activation, &conv->min, &conv->max))
    return FALSE;
  RtValueId made = eng_import_node1 (self->import, &rt_op_conv_transpose, &attrs,
                                     (RtValueId[]){ x_id, w_id, bias }, 3);
  return eng_tflite_output (self, op, 0, eng_tflite_quantized (self, made, y));
}

/* Inputs: shape of the output, weight, x, bias. */
static gboolean
emit_transpose_conv (EngTflite *self, const EngTfliteOp *op)
{
  gboolean ok = TRUE;
  gsize n;
  g_autofree gint64 *out = eng_tflite_dup_ints (self, op, 0, &n);
  RtValueId w = eng_tflite_half_input (self, op, 1), x = eng_tflite_input (self, op, 2);
  RtValueId bias = eng_tflite_optional (self, op, 3, &ok);

  if (!out || x == RT_NONE || w == RT_NONE || !ok)
    return FALSE;
  if (n != 4)
    return eng_import_refuse (self->import, "the shape of its output has %zu sizes", n);
  x = round_input (self, x, eng_tflite_input_tensor (self, op, 2),
                   eng_tflite_input_tensor (self, op, 1), TRUE);
  if (x == RT_NONE)
    return FALSE;
  if (bias != RT_NONE && eng_import_value (self->import, bias)->type != RT_TYPE_F32)
    {
      /* x is input 2 here; real_bias() reads inputs 0 and 1. */
      gint32 order[2] = { op->inputs[2], op->inputs[1] };
      EngTfliteOp same = *op;
      same.inputs = order;
      same.n_inputs = 2;
      bias = real_bias (self, &same, bias);
      if (bias == RT_NONE)
        return FALSE;
    }
  return add_conv_transpose (self, op, x, w, bias, eng_tflite_i8 (self, op, 0, 0),
                             eng_tflite_i32 (self, op, 2, 0), eng_tflite_i32 (self, op, 1, 0),
                             eng_tflite_i8 (self, op, 3, 0), out[1], out[2]);
}

/* MediaPipe's operator: x, weight [O, KH, KW, I], bias; options: padding (1 SAME, 2 VALID), stride
 * of columns, of rows, 32 bits each. */
static gboolean
emit_conv_transpose_bias (EngTflite *self, const EngTfliteOp *op)
{
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);
  RtValueId x = eng_tflite_input (self, op, 0), w = eng_tflite_half_input (self, op, 1);
  RtValueId bias = eng_tflite_input (self, op, 2);
  gint32 options[3];

  if (x == RT_NONE || w == RT_NONE || bias == RT_NONE)
    return FALSE;
  if (op->n_custom_options < sizeof options || !y || y->n_dims != 4)
    return eng_import_refuse (self->import, "its options or its output are not as expected");
  memcpy (options, op->custom_options, sizeof options);
  for (guint i = 0; i < 3; i++)
    options[i] = GINT32_FROM_LE (options[i]);
  return add_conv_transpose (self, op, x, w, bias, options[0] - 1, options[2], options[1], 0,
                             y->dims[1], y->dims[2]);
}

/* ---- Pooling ---- */

static gboolean
read_pool (EngTflite *self, const EngTfliteOp *op, const RtShape *x, RtPoolAttrs *attrs)
{
  int padding = eng_tflite_i8 (self, op, 0, 0);
  Axis h = { .size = x->dims[1],
             .kernel = eng_tflite_i32 (self, op, 4, 0),
             .stride = eng_tflite_i32 (self, op, 2, 0),
             .dilation = 1 };
  Axis w = { .size = x->dims[2],
             .kernel = eng_tflite_i32 (self, op, 3, 0),
             .stride = eng_tflite_i32 (self, op, 1, 0),
             .dilation = 1 };

  if (!slide (self, &h, padding) || !slide (self, &w, padding))
    return FALSE;
  *attrs = (RtPoolAttrs){
    .kernel_h = (guint32)h.kernel,
    .kernel_w = (guint32)w.kernel,
    .stride_h = (guint32)h.stride,
    .stride_w = (guint32)w.stride,
    .dilation_h = 1,
    .dilation_w = 1,
    .pad_top = h.before,
    .pad_left = w.before,
    .pad_bottom = h.after,
    .pad_right = w.after,
  };
  return eng_tflite_limits (self, eng_tflite_i8 (self, op, 5, 0), &attrs->min, &attrs->max);
}

static gboolean
emit_pool (EngTflite *self, const EngTfliteOp *op, const RtOp *real_op, const RtOp *int8_op)
{
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);
  const EngTfliteTensor *x_tensor = eng_tflite_input_tensor (self, op, 0);
  RtValueId x = eng_tflite_input (self, op, 0);
  RtPoolAttrs attrs;
  RtShape shape;

  if (!get_picture (self, x, "the input", &shape) || !read_pool (self, op, &shape, &attrs))
    return FALSE;
  if (eng_tflite_is_byte (x_tensor) && eng_tflite_is_byte (y) && x_tensor->type == y->type)
    return eng_tflite_output (self, op, 0, eng_import_node1 (self->import, int8_op, &attrs, &x, 1));
  x = eng_tflite_real (self, x);
  if (x == RT_NONE)
    return FALSE;
  RtValueId made = eng_import_node1 (self->import, real_op, &attrs, &x, 1);
  return eng_tflite_output (self, op, 0, eng_tflite_quantized (self, made, y));
}

static gboolean
emit_max_pool (EngTflite *self, const EngTfliteOp *op)
{
  return emit_pool (self, op, &rt_op_max_pool, &rt_op_max_pool_int8);
}

static gboolean
emit_average_pool (EngTflite *self, const EngTfliteOp *op)
{
  return emit_pool (self, op, &rt_op_average_pool, &rt_op_average_pool_int8);
}

/* sqrt (mean of x^2) */
static gboolean
emit_l2_pool (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId x = eng_tflite_input (self, op, 0);
  RtPoolAttrs attrs;
  RtShape shape;

  if (!get_picture (self, x, "the input", &shape) || !read_pool (self, op, &shape, &attrs))
    return FALSE;
  RtUnaryAttrs limits = { .a = attrs.min, .b = attrs.max };
  attrs.min = -INFINITY;
  attrs.max = INFINITY;
  x = eng_import_node1 (self->import, &rt_op_square, NULL, &x, 1);
  x = eng_import_node1 (self->import, &rt_op_average_pool, &attrs, &x, 1);
  x = eng_import_node1 (self->import, &rt_op_sqrt, NULL, &x, 1);
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_clip, &limits, &x, 1));
}

/* ---- Dense layers ---- */

/* x as [rows, C] unless its last dimension is C already. */
static RtValueId
as_rows (EngTflite *self, RtValueId x, gint64 n_columns)
{
  const RtValue *value = eng_import_value (self->import, x);
  RtShape shape = { .n_dims = 2 };
  guint64 n = rt_shape_n (&value->shape);

  if (value->shape.n_dims > 0 && value->shape.dims[value->shape.n_dims - 1] == n_columns
      && value->shape.n_dims >= 2)
    return x;
  if (n_columns < 1 || n % (guint64)n_columns != 0)
    {
      eng_import_refuse (self->import,
                         "%" G_GUINT64_FORMAT " inputs cannot be rows of %" G_GINT64_FORMAT, n,
                         n_columns);
      return RT_NONE;
    }
  shape.dims[0] = (int64_t)(n / (guint64)n_columns);
  shape.dims[1] = n_columns;
  return eng_tflite_reshape (self, x, &shape);
}

/* The result in the shape that the file declares, when it is another one. */
static RtValueId
as_declared (EngTflite *self, RtValueId value, const EngTfliteTensor *tensor)
{
  RtShape shape;

  if (value == RT_NONE || !tensor || self->is_resized)
    return value;
  eng_tflite_shape (tensor, &shape);
  if (rt_shape_n (&shape) != rt_shape_n (&eng_import_value (self->import, value)->shape))
    return value;
  return eng_tflite_reshape (self, value, &shape);
}

static RtValueId
add_dense_int8 (EngTflite *self, const EngTfliteOp *op, RtValueId *inputs, int activation)
{
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);
  RtFullyConnectedInt8Attrs attrs = { .out_type = (uint32_t)eng_tflite_rt_type (y->type) };

  if (!eng_tflite_limits (self, activation, &attrs.min, &attrs.max))
    return RT_NONE;
  RtValueId made = eng_import_node1 (self->import, &rt_op_fully_connected_int8, &attrs, inputs, 3);
  if (made == RT_NONE || !eng_tflite_set_quant (self, made, y, -1))
    return RT_NONE;
  return made;
}

/* Float activations times 8-bit weights around 0: each row of x is quantized as it comes. */
static gboolean
is_hybrid (EngTflite *self, const EngTfliteOp *op)
{
  const EngTfliteTensor *x = eng_tflite_input_tensor (self, op, 0);
  const EngTfliteTensor *w = eng_tflite_input_tensor (self, op, 1);

  if (!x || !w || x->type != ENG_TFLITE_F32 || w->type != ENG_TFLITE_I8
      || !eng_tflite_is_quantized (w))
    return FALSE;
  for (guint i = 0; i < w->n_scales; i++)
    if (w->zero_points[i] != 0)
      return FALSE;
  return TRUE;
}

static gboolean
emit_fully_connected (EngTflite *self, const EngTfliteOp *op)
{
  gboolean ok = TRUE;
  int activation = eng_tflite_i8 (self, op, 0, 0);
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);
  RtValueId inputs[3] = { eng_tflite_input (self, op, 0), eng_tflite_half_input (self, op, 1),
                          eng_tflite_optional (self, op, 2, &ok) };
  RtValueId made;

  if (inputs[0] == RT_NONE || inputs[1] == RT_NONE || !ok)
    return FALSE;
  const RtShape w = eng_import_value (self->import, inputs[1])->shape;
  if (w.n_dims != 2 || eng_tflite_i8 (self, op, 1, 0) != 0)
    return eng_import_refuse (self->import, "its weights are not laid out as [outputs, inputs]");
  inputs[0] = as_rows (self, inputs[0], w.dims[1]);
  if (inputs[0] == RT_NONE)
    return FALSE;
  if (is_int8 (self, op) && activation != ACTIVATION_TANH)
    {
      made = add_dense_int8 (self, op, inputs, activation);
      return eng_tflite_output (self, op, 0, as_declared (self, made, y));
    }
  if (is_hybrid (self, op) && activation != ACTIVATION_TANH)
    {
      RtHybridAttrs attrs = { .asymmetric = eng_tflite_bool (self, op, 3) };
      if (!eng_tflite_limits (self, activation, &attrs.min, &attrs.max))
        return FALSE;
      made = eng_import_node1 (self->import, &rt_op_fully_connected_hybrid, &attrs, inputs, 3);
      return eng_tflite_output (self, op, 0, as_declared (self, made, y));
    }
  gboolean has_bias = inputs[2] != RT_NONE;
  inputs[2] = real_bias (self, op, inputs[2]);
  inputs[0] = eng_tflite_real (self, inputs[0]);
  inputs[1] = eng_tflite_real (self, inputs[1]);
  if (inputs[0] == RT_NONE || inputs[1] == RT_NONE || (has_bias && inputs[2] == RT_NONE))
    return FALSE;
  if (eng_import_is_constant (self->import, inputs[1]))
    made = eng_import_node1 (self->import, &rt_op_matmul, NULL, inputs, 3);
  else
    {
      RtMatmulNdAttrs attrs = { .transpose_b = 1 };
      made = eng_import_node1 (self->import, &rt_op_matmul_nd, &attrs, inputs, 2);
      if (made != RT_NONE && has_bias)
        made = eng_import_node1 (self->import, &rt_op_add, NULL, (RtValueId[]){ made, inputs[2] },
                                 2);
    }
  made = eng_tflite_activate (self, made, activation);
  made = eng_tflite_quantized (self, made, y);
  return eng_tflite_output (self, op, 0, as_declared (self, made, y));
}

static gboolean
emit_batch_matmul (EngTflite *self, const EngTfliteOp *op)
{
  RtMatmulNdAttrs attrs = { .transpose_a = (uint32_t)eng_tflite_bool (self, op, 0),
                            .transpose_b = (uint32_t)eng_tflite_bool (self, op, 1) };
  RtValueId inputs[2] = { eng_tflite_real (self, eng_tflite_input (self, op, 0)),
                          eng_tflite_real (self, eng_tflite_input (self, op, 1)) };

  if (inputs[0] == RT_NONE || inputs[1] == RT_NONE)
    return FALSE;
  RtValueId made = eng_import_node1 (self->import, &rt_op_matmul_nd, &attrs, inputs, 2);
  return eng_tflite_output (self, op, 0,
                            eng_tflite_quantized (self, made,
                                                  eng_tflite_output_tensor (self, op, 0)));
}

const EngTfliteRow eng_tflite_rows_conv[] = {
  { 1, emit_average_pool, NULL },    /* AVERAGE_POOL_2D */
  { 3, emit_conv, NULL },            /* CONV_2D */
  { 4, emit_depthwise, NULL },       /* DEPTHWISE_CONV_2D */
  { 9, emit_fully_connected, NULL }, /* FULLY_CONNECTED */
  { 12, emit_l2_pool, NULL },        /* L2_POOL_2D */
  { 17, emit_max_pool, NULL },       /* MAX_POOL_2D */
  { 67, emit_transpose_conv, NULL }, /* TRANSPOSE_CONV */
  { 126, emit_batch_matmul, NULL },  /* BATCH_MATMUL */
  { ENG_TFLITE_CUSTOM, emit_conv_transpose_bias, "Convolution2DTransposeBias" },
  { 0, NULL, NULL },
};
