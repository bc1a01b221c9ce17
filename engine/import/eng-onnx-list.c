/* The table: operator and opsets -> what emits it. An operator that is added gets a line here and
 * an emit function in the file of its kind. "until" is the last opset whose meaning the function
 * knows; where a later opset changed nothing that matters here it is LATEST. */
#include "eng-onnx-ops.h"
#include "eng-onnx-quant.h"
#include "eng-onnx-window.h"

#include "ops/rt-ops-math.h"

#include <string.h>

#define LATEST 25
#define ANY 4096

static const EngOnnxOp ops[] = {
  /* constants, copies, branches */
  { "Constant", 1, LATEST, eng_onnx_emit_constant, 0, 0, 0 },
  { "ConstantOfShape", 9, LATEST, eng_onnx_emit_constant_of_shape, 0, 1, 1 },
  { "Identity", 1, LATEST, eng_onnx_emit_identity, 0, 1, 1 },
  { "Dropout", 7, LATEST, eng_onnx_emit_dropout, 0, 1, 3 },
  { "If", 1, LATEST, eng_onnx_emit_if, 0, 1, 1 },
  { "Loop", 1, LATEST, eng_onnx_emit_loop, 0, 0, ANY },
  { "Scan", 8, LATEST, eng_onnx_emit_loop, 0, 0, ANY },

  /* shapes and places */
  { "Reshape", 1, LATEST, eng_onnx_emit_reshape, 0, 1, 2 },
  { "Flatten", 1, LATEST, eng_onnx_emit_flatten, 0, 1, 1 },
  { "Squeeze", 1, LATEST, eng_onnx_emit_squeeze, 0, 1, 2 },
  { "Unsqueeze", 1, LATEST, eng_onnx_emit_unsqueeze, 0, 1, 2 },
  { "Transpose", 1, LATEST, eng_onnx_emit_transpose, 0, 1, 1 },
  { "Concat", 1, LATEST, eng_onnx_emit_concat, 0, 1, ANY },
  { "Split", 2, LATEST, eng_onnx_emit_split, 0, 1, 2 },
  { "Slice", 1, LATEST, eng_onnx_emit_slice, 0, 1, 5 },
  { "Pad", 2, LATEST, eng_onnx_emit_pad, 0, 1, 4 },
  { "Expand", 8, LATEST, eng_onnx_emit_expand, 0, 2, 2 },
  { "Tile", 6, LATEST, eng_onnx_emit_tile, 0, 2, 2 },
  { "ReverseSequence", 10, LATEST, eng_onnx_emit_reverse_sequence, 0, 2, 2 },
  { "SpaceToDepth", 1, LATEST, eng_onnx_emit_blocks, 0, 1, 1 },
  { "DepthToSpace", 1, LATEST, eng_onnx_emit_blocks, 1, 1, 1 },
  { "Trilu", 14, LATEST, eng_onnx_emit_trilu, 0, 1, 2 },

  /* indexing and selecting */
  { "Gather", 1, LATEST, eng_onnx_emit_gather, 0, 2, 2 },
  { "GatherElements", 11, LATEST, eng_onnx_emit_gather_elements, 0, 2, 2 },
  { "GatherND", 11, LATEST, eng_onnx_emit_gather_nd, 0, 2, 2 },
  { "Scatter", 9, LATEST, eng_onnx_emit_scatter, 0, 3, 3 },
  { "ScatterElements", 11, LATEST, eng_onnx_emit_scatter, 0, 3, 3 },
  { "ScatterND", 11, LATEST, eng_onnx_emit_scatter, 1, 3, 3 },
  { "Where", 9, LATEST, eng_onnx_emit_where, 0, 3, 3 },
  { "Cast", 6, LATEST, eng_onnx_emit_cast, 0, 1, 1 },
  { "CastLike", 15, LATEST, eng_onnx_emit_cast_like, 0, 2, 2 },
  { "Shape", 1, LATEST, eng_onnx_emit_shape, 0, 1, 1 },
  { "Size", 1, LATEST, eng_onnx_emit_size, 0, 1, 1 },
  { "OneHot", 9, LATEST, eng_onnx_emit_one_hot, 0, 3, 3 },
  { "Range", 11, LATEST, eng_onnx_emit_range, 0, 3, 3 },
  { "EyeLike", 9, LATEST, eng_onnx_emit_eye_like, 0, 1, 1 },
  { "ArgMax", 1, LATEST, eng_onnx_emit_arg, 0, 1, 1 },
  { "ArgMin", 1, LATEST, eng_onnx_emit_arg, 1, 1, 1 },
  { "TopK", 1, LATEST, eng_onnx_emit_top_k, 0, 1, 2 },
  { "NonZero", 9, LATEST, eng_onnx_emit_non_zero, 0, 1, 1 },
  { "Compress", 9, LATEST, eng_onnx_emit_compress, 0, 2, 2 },
  { "Unique", 11, LATEST, eng_onnx_emit_unique, 0, 1, 1 },

  /* pictures and boxes */
  { "Upsample", 7, 9, eng_onnx_emit_resize, 0, 1, 2 },
  { "Resize", 10, LATEST, eng_onnx_emit_resize, 0, 1, 4 },
  { "GridSample", 16, 19, eng_onnx_emit_grid_sample, 0, 2, 2 },
  { "RoiAlign", 10, LATEST, eng_onnx_emit_roi_align, 0, 3, 3 },
  { "MaxUnpool", 9, LATEST, eng_onnx_emit_max_unpool, 0, 2, 3 },
  { "NonMaxSuppression", 10, LATEST, eng_onnx_emit_nms, 0, 2, 5 },

  /* windows */
  { "Conv", 1, LATEST, eng_onnx_emit_conv, 0, 2, 3 },
  { "ConvTranspose", 1, LATEST, eng_onnx_emit_conv_transpose, 0, 2, 3 },
  { "MaxPool", 1, LATEST, eng_onnx_emit_pool, 0, 1, 1 },
  { "AveragePool", 7, LATEST, eng_onnx_emit_pool, 1, 1, 1 },
  { "GlobalMaxPool", 1, LATEST, eng_onnx_emit_global_pool, 0, 1, 1 },
  { "GlobalAveragePool", 1, LATEST, eng_onnx_emit_global_pool, 1, 1, 1 },

  /* one number */
  { "Relu", 6, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Abs", 6, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Neg", 6, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Sign", 9, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "LeakyRelu", 6, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Elu", 6, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Selu", 6, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Celu", 12, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "ThresholdedRelu", 10, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "HardSigmoid", 6, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "HardSwish", 14, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Mish", 18, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Shrink", 9, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Sigmoid", 6, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Tanh", 6, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Softplus", 1, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Softsign", 1, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Sqrt", 6, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Reciprocal", 6, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Exp", 6, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Log", 6, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Erf", 9, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Sin", 7, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Cos", 7, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Tan", 7, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Asin", 7, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Acos", 7, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Atan", 7, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Sinh", 9, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Cosh", 9, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Asinh", 9, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Acosh", 9, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Atanh", 9, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Ceil", 6, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Floor", 6, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Round", 11, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "IsNaN", 9, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "IsInf", 10, LATEST, eng_onnx_emit_is_inf, 0, 1, 1 },
  { "Not", 1, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "BitwiseNot", 18, LATEST, eng_onnx_emit_unary, 0, 1, 1 },
  { "Clip", 6, LATEST, eng_onnx_emit_clip, 0, 1, 3 },
  { "Gelu", 20, LATEST, eng_onnx_emit_gelu, 0, 1, 1 },

  /* two numbers, with broadcasting as of opset 7 */
  { "Add", 7, LATEST, eng_onnx_emit_binary, 0, 2, 2 },
  { "Sub", 7, LATEST, eng_onnx_emit_binary, 0, 2, 2 },
  { "Mul", 7, LATEST, eng_onnx_emit_binary, 0, 2, 2 },
  { "Div", 7, LATEST, eng_onnx_emit_binary, 0, 2, 2 },
  { "Pow", 7, LATEST, eng_onnx_emit_binary, 0, 2, 2 },
  { "PRelu", 7, LATEST, eng_onnx_emit_binary, 0, 2, 2 },
  { "Equal", 7, LATEST, eng_onnx_emit_binary, 0, 2, 2 },
  { "Less", 7, LATEST, eng_onnx_emit_binary, 0, 2, 2 },
  { "LessOrEqual", 12, LATEST, eng_onnx_emit_binary, 0, 2, 2 },
  { "Greater", 7, LATEST, eng_onnx_emit_binary, 0, 2, 2 },
  { "GreaterOrEqual", 12, LATEST, eng_onnx_emit_binary, 0, 2, 2 },
  { "And", 7, LATEST, eng_onnx_emit_binary, 0, 2, 2 },
  { "Or", 7, LATEST, eng_onnx_emit_binary, 0, 2, 2 },
  { "Xor", 7, LATEST, eng_onnx_emit_binary, 0, 2, 2 },
  { "BitwiseAnd", 18, LATEST, eng_onnx_emit_binary, 0, 2, 2 },
  { "BitwiseOr", 18, LATEST, eng_onnx_emit_binary, 0, 2, 2 },
  { "BitwiseXor", 18, LATEST, eng_onnx_emit_binary, 0, 2, 2 },
  { "BitShift", 11, LATEST, eng_onnx_emit_shift, 0, 2, 2 },
  { "Mod", 10, LATEST, eng_onnx_emit_mod, 0, 2, 2 },
  { "Min", 6, LATEST, eng_onnx_emit_variadic, 0, 1, ANY },
  { "Max", 6, LATEST, eng_onnx_emit_variadic, 0, 1, ANY },
  { "Sum", 6, LATEST, eng_onnx_emit_variadic, 0, 1, ANY },
  { "Mean", 6, LATEST, eng_onnx_emit_variadic, 0, 1, ANY },

  /* reductions, softmax, losses */
  { "ReduceSum", 1, LATEST, eng_onnx_emit_reduce, 0, 1, 2 },
  { "ReduceMean", 1, LATEST, eng_onnx_emit_reduce, 0, 1, 2 },
  { "ReduceProd", 1, LATEST, eng_onnx_emit_reduce, 0, 1, 2 },
  { "ReduceMax", 1, LATEST, eng_onnx_emit_reduce, 0, 1, 2 },
  { "ReduceMin", 1, LATEST, eng_onnx_emit_reduce, 0, 1, 2 },
  { "ReduceL1", 1, LATEST, eng_onnx_emit_reduce, 0, 1, 2 },
  { "ReduceL2", 1, LATEST, eng_onnx_emit_reduce, 0, 1, 2 },
  { "ReduceSumSquare", 1, LATEST, eng_onnx_emit_reduce, 0, 1, 2 },
  { "ReduceLogSum", 1, LATEST, eng_onnx_emit_reduce, 0, 1, 2 },
  { "ReduceLogSumExp", 1, LATEST, eng_onnx_emit_reduce, 0, 1, 2 },
  { "CumSum", 11, LATEST, eng_onnx_emit_cumsum, 0, 2, 2 },
  { "Softmax", 1, LATEST, eng_onnx_emit_softmax, 0, 1, 1 },
  { "LogSoftmax", 1, LATEST, eng_onnx_emit_softmax, 0, 1, 1 },
  { "Hardmax", 1, LATEST, eng_onnx_emit_softmax, 0, 1, 1 },
  { "NegativeLogLikelihoodLoss", 12, LATEST, eng_onnx_emit_loss, 0, 2, 3 },
  { "SoftmaxCrossEntropyLoss", 12, LATEST, eng_onnx_emit_loss, 1, 2, 3 },

  /* normalisations */
  { "BatchNormalization", 7, LATEST, eng_onnx_emit_batch_norm, 0, 5, 5 },
  { "InstanceNormalization", 6, LATEST, eng_onnx_emit_instance_norm, 0, 3, 3 },
  { "LayerNormalization", 17, LATEST, eng_onnx_emit_layer_norm, 0, 2, 3 },
  { "LRN", 1, LATEST, eng_onnx_emit_lrn, 0, 1, 1 },
  { "LpNormalization", 1, LATEST, eng_onnx_emit_lp_norm, 0, 1, 1 },
  { "MeanVarianceNormalization", 9, LATEST, eng_onnx_emit_mean_variance_norm, 0, 1, 1 },

  /* products */
  { "MatMul", 1, LATEST, eng_onnx_emit_matmul, 0, 2, 2 },
  { "Gemm", 7, LATEST, eng_onnx_emit_gemm, 0, 2, 3 },
  { "Einsum", 12, LATEST, eng_onnx_emit_einsum, 0, 1, ANY },

  /* recurrent */
  { "LSTM", 7, LATEST, eng_onnx_emit_recurrent, 4, 3, 8 },
  { "GRU", 7, LATEST, eng_onnx_emit_recurrent, 3, 3, 6 },
  { "RNN", 7, LATEST, eng_onnx_emit_recurrent, 1, 3, 6 },

  /* signals */
  { "DFT", 17, 19, eng_onnx_emit_dft, 0, 1, 2 },
  { "STFT", 17, LATEST, eng_onnx_emit_stft, 0, 2, 4 },
  { "HannWindow", 17, LATEST, eng_onnx_emit_window, RT_WINDOW_HANN, 1, 1 },
  { "HammingWindow", 17, LATEST, eng_onnx_emit_window, RT_WINDOW_HAMMING, 1, 1 },
  { "BlackmanWindow", 17, LATEST, eng_onnx_emit_window, RT_WINDOW_BLACKMAN, 1, 1 },
  { "MelWeightMatrix", 17, LATEST, eng_onnx_emit_mel_weights, 0, 5, 5 },

  /* quantized */
  { "QuantizeLinear", 10, LATEST, eng_onnx_emit_quantize, 0, 2, 3 },
  { "DequantizeLinear", 10, LATEST, eng_onnx_emit_dequantize, 0, 2, 3 },
  { "DynamicQuantizeLinear", 11, LATEST, eng_onnx_emit_dynamic_quantize, 0, 1, 1 },
  { "QLinearConv", 10, LATEST, eng_onnx_emit_qlinear_conv, 0, 8, 9 },
  { "ConvInteger", 10, LATEST, eng_onnx_emit_conv_integer, 0, 2, 4 },
  { "QLinearMatMul", 10, LATEST, eng_onnx_emit_qlinear_matmul, 0, 8, 8 },
  { "MatMulInteger", 10, LATEST, eng_onnx_emit_matmul_integer, 0, 2, 4 },
};

const EngOnnxOp *
eng_onnx_op_find (const char *domain, const char *name, gint64 opset, gboolean *known)
{
  *known = FALSE;
  if (strcmp (domain, "com.microsoft") == 0)
    return eng_onnx_qop_find (name);
  if (domain[0] != '\0' && strcmp (domain, "ai.onnx") != 0)
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (ops); i++)
    if (strcmp (ops[i].name, name) == 0)
      {
        if (opset >= ops[i].since && opset <= ops[i].until)
          return &ops[i];
        *known = TRUE;
      }
  return NULL;
}
