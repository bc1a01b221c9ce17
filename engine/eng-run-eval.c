/* An evaluation as a run: what a set says of a build's accuracy stands in the history beside its
 * speeds. Called by the window and the command line; the measuring is eval/eng-evaluate.c. */
#include "eng-energy-private.h"
#include "eng-run-private.h"
#include "eval/eng-evaluate.h"
#include "eval/eng-metric.h"

static void
fill_figures (EngRun *run, EngBuild *build, EngEvaluation *evaluation)
{
  eng_run_fill_memory (run, build);
  for (guint i = 0; i < eng_evaluation_get_n_metrics (evaluation); i++)
    {
      const EngEvalMetric *metric = eng_evaluation_get_metric (evaluation, i);
      const EngMetric *info = eng_metric_find (metric->metric);
      if (info->figure < ENG_N_FIGURES)
        run->figures[info->figure] = metric->whole.value;
    }
}

/* "Perplexity 13.7 (13.2–14.1); Same best token 97.1 % ...: what, against what". */
static char *
describe (EngEvaluation *evaluation)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < eng_evaluation_get_n_metrics (evaluation); i++)
    {
      const EngEvalMetric *metric = eng_evaluation_get_metric (evaluation, i);
      g_autofree char *figure = eng_figure_format (&metric->whole.value);
      g_string_append_printf (text, "%s%s: %s", i > 0 ? "; " : "",
                              eng_metric_find (metric->metric)->title, figure);
    }
  g_string_append_printf (text, " (%s: %s)", eng_evaluation_get_title (evaluation),
                          eng_evaluation_get_source (evaluation));
  return g_string_free (text, FALSE);
}

/* The evaluation reads files and scores between passes, so it is not what is put under the meter:
 * passes of the build on any tokens, or on a random input, are. */
static gboolean
add_energy (EngRun *run, EngBuild *build, EngJob *job, GError **error)
{
  GCancellable *cancellable = job != NULL ? eng_job_get_cancellable (job) : NULL;
  g_autoptr (EngPower) power = eng_power_dup_current ();

  if (job != NULL && power != NULL)
    eng_job_report (job, "Measuring energy", -1);
  run->energy = eng_energy_measure_build (build, 64, 32, cancellable, error);
  if (run->energy == NULL)
    return FALSE;
  eng_energy_fill_figures (run->energy, run->workload->kind, run->figures);
  return TRUE;
}

EngRun *
eng_run_evaluate (EngBuild *build, EngBuild *baseline, const EngEvalOptions *options, EngJob *job,
                  GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (build) && options != NULL, NULL);

  gint64 time = g_get_real_time () / G_USEC_PER_SEC;
  g_autoptr (EngEvaluation) evaluation = eng_evaluate (build, baseline, options, job, error);
  if (evaluation == NULL)
    return NULL;

  gboolean network = eng_model_get_kind (eng_build_get_model (build)) == ENG_MODEL_NETWORK;
  g_autoptr (EngRun) run = g_object_new (ENG_TYPE_RUN, NULL);
  g_autoptr (EngMachine) machine = eng_machine_new ();
  g_autoptr (EngWorkload) workload
      = eng_workload_new_input ((const char *const[]){ options->data, NULL });
  EngProfiler *profiler = eng_profiler_new (build, 1); /* nothing is instrumented */

  workload->kind = network ? ENG_WORKLOAD_INPUT : ENG_WORKLOAD_TEXT;
  workload->labelled = TRUE;
  run->id = g_uuid_string_random ();
  run->time = time;
  eng_run_clear_figures (run, workload->kind);
  eng_run_describe (run, build, workload, profiler, machine);
  fill_figures (run, build, evaluation);
  eng_profiler_free (profiler);
  run->evaluation = eng_evaluation_ref (evaluation);
  run->n_threads = eng_build_get_n_threads (build);
  run->n_ctx = eng_build_get_n_ctx (build);
  run->n_inferences = network ? eng_evaluation_get_n_samples (evaluation) : 0;
  run->text = describe (evaluation);
  run->stop = "finished";
  run->validity = ENG_RUN_VALID;
  run->reasons = g_new0 (char *, 1);
  return add_energy (run, build, job, error) ? g_steal_pointer (&run) : NULL;
}
