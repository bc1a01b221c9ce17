/* Checks of quantization with weights, for every block format: what the header promises, by the
 * errors themselves, computed here in double precision from the values that the formats'
 * definitions give. */
#include "kn-check.h"

#include "kn-quant.h"

#include <math.h>
#include <string.h>

#define N (256 * 8)
#define COUNT(a) (sizeof (a) / sizeof *(a))

static double
weighted_error (const float *x, const float *y, const float *w, size_t n)
{
  double sum = 0;

  for (size_t i = 0; i < n; i++)
    sum += (double)w[i] * ((double)y[i] - x[i]) * ((double)y[i] - x[i]);
  return sum;
}

/* A few inputs are large, as those of language models are. */
static void
fill_importance (float *w, size_t n)
{
  for (size_t i = 0; i < n; i++)
    w[i] = fabsf (kc_random_float (KC_NORMAL)) * (kc_random_below (16) == 0 ? 100.0f : 1.0f);
}

static void
check_weighted (const KnTable *c, const KnTable *v, const void *data)
{
  const KnDtype dtype = *(const KnDtype *)data;
  const KnDtypeInfo *info = kn_dtype_info ((int)dtype);
  const size_t bytes = kn_row_bytes (dtype, N);
  double sum_found = 0, sum_plain = 0, sum_even = 0, sum_even_plain = 0;

  for (int repeat = 0; repeat < 6; repeat++)
    {
      float *x = kc_input (N * sizeof (float), 4), *w = kc_input (N * sizeof (float), 4);
      float *y = kc_output (N * sizeof (float), 4), *y0 = kc_output (N * sizeof (float), 4);
      uint8_t *q = kc_output (bytes, 2), *q0 = kc_output (bytes, 2), *q2 = kc_output (bytes, 2);

      kc_fill (x, N, KC_NORMAL);
      fill_importance (w, N);
      kn_quantize_row (dtype, x, q0, N);
      kn_quantize_row_weighted (dtype, x, NULL, q, N);
      kc_same_bytes ("blocks without weights", q, q0, bytes);

      kn_quantize_row_weighted (dtype, x, w, q, N);
      kn_dequantize_row (dtype, q, y, N);
      kn_dequantize_row (dtype, q0, y0, N);
      for (size_t b = 0; b < N; b += info->block_len)
        if (weighted_error (x + b, y + b, w + b, info->block_len)
            > weighted_error (x + b, y0 + b, w + b, info->block_len) * (1 + 1e-12))
          kc_fail ("block %zu has the error %g, %g without weights", b / info->block_len,
                   weighted_error (x + b, y + b, w + b, info->block_len),
                   weighted_error (x + b, y0 + b, w + b, info->block_len));
      sum_found += weighted_error (x, y, w, N);
      sum_plain += weighted_error (x, y0, w, N);

      for (size_t i = 0; i < N; i++)
        w[i] *= 1024;
      kn_quantize_row_weighted (dtype, x, w, q2, N);
      kc_same_bytes ("blocks with weights in another unit", q2, q, bytes);

      for (size_t i = 0; i < N; i++)
        w[i] = 1;
      kn_quantize_row_weighted (dtype, x, w, q, N);
      kn_dequantize_row (dtype, q, y, N);
      sum_even += weighted_error (x, y, w, N);
      sum_even_plain += weighted_error (x, y0, w, N);
      kc_guards ("quantize");
      kc_release ();
    }
  /* 8-bit codes and exact ternary leave little to find, fewer bits more. */
  kc_context ("all blocks: %g of %g, equal weights %g of %g", sum_found, sum_plain, sum_even,
              sum_even_plain);
  if (sum_found
      > sum_plain
            * (dtype == KN_Q8_0 || dtype == KN_MXFP4 || dtype == KN_F8_E4M3 || dtype == KN_F8_E5M2
                   ? 0.97
                   : 0.9))
    kc_fail ("the search gains too little");
  if (sum_even > sum_even_plain)
    kc_fail ("the search for the smallest error does not find it");
}

/* Weights and values at the ends of their ranges: finite results, and zero weights do not
 * matter. */
static void
check_extremes (const KnTable *c, const KnTable *v, const void *data)
{
  const KnDtype dtype = *(const KnDtype *)data;
  const size_t bytes = kn_row_bytes (dtype, N);
  static const float units[] = { 0, 1e-38f, 1e-10f, 1e30f };

  for (KcKind kind = 0; kind < KC_N_KINDS; kind++)
    for (size_t u = 0; u < COUNT (units); u++)
      {
        float *x = kc_input (N * sizeof (float), 4), *w = kc_input (N * sizeof (float), 4);
        float *y = kc_output (N * sizeof (float), 4);
        uint8_t *q = kc_output (bytes, 2);

        kc_context ("%s numbers, weights times %g", kc_kind_name (kind), (double)units[u]);
        kc_fill (x, N, kind);
        fill_importance (w, N);
        for (size_t i = 0; i < N; i++)
          w[i] = kc_random_below (3) == 0 ? 0 : w[i] * units[u];
        kn_quantize_row_weighted (dtype, x, w, q, N);
        kn_dequantize_row (dtype, q, y, N);
        kc_guards ("quantize");
        for (size_t i = 0; i < N; i++)
          if (!isfinite (y[i]))
            kc_fail ("%g becomes %g", (double)x[i], (double)y[i]);
        kc_release ();
      }
}

static const KnDtype dtypes[] = { KN_Q8_0,  KN_Q4_0,  KN_Q4_1,  KN_Q5_0,    KN_Q5_1,    KN_Q4_K,
                                  KN_Q5_K,  KN_Q6_K,  KN_Q2_K,  KN_Q3_K,    KN_Q2_64,   KN_Q3_64,
                                  KN_TQ1_0, KN_TQ2_0, KN_MXFP4, KN_F8_E4M3, KN_F8_E5M2, KN_Q1_64 };

static const KcCase cases[] = {
#define FORMAT(name, i)                                                                            \
  { "weighted/error-" name, check_weighted, NULL, &dtypes[i], 0, 0, 1 },                           \
  {                                                                                                \
    "weighted/extremes-" name, check_extremes, NULL, &dtypes[i], 0, 0, 1                           \
  }
  FORMAT ("q8_0", 0),
  FORMAT ("q4_0", 1),
  FORMAT ("q4_1", 2),
  FORMAT ("q5_0", 3),
  FORMAT ("q5_1", 4),
  FORMAT ("q4_k", 5),
  FORMAT ("q5_k", 6),
  FORMAT ("q6_k", 7),
  FORMAT ("q2_k", 8),
  FORMAT ("q3_k", 9),
  FORMAT ("q2_64", 10),
  FORMAT ("q3_64", 11),
  FORMAT ("tq1_0", 12),
  FORMAT ("tq2_0", 13),
  FORMAT ("mxfp4", 14),
  FORMAT ("f8_e4m3", 15),
  FORMAT ("f8_e5m2", 16),
  FORMAT ("q1_64", 17),
#undef FORMAT
  { 0 },
};

void
kc_register_weighted (void)
{
  kc_register (cases);
}
