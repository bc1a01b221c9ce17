/* Several devices at once. Boards have processors of their own and are measured in parallel; what
 * is measured on this computer must have it to itself, so it waits for all of them. Called by the
 * page of several devices; outlives it. */
#include "app-fleet.h"

struct _AppFleet
{
  GObject parent_instance;

  AppDevices *devices;
  EngSession *session;
  EngHistory *history; /* nullable */
  EngBuild *build;
  EngWorkload *workload;
  GWeakRef parent;
  GPtrArray *going; /* AppPush */
  GPtrArray *local; /* EngDevice: on this computer, one after the other */
  gboolean here, began_here, cancelled, over;
};

enum
{
  SIGNAL_CHANGED,
  SIGNAL_ENDED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (AppFleet, app_fleet, G_TYPE_OBJECT)

static void step (AppFleet *self);

static void
end (AppFleet *self)
{
  if (self->over)
    return;
  self->over = TRUE;
  eng_session_set_busy (self->session, FALSE);
  g_signal_handlers_disconnect_by_data (self->session, self);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
  g_signal_emit (self, signals[SIGNAL_ENDED], 0);
  g_object_unref (self); /* its own */
}

static void
on_push_ended (AppPush *push, AppFleet *self)
{
  EngRun *run = app_push_get_run (push);

  g_signal_handlers_disconnect_by_data (push, self);
  if (run != NULL)
    eng_session_add_run_of (self->session, app_push_get_device (push), run);
  g_ptr_array_remove (self->going, push);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
  step (self);
}

static void
push_to (AppFleet *self, EngDevice *device)
{
  g_autoptr (GtkWindow) parent = g_weak_ref_get (&self->parent);
  AppPush *push = app_devices_start_push (self->devices, device, self->build, self->workload,
                                          self->history, parent);

  g_ptr_array_add (self->going, g_object_ref (push));
  g_signal_connect (push, "ended", G_CALLBACK (on_push_ended), self);
}

static void
on_session_running (AppFleet *self)
{
  if (self->began_here && !eng_session_get_running (self->session))
    end (self);
}

/* What comes next: boards first, then this computer's own runner, then this program. */
static void
step (AppFleet *self)
{
  if (self->going->len > 0 || self->over)
    return;
  if (self->cancelled)
    {
      end (self);
      return;
    }
  if (self->local->len > 0)
    {
      g_autoptr (EngDevice) device = g_ptr_array_steal_index (self->local, 0);

      push_to (self, device);
      return;
    }
  if (!self->here || self->began_here || eng_session_get_running (self->session)
      || eng_session_get_model (self->session) == NULL
      || eng_build_get_model (self->build) != eng_session_get_model (self->session))
    {
      end (self);
      return;
    }
  self->began_here = TRUE;
  eng_session_set_busy (self->session, FALSE);
  g_signal_connect_swapped (self->session, "notify::running", G_CALLBACK (on_session_running),
                            self);
  eng_session_start_run (self->session, self->workload);
  if (!eng_session_get_running (self->session))
    end (self);
}

void
app_fleet_cancel (AppFleet *self)
{
  g_return_if_fail (APP_IS_FLEET (self));

  self->cancelled = TRUE;
  for (guint i = 0; i < self->going->len; i++)
    app_push_cancel (self->going->pdata[i]);
  if (self->began_here && !self->over)
    eng_session_stop_run (self->session);
}

gboolean
app_fleet_is_over (AppFleet *self)
{
  g_return_val_if_fail (APP_IS_FLEET (self), TRUE);
  return self->over;
}

static void
app_fleet_finalize (GObject *object)
{
  AppFleet *self = APP_FLEET (object);

  g_clear_object (&self->devices);
  g_clear_object (&self->session);
  g_clear_object (&self->history);
  g_clear_object (&self->build);
  g_clear_pointer (&self->workload, eng_workload_free);
  g_clear_pointer (&self->going, g_ptr_array_unref);
  g_clear_pointer (&self->local, g_ptr_array_unref);
  g_weak_ref_clear (&self->parent);
  G_OBJECT_CLASS (app_fleet_parent_class)->finalize (object);
}

static void
app_fleet_class_init (AppFleetClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = app_fleet_finalize;
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                          0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_ENDED] = g_signal_new ("ended", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                        NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
app_fleet_init (AppFleet *self)
{
  self->going = g_ptr_array_new_with_free_func (g_object_unref);
  self->local = g_ptr_array_new_with_free_func (g_object_unref);
}

AppFleet *
app_fleet_start (AppDevices *devices, EngSession *session, EngHistory *history, GPtrArray *targets,
                 gboolean here, const EngWorkload *workload, GtkWindow *parent)
{
  AppFleet *self;

  g_return_val_if_fail (eng_session_get_build (session) != NULL, NULL);
  g_return_val_if_fail (!eng_session_get_running (session), NULL);

  self = g_object_new (APP_TYPE_FLEET, NULL);
  self->devices = g_object_ref (devices);
  self->session = g_object_ref (session);
  self->history = history != NULL ? g_object_ref (history) : NULL;
  self->build = g_object_ref (eng_session_get_build (session));
  self->workload = eng_workload_copy (workload);
  self->here = here;
  g_weak_ref_init (&self->parent, parent);
  g_object_ref (self); /* until it ends */
  eng_session_set_busy (session, TRUE);
  for (guint i = 0; i < targets->len; i++)
    {
      EngDevice *device = targets->pdata[i];

      if (eng_device_get_transport (device) == &eng_transport_local)
        g_ptr_array_add (self->local, g_object_ref (device));
      else if (!app_devices_is_active (devices, device))
        push_to (self, device);
    }
  step (self);
  return self;
}
