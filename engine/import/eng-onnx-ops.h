/* Emit functions of the operators, by file, and what they share. */
#pragma once

#include "eng-onnx-private.h"

G_BEGIN_DECLS

/* ---- shared ---- */

RtValueId eng_onnx_reshape (EngOnnxNode *node, RtValueId x, const RtShape *shape);
/* Elements @start .. @end - 1 of dimension @axis. */
RtValueId eng_onnx_cut (EngOnnxNode *node, RtValueId x, guint axis, gint64 start, gint64 end);
RtValueId eng_onnx_cast (EngOnnxNode *node, RtValueId x, int type);
/* Dimension i of the result is dimension perm[i]. Computed at once for constants. */
RtValueId eng_onnx_permute (EngOnnxNode *node, RtValueId x, const guint *perm, guint n);

/* ---- eng-onnx-control.c ---- */
gboolean eng_onnx_emit_identity (EngOnnxNode *node);
gboolean eng_onnx_emit_dropout (EngOnnxNode *node);
gboolean eng_onnx_emit_constant (EngOnnxNode *node);
gboolean eng_onnx_emit_constant_of_shape (EngOnnxNode *node);
gboolean eng_onnx_emit_if (EngOnnxNode *node);
gboolean eng_onnx_emit_loop (EngOnnxNode *node);

/* ---- eng-onnx-move.c ---- */
gboolean eng_onnx_emit_reshape (EngOnnxNode *node);
gboolean eng_onnx_emit_flatten (EngOnnxNode *node);
gboolean eng_onnx_emit_squeeze (EngOnnxNode *node);
gboolean eng_onnx_emit_unsqueeze (EngOnnxNode *node);
gboolean eng_onnx_emit_transpose (EngOnnxNode *node);
gboolean eng_onnx_emit_concat (EngOnnxNode *node);
gboolean eng_onnx_emit_split (EngOnnxNode *node);
gboolean eng_onnx_emit_slice (EngOnnxNode *node);
gboolean eng_onnx_emit_pad (EngOnnxNode *node);
gboolean eng_onnx_emit_expand (EngOnnxNode *node);
gboolean eng_onnx_emit_tile (EngOnnxNode *node);
gboolean eng_onnx_emit_reverse_sequence (EngOnnxNode *node);
gboolean eng_onnx_emit_blocks (EngOnnxNode *node);
gboolean eng_onnx_emit_trilu (EngOnnxNode *node);

/* ---- eng-onnx-index.c ---- */
gboolean eng_onnx_emit_gather (EngOnnxNode *node);
gboolean eng_onnx_emit_gather_elements (EngOnnxNode *node);
gboolean eng_onnx_emit_gather_nd (EngOnnxNode *node);
gboolean eng_onnx_emit_scatter (EngOnnxNode *node);
gboolean eng_onnx_emit_where (EngOnnxNode *node);
gboolean eng_onnx_emit_cast (EngOnnxNode *node);
gboolean eng_onnx_emit_cast_like (EngOnnxNode *node);
gboolean eng_onnx_emit_shape (EngOnnxNode *node);
gboolean eng_onnx_emit_size (EngOnnxNode *node);
gboolean eng_onnx_emit_one_hot (EngOnnxNode *node);
gboolean eng_onnx_emit_range (EngOnnxNode *node);
gboolean eng_onnx_emit_eye_like (EngOnnxNode *node);
gboolean eng_onnx_emit_arg (EngOnnxNode *node);
gboolean eng_onnx_emit_top_k (EngOnnxNode *node);
gboolean eng_onnx_emit_non_zero (EngOnnxNode *node);
gboolean eng_onnx_emit_compress (EngOnnxNode *node);
gboolean eng_onnx_emit_unique (EngOnnxNode *node);

/* ---- eng-onnx-math.c ---- */
gboolean eng_onnx_emit_unary (EngOnnxNode *node);
gboolean eng_onnx_emit_is_inf (EngOnnxNode *node);
gboolean eng_onnx_emit_clip (EngOnnxNode *node);
gboolean eng_onnx_emit_gelu (EngOnnxNode *node);
gboolean eng_onnx_emit_binary (EngOnnxNode *node);
gboolean eng_onnx_emit_variadic (EngOnnxNode *node);
gboolean eng_onnx_emit_mod (EngOnnxNode *node);
gboolean eng_onnx_emit_shift (EngOnnxNode *node);

/* ---- eng-onnx-reduce.c ---- */
gboolean eng_onnx_emit_reduce (EngOnnxNode *node);
gboolean eng_onnx_emit_cumsum (EngOnnxNode *node);
gboolean eng_onnx_emit_softmax (EngOnnxNode *node);
gboolean eng_onnx_emit_loss (EngOnnxNode *node);

/* ---- eng-onnx-norm.c ---- */
gboolean eng_onnx_emit_batch_norm (EngOnnxNode *node);
gboolean eng_onnx_emit_instance_norm (EngOnnxNode *node);
gboolean eng_onnx_emit_layer_norm (EngOnnxNode *node);
gboolean eng_onnx_emit_lrn (EngOnnxNode *node);
gboolean eng_onnx_emit_lp_norm (EngOnnxNode *node);
gboolean eng_onnx_emit_mean_variance_norm (EngOnnxNode *node);

/* ---- eng-onnx-product.c ---- */
gboolean eng_onnx_emit_matmul (EngOnnxNode *node);
gboolean eng_onnx_emit_gemm (EngOnnxNode *node);
gboolean eng_onnx_emit_einsum (EngOnnxNode *node);

/* ---- eng-onnx-recurrent.c ---- */
gboolean eng_onnx_emit_recurrent (EngOnnxNode *node);

/* ---- eng-onnx-signal.c ---- */
gboolean eng_onnx_emit_dft (EngOnnxNode *node);
gboolean eng_onnx_emit_stft (EngOnnxNode *node);
gboolean eng_onnx_emit_window (EngOnnxNode *node);
gboolean eng_onnx_emit_mel_weights (EngOnnxNode *node);

/* ---- eng-onnx-picture.c ---- */
gboolean eng_onnx_emit_resize (EngOnnxNode *node);
gboolean eng_onnx_emit_grid_sample (EngOnnxNode *node);
gboolean eng_onnx_emit_roi_align (EngOnnxNode *node);
gboolean eng_onnx_emit_max_unpool (EngOnnxNode *node);
gboolean eng_onnx_emit_nms (EngOnnxNode *node);

G_END_DECLS
