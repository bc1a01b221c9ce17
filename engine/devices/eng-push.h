/* Push: a build onto a device, run there, and its telemetry home as a Run. The same steps on every
 * transport; each can be cancelled, and goes on where it was after a link was lost. */
#pragma once

#include "eng-build.h"
#include "eng-devices.h"
#include "eng-run.h"

G_BEGIN_DECLS

/* ---- Preflight: what is asked before anything is copied ---- */

typedef enum
{
  ENG_PREFLIGHT_OK,
  ENG_PREFLIGHT_WARNING, /* it will run; the figures may be worse for it */
  ENG_PREFLIGHT_FAILED,  /* it cannot run: what is missing, and the remedy */
} EngPreflightState;

typedef struct
{
  const char *id;    /* "isa", "memory", "space", "permissions", "clock", "sensors", "operators" */
  const char *title; /* "Memory" */
  EngPreflightState state;
  char *text;   /* "needs 118 MB of 3.7 GB free" */
  char *remedy; /* a command, or NULL */
} EngPreflightItem;

void eng_preflight_item_free (EngPreflightItem *item);

/* Items for @build on the board that @device last told of (eng_device_contact()). No I/O. */
GPtrArray *eng_preflight (EngDevice *device, EngBuild *build, const EngWorkload *workload);
gboolean eng_preflight_passed (const GPtrArray *items);

/* ---- Push and run ---- */

typedef enum
{
  ENG_PUSH_CONNECT,
  ENG_PUSH_PREFLIGHT,
  ENG_PUSH_PREPARE, /* the build's file, or a microcontroller's image, is made here */
  ENG_PUSH_COPY,
  ENG_PUSH_VERIFY,
  ENG_PUSH_RUN,
  ENG_PUSH_COLLECT,
  ENG_PUSH_CLEAN_UP,
  ENG_N_PUSH_STAGES
} EngPushStage;
const char *eng_push_stage_name (EngPushStage stage); /* "copy" */

typedef struct
{
  EngPushStage stage;
  const char *what;        /* "runner", "build", "inputs": of copying; NULL */
  guint64 n_done, n_bytes; /* of copying, over all files of this push; 0: does not apply */
  double bytes_per_s;      /* of the last seconds; NAN: not known yet */
  double left_s;           /* NAN: not known */
  double progress;         /* of the run, 0..1; -1: not known */
  guint n_tries;           /* times the link was lost and opened again */
} EngPushProgress;

typedef struct
{
  void (*progress) (const EngPushProgress *progress, gpointer user_data);
  /* after everything that changed it: the board's samples so far, as of any run */
  void (*preflight) (const GPtrArray *items, gpointer user_data);
  gpointer user_data;
} EngPushEvents; /* all on the worker's thread */

/* How long and how much each part took: for the closing line of a push. */
typedef struct
{
  guint64 n_copied, n_kept;                     /* bytes sent; bytes that were there already */
  double connect_s, prepare_s, copy_s, start_s; /* start: from the command to the first telemetry */
  gboolean ended_early; /* the board's last line did not come: the run is what came before */
} EngPushTimes;

/* Blocking, on a worker. @run_events and @profiler as of eng_run_new(): the profiler fills live
 * from the board's records. Only what is not there yet is copied. A link that is lost is opened
 * again for @patience_s seconds (60 by default): copying and telemetry go on where they were. What
 * was measured before an end without warning is in the run, degraded with the reason. @directory:
 * where the telemetry is kept as it came (NULL: $XDG_STATE_HOME/lathe/telemetry). */
typedef struct
{
  const EngAsk *ask;
  double patience_s; /* 0: 60 */
  double silence_s;  /* of a run: after so long without a word the link is taken for lost; 0: 30 */
  const char *directory;
} EngPushOptions;

EngRun *eng_push_run (EngDevice *device, EngBuild *build, const EngWorkload *workload,
                      EngProfiler *profiler, const EngRunEvents *run_events,
                      const EngPushEvents *events, const EngPushOptions *options,
                      EngPushTimes *times, EngJob *job, GError **error);

/* Take away what Lathe keeps on the board: builds, runner, logs. */
gboolean eng_push_clean (EngDevice *device, const EngAsk *ask, EngJob *job, GError **error);

G_END_DECLS
