#pragma once

#include <gtk/gtk.h>
#include "plot-figure.h"

G_BEGIN_DECLS

/**
 * PlotLanes: several quantities of the same things, one lane under the other on one shared axis.
 *
 * The axis holds *items* in order (the layers of a network, say). An item may have children (its
 * operators): double click, Enter or Space opens them beside it. Each *lane* has a title and a unit
 * and draws its *series*: bars with an interval, a stack, points, and behind them a baseline.
 *
 *   PlotLanes *lanes = PLOT_LANES (plot_lanes_new ());
 *   plot_lanes_set_items (lanes, items, n_items);
 *   guint lane = plot_lanes_add_lane (lanes, &(PlotLaneInfo){ .title = "Latency",
 *                                      .unit = PLOT_UNIT_NS, .total = PLOT_TOTAL_SUM });
 *   guint decode = plot_lanes_add_series (lanes, lane, &(PlotLaneSeriesInfo){ .name = "decode" });
 *   // up to 60 times a second:
 *   plot_lanes_set_values (lanes, lane, decode, 0, n_items, median_ns, p05_ns, p95_ns, NULL);
 *
 * Values are per item, indexed as in plot_lanes_set_items () (children included). Setting them
 * marks the lane as changed and asks for one redraw in the next frame, however often it is called.
 *
 * Keyboard: Left and Right move the selection, Home and End go to its ends, Up and Down go out to
 * the parent and in to the first child, Enter or Space opens and closes, + and - zoom, 0 shows
 * everything, Escape takes the selection away. Pointer: click selects, double click opens, wheel
 * zooms about the pointer, Shift + wheel and drag pan, pinch zooms.
 *
 * Accessibility: the accessible label is the title and the reading of the selected item
 * (plot_lanes_dup_reading ()); all of it is a table through plot_figure_make_table ().
 */
#define PLOT_TYPE_LANES (plot_lanes_get_type ())
G_DECLARE_FINAL_TYPE (PlotLanes, plot_lanes, PLOT, LANES, GtkWidget)

/* Properties
 *   title          string   drawn in exports, spoken by the screen reader; ""
 *   selected-item  int      -1 none; out of range is set to -1; two-way
 *   hovered-item   int      read-only; -1 none
 *   show-baseline  boolean  TRUE
 *   baseline-name  string   what the ghost is called in the card and the legend; "baseline"
 *   frozen         boolean  FALSE; while TRUE new values are stored but nothing is redrawn for them
 *   scroll-zooms   boolean  TRUE; FALSE leaves the plain wheel to a scrolled window around (Ctrl +
 * wheel zooms in any case) dense-labels   boolean  TRUE; item labels that do not fit are turned;
 * FALSE: thinned out instead Signals item-activated (int item)                     double click,
 * Enter or Space on an item without children item-expanded  (int item, boolean expanded)   also for
 * plot_lanes_set_expanded ()
 */

/** One thing on the axis. Strings are copied. */
typedef struct
{
  const char *name;  /* full name: card, table, screen reader; need not be unique */
  const char *label; /* short name under the axis; NULL: @name */
  const char *group; /* items of one group in a row share a bracket under the axis; NULL: none */
  int parent; /* index of the item it belongs to, -1 for the first level; a parent precedes its
               * children and they follow it at once (pre-order) */
} PlotItem;

typedef enum
{
  PLOT_LANE_DEFAULT = 0,
  PLOT_LANE_LOWER_IS_BETTER = 1 << 0, /* the card names a fall an improvement */
  PLOT_LANE_HIGHER_IS_BETTER = 1 << 1,
  PLOT_LANE_LOG = 1 << 2, /* decimal logarithm; bars stand on the lower end of the axis */
  PLOT_LANE_ALWAYS_READ = 1 << 3, /* in the card and the reading even while it is not visible */
} PlotLaneFlags;

/** The figure at the right end of a lane, over the items of the first level. */
typedef enum
{
  PLOT_TOTAL_NONE,
  PLOT_TOTAL_SUM,
  PLOT_TOTAL_MAX,
} PlotTotal;

typedef struct
{
  const char *title;
  PlotUnit unit;
  PlotLaneFlags flags;
  PlotTotal total;
  double height; /* relative to the other lanes; 0 means 1 */
  const char *interval; /* what intervals are, for the reading: "95 %"; NULL: "5 to 95 %" */
} PlotLaneInfo;

typedef enum
{
  PLOT_ROLE_BAR,      /* bars; several in a lane stand side by side */
  PLOT_ROLE_STACK,    /* stacked on the stack series before it */
  PLOT_ROLE_POINT,    /* a mark at the value with its interval; no bar */
  PLOT_ROLE_BASELINE, /* an outline behind series @of, or behind the stack */
} PlotRole;

typedef struct
{
  const char *name;
  PlotRole role;
  guint color;         /* palette index; 0 = first colour */
  PlotPattern pattern; /* stack parts should differ in it */
  PlotShape shape;     /* of a PLOT_ROLE_POINT */
  guint of;            /* PLOT_ROLE_BASELINE: the series it stands behind */
} PlotLaneSeriesInfo;

GtkWidget *plot_lanes_new (void);

/** Replaces the items (copied). Values of all series become absent; lanes and series stay.
 * Selection and opened items are kept where an item of the same name and depth exists. O(n). Wrong
 * @parent order is a programmer's error. */
void plot_lanes_set_items (PlotLanes *self, const PlotItem *items, guint n_items);
guint plot_lanes_get_n_items (PlotLanes *self);
/** Name of item @item; borrowed. */
const char *plot_lanes_get_item_name (PlotLanes *self, guint item);
/** First item called @name, or -1. O(1). */
int plot_lanes_find_item (PlotLanes *self, const char *name);

/** Adds a lane at the bottom; returns its number. */
guint plot_lanes_add_lane (PlotLanes *self, const PlotLaneInfo *info);
/** Removes all lanes and series; items stay. */
void plot_lanes_clear_lanes (PlotLanes *self);
guint plot_lanes_get_n_lanes (PlotLanes *self);
void plot_lanes_set_lane_visible (PlotLanes *self, guint lane, gboolean visible);
gboolean plot_lanes_get_lane_visible (PlotLanes *self, guint lane);
/** Names the lane anew ("Energy, modelled"). */
void plot_lanes_set_lane_title (PlotLanes *self, guint lane, const char *title);
/** Text in the middle of a lane that has no value at all: the reason ("No energy sensor on this
 * computer"). NULL: "Not measured yet". */
void plot_lanes_set_lane_note (PlotLanes *self, guint lane, const char *note);
/** The lane's range reaches no further up than @limit (INFINITY: as far as the data), so that one
 * wide interval does not flatten all points; what goes on beyond is cut off with an arrow. */
void plot_lanes_set_lane_limit (PlotLanes *self, guint lane, double limit);
/** Replaces the computed total ("clean pass 4.12 ms"); NULL returns to the computed one. */
void plot_lanes_set_lane_total (PlotLanes *self, guint lane, const char *text);

/** Adds a series to a lane; returns its number within the lane. All values are absent. */
guint plot_lanes_add_series (PlotLanes *self, guint lane, const PlotLaneSeriesInfo *info);

/** Sets the values of items @first to @first + @n - 1 of one series, in the lane's unit. @value:
 * NaN is absent. @lo and @hi: ends of the interval (5..95 %), NULL or NaN for none. @state:
 * #PlotState per item, NULL: measured. All copied. O(n), no allocation; at most one redraw per
 * frame. */
void plot_lanes_set_values (PlotLanes *self, guint lane, guint series, guint first, guint n,
                            const double *value, const double *lo, const double *hi,
                            const guint8 *state);
/** Sets every value of one series absent. */
void plot_lanes_clear_values (PlotLanes *self, guint lane, guint series);
/** Sets every value of every series absent, except baselines. */
void plot_lanes_clear_all_values (PlotLanes *self);
/** Value of an item (NaN when absent); @lo, @hi, @state may be NULL. */
double plot_lanes_get_value (PlotLanes *self, guint lane, guint series, guint item, double *lo,
                             double *hi, PlotState *state);

/** Copies what every lane shows now into its baselines (made where missing) and calls them @name.
 */
void plot_lanes_pin_baseline (PlotLanes *self, const char *name);
/** Makes every baseline value absent. */
void plot_lanes_clear_baseline (PlotLanes *self);

int plot_lanes_get_selected_item (PlotLanes *self);
/** Selects an item (-1: none), opens what hides it and scrolls it into view. */
void plot_lanes_set_selected_item (PlotLanes *self, int item);
int plot_lanes_get_hovered_item (PlotLanes *self);

/** Opens or closes an item; nothing happens for one without children. */
void plot_lanes_set_expanded (PlotLanes *self, guint item, gboolean expanded);
gboolean plot_lanes_get_expanded (PlotLanes *self, guint item);
void plot_lanes_collapse_all (PlotLanes *self);

/** Shows all items over the whole width, and keeps doing so as items open and close. */
void plot_lanes_fit (PlotLanes *self);
/** TRUE while everything is shown. */
gboolean plot_lanes_get_fitted (PlotLanes *self);
/** Zooms by @factor (> 1: nearer) about the middle, or about the selected item when it is in view.
 */
void plot_lanes_zoom (PlotLanes *self, double factor);

gboolean plot_lanes_get_frozen (PlotLanes *self);
void plot_lanes_set_frozen (PlotLanes *self, gboolean frozen);

/** The item in words: "Block 3. Latency: decode 1.52 ms, 5 to 95 % 1.41–1.63 ms, −12 % against
 * baseline. Memory: ...". New string, "" for an item out of range. */
char *plot_lanes_dup_reading (PlotLanes *self, int item);

G_END_DECLS
