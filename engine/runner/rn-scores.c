/* Windows of texts, as evaluations score them (engine/eval/eng-eval-texts.c): how likely each token
 * is after those before it in its window. Times are told and count for nothing: what is asked for
 * is the model's answers. */
#include <stdlib.h>

#include "rn-run.h"
#include "rt-score.h"

#define SCORES_PATIENCE_NS 30000000000ull

typedef struct
{
  RnRun *run;
  uint32_t chunk, n_vocab;
  int32_t *tokens; /* [chunk] */
  uint8_t *scores; /* of a window */
  uint32_t room;   /* rows */
} Scores;

static bool
check (const Scores *self, uint32_t index, const RtWorkWindow *window, RtError *error)
{
  uint32_t n_ctx = self->run->build.config.kv_capacity;

  if (window->n > n_ctx)
    return rt_fail (error, RT_ERROR_RANGE,
                    "Window %u has %u tokens and the build's context holds %u: the work file is of "
                    "another build",
                    index, window->n, n_ctx);
  for (uint32_t i = 0; i < window->n; i++)
    if ((uint32_t)rt_work_token (window->input, i) >= self->n_vocab
        || (uint32_t)rt_work_token (window->targets, i) >= self->n_vocab)
      return rt_fail (
          error, RT_ERROR_RANGE,
          "Window %u has a token that the build's vocabulary of %u lacks: the work file "
          "is of another model",
          index, self->n_vocab);
  return true;
}

/* @n rows from @done on. True with run->cancelled: it was stopped. */
static bool
feed (Scores *self, const RtWorkWindow *window, uint32_t done, uint32_t n, RtError *error)
{
  RnRun *run = self->run;
  RnPass pass = { .phase = RT_PHASE_PREFILL, .n_tokens = n, .position = done };

  for (uint32_t i = 0; i < n; i++)
    self->tokens[i] = rt_work_token (window->input, done + i);
  if (!rn_run_begin_pass (run, false))
    return true;
  uint64_t start = rt_now_ns ();
  bool ok = rt_exec_run (run->exec, self->tokens, n, n, RT_PHASE_PREFILL, error);
  pass.ns = rt_now_ns () - start;
  rn_run_end_pass (run);
  if (!ok && error->status == RT_ERROR_CANCELLED)
    {
      run->cancelled = true;
      return true;
    }
  if (!ok)
    return false;
  for (uint32_t i = 0; i < n; i++)
    if (done + i >= window->first)
      {
        RtScore score = rt_score_row (rt_exec_logits (run->exec, i), self->n_vocab,
                                      rt_work_token (window->targets, done + i));
        rt_score_write (&score, self->scores + RT_SCORE_BYTES * (done + i - window->first));
      }
  rn_run_tell_pass (run, &pass);
  return true;
}

static bool
do_window (Scores *self, uint32_t index, const RtWorkWindow *window, RtError *error)
{
  RnRun *run = self->run;
  RnLine *line = &run->line;

  if (window->n > self->room)
    {
      free (self->scores);
      self->room = window->n;
      self->scores = malloc ((size_t)self->room * RT_SCORE_BYTES);
    }
  if (self->scores == NULL)
    return rt_fail (error, RT_ERROR_MEMORY, "No memory for a window's scores");
  rt_kv_set_n_used (rt_exec_kv (run->exec), 0);
  for (uint32_t done = 0; done < window->n && !run->cancelled; done += self->chunk)
    {
      uint32_t n = window->n - done < self->chunk ? window->n - done : self->chunk;
      if (!feed (self, window, done, n, error))
        return false;
    }
  if (run->cancelled)
    return true;
  rn_line_begin (line, "scores");
  rn_line_uint (line, "window", index);
  rn_line_base64 (line, "base64", self->scores,
                  (size_t)(window->n - window->first) * RT_SCORE_BYTES);
  rn_output_send_patiently (run->output, line, SCORES_PATIENCE_NS);
  return true;
}

static bool
run_all (Scores *self, RtError *error)
{
  RnRun *run = self->run;
  RtWorkWindow window;
  uint64_t at = 0;

  rn_run_stage (run, "score", 0);
  for (uint32_t i = 0; i < run->work.n_windows && !run->cancelled; i++)
    {
      rn_run_progress (run, (double)i / run->work.n_windows);
      if (!rt_work_next_window (&run->work, &at, &window) || !check (self, i, &window, error)
          || !do_window (self, i, &window, error))
        return false;
    }
  return true;
}

bool
rn_scores_run (RnRun *run, RtError *error)
{
  Scores self = { .run = run,
                  .chunk = (uint32_t)run->build.config.max_symbols[0],
                  .n_vocab = rt_exec_n_vocab (run->exec) };

  run->where = "windows";
  if (rt_exec_kv (run->exec) == NULL || self.n_vocab == 0)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "The build has no cache: it is no language model");
  self.tokens = malloc (self.chunk * sizeof *self.tokens);
  bool ok = self.tokens != NULL
                ? run_all (&self, error)
                : rt_fail (error, RT_ERROR_MEMORY, "No memory for a window's tokens");
  free (self.tokens);
  free (self.scores);
  return ok;
}
