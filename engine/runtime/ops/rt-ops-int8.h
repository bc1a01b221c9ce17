/* Operators on quantized tensors: 8-bit codes that stand for scale * (code - zero point). Importers
 * of quantized networks and the lowering of post-training quantization use this; the executor does
 * not.
 *
 * The quantization of an operator's inputs and outputs is that of its values
 * (rt_graph_set_quant()); a value without one has scale 1 and zero point 0. Set that of the inputs
 * before the node is added, that of the output right after. Activations have one scale; weights
 * one, or one per output channel.
 *
 * Sums are exact; real numbers appear only in the step back to 8 bit,
 *
 *   q = clamp (round_half_even ((float) sum * (sx * sw / sy)) + zero point of y)
 *
 * in f32, as XNNPACK does it: the same bits on every instruction set and for every number of
 * threads. Half-way cases and the last bit of the scale may round otherwise in engines that
 * requantize with integers (the reference kernels of LiteRT). */
#pragma once

#include "rt-conv-attrs.h"
#include "rt-op.h"

/* ---- products ---- */

/* x [N, H, W, I] or [N, W, I] I8 or U8, weight [O, KH, KW, I / groups] I8 or U8 constant, optional
 * bias [O] I32 constant -> y [N, OH, OW, O] of @out_type: I8 or U8, or I32 for the sums themselves
 * (ConvInteger); then x may have no quantization and its zero point be input 4, one number of its
 * type, known when a run has it. Padding is the zero point of x. Inputs and shapes as rt_op_conv's;
 * activation must be 0, min and max are real numbers that become bounds of the codes. */
extern const RtOp rt_op_conv_int8;

/* x [N, H, W, C] I8 or U8, weight [KH, KW, C * M] I8 or U8 constant, optional bias [C * M] I32 ->
 * y [N, OH, OW, C * M] I8 or U8. */
extern const RtOp rt_op_depthwise_int8;
typedef struct
{
  RtConvAttrs conv;
  uint32_t out_type; /* RtType */
} RtConvInt8Attrs;

/* x [.., C] I8 or U8, weight [O, C] I8 or U8 constant, optional bias [O] I32 constant -> y [.., O]
 * of @out_type: I8, U8, or I32 for the sums (MatMulInteger); then x may have no quantization and
 * its zero point be input 3, one number of its type. */
extern const RtOp rt_op_fully_connected_int8;
typedef struct
{
  uint32_t out_type; /* RtType */
  float min, max;    /* as of RtConvAttrs */
} RtFullyConnectedInt8Attrs;

/* x [.., C] f32, weight [O, C] I8 constant with zero point 0, optional bias [O] f32 -> y [.., O]
 * f32. Each row of x is quantized when it is seen: the "dynamic range" of TFLite. @asymmetric: to
 * -128..127 with a zero point, from the row's minimum and maximum (0 included); else to -127..127
 * from its largest magnitude. */
extern const RtOp rt_op_fully_connected_hybrid;
typedef struct
{
  uint32_t asymmetric;
  float min, max;
} RtHybridAttrs;

/* ---- to and from real numbers ---- */

/* x f32 or f16 -> @type (I8, U8, I16, U16, I32), with the quantization of the output, per tensor or
 * per index of an axis: clamp (round_half_even (x / scale) + zero point); NaN becomes the lowest
 * code. */
extern const RtOp rt_op_quantize;
/* x I8, U8, I16, U16, I32 with its quantization -> f32: scale * (x - zero point). x f16 -> f32. */
extern const RtOp rt_op_dequantize;
/* x I8, U8, I16 -> @type (I8, U8, I16) with another quantization, per tensor: round_half_even ((x -
 * zx) * (sx / sy)) + zy in f32. 8 bit to 8 bit with @coarse: ((x - zx) * round (256 sx / sy) + 128)
 * >> 8, + zy, which is what LiteRT's XNNPACK computes. */
extern const RtOp rt_op_requantize;
typedef struct
{
  uint32_t type; /* RtType of the output; dequantize: ignored */
  uint32_t coarse;
} RtQuantizeAttrs;

/* x f32 -> y U8 (same shape), scale f32 [], zero point U8 []: ONNX DynamicQuantizeLinear. */
extern const RtOp rt_op_dynamic_quantize;

/* x f32 -> y f32 (same shape): rounded to the values of an 8-bit code, whose scale is that of each
 * group of numbers; the first @n_outer dimensions count groups. @asymmetric and not: as of
 * rt_op_fully_connected_hybrid. A layer of f32 after it gives what one gives that multiplies in 8
 * bit ("dynamic range"). */
extern const RtOp rt_op_dynamic_round;
typedef struct
{
  uint32_t n_outer, asymmetric;
} RtDynamicRoundAttrs;

/* ---- element by element ---- */

/* a and b I8 or U8, broadcast together as NumPy does -> y of @out_type I8 or U8, within @min and
 * @max (real numbers). Sums and differences in fixed point with 20 bits of factor, products in f32,
 * both as XNNPACK. */
extern const RtOp rt_op_add_int8, rt_op_sub_int8, rt_op_mul_int8;
typedef struct
{
  uint32_t out_type; /* RtType */
  float min, max;    /* -INFINITY, INFINITY: none */
} RtBinaryInt8Attrs;

/* x I8 or U8 -> y I8 or U8: a function of one real number, as a table of 256 codes. */
extern const RtOp rt_op_unary_int8;
typedef enum
{
  RT_INT8_CLIP, /* a to b; -INFINITY, INFINITY: only another quantization. ReLU: 0, INFINITY */
  RT_INT8_SIGMOID,
  RT_INT8_TANH,
  RT_INT8_HARD_SWISH,
  RT_INT8_HARD_SIGMOID, /* clamp (a x + b, 0, 1) */
  RT_INT8_LEAKY_RELU,   /* below 0 times a */
  RT_INT8_ELU,          /* below 0 a (exp (x) - 1) */
  RT_INT8_SILU,
  RT_INT8_GELU, /* exact */
  RT_INT8_GELU_TANH,
  RT_INT8_SOFTPLUS,
  RT_INT8_ABS,
  RT_INT8_NEG,
  RT_INT8_SQUARE,
  RT_INT8_SQRT,
  RT_INT8_RSQRT,
  RT_INT8_RECIPROCAL,
  RT_INT8_EXP,
  RT_INT8_LOG,
  RT_INT8_SIN,
  RT_INT8_COS,
  RT_INT8_N_FUNCTIONS
} RtInt8Function;
typedef struct
{
  uint32_t function; /* RtInt8Function */
  uint32_t out_type; /* RtType */
  float a, b;
  /* With the rounding of TFLite's kernels where they do not round once. leaky_relu and clip without
   * limits: factors of 8 fraction bits, as requantize's; hard_swish: its arithmetic of 16 bits. */
  uint32_t coarse;
} RtUnaryInt8Attrs;

/* x I8 or U8, slope I8 or U8 that broadcasts to x -> x, below 0 times slope. */
extern const RtOp rt_op_prelu_int8; /* RtBinaryInt8Attrs */

/* ---- windows, reductions, rows ---- */

/* x [N, H, W, C] I8 or U8 -> y of the same type. max_pool keeps the quantization of x; average_pool
 * rounds half away from zero where y has that of x, else goes through f32. Attributes:
 * RtPoolAttrs. */
extern const RtOp rt_op_max_pool_int8, rt_op_average_pool_int8;

/* x I8 or U8 -> its mean over the named axes, which must be neighbours; same type.
 * RtReduceAttrs. */
extern const RtOp rt_op_mean_int8;

/* x I8 or U8 -> y of the same type: softmax (beta x) of each row (last dimension). Exponentials
 * come from a table of 256, sums run in order in f32, as in LiteRT. */
extern const RtOp rt_op_softmax_int8;
typedef struct
{
  float beta;
} RtSoftmaxInt8Attrs;

/* x I8 or U8 -> y of the same type: each row (last dimension) divided by its Euclidean norm. */
extern const RtOp rt_op_l2_norm_int8;

/* ---- recurrent ---- */

/* x I8 [B, T, I] (time_major: [T, B, I]), constants: input weights I8 [4 H, I] and recurrent ones
 * I8 [4 H, H], gates in TFLite's order i, f, g, o, one scale per row, bias I32 [4 H]; state I8 [B,
 * H], cell I16 [B, H] whose scale is a power of two -> y I8 [B, T, H] (or [T, B, H]), state and
 * cell after it. The integer arithmetic of TFLite's 8x8_16 LSTM. */
extern const RtOp rt_op_lstm_int8;
enum
{
  RT_LSTM_INT8_X,
  RT_LSTM_INT8_W,
  RT_LSTM_INT8_R,
  RT_LSTM_INT8_BIAS,
  RT_LSTM_INT8_H,
  RT_LSTM_INT8_C,
  RT_LSTM_INT8_N_INPUTS
};
typedef struct
{
  uint32_t time_major;
  float cell_clip;    /* 0: none */
  float hidden_scale; /* of the output */
  int32_t hidden_zero;
} RtLstmInt8Attrs;
