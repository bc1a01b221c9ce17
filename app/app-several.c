/* Several devices at once, as a window beside the main one. Shows what the session knows of each
 * device; what goes on is app-fleet.c. Opened by the window. */
#include "app-several.h"

#include "app-config.h"
#include "app-device-table.h"
#include "app-device-text.h"
#include "app-table.h"

#include <glib/gi18n.h>

/* Of the table: it stands in full, the page scrolls. */
#define ROW_PX 24

typedef struct
{
  EngDevice *device; /* NULL: this computer */
  GtkWidget *row, *check;
} Choice;

struct _AppSeveral
{
  AdwWindow parent_instance;

  AppDevices *devices;
  AppStage *stage;
  AppFleet *fleet; /* NULL: nothing was started yet */

  GtkWidget *list, *note, *table_bin, *table_title;
  GtkWidget *run, *stop;
  GArray *choices; /* Choice */
};

enum
{
  SIGNAL_RUN,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (AppSeveral, app_several, ADW_TYPE_WINDOW)

/* ---- What goes on ---- */

static char *
dup_subtitle (AppSeveral *self, EngDevice *device)
{
  AppPush *push = device != NULL ? app_devices_get_push (self->devices, device) : NULL;
  g_autofree char *words = NULL, *details = NULL;
  const char *icon;

  if (device == NULL)
    return g_strdup (app_stage_get_running (self->stage) ? _ ("Running") : _ ("Last, and alone"));
  if (push != NULL)
    {
      words = app_push_dup_words (push);
      details = app_push_dup_details (push);
      return details != NULL ? g_strdup_printf ("%s · %s", words, details)
                             : g_steal_pointer (&words);
    }
  app_device_get_state (device, &icon, &words);
  return g_strdup_printf ("%s · %s", app_device_kind (device), words);
}

static void
update_rows (AppSeveral *self)
{
  for (guint i = 0; i < self->choices->len; i++)
    {
      Choice *choice = &g_array_index (self->choices, Choice, i);
      g_autofree char *subtitle = dup_subtitle (self, choice->device);

      adw_action_row_set_subtitle (ADW_ACTION_ROW (choice->row), subtitle);
    }
}

static guint
count_chosen (AppSeveral *self)
{
  guint n = 0;

  for (guint i = 0; i < self->choices->len; i++)
    n += gtk_check_button_get_active (
        GTK_CHECK_BUTTON (g_array_index (self->choices, Choice, i).check));
  return n;
}

static void
update_buttons (AppSeveral *self)
{
  EngSession *session = app_stage_get_session (self->stage);
  gboolean going = self->fleet != NULL && !app_fleet_is_over (self->fleet);
  const char *why = going                                     ? NULL
                    : eng_session_get_model (session) == NULL ? _ ("Open a model first.")
                    : eng_session_get_build (session) == NULL ? _ ("The model is being prepared.")
                    : eng_session_get_running (session)
                        ? _ ("A run is going on; it has to end first.")
                    : count_chosen (self) == 0 ? _ ("Choose at least one device.")
                                               : NULL;

  gtk_widget_set_visible (self->run, !going);
  gtk_widget_set_visible (self->stop, going);
  gtk_widget_set_sensitive (self->run, why == NULL);
  gtk_label_set_label (GTK_LABEL (self->note),
                       why != NULL ? why
                                   : _ ("Boards are measured side by side. This computer comes "
                                        "last and has its processors to "
                                        "itself, so that nothing disturbs its figures."));
}

/* ---- The table ---- */

static void
update_table (AppSeveral *self)
{
  EngSession *session = app_stage_get_session (self->stage);
  g_autoptr (GPtrArray) runs = g_ptr_array_new (), names = g_ptr_array_new ();
  g_autoptr (PlotTable) table = NULL;
  EngRecipe *recipe = eng_session_get_recipe (session);
  guint n_measured = 0;

  for (guint i = 0; i < self->choices->len; i++)
    {
      /* This computer, which ends the list, is what the others are read against. */
      guint at = i == 0 ? self->choices->len - 1 : i - 1;
      Choice *choice = &g_array_index (self->choices, Choice, at);
      EngRun *run = eng_session_find_run_on (session, recipe, choice->device);

      if (run == NULL && !gtk_check_button_get_active (GTK_CHECK_BUTTON (choice->check)))
        continue;
      g_ptr_array_add (runs, run);
      g_ptr_array_add (names, (gpointer)app_device_name (choice->device));
      n_measured += run != NULL;
    }
  gtk_widget_set_visible (self->table_title, n_measured > 0);
  gtk_widget_set_visible (self->table_bin, n_measured > 0);
  if (n_measured == 0)
    return;
  table = app_device_table_new (app_stage_get_kind (self->stage), (EngRun *const *)runs->pdata,
                                (const char *const *)names->pdata, runs->len);
  adw_bin_set_child (ADW_BIN (self->table_bin), app_table_new (table, 130));
  gtk_widget_set_size_request (self->table_bin, -1,
                               ROW_PX * ((int)plot_table_get_n_rows (table) + 1) + 14);
}

static void
update (AppSeveral *self)
{
  update_rows (self);
  update_buttons (self);
  update_table (self);
}

static void
on_activity (AppSeveral *self)
{
  update_rows (self);
  update_buttons (self);
}

static void
on_stage (AppSeveral *self)
{
  update (self);
}

/* ---- Choosing ---- */

static void
add_choice (AppSeveral *self, EngDevice *device, gboolean chosen)
{
  Choice choice = { .device = device != NULL ? g_object_ref (device) : NULL };

  choice.check = gtk_check_button_new ();
  gtk_widget_set_valign (choice.check, GTK_ALIGN_CENTER);
  gtk_check_button_set_active (GTK_CHECK_BUTTON (choice.check), chosen);
  choice.row = g_object_new (ADW_TYPE_ACTION_ROW, "title", app_device_name (device), "use-markup",
                             FALSE, "title-lines", 2, "subtitle-lines", 4, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (choice.check), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  app_device_name (device), -1);
  adw_action_row_add_prefix (ADW_ACTION_ROW (choice.row),
                             gtk_image_new_from_icon_name (app_device_icon (device)));
  adw_action_row_add_prefix (ADW_ACTION_ROW (choice.row), choice.check);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (choice.row), choice.check);
  g_signal_connect_object (choice.check, "toggled", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  gtk_list_box_append (GTK_LIST_BOX (self->list), choice.row);
  g_array_append_val (self->choices, choice);
}

static void
fill_choices (AppSeveral *self)
{
  GListModel *list = G_LIST_MODEL (app_devices_get_list (self->devices));

  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (EngDevice) device = g_list_model_get_item (list, i);
      gboolean local = eng_device_get_transport (device) == &eng_transport_local;

      if (!app_device_is_found (device))
        add_choice (self, device, !local && eng_device_get_state (device) == ENG_DEVICE_READY);
    }
  add_choice (self, NULL, TRUE);
}

static void
on_run (AppSeveral *self)
{
  g_autoptr (GPtrArray) targets = g_ptr_array_new_with_free_func (g_object_unref);
  gboolean here = FALSE;

  for (guint i = 0; i < self->choices->len; i++)
    {
      Choice *choice = &g_array_index (self->choices, Choice, i);

      if (!gtk_check_button_get_active (GTK_CHECK_BUTTON (choice->check)))
        continue;
      if (choice->device != NULL)
        g_ptr_array_add (targets, g_object_ref (choice->device));
      else
        here = TRUE;
    }
  g_signal_emit (self, signals[SIGNAL_RUN], 0, targets, here);
}

static void
on_stop (AppSeveral *self)
{
  if (self->fleet != NULL)
    app_fleet_cancel (self->fleet);
}

void
app_several_set_fleet (AppSeveral *self, AppFleet *fleet)
{
  g_return_if_fail (APP_IS_SEVERAL (self));

  g_set_object (&self->fleet, fleet);
  if (fleet != NULL)
    g_signal_connect_object (fleet, "changed", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  update (self);
}

/* ---- The window ---- */

static void
choice_clear (gpointer data)
{
  g_clear_object (&((Choice *)data)->device);
}

static void
app_several_dispose (GObject *object)
{
  AppSeveral *self = APP_SEVERAL (object);

  g_clear_object (&self->devices);
  g_clear_object (&self->stage);
  g_clear_object (&self->fleet);
  g_clear_pointer (&self->choices, g_array_unref);
  G_OBJECT_CLASS (app_several_parent_class)->dispose (object);
}

static void
app_several_class_init (AppSeveralClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_several_dispose;
  signals[SIGNAL_RUN] = g_signal_new ("run", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                      NULL, NULL, G_TYPE_NONE, 2, G_TYPE_PTR_ARRAY, G_TYPE_BOOLEAN);
  gtk_widget_class_add_binding_action (GTK_WIDGET_CLASS (klass), GDK_KEY_Escape, 0, "window.close",
                                       NULL);
}

static void
app_several_init (AppSeveral *self)
{
  self->choices = g_array_new (FALSE, FALSE, sizeof (Choice));
  g_array_set_clear_func (self->choices, choice_clear);
}

static GtkWidget *
make_header (AppSeveral *self)
{
  GtkWidget *header = adw_header_bar_new ();

  self->run = gtk_button_new_with_label (_ ("Run on All"));
  gtk_widget_add_css_class (self->run, "suggested-action");
  g_signal_connect_object (self->run, "clicked", G_CALLBACK (on_run), self, G_CONNECT_SWAPPED);
  self->stop = gtk_button_new_with_label (_ ("Stop All"));
  gtk_widget_add_css_class (self->stop, "destructive-action");
  g_signal_connect_object (self->stop, "clicked", G_CALLBACK (on_stop), self, G_CONNECT_SWAPPED);
  adw_header_bar_pack_start (ADW_HEADER_BAR (header), self->run);
  adw_header_bar_pack_start (ADW_HEADER_BAR (header), self->stop);
  return header;
}

static GtkWidget *
make_content (AppSeveral *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);

  self->list = gtk_list_box_new ();
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (self->list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (self->list, "boxed-list");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->list), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Devices"), -1);
  self->note = g_object_new (GTK_TYPE_LABEL, "xalign", 0.0f, "wrap", TRUE, "css-classes",
                             (const char *[]){ "caption", "dim-label", NULL }, NULL);
  self->table_title = g_object_new (GTK_TYPE_LABEL, "label", _ ("Side by Side"), "xalign", 0.0f,
                                    "css-classes", (const char *[]){ "heading", NULL }, NULL);
  self->table_bin = adw_bin_new ();
  gtk_box_append (GTK_BOX (box), self->list);
  gtk_box_append (GTK_BOX (box), self->note);
  gtk_box_append (GTK_BOX (box), self->table_title);
  gtk_box_append (GTK_BOX (box), self->table_bin);
  gtk_widget_set_margin_top (box, 18);
  gtk_widget_set_margin_bottom (box, 18);
  gtk_widget_set_margin_start (box, 18);
  gtk_widget_set_margin_end (box, 18);
  return g_object_new (GTK_TYPE_SCROLLED_WINDOW, "child", box, "hscrollbar-policy",
                       GTK_POLICY_NEVER, "vexpand", TRUE, NULL);
}

GtkWidget *
app_several_new (GtkWindow *parent, AppDevices *devices, AppStage *stage)
{
  AppSeveral *self = g_object_new (APP_TYPE_SEVERAL, "transient-for", parent, "title",
                                   _ ("Several Devices"), "default-width", 940, "default-height",
                                   680, "width-request", 340, "destroy-with-parent", TRUE, NULL);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);

  self->devices = g_object_ref (devices);
  self->stage = g_object_ref (stage);
  gtk_box_append (GTK_BOX (box), make_header (self));
  gtk_box_append (GTK_BOX (box), make_content (self));
  adw_window_set_content (ADW_WINDOW (self), box);
  fill_choices (self);
  g_signal_connect_object (devices, "activity", G_CALLBACK (on_activity), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (stage, "changed", G_CALLBACK (on_stage), self, G_CONNECT_SWAPPED);
  update (self);
  return GTK_WIDGET (self);
}
