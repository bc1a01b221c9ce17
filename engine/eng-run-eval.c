/* An evaluation as a run: what a labelled set says of a build stands in the history beside its speeds. Called by the window's
 * evaluation; counting is eng-eval.c. */
#include "eng-eval.h"
#include "eng-run-private.h"

static char *
describe_result (const EngEval *eval)
{
  g_autofree char *figure = eng_figure_format (&eval->top1);
  g_autofree char *unlabelled
      = eval->n_unlabelled > 0
            ? g_strdup_printf ("; %u left out: their label is none of the network's",
                               eval->n_unlabelled)
            : g_strdup ("");

  g_autofree char *unreadable
      = eval->n_unreadable > 0
            ? g_strdup_printf ("; %u files that are no inputs", eval->n_unreadable)
            : g_strdup ("");

  return g_strdup_printf ("%s: %s of %u samples (labels from %s%s%s)", eval->metric, figure,
                          eval->n, eval->label_source, unlabelled, unreadable);
}

static void
fill_figures (EngRun *run, EngBuild *build, const EngEval *eval)
{
  RtMemory memory;

  eng_run_clear_figures (run, ENG_WORKLOAD_INPUT);
  eng_build_get_memory (build, &memory);
  run->figures[ENG_FIGURE_ACCURACY] = eval->top1;
  run->figures[ENG_FIGURE_INFERENCE] = eval->ms;
  run->figures[ENG_FIGURE_PEAK_MEMORY]
      = eng_figure_exact ((double)(memory.weight_bytes + memory.activation_bytes
                                   + memory.scratch_bytes + memory.kv_bytes),
                          "B");
}

EngRun *
eng_run_evaluate (EngBuild *build, const char *data, EngJob *job, GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (build) && data != NULL, NULL);

  gint64 time = g_get_real_time () / G_USEC_PER_SEC;
  g_autoptr (EngEval) eval = eng_eval_new (build, data, job, error);
  if (eval == NULL)
    return NULL;

  g_autoptr (EngRun) run = g_object_new (ENG_TYPE_RUN, NULL);
  g_autoptr (EngMachine) machine = eng_machine_new ();
  g_autoptr (EngWorkload) workload = eng_workload_new_input ((const char *const[]){ data, NULL });
  EngProfiler *profiler = eng_profiler_new (build, 1); /* nothing is instrumented */
  g_autoptr (GPtrArray) reasons = g_ptr_array_new ();

  workload->labelled = TRUE;
  run->id = g_uuid_string_random ();
  run->time = time;
  fill_figures (run, build, eval);
  eng_run_describe (run, build, workload, profiler, machine);
  eng_profiler_free (profiler);
  run->n_threads = eng_build_get_n_threads (build);
  run->n_inferences = eval->predictions->len;
  run->text = describe_result (eval);
  run->stop = "finished";
  run->validity = ENG_RUN_VALID;
  g_ptr_array_add (reasons, NULL);
  run->reasons = g_strdupv ((GStrv)reasons->pdata);
  return g_steal_pointer (&run);
}
