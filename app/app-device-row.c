/* One row of the devices pane. Follows its device and what goes on with it; must not know what its
 * buttons do. */
#include "app-device-row.h"

#include "app-config.h"
#include "app-device-text.h"

#include <glib/gi18n.h>

struct _AppDeviceRow
{
  GtkListBoxRow parent_instance;

  AppDevices *devices;
  EngDevice *device; /* NULL: this computer */
  char *summary;     /* of this computer */

  GtkWidget *title;
  GtkWidget *state_icon, *state;
  GtkWidget *run, *add;
  GtkWidget *activity; /* visible while something goes on, and when it went wrong */
  GtkWidget *words, *details, *progress, *cancel, *again;
  GtkWidget *spinner;
  guint pulse_id;
};

G_DEFINE_FINAL_TYPE (AppDeviceRow, app_device_row, GTK_TYPE_LIST_BOX_ROW)

static void
set_text (GtkWidget *label, const char *text)
{
  if (g_strcmp0 (gtk_label_get_label (GTK_LABEL (label)), text) != 0)
    gtk_label_set_label (GTK_LABEL (label), text != NULL ? text : "");
}

static gboolean
on_pulse (gpointer data)
{
  gtk_progress_bar_pulse (GTK_PROGRESS_BAR (((AppDeviceRow *)data)->progress));
  return G_SOURCE_CONTINUE;
}

static void
show_progress (AppDeviceRow *self, gboolean going, double progress)
{
  gboolean pulses = going && progress < 0;

  gtk_widget_set_visible (self->progress, going);
  if (pulses && self->pulse_id == 0)
    self->pulse_id = g_timeout_add (150, on_pulse, self);
  if (!pulses)
    g_clear_handle_id (&self->pulse_id, g_source_remove);
  if (going && progress >= 0)
    gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->progress), MIN (progress, 1));
}

static void
update_activity (AppDeviceRow *self)
{
  AppPush *push = self->device != NULL ? app_devices_get_push (self->devices, self->device) : NULL;
  gboolean going = push != NULL && !app_push_is_over (push);
  g_autofree char *words = push != NULL ? app_push_dup_words (push) : NULL;
  g_autofree char *details = push != NULL ? app_push_dup_details (push) : NULL;
  AppPushState state = push != NULL ? app_push_get_state (push) : APP_PUSH_DONE;
  gboolean wrong = state == APP_PUSH_FAILED || state == APP_PUSH_REFUSED;

  gtk_widget_set_visible (self->activity, push != NULL);
  if (push == NULL)
    return;
  set_text (self->words, words);
  set_text (self->details, details);
  gtk_widget_set_visible (self->details, details != NULL);
  gtk_widget_set_visible (self->cancel, going);
  gtk_widget_set_visible (self->again, wrong || state == APP_PUSH_CANCELLED);
  show_progress (self, going, app_push_get_progress (push));
  if (wrong)
    gtk_widget_add_css_class (self->words, "error");
  else
    gtk_widget_remove_css_class (self->words, "error");
}

/* The line below the name: what the last contact told. */
static char *
dup_state (AppDeviceRow *self, const char **icon)
{
  g_autoptr (EngBoard) board = self->device != NULL ? eng_device_dup_board (self->device) : NULL;
  AppPush *push = self->device != NULL ? app_devices_get_push (self->devices, self->device) : NULL;
  g_autofree char *words = NULL, *summary = NULL;

  app_device_get_state (self->device, icon, &words);
  /* The lines below say what; a push asks for more than what the board is. */
  if (push != NULL && !app_push_is_over (push)
      && eng_device_get_state (self->device) == ENG_DEVICE_CONNECTING)
    return g_strdup (app_push_get_lost (push) ? _ ("Does not answer") : _ ("Being reached…"));
  if (self->device == NULL)
    summary = g_strdup (self->summary);
  else if (board != NULL && eng_device_get_state (self->device) == ENG_DEVICE_READY)
    summary = app_device_dup_summary (board);
  else
    return g_steal_pointer (&words);
  if (summary == NULL || *summary == '\0')
    return g_steal_pointer (&words);
  return g_strdup_printf ("%s\u00a0· %s", words, summary);
}

static const char *
get_style (AppDeviceRow *self)
{
  switch (self->device != NULL ? eng_device_get_state (self->device) : ENG_DEVICE_READY)
    {
    case ENG_DEVICE_READY:
      return "success";
    case ENG_DEVICE_MISSING:
      return "warning";
    case ENG_DEVICE_UNREACHABLE:
    case ENG_DEVICE_REFUSED:
      return "error";
    case ENG_DEVICE_UNKNOWN:
    case ENG_DEVICE_CONNECTING:
    default:
      return "dim-label";
    }
}

static void
update_spoken (AppDeviceRow *self, const char *state)
{
  g_autofree char *spoken = self->device != NULL
                                ? g_strdup_printf ("%s, %s. %s", app_device_name (self->device),
                                                   app_device_kind (self->device), state)
                                : g_strdup_printf ("%s. %s", app_device_name (NULL), state);
  /* Translators: the name of a device */
  g_autofree char *run = g_strdup_printf (_ ("Run on %s"), app_device_name (self->device));
  g_autofree char *add = g_strdup_printf (_ ("Add %s"), app_device_name (self->device));

  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->run), GTK_ACCESSIBLE_PROPERTY_LABEL, run,
                                  -1);
  gtk_widget_set_tooltip_text (self->run, run);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->add), GTK_ACCESSIBLE_PROPERTY_LABEL, add,
                                  -1);
}

static void
update (AppDeviceRow *self)
{
  const char *icon, *style = get_style (self);
  g_autofree char *state = dup_state (self, &icon);
  gboolean found = app_device_is_found (self->device);
  gboolean active = self->device != NULL && app_devices_is_active (self->devices, self->device);
  gboolean asked = self->device != NULL
                   && eng_device_get_state (self->device) == ENG_DEVICE_CONNECTING && active;
  const char *styles[] = { style, "caption", NULL };

  set_text (self->title, app_device_name (self->device));
  set_text (self->state, state);
  gtk_image_set_from_icon_name (GTK_IMAGE (self->state_icon), icon);
  gtk_widget_set_css_classes (self->state_icon, styles);
  gtk_widget_set_visible (self->state_icon, !asked);
  gtk_widget_set_visible (self->spinner, asked);
  gtk_spinner_set_spinning (GTK_SPINNER (self->spinner), asked);
  gtk_widget_set_visible (self->add, found);
  gtk_widget_set_visible (self->run, !found && !active);
  update_activity (self);
  update_spoken (self, state);
}

static void
on_activity (AppDeviceRow *self, EngDevice *device)
{
  if (device == self->device)
    update (self);
}

/* ---- The widget ---- */

static void
app_device_row_dispose (GObject *object)
{
  AppDeviceRow *self = APP_DEVICE_ROW (object);

  g_clear_handle_id (&self->pulse_id, g_source_remove);
  g_clear_object (&self->devices);
  g_clear_object (&self->device);
  g_clear_pointer (&self->summary, g_free);
  G_OBJECT_CLASS (app_device_row_parent_class)->dispose (object);
}

static void
app_device_row_class_init (AppDeviceRowClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_device_row_dispose;
}

static GtkWidget *
make_label (const char *const *classes, gboolean wrap)
{
  return g_object_new (GTK_TYPE_LABEL, "xalign", 0.0f, "wrap", wrap, "wrap-mode",
                       PANGO_WRAP_WORD_CHAR, "ellipsize",
                       wrap ? PANGO_ELLIPSIZE_NONE : PANGO_ELLIPSIZE_MIDDLE, "css-classes", classes,
                       NULL);
}

static GtkWidget *
make_button (const char *icon, const char *tip, const char *action)
{
  GtkWidget *button
      = g_object_new (GTK_TYPE_BUTTON, "icon-name", icon, "tooltip-text", tip, "valign",
                      GTK_ALIGN_CENTER, "css-classes", (const char *[]){ "flat", NULL }, NULL);

  if (action != NULL)
    gtk_actionable_set_action_name (GTK_ACTIONABLE (button), action);
  return button;
}

static GtkWidget *
make_activity (AppDeviceRow *self)
{
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6),
            *texts = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);

  self->words = make_label ((const char *[]){ "caption", NULL }, TRUE);
  self->details = make_label ((const char *[]){ "caption", "dim-label", "numeric", NULL }, TRUE);
  self->progress = gtk_progress_bar_new ();
  self->cancel = make_button ("window-close-symbolic", _ ("Cancel"), "win.cancel-device");
  self->again = gtk_button_new_with_label (_ ("Try Again"));
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->again), "win.run-on");
  gtk_widget_set_halign (self->again, GTK_ALIGN_START); /* reasons have the whole width */
  gtk_widget_add_css_class (self->again, "small-button");
  gtk_widget_set_hexpand (texts, TRUE);
  gtk_box_append (GTK_BOX (texts), self->words);
  gtk_box_append (GTK_BOX (texts), self->progress);
  gtk_box_append (GTK_BOX (texts), self->details);
  gtk_box_append (GTK_BOX (texts), self->again);
  gtk_box_append (GTK_BOX (line), texts);
  gtk_box_append (GTK_BOX (line), self->cancel);
  return line;
}

static void
app_device_row_init (AppDeviceRow *self)
{
  self->title = make_label ((const char *[]){ "device-name", NULL }, TRUE);
  gtk_label_set_lines (GTK_LABEL (self->title), 2);
  gtk_label_set_ellipsize (GTK_LABEL (self->title), PANGO_ELLIPSIZE_END);
  self->state_icon = gtk_image_new ();
  self->state = make_label ((const char *[]){ "caption", "dim-label", NULL }, TRUE);
  self->spinner = gtk_spinner_new ();
  self->run = make_button ("media-playback-start-symbolic", NULL, "win.run-on");
  self->add = gtk_button_new_with_label (_ ("Add"));
  gtk_widget_set_valign (self->add, GTK_ALIGN_CENTER);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->add), "win.add-device");
  self->activity = make_activity (self);
}

static void
build (AppDeviceRow *self)
{
  GtkWidget *all = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6),
            *head = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 10),
            *texts = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2),
            *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 5), *icon;

  icon = gtk_image_new_from_icon_name (app_device_icon (self->device));
  gtk_widget_set_hexpand (texts, TRUE);
  gtk_widget_set_valign (texts, GTK_ALIGN_CENTER);
  gtk_widget_set_valign (self->state_icon, GTK_ALIGN_START);
  gtk_image_set_pixel_size (GTK_IMAGE (self->state_icon), 16);
  gtk_box_append (GTK_BOX (line), self->state_icon);
  gtk_box_append (GTK_BOX (line), self->spinner);
  gtk_box_append (GTK_BOX (line), self->state);
  gtk_box_append (GTK_BOX (texts), self->title);
  gtk_box_append (GTK_BOX (texts), line);
  gtk_box_append (GTK_BOX (head), icon);
  gtk_box_append (GTK_BOX (head), texts);
  gtk_box_append (GTK_BOX (head), self->add);
  gtk_box_append (GTK_BOX (head), self->run);
  gtk_box_append (GTK_BOX (all), head);
  gtk_box_append (GTK_BOX (all), self->activity);
  gtk_widget_add_css_class (all, "device-row");
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (self), all);
}

GtkWidget *
app_device_row_new (AppDevices *devices, EngDevice *device, const char *summary)
{
  AppDeviceRow *self = g_object_new (APP_TYPE_DEVICE_ROW, NULL);
  const char *id = device != NULL ? eng_device_get_id (device) : "";

  self->devices = g_object_ref (devices);
  self->device = device != NULL ? g_object_ref (device) : NULL;
  self->summary = g_strdup (summary);
  build (self);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->run), "s", id);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->again), "s", id);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->cancel), "s", id);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->add), "s", id);
  if (device != NULL)
    g_signal_connect_object (device, "notify", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (devices, "activity", G_CALLBACK (on_activity), self, G_CONNECT_SWAPPED);
  update (self);
  return GTK_WIDGET (self);
}

EngDevice *
app_device_row_get_device (AppDeviceRow *self)
{
  g_return_val_if_fail (APP_IS_DEVICE_ROW (self), NULL);
  return self->device;
}

void
app_device_row_set_target (AppDeviceRow *self, gboolean is_target)
{
  g_return_if_fail (APP_IS_DEVICE_ROW (self));

  if (is_target)
    gtk_widget_add_css_class (self->title, "heading");
  else
    gtk_widget_remove_css_class (self->title, "heading");
}
