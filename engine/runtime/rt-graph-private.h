/* What rt-graph.c and rt-graph-validate.c share. */
#pragma once

#include "rt-graph.h"

/* Infer @node's outputs with its operator; false with the node's name in the message. */
bool rt_graph_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                     RtError *error);

/* Whether a weight's bytes are what its type and shape say. Types without kernels pass: the
 * operator that reads them decides. */
bool rt_graph_check_weight (const RtValue *value, RtError *error);
