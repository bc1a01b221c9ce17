/* Ridge regression over few samples, with bands that know how far a prediction is from what was
 * seen. Numbers alone; eng-board-calibration.c says what they mean. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define ENG_BOARD_MAX_FEATURES 32
#define ENG_BOARD_MAX_COEFFICIENTS (1 + ENG_BOARD_MAX_FEATURES)

/* y = coefficients[0] + coefficients[1..] . x, the latter drawn to 0 as if each were drawn from a
 * normal distribution with a variance of 1 / lambda times that of what is left over. So the
 * variance of a prediction at x is that of what is left over times 1 + h (x), with
 *     h (x) = (1, x)' (X'X + lambda I)^-1 (1, x),
 * the leverage: large where few samples were like x. */
typedef struct
{
  guint n_features;
  double lambda;
  double coefficients[ENG_BOARD_MAX_COEFFICIENTS];
  double factor[ENG_BOARD_MAX_COEFFICIENTS][ENG_BOARD_MAX_COEFFICIENTS]; /* Cholesky's, lower */
  double band; /* nine samples out of ten are within band * sqrt (1 + h) */
} EngBoardFit;

/* Samples y [n], x [n][n_features]. Every sample is predicted without itself (@left_out [n]);
 * lambda is the one under which those predictions are likeliest, each with its own 1 + h; the band
 * is the ceil (0.9 (n + 1))-th smallest (the largest, of 8 or fewer) of what they were off by over
 * sqrt (1 + h), times sqrt (1 + 4 / n) for the choice of lambda: a conformal interval with
 * normalized residuals (Vovk, Gammerman and Shafer 2005, "Algorithmic Learning in a Random World",
 * section 2.3), by leaving out. 10 n^2 p^2. */
void eng_board_fit (EngBoardFit *fit, const double *x, const double *y, guint n, guint n_features,
                    double *left_out);
double eng_board_fit_expect (const EngBoardFit *fit, const double *x);
double eng_board_fit_leverage (const EngBoardFit *fit, const double *x); /* h */

/* With a given @lambda; @left_out: a row that does not count; n: none. The band is 0. */
void eng_board_ridge (EngBoardFit *fit, const double *x, const double *y, guint n, guint n_features,
                      guint left_out, double lambda);

G_END_DECLS
