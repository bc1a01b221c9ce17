/* Making a run on inputs: the passes (eng-measure-input.c) become figures with intervals, a
 * validity with reasons, and a record of everything needed to repeat it. Called on a worker by the
 * session, directly by the command line. */
#include <math.h>

#include "eng-energy-private.h"
#include "eng-error.h"
#include "eng-measure-input.h"
#include "eng-run-private.h"

/* Instrumented inferences kept when the caller brings no profiler. */
#define WINDOW 64

/* A count of all inputs of the run, not a sample of them. */
static EngFigure
late_figure (const EngMeasureInput *measure)
{
  if (!(measure->workload->seconds > 0) || !(measure->workload->rate_hz > 0))
    return eng_figure_unavailable ("%", "the inputs were not run at a rate");
  if (measure->n_inputs == 0)
    return eng_figure_unavailable ("%", "no input was begun");
  return eng_figure_exact (100.0 * measure->n_late / measure->n_inputs, "%");
}

static void
make_figures (EngRun *run, const EngMeasureInput *measure)
{
  const char *none
      = measure->cancelled ? "stopped before it was measured" : "too few inferences to measure it";
  EngFigure *figures = run->figures;

  eng_run_clear_figures (run, ENG_WORKLOAD_INPUT);
  figures[ENG_FIGURE_INFERENCE]
      = eng_run_figure_from_ns (measure->inference, 1e-6, FALSE, ENG_FIGURE_INFERENCE, none);
  figures[ENG_FIGURE_INFERENCES]
      = eng_run_figure_from_ns (measure->inference, 1e9, TRUE, ENG_FIGURE_INFERENCES, none);
  figures[ENG_FIGURE_PREPROCESSING]
      = eng_run_figure_from_ns (measure->pre, 1e-6, FALSE, ENG_FIGURE_PREPROCESSING, none);
  figures[ENG_FIGURE_NETWORK]
      = eng_run_figure_from_ns (measure->network, 1e-6, FALSE, ENG_FIGURE_NETWORK, none);
  figures[ENG_FIGURE_POSTPROCESSING]
      = eng_run_figure_from_ns (measure->post, 1e-6, FALSE, ENG_FIGURE_POSTPROCESSING, none);
  figures[ENG_FIGURE_INFERENCE_NODES]
      = eng_run_figure_from_ns (measure->nodes, 1e-6, FALSE, ENG_FIGURE_INFERENCE_NODES, none);
  figures[ENG_FIGURE_READING]
      = eng_run_figure_from_ns (measure->reading, 1e-6, FALSE, ENG_FIGURE_READING,
                                "the input is not a file");
  figures[ENG_FIGURE_INFERENCE_OVERHEAD] = eng_run_figure_from_fractions (measure->overhead, none);
  figures[ENG_FIGURE_SURROUNDINGS] = eng_run_figure_from_fractions (measure->around, none);
  figures[ENG_FIGURE_LATE] = late_figure (measure);

  eng_run_fill_memory (run, measure->run->build);
}

/* Outputs that are not numbers make nothing of the run true. */
static gboolean
has_bad_output (const EngMeasureInput *measure)
{
  EngTaskRun *run = measure->run;
  for (guint i = 0; i < run->n_outputs; i++)
    {
      gsize n;
      g_autofree float *values = eng_task_dup_output (run, i, &n, NULL);
      for (gsize k = 0; k < n; k++)
        if (isnan (values[k]))
          return TRUE;
    }
  return FALSE;
}

static void
judge (EngRun *run, const EngMeasureInput *measure)
{
  g_autoptr (GPtrArray) reasons = g_ptr_array_new_with_free_func (g_free);
  gboolean bad = has_bad_output (measure);

  if (bad)
    g_ptr_array_add (reasons, g_strdup ("an output of the network is not a number"));
  if (measure->cancelled)
    g_ptr_array_add (reasons,
                     g_strdup_printf ("stopped after %u inference%s", measure->n_inferences,
                                      measure->n_inferences == 1 ? "" : "s"));
  if (measure->n_late > 0)
    g_ptr_array_add (reasons,
                     g_strdup_printf ("%u of %u inputs began late: this build does not keep up "
                                      "with %g inputs per second here",
                                      measure->n_late, measure->n_inputs,
                                      measure->workload->rate_hz));
  eng_run_judge_figure (run, ENG_FIGURE_INFERENCE, reasons);
  eng_run_judge_figure (run, ENG_FIGURE_NETWORK, reasons);
  eng_run_judge_machine (run, bad, reasons);
}

static gboolean
run_passes (EngMeasureInput *measure, GError **error)
{
  gboolean ok = measure->workload->seconds > 0 ? eng_measure_input_continuous (measure, error)
                                               : eng_measure_input_once (measure, error)
                                                     && eng_measure_input_repeat (measure, error)
                                                     && eng_measure_input_count (measure, error);
  if (!ok)
    return FALSE;
  if (measure->n_inferences == 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                           "Stopped before anything was measured");
      return FALSE;
    }
  return TRUE;
}

static void
on_cancelled (GCancellable *cancellable, gpointer exec)
{
  rt_exec_cancel (exec);
}

/* What was built, and what of the folders was left out. */
static void
add_notes (EngRun *run, const EngMeasureInput *measure)
{
  g_autoptr (GPtrArray) notes = g_ptr_array_new ();
  for (guint i = 0; run->notes != NULL && run->notes[i] != NULL; i++)
    g_ptr_array_add (notes, run->notes[i]);
  for (guint i = 0; i < measure->notes->len; i++)
    g_ptr_array_add (notes, measure->notes->pdata[i]);
  g_ptr_array_add (notes, NULL);
  GStrv all = g_strdupv ((GStrv)notes->pdata);
  g_strfreev (run->notes);
  run->notes = all;
}

static void
describe (EngRun *run, const EngMeasureInput *measure, EngMachine *machine)
{
  eng_run_describe (run, measure->run->build, measure->workload, measure->profiler, machine);
  run->text = measure->result != NULL ? eng_result_dup_text (measure->result) : g_strdup ("");
  run->result = measure->result != NULL ? eng_result_ref (measure->result) : NULL;
  add_notes (run, measure);
  run->n_inferences = measure->n_inferences;
  run->stop = measure->cancelled ? "stopped" : "finished";
}

static gboolean
measure_all (EngMeasureInput *measure, EngRun *run, EngMachine *machine, GError **error)
{
  g_autoptr (EngWatch) watch = eng_watch_new ("/");
  g_autoptr (EngEnergy) energy = eng_energy_new ();
  gulong handler = measure->cancellable != NULL
                       ? g_cancellable_connect (measure->cancellable, G_CALLBACK (on_cancelled),
                                                eng_measure_input_get_exec (measure), NULL)
                       : 0;
  eng_watch_start (watch);
  gboolean ok = run_passes (measure, error);
  eng_watch_stop (watch, &run->conditions);
  ok = ok && eng_energy_measure_input (energy, measure, error);
  g_cancellable_disconnect (measure->cancellable, handler);
  if (!ok)
    return FALSE;
  make_figures (run, measure);
  run->ended[ENG_FIGURE_INFERENCE] = run->ended[ENG_FIGURE_INFERENCES] = measure->ended;
  run->workload = eng_workload_copy (measure->workload);
  run->n_threads = eng_build_get_n_threads (measure->run->build);
  judge (run, measure);
  describe (run, measure, machine);
  eng_run_take_energy (run, g_steal_pointer (&energy), machine);
  return TRUE;
}

EngRun *
eng_run_infer (EngBuild *build, const EngWorkload *workload, EngProfiler *profiler,
               const EngRunEvents *events, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (build) && workload != NULL, NULL);
  g_return_val_if_fail (workload->kind == ENG_WORKLOAD_INPUT, NULL);

  g_autoptr (EngRun) run = g_object_new (ENG_TYPE_RUN, NULL);
  g_autoptr (EngMachine) machine = eng_machine_new ();
  EngProfiler *own = NULL;
  EngMeasureInput measure;

  run->id = g_uuid_string_random ();
  run->time = g_get_real_time () / G_USEC_PER_SEC;
  gboolean ok = eng_measure_input_init (&measure, build, workload, error);
  if (ok)
    {
      if (profiler == NULL)
        profiler = own = eng_profiler_new (measure.run->build, WINDOW);
      else
        eng_profiler_set_build (profiler, measure.run->build);
      measure.profiler = profiler;
      measure.events = events;
      measure.cancellable = cancellable;
      ok = measure_all (&measure, run, machine, error);
      rt_exec_set_tracing (eng_measure_input_get_exec (&measure), false);
    }
  eng_measure_input_clear (&measure);
  eng_profiler_free (own);
  return ok ? g_steal_pointer (&run) : NULL;
}
