/* Making a run: the passes (eng-measure.c) become figures with intervals, a validity with reasons,
 * and a record of everything needed to repeat it. Called on a worker by the session, directly by
 * the command line. */
#include <math.h>

#include "eng-build-private.h"
#include "eng-energy-private.h"
#include "eng-error.h"
#include "eng-machine.h"
#include "eng-measure.h"
#include "eng-run-private.h"
#include "eng-series.h"
#include "eng-watch.h"

/* Instrumented steps kept per phase when the caller brings no profiler. */
#define WINDOW 64

/* A 95 % interval wider than so many times what was asked for is called noisy; and so is one of
 * more than MAX_WIDTH when nothing was. */
#define MAX_TIMES 3
#define MAX_WIDTH 0.15

/* ---- Figures ---- */

EngFigure
eng_run_figure_from_ns (const GArray *ns, double scale, gboolean reciprocal, EngFigureId id,
                        const char *why_none)
{
  return eng_repeat_figure ((const double *)ns->data, ns->len, scale, reciprocal,
                            eng_figure_id_unit (id), why_none);
}

EngFigure
eng_run_figure_from_fractions (const GArray *fractions, const char *why_none)
{
  g_autofree double *percent = g_new (double, MAX (fractions->len, 1));

  if (fractions->len == 0)
    return eng_figure_unavailable ("%", why_none);
  for (guint i = 0; i < fractions->len; i++)
    percent[i] = 100 * g_array_index (fractions, double, i);
  return eng_figure_from_series (percent, fractions->len, "%");
}

static void
make_figures (EngRun *run, const EngMeasure *measure)
{
  const char *none = measure->cancelled ? "stopped before the first step"
                                        : "the text ended before a step was decoded";
  EngFigure *figures = run->figures;

  eng_run_clear_figures (run, ENG_WORKLOAD_TEXT);
  figures[ENG_FIGURE_DECODE]
      = eng_run_figure_from_ns (measure->token_clean, 1e9, TRUE, ENG_FIGURE_DECODE, none);
  figures[ENG_FIGURE_PREFILL]
      = eng_run_figure_from_ns (measure->prefill, 1e9 * (double)measure->n_prompt, TRUE,
                                ENG_FIGURE_PREFILL, "stopped before the prompt was read");
  figures[ENG_FIGURE_FIRST_TOKEN]
      = eng_run_figure_from_ns (measure->first_token, 1e-6, FALSE, ENG_FIGURE_FIRST_TOKEN,
                                "stopped before the prompt was read");
  figures[ENG_FIGURE_STEP_CLEAN]
      = eng_run_figure_from_ns (measure->step_clean, 1e-6, FALSE, ENG_FIGURE_STEP_CLEAN, none);
  figures[ENG_FIGURE_STEP_LAYERS]
      = eng_run_figure_from_ns (measure->step_traced, 1e-6, FALSE, ENG_FIGURE_STEP_LAYERS, none);
  figures[ENG_FIGURE_OVERHEAD] = eng_run_figure_from_fractions (measure->overhead, none);

  if (measure->rounds != NULL)
    eng_speculation_rounds_fill (measure->rounds, measure->cancelled, figures);
  eng_run_fill_memory (run, measure->build);
}

/* ---- Validity ---- */

void
eng_run_judge_figure (EngRun *run, EngFigureId id, GPtrArray *reasons)
{
  const EngFigure *figure = &run->figures[id];
  const char *title = eng_figure_id_title (id);
  double most = MAX_TIMES * run->workload->interval_width;
  most = most > 0 ? MAX (most, MAX_WIDTH) : MAX_WIDTH;

  if (!figure->available)
    g_ptr_array_add (reasons, g_strdup_printf ("%s is unavailable: %s", title, figure->reason));
  else if (isnan (figure->low))
    g_ptr_array_add (reasons, g_strdup_printf ("%s rests on %u sample%s; an interval takes 6",
                                               title, figure->n, figure->n == 1 ? "" : "s"));
  else if ((figure->high - figure->low) / figure->value > most)
    g_ptr_array_add (reasons,
                     g_strdup_printf ("%s is noisy: its 95 %% interval is %.0f %% wide", title,
                                      100 * (figure->high - figure->low) / figure->value));
}

void
eng_run_judge_machine (EngRun *run, gboolean invalid, GPtrArray *reasons)
{
  eng_conditions_judge (&run->conditions, run->n_threads, reasons);
  run->validity = invalid ? ENG_RUN_INVALID : reasons->len > 0 ? ENG_RUN_DEGRADED : ENG_RUN_VALID;
  g_ptr_array_add (reasons, NULL);
  run->reasons = g_strdupv ((GStrv)reasons->pdata);
}

static void
judge (EngRun *run, const EngMeasure *measure)
{
  g_autoptr (GPtrArray) reasons = g_ptr_array_new_with_free_func (g_free);

  if (measure->not_finite)
    g_ptr_array_add (reasons, g_strdup_printf ("the model's output is not a number after %u tokens",
                                               measure->generated->len));
  if (measure->cancelled)
    g_ptr_array_add (reasons, g_strdup_printf ("stopped after %u token%s", measure->generated->len,
                                               measure->generated->len == 1 ? "" : "s"));
  eng_run_judge_figure (run, ENG_FIGURE_DECODE, reasons);
  eng_run_judge_figure (run, ENG_FIGURE_PREFILL, reasons);
  eng_run_judge_figure (run, ENG_FIGURE_FIRST_TOKEN, reasons);
  eng_run_judge_machine (run, measure->not_finite, reasons);
}

/* ---- Together ---- */

/* The build's, and what was left out of the work. */
static GStrv
all_notes (EngBuild *build, EngProfile *profile)
{
  g_autoptr (GStrvBuilder) notes = g_strv_builder_new ();
  g_auto (GStrv) skipped = eng_profile_dup_skipped (profile);

  g_strv_builder_addv (notes, (const char **)eng_build_get_notes (build));
  g_strv_builder_addv (notes, (const char **)skipped);
  return g_strv_builder_end (notes);
}

void
eng_run_describe (EngRun *run, EngBuild *build, const EngWorkload *workload, EngProfiler *profiler,
                  EngMachine *machine)
{
  EngModel *model = eng_build_get_model (build);

  eng_run_model_init (&run->model, model);
  run->model_name = g_strdup (eng_model_get_name (model));
  /* After everything is measured: reading the file would disturb it. Without the file the run still
   * stands. */
  run->model_hash = eng_model_dup_hash (model, NULL, NULL);
  if (run->model_hash == NULL)
    run->model_hash = g_strdup ("");
  g_autofree char *file = g_path_get_basename (eng_model_get_path (eng_build_get_model (build)));
  run->model_file = g_utf8_make_valid (file, -1);
  run->build_hash = g_strdup (eng_build_get_hash (build));
  run->isa = g_strdup (eng_build_get_isa (build));
  run->engine_version = g_strdup (LATHE_VERSION);
  run->machine_json = eng_machine_to_json (machine);
  run->recipe = eng_recipe_ref (eng_build_get_recipe (build));
  if (run->workload == NULL)
    run->workload = eng_workload_copy (workload);
  run->profile = eng_profiler_finish (profiler);
  run->timeline = eng_profiler_dup_timeline (profiler);
  run->n_ctx = eng_build_get_n_ctx (build);
  run->notes = all_notes (build, run->profile);
}

void
eng_run_take_energy (EngRun *run, EngEnergy *energy, EngMachine *machine)
{
  const char *meter;

  run->energy = energy;
  eng_energy_finish (energy, run->profile, run->isa, run->n_threads, machine);
  eng_energy_fill_figures (energy, run->workload->kind, run->figures);
  meter = eng_energy_get_meter (energy);
  if (meter == NULL || eng_energy_get_reason (energy) == NULL)
    return;
  /* A meter was there and did not deliver: nobody should have to look for that. */
  guint n = run->notes != NULL ? g_strv_length (run->notes) : 0;
  run->notes = g_renew (char *, run->notes, n + 2);
  run->notes[n] = g_strdup_printf ("energy was not measured: %s", eng_energy_get_reason (energy));
  run->notes[n + 1] = NULL;
}

static void
describe (EngRun *run, const EngMeasure *measure, EngMachine *machine)
{
  eng_run_describe (run, measure->build, measure->workload, measure->profiler, machine);
  run->text = g_strdup (measure->stream.text->str);
  run->stop = measure->stop;
  run->n_prompt = (guint)measure->n_prompt;
  run->n_generated = measure->generated->len;
  run->speculation = measure->rounds != NULL ? eng_speculation_ref (measure->rounds->record) : NULL;
}

static gboolean
run_passes (EngMeasure *measure, GError **error)
{
  if (!eng_measure_prompt (measure, error))
    return FALSE;
  if (measure->cancelled)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                           "Stopped before anything was measured");
      return FALSE;
    }
  return eng_measure_decode (measure, error) && eng_measure_repeat (measure, error)
         && eng_measure_count (measure, error);
}

static void
on_cancelled (GCancellable *cancellable, gpointer exec)
{
  rt_exec_cancel (exec);
}

EngRun *
eng_run_generate (EngBuild *build, const EngWorkload *workload, EngProfiler *profiler,
                  const EngRunEvents *events, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (build) && workload != NULL, NULL);

  g_autoptr (EngRun) run = g_object_new (ENG_TYPE_RUN, NULL);
  g_autoptr (EngMachine) machine = eng_machine_new ();
  EngProfiler *own = profiler == NULL ? eng_profiler_new (build, WINDOW) : NULL;
  g_autoptr (EngEnergy) energy = eng_energy_new ();
  EngMeasure measure;
  g_autoptr (EngWatch) watch = eng_watch_new ("/");

  run->id = g_uuid_string_random ();
  run->time = g_get_real_time () / G_USEC_PER_SEC;
  gboolean ok = eng_measure_init (&measure, build, workload, error);
  if (ok)
    {
      measure.profiler = own != NULL ? own : profiler;
      measure.events = events;
      measure.cancellable = cancellable;
      gulong handler
          = cancellable != NULL
                ? g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled), measure.exec, NULL)
                : 0;
      eng_watch_start (watch);
      ok = run_passes (&measure, error);
      eng_watch_stop (watch, &run->conditions);
      ok = ok && eng_energy_measure_text (energy, &measure, error);
      g_cancellable_disconnect (cancellable, handler);
    }
  if (ok)
    {
      eng_measure_finish (&measure);
      make_figures (run, &measure);
      run->ended[ENG_FIGURE_DECODE] = measure.decode_ended;
      run->ended[ENG_FIGURE_PREFILL] = run->ended[ENG_FIGURE_FIRST_TOKEN] = measure.prompt_ended;
      run->workload = eng_workload_copy (workload);
      run->n_threads = eng_build_get_n_threads (build);
      judge (run, &measure);
      describe (run, &measure, machine);
      eng_run_take_energy (run, g_steal_pointer (&energy), machine);
    }
  rt_exec_set_tracing (eng_build_get_exec (build), false);
  eng_measure_clear (&measure);
  eng_profiler_free (own);
  return ok ? g_steal_pointer (&run) : NULL;
}

EngRun *
eng_run_new (EngBuild *build, const EngWorkload *workload, EngProfiler *profiler,
             const EngRunEvents *events, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (build) && workload != NULL, NULL);

  return workload->kind == ENG_WORKLOAD_TEXT
             ? eng_run_generate (build, workload, profiler, events, cancellable, error)
             : eng_run_infer (build, workload, profiler, events, cancellable, error);
}
