/* From f32 to the K formats. A block of 256 has two levels of scales: per group a small integer,
 * per block a half-precision unit. For each group we try several spacings of the code grid, round
 * the values to codes, solve the weighted least-squares problem for the group's scale (and offset),
 * and keep the fit with the smallest error; then the group scales are rounded to integers, the
 * codes are chosen again for the rounded scales, and the block's units are refitted to those codes.
 *
 * Weights: an error on a large value costs more than on a small one, w = rms + |x|. */
#include "kn-quant-fit-private.h"

/* From one code less than the range holds to one more. */
static const KnSpacings spacings = { -1, 1, 17, 0 };

typedef struct
{
  float d, dmin;
  uint8_t sc[8], mn[8];
  uint8_t q[256];
} AffineBlock;

static void
affine_codes (const float *x, float max_code, AffineBlock *b)
{
  for (int g = 0; g < 8; g++)
    {
      float inv = kn_safe_inverse (b->d * (float)b->sc[g]), min = b->dmin * (float)b->mn[g];

      for (int j = 0; j < 32; j++)
        b->q[32 * g + j] = (uint8_t)kn_clamped ((x[32 * g + j] + min) * inv + 0.5f, 0, max_code);
    }
}

static double
affine_error (const float *x, const float *w, const AffineBlock *b)
{
  double error = 0;

  for (int g = 0; g < 8; g++)
    {
      float s = b->d * (float)b->sc[g], m = b->dmin * (float)b->mn[g], sum = 0;

      for (int j = 32 * g; j < 32 * g + 32; j++)
        {
          float e = s * (float)b->q[j] - m - x[j];
          sum += w[j] * e * e;
        }
      error += sum;
    }
  return error;
}

/* Least squares for the two units of the block, x = d (sc q) - dmin mn, with everything else fixed.
 */
static void
refit_units (const float *x, const float *w, const AffineBlock *b, AffineBlock *out)
{
  double aa = 0, am = 0, mm = 0, ax = 0, mx = 0, det;

  for (int i = 0; i < 256; i++)
    {
      double a = (double)b->sc[i / 32] * b->q[i], m = -(double)b->mn[i / 32];

      aa += w[i] * a * a;
      am += w[i] * a * m;
      mm += w[i] * m * m;
      ax += w[i] * a * x[i];
      mx += w[i] * m * x[i];
    }
  *out = *b;
  det = aa * mm - am * am;
  if (mm == 0 && aa > 0)
    out->d = (float)(ax / aa);
  else if (det > 1e-9 * aa * mm)
    {
      out->d = (float)((mm * ax - am * mx) / det);
      out->dmin = (float)((aa * mx - am * ax) / det);
    }
  out->d = kn_f16_load (kn_f16_store (out->d));
  out->dmin = kn_f16_load (kn_f16_store (out->dmin));
}

static void
quantize_affine (const float *src, const float *weights, float max_code, AffineBlock *b)
{
  float x[256], w[256], max_scale = 0, max_min = 0;
  AffineBlock refit;
  KnFit fits[8];

  kn_quant_clean (src, x, 256);
  kn_block_weights (x, weights, 256, 32, w);
  for (int g = 0; g < 8; g++)
    {
      fits[g] = kn_fit_affine (x + 32 * g, w + 32 * g, 32, max_code, 1, spacings);
      max_scale = fits[g].scale > max_scale ? fits[g].scale : max_scale;
      max_min = fits[g].min > max_min ? fits[g].min : max_min;
    }
  b->d = kn_f16_load (kn_f16_store (max_scale / 63));
  b->dmin = kn_f16_load (kn_f16_store (max_min / 63));
  for (int g = 0; g < 8; g++)
    {
      b->sc[g] = (uint8_t)kn_clamped (fits[g].scale * kn_safe_inverse (b->d) + 0.5f, 0, 63);
      b->mn[g] = (uint8_t)kn_clamped (fits[g].min * kn_safe_inverse (b->dmin) + 0.5f, 0, 63);
    }
  affine_codes (x, max_code, b);

  refit_units (x, w, b, &refit);
  if (refit.d >= 0 && refit.dmin >= 0)
    {
      affine_codes (x, max_code, &refit);
      if (affine_error (x, w, &refit) < affine_error (x, w, b))
        *b = refit;
    }
}

static void
put_nibble_pairs (const uint8_t q[256], uint8_t qs[128])
{
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 32; j++)
      qs[32 * i + j] = (uint8_t)((q[64 * i + j] & 15) | (q[64 * i + 32 + j] & 15) << 4);
}

void
kn_quantize_q4_k (const float *src, const float *weights, void *dst, size_t n)
{
  KnBlockQ4_K *b = dst;

  for (size_t i = 0; i < n / KN_QK_K; i++, b++, src += KN_QK_K)
    {
      AffineBlock a;

      quantize_affine (src, weights != NULL ? weights + KN_QK_K * i : NULL, 15, &a);
      b->d = kn_f16_store (a.d);
      b->dmin = kn_f16_store (a.dmin);
      kn_k_scales_put (a.sc, a.mn, b->scales);
      put_nibble_pairs (a.q, b->qs);
    }
}

void
kn_quantize_q5_k (const float *src, const float *weights, void *dst, size_t n)
{
  KnBlockQ5_K *b = dst;

  for (size_t i = 0; i < n / KN_QK_K; i++, b++, src += KN_QK_K)
    {
      AffineBlock a;

      quantize_affine (src, weights != NULL ? weights + KN_QK_K * i : NULL, 31, &a);
      b->d = kn_f16_store (a.d);
      b->dmin = kn_f16_store (a.dmin);
      kn_k_scales_put (a.sc, a.mn, b->scales);
      put_nibble_pairs (a.q, b->qs);
      memset (b->qh, 0, sizeof b->qh);
      for (int g = 0; g < 8; g++)
        for (int j = 0; j < 32; j++)
          b->qh[j] |= (uint8_t)(a.q[32 * g + j] >> 4 << g);
    }
}

/* Codes -32..31, kept with 32 added so that truncation rounds. */
static inline float
q6_code (float x, float inv)
{
  return (float)(int)kn_clamped (x * inv + 32.5f, 0, 63) - 32;
}

void
kn_quantize_q6_k (const float *src, const float *weights, void *dst, size_t n)
{
  KnBlockQ6_K *b = dst;

  for (size_t i = 0; i < n / KN_QK_K; i++, b++, src += KN_QK_K)
    {
      float x[256], w[256], scales[16], extreme = 0, d;

      kn_quant_clean (src, x, 256);
      kn_block_weights (x, weights != NULL ? weights + KN_QK_K * i : NULL, 256, 16, w);
      for (int h = 0; h < 16; h++)
        {
          scales[h] = kn_fit_symmetric (x + 16 * h, w + 16 * h, 16, 32, spacings);
          extreme = fabsf (scales[h]) > fabsf (extreme) ? scales[h] : extreme;
        }
      b->d = kn_f16_store (extreme / -128);
      d = kn_f16_load (b->d);
      memset (b->ql, 0, sizeof b->ql);
      memset (b->qh, 0, sizeof b->qh);
      for (size_t h = 0; h < 16; h++)
        {
          const uint8_t *ql_const, *qh_const;
          uint8_t *ql, *qh;
          int ql_shift, qh_shift;
          float inv;

          b->scales[h] = (int8_t)rintf (kn_clamped (scales[h] * kn_safe_inverse (d), -128, 127));
          inv = kn_safe_inverse (d * (float)b->scales[h]);
          kn_q6_codes (b, h / 2, &ql_const, &ql_shift, &qh_const, &qh_shift);
          ql = b->ql + (ql_const - b->ql) + 16 * (h % 2);
          qh = b->qh + (qh_const - b->qh) + 16 * (h % 2);
          for (int j = 0; j < 16; j++)
            {
              unsigned code = (unsigned)(q6_code (x[16 * h + (size_t)j], inv) + 32);

              ql[j] |= (uint8_t)((code & 15) << ql_shift);
              qh[j] |= (uint8_t)(code >> 4 << qh_shift);
            }
        }
    }
}
