/* The recipe pane's second page: a box per technique that can be set for the selected layer alone
 * (app-layer-box.c). Drawn from the technique table. */
#include "app-recipe-layer.h"

#include "app-config.h"
#include "app-layer-box.h"

#include <glib/gi18n.h>

struct _AppRecipeLayer
{
  GtkBox parent_instance;

  EngSession *session;
  AppSelection *selection;
  GtkWidget *note, *hint;
  GPtrArray *boxes; /* AppLayerBox, borrowed */
};

G_DEFINE_FINAL_TYPE (AppRecipeLayer, app_recipe_layer, GTK_TYPE_BOX)

static gboolean
any_box_visible (AppRecipeLayer *self)
{
  for (guint i = 0; i < self->boxes->len; i++)
    if (gtk_widget_get_visible (self->boxes->pdata[i]))
      return TRUE;
  return FALSE;
}

static void
update (AppRecipeLayer *self)
{
  EngModel *model = eng_session_get_model (self->session);
  int layer = app_selection_get_layer (self->selection);
  gboolean selected = model != NULL && layer != APP_LAYER_NONE;

  gtk_widget_set_visible (self->hint, !selected);
  gtk_widget_set_visible (self->note, selected && !any_box_visible (self));
}

static void
app_recipe_layer_dispose (GObject *object)
{
  AppRecipeLayer *self = APP_RECIPE_LAYER (object);

  g_clear_object (&self->session);
  g_clear_object (&self->selection);
  g_clear_pointer (&self->boxes, g_ptr_array_unref);
  G_OBJECT_CLASS (app_recipe_layer_parent_class)->dispose (object);
}

static void
app_recipe_layer_class_init (AppRecipeLayerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_recipe_layer_dispose;
  gtk_widget_class_set_css_name (GTK_WIDGET_CLASS (klass), "recipe-layer");
  gtk_widget_class_set_accessible_role (GTK_WIDGET_CLASS (klass), GTK_ACCESSIBLE_ROLE_GROUP);
}

static GtkWidget *
make_text (const char *text, const char *const *classes)
{
  return g_object_new (GTK_TYPE_LABEL, "label", text, "xalign", 0.0f, "wrap", TRUE, "wrap-mode",
                       PANGO_WRAP_WORD_CHAR, "css-classes", classes, NULL);
}

static void
app_recipe_layer_init (AppRecipeLayer *self)
{
  self->boxes = g_ptr_array_new ();
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (self), 12);

  self->hint = make_text (_ ("Select a layer in any view to set it by itself."),
                          (const char *[]){ "caption", "dim-label", NULL });
  self->note
      = make_text (_ ("This layer has no matrix of its own: nothing can be set for it alone."),
                   (const char *[]){ "caption", "dim-label", NULL });
  gtk_box_append (GTK_BOX (self), self->hint);
  gtk_box_append (GTK_BOX (self), self->note);
}

GtkWidget *
app_recipe_layer_new (AppStage *stage, AppSelection *selection)
{
  AppRecipeLayer *self;
  guint n;
  const EngTechnique *const *list = eng_technique_list (&n);

  g_return_val_if_fail (APP_IS_STAGE (stage) && APP_IS_SELECTION (selection), NULL);

  self = g_object_new (APP_TYPE_RECIPE_LAYER, NULL);
  self->session = g_object_ref (app_stage_get_session (stage));
  self->selection = g_object_ref (selection);
  for (guint i = 0; i < n; i++)
    if (app_layer_box_is_for (list[i]))
      {
        GtkWidget *box = app_layer_box_new (list[i], stage, selection);

        gtk_box_append (GTK_BOX (self), box);
        g_ptr_array_add (self->boxes, box);
        g_signal_connect_object (box, "notify::visible", G_CALLBACK (update), self,
                                 G_CONNECT_SWAPPED);
      }
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Recipe of the selected layer"), -1);
  g_signal_connect_object (self->session, "notify::model", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (selection, "notify::layer", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  update (self);
  return GTK_WIDGET (self);
}
