/* The import report as a dialog. Opened by the window when a network cannot be built, and from the
 * headline. */
#include "app-report-dialog.h"

#include "app-config.h"

#include <adwaita.h>
#include <glib/gi18n.h>

char *
app_report_dialog_dup_text (EngModel *model)
{
  const char *const *report = eng_model_get_report (model);
  g_autofree char *lines = g_strjoinv ("\n", (char **)report);

  return g_strdup_printf ("%s\n%s\n%s\n", eng_model_get_path (model), eng_model_get_format (model),
                          lines);
}

static GtkWidget *
make_list (EngModel *model)
{
  const char *const *report = eng_model_get_report (model);
  GtkWidget *list = gtk_list_box_new ();

  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  gtk_accessible_update_property (GTK_ACCESSIBLE (list), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("What is not supported"), -1);
  for (guint i = 0; report[i] != NULL; i++)
    {
      GtkWidget *label
          = g_object_new (GTK_TYPE_LABEL, "label", report[i], "xalign", 0.0f, "wrap", TRUE,
                          "wrap-mode", PANGO_WRAP_WORD_CHAR, "selectable", TRUE, "margin-top", 8,
                          "margin-bottom", 8, "margin-start", 12, "margin-end", 12, NULL);

      gtk_list_box_append (GTK_LIST_BOX (list), label);
    }
  return g_object_new (GTK_TYPE_SCROLLED_WINDOW, "child", list, "hscrollbar-policy",
                       GTK_POLICY_NEVER, "propagate-natural-height", TRUE, "min-content-height",
                       report[1] != NULL ? 180 : 90, "max-content-height", 280, NULL);
}

static void
on_response (AdwMessageDialog *dialog, const char *response, gpointer data)
{
  if (g_strcmp0 (response, "copy") == 0)
    gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (dialog)), data);
}

static void
free_text (gpointer data, GClosure *closure)
{
  g_free (data);
}

void
app_report_dialog_present (GtkWindow *parent, EngModel *model)
{
  GtkWidget *dialog;
  guint n;
  g_autofree char *body = NULL;

  g_return_if_fail (ENG_IS_MODEL (model));

  n = g_strv_length ((char **)eng_model_get_report (model));
  body = g_strdup_printf (
      ngettext ("%u thing in this network is not supported, so it cannot be run. "
                "Its graph and its layers can be looked at.",
                "%u things in this network are not supported, so it cannot be "
                "run. Its graph and its layers can be looked at.",
                n),
      n);
  dialog = adw_message_dialog_new (parent, _ ("This Network Cannot Be Run"), body);
  adw_message_dialog_set_extra_child (ADW_MESSAGE_DIALOG (dialog), make_list (model));
  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "copy", _ ("C_opy"), "close",
                                    _ ("_Close"), NULL);
  adw_message_dialog_set_default_response (ADW_MESSAGE_DIALOG (dialog), "close");
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "close");
  g_signal_connect_data (dialog, "response", G_CALLBACK (on_response),
                         app_report_dialog_dup_text (model), free_text, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}
