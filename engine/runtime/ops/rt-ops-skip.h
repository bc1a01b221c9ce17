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

/* x [N, C] f32 or 8-bit rows, gate [F, C], up [F, C], thresholds [F] f32 -> a * (x up^T) [N, F]
 * f32 with a = activation (x gate^T), and 0 where |a| is below its threshold. Both matrices want
 * the same rows. Of a single token rows of up that do not count are not read where up is in
 * Q8_ROWS; in other formats groups of 16 of which none counts. */
extern const RtOp rt_op_gate_up_skip;
enum
{
  RT_GATE_UP_SKIP_X,
  RT_GATE_UP_SKIP_GATE,
  RT_GATE_UP_SKIP_UP,
  RT_GATE_UP_SKIP_THRESHOLDS,
};
typedef struct
{
  uint32_t activation; /* RT_ACTIVATION_SILU or RT_ACTIVATION_GELU */
  float share;         /* of up that is expected to be skipped, 0..1: for costs alone */
} RtGateUpSkipAttrs;
