/* The memory lane: weights, activations and, of a language model, the cache of every layer. Exact
 * once there is a build, an estimate of the techniques while it is being made. */
#include "app-lane.h"

#include "app-config.h"
#include "app-estimate.h"

#include <glib/gi18n.h>
#include <math.h>

enum
{
  SERIES_WEIGHTS,
  SERIES_ACTIVATIONS,
  SERIES_BASELINE,
  SERIES_KV, /* of language models only */
};

static gboolean
has_cache (const AppLane *lane)
{
  return app_stage_get_kind (lane->stage) == ENG_MODEL_LANGUAGE;
}

static guint
add (const AppLane *lane)
{
  guint number
      = plot_lanes_add_lane (lane->lanes, &(PlotLaneInfo){ .title = _ ("Memory"),
                                                           .unit = PLOT_UNIT_BYTES,
                                                           .flags = PLOT_LANE_LOWER_IS_BETTER });

  plot_lanes_add_series (lane->lanes, number,
                         &(PlotLaneSeriesInfo){
                             .name = _ ("weights"), .role = PLOT_ROLE_STACK, .color = 1 });
  plot_lanes_add_series (lane->lanes, number,
                         &(PlotLaneSeriesInfo){ .name = _ ("activations"),
                                                .role = PLOT_ROLE_STACK,
                                                .color = 2,
                                                .pattern = PLOT_PATTERN_HATCH });
  plot_lanes_add_series (lane->lanes, number,
                         &(PlotLaneSeriesInfo){ .name = _ ("baseline"),
                                                .role = PLOT_ROLE_BASELINE,
                                                .of = SERIES_WEIGHTS });
  if (has_cache (lane))
    plot_lanes_add_series (lane->lanes, number,
                           &(PlotLaneSeriesInfo){ .name = _ ("KV cache"),
                                                  .role = PLOT_ROLE_STACK,
                                                  .color = 3,
                                                  .pattern = PLOT_PATTERN_DOTS });
  return number;
}

static void
fill (const AppLane *lane)
{
  EngSession *session = app_stage_get_session (lane->stage);
  EngProfile *profile = app_stage_get_profile (lane->stage);
  EngBuild *build = eng_session_get_build (session);
  double *const *c = lane->columns;
  PlotState state = PLOT_STATE_MEASURED;

  if (profile != NULL)
    app_axis_fill_memory (lane->axis, profile, c[0], c[1], c[2]);
  else if (build != NULL)
    app_axis_fill_build_memory (lane->axis, build, c[0], c[1], c[2]);
  else if (app_stage_get_estimate (lane->stage) != NULL)
    {
      app_estimate_fill_memory (lane->axis, app_stage_get_estimate (lane->stage), c[0], c[1], c[2]);
      state = PLOT_STATE_ESTIMATE;
    }
  else
    {
      app_axis_fill_estimates (lane->axis, eng_session_get_model (session),
                               eng_session_get_recipe (session), c[0], c[2]);
      for (guint i = 0; i < app_axis_n_items (lane->axis); i++)
        c[1][i] = NAN;
      state = PLOT_STATE_ESTIMATE;
    }
  app_lane_set_values (lane, SERIES_WEIGHTS, c[0], NULL, NULL, state);
  app_lane_set_values (lane, SERIES_ACTIVATIONS, c[1], NULL, NULL, state);
  if (has_cache (lane))
    app_lane_set_values (lane, SERIES_KV, c[2], NULL, NULL, state);
}

static void
fill_baseline (const AppLane *lane)
{
  EngRun *baseline = app_stage_get_baseline (lane->stage);
  double *const *c = lane->columns;

  app_axis_fill_memory (lane->axis, baseline != NULL ? eng_run_get_profile (baseline) : NULL, c[0],
                        c[1], c[2]);
  for (guint i = 0; i < app_axis_n_items (lane->axis); i++)
    c[0][i] += c[1][i] + c[2][i];
  app_lane_set_values (lane, SERIES_BASELINE, c[0], NULL, NULL, PLOT_STATE_MEASURED);
}

static void
update_texts (const AppLane *lane)
{
  EngFigure memory = app_stage_get_figure (lane->stage, ENG_FIGURE_PEAK_MEMORY);
  g_autofree char *peak = memory.available ? eng_format_value (memory.value, memory.unit) : NULL;
  g_autofree char *text = peak != NULL ? g_strdup_printf (_ ("peak %s"), peak) : NULL;

  plot_lanes_set_lane_total (lane->lanes, lane->lane, text);
}

const AppLaneKind app_lane_memory = {
  .id = "memory",
  .add = add,
  .fill = fill,
  .fill_baseline = fill_baseline,
  .update_texts = update_texts,
};
