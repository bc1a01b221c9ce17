#pragma once

#include "plot-lanes.h"
#include "plot-ticks.h"

G_BEGIN_DECLS

/* The data of PlotLanes without any widget: items, lanes, series, and what can be computed from
 * them. */

typedef struct
{
  char *name, *label, *group;
  int parent;       /* -1: first level */
  guint depth;      /* 0: first level */
  guint place;      /* among its siblings */
  guint n_children; /* direct ones */
  guint n_below;    /* all descendants: they are the next n_below items */
  gboolean expanded;
  double open; /* 0 closed .. 1 open: @expanded with its animation */
} PlotLaneItem;

typedef struct
{
  PlotLaneSeriesInfo info;
  char *name;              /* info.name points here */
  double *value, *lo, *hi; /* [n_items], NaN: absent, no interval */
  guint8 *state;           /* [n_items] PlotState */
} PlotLaneSeries;

typedef struct
{
  char *title;
  PlotUnit unit;
  PlotLaneFlags flags;
  char *interval;
  PlotTotal total;
  double height; /* weight */
  gboolean visible;
  char *note, *total_text;
  double limit; /* the range ends there at the latest; INFINITY: no limit */
  GPtrArray *series;  /* PlotLaneSeries */
  guint64 generation; /* goes up with every change of what is drawn */

  double y_min, y_max;           /* range drawn now */
  double target_min, target_max; /* where it moves to */
  gint64 small_since_us;         /* since when the range could shrink; 0: not */
} PlotLane;

typedef struct
{
  PlotLaneItem *items;
  guint n_items;
  GHashTable *by_name; /* name -> index */
  GPtrArray *lanes;    /* PlotLane */
  guint64 items_generation;
  gboolean show_baseline;
  char *baseline_name;
} PlotLanesModel;

PlotLanesModel *plot_lanes_model_new (void);
void plot_lanes_model_free (PlotLanesModel *self);

void plot_lanes_model_set_items (PlotLanesModel *self, const PlotItem *items, guint n_items);
guint plot_lanes_model_add_lane (PlotLanesModel *self, const PlotLaneInfo *info);
guint plot_lanes_model_add_series (PlotLanesModel *self, guint lane,
                                   const PlotLaneSeriesInfo *info);
void plot_lanes_model_set_values (PlotLanesModel *self, guint lane, guint series, guint first,
                                  guint n, const double *value, const double *lo, const double *hi,
                                  const guint8 *state);
void plot_lanes_model_clear_values (PlotLanesModel *self, guint lane, guint series);
void plot_lanes_model_pin_baseline (PlotLanesModel *self, const char *name);

PlotLane *plot_lanes_model_lane (PlotLanesModel *self, guint lane);
PlotLaneSeries *plot_lane_get_series (const PlotLane *lane, guint series);
guint plot_lane_count_role (const PlotLane *lane, PlotRole role);
/** The baseline that stands behind @series, or NULL. For a stack: the one behind any of its parts.
 */
PlotLaneSeries *plot_lane_find_baseline (const PlotLane *lane, guint series);
/** Sum of the stack parts of @item; NaN if none is present. */
double plot_lane_stack_value (const PlotLane *lane, guint item);
/** TRUE if no series (baselines aside) has a value for any item. */
gboolean plot_lane_is_empty (const PlotLane *lane, guint n_items);
/** Extremes over everything drawn for @item; widens *lo..*hi and *min_positive. */
void plot_lane_item_extent (const PlotLane *lane, guint item, gboolean with_baseline, double *lo,
                            double *hi, double *min_positive);
/** How high the range of the lane may reach for intervals alone: the bar, stack or baseline of
 * @item times 1.6. One bad outlier must not make all bars flat; an interval that is cut off ends
 * in an arrow. INFINITY where nothing may be cut: points (their interval is the message), a log
 * lane, an item without bars. */
double plot_lane_item_ceiling (const PlotLane *lane, guint item, gboolean with_baseline);
/** Total over the first level of one bar series, or of the stack (@series of any part); NaN:
 * nothing. */
double plot_lanes_model_total (PlotLanesModel *self, guint lane, guint series);

/** Sets the range that the lane moves to, from the extremes in view, with hysteresis: it grows at
 * once, and shrinks only when less than 0.6 of it has been used for a while, unless @at_once.
 * Returns TRUE while a shrink is pending. */
gboolean plot_lane_update_target (PlotLane *lane, double lo, double hi, double min_positive,
                                  gint64 now_us, gboolean at_once);
/** Moves the drawn range towards its target; @frac 1 jumps. Returns TRUE while it still moves. */
gboolean plot_lane_step_range (PlotLane *lane, double frac);

G_END_DECLS
