/* What was gathered from telemetry, for the two files that gather it and make a Run of it. */
#pragma once

#include "eng-board-run.h"
#include "eng-speculation-rounds.h"
#include "eng-stream.h"

G_BEGIN_DECLS

/* One window under the board's power meter. */
typedef struct
{
  RtPhase phase;
  double joules, seconds;
  guint64 n;
} EngBoardWindow;

struct _EngBoardRun
{
  EngBoardWork *work;
  EngProfiler *profiler, *own_profiler; /* own: freed */
  const EngRunEvents *events;
  EngTelemetry *telemetry;

  /* What was said. */
  EngBoard *board; /* NULL: it did not say */
  char *isa, *machine, *runner;
  char *stage;
  double progress;
  gboolean has_build;
  guint n_threads;
  guint64 weight_bytes, all_bytes; /* of memory */
  char *status;                    /* of the line "end" */
  char *error_code, *error_message;
  guint64 n_dropped;
  char *refused; /* the first thing that cannot be: another build, an output of the wrong size */

  /* Samples in nanoseconds: double. */
  GArray *prefill, *first_token, *step_clean, *token_clean, *step_traced, *overhead;
  GArray *inference, *nodes;
  double last_clean_ns, last_nodes_ns;
  guint n_passes, n_inferences;
  RtRepeatVerdict ended[RT_N_PHASES]; /* why the repeats of each phase ended */

  GArray *tokens; /* gint32 */
  EngStream stream;
  gboolean is_end_token; /* the last one */

  EngSpeculationRounds *rounds;           /* NULL: the board was not asked to draft */
  double verify_ns[RT_SPECULATE_MAX + 2]; /* calibrated there; 0: not known */

  GArray *states; /* EngConditionsSample */
  double sum_own_cpus, sum_others_cpus;
  guint n_own, n_others;
  gint64 n_throttled; /* -1: not known */
  guint64 last_ns;
  guint64 peak_rss_bytes;

  GArray *windows; /* EngBoardWindow */
  char *meter;

  gint64 begin_s, first_line_us;
};

G_END_DECLS
