/* The heading is a button: a click or the space bar folds what is below it. Used by the recipe
 * pane; knows no technique. */
#include "app-recipe-group.h"

#include "app-config.h"

#include <glib/gi18n.h>

struct _AppRecipeGroup
{
  GtkBox parent_instance;

  char *title;
  gboolean folded, forced;
  GtkWidget *button, *arrow, *brief, *full, *content;
};

enum
{
  PROP_0,
  PROP_FOLDED,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (AppRecipeGroup, app_recipe_group, GTK_TYPE_BOX)

static void
update (AppRecipeGroup *self)
{
  gboolean open = !self->folded || self->forced;
  const char *full = gtk_label_get_label (GTK_LABEL (self->full));

  gtk_widget_set_visible (self->content, open);
  gtk_widget_set_visible (self->full, !open && *full != '\0');
  gtk_image_set_from_icon_name (GTK_IMAGE (self->arrow),
                                open ? "pan-down-symbolic" : "pan-end-symbolic");
  gtk_accessible_update_state (GTK_ACCESSIBLE (self->button), GTK_ACCESSIBLE_STATE_EXPANDED, open,
                               -1);
}

static void
on_clicked (AppRecipeGroup *self)
{
  app_recipe_group_set_folded (self, !self->folded);
}

static void
app_recipe_group_finalize (GObject *object)
{
  g_free (APP_RECIPE_GROUP (object)->title);
  G_OBJECT_CLASS (app_recipe_group_parent_class)->finalize (object);
}

static void
app_recipe_group_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_FOLDED)
    g_value_set_boolean (value, APP_RECIPE_GROUP (object)->folded);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_recipe_group_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_FOLDED)
    app_recipe_group_set_folded (APP_RECIPE_GROUP (object), g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_recipe_group_class_init (AppRecipeGroupClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = app_recipe_group_finalize;
  object_class->get_property = app_recipe_group_get_property;
  object_class->set_property = app_recipe_group_set_property;
  props[PROP_FOLDED]
      = g_param_spec_boolean ("folded", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);
  gtk_widget_class_set_css_name (GTK_WIDGET_CLASS (klass), "recipe-group");
  gtk_widget_class_set_accessible_role (GTK_WIDGET_CLASS (klass), GTK_ACCESSIBLE_ROLE_GROUP);
}

static GtkWidget *
make_label (const char *const *classes)
{
  return g_object_new (GTK_TYPE_LABEL, "xalign", 0.0f, "css-classes", classes, NULL);
}

static void
app_recipe_group_init (AppRecipeGroup *self)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  self->button = gtk_button_new ();
  gtk_widget_add_css_class (self->button, "flat");
  gtk_widget_add_css_class (self->button, "group-button");
  gtk_box_append (GTK_BOX (self), self->button);
  self->full = make_label ((const char *[]){ "caption", "group-summary", NULL });
  g_object_set (self->full, "ellipsize", PANGO_ELLIPSIZE_END, "visible", FALSE, NULL);
  gtk_box_append (GTK_BOX (self), self->full);
  self->content = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  gtk_widget_add_css_class (self->content, "group-content");
  gtk_box_append (GTK_BOX (self), self->content);
  g_signal_connect_object (self->button, "clicked", G_CALLBACK (on_clicked), self,
                           G_CONNECT_SWAPPED);
}

GtkWidget *
app_recipe_group_new (const char *title)
{
  AppRecipeGroup *self = g_object_new (APP_TYPE_RECIPE_GROUP, NULL);
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *label = make_label ((const char *[]){ "caption-heading", NULL });

  self->title = g_strdup (title);
  self->arrow = gtk_image_new ();
  self->brief = make_label ((const char *[]){ "caption", "dim-label", NULL });
  gtk_label_set_label (GTK_LABEL (label), title);
  gtk_widget_set_hexpand (label, TRUE);
  gtk_box_append (GTK_BOX (line), self->arrow);
  gtk_box_append (GTK_BOX (line), label);
  gtk_box_append (GTK_BOX (line), self->brief);
  gtk_button_set_child (GTK_BUTTON (self->button), line);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  title, -1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, title, -1);
  update (self);
  return GTK_WIDGET (self);
}

const char *
app_recipe_group_get_title (AppRecipeGroup *self)
{
  g_return_val_if_fail (APP_IS_RECIPE_GROUP (self), NULL);
  return self->title;
}

void
app_recipe_group_add (AppRecipeGroup *self, GtkWidget *child)
{
  g_return_if_fail (APP_IS_RECIPE_GROUP (self) && GTK_IS_WIDGET (child));
  gtk_box_append (GTK_BOX (self->content), child);
}

GtkWidget *
app_recipe_group_get_first (AppRecipeGroup *self)
{
  g_return_val_if_fail (APP_IS_RECIPE_GROUP (self), NULL);
  return gtk_widget_get_first_child (self->content);
}

gboolean
app_recipe_group_get_folded (AppRecipeGroup *self)
{
  g_return_val_if_fail (APP_IS_RECIPE_GROUP (self), FALSE);
  return self->folded;
}

void
app_recipe_group_set_folded (AppRecipeGroup *self, gboolean folded)
{
  g_return_if_fail (APP_IS_RECIPE_GROUP (self));

  if (self->folded == !!folded)
    return;
  self->folded = !!folded;
  update (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_FOLDED]);
}

void
app_recipe_group_set_forced (AppRecipeGroup *self, gboolean forced)
{
  g_return_if_fail (APP_IS_RECIPE_GROUP (self));
  self->forced = forced;
  update (self);
}

void
app_recipe_group_set_summary (AppRecipeGroup *self, const char *brief, const char *full)
{
  g_return_if_fail (APP_IS_RECIPE_GROUP (self));

  gtk_label_set_label (GTK_LABEL (self->brief), brief != NULL ? brief : "");
  gtk_label_set_label (GTK_LABEL (self->full), full != NULL ? full : "");
  gtk_widget_set_tooltip_text (self->button, full);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->button),
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, full != NULL ? full : "",
                                  -1);
  update (self);
}
