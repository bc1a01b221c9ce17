/* Estimates on screen: a forecast laid out along the layer axis, and its words. Everything made
 * here is marked as an estimate by whoever shows it. */
#pragma once

#include "app-axis.h"
#include "eng-estimate.h"

G_BEGIN_DECLS

/* As app_axis_fill_latency(): what every layer, and every operator where it is open, is expected to
 * take, with the band; absent ones are NaN. @forecast nullable. */
void app_estimate_fill_latency (const AppAxis *axis, EngForecast *forecast, RtPhase phase,
                                double *value, double *low, double *high);
/* As app_axis_fill_memory(). */
void app_estimate_fill_memory (const AppAxis *axis, EngForecast *forecast, double *weights,
                               double *activations, double *kv);

/* "Estimate: 98 % from operators measured on this computer, 2 % from its roofs; ±9 %", or why there
 * is none. */
char *app_estimate_dup_caption (EngForecast *forecast, RtPhase phase);
/* "Σ ~1.92 ms": at a lane's end; NULL when it is not known. */
char *app_estimate_dup_total (EngForecast *forecast, RtPhase phase);
/* The item in words; NULL when nothing is expected of it. */
char *app_estimate_dup_detail (EngModel *model, const AppAxis *axis, guint item,
                               EngForecast *forecast, RtPhase phase);
/* "estimate −6 %": the same in short, for the end of a lane; NULL when there was none. */
char *app_estimate_dup_short_error (EngRun *run, RtPhase phase);
/* "estimate was 1.92 ms, 6 % too low" of a run; NULL when there was none. */
char *app_estimate_dup_error (EngRun *run, RtPhase phase);

G_END_DECLS
