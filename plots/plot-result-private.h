#pragma once

#include "plot-marks-private.h"
#include "plot-result.h"
#include "plot-text-private.h"

G_BEGIN_DECLS

/* --- data --- */

#define PLOT_RESULT_N_BINS 4096 /* of a wave's envelope, at most */

typedef struct
{
  char *name;
  guint n_bins;
  float *low, *high; /* [n_bins] */
  double seconds;
} PlotResultEnvelope;

/* A class that occurs in the mask. */
typedef struct
{
  guint8 value;
  guint color; /* palette entry */
  PlotPattern pattern;
  char *name;
  double share; /* of the picture */
} PlotMaskClass;

typedef struct
{
  PlotResultKind kind;
  cairo_surface_t *picture, *after;
  char *before_name, *after_name;
  double aspect;
  PlotResultBox *boxes;
  PlotResultPoint *points;
  guint8 *edges;
  guint8 *mask;
  guint mask_width, mask_height;
  gboolean soft;
  GArray *classes;   /* of PlotMaskClass, largest first */
  int class_of[256]; /* index into classes; -1: clear */
  PlotResultBar *bars;
  PlotResultEnvelope *waves;
  PlotResultSeries *series;
  PlotResultTensor *tensors;
  guint n_boxes, n_points, n_edges, n_bars, n_waves, n_series, n_tensors;
  gboolean shares;
  double start_s, step_s, threshold;
} PlotResultModel;

/** @data NULL: NULL. */
PlotResultModel *plot_result_model_new (const PlotResultData *data);
void plot_result_model_free (PlotResultModel *self);

/* --- geometry --- */

typedef struct
{
  double x, y, w, h;
} PlotRect;

/** The largest rectangle of @aspect (width / height) in the middle of @room. */
PlotRect plot_rect_fit (PlotRect room, double aspect);
gboolean plot_rect_overlap (PlotRect a, PlotRect b);

/** Where the label of @w x @h of each box goes: beside its box, inside @picture, over no label
 * placed before. Boxes in order of importance; w 0: there is no place, leave it out. */
void plot_result_place_labels (const PlotRect *boxes, PlotRect *labels, guint n, PlotRect picture);

/* --- pictures: pure --- */

typedef struct
{
  cairo_t *cr;
  PlotText *text;
  const PlotStyle *style;
  PlotRect room;
  double device_scale;
  double divider;
  int selected;
} PlotResultFrame;

void plot_result_draw (const PlotResultModel *model, const PlotResultFrame *frame);
void plot_result_draw_picture (const PlotResultModel *model, const PlotResultFrame *frame);
void plot_result_draw_bars (const PlotResultModel *model, const PlotResultFrame *frame);
void plot_result_draw_waves (const PlotResultModel *model, const PlotResultFrame *frame);
void plot_result_draw_series (const PlotResultModel *model, const PlotResultFrame *frame);
void plot_result_draw_tensors (const PlotResultModel *model, const PlotResultFrame *frame);
/** Over the picture; plot-result-marks.c and plot-result-mask.c. */
void plot_result_draw_marks (const PlotResultModel *model, const PlotResultFrame *frame,
                             PlotRect picture);
void plot_result_draw_mask (const PlotResultModel *model, const PlotResultFrame *frame,
                            PlotRect picture);
/** Height of the legend below the picture, and it itself. */
double plot_result_legend_height (const PlotResultModel *model, const PlotResultFrame *frame);
void plot_result_draw_legend (const PlotResultModel *model, const PlotResultFrame *frame,
                              PlotRect room);
/** Where the picture lies. */
PlotRect plot_result_picture_rect (const PlotResultModel *model, const PlotResultFrame *frame);
double plot_result_wanted_height (const PlotResultModel *model, PlotText *text);
/** The box under a point, smallest first; -1: none. */
int plot_result_hit (const PlotResultModel *model, PlotRect picture, double px, double py);

/** What lies under a point, in words; NULL: nothing to say. */
char *plot_result_dup_tip (const PlotResultModel *model, const PlotResultFrame *frame, double px,
                           double py);
/** The bar under a point, -1: none; what it says beside its label. */
int plot_result_bar_at (const PlotResultModel *model, const PlotResultFrame *frame, double py);
char *plot_result_dup_bar_value (const PlotResultModel *model, double value);

PlotTable *plot_result_make_table (const PlotResultModel *model, const char *title);

G_END_DECLS
