/* One operator by itself, timed: the part of the measuring job (eng-kernel-bench.c) that knows how.
 * Private to it. */
#pragma once

#include "eng-estimate-private.h"
#include "eng-kernel-table.h"
#include "eng-sketch.h"
#include "rt-error.h"
#include "rt-pool.h"

G_BEGIN_DECLS

/* A node of a sketch in one phase. */
typedef struct
{
  EngSketch *sketch;
  RtNodeId node;
  RtCost cost;
  gboolean is_cold;
  guint64 step_bytes; /* weights that one step of the whole graph reads */
  int64_t symbols[RT_N_SYMBOLS];
  guint position; /* of the first token, for operators with a cache */
} EngKernelTask;

/* Build a graph of copies of the operator, run it on @pool as long as it takes, and say what one
 * execution takes (*@time). Blocking, about 40 ms. FALSE: it cannot stand alone, or there is no
 * memory for it. */
gboolean eng_kernel_task_measure (const EngKernelTask *task, RtPool *pool,
                                  const EngEstimateDevice *device, EngKernelTime *time,
                                  RtError *error);

G_END_DECLS
