#pragma once

#include "plot-card-private.h"
#include "plot-graph-scene-private.h"

G_BEGIN_DECLS

/* Pictures of PlotGraph: pure functions of model, scene, view and style, for screen and files. */

/* What of the scene is seen: pixel = (world - origin) * zoom. */
typedef struct
{
  double x, y, zoom;    /* origin in the world */
  double width, height; /* pixels */
  double device_scale;
} PlotGraphView;

static inline double
plot_graph_px (const PlotGraphView *view, double x)
{
  return (x - view->x) * view->zoom;
}

static inline double
plot_graph_py (const PlotGraphView *view, double y)
{
  return (y - view->y) * view->zoom;
}

/** The part of the world in view, with @margin_px around. */
PlotGraphRect plot_graph_view_rect (const PlotGraphView *view, double margin_px);

/** The largest value of all boxes shown, NAN when none has one. */
double plot_graph_max_value (const PlotGraphModel *model, const PlotGraphScene *scene);

/** Colour of a share 0..1 of the largest value; NAN: of a box without value. Lightness alone
 * carries it, for readers of any colour vision. */
void plot_graph_ramp (const PlotStyle *style, double share, GdkRGBA *color);

/** Outline and sign of a box that has a problem. */
void plot_graph_problem_color (const PlotStyle *style, GdkRGBA *color);

/** More boxes or stretches of lines in view than a person can tell apart: they are drawn as pixels
 * (plot-graph-raster.c). Boxes with words that can be read are always fewer. */
#define PLOT_GRAPH_MAX_BOXES 350
#define PLOT_GRAPH_MAX_PIECES 450

/** Frames, lines and boxes. @max_value: of the deepest colour. */
void plot_graph_draw (const PlotGraphModel *model, const PlotGraphScene *scene,
                      const PlotGraphView *view, double max_value, cairo_t *cr, PlotText *text,
                      const PlotStyle *style);

/** One box over the others: selected or under the pointer, with its lines. */
void plot_graph_draw_focus (const PlotGraphModel *model, const PlotGraphScene *scene,
                            const PlotGraphView *view, guint endpoint, gboolean lines, cairo_t *cr,
                            const PlotStyle *style);

/** The scale of colours, its left lower corner at (x, y). And what the sign means, when a
 * box has one. Draws nothing without a metric and problems. */
void plot_graph_draw_legend (const PlotGraphModel *model, double max_value, double x, double y,
                             cairo_t *cr, PlotText *text, const PlotStyle *style);

/** Where the text of a frame's header is, for clicks on it: TRUE when (px, py) lies in it. */
gboolean plot_graph_in_header (const PlotGraphScene *scene, const PlotGraphView *view, guint group,
                               double px, double py);

/* --- many boxes at once --- */

/** Lines and boxes in view as an image in device pixels; @boxes and @pieces hold what is seen. A
 * pixel under several boxes shows the largest value: a hot spot is never hidden. */
cairo_surface_t *plot_graph_raster (const PlotGraphModel *model, const PlotGraphScene *scene,
                                    const PlotGraphView *view, double max_value,
                                    const GArray *boxes, const GArray *pieces,
                                    const PlotStyle *style);

/* --- words (plot-graph-text.c) --- */

char *plot_graph_model_dup_reading (const PlotGraphModel *model, const PlotGraphScene *scene,
                                    guint endpoint, double max_value);
PlotCard *plot_graph_model_make_card (const PlotGraphModel *model, const PlotGraphScene *scene,
                                      guint endpoint, double max_value);
PlotTable *plot_graph_model_make_table (const PlotGraphModel *model, const char *title);

G_END_DECLS
