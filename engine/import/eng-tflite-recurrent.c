/* Recurrent layers of TFLite, whose memory is in variable tensors. */
#include "eng-tflite-private.h"

#include <string.h>

#include "ops/rt-ops-int8.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops-move.h"
#include "ops/rt-ops.h"

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

/* ---- LSTM in integers ---- */

/* Bytes of the constants of the four gates from input @first on, one below the other, and the scale
 * of each row. FALSE with a reason. */
static gboolean
join_codes (EngTflite *self, const EngTfliteOp *op, guint first, EngTfliteType type, gint64 rows,
            gint64 columns, guint8 *codes, float *scales)
{
  gsize n = (gsize)(rows * columns) * eng_tflite_type_bits (type) / 8;

  for (guint gate = 0; gate < 4; gate++)
    {
      const EngTfliteTensor *tensor = eng_tflite_input_tensor (self, op, first + gate);
      if (!tensor || !tensor->data || tensor->type != type || tensor->sparsity
          || tensor->data_bytes != n)
        return eng_import_refuse (self->import,
                                  "input %u must be a constant %s of %" G_GINT64_FORMAT " numbers",
                                  first + gate + 1, eng_tflite_type_name (type), rows * columns);
      if (scales
          && (tensor->n_scales != 1 || tensor->zero_points[0] != 0 || !(tensor->scales[0] > 0)))
        return eng_import_refuse (self->import, "input %u must have one scale and zero point 0",
                                  first + gate + 1);
      memcpy (codes + gate * n, tensor->data, n);
      for (gint64 i = 0; scales && i < rows; i++)
        scales[gate * rows + i] = tensor->scales[0];
    }
  return TRUE;
}

static RtValueId
join_code_weights (EngTflite *self, const EngTfliteOp *op, guint first, gint64 rows, gint64 columns)
{
  g_autofree guint8 *codes = g_try_malloc_n ((gsize)MAX (rows * 4, 1), (gsize)MAX (columns, 1));
  g_autofree float *scales = g_new (float, rows * 4);
  g_autofree gint32 *zeros = g_new0 (gint32, rows * 4);
  RtShape shape = { .n_dims = 2, .dims = { 4 * rows, columns } };
  RtQuant quant = { .n = (guint32)rows * 4, .axis = 0, .scales = scales, .zero_points = zeros };

  if (!codes)
    {
      eng_import_refuse (self->import, "no memory for its weights");
      return RT_NONE;
    }
  if (!join_codes (self, op, first, ENG_TFLITE_I8, rows, columns, codes, scales))
    return RT_NONE;
  RtValueId value = eng_import_constant (self->import, NULL, RT_TYPE_I8, &shape, codes,
                                         (guint64)(rows * 4 * columns), TRUE);
  if (value == RT_NONE || !eng_import_set_quant (self->import, value, &quant))
    return RT_NONE;
  return value;
}

static RtValueId
join_code_biases (EngTflite *self, const EngTfliteOp *op, gint64 rows)
{
  g_autofree guint8 *codes = g_malloc_n ((gsize)rows, 4 * sizeof (gint32));
  RtShape shape = { .n_dims = 1, .dims = { 4 * rows } };

  if (!join_codes (self, op, LSTM_BIAS, ENG_TFLITE_I32, rows, 1, codes, NULL))
    return RT_NONE;
  return eng_import_constant (self->import, NULL, RT_TYPE_I32, &shape, codes, (guint64)rows * 16,
                              TRUE);
}

/* A quantized variable tensor [B, H]: it begins with the codes of zero. */
static RtValueId
code_state (EngTflite *self, const EngTfliteOp *op, guint index, EngTfliteType type, gint64 batch,
            gint64 hidden)
{
  const EngTfliteTensor *tensor = eng_tflite_input_tensor (self, op, index);
  RtShape shape = { .n_dims = 2, .dims = { batch, hidden } };

  if (!tensor || !tensor->is_variable || tensor->type != type || tensor->n_scales != 1
      || (gint64)eng_tflite_tensor_n_items (tensor) != batch * hidden)
    {
      eng_import_refuse (self->import, "input %u is no %s state of %" G_GINT64_FORMAT " numbers",
                         index + 1, eng_tflite_type_name (type), batch * hidden);
      return RT_NONE;
    }
  RtValueId first = RT_NONE;
  if (type == ENG_TFLITE_I8 && tensor->zero_points[0] != 0)
    {
      g_autofree gint8 *codes = g_malloc ((gsize)(batch * hidden));
      memset (codes, tensor->zero_points[0], (gsize)(batch * hidden));
      first = eng_import_constant (self->import, NULL, RT_TYPE_I8, &shape, codes,
                                   (guint64)(batch * hidden), TRUE);
      if (first == RT_NONE)
        return RT_NONE;
    }
  RtValueId state
      = eng_import_state (self->import, tensor->name, eng_tflite_rt_type (type), &shape,
                          first != RT_NONE ? eng_import_value (self->import, first)->data : NULL);
  if (state == RT_NONE || !eng_tflite_set_quant (self, state, tensor, -1))
    return RT_NONE;
  return state;
}

static gboolean
add_code_lstm (EngTflite *self, const EngTfliteOp *op, RtValueId x, gint64 batch, gint64 hidden,
               gboolean time_major)
{
  const RtShape shape = eng_import_value (self->import, x)->shape;
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);
  RtValueId inputs[RT_LSTM_INT8_N_INPUTS], outputs[RT_MAX_OUTPUTS];

  if (!eng_tflite_is_byte (y) || y->type != ENG_TFLITE_I8)
    return eng_import_refuse (self->import, "its output must be INT8 with one scale");
  inputs[RT_LSTM_INT8_X] = x;
  inputs[RT_LSTM_INT8_W] = join_code_weights (self, op, LSTM_W, hidden, shape.dims[2]);
  inputs[RT_LSTM_INT8_R] = join_code_weights (self, op, LSTM_R, hidden, hidden);
  inputs[RT_LSTM_INT8_BIAS] = join_code_biases (self, op, hidden);
  inputs[RT_LSTM_INT8_H] = code_state (self, op, LSTM_H, ENG_TFLITE_I8, batch, hidden);
  inputs[RT_LSTM_INT8_C] = code_state (self, op, LSTM_C, ENG_TFLITE_I16, batch, hidden);
  for (guint i = 0; i < RT_LSTM_INT8_N_INPUTS; i++)
    if (inputs[i] == RT_NONE)
      return FALSE;
  RtLstmInt8Attrs attrs = {
    .time_major = time_major,
    .cell_clip = MAX (eng_tflite_f32 (self, op, 1, 0), 0),
    .hidden_scale = y->scales[0],
    .hidden_zero = y->zero_points[0],
  };
  return eng_import_node (self->import, &rt_op_lstm_int8, &attrs, inputs, RT_LSTM_INT8_N_INPUTS,
                          outputs)
         && eng_tflite_set_quant (self, outputs[1], eng_tflite_input_tensor (self, op, LSTM_H), -1)
         && eng_tflite_set_quant (self, outputs[2], eng_tflite_input_tensor (self, op, LSTM_C), -1)
         && eng_import_set_next (self->import, inputs[RT_LSTM_INT8_H], outputs[1])
         && eng_import_set_next (self->import, inputs[RT_LSTM_INT8_C], outputs[2])
         && eng_tflite_output (self, op, 0, outputs[0]);
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
  gint64 batch = shape.dims[time_major ? 1 : 0], steps = shape.dims[time_major ? 0 : 1];
  if (eng_tflite_is_quantized (eng_tflite_input_tensor (self, op, LSTM_X)))
    return add_code_lstm (self, op, x, batch, w->dims[0], time_major);
  return add_lstm (self, op, x, batch, steps, w->dims[0], !time_major);
}

/* ---- SVDF: a dense layer of rank 1 over the last steps ----
 *
 *     f = x Wf' [B, F];  memory [B, F, T] loses its oldest step and gains f;
 *     y [B, F / rank] = sums of @rank neighbours of sum over T of memory Wt, plus bias
 *
 * Nakkiran et al. 2015. */

enum
{
  SVDF_X,
  SVDF_FEATURE, /* [F, I] */
  SVDF_TIME,    /* [F, T] */
  SVDF_BIAS,
  SVDF_STATE, /* [B, F T] */
};

typedef struct
{
  gint64 batch, filters, steps, rank;
} SvdfSizes;

static gboolean
read_svdf (EngTflite *self, const EngTfliteOp *op, const RtShape *x, SvdfSizes *s)
{
  const EngTfliteTensor *feature = eng_tflite_input_tensor (self, op, SVDF_FEATURE);
  const EngTfliteTensor *time = eng_tflite_input_tensor (self, op, SVDF_TIME);
  const EngTfliteTensor *state = eng_tflite_input_tensor (self, op, SVDF_STATE);

  if (!feature || !time || !state || x->n_dims != 2 || feature->n_dims != 2 || time->n_dims != 2
      || time->dims[0] != feature->dims[0] || time->dims[1] < 1)
    return eng_import_refuse (self->import,
                              "its input and its weights must have 2 dimensions that fit");
  *s = (SvdfSizes){ x->dims[0], time->dims[0], time->dims[1], eng_tflite_i32 (self, op, 0, 0) };
  if (s->rank < 1 || s->filters < 1 || s->filters % s->rank != 0)
    return eng_import_refuse (self->import,
                              "%" G_GINT64_FORMAT " filters have no rank %" G_GINT64_FORMAT,
                              s->filters, s->rank);
  if (!state->is_variable || state->type != ENG_TFLITE_F32
      || (gint64)eng_tflite_tensor_n_items (state) != s->batch * s->filters * s->steps)
    return eng_import_refuse (self->import,
                              "input %d is no float state of %" G_GINT64_FORMAT " numbers",
                              SVDF_STATE + 1, s->batch * s->filters * s->steps);
  return TRUE;
}

/* The memory [B, F, T] after @feature [B, F]. */
static RtValueId
push_feature (EngTflite *self, const char *name, const SvdfSizes *s, RtValueId feature)
{
  const RtShape shape = { .n_dims = 3, .dims = { s->batch, s->filters, s->steps } };
  const RtShape column = { .n_dims = 3, .dims = { s->batch, s->filters, 1 } };
  const RtSliceAttrs newer
      = { .n_axes = 1, .axes = { 2 }, .starts = { 1 }, .ends = { s->steps }, .steps = { 1 } };
  RtValueId state = eng_import_state (self->import, name, RT_TYPE_F32, &shape, NULL);
  RtValueId parts[2], made;

  parts[1] = eng_tflite_reshape (self, feature, &column);
  if (state == RT_NONE || parts[1] == RT_NONE)
    return RT_NONE;
  made = parts[1];
  if (s->steps > 1)
    {
      parts[0] = eng_import_node1 (self->import, &rt_op_slice, &newer, &state, 1);
      if (parts[0] == RT_NONE)
        return RT_NONE;
      made = eng_import_node1 (self->import, &rt_op_concat, &(RtAxisAttrs){ 2 }, parts, 2);
    }
  if (made == RT_NONE || !eng_import_set_next (self->import, state, made))
    return RT_NONE;
  return made;
}

static RtValueId
sum_last (EngTflite *self, RtValueId x)
{
  const RtReduceAttrs attrs = { .n_axes = 1, .axes = { -1 } };

  return x == RT_NONE ? RT_NONE : eng_import_node1 (self->import, &rt_op_reduce_sum, &attrs, &x, 1);
}

static gboolean
emit_svdf (EngTflite *self, const EngTfliteOp *op)
{
  gboolean ok = TRUE;
  RtValueId inputs[3]
      = { eng_tflite_input (self, op, SVDF_X),
          eng_tflite_real (self, eng_tflite_input (self, op, SVDF_FEATURE)), RT_NONE };
  RtValueId time = eng_tflite_real (self, eng_tflite_input (self, op, SVDF_TIME));
  RtValueId bias = eng_tflite_optional (self, op, SVDF_BIAS, &ok);
  SvdfSizes s = { 0 };

  if (inputs[0] == RT_NONE || inputs[1] == RT_NONE || time == RT_NONE || !ok)
    return FALSE;
  if (eng_tflite_is_quantized (eng_tflite_input_tensor (self, op, SVDF_X)))
    return eng_import_refuse (self->import, "an SVDF in integers is not supported");
  const RtShape x = eng_import_value (self->import, inputs[0])->shape;
  if (!read_svdf (self, op, &x, &s))
    return FALSE;
  RtValueId made = eng_import_node1 (self->import, &rt_op_matmul, NULL, inputs, 3);
  if (made == RT_NONE)
    return FALSE;
  made = push_feature (self, eng_tflite_input_tensor (self, op, SVDF_STATE)->name, &s, made);
  if (made == RT_NONE)
    return FALSE;
  made = eng_import_node1 (self->import, &rt_op_mul, NULL, (RtValueId[]){ made, time }, 2);
  const RtShape ranks = { .n_dims = 3, .dims = { s.batch, s.filters / s.rank, s.rank } };
  made = sum_last (self, eng_tflite_reshape (self, sum_last (self, made), &ranks));
  if (made != RT_NONE && bias != RT_NONE)
    made = eng_import_node1 (self->import, &rt_op_add, NULL, (RtValueId[]){ made, bias }, 2);
  return eng_tflite_output (self, op, 0,
                            eng_tflite_activate (self, made, eng_tflite_i8 (self, op, 1, 0)));
}

const EngTfliteRow eng_tflite_rows_recurrent[] = {
  { 27, emit_svdf, NULL },          /* SVDF */
  { 44, emit_sequence_lstm, NULL }, /* UNIDIRECTIONAL_SEQUENCE_LSTM */
  { 0, NULL, NULL },
};
