/* What the views of a window show now: the session's run and live profile, or a run reopened from
 * the history; and the baseline behind it. */
#pragma once

#include "app-accuracy.h"
#include "app-layer-errors.h"
#include "eng-estimate.h"
#include "eng-session.h"

G_BEGIN_DECLS

#define APP_TYPE_STAGE (app_stage_get_type ())
G_DECLARE_FINAL_TYPE (AppStage, app_stage, APP, STAGE, GObject)

/* Signals: "changed" (what is shown is another run, model, build, baseline, or a run began or
 * ended), "live" (new numbers of the run in progress, at most APP_STAGE_LIVE_HZ times a second:
 * drawing must not take the cores that are being measured). */
#define APP_STAGE_LIVE_HZ 8

/* @history nullable: no accuracies are known */
AppStage *app_stage_new (EngSession *session, EngHistory *history);
EngSession *app_stage_get_session (AppStage *self);
EngModelKind app_stage_get_kind (AppStage *self); /* of the model; LANGUAGE while there is none */

/* Show @run of the history until the recipe changes, something is run, or another model is opened.
 * NULL: back to the session's own. */
void app_stage_show_run (AppStage *self, EngRun *run);
gboolean app_stage_is_reopened (AppStage *self);

EngRun *
app_stage_get_run (AppStage *self); /* borrowed; NULL while running and when nothing was measured */
EngProfile *app_stage_get_profile (AppStage *self); /* borrowed; NULL when nothing was measured */
EngRun *app_stage_get_baseline (
    AppStage *self); /* borrowed; NULL when there is none, or it is the very run shown */
gboolean app_stage_get_running (AppStage *self);

/* Borrowed; what stands in for measured numbers: of the current recipe when nothing was measured of
 * it and nothing is being measured; NULL otherwise. "changed" when it comes. */
EngForecast *app_stage_get_estimate (AppStage *self);

/* What the accuracies of the recipe that is shown are found by: of the run's, or, before any, the
 * session's; NULL: no model. */
char *app_stage_dup_accuracy_key (AppStage *self);
/* What is known of accuracies; borrowed, never NULL. */
AppAccuracy *app_stage_get_accuracy (AppStage *self);
/* Accuracy per layer of the recipe that is shown; borrowed, never NULL. */
AppLayerErrors *app_stage_get_layer_errors (AppStage *self);
/* Something that the views show was learned elsewhere (an evaluation): "changed". */
void app_stage_refresh (AppStage *self);

/* A headline number: of the run shown; while running, as far as it is known by now; before any run,
 * what the build itself tells. */
EngFigure app_stage_get_figure (AppStage *self, EngFigureId id);

G_END_DECLS
