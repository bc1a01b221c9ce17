/* The passes of a run. Totals come from clean passes only, layers from instrumented ones; the two
 * alternate, so that both see the same machine. Runs on the caller's thread; knows nothing of
 * figures, validity or JSON (eng-run-generate.c). */
#include "eng-measure-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eng-error.h"

static GArray *
samples_new (void)
{
  return g_array_new (FALSE, FALSE, sizeof (double));
}

void
eng_measure_add_sample (GArray *samples, double value)
{
  g_array_append_val (samples, value);
}

void
eng_measure_tell_stage (EngMeasure *self, const char *stage, double progress)
{
  if (self->events != NULL && self->events->stage != NULL)
    self->events->stage (stage, progress, self->events->user_data);
}

/* ---- The prompt as tokens ---- */

static gboolean
tokenize (EngMeasure *self, RtError *rt_error)
{
  gboolean chat = self->workload->chat;
  int32_t *tokens = NULL;
  size_t n = 0;

  if (!rt_tokenizer_encode (self->tokenizer, self->prompt_text, strlen (self->prompt_text), true,
                            chat, &tokens, &n, rt_error))
    return FALSE;
  free (self->prompt);
  self->prompt = tokens;
  self->n_prompt = n;
  /* A chat template may bring the beginning-of-sequence token that the tokenizer has put there,
   * too. */
  int32_t bos = rt_tokenizer_bos (self->tokenizer);
  if (chat && n >= 2 && bos >= 0 && tokens[0] == bos && tokens[1] == bos)
    {
      memmove (tokens, tokens + 1, (n - 1) * sizeof *tokens);
      self->n_prompt--;
    }
  return TRUE;
}

static gboolean
make_prompt_text (EngMeasure *self, RtError *rt_error)
{
  char *text = NULL;

  if (!self->workload->chat)
    {
      self->prompt_text = g_strdup (self->workload->prompt);
      return TRUE;
    }
  if (!rt_chat_prompt (eng_model_get_gguf (eng_build_get_model (self->build)),
                       self->workload->system, self->workload->prompt, &text, rt_error))
    return FALSE;
  self->prompt_text = g_strdup (text);
  free (text);
  return TRUE;
}

static gboolean
check_prompt (EngMeasure *self, GError **error)
{
  guint n_ctx = eng_build_get_n_ctx (self->build);

  if (self->n_prompt == 0)
    {
      g_set_error_literal (error, ENG_ERROR, ENG_ERROR_RANGE,
                           "The prompt is empty. Write at least one word.");
      return FALSE;
    }
  if (self->n_prompt >= n_ctx)
    {
      g_set_error (
          error, ENG_ERROR, ENG_ERROR_RANGE,
          "The prompt is %" G_GSIZE_FORMAT
          " tokens long and the context holds %u. Shorten it, or raise the context length.",
          self->n_prompt, n_ctx);
      return FALSE;
    }
  return TRUE;
}

gboolean
eng_measure_init (EngMeasure *self, EngBuild *build, const EngWorkload *workload, GError **error)
{
  EngModel *model = eng_build_get_model (build);
  RtError rt_error = { 0 };

  *self = (EngMeasure){ .build = build,
                        .exec = eng_build_get_exec (build),
                        .tokenizer = eng_build_get_tokenizer (build),
                        .workload = workload,
                        .generated = g_array_new (FALSE, FALSE, sizeof (gint32)),
                        .prefill = samples_new (),
                        .first_token = samples_new (),
                        .step_clean = samples_new (),
                        .token_clean = samples_new (),
                        .step_traced = samples_new (),
                        .overhead = samples_new () };
  eng_stream_init (&self->stream);
  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "%s is a network: it takes inputs (pictures, sounds, tensors), not a prompt",
                   eng_model_get_name (model));
      return FALSE;
    }
  if (self->tokenizer == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED, "%s cannot read text: %s",
                   eng_model_get_name (model), eng_model_get_tokenizer_error (model));
      return FALSE;
    }
  if (!make_prompt_text (self, &rt_error) || !tokenize (self, &rt_error))
    return eng_error_take_rt (&rt_error, error);
  if (!check_prompt (self, error))
    return FALSE;
  self->sampler = rt_sampler_new (&workload->sampler, rt_exec_n_vocab (self->exec), &rt_error);
  if (self->sampler == NULL)
    return eng_error_take_rt (&rt_error, error);
  return eng_measure_speculate_init (self, error);
}

void
eng_measure_clear (EngMeasure *self)
{
  g_free (self->prompt_text);
  free (self->prompt);
  rt_sampler_free (self->sampler);
  eng_measure_speculate_clear (self);
  eng_stream_clear (&self->stream);
  g_array_unref (self->generated);
  g_array_unref (self->prefill);
  g_array_unref (self->first_token);
  g_array_unref (self->step_clean);
  g_array_unref (self->token_clean);
  g_array_unref (self->step_traced);
  g_array_unref (self->overhead);
}

/* ---- Single passes ---- */

/* One executor run. *@ns: how long it took. A cancelled one sets self->cancelled and is no error:
 * check it after TRUE. */
gboolean
eng_measure_execute (EngMeasure *self, const gint32 *tokens, guint n, guint n_outputs,
                     RtPhase phase, gboolean traced, guint64 *ns, GError **error)
{
  RtError rt_error = { 0 };

  if (g_cancellable_is_cancelled (self->cancellable))
    {
      self->cancelled = TRUE;
      return TRUE;
    }
  rt_exec_set_tracing (self->exec, traced);
  guint64 start = rt_now_ns ();
  gboolean ok = rt_exec_run (self->exec, tokens, n, n_outputs, phase, &rt_error);
  *ns = rt_now_ns () - start;
  if (ok)
    return TRUE;
  if (rt_error.status != RT_ERROR_CANCELLED)
    return eng_error_take_rt (&rt_error, error);
  self->cancelled = TRUE;
  return TRUE;
}

/* Feed the prompt from an empty cache, in chunks. *@ns: the sum of the chunks. */
static gboolean
prefill_clean (EngMeasure *self, guint64 *ns, GError **error)
{
  guint chunk = eng_build_get_max_tokens (self->build);

  *ns = 0;
  rt_kv_set_n_used (rt_exec_kv (self->exec), 0);
  for (gsize done = 0; done < self->n_prompt && !self->cancelled; done += chunk)
    {
      guint n = (guint)MIN (chunk, self->n_prompt - done);
      guint64 chunk_ns = 0;
      if (!eng_measure_execute (self, self->prompt + done, n, done + n == self->n_prompt,
                                RT_PHASE_PREFILL, FALSE, &chunk_ns, error))
        return FALSE;
      *ns += chunk_ns;
      if (done == 0 && !self->cancelled)
        eng_profiler_add_clean (self->profiler, RT_PHASE_PREFILL, n, (double)chunk_ns);
      if (self->n_prompt > chunk)
        eng_measure_tell_stage (self, "Reading the prompt",
                                (double)(done + n) / (double)self->n_prompt);
    }
  return self->cancelled || self->speculation == NULL
         || eng_measure_speculate_prompt (self, ns, error);
}

/* The first chunk, instrumented. Leaves the cache in no useful state. */
static gboolean
prefill_traced (EngMeasure *self, GError **error)
{
  guint n = (guint)MIN (eng_build_get_max_tokens (self->build), self->n_prompt);
  guint64 ns;

  rt_kv_set_n_used (rt_exec_kv (self->exec), 0);
  if (!eng_measure_execute (self, self->prompt, n, n == self->n_prompt, RT_PHASE_PREFILL, TRUE, &ns,
                            error))
    return FALSE;
  if (!self->cancelled)
    eng_profiler_drain (self->profiler);
  return TRUE;
}

gboolean
eng_measure_choose (EngMeasure *self, RtSampler *sampler, gint32 *token)
{
  const float *logits = rt_exec_logits (self->exec, 0);
  *token = rt_sampler_next (sampler, logits);
  if (*token >= 0 && isfinite (logits[*token]))
    return TRUE;
  self->not_finite = TRUE;
  self->stop = "not a number";
  return FALSE;
}

void
eng_measure_emit (EngMeasure *self, gint32 token)
{
  g_array_append_val (self->generated, token);
  if (rt_tokenizer_is_end (self->tokenizer, token) && !self->workload->ignore_end)
    {
      self->stop = "end token";
      return;
    }
  RtSlice piece = rt_tokenizer_piece (self->tokenizer, token);
  gsize from = eng_stream_push (&self->stream, piece.data, piece.length);
  if (from < self->stream.text->len && self->events != NULL && self->events->text != NULL)
    self->events->text (self->stream.text->str + from, self->events->user_data);
}

/* ---- Prompt ---- */

gboolean
eng_measure_prompt (EngMeasure *self, GError **error)
{
  RtError rt_error = { 0 };
  gint32 token;
  guint64 ns;

  eng_measure_tell_stage (self, "Warming up", -1);
  if (!prefill_traced (self, error))
    return FALSE;

  eng_measure_tell_stage (self, "Reading the prompt", -1);
  guint64 start = rt_now_ns ();
  if (!tokenize (self, &rt_error))
    return eng_error_take_rt (&rt_error, error);
  guint64 outside = rt_now_ns () - start;
  if (!prefill_clean (self, &ns, error))
    return FALSE;
  if (self->cancelled)
    return TRUE;

  start = rt_now_ns ();
  gboolean chosen = eng_measure_choose (self, self->sampler, &token);
  outside += rt_now_ns () - start;
  eng_measure_add_sample (self->prefill, (double)ns);
  eng_measure_add_sample (self->first_token, (double)(ns + outside));
  if (chosen)
    eng_measure_emit (self, token);
  return TRUE;
}

void
eng_measure_find_stop (EngMeasure *self)
{
  RtKv *kv = rt_exec_kv (self->exec);
  if (self->stop != NULL)
    return;
  if (self->generated->len >= self->workload->n_predict)
    self->stop = "length";
  else if (rt_kv_n_used (kv) >= rt_kv_capacity (kv))
    self->stop = "context full";
}

void
eng_measure_end_text (EngMeasure *self)
{
  gsize from = eng_stream_end (&self->stream);
  if (from < self->stream.text->len && self->events != NULL && self->events->text != NULL)
    self->events->text (self->stream.text->str + from, self->events->user_data);
}

/* ---- Repeats ---- */

static double
seconds_since (guint64 start_ns)
{
  return (double)(rt_now_ns () - start_ns) * 1e-9;
}

/* Whether the figure of @samples needs more; @n_before of them were there before @start_ns. */
gboolean
eng_measure_needs_more (RtRepeat *repeat, const GArray *samples, guint n_before, guint64 start_ns,
                        RtRepeatVerdict *verdict)
{
  *verdict = rt_repeat_decide (repeat, (const double *)samples->data, samples->len,
                               samples->len - n_before, seconds_since (start_ns));
  return *verdict == RT_REPEAT_MORE;
}

/* The prompt once more: clean, for the totals, and its first chunk instrumented, for the layers. */
static gboolean
prompt_round (EngMeasure *self, RtSampler *sampler, GError **error)
{
  RtError rt_error = { 0 };
  gint32 unused;
  guint64 ns, start = rt_now_ns ();

  if (!tokenize (self, &rt_error))
    return eng_error_take_rt (&rt_error, error);
  guint64 outside = rt_now_ns () - start;
  if (!prefill_clean (self, &ns, error))
    return FALSE;
  if (self->cancelled)
    return TRUE;
  start = rt_now_ns ();
  eng_measure_choose (self, sampler, &unused);
  outside += rt_now_ns () - start;
  eng_measure_add_sample (self->prefill, (double)ns);
  eng_measure_add_sample (self->first_token, (double)(ns + outside));
  return prefill_traced (self, error);
}

static gboolean
repeat_prompt (EngMeasure *self, RtSampler *sampler, double budget_s, GError **error)
{
  guint n_before = self->prefill->len;
  guint64 start = rt_now_ns ();
  RtRepeat repeat;

  rt_repeat_init (&repeat, &(RtRepeatRule){ .target_width = self->workload->interval_width,
                                            .budget_s = budget_s,
                                            .n_min = RT_REPEAT_MIN });
  while (eng_measure_needs_more (&repeat, self->prefill, n_before, start, &self->prompt_ended))
    {
      eng_measure_tell_stage (self, "Measuring the prompt again",
                              MIN (seconds_since (start) / budget_s, 1));
      if (!prompt_round (self, sampler, error))
        return FALSE;
      if (self->cancelled)
        break;
    }
  return TRUE;
}

gboolean
eng_measure_repeat (EngMeasure *self, GError **error)
{
  if (self->cancelled || self->not_finite)
    return TRUE;
  RtError rt_error = { 0 };
  RtSampler *sampler
      = rt_sampler_new (&self->workload->sampler, rt_exec_n_vocab (self->exec), &rt_error);
  if (sampler == NULL)
    return eng_error_take_rt (&rt_error, error);

  double budget_s = self->workload->budget_s;
  guint64 start = rt_now_ns ();
  gboolean ok = self->speculation != NULL
                    ? eng_measure_speculate_repeat (self, budget_s / 2, error)
                    : eng_measure_repeat_decode (self, sampler, budget_s / 2, error);
  if (ok && !self->cancelled)
    ok = repeat_prompt (self, sampler, MAX (budget_s - seconds_since (start), budget_s / 2), error);
  rt_sampler_free (sampler);
  if (self->cancelled)
    self->decode_ended = self->prompt_ended = RT_REPEAT_MORE;
  self->cancelled = FALSE; /* the text is complete: stopping now only means fewer repeats */
  return ok;
}

/* ---- Counting ---- */

/* Steps of each phase; the first one warms up and is not counted. */
#define COUNTED_STEPS 6
#define COUNTED_NS 250000000ull

/* One step: of the prompt's first chunk, or of the text's token @i. */
static gboolean
counted_step (EngMeasure *self, RtPhase phase, guint i, double *ns, GError **error)
{
  RtKv *kv = rt_exec_kv (self->exec);
  guint n = (guint)MIN (eng_build_get_max_tokens (self->build), self->n_prompt);
  gint32 token;
  guint64 taken = 0;
  gboolean ok;

  if (phase == RT_PHASE_PREFILL)
    {
      rt_kv_set_n_used (kv, 0);
      ok = eng_measure_execute (self, self->prompt, n, n == self->n_prompt, phase, FALSE, &taken,
                                error);
    }
  else
    {
      rt_kv_set_n_used (kv, (guint32)self->n_prompt);
      token = g_array_index (self->generated, gint32, i % self->generated->len);
      ok = eng_measure_execute (self, &token, 1, 1, phase, FALSE, &taken, error);
    }
  *ns = (double)taken;
  return ok;
}

static gboolean
count_phase (EngMeasure *self, RtPhase phase, GError **error)
{
  g_autoptr (GArray) times = samples_new ();
  guint64 start = rt_now_ns ();

  for (guint i = 0; i <= COUNTED_STEPS && !self->cancelled; i++)
    {
      double ns;
      if (i > 1 && rt_now_ns () - start > COUNTED_NS)
        break;
      if (!counted_step (self, phase, i, &ns, error))
        return FALSE;
      if (i == 0)
        rt_exec_count_clear (self->exec);
      else if (!self->cancelled)
        eng_measure_add_sample (times, ns);
    }
  if (self->cancelled || times->len == 0)
    return TRUE;
  EngFigure step = eng_figure_from_samples ((double *)times->data, times->len, "ns");
  eng_profiler_add_counts (self->profiler, self->exec, self->workload->counters, phase, times->len,
                           step.value);
  return TRUE;
}

gboolean
eng_measure_count (EngMeasure *self, GError **error)
{
  RtError rt_error = { 0 };

  if (self->not_finite || g_cancellable_is_cancelled (self->cancellable))
    return TRUE;
  rt_exec_set_tracing (self->exec, false);
  if (!rt_exec_count_begin (self->exec, self->workload->counters, &rt_error))
    {
      eng_profiler_refuse_counts (self->profiler, self->workload->counters, rt_error.message);
      return TRUE;
    }
  eng_measure_tell_stage (self, "Counting", -1);
  /* Decoding first: it reads the cache that the prompt has left. */
  gboolean ok
      = (self->generated->len == 0 || self->n_prompt + 1 >= eng_build_get_n_ctx (self->build)
         || count_phase (self, RT_PHASE_DECODE, error))
        && count_phase (self, RT_PHASE_PREFILL, error);
  rt_exec_count_end (self->exec);
  self->cancelled = FALSE;
  return ok;
}
