/* The chooser of the device that Run runs on. The window places it beside Run and does what is
 * chosen; it knows neither runs nor pushes. */
#include "app-target-button.h"

#include "app-config.h"
#include "app-device-expect.h"
#include "app-device-text.h"

#include <adwaita.h>
#include <glib/gi18n.h>

struct _AppTargetButton
{
  GtkWidget parent_instance;

  GtkWidget *button;
  GtkWidget *icon;
  GtkWidget *popover, *list;
  GtkWidget *chosen; /* its row; as long as the popover is open */
  AppDevices *devices;
  EngDevice *target;
  EngBuild *build; /* what Run would run; nullable */
};

G_DEFINE_FINAL_TYPE (AppTargetButton, app_target_button, GTK_TYPE_WIDGET)

static void
add_row (AppTargetButton *self, EngDevice *device, const char *subtitle)
{
  GtkWidget *row = adw_action_row_new (), *check;
  gboolean chosen = device == self->target;
  g_autofree char *spoken = NULL;

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), app_device_name (device));
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  adw_action_row_set_title_lines (ADW_ACTION_ROW (row), 2);
  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 3);
  adw_action_row_add_prefix (ADW_ACTION_ROW (row),
                             gtk_image_new_from_icon_name (app_device_icon (device)));
  check = gtk_image_new_from_icon_name ("object-select-symbolic");
  gtk_widget_set_opacity (check, chosen ? 1 : 0);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), check);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), TRUE);
  spoken = g_strdup_printf (chosen ? _ ("%s, chosen. %s") : "%s. %s", app_device_name (device),
                            subtitle);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
  g_object_set_data_full (G_OBJECT (row), "id",
                          g_strdup (device != NULL ? eng_device_get_id (device) : ""), g_free);
  gtk_list_box_append (GTK_LIST_BOX (self->list), row);
  if (chosen)
    self->chosen = row;
}

static void on_show (AppTargetButton *self);

static void
on_expected (gpointer data)
{
  AppTargetButton *self = data;

  if (gtk_widget_get_mapped (self->popover))
    on_show (self);
}

/* Of a calibrated board also what the build is expected to take there. */
static char *
dup_subtitle (AppTargetButton *self, EngDevice *device)
{
  const EngBoardForecast *forecast = app_device_expect_get (device, self->build, NULL);
  g_autofree char *state = NULL, *line = NULL;
  const char *icon;

  app_device_get_state (device, &icon, &state);
  line = forecast != NULL ? app_device_expect_dup_line (forecast) : NULL;
  app_device_expect (device, self->build, G_OBJECT (self), on_expected);
  if (line == NULL)
    return g_strdup_printf ("%s · %s", app_device_kind (device), state);
  /* Translators: the kind of a device, its state, what a build is expected to take there */
  return g_strdup_printf (_ ("%s · %s\nexpected: %s"), app_device_kind (device), state, line);
}

static void
on_show (AppTargetButton *self)
{
  GListModel *list
      = self->devices != NULL ? G_LIST_MODEL (app_devices_get_list (self->devices)) : NULL;
  GtkWidget *child;

  self->chosen = NULL;
  while ((child = gtk_widget_get_first_child (self->list)) != NULL)
    gtk_list_box_remove (GTK_LIST_BOX (self->list), child);
  add_row (self, NULL, _ ("In this program, with live numbers"));
  for (guint i = 0; list != NULL && i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (EngDevice) device = g_list_model_get_item (list, i);
      g_autofree char *subtitle = NULL;

      if (app_device_is_found (device))
        continue;
      subtitle = dup_subtitle (self, device);
      add_row (self, device, subtitle);
    }
  if (self->chosen != NULL)
    gtk_widget_grab_focus (self->chosen);
}

static void
on_activated (AppTargetButton *self, GtkListBoxRow *row)
{
  g_autofree char *id = g_strdup (g_object_get_data (G_OBJECT (row), "id"));

  gtk_popover_popdown (GTK_POPOVER (self->popover));
  gtk_widget_activate_action (GTK_WIDGET (self), "win.target", "s", id);
}

static void
update (AppTargetButton *self)
{
  const char *name = app_device_name (self->target);
  /* Translators: the name of a device */
  g_autofree char *tip = g_strdup_printf (_ ("Runs on: %s"), name);

  gtk_image_set_from_icon_name (GTK_IMAGE (self->icon), app_device_icon (self->target));
  gtk_widget_set_tooltip_text (self->button, tip);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->button), GTK_ACCESSIBLE_PROPERTY_LABEL, tip,
                                  -1);
}

void
app_target_button_set_devices (AppTargetButton *self, AppDevices *devices)
{
  g_return_if_fail (APP_IS_TARGET_BUTTON (self));
  g_set_object (&self->devices, devices);
}

void
app_target_button_set_target (AppTargetButton *self, EngDevice *device)
{
  g_return_if_fail (APP_IS_TARGET_BUTTON (self));
  g_set_object (&self->target, device);
  update (self);
}

void
app_target_button_set_build (AppTargetButton *self, EngBuild *build)
{
  g_return_if_fail (APP_IS_TARGET_BUTTON (self));
  g_set_object (&self->build, build);
}

static void
app_target_button_dispose (GObject *object)
{
  AppTargetButton *self = APP_TARGET_BUTTON (object);

  g_clear_pointer (&self->button, gtk_widget_unparent);
  g_clear_object (&self->devices);
  g_clear_object (&self->target);
  g_clear_object (&self->build);
  G_OBJECT_CLASS (app_target_button_parent_class)->dispose (object);
}

static void
app_target_button_class_init (AppTargetButtonClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_target_button_dispose;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (GTK_WIDGET_CLASS (klass), "target-button");
}

static GtkWidget *
make_popover (AppTargetButton *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6), *scroller, *several, *title;

  title = g_object_new (GTK_TYPE_LABEL, "label", _ ("Run On"), "xalign", 0.0f, "margin-start", 6,
                        "css-classes", (const char *[]){ "heading", NULL }, NULL);
  self->list = gtk_list_box_new ();
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (self->list), GTK_SELECTION_NONE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->list), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Run On"), -1);
  g_signal_connect_object (self->list, "row-activated", G_CALLBACK (on_activated), self,
                           G_CONNECT_SWAPPED);
  scroller = g_object_new (GTK_TYPE_SCROLLED_WINDOW, "child", self->list, "hscrollbar-policy",
                           GTK_POLICY_NEVER, "propagate-natural-height", TRUE, "max-content-height",
                           420, NULL);
  several = gtk_button_new_with_label (_ ("Several at Once…"));
  gtk_actionable_set_action_name (GTK_ACTIONABLE (several), "win.several-devices");
  gtk_widget_add_css_class (several, "flat");
  gtk_widget_set_size_request (box, 400, -1); /* an expectation on one line */
  gtk_box_append (GTK_BOX (box), title);
  gtk_box_append (GTK_BOX (box), scroller);
  gtk_box_append (GTK_BOX (box), several);
  self->popover = g_object_new (GTK_TYPE_POPOVER, "child", box, NULL);
  g_signal_connect_object (self->popover, "map", G_CALLBACK (on_show), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (several, "clicked", G_CALLBACK (gtk_popover_popdown), self->popover,
                           G_CONNECT_SWAPPED);
  return self->popover;
}

static void
app_target_button_init (AppTargetButton *self)
{
  self->icon = gtk_image_new ();
  self->button = gtk_menu_button_new ();
  gtk_menu_button_set_child (GTK_MENU_BUTTON (self->button), self->icon);
  gtk_menu_button_set_popover (GTK_MENU_BUTTON (self->button), make_popover (self));
  gtk_widget_add_css_class (self->button, "suggested-action");
  gtk_widget_set_parent (self->button, GTK_WIDGET (self));
  update (self);
}

GtkWidget *
app_target_button_new (void)
{
  return g_object_new (APP_TYPE_TARGET_BUTTON, NULL);
}
