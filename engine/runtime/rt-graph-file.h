/* A graph with its packed weights as bytes, and back: the largest part of a build's file
 * (rt-build-file.h). The bytes may come from a stranger: names, shapes and attributes are checked
 * as they are read, shapes and types inferred again and compared.
 *
 *     u32 blocks, u32 values before nodes, u32 nodes, then those:
 *     value   string name, u8 RtValueKind, i32 type, shape, quant, u8 RtGraphData, what it says
 *     node    string name, string operator, i32 layer, u32 n + u32 inputs, attributes
 *             (rt-fields.h), u32 n + string sources, and for each output: i32 type, shape,
 *             quant, u8 is an output
 *     u32 n + (u32 state, u32 value): what states become
 *
 *     shape   u32 n + u64 dims; quant: u32 n (0: none), i32 axis, n f32 scales, n i32 zero points
 *
 * Ids count the values before nodes first, then the outputs of nodes. All little-endian. */
#pragma once

#include "rt-bytes.h"
#include "rt-graph.h"
#include "rt-weight.h"

/* What is kept of a value before the nodes; bits. */
typedef enum
{
  RT_GRAPH_PLAIN = 1,  /* u64 offset, u64 bytes: as in the model's file */
  RT_GRAPH_PACKED = 2, /* i32 format, u64 offset, u64 bytes, u32 n + n u64 panel offsets (0: of one
                          size) */
} RtGraphData;

/* Where data lies: offsets are multiples of KN_ALIGN. */
typedef struct
{
  const void *bytes;
  uint64_t n_bytes, offset;
} RtBlob;

typedef struct
{
  RtBlob *blobs; /* malloc'ed, in order of their offsets */
  uint32_t n_blobs, n_allocated;
  uint64_t n_bytes; /* of all, aligned */
} RtBlobs;

void rt_blobs_clear (RtBlobs *blobs);

/* Append @graph, @weights [n_values] (NULL where a value is not packed) to @out and what they hold
 * to @blobs, which borrow it. Fails with RT_ERROR_MEMORY. */
bool rt_graph_write (const RtGraph *graph, RtWeight *const *weights, RtBytes *out, RtBlobs *blobs,
                     RtError *error);

/* The graph in @bytes, whose data is [n_data] at @data, KN_ALIGN aligned and borrowed as long as
 * the graph lives; packed weights are copied. *@weights: [n_values], malloc'ed, each a reference.
 * NULL and the reason otherwise. */
RtGraph *rt_graph_read (const uint8_t *bytes, size_t n_bytes, const uint8_t *data, uint64_t n_data,
                        RtWeight ***weights, RtError *error);
void rt_graph_weights_free (RtWeight **weights, uint32_t n_values); /* accepts NULL */
