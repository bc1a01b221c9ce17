/* The memory view: fills a PlotMemory from the plan of the session's build, shows who is alive at
 * the node selected (the peak to begin with), and keeps that and the shared selection equal. Must
 * not know how memory is planned. */
#include "app-memory-view.h"

#include "app-config.h"
#include "app-memory-feed.h"
#include "app-names.h"
#include "app-planner-bar.h"
#include "app-table.h"
#include "app-view.h"
#include "plots.h"

#include <adwaita.h>
#include <glib/gi18n.h>

struct _AppMemoryView
{
  GtkWidget parent_instance;

  PlotMemory *memory;
  GtkWidget *caption;
  GtkWidget *stack;
  GtkWidget *table_bin;
  GtkWidget *alive_title;
  GtkWidget *alive_bin;
  GtkWidget *alive_box;
  GtkWidget *peak;
  AppPlannerBar *planners;

  AppStage *stage;
  AppSelection *selection;
  EngBuild *build; /* whose plan is shown */
  gboolean show_table;
  gboolean stale;
  gboolean syncing;
};

enum
{
  PROP_0,
  PROP_SHOW_TABLE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void app_memory_view_iface_init (AppViewInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (AppMemoryView, app_memory_view, GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (APP_TYPE_VIEW, app_memory_view_iface_init))

/* ---- Who is alive ---- */

static void
update_alive (AppMemoryView *self)
{
  int step = plot_memory_get_selected_step (self->memory);
  g_autoptr (PlotTable) table = NULL;
  g_autofree char *bytes = NULL;
  g_autofree char *title = NULL;
  g_autofree char *path = NULL;
  g_autofree char *name = NULL;
  const PlotUnit unit = PLOT_UNIT_BYTES;

  gtk_widget_set_visible (self->alive_box, step >= 0 && self->build != NULL);
  if (step < 0 || self->build == NULL)
    {
      adw_bin_set_child (ADW_BIN (self->alive_bin), NULL);
      return;
    }
  table = plot_memory_make_alive_table (self->memory, (guint)step);
  bytes = plot_format_value (&unit, (double)plot_memory_get_alive_bytes (self->memory, (guint)step),
                             3);
  path = app_names_dup_path (eng_build_get_graph (self->build));
  name = app_names_dup_node (path,
                             rt_graph_node (eng_build_get_graph (self->build), (RtNodeId)step));
  title = g_strdup_printf (step == plot_memory_get_peak_step (self->memory)
                               ? _ ("Alive at the peak, %s: %s")
                               : _ ("Alive at %s: %s"),
                           name, bytes);
  gtk_label_set_label (GTK_LABEL (self->alive_title), title);
  adw_bin_set_child (ADW_BIN (self->alive_bin), app_table_new (table, 220));
}

/* ---- Filling ---- */

static void
update_table (AppMemoryView *self)
{
  g_autoptr (PlotTable) table = NULL;

  if (!self->show_table)
    {
      adw_bin_set_child (ADW_BIN (self->table_bin), NULL);
      return;
    }
  table = plot_figure_make_table (PLOT_FIGURE (self->memory));
  adw_bin_set_child (ADW_BIN (self->table_bin), app_table_new (table, 220));
}

/* The node itself, else of its layer the one where most is alive; -1: none. */
static int
find_step (AppMemoryView *self)
{
  const RtGraph *graph = eng_build_get_graph (self->build);
  const char *name = app_selection_get_node (self->selection);
  int layer = app_selection_get_layer (self->selection), best = -1;
  RtNodeId node = name != NULL ? rt_graph_find_node (graph, name) : RT_NONE;

  if (layer == APP_LAYER_NONE)
    return -1;
  if (node != RT_NONE)
    return (int)node;
  for (guint i = 0; i < rt_graph_n_nodes (graph); i++)
    if (rt_graph_node (graph, i)->layer == layer
        && (best < 0
            || plot_memory_get_alive_bytes (self->memory, i)
                   > plot_memory_get_alive_bytes (self->memory, (guint)best)))
      best = (int)i;
  return best;
}

static void
set_step (AppMemoryView *self, int step)
{
  gboolean syncing = self->syncing;

  self->syncing = TRUE;
  plot_memory_set_selected_step (self->memory, step);
  self->syncing = syncing;
  update_alive (self);
}

static void
select_from_shared (AppMemoryView *self)
{
  int step;

  if (self->syncing || self->build == NULL)
    return;
  step = find_step (self);
  /* Nothing selected: the question that brings people here is what makes the peak. */
  set_step (self, step >= 0 ? step : plot_memory_get_peak_step (self->memory));
}

static void
on_step (AppMemoryView *self)
{
  int step = plot_memory_get_selected_step (self->memory);

  if (self->syncing || self->build == NULL)
    return;
  self->syncing = TRUE;
  if (step < 0)
    app_selection_set_layer (self->selection, APP_LAYER_NONE);
  else
    {
      const RtNode *node = rt_graph_node (eng_build_get_graph (self->build), (RtNodeId)step);

      app_selection_set_node (self->selection, node->layer, node->name);
    }
  self->syncing = FALSE;
  update_alive (self);
}

static const char *
get_empty_text (AppMemoryView *self)
{
  EngModel *model = eng_session_get_model (app_stage_get_session (self->stage));

  return model != NULL && eng_model_get_report (model)[0] != NULL
             ? _ ("No memory plan: the network cannot run, the graph shows why")
             : _ ("The memory plan appears once the model is built");
}

static void
refresh (AppMemoryView *self)
{
  EngBuild *build = eng_session_get_build (app_stage_get_session (self->stage));
  gboolean changed = g_set_object (&self->build, build) || build == NULL;

  self->stale = FALSE;
  if (changed)
    {
      g_autofree char *caption
          = build != NULL ? app_memory_feed_dup_caption (build) : g_strdup ("");

      self->syncing = TRUE;
      g_object_set (self->memory, "empty-text", get_empty_text (self), NULL);
      if (build != NULL)
        app_memory_feed_install (build, self->memory);
      else
        plot_memory_set_data (self->memory, NULL);
      self->syncing = FALSE;
      gtk_label_set_label (GTK_LABEL (self->caption), caption);
      gtk_widget_set_sensitive (self->peak, build != NULL);
      gtk_widget_set_visible (GTK_WIDGET (self->planners), build != NULL);
      app_planner_bar_set_build (self->planners, build);
      update_table (self);
    }
  if (changed && build == NULL)
    update_alive (self);
  else
    select_from_shared (self);
}

/* A build that is not in use any more has weights of its own: a view that nobody sees must not keep
 * them. */
static void
let_go (AppMemoryView *self)
{
  if (self->build == NULL
      || self->build == eng_session_get_build (app_stage_get_session (self->stage)))
    return;
  g_clear_object (&self->build);
  app_planner_bar_set_build (self->planners, NULL);
}

static void
on_changed (AppMemoryView *self)
{
  if (gtk_widget_get_mapped (GTK_WIDGET (self)))
    {
      refresh (self);
      return;
    }
  self->stale = TRUE;
  let_go (self);
}

static void
on_map (AppMemoryView *self)
{
  if (self->stale && self->stage != NULL)
    refresh (self);
}

static void
on_peak (AppMemoryView *self)
{
  plot_memory_set_selected_step (self->memory, plot_memory_get_peak_step (self->memory));
  gtk_widget_grab_focus (GTK_WIDGET (self->memory));
}

static void
on_fit (AppMemoryView *self)
{
  plot_memory_fit (self->memory);
  gtk_widget_grab_focus (GTK_WIDGET (self->memory));
}

/* ---- The widget ---- */

static void
set_show_table (AppMemoryView *self, gboolean show_table)
{
  if (self->show_table == show_table)
    return;
  self->show_table = show_table;
  update_table (self);
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), show_table ? "table" : "plot");
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SHOW_TABLE]);
}

static void
app_memory_view_dispose (GObject *object)
{
  AppMemoryView *self = APP_MEMORY_VIEW (object);
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);
  g_clear_object (&self->stage);
  g_clear_object (&self->selection);
  g_clear_object (&self->build);
  G_OBJECT_CLASS (app_memory_view_parent_class)->dispose (object);
}

static void
app_memory_view_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SHOW_TABLE)
    g_value_set_boolean (value, APP_MEMORY_VIEW (object)->show_table);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_memory_view_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SHOW_TABLE)
    set_show_table (APP_MEMORY_VIEW (object), g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_memory_view_class_init (AppMemoryViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = app_memory_view_dispose;
  object_class->get_property = app_memory_view_get_property;
  object_class->set_property = app_memory_view_set_property;
  props[PROP_SHOW_TABLE]
      = g_param_spec_boolean ("show-table", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);

  g_type_ensure (PLOT_TYPE_MEMORY);
  g_type_ensure (APP_TYPE_PLANNER_BAR);
  gtk_widget_class_set_css_name (widget_class, "memory-view");
  gtk_widget_class_set_template_from_resource (widget_class, APP_PATH "/ui/app-memory-view.ui");
  gtk_widget_class_bind_template_child (widget_class, AppMemoryView, memory);
  gtk_widget_class_bind_template_child (widget_class, AppMemoryView, caption);
  gtk_widget_class_bind_template_child (widget_class, AppMemoryView, stack);
  gtk_widget_class_bind_template_child (widget_class, AppMemoryView, table_bin);
  gtk_widget_class_bind_template_child (widget_class, AppMemoryView, alive_title);
  gtk_widget_class_bind_template_child (widget_class, AppMemoryView, alive_bin);
  gtk_widget_class_bind_template_child (widget_class, AppMemoryView, alive_box);
  gtk_widget_class_bind_template_child (widget_class, AppMemoryView, peak);
  gtk_widget_class_bind_template_child (widget_class, AppMemoryView, planners);
  gtk_widget_class_bind_template_callback (widget_class, on_peak);
  gtk_widget_class_bind_template_callback (widget_class, on_fit);
}

static void
app_memory_view_init (AppMemoryView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect_object (self->memory, "notify::selected-step", G_CALLBACK (on_step), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect (self, "map", G_CALLBACK (on_map), NULL);
}

static void
app_memory_view_set_context (AppView *view, const AppViewContext *context)
{
  AppMemoryView *self = APP_MEMORY_VIEW (view);
  AppStage *stage = context->stage;
  AppSelection *selection = context->selection;

  g_return_if_fail (self->stage == NULL);

  self->stage = g_object_ref (stage);
  self->selection = g_object_ref (selection);
  g_signal_connect_object (stage, "changed", G_CALLBACK (on_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (selection, "notify::layer", G_CALLBACK (select_from_shared), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (selection, "notify::node", G_CALLBACK (select_from_shared), self,
                           G_CONNECT_SWAPPED);
  app_planner_bar_set_session (self->planners, app_stage_get_session (stage));
  gtk_widget_set_visible (GTK_WIDGET (self->planners), FALSE);
  gtk_widget_set_sensitive (self->peak, FALSE);
  update_alive (self);
  on_changed (self);
}

static PlotFigure *
app_memory_view_get_figure (AppView *view)
{
  AppMemoryView *self = APP_MEMORY_VIEW (view);

  if (self->stale && self->stage != NULL)
    refresh (self);
  return PLOT_FIGURE (self->memory);
}

static void
app_memory_view_iface_init (AppViewInterface *iface)
{
  iface->set_context = app_memory_view_set_context;
  iface->get_figure = app_memory_view_get_figure;
}
