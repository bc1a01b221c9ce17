/* The graph view: fills a PlotGraph from the build that the stage shows (or, before there is one,
 * from the file), colours it by the metric chosen, and keeps its selection and the shared one
 * equal. Must not know how a graph is laid out or drawn. */
#include "app-graph-view.h"

#include "app-config.h"
#include "app-graph-feed.h"
#include "app-layers.h"
#include "app-report-bar.h"
#include "app-table.h"
#include "app-view.h"
#include "eng-error.h"
#include "plots.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <math.h>

#define MAX_CARD_ROWS 4 /* of one kind */

struct _AppGraphView
{
  GtkWidget parent_instance;

  PlotGraph *graph;
  GtkDropDown *metric;
  GtkWidget *caption;
  GtkWidget *stack;
  GtkWidget *table_bin;
  GtkToggleButton *expand;
  GtkToggleButton *search_button;
  GtkWidget *search, *search_strip;
  GtkWidget *search_count, *search_previous, *search_next;
  AppReportBar *report;

  AppStage *stage;
  AppSelection *selection;
  AppGraphFeed *feed;
  EngModel *fed_model; /* weak: what feed was made of */
  EngBuild *fed_build;
  gboolean fed_executed; /* fed_build may have gone since */
  GPtrArray *found; /* ids in the feed that the search found; NULL: not searching */
  guint at;         /* in found */
  gboolean show_table;
  gboolean stale;   /* something changed while nobody could see it */
  gboolean syncing; /* the selection is being copied one way or the other */
};

enum
{
  PROP_0,
  PROP_SHOW_TABLE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void app_graph_view_iface_init (AppViewInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (AppGraphView, app_graph_view, GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (APP_TYPE_VIEW, app_graph_view_iface_init))

/* ---- Filling ---- */

static EngBuild *
get_build (AppGraphView *self)
{
  return eng_session_get_build (app_stage_get_session (self->stage));
}

static RtPhase
get_phase (AppGraphView *self)
{
  EngModel *model = eng_session_get_model (app_stage_get_session (self->stage));

  return model != NULL && eng_model_get_kind (model) == ENG_MODEL_NETWORK
             ? RT_PHASE_INFERENCE
             : app_selection_get_phase (self->selection);
}

static void search_again (AppGraphView *self);

static void
update_feed (AppGraphView *self)
{
  EngModel *model = eng_session_get_model (app_stage_get_session (self->stage));
  EngBuild *build = get_build (self);
  AppGraphFeed *feed;

  if (self->feed != NULL && model == self->fed_model && build == self->fed_build
      && self->fed_executed == (build != NULL))
    return;
  feed = model != NULL ? app_graph_feed_new (model, build) : NULL;
  g_set_weak_pointer (&self->fed_model, model);
  g_set_weak_pointer (&self->fed_build, build);
  self->fed_executed = build != NULL;
  if (self->feed != NULL && app_graph_feed_equal (self->feed, feed))
    {
      app_graph_feed_free (feed);
      return;
    }
  g_clear_pointer (&self->found, g_ptr_array_unref);
  app_graph_feed_free (self->feed);
  self->feed = feed;
  if (feed != NULL)
    app_graph_feed_install (feed, self->graph);
  else
    plot_graph_set_graph (self->graph, NULL);
  app_report_bar_set_model (self->report, model);
  search_again (self);
}

static void
update_caption (AppGraphView *self)
{
  AppMetric metric = gtk_drop_down_get_selected (self->metric);
  gboolean unmeasured = metric == APP_METRIC_LATENCY && app_stage_get_profile (self->stage) == NULL;
  g_autofree char *text = NULL;

  if (self->feed == NULL)
    text = g_strdup ("");
  else if (get_build (self) == NULL)
    text = g_strdup_printf (ngettext ("%u node, as in the file", "%u nodes, as in the file",
                                      app_graph_feed_get_n_nodes (self->feed)),
                            app_graph_feed_get_n_nodes (self->feed));
  else if (unmeasured)
    text = g_strdup (app_stage_get_running (self->stage) ? _ ("Measuring…")
                                                         : _ ("Not measured yet: press Run"));
  else
    text = g_strdup_printf (ngettext ("%u node, as executed", "%u nodes, as executed",
                                      app_graph_feed_get_n_nodes (self->feed)),
                            app_graph_feed_get_n_nodes (self->feed));
  if (g_strcmp0 (text, gtk_label_get_label (GTK_LABEL (self->caption))) != 0)
    gtk_label_set_label (GTK_LABEL (self->caption), text);
}

static void
colour (AppGraphView *self)
{
  AppMetric metric = gtk_drop_down_get_selected (self->metric);

  if (self->feed != NULL && metric < APP_N_METRICS)
    app_graph_feed_colour (self->feed, self->graph, metric, get_build (self),
                           app_stage_get_profile (self->stage), get_phase (self));
  gtk_widget_set_sensitive (GTK_WIDGET (self->metric), get_build (self) != NULL);
  update_caption (self);
}

static void
update_table (AppGraphView *self)
{
  g_autoptr (PlotTable) table = NULL;

  if (!self->show_table)
    {
      adw_bin_set_child (ADW_BIN (self->table_bin), NULL);
      return;
    }
  table = plot_figure_make_table (PLOT_FIGURE (self->graph));
  adw_bin_set_child (ADW_BIN (self->table_bin), app_table_new (table, 200));
}

/* ---- Searching ---- */

static void
show_search (AppGraphView *self)
{
  const char *text = gtk_editable_get_text (GTK_EDITABLE (self->search));
  guint n = self->found != NULL ? self->found->len : 0;
  g_autofree char *count = NULL;

  if (n > 0)
    count = g_strdup_printf (_ ("%u of %u"), self->at + 1, n);
  else
    count = g_strdup (*text != '\0' ? _ ("not found") : "");
  gtk_label_set_label (GTK_LABEL (self->search_count), count);
  gtk_widget_set_sensitive (self->search_previous, n > 1);
  gtk_widget_set_sensitive (self->search_next, n > 1);
}

/* Another graph: what was found are ids of the one before. */
static void
search_again (AppGraphView *self)
{
  const char *text = gtk_editable_get_text (GTK_EDITABLE (self->search));

  g_clear_pointer (&self->found, g_ptr_array_unref);
  self->at = 0;
  if (self->feed != NULL && gtk_toggle_button_get_active (self->search_button))
    self->found = app_graph_feed_search (self->feed, text);
  show_search (self);
}

static void
go_to_found (AppGraphView *self)
{
  show_search (self);
  if (self->found != NULL && self->found->len > 0)
    plot_graph_set_selected (self->graph, self->found->pdata[self->at]);
}

static void
on_search_changed (AppGraphView *self)
{
  search_again (self);
  go_to_found (self);
}

static void
on_search_next (AppGraphView *self)
{
  if (self->found != NULL && self->found->len > 0)
    self->at = (self->at + 1) % self->found->len;
  go_to_found (self);
}

static void
on_search_previous (AppGraphView *self)
{
  if (self->found != NULL && self->found->len > 0)
    self->at = (self->at + self->found->len - 1) % self->found->len;
  go_to_found (self);
}

static void
on_search_stopped (AppGraphView *self)
{
  gtk_toggle_button_set_active (self->search_button, FALSE);
}

static void
on_search_shown (AppGraphView *self)
{
  if (gtk_toggle_button_get_active (self->search_button))
    gtk_widget_grab_focus (self->search);
  else
    gtk_widget_grab_focus (GTK_WIDGET (self->graph));
  if (self->stage != NULL)
    search_again (self);
}

static gboolean
on_find (GtkWidget *widget, GVariant *args, gpointer data)
{
  AppGraphView *self = APP_GRAPH_VIEW (widget);

  if (!gtk_widget_get_mapped (widget)) /* another view is seen */
    return FALSE;
  gtk_toggle_button_set_active (self->search_button, TRUE);
  gtk_widget_grab_focus (self->search);
  return TRUE;
}

/* A line of the import report leads to its node, where it has one. */
static void
on_report_node (AppGraphView *self, const char *source)
{
  const char *id = self->feed != NULL ? app_graph_feed_find_source (self->feed, source) : NULL;

  if (id == NULL)
    return;
  plot_graph_set_selected (self->graph, id);
  gtk_widget_grab_focus (GTK_WIDGET (self->graph));
}

/* ---- The card ---- */

static void
add_bytes (PlotGraphCard *card, const char *label, guint64 bytes)
{
  const PlotUnit unit = PLOT_UNIT_BYTES;
  g_autofree char *value = plot_format_value (&unit, (double)bytes, 3);

  if (bytes > 0)
    plot_graph_card_add (card, label, value);
}

static void
add_memory (AppGraphView *self, PlotGraphCard *card, EngBuild *build, RtNodeId node, int layer)
{
  AppMetric metric = gtk_drop_down_get_selected (self->metric);
  EngLayerMemory memory;

  if (node != RT_NONE)
    eng_build_get_node_memory (build, node, &memory);
  else
    eng_build_get_layer_memory (build, layer, &memory);
  if (metric != APP_METRIC_WEIGHTS)
    add_bytes (card, _ ("Weights"), memory.weight_bytes);
  if (metric != APP_METRIC_ACTIVATIONS)
    add_bytes (card, _ ("Activations alive"), memory.activation_bytes);
}

static void
add_latency (AppGraphView *self, PlotGraphCard *card, int layer, const char *node)
{
  double ns = app_graph_feed_get_latency (self->feed, app_stage_get_profile (self->stage),
                                          get_phase (self), layer, node);
  const PlotUnit unit = PLOT_UNIT_NS;
  g_autofree char *value = plot_format_value (&unit, ns, 3);

  if (!isnan (ns) && gtk_drop_down_get_selected (self->metric) != APP_METRIC_LATENCY)
    plot_graph_card_add (card, app_metric_get_title (APP_METRIC_LATENCY, get_phase (self)), value);
}

/* What it reads: activations by their shapes, weights by shape and format. */
static void
add_inputs (PlotGraphCard *card, const RtGraph *graph, const RtNode *node)
{
  guint n_shown = 0;

  for (guint i = 0; i < node->n_inputs && n_shown < MAX_CARD_ROWS; i++)
    {
      const RtValue *value;
      g_autofree char *text = NULL;
      char shape[128];

      if (node->inputs[i] == RT_NONE)
        continue;
      value = rt_graph_value (graph, node->inputs[i]);
      rt_shape_text (&value->shape, shape, sizeof shape);
      text = g_strdup_printf ("%s %s", shape, rt_type_name (value->type));
      plot_graph_card_add (card, value->kind == RT_VALUE_WEIGHT ? _ ("Constant") : _ ("Reads"),
                           text);
      n_shown++;
    }
}

/* The nodes of the file that this one stands for; what a converter glued together is told apart. */
static void
add_sources (PlotGraphCard *card, const RtNode *node)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < node->n_sources; i++)
    {
      g_auto (GStrv) parts = g_strsplit (node->sources[i], ";", -1);

      for (guint k = 0; parts[k] != NULL; k++)
        if (*parts[k] != '\0')
          g_ptr_array_add (names, g_strdup (parts[k]));
    }
  for (guint i = 0; i < MIN (names->len, MAX_CARD_ROWS); i++)
    plot_graph_card_add (card, i == 0 ? _ ("From the file") : "", names->pdata[i]);
  if (names->len > MAX_CARD_ROWS)
    {
      guint more = names->len - MAX_CARD_ROWS;
      g_autofree char *text = g_strdup_printf (ngettext ("and %u more", "and %u more", more), more);

      plot_graph_card_add (card, "", text);
    }
}

static void
fill_card (PlotGraph *plot, const char *id, PlotGraphCard *card, gpointer data)
{
  AppGraphView *self = data;
  EngModel *model = eng_session_get_model (app_stage_get_session (self->stage));
  EngBuild *build = get_build (self);
  const char *name;
  RtNodeId node;
  int layer;

  if (self->feed == NULL || model == NULL || !app_graph_feed_lookup (self->feed, id, &layer, &name))
    return;
  node = app_graph_feed_get_node (self->feed, id);
  add_latency (self, card, layer, name);
  if (build != NULL)
    add_memory (self, card, build, node, layer);
  if (node != RT_NONE)
    {
      const RtGraph *graph
          = build != NULL ? eng_build_get_graph (build) : eng_model_get_graph (model);
      const RtNode *executed = rt_graph_node (graph, node);
      g_autofree char *layer_name = app_layers_dup_title (model, executed->layer);

      add_inputs (card, graph, executed);
      plot_graph_card_add (card, _ ("Layer"), layer_name);
      add_sources (card, executed);
    }
}

/* ---- Following the stage and the selection ---- */

static void
select_from_shared (AppGraphView *self)
{
  int layer = app_selection_get_layer (self->selection);

  if (self->syncing || self->feed == NULL)
    return;
  self->syncing = TRUE;
  plot_graph_set_selected (self->graph,
                           layer != APP_LAYER_NONE
                               ? app_graph_feed_find (self->feed, layer,
                                                      app_selection_get_node (self->selection))
                               : NULL);
  self->syncing = FALSE;
}

static void
on_selected (AppGraphView *self)
{
  const char *id = plot_graph_get_selected (self->graph), *node;
  int layer;

  if (self->syncing || self->feed == NULL)
    return;
  self->syncing = TRUE;
  if (id == NULL)
    app_selection_set_layer (self->selection, APP_LAYER_NONE);
  else if (app_graph_feed_lookup (self->feed, id, &layer, &node))
    app_selection_set_node (self->selection, layer, node);
  self->syncing = FALSE;
}

static void
refresh (AppGraphView *self)
{
  self->stale = FALSE;
  self->syncing = TRUE;
  update_feed (self);
  self->syncing = FALSE;
  colour (self);
  select_from_shared (self);
  update_table (self);
}

/* Nothing is laid out or coloured that nobody sees: a run's numbers come several times a second. */
static void
on_changed (AppGraphView *self)
{
  if (gtk_widget_get_mapped (GTK_WIDGET (self)))
    refresh (self);
  else
    self->stale = TRUE;
}

static void
on_live (AppGraphView *self)
{
  if (!gtk_widget_get_mapped (GTK_WIDGET (self)))
    self->stale = TRUE;
  else if (gtk_drop_down_get_selected (self->metric) == APP_METRIC_LATENCY)
    colour (self);
}

static void
on_map (AppGraphView *self)
{
  if (self->stale && self->stage != NULL)
    refresh (self);
}

static void
on_metric (AppGraphView *self)
{
  if (self->stage == NULL)
    return;
  colour (self);
  update_table (self);
}

static void
on_expand (AppGraphView *self)
{
  plot_graph_set_all_expanded (self->graph, gtk_toggle_button_get_active (self->expand));
}

static void
on_fit (AppGraphView *self)
{
  plot_graph_fit (self->graph);
  gtk_widget_grab_focus (GTK_WIDGET (self->graph));
}

/* ---- The widget ---- */

static void
set_show_table (AppGraphView *self, gboolean show_table)
{
  if (self->show_table == show_table)
    return;
  self->show_table = show_table;
  update_table (self);
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), show_table ? "table" : "plot");
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SHOW_TABLE]);
}

static void
app_graph_view_dispose (GObject *object)
{
  AppGraphView *self = APP_GRAPH_VIEW (object);
  GtkWidget *child;

  if (self->graph != NULL)
    plot_graph_set_card_func (self->graph, NULL, NULL, NULL);
  self->graph = NULL;
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);
  g_clear_weak_pointer (&self->fed_model);
  g_clear_weak_pointer (&self->fed_build);
  g_clear_object (&self->stage);
  g_clear_object (&self->selection);
  g_clear_pointer (&self->found, g_ptr_array_unref);
  g_clear_pointer (&self->feed, app_graph_feed_free);
  G_OBJECT_CLASS (app_graph_view_parent_class)->dispose (object);
}

static void
app_graph_view_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SHOW_TABLE)
    g_value_set_boolean (value, APP_GRAPH_VIEW (object)->show_table);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_graph_view_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SHOW_TABLE)
    set_show_table (APP_GRAPH_VIEW (object), g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_graph_view_class_init (AppGraphViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = app_graph_view_dispose;
  object_class->get_property = app_graph_view_get_property;
  object_class->set_property = app_graph_view_set_property;
  props[PROP_SHOW_TABLE]
      = g_param_spec_boolean ("show-table", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);

  g_type_ensure (PLOT_TYPE_GRAPH);
  g_type_ensure (APP_TYPE_REPORT_BAR);
  gtk_widget_class_set_css_name (widget_class, "graph-view");
  gtk_widget_class_set_template_from_resource (widget_class, APP_PATH "/ui/app-graph-view.ui");
  gtk_widget_class_bind_template_child (widget_class, AppGraphView, graph);
  gtk_widget_class_bind_template_child (widget_class, AppGraphView, metric);
  gtk_widget_class_bind_template_child (widget_class, AppGraphView, caption);
  gtk_widget_class_bind_template_child (widget_class, AppGraphView, stack);
  gtk_widget_class_bind_template_child (widget_class, AppGraphView, table_bin);
  gtk_widget_class_bind_template_child (widget_class, AppGraphView, expand);
  gtk_widget_class_bind_template_child (widget_class, AppGraphView, search_button);
  gtk_widget_class_bind_template_child (widget_class, AppGraphView, search);
  gtk_widget_class_bind_template_child (widget_class, AppGraphView, search_strip);
  gtk_widget_class_bind_template_child (widget_class, AppGraphView, search_count);
  gtk_widget_class_bind_template_child (widget_class, AppGraphView, search_previous);
  gtk_widget_class_bind_template_child (widget_class, AppGraphView, search_next);
  gtk_widget_class_bind_template_child (widget_class, AppGraphView, report);
  gtk_widget_class_bind_template_callback (widget_class, on_search_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_search_next);
  gtk_widget_class_bind_template_callback (widget_class, on_search_previous);
  gtk_widget_class_bind_template_callback (widget_class, on_search_stopped);
  gtk_widget_class_bind_template_callback (widget_class, on_search_shown);
  gtk_widget_class_bind_template_callback (widget_class, on_report_node);
  gtk_widget_class_bind_template_callback (widget_class, on_fit);
  gtk_widget_class_bind_template_callback (widget_class, on_expand);
  gtk_widget_class_bind_template_callback (widget_class, on_metric);
}

/* Wherever in the window the focus is. */
static void
add_find_shortcut (AppGraphView *self)
{
  GtkEventController *controller = gtk_shortcut_controller_new ();
  GtkShortcut *shortcut = gtk_shortcut_new (gtk_keyval_trigger_new (GDK_KEY_f, GDK_CONTROL_MASK),
                                            gtk_callback_action_new (on_find, NULL, NULL));

  gtk_shortcut_controller_set_scope (GTK_SHORTCUT_CONTROLLER (controller),
                                     GTK_SHORTCUT_SCOPE_GLOBAL);
  gtk_shortcut_controller_add_shortcut (GTK_SHORTCUT_CONTROLLER (controller), shortcut);
  gtk_widget_add_controller (GTK_WIDGET (self), controller);
}

static void
app_graph_view_init (AppGraphView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  add_find_shortcut (self);
  plot_graph_set_card_func (self->graph, fill_card, self, NULL);
  g_signal_connect_object (self->graph, "notify::selected", G_CALLBACK (on_selected), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect (self, "map", G_CALLBACK (on_map), NULL);
}

static void
app_graph_view_set_context (AppView *view, const AppViewContext *context)
{
  AppGraphView *self = APP_GRAPH_VIEW (view);
  AppStage *stage = context->stage;
  AppSelection *selection = context->selection;

  g_return_if_fail (self->stage == NULL);

  self->stage = g_object_ref (stage);
  self->selection = g_object_ref (selection);
  g_signal_connect_object (stage, "changed", G_CALLBACK (on_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (stage, "live", G_CALLBACK (on_live), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (selection, "notify::layer", G_CALLBACK (select_from_shared), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (selection, "notify::node", G_CALLBACK (select_from_shared), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (selection, "notify::phase", G_CALLBACK (on_metric), self,
                           G_CONNECT_SWAPPED);
  on_changed (self);
}

static PlotFigure *
app_graph_view_get_figure (AppView *view)
{
  AppGraphView *self = APP_GRAPH_VIEW (view);

  if (self->stale && self->stage != NULL)
    refresh (self);
  return PLOT_FIGURE (self->graph);
}

gboolean
app_graph_view_explains (AppGraphView *self, const GError *error)
{
  EngModel *model;

  g_return_val_if_fail (APP_IS_GRAPH_VIEW (self) && self->stage != NULL, FALSE);
  model = eng_session_get_model (app_stage_get_session (self->stage));
  return model != NULL && eng_model_get_report (model)[0] != NULL
         && g_error_matches (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED);
}

static void
app_graph_view_iface_init (AppViewInterface *iface)
{
  iface->set_context = app_graph_view_set_context;
  iface->get_figure = app_graph_view_get_figure;
}
