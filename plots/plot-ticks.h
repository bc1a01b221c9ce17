#pragma once

#include "plot-format.h"

G_BEGIN_DECLS

/** How an axis maps values to length. */
typedef enum
{
  PLOT_AXIS_LINEAR,
  PLOT_AXIS_LOG, /* decimal logarithm; values <= 0 have no place and are not drawn */
} PlotAxisKind;

#define PLOT_TICKS_MAX 64

/**
 * PlotTicks: the labelled and unlabelled ticks of a range, computed by plot_ticks_init () without
 * allocation. Labels of a linear axis share one exponent and one number of decimals, and the unit
 * stands once in the axis title; labels of a log axis each carry their unit.
 */
typedef struct
{
  PlotAxisKind kind;
  guint n_major;
  double major[PLOT_TICKS_MAX]; /* ascending, inside the range */
  guint n_minor;
  double minor[PLOT_TICKS_MAX * 8]; /* log axis: 2..9 between decades; linear: none */
  double step;                      /* linear: distance of major ticks; log: decades */
  int exponent;                     /* linear: common decimal exponent of the labels */
  int n_decimals;                   /* linear: decimals of the labels */
} PlotTicks;

/** Nice ticks (1, 2, 5 times a power of ten; Heckbert, Graphics Gems 1990) for lo < hi, at
 * most
 * @n_max major ones (2..PLOT_TICKS_MAX). A log range of less than a decade gets linear-looking
 * ticks. An empty or not finite range gives no ticks. O(number of ticks). */
void plot_ticks_init (PlotTicks *ticks, PlotAxisKind kind, double lo, double hi, guint n_max,
                      const PlotUnit *unit);

/** Label of major tick @i; new string. Linear: number only ("0.5"). Log: with unit ("10 µs"). */
char *plot_ticks_dup_label (const PlotTicks *ticks, guint i, const PlotUnit *unit);

/** The unit for the axis title ("ms", "MB"), "" on a log axis. Returns a new string. */
char *plot_ticks_dup_unit (const PlotTicks *ticks, const PlotUnit *unit);

/** Smallest nice number (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten) >= @value: an upper
 * end of an axis that starts at zero. @value <= 0 or not finite gives 1. */
double plot_nice_ceil (double value);

G_END_DECLS
