#pragma once

#include "plot-axis.h"
#include "plot-lanes-model-private.h"
#include "plot-text-private.h"

G_BEGIN_DECLS

/* Where everything of PlotLanes lies. Pure: model + size + text metrics -> numbers; hit testing.
 *
 *   |<- plot_x ->|<------------ plot_w ------------>|
 *   | title      | legend ....................total |  strip
 *   | unit   1.0 |---------------------------------|
 *   |        0.5 |  marks                          |  plot_y, plot_h
 *   |          0 |_________________________________|
 *   |            |  0   1   2   3  ...              |  axis: labels
 *   |            |  [--- group ---][---- group ---] |  groups
 *
 * Along the axis positions are counted in *units*: an item is 1 unit wide (less while it opens or
 * closes).
 */

typedef struct
{
  guint item;
  double x, w; /* units */
} PlotSlot;

/* Longest turned label; the rest is cut. */
#define TURNED_LABEL_PX 136

typedef enum
{
  PLOT_LABELS_NONE,
  PLOT_LABELS_LEVEL,
  PLOT_LABELS_TURNED,
} PlotLabelMode;

typedef struct
{
  double y, h;           /* of the whole lane; h 0: not shown */
  double plot_y, plot_h; /* of its plot area */
} PlotLaneBox;

typedef struct
{
  double width, height, device_scale;
  gboolean compact; /* titles above the lanes, no room on the left */
  double heading_h; /* title of an exported figure */
  double plot_x, plot_w;
  double title_w;           /* room for lane titles on the left */
  double strip_h, legend_h; /* above each plot area */
  double axis_y, labels_h, groups_h;
  guint n_lanes;
  PlotLaneBox *lanes; /* [n_lanes] */

  PlotSlot *slots; /* in order */
  guint n_slots, room_slots;
  double total;                /* units */
  double view0, view1;         /* units shown */
  PlotLabelMode label_mode[2]; /* first level, below */
  guint label_stride[2];
} PlotLanesLayout;

void plot_lanes_layout_clear (PlotLanesLayout *self);
/** Fills slots and total from what is open in the model. O(n_items). */
void plot_lanes_layout_update_slots (PlotLanesLayout *self, const PlotLanesModel *model);
/** Sets view and boxes. @title NULL on screen. Needs slots. */
void plot_lanes_layout_compute (PlotLanesLayout *self, const PlotLanesModel *model, PlotText *text,
                                double width, double height, double device_scale, double view0,
                                double view1, gboolean turn_labels, const char *title);

double plot_lanes_layout_px (const PlotLanesLayout *self, double units);
double plot_lanes_layout_units (const PlotLanesLayout *self, double px);
/** Pixels of one whole item. */
double plot_lanes_layout_item_px (const PlotLanesLayout *self);
/** Slots [*first, *last) that touch the view. O(log n). */
void plot_lanes_layout_visible (const PlotLanesLayout *self, guint *first, guint *last);
/** Slot under @units, or -1. O(log n). */
int plot_lanes_layout_slot_at (const PlotLanesLayout *self, double units);
/** Slot of @item, or -1 if it is hidden. O(log n). */
int plot_lanes_layout_slot_of (const PlotLanesLayout *self, guint item);
/** Item under a point of the plot areas or of the axis, or -1. */
int plot_lanes_layout_hit (const PlotLanesLayout *self, double px, double py);
/** Lane whose box holds @py, or -1. */
int plot_lanes_layout_lane_at (const PlotLanesLayout *self, double py);
/** Clamps a wanted view: at least 3 items (or all), inside 0..total. */
void plot_lanes_layout_clamp_view (double total, double *view0, double *view1);
/** Height that the lanes would like at least, and better. */
void plot_lanes_layout_measure (const PlotLanesModel *model, double font_size_px, double *minimum,
                                double *natural);
/** Scale of a lane's values on its plot area. */
void plot_lanes_layout_lane_scale (const PlotLanesLayout *self, const PlotLane *lane, guint index,
                                   PlotScale *scale);

G_END_DECLS
