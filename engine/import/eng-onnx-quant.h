/* Quantized operators of ONNX; for eng-onnx-list.c. */
#pragma once

#include "eng-onnx-private.h"

G_BEGIN_DECLS

gboolean eng_onnx_emit_quantize (EngOnnxNode *node);
gboolean eng_onnx_emit_dequantize (EngOnnxNode *node);
gboolean eng_onnx_emit_dynamic_quantize (EngOnnxNode *node);
gboolean eng_onnx_emit_qlinear_conv (EngOnnxNode *node);
gboolean eng_onnx_emit_conv_integer (EngOnnxNode *node);
gboolean eng_onnx_emit_qlinear_matmul (EngOnnxNode *node);
gboolean eng_onnx_emit_matmul_integer (EngOnnxNode *node);
gboolean eng_onnx_emit_qgemm (EngOnnxNode *node);

/* ---- shared with eng-onnx-qops.c ---- */

/* A quantization with memory of its own. */
typedef struct
{
  RtQuant quant;
  float *scales;
  gint32 *zero_points;
} EngOnnxQuant;

void eng_onnx_quant_clear (EngOnnxQuant *q);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EngOnnxQuant, eng_onnx_quant_clear)

/* From inputs @scale and @zero_point; -1: scale 1, and 0. @axis counts when there are several. */
gboolean eng_onnx_read_quant (EngOnnxNode *node, int scale, int zero_point, gint64 axis,
                              EngOnnxQuant *q);
/* @value with quantization @q: itself, or a view of it where it has another one already. */
RtValueId eng_onnx_with_quant (EngOnnxNode *node, RtValueId value, const RtQuant *q);
/* Type of input @i, or @otherwise when it is absent. */
int eng_onnx_type_of (EngOnnxNode *node, guint i, int otherwise);
/* The node's limits, -INFINITY and INFINITY where it has none. */
void eng_onnx_limits (const EngOnnxNode *node, float *low, float *high);

/* ---- eng-onnx-qops.c ---- */

/* Operators on codes that the standard does not have: those of the domain com.microsoft, and forms
 * of standard ones that eng-onnx-qdq.c asks for. NULL: no such. */
const EngOnnxOp *eng_onnx_qop_find (const char *name);

G_END_DECLS
