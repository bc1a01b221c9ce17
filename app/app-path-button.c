/* The path button, see its header. Used by parameter rows; knows nothing of techniques. */
#include "app-path-button.h"

#include "app-config.h"

#include <glib/gi18n.h>

struct _AppPathButton
{
  GtkWidget parent_instance;

  char *title;
  char *path; /* "": none */
  GtkWidget *button, *label;
  GSimpleActionGroup *actions;
};

enum
{
  PROP_0,
  PROP_PATH,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (AppPathButton, app_path_button, GTK_TYPE_WIDGET)

/* ---- Choosing ---- */

static void
on_response (GtkNativeDialog *dialog, int response, gpointer data)
{
  AppPathButton *self = data;

  if (response == GTK_RESPONSE_ACCEPT)
    {
      g_autoptr (GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
      if (file != NULL)
        app_path_button_set_path (self, g_file_peek_path (file));
    }
  g_object_unref (dialog);
}

static void
choose (AppPathButton *self, GtkFileChooserAction action)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkFileChooserNative *dialog
      = gtk_file_chooser_native_new (self->title, GTK_IS_WINDOW (root) ? GTK_WINDOW (root) : NULL,
                                     action, _ ("_Choose"), NULL);

  if (*self->path != '\0')
    {
      g_autoptr (GFile) here = g_file_new_for_path (self->path);
      g_autoptr (GFile) folder = g_file_get_parent (here);
      if (folder != NULL)
        gtk_file_chooser_set_current_folder (GTK_FILE_CHOOSER (dialog), folder, NULL);
    }
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (on_response), self, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

static void
on_folder (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  choose (data, GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER);
}

static void
on_file (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  choose (data, GTK_FILE_CHOOSER_ACTION_OPEN);
}

static void
on_forget (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  app_path_button_set_path (data, NULL);
}

static gboolean
on_drop (GtkDropTarget *target, const GValue *value, double x, double y, gpointer data)
{
  GFile *file = g_value_get_object (value);

  if (file == NULL || g_file_peek_path (file) == NULL)
    return FALSE;
  app_path_button_set_path (data, g_file_peek_path (file));
  return TRUE;
}

/* ---- Showing ---- */

static void
update (AppPathButton *self)
{
  gboolean is_set = *self->path != '\0';
  g_autofree char *shown = is_set ? g_path_get_basename (self->path) : g_strdup (_ ("Choose"));
  g_autofree char *said = g_strdup_printf ("%s: %s", self->title, is_set ? self->path : _ ("none"));

  gtk_label_set_label (GTK_LABEL (self->label), shown);
  gtk_widget_set_tooltip_text (self->button, is_set ? self->path : NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  said, -1);
  g_simple_action_set_enabled (G_SIMPLE_ACTION (
                                   g_action_map_lookup_action (G_ACTION_MAP (self->actions),
                                                               "forget")),
                               is_set);
}

static void
app_path_button_dispose (GObject *object)
{
  AppPathButton *self = APP_PATH_BUTTON (object);

  g_clear_pointer (&self->button, gtk_widget_unparent);
  g_clear_object (&self->actions);
  G_OBJECT_CLASS (app_path_button_parent_class)->dispose (object);
}

static void
app_path_button_finalize (GObject *object)
{
  AppPathButton *self = APP_PATH_BUTTON (object);

  g_free (self->title);
  g_free (self->path);
  G_OBJECT_CLASS (app_path_button_parent_class)->finalize (object);
}

static void
app_path_button_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_PATH)
    g_value_set_string (value, APP_PATH_BUTTON (object)->path);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_path_button_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_PATH)
    app_path_button_set_path (APP_PATH_BUTTON (object), g_value_get_string (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_path_button_class_init (AppPathButtonClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = app_path_button_dispose;
  object_class->finalize = app_path_button_finalize;
  object_class->get_property = app_path_button_get_property;
  object_class->set_property = app_path_button_set_property;
  props[PROP_PATH]
      = g_param_spec_string ("path", NULL, NULL, "",
                             G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BIN_LAYOUT);
}

static void
app_path_button_init (AppPathButton *self)
{
  static const GActionEntry entries[] = {
    { .name = "folder", .activate = on_folder },
    { .name = "file", .activate = on_file },
    { .name = "forget", .activate = on_forget },
  };
  g_autoptr (GMenu) menu = g_menu_new ();
  GtkDropTarget *drop = gtk_drop_target_new (G_TYPE_FILE, GDK_ACTION_COPY);

  self->path = g_strdup ("");
  self->actions = g_simple_action_group_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (self->actions), entries, G_N_ELEMENTS (entries),
                                   self);
  gtk_widget_insert_action_group (GTK_WIDGET (self), "path", G_ACTION_GROUP (self->actions));
  g_menu_append (menu, _ ("_Folder…"), "path.folder");
  g_menu_append (menu, _ ("_Archive or File…"), "path.file");
  g_menu_append (menu, _ ("_None"), "path.forget");

  self->label = g_object_new (GTK_TYPE_LABEL, "ellipsize", PANGO_ELLIPSIZE_MIDDLE,
                              "max-width-chars", 14, NULL);
  self->button = g_object_new (GTK_TYPE_MENU_BUTTON, "child", self->label, "menu-model", menu,
                               "always-show-arrow", TRUE, "use-underline", TRUE, NULL);
  gtk_widget_set_parent (self->button, GTK_WIDGET (self));
  g_signal_connect_object (drop, "drop", G_CALLBACK (on_drop), self, 0);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (drop));
}

GtkWidget *
app_path_button_new (const char *title)
{
  AppPathButton *self = g_object_new (APP_TYPE_PATH_BUTTON, NULL);

  self->title = g_strdup (title);
  update (self);
  return GTK_WIDGET (self);
}

const char *
app_path_button_get_path (AppPathButton *self)
{
  g_return_val_if_fail (APP_IS_PATH_BUTTON (self), NULL);
  return self->path;
}

void
app_path_button_set_path (AppPathButton *self, const char *path)
{
  g_return_if_fail (APP_IS_PATH_BUTTON (self));

  if (path == NULL)
    path = "";
  if (g_str_equal (path, self->path))
    return;
  g_free (self->path);
  self->path = g_strdup (path);
  update (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PATH]);
}
