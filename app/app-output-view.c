/* The output pane: the result as a drawing, as text or as a table; copying and saving it. What is
 * shown when is decided by the network view. */
#include "app-output-view.h"

#include "app-config.h"
#include "app-result-data.h"
#include "plot-export.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <math.h>

struct _AppOutputView
{
  GtkWidget parent_instance;

  GtkWidget *box;
  GtkStack *stack; /* "words", "plot", "text", "table" */
  GtkLabel *words, *text, *note;
  GtkScrolledWindow *scroller;
  AdwBin *table;
  GtkWidget *update, *more, *enlarge;
  GtkSpinner *spinner;
  GtkWidget *plot; /* PlotResult */

  GSimpleActionGroup *actions; /* a group, not the class's: see app-input-view.c */
  EngResult *result;
  gboolean drawn; /* it is a drawing */
  gboolean stale, show_table;
};

enum
{
  PROP_0,
  PROP_SHOW_TABLE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];
static guint update_id;

G_DEFINE_FINAL_TYPE (AppOutputView, app_output_view, GTK_TYPE_WIDGET)

/* ---- Showing ---- */

static void
update_page (AppOutputView *self)
{
  const char *page = "words";

  if (self->result != NULL && !self->drawn)
    page = "text";
  else if (self->result != NULL && self->show_table)
    {
      g_autoptr (PlotTable) table = plot_figure_make_table (PLOT_FIGURE (self->plot));

      adw_bin_set_child (self->table, plot_table_view_new (table));
      page = "table";
    }
  else if (self->result != NULL)
    page = "plot";
  if (!g_str_equal (page, "table"))
    adw_bin_set_child (self->table, NULL);
  gtk_stack_set_visible_child_name (self->stack, page);
}

/* What has to be said about the result beside it. */
static char *
dup_note (EngResult *result, gboolean stale)
{
  EngResultKind kind = eng_result_get_kind (result);
  double value = eng_result_get_value (result), threshold = eng_result_get_threshold (result);

  if (stale)
    return g_strdup (_ ("of the previous recipe"));
  if (eng_input_get_kind (eng_result_get_input (result)) == ENG_INPUT_RANDOM)
    return g_strdup (_ ("of random numbers: it means nothing"));
  if (kind == ENG_RESULT_BOXES && eng_result_get_n_boxes (result) == 0)
    return g_strdup (_ ("nothing was found"));
  if (kind == ENG_RESULT_POINTS && value >= 0 && value < (isnan (threshold) ? 0.5 : threshold))
    return g_strdup_printf (_ ("probably not there: score %.0f\u202f%%"), 100 * value);
  if (kind == ENG_RESULT_POINTS && value <= 1)
    return g_strdup_printf (_ ("score %.0f\u202f%%"), 100 * value);
  if (kind == ENG_RESULT_TENSORS)
    return g_strdup (_ ("no card says what the outputs mean"));
  return g_strdup ("");
}

static void
update_note (AppOutputView *self)
{
  g_autofree char *note
      = self->result != NULL ? dup_note (self->result, self->stale) : g_strdup ("");

  gtk_label_set_label (self->note, note);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->note), *note != '\0' ? note : NULL);
  gtk_widget_set_visible (self->update, self->result != NULL && self->stale);
  g_object_set (self->plot, "faded", self->stale, NULL);
}

static void
set_enabled (AppOutputView *self, const char *name, gboolean enabled)
{
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self->actions), name);

  g_simple_action_set_enabled (G_SIMPLE_ACTION (action), enabled);
}

static void
update_actions (AppOutputView *self)
{
  EngResultKind kind
      = self->result != NULL ? eng_result_get_kind (self->result) : ENG_RESULT_TENSORS;
  gboolean saves = self->result != NULL && (kind == ENG_RESULT_PICTURE || kind == ENG_RESULT_SOUND);

  gtk_widget_set_sensitive (self->more, self->result != NULL);
  set_enabled (self, "copy-text", self->result != NULL);
  set_enabled (self, "copy-json", self->result != NULL);
  set_enabled (self, "export", self->drawn);
  set_enabled (self, "save", saves);
}

void
app_output_view_show (AppOutputView *self, EngResult *result, const char *words)
{
  g_return_if_fail (APP_IS_OUTPUT_VIEW (self));

  gtk_label_set_label (self->words, words != NULL ? words : "");
  if (result != NULL && result == self->result)
    return;
  g_clear_pointer (&self->result, eng_result_unref);
  self->result = result != NULL ? eng_result_ref (result) : NULL;
  self->drawn = app_result_show (PLOT_RESULT (self->plot), result) && result != NULL;
  if (result != NULL && !self->drawn)
    {
      g_autofree char *text = eng_result_dup_text (result);

      gtk_label_set_label (self->text, text);
    }
  update_page (self);
  update_note (self);
  update_actions (self);
}

EngResult *
app_output_view_get_result (AppOutputView *self)
{
  g_return_val_if_fail (APP_IS_OUTPUT_VIEW (self), NULL);
  return self->result;
}

void
app_output_view_set_stale (AppOutputView *self, gboolean stale)
{
  g_return_if_fail (APP_IS_OUTPUT_VIEW (self));

  if (self->stale == !!stale)
    return;
  self->stale = !!stale;
  update_note (self);
}

gboolean
app_output_view_get_stale (AppOutputView *self)
{
  g_return_val_if_fail (APP_IS_OUTPUT_VIEW (self), FALSE);
  return self->stale;
}

void
app_output_view_set_busy (AppOutputView *self, gboolean busy)
{
  g_return_if_fail (APP_IS_OUTPUT_VIEW (self));
  gtk_widget_set_visible (GTK_WIDGET (self->spinner), busy);
  gtk_spinner_set_spinning (self->spinner, busy);
}

GtkToggleButton *
app_output_view_get_enlarge (AppOutputView *self)
{
  g_return_val_if_fail (APP_IS_OUTPUT_VIEW (self), NULL);
  return GTK_TOGGLE_BUTTON (self->enlarge);
}

PlotFigure *
app_output_view_get_figure (AppOutputView *self)
{
  g_return_val_if_fail (APP_IS_OUTPUT_VIEW (self), NULL);
  return PLOT_FIGURE (self->plot);
}

/* ---- Copying ---- */

static void
toast (AppOutputView *self, const char *text)
{
  gtk_widget_activate_action (GTK_WIDGET (self), "win.toast", "s", text);
}

static void
on_copy (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppOutputView *self = data;
  gboolean json = g_str_equal (g_action_get_name (G_ACTION (action)), "copy-json");
  g_autofree char *text = NULL;

  if (self->result == NULL)
    return;
  text = json ? eng_result_to_json (self->result) : eng_result_dup_text (self->result);
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), text);
  toast (self, json ? _ ("The result was copied as JSON.") : _ ("The result was copied as text."));
}

/* ---- Saving ---- */

typedef void (*SaveFunc) (AppOutputView *self, GFile *file);

typedef struct
{
  AppOutputView *view;
  SaveFunc save;
} Ask;

static void
on_response (GtkNativeDialog *dialog, int response, gpointer data)
{
  Ask *ask = data;

  if (response == GTK_RESPONSE_ACCEPT)
    {
      g_autoptr (GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));

      if (file != NULL && ask->view->result != NULL)
        ask->save (ask->view, file);
    }
  g_object_unref (dialog);
}

static void
ask_free (gpointer data, GClosure *closure)
{
  Ask *ask = data;

  g_object_unref (ask->view);
  g_free (ask);
}

static void
ask_name (AppOutputView *self, const char *title, const char *const *suffixes, SaveFunc save)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkFileChooserNative *dialog;
  const char *base = eng_input_get_name (eng_result_get_input (self->result));
  g_autofree char *stem
      = g_strndup (base, strrchr (base, '.') != NULL ? (gsize)(strrchr (base, '.') - base)
                                                     : strlen (base));
  g_autofree char *name = g_strdup_printf (_ ("%s, result.%s"), stem, suffixes[0]);
  g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();
  g_autofree char *endings = g_strjoinv (", ", (char **)suffixes);
  Ask *ask = g_new0 (Ask, 1);

  ask->view = g_object_ref (self);
  ask->save = save;
  dialog = gtk_file_chooser_native_new (title, GTK_IS_WINDOW (root) ? GTK_WINDOW (root) : NULL,
                                        GTK_FILE_CHOOSER_ACTION_SAVE, _ ("_Save"), NULL);
  for (guint i = 0; suffixes[i] != NULL; i++)
    gtk_file_filter_add_suffix (filter, suffixes[i]);
  gtk_file_filter_set_name (filter, endings);
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (dialog), filter);
  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (dialog), name);
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  g_signal_connect_data (dialog, "response", G_CALLBACK (on_response), ask, ask_free, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

static void
say_saved (AppOutputView *self, GFile *file)
{
  g_autofree char *base = g_file_get_basename (file);
  g_autofree char *text = g_strdup_printf (_ ("Saved “%s”"), base);

  toast (self, text);
}

static void
on_exported (GObject *figure, GAsyncResult *result, gpointer data)
{
  g_autoptr (AppOutputView) self = data;
  g_autoptr (GError) error = NULL;

  toast (self, plot_export_finish (PLOT_FIGURE (figure), result, &error)
                   ? _ ("The drawing was saved.")
                   : error->message);
}

static void
save_drawing (AppOutputView *self, GFile *file)
{
  g_autofree char *base = g_file_get_basename (file);
  PlotExportOptions options = { .width_px = 960, .height_px = 720 };
  double wanted = plot_result_get_wanted_height (PLOT_RESULT (self->plot));
  g_autofree char *title = NULL;
  g_autoptr (GError) error = NULL;

  if (!plot_export_format_for_name (base, &options.format, &error))
    {
      toast (self, error->message);
      return;
    }
  if (wanted > 0)
    options.height_px = (int)wanted + 64;
  /* On a page of its own it must say what it is of; it is drawn before the call returns. */
  title = g_strdup_printf (_ ("Result for %s"),
                           eng_input_get_name (eng_result_get_input (self->result)));
  g_object_set (self->plot, "title", title, NULL);
  plot_export_async (PLOT_FIGURE (self->plot), file, &options, NULL, on_exported,
                     g_object_ref (self));
  g_object_set (self->plot, "title", _ ("Result"), NULL);
}

static void
save_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  EngResult *result = data;
  const char *path = g_object_get_data (G_OBJECT (task), "path");
  GError *error = NULL;
  gboolean ok = eng_result_get_picture (result) != NULL
                    ? eng_picture_save_png (eng_result_get_picture (result), path, &error)
                    : eng_sound_save_wav (eng_result_get_sound (result), path, &error);

  if (ok)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
on_saved (GObject *object, GAsyncResult *result, gpointer data)
{
  AppOutputView *self = APP_OUTPUT_VIEW (object);
  g_autoptr (GFile) file = g_file_new_for_path (g_object_get_data (G_OBJECT (result), "path"));
  g_autoptr (GError) error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    say_saved (self, file);
  else
    toast (self, error->message);
}

static void
save_result (AppOutputView *self, GFile *file)
{
  char *path = g_file_get_path (file);
  g_autoptr (GTask) task = NULL;

  if (path == NULL)
    {
      toast (self, _ ("Results are saved on a disk of this computer."));
      return;
    }
  task = g_task_new (self, NULL, on_saved, NULL);
  g_task_set_source_tag (task, save_result);
  g_task_set_task_data (task, eng_result_ref (self->result), (GDestroyNotify)eng_result_unref);
  g_object_set_data_full (G_OBJECT (task), "path", path, g_free);
  g_task_run_in_thread (task, save_thread);
}

static void
on_export (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppOutputView *self = data;

  if (self->result != NULL)
    ask_name (self, _ ("Save the Drawing"), (const char *[]){ "png", "svg", "pdf", "csv", NULL },
              save_drawing);
}

static void
on_save (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppOutputView *self = data;
  gboolean sound;

  if (self->result == NULL)
    return;
  sound = eng_result_get_sound (self->result) != NULL;
  ask_name (self, _ ("Save the Result"), (const char *[]){ sound ? "wav" : "png", NULL },
            save_result);
}

static void
on_show_table (GSimpleAction *action, GVariant *state, gpointer self)
{
  g_object_set (self, "show-table", g_variant_get_boolean (state), NULL);
}

static const GActionEntry actions[] = {
  { .name = "copy-text", .activate = on_copy },
  { .name = "copy-json", .activate = on_copy },
  { .name = "export", .activate = on_export },
  { .name = "save", .activate = on_save },
  { .name = "show-table", .state = "false", .change_state = on_show_table },
};

/* ---- Life ---- */

static void
app_output_view_dispose (GObject *object)
{
  AppOutputView *self = APP_OUTPUT_VIEW (object);

  g_clear_pointer (&self->box, gtk_widget_unparent);
  g_clear_object (&self->actions);
  g_clear_pointer (&self->result, eng_result_unref);
  G_OBJECT_CLASS (app_output_view_parent_class)->dispose (object);
}

static void
app_output_view_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SHOW_TABLE)
    g_value_set_boolean (value, APP_OUTPUT_VIEW (object)->show_table);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_output_view_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  AppOutputView *self = APP_OUTPUT_VIEW (object);

  if (id != PROP_SHOW_TABLE)
    {
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  if (self->show_table == g_value_get_boolean (value))
    return;
  self->show_table = g_value_get_boolean (value);
  g_simple_action_set_state (G_SIMPLE_ACTION (
                                 g_action_map_lookup_action (G_ACTION_MAP (self->actions),
                                                             "show-table")),
                             g_variant_new_boolean (self->show_table));
  update_page (self);
  g_object_notify_by_pspec (object, pspec);
}

/* GTK 4.8 loses what it knows of actions when a widget moves to another place of the window. */
static void
app_output_view_root (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (app_output_view_parent_class)->root (widget);
  gtk_widget_insert_action_group (widget, "output", NULL);
  gtk_widget_insert_action_group (widget, "output",
                                  G_ACTION_GROUP (APP_OUTPUT_VIEW (widget)->actions));
}

static void
app_output_view_class_init (AppOutputViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = app_output_view_dispose;
  object_class->get_property = app_output_view_get_property;
  object_class->set_property = app_output_view_set_property;
  props[PROP_SHOW_TABLE]
      = g_param_spec_boolean ("show-table", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);
  update_id = g_signal_new ("update", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                            NULL, G_TYPE_NONE, 0);

  widget_class->root = app_output_view_root;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "output-view");
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_c, GDK_CONTROL_MASK,
                                       "output.copy-text", NULL);
  gtk_widget_class_set_template_from_resource (widget_class, APP_PATH "/ui/app-output-view.ui");
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, AppOutputView, name)
  BIND (box);
  BIND (stack);
  BIND (words);
  BIND (text);
  BIND (note);
  BIND (scroller);
  BIND (table);
  BIND (update);
  BIND (more);
  BIND (enlarge);
  BIND (spinner);
#undef BIND
}

static void
on_update (AppOutputView *self)
{
  g_signal_emit (self, update_id, 0);
}

static void
app_output_view_init (AppOutputView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect_object (self->update, "clicked", G_CALLBACK (on_update), self,
                           G_CONNECT_SWAPPED);
  self->actions = g_simple_action_group_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (self->actions), actions, G_N_ELEMENTS (actions),
                                   self);
  gtk_widget_insert_action_group (GTK_WIDGET (self), "output", G_ACTION_GROUP (self->actions));
  self->plot = plot_result_new ();
  g_object_set (self->plot, "title", _ ("Result"), NULL);
  gtk_scrolled_window_set_child (self->scroller, self->plot);
  app_output_view_set_busy (self, FALSE);
  update_actions (self);
}
