/* The roofline view: gives the chart what the stage and the adviser know, and keeps its selection
 * and the shared one equal. What is drawn is in app-roofline-feed.c, what is advised in
 * app-adviser.c. */
#include "app-roofline-view.h"

#include "app-advice-list.h"
#include "app-breakpoint.h"
#include "app-config.h"
#include "app-job-bar.h"
#include "app-roofline-feed.h"
#include "app-table.h"
#include "app-view.h"

#include <adwaita.h>
#include <glib/gi18n.h>

struct _AppRooflineView
{
  GtkWidget parent_instance;

  PlotChart *chart;
  GtkWidget *caption;
  GtkWidget *toolbar, *second_row, *levels;
  GtkWidget *layers, *operators;
  GtkWidget *phases, *prefill, *decode;
  GtkWidget *measure;
  GtkWidget *notice, *notice_text, *notice_measure;
  AppJobBar *job_bar;
  GtkWidget *stack, *empty, *paned, *table_bin;
  AppAdviceList *advice;

  AppStage *stage;
  AppSelection *selection;
  AppAdviser *adviser;
  AppRooflineFeed *feed;
  gboolean show_table, stale, syncing;
};

enum
{
  PROP_0,
  PROP_SHOW_TABLE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void app_roofline_view_iface_init (AppViewInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (AppRooflineView, app_roofline_view, GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (APP_TYPE_VIEW, app_roofline_view_iface_init))

/* ---- What is shown ---- */

/* Of this model, with something in it: a profile has no times before its run has begun, or where no
 * estimate can be told. */
static gboolean
fits (EngProfile *profile, EngModel *model)
{
  if (profile == NULL || model == NULL
      || eng_profile_get_n_layers (profile) != (int)eng_model_get_n_layers (model))
    return FALSE;
  for (int p = 0; p < RT_N_PHASES; p++)
    if (eng_profile_get_phase (profile, (RtPhase)p)->total.n > 0)
      return TRUE;
  return FALSE;
}

/* Measured where there is something, else what is expected of a recipe that was never run. */
static void
find_shown (AppRooflineView *self, AppRooflineShown *shown)
{
  EngRun *baseline = app_stage_get_baseline (self->stage);
  EngProfile *before = baseline != NULL ? eng_run_get_profile (baseline) : NULL;
  EngProfile *profile = app_stage_get_profile (self->stage);

  *shown = (AppRooflineShown){ .model = eng_session_get_model (app_stage_get_session (self->stage)),
                               .roof = app_adviser_get_roof (self->adviser),
                               .operators = gtk_toggle_button_get_active (
                                   GTK_TOGGLE_BUTTON (self->operators)) };
  if (!fits (profile, shown->model))
    {
      profile = app_adviser_get_expected (self->adviser);
      shown->expected = fits (profile, shown->model);
    }
  if (fits (profile, shown->model))
    shown->profile = profile;
  if (shown->profile != NULL && fits (before, shown->model))
    shown->baseline = before;
}

static char *
dup_roof_words (const EngRoof *roof)
{
  g_autoptr (GDateTime) time = roof->time > 0 ? g_date_time_new_from_unix_local (roof->time) : NULL;
  g_autofree char *when = time != NULL ? g_date_time_format (time, "%x %R") : NULL;
  g_autofree char *threads
      = g_strdup_printf (ngettext ("Roofs of %u thread", "Roofs of %u threads", roof->n_threads),
                         roof->n_threads);

  return when != NULL ? g_strdup_printf (_ ("%s, measured %s"), threads, when)
                      : g_steal_pointer (&threads);
}

static void
update_caption (AppRooflineView *self, const AppRooflineShown *shown)
{
  g_autofree char *summary = app_roofline_feed_dup_summary (self->feed);
  g_autofree char *roof = shown->roof != NULL ? dup_roof_words (shown->roof) : g_strdup ("");
  g_autofree char *text
      = g_strdup_printf ("%s%s%s%s", shown->expected ? _ ("Estimated, not run. ") : "", summary,
                         *summary != '\0' && *roof != '\0' ? " · " : "", roof);

  gtk_widget_set_visible (self->caption, *text != '\0');
  if (g_strcmp0 (gtk_label_get_label (GTK_LABEL (self->caption)), text) == 0)
    return;
  gtk_label_set_label (GTK_LABEL (self->caption), text);
  gtk_widget_set_tooltip_text (self->caption, text);
}

/* What is to be known before the roofs are believed; NULL: nothing. */
static char *
dup_notice (AppRooflineView *self)
{
  const EngRoof *roof = app_adviser_get_roof (self->adviser);
  guint n = app_adviser_get_n_threads (self->adviser);

  if (roof == NULL)
    return g_strdup_printf (
        ngettext (
            "The roofs of %u thread were not measured on this machine yet: how far the layers "
            "are from them is unknown.",
            "The roofs of %u threads were not measured on this machine yet: how far the "
            "layers are from them is unknown.",
            n),
        n);
  if (roof->others_cpus > ENG_ROOF_MAX_OTHERS)
    return g_strdup_printf (_ ("Other programs used %.1f processors while the roofs were measured: "
                               "they may be too low. Close them and measure again."),
                            roof->others_cpus);
  return NULL;
}

static void
set_measure_state (AppRooflineView *self, GtkWidget *button)
{
  gboolean can = app_adviser_can_measure (self->adviser);

  gtk_widget_set_sensitive (button, can);
  gtk_widget_set_tooltip_text (
      button, can ? _ ("Measure this machine’s roofs: a few seconds on all its cores, kept for all "
                       "models")
                  : _ ("Not while something else uses the cores"));
}

static void
update_notice (AppRooflineView *self)
{
  gboolean measuring = app_adviser_get_job (self->adviser) != NULL;
  gboolean missing = app_adviser_get_roof (self->adviser) == NULL;
  g_autofree char *text = dup_notice (self);

  gtk_label_set_label (GTK_LABEL (self->notice_text), text != NULL ? text : "");
  gtk_button_set_label (GTK_BUTTON (self->notice_measure),
                        missing ? _ ("Measure Roofs") : _ ("Measure Again"));
  gtk_widget_set_visible (self->notice, text != NULL && !measuring);
  gtk_widget_set_visible (GTK_WIDGET (self->job_bar), measuring);
  set_measure_state (self, self->measure);
  set_measure_state (self, self->notice_measure);
}

static void
update_table (AppRooflineView *self)
{
  g_autoptr (PlotTable) table = NULL;

  if (!self->show_table)
    {
      adw_bin_set_child (ADW_BIN (self->table_bin), NULL);
      return;
    }
  table = app_roofline_feed_make_table (self->feed);
  adw_bin_set_child (ADW_BIN (self->table_bin), app_table_new (table, 180));
}

static void
select_from_shared (AppRooflineView *self)
{
  int layer = app_selection_get_layer (self->selection);
  RtPhase phase = app_stage_get_kind (self->stage) == ENG_MODEL_NETWORK
                      ? RT_PHASE_INFERENCE
                      : app_selection_get_phase (self->selection);
  PlotLayer *points = NULL;
  guint64 index = 0;

  if (self->syncing)
    return;
  self->syncing = TRUE;
  if (layer == APP_LAYER_NONE
      || !app_roofline_feed_find (self->feed, phase, layer,
                                  app_selection_get_node (self->selection), &points, &index))
    points = NULL;
  plot_chart_select (self->chart, points, index);
  self->syncing = FALSE;
}

static void
update_phases (AppRooflineView *self)
{
  gtk_widget_set_visible (self->phases, app_stage_get_kind (self->stage) == ENG_MODEL_LANGUAGE);
  app_roofline_feed_set_visible (self->feed, RT_PHASE_PREFILL,
                                 gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->prefill)));
  app_roofline_feed_set_visible (self->feed, RT_PHASE_DECODE,
                                 gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->decode)));
}

static const char *
get_page (AppRooflineView *self, const AppRooflineShown *shown)
{
  if (shown->profile == NULL)
    return "empty";
  return self->show_table ? "table" : "plot";
}

static const char *
get_empty_text (AppRooflineView *self, EngModel *model)
{
  if (model != NULL && eng_model_get_report (model)[0] != NULL)
    return _ ("The network cannot run; the graph shows why.");
  if (app_stage_get_running (self->stage))
    return _ ("Layers appear as soon as they are measured.");
  return _ ("Press Run: every layer gets its place under the roofs of this machine, and advice on "
            "what would make it cheaper.");
}

static void
refresh (AppRooflineView *self)
{
  AppRooflineShown shown;

  self->stale = FALSE;
  find_shown (self, &shown);
  self->syncing = TRUE;
  app_roofline_feed_show (self->feed, &shown);
  update_phases (self);
  self->syncing = FALSE;
  update_caption (self, &shown);
  update_notice (self);
  update_table (self);
  adw_status_page_set_description (ADW_STATUS_PAGE (self->empty),
                                   get_empty_text (self, shown.model));
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), get_page (self, &shown));
  select_from_shared (self);
}

static void
on_changed (AppRooflineView *self)
{
  if (gtk_widget_get_mapped (GTK_WIDGET (self)))
    refresh (self);
  else
    self->stale = TRUE;
}

/* Points move while a run goes on; the table would lose its place. */
static void
on_live (AppRooflineView *self)
{
  if (gtk_widget_get_mapped (GTK_WIDGET (self)) && !self->show_table)
    refresh (self);
  else
    self->stale = TRUE;
}

static void
on_map (AppRooflineView *self)
{
  if (self->stale && self->stage != NULL)
    refresh (self);
}

static void
on_job (AppRooflineView *self)
{
  app_job_bar_set_job (self->job_bar, app_adviser_get_job (self->adviser));
  update_notice (self);
}

/* ---- What a person does ---- */

static void
on_choice (AppRooflineView *self)
{
  if (self->stage != NULL && !self->syncing)
    refresh (self);
}

/* One of the two must stay: an empty chart would say nothing. */
static void
on_phase (GtkToggleButton *button, gpointer data)
{
  AppRooflineView *self = data;
  GtkWidget *other = GTK_WIDGET (button) == self->prefill ? self->decode : self->prefill;

  if (!gtk_toggle_button_get_active (button)
      && !gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (other)))
    gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (other), TRUE);
  on_choice (self);
}

static void
on_point_selected (AppRooflineView *self, PlotLayer *points, guint64 index)
{
  const char *node;
  RtPhase phase;
  int layer;

  if (self->syncing)
    return;
  self->syncing = TRUE;
  if (app_roofline_feed_lookup (self->feed, points, index, &phase, &layer, &node))
    {
      g_autofree char *name = g_strdup (node);

      if (phase != RT_PHASE_INFERENCE)
        app_selection_set_phase (self->selection, phase);
      if (name != NULL)
        app_selection_set_node (self->selection, layer, name);
      else
        app_selection_set_layer (self->selection, layer);
    }
  else if (points == NULL)
    app_selection_set_layer (self->selection, APP_LAYER_NONE);
  self->syncing = FALSE;
}

static void
on_measure (AppRooflineView *self)
{
  app_adviser_measure (self->adviser);
}

static void
on_fit (AppRooflineView *self)
{
  plot_chart_reset_view (self->chart);
  gtk_widget_grab_focus (GTK_WIDGET (self->chart));
}

/* ---- The widget ---- */

static void
set_show_table (AppRooflineView *self, gboolean show_table)
{
  AppRooflineShown shown;

  if (self->show_table == show_table)
    return;
  self->show_table = show_table;
  if (self->stage != NULL)
    {
      find_shown (self, &shown);
      update_table (self);
      gtk_stack_set_visible_child_name (GTK_STACK (self->stack), get_page (self, &shown));
    }
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SHOW_TABLE]);
}

static void
app_roofline_view_dispose (GObject *object)
{
  AppRooflineView *self = APP_ROOFLINE_VIEW (object);
  GtkWidget *child;

  self->syncing = TRUE; /* what the children say while they go is nobody's choice */
  g_clear_pointer (&self->feed, app_roofline_feed_free);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);
  g_clear_object (&self->stage);
  g_clear_object (&self->selection);
  g_clear_object (&self->adviser);
  G_OBJECT_CLASS (app_roofline_view_parent_class)->dispose (object);
}

static void
app_roofline_view_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SHOW_TABLE)
    g_value_set_boolean (value, APP_ROOFLINE_VIEW (object)->show_table);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_roofline_view_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SHOW_TABLE)
    set_show_table (APP_ROOFLINE_VIEW (object), g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_roofline_view_class_init (AppRooflineViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = app_roofline_view_dispose;
  object_class->get_property = app_roofline_view_get_property;
  object_class->set_property = app_roofline_view_set_property;
  props[PROP_SHOW_TABLE]
      = g_param_spec_boolean ("show-table", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);

  g_type_ensure (PLOT_TYPE_CHART);
  g_type_ensure (APP_TYPE_ADVICE_LIST);
  g_type_ensure (APP_TYPE_JOB_BAR);
  gtk_widget_class_set_css_name (widget_class, "roofline-view");
  gtk_widget_class_set_template_from_resource (widget_class, APP_PATH "/ui/app-roofline-view.ui");
  gtk_widget_class_bind_template_child (widget_class, AppRooflineView, chart);
  gtk_widget_class_bind_template_child (widget_class, AppRooflineView, caption);
  gtk_widget_class_bind_template_child (widget_class, AppRooflineView, toolbar);
  gtk_widget_class_bind_template_child (widget_class, AppRooflineView, second_row);
  gtk_widget_class_bind_template_child (widget_class, AppRooflineView, levels);
  gtk_widget_class_bind_template_child (widget_class, AppRooflineView, layers);
  gtk_widget_class_bind_template_child (widget_class, AppRooflineView, operators);
  gtk_widget_class_bind_template_child (widget_class, AppRooflineView, phases);
  gtk_widget_class_bind_template_child (widget_class, AppRooflineView, prefill);
  gtk_widget_class_bind_template_child (widget_class, AppRooflineView, decode);
  gtk_widget_class_bind_template_child (widget_class, AppRooflineView, measure);
  gtk_widget_class_bind_template_child (widget_class, AppRooflineView, notice);
  gtk_widget_class_bind_template_child (widget_class, AppRooflineView, notice_text);
  gtk_widget_class_bind_template_child (widget_class, AppRooflineView, notice_measure);
  gtk_widget_class_bind_template_child (widget_class, AppRooflineView, job_bar);
  gtk_widget_class_bind_template_child (widget_class, AppRooflineView, stack);
  gtk_widget_class_bind_template_child (widget_class, AppRooflineView, empty);
  gtk_widget_class_bind_template_child (widget_class, AppRooflineView, paned);
  gtk_widget_class_bind_template_child (widget_class, AppRooflineView, table_bin);
  gtk_widget_class_bind_template_child (widget_class, AppRooflineView, advice);
  gtk_widget_class_bind_template_callback (widget_class, on_choice);
  gtk_widget_class_bind_template_callback (widget_class, on_phase);
  gtk_widget_class_bind_template_callback (widget_class, on_measure);
  gtk_widget_class_bind_template_callback (widget_class, on_fit);
}

static void
app_roofline_view_init (AppRooflineView *self)
{
  static const PlotUnit per_byte = { "op/B", PLOT_PREFIX_NONE, 0, NULL, NULL };
  static const PlotUnit speed = { "op/s", PLOT_PREFIX_LARGE, 0, NULL, NULL };
  PlotAxis *x, *y;

  gtk_widget_init_template (GTK_WIDGET (self));
  x = plot_chart_get_x_axis (self->chart);
  y = plot_chart_get_y_axis (self->chart);
  plot_axis_set_kind (x, PLOT_AXIS_LOG);
  plot_axis_set_kind (y, PLOT_AXIS_LOG);
  plot_axis_set_unit (x, &per_byte);
  plot_axis_set_unit (y, &speed);
  plot_axis_set_title (x, _ ("Operations per byte"));
  plot_axis_set_title (y, _ ("Speed"));
  self->feed = app_roofline_feed_new (self->chart);
  g_signal_connect_object (self->chart, "point-selected", G_CALLBACK (on_point_selected), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect (self, "map", G_CALLBACK (on_map), NULL);
}

static void
app_roofline_view_set_context (AppView *view, const AppViewContext *context)
{
  AppRooflineView *self = APP_ROOFLINE_VIEW (view);

  g_return_if_fail (self->stage == NULL);

  self->stage = g_object_ref (context->stage);
  self->selection = g_object_ref (context->selection);
  self->adviser = g_object_ref (app_adviser_get (context->stage, context->history));
  g_signal_connect_object (self->stage, "changed", G_CALLBACK (on_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->stage, "live", G_CALLBACK (on_live), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->adviser, "changed", G_CALLBACK (on_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->adviser, "notify::job", G_CALLBACK (on_job), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->selection, "notify::layer", G_CALLBACK (select_from_shared), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->selection, "notify::node", G_CALLBACK (select_from_shared), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->selection, "notify::phase", G_CALLBACK (select_from_shared), self,
                           G_CONNECT_SWAPPED);
  app_advice_list_set_adviser (self->advice, self->adviser, self->stage);
  on_job (self);
  self->stale = TRUE;
  on_changed (self);
}

static PlotFigure *
app_roofline_view_get_figure (AppView *view)
{
  AppRooflineView *self = APP_ROOFLINE_VIEW (view);

  if (self->stale && self->stage != NULL)
    refresh (self);
  return PLOT_FIGURE (self->chart);
}

/* Four words and three buttons are too wide for a phone. */
static void
place_phases (AppRooflineView *self, gboolean compact)
{
  GtkWidget *parent = compact ? self->second_row : self->toolbar;

  gtk_widget_set_visible (self->second_row, compact);
  if (gtk_widget_get_parent (self->phases) == parent)
    return;
  g_object_ref (self->phases);
  gtk_box_remove (GTK_BOX (gtk_widget_get_parent (self->phases)), self->phases);
  gtk_box_append (GTK_BOX (parent), self->phases);
  if (!compact)
    gtk_box_reorder_child_after (GTK_BOX (parent), self->phases, self->levels);
  g_object_unref (self->phases);
}

/* Advice beside the plot where there is room, below it where there is not. */
static void
app_roofline_view_set_width_class (AppView *view, int width)
{
  AppRooflineView *self = APP_ROOFLINE_VIEW (view);
  gboolean beside = width == APP_WIDTH_WIDE;

  gtk_orientable_set_orientation (GTK_ORIENTABLE (self->paned),
                                  beside ? GTK_ORIENTATION_HORIZONTAL : GTK_ORIENTATION_VERTICAL);
  place_phases (self, width == APP_WIDTH_COMPACT);
}

static void
app_roofline_view_iface_init (AppViewInterface *iface)
{
  iface->set_context = app_roofline_view_set_context;
  iface->get_figure = app_roofline_view_get_figure;
  iface->set_width_class = app_roofline_view_set_width_class;
}
