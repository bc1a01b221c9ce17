/* Intervals and tests of what was counted over samples: ratios of sums, shares, paired differences,
 * and a correction for looking at many groups at once. Knows nothing of models. Sources stand at
 * each function. */
#pragma once

#include "eng-figure.h"

G_BEGIN_DECLS

/* What one unit (a block of text, a question, a picture) adds to a metric: sum / n is the unit's
 * own mean. [0]: of the build, [1]: of the baseline. */
typedef struct
{
  guint group; /* domain or class */
  double sum[2], n[2];
} EngUnit;

/* Fewer units than this give a value without an interval. */
#define ENG_MIN_UNITS 6

/* P (|T| >= |t|) of Student's t with @dof degrees of freedom (Abramowitz and Stegun 1964, 26.7.1
 * and 26.5.8). */
double eng_t_two_sided (double t, double dof);
/* The t with P (|T| >= t) = 0.05. */
double eng_t_95 (double dof);

/* sum / n over all units of @group (-1: all), times @scale, with the interval of a ratio estimator
 * whose units are independent (Cochran, Sampling Techniques, 3rd edition 1977, equation 6.13,
 * without the correction for finite populations; stratified by group, chapter 5) and Student's t.
 * @which: 0 build, 1 baseline. */
EngFigure eng_ratio_figure (const EngUnit *units, guint n_units, int group, guint which,
                            double scale, const char *unit);

/* The same of the difference, build less baseline, of units that both have: paired. *@p: of no
 * difference (nullable). */
EngFigure eng_ratio_change (const EngUnit *units, guint n_units, int group, double scale,
                            const char *unit, double *p);

/* Units whose sums are hits of n tries, in %: Wilson's score interval (Wilson 1927, equation 4).
 * Where tries of one unit resemble each other the number of tries is divided by the design effect
 * (Kish, Survey Sampling 1965, section 8.2), never multiplied. */
EngFigure eng_share_figure (const EngUnit *units, guint n_units, int group, guint which);

/* One try a unit, both right or wrong: the difference of the two shares in percentage points with
 * the interval of Bonett and Price 2012 (J. Educ. Behav. Stat. 37, equation 5), and *@p of
 * McNemar's exact test (the binomial one on the discordant pairs). */
EngFigure eng_share_change (const EngUnit *units, guint n_units, int group, double *p);

/* A statistic of a resample: the units whose numbers are @indices [n]. NAN: not defined there. */
typedef double (*EngStatistic) (const guint *indices, guint n, guint which, gpointer data);
/* The statistic of all @n units and its percentile interval over 1000 resamples of units (Efron and
 * Tibshirani 1993, section 13.3), the same for the same @n. *@change and *@p (both nullable): build
 * less baseline on the same resamples; p is twice the smaller share of resamples on one side of
 * zero. */
EngFigure eng_bootstrap_figure (EngStatistic statistic, gpointer data, guint n, guint which,
                                double scale, const char *unit);
EngFigure eng_bootstrap_change (EngStatistic statistic, gpointer data, guint n, double scale,
                                const char *unit, double *p);

/* Holm's step-down procedure (Holm 1979): significant[i] when @p [i] is at a family-wise level of 5
 * %. NAN: not tested, does not count. */
void eng_holm (const double *p, guint n, gboolean *significant);

G_END_DECLS
