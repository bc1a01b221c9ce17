/* Task: a sound out of a sound, frame by frame, overlapped and added.
 *
 * Card: "output" (0); "gain": true where the output is a gain per frequency of the fed magnitudes:
 * then nodes behind the network apply it to the frame's spectrum (the phase stays that of the
 * input) and transform back, and frames of a rectangular window add up to length / hop of
 * themselves. Else the output is the frame itself. "then": files, one of which lies beside the
 * network, that are the second stage: it hears each frame and its output is what is added; without
 * it the first stage is heard alone, and a note says so. Its work is timed as post-processing.
 * Westhausen and Meyer 2020, section 2. */
#include "tasks/eng-tasks.h"

#include <string.h>

#include "eng-error.h"
#include "eng-json.h"
#include "eng-result-private.h"
#include "ops/rt-ops-int8.h"
#include "ops/rt-ops-math.h"
#include "tasks/eng-companion.h"
#include "tasks/eng-frames.h"

/* ---- Making ---- */

static guint
output_of (EngCard *card)
{
  return eng_card_count (eng_card_get_task_options (card), "output", 0);
}

static RtValueId
add1 (EngSurround *s, const char *name, const char *op, RtValueId x, gconstpointer attrs,
      GError **error)
{
  return eng_surround_add (s, TRUE, name, op, &x, 1, attrs, error);
}

/* [1, n / 2 + 1, 1] -> [1, n, 1]: the upper half mirrors the lower one. */
static RtValueId
add_mirrored (EngSurround *s, RtValueId gain, gint64 n, GError **error)
{
  RtSliceAttrs upper = { 1, { 1 }, { n / 2 - 1 }, { 0 }, { -1 } };
  RtAxisAttrs axis = { 1 };
  RtValueId both[2] = { gain, add1 (s, "lathe.upper", "slice", gain, &upper, error) };
  return eng_surround_add (s, TRUE, "lathe.gains", "concat", both, 2, &axis, error);
}

static RtValueId
add_frame (EngSurround *s, RtValueId gain, RtValueId spectrum, GError **error)
{
  const RtValue *whole = rt_graph_value (s->graph, spectrum);
  gint64 n = whole->shape.dims[1];
  RtShapeAttrs column = { { 3, { 1, n / 2 + 1, 1 } } }, row = { { 2, { 1, n } } };
  RtDftAttrs inverse = { .axis = 1, .length = n, .inverse = 1 };
  RtSliceAttrs real = { 1, { 2 }, { 0 }, { 1 }, { 1 } };

  gain = add1 (s, "lathe.gain", "reshape", gain, &column, error);
  RtValueId both[2] = { spectrum, add_mirrored (s, gain, n, error) };
  RtValueId value = eng_surround_add (s, TRUE, "lathe.apply", "mul", both, 2, NULL, error);
  value = add1 (s, "lathe.inverse", "dft", value, &inverse, error);
  value = add1 (s, "lathe.real", "slice", value, &real, error);
  return add1 (s, "lathe.frame", "reshape", value, &row, error);
}

static gboolean
surround (EngSurround *s, GError **error)
{
  guint at = output_of (s->card);
  gboolean gain = eng_json_get_bool (eng_card_get_task_options (s->card), "gain", FALSE);
  RtValueId spectrum = rt_graph_find_value (s->graph, ENG_FRAMES_SPECTRUM);

  if (at >= s->imported->n_outputs || (gain && spectrum == RT_NONE))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "The network card %s: the network has no output %u, or a gain is asked for and "
                   "the front end makes no magnitudes",
                   eng_card_get_origin (s->card), at);
      return FALSE;
    }
  RtValueId value = s->outputs[at];
  if (eng_surround_output (s, at)->quant != NULL)
    value = add1 (s, "lathe.real_output", "dequantize", value, NULL, error);
  if (gain)
    value = add_frame (s, value, spectrum, error);
  return eng_surround_set_outputs (s, &value, 1);
}

/* ---- Running ---- */

typedef struct
{
  gboolean failed; /* the second stage */
  float *sum;      /* [n] from -lead samples on */
  gsize n;
  float scale;
} Overlap;

static void
overlap_free (gpointer data)
{
  Overlap *overlap = data;
  g_free (overlap->sum);
  g_free (overlap);
}

/* The second stage, ready for a new sound. */
static gboolean
begin_second (EngTaskRun *run, GError **error)
{
  g_auto (GStrv) names = eng_json_dup_strv (eng_card_get_task_options (run->card), "then");
  g_autoptr (GError) local = NULL;

  if (!run->second_known && names[0] != NULL)
    run->second
        = eng_companion_new (run->model, (const char *const *)names, ENG_INPUT_SOUND, &local);
  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  if (!run->second_known && names[0] != NULL && run->second == NULL && run->note == NULL)
    run->note = g_strdup_printf ("%s is not beside %s: its first stage is heard alone", names[0],
                                 eng_model_get_name (run->model));
  run->second_known = TRUE;
  if (run->second == NULL)
    return TRUE;
  if (!eng_task_run_begin (run->second, run->input, error))
    return FALSE;
  EngFrames *first = run->front_data, *second = run->second->front_data;
  const RtShape *shape = &rt_graph_value (run->second->graph, run->second->outputs[0])->shape;
  if (second->length == first->length && second->hop == first->hop
      && rt_shape_n (shape) == first->length)
    return TRUE;
  g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
               "%s is no second stage of %s: its frames are %u samples every %u, not %u every %u",
               eng_model_get_name (run->second->model), eng_model_get_name (run->model),
               second->length, second->hop, first->length, first->hop);
  return FALSE;
}

/* What the second stage makes of a frame; NULL: it failed. */
static const float *
hear_again (EngTaskRun *run, const float *frame)
{
  EngTaskRun *second = run->second;
  RtError error = { 0 };
  rt_exec_set_input (second->exec, rt_graph_find_value (second->graph, ENG_FRAMES_INPUT), frame);
  return eng_task_run_infer (second, &error) ? rt_exec_value (second->exec, second->outputs[0])
                                             : NULL;
}

static gboolean
begin (EngTaskRun *run, GError **error)
{
  if (run->bare) /* tensors: nothing to overlap */
    return TRUE;
  if (eng_input_get_kind (run->input) == ENG_INPUT_SOUND && !begin_second (run, error))
    return FALSE;
  EngFrames *frames = run->front_data;
  gboolean gain = eng_json_get_bool (eng_card_get_task_options (run->card), "gain", FALSE);
  Overlap *overlap = g_new0 (Overlap, 1);
  overlap->n = (gsize)run->n_steps * frames->hop + frames->length;
  overlap->sum = g_new0 (float, overlap->n);
  overlap->scale = gain ? (float)frames->hop / (float)frames->length : 1;
  eng_task_set_task_data (run, overlap, overlap_free);
  if (rt_shape_n (&rt_graph_value (run->graph, run->outputs[0])->shape) == frames->length)
    return TRUE;
  g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
               "The network card %s: the output is not a frame of %u samples",
               eng_card_get_origin (run->card), frames->length);
  return FALSE;
}

static void
collect (EngTaskRun *run, guint step)
{
  Overlap *overlap = run->task_data;
  EngFrames *frames = run->front_data;

  if (run->bare)
    return;
  const float *output = rt_exec_value (run->exec, run->outputs[0]);
  gboolean again = run->second != NULL && eng_input_get_kind (run->input) == ENG_INPUT_SOUND;
  if (again)
    output = hear_again (run, output);
  overlap->failed |= output == NULL;
  if (output == NULL) /* said by what is heard: nothing from here on */
    return;
  float *to = overlap->sum + (gsize)step * frames->hop;
  for (guint i = 0; i < frames->length; i++)
    to[i] += output[i] * (again ? 1 : overlap->scale);
}

static EngResult *
finish (EngTaskRun *run)
{
  Overlap *overlap = run->task_data;
  EngFrames *frames = run->front_data;

  if (run->bare)
    return eng_task_tensor.finish (run);
  gsize n = eng_sound_get_n_samples (frames->sound);
  g_autoptr (EngSound) sound = eng_sound_new (run->rate_hz, n);
  memcpy (eng_sound_edit_samples (sound), overlap->sum + frames->lead,
          MIN (n, overlap->n - frames->lead) * sizeof (float));
  if (overlap->failed && run->note == NULL)
    run->note = g_strdup ("The second stage failed: a part of the sound is missing");
  EngResult *result = eng_result_new (ENG_RESULT_SOUND, run->input);
  eng_result_set_sound (result, sound);
  return result;
}

const EngTask eng_task_denoise = {
  .id = "denoise",
  .title = "Sound to sound",
  .surround = surround,
  .begin = begin,
  .collect = collect,
  .finish = finish,
};
