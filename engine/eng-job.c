/* Long work as an object: workers report from any thread, the main context hears of it in coalesced
 * notifications. Used by everything that takes more than a moment; knows nothing of what the work
 * is. */
#include "eng-job.h"

struct _EngJob
{
  GObject parent_instance;

  char *title;
  GCancellable *cancellable;
  GMainContext *context; /* where notifications are sent: the creator's */

  GMutex mutex; /* guards what follows */
  char *stage;
  double progress;
  gboolean done;
  gboolean pending; /* a notification is on its way */
};

enum
{
  PROP_0,
  PROP_TITLE,
  PROP_STAGE,
  PROP_PROGRESS,
  PROP_DONE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (EngJob, eng_job, G_TYPE_OBJECT)

static void
eng_job_finalize (GObject *object)
{
  EngJob *self = ENG_JOB (object);

  g_free (self->title);
  g_free (self->stage);
  g_clear_object (&self->cancellable);
  g_main_context_unref (self->context);
  g_mutex_clear (&self->mutex);
  G_OBJECT_CLASS (eng_job_parent_class)->finalize (object);
}

static void
eng_job_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  EngJob *self = ENG_JOB (object);

  switch (id)
    {
    case PROP_TITLE:
      g_value_set_string (value, self->title);
      break;
    case PROP_STAGE:
      g_value_take_string (value, eng_job_dup_stage (self));
      break;
    case PROP_PROGRESS:
      g_value_set_double (value, eng_job_get_progress (self));
      break;
    case PROP_DONE:
      g_value_set_boolean (value, eng_job_get_done (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
eng_job_class_init (EngJobClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->finalize = eng_job_finalize;
  object_class->get_property = eng_job_get_property;

  props[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, NULL, flags);
  props[PROP_STAGE] = g_param_spec_string ("stage", NULL, NULL, NULL, flags);
  props[PROP_PROGRESS] = g_param_spec_double ("progress", NULL, NULL, -1, 1, -1, flags);
  props[PROP_DONE] = g_param_spec_boolean ("done", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
eng_job_init (EngJob *self)
{
  g_mutex_init (&self->mutex);
  self->cancellable = g_cancellable_new ();
  self->context = g_main_context_ref_thread_default ();
  self->progress = -1;
}

EngJob *
eng_job_new (const char *title)
{
  EngJob *self = g_object_new (ENG_TYPE_JOB, NULL);
  self->title = g_strdup (title);
  return self;
}

GCancellable *
eng_job_get_cancellable (EngJob *self)
{
  g_return_val_if_fail (ENG_IS_JOB (self), NULL);
  return self->cancellable;
}

void
eng_job_cancel (EngJob *self)
{
  g_return_if_fail (ENG_IS_JOB (self));
  g_cancellable_cancel (self->cancellable);
}

const char *
eng_job_get_title (EngJob *self)
{
  g_return_val_if_fail (ENG_IS_JOB (self), NULL);
  return self->title;
}

char *
eng_job_dup_stage (EngJob *self)
{
  g_return_val_if_fail (ENG_IS_JOB (self), NULL);
  g_mutex_lock (&self->mutex);
  char *stage = g_strdup (self->stage);
  g_mutex_unlock (&self->mutex);
  return stage;
}

double
eng_job_get_progress (EngJob *self)
{
  g_return_val_if_fail (ENG_IS_JOB (self), -1);
  g_mutex_lock (&self->mutex);
  double progress = self->progress;
  g_mutex_unlock (&self->mutex);
  return progress;
}

gboolean
eng_job_get_done (EngJob *self)
{
  g_return_val_if_fail (ENG_IS_JOB (self), FALSE);
  g_mutex_lock (&self->mutex);
  gboolean done = self->done;
  g_mutex_unlock (&self->mutex);
  return done;
}

/* The pending notification holds a weak reference: a context that is never iterated (the command
 * line's) keeps no jobs alive. */
static gboolean
notify_idle (gpointer data)
{
  g_autoptr (EngJob) self = g_weak_ref_get (data);
  if (self == NULL)
    return G_SOURCE_REMOVE;

  g_mutex_lock (&self->mutex);
  self->pending = FALSE;
  gboolean done = self->done;
  g_mutex_unlock (&self->mutex);

  GObject *object = G_OBJECT (self);
  g_object_freeze_notify (object);
  g_object_notify_by_pspec (object, props[PROP_STAGE]);
  g_object_notify_by_pspec (object, props[PROP_PROGRESS]);
  if (done)
    g_object_notify_by_pspec (object, props[PROP_DONE]);
  g_object_thaw_notify (object);
  return G_SOURCE_REMOVE;
}

static void
weak_ref_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

static void
send_notification (EngJob *self)
{
  GWeakRef *weak = g_new (GWeakRef, 1);
  g_weak_ref_init (weak, self);
  g_autoptr (GSource) source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, notify_idle, weak, weak_ref_free);
  g_source_attach (source, self->context);
}

void
eng_job_report (EngJob *self, const char *stage, double progress)
{
  g_return_if_fail (ENG_IS_JOB (self));

  g_mutex_lock (&self->mutex);
  gboolean changed = self->progress != progress;
  if (stage != NULL && g_strcmp0 (stage, self->stage) != 0)
    {
      g_free (self->stage);
      self->stage = g_strdup (stage);
      changed = TRUE;
    }
  self->progress = progress < 0 ? -1 : MIN (progress, 1);
  gboolean send = changed && !self->pending;
  self->pending |= send;
  g_mutex_unlock (&self->mutex);

  if (send)
    send_notification (self);
}

void
eng_job_finish (EngJob *self)
{
  g_return_if_fail (ENG_IS_JOB (self));

  g_mutex_lock (&self->mutex);
  gboolean send = !self->done && !self->pending;
  self->done = TRUE;
  self->pending |= send;
  g_mutex_unlock (&self->mutex);

  if (send)
    send_notification (self);
}
