/* Operators of models whose vocabulary was trimmed. */
#pragma once

#include "rt-op.h"

/* x [N, K] f32, columns [K] i32 (a constant, rising) -> [N, n_columns] f32: x's column k stands at
 * columns[k], all other columns are @fill. For logits of tokens that are left: those of the others
 * are -INFINITY. */
extern const RtOp rt_op_spread;
typedef struct
{
  uint32_t n_columns;
  float fill;
} RtSpreadAttrs;
