/* The latency lane: the median of every layer with its 5 to 95 % range, one lane for each phase;
 * before a run what is expected of them, with the band of the estimate. */
#include "app-lane.h"

#include "app-config.h"
#include "app-estimate.h"
#include "app-lanes-text.h"

#include <glib/gi18n.h>

enum
{
  SERIES_MEASURED,
  SERIES_BASELINE,
};

static guint
add (const AppLane *lane)
{
  g_autofree char *title = lane->phase_title != NULL
                               /* Translators: the phase, as in "Decode latency" */
                               ? g_strdup_printf (_ ("%s latency"), _ (lane->phase_title))
                               : g_strdup (_ ("Latency"));
  guint number
      = plot_lanes_add_lane (lane->lanes, &(PlotLaneInfo){ .title = title,
                                                           .unit = PLOT_UNIT_NS,
                                                           .flags = PLOT_LANE_LOWER_IS_BETTER,
                                                           .total = PLOT_TOTAL_SUM,
                                                           .height = 1.3 });

  plot_lanes_add_series (lane->lanes, number,
                         &(PlotLaneSeriesInfo){
                             .name = _ ("median"), .role = PLOT_ROLE_BAR, .color = 0 });
  plot_lanes_add_series (lane->lanes, number,
                         &(PlotLaneSeriesInfo){ .name = _ ("baseline"),
                                                .role = PLOT_ROLE_BASELINE,
                                                .of = SERIES_MEASURED });
  return number;
}

static void
fill (const AppLane *lane)
{
  EngForecast *estimate = app_stage_get_estimate (lane->stage);
  double *const *c = lane->columns;

  if (estimate != NULL)
    {
      app_estimate_fill_latency (lane->axis, estimate, lane->phase, c[0], c[1], c[2]);
      app_lane_set_values (lane, SERIES_MEASURED, c[0], c[1], c[2], PLOT_STATE_ESTIMATE);
      return;
    }
  app_axis_fill_latency (lane->axis, app_stage_get_profile (lane->stage), lane->phase, c[0], c[1],
                         c[2]);
  app_lane_set_values (lane, SERIES_MEASURED, c[0], c[1], c[2], PLOT_STATE_MEASURED);
}

static void
fill_baseline (const AppLane *lane)
{
  EngRun *baseline = app_stage_get_baseline (lane->stage);
  double *const *c = lane->columns;

  app_axis_fill_latency (lane->axis, baseline != NULL ? eng_run_get_profile (baseline) : NULL,
                         lane->phase, c[0], c[1], c[2]);
  app_lane_set_values (lane, SERIES_BASELINE, c[0], NULL, NULL, PLOT_STATE_MEASURED);
}

static void
update_texts (const AppLane *lane)
{
  EngForecast *estimate = app_stage_get_estimate (lane->stage);
  g_autofree char *error
      = app_estimate_dup_short_error (app_stage_get_run (lane->stage), lane->phase);
  g_autofree char *sum
      = estimate != NULL
            ? app_estimate_dup_total (estimate, lane->phase)
            : app_lanes_text_dup_total (app_stage_get_profile (lane->stage), lane->phase);
  g_autofree char *total = sum != NULL && error != NULL ? g_strdup_printf ("%s · %s", sum, error)
                                                        : g_strdup (sum);

  plot_lanes_set_lane_note (lane->lanes, lane->lane, app_lane_note (lane));
  plot_lanes_set_lane_total (lane->lanes, lane->lane, total);
}

const AppLaneKind app_lane_latency = {
  .id = "latency",
  .per_phase = TRUE,
  .add = add,
  .fill = fill,
  .fill_live = fill,
  .fill_baseline = fill_baseline,
  .update_texts = update_texts,
};
