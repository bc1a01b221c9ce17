/* The adviser. Follows the stage; everything that takes longer than a look at a small file is done
 * on a worker, and a result that arrives late is dropped. Must not know any widget. */
#include "app-adviser.h"

#include "app-config.h"
#include "eng-roofline-forecast.h"
#include "eng-run-device.h"

#include <glib/gi18n.h>

#define KEY "app-adviser"

/* Changes come in bursts: recipe, build, run. */
#define WAIT_MS 60

struct _AppAdviser
{
  GObject parent_instance;

  AppStage *stage; /* not owned: it owns this */
  EngHistory *history;
  EngMachine *machine;

  EngRoof roof, full_roof;
  gboolean has_roof, has_full_roof;
  guint n_threads;
  GPtrArray *advice;
  EngProfile *expected;

  GCancellable *cancellable; /* of the thinking on the way */
  EngJob *job;               /* of measuring */
  guint wait_id;
};

enum
{
  PROP_0,
  PROP_JOB,
  N_PROPS
};

static GParamSpec *props[N_PROPS];
static guint signal_changed;

G_DEFINE_FINAL_TYPE (AppAdviser, app_adviser, G_TYPE_OBJECT)

/* ---- Thinking ---- */

/* All that the worker reads, and what it finds. */
typedef struct
{
  EngModel *model;
  EngRecipe *recipe;
  EngRun *run; /* NULL: the recipe was not run */
  EngBuild *build;
  EngForecast *forecast; /* of a recipe that was not run; nullable */
  EngEstimator *estimator;
  EngHistory *history;
  GPtrArray *runs;
  char *samples;
  EngRoof roof, full_roof;
  gboolean has_roof, has_full_roof;

  GPtrArray *advice;
  EngProfile *expected;
} Thought;

static void
thought_free (gpointer data)
{
  Thought *thought = data;

  g_clear_object (&thought->model);
  g_clear_pointer (&thought->recipe, eng_recipe_unref);
  g_clear_object (&thought->run);
  g_clear_object (&thought->build);
  g_clear_pointer (&thought->forecast, eng_forecast_unref);
  g_clear_object (&thought->estimator);
  g_clear_object (&thought->history);
  g_clear_pointer (&thought->runs, g_ptr_array_unref);
  g_free (thought->samples);
  g_clear_pointer (&thought->advice, g_ptr_array_unref);
  g_clear_pointer (&thought->expected, eng_profile_unref);
  g_free (thought);
}

static void
think_advice (Thought *thought, GCancellable *cancellable)
{
  EngAdviceEstimator estimator = { thought->estimator };
  EngAdviceLossSource loss = { thought->history, eng_run_get_workload (thought->run) };
  EngAdviceInput input;

  eng_advice_input_init (&input, thought->model, thought->run);
  input.roof = thought->has_roof ? &thought->roof : NULL;
  input.full_roof = thought->has_full_roof ? &thought->full_roof : NULL;
  input.build = thought->build;
  input.runs = thought->runs;
  input.samples = thought->samples;
  if (thought->estimator != NULL)
    {
      eng_estimate_sizes_init (&estimator.sizes, thought->model, input.profile);
      input.forecast = eng_advice_estimate;
      input.forecast_data = &estimator;
    }
  input.loss = eng_advice_known_loss;
  input.loss_data = &loss;
  input.cancellable = cancellable; /* a run that begins wants the cores */
  thought->advice = eng_advise (&input);
}

static void
think_expected (Thought *thought)
{
  g_autoptr (GError) error = NULL;

  if (thought->forecast == NULL)
    return;
  thought->expected = eng_roofline_expected_profile (thought->forecast, &error);
  if (thought->expected == NULL)
    g_info ("Nothing is expected of this recipe: %s", error->message);
}

static void
think_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Thought *thought = data;

  if (thought->run != NULL && eng_run_get_profile (thought->run) != NULL)
    think_advice (thought, cancellable);
  else
    think_expected (thought);
  g_task_return_boolean (task, TRUE);
}

static void
take_thought (AppAdviser *self, Thought *thought)
{
  g_clear_pointer (&self->advice, g_ptr_array_unref);
  g_clear_pointer (&self->expected, eng_profile_unref);
  self->advice = g_steal_pointer (&thought->advice);
  self->expected = g_steal_pointer (&thought->expected);
}

static void
emit_changed (AppAdviser *self)
{
  g_signal_emit (self, signal_changed, 0);
}

static void
on_thought (GObject *object, GAsyncResult *result, gpointer data)
{
  AppAdviser *self = APP_ADVISER (object);

  /* Cancelled: something else is shown by now, or the window has gone. */
  if (!g_task_propagate_boolean (G_TASK (result), NULL))
    return;
  g_clear_object (&self->cancellable);
  take_thought (self, g_task_get_task_data (G_TASK (result)));
  emit_changed (self);
}

static void
stop_thinking (AppAdviser *self)
{
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
}

static EngSession *
get_session (AppAdviser *self)
{
  return app_stage_get_session (self->stage);
}

/* The build can be asked for other plans only where it is that of the run. */
static EngBuild *
get_build_of (AppAdviser *self, EngRun *run)
{
  EngBuild *build = eng_session_get_build (get_session (self));

  return build != NULL && run != NULL
                 && g_strcmp0 (eng_build_get_hash (build), eng_run_get_build_hash (run)) == 0
             ? g_object_ref (build)
             : NULL;
}

static GPtrArray *
collect_runs (AppAdviser *self, EngRun *run)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *runs;

  if (self->history == NULL || run == NULL)
    return NULL;
  runs = eng_advice_collect_runs (self->history, run, &error);
  if (runs == NULL)
    g_message ("Advice without earlier runs: %s", error->message);
  return runs;
}

static void
load_roofs (AppAdviser *self)
{
  EngRun *run = app_stage_get_run (self->stage);
  EngBuild *build = eng_session_get_build (get_session (self));
  guint n_cpus = eng_machine_get_n_cpus (self->machine);

  if (run != NULL)
    self->n_threads = eng_run_get_n_threads (run);
  else
    self->n_threads = build != NULL ? eng_build_get_n_threads (build) : n_cpus;
  self->has_roof = eng_machine_load_roof (self->machine, self->n_threads, &self->roof);
  self->has_full_roof = eng_machine_load_roof (self->machine, n_cpus, &self->full_roof);
  /* What a board can do at most is not what this machine can. */
  if (run != NULL && eng_run_get_device (run) != NULL)
    self->has_roof = self->has_full_roof = FALSE;
}

static Thought *
make_thought (AppAdviser *self, EngModel *model)
{
  EngRun *run = app_stage_get_run (self->stage);
  EngForecast *forecast = app_stage_get_estimate (self->stage);
  EngEstimator *estimator = eng_session_get_estimator (get_session (self));
  Thought *thought = g_new0 (Thought, 1);

  thought->model = g_object_ref (model);
  thought->recipe = eng_recipe_ref (eng_session_get_recipe (get_session (self)));
  thought->run = run != NULL ? g_object_ref (run) : NULL;
  thought->build = get_build_of (self, run);
  thought->forecast = forecast != NULL ? eng_forecast_ref (forecast) : NULL;
  thought->estimator = estimator != NULL ? g_object_ref (estimator) : NULL;
  thought->history = self->history != NULL ? g_object_ref (self->history) : NULL;
  thought->runs = collect_runs (self, run);
  thought->samples
      = run != NULL ? eng_advice_find_samples (eng_run_get_workload (run), thought->runs) : NULL;
  thought->roof = self->roof;
  thought->full_roof = self->full_roof;
  thought->has_roof = self->has_roof;
  thought->has_full_roof = self->has_full_roof;
  return thought;
}

/* A network with a report can be neither run nor estimated; a run in progress must have the
 * cores. */
static gboolean
can_think (AppAdviser *self, EngModel *model)
{
  return model != NULL && eng_model_get_report (model)[0] == NULL
         && !app_stage_get_running (self->stage);
}

static void
think (AppAdviser *self)
{
  EngModel *model = eng_session_get_model (get_session (self));
  g_autoptr (GTask) task = NULL;

  stop_thinking (self);
  load_roofs (self);
  if (!can_think (self, model))
    {
      g_clear_pointer (&self->advice, g_ptr_array_unref);
      g_clear_pointer (&self->expected, eng_profile_unref);
      emit_changed (self);
      return;
    }
  self->cancellable = g_cancellable_new ();
  task = g_task_new (self, self->cancellable, on_thought, NULL);
  g_task_set_source_tag (task, think);
  g_task_set_task_data (task, make_thought (self, model), thought_free);
  g_task_run_in_thread (task, think_thread);
  emit_changed (self);
}

static gboolean
on_wait (gpointer data)
{
  AppAdviser *self = data;

  self->wait_id = 0;
  think (self);
  return G_SOURCE_REMOVE;
}

static void
on_stage_changed (AppAdviser *self)
{
  /* What was advised on something else must not be applied now. */
  stop_thinking (self);
  g_clear_pointer (&self->advice, g_ptr_array_unref);
  g_clear_pointer (&self->expected, eng_profile_unref);
  if (app_stage_get_running (self->stage) && self->job != NULL)
    eng_job_cancel (self->job);
  if (self->wait_id == 0)
    self->wait_id = g_timeout_add (WAIT_MS, on_wait, self);
}

/* ---- Measuring ---- */

typedef struct
{
  guint n_threads;
  EngJob *job;
} Measuring;

static void
measuring_free (gpointer data)
{
  g_object_unref (((Measuring *)data)->job);
  g_free (data);
}

/* A machine of its own: nothing is shared with the main thread but the file of roofs. */
static void
measure_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Measuring *measuring = data;
  g_autoptr (EngMachine) machine = eng_machine_new ();
  GError *error = NULL;
  EngRoof roof;

  if (eng_machine_measure_roof (machine, measuring->n_threads, TRUE, &roof, measuring->job, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
on_measured (GObject *object, GAsyncResult *result, gpointer data)
{
  AppAdviser *self = APP_ADVISER (object);
  g_autoptr (GError) error = NULL;
  gboolean done = g_task_propagate_boolean (G_TASK (result), &error);

  if (self->job == NULL)
    return; /* the window went meanwhile */
  if (!done && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_signal_emit_by_name (get_session (self), "failed", error, _ ("Measuring the roofs"));
  eng_job_finish (self->job);
  g_clear_object (&self->job);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_JOB]);
  think (self);
}

gboolean
app_adviser_can_measure (AppAdviser *self)
{
  g_return_val_if_fail (APP_IS_ADVISER (self), FALSE);
  return self->job == NULL && !app_stage_get_running (self->stage)
         && eng_session_get_job (get_session (self)) == NULL;
}

void
app_adviser_measure (AppAdviser *self)
{
  g_autoptr (GTask) task = NULL;
  Measuring *measuring;

  g_return_if_fail (APP_IS_ADVISER (self));

  if (!app_adviser_can_measure (self))
    return;
  load_roofs (self);
  self->job = eng_job_new (_ ("Measuring this machine’s roofs"));
  measuring = g_new0 (Measuring, 1);
  measuring->n_threads = self->n_threads;
  measuring->job = g_object_ref (self->job);
  task = g_task_new (self, NULL, on_measured, NULL);
  g_task_set_source_tag (task, app_adviser_measure);
  g_task_set_task_data (task, measuring, measuring_free);
  g_task_run_in_thread (task, measure_thread);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_JOB]);
}

/* ---- The object ---- */

static void
app_adviser_dispose (GObject *object)
{
  AppAdviser *self = APP_ADVISER (object);

  stop_thinking (self);
  g_clear_handle_id (&self->wait_id, g_source_remove);
  if (self->job != NULL)
    eng_job_cancel (self->job);
  g_clear_object (&self->job);
  g_clear_object (&self->history);
  g_clear_pointer (&self->machine, eng_machine_free);
  g_clear_pointer (&self->advice, g_ptr_array_unref);
  g_clear_pointer (&self->expected, eng_profile_unref);
  G_OBJECT_CLASS (app_adviser_parent_class)->dispose (object);
}

static void
app_adviser_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_JOB)
    g_value_set_object (value, APP_ADVISER (object)->job);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_adviser_class_init (AppAdviserClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = app_adviser_dispose;
  object_class->get_property = app_adviser_get_property;
  props[PROP_JOB] = g_param_spec_object ("job", NULL, NULL, ENG_TYPE_JOB,
                                         G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
  signal_changed = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                 NULL, NULL, G_TYPE_NONE, 0);
}

static void
app_adviser_init (AppAdviser *self)
{
  self->machine = eng_machine_new ();
}

/* Work on the way may hold it longer than the stage lives. */
static void
let_go (gpointer data)
{
  g_object_run_dispose (data);
  g_object_unref (data);
}

AppAdviser *
app_adviser_get (AppStage *stage, EngHistory *history)
{
  AppAdviser *self;

  g_return_val_if_fail (APP_IS_STAGE (stage), NULL);

  self = g_object_get_data (G_OBJECT (stage), KEY);
  if (self != NULL)
    return self;
  self = g_object_new (APP_TYPE_ADVISER, NULL);
  self->stage = stage;
  self->history = history != NULL ? g_object_ref (history) : NULL;
  g_signal_connect_object (stage, "changed", G_CALLBACK (on_stage_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (app_stage_get_session (stage), "notify::job", G_CALLBACK (emit_changed),
                           self, G_CONNECT_SWAPPED);
  g_object_set_data_full (G_OBJECT (stage), KEY, self, let_go);
  load_roofs (self);
  return self;
}

const EngRoof *
app_adviser_get_roof (AppAdviser *self)
{
  g_return_val_if_fail (APP_IS_ADVISER (self), NULL);
  return self->has_roof ? &self->roof : NULL;
}

guint
app_adviser_get_n_threads (AppAdviser *self)
{
  g_return_val_if_fail (APP_IS_ADVISER (self), 0);
  return self->n_threads;
}

GPtrArray *
app_adviser_get_advice (AppAdviser *self)
{
  g_return_val_if_fail (APP_IS_ADVISER (self), NULL);
  return self->advice;
}

const EngAdvice *
app_adviser_get_best (AppAdviser *self)
{
  const EngAdvice *best;

  g_return_val_if_fail (APP_IS_ADVISER (self), NULL);

  if (self->advice == NULL || self->advice->len == 0)
    return NULL;
  best = g_ptr_array_index (self->advice, 0);
  return best->recipe != NULL ? best : NULL;
}

EngProfile *
app_adviser_get_expected (AppAdviser *self)
{
  g_return_val_if_fail (APP_IS_ADVISER (self), NULL);
  return self->expected;
}

gboolean
app_adviser_is_busy (AppAdviser *self)
{
  g_return_val_if_fail (APP_IS_ADVISER (self), FALSE);
  return self->cancellable != NULL || self->wait_id != 0;
}

void
app_adviser_apply (AppAdviser *self, const EngAdvice *advice)
{
  g_return_if_fail (APP_IS_ADVISER (self) && advice != NULL && advice->recipe != NULL);
  eng_session_set_recipe (get_session (self), advice->recipe);
}

void
app_adviser_refresh (AppAdviser *self)
{
  g_return_if_fail (APP_IS_ADVISER (self));
  on_stage_changed (self);
}

EngJob *
app_adviser_get_job (AppAdviser *self)
{
  g_return_val_if_fail (APP_IS_ADVISER (self), NULL);
  return self->job;
}
