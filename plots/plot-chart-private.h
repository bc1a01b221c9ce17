#pragma once

#include "plot-card-private.h"
#include "plot-chart.h"
#include "plot-layer-private.h"

G_BEGIN_DECLS

/* The struct of PlotChart, shared by plot-chart.c (life, API), plot-chart-draw.c (pure picture),
 * plot-chart-view.c (nodes and overlay) and plot-chart-input.c (events). */

typedef struct
{
  double width, height, device_scale;
  double heading_h; /* title */
  double legend_y, legend_h;
  double x_px, y_px, w_px, h_px; /* plot area */
  PlotTicks x_ticks, y_ticks;
} PlotChartLayout;

typedef struct
{
  GskRenderNode *node;
  guint64 serial, generation;
} PlotChartNode;

struct _PlotChart
{
  GtkWidget parent_instance;

  char *title;
  gboolean show_legend, interactive, single_click_activate;
  PlotAxis *x_axis, *y_axis;
  gulong x_handler, y_handler;
  GPtrArray *layers; /* PlotLayer */

  PlotStyle style;
  PlotText *text;
  PlotChartLayout layout;
  guint64 serial; /* goes up with every change of layout, ranges or style */
  gboolean layout_dirty, extents_dirty, updating_extents;
  GskRenderNode *frame_node;
  guint64 frame_serial;
  GArray *nodes; /* PlotChartNode per layer */

  gboolean pointer_in;
  double pointer_x, pointer_y;
  double drag_x_frac, drag_y_frac, pinch_scale; /* progress of the gesture already applied */
  PlotLayer *selected;                          /* not owned: cleared when the layer goes */
  guint64 selected_index;
  char *reference; /* NULL: none */
  double reference_x, reference_y;
  PlotGoal reference_x_goal, reference_y_goal;
};

/* plot-chart-draw.c: pure */
void plot_chart_layout_compute (PlotChartLayout *layout, PlotChart *chart, PlotText *text,
                                double width, double height, double device_scale);
void plot_chart_make_frame (const PlotChartLayout *layout, PlotChart *chart, const PlotStyle *style,
                            PlotFrame *frame);
/** Title, grid, ticks, axis titles, legend. */
void plot_chart_draw_frame (PlotChart *chart, const PlotChartLayout *layout, cairo_t *cr,
                            PlotText *text, const PlotStyle *style);
void plot_chart_draw_layer (PlotChart *chart, const PlotChartLayout *layout, PlotLayer *layer,
                            cairo_t *cr, const PlotStyle *style);
void plot_chart_draw_selection (PlotChart *chart, const PlotChartLayout *layout, cairo_t *cr,
                                const PlotStyle *style);
void plot_chart_draw_figure (PlotChart *chart, cairo_t *cr, double width, double height,
                             const PlotStyle *style);

/* plot-chart.c: the table of what the layers hold */
PlotTable *plot_chart_make_table (PlotChart *chart);

/* plot-chart-view.c */
void plot_chart_snapshot (GtkWidget *widget, GtkSnapshot *snapshot);
void plot_chart_view_init (PlotChart *self);
void plot_chart_view_clear (PlotChart *self);
void plot_chart_update_extents (PlotChart *self);
void plot_chart_invalidate (PlotChart *self, gboolean extents);
/** What lies nearest to the pointer: a point within reach, else the nearest sample in x. */
PlotLayer *plot_chart_pick (PlotChart *self, double px, double py, gsize *index,
                            gboolean points_only);

/* plot-chart-input.c */
void plot_chart_input_init (PlotChart *self);

G_END_DECLS
