/* Gathering rounds into the record that a run keeps. Called by the measuring loop here and by the
 * reader of a board's telemetry; times nothing itself. */
#include "eng-speculation-rounds.h"

#include <math.h>

#include "eng-draft.h"
#include "eng-series.h"

/* ---- Life ---- */

EngSpeculationRounds *
eng_speculation_rounds_new (EngBuild *build, gboolean sampled)
{
  EngSpeculationRounds *self = g_new0 (EngSpeculationRounds, 1);
  EngRecipe *recipe = eng_build_get_recipe (build);
  g_autofree char *words = eng_draft_describe (eng_build_get_model (build), recipe);
  EngDraftPlan plan;

  eng_draft_plan (recipe, &plan);
  self->tokenizer = eng_build_get_tokenizer (build);
  self->pieces = g_array_new (FALSE, FALSE, sizeof (EngSpeculationPiece));
  self->draft_ns = g_array_new (FALSE, FALSE, sizeof (double));
  for (guint i = 0; i < G_N_ELEMENTS (self->verify_ns); i++)
    self->verify_ns[i] = g_array_new (FALSE, FALSE, sizeof (double));
  self->record = eng_speculation_new (
      &(EngSpeculationSetup){ .source = plan.source,
                              .drafter = words,
                              .sampled = sampled,
                              .draft_length = plan.length,
                              .max_length = RT_SPECULATE_MAX / plan.tree_width,
                              .tree_width = plan.tree_width,
                              .replacement = plan.replacement });
  return self;
}

void
eng_speculation_rounds_free (EngSpeculationRounds *self)
{
  if (self == NULL)
    return;
  eng_speculation_unref (self->record);
  g_array_unref (self->pieces);
  g_array_unref (self->draft_ns);
  for (guint i = 0; i < G_N_ELEMENTS (self->verify_ns); i++)
    g_array_unref (self->verify_ns[i]);
  g_free (self);
}

/* ---- The text ---- */

static void
add_text (EngSpeculationRounds *self, gint32 token)
{
  RtSlice bytes;

  if (eng_speculation_has_piece (self->record, token))
    return;
  bytes = rt_tokenizer_piece (self->tokenizer, token);
  eng_speculation_set_piece (self->record, token, bytes.data, bytes.length);
}

void
eng_speculation_rounds_add_token (EngSpeculationRounds *self, gint32 token, guint text_start)
{
  add_text (self, token);
  eng_speculation_add_token (self->record, token, text_start);
}

static EngRoundKind
kind_of (const RtRound *round, gboolean beside)
{
  if (beside)
    return ENG_ROUND_BESIDE;
  if (round->n_drafts == 0)
    return round->choice.verdict == RT_LENGTH_FALLBACK ? ENG_ROUND_FALLBACK : ENG_ROUND_NO_DRAFT;
  return round->choice.verdict == RT_LENGTH_PROBE ? ENG_ROUND_PROBE : ENG_ROUND_SPECULATIVE;
}

static double
since (const EngSpeculationRounds *self, guint64 ns)
{
  return (double)(ns - self->begun_ns);
}

void
eng_speculation_rounds_add (EngSpeculationRounds *self, const RtRound *round, gboolean beside,
                            guint first_token, guint n_emitted)
{
  if (self->begun_ns == 0)
    self->begun_ns = round->begun_ns;

  EngDraft drafts[RT_SPECULATE_MAX];
  guint n_accepted = MIN (round->verified.n_accepted, n_emitted);
  EngRound entry = { .kind = kind_of (round, beside),
                     .first_token = first_token,
                     .n_emitted = n_emitted,
                     .n_drafted = round->n_drafts,
                     .n_accepted = n_accepted,
                     .draft_length = round->choice.length,
                     .match_length = round->match,
                     .predicted_speedup = beside ? NAN : round->choice.predicted,
                     .start_ns = since (self, round->begun_ns),
                     .draft_ns = beside ? NAN : (double)(round->drafted_ns - round->begun_ns),
                     .verify_ns = beside ? NAN : (double)(round->verified_ns - round->drafted_ns),
                     .choose_ns = beside ? NAN : (double)(round->ended_ns - round->verified_ns) };

  for (guint i = 0; i < round->n_drafts; i++)
    {
      const RtDraft *draft = &round->drafts[i];
      gint32 parent = draft->parent == RT_DRAFT_ROOT ? -1 : (gint32)draft->parent;
      drafts[i] = (EngDraft){ .token = draft->token,
                              .parent = parent,
                              .depth = parent < 0 ? 1 : drafts[parent].depth + 1,
                              .tested = draft->tested,
                              .accepted = draft->accepted,
                              .probability = (double)draft->probability };
      /* Behind the text's end nothing was asked. */
      if (drafts[i].depth > n_emitted)
        drafts[i].tested = drafts[i].accepted = FALSE;
      add_text (self, draft->token);
    }
  eng_speculation_add_round (self->record, &entry, drafts);
}

/* ---- Costs ---- */

void
eng_speculation_rounds_add_step (EngSpeculationRounds *self, double ns)
{
  g_array_append_val (self->verify_ns[1], ns);
}

void
eng_speculation_rounds_add_times (EngSpeculationRounds *self, const RtRound *round)
{
  double verify_ns = (double)(round->verified_ns - round->drafted_ns);

  g_array_append_val (self->verify_ns[round->n_run], verify_ns);
  if (round->n_drafts == 0)
    return;
  double draft_ns = (double)(round->drafted_ns - round->begun_ns) / round->n_drafts;
  g_array_append_val (self->draft_ns, draft_ns);
}

/* What rounds did not tell is known from before the text. */
static EngFigure
calibrated_figure (double ns)
{
  return (EngFigure){ .available = TRUE,
                      .value = ns,
                      .low = NAN,
                      .high = NAN,
                      .n = 1,
                      .unit = "ns",
                      .reason = "calibrated before the text" };
}

static EngFigure
cost_figure (const GArray *samples)
{
  return eng_figure_from_series ((double *)samples->data, samples->len, "ns");
}

void
eng_speculation_rounds_finish (EngSpeculationRounds *self, guint text_length,
                               const double calibrated_ns[RT_SPECULATE_MAX + 2],
                               double calibrated_draft_ns)
{
  eng_speculation_end_text (self->record, text_length);
  for (guint i = 1; i < G_N_ELEMENTS (self->verify_ns); i++)
    if (self->verify_ns[i]->len > 0)
      eng_speculation_add_verify_cost (self->record, i, cost_figure (self->verify_ns[i]));
    else if (calibrated_ns[i] > 0)
      eng_speculation_add_verify_cost (self->record, i, calibrated_figure (calibrated_ns[i]));
  if (self->draft_ns->len > 0)
    eng_speculation_set_draft_cost (self->record, cost_figure (self->draft_ns));
  else if (calibrated_draft_ns > 0)
    eng_speculation_set_draft_cost (self->record, calibrated_figure (calibrated_draft_ns));
  eng_speculation_set_checked (self->record, self->n_compared, self->n_differing);
  g_autofree char *notice = eng_speculation_make_notice (self->record);
  eng_speculation_set_notice (self->record, notice);
}
