/* The passes of a text that speculates by prompt lookup, as the studio measures itself
 * (engine/eng-measure-speculate.c): the text by rounds, some plain steps among them instrumented;
 * then the text again piece by piece, each piece by rounds and the same tokens by plain steps right
 * after, so that both see the same machine. The text is the plain one, token by token. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rn-text.h"
#include "rt-speculate-round.h"

/* As the studio has them. */
#define PIECE_TOKENS 16
#define BESIDE_EVERY 16
#define TRACED_STEPS 4
#define CALIBRATION_NS 600000000ull
#define PRIOR 0.5

/* A few rounds, clean. */
typedef struct
{
  uint32_t n_tokens;
  double ns, plain_ns; /* plain: the same tokens by plain steps; NAN: not measured */
  uint32_t n_compared, n_differing;
} Piece;

struct RnSpeculation
{
  RtSpeculator *speculator;
  int32_t *text; /* prompt and answer, of the text that is repeated */
  uint32_t n_text;
  bool text_ended;
  RnSamples per_token;
};

/* ---- Life ---- */

RnSpeculation *
rn_speculate_new (RnText *text, RtError *error)
{
  const RnRun *run = text->run;
  const RtWorkLookup *lookup = &run->work.lookup;
  int64_t n_tokens = run->build.config.max_symbols[0], n_outputs = run->build.config.max_symbols[1];
  RtSpeculatorConfig config = { .exec = run->exec,
                                .max_run = (uint32_t)(n_tokens < n_outputs ? n_tokens : n_outputs),
                                .sampler = text->sampler,
                                .min_match = lookup->min_match,
                                .max_match = lookup->max_match,
                                .tree_width = lookup->tree_width,
                                .length = { .fixed = lookup->length,
                                            .max = RT_SPECULATE_MAX / lookup->tree_width,
                                            .fallback = lookup->fallback,
                                            .prior = PRIOR } };

  if (config.max_run < 2)
    {
      rt_fail (error, RT_ERROR_UNSUPPORTED,
               "The work asks for speculation, and the build gives logits of one token at a time: "
               "it was made by a recipe without");
      return NULL;
    }
  RnSpeculation *self = calloc (1, sizeof *self);
  uint32_t room = run->work.n_prompt + run->work.n_decode + RT_SPECULATE_MAX + 2;
  if (self != NULL)
    self->text = malloc (room * sizeof *self->text);
  if (self == NULL || self->text == NULL)
    rt_fail (error, RT_ERROR_MEMORY, "No memory for the text's tokens");
  else
    self->speculator = rt_speculator_new (&config, error);
  if (self != NULL && self->speculator == NULL)
    {
      rn_speculate_free (self);
      return NULL;
    }
  return self;
}

void
rn_speculate_free (RnSpeculation *self)
{
  if (self == NULL)
    return;
  rt_speculator_free (self->speculator);
  rn_samples_clear (&self->per_token);
  free (self->text);
  free (self);
}

/* A cancelled run is no error. */
static bool
take_failure (RnRun *run, const RtError *error)
{
  run->cancelled = run->cancelled || error->status == RT_ERROR_CANCELLED;
  return run->cancelled;
}

/* ---- Telling ---- */

static const char *
verdict_name (RtLengthVerdict verdict)
{
  static const char *const names[] = { "draft", "probe", "none", "fallback" };
  return names[verdict];
}

static void
tell_drafts (RnLine *line, const RtRound *round)
{
  rn_line_open (line, "drafts", '[');
  for (uint32_t i = 0; i < round->n_drafts; i++)
    {
      const RtDraft *draft = &round->drafts[i];
      rn_line_open (line, NULL, '[');
      rn_line_int (line, NULL, draft->token);
      rn_line_uint (line, NULL, draft->parent + 1u); /* the text's end: 0 */
      rn_line_uint (line, NULL, draft->tested);
      rn_line_uint (line, NULL, draft->accepted);
      rn_line_close (line, ']');
    }
  rn_line_close (line, ']');
}

/* @first: index in the text of the first of its @n_emitted tokens; UINT32_MAX: of a repeat, whose
 * drafts are not told. */
static void
tell_round (RnRun *run, const RtRound *round, bool beside, uint32_t first, uint32_t n_emitted)
{
  RnLine *line = &run->line;
  bool again = first == UINT32_MAX;

  rn_line_begin (line, "round");
  rn_line_string (line, "verdict", verdict_name (round->choice.verdict));
  rn_line_bool (line, "beside", beside);
  rn_line_bool (line, "again", again);
  if (!again)
    rn_line_uint (line, "first_token", first);
  rn_line_uint (line, "n_emitted", n_emitted);
  rn_line_uint (line, "n_run", round->n_run);
  rn_line_uint (line, "n_drafted", round->n_drafts);
  rn_line_uint (line, "n_accepted", round->verified.n_accepted);
  rn_line_uint (line, "length", round->choice.length);
  rn_line_uint (line, "match", round->match);
  rn_line_number (line, "predicted", round->choice.predicted);
  rn_line_uint (line, "begin_ns", round->begun_ns - run->start_ns);
  rn_line_uint (line, "draft_ns", round->drafted_ns - round->begun_ns);
  rn_line_uint (line, "verify_ns", round->verified_ns - round->drafted_ns);
  rn_line_uint (line, "choose_ns", round->ended_ns - round->verified_ns);
  if (!again)
    tell_drafts (line, round);
  rn_output_send (run->output, line, RN_LINE_NORMAL);
}

static void
tell_piece (RnRun *run, const Piece *piece)
{
  RnLine *line = &run->line;

  rn_line_begin (line, "piece");
  rn_line_uint (line, "n_tokens", piece->n_tokens);
  rn_line_number (line, "ns", piece->ns);
  rn_line_number (line, "plain_ns", piece->plain_ns);
  rn_line_uint (line, "n_compared", piece->n_compared);
  rn_line_uint (line, "n_differing", piece->n_differing);
  rn_output_send (run->output, line, RN_LINE_NORMAL);
}

/* What runs over so many tokens take, as it is known at the end of the text. */
static void
tell_costs (RnRun *run, const RnSpeculation *self)
{
  const RtDraftLength *length = rt_speculator_length (self->speculator);
  RnLine *line = &run->line;

  rn_line_begin (line, "costs");
  rn_line_open (line, "verify_ns", '[');
  for (uint32_t n = 1; n <= RT_SPECULATE_MAX + 1; n++)
    if (length->shape[n] > 0)
      {
        rn_line_open (line, NULL, '[');
        rn_line_uint (line, NULL, n);
        rn_line_number (line, NULL, rt_length_cost (length, n));
        rn_line_close (line, ']');
      }
  rn_line_close (line, ']');
  rn_output_send (run->output, line, RN_LINE_NORMAL);
}

/* ---- Rounds ---- */

/* The prompt and the text's first token, which the prompt gave. The cache holds the prompt. */
static bool
begin_text (RnText *text, RtError *error)
{
  RnSpeculation *self = text->speculation;
  const RtWork *work = &text->run->work;

  memcpy (self->text, work->prompt, work->n_prompt * sizeof *self->text);
  self->text[work->n_prompt] = text->text[0];
  self->n_text = work->n_prompt + 1;
  self->text_ended = false;
  rt_kv_set_n_used (rt_exec_kv (text->run->exec), work->n_prompt);
  return rt_speculator_begin (self->speculator, self->text, self->n_text, error)
         || take_failure (text->run, error);
}

/* What verifying costs: a property of build and board, as warm as they will be. */
static bool
calibrate (RnText *text, RtError *error)
{
  RnRun *run = text->run;

  rn_run_stage (run, "calibrate", -1);
  if (!rn_run_begin_pass (run, false))
    return true;
  bool ok = rt_speculator_calibrate (text->speculation->speculator, CALIBRATION_NS, error);
  rn_run_end_pass (run);
  return ok || take_failure (run, error);
}

static bool
do_round (RnText *text, uint32_t n_most, bool beside, RtRound *round, RtError *error)
{
  RnRun *run = text->run;

  if (!rn_run_begin_pass (run, beside))
    return true;
  rt_speculator_set_timing (text->speculation->speculator, !beside);
  bool ok = rt_speculator_round (text->speculation->speculator, n_most, beside, round, error);
  rn_run_end_pass (run);
  if (ok || take_failure (run, error))
    return true;
  if (error->status != RT_OK)
    return false;
  run->where = "logits";
  return rt_fail (error, RT_ERROR_RANGE,
                  "The model gave logits that are no numbers after %u tokens of the text",
                  text->n_text);
}

static void
tell_beside (RnText *text, const RtRound *round)
{
  RnPass pass = { .phase = RT_PHASE_DECODE,
                  .traced = true,
                  .n_tokens = 1,
                  .position = rt_kv_n_used (rt_exec_kv (text->run->exec)) - 1,
                  .ns = round->verified_ns - round->drafted_ns };

  pass.nodes_ns = rn_trace_take (text->run);
  rn_run_tell_pass (text->run, &pass);
}

static void
add_round (Piece *piece, const RtRound *round)
{
  piece->n_tokens += round->verified.n_tokens;
  piece->ns += (double)(round->ended_ns - round->begun_ns);
}

/* ---- The text ---- */

static bool
text_round (RnText *text, bool beside, Piece *piece, RtError *error)
{
  RnRun *run = text->run;
  uint32_t first = text->n_text;
  RtRound round;

  if (!do_round (text, run->work.n_decode - first, beside, &round, error))
    return false;
  if (run->cancelled)
    return true;
  if (beside)
    tell_beside (text, &round);
  else
    add_round (piece, &round);
  for (uint32_t i = 0; i < round.verified.n_tokens && !text->ended; i++)
    rn_text_emit (text, round.verified.tokens[i]);
  tell_round (run, &round, beside, first, text->n_text - first);
  return true;
}

static void
end_piece (RnRun *run, Piece *piece)
{
  if (piece->n_tokens > 0)
    tell_piece (run, piece);
  *piece = (Piece){ .plain_ns = NAN };
}

bool
rn_speculate_decode (RnText *text, RtError *error)
{
  RnRun *run = text->run;
  Piece piece = { .plain_ns = NAN };

  if (rn_text_is_over (text))
    return true;
  if (!begin_text (text, error) || !calibrate (text, error))
    return false;
  if (run->cancelled)
    return true;
  if (!begin_text (text, error))
    return false;
  rn_run_stage (run, "decode", -1);
  for (uint32_t i = 0; !run->cancelled && !rn_text_is_over (text); i++)
    {
      if (!text_round (text, i % BESIDE_EVERY == BESIDE_EVERY - 1, &piece, error))
        return false;
      if (piece.n_tokens >= PIECE_TOKENS)
        end_piece (run, &piece);
      rn_run_progress (run, (double)text->n_text / run->work.n_decode);
    }
  end_piece (run, &piece);
  tell_costs (run, text->speculation);
  return true;
}

/* ---- The text again ---- */

static bool
again_round (RnText *text, RtRound *round, RtError *error)
{
  RnSpeculation *self = text->speculation;
  const RtKv *kv = rt_exec_kv (text->run->exec);
  uint32_t n_done = self->n_text - text->run->work.n_prompt;

  if (!do_round (text, text->run->work.n_decode - n_done, false, round, error))
    return false;
  if (text->run->cancelled)
    return true;
  for (uint32_t i = 0; i < round->verified.n_tokens; i++)
    {
      self->text[self->n_text++] = round->verified.tokens[i];
      self->text_ended = self->text_ended || rn_text_is_end (text, round->verified.tokens[i]);
    }
  self->text_ended = self->text_ended
                     || self->n_text - text->run->work.n_prompt >= text->run->work.n_decode
                     || rt_kv_n_used (kv) >= rt_kv_capacity (kv);
  return true;
}

/* The @n tokens from @first on by plain steps, the first of them also instrumented. The cache is
 * afterwards as rounds had left it, to the last bit. */
static bool
measure_beside (RnText *text, uint32_t first, Piece *piece, RtError *error)
{
  RnSpeculation *self = text->speculation;
  RtKv *kv = rt_exec_kv (text->run->exec);
  uint32_t n = piece->n_tokens, n_traced = n < TRACED_STEPS ? n : TRACED_STEPS;
  int32_t token;

  piece->plain_ns = 0;
  for (uint32_t i = 0; i < n_traced + n; i++)
    {
      bool traced = i < n_traced;
      uint32_t at = traced ? i : i - n_traced;
      if (at == 0)
        rt_kv_set_n_used (kv, first);
      if (!rn_text_step (text, self->text[first + at], traced, &token, error))
        return false;
      if (text->run->cancelled)
        return true;
      if (traced)
        continue;
      piece->plain_ns += text->tokens.values[text->tokens.n - 1];
      piece->n_compared++;
      piece->n_differing += token != self->text[first + at + 1];
    }
  return true;
}

static bool
measure_piece (RnText *text, Piece *piece, RtError *error)
{
  RnSpeculation *self = text->speculation;
  uint32_t first = self->n_text - 1;

  *piece = (Piece){ .plain_ns = NAN };
  while (piece->n_tokens < PIECE_TOKENS && !self->text_ended)
    {
      RtRound round;
      if (!again_round (text, &round, error))
        return false;
      if (text->run->cancelled)
        return true;
      add_round (piece, &round);
      tell_round (text->run, &round, false, UINT32_MAX, round.verified.n_tokens);
    }
  return measure_beside (text, first, piece, error);
}

bool
rn_speculate_repeat (RnText *text, double budget_s, RtError *error)
{
  RnSpeculation *self = text->speculation;
  RnRun *run = text->run;
  RnRepeat repeat;

  if (text->n_text < 2)
    return true;
  self->text_ended = true;
  rn_text_begin_repeats (text, budget_s, 0, &self->per_token, &repeat);
  /* Every text to its end: pieces of a text are not alike. */
  while (!run->cancelled && (rn_repeat_more (&repeat) || !self->text_ended))
    {
      Piece piece;
      if ((self->text_ended && !begin_text (text, error)) || !measure_piece (text, &piece, error))
        return false;
      if (run->cancelled || piece.n_tokens == 0)
        break;
      tell_piece (run, &piece);
      if (!rn_samples_add (&self->per_token, piece.ns / piece.n_tokens, error))
        return false;
      rn_run_progress (run, rn_repeat_spent (&repeat) / 2);
    }
  rn_repeat_tell (run, RT_PHASE_DECODE, &repeat);
  return true;
}

bool
rn_speculate_round (RnText *text, uint32_t *n_tokens, RtError *error)
{
  RnSpeculation *self = text->speculation;
  RtRound round;

  if ((self->n_text == 0 || self->text_ended) && !begin_text (text, error))
    return false;
  if (!again_round (text, &round, error) || text->run->cancelled)
    return text->run->cancelled;
  *n_tokens = round.verified.n_tokens;
  return true;
}
