/* TFLite operators that look elements up by number, choose among them, change their type, and make
 * constants of shapes. */
#include "eng-tflite-move.h"

#include <string.h>

#include "ops/rt-ops-int8.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops-move.h"

/* ---- Indexing ---- */

static gboolean
emit_gather (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId inputs[2] = { eng_tflite_moved_input (self, op, 0, 0), eng_tflite_input (self, op, 1) };
  gint32 batch_dims = eng_tflite_i32 (self, op, 1, 0);
  RtGatherAttrs attrs
      = { .axis = eng_tflite_i32 (self, op, 0, 0), .batch_dims = (uint32_t)batch_dims };

  if (inputs[0] == RT_NONE || inputs[1] == RT_NONE)
    return FALSE;
  if (batch_dims < 0)
    return eng_import_refuse (self->import, "a negative number of batch dimensions");
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_gather, &attrs, inputs, 2));
}

/* Inputs: rows, table. */
static gboolean
emit_embedding_lookup (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId rows = eng_tflite_input (self, op, 0), table = eng_tflite_input (self, op, 1);
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);
  RtGatherAttrs attrs = { 0 };

  if (!eng_tflite_is_quantized (y))
    table = eng_tflite_real (self, table);
  if (rows == RT_NONE || table == RT_NONE)
    return FALSE;
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_gather, &attrs,
                                              (RtValueId[]){ table, rows }, 2));
}

static gboolean
emit_gather_nd (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId inputs[2] = { eng_tflite_moved_input (self, op, 0, 0), eng_tflite_input (self, op, 1) };
  RtGatherNdAttrs attrs = { 0 };

  if (inputs[0] == RT_NONE || inputs[1] == RT_NONE)
    return FALSE;
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_gather_nd, &attrs, inputs, 2));
}

/* Inputs: indices, updates, shape. What several updates name is added up. */
static gboolean
emit_scatter_nd (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId indices = eng_tflite_input (self, op, 0), updates = eng_tflite_input (self, op, 1);
  gsize n;
  g_autofree gint64 *sizes = eng_tflite_dup_ints (self, op, 2, &n);
  RtScatterAttrs attrs = { .mode = RT_SCATTER_ADD };
  RtShape shape = { 0 };

  if (indices == RT_NONE || updates == RT_NONE || !sizes)
    return FALSE;
  if (n > RT_MAX_DIMS)
    return eng_import_refuse (self->import, "it makes more than %d dimensions", RT_MAX_DIMS);
  shape.n_dims = (uint32_t)n;
  for (gsize i = 0; i < n; i++)
    shape.dims[i] = MAX (sizes[i], 0);
  if (rt_shape_n (&shape) > G_MAXINT32)
    return eng_import_refuse (self->import, "its output is too large");
  int type = eng_import_value (self->import, updates)->type;
  gsize n_bytes = rt_shape_n (&shape) * rt_type_bytes (type);
  g_autofree guint8 *zeros = g_try_malloc0 (MAX (n_bytes, 1));
  if (!zeros)
    return eng_import_refuse (self->import, "no memory for its output");
  RtValueId data = eng_import_constant (self->import, NULL, type, &shape, zeros, n_bytes, TRUE);
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_scatter_nd, &attrs,
                                              (RtValueId[]){ data, indices, updates }, 3));
}

/* SELECT's condition may be one per row of the first dimension. */
static gboolean
emit_select (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId inputs[3] = { eng_tflite_input (self, op, 0), eng_tflite_moved_input (self, op, 1, 0),
                          eng_tflite_moved_input (self, op, 2, 0) };

  if (inputs[0] == RT_NONE || inputs[1] == RT_NONE || inputs[2] == RT_NONE)
    return FALSE;
  const RtShape *condition = eng_tflite_shape_of (self, inputs[0]),
                *a = eng_tflite_shape_of (self, inputs[1]);
  if (op->code == 64 && condition->n_dims == 1 && a->n_dims > 1)
    {
      RtShape column = { .n_dims = a->n_dims, .dims = { condition->dims[0] } };
      for (guint d = 1; d < a->n_dims; d++)
        column.dims[d] = 1;
      inputs[0] = eng_tflite_reshape (self, inputs[0], &column);
    }
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_where, NULL, inputs, 3));
}

/* Indices of what is not 0, a row each: only of constants. */
static gboolean
emit_where (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId x = eng_tflite_input (self, op, 0);
  RtTransposeAttrs attrs = { .perm = { 1, 0 } };

  if (x == RT_NONE)
    return FALSE;
  if (op->n_inputs != 1)
    return emit_select (self, op);
  x = eng_import_node1 (self->import, &rt_op_non_zero, NULL, &x, 1);
  if (x == RT_NONE)
    return FALSE;
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_transpose, &attrs, &x, 1));
}

/* Inputs: indices, depth, on, off. */
static gboolean
emit_one_hot (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId indices = eng_tflite_input (self, op, 0), on = eng_tflite_input (self, op, 2);
  RtValueId off = eng_tflite_input (self, op, 3);
  gsize n;
  g_autofree gint64 *depth = eng_tflite_dup_ints (self, op, 1, &n);
  RtOneHotAttrs attrs = { .axis = eng_tflite_i32 (self, op, 0, -1) };
  RtShape one = { .n_dims = 1, .dims = { 1 } };

  if (indices == RT_NONE || on == RT_NONE || off == RT_NONE || !depth || n != 1)
    return FALSE;
  attrs.depth = depth[0];
  RtValueId values[2]
      = { eng_tflite_reshape (self, off, &one), eng_tflite_reshape (self, on, &one) };
  if (values[0] == RT_NONE || values[1] == RT_NONE)
    return FALSE;
  RtValueId both = eng_import_node1 (self->import, &rt_op_concat, &(RtAxisAttrs){ 0 }, values, 2);
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_one_hot, &attrs,
                                              (RtValueId[]){ indices, both }, 2));
}

static gboolean
emit_arg (EngTflite *self, const EngTfliteOp *op)
{
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);
  RtValueId x = eng_tflite_input (self, op, 0);
  gsize n;
  g_autofree gint64 *axis = eng_tflite_dup_ints (self, op, 1, &n);

  if (x == RT_NONE || !axis || n != 1 || !y)
    return FALSE;
  RtArgAttrs attrs = { .axis = (int32_t)CLAMP (axis[0], G_MININT32, G_MAXINT32),
                       .type = eng_tflite_rt_type (y->type) };
  const RtOp *rt_op = op->code == 56 ? &rt_op_arg_max : &rt_op_arg_min;
  return eng_tflite_output (self, op, 0, eng_import_node1 (self->import, rt_op, &attrs, &x, 1));
}

static gboolean
emit_top_k (EngTflite *self, const EngTfliteOp *op)
{
  const EngTfliteTensor *indices = eng_tflite_output_tensor (self, op, 1);
  RtValueId x = eng_tflite_input (self, op, 0), outputs[RT_MAX_OUTPUTS];
  gsize n;
  g_autofree gint64 *k = eng_tflite_dup_ints (self, op, 1, &n);

  if (x == RT_NONE || !k || n != 1)
    return FALSE;
  RtTopKAttrs attrs = { .axis = -1, .k = k[0], .type = RT_TYPE_I32 };
  if (indices && indices->type == ENG_TFLITE_I64)
    attrs.type = RT_TYPE_I64;
  return eng_import_node (self->import, &rt_op_top_k, &attrs, &x, 1, outputs)
         && eng_tflite_output (self, op, 0, outputs[0])
         && eng_tflite_output (self, op, 1, outputs[1]);
}

/* ---- Types ---- */

static gboolean
emit_cast (EngTflite *self, const EngTfliteOp *op)
{
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);
  RtValueId x = eng_tflite_half_input (self, op, 0);

  if (x == RT_NONE || !y)
    return FALSE;
  RtTypeAttrs attrs = { eng_tflite_rt_type (y->type) };
  if (attrs.type < 0)
    return eng_import_refuse (self->import, "type %s is not supported",
                              eng_tflite_type_name (y->type));
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_cast, &attrs, &x, 1));
}

/* Constants of half precision stay so: convolutions read them as they are. */
static gboolean
emit_dequantize (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId x = eng_tflite_half_input (self, op, 0);

  if (x == RT_NONE)
    return FALSE;
  int type = eng_import_value (self->import, x)->type;
  if (type == RT_TYPE_F16 && eng_import_is_constant (self->import, x))
    return eng_tflite_output (self, op, 0, x);
  if (type == RT_TYPE_F16 || type == RT_TYPE_BF16)
    x = eng_import_node1 (self->import, &rt_op_cast, &(RtTypeAttrs){ RT_TYPE_F32 }, &x, 1);
  else if (!eng_import_value (self->import, x)->quant)
    return eng_import_refuse (self->import, "its input has no scale");
  return eng_tflite_output (self, op, 0, eng_tflite_real (self, x));
}

static gboolean
emit_quantize (EngTflite *self, const EngTfliteOp *op)
{
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);
  RtValueId x = eng_tflite_input (self, op, 0);

  if (x == RT_NONE || !y)
    return FALSE;
  if (!eng_tflite_is_quantized (y))
    return eng_import_refuse (self->import, "its output has no scale");
  if (eng_import_value (self->import, x)->quant)
    {
      const EngTfliteTensor *from = eng_tflite_input_tensor (self, op, 0);
      RtQuantizeAttrs attrs = { .type = (uint32_t)eng_tflite_rt_type (y->type),
                                .coarse = from->type == y->type && y->type != ENG_TFLITE_I16 };
      return eng_tflite_output (self, op, 0,
                                eng_import_node1 (self->import, &rt_op_requantize, &attrs, &x, 1));
    }
  return eng_tflite_output (self, op, 0, eng_tflite_quantized (self, x, y));
}

/* The constant behind it was unpacked when it was read. */
static gboolean
emit_densify (EngTflite *self, const EngTfliteOp *op)
{
  return eng_tflite_output (self, op, 0, eng_tflite_half_input (self, op, 0));
}

/* ---- Constants from shapes ---- */

static RtValueId
make_ints (EngTflite *self, int type, const gint64 *values, gsize n, guint n_dims)
{
  g_autofree gint32 *narrow = g_new (gint32, n + 1);
  RtShape shape = { .n_dims = n_dims, .dims = { (int64_t)n } };

  for (gsize i = 0; i < n; i++)
    narrow[i] = (gint32)values[i];
  if (type == RT_TYPE_I64)
    return eng_import_constant (self->import, NULL, type, &shape, values, n * 8, TRUE);
  return eng_import_constant (self->import, NULL, RT_TYPE_I32, &shape, narrow, n * 4, TRUE);
}

static gboolean
emit_shape (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId x = eng_tflite_half_input (self, op, 0);
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);

  if (x == RT_NONE || !y)
    return FALSE;
  const RtShape shape = *eng_tflite_shape_of (self, x);
  gint64 rank = shape.n_dims;
  int type = y->type == ENG_TFLITE_I64 ? RT_TYPE_I64 : RT_TYPE_I32;
  return eng_tflite_output (self, op, 0,
                            op->code == 77 ? make_ints (self, type, shape.dims, shape.n_dims, 1)
                                           : make_ints (self, type, &rank, 1, 0));
}

static gboolean
emit_zeros_like (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId x = eng_tflite_input (self, op, 0);

  if (x == RT_NONE)
    return FALSE;
  const RtValue *value = eng_import_value (self->import, x);
  gsize n = rt_shape_n (&value->shape) * rt_type_bytes (value->type);
  g_autofree guint8 *zeros = g_try_malloc0 (MAX (n, 1));
  if (!zeros)
    return eng_import_refuse (self->import, "no memory for its output");
  return eng_tflite_output (self, op, 0,
                            eng_import_constant (self->import, NULL, value->type, &value->shape,
                                                 zeros, n, TRUE));
}

/* Inputs: sizes, value. */
static gboolean
emit_fill (EngTflite *self, const EngTfliteOp *op)
{
  gsize n;
  g_autofree gint64 *sizes = eng_tflite_dup_ints (self, op, 0, &n);
  RtValueId value = eng_tflite_input (self, op, 1);
  RtShapeAttrs attrs = { 0 };

  if (!sizes || value == RT_NONE)
    return FALSE;
  if (n > RT_MAX_DIMS)
    return eng_import_refuse (self->import, "it makes %zu dimensions", n);
  attrs.shape.n_dims = (uint32_t)n;
  for (gsize i = 0; i < n; i++)
    attrs.shape.dims[i] = MAX (sizes[i], 0);
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_expand, &attrs, &value, 1));
}

/* Inputs: start, limit, delta. */
static gboolean
emit_range (EngTflite *self, const EngTfliteOp *op)
{
  RtRangeAttrs attrs = { .type = RT_TYPE_I32 };
  double numbers[3];

  for (guint i = 0; i < 3; i++)
    {
      RtValueId value = eng_tflite_input (self, op, i);
      gsize n = 0;
      if (value == RT_NONE)
        return FALSE;
      attrs.type = eng_import_value (self->import, value)->type;
      g_autofree float *real = eng_import_dup_floats (self->import, value, &n);
      g_autofree gint64 *whole = eng_import_dup_ints (self->import, value, &n);
      if (n != 1 || (!real && !whole))
        return eng_import_refuse (self->import, "its limits are not constant");
      numbers[i] = whole ? (double)whole[0] : (double)real[0];
    }
  double n = numbers[2] != 0 ? (numbers[1] - numbers[0]) / numbers[2] : -1;
  if (!(n >= 0 && n < 1e9))
    return eng_import_refuse (self->import, "its limits make no range");
  attrs.n = (gint64)n + ((double)(gint64)n < n);
  attrs.start_f = numbers[0];
  attrs.delta_f = numbers[2];
  attrs.start = (gint64)numbers[0];
  attrs.delta = (gint64)numbers[2];
  return eng_tflite_output (self, op, 0,
                            eng_import_node1 (self->import, &rt_op_range, &attrs, NULL, 0));
}

const EngTfliteRow eng_tflite_rows_index[] = {
  { 6, emit_dequantize, NULL },       /* DEQUANTIZE */
  { 7, emit_embedding_lookup, NULL }, /* EMBEDDING_LOOKUP */
  { 36, emit_gather, NULL },          /* GATHER */
  { 48, emit_top_k, NULL },           /* TOPK_V2 */
  { 53, emit_cast, NULL },            /* CAST */
  { 56, emit_arg, NULL },             /* ARG_MAX */
  { 64, emit_select, NULL },          /* SELECT */
  { 77, emit_shape, NULL },           /* SHAPE */
  { 79, emit_arg, NULL },             /* ARG_MIN */
  { 85, emit_one_hot, NULL },         /* ONE_HOT */
  { 93, emit_zeros_like, NULL },      /* ZEROS_LIKE */
  { 94, emit_fill, NULL },            /* FILL */
  { 96, emit_range, NULL },           /* RANGE */
  { 107, emit_gather_nd, NULL },      /* GATHER_ND */
  { 109, emit_where, NULL },          /* WHERE */
  { 110, emit_shape, NULL },          /* RANK */
  { 114, emit_quantize, NULL },       /* QUANTIZE */
  { 122, emit_scatter_nd, NULL },     /* SCATTER_ND */
  { 123, emit_select, NULL },         /* SELECT_V2 */
  { 124, emit_densify, NULL },        /* DENSIFY */
  { 0, NULL, NULL },
};
