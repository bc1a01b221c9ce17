/* Rules by name, as rows that open below a parameter. Used by the technique box; works for any
 * parameter that may be set per layer. What the selected layer has alone is set in app-layer-box.c,
 * and stands here as a rule among the others. */
#include "app-exceptions.h"

#include "app-config.h"
#include "app-layers.h"
#include "app-param-row.h"
#include "app-recipe-edit.h"

#include <glib/gi18n.h>

struct _AppExceptions
{
  AdwExpanderRow parent_instance;

  const EngTechnique *technique;
  const EngParam *param;
  EngSession *session;

  GtkWidget *add_row;   /* AdwEntryRow: a new pattern */
  GPtrArray *rule_rows; /* GtkWidget, borrowed from the expander */
};

G_DEFINE_FINAL_TYPE (AppExceptions, app_exceptions, ADW_TYPE_EXPANDER_ROW)

static void
on_rule_changed (AppParamRow *row, gpointer data)
{
  AppExceptions *self = data;

  app_recipe_edit (GTK_WIDGET (self), self->session, self->technique, self->param,
                   g_object_get_data (G_OBJECT (row), "match"), app_param_row_get_value (row));
}

static void
on_rule_removed (GtkButton *button, gpointer data)
{
  AppExceptions *self = data;
  g_autofree char *match = g_strdup (g_object_get_data (G_OBJECT (button), "match"));

  app_recipe_edit (GTK_WIDGET (self), self->session, self->technique, self->param, match, NULL);
}

/* A new rule starts with a value that differs from the whole model's, so that it does something.
 * Floating or full. */
static GVariant *
first_other_value (AppExceptions *self)
{
  g_autoptr (GVariant) whole = eng_recipe_get (eng_session_get_recipe (self->session),
                                               self->technique->id, self->param->id, NULL);

  if (self->param->kind == ENG_PARAM_CHOICE)
    for (const EngChoice *choice = self->param->choices; choice->id != NULL; choice++)
      if (whole == NULL || g_strcmp0 (choice->id, g_variant_get_string (whole, NULL)) != 0)
        return g_variant_new_string (choice->id);
  if (self->param->kind == ENG_PARAM_SWITCH && whole != NULL)
    return g_variant_new_boolean (!g_variant_get_boolean (whole));
  return g_steal_pointer (&whole);
}

static void
on_add_applied (AppExceptions *self)
{
  const char *text = gtk_editable_get_text (GTK_EDITABLE (self->add_row));
  EngModel *model = eng_session_get_model (self->session);
  g_autofree char *pattern = g_strstrip (g_strdup (text));
  g_autoptr (GVariant) value = NULL;

  if (*pattern == '\0')
    return;
  if (model != NULL && app_layers_count_matches (model, pattern) == 0)
    {
      g_autofree char *message
          = g_strdup_printf (_ ("No weight matrix of this model is called “%s”. Names look like "
                                "“blk.3.ffn_down.weight”; * stands for anything."),
                             pattern);
      gtk_widget_activate_action (GTK_WIDGET (self), "win.toast", "s", message);
      return;
    }
  value = first_other_value (self);
  if (value == NULL)
    return;
  value = g_variant_take_ref (value);
  if (app_recipe_edit (GTK_WIDGET (self), self->session, self->technique, self->param, pattern,
                       value))
    gtk_editable_set_text (GTK_EDITABLE (self->add_row), "");
}

static GtkWidget *
make_rule_row (AppExceptions *self, EngModel *model, const EngRule *rule)
{
  GtkWidget *row = app_param_row_new (self->param, APP_PARAM_ROW_RULE);
  GtkWidget *remove = gtk_button_new_from_icon_name ("list-remove-symbolic");
  g_autofree char *label = g_strdup_printf (_ ("Remove the exception %s"), rule->match);

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), rule->match);
  gtk_widget_add_css_class (row, "pattern");
  if (model != NULL)
    {
      guint n = app_layers_count_matches (model, rule->match);
      g_autofree char *subtitle = g_strdup_printf (ngettext ("%u matrix", "%u matrices", n), n);

      adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
    }
  app_param_row_set_value (APP_PARAM_ROW (row), rule->value);
  g_object_set_data_full (G_OBJECT (row), "match", g_strdup (rule->match), g_free);
  g_signal_connect_object (row, "changed", G_CALLBACK (on_rule_changed), self, 0);

  gtk_widget_set_valign (remove, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (remove, "flat");
  gtk_widget_set_tooltip_text (remove, label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (remove), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                  -1);
  g_object_set_data_full (G_OBJECT (remove), "match", g_strdup (rule->match), g_free);
  g_signal_connect_object (remove, "clicked", G_CALLBACK (on_rule_removed), self, 0);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), remove);
  return row;
}

/* Rows are reused while the patterns stay the same, so that a drop-down does not vanish under the
 * pointer that just used it. */
static gboolean
rows_fit (AppExceptions *self, GPtrArray *matches)
{
  if (matches->len != self->rule_rows->len)
    return FALSE;
  for (guint i = 0; i < matches->len; i++)
    if (g_strcmp0 (matches->pdata[i], g_object_get_data (self->rule_rows->pdata[i], "match")) != 0)
      return FALSE;
  return TRUE;
}

static void
update_rules (AppExceptions *self)
{
  EngRecipe *recipe = eng_session_get_recipe (self->session);
  EngModel *model = eng_session_get_model (self->session);
  guint n = eng_recipe_n_rules (recipe, self->technique->id);
  g_autoptr (GPtrArray) matches = g_ptr_array_new ();
  g_autoptr (GArray) rules = g_array_new (FALSE, FALSE, sizeof (EngRule));
  g_autofree char *subtitle = NULL;

  for (guint i = 0; i < n; i++)
    {
      EngRule rule = eng_recipe_get_rule (recipe, self->technique->id, i);

      if (g_strcmp0 (rule.param, self->param->id) != 0)
        continue;
      g_array_append_val (rules, rule);
      g_ptr_array_add (matches, (gpointer)rule.match);
    }

  if (rows_fit (self, matches))
    {
      for (guint i = 0; i < rules->len; i++)
        app_param_row_set_value (self->rule_rows->pdata[i],
                                 g_array_index (rules, EngRule, i).value);
    }
  else
    {
      for (guint i = 0; i < self->rule_rows->len; i++)
        adw_expander_row_remove (ADW_EXPANDER_ROW (self), self->rule_rows->pdata[i]);
      g_ptr_array_set_size (self->rule_rows, 0);
      /* New rows come last in an expander: the one to add more stays below them. */
      g_object_ref (self->add_row);
      adw_expander_row_remove (ADW_EXPANDER_ROW (self), self->add_row);
      for (guint i = 0; i < rules->len; i++)
        {
          GtkWidget *row = make_rule_row (self, model, &g_array_index (rules, EngRule, i));

          adw_expander_row_add_row (ADW_EXPANDER_ROW (self), row);
          g_ptr_array_add (self->rule_rows, row);
        }
      adw_expander_row_add_row (ADW_EXPANDER_ROW (self), self->add_row);
      g_object_unref (self->add_row);
    }
  subtitle = rules->len > 0
                 ? g_strdup_printf (ngettext ("%u rule", "%u rules", rules->len), rules->len)
                 : g_strdup (_ ("None: the same everywhere"));
  adw_expander_row_set_subtitle (ADW_EXPANDER_ROW (self), subtitle);
}

static void
app_exceptions_dispose (GObject *object)
{
  AppExceptions *self = APP_EXCEPTIONS (object);

  g_clear_object (&self->session);
  g_clear_pointer (&self->rule_rows, g_ptr_array_unref);
  G_OBJECT_CLASS (app_exceptions_parent_class)->dispose (object);
}

static void
app_exceptions_class_init (AppExceptionsClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_exceptions_dispose;
}

static void
app_exceptions_init (AppExceptions *self)
{
  self->rule_rows = g_ptr_array_new ();
}

GtkWidget *
app_exceptions_new (const EngTechnique *technique, const EngParam *param, EngSession *session)
{
  AppExceptions *self;

  g_return_val_if_fail (technique != NULL && param != NULL && param->per_layer, NULL);
  g_return_val_if_fail (ENG_IS_SESSION (session), NULL);

  self = g_object_new (APP_TYPE_EXCEPTIONS, "title", _ ("Exceptions"), NULL);
  self->technique = technique;
  self->param = param;
  self->session = g_object_ref (session);

  self->add_row = g_object_new (ADW_TYPE_ENTRY_ROW, "title", _ ("Add by name: *.ffn_down.*"),
                                "show-apply-button", TRUE, NULL);
  g_signal_connect_object (self->add_row, "apply", G_CALLBACK (on_add_applied), self,
                           G_CONNECT_SWAPPED);
  adw_expander_row_add_row (ADW_EXPANDER_ROW (self), self->add_row);

  g_signal_connect_object (session, "notify::recipe", G_CALLBACK (update_rules), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (session, "notify::model", G_CALLBACK (update_rules), self,
                           G_CONNECT_SWAPPED);
  update_rules (self);
  return GTK_WIDGET (self);
}
