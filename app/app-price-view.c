/* The price page of the stage. Prices come from app-prices.c, the choosing and its words from the engine; applying is one change of the session's recipe,
 * undone like any other. */
#include "app-price-view.h"

#include "app-breakpoint.h"
#include "app-config.h"
#include "app-job-bar.h"
#include "app-prices.h"
#include "app-table.h"
#include "app-view.h"
#include "plot-heat.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <math.h>

#define SCALE_STEPS 1000

struct _AppPriceView
{
  GtkWidget parent_instance;

  GtkDropDown *kind_choice;
  GtkRange *budget;
  GtkLabel *budget_label;
  GtkToggleButton *exact;
  GtkToggleButton *dependence;
  GtkButton *measure;
  GtkWidget *second_row, *buttons;
  GtkLabel *summary;
  GtkButton *apply;
  GtkLabel *notice;
  AppJobBar *job_bar;
  GtkWidget *stack; /* "empty", "plot", "table" */
  GtkWidget *empty;
  PlotHeat *heat;
  GtkWidget *table_bin;

  AppStage *stage;
  AppSelection *selection;
  AppPrices *prices;
  EngPrices *ranged; /* whose ends the slider has */
  EngJob *job;
  gboolean show_table, filling, stale;
};

enum
{
  PROP_0,
  PROP_SHOW_TABLE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void app_price_view_iface_init (AppViewInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (AppPriceView, app_price_view, GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (APP_TYPE_VIEW, app_price_view_iface_init))

/* ---- The budget ---- */

static EngBudgetKind
get_kind (AppPriceView *self)
{
  return (EngBudgetKind)gtk_drop_down_get_selected (self->kind_choice);
}

static char *
format_amount (AppPriceView *self, EngBudgetKind kind, double amount)
{
  EngPrices *prices = app_prices_get (self->prices);

  if (kind == ENG_BUDGET_SIZE)
    return eng_format_value (amount, "B");
  if (kind == ENG_BUDGET_LATENCY)
    return isfinite (amount) ? eng_format_value (amount * 1e-9, "s") : g_strdup (_ ("unknown"));
  return g_strdup_printf ("%.3g\u202f%s", amount,
                          prices != NULL ? eng_prices_get_loss_unit (prices) : "");
}

/* The slider goes from the least to the most; losses span decades, so theirs is logarithmic. */
static double
get_budget (AppPriceView *self)
{
  EngPrices *prices = app_prices_get (self->prices);
  double share = gtk_range_get_value (self->budget) / SCALE_STEPS, least, most;

  if (prices == NULL)
    return NAN;
  eng_prices_get_range (prices, get_kind (self), &least, &most);
  if (get_kind (self) != ENG_BUDGET_LOSS)
    return least + share * (most - least);
  double low = MAX (most, 0) * 1e-4;
  return share <= 0 ? MAX (least, 0) : low * pow (MAX (most, 0) / MAX (low, 1e-12), share);
}

static void
on_budget (AppPriceView *self)
{
  if (self->filling || app_prices_get (self->prices) == NULL)
    return;
  app_prices_set_budget (self->prices, get_kind (self), get_budget (self),
                         gtk_toggle_button_get_active (self->exact));
}

/* ---- Filling ---- */

static PlotState
state_of (EngBasis basis)
{
  return basis == ENG_BASIS_TABLE ? PLOT_STATE_MEASURED : PLOT_STATE_ESTIMATE;
}

/* "0.0023", "7.3e-6": two digits, as narrow as can be. */
static char *
format_loss (double loss)
{
  g_autofree char *text = g_strdup_printf ("%.2g", loss);
  g_auto (GStrv) parts = g_strsplit (text, "e-0", 2);

  return g_strjoinv ("e-", parts);
}

static void
fill_row (AppPriceView *self, EngPrices *prices, const EngPurchase *purchase, guint row)
{
  guint n = eng_prices_get_n_choices (prices);
  g_autofree PlotHeatCell *cells = g_new0 (PlotHeatCell, n);
  g_auto (GStrv) texts = g_new0 (char *, n + 1);
  g_autofree char *name = eng_model_dup_layer_name (eng_prices_get_model (prices),
                                                    eng_prices_get_layer (prices, row));
  g_autofree char *reason
      = purchase != NULL ? eng_purchase_dup_reason (prices, purchase, row) : NULL;

  for (guint c = 0; c < n; c++)
    {
      const EngPrice *price = eng_prices_get (prices, row, c);

      texts[c] = price->same             ? g_strdup (_ ("same"))
                 : price->loss.available ? format_loss (price->loss.value)
                                         : g_strdup ("—");
      cells[c] = (PlotHeatCell){ .value = price->loss.available ? price->loss.value : NAN,
                                 .text = texts[c],
                                 .bar = price->ns,
                                 .bar_state = state_of (price->basis),
                                 .chosen = purchase != NULL && purchase->choices[row] == c };
    }
  plot_heat_add_row (self->heat, name, cells, reason);
}

static void
fill_heat (AppPriceView *self, EngPrices *prices)
{
  guint n = eng_prices_get_n_choices (prices);
  const EngPurchase *purchase = app_prices_get_purchase (self->prices);
  g_autofree const char **names = g_new0 (const char *, n + 1);
  int selected = app_selection_get_layer (self->selection);
  PlotUnit unit = { .symbol = g_intern_string (eng_prices_get_loss_unit (prices)) };

  for (guint c = 0; c < n; c++)
    names[c] = eng_prices_get_choice_title (prices, c);
  self->filling = TRUE;
  plot_heat_set_columns (self->heat, names, n, _ ("loss"), &unit, _ ("time"), &PLOT_UNIT_NS);
  for (guint r = 0; r < eng_prices_get_n_layers (prices); r++)
    fill_row (self, prices, purchase, r);
  for (guint r = 0; r < eng_prices_get_n_layers (prices); r++)
    if (eng_prices_get_layer (prices, r) == selected)
      plot_heat_set_selected (self->heat, (int)r);
  self->filling = FALSE;
}

static void
fill_summary (AppPriceView *self, EngPrices *prices)
{
  const EngPurchase *purchase = app_prices_get_purchase (self->prices);
  g_autofree char *budget = format_amount (self, get_kind (self), get_budget (self));

  gtk_label_set_label (self->budget_label, budget);
  gtk_widget_set_sensitive (GTK_WIDGET (self->apply), purchase != NULL);
  if (purchase == NULL)
    {
      gtk_label_set_label (self->summary,
                           _ ("Losses and times are needed before a budget can be spread"));
      return;
    }
  g_autofree char *bytes = format_amount (self, ENG_BUDGET_SIZE, purchase->bytes);
  g_autofree char *time = format_amount (self, ENG_BUDGET_LATENCY, purchase->ns);
  g_autofree char *loss = format_amount (self, ENG_BUDGET_LOSS, purchase->loss);
  g_autofree char *text = g_strdup_printf (
      /* Translators: weights, time of a step (estimated), loss: what a mixture of precisions costs */
      _ ("%s of weights · ~%s a step%s · loss about %s, the sum over layers%s"), bytes, time,
      eng_prices_get_n_untimed (prices) > 0 ? _ (" (without operators that were never timed)") : "",
      loss, purchase->is_feasible ? "" : _ (" · the cheapest there is: the budget is less"));
  gtk_label_set_label (self->summary, text);
}

static void
fill_table (AppPriceView *self)
{
  if (!self->show_table || app_prices_get (self->prices) == NULL)
    {
      adw_bin_set_child (ADW_BIN (self->table_bin), NULL);
      return;
    }
  g_autoptr (PlotTable) table = plot_figure_make_table (PLOT_FIGURE (self->heat));
  adw_bin_set_child (ADW_BIN (self->table_bin), app_table_new (table, 140));
}

static void
fill_measuring (AppPriceView *self)
{
  EngSession *session = app_stage_get_session (self->stage);
  gboolean measuring = app_prices_get_measuring (self->prices);
  gboolean complete = app_prices_is_complete (self->prices);
  gboolean can = eng_session_get_model (session) != NULL
                 && eng_session_get_estimator (session) != NULL && !measuring
                 && !eng_session_get_running (session);

  gtk_widget_set_sensitive (GTK_WIDGET (self->measure), can);
  gtk_widget_set_visible (GTK_WIDGET (self->job_bar), measuring);
  gtk_widget_set_visible (GTK_WIDGET (self->notice),
                          !complete && !measuring && app_prices_get (self->prices) != NULL);
  if (complete)
    gtk_widget_remove_css_class (GTK_WIDGET (self->measure), "suggested-action");
  else
    gtk_widget_add_css_class (GTK_WIDGET (self->measure), "suggested-action");
}

static void
update (AppPriceView *self)
{
  EngPrices *prices = app_prices_get (self->prices);
  const char *why_not = app_prices_get_why_not (self->prices);

  fill_measuring (self);
  gtk_widget_set_visible (GTK_WIDGET (self->apply), prices != NULL);
  gtk_widget_set_visible (GTK_WIDGET (self->summary), prices != NULL);
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), prices == NULL     ? "empty"
                                                             : self->show_table ? "table"
                                                                                : "plot");
  if (prices == NULL)
    {
      adw_status_page_set_description (
          ADW_STATUS_PAGE (self->empty),
          why_not != NULL
              ? why_not
              : _ ("Every layer in every precision: what it loses, what it takes. Open a model."));
      return;
    }
  fill_heat (self, prices);
  fill_summary (self, prices);
  fill_table (self);
}

/* The list itself does not depend on the precisions that are set: only what is around them is asked for. */
static void
ask (AppPriceView *self)
{
  EngSession *session = app_stage_get_session (self->stage);

  self->stale = !gtk_widget_get_mapped (GTK_WIDGET (self));
  if (self->stale || app_prices_get_measuring (self->prices))
    return;
  app_prices_set_subject (self->prices, eng_session_get_model (session),
                          eng_session_get_model (session) != NULL ? eng_session_get_recipe (session)
                                                                  : NULL,
                          eng_session_get_estimator (session));
  fill_measuring (self);
}

static void
on_prices_changed (AppPriceView *self)
{
  EngPrices *prices = app_prices_get (self->prices);

  /* Other prices have other ends: the slider's place becomes another budget. */
  if (prices != NULL && prices != self->ranged)
    {
      g_clear_pointer (&self->ranged, eng_prices_unref);
      self->ranged = eng_prices_ref (prices);
      app_prices_set_budget (self->prices, get_kind (self), get_budget (self),
                             gtk_toggle_button_get_active (self->exact));
      return;
    }
  if (gtk_widget_get_mapped (GTK_WIDGET (self)))
    update (self);
}

/* ---- What the person does ---- */

static void
on_measured (const GError *error, gpointer data)
{
  AppPriceView *self = data;

  eng_session_set_busy (app_stage_get_session (self->stage), FALSE);
  app_job_bar_set_job (self->job_bar, NULL);
  g_clear_object (&self->job);
  if (error != NULL && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      gtk_label_set_label (self->notice, error->message);
      gtk_widget_set_visible (GTK_WIDGET (self->notice), TRUE);
    }
  ask (self);
  app_stage_refresh (self->stage);
  g_object_unref (self);
}

static void
on_measure (AppPriceView *self)
{
  if (app_prices_get_measuring (self->prices))
    return;
  g_clear_object (&self->job);
  self->job = eng_job_new (_ ("Price list"));
  app_job_bar_set_job (self->job_bar, self->job);
  eng_session_set_busy (app_stage_get_session (self->stage), TRUE);
  app_prices_measure (self->prices, gtk_toggle_button_get_active (self->dependence), self->job,
                      on_measured, g_object_ref (self));
}

static void
on_apply (AppPriceView *self)
{
  EngPrices *prices = app_prices_get (self->prices);
  const EngPurchase *purchase = app_prices_get_purchase (self->prices);
  g_autoptr (GError) error = NULL;

  if (prices == NULL || purchase == NULL)
    return;
  g_autoptr (EngRecipe) recipe = eng_purchase_make_recipe (prices, purchase, &error);
  if (recipe == NULL)
    {
      gtk_label_set_label (self->notice, error->message);
      gtk_widget_set_visible (GTK_WIDGET (self->notice), TRUE);
      return;
    }
  eng_session_set_recipe (app_stage_get_session (self->stage), recipe);
}

static void
on_row_selected (AppPriceView *self)
{
  EngPrices *prices = app_prices_get (self->prices);
  int row = plot_heat_get_selected (self->heat);

  if (!self->filling && prices != NULL && row >= 0)
    app_selection_set_layer (self->selection, eng_prices_get_layer (prices, (guint)row));
}

static void
on_layer_selected (AppPriceView *self)
{
  EngPrices *prices = app_prices_get (self->prices);
  int layer = app_selection_get_layer (self->selection), row = -1;

  for (guint r = 0; prices != NULL && r < eng_prices_get_n_layers (prices); r++)
    if (eng_prices_get_layer (prices, r) == layer)
      row = (int)r;
  self->filling = TRUE;
  plot_heat_set_selected (self->heat, row);
  self->filling = FALSE;
}

/* ---- View ---- */

static void
set_show_table (AppPriceView *self, gboolean show_table)
{
  if (self->show_table == !!show_table)
    return;
  self->show_table = !!show_table;
  if (self->stage != NULL)
    update (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SHOW_TABLE]);
}

static void
app_price_view_set_context (AppView *view, const AppViewContext *context)
{
  AppPriceView *self = APP_PRICE_VIEW (view);

  self->stage = g_object_ref (context->stage);
  self->selection = g_object_ref (context->selection);
  self->prices = app_prices_new (context->history);
  g_signal_connect_object (self->prices, "changed", G_CALLBACK (on_prices_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (context->stage, "changed", G_CALLBACK (ask), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (context->selection, "notify::layer", G_CALLBACK (on_layer_selected),
                           self, G_CONNECT_SWAPPED);
  update (self);
}

static PlotFigure *
app_price_view_get_figure (AppView *view)
{
  AppPriceView *self = APP_PRICE_VIEW (view);

  return plot_heat_get_n_rows (self->heat) > 0 ? PLOT_FIGURE (self->heat) : NULL;
}

static void
app_price_view_set_width_class (AppView *view, int width)
{
  AppPriceView *self = APP_PRICE_VIEW (view);
  gboolean compact = width == APP_WIDTH_COMPACT;

  gtk_orientable_set_orientation (GTK_ORIENTABLE (self->buttons),
                                  compact ? GTK_ORIENTATION_VERTICAL : GTK_ORIENTATION_HORIZONTAL);
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self->second_row),
                                  compact ? GTK_ORIENTATION_VERTICAL : GTK_ORIENTATION_HORIZONTAL);
}

static void
app_price_view_iface_init (AppViewInterface *iface)
{
  iface->set_context = app_price_view_set_context;
  iface->get_figure = app_price_view_get_figure;
  iface->set_width_class = app_price_view_set_width_class;
}

/* ---- Object ---- */

static void
app_price_view_map (GtkWidget *widget)
{
  AppPriceView *self = APP_PRICE_VIEW (widget);

  GTK_WIDGET_CLASS (app_price_view_parent_class)->map (widget);
  if (self->stage == NULL)
    return;
  ask (self);
  update (self);
}

static void
app_price_view_dispose (GObject *object)
{
  AppPriceView *self = APP_PRICE_VIEW (object);
  GtkWidget *child;

  if (self->job != NULL)
    eng_job_cancel (self->job);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);
  g_clear_object (&self->job);
  g_clear_object (&self->prices);
  g_clear_pointer (&self->ranged, eng_prices_unref);
  g_clear_object (&self->selection);
  g_clear_object (&self->stage);
  G_OBJECT_CLASS (app_price_view_parent_class)->dispose (object);
}

static void
app_price_view_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SHOW_TABLE)
    g_value_set_boolean (value, APP_PRICE_VIEW (object)->show_table);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_price_view_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SHOW_TABLE)
    set_show_table (APP_PRICE_VIEW (object), g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_price_view_class_init (AppPriceViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = app_price_view_dispose;
  object_class->get_property = app_price_view_get_property;
  object_class->set_property = app_price_view_set_property;
  widget_class->map = app_price_view_map;
  props[PROP_SHOW_TABLE]
      = g_param_spec_boolean ("show-table", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);

  g_type_ensure (PLOT_TYPE_HEAT);
  g_type_ensure (APP_TYPE_JOB_BAR);
  gtk_widget_class_set_css_name (widget_class, "price-view");
  gtk_widget_class_set_template_from_resource (widget_class, APP_PATH "/ui/app-price-view.ui");
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, AppPriceView, name)
  BIND (kind_choice);
  BIND (budget);
  BIND (budget_label);
  BIND (exact);
  BIND (dependence);
  BIND (measure);
  BIND (second_row);
  BIND (buttons);
  BIND (summary);
  BIND (apply);
  BIND (notice);
  BIND (job_bar);
  BIND (stack);
  BIND (empty);
  BIND (heat);
  BIND (table_bin);
#undef BIND
  gtk_widget_class_bind_template_callback (widget_class, on_budget);
  gtk_widget_class_bind_template_callback (widget_class, on_measure);
  gtk_widget_class_bind_template_callback (widget_class, on_apply);
  gtk_widget_class_bind_template_callback (widget_class, on_row_selected);
}

static void
app_price_view_init (AppPriceView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
