/* ONNX normalisations. Emit functions of the table in eng-onnx-list.c. */
#include "eng-onnx-ops.h"

#include "ops/rt-ops-math.h"

gboolean
eng_onnx_emit_batch_norm (EngOnnxNode *node)
{
  RtChannelNormAttrs attrs
      = { .eps = eng_onnx_float (node, "epsilon", 1e-5f), .channels_first = 1 };

  if (eng_onnx_int (node, "training_mode", 0) != 0)
    return eng_onnx_refuse (node, "it is in training mode");
  if (eng_onnx_int (node, "spatial", 1) == 0)
    return eng_onnx_refuse (node, "attribute 'spatial' is 0");
  return eng_onnx_out (node, 0, eng_onnx_add (node, &rt_op_batch_norm, &attrs, node->inputs, 5));
}

gboolean
eng_onnx_emit_instance_norm (EngOnnxNode *node)
{
  RtChannelNormAttrs attrs
      = { .eps = eng_onnx_float (node, "epsilon", 1e-5f), .channels_first = 1 };

  return eng_onnx_out (node, 0, eng_onnx_add (node, &rt_op_group_norm, &attrs, node->inputs, 3));
}

gboolean
eng_onnx_emit_layer_norm (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0), outputs[RT_MAX_OUTPUTS];
  RtLayerNormAttrs attrs = { .axis = (gint32)eng_onnx_axis (node, eng_onnx_int (node, "axis", -1),
                                                            eng_onnx_shape (node, x)->n_dims),
                             .eps = eng_onnx_float (node, "epsilon", 1e-5f) };

  if (!eng_onnx_add_all (node, &rt_op_layer_norm, &attrs, node->inputs, node->n_inputs, outputs))
    return FALSE;
  for (guint i = 0; i < node->n_outputs && i < 3; i++)
    eng_onnx_out (node, i, outputs[i]);
  return eng_onnx_ok (node);
}

gboolean
eng_onnx_emit_lrn (EngOnnxNode *node)
{
  RtLrnAttrs attrs = { .size = (guint32)eng_onnx_int (node, "size", 0),
                       .alpha = eng_onnx_float (node, "alpha", 1e-4f),
                       .beta = eng_onnx_float (node, "beta", 0.75f),
                       .bias = eng_onnx_float (node, "bias", 1),
                       .channels_first = 1 };

  return eng_onnx_out (node, 0, ENG_ONNX_ADD (node, &rt_op_lrn, &attrs, eng_onnx_in (node, 0)));
}

gboolean
eng_onnx_emit_lp_norm (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  RtLpNormalizeAttrs attrs = { .axis = (gint32)eng_onnx_axis (node, eng_onnx_int (node, "axis", -1),
                                                              eng_onnx_shape (node, x)->n_dims),
                               .p = (guint32)eng_onnx_int (node, "p", 2) };

  return eng_onnx_out (node, 0, ENG_ONNX_ADD (node, &rt_op_lp_normalize, &attrs, x));
}

gboolean
eng_onnx_emit_mean_variance_norm (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  guint rank = eng_onnx_shape (node, x)->n_dims;
  gint64 axes[RT_MAX_DIMS] = { 0, 2, 3 };
  guint n = eng_onnx_ints (node, "axes", axes, RT_MAX_DIMS);
  RtReduceAttrs attrs = { .n_axes = n > 0 ? n : 3, .keep_dims = 1 };

  for (guint i = 0; i < attrs.n_axes; i++)
    attrs.axes[i] = (gint32)eng_onnx_axis (node, axes[i], rank);
  return eng_onnx_out (node, 0, ENG_ONNX_ADD (node, &rt_op_mean_variance_norm, &attrs, x));
}
