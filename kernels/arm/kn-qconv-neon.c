/* Products of 8-bit numbers with NEON: 8 products of 16 bit, added in pairs to sums of 32 bit.
 *
 * The body of kn-qconv-body.h with 4 numbers to a vector and signed activations. A tile is 3 pixels
 * x 16 rows: 24 accumulators, each of 2 rows x 2 sums. */
#include "arm/kn-q8-neon.h"
#include "kn-table-private.h"

#define ACT_SIGNED 1
#define MAX_PIXELS 3
#define LINE_OF_16 4

KN_QINLINE void
tile_sums (const size_t P, const KnQgemmArgs *a, const uint8_t *panel, const uint8_t *x,
           I32 acc[MAX_PIXELS][LINE_OF_16])
{
  const size_t n_steps = (a->n_cols + 3) / 4, stride = a->x_stride;
  int32x4_t part[MAX_PIXELS][8];

  UNROLL
  for (size_t p = 0; p < P; p++)
    UNROLL
  for (size_t q = 0; q < 8; q++)
    part[p][q] = vdupq_n_s32 (0);

  for (size_t s = 0; s < a->n_segments; s++, x += a->segment_step - 4 * n_steps)
    for (size_t step = 0; step < n_steps; step++, panel += 64, x += 4)
      {
        int8x16_t four[MAX_PIXELS];

        UNROLL
        for (size_t p = 0; p < P; p++)
          {
            int32_t v;
            memcpy (&v, x + p * stride, sizeof v);
            four[p] = vreinterpretq_s8_s32 (vdupq_n_s32 (v));
          }
        UNROLL
        for (size_t q = 0; q < 4; q++)
          {
            const int8x16_t w = vld1q_s8 ((const int8_t *)panel + 16 * q);
            UNROLL
            for (size_t p = 0; p < P; p++)
              {
                part[p][2 * q] = vpadalq_s16 (part[p][2 * q],
                                              vmull_s8 (vget_low_s8 (w), vget_low_s8 (four[p])));
                part[p][2 * q + 1] = vpadalq_s16 (part[p][2 * q + 1], vmull_high_s8 (w, four[p]));
              }
          }
      }

  UNROLL
  for (size_t p = 0; p < P; p++)
    UNROLL
  for (size_t q = 0; q < 4; q++)
    acc[p][q] = vaddq_s32 (acc[p][q], vpaddq_s32 (part[p][2 * q], part[p][2 * q + 1]));
}

#include "arm/kn-qconv-dw-neon.h"
#include "kn-qconv-body.h"

void
kn_qconv_neon (KnQconvFamily *f)
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
