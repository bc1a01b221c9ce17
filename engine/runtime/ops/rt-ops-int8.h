/* Operators on quantized tensors: 8-bit codes that stand for scale * (code - zero point). Importers
 * of quantized networks and the lowering of post-training quantization use this; the executor does
 * not.
 *
 * The quantization of an operator's inputs and outputs is that of its values (rt_graph_set_quant()); a
 * value without one has scale 1 and zero point 0. Set that of the inputs before the node is added,
 * that of the output right after. Activations have one scale; weights one, or one per output
 * channel.
 *
 * Sums are exact; real numbers appear only in the step back to 8 bit,
 *
 *   q = clamp (round_half_even ((float) sum * (sx * sw / sy)) + zero point of y)
 *
 * in f32, as XNNPACK does it: the same bits on every instruction set and for every number of threads.
 * Half-way cases and the last bit of the scale may round otherwise in engines that requantize with
 * integers (the reference kernels of LiteRT). */
#pragma once

#include "rt-conv-attrs.h"
#include "rt-op.h"

/* ---- products ---- */

/* x [N, H, W, I] or [N, W, I] I8 or U8, weight [O, KH, KW, I / groups] I8 or U8 constant, optional bias
 * [O] I32 constant -> y [N, OH, OW, O] of @out_type: I8 or U8, or I32 for the sums themselves
 * (ConvInteger). Padding is the zero point of x. Inputs and shapes as rt_op_conv's; activation must be
 * 0, min and max are real numbers that become bounds of the codes. */
extern const RtOp rt_op_conv_int8;

/* x [N, H, W, C] I8 or U8, weight [KH, KW, C * M] I8 or U8 constant, optional bias [C * M] I32 ->
 * y [N, OH, OW, C * M] I8 or U8. */
extern const RtOp rt_op_depthwise_int8;
typedef struct
{
  RtConvAttrs conv;
  uint32_t out_type; /* RtType */
} RtConvInt8Attrs;

/* x [.., C] I8 or U8, weight [O, C] I8 or U8 constant, optional bias [O] I32 constant -> y [.., O] of
 * @out_type: I8, U8, or I32 for the sums (MatMulInteger). */
extern const RtOp rt_op_fully_connected_int8;
typedef struct
{
  uint32_t out_type; /* RtType */
  float min, max;    /* as of RtConvAttrs */
} RtFullyConnectedInt8Attrs;

/* x [.., C] f32, weight [O, C] I8 constant with zero point 0, optional bias [O] f32 -> y [.., O] f32.
 * Each row of x is quantized when it is seen: the "dynamic range" of TFLite. @asymmetric: to -128..127
 * with a zero point, from the row's minimum and maximum (0 included); else to -127..127 from its
 * largest magnitude. */
extern const RtOp rt_op_fully_connected_hybrid;
typedef struct
{
  uint32_t asymmetric;
  float min, max;
} RtHybridAttrs;

/* ---- to and from real numbers ---- */

/* x f32 or f16 -> @type (I8, U8, I16, U16, I32), with the quantization of the output, per tensor or per
 * index of an axis: clamp (round_half_even (x / scale) + zero point); NaN becomes the lowest code. */
extern const RtOp rt_op_quantize;
/* x I8, U8, I16, U16, I32 with its quantization -> f32: scale * (x - zero point). x f16 -> f32. */
extern const RtOp rt_op_dequantize;
/* x I8, U8, I16 -> @type (I8, U8, I16) with another quantization, per tensor: round_half_even ((x - zx) *
 * (sx / sy)) + zy in f32. */
extern const RtOp rt_op_requantize;
typedef struct
{
  uint32_t type; /* RtType of the output; dequantize: ignored */
} RtQuantizeAttrs;

/* x f32 -> y U8 (same shape), scale f32 [], zero point U8 []: ONNX DynamicQuantizeLinear. */
extern const RtOp rt_op_dynamic_quantize;
