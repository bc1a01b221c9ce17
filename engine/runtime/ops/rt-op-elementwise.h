/* Operators whose output element depends on the input elements of the same place only: the values
 * are one flat array, split anywhere. */
#pragma once

#include "rt-op-common.h"
#include "rt-ops.h"

bool rt_elementwise_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                           RtError *error);
uint32_t rt_elementwise_chunks (const RtOpContext *context, uint32_t phase);
bool rt_elementwise_in_place (const RtNode *node, uint32_t input);

/* Elements of the whole output. */
size_t rt_elementwise_n (const RtOpContext *context);
/* Elements [*first, *first + *n) belong to @chunk. */
void rt_elementwise_range (const RtOpContext *context, uint32_t chunk, size_t *first, size_t *n);

/* @flops_each: per element. */
void rt_elementwise_cost (const RtOpQuery *query, uint64_t flops_each, RtCost *cost);
