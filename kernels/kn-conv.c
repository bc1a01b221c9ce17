/* Convolutions in plain C: the specification of every variant (kn-conv.h says what is fixed), and
 * the cascade's first level. This file must not know which instruction set is in use. */
#include "kn-conv.h"

#include "kn-conv-private.h"
#include "kn-table-private.h"

#include <math.h>

#define ROWS KN_PANEL_ROWS

size_t
kn_conv_scratch_bytes (size_t n_pixels)
{
  return n_pixels * KN_CONV_SCRATCH_PANELS * ROWS * sizeof (float);
}

/* The sums of one pixel with the 16 rows of a panel. */
static void
sum_panel (const KnConvArgs *a, const float *const *segments, const float *panel, float acc[ROWS])
{
  for (size_t r = 0; r < ROWS; r++)
    acc[r] = 0;
  for (size_t s = 0; s < a->n_segments; s++)
    for (size_t i = 0; i < a->segment_len; i++, panel += ROWS)
      for (size_t r = 0; r < ROWS; r++)
        acc[r] = fmaf (panel[r], segments[s][i], acc[r]);
}

static void
conv_c (const KnConvArgs *a)
{
  for (size_t p = 0; p < kn_conv_n_panels (a); p++)
    {
      const ptrdiff_t lane0 = kn_conv_lane0 (a, p);
      size_t low, high;

      kn_conv_lanes (a, p, &low, &high);
      for (size_t t = 0; t < a->n_pixels; t++)
        {
          float acc[ROWS];

          sum_panel (a, a->segments + t * a->n_segments, a->panels + p * kn_conv_panel_floats (a),
                     acc);
          for (size_t r = low; r < high; r++)
            {
              const size_t row = (size_t)(lane0 + (ptrdiff_t)r);
              float v = acc[r];

              if (a->bias)
                v += a->bias[row];
              if (a->residual)
                v += a->residual[t * a->residual_stride + row];
              a->y[t * a->y_stride + row] = kn_conv_limit (v, a->min, a->max);
            }
        }
    }
}

static void
depthwise_c (const KnDepthwiseArgs *a)
{
  for (size_t p = 0; p < a->n_pixels; p++)
    for (size_t c = 0; c < a->n_channels; c++)
      {
        const float *w = a->weights + c;
        float acc = 0;

        for (size_t i = 0; i < a->kernel_h; i++)
          for (size_t j = 0; j < a->kernel_w; j++, w += a->weights_stride)
            acc = fmaf (*w, a->columns[i * a->columns_stride + p * a->stride + j * a->dilation][c],
                        acc);
        if (a->bias)
          acc += a->bias[c];
        a->y[p * a->y_stride + c] = kn_conv_limit (acc, a->min, a->max);
      }
}

void
kn_conv_c (KnConvFamily *family)
{
  family->conv = conv_c;
  family->depthwise = depthwise_c;
}
