/* The search for blocks with two levels of scales: per group a small integer, per block a
 * half-precision unit. For each group several spacings of the code grid are tried and the fit with
 * the smallest weighted error stays (kn-quant-fit-private.h); then the group scales are rounded to
 * integers, the codes are chosen again for the rounded scales, and the block's units are refitted
 * to those codes. Where codes and scales are coarse, group scales and units are then improved in
 * turn: each step keeps what it found only when the error of the whole block became smaller.
 *
 * Called by the quantizers of the K formats and of those like them. Knows no bytes. */
#include "kn-quant-block-private.h"

/* Codes of one group and their weighted error. */
static inline float
affine_group (const float *x, const float *w, int n, float scale, float min, float max_code,
              uint8_t *q)
{
  const float inv = kn_safe_inverse (scale);
  KnFour error = { 0 };

  for (int j = 0; j < n; j += 4)
    {
      const KnFour v = kn_four_load (x + j);
      const KnFour code
          = kn_four_codes ((v + kn_four (min)) * kn_four (inv) + kn_four (0.5f), max_code);
      const KnFour e = kn_four (scale) * code - kn_four (min) - v;

      for (int k = 0; k < 4; k++)
        q[j + k] = (uint8_t)code[k];
      error += kn_four_load (w + j) * e * e;
    }
  return kn_four_sum (error);
}

static double
affine_codes (const KnAffineShape *s, const float *x, const float *w, KnAffineBlock *b)
{
  double error = 0;

  for (int g = 0, at = 0; at < s->n; g++, at += s->group)
    error += affine_group (x + at, w + at, s->group, b->d * (float)b->sc[g],
                           b->dmin * (float)b->mn[g], s->max_code, b->q + at);
  return error;
}

/* Least squares for the two units of the block, x = d (sc q) - dmin mn, with everything else fixed.
 */
static void
refit_affine (const KnAffineShape *s, const float *x, const float *w, KnAffineBlock *b)
{
  double aa = 0, am = 0, mm = 0, ax = 0, mx = 0, det;

  for (int i = 0; i < s->n; i++)
    {
      double a = (double)b->sc[i / s->group] * b->q[i], m = -(double)b->mn[i / s->group];

      aa += w[i] * a * a;
      am += w[i] * a * m;
      mm += w[i] * m * m;
      ax += w[i] * a * x[i];
      mx += w[i] * m * x[i];
    }
  det = aa * mm - am * am;
  if (mm == 0 && aa > 0)
    b->d = (float)(ax / aa);
  else if (det > 1e-9 * aa * mm)
    {
      b->d = (float)((mm * ax - am * mx) / det);
      b->dmin = (float)((aa * mx - am * ax) / det);
    }
  b->d = kn_f16_load (kn_f16_store (b->d));
  b->dmin = kn_f16_load (kn_f16_store (b->dmin));
}

/* For each group the pair (sc, mn) beside the present one with the smallest error. */
static void
improve_affine (const KnAffineShape *s, const float *x, const float *w, KnAffineBlock *b)
{
  for (int g = 0, at = 0; at < s->n; g++, at += s->group)
    {
      const int sc0 = b->sc[g], mn0 = b->mn[g];
      float best = INFINITY;

      for (int sc = sc0 - 1; sc <= sc0 + 1; sc++)
        for (int mn = mn0 - 1; mn <= mn0 + 1; mn++)
          {
            uint8_t q[KN_FIT_MAX];
            float error;

            if (sc < 0 || mn < 0 || sc > (int)s->max_sub || mn > (int)s->max_sub)
              continue;
            error = affine_group (x + at, w + at, s->group, b->d * (float)sc, b->dmin * (float)mn,
                                  s->max_code, q);
            if (error < best)
              {
                best = error;
                b->sc[g] = (uint8_t)sc;
                b->mn[g] = (uint8_t)mn;
              }
          }
    }
}

void
kn_quantize_affine_block (const KnAffineShape *s, const float *src, const float *weights,
                          KnAffineBlock *b)
{
  float x[KN_QK_K], w[KN_QK_K], max_scale = 0, max_min = 0;
  KnAffineBlock tried;
  KnFit fits[KN_BLOCK_GROUPS];
  double error;

  kn_quant_clean (src, x, (size_t)s->n);
  kn_block_weights (x, weights, s->n, s->group, w);
  for (int g = 0, at = 0; at < s->n; g++, at += s->group)
    {
      fits[g] = kn_fit_affine (x + at, w + at, s->group, s->max_code, 1, s->spacings);
      max_scale = fits[g].scale > max_scale ? fits[g].scale : max_scale;
      max_min = fits[g].min > max_min ? fits[g].min : max_min;
    }
  b->d = kn_f16_load (kn_f16_store (max_scale / s->max_sub));
  b->dmin = kn_f16_load (kn_f16_store (max_min / s->max_sub));
  for (int g = 0; g < s->n / s->group; g++)
    {
      b->sc[g] = (uint8_t)kn_clamped (fits[g].scale * kn_safe_inverse (b->d) + 0.5f, 0, s->max_sub);
      b->mn[g]
          = (uint8_t)kn_clamped (fits[g].min * kn_safe_inverse (b->dmin) + 0.5f, 0, s->max_sub);
    }
  error = affine_codes (s, x, w, b);

  for (int round = 0; round <= s->n_rounds; round++)
    {
      double now;

      tried = *b;
      if (round > 0)
        {
          improve_affine (s, x, w, &tried);
          affine_codes (s, x, w, &tried);
        }
      refit_affine (s, x, w, &tried);
      if (!(tried.d >= 0 && tried.dmin >= 0))
        return;
      now = affine_codes (s, x, w, &tried);
      if (!(now < error))
        return;
      error = now;
      *b = tried;
    }
}

/* ---- symmetric ---- */

/* Codes of one group and their weighted error. */
static inline float
symmetric_group (const float *x, const float *w, int n, float scale, float half, uint8_t *q)
{
  const float inv = kn_safe_inverse (scale);
  KnFour error = { 0 };

  for (int j = 0; j < n; j += 4)
    {
      const KnFour v = kn_four_load (x + j), code = kn_symmetric_four (v, inv, half);
      const KnFour e = kn_four (scale) * code - v;

      for (int k = 0; k < 4; k++)
        q[j + k] = (uint8_t)(code[k] + half);
      error += kn_four_load (w + j) * e * e;
    }
  return kn_four_sum (error);
}

static double
symmetric_codes (const KnSymmetricShape *s, const float *x, const float *w, KnSymmetricBlock *b)
{
  double error = 0;

  for (int g = 0, at = 0; at < s->n; g++, at += s->group)
    error
        += symmetric_group (x + at, w + at, s->group, b->d * (float)b->sub[g], s->half, b->q + at);
  return error;
}

static void
refit_symmetric (const KnSymmetricShape *s, const float *x, const float *w, KnSymmetricBlock *b)
{
  double aa = 0, ax = 0;

  for (int i = 0; i < s->n; i++)
    {
      double a = (double)b->sub[i / s->group] * ((double)b->q[i] - (double)s->half);

      aa += w[i] * a * a;
      ax += w[i] * a * x[i];
    }
  if (aa > 0)
    b->d = kn_f16_load (kn_f16_store ((float)(ax / aa)));
}

static void
improve_symmetric (const KnSymmetricShape *s, const float *x, const float *w, KnSymmetricBlock *b)
{
  for (int g = 0, at = 0; at < s->n; g++, at += s->group)
    {
      const int sub0 = b->sub[g];
      float best = INFINITY;

      for (int sub = sub0 - 2; sub <= sub0 + 2; sub++)
        {
          uint8_t q[KN_FIT_MAX];
          float error;

          if (sub < -(int)s->max_sub || sub >= (int)s->max_sub)
            continue;
          error = symmetric_group (x + at, w + at, s->group, b->d * (float)sub, s->half, q);
          if (error < best)
            {
              best = error;
              b->sub[g] = (int8_t)sub;
            }
        }
    }
}

void
kn_quantize_symmetric_block (const KnSymmetricShape *s, const float *src, const float *weights,
                             KnSymmetricBlock *b)
{
  float x[KN_QK_K], w[KN_QK_K], scales[KN_BLOCK_GROUPS], extreme = 0;
  double error;

  kn_quant_clean (src, x, (size_t)s->n);
  kn_block_weights (x, weights, s->n, s->group, w);
  for (int g = 0, at = 0; at < s->n; g++, at += s->group)
    {
      scales[g] = kn_fit_symmetric (x + at, w + at, s->group, s->half, s->spacings);
      extreme = fabsf (scales[g]) > fabsf (extreme) ? scales[g] : extreme;
    }
  b->d = kn_f16_load (kn_f16_store (extreme / -s->max_sub));
  for (int g = 0; g < s->n / s->group; g++)
    b->sub[g] = (int8_t)rintf (
        kn_clamped (scales[g] * kn_safe_inverse (b->d), -s->max_sub, s->max_sub - 1));
  error = symmetric_codes (s, x, w, b);

  for (int round = 0; round <= s->n_rounds; round++)
    {
      KnSymmetricBlock tried = *b;
      double now;

      if (round > 0)
        {
          improve_symmetric (s, x, w, &tried);
          symmetric_codes (s, x, w, &tried);
        }
      refit_symmetric (s, x, w, &tried);
      now = symmetric_codes (s, x, w, &tried);
      if (!(now < error))
        return;
      error = now;
      *b = tried;
    }
}
