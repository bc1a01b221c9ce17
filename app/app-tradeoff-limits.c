/* The limits of the trade-off view: what a person types beside the axes. Called by the view. */
#include "app-tradeoff-view-private.h"

#include "app-config.h"
#include "app-figures.h"

#include <glib/gi18n.h>
#include <string.h>

static GtkEntry *
get_limit_entry (AppTradeoffView *self, guint i)
{
  GtkWidget *entries[N_LIMITS] = { self->x_limit, self->y_limit, self->other_limit };

  return GTK_ENTRY (entries[i]);
}

/* "<= 64 MB" is as good as "64 MB". */
static const char *
skip_sign (const char *text)
{
  static const char *const signs[] = { "<=", ">=", "≤", "≥", "<", ">" };

  text += strspn (text, " ");
  for (guint i = 0; i < G_N_ELEMENTS (signs); i++)
    if (g_str_has_prefix (text, signs[i]))
      return text + strlen (signs[i]);
  return text;
}

static gboolean
read_limit (AppTradeoffView *self, guint i, GError **error)
{
  const char *text = gtk_editable_get_text (GTK_EDITABLE (get_limit_entry (self, i)));
  EngFigureId id = app_tradeoff_view_get_axis (self, i == 0 ? self->x_choice : self->y_choice);
  double value;

  self->has_limit[i] = FALSE;
  if (text[strspn (text, " ")] == '\0')
    return TRUE;
  if (i == 2)
    self->has_limit[i]
        = eng_limit_parse (text, app_figures_workload_kind (self->kind), &self->limits[i], error);
  else if (eng_figure_value_parse (skip_sign (text), id, &value, error))
    {
      self->limits[i] = eng_limit_for (id, value);
      self->has_limit[i] = TRUE;
    }
  return self->has_limit[i];
}

static void
show_limit_state (GtkEntry *entry, const GError *error)
{
  gboolean empty = gtk_entry_get_text_length (entry) == 0;

  gtk_entry_set_icon_from_icon_name (entry, GTK_ENTRY_ICON_SECONDARY,
                                     empty ? NULL : "edit-clear-symbolic");
  gtk_entry_set_icon_tooltip_text (entry, GTK_ENTRY_ICON_SECONDARY,
                                   empty ? NULL : _ ("Clear the limit"));
  if (error != NULL)
    gtk_widget_add_css_class (GTK_WIDGET (entry), "error");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (entry), "error");
  gtk_accessible_update_state (GTK_ACCESSIBLE (entry), GTK_ACCESSIBLE_STATE_INVALID,
                               error != NULL ? GTK_ACCESSIBLE_INVALID_TRUE
                                             : GTK_ACCESSIBLE_INVALID_FALSE,
                               -1);
}

void
app_tradeoff_view_read_limits (AppTradeoffView *self)
{
  g_autoptr (GError) first = NULL;

  for (guint i = 0; i < N_LIMITS; i++)
    {
      g_autoptr (GError) error = NULL;

      read_limit (self, i, &error);
      show_limit_state (get_limit_entry (self, i), error);
      if (first == NULL)
        first = g_steal_pointer (&error);
    }
  gtk_label_set_label (GTK_LABEL (self->problem), first != NULL ? first->message : "");
  gtk_widget_set_visible (self->problem, first != NULL);
}

static void
name_limit (GtkWidget *label, GtkWidget *entry, EngFigureId id)
{
  g_autofree char *name
      = g_strdup_printf (eng_figure_id_lower_is_better (id) ? _ ("%s at most") : _ ("%s at least"),
                         eng_figure_id_title (id));
  const char *unit = eng_figure_id_unit (id);
  g_autofree char *hint = NULL;

  if (g_str_equal (unit, "B"))
    hint = g_strdup (_ ("like 64 MB"));
  else
    hint = g_strdup_printf (_ ("like 5 %s"), unit);
  gtk_label_set_label (GTK_LABEL (label), name);
  gtk_entry_set_placeholder_text (GTK_ENTRY (entry), g_strstrip (hint));
  gtk_accessible_update_property (GTK_ACCESSIBLE (entry), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
}

void
app_tradeoff_view_name_limits (AppTradeoffView *self)
{
  name_limit (self->x_limit_name, self->x_limit, self->tradeoff->x);
  name_limit (self->y_limit_name, self->y_limit, self->tradeoff->y);
}
