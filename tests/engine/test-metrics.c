/* Metrics against formulas on small hand-made data and, for language models, against a Llama in
 * NumPy; what is refused and why; the run that keeps it all. */
#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-history.h"
#include "eng-test.h"
#include "eval/eng-evaluate.h"
#include "eval/eng-interval.h"
#include "eval/eng-metric.h"
#include "eval/eng-scorer.h"
#include "eval/eng-text-set.h"

/* ---- Statistics ---- */

/* Table of Student's t, two-sided 5 %. */
static void
test_t (void)
{
  static const double table[][2] = { { 1, 12.7062 },   { 2, 4.30265 },   { 5, 2.570582 },
                                     { 10, 2.228139 }, { 30, 2.042272 }, { 120, 1.979930 } };
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_assert_cmpfloat_with_epsilon (eng_t_95 (table[i][0]), table[i][1], 1e-4);
      g_assert_cmpfloat_with_epsilon (eng_t_two_sided (table[i][1], table[i][0]), 0.05, 1e-5);
    }
}

/* Ten units of one group, by hand: the ratio, and a t interval of its residuals. */
static void
test_ratio (void)
{
  EngUnit units[10];
  double sum = 0, n = 0, squares = 0;

  for (guint i = 0; i < 10; i++)
    {
      units[i] = (EngUnit){ .sum = { 3.0 * i + (i % 3), 0 }, .n = { 2.0 + i, 0 } };
      sum += units[i].sum[0];
      n += units[i].n[0];
    }
  for (guint i = 0; i < 10; i++)
    squares += pow (units[i].sum[0] - sum / n * units[i].n[0], 2);
  EngFigure figure = eng_ratio_figure (units, 10, -1, 0, 2, "x");
  double half = 2 * 2.262157 * sqrt (squares * 10 / 9) / n; /* t of 9 degrees of freedom */
  g_assert_cmpfloat_with_epsilon (figure.value, 2 * sum / n, 1e-12);
  g_assert_cmpfloat_with_epsilon (figure.high - figure.value, half, 1e-5);
  g_assert_cmpfloat_with_epsilon (figure.value - figure.low, half, 1e-5);
  g_assert_cmpuint (figure.n, ==, (guint)n);

  EngFigure few = eng_ratio_figure (units, 5, -1, 0, 1, "x");
  g_assert_true (few.available && isnan (few.low) && few.reason != NULL);
  EngFigure none = eng_ratio_figure (units, 10, 3, 0, 1, "x");
  g_assert_false (none.available);
}

static double
uniform (GRand *rand)
{
  return g_rand_double (rand);
}

/* Interval cover: texts in two domains of different level, blocks that vary; the true mean is
 * known. */
static void
test_coverage (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  const double level[2] = { 2, 6 };
  const guint n_runs = 1000, n_units = 24;
  guint covered = 0, boot = 0;

  for (guint r = 0; r < n_runs; r++)
    {
      EngUnit units[24];
      for (guint i = 0; i < n_units; i++)
        {
          double noise = (uniform (rand) + uniform (rand) + uniform (rand) - 1.5) * 2;
          units[i]
              = (EngUnit){ .group = i % 2, .sum = { 64 * (level[i % 2] + noise) }, .n = { 64 } };
        }
      EngFigure figure = eng_ratio_figure (units, n_units, -1, 0, 1, "x");
      covered += figure.low <= 4 && 4 <= figure.high;
      /* Domains are chosen, not drawn: that they differ by 4 does not widen the interval. */
      boot += figure.high - figure.low < 2;
    }
  g_test_message ("%u of %u", covered, n_runs);
  g_assert_cmpuint (covered, >=, 930);
  g_assert_cmpuint (covered, <=, 970);
  g_assert_cmpuint (boot, ==, n_runs);
}

static double
mean_of (const guint *indices, guint n, guint which, gpointer data)
{
  double sum = 0;
  for (guint i = 0; i < n; i++)
    sum += ((double *)data)[2 * indices[i] + which];
  return sum / n;
}

static void
test_bootstrap (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (11);
  const guint n_runs = 300, n = 60;
  double values[120];
  guint covered = 0, changed = 0;

  for (guint r = 0; r < n_runs; r++)
    {
      for (guint i = 0; i < n; i++)
        {
          values[2 * i + 1] = uniform (rand) + uniform (rand);
          values[2 * i] = values[2 * i + 1] + 0.2 * (uniform (rand) - 0.5);
        }
      double p;
      EngFigure figure = eng_bootstrap_figure (mean_of, values, n, 1, 1, "x");
      EngFigure change = eng_bootstrap_change (mean_of, values, n, 1, "x", &p);
      covered += figure.low <= 1 && 1 <= figure.high;
      changed += p <= 0.05;
      g_assert_cmpfloat (change.high - change.low, <, (figure.high - figure.low) / 3); /* paired */
    }
  g_test_message ("%u of %u, %u changed", covered, n_runs, changed);
  g_assert_cmpuint (covered, >=, 270);
  g_assert_cmpuint (covered, <=, 297);
  g_assert_cmpuint (changed, <=, 33);
  /* The same every time. */
  EngFigure again[2] = { eng_bootstrap_figure (mean_of, values, n, 1, 1, "x"),
                         eng_bootstrap_figure (mean_of, values, n, 1, 1, "x") };
  g_assert_cmpfloat (again[0].low, ==, again[1].low);
}

/* Nine lost, one won, of 100: McNemar's exact p is 2 (1 + 10) / 2^10. */
static void
test_paired_shares (void)
{
  EngUnit units[100];
  double p, m = 102, gain = 2 / m, loss = 10 / m;

  for (guint i = 0; i < 100; i++)
    units[i] = (EngUnit){ .sum = { i == 0 || i >= 10, i != 0 }, .n = { 1, 1 } };
  EngFigure change = eng_share_change (units, 100, -1, &p);
  double half = 1.959963984540054 * sqrt ((gain + loss - (gain - loss) * (gain - loss)) / m);
  g_assert_cmpfloat_with_epsilon (p, 22.0 / 1024, 1e-12);
  g_assert_cmpfloat_with_epsilon (change.value, -8, 1e-12);
  g_assert_cmpfloat_with_epsilon (change.low, 100 * (gain - loss - half), 1e-9);
  g_assert_cmpfloat_with_epsilon (change.high, 100 * (gain - loss + half), 1e-9);
}

static void
test_holm (void)
{
  const double p[] = { 0.01, 0.04, NAN, 0.03, 0.005 };
  const gboolean expected[] = { TRUE, FALSE, FALSE, FALSE, TRUE };
  gboolean significant[5];

  eng_holm (p, 5, significant);
  for (guint i = 0; i < 5; i++)
    g_assert_cmpint (significant[i], ==, expected[i]);
}

/* Hits of neighbouring tokens that come in lumps are worth fewer tries: the interval is wider than
 * Wilson's. */
static void
test_design_effect (void)
{
  EngUnit lumpy[40], smooth[40];

  for (guint i = 0; i < 40; i++)
    {
      lumpy[i] = (EngUnit){ .sum = { i % 2 == 0 ? 60 : 20 }, .n = { 64 } };
      smooth[i] = (EngUnit){ .sum = { 40 }, .n = { 64 } };
    }
  EngFigure plain = eng_figure_share (1600, 2560);
  EngFigure wide = eng_share_figure (lumpy, 40, -1, 0),
            narrow = eng_share_figure (smooth, 40, -1, 0);
  g_assert_cmpfloat_with_epsilon (wide.value, plain.value, 1e-9);
  g_assert_cmpfloat (wide.high - wide.low, >, 3 * (plain.high - plain.low));
  g_assert_cmpfloat_with_epsilon (narrow.low, plain.low, 1e-9);
}

/* ---- Probabilities ---- */

static void
test_divergence (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  float p[37], q[37];

  for (guint r = 0; r < 50; r++)
    {
      double p_sum = 0, q_sum = 0, kl = 0;
      guint p_best = 0, q_best = 0;
      gboolean same;
      for (guint i = 0; i < 37; i++)
        {
          p[i] = (float)g_rand_double_range (rand, -8, 8);
          q[i] = p[i] + (float)g_rand_double_range (rand, -1, 1);
          p_sum += exp ((double)p[i]);
          q_sum += exp ((double)q[i]);
          p_best = p[i] > p[p_best] ? i : p_best;
          q_best = q[i] > q[q_best] ? i : q_best;
        }
      for (guint i = 0; i < 37; i++)
        {
          double pi = exp ((double)p[i]) / p_sum, qi = exp ((double)q[i]) / q_sum;
          kl += pi * log (pi / qi);
        }
      g_assert_cmpfloat_with_epsilon (eng_divergence (p, q, 37, &same), kl, 2e-6);
      g_assert_cmpint (same, ==, p_best == q_best);
      g_assert_cmpfloat (eng_divergence (p, p, 37, &same), ==, 0);
      g_assert_true (same);
      g_assert_cmpfloat_with_epsilon (eng_log_probability (p, 37, 5), (double)p[5] - log (p_sum),
                                      1e-6);
    }
}

/* ---- Language models ---- */

static char *
write_temporary (const char *directory, const char *name, const char *text, gssize n)
{
  char *path = g_build_filename (directory, name, NULL);
  g_assert_true (g_file_set_contents (path, text, n, NULL));
  return path;
}

/* The first 6000 bytes of the held-out prose. */
static char *
write_prose (const char *directory)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngTextSet) set = eng_text_set_load (ENG_BUNDLED_TEXTS, &error);
  g_assert_no_error (error);
  const EngText *text = set->texts->pdata[0];
  g_assert_cmpstr (text->domain, ==, "prose");
  return write_temporary (directory, "prose.txt", g_bytes_get_data (text->text, NULL), 6000);
}

static EngEvaluation *
evaluate (EngBuild *build, EngBuild *baseline, const char *data, guint n_tokens, guint window,
          guint stride)
{
  g_autoptr (GError) error = NULL;
  EngEvalOptions options
      = { .data = data, .n_tokens = n_tokens, .window = window, .stride = stride };
  EngEvaluation *evaluation = eng_evaluate (build, baseline, &options, NULL, &error);
  g_assert_no_error (error);
  return evaluation;
}

static const EngEvalValue *
whole (EngEvaluation *evaluation, const char *id)
{
  const EngEvalMetric *metric = eng_evaluation_find_metric (evaluation, id);
  g_assert_nonnull (metric);
  return &metric->whole;
}

/* llama_numpy.py --text FILE --window 256, in double precision. */
static void
check_perplexity (const char *model_path, guint n_tokens, double perplexity, double bits)
{
  g_autofree char *directory = eng_test_directory ();
  g_autofree char *path = write_prose (directory);
  g_autoptr (EngModel) model = eng_test_load (model_path);
  g_autoptr (EngBuild) build
      = eng_test_build (model, "{\"kv-cache\": {\"format\": \"f32\"}}", NULL);
  g_autoptr (EngEvaluation) evaluation = evaluate (build, NULL, path, G_MAXUINT, 256, 0);

  g_assert_cmpuint (whole (evaluation, "perplexity")->value.n, ==, n_tokens);
  g_assert_cmpfloat_with_epsilon (whole (evaluation, "perplexity")->value.value, perplexity,
                                  perplexity * 1e-4);
  g_assert_cmpfloat_with_epsilon (whole (evaluation, "bits-per-byte")->value.value, bits,
                                  bits * 5e-4);
  g_assert_null (
      eng_evaluation_find_metric (evaluation, "kl-divergence")); /* there is no baseline */
  eng_test_remove (g_steal_pointer (&directory));
}

static void
test_perplexity_stories (void)
{
  g_autofree char *path = eng_test_stories_or_skip ();
  if (path != NULL)
    check_perplexity (path, 3271, 29.348515310092473, 2.657805047014327);
}

static void
test_perplexity_default (void)
{
  g_autofree char *path = eng_test_default_model ();
  check_perplexity (path, 2120, 13.046867779235367, 1.309323161413014);
}

/* Half windows of context: every token is predicted once, by more context, so better. */
static void
test_stride (void)
{
  g_autofree char *directory = eng_test_directory ();
  g_autofree char *path = write_prose (directory);
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  g_autoptr (EngEvaluation) plain = evaluate (build, NULL, path, G_MAXUINT, 128, 0);
  g_autoptr (EngEvaluation) half = evaluate (build, NULL, path, G_MAXUINT, 128, 64);

  g_assert_cmpuint (whole (plain, "perplexity")->value.n, ==, 2120);
  g_assert_cmpuint (whole (half, "perplexity")->value.n, ==, 2120);
  g_assert_cmpfloat (whole (half, "perplexity")->value.value, <,
                     whole (plain, "perplexity")->value.value);
  eng_test_remove (g_steal_pointer (&directory));
}

/* The same build, and one that differs in threads alone, which is run for real: not a bit of
 * difference. */
static void
test_itself (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{\"threads\": {\"count\": 1}}", NULL);
  g_autoptr (EngBuild) twin = eng_test_build (model, "{\"threads\": {\"count\": 2}}", build);
  EngBuild *baselines[] = { build, twin };

  g_assert_cmpstr (eng_build_get_hash (build), !=, eng_build_get_hash (twin));
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (EngEvaluation) evaluation
          = evaluate (build, baselines[i], ENG_BUNDLED_TEXTS, 1500, 0, 0);
      g_assert_cmpfloat (whole (evaluation, "kl-divergence")->value.value, ==, 0);
      g_assert_cmpfloat (whole (evaluation, "kl-divergence-p99")->value.value, ==, 0);
      g_assert_cmpfloat (whole (evaluation, "token-agreement")->value.value, ==, 100);
      g_assert_cmpfloat (whole (evaluation, "perplexity")->change.value, ==, 0);
      g_assert_cmpuint (g_strv_length ((GStrv)eng_evaluation_get_notes (evaluation)), ==,
                        i == 0 ? 1 : 0);
    }
}

/* A coarser format: worse by every measure, domains add up to the whole, the greatest loss
 * first. */
static void
test_coarser (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q4_0\"}}", NULL);
  g_autoptr (EngJob) job = eng_job_new ("Evaluating");
  g_autoptr (EngBuild) baseline = eng_evaluate_make_baseline (build, job, &error);
  g_assert_no_error (error);
  g_assert_false (eng_job_get_done (job)); /* the evaluation is still to come */
  g_autoptr (EngEvaluation) evaluation = evaluate (build, baseline, ENG_BUNDLED_TEXTS, 4096, 0, 0);
  const EngEvalMetric *perplexity = eng_evaluation_find_metric (evaluation, "perplexity");
  const EngEvalMetric *kl = eng_evaluation_find_metric (evaluation, "kl-divergence");
  const EngEvalValue *all = &perplexity->whole;

  g_assert_cmpuint (perplexity->n_groups, ==, 5);
  g_assert_cmpfloat (all->change.low, >, 0);
  g_assert_cmpfloat_with_epsilon (all->change.value,
                                  100 * (all->value.value / all->baseline.value - 1), 1e-9);
  g_assert_cmpfloat (kl->whole.value.low, >, 0);
  g_assert_cmpfloat (whole (evaluation, "token-agreement")->value.high, <, 100);
  double nats = 0, divergence = 0, n = 0;
  for (guint i = 0; i < 5; i++)
    {
      nats += log (perplexity->groups[i].value.value) * perplexity->groups[i].value.n;
      divergence += kl->groups[i].value.value * kl->groups[i].value.n;
      n += kl->groups[i].value.n;
      if (i > 0)
        g_assert_cmpfloat (perplexity->groups[i - 1].change.value, >=,
                           perplexity->groups[i].change.value);
    }
  g_assert_cmpuint (all->value.n, ==, (guint)n);
  g_assert_cmpfloat_with_epsilon (exp (nats / n), all->value.value, 1e-9 * all->value.value);
  g_assert_cmpfloat_with_epsilon (divergence / n, kl->whole.value.value, 1e-12);
}

/* Too little text is a number without an interval. */
static void
test_few_tokens (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  g_autofree char *directory = eng_test_directory ();
  g_autofree char *text = write_prose (directory);
  g_autoptr (EngEvaluation) evaluation = evaluate (build, NULL, text, 300, 0, 0);
  EngFigure figure = whole (evaluation, "perplexity")->value;

  g_assert_true (figure.available);
  g_assert_cmpuint (figure.n, <, 1000);
  g_assert_true (isnan (figure.low) && isnan (figure.high));
  g_assert_nonnull (strstr (figure.reason, "too few tokens"));
  eng_test_remove (g_steal_pointer (&directory));
}

/* ln p of the tokens of @answer after @question, the long way: one run of the build's own executor
 * per token. */
static double
log_p_of (EngBuild *build, const char *question, const char *answer)
{
  const RtTokenizer *tokenizer = eng_model_get_tokenizer (eng_build_get_model (build));
  g_autofree char *text = g_strdup_printf ("%s %s", question, answer);
  guint n_vocab = rt_exec_n_vocab (eng_build_get_exec (build));
  int32_t *context, *tokens;
  size_t n_context, n;
  double sum = 0;

  g_assert_true (rt_tokenizer_encode (tokenizer, question, strlen (question), true, false, &context,
                                      &n_context, NULL));
  g_assert_true (
      rt_tokenizer_encode (tokenizer, text, strlen (text), true, false, &tokens, &n, NULL));
  g_assert_cmpint (memcmp (context, tokens, n_context * sizeof *tokens), ==, 0);
  for (size_t i = n_context; i < n; i++)
    {
      g_autofree float *logits = eng_test_logits (build, tokens, (guint)i);
      double total = 0;
      for (guint k = 0; k < n_vocab; k++)
        total += exp ((double)logits[k]);
      sum += (double)logits[tokens[i]] - log (total);
    }
  free (context);
  free (tokens);
  return sum;
}

static void
test_questions (void)
{
  static const char *const questions[][4] = {
    { "It is a truth universally", "acknowledged", "and the of", "upon" },
    { "Anne could not but be", "pleased to see him", "the the the", "xyzzy" },
    { "Captain Wentworth was", "of of", "gone", "not at all the sort of man to be so" },
    { "She had been", "happy", "very happy indeed", "a" },
  };
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  g_autofree char *directory = eng_test_directory ();
  g_autoptr (GString) json = g_string_new ("{\"lathe-questions\": 1, \"questions\": [");
  guint right = 0, right_per_byte = 0;

  for (guint i = 0; i < G_N_ELEMENTS (questions); i++)
    {
      guint best = 0, best_per_byte = 0;
      double log_p[3];
      for (guint k = 0; k < 3; k++)
        {
          log_p[k] = log_p_of (build, questions[i][0], questions[i][k + 1]);
          best = log_p[k] > log_p[best] ? k : best;
          if (log_p[k] / strlen (questions[i][k + 1])
              > log_p[best_per_byte] / strlen (questions[i][best_per_byte + 1]))
            best_per_byte = k;
        }
      right += best == 0;
      right_per_byte += best_per_byte == 0;
      g_string_append_printf (json,
                              "%s{\"question\": \"%s\", \"choices\": [\"%s\", \"%s\", \"%s\"], "
                              "\"answer\": 0}",
                              i > 0 ? ", " : "", questions[i][0], questions[i][1], questions[i][2],
                              questions[i][3]);
    }
  g_string_append (json, "]}");
  g_autofree char *set = write_temporary (directory, "mine.json", json->str, -1);
  g_autoptr (EngEvaluation) evaluation = evaluate (build, NULL, set, 0, 0, 0);
  g_test_message ("%u and %u of 4", right, right_per_byte);
  g_assert_cmpfloat_with_epsilon (whole (evaluation, "choice-accuracy")->value.value, 25.0 * right,
                                  1e-9);
  g_assert_cmpfloat_with_epsilon (whole (evaluation, "choice-accuracy-normalised")->value.value,
                                  25.0 * right_per_byte, 1e-9);
  g_assert_nonnull (strstr (eng_evaluation_get_source (evaluation), "33 %")); /* chance */
  eng_test_remove (g_steal_pointer (&directory));
}

/* The bundled set: every item has four different answers, places of the right one are even, domains
 * have as many. */
static void
test_bundled_questions (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngTextSet) set = eng_text_set_load (ENG_BUNDLED_QUESTIONS, &error);
  g_autoptr (GHashTable) domains = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) texts = g_hash_table_new (g_str_hash, g_str_equal);
  guint places[4] = { 0 };

  g_assert_no_error (error);
  g_assert_cmpuint (set->questions->len, >=, 100);
  for (guint i = 0; i < set->questions->len; i++)
    {
      const EngQuestion *question = set->questions->pdata[i];
      g_assert_cmpuint (g_strv_length (question->choices), ==, 4);
      for (guint k = 0; k < 4; k++)
        for (guint m = 0; m < k; m++)
          g_assert_cmpstr (question->choices[k], !=, question->choices[m]);
      g_assert_true (g_hash_table_add (texts, question->question));
      g_hash_table_add (domains, question->domain);
      places[question->answer]++;
    }
  g_assert_cmpuint (g_hash_table_size (domains), >=, 4);
  for (guint k = 0; k < 4; k++)
    g_assert_cmpuint (places[k] * 4, ==, set->questions->len);
}

/* ---- Refusals ---- */

static void
expect_refusal (EngBuild *build, EngBuild *baseline, const EngEvalOptions *options,
                const char *words)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (eng_evaluate (build, baseline, options, NULL, &error));
  g_assert_nonnull (error);
  g_test_message ("%s", error->message);
  if (strstr (error->message, words) == NULL)
    g_error ("\"%s\" has no \"%s\"", error->message, words);
}

static void
test_refusals (void)
{
  static const char *const broken[][2] = {
    { "{}", "lathe-questions" },
    { "{\"lathe-questions\": 1, \"questions\": []}", "lathe-questions" },
    { "{\"lathe-questions\": 1, \"questions\": [3]}", "question 1 is no object" },
    { "{\"lathe-questions\": 1, \"questions\": [{\"question\": \"a\", \"choices\": [\"b\"], "
      "\"answer\": 0}]}",
      "2 to 64" },
    { "{\"lathe-questions\": 1, \"questions\": [{\"question\": \"a\", \"choices\": [\"b\", \"c\"], "
      "\"answer\": 2}]}",
      "answer" },
    { "{\"lathe-questions\": 1, \"questions\": [{\"question\": \"a\", \"choices\": [\"b\", \"\"], "
      "\"answer\": 0}]}",
      "empty choice" },
  };
  static const char *const kl[] = { "kl-divergence", NULL }, *const unknown[] = { "beauty", NULL };
  static const char *const top1[] = { "top1-accuracy", NULL };
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  g_autofree char *directory = eng_test_directory ();
  g_autofree char *binary = write_temporary (directory, "a.txt", "a\0b", 3);
  g_autofree char *empty = write_temporary (directory, "b.txt", "", 0);
  EngEvalOptions options = { .data = ENG_BUNDLED_TEXTS, .metrics = kl };

  expect_refusal (build, NULL, &options, "there is none");
  options.metrics = unknown;
  expect_refusal (build, build, &options, "beauty\". There are perplexity, ");
  options.metrics = top1;
  expect_refusal (build, build, &options, "names no classes");
  options = (EngEvalOptions){ .data = ENG_BUNDLED_TEXTS, .window = 100000 };
  expect_refusal (build, NULL, &options, "2 to 512 tokens");
  options = (EngEvalOptions){ .data = ENG_BUNDLED_TEXTS, .window = 64, .stride = 65 };
  expect_refusal (build, NULL, &options, "stride");
  options = (EngEvalOptions){ .data = binary };
  expect_refusal (build, NULL, &options, "is no text");
  options.data = empty;
  expect_refusal (build, NULL, &options, "is empty");
  options.data = "/nothing/here";
  expect_refusal (build, NULL, &options, "nothing/here");
  for (guint i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_autofree char *set = write_temporary (directory, "q.json", broken[i][0], -1);
      options.data = set;
      expect_refusal (build, NULL, &options, broken[i][1]);
    }
  eng_test_remove (g_steal_pointer (&directory));
}

/* Another vocabulary is not compared. */
static void
test_other_vocabulary (void)
{
  g_autofree char *path = eng_test_default_model (), *other_path = eng_test_stories_or_skip ();
  if (other_path == NULL)
    return;
  g_autoptr (EngModel) model = eng_test_load (path);
  g_autoptr (EngModel) other_model = eng_test_load (other_path);
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  g_autoptr (EngBuild) other = eng_test_build (other_model, "{}", NULL);
  EngEvalOptions options = { .data = ENG_BUNDLED_TEXTS };

  expect_refusal (build, other, &options, "bits per byte");
}

static void
test_cancelled (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  g_autoptr (EngJob) job = eng_job_new ("Evaluating");
  g_autoptr (GError) error = NULL;
  EngEvalOptions options = { .data = ENG_BUNDLED_TEXTS };

  eng_job_cancel (job);
  g_assert_null (eng_evaluate (build, NULL, &options, job, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* ---- The run ---- */

static void
test_run (void)
{
  g_autofree char *directory = eng_test_directory ();
  g_autofree char *database = g_build_filename (directory, "history.db", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q8_0\"}}", NULL);
  g_autoptr (EngBuild) baseline = eng_evaluate_make_baseline (build, NULL, &error);
  EngEvalOptions options = { .data = ENG_BUNDLED_TEXTS, .n_tokens = 2000 };
  g_autoptr (EngRun) run = eng_run_evaluate (build, baseline, &options, NULL, &error);
  g_assert_no_error (error);

  EngFigure perplexity = eng_run_get_figure (run, ENG_FIGURE_PERPLEXITY);
  g_assert_true (perplexity.available);
  g_assert_cmpint (eng_run_get_workload (run)->kind, ==, ENG_WORKLOAD_TEXT);
  g_assert_true (eng_run_get_workload (run)->labelled);
  g_assert_false (eng_run_get_figure (run, ENG_FIGURE_DECODE).available);
  g_assert_false (eng_run_get_figure (run, ENG_FIGURE_CHOICE_ACCURACY).available);

  g_autofree char *json = eng_run_to_json (run);
  g_autoptr (EngRun) back = eng_run_from_json (json, &error);
  g_assert_no_error (error);
  g_autofree char *again = eng_run_to_json (back);
  g_assert_cmpstr (json, ==, again);
  g_assert_true (eng_workload_equal (eng_run_get_workload (run), eng_run_get_workload (back)));
  const EngEvalMetric *metric
      = eng_evaluation_find_metric (eng_run_get_evaluation (back), "perplexity");
  g_assert_cmpuint (metric->n_groups, ==, 5);
  g_assert_cmpfloat (metric->whole.value.value, ==, perplexity.value);
  g_assert_cmpstr (eng_evaluation_get_against_hash (eng_run_get_evaluation (back)), ==,
                   eng_build_get_hash (baseline));

  g_autoptr (EngHistory) history = eng_history_open (database, &error);
  g_assert_no_error (error);
  g_assert_true (eng_history_add (history, run, &error));
  g_autoptr (GPtrArray) entries = eng_history_list (history, NULL, &error);
  g_assert_cmpuint (entries->len, ==, 1);
  const EngHistoryEntry *entry = entries->pdata[0];
  g_assert_cmpfloat (entry->figures[ENG_FIGURE_PERPLEXITY].value, ==, perplexity.value);
  g_autoptr (EngRun) kept = eng_history_get (history, entry->id, &error);
  g_assert_nonnull (eng_run_get_evaluation (kept));
  g_clear_object (&history);
  eng_test_remove (g_steal_pointer (&directory));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/metrics/t", test_t);
  g_test_add_func ("/metrics/ratio", test_ratio);
  g_test_add_func ("/metrics/coverage", test_coverage);
  g_test_add_func ("/metrics/bootstrap", test_bootstrap);
  g_test_add_func ("/metrics/paired-shares", test_paired_shares);
  g_test_add_func ("/metrics/holm", test_holm);
  g_test_add_func ("/metrics/design-effect", test_design_effect);
  g_test_add_func ("/metrics/divergence", test_divergence);
  g_test_add_func ("/metrics/perplexity/stories", test_perplexity_stories);
  g_test_add_func ("/metrics/perplexity/default", test_perplexity_default);
  g_test_add_func ("/metrics/stride", test_stride);
  g_test_add_func ("/metrics/itself", test_itself);
  g_test_add_func ("/metrics/coarser", test_coarser);
  g_test_add_func ("/metrics/few-tokens", test_few_tokens);
  g_test_add_func ("/metrics/questions", test_questions);
  g_test_add_func ("/metrics/bundled-questions", test_bundled_questions);
  g_test_add_func ("/metrics/refusals", test_refusals);
  g_test_add_func ("/metrics/other-vocabulary", test_other_vocabulary);
  g_test_add_func ("/metrics/cancelled", test_cancelled);
  g_test_add_func ("/metrics/run", test_run);
  return g_test_run ();
}
