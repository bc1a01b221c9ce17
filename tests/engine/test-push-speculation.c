/* A recipe that drafts, on a board: rounds there are rounds here, draft by draft; the figures are
 * those of the record; what a board leaves out is said before and behind. */
#include <math.h>
#include <string.h>

#include "devices/eng-board-run.h"
#include "devices/eng-devices.h"
#include "eng-draft.h"
#include "push-case.h"
#include "../test-tree.h"

#define PROMPT                                                                                     \
  "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age " \
  "of foolishness, it was"
/* A length that is always drafted: what is drafted then follows from the text alone. */
#define LOOKUP "{\"speculation\": {\"drafting\": \"lookup\", \"length\": 4, \"fallback\": false}}"

static EngWorkload *
make_workload (void)
{
  EngWorkload *workload = eng_workload_new (PROMPT);

  workload->n_predict = 40;
  workload->ignore_end = TRUE;
  workload->budget_s = 0.3;
  return workload;
}

static void
check_same_round (EngSpeculation *a, EngSpeculation *b, guint i)
{
  const EngRound *x = eng_speculation_get_round (a, i), *y = eng_speculation_get_round (b, i);
  const EngDraft *dx = eng_speculation_get_drafts (a, i), *dy = eng_speculation_get_drafts (b, i);

  g_assert_cmpint (x->kind, ==, y->kind);
  g_assert_cmpuint (x->first_token, ==, y->first_token);
  g_assert_cmpuint (x->n_emitted, ==, y->n_emitted);
  g_assert_cmpuint (x->n_drafted, ==, y->n_drafted);
  g_assert_cmpuint (x->n_accepted, ==, y->n_accepted);
  g_assert_cmpuint (x->match_length, ==, y->match_length);
  for (guint d = 0; d < x->n_drafted; d++)
    {
      g_assert_cmpint (dx[d].token, ==, dy[d].token);
      g_assert_cmpint (dx[d].parent, ==, dy[d].parent);
      g_assert_cmpuint (dx[d].depth, ==, dy[d].depth);
      g_assert_cmpint (dx[d].tested, ==, dy[d].tested);
      g_assert_cmpint (dx[d].accepted, ==, dy[d].accepted);
    }
}

/* The same build here and on the local runner. */
static void
test_same_rounds (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, LOOKUP, NULL);
  g_autoptr (EngWorkload) workload = make_workload ();
  g_autoptr (EngDevices) devices = eng_devices_new_builtin ();
  EngDevice *device = eng_devices_find (devices, "local");
  g_autoptr (GError) error = NULL;
  g_autofree char *remedy = NULL;
  char *directory = test_tree_new ();
  const EngPushOptions options = { .directory = directory };
  EngSpeculationTotals totals;
  guint n_tokens, n_compared, n_differing;

  g_assert_nonnull (device);
  if (!eng_device_get_transport (device)->check (device, &remedy, &error))
    {
      g_test_skip (error->message);
      test_tree_free (directory);
      return;
    }
  g_autoptr (EngRun) here = eng_run_generate (build, workload, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (EngRun) there
      = eng_push_run (device, build, workload, NULL, NULL, NULL, &options, NULL, NULL, &error);
  g_assert_no_error (error);
  test_tree_free (directory);

  EngSpeculation *a = eng_run_get_speculation (here), *b = eng_run_get_speculation (there);
  g_assert_cmpstr (eng_run_get_text (there), ==, eng_run_get_text (here));
  g_assert_nonnull (b);
  g_assert_cmpuint (eng_speculation_get_n_rounds (a), ==, eng_speculation_get_n_rounds (b));
  for (guint i = 0; i < eng_speculation_get_n_rounds (a); i++)
    check_same_round (a, b, i);
  eng_speculation_get_totals (b, &totals);
  g_assert_cmpuint (totals.n_drafted, >, 0);
  eng_speculation_get_tokens (b, &n_tokens);
  g_assert_cmpuint (n_tokens, ==, 40);
  g_assert_cmpuint (eng_speculation_get_text_start (b, n_tokens), ==,
                    strlen (eng_run_get_text (there)));
  eng_speculation_get_checked (b, &n_compared, &n_differing);
  g_assert_cmpuint (n_compared, >=, 39);
  g_assert_cmpuint (n_differing, ==, 0);

  static const EngFigureId figures[]
      = { ENG_FIGURE_DECODE,     ENG_FIGURE_ACCEPTANCE, ENG_FIGURE_ROUND_TOKENS,
          ENG_FIGURE_STEP_CLEAN, ENG_FIGURE_OVERHEAD,   ENG_FIGURE_SPECULATION_SPEEDUP };
  for (guint i = 0; i < G_N_ELEMENTS (figures); i++)
    g_assert_true (eng_run_get_figure (there, figures[i]).available);
  g_assert_cmpfloat (eng_run_get_figure (there, ENG_FIGURE_ACCEPTANCE).value, ==,
                     eng_run_get_figure (here, ENG_FIGURE_ACCEPTANCE).value);

  /* Kept like any other run. */
  g_autofree char *json = eng_run_to_json (there);
  g_autoptr (EngRun) again = eng_run_from_json (json, &error);
  g_assert_no_error (error);
  g_autofree char *same = eng_run_to_json (again);
  g_assert_cmpstr (json, ==, same);
}

/* ---- Figures by formula ---- */

static void say (EngBoardRun *run, guint *n, const char *format, ...) G_GNUC_PRINTF (3, 4);

static void
say (EngBoardRun *run, guint *n, const char *format, ...)
{
  g_autoptr (GString) line = g_string_new ("{");
  va_list args;

  va_start (args, format);
  g_string_append_vprintf (line, format, args);
  va_end (args);
  g_string_append_printf (line, ",\"n\":%u,\"t_ns\":%u}\n", *n, *n * 1000);
  (*n)++;
  eng_telemetry_feed (eng_board_run_get_telemetry (run), line->str, line->len);
}

static void
say_round (EngBoardRun *run, guint *n, guint first, guint n_accepted, const char *drafts,
           guint n_drafts)
{
  for (guint i = 0; i <= n_accepted; i++)
    say (run, n, "\"kind\":\"token\",\"index\":%u,\"id\":5", first + i);
  say (run, n,
       "\"kind\":\"round\",\"verdict\":\"draft\",\"beside\":false,\"again\":false,"
       "\"first_token\":%u,\"n_emitted\":%u,\"n_run\":%u,\"n_drafted\":%u,\"n_accepted\":%u,"
       "\"length\":%u,\"match\":2,\"predicted\":null,\"begin_ns\":%u,\"draft_ns\":100,"
       "\"verify_ns\":2000,\"choose_ns\":300,\"drafts\":%s",
       first, n_accepted + 1, 1 + n_drafts, n_drafts, n_accepted, n_drafts, first * 10000, drafts);
}

/* Two rounds of three drafts: all accepted; one accepted, one tested in vain. Pieces: 4 tokens in
 * 2400 ns where plain steps took 4000, 2 in 2400 where they took 2000. */
static void
test_figures (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, LOOKUP, NULL);
  g_autoptr (EngWorkload) workload = make_workload ();
  g_autoptr (GError) error = NULL;
  static const EngTransport invented = { .id = "invented", .title = "Invented" };
  g_autoptr (EngDevice) device = eng_device_new ("id", "A board", &invented, NULL);
  g_autoptr (EngBoardWork) work = eng_board_work_new (build, workload, 0, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (EngBoardRun) told = eng_board_run_new (work, NULL, NULL);
  EngSpeculationTotals totals;
  guint n = 0, n_costs;

  say (told, &n, "\"kind\":\"pass\",\"phase\":\"prefill\",\"ns\":1000,\"first_token_ns\":1100");
  say (told, &n, "\"kind\":\"token\",\"index\":0,\"id\":5");
  say_round (told, &n, 1, 3, "[[5,0,1,1],[5,1,1,1],[5,2,1,1]]", 3);
  say_round (told, &n, 5, 1, "[[5,0,1,1],[6,1,1,0],[7,2,0,0]]", 3);
  say (told, &n,
       "\"kind\":\"piece\",\"n_tokens\":4,\"ns\":2400,\"plain_ns\":4000,"
       "\"n_compared\":4,\"n_differing\":0");
  say (told, &n,
       "\"kind\":\"piece\",\"n_tokens\":2,\"ns\":2400,\"plain_ns\":2000,"
       "\"n_compared\":2,\"n_differing\":0");
  say (told, &n, "\"kind\":\"costs\",\"verify_ns\":[[1,1000],[4,1700],[17,5000]]");
  say (told, &n, "\"kind\":\"end\",\"status\":\"complete\",\"n_lines\":1,\"dropped\":0");
  g_autoptr (EngRun) run = eng_board_run_finish (told, device, NULL, NULL, NULL, &error);
  g_assert_no_error (error);

  EngSpeculation *record = eng_run_get_speculation (run);
  eng_speculation_get_totals (record, &totals);
  g_assert_cmpuint (totals.n_rounds, ==, 2);
  g_assert_cmpuint (totals.n_drafted, ==, 6);
  g_assert_cmpuint (totals.n_tested, ==, 5);
  g_assert_cmpuint (totals.n_accepted, ==, 4);
  g_assert_cmpuint (totals.n_emitted, ==, 6);
  g_assert_cmpfloat_with_epsilon (eng_run_get_figure (run, ENG_FIGURE_ACCEPTANCE).value, 80, 1e-9);
  g_assert_cmpfloat_with_epsilon (eng_run_get_figure (run, ENG_FIGURE_ROUND_TOKENS).value, 3, 1e-9);
  g_assert_cmpfloat_with_epsilon (eng_run_get_figure (run, ENG_FIGURE_DECODE).value, 6e9 / 4800,
                                  1e-3);
  g_assert_cmpfloat_with_epsilon (eng_run_get_figure (run, ENG_FIGURE_SPECULATION_SPEEDUP).value,
                                  6000.0 / 4800, 1e-9);
  /* Measured where rounds ran so many tokens, calibrated elsewhere. */
  const EngVerifyCost *costs = eng_speculation_get_verify_costs (record, &n_costs);
  g_assert_cmpuint (n_costs, ==, 3);
  g_assert_cmpuint (costs[0].n_tokens, ==, 1);
  g_assert_cmpfloat (costs[0].ns.value, ==, 1000);
  g_assert_cmpuint (costs[1].n_tokens, ==, 4);
  g_assert_cmpfloat (costs[1].ns.value, ==, 2000);
  g_assert_cmpuint (costs[2].n_tokens, ==, 17);
}

/* Rounds of other tokens than those told are refused, and no figures are made of them. */
static void
test_foreign (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, LOOKUP, NULL);
  g_autoptr (EngWorkload) workload = make_workload ();
  static const EngTransport invented = { .id = "invented", .title = "Invented" };
  g_autoptr (EngDevice) device = eng_device_new ("id", "A board", &invented, NULL);
  static const char *const drafts[]
      = { "[[5,0,1,1],[5,1,1,1],[99999999,2,1,1]]", /* no token of the vocabulary */
          "[[5,0,1,1],[5,1,1,1],[5,2,1,1]]" };      /* four tokens that were not told */

  for (guint i = 0; i < G_N_ELEMENTS (drafts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (EngBoardWork) work = eng_board_work_new (build, workload, 0, NULL, &error);
      g_autoptr (EngBoardRun) told = eng_board_run_new (work, NULL, NULL);
      guint n = 0;
      say (told, &n, "\"kind\":\"pass\",\"phase\":\"prefill\",\"ns\":1000");
      say (told, &n, "\"kind\":\"token\",\"index\":0,\"id\":5");
      say_round (told, &n, 1, 3, drafts[i], 3);
      if (i == 1)
        {
          say (told, &n, "\"kind\":\"token\",\"index\":5,\"id\":5");
          say_round (told, &n, 9, 0, "[]", 0);
        }
      say (told, &n, "\"kind\":\"end\",\"status\":\"complete\",\"n_lines\":1,\"dropped\":0");
      g_autoptr (EngRun) run = eng_board_run_finish (told, device, NULL, NULL, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpint (eng_run_get_validity (run), ==, ENG_RUN_INVALID);
    }
}

/* ---- What is left out ---- */

static void
test_told (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngWorkload) workload = make_workload ();
  static const EngTransport invented = { .id = "invented", .title = "Invented" };
  g_autoptr (EngDevice) device = eng_device_new ("id", "A board", &invented, NULL);
  g_autoptr (EngBoard) board = eng_board_new (ENG_BOARD_LINUX);
  static const struct
  {
    const char *recipe;
    gboolean is_told;
  } cases[] = { { "{\"speculation\": {\"drafting\": \"self\"}}", TRUE },
                { LOOKUP, FALSE },
                { "{}", FALSE } };

  board->machine = g_strdup ("aarch64");
  board->isa = g_strdup ("neon");
  eng_device_set_board (device, board);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (EngBuild) build = eng_test_build (model, cases[i].recipe, NULL);
      g_autoptr (EngBoardWork) work = eng_board_work_new (build, workload, 0, NULL, &error);
      g_assert_no_error (error);
      const GPtrArray *notes = eng_board_work_get_notes (work);
      gboolean noted = FALSE, warned = FALSE;
      for (guint k = 0; k < notes->len; k++)
        noted |= strstr (notes->pdata[k], "without drafts") != NULL;
      g_autoptr (GPtrArray) items = eng_preflight (device, build, workload);
      for (guint k = 0; k < items->len; k++)
        {
          const EngPreflightItem *item = items->pdata[k];
          warned |= item->state == ENG_PREFLIGHT_WARNING && g_str_equal (item->id, "drafts")
                    && strstr (item->text, "decodes without drafts: ") != NULL;
        }
      g_assert_cmpint (noted, ==, cases[i].is_told);
      g_assert_cmpint (warned, ==, cases[i].is_told);
    }
}

int
main (int argc, char **argv)
{
  char *home = push_case_new_home ();

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/push-speculation/same-rounds", test_same_rounds);
  g_test_add_func ("/push-speculation/figures", test_figures);
  g_test_add_func ("/push-speculation/foreign", test_foreign);
  g_test_add_func ("/push-speculation/told", test_told);
  const int status = g_test_run ();
  test_tree_free (home);
  return status;
}
