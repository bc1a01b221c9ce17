/* Products of some rows with NEON. */
#ifndef __ARM_NEON
#error "build with NEON"
#endif

#include "kn-table-private.h"

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

static inline void
rows_dots (const int8_t *codes, const int8_t *x, const int32_t *sums, size_t n, int32_t *dots)
{
  for (size_t g = 0; g < n; g++, codes += 32, x += 32)
    {
      const int8x16_t w0 = vld1q_s8 (codes), w1 = vld1q_s8 (codes + 16);
      const int8x16_t x0 = vld1q_s8 (x), x1 = vld1q_s8 (x + 16);
      int32x4_t sum = vpaddlq_s16 (vmull_s8 (vget_low_s8 (w0), vget_low_s8 (x0)));

      sum = vpadalq_s16 (sum, vmull_high_s8 (w0, x0));
      sum = vpadalq_s16 (sum, vmull_s8 (vget_low_s8 (w1), vget_low_s8 (x1)));
      sum = vpadalq_s16 (sum, vmull_high_s8 (w1, x1));
      dots[g] = vaddvq_s32 (sum);
    }
}

#include "kn-rows-arm.h"
#include "kn-rows-body.h"

static void
some_rows_neon (const KnRowsArgs *args)
{
  some_rows (args);
}

void
kn_rows_neon (KnMatmulFamily *family)
{
  family->some_q8_rows = some_rows_neon;
}
