/* The accuracy page of the stage. What is shown comes from the evaluations in the history
 * (app-accuracy.h), rows of the plot from app-accuracy-rows.c; evaluating is an action of the
 * window. */
#include "app-accuracy-view.h"

#include "app-accuracy-rows.h"
#include "app-breakpoint.h"
#include "app-config.h"
#include "app-figure-tile.h"
#include "app-table.h"
#include "app-view.h"
#include "eval/eng-metric.h"
#include "plot-forest.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

#define MAX_TILES 6

struct _AppAccuracyView
{
  GtkWidget parent_instance;

  GtkWidget *stack; /* "empty", "content" */
  GtkWidget *empty_page;
  GtkDropDown *set_choice;
  GtkDropDown *metric_choice;
  GtkMenuButton *evaluate_button;
  GtkWidget *caption;
  GtkWidget *notes;
  GtkWidget *tiles_box;
  GtkWidget *tiles[MAX_TILES];
  PlotForest *forest;
  GtkWidget *footnote;
  GtkWidget *pages; /* "plot", "table" */
  GtkWidget *table_bin;

  AppStage *stage;
  GPtrArray *evaluations; /* AppEvaluation, borrowed from the accuracies; NULL: none */
  char *set, *metric;     /* what was chosen last; NULL: the first */
  gboolean compact, show_table, filling, stale;
};

enum
{
  PROP_0,
  PROP_COMPACT,
  PROP_SHOW_TABLE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void app_accuracy_view_iface_init (AppViewInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (AppAccuracyView, app_accuracy_view, GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (APP_TYPE_VIEW, app_accuracy_view_iface_init))

/* ---- What is chosen ---- */

static EngEvaluation *
get_evaluation (AppAccuracyView *self)
{
  for (guint i = 0; self->evaluations != NULL && i < self->evaluations->len; i++)
    {
      AppEvaluation *evaluation = self->evaluations->pdata[i];

      if (self->set == NULL || g_str_equal (evaluation->set, self->set))
        return evaluation->evaluation;
    }
  return self->evaluations != NULL && self->evaluations->len > 0
             ? ((AppEvaluation *)self->evaluations->pdata[0])->evaluation
             : NULL;
}

static const EngEvalMetric *
get_metric (AppAccuracyView *self, EngEvaluation *evaluation)
{
  const EngEvalMetric *metric
      = self->metric != NULL ? eng_evaluation_find_metric (evaluation, self->metric) : NULL;

  return metric != NULL ? metric : eng_evaluation_get_metric (evaluation, 0);
}

static void
set_strings (GtkDropDown *choice, GPtrArray *names, guint selected)
{
  g_autoptr (GtkStringList) list = NULL;

  g_ptr_array_add (names, NULL);
  list = gtk_string_list_new ((const char *const *)names->pdata);
  gtk_drop_down_set_model (choice, G_LIST_MODEL (list));
  gtk_drop_down_set_selected (choice, selected);
  gtk_widget_set_visible (GTK_WIDGET (choice), names->len > 1);
}

static void
fill_choices (AppAccuracyView *self, EngEvaluation *evaluation, const EngEvalMetric *metric)
{
  g_autoptr (GPtrArray) sets = g_ptr_array_new ();
  g_autoptr (GPtrArray) metrics = g_ptr_array_new ();
  guint set = 0, at = 0;

  for (guint i = 0; self->evaluations != NULL && i < self->evaluations->len; i++)
    {
      AppEvaluation *entry = self->evaluations->pdata[i];

      set = entry->evaluation == evaluation ? i : set;
      g_ptr_array_add (sets, (gpointer)app_evaluation_get_title (entry));
    }
  for (guint i = 0; evaluation != NULL && i < eng_evaluation_get_n_metrics (evaluation); i++)
    {
      const EngEvalMetric *each = eng_evaluation_get_metric (evaluation, i);
      const EngMetric *info = eng_metric_find (each->metric);

      at = each == metric ? i : at;
      g_ptr_array_add (metrics, (gpointer)(info != NULL ? _ (info->title) : each->metric));
    }
  self->filling = TRUE;
  set_strings (self->set_choice, sets, set);
  set_strings (self->metric_choice, metrics, at);
  self->filling = FALSE;
}

/* ---- Filling ---- */

static void
fill_tiles (AppAccuracyView *self, EngEvaluation *evaluation)
{
  guint n = eng_evaluation_get_n_metrics (evaluation), room = self->compact ? 3 : MAX_TILES;

  for (guint i = 0; i < MAX_TILES; i++)
    {
      const EngEvalMetric *metric = i < n ? eng_evaluation_get_metric (evaluation, i) : NULL;
      const EngMetric *info = metric != NULL ? eng_metric_find (metric->metric) : NULL;

      gtk_widget_set_visible (self->tiles[i], info != NULL && i < room);
      if (info == NULL)
        continue;
      AppChange change = app_accuracy_change (evaluation, info, &metric->whole);
      app_figure_tile_set_what (APP_FIGURE_TILE (self->tiles[i]), _ (info->title),
                                _ (info->summary));
      app_figure_tile_set_compact (APP_FIGURE_TILE (self->tiles[i]), TRUE);
      app_figure_tile_set (APP_FIGURE_TILE (self->tiles[i]), &metric->whole.value, &change);
    }
}

/* "5100 tokens of 5 texts in windows of 256, beside the model as in its file; took 8.1 s". */
static void
fill_caption (AppAccuracyView *self, EngEvaluation *evaluation)
{
  const char *against = eng_evaluation_get_against (evaluation);
  const char *source = eng_evaluation_get_source (evaluation);
  g_autofree char *notes = g_strjoinv ("\n", (GStrv)eng_evaluation_get_notes (evaluation));
  g_autofree char *beside
      /* Translators: the baseline of an evaluation: "the model as in its file" */
      = against != NULL ? g_strdup_printf (_ ("beside %s"), against) : g_strdup (_ ("no baseline"));
  g_autofree char *took
      = g_strdup_printf (_ ("took %.1f\u00a0s"), eng_evaluation_get_seconds (evaluation));
  g_autofree char *text
      = g_strdup_printf ("%s · %s · %s", source != NULL ? source : "", beside, took);

  gtk_label_set_label (GTK_LABEL (self->caption), text);
  gtk_label_set_label (GTK_LABEL (self->notes), notes);
  gtk_widget_set_visible (self->notes, *notes != '\0');
}

static void
fill_table (AppAccuracyView *self)
{
  g_autoptr (PlotTable) table = NULL;

  if (!self->show_table)
    {
      adw_bin_set_child (ADW_BIN (self->table_bin), NULL);
      return;
    }
  table = plot_figure_make_table (PLOT_FIGURE (self->forest));
  adw_bin_set_child (ADW_BIN (self->table_bin), app_table_new (table, 180));
}

static void
update (AppAccuracyView *self)
{
  EngModel *model = eng_session_get_model (app_stage_get_session (self->stage));
  g_autofree char *key = app_stage_dup_accuracy_key (self->stage);
  EngEvaluation *evaluation;
  const EngEvalMetric *metric;

  self->stale = !gtk_widget_get_mapped (GTK_WIDGET (self));
  if (self->stale)
    return;
  g_clear_pointer (&self->evaluations, g_ptr_array_unref);
  if (key != NULL)
    self->evaluations = app_accuracy_list (app_stage_get_accuracy (self->stage), key);
  evaluation = get_evaluation (self);
  metric = evaluation != NULL && eng_evaluation_get_n_metrics (evaluation) > 0
               ? get_metric (self, evaluation)
               : NULL;
  fill_choices (self, evaluation, metric);
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), metric != NULL ? "content" : "empty");
  adw_status_page_set_description (
      ADW_STATUS_PAGE (self->empty_page),
      model != NULL && eng_model_get_kind (model) == ENG_MODEL_NETWORK
          ? _ ("Labelled pictures or sounds say how often this build is right; inputs without "
               "labels "
               "say how often it agrees with the network as in its file.")
          : _ ("Texts say how well this build predicts and how far it is from the model as in its "
               "file; questions say what it knows. Every kind of text is looked at by itself."));
  if (metric == NULL)
    return;
  fill_tiles (self, evaluation);
  fill_caption (self, evaluation);
  app_accuracy_fill_forest (evaluation, metric, self->forest);
  gtk_label_set_label (GTK_LABEL (self->footnote), app_accuracy_footnote (evaluation, metric));
  gtk_widget_set_visible (self->footnote, *app_accuracy_footnote (evaluation, metric) != '\0');
  fill_table (self);
}

static void
on_stage_changed (AppAccuracyView *self)
{
  /* The list is borrowed until the history changes. */
  g_clear_pointer (&self->evaluations, g_ptr_array_unref);
  update (self);
}

static void
on_choice (AppAccuracyView *self)
{
  guint set = gtk_drop_down_get_selected (self->set_choice);
  guint at = gtk_drop_down_get_selected (self->metric_choice);
  EngEvaluation *evaluation;

  if (self->filling || self->evaluations == NULL || set >= self->evaluations->len)
    return;
  g_free (self->set);
  self->set = g_strdup (((AppEvaluation *)self->evaluations->pdata[set])->set);
  evaluation = ((AppEvaluation *)self->evaluations->pdata[set])->evaluation;
  if (at < eng_evaluation_get_n_metrics (evaluation))
    {
      g_free (self->metric);
      self->metric = g_strdup (eng_evaluation_get_metric (evaluation, at)->metric);
    }
  update (self);
}

/* ---- View ---- */

static void
set_compact (AppAccuracyView *self, gboolean compact)
{
  if (self->compact == !!compact)
    return;
  self->compact = !!compact;
  if (compact) /* one property sets the other back */
    gtk_menu_button_set_icon_name (self->evaluate_button, "lathe-accuracy-symbolic");
  else
    gtk_menu_button_set_label (self->evaluate_button, _ ("Evaluate"));
  gtk_box_set_spacing (GTK_BOX (self->tiles_box), compact ? 12 : 36);
  gtk_box_set_homogeneous (GTK_BOX (self->tiles_box), compact);
  if (self->stage != NULL)
    update (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_COMPACT]);
}

static void
set_show_table (AppAccuracyView *self, gboolean show_table)
{
  if (self->show_table == !!show_table)
    return;
  self->show_table = !!show_table;
  gtk_stack_set_visible_child_name (GTK_STACK (self->pages), show_table ? "table" : "plot");
  fill_table (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SHOW_TABLE]);
}

static void
app_accuracy_view_set_context (AppView *view, const AppViewContext *context)
{
  AppAccuracyView *self = APP_ACCURACY_VIEW (view);

  self->stage = g_object_ref (context->stage);
  g_signal_connect_object (context->stage, "changed", G_CALLBACK (on_stage_changed), self,
                           G_CONNECT_SWAPPED);
  if (context->history != NULL)
    g_signal_connect_object (context->history, "changed", G_CALLBACK (on_stage_changed), self,
                             G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  update (self);
}

static PlotFigure *
app_accuracy_view_get_figure (AppView *view)
{
  AppAccuracyView *self = APP_ACCURACY_VIEW (view);

  return plot_forest_get_n_rows (self->forest) > 0 ? PLOT_FIGURE (self->forest) : NULL;
}

static void
app_accuracy_view_set_width_class (AppView *view, int width)
{
  set_compact (APP_ACCURACY_VIEW (view), width == APP_WIDTH_COMPACT);
}

static void
app_accuracy_view_iface_init (AppViewInterface *iface)
{
  iface->set_context = app_accuracy_view_set_context;
  iface->get_figure = app_accuracy_view_get_figure;
  iface->set_width_class = app_accuracy_view_set_width_class;
}

/* ---- Object ---- */

static void
app_accuracy_view_map (GtkWidget *widget)
{
  AppAccuracyView *self = APP_ACCURACY_VIEW (widget);

  GTK_WIDGET_CLASS (app_accuracy_view_parent_class)->map (widget);
  if (self->stage != NULL && self->stale)
    update (self);
}

static void
app_accuracy_view_dispose (GObject *object)
{
  AppAccuracyView *self = APP_ACCURACY_VIEW (object);
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);
  g_clear_object (&self->stage);
  g_clear_pointer (&self->evaluations, g_ptr_array_unref);
  g_clear_pointer (&self->set, g_free);
  g_clear_pointer (&self->metric, g_free);
  G_OBJECT_CLASS (app_accuracy_view_parent_class)->dispose (object);
}

static void
app_accuracy_view_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  AppAccuracyView *self = APP_ACCURACY_VIEW (object);

  if (id == PROP_COMPACT)
    g_value_set_boolean (value, self->compact);
  else if (id == PROP_SHOW_TABLE)
    g_value_set_boolean (value, self->show_table);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_accuracy_view_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  AppAccuracyView *self = APP_ACCURACY_VIEW (object);

  if (id == PROP_COMPACT)
    set_compact (self, g_value_get_boolean (value));
  else if (id == PROP_SHOW_TABLE)
    set_show_table (self, g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_accuracy_view_class_init (AppAccuracyViewClass *klass)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = app_accuracy_view_dispose;
  object_class->get_property = app_accuracy_view_get_property;
  object_class->set_property = app_accuracy_view_set_property;
  widget_class->map = app_accuracy_view_map;
  props[PROP_COMPACT] = g_param_spec_boolean ("compact", NULL, NULL, FALSE, flags);
  props[PROP_SHOW_TABLE] = g_param_spec_boolean ("show-table", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);

  g_type_ensure (PLOT_TYPE_FOREST);
  gtk_widget_class_set_css_name (widget_class, "accuracy-view");
  gtk_widget_class_set_template_from_resource (widget_class, APP_PATH "/ui/app-accuracy-view.ui");
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, AppAccuracyView, name)
  BIND (stack);
  BIND (empty_page);
  BIND (set_choice);
  BIND (metric_choice);
  BIND (evaluate_button);
  BIND (caption);
  BIND (notes);
  BIND (tiles_box);
  BIND (forest);
  BIND (footnote);
  BIND (pages);
  BIND (table_bin);
#undef BIND
}

static void
app_accuracy_view_init (AppAccuracyView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  for (guint i = 0; i < MAX_TILES; i++)
    {
      self->tiles[i] = app_figure_tile_new ("");
      gtk_box_append (GTK_BOX (self->tiles_box), self->tiles[i]);
    }
  g_signal_connect_object (self->set_choice, "notify::selected", G_CALLBACK (on_choice), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->metric_choice, "notify::selected", G_CALLBACK (on_choice), self,
                           G_CONNECT_SWAPPED);
}
