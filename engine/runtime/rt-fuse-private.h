/* What the files of the fusion pass share: the walk (rt-fuse.c) and the patterns of convolutions
 * (rt-fuse-conv.c). */
#pragma once

#include "rt-fuse.h"
#include "rt-op.h"

typedef struct
{
  const RtGraph *old;
  const int *dtypes;
  uint32_t fusions;
  RtGraph *graph;
  RtError *error;
  RtValueId *map;        /* [old values] -> new value, RT_NONE when there is none (yet) */
  bool *swallowed;       /* [old nodes] */
  uint32_t *n_readers;   /* [old values] */
  RtNodeId *some_reader; /* [old values] the last of them */
} RtFuser;

/* The only node that reads activation @value, when its operator is @op (NULL: any). */
const RtNode *rt_fuser_only_reader (const RtFuser *f, RtValueId value, const RtOp *op);
RtNodeId rt_fuser_node_id (const RtFuser *f, const RtNode *node);

static inline bool
rt_fuser_has_input (const RtNode *node, uint32_t input)
{
  return input < node->n_inputs && node->inputs[input] != RT_NONE;
}

static inline RtValueId
rt_fuser_mapped (const RtFuser *f, RtValueId value)
{
  return value == RT_NONE ? RT_NONE : f->map[value];
}

/* Add a node that stands for @sources and gives their old values @results. Inputs are new
 * values. */
bool rt_fuser_emit (RtFuser *f, const char *name, const RtOp *op, const void *attrs,
                    uint32_t n_inputs, const RtValueId *inputs, uint32_t n_sources,
                    const RtNode *const *sources, const RtValueId *results);

/* A pad or convolution and what follows it as one convolution. *@done says whether anything was
 * joined; false is an error. */
bool rt_fuse_conv (RtFuser *f, const RtNode *node, bool *done);
