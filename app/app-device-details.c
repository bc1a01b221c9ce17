/* The part of the devices pane below the list, for a device that is not this computer. Called by
 * the pane; what its buttons do are the window's actions. */
#include "app-device-details.h"

#include "app-config.h"
#include "app-device-builds.h"
#include "app-device-calibration.h"
#include "app-device-expect.h"
#include "app-device-text.h"
#include "app-mcu-section.h"
#include "app-preflight.h"
#include "app-words.h"
#include "devices/eng-board-builds.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <math.h>

/* What is shown with a message: the name above it, the command and buttons below. */
#define MESSAGE_ABOVE_PX 80
#define MESSAGE_BELOW_PX 110

struct _AppDeviceDetails
{
  GtkWidget parent_instance;

  GtkWidget *box; /* everything; made anew when what is told has changed */
  AppDevices *devices;
  EngDevice *device;
  EngBuild *build;
  EngWorkload *workload;
  AppMcuPlan *mcu;        /* of a microcontroller: what a build takes there; else NULL */
  GtkWidget *mcu_section; /* owned: it stays while all else is made anew */
  guint update_id, show_id;
  GtkWidget *message; /* what is the matter, within the box; NULL: nothing */
  gboolean was_wrong;
};

G_DEFINE_FINAL_TYPE (AppDeviceDetails, app_device_details, GTK_TYPE_WIDGET)

/* ---- Pieces ---- */

static GtkWidget *
make_list (const char *name)
{
  GtkWidget *list = gtk_list_box_new ();

  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  gtk_widget_add_css_class (list, "facts");
  gtk_accessible_update_property (GTK_ACCESSIBLE (list), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  return list;
}

static void
add_fact (GtkWidget *list, const char *name, const char *value)
{
  GtkWidget *row = g_object_new (ADW_TYPE_ACTION_ROW, "title", name, "use-markup", FALSE, NULL);
  GtkWidget *label = g_object_new (GTK_TYPE_LABEL, "label", value, "xalign", 1.0f, "selectable",
                                   TRUE, "ellipsize", PANGO_ELLIPSIZE_MIDDLE, "css-classes",
                                   (const char *[]){ "dim-label", "numeric", NULL }, NULL);

  adw_action_row_add_suffix (ADW_ACTION_ROW (row), label);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_list_box_append (GTK_LIST_BOX (list), row);
}

static void
add_long_fact (GtkWidget *list, const char *name, const char *value)
{
  GtkWidget *row = g_object_new (ADW_TYPE_ACTION_ROW, "title", name, "subtitle", value,
                                 "use-markup", FALSE, "subtitle-lines", 4, NULL);

  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_list_box_append (GTK_LIST_BOX (list), row);
}

static void
add_missing (GtkWidget *list, const char *name, const char *reason)
{
  g_autofree char *text = g_strdup_printf (_ ("unavailable: %s"), reason);

  add_long_fact (list, name, text);
}

static void
add_bytes (GtkWidget *list, const char *name, guint64 bytes)
{
  g_autofree char *text = eng_format_value ((double)bytes, "B");

  if (bytes > 0)
    add_fact (list, name, text);
}

/* Of a disk, or of what a service there allows: none at all says something then. */
static void
add_space (GtkWidget *list, const EngBoard *board)
{
  g_autofree char *left = eng_format_value ((double)board->free_bytes, "B");
  g_autofree char *quota = eng_format_value ((double)board->quota_bytes, "B");
  /* Translators: how much is left of how much */
  g_autofree char *text = g_strdup_printf (_ ("%s of a quota of %s"), left, quota);

  if (board->quota_bytes > 0)
    add_long_fact (list, _ ("Space for builds"), text);
  else if (board->limited && board->free_bytes == 0)
    add_fact (list, _ ("Space for builds"), _ ("none"));
  else
    add_bytes (list, _ ("Space for builds"), board->free_bytes);
}

/* ---- What it is ---- */

static void
add_sensors (GtkWidget *list, const EngBoard *board)
{
  static const struct
  {
    const char *what, *title;
  } titles[] = { { "power", N_ ("Power sensor") },
                 { "temperature", N_ ("Temperature") },
                 { "clock", N_ ("Clock sensor") } };

  for (guint i = 0; i < board->sensors->len; i++)
    {
      const EngBoardSensor *sensor = board->sensors->pdata[i];
      const char *title = sensor->what;

      for (guint t = 0; t < G_N_ELEMENTS (titles); t++)
        if (g_strcmp0 (titles[t].what, sensor->what) == 0)
          title = _ (titles[t].title);
      if (sensor->reason != NULL)
        add_missing (list, title, sensor->reason);
      else
        add_long_fact (list, title, sensor->name != NULL ? sensor->name : _ ("there is one"));
    }
}

static void
add_board (AppDeviceDetails *self, const EngBoard *board)
{
  GtkWidget *list = make_list (app_device_name (self->device));
  g_autofree char *cpus = g_strdup_printf ("%u", board->n_cpus);
  g_autofree char *isa = board->isa != NULL ? g_utf8_strup (board->isa, -1) : NULL;
  g_autofree char *clock
      = isfinite (board->clock_hz) ? eng_format_value (board->clock_hz, "Hz") : NULL;

  if (board->cpu != NULL)
    add_long_fact (list, _ ("Processor"), board->cpu);
  else
    add_missing (list, _ ("Processor"), _ ("its system does not say"));
  if (board->machine != NULL)
    add_fact (list, _ ("Architecture"), board->machine);
  if (isa != NULL)
    add_fact (list, _ ("Instruction set"), isa);
  if (board->system != NULL)
    add_long_fact (list, _ ("System"), board->system);
  if (board->n_cpus > 0)
    add_fact (list, _ ("Usable cores"), cpus);
  add_bytes (list, _ ("Memory"), board->memory_bytes);
  add_bytes (list, _ ("Memory free"), board->available_bytes);
  add_bytes (list, _ ("Flash"), board->flash_bytes);
  add_space (list, board);
  if (clock != NULL)
    add_fact (list, _ ("Clock"), clock);
  if (board->governor != NULL)
    add_fact (list, _ ("Governor"), board->governor);
  add_sensors (list, board);
  gtk_box_append (GTK_BOX (self->box), list);
}

static void
add_place (AppDeviceDetails *self)
{
  g_autofree char *place = eng_device_dup_place (self->device);
  g_autofree char *text = NULL;

  /* Translators: how a board is reached, then where: "SSH: host 192.168.1.7, user pi" */
  text = place != NULL && *place != '\0'
             ? g_strdup_printf (_ ("%s: %s"), _ (eng_device_get_transport (self->device)->title),
                                place)
             : g_strdup (_ (eng_device_get_transport (self->device)->title));
  gtk_box_append (GTK_BOX (self->box),
                  app_words_new (text, (const char *[]){ "caption", "dim-label", NULL }));
}

/* ---- What is the matter ---- */

static void
add_message (AppDeviceDetails *self)
{
  EngDeviceState state = eng_device_get_state (self->device);
  g_autofree char *message = app_device_dup_message (self->device);
  g_autofree char *remedy = eng_device_dup_remedy (self->device);
  gboolean wrong = state == ENG_DEVICE_MISSING || state == ENG_DEVICE_UNREACHABLE
                   || state == ENG_DEVICE_REFUSED;

  if (message != NULL)
    {
      GtkWidget *label
          = app_words_new (message, (const char *[]){ wrong ? "warning" : "dim-label", NULL });

      gtk_box_append (GTK_BOX (self->box), label);
      self->message = wrong ? label : NULL;
    }
  if (remedy != NULL)
    {
      gtk_box_append (GTK_BOX (self->box),
                      app_words_new (state == ENG_DEVICE_REFUSED
                                         ? _ ("This command forgets the old key:")
                                         : _ ("This command brings it:"),
                                     (const char *[]){ "caption", "dim-label", NULL }));
      gtk_box_append (GTK_BOX (self->box), app_preflight_command_new (remedy));
    }
}

static void
add_emulated (AppDeviceDetails *self)
{
  if (eng_device_is_emulated (self->device))
    gtk_box_append (
        GTK_BOX (self->box),
        app_words_new (_ ("Its times are of an emulator: they tell nothing of hardware. "
                          "Results, sizes and memory are what a real board gives."),
                       (const char *[]){ "caption", "dim-label", NULL }));
}

static void
add_heading (AppDeviceDetails *self, const char *text)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_widget_add_css_class (label, "heading");
  gtk_widget_set_margin_top (label, 12);
  gtk_box_append (GTK_BOX (self->box), label);
}

static void update (AppDeviceDetails *self);

static void
on_expected (gpointer self)
{
  update (self);
}

/* What a calibrated board is expected to take; it refuses nothing. */
static void
add_expected (AppDeviceDetails *self, GPtrArray *items)
{
  const EngBoardForecast *forecast = app_device_expect_get (self->device, self->build, NULL);
  g_autofree char *line = forecast != NULL ? app_device_expect_dup_line (forecast) : NULL;
  EngPreflightItem *item;

  app_device_expect (self->device, self->build, G_OBJECT (self), on_expected);
  if (line == NULL)
    return;
  item = g_new0 (EngPreflightItem, 1);
  item->id = "latency";
  item->title = N_ ("Latency");
  item->state = ENG_PREFLIGHT_OK;
  /* Translators: "inference ~42.8 ms (23.7 ms to 77.2 ms)" */
  item->text = g_strdup_printf (_ ("expected: %s"), line);
  g_ptr_array_add (items, item);
}

/* For a microcontroller patches may have to be searched for, which takes a second. */
typedef struct
{
  EngDevice *device;
  EngBuild *build;
  EngWorkload *workload;
} Preflight;

static void
preflight_free (gpointer data)
{
  Preflight *preflight = data;

  g_object_unref (preflight->device);
  g_object_unref (preflight->build);
  eng_workload_free (preflight->workload);
  g_free (preflight);
}

static void
preflight_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Preflight *preflight = data;

  g_task_return_pointer (task,
                         eng_preflight (preflight->device, preflight->build, preflight->workload),
                         (GDestroyNotify)g_ptr_array_unref);
}

/* Into the list's place, which may have gone meanwhile. */
static void
on_preflight (GObject *place, GAsyncResult *result, gpointer data)
{
  g_autoptr (GPtrArray) items = g_task_propagate_pointer (G_TASK (result), NULL);
  GtkWidget *self = gtk_widget_get_ancestor (GTK_WIDGET (place), APP_TYPE_DEVICE_DETAILS);

  if (self == NULL || items == NULL || items->len == 0)
    return;
  add_expected (APP_DEVICE_DETAILS (self), items);
  gtk_box_append (GTK_BOX (place), app_preflight_list_new (items));
}

static void
ask_preflight (AppDeviceDetails *self)
{
  GtkWidget *place = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  g_autoptr (GTask) task = g_task_new (place, NULL, on_preflight, NULL);
  Preflight *preflight = g_new0 (Preflight, 1);

  *preflight = (Preflight){ g_object_ref (self->device), g_object_ref (self->build),
                            eng_workload_copy (self->workload) };
  add_heading (self, _ ("Preflight of This Build"));
  gtk_box_append (GTK_BOX (self->box), place);
  g_task_set_source_tag (task, ask_preflight);
  g_task_set_task_data (task, preflight, preflight_free);
  g_task_run_in_thread (task, preflight_thread);
}

/* Of the build as it is now; of a refused push while nothing was changed since. */
static void
add_preflight (AppDeviceDetails *self)
{
  g_autoptr (GPtrArray) items = NULL;

  if (self->build == NULL || self->workload == NULL
      || eng_device_get_state (self->device) != ENG_DEVICE_READY)
    return;
  if (self->mcu != NULL)
    {
      ask_preflight (self);
      return;
    }
  items = eng_preflight (self->device, self->build, self->workload);
  if (items == NULL || items->len == 0)
    return;
  add_expected (self, items);
  add_heading (self, _ ("Preflight of This Build"));
  gtk_box_append (GTK_BOX (self->box), app_preflight_list_new (items));
}

/* ---- What can be done ---- */

static GtkWidget *
make_button (AppDeviceDetails *self, const char *title, const char *action)
{
  GtkWidget *button = gtk_button_new_with_label (title);

  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), action);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (button), "s", eng_device_get_id (self->device));
  return button;
}

static void
add_buttons (AppDeviceDetails *self)
{
  GtkWidget *flow = gtk_flow_box_new ();
  EngDeviceState state = eng_device_get_state (self->device);
  gboolean active = app_devices_is_active (self->devices, self->device);
  const struct
  {
    const char *title, *action;
    gboolean offered;
  } buttons[] = {
    { _ ("Add"), "win.add-device", app_device_is_found (self->device) },
    { state == ENG_DEVICE_UNKNOWN ? _ ("Contact") : _ ("Contact Again"), "win.contact-device",
      !active },
    { _ ("Rename…"), "win.rename-device", eng_device_is_saved (self->device) },
    { _ ("Clean Up There"), "win.clean-device",
      !active && state == ENG_DEVICE_READY
          && eng_device_get_kind (self->device) == ENG_BOARD_LINUX },
    { _ ("Remove…"), "win.remove-device", !active && eng_device_is_saved (self->device) },
  };

  for (guint i = 0; i < G_N_ELEMENTS (buttons); i++)
    if (buttons[i].offered)
      {
        GtkWidget *child = gtk_flow_box_child_new ();

        gtk_flow_box_child_set_child (GTK_FLOW_BOX_CHILD (child),
                                      make_button (self, buttons[i].title, buttons[i].action));
        gtk_widget_set_focusable (child, FALSE);
        gtk_flow_box_append (GTK_FLOW_BOX (flow), child);
      }
  gtk_flow_box_set_selection_mode (GTK_FLOW_BOX (flow), GTK_SELECTION_NONE);
  gtk_flow_box_set_column_spacing (GTK_FLOW_BOX (flow), 6);
  gtk_flow_box_set_row_spacing (GTK_FLOW_BOX (flow), 6);
  gtk_flow_box_set_max_children_per_line (GTK_FLOW_BOX (flow), 3);
  gtk_flow_box_set_homogeneous (GTK_FLOW_BOX (flow), FALSE);
  gtk_widget_set_margin_top (flow, 6);
  gtk_box_append (GTK_BOX (self->box), flow);
}

/* ---- Filling ---- */

/* The list above may have pushed it out of sight. */
static gboolean
on_show_message (gpointer data)
{
  AppDeviceDetails *self = data;
  GtkWidget *scroller = gtk_widget_get_ancestor (GTK_WIDGET (self), GTK_TYPE_SCROLLED_WINDOW);
  GtkAdjustment *adjustment;
  graphene_rect_t bounds;
  double top;

  self->show_id = 0;
  if (self->message == NULL || scroller == NULL
      || !gtk_widget_compute_bounds (self->message, scroller, &bounds))
    return G_SOURCE_REMOVE;
  adjustment = gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (scroller));
  top = gtk_adjustment_get_value (adjustment) + bounds.origin.y;
  gtk_adjustment_clamp_page (adjustment, top - MESSAGE_ABOVE_PX,
                             top + bounds.size.height + MESSAGE_BELOW_PX);
  return G_SOURCE_REMOVE;
}

/* Once, when it has just gone wrong. */
static void
show_message (AppDeviceDetails *self)
{
  gboolean wrong = self->message != NULL;

  if (wrong && !self->was_wrong && self->show_id == 0)
    self->show_id = g_timeout_add (100, on_show_message, self); /* when it has its place */
  self->was_wrong = wrong;
}

static void
fill (AppDeviceDetails *self)
{
  g_autoptr (EngBoard) board = NULL;
  GtkWidget *child;

  self->message = NULL;
  while ((child = gtk_widget_get_first_child (self->box)) != NULL)
    gtk_box_remove (GTK_BOX (self->box), child);
  if (self->device == NULL)
    return;
  board = eng_device_dup_board (self->device);
  add_heading (self, app_device_name (self->device));
  gtk_label_set_wrap (GTK_LABEL (gtk_widget_get_last_child (self->box)), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (gtk_widget_get_last_child (self->box)), PANGO_WRAP_WORD_CHAR);
  gtk_box_append (GTK_BOX (self->box),
                  app_words_new (app_device_kind (self->device),
                                 (const char *[]){ "caption", "dim-label", NULL }));
  if (!eng_device_is_builtin (self->device))
    add_place (self);
  add_message (self);
  if (self->mcu_section != NULL)
    gtk_box_append (GTK_BOX (self->box), self->mcu_section);
  if (board != NULL)
    add_board (self, board);
  add_emulated (self);
  add_preflight (self);
  if (eng_board_builds_are_kept (self->device))
    gtk_box_append (GTK_BOX (self->box), app_device_builds_new (self->device));
  if (app_device_calibration_applies (self->device))
    gtk_box_append (GTK_BOX (self->box), app_device_calibration_new (self->device, self->build));
  add_buttons (self);
  show_message (self);
}

static gboolean
on_update (gpointer data)
{
  AppDeviceDetails *self = data;

  self->update_id = 0;
  fill (self);
  return G_SOURCE_REMOVE;
}

/* Several things change at once; not while a button of it is being pressed. */
static void
update (AppDeviceDetails *self)
{
  if (self->update_id == 0 && self->device != NULL)
    self->update_id = g_timeout_add (60, on_update, self);
}

static void
on_activity (AppDeviceDetails *self, EngDevice *device)
{
  AppPush *push;

  if (device != self->device)
    return;
  push = app_devices_get_push (self->devices, device);
  if (push != NULL && !app_push_is_over (push))
    return; /* progress is the row's */
  app_device_builds_expire (device);
  update (self);
}

/* What a microcontroller's section shows is worked out while it is there. */
static void
set_mcu (AppDeviceDetails *self, EngDevice *device)
{
  if (self->mcu != NULL)
    app_mcu_plan_retire (self->mcu);
  g_clear_object (&self->mcu);
  g_clear_object (&self->mcu_section);
  if (device == NULL || eng_device_get_kind (device) != ENG_BOARD_MICROCONTROLLER)
    return;
  self->mcu = app_mcu_plan_new (device);
  app_mcu_plan_set_build (self->mcu, self->build);
  self->mcu_section = g_object_ref_sink (app_mcu_section_new (self->mcu));
}

void
app_device_details_set_device (AppDeviceDetails *self, EngDevice *device)
{
  g_return_if_fail (APP_IS_DEVICE_DETAILS (self));

  if (self->device == device)
    return;
  if (self->device != NULL)
    g_signal_handlers_disconnect_by_func (self->device, update, self);
  g_set_object (&self->device, device);
  set_mcu (self, device);
  self->was_wrong = TRUE; /* no news of another device */
  if (device != NULL)
    g_signal_connect_swapped (device, "notify", G_CALLBACK (update), self);
  fill (self);
}

void
app_device_details_set_work (AppDeviceDetails *self, EngBuild *build, const EngWorkload *workload)
{
  g_return_if_fail (APP_IS_DEVICE_DETAILS (self));

  g_set_object (&self->build, build);
  if (self->mcu != NULL)
    app_mcu_plan_set_build (self->mcu, build);
  g_clear_pointer (&self->workload, eng_workload_free);
  self->workload = workload != NULL ? eng_workload_copy (workload) : NULL;
  update (self);
}

/* ---- The widget ---- */

static void
app_device_details_dispose (GObject *object)
{
  AppDeviceDetails *self = APP_DEVICE_DETAILS (object);

  g_clear_handle_id (&self->update_id, g_source_remove);
  g_clear_handle_id (&self->show_id, g_source_remove);
  if (self->device != NULL)
    g_signal_handlers_disconnect_by_func (self->device, update, self);
  set_mcu (self, NULL);
  g_clear_object (&self->device);
  g_clear_object (&self->devices);
  g_clear_object (&self->build);
  g_clear_pointer (&self->workload, eng_workload_free);
  g_clear_pointer (&self->box, gtk_widget_unparent);
  G_OBJECT_CLASS (app_device_details_parent_class)->dispose (object);
}

static void
app_device_details_class_init (AppDeviceDetailsClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_device_details_dispose;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (GTK_WIDGET_CLASS (klass), "device-details");
}

static void
app_device_details_init (AppDeviceDetails *self)
{
  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
}

GtkWidget *
app_device_details_new (AppDevices *devices)
{
  AppDeviceDetails *self = g_object_new (APP_TYPE_DEVICE_DETAILS, NULL);

  self->devices = g_object_ref (devices);
  g_signal_connect_object (devices, "activity", G_CALLBACK (on_activity), self, G_CONNECT_SWAPPED);
  return GTK_WIDGET (self);
}
