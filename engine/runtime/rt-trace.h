/* Trace rings: each thread leaves one record per node it worked on, in its own single-producer
 * single-consumer ring. Writing never waits: when the reader is too slow the oldest records are
 * lost and counted. Reading never blocks the engine. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum
{
  RT_PHASE_PREFILL,
  RT_PHASE_DECODE,
  RT_PHASE_INFERENCE, /* of networks that are no language models */
} RtPhase;

#define RT_N_PHASES 3

/* One thread's part in one node of one run. A thread that had no part in a node leaves no record of
 * it, so a node has one to n_threads records; the node lasted from the least start_ns to end_ns
 * (the same in all of them).
 *
 * 40 bytes. Times are rt_now_ns(). */
typedef struct
{
  uint64_t start_ns; /* this thread began the node */
  uint64_t work_ns;  /* it found no more work in it: from here to end_ns it waited */
  uint64_t end_ns;   /* the node's last work was done, by any thread */
  uint32_t node;     /* index in the executable graph */
  uint32_t step;     /* counts executor runs; the same number for all nodes of one run */
  uint16_t thread;
  uint8_t phase;     /* RtPhase */
  uint8_t flags;     /* 0 */
  uint32_t n_tokens; /* rows of this run */
} RtTraceRecord;

typedef struct RtTraceRing RtTraceRing;

RtTraceRing *rt_trace_ring_new (size_t capacity); /* rounded up to a power of two, of which one is
                                                   * never readable; NULL when out of memory */
void rt_trace_ring_free (RtTraceRing *ring);      /* accepts NULL */
size_t rt_trace_ring_bytes (const RtTraceRing *ring); /* memory it takes */

/* Producer. Never waits, never allocates. */
void rt_trace_ring_push (RtTraceRing *ring, const RtTraceRecord *record);

/* Consumer: move up to @max records into @out, oldest first; *@n_lost is increased by the records
 * that were overwritten unread. */
size_t rt_trace_ring_read (RtTraceRing *ring, RtTraceRecord *out, size_t max, uint64_t *n_lost);
