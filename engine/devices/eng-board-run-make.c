/* Making a Run of what a board told: the same figures, intervals and judgement as of runs on this
 * computer (eng-run-generate.c, eng-run-infer.c), with what is different of a board said in
 * words. */
#include <math.h>

#include "eng-board-run-private.h"
#include "eng-energy-private.h"
#include "eng-error.h"
#include "eng-run-private.h"
#include "eng-transport.h"
#include "eval/eng-metric.h"

/* ---- Figures ---- */

static void
fill_memory (EngRun *run, EngBoardRun *self)
{
  static const char none[] = "the board ended before it said what it needs";

  run->figures[ENG_FIGURE_PEAK_MEMORY] = self->has_build
                                             ? eng_figure_exact ((double)self->all_bytes, "B")
                                             : eng_figure_unavailable ("B", none);
  run->figures[ENG_FIGURE_WEIGHTS] = self->has_build
                                         ? eng_figure_exact ((double)self->weight_bytes, "B")
                                         : eng_figure_unavailable ("B", none);
}

static void
fill_text (EngRun *run, EngBoardRun *self)
{
  static const char no_step[] = "the run ended before a step was decoded";
  static const char no_prompt[] = "the run ended before the prompt was read";
  double n_prompt = eng_board_work_get_n_prompt (self->work);
  EngFigure *f = run->figures;

  f[ENG_FIGURE_DECODE]
      = eng_run_figure_from_ns (self->token_clean, 1e9, TRUE, ENG_FIGURE_DECODE, no_step);
  f[ENG_FIGURE_PREFILL]
      = eng_run_figure_from_ns (self->prefill, 1e9 * n_prompt, TRUE, ENG_FIGURE_PREFILL, no_prompt);
  f[ENG_FIGURE_FIRST_TOKEN]
      = eng_run_figure_from_ns (self->first_token, 1e-6, FALSE, ENG_FIGURE_FIRST_TOKEN, no_prompt);
  f[ENG_FIGURE_STEP_CLEAN]
      = eng_run_figure_from_ns (self->step_clean, 1e-6, FALSE, ENG_FIGURE_STEP_CLEAN, no_step);
  f[ENG_FIGURE_STEP_LAYERS]
      = eng_run_figure_from_ns (self->step_traced, 1e-6, FALSE, ENG_FIGURE_STEP_LAYERS, no_step);
  f[ENG_FIGURE_OVERHEAD] = eng_run_figure_from_fractions (self->overhead, no_step);
  run->ended[ENG_FIGURE_DECODE] = self->ended[RT_PHASE_DECODE];
  run->ended[ENG_FIGURE_PREFILL] = run->ended[ENG_FIGURE_FIRST_TOKEN]
      = self->ended[RT_PHASE_PREFILL];
}

static void
fill_inputs (EngRun *run, EngBoardRun *self)
{
  static const char none[] = "too few inferences to measure it";
  static const char here[]
      = "inputs are prepared and results read out on this computer, not on the "
        "board";
  EngFigure *f = run->figures;

  f[ENG_FIGURE_INFERENCE]
      = eng_run_figure_from_ns (self->inference, 1e-6, FALSE, ENG_FIGURE_INFERENCE, none);
  f[ENG_FIGURE_INFERENCES]
      = eng_run_figure_from_ns (self->inference, 1e9, TRUE, ENG_FIGURE_INFERENCES, none);
  f[ENG_FIGURE_NETWORK]
      = eng_run_figure_from_ns (self->nodes, 1e-6, FALSE, ENG_FIGURE_NETWORK, none);
  f[ENG_FIGURE_INFERENCE_NODES]
      = eng_run_figure_from_ns (self->nodes, 1e-6, FALSE, ENG_FIGURE_INFERENCE_NODES, none);
  f[ENG_FIGURE_INFERENCE_OVERHEAD] = eng_run_figure_from_fractions (self->overhead, none);
  f[ENG_FIGURE_PREPROCESSING] = eng_figure_unavailable ("ms", here);
  f[ENG_FIGURE_POSTPROCESSING] = eng_figure_unavailable ("ms", here);
  f[ENG_FIGURE_READING] = eng_figure_unavailable ("ms", here);
  f[ENG_FIGURE_SURROUNDINGS] = eng_figure_unavailable ("%", here);
  run->ended[ENG_FIGURE_INFERENCE] = run->ended[ENG_FIGURE_INFERENCES]
      = self->ended[RT_PHASE_INFERENCE];
  f[ENG_FIGURE_LATE] = eng_figure_unavailable ("%", "the inputs were not run at a rate");
}

/* ---- Conditions ---- */

static const char *
sensor_name (const EngBoard *board, const char *what)
{
  for (guint i = 0; board != NULL && i < board->sensors->len; i++)
    {
      const EngBoardSensor *sensor = board->sensors->pdata[i];
      if (g_str_equal (sensor->what, what) && sensor->reason == NULL && sensor->name != NULL)
        return sensor->name;
    }
  return NULL;
}

static void
fill_sensor (const EngBoard *board, const char *what, char **source, char **reason)
{
  *source = g_strdup (sensor_name (board, what));
  if (*source == NULL)
    *reason = g_strdup (board != NULL && eng_board_get_missing (board, what) != NULL
                            ? eng_board_get_missing (board, what)
                            : "the board does not say");
}

static void
fill_conditions (EngConditions *to, EngBoardRun *self, const EngBoard *board)
{
  to->known = TRUE;
  to->wall_s = (double)self->last_ns * 1e-9;
  to->period_s = 1;
  to->governor = board != NULL ? g_strdup (board->governor) : NULL;
  to->kernel = board != NULL ? g_strdup (board->system) : NULL;
  to->n_cpus = board != NULL ? board->n_cpus : 1;
  fill_sensor (board, "clock", &to->clock_source, &to->clock_reason);
  fill_sensor (board, "temperature", &to->temperature_source, &to->temperature_reason);
  to->n_throttled = self->n_throttled;
  to->own_cpus = self->n_own > 0 ? self->sum_own_cpus / self->n_own : NAN;
  to->others_cpus = self->n_others > 0 ? self->sum_others_cpus / self->n_others : NAN;
  g_array_append_vals (to->samples, self->states->data, self->states->len);
}

/* ---- Energy ---- */

static void
fill_measured (EngEnergyMeasured *measured, EngBoardRun *self, RtPhase phase, const char *unit,
               const char *why_none)
{
  g_autofree double *joules = g_new (double, self->windows->len + 1);
  g_autofree double *watts = g_new (double, self->windows->len + 1);
  double seconds = 0;
  guint n = 0;

  eng_energy_measured_clear (measured, unit, why_none);
  for (guint i = 0; i < self->windows->len; i++)
    {
      const EngBoardWindow *window = &g_array_index (self->windows, EngBoardWindow, i);
      if (window->phase != phase)
        continue;
      joules[n] = window->joules / (double)window->n;
      watts[n++] = window->joules / window->seconds;
      measured->n_units += window->n;
      seconds += window->seconds;
    }
  if (n == 0)
    return;
  measured->joules = eng_figure_from_samples (joules, n, unit);
  measured->watts = eng_figure_from_samples (watts, n, "W");
  measured->window_s = seconds / n;
}

/* What this computer's meter says has no place here. */
static EngEnergy *
make_energy (EngBoardRun *self, const EngBoard *board)
{
  EngEnergy *energy = eng_energy_new ();
  const char *missing = board != NULL ? eng_board_get_missing (board, "power") : NULL;
  g_autofree char *why = self->windows->len > 0 ? g_strdup ("not measured in this phase")
                         : missing != NULL
                             ? g_strdup_printf ("the board has no power meter: %s", missing)
                             : g_strdup ("the board measured no energy");

  g_clear_pointer (&energy->power, eng_power_unref);
  g_free (energy->meter);
  g_clear_pointer (&energy->meter_id, g_free);
  g_clear_pointer (&energy->meter_place, g_free);
  g_free (energy->reason);
  energy->meter = g_strdup (self->meter);
  energy->reason = self->windows->len > 0 ? NULL : g_strdup (why);
  energy->idle = eng_figure_unavailable ("W", "not measured on boards");
  energy->cost_frac = NAN;
  for (RtPhase phase = 0; phase < RT_N_PHASES; phase++)
    fill_measured (&energy->phases[phase].measured, self, phase,
                   phase == RT_PHASE_INFERENCE ? "J" : "J/tok", why);
  return energy;
}

/* ---- Validity ---- */

static void add_reason (GPtrArray *reasons, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
add_reason (GPtrArray *reasons, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_ptr_array_add (reasons, g_strdup_vprintf (format, args));
  va_end (args);
}

static void
judge (EngRun *run, EngBoardRun *self, const EngBoard *board, const char *lost)
{
  g_autoptr (GPtrArray) reasons = g_ptr_array_new_with_free_func (g_free);
  gboolean text = run->workload->kind == ENG_WORKLOAD_TEXT && !run->workload->labelled;
  gboolean invalid = self->refused != NULL;

  if (self->refused != NULL)
    add_reason (reasons, "what the board told cannot be of this run: %s", self->refused);
  if (lost != NULL)
    add_reason (reasons, "the run ended without its last line: %s", lost);
  else if (g_strcmp0 (self->status, "cancelled") == 0)
    add_reason (reasons, "stopped before it was complete");
  else if (self->error_message != NULL)
    add_reason (reasons, "the board ended the run: %s", self->error_message);
  if (board != NULL && board->emulated)
    add_reason (reasons, "the times are of an emulator on this computer; they tell nothing of "
                         "hardware");
  if (text)
    {
      eng_run_judge_figure (run, ENG_FIGURE_DECODE, reasons);
      eng_run_judge_figure (run, ENG_FIGURE_PREFILL, reasons);
      eng_run_judge_figure (run, ENG_FIGURE_FIRST_TOKEN, reasons);
    }
  else if (!run->workload->labelled)
    {
      eng_run_judge_figure (run, ENG_FIGURE_INFERENCE, reasons);
      eng_run_judge_figure (run, ENG_FIGURE_NETWORK, reasons);
    }
  eng_run_judge_machine (run, invalid, reasons);
}

/* ---- Notes ---- */

static void
add_notes (EngRun *run, EngBoardRun *self, const char *unread)
{
  g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (g_free);
  const GPtrArray *work_notes = eng_board_work_get_notes (self->work);
  EngTelemetryCounts counts;

  for (guint i = 0; run->notes != NULL && run->notes[i] != NULL; i++)
    g_ptr_array_add (notes, g_strdup (run->notes[i]));
  for (guint i = 0; i < work_notes->len; i++)
    g_ptr_array_add (notes, g_strdup (work_notes->pdata[i]));
  eng_telemetry_get_counts (self->telemetry, &counts);
  if (counts.n_refused > 0)
    add_reason (notes,
                "%" G_GUINT64_FORMAT " line%s of the board's telemetry could not be used (%s)",
                counts.n_refused, counts.n_refused == 1 ? "" : "s",
                eng_telemetry_get_complaint (self->telemetry));
  if (counts.n_missing > 0)
    add_reason (notes, "%" G_GUINT64_FORMAT " lines of the board's telemetry did not arrive",
                counts.n_missing);
  if (self->n_dropped > 0)
    add_reason (notes,
                "the link was slower than the board: %" G_GUINT64_FORMAT
                " lines were left out, traces first",
                self->n_dropped);
  if (self->peak_rss_bytes > 0)
    {
      g_autofree char *bytes = eng_format_value ((double)self->peak_rss_bytes, "B");
      add_reason (notes, "the program took at most %s of the board's memory", bytes);
    }
  if (unread != NULL)
    g_ptr_array_add (notes, g_strdup (unread));
  g_ptr_array_add (notes, NULL);
  g_strfreev (run->notes);
  run->notes = (GStrv)g_ptr_array_steal (notes, NULL);
}

/* ---- Results ---- */

/* What drafting did, and the figures that then are of rounds. */
static void
take_rounds (EngRun *run, EngBoardRun *self)
{
  eng_speculation_rounds_finish (self->rounds, (guint)self->stream.text->len, self->verify_ns, 0);
  eng_speculation_rounds_fill (self->rounds, g_strcmp0 (self->status, "complete") != 0,
                               run->figures);
  run->speculation = eng_speculation_ref (self->rounds->record);
}

static void
take_text (EngRun *run, EngBoardRun *self)
{
  gsize from = eng_stream_end (&self->stream);

  if (from < self->stream.text->len && self->events != NULL && self->events->text != NULL)
    self->events->text (self->stream.text->str + from, self->events->user_data);
  if (self->rounds != NULL)
    take_rounds (run, self);
  run->text = g_strdup (self->stream.text->str);
  run->n_prompt = eng_board_work_get_n_prompt (self->work);
  run->n_generated = self->tokens->len;
  run->stop = self->is_end_token                              ? "end token"
              : self->tokens->len >= run->workload->n_predict ? "length"
              : g_strcmp0 (self->status, "complete") == 0     ? "context full"
                                                              : "stopped";
}

/* Why there is no result, newly allocated; NULL: there is one, or an evaluation. */
static char *
take_results (EngRun *run, EngBoardRun *self, EngJob *job)
{
  /* Stopping the board is not stopping to read what it has answered. */
  if (job != NULL && g_cancellable_is_cancelled (eng_job_get_cancellable (job)))
    job = NULL;
  GCancellable *cancellable = job != NULL ? eng_job_get_cancellable (job) : NULL;
  g_autoptr (GError) error = NULL;

  run->n_inferences = self->n_inferences;
  run->stop = g_strcmp0 (self->status, "complete") == 0 ? "finished" : "stopped";
  run->text = NULL;
  if (run->workload->labelled)
    {
      run->evaluation = eng_board_work_evaluate (self->work, job, &error);
      for (guint i = 0;
           run->evaluation != NULL && i < eng_evaluation_get_n_metrics (run->evaluation); i++)
        {
          const EngEvalMetric *metric = eng_evaluation_get_metric (run->evaluation, i);
          const EngMetric *info = eng_metric_find (metric->metric);
          if (info->figure < ENG_N_FIGURES)
            run->figures[info->figure] = metric->whole.value;
        }
    }
  else
    {
      run->result = eng_board_work_read_out (self->work, self->events, cancellable, &error);
      run->text = run->result != NULL ? eng_result_dup_text (run->result) : NULL;
    }
  if (run->text == NULL)
    run->text = g_strdup ("");
  return error != NULL ? g_strdup_printf ("there is no result: %s", error->message) : NULL;
}

/* ---- Together ---- */

static void
fail_unmeasured (EngBoardRun *self, const char *lost, GError **error)
{
  const char *words = eng_telemetry_get_last_words (self->telemetry);
  const char *complaint = eng_telemetry_get_complaint (self->telemetry);

  if (g_strcmp0 (self->status, "cancelled") == 0)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                         "Stopped before anything was measured");
  else if (self->error_message != NULL)
    g_set_error (error, ENG_ERROR,
                 g_strcmp0 (self->error_code, "memory") == 0        ? ENG_ERROR_MEMORY
                 : g_strcmp0 (self->error_code, "unsupported") == 0 ? ENG_ERROR_UNSUPPORTED
                 : g_strcmp0 (self->error_code, "range") == 0       ? ENG_ERROR_RANGE
                 : g_strcmp0 (self->error_code, "format") == 0      ? ENG_ERROR_FORMAT
                                                                    : ENG_ERROR_IO,
                 "The board could not run the build: %s", self->error_message);
  else if (self->refused != NULL)
    g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                 "What the board told cannot be of this run: %s", self->refused);
  else
    g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "The board measured nothing%s%s%s%s%s%s",
                 lost != NULL ? ": " : "", lost != NULL ? lost : "",
                 words != NULL ? "; the last it said was: " : "", words != NULL ? words : "",
                 complaint != NULL ? "; " : "", complaint != NULL ? complaint : "");
}

static void
describe (EngRun *run, EngBoardRun *self, EngDevice *device, EngBoard *board)
{
  EngBuild *build = eng_board_work_get_build (self->work);
  /* Roofs of this computer are not the board's. */
  g_autoptr (EngMachine) machine = eng_machine_new_of_caches (board->caches, board->n_caches);

  eng_run_describe (run, build, run->workload, self->profiler, machine);
  g_free (run->machine_json);
  run->machine_json = eng_board_to_machine_json (board, eng_device_get_name (device),
                                                 eng_device_get_transport (device)->id);
  g_free (run->isa);
  run->isa = g_strdup (self->isa != NULL ? self->isa : board->isa);
  if (run->isa == NULL)
    run->isa = g_strdup ("unknown");
  run->n_threads = self->n_threads > 0 ? self->n_threads : 1;
  eng_run_take_energy (run, make_energy (self, board), machine);
}

EngRun *
eng_board_run_finish (EngBoardRun *self, EngDevice *device, EngBoard *contact, const char *lost,
                      EngJob *job, GError **error)
{
  g_return_val_if_fail (self != NULL && ENG_IS_DEVICE (device), NULL);

  g_autoptr (EngRun) run = g_object_new (ENG_TYPE_RUN, NULL);
  g_autoptr (EngBoard) nothing = eng_board_new (eng_device_get_kind (device));
  EngBoard *board = self->board != NULL ? self->board : contact != NULL ? contact : nothing;

  eng_telemetry_close (self->telemetry);
  if (self->status != NULL)
    lost = NULL;
  else if (lost == NULL)
    lost = self->error_message != NULL ? self->error_message : "the board went away";
  if (self->n_passes == 0)
    {
      fail_unmeasured (self, lost, error);
      return NULL;
    }
  /* Some emulators hide what they are; the transport knows. */
  if (contact != NULL && contact->emulated)
    board->emulated = TRUE;
  run->id = g_uuid_string_random ();
  run->time = self->begin_s;
  run->workload = eng_workload_copy (eng_board_work_get_workload (self->work));
  eng_run_clear_figures (run, run->workload->kind);
  if (run->workload->kind == ENG_WORKLOAD_INPUT)
    fill_inputs (run, self);
  else if (!run->workload->labelled)
    fill_text (run, self);
  fill_memory (run, self);
  fill_conditions (&run->conditions, self, board);
  describe (run, self, device, board);
  g_autofree char *unread = NULL;
  if (run->workload->kind == ENG_WORKLOAD_TEXT && !run->workload->labelled)
    take_text (run, self);
  else
    unread = take_results (run, self, job);
  judge (run, self, board, lost);
  add_notes (run, self, unread);
  return g_steal_pointer (&run);
}
