/* Signal operators against their definitions on 1, 2, 3 and 8 threads, and against closed
 * formulas. */
#include <math.h>
#include <string.h>

#include "net-case.h"
#include "ops/rt-ops-math.h"

/* f32 output of sums in double precision; lengths to 1000, numbers to 1. */
#define TOLERANCE 1e-4

static void
check_dft (uint32_t n_dims, const int64_t *dims, const RtDftAttrs *attrs)
{
  NetCase c;
  net_case_init (&c);
  net_case_random_input (&c, RT_TYPE_F32, n_dims, dims, -1, 1);
  net_case_node (&c, &rt_op_dft, attrs, NULL);
  net_case_check (&c, 1e-6, TOLERANCE);
  net_case_clear (&c);
}

static void
test_dft (void)
{
  static const int64_t lengths[] = { 1, 2, 3, 8, 10, 64, 97, 480, 512 };
  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++)
    for (int64_t parts = 1; parts <= 2; parts++)
      for (uint32_t inverse = 0; inverse < 2; inverse++)
        {
          const int64_t n = lengths[i], first[] = { n, 3, parts }, middle[] = { 3, n, parts };
          check_dft (3, middle, &(RtDftAttrs){ 1, 0, inverse, 0 });
          check_dft (3, first, &(RtDftAttrs){ -3, 0, inverse, 0 });
          check_dft (3, middle, &(RtDftAttrs){ 1, n + 5, inverse, 0 });
          check_dft (3, middle, &(RtDftAttrs){ 1, n / 2 + 1, inverse, 0 });
          if (parts == 1 && !inverse)
            check_dft (3, middle, &(RtDftAttrs){ 1, 0, 0, 1 });
        }
}

/* Three periods of a cosine are two lines of half its energy. */
static void
test_dft_values (void)
{
  float x[12];
  double expected[24] = { 0 };
  NetCase c;
  NetResult y[RT_MAX_OUTPUTS];
  for (int i = 0; i < 12; i++)
    x[i] = (float)cos (2 * M_PI * 3 * i / 12);
  expected[2 * 3] = expected[2 * 9] = 6;
  net_case_init (&c);
  net_case_input (&c, RT_TYPE_F32, 3, (int64_t[]){ 1, 12, 1 }, x);
  net_case_node (&c, &rt_op_dft, &(RtDftAttrs){ 1, 0, 0, 0 }, NULL);
  net_case_run_threads (&c, y);
  net_result_check (&y[0], expected, 24, 0, 1e-5);
  net_results_clear (y);
  net_case_clear (&c);
}

static void
test_stft (void)
{
  static const struct
  {
    uint32_t n_dims;
    int64_t dims[3];
    RtStftAttrs attrs;
  } rows[] = {
    { 2, { 2, 1000 }, { 64, 32, 1 } },
    { 3, { 1, 1000, 1 }, { 480, 160, 1 } },
    { 3, { 2, 100, 2 }, { 30, 7, 0 } },
    { 2, { 1, 16 }, { 16, 16, 0 } },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    for (int window = 0; window < 2; window++)
      {
        NetCase c;
        net_case_init (&c);
        net_case_random_input (&c, RT_TYPE_F32, rows[i].n_dims, rows[i].dims, -1, 1);
        if (window)
          net_case_random_weight (&c, RT_TYPE_F32, 1, &rows[i].attrs.frame_length, 0, 1);
        net_case_node (&c, &rt_op_stft, &rows[i].attrs, NULL);
        net_case_check (&c, 1e-6, TOLERANCE);
        net_case_clear (&c);
      }
}

/* ---- log mel ---- */

/* What keyword spotting takes: 40 filters, 30 ms every 20 ms of 16 kHz. */
static const RtLogMelAttrs keywords = { .sample_rate_hz = 16000,
                                        .frame_length = 480,
                                        .frame_step = 320,
                                        .fft_length = 512,
                                        .n_frames = 49,
                                        .power = 1,
                                        .n_mels = 40,
                                        .low_hz = 20,
                                        .high_hz = 4000,
                                        .floor = 1e-6f,
                                        .add_floor = 1,
                                        .log_scale = 1 };

static void
check_log_mel (const RtLogMelAttrs *attrs, int64_t n)
{
  NetCase c;
  net_case_init (&c);
  net_case_random_input (&c, RT_TYPE_F32, 2, (int64_t[]){ 1, n }, -1, 1);
  net_case_node (&c, &rt_op_log_mel, attrs, NULL);
  net_case_check (&c, 1e-6, 1e-5);
  net_case_clear (&c);
}

static void
test_log_mel (void)
{
  for (uint32_t filters = 0; filters < 3; filters++)
    for (uint32_t frames = 0; frames < 3; frames++)
      {
        RtLogMelAttrs attrs = keywords;
        attrs.filters = filters;
        attrs.frames = frames;
        attrs.n_frames = 7;
        attrs.power = 1 + frames % 2;
        check_log_mel (&attrs, 2000); /* some frames reach beyond the end */
        attrs.add_floor = 0;
        attrs.log_scale = (float)(10 / log (10));
        attrs.log_offset = 3;
        attrs.symmetric_window = 1;
        attrs.n_mfcc = 10;
        attrs.orthonormal = filters == 1;
        check_log_mel (&attrs, 3000);
        attrs.fft_length = 500; /* no power of two */
        check_log_mel (&attrs, 3000);
      }
}

/* Features of a tone with exactly @k periods in a transform of 512. */
static void
tone_features (const RtLogMelAttrs *attrs, int k, NetResult *y)
{
  g_autofree float *x = g_new (float, 2048);
  NetCase c;
  for (int i = 0; i < 2048; i++)
    x[i] = (float)cos (2 * M_PI * k * i / 512);
  net_case_init (&c);
  net_case_input (&c, RT_TYPE_F32, 1, (int64_t[]){ 2048 }, x);
  net_case_node (&c, &rt_op_log_mel, attrs, NULL);
  net_case_run_threads (&c, y);
  net_case_clear (&c);
}

/* Under a Hann window such a tone is three lines of N / 8, N / 4 and N / 8; neighbour filters that
 * are triangles add up to 1, so all energies together are N / 2. */
static void
test_log_mel_tone (void)
{
  for (uint32_t filters = RT_MEL_TENSORFLOW; filters <= RT_MEL_HTK; filters++)
    {
      RtLogMelAttrs attrs = keywords;
      NetResult y[RT_MAX_OUTPUTS];
      double sum = 0;
      attrs.frame_length = 512;
      attrs.n_frames = 3;
      attrs.filters = filters;
      attrs.floor = 1e-9f;
      tone_features (&attrs, 40, y);
      for (gsize m = 0; m < 40; m++)
        sum += exp (net_result_get (&y[0], 40 + m));
      g_assert_cmpfloat_with_epsilon (sum, 256, 1e-3);
      net_results_clear (y);
    }
}

/* The orthonormal cosine transform keeps lengths. */
static void
test_mfcc (void)
{
  RtLogMelAttrs attrs = keywords;
  NetResult mel[RT_MAX_OUTPUTS], mfcc[RT_MAX_OUTPUTS];
  double mels = 0, coefficients = 0, sum = 0;
  attrs.n_frames = 2;
  tone_features (&attrs, 33, mel);
  attrs.n_mfcc = 40;
  attrs.orthonormal = 1;
  tone_features (&attrs, 33, mfcc);
  for (gsize m = 0; m < 40; m++)
    {
      mels += pow (net_result_get (&mel[0], m), 2);
      coefficients += pow (net_result_get (&mfcc[0], m), 2);
      sum += net_result_get (&mel[0], m);
    }
  g_assert_cmpfloat_with_epsilon (coefficients / mels, 1, 1e-6);
  g_assert_cmpfloat_with_epsilon (net_result_get (&mfcc[0], 0), sum / sqrt (40), 1e-4);
  net_results_clear (mel);
  net_results_clear (mfcc);
}

static void
test_constants (void)
{
  float y[8], mel[17 * 4];
  rt_window (RT_WINDOW_HANN, 4, 1, y);
  g_assert_cmpfloat_with_epsilon (y[0], 0, 1e-7);
  g_assert_cmpfloat_with_epsilon (y[1], 0.5, 1e-7);
  g_assert_cmpfloat_with_epsilon (y[2], 1, 1e-7);
  rt_window (RT_WINDOW_HANN, 5, 0, y);
  g_assert_cmpfloat_with_epsilon (y[4], 0, 1e-7);
  rt_window (RT_WINDOW_HAMMING, 4, 1, y);
  g_assert_cmpfloat_with_epsilon (y[0], 4.0 / 46, 1e-7);
  g_assert_cmpfloat_with_epsilon (y[2], 1, 1e-7);
  rt_window (RT_WINDOW_BLACKMAN, 4, 1, y);
  g_assert_cmpfloat_with_epsilon (y[1], 0.34, 1e-7);
  rt_window (RT_WINDOW_BLACKMAN, 1, 0, y);
  g_assert_cmpfloat (y[0], ==, 1);

  /* Every filter rises to 1 and falls; none reaches beyond the spectrum. */
  rt_mel_weights (4, 32, 8000, 100, 3000, mel);
  for (int m = 0; m < 4; m++)
    {
      float largest = 0;
      for (int bin = 0; bin < 17; bin++)
        largest = MAX (largest, mel[bin * 4 + m]);
      g_assert_cmpfloat (largest, ==, 1);
      g_assert_cmpfloat (mel[16 * 4 + m], ==, 0);
    }
}

static void
test_refusals (void)
{
  NetCase c;
  net_case_init (&c);
  net_case_random_input (&c, RT_TYPE_F32, 3, (int64_t[]){ 2, 8, 3 }, -1, 1);
  g_autofree char *dft = net_case_refused (&c, &rt_op_dft, &(RtDftAttrs){ 1, 0, 0, 0 });
  g_assert_nonnull (strstr (dft, "got shape [2, 8, 3]"));
  g_autofree char *stft = net_case_refused (&c, &rt_op_stft, &(RtStftAttrs){ 4, 2, 0 });
  g_assert_nonnull (strstr (stft, "got shape [2, 8, 3]"));
  net_case_clear (&c);
  net_case_init (&c);
  net_case_random_input (&c, RT_TYPE_F32, 2, (int64_t[]){ 2, 8 }, -1, 1);
  g_autofree char *frames = net_case_refused (&c, &rt_op_stft, &(RtStftAttrs){ 9, 2, 0 });
  g_assert_nonnull (strstr (frames, "Frames of 9 samples, 2 apart, of 8 samples"));
  net_case_clear (&c);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signal/dft", test_dft);
  g_test_add_func ("/signal/dft/values", test_dft_values);
  g_test_add_func ("/signal/stft", test_stft);
  g_test_add_func ("/signal/log-mel", test_log_mel);
  g_test_add_func ("/signal/log-mel/tone", test_log_mel_tone);
  g_test_add_func ("/signal/log-mel/mfcc", test_mfcc);
  g_test_add_func ("/signal/constants", test_constants);
  g_test_add_func ("/signal/refusals", test_refusals);
  return g_test_run ();
}
