/* When a measurement has been repeated often enough. A pure rule: samples in, verdict out; the
 * measuring loops and the simulated devices of the tests follow the same one. */
#pragma once

#include "eng-figure.h"

G_BEGIN_DECLS

typedef struct
{
  double target_width; /* of the 95 % interval, as a fraction of the median: 0.05; 0: never narrow
                        * enough, the budget decides */
  double budget_s;     /* of all samples together; ENG_REPEAT_FEWEST samples may take
                        * ENG_REPEAT_OVERRUN times that, because without an interval a figure is
                        * worth little; INFINITY: no budget */
  guint n_min;         /* independent samples (eng-series.h) before an interval is believed to be
                        * narrow */
  guint n_max;         /* samples that are enough in any case; 0: no such number */
} EngRepeatRule;

typedef enum
{
  ENG_REPEAT_MORE,   /* take another sample */
  ENG_REPEAT_NARROW, /* the interval is as narrow as asked for */
  ENG_REPEAT_BUDGET, /* another sample would not fit in the time */
  ENG_REPEAT_ENOUGH, /* n_max samples */
} EngRepeatVerdict;

/* The default rule for a person who waits. */
#define ENG_REPEAT_TARGET_WIDTH 0.05
#define ENG_REPEAT_BUDGET_S 3.0
#define ENG_REPEAT_MIN 30
#define ENG_REPEAT_FEWEST 7
#define ENG_REPEAT_OVERRUN 3

/* A rule under way: the only state is when the interval is looked at next. */
typedef struct
{
  EngRepeatRule rule;
  guint next_look; /* number of samples */
} EngRepeat;

void eng_repeat_init (EngRepeat *repeat, const EngRepeatRule *rule);

/* @samples [n] in order of time, warm-up included, those of earlier calls first; @n_budget of them
 * were taken in @spent_s, which is what the budget is compared with.
 *
 * The width is looked at only at a few numbers of samples (n_min, and then a quarter more each
 * time): stopping at the first moment of luck would make intervals that miss the true median more
 * often than they say (optional stopping; Armitage, McPherson and Rowe, Repeated significance tests
 * on accumulating data, JRSS A 132, 1969). tests/engine/test-honesty.c shows what coverage is left.
 * O(n log n) at those numbers, O(1) elsewhere. */
EngRepeatVerdict eng_repeat_decide (EngRepeat *repeat, const double *samples, guint n,
                                    guint n_budget, double spent_s);

/* "interval", "budget", "count": why a measurement ended, for records; "unfinished" while it goes
 * on or when it was stopped. */
const char *eng_repeat_verdict_name (EngRepeatVerdict verdict);

/* Samples at the start that are not counted: twice eng_warmup_length(), because an exponential
 * approach goes on below the fence that ends it for the eye; never more than half. */
guint eng_repeat_warmup (const double *samples, guint n);

/* The figure of @samples in order of time, as the rule sees it: without the warm-up, with the
 * interval of dependent samples (eng-series.h). @scale and @reciprocal turn a sample into @unit:
 * scale * x or scale / x. */
EngFigure eng_repeat_figure (const double *samples, guint n, double scale, gboolean reciprocal,
                             const char *unit, const char *why_none);

G_END_DECLS
