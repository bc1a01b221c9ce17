/* Timeline: what every thread did, and when, in a run's last instrumented steps: the trace records
 * themselves. Names of nodes are in the run's profile. */
#pragma once

#include <json-glib/json-glib.h>

#include "eng-profile.h"

G_BEGIN_DECLS

/* One thread's part in one node. Times in ns since the timeline's beginning. */
typedef struct
{
  gint64 start_ns;    /* the thread began the node */
  gint64 work_end_ns; /* it found no more work in it: from here on it waited */
  gint64 end_ns;      /* the node's last work was done, by any thread */
  guint32 node;       /* index in the profile */
  guint16 thread;
  guint16 step; /* index of the timeline's steps */
} EngSpan;

typedef struct
{
  RtPhase phase;
  guint n_tokens;          /* rows of this step */
  guint number;            /* of the executor's runs, counted since the build was made; clean ones
                            * count */
  gint64 start_ns, end_ns; /* first thread in to last node done */
  guint first, n_spans;    /* its spans */
} EngTimelineStep;

/* EngTimeline (eng-profile.h): immutable, reference counted. */
EngTimeline *eng_timeline_ref (EngTimeline *timeline);
void eng_timeline_unref (EngTimeline *timeline); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngTimeline, eng_timeline_unref)

guint eng_timeline_get_n_threads (EngTimeline *timeline);
guint eng_timeline_get_n_steps (EngTimeline *timeline);
/* by rising start */
const EngTimelineStep *eng_timeline_get_step (EngTimeline *timeline, guint step);
/* Of all steps, by step, then thread, then start; *@n of them. Spans of one thread do not
 * overlap. */
const EngSpan *eng_timeline_get_spans (EngTimeline *timeline, guint *n);
gint64 eng_timeline_get_end_ns (EngTimeline *timeline);

/* ---- Keeping ---- */

/* Kept of each phase: enough to see the scatter, little enough to keep with every run. */
#define ENG_TIMELINE_STEPS 8
#define ENG_TIMELINE_PREFILL_STEPS 2
#define ENG_TIMELINE_MAX_SPANS 60000 /* of one phase; a step that has more is not kept */

typedef struct _EngTimelineKeeper EngTimelineKeeper;
EngTimelineKeeper *eng_timeline_keeper_new (void);
void eng_timeline_keeper_free (EngTimelineKeeper *keeper); /* accepts NULL */
void eng_timeline_keeper_clear (EngTimelineKeeper *keeper);
/* The records of @step among @records, outside of what is measured: a copy of them, in place of the
 * oldest step of their phase. */
void eng_timeline_keeper_add (EngTimelineKeeper *keeper, const RtTraceRecord *records, guint n,
                              guint32 step, guint n_nodes);
/* NULL: nothing was kept. */
EngTimeline *eng_timeline_keeper_snapshot (EngTimelineKeeper *keeper);

/* ---- Documents ---- */

/* As the member @name of the object that is open: steps as objects, spans packed (base64 of zlib of
 * variable-length integers; about 7 characters a span). */
void eng_timeline_write (EngTimeline *timeline, JsonBuilder *builder, const char *name);
/* Spans of nodes that @profile does not have are an error. */
EngTimeline *eng_timeline_read (JsonObject *object, EngProfile *profile, GError **error);

/* Trace event format, as Perfetto and Chrome's tracing page open it: one complete event ("X") per
 * span with a nested "wait" where the thread waited, and a track of steps with their layers. ts and
 * dur are microseconds with three decimals, so nanoseconds are exact. args: layer, operator, phase,
 * step, and of the node in this phase FLOPs and bytes. @process names the process ("SmolLM2 135M,
 * Q4_0 weights"). */
char *eng_timeline_to_chrome_json (EngTimeline *timeline, EngProfile *profile, const char *process);

G_END_DECLS
