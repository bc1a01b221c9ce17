/* The Pareto front of points that are known within intervals: which points no other beats in both
 * figures. */
#pragma once

#include "eng-figure.h"

G_BEGIN_DECLS

typedef enum
{
  ENG_PARETO_NONE,      /* takes no part: an estimate, or without one of the figures */
  ENG_PARETO_FRONT,     /* no other point's medians are as good in both figures and better in one */
  ENG_PARETO_UNDECIDED, /* beaten by medians, but by no point beyond the intervals */
  ENG_PARETO_DOMINATED, /* beaten whatever the true values within the intervals are */
} EngParetoState;

/* "none", "front", "undecided", "dominated" */
const char *eng_pareto_state_name (EngParetoState state);

/* Fills states[i] for the @n points (x[i], y[i]), and beaten_by[i] (may be NULL) with the index of
 * a point that beats it (the certain one where there is one), -1 when none does. Points that lack a
 * figure get ENG_PARETO_NONE. Equal points share their state. A figure without an interval (too few
 * samples) may lie anywhere: nothing is certain about it; an exact one is an interval of no width.
 * O(n²). */
void eng_pareto (const EngFigure *x, const EngFigure *y, guint n, gboolean x_lower_is_better,
                 gboolean y_lower_is_better, EngParetoState *states, int *beaten_by);

G_END_DECLS
