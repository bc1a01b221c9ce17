#pragma once

#include <gtk/gtk.h>
#include "plot-figure.h"

G_BEGIN_DECLS

/**
 * PlotResult: something seen, heard or computed, drawn as a person reads it: a picture with what
 * was found in it (boxes, points, a mask), the same picture before and after, shares of labels as
 * bars, sounds as waves, values over time, statistics of tensors.
 *
 *   PlotResult *result = PLOT_RESULT (plot_result_new ());
 *   plot_result_set_data (result, &(PlotResultData){ .kind = PLOT_RESULT_BARS, .bars = bars,
 *                         .n_bars = n, .shares = TRUE });
 *
 * Places on pictures are shares of them: x 0 (left) to 1 (right), y 0 (top) to 1 (bottom).
 *
 * Keyboard: with boxes Left, Up and Right, Down select another one, Escape none; with before and
 * after Left and Right move the divider, Home and End to the sides. Pointer: a click selects a
 * box, a drag moves the divider.
 *
 * A tooltip has what there may be no room for: the whole label of a bar, a box, a class of the
 * mask.
 *
 * Accessibility: the accessible label is the title and the property "reading", which says the same
 * in words; all of it is a table through plot_figure_make_table ().
 */
#define PLOT_TYPE_RESULT (plot_result_get_type ())
G_DECLARE_FINAL_TYPE (PlotResult, plot_result, PLOT, RESULT, GtkWidget)

/* Properties
 *   title         string   drawn in exports, spoken by the screen reader; ""
 *   reading       string   the result in words, for the screen reader; ""
 *   empty-text    string   what stands where there is nothing; ""
 *   selected      int      a box; -1 none; out of range is -1; two-way
 *   divider       double   0..1: what lies left of it is before; 0.5; two-way
 *   faded         boolean  drawn pale: not of what is set now; FALSE
 */

typedef enum
{
  PLOT_RESULT_PICTURE,
  PLOT_RESULT_BARS,
  PLOT_RESULT_WAVE,
  PLOT_RESULT_SERIES,
  PLOT_RESULT_TENSORS,
} PlotResultKind;

typedef struct
{
  double x, y;
  double score; /* below 0.5: hollow; NAN: none */
} PlotResultPoint;

typedef struct
{
  double x0, y0, x1, y1;
  const char *label; /* NULL: none */
  const char *value; /* "87 %", behind the label; NULL: none */
  guint color;       /* palette entry, wrapped */
  const PlotResultPoint *points;
  guint n_points;
} PlotResultBox;

typedef struct
{
  const char *label;
  double value;
} PlotResultBar;

typedef struct
{
  const char *name;
  const float *samples; /* -1 .. 1 at full scale; NAN is not drawn */
  gsize n_samples;
  double rate_hz;
} PlotResultWave;

typedef struct
{
  const char *name;
  const double *values;
  guint n_values;
} PlotResultSeries;

typedef struct
{
  const char *name;
  const char *detail; /* "f32 [1, 1000]" */
  double min, mean, max;
  const guint32 *bins; /* [n_bins] counts from min to max; NULL: unknown */
  guint n_bins;
  guint64 n_bad; /* values that are no numbers */
} PlotResultTensor;

/** Everything is copied; surfaces are referenced and must not change any more. */
typedef struct
{
  PlotResultKind kind;

  /* PICTURE */
  cairo_surface_t *picture, *after;     /* RGB24 or ARGB32; NULL: a plain ground of @aspect */
  const char *before_name, *after_name; /* NULL: "before", "after" */
  double aspect;                        /* width / height without a picture; 0: 1 */
  const PlotResultBox *boxes;
  guint n_boxes;
  const PlotResultPoint *points;
  guint n_points;
  const guint8 *edges; /* [2 * n_edges] indices of points */
  guint n_edges;
  const guint8 *mask; /* [mask_height, mask_width] over the whole picture; NULL: none */
  guint mask_width, mask_height;
  gboolean soft;                  /* @mask are shares of foreground (255: all), else classes */
  int clear_class;                /* class that is not drawn; -1: none */
  const char *const *class_names; /* [n_class_names]; later ones are "class 7" */
  guint n_class_names;

  /* BARS */
  const PlotResultBar *bars;
  guint n_bars;
  gboolean shares; /* values are 0..1, written in percent */

  /* WAVE, from top to bottom */
  const PlotResultWave *waves;
  guint n_waves;

  /* SERIES: value i is at start_s + i * step_s. */
  const PlotResultSeries *series;
  guint n_series;
  double start_s, step_s;

  double threshold; /* BARS and SERIES; NAN: none */

  /* TENSORS */
  const PlotResultTensor *tensors;
  guint n_tensors;
} PlotResultData;

GtkWidget *plot_result_new (void);

/** Replaces everything; NULL: nothing. The divider stays, the selection goes. O(data). */
void plot_result_set_data (PlotResult *self, const PlotResultData *data);
gboolean plot_result_is_empty (PlotResult *self);

int plot_result_get_selected (PlotResult *self);
void plot_result_set_selected (PlotResult *self, int box);
double plot_result_get_divider (PlotResult *self);
void plot_result_set_divider (PlotResult *self, double share);

/** Height that shows everything at a width: rows of bars and tensors, a legend; 0 where any height
 * does. */
double plot_result_get_wanted_height (PlotResult *self);

G_END_DECLS
