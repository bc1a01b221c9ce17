/* One run: a build under a work, its telemetry to an output. Shared by the files of the measuring
 * loops; what a run is for others is rn_run() alone. */
#pragma once

#include "rn-line.h"
#include "rn-output.h"
#include "rn-stop.h"
#include "rt-build-file.h"
#include "rt-repeat.h"
#include "rt-sensors.h"
#include "rt-work.h"

typedef struct
{
  const char *build_path, *work_path;
  const char *command; /* what was asked for, for the line "hello" */
  const char *log;     /* NULL: @fd is no log file */
  int fd;
  size_t buffer_bytes; /* 0: the usual */
} RnRunConfig;

/* The exit status: 0 complete, 1 failed, 3 cancelled. All that happens is told in telemetry; only
 * what telemetry cannot tell goes to standard error. */
int rn_run (const RnRunConfig *config);

/* ---- For the measuring loops ---- */

typedef struct
{
  const RnRunConfig *config;
  uint64_t start_ns;
  RtSensors *sensors;
  RnOutput *output;
  RnLine line; /* the measuring thread's */

  RtBuildFile build;
  RtWork work;
  RtPool *pool;
  RtExec *exec;
  uint32_t n_threads;

  struct RnTrace *trace;
  const char *where; /* of an error: what was being done */
  uint64_t next_progress_ns;
  bool cancelled;
} RnRun;

/* A new stage; @stage is static. */
void rn_run_stage (RnRun *run, const char *stage, double progress);
/* How far it is; told twice a second at most. Between passes. */
void rn_run_progress (RnRun *run, double progress);

typedef struct
{
  RtPhase phase;
  bool traced;
  uint32_t n_tokens, position;
  uint64_t ns;
  double nodes_ns;                             /* of traced ones: sum of the nodes; NAN */
  uint64_t token_ns, total_ns, first_token_ns; /* 0: does not apply */
  uint32_t chunk_tokens;                       /* of a prompt's first chunk; 0: does not apply */
  uint64_t chunk_ns;
} RnPass;

void rn_run_tell_pass (RnRun *run, const RnPass *pass);
const char *rn_phase_name (RtPhase phase);

/* Around a pass: nothing is written during clean ones. FALSE from begin: the run is to end. */
bool rn_run_begin_pass (RnRun *run, bool traced);
void rn_run_end_pass (RnRun *run);

/* ---- rn-repeat.c ---- */

/* What a figure of the studio will be made of, in nanoseconds and in order of time. */
typedef struct
{
  double *values;
  uint32_t n, room;
} RnSamples;

bool rn_samples_add (RnSamples *samples, double value, RtError *error);
void rn_samples_clear (RnSamples *samples);

/* Whether they need more, by the studio's own rule (rt-repeat.h); the budget begins now, the
 * samples so far count. */
typedef struct
{
  RtRepeat rule;
  const RnSamples *samples; /* borrowed */
  uint32_t n_before;
  uint64_t start_ns;
  RtRepeatVerdict verdict;
} RnRepeat;

void rn_repeat_begin (RnRepeat *repeat, const RtRepeatRule *rule, const RnSamples *samples);
bool rn_repeat_more (RnRepeat *repeat);
/* Of the budget, for progress: 0 to 1. */
double rn_repeat_spent (const RnRepeat *repeat);
/* Why it ended, and how narrow the interval is. */
void rn_repeat_tell (RnRun *run, RtPhase phase, const RnRepeat *repeat);

/* ---- rn-text.c, rn-inputs.c, rn-scores.c ---- */

/* False: @error, or run->cancelled. */
bool rn_text_run (RnRun *run, RtError *error);
bool rn_inputs_run (RnRun *run, RtError *error);
bool rn_scores_run (RnRun *run, RtError *error);

/* ---- rn-trace.c ---- */

/* The records of the last run as a line, as often as traces are told. Returns the sum of the nodes'
 * times; NAN: records were lost. */
struct RnTrace *rn_trace_new (const RtExec *exec, uint32_t n_nodes, uint32_t n_threads);
void rn_trace_free (struct RnTrace *trace);
double rn_trace_take (RnRun *run);

/* ---- rn-energy.c ---- */

/* One clean pass; *@n_units: tokens or inferences that it was. False: it was cancelled, or
 * @error. */
typedef bool (*RnEnergyPass) (RnRun *run, void *data, uint32_t *n_units, RtError *error);
/* Clean passes over and over under the best meter that is there, for @seconds; nothing without
 * one. */
bool rn_energy_measure (RnRun *run, RtPhase phase, double seconds, RnEnergyPass pass, void *data,
                        RtError *error);
