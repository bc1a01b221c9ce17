/* What emit functions ask about an operator and the few nodes that many of them add. Called by the
 * tables of eng-tflite-*.c; knows no single operator. */
#include "eng-tflite-private.h"

#include <math.h>
#include <string.h>

#include "ops/rt-ops-int8.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops-move.h"

/* ---- Tensors of the operator ---- */

const EngTfliteTensor *
eng_tflite_input_tensor (const EngTflite *self, const EngTfliteOp *op, guint index)
{
  if (index >= op->n_inputs || op->inputs[index] < 0)
    return NULL;
  return &self->graph->tensors[op->inputs[index]];
}

const EngTfliteTensor *
eng_tflite_output_tensor (const EngTflite *self, const EngTfliteOp *op, guint index)
{
  return index < op->n_outputs ? &self->graph->tensors[op->outputs[index]] : NULL;
}

RtValueId
eng_tflite_half_input (EngTflite *self, const EngTfliteOp *op, guint index)
{
  if (!eng_tflite_input_tensor (self, op, index))
    {
      eng_import_refuse (self->import, "input %u is missing", index + 1);
      return RT_NONE;
    }
  return eng_tflite_tensor_value (self, op->inputs[index]);
}

/* Constants of half precision behind a DEQUANTIZE stay as they are until somebody needs them
 * f32. */
static RtValueId
as_f32 (EngTflite *self, RtValueId value)
{
  const RtValue *v = eng_import_value (self->import, value);

  if (v->type != RT_TYPE_F16 && v->type != RT_TYPE_BF16)
    return value;
  return eng_import_node1 (self->import, &rt_op_cast, &(RtTypeAttrs){ RT_TYPE_F32 }, &value, 1);
}

RtValueId
eng_tflite_input (EngTflite *self, const EngTfliteOp *op, guint index)
{
  RtValueId value = eng_tflite_half_input (self, op, index);

  if (value != RT_NONE && eng_tflite_input_tensor (self, op, index)->type == ENG_TFLITE_F32)
    return as_f32 (self, value);
  return value;
}

RtValueId
eng_tflite_optional (EngTflite *self, const EngTfliteOp *op, guint index, gboolean *ok)
{
  if (!eng_tflite_input_tensor (self, op, index))
    return RT_NONE;
  RtValueId value = eng_tflite_input (self, op, index);
  if (value == RT_NONE)
    *ok = FALSE;
  return value;
}

gint64 *
eng_tflite_dup_ints (EngTflite *self, const EngTfliteOp *op, guint index, gsize *n)
{
  RtValueId value = eng_tflite_input (self, op, index);
  gint64 *ints = value != RT_NONE ? eng_import_dup_ints (self->import, value, n) : NULL;

  if (value != RT_NONE && !ints)
    eng_import_refuse (self->import,
                       "input %u (%s) depends on what the network is given; it must be constant",
                       index + 1, eng_tflite_input_tensor (self, op, index)->name);
  return ints;
}

/* Whether @value has the shape that the file declares for @tensor. */
static gboolean
check_declared (EngTflite *self, RtValueId value, const EngTfliteTensor *tensor)
{
  const RtValue *v = eng_import_value (self->import, value);
  char declared[128], made[128];
  RtShape shape;
  gboolean same = v->shape.n_dims == tensor->n_dims;

  for (guint i = 0; same && i < tensor->n_dims; i++)
    same = v->shape.dims[i] == tensor->dims[i] || tensor->signature[i] < 0;
  if (same || self->is_resized)
    return TRUE;
  eng_tflite_shape (tensor, &shape);
  /* Sizes that only a run would know are declared as nothing. */
  if (tensor->n_dims == 0 && rt_shape_n (&v->shape) != 1)
    return TRUE;
  return eng_import_refuse (self->import, "the file declares %s of shape %s, but it has shape %s",
                            tensor->name, rt_shape_text (&shape, declared, sizeof declared),
                            rt_shape_text (&v->shape, made, sizeof made));
}

gboolean
eng_tflite_output (EngTflite *self, const EngTfliteOp *op, guint index, RtValueId value)
{
  const EngTfliteTensor *tensor = eng_tflite_output_tensor (self, op, index);

  if (value == RT_NONE)
    return FALSE;
  if (!tensor)
    return TRUE;
  const RtValue *v = eng_import_value (self->import, value);
  gboolean is_half = v->type == RT_TYPE_F16 && tensor->type == ENG_TFLITE_F32;
  if (v->type != eng_tflite_rt_type (tensor->type) && !is_half)
    return eng_import_refuse (self->import, "the file declares %s of type %s, but it has type %s",
                              tensor->name, eng_tflite_type_name (tensor->type),
                              rt_type_name (v->type));
  if (!check_declared (self, value, tensor)
      || (!v->quant && !eng_tflite_set_quant (self, value, tensor, -1)))
    return FALSE;
  eng_import_bind (self->import, self->keys[op->outputs[index]], value);
  return TRUE;
}

/* ---- Options ---- */

gint32
eng_tflite_i32 (EngTflite *self, const EngTfliteOp *op, guint slot, gint32 absent)
{
  return eng_flat_i32 (&self->file->flat, op->options, slot, absent);
}

gint8
eng_tflite_i8 (EngTflite *self, const EngTfliteOp *op, guint slot, gint8 absent)
{
  return eng_flat_i8 (&self->file->flat, op->options, slot, absent);
}

float
eng_tflite_f32 (EngTflite *self, const EngTfliteOp *op, guint slot, float absent)
{
  return eng_flat_f32 (&self->file->flat, op->options, slot, absent);
}

gboolean
eng_tflite_bool (EngTflite *self, const EngTfliteOp *op, guint slot)
{
  return eng_flat_bool (&self->file->flat, op->options, slot, FALSE);
}

/* ---- Nodes that many operators need ---- */

RtValueId
eng_tflite_reshape (EngTflite *self, RtValueId value, const RtShape *shape)
{
  if (value == RT_NONE)
    return RT_NONE;
  const RtValue *v = eng_import_value (self->import, value);
  if (v->shape.n_dims == shape->n_dims
      && memcmp (v->shape.dims, shape->dims, shape->n_dims * sizeof *shape->dims) == 0)
    return value;
  RtValueId made
      = eng_import_node1 (self->import, &rt_op_reshape, &(RtShapeAttrs){ *shape }, &value, 1);
  const RtQuant *quant = eng_import_value (self->import, value)->quant;
  if (made != RT_NONE && quant && quant->n == 1
      && !eng_import_set_quant (self->import, made, quant))
    return RT_NONE;
  return made;
}

RtValueId
eng_tflite_real (EngTflite *self, RtValueId value)
{
  if (value == RT_NONE || !eng_import_value (self->import, value)->quant)
    return value;
  return eng_import_node1 (self->import, &rt_op_dequantize,
                           &(RtQuantizeAttrs){ .type = RT_TYPE_F32 }, &value, 1);
}

RtValueId
eng_tflite_quantized (EngTflite *self, RtValueId value, const EngTfliteTensor *tensor)
{
  if (value == RT_NONE || !eng_tflite_is_quantized (tensor))
    return value;
  RtQuantizeAttrs attrs = { .type = (uint32_t)eng_tflite_rt_type (tensor->type) };
  RtValueId made = eng_import_node1 (self->import, &rt_op_quantize, &attrs, &value, 1);
  if (made == RT_NONE || !eng_tflite_set_quant (self, made, tensor, -1))
    return RT_NONE;
  return made;
}

enum /* ActivationFunctionType */
{
  ACTIVATION_NONE,
  ACTIVATION_RELU,
  ACTIVATION_RELU_N1_TO_1,
  ACTIVATION_RELU6,
  ACTIVATION_TANH,
  ACTIVATION_SIGN_BIT,
};

gboolean
eng_tflite_limits (EngTflite *self, int activation, float *min, float *max)
{
  *min = -INFINITY;
  *max = INFINITY;
  switch (activation)
    {
    case ACTIVATION_NONE:
      return TRUE;
    case ACTIVATION_RELU:
      *min = 0;
      return TRUE;
    case ACTIVATION_RELU6:
      *min = 0;
      *max = 6;
      return TRUE;
    case ACTIVATION_RELU_N1_TO_1:
      *min = -1;
      *max = 1;
      return TRUE;
    default:
      return eng_import_refuse (self->import, "fused activation %d is not supported here",
                                activation);
    }
}

RtValueId
eng_tflite_activate (EngTflite *self, RtValueId value, int activation)
{
  float min, max;

  if (value == RT_NONE || activation == ACTIVATION_NONE)
    return value;
  if (activation == ACTIVATION_TANH)
    return eng_import_node1 (self->import, &rt_op_tanh, NULL, &value, 1);
  if (!eng_tflite_limits (self, activation, &min, &max))
    return RT_NONE;
  if (activation == ACTIVATION_RELU)
    return eng_import_node1 (self->import, &rt_op_relu, NULL, &value, 1);
  RtUnaryAttrs attrs = { .a = min, .b = max };
  return eng_import_node1 (self->import, &rt_op_clip, &attrs, &value, 1);
}
