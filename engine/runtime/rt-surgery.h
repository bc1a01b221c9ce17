/* Changing a graph: a copy with fewer nodes, other shapes of weights, other constants. For
 * techniques that take parts out of a model.
 *
 *     RtSurgery *s = rt_surgery_new (graph, error);
 *     rt_surgery_reroute (s, sum_after_block, sum_before_block);   the block is no longer needed
 *     rt_surgery_reshape (s, gate, 1024, 576);                     fewer rows
 *     RtGraph *smaller = rt_surgery_finish (s, error);             frees s
 *
 * Nothing can fail before rt_surgery_finish(), which reports the first thing that did. Ids are
 * those of the original graph. Nodes that no output needs are left out; all that stays keeps its
 * name, layer and sources, and every shape is inferred anew. */
#pragma once

#include "rt-graph.h"

typedef struct RtSurgery RtSurgery;

/* Borrows @graph. */
RtSurgery *rt_surgery_new (const RtGraph *graph, RtError *error);
void rt_surgery_free (RtSurgery *surgery); /* for giving up; accepts NULL */

/* Who reads @value reads @instead. @instead must be made before the first of those readers. */
void rt_surgery_reroute (RtSurgery *surgery, RtValueId value, RtValueId instead);

/* Weight matrix @weight has [n_rows, n_cols]. Its type becomes f32 and its bytes stay borrowed from
 * the original: they no longer are its numbers, which come when it is packed
 * (EngTechnique.edit). */
void rt_surgery_reshape (RtSurgery *surgery, RtValueId weight, uint64_t n_rows, uint64_t n_cols);

/* Weight vector @weight is these @n numbers, copied. */
void rt_surgery_set_vector (RtSurgery *surgery, RtValueId weight, const float *numbers, uint64_t n);

/* A new weight that nodes of rt_surgery_insert() may read: a plain type, its bytes copied. The id
 * is valid for this surgery only. */
RtValueId rt_surgery_add_weight (RtSurgery *surgery, const char *name, int type,
                                 const RtShape *shape, const void *data, uint64_t n_bytes);

/* A node right behind the one that makes @after (an input of the graph: before all nodes). Its
 * first output takes the place of @replaces (RT_NONE: of nothing) for all readers but this node
 * itself. Sources: itself. */
RtValueId rt_surgery_insert (RtSurgery *surgery, RtValueId after, const char *name, int32_t layer,
                             const RtOp *op, const RtValueId *inputs, uint32_t n_inputs,
                             const void *attrs, RtValueId replaces);

/* @node reads @value (of the original graph, or of this surgery) as its input @input; inputs
 * between the ones it had and this one are absent. @value must be made before @node. */
void rt_surgery_set_input (RtSurgery *surgery, RtNodeId node, uint32_t input, RtValueId value);

/* The attributes that @node will have, to be changed in place; valid until the end. NULL: no memory
 * (reported by finish), or it has none. */
void *rt_surgery_attrs (RtSurgery *surgery, RtNodeId node);

/* The new graph; frees @surgery either way. NULL: no memory, or shapes that do not fit, with the
 * node's name. Constants whose bytes lie in the original graph's arena stay borrowed from there. */
RtGraph *rt_surgery_finish (RtSurgery *surgery, RtError *error);
