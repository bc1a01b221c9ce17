/* Session: one Model, its Recipe with undo, its current Build, its Runs. The window and the command
 * line are views of it. Lives on one main context; all work happens on workers. */
#pragma once

#include "devices/eng-push.h"
#include "eng-estimate.h"
#include "eng-history.h"
#include "eng-run.h"

G_BEGIN_DECLS

#define ENG_TYPE_SESSION (eng_session_get_type ())
G_DECLARE_FINAL_TYPE (EngSession, eng_session, ENG, SESSION, GObject)

/* Properties (all notify): "model" EngModel, "recipe" EngRecipe, "build" EngBuild (NULL while
 * lowering), "job" EngJob (what is going on, NULL when idle), "running" boolean, "device" EngDevice
 * (where runs are measured and which runs "run" is of; NULL: this computer), "can-undo", "can-redo"
 * booleans, "run" EngRun (the measured numbers of the current recipe, NULL when it was
 * never run), "baseline" EngRun (pinned, drawn behind), "profile" EngProfile (of "run", or live
 * while running; notifies at most 30 times a second), "estimate" EngForecast. The session keeps
 * itself alive for nobody: dropping the last reference cancels what is going on. Signals: "text"
 * (const char *utf8) while running, "text-reset" at a run's start, "result" (EngResult *) of a
 * network's input while running (the newest, at most 30 times a second), "run-finished" (EngRun *),
 * "failed" (GError *, const char *what). */
EngSession *eng_session_new (EngHistory *history); /* @history nullable: nothing is kept */

/* asynchronous: "model" or "failed" */
void eng_session_open (EngSession *session, const char *path);
EngModel *eng_session_get_model (EngSession *session);

EngRecipe *eng_session_get_recipe (EngSession *session);
/* Apply a changed recipe: pushed on the undo stack, lowered in the background (a newer change
 * cancels an older one's lowering). While a run is in progress it is applied when the run ends. */
void eng_session_set_recipe (EngSession *session, EngRecipe *recipe);
void eng_session_undo (EngSession *session);
void eng_session_redo (EngSession *session);
char *eng_session_dup_undo_label (EngSession *session); /* NULL when there is nothing to undo */
char *eng_session_dup_redo_label (EngSession *session);

EngBuild *eng_session_get_build (EngSession *session);
EngJob *eng_session_get_job (EngSession *session);

/* waits for the build when one is being made */
void eng_session_start_run (EngSession *session, const EngWorkload *workload);

/* ---- Devices ---- */

/* Whom a run on a device asks, and what it tells. The functions are called on the worker. */
typedef struct
{
  EngAsk ask;                /* no functions: nobody is there to answer */
  EngPushEvents events;      /* nullable functions */
  void (*ended) (EngRun *run, const EngPushTimes *times, const GError *error,
                 gpointer user_data); /* nullable; @run NULL: @error says why */
  gpointer user_data;                 /* of "ended" */
  GDestroyNotify destroy; /* of @user_data, when the worker is through with all of it; any thread */
} EngSessionPush;

/* From now on "run" is the newest of the current recipe on @device (NULL: this computer); without a
 * pinned baseline, the run that was shown until now becomes the baseline: so they stand against
 * each other. Nothing happens while a run goes on. */
void eng_session_set_device (EngSession *session, EngDevice *device);
EngDevice *eng_session_get_device (EngSession *session); /* borrowed */
/* eng_session_set_device(), then the same as eng_session_start_run() there: the build is pushed,
 * "profile" fills from the board's telemetry, the run is one like any other. @push (nullable) is
 * copied. */
void eng_session_start_run_on (EngSession *session, EngDevice *device, const EngWorkload *workload,
                               const EngSessionPush *push);
/* A run of this session's model that was measured on @device (NULL: this computer) outside of
 * it. */
void eng_session_add_run_of (EngSession *session, EngDevice *device, EngRun *run);
/* The newest run of @recipe on @device (NULL: this computer), as eng_session_find_run().
 * Borrowed. */
EngRun *eng_session_find_run_on (EngSession *session, EngRecipe *recipe, EngDevice *device);

/* what was measured until then arrives as a degraded run */
void eng_session_stop_run (EngSession *session);
gboolean eng_session_get_running (EngSession *session);

EngRun *eng_session_get_run (EngSession *session);
/* The newest measured run of @recipe in this session on its device, of the last workload when there
 * is one; NULL: never run. Borrowed. */
EngRun *eng_session_find_run (EngSession *session, EngRecipe *recipe);
EngRun *eng_session_get_baseline (EngSession *session);
/* NULL unpins. When none is pinned, a finished run becomes the baseline of the next recipe. */
void eng_session_set_baseline (EngSession *session, EngRun *run);
EngProfile *eng_session_get_profile (EngSession *session);

/* ---- Estimates ---- */

/* From now on every recipe is estimated when it is set (property "estimate", notifies), finished
 * runs teach the estimator, and operators that its table lacks are timed while nothing else is
 * going on (property "job"). NULL: none of it, as in the beginning. */
void eng_session_set_estimator (EngSession *session, EngEstimator *estimator);
EngEstimator *eng_session_get_estimator (EngSession *session); /* borrowed; NULL: none */
/* Something outside of the session keeps the processors busy (an evaluation, the measuring of
 * roofs): no operators are timed meanwhile. */
void eng_session_set_busy (EngSession *session, gboolean busy);
/* Of the current recipe; NULL while it is being made (tens of milliseconds) and when there is none.
 * Borrowed. */
EngForecast *eng_session_get_estimate (EngSession *session);
/* What this technique's setting is expected to do: the current recipe, which was not run yet,
 * against the same with the technique as in the newest run (before any run: as the model was opened
 * with): "−31 % ms/token, −14 % memory". NULL when nothing is known, the setting is the same, or
 * the recipe was run. */
char *eng_session_dup_technique_estimate (EngSession *session, const char *technique);

/* The newest run of an earlier recipe that differs from the current one, which was run, in this
 * technique alone, under the same workload: what it did, layer by layer, is the difference of the
 * two. NULL: none. Borrowed. */
EngRun *eng_session_find_run_before (EngSession *session, const char *technique);
/* The last run that this technique's setting was changed for, against the run before the change:
 * "−38 % ms/token" for the switch. NULL when unknown. */
char *eng_session_dup_technique_effect (EngSession *session, const char *technique);

G_END_DECLS
