/* The devices of the program: one list, and at most one contact and one push for each. Made by the
 * application, watched by the windows' panes. Must not know how a device is reached. */
#include "app-devices.h"

#include "app-ask.h"
#include "app-config.h"

#include <glib/gi18n.h>

/* What goes on with one device. */
typedef struct
{
  AppDevices *self; /* borrowed */
  EngDevice *device;
  EngJob *contact; /* NULL: it is not being asked */
  AppPush *push;   /* the newest; nullable */
} Activity;

struct _AppDevices
{
  GObject parent_instance;

  EngDevices *list;
  char *problem;
  GHashTable *activities; /* id -> Activity */
  GQueue *to_contact;     /* EngDevice, one after the other */
  EngJob *search;
  char *search_note;
};

enum
{
  SIGNAL_ACTIVITY,
  SIGNAL_SEARCHING,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (AppDevices, app_devices, G_TYPE_OBJECT)

static void
activity_free (gpointer data)
{
  Activity *activity = data;

  if (activity->contact != NULL)
    eng_job_cancel (activity->contact);
  g_clear_object (&activity->contact);
  if (activity->push != NULL)
    {
      g_signal_handlers_disconnect_by_data (activity->push, activity);
      app_push_cancel (activity->push);
    }
  g_clear_object (&activity->push);
  g_clear_object (&activity->device);
  g_free (activity);
}

static Activity *
get_activity (AppDevices *self, EngDevice *device)
{
  Activity *activity = g_hash_table_lookup (self->activities, eng_device_get_id (device));

  if (activity != NULL)
    return activity;
  activity = g_new0 (Activity, 1);
  activity->self = self;
  activity->device = g_object_ref (device);
  g_hash_table_insert (self->activities, g_strdup (eng_device_get_id (device)), activity);
  return activity;
}

static void
tell (AppDevices *self, EngDevice *device)
{
  g_signal_emit (self, signals[SIGNAL_ACTIVITY], 0, device);
}

/* ---- Contact ---- */

typedef struct
{
  EngDevice *device;
  EngJob *job;
  AppAsk *ask; /* NULL: nobody to ask */
} Contact;

static void
contact_free (gpointer data)
{
  Contact *contact = data;

  g_object_unref (contact->device);
  g_object_unref (contact->job);
  g_clear_pointer (&contact->ask, app_ask_unref);
  g_free (contact);
}

static void
contact_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Contact *contact = data;
  EngAsk ask;
  GError *error = NULL;

  if (contact->ask != NULL)
    app_ask_fill (contact->ask, &ask);
  /* What went wrong stands in the device's state. */
  if (!eng_device_contact (contact->device, contact->ask != NULL ? &ask : NULL, contact->job,
                           &error))
    g_clear_error (&error);
  g_task_return_boolean (task, TRUE);
}

static void contact_next (AppDevices *self);

static void
on_contacted (GObject *source, GAsyncResult *result, gpointer data)
{
  AppDevices *self = APP_DEVICES (source);
  Contact *contact = g_task_get_task_data (G_TASK (result));
  Activity *activity;

  if (self->activities == NULL)
    return; /* the program ends */
  activity = get_activity (self, contact->device);
  if (activity->contact == contact->job)
    g_clear_object (&activity->contact);
  eng_job_finish (contact->job);
  tell (self, contact->device);
  contact_next (self);
}

void
app_devices_contact (AppDevices *self, EngDevice *device, GtkWindow *parent)
{
  g_autoptr (GTask) task = NULL;
  g_autofree char *title = NULL;
  Activity *activity;
  Contact *contact;

  g_return_if_fail (APP_IS_DEVICES (self) && ENG_IS_DEVICE (device));

  activity = get_activity (self, device);
  if (app_devices_is_active (self, device))
    return;
  title = g_strdup_printf (_ ("Asking %s what it is"), eng_device_get_name (device));
  contact = g_new0 (Contact, 1);
  contact->device = g_object_ref (device);
  contact->job = eng_job_new (title);
  if (parent != NULL)
    {
      contact->ask = app_ask_new (parent);
      app_ask_set_cancellable (contact->ask, eng_job_get_cancellable (contact->job));
    }
  g_set_object (&activity->contact, contact->job);
  task = g_task_new (self, NULL, on_contacted, NULL);
  g_task_set_source_tag (task, app_devices_contact);
  g_task_set_task_data (task, contact, contact_free);
  g_task_run_in_thread (task, contact_thread);
  tell (self, device);
}

static void
contact_next (AppDevices *self)
{
  g_autoptr (EngDevice) device = g_queue_pop_head (self->to_contact);

  if (device != NULL)
    app_devices_contact (self, device, NULL);
}

void
app_devices_contact_builtin (AppDevices *self)
{
  GListModel *list;

  g_return_if_fail (APP_IS_DEVICES (self));

  list = G_LIST_MODEL (self->list);
  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (EngDevice) device = g_list_model_get_item (list, i);

      if (eng_device_is_builtin (device) && eng_device_get_state (device) == ENG_DEVICE_UNKNOWN
          && g_queue_find (self->to_contact, device) == NULL
          && !app_devices_is_active (self, device))
        g_queue_push_tail (self->to_contact, g_object_ref (device));
    }
  contact_next (self);
}

/* ---- Search ---- */

static void
on_search_done (AppDevices *self, GParamSpec *pspec, EngJob *job)
{
  if (self->search != job || !eng_job_get_done (job))
    return;
  g_free (self->search_note);
  self->search_note = eng_job_dup_stage (job);
  if (g_strcmp0 (self->search_note, "Searching") == 0) /* it had nothing else to say */
    g_clear_pointer (&self->search_note, g_free);
  g_clear_object (&self->search);
  g_signal_emit (self, signals[SIGNAL_SEARCHING], 0);
}

void
app_devices_search (AppDevices *self)
{
  g_return_if_fail (APP_IS_DEVICES (self));

  if (self->search != NULL)
    return;
  self->search = eng_job_new (_ ("Looking for boards"));
  g_signal_connect_object (self->search, "notify::done", G_CALLBACK (on_search_done), self,
                           G_CONNECT_SWAPPED);
  g_signal_emit (self, signals[SIGNAL_SEARCHING], 0);
  eng_devices_search (self->list, self->search);
}

gboolean
app_devices_get_searching (AppDevices *self)
{
  g_return_val_if_fail (APP_IS_DEVICES (self), FALSE);
  return self->search != NULL;
}

char *
app_devices_dup_search_note (AppDevices *self)
{
  g_return_val_if_fail (APP_IS_DEVICES (self), NULL);
  return self->search_note != NULL && *self->search_note != '\0' ? g_strdup (self->search_note)
                                                                 : NULL;
}

/* ---- Pushes ---- */

AppPush *
app_devices_get_push (AppDevices *self, EngDevice *device)
{
  g_return_val_if_fail (APP_IS_DEVICES (self) && ENG_IS_DEVICE (device), NULL);
  return get_activity (self, device)->push;
}

static void
on_push_changed (AppPush *push, Activity *activity)
{
  tell (activity->self, activity->device);
}

void
app_devices_add_push (AppDevices *self, AppPush *push)
{
  Activity *activity;

  g_return_if_fail (APP_IS_DEVICES (self) && APP_IS_PUSH (push));

  activity = get_activity (self, app_push_get_device (push));
  if (activity->push != NULL)
    g_signal_handlers_disconnect_by_data (activity->push, activity);
  g_set_object (&activity->push, push);
  g_signal_connect (push, "changed", G_CALLBACK (on_push_changed), activity);
  tell (self, activity->device);
}

typedef struct
{
  AppPush *push;
  EngBuild *build;
  EngWorkload *workload;
  EngHistory *history; /* nullable */
  AppAsk *ask;
  EngJob *job;
} Work;

static void
work_free (gpointer data)
{
  Work *work = data;

  g_object_unref (work->push);
  g_object_unref (work->build);
  eng_workload_free (work->workload);
  g_clear_object (&work->history);
  app_ask_unref (work->ask);
  g_object_unref (work->job);
  g_free (work);
}

#define WINDOW 64 /* passes that the medians of a live profile are over */

static void
work_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Work *work = data;
  EngProfiler *profiler = eng_profiler_new (work->build, WINDOW);
  EngPushEvents events;
  EngRunEvents run_events = { NULL };
  EngPushTimes times = { 0 };
  EngAsk ask;
  EngPushOptions options = { .ask = &ask };
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRun) run = NULL;

  app_ask_fill (work->ask, &ask);
  app_push_fill_events (work->push, &events);
  run = eng_push_run (app_push_get_device (work->push), work->build, work->workload, profiler,
                      &run_events, &events, &options, &times, work->job, &error);
  if (run != NULL && work->history != NULL && !eng_history_add (work->history, run, &error))
    g_warning ("A run on %s could not be kept: %s",
               eng_device_get_name (app_push_get_device (work->push)), error->message);
  app_push_end (work->push, run, &times, run != NULL ? NULL : error);
  eng_job_finish (work->job);
  eng_profiler_free (profiler);
  g_task_return_boolean (task, TRUE);
}

AppPush *
app_devices_start_push (AppDevices *self, EngDevice *device, EngBuild *build,
                        const EngWorkload *workload, EngHistory *history, GtkWindow *parent)
{
  g_autoptr (GTask) task = NULL;
  g_autofree char *title = NULL;
  Work *work;

  g_return_val_if_fail (APP_IS_DEVICES (self) && ENG_IS_DEVICE (device) && ENG_IS_BUILD (build),
                        NULL);

  title = g_strdup_printf (_ ("Running on %s"), eng_device_get_name (device));
  work = g_new0 (Work, 1);
  work->push = app_push_new (device);
  work->build = g_object_ref (build);
  work->workload = eng_workload_copy (workload);
  work->history = history != NULL ? g_object_ref (history) : NULL;
  work->job = eng_job_new (title);
  work->ask = app_ask_new (parent);
  app_ask_set_cancellable (work->ask, eng_job_get_cancellable (work->job));
  app_push_set_job (work->push, work->job);
  app_devices_add_push (self, work->push);
  task = g_task_new (NULL, NULL, NULL, NULL);
  g_task_set_source_tag (task, app_devices_start_push);
  g_task_set_task_data (task, work, work_free);
  g_task_run_in_thread (task, work_thread);
  return app_devices_get_push (self, device);
}

void
app_devices_cancel (AppDevices *self, EngDevice *device)
{
  Activity *activity;

  g_return_if_fail (APP_IS_DEVICES (self) && ENG_IS_DEVICE (device));

  activity = get_activity (self, device);
  if (activity->contact != NULL)
    eng_job_cancel (activity->contact);
  if (activity->push != NULL)
    app_push_cancel (activity->push);
}

gboolean
app_devices_is_active (AppDevices *self, EngDevice *device)
{
  Activity *activity;

  g_return_val_if_fail (APP_IS_DEVICES (self) && ENG_IS_DEVICE (device), FALSE);

  activity = get_activity (self, device);
  return activity->contact != NULL || (activity->push != NULL && !app_push_is_over (activity->push))
         || eng_device_get_busy (device);
}

/* ---- The object ---- */

static void
app_devices_dispose (GObject *object)
{
  AppDevices *self = APP_DEVICES (object);

  if (self->search != NULL)
    eng_job_cancel (self->search);
  g_clear_object (&self->search);
  g_clear_pointer (&self->activities, g_hash_table_unref);
  g_clear_object (&self->list);
  G_OBJECT_CLASS (app_devices_parent_class)->dispose (object);
}

static void
app_devices_finalize (GObject *object)
{
  AppDevices *self = APP_DEVICES (object);

  g_queue_free_full (self->to_contact, g_object_unref);
  g_free (self->problem);
  g_free (self->search_note);
  G_OBJECT_CLASS (app_devices_parent_class)->finalize (object);
}

static void
app_devices_class_init (AppDevicesClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_devices_dispose;
  G_OBJECT_CLASS (klass)->finalize = app_devices_finalize;
  signals[SIGNAL_ACTIVITY] = g_signal_new ("activity", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                           0, NULL, NULL, NULL, G_TYPE_NONE, 1, ENG_TYPE_DEVICE);
  signals[SIGNAL_SEARCHING] = g_signal_new ("searching", G_TYPE_FROM_CLASS (klass),
                                            G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
app_devices_init (AppDevices *self)
{
  self->activities = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, activity_free);
  self->to_contact = g_queue_new ();
}

AppDevices *
app_devices_new (const char *path)
{
  AppDevices *self = g_object_new (APP_TYPE_DEVICES, NULL);
  g_autoptr (GError) error = NULL;

  self->list = eng_devices_new (path, &error);
  if (self->list == NULL)
    {
      self->problem = g_strdup (error->message);
      self->list = eng_devices_new_builtin ();
    }
  return self;
}

EngDevices *
app_devices_get_list (AppDevices *self)
{
  g_return_val_if_fail (APP_IS_DEVICES (self), NULL);
  return self->list;
}

const char *
app_devices_get_problem (AppDevices *self)
{
  g_return_val_if_fail (APP_IS_DEVICES (self), NULL);
  return self->problem;
}

EngDevice *
app_devices_find (AppDevices *self, const char *id)
{
  g_return_val_if_fail (APP_IS_DEVICES (self) && id != NULL, NULL);
  return eng_devices_find (self->list, id);
}

EngDevice *
app_devices_get_local (AppDevices *self)
{
  GListModel *list;

  g_return_val_if_fail (APP_IS_DEVICES (self), NULL);

  list = G_LIST_MODEL (self->list);
  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (EngDevice) device = g_list_model_get_item (list, i);

      if (eng_device_get_transport (device) == &eng_transport_local)
        return device; /* the list keeps it */
    }
  return NULL;
}
