/* The session's insides, for the files that share them: eng-session.c (state, properties, undo),
 * eng-session-work.c (loading, lowering, running on workers) and eng-session-runs.c (measured
 * numbers). Everything here is touched on the session's main context only. */
#pragma once

#include "eng-estimate.h"
#include "eng-session.h"

G_BEGIN_DECLS

typedef struct _EngRunner EngRunner; /* one run in progress */

struct _EngSession
{
  GObject parent_instance;

  EngHistory *history;
  EngModel *model;
  GPtrArray *states; /* EngRecipe: the undo stack, oldest first; never empty */
  guint at;          /* the current one */

  EngBuild *build;      /* of the current recipe; NULL while it is being made */
  EngBuild *last_build; /* the newest that was finished: shares its packed weights with the next */
  EngJob *job;          /* what is going on, NULL when idle */
  guint generation; /* of the lowering or loading that is wanted; results of others are dropped */
  GCancellable *hashing; /* the hash of the file is made while nothing else is; NULL: it is not */
  gboolean stale;        /* the recipe changed during a run: lower when it ends */

  gboolean running;      /* from start_run() to the run's end, waiting for the build included */
  EngWorkload *queued;   /* waits for the build */
  EngSessionPush *queued_push; /* of a run on "device"; NULL: none was given, or it is here */
  EngDevice *device;     /* NULL: this computer */
  EngWorkload *workload; /* of the last run */
  EngRunner *runner;     /* NULL when nothing runs */

  GPtrArray *runs; /* EngRun of this model, oldest first */
  EngRun *run, *baseline;
  gboolean pinned; /* the baseline was chosen by a person */
  EngProfile *profile;

  /* eng-session-estimate.c */
  EngEstimator *estimator;      /* NULL: nothing is estimated */
  EngForecast *estimate;        /* the newest answer, perhaps of an earlier recipe; NULL: none */
  GHashTable *estimate_effects; /* EngTechnique -> text, of the same answer */
  guint estimate_generation;
  EngJob *measuring;          /* operators are being timed; NULL: they are not */
  gboolean measuring_put_off; /* it was stopped by us */
  gboolean busy;              /* others use the processors */
  guint measure_timer, measure_tick;
  EngRecipe *measured_recipe; /* it has been through for this one */
};

enum
{
  ENG_SESSION_PROP_0,
  ENG_SESSION_MODEL,
  ENG_SESSION_RECIPE,
  ENG_SESSION_BUILD,
  ENG_SESSION_JOB,
  ENG_SESSION_RUNNING,
  ENG_SESSION_CAN_UNDO,
  ENG_SESSION_CAN_REDO,
  ENG_SESSION_RUN,
  ENG_SESSION_BASELINE,
  ENG_SESSION_PROFILE,
  ENG_SESSION_ESTIMATE,
  ENG_SESSION_DEVICE,
  ENG_SESSION_N_PROPS
};

/* eng-session.c: change a property and notify when it did change. */
void eng_session_take_build (EngSession *session, EngBuild *build);
void eng_session_take_job (EngSession *session, EngJob *job);
void eng_session_set_running (EngSession *session, gboolean running);
void eng_session_take_run (EngSession *session, EngRun *run);
void eng_session_take_baseline (EngSession *session, EngRun *run);
void eng_session_take_device (EngSession *session, EngDevice *device);
void eng_session_take_profile (EngSession *session, EngProfile *profile);
void eng_session_take_model (EngSession *session,
                             EngModel *model); /* and start anew: default recipe, no runs */
void eng_session_fail (EngSession *session, const GError *error, const char *what);
void eng_session_emit_text (EngSession *session, const char *utf8); /* NULL: "text-reset" */
void eng_session_emit_result (EngSession *session, EngResult *result);
void eng_session_emit_finished (EngSession *session, EngRun *run);

/* Drop a reference that may be the last of a model or a build, on another thread: giving back
 * hundreds of megabytes takes longer than a frame. Accepts NULL. */
void eng_session_release (gpointer object);

void eng_session_notify_estimate (EngSession *session);

/* eng-session-estimate.c */

/* of the recipe as it is now; the answer follows */
void eng_session_update_estimate (EngSession *session);
void eng_session_plan_measuring (EngSession *session); /* when nothing happens for some seconds */
void eng_session_put_off_measuring (EngSession *session); /* something else wants the processors */
void eng_session_clear_estimates (EngSession *session);   /* the model goes */

/* eng-session-work.c */

void eng_session_push_free (EngSessionPush *push); /* accepts NULL */

/* the run that waits, when nothing is in its way */
void eng_session_start_queued (EngSession *session);
void eng_session_lower (EngSession *session);   /* make the build of the current recipe */
void eng_session_abandon (EngSession *session); /* cancel everything and forget it */

/* eng-session-runs.c */
void eng_session_add_run (EngSession *session, EngRun *run, EngDevice *device);
void
eng_session_show_measured (EngSession *session); /* "run" and "profile" of the current recipe */

G_END_DECLS
