/* Scales per channel from statistics, and what they are expected to gain. Pure arithmetic: knows no
 * model and no recipe. Called by eng-equalize.c and the test.
 *
 * Lin et al. 2023 (AWQ): the scale is a power of the activations' magnitude, the power chosen by
 * the error of the output. Xiao et al. 2022 (SmoothQuant), equation 4: max |x|^a / max
 * |w|^(1-a). */
#include "eng-equalize.h"

#include <math.h>
#include <string.h>

#include "kn-matmul.h"
#include "kn-quant.h"

#define LEAST_SCALE 1e-4
#define Q8_STEPS 127.0

void
eng_equalize_scales (const float *magnitude, const float *weight_max, gsize n, double exponent,
                     float *scales)
{
  double logs = 0;
  gsize n_used = 0;

  for (gsize i = 0; i < n; i++)
    {
      gboolean usable = magnitude[i] > 0 && isfinite (magnitude[i])
                        && (weight_max == NULL || (weight_max[i] > 0 && isfinite (weight_max[i])));
      double s = usable ? pow ((double)magnitude[i], exponent) : 0;

      if (usable && weight_max != NULL)
        s /= pow ((double)weight_max[i], 1 - exponent);
      scales[i] = (float)s;
      if (s > 0)
        {
          logs += log (s);
          n_used++;
        }
    }

  double middle = n_used > 0 ? exp (logs / (double)n_used) : 1;
  for (gsize i = 0; i < n; i++)
    scales[i] = scales[i] > 0
                    ? (float)CLAMP ((double)scales[i] / middle, LEAST_SCALE, 1 / LEAST_SCALE)
                    : 1;
}

/* [n_cols] variance of the rounding of each activation, once it is divided by its scale. */
static void
activation_noise (const EngFold *fold, const EngEqualizePart *part, const float *scales,
                  float *noise)
{
  KnActKind act = kn_matmul_act ((KnDtype)part->dtype);
  gsize share = act == KN_ACT_Q8_TOKEN ? part->n_cols : KN_Q8_GROUP;

  for (gsize first = 0; first < part->n_cols; first += share)
    {
      gsize end = MIN (first + share, part->n_cols);
      double reach = 0;

      for (gsize c = first; c < end; c++)
        reach = MAX (reach, (double)part->reach[c] / (double)scales[eng_fold_channel (fold, c)]);
      for (gsize c = first; c < end; c++)
        noise[c] = act == KN_ACT_F32 ? 0 : (float)(reach / Q8_STEPS * (reach / Q8_STEPS) / 12);
    }
}

/* d H d^T. Rows of H are added up, so that the loop vectorises without changing an order of
 * sums. */
static double
moments_power (const float *moments, const float *d, gsize n, float *sums)
{
  double error = 0;

  memset (sums, 0, n * sizeof *sums);
  for (gsize i = 0; i < n; i++)
    for (gsize j = 0; j < n; j++)
      sums[j] += d[i] * moments[i * n + j];
  for (gsize i = 0; i < n; i++)
    error += (double)d[i] * (double)sums[i];
  return MAX (error, 0);
}

static double
means_power (const EngEqualizePart *part, const float *d)
{
  double error = 0, shift = 0;

  for (gsize c = 0; c < part->n_cols; c++)
    {
      double mean = (double)part->mean[c], e = (double)d[c];
      error += e * e * MAX ((double)part->mean_square[c] - mean * mean, 0);
      shift += e * mean;
    }
  return error + shift * shift;
}

/* Mean square of what a row @d makes of the activations. */
static double
output_power (const EngEqualizePart *part, const float *d, float *scratch)
{
  return part->moments != NULL ? moments_power (part->moments, d, part->n_cols, scratch)
                               : means_power (part, d);
}

static double
part_error (const EngFold *fold, const EngEqualizePart *part, const float *scales)
{
  gsize n = part->n_cols;
  g_autofree float *by = g_new (float, n);
  g_autofree float *noise = g_new (float, n);
  g_autofree float *scaled = g_new (float, n);
  g_autofree float *rounded = g_new (float, n);
  g_autofree float *d = g_new (float, n);
  g_autofree guint8 *blocks = g_malloc (kn_row_bytes ((KnDtype)part->dtype, n));
  double sum = 0, power = 0;

  activation_noise (fold, part, scales, noise);
  for (gsize c = 0; c < n; c++)
    by[c] = scales[eng_fold_channel (fold, c)];
  for (gsize r = 0; r < part->n_rows; r++)
    {
      const float *row = part->rows + r * n;

      for (gsize c = 0; c < n; c++)
        scaled[c] = row[c] * by[c];
      kn_quantize_row ((KnDtype)part->dtype, scaled, blocks, n);
      kn_dequantize_row ((KnDtype)part->dtype, blocks, rounded, n);
      for (gsize c = 0; c < n; c++)
        {
          d[c] = (rounded[c] - scaled[c]) / by[c];
          sum += (double)rounded[c] * (double)rounded[c] * (double)noise[c];
        }
      sum += output_power (part, d, scaled);
      power += output_power (part, row, scaled);
    }
  return power > 0 ? sum / power : 0;
}

double
eng_equalize_error (const EngFold *fold, const EngEqualizePart *parts, guint n_parts,
                    const float *scales)
{
  double sum = 0;

  for (guint i = 0; i < n_parts; i++)
    sum += part_error (fold, &parts[i], scales);
  return sum;
}
