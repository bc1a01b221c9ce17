/* The product that skips input channels near zero, for techniques that put it into graphs. */
#pragma once

#include "rt-op.h"

/* x [N, C] f32, weight [R, C], thresholds [C] f32 -> x' w^T [N, R] f32 and the number of inputs of
 * each token that were kept [N, 1] f32. x' is x with 0 in the place of numbers whose magnitude is
 * below their channel's threshold, in 8-bit rows; C a multiple of 32; the weight in a format that
 * wants 8-bit rows. Of a single token channels whose code is 0 are not read where the weight is in
 * Q8_CHANNELS. */
extern const RtOp rt_op_matmul_skip;
enum
{
  RT_MATMUL_SKIP_X,
  RT_MATMUL_SKIP_WEIGHT,
  RT_MATMUL_SKIP_THRESHOLDS,
};
typedef struct
{
  float share; /* of the inputs that are expected to be skipped, 0..1: for costs alone */
} RtMatmulSkipAttrs;
