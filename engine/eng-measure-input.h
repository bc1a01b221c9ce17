/* The passes of a run on inputs: single inferences, clean and instrumented in turn, timed. Private
 * to the run. */
#pragma once

#include "eng-repeat.h"
#include "eng-run.h"
#include "tasks/eng-task.h"

G_BEGIN_DECLS

typedef struct
{
  const EngWorkload *workload; /* borrowed, as everything that is not said to be owned */
  EngProfiler *profiler;
  const EngRunEvents *events; /* NULL: nobody listens */
  GCancellable *cancellable;

  GPtrArray *paths;   /* owned: char *; empty: random input */
  GHashTable *listed; /* owned: those of @paths that a folder's listing gave: what is no input of
                       * this network is left out */
  GPtrArray *notes;   /* owned: char *: what was left out and why */
  EngTaskRun *run;    /* owned */
  EngInput *last;     /* owned: the input that is repeated */
  EngResult *result;  /* owned: of the last input */
  guint n_inferences; /* clean and instrumented */
  guint n_late;       /* continuous mode: inputs that began later than their time */
  guint n_inputs;     /* inputs begun */
  char rhythm[96];    /* continuous mode: the stage in words, with how many were late */
  gboolean cancelled;
  RtRepeatVerdict ended;  /* why the repeats ended; MORE: none, or stopped */
  gboolean traced;        /* what the next inference is */

  /* Of the inference before: for pairs of a clean and an instrumented one. */
  double last_exec_ns, last_nodes_ns;

  /* Samples in nanoseconds, owned: double. */
  GArray *inference;                    /* clean: feed, executor, collect */
  GArray *pre, *network, *post, *nodes; /* instrumented */
  GArray *overhead;                     /* fraction */
  GArray *around;  /* fraction: of an instrumented inference, what is not network */
  GArray *reading; /* per input */
} EngMeasureInput;

/* List the inputs and open the first. FALSE: there is none, or it cannot be fed. */
gboolean eng_measure_input_init (EngMeasureInput *measure, EngBuild *build,
                                 const EngWorkload *workload, GError **error);
/* The same with a run of another sort: the network elsewhere (eng_task_run_new_far()). */
typedef EngTaskRun *(*EngMeasureMakeRun) (EngBuild *build, EngInputKind kind, gpointer user_data,
                                          GError **error);
gboolean eng_measure_input_init_with (EngMeasureInput *measure, EngBuild *build,
                                      const EngWorkload *workload, EngMeasureMakeRun make_run,
                                      gpointer user_data, GError **error);
void eng_measure_input_clear (EngMeasureInput *measure);

/* Every input once. Stopping is not an error: measure->cancelled. */
gboolean eng_measure_input_once (EngMeasureInput *measure, GError **error);
/* The last one again until the headline is known as well as the workload asks, its budget is spent,
 * or workload->n_repeats are done. */
gboolean eng_measure_input_repeat (EngMeasureInput *measure, GError **error);
/* Continuous mode: over all inputs, at the rate, for the time. */
gboolean eng_measure_input_continuous (EngMeasureInput *measure, GError **error);

/* A few inferences of the last input with performance counters, for the layers; without them, the
 * reason is kept. Half a second at most. */
gboolean eng_measure_input_count (EngMeasureInput *measure, GError **error);

/* The executor that runs, for cancelling. */
RtExec *eng_measure_input_get_exec (EngMeasureInput *measure);

G_END_DECLS
