#pragma once

#include "plot-graph-draw-private.h"

G_BEGIN_DECLS

/* The widget's struct, shared by plot-graph.c (life, API), plot-graph-jobs.c (layouts on the way),
 * plot-graph-view.c (frames, view) and plot-graph-input.c. */

/* What the view follows when the window or the graph changes. */
typedef enum
{
  PLOT_GRAPH_VIEW_START, /* readable, from the top */
  PLOT_GRAPH_VIEW_FIT,   /* everything */
  PLOT_GRAPH_VIEW_FREE,  /* where the user went */
} PlotGraphViewMode;

typedef struct _PlotGraphJob PlotGraphJob;

struct _PlotGraph
{
  GtkWidget parent_instance;

  PlotGraphModel *model;
  PlotGraphScene *scene; /* NULL: not laid out yet, or stopped */
  char *title, *empty_text;
  gboolean scroll_zooms;
  PlotGraphCardFunc card_func;
  gpointer card_data;
  GDestroyNotify card_destroy;

  PlotGraphJob *job; /* the layout on the way */
  gboolean stopped;  /* the last one was cancelled: the scene, if any, is of before */
  guint pulse_id;    /* redraws the progress */

  guint selected, hovered; /* endpoints */
  guint anchor;            /* stays where it is on screen when the next layout comes */
  guint reveal;            /* comes into view then */
  gboolean hover_shown, keyboard_shown;
  double pointer_x, pointer_y;

  PlotStyle style;
  PlotText *text;
  PlotGraphView view;
  PlotGraphViewMode mode;
  double goal_x, goal_y, goal_zoom; /* where the view moves to */
  double drag_x, drag_y, pinch_zoom;
  guint tick_id;
  gint64 last_tick_us;

  double max_value;
  guint64 serial; /* goes up with everything that the picture depends on besides the view */
  GskRenderNode *node;
  guint64 node_serial;
  PlotGraphView node_view;
  cairo_surface_t *map; /* the whole scene, small */
  guint64 map_serial;
  double map_scale;
};

/* plot-graph-view.c */
void plot_graph_view_init (PlotGraph *self);
void plot_graph_view_clear (PlotGraph *self);
void plot_graph_snapshot (GtkWidget *widget, GtkSnapshot *snapshot);
void plot_graph_draw_figure (PlotGraph *self, cairo_t *cr, double width, double height,
                             const PlotStyle *style);
/** Data, colours or layout have changed: one new picture in the next frame. */
void plot_graph_invalidate (PlotGraph *self);
void plot_graph_move_view (PlotGraph *self, double x, double y, double zoom, gboolean smooth);
/** Zooms about a point of the widget. */
void plot_graph_zoom_about (PlotGraph *self, double factor, double px, double py);
void plot_graph_scroll (PlotGraph *self, double dx_px, double dy_px);
void plot_graph_reveal (PlotGraph *self, guint endpoint);
/** The view is up to date with size and mode. */
void plot_graph_ensure_view (PlotGraph *self);
/** Where the overview lies, in pixels; FALSE when it is not shown. */
gboolean plot_graph_get_map (PlotGraph *self, graphene_rect_t *rect);
/** Moves the view to what lies at a point of the overview. */
void plot_graph_map_to (PlotGraph *self, double px, double py);

/* plot-graph-jobs.c */
/** Lays out what the model shows now: at once when that is quick, else on a worker. */
void plot_graph_start_layout (PlotGraph *self);
/** Forgets a layout on the way without a word. */
void plot_graph_drop_job (PlotGraph *self);

/* plot-graph-input.c */
void plot_graph_input_init (PlotGraph *self);
void plot_graph_update_hover (PlotGraph *self);

/* plot-graph.c */
/** Takes @scene; the view stays with the anchor. */
void plot_graph_take_scene (PlotGraph *self, PlotGraphScene *scene);
void plot_graph_busy_changed (PlotGraph *self);
void plot_graph_select_endpoint (PlotGraph *self, guint endpoint);
void plot_graph_set_hovered (PlotGraph *self, guint endpoint);
void plot_graph_toggle (PlotGraph *self, guint group_endpoint);
void plot_graph_activate (PlotGraph *self, guint endpoint);
PlotCard *plot_graph_make_card (PlotGraph *self, guint endpoint);

G_END_DECLS
