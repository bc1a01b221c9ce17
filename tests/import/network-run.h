/* An imported network, laid out, packed and run by the executor. For the tests and the tool of
 * tests/peers. */
#pragma once

#include "eng-format.h"
#include "rt-exec.h"

typedef struct
{
  EngImported *imported; /* owned */
  RtGraph *graph;        /* after the layout pass */
  RtWeight **weights;    /* [n_values] */
  guint n_values;
} NetworkRun;

/* Takes @imported, whose report must be empty. */
NetworkRun *network_run_new (EngImported *imported, RtError *error);
void network_run_free (NetworkRun *run); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NetworkRun, network_run_free)

/* An executor over the whole network. */
RtExec *network_run_exec (NetworkRun *run, RtPool *pool, gboolean use_reference, RtError *error);

/* Input or output @i, in the graph that runs. */
RtValueId network_run_input (const NetworkRun *run, guint i);
RtValueId network_run_output (const NetworkRun *run, guint i);
