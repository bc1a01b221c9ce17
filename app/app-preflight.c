/* The preflight in the window. Called by a device's details and by the window when a push was
 * refused; must not know what is looked at. */
#include "app-preflight.h"

#include "app-config.h"
#include "app-device-text.h"

#include <adwaita.h>
#include <glib/gi18n.h>

static void
on_copy (GtkButton *button, gpointer data)
{
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (button)), data);
  gtk_widget_activate_action (GTK_WIDGET (button), "win.toast", "s", _ ("The command was copied."));
}

static void
free_text (gpointer data, GClosure *closure)
{
  g_free (data);
}

GtkWidget *
app_preflight_command_new (const char *command)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6), *label, *copy;
  g_autofree char *spoken = g_strdup_printf (_ ("Copy the command: %s"), command);

  label = g_object_new (GTK_TYPE_LABEL, "label", command, "wrap", TRUE, "wrap-mode",
                        PANGO_WRAP_WORD_CHAR, "xalign", 0.0f, "hexpand", TRUE, "css-classes",
                        (const char *[]){ "monospace", "caption", NULL }, NULL);
  copy = g_object_new (GTK_TYPE_BUTTON, "icon-name", "edit-copy-symbolic", "tooltip-text",
                       _ ("Copy the command"), "valign", GTK_ALIGN_CENTER, "css-classes",
                       (const char *[]){ "flat", NULL }, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (copy), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
  g_signal_connect_data (copy, "clicked", G_CALLBACK (on_copy), g_strdup (command), free_text, 0);
  gtk_box_append (GTK_BOX (box), label);
  gtk_box_append (GTK_BOX (box), copy);
  gtk_widget_add_css_class (box, "command");
  return box;
}

static GtkWidget *
make_row (const EngPreflightItem *item)
{
  static const char *const styles[] = { [ENG_PREFLIGHT_OK] = "success",
                                        [ENG_PREFLIGHT_WARNING] = "warning",
                                        [ENG_PREFLIGHT_FAILED] = "error" };
  GtkWidget *row = gtk_list_box_row_new (), *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 10),
            *words = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2), *icon;
  g_autofree char *spoken
      = g_strdup_printf ("%s, %s: %s", _ (item->title), app_device_preflight_word (item->state),
                         item->text != NULL ? item->text : "");

  icon = gtk_image_new_from_icon_name (app_device_preflight_icon (item->state));
  gtk_widget_add_css_class (icon, styles[MIN ((guint)item->state, ENG_PREFLIGHT_FAILED)]);
  gtk_widget_set_valign (icon, GTK_ALIGN_START);
  gtk_widget_set_tooltip_text (icon, app_device_preflight_word (item->state));
  gtk_box_append (GTK_BOX (box), icon);
  gtk_box_append (GTK_BOX (words), g_object_new (GTK_TYPE_LABEL, "label", _ (item->title), "xalign",
                                                 0.0f, "wrap", TRUE, NULL));
  if (item->text != NULL)
    gtk_box_append (GTK_BOX (words),
                    g_object_new (GTK_TYPE_LABEL, "label", item->text, "xalign", 0.0f, "wrap", TRUE,
                                  "wrap-mode", PANGO_WRAP_WORD_CHAR, "css-classes",
                                  (const char *[]){ "caption", "dim-label", NULL }, NULL));
  if (item->remedy != NULL)
    gtk_box_append (GTK_BOX (words), app_preflight_command_new (item->remedy));
  gtk_widget_set_hexpand (words, TRUE);
  gtk_box_append (GTK_BOX (box), words);
  gtk_widget_add_css_class (box, "preflight-item");
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
  return row;
}

GtkWidget *
app_preflight_list_new (const GPtrArray *items)
{
  GtkWidget *list = gtk_list_box_new ();

  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  gtk_widget_add_css_class (list, "preflight");
  gtk_accessible_update_property (GTK_ACCESSIBLE (list), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Preflight"), -1);
  /* What stops it first. */
  for (int state = ENG_PREFLIGHT_FAILED; state >= ENG_PREFLIGHT_OK; state--)
    for (guint i = 0; i < items->len; i++)
      {
        const EngPreflightItem *item = items->pdata[i];

        if ((int)item->state == state)
          gtk_list_box_append (GTK_LIST_BOX (list), make_row (item));
      }
  return list;
}

void
app_preflight_present (GtkWindow *parent, const char *device, const GPtrArray *items)
{
  GtkWidget *dialog, *scroller;
  /* Translators: the name of a device */
  g_autofree char *body
      = g_strdup_printf (_ ("Nothing was copied to %s. This is what was found there."), device);

  scroller = g_object_new (GTK_TYPE_SCROLLED_WINDOW, "child", app_preflight_list_new (items),
                           "hscrollbar-policy", GTK_POLICY_NEVER, "propagate-natural-height", TRUE,
                           "min-content-height", 200, "max-content-height", 380, NULL);
  dialog = adw_message_dialog_new (parent, _ ("This Build Cannot Run There"), body);
  adw_message_dialog_set_extra_child (ADW_MESSAGE_DIALOG (dialog), scroller);
  adw_message_dialog_add_response (ADW_MESSAGE_DIALOG (dialog), "close", _ ("_Close"));
  adw_message_dialog_set_default_response (ADW_MESSAGE_DIALOG (dialog), "close");
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "close");
  gtk_window_present (GTK_WINDOW (dialog));
}
