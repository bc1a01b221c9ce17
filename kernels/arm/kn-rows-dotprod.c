/* Products of some rows with the Arm dot product instruction. */
#ifndef __ARM_FEATURE_DOTPROD
#error "build with the dot product instructions"
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

      dots[g] = vaddvq_s32 (vdotq_s32 (vdotq_s32 (vdupq_n_s32 (0), w0, x0), w1, x1));
    }
}

#include "kn-rows-arm.h"
#include "kn-rows-body.h"

static void
some_rows_dotprod (const KnRowsArgs *args)
{
  some_rows (args);
}

void
kn_rows_dotprod (KnMatmulFamily *family)
{
  family->some_q8_rows = some_rows_dotprod;
}
