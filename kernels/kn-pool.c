/* Pooling in plain C: the specification of every variant (kn-pool.h says what is fixed). */
#include "kn-pool.h"

#include "kn-conv-private.h"
#include "kn-table-private.h"

#include <math.h>

static void
pool_max_c (const KnPoolArgs *a)
{
  for (size_t p = 0; p < a->n_pixels; p++)
    for (size_t c = 0; c < a->n_channels; c++)
      {
        float m = -INFINITY;

        for (size_t t = 0; t < a->n_taps; t++)
          {
            const float x = a->taps[t][p * a->step + c];

            m = x > m ? x : m;
          }
        a->y[p * a->y_stride + c] = kn_conv_limit (m, a->min, a->max);
      }
}

static void
pool_average_c (const KnPoolArgs *a)
{
  for (size_t p = 0; p < a->n_pixels; p++)
    for (size_t c = 0; c < a->n_channels; c++)
      {
        float sum = 0;

        for (size_t t = 0; t < a->n_taps; t++)
          sum += a->taps[t][p * a->step + c];
        a->y[p * a->y_stride + c] = kn_conv_limit (sum / a->divisor, a->min, a->max);
      }
}

void
kn_pool_c (KnPoolFamily *family)
{
  family->max = pool_max_c;
  family->average = pool_average_c;
}
