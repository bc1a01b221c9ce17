/* A menu button that follows a view stack. The window puts it into the header where a switcher does
 * not fit; it knows nothing of what the pages are. */
#include "app-view-button.h"

#include "app-config.h"

#include <glib/gi18n.h>

struct _AppViewButton
{
  GtkWidget parent_instance;

  GtkWidget *button;
  GtkWidget *icon, *label;
  AdwViewStack *stack;
  GtkSelectionModel *pages;
};

enum
{
  PROP_0,
  PROP_STACK,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (AppViewButton, app_view_button, GTK_TYPE_WIDGET)

/* Pages come, go and change their names seldom: the menu is made when it is opened. */
static void
make_menu (GtkMenuButton *button, gpointer data)
{
  AppViewButton *self = data;
  g_autoptr (GMenu) menu = g_menu_new ();

  for (guint i = 0;
       self->pages != NULL && i < g_list_model_get_n_items (G_LIST_MODEL (self->pages)); i++)
    {
      g_autoptr (AdwViewStackPage) page = g_list_model_get_item (G_LIST_MODEL (self->pages), i);
      g_autoptr (GMenuItem) item = g_menu_item_new (adw_view_stack_page_get_title (page), NULL);

      if (!adw_view_stack_page_get_visible (page))
        continue;
      g_menu_item_set_action_and_target (item, "win.view", "s",
                                         adw_view_stack_page_get_name (page));
      g_menu_append_item (menu, item);
    }
  gtk_menu_button_set_menu_model (button, G_MENU_MODEL (menu));
}

static void
update (AppViewButton *self)
{
  GtkWidget *child = self->stack != NULL ? adw_view_stack_get_visible_child (self->stack) : NULL;
  AdwViewStackPage *page = child != NULL ? adw_view_stack_get_page (self->stack, child) : NULL;
  const char *title = page != NULL ? adw_view_stack_page_get_title (page) : NULL;

  gtk_label_set_label (GTK_LABEL (self->label), title != NULL ? title : "");
  gtk_image_set_from_icon_name (GTK_IMAGE (self->icon),
                                page != NULL ? adw_view_stack_page_get_icon_name (page) : NULL);
}

static void
app_view_button_dispose (GObject *object)
{
  AppViewButton *self = APP_VIEW_BUTTON (object);

  g_clear_object (&self->pages);
  g_clear_object (&self->stack);
  g_clear_pointer (&self->button, gtk_widget_unparent);
  G_OBJECT_CLASS (app_view_button_parent_class)->dispose (object);
}

static void
app_view_button_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_STACK)
    g_value_set_object (value, APP_VIEW_BUTTON (object)->stack);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_view_button_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_STACK)
    app_view_button_set_stack (APP_VIEW_BUTTON (object), g_value_get_object (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_view_button_class_init (AppViewButtonClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = app_view_button_dispose;
  object_class->get_property = app_view_button_get_property;
  object_class->set_property = app_view_button_set_property;
  props[PROP_STACK]
      = g_param_spec_object ("stack", NULL, NULL, ADW_TYPE_VIEW_STACK,
                             G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BIN_LAYOUT);
}

static void
app_view_button_init (AppViewButton *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *arrow = gtk_image_new_from_icon_name ("pan-down-symbolic");

  self->icon = gtk_image_new ();
  self->label = gtk_label_new (NULL);
  gtk_label_set_ellipsize (GTK_LABEL (self->label), PANGO_ELLIPSIZE_END);
  gtk_box_append (GTK_BOX (box), self->icon);
  gtk_box_append (GTK_BOX (box), self->label);
  gtk_box_append (GTK_BOX (box), arrow);
  self->button = gtk_menu_button_new ();
  gtk_menu_button_set_child (GTK_MENU_BUTTON (self->button), box);
  gtk_menu_button_set_create_popup_func (GTK_MENU_BUTTON (self->button), make_menu, self, NULL);
  gtk_widget_add_css_class (self->button, "flat");
  gtk_widget_set_tooltip_text (self->button, _ ("Choose a view"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("View"), -1);
  gtk_widget_set_valign (self->button, GTK_ALIGN_CENTER);
  gtk_widget_set_parent (self->button, GTK_WIDGET (self));
}

void
app_view_button_set_stack (AppViewButton *self, AdwViewStack *stack)
{
  g_return_if_fail (APP_IS_VIEW_BUTTON (self));
  g_return_if_fail (self->stack == NULL); /* one for life */

  if (!g_set_object (&self->stack, stack))
    return;
  self->pages = adw_view_stack_get_pages (stack);
  g_signal_connect_object (stack, "notify::visible-child", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  update (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_STACK]);
}
