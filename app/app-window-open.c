/* Opening models: by dialog, by dropping a file, from the recent files; and what is said when it
 * does not work. */
#include "app-window-private.h"

#include "app-config.h"
#include "app-formats.h"
#include "eng-error.h"

#include <glib/gi18n.h>

#define N_RECENT 8

/* ---- Opening ---- */

void
app_window_open_path (AppWindow *self, const char *path, gboolean remember)
{
  g_return_if_fail (APP_IS_WINDOW (self) && path != NULL);

  if (eng_session_get_running (self->session))
    eng_session_stop_run (self->session);
  self->used = TRUE;
  self->remember = remember;
  g_free (self->opening);
  self->opening = g_strdup (path);
  if (eng_session_get_model (self->session) == NULL)
    gtk_stack_set_visible_child_name (self->content, "loading");
  eng_session_open (self->session, path);
}

void
app_window_open_file (AppWindow *self, GFile *file)
{
  g_autofree char *path = g_file_get_path (file);
  g_autofree char *uri = NULL;
  g_autoptr (GError) error = NULL;

  if (path != NULL)
    {
      app_window_open_path (self, path, TRUE);
      return;
    }
  self->used = TRUE;
  uri = g_file_get_uri (file);
  g_set_error (&error, ENG_ERROR, ENG_ERROR_IO,
               _ ("%s is not a file of this computer. Models are mapped into memory, so they must "
                  "lie on a disk here: copy it, then open the copy."),
               uri);
  app_window_show_failure (self, error, _ ("Opening the model"));
}

static void
hash_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  char *hash = eng_model_dup_hash (data, cancellable, &error);

  if (hash != NULL)
    g_task_return_pointer (task, hash, g_free);
  else
    g_task_return_error (task, error);
}

static void
on_hash (GObject *object, GAsyncResult *result, gpointer data)
{
  AppWindow *self = APP_WINDOW (object);
  g_autofree char *hash = g_task_propagate_pointer (G_TASK (result), NULL);

  if (hash == NULL || self->session == NULL
      || g_task_get_task_data (G_TASK (result)) != eng_session_get_model (self->session))
    return; /* cancelled, or another model was opened meanwhile */
  g_free (self->model_hash);
  self->model_hash = g_steal_pointer (&hash);
}

void
app_window_model_opened (AppWindow *self)
{
  EngModel *model = eng_session_get_model (self->session);
  g_autoptr (GTask) task = g_task_new (self, self->cancellable, on_hash, NULL);

  app_window_reset_evaluate (self);
  if (self->opening != NULL && self->remember)
    {
      g_autofree char *uri = g_filename_to_uri (eng_model_get_path (model), NULL, NULL);
      const GtkRecentData recent = { .mime_type = (char *)app_formats_get_mime_type (model),
                                     .app_name = (char *)"Lathe",
                                     .app_exec = (char *)"lathe %f" };

      if (uri != NULL)
        gtk_recent_manager_add_full (gtk_recent_manager_get_default (), uri, &recent);
    }
  g_clear_pointer (&self->opening, g_free);
  g_clear_pointer (&self->model_hash, g_free);

  g_task_set_source_tag (task, app_window_model_opened);
  g_task_set_task_data (task, g_object_ref (model), g_object_unref);
  g_task_run_in_thread (task, hash_thread);
}

/* ---- Errors ---- */

void
app_window_show_failure (AppWindow *self, const GError *error, const char *what)
{
  g_autofree char *heading = g_strdup_printf (_ ("%s did not work"), what);
  GtkWidget *dialog;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_clear_pointer (&self->opening, g_free);
      return;
    }
  if (eng_session_get_model (self->session) == NULL)
    {
      gboolean format = g_error_matches (error, ENG_ERROR, ENG_ERROR_FORMAT)
                        || g_error_matches (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED);
      g_autofree char *formats = app_formats_dup_list ();
      g_autofree char *hint
          = format ? g_strdup_printf (_ ("Lathe opens %s. Choose another file."), formats)
                   : g_strdup (_ ("Choose another file, or repair this one and open it again."));
      const char *stop = g_str_has_suffix (error->message, ".") ? "" : ".";
      g_autofree char *text = g_markup_printf_escaped ("%s%s\n%s", error->message, stop, hint);

      adw_status_page_set_icon_name (self->empty_page, "dialog-warning-symbolic");
      adw_status_page_set_title (self->empty_page, _ ("The Model Cannot Be Opened"));
      adw_status_page_set_description (self->empty_page, text);
      g_clear_pointer (&self->opening, g_free);
      gtk_stack_set_visible_child_name (self->content, "empty");
      return;
    }
  g_clear_pointer (&self->opening, g_free);
  dialog = adw_message_dialog_new (GTK_WINDOW (self), heading, error->message);
  adw_message_dialog_add_response (ADW_MESSAGE_DIALOG (dialog), "close", _ ("_Close"));
  gtk_window_present (GTK_WINDOW (dialog));
}

/* ---- The dialog ---- */

static GtkFileFilter *
new_any_filter (void)
{
  GtkFileFilter *filter = gtk_file_filter_new ();

  gtk_file_filter_set_name (filter, _ ("All Files"));
  gtk_file_filter_add_pattern (filter, "*");
  return filter;
}

static void
on_open_response (GtkNativeDialog *dialog, int response, gpointer data)
{
  AppWindow *self = data;

  if (response == GTK_RESPONSE_ACCEPT)
    {
      g_autoptr (GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));

      if (file != NULL)
        app_window_open_file (self, file);
    }
  g_object_unref (dialog);
}

static void
on_open (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  GtkFileChooserNative *dialog
      = gtk_file_chooser_native_new (_ ("Open a Model"), GTK_WINDOW (self),
                                     GTK_FILE_CHOOSER_ACTION_OPEN, _ ("_Open"), NULL);
  g_autoptr (GPtrArray) filters = app_formats_new_filters ();
  g_autoptr (GtkFileFilter) any = new_any_filter ();
  EngModel *model = eng_session_get_model (self->session);

  for (guint i = 0; i < filters->len; i++)
    gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (dialog), filters->pdata[i]);
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (dialog), any);
  if (model != NULL)
    {
      g_autoptr (GFile) here = g_file_new_for_path (eng_model_get_path (model));
      g_autoptr (GFile) folder = g_file_get_parent (here);

      gtk_file_chooser_set_current_folder (GTK_FILE_CHOOSER (dialog), folder, NULL);
    }
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (on_open_response), self, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

static void
on_open_path (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  app_window_open_path (data, g_variant_get_string (parameter, NULL), TRUE);
}

/* ---- Recent files ---- */

static int
compare_recent (gconstpointer a, gconstpointer b)
{
  return g_date_time_compare (gtk_recent_info_get_modified ((GtkRecentInfo *)b),
                              gtk_recent_info_get_modified ((GtkRecentInfo *)a));
}

static void
fill_recent (AppWindow *self)
{
  GList *infos = g_list_sort (gtk_recent_manager_get_items (gtk_recent_manager_get_default ()),
                              compare_recent);
  guint n = 0;

  g_menu_remove_all (self->recent_menu);
  for (GList *l = infos; l != NULL && n < N_RECENT; l = l->next)
    {
      GtkRecentInfo *info = l->data;
      g_autofree char *path = g_filename_from_uri (gtk_recent_info_get_uri (info), NULL, NULL);
      g_autoptr (GMenuItem) item = NULL;

      if (path == NULL || !gtk_recent_info_has_application (info, "Lathe")
          || !gtk_recent_info_exists (info))
        continue;
      item = g_menu_item_new (gtk_recent_info_get_display_name (info), NULL);
      g_menu_item_set_action_and_target (item, "win.open-path", "s", path);
      g_menu_append_item (self->recent_menu, item);
      n++;
    }
  g_list_free_full (infos, (GDestroyNotify)gtk_recent_info_unref);
  if (n == 0)
    g_menu_append (self->recent_menu, _ ("No models were opened yet"), "win.no-recent");
}

/* ---- Dropping ---- */

static gboolean
on_drop (GtkDropTarget *target, const GValue *value, double x, double y, gpointer data)
{
  AppWindow *self = data;
  GSList *files = g_value_get_boxed (value);

  if (files == NULL)
    return FALSE;
  if (app_network_view_take_files (self->network, files))
    return TRUE;
  app_window_open_file (self, files->data);
  if (files->next != NULL)
    app_window_toast (self, _ ("One window holds one model: the first of the files was opened."));
  return TRUE;
}

/* What may be dropped on the empty window. */
static void
show_formats (AppWindow *self)
{
  g_autofree char *formats = app_formats_dup_list ();
  g_autofree char *text = g_strdup_printf (_ ("Drop a model here, or choose one: %s."), formats);

  adw_status_page_set_description (self->empty_page, text);
}

static const GActionEntry actions[] = {
  { .name = "open", .activate = on_open },
  { .name = "open-path", .parameter_type = "s", .activate = on_open_path },
};

void
app_window_init_open (AppWindow *self)
{
  GtkDropTarget *target = gtk_drop_target_new (GDK_TYPE_FILE_LIST, GDK_ACTION_COPY);

  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
  g_signal_connect (target, "drop", G_CALLBACK (on_drop), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (target));
  g_signal_connect_object (gtk_recent_manager_get_default (), "changed", G_CALLBACK (fill_recent),
                           self, G_CONNECT_SWAPPED);
  fill_recent (self);
  show_formats (self);
}
