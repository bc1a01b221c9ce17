/* The left pane. Walks the technique table once and stacks a box per technique under its group's
 * heading. */
#include "app-recipe-pane.h"

#include "app-config.h"
#include "app-technique-box.h"

#include <glib/gi18n.h>

struct _AppRecipePane
{
  GtkWidget parent_instance;

  GtkWidget *scroller;
  GtkWidget *box;
};

G_DEFINE_FINAL_TYPE (AppRecipePane, app_recipe_pane, GTK_TYPE_WIDGET)

static void
app_recipe_pane_dispose (GObject *object)
{
  g_clear_pointer (&APP_RECIPE_PANE (object)->scroller, gtk_widget_unparent);
  G_OBJECT_CLASS (app_recipe_pane_parent_class)->dispose (object);
}

static void
app_recipe_pane_class_init (AppRecipePaneClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = app_recipe_pane_dispose;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "recipe-pane");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
app_recipe_pane_init (AppRecipePane *self)
{
  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 18);
  gtk_widget_add_css_class (self->box, "pane-content");
  self->scroller = g_object_new (GTK_TYPE_SCROLLED_WINDOW, "hscrollbar-policy", GTK_POLICY_NEVER,
                                 "child", self->box, "width-request", 300, NULL);
  gtk_widget_set_parent (self->scroller, GTK_WIDGET (self));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Recipe"), -1);
}

GtkWidget *
app_recipe_pane_new (void)
{
  return g_object_new (APP_TYPE_RECIPE_PANE, NULL);
}

static gboolean
group_seen (const EngTechnique *const *list, guint before, const char *group)
{
  for (guint i = 0; i < before; i++)
    if (g_strcmp0 (list[i]->group, group) == 0)
      return TRUE;
  return FALSE;
}

static void
add_group (AppRecipePane *self, const EngTechnique *const *list, guint n, guint first,
           AppStage *stage, AppSelection *selection)
{
  GtkWidget *heading
      = g_object_new (GTK_TYPE_LABEL, "label", list[first]->group, "xalign", 0.0f, "css-classes",
                      (const char *[]){ "group-heading", "caption-heading", "dim-label", NULL },
                      NULL);

  gtk_box_append (GTK_BOX (self->box), heading);
  for (guint i = first; i < n; i++)
    if (g_strcmp0 (list[i]->group, list[first]->group) == 0)
      gtk_box_append (GTK_BOX (self->box), app_technique_box_new (list[i], stage, selection));
}

void
app_recipe_pane_set_stage (AppRecipePane *self, AppStage *stage, AppSelection *selection)
{
  guint n;
  const EngTechnique *const *list = eng_technique_list (&n);

  g_return_if_fail (APP_IS_RECIPE_PANE (self) && APP_IS_STAGE (stage)
                    && APP_IS_SELECTION (selection));
  g_return_if_fail (gtk_widget_get_first_child (self->box) == NULL);

  for (guint i = 0; i < n; i++)
    if (!group_seen (list, i, list[i]->group))
      add_group (self, list, n, i, stage, selection);
}
