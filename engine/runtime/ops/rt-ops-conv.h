/* Convolutions and pooling of pictures in f32, by name, and their attributes.
 *
 * Pictures are [N, H, W, C]; sequences [N, W, C] are pictures of one row (give kernel, stride and
 * dilation 1 and padding 0 for the height). A graph as it was read from a file may have
 * channels_first set: then x and y are [N, C, H, W] while weights stay as below; only the reference
 * runs that, the layout pass rewrites it. The size of y is floor ((size + padding - dilation *
 * (K - 1) - 1) / stride) + 1. */
#pragma once

#include "rt-conv-attrs.h"
#include "rt-op.h"

/* Inputs: RT_CONV_X ..., attributes: RtConvAttrs.
 *
 * x [N, H, W, I], weight [O, KH, KW, I / groups] in any format that has kernels, optional bias [O],
 * optional residual (shape of y) -> y [N, OH, OW, O]. Output channels of group g are O / groups *
 * g ... */
extern const RtOp rt_op_conv;

/* x [N, H, W, C], weight [KH, KW, C * M] f32 or f16, optional bias [C * M], optional residual -> y
 * [N, OH, OW, C * M]: output channel c * M + m is made from channel c. */
extern const RtOp rt_op_depthwise;

/* Inputs as conv's, weight [O, KH, KW, I / groups]; every pixel of x adds its window to y: what the
 * gradient of a convolution does. The size of y is (size - 1) * stride + dilation * (K - 1) + 1 -
 * padding + output_pad. Dumoulin and Visin 2016, chapter 4. */
extern const RtOp rt_op_conv_transpose;
typedef struct
{
  RtConvAttrs conv;
  uint32_t output_pad_h, output_pad_w; /* rows and columns at the end that no window ends in */
} RtConvTransposeAttrs;

/* x [N, H, W, C] -> y [N, OH, OW, C]. A window reads what lies in the picture; a maximum over
 * nothing is -infinity, NaN is passed over. The size of y is that of a convolution, with ceil set
 * rounded up, but no window begins beyond the picture and its leading padding. */
extern const RtOp rt_op_max_pool;
extern const RtOp rt_op_average_pool;
typedef struct
{
  uint32_t kernel_h, kernel_w; /* 0: the whole picture */
  uint32_t stride_h, stride_w;
  uint32_t dilation_h, dilation_w;
  uint32_t pad_top, pad_left, pad_bottom, pad_right;
  uint32_t ceil;
  uint32_t count_padding; /* average: divide by the window with its padding, not by what lies in the
                             picture */
  float min, max;         /* limits, as of conv */
  uint32_t channels_first;
} RtPoolAttrs;
