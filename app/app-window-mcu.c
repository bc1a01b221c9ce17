/* Taking the C project of a network away: asking where to, writing it as a job, saying where it
 * lies. What is shown of microcontrollers is app-mcu-*.c's. */
#include "app-window-private.h"

#include "app-config.h"
#include "mcu/eng-mcu.h"

#include <glib/gi18n.h>

typedef struct
{
  EngBuild *build;
  EngJob *job;
  const char *board; /* static */
  guint64 ram_limit;
  char *run_id; /* nullable */
  char *folder;
} Export;

static void
export_free (gpointer data)
{
  Export *export = data;

  g_clear_object (&export->build);
  g_clear_object (&export->job);
  g_free (export->run_id);
  g_free (export->folder);
  g_free (export);
}

/* ---- Writing ---- */

static void
export_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Export *export = data;
  const EngMcuOptions options = { .ram_limit = export->ram_limit, .job = export->job };
  GError *error = NULL;
  EngBuild *bare = eng_build_get_bare (export->build, &error);

  if (error == NULL
      && eng_mcu_export (bare, export->board, &options, export->folder, export->run_id, NULL,
                         export->job, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
on_open_folder (AppWindow *self, AdwToast *toast)
{
  gtk_show_uri (GTK_WINDOW (self), g_object_get_data (G_OBJECT (toast), "uri"), GDK_CURRENT_TIME);
}

static void
say_exported (AppWindow *self, const Export *export)
{
  g_autoptr (GFile) file = g_file_new_for_path (export->folder);
  g_autofree char *name = g_file_get_basename (file);
  g_autofree char *escaped = g_markup_escape_text (name, -1);
  /* Translators: the name of a folder */
  g_autofree char *text = g_strdup_printf (_ ("The C project is in “%s”."), escaped);
  AdwToast *toast = adw_toast_new (text);

  adw_toast_set_button_label (toast, _ ("Open Folder"));
  adw_toast_set_timeout (toast, 20);
  g_object_set_data_full (G_OBJECT (toast), "uri", g_file_get_uri (file), g_free);
  g_signal_connect_object (toast, "button-clicked", G_CALLBACK (on_open_folder), self,
                           G_CONNECT_SWAPPED);
  adw_toast_overlay_add_toast (self->toasts, toast);
}

static void
on_exported (GObject *object, GAsyncResult *result, gpointer data)
{
  AppWindow *self = APP_WINDOW (object);
  const Export *export = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;

  eng_job_finish (export->job);
  if (self->session == NULL)
    return; /* the window was closed meanwhile */
  if (self->own_job == export->job)
    app_window_set_own_job (self, NULL);
  if (g_task_propagate_boolean (G_TASK (result), &error))
    say_exported (self, export);
  else
    app_window_show_failure (self, error, _ ("Exporting the C project"));
}

static void
start (AppWindow *self, Export *export)
{
  g_autoptr (GTask) task = NULL;

  export->job = eng_job_new (_ ("Exporting the C project"));
  task = g_task_new (self, eng_job_get_cancellable (export->job), on_exported, NULL);
  g_task_set_source_tag (task, start);
  g_task_set_return_on_cancel (task, FALSE);
  g_task_set_task_data (task, export, export_free);
  app_window_set_own_job (self, export->job);
  g_task_run_in_thread (task, export_thread);
}

/* ---- Where to ---- */

/* An empty folder, or one that was exported, is taken itself; in any other one the project gets a
 * folder of its own. New. */
static char *
choose_place (const char *chosen, EngModel *model, const char *board)
{
  g_autofree char *manifest = g_build_filename (chosen, "MANIFEST.sha256", NULL);
  g_autoptr (GDir) dir = g_dir_open (chosen, 0, NULL);
  g_autofree char *file = g_path_get_basename (eng_model_get_path (model)), *name = NULL;
  char *dot = strrchr (file, '.');

  if (g_file_test (manifest, G_FILE_TEST_EXISTS) || (dir != NULL && g_dir_read_name (dir) == NULL))
    return g_strdup (chosen);
  if (dot != NULL && dot > file)
    *dot = '\0';
  name = g_strdup_printf ("%s-%s", file, board);
  return g_build_filename (chosen, name, NULL);
}

/* The run that is shown, if it is of this very build. */
static char *
dup_run_id (AppWindow *self, EngBuild *build)
{
  EngRun *run = app_stage_get_run (self->stage);
  EngBuild *bare = run != NULL ? eng_build_get_bare (build, NULL) : NULL;
  const char *hash = run != NULL ? eng_run_get_build_hash (run) : NULL;

  if (g_strcmp0 (hash, eng_build_get_hash (build)) != 0
      && (bare == NULL || g_strcmp0 (hash, eng_build_get_hash (bare)) != 0))
    return NULL;
  return g_strdup (eng_run_get_id (run));
}

typedef struct
{
  AppWindow *self; /* borrowed: the dialog is transient for it */
  const char *board;
  guint64 ram_limit;
} Asked;

static void
asked_free (gpointer data, GClosure *closure)
{
  g_free (data);
}

static void
on_response (GtkNativeDialog *dialog, int response, gpointer data)
{
  const Asked *asked = data;
  AppWindow *self = asked->self;
  g_autoptr (GFile) file = response == GTK_RESPONSE_ACCEPT
                               ? gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog))
                               : NULL;
  g_autofree char *chosen = file != NULL ? g_file_get_path (file) : NULL;
  EngBuild *build = self->session != NULL ? eng_session_get_build (self->session) : NULL;
  Export *export;

  if (chosen != NULL && build != NULL && self->own_job == NULL)
    {
      export = g_new0 (Export, 1);
      export->build = g_object_ref (build);
      export->board = asked->board;
      export->ram_limit = asked->ram_limit;
      export->run_id = dup_run_id (self, build);
      export->folder = choose_place (chosen, eng_build_get_model (build), asked->board);
      start (self, export);
    }
  g_object_unref (dialog);
}

static void
on_export (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  const char *board;
  guint64 ram_limit;
  const char *documents = g_get_user_special_dir (G_USER_DIRECTORY_DOCUMENTS);
  g_autoptr (GFile) home = NULL;
  GtkFileChooserNative *dialog;
  Asked *asked;

  g_variant_get (parameter, "(&st)", &board, &ram_limit);
  board = eng_mcu_board_find (board, NULL);
  if (board == NULL || self->own_job != NULL || eng_session_get_build (self->session) == NULL)
    return;
  dialog
      = gtk_file_chooser_native_new (_ ("Export the C Project: Choose a Folder"), GTK_WINDOW (self),
                                     GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, _ ("_Export"), NULL);
  home = g_file_new_for_path (documents != NULL ? documents : g_get_home_dir ());
  gtk_file_chooser_set_current_folder (GTK_FILE_CHOOSER (dialog), home, NULL);
  asked = g_new0 (Asked, 1);
  *asked = (Asked){ self, board, ram_limit };
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  g_signal_connect_data (dialog, "response", G_CALLBACK (on_response), asked, asked_free, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

static const GActionEntry actions[] = {
  { .name = "export-c-project", .parameter_type = "(st)", .activate = on_export },
};

void
app_window_init_mcu (AppWindow *self)
{
  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
}
