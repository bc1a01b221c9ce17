/* Names the device that headline and views are of. A view of an AppStage; the window places it. */
#include "app-device-bar.h"

#include "app-config.h"
#include "app-device-text.h"
#include "eng-run-device.h"

#include <glib/gi18n.h>

struct _AppDeviceBar
{
  GtkWidget parent_instance;

  GtkWidget *icon, *label;
  AppStage *stage;
};

G_DEFINE_FINAL_TYPE (AppDeviceBar, app_device_bar, GTK_TYPE_WIDGET)

char *
app_device_bar_dup_text (AppStage *stage, gboolean *emulated)
{
  EngSession *session = app_stage_get_session (stage);
  EngDevice *device = eng_session_get_device (session);
  EngRun *run = app_stage_get_run (stage);
  g_autofree char *what = NULL;

  *emulated = FALSE;
  if (run != NULL)
    {
      if (eng_run_get_device (run) == NULL)
        return NULL;
      *emulated = eng_run_get_emulated (run);
      /* Translators: the name of a device */
      what = g_strdup_printf (_ ("Measured on %s."), eng_run_get_device (run));
    }
  else if (device == NULL || eng_session_get_model (session) == NULL)
    return NULL;
  else
    {
      *emulated = eng_device_is_emulated (device);
      what = g_strdup_printf (app_stage_get_running (stage)
                                  ? _ ("Measuring on %s.")
                                  : _ ("Nothing was measured on %s yet. Run does it."),
                              app_device_name (device));
    }
  if (!*emulated)
    return g_steal_pointer (&what);
  return g_strdup_printf ("%s %s", what,
                          _ ("The times are of an emulator: they tell nothing of hardware. Results "
                             "and memory are real."));
}

static void
update (AppDeviceBar *self)
{
  gboolean emulated;
  g_autofree char *text = app_device_bar_dup_text (self->stage, &emulated);

  gtk_widget_set_visible (GTK_WIDGET (self), text != NULL);
  if (text == NULL)
    return;
  if (g_strcmp0 (gtk_label_get_label (GTK_LABEL (self->label)), text) != 0)
    gtk_label_set_label (GTK_LABEL (self->label), text);
  gtk_image_set_from_icon_name (GTK_IMAGE (self->icon),
                                emulated ? "dialog-warning-symbolic"
                                         : app_device_icon (eng_session_get_device (
                                             app_stage_get_session (self->stage))));
  if (emulated)
    gtk_widget_add_css_class (GTK_WIDGET (self), "emulated");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self), "emulated");
}

void
app_device_bar_set_stage (AppDeviceBar *self, AppStage *stage)
{
  g_return_if_fail (APP_IS_DEVICE_BAR (self) && APP_IS_STAGE (stage) && self->stage == NULL);

  self->stage = g_object_ref (stage);
  g_signal_connect_object (stage, "changed", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  update (self);
}

static void
app_device_bar_dispose (GObject *object)
{
  AppDeviceBar *self = APP_DEVICE_BAR (object);

  g_clear_pointer (&self->icon, gtk_widget_unparent);
  g_clear_pointer (&self->label, gtk_widget_unparent);
  g_clear_object (&self->stage);
  G_OBJECT_CLASS (app_device_bar_parent_class)->dispose (object);
}

static void
app_device_bar_class_init (AppDeviceBarClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_device_bar_dispose;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BOX_LAYOUT);
  gtk_widget_class_set_css_name (GTK_WIDGET_CLASS (klass), "device-bar");
}

static void
app_device_bar_init (AppDeviceBar *self)
{
  GtkLayoutManager *layout = gtk_widget_get_layout_manager (GTK_WIDGET (self));

  gtk_box_layout_set_spacing (GTK_BOX_LAYOUT (layout), 8);
  self->icon = gtk_image_new ();
  gtk_widget_set_valign (self->icon, GTK_ALIGN_START);
  self->label = g_object_new (GTK_TYPE_LABEL, "xalign", 0.0f, "wrap", TRUE, "wrap-mode",
                              PANGO_WRAP_WORD_CHAR, "hexpand", TRUE, NULL);
  gtk_widget_set_parent (self->icon, GTK_WIDGET (self));
  gtk_widget_set_parent (self->label, GTK_WIDGET (self));
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
}

GtkWidget *
app_device_bar_new (void)
{
  return g_object_new (APP_TYPE_DEVICE_BAR, NULL);
}
