/* Runs an imported network straight on the executor: packed weights, layout pass, no other
 * lowering. For tests and net-run. */
#pragma once

#include "eng-format.h"
#include "rt-exec.h"

typedef struct
{
  const EngImported *imported; /* borrowed */
  RtGraph *graph;              /* what runs */
  RtWeight **weights;
  RtPool *pool;
  RtExec *exec;
} NetRunner;

/* @keep_all: every value stays readable after a run. FALSE: the reason is in @error. */
gboolean net_runner_init (NetRunner *runner, const EngImported *imported, guint n_threads,
                          gboolean use_reference, gboolean keep_all, RtError *error);
void net_runner_clear (NetRunner *runner);

/* Ports keep their names through the layout pass. */
RtValueId net_runner_value (const NetRunner *runner, const EngPort *port);
gsize net_runner_bytes (const NetRunner *runner, RtValueId value);
