/* ONNX reductions, softmax and the losses made of them. Emit functions of the table in
 * eng-onnx-list.c. */
#include "eng-onnx-ops.h"

#include "ops/rt-ops-math.h"
#include "ops/rt-ops-move.h"

#include <string.h>

static const struct
{
  const char *name;
  const RtOp *op;
  gint64 input_since; /* opset from which the axes are an input */
} reductions[] = {
  { "ReduceSum", &rt_op_reduce_sum, 13 },
  { "ReduceMean", &rt_op_reduce_mean, 18 },
  { "ReduceProd", &rt_op_reduce_prod, 18 },
  { "ReduceMax", &rt_op_reduce_max, 18 },
  { "ReduceMin", &rt_op_reduce_min, 18 },
  { "ReduceL1", &rt_op_reduce_l1, 18 },
  { "ReduceL2", &rt_op_reduce_l2, 18 },
  { "ReduceSumSquare", &rt_op_reduce_sum_square, 18 },
  { "ReduceLogSum", &rt_op_reduce_log_sum, 18 },
  { "ReduceLogSumExp", &rt_op_reduce_log_sum_exp, 18 },
};

gboolean
eng_onnx_emit_reduce (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  guint rank = eng_onnx_shape (node, x)->n_dims, n = 0;
  RtReduceAttrs attrs = { .keep_dims = eng_onnx_int (node, "keepdims", 1) != 0 };
  gint64 axes[RT_MAX_DIMS];
  const RtOp *op = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (reductions); i++)
    if (strcmp (node->op->name, reductions[i].name) == 0)
      {
        op = reductions[i].op;
        if (node->opset < reductions[i].input_since)
          n = eng_onnx_ints (node, "axes", axes, RT_MAX_DIMS);
        else if (eng_onnx_in (node, 1) != RT_NONE)
          n = eng_onnx_const_ints (node, 1, axes, RT_MAX_DIMS);
      }
  if (!eng_onnx_ok (node) || op == NULL)
    return FALSE;
  if (n == 0 && eng_onnx_int (node, "noop_with_empty_axes", 0) != 0)
    return eng_onnx_out (node, 0, x);
  attrs.n_axes = n;
  for (guint i = 0; i < n; i++)
    attrs.axes[i] = (gint32)eng_onnx_axis (node, axes[i], rank);
  return eng_onnx_out (node, 0, ENG_ONNX_ADD (node, op, &attrs, x));
}

gboolean
eng_onnx_emit_cumsum (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  gint64 axis = (gint64)eng_onnx_const_number (node, 1, 0);
  RtCumsumAttrs attrs
      = { .axis = (gint32)eng_onnx_axis (node, axis, eng_onnx_shape (node, x)->n_dims),
          .exclusive = eng_onnx_int (node, "exclusive", 0) != 0,
          .reverse = eng_onnx_int (node, "reverse", 0) != 0 };

  return eng_onnx_out (node, 0, ENG_ONNX_ADD (node, &rt_op_cumsum, &attrs, x));
}

/* Before opset 13 everything from the axis on was one dimension. */
gboolean
eng_onnx_emit_softmax (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  gboolean old = node->opset < 13;
  const RtOp *op = strcmp (node->op->name, "LogSoftmax") == 0 ? &rt_op_log_softmax
                   : strcmp (node->op->name, "Hardmax") == 0  ? &rt_op_hardmax
                                                              : &rt_op_softmax;
  RtSoftmaxAttrs attrs
      = { .axis = (gint32)eng_onnx_axis (node, eng_onnx_int (node, "axis", old ? 1 : -1),
                                         eng_onnx_shape (node, x)->n_dims),
          .to_end = old,
          .beta = 1 };

  return eng_onnx_out (node, 0, ENG_ONNX_ADD (node, op, &attrs, x));
}

/* ---- losses ---- */

static RtValueId
sum_all (EngOnnxNode *node, RtValueId x)
{
  return ENG_ONNX_ADD (node, &rt_op_reduce_sum, &(RtReduceAttrs){ 0 }, x);
}

/* log_p [N, C, ...], labels [N, ...], optional weights [C]:
 * -log_p[label] * weight[label], 0 where the label is the one to be ignored; then its sum, or the
 * sum over that of the weights. */
static RtValueId
log_loss (EngOnnxNode *node, RtValueId log_p, RtValueId labels, RtValueId weights)
{
  RtShape shape = *eng_onnx_shape (node, labels);
  const char *reduction = eng_onnx_string (node, "reduction", "mean");
  int type = eng_onnx_value (node, log_p)->type;
  int label_type = eng_onnx_value (node, labels)->type;
  RtValueId scale = RT_NONE, one_class = labels;
  RtShape column = { .n_dims = shape.n_dims + 1 };

  if (shape.n_dims < 1 || column.n_dims > RT_MAX_DIMS)
    {
      eng_onnx_refuse (node, "labels of %u dimensions", shape.n_dims);
      return RT_NONE;
    }
  column.dims[0] = shape.dims[0];
  column.dims[1] = 1;
  for (guint i = 1; i < shape.n_dims; i++)
    column.dims[i + 1] = shape.dims[i];

  if (eng_onnx_has (node, "ignore_index"))
    {
      RtValueId ignored
          = eng_onnx_scalar (node, label_type, (double)eng_onnx_int (node, "ignore_index", 0));
      RtValueId is_ignored = ENG_ONNX_ADD (node, &rt_op_equal, NULL, labels, ignored);
      one_class = ENG_ONNX_ADD (node, &rt_op_where, NULL, is_ignored,
                                eng_onnx_scalar (node, label_type, 0), labels);
      RtValueId weight
          = weights != RT_NONE
                ? ENG_ONNX_ADD (node, &rt_op_gather, &(RtGatherAttrs){ 0 }, weights, one_class)
                : eng_onnx_scalar (node, type, 1);
      scale = ENG_ONNX_ADD (node, &rt_op_where, NULL, is_ignored, eng_onnx_scalar (node, type, 0),
                            weight);
    }
  else if (weights != RT_NONE)
    scale = ENG_ONNX_ADD (node, &rt_op_gather, &(RtGatherAttrs){ 0 }, weights, labels);

  RtValueId loss = ENG_ONNX_ADD (node, &rt_op_gather_elements, &(RtAxisAttrs){ 1 }, log_p,
                                 eng_onnx_reshape (node, one_class, &column));
  loss = eng_onnx_reshape (node, loss, &shape);
  loss = ENG_ONNX_ADD (node, &rt_op_neg, &(RtUnaryAttrs){ 0 }, loss);
  if (scale != RT_NONE)
    loss = ENG_ONNX_ADD (node, &rt_op_mul, NULL, loss, scale);
  if (strcmp (reduction, "none") == 0)
    return loss;
  if (strcmp (reduction, "sum") == 0)
    return sum_all (node, loss);
  if (scale == RT_NONE)
    return ENG_ONNX_ADD (node, &rt_op_reduce_mean, &(RtReduceAttrs){ 0 }, loss);
  return ENG_ONNX_ADD (node, &rt_op_div, NULL, sum_all (node, loss), sum_all (node, scale));
}

/* data: 1 for SoftmaxCrossEntropyLoss, which begins with a softmax. */
gboolean
eng_onnx_emit_loss (EngOnnxNode *node)
{
  RtValueId log_p = eng_onnx_in (node, 0);

  if (node->op->data)
    log_p = ENG_ONNX_ADD (node, &rt_op_log_softmax, &(RtSoftmaxAttrs){ .axis = 1 }, log_p);
  eng_onnx_out (node, 0, log_loss (node, log_p, eng_onnx_in (node, 1), eng_onnx_in (node, 2)));
  return node->op->data ? eng_onnx_out (node, 1, log_p) : eng_onnx_ok (node);
}
