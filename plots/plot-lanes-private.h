#pragma once

#include "plot-card-private.h"
#include "plot-lanes-draw-private.h"

G_BEGIN_DECLS

/* The widget's struct, shared by plot-lanes.c (life, API), plot-lanes-view.c (frames, drawing) and
 * plot-lanes-input.c. */

typedef struct
{
  GskRenderNode *frame, *marks;
  guint64 layout_serial, generation; /* what the nodes were made from */
  double y_min, y_max, target_min, target_max;
} PlotLaneNodes;

struct _PlotLanes
{
  GtkWidget parent_instance;

  PlotLanesModel *model;
  PlotLanesLayout layout;
  PlotStyle style;
  PlotText *text;
  char *title;
  gboolean frozen, scroll_zooms, dense_labels;

  int selected, hovered;
  gboolean hover_shown, keyboard_shown; /* which of them has a card */
  double pointer_x, pointer_y;

  gboolean fitted;
  double view0, view1; /* units shown now */
  double goal0, goal1; /* where the view moves to */
  double drag_view0;   /* view at the start of a drag */
  double pinch_length;

  gboolean slots_dirty, layout_dirty, range_at_once;
  guint64 layout_serial;
  guint tick_id;
  gint64 last_tick_us;
  guint reading_id; /* timeout that brings the accessible text up to date */
  GArray *nodes;    /* PlotLaneNodes per lane */
  GskRenderNode *axis_node;
  guint64 axis_serial;
};

/* plot-lanes-view.c */
void plot_lanes_view_init (PlotLanes *self);
void plot_lanes_view_clear (PlotLanes *self);
void plot_lanes_snapshot (GtkWidget *widget, GtkSnapshot *snapshot);
void plot_lanes_draw_figure (PlotLanes *self, cairo_t *cr, double width, double height,
                             const PlotStyle *style);
/** Slots and boxes are up to date afterwards (needs no allocation of the widget for slots). */
void plot_lanes_ensure_slots (PlotLanes *self);
/** Something that the layout depends on has changed. */
void plot_lanes_invalidate_layout (PlotLanes *self, gboolean slots);
/** Values of a lane have changed: one redraw in the next frame, unless frozen. */
void plot_lanes_invalidate_values (PlotLanes *self);
/** Moves the view; @smooth: over a few frames. */
void plot_lanes_move_view (PlotLanes *self, double view0, double view1, gboolean smooth);
/** Zooms about a place in units. */
void plot_lanes_zoom_about (PlotLanes *self, double factor, double units, gboolean smooth);
/** Brings an item into the view if it is not there. */
void plot_lanes_reveal (PlotLanes *self, guint item);
void plot_lanes_start_ticking (PlotLanes *self);
gboolean plot_lanes_animates (PlotLanes *self);

/* plot-lanes-input.c */
void plot_lanes_input_init (PlotLanes *self);
/** Looks again at what lies under the pointer. */
void plot_lanes_update_hover (PlotLanes *self);

/* plot-lanes.c */
void plot_lanes_set_hovered (PlotLanes *self, int item);
void plot_lanes_activate_item (PlotLanes *self, int item);

G_END_DECLS
