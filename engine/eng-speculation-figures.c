/* What a run that speculated came to: figures from the record of its rounds and from the pieces of
 * text that were also decoded plainly, and a notice where drafting did not pay. Called when nothing
 * more is measured; times nothing itself. */
#include "eng-speculation-rounds.h"

#include <math.h>

#include "eval/eng-interval.h"

/* What a person should know of rounds that drafted nothing although they could have. */
typedef struct
{
  guint n_fallback, first_fallback, n_probes;
  guint n_none;      /* the best length was 0 */
  double tokens, ns; /* of rounds that drafted, before the first fallback */
} Plainly;

static void
count_plain (EngSpeculation *record, Plainly *plainly)
{
  gboolean lookup = eng_speculation_get_setup (record)->source == ENG_DRAFT_LOOKUP;

  *plainly = (Plainly){ 0 };
  for (guint i = 0; i < eng_speculation_get_n_rounds (record); i++)
    {
      const EngRound *round = eng_speculation_get_round (record, i);
      if (round->kind == ENG_ROUND_FALLBACK && plainly->n_fallback++ == 0)
        plainly->first_fallback = round->first_token;
      plainly->n_none += round->kind == ENG_ROUND_NO_DRAFT && (!lookup || round->match_length > 0);
      plainly->n_probes += round->kind == ENG_ROUND_PROBE;
      if (plainly->n_fallback == 0 && round->n_drafted > 0 && isfinite (round->verify_ns))
        {
          plainly->tokens += round->n_emitted;
          plainly->ns += round->draft_ns + round->verify_ns + round->choose_ns;
        }
    }
}

static void
say_fallback (EngSpeculation *record, const Plainly *plainly, GString *text)
{
  guint n_costs;
  const EngVerifyCost *costs = eng_speculation_get_verify_costs (record, &n_costs);

  g_string_append_printf (text, "Fell back to plain steps in %u of %u rounds, first at token %u",
                          plainly->n_fallback, eng_speculation_get_n_rounds (record),
                          plainly->first_fallback + 1);
  if (plainly->tokens > 0 && n_costs > 0 && costs[0].n_tokens == 1 && costs[0].ns.available)
    g_string_append_printf (text, ": until then rounds were %.2f times as fast as plain steps",
                            plainly->tokens * costs[0].ns.value / plainly->ns);
  g_string_append_printf (text, ". Tried again %u time%s.", plainly->n_probes,
                          plainly->n_probes == 1 ? "" : "s");
}

char *
eng_speculation_make_notice (EngSpeculation *record)
{
  guint n_rounds = eng_speculation_get_n_rounds (record);
  double draft = eng_speculation_get_cost_ratio (record);
  double verify = eng_speculation_get_verify_ratio (record, 2);
  GString *text = g_string_new (NULL);
  Plainly plainly;

  count_plain (record, &plainly);
  if (plainly.n_fallback > 0)
    say_fallback (record, &plainly, text);
  if (2 * plainly.n_none > n_rounds)
    {
      g_string_append_printf (text,
                              "%sNothing was drafted in %u of %u rounds: it would not have paid",
                              text->len > 0 ? " " : "", plainly.n_none, n_rounds);
      if (isfinite (draft) && isfinite (verify))
        g_string_append_printf (text,
                                "; a drafted token takes %.2f of a plain step and a run over 2 "
                                "tokens %.2f",
                                draft, verify);
      g_string_append_c (text, '.');
    }
  return g_string_free (text, text->len == 0);
}

/* sum (a) / sum (b) over pieces, times @scale. */
static EngFigure
ratio_figure (const EngSpeculationRounds *self, gboolean beside, double scale, EngFigureId id,
              const char *why_none)
{
  g_autofree EngUnit *units = g_new0 (EngUnit, MAX (self->pieces->len, 1));
  guint n = 0;

  for (guint i = 0; i < self->pieces->len; i++)
    {
      const EngSpeculationPiece *piece = &g_array_index (self->pieces, EngSpeculationPiece, i);
      if (beside && isnan (piece->plain_ns))
        continue;
      units[n].sum[0] = beside ? piece->plain_ns : piece->n_tokens;
      units[n++].n[0] = piece->ns;
    }
  if (n == 0)
    return eng_figure_unavailable (eng_figure_id_unit (id), why_none);
  EngFigure figure = eng_ratio_figure (units, n, -1, 0, scale, eng_figure_id_unit (id));
  figure.n = n; /* pieces, not nanoseconds */
  return figure;
}

static EngFigure
round_tokens (EngSpeculation *record)
{
  guint n = 0, n_rounds = eng_speculation_get_n_rounds (record);
  g_autofree EngUnit *units = g_new0 (EngUnit, MAX (n_rounds, 1));

  for (guint i = 0; i < n_rounds; i++)
    {
      const EngRound *round = eng_speculation_get_round (record, i);
      if (round->n_drafted == 0)
        continue;
      units[n].sum[0] = round->n_emitted;
      units[n++].n[0] = 1;
    }
  return n > 0 ? eng_ratio_figure (units, n, -1, 0, 1, "tok")
               : eng_figure_unavailable ("tok", "nothing was drafted");
}

/* The formula for the rounds that drafted, plain steps for the others. */
static EngFigure
expected (EngSpeculation *record)
{
  EngSpeculationTotals totals;
  const char *unit = eng_figure_id_unit (ENG_FIGURE_SPECULATION_EXPECTED);
  double alpha = eng_speculation_get_alpha (record);
  double length = eng_speculation_get_mean_length (record);
  double verify = eng_speculation_get_verify_ratio (record, 1 + length);
  double draft = eng_speculation_get_cost_ratio (record);

  eng_speculation_get_totals (record, &totals);
  if (totals.n_drafting == 0)
    return eng_figure_unavailable (unit, "nothing was drafted");
  if (eng_speculation_get_setup (record)->tree_width > 1)
    return eng_figure_unavailable (unit, "the formula is of chains, not of trees");
  if (isnan (alpha) || isnan (verify) || isnan (draft))
    return eng_figure_unavailable (unit, "a cost it takes was not measured");
  double plain = totals.n_rounds - totals.n_drafting;
  double tokens = plain + totals.n_drafting * rt_speculate_tokens (alpha, length);
  double time = plain + totals.n_drafting * (length * draft + verify);
  return eng_figure_exact (tokens / time, unit);
}

void
eng_speculation_rounds_fill (const EngSpeculationRounds *self, gboolean stopped, EngFigure *figures)
{
  EngSpeculationTotals totals;

  eng_speculation_get_totals (self->record, &totals);
  figures[ENG_FIGURE_DECODE]
      = ratio_figure (self, FALSE, 1e9, ENG_FIGURE_DECODE,
                      stopped ? "stopped before the first round" : "the text ended before a round");
  figures[ENG_FIGURE_ACCEPTANCE] = totals.n_tested > 0
                                       ? eng_figure_share (totals.n_accepted, totals.n_tested)
                                       : eng_figure_unavailable ("%", "nothing was drafted");
  figures[ENG_FIGURE_ROUND_TOKENS] = round_tokens (self->record);
  figures[ENG_FIGURE_SPECULATION_SPEEDUP]
      = ratio_figure (self, TRUE, 1, ENG_FIGURE_SPECULATION_SPEEDUP,
                      "stopped before plain steps were measured beside the rounds");
  figures[ENG_FIGURE_SPECULATION_EXPECTED] = expected (self->record);
}
