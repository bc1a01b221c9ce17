/* The difference of two figures, as an expert wants to read it: how much, how sure, and whether
 * that is good. */
#pragma once

#include "eng-figure.h"

G_BEGIN_DECLS

typedef enum
{
  ENG_CHANGE_NONE, /* cannot be said; see the reason */
  ENG_CHANGE_SAME, /* the interval of the change holds zero: no clear difference */
  ENG_CHANGE_BETTER,
  ENG_CHANGE_WORSE,
} EngVerdict;

typedef struct
{
  EngVerdict verdict;
  double frac;        /* after / before - 1; NAN for ENG_CHANGE_NONE */
  double low, high;   /* 95 % interval of it; NAN where one of the two has no interval */
  gboolean points;    /* of shares: these three are after - before, 0.01 is a percentage point */
  const char *reason; /* static or interned, for ENG_CHANGE_NONE, or a caveat */
} EngChange;

/* From @before to @after; both are medians (or shares) with 95 % intervals, measured independently
 * of each other. Shares ("%") differ by points, everything else by a ratio. The interval is built
 * from the two intervals by the method of variance estimates recovery, for ratios in logarithms
 * (see the .c); figures that are exact have intervals of no width, and then so has the change. */
EngChange eng_change (const EngFigure *before, const EngFigure *after, gboolean lower_is_better);

/* Whether the change is clear: its interval leaves out zero. FALSE where there is no interval. */
gboolean eng_change_is_clear (const EngChange *change);
const char *
eng_verdict_name (EngVerdict verdict); /* "better", "worse", "same", "unknown": for JSON and CSV */

/* The sum of @n figures that were measured together: what is added is the median and both ends,
 * which holds however they vary with each other (the interval of a sum of independent ones would be
 * narrower, but the operators of one pass share its clock and its neighbours). Unavailable when
 * none is available; those that are not are left out. Exact figures sum up exactly. */
EngFigure eng_figure_sum (const EngFigure *figures, guint n, const char *unit);

G_END_DECLS
