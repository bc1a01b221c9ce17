/* Clean passes under the meter: the prompt, decode steps and inferences of the run that was just
 * measured, over and over and without tracing. Called by the makers of runs. Knows how to run a
 * pass, not what its joules are divided by (eng-energy.c). */
#include "eng-energy-private.h"

#include <math.h>

#include "eng-error.h"
#include "eng-measure-private.h"

typedef struct
{
  EngMeasure *measure;
  RtSampler *sampler;
  guint step; /* of the decode steps: which is next */
} TextPass;

static void
tell (const EngRunEvents *events, const char *stage)
{
  if (events != NULL && events->stage != NULL)
    events->stage (stage, -1, events->user_data);
}

/* One executor run, untraced. FALSE without an error: stopped. */
static gboolean
execute (EngMeasure *measure, const gint32 *tokens, guint n, guint n_outputs, RtPhase phase,
         GError **error)
{
  RtError rt_error = { 0 };

  if (g_cancellable_is_cancelled (measure->cancellable))
    return FALSE;
  rt_exec_set_tracing (measure->exec, false);
  if (rt_exec_run (measure->exec, tokens, n, n_outputs, phase, &rt_error))
    return TRUE;
  if (rt_error.status != RT_ERROR_CANCELLED)
    eng_error_take_rt (&rt_error, error);
  return FALSE;
}

static gboolean
prompt_pass (gpointer data, guint *n_units, GError **error)
{
  EngMeasure *measure = ((TextPass *)data)->measure;
  guint chunk = eng_build_get_max_tokens (measure->build);

  rt_kv_set_n_used (rt_exec_kv (measure->exec), 0);
  for (gsize done = 0; done < measure->n_prompt; done += chunk)
    {
      guint n = (guint)MIN (chunk, measure->n_prompt - done);
      if (!execute (measure, measure->prompt + done, n, done + n == measure->n_prompt,
                    RT_PHASE_PREFILL, error))
        return FALSE;
    }
  *n_units = (guint)measure->n_prompt;
  return TRUE;
}

/* The steps of the text once more, in turn; choosing a token is part of one. */
static gboolean
decode_pass (gpointer data, guint *n_units, GError **error)
{
  TextPass *pass = data;
  EngMeasure *measure = pass->measure;
  guint n_steps = measure->generated->len - 1; /* the last token was never fed */

  if (measure->speculation != NULL)
    return eng_measure_speculate_step (measure, n_units, error);

  if (pass->step == n_steps)
    {
      pass->step = 0;
      rt_kv_set_n_used (rt_exec_kv (measure->exec), (guint32)measure->n_prompt);
    }
  if (!execute (measure, &g_array_index (measure->generated, gint32, pass->step), 1, 1,
                RT_PHASE_DECODE, error))
    return FALSE;
  rt_sampler_next (pass->sampler, rt_exec_logits (measure->exec, 0));
  pass->step++;
  *n_units = 1;
  return TRUE;
}

gboolean
eng_energy_measure_text (EngEnergy *energy, EngMeasure *measure, GError **error)
{
  EngPower *power = energy->power;
  EngEnergyMeasured *prefill = &energy->phases[RT_PHASE_PREFILL].measured;
  EngEnergyMeasured *decode = &energy->phases[RT_PHASE_DECODE].measured;
  TextPass pass = { .measure = measure };
  RtError rt_error = { 0 };

  if (power == NULL || measure->cancelled || measure->not_finite)
    return TRUE;
  pass.sampler
      = rt_sampler_new (&measure->workload->sampler, rt_exec_n_vocab (measure->exec), &rt_error);
  if (pass.sampler == NULL)
    return eng_error_take_rt (&rt_error, error);
  tell (measure->events, "Measuring the energy of the prompt");
  gboolean ok = eng_energy_measure (power, "J/tok", prompt_pass, &pass, prefill, error);
  if (ok && measure->generated->len < 2)
    eng_energy_measured_clear (decode, "J/tok", "the text ended before a step was decoded");
  else if (ok)
    {
      guint n_units;
      g_autoptr (GError) local = NULL;
      tell (measure->events, "Measuring the energy of writing");
      /* Behind the whole prompt, also where the windows ended within it. */
      if (prompt_pass (&pass, &n_units, &local))
        ok = eng_energy_measure (power, "J/tok", decode_pass, &pass, decode, error);
      else if (local != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          ok = FALSE;
        }
    }
  rt_sampler_free (pass.sampler);
  energy->cost_frac = eng_power_get_cost_frac (power);
  return ok;
}

/* ---- Networks ---- */

typedef struct
{
  EngTaskRun *run;
  EngInput *input;
  GCancellable *cancellable;
} InputPass;

/* All steps of one input, prepared and read out as in any clean inference. */
static gboolean
input_pass (gpointer data, guint *n_units, GError **error)
{
  InputPass *pass = data;
  EngTaskRun *run = pass->run;
  RtError rt_error = { 0 };

  rt_exec_set_tracing (run->exec, false);
  if (!eng_task_run_begin (run, pass->input, error))
    return FALSE;
  for (guint step = 0; step < run->n_steps; step++)
    {
      if (g_cancellable_is_cancelled (pass->cancellable))
        return FALSE;
      eng_task_run_feed (run, step);
      if (!eng_task_run_infer (run, &rt_error))
        {
          if (rt_error.status != RT_ERROR_CANCELLED)
            eng_error_take_rt (&rt_error, error);
          return FALSE;
        }
      eng_task_run_collect (run, step);
    }
  eng_result_unref (eng_task_run_finish (run));
  *n_units = run->n_steps;
  return TRUE;
}

gboolean
eng_energy_measure_input (EngEnergy *energy, EngMeasureInput *measure, GError **error)
{
  EngPower *power = energy->power;
  InputPass pass = { measure->run, measure->last, measure->cancellable };

  if (power == NULL || measure->cancelled || measure->last == NULL)
    return TRUE;
  tell (measure->events, "Measuring the energy of an inference");
  gboolean ok = eng_energy_measure (power, "J", input_pass, &pass,
                                    &energy->phases[RT_PHASE_INFERENCE].measured, error);
  energy->cost_frac = eng_power_get_cost_frac (power);
  return ok;
}

static gboolean
measure_random (EngEnergy *energy, EngPower *power, EngBuild *build, GCancellable *cancellable,
                GError **error)
{
  g_autoptr (EngInput) input = eng_input_new_random (0);
  g_autoptr (EngTaskRun) run = eng_task_run_new (build, ENG_INPUT_RANDOM, error);
  if (run == NULL)
    return FALSE;
  InputPass pass = { run, input, cancellable };
  return eng_energy_measure (power, "J", input_pass, &pass,
                             &energy->phases[RT_PHASE_INFERENCE].measured, error);
}

/* ---- Any tokens ---- */

/* A prompt and steps behind it, of the run's own kinds of passes: speed and energy do not depend on
 * which tokens they are of. */
static gboolean
measure_tokens (EngEnergy *energy, EngPower *power, EngBuild *build, guint n_prefill,
                guint n_decode, GCancellable *cancellable, GError **error)
{
  RtExec *exec = eng_build_get_exec (build);
  guint n_vocab = rt_exec_n_vocab (exec), n_ctx = eng_build_get_n_ctx (build);
  EngWorkload *workload = eng_workload_new (NULL);
  EngMeasure measure = { .build = build,
                         .exec = exec,
                         .workload = workload,
                         .cancellable = cancellable,
                         .generated = g_array_new (FALSE, FALSE, sizeof (gint32)) };

  n_prefill = CLAMP (n_prefill, 1, n_ctx - 1);
  n_decode = MIN (n_decode, n_ctx - n_prefill);
  measure.n_prompt = n_prefill;
  measure.prompt = g_new (gint32, n_prefill);
  for (guint i = 0; i < n_prefill; i++)
    measure.prompt[i] = (gint32)((i * 2654435761u >> 8) % n_vocab); /* spread over the vocabulary */
  for (guint i = 0; i <= n_decode; i++)
    {
      gint32 token = (gint32)(((i + n_prefill) * 2654435761u >> 8) % n_vocab);
      g_array_append_val (measure.generated, token);
    }
  gboolean ok = eng_energy_measure_text (energy, &measure, error);
  g_array_unref (measure.generated);
  g_free (measure.prompt);
  eng_workload_free (workload);
  return ok;
}

EngEnergy *
eng_energy_measure_build (EngBuild *build, guint n_prefill, guint n_decode,
                          GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (build), NULL);

  g_autoptr (EngEnergy) energy = eng_energy_new ();
  EngPower *power = energy->power;
  g_autoptr (EngMachine) machine = eng_machine_new ();
  g_autoptr (EngProfile) costs = eng_energy_build_profile (build, n_prefill);
  gboolean network = eng_model_get_kind (eng_build_get_model (build)) == ENG_MODEL_NETWORK;
  gboolean ok = TRUE;

  if (power != NULL && network)
    ok = measure_random (energy, power, build, cancellable, error);
  else if (power != NULL)
    ok = measure_tokens (energy, power, build, n_prefill, n_decode, cancellable, error);
  if (!ok)
    return NULL;
  if (power != NULL)
    energy->cost_frac = eng_power_get_cost_frac (power);
  eng_energy_finish (energy, costs, eng_build_get_isa (build), eng_build_get_n_threads (build),
                     machine);
  return g_steal_pointer (&energy);
}
