/* What the two gated halves of a feed-forward block have in common: rt-op-gate-up.c and
 * rt-op-gate-up-skip.c, whose inputs are the rows, the gate's matrix and up's, in that order. */
#pragma once

#include "rt-op-common.h"

enum
{
  RT_GATE_UP_IN_X,
  RT_GATE_UP_IN_GATE,
  RT_GATE_UP_IN_UP
};

/* Checks the matrices and the rows: up [n, m] as the gate [n, m], rows of m. The output is @shape,
 * rows of n. */
bool rt_gate_up_infer (const RtGraph *graph, const RtNode *node, RtShape *shape, RtError *error);

/* RtOp.scratch: the rows once, and per thread a tile of each product with what the larger needs. */
void rt_gate_up_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes);

/* For references: SiLU x / (1 + e^-x), or GELU by its tanh form (@which: RT_ACTIVATION...). */
double rt_gate_up_activation (uint32_t which, double x);
