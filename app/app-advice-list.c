/* The list of advice in the roofline view. Follows the adviser; must not know how advice is
 * found. */
#include "app-advice-list.h"

#include "app-config.h"

#include <glib/gi18n.h>

struct _AppAdviceList
{
  GtkWidget parent_instance;

  GtkWidget *box;
  GtkWidget *list;
  GtkWidget *note; /* why there is none */

  AppAdviser *adviser;
  AppStage *stage;
};

G_DEFINE_FINAL_TYPE (AppAdviceList, app_advice_list, GTK_TYPE_WIDGET)

static GtkWidget *
new_label (const char *text, const char *style)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_width_chars (GTK_LABEL (label), 12);
  gtk_widget_add_css_class (label, style);
  return label;
}

static void
on_apply (GtkButton *button, gpointer data)
{
  AppAdviceList *self = data;
  guint i = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (button), "advice"));
  GPtrArray *advice = app_adviser_get_advice (self->adviser);

  /* What was shown may be out of date by a frame. */
  if (advice != NULL && i < advice->len)
    app_adviser_apply (self->adviser, g_ptr_array_index (advice, i));
}

static GtkWidget *
new_apply (AppAdviceList *self, const EngAdvice *advice, guint i)
{
  GtkWidget *button = gtk_button_new_with_label (_ ("Apply"));
  g_autofree char *spoken = g_strdup_printf (_ ("Apply: %s"), advice->title);

  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (button, _ ("Use this recipe; Ctrl+Z brings the present one back"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken,
                                  -1);
  g_object_set_data (G_OBJECT (button), "advice", GUINT_TO_POINTER (i));
  g_signal_connect_object (button, "clicked", G_CALLBACK (on_apply), self, 0);
  return button;
}

static GtkWidget *
new_card (AppAdviceList *self, const EngAdvice *advice, guint i)
{
  GtkWidget *row = gtk_list_box_row_new ();
  GtkWidget *head = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *text = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3);
  GtkWidget *title = new_label (advice->title, "heading");
  GtkWidget *gain = new_label (advice->gain, "advice-gain");

  gtk_widget_add_css_class (text, "advice-card");
  gtk_widget_add_css_class (gain, "numeric");
  gtk_widget_set_hexpand (title, TRUE);
  gtk_box_append (GTK_BOX (head), title);
  if (advice->recipe != NULL)
    gtk_box_append (GTK_BOX (head), new_apply (self, advice, i));
  gtk_box_append (GTK_BOX (text), head);
  gtk_box_append (GTK_BOX (text), gain);
  gtk_box_append (GTK_BOX (text), new_label (advice->cause, "caption"));
  if (*advice->cost != '\0')
    {
      g_autofree char *cost = g_strdup_printf (_ ("Cost: %s"), advice->cost);
      GtkWidget *label = new_label (cost, "caption");

      gtk_widget_add_css_class (label, "dim-label");
      gtk_box_append (GTK_BOX (text), label);
    }
  if (advice->action != NULL)
    gtk_box_append (GTK_BOX (text), new_label (advice->action, "caption"));
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), text);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  advice->sentence, -1);
  return row;
}

static const char *
why_none (AppAdviceList *self)
{
  if (app_stage_get_running (self->stage))
    return _ ("Advice follows when the run ends.");
  if (app_adviser_is_busy (self->adviser))
    return _ ("Looking for what would make this cheaper…");
  if (app_adviser_get_advice (self->adviser) == NULL)
    return _ ("Run the model: advice rests on what was measured.");
  if (app_adviser_get_roof (self->adviser) == NULL)
    return _ ("Nothing to advise yet. Measured roofs would tell what the layers wait for.");
  return _ ("Nothing that is known here would make this cheaper.");
}

static void
update (AppAdviceList *self)
{
  GPtrArray *advice = app_adviser_get_advice (self->adviser);
  guint n = advice != NULL ? advice->len : 0;
  GtkListBoxRow *row;

  while ((row = gtk_list_box_get_row_at_index (GTK_LIST_BOX (self->list), 0)) != NULL)
    gtk_list_box_remove (GTK_LIST_BOX (self->list), GTK_WIDGET (row));
  for (guint i = 0; i < n; i++)
    gtk_list_box_append (GTK_LIST_BOX (self->list),
                         new_card (self, g_ptr_array_index (advice, i), i));
  gtk_widget_set_visible (self->list, n > 0);
  gtk_widget_set_visible (self->note, n == 0);
  if (n == 0)
    gtk_label_set_label (GTK_LABEL (self->note), why_none (self));
}

static void
app_advice_list_dispose (GObject *object)
{
  AppAdviceList *self = APP_ADVICE_LIST (object);

  g_clear_pointer (&self->box, gtk_widget_unparent);
  g_clear_object (&self->adviser);
  g_clear_object (&self->stage);
  G_OBJECT_CLASS (app_advice_list_parent_class)->dispose (object);
}

static void
app_advice_list_class_init (AppAdviceListClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_advice_list_dispose;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (GTK_WIDGET_CLASS (klass), "advice-list");
}

static void
app_advice_list_init (AppAdviceList *self)
{
  GtkWidget *title = new_label (_ ("Advice"), "heading");

  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  self->note = new_label ("", "dim-label");
  self->list = gtk_list_box_new ();
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (self->list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (self->list, "boxed-list");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->list), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Advice, best first"), -1);
  gtk_box_append (GTK_BOX (self->box), title);
  gtk_box_append (GTK_BOX (self->box), self->note);
  gtk_box_append (GTK_BOX (self->box), self->list);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
}

void
app_advice_list_set_adviser (AppAdviceList *self, AppAdviser *adviser, AppStage *stage)
{
  g_return_if_fail (APP_IS_ADVICE_LIST (self) && APP_IS_ADVISER (adviser));
  g_return_if_fail (self->adviser == NULL);

  self->adviser = g_object_ref (adviser);
  self->stage = g_object_ref (stage);
  g_signal_connect_object (adviser, "changed", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (stage, "changed", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  update (self);
}
