/* Decode steps of a run, one token each: clean and instrumented in turn, until something ends the
 * text; then the same steps again, for better figures. A run that speculates is in
 * eng-measure-speculate.c. */
#include "eng-measure-private.h"

#include <math.h>

/* Clean samples of so many steps say nothing new about a speed: a text of a thousand tokens is not
 * decoded twice. */
#define MOST_STEPS 2000

/* ---- Decode ---- */

/* What one decode step gave. */
typedef struct
{
  gboolean traced;
  double clean_ns; /* NAN when instrumented */
  double nodes_ns; /* NAN when clean */
} Step;

static gboolean
decode_step (EngMeasure *self, gint32 token, gboolean traced, Step *step, GError **error)
{
  guint64 ns = 0;

  *step = (Step){ traced, NAN, NAN };
  if (!eng_measure_execute (self, &token, 1, 1, RT_PHASE_DECODE, traced, &ns, error))
    return FALSE;
  if (self->cancelled)
    return TRUE;
  if (traced)
    {
      step->nodes_ns = eng_profiler_drain (self->profiler);
      if (!isnan (step->nodes_ns))
        eng_measure_add_sample (self->step_traced, step->nodes_ns);
    }
  else
    {
      step->clean_ns = (double)ns;
      eng_profiler_add_clean (self->profiler, RT_PHASE_DECODE, 1, step->clean_ns);
      eng_measure_add_sample (self->step_clean, step->clean_ns);
    }
  return TRUE;
}

/* A clean and an instrumented step side by side. */
static void
pair_steps (EngMeasure *self, const Step *a, const Step *b)
{
  double clean = isnan (a->clean_ns) ? b->clean_ns : a->clean_ns;
  double nodes = isnan (a->nodes_ns) ? b->nodes_ns : a->nodes_ns;
  if (!isnan (clean) && !isnan (nodes) && clean > 0)
    eng_measure_add_sample (self->overhead, nodes / clean - 1);
}

gboolean
eng_measure_decode (EngMeasure *self, GError **error)
{
  Step last = { FALSE, NAN, NAN };

  if (self->speculation != NULL)
    return eng_measure_speculate_decode (self, error);
  eng_measure_find_stop (self);
  for (guint i = 0; self->stop == NULL && !self->cancelled; i++)
    {
      gint32 token = g_array_index (self->generated, gint32, self->generated->len - 1);
      Step step;
      eng_measure_tell_stage (self, "Writing",
                              (double)self->generated->len / self->workload->n_predict);
      if (!decode_step (self, token, i % 2 == 1, &step, error))
        return FALSE;
      if (self->cancelled)
        break;

      guint64 start = rt_now_ns ();
      gboolean chosen = eng_measure_choose (self, self->sampler, &token);
      if (!step.traced)
        eng_measure_add_sample (self->token_clean, step.clean_ns + (double)(rt_now_ns () - start));
      if (i % 2 == 1)
        pair_steps (self, &last, &step);
      last = step;
      if (chosen)
        eng_measure_emit (self, token);
      eng_measure_find_stop (self);
    }
  if (self->cancelled)
    self->stop = "stopped";
  eng_measure_end_text (self);
  return TRUE;
}

/* ---- Repeats ---- */

/* Step @i of the text again. */
static gboolean
repeat_step (EngMeasure *self, RtSampler *sampler, guint i, gboolean traced, Step *last,
             GError **error)
{
  gint32 token = g_array_index (self->generated, gint32, i), unused;
  Step step;

  if (!decode_step (self, token, traced, &step, error))
    return FALSE;
  if (self->cancelled)
    return TRUE;
  guint64 chosen_at = rt_now_ns ();
  eng_measure_choose (self, sampler, &unused);
  if (!traced)
    eng_measure_add_sample (self->token_clean, step.clean_ns + (double)(rt_now_ns () - chosen_at));
  if (traced && !last->traced)
    pair_steps (self, last, &step);
  *last = step;
  return TRUE;
}

/* The steps of the text again and again, clean where they were instrumented, in turn: a short text
 * is too few samples. */
gboolean
eng_measure_repeat_decode (EngMeasure *self, RtSampler *sampler, double budget_s, GError **error)
{
  guint n_steps = self->generated->len - 1; /* the last token was never fed */
  guint n_before = self->token_clean->len;
  guint64 start = rt_now_ns ();
  Step last = { TRUE, NAN, NAN };
  RtRepeat repeat;

  if (n_steps == 0)
    return TRUE;
  rt_repeat_init (&repeat, &(RtRepeatRule){ .target_width = self->workload->interval_width,
                                            .budget_s = budget_s,
                                            .n_min = RT_REPEAT_MIN,
                                            .n_max = MOST_STEPS });
  for (guint i = 0;
       eng_measure_needs_more (&repeat, self->token_clean, n_before, start, &self->decode_ended);
       i++)
    {
      guint round = 1 + i / n_steps, at = i % n_steps;
      if (at == 0)
        rt_kv_set_n_used (rt_exec_kv (self->exec), (guint32)self->n_prompt);
      eng_measure_tell_stage (self, "Measuring the steps again", -1);
      if (!repeat_step (self, sampler, at, (at + round) % 2 == 1, &last, error))
        return FALSE;
      if (self->cancelled)
        break;
    }
  return TRUE;
}
