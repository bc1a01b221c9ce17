/* Small passes for builders of graphs: computing a node whose inputs are constants, batch norms
 * into the weights before them, and leaving out what no output needs. */
#pragma once

#include "rt-graph.h"

/* Whether all inputs of @node are weights that its operator can compute with here (matrices that
 * need packing are not). */
bool rt_can_fold (const RtGraph *graph, const RtNode *node);

/* Compute @node with its operator's reference into @outputs [n_outputs], zeroed memory of
 * rt_value_bytes() each. Fails with RT_ERROR_MEMORY only. */
bool rt_fold (const RtGraph *graph, const RtNode *node, void *const *outputs, RtError *error);

/* A new graph with the nodes, weights and states that outputs and kept states depend on, in the
 * same order and with the same names, layers, sources and quantization; inputs are all kept.
 * Weights whose bytes lie in @graph's arena are copied, others stay borrowed. @map [n_values of
 * @graph]: old value -> new value or RT_NONE; may be NULL. */
RtGraph *rt_trim (const RtGraph *graph, RtValueId *map, RtError *error);

/* Batch norms with constant statistics behind a convolution, and products and sums with a constant
 * or one for each channel, become part of its weights and bias: y = s (W x + b) + t is (s W) x + (s
 * b + t). Their readers read the convolution, which names both as its sources; the norms themselves
 * are left for rt_trim(). Only where nothing else reads the convolution or its constants.
 * *@n_folded: how many. Fails with RT_ERROR_MEMORY only. */
bool rt_fold_norms (RtGraph *graph, uint32_t *n_folded, RtError *error);
