/* The price page of the stage. Prices come from app-prices.c, the choosing and its words from
 * the engine; applying is one change of the session's recipe, undone like any other. */
#include "app-price-view.h"

#include "app-breakpoint.h"
#include "app-config.h"
#include "app-figure-tile.h"
#include "app-job-bar.h"
#include "app-price-budget.h"
#include "app-prices.h"
#include "app-table.h"
#include "app-view.h"
#include "plot-heat.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

#define SCALE_STEPS 1000

struct _AppPriceView
{
  GtkWidget parent_instance;

  GtkDropDown *kind_choice;
  GtkRange *budget;
  GtkEntry *amount;
  GtkToggleButton *exact;
  GtkCheckButton *dependence;
  GtkWidget *measure, *measure_menu;
  GtkWidget *second_row, *buttons, *tiles;
  GtkWidget *tile[APP_N_BUDGETS]; /* AppFigureTile of what each kind bounds */
  GtkButton *apply;
  GtkLabel *notice, *reason;
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
  char *error;      /* of the last thing that was asked for; NULL: none */
  double typed;     /* the budget as it was typed; NAN: where the slider stands */
  gboolean touched; /* somebody chose a budget for this model */
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

static double
get_budget (AppPriceView *self)
{
  EngPrices *prices = app_prices_get (self->prices);

  if (prices == NULL || isfinite (self->typed))
    return prices == NULL ? NAN : self->typed;
  return app_price_budget_at (prices, get_kind (self),
                              gtk_range_get_value (self->budget) / SCALE_STEPS);
}

static void
set_error (AppPriceView *self, const char *error)
{
  g_free (self->error);
  self->error = g_strdup (error);
}

static void
set_budget (AppPriceView *self)
{
  gtk_widget_remove_css_class (GTK_WIDGET (self->amount), "error");
  set_error (self, NULL);
  if (app_prices_get (self->prices) != NULL)
    app_prices_set_budget (self->prices, get_kind (self), get_budget (self),
                           gtk_toggle_button_get_active (self->exact));
}

static void
on_slider (AppPriceView *self)
{
  if (self->filling)
    return;
  self->typed = NAN;
  self->touched = TRUE;
  set_budget (self);
}

static void
on_kind (AppPriceView *self)
{
  on_slider (self);
}

static void
on_exact (AppPriceView *self)
{
  if (!self->filling)
    set_budget (self);
}

static void show_notice (AppPriceView *self);

static void
on_amount (AppPriceView *self)
{
  EngPrices *prices = app_prices_get (self->prices);
  const char *text = gtk_editable_get_text (GTK_EDITABLE (self->amount));
  EngBudgetKind kind;
  double amount;

  if (prices == NULL)
    return;
  if (!app_price_budget_parse (prices, text, &kind, &amount))
    {
      g_autofree char *error = g_strdup_printf (
          _ ("“%s” is neither a size (60 MB), nor a time (2 ms), nor a loss (0.05 %s)."), text,
          eng_prices_get_loss_unit (prices));

      gtk_widget_add_css_class (GTK_WIDGET (self->amount), "error");
      set_error (self, error);
      show_notice (self);
      return;
    }
  self->filling = TRUE;
  gtk_drop_down_set_selected (self->kind_choice, kind);
  gtk_range_set_value (self->budget, SCALE_STEPS * app_price_budget_share (prices, kind, amount));
  self->filling = FALSE;
  self->typed = amount;
  self->touched = TRUE;
  set_budget (self);
}

/* ---- Filling ---- */

static PlotState
state_of (EngBasis basis)
{
  return basis == ENG_BASIS_TABLE ? PLOT_STATE_MEASURED : PLOT_STATE_ESTIMATE;
}

/* "0.0023", "7.3e-6": two digits in six characters. */
static char *
format_loss (double loss)
{
  gboolean small = loss != 0 && fabs (loss) < 0.000999;
  g_autofree char *text = g_strdup_printf (small ? "%.1e" : "%.2g", loss);
  g_auto (GStrv) parts = g_strsplit (text, "e-0", 2);

  return g_strjoinv ("e-", parts);
}

/* Of a precision that changes something the loss is known: then there is something to buy. */
static gboolean
has_losses (EngPrices *prices)
{
  for (guint r = 0; prices != NULL && r < eng_prices_get_n_layers (prices); r++)
    for (guint c = 0; c < eng_prices_get_n_choices (prices); c++)
      {
        const EngPrice *price = eng_prices_get (prices, r, c);
        if (!price->same && price->loss.available)
          return TRUE;
      }
  return FALSE;
}

static const EngPurchase *
get_purchase (AppPriceView *self)
{
  return has_losses (app_prices_get (self->prices)) ? app_prices_get_purchase (self->prices) : NULL;
}

/* What the pointer is told of a cell: its loss with the interval, time and where it is from,
 * bytes. */
static char *
dup_note (const EngPrice *price)
{
  g_autofree char *loss
      = price->same ? g_strdup (_ ("as it is in the file")) : eng_figure_format (&price->loss);
  g_autofree char *amount = eng_format_value (price->ns * 1e-9, "s");
  g_autofree char *time = isfinite (price->ns)
                              ? g_strdup_printf ("%s (%s)", amount, eng_basis_name (price->basis))
                              : g_strdup (_ ("never timed"));
  g_autofree char *bytes = eng_format_value (price->bytes, "B");

  return g_strdup_printf (_ ("loss %s · time %s · %s"), loss, time, bytes);
}

static void
fill_row (AppPriceView *self, EngPrices *prices, const EngPurchase *purchase, guint row)
{
  guint n = eng_prices_get_n_choices (prices);
  g_autofree PlotHeatCell *cells = g_new0 (PlotHeatCell, n);
  g_auto (GStrv) texts = g_new0 (char *, n + 1);
  g_auto (GStrv) notes = g_new0 (char *, n + 1);
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
      notes[c] = dup_note (price);
      cells[c] = (PlotHeatCell){ .value = price->loss.available ? price->loss.value : NAN,
                                 .text = texts[c],
                                 .bar = price->ns,
                                 .bar_state = state_of (price->basis),
                                 .chosen = purchase != NULL && purchase->choices[row] == c,
                                 .note = notes[c] };
    }
  plot_heat_add_row (self->heat, name, cells, reason);
}

static void
fill_heat (AppPriceView *self, EngPrices *prices)
{
  guint n = eng_prices_get_n_choices (prices);
  const EngPurchase *purchase = get_purchase (self);
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
fill_tiles (AppPriceView *self, EngPrices *prices)
{
  const EngPurchase *purchase = get_purchase (self);
  EngFigure file[APP_N_BUDGETS], bought[APP_N_BUDGETS];
  EngFigure *loss = &bought[ENG_BUDGET_LOSS];
  AppChange size, time;

  if (purchase == NULL)
    return;
  app_price_budget_sum (prices, NULL, file);
  app_price_budget_sum (prices, purchase->choices, bought);
  loss->value = purchase->loss;
  loss->n = loss->high > loss->low ? 1 : 0;
  size = app_change (&file[ENG_BUDGET_SIZE], &bought[ENG_BUDGET_SIZE], TRUE);
  time = app_change (&file[ENG_BUDGET_LATENCY], &bought[ENG_BUDGET_LATENCY], TRUE);
  app_figure_tile_set (APP_FIGURE_TILE (self->tile[ENG_BUDGET_SIZE]), &bought[ENG_BUDGET_SIZE],
                       &size);
  if (bought[ENG_BUDGET_LATENCY].available)
    app_figure_tile_set_estimate (APP_FIGURE_TILE (self->tile[ENG_BUDGET_LATENCY]),
                                  &bought[ENG_BUDGET_LATENCY], &time);
  else
    app_figure_tile_set (APP_FIGURE_TILE (self->tile[ENG_BUDGET_LATENCY]),
                         &bought[ENG_BUDGET_LATENCY], NULL);
  app_figure_tile_set_estimate (APP_FIGURE_TILE (self->tile[ENG_BUDGET_LOSS]), loss, NULL);
}

static void
fill_budget (AppPriceView *self, EngPrices *prices)
{
  g_autofree char *budget
      = app_price_budget_format (app_prices_get (self->prices), get_kind (self), get_budget (self));

  if (!gtk_widget_has_css_class (GTK_WIDGET (self->amount), "error"))
    gtk_editable_set_text (GTK_EDITABLE (self->amount), budget);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->budget), GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT,
                                  budget, -1);
}

static void
set_suggested (GtkWidget *button, gboolean suggested)
{
  if (suggested)
    gtk_widget_add_css_class (button, "suggested-action");
  else
    gtk_widget_remove_css_class (button, "suggested-action");
}

/* A button that would change nothing does not invite. */
static void
fill_apply (AppPriceView *self, EngPrices *prices)
{
  const EngPurchase *purchase = get_purchase (self);
  g_autoptr (EngRecipe) recipe
      = purchase != NULL ? eng_purchase_make_recipe (prices, purchase, NULL) : NULL;
  gboolean can = recipe != NULL && !app_prices_get_measuring (self->prices);
  gboolean same
      = recipe != NULL
        && eng_recipe_equal (recipe, eng_session_get_recipe (app_stage_get_session (self->stage)));

  gtk_widget_set_sensitive (GTK_WIDGET (self->apply), can && !same);
  gtk_widget_set_tooltip_text (
      GTK_WIDGET (self->apply),
      same ? _ ("The recipe has these precisions")
           : _ ("Set these precisions in the recipe: one change, which can be undone"));
  set_suggested (GTK_WIDGET (self->apply), app_prices_is_complete (self->prices));
}

/* What is wrong, or what is missing in what stands there. */
static void
show_notice (AppPriceView *self)
{
  EngPrices *prices = app_prices_get (self->prices);
  const EngPurchase *purchase = get_purchase (self);
  gboolean measuring = app_prices_get_measuring (self->prices);
  g_autoptr (GString) text = g_string_new (self->error);

  if (self->error == NULL && prices != NULL && !measuring)
    {
      guint n = eng_prices_get_n_untimed (prices);

      if (!has_losses (prices))
        g_string_append (text, _ ("Nothing is known yet. Measure tries every layer in every "
                                  "precision; then a budget buys the best mixture."));
      else if (!app_prices_is_complete (self->prices))
        g_string_append (
            text, _ ("Some losses or times were not measured yet; what is missing is not bought."));
      if (purchase != NULL && !purchase->is_feasible)
        g_string_append_printf (
            text, "%s%s", text->len > 0 ? " " : "",
            _ ("The budget is less than the cheapest mixture, which is shown."));
      if (purchase != NULL && isfinite (purchase->ns) && n > 0)
        {
          g_autofree char *untimed = g_strdup_printf (
              ngettext ("The time is without %u operator that was never timed.",
                        "The time is without %u operators that were never timed.", n),
              n);
          g_string_append_printf (text, "%s%s", text->len > 0 ? " " : "", untimed);
        }
    }
  gtk_label_set_label (self->notice, text->str);
  gtk_widget_set_visible (GTK_WIDGET (self->notice), text->len > 0);
  if (self->error != NULL)
    gtk_widget_add_css_class (GTK_WIDGET (self->notice), "error");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self->notice), "error");
}

/* Why the selected layer has its precision. */
static void
show_reason (AppPriceView *self)
{
  EngPrices *prices = app_prices_get (self->prices);
  const EngPurchase *purchase = get_purchase (self);
  int row = plot_heat_get_selected (self->heat);

  gtk_widget_set_visible (GTK_WIDGET (self->reason), purchase != NULL && !self->show_table);
  if (purchase == NULL)
    return;
  if (row < 0 || row >= (int)eng_prices_get_n_layers (prices))
    {
      gtk_label_set_label (self->reason, _ ("Select a layer to read why it has its precision."));
      return;
    }
  g_autofree char *name = eng_model_dup_layer_name (eng_prices_get_model (prices),
                                                    eng_prices_get_layer (prices, (guint)row));
  g_autofree char *why = eng_purchase_dup_reason (prices, purchase, (guint)row);
  g_autofree char *text = g_strdup_printf (_ ("%s · %s"), name, why);
  gtk_label_set_label (self->reason, text);
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

  gtk_widget_set_sensitive (self->measure, can);
  gtk_widget_set_sensitive (self->measure_menu, can);
  gtk_widget_set_visible (GTK_WIDGET (self->job_bar), measuring);
  show_notice (self);
  set_suggested (self->measure, !complete);
  set_suggested (self->measure_menu, !complete && can); /* an insensitive one is not dimmed */
}

static void
update (AppPriceView *self)
{
  EngPrices *prices = app_prices_get (self->prices);
  const char *why_not = app_prices_get_why_not (self->prices);

  gboolean can_buy = has_losses (prices);

  fill_measuring (self);
  gtk_widget_set_visible (GTK_WIDGET (self->apply), can_buy);
  gtk_widget_set_visible (GTK_WIDGET (self->exact), can_buy);
  gtk_widget_set_visible (self->tiles, can_buy);
  gtk_widget_set_hexpand (self->buttons, !can_buy); /* they stay at the end */
  gtk_widget_set_sensitive (GTK_WIDGET (self->kind_choice), can_buy);
  gtk_widget_set_sensitive (GTK_WIDGET (self->budget), can_buy);
  gtk_widget_set_sensitive (GTK_WIDGET (self->amount), can_buy);
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
      show_reason (self);
      return;
    }
  fill_heat (self, prices);
  fill_budget (self, prices);
  fill_tiles (self, prices);
  fill_apply (self, prices);
  fill_table (self);
  show_reason (self);
}

/* The list itself does not depend on the precisions that are set: only what is around them is
 * asked for. */
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

/* Where the slider begins: half of the way from the file's bytes to the least there can be. In
 * the middle of all precisions a file of few bits would have more than it is. */
static void
begin (AppPriceView *self, EngPrices *prices)
{
  EngFigure file[APP_N_BUDGETS];
  double least, most;

  app_price_budget_sum (prices, NULL, file);
  eng_prices_get_range (prices, ENG_BUDGET_SIZE, &least, &most);
  self->typed = NAN; /* was meant for another */
  self->filling = TRUE;
  gtk_drop_down_set_selected (self->kind_choice, ENG_BUDGET_SIZE);
  gtk_range_set_value (self->budget,
                       SCALE_STEPS
                           * app_price_budget_share (prices, ENG_BUDGET_SIZE,
                                                     (least
                                                      + MIN (most, file[ENG_BUDGET_SIZE].value))
                                                         / 2));
  self->filling = FALSE;
}

/* Other prices have other ends: the slider's place becomes another budget. */
static void
follow_range (AppPriceView *self, EngPrices *prices)
{
  /* While prices come in, their ends move: nobody chose what stands there. */
  if (self->ranged == NULL || eng_prices_get_model (self->ranged) != eng_prices_get_model (prices))
    self->touched = FALSE;
  g_clear_pointer (&self->ranged, eng_prices_unref);
  self->ranged = eng_prices_ref (prices);
  if (!self->touched)
    begin (self, prices);
  else if (isfinite (self->typed))
    {
      self->filling = TRUE;
      gtk_range_set_value (self->budget,
                           SCALE_STEPS
                               * app_price_budget_share (prices, get_kind (self), self->typed));
      self->filling = FALSE;
    }
  app_prices_set_budget (self->prices, get_kind (self), get_budget (self),
                         gtk_toggle_button_get_active (self->exact));
}

static void
on_prices_changed (AppPriceView *self)
{
  EngPrices *prices = app_prices_get (self->prices);

  if (prices != NULL && prices != self->ranged)
    {
      follow_range (self, prices);
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
    set_error (self, error->message);
  ask (self);
  update (self);
  app_stage_refresh (self->stage);
  g_object_unref (self);
}

static void
on_measure (AppPriceView *self)
{
  if (app_prices_get_measuring (self->prices))
    return;
  set_error (self, NULL);
  g_clear_object (&self->job);
  self->job = eng_job_new (_ ("Price list"));
  app_job_bar_set_job (self->job_bar, self->job);
  eng_session_set_busy (app_stage_get_session (self->stage), TRUE);
  app_prices_measure (self->prices, gtk_check_button_get_active (self->dependence), self->job,
                      on_measured, g_object_ref (self));
}

static void
on_apply (AppPriceView *self)
{
  EngPrices *prices = app_prices_get (self->prices);
  const EngPurchase *purchase = get_purchase (self);
  g_autoptr (GError) error = NULL;

  if (prices == NULL || purchase == NULL)
    return;
  g_autoptr (EngRecipe) recipe = eng_purchase_make_recipe (prices, purchase, &error);
  if (recipe == NULL)
    {
      set_error (self, error->message);
      show_notice (self);
      return;
    }
  eng_session_set_recipe (app_stage_get_session (self->stage), recipe);
  fill_apply (self, prices);
  /* Where the recipe's pane is folded away nothing else would say it. */
  gtk_widget_activate_action (GTK_WIDGET (self), "win.toast", "s",
                              _ ("The recipe has these precisions now. Undo takes them back."));
}

static void
on_row_selected (AppPriceView *self)
{
  EngPrices *prices = app_prices_get (self->prices);
  int row = plot_heat_get_selected (self->heat);

  if (!self->filling && prices != NULL && row >= 0)
    app_selection_set_layer (self->selection, eng_prices_get_layer (prices, (guint)row));
  if (!self->filling)
    show_reason (self);
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
  plot_heat_reveal (self->heat, row);
  self->filling = FALSE;
  show_reason (self);
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

  gtk_orientable_set_orientation (GTK_ORIENTABLE (self->second_row),
                                  compact ? GTK_ORIENTATION_VERTICAL : GTK_ORIENTATION_HORIZONTAL);
  for (guint i = 0; i < APP_N_BUDGETS; i++)
    app_figure_tile_set_compact (APP_FIGURE_TILE (self->tile[i]), compact);
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
  g_clear_pointer (&self->error, g_free);
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
  BIND (amount);
  BIND (exact);
  BIND (dependence);
  BIND (measure);
  BIND (measure_menu);
  BIND (second_row);
  BIND (buttons);
  BIND (tiles);
  BIND (apply);
  BIND (notice);
  BIND (reason);
  BIND (job_bar);
  BIND (stack);
  BIND (empty);
  BIND (heat);
  BIND (table_bin);
#undef BIND
  gtk_widget_class_bind_template_callback (widget_class, on_amount);
  gtk_widget_class_bind_template_callback (widget_class, on_exact);
  gtk_widget_class_bind_template_callback (widget_class, on_kind);
  gtk_widget_class_bind_template_callback (widget_class, on_slider);
  gtk_widget_class_bind_template_callback (widget_class, on_measure);
  gtk_widget_class_bind_template_callback (widget_class, on_apply);
  gtk_widget_class_bind_template_callback (widget_class, on_row_selected);
}

static void
app_price_view_init (AppPriceView *self)
{
  static const char *const titles[APP_N_BUDGETS] = { N_ ("Weights"), N_ ("Step"), N_ ("Loss") };
  static const char *const tips[APP_N_BUDGETS]
      = { N_ ("Bytes of all weights with the mixture that the budget buys, beside those as in the "
              "file"),
          N_ ("Time of a decode step or an inference: the sum of its operators, beside that as in "
              "the file"),
          N_ ("The sum of what the layers lose one by one; its interval goes from the sum of the "
              "layers' lower ends to that of their upper ends") };

  self->typed = NAN;
  gtk_widget_init_template (GTK_WIDGET (self));
  for (guint i = 0; i < APP_N_BUDGETS; i++)
    {
      self->tile[i] = app_figure_tile_new (_ (titles[i]));
      app_figure_tile_set_what (APP_FIGURE_TILE (self->tile[i]), _ (titles[i]), _ (tips[i]));
      app_figure_tile_set_against (APP_FIGURE_TILE (self->tile[i]), _ ("the file"));
      gtk_box_append (GTK_BOX (self->tiles), self->tile[i]);
    }
}
