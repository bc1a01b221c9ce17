/* The comparison of two or more runs. The chips say which; what is comparable and by how much they
 * differ, the engine (eng-compare.h); lanes and table, app-compare-feed.c. Nothing is worked out
 * for a page that nobody sees. */
#include "app-compare-view.h"

#include "app-breakpoint.h"
#include "app-change.h"
#include "app-compare-feed.h"
#include "app-compare-runs.h"
#include "app-config.h"
#include "app-figure-tile.h"
#include "app-figures.h"
#include "app-layer-errors.h"
#include "app-table.h"
#include "app-view.h"
#include "plots.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <math.h>

/* Notices that stand above the plot, beside what is withheld; the others are behind an expander. */
#define MAX_NOTICES 1

struct _AppCompareView
{
  GtkWidget parent_instance;

  AppCompareRuns *runs;
  GtkWidget *controls;
  GtkDropDown *metric_choice;
  GtkWidget *threshold;
  GtkWidget *sorted;
  GtkWidget *devices_button; /* in a narrow window the menu has it */
  GtkWidget *stack; /* "empty", "content" */
  GtkWidget *empty_page;
  GtkWidget *notices;
  GtkWidget *figures; /* "tiles" for two runs, "grid" for more */
  GtkWidget *tiles_box;
  GtkWidget *tiles[APP_MAX_FIGURES];
  GtkWidget *grid;
  const AppFigureInfo *infos; /* [n_infos]: what tiles and grid show */
  guint n_infos;
  PlotLanes *lanes;
  GtkWidget *pages; /* "plot", "table" */
  GtkWidget *table_bin;

  AppStage *stage;
  AppSelection *selection;
  EngComparison *comparison;
  AppCompareFeed *feed;
  EngHistory *history; /* nullable */
  guint choices[ENG_N_LAYER_METRICS
                + 1]; /* what the drop-down stands for: EngLayerMetric, or APP_COMPARE_OVERVIEW */
  guint n_choices;
  EngModelKind choices_kind;
  gboolean compact, show_table, syncing, stale, with_errors;
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

/* ---- Figures of whole runs ---- */

/* Accuracies are of builds, and compare on one set only. */
static gboolean
take_pair (AppCompareView *self, guint run, EngFigureId id, EngFigure *before, EngFigure *after)
{
  const AppEvaluation *of_a, *of_b;
  EngRun *a = eng_comparison_get_run (self->comparison, 0),
         *b = eng_comparison_get_run (self->comparison, run);

  if (!app_accuracy_find_pair (app_stage_get_accuracy (self->stage), eng_run_get_build_hash (a),
                               eng_run_get_build_hash (b), id, &of_a, &of_b))
    return FALSE;
  *before = of_a->figures[id];
  *after = of_b->figures[id];
  return TRUE;
}

static EngFigure
get_figure (AppCompareView *self, guint run, EngFigureId id)
{
  const AppEvaluation *found;
  EngFigure figure = eng_comparison_get_figure (self->comparison, run, id);

  if (!eng_figure_id_is_accuracy (id) || figure.available)
    return figure;
  found
      = app_accuracy_find (app_stage_get_accuracy (self->stage),
                           eng_run_get_build_hash (eng_comparison_get_run (self->comparison, run)),
                           NULL, id);
  return found != NULL ? found->figures[id]
                       : eng_figure_unavailable (eng_figure_id_unit (id), _ ("not evaluated"));
}

static AppChange
get_change (AppCompareView *self, guint run, EngFigureId id)
{
  AppChange change = eng_comparison_get_figure_change (self->comparison, run, id);
  EngFigure before, after;

  if (eng_figure_id_is_accuracy (id) && change.verdict == ENG_CHANGE_NONE
      && eng_comparison_get_withheld (self->comparison, run, ENG_ASPECT_LAYERS) == NULL
      && take_pair (self, run, id, &before, &after))
    change = eng_change (&before, &after, eng_figure_id_lower_is_better (id));
  if (change.reason != NULL)
    change.reason = g_intern_string (_ (change.reason));
  return change;
}

/* The tiles of this kind of model; those that a narrow window has no room for are left out
 * there. */
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

static void
fill_tiles (AppCompareView *self)
{
  for (guint i = 0; i < self->n_infos; i++)
    {
      EngFigure figure = get_figure (self, 1, self->infos[i].id);
      AppChange change = get_change (self, 1, self->infos[i].id);

      app_figure_tile_set (APP_FIGURE_TILE (self->tiles[i]), &figure,
                           change.verdict != ENG_CHANGE_NONE ? &change : NULL);
    }
}

static void
attach (AppCompareView *self, const char *text, const char *css, int column, int row, float xalign)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), xalign);
  if (css != NULL)
    gtk_widget_add_css_class (label, css);
  gtk_widget_add_css_class (label, "numeric");
  gtk_grid_attach (GTK_GRID (self->grid), label, column, row, 1, 1);
}

/* One line for each run, two columns for each figure: the value, and its change since the first
 * run. */
static void
fill_grid (AppCompareView *self)
{
  guint n_runs = eng_comparison_get_n_runs (self->comparison);
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (self->grid)) != NULL)
    gtk_grid_remove (GTK_GRID (self->grid), child);
  for (guint i = 0; i < self->n_infos; i++)
    attach (self, _ (self->infos[i].title), "dim-label", (int)(2 * i + 1), 0, 1);
  for (guint r = 0; r < n_runs; r++)
    {
      g_autofree char *letter = app_compare_letter (r);

      attach (self, letter, "heading", 0, (int)r + 1, 0);
      for (guint i = 0; i < self->n_infos; i++)
        {
          EngFigure figure = get_figure (self, r, self->infos[i].id);
          AppChange change = get_change (self, r, self->infos[i].id);
          g_autofree char *number = NULL, *unit = NULL, *value = NULL, *text = NULL, *full = NULL;

          app_figure_split (&figure, &number, &unit);
          value = g_strdup_printf ("%s\u202f%s", number, unit);
          attach (self, value, NULL, (int)(2 * i + 1), (int)r + 1, 1);
          if (r == 0)
            continue;
          full = app_change_format (&change);
          text = change.verdict != ENG_CHANGE_NONE
                     ? g_strdup_printf ("%s\u202f%s", app_change_arrow (&change), full)
                     : g_strdup ("");
          attach (self, text, app_change_style (&change), (int)(2 * i + 2), (int)r + 1, 0);
        }
    }
}

/* ---- Notices ---- */

static GtkWidget *
make_notice (const char *text, gboolean warning)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_widget_add_css_class (label, warning ? "warning" : "dim-label");
  return label;
}

/* Runs that say the same are told together: "B, C: ...". */
static void
add_notice (GPtrArray *texts, GPtrArray *letters, const char *text, guint run)
{
  g_autofree char *letter = app_compare_letter (run);

  for (guint i = 0; i < texts->len; i++)
    if (g_str_equal (texts->pdata[i], text))
      {
        char *more = g_strdup_printf ("%s, %s", (char *)letters->pdata[i], letter);

        g_free (letters->pdata[i]);
        letters->pdata[i] = more;
        return;
      }
  g_ptr_array_add (texts, g_strdup (text));
  g_ptr_array_add (letters, g_steal_pointer (&letter));
}

static void
fill_notices (AppCompareView *self)
{
  guint n_runs = eng_comparison_get_n_runs (self->comparison), n_warnings;
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free),
                        letters = g_ptr_array_new_with_free_func (g_free);
  GtkWidget *child, *more = NULL;

  while ((child = gtk_widget_get_first_child (self->notices)) != NULL)
    gtk_box_remove (GTK_BOX (self->notices), child);
  for (guint r = 1; r < n_runs; r++)
    for (EngAspect aspect = 0; aspect < ENG_N_ASPECTS; aspect++)
      if (eng_comparison_get_withheld (self->comparison, r, aspect) != NULL)
        add_notice (texts, letters, _ (eng_comparison_get_withheld (self->comparison, r, aspect)),
                    r);
  n_warnings = texts->len;
  for (guint r = 1; r < n_runs; r++)
    for (const char *const *caveat = eng_comparison_get_caveats (self->comparison, r);
         *caveat != NULL; caveat++)
      add_notice (texts, letters, _ (*caveat), r);
  if (app_compare_feed_get_n_hidden (self->feed) > 0)
    {
      guint n = app_compare_feed_get_n_hidden (self->feed);
      g_autofree char *hidden
          = g_strdup_printf (ngettext ("%u layer changes by less and is hidden.",
                                       "%u layers change by less and are hidden.", n),
                             n);

      gtk_box_append (GTK_BOX (self->notices), make_notice (hidden, FALSE));
    }
  for (guint i = 0; i < texts->len; i++)
    {
      g_autofree char *text = n_runs > 2 ? g_strdup_printf ("%s: %s", (char *)letters->pdata[i],
                                                            (char *)texts->pdata[i])
                                         : g_strdup (texts->pdata[i]);
      GtkWidget *notice = make_notice (text, i < n_warnings);

      if (i < n_warnings + MAX_NOTICES)
        {
          gtk_box_append (GTK_BOX (self->notices), notice);
          continue;
        }
      if (more == NULL)
        {
          g_autofree char *title
              = g_strdup_printf (ngettext ("%u more note", "%u more notes", texts->len - i),
                                 texts->len - i);
          GtkWidget *expander = gtk_expander_new (title);

          more = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
          gtk_expander_set_child (GTK_EXPANDER (expander), more);
          gtk_widget_add_css_class (expander, "dim-label");
          gtk_box_append (GTK_BOX (self->notices), expander);
        }
      gtk_box_append (GTK_BOX (more), notice);
    }
  gtk_widget_set_visible (self->notices, gtk_widget_get_first_child (self->notices) != NULL);
}

/* ---- Filling ---- */

static AppCompareOptions
get_options (AppCompareView *self)
{
  guint choice = gtk_drop_down_get_selected (self->metric_choice);

  return (AppCompareOptions){
    .metric = choice < self->n_choices ? self->choices[choice] : APP_COMPARE_OVERVIEW,
    .threshold = gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->threshold)) / 100,
    .sorted = gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->sorted))
  };
}

/* What this kind of model has: a network keeps no keys and values. */
static void
make_choices (AppCompareView *self, EngModelKind kind)
{
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);

  if (self->n_choices > 0 && self->choices_kind == kind)
    return;
  self->choices_kind = kind;
  self->choices[0] = APP_COMPARE_OVERVIEW;
  self->n_choices = 1;
  gtk_string_list_append (names, _ ("Overview"));
  for (EngLayerMetric metric = 0; metric < ENG_N_LAYER_METRICS; metric++)
    if (metric != ENG_LAYER_METRIC_KV || kind == ENG_MODEL_LANGUAGE)
      {
        gtk_string_list_append (names, _ (eng_layer_metric_title (metric)));
        self->choices[self->n_choices++] = metric;
      }
  gtk_drop_down_set_model (self->metric_choice, G_LIST_MODEL (names));
}

static gboolean
is_error (guint metric)
{
  return metric == ENG_LAYER_METRIC_SENSITIVITY || metric == ENG_LAYER_METRIC_LOCAL_ERROR
         || metric == ENG_LAYER_METRIC_ACCUMULATED_ERROR;
}

/* The hash of the model that is open; NULL while it is not known. */
static const char *
get_model_hash (AppCompareView *self)
{
  EngModel *model = eng_session_get_model (app_stage_get_session (self->stage));
  EngRun *shown = app_stage_get_run (self->stage);

  if (shown != NULL)
    return eng_run_get_model_hash (shown);
  return model != NULL ? eng_model_peek_hash (model) : NULL;
}

/* What the history keeps of the run's recipe; NULL: nothing, or it is a run of another model than
 * the one that is open. */
static EngLayerErrors *
load_errors (AppCompareView *self, EngModel *model, EngRun *run)
{
  AppLayerErrors *errors = app_stage_get_layer_errors (self->stage);
  const char *hash = get_model_hash (self);
  EngSensitivityConfig config;

  if (model == NULL || self->history == NULL || hash == NULL
      || g_strcmp0 (eng_run_get_model_hash (run), hash) != 0)
    return NULL;
  app_layer_errors_fill_config (errors, model, eng_run_get_recipe (run), &config);
  return eng_sensitivity_load (model, eng_run_get_recipe (run), &config, self->history, NULL);
}

/* Accuracy per layer is looked up when somebody asks for it. */
static EngComparison *
make_comparison (AppCompareView *self, GPtrArray *runs, gboolean with_errors)
{
  EngModel *model = eng_session_get_model (app_stage_get_session (self->stage));
  g_autofree EngLayerErrors **errors = g_new0 (EngLayerErrors *, runs->len);
  EngComparison *comparison;

  for (guint r = 0; with_errors && r < runs->len; r++)
    errors[r] = load_errors (self, model, runs->pdata[r]);
  comparison = eng_comparison_new_with_errors ((EngRun *const *)runs->pdata, runs->len,
                                               app_selection_get_phase (self->selection), errors);
  for (guint r = 0; r < runs->len; r++)
    g_clear_pointer (&errors[r], eng_layer_errors_unref);
  return comparison;
}

static void on_shared_selected (AppCompareView *self);

/* The same runs, shown otherwise. */
static void
show_comparison (AppCompareView *self)
{
  AppCompareOptions options = get_options (self);
  g_autoptr (PlotTable) table = NULL;

  g_clear_pointer (&self->feed, app_compare_feed_free);
  self->feed = app_compare_feed_new (self->comparison, &options, get_model_hash (self));
  self->syncing = TRUE;
  app_compare_feed_install (self->feed, self->lanes);
  self->syncing = FALSE;
  table = app_compare_feed_make_table (self->feed);
  adw_bin_set_child (ADW_BIN (self->table_bin), app_table_new (table, 150));
  fill_notices (self);
  on_shared_selected (self);
}

static void
show_empty (AppCompareView *self, guint n_runs)
{
  app_compare_runs_update (self->runs, NULL);
  gtk_widget_set_visible (self->controls, FALSE);
  adw_status_page_set_description (
      ADW_STATUS_PAGE (self->empty_page),
      n_runs == 0 ? _ (
          "Run the model, change the recipe, and run it again: the runs stand here side by side.")
                  : _ ("There is one run so far. Change the recipe and run again, or add a run of "
                       "the history above, also "
                       "of another file of this network."));
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), "empty");
}

static void
update_now (AppCompareView *self)
{
  g_autoptr (GPtrArray) runs = app_compare_runs_dup (self->runs);

  self->stale = FALSE;
  g_clear_pointer (&self->comparison, eng_comparison_unref);
  if (runs->len < 2)
    {
      show_empty (self, runs->len);
      return;
    }
  make_choices (self, app_stage_get_kind (self->stage));
  self->with_errors = is_error (get_options (self).metric);
  self->comparison = make_comparison (self, runs, self->with_errors);
  app_compare_runs_update (self->runs, self->comparison);
  gtk_widget_set_visible (self->controls, TRUE);
  update_tiles (self);
  gtk_stack_set_visible_child_name (GTK_STACK (self->figures), runs->len == 2 ? "tiles" : "grid");
  if (runs->len == 2)
    fill_tiles (self);
  else
    fill_grid (self);
  show_comparison (self);
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
on_option (AppCompareView *self)
{
  if (self->comparison == NULL || self->stale)
    return;
  if (is_error (get_options (self).metric) && !self->with_errors)
    update_now (self);
  else
    show_comparison (self);
}

static void
on_map (GtkWidget *widget)
{
  AppCompareView *self = APP_COMPARE_VIEW (widget);

  GTK_WIDGET_CLASS (app_compare_view_parent_class)->map (widget);
  if (self->stale && self->stage != NULL)
    update_now (self);
}

/* ---- Selection ---- */

static void
on_lanes_selected (AppCompareView *self)
{
  int item = plot_lanes_get_selected_item (self->lanes), layer;
  const char *node;

  if (self->syncing || self->feed == NULL)
    return;
  self->syncing = TRUE;
  if (item < 0)
    app_selection_set_layer (self->selection, APP_LAYER_NONE);
  else if (app_compare_feed_lookup (self->feed, (guint)item, &layer, &node))
    app_selection_set_node (self->selection, layer, node);
  self->syncing = FALSE;
}

static void
on_shared_selected (AppCompareView *self)
{
  int layer = app_selection_get_layer (self->selection);

  if (self->syncing || self->feed == NULL)
    return;
  self->syncing = TRUE;
  plot_lanes_set_selected_item (self->lanes, layer == APP_LAYER_NONE
                                                 ? -1
                                                 : app_compare_feed_find (self->feed, layer,
                                                                          app_selection_get_node (
                                                                              self->selection)));
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
  g_clear_pointer (&self->feed, app_compare_feed_free);
  g_clear_object (&self->history);
  g_clear_pointer (&self->comparison, eng_comparison_unref);
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
  g_type_ensure (APP_TYPE_COMPARE_RUNS);
  gtk_widget_class_set_css_name (widget_class, "compare-view");
  gtk_widget_class_set_template_from_resource (widget_class, APP_PATH "/ui/app-compare-view.ui");
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, AppCompareView, name)
  BIND (stack);
  BIND (empty_page);
  BIND (runs);
  BIND (controls);
  BIND (metric_choice);
  BIND (threshold);
  BIND (sorted);
  BIND (devices_button);
  BIND (notices);
  BIND (figures);
  BIND (tiles_box);
  BIND (grid);
  BIND (lanes);
  BIND (pages);
  BIND (table_bin);
#undef BIND
}

/* "5 %": what the threshold reads as; 0 is "All". */
static gboolean
on_threshold_output (GtkSpinButton *spin)
{
  int value = gtk_spin_button_get_value_as_int (spin);
  g_autofree char *text = value == 0 ? g_strdup (_ ("All")) : g_strdup_printf ("≥ %d %%", value);

  if (g_strcmp0 (gtk_editable_get_text (GTK_EDITABLE (spin)), text) != 0)
    gtk_editable_set_text (GTK_EDITABLE (spin), text);
  return TRUE;
}

static int
on_threshold_input (GtkSpinButton *spin, double *value)
{
  const char *text = gtk_editable_get_text (GTK_EDITABLE (spin));

  while (*text != '\0' && !g_ascii_isdigit (*text))
    text++;
  *value = g_ascii_strtod (text, NULL);
  return TRUE;
}

static void
app_compare_view_init (AppCompareView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  for (guint i = 0; i < APP_MAX_FIGURES; i++)
    {
      self->tiles[i] = app_figure_tile_new ("");
      gtk_box_append (GTK_BOX (self->tiles_box), self->tiles[i]);
    }
  update_tiles (self);
  make_choices (self, ENG_MODEL_LANGUAGE);
  g_signal_connect (self->threshold, "output", G_CALLBACK (on_threshold_output), NULL);
  g_signal_connect (self->threshold, "input", G_CALLBACK (on_threshold_input), NULL);
  on_threshold_output (GTK_SPIN_BUTTON (self->threshold));
  g_signal_connect_object (self->threshold, "value-changed", G_CALLBACK (on_option), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->metric_choice, "notify::selected", G_CALLBACK (on_option), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->sorted, "notify::active", G_CALLBACK (on_option), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->runs, "changed", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->lanes, "notify::selected-item", G_CALLBACK (on_lanes_selected),
                           self, G_CONNECT_SWAPPED);
}

static void
on_model (AppCompareView *self)
{
  app_compare_runs_set (self->runs, NULL, 0);
}

static void
app_compare_view_set_context (AppView *view, const AppViewContext *context)
{
  AppCompareView *self = APP_COMPARE_VIEW (view);

  self->stage = g_object_ref (context->stage);
  self->selection = g_object_ref (context->selection);
  g_set_object (&self->history, context->history);
  app_compare_runs_set_context (self->runs, context->stage, context->history);
  g_signal_connect_object (self->stage, "changed", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (app_stage_get_session (self->stage), "notify::model",
                           G_CALLBACK (on_model), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->selection, "notify::phase", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->selection, "notify::layer", G_CALLBACK (on_shared_selected), self,
                           G_CONNECT_SWAPPED);
  update (self);
}

void
app_compare_view_set_runs (AppCompareView *self, EngRun *const *runs, guint n)
{
  g_return_if_fail (APP_IS_COMPARE_VIEW (self));
  app_compare_runs_set (self->runs, runs, n);
}

GPtrArray *
app_compare_view_dup_runs (AppCompareView *self)
{
  g_return_val_if_fail (APP_IS_COMPARE_VIEW (self), NULL);
  return app_compare_runs_dup (self->runs);
}

void
app_compare_view_set_compact (AppCompareView *self, gboolean compact)
{
  g_return_if_fail (APP_IS_COMPARE_VIEW (self));

  if (self->compact == !!compact)
    return;
  self->compact = !!compact;
  gtk_box_set_spacing (GTK_BOX (self->tiles_box), compact ? 12 : 36);
  gtk_widget_set_visible (self->devices_button, !compact);
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
