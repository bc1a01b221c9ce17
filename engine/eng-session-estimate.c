/* The session's estimates: of the current recipe whenever it changes, what each technique's setting
 * is expected to do, and the measuring job that fills the table while nothing else is going on. */
#include "eng-estimate.h"
#include "eng-format-speed.h"
#include "eng-kernel-bench.h"
#include "eng-recipe-private.h"
#include "eng-session-private.h"

/* The measuring job waits until a person has been still for so long, and then takes no longer than
 * that at once. */
#define IDLE_MS 3000
#define MAX_SECONDS 20.0
#define TICK_MS 700

/* Weight formats are timed on large matrices: not on a computer where these are in the way. */
#define MAX_FORMAT_SECONDS 5.0
#define MIN_FORMAT_MEMORY (4ull << 30)

/* ---- Asking ---- */

typedef struct
{
  GWeakRef session;
  guint generation;
  EngEstimator *estimator;
  EngModel *model;
  EngRecipe *recipe, *reference; /* reference: what the techniques' effects are told against */
  EngEstimateSizes sizes;
  EngForecast *forecast; /* the answer */
  GHashTable *effects;   /* technique -> text */
} Question;

static void
question_free (gpointer data)
{
  Question *q = data;
  g_weak_ref_clear (&q->session);
  g_object_unref (q->estimator);
  eng_session_release (q->model);
  eng_recipe_unref (q->recipe);
  eng_recipe_unref (q->reference);
  g_clear_pointer (&q->forecast, eng_forecast_unref);
  g_hash_table_unref (q->effects);
  g_free (q);
}

/* @recipe with the settings of @technique as @other has them. */
static EngRecipe *
with_technique_of (EngRecipe *recipe, EngRecipe *other, const EngTechnique *technique)
{
  EngRecipe *mixed = eng_recipe_without (recipe, technique);

  for (guint i = 0; i < other->settings->len; i++)
    {
      const EngSetting *setting = eng_recipe_setting (other, i);
      if (setting->technique != technique)
        continue;
      EngRecipe *next = eng_recipe_with (mixed, technique->id, setting->param->id, setting->match,
                                         setting->value, NULL);
      if (next == NULL)
        continue; /* never: it is valid where it comes from */
      eng_recipe_unref (mixed);
      mixed = next;
    }
  return mixed;
}

static void
answer_technique (Question *q, const EngTechnique *technique)
{
  g_autoptr (EngRecipe) before = with_technique_of (q->recipe, q->reference, technique);
  if (eng_recipe_equal (before, q->recipe))
    return;
  g_autoptr (EngForecast) from
      = eng_estimator_forecast (q->estimator, q->model, before, &q->sizes, NULL);
  char *text = from != NULL ? eng_forecast_dup_change (from, q->forecast) : NULL;
  if (text != NULL)
    g_hash_table_insert (q->effects, (gpointer)technique, text);
}

/* A recipe that cannot be lowered has no estimate: its lowering, under way beside this, says
 * why. */
static void
answer_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Question *q = data;
  guint n;
  const EngTechnique *const *techniques = eng_technique_list (&n);
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();

  q->forecast = eng_estimator_forecast (q->estimator, q->model, q->recipe, &q->sizes, &error);
  if (error != NULL)
    g_info ("No estimate: %s", error->message);
  for (guint i = 0; q->forecast != NULL && i < n; i++)
    answer_technique (q, techniques[i]);
  g_debug ("Estimated in %.1f ms", 1e-3 * (double)(g_get_monotonic_time () - start));
  g_task_return_boolean (task, TRUE);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  Question *q = g_task_get_task_data (G_TASK (result));
  g_autoptr (EngSession) self = g_weak_ref_get (&q->session);

  if (self == NULL || self->estimate_generation != q->generation)
    return; /* the newest wins */
  g_clear_pointer (&self->estimate, eng_forecast_unref);
  self->estimate = g_steal_pointer (&q->forecast);
  g_clear_pointer (&self->estimate_effects, g_hash_table_unref);
  self->estimate_effects = g_hash_table_ref (q->effects);
  eng_session_notify_estimate (self);
}

/* The newest run, or NULL. */
static EngRun *
newest_run (EngSession *self)
{
  return self->runs->len > 0 ? self->runs->pdata[self->runs->len - 1] : NULL;
}

void
eng_session_update_estimate (EngSession *self)
{
  self->estimate_generation++;
  if (self->estimator == NULL || self->model == NULL
      || eng_model_get_report (self->model)[0] != NULL)
    {
      g_clear_pointer (&self->estimate_effects, g_hash_table_unref);
      if (self->estimate != NULL)
        {
          g_clear_pointer (&self->estimate, eng_forecast_unref);
          eng_session_notify_estimate (self);
        }
      return;
    }

  EngRun *run = newest_run (self);
  Question *q = g_new0 (Question, 1);
  g_weak_ref_init (&q->session, self);
  q->generation = self->estimate_generation;
  q->estimator = g_object_ref (self->estimator);
  q->model = g_object_ref (self->model);
  q->recipe = eng_recipe_ref (eng_session_get_recipe (self));
  q->reference = eng_recipe_ref (run != NULL ? eng_run_get_recipe (run) : self->states->pdata[0]);
  q->effects = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  eng_estimate_sizes_init (&q->sizes, self->model, run != NULL ? eng_run_get_profile (run) : NULL);
  g_autoptr (GTask) task = g_task_new (NULL, NULL, on_answer, NULL);
  g_task_set_source_tag (task, eng_session_update_estimate);
  g_task_set_task_data (task, q, question_free);
  g_task_run_in_thread (task, answer_thread);
}

EngForecast *
eng_session_get_estimate (EngSession *self)
{
  g_return_val_if_fail (ENG_IS_SESSION (self), NULL);
  return self->estimate != NULL && eng_forecast_get_model (self->estimate) == self->model
                 && eng_recipe_equal (eng_forecast_get_recipe (self->estimate),
                                      eng_session_get_recipe (self))
             ? self->estimate
             : NULL;
}

char *
eng_session_dup_technique_estimate (EngSession *self, const char *technique_id)
{
  g_return_val_if_fail (ENG_IS_SESSION (self), NULL);
  if (self->run != NULL || eng_session_get_estimate (self) == NULL
      || self->estimate_effects == NULL)
    return NULL;
  return g_strdup (g_hash_table_lookup (self->estimate_effects, eng_technique_find (technique_id)));
}

void
eng_session_set_estimator (EngSession *self, EngEstimator *estimator)
{
  g_return_if_fail (ENG_IS_SESSION (self) && (estimator == NULL || ENG_IS_ESTIMATOR (estimator)));

  if (g_set_object (&self->estimator, estimator))
    {
      eng_session_update_estimate (self);
      eng_session_plan_measuring (self);
    }
}

EngEstimator *
eng_session_get_estimator (EngSession *self)
{
  g_return_val_if_fail (ENG_IS_SESSION (self), NULL);
  return self->estimator;
}

/* ---- Measuring while nothing else is going on ---- */

typedef struct
{
  GWeakRef session;
  EngEstimator *estimator;
  EngModel *model;
  EngRecipe *recipe;
  EngEstimateSizes sizes;
  EngJob *job;
  guint n_threads;
} Measuring;

static void
measuring_free (gpointer data)
{
  Measuring *m = data;
  g_weak_ref_clear (&m->session);
  g_object_unref (m->estimator);
  eng_session_release (m->model);
  eng_recipe_unref (m->recipe);
  g_object_unref (m->job);
  g_free (m);
}

/* Threads that weight formats are timed with, as their verdicts want it; 0: not here, or they all
 * were. */
static guint
formats_needed (EngMachine *machine)
{
  guint n_threads = MAX (eng_machine_get_n_cpus (machine), 1);
  g_autoptr (EngFormatSpeeds) speeds = eng_format_speeds_load (machine, n_threads);

  for (guint i = 0; i < speeds->n; i++)
    if (!speeds->formats[i].decode.available || !speeds->formats[i].prompt.available)
      return eng_machine_get_memory_bytes (machine) >= MIN_FORMAT_MEMORY ? n_threads : 0;
  return 0;
}

/* What cannot be measured stays absent: nobody asked for it. */
static gboolean
measure_formats (EngMachine *machine, EngModel *model, EngJob *job, GError **error)
{
  guint n_threads = eng_model_get_kind (model) == ENG_MODEL_LANGUAGE ? formats_needed (machine) : 0;
  g_autoptr (GError) own = NULL;

  if (n_threads > 0
      && !eng_format_speeds_measure (machine, n_threads, FALSE, MAX_FORMAT_SECONDS, job, &own))
    g_debug ("Weight formats were not timed: %s", own->message);
  return !g_cancellable_set_error_if_cancelled (eng_job_get_cancellable (job), error);
}

/* What is missing: the roofs, operators, and formats. Looked at before a job is shown. */
static gboolean
is_needed (Measuring *m, EngMachine *machine, EngRoof *roof)
{
  EngKernelBenchResult missing;
  return !eng_machine_load_roof (machine, m->n_threads, roof)
         || (eng_kernel_bench (m->estimator, m->model, m->recipe, &m->sizes, 0, NULL, &missing,
                               NULL)
             && missing.n_missing > missing.n_skipped)
         || (eng_model_get_kind (m->model) == ENG_MODEL_LANGUAGE && formats_needed (machine) > 0);
}

static gboolean
has_estimate (EngSession *self)
{
  EngForecast *forecast = eng_session_get_estimate (self);
  gboolean network = eng_model_get_kind (self->model) == ENG_MODEL_NETWORK;
  RtPhase phase = network ? RT_PHASE_INFERENCE : RT_PHASE_DECODE;
  return forecast != NULL && eng_forecast_get_total (forecast, phase)->ns > 0;
}

/* The operators of the recipe at hand are timed first: its estimate need not wait for all
 * others. */
static gboolean
on_tick (gpointer data)
{
  EngSession *self = data;

  if (has_estimate (self))
    {
      self->measure_tick = 0;
      return G_SOURCE_REMOVE;
    }
  eng_session_update_estimate (self);
  return G_SOURCE_CONTINUE;
}

static void
show_job (gpointer data)
{
  Measuring *m = data;
  g_autoptr (EngSession) self = g_weak_ref_get (&m->session);

  if (self == NULL || self->measuring != m->job)
    return;
  if (self->job == NULL)
    eng_session_take_job (self, g_object_ref (m->job));
  if (self->measure_tick == 0 && !has_estimate (self))
    self->measure_tick = g_timeout_add (TICK_MS, on_tick, self);
}

static gboolean
on_show_job (gpointer task)
{
  show_job (g_task_get_task_data (task));
  return G_SOURCE_REMOVE;
}

static void
measure_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Measuring *m = data;
  g_autoptr (EngMachine) machine = eng_machine_new ();
  g_autofree char *hash = eng_model_dup_hash (m->model, cancellable, NULL); /* no longer at it */
  EngKernelBenchResult result;
  EngRoof roof;
  GError *error = NULL;

  if (!is_needed (m, machine, &roof))
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  g_main_context_invoke_full (g_task_get_context (task), G_PRIORITY_DEFAULT, on_show_job,
                              g_object_ref (task), g_object_unref);
  gboolean ok = eng_machine_measure_roof (machine, m->n_threads, FALSE, &roof, m->job, &error)
                && eng_kernel_bench (m->estimator, m->model, m->recipe, &m->sizes, MAX_SECONDS,
                                     m->job, &result, &error)
                && measure_formats (machine, m->model, m->job, &error);
  if (ok)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
on_measured (GObject *source, GAsyncResult *result, gpointer data)
{
  Measuring *m = g_task_get_task_data (G_TASK (result));
  g_autoptr (EngSession) self = g_weak_ref_get (&m->session);
  g_autoptr (GError) error = NULL;

  g_task_propagate_boolean (G_TASK (result), &error);
  if (self == NULL || self->measuring != m->job)
    return;
  g_clear_object (&self->measuring);
  g_clear_handle_id (&self->measure_tick, g_source_remove);
  if (self->job == m->job)
    eng_session_take_job (self, NULL);
  /* What was stopped for something else goes on later; what a person has cancelled does not. */
  if (!self->measuring_put_off)
    {
      g_clear_pointer (&self->measured_recipe, eng_recipe_unref);
      self->measured_recipe = eng_recipe_ref (m->recipe);
    }
  self->measuring_put_off = FALSE;
  if (error != NULL && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    eng_session_fail (self, error, "Timing operators for estimates");
  eng_session_update_estimate (self);
  eng_session_start_queued (self);
}

static gboolean
on_idle (gpointer data)
{
  EngSession *self = data;

  self->measure_timer = 0;
  if (self->estimator == NULL || self->build == NULL || self->running || self->busy
      || self->job != NULL || self->measuring != NULL
      || (self->measured_recipe != NULL
          && eng_recipe_equal (self->measured_recipe, eng_session_get_recipe (self))))
    return G_SOURCE_REMOVE;

  EngRun *run = newest_run (self);
  Measuring *m = g_new0 (Measuring, 1);
  g_weak_ref_init (&m->session, self);
  m->estimator = g_object_ref (self->estimator);
  m->model = g_object_ref (self->model);
  m->recipe = eng_recipe_ref (eng_session_get_recipe (self));
  m->job = eng_job_new ("Timing operators for estimates");
  m->n_threads = eng_build_get_n_threads (self->build);
  eng_estimate_sizes_init (&m->sizes, self->model, run != NULL ? eng_run_get_profile (run) : NULL);
  self->measuring = g_object_ref (m->job);
  self->measuring_put_off = FALSE;
  g_autoptr (GTask) task = g_task_new (NULL, eng_job_get_cancellable (m->job), on_measured, NULL);
  g_task_set_source_tag (task, on_idle);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, m, measuring_free);
  g_task_run_in_thread (task, measure_thread);
  return G_SOURCE_REMOVE;
}

void
eng_session_plan_measuring (EngSession *self)
{
  g_clear_handle_id (&self->measure_timer, g_source_remove);
  if (self->estimator != NULL && eng_estimator_get_times (self->estimator) != NULL
      && g_strcmp0 (g_getenv ("LATHE_BACKGROUND"), "off") != 0)
    self->measure_timer = g_timeout_add (IDLE_MS, on_idle, self);
}

void
eng_session_put_off_measuring (EngSession *self)
{
  g_clear_handle_id (&self->measure_timer, g_source_remove);
  if (self->measuring == NULL)
    return;
  self->measuring_put_off = TRUE;
  eng_job_cancel (self->measuring);
}

void
eng_session_set_busy (EngSession *self, gboolean busy)
{
  g_return_if_fail (ENG_IS_SESSION (self));

  if (self->busy == busy)
    return;
  self->busy = busy;
  if (busy)
    eng_session_put_off_measuring (self);
  else
    eng_session_plan_measuring (self);
}

void
eng_session_clear_estimates (EngSession *self)
{
  g_clear_handle_id (&self->measure_timer, g_source_remove);
  g_clear_handle_id (&self->measure_tick, g_source_remove);
  if (self->measuring != NULL)
    eng_job_cancel (self->measuring);
  g_clear_object (&self->measuring);
  g_clear_pointer (&self->measured_recipe, eng_recipe_unref);
  g_clear_pointer (&self->estimate, eng_forecast_unref);
  g_clear_pointer (&self->estimate_effects, g_hash_table_unref);
  self->estimate_generation++;
  if (self->estimator != NULL && self->model != NULL)
    eng_estimator_forget (self->estimator, self->model);
}
