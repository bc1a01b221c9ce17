/* The lanes: fills a PlotLanes from what the stage shows, and keeps its selection and the shared
 * one equal. Decode and prefill of a language model are two lanes of which one is visible; a network
 * has one, and no key-value cache. The baseline stands behind all. Must not know how numbers are
 * measured or drawn. */
#include "app-lanes-view.h"

#include "app-axis.h"
#include "app-config.h"
#include "app-lanes-text.h"
#include "app-table.h"
#include "plots.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <math.h>

/* A live update has been painted by then. */
#define FREEZE_AFTER_MS 50

/* The latency lanes come first, one per phase; then memory. */
typedef struct
{
  RtPhase phase;
  const char *title;
} LatencyLane;

static const LatencyLane language_lanes[]
    = { { RT_PHASE_DECODE, N_ ("Decode latency") }, { RT_PHASE_PREFILL, N_ ("Prefill latency") } };
static const LatencyLane network_lanes[] = { { RT_PHASE_INFERENCE, N_ ("Latency") } };

enum
{
  SERIES_MEASURED,
  SERIES_BASELINE,
};

/* Series of the memory lane; the cache is there for language models only. */
enum
{
  MEMORY_WEIGHTS,
  MEMORY_ACTIVATIONS,
  MEMORY_BASELINE,
  MEMORY_KV,
};

struct _AppLanesView
{
  GtkWidget parent_instance;

  PlotLanes *lanes;
  GtkWidget *stack;
  GtkWidget *table_bin;
  GtkWidget *caption;
  GtkWidget *detail;
  GtkWidget *phases;

  const LatencyLane *latency; /* [n_latency]; lane n_latency is memory */
  guint n_latency;

  AppStage *stage;
  AppSelection *selection;
  AppAxis *axis;
  double *columns[6]; /* scratch, [n_items] each */
  guint freeze_id;
  gboolean show_table;
  gboolean syncing; /* the selection is being copied one way or the other */
};

enum
{
  PROP_0,
  PROP_SHOW_TABLE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (AppLanesView, app_lanes_view, GTK_TYPE_WIDGET)

/* ---- Lanes ---- */

static void
add_latency_lane (AppLanesView *self, const char *title)
{
  guint lane
      = plot_lanes_add_lane (self->lanes, &(PlotLaneInfo){ .title = title,
                                                           .unit = PLOT_UNIT_NS,
                                                           .flags = PLOT_LANE_LOWER_IS_BETTER,
                                                           .total = PLOT_TOTAL_SUM,
                                                           .height = 1.3 });

  plot_lanes_add_series (self->lanes, lane,
                         &(PlotLaneSeriesInfo){
                             .name = _ ("median"), .role = PLOT_ROLE_BAR, .color = 0 });
  plot_lanes_add_series (self->lanes, lane,
                         &(PlotLaneSeriesInfo){ .name = _ ("baseline"),
                                                .role = PLOT_ROLE_BASELINE,
                                                .of = SERIES_MEASURED });
}

static void
add_memory_lane (AppLanesView *self, gboolean cache)
{
  guint lane
      = plot_lanes_add_lane (self->lanes, &(PlotLaneInfo){ .title = _ ("Memory"),
                                                           .unit = PLOT_UNIT_BYTES,
                                                           .flags = PLOT_LANE_LOWER_IS_BETTER });

  plot_lanes_add_series (self->lanes, lane,
                         &(PlotLaneSeriesInfo){
                             .name = _ ("weights"), .role = PLOT_ROLE_STACK, .color = 1 });
  plot_lanes_add_series (self->lanes, lane,
                         &(PlotLaneSeriesInfo){ .name = _ ("activations"),
                                                .role = PLOT_ROLE_STACK,
                                                .color = 2,
                                                .pattern = PLOT_PATTERN_HATCH });
  plot_lanes_add_series (self->lanes, lane,
                         &(PlotLaneSeriesInfo){ .name = _ ("baseline"),
                                                .role = PLOT_ROLE_BASELINE,
                                                .of = MEMORY_WEIGHTS });
  if (cache)
    plot_lanes_add_series (self->lanes, lane,
                           &(PlotLaneSeriesInfo){ .name = _ ("KV cache"),
                                                  .role = PLOT_ROLE_STACK,
                                                  .color = 3,
                                                  .pattern = PLOT_PATTERN_DOTS });
}

/* The lanes of this kind of model; TRUE when they are others than before, and empty. */
static gboolean
set_kind (AppLanesView *self, EngModelKind kind)
{
  gboolean network = kind == ENG_MODEL_NETWORK;
  const LatencyLane *latency = network ? network_lanes : language_lanes;

  if (self->latency == latency)
    return FALSE;
  self->latency = latency;
  self->n_latency = network ? G_N_ELEMENTS (network_lanes) : G_N_ELEMENTS (language_lanes);
  plot_lanes_clear_lanes (self->lanes);
  for (guint i = 0; i < self->n_latency; i++)
    add_latency_lane (self, _ (latency[i].title));
  add_memory_lane (self, !network);
  gtk_widget_set_visible (self->phases, !network);
  return TRUE;
}

/* ---- Filling ---- */

static void
set_axis (AppLanesView *self, AppAxis *axis)
{
  if (app_axis_equal (self->axis, axis))
    {
      app_axis_free (axis);
      return;
    }
  app_axis_free (self->axis);
  self->axis = axis;
  for (guint i = 0; i < G_N_ELEMENTS (self->columns); i++)
    self->columns[i]
        = g_renew (double, self->columns[i], axis != NULL ? app_axis_n_items (axis) : 1);
  if (axis != NULL)
    app_axis_install (axis, self->lanes);
  else
    plot_lanes_set_items (self->lanes, NULL, 0);
}

static void
update_axis (AppLanesView *self)
{
  EngSession *session = app_stage_get_session (self->stage);
  EngModel *model = eng_session_get_model (session);

  set_axis (self, model != NULL ? app_axis_new (model, app_stage_get_profile (self->stage),
                                                eng_session_get_build (session))
                                : NULL);
}

static void
fill_latency (AppLanesView *self, guint lane, guint series, EngProfile *profile, RtPhase phase)
{
  guint n = app_axis_n_items (self->axis);

  app_axis_fill_latency (self->axis, profile, phase, self->columns[0], self->columns[1],
                         self->columns[2]);
  if (series == SERIES_MEASURED)
    plot_lanes_set_values (self->lanes, lane, series, 0, n, self->columns[0], self->columns[1],
                           self->columns[2], NULL);
  else
    plot_lanes_set_values (self->lanes, lane, series, 0, n, self->columns[0], NULL, NULL, NULL);
}

static void
set_memory_series (AppLanesView *self, guint series, const double *values, PlotState state)
{
  guint n = app_axis_n_items (self->axis);
  g_autofree guint8 *states = g_malloc (n);

  memset (states, (int)state, n);
  plot_lanes_set_values (self->lanes, self->n_latency, series, 0, n, values, NULL, NULL, states);
}

/* Exact once there is a build, an estimate of the techniques while it is being made. */
static void
fill_memory (AppLanesView *self)
{
  EngSession *session = app_stage_get_session (self->stage);
  EngProfile *profile = app_stage_get_profile (self->stage);
  EngBuild *build = eng_session_get_build (session);
  double **c = self->columns;
  PlotState state = PLOT_STATE_MEASURED;

  if (profile != NULL)
    app_axis_fill_memory (self->axis, profile, c[0], c[1], c[2]);
  else if (build != NULL)
    app_axis_fill_build_memory (self->axis, build, c[0], c[1], c[2]);
  else
    {
      app_axis_fill_estimates (self->axis, eng_session_get_model (session),
                               eng_session_get_recipe (session), c[0], c[2]);
      for (guint i = 0; i < app_axis_n_items (self->axis); i++)
        c[1][i] = NAN;
      state = PLOT_STATE_ESTIMATE;
    }
  set_memory_series (self, MEMORY_WEIGHTS, c[0], state);
  set_memory_series (self, MEMORY_ACTIVATIONS, c[1], state);
  if (self->latency != network_lanes)
    set_memory_series (self, MEMORY_KV, c[2], state);
}

static void
fill_baseline (AppLanesView *self)
{
  EngRun *baseline = app_stage_get_baseline (self->stage);
  EngProfile *profile = baseline != NULL ? eng_run_get_profile (baseline) : NULL;
  double **c = self->columns;

  for (guint i = 0; i < self->n_latency; i++)
    fill_latency (self, i, SERIES_BASELINE, profile, self->latency[i].phase);
  app_axis_fill_memory (self->axis, profile, c[0], c[1], c[2]);
  for (guint i = 0; i < app_axis_n_items (self->axis); i++)
    c[0][i] += c[1][i] + c[2][i];
  plot_lanes_set_values (self->lanes, self->n_latency, MEMORY_BASELINE, 0,
                         app_axis_n_items (self->axis), c[0], NULL, NULL, NULL);
  if (baseline != NULL)
    {
      g_autofree char *name = eng_run_dup_recipe_text (baseline);

      g_object_set (self->lanes, "baseline-name", name, NULL);
    }
}

static void
fill_measured (AppLanesView *self)
{
  EngProfile *profile = app_stage_get_profile (self->stage);

  for (guint i = 0; i < self->n_latency; i++)
    fill_latency (self, i, SERIES_MEASURED, profile, self->latency[i].phase);
}

/* ---- Words around the plot ---- */

static void
update_texts (AppLanesView *self)
{
  RtPhase phase = app_selection_get_phase (self->selection);
  EngProfile *profile = app_stage_get_profile (self->stage);
  gboolean running = app_stage_get_running (self->stage);
  g_autofree char *caption = app_lanes_text_dup_caption (profile, phase);
  EngFigure memory = app_stage_get_figure (self->stage, ENG_FIGURE_PEAK_MEMORY);
  g_autofree char *peak = memory.available ? eng_format_value (memory.value, memory.unit) : NULL;
  g_autofree char *peak_text = peak != NULL ? g_strdup_printf (_ ("peak %s"), peak) : NULL;
  EngModel *model = eng_session_get_model (app_stage_get_session (self->stage));
  const char *note = running ? _ ("Measuring…") : _ ("Not measured yet: press Run");

  if (model != NULL && eng_model_get_report (model)[0] != NULL)
    note = _ ("Not measured: parts of this network are not supported");

  if (g_strcmp0 (caption, gtk_label_get_label (GTK_LABEL (self->caption))) != 0)
    gtk_label_set_label (GTK_LABEL (self->caption), caption);
  for (guint i = 0; i < self->n_latency; i++)
    {
      g_autofree char *total = app_lanes_text_dup_total (profile, self->latency[i].phase);

      plot_lanes_set_lane_note (self->lanes, i, note);
      plot_lanes_set_lane_total (self->lanes, i, total);
    }
  plot_lanes_set_lane_total (self->lanes, self->n_latency, peak_text);
}

static void
update_detail (AppLanesView *self)
{
  int item = plot_lanes_get_selected_item (self->lanes);
  EngModel *model = eng_session_get_model (app_stage_get_session (self->stage));
  g_autofree char *text = NULL;

  if (item >= 0 && self->axis != NULL && model != NULL)
    text = app_lanes_text_dup_detail (model, self->axis, (guint)item,
                                      app_stage_get_profile (self->stage),
                                      app_selection_get_phase (self->selection));
  gtk_widget_set_visible (self->detail, text != NULL);
  if (g_strcmp0 (text, gtk_label_get_label (GTK_LABEL (self->detail))) != 0)
    gtk_label_set_label (GTK_LABEL (self->detail), text != NULL ? text : "");
}

static void
update_table (AppLanesView *self)
{
  g_autoptr (PlotTable) table = NULL;

  if (!self->show_table)
    {
      adw_bin_set_child (ADW_BIN (self->table_bin), NULL);
      return;
    }
  table = plot_figure_make_table (PLOT_FIGURE (self->lanes));
  adw_bin_set_child (ADW_BIN (self->table_bin), app_table_new (table, 200));
}

/* ---- Following the stage and the selection ---- */

static void
select_from_shared (AppLanesView *self)
{
  int layer = app_selection_get_layer (self->selection);
  int item = -1;

  if (self->axis == NULL || self->syncing)
    return;
  if (layer != APP_LAYER_NONE)
    item = app_axis_find (self->axis, layer, app_selection_get_node (self->selection));
  self->syncing = TRUE;
  plot_lanes_set_selected_item (self->lanes, item);
  self->syncing = FALSE;
  update_detail (self);
}

static void
on_selected (AppLanesView *self)
{
  int item = plot_lanes_get_selected_item (self->lanes);

  if (self->syncing || self->axis == NULL)
    return;
  self->syncing = TRUE;
  if (item < 0)
    app_selection_set_layer (self->selection, APP_LAYER_NONE);
  else
    app_selection_set_node (self->selection, app_axis_get_layer (self->axis, (guint)item),
                            app_axis_get_node_name (self->axis, (guint)item));
  self->syncing = FALSE;
  update_detail (self);
}

static void
on_phase (AppLanesView *self)
{
  RtPhase phase = app_selection_get_phase (self->selection);

  for (guint i = 0; i < self->n_latency; i++)
    plot_lanes_set_lane_visible (self->lanes, i,
                                 self->n_latency == 1 || phase == self->latency[i].phase);
  update_texts (self);
  update_detail (self);
}

static void
on_changed (AppLanesView *self)
{
  plot_lanes_set_frozen (self->lanes, FALSE);
  if (set_kind (self, app_stage_get_kind (self->stage)))
    on_phase (self);
  update_axis (self);
  if (self->axis != NULL)
    {
      fill_measured (self);
      fill_memory (self);
      fill_baseline (self);
      select_from_shared (self);
    }
  update_texts (self);
  update_table (self);
}

/* Between two live updates the lanes ask for no frames at all. */
static gboolean
on_freeze (gpointer data)
{
  AppLanesView *self = data;

  self->freeze_id = 0;
  plot_lanes_set_frozen (self->lanes, app_stage_get_running (self->stage));
  return G_SOURCE_REMOVE;
}

static void
on_live (AppLanesView *self)
{
  EngProfile *profile = app_stage_get_profile (self->stage);

  if (self->axis == NULL || profile == NULL)
    {
      on_changed (self);
      return;
    }
  plot_lanes_set_frozen (self->lanes, FALSE);
  fill_measured (self);
  update_texts (self);
  update_detail (self);
  if (self->freeze_id == 0)
    self->freeze_id = g_timeout_add (FREEZE_AFTER_MS, on_freeze, self);
}

/* ---- The widget ---- */

static void
app_lanes_view_dispose (GObject *object)
{
  AppLanesView *self = APP_LANES_VIEW (object);
  GtkWidget *child;

  g_clear_handle_id (&self->freeze_id, g_source_remove);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);
  g_clear_object (&self->stage);
  g_clear_object (&self->selection);
  g_clear_pointer (&self->axis, app_axis_free);
  for (guint i = 0; i < G_N_ELEMENTS (self->columns); i++)
    g_clear_pointer (&self->columns[i], g_free);
  G_OBJECT_CLASS (app_lanes_view_parent_class)->dispose (object);
}

static void
app_lanes_view_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SHOW_TABLE)
    g_value_set_boolean (value, APP_LANES_VIEW (object)->show_table);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_lanes_view_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SHOW_TABLE)
    app_lanes_view_set_show_table (APP_LANES_VIEW (object), g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_lanes_view_class_init (AppLanesViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = app_lanes_view_dispose;
  object_class->get_property = app_lanes_view_get_property;
  object_class->set_property = app_lanes_view_set_property;
  props[PROP_SHOW_TABLE]
      = g_param_spec_boolean ("show-table", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);

  g_type_ensure (PLOT_TYPE_LANES);
  gtk_widget_class_set_css_name (widget_class, "lanes-view");
  gtk_widget_class_set_template_from_resource (widget_class, APP_PATH "/ui/app-lanes-view.ui");
  gtk_widget_class_bind_template_child (widget_class, AppLanesView, lanes);
  gtk_widget_class_bind_template_child (widget_class, AppLanesView, stack);
  gtk_widget_class_bind_template_child (widget_class, AppLanesView, table_bin);
  gtk_widget_class_bind_template_child (widget_class, AppLanesView, caption);
  gtk_widget_class_bind_template_child (widget_class, AppLanesView, detail);
  gtk_widget_class_bind_template_child (widget_class, AppLanesView, phases);
}

static void
app_lanes_view_init (AppLanesView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  set_kind (self, ENG_MODEL_LANGUAGE);
  g_signal_connect_object (self->lanes, "notify::selected-item", G_CALLBACK (on_selected), self,
                           G_CONNECT_SWAPPED);
}

void
app_lanes_view_set_stage (AppLanesView *self, AppStage *stage, AppSelection *selection)
{
  g_return_if_fail (APP_IS_LANES_VIEW (self) && APP_IS_STAGE (stage)
                    && APP_IS_SELECTION (selection));
  g_return_if_fail (self->stage == NULL);

  self->stage = g_object_ref (stage);
  self->selection = g_object_ref (selection);
  g_signal_connect_object (stage, "changed", G_CALLBACK (on_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (stage, "live", G_CALLBACK (on_live), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (selection, "notify::layer", G_CALLBACK (select_from_shared), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (selection, "notify::node", G_CALLBACK (select_from_shared), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (selection, "notify::phase", G_CALLBACK (on_phase), self,
                           G_CONNECT_SWAPPED);
  on_phase (self);
  on_changed (self);
}

void
app_lanes_view_set_show_table (AppLanesView *self, gboolean show_table)
{
  g_return_if_fail (APP_IS_LANES_VIEW (self));

  if (self->show_table == !!show_table)
    return;
  self->show_table = !!show_table;
  update_table (self);
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), show_table ? "table" : "plot");
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SHOW_TABLE]);
}

gboolean
app_lanes_view_get_show_table (AppLanesView *self)
{
  g_return_val_if_fail (APP_IS_LANES_VIEW (self), FALSE);
  return self->show_table;
}

PlotFigure *
app_lanes_view_get_figure (AppLanesView *self)
{
  g_return_val_if_fail (APP_IS_LANES_VIEW (self), NULL);
  return PLOT_FIGURE (self->lanes);
}

void
app_lanes_view_reset (AppLanesView *self)
{
  g_return_if_fail (APP_IS_LANES_VIEW (self));
  plot_lanes_collapse_all (self->lanes);
  plot_lanes_fit (self->lanes);
}
