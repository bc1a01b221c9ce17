/* Copies in which each dimension of the output is a sequence of segments of the input's: padding
 * and rolling. Private to engine/runtime/ops. */
#pragma once

#include "rt-op-move.h"

typedef struct
{
  int64_t n;      /* elements of the output from the asked one on, at least 1 */
  int64_t source; /* the first's place in the input; -1: filled */
  int step;       /* 1, 0 or -1 from there */
} RtSegment;

typedef struct
{
  uint32_t changed; /* one bit per dimension that is not copied as it is */
  /* The segment of dimension @dim that holds output element @i. */
  RtSegment (*at) (const RtOpContext *context, uint32_t dim, int64_t i);
} RtSegments;

uint32_t rt_segments_chunks (const RtOpContext *context, const RtSegments *segments);
/* @fill: one element, for what is filled. */
void rt_segments_run (const RtOpContext *context, uint32_t chunk, const RtSegments *segments,
                      const void *fill);
