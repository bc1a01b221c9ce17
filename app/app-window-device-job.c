/* Jobs of the window on a device: what is tidied up there, and calibrating. Their progress and
 * Cancel are the headline's, questions (passwords, keys) appear over the window. Pushes have their
 * own life (app-push.c). */
#include "app-window-private.h"

#include "app-config.h"
#include "app-device-calibration.h"
#include "app-device-text.h"
#include "devices/eng-board-references.h"
#include "devices/eng-push.h"

#include "app-paths.h"

#include <glib/gi18n.h>

/* On a worker. What is returned goes to done(); NULL and @error: it failed. */
typedef gpointer (*WorkFunc) (EngDevice *device, const EngAsk *ask, EngJob *job, GError **error);
/* On the main thread, whether it failed or not; takes @result. */
typedef void (*DoneFunc) (AppWindow *self, EngDevice *device, gpointer result, const GError *error);

typedef struct
{
  EngDevice *device;
  EngJob *job;
  AppAsk *ask;
  WorkFunc work;
  DoneFunc done;
} Work;

static void
work_free (gpointer data)
{
  Work *work = data;

  g_object_unref (work->device);
  g_object_unref (work->job);
  app_ask_unref (work->ask);
  g_free (work);
}

static void
work_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Work *work = data;
  EngAsk ask;
  GError *error = NULL;
  gpointer result;

  app_ask_fill (work->ask, &ask);
  result = work->work (work->device, &ask, work->job, &error);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, result, NULL);
}

static void
on_worked (GObject *source, GAsyncResult *result, gpointer data)
{
  AppWindow *self = APP_WINDOW (source);
  Work *work = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  gpointer made = g_task_propagate_pointer (G_TASK (result), &error);

  self->calibrating = FALSE; /* whichever it was, nothing is measured any more */
  if (self->session != NULL && self->own_job == work->job)
    app_window_set_own_job (self, NULL);
  work->done (self, work->device, made, error);
  eng_job_finish (work->job);
  if (self->session == NULL) /* the window is gone */
    return;
  if (error != NULL && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    app_window_toast (self, error->message);
}

/* The job is borrowed from the task. */
static EngJob *
start (AppWindow *self, EngDevice *device, const char *title, WorkFunc func, DoneFunc done)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, on_worked, NULL);
  Work *work = g_new0 (Work, 1);

  work->device = g_object_ref (device);
  work->job = eng_job_new (title);
  work->ask = app_ask_new (GTK_WINDOW (self));
  work->work = func;
  work->done = done;
  app_ask_set_cancellable (work->ask, eng_job_get_cancellable (work->job));
  g_task_set_source_tag (task, start);
  g_task_set_task_data (task, work, work_free);
  app_window_set_own_job (self, work->job);
  g_task_run_in_thread (task, work_thread);
  return work->job;
}

static EngDevice *
find_free_device (AppWindow *self, GVariant *parameter)
{
  EngDevice *device = app_devices_find (self->devices, g_variant_get_string (parameter, NULL));

  return device != NULL && self->own_job == NULL && !eng_session_get_running (self->session)
                 && !app_devices_is_active (self->devices, device)
             ? device
             : NULL;
}

/* ---- Tidying up there ---- */

static gpointer
clean (EngDevice *device, const EngAsk *ask, EngJob *job, GError **error)
{
  eng_push_clean (device, ask, job, error);
  return NULL;
}

static void
on_cleaned (AppWindow *self, EngDevice *device, gpointer result, const GError *error)
{
  g_autofree char *text = NULL;

  if (error != NULL || self->session == NULL)
    return;
  text = g_strdup_printf (_ ("Nothing of Lathe is left on %s."), app_device_name (device));
  app_window_toast (self, text);
}

static void
on_clean (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  EngDevice *device = find_free_device (data, parameter);
  g_autofree char *title = NULL;

  if (device == NULL)
    return;
  /* Translators: the name of a board */
  title = g_strdup_printf (_ ("Tidying up on %s"), app_device_name (device));
  start (data, device, title, clean, on_cleaned);
}

/* ---- Calibrating ---- */

static gpointer
calibrate (EngDevice *device, const EngAsk *ask, EngJob *job, GError **error)
{
  g_autofree char *language_model = app_paths_find_default_model ();
  const EngPushOptions options = { .ask = ask };

  return eng_board_calibrate (device, language_model, &options, NULL, job, error);
}

static void
on_calibrated (AppWindow *self, EngDevice *device, gpointer result, const GError *error)
{
  app_device_calibration_take (device, result, error);
  if (self->session != NULL)
    g_signal_emit_by_name (self->devices, "activity", device);
}

static void
on_calibrate (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  EngDevice *device = find_free_device (self, parameter);
  g_autofree char *title = NULL;

  if (device == NULL)
    return;
  self->calibrating = TRUE; /* a run beside it would disturb both */
  /* Translators: the name of a board */
  title = g_strdup_printf (_ ("Calibrating %s"), app_device_name (device));
  app_device_calibration_begin (device, start (self, device, title, calibrate, on_calibrated));
  g_signal_emit_by_name (self->devices, "activity", device);
}

static const GActionEntry actions[] = {
  { .name = "clean-device", .parameter_type = "s", .activate = on_clean },
  { .name = "calibrate-device", .parameter_type = "s", .activate = on_calibrate },
};

void
app_window_init_device_jobs (AppWindow *self)
{
  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
}
