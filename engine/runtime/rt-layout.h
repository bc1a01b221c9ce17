/* The layout pass: convolutions and what surrounds them compute with the channels last, whatever
 * order the file has. */
#pragma once

#include "rt-graph.h"

/* A graph that gives the same outputs (same names, shapes, layouts) and in which no node has
 * channels-first attributes. Transposes are put in only where layouts meet: operators in between
 * are rewritten (RtOp.permute). Every transpose stands for the source node whose output it turns.
 * Borrows the weights of @graph, which must outlive the result; permuted constants are the new
 * graph's own. Cost: one pass. Fails with RT_ERROR_UNSUPPORTED when a channels-first node cannot be
 * rewritten. */
RtGraph *rt_layout (const RtGraph *graph, RtError *error);
