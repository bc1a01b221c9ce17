/* The model button, see its header. Used by parameter rows. The list is made anew whenever it
 * opens; opening the files, to know whether they fit, is a worker's job, and an answer that comes
 * after the list was closed is dropped. Knows no technique. */
#include "app-model-button.h"

#include "app-config.h"
#include "app-models.h"
#include "eng-figure.h"

#include <glib/gi18n.h>
#include <sys/stat.h>

struct _AppModelButton
{
  GtkWidget parent_instance;

  const EngParam *param;
  EngModel *model;
  char *path;                /* "": none */
  GCancellable *cancellable; /* of the list that is being made */

  GtkWidget *button, *label;
  GtkWidget *popover, *stack, *list, *none;
};

enum
{
  PROP_0,
  PROP_PATH,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (AppModelButton, app_model_button, GTK_TYPE_WIDGET)

/* ---- Which models fit: on a worker ---- */

typedef struct
{
  char *path;
  char *reason; /* NULL: it fits */
  double bytes; /* of the file; negative: not known */
} Candidate;

typedef struct
{
  EngModel *model;
  const EngParam *param;
  GStrv recent;
  GArray *candidates; /* the answer */
} Question;

static void
candidate_clear (gpointer data)
{
  Candidate *candidate = data;

  g_free (candidate->path);
  g_free (candidate->reason);
}

static void
question_free (gpointer data)
{
  Question *q = data;

  g_clear_object (&q->model);
  g_strfreev (q->recent);
  g_array_unref (q->candidates);
  g_free (q);
}

static void
look (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Question *q = data;
  g_autoptr (GPtrArray) paths = app_models_list (q->model, (const char *const *)q->recent);

  for (guint i = 0; i < paths->len && !g_cancellable_is_cancelled (cancellable); i++)
    {
      struct stat info;
      Candidate candidate = { .path = g_strdup (paths->pdata[i]) };

      candidate.bytes = stat (candidate.path, &info) == 0 ? (double)info.st_size : -1.0;
      if (q->param->refuse != NULL)
        candidate.reason = q->param->refuse (q->model, candidate.path);
      g_array_append_val (q->candidates, candidate);
    }
  g_task_return_boolean (task, TRUE);
}

/* ---- The list ---- */

static void
on_chosen (AppModelButton *self, GtkListBoxRow *row)
{
  const char *path = g_object_get_data (G_OBJECT (row), "path");

  gtk_popover_popdown (GTK_POPOVER (self->popover));
  if (path != NULL)
    app_model_button_set_path (self, path);
}

static GtkWidget *
make_label (const char *text, const char *const *classes)
{
  return g_object_new (GTK_TYPE_LABEL, "label", text, "xalign", 0.0f, "wrap", TRUE, "wrap-mode",
                       PANGO_WRAP_WORD_CHAR, "max-width-chars", 36, "width-chars", 30,
                       "css-classes", classes, NULL);
}

/* One that does not fit stands in the list too, with the reason: a model that is simply missing
 * from a list is a riddle. */
static GtkWidget *
make_row (AppModelButton *self, const Candidate *candidate)
{
  GtkWidget *row = gtk_list_box_row_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  gboolean fits = candidate->reason == NULL;
  g_autofree char *name = g_path_get_basename (candidate->path);
  g_autofree char *size
      = candidate->bytes >= 0 ? eng_format_value (candidate->bytes, "B") : g_strdup ("");
  g_autofree char *said = NULL;

  gtk_widget_set_margin_top (box, 6);
  gtk_widget_set_margin_bottom (box, 6);
  gtk_box_append (GTK_BOX (box),
                  make_label (name, (const char *[]){ fits ? "body" : "dim-label", NULL }));
  if (fits)
    gtk_box_append (GTK_BOX (box),
                    make_label (size, (const char *[]){ "caption", "dim-label", NULL }));
  else
    {
      g_autofree char *why = g_strdup_printf (_ ("Does not fit: %s"), candidate->reason);

      gtk_box_append (GTK_BOX (box),
                      make_label (why, (const char *[]){ "caption", "warning", NULL }));
    }
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), fits);
  gtk_widget_set_tooltip_text (row, candidate->path);
  said = fits ? g_strdup_printf ("%s, %s", name, size)
              : g_strdup_printf (_ ("%s does not fit: %s"), name, candidate->reason);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, said, -1);
  if (fits)
    g_object_set_data_full (G_OBJECT (row), "path", g_strdup (candidate->path), g_free);
  return row;
}

static void
clear_list (AppModelButton *self)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (self->list)) != NULL)
    gtk_list_box_remove (GTK_LIST_BOX (self->list), child);
}

static void
on_looked (GObject *source, GAsyncResult *result, gpointer data)
{
  AppModelButton *self = APP_MODEL_BUTTON (source);
  Question *q = g_task_get_task_data (G_TASK (result));

  if (!g_task_propagate_boolean (G_TASK (result), NULL))
    return; /* closed meanwhile, or opened again */
  clear_list (self);
  for (guint pass = 0; pass < 2; pass++) /* those that fit come first */
    for (guint i = 0; i < q->candidates->len; i++)
      {
        const Candidate *candidate = &g_array_index (q->candidates, Candidate, i);

        if ((candidate->reason != NULL) == (pass == 1))
          gtk_list_box_append (GTK_LIST_BOX (self->list), make_row (self, candidate));
      }
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack),
                                    q->candidates->len > 0 ? "list" : "empty");
}

static GStrv
dup_recent (void)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  GList *infos = gtk_recent_manager_get_items (gtk_recent_manager_get_default ());

  for (GList *l = infos; l != NULL; l = l->next)
    {
      g_autofree char *path = g_filename_from_uri (gtk_recent_info_get_uri (l->data), NULL, NULL);

      if (path != NULL && gtk_recent_info_has_application (l->data, "Lathe"))
        g_strv_builder_add (builder, path);
    }
  g_list_free_full (infos, (GDestroyNotify)gtk_recent_info_unref);
  return g_strv_builder_end (builder);
}

static void
stop_looking (AppModelButton *self)
{
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
}

static void
on_show (AppModelButton *self)
{
  Question *q;
  g_autoptr (GTask) task = NULL;

  stop_looking (self);
  gtk_widget_set_sensitive (self->none, *self->path != '\0');
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), "looking");
  if (self->model == NULL)
    return;
  q = g_new0 (Question, 1);
  q->model = g_object_ref (self->model);
  q->param = self->param;
  q->recent = dup_recent ();
  q->candidates = g_array_new (FALSE, FALSE, sizeof (Candidate));
  g_array_set_clear_func (q->candidates, candidate_clear);
  self->cancellable = g_cancellable_new ();
  task = g_task_new (self, self->cancellable, on_looked, NULL);
  g_task_set_source_tag (task, on_show);
  g_task_set_task_data (task, q, question_free);
  g_task_run_in_thread (task, look);
}

/* ---- A file that is not in the list ---- */

static void
on_response (GtkNativeDialog *dialog, int response, gpointer data)
{
  AppModelButton *self = data;
  g_autoptr (GFile) file = NULL;

  if (response == GTK_RESPONSE_ACCEPT)
    file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
  if (file != NULL && g_file_peek_path (file) != NULL)
    app_model_button_set_path (self, g_file_peek_path (file));
  g_object_unref (dialog);
}

static void
on_file (AppModelButton *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkFileChooserNative *dialog
      = gtk_file_chooser_native_new (self->param->title,
                                     GTK_IS_WINDOW (root) ? GTK_WINDOW (root) : NULL,
                                     GTK_FILE_CHOOSER_ACTION_OPEN, _ ("_Choose"), NULL);

  gtk_popover_popdown (GTK_POPOVER (self->popover));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (on_response), self, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

static void
on_none (AppModelButton *self)
{
  gtk_popover_popdown (GTK_POPOVER (self->popover));
  app_model_button_set_path (self, NULL);
}

/* ---- Showing ---- */

static void
update (AppModelButton *self)
{
  gboolean is_set = *self->path != '\0';
  g_autofree char *shown = is_set ? g_path_get_basename (self->path) : g_strdup (_ ("Choose"));
  g_autofree char *said
      = g_strdup_printf ("%s: %s", self->param->title, is_set ? self->path : _ ("none"));

  gtk_label_set_label (GTK_LABEL (self->label), shown);
  gtk_widget_set_tooltip_text (self->button, is_set ? self->path : NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  said, -1);
}

static void
app_model_button_dispose (GObject *object)
{
  AppModelButton *self = APP_MODEL_BUTTON (object);

  stop_looking (self);
  g_clear_object (&self->model);
  g_clear_pointer (&self->button, gtk_widget_unparent);
  G_OBJECT_CLASS (app_model_button_parent_class)->dispose (object);
}

static void
app_model_button_finalize (GObject *object)
{
  g_free (APP_MODEL_BUTTON (object)->path);
  G_OBJECT_CLASS (app_model_button_parent_class)->finalize (object);
}

static void
app_model_button_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_PATH)
    g_value_set_string (value, APP_MODEL_BUTTON (object)->path);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_model_button_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_PATH)
    app_model_button_set_path (APP_MODEL_BUTTON (object), g_value_get_string (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_model_button_class_init (AppModelButtonClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = app_model_button_dispose;
  object_class->finalize = app_model_button_finalize;
  object_class->get_property = app_model_button_get_property;
  object_class->set_property = app_model_button_set_property;
  props[PROP_PATH]
      = g_param_spec_string ("path", NULL, NULL, "",
                             G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BIN_LAYOUT);
}

static GtkWidget *
make_note (const char *text)
{
  return g_object_new (GTK_TYPE_LABEL, "label", text, "wrap", TRUE, "max-width-chars", 36,
                       "margin-top", 12, "margin-bottom", 12, "css-classes",
                       (const char *[]){ "dim-label", NULL }, NULL);
}

static GtkWidget *
make_stack (AppModelButton *self)
{
  GtkWidget *stack = gtk_stack_new ();

  self->list = gtk_list_box_new ();
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (self->list), GTK_SELECTION_NONE);
  g_signal_connect_object (self->list, "row-activated", G_CALLBACK (on_chosen), self,
                           G_CONNECT_SWAPPED);
  gtk_stack_set_vhomogeneous (GTK_STACK (stack), FALSE);
  gtk_stack_add_named (GTK_STACK (stack),
                       g_object_new (GTK_TYPE_SCROLLED_WINDOW, "hscrollbar-policy",
                                     GTK_POLICY_NEVER, "propagate-natural-height", TRUE,
                                     "max-content-height", 320, "child", self->list, NULL),
                       "list");
  gtk_stack_add_named (GTK_STACK (stack), make_note (_ ("Looking at the models on this computer…")),
                       "looking");
  gtk_stack_add_named (
      GTK_STACK (stack),
      make_note (_ ("No other models were found beside this one or among the fetched ones.")),
      "empty");
  return stack;
}

static void
app_model_button_init (AppModelButton *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *buttons = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *file = gtk_button_new_with_mnemonic (_ ("_File…"));

  self->path = g_strdup ("");
  self->stack = make_stack (self);
  self->none = gtk_button_new_with_mnemonic (_ ("_None"));
  gtk_box_set_homogeneous (GTK_BOX (buttons), TRUE);
  gtk_box_append (GTK_BOX (buttons), self->none);
  gtk_box_append (GTK_BOX (buttons), file);
  gtk_box_append (GTK_BOX (box), self->stack);
  gtk_box_append (GTK_BOX (box), buttons);
  self->popover = gtk_popover_new ();
  gtk_popover_set_child (GTK_POPOVER (self->popover), box);

  self->label = g_object_new (GTK_TYPE_LABEL, "ellipsize", PANGO_ELLIPSIZE_MIDDLE, "width-chars", 7,
                              "max-width-chars", 14, NULL);
  self->button = g_object_new (GTK_TYPE_MENU_BUTTON, "child", self->label, "popover", self->popover,
                               "always-show-arrow", TRUE, NULL);
  gtk_widget_set_parent (self->button, GTK_WIDGET (self));
  g_signal_connect_object (self->popover, "show", G_CALLBACK (on_show), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->popover, "closed", G_CALLBACK (stop_looking), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (file, "clicked", G_CALLBACK (on_file), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->none, "clicked", G_CALLBACK (on_none), self, G_CONNECT_SWAPPED);
}

GtkWidget *
app_model_button_new (const EngParam *param)
{
  AppModelButton *self;

  g_return_val_if_fail (param != NULL && param->kind == ENG_PARAM_MODEL, NULL);

  self = g_object_new (APP_TYPE_MODEL_BUTTON, NULL);
  self->param = param;
  update (self);
  return GTK_WIDGET (self);
}

const char *
app_model_button_get_path (AppModelButton *self)
{
  g_return_val_if_fail (APP_IS_MODEL_BUTTON (self), NULL);
  return self->path;
}

void
app_model_button_set_path (AppModelButton *self, const char *path)
{
  g_return_if_fail (APP_IS_MODEL_BUTTON (self));

  if (path == NULL)
    path = "";
  if (g_str_equal (path, self->path))
    return;
  g_free (self->path);
  self->path = g_strdup (path);
  update (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PATH]);
}

void
app_model_button_set_model (AppModelButton *self, EngModel *model)
{
  g_return_if_fail (APP_IS_MODEL_BUTTON (self) && (model == NULL || ENG_IS_MODEL (model)));
  g_set_object (&self->model, model);
}
