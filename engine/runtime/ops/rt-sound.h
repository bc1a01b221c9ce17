/* What the operators of fixed-point sound front ends share. Private to engine/runtime/ops. */
#pragma once

#include <string.h>

#include "rt-op-common.h"

/* RtOp.data of operators that are one plain loop: the same function runs and is the reference,
 * since it is its own specification. */
typedef struct
{
  void (*compute) (const RtOpContext *context);
} RtSoundFunction;

uint32_t rt_sound_one_chunk (const RtOpContext *context, uint32_t phase);
void rt_sound_run (const RtOpContext *context, uint32_t phase, uint32_t chunk,
                   const RtWorker *worker);
void rt_sound_reference (const RtOpContext *context);
/* Memory, and one operation per element of the largest input. */
void rt_sound_cost (const RtOpQuery *query, RtCost *cost);

/* Input @input is a vector of @n numbers of @type; n < 0: of any positive number. */
bool rt_sound_check (const RtGraph *graph, const RtNode *node, uint32_t input, int type, int64_t n,
                     RtError *error);

/* 16 bits; constants of a file may lie anywhere. */
static inline int32_t
rt_sound_load (const void *data, size_t i)
{
  int16_t value;
  memcpy (&value, (const uint8_t *)data + i * sizeof value, sizeof value);
  return value;
}

static inline int32_t
rt_sound_i16 (const RtTensor *tensor, size_t i)
{
  return rt_sound_load (tensor->data, i);
}
