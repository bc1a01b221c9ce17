/* A technique's controls, drawn from its row of the technique table alone. Used by the recipe pane.
 * No technique is known here by name. */
#include "app-technique-box.h"

#include "app-config.h"
#include "app-exceptions.h"
#include "app-param-row.h"
#include "app-recipe-edit.h"

#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

#define EXCEPTIONS "exceptions" /* of a row: its AppExceptions, borrowed from the list */

struct _AppTechniqueBox
{
  GtkBox parent_instance;

  const EngTechnique *technique;
  EngSession *session;
  AppStage *stage;

  GtkWidget *effect;
  GtkWidget *heading;
  GtkWidget
      *expander; /* AdwExpanderRow around the rows of several parameters; NULL: there is one only */
  gboolean usable;    /* concerns the model that is open, and applies to it */
  char *needle;       /* what is searched for; NULL: nothing */
  EngRecipe *pending; /* waits for a model to be chosen; NULL: nothing does */
  GtkWidget *reason;  /* why it does not apply */
  GtkWidget *summary; /* NULL: none */
  GtkWidget *list;
  GtkWidget *explain;
  GPtrArray *rows; /* AppParamRow of the whole model, borrowed */
};

G_DEFINE_FINAL_TYPE (AppTechniqueBox, app_technique_box, GTK_TYPE_BOX)

/* What the value means, below the title of its row: the choice's own sentence, or the unit. */
static void
update_subtitle (AppParamRow *row)
{
  const EngParam *param = app_param_row_get_param (row);
  GVariant *value = app_param_row_get_value (row);
  const char *text = param->unit;

  if (param->kind == ENG_PARAM_CHOICE && value != NULL)
    for (const EngChoice *choice = param->choices; choice->id != NULL; choice++)
      if (g_strcmp0 (choice->id, g_variant_get_string (value, NULL)) == 0)
        text = choice->summary;
  if (text != NULL && g_ascii_strcasecmp (text, param->title) == 0)
    text = NULL; /* "Threads" of "threads" */
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), text != NULL ? text : "");
}

/* A parameter without effect as things stand is not shown, nor are exceptions from it. */
static void
show_row (AppTechniqueBox *self, AppParamRow *row, EngRecipe *recipe)
{
  GtkWidget *exceptions = g_object_get_data (G_OBJECT (row), EXCEPTIONS);
  gboolean matters = self->technique->matters == NULL
                     || self->technique->matters (recipe, app_param_row_get_param (row));

  gtk_widget_set_visible (GTK_WIDGET (row), matters);
  if (exceptions != NULL)
    gtk_widget_set_visible (exceptions, matters);
}

static gboolean
is_set (AppTechniqueBox *self, EngRecipe *recipe)
{
  for (guint i = 0; i < self->technique->n_params; i++)
    if (eng_recipe_is_set (recipe, self->technique->id, self->technique->params[i].id))
      return TRUE;
  return eng_recipe_n_rules (recipe, self->technique->id) > 0;
}

char *
app_technique_box_dup_state (AppTechniqueBox *self)
{
  EngRecipe *recipe;
  char *text = NULL;

  g_return_val_if_fail (APP_IS_TECHNIQUE_BOX (self), NULL);

  recipe = eng_session_get_recipe (self->session);
  if (!is_set (self, recipe))
    return NULL;
  if (self->technique->describe != NULL)
    text = self->technique->describe (recipe);
  return text != NULL ? text : g_strdup (self->technique->title);
}

gboolean
app_technique_box_get_usable (AppTechniqueBox *self)
{
  g_return_val_if_fail (APP_IS_TECHNIQUE_BOX (self), FALSE);
  return self->usable;
}

/* What a technique that is not set stands at, in its first parameter that has a value to tell:
 * "None", "Off", "F16". */
static char *
dup_standing (AppTechniqueBox *self)
{
  EngRecipe *recipe = eng_session_get_recipe (self->session);

  for (guint i = 0; i < self->technique->n_params; i++)
    {
      const EngParam *param = &self->technique->params[i];
      g_autoptr (GVariant) value = eng_recipe_get (recipe, self->technique->id, param->id, NULL);

      if (value == NULL)
        continue;
      if (param->kind == ENG_PARAM_CHOICE)
        {
          for (const EngChoice *choice = param->choices; choice->id != NULL; choice++)
            if (g_strcmp0 (choice->id, g_variant_get_string (value, NULL)) == 0)
              return g_strdup (choice->title);
        }
      else if (param->kind == ENG_PARAM_SWITCH)
        return g_strdup (g_variant_get_boolean (value) ? _ ("On") : _ ("Off"));
      else if (param->kind == ENG_PARAM_REAL && g_variant_get_double (value) == 0.0)
        return g_strdup (_ ("Off"));
      else if (param->kind == ENG_PARAM_INT && g_variant_get_int64 (value) == 0)
        return g_strdup (_ ("Off"));
      else if (param->kind == ENG_PARAM_INT && param->unit != NULL)
        return g_strdup_printf ("%" G_GINT64_FORMAT "\u202f%s", g_variant_get_int64 (value),
                                param->unit);
    }
  return g_strdup (_ ("At its defaults"));
}

/* What it trades is said where it is in force; of one that is not, the sentence is its tooltip:
 * twenty of them would leave no room for the controls. */
static void
show_state (AppTechniqueBox *self)
{
  g_autofree char *state = app_technique_box_dup_state (self);

  if (self->summary != NULL)
    gtk_widget_set_visible (self->summary, state != NULL && gtk_widget_get_visible (self->list));
  if (self->expander != NULL)
    {
      g_autofree char *standing = state == NULL ? dup_standing (self) : NULL;
      adw_expander_row_set_subtitle (ADW_EXPANDER_ROW (self->expander),
                                     state != NULL ? state : standing);
    }
}

/* In force: as the recipe sets it, else the default, which may depend on the model. */
static GVariant *
get_value (AppTechniqueBox *self, EngRecipe *recipe, const EngParam *param)
{
  EngModel *model = eng_session_get_model (self->session);
  double min, max, standard;

  if (model == NULL || self->technique->limits == NULL
      || (param->kind != ENG_PARAM_INT && param->kind != ENG_PARAM_REAL)
      || eng_recipe_is_set (recipe, self->technique->id, param->id))
    return eng_recipe_get (recipe, self->technique->id, param->id, NULL);
  eng_technique_limits (self->technique, model, param, &min, &max, &standard);
  return g_variant_ref_sink (param->kind == ENG_PARAM_INT
                                 ? g_variant_new_int64 ((gint64)llround (standard))
                                 : g_variant_new_double (standard));
}

static void
update_rows (AppTechniqueBox *self, EngRecipe *recipe)
{
  for (guint i = 0; i < self->rows->len; i++)
    {
      AppParamRow *row = self->rows->pdata[i];
      const EngParam *param = app_param_row_get_param (row);
      g_autoptr (GVariant) value = get_value (self, recipe, param);

      app_param_row_set_value (row, value);
      update_subtitle (row);
      show_row (self, row, recipe);
    }
}

static void
update_recipe (AppTechniqueBox *self)
{
  g_clear_pointer (&self->pending, eng_recipe_unref);
  update_rows (self, eng_session_get_recipe (self->session));
  show_state (self);
}

/* ---- A change ---- */

/* The row of a model that @recipe needs and has not; NULL: none. */
static AppParamRow *
find_missing_model (AppTechniqueBox *self, EngRecipe *recipe)
{
  for (guint i = 0; self->technique->matters != NULL && i < self->rows->len; i++)
    {
      const EngParam *param = app_param_row_get_param (self->rows->pdata[i]);
      g_autofree char *path = NULL;

      if (param->kind != ENG_PARAM_MODEL || !self->technique->matters (recipe, param))
        continue;
      path = eng_recipe_get_string (recipe, self->technique->id, param->id, NULL);
      if (*path == '\0')
        return self->rows->pdata[i];
    }
  return NULL;
}

/* A choice that needs another model waits until that is chosen, and is then one change with it: a
 * recipe that cannot be made would only be an error. */
static void
on_param_changed (AppParamRow *row, gpointer data)
{
  AppTechniqueBox *self = data;
  const EngParam *param = app_param_row_get_param (row);
  EngRecipe *old = eng_session_get_recipe (self->session);
  g_autoptr (EngRecipe) recipe
      = eng_recipe_with (self->pending != NULL ? self->pending : old, self->technique->id,
                         param->id, NULL, app_param_row_get_value (row), NULL);
  AppParamRow *missing = recipe != NULL ? find_missing_model (self, recipe) : NULL;

  if (missing != NULL)
    {
      g_clear_pointer (&self->pending, eng_recipe_unref);
      self->pending = g_steal_pointer (&recipe);
      update_rows (self, self->pending);
      adw_action_row_set_subtitle (ADW_ACTION_ROW (missing),
                                   _ ("Choose one, then this takes effect"));
      return;
    }
  if (recipe == NULL || self->pending == NULL)
    {
      app_recipe_edit (GTK_WIDGET (self), self->session, self->technique, param, NULL,
                       app_param_row_get_value (row));
      return;
    }
  g_clear_pointer (&self->pending, eng_recipe_unref);
  if (!eng_recipe_equal (old, recipe))
    eng_session_set_recipe (self->session, recipe);
  else
    update_recipe (self);
}

static void
update_limits (AppTechniqueBox *self, EngModel *model)
{
  if (self->technique->limits == NULL)
    return;
  for (guint i = 0; i < self->rows->len; i++)
    {
      AppParamRow *row = self->rows->pdata[i];
      const EngParam *param = app_param_row_get_param (row);
      double min = param->min, max = param->max, default_value = param->default_value;

      if (param->kind != ENG_PARAM_INT && param->kind != ENG_PARAM_REAL)
        continue;
      self->technique->limits (model, param, &min, &max, &default_value);
      app_param_row_set_limits (row, min, max);
    }
}

/* What does not apply is its title and the reason: controls that nobody can use would only take the
 * room of the others. */
static void
show_applies (AppTechniqueBox *self, const char *reason)
{
  gboolean applies = reason == NULL;

  gtk_widget_set_sensitive (self->list, applies);
  gtk_widget_set_visible (self->list, applies);
  gtk_widget_set_visible (self->heading, !applies);
  gtk_widget_set_visible (self->reason, !applies);
  gtk_label_set_label (GTK_LABEL (self->reason), applies ? "" : reason);
  show_state (self);
}

/* ---- Finding it ---- */

static gboolean
holds (const char *text, const char *needle)
{
  g_autofree char *folded = text != NULL ? g_utf8_casefold (text, -1) : NULL;

  return folded != NULL && strstr (folded, needle) != NULL;
}

static gboolean
matches (const EngTechnique *technique, const char *needle)
{
  if (holds (technique->title, needle) || holds (technique->summary, needle)
      || holds (technique->group, needle))
    return TRUE;
  for (guint i = 0; i < technique->n_params; i++)
    {
      const EngParam *param = &technique->params[i];

      if (holds (param->title, needle) || holds (param->summary, needle))
        return TRUE;
      for (const EngChoice *choice = param->choices; choice != NULL && choice->id != NULL; choice++)
        if (holds (choice->title, needle))
          return TRUE;
    }
  return FALSE;
}

static gboolean
concerns (AppTechniqueBox *self)
{
  return app_stage_get_kind (self->stage) == ENG_MODEL_LANGUAGE ? !self->technique->network
                                                                : !self->technique->language;
}

static void
show (AppTechniqueBox *self)
{
  gtk_widget_set_visible (GTK_WIDGET (self),
                          concerns (self)
                              && (self->needle == NULL || matches (self->technique, self->needle)));
}

gboolean
app_technique_box_filter (AppTechniqueBox *self, const char *needle)
{
  g_return_val_if_fail (APP_IS_TECHNIQUE_BOX (self), FALSE);

  g_free (self->needle);
  self->needle = g_strdup (needle);
  show (self);
  return gtk_widget_get_visible (GTK_WIDGET (self));
}

static void
update_model (AppTechniqueBox *self)
{
  EngModel *model = eng_session_get_model (self->session);
  g_autofree char *reason = NULL;

  self->usable = concerns (self);
  show (self);
  if (model == NULL)
    {
      show_applies (self, NULL);
      gtk_widget_set_sensitive (self->list, FALSE);
      return;
    }
  if (self->technique->applies != NULL)
    reason = self->technique->applies (model);
  self->usable = self->usable && reason == NULL;
  show_applies (self, reason);
  update_limits (self, model);
  for (guint i = 0; i < self->rows->len; i++)
    app_param_row_set_model (self->rows->pdata[i], model);
  update_recipe (self);
}

/* The bytes this recipe asks for, over all layers: an estimate, and marked as one. */
static char *
dup_estimate (AppTechniqueBox *self, EngModel *model)
{
  EngRecipe *recipe = eng_session_get_recipe (self->session);
  EngEstimate sum = { 0.0, 0.0 };
  g_autofree char *weights = NULL;
  g_autofree char *kv = NULL;

  if (self->technique->estimate == NULL)
    return NULL;
  for (int layer = -1; layer <= (int)eng_model_get_n_layers (model); layer++)
    self->technique->estimate (model, recipe, layer, &sum);
  weights = sum.weight_bytes > 0.0 ? eng_format_value (sum.weight_bytes, "B") : NULL;
  kv = sum.kv_bytes > 0.0 ? eng_format_value (sum.kv_bytes, "B") : NULL;
  if (weights != NULL && kv != NULL)
    return g_strdup_printf (_ ("Estimate: %s of weights, %s of cache"), weights, kv);
  if (weights != NULL)
    return g_strdup_printf (_ ("Estimate: %s of weights"), weights);
  if (kv != NULL)
    return g_strdup_printf (_ ("Estimate: %s of cache"), kv);
  return NULL;
}

/* The line below the controls: the sizes that are to be expected of what is set. */
static void
update_explain (AppTechniqueBox *self)
{
  EngModel *model = eng_session_get_model (self->session);
  g_autofree char *text = NULL;

  if (model != NULL && is_set (self, eng_session_get_recipe (self->session)))
    text = dup_estimate (self, model);
  gtk_label_set_label (GTK_LABEL (self->explain), text != NULL ? text : "");
  gtk_widget_set_visible (self->explain, text != NULL);
}

/* Before the recipe is run: what the setting is expected to do, marked as an estimate. */
static void
show_expected (AppTechniqueBox *self, const char *expected)
{
  g_autofree char *text = g_strdup_printf (_ ("Estimate: %s"), expected);
  g_autofree char *tip = g_strdup_printf (
      _ ("What changing %s is expected to do, against the newest run (before any "
         "run: against the model as it was opened); not measured yet"),
      self->technique->title);

  gtk_label_set_label (GTK_LABEL (self->effect), text);
  gtk_widget_set_tooltip_text (self->effect, tip);
  gtk_widget_add_css_class (self->effect, "estimated");
}

static void
update_effect (AppTechniqueBox *self)
{
  g_autofree char *effect = eng_session_dup_technique_effect (self->session, self->technique->id);
  g_autofree char *expected
      = effect == NULL ? eng_session_dup_technique_estimate (self->session, self->technique->id)
                       : NULL;
  g_autofree char *tip = NULL;

  gtk_widget_set_visible (self->effect, effect != NULL || expected != NULL);
  if (expected != NULL)
    {
      show_expected (self, expected);
      return;
    }
  gtk_widget_remove_css_class (self->effect, "estimated");
  if (effect == NULL)
    return;
  gtk_label_set_label (GTK_LABEL (self->effect), effect);
  tip = g_strdup_printf (_ ("Measured when %s was last changed: %s"), self->technique->title,
                         effect);
  gtk_widget_set_tooltip_text (self->effect, tip);
}

static void
on_recipe (AppTechniqueBox *self)
{
  update_recipe (self);
  update_explain (self);
}

static void
on_model (AppTechniqueBox *self)
{
  update_model (self);
  update_explain (self);
}

static void
app_technique_box_dispose (GObject *object)
{
  AppTechniqueBox *self = APP_TECHNIQUE_BOX (object);

  g_clear_object (&self->session);
  g_clear_object (&self->stage);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  g_clear_pointer (&self->needle, g_free);
  g_clear_pointer (&self->pending, eng_recipe_unref);
  G_OBJECT_CLASS (app_technique_box_parent_class)->dispose (object);
}

static void
app_technique_box_class_init (AppTechniqueBoxClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_technique_box_dispose;
  gtk_widget_class_set_css_name (GTK_WIDGET_CLASS (klass), "technique-box");
  gtk_widget_class_set_accessible_role (GTK_WIDGET_CLASS (klass), GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
app_technique_box_init (AppTechniqueBox *self)
{
  self->rows = g_ptr_array_new ();
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (self), 6);
}

static GtkWidget *
make_text (const char *text, const char *const *classes)
{
  return g_object_new (GTK_TYPE_LABEL, "label", text, "xalign", 0.0f, "wrap", TRUE, "wrap-mode",
                       PANGO_WRAP_WORD_CHAR, "css-classes", classes, NULL);
}

/* A technique is named by its row; only what does not apply has a heading instead. */
static void
build_heading (AppTechniqueBox *self)
{
  self->heading = make_text (self->technique->title, (const char *[]){ "heading", NULL });
  gtk_box_append (GTK_BOX (self), self->heading);
  self->reason = make_text ("", (const char *[]){ "caption", "warning", NULL });
  gtk_box_append (GTK_BOX (self), self->reason);
}

static void
add_to_list (AppTechniqueBox *self, GtkWidget *row)
{
  if (self->expander != NULL)
    adw_expander_row_add_row (ADW_EXPANDER_ROW (self->expander), row);
  else
    gtk_list_box_append (GTK_LIST_BOX (self->list), row);
}

/* One parameter: its row. Several: a row of the technique's name that opens over them. */
static void
build_rows (AppTechniqueBox *self)
{
  self->list = gtk_list_box_new ();
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (self->list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (self->list, "boxed-list");
  if (self->technique->n_params > 1)
    {
      self->expander = g_object_new (ADW_TYPE_EXPANDER_ROW, "title", self->technique->title, NULL);
      gtk_widget_set_tooltip_text (self->expander, self->technique->summary);
      gtk_list_box_append (GTK_LIST_BOX (self->list), self->expander);
    }
  for (guint i = 0; i < self->technique->n_params; i++)
    {
      const EngParam *param = &self->technique->params[i];
      GtkWidget *row = app_param_row_new (param, APP_PARAM_ROW_WHOLE);

      gtk_widget_set_tooltip_text (row, self->technique->n_params == 1
                                                && self->technique->summary != NULL
                                            ? self->technique->summary
                                            : param->summary);
      g_signal_connect_object (row, "changed", G_CALLBACK (on_param_changed), self, 0);
      add_to_list (self, row);
      g_ptr_array_add (self->rows, row);
      if (param->per_layer)
        {
          GtkWidget *exceptions = app_exceptions_new (self->technique, param, self->session);

          add_to_list (self, exceptions);
          g_object_set_data (G_OBJECT (row), EXCEPTIONS, exceptions);
        }
    }
  gtk_box_append (GTK_BOX (self), self->list);
}

static void
build_texts (AppTechniqueBox *self)
{
  self->effect
      = g_object_new (GTK_TYPE_LABEL, "visible", FALSE, "halign", GTK_ALIGN_START, "wrap", TRUE,
                      "xalign", 0.0f, "css-classes",
                      (const char *[]){ "caption-heading", "numeric", "effect", NULL }, NULL);
  gtk_box_append (GTK_BOX (self), self->effect);
  if (self->technique->summary != NULL)
    {
      self->summary
          = make_text (self->technique->summary, (const char *[]){ "caption", "dim-label", NULL });
      if (self->technique->papers != NULL)
        gtk_widget_set_tooltip_text (self->summary, self->technique->papers);
      gtk_box_append (GTK_BOX (self), self->summary);
    }
  self->explain = make_text ("", (const char *[]){ "caption", "numeric", NULL });
  gtk_box_append (GTK_BOX (self), self->explain);
}

GtkWidget *
app_technique_box_new (const EngTechnique *technique, AppStage *stage)
{
  AppTechniqueBox *self;

  g_return_val_if_fail (technique != NULL && APP_IS_STAGE (stage), NULL);

  self = g_object_new (APP_TYPE_TECHNIQUE_BOX, NULL);
  self->technique = technique;
  self->stage = g_object_ref (stage);
  self->session = g_object_ref (app_stage_get_session (stage));
  build_heading (self);
  build_rows (self);
  build_texts (self);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  technique->title, -1);

  g_signal_connect_object (self->session, "notify::recipe", G_CALLBACK (on_recipe), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->session, "notify::model", G_CALLBACK (on_model), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (stage, "changed", G_CALLBACK (update_effect), self, G_CONNECT_SWAPPED);
  on_model (self);
  update_effect (self);
  return GTK_WIDGET (self);
}
