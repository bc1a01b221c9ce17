/* When a measurement has been repeated often enough. A pure rule: samples in, verdict out; the
 * studio's measuring loops, those of runners on boards and the simulated devices of the tests
 * follow this one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct
{
  double target_width; /* of the 95 % interval, as a fraction of the median: 0.05; 0: never narrow
                        * enough, the budget decides */
  double budget_s;     /* of all samples together; RT_REPEAT_FEWEST samples may take
                        * RT_REPEAT_OVERRUN times that, because without an interval a figure is
                        * worth little; INFINITY: no budget */
  uint32_t n_min;      /* independent samples (rt-series.h) before an interval is believed to be
                        * narrow */
  uint32_t n_max;      /* samples that are enough in any case; 0: no such number */
} RtRepeatRule;

typedef enum
{
  RT_REPEAT_MORE,   /* take another sample */
  RT_REPEAT_NARROW, /* the interval is as narrow as asked for */
  RT_REPEAT_BUDGET, /* another sample would not fit in the time */
  RT_REPEAT_ENOUGH, /* n_max samples */
  RT_N_REPEAT_VERDICTS
} RtRepeatVerdict;

/* The default rule for a person who waits. */
#define RT_REPEAT_TARGET_WIDTH 0.05
#define RT_REPEAT_BUDGET_S 3.0
#define RT_REPEAT_MIN 30
#define RT_REPEAT_FEWEST 7
#define RT_REPEAT_OVERRUN 3

/* A rule under way: the only state is when the interval is looked at next. */
typedef struct
{
  RtRepeatRule rule;
  uint32_t next_look; /* number of samples */
} RtRepeat;

void rt_repeat_init (RtRepeat *repeat, const RtRepeatRule *rule);

/* @samples [n] in order of time, warm-up included, those of earlier calls first; @n_budget of them
 * were taken in @spent_s, which is what the budget is compared with.
 *
 * The width is looked at only at a few numbers of samples (n_min, and then a quarter more each
 * time): stopping at the first moment of luck would make intervals that miss the true median more
 * often than they say (optional stopping; Armitage, McPherson and Rowe, Repeated significance tests
 * on accumulating data, JRSS A 132, 1969). tests/engine/test-honesty.c shows what coverage is left.
 * O(n log n) and 3 n numbers of memory at those numbers, O(1) elsewhere; without the memory no
 * interval is narrow and the budget decides. */
RtRepeatVerdict rt_repeat_decide (RtRepeat *repeat, const double *samples, uint32_t n,
                                  uint32_t n_budget, double spent_s);

/* "interval", "budget", "count": why a measurement ended, for records; "unfinished" while it goes
 * on or when it was stopped. */
const char *rt_repeat_verdict_name (RtRepeatVerdict verdict);

/* Samples at the start that are not counted: twice rt_warmup_length(), because an exponential
 * approach goes on below the fence that ends it for the eye; never more than half. @scratch:
 * [n]. */
uint32_t rt_repeat_warmup (const double *samples, uint32_t n, double *scratch);

/* Width of the 95 % interval over the median, of @samples as the studio's figures take them:
 * without the warm-up, as dependent as they are. *@n_independent (may be NULL): how many
 * independent ones say as much. NAN: fewer samples than an interval takes, or no memory. */
double rt_repeat_width (const double *samples, uint32_t n, double *n_independent);
