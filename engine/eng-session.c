/* The session: one model, the undo stack of its recipes, and what the views watch. Work is done in
 * eng-session-work.c, measured numbers are kept in eng-session-runs.c. Knows nothing of widgets. */
#include "eng-session-private.h"

G_DEFINE_FINAL_TYPE (EngSession, eng_session, G_TYPE_OBJECT)

static GParamSpec *props[ENG_SESSION_N_PROPS];

enum
{
  TEXT,
  TEXT_RESET,
  RESULT,
  RUN_FINISHED,
  FAILED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
eng_session_dispose (GObject *object)
{
  EngSession *self = ENG_SESSION (object);

  eng_session_abandon (self);
  eng_session_clear_estimates (self);
  g_clear_object (&self->estimator);
  g_clear_object (&self->device);
  g_clear_object (&self->run);
  g_clear_object (&self->baseline);
  g_clear_pointer (&self->profile, eng_profile_unref);
  eng_session_release (g_steal_pointer (&self->model));
  g_clear_object (&self->history);
  g_clear_pointer (&self->workload, eng_workload_free);
  G_OBJECT_CLASS (eng_session_parent_class)->dispose (object);
}

static void
eng_session_finalize (GObject *object)
{
  EngSession *self = ENG_SESSION (object);

  g_ptr_array_unref (self->states);
  g_ptr_array_unref (self->runs);
  G_OBJECT_CLASS (eng_session_parent_class)->finalize (object);
}

static gboolean
can_undo (EngSession *self)
{
  return self->at > 0;
}

static gboolean
can_redo (EngSession *self)
{
  return self->at + 1 < self->states->len;
}

static void
eng_session_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  EngSession *self = ENG_SESSION (object);

  switch (id)
    {
    case ENG_SESSION_MODEL:
      g_value_set_object (value, self->model);
      break;
    case ENG_SESSION_RECIPE:
      g_value_set_boxed (value, eng_session_get_recipe (self));
      break;
    case ENG_SESSION_BUILD:
      g_value_set_object (value, self->build);
      break;
    case ENG_SESSION_JOB:
      g_value_set_object (value, self->job);
      break;
    case ENG_SESSION_RUNNING:
      g_value_set_boolean (value, self->running);
      break;
    case ENG_SESSION_CAN_UNDO:
      g_value_set_boolean (value, can_undo (self));
      break;
    case ENG_SESSION_CAN_REDO:
      g_value_set_boolean (value, can_redo (self));
      break;
    case ENG_SESSION_RUN:
      g_value_set_object (value, self->run);
      break;
    case ENG_SESSION_BASELINE:
      g_value_set_object (value, self->baseline);
      break;
    case ENG_SESSION_PROFILE:
      g_value_set_boxed (value, self->profile);
      break;
    case ENG_SESSION_DEVICE:
      g_value_set_object (value, self->device);
      break;
    case ENG_SESSION_ESTIMATE:
      g_value_set_boxed (value, eng_session_get_estimate (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
eng_session_class_init (EngSessionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->dispose = eng_session_dispose;
  object_class->finalize = eng_session_finalize;
  object_class->get_property = eng_session_get_property;

  props[ENG_SESSION_MODEL] = g_param_spec_object ("model", NULL, NULL, ENG_TYPE_MODEL, flags);
  props[ENG_SESSION_RECIPE] = g_param_spec_boxed ("recipe", NULL, NULL, ENG_TYPE_RECIPE, flags);
  props[ENG_SESSION_BUILD] = g_param_spec_object ("build", NULL, NULL, ENG_TYPE_BUILD, flags);
  props[ENG_SESSION_JOB] = g_param_spec_object ("job", NULL, NULL, ENG_TYPE_JOB, flags);
  props[ENG_SESSION_RUNNING] = g_param_spec_boolean ("running", NULL, NULL, FALSE, flags);
  props[ENG_SESSION_CAN_UNDO] = g_param_spec_boolean ("can-undo", NULL, NULL, FALSE, flags);
  props[ENG_SESSION_CAN_REDO] = g_param_spec_boolean ("can-redo", NULL, NULL, FALSE, flags);
  props[ENG_SESSION_RUN] = g_param_spec_object ("run", NULL, NULL, ENG_TYPE_RUN, flags);
  props[ENG_SESSION_BASELINE] = g_param_spec_object ("baseline", NULL, NULL, ENG_TYPE_RUN, flags);
  props[ENG_SESSION_PROFILE] = g_param_spec_boxed ("profile", NULL, NULL, ENG_TYPE_PROFILE, flags);
  props[ENG_SESSION_ESTIMATE]
      = g_param_spec_boxed ("estimate", NULL, NULL, ENG_TYPE_FORECAST, flags);
  props[ENG_SESSION_DEVICE] = g_param_spec_object ("device", NULL, NULL, ENG_TYPE_DEVICE, flags);
  g_object_class_install_properties (object_class, ENG_SESSION_N_PROPS, props);

  GType type = G_TYPE_FROM_CLASS (klass);
  signals[TEXT] = g_signal_new ("text", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                                1, G_TYPE_STRING);
  signals[TEXT_RESET]
      = g_signal_new ("text-reset", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[RESULT] = g_signal_new ("result", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 1, ENG_TYPE_RESULT);
  signals[RUN_FINISHED] = g_signal_new ("run-finished", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                        NULL, G_TYPE_NONE, 1, ENG_TYPE_RUN);
  signals[FAILED] = g_signal_new ("failed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 2, G_TYPE_ERROR, G_TYPE_STRING);
}

static void
eng_session_init (EngSession *self)
{
  self->states = g_ptr_array_new_with_free_func ((GDestroyNotify)eng_recipe_unref);
  g_ptr_array_add (self->states, eng_recipe_new ());
  self->runs = g_ptr_array_new_with_free_func (g_object_unref);
}

EngSession *
eng_session_new (EngHistory *history)
{
  g_return_val_if_fail (history == NULL || ENG_IS_HISTORY (history), NULL);

  EngSession *self = g_object_new (ENG_TYPE_SESSION, NULL);
  g_set_object (&self->history, history);
  return self;
}

/* ---- Changing what is watched ---- */

static void
release_thread (GTask *task, gpointer source, gpointer object, GCancellable *cancellable)
{
  g_object_unref (object);
}

void
eng_session_release (gpointer object)
{
  if (object == NULL)
    return;
  g_autoptr (GTask) task = g_task_new (NULL, NULL, NULL, NULL);
  g_task_set_source_tag (task, eng_session_release);
  g_task_set_task_data (task, object, NULL);
  g_task_run_in_thread (task, release_thread);
}

static void
notify (EngSession *self, guint prop)
{
  g_object_notify_by_pspec (G_OBJECT (self), props[prop]);
}

/* Move @object, transfer full, into *@field. */
static void
take_object (EngSession *self, gpointer field, gpointer object, guint prop)
{
  gpointer *slot = field;
  gpointer old = *slot;

  if (old == object)
    {
      g_clear_object (&object); /* never the last */
      return;
    }
  *slot = object;
  notify (self, prop);
  eng_session_release (old);
}

void
eng_session_take_build (EngSession *self, EngBuild *build)
{
  take_object (self, &self->build, build, ENG_SESSION_BUILD);
}

void
eng_session_take_job (EngSession *self, EngJob *job)
{
  take_object (self, &self->job, job, ENG_SESSION_JOB);
}

void
eng_session_take_run (EngSession *self, EngRun *run)
{
  take_object (self, &self->run, run, ENG_SESSION_RUN);
}

void
eng_session_take_baseline (EngSession *self, EngRun *run)
{
  take_object (self, &self->baseline, run, ENG_SESSION_BASELINE);
}

void
eng_session_take_device (EngSession *self, EngDevice *device)
{
  take_object (self, &self->device, device, ENG_SESSION_DEVICE);
}

void
eng_session_take_profile (EngSession *self, EngProfile *profile)
{
  EngProfile *old = self->profile;
  self->profile = profile;
  if (old != profile)
    notify (self, ENG_SESSION_PROFILE);
  g_clear_pointer (&old, eng_profile_unref);
}

void
eng_session_set_running (EngSession *self, gboolean running)
{
  if (self->running == running)
    return;
  self->running = running;
  notify (self, ENG_SESSION_RUNNING);
}

void
eng_session_notify_estimate (EngSession *self)
{
  notify (self, ENG_SESSION_ESTIMATE);
}

static void
notify_recipe (EngSession *self)
{
  notify (self, ENG_SESSION_RECIPE);
  notify (self, ENG_SESSION_CAN_UNDO);
  notify (self, ENG_SESSION_CAN_REDO);
}

void
eng_session_take_model (EngSession *self, EngModel *model)
{
  g_autoptr (GError) error = NULL;
  EngRecipe *recipe = eng_build_saved_recipe (model, &error);

  g_object_freeze_notify (G_OBJECT (self));
  eng_session_abandon (self);
  eng_session_clear_estimates (self);
  g_ptr_array_set_size (self->states, 0);
  g_ptr_array_add (self->states, recipe != NULL ? recipe : eng_recipe_new ());
  self->at = 0;
  g_ptr_array_set_size (self->runs, 0);
  self->pinned = FALSE;
  eng_session_take_baseline (self, NULL);
  eng_session_take_run (self, NULL);
  eng_session_take_profile (self, NULL);
  take_object (self, &self->model, model, ENG_SESSION_MODEL);
  notify_recipe (self);
  g_object_thaw_notify (G_OBJECT (self));
  if (error != NULL)
    eng_session_fail (self, error, "Reading the recipe in the file; the default is used instead");
  eng_session_update_estimate (self);
  eng_session_lower (self);
}

void
eng_session_fail (EngSession *self, const GError *error, const char *what)
{
  g_signal_emit (self, signals[FAILED], 0, error, what);
}

void
eng_session_emit_text (EngSession *self, const char *utf8)
{
  if (utf8 != NULL)
    g_signal_emit (self, signals[TEXT], 0, utf8);
  else
    g_signal_emit (self, signals[TEXT_RESET], 0);
}

void
eng_session_emit_result (EngSession *self, EngResult *result)
{
  g_signal_emit (self, signals[RESULT], 0, result);
}

void
eng_session_emit_finished (EngSession *self, EngRun *run)
{
  g_signal_emit (self, signals[RUN_FINISHED], 0, run);
}

/* ---- Recipe and undo ---- */

/* The recipe has just changed: its numbers, if it was run before; its build; and what to compare
 * with. */
static void
recipe_changed (EngSession *self)
{
  g_autoptr (EngRun) before = self->run != NULL ? g_object_ref (self->run) : NULL;

  g_object_freeze_notify (G_OBJECT (self));
  notify_recipe (self);
  eng_session_show_measured (self);
  if (!self->pinned && before != NULL && before != self->run)
    eng_session_take_baseline (self, g_steal_pointer (&before));
  g_object_thaw_notify (G_OBJECT (self));
  eng_session_update_estimate (self);
  if (self->model != NULL)
    eng_session_lower (self);
}

void
eng_session_set_recipe (EngSession *self, EngRecipe *recipe)
{
  g_return_if_fail (ENG_IS_SESSION (self) && recipe != NULL);

  if (eng_recipe_equal (recipe, eng_session_get_recipe (self)))
    return;
  g_ptr_array_set_size (self->states, (int)self->at + 1);
  g_ptr_array_add (self->states, eng_recipe_ref (recipe));
  self->at++;
  recipe_changed (self);
}

void
eng_session_undo (EngSession *self)
{
  g_return_if_fail (ENG_IS_SESSION (self));
  if (!can_undo (self))
    return;
  self->at--;
  recipe_changed (self);
}

void
eng_session_redo (EngSession *self)
{
  g_return_if_fail (ENG_IS_SESSION (self));
  if (!can_redo (self))
    return;
  self->at++;
  recipe_changed (self);
}

char *
eng_session_dup_undo_label (EngSession *self)
{
  if (!can_undo (self))
    return NULL;
  return eng_recipe_describe_change (self->states->pdata[self->at - 1],
                                     self->states->pdata[self->at]);
}

char *
eng_session_dup_redo_label (EngSession *self)
{
  if (!can_redo (self))
    return NULL;
  return eng_recipe_describe_change (self->states->pdata[self->at],
                                     self->states->pdata[self->at + 1]);
}

/* ---- Looking ---- */

EngModel *
eng_session_get_model (EngSession *self)
{
  return self->model;
}

EngRecipe *
eng_session_get_recipe (EngSession *self)
{
  return self->states->pdata[self->at];
}

EngBuild *
eng_session_get_build (EngSession *self)
{
  return self->build;
}

EngJob *
eng_session_get_job (EngSession *self)
{
  return self->job;
}

gboolean
eng_session_get_running (EngSession *self)
{
  return self->running;
}

EngDevice *
eng_session_get_device (EngSession *self)
{
  g_return_val_if_fail (ENG_IS_SESSION (self), NULL);
  return self->device;
}

void
eng_session_set_device (EngSession *self, EngDevice *device)
{
  g_return_if_fail (ENG_IS_SESSION (self) && (device == NULL || ENG_IS_DEVICE (device)));

  if (self->device == device || self->running)
    return;
  g_autoptr (EngRun) before = self->run != NULL ? g_object_ref (self->run) : NULL;
  g_object_freeze_notify (G_OBJECT (self));
  eng_session_take_device (self, device != NULL ? g_object_ref (device) : NULL);
  eng_session_show_measured (self);
  if (!self->pinned && before != NULL && before != self->run)
    eng_session_take_baseline (self, g_steal_pointer (&before));
  g_object_thaw_notify (G_OBJECT (self));
}

EngRun *
eng_session_get_run (EngSession *self)
{
  return self->run;
}

EngRun *
eng_session_get_baseline (EngSession *self)
{
  return self->baseline;
}

void
eng_session_set_baseline (EngSession *self, EngRun *run)
{
  g_return_if_fail (ENG_IS_SESSION (self) && (run == NULL || ENG_IS_RUN (run)));
  self->pinned = run != NULL;
  eng_session_take_baseline (self, run != NULL ? g_object_ref (run) : NULL);
}

EngProfile *
eng_session_get_profile (EngSession *self)
{
  return self->profile;
}
