/* Two small passes for builders of graphs: computing a node whose inputs are constants, and leaving out
 * what no output needs. */
#pragma once

#include "rt-graph.h"

/* Whether all inputs of @node are weights that its operator can compute with here (matrices that need
 * packing are not). */
bool rt_can_fold (const RtGraph *graph, const RtNode *node);

/* Compute @node with its operator's reference into @outputs [n_outputs], zeroed memory of
 * rt_value_bytes() each. Fails with RT_ERROR_MEMORY only. */
bool rt_fold (const RtGraph *graph, const RtNode *node, void *const *outputs, RtError *error);

/* A new graph with the nodes, weights and states that outputs and kept states depend on, in the same
 * order and with the same names, layers, sources and quantization; inputs are all kept. Weights whose
 * bytes lie in @graph's arena are copied, others stay borrowed. @map [n_values of @graph]: old value ->
 * new value or RT_NONE; may be NULL. */
RtGraph *rt_trim (const RtGraph *graph, RtValueId *map, RtError *error);
