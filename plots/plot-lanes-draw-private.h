#pragma once

#include "plot-lanes-layout-private.h"

G_BEGIN_DECLS

/* Drawing of PlotLanes on a cairo_t: pure functions of model, layout and style, for screen and
 * files. */

/** Marks of one lane: bars, stacks, points, intervals, baseline. Clipped to its plot area. */
void plot_lanes_draw_marks (const PlotLanesModel *model, const PlotLanesLayout *layout, guint lane,
                            cairo_t *cr, const PlotStyle *style);
/** Everything of a lane that is not a mark: title, unit, ticks, grid, legend, total, note. */
void plot_lanes_draw_frame (PlotLanesModel *model, const PlotLanesLayout *layout, guint lane,
                            cairo_t *cr, PlotText *text, const PlotStyle *style);
/** Item labels and group brackets under the lanes. */
void plot_lanes_draw_axis (const PlotLanesModel *model, const PlotLanesLayout *layout, cairo_t *cr,
                           PlotText *text, const PlotStyle *style);
/** The label of one item on a filled pill (selection). */
void plot_lanes_draw_item_pill (const PlotLanesModel *model, const PlotLanesLayout *layout,
                                guint item, cairo_t *cr, PlotText *text, const PlotStyle *style);
/** All of it, with @title above. */
void plot_lanes_draw_all (PlotLanesModel *model, const PlotLanesLayout *layout, cairo_t *cr,
                          PlotText *text, const PlotStyle *style, const char *title,
                          int selected_item);

/** A page of its own: everything from @view0 to @view1 (units; NaN: to the end) at rest. The
 * model's ranges are as before afterwards. */
void plot_lanes_draw_page (PlotLanesModel *model, double view0, double view1, gboolean dense_labels,
                           const char *title, cairo_t *cr, double width, double height,
                           const PlotStyle *style);

/** "sum 4.12 ms" or what the program set; NULL if the lane shows none. New string. */
char *plot_lanes_dup_total_text (PlotLanesModel *model, guint lane);

/* The item in words and as a card (plot-lanes-text.c). */
char *plot_lanes_model_dup_reading (PlotLanesModel *model, int item);
struct _PlotCard *plot_lanes_model_make_card (PlotLanesModel *model, guint item);
PlotTable *plot_lanes_model_make_table (PlotLanesModel *model, const char *title);

G_END_DECLS
