/* A benchmark as a run that can be saved and compared: clean speeds only. Called by `lathe bench
 * --save`. */
#include "eng-bench.h"
#include "eng-run-private.h"

static EngFigure
reciprocal_ms (const EngFigure *per_s)
{
  EngFigure figure = *per_s;

  if (!figure.available || !(figure.value > 0))
    return eng_figure_unavailable ("ms", figure.reason != NULL ? figure.reason : "not measured");
  figure.unit = "ms";
  figure.value = 1e3 / per_s->value;
  figure.low = 1e3 / per_s->high;
  figure.high = 1e3 / per_s->low;
  return figure;
}

EngRun *
eng_run_from_bench (EngBuild *build, guint n_prefill, guint n_decode, const EngBenchResult *result,
                    EngEnergy *energy, const char *const *reasons)
{
  g_return_val_if_fail (ENG_IS_BUILD (build) && result != NULL && reasons != NULL, NULL);

  EngRun *run = g_object_new (ENG_TYPE_RUN, NULL);
  g_autoptr (EngMachine) machine = eng_machine_new ();
  g_autoptr (EngWorkload) workload = eng_workload_new (NULL); /* any tokens: there is no text */
  EngProfiler *profiler = eng_profiler_new (build, 1);        /* nothing is instrumented */

  workload->n_predict = n_decode;
  workload->ignore_end = TRUE;
  run->id = g_uuid_string_random ();
  run->time = g_get_real_time () / G_USEC_PER_SEC;
  eng_run_clear_figures (run, ENG_WORKLOAD_TEXT);
  eng_run_describe (run, build, workload, profiler, machine);
  eng_profiler_free (profiler);
  run->figures[ENG_FIGURE_DECODE] = result->decode;
  run->figures[ENG_FIGURE_PREFILL] = result->prefill;
  run->figures[ENG_FIGURE_STEP_CLEAN] = reciprocal_ms (&result->decode);
  eng_run_fill_memory (run, build);
  if (energy != NULL)
    {
      run->energy = eng_energy_ref (energy);
      eng_energy_fill_figures (energy, ENG_WORKLOAD_TEXT, run->figures);
    }
  run->n_threads = eng_build_get_n_threads (build);
  run->n_prompt = n_prefill;
  run->n_generated = n_decode;
  run->text = g_strdup ("");
  run->stop = "length";
  run->validity = reasons[0] != NULL ? ENG_RUN_DEGRADED : ENG_RUN_VALID;
  run->reasons = g_strdupv ((GStrv)reasons);
  return run;
}
