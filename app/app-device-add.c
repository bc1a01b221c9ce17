/* "Add a Board": drawn from the transports' tables, so that another transport needs no edit here.
 * Opened by the window. */
#include "app-device-add.h"

#include "app-config.h"
#include "app-device-text.h"
#include "app-words.h"

#include <glib/gi18n.h>

#define MAX_FIELDS 16

struct _AppDeviceAdd
{
  AdwWindow parent_instance;

  AppDevices *devices;
  EngDevice *found; /* what the fields were filled from; NULL: a person fills them */

  GtkWidget *found_group, *found_list, *searching, *search_note;
  GtkWidget *transport_row;
  GtkWidget *summary;
  GtkWidget *field_list;
  GtkWidget *name_row;
  GtkWidget *error;
  GtkWidget *add;
  GtkWidget *rows[MAX_FIELDS]; /* of the transport that is chosen; NULL where one is a secret */
  GPtrArray *transports;       /* EngTransport, as they stand in the drop-down */
  gboolean filling;
};

enum
{
  SIGNAL_ADDED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (AppDeviceAdd, app_device_add, ADW_TYPE_WINDOW)

static const EngTransport *
get_transport (AppDeviceAdd *self)
{
  guint chosen = adw_combo_row_get_selected (ADW_COMBO_ROW (self->transport_row));

  return chosen < self->transports->len ? self->transports->pdata[chosen] : NULL;
}

/* ---- The fields ---- */

/* What was typed; nothing where a field keeps its fallback. */
static GHashTable *
dup_settings (AppDeviceAdd *self)
{
  GHashTable *settings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  const EngTransport *transport = get_transport (self);
  const EngTransportField *field = transport != NULL ? transport->fields : NULL;

  for (guint i = 0; field != NULL && field[i].key != NULL && i < MAX_FIELDS; i++)
    {
      g_autofree char *text = NULL;

      if (self->rows[i] == NULL)
        continue;
      text = g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (self->rows[i]))));
      if (*text != '\0' && g_strcmp0 (text, field[i].fallback) != 0)
        g_hash_table_insert (settings, g_strdup (field[i].key), g_steal_pointer (&text));
    }
  return settings;
}

/* A name that says something, until a person gives one: that of what was found, or the first
 * setting. */
static const char *
guess_name (AppDeviceAdd *self)
{
  if (self->found != NULL)
    return eng_device_get_name (self->found);
  for (guint i = 0; i < MAX_FIELDS; i++)
    if (self->rows[i] != NULL)
      return gtk_editable_get_text (GTK_EDITABLE (self->rows[i]));
  return "";
}

static void
show_error (AppDeviceAdd *self, const char *text)
{
  gtk_label_set_label (GTK_LABEL (self->error), text != NULL ? text : "");
  gtk_widget_set_visible (self->error, text != NULL);
}

static void
on_changed (AppDeviceAdd *self)
{
  if (!self->filling)
    show_error (self, NULL);
}

static GtkWidget *
make_row (AppDeviceAdd *self, const EngTransportField *field)
{
  GtkWidget *row = adw_entry_row_new ();
  const char *value = self->found != NULL ? eng_device_get_setting (self->found, field->key) : NULL;

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), _ (field->title));
  gtk_widget_set_tooltip_text (row, _ (field->hint));
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  _ (field->hint), -1);
  gtk_editable_set_text (GTK_EDITABLE (row), value != NULL             ? value
                                             : field->fallback != NULL ? field->fallback
                                                                       : "");
  g_signal_connect_object (row, "changed", G_CALLBACK (on_changed), self, G_CONNECT_SWAPPED);
  return row;
}

static GtkWidget *
make_hint (const char *text)
{
  return app_words_new (text, (const char *[]){ "caption", "dim-label", NULL });
}

static void
fill_fields (AppDeviceAdd *self)
{
  const EngTransport *transport = get_transport (self);
  const EngTransportField *field = transport != NULL ? transport->fields : NULL;
  GtkWidget *child;
  gboolean secret = FALSE;

  self->filling = TRUE;
  while ((child = gtk_widget_get_first_child (self->field_list)) != NULL)
    gtk_box_remove (GTK_BOX (self->field_list), child);
  memset (self->rows, 0, sizeof self->rows);
  for (guint i = 0; field != NULL && field[i].key != NULL && i < MAX_FIELDS; i++)
    {
      GtkWidget *list;

      secret |= field[i].secret;
      if (field[i].secret)
        continue;
      list = gtk_list_box_new ();
      gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
      gtk_widget_add_css_class (list, "boxed-list");
      self->rows[i] = make_row (self, &field[i]);
      gtk_list_box_append (GTK_LIST_BOX (list), self->rows[i]);
      gtk_box_append (GTK_BOX (self->field_list), list);
      gtk_box_append (GTK_BOX (self->field_list), make_hint (_ (field[i].hint)));
    }
  if (secret)
    gtk_box_append (GTK_BOX (self->field_list),
                    make_hint (_ ("A password or code is asked for when it is needed, and may be "
                                  "kept in the keyring.")));
  gtk_label_set_label (GTK_LABEL (self->summary), transport != NULL ? _ (transport->summary) : "");
  gtk_editable_set_text (GTK_EDITABLE (self->name_row),
                         self->found != NULL ? eng_device_get_name (self->found) : "");
  self->filling = FALSE;
  show_error (self, NULL);
}

static void
on_transport (AppDeviceAdd *self)
{
  const EngTransport *transport = get_transport (self);

  if (self->filling)
    return;
  if (self->found != NULL && eng_device_get_transport (self->found) != transport)
    g_clear_object (&self->found);
  fill_fields (self);
}

/* ---- What was found ---- */

static void
choose_found (AppDeviceAdd *self, EngDevice *device)
{
  guint at;

  g_set_object (&self->found, device);
  if (g_ptr_array_find (self->transports, eng_device_get_transport (device), &at))
    {
      self->filling = TRUE;
      adw_combo_row_set_selected (ADW_COMBO_ROW (self->transport_row), at);
      self->filling = FALSE;
    }
  fill_fields (self);
}

static void
on_found_activated (AppDeviceAdd *self, GtkListBoxRow *row)
{
  EngDevice *device = g_object_get_data (G_OBJECT (row), "device");

  if (device == NULL)
    return;
  choose_found (self, device);
  gtk_widget_grab_focus (self->name_row);
}

static void
fill_found (AppDeviceAdd *self)
{
  GListModel *list = G_LIST_MODEL (app_devices_get_list (self->devices));
  gboolean searching = app_devices_get_searching (self->devices);
  g_autofree char *note = app_devices_dup_search_note (self->devices);
  GtkWidget *child;
  guint n = 0;

  while ((child = gtk_widget_get_first_child (self->found_list)) != NULL)
    gtk_list_box_remove (GTK_LIST_BOX (self->found_list), child);
  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (EngDevice) device = g_list_model_get_item (list, i);
      g_autofree char *evidence = NULL;
      GtkWidget *row;

      if (!app_device_is_found (device))
        continue;
      evidence = eng_device_dup_evidence (device);
      row = g_object_new (ADW_TYPE_ACTION_ROW, "title", eng_device_get_name (device), "subtitle",
                          evidence != NULL ? evidence : "", "use-markup", FALSE, "subtitle-lines",
                          3, "activatable", TRUE, NULL);
      adw_action_row_add_prefix (ADW_ACTION_ROW (row),
                                 gtk_image_new_from_icon_name (app_device_icon (device)));
      g_object_set_data_full (G_OBJECT (row), "device", g_object_ref (device), g_object_unref);
      gtk_list_box_append (GTK_LIST_BOX (self->found_list), row);
      n++;
    }
  gtk_widget_set_visible (self->found_list, n > 0);
  gtk_spinner_set_spinning (GTK_SPINNER (self->searching), searching);
  gtk_widget_set_visible (self->searching, searching);
  gtk_label_set_label (GTK_LABEL (self->search_note),
                       searching      ? _ ("Looking at the network, serial ports and probes…")
                       : note != NULL ? note
                       : n == 0 ? _ ("No board announces itself. Its address works all the same.")
                                : "");
  gtk_widget_set_visible (self->search_note,
                          *gtk_label_get_label (GTK_LABEL (self->search_note)) != '\0');
}

static void
on_search_again (AppDeviceAdd *self)
{
  app_devices_search (self->devices);
}

/* ---- Adding ---- */

static EngDevice *
make_device (AppDeviceAdd *self)
{
  g_autoptr (GHashTable) settings = dup_settings (self);
  g_autofree char *name
      = g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (self->name_row))));

  return eng_device_new (NULL, *name != '\0' ? name : guess_name (self), get_transport (self),
                         settings);
}

static void
on_add (AppDeviceAdd *self)
{
  const EngTransport *transport = get_transport (self);
  g_autoptr (GHashTable) settings = NULL;
  g_autoptr (EngDevice) device = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *wrong = NULL;

  if (transport == NULL)
    return;
  settings = dup_settings (self);
  wrong = eng_devices_check_settings (transport, settings);
  if (wrong != NULL)
    {
      show_error (self, wrong);
      return;
    }
  device = make_device (self);
  if (!eng_devices_add (app_devices_get_list (self->devices), device, &error))
    {
      show_error (self, error->message);
      return;
    }
  g_signal_emit (self, signals[SIGNAL_ADDED], 0, device);
  gtk_window_close (GTK_WINDOW (self));
}

/* ---- The window ---- */

static void
app_device_add_dispose (GObject *object)
{
  AppDeviceAdd *self = APP_DEVICE_ADD (object);

  g_clear_object (&self->devices);
  g_clear_object (&self->found);
  g_clear_pointer (&self->transports, g_ptr_array_unref);
  G_OBJECT_CLASS (app_device_add_parent_class)->dispose (object);
}

static void
app_device_add_class_init (AppDeviceAddClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_device_add_dispose;
  signals[SIGNAL_ADDED] = g_signal_new ("added", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                        NULL, NULL, NULL, G_TYPE_NONE, 1, ENG_TYPE_DEVICE);
  gtk_widget_class_add_binding_action (GTK_WIDGET_CLASS (klass), GDK_KEY_Escape, 0, "window.close",
                                       NULL);
}

static void
app_device_add_init (AppDeviceAdd *self)
{
  self->transports = g_ptr_array_new ();
}

static GtkWidget *
make_boxed (GtkWidget *row)
{
  GtkWidget *list = gtk_list_box_new ();

  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  gtk_list_box_append (GTK_LIST_BOX (list), row);
  return list;
}

static GtkWidget *
make_found (AppDeviceAdd *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6),
            *head = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6), *label, *again;

  label = g_object_new (GTK_TYPE_LABEL, "label", _ ("Found"), "xalign", 0.0f, "hexpand", TRUE,
                        "css-classes", (const char *[]){ "heading", NULL }, NULL);
  self->searching = gtk_spinner_new ();
  again = g_object_new (GTK_TYPE_BUTTON, "icon-name", "view-refresh-symbolic", "tooltip-text",
                        _ ("Look again"), "css-classes", (const char *[]){ "flat", NULL }, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (again), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Look again"), -1);
  g_signal_connect_object (again, "clicked", G_CALLBACK (on_search_again), self, G_CONNECT_SWAPPED);
  self->found_list = gtk_list_box_new ();
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (self->found_list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (self->found_list, "boxed-list");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->found_list), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Boards that were found"), -1);
  g_signal_connect_object (self->found_list, "row-activated", G_CALLBACK (on_found_activated), self,
                           G_CONNECT_SWAPPED);
  self->search_note = make_hint ("");
  gtk_box_append (GTK_BOX (head), label);
  gtk_box_append (GTK_BOX (head), self->searching);
  gtk_box_append (GTK_BOX (head), again);
  gtk_box_append (GTK_BOX (box), head);
  gtk_box_append (GTK_BOX (box), self->found_list);
  gtk_box_append (GTK_BOX (box), self->search_note);
  return box;
}

static GtkWidget *
make_transports (AppDeviceAdd *self)
{
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);
  guint n;
  const EngTransport *const *all = eng_transports (&n);

  for (guint i = 0; i < n; i++)
    if (all[i]->can_add)
      {
        g_ptr_array_add (self->transports, (gpointer)all[i]);
        gtk_string_list_append (names, _ (all[i]->title));
      }
  self->transport_row
      = g_object_new (ADW_TYPE_COMBO_ROW, "title", _ ("Reached by"), "model", names, NULL);
  g_signal_connect_object (self->transport_row, "notify::selected", G_CALLBACK (on_transport), self,
                           G_CONNECT_SWAPPED);
  return self->transport_row;
}

static GtkWidget *
make_content (AppDeviceAdd *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12), *clamp, *transports;

  self->found_group = make_found (self);
  transports = make_transports (self);
  self->summary = make_hint ("");
  self->field_list = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  self->name_row = adw_entry_row_new ();
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->name_row), _ ("Name in the List"));
  g_signal_connect_object (self->name_row, "changed", G_CALLBACK (on_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->name_row, "entry-activated", G_CALLBACK (on_add), self,
                           G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (box), self->found_group);
  gtk_box_append (GTK_BOX (box), make_boxed (transports));
  gtk_box_append (GTK_BOX (box), self->summary);
  gtk_box_append (GTK_BOX (box), self->field_list);
  gtk_box_append (GTK_BOX (box), make_boxed (self->name_row));
  gtk_widget_set_margin_top (box, 12);
  gtk_widget_set_margin_bottom (box, 18);
  gtk_widget_set_margin_start (box, 18);
  gtk_widget_set_margin_end (box, 18);
  clamp = g_object_new (ADW_TYPE_CLAMP, "maximum-size", 520, "child", box, NULL);
  return g_object_new (GTK_TYPE_SCROLLED_WINDOW, "child", clamp, "hscrollbar-policy",
                       GTK_POLICY_NEVER, "vexpand", TRUE, NULL);
}

static GtkWidget *
make_header (AppDeviceAdd *self)
{
  GtkWidget *header = adw_header_bar_new (), *cancel;

  cancel = gtk_button_new_with_label (_ ("Cancel"));
  gtk_actionable_set_action_name (GTK_ACTIONABLE (cancel), "window.close");
  self->add = gtk_button_new_with_label (_ ("Add"));
  gtk_widget_add_css_class (self->add, "suggested-action");
  g_signal_connect_object (self->add, "clicked", G_CALLBACK (on_add), self, G_CONNECT_SWAPPED);
  adw_header_bar_set_show_start_title_buttons (ADW_HEADER_BAR (header), FALSE);
  adw_header_bar_set_show_end_title_buttons (ADW_HEADER_BAR (header), FALSE);
  adw_header_bar_pack_start (ADW_HEADER_BAR (header), cancel);
  adw_header_bar_pack_end (ADW_HEADER_BAR (header), self->add);
  return header;
}

GtkWidget *
app_device_add_new (GtkWindow *parent, AppDevices *devices, EngDevice *device)
{
  AppDeviceAdd *self = g_object_new (APP_TYPE_DEVICE_ADD, "transient-for", parent, "modal", TRUE,
                                     "title", _ ("Add a Board"), "default-width", 480,
                                     "default-height", 620, "width-request", 340, NULL);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);

  self->devices = g_object_ref (devices);
  /* Above what scrolls: who presses Add looks there. */
  self->error
      = g_object_new (GTK_TYPE_LABEL, "xalign", 0.0f, "wrap", TRUE, "wrap-mode",
                      PANGO_WRAP_WORD_CHAR, "visible", FALSE, "margin-top", 12, "margin-start", 18,
                      "margin-end", 18, "css-classes", (const char *[]){ "error", NULL }, NULL);
  gtk_box_append (GTK_BOX (box), make_header (self));
  gtk_box_append (GTK_BOX (box), self->error);
  gtk_box_append (GTK_BOX (box), make_content (self));
  adw_window_set_content (ADW_WINDOW (self), box);
  g_signal_connect_object (app_devices_get_list (devices), "items-changed", G_CALLBACK (fill_found),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (devices, "searching", G_CALLBACK (fill_found), self, G_CONNECT_SWAPPED);
  if (device != NULL)
    choose_found (self, device);
  else
    fill_fields (self);
  app_devices_search (devices);
  fill_found (self);
  return GTK_WIDGET (self);
}
