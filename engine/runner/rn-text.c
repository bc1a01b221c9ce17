/* The passes of a language model, as the studio measures itself (engine/eng-measure.c,
 * eng-measure-decode.c): the prompt's first chunk instrumented, which warms up; the whole prompt
 * clean, which gives the first token; decode steps clean and instrumented in turn; then the steps
 * and the prompt again until the budget is spent. Greedy, so that the same build gives the same
 * tokens everywhere. */
#include <math.h>
#include <stdlib.h>

#include "rn-text.h"

/* Clean samples of so many steps say nothing new about a speed. */
#define MOST_STEPS 2000

/* ---- Single passes ---- */

/* One executor run. True with run->cancelled: it was stopped. */
static bool
execute (RnText *self, const int32_t *tokens, uint32_t n, uint32_t n_outputs, RtPhase phase,
         bool traced, uint64_t *ns, RtError *error)
{
  RnRun *run = self->run;

  *ns = 0;
  if (!rn_run_begin_pass (run, traced))
    return true;
  uint64_t start = rt_now_ns ();
  bool ok = rt_exec_run (run->exec, tokens, n, n_outputs, phase, error);
  *ns = rt_now_ns () - start;
  rn_run_end_pass (run);
  if (!ok && error->status == RT_ERROR_CANCELLED)
    {
      run->cancelled = true;
      return true;
    }
  return ok;
}

static bool
choose (RnText *self, int32_t *token, RtError *error)
{
  const float *logits = rt_exec_logits (self->run->exec, 0);

  *token = rt_sampler_next (self->sampler, logits);
  if (*token >= 0 && isfinite (logits[*token]))
    return true;
  self->run->where = "logits";
  return rt_fail (error, RT_ERROR_RANGE,
                  "The model gave logits that are no numbers after %u tokens of the text",
                  self->n_text);
}

bool
rn_text_is_end (const RnText *self, int32_t token)
{
  const RtWork *work = &self->run->work;
  bool is_end = false;

  for (uint32_t i = 0; i < work->n_ends && !work->ignore_end; i++)
    is_end = is_end || work->ends[i] == token;
  return is_end;
}

void
rn_text_emit (RnText *self, int32_t token)
{
  RnRun *run = self->run;

  rn_line_begin (&run->line, "token");
  rn_line_uint (&run->line, "index", self->n_text);
  rn_line_int (&run->line, "id", token);
  rn_output_send_patiently (run->output, &run->line, 0);
  self->text[self->n_text++] = token;
  self->ended = self->ended || rn_text_is_end (self, token);
}

/* ---- Prompt ---- */

/* The first chunk, instrumented. Leaves the cache in no useful state. */
static bool
prompt_traced (RnText *self, RtError *error)
{
  RnRun *run = self->run;
  uint32_t n_prompt = run->work.n_prompt, n = self->chunk < n_prompt ? self->chunk : n_prompt;
  RnPass pass = { .phase = RT_PHASE_PREFILL, .traced = true, .n_tokens = n };

  rt_kv_set_n_used (rt_exec_kv (run->exec), 0);
  if (!execute (self, run->work.prompt, n, n == n_prompt, RT_PHASE_PREFILL, true, &pass.ns, error))
    return false;
  if (run->cancelled)
    return true;
  pass.nodes_ns = rn_trace_take (run);
  rn_run_tell_pass (run, &pass);
  return true;
}

/* The whole prompt from an empty cache, in chunks, and the first token; *@token (nullable). */
static bool
prompt_clean (RnText *self, int32_t *token, RtError *error)
{
  RnRun *run = self->run;
  uint32_t n_prompt = run->work.n_prompt;
  RnPass pass = { .phase = RT_PHASE_PREFILL, .n_tokens = n_prompt };
  int32_t unused;

  rt_kv_set_n_used (rt_exec_kv (run->exec), 0);
  for (uint32_t done = 0; done < n_prompt; done += self->chunk)
    {
      uint32_t n = n_prompt - done < self->chunk ? n_prompt - done : self->chunk;
      uint64_t ns;
      if (!execute (self, run->work.prompt + done, n, done + n == n_prompt, RT_PHASE_PREFILL, false,
                    &ns, error))
        return false;
      if (run->cancelled)
        return true;
      pass.ns += ns;
      if (token != NULL && done + n < n_prompt) /* repeats have their own */
        rn_run_progress (run, (double)(done + n) / n_prompt);
      if (done == 0)
        {
          pass.chunk_tokens = n;
          pass.chunk_ns = ns;
        }
    }
  uint64_t start = rt_now_ns ();
  if (!choose (self, token != NULL ? token : &unused, error))
    return false;
  pass.first_token_ns = pass.ns + (rt_now_ns () - start);
  rn_run_tell_pass (run, &pass);
  return rn_samples_add (&self->prompts, (double)pass.ns, error);
}

/* ---- Decode ---- */

/* One step and the choice of the token behind it. */
bool
rn_text_step (RnText *self, int32_t token, bool traced, int32_t *next, RtError *error)
{
  RnRun *run = self->run;
  RnPass pass = { .phase = RT_PHASE_DECODE,
                  .traced = traced,
                  .n_tokens = 1,
                  .position = rt_kv_n_used (rt_exec_kv (run->exec)) };

  if (!execute (self, &token, 1, 1, RT_PHASE_DECODE, traced, &pass.ns, error))
    return false;
  if (run->cancelled)
    return true;
  if (traced)
    pass.nodes_ns = rn_trace_take (run);
  uint64_t start = rt_now_ns ();
  if (!choose (self, next, error))
    return false;
  if (!traced)
    {
      pass.token_ns = pass.ns + (rt_now_ns () - start);
      if (!rn_samples_add (&self->tokens, (double)pass.token_ns, error))
        return false;
    }
  rn_run_tell_pass (run, &pass);
  return true;
}

bool
rn_text_is_over (const RnText *self)
{
  const RtKv *kv = rt_exec_kv (self->run->exec);

  return self->ended || self->n_text >= self->run->work.n_decode
         || rt_kv_n_used (kv) >= rt_kv_capacity (kv);
}

static bool
decode (RnText *self, RtError *error)
{
  RnRun *run = self->run;

  rn_run_stage (run, "decode", -1);
  for (uint32_t i = 0; !rn_text_is_over (self); i++)
    {
      int32_t token = self->text[self->n_text - 1];
      if (!rn_text_step (self, token, i % 2 == 1, &token, error))
        return false;
      if (run->cancelled)
        return true;
      rn_text_emit (self, token);
      rn_run_progress (run, (double)self->n_text / run->work.n_decode);
    }
  return true;
}

/* ---- Repeats ---- */

static double
seconds_since (uint64_t start_ns)
{
  return (double)(rt_now_ns () - start_ns) * 1e-9;
}

/* As many as the figure of @samples takes. */
void
rn_text_begin_repeats (RnText *self, double budget_s, uint32_t n_max, const RnSamples *samples,
                       RnRepeat *repeat)
{
  RtRepeatRule rule = { .target_width = self->run->work.interval,
                        .budget_s = budget_s,
                        .n_min = RT_REPEAT_MIN,
                        .n_max = n_max };

  rn_repeat_begin (repeat, &rule, samples);
}

static bool
repeat_decode (RnText *self, double budget_s, RtError *error)
{
  RnRun *run = self->run;
  uint32_t n_steps = self->n_text > 0 ? self->n_text - 1 : 0; /* the last was never fed */
  RnRepeat repeat;
  int32_t unused;

  if (n_steps == 0)
    return true;
  rn_text_begin_repeats (self, budget_s, MOST_STEPS, &self->tokens, &repeat);
  for (uint32_t i = 0; !run->cancelled && rn_repeat_more (&repeat); i++)
    {
      uint32_t round = 1 + i / n_steps, at = i % n_steps;
      if (at == 0)
        rt_kv_set_n_used (rt_exec_kv (run->exec), run->work.n_prompt);
      if (!rn_text_step (self, self->text[at], (at + round) % 2 == 1, &unused, error))
        return false;
      rn_run_progress (run, rn_repeat_spent (&repeat) / 2);
    }
  rn_repeat_tell (run, RT_PHASE_DECODE, &repeat);
  return true;
}

static bool
repeat_prompt (RnText *self, double budget_s, RtError *error)
{
  RnRepeat repeat;

  rn_text_begin_repeats (self, budget_s, 0, &self->prompts, &repeat);
  while (!self->run->cancelled && rn_repeat_more (&repeat))
    {
      if (!prompt_clean (self, NULL, error)
          || (!self->run->cancelled && !prompt_traced (self, error)))
        return false;
      rn_run_progress (self->run, 0.5 + rn_repeat_spent (&repeat) / 2);
    }
  rn_repeat_tell (self->run, RT_PHASE_PREFILL, &repeat);
  return true;
}

static bool
repeat_all (RnText *self, RtError *error)
{
  double budget_s = self->run->work.budget_s;
  uint64_t start = rt_now_ns ();

  rn_run_stage (self->run, "repeat", 0);
  bool ok = self->speculation != NULL ? rn_speculate_repeat (self, budget_s / 2, error)
                                      : repeat_decode (self, budget_s / 2, error);
  if (!ok || self->run->cancelled)
    return self->run->cancelled;
  rn_run_stage (self->run, "repeat", 0.5);
  double left_s = budget_s - seconds_since (start);
  return repeat_prompt (self, fmax (left_s, budget_s / 2), error);
}

/* ---- Energy ---- */

typedef struct
{
  RnText *text;
  uint32_t at; /* which step is next */
} EnergySteps;

static bool
prompt_energy (RnRun *run, void *data, uint32_t *n_units, RtError *error)
{
  RnText *self = ((EnergySteps *)data)->text;
  uint32_t n_prompt = run->work.n_prompt;
  uint64_t ns;

  rt_kv_set_n_used (rt_exec_kv (run->exec), 0);
  for (uint32_t done = 0; done < n_prompt; done += self->chunk)
    {
      uint32_t n = n_prompt - done < self->chunk ? n_prompt - done : self->chunk;
      if (!execute (self, run->work.prompt + done, n, done + n == n_prompt, RT_PHASE_PREFILL, false,
                    &ns, error)
          || run->cancelled)
        return false;
    }
  *n_units = n_prompt;
  return true;
}

static bool
decode_energy (RnRun *run, void *data, uint32_t *n_units, RtError *error)
{
  EnergySteps *steps = data;
  RnText *self = steps->text;
  uint64_t ns;

  if (self->speculation != NULL)
    return rn_speculate_round (self, n_units, error) && !run->cancelled;
  if (steps->at == 0)
    rt_kv_set_n_used (rt_exec_kv (run->exec), run->work.n_prompt);
  if (!execute (self, &self->text[steps->at], 1, 1, RT_PHASE_DECODE, false, &ns, error)
      || run->cancelled)
    return false;
  rt_sampler_next (self->sampler, rt_exec_logits (run->exec, 0));
  steps->at = (steps->at + 1) % (self->n_text - 1);
  *n_units = 1;
  return true;
}

static bool
energy (RnText *self, RtError *error)
{
  EnergySteps steps = { self, 0 };
  double seconds = self->run->work.budget_s;
  uint32_t unused;

  if (!rn_energy_measure (self->run, RT_PHASE_PREFILL, seconds, prompt_energy, &steps, error))
    return self->run->cancelled;
  if (self->n_text < 2)
    return true;
  /* Behind the whole prompt, also where the windows ended within it. */
  return (prompt_energy (self->run, &steps, &unused, error)
          && rn_energy_measure (self->run, RT_PHASE_DECODE, seconds, decode_energy, &steps, error))
         || self->run->cancelled;
}

/* ---- The run ---- */

static bool
check (const RnRun *run, RtError *error)
{
  const RtWork *work = &run->work;
  uint32_t n_vocab = rt_exec_n_vocab (run->exec);

  if (rt_exec_kv (run->exec) == NULL)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "The build has no cache: it is no language model");
  if (work->n_prompt >= run->build.config.kv_capacity)
    return rt_fail (error, RT_ERROR_RANGE,
                    "The prompt is %u tokens long and the build's context holds %u. Shorten it, or "
                    "build with a longer context.",
                    work->n_prompt, run->build.config.kv_capacity);
  for (uint32_t i = 0; i < work->n_prompt; i++)
    if (work->prompt[i] < 0 || ((uint32_t)work->prompt[i] >= n_vocab && n_vocab > 0))
      return rt_fail (error, RT_ERROR_RANGE,
                      "Token %u of the prompt is %d, and the build's vocabulary has %u: the work "
                      "file is of another model",
                      i, work->prompt[i], n_vocab);
  return true;
}

static bool
measure (RnText *self, RtError *error)
{
  RnRun *run = self->run;
  int32_t token;

  rn_run_stage (run, "warm-up", -1);
  if (!prompt_traced (self, error) || run->cancelled)
    return run->cancelled;
  rn_run_stage (run, "prompt", -1);
  if (!prompt_clean (self, &token, error) || run->cancelled)
    return run->cancelled;
  if (run->work.n_decode > 0)
    {
      rn_text_emit (self, token);
      bool ok
          = self->speculation != NULL ? rn_speculate_decode (self, error) : decode (self, error);
      if (!ok || run->cancelled)
        return run->cancelled;
    }
  return (repeat_all (self, error) && (run->cancelled || energy (self, error))) || run->cancelled;
}

bool
rn_text_run (RnRun *run, RtError *error)
{
  RtSamplerConfig greedy = { .temperature = 0, .top_p = 1 };
  RnText self = { .run = run, .chunk = (uint32_t)run->build.config.max_symbols[0] };

  run->where = "prompt";
  if (!check (run, error))
    return false;
  if (self.chunk == 0)
    return rt_fail (error, RT_ERROR_FORMAT, "The build is planned for no tokens at all");
  self.text = malloc ((run->work.n_decode + 1) * sizeof *self.text);
  self.sampler = rt_sampler_new (&greedy, rt_exec_n_vocab (run->exec), error);
  bool ok = self.sampler != NULL
            && (self.text != NULL
                || rt_fail (error, RT_ERROR_MEMORY, "No memory for the text's tokens"));
  run->where = "speculation";
  if (ok && run->work.lookup.max_match > 0)
    {
      self.speculation = rn_speculate_new (&self, error);
      ok = self.speculation != NULL;
    }
  run->where = "passes";
  ok = ok && measure (&self, error);
  rn_speculate_free (self.speculation);
  rt_sampler_free (self.sampler);
  rn_samples_clear (&self.prompts);
  rn_samples_clear (&self.tokens);
  free (self.text);
  return ok;
}
