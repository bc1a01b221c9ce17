/* The one scale of a whole row, searched. Called where a row is rounded column by column; knows of
 * a format how many codes it has. */
#include "eng-rounding.h"

#include <math.h>

#define LANES 8
#define N_SCALES 48
#define TINY 0x1p-100f

/* Sums over a row at one scale, in fixed lanes: the same bits from every compiler. */
typedef struct
{
  float error;
  float refit; /* the scale that suits these codes best */
} RowFit;

/* @x, @costs: [n], a multiple of LANES; @below, @above: the codes' range around 0. */
static RowFit
fit_row (const float *x, const float *costs, gsize n, float below, float above, float scale)
{
  float errors[LANES] = { 0 }, products[LANES] = { 0 }, squares[LANES] = { 0 };
  float inverse = 1 / scale, error = 0, product = 0, square = 0;

  for (gsize i = 0; i < n; i += LANES)
    for (gsize l = 0; l < LANES; l++)
      {
        float code = x[i + l] * inverse;
        code = code < below ? below : code > above ? above : code;
        code = (code + 12582912.0f) - 12582912.0f; /* to nearest, without a function */
        float e = x[i + l] - scale * code;
        errors[l] += costs[i + l] * e * e;
        products[l] += costs[i + l] * x[i + l] * code;
        squares[l] += costs[i + l] * code * code;
      }
  for (gsize l = 0; l < LANES; l++)
    {
      error += errors[l];
      product += products[l];
      square += squares[l];
    }
  return (RowFit){ error, square > 0 ? product / square : scale };
}

/* Scales of either sign and many sizes below the one at which the extreme just has a code, then
 * from the best of them downhill, codes and scale in turn. */
float
eng_search_row_scale (const KnGridInfo *grid, const float *x, const float *costs, gsize n,
                      float scale)
{
  float below = -(float)(grid->n_codes / 2), above = (float)(grid->n_codes - 1) + below, top = 0;

  for (gsize i = 0; i < n; i++)
    top = fabsf (x[i]) > top ? fabsf (x[i]) : top;
  if (!(top > TINY && isfinite (top) && fabsf (scale) > TINY))
    return scale;
  RowFit best = fit_row (x, costs, n, below, above, scale);
  for (int k = 0; k < 2 * N_SCALES; k++)
    {
      float share = 1.15f - 0.8f * (float)(k / 2) / N_SCALES;
      float other = (k % 2 == 0 ? top : -top) * share / above;
      RowFit fit = fit_row (x, costs, n, below, above, other);
      if (fit.error < best.error)
        {
          best = fit;
          scale = other;
        }
    }
  for (guint step = 0; step < 8 && fabsf (best.refit) > TINY; step++)
    {
      RowFit fit = fit_row (x, costs, n, below, above, best.refit);
      if (!(fit.error < best.error))
        break;
      scale = best.refit;
      best = fit;
    }
  return scale;
}
