/* The row for one parameter. Built from the technique table's EngParam and nothing else: a new kind
 * of parameter is added here, a new technique never touches it. Used by the technique box and its
 * exceptions. */
#include "app-param-row.h"

#include "app-config.h"
#include "app-model-button.h"
#include "app-path-button.h"
#include "app-scroll.h"

#include <glib/gi18n.h>
#include <math.h>

/* How long a number must rest before it counts. */
#define SETTLE_MS 600

struct _AppParamRow
{
  AdwActionRow parent_instance;

  const EngParam *param;
  gboolean inheritable, exception;
  GVariant *value;
  GVariant *inherited; /* shown where value is NULL; nullable */

  GtkWidget *control; /* GtkDropDown, GtkSpinButton, GtkSwitch, AppPathButton or AppModelButton */
  GtkWidget *reset;   /* inheritable numbers and switches */
  GtkWidget *reading; /* inheritable numbers: what the slider that moves them stands at */
  guint settle_id;
  gboolean updating;
};

enum
{
  PROP_0,
  PROP_VALUE,
  N_PROPS
};

enum
{
  SIGNAL_CHANGED,
  SIGNAL_PREVIEW,
  N_SIGNALS
};

static GParamSpec *props[N_PROPS];
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (AppParamRow, app_param_row, ADW_TYPE_ACTION_ROW)

static guint
n_choices (const EngParam *param)
{
  guint n = 0;

  while (param->choices[n].id != NULL)
    n++;
  return n;
}

/* What the control says now; floating, NULL for "as the whole model". */
static GVariant *
read_control (AppParamRow *self)
{
  guint position;

  switch (self->param->kind)
    {
    case ENG_PARAM_CHOICE:
      position = gtk_drop_down_get_selected (GTK_DROP_DOWN (self->control));
      if (self->inheritable && position-- == 0)
        return NULL;
      g_return_val_if_fail (position < n_choices (self->param), NULL);
      return g_variant_new_string (self->param->choices[position].id);
    case ENG_PARAM_INT:
      return g_variant_new_int64 (
          (gint64)llround (gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->control))));
    case ENG_PARAM_REAL:
      return g_variant_new_double (gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->control)));
    case ENG_PARAM_PATH:
      return g_variant_new_string (app_path_button_get_path (APP_PATH_BUTTON (self->control)));
    case ENG_PARAM_MODEL:
      return g_variant_new_string (app_model_button_get_path (APP_MODEL_BUTTON (self->control)));
    case ENG_PARAM_SWITCH:
    default:
      return g_variant_new_boolean (gtk_switch_get_active (GTK_SWITCH (self->control)));
    }
}

static void
update_reading (AppParamRow *self)
{
  g_autofree char *text = NULL;

  if (self->reading == NULL)
    return;
  text = g_strdup_printf ("%.*f%s%s",
                          (int)gtk_spin_button_get_digits (GTK_SPIN_BUTTON (self->control)),
                          gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->control)),
                          self->param->unit != NULL ? "\u202f" : "",
                          self->param->unit != NULL ? self->param->unit : "");
  gtk_label_set_label (GTK_LABEL (self->reading), text);
}

static void
write_control (AppParamRow *self)
{
  const char *id;
  GVariant *shown = self->value != NULL ? self->value : self->inherited;

  self->updating = TRUE;
  switch (self->param->kind)
    {
    case ENG_PARAM_CHOICE:
      id = self->value != NULL ? g_variant_get_string (self->value, NULL) : NULL;
      for (guint i = 0; i < n_choices (self->param); i++)
        if (g_strcmp0 (self->param->choices[i].id, id) == 0)
          gtk_drop_down_set_selected (GTK_DROP_DOWN (self->control),
                                      i + (self->inheritable ? 1 : 0));
      if (id == NULL && self->inheritable)
        gtk_drop_down_set_selected (GTK_DROP_DOWN (self->control), 0);
      break;
    case ENG_PARAM_INT:
      if (shown != NULL)
        gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->control),
                                   (double)g_variant_get_int64 (shown));
      break;
    case ENG_PARAM_REAL:
      if (shown != NULL)
        gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->control), g_variant_get_double (shown));
      break;
    case ENG_PARAM_PATH:
      if (shown != NULL)
        app_path_button_set_path (APP_PATH_BUTTON (self->control),
                                  g_variant_get_string (shown, NULL));
      break;
    case ENG_PARAM_MODEL:
      if (shown != NULL)
        app_model_button_set_path (APP_MODEL_BUTTON (self->control),
                                   g_variant_get_string (shown, NULL));
      break;
    case ENG_PARAM_SWITCH:
    default:
      if (shown != NULL)
        gtk_switch_set_active (GTK_SWITCH (self->control), g_variant_get_boolean (shown));
      break;
    }
  if (self->reset != NULL)
    gtk_widget_set_visible (self->reset, self->value != NULL);
  self->updating = FALSE;
  update_reading (self);
}

static gboolean
take_value (AppParamRow *self, GVariant *value)
{
  g_autoptr (GVariant) taken = value != NULL ? g_variant_ref_sink (value) : NULL;

  if (taken == self->value
      || (taken != NULL && self->value != NULL && g_variant_equal (taken, self->value)))
    return FALSE;
  g_clear_pointer (&self->value, g_variant_unref);
  self->value = g_steal_pointer (&taken);
  if (self->reset != NULL)
    gtk_widget_set_visible (self->reset, self->value != NULL);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_VALUE]);
  return TRUE;
}

static void
commit (AppParamRow *self)
{
  g_clear_handle_id (&self->settle_id, g_source_remove);
  if (take_value (self, read_control (self)))
    g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

static gboolean
on_settled (gpointer data)
{
  AppParamRow *self = data;

  self->settle_id = 0;
  commit (self);
  return G_SOURCE_REMOVE;
}

static void
on_control (AppParamRow *self)
{
  update_reading (self);
  if (self->updating)
    return;
  /* Numbers pass through others on the way to the one that is meant. */
  if (self->param->kind != ENG_PARAM_INT && self->param->kind != ENG_PARAM_REAL)
    {
      commit (self);
      return;
    }
  g_clear_handle_id (&self->settle_id, g_source_remove);
  self->settle_id = g_timeout_add (SETTLE_MS, on_settled, self);
  g_signal_emit (self, signals[SIGNAL_PREVIEW], 0);
}

static void
on_reset (AppParamRow *self)
{
  g_clear_handle_id (&self->settle_id, g_source_remove);
  if (take_value (self, NULL))
    {
      write_control (self);
      g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
    }
}

/* ---- The drop-down's list: title and, below it, what the choice means ---- */

static void
on_item_setup (GtkSignalListItemFactory *factory, GtkListItem *item, gpointer data)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *title = g_object_new (GTK_TYPE_LABEL, "xalign", 0.0f, NULL);
  GtkWidget *summary = g_object_new (GTK_TYPE_LABEL, "xalign", 0.0f, "wrap", TRUE,
                                     "max-width-chars", 32, "width-chars", 24, "css-classes",
                                     (const char *[]){ "caption", "dim-label", NULL }, NULL);

  gtk_box_append (GTK_BOX (box), title);
  gtk_box_append (GTK_BOX (box), summary);
  gtk_widget_set_margin_top (box, 3);
  gtk_widget_set_margin_bottom (box, 3);
  gtk_list_item_set_child (item, box);
}

static void
on_item_bind (GtkSignalListItemFactory *factory, GtkListItem *item, gpointer data)
{
  AppParamRow *self = data;
  GtkStringObject *string = gtk_list_item_get_item (item);
  GtkWidget *title = gtk_widget_get_first_child (gtk_list_item_get_child (item));
  GtkWidget *summary = gtk_widget_get_next_sibling (title);
  guint position = gtk_list_item_get_position (item);
  const char *text = NULL;

  gtk_label_set_label (GTK_LABEL (title), gtk_string_object_get_string (string));
  if (!self->inheritable || position > 0)
    text = self->param->choices[position - (self->inheritable ? 1 : 0)].summary;
  gtk_label_set_label (GTK_LABEL (summary), text != NULL ? text : "");
  gtk_widget_set_visible (summary, text != NULL && *text != '\0');
}

static void
on_button_setup (GtkSignalListItemFactory *factory, GtkListItem *item, gpointer data)
{
  gtk_list_item_set_child (item, g_object_new (GTK_TYPE_LABEL, "xalign", 0.0f, NULL));
}

static void
on_button_bind (GtkSignalListItemFactory *factory, GtkListItem *item, gpointer data)
{
  gtk_label_set_label (GTK_LABEL (gtk_list_item_get_child (item)),
                       gtk_string_object_get_string (gtk_list_item_get_item (item)));
}

static GtkWidget *
make_drop_down (AppParamRow *self)
{
  g_autoptr (GtkStringList) strings = gtk_string_list_new (NULL);
  g_autoptr (GtkListItemFactory) button = gtk_signal_list_item_factory_new ();
  g_autoptr (GtkListItemFactory) list = gtk_signal_list_item_factory_new ();

  if (self->inheritable)
    gtk_string_list_append (strings, _ ("As the model"));
  for (const EngChoice *choice = self->param->choices; choice->id != NULL; choice++)
    gtk_string_list_append (strings, choice->title);

  g_signal_connect (button, "setup", G_CALLBACK (on_button_setup), NULL);
  g_signal_connect (button, "bind", G_CALLBACK (on_button_bind), NULL);
  g_signal_connect_object (list, "setup", G_CALLBACK (on_item_setup), self, 0);
  g_signal_connect_object (list, "bind", G_CALLBACK (on_item_bind), self, 0);
  return g_object_new (GTK_TYPE_DROP_DOWN, "model", strings, "factory", button, "list-factory",
                       list, NULL);
}

static GtkWidget *
make_spin (AppParamRow *self)
{
  const EngParam *param = self->param;
  double step = param->step > 0.0 ? param->step : 1.0;
  GtkWidget *spin = gtk_spin_button_new_with_range (param->min, param->max, step);

  gtk_spin_button_set_digits (GTK_SPIN_BUTTON (spin),
                              param->kind == ENG_PARAM_INT ? 0 : (step < 0.1 ? 2 : 1));
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (spin), param->default_value);
  gtk_editable_set_width_chars (GTK_EDITABLE (spin), 5);
  app_scroll_let_through (spin);
  return spin;
}

static void
build (AppParamRow *self)
{
  const char *signal = "value-changed";

  if (self->param->kind == ENG_PARAM_CHOICE)
    {
      self->control = make_drop_down (self);
      signal = "notify::selected";
    }
  else if (self->param->kind == ENG_PARAM_SWITCH)
    {
      self->control = gtk_switch_new ();
      signal = "notify::active";
    }
  else if (self->param->kind == ENG_PARAM_PATH)
    {
      self->control = app_path_button_new (self->param->title);
      signal = "notify::path";
    }
  else if (self->param->kind == ENG_PARAM_MODEL)
    {
      self->control = app_model_button_new (self->param);
      signal = "notify::path";
    }
  else
    self->control = make_spin (self);

  gtk_widget_set_valign (self->control, GTK_ALIGN_CENTER);
  adw_action_row_add_suffix (ADW_ACTION_ROW (self), self->control);
  /* The row's title names the control already; where that is a layer or a pattern, the parameter
   * must be said too. */
  if (self->exception)
    gtk_accessible_update_property (GTK_ACCESSIBLE (self->control), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                    self->param->title, -1);
  if (self->param->kind != ENG_PARAM_PATH && self->param->kind != ENG_PARAM_MODEL)
    adw_action_row_set_activatable_widget (ADW_ACTION_ROW (self), self->control);
  g_signal_connect_object (self->control, signal, G_CALLBACK (on_control), self, G_CONNECT_SWAPPED);

  /* A slider below the row moves it (app_param_row_get_adjustment()): two controls of one number
   * would be one too many for a narrow pane. */
  if (self->inheritable && GTK_IS_SPIN_BUTTON (self->control))
    {
      gtk_widget_set_visible (self->control, FALSE);
      self->reading
          = g_object_new (GTK_TYPE_LABEL, "css-classes", (const char *[]){ "numeric", NULL }, NULL);
      adw_action_row_add_suffix (ADW_ACTION_ROW (self), self->reading);
    }
  if (self->inheritable && self->param->kind != ENG_PARAM_CHOICE)
    {
      self->reset = gtk_button_new_from_icon_name ("edit-clear-symbolic");
      gtk_widget_set_valign (self->reset, GTK_ALIGN_CENTER);
      gtk_widget_add_css_class (self->reset, "flat");
      gtk_widget_set_tooltip_text (self->reset, _ ("As the whole model"));
      adw_action_row_add_suffix (ADW_ACTION_ROW (self), self->reset);
      g_signal_connect_object (self->reset, "clicked", G_CALLBACK (on_reset), self,
                               G_CONNECT_SWAPPED);
    }
}

static void
app_param_row_dispose (GObject *object)
{
  AppParamRow *self = APP_PARAM_ROW (object);

  g_clear_handle_id (&self->settle_id, g_source_remove);
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_pointer (&self->inherited, g_variant_unref);
  G_OBJECT_CLASS (app_param_row_parent_class)->dispose (object);
}

static void
app_param_row_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_VALUE)
    g_value_set_variant (value, APP_PARAM_ROW (object)->value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_param_row_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_VALUE)
    app_param_row_set_value (APP_PARAM_ROW (object), g_value_get_variant (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_param_row_class_init (AppParamRowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = app_param_row_dispose;
  object_class->get_property = app_param_row_get_property;
  object_class->set_property = app_param_row_set_property;
  props[PROP_VALUE]
      = g_param_spec_variant ("value", NULL, NULL, G_VARIANT_TYPE_ANY, NULL,
                              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                          0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_PREVIEW] = g_signal_new ("preview", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                          0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
app_param_row_init (AppParamRow *self)
{
}

GtkWidget *
app_param_row_new (const EngParam *param, AppParamRowKind kind)
{
  AppParamRow *self;

  g_return_val_if_fail (param != NULL, NULL);

  self = g_object_new (APP_TYPE_PARAM_ROW, "title", param->title, NULL);
  self->param = param;
  self->inheritable = kind == APP_PARAM_ROW_LAYER;
  self->exception = kind != APP_PARAM_ROW_WHOLE;
  build (self);
  return GTK_WIDGET (self);
}

const EngParam *
app_param_row_get_param (AppParamRow *self)
{
  g_return_val_if_fail (APP_IS_PARAM_ROW (self), NULL);
  return self->param;
}

GVariant *
app_param_row_get_value (AppParamRow *self)
{
  g_return_val_if_fail (APP_IS_PARAM_ROW (self), NULL);
  return self->value;
}

void
app_param_row_set_value (AppParamRow *self, GVariant *value)
{
  g_return_if_fail (APP_IS_PARAM_ROW (self));

  g_clear_handle_id (&self->settle_id, g_source_remove);
  take_value (self, value);
  if (self->control != NULL)
    write_control (self);
}

GVariant *
app_param_row_dup_preview (AppParamRow *self)
{
  GVariant *value;

  g_return_val_if_fail (APP_IS_PARAM_ROW (self), NULL);
  if (self->settle_id == 0)
    return self->value != NULL ? g_variant_ref (self->value) : NULL;
  value = read_control (self);
  return value != NULL ? g_variant_ref_sink (value) : NULL;
}

void
app_param_row_set_inherited (AppParamRow *self, GVariant *value)
{
  g_autoptr (GVariant) taken = value != NULL ? g_variant_ref_sink (value) : NULL;

  g_return_if_fail (APP_IS_PARAM_ROW (self));

  g_clear_pointer (&self->inherited, g_variant_unref);
  self->inherited = g_steal_pointer (&taken);
  if (self->value == NULL && self->settle_id == 0)
    write_control (self);
}

void
app_param_row_set_place (AppParamRow *self, const char *place)
{
  g_autofree char *said = NULL;

  g_return_if_fail (APP_IS_PARAM_ROW (self) && place != NULL);

  said = g_strdup_printf ("%s %s", self->param->title, place);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->control), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  said, -1);
}

GtkAdjustment *
app_param_row_get_adjustment (AppParamRow *self)
{
  g_return_val_if_fail (APP_IS_PARAM_ROW (self), NULL);
  return GTK_IS_SPIN_BUTTON (self->control)
             ? gtk_spin_button_get_adjustment (GTK_SPIN_BUTTON (self->control))
             : NULL;
}

void
app_param_row_set_limits (AppParamRow *self, double min, double max)
{
  g_return_if_fail (APP_IS_PARAM_ROW (self));
  g_return_if_fail (min <= max);

  if (!GTK_IS_SPIN_BUTTON (self->control))
    return;
  self->updating = TRUE; /* the spin button clamps its value and says so */
  gtk_spin_button_set_range (GTK_SPIN_BUTTON (self->control), min, max);
  self->updating = FALSE;
}

void
app_param_row_set_model (AppParamRow *self, EngModel *model)
{
  g_return_if_fail (APP_IS_PARAM_ROW (self));

  if (APP_IS_MODEL_BUTTON (self->control))
    app_model_button_set_model (APP_MODEL_BUTTON (self->control), model);
}
