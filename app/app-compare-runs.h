/* The runs of a comparison as a row of chips, with a way to add, remove and reorder them. */
#pragma once

#include <gtk/gtk.h>

#include "app-stage.h"
#include "eng-compare.h"

G_BEGIN_DECLS

#define APP_TYPE_COMPARE_RUNS (app_compare_runs_get_type ())
G_DECLARE_FINAL_TYPE (AppCompareRuns, app_compare_runs, APP, COMPARE_RUNS, GtkWidget)

/* Signal "changed": other runs are chosen. At first the baseline and the run shown are, and they
 * follow the stage. */

void app_compare_runs_set_context (AppCompareRuns *self, AppStage *stage, EngHistory *history);

/* Of EngRun, the first being what the others are compared with; a new array. Empty, or one, while
 * there are no more. */
GPtrArray *app_compare_runs_dup (AppCompareRuns *self);
/* Choose these. @n 0: follow the stage again. */
void app_compare_runs_set (AppCompareRuns *self, EngRun *const *runs, guint n);
/* Chips as they stand, with the names of @comparison (nullable: it is made of them). */
void app_compare_runs_update (AppCompareRuns *self, EngComparison *comparison);

G_END_DECLS
