/* Recurrent layers of TFLite, whose memory is in variable tensors, and the operator that makes
 * detections of boxes and scores. */
#include "eng-tflite-private.h"

#include <math.h>
#include <string.h>

#include "eng-flexbuffer.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops-move.h"

/* ---- LSTM ---- */

enum /* inputs of UNIDIRECTIONAL_SEQUENCE_LSTM; gates in the order i, f, c, o */
{
  LSTM_X,
  LSTM_W,            /* 4: input weights [H, I] */
  LSTM_R = 5,        /* 4: recurrent weights [H, H] */
  LSTM_PEEPHOLE = 9, /* 3: i, f, o */
  LSTM_BIAS = 12,    /* 4 */
  LSTM_PROJECTION = 16,
  LSTM_PROJECTION_BIAS,
  LSTM_H,
  LSTM_C,
  LSTM_NORM, /* 4: layer normalization */
};

/* The gates of TFLite in ONNX's order: i, o, f, c. */
static const guint gate_order[4] = { 0, 3, 1, 2 };

/* The four matrices from input @first on, below one another. */
static RtValueId
join_gates (EngTflite *self, const EngTfliteOp *op, guint first)
{
  RtValueId parts[4];

  for (guint i = 0; i < 4; i++)
    {
      parts[i] = eng_tflite_real (self, eng_tflite_input (self, op, first + gate_order[i]));
      if (parts[i] == RT_NONE)
        return RT_NONE;
    }
  return eng_import_node1 (self->import, &rt_op_concat, &(RtAxisAttrs){ 0 }, parts, 4);
}

/* [1, 8 H]: the four biases of the input side, zeros for the recurrent side. */
static RtValueId
join_biases (EngTflite *self, const EngTfliteOp *op, gint64 hidden)
{
  RtShape zeros_shape = { .n_dims = 1, .dims = { 4 * hidden } };
  RtShape shape = { .n_dims = 2, .dims = { 1, 8 * hidden } };
  RtValueId gates = join_gates (self, op, LSTM_BIAS);
  g_autofree float *zeros = g_new0 (float, (gsize)(4 * hidden));

  if (gates == RT_NONE)
    return RT_NONE;
  RtValueId rest = eng_import_constant (self->import, NULL, RT_TYPE_F32, &zeros_shape, zeros,
                                        (guint64)hidden * 16, TRUE);
  if (rest == RT_NONE)
    return RT_NONE;
  RtValueId both = eng_import_node1 (self->import, &rt_op_concat, &(RtAxisAttrs){ 0 },
                                     (RtValueId[]){ gates, rest }, 2);
  return eng_tflite_reshape (self, both, &shape);
}

/* A variable tensor [B, H] as a state [1, B, H] or [B, 1, H], zero at the beginning. */
static RtValueId
lstm_state (EngTflite *self, const EngTfliteOp *op, guint index, gint64 batch, gint64 hidden,
            gboolean batch_first)
{
  const EngTfliteTensor *tensor = eng_tflite_input_tensor (self, op, index);
  RtShape shape = { .n_dims = 3, .dims = { 1, batch, hidden } };

  if (!tensor || !tensor->is_variable
      || (gint64)eng_tflite_tensor_n_items (tensor) != batch * hidden)
    {
      eng_import_refuse (self->import, "input %u is no state of %" G_GINT64_FORMAT " numbers",
                         index + 1, batch * hidden);
      return RT_NONE;
    }
  if (batch_first)
    {
      shape.dims[0] = batch;
      shape.dims[1] = 1;
    }
  return eng_import_state (self->import, tensor->name, RT_TYPE_F32, &shape, NULL);
}

static gboolean
check_lstm (EngTflite *self, const EngTfliteOp *op)
{
  static const struct
  {
    guint index;
    const char *what;
  } absent[] = { { LSTM_PEEPHOLE, "peepholes" },
                 { LSTM_PEEPHOLE + 1, "peepholes" },
                 { LSTM_PROJECTION, "a projection" },
                 { LSTM_NORM, "layer normalization" },
                 { LSTM_NORM + 1, "layer normalization" } };

  for (gsize i = 0; i < G_N_ELEMENTS (absent); i++)
    if (eng_tflite_input_tensor (self, op, absent[i].index))
      return eng_import_refuse (self->import, "an LSTM with %s is not supported", absent[i].what);
  if (!eng_tflite_input_tensor (self, op, LSTM_W))
    return eng_import_refuse (self->import, "an LSTM with coupled gates is not supported");
  if (eng_tflite_i8 (self, op, 0, 0) != 4)
    return eng_import_refuse (self->import,
                              "an LSTM whose activation is not tanh is not supported");
  return TRUE;
}

static gboolean
add_lstm (EngTflite *self, const EngTfliteOp *op, RtValueId x, gint64 batch, gint64 steps,
          gint64 hidden, gboolean batch_first)
{
  RtRecurrentAttrs attrs = {
    .hidden = (uint32_t)hidden,
    .direction = RT_RECURRENT_FORWARD,
    .activations = { { { .function = RT_GATE_SIGMOID },
                       { .function = RT_GATE_TANH },
                       { .function = RT_GATE_TANH } } },
    .cell_clip = MAX (eng_tflite_f32 (self, op, 1, 0), 0),
    .batch_first = batch_first,
  };
  RtValueId inputs[RT_RECURRENT_N_INPUTS], outputs[RT_MAX_OUTPUTS];

  for (guint i = 0; i < RT_RECURRENT_N_INPUTS; i++)
    inputs[i] = RT_NONE;
  inputs[RT_RECURRENT_X] = x;
  inputs[RT_RECURRENT_W_0] = join_gates (self, op, LSTM_W);
  inputs[RT_RECURRENT_R_0] = join_gates (self, op, LSTM_R);
  inputs[RT_RECURRENT_BIAS] = join_biases (self, op, hidden);
  inputs[RT_RECURRENT_H] = lstm_state (self, op, LSTM_H, batch, hidden, batch_first);
  inputs[RT_RECURRENT_C] = lstm_state (self, op, LSTM_C, batch, hidden, batch_first);
  if (inputs[RT_RECURRENT_W_0] == RT_NONE || inputs[RT_RECURRENT_R_0] == RT_NONE
      || inputs[RT_RECURRENT_BIAS] == RT_NONE || inputs[RT_RECURRENT_H] == RT_NONE
      || inputs[RT_RECURRENT_C] == RT_NONE)
    return FALSE;
  if (!eng_import_node (self->import, &rt_op_lstm, &attrs, inputs, RT_RECURRENT_N_INPUTS, outputs)
      || !eng_import_set_next (self->import, inputs[RT_RECURRENT_H], outputs[1])
      || !eng_import_set_next (self->import, inputs[RT_RECURRENT_C], outputs[2]))
    return FALSE;
  RtShape shape = { .n_dims = 3, .dims = { steps, batch, hidden } };
  if (batch_first)
    {
      shape.dims[0] = batch;
      shape.dims[1] = steps;
    }
  return eng_tflite_output (self, op, 0, eng_tflite_reshape (self, outputs[0], &shape));
}

static gboolean
emit_sequence_lstm (EngTflite *self, const EngTfliteOp *op)
{
  gboolean time_major = eng_tflite_bool (self, op, 3);
  RtValueId x = eng_tflite_input (self, op, LSTM_X);

  if (x == RT_NONE || !check_lstm (self, op))
    return FALSE;
  const RtShape shape = eng_import_value (self->import, x)->shape;
  const EngTfliteTensor *w = eng_tflite_input_tensor (self, op, LSTM_W);
  if (shape.n_dims != 3 || w->n_dims != 2 || w->dims[0] < 1)
    return eng_import_refuse (self->import, "its input must have 3 dimensions and its weights 2");
  if (eng_tflite_is_quantized (eng_tflite_input_tensor (self, op, LSTM_X)))
    return eng_import_refuse (self->import, "an LSTM in integers is not supported");
  return add_lstm (self, op, x, shape.dims[time_major ? 1 : 0], shape.dims[time_major ? 0 : 1],
                   w->dims[0], !time_major);
}

/* ---- Detections ---- */

/* Inputs: boxes, scores, anchors. */
static gboolean
emit_detections (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId inputs[3], outputs[RT_MAX_OUTPUTS];
  EngFlex flex;
  gint64 max = 0, per_detection = 1, per_class = 100, n_classes = 0, regular = 0;
  double score = 0, iou = 0.5, y = 1, x = 1, h = 1, w = 1;

  if (!eng_flex_init (&flex, op->custom_options, op->n_custom_options)
      || !eng_flex_int (&flex, "max_detections", &max)
      || !eng_flex_int (&flex, "num_classes", &n_classes))
    return eng_import_refuse (self->import, "its options are damaged");
  eng_flex_int (&flex, "max_classes_per_detection", &per_detection);
  eng_flex_int (&flex, "detections_per_class", &per_class);
  eng_flex_int (&flex, "use_regular_nms", &regular);
  eng_flex_float (&flex, "nms_score_threshold", &score);
  eng_flex_float (&flex, "nms_iou_threshold", &iou);
  eng_flex_float (&flex, "y_scale", &y);
  eng_flex_float (&flex, "x_scale", &x);
  eng_flex_float (&flex, "h_scale", &h);
  eng_flex_float (&flex, "w_scale", &w);
  if (max < 1 || max > 100000 || per_detection < 1 || per_detection > 100000 || per_class < 1
      || per_class > 100000 || n_classes < 1 || n_classes > 100000)
    return eng_import_refuse (self->import, "its options are out of range");
  for (guint i = 0; i < 3; i++)
    {
      inputs[i] = eng_tflite_real (self, eng_tflite_input (self, op, i));
      if (inputs[i] == RT_NONE)
        return FALSE;
    }
  RtDetectionsAttrs attrs = {
    .max_detections = (uint32_t)max,
    .max_classes_per_detection = (uint32_t)per_detection,
    .detections_per_class = (uint32_t)per_class,
    .n_classes = (uint32_t)n_classes,
    .regular = regular != 0,
    .score_threshold = (float)score,
    .iou_threshold = (float)iou,
    .y_scale = (float)y,
    .x_scale = (float)x,
    .h_scale = (float)h,
    .w_scale = (float)w,
  };
  if (!eng_import_node (self->import, &rt_op_detections, &attrs, inputs, 3, outputs))
    return FALSE;
  for (guint i = 0; i < 4; i++)
    if (!eng_tflite_output (self, op, i, outputs[i]))
      return FALSE;
  return TRUE;
}

const EngTfliteRow eng_tflite_rows_layers[] = {
  { 44, emit_sequence_lstm, NULL }, /* UNIDIRECTIONAL_SEQUENCE_LSTM */
  { ENG_TFLITE_CUSTOM, emit_detections, "TFLite_Detection_PostProcess" },
  { 0, NULL, NULL },
};
