/* The timeline view: the run's timeline of the selected phase, with the selection that all views
 * share. What is drawn is made by app-timeline-feed.c. */
#include "app-timeline-view.h"

#include "app-config.h"
#include "app-table.h"
#include "app-timeline-feed.h"
#include "app-view.h"
#include "plots.h"

#include <adwaita.h>
#include <glib/gi18n.h>

struct _AppTimelineView
{
  GtkWidget parent_instance;

  GtkWidget *caption, *stack, *empty_page, *pages, *table_bin, *summary_bin, *fit;
  PlotTimeline *timeline;

  AppStage *stage;
  AppSelection *selection;
  AppTimelineFeed *feed; /* NULL: nothing is shown */
  EngRun *run;           /* whose it is */
  RtPhase phase;
  gboolean stale, syncing, show_table;
};

enum
{
  PROP_0,
  PROP_SHOW_TABLE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void app_timeline_view_iface_init (AppViewInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (AppTimelineView, app_timeline_view, GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (APP_TYPE_VIEW, app_timeline_view_iface_init))

/* ---- Selection ---- */

static int
find_node (AppTimelineView *self, const char *name)
{
  EngProfile *profile = eng_run_get_profile (self->run);

  for (guint i = 0; name != NULL && i < eng_profile_get_n_nodes (profile); i++)
    if (g_strcmp0 (eng_profile_get_node_name (profile, i), name) == 0)
      return (int)i;
  return -1;
}

static void
mark_selected (AppTimelineView *self)
{
  int layer = app_selection_get_layer (self->selection);
  int node = -1, own, own_layer;

  if (self->feed == NULL)
    return;
  if (layer != APP_LAYER_NONE)
    node = find_node (self, app_selection_get_node (self->selection));
  plot_timeline_set_marked (self->timeline, node,
                            layer != APP_LAYER_NONE ? app_timeline_feed_family (layer) : -1);
  /* A span of something else would be a second selection. */
  app_timeline_feed_lookup (self->feed, plot_timeline_get_selected_span (self->timeline), &own,
                            &own_layer);
  if (!self->syncing && (own != node || own_layer != layer))
    {
      self->syncing = TRUE;
      plot_timeline_set_selected_span (self->timeline, -1);
      self->syncing = FALSE;
    }
}

static void
on_span_selected (AppTimelineView *self)
{
  int node, layer;

  if (self->syncing || self->feed == NULL)
    return;
  app_timeline_feed_lookup (self->feed, plot_timeline_get_selected_span (self->timeline), &node,
                            &layer);
  self->syncing = TRUE;
  if (layer == G_MININT)
    app_selection_set_layer (self->selection, APP_LAYER_NONE);
  else if (node < 0)
    app_selection_set_layer (self->selection, layer);
  else
    app_selection_set_node (self->selection, layer,
                            eng_profile_get_node_name (eng_run_get_profile (self->run),
                                                       (guint)node));
  mark_selected (self);
  self->syncing = FALSE;
}

/* ---- Filling ---- */

static void
update_table (AppTimelineView *self)
{
  g_autoptr (PlotTable) table = NULL;

  if (!self->show_table || self->feed == NULL)
    {
      adw_bin_set_child (ADW_BIN (self->table_bin), NULL);
      return;
    }
  table = plot_figure_make_table (PLOT_FIGURE (self->timeline));
  adw_bin_set_child (ADW_BIN (self->table_bin), app_table_new (table, 200));
}

static const char *
get_empty_text (AppTimelineView *self)
{
  if (app_stage_get_running (self->stage))
    return _ (
        "The timeline appears when the run has ended: drawing it meanwhile would disturb what "
        "is measured.");
  if (self->run == NULL)
    return _ ("Run the model: every other step is instrumented, and the last of them stand here, "
              "thread by thread.");
  if (eng_run_get_timeline (self->run) == NULL)
    return _ ("This run was kept without its timeline. Run the model again.");
  return _ ("No step of this phase was instrumented. Run it longer, or choose the other phase.");
}

static void
show_feed (AppTimelineView *self)
{
  g_autofree char *caption
      = self->feed != NULL ? app_timeline_feed_dup_caption (self->feed) : g_strdup ("");

  self->syncing = TRUE;
  if (self->feed != NULL)
    app_timeline_feed_install (self->feed, self->timeline);
  else
    plot_timeline_set_data (self->timeline, NULL);
  self->syncing = FALSE;
  gtk_label_set_label (GTK_LABEL (self->caption), caption);
  gtk_widget_set_tooltip_text (self->caption, caption);
  gtk_widget_set_sensitive (self->fit, self->feed != NULL);
  if (self->feed != NULL)
    {
      g_autoptr (PlotTable) summary = app_timeline_feed_make_summary (self->feed);

      adw_bin_set_child (ADW_BIN (self->summary_bin), app_table_new (summary, 220));
    }
  else
    adw_bin_set_child (ADW_BIN (self->summary_bin), NULL);
  mark_selected (self);
  update_table (self);
}

static void
refresh (AppTimelineView *self)
{
  EngRun *run = app_stage_get_run (self->stage);
  RtPhase phase = app_selection_get_phase (self->selection);

  self->stale = FALSE;
  if (app_stage_get_kind (self->stage) == ENG_MODEL_NETWORK)
    phase = RT_PHASE_INFERENCE;
  if (g_set_object (&self->run, run) || phase != self->phase)
    {
      self->phase = phase;
      g_clear_pointer (&self->feed, app_timeline_feed_free);
      if (run != NULL)
        self->feed = app_timeline_feed_new (run, phase);
      show_feed (self);
    }
  adw_status_page_set_description (ADW_STATUS_PAGE (self->empty_page), get_empty_text (self));
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack),
                                    self->feed != NULL ? "content" : "empty");
}

static void
update (AppTimelineView *self)
{
  self->stale = TRUE;
  if (self->stage != NULL && gtk_widget_get_mapped (GTK_WIDGET (self)))
    refresh (self);
}

static void
on_map (AppTimelineView *self)
{
  if (self->stale && self->stage != NULL)
    refresh (self);
}

static void
on_fit (AppTimelineView *self)
{
  plot_timeline_fit (self->timeline);
  gtk_widget_grab_focus (GTK_WIDGET (self->timeline));
}

/* ---- The widget ---- */

static void
set_show_table (AppTimelineView *self, gboolean show_table)
{
  if (self->show_table == show_table)
    return;
  self->show_table = show_table;
  update_table (self);
  gtk_stack_set_visible_child_name (GTK_STACK (self->pages), show_table ? "table" : "plot");
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SHOW_TABLE]);
}

static void
app_timeline_view_dispose (GObject *object)
{
  AppTimelineView *self = APP_TIMELINE_VIEW (object);
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);
  g_clear_pointer (&self->feed, app_timeline_feed_free);
  g_clear_object (&self->run);
  g_clear_object (&self->stage);
  g_clear_object (&self->selection);
  G_OBJECT_CLASS (app_timeline_view_parent_class)->dispose (object);
}

static void
app_timeline_view_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SHOW_TABLE)
    g_value_set_boolean (value, APP_TIMELINE_VIEW (object)->show_table);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_timeline_view_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SHOW_TABLE)
    set_show_table (APP_TIMELINE_VIEW (object), g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_timeline_view_class_init (AppTimelineViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = app_timeline_view_dispose;
  object_class->get_property = app_timeline_view_get_property;
  object_class->set_property = app_timeline_view_set_property;
  props[PROP_SHOW_TABLE]
      = g_param_spec_boolean ("show-table", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);

  g_type_ensure (PLOT_TYPE_TIMELINE);
  gtk_widget_class_set_css_name (widget_class, "timeline-view");
  gtk_widget_class_set_template_from_resource (widget_class, APP_PATH "/ui/app-timeline-view.ui");
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, AppTimelineView, name)
  BIND (caption);
  BIND (stack);
  BIND (empty_page);
  BIND (pages);
  BIND (table_bin);
  BIND (summary_bin);
  BIND (fit);
  BIND (timeline);
#undef BIND
  gtk_widget_class_bind_template_callback (widget_class, on_fit);
}

static void
app_timeline_view_init (AppTimelineView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  g_object_set (self->timeline, "axis-title", _ ("Time, without what lies between the steps"),
                NULL);
  g_signal_connect_object (self->timeline, "notify::selected-span", G_CALLBACK (on_span_selected),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect (self, "map", G_CALLBACK (on_map), NULL);
  self->phase = RT_N_PHASES;
}

static void
app_timeline_view_set_context (AppView *view, const AppViewContext *context)
{
  AppTimelineView *self = APP_TIMELINE_VIEW (view);

  g_return_if_fail (self->stage == NULL);

  self->stage = g_object_ref (context->stage);
  self->selection = g_object_ref (context->selection);
  g_signal_connect_object (self->stage, "changed", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->selection, "notify::phase", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->selection, "notify::layer", G_CALLBACK (mark_selected), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->selection, "notify::node", G_CALLBACK (mark_selected), self,
                           G_CONNECT_SWAPPED);
  update (self);
}

static PlotFigure *
app_timeline_view_get_figure (AppView *view)
{
  AppTimelineView *self = APP_TIMELINE_VIEW (view);

  if (self->stale && self->stage != NULL)
    refresh (self);
  return PLOT_FIGURE (self->timeline);
}

static void
app_timeline_view_iface_init (AppViewInterface *iface)
{
  iface->set_context = app_timeline_view_set_context;
  iface->get_figure = app_timeline_view_get_figure;
}
