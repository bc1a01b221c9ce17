#pragma once

#include "plot-marks-private.h"
#include "plot-text-private.h"

G_BEGIN_DECLS

/* The tooltip: a title and rows of [swatch, label, value, detail, note], drawn as an overlay.
 *
 *   Block 3                              title
 *   blk.3 · attention                    subtitle, dim
 *   [#] Latency, decode  1.52 ms  1.41–1.63 ms  −12 %
 */
typedef struct _PlotCard PlotCard;

typedef enum
{
  PLOT_CARD_NO_SWATCH,
  PLOT_CARD_BOX,   /* pattern */
  PLOT_CARD_SHAPE, /* shape */
  PLOT_CARD_LINE,  /* dash */
  PLOT_CARD_GHOST, /* the baseline of lanes: a faint box with a top */
} PlotCardSwatch;

typedef enum
{
  PLOT_NOTE_NEUTRAL,
  PLOT_NOTE_GOOD, /* said in a word behind the note */
  PLOT_NOTE_BAD,
} PlotNote;

typedef struct
{
  PlotCardSwatch swatch;
  guint color_index; /* palette; used when @color is fully transparent */
  GdkRGBA color;
  PlotPattern pattern;
  PlotShape shape;
  guint dash;
  PlotState state;
  const char *label; /* strings are copied; NULL is "" */
  const char *value;
  const char *detail; /* dim: interval */
  const char *note;   /* difference */
  PlotNote note_kind;
} PlotCardRow;

PlotCard *plot_card_new (const char *title, const char *subtitle);
void plot_card_free (PlotCard *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PlotCard, plot_card_free)

void plot_card_add_row (PlotCard *self, const PlotCardRow *row);

/** Size needed. Where @max_width_px does not hold all, intervals go first, then labels are cut. */
void plot_card_measure (PlotCard *self, PlotText *text, double max_width_px, double *width_px,
                        double *height_px);

/** Place for a card of w x h beside (px, py): right of it, else left; inside 0..W, 0..H as far as
 * it fits. Pure. */
void plot_card_place (double px, double py, double w, double h, double total_w, double total_h,
                      double *x, double *y);

void plot_card_draw (PlotCard *self, cairo_t *cr, PlotText *text, const PlotStyle *style, double x,
                     double y);

/** A swatch in a box of 18 x 12 at (x, y): also for legends. */
void plot_swatch_draw (cairo_t *cr, const PlotCardRow *row, const PlotStyle *style, double x,
                       double y);

G_END_DECLS
