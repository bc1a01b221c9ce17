/* Attributes of convolutions, the same for floats (rt-ops-conv.h) and for 8-bit numbers
 * (rt-ops-int8.h). */
#pragma once

#include <stdint.h>

typedef struct
{
  uint32_t stride_h, stride_w;
  uint32_t dilation_h, dilation_w;
  uint32_t pad_top, pad_left, pad_bottom, pad_right;
  uint32_t groups;     /* conv, conv_transpose: of the channels. depthwise: 0, it says so itself */
  uint32_t activation; /* RtActivation, after bias and residual */
  float min, max;      /* limits after that; -INFINITY, INFINITY: none. ReLU: 0, INFINITY */
  uint32_t channels_first;
  uint32_t residual_last;     /* 1: the residual is added after activation and limits */
  float activation_params[2]; /* of activations that have some, see RtActivation */
} RtConvAttrs;

enum
{
  RT_CONV_X,
  RT_CONV_WEIGHT,
  RT_CONV_BIAS,
  RT_CONV_RESIDUAL,
};
