/* Speculative decoding: look-ups against a naive search, verification against the distributions it
 * must keep, the automatic length against simulated texts and machines, and whole rounds on random
 * models against plain decoding. */
#include <glib.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "random-model.h"
#include "rt-model.h"
#include "rt-random.h"
#include "rt-speculate-round.h"

/* The chi-square of @n cells is above n - 1 + 4 sqrt (2 (n - 1)) about once in ten thousand times
 * (its mean and standard deviation; the tail is a little heavier than a normal one, and seeds are
 * fixed). */
static double
chi_square_limit (guint n_cells)
{
  double dof = n_cells - 1;
  return dof + 4 * sqrt (2 * dof);
}

static double
chi_square (const guint *counts, const double *p, guint n_cells, guint n)
{
  double sum = 0;

  for (guint i = 0; i < n_cells; i++)
    if (p[i] > 0)
      sum += (counts[i] - n * p[i]) * (counts[i] - n * p[i]) / (n * p[i]);
    else
      g_assert_cmpuint (counts[i], ==, 0);
  return sum;
}

static RtSampler *
new_sampler (RtSamplerConfig config, uint32_t n_vocab)
{
  RtError error = { 0 };
  RtSampler *sampler = rt_sampler_new (&config, n_vocab, &error);
  g_assert_nonnull (sampler);
  return sampler;
}

/* ---- Look-up ---- */

/* The newest place with the longest match, by trying all. */
static guint
naive_find (const int32_t *text, guint n, guint min_match, guint max_match, guint *match)
{
  for (guint m = max_match; m >= min_match; m--)
    for (guint place = n - 1; place >= m && place < n; place--)
      if (n >= m && memcmp (text + place - m, text + n - m, m * sizeof *text) == 0)
        {
          *match = m;
          return place;
        }
  *match = 0;
  return 0;
}

static void
test_lookup (void)
{
  enum
  {
    N = 400,
    DEEP = 7
  };
  RtError error = { 0 };
  RtRandom random;

  rt_random_init (&random, 3);
  for (guint trial = 0; trial < 40; trial++)
    {
      guint n_symbols = 2 + trial % 9, min_match = 1 + trial % 3, max_match = min_match + trial % 4;
      RtLookup *lookup = rt_lookup_new (min_match, max_match, N, &error);
      int32_t draft[DEEP];
      g_assert_nonnull (lookup);
      for (guint i = 0; i < N; i++)
        {
          rt_lookup_push (lookup, (int32_t)(rt_random_next (&random) % n_symbols));
          guint n = i + 1, wanted, match;
          const int32_t *text = rt_lookup_tokens (lookup);
          guint place = naive_find (text, n, min_match, max_match, &wanted);
          guint found = rt_lookup_find (lookup, DEEP, draft, &match);
          /* Few symbols: a chain of equal hashes never hides the newest of them. */
          g_assert_cmpuint (match, ==, wanted);
          g_assert_cmpuint (found, ==, wanted > 0 ? DEEP : 0);
          for (guint d = 0; d < found; d++)
            g_assert_cmpint (draft[d], ==, place + d < n ? text[place + d] : draft[place + d - n]);
        }
      g_assert_cmpuint (rt_lookup_n_tokens (lookup), ==, N);
      rt_lookup_push (lookup, 1); /* full: forgotten */
      g_assert_cmpuint (rt_lookup_n_tokens (lookup), ==, N);
      rt_lookup_clear (lookup);
      guint match;
      g_assert_cmpuint (rt_lookup_find (lookup, DEEP, draft, &match), ==, 0);
      rt_lookup_free (lookup);
    }
  g_assert_null (rt_lookup_new (3, 2, 10, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_RANGE);
}

/* "a b x", "a b y", "a c" before the end "a": three ways on; what they share is drafted once. */
static void
test_lookup_tree (void)
{
  static const int32_t text[] = { 1, 2, 3, 9, 1, 2, 4, 8, 1, 5, 7, 1 };
  RtError error = { 0 };
  RtLookup *lookup = rt_lookup_new (1, 2, 64, &error);
  int32_t draft[16];
  uint32_t parents[16], match;

  for (guint i = 0; i < G_N_ELEMENTS (text); i++)
    rt_lookup_push (lookup, text[i]);
  guint n = rt_lookup_find_tree (lookup, 3, 2, 16, draft, parents, &match);
  g_assert_cmpuint (match, ==, 1);
  /* Newest first: 5 7; then 2 4; then 2 3, of which 2 is there. */
  static const int32_t wanted[] = { 5, 7, 2, 4, 3 };
  static const uint32_t wanted_parents[] = { UINT32_MAX, 0, UINT32_MAX, 2, 2 };
  g_assert_cmpuint (n, ==, G_N_ELEMENTS (wanted));
  for (guint i = 0; i < n; i++)
    {
      g_assert_cmpint (draft[i], ==, wanted[i]);
      g_assert_cmpuint (parents[i], ==, wanted_parents[i]);
    }
  g_assert_cmpuint (rt_lookup_find_tree (lookup, 3, 2, 3, draft, parents, &match), ==, 3);
  g_assert_cmpuint (rt_lookup_find_tree (lookup, 1, 2, 16, draft, parents, &match), ==, 2);
  rt_lookup_free (lookup);
}

/* ---- Verification on made-up distributions ---- */

#define V 5

/* The model: what follows depends on the token before. Row -1 of the text's end. */
static const float p_logits[V + 1][V]
    = { { 0.3f, -1, 1.2f, 0, -0.4f }, { 2, 0, 0, 1, -3 }, { -1, 1, -1, 1, 0 },
        { 0, 0.5f, 0.1f, -2, 1.5f },  { 3, -1, 0, 0, 0 }, { 0, 0, 0, 0, 0 } };
static const float q_first[V] = { 0.1f, 0.5f, 0.1f, 0.25f, 0.05f };
static const float q_second[V] = { 0.4f, 0.1f, 0.1f, 0.1f, 0.3f };

typedef struct
{
  const RtDraft *drafts;
  guint n;
} Made;

static const float *
made_logits (void *data, uint32_t row)
{
  const Made *made = data;
  return p_logits[row == 0 ? V : made->drafts[row - 1].token];
}

static const float *
made_q (void *data, uint32_t row)
{
  const Made *made = data;
  if (row == 0)
    return q_first;
  for (guint i = 0; i < made->n; i++)
    if (made->drafts[i].parent == row - 1)
      return q_second;
  return NULL;
}

static void
exact_softmax (const float *logits, double *p)
{
  double total = 0;
  for (guint i = 0; i < V; i++)
    total += p[i] = exp ((double)logits[i]);
  for (guint i = 0; i < V; i++)
    p[i] /= total;
}

/* @width tokens of the text's end, each with one more below it. */
static guint
draw_drafts (RtSampler *drafter, guint width, gboolean replacement, RtDraft *drafts)
{
  float left[V];
  guint n = 0;

  memcpy (left, q_first, sizeof left);
  for (guint j = 0; j < width; j++)
    {
      drafts[n++] = (RtDraft){ .token = rt_sampler_draw (drafter, left), .parent = RT_DRAFT_ROOT };
      if (!replacement)
        rt_speculate_exclude (left, drafts[n - 1].token, V);
    }
  for (guint j = 0; j < width; j++)
    drafts[n++] = (RtDraft){ .token = rt_sampler_draw (drafter, q_second), .parent = j };
  return n;
}

static void
test_verify_tested (void)
{
  enum
  {
    TRIALS = 200000
  };
  double p_first[V], exact[V * V];

  exact_softmax (p_logits[V], p_first);
  for (guint i = 0; i < V; i++)
    {
      double p[V];
      exact_softmax (p_logits[i], p);
      for (guint k = 0; k < V; k++)
        exact[i * V + k] = p_first[i] * p[k];
    }
  for (guint width = 1; width <= 3; width++)
    for (guint replacement = 0; replacement < 2; replacement++)
      {
        RtSampler *sampler
            = new_sampler ((RtSamplerConfig){ .temperature = 1, .top_p = 1, .seed = width }, V);
        RtSampler *drafter
            = new_sampler ((RtSamplerConfig){ .temperature = 1, .top_p = 1, .seed = 77 }, V);
        guint counts[V * V] = { 0 }, drafted[V * V] = { 0 }, n_first = 0;
        float p[V], left[V];

        for (guint t = 0; t < TRIALS; t++)
          {
            RtDraft drafts[6];
            guint n = draw_drafts (drafter, width, replacement, drafts);
            Made made = { drafts, n };
            RtVerified verified;
            g_assert_true (rt_speculate_verify_tested (sampler, drafts, n, replacement, made_logits,
                                                       made_q, &made, p, left, V, &verified));
            g_assert_cmpuint (verified.n_tokens, ==, verified.n_accepted + 1);
            n_first += verified.n_accepted > 0;
            /* A text that ended after one token goes on plainly. */
            int32_t second = verified.n_tokens > 1
                                 ? verified.tokens[1]
                                 : rt_sampler_next (sampler, p_logits[verified.tokens[0]]);
            counts[verified.tokens[0] * V + second]++;
            drafted[drafts[0].token * V + drafts[width].token]++;
          }
        g_assert_cmpfloat (chi_square (counts, exact, V * V, TRIALS), <, chi_square_limit (V * V));
        /* The test sees what is wrong: the drafts themselves are far from it. */
        g_assert_cmpfloat (chi_square (drafted, exact, V * V, TRIALS), >,
                           100 * chi_square_limit (V * V));
        if (width == 1)
          {
            double overlap = 0;
            for (guint i = 0; i < V; i++)
              overlap += MIN (p_first[i], (double)q_first[i]);
            g_assert_cmpfloat_with_epsilon ((double)n_first / TRIALS, overlap,
                                            4 * sqrt (0.25 / TRIALS));
          }
        rt_sampler_free (sampler);
        rt_sampler_free (drafter);
      }
}

/* The distribution is the one that tokens are drawn from, filtered and tempered. */
static void
test_distribution (void)
{
  static const float logits[] = { 0.5f, 2, -INFINITY, 1.9f, 0.1f, 1, NAN };
  static const RtSamplerConfig configs[] = {
    { .temperature = 1, .top_p = 1, .seed = 1 },
    { .temperature = 0.7f, .top_p = 1, .top_k = 3, .seed = 2 },
    { .temperature = 1.5f, .top_p = 0.8f, .seed = 3 },
    { .temperature = 1, .top_p = 1, .min_p = 0.3f, .seed = 4 },
  };
  enum
  {
    N = G_N_ELEMENTS (logits),
    TRIALS = 100000
  };

  for (guint c = 0; c < G_N_ELEMENTS (configs); c++)
    {
      RtSampler *sampler = new_sampler (configs[c], N);
      float p[N];
      double exact[N], sum = 0;
      guint counts[N] = { 0 }, drawn[N] = { 0 };

      g_assert_true (rt_sampler_distribution (sampler, logits, p));
      for (guint i = 0; i < N; i++)
        sum += exact[i] = (double)p[i];
      g_assert_cmpfloat_with_epsilon (sum, 1, 1e-6);
      for (guint i = 0; i < N; i++) /* of those kept: exp (difference / temperature) */
        if (p[i] > 0)
          g_assert_cmpfloat_with_epsilon ((double)(p[i] / p[1]),
                                          exp ((double)(logits[i] - logits[1])
                                               / (double)configs[c].temperature),
                                          1e-5);
      for (guint t = 0; t < TRIALS; t++)
        {
          counts[rt_sampler_next (sampler, logits)]++;
          drawn[rt_sampler_draw (sampler, p)]++;
        }
      g_assert_cmpfloat (chi_square (counts, exact, N, TRIALS), <, chi_square_limit (N));
      g_assert_cmpfloat (chi_square (drawn, exact, N, TRIALS), <, chi_square_limit (N));
      rt_sampler_free (sampler);
    }
  RtSampler *greedy = new_sampler ((RtSamplerConfig){ .top_p = 1 }, N);
  float p[N];
  g_assert_true (rt_sampler_distribution (greedy, logits, p));
  g_assert_cmpfloat ((double)p[1], ==, 1);
  static const float nothing[N] = { NAN, NAN, NAN, NAN, NAN, NAN, NAN };
  g_assert_false (rt_sampler_distribution (greedy, nothing, p));
  static const float zero[N] = { 0 };
  g_assert_cmpint (rt_sampler_draw (greedy, zero), ==, -1);
  rt_sampler_free (greedy);
}

/* ---- The length on simulated texts ---- */

typedef struct
{
  double alpha;   /* acceptance of every depth */
  double found;   /* share of rounds in which the drafter has something */
  double slope;   /* of a run's time per further token, in plain steps */
  double draft;   /* of a drafted token, in plain steps */
  double noise;   /* uniform, relative */
  double hiccups; /* share of rounds that take up to nine times as long */
} World;

/* Write @n tokens; the time against plain steps. */
static double
simulate (RtDraftLength *length, const World *world, guint n, RtRandom *random)
{
  double time = 0;

  for (guint done = 0; done < n;)
    {
      gboolean found = rt_random_unit (random) < world->found;
      RtLengthChoice choice = { RT_LENGTH_NONE, 0, NAN };
      if (found)
        choice = rt_length_choose (length, 0, MIN (RT_SPECULATE_MAX, n - done - 1), 0);
      guint accepted = 0;
      while (accepted < choice.length && rt_random_unit (random) < world->alpha)
        accepted++;
      /* Now and then another program takes the processor: not time of ours, but the clock does not
       * say so. */
      double noise = 1 + world->noise * (rt_random_unit (random) - 0.5);
      if (rt_random_unit (random) < world->hiccups)
        noise *= 1 + 8 * rt_random_unit (random);
      double verify = 1 + world->slope * choice.length, draft = world->draft * choice.length;
      rt_length_learn (length, &(RtLengthRound){ .length = choice.length,
                                                 .n_tested = MIN (accepted + 1, choice.length),
                                                 .n_accepted = accepted,
                                                 .n_run = 1 + choice.length,
                                                 .n_emitted = accepted + 1,
                                                 .draft_ns = 1e6 * draft * noise,
                                                 .verify_ns = 1e6 * verify * noise });
      time += verify + draft;
      done += accepted + 1;
    }
  return time / n;
}

static void
calibrate (RtDraftLength *length, const World *world, guint fixed, gboolean fallback)
{
  rt_length_init (length, &(RtLengthConfig){ .fixed = fixed,
                                             .max = RT_SPECULATE_MAX,
                                             .width = 1,
                                             .fallback = fallback,
                                             .prior = 0.5 });
  for (guint k = 1; k <= RT_SPECULATE_MAX + 1; k += 4)
    rt_length_set_cost (length, k, 1e6 * (1 + world->slope * (k - 1)));
  rt_length_set_draft_cost (length, 1e6 * world->draft, 0);
}

/* Whatever the text and the machine: never more than 3 % slower than plain steps, at any length of
 * text from 64 tokens on, with a fixed length, too. */
static void
test_length_never_slow (void)
{
  RtRandom random;

  rt_random_init (&random, 11);
  for (double alpha = 0; alpha <= 0.6; alpha += 0.1)
    for (double slope = 0.05; slope <= 1; slope *= 1.6)
      for (double draft = 0; draft <= 0.9; draft += 0.3)
        for (guint fixed = 0; fixed <= 8; fixed += 4)
          for (guint n = 64; n <= 1024; n *= 4)
            {
              World world = { alpha, 1, slope, draft, 0.05, fixed > 4 ? 0.25 : 0 };
              RtDraftLength length;
              calibrate (&length, &world, fixed, TRUE);
              double time = simulate (&length, &world, n, &random);
              if (time > 1.03)
                g_error ("alpha %g slope %g draft %g fixed %u n %u: %g times as long", alpha, slope,
                         draft, fixed, n, time);
            }
}

/* It finds the length that is best for the text: at most a few percent behind the best fixed
 * one. */
static void
test_length_near_best (void)
{
  static const World worlds[] = {
    { 0.95, 1, 0.06, 0.0, 0.05, 0.1 }, { 0.8, 1, 0.1, 0.05, 0.05, 0.1 },
    { 0.6, 1, 0.1, 0.0, 0.05, 0.1 },   { 0.5, 1, 0.3, 0.0, 0.05, 0.1 },
    { 0.9, 0.3, 0.1, 0.0, 0.05, 0.1 }, { 0.7, 1, 0.1, 0.2, 0.05, 0.1 },
  };
  RtRandom random;

  rt_random_init (&random, 5);
  for (guint w = 0; w < G_N_ELEMENTS (worlds); w++)
    {
      RtDraftLength length;
      double best = 1;
      for (guint fixed = 1; fixed <= RT_SPECULATE_MAX; fixed++)
        {
          calibrate (&length, &worlds[w], fixed, FALSE);
          best = MIN (best, simulate (&length, &worlds[w], 20000, &random));
        }
      calibrate (&length, &worlds[w], 0, TRUE);
      double time = simulate (&length, &worlds[w], 20000, &random);
      g_test_message ("world %u: automatic %.3f, best fixed %.3f", w, time, best);
      g_assert_cmpfloat (time, <, best * 1.05);
    }
}

/* A text that begins to repeat after a long stretch that did not: drafting comes back. And a text
 * that stops is left at a small price. */
static void
test_length_adapts (void)
{
  World bad = { 0.05, 1, 0.15, 0, 0.05, 0 }, good = { 0.9, 1, 0.15, 0, 0.05, 0 };
  RtDraftLength length;
  RtRandom random;

  rt_random_init (&random, 9);
  calibrate (&length, &bad, 0, TRUE);
  simulate (&length, &bad, 1000, &random);
  g_assert_cmpfloat (simulate (&length, &good, 1000, &random), <, 0.5);
  g_assert_cmpfloat (simulate (&length, &bad, 400, &random), <, 1.05);
  g_assert_cmpfloat (simulate (&length, &bad, 1000, &random), <, 1.03);
}

/* Calibrated on a busy machine: runs over several tokens seemed to take four times what they do. It
 * is found out. */
static void
test_length_miscalibrated (void)
{
  World world = { 0.8, 1, 0.1, 0, 0.1, 0.1 };
  RtDraftLength length;
  RtRandom random;

  rt_random_init (&random, 21);
  calibrate (&length, &world, 0, TRUE);
  for (guint k = 5; k <= RT_SPECULATE_MAX + 1; k += 4)
    rt_length_set_cost (&length, k, 4e6 * (1 + world.slope * (k - 1)));
  simulate (&length, &world, 600, &random);
  g_assert_cmpfloat (simulate (&length, &world, 1000, &random), <, 0.6); /* at best 0.47 */
}

/* ---- Rounds on models ---- */

#define N_VOCAB 80
#define N_TEXT 120

static const RandomModel shape = { .n_layers = 3,
                                   .n_embd = 96,
                                   .n_ff = 160,
                                   .n_heads = 6,
                                   .n_kv_heads = 2,
                                   .head_dim = 32,
                                   .n_vocab = N_VOCAB,
                                   .dtype = KN_F32,
                                   .tied = true };

static void
open_model (RtModel *model, guint64 seed, int format, KnDtype kv_format)
{
  RtError error = { 0 };
  char *path = random_model_write (&shape, seed, &error);

  g_assert_nonnull (path);
  if (!rt_model_open (model,
                      &(RtModelConfig){ .path = path,
                                        .format = format,
                                        .n_threads = 2,
                                        .max_tokens = 64,
                                        .max_outputs = RT_SPECULATE_MAX + 1,
                                        .kv_format = kv_format,
                                        .kv_capacity = 256 },
                      &error))
    g_error ("%s", error.message);
  unlink (path);
  free (path);
}

static const int32_t prompt[] = { 3, 14, 15, 9, 26, 5, 35, 8, 3, 14 };
#define N_PROMPT G_N_ELEMENTS (prompt)

/* Feed the prompt but its last token. */
static void
feed_prompt (RtExec *exec)
{
  RtError error = { 0 };
  rt_kv_set_n_used (rt_exec_kv (exec), 0);
  g_assert_true (rt_exec_run (exec, prompt, N_PROMPT - 1, 0, RT_PHASE_PREFILL, &error));
}

static void
write_plain (RtExec *exec, const RtSamplerConfig *config, int32_t *text, guint n)
{
  RtSampler *sampler = new_sampler (*config, N_VOCAB);
  int32_t last = prompt[N_PROMPT - 1];
  RtError error = { 0 };

  feed_prompt (exec);
  for (guint i = 0; i < n; i++)
    {
      g_assert_true (rt_exec_run (exec, &last, 1, 1, RT_PHASE_DECODE, &error));
      last = text[i] = rt_sampler_next (sampler, rt_exec_logits (exec, 0));
    }
  rt_sampler_free (sampler);
}

/* @n tokens by rounds; returns how many drafts were accepted. */
static guint
write_rounds (RtExec *exec, RtDrafter *drafter, const RtSamplerConfig *config, guint width,
              gboolean replacement, guint fixed, int32_t *text, guint n)
{
  RtSampler *sampler = new_sampler (*config, N_VOCAB);
  RtSpeculatorConfig setup = { .exec = exec,
                               .max_run = RT_SPECULATE_MAX + 1,
                               .sampler = sampler,
                               .drafter = drafter,
                               .min_match = 1,
                               .max_match = 3,
                               .tree_width = width,
                               .replacement = replacement,
                               .length = { .fixed = fixed, .max = 8, .prior = 0.5 } };
  RtError error = { 0 };
  RtSpeculator *speculator = rt_speculator_new (&setup, &error);
  guint done = 0, n_accepted = 0;

  g_assert_nonnull (speculator);
  feed_prompt (exec);
  if (drafter != NULL)
    rt_drafter_truncate (drafter, 0);
  if (!rt_speculator_begin (speculator, prompt, N_PROMPT, &error))
    g_error ("%s", error.message);
  while (done < n)
    {
      RtRound round;
      if (!rt_speculator_round (speculator, n - done, FALSE, &round, &error))
        g_error ("%s", error.message);
      g_assert_cmpuint (round.verified.n_tokens, ==, round.verified.n_accepted + 1);
      g_assert_cmpuint (done + round.verified.n_tokens, <=, n);
      g_assert_cmpuint (rt_kv_n_used (rt_exec_kv (exec)), ==,
                        N_PROMPT + done + round.verified.n_accepted);
      memcpy (text + done, round.verified.tokens, round.verified.n_tokens * sizeof *text);
      done += round.verified.n_tokens;
      n_accepted += round.verified.n_accepted;
    }
  rt_speculator_free (speculator);
  rt_sampler_free (sampler);
  return n_accepted;
}

/* The cache after all is that of plain decoding: what comes next has the same bits. */
static void
assert_same_state (RtExec *a, RtExec *b, int32_t last)
{
  RtError error = { 0 };

  g_assert_cmpuint (rt_kv_n_used (rt_exec_kv (a)), ==, rt_kv_n_used (rt_exec_kv (b)));
  g_assert_true (rt_exec_run (a, &last, 1, 1, RT_PHASE_DECODE, &error));
  g_assert_true (rt_exec_run (b, &last, 1, 1, RT_PHASE_DECODE, &error));
  g_assert_cmpmem (rt_exec_logits (a, 0), N_VOCAB * sizeof (float), rt_exec_logits (b, 0),
                   N_VOCAB * sizeof (float));
}

/* Greedy text is the plain one, token by token, and so is the cache: by look-up and by a drafter,
 * in chains and trees, with the model itself as drafter (which then is right always) and with a
 * stranger (which is hardly ever). */
static void
test_identity (void)
{
  static const struct
  {
    int format;
    KnDtype kv;
  } formats[] = { { KN_F32, KN_F16 }, { KN_Q8_0, KN_Q8_0 }, { KN_Q4_0, KN_F32 } };
  RtSamplerConfig greedy = { .top_p = 1 };
  int32_t plain[N_TEXT], text[N_TEXT];
  RtError error = { 0 };

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
    {
      RtModel model, other, self, stranger;
      open_model (&model, 5, formats[f].format, formats[f].kv);
      open_model (&other, 5, formats[f].format, formats[f].kv);
      open_model (&self, 5, formats[f].format, formats[f].kv);
      open_model (&stranger, 6, formats[f].format, formats[f].kv);
      write_plain (model.exec, &greedy, plain, N_TEXT);
      for (guint width = 1; width <= 3; width++)
        {
          guint n = write_rounds (other.exec, NULL, &greedy, width, FALSE, 4, text, N_TEXT);
          g_assert_cmpmem (text, sizeof text, plain, sizeof plain);
          g_assert_cmpuint (n, >, 0);
          write_plain (model.exec, &greedy, text, N_TEXT);
          assert_same_state (model.exec, other.exec, plain[N_TEXT - 1]);
          for (guint who = 0; who < 2; who++)
            {
              RtDrafter *drafter = rt_drafter_new (who == 0 ? self.exec : stranger.exec, 64,
                                                   &greedy, N_VOCAB, width, FALSE, &error);
              n = write_rounds (other.exec, drafter, &greedy, width, FALSE, 4, text, N_TEXT);
              g_assert_cmpmem (text, sizeof text, plain, sizeof plain);
              if (who == 0) /* right always: 4 of 5 tokens of every round were drafted */
                g_assert_cmpuint (n, ==, N_TEXT / 5 * 4);
              write_plain (model.exec, &greedy, text, N_TEXT);
              assert_same_state (model.exec, other.exec, plain[N_TEXT - 1]);
              rt_drafter_free (drafter);
            }
        }
      rt_model_close (&model);
      rt_model_close (&other);
      rt_model_close (&self);
      rt_model_close (&stranger);
    }
}

/* What is looked up is drawn first: sampled text, too, is the plain one with the same seed. */
static void
test_sampled_identity (void)
{
  RtModel model;
  int32_t plain[N_TEXT], text[N_TEXT];

  open_model (&model, 5, KN_F32, KN_F16);
  for (guint seed = 0; seed < 3; seed++)
    {
      RtSamplerConfig config = { .temperature = 0.3f, .top_k = 20, .top_p = 1, .seed = seed };
      write_plain (model.exec, &config, plain, N_TEXT);
      for (guint width = 1; width <= 2; width++)
        {
          write_rounds (model.exec, NULL, &config, width, FALSE, 3, text, N_TEXT);
          g_assert_cmpmem (text, sizeof text, plain, sizeof plain);
        }
    }
  rt_model_close (&model);
}

#define KEPT 3 /* tokens that top-k leaves */
#define DEEP 3
#define CELLS 27

/* The probability of every text of three tokens, by plain runs; cells by ranks among the kept
 * ones. */
static void
exact_texts (RtExec *exec, RtSampler *sampler, double *p, int32_t tokens[CELLS][DEEP])
{
  RtError error = { 0 };

  for (guint cell = 0; cell < CELLS; cell++)
    {
      int32_t last = prompt[N_PROMPT - 1];
      guint rank = cell;
      p[cell] = 1;
      feed_prompt (exec);
      for (guint d = 0; d < DEEP; d++, rank /= KEPT)
        {
          float q[N_VOCAB];
          guint seen = 0;
          g_assert_true (rt_exec_run (exec, &last, 1, 1, RT_PHASE_DECODE, &error));
          g_assert_true (rt_sampler_distribution (sampler, rt_exec_logits (exec, 0), q));
          for (int32_t t = 0; t < N_VOCAB; t++)
            if (q[t] > 0 && seen++ == rank % KEPT)
              {
                tokens[cell][d] = t;
                p[cell] *= (double)q[t];
              }
          last = tokens[cell][d];
        }
    }
}

/* Sampled with a drafter that draws: the distribution of texts is the model's, in chains and in
 * trees of both kinds; drafted by the same model coarsely rounded, which is right often, and by a
 * stranger, which hardly ever is. */
static void
test_sampled_distribution (void)
{
  enum
  {
#ifdef __SANITIZE_ADDRESS__
    TRIALS = 100 /* it is slow, and watches the memory */
#else
    TRIALS = 2000
#endif
  };
  RtSamplerConfig config = { .temperature = 25, .top_k = KEPT, .top_p = 1 };
  RtSampler *sampler = new_sampler (config, N_VOCAB);
  double p[CELLS];
  int32_t tokens[CELLS][DEEP];
  RtModel model, drafting[2];
  RtError error = { 0 };

  open_model (&model, 5, KN_F32, KN_F16);
  open_model (&drafting[0], 5, KN_Q4_0, KN_Q8_0);
  open_model (&drafting[1], 6, KN_F32, KN_F16);
  exact_texts (model.exec, sampler, p, tokens);
  for (guint cell = 0; cell < CELLS; cell++)
    g_assert_cmpfloat (p[cell], <, 0.4); /* there is something to get wrong */
  for (guint variant = 0; variant < 6; variant++)
    {
      guint counts[CELLS] = { 0 }, n_accepted = 0, width = variant / 2 == 0 ? 1 : 2;
      for (guint t = 0; t < TRIALS; t++)
        {
          config.seed = 10000 * variant + t;
          RtDrafter *drafter = rt_drafter_new (drafting[variant % 2].exec, 64, &config, N_VOCAB,
                                               width, variant / 2 == 2, &error);
          int32_t text[DEEP];
          guint cell = 0;
          n_accepted += write_rounds (model.exec, drafter, &config, width, variant / 2 == 2, 2,
                                      text, DEEP);
          while (cell < CELLS && memcmp (tokens[cell], text, sizeof text) != 0)
            cell++;
          g_assert_cmpuint (cell, <, CELLS);
          counts[cell]++;
          rt_drafter_free (drafter);
        }
      g_test_message ("variant %u: chi-square %g, %u accepted", variant,
                      chi_square (counts, p, CELLS, TRIALS), n_accepted);
      g_assert_cmpfloat (chi_square (counts, p, CELLS, TRIALS), <, chi_square_limit (CELLS));
      g_assert_cmpuint (n_accepted, <, TRIALS * 2);
      if (variant % 2 == 0)
        g_assert_cmpuint (n_accepted, >, TRIALS);
    }
  rt_sampler_free (sampler);
  rt_model_close (&model);
  rt_model_close (&drafting[0]);
  rt_model_close (&drafting[1]);
}

/* Up to the last place of the context, and calibration leaves nothing behind. */
static void
test_context_end (void)
{
  RtModel model;
  RtSamplerConfig greedy = { .top_p = 1 };
  RtError error = { 0 };
  int32_t plain[256], text[256];

  open_model (&model, 5, KN_F32, KN_F16);
  guint n = 256 - N_PROMPT + 1;
  write_plain (model.exec, &greedy, plain, n);
  RtSampler *sampler = new_sampler (greedy, N_VOCAB);
  RtSpeculatorConfig setup = { .exec = model.exec,
                               .max_run = RT_SPECULATE_MAX + 1,
                               .sampler = sampler,
                               .min_match = 2,
                               .max_match = 4,
                               .tree_width = 1,
                               .length = { .max = 16, .prior = 0.5, .fallback = true } };
  RtSpeculator *speculator = rt_speculator_new (&setup, &error);
  feed_prompt (model.exec);
  g_assert_true (rt_speculator_begin (speculator, prompt, N_PROMPT, &error));
  g_assert_true (rt_speculator_calibrate (speculator, 1000000, &error));
  g_assert_cmpfloat (rt_length_cost (rt_speculator_length (speculator), 1), >, 0);
  g_assert_true (rt_speculator_begin (speculator, prompt, N_PROMPT, &error));
  for (guint done = 0; done < n;)
    {
      RtRound round;
      g_assert_true (rt_speculator_round (speculator, 100, FALSE, &round, &error));
      for (guint i = 0; i < round.verified.n_tokens; i++)
        text[done++] = round.verified.tokens[i];
    }
  g_assert_cmpmem (text, n * sizeof *text, plain, n * sizeof *plain);
  RtRound round;
  g_assert_false (rt_speculator_round (speculator, 1, FALSE, &round, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_RANGE);
  rt_speculator_free (speculator);
  rt_sampler_free (sampler);
  rt_model_close (&model);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/speculate/lookup", test_lookup);
  g_test_add_func ("/speculate/lookup-tree", test_lookup_tree);
  g_test_add_func ("/speculate/verify-tested", test_verify_tested);
  g_test_add_func ("/speculate/distribution", test_distribution);
  g_test_add_func ("/speculate/length/never-slow", test_length_never_slow);
  g_test_add_func ("/speculate/length/near-best", test_length_near_best);
  g_test_add_func ("/speculate/length/adapts", test_length_adapts);
  g_test_add_func ("/speculate/length/miscalibrated", test_length_miscalibrated);
  g_test_add_func ("/speculate/identity", test_identity);
  g_test_add_func ("/speculate/sampled-identity", test_sampled_identity);
  g_test_add_func ("/speculate/sampled-distribution", test_sampled_distribution);
  g_test_add_func ("/speculate/context-end", test_context_end);
  return g_test_run ();
}
