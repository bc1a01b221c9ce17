/* Windows that slide over a picture: the attributes that convolutions and pools share. */
#pragma once

#include "eng-onnx-private.h"
#include "ops/rt-conv-attrs.h"
#include "ops/rt-ops-conv.h"

G_BEGIN_DECLS

/* One entry per dimension of space (1 or 2). */
typedef struct
{
  guint n;
  gint64 kernel[2], stride[2], dilation[2], before[2], after[2];
  gint64 size[2]; /* of the input */
} EngOnnxWindow;

/* kernel_shape (or @kernel, the weight's, when it is not NULL), strides, dilations, pads, auto_pad
 * of a node whose input is [N, C, ...]. Refuses three dimensions of space and what does not fit. */
gboolean eng_onnx_window (EngOnnxNode *node, RtValueId x, const gint64 *kernel,
                          EngOnnxWindow *window);
/* As attributes, without limits or activation; a sequence is a picture of one row. */
void eng_onnx_window_conv (const EngOnnxWindow *window, gint64 groups, RtConvAttrs *attrs);

/* The same for a pool, with ceil_mode and count_include_pad of the node. */
void eng_onnx_window_pool (EngOnnxNode *node, const EngOnnxWindow *window, RtPoolAttrs *attrs);

/* Weight [O, I / groups, ...] as [O, KH, KW, I / groups], or as [KH, KW, O] for a depthwise one;
 * without KH for a sequence. */
RtValueId eng_onnx_conv_weight (EngOnnxNode *node, RtValueId weight, gboolean depthwise);

/* A sequence's weight [O, I, W] as a picture's, [O, I, 1, W]. */
RtValueId eng_onnx_with_rows (EngOnnxNode *node, RtValueId weight);

gboolean eng_onnx_emit_conv (EngOnnxNode *node);
gboolean eng_onnx_emit_conv_transpose (EngOnnxNode *node);
gboolean eng_onnx_emit_pool (EngOnnxNode *node);
gboolean eng_onnx_emit_global_pool (EngOnnxNode *node);

G_END_DECLS
