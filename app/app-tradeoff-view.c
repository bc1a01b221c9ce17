/* The trade-off view: asks the engine for points, lets a person choose axes and runs. Limits are
 * app-tradeoff-limits.c, the selected point app-tradeoff-details.c, what is drawn
 * app-tradeoff-feed.c. Must not know how points are made. */
#include "app-tradeoff-view-private.h"

#include "app-breakpoint.h"
#include "app-config.h"
#include "app-figures.h"
#include "app-settings.h"
#include "app-table.h"
#include "app-tradeoff-feed.h"
#include "app-view.h"
#include "eval/eng-text-set.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <string.h>

#define TYPING_MS 500

enum
{
  PROP_0,
  PROP_SHOW_TABLE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void app_tradeoff_view_iface_init (AppViewInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (AppTradeoffView, app_tradeoff_view, GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (APP_TYPE_VIEW, app_tradeoff_view_iface_init))

/* ---- Axes ---- */

static const char *
setting_key (AppTradeoffView *self, gboolean x)
{
  if (self->kind == ENG_MODEL_NETWORK)
    return x ? "tradeoff-x-network" : "tradeoff-y-network";
  return x ? "tradeoff-x-language" : "tradeoff-y-language";
}

EngFigureId
app_tradeoff_view_get_axis (AppTradeoffView *self, GtkDropDown *choice)
{
  guint position = gtk_drop_down_get_selected (choice);

  if (position < self->ids->len)
    return g_array_index (self->ids, EngFigureId, position);
  return ENG_FIGURE_PEAK_MEMORY;
}

static void
select_figure (AppTradeoffView *self, GtkDropDown *choice, EngFigureId id)
{
  for (guint i = 0; i < self->ids->len; i++)
    if (g_array_index (self->ids, EngFigureId, i) == id)
      gtk_drop_down_set_selected (choice, i);
}

static void
select_axis (AppTradeoffView *self, GtkDropDown *choice, gboolean x)
{
  gboolean network = self->kind == ENG_MODEL_NETWORK;
  EngFigureId id = !x        ? ENG_FIGURE_PEAK_MEMORY
                   : network ? ENG_FIGURE_INFERENCE
                             : ENG_FIGURE_DECODE;
  g_autofree char *name = app_settings_dup_string (setting_key (self, x), eng_figure_id_name (id));

  for (guint i = 0; i < self->ids->len; i++)
    if (g_str_equal (eng_figure_id_name (g_array_index (self->ids, EngFigureId, i)), name))
      id = g_array_index (self->ids, EngFigureId, i);
  select_figure (self, choice, id);
}

static void
fill_axes (AppTradeoffView *self)
{
  g_autoptr (GtkStringList) titles = gtk_string_list_new (NULL);

  g_array_set_size (self->ids, 0);
  for (EngFigureId id = 0; id < ENG_N_FIGURES; id++)
    if (eng_figure_id_applies (id, app_figures_workload_kind (self->kind)))
      {
        g_array_append_val (self->ids, id);
        gtk_string_list_append (titles, eng_figure_id_title (id));
      }
  gtk_entry_set_placeholder_text (GTK_ENTRY (self->other_limit),
                                  self->kind == ENG_MODEL_NETWORK ? _ ("like memory ≤ 64 MB")
                                                                  : _ ("like first token ≤ 1 s"));
  self->filling = TRUE;
  gtk_drop_down_set_model (self->x_choice, G_LIST_MODEL (titles));
  gtk_drop_down_set_model (self->y_choice, G_LIST_MODEL (titles));
  select_axis (self, self->x_choice, TRUE);
  select_axis (self, self->y_choice, FALSE);
  self->filling = FALSE;
}

/* ---- Which runs ---- */

/* The text of a choice that is not the first ("all"); NULL: the first. Borrowed. */
static const char *
get_choice (GtkDropDown *choice)
{
  guint position = gtk_drop_down_get_selected (choice);

  if (position == 0 || position == GTK_INVALID_LIST_POSITION)
    return NULL;
  return gtk_string_list_get_string (GTK_STRING_LIST (gtk_drop_down_get_model (choice)), position);
}

static void
fill_choice (GtkDropDown *choice, const char *first, const char *const *texts)
{
  g_autofree char *kept = g_strdup (get_choice (choice));
  g_autoptr (GtkStringList) list = gtk_string_list_new (NULL);
  guint position = 0;

  gtk_string_list_append (list, first);
  for (guint i = 0; texts[i] != NULL; i++)
    {
      gtk_string_list_append (list, texts[i]);
      if (g_strcmp0 (texts[i], kept) == 0)
        position = i + 1;
    }
  gtk_drop_down_set_model (choice, G_LIST_MODEL (list));
  gtk_drop_down_set_selected (choice, position);
}

static void
fill_choices (AppTradeoffView *self)
{
  self->filling = TRUE;
  fill_choice (self->workload_choice, _ ("All workloads"),
               (const char *const *)self->tradeoff->workloads);
  fill_choice (self->set_choice, _ ("The newest"), (const char *const *)self->tradeoff->sets);
  gtk_widget_set_visible (self->workload_box, self->tradeoff->workloads[0] != NULL);
  gtk_widget_set_visible (self->set_box, self->tradeoff->sets[0] != NULL);
  self->filling = FALSE;
}

static void
load_runs (AppTradeoffView *self)
{
  g_autoptr (GError) error = NULL;

  self->runs_stale = FALSE;
  if (self->history == NULL)
    return; /* then the session's own were added as they came */
  eng_tradeoff_runs_clear (self->runs);
  if (!eng_tradeoff_runs_add_history (self->runs, self->history, &error))
    g_message ("%s", error->message);
}

/* ---- Everything ---- */

static void
update_empty (AppTradeoffView *self)
{
  guint n_missing = self->tradeoff->missing->len;
  const char *title = _ ("No Points Yet");
  g_autofree char *text = NULL;

  if (n_missing > 0)
    {
      const EngTradeoffPoint *first = self->tradeoff->missing->pdata[0];

      title = _ ("No Run Has Both Figures");
      text = g_strdup_printf (_ ("%s. Choose another figure above, or measure what is missing."),
                              first->missing);
    }
  else
    text = g_strdup (_ ("Run the model, change the recipe and run it again: every run becomes a "
                        "point here, and the best trade-offs become a line."));
  adw_status_page_set_title (ADW_STATUS_PAGE (self->empty_page), title);
  adw_status_page_set_description (ADW_STATUS_PAGE (self->empty_page), text);
}

static void
update_missing (AppTradeoffView *self)
{
  GtkWidget *child;
  guint n = self->tradeoff->missing->len;
  g_autofree char *label
      = g_strdup_printf (g_dngettext (NULL, "%u run not shown", "%u runs not shown", n), n);

  while ((child = gtk_widget_get_first_child (self->missing_list)) != NULL)
    gtk_list_box_remove (GTK_LIST_BOX (self->missing_list), child);
  for (guint i = 0; i < n; i++)
    {
      const EngTradeoffPoint *point = self->tradeoff->missing->pdata[i];
      GtkWidget *row = adw_action_row_new ();
      g_autofree char *title = g_markup_escape_text (point->label, -1);
      g_autofree char *why = g_markup_escape_text (point->missing, -1);

      adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
      adw_action_row_set_subtitle (ADW_ACTION_ROW (row), why);
      gtk_list_box_append (GTK_LIST_BOX (self->missing_list), row);
    }
  gtk_menu_button_set_label (GTK_MENU_BUTTON (self->missing_button), label);
  gtk_widget_set_visible (self->missing_button, n > 0);
}

static void
set_text (GtkWidget *label, const char *text)
{
  gtk_label_set_label (GTK_LABEL (label), text != NULL ? text : "");
  gtk_widget_set_visible (label, text != NULL);
}

/* What accuracies are of, and what makes the points less comparable. */
static void
update_caveat (AppTradeoffView *self)
{
  g_autofree char *set
      = self->tradeoff->set != NULL ? eng_data_dup_title (self->tradeoff->set) : NULL;
  g_autofree char *evaluated = set != NULL ? g_strdup_printf (_ ("Evaluated on %s."), set) : NULL;
  g_autofree char *text = evaluated != NULL && self->tradeoff->caveat != NULL
                              ? g_strconcat (evaluated, " ", self->tradeoff->caveat, NULL)
                              : g_strdup (evaluated != NULL ? evaluated : self->tradeoff->caveat);

  set_text (self->caveat, text);
}

static void
update_table (AppTradeoffView *self)
{
  g_autoptr (PlotTable) table = NULL;

  if (!self->show_table || self->tradeoff == NULL)
    {
      adw_bin_set_child (ADW_BIN (self->table_bin), NULL);
      return;
    }
  table
      = app_tradeoff_make_table (self->tradeoff,
                                 app_tradeoff_feed_find_build (self->tradeoff,
                                                               app_tradeoff_view_get_baseline_hash (
                                                                   self)));
  adw_bin_set_child (ADW_BIN (self->table_bin), app_table_new (table, 240));
}

/* Whether the recipe in use stands there already; its build may still be on its way. */
static gboolean
was_measured (AppTradeoffView *self)
{
  EngRecipe *recipe = eng_session_get_recipe (app_tradeoff_view_get_session (self));

  if (app_tradeoff_feed_find_build (self->tradeoff, app_tradeoff_view_get_current_hash (self)) >= 0)
    return TRUE;
  for (guint i = 0; i < self->tradeoff->points->len; i++)
    {
      const EngTradeoffPoint *point = self->tradeoff->points->pdata[i];
      if (point->recipe != NULL && g_strcmp0 (point->model_hash, self->model_hash) == 0
          && eng_recipe_equal (point->recipe, recipe))
        return TRUE;
    }
  return FALSE;
}

/* The recipe in use, while it was not measured, as a hollow point. TRUE: there is one. */
static gboolean
add_estimate (AppTradeoffView *self, const EngTradeoffQuery *query)
{
  EngForecast *estimate = eng_session_get_estimate (app_tradeoff_view_get_session (self));
  EngFigure figures[ENG_N_FIGURES];

  if (estimate == NULL || self->model_hash == NULL || was_measured (self))
    return FALSE;
  for (EngFigureId id = 0; id < ENG_N_FIGURES; id++)
    figures[id] = eng_forecast_get_figure (estimate, id);
  if (!figures[query->x].available || !figures[query->y].available)
    return FALSE; /* nothing of it is known that could be drawn */
  eng_tradeoff_runs_set_estimate (self->runs, self->model_hash, query->kind,
                                  eng_forecast_get_recipe (estimate), figures);
  return TRUE;
}

static void
take_result (AppTradeoffView *self, EngTradeoff *tradeoff)
{
  g_clear_pointer (&self->tradeoff, eng_tradeoff_free);
  self->tradeoff = tradeoff;
}

/* As long as nobody has chosen what is drawn upwards, it is what the runs tell most about. */
static void
choose_y (AppTradeoffView *self, const EngTradeoffQuery *query)
{
  g_autofree char *chosen = app_settings_dup_string (setting_key (self, FALSE), "");

  if (chosen[0] != '\0')
    return;
  self->filling = TRUE;
  select_figure (self, self->y_choice, eng_tradeoff_choose_y (self->runs, query));
  self->filling = FALSE;
}

static void
ask_engine (AppTradeoffView *self)
{
  EngLimit limits[N_LIMITS];
  EngTradeoffQuery query = { .x = app_tradeoff_view_get_axis (self, self->x_choice),
                             .y = app_tradeoff_view_get_axis (self, self->y_choice),
                             .kind = app_figures_workload_kind (self->kind),
                             .model_hash = self->model_hash,
                             .limits = limits,
                             .set = get_choice (self->set_choice),
                             .workload = get_choice (self->workload_choice) };

  for (guint i = 0; i < N_LIMITS; i++)
    if (self->has_limit[i])
      limits[query.n_limits++] = self->limits[i];
  if (gtk_switch_get_active (GTK_SWITCH (self->other_files)))
    query.model = &self->model;
  eng_tradeoff_runs_set_estimate (self->runs, NULL, query.kind, NULL, NULL);
  choose_y (self, &query);
  query.y = app_tradeoff_view_get_axis (self, self->y_choice);
  take_result (self, eng_tradeoff_new (self->runs, &query));
  if (add_estimate (self, &query))
    take_result (self, eng_tradeoff_new (self->runs, &query));
  self->filling = TRUE;
  app_tradeoff_feed_install (self->chart, self->tradeoff, limits, query.n_limits,
                             app_tradeoff_view_get_baseline_hash (self),
                             app_tradeoff_view_get_current_hash (self));
  self->filling = FALSE;
}

static void
refresh (AppTradeoffView *self)
{
  self->stale = FALSE;
  if (self->runs_stale)
    load_runs (self);
  app_tradeoff_view_read_limits (self);
  ask_engine (self);
  fill_choices (self);
  app_tradeoff_view_name_limits (self);
  set_text (self->sentence, self->tradeoff->sentence);
  update_caveat (self);
  update_missing (self);
  update_empty (self);
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack),
                                    self->tradeoff->points->len > 0 ? "content" : "empty");
  gtk_widget_set_visible (self->limits_box, self->tradeoff->points->len > 0);
  app_tradeoff_view_select_in_chart (self);
  app_tradeoff_view_update_details (self);
  update_table (self);
}

/* Nothing is worked out for a page that nobody sees, and nothing while a model runs. */
static void
update (AppTradeoffView *self)
{
  self->stale = TRUE;
  if (self->stage != NULL && gtk_widget_get_mapped (GTK_WIDGET (self))
      && !app_stage_get_running (self->stage))
    refresh (self);
}

static void
on_map (AppTradeoffView *self)
{
  if (self->stale && self->stage != NULL)
    refresh (self);
}

static void
on_history_changed (AppTradeoffView *self)
{
  self->runs_stale = TRUE;
  update (self);
}

static void
on_run_finished (AppTradeoffView *self, EngRun *run)
{
  if (self->history == NULL)
    eng_tradeoff_runs_add (self->runs, run);
}

static void
on_axis_chosen (AppTradeoffView *self)
{
  if (self->filling)
    return;
  app_settings_set_string (setting_key (self, TRUE),
                           eng_figure_id_name (app_tradeoff_view_get_axis (self, self->x_choice)));
  app_settings_set_string (setting_key (self, FALSE),
                           eng_figure_id_name (app_tradeoff_view_get_axis (self, self->y_choice)));
  plot_chart_reset_view (self->chart);
  update (self);
}

static void
on_choice (AppTradeoffView *self)
{
  if (!self->filling)
    update (self);
}

static gboolean
on_typing_over (gpointer data)
{
  AppTradeoffView *self = data;

  self->typing_id = 0;
  update (self);
  return G_SOURCE_REMOVE;
}

static void
on_limit_changed (AppTradeoffView *self)
{
  g_clear_handle_id (&self->typing_id, g_source_remove);
  self->typing_id = g_timeout_add (TYPING_MS, on_typing_over, self);
}

static void
on_limit_done (AppTradeoffView *self)
{
  g_clear_handle_id (&self->typing_id, g_source_remove);
  update (self);
}

static void
on_limit_icon (GtkEntry *entry)
{
  gtk_editable_set_text (GTK_EDITABLE (entry), "");
}

static void
on_fit (AppTradeoffView *self)
{
  plot_chart_reset_view (self->chart);
  gtk_widget_grab_focus (GTK_WIDGET (self->chart));
}

/* ---- The model ---- */

static void
hash_model (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  char *hash = eng_model_dup_hash (data, cancellable, &error);

  if (hash != NULL)
    g_task_return_pointer (task, hash, g_free);
  else
    g_task_return_error (task, error);
}

static void
on_hashed (GObject *source, GAsyncResult *result, gpointer data)
{
  AppTradeoffView *self = APP_TRADEOFF_VIEW (source);
  g_autoptr (GError) error = NULL;
  char *hash = g_task_propagate_pointer (G_TASK (result), &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return; /* another model was opened, or the view is gone */
  if (hash == NULL)
    g_message ("%s", error->message);
  g_free (self->model_hash);
  self->model_hash = hash;
  update (self);
}

/* Runs are found by the file's hash, which takes a moment the first time. */
static void
on_model (AppTradeoffView *self)
{
  EngModel *model = eng_session_get_model (app_tradeoff_view_get_session (self));
  g_autoptr (GTask) task = NULL;

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->model_hash, g_free);
  g_clear_pointer (&self->selected, g_free);
  eng_run_model_clear (&self->model);
  self->kind = app_stage_get_kind (self->stage);
  fill_axes (self);
  if (model != NULL)
    {
      eng_run_model_init (&self->model, model);
      self->cancellable = g_cancellable_new ();
      task = g_task_new (self, self->cancellable, on_hashed, NULL);
      g_task_set_source_tag (task, on_model);
      g_task_set_task_data (task, g_object_ref (model), g_object_unref);
      g_task_run_in_thread (task, hash_model);
    }
  update (self);
}

/* ---- The widget ---- */

static void
set_show_table (AppTradeoffView *self, gboolean show_table)
{
  if (self->show_table == show_table)
    return;
  self->show_table = show_table;
  update_table (self);
  gtk_stack_set_visible_child_name (GTK_STACK (self->pages), show_table ? "table" : "plot");
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SHOW_TABLE]);
}

static void
app_tradeoff_view_dispose (GObject *object)
{
  AppTradeoffView *self = APP_TRADEOFF_VIEW (object);
  GtkWidget *child;

  g_clear_handle_id (&self->typing_id, g_source_remove);
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);
  g_clear_object (&self->stage);
  g_clear_object (&self->history);
  G_OBJECT_CLASS (app_tradeoff_view_parent_class)->dispose (object);
}

static void
app_tradeoff_view_finalize (GObject *object)
{
  AppTradeoffView *self = APP_TRADEOFF_VIEW (object);

  eng_tradeoff_free (self->tradeoff);
  eng_tradeoff_runs_free (self->runs);
  eng_run_model_clear (&self->model);
  g_array_unref (self->ids);
  g_free (self->model_hash);
  g_free (self->selected);
  G_OBJECT_CLASS (app_tradeoff_view_parent_class)->finalize (object);
}

static void
app_tradeoff_view_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SHOW_TABLE)
    g_value_set_boolean (value, APP_TRADEOFF_VIEW (object)->show_table);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_tradeoff_view_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SHOW_TABLE)
    set_show_table (APP_TRADEOFF_VIEW (object), g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_tradeoff_view_class_init (AppTradeoffViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = app_tradeoff_view_dispose;
  object_class->finalize = app_tradeoff_view_finalize;
  object_class->get_property = app_tradeoff_view_get_property;
  object_class->set_property = app_tradeoff_view_set_property;
  props[PROP_SHOW_TABLE]
      = g_param_spec_boolean ("show-table", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);

  g_type_ensure (PLOT_TYPE_CHART);
  gtk_widget_class_set_css_name (widget_class, "tradeoff-view");
  gtk_widget_class_set_template_from_resource (widget_class, APP_PATH "/ui/app-tradeoff-view.ui");
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, AppTradeoffView, name)
  BIND (x_choice);
  BIND (y_choice);
  BIND (workload_choice);
  BIND (workload_box);
  BIND (set_choice);
  BIND (set_box);
  BIND (other_files);
  BIND (limits_box);
  BIND (x_limit_name);
  BIND (y_limit_name);
  BIND (x_limit);
  BIND (y_limit);
  BIND (other_limit);
  BIND (against);
  BIND (fit);
  BIND (problem);
  BIND (sentence);
  BIND (caveat);
  BIND (missing_button);
  BIND (missing_list);
  BIND (stack);
  BIND (empty_page);
  BIND (pages);
  BIND (table_bin);
  BIND (chart);
  BIND (details);
  BIND (details_title);
  BIND (details_note);
  BIND (details_bin);
  BIND (apply);
  BIND (show_run);
#undef BIND
  gtk_widget_class_bind_template_callback (widget_class, on_axis_chosen);
  gtk_widget_class_bind_template_callback (widget_class, on_choice);
  gtk_widget_class_bind_template_callback (widget_class, on_limit_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_limit_done);
  gtk_widget_class_bind_template_callback (widget_class, on_limit_icon);
  gtk_widget_class_bind_template_callback_full (widget_class, "on_point_selected",
                                                G_CALLBACK (app_tradeoff_view_on_point_selected));
  gtk_widget_class_bind_template_callback_full (widget_class, "on_apply",
                                                G_CALLBACK (app_tradeoff_view_on_apply));
  gtk_widget_class_bind_template_callback_full (widget_class, "on_show_run",
                                                G_CALLBACK (app_tradeoff_view_on_show_run));
  gtk_widget_class_bind_template_callback (widget_class, on_fit);
}

static void
app_tradeoff_view_init (AppTradeoffView *self)
{
  self->ids = g_array_new (FALSE, FALSE, sizeof (EngFigureId));
  self->runs = eng_tradeoff_runs_new ();
  self->runs_stale = TRUE;
  self->filling = TRUE;
  gtk_widget_init_template (GTK_WIDGET (self));
  self->filling = FALSE;
  g_signal_connect (self, "map", G_CALLBACK (on_map), NULL);
}

static void
app_tradeoff_view_set_context (AppView *view, const AppViewContext *context)
{
  AppTradeoffView *self = APP_TRADEOFF_VIEW (view);
  EngSession *session = app_stage_get_session (context->stage);

  g_return_if_fail (self->stage == NULL);

  self->stage = g_object_ref (context->stage);
  g_set_object (&self->history, context->history);
  if (self->history != NULL)
    g_signal_connect_object (self->history, "changed", G_CALLBACK (on_history_changed), self,
                             G_CONNECT_SWAPPED);
  g_signal_connect_object (session, "run-finished", G_CALLBACK (on_run_finished), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (session, "notify::model", G_CALLBACK (on_model), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (session, "notify::recipe", G_CALLBACK (app_tradeoff_view_update_details),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (session, "notify::estimate", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->stage, "changed", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  on_model (self);
}

static PlotFigure *
app_tradeoff_view_get_figure (AppView *view)
{
  AppTradeoffView *self = APP_TRADEOFF_VIEW (view);

  if (self->stale && self->stage != NULL)
    refresh (self);
  return PLOT_FIGURE (self->chart);
}

static void
app_tradeoff_view_set_width_class (AppView *view, int width)
{
  AppTradeoffView *self = APP_TRADEOFF_VIEW (view);
  /* A narrow legend would show its first entries only; cards and the table say the same. */
  gtk_widget_set_visible (self->against, width != APP_WIDTH_COMPACT);
  gtk_widget_set_visible (self->fit, width != APP_WIDTH_COMPACT); /* a double click does it, too */
  plot_chart_set_show_legend (self->chart, width != APP_WIDTH_COMPACT);
}

static void
app_tradeoff_view_iface_init (AppViewInterface *iface)
{
  iface->set_context = app_tradeoff_view_set_context;
  iface->get_figure = app_tradeoff_view_get_figure;
  iface->set_width_class = app_tradeoff_view_set_width_class;
}
