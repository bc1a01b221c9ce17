/* The energy lane: joules of every layer, per token or inference, one lane for each phase and one
 * grade at a time: attributed where the run shown was measured by a sensor, modelled otherwise. The
 * lane's title and the form of its bars say which; a baseline of the other grade is not drawn
 * behind. */
#include "app-lane.h"

#include "app-config.h"
#include "eng-energy.h"

#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

enum
{
  SERIES_ENERGY,
  SERIES_BASELINE,
};

/* What the lane shows. */
typedef struct
{
  EngProfile *profile; /* whose nodes the values are of; NULL: nothing is shown */
  EngEnergyGrade grade;
  const double *layers_j, *nodes_j;
  double total_j;
  EngEnergyParts parts;  /* of modelled energy */
  EngEnergyModelled own; /* where it was worked out here */
  EngFigure measured;    /* what attributed values are parts of */
} Shown;

/* ---- What there is to show ---- */

/* The costs of a build that was not run, worked out once for each. */
static EngProfile *
costs_of_build (EngBuild *build)
{
  EngProfile *profile = g_object_get_data (G_OBJECT (build), "lathe-energy-profile");

  if (profile == NULL)
    {
      profile = eng_energy_build_profile (build, 0);
      g_object_set_data_full (G_OBJECT (build), "lathe-energy-profile", profile,
                              (GDestroyNotify)eng_profile_unref);
    }
  return profile;
}

static void
model_build (Shown *shown, EngBuild *build, RtPhase phase)
{
  static EngMachine *machine; /* what it is does not change */
  EngEnergyModel model;

  if (machine == NULL)
    machine = eng_machine_new ();
  eng_energy_model_init (&model, eng_build_get_isa (build), eng_build_get_n_threads (build),
                         machine);
  eng_energy_model_phase (&model, costs_of_build (build), phase, &shown->own);
  if (shown->own.reason != NULL)
    return;
  shown->profile = costs_of_build (build);
  shown->layers_j = shown->own.layers_j;
  shown->nodes_j = shown->own.nodes_j;
  shown->parts = shown->own.total;
  shown->total_j = eng_energy_parts_sum (&shown->own.total);
}

static gboolean
take_attributed (Shown *shown, EngRun *run, RtPhase phase)
{
  EngEnergy *energy = eng_run_get_energy (run);
  const EngPhaseEnergy *data = energy != NULL ? eng_energy_get_phase (energy, phase) : NULL;

  if (data == NULL || data->attributed.reason != NULL)
    return FALSE;
  shown->profile = eng_run_get_profile (run);
  shown->grade = ENG_ENERGY_ATTRIBUTED;
  shown->layers_j = data->attributed.layers_j;
  shown->nodes_j = data->attributed.nodes_j;
  shown->total_j = data->attributed.total_j;
  shown->measured = data->measured.joules;
  return TRUE;
}

static gboolean
take_modelled (Shown *shown, EngRun *run, RtPhase phase)
{
  EngEnergy *energy = eng_run_get_energy (run);
  const EngPhaseEnergy *data = energy != NULL ? eng_energy_get_phase (energy, phase) : NULL;

  if (data == NULL || data->modelled.reason != NULL)
    return FALSE;
  shown->profile = eng_run_get_profile (run);
  shown->layers_j = data->modelled.layers_j;
  shown->nodes_j = data->modelled.nodes_j;
  shown->parts = data->modelled.total;
  shown->total_j = eng_energy_parts_sum (&data->modelled.total);
  return TRUE;
}

/* Free with shown_clear(). */
static void
find_shown (const AppLane *lane, Shown *shown)
{
  EngSession *session = app_stage_get_session (lane->stage);
  EngRun *run = app_stage_get_run (lane->stage);
  EngBuild *build = eng_session_get_build (session);

  *shown = (Shown){ .grade = ENG_ENERGY_MODELLED };
  if (run != NULL
      && (take_attributed (shown, run, lane->phase) || take_modelled (shown, run, lane->phase)))
    return;
  if (run == NULL && build != NULL && eng_session_get_device (session) == NULL)
    model_build (shown, build, lane->phase);
}

static void
shown_clear (Shown *shown)
{
  eng_energy_modelled_clear (&shown->own);
}

/* ---- The lane ---- */

static const char *
find_title (EngEnergyGrade grade)
{
  return grade == ENG_ENERGY_ATTRIBUTED ? _ ("Attributed energy") : _ ("Modelled energy");
}

static guint
add (const AppLane *lane)
{
  guint number = plot_lanes_add_lane (lane->lanes,
                                      &(PlotLaneInfo){ .title = find_title (ENG_ENERGY_MODELLED),
                                                       .unit = PLOT_UNIT_JOULES,
                                                       .flags = PLOT_LANE_LOWER_IS_BETTER });

  plot_lanes_add_series (lane->lanes, number,
                         &(PlotLaneSeriesInfo){
                             .name = _ ("energy"), .role = PLOT_ROLE_BAR, .color = 6 });
  plot_lanes_add_series (lane->lanes, number,
                         &(PlotLaneSeriesInfo){ .name = _ ("baseline"),
                                                .role = PLOT_ROLE_BASELINE,
                                                .of = SERIES_ENERGY });
  return number;
}

static void
fill (const AppLane *lane)
{
  Shown shown;

  find_shown (lane, &shown);
  app_axis_fill_values (lane->axis, shown.profile, shown.layers_j, shown.nodes_j, lane->columns[0]);
  app_lane_set_values (lane, SERIES_ENERGY, lane->columns[0], NULL, NULL,
                       shown.grade == ENG_ENERGY_ATTRIBUTED ? PLOT_STATE_ATTRIBUTED
                                                            : PLOT_STATE_MODELLED);
  shown_clear (&shown);
}

static void
fill_baseline (const AppLane *lane)
{
  EngRun *baseline = app_stage_get_baseline (lane->stage);
  Shown shown, behind = { .grade = ENG_ENERGY_MODELLED };

  find_shown (lane, &shown);
  if (baseline != NULL && shown.grade == ENG_ENERGY_ATTRIBUTED)
    take_attributed (&behind, baseline, lane->phase);
  else if (baseline != NULL)
    take_modelled (&behind, baseline, lane->phase);
  app_axis_fill_values (lane->axis, behind.profile, behind.layers_j, behind.nodes_j,
                        lane->columns[0]);
  app_lane_set_values (lane, SERIES_BASELINE, lane->columns[0], NULL, NULL, PLOT_STATE_MEASURED);
  shown_clear (&shown);
}

/* "Σ 15.8 mJ a token · main memory 96 %": where most of it goes, which only a model knows. */
static char *
dup_total (const AppLane *lane, const Shown *shown)
{
  g_autofree char *joules = eng_format_value (shown->total_j, "J");
  gboolean inference = lane->phase == RT_PHASE_INFERENCE;

  if (shown->profile == NULL)
    return NULL;
  if (shown->grade == ENG_ENERGY_ATTRIBUTED)
    return g_strdup_printf (inference ? _ ("Σ %s an inference, measured")
                                      : _ ("Σ %s a token, measured"),
                            joules);
  g_autofree char *parts = eng_energy_parts_describe (&shown->parts);
  parts[strcspn (parts, ",")] = '\0';
  return g_strdup_printf (inference ? _ ("Σ %s an inference · %s") : _ ("Σ %s a token · %s"),
                          joules, parts);
}

/* Why the run has none. */
static char *
dup_reason (EngRun *run, RtPhase phase)
{
  EngEnergy *energy = eng_run_get_energy (run);
  const EngPhaseEnergy *data = energy != NULL ? eng_energy_get_phase (energy, phase) : NULL;

  if (energy == NULL)
    return g_strdup (_ ("This run is of a version that kept no energy"));
  return g_strdup_printf (_ ("Not modelled: %s"), data != NULL && data->modelled.reason != NULL
                                                      ? data->modelled.reason
                                                      : _ ("this phase was not run"));
}

static char *
dup_note (const AppLane *lane)
{
  EngSession *session = app_stage_get_session (lane->stage);
  EngRun *run = app_stage_get_run (lane->stage);
  EngModel *model = eng_session_get_model (session);

  if (model != NULL && eng_model_get_report (model)[0] != NULL)
    return g_strdup (_ ("No energy: parts of this network are not supported"));
  if (run != NULL)
    return dup_reason (run, lane->phase);
  return g_strdup (eng_session_get_device (session) != NULL
                       ? _ ("Known once it was measured on the board")
                       : _ ("Modelled once there is a build"));
}

static void
update_texts (const AppLane *lane)
{
  Shown shown;

  find_shown (lane, &shown);
  g_autofree char *total = dup_total (lane, &shown);
  g_autofree char *note = dup_note (lane);

  plot_lanes_set_lane_title (lane->lanes, lane->lane, find_title (shown.grade));
  plot_lanes_set_lane_total (lane->lanes, lane->lane, total);
  plot_lanes_set_lane_note (lane->lanes, lane->lane, note);
  shown_clear (&shown);
}

const AppLaneKind app_lane_energy = {
  .id = "energy",
  .per_phase = TRUE,
  .add = add,
  .fill = fill,
  .fill_baseline = fill_baseline,
  .update_texts = update_texts,
};
