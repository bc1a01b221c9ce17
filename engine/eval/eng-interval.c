/* Statistics of evaluations. Called by the metrics; pure arithmetic. */
#include "eval/eng-interval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define Z 1.959963984540054 /* of the normal distribution, 97.5 % */
#define N_RESAMPLES 1000

static const char few_units[] = "fewer than 6 independent samples: no interval";

/* ---- Student's t ---- */

/* Regularised incomplete beta function by its continued fraction (Abramowitz and Stegun 26.5.8),
 * evaluated from the front (Lentz 1976). */
static double
beta_fraction (double a, double b, double x)
{
  const double tiny = 1e-300;
  double c = 1, d = 1 - (a + b) * x / (a + 1);
  d = 1 / (fabs (d) < tiny ? tiny : d);
  double value = d;
  for (int m = 1; m < 500; m++)
    {
      double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
      double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
      for (int k = 0; k < 2; k++)
        {
          double term = k == 0 ? even : odd;
          d = 1 + term * d;
          d = 1 / (fabs (d) < tiny ? tiny : d);
          c = 1 + term / c;
          c = fabs (c) < tiny ? tiny : c;
          value *= c * d;
        }
      if (fabs (c * d - 1) < 1e-15)
        break;
    }
  return value;
}

static double
incomplete_beta (double a, double b, double x)
{
  if (x <= 0 || x >= 1)
    return x <= 0 ? 0 : 1;
  double front = exp (lgamma (a + b) - lgamma (a) - lgamma (b) + a * log (x) + b * log1p (-x));
  if (x < (a + 1) / (a + b + 2))
    return front * beta_fraction (a, b, x) / a;
  return 1 - front * beta_fraction (b, a, 1 - x) / b;
}

double
eng_t_two_sided (double t, double dof)
{
  return incomplete_beta (dof / 2, 0.5, dof / (dof + t * t));
}

double
eng_t_95 (double dof)
{
  double low = 1, high = 1000;
  for (int i = 0; i < 60; i++)
    {
      double middle = (low + high) / 2;
      *(eng_t_two_sided (middle, dof) > 0.05 ? &low : &high) = middle;
    }
  return (low + high) / 2;
}

/* ---- Ratios ---- */

typedef struct
{
  guint n_units;
  double sum, n;
  double ratio, error; /* standard error; NAN: too few units */
} Ratio;

static gboolean
is_in (const EngUnit *unit, int group, guint which)
{
  return (group < 0 || unit->group == (guint)group) && unit->n[which] > 0;
}

static double
sum_of (const EngUnit *unit, guint which, gboolean paired)
{
  return paired ? unit->sum[0] - unit->sum[1] : unit->sum[which];
}

/* Squares of what the ratio leaves, each group about its own mean: which domains or classes a set
 * has is chosen, not drawn, so that they differ does not make the whole uncertain. A group of one
 * unit stays about zero. */
static double
residual_squares (const EngUnit *units, guint n_units, const gboolean *used, const Ratio *ratio,
                  guint which, gboolean paired)
{
  guint n_groups = 0;
  double variance = 0;

  for (guint i = 0; i < n_units; i++)
    n_groups = MAX (n_groups, units[i].group + 1);
  g_autofree double *sums = g_new0 (double, MAX (n_groups, 1));
  g_autofree double *squares = g_new0 (double, MAX (n_groups, 1));
  g_autofree guint *n = g_new0 (guint, MAX (n_groups, 1));
  for (guint i = 0; i < n_units; i++)
    if (used[i])
      {
        double residual = sum_of (&units[i], which, paired) - ratio->ratio * units[i].n[which];
        sums[units[i].group] += residual;
        squares[units[i].group] += residual * residual;
        n[units[i].group]++;
      }
  for (guint g = 0; g < n_groups; g++)
    if (n[g] > 1)
      variance += MAX (0, squares[g] - sums[g] * sums[g] / n[g]) * n[g] / (n[g] - 1);
    else
      variance += squares[g];
  return variance;
}

/* @paired: of the differences of the sums, over units that both have. */
static Ratio
take_ratio (const EngUnit *units, guint n_units, int group, guint which, gboolean paired)
{
  Ratio ratio = { .error = NAN };
  g_autofree gboolean *used = g_new0 (gboolean, MAX (n_units, 1));

  for (guint i = 0; i < n_units; i++)
    {
      used[i] = is_in (&units[i], group, which) && (!paired || units[i].n[1] > 0);
      if (!used[i])
        continue;
      ratio.n_units++;
      ratio.n += units[i].n[which];
      ratio.sum += sum_of (&units[i], which, paired);
    }
  ratio.ratio = ratio.sum / ratio.n;
  if (ratio.n_units >= ENG_MIN_UNITS)
    ratio.error = sqrt (residual_squares (units, n_units, used, &ratio, which, paired)) / ratio.n;
  return ratio;
}

static EngFigure
figure_of (const Ratio *ratio, double scale, const char *unit)
{
  if (ratio->n_units == 0)
    return eng_figure_unavailable (unit, "no samples");
  EngFigure figure = { .available = TRUE,
                       .value = scale * ratio->ratio,
                       .low = NAN,
                       .high = NAN,
                       .n = (guint)ratio->n,
                       .unit = unit,
                       .reason = few_units };
  if (isnan (ratio->error))
    return figure;
  double half = eng_t_95 (ratio->n_units - 1) * ratio->error;
  figure.low = scale * (ratio->ratio - half);
  figure.high = scale * (ratio->ratio + half);
  figure.reason = NULL;
  return figure;
}

EngFigure
eng_ratio_figure (const EngUnit *units, guint n_units, int group, guint which, double scale,
                  const char *unit)
{
  Ratio ratio = take_ratio (units, n_units, group, which, FALSE);
  return figure_of (&ratio, scale, unit);
}

EngFigure
eng_ratio_change (const EngUnit *units, guint n_units, int group, double scale, const char *unit,
                  double *p)
{
  Ratio ratio = take_ratio (units, n_units, group, 0, TRUE);
  if (p != NULL)
    *p = isnan (ratio.error) ? NAN
         : ratio.error > 0   ? eng_t_two_sided (ratio.ratio / ratio.error, ratio.n_units - 1)
         : ratio.ratio == 0  ? 1
                             : 0;
  return figure_of (&ratio, scale, unit);
}

/* ---- Shares ---- */

/* Of @n tries, which need not be whole: of so many independent ones they are worth. */
static EngFigure
wilson (double p, double n)
{
  double z2 = Z * Z / n, middle = (p + z2 / 2) / (1 + z2);
  double half = Z * sqrt (p * (1 - p) / n + z2 / (4 * n)) / (1 + z2);

  return (EngFigure){ .available = TRUE,
                      .value = 100 * p,
                      .low = 100 * MAX (0, middle - half),
                      .high = 100 * MIN (1, middle + half),
                      .n = (guint)n,
                      .unit = "%" };
}

EngFigure
eng_figure_share (guint n_hits, guint n)
{
  return n > 0 ? wilson ((double)n_hits / n, n) : eng_figure_unavailable ("%", "no samples");
}

EngFigure
eng_share_figure (const EngUnit *units, guint n_units, int group, guint which)
{
  Ratio ratio = take_ratio (units, n_units, group, which, FALSE);
  if (ratio.n_units == 0)
    return eng_figure_unavailable ("%", "no samples");
  double p = ratio.ratio, n = ratio.n;
  double binomial = p * (1 - p) / n;
  if (n > ratio.n_units && isfinite (ratio.error) && binomial > 0)
    n /= MAX (1, ratio.error * ratio.error / binomial);
  EngFigure figure = wilson (p, n);
  figure.n = (guint)ratio.n;
  return figure;
}

/* Twice the smaller tail of a binomial with 1/2, at most 1. */
static double
sign_test (guint a, guint b)
{
  guint n = a + b, few = MIN (a, b);
  double tail = 0;
  for (guint k = 0; k <= few; k++)
    tail += exp (lgamma (n + 1.0) - lgamma (k + 1.0) - lgamma (n - k + 1.0) - n * G_LN2);
  return MIN (1, 2 * tail);
}

EngFigure
eng_share_change (const EngUnit *units, guint n_units, int group, double *p)
{
  guint n = 0, won = 0, lost = 0;

  for (guint i = 0; i < n_units; i++)
    if (is_in (&units[i], group, 0) && units[i].n[1] > 0)
      {
        n++;
        won += units[i].sum[0] > units[i].sum[1];
        lost += units[i].sum[0] < units[i].sum[1];
      }
  if (p != NULL)
    *p = n == 0 ? NAN : sign_test (won, lost);
  if (n == 0)
    return eng_figure_unavailable ("pp", "no samples");
  double m = n + 2.0, gain = (won + 1) / m, loss = (lost + 1) / m;
  double half = Z * sqrt ((gain + loss - (gain - loss) * (gain - loss)) / m);
  return (EngFigure){ .available = TRUE,
                      .value = 100 * ((double)won - lost) / n,
                      .low = 100 * MAX (-1, gain - loss - half),
                      .high = 100 * MIN (1, gain - loss + half),
                      .n = n,
                      .unit = "pp" };
}

/* ---- Bootstrap ---- */

/* Marsaglia 2003, "Xorshift RNGs", with the multiplication of Vigna 2016. */
static guint64
next_random (guint64 *state)
{
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * G_GUINT64_CONSTANT (0x2545f4914f6cdd1d);
}

static int
compare_doubles (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* @which 2: the difference. */
static double
evaluate (EngStatistic statistic, const guint *indices, guint n, guint which, gpointer data)
{
  if (which < 2)
    return statistic (indices, n, which, data);
  return statistic (indices, n, 0, data) - statistic (indices, n, 1, data);
}

static EngFigure
bootstrap (EngStatistic statistic, gpointer data, guint n, guint which, double scale,
           const char *unit, double *p)
{
  g_autofree guint *indices = g_new (guint, MAX (n, 1));
  g_autofree double *values = g_new (double, N_RESAMPLES);
  guint64 state = 88172645463325252ull;
  guint n_values = 0, below = 0, above = 0;

  if (p != NULL)
    *p = NAN;
  for (guint i = 0; i < n; i++)
    indices[i] = i;
  double value = n > 0 ? evaluate (statistic, indices, n, which, data) : NAN;
  if (!isfinite (value))
    return eng_figure_unavailable (unit, "no samples");
  EngFigure figure = { .available = TRUE,
                       .value = scale * value,
                       .low = NAN,
                       .high = NAN,
                       .n = n,
                       .unit = unit,
                       .reason = few_units };
  if (n < ENG_MIN_UNITS)
    return figure;
  for (guint r = 0; r < N_RESAMPLES; r++)
    {
      for (guint i = 0; i < n; i++)
        indices[i] = (guint)(next_random (&state) % n);
      double at = evaluate (statistic, indices, n, which, data);
      if (!isfinite (at))
        continue;
      values[n_values++] = at;
      below += at <= 0;
      above += at >= 0;
    }
  if (n_values < N_RESAMPLES / 2)
    return figure;
  qsort (values, n_values, sizeof *values, compare_doubles);
  figure.low = scale * eng_quantile_sorted (values, n_values, 0.025);
  figure.high = scale * eng_quantile_sorted (values, n_values, 0.975);
  figure.reason = NULL;
  if (p != NULL)
    *p = MIN (1, 2.0 * (MIN (below, above) + 1) / (n_values + 1));
  return figure;
}

EngFigure
eng_bootstrap_figure (EngStatistic statistic, gpointer data, guint n, guint which, double scale,
                      const char *unit)
{
  return bootstrap (statistic, data, n, which, scale, unit, NULL);
}

EngFigure
eng_bootstrap_change (EngStatistic statistic, gpointer data, guint n, double scale,
                      const char *unit, double *p)
{
  return bootstrap (statistic, data, n, 2, scale, unit, p);
}

/* ---- Many groups ---- */

static int
compare_p (const void *a, const void *b, gpointer p)
{
  return compare_doubles ((const double *)p + *(const guint *)a,
                          (const double *)p + *(const guint *)b);
}

void
eng_holm (const double *p, guint n, gboolean *significant)
{
  g_autofree guint *order = g_new (guint, MAX (n, 1));
  guint tested = 0;

  memset (significant, 0, n * sizeof *significant);
  for (guint i = 0; i < n; i++)
    if (!isnan (p[i]))
      order[tested++] = i;
  g_qsort_with_data (order, (int)tested, sizeof *order, compare_p, (gpointer)p);
  for (guint k = 0; k < tested && p[order[k]] <= 0.05 / (tested - k); k++)
    significant[order[k]] = TRUE;
}
