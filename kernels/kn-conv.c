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
  return (KN_CONV_MAX_BLOCK_LINES + n_pixels * KN_CONV_WAITING_PANELS + KN_CONV_MAX_PANELS) * ROWS
         * sizeof (float);
}

static float
weight (KnDtype dtype, const void *line, size_t i)
{
  if (dtype == KN_F32)
    return ((const float *)line)[i];
  return dtype == KN_F16 ? kn_f16_load (((const uint16_t *)line)[i])
                         : kn_bf16_load (((const uint16_t *)line)[i]);
}

/* The sums of pixel @t with the 16 rows of panel @p. */
static void
sum_panel (const KnConvArgs *a, size_t t, size_t p, float acc[ROWS])
{
  for (size_t r = 0; r < ROWS; r++)
    acc[r] = 0;
  for (size_t s = 0; s < a->n_segments; s++)
    {
      const float *x = a->segments[s * a->n_pixels + t];
      const void *w = kn_conv_weights (a, p, s);

      for (size_t i = 0; i < a->segment_len; i++)
        for (size_t r = 0; r < ROWS; r++)
          acc[r] = fmaf (weight (a->dtype, w, i * ROWS + r), x[i], acc[r]);
    }
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

          sum_panel (a, t, p, acc);
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
