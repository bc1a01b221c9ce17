/* Speculation end to end on the default model: the text is the plain one by every way of drafting;
 * what the record says adds up; drafters that do not fit are refused with the reason; hash, memory
 * and recipe. Nothing is timed but for the figures being there. */
#include <math.h>
#include <string.h>

#include "eng-draft.h"
#include "eng-error.h"
#include "eng-test.h"

#define LOOKUP "{\"speculation\": {\"drafting\": \"lookup\"}}"

static const char *const prompt = "It was the best of times, it was the worst of times, it was the "
                                  "age of wisdom, it was the age of foolishness, it was";

static EngRun *
generate (EngBuild *build, guint n, float temperature)
{
  g_autoptr (EngWorkload) workload = eng_workload_new (prompt);
  g_autoptr (GError) error = NULL;

  workload->n_predict = n;
  workload->ignore_end = TRUE;
  workload->budget_s = 0.2;
  workload->sampler.temperature = temperature;
  workload->sampler.top_k = 40;
  workload->sampler.seed = 7;
  EngRun *run = eng_run_generate (build, workload, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  return run;
}

/* Rounds follow each other through the text, and the figures are those of the record. */
static void
check_record (EngRun *run)
{
  EngSpeculation *record = eng_run_get_speculation (run);
  EngSpeculationTotals totals;
  guint n_tokens, next = 1, n_compared, n_differing;
  double end = 0;

  g_assert_nonnull (record);
  eng_speculation_get_tokens (record, &n_tokens);
  g_assert_cmpuint (n_tokens, ==, eng_run_get_n_generated (run));
  for (guint i = 0; i < eng_speculation_get_n_rounds (record); i++)
    {
      const EngRound *round = eng_speculation_get_round (record, i);
      const EngDraft *drafts = eng_speculation_get_drafts (record, i);
      guint n_accepted = 0;
      g_assert_cmpuint (round->first_token, ==, next);
      g_assert_cmpuint (round->n_emitted, >=, 1);
      g_assert_cmpuint (round->n_accepted, >=, round->n_emitted - 1);
      g_assert_cmpfloat (round->start_ns, >=, end);
      if (isfinite (round->verify_ns))
        end = round->start_ns + round->draft_ns + round->verify_ns + round->choose_ns;
      for (guint d = 0; d < round->n_drafted; d++)
        {
          g_assert_true (drafts[d].tested || !drafts[d].accepted);
          n_accepted += drafts[d].accepted;
        }
      g_assert_cmpuint (n_accepted, ==, round->n_accepted);
      next += round->n_emitted;
    }
  g_assert_cmpuint (next, ==, n_tokens);
  g_assert_cmpuint (eng_speculation_get_text_start (record, n_tokens), ==,
                    strlen (eng_run_get_text (run)));
  eng_speculation_get_totals (record, &totals);
  g_assert_cmpuint (totals.n_emitted, ==, n_tokens - 1);

  EngFigure acceptance = eng_run_get_figure (run, ENG_FIGURE_ACCEPTANCE);
  g_assert_cmpint (acceptance.available, ==, totals.n_tested > 0);
  if (acceptance.available)
    g_assert_cmpfloat_with_epsilon (acceptance.value, 100.0 * totals.n_accepted / totals.n_tested,
                                    1e-9);
  g_assert_true (eng_run_get_figure (run, ENG_FIGURE_DECODE).available);
  g_assert_cmpuint (eng_run_get_figure (run, ENG_FIGURE_DECODE).n, <, 10000); /* pieces of text */
  g_assert_true (eng_run_get_figure (run, ENG_FIGURE_SPECULATION_SPEEDUP).available);
  g_assert_true (eng_run_get_figure (run, ENG_FIGURE_STEP_CLEAN).available);
  eng_speculation_get_checked (record, &n_compared, &n_differing);
  if (eng_run_get_workload (run)->sampler.temperature == 0)
    g_assert_cmpuint (n_compared, >, 0);
  g_assert_cmpuint (n_differing, ==, 0);
}

/* Every way to draft, each with its own text of parameters; greedy. */
static const char *const ways[] = {
  LOOKUP,
  "{\"speculation\": {\"drafting\": \"lookup\", \"length\": 5, \"tree-width\": 2}}",
  "{\"speculation\": {\"drafting\": \"lookup\", \"length\": 8, \"shortest-match\": 1, "
  "\"longest-match\": 1, \"fallback\": false}}",
  "{\"speculation\": {\"drafting\": \"self\", \"draft-skip\": 2, \"length\": 3, \"fallback\": "
  "false}}",
  "{\"speculation\": {\"drafting\": \"self\", \"draft-skip\": 0, \"draft-weights\": \"q4_0\", "
  "\"draft-cache\": \"q8_0\", \"length\": 4, \"tree-width\": 3, \"fallback\": false}}",
  "{\"speculation\": {\"drafting\": \"self\"}, \"weight-format\": {\"format\": \"q8_0\"}}",
};

static void
test_same_text (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) plain = eng_test_build (model, "{}", NULL);
  g_autoptr (EngBuild) plain_q8
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q8_0\"}}", NULL);
  g_autoptr (EngRun) reference = generate (plain, 80, 0), reference_q8 = generate (plain_q8, 80, 0);

  g_assert_null (eng_run_get_speculation (reference));
  g_assert_false (eng_run_get_figure (reference, ENG_FIGURE_ACCEPTANCE).available);
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autoptr (EngBuild) build = eng_test_build (model, ways[i], NULL);
      g_autoptr (EngRun) run = generate (build, 80, 0);
      g_test_message ("%s", ways[i]);
      g_assert_cmpstr (eng_run_get_text (run), ==,
                       eng_run_get_text (i == 5 ? reference_q8 : reference));
      check_record (run);
    }
}

/* Looked up, sampled text is the plain one with the same seed, too. Drawn by a drafter it is
 * another text of the same distribution (the runtime's tests). */
static void
test_sampled (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) plain = eng_test_build (model, "{}", NULL),
                       lookup = eng_test_build (model, LOOKUP, NULL),
                       self = eng_test_build (model, ways[3], NULL);
  g_autoptr (EngRun) reference = generate (plain, 60, 0.8f),
                     by_lookup = generate (lookup, 60, 0.8f), by_self = generate (self, 60, 0.8f);

  g_assert_cmpstr (eng_run_get_text (by_lookup), ==, eng_run_get_text (reference));
  check_record (by_lookup);
  check_record (by_self);
  guint n;
  eng_speculation_get_acceptance (eng_run_get_speculation (by_self), &n);
  g_assert_cmpuint (n, ==, 3);
  g_assert_true (
      isfinite (eng_speculation_get_drafts (eng_run_get_speculation (by_self), 0)[0].probability));
}

/* Through JSON and back. */
static void
test_document (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, ways[1], NULL);
  g_autoptr (EngRun) run = generate (build, 40, 0);
  g_autofree char *json = eng_run_to_json (run);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRun) back = eng_run_from_json (json, &error);

  g_assert_no_error (error);
  g_autofree char *again = eng_run_to_json (back);
  g_assert_cmpstr (json, ==, again);
  g_assert_cmpuint (eng_speculation_get_n_rounds (eng_run_get_speculation (back)), ==,
                    eng_speculation_get_n_rounds (eng_run_get_speculation (run)));
}

/* A file of the same model in fewer bits drafts for it; another model's does not, and says why. */
static void
test_draft_model (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) plain = eng_test_build (model, "{}", NULL);
  g_autoptr (EngBuild) small
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q4_0\"}}", NULL);
  g_autofree char *folder = eng_test_directory ();
  g_autofree char *path = g_build_filename (folder, "small.gguf", NULL);
  g_autoptr (GError) error = NULL;

  eng_build_save (small, path, NULL, &error);
  g_assert_no_error (error);
  g_autofree char *json
      = g_strdup_printf ("{\"speculation\": {\"drafting\": \"draft-model\", \"model\": \"%s\", "
                         "\"length\": 4, \"fallback\": false}}",
                         path);
  g_autoptr (EngBuild) build = eng_test_build (model, json, NULL);
  g_assert_nonnull (eng_build_get_drafter (build));
  g_assert_true (eng_build_get_model (eng_build_get_drafter (build)) != model);
  g_autoptr (EngRun) run = generate (build, 60, 0), reference = generate (plain, 60, 0);
  g_assert_cmpstr (eng_run_get_text (run), ==, eng_run_get_text (reference));
  check_record (run);
  /* the same model but for rounding */
  g_assert_cmpfloat (eng_run_get_figure (run, ENG_FIGURE_ACCEPTANCE).value, >, 20);
  eng_test_remove (g_steal_pointer (&folder));

  g_autofree char *stories_path = eng_test_stories_or_skip ();
  if (stories_path == NULL)
    return;
  g_autoptr (EngModel) stories = eng_test_load (stories_path);
  g_autofree char *why_not = eng_draft_refusal (model, stories);
  g_assert_nonnull (strstr (why_not, "tokens"));
  g_assert_null (eng_draft_refusal (model, model));
  g_autofree char *wrong
      = g_strdup_printf ("{\"speculation\": {\"drafting\": \"draft-model\", \"model\": \"%s\"}}",
                         stories_path);
  g_autoptr (EngRecipe) recipe = eng_test_recipe (wrong);
  g_autoptr (EngBuild) refused = eng_build_new (model, recipe, NULL, NULL, &error);
  g_assert_null (refused);
  g_assert_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "Speculation"));
  g_assert_nonnull (strstr (error->message, why_not));
}

static void
assert_refused (EngModel *model, const char *techniques, const char *words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRecipe) recipe = eng_test_recipe (techniques);
  g_autoptr (EngBuild) build = eng_build_new (model, recipe, NULL, NULL, &error);

  g_assert_null (build);
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, words));
}

static void
test_refused (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();

  assert_refused (model, "{\"speculation\": {\"drafting\": \"draft-model\"}}",
                  "choose a draft model");
  assert_refused (
      model,
      "{\"speculation\": {\"drafting\": \"draft-model\", \"model\": \"/nowhere/at-all.gguf\"}}",
      "/nowhere/at-all.gguf");
  assert_refused (model, "{\"speculation\": {\"drafting\": \"self\", \"draft-skip\": 0}}",
                  "no cheaper");
}

/* The same recipe gives the same hash, another draft another; off, it is as if it were not there. A
 * drafter shares what it does not change. */
static void
test_hash_and_memory (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) plain = eng_test_build (model, "{}", NULL),
                       off = eng_test_build (model, "{\"speculation\": {\"length\": 3}}", NULL);
  g_autoptr (EngBuild) lookup = eng_test_build (model, LOOKUP, NULL),
                       again = eng_test_build (model, LOOKUP, NULL);
  g_autoptr (EngBuild) skip = eng_test_build (model, ways[3], NULL);
  RtMemory without, with;

  g_assert_cmpstr (eng_build_get_hash (plain), ==, eng_build_get_hash (off));
  g_assert_cmpstr (eng_build_get_hash (lookup), ==, eng_build_get_hash (again));
  g_assert_cmpstr (eng_build_get_hash (plain), !=, eng_build_get_hash (lookup));
  g_assert_cmpstr (eng_build_get_hash (skip), !=, eng_build_get_hash (lookup));
  g_assert_null (eng_build_get_drafter (lookup));
  eng_build_get_memory (plain, &without);
  eng_build_get_memory (skip, &with);
  /* Skipped blocks need no matrices of their own: nothing but small vectors is there twice. */
  g_assert_cmpuint (with.weight_bytes - without.weight_bytes, <, without.weight_bytes / 50);
  g_assert_cmpuint (with.kv_bytes, >, without.kv_bytes);
  g_assert_cmpuint (with.kv_bytes, <, 2 * without.kv_bytes);
}

static void
test_skipped (void)
{
  for (guint n = 1; n < 40; n++)
    for (guint count = 0; count <= n; count++)
      {
        g_autofree gboolean *skipped = g_new (gboolean, n);
        guint found = 0, most = n > 2 ? n - 2 : 0;
        eng_draft_choose_skipped (n, count, skipped);
        for (guint i = 0; i < n; i++)
          found += skipped[i] != FALSE;
        g_assert_cmpuint (found, ==, MIN (count, most));
        g_assert_false (skipped[0]);
        g_assert_false (skipped[n - 1]);
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/technique-speculation/same-text", test_same_text);
  g_test_add_func ("/technique-speculation/sampled", test_sampled);
  g_test_add_func ("/technique-speculation/document", test_document);
  g_test_add_func ("/technique-speculation/draft-model", test_draft_model);
  g_test_add_func ("/technique-speculation/refused", test_refused);
  g_test_add_func ("/technique-speculation/hash-and-memory", test_hash_and_memory);
  g_test_add_func ("/technique-speculation/skipped", test_skipped);
  return g_test_run ();
}
