/* The comparison of two runs. The pair follows the baseline and the run shown unless somebody picks
 * others. Arithmetic is in app-compare.c. */
#include "app-compare-view.h"

#include "app-axis.h"
#include "app-breakpoint.h"
#include "app-compare.h"
#include "app-config.h"
#include "app-figure-tile.h"
#include "app-figures.h"
#include "app-history-item.h"
#include "app-table.h"
#include "app-view.h"
#include "plots.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <math.h>

/* How many runs of the history the two drop-downs offer. */
#define N_CHOICES 100

enum
{
  LANE_LATENCY,
  LANE_CHANGE,
  LANE_WEIGHTS,
};

struct _AppCompareView
{
  GtkWidget parent_instance;

  GtkWidget *stack; /* "empty", "content" */
  GtkWidget *empty_page;
  GtkDropDown *before_choice;
  GtkDropDown *after_choice;
  GtkWidget *problem;
  GtkWidget *tiles_box;
  GtkWidget *tiles[APP_MAX_FIGURES];
  const AppFigureInfo *infos; /* [n_infos]: what the tiles show */
  guint n_infos;
  PlotLanes *lanes;
  GtkWidget *pages; /* "plot", "table" */
  GtkWidget *table_bin;

  AppStage *stage;
  AppSelection *selection;
  EngHistory *history;
  AppAxis *axis;
  GPtrArray *ids;         /* of the drop-downs' entries after the first, shared by both */
  EngRun *before, *after; /* chosen; NULL: following */
  gboolean compact, show_table, filling, syncing, stale;
};

enum
{
  PROP_0,
  PROP_COMPACT,
  PROP_SHOW_TABLE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void app_compare_view_iface_init (AppViewInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (AppCompareView, app_compare_view, GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (APP_TYPE_VIEW, app_compare_view_iface_init))

static EngRun *
get_before (AppCompareView *self)
{
  return self->before != NULL ? self->before : app_stage_get_baseline (self->stage);
}

static EngRun *
get_after (AppCompareView *self)
{
  return self->after != NULL ? self->after : app_stage_get_run (self->stage);
}

/* ---- Filling ---- */

static void
fill_lanes (AppCompareView *self, EngModel *model, EngRun *a, EngRun *b,
            const AppComparable *comparable)
{
  EngProfile *pa = eng_run_get_profile (a), *pb = eng_run_get_profile (b);
  RtPhase phase = app_selection_get_phase (self->selection);
  AppAxis *axis = app_axis_new (model, pb, NULL);
  guint n = app_axis_n_items (axis);
  g_autofree double *x = g_new (double, n);
  g_autofree double *low = g_new (double, n);
  g_autofree double *high = g_new (double, n);
  gboolean layers = comparable->layers == NULL, times = layers && comparable->times == NULL;
  g_autofree char *name = eng_run_dup_recipe_text (a);

  if (!app_axis_equal (self->axis, axis))
    app_axis_install (axis, self->lanes);
  app_axis_free (self->axis);
  self->axis = axis;
  plot_lanes_clear_all_values (self->lanes);
  plot_lanes_clear_baseline (self->lanes);
  plot_lanes_set_lane_note (self->lanes, LANE_CHANGE,
                            comparable->layers != NULL ? comparable->layers : comparable->times);
  g_object_set (self->lanes, "baseline-name", name, NULL);

  if (times)
    {
      app_axis_fill_latency (axis, pb, phase, x, low, high);
      plot_lanes_set_values (self->lanes, LANE_LATENCY, 0, 0, n, x, low, high, NULL);
      app_axis_fill_latency (axis, pa, phase, x, low, high);
      plot_lanes_set_values (self->lanes, LANE_LATENCY, 1, 0, n, x, NULL, NULL, NULL);
      app_compare_fill_change (axis, pa, pb, phase, x, low, high);
      plot_lanes_set_values (self->lanes, LANE_CHANGE, 0, 0, n, x, low, high, NULL);
    }
  if (layers)
    {
      app_axis_fill_memory (axis, pb, x, low, high);
      plot_lanes_set_values (self->lanes, LANE_WEIGHTS, 0, 0, n, x, NULL, NULL, NULL);
      app_axis_fill_memory (axis, pa, x, low, high);
      plot_lanes_set_values (self->lanes, LANE_WEIGHTS, 1, 0, n, x, NULL, NULL, NULL);
    }
}

/* The tiles of this kind of model; those that a narrow window has no room for are left out there. */
static void
update_tiles (AppCompareView *self)
{
  if (self->stage != NULL)
    self->infos = app_figures_compare (app_stage_get_kind (self->stage), &self->n_infos);
  for (guint i = 0; i < APP_MAX_FIGURES; i++)
    {
      gboolean used = i < self->n_infos;

      if (used)
        app_figure_tile_set_what (APP_FIGURE_TILE (self->tiles[i]), _ (self->infos[i].title),
                                  _ (self->infos[i].tip));
      /* Five side by side have no room for interval and difference in one line. */
      app_figure_tile_set_compact (APP_FIGURE_TILE (self->tiles[i]),
                                   self->compact || self->n_infos > 4);
      gtk_widget_set_visible (self->tiles[i], used && (!self->compact || self->infos[i].narrow));
    }
}

/* Of the run, or, for an accuracy, of its build. */
static EngFigure
get_figure (AppCompareView *self, EngRun *run, EngFigureId id)
{
  const AppEvaluation *found;

  if (!eng_figure_id_is_accuracy (id))
    return eng_run_get_figure (run, id);
  found = app_accuracy_find (app_stage_get_accuracy (self->stage), eng_run_get_build_hash (run),
                             NULL, id);
  return found != NULL ? found->figures[id]
                       : eng_figure_unavailable (eng_figure_id_unit (id), _ ("not evaluated"));
}

/* Accuracies compare on one set only. */
static void
take_pair (AppCompareView *self, EngRun *a, EngRun *b, EngFigureId id, EngFigure *before,
           EngFigure *after)
{
  const AppEvaluation *of_a, *of_b;

  if (app_accuracy_find_pair (app_stage_get_accuracy (self->stage), eng_run_get_build_hash (a),
                              eng_run_get_build_hash (b), id, &of_a, &of_b))
    {
      *before = of_a->figures[id];
      *after = of_b->figures[id];
    }
  else
    *before
        = eng_figure_unavailable (eng_figure_id_unit (id), _ ("not evaluated on the same set"));
}

static void
fill_tiles (AppCompareView *self, EngRun *a, EngRun *b, const AppComparable *comparable)
{
  for (guint i = 0; i < self->n_infos; i++)
    {
      EngFigureId id = self->infos[i].id;
      EngFigure before = get_figure (self, a, id);
      EngFigure after = get_figure (self, b, id);
      gboolean show
          = comparable->layers == NULL && (comparable->times == NULL || app_figures_is_static (id));
      AppChange change;

      if (eng_figure_id_is_accuracy (id))
        take_pair (self, a, b, id, &before, &after);
      change = app_change (&before, &after, eng_figure_id_lower_is_better (id));
      app_figure_tile_set (APP_FIGURE_TILE (self->tiles[i]), &after, show ? &change : NULL);
    }
}

static void
fill_problem (AppCompareView *self, const AppComparable *comparable)
{
  const char *text = comparable->layers != NULL  ? comparable->layers
                     : comparable->times != NULL ? comparable->times
                                                 : comparable->caveat;

  gtk_widget_set_visible (self->problem, text != NULL);
  gtk_label_set_label (GTK_LABEL (self->problem), text != NULL ? text : "");
}

static void
update_now (AppCompareView *self)
{
  EngModel *model = eng_session_get_model (app_stage_get_session (self->stage));
  EngRun *a = get_before (self), *b = get_after (self);
  AppComparable comparable;
  g_autoptr (PlotTable) table = NULL;

  self->stale = FALSE;
  if (model == NULL || a == NULL || b == NULL)
    {
      gtk_stack_set_visible_child_name (GTK_STACK (self->stack), "empty");
      adw_status_page_set_description (ADW_STATUS_PAGE (self->empty_page),
                                       b == NULL
                                           ? _ ("Run the model, change the recipe, and run it "
                                                "again: the two runs stand here side by side.")
                                           : _ ("There is one run so far. Change the recipe and "
                                                "run again, or choose another run above."));
      return;
    }
  comparable = app_compare_check (a, b);
  update_tiles (self);
  fill_problem (self, &comparable);
  fill_tiles (self, a, b, &comparable);
  fill_lanes (self, model, a, b, &comparable);
  table = app_compare_make_table (model, a, b, app_selection_get_phase (self->selection));
  adw_bin_set_child (ADW_BIN (self->table_bin), app_table_new (table, 110));
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), "content");
}

/* Nothing is worked out for a page that nobody sees, and nothing while a model runs. */
static void
update (AppCompareView *self)
{
  self->stale = TRUE;
  if (self->stage != NULL && gtk_widget_get_mapped (GTK_WIDGET (self))
      && !app_stage_get_running (self->stage))
    update_now (self);
}

static void
on_map (GtkWidget *widget)
{
  AppCompareView *self = APP_COMPARE_VIEW (widget);

  GTK_WIDGET_CLASS (app_compare_view_parent_class)->map (widget);
  if (self->stale && self->stage != NULL)
    update_now (self);
}

/* ---- Choosing the pair ---- */

static void
select_run (AppCompareView *self, GtkDropDown *choice, EngRun *run)
{
  guint position = 0;

  for (guint i = 0; run != NULL && i < self->ids->len; i++)
    if (g_strcmp0 (self->ids->pdata[i], eng_run_get_id (run)) == 0)
      position = i + 1;
  self->filling = TRUE;
  gtk_drop_down_set_selected (choice, position);
  self->filling = FALSE;
}

static void
fill_choices (AppCompareView *self)
{
  EngModel *model = eng_session_get_model (app_stage_get_session (self->stage));
  EngRun *known = app_stage_get_run (self->stage) != NULL ? app_stage_get_run (self->stage)
                                                          : app_stage_get_baseline (self->stage);
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (GtkStringList) before = gtk_string_list_new (NULL);
  g_autoptr (GtkStringList) after = gtk_string_list_new (NULL);

  g_ptr_array_set_size (self->ids, 0);
  gtk_string_list_append (before, _ ("The baseline"));
  gtk_string_list_append (after, _ ("The run shown"));
  if (self->history != NULL && model != NULL && known != NULL)
    entries = eng_history_list (self->history, eng_run_get_model_hash (known), NULL);
  for (guint i = 0; entries != NULL && i < MIN (entries->len, N_CHOICES); i++)
    {
      g_autoptr (AppHistoryItem) item = app_history_item_new (entries->pdata[i]);
      g_autofree char *time = NULL;
      g_autofree char *day = NULL;
      g_autofree char *text = NULL;

      app_history_item_dup_time (item, &time, &day);
      text = g_strdup_printf ("%s %s · %s", day, time, app_history_item_get_entry (item)->recipe);

      gtk_string_list_append (before, text);
      gtk_string_list_append (after, text);
      g_ptr_array_add (self->ids, g_strdup (app_history_item_get_entry (item)->id));
    }
  if (entries != NULL)
    {
      for (guint i = MIN (entries->len, N_CHOICES); i < entries->len; i++)
        eng_history_entry_free (entries->pdata[i]);
      g_ptr_array_set_free_func (entries, NULL);
    }
  self->filling = TRUE;
  gtk_drop_down_set_model (self->before_choice, G_LIST_MODEL (before));
  gtk_drop_down_set_model (self->after_choice, G_LIST_MODEL (after));
  self->filling = FALSE;
  select_run (self, self->before_choice, self->before);
  select_run (self, self->after_choice, self->after);
}

static void
take_choice (AppCompareView *self, GtkDropDown *choice, EngRun **run)
{
  guint position = gtk_drop_down_get_selected (choice);
  g_autoptr (GError) error = NULL;

  g_clear_object (run);
  if (position != GTK_INVALID_LIST_POSITION && position > 0 && position <= self->ids->len)
    {
      *run = eng_history_get (self->history, self->ids->pdata[position - 1], &error);
      if (*run == NULL)
        gtk_widget_activate_action (GTK_WIDGET (self), "win.toast", "s", error->message);
    }
}

static void
on_choice (AppCompareView *self, GParamSpec *pspec, GtkDropDown *choice)
{
  if (self->filling)
    return;
  take_choice (self, choice, choice == self->before_choice ? &self->before : &self->after);
  update (self);
}

/* ---- Selection ---- */

static void
on_lanes_selected (AppCompareView *self)
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
}

static void
on_shared_selected (AppCompareView *self)
{
  int layer = app_selection_get_layer (self->selection);

  if (self->syncing || self->axis == NULL)
    return;
  self->syncing = TRUE;
  plot_lanes_set_selected_item (self->lanes,
                                layer == APP_LAYER_NONE
                                    ? -1
                                    : app_axis_find (self->axis, layer,
                                                     app_selection_get_node (self->selection)));
  self->syncing = FALSE;
}

/* ---- The widget ---- */

static void
app_compare_view_dispose (GObject *object)
{
  AppCompareView *self = APP_COMPARE_VIEW (object);
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);
  g_clear_object (&self->stage);
  g_clear_object (&self->selection);
  g_clear_object (&self->history);
  g_clear_object (&self->before);
  g_clear_object (&self->after);
  g_clear_pointer (&self->ids, g_ptr_array_unref);
  g_clear_pointer (&self->axis, app_axis_free);
  G_OBJECT_CLASS (app_compare_view_parent_class)->dispose (object);
}

static void
app_compare_view_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_COMPACT)
    g_value_set_boolean (value, APP_COMPARE_VIEW (object)->compact);
  else if (id == PROP_SHOW_TABLE)
    g_value_set_boolean (value, APP_COMPARE_VIEW (object)->show_table);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_compare_view_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_COMPACT)
    app_compare_view_set_compact (APP_COMPARE_VIEW (object), g_value_get_boolean (value));
  else if (id == PROP_SHOW_TABLE)
    app_compare_view_set_show_table (APP_COMPARE_VIEW (object), g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_compare_view_class_init (AppCompareViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = app_compare_view_dispose;
  object_class->get_property = app_compare_view_get_property;
  object_class->set_property = app_compare_view_set_property;
  widget_class->map = on_map;
  props[PROP_COMPACT]
      = g_param_spec_boolean ("compact", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  props[PROP_SHOW_TABLE]
      = g_param_spec_boolean ("show-table", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);

  g_type_ensure (PLOT_TYPE_LANES);
  gtk_widget_class_set_css_name (widget_class, "compare-view");
  gtk_widget_class_set_template_from_resource (widget_class, APP_PATH "/ui/app-compare-view.ui");
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, AppCompareView, name)
  BIND (stack);
  BIND (empty_page);
  BIND (before_choice);
  BIND (after_choice);
  BIND (problem);
  BIND (tiles_box);
  BIND (lanes);
  BIND (pages);
  BIND (table_bin);
#undef BIND
}

static void
add_lanes (AppCompareView *self)
{
  const PlotUnit percent = PLOT_UNIT_PERCENT;

  plot_lanes_add_lane (self->lanes, &(PlotLaneInfo){ .title = _ ("Latency"),
                                                     .unit = PLOT_UNIT_NS,
                                                     .total = PLOT_TOTAL_SUM,
                                                     .flags = PLOT_LANE_LOWER_IS_BETTER });
  plot_lanes_add_series (self->lanes, LANE_LATENCY,
                         &(PlotLaneSeriesInfo){ .name = _ ("after"), .role = PLOT_ROLE_BAR });
  plot_lanes_add_series (self->lanes, LANE_LATENCY,
                         &(PlotLaneSeriesInfo){ .name = _ ("before"), .role = PLOT_ROLE_BASELINE });
  plot_lanes_add_lane (self->lanes, &(PlotLaneInfo){ .title = _ ("Change of latency"),
                                                     .unit = percent,
                                                     .height = 0.8 });
  plot_lanes_add_series (self->lanes, LANE_CHANGE,
                         &(PlotLaneSeriesInfo){ .name = _ ("change"),
                                                .role = PLOT_ROLE_POINT,
                                                .color = 3,
                                                .shape = PLOT_SHAPE_DIAMOND });
  plot_lanes_add_lane (self->lanes, &(PlotLaneInfo){ .title = _ ("Weights"),
                                                     .unit = PLOT_UNIT_BYTES,
                                                     .total = PLOT_TOTAL_SUM,
                                                     .flags = PLOT_LANE_LOWER_IS_BETTER,
                                                     .height = 0.8 });
  plot_lanes_add_series (self->lanes, LANE_WEIGHTS,
                         &(PlotLaneSeriesInfo){
                             .name = _ ("after"), .role = PLOT_ROLE_BAR, .color = 1 });
  plot_lanes_add_series (self->lanes, LANE_WEIGHTS,
                         &(PlotLaneSeriesInfo){ .name = _ ("before"), .role = PLOT_ROLE_BASELINE });
}

static void
app_compare_view_init (AppCompareView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->ids = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < APP_MAX_FIGURES; i++)
    {
      self->tiles[i] = app_figure_tile_new ("");
      gtk_box_append (GTK_BOX (self->tiles_box), self->tiles[i]);
    }
  update_tiles (self);
  add_lanes (self);
  g_signal_connect_object (self->lanes, "notify::selected-item", G_CALLBACK (on_lanes_selected),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->before_choice, "notify::selected", G_CALLBACK (on_choice), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->after_choice, "notify::selected", G_CALLBACK (on_choice), self,
                           G_CONNECT_SWAPPED);
}

static void
on_stage_changed (AppCompareView *self)
{
  if (app_stage_get_running (self->stage))
    return;
  fill_choices (self);
  update (self);
}

static void
on_model (AppCompareView *self)
{
  g_clear_object (&self->before);
  g_clear_object (&self->after);
  on_stage_changed (self);
}

static void
app_compare_view_set_context (AppView *view, const AppViewContext *context)
{
  AppCompareView *self = APP_COMPARE_VIEW (view);
  AppStage *stage = context->stage;
  AppSelection *selection = context->selection;
  EngHistory *history = context->history;

  self->stage = g_object_ref (stage);
  self->selection = g_object_ref (selection);
  self->history = history != NULL ? g_object_ref (history) : NULL;
  g_signal_connect_object (stage, "changed", G_CALLBACK (on_stage_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (app_stage_get_session (stage), "notify::model", G_CALLBACK (on_model),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (selection, "notify::phase", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (selection, "notify::layer", G_CALLBACK (on_shared_selected), self,
                           G_CONNECT_SWAPPED);
  on_stage_changed (self);
}

void
app_compare_view_set_runs (AppCompareView *self, EngRun *before, EngRun *after)
{
  g_return_if_fail (APP_IS_COMPARE_VIEW (self));

  g_set_object (&self->before, before);
  g_set_object (&self->after, after);
  select_run (self, self->before_choice, before);
  select_run (self, self->after_choice, after);
  update (self);
}

void
app_compare_view_set_compact (AppCompareView *self, gboolean compact)
{
  g_return_if_fail (APP_IS_COMPARE_VIEW (self));

  if (self->compact == !!compact)
    return;
  self->compact = !!compact;
  gtk_box_set_spacing (GTK_BOX (self->tiles_box), compact ? 12 : 36);
  update_tiles (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_COMPACT]);
}

void
app_compare_view_set_show_table (AppCompareView *self, gboolean show_table)
{
  g_return_if_fail (APP_IS_COMPARE_VIEW (self));

  if (self->show_table == !!show_table)
    return;
  self->show_table = !!show_table;
  gtk_stack_set_visible_child_name (GTK_STACK (self->pages), show_table ? "table" : "plot");
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SHOW_TABLE]);
}

static PlotFigure *
app_compare_view_get_figure (AppView *view)
{
  return PLOT_FIGURE (APP_COMPARE_VIEW (view)->lanes);
}

static void
app_compare_view_set_width_class (AppView *view, int width)
{
  app_compare_view_set_compact (APP_COMPARE_VIEW (view), width == APP_WIDTH_COMPACT);
}

static void
app_compare_view_iface_init (AppViewInterface *iface)
{
  iface->set_context = app_compare_view_set_context;
  iface->get_figure = app_compare_view_get_figure;
  iface->set_width_class = app_compare_view_set_width_class;
}
