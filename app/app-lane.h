/* The table of lanes: every quantity that the lanes view shows along the layers is one file that
 * fills one row. Adding one: one file app-lane-<what>.c, one line in app-lane.c. The view
 * (app-lanes-view.c) owns the plot, the axis and the selection, and knows nothing of what a lane
 * shows. */
#pragma once

#include "app-axis.h"
#include "app-stage.h"

G_BEGIN_DECLS

#define APP_LANE_COLUMNS 6

/* One lane in the plot, as its functions see it. All borrowed. */
typedef struct
{
  AppStage *stage;
  const AppAxis *axis; /* never NULL in fill() and fill_baseline() */
  PlotLanes *lanes;
  guint lane;    /* its number in @lanes */
  RtPhase phase; /* of a lane per phase, the one it stands for; of others the phase that is
                  * selected */
  const char *phase_title; /* "Decode"; NULL where the kind of model has one phase only, and for
                            * lanes that stand for all */
  double *columns[APP_LANE_COLUMNS]; /* scratch, [n_items] each; contents are lost between calls */
} AppLane;

typedef struct
{
  const char *id;     /* "latency" */
  gboolean per_phase; /* one lane for each phase of the kind of model, of which the selected one is
                       * visible */

  /* Add the lane with all its series (plot_lanes_add_lane()); returns its number. The stage knows
   * the kind of model. */
  guint (*add) (const AppLane *lane);
  /* Values of what the stage shows. Called when that changes. */
  void (*fill) (const AppLane *lane);
  /* The same for new numbers of a run in progress, at most APP_STAGE_LIVE_HZ times a second. NULL:
   * a run changes nothing here. */
  void (*fill_live) (const AppLane *lane);
  /* Values of the pinned baseline, absent ones where there is none. May be NULL. */
  void (*fill_baseline) (const AppLane *lane);
  /* Where its values come from, when that is not the stage alone: an object whose signal "changed"
   * says that there are others; the lane is filled again then. Borrowed from @stage. May be
   * NULL. */
  GObject *(*source) (AppStage *stage);
  /* More words on @item for the line under the lanes; newly allocated, NULL: none. May be NULL. */
  char *(*dup_detail) (const AppLane *lane, guint item);
  /* What chooses or measures what it shows, for the bar over the lanes. May be NULL. */
  GtkWidget *(*make_control) (AppStage *stage);
  /* Its note while it is empty, and the figure at its right end. Called after each of the above;
   * @axis may be NULL. */
  void (*update_texts) (const AppLane *lane);
} AppLaneKind;

/* In the order in which they stand, from top to bottom; NULL-terminated. */
const AppLaneKind *const *app_lane_kinds (void);

/* Phases of a kind of model, the first being the one shown first; *@titles are their names for
 * people, not translated yet. */
guint app_lane_phases (EngModelKind kind, const RtPhase **phases, const char *const **titles);

extern const AppLaneKind app_lane_latency;
extern const AppLaneKind app_lane_memory;
extern const AppLaneKind app_lane_energy;
/* one is visible */
extern const AppLaneKind app_lane_sensitivity, app_lane_local_error, app_lane_accumulated_error;

/* All items of one series, all in one state. */
void app_lane_set_values (const AppLane *lane, guint series, const double *value, const double *low,
                          const double *high, PlotState state);
/* "Not measured yet: press Run", or why this model cannot be run. */
const char *app_lane_note (const AppLane *lane);

G_END_DECLS
