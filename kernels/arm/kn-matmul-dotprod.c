/* Quantized matrix products with the Arm dot product instruction: 4 rows x 4 columns of codes times
 * 4 codes of a token, picked by lane. The walk is in kn-matmul-arm.h; float formats are NEON's. */
#ifndef __ARM_FEATURE_DOTPROD
#error "this file needs -march=armv8.2-a+dotprod"
#endif

#include "arm/kn-matmul-arm.h"
#include "arm/kn-dot-lane.h"
#include "kn-table-private.h"

INLINE void
dots (const Group *g, size_t r, size_t nr, size_t n, const int8_t *const *x, size_t from, size_t to,
      int32x4_t out[MAX_TOKENS][4])
{
  int8x16_t codes[MAX_TOKENS][2];
  for (size_t j = 0; j < n; j++)
    for (size_t c = from / 4; c < to / 4; c++)
      codes[j][c] = vld1q_s8 (x[j] + 16 * c);

      /* Steps i and i + 4 share a line of nibbles. */
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; i++)
    for (size_t q = 0; q < nr; q++)
#pragma GCC unroll 2
      for (size_t c = from / 4; c < to / 4; c++)
        {
          const int8x16_t w = load_codes (g, i + 4 * c, r + q);
          for (size_t j = 0; j < n; j++)
            out[j][q] = kn_dot_lane (out[j][q], w, codes[j][c], i);
        }
}

#define BATCH_QUARTERS 2 /* 8 sums, 8 accumulators, 8 registers of tokens, 2 of weights */

static void
matmul_q8_0_dotprod (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q8_0, dots, BATCH_QUARTERS, a);
}

static void
matmul_q4_0_dotprod (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q4_0, dots, BATCH_QUARTERS, a);
}

static void
matmul_q4_1_dotprod (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q4_1, dots, BATCH_QUARTERS, a);
}

static void
matmul_q5_0_dotprod (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q5_0, dots, BATCH_QUARTERS, a);
}

static void
matmul_q5_1_dotprod (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q5_1, dots, BATCH_QUARTERS, a);
}

static void
matmul_q4_k_dotprod (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q4_K, dots, BATCH_QUARTERS, a);
}

static void
matmul_q5_k_dotprod (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q5_K, dots, BATCH_QUARTERS, a);
}

static void
matmul_q6_k_dotprod (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q6_K, dots, BATCH_QUARTERS, a);
}

static void
matmul_q2_k_dotprod (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q2_K, dots, BATCH_QUARTERS, a);
}

static void
matmul_q3_k_dotprod (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q3_K, dots, BATCH_QUARTERS, a);
}

static void
matmul_q2_64_dotprod (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q2_64, dots, BATCH_QUARTERS, a);
}

static void
matmul_q3_64_dotprod (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q3_64, dots, BATCH_QUARTERS, a);
}

static void
matmul_q1_64_dotprod (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q1_64, dots, BATCH_QUARTERS, a);
}

static void
matmul_tq2_0_dotprod (const KnMatmulArgs *a)
{
  matmul_quantized (KN_TQ2_0, dots, BATCH_QUARTERS, a);
}

static void
matmul_mxfp4_dotprod (const KnMatmulArgs *a)
{
  matmul_quantized (KN_MXFP4, dots, BATCH_QUARTERS, a);
}

void
kn_matmul_dotprod (KnMatmulFamily *family)
{
  family->q8_0 = matmul_q8_0_dotprod;
  family->q4_0 = matmul_q4_0_dotprod;
  family->q4_1 = matmul_q4_1_dotprod;
  family->q5_0 = matmul_q5_0_dotprod;
  family->q5_1 = matmul_q5_1_dotprod;
  family->q4_k = matmul_q4_k_dotprod;
  family->q5_k = matmul_q5_k_dotprod;
  family->q6_k = matmul_q6_k_dotprod;
  kn_matmul_row_dotprod (family);
  family->q2_k = matmul_q2_k_dotprod;
  family->q3_k = matmul_q3_k_dotprod;
  family->q2_64 = matmul_q2_64_dotprod;
  family->q3_64 = matmul_q3_64_dotprod;
  family->q1_64 = matmul_q1_64_dotprod;
  family->tq2_0 = matmul_tq2_0_dotprod;
  family->mxfp4 = matmul_mxfp4_dotprod;
}
