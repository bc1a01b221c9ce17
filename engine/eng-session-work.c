/* The session's work on other threads: opening a model, lowering a recipe, running. Results come
 * back to the session's main context; those that are no longer wanted are dropped by their
 * generation. */
#include <string.h>

#include "eng-run-verdict.h"
#include "eng-session-private.h"

/* Live text, profile and progress reach the views this often at most. */
#define TICK_MS 33

/* is_calm (): so long after the last news, and so seldom from then on. */
#define LIVELY_US 700000
#define CALM_US G_USEC_PER_SEC
#define WINDOW 64

/* What a callback needs: it must not keep the session alive. */
typedef struct
{
  GWeakRef session;
  guint generation;
} Reply;

static Reply *
reply_new (EngSession *session)
{
  Reply *reply = g_new0 (Reply, 1);
  g_weak_ref_init (&reply->session, session);
  reply->generation = session->generation;
  return reply;
}

/* The session, or NULL when it is gone or wants something else by now; frees @reply. */
static EngSession *
reply_finish (Reply *reply)
{
  EngSession *session = g_weak_ref_get (&reply->session);
  if (session != NULL && session->generation != reply->generation)
    g_clear_object (&session);
  g_weak_ref_clear (&reply->session);
  g_free (reply);
  return session;
}

static void
cancel_job (EngSession *self)
{
  if (self->job != NULL)
    eng_job_cancel (self->job);
  eng_session_take_job (self, NULL);
}

void
eng_session_push_free (EngSessionPush *push)
{
  if (push == NULL)
    return;
  if (push->destroy != NULL)
    push->destroy (push->user_data);
  g_free (push);
}

static void
clear_queue (EngSession *self)
{
  g_clear_pointer (&self->queued, eng_workload_free);
  g_clear_pointer (&self->queued_push, eng_session_push_free);
}

/* ---- The file's hash ---- */

/* A run records the hash of the whole file, which takes about 2.5 s a gigabyte: made while nobody
 * waits, so that the first run does not end with that. A run or a lowering cancels it; then the run
 * makes it. */
static void
hash_thread (GTask *task, gpointer source, gpointer model, GCancellable *cancellable)
{
  g_free (eng_model_dup_hash (model, cancellable, NULL)); /* kept by the model */
}

static void
stop_hashing (EngSession *self)
{
  if (self->hashing != NULL)
    g_cancellable_cancel (self->hashing);
  g_clear_object (&self->hashing);
}

static void
start_hashing (EngSession *self)
{
  stop_hashing (self);
  self->hashing = g_cancellable_new ();
  g_autoptr (GTask) task = g_task_new (NULL, self->hashing, NULL, NULL);
  g_task_set_source_tag (task, start_hashing);
  g_task_set_task_data (task, g_object_ref (self->model), eng_session_release);
  g_task_run_in_thread (task, hash_thread);
}

/* ---- Opening ---- */

static void
on_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngModel) model = eng_model_load_finish (result, &error);
  g_autoptr (EngSession) self = reply_finish (data);

  if (self == NULL)
    {
      eng_session_release (g_steal_pointer (&model));
      return;
    }
  eng_session_take_job (self, NULL);
  if (model != NULL)
    eng_session_take_model (self, g_steal_pointer (&model));
  else
    {
      if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        eng_session_fail (self, error, "Opening the model");
      if (self->model != NULL && self->build == NULL)
        eng_session_lower (self); /* opening had put an end to that */
    }
}

void
eng_session_open (EngSession *self, const char *path)
{
  g_return_if_fail (ENG_IS_SESSION (self) && path != NULL);

  /* An older opening or lowering is not wanted any more; a run goes on until the new model is
   * there. */
  if (self->runner == NULL)
    cancel_job (self);
  self->generation++;
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *title = g_strdup_printf ("Opening %s", name);
  EngJob *job = eng_job_new (title);
  eng_model_load_async (path, eng_job_get_cancellable (job), on_loaded, reply_new (self));
  eng_session_take_job (self, job);
}

/* ---- Lowering ---- */

static void
on_lowered (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngBuild) build = eng_build_new_finish (result, &error);
  g_autoptr (EngSession) self = reply_finish (data);

  if (self == NULL)
    {
      eng_session_release (g_steal_pointer (&build));
      return;
    }
  eng_session_take_job (self, NULL);
  if (build == NULL)
    {
      /* Cancelled by a person, not by a newer recipe: the recipe stands, and Run makes the build
       * again. */
      clear_queue (self);
      eng_session_set_running (self, FALSE);
      if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        eng_session_fail (self, error, "Preparing the model");
      return;
    }
  eng_session_release (self->last_build);
  self->last_build = g_object_ref (build);
  eng_session_take_build (self, g_steal_pointer (&build));
  if (self->run == NULL)
    eng_session_show_measured (self); /* it may be the build of a run of another recipe */
  eng_session_start_queued (self);
  if (self->runner == NULL)
    start_hashing (self);
  eng_session_plan_measuring (self);
}

void
eng_session_lower (EngSession *self)
{
  EngRecipe *recipe = eng_session_get_recipe (self);

  if (self->runner != NULL)
    {
      self->stale = TRUE;
      return;
    }
  self->stale = FALSE;
  eng_session_put_off_measuring (self);
  cancel_job (self);
  stop_hashing (self);
  self->generation++;
  if (self->last_build != NULL && eng_build_get_model (self->last_build) == self->model
      && eng_recipe_equal (eng_build_get_recipe (self->last_build), recipe))
    {
      eng_session_take_build (self, g_object_ref (self->last_build));
      eng_session_start_queued (self);
      eng_session_plan_measuring (self);
      return;
    }
  eng_session_take_build (self, NULL);
  EngJob *job = eng_job_new ("Preparing the model");
  eng_build_new_async (self->model, recipe, self->last_build, job, on_lowered, reply_new (self));
  eng_session_take_job (self, job);
}

/* ---- Running ---- */

struct _EngRunner
{
  gatomicrefcount ref_count;
  GWeakRef session;
  EngBuild *build;
  EngWorkload *workload;
  EngProfiler *profiler;
  EngHistory *history;     /* NULL: not kept */
  EngEstimator *estimator; /* NULL: learns nothing */
  EngDevice *device;       /* NULL: it runs here */
  EngSessionPush *push;    /* of a run on it; NULL: nobody asks or listens */
  EngJob *job;
  guint tick;                             /* main context */
  guint64 seen;                           /* generation of the profile shown last; main context */
  gint64 lively_until_us, shown_us;       /* main context: is_calm() */
  GError *history_error, *estimate_error; /* written by the worker before it returns */

  GMutex mutex;      /* guards text and result */
  GString *text;     /* not yet shown */
  EngResult *result; /* the newest, not yet shown; NULL: none */

  const char *stage; /* worker: what was reported last, and when */
  gint64 reported_us;
};

static EngRunner *
runner_ref (EngRunner *runner)
{
  g_atomic_ref_count_inc (&runner->ref_count);
  return runner;
}

static void
runner_unref (EngRunner *runner)
{
  if (!g_atomic_ref_count_dec (&runner->ref_count))
    return;
  g_weak_ref_clear (&runner->session);
  eng_profiler_free (runner->profiler);
  eng_workload_free (runner->workload);
  eng_session_release (runner->build);
  g_object_unref (runner->job);
  g_clear_object (&runner->history);
  g_clear_object (&runner->estimator);
  g_clear_object (&runner->device);
  eng_session_push_free (runner->push);
  g_clear_error (&runner->history_error);
  g_clear_error (&runner->estimate_error);
  g_string_free (runner->text, TRUE);
  g_clear_pointer (&runner->result, eng_result_unref);
  g_mutex_clear (&runner->mutex);
  g_free (runner);
}

static void
on_text (const char *utf8, gpointer data)
{
  EngRunner *runner = data;
  g_mutex_lock (&runner->mutex);
  g_string_append (runner->text, utf8);
  g_mutex_unlock (&runner->mutex);
}

/* Views show the newest: what comes faster than they draw is left out. */
static void
on_result (EngResult *result, gpointer data)
{
  EngRunner *runner = data;
  g_mutex_lock (&runner->mutex);
  EngResult *old = runner->result;
  runner->result = eng_result_ref (result);
  g_mutex_unlock (&runner->mutex);
  g_clear_pointer (&old, eng_result_unref);
}

/* Progress is told ten times a second at most: fast models have thousands of steps in one. */
static void
on_stage (const char *stage, double progress, gpointer data)
{
  EngRunner *runner = data;
  gint64 now = g_get_monotonic_time ();
  if (stage == runner->stage && now - runner->reported_us < G_USEC_PER_SEC / 10)
    return;
  runner->stage = stage;
  runner->reported_us = now;
  eng_job_report (runner->job, stage, progress);
}

/* There, and what came home of it. */
static EngRun *
push_and_run (EngRunner *runner, const EngRunEvents *events, GError **error)
{
  const EngSessionPush *push = runner->push;
  gboolean asks = push != NULL && (push->ask.confirm != NULL || push->ask.secret != NULL);
  EngPushOptions options = { .ask = asks ? &push->ask : NULL };
  EngPushTimes times = { 0 };
  g_autoptr (GError) why = NULL;
  EngRun *run
      = eng_push_run (runner->device, runner->build, runner->workload, runner->profiler, events,
                      push != NULL ? &push->events : NULL, &options, &times, runner->job, &why);

  if (push != NULL && push->ended != NULL)
    push->ended (run, &times, why, push->user_data);
  if (run == NULL)
    g_propagate_error (error, g_steal_pointer (&why));
  return run;
}

static void
run_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  EngRunner *runner = data;
  EngRunEvents events = { on_text, on_stage, on_result, runner };
  GError *error = NULL;
  EngRun *run = runner->device != NULL
                    ? push_and_run (runner, &events, &error)
                    : eng_run_new (runner->build, runner->workload, runner->profiler, &events,
                                   cancellable, &error);

  if (run != NULL && runner->estimator != NULL)
    {
      eng_estimator_take_run (runner->estimator, run, &runner->estimate_error);
      eng_run_take_verdicts (run, eng_build_get_model (runner->build));
    }
  if (run != NULL && runner->history != NULL)
    eng_history_add (runner->history, run, &runner->history_error);
  if (run != NULL)
    g_task_return_pointer (task, run, g_object_unref);
  else
    g_task_return_error (task, error);
}

/* Bring what is new to the views. */
static void
show_progress (EngSession *self, EngRunner *runner)
{
  g_autofree char *text = NULL;
  g_autoptr (EngResult) result = NULL;

  g_mutex_lock (&runner->mutex);
  result = g_steal_pointer (&runner->result);
  if (runner->text->len > 0)
    {
      text = g_strdup (runner->text->str);
      g_string_truncate (runner->text, 0);
    }
  g_mutex_unlock (&runner->mutex);
  if (text != NULL)
    eng_session_emit_text (self, text);
  if (result != NULL)
    eng_session_emit_result (self, result);

  guint64 generation = eng_profiler_get_generation (runner->profiler);
  if (generation != runner->seen)
    {
      runner->seen = generation;
      eng_session_take_profile (self, eng_profiler_snapshot (runner->profiler));
    }
}

/* Whoever listens draws, on the processors that are being measured. What is new is shown as it
 * comes; once only the same passes are repeated, to make the intervals narrow, a look a second is
 * enough. */
static gboolean
is_calm (EngRunner *runner)
{
  gint64 now_us = g_get_monotonic_time ();
  gboolean writes;

  g_mutex_lock (&runner->mutex);
  writes = runner->text->len > 0;
  g_mutex_unlock (&runner->mutex);
  if (writes || runner->workload->seconds > 0 || runner->lively_until_us == 0)
    runner->lively_until_us = now_us + LIVELY_US;
  return now_us > runner->lively_until_us && now_us < runner->shown_us + CALM_US;
}

static gboolean
on_tick (gpointer data)
{
  EngRunner *runner = data;
  g_autoptr (EngSession) self = g_weak_ref_get (&runner->session);
  if (self != NULL && self->runner == runner && !is_calm (runner))
    {
      runner->shown_us = g_get_monotonic_time ();
      show_progress (self, runner);
    }
  return G_SOURCE_CONTINUE;
}

static void
runner_stop_ticking (EngRunner *runner)
{
  g_clear_handle_id (&runner->tick, g_source_remove);
}

static void
on_run_done (GObject *source, GAsyncResult *result, gpointer data)
{
  EngRunner *runner = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRun) run = g_task_propagate_pointer (G_TASK (result), &error);
  g_autoptr (EngSession) self = g_weak_ref_get (&runner->session);

  if (self != NULL && self->runner == runner)
    {
      runner_stop_ticking (runner);
      show_progress (self, runner);
      self->runner = NULL;
      g_object_freeze_notify (G_OBJECT (self));
      if (self->job == runner->job)
        eng_session_take_job (self, NULL);
      if (run != NULL)
        eng_session_add_run (self, run, runner->device);
      eng_session_show_measured (self);
      eng_session_set_running (self, FALSE);
      g_object_thaw_notify (G_OBJECT (self));

      if (run != NULL)
        eng_session_emit_finished (self, run);
      else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        eng_session_fail (self, error,
                          runner->device != NULL ? "Running on the device" : "Running the model");
      if (runner->history_error != NULL)
        eng_session_fail (self, runner->history_error, "Keeping the run in the history");
      if (runner->estimate_error != NULL)
        eng_session_fail (self, runner->estimate_error, "Learning from the run for estimates");
      eng_session_update_estimate (self);
      eng_session_plan_measuring (self);
      if (self->stale && self->runner == NULL)
        eng_session_lower (self);
      runner_unref (runner); /* the session's */
    }
  runner_unref (runner); /* the callback's */
}

static void
start_runner (EngSession *self, EngWorkload *workload)
{
  EngRunner *runner = g_new0 (EngRunner, 1);
  g_atomic_ref_count_init (&runner->ref_count);
  g_weak_ref_init (&runner->session, self);
  g_mutex_init (&runner->mutex);
  runner->build = g_object_ref (self->build);
  runner->workload = workload;
  runner->profiler = eng_profiler_new (self->build, WINDOW);
  g_set_object (&runner->device, self->device);
  runner->push = g_steal_pointer (&self->queued_push);
  g_autofree char *title
      = self->device != NULL
            ? g_strdup_printf ("Running on %s", eng_device_get_name (self->device))
            : g_strdup ("Running the model");
  runner->job = eng_job_new (title);
  runner->text = g_string_new (NULL);
  g_set_object (&runner->history, self->history);
  if (self->device == NULL) /* what a board does says nothing of this computer */
    g_set_object (&runner->estimator, self->estimator);

  stop_hashing (self);
  g_clear_pointer (&self->workload, eng_workload_free);
  self->workload = eng_workload_copy (workload);
  self->runner = runner;
  g_autoptr (GTask) task
      = g_task_new (NULL, eng_job_get_cancellable (runner->job), on_run_done, runner_ref (runner));
  g_task_set_source_tag (task, start_runner);
  g_task_set_task_data (task, runner_ref (runner), (GDestroyNotify)runner_unref);
  g_task_set_check_cancellable (task, FALSE); /* a stopped run may still be a result */
  runner->tick = g_timeout_add (TICK_MS, on_tick, runner);

  eng_session_take_job (self, g_object_ref (runner->job));
  eng_session_emit_text (self, NULL);
  g_task_run_in_thread (task, run_thread);
}

void
eng_session_start_queued (EngSession *self)
{
  if (self->queued == NULL || self->build == NULL)
    return;
  if (self->measuring != NULL)
    eng_session_put_off_measuring (self); /* it calls this again when it has stopped */
  else
    start_runner (self, g_steal_pointer (&self->queued));
}

/* @push: transfer full. */
static void
start (EngSession *self, EngDevice *device, const EngWorkload *workload, EngSessionPush *push)
{
  if (self->model == NULL || self->running)
    {
      eng_session_push_free (push);
      return;
    }
  eng_session_set_device (self, device);
  self->queued = eng_workload_copy (workload);
  self->queued_push = push;
  eng_session_set_running (self, TRUE);
  if (self->build != NULL)
    eng_session_start_queued (self);
  else if (self->job == NULL) /* its making was cancelled or failed */
    eng_session_lower (self);
}

void
eng_session_start_run (EngSession *self, const EngWorkload *workload)
{
  g_return_if_fail (ENG_IS_SESSION (self) && workload != NULL);
  start (self, NULL, workload, NULL);
}

void
eng_session_start_run_on (EngSession *self, EngDevice *device, const EngWorkload *workload,
                          const EngSessionPush *push)
{
  g_return_if_fail (ENG_IS_SESSION (self) && ENG_IS_DEVICE (device) && workload != NULL);
  start (self, device, workload, push != NULL ? g_memdup2 (push, sizeof *push) : NULL);
}

void
eng_session_stop_run (EngSession *self)
{
  g_return_if_fail (ENG_IS_SESSION (self));

  if (self->runner != NULL)
    eng_job_cancel (self->runner->job);
  else if (self->queued != NULL)
    {
      clear_queue (self);
      eng_session_set_running (self, FALSE);
    }
}

void
eng_session_abandon (EngSession *self)
{
  self->generation++;
  cancel_job (self);
  stop_hashing (self);
  clear_queue (self);
  if (self->runner != NULL)
    {
      EngRunner *runner = g_steal_pointer (&self->runner);
      runner_stop_ticking (runner);
      eng_job_cancel (runner->job);
      runner_unref (runner);
    }
  self->stale = FALSE;
  eng_session_release (g_steal_pointer (&self->last_build));
  eng_session_take_build (self, NULL);
  eng_session_set_running (self, FALSE);
}
