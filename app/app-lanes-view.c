/* The lanes: keeps one plot of all lanes (app-lane.h) up to date with what the stage shows, and its
 * selection and the shared one equal. Must not know what a lane shows, or how it is measured. */
#include "app-lanes-view.h"

#include "app-axis.h"
#include "app-config.h"
#include "app-device-text.h"
#include "app-estimate.h"
#include "app-lane.h"
#include "app-lanes-text.h"
#include "app-table.h"
#include "app-view.h"
#include "plots.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <math.h>

/* A live update has been painted by then. */
#define FREEZE_AFTER_MS 50

/* A kind in the plot: a lane, or one for each phase. */
typedef struct
{
  const AppLaneKind *kind;
  AppLane lane;
} Shown;

struct _AppLanesView
{
  GtkWidget parent_instance;

  PlotLanes *lanes;
  GtkWidget *stack;
  GtkWidget *table_bin;
  GtkWidget *caption;
  GtkWidget *detail_box, *detail;
  GtkWidget *phases;
  GtkWidget *controls; /* of lanes */

  GArray *shown;     /* Shown, as they stand in the plot */
  EngModelKind kind; /* that they are for */

  AppStage *stage;
  AppSelection *selection;
  AppAxis *axis;
  double *columns[APP_LANE_COLUMNS]; /* scratch, [n_items] each */
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

static void app_lanes_view_iface_init (AppViewInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (AppLanesView, app_lanes_view, GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (APP_TYPE_VIEW, app_lanes_view_iface_init))

/* ---- Lanes ---- */

static void
add_lane (AppLanesView *self, const AppLaneKind *kind, RtPhase phase, const char *title)
{
  Shown shown = { kind,
                  { .stage = self->stage,
                    .axis = self->axis,
                    .lanes = self->lanes,
                    .phase = phase,
                    .phase_title = title } };

  memcpy (shown.lane.columns, self->columns, sizeof self->columns);
  shown.lane.lane = kind->add (&shown.lane);
  g_array_append_val (self->shown, shown);
}

/* The lanes of this kind of model; TRUE when they are others than before, and empty. */
static gboolean
set_kind (AppLanesView *self, EngModelKind model_kind)
{
  const RtPhase *phases;
  const char *const *titles;
  guint n_phases = app_lane_phases (model_kind, &phases, &titles);

  if (self->shown->len > 0 && self->kind == model_kind)
    return FALSE;
  self->kind = model_kind;
  g_array_set_size (self->shown, 0);
  plot_lanes_clear_lanes (self->lanes);
  for (const AppLaneKind *const *kind = app_lane_kinds (); *kind != NULL; kind++)
    for (guint i = 0; i < ((*kind)->per_phase ? n_phases : 1); i++)
      add_lane (self, *kind, phases[i], (*kind)->per_phase && n_phases > 1 ? titles[i] : NULL);
  gtk_widget_set_visible (self->phases, n_phases > 1);
  return TRUE;
}

static Shown *
get_shown (AppLanesView *self, guint i)
{
  return &g_array_index (self->shown, Shown, i);
}

/* The axis or its scratch columns are others. */
static void
tell_axis (AppLanesView *self)
{
  for (guint i = 0; i < self->shown->len; i++)
    {
      AppLane *lane = &get_shown (self, i)->lane;

      lane->axis = self->axis;
      memcpy (lane->columns, self->columns, sizeof self->columns);
    }
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
  tell_axis (self); /* before the plot says that its selection has changed: lanes are asked about
                     * items then */
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
fill_lane (const Shown *shown)
{
  shown->kind->fill (&shown->lane);
  if (shown->kind->fill_baseline != NULL)
    shown->kind->fill_baseline (&shown->lane);
}

static void
fill_all (AppLanesView *self)
{
  for (guint i = 0; i < self->shown->len; i++)
    fill_lane (get_shown (self, i));
}

static void
fill_live (AppLanesView *self)
{
  for (guint i = 0; i < self->shown->len; i++)
    {
      const Shown *shown = get_shown (self, i);

      if (shown->kind->fill_live != NULL)
        shown->kind->fill_live (&shown->lane);
    }
}

/* ---- Words around the plot ---- */

/* What the bars are; beside measured ones how right the estimate was. */
static char *
dup_caption (AppLanesView *self, RtPhase phase)
{
  EngForecast *estimate = app_stage_get_estimate (self->stage);
  g_autofree char *error = app_estimate_dup_error (app_stage_get_run (self->stage), phase);
  g_autofree char *measured = NULL;

  if (estimate != NULL)
    return app_estimate_dup_caption (estimate, phase);
  measured = app_lanes_text_dup_caption (app_stage_get_profile (self->stage), phase);
  return error != NULL ? g_strdup_printf ("%s · %s", measured, error) : g_steal_pointer (&measured);
}

/* What is drawn behind: the recipe, and where it was measured when that is somewhere else. */
static char *
dup_baseline_name (AppLanesView *self, EngRun *baseline)
{
  EngRun *run = app_stage_get_run (self->stage);
  EngDevice *device = eng_session_get_device (app_stage_get_session (self->stage));
  const char *here = run != NULL ? app_device_run_name (run) : app_device_name (device);
  const char *there = app_device_run_name (baseline);
  g_autofree char *recipe = eng_run_dup_recipe_text (baseline);

  if (g_strcmp0 (here, there) == 0)
    return g_steal_pointer (&recipe);
  return run != NULL && eng_recipe_equal (eng_run_get_recipe (run), eng_run_get_recipe (baseline))
             ? g_strdup (there)
             : g_strdup_printf ("%s, %s", there, recipe);
}

static void
update_texts (AppLanesView *self)
{
  RtPhase phase = app_selection_get_phase (self->selection);
  g_autofree char *caption = dup_caption (self, phase);
  EngRun *baseline = app_stage_get_baseline (self->stage);

  if (g_strcmp0 (caption, gtk_label_get_label (GTK_LABEL (self->caption))) != 0)
    {
      gtk_label_set_label (GTK_LABEL (self->caption), caption);
      gtk_widget_set_tooltip_text (self->caption, caption);
    }
  if (baseline != NULL)
    {
      g_autofree char *name = dup_baseline_name (self, baseline);

      g_object_set (self->lanes, "baseline-name", name, NULL);
    }
  for (guint i = 0; i < self->shown->len; i++)
    {
      const Shown *shown = get_shown (self, i);

      shown->kind->update_texts (&shown->lane);
    }
}

/* What lanes have to say of @item, after @text (taken, nullable). */
static char *
add_details (AppLanesView *self, char *text, int item)
{
  GString *all;

  if (text == NULL)
    return NULL;
  all = g_string_new (text);
  g_free (text);
  for (guint i = 0; i < self->shown->len; i++)
    {
      const Shown *shown = get_shown (self, i);
      g_autofree char *more = shown->kind->dup_detail != NULL
                                  ? shown->kind->dup_detail (&shown->lane, (guint)item)
                                  : NULL;

      if (more != NULL)
        g_string_append_printf (all, "\n%s", more);
    }
  return g_string_free (all, FALSE);
}

static void
update_detail (AppLanesView *self)
{
  int item = plot_lanes_get_selected_item (self->lanes);
  EngModel *model = eng_session_get_model (app_stage_get_session (self->stage));
  g_autofree char *text = NULL;

  if (item >= 0 && self->axis != NULL && model != NULL)
    text = app_estimate_dup_detail (model, self->axis, (guint)item,
                                    app_stage_get_estimate (self->stage),
                                    app_selection_get_phase (self->selection));
  if (item >= 0 && self->axis != NULL && model != NULL && text == NULL)
    text = app_lanes_text_dup_detail (model, self->axis, (guint)item,
                                      app_stage_get_profile (self->stage),
                                      app_selection_get_phase (self->selection));
  text = add_details (self, text, item);
  gtk_widget_set_visible (self->detail_box, text != NULL);
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

  for (guint i = 0; i < self->shown->len; i++)
    {
      Shown *shown = get_shown (self, i);

      if (!shown->kind->per_phase)
        shown->lane.phase = phase;
      else if (shown->lane.phase_title != NULL)
        plot_lanes_set_lane_visible (self->lanes, shown->lane.lane, phase == shown->lane.phase);
    }
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
      fill_all (self);
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
  fill_live (self);
  update_texts (self);
  update_detail (self);
  if (self->freeze_id == 0)
    self->freeze_id = g_timeout_add (FREEZE_AFTER_MS, on_freeze, self);
}

/* ---- Lanes with sources and controls of their own ---- */

static void
on_source_changed (AppLanesView *self, GObject *source)
{
  if (self->axis == NULL)
    return;
  for (guint i = 0; i < self->shown->len; i++)
    {
      const Shown *shown = get_shown (self, i);

      if (shown->kind->source != NULL && shown->kind->source (self->stage) == source)
        fill_lane (shown);
    }
  update_texts (self);
  update_detail (self);
  update_table (self);
}

static void
follow_lanes (AppLanesView *self)
{
  for (const AppLaneKind *const *kind = app_lane_kinds (); *kind != NULL; kind++)
    {
      GObject *source = (*kind)->source != NULL ? (*kind)->source (self->stage) : NULL;

      if (source != NULL
          && g_signal_handler_find (source, G_SIGNAL_MATCH_FUNC | G_SIGNAL_MATCH_DATA, 0, 0, NULL,
                                    on_source_changed, self)
                 == 0)
        g_signal_connect_object (source, "changed", G_CALLBACK (on_source_changed), self,
                                 G_CONNECT_SWAPPED);
      if ((*kind)->make_control != NULL)
        gtk_box_append (GTK_BOX (self->controls), (*kind)->make_control (self->stage));
    }
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
  g_clear_pointer (&self->shown, g_array_unref);
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
  gtk_widget_class_bind_template_child (widget_class, AppLanesView, detail_box);
  gtk_widget_class_bind_template_child (widget_class, AppLanesView, detail);
  gtk_widget_class_bind_template_child (widget_class, AppLanesView, phases);
  gtk_widget_class_bind_template_child (widget_class, AppLanesView, controls);
}

static void
app_lanes_view_init (AppLanesView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->shown = g_array_new (FALSE, TRUE, sizeof (Shown));
  g_signal_connect_object (self->lanes, "notify::selected-item", G_CALLBACK (on_selected), self,
                           G_CONNECT_SWAPPED);
}

static void
app_lanes_view_set_context (AppView *view, const AppViewContext *context)
{
  AppLanesView *self = APP_LANES_VIEW (view);
  AppStage *stage = context->stage;
  AppSelection *selection = context->selection;

  g_return_if_fail (self->stage == NULL);

  self->stage = g_object_ref (stage);
  self->selection = g_object_ref (selection);
  set_kind (self, app_stage_get_kind (stage));
  follow_lanes (self);
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

static PlotFigure *
app_lanes_view_get_figure (AppView *view)
{
  return PLOT_FIGURE (APP_LANES_VIEW (view)->lanes);
}

static void
app_lanes_view_iface_init (AppViewInterface *iface)
{
  iface->set_context = app_lanes_view_set_context;
  iface->get_figure = app_lanes_view_get_figure;
}

void
app_lanes_view_reset (AppLanesView *self)
{
  g_return_if_fail (APP_IS_LANES_VIEW (self));
  plot_lanes_collapse_all (self->lanes);
  plot_lanes_fit (self->lanes);
}
