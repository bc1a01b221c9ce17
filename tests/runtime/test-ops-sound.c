/* Operators of fixed-point sound front ends. What they must give is what the same operators of
 * TFLite Micro (its Python package of October 2026) give for the same small inputs, bit for bit;
 * where that has no number for it (bins outside of the energy's range), what rt-ops-sound.h
 * says. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net-case.h"
#include "ops/rt-ops-sound.h"

/* Numbers without a pattern that a short formula gives. */
static int
number (int row, int i)
{
  return (row * 31 + i * 17 + 5) % 201 - 100;
}

#define INPUT(c, type, rt_type, ...)                                                               \
  net_case_input (c, rt_type, 1, (int64_t[]){ sizeof ((type[]){ __VA_ARGS__ }) / sizeof (type) },  \
                  (type[]){ __VA_ARGS__ })
#define WEIGHT(c, ...)                                                                             \
  net_case_weight (c, RT_TYPE_I16, 1, (int64_t[]){ sizeof ((int16_t[]){ __VA_ARGS__ }) / 2 },      \
                   (int16_t[]){ __VA_ARGS__ })
#define EXPECT(result, ...)                                                                        \
  net_result_check (result, (double[]){ __VA_ARGS__ },                                             \
                    sizeof ((double[]){ __VA_ARGS__ }) / sizeof (double), 0, 0)

/* Add the node, run it on all numbers of threads and by its reference. */
static void
run (NetCase *c, const RtOp *op, const void *attrs, NetResult *y)
{
  net_case_node (c, op, attrs, NULL);
  net_case_check (c, 0, 0);
  net_case_run_threads (c, y);
}

static void
test_window (void)
{
  const int16_t x[6] = { 100, -100, 32767, 7, -7, -32768 };
  NetCase c;
  NetResult y[RT_MAX_OUTPUTS];

  net_case_init (&c);
  net_case_input (&c, RT_TYPE_I16, 2, (int64_t[]){ 2, 3 }, x);
  WEIGHT (&c, 4096, 2000, 8192);
  run (&c, &rt_op_fixed_window, &(RtFixedWindowAttrs){ 12 }, y);
  EXPECT (&y[0], 100, -49, 32767, 7, -4, -32768);
  net_results_clear (y);
  net_case_clear (&c);
}

static void
test_auto_scale (void)
{
  NetCase c;
  NetResult y[RT_MAX_OUTPUTS];

  net_case_init (&c);
  INPUT (&c, int16_t, RT_TYPE_I16, 3, -100, 77, 0);
  run (&c, &rt_op_fixed_auto_scale, NULL, y);
  EXPECT (&y[0], 768, -25600, 19712, 0);
  EXPECT (&y[1], 8);
  net_results_clear (y);
  net_case_clear (&c);

  net_case_init (&c);
  INPUT (&c, int16_t, RT_TYPE_I16, 0, 0);
  run (&c, &rt_op_fixed_auto_scale, NULL, y);
  EXPECT (&y[1], 0);
  net_results_clear (y);
  net_case_clear (&c);
}

/* ---- transform ---- */

static void
check_rfft (uint32_t length, const double *expected)
{
  int16_t x[16];
  NetCase c;
  NetResult y[RT_MAX_OUTPUTS];

  for (int i = 0; i < 16; i++)
    x[i] = (int16_t)(number (1, i) * 300);
  net_case_init (&c);
  net_case_input (&c, RT_TYPE_I16, 1, (int64_t[]){ 16 }, x);
  run (&c, &rt_op_fixed_rfft, &(RtFixedRfftAttrs){ length }, y);
  net_result_check (&y[0], expected, length + 2, 0, 0);
  net_results_clear (y);
  net_case_clear (&c);
}

static void
test_rfft (void)
{
  static const double of_16[18] = { -3562, 0,     -6031, -4684, 3883,  3490, -3991, 1658,  1219,
                                    -1219, -1108, 2667,  -1446, -1609, 931,  1199,  -2550, 0 };
  static const double of_32[34]
      = { -1780, 0,    636,   -77,  -3015, -2341, -3271, 3389, 1940,  1744, -430, -1489,
          -1994, 828,  234,   1635, 609,   -609,  -1475, -355, -554,  1333, 693,  37,
          -723,  -804, -1115, 705,  465,   600,   -73,   -879, -1274, 0 };
  int32_t x[8];
  NetCase c;
  NetResult y[RT_MAX_OUTPUTS];

  check_rfft (16, of_16);
  check_rfft (32, of_32); /* zeros after the samples; radix 4 and 2 */
  for (int i = 0; i < 8; i++)
    x[i] = number (1, i) * 20000000;
  net_case_init (&c);
  net_case_input (&c, RT_TYPE_I32, 1, (int64_t[]){ 8 }, x);
  run (&c, &rt_op_fixed_rfft, &(RtFixedRfftAttrs){ 8 }, y);
  EXPECT (&y[0], -90000000, 0, -170000000, 410416305, -169999999, 169999999, -169999999, 70416305,
          -169999998, 0);
  net_results_clear (y);
  net_case_clear (&c);
}

/* Against the definition: each of log4 n stages rounds a few times. */
static void
test_rfft_error (void)
{
  enum
  {
    N = 512
  };
  int16_t x[N];
  double expected[N + 2];
  NetCase c;
  NetResult y[RT_MAX_OUTPUTS];

  for (int i = 0; i < N; i++)
    x[i] = (int16_t)(number (i % 7, i) * 300);
  for (int k = 0; k <= N / 2; k++)
    {
      double re = 0, im = 0;
      for (int i = 0; i < N; i++)
        {
          re += x[i] * cos (2 * M_PI * k * i / N);
          im -= x[i] * sin (2 * M_PI * k * i / N);
        }
      expected[2 * k] = re / N;
      expected[2 * k + 1] = im / N;
    }
  net_case_init (&c);
  net_case_input (&c, RT_TYPE_I16, 1, (int64_t[]){ N }, x);
  run (&c, &rt_op_fixed_rfft, &(RtFixedRfftAttrs){ N }, y);
  net_result_check (&y[0], expected, N + 2, 1e-3, 6);
  net_results_clear (y);
  net_case_clear (&c);
}

static void
test_energy (void)
{
  NetCase c;
  NetResult y[RT_MAX_OUTPUTS];

  net_case_init (&c);
  INPUT (&c, int16_t, RT_TYPE_I16, 3, 4, -5, 12, 300, -32768, 32767, 1);
  run (&c, &rt_op_fixed_energy, &(RtFixedEnergyAttrs){ 1, 4 }, y);
  EXPECT (&y[0], 0, 169, 1073831824, 1073676290);
  net_results_clear (y);
  net_case_clear (&c);
}

/* ---- filter bank to features ---- */

static void
add_bank (NetCase *c, int16_t last_width)
{
  uint32_t energy[8];
  int16_t weights[9], complements[9];

  for (int i = 0; i < 8; i++)
    energy[i] = (uint32_t)(1000 * (i + 1) * (i + 1) * (i + 1));
  for (int i = 0; i < 9; i++)
    {
      const int w = number (5, i) * 40;
      weights[i] = (int16_t)abs (w);
      complements[i] = (int16_t)(4096 - w);
    }
  net_case_input (c, RT_TYPE_U32, 1, (int64_t[]){ 8 }, energy);
  net_case_weight (c, RT_TYPE_I16, 1, (int64_t[]){ 9 }, weights);
  net_case_weight (c, RT_TYPE_I16, 1, (int64_t[]){ 9 }, complements);
  WEIGHT (c, 0, 2, 4);
  WEIGHT (c, 0, 3, 5);
  WEIGHT (c, 2, 2, last_width);
}

static void
test_filter_bank (void)
{
  NetCase c;
  NetResult y[RT_MAX_OUTPUTS];

  net_case_init (&c);
  add_bank (&c, 4);
  run (&c, &rt_op_fixed_filter_bank, NULL, y);
  EXPECT (&y[0], 293904000, 1678016000);
  net_results_clear (y);
  net_case_clear (&c);

  net_case_init (&c);
  add_bank (&c, 5); /* one bin too many */
  g_autofree char *message = net_case_refused (&c, &rt_op_fixed_filter_bank, NULL);
  g_assert_nonnull (strstr (message, "channel 2"));
  net_case_clear (&c);
}

static void
test_sqrt (void)
{
  const int32_t bits = 1;
  NetCase c;
  NetResult y[RT_MAX_OUTPUTS];

  net_case_init (&c);
  INPUT (&c, uint64_t, RT_TYPE_U64, 0, 1, 2, 3, 6, 7, UINT64_C (4294967295), UINT64_C (4294967296),
         UINT64_C (1000000000005), UINT64_C (1) << 63, UINT64_MAX);
  net_case_input (&c, RT_TYPE_I32, 0, NULL, &bits);
  run (&c, &rt_op_fixed_sqrt, NULL, y);
  EXPECT (&y[0], 0, 0, 0, 1, 1, 1, 32767, 32768, 500000, 1518500250, 2147483647);
  net_results_clear (y);
  net_case_clear (&c);
}

/* Two runs; the second one gets the noise that the first one found. */
static void
check_subtraction (uint32_t clamp, uint32_t noise_0, uint32_t noise_3)
{
  const RtSpectralSubtractionAttrs attrs = { .smoothing = 409,
                                             .one_minus_smoothing = 15975,
                                             .alternate_smoothing = 983,
                                             .alternate_one_minus_smoothing = 15401,
                                             .smoothing_bits = 10,
                                             .min_remaining = 819,
                                             .bits = 14,
                                             .clamp = clamp };
  NetCase c;
  NetResult y[RT_MAX_OUTPUTS];

  net_case_init (&c);
  INPUT (&c, uint32_t, RT_TYPE_U32, 1000, 2000, 5, 4000000);
  INPUT (&c, uint32_t, RT_TYPE_U32, 0, 0, 0, 0);
  run (&c, &rt_op_spectral_subtraction, &attrs, y);
  EXPECT (&y[0], 975, 1880, 4, 3760009);
  EXPECT (&y[1], 25562, 122875, 127, 245750000);
  net_results_clear (y);
  net_case_clear (&c);

  net_case_init (&c);
  INPUT (&c, uint32_t, RT_TYPE_U32, 10, 3000, 5000, 1);
  INPUT (&c, uint32_t, RT_TYPE_U32, 25562, 122875, 127, 245750000);
  run (&c, &rt_op_spectral_subtraction, &attrs, y);
  EXPECT (&y[0], 0, 2707, 4875, 0);
  EXPECT (&y[1], noise_0, 299815, 127936, noise_3);
  net_results_clear (y);
  net_case_clear (&c);
}

static void
test_subtraction (void)
{
  check_subtraction (0, 25179, 231005661);
  check_subtraction (1, 10240, 1024);
}

static void
check_pcan (gboolean is_positive, const double *expected)
{
  int16_t table[125];
  NetCase c;
  NetResult y[RT_MAX_OUTPUTS];

  for (int i = 0; i < 125; i++)
    table[i] = (int16_t)(number (3, i) * 100 * (is_positive && number (3, i) < 0 ? -1 : 1));
  net_case_init (&c);
  INPUT (&c, uint32_t, RT_TYPE_U32, 5, 100, 1000, 4000, 77777, 3000000, 100, 4000000000);
  INPUT (&c, uint32_t, RT_TYPE_U32, 0, 1, 2, 3, 9, 1000, 123456, 4000000000);
  net_case_weight (&c, RT_TYPE_I16, 1, (int64_t[]){ 125 }, table);
  run (&c, &rt_op_pcan, &(RtPcanAttrs){ 6 }, y);
  net_result_check (&y[0], expected, 8, 0, 0);
  net_results_clear (y);
  net_case_clear (&c);
}

static void
test_pcan (void)
{
  check_pcan (TRUE, (double[]){ 0, 5, 717, 7064, 66433, 3141293, 343, 14837159 });
  check_pcan (FALSE, (double[]){ 5242815, 5, 717, 7064, 17759306, 64899083, 343, 14837159 });
}

static void
check_log (RtFixedLogAttrs attrs, const double *expected)
{
  NetCase c;
  NetResult y[RT_MAX_OUTPUTS];

  net_case_init (&c);
  INPUT (&c, uint32_t, RT_TYPE_U32, 0, 1, 2, 3, 7, 100, 65535, 65536, 1000003, 4294967295);
  run (&c, &rt_op_fixed_log, &attrs, y);
  net_result_check (&y[0], expected, 10, 0, 0);
  net_results_clear (y);
  net_case_clear (&c);
}

static void
test_log (void)
{
  check_log ((RtFixedLogAttrs){ 0, 1600 },
             (double[]){ 0, 0, 1109, 1758, 3113, 7368, 17747, 17745, 22105, 32767 });
  check_log ((RtFixedLogAttrs){ 3, 64 },
             (double[]){ 0, 133, 177, 203, 258, 428, 843, 843, 1017, 1420 });
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ops-sound/window", test_window);
  g_test_add_func ("/ops-sound/auto-scale", test_auto_scale);
  g_test_add_func ("/ops-sound/rfft", test_rfft);
  g_test_add_func ("/ops-sound/rfft-error", test_rfft_error);
  g_test_add_func ("/ops-sound/energy", test_energy);
  g_test_add_func ("/ops-sound/filter-bank", test_filter_bank);
  g_test_add_func ("/ops-sound/sqrt", test_sqrt);
  g_test_add_func ("/ops-sound/spectral-subtraction", test_subtraction);
  g_test_add_func ("/ops-sound/pcan", test_pcan);
  g_test_add_func ("/ops-sound/log", test_log);
  return g_test_run ();
}
