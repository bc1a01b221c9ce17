/* The left pane, two pages: the whole model, and the selected layer alone. Walks the technique
 * table once: a section per group, a box per technique in it; above them what finds one of many. No
 * technique or group is known here by name. */
#include "app-recipe-pane.h"

#include "app-config.h"
#include "app-layers.h"
#include "app-recipe-group.h"
#include "app-recipe-layer.h"
#include "app-settings.h"
#include "app-technique-box.h"

#include <glib/gi18n.h>
#include <string.h>

#define FOLDED_KEY "recipe-folded" /* titles of folded groups, between semicolons */

struct _AppRecipePane
{
  GtkWidget parent_instance;

  GtkWidget *content, *stack;
  GtkWidget *whole, *layer; /* GtkToggleButton: which page */
  GtkWidget *search, *none;
  GtkWidget *box;
  GPtrArray *groups; /* AppRecipeGroup, borrowed */
  EngSession *session;
  AppSelection *selection;
};

G_DEFINE_FINAL_TYPE (AppRecipePane, app_recipe_pane, GTK_TYPE_WIDGET)

/* ---- Folding, remembered ---- */

static gboolean
was_folded (const char *title)
{
  g_autofree char *folded = app_settings_dup_string (FOLDED_KEY, "");
  g_auto (GStrv) titles = g_strsplit (folded, ";", -1);

  return g_strv_contains ((const char *const *)titles, title);
}

static void
on_folded (AppRecipePane *self)
{
  g_autoptr (GString) titles = g_string_new (NULL);

  for (guint i = 0; i < self->groups->len; i++)
    if (app_recipe_group_get_folded (self->groups->pdata[i]))
      g_string_append_printf (titles, "%s%s", titles->len > 0 ? ";" : "",
                              app_recipe_group_get_title (self->groups->pdata[i]));
  app_settings_set_string (FOLDED_KEY, titles->str);
}

/* ---- Searching, and what a group says of itself ---- */

static guint
filter_group (AppRecipeGroup *group, const char *needle)
{
  guint n_shown = 0;

  for (GtkWidget *child = app_recipe_group_get_first (group); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    n_shown += app_technique_box_filter (APP_TECHNIQUE_BOX (child), needle) ? 1 : 0;
  gtk_widget_set_visible (GTK_WIDGET (group), n_shown > 0);
  app_recipe_group_set_forced (group, needle != NULL);
  return n_shown;
}

static void
filter (AppRecipePane *self)
{
  const char *text = gtk_editable_get_text (GTK_EDITABLE (self->search));
  g_autofree char *folded = g_utf8_casefold (text, -1);
  const char *needle = *g_strstrip (folded) != '\0' ? folded : NULL;
  guint n_shown = 0;

  for (guint i = 0; i < self->groups->len; i++)
    n_shown += filter_group (self->groups->pdata[i], needle);
  gtk_widget_set_visible (self->none, n_shown == 0 && needle != NULL);
}

static void
summarize (AppRecipeGroup *group)
{
  g_autoptr (GString) full = g_string_new (NULL);
  g_autofree char *brief = NULL;
  guint n = 0, n_set = 0;

  for (GtkWidget *child = app_recipe_group_get_first (group); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      AppTechniqueBox *box = APP_TECHNIQUE_BOX (child);
      g_autofree char *state = app_technique_box_dup_state (box);

      if (!app_technique_box_get_usable (box))
        continue;
      n++;
      if (state == NULL)
        continue;
      n_set++;
      g_string_append_printf (full, "%s%s", full->len > 0 ? ", " : "", state);
    }
  if (n_set > 0)
    /* Translators: of the techniques of a group */
    brief = g_strdup_printf (_ ("%u of %u set"), n_set, n);
  app_recipe_group_set_summary (group, brief, full->len > 0 ? full->str : NULL);
}

static void
on_recipe (AppRecipePane *self)
{
  for (guint i = 0; i < self->groups->len; i++)
    summarize (self->groups->pdata[i]);
}

static void
on_model (AppRecipePane *self)
{
  filter (self);
  on_recipe (self);
}

/* ---- The whole model, or the selected layer ---- */

static void
on_scope (AppRecipePane *self)
{
  gboolean layer = gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->layer));

  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), layer ? "layer" : "whole");
}

static void
on_layer (AppRecipePane *self)
{
  EngModel *model = eng_session_get_model (self->session);
  int layer = app_selection_get_layer (self->selection);
  gboolean selected = model != NULL && layer != APP_LAYER_NONE;
  g_autofree char *name = selected ? app_layers_dup_title (model, layer) : NULL;

  gtk_label_set_label (GTK_LABEL (gtk_button_get_child (GTK_BUTTON (self->layer))),
                       name != NULL ? name : _ ("Layer"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->layer), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  name != NULL ? name : _ ("Layer"), -1);
  gtk_widget_set_tooltip_text (self->layer, selected ? _ ("The recipe of this layer alone")
                                                     : _ ("Select a layer in any view"));
}

/* ---- Life ---- */

static void
app_recipe_pane_dispose (GObject *object)
{
  AppRecipePane *self = APP_RECIPE_PANE (object);

  g_clear_pointer (&self->content, gtk_widget_unparent);
  g_clear_pointer (&self->groups, g_ptr_array_unref);
  g_clear_object (&self->session);
  g_clear_object (&self->selection);
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

static GtkWidget *
make_scope (AppRecipePane *self, const char *text, GtkWidget *group)
{
  GtkWidget *button = gtk_toggle_button_new ();

  gtk_button_set_child (GTK_BUTTON (button),
                        g_object_new (GTK_TYPE_LABEL, "label", text, "ellipsize",
                                      PANGO_ELLIPSIZE_MIDDLE, NULL));
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, text, -1);
  if (group != NULL)
    gtk_toggle_button_set_group (GTK_TOGGLE_BUTTON (button), GTK_TOGGLE_BUTTON (group));
  return button;
}

static void
build_scopes (AppRecipePane *self)
{
  GtkWidget *scopes = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);

  gtk_box_set_homogeneous (GTK_BOX (scopes), TRUE);
  gtk_widget_add_css_class (scopes, "linked");
  gtk_widget_add_css_class (scopes, "recipe-scopes");
  self->whole = make_scope (self, _ ("Whole Model"), NULL);
  self->layer = make_scope (self, _ ("Layer"), self->whole);
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (self->whole), TRUE);
  g_signal_connect_object (self->layer, "toggled", G_CALLBACK (on_scope), self, G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (scopes), self->whole);
  gtk_box_append (GTK_BOX (scopes), self->layer);
  gtk_box_append (GTK_BOX (self->content), scopes);
}

static GtkWidget *
make_page (GtkWidget *child)
{
  return g_object_new (GTK_TYPE_SCROLLED_WINDOW, "hscrollbar-policy", GTK_POLICY_NEVER, "child",
                       child, "width-request", 300, "vexpand", TRUE, NULL);
}

static void
app_recipe_pane_init (AppRecipePane *self)
{
  GtkWidget *page = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);

  self->groups = g_ptr_array_new ();
  self->content = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  gtk_widget_set_parent (self->content, GTK_WIDGET (self));
  build_scopes (self);

  self->search = gtk_search_entry_new ();
  g_object_set (self->search, "placeholder-text", _ ("Find a technique"), NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->search), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Find a technique"), -1);
  gtk_widget_add_css_class (self->search, "recipe-search");
  g_signal_connect_object (self->search, "search-changed", G_CALLBACK (filter), self,
                           G_CONNECT_SWAPPED);
  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  gtk_widget_add_css_class (self->box, "pane-content");
  self->none = g_object_new (GTK_TYPE_LABEL, "label", _ ("No technique is called so."), "visible",
                             FALSE, "css-classes", (const char *[]){ "dim-label", NULL }, NULL);
  gtk_box_append (GTK_BOX (page), self->search);
  gtk_box_append (GTK_BOX (page), make_page (self->box));

  self->stack = gtk_stack_new ();
  gtk_stack_add_named (GTK_STACK (self->stack), page, "whole");
  gtk_box_append (GTK_BOX (self->content), self->stack);
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
           AppStage *stage)
{
  GtkWidget *group = app_recipe_group_new (list[first]->group);

  for (guint i = first; i < n; i++)
    if (g_strcmp0 (list[i]->group, list[first]->group) == 0)
      app_recipe_group_add (APP_RECIPE_GROUP (group), app_technique_box_new (list[i], stage));
  app_recipe_group_set_folded (APP_RECIPE_GROUP (group), was_folded (list[first]->group));
  g_signal_connect_object (group, "notify::folded", G_CALLBACK (on_folded), self,
                           G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (self->box), group);
  g_ptr_array_add (self->groups, group);
}

void
app_recipe_pane_set_stage (AppRecipePane *self, AppStage *stage, AppSelection *selection)
{
  guint n;
  const EngTechnique *const *list = eng_technique_list (&n);
  GtkWidget *layer;

  g_return_if_fail (APP_IS_RECIPE_PANE (self) && APP_IS_STAGE (stage)
                    && APP_IS_SELECTION (selection));
  g_return_if_fail (self->session == NULL);

  self->session = g_object_ref (app_stage_get_session (stage));
  self->selection = g_object_ref (selection);
  layer = app_recipe_layer_new (stage, selection);
  gtk_widget_add_css_class (layer, "pane-content");
  gtk_stack_add_named (GTK_STACK (self->stack), make_page (layer), "layer");
  gtk_box_append (GTK_BOX (self->box), self->none);
  for (guint i = 0; i < n; i++)
    if (!group_seen (list, i, list[i]->group))
      add_group (self, list, n, i, stage);
  /* After the boxes themselves, which were connected first. */
  g_signal_connect_object (self->session, "notify::recipe", G_CALLBACK (on_recipe), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->session, "notify::model", G_CALLBACK (on_model), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->session, "notify::model", G_CALLBACK (on_layer), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (selection, "notify::layer", G_CALLBACK (on_layer), self,
                           G_CONNECT_SWAPPED);
  on_model (self);
  on_layer (self);
}
