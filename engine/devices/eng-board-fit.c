/* The arithmetic of calibrations: least squares drawn to 0, and bands from samples left out. Called
 * by eng-board-calibration.c and tests; knows no layers and no boards. */
#include "eng-board-fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define N_MAX ENG_BOARD_MAX_COEFFICIENTS

/* Strengths of the draw to 0. Weaker ones follow the noise of ten samples. */
static const double lambdas[] = { 0.3, 1, 3, 10, 30, 100, 1000 };

/* The strength was chosen by the same samples, which flatters them: of n, as many less count. On
 * simulated boards bands hold 80 % with 10 samples without it, 90 % with it. */
#define N_SPENT 4

/* What is left over of exact laws: so that a likelihood stays finite. */
#define LEAST_VARIANCE 1e-12

/* ---- symmetric positive definite systems ---- */

/* In place: the lower triangle of L with L L' = a (Cholesky). */
static void
factorize (double a[N_MAX][N_MAX], guint n)
{
  for (guint i = 0; i < n; i++)
    for (guint j = 0; j <= i; j++)
      {
        double sum = a[i][j];
        for (guint k = 0; k < j; k++)
          sum -= a[i][k] * a[j][k];
        a[i][j] = i == j ? sqrt (fmax (sum, 1e-12)) : sum / a[j][j];
      }
}

/* b becomes L^-1 b. */
static void
solve_lower (const double l[N_MAX][N_MAX], double *b, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      for (guint k = 0; k < i; k++)
        b[i] -= l[i][k] * b[k];
      b[i] /= l[i][i];
    }
}

/* b becomes L'^-1 b. */
static void
solve_upper (const double l[N_MAX][N_MAX], double *b, guint n)
{
  for (guint i = n; i-- > 0;)
    {
      for (guint k = i + 1; k < n; k++)
        b[i] -= l[k][i] * b[k];
      b[i] /= l[i][i];
    }
}

/* ---- ridge regression ---- */

void
eng_board_ridge (EngBoardFit *fit, const double *x, const double *y, guint n, guint n_features,
                 guint left_out, double lambda)
{
  const guint n_all = 1 + n_features;

  g_return_if_fail (n_features <= ENG_BOARD_MAX_FEATURES);
  *fit = (EngBoardFit){ .n_features = n_features, .lambda = lambda };
  for (guint r = 0; r < n; r++)
    {
      double row[N_MAX] = { 1 };
      if (r == left_out)
        continue;
      memcpy (row + 1, x + r * n_features, n_features * sizeof *x);
      for (guint i = 0; i < n_all; i++)
        {
          fit->coefficients[i] += row[i] * y[r];
          for (guint j = 0; j < n_all; j++)
            fit->factor[i][j] += row[i] * row[j];
        }
    }
  for (guint i = 1; i < n_all; i++)
    fit->factor[i][i] += lambda;
  factorize (fit->factor, n_all);
  solve_lower (fit->factor, fit->coefficients, n_all);
  solve_upper (fit->factor, fit->coefficients, n_all);
}

double
eng_board_fit_expect (const EngBoardFit *fit, const double *x)
{
  double sum = fit->coefficients[0];

  for (guint i = 0; i < fit->n_features; i++)
    sum += fit->coefficients[1 + i] * x[i];
  return sum;
}

double
eng_board_fit_leverage (const EngBoardFit *fit, const double *x)
{
  double b[N_MAX] = { 1 }, sum = 0;

  memcpy (b + 1, x, fit->n_features * sizeof *x);
  solve_lower (fit->factor, b, 1 + fit->n_features);
  for (guint i = 0; i <= fit->n_features; i++)
    sum += b[i] * b[i];
  return sum;
}

/* ---- leaving out ---- */

/* Minus twice the logarithm of the likelihood of the samples, each predicted without itself, over
 * n, but for what does not depend on lambda. @errors [n] (nullable): what each is off by over
 * sqrt (1 + h). */
static double
leave_out (const double *x, const double *y, guint n, guint p, double lambda, double *left_out,
           double *errors)
{
  double squares = 0, logs = 0;

  for (guint r = 0; r < n; r++)
    {
      EngBoardFit fit;
      eng_board_ridge (&fit, x, y, n, p, r, lambda);
      double variance = 1 + eng_board_fit_leverage (&fit, x + r * p);
      left_out[r] = eng_board_fit_expect (&fit, x + r * p);
      squares += (left_out[r] - y[r]) * (left_out[r] - y[r]) / variance;
      logs += log (variance);
      if (errors != NULL)
        errors[r] = fabs (left_out[r] - y[r]) / sqrt (variance);
    }
  return log (fmax (squares / n, LEAST_VARIANCE)) + logs / n;
}

static int
by_value (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

void
eng_board_fit (EngBoardFit *fit, const double *x, const double *y, guint n, guint n_features,
               double *left_out)
{
  g_autofree double *errors = g_new (double, n);
  double best = INFINITY, lambda = lambdas[0];

  g_return_if_fail (n > 0);
  for (guint i = 0; i < G_N_ELEMENTS (lambdas); i++)
    {
      double score = leave_out (x, y, n, n_features, lambdas[i], left_out, NULL);
      if (score < best)
        {
          best = score;
          lambda = lambdas[i];
        }
    }
  leave_out (x, y, n, n_features, lambda, left_out, errors);
  eng_board_ridge (fit, x, y, n, n_features, n, lambda);
  qsort (errors, n, sizeof *errors, by_value);
  fit->band = errors[MIN ((guint)ceil (0.9 * (n + 1)), n) - 1] * sqrt ((n + N_SPENT) / (double)n);
}
