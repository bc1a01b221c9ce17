/* ONNX's signal operators of opset 17. Emit functions of the table in eng-onnx-list.c. */
#include "eng-onnx-ops.h"

#include "ops/rt-ops-math.h"

#include <string.h>

gboolean
eng_onnx_emit_dft (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  RtDftAttrs attrs = { .axis = (gint32)eng_onnx_axis (node, eng_onnx_int (node, "axis", 1),
                                                      eng_onnx_shape (node, x)->n_dims),
                       .length = (gint64)eng_onnx_const_number (node, 1, 0),
                       .inverse = eng_onnx_int (node, "inverse", 0) != 0,
                       .onesided = eng_onnx_int (node, "onesided", 0) != 0 };

  return eng_onnx_out (node, 0, ENG_ONNX_ADD (node, &rt_op_dft, &attrs, x));
}

gboolean
eng_onnx_emit_stft (EngOnnxNode *node)
{
  RtValueId window = eng_onnx_in (node, 2);
  gint64 n_window = window != RT_NONE ? (gint64)rt_shape_n (eng_onnx_shape (node, window)) : 0;
  RtStftAttrs attrs = { .frame_step = (gint64)eng_onnx_const_number (node, 1, 0),
                        .frame_length = (gint64)eng_onnx_const_number (node, 3, (double)n_window),
                        .onesided = eng_onnx_int (node, "onesided", 1) != 0 };

  return eng_onnx_out (node, 0,
                       ENG_ONNX_ADD (node, &rt_op_stft, &attrs, eng_onnx_in (node, 0), window));
}

/* ---- constants ---- */

static int
output_type (EngOnnxNode *node)
{
  int type = eng_onnx_type ((gint32)eng_onnx_int (node, "output_datatype", 1));

  if (type < 0)
    eng_onnx_refuse (node, "attribute 'output_datatype' names a type that is not supported");
  return type;
}

/* data: RtWindow. */
gboolean
eng_onnx_emit_window (EngOnnxNode *node)
{
  gint64 n = (gint64)eng_onnx_const_number (node, 0, 0);
  guint32 periodic = eng_onnx_int (node, "periodic", 1) != 0;
  int type = output_type (node);

  if (!eng_onnx_ok (node))
    return FALSE;
  if (n < 0 || n > 1 << 24)
    return eng_onnx_refuse (node, "a window of %" G_GINT64_FORMAT " samples", n);
  g_autofree float *window = g_new (float, MAX (n, 1));
  rt_window ((RtWindow)node->op->data, n, periodic, window);
  RtValueId id = eng_onnx_constant (node, RT_TYPE_F32, &(RtShape){ 1, { n } }, window);
  return eng_onnx_out (node, 0, eng_onnx_cast (node, id, type));
}

gboolean
eng_onnx_emit_mel_weights (EngOnnxNode *node)
{
  gint64 n_mels = (gint64)eng_onnx_const_number (node, 0, 0);
  gint64 length = (gint64)eng_onnx_const_number (node, 1, 0);
  gint64 rate = (gint64)eng_onnx_const_number (node, 2, 0);
  float low = (float)eng_onnx_const_number (node, 3, 0);
  float high = (float)eng_onnx_const_number (node, 4, 0);
  int type = output_type (node);

  if (!eng_onnx_ok (node))
    return FALSE;
  if (n_mels < 1 || n_mels > 1 << 12 || length < 1 || length > 1 << 20 || rate < 1)
    return eng_onnx_refuse (node, "%" G_GINT64_FORMAT " filters of %" G_GINT64_FORMAT " samples",
                            n_mels, length);
  gint64 n_bins = length / 2 + 1;
  g_autofree float *weights = g_new0 (float, n_bins *n_mels);
  rt_mel_weights (n_mels, length, rate, low, high, weights);
  RtValueId id
      = eng_onnx_constant (node, RT_TYPE_F32, &(RtShape){ 2, { n_bins, n_mels } }, weights);
  return eng_onnx_out (node, 0, eng_onnx_cast (node, id, type));
}
