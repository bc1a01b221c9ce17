/* A workload made ready for a board, and the board's answers read. Inputs go through the very loops
 * that measure here: once to record what the network would read, once more to play back what it
 * wrote. Called by eng-push.c; knows no link. */
#include "eng-board-work.h"

#include <math.h>
#include <string.h>

#include "eng-draft.h"
#include "eng-error.h"
#include "eng-measure-input.h"
#include "eng-measure.h"
#include "eval/eng-evaluate.h"
#include "eval/eng-text-set.h"
#include "rt-work.h"

/* What a work file may hold: memory here and on the board. */
#define MAX_DATA_BYTES ((gsize)1 << 30)
/* Of an output: what fits in a line of telemetry. */
#define MAX_OUTPUT_BYTES ((gsize)12000000)

struct _EngBoardWork
{
  EngBuild *build, *bare; /* referenced */
  EngWorkload *workload;
  GPtrArray *notes; /* char * */
  guint n_threads;  /* 0: the runner decides */

  /* TEXT */
  gint32 *prompt;
  gsize n_prompt;
  GArray *ends; /* gint32 */

  /* INPUT */
  GByteArray *data;
  gsize input_bytes; /* of one inference */
  guint n_inputs;    /* inferences */
  guint n_steps;     /* of one input, where states tie them together; else 1 */
  guint next_step;   /* while recording: within the input */
  gboolean playing;
  guint at; /* while playing: the next inference */
  gboolean outputs_fit;
  GPtrArray *output_names; /* char * */
  GArray *output_bytes;    /* gsize */
  GArray *output_types;    /* int */
  GPtrArray *outputs;      /* GBytes, [n_inputs * n_outputs]; NULL: did not come */
};

void
eng_board_work_free (EngBoardWork *self)
{
  if (self == NULL)
    return;
  g_clear_object (&self->build);
  g_clear_object (&self->bare);
  eng_workload_free (self->workload);
  g_ptr_array_unref (self->notes);
  g_free (self->prompt);
  g_array_unref (self->ends);
  g_byte_array_unref (self->data);
  g_ptr_array_unref (self->output_names);
  g_array_unref (self->output_bytes);
  g_array_unref (self->output_types);
  g_ptr_array_unref (self->outputs);
  g_free (self);
}

static void
bytes_unref (gpointer bytes)
{
  if (bytes != NULL)
    g_bytes_unref (bytes);
}

/* ---- Text ---- */

static gboolean
make_text (EngBoardWork *self, GError **error)
{
  EngMeasure measure;
  gboolean ok = eng_measure_init (&measure, self->build, self->workload, error);

  if (ok)
    {
      const RtTokenizer *tokenizer = eng_build_get_tokenizer (self->build);
      gint32 n_tokens = (gint32)rt_tokenizer_n_vocab (tokenizer);
      self->prompt = g_memdup2 (measure.prompt, measure.n_prompt * sizeof *measure.prompt);
      self->n_prompt = measure.n_prompt;
      for (gint32 token = 0; token < n_tokens && self->ends->len < RT_WORK_MAX_ENDS; token++)
        if (rt_tokenizer_is_end (tokenizer, token))
          g_array_append_val (self->ends, token);
    }
  eng_measure_clear (&measure);
  if (self->workload->sampler.temperature > 0)
    g_ptr_array_add (self->notes,
                     g_strdup ("tokens are chosen greedily on boards: the temperature of the "
                               "workload was left out"));
  if (eng_board_work_why_plain (self->build) != NULL)
    g_ptr_array_add (self->notes, g_strdup_printf ("the board decoded without drafts: %s",
                                                   eng_board_work_why_plain (self->build)));
  return ok;
}

/* ---- Texts that are evaluated: recording and playing back ---- */

static gboolean
is_scored (EngBoardWork *self)
{
  return self->workload->kind == ENG_WORKLOAD_TEXT && self->workload->labelled;
}

static void
add_u32 (GByteArray *data, guint32 value)
{
  guint32 little = GUINT32_TO_LE (value);
  g_byte_array_append (data, (const guint8 *)&little, sizeof little);
}

static gboolean
play_window (EngBoardWork *self, guint n_rows, RtScore *scores, GError **error)
{
  GBytes *bytes = self->at < self->outputs->len ? self->outputs->pdata[self->at] : NULL;
  const guint8 *data = bytes != NULL ? g_bytes_get_data (bytes, NULL) : NULL;

  for (guint i = 0; data != NULL && i < n_rows; i++)
    if (!rt_score_read (data + (gsize)i * RT_SCORE_BYTES, &scores[i]))
      data = NULL;
  if (data == NULL)
    g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                 bytes != NULL ? "The board's scores of window %u are no scores"
                               : "The board's scores of window %u did not come",
                 self->at);
  self->at++;
  return data != NULL;
}

static gboolean
score_window (const gint32 *input, const gint32 *targets, guint n, guint first, RtScore *scores,
              gpointer user_data, GError **error)
{
  EngBoardWork *self = user_data;
  guint n_rows = n - first;

  if (self->playing)
    return play_window (self, n_rows, scores, error);
  add_u32 (self->data, n);
  add_u32 (self->data, first);
  for (guint i = 0; i < n; i++)
    add_u32 (self->data, (guint32)input[i]);
  for (guint i = 0; i < n; i++)
    add_u32 (self->data, (guint32)targets[i]);
  gsize n_bytes = (gsize)n_rows * RT_SCORE_BYTES;
  g_array_append_val (self->output_bytes, n_bytes);
  for (guint i = 0; i < n_rows; i++)
    scores[i] = (RtScore){ 0, 0, 1 }; /* nothing is known yet, and what is made of it is dropped */
  return TRUE;
}

static EngEvaluation *
evaluate_texts (EngBoardWork *self, EngJob *job, GError **error)
{
  EngEvalOptions options
      = { .data = self->workload->inputs != NULL ? self->workload->inputs[0] : ENG_BUNDLED_TEXTS,
          .score_window = score_window,
          .score_window_data = self };
  return eng_evaluate (self->build, NULL, &options, job, error);
}

static gboolean
make_scores (EngBoardWork *self, EngJob *job, GError **error)
{
  g_autoptr (EngEvaluation) unused = evaluate_texts (self, job, error);

  if (unused == NULL)
    return FALSE;
  g_ptr_array_set_size (self->outputs, (int)self->output_bytes->len);
  return TRUE;
}

/* ---- Inputs: recording and playing back ---- */

static gboolean
record (EngBoardWork *self, EngTaskRun *run, const guint8 *inputs, gsize n_bytes, RtError *error)
{
  gboolean begins = self->next_step == 0;

  if (begins && self->n_inputs > 0 && eng_task_far_has_states (run)
      && self->n_steps != run->n_steps)
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "The network remembers from step to step, and the inputs have different "
                    "lengths (%u steps, and %u): run them on a board one at a time",
                    self->n_steps, run->n_steps);
  if (self->n_inputs == 0)
    {
      self->n_steps = eng_task_far_has_states (run) ? run->n_steps : 1;
      self->input_bytes = n_bytes;
    }
  if (self->data->len + n_bytes > MAX_DATA_BYTES || self->n_inputs >= RT_WORK_MAX_INPUTS)
    return rt_fail (error, RT_ERROR_MEMORY,
                    "The inputs take more than %zu MiB as tensors (%u so far): run fewer of them "
                    "at a time",
                    MAX_DATA_BYTES >> 20, self->n_inputs);
  g_byte_array_append (self->data, inputs, (guint)n_bytes);
  self->n_inputs++;
  self->next_step = (self->next_step + 1) % MAX (run->n_steps, 1);
  return TRUE;
}

static gboolean
play (EngBoardWork *self, guint8 *const *outputs, RtError *error)
{
  guint n = self->output_names->len;

  for (guint i = 0; i < n; i++)
    {
      guint index = self->at * n + i;
      GBytes *bytes = index < self->outputs->len ? self->outputs->pdata[index] : NULL;
      if (bytes == NULL)
        return rt_fail (error, RT_ERROR_IO, "The board's output %s of inference %u did not come",
                        (const char *)self->output_names->pdata[i], self->at);
      memcpy (outputs[i], g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
    }
  self->at++;
  return TRUE;
}

static gboolean
infer (EngTaskRun *run, const guint8 *inputs, gsize n_bytes, guint8 *const *outputs,
       gpointer user_data, RtError *error)
{
  EngBoardWork *self = user_data;
  return self->playing ? play (self, outputs, error) : record (self, run, inputs, n_bytes, error);
}

static EngTaskRun *
make_far_run (EngBuild *build, EngInputKind kind, gpointer user_data, GError **error)
{
  EngBoardWork *self = user_data;
  EngTaskRun *run = eng_task_run_new_far (build, kind, infer, self, error);

  if (run == NULL || self->output_names->len > 0)
    return run;
  for (guint i = 0; i < eng_task_far_n_outputs (run); i++)
    {
      gsize n_bytes = eng_task_far_output_bytes (run, i);
      int type = eng_task_far_output_type (run, i);
      g_ptr_array_add (self->output_names, g_strdup (eng_task_far_output_name (run, i)));
      g_array_append_val (self->output_bytes, n_bytes);
      g_array_append_val (self->output_types, type);
      self->outputs_fit &= n_bytes <= MAX_OUTPUT_BYTES;
    }
  return run;
}

/* All inputs once, with what the network says taken from where @self is at. */
static gboolean
pass_over_inputs (EngBoardWork *self, const EngRunEvents *events, GCancellable *cancellable,
                  EngResult **result, GError **error)
{
  EngMeasureInput measure;
  EngProfiler *profiler = eng_profiler_new (self->bare, 1); /* nothing is measured here */
  gboolean ok = eng_measure_input_init_with (&measure, self->build, self->workload, make_far_run,
                                             self, error);

  measure.profiler = profiler;
  measure.events = events;
  measure.cancellable = cancellable;
  measure.traced = FALSE;
  ok = ok && eng_measure_input_once (&measure, error);
  if (ok && measure.cancelled)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "Stopped");
      ok = FALSE;
    }
  if (ok && result != NULL && measure.result != NULL)
    *result = eng_result_ref (measure.result);
  if (!self->playing)
    for (guint i = 0; i < measure.notes->len; i++)
      g_ptr_array_add (self->notes, g_strdup (measure.notes->pdata[i]));
  eng_measure_input_clear (&measure);
  eng_profiler_free (profiler);
  return ok;
}

static EngEvaluation *
evaluate (EngBoardWork *self, EngJob *job, GError **error)
{
  EngEvalOptions options
      = { .data = self->workload->inputs[0], .make_run = make_far_run, .make_run_data = self };
  return eng_evaluate (self->build, NULL, &options, job, error);
}

typedef struct
{
  EngJob *job;
} Telling;

static void
tell_stage (const char *stage, double progress, gpointer user_data)
{
  if (((Telling *)user_data)->job != NULL)
    eng_job_report (((Telling *)user_data)->job, "Preparing the inputs", progress);
}

static gboolean
make_inputs (EngBoardWork *self, EngJob *job, GError **error)
{
  Telling telling = { job };
  EngRunEvents events = { .stage = tell_stage, .user_data = &telling };
  GCancellable *cancellable = job != NULL ? eng_job_get_cancellable (job) : NULL;

  if (self->workload->seconds > 0)
    {
      g_set_error_literal (
          error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
          "Continuous runs are not possible on boards: give inputs and a number of "
          "repeats instead");
      return FALSE;
    }
  if (self->workload->labelled)
    {
      /* Of outputs that nobody computed: only what it was fed counts, until the board answers. */
      g_autoptr (EngEvaluation) unused = evaluate (self, job, error);
      if (unused == NULL)
        return FALSE;
    }
  else if (!pass_over_inputs (self, &events, cancellable, NULL, error))
    return FALSE;
  if (self->n_inputs == 0)
    {
      g_set_error_literal (error, ENG_ERROR, ENG_ERROR_NOT_FOUND,
                           "None of the inputs can be fed to the network");
      return FALSE;
    }
  g_ptr_array_set_size (self->outputs, (int)(self->n_inputs * self->output_names->len));
  if (!self->outputs_fit)
    g_ptr_array_add (self->notes,
                     g_strdup_printf ("an output of more than %zu MB is not sent home: the run has "
                                      "times and no result",
                                      MAX_OUTPUT_BYTES / 1000000));
  return TRUE;
}

EngBoardWork *
eng_board_work_new (EngBuild *build, const EngWorkload *workload, guint board_threads, EngJob *job,
                    GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (build) && workload != NULL, NULL);

  g_autoptr (EngBoardWork) self = g_new0 (EngBoardWork, 1);
  gboolean text = eng_model_get_kind (eng_build_get_model (build)) == ENG_MODEL_LANGUAGE;

  self->build = g_object_ref (build);
  self->workload = eng_workload_copy (workload);
  self->notes = g_ptr_array_new_with_free_func (g_free);
  self->ends = g_array_new (FALSE, FALSE, sizeof (gint32));
  self->data = g_byte_array_new ();
  self->outputs_fit = TRUE;
  self->n_steps = 1;
  self->output_names = g_ptr_array_new_with_free_func (g_free);
  self->output_bytes = g_array_new (FALSE, FALSE, sizeof (gsize));
  self->output_types = g_array_new (FALSE, FALSE, sizeof (int));
  self->outputs = g_ptr_array_new_with_free_func (bytes_unref);
  if (board_threads > 0)
    self->n_threads = MIN (board_threads, eng_build_get_n_threads (build));
  EngBuild *bare = text ? build : eng_build_get_bare (build, error);
  if (bare == NULL)
    return NULL;
  self->bare = g_object_ref (bare);
  if (!(is_scored (self) ? make_scores (self, job, error)
        : text           ? make_text (self, error)
                         : make_inputs (self, job, error)))
    return NULL;
  return g_steal_pointer (&self);
}

/* ---- Looking ---- */

EngBuild *
eng_board_work_get_build (EngBoardWork *self)
{
  return self->bare;
}

gboolean
eng_board_work_drafts (EngBoardWork *self)
{
  EngDraftPlan plan;

  if (self->workload->kind != ENG_WORKLOAD_TEXT || self->workload->labelled)
    return FALSE;
  eng_draft_plan (eng_build_get_recipe (self->build), &plan);
  return plan.source == ENG_DRAFT_LOOKUP;
}

const char *
eng_board_work_why_plain (EngBuild *build)
{
  EngDraftPlan plan;

  if (eng_model_get_kind (eng_build_get_model (build)) != ENG_MODEL_LANGUAGE)
    return NULL;
  eng_draft_plan (eng_build_get_recipe (build), &plan);
  return plan.source == ENG_DRAFT_MODEL  ? "the draft model is not sent to boards"
         : plan.source == ENG_DRAFT_SELF ? "the model's own cheaper drafter is not sent to boards"
                                         : NULL;
}

const EngWorkload *
eng_board_work_get_workload (EngBoardWork *self)
{
  return self->workload;
}

guint
eng_board_work_get_n_prompt (EngBoardWork *self)
{
  return (guint)self->n_prompt;
}

void
eng_board_work_add_note (EngBoardWork *self, const char *note)
{
  g_ptr_array_add (self->notes, g_strdup (note));
}

const GPtrArray *
eng_board_work_get_notes (EngBoardWork *self)
{
  return self->notes;
}

/* ---- The file ---- */

static RtWorkLookup
lookup_of (EngBuild *build)
{
  EngDraftPlan plan;

  eng_draft_plan (eng_build_get_recipe (build), &plan);
  return (RtWorkLookup){ .length = plan.length,
                         .min_match = plan.min_match,
                         .max_match = plan.max_match,
                         .tree_width = plan.tree_width,
                         .fallback = plan.fallback ? 1 : 0 };
}

gboolean
eng_board_work_write (EngBoardWork *self, const char *path, GError **error)
{
  const EngWorkload *workload = self->workload;
  RtError rt_error = { 0 };
  RtWork work = { .n_threads = self->n_threads,
                  .budget_s = CLAMP (workload->budget_s, 0, RT_WORK_MAX_BUDGET_S),
                  .interval = CLAMP (workload->interval_width, 0, 0.999999) };

  if (is_scored (self))
    {
      work.kind = RT_WORK_SCORES;
      work.n_windows = self->output_bytes->len;
      work.data = self->data->data;
      work.data_bytes = self->data->len;
    }
  else if (workload->kind == ENG_WORKLOAD_TEXT)
    {
      work.kind = RT_WORK_TEXT;
      work.prompt = self->prompt;
      work.n_prompt = (guint32)self->n_prompt;
      work.n_decode = workload->n_predict;
      work.ignore_end = workload->ignore_end;
      work.ends = (int32_t *)self->ends->data;
      work.n_ends = self->ends->len;
      if (eng_board_work_drafts (self))
        work.lookup = lookup_of (self->build);
    }
  else
    {
      work.kind = RT_WORK_INPUTS;
      /* A labelled set is many clean inferences already. */
      if (workload->labelled)
        work.budget_s = work.interval = 0;
      work.n_repeats = MIN (workload->n_repeats, RT_WORK_MAX_REPEATS);
      work.outputs = self->outputs_fit ? RT_WORK_OUTPUTS_ALL : RT_WORK_OUTPUTS_NONE;
      work.n_inputs = self->n_inputs;
      work.n_steps = self->n_steps;
      work.data = self->data->data;
      work.data_bytes = self->data->len;
    }
  return rt_work_write (path, &work, &rt_error) || eng_error_take_rt (&rt_error, error);
}

/* ---- Answers ---- */

gboolean
eng_board_work_take_output (EngBoardWork *self, guint input, guint value, const char *name,
                            const char *type, const guint8 *bytes, gsize n_bytes, GError **error)
{
  guint n = self->output_names->len, at = name != NULL ? 0 : value;

  while (name != NULL && at < n && strcmp (self->output_names->pdata[at], name) != 0)
    at++;
  if (at >= n || input >= self->n_inputs)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "The board sent output “%s” of inference %u, and none such was asked for",
                   name != NULL ? name : "", input);
      return FALSE;
    }
  const char *expected = rt_type_name (g_array_index (self->output_types, int, at));
  if (g_ascii_strcasecmp (type, expected) != 0
      || n_bytes != g_array_index (self->output_bytes, gsize, at))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "The board's output %s is %zu bytes of %s; the build says %zu bytes of %s",
                   (const char *)self->output_names->pdata[at], n_bytes, type,
                   g_array_index (self->output_bytes, gsize, at), expected);
      return FALSE;
    }
  gpointer *slot = &self->outputs->pdata[input * n + at];
  bytes_unref (*slot);
  *slot = g_bytes_new (bytes, n_bytes);
  return TRUE;
}

gboolean
eng_board_work_take_scores (EngBoardWork *self, guint window, const guint8 *bytes, gsize n_bytes,
                            GError **error)
{
  if (!is_scored (self) || window >= self->outputs->len
      || n_bytes != g_array_index (self->output_bytes, gsize, window))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "The board sent %" G_GSIZE_FORMAT
                   " bytes of scores of window %u, and none such were asked for",
                   n_bytes, window);
      return FALSE;
    }
  bytes_unref (self->outputs->pdata[window]);
  self->outputs->pdata[window] = g_bytes_new (bytes, n_bytes);
  return TRUE;
}

EngResult *
eng_board_work_read_out (EngBoardWork *self, const EngRunEvents *events, GCancellable *cancellable,
                         GError **error)
{
  EngRunEvents results = { .result = events != NULL ? events->result : NULL,
                           .user_data = events != NULL ? events->user_data : NULL };
  EngResult *result = NULL;

  self->playing = TRUE;
  self->at = 0;
  if (!pass_over_inputs (self, &results, cancellable, &result, error))
    g_clear_pointer (&result, eng_result_unref);
  else if (result == NULL)
    g_set_error_literal (error, ENG_ERROR, ENG_ERROR_NOT_FOUND, "There is no result");
  return result;
}

EngEvaluation *
eng_board_work_evaluate (EngBoardWork *self, EngJob *job, GError **error)
{
  self->playing = TRUE;
  self->at = 0;
  return is_scored (self) ? evaluate_texts (self, job, error) : evaluate (self, job, error);
}
