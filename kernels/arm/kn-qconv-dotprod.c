/* Products of 8-bit numbers with the dot product of Armv8.2: 4 rows x 4 columns in one instruction.
 *
 * The body of kn-qconv-body.h with 4 numbers to a vector and signed activations. A tile is 6 pixels
 * x 16 rows: 24 accumulators. */
#ifndef __ARM_FEATURE_DOTPROD
#error "this file needs -march=armv8.2-a+dotprod"
#endif

#include "arm/kn-q8-neon.h"
#include "kn-table-private.h"

#define ACT_SIGNED 1
#define MAX_PIXELS 6
#define LINE_OF_16 4

/* Four columns of all pixels times 16 rows; the lane is a number in the instruction. */
#define STEP(lane)                                                                                 \
  UNROLL                                                                                           \
  for (size_t q = 0; q < 4; q++)                                                                   \
    {                                                                                              \
      const int8x16_t w = vld1q_s8 ((const int8_t *)panel + 64 * (lane) + 16 * q);                 \
      UNROLL                                                                                       \
      for (size_t p = 0; p < P; p++)                                                               \
        acc[p][q] = vdotq_laneq_s32 (acc[p][q], w, columns[p], lane);                              \
    }

KN_QINLINE void
tile_sums (const size_t P, const KnQgemmArgs *a, const uint8_t *panel, const uint8_t *x,
           I32 acc[MAX_PIXELS][LINE_OF_16])
{
  const size_t n_steps = (a->n_cols + 3) / 4, stride = a->x_stride;

  for (size_t s = 0; s < a->n_segments; s++, x += a->segment_step - 4 * n_steps)
    {
      size_t step = 0;

      for (; step + 4 <= n_steps; step += 4, panel += 256, x += 16)
        {
          int8x16_t columns[MAX_PIXELS];

          UNROLL
          for (size_t p = 0; p < P; p++)
            columns[p] = vld1q_s8 ((const int8_t *)x + p * stride);
          STEP (0)
          STEP (1)
          STEP (2)
          STEP (3)
        }
      for (; step < n_steps; step++, panel += 64, x += 4)
        {
          int8x16_t columns[MAX_PIXELS];

          UNROLL
          for (size_t p = 0; p < P; p++)
            {
              int32_t v;
              memcpy (&v, x + p * stride, sizeof v);
              columns[p] = vreinterpretq_s8_s32 (vdupq_n_s32 (v));
            }
          STEP (0)
        }
    }
}

#include "arm/kn-qconv-dw-neon.h"
#include "kn-qconv-body.h"

void
kn_qconv_dotprod (KnQconvFamily *f)
{
  *f = (KnQconvFamily){
    .act_signed = ACT_SIGNED,
    .gemm = gemm,
    .copy = copy_all,
    .gather = gather,
    .row_sums = row_sums,
    .dw_bytes = dw_bytes,
    .dw_pack = dw_pack,
    .depthwise = depthwise,
  };
}
