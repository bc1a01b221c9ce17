/* The input pane: draws the chosen picture or sound, says what it is and what the network takes,
 * and has the ways to choose: dialog, clipboard, folder, random numbers. Dropping files is the
 * network view's. Reading is app-inputs.c. */
#include "app-input-view.h"

#include "app-config.h"
#include "app-input-text.h"
#include "app-result-data.h"

#include <adwaita.h>
#include <glib/gi18n.h>

struct _AppInputView
{
  GtkWidget parent_instance;

  GtkWidget *box;
  GtkStack *stack; /* "words", "plot" */
  AdwBin *plot_bin;
  GtkLabel *words, *hint, *name, *takes, *error, *position;
  GtkWidget *steps;
  GtkSpinner *spinner;
  GtkWidget *plot; /* PlotResult */

  AppInputs *inputs;
  EngModel *model;
  EngInput *running, *shown;
  GSimpleActionGroup *actions; /* a group, not the class's: those do not survive a move to another
                                  place of the window in GTK 4.8 */
  GCancellable *cancellable;
};

G_DEFINE_FINAL_TYPE (AppInputView, app_input_view, GTK_TYPE_WIDGET)

static void set_enabled (AppInputView *self, const char *name, gboolean enabled);

/* ---- Showing ---- */

static void
show_words (AppInputView *self, EngInput *input)
{
  if (input == NULL || eng_input_get_kind (input) == ENG_INPUT_RANDOM)
    {
      gtk_label_set_label (self->words, _ ("Random numbers: for speed only"));
      gtk_label_set_label (self->hint, _ ("Choose a file, or drop one here."));
    }
  else
    {
      g_autofree char *facts = app_input_dup_facts (input);

      gtk_label_set_label (self->words, facts);
      gtk_label_set_label (self->hint, "");
    }
}

static void
show_name (AppInputView *self, EngInput *input)
{
  gboolean random = input == NULL || eng_input_get_kind (input) == ENG_INPUT_RANDOM;
  g_autofree char *facts = random ? NULL : app_input_dup_facts (input);
  g_autofree char *text
      = random ? NULL : g_strdup_printf ("%s · %s", eng_input_get_name (input), facts);

  gtk_widget_set_visible (GTK_WIDGET (self->name), !random);
  gtk_label_set_label (self->name, random ? "" : text);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->name), text);
  g_object_set (self->plot, "title", _ ("Input"), "reading", random ? "" : text, NULL);
}

static void
update (AppInputView *self)
{
  EngInput *input = self->running;
  guint n = app_inputs_get_n (self->inputs);
  guint at = input != NULL ? app_inputs_find (self->inputs, eng_input_get_name (input)) : G_MAXUINT;
  g_autofree char *position
      = g_strdup_printf (_ ("%u of %u"),
                         (at != G_MAXUINT ? at : app_inputs_get_index (self->inputs)) + 1, n);
  gboolean reading = app_inputs_is_reading (self->inputs);

  if (input == NULL)
    input = app_inputs_get_input (self->inputs);
  if (input != self->shown)
    {
      g_clear_pointer (&self->shown, eng_input_unref);
      self->shown = input != NULL ? eng_input_ref (input) : NULL;
      show_words (self, input);
      gtk_stack_set_visible_child_name (self->stack,
                                        app_result_show_input (PLOT_RESULT (self->plot), input)
                                            ? "plot"
                                            : "words");
      show_name (self, input);
    }
  gtk_label_set_label (self->position, position);
  gtk_widget_set_visible (self->steps, n > 1);
  gtk_widget_set_visible (GTK_WIDGET (self->spinner), reading);
  gtk_spinner_set_spinning (self->spinner, reading);
  set_enabled (self, "random", !app_inputs_is_random (self->inputs));
  set_enabled (self, "previous", n > 1);
  set_enabled (self, "next", n > 1);
}

static void
on_changed (AppInputView *self)
{
  gtk_widget_set_visible (GTK_WIDGET (self->error), FALSE);
  update (self);
}

static void
on_failed (AppInputView *self, const GError *error)
{
  gtk_label_set_label (self->error, error->message);
  gtk_widget_set_visible (GTK_WIDGET (self->error), TRUE);
}

/* ---- Choosing ---- */

static void
on_choose_response (GtkNativeDialog *dialog, int response, gpointer data)
{
  AppInputView *self = data;

  if (response == GTK_RESPONSE_ACCEPT)
    {
      g_autoptr (GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
      g_autofree char *path = file != NULL ? g_file_get_path (file) : NULL;
      const char *const paths[] = { path, NULL };

      if (path != NULL)
        app_inputs_choose (self->inputs, paths);
    }
  g_object_unref (dialog);
}

static void
ask (AppInputView *self, gboolean folder)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkFileChooserNative *dialog;
  const char *path = app_inputs_get_path (self->inputs);

  if (self->model == NULL || !GTK_IS_WINDOW (root))
    return;
  dialog = gtk_file_chooser_native_new (folder ? _ ("Choose a Folder of Inputs")
                                               : _ ("Choose an Input"),
                                        GTK_WINDOW (root),
                                        folder ? GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER
                                               : GTK_FILE_CHOOSER_ACTION_OPEN,
                                        _ ("_Choose"), NULL);
  if (!folder)
    app_input_add_filters (self->model, GTK_FILE_CHOOSER (dialog));
  if (path != NULL)
    {
      g_autoptr (GFile) here = g_file_new_for_path (path);
      g_autoptr (GFile) parent = g_file_get_parent (here);

      gtk_file_chooser_set_current_folder (GTK_FILE_CHOOSER (dialog), parent, NULL);
    }
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (on_choose_response), self, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

static void
on_texture (GObject *clipboard, GAsyncResult *result, gpointer data)
{
  g_autoptr (AppInputView) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GdkTexture) texture
      = gdk_clipboard_read_texture_finish (GDK_CLIPBOARD (clipboard), result, &error);

  if (self->inputs == NULL || self->model == NULL)
    return; /* closed meanwhile */
  if (texture != NULL)
    app_inputs_choose_texture (self->inputs, texture);
  else
    gtk_widget_activate_action (GTK_WIDGET (self), "win.toast", "s",
                                _ ("The clipboard holds no picture."));
}

static void
on_choose (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  ask (self, FALSE);
}

static void
on_choose_folder (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  ask (self, TRUE);
}

static void
on_paste (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  gdk_clipboard_read_texture_async (gtk_widget_get_clipboard (self),
                                    APP_INPUT_VIEW (self)->cancellable, on_texture,
                                    g_object_ref (self));
}

static void
on_random (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  app_inputs_choose_random (APP_INPUT_VIEW (self)->inputs);
}

static void
on_step (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  const char *name = g_action_get_name (G_ACTION (action));

  app_inputs_step (APP_INPUT_VIEW (self)->inputs, g_str_equal (name, "next") ? 1 : -1);
}

static const GActionEntry actions[] = {
  { .name = "choose", .activate = on_choose },
  { .name = "choose-folder", .activate = on_choose_folder },
  { .name = "paste", .activate = on_paste },
  { .name = "random", .activate = on_random },
  { .name = "previous", .activate = on_step },
  { .name = "next", .activate = on_step },
};

static void
set_enabled (AppInputView *self, const char *name, gboolean enabled)
{
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self->actions), name);

  g_simple_action_set_enabled (G_SIMPLE_ACTION (action), enabled);
}

/* ---- Life ---- */

static void
app_input_view_dispose (GObject *object)
{
  AppInputView *self = APP_INPUT_VIEW (object);

  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->box, gtk_widget_unparent);
  g_clear_object (&self->inputs);
  g_clear_object (&self->actions);
  g_clear_object (&self->model);
  g_clear_pointer (&self->running, eng_input_unref);
  g_clear_pointer (&self->shown, eng_input_unref);
  G_OBJECT_CLASS (app_input_view_parent_class)->dispose (object);
}

/* GTK 4.8 loses what it knows of actions when a widget moves to another place of the window. */
static void
app_input_view_root (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (app_input_view_parent_class)->root (widget);
  gtk_widget_insert_action_group (widget, "input", NULL);
  gtk_widget_insert_action_group (widget, "input",
                                  G_ACTION_GROUP (APP_INPUT_VIEW (widget)->actions));
}

static void
app_input_view_class_init (AppInputViewClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = app_input_view_dispose;
  widget_class->root = app_input_view_root;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "input-view");
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_v, GDK_CONTROL_MASK, "input.paste",
                                       NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Page_Up, 0, "input.previous", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Page_Down, 0, "input.next", NULL);
  gtk_widget_class_set_template_from_resource (widget_class, APP_PATH "/ui/app-input-view.ui");
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, AppInputView, name)
  BIND (box);
  BIND (stack);
  BIND (plot_bin);
  BIND (words);
  BIND (hint);
  BIND (name);
  BIND (takes);
  BIND (error);
  BIND (position);
  BIND (steps);
  BIND (spinner);
#undef BIND
}

static void
app_input_view_init (AppInputView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->cancellable = g_cancellable_new ();
  self->actions = g_simple_action_group_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (self->actions), actions, G_N_ELEMENTS (actions),
                                   self);
  gtk_widget_insert_action_group (GTK_WIDGET (self), "input", G_ACTION_GROUP (self->actions));
  self->plot = plot_result_new ();
  adw_bin_set_child (self->plot_bin, self->plot);
}

void
app_input_view_set_inputs (AppInputView *self, AppInputs *inputs)
{
  g_return_if_fail (APP_IS_INPUT_VIEW (self) && APP_IS_INPUTS (inputs) && self->inputs == NULL);

  self->inputs = g_object_ref (inputs);
  g_signal_connect_object (inputs, "changed", G_CALLBACK (on_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (inputs, "failed", G_CALLBACK (on_failed), self, G_CONNECT_SWAPPED);
  show_words (self, NULL);
  update (self);
}

void
app_input_view_set_model (AppInputView *self, EngModel *model)
{
  g_autofree char *takes = model != NULL ? app_input_dup_takes (model) : g_strdup ("");

  g_return_if_fail (APP_IS_INPUT_VIEW (self));

  g_set_object (&self->model, model);
  gtk_label_set_label (self->takes, takes);
  set_enabled (self, "paste",
               model != NULL && (app_input_kinds (model) & 1 << ENG_INPUT_PICTURE) != 0);
}

void
app_input_view_set_running (AppInputView *self, EngInput *input)
{
  g_return_if_fail (APP_IS_INPUT_VIEW (self));

  if (self->running == input)
    return;
  g_clear_pointer (&self->running, eng_input_unref);
  self->running = input != NULL ? eng_input_ref (input) : NULL;
  update (self);
}
