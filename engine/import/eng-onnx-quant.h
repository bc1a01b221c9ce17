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

G_END_DECLS
