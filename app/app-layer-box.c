/* A technique's controls for the selected layer alone, with what they are expected to do while they
 * are being moved, what the last run measured, and what the technique says of the layer. Drawn from
 * the technique table; used by the layer's section (app-recipe-layer.c). No technique is known here
 * by name. */
#include "app-layer-box.h"

#include "app-config.h"
#include "app-layer-effect.h"
#include "app-layer-verdict.h"
#include "app-layers.h"
#include "app-param-row.h"
#include "app-recipe-edit.h"
#include "app-scroll.h"

#include <glib/gi18n.h>

#define SLIDER "slider" /* of a row: the list row of its slider, borrowed from the list */

struct _AppLayerBox
{
  GtkBox parent_instance;

  const EngTechnique *technique;
  AppStage *stage;
  EngSession *session;
  AppSelection *selection;
  GCancellable *asking;  /* of the estimate that is being made */
  GCancellable *judging; /* of the verdict that is being asked for */

  GtkWidget *list;
  GPtrArray *rows; /* AppParamRow, borrowed */
  GtkWidget *effect, *explain, *verdict;
  char *pattern;    /* of the layer; NULL when it cannot be set alone */
  gboolean applies; /* to the model */
};

G_DEFINE_FINAL_TYPE (AppLayerBox, app_layer_box, GTK_TYPE_BOX)

gboolean
app_layer_box_is_for (const EngTechnique *technique)
{
  for (guint i = 0; i < technique->n_params; i++)
    if (technique->params[i].per_layer)
      return TRUE;
  return FALSE;
}

/* ---- What it does ---- */

static void
show_effect (AppLayerBox *self, const char *text, const char *tooltip, gboolean estimated)
{
  gtk_label_set_label (GTK_LABEL (self->effect), text != NULL ? text : "");
  gtk_widget_set_tooltip_text (self->effect, tooltip);
  gtk_widget_set_visible (self->effect, text != NULL);
  if (estimated)
    gtk_widget_add_css_class (self->effect, "estimated");
  else
    gtk_widget_remove_css_class (self->effect, "estimated");
}

static void
stop_asking (AppLayerBox *self)
{
  g_cancellable_cancel (self->asking);
  g_clear_object (&self->asking);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *effect = app_layer_effect_finish (result, &error);
  g_autofree char *text = NULL;
  AppLayerBox *self = data;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return; /* asked again, or gone */
  if (error != NULL)
    text = g_strdup_printf (_ ("No estimate: %s"), error->message);
  else if (effect != NULL)
    text = g_strdup_printf (_ ("Estimate: %s"), effect);
  show_effect (
      self, text,
      _ ("Expected of this layer with these settings, against the same recipe without this "
         "technique; not measured"),
      TRUE);
}

static void
ask (AppLayerBox *self, EngRecipe *recipe)
{
  stop_asking (self);
  self->asking = g_cancellable_new ();
  app_layer_effect_async (self->session, recipe, self->technique,
                          app_selection_get_layer (self->selection),
                          app_selection_get_phase (self->selection), self->asking, on_answer, self);
}

/* Measured where the recipe was run, else expected. */
static void
update_effect (AppLayerBox *self)
{
  g_autofree char *tooltip = NULL;
  g_autofree char *measured = NULL;
  int layer = app_selection_get_layer (self->selection);

  if (!gtk_widget_get_visible (GTK_WIDGET (self)))
    return;
  measured = app_layer_effect_dup_measured (self->stage, self->technique, layer,
                                            app_selection_get_phase (self->selection), &tooltip);
  if (measured != NULL)
    {
      stop_asking (self);
      show_effect (self, measured, tooltip, FALSE);
      return;
    }
  ask (self, eng_session_get_recipe (self->session));
}

static void
on_verdict (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = app_layer_verdict_finish (result, &error);
  AppLayerBox *self = data;

  if (error != NULL)
    return; /* asked again, or gone */
  gtk_label_set_label (GTK_LABEL (self->verdict), text != NULL ? text : "");
  gtk_widget_set_visible (self->verdict, text != NULL);
}

static void
stop_judging (AppLayerBox *self)
{
  g_cancellable_cancel (self->judging);
  g_clear_object (&self->judging);
}

static void
judge (AppLayerBox *self, EngRecipe *recipe)
{
  stop_judging (self);
  if (self->technique->verdict == NULL)
    return;
  self->judging = g_cancellable_new ();
  app_layer_verdict_async (self->stage, recipe, self->technique,
                           app_selection_get_layer (self->selection), self->judging, on_verdict,
                           self);
}

/* After a run, and when more operators have been timed. */
static void
update_verdict (AppLayerBox *self)
{
  if (gtk_widget_get_visible (GTK_WIDGET (self)))
    judge (self, eng_session_get_recipe (self->session));
}

static void
on_stage_changed (AppLayerBox *self)
{
  update_effect (self);
  update_verdict (self);
}

static void
update_explain (AppLayerBox *self, EngModel *model, EngRecipe *recipe)
{
  g_autofree char *text
      = self->technique->explain != NULL
            ? self->technique->explain (model, recipe, app_selection_get_layer (self->selection))
            : NULL;

  gtk_label_set_label (GTK_LABEL (self->explain), text != NULL ? text : "");
  gtk_widget_set_visible (self->explain, text != NULL);
}

/* ---- The controls ---- */

static EngRecipe *
with_value (AppLayerBox *self, const EngParam *param, GVariant *value)
{
  return eng_recipe_with (eng_session_get_recipe (self->session), self->technique->id, param->id,
                          self->pattern, value, NULL);
}

/* While a slider moves, before its value counts. */
static void
on_preview (AppParamRow *row, gpointer data)
{
  AppLayerBox *self = data;
  g_autoptr (GVariant) value = app_param_row_dup_preview (row);
  g_autoptr (EngRecipe) recipe = NULL;

  if (self->pattern == NULL)
    return;
  recipe = with_value (self, app_param_row_get_param (row), value);
  if (recipe == NULL)
    return; /* out of range: the recipe says so when it counts */
  ask (self, recipe);
  update_explain (self, eng_session_get_model (self->session), recipe);
  judge (self, recipe);
}

static void
on_changed (AppParamRow *row, gpointer data)
{
  AppLayerBox *self = data;

  if (self->pattern != NULL)
    app_recipe_edit (GTK_WIDGET (self), self->session, self->technique,
                     app_param_row_get_param (row), self->pattern, app_param_row_get_value (row));
}

/* The value the rule for exactly this layer has; NULL without one. */
static GVariant *
find_rule (AppLayerBox *self, EngRecipe *recipe, const EngParam *param)
{
  for (guint i = 0; i < eng_recipe_n_rules (recipe, self->technique->id); i++)
    {
      EngRule rule = eng_recipe_get_rule (recipe, self->technique->id, i);

      if (g_strcmp0 (rule.match, self->pattern) == 0 && g_strcmp0 (rule.param, param->id) == 0)
        return rule.value;
    }
  return NULL;
}

/* Where a value is from; where it is the model's, which one that is. */
static char *
dup_source (const EngParam *param, gboolean own, GVariant *whole)
{
  if (own)
    return g_strdup (_ ("This layer alone"));
  for (const EngChoice *choice
       = param->kind == ENG_PARAM_CHOICE && whole != NULL ? param->choices : NULL;
       choice != NULL && choice->id != NULL; choice++)
    if (g_strcmp0 (choice->id, g_variant_get_string (whole, NULL)) == 0)
      /* Translators: the choice of the whole model, "As in file" */
      return g_strdup_printf (_ ("Whole model: %s"), choice->title);
  return g_strdup (_ ("As the whole model"));
}

static void
update_row (AppLayerBox *self, AppParamRow *row, EngRecipe *recipe)
{
  const EngParam *param = app_param_row_get_param (row);
  GVariant *rule = find_rule (self, recipe, param);
  g_autoptr (GVariant) whole = eng_recipe_get (recipe, self->technique->id, param->id, NULL);
  g_autofree char *source = dup_source (param, rule != NULL, whole);
  GtkWidget *slider = g_object_get_data (G_OBJECT (row), SLIDER);
  gboolean matters = self->technique->matters == NULL || self->technique->matters (recipe, param);

  app_param_row_set_inherited (row, whole);
  app_param_row_set_value (row, rule);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), source);
  gtk_widget_set_visible (GTK_WIDGET (row), matters);
  if (slider != NULL)
    gtk_widget_set_visible (slider, matters);
}

static gboolean
any_row_visible (AppLayerBox *self)
{
  for (guint i = 0; i < self->rows->len; i++)
    if (gtk_widget_get_visible (self->rows->pdata[i]))
      return TRUE;
  return FALSE;
}

static void
update (AppLayerBox *self)
{
  EngModel *model = eng_session_get_model (self->session);
  EngRecipe *recipe = eng_session_get_recipe (self->session);
  int layer = app_selection_get_layer (self->selection);
  g_autofree char *name = NULL;

  g_clear_pointer (&self->pattern, g_free);
  if (model != NULL && layer != APP_LAYER_NONE && self->applies)
    self->pattern = app_layers_dup_pattern (model, layer);
  if (self->pattern == NULL)
    {
      stop_asking (self);
      stop_judging (self);
      gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
      return;
    }
  name = app_layers_dup_title (model, layer);
  for (guint i = 0; i < self->rows->len; i++)
    {
      app_param_row_set_place (self->rows->pdata[i], name);
      update_row (self, self->rows->pdata[i], recipe);
    }
  gtk_widget_set_visible (GTK_WIDGET (self), any_row_visible (self));
  if (!gtk_widget_get_visible (GTK_WIDGET (self)))
    return;
  update_explain (self, model, recipe);
  update_effect (self);
  update_verdict (self);
}

static void
update_limits (AppLayerBox *self, EngModel *model)
{
  for (guint i = 0; i < self->rows->len; i++)
    {
      const EngParam *param = app_param_row_get_param (self->rows->pdata[i]);
      double min, max, standard;

      if (param->kind != ENG_PARAM_INT && param->kind != ENG_PARAM_REAL)
        continue;
      eng_technique_limits (self->technique, model, param, &min, &max, &standard);
      app_param_row_set_limits (self->rows->pdata[i], min, max);
    }
}

static void
on_model (AppLayerBox *self)
{
  EngModel *model = eng_session_get_model (self->session);
  g_autofree char *reason = NULL;

  self->applies
      = model != NULL
        && (eng_model_get_kind (model) == ENG_MODEL_LANGUAGE ? !self->technique->network
                                                             : !self->technique->language);
  if (self->applies && self->technique->applies != NULL)
    reason = self->technique->applies (model);
  self->applies = self->applies && reason == NULL;
  if (self->applies)
    update_limits (self, model);
  update (self);
}

/* ---- Life ---- */

static void
app_layer_box_dispose (GObject *object)
{
  AppLayerBox *self = APP_LAYER_BOX (object);

  stop_asking (self);
  stop_judging (self);
  g_clear_object (&self->stage);
  g_clear_object (&self->session);
  g_clear_object (&self->selection);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  g_clear_pointer (&self->pattern, g_free);
  G_OBJECT_CLASS (app_layer_box_parent_class)->dispose (object);
}

static void
app_layer_box_class_init (AppLayerBoxClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_layer_box_dispose;
  gtk_widget_class_set_css_name (GTK_WIDGET_CLASS (klass), "layer-box");
  gtk_widget_class_set_accessible_role (GTK_WIDGET_CLASS (klass), GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
app_layer_box_init (AppLayerBox *self)
{
  self->rows = g_ptr_array_new ();
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (self), 6);
}

/* A slider over the row's own number: both move one adjustment. */
static void
add_slider (AppLayerBox *self, GtkWidget *row)
{
  const EngParam *param = app_param_row_get_param (APP_PARAM_ROW (row));
  GtkAdjustment *adjustment = app_param_row_get_adjustment (APP_PARAM_ROW (row));
  GtkWidget *scale, *line;

  if (adjustment == NULL)
    return;
  scale = g_object_new (GTK_TYPE_SCALE, "adjustment", adjustment, "draw-value", FALSE,
                        "margin-start", 4, "margin-end", 4, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (scale), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  param->title, -1);
  app_scroll_let_through (scale);
  line = g_object_new (GTK_TYPE_LIST_BOX_ROW, "activatable", FALSE, "selectable", FALSE,
                       "focusable", FALSE, "child", scale, NULL);
  gtk_list_box_append (GTK_LIST_BOX (self->list), line);
  g_object_set_data (G_OBJECT (row), SLIDER, line);
}

static void
add_row (AppLayerBox *self, const EngParam *param, gboolean alone)
{
  GtkWidget *row = app_param_row_new (param, APP_PARAM_ROW_LAYER);

  if (alone) /* "Skip" says little under the name of a layer, "Layer skip" does */
    adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), self->technique->title);
  gtk_widget_set_tooltip_text (row, param->summary);
  g_signal_connect_object (row, "changed", G_CALLBACK (on_changed), self, 0);
  g_signal_connect_object (row, "preview", G_CALLBACK (on_preview), self, 0);
  gtk_list_box_append (GTK_LIST_BOX (self->list), row);
  g_ptr_array_add (self->rows, row);
  add_slider (self, row);
}

static GtkWidget *
make_text (const char *const *classes)
{
  return g_object_new (GTK_TYPE_LABEL, "xalign", 0.0f, "wrap", TRUE, "wrap-mode",
                       PANGO_WRAP_WORD_CHAR, "visible", FALSE, "halign", GTK_ALIGN_START,
                       "css-classes", classes, NULL);
}

static void
build (AppLayerBox *self)
{
  guint n = 0;

  for (guint i = 0; i < self->technique->n_params; i++)
    n += self->technique->params[i].per_layer ? 1 : 0;
  if (n > 1)
    {
      GtkWidget *heading = make_text ((const char *[]){ "heading", NULL });

      gtk_label_set_label (GTK_LABEL (heading), self->technique->title);
      gtk_widget_set_visible (heading, TRUE);
      gtk_box_append (GTK_BOX (self), heading);
    }
  self->list = gtk_list_box_new ();
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (self->list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (self->list, "boxed-list");
  gtk_box_append (GTK_BOX (self), self->list);
  for (guint i = 0; i < self->technique->n_params; i++)
    if (self->technique->params[i].per_layer)
      add_row (self, &self->technique->params[i], n == 1);
  self->effect = make_text ((const char *[]){ "caption-heading", "numeric", "effect", NULL });
  gtk_box_append (GTK_BOX (self), self->effect);
  self->explain = make_text ((const char *[]){ "caption", "numeric", NULL });
  gtk_box_append (GTK_BOX (self), self->explain);
  self->verdict = make_text ((const char *[]){ "caption", "numeric", NULL });
  gtk_widget_set_tooltip_text (
      self->verdict, _ ("From times of this machine's kernels while one token is decoded: all "
                        "matrix products of the layer, both recipes timed in the same way"));
  gtk_box_append (GTK_BOX (self), self->verdict);
}

GtkWidget *
app_layer_box_new (const EngTechnique *technique, AppStage *stage, AppSelection *selection)
{
  AppLayerBox *self;

  g_return_val_if_fail (technique != NULL && app_layer_box_is_for (technique), NULL);
  g_return_val_if_fail (APP_IS_STAGE (stage) && APP_IS_SELECTION (selection), NULL);

  self = g_object_new (APP_TYPE_LAYER_BOX, NULL);
  self->technique = technique;
  self->stage = g_object_ref (stage);
  self->session = g_object_ref (app_stage_get_session (stage));
  self->selection = g_object_ref (selection);
  build (self);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  technique->title, -1);
  g_signal_connect_object (self->session, "notify::recipe", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->session, "notify::model", G_CALLBACK (on_model), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (selection, "notify::layer", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (selection, "notify::phase", G_CALLBACK (update_effect), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (stage, "changed", G_CALLBACK (on_stage_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->session, "notify::estimate", G_CALLBACK (update_verdict), self,
                           G_CONNECT_SWAPPED);
  on_model (self);
  return GTK_WIDGET (self);
}
