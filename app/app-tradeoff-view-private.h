/* What the files of the trade-off view share: the view itself (app-tradeoff-view.c), the limits
 * that are typed (app-tradeoff-limits.c), the point that is selected (app-tradeoff-details.c). */
#pragma once

#include "app-stage.h"
#include "app-tradeoff-view.h"
#include "eng-tradeoff.h"
#include "plots.h"

G_BEGIN_DECLS

#define N_LIMITS 3 /* of x, of y, and any other */

struct _AppTradeoffView
{
  GtkWidget parent_instance;

  GtkDropDown *x_choice, *y_choice, *workload_choice, *set_choice;
  GtkWidget *limits_box, *x_limit_name, *y_limit_name, *x_limit, *y_limit, *other_limit;
  GtkWidget *against, *fit;
  GtkWidget *other_files, *set_box, *workload_box;
  GtkWidget *problem, *sentence, *caveat;
  GtkWidget *missing_button, *missing_list;
  GtkWidget *stack, *empty_page, *pages, *table_bin;
  PlotChart *chart;
  GtkWidget *details, *details_title, *details_note, *details_bin, *apply, *show_run;

  AppStage *stage;
  EngHistory *history;
  EngTradeoffRuns *runs;
  EngTradeoff *tradeoff; /* NULL: nothing is shown yet */
  char *model_hash;      /* NULL: not known yet */
  EngRunModel model;
  GCancellable *cancellable;
  GArray *ids; /* EngFigureId of the choices */
  EngLimit limits[N_LIMITS];
  gboolean has_limit[N_LIMITS];
  char *selected; /* run id of the selected point; NULL: none */
  guint typing_id;
  EngModelKind kind;
  gboolean filling, stale, runs_stale, show_table;
};

static inline EngSession *
app_tradeoff_view_get_session (AppTradeoffView *self)
{
  return app_stage_get_session (self->stage);
}

EngFigureId app_tradeoff_view_get_axis (AppTradeoffView *self, GtkDropDown *choice);

/* What stands in the entries becomes limits; what cannot be read is marked and said. */
void app_tradeoff_view_read_limits (AppTradeoffView *self);
void app_tradeoff_view_name_limits (AppTradeoffView *self); /* after the axes of what is shown */

const char *app_tradeoff_view_get_baseline_hash (AppTradeoffView *self);
const char *app_tradeoff_view_get_current_hash (AppTradeoffView *self);
void app_tradeoff_view_update_details (AppTradeoffView *self);
void app_tradeoff_view_select_in_chart (AppTradeoffView *self);
/* Handlers of the template. */
void app_tradeoff_view_on_point_selected (AppTradeoffView *self, PlotLayer *layer, guint64 index);
void app_tradeoff_view_on_apply (AppTradeoffView *self);
void app_tradeoff_view_on_show_run (AppTradeoffView *self);

G_END_DECLS
