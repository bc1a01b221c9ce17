/* What a window does with devices: choosing where Run runs, adding, renaming and removing boards,
 * running on several. Words and lists are in app-device-*.c, what goes on is AppDevices'. */
#include "app-window-private.h"

#include "app-ask.h"
#include "app-config.h"
#include "app-device-add.h"
#include "app-device-text.h"
#include "app-preflight.h"
#include "app-several.h"
#include "eng-run-device.h"

#include <glib/gi18n.h>

static AppDevices *
get_devices (AppWindow *self)
{
  return self->devices;
}

/* The device of an action's parameter; NULL: this computer, or it has gone. */
static EngDevice *
find_device (AppWindow *self, GVariant *parameter)
{
  const char *id = g_variant_get_string (parameter, NULL);

  return *id != '\0' ? app_devices_find (get_devices (self), id) : NULL;
}

/* ---- Running on one ---- */

/* What the worker of a run on a device holds on to. */
typedef struct
{
  AppPush *push;
  AppAsk *ask;
} Link;

static void
on_ended (EngRun *run, const EngPushTimes *times, const GError *error, gpointer data)
{
  app_push_end (((Link *)data)->push, run, times, error);
}

static void
link_free (gpointer data)
{
  Link *link = data;

  app_push_end (link->push, NULL, NULL, NULL); /* it never began */
  g_object_unref (link->push);
  app_ask_unref (link->ask);
  g_free (link);
}

static void
drop_push (AppWindow *self)
{
  g_clear_object (&self->push);
  g_clear_pointer (&self->ask, app_ask_unref);
}

void
app_window_run_on_device (AppWindow *self, EngDevice *device, const EngWorkload *workload)
{
  Link *link = g_new0 (Link, 1);
  EngSessionPush push = { .ended = on_ended, .destroy = link_free, .user_data = link };

  drop_push (self);
  self->push = app_push_new (device);
  self->ask = app_ask_new (GTK_WINDOW (self));
  link->push = g_object_ref (self->push);
  link->ask = app_ask_ref (self->ask);
  app_ask_fill (self->ask, &push.ask);
  app_push_fill_events (self->push, &push.events);
  app_devices_add_push (get_devices (self), self->push);
  eng_session_start_run_on (self->session, device, workload, &push);
}

/* Before the worker begins: what Cancel cancels. */
void
app_window_follow_push (AppWindow *self)
{
  EngJob *job = eng_session_get_job (self->session);

  if (self->push == NULL || job == NULL || app_push_is_over (self->push))
    return;
  app_push_set_job (self->push, job);
  app_ask_set_cancellable (self->ask, eng_job_get_cancellable (job));
}

gboolean
app_window_explain_push (AppWindow *self)
{
  g_autoptr (GPtrArray) items = NULL;

  if (self->push == NULL || app_push_get_state (self->push) != APP_PUSH_REFUSED)
    return FALSE;
  items = app_push_dup_preflight (self->push);
  app_preflight_present (GTK_WINDOW (self), eng_device_get_name (app_push_get_device (self->push)),
                         items);
  drop_push (self); /* told once: what fails next is something else */
  return TRUE;
}

static void
set_target (AppWindow *self, EngDevice *device)
{
  if (eng_session_get_running (self->session))
    return;
  app_stage_show_run (self->stage, NULL);
  eng_session_set_device (self->session, device);
}

static void
on_target (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  set_target (data, find_device (data, parameter));
}

static void
on_run_on (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;

  set_target (self, find_device (self, parameter));
  g_action_group_activate_action (G_ACTION_GROUP (self), "run", NULL);
}

static void
on_cancel_device (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  EngDevice *device = find_device (self, parameter);

  if (device != NULL)
    app_devices_cancel (get_devices (self), device);
}

/* ---- The list ---- */

static void
on_contact (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  EngDevice *device = find_device (self, parameter);

  if (device != NULL)
    app_devices_contact (get_devices (self), device, GTK_WINDOW (self));
}

static void
on_find (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  app_devices_search (get_devices (data));
}

static void
on_added (AppWindow *self, EngDevice *device)
{
  app_devices_pane_show_device (self->devices_pane, device);
  app_devices_contact (get_devices (self), device, GTK_WINDOW (self));
}

static void
on_add (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  GtkWidget *page
      = app_device_add_new (GTK_WINDOW (self), get_devices (self), find_device (self, parameter));

  g_signal_connect_object (page, "added", G_CALLBACK (on_added), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (page));
}

typedef struct
{
  AppWindow *self;
  EngDevice *device;
  GtkWidget *entry;
} Asked;

static void
asked_free (gpointer data, GClosure *closure)
{
  Asked *asked = data;

  g_object_unref (asked->self);
  g_object_unref (asked->device);
  g_free (asked);
}

static Asked *
asked_new (AppWindow *self, EngDevice *device)
{
  Asked *asked = g_new0 (Asked, 1);

  asked->self = g_object_ref (self);
  asked->device = g_object_ref (device);
  return asked;
}

static void
on_rename_response (AdwMessageDialog *dialog, const char *response, gpointer data)
{
  Asked *asked = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *name = NULL;

  if (!g_str_equal (response, "rename") || asked->self->session == NULL)
    return;
  name = g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (asked->entry))));
  if (!eng_devices_rename (app_devices_get_list (get_devices (asked->self)), asked->device, name,
                           &error))
    app_window_toast (asked->self, error->message);
}

static void
on_rename (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  EngDevice *device = find_device (self, parameter);
  AdwMessageDialog *dialog;
  Asked *asked;

  if (device == NULL)
    return;
  dialog = ADW_MESSAGE_DIALOG (
      adw_message_dialog_new (GTK_WINDOW (self), _ ("Rename the Board"), NULL));
  asked = asked_new (self, device);
  asked->entry = gtk_entry_new ();
  gtk_editable_set_text (GTK_EDITABLE (asked->entry), eng_device_get_name (device));
  gtk_entry_set_activates_default (GTK_ENTRY (asked->entry), TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (asked->entry), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Name"), -1);
  adw_message_dialog_set_extra_child (dialog, asked->entry);
  adw_message_dialog_add_responses (dialog, "cancel", _ ("_Cancel"), "rename", _ ("_Rename"), NULL);
  adw_message_dialog_set_default_response (dialog, "rename");
  adw_message_dialog_set_close_response (dialog, "cancel");
  g_signal_connect_data (dialog, "response", G_CALLBACK (on_rename_response), asked, asked_free, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
on_remove_response (AdwMessageDialog *dialog, const char *response, gpointer data)
{
  Asked *asked = data;
  AppWindow *self = asked->self;
  g_autoptr (GError) error = NULL;

  if (!g_str_equal (response, "remove") || self->session == NULL)
    return;
  if (eng_session_get_device (self->session) == asked->device)
    set_target (self, NULL);
  if (!eng_devices_remove (app_devices_get_list (get_devices (self)), asked->device, &error))
    app_window_toast (self, error->message);
}

static void
on_remove (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  EngDevice *device = find_device (self, parameter);
  g_autofree char *body = NULL;
  AdwMessageDialog *dialog;

  if (device == NULL || app_devices_is_active (get_devices (self), device))
    return;
  /* Translators: the name of a board */
  body = g_strdup_printf (_ ("%s goes from the list, with its password or pairing. Runs that were "
                             "measured on it stay in the history."),
                          eng_device_get_name (device));
  dialog = ADW_MESSAGE_DIALOG (
      adw_message_dialog_new (GTK_WINDOW (self), _ ("Remove the Board?"), body));
  adw_message_dialog_add_responses (dialog, "cancel", _ ("_Cancel"), "remove", _ ("_Remove"), NULL);
  adw_message_dialog_set_response_appearance (dialog, "remove", ADW_RESPONSE_DESTRUCTIVE);
  adw_message_dialog_set_default_response (dialog, "cancel");
  adw_message_dialog_set_close_response (dialog, "cancel");
  g_signal_connect_data (dialog, "response", G_CALLBACK (on_remove_response),
                         asked_new (self, device), asked_free, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}

/* ---- Several ---- */

static void
on_several_run (AppWindow *self, GPtrArray *targets, gboolean here, GtkWidget *page)
{
  g_autoptr (EngWorkload) workload = app_window_dup_workload (self);
  g_autoptr (AppFleet) fleet = NULL;

  if (workload == NULL || eng_session_get_build (self->session) == NULL
      || eng_session_get_running (self->session) || self->calibrating)
    return;
  app_stage_show_run (self->stage, NULL);
  fleet = app_fleet_start (get_devices (self), self->session, self->history, targets, here,
                           workload, GTK_WINDOW (self));
  app_several_set_fleet (APP_SEVERAL (page), fleet);
}

static void
on_several (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  GtkWidget *page = app_several_new (GTK_WINDOW (self), get_devices (self), self->stage);

  g_signal_connect_object (page, "run", G_CALLBACK (on_several_run), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (page));
}

/* ---- Host against board ---- */

static gboolean
has_device (GPtrArray *runs, EngRun *run)
{
  for (guint i = 0; i < runs->len; i++)
    if (g_strcmp0 (eng_run_get_device (runs->pdata[i]), eng_run_get_device (run)) == 0)
      return TRUE;
  return FALSE;
}

/* How many runs of the history are looked into for devices. */
#define MAX_LOOKED 60

/* The newest run of the recipe that is shown on every device, under one workload; this computer
 * first. */
static GPtrArray *
collect_devices (AppWindow *self)
{
  GPtrArray *runs = g_ptr_array_new_with_free_func (g_object_unref);
  EngRun *shown = app_stage_get_run (self->stage);
  g_autoptr (GPtrArray) entries = NULL;
  guint n_looked = 0;

  if (shown == NULL)
    return runs;
  g_ptr_array_add (runs, g_object_ref (shown));
  entries = self->history != NULL ? eng_history_list (self->history, NULL, NULL) : NULL;
  for (guint i = 0; entries != NULL && i < entries->len && n_looked < MAX_LOOKED; i++)
    {
      const EngHistoryEntry *entry = entries->pdata[i];
      g_autoptr (EngRun) run = NULL;

      if (g_strcmp0 (entry->model_hash, eng_run_get_model_hash (shown)) != 0)
        continue;
      n_looked++;
      run = eng_history_get (self->history, entry->id, NULL);
      if (run == NULL || has_device (runs, run)
          || !eng_recipe_equal (eng_run_get_recipe (run), eng_run_get_recipe (shown))
          || !eng_workload_equal (eng_run_get_workload (run), eng_run_get_workload (shown)))
        continue;
      g_ptr_array_insert (runs, eng_run_get_device (run) == NULL ? 0 : -1, g_object_ref (run));
    }
  return runs;
}

static void
on_compare_devices (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  g_autoptr (GPtrArray) runs = collect_devices (self);
  g_autofree char *text = NULL;

  if (runs->len < 2)
    {
      text = runs->len == 0
                 ? g_strdup (_ ("This recipe was measured nowhere yet. Run it on two devices."))
                 : g_strdup_printf (
                     _ ("This recipe was measured on %s only. Run it on another device, too."),
                     app_device_run_name (runs->pdata[0]));
      app_window_toast (self, text);
      return;
    }
  app_compare_view_set_runs (APP_COMPARE_VIEW (app_window_get_view (self, "compare")),
                             (EngRun *const *)runs->pdata, runs->len);
  adw_view_stack_set_visible_child_name (self->views, "compare");
}

/* ---- Following the session ---- */

static void
on_device (AppWindow *self)
{
  EngDevice *device = eng_session_get_device (self->session);

  app_target_button_set_target (APP_TARGET_BUTTON (self->target_button), device);
  app_devices_pane_set_target (self->devices_pane, device);
  app_devices_pane_show_device (self->devices_pane, device);
}

static void
on_merged (AppWindow *self, EngDevice *kept, EngDevice *gone)
{
  /* Translators: both are names of boards */
  g_autofree char *text
      = g_strdup_printf (_ ("%s is the board that you know as %s. There is one entry now, with the "
                            "address that answered."),
                         eng_device_get_name (gone), eng_device_get_name (kept));

  if (self->session != NULL && eng_session_get_device (self->session) == gone)
    set_target (self, kept);
  app_devices_pane_show_device (self->devices_pane, kept);
  app_window_toast (self, text);
}

/* Boards are looked over for what Run would run; built-in ones are asked once what they are, when
 * nothing is being measured. */
static void
on_build (AppWindow *self)
{
  EngBuild *build = eng_session_get_build (self->session);
  g_autoptr (EngWorkload) workload = build != NULL ? app_window_dup_workload (self) : NULL;

  app_devices_pane_set_work (self->devices_pane, build, workload);
  app_target_button_set_build (APP_TARGET_BUTTON (self->target_button), build);
  if (build != NULL && !eng_session_get_running (self->session)
      && g_strcmp0 (g_getenv ("LATHE_BACKGROUND"), "off") != 0)
    app_devices_contact_builtin (get_devices (self));
}

static const GActionEntry actions[] = {
  { .name = "target", .parameter_type = "s", .activate = on_target },
  { .name = "run-on", .parameter_type = "s", .activate = on_run_on },
  { .name = "cancel-device", .parameter_type = "s", .activate = on_cancel_device },
  { .name = "contact-device", .parameter_type = "s", .activate = on_contact },
  { .name = "add-device", .parameter_type = "s", .activate = on_add },
  { .name = "rename-device", .parameter_type = "s", .activate = on_rename },
  { .name = "remove-device", .parameter_type = "s", .activate = on_remove },
  { .name = "find-devices", .activate = on_find },
  { .name = "several-devices", .activate = on_several },
  { .name = "compare-devices", .activate = on_compare_devices },
};

void
app_window_init_devices (AppWindow *self)
{
  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
  app_devices_pane_set_devices (self->devices_pane, self->devices);
  app_target_button_set_devices (APP_TARGET_BUTTON (self->target_button), self->devices);
  app_device_bar_set_stage (APP_DEVICE_BAR (self->device_bar), self->stage);
  g_signal_connect_object (app_devices_get_list (self->devices), "merged", G_CALLBACK (on_merged),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->session, "notify::device", G_CALLBACK (on_device), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->session, "notify::build", G_CALLBACK (on_build), self,
                           G_CONNECT_SWAPPED);
  on_device (self);
}

void
app_window_update_devices (AppWindow *self)
{
  gboolean running = eng_session_get_running (self->session);
  gboolean can_run = g_action_group_get_action_enabled (G_ACTION_GROUP (self), "run");

  app_window_update_run_button (self);
  app_window_set_action_enabled (self, "target", !running);
  app_window_set_action_enabled (self, "run-on", can_run);
  app_window_set_action_enabled (self, "several-devices", !self->calibrating);
  app_window_set_action_enabled (self, "clean-device", !running && self->own_job == NULL);
  app_window_set_action_enabled (self, "calibrate-device", !running && self->own_job == NULL);
  app_window_set_action_enabled (self, "compare-devices", !running);
}

void
app_window_dispose_devices (AppWindow *self)
{
  drop_push (self);
  g_clear_object (&self->devices);
}
