/* Tables of fields (RtField) of attributes that several operators share. Private to
 * engine/runtime/ops: each operator's file makes its table of these lines.
 *
 *     static const RtField fields[] = { RT_REDUCE_FIELDS };
 */
#pragma once

#include "rt-ops-conv.h"
#include "rt-ops-int8.h"
#include "rt-ops-math.h"
#include "rt-ops-move.h"
#include "rt-ops.h"

/* clang-format off */

/* @conv: nothing, or the path of the RtConvAttrs in @attrs, with a full stop. */
#define RT_CONV_FIELDS(attrs, conv)                                                                \
  RT_FIELD_AS ("stride_h", attrs, conv stride_h, 1, INT32_MAX),                                    \
  RT_FIELD_AS ("stride_w", attrs, conv stride_w, 1, INT32_MAX),                                    \
  RT_FIELD_AS ("dilation_h", attrs, conv dilation_h, 1, INT32_MAX),                                \
  RT_FIELD_AS ("dilation_w", attrs, conv dilation_w, 1, INT32_MAX),                                \
  RT_FIELD_AS ("pad_top", attrs, conv pad_top, 0, INT32_MAX),                                      \
  RT_FIELD_AS ("pad_left", attrs, conv pad_left, 0, INT32_MAX),                                    \
  RT_FIELD_AS ("pad_bottom", attrs, conv pad_bottom, 0, INT32_MAX),                                \
  RT_FIELD_AS ("pad_right", attrs, conv pad_right, 0, INT32_MAX),                                  \
  RT_FIELD_AS ("groups", attrs, conv groups, 0, INT32_MAX),                                        \
  RT_FIELD_AS ("activation", attrs, conv activation, 0, RT_N_ACTIVATIONS - 1),                     \
  RT_FIELD_AS ("min", attrs, conv min, -INFINITY, INFINITY),                                       \
  RT_FIELD_AS ("max", attrs, conv max, -INFINITY, INFINITY),                                       \
  RT_FIELD_AS ("channels_first", attrs, conv channels_first, 0, 1),                                \
  RT_FIELD_AS ("residual_last", attrs, conv residual_last, 0, 1),                                  \
  RT_FIELD_AS ("activation_params", attrs, conv activation_params, -FLT_MAX, FLT_MAX)

/* Strides and dilations may be 0 where the window is the whole picture; infer() looks. */
#define RT_POOL_FIELDS                                                                             \
  RT_FIELD_COUNT (RtPoolAttrs, kernel_h),                                                          \
  RT_FIELD_COUNT (RtPoolAttrs, kernel_w),                                                          \
  RT_FIELD_COUNT (RtPoolAttrs, stride_h),                                                          \
  RT_FIELD_COUNT (RtPoolAttrs, stride_w),                                                          \
  RT_FIELD_COUNT (RtPoolAttrs, dilation_h),                                                        \
  RT_FIELD_COUNT (RtPoolAttrs, dilation_w),                                                        \
  RT_FIELD_COUNT (RtPoolAttrs, pad_top),                                                           \
  RT_FIELD_COUNT (RtPoolAttrs, pad_left),                                                          \
  RT_FIELD_COUNT (RtPoolAttrs, pad_bottom),                                                        \
  RT_FIELD_COUNT (RtPoolAttrs, pad_right),                                                         \
  RT_FIELD_FLAG (RtPoolAttrs, ceil),                                                               \
  RT_FIELD_FLAG (RtPoolAttrs, count_padding),                                                      \
  RT_FIELD_REAL (RtPoolAttrs, min),                                                                \
  RT_FIELD_REAL (RtPoolAttrs, max),                                                                \
  RT_FIELD_FLAG (RtPoolAttrs, channels_first)

#define RT_NORM_FIELDS                                                                             \
  RT_FIELD_FROM_0 (RtNormAttrs, eps),                                                              \
  RT_FIELD_SIZE (RtNormAttrs, n_groups),                                                           \
  RT_FIELD_FLAG (RtNormAttrs, per_token)

#define RT_REDUCE_FIELDS                                                                           \
  RT_FIELD (RtReduceAttrs, n_axes, 0, RT_MAX_DIMS),                                                \
  RT_FIELD_AXIS (RtReduceAttrs, axes),                                                             \
  RT_FIELD_FLAG (RtReduceAttrs, keep_dims)

#define RT_QUANTIZE_FIELDS                                                                         \
  RT_FIELD_ELEMENT (RtQuantizeAttrs, type),                                                        \
  RT_FIELD_FLAG (RtQuantizeAttrs, coarse)

/* clang-format on */
