/* Checks of the formats with one scale per row: what a row means, how it is quantized, and the
 * quantization of activations with one scale per token. Their products are checked with all others
 * (kn-check-matmul.c). */
#include "kn-check.h"

#include "kn-f16-private.h"
#include "kn-quant.h"

#include <math.h>
#include <string.h>

#define COUNT(a) (sizeof (a) / sizeof *(a))

/* --- rows by hand: d = 0.5 --- */

static void
check_definition (const KnTable *c, const KnTable *v, const void *data)
{
  uint8_t w8[36] = { 0x00, 0x00, 0x00, 0x3f, 0x7f, 0x80, 0x01, 0xff };
  uint8_t w4[20] = { 0x00, 0x00, 0x00, 0x3f };
  float w[32];

  kn_dequantize_row (KN_W8A8, w8, w, 32);
  for (size_t i = 0; i < 32; i++)
    kc_near ("W8A8", i, w[i], i == 0 ? 63.5 : i == 1 ? -64 : i == 2 ? 0.5 : i == 3 ? -0.5 : 0, 0);
  for (size_t i = 0; i < 16; i++)
    w4[4 + i] = (uint8_t)(i | 0xf0); /* low nibbles count up, high ones are 15 */
  kn_dequantize_row (KN_W4A8, w4, w, 32);
  for (size_t i = 0; i < 32; i++)
    kc_near ("W4A8", i, w[i], i < 16 ? -4 + 0.5 * (double)i : 3.5, 0);
}

/* --- quantized weights --- */

/* Squared error of the grid of 4-bit codes at scale @d, values outside of it clipped. */
static double
grid_error (const float *x, size_t n, double d)
{
  double sum = 0;

  for (size_t i = 0; i < n; i++)
    {
      double q = d != 0 ? fmin (fmax (nearbyint (x[i] / d), -8), 7) : 0;

      sum += (x[i] - d * q) * (x[i] - d * q);
    }
  return sum;
}

static void
check_w8 (const float *x, size_t n)
{
  uint8_t *row = kc_output (kn_row_bytes (KN_W8A8, n), 4);
  float *w = kc_output (n * sizeof (float), 4);
  double amax = 0;

  for (size_t i = 0; i < n; i++)
    amax = fmax (amax, fabs ((double)x[i]));
  kn_quantize_row (KN_W8A8, x, row, n);
  kn_dequantize_row (KN_W8A8, row, w, n);
  for (size_t i = 0; i < n; i++)
    kc_near ("8-bit value", i, w[i], x[i], amax / 127 * 0.5001 + 0x1p-100);
}

/* The search finds nothing worse than the best of the scales that put the extreme on a code, and
 * every code is the nearest of its scale but where the scale moved after it was chosen. */
static void
check_w4 (const float *x, size_t n)
{
  uint8_t *row = kc_output (kn_row_bytes (KN_W4A8, n), 4);
  float *w = kc_output (n * sizeof (float), 4);
  double amax = 0, error = 0, full, d;
  float scale;

  for (size_t i = 0; i < n; i++)
    amax = fmax (amax, fabs ((double)x[i]));
  kn_quantize_row (KN_W4A8, x, row, n);
  kn_dequantize_row (KN_W4A8, row, w, n);
  memcpy (&scale, row, sizeof scale);
  d = fabs ((double)scale);
  for (size_t i = 0; i < n; i++)
    {
      error += ((double)w[i] - x[i]) * ((double)w[i] - x[i]);
      if (fabs ((double)x[i]) < 6 * d && fabs ((double)w[i] - x[i]) > 0.65 * d)
        kc_fail ("%g becomes %g at scale %g", (double)x[i], (double)w[i], (double)scale);
    }
  full = fmin (grid_error (x, n, amax / 8),
               fmin (grid_error (x, n, -amax / 8), grid_error (x, n, amax / 7)));
  if (error > full * 1.02 + 0x1p-190)
    kc_fail ("squared error %g, without a search %g", error, full);
}

static void
check_quantize (const KnTable *c, const KnTable *v, const void *data)
{
  static const KcKind kinds[]
      = { KC_NORMAL, KC_UNIFORM, KC_WIDE, KC_DENORMAL, KC_ZERO, KC_CONSTANT };
  static const size_t sizes[] = { 32, 576, 1536 };

  for (size_t k = 0; k < COUNT (kinds); k++)
    for (size_t s = 0; s < COUNT (sizes); s++)
      for (int repeat = 0; repeat < 10; repeat++)
        {
          float *x = kc_input (sizes[s] * sizeof (float), 4);

          kc_context ("%zu %s numbers", sizes[s], kc_kind_name (kinds[k]));
          kc_fill (x, sizes[s], kinds[k]);
          for (size_t i = 0; i < sizes[s]; i++) /* what half precision holds, as in all formats */
            x[i] = fmaxf (fminf (x[i], 65504), -65504);
          check_w8 (x, sizes[s]);
          if (kinds[k] != KC_WIDE) /* nearly all of it is zero beside the largest */
            check_w4 (x, sizes[s]);
          kc_guards ("quantize");
          kc_release ();
        }
}

/* NaN as 0, infinity as the largest half; nothing else is disturbed by them. */
static void
check_special (const KnTable *c, const KnTable *v, const void *data)
{
  float x[32] = { NAN, INFINITY, -INFINITY, 1 }, w[32];
  uint8_t row[36];

  kn_quantize_row (KN_W8A8, x, row, 32);
  kn_dequantize_row (KN_W8A8, row, w, 32);
  kc_near ("NaN", 0, w[0], 0, 0);
  kc_near ("infinity", 1, w[1], 65504, 0.01);
  kc_near ("-infinity", 2, w[2], -65504, 0.01);
  kn_quantize_row (KN_W4A8, x, row, 32);
  kn_dequantize_row (KN_W4A8, row, w, 32);
  kc_near ("NaN", 0, w[0], 0, 0);
  kc_near ("infinity", 1, w[1], 65504, 65504 * 0.2);
}

/* --- activations --- */

static void
check_token (const float *x, size_t n, const uint8_t *row)
{
  const int8_t *codes = (const int8_t *)row;
  const uint8_t *tail = row + kn_q8_token_scale_offset (n);
  double amax = 0;
  int finite = 1;
  int32_t sum = 0, said;
  float scale;

  memcpy (&scale, tail, sizeof scale);
  memcpy (&said, tail + 4, sizeof said);
  for (size_t i = 0; i < n; i++)
    {
      finite &= isfinite (x[i]) != 0;
      amax = fmax (amax, fabs ((double)x[i]));
      sum += codes[i];
    }
  if (sum != said)
    kc_fail ("sum %d of codes that sum to %d", said, sum);
  amax = !finite ? NAN : amax < 0x1p-100 ? 0 : amax;
  kc_near ("scale", 0, scale, amax / 127, amax / 127 * 0x1p-24);
  for (size_t i = 0; i < n; i++)
    {
      /* Two roundings stand before the one to an integer. */
      double exact = amax > 0 ? x[i] * (127 / amax) : 0;

      if (fabs (codes[i] - exact) > 0.5 + 127 * 0x1p-22)
        kc_fail ("code %d for %.9g", codes[i], exact);
    }
}

static void
check_quantize_q8_token (const KnTable *c, const KnTable *v, const void *data)
{
  static const size_t sizes[] = { 32, 64, 96, 576, 1536, 2048 };

  for (size_t i = 0; i < COUNT (sizes); i++)
    for (KcKind kind = 0; kind < KC_N_KINDS; kind++)
      for (int repeat = 0; repeat < 20; repeat++)
        {
          const size_t n = sizes[i], bytes = kn_q8_token_row_bytes (n);
          float *x = kc_input (n * sizeof (float), 4);
          uint8_t *got = kc_output (bytes, KN_ALIGN), *want = kc_output (bytes, KN_ALIGN);

          kc_context ("%zu %s numbers", n, kc_kind_name (kind));
          kc_fill (x, n, kind);
          v->matmul.quantize_q8_token (x, n, got);
          c->matmul.quantize_q8_token (x, n, want);
          kc_same_bytes ("the row", got, want, bytes);
          check_token (x, n, got);
          kc_guards ("quantize_q8_token");
          kc_release ();
        }
}

/* --- benchmark --- */

typedef struct
{
  KnQuantizeQ8TokenFn fn;
  float x[2048];
  _Alignas(KN_ALIGN) uint8_t row[2048 + KN_ALIGN];
} Job;

static void
run_job (void *arg)
{
  Job *job = arg;

  job->fn (job->x, 2048, job->row);
}

static void
bench_quantize_q8_token (const KnTable *v, const void *data)
{
  static Job job;

  job.fn = v->matmul.quantize_q8_token;
  kc_fill (job.x, 2048, KC_NORMAL);
  kc_bench ("2048", run_job, &job, 2048 * 4, 0);
}

static const KcCase cases[] = {
  { "row/definition", check_definition, NULL, NULL, 0, 0, 1 },
  { "row/quantize", check_quantize, NULL, NULL, 0, 0, 1 },
  { "row/special", check_special, NULL, NULL, 0, 0, 1 },
  { "row/quantize_q8_token", check_quantize_q8_token, bench_quantize_q8_token, NULL,
    KC_MEMBERS (matmul.quantize_q8_token) },
  { 0 },
};

void
kc_register_row (void)
{
  kc_register (cases);
}
