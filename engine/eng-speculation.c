/* The record of what speculation did in a run: rounds, drafts, costs, and sums over them. Filled by
 * the measuring loop, kept with the run, shown by the window. Must not know how drafting works
 * (rt-speculate*.c) nor JSON (eng-speculation-json.c). */
#include "eng-speculation-private.h"

#include <math.h>
#include <string.h>

static const struct
{
  const char *name, *title;
} sources[] = {
  [ENG_DRAFT_NONE] = { "off", "Off" },
  [ENG_DRAFT_LOOKUP] = { "lookup", "Prompt lookup" },
  [ENG_DRAFT_MODEL] = { "draft-model", "Draft model" },
  [ENG_DRAFT_SELF] = { "self", "Self-drafting" },
};

const char *
eng_draft_source_name (EngDraftSource source)
{
  g_return_val_if_fail (source < G_N_ELEMENTS (sources), NULL);
  return sources[source].name;
}

const char *
eng_draft_source_title (EngDraftSource source)
{
  g_return_val_if_fail (source < G_N_ELEMENTS (sources), NULL);
  return sources[source].title;
}

const char *
eng_round_kind_name (EngRoundKind kind)
{
  static const char *const names[] = { "speculative", "no-draft", "beside", "fallback", "probe" };
  g_return_val_if_fail (kind < G_N_ELEMENTS (names), NULL);
  return names[kind];
}

/* ---- Life ---- */

EngSpeculation *
eng_speculation_new (const EngSpeculationSetup *setup)
{
  EngSpeculation *self = g_rc_box_new0 (EngSpeculation);

  self->setup = *setup;
  self->setup.drafter = g_strdup (setup->drafter != NULL ? setup->drafter : "");
  self->rounds = g_array_new (FALSE, FALSE, sizeof (EngRound));
  self->drafts = g_array_new (FALSE, FALSE, sizeof (EngDraft));
  self->tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  self->text_starts = g_array_new (FALSE, FALSE, sizeof (guint));
  self->pieces = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->verify_costs = g_array_new (FALSE, FALSE, sizeof (EngVerifyCost));
  self->acceptance = g_array_new (FALSE, TRUE, sizeof (EngAcceptance));
  self->draft_cost = eng_figure_unavailable ("ns", "nothing was drafted");
  return self;
}

static void
finish (gpointer data)
{
  EngSpeculation *self = data;

  g_free (self->setup.drafter);
  g_array_unref (self->rounds);
  g_array_unref (self->drafts);
  g_array_unref (self->tokens);
  g_array_unref (self->text_starts);
  g_hash_table_unref (self->pieces);
  g_array_unref (self->verify_costs);
  g_array_unref (self->acceptance);
  g_free (self->notice);
}

EngSpeculation *
eng_speculation_ref (EngSpeculation *self)
{
  return g_rc_box_acquire (self);
}

void
eng_speculation_unref (EngSpeculation *self)
{
  if (self != NULL)
    g_rc_box_release_full (self, finish);
}

/* ---- Filling ---- */

static void
count_draft (EngSpeculation *self, const EngDraft *draft)
{
  if (self->acceptance->len < draft->depth)
    g_array_set_size (self->acceptance, draft->depth);
  EngAcceptance *at = &g_array_index (self->acceptance, EngAcceptance, draft->depth - 1);
  at->n_drafted++;
  at->n_tested += draft->tested;
  at->n_accepted += draft->accepted;
}

void
eng_speculation_add_round (EngSpeculation *self, const EngRound *round, const EngDraft *drafts)
{
  EngRound copy = *round;

  copy.first_draft = self->drafts->len;
  for (guint i = 0; i < round->n_drafted; i++)
    {
      g_return_if_fail (drafts[i].depth > 0 && drafts[i].parent < (gint32)i);
      count_draft (self, &drafts[i]);
    }
  if (round->n_drafted > 0)
    g_array_append_vals (self->drafts, drafts, round->n_drafted);
  g_array_append_val (self->rounds, copy);
}

void
eng_speculation_add_token (EngSpeculation *self, gint32 token, guint text_start)
{
  g_array_append_val (self->tokens, token);
  g_array_append_val (self->text_starts, text_start);
  self->text_length = MAX (self->text_length, text_start);
}

void
eng_speculation_end_text (EngSpeculation *self, guint length)
{
  self->text_length = length;
}

void
eng_speculation_set_piece (EngSpeculation *self, gint32 token, const char *bytes, gsize n)
{
  g_hash_table_replace (self->pieces, GINT_TO_POINTER (token),
                        g_utf8_make_valid (bytes != NULL ? bytes : "", (gssize)n));
}

gboolean
eng_speculation_has_piece (EngSpeculation *self, gint32 token)
{
  return g_hash_table_contains (self->pieces, GINT_TO_POINTER (token));
}

void
eng_speculation_add_verify_cost (EngSpeculation *self, guint n_tokens, EngFigure ns)
{
  EngVerifyCost cost = { n_tokens, ns };
  guint at = 0;

  while (at < self->verify_costs->len
         && g_array_index (self->verify_costs, EngVerifyCost, at).n_tokens < n_tokens)
    at++;
  g_array_insert_val (self->verify_costs, at, cost);
}

void
eng_speculation_set_draft_cost (EngSpeculation *self, EngFigure ns)
{
  self->draft_cost = ns;
}

void
eng_speculation_set_checked (EngSpeculation *self, guint n_compared, guint n_differing)
{
  self->n_compared = n_compared;
  self->n_differing = n_differing;
}

void
eng_speculation_set_notice (EngSpeculation *self, const char *notice)
{
  g_free (self->notice);
  self->notice = g_strdup (notice);
}

/* ---- Looking ---- */

const EngSpeculationSetup *
eng_speculation_get_setup (EngSpeculation *self)
{
  return &self->setup;
}

guint
eng_speculation_get_n_rounds (EngSpeculation *self)
{
  return self->rounds->len;
}

const EngRound *
eng_speculation_get_round (EngSpeculation *self, guint round)
{
  g_return_val_if_fail (round < self->rounds->len, NULL);
  return &g_array_index (self->rounds, EngRound, round);
}

const EngDraft *
eng_speculation_get_drafts (EngSpeculation *self, guint round)
{
  const EngRound *r = eng_speculation_get_round (self, round);
  return r != NULL && r->n_drafted > 0 ? &g_array_index (self->drafts, EngDraft, r->first_draft)
                                       : NULL;
}

const gint32 *
eng_speculation_get_tokens (EngSpeculation *self, guint *n)
{
  *n = self->tokens->len;
  return (const gint32 *)self->tokens->data;
}

guint
eng_speculation_get_text_start (EngSpeculation *self, guint index)
{
  g_return_val_if_fail (index <= self->text_starts->len, 0);
  return index == self->text_starts->len ? self->text_length
                                         : g_array_index (self->text_starts, guint, index);
}

const char *
eng_speculation_get_piece (EngSpeculation *self, gint32 token)
{
  const char *piece = g_hash_table_lookup (self->pieces, GINT_TO_POINTER (token));
  return piece != NULL ? piece : "";
}

static void
add_ns (double *sum, double ns)
{
  if (isfinite (ns))
    *sum += ns;
}

void
eng_speculation_get_totals (EngSpeculation *self, EngSpeculationTotals *totals)
{
  *totals = (EngSpeculationTotals){ .n_rounds = self->rounds->len };
  for (guint i = 0; i < self->rounds->len; i++)
    {
      const EngRound *round = &g_array_index (self->rounds, EngRound, i);
      totals->n_emitted += round->n_emitted;
      if (round->n_drafted > 0)
        {
          totals->n_drafting++;
          totals->n_emitted_drafting += round->n_emitted;
        }
      add_ns (&totals->draft_ns, round->draft_ns);
      add_ns (&totals->verify_ns, round->verify_ns);
      add_ns (&totals->choose_ns, round->choose_ns);
    }
  for (guint i = 0; i < self->acceptance->len; i++)
    {
      const EngAcceptance *at = &g_array_index (self->acceptance, EngAcceptance, i);
      totals->n_drafted += at->n_drafted;
      totals->n_tested += at->n_tested;
      totals->n_accepted += at->n_accepted;
    }
}

const EngAcceptance *
eng_speculation_get_acceptance (EngSpeculation *self, guint *n_depths)
{
  *n_depths = self->acceptance->len;
  return (const EngAcceptance *)self->acceptance->data;
}

const EngVerifyCost *
eng_speculation_get_verify_costs (EngSpeculation *self, guint *n)
{
  *n = self->verify_costs->len;
  return (const EngVerifyCost *)self->verify_costs->data;
}

EngFigure
eng_speculation_get_draft_cost (EngSpeculation *self)
{
  return self->draft_cost;
}

/* Nanoseconds of a plain step. */
static double
plain_step (EngSpeculation *self)
{
  if (self->verify_costs->len == 0)
    return NAN;
  const EngVerifyCost *first = &g_array_index (self->verify_costs, EngVerifyCost, 0);
  return first->n_tokens == 1 && first->ns.available ? first->ns.value : NAN;
}

double
eng_speculation_get_cost_ratio (EngSpeculation *self)
{
  return self->draft_cost.available ? self->draft_cost.value / plain_step (self) : NAN;
}

double
eng_speculation_get_alpha (EngSpeculation *self)
{
  EngSpeculationTotals totals;

  eng_speculation_get_totals (self, &totals);
  return totals.n_tested > 0 ? (double)totals.n_accepted / totals.n_tested : NAN;
}

double
eng_speculation_get_mean_length (EngSpeculation *self)
{
  double sum = 0;
  guint n = 0;

  for (guint i = 0; i < self->rounds->len; i++)
    {
      const EngRound *round = &g_array_index (self->rounds, EngRound, i);
      guint deepest = 0;
      for (guint d = 0; d < round->n_drafted; d++)
        deepest
            = MAX (deepest, g_array_index (self->drafts, EngDraft, round->first_draft + d).depth);
      sum += deepest;
      n += round->n_drafted > 0;
    }
  return n > 0 ? sum / n : NAN;
}

double
eng_speculation_get_verify_ratio (EngSpeculation *self, double n_tokens)
{
  const EngVerifyCost *costs = (const EngVerifyCost *)self->verify_costs->data;
  double plain = plain_step (self);

  for (guint i = 0; i < self->verify_costs->len; i++)
    {
      if (!costs[i].ns.available)
        continue;
      if (n_tokens == costs[i].n_tokens)
        return costs[i].ns.value / plain;
      if (i > 0 && n_tokens > costs[i - 1].n_tokens && n_tokens < costs[i].n_tokens
          && costs[i - 1].ns.available)
        {
          double share = (n_tokens - costs[i - 1].n_tokens)
                         / (double)(costs[i].n_tokens - costs[i - 1].n_tokens);
          return ((1 - share) * costs[i - 1].ns.value + share * costs[i].ns.value) / plain;
        }
    }
  return NAN;
}

void
eng_speculation_get_checked (EngSpeculation *self, guint *n_compared, guint *n_differing)
{
  *n_compared = self->n_compared;
  *n_differing = self->n_differing;
}

const char *
eng_speculation_get_notice (EngSpeculation *self)
{
  return self->notice;
}
