#pragma once

#include "plot-card-private.h"
#include "plot-ticks.h"
#include "plot-timeline.h"

G_BEGIN_DECLS

#define PLOT_TIMELINE_NONE G_MAXUINT

/* --- data --- */

typedef struct
{
  char *name;
  gboolean thin;
  guint first, last; /* its spans: [first, last) of the sorted ones */
} PlotTimelineLane;

typedef struct
{
  PlotTimelineSpan *spans; /* [n_spans] by row, then start */
  guint *origin;           /* [n_spans] index in the caller's data */
  guint *place;            /* [n_spans] and back */
  guint n_spans, n_rows, n_groups, n_names;
  PlotTimelineLane *rows;
  char **names, **details; /* details [n_names], "" where there is none */
  char **group_names;
  int *group_colors;
  gint64 start_ns, end_ns; /* of everything; 0, 1 without spans */
  gboolean waits;          /* some span waited */
} PlotTimelineModel;

PlotTimelineModel *plot_timeline_model_new (const PlotTimelineData *data);
void plot_timeline_model_free (PlotTimelineModel *self);
/** The first span of @row that ends after @ns: rows[row].last if none. */
guint plot_timeline_model_find (const PlotTimelineModel *self, guint row, double ns);
/** The span of @row nearest to @ns; PLOT_TIMELINE_NONE in an empty row. */
guint plot_timeline_model_nearest (const PlotTimelineModel *self, guint row, double ns);

/* --- geometry and pictures: pure --- */

typedef struct
{
  double width, height, device_scale;
  double heading_h;
  double plot_x, plot_y, plot_w, plot_h;
  double row_h, thin_h, gap;
  double view0, view1; /* ns */
  PlotTicks ticks;
} PlotTimelineLayout;

void plot_timeline_layout (PlotTimelineLayout *self, const PlotTimelineModel *model, PlotText *text,
                           double width, double height, double device_scale, double view0,
                           double view1, const char *title);

static inline double
plot_timeline_px (const PlotTimelineLayout *self, double ns)
{
  return self->plot_x + (ns - self->view0) / (self->view1 - self->view0) * self->plot_w;
}

static inline double
plot_timeline_ns (const PlotTimelineLayout *self, double px)
{
  return self->view0 + (px - self->plot_x) / self->plot_w * (self->view1 - self->view0);
}

void plot_timeline_row_box (const PlotTimelineModel *model, const PlotTimelineLayout *layout,
                            guint row, double *y, double *h);
/** Row under a point, PLOT_TIMELINE_NONE outside. */
guint plot_timeline_row_at (const PlotTimelineModel *model, const PlotTimelineLayout *layout,
                            double px, double py);
/** Span under a point, or the longest that a column of pixels hides there. */
guint plot_timeline_hit (const PlotTimelineModel *model, const PlotTimelineLayout *layout,
                         double px, double py);

void plot_timeline_draw (const PlotTimelineModel *model, const PlotTimelineLayout *layout,
                         const char *axis_title, cairo_t *cr, PlotText *text,
                         const PlotStyle *style);
void plot_timeline_draw_marked (const PlotTimelineModel *model, const PlotTimelineLayout *layout,
                                int item, int family, cairo_t *cr, const PlotStyle *style);
void plot_timeline_draw_span (const PlotTimelineModel *model, const PlotTimelineLayout *layout,
                              guint span, gboolean strong, cairo_t *cr, const PlotStyle *style);
const GdkRGBA *plot_timeline_color (const PlotTimelineModel *model, guint group,
                                    const PlotStyle *style);

/* --- words --- */

char *plot_timeline_model_dup_reading (const PlotTimelineModel *model, guint span);
PlotCard *plot_timeline_model_make_card (const PlotTimelineModel *model, guint span,
                                         const PlotStyle *style);
PlotTable *plot_timeline_model_make_table (const PlotTimelineModel *model, const char *title);

/* --- the widget --- */

struct _PlotTimeline
{
  GtkWidget parent_instance;

  PlotTimelineModel *model;
  char *title, *axis_title, *empty_text;
  guint selected, hovered; /* sorted */
  int marked_item, marked_family;
  gboolean hover_shown, keyboard_shown;
  double pointer_x, pointer_y;

  PlotStyle style;
  PlotText *text;
  PlotTimelineLayout layout;
  gboolean fitted;
  double view0, view1;
  double drag_view0, pinch_length;
  guint64 serial, node_serial;
  GskRenderNode *node;
  double node_width, node_height, node_scale, node_view0, node_view1;
};

/* plot-timeline-view.c */
void plot_timeline_view_init (PlotTimeline *self);
void plot_timeline_view_clear (PlotTimeline *self);
void plot_timeline_invalidate (PlotTimeline *self);
void plot_timeline_snapshot (GtkWidget *widget, GtkSnapshot *snapshot);
void plot_timeline_draw_figure (PlotTimeline *self, cairo_t *cr, double width, double height,
                                const PlotStyle *style);
void plot_timeline_move_view (PlotTimeline *self, double view0, double view1);
void plot_timeline_zoom_about (PlotTimeline *self, double factor, double ns);
void plot_timeline_reveal (PlotTimeline *self, guint span);

/* plot-timeline-input.c */
void plot_timeline_input_init (PlotTimeline *self);

/* plot-timeline.c */
void plot_timeline_select (PlotTimeline *self, guint span);
void plot_timeline_activate (PlotTimeline *self, guint span);

G_END_DECLS
