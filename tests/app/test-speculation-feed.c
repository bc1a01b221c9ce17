/* What the speculation view shows of a record made by hand: marks of the text, counts, the table,
 * the map against the formula, words. Needs a display for the timeline. */
#include "app-resources.h"
#include "app-speculation-feed.h"

#include <adwaita.h>
#include <math.h>
#include <string.h>

#define TEXT "abcdef"

static void
add_token (EngSpeculation *speculation, gint32 token, const char *piece, guint start)
{
  eng_speculation_add_token (speculation, token, start);
  eng_speculation_set_piece (speculation, token, piece, strlen (piece));
}

/* "a" is the prompt's; a round drafts b c x y, of which x is wrong and y never compared, and adds
 * d; a plain step writes e; f ends it by a plain step that was not timed. */
static EngSpeculation *
make_record (void)
{
  EngSpeculationSetup setup = { .source = ENG_DRAFT_LOOKUP,
                                .drafter = (char *)"2 tokens found again",
                                .max_length = 8,
                                .tree_width = 1 };
  EngSpeculation *speculation = eng_speculation_new (&setup);
  const EngDraft drafts[] = { { 1, -1, 1, TRUE, TRUE, NAN },
                              { 2, 0, 2, TRUE, TRUE, NAN },
                              { 20, 1, 3, TRUE, FALSE, NAN },
                              { 21, 2, 4, FALSE, FALSE, NAN } };
  const EngRound rounds[] = {
    { .kind = ENG_ROUND_SPECULATIVE,
      .first_token = 1,
      .n_emitted = 3,
      .n_drafted = 4,
      .n_accepted = 2,
      .draft_length = 4,
      .predicted_speedup = NAN,
      .start_ns = 0,
      .draft_ns = 1000,
      .verify_ns = 12000,
      .choose_ns = 500 },
    { .kind = ENG_ROUND_NO_DRAFT,
      .first_token = 4,
      .n_emitted = 1,
      .draft_length = 0,
      .predicted_speedup = NAN,
      .start_ns = 13500,
      .draft_ns = 0,
      .verify_ns = 10000,
      .choose_ns = 500 },
    { .kind = ENG_ROUND_BESIDE,
      .first_token = 5,
      .n_emitted = 1,
      .predicted_speedup = NAN,
      .start_ns = NAN,
      .draft_ns = NAN,
      .verify_ns = NAN,
      .choose_ns = NAN },
  };
  const char *pieces[] = { "a", "b", "c", "d", "e", "f" };

  eng_speculation_add_round (speculation, &rounds[0], drafts);
  eng_speculation_add_round (speculation, &rounds[1], NULL);
  eng_speculation_add_round (speculation, &rounds[2], NULL);
  for (gint32 i = 0; i < 6; i++)
    add_token (speculation, i, pieces[i], (guint)i);
  eng_speculation_end_text (speculation, 6);
  eng_speculation_set_piece (speculation, 20, "x", 1);
  eng_speculation_set_piece (speculation, 21, "y", 1);
  eng_speculation_add_verify_cost (speculation, 1, eng_figure_exact (10000, "ns"));
  eng_speculation_add_verify_cost (speculation, 5, eng_figure_exact (12000, "ns"));
  eng_speculation_set_draft_cost (speculation, eng_figure_exact (250, "ns"));
  return speculation;
}

static void
test_text (void)
{
  g_autoptr (EngSpeculation) speculation = make_record ();
  g_autoptr (GArray) pieces = app_speculation_make_text (speculation, TEXT);
  const AppMarked expected[]
      = { { APP_MARK_OWN, -1, 1, (char *)"a" },     { APP_MARK_ACCEPTED, 0, 2, (char *)"bc" },
          { APP_MARK_REJECTED, 0, 1, (char *)"x" }, { APP_MARK_UNTESTED, 0, 1, (char *)"y" },
          { APP_MARK_OWN, 0, 1, (char *)"d" },      { APP_MARK_OWN, 1, 1, (char *)"e" },
          { APP_MARK_OWN, 2, 1, (char *)"f" } };
  g_autoptr (GString) text = g_string_new (NULL);

  g_assert_cmpuint (pieces->len, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < pieces->len; i++)
    {
      const AppMarked *piece = &g_array_index (pieces, AppMarked, i);

      g_assert_cmpint (piece->mark, ==, expected[i].mark);
      g_assert_cmpint (piece->round, ==, expected[i].round);
      g_assert_cmpuint (piece->n_tokens, ==, expected[i].n_tokens);
      g_assert_cmpstr (piece->text, ==, expected[i].text);
      if (piece->mark == APP_MARK_OWN || piece->mark == APP_MARK_ACCEPTED)
        g_string_append (text, piece->text);
    }
  g_assert_cmpstr (text->str, ==, TEXT); /* without what was drafted in vain it is the run's text */
}

/* Of the tested: 1 of 1, 1 of 1, 0 of 1; the fourth was never tested and has no bar. */
static void
test_acceptance (void)
{
  g_autoptr (EngSpeculation) speculation = make_record ();
  g_autoptr (PlotSeries) bars = plot_series_new ("accepted");
  const double expected[] = { 100, 100, 0 };

  app_speculation_fill_acceptance (speculation, bars);
  g_assert_cmpuint (plot_series_get_n (bars), ==, 3);
  for (gsize i = 0; i < 3; i++)
    {
      g_assert_cmpfloat (plot_series_get_x (bars, i), ==, (double)i + 1);
      g_assert_cmpfloat (plot_series_get (bars, PLOT_COLUMN_Y, i), ==, expected[i]);
      g_assert_cmpfloat (plot_series_get (bars, PLOT_COLUMN_LO, i), <=, expected[i]);
      g_assert_cmpfloat (plot_series_get (bars, PLOT_COLUMN_HI, i), >=, expected[i]);
    }
}

/* Leviathan et al. 2023, theorem 3.8, with a measured cost of verifying: here 1.2 plain steps for
 * five tokens. */
static void
test_map (void)
{
  g_autoptr (EngSpeculation) speculation = make_record ();
  double acceptance, ratio, alpha = 2.0 / 3.0;
  double tokens = (1 - pow (alpha, 5)) / (1 - alpha);

  g_assert_true (app_speculation_get_point (speculation, &acceptance, &ratio));
  g_assert_cmpfloat_with_epsilon (acceptance, 100 * alpha, 1e-9);
  g_assert_cmpfloat_with_epsilon (ratio, 0.025, 1e-12);
  g_assert_cmpuint (app_speculation_get_max_length (speculation), ==, 4);
  g_assert_cmpfloat_with_epsilon (app_speculation_speedup (speculation, 4, acceptance, ratio),
                                  tokens / (4 * 0.025 + 1.2), 1e-9);
  /* Nothing is accepted: one token for the price of drafting and verifying. */
  g_assert_cmpfloat_with_epsilon (app_speculation_speedup (speculation, 4, 0, 0.5), 1 / (2 + 1.2),
                                  1e-9);
  g_assert_true (isnan (app_speculation_speedup (speculation, 9, 50, 0.1))); /* never measured */
}

static void
test_table (void)
{
  g_autoptr (EngSpeculation) speculation = make_record ();
  g_autoptr (PlotTable) table = app_speculation_make_table (speculation, TEXT);
  const double expected[]
      = { 1, 4, 2, 1, 3, 4 }; /* round, drafted, accepted, rejected, tokens, length */
  const guint columns[] = { 1, 2, 3, 4, 5, 6 };
  g_autofree char *text = plot_table_dup_cell (table, 0, 0);

  g_assert_cmpuint (plot_table_get_n_rows (table), ==, 3);
  for (guint i = 0; i < G_N_ELEMENTS (columns); i++)
    g_assert_cmpfloat (plot_table_get_number (table, 0, columns[i]), ==, expected[i]);
  g_assert_cmpstr (text, ==, "bcd");
  g_assert_true (isnan (plot_table_get_number (table, 2, 8))); /* not timed: absent, not zero */
}

static void
test_words (void)
{
  g_autoptr (EngSpeculation) speculation = make_record ();
  int verdict = 7;
  g_autofree char *round = app_speculation_dup_round (speculation, 0);
  g_autofree char *sentence = app_speculation_dup_sentence (speculation);
  g_autofree char *identity = app_speculation_dup_identity (speculation, &verdict);

  g_assert_nonnull (strstr (round, "4 drafted, 2 accepted, 1 rejected, 1 not compared"));
  g_assert_nonnull (strstr (sentence, "2 of 5 tokens"));
  g_assert_cmpint (verdict, ==, 0);
  eng_speculation_set_checked (speculation, 5, 0);
  g_free (identity);
  identity = app_speculation_dup_identity (speculation, &verdict);
  g_assert_cmpint (verdict, ==, 1);
  eng_speculation_set_checked (speculation, 5, 2);
  g_free (identity);
  identity = app_speculation_dup_identity (speculation, &verdict);
  g_assert_cmpint (verdict, ==, -1);
  g_assert_nonnull (strstr (identity, "2 of 5"));
}

/* The draft, two verifications and their choosing; the round without times is left out. */
static void
test_timeline (void)
{
  g_autoptr (EngSpeculation) speculation = make_record ();
  GtkWidget *timeline = g_object_ref_sink (plot_timeline_new ());

  app_speculation_fill_timeline (speculation, PLOT_TIMELINE (timeline));
  g_assert_cmpuint (plot_timeline_get_n_spans (PLOT_TIMELINE (timeline)), ==, 5);
  g_object_unref (timeline);
}

int
main (int argc, char **argv)
{
  gtk_test_init (&argc, &argv, NULL);
  adw_init ();
  app_register_resource ();
  g_test_add_func ("/app/speculation/text", test_text);
  g_test_add_func ("/app/speculation/acceptance", test_acceptance);
  g_test_add_func ("/app/speculation/map", test_map);
  g_test_add_func ("/app/speculation/table", test_table);
  g_test_add_func ("/app/speculation/words", test_words);
  g_test_add_func ("/app/speculation/timeline", test_timeline);
  return g_test_run ();
}
