/* The sampler: exact where it is exact, statistically where it draws, and harmless on bad logits.
 */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "rt-random.h"
#include "rt-sampler.h"

static RtSampler *
new_sampler (RtSamplerConfig config, uint32_t n_vocab)
{
  RtError error = { 0 };
  RtSampler *s = rt_sampler_new (&config, n_vocab, &error);

  if (!s)
    g_error ("%s", error.message);
  return s;
}

/* The authors' C programs print these: SplitMix64 seeded with 1234567 (through what our generator's
 * state becomes), xoshiro256++ with the state 1, 2, 3, 4. */
static void
test_random (void)
{
  static const uint64_t split_mix[4]
      = { 6457827717110365317u, 3203168211198807973u, 9817491932198370423u, 4593380528125082431u };
  static const uint64_t xoshiro[] = { 41943041u,
                                      58720359u,
                                      3588806011781223u,
                                      3591011842654386u,
                                      9228616714210784205u,
                                      9973669472204895162u,
                                      14011001112246962877u,
                                      12406186145184390807u,
                                      15849039046786891736u,
                                      10450023813501588000u };
  RtRandom r;

  rt_random_init (&r, 1234567);
  for (int i = 0; i < 4; i++)
    g_assert_cmpuint (r.state[i], ==, split_mix[i]);
  r = (RtRandom){ { 1, 2, 3, 4 } };
  for (size_t i = 0; i < G_N_ELEMENTS (xoshiro); i++)
    g_assert_cmpuint (rt_random_next (&r), ==, xoshiro[i]);
  for (int i = 0; i < 10000; i++)
    {
      double u = rt_random_unit (&r);
      g_assert_true (u >= 0 && u < 1);
    }
}

static void
test_greedy (void)
{
  static const float logits[] = { -1, 3, 2, 3, NAN, -INFINITY };
  RtSampler *s = new_sampler ((RtSamplerConfig){ .top_p = 1, .seed = 5 }, 6);

  for (int i = 0; i < 3; i++)
    g_assert_cmpint (rt_sampler_next (s, logits), ==, 1); /* the first of equals */
  rt_sampler_free (s);

  /* The best alone is left by each filter, at any temperature. */
  static const RtSamplerConfig alone[] = {
    { .temperature = 2, .top_k = 1, .top_p = 1 },
    { .temperature = 2, .top_p = 0 },
    { .temperature = 2, .top_p = 1, .min_p = 1 },
    { .temperature = 1e-30f, .top_p = 1 },
  };
  static const float distinct[] = { -1, 3, 2, 2.5f, NAN, -INFINITY };
  for (size_t k = 0; k < G_N_ELEMENTS (alone); k++)
    {
      s = new_sampler (alone[k], 6);
      for (int i = 0; i < 100; i++)
        g_assert_cmpint (rt_sampler_next (s, distinct), ==, 1);
      rt_sampler_free (s);
    }
}

static void
test_bad_logits (void)
{
  static const float nothing[] = { NAN, -INFINITY, NAN, -INFINITY };
  static const float infinite[] = { 1, INFINITY, 2, INFINITY };
  static const float one[] = { NAN, -INFINITY, -1e30f, NAN };
  static const float far[] = { 3e38f, -3e38f, 3e38f, NAN };

  for (int greedy = 0; greedy < 2; greedy++)
    {
      RtSamplerConfig c
          = { .temperature = greedy ? 0 : 1, .top_k = 3, .top_p = 0.9f, .min_p = 0.1f };
      RtSampler *s = new_sampler (c, 4);
      g_assert_cmpint (rt_sampler_next (s, nothing), ==, -1);
      g_assert_cmpint (rt_sampler_next (s, infinite), ==, 1);
      g_assert_cmpint (rt_sampler_next (s, one), ==, 2);
      for (int i = 0; i < 50; i++)
        {
          int32_t token = rt_sampler_next (s, far);
          g_assert_true (token == 0 || (token == 2 && !greedy));
        }
      rt_sampler_free (s);
    }

  /* More than there are is as good as off; so is a vocabulary of one. */
  RtSampler *s = new_sampler ((RtSamplerConfig){ 1, UINT32_MAX, 1, 0, 1 }, 1);
  g_assert_cmpint (rt_sampler_next (s, far), ==, 0);
  rt_sampler_free (s);
}

static void
test_bad_config (void)
{
  static const struct
  {
    RtSamplerConfig config;
    uint32_t n_vocab;
    const char *part;
  } cases[] = {
    { { .top_p = 1 }, 0, "0 tokens" },
    { { .temperature = -1, .top_p = 1 }, 4, "temperature is -1" },
    { { .temperature = NAN, .top_p = 1 }, 4, "temperature" },
    { { .temperature = INFINITY, .top_p = 1 }, 4, "temperature" },
    { { .top_p = 1.5f }, 4, "top-p is 1.5" },
    { { .top_p = NAN }, 4, "top-p" },
    { { .top_p = 1, .min_p = -0.5f }, 4, "min-p is -0.5" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      RtError error = { 0 };
      g_assert_null (rt_sampler_new (&cases[i].config, cases[i].n_vocab, &error));
      g_assert_cmpint (error.status, ==, RT_ERROR_RANGE);
      g_assert_nonnull (strstr (error.message, cases[i].part));
    }
  rt_sampler_free (NULL);
}

/* ---- Distributions ---- */

#define N_DRAWS 200000

/* Chi-square of @n_draws drawn @counts against @p [n]; tokens of probability 0 must not appear. */
static double
chi_square (const unsigned *counts, const double *p, int n, int *n_free)
{
  double sum = 0;

  *n_free = -1;
  for (int i = 0; i < n; i++)
    {
      double expected = p[i] * N_DRAWS;
      if (p[i] == 0)
        {
          g_assert_cmpuint (counts[i], ==, 0);
          continue;
        }
      sum += (counts[i] - expected) * (counts[i] - expected) / expected;
      ++*n_free;
    }
  return sum;
}

/* Draw and compare with @p. The limit is where a right sampler fails once in a million times
 * (Wilson and Hilferty's approximation, z = 4.75); the seed is fixed, so the test never flickers.
 */
static void
check_distribution (RtSamplerConfig config, const float *logits, const double *p, int n)
{
  unsigned counts[16] = { 0 };
  RtSampler *s = new_sampler (config, (uint32_t)n);
  int n_free;

  for (int i = 0; i < N_DRAWS; i++)
    {
      int32_t token = rt_sampler_next (s, logits);
      g_assert_true (token >= 0 && token < n);
      counts[token]++;
    }
  rt_sampler_free (s);

  double x = chi_square (counts, p, n, &n_free);
  double k = n_free, a = 2 / (9 * k);
  double limit = k * pow (1 - a + 4.75 * sqrt (a), 3);
  g_test_message ("chi-square %.2f, %d degrees of freedom, limit %.2f", x, n_free, limit);
  g_assert_cmpfloat (x, <, limit);
}

/* Probabilities from 8 logits at @temperature, of those in @kept only; in long double with libm. */
static void
expect (const float *logits, unsigned kept, double temperature, double *p)
{
  long double sum = 0, e[8];

  for (int i = 0; i < 8; i++)
    {
      e[i] = kept >> i & 1 ? expl ((long double)logits[i] / (long double)temperature) : 0;
      sum += e[i];
    }
  for (int i = 0; i < 8; i++)
    p[i] = (double)(e[i] / sum);
}

/* Softmax at temperature 1, in percent: 48.15 (token 2), 17.71 (4 and 6), 6.52 (1 and 7), 2.40 (5),
 * 0.88 (0), 0.12 (3). */
static const float eight[8] = { 0, 2, 4, -2, 3, 1, 3, 2 };

static void
test_distributions (void)
{
  static const struct
  {
    const char *name;
    RtSamplerConfig config;
    unsigned kept; /* bit i: token i */
    double temperature;
  } cases[] = {
    { "plain", { .temperature = 1, .top_p = 1, .seed = 1 }, 0xff, 1 },
    { "cool", { .temperature = 0.5f, .top_p = 1, .seed = 2 }, 0xff, 0.5 },
    { "hot", { .temperature = 3, .top_p = 1, .seed = 3 }, 0xff, 3 },
    { "top-k", { .temperature = 1, .top_k = 3, .top_p = 1, .seed = 4 }, 0x54, 1 },
    /* Of the equal 1 and 7 the lower token stays. */
    { "top-k tie", { .temperature = 1, .top_k = 4, .top_p = 1, .seed = 5 }, 0x56, 1 },
    /* 48.2, 65.9, 83.6: the third is the first to reach 70. */
    { "top-p", { .temperature = 1, .top_p = 0.7f, .seed = 6 }, 0x54, 1 },
    /* The temperature comes after the filters, so they keep the same. */
    { "top-p hot", { .temperature = 4, .top_p = 0.7f, .seed = 7 }, 0x54, 4 },
    /* Shares of what top-k leaves: 48.15 / 83.57 = 57.6 %, then 78.8. */
    { "top-k top-p", { .temperature = 1, .top_k = 3, .top_p = 0.7f, .seed = 8 }, 0x14, 1 },
    /* e^-1 = 0.368 of the best passes 0.3, e^-2 = 0.135 does not. */
    { "min-p", { .temperature = 1, .top_p = 1, .min_p = 0.3f, .seed = 9 }, 0x54, 1 },
    { "min-p low", { .temperature = 2, .top_p = 1, .min_p = 0.1f, .seed = 10 }, 0xd6, 2 },
    { "all",
      { .temperature = 1.5f, .top_k = 6, .top_p = 0.9f, .min_p = 0.05f, .seed = 11 },
      0x56,
      1.5 },
    { "top-k all", { .temperature = 1, .top_k = 8, .top_p = 0.9999f, .seed = 12 }, 0xff, 1 },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      double p[8];
      g_test_message ("%s", cases[i].name);
      expect (eight, cases[i].kept, cases[i].temperature, p);
      check_distribution (cases[i].config, eight, p, 8);
    }
}

/* Random logits, small vocabularies: the filters against sorting everything. */
static void
test_filters_against_sort (void)
{
  RtRandom r;

  rt_random_init (&r, 99);
  for (int round = 0; round < 300; round++)
    {
      enum
      {
        N = 40
      };
      float logits[N];
      int order[N];
      bool kept[N] = { false };
      for (int i = 0; i < N; i++)
        {
          /* Coarse, so that there are ties. */
          logits[i] = (float)(int)(rt_random_unit (&r) * 16) * 0.5f;
          int k = i;
          for (; k > 0 && logits[order[k - 1]] < logits[i]; k--)
            order[k] = order[k - 1];
          order[k] = i;
        }
      RtSamplerConfig c = { .temperature = 1e6f, /* nearly uniform among what is kept */
                            .top_k = (uint32_t)(rt_random_unit (&r) * 50),
                            .top_p = round % 3 ? (float)rt_random_unit (&r) : 1,
                            .min_p = round % 2 ? (float)rt_random_unit (&r) * 0.1f : 0,
                            .seed = (uint64_t)round };

      int n_most = c.top_k > 0 && c.top_k < N ? (int)c.top_k : N, n_kept = 0;
      double total = 0, sum = 0;
      for (int i = 0; i < n_most; i++)
        total += exp ((double)logits[order[i]]);
      for (; n_kept < n_most; n_kept++)
        {
          double p = exp ((double)logits[order[n_kept]]);
          if (n_kept > 0
              && ((c.top_p < 1 && sum >= (double)c.top_p * total)
                  || p < (double)c.min_p * exp ((double)logits[order[0]])))
            break;
          sum += p;
          kept[order[n_kept]] = true;
        }

      RtSampler *s = new_sampler (c, N);
      bool seen[N] = { false };
      for (int i = 0; i < 2000; i++)
        {
          int32_t token = rt_sampler_next (s, logits);
          g_assert_true (kept[token]);
          seen[token] = true;
        }
      rt_sampler_free (s);
      for (int i = 0; i < N; i++)
        g_assert_cmpint (seen[i], ==, kept[i]);
    }
}

/* A vocabulary of real size, every filter off or wide: the same seed gives the same tokens, another
 * seed others. */
static void
test_seed (void)
{
  enum
  {
    N = 50000
  };
  g_autofree float *logits = g_new (float, N);
  int32_t tokens[3][64];
  int n_same = 0;

  for (int i = 0; i < N; i++)
    logits[i] = (float)(i * 7919 % 1000) / 100.0f;
  for (int k = 0; k < 3; k++)
    {
      RtSamplerConfig c = { .temperature = 1, .top_p = 0.95f, .seed = k == 2 ? 8 : 7 };
      RtSampler *s = new_sampler (c, N);
      for (int i = 0; i < 64; i++)
        tokens[k][i] = rt_sampler_next (s, logits);
      rt_sampler_free (s);
    }
  g_assert_cmpmem (tokens[0], sizeof tokens[0], tokens[1], sizeof tokens[1]);
  for (int i = 0; i < 64; i++)
    n_same += tokens[0][i] == tokens[2][i];
  g_assert_cmpint (n_same, <, 8);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sampler/random", test_random);
  g_test_add_func ("/sampler/greedy", test_greedy);
  g_test_add_func ("/sampler/bad-logits", test_bad_logits);
  g_test_add_func ("/sampler/bad-config", test_bad_config);
  g_test_add_func ("/sampler/distributions", test_distributions);
  g_test_add_func ("/sampler/filters-against-sort", test_filters_against_sort);
  g_test_add_func ("/sampler/seed", test_seed);
  return g_test_run ();
}
