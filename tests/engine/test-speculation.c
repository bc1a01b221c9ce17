/* The record of a run's speculation: sums over rounds, what the formulas make of them, and its way
 * through JSON, broken documents included. */
#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-json.h"
#include "eng-speculation.h"

static EngFigure
cost_figure (double ns)
{
  return (EngFigure){
    .available = TRUE, .value = ns, .low = ns - 1, .high = ns + 1, .n = 9, .unit = "ns"
  };
}

/* Seven tokens: one of the prompt; a chain of 3 of which 2 are accepted (3 tokens); a plain step; a
 * tree of 2 + 1 of which the second branch's child is not tested, 1 accepted (2 tokens). */
static EngSpeculation *
make_record (void)
{
  EngSpeculation *self
      = eng_speculation_new (&(EngSpeculationSetup){ .source = ENG_DRAFT_LOOKUP,
                                                     .drafter = (char *)"2 to 4 tokens",
                                                     .max_length = 8,
                                                     .tree_width = 2,
                                                     .replacement = TRUE });
  static const char *const pieces[] = { "The", " cat", " sat", "\xC3", "\xA9", "!", "" };
  static const guint starts[] = { 0, 3, 7, 11, 11, 13, 14 };

  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++)
    {
      eng_speculation_add_token (self, (gint32)(10 + i), starts[i]);
      eng_speculation_set_piece (self, (gint32)(10 + i), pieces[i], strlen (pieces[i]));
    }
  eng_speculation_end_text (self, 14);
  eng_speculation_add_round (self,
                             &(EngRound){ .kind = ENG_ROUND_SPECULATIVE,
                                          .first_token = 1,
                                          .n_emitted = 3,
                                          .n_drafted = 3,
                                          .n_accepted = 2,
                                          .draft_length = 3,
                                          .match_length = 4,
                                          .predicted_speedup = NAN,
                                          .start_ns = 0,
                                          .draft_ns = 30,
                                          .verify_ns = 1400,
                                          .choose_ns = 5 },
                             (EngDraft[]){ { 11, -1, 1, TRUE, TRUE, NAN },
                                           { 12, 0, 2, TRUE, TRUE, NAN },
                                           { 99, 1, 3, TRUE, FALSE, NAN } });
  eng_speculation_add_round (self,
                             &(EngRound){ .kind = ENG_ROUND_NO_DRAFT,
                                          .first_token = 4,
                                          .n_emitted = 1,
                                          .predicted_speedup = 0.75,
                                          .start_ns = 1435,
                                          .draft_ns = 10,
                                          .verify_ns = NAN,
                                          .choose_ns = NAN },
                             NULL);
  eng_speculation_add_round (self,
                             &(EngRound){ .kind = ENG_ROUND_PROBE,
                                          .first_token = 5,
                                          .n_emitted = 2,
                                          .n_drafted = 3,
                                          .n_accepted = 1,
                                          .draft_length = 2,
                                          .predicted_speedup = 1.5,
                                          .start_ns = 3000,
                                          .draft_ns = 30,
                                          .verify_ns = 1500,
                                          .choose_ns = 7 },
                             (EngDraft[]){ { 50, -1, 1, TRUE, FALSE, 0.5 },
                                           { 15, -1, 1, TRUE, TRUE, 0.25 },
                                           { 51, 0, 2, FALSE, FALSE, 0.125 } });
  eng_speculation_add_verify_cost (self, 4, cost_figure (1400));
  eng_speculation_add_verify_cost (self, 1, cost_figure (1000));
  eng_speculation_set_draft_cost (self, cost_figure (50));
  eng_speculation_set_checked (self, 6, 0);
  eng_speculation_set_notice (self, "Plain decoding from token 4 on");
  return self;
}

static void
test_sums (void)
{
  g_autoptr (EngSpeculation) self = make_record ();
  EngSpeculationTotals totals;
  guint n;

  eng_speculation_get_totals (self, &totals);
  g_assert_cmpuint (totals.n_rounds, ==, 3);
  g_assert_cmpuint (totals.n_drafting, ==, 2);
  g_assert_cmpuint (totals.n_drafted, ==, 6);
  g_assert_cmpuint (totals.n_tested, ==, 5);
  g_assert_cmpuint (totals.n_accepted, ==, 3);
  g_assert_cmpuint (totals.n_emitted, ==, 6);
  g_assert_cmpuint (totals.n_emitted_drafting, ==, 5);
  g_assert_cmpfloat (totals.draft_ns, ==, 70);
  g_assert_cmpfloat (totals.verify_ns, ==, 2900);
  g_assert_cmpfloat (eng_speculation_get_alpha (self), ==, 3.0 / 5);
  g_assert_cmpfloat (eng_speculation_get_mean_length (self), ==, 2.5);
  g_assert_cmpfloat (eng_speculation_get_cost_ratio (self), ==, 0.05);
  g_assert_cmpfloat (eng_speculation_get_verify_ratio (self, 4), ==, 1.4);
  g_assert_cmpfloat_with_epsilon (eng_speculation_get_verify_ratio (self, 2.5), 1.2, 1e-12);
  g_assert_true (isnan (eng_speculation_get_verify_ratio (self, 5)));

  const EngAcceptance *depths = eng_speculation_get_acceptance (self, &n);
  g_assert_cmpuint (n, ==, 3);
  g_assert_cmpuint (depths[0].n_drafted, ==, 3);
  g_assert_cmpuint (depths[0].n_tested, ==, 3);
  g_assert_cmpuint (depths[0].n_accepted, ==, 2);
  g_assert_cmpuint (depths[1].n_drafted, ==, 2);
  g_assert_cmpuint (depths[1].n_tested, ==, 1);
  g_assert_cmpuint (depths[2].n_accepted, ==, 0);
}

static char *
to_json (EngSpeculation *self)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  eng_speculation_write (self, builder, "speculation");
  json_builder_end_object (builder);
  return eng_json_builder_finish (builder, FALSE);
}

static EngSpeculation *
from_json (const char *json, GError **error)
{
  g_autoptr (JsonNode) root = eng_json_parse_object (json, "test", error);
  g_assert_nonnull (root);
  return eng_speculation_read (eng_json_get_object (json_node_get_object (root), "speculation"),
                               error);
}

static void
test_round_trip (void)
{
  g_autoptr (EngSpeculation) self = make_record ();
  g_autofree char *json = to_json (self);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngSpeculation) back = from_json (json, &error);
  g_assert_no_error (error);
  g_autofree char *again = to_json (back);
  guint n, m, differing;

  g_assert_cmpstr (json, ==, again);
  const EngSpeculationSetup *setup = eng_speculation_get_setup (back);
  g_assert_cmpint (setup->source, ==, ENG_DRAFT_LOOKUP);
  g_assert_cmpstr (setup->drafter, ==, "2 to 4 tokens");
  g_assert_cmpuint (setup->max_length, ==, 8);
  g_assert_cmpuint (setup->tree_width, ==, 2);
  g_assert_true (setup->replacement);
  g_assert_cmpuint (eng_speculation_get_n_rounds (back), ==, 3);
  for (guint i = 0; i < 3; i++)
    {
      const EngRound *a = eng_speculation_get_round (self, i),
                     *b = eng_speculation_get_round (back, i);
      const EngDraft *x = eng_speculation_get_drafts (self, i),
                     *y = eng_speculation_get_drafts (back, i);
      g_assert_cmpint (a->kind, ==, b->kind);
      g_assert_cmpuint (a->first_token, ==, b->first_token);
      g_assert_cmpuint (a->n_emitted, ==, b->n_emitted);
      g_assert_cmpuint (a->n_accepted, ==, b->n_accepted);
      g_assert_cmpuint (a->draft_length, ==, b->draft_length);
      g_assert_cmpuint (a->match_length, ==, b->match_length);
      g_assert_true (a->predicted_speedup == b->predicted_speedup
                     || (isnan (a->predicted_speedup) && isnan (b->predicted_speedup)));
      g_assert_cmpfloat (a->start_ns, ==, b->start_ns);
      g_assert_true (a->verify_ns == b->verify_ns
                     || (isnan (a->verify_ns) && isnan (b->verify_ns)));
      for (guint d = 0; d < a->n_drafted; d++)
        {
          g_assert_cmpint (x[d].token, ==, y[d].token);
          g_assert_cmpint (x[d].parent, ==, y[d].parent);
          g_assert_cmpuint (x[d].depth, ==, y[d].depth);
          g_assert_cmpint (x[d].tested, ==, y[d].tested);
          g_assert_cmpint (x[d].accepted, ==, y[d].accepted);
        }
    }
  g_assert_cmpfloat (eng_speculation_get_drafts (back, 2)[2].probability, ==, 0.125);
  const gint32 *tokens = eng_speculation_get_tokens (back, &n);
  g_assert_cmpuint (n, ==, 7);
  g_assert_cmpint (tokens[6], ==, 16);
  g_assert_cmpuint (eng_speculation_get_text_start (back, 4), ==, 11);
  g_assert_cmpuint (eng_speculation_get_text_start (back, 7), ==, 14);
  g_assert_cmpstr (eng_speculation_get_piece (back, 11), ==, " cat");
  g_assert_true (g_utf8_validate (eng_speculation_get_piece (back, 13), -1, NULL));
  eng_speculation_get_checked (back, &m, &differing);
  g_assert_cmpuint (m, ==, 6);
  g_assert_cmpuint (differing, ==, 0);
  g_assert_cmpstr (eng_speculation_get_notice (back), ==, "Plain decoding from token 4 on");
  g_assert_cmpfloat (eng_speculation_get_draft_cost (back).high, ==, 51);
  const EngVerifyCost *costs = eng_speculation_get_verify_costs (back, &n);
  g_assert_cmpuint (n, ==, 2);
  g_assert_cmpuint (costs[0].n_tokens, ==, 1);
}

/* What does not fit together is refused, not half read. */
static void
test_broken (void)
{
  static const struct
  {
    const char *from, *to;
  } edits[] = {
    { "\"drafted_tokens\":[3,", "\"drafted_tokens\":[30," },
    { "\"accepted_tokens\":[2,", "\"accepted_tokens\":[4," },
    { "\"emitted_tokens\":[3,", "\"emitted_tokens\":[300," },
    { "\"parent\":[-1,0,", "\"parent\":[-1,1," },
    { "\"drafted_tokens\":[3,0,3]", "\"drafted_tokens\":[3,0,2]" },
    { "\"text_start_bytes\":[0,3,", "\"text_start_bytes\":[0,30," },
    { "\"tokens\":[10,", "\"tokens\":[9,10," },
  };
  g_autoptr (EngSpeculation) self = make_record ();
  g_autofree char *json = to_json (self);

  for (guint i = 0; i < G_N_ELEMENTS (edits); i++)
    {
      g_autoptr (GString) text = g_string_new (json);
      g_autoptr (GError) error = NULL;
      g_assert_cmpuint (g_string_replace (text, edits[i].from, edits[i].to, 1), ==, 1);
      g_autoptr (EngSpeculation) back = from_json (text->str, &error);
      g_assert_null (back);
      g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
    }
}

/* The formulas against the sum that they are the closed form of: a round emits i + 1 tokens when i
 * are accepted. */
static void
test_formula (void)
{
  for (double alpha = 0; alpha <= 1; alpha += 0.125)
    for (int length = 0; length <= 16; length++)
      {
        double expected = 0;
        for (int i = 0; i < length; i++)
          expected += (i + 1) * pow (alpha, i) * (1 - alpha);
        expected += (length + 1) * pow (alpha, length);
        g_assert_cmpfloat_with_epsilon (rt_speculate_tokens (alpha, length), expected, 1e-9);
        g_assert_cmpfloat_with_epsilon (rt_speculate_speedup (alpha, length, 0.1, 1.3),
                                        expected / (0.1 * length + 1.3), 1e-9);
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/speculation/sums", test_sums);
  g_test_add_func ("/speculation/round-trip", test_round_trip);
  g_test_add_func ("/speculation/broken", test_broken);
  g_test_add_func ("/speculation/formula", test_formula);
  return g_test_run ();
}
