/* The window's side of measuring accuracy per layer: a worker each for reading what is kept and for
 * measuring, results handed over at most 8 times a second. Called by the stage, the lanes and the
 * window; knows no widgets. */
#include "app-layer-errors.h"

#include <math.h>

#define HAND_OVER_MS 125

struct _AppLayerErrors
{
  GObject parent_instance;

  EngHistory *history;
  EngModel *model;
  EngRecipe *recipe;
  char *key; /* of the subject; NULL: there is nothing to measure */
  char *why_not;
  EngLayerErrors *errors; /* of the subject */
  AppLayerErrorKind shown;
  char *text, *text_name; /* bundled; NULL until they are wanted */
  char *inputs;           /* of the last config */

  gboolean measuring;
  char *measured_key;
  GMutex mutex;            /* guards the two below */
  EngLayerErrors *pending; /* from the worker */
  guint hand_over_id;
};

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (AppLayerErrors, app_layer_errors, G_TYPE_OBJECT)

static void
app_layer_errors_finalize (GObject *object)
{
  AppLayerErrors *self = APP_LAYER_ERRORS (object);

  g_clear_handle_id (&self->hand_over_id, g_source_remove);
  g_clear_object (&self->history);
  g_clear_object (&self->model);
  g_clear_pointer (&self->recipe, eng_recipe_unref);
  g_clear_pointer (&self->errors, eng_layer_errors_unref);
  g_clear_pointer (&self->pending, eng_layer_errors_unref);
  g_free (self->key);
  g_free (self->why_not);
  g_free (self->text);
  g_free (self->text_name);
  g_free (self->inputs);
  g_free (self->measured_key);
  g_mutex_clear (&self->mutex);
  G_OBJECT_CLASS (app_layer_errors_parent_class)->finalize (object);
}

static void
app_layer_errors_class_init (AppLayerErrorsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = app_layer_errors_finalize;
  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
app_layer_errors_init (AppLayerErrors *self)
{
  g_mutex_init (&self->mutex);
}

AppLayerErrors *
app_layer_errors_new (EngHistory *history)
{
  AppLayerErrors *self = g_object_new (APP_TYPE_LAYER_ERRORS, NULL);

  g_set_object (&self->history, history);
  return self;
}

static void
emit_changed (AppLayerErrors *self)
{
  g_signal_emit (self, signals[CHANGED], 0);
}

/* ---- What it is measured on ---- */

void
app_layer_errors_fill_config (AppLayerErrors *self, EngModel *model, EngRecipe *recipe,
                              EngSensitivityConfig *config)
{
  g_return_if_fail (APP_IS_LAYER_ERRORS (self) && ENG_IS_MODEL (model) && recipe != NULL);

  *config = (EngSensitivityConfig){ 0 };
  if (eng_model_get_kind (model) == ENG_MODEL_LANGUAGE)
    {
      if (self->text == NULL)
        self->text = eng_sensitivity_dup_default_text (&self->text_name, NULL);
      config->text = self->text;
      config->text_name = self->text_name;
      return;
    }
  g_free (self->inputs);
  self->inputs = eng_recipe_get_string (recipe, "int8", "calibration", NULL);
  config->inputs = self->inputs != NULL && *self->inputs != '\0' ? self->inputs : NULL;
}

double
app_layer_errors_estimate_s (EngModel *model, double prefill)
{
  const EngSensitivityConfig config = { 0 };

  if (model == NULL || eng_model_get_kind (model) != ENG_MODEL_LANGUAGE || !(prefill > 0))
    return NAN;
  return eng_sensitivity_n_tokens (model, &config) / prefill;
}

/* ---- Reading what is kept ---- */

typedef struct
{
  EngHistory *history;
  EngModel *model;
  EngRecipe *recipe;
  char *text, *text_name, *inputs, *key;

  /* Of a measurement. */
  AppLayerErrors *owner;
  EngBuild *build;
  EngJob *job;
  AppLayerErrorsDone done;
  gpointer user_data;
} Work;

static void
work_free (gpointer data)
{
  Work *work = data;

  g_clear_object (&work->history);
  g_object_unref (work->model);
  eng_recipe_unref (work->recipe);
  g_clear_object (&work->owner);
  g_clear_object (&work->build);
  g_clear_object (&work->job);
  g_free (work->text);
  g_free (work->text_name);
  g_free (work->inputs);
  g_free (work->key);
  g_free (work);
}

static Work *
work_new (AppLayerErrors *self, EngModel *model, EngRecipe *recipe)
{
  Work *work = g_new0 (Work, 1);
  EngSensitivityConfig config;

  app_layer_errors_fill_config (self, model, recipe, &config);
  g_set_object (&work->history, self->history);
  work->model = g_object_ref (model);
  work->recipe = eng_recipe_ref (recipe);
  work->text = g_strdup (config.text);
  work->text_name = g_strdup (config.text_name);
  work->inputs = g_strdup (config.inputs);
  work->key = eng_sensitivity_dup_key (model, recipe, &config);
  return work;
}

static EngSensitivityConfig
work_config (const Work *work)
{
  return (EngSensitivityConfig){ .text = work->text,
                                 .text_name = work->text_name,
                                 .inputs = work->inputs };
}

static void
load_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Work *work = data;
  EngSensitivityConfig config = work_config (work);
  GError *error = NULL;
  EngLayerErrors *errors
      = eng_sensitivity_load (work->model, work->recipe, &config, work->history, &error);

  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, errors, (GDestroyNotify)eng_layer_errors_unref);
}

static void
on_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  AppLayerErrors *self = APP_LAYER_ERRORS (source);
  Work *work = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  g_autoptr (EngLayerErrors) errors = g_task_propagate_pointer (G_TASK (result), &error);

  if (error != NULL)
    g_warning ("Accuracy per layer could not be read: %s", error->message);
  if (errors == NULL || g_strcmp0 (work->key, self->key) != 0 || self->errors != NULL)
    return; /* another subject by now, or a measurement was faster */
  self->errors = g_steal_pointer (&errors);
  emit_changed (self);
}

static void
load (AppLayerErrors *self)
{
  g_autoptr (GTask) task = NULL;

  if (self->history == NULL || self->key == NULL)
    return;
  task = g_task_new (self, NULL, on_loaded, NULL);
  g_task_set_source_tag (task, load);
  g_task_set_task_data (task, work_new (self, self->model, self->recipe), work_free);
  g_task_run_in_thread (task, load_thread);
}

/* ---- The subject ---- */

static gboolean
is_subject (AppLayerErrors *self, EngModel *model, EngRecipe *recipe)
{
  if (self->model != model || (self->recipe == NULL) != (recipe == NULL))
    return FALSE;
  return recipe == NULL || eng_recipe_equal (self->recipe, recipe);
}

void
app_layer_errors_set_subject (AppLayerErrors *self, EngModel *model, EngRecipe *recipe)
{
  g_autofree char *old = NULL;

  g_return_if_fail (APP_IS_LAYER_ERRORS (self));

  if (is_subject (self, model, recipe))
    return;
  g_set_object (&self->model, model);
  g_clear_pointer (&self->recipe, eng_recipe_unref);
  self->recipe = recipe != NULL ? eng_recipe_ref (recipe) : NULL;
  old = g_steal_pointer (&self->key);
  g_clear_pointer (&self->why_not, g_free);
  if (model != NULL && recipe != NULL)
    self->why_not = eng_sensitivity_why_not (model, recipe);
  if (model != NULL && recipe != NULL && self->why_not == NULL)
    {
      EngSensitivityConfig config;

      app_layer_errors_fill_config (self, model, recipe, &config);
      self->key = eng_sensitivity_dup_key (model, recipe, &config);
    }
  /* Another number of threads, or the like: the same results. */
  if (g_strcmp0 (old, self->key) != 0)
    {
      g_clear_pointer (&self->errors, eng_layer_errors_unref);
      load (self);
    }
  emit_changed (self);
}

EngLayerErrors *
app_layer_errors_get (AppLayerErrors *self)
{
  g_return_val_if_fail (APP_IS_LAYER_ERRORS (self), NULL);
  return self->errors;
}

const char *
app_layer_errors_get_why_not (AppLayerErrors *self)
{
  g_return_val_if_fail (APP_IS_LAYER_ERRORS (self), NULL);
  return self->why_not;
}

gboolean
app_layer_errors_get_measuring (AppLayerErrors *self)
{
  g_return_val_if_fail (APP_IS_LAYER_ERRORS (self), FALSE);
  return self->measuring;
}

AppLayerErrorKind
app_layer_errors_get_shown (AppLayerErrors *self)
{
  g_return_val_if_fail (APP_IS_LAYER_ERRORS (self), APP_LAYER_ERROR_SENSITIVITY);
  return self->shown;
}

void
app_layer_errors_set_shown (AppLayerErrors *self, AppLayerErrorKind shown)
{
  g_return_if_fail (APP_IS_LAYER_ERRORS (self));

  if (self->shown == shown)
    return;
  self->shown = shown;
  emit_changed (self);
}

/* ---- Measuring ---- */

static gboolean
hand_over (gpointer data)
{
  AppLayerErrors *self = data;
  EngLayerErrors *errors;

  g_mutex_lock (&self->mutex);
  errors = g_steal_pointer (&self->pending);
  self->hand_over_id = 0;
  g_mutex_unlock (&self->mutex);
  if (errors != NULL && g_strcmp0 (self->measured_key, self->key) == 0)
    {
      g_clear_pointer (&self->errors, eng_layer_errors_unref);
      self->errors = errors;
      emit_changed (self);
    }
  else
    g_clear_pointer (&errors, eng_layer_errors_unref);
  return G_SOURCE_REMOVE;
}

/* On the worker. */
static void
take_so_far (EngLayerErrors *so_far, gpointer data)
{
  AppLayerErrors *self = ((Work *)data)->owner;

  g_mutex_lock (&self->mutex);
  g_clear_pointer (&self->pending, eng_layer_errors_unref);
  self->pending = eng_layer_errors_ref (so_far);
  if (self->hand_over_id == 0)
    self->hand_over_id = g_timeout_add_full (G_PRIORITY_DEFAULT, HAND_OVER_MS, hand_over,
                                             g_object_ref (self), g_object_unref);
  g_mutex_unlock (&self->mutex);
}

static void
measure_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Work *work = data;
  EngSensitivityConfig config = work_config (work);
  GError *error = NULL;
  EngLayerErrors *errors = eng_sensitivity_measure (work->build, &config, work->history, work->job,
                                                    take_so_far, work, &error);

  if (errors == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, errors, (GDestroyNotify)eng_layer_errors_unref);
}

static void
on_measured (GObject *source, GAsyncResult *result, gpointer data)
{
  AppLayerErrors *self = APP_LAYER_ERRORS (source);
  Work *work = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  g_autoptr (EngLayerErrors) errors = g_task_propagate_pointer (G_TASK (result), &error);

  self->measuring = FALSE;
  if (errors != NULL && g_strcmp0 (work->key, self->key) == 0)
    {
      g_clear_pointer (&self->errors, eng_layer_errors_unref);
      self->errors = g_steal_pointer (&errors);
    }
  eng_job_finish (work->job);
  emit_changed (self);
  work->done (error, work->user_data);
}

void
app_layer_errors_measure (AppLayerErrors *self, EngBuild *build, EngJob *job,
                          AppLayerErrorsDone done, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  Work *work;

  g_return_if_fail (APP_IS_LAYER_ERRORS (self) && ENG_IS_BUILD (build) && ENG_IS_JOB (job));
  g_return_if_fail (!self->measuring && done != NULL);

  work = work_new (self, eng_build_get_model (build), eng_build_get_recipe (build));
  work->owner = g_object_ref (self);
  work->build = g_object_ref (build);
  work->job = g_object_ref (job);
  work->done = done;
  work->user_data = user_data;
  g_free (self->measured_key);
  self->measured_key = g_strdup (work->key);
  self->measuring = TRUE;
  task = g_task_new (self, eng_job_get_cancellable (job), on_measured, NULL);
  g_task_set_source_tag (task, app_layer_errors_measure);
  g_task_set_task_data (task, work, work_free);
  g_task_set_check_cancellable (task, FALSE); /* the worker's own words say how far it came */
  g_task_run_in_thread (task, measure_thread);
  emit_changed (self);
}
