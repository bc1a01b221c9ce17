/* "Evaluate…": asks for a labelled folder or archive, shows the job in the headline, and says what came of it. The work is in
 * app-evaluate.c. */
#include "app-window-private.h"

#include "app-change.h"
#include "app-config.h"
#include "app-evaluate.h"

#include <glib/gi18n.h>

static void
on_done (EngRun *run, const GError *error, gpointer data)
{
  g_autoptr (AppWindow) self = data;
  EngFigure figure;
  g_autofree char *interval = NULL;
  g_autofree char *value = NULL;
  g_autofree char *text = NULL;

  if (self->session == NULL)
    return; /* the window went meanwhile */
  self->evaluating = FALSE;
  app_window_set_own_job (self, NULL);
  if (run == NULL)
    {
      if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        app_window_show_failure (self, error, _ ("The evaluation"));
      return;
    }
  figure = eng_run_get_figure (run, ENG_FIGURE_ACCURACY);
  value = eng_format_value (figure.value, figure.unit);
  interval = app_figure_interval (&figure);
  /* Translators: accuracy, its interval, number of samples */
  text = g_strdup_printf (ngettext ("Accuracy %s (%s) of %u sample: kept with this build.",
                                    "Accuracy %s (%s) of %u samples: kept with this build.",
                                    figure.n),
                          value, interval, figure.n);
  app_window_toast (self, text);
  app_stage_refresh (self->stage);
}

void
app_window_evaluate (AppWindow *self, const char *set)
{
  EngBuild *build = eng_session_get_build (self->session);
  g_autofree char *base = g_path_get_basename (set);
  g_autofree char *title = g_strdup_printf (_ ("Evaluating on %s"), base);
  g_autoptr (EngJob) job = NULL;

  if (build == NULL || self->own_job != NULL || eng_session_get_running (self->session))
    return; /* something began while the dialog was open */
  job = eng_job_new (title);
  self->evaluating = TRUE; /* the build has one executor: nothing else runs meanwhile */
  app_window_set_own_job (self, job);
  app_evaluate_start (build, set, self->history, job, on_done, g_object_ref (self));
}

static void
on_response (GtkNativeDialog *dialog, int response, gpointer data)
{
  if (response == GTK_RESPONSE_ACCEPT)
    {
      g_autoptr (GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
      g_autofree char *path = file != NULL ? g_file_get_path (file) : NULL;

      if (path != NULL)
        app_window_evaluate (data, path);
      else
        app_window_toast (data, _ ("Labelled sets must lie on a disk of this computer."));
    }
  g_object_unref (dialog);
}

static void
add_filter (GtkFileChooser *chooser, const char *name, const char *const *patterns)
{
  g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();

  gtk_file_filter_set_name (filter, name);
  for (guint i = 0; patterns[i] != NULL; i++)
    gtk_file_filter_add_pattern (filter, patterns[i]);
  gtk_file_chooser_add_filter (chooser, filter);
}

static void
on_evaluate (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  gboolean folder = g_str_equal (g_variant_get_string (parameter, NULL), "folder");
  GtkFileChooserNative *dialog
      = gtk_file_chooser_native_new (folder ? _ ("Evaluate on a Labelled Folder")
                                            : _ ("Evaluate on a Labelled Archive"),
                                     GTK_WINDOW (self),
                                     folder ? GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER
                                            : GTK_FILE_CHOOSER_ACTION_OPEN,
                                     _ ("_Evaluate"), NULL);

  if (!folder)
    {
      add_filter (GTK_FILE_CHOOSER (dialog), _ ("Archives (tar, tar.gz)"),
                  (const char *const[]){ "*.tar", "*.tar.gz", "*.tgz", NULL });
      add_filter (GTK_FILE_CHOOSER (dialog), _ ("All Files"), (const char *const[]){ "*", NULL });
    }
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (on_response), self, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

static const GActionEntry actions[] = {
  { .name = "evaluate", .parameter_type = "s", .activate = on_evaluate },
};

void
app_window_init_evaluate (AppWindow *self)
{
  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
}

gboolean
app_window_can_evaluate (AppWindow *self)
{
  return app_evaluate_is_possible (eng_session_get_model (self->session))
         && !eng_session_get_running (self->session) && self->own_job == NULL
         && eng_session_get_build (self->session) != NULL;
}
