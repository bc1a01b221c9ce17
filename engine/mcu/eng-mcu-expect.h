/* What layers take on a microcontroller, about, before anything ran there: the work of each in
 * instructions. A calibration of the board (eng-board-calibration.h) makes times of it. */
#pragma once

#include "devices/eng-board-calibration.h"
#include "eng-mcu.h"

G_BEGIN_DECLS

typedef struct
{
  RtNodeId node;    /* of the bare build's executed graph */
  const char *name; /* the node's; of the graph */
  int layer;        /* of the layer axis, -1..n_layers */
  EngBoardLayer work;
} EngMcuWork;

/* The layers of @bare on @board, in order (EngMcuWork), halos of patches included. work.host_ns is
 * instructions: how many the kernels need, counted by their loops and rounded boldly, one number
 * per instruction set for a multiply-add; n_ops multiply-adds, n_bytes results. Errors as
 * eng_mcu_plan(). Milliseconds. */
GArray *eng_mcu_work (EngBuild *bare, const char *board, const EngMcuOptions *options,
                      GError **error);

G_END_DECLS
