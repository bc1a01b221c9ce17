/* The speculation view: the text of the run that is shown with what was drafted marked in it, how
 * much of it was accepted where, what that gained and what it would gain elsewhere, and how the
 * time went. What is drawn comes from app-speculation-feed.c. */
#include "app-speculation-view.h"

#include "app-breakpoint.h"
#include "app-config.h"
#include "app-figure-tile.h"
#include "app-recipe-edit.h"
#include "app-scroll.h"
#include "app-speculation-feed.h"
#include "app-speculation-text.h"
#include "app-table.h"
#include "app-view.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

#define N_TILES 4

struct _AppSpeculationView
{
  GtkWidget parent_instance;

  GtkWidget *stack, *empty, *switch_on, *table_bin;
  GtkWidget *sentence, *identity, *notice;
  GtkWidget *tiles, *charts;
  AppSpeculationText *text;
  PlotChart *acceptance, *map, *trace;
  PlotTimeline *timeline;
  GtkWidget *length, *map_caption;
  GtkWidget *tile[N_TILES];

  AppStage *stage;
  EngRun *run; /* that is shown; NULL: none, or it did not speculate */
  PlotSeries *bars, *point, *name, *aimed, *accepted;
  PlotLayer *field, *mark, *label;
  PlotSheet *sheet;
  gboolean show_table, stale;
};

enum
{
  PROP_0,
  PROP_SHOW_TABLE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static const EngFigureId tile_figures[N_TILES]
    = { ENG_FIGURE_SPECULATION_SPEEDUP, ENG_FIGURE_SPECULATION_EXPECTED, ENG_FIGURE_ROUND_TOKENS,
        ENG_FIGURE_ACCEPTANCE };

static void app_speculation_view_iface_init (AppViewInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (AppSpeculationView, app_speculation_view, GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (APP_TYPE_VIEW,
                                                      app_speculation_view_iface_init))

static EngSpeculation *
get_speculation (AppSpeculationView *self)
{
  return self->run != NULL ? eng_run_get_speculation (self->run) : NULL;
}

/* ---- Switching it on ---- */

/* What drafts without another model: the technique's parameter that can be "lookup". */
static const EngParam *
find_switch (const EngTechnique **technique)
{
  *technique = eng_technique_find ("speculation");
  for (guint i = 0; *technique != NULL && i < (*technique)->n_params; i++)
    for (const EngChoice *choice = (*technique)->params[i].choices;
         choice != NULL && choice->id != NULL; choice++)
      if (strcmp (choice->id, eng_draft_source_name (ENG_DRAFT_LOOKUP)) == 0)
        return &(*technique)->params[i];
  return NULL;
}

static gboolean
is_on (AppSpeculationView *self)
{
  const EngTechnique *technique;
  const EngParam *param = find_switch (&technique);

  return param != NULL
         && eng_recipe_is_set (eng_session_get_recipe (app_stage_get_session (self->stage)),
                               technique->id, param->id);
}

static void
on_switch_on (AppSpeculationView *self)
{
  const EngTechnique *technique;
  const EngParam *param = find_switch (&technique);

  if (param != NULL)
    app_recipe_edit (GTK_WIDGET (self), app_stage_get_session (self->stage), technique, param, NULL,
                     g_variant_new_string (eng_draft_source_name (ENG_DRAFT_LOOKUP)));
}

static void
update_empty (AppSpeculationView *self)
{
  EngModel *model = eng_session_get_model (app_stage_get_session (self->stage));
  const EngTechnique *technique;
  gboolean can = model != NULL && eng_model_get_kind (model) == ENG_MODEL_LANGUAGE
                 && find_switch (&technique) != NULL;
  const char *text, *title = _ ("Nothing Drafted Yet");

  if (model != NULL && eng_model_get_kind (model) != ENG_MODEL_LANGUAGE)
    {
      title = _ ("Nothing to Draft");
      text = _ ("Speculation drafts text: it is for language models.");
    }
  else if (app_stage_get_running (self->stage))
    text = _ ("What is drafted shows when the run has ended.");
  else if (can && is_on (self))
    text = _ ("Speculation is on. Press Run: what is drafted, accepted and rejected shows here.");
  else
    {
      title = _ ("Speculation Is Off");
      text = _ (
          "Tokens are drafted cheaply and verified by the model several at a time; what it would "
          "not have written itself is thrown away, so the text stays the same.");
    }
  adw_status_page_set_title (ADW_STATUS_PAGE (self->empty), title);
  adw_status_page_set_description (ADW_STATUS_PAGE (self->empty), text);
  gtk_widget_set_visible (self->switch_on,
                          can && !is_on (self) && !app_stage_get_running (self->stage));
}

/* ---- The map ---- */

typedef struct
{
  EngSpeculation *speculation;
  guint length;
} Field;

static void
field_free (gpointer data)
{
  eng_speculation_unref (((Field *)data)->speculation);
  g_free (data);
}

static double
field_value (double x, double y, gpointer data)
{
  const Field *field = data;

  /* The picture goes a little below zero, where marks of drafters that cost nothing lie. */
  return app_speculation_speedup (field->speculation, field->length, CLAMP (x, 0.0, 100.0),
                                  fmax (y, 0.0));
}

static void
update_caption (AppSpeculationView *self, guint length)
{
  EngSpeculation *speculation = get_speculation (self);
  double acceptance, ratio, speed;
  g_autofree char *text = NULL;

  if (!app_speculation_get_point (speculation, &acceptance, &ratio))
    text = g_strdup (_ ("This run has no place on it: too little was drafted or timed."));
  else
    {
      speed = app_speculation_speedup (speculation, length, acceptance, ratio);
      text = isfinite (speed)
                 ? g_strdup_printf (
                     _ ("This run: %.0f\u202f%% accepted, a drafted token costs %.2f of a plain "
                        "step; drafts of %u are expected to be %.2f times as fast."),
                     acceptance, ratio, length, speed)
                 : g_strdup_printf (_ ("What verifying %u tokens at once costs was not measured."),
                                    length + 1);
    }
  gtk_label_set_label (GTK_LABEL (self->map_caption), text);
}

/* As far up as speculation can pay, and as the run lies: with drafts that cost next to nothing
 * the rest would be an empty hatching. */
static void
set_reach (AppSpeculationView *self, EngSpeculation *speculation, guint length, double ratio)
{
  double reach = 0.0, top;

  while (reach < 1.0 && app_speculation_speedup (speculation, length, 100.0, reach) > 1.0)
    reach += 0.02;
  top = fmin (fmax (1.25 * reach, 0.1), 1.0);
  if (isfinite (ratio))
    top = fmax (top, 1.2 * ratio);
  plot_axis_set_bounds (plot_chart_get_y_axis (self->map), -0.04 * top, top);
}

static void
update_map (AppSpeculationView *self)
{
  EngSpeculation *speculation = get_speculation (self);
  double acceptance = NAN, ratio = NAN;
  Field *field;

  if (speculation == NULL)
    return;
  field = g_new0 (Field, 1);
  field->speculation = eng_speculation_ref (speculation);
  field->length = (guint)gtk_range_get_value (GTK_RANGE (self->length));
  if (self->field != NULL)
    plot_chart_remove_layer (self->map, self->field);
  if (self->mark != NULL)
    plot_chart_remove_layer (self->map, self->mark);
  if (self->label != NULL)
    plot_chart_remove_layer (self->map, self->label);
  plot_series_clear (self->point);
  plot_series_clear (self->name);
  if (app_speculation_get_point (speculation, &acceptance, &ratio))
    {
      double speed = app_speculation_speedup (speculation, field->length, acceptance, ratio);
      g_autofree char *words = g_strdup_printf (_ ("%.2f×"), speed);

      plot_series_append (self->point, acceptance, ratio);
      plot_series_set_label (self->point, 0, _ ("this run"));
      plot_series_append (self->name, acceptance, ratio);
      plot_series_set_label (self->name, 0, _ ("this run"));
      if (isfinite (speed))
        plot_series_add_fact (self->point, 0, _ ("expected speed-up"), words);
    }
  set_reach (self, speculation, field->length, ratio);
  update_caption (self, field->length);
  self->field = plot_field_layer_new (_ ("faster than plain"), 1.0, field_value, field, field_free);
  plot_layer_set_color (self->field, 2);
  plot_field_set_below (self->field, _ ("slower than plain"));
  plot_chart_add_layer (self->map, self->field);
  self->mark = plot_layer_new (&plot_layer_points, self->point);
  plot_layer_set_color (self->mark, 1);
  plot_layer_set_shape (self->mark, PLOT_SHAPE_DIAMOND);
  plot_chart_add_layer (self->map, self->mark);
  self->label = plot_layer_new (&plot_layer_labels, self->name);
  plot_chart_add_layer (self->map, self->label);
}

static char *
on_format_length (GtkScale *scale, double value, gpointer data)
{
  guint n = (guint)value;

  return g_strdup_printf (ngettext ("%u token", "%u tokens", n), n);
}

/* ---- Showing a run ---- */

static void
show_length (AppSpeculationView *self, EngSpeculation *speculation)
{
  guint max = app_speculation_get_max_length (speculation);
  double mean = eng_speculation_get_mean_length (speculation);

  gtk_widget_set_sensitive (self->length, max > 1);
  gtk_range_set_range (GTK_RANGE (self->length), 1, MAX (max, 2));
  gtk_range_set_value (GTK_RANGE (self->length),
                       isfinite (mean) ? CLAMP (round (mean), 1, MAX (max, 1)) : 1);
}

static void
show_words (AppSpeculationView *self, EngSpeculation *speculation)
{
  static const char *const styles[] = { "error", "dim-label", "success" };
  static const char *const signs[] = { "✗ ", "", "✓ " };
  g_autofree char *sentence = app_speculation_dup_sentence (speculation);
  int verdict;
  g_autofree char *identity = app_speculation_dup_identity (speculation, &verdict);
  g_autofree char *signed_identity = g_strconcat (signs[verdict + 1], identity, NULL);
  const char *notice = eng_speculation_get_notice (speculation);

  gtk_label_set_label (GTK_LABEL (self->sentence), sentence);
  gtk_label_set_label (GTK_LABEL (self->identity), signed_identity);
  for (int i = 0; i < 3; i++)
    if (i == verdict + 1)
      gtk_widget_add_css_class (self->identity, styles[i]);
    else
      gtk_widget_remove_css_class (self->identity, styles[i]);
  gtk_label_set_label (GTK_LABEL (self->notice), notice != NULL ? notice : "");
  gtk_widget_set_visible (self->notice, notice != NULL);
}

static void
show_run (AppSpeculationView *self, EngRun *run)
{
  EngSpeculation *speculation = eng_run_get_speculation (run);
  EngSpeculationTotals totals;

  g_set_object (&self->run, run);
  show_words (self, speculation);
  for (guint i = 0; i < N_TILES; i++)
    {
      EngFigure figure = eng_run_get_figure (run, tile_figures[i]);

      if (tile_figures[i] == ENG_FIGURE_SPECULATION_EXPECTED && figure.available)
        app_figure_tile_set_estimate (APP_FIGURE_TILE (self->tile[i]), &figure, NULL);
      else
        app_figure_tile_set (APP_FIGURE_TILE (self->tile[i]), &figure, NULL);
    }
  eng_speculation_get_totals (speculation, &totals);
  gtk_widget_set_visible (GTK_WIDGET (self->acceptance), totals.n_drafted > 0);
  gtk_widget_set_visible (GTK_WIDGET (self->trace), totals.n_drafted > 0);
  app_speculation_text_set_run (self->text, run);
  app_speculation_fill_acceptance (speculation, self->bars);
  app_speculation_fill_trace (speculation, self->aimed, self->accepted);
  app_speculation_fill_timeline (speculation, self->timeline);
  show_length (self, speculation);
  update_map (self);
}

static void
update_table (AppSpeculationView *self)
{
  g_autoptr (PlotTable) table = NULL;

  if (!self->show_table || self->run == NULL)
    {
      adw_bin_set_child (ADW_BIN (self->table_bin), NULL);
      return;
    }
  table = app_speculation_make_table (get_speculation (self), eng_run_get_text (self->run));
  adw_bin_set_child (ADW_BIN (self->table_bin), app_table_new (table, 150));
}

static void
update_page (AppSpeculationView *self)
{
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), self->run == NULL  ? "empty"
                                                             : self->show_table ? "table"
                                                                                : "plots");
}

static void
refresh (AppSpeculationView *self)
{
  EngRun *run = app_stage_get_run (self->stage);

  self->stale = FALSE;
  if (run != NULL && eng_run_get_speculation (run) != NULL)
    {
      if (run != self->run)
        {
          show_run (self, run);
          update_table (self);
        }
    }
  else
    {
      app_speculation_text_set_run (self->text, NULL);
      g_clear_object (&self->run);
      update_table (self);
      update_empty (self);
    }
  update_page (self);
}

static void
on_changed (AppSpeculationView *self)
{
  if (gtk_widget_get_mapped (GTK_WIDGET (self)))
    refresh (self);
  else
    self->stale = TRUE;
}

static void
on_map (AppSpeculationView *self)
{
  if (self->stale && self->stage != NULL)
    refresh (self);
}

/* ---- The widget ---- */

static void
set_show_table (AppSpeculationView *self, gboolean show_table)
{
  if (self->show_table == show_table)
    return;
  self->show_table = show_table;
  update_table (self);
  update_page (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SHOW_TABLE]);
}

static void
app_speculation_view_dispose (GObject *object)
{
  AppSpeculationView *self = APP_SPECULATION_VIEW (object);
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);
  g_clear_object (&self->stage);
  g_clear_object (&self->run);
  g_clear_object (&self->bars);
  g_clear_object (&self->point);
  g_clear_object (&self->name);
  g_clear_object (&self->aimed);
  g_clear_object (&self->accepted);
  g_clear_object (&self->sheet);
  G_OBJECT_CLASS (app_speculation_view_parent_class)->dispose (object);
}

static void
app_speculation_view_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SHOW_TABLE)
    g_value_set_boolean (value, APP_SPECULATION_VIEW (object)->show_table);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_speculation_view_set_property (GObject *object, guint id, const GValue *value,
                                   GParamSpec *pspec)
{
  if (id == PROP_SHOW_TABLE)
    set_show_table (APP_SPECULATION_VIEW (object), g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_speculation_view_class_init (AppSpeculationViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = app_speculation_view_dispose;
  object_class->get_property = app_speculation_view_get_property;
  object_class->set_property = app_speculation_view_set_property;
  props[PROP_SHOW_TABLE]
      = g_param_spec_boolean ("show-table", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);

  g_type_ensure (PLOT_TYPE_CHART);
  g_type_ensure (PLOT_TYPE_TIMELINE);
  g_type_ensure (APP_TYPE_SPECULATION_TEXT);
  gtk_widget_class_set_css_name (widget_class, "speculation-view");
  gtk_widget_class_set_template_from_resource (widget_class,
                                               APP_PATH "/ui/app-speculation-view.ui");
  gtk_widget_class_bind_template_child (widget_class, AppSpeculationView, stack);
  gtk_widget_class_bind_template_child (widget_class, AppSpeculationView, empty);
  gtk_widget_class_bind_template_child (widget_class, AppSpeculationView, switch_on);
  gtk_widget_class_bind_template_child (widget_class, AppSpeculationView, table_bin);
  gtk_widget_class_bind_template_child (widget_class, AppSpeculationView, sentence);
  gtk_widget_class_bind_template_child (widget_class, AppSpeculationView, identity);
  gtk_widget_class_bind_template_child (widget_class, AppSpeculationView, notice);
  gtk_widget_class_bind_template_child (widget_class, AppSpeculationView, tiles);
  gtk_widget_class_bind_template_child (widget_class, AppSpeculationView, charts);
  gtk_widget_class_bind_template_child (widget_class, AppSpeculationView, text);
  gtk_widget_class_bind_template_child (widget_class, AppSpeculationView, acceptance);
  gtk_widget_class_bind_template_child (widget_class, AppSpeculationView, map);
  gtk_widget_class_bind_template_child (widget_class, AppSpeculationView, trace);
  gtk_widget_class_bind_template_child (widget_class, AppSpeculationView, timeline);
  gtk_widget_class_bind_template_child (widget_class, AppSpeculationView, length);
  gtk_widget_class_bind_template_child (widget_class, AppSpeculationView, map_caption);
  gtk_widget_class_bind_template_callback (widget_class, on_switch_on);
  gtk_widget_class_bind_template_callback (widget_class, update_map);
}

static void
init_axis (PlotAxis *axis, const char *title, const PlotUnit *unit, double min, double max)
{
  plot_axis_set_title (axis, title);
  plot_axis_set_unit (axis, unit);
  plot_axis_set_bounds (axis, min, max);
}

static PlotLayer *
add_layer (PlotChart *chart, const PlotLayerKind *kind, PlotSeries *series, int color)
{
  PlotLayer *layer = plot_layer_new (kind, series);

  plot_layer_set_color (layer, color);
  plot_chart_add_layer (chart, layer);
  return layer;
}

/* There is no position between the first and the second. */
static char *
format_whole (double value, gpointer data)
{
  return fabs (value - round (value)) < 1e-6 ? g_strdup_printf ("%.0f", value) : g_strdup ("");
}

static void
init_charts (AppSpeculationView *self)
{
  static const PlotUnit percent = { "%", PLOT_PREFIX_NONE, 0, NULL, NULL };
  static const PlotUnit whole = { "", PLOT_PREFIX_NONE, 0, format_whole, NULL };

  self->bars = plot_series_new (_ ("accepted"));
  self->point = plot_series_new (_ ("this run"));
  self->name = plot_series_new ("");
  self->aimed = plot_series_new (_ ("draft length"));
  self->accepted = plot_series_new (_ ("accepted"));

  init_axis (plot_chart_get_x_axis (self->acceptance), _ ("Draft position"), &whole, NAN, NAN);
  init_axis (plot_chart_get_y_axis (self->acceptance), _ ("Accepted"), &percent, 0, 100);
  add_layer (self->acceptance, &plot_layer_bars, self->bars, 0);

  init_axis (plot_chart_get_x_axis (self->map), _ ("Accepted"), &percent, 0, 103);
  init_axis (plot_chart_get_y_axis (self->map), _ ("Drafted token (plain steps)"), &PLOT_UNIT_PLAIN,
             -0.04, 1);

  init_axis (plot_chart_get_x_axis (self->trace), _ ("Token"), &PLOT_UNIT_COUNT, NAN, NAN);
  init_axis (plot_chart_get_y_axis (self->trace), _ ("Tokens"), &whole, 0, NAN);
  add_layer (self->trace, &plot_layer_step, self->aimed, 0);
  plot_layer_set_shape (add_layer (self->trace, &plot_layer_points, self->accepted, 1),
                        PLOT_SHAPE_SQUARE);
}

static void
app_speculation_view_init (AppSpeculationView *self)
{
  static const char *const titles[N_TILES]
      = { N_ ("Speed-up"), N_ ("Expected"), N_ ("Tokens per round"), N_ ("Acceptance") };
  static const char *const tips[N_TILES] = {
    N_ ("Times as fast as plain steps of the same run, measured"),
    N_ ("The same by the formula of Leviathan et al. 2023 (theorem 3.8), from the acceptance "
        "and the measured costs of drafting and verifying"),
    N_ ("Mean of the rounds that drafted: accepted tokens and the model's own"),
    N_ ("Of the drafted tokens that were compared with the model's choice, the accepted ones")
  };

  gtk_widget_init_template (GTK_WIDGET (self));
  for (guint i = 0; i < N_TILES; i++)
    {
      self->tile[i] = app_figure_tile_new (_ (titles[i]));
      app_figure_tile_set_what (APP_FIGURE_TILE (self->tile[i]), _ (titles[i]), _ (tips[i]));
      gtk_flow_box_append (GTK_FLOW_BOX (self->tiles), self->tile[i]);
    }
  gtk_scale_set_format_value_func (GTK_SCALE (self->length), on_format_length, NULL, NULL);
  init_charts (self);
  app_scroll_let_through (self->charts);
  app_scroll_let_through (GTK_WIDGET (self->timeline));
  app_scroll_let_through (GTK_WIDGET (self->trace));
  g_signal_connect (self, "map", G_CALLBACK (on_map), NULL);
}

static void
app_speculation_view_set_context (AppView *view, const AppViewContext *context)
{
  AppSpeculationView *self = APP_SPECULATION_VIEW (view);

  g_return_if_fail (self->stage == NULL);

  self->stage = g_object_ref (context->stage);
  g_signal_connect_object (self->stage, "changed", G_CALLBACK (on_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (app_stage_get_session (self->stage), "notify::recipe",
                           G_CALLBACK (on_changed), self, G_CONNECT_SWAPPED);
  self->stale = TRUE;
  on_changed (self);
}

/* All of it on one page; the table is that of the rounds. */
static PlotFigure *
app_speculation_view_get_figure (AppView *view)
{
  AppSpeculationView *self = APP_SPECULATION_VIEW (view);
  g_autoptr (PlotTable) table = NULL;

  if (self->stale && self->stage != NULL)
    refresh (self);
  if (self->sheet == NULL)
    self->sheet = plot_sheet_new (_ ("Speculation"));
  if (self->run != NULL)
    table = app_speculation_make_table (get_speculation (self), eng_run_get_text (self->run));
  plot_sheet_clear (self->sheet);
  plot_sheet_add (self->sheet, 0, 3, PLOT_FIGURE (self->acceptance));
  plot_sheet_add (self->sheet, 0, 3, PLOT_FIGURE (self->map));
  plot_sheet_add (self->sheet, 1, 2, PLOT_FIGURE (self->timeline));
  plot_sheet_add (self->sheet, 2, 2, PLOT_FIGURE (self->trace));
  plot_sheet_set_table (self->sheet, table);
  return PLOT_FIGURE (self->sheet);
}

/* Two charts side by side where there is room. */
static void
app_speculation_view_set_width_class (AppView *view, int width)
{
  AppSpeculationView *self = APP_SPECULATION_VIEW (view);

  gtk_orientable_set_orientation (GTK_ORIENTABLE (self->charts), width == APP_WIDTH_COMPACT
                                                                     ? GTK_ORIENTATION_VERTICAL
                                                                     : GTK_ORIENTATION_HORIZONTAL);
  for (guint i = 0; i < N_TILES; i++)
    app_figure_tile_set_compact (APP_FIGURE_TILE (self->tile[i]), width == APP_WIDTH_COMPACT);
}

static void
app_speculation_view_iface_init (AppViewInterface *iface)
{
  iface->set_context = app_speculation_view_set_context;
  iface->get_figure = app_speculation_view_get_figure;
  iface->set_width_class = app_speculation_view_set_width_class;
}
