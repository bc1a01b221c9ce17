/* The list of lanes, and what their files share. */
#include "app-lane.h"

#include "app-config.h"

#include <glib/gi18n.h>

static const AppLaneKind *const kinds[] = {
  &app_lane_latency,     &app_lane_memory,      &app_lane_energy,
  &app_lane_sensitivity, &app_lane_local_error, &app_lane_accumulated_error,
  NULL,
};

static const RtPhase language_phases[] = { RT_PHASE_DECODE, RT_PHASE_PREFILL };
static const char *const language_titles[] = { N_ ("Decode"), N_ ("Prefill") };
static const RtPhase network_phases[] = { RT_PHASE_INFERENCE };
static const char *const network_titles[] = { N_ ("Inference") };

const AppLaneKind *const *
app_lane_kinds (void)
{
  return kinds;
}

guint
app_lane_phases (EngModelKind kind, const RtPhase **phases, const char *const **titles)
{
  gboolean network = kind == ENG_MODEL_NETWORK;

  *phases = network ? network_phases : language_phases;
  *titles = network ? network_titles : language_titles;
  return network ? G_N_ELEMENTS (network_phases) : G_N_ELEMENTS (language_phases);
}

void
app_lane_set_values (const AppLane *lane, guint series, const double *value, const double *low,
                     const double *high, PlotState state)
{
  guint n = app_axis_n_items (lane->axis);
  g_autofree guint8 *states = g_malloc (n);

  memset (states, (int)state, n);
  plot_lanes_set_values (lane->lanes, lane->lane, series, 0, n, value, low, high, states);
}

const char *
app_lane_note (const AppLane *lane)
{
  EngModel *model = eng_session_get_model (app_stage_get_session (lane->stage));

  if (model != NULL && eng_model_get_report (model)[0] != NULL)
    return _ ("Not measured: parts of this network are not supported");
  return app_stage_get_running (lane->stage) ? _ ("Measuring…") : _ ("Not measured yet: press Run");
}
