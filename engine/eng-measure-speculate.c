/* The passes of a run that speculates: the text by rounds, then, for the figures, the text again
 * piece by piece, each piece by rounds and the same tokens by plain steps right after, so that both
 * see the same machine. What rounds are is the runtime's (rt-speculate-round.h); what is made of
 * their times eng-speculation-rounds.h's. */
#include "eng-measure-private.h"

#include <math.h>

#include "eng-error.h"
#include "eng-series.h"
#include "rt-speculate-round.h"

/* Tokens of a piece: enough rounds that their mean says something, little enough time that the
 * machine is the same for the plain steps after it. */
#define PIECE_TOKENS 16
/* One plain step of so many rounds of the text is instrumented: for whoever watches the layers. */
#define BESIDE_EVERY 16
/* Instrumented steps beside each piece. */
#define TRACED_STEPS 4
/* What finding out the costs of verifying may take, before the text. */
#define CALIBRATION_NS 600000000ull

typedef struct _EngMeasureSpeculation
{
  EngDraftPlan plan;
  RtDrafter *drafter; /* NULL: lookup */
  RtSpeculator *speculator;
  RtSampler *again;                        /* of repeated texts */
  RtSampler *beside;                       /* of the plain steps beside them */
  GArray *text;     /* gint32: prompt and answer of the repeated text */
  gboolean text_ended;
} Speculation;

/* ---- Life ---- */

static gboolean
make_drafter (EngMeasure *self, RtError *rt_error)
{
  Speculation *s = self->speculation;
  EngBuild *drafter = eng_build_get_drafter (self->build);

  if (s->plan.source == ENG_DRAFT_LOOKUP)
    return TRUE;
  s->drafter = rt_drafter_new (eng_build_get_exec (drafter), eng_build_get_max_tokens (drafter),
                               &self->workload->sampler, rt_exec_n_vocab (self->exec),
                               s->plan.tree_width, s->plan.replacement, rt_error);
  return s->drafter != NULL;
}

gboolean
eng_measure_speculate_init (EngMeasure *self, GError **error)
{
  RtError rt_error = { 0 };
  EngDraftPlan plan;
  guint n_vocab = rt_exec_n_vocab (self->exec);

  eng_draft_plan (eng_build_get_recipe (self->build), &plan);
  if (plan.source == ENG_DRAFT_NONE)
    return TRUE;
  Speculation *s = self->speculation = g_new0 (Speculation, 1);
  s->plan = plan;
  s->text = g_array_new (FALSE, FALSE, sizeof (gint32));
  s->again = rt_sampler_new (&self->workload->sampler, n_vocab, &rt_error);
  s->beside = rt_sampler_new (&self->workload->sampler, n_vocab, &rt_error);
  if (s->again == NULL || s->beside == NULL || !make_drafter (self, &rt_error))
    return eng_error_take_rt (&rt_error, error);

  self->rounds = eng_speculation_rounds_new (self->build, self->workload->sampler.temperature > 0);
  return TRUE;
}

void
eng_measure_speculate_clear (EngMeasure *self)
{
  Speculation *s = self->speculation;

  g_clear_pointer (&self->rounds, eng_speculation_rounds_free);
  if (s == NULL)
    return;
  rt_speculator_free (s->speculator);
  rt_drafter_free (s->drafter);
  rt_sampler_free (s->again);
  rt_sampler_free (s->beside);
  g_array_unref (s->text);
  g_clear_pointer (&self->speculation, g_free);
}

/* ---- Beginning a text ---- */

gboolean
eng_measure_speculate_prompt (EngMeasure *self, guint64 *ns, GError **error)
{
  RtDrafter *drafter = self->speculation->drafter;
  RtError rt_error = { 0 };
  guint64 start = rt_now_ns ();

  if (drafter == NULL)
    return TRUE;
  rt_drafter_truncate (drafter, 0);
  if (rt_drafter_room (drafter, (guint)self->n_prompt) > 0
      && !rt_drafter_read (drafter, self->prompt, (guint)self->n_prompt, &rt_error))
    {
      if (rt_error.status != RT_ERROR_CANCELLED)
        return eng_error_take_rt (&rt_error, error);
      self->cancelled = TRUE;
    }
  *ns += rt_now_ns () - start;
  return TRUE;
}

/* FALSE with an error, or TRUE and self->cancelled. */
static gboolean
take_failure (EngMeasure *self, RtError *rt_error, GError **error)
{
  if (rt_error->status != RT_ERROR_CANCELLED)
    return eng_error_take_rt (rt_error, error);
  self->cancelled = TRUE;
  return TRUE;
}

/* The prompt and the text's first token, which the prompt gave. The caches hold the prompt. */
static gboolean
begin_text (EngMeasure *self, GError **error)
{
  Speculation *s = self->speculation;
  RtError rt_error = { 0 };

  g_array_set_size (s->text, 0);
  g_array_append_vals (s->text, self->prompt, (guint)self->n_prompt);
  g_array_append_val (s->text, g_array_index (self->generated, gint32, 0));
  s->text_ended = FALSE;
  rt_kv_set_n_used (rt_exec_kv (self->exec), (guint32)self->n_prompt);
  if (s->drafter != NULL)
    rt_drafter_truncate (s->drafter, (guint)self->n_prompt);
  return rt_speculator_begin (s->speculator, (const gint32 *)s->text->data, s->text->len, &rt_error)
         || take_failure (self, &rt_error, error);
}

/* @sampler: of the text that the speculator writes. */
static gboolean
make_speculator (EngMeasure *self, RtSampler *sampler, GError **error)
{
  Speculation *s = self->speculation;
  RtError rt_error = { 0 };
  RtSpeculatorConfig config = { .exec = self->exec,
                                .max_run = eng_build_get_max_tokens (self->build),
                                .sampler = sampler,
                                .drafter = s->drafter,
                                .min_match = s->plan.min_match,
                                .max_match = s->plan.max_match,
                                .tree_width = s->plan.tree_width,
                                .replacement = s->plan.replacement,
                                .length = { .fixed = s->plan.length,
                                            .max = RT_SPECULATE_MAX / s->plan.tree_width,
                                            .fallback = s->plan.fallback,
                                            .prior = s->drafter != NULL ? 0.7 : 0.5 } };

  rt_speculator_free (s->speculator);
  s->speculator = rt_speculator_new (&config, &rt_error);
  return s->speculator != NULL || eng_error_take_rt (&rt_error, error);
}

/* Costs are found out before the text: a property of build and machine, as warm as they will be. */
static gboolean
calibrate (EngMeasure *self, GError **error)
{
  RtError rt_error = { 0 };

  eng_measure_tell_stage (self, "Finding out what verifying costs", -1);
  rt_exec_set_tracing (self->exec, false);
  return rt_speculator_calibrate (self->speculation->speculator, CALIBRATION_NS, &rt_error)
         || take_failure (self, &rt_error, error);
}

/* ---- A round ---- */

/* FALSE with an error; else check self->cancelled and self->not_finite. */
static gboolean
do_round (EngMeasure *self, guint n_most, gboolean plain, RtRound *round, GError **error)
{
  RtError rt_error = { 0 };

  if (g_cancellable_is_cancelled (self->cancellable))
    {
      self->cancelled = TRUE;
      return TRUE;
    }
  if (rt_speculator_round (self->speculation->speculator, n_most, plain, round, &rt_error))
    return TRUE;
  if (rt_error.status != RT_OK)
    return take_failure (self, &rt_error, error);
  self->not_finite = TRUE;
  return TRUE;
}

static double
round_ns (const RtRound *round)
{
  return (double)(round->ended_ns - round->begun_ns);
}

/* What a clean round took, by its parts. */
static void
learn_times (EngMeasure *self, const RtRound *round)
{
  double ns = (double)(round->verified_ns - round->drafted_ns);

  eng_speculation_rounds_add_times (self->rounds, round);
  if (round->n_run == 1)
    {
      eng_measure_add_sample (self->step_clean, ns);
      eng_profiler_add_clean (self->profiler, RT_PHASE_DECODE, 1, ns);
    }
}

/* Emit what the round gave, up to the text's end; how many tokens. */
static guint
emit_round (EngMeasure *self, const RtRound *round)
{
  guint n = 0;

  for (; n < round->verified.n_tokens && self->stop == NULL; n++)
    {
      eng_speculation_rounds_add_token (self->rounds, round->verified.tokens[n],
                                        (guint)self->stream.text->len);
      eng_measure_emit (self, round->verified.tokens[n]);
    }
  if (self->not_finite && self->stop == NULL)
    self->stop = "not a number";
  return n;
}

/* ---- The text ---- */

/* A round of the text. A clean one that was no plain step on purpose belongs to @piece. */
static gboolean
text_round (EngMeasure *self, gboolean beside, EngSpeculationPiece *piece, GError **error)
{
  Speculation *s = self->speculation;
  guint first = self->generated->len;
  RtRound round;

  rt_exec_set_tracing (self->exec, beside);
  rt_speculator_set_timing (s->speculator, !beside);
  if (!do_round (self, self->workload->n_predict - first, beside, &round, error))
    return FALSE;
  if (self->cancelled)
    return TRUE;
  if (beside)
    {
      double nodes_ns = eng_profiler_drain (self->profiler);
      if (!isnan (nodes_ns))
        eng_measure_add_sample (self->step_traced, nodes_ns);
    }
  else
    {
      learn_times (self, &round);
      piece->n_tokens += round.verified.n_tokens;
      piece->ns += round_ns (&round);
    }
  guint n = emit_round (self, &round);
  eng_speculation_rounds_add (self->rounds, &round, beside, first, n);
  return TRUE;
}

static void
end_piece (EngMeasure *self, EngSpeculationPiece *piece)
{
  if (piece->n_tokens > 0)
    g_array_append_val (self->rounds->pieces, *piece);
  *piece = (EngSpeculationPiece){ .plain_ns = NAN };
}

gboolean
eng_measure_speculate_decode (EngMeasure *self, GError **error)
{
  EngSpeculationPiece piece = { .plain_ns = NAN };

  eng_speculation_rounds_add_token (self->rounds, g_array_index (self->generated, gint32, 0), 0);
  eng_measure_find_stop (self);
  if (self->stop == NULL
      && (!make_speculator (self, self->sampler, error) || !begin_text (self, error)
          || !calibrate (self, error) || !begin_text (self, error)))
    return FALSE;
  for (guint i = 0; self->stop == NULL && !self->cancelled; i++)
    {
      eng_measure_tell_stage (self, "Writing",
                              (double)self->generated->len / self->workload->n_predict);
      if (!text_round (self, i % BESIDE_EVERY == BESIDE_EVERY - 1, &piece, error))
        return FALSE;
      if (piece.n_tokens >= PIECE_TOKENS)
        end_piece (self, &piece);
      eng_measure_find_stop (self);
    }
  end_piece (self, &piece);
  if (self->cancelled)
    self->stop = "stopped";
  eng_measure_end_text (self);
  return TRUE;
}

/* ---- The text again ---- */

/* From the prompt on, with the same random numbers. */
static gboolean
begin_again (EngMeasure *self, GError **error)
{
  Speculation *s = self->speculation;

  rt_speculator_set_sampler (s->speculator, s->again);
  rt_sampler_reseed (s->again, self->workload->sampler.seed);
  if (self->workload->sampler.temperature > 0)
    rt_sampler_unit (s->again); /* the first token took one */
  rt_exec_set_tracing (self->exec, false);
  rt_speculator_set_timing (s->speculator, true);
  return begin_text (self, error);
}

static void
find_text_end (EngMeasure *self, guint n_new)
{
  Speculation *s = self->speculation;
  RtKv *kv = rt_exec_kv (self->exec);

  s->text_ended = self->not_finite || s->text->len - self->n_prompt >= self->workload->n_predict
                  || rt_kv_n_used (kv) >= rt_kv_capacity (kv);
  for (guint i = s->text->len - n_new; i < s->text->len && !self->workload->ignore_end; i++)
    s->text_ended |= rt_tokenizer_is_end (self->tokenizer, g_array_index (s->text, gint32, i));
}

static gboolean
again_round (EngMeasure *self, RtRound *round, GError **error)
{
  Speculation *s = self->speculation;
  guint n_done = s->text->len - (guint)self->n_prompt;

  if (!do_round (self, self->workload->n_predict - n_done, FALSE, round, error))
    return FALSE;
  if (self->cancelled)
    return TRUE;
  g_array_append_vals (s->text, round->verified.tokens, round->verified.n_tokens);
  find_text_end (self, round->verified.n_tokens);
  return TRUE;
}

/* The @n tokens from @first on by plain steps, the first of them also instrumented. The cache is
 * afterwards as rounds had left it, to the last bit. */
static gboolean
measure_beside (EngMeasure *self, guint first, guint n, double *all_ns, GError **error)
{
  Speculation *s = self->speculation;
  RtKv *kv = rt_exec_kv (self->exec);
  double nodes_ns[TRACED_STEPS];
  guint n_traced = MIN (n, TRACED_STEPS);
  guint64 ns = 0;

  *all_ns = 0;
  rt_kv_set_n_used (kv, first);
  for (guint i = 0; i < n_traced; i++)
    {
      if (!eng_measure_execute (self, &g_array_index (s->text, gint32, first + i), 1, 1,
                                RT_PHASE_DECODE, TRUE, &ns, error))
        return FALSE;
      if (self->cancelled)
        return TRUE;
      nodes_ns[i] = eng_profiler_drain (self->profiler);
      if (!isnan (nodes_ns[i]))
        eng_measure_add_sample (self->step_traced, nodes_ns[i]);
    }
  rt_kv_set_n_used (kv, first);
  for (guint i = 0; i < n; i++)
    {
      gint32 token;
      if (!eng_measure_execute (self, &g_array_index (s->text, gint32, first + i), 1, 1,
                                RT_PHASE_DECODE, FALSE, &ns, error))
        return FALSE;
      if (self->cancelled)
        return TRUE;
      guint64 start = rt_now_ns ();
      eng_measure_choose (self, s->beside, &token);
      double clean = (double)ns, chosen = (double)(rt_now_ns () - start);
      *all_ns += clean + chosen;
      eng_measure_add_sample (self->step_clean, clean);
      eng_measure_add_sample (self->token_clean, clean + chosen);
      eng_speculation_rounds_add_step (self->rounds, clean);
      eng_profiler_add_clean (self->profiler, RT_PHASE_DECODE, 1, clean);
      if (i < n_traced && !isnan (nodes_ns[i]))
        eng_measure_add_sample (self->overhead, nodes_ns[i] / clean - 1);
      if (self->workload->sampler.temperature == 0)
        {
          self->rounds->n_compared++;
          self->rounds->n_differing += token != g_array_index (s->text, gint32, first + i + 1);
        }
    }
  return TRUE;
}

static gboolean
measure_piece (EngMeasure *self, EngSpeculationPiece *piece, GError **error)
{
  Speculation *s = self->speculation;
  guint first = s->text->len - 1;

  *piece = (EngSpeculationPiece){ .plain_ns = NAN };
  while (piece->n_tokens < PIECE_TOKENS && !s->text_ended)
    {
      RtRound round;
      if (!again_round (self, &round, error))
        return FALSE;
      if (self->cancelled || self->not_finite)
        return TRUE;
      learn_times (self, &round);
      piece->n_tokens += round.verified.n_tokens;
      piece->ns += round_ns (&round);
    }
  return measure_beside (self, first, piece->n_tokens, &piece->plain_ns, error);
}

gboolean
eng_measure_speculate_repeat (EngMeasure *self, double budget_s, GError **error)
{
  Speculation *s = self->speculation;
  g_autoptr (GArray) per_token = g_array_new (FALSE, FALSE, sizeof (double));
  guint64 start = rt_now_ns ();
  RtRepeat repeat;

  if (self->generated->len < 2)
    return TRUE;
  s->text_ended = TRUE;
  rt_repeat_init (&repeat, &(RtRepeatRule){ .target_width = self->workload->interval_width,
                                            .budget_s = budget_s,
                                            .n_min = RT_REPEAT_MIN });
  while (!self->cancelled && !self->not_finite
         && (eng_measure_needs_more (&repeat, per_token, 0, start, &self->decode_ended)
             || !s->text_ended))
    {
      EngSpeculationPiece piece;
      eng_measure_tell_stage (self, "Measuring the rounds again", -1);
      /* Every text to its end: pieces of a text are not alike. */
      if ((s->text_ended && !begin_again (self, error)) || !measure_piece (self, &piece, error))
        return FALSE;
      if (self->cancelled || self->not_finite || piece.n_tokens == 0)
        break;
      g_array_append_val (self->rounds->pieces, piece);
      eng_measure_add_sample (per_token, piece.ns / piece.n_tokens);
    }
  return TRUE;
}

gboolean
eng_measure_speculate_step (EngMeasure *self, guint *n_tokens, GError **error)
{
  Speculation *s = self->speculation;
  RtRound round;

  if (s->speculator == NULL && !make_speculator (self, s->again, error))
    return FALSE;
  if ((s->text->len == 0 || s->text_ended) && !begin_again (self, error))
    return FALSE;
  if (!again_round (self, &round, error) || self->cancelled)
    return FALSE;
  *n_tokens = round.verified.n_tokens;
  return TRUE;
}

/* ---- What comes of it ---- */

void
eng_measure_finish (EngMeasure *self)
{
  Speculation *s = self->speculation;
  const RtDraftLength *length;
  double calibrated_ns[RT_SPECULATE_MAX + 2] = { 0 };

  if (s == NULL)
    return;
  length = s->speculator != NULL ? rt_speculator_length (s->speculator) : NULL;
  for (guint i = 1; length != NULL && i < G_N_ELEMENTS (calibrated_ns); i++)
    calibrated_ns[i] = length->shape[i] > 0 ? rt_length_cost (length, i) : 0;
  eng_speculation_rounds_finish (self->rounds, (guint)self->stream.text->len, calibrated_ns,
                                 length != NULL ? length->draft_ns : 0);
}
