/* Task: a sound out of a sound, frame by frame, overlapped and added.
 *
 * Card: "output" (0); "gain": true where the output is a gain per frequency of the fed magnitudes (then
 * the phase stays that of the input, and frames of a rectangular window add up to hop / length of
 * themselves); else the output is the frame itself. Westhausen and Meyer 2020, section 2. */
#include "tasks/eng-tasks.h"

#include <string.h>

#include "eng-json.h"
#include "eng-result-private.h"
#include "tasks/eng-frames.h"

typedef struct
{
  float *sum; /* [n + length] from -(length - hop) samples on */
  gsize n;
  float complex *spectrum; /* [length] */
  gboolean gain;
  guint output;
} Overlap;

static void
overlap_free (gpointer data)
{
  Overlap *overlap = data;
  g_free (overlap->sum);
  g_free (overlap->spectrum);
  g_free (overlap);
}

static gboolean
begin (EngTaskRun *run, GError **error)
{
  JsonObject *options = eng_card_get_task_options (run->card);
  if (run->rate_hz == 0) /* tensors: nothing to overlap */
    return TRUE;
  EngFrames *frames = run->front_data;
  Overlap *overlap = g_new0 (Overlap, 1);
  overlap->n = (gsize)run->n_steps * frames->hop + frames->length;
  overlap->sum = g_new0 (float, overlap->n);
  overlap->spectrum = g_new0 (float complex, frames->length);
  overlap->gain = eng_json_get_bool (options, "gain", FALSE);
  overlap->output = (guint)eng_card_number (options, "output", 0);
  eng_task_set_task_data (run, overlap, overlap_free);
  return TRUE;
}

static void
apply_gain (EngFrames *frames, Overlap *overlap, const float *gain)
{
  guint n = frames->length;
  for (guint i = 0; i < n; i++)
    overlap->spectrum[i] = frames->spectrum[i] * gain[i <= n / 2 ? i : n - i];
  eng_frames_fft (overlap->spectrum, n, TRUE);
}

static void
collect (EngTaskRun *run, guint step)
{
  Overlap *overlap = run->task_data;
  EngFrames *frames = run->front_data;
  gsize n;

  if (overlap == NULL || overlap->output >= run->n_outputs)
    return;
  g_autofree float *output = eng_task_dup_output (run, overlap->output, &n, NULL);
  float *to = overlap->sum + (gsize)step * frames->hop;
  if (overlap->gain && n == frames->length / 2 + 1)
    {
      float scale = (float)frames->hop / ((float)frames->length * (float)frames->length);
      apply_gain (frames, overlap, output);
      for (guint i = 0; i < frames->length; i++)
        to[i] += crealf (overlap->spectrum[i]) * scale;
    }
  else if (n == frames->length)
    for (guint i = 0; i < frames->length; i++)
      to[i] += output[i];
}

static EngResult *
finish (EngTaskRun *run)
{
  Overlap *overlap = run->task_data;
  if (overlap == NULL)
    return eng_task_tensor.finish (run);
  EngFrames *frames = run->front_data;
  gsize n = eng_sound_get_n_samples (frames->sound), lead = frames->length - frames->hop;
  g_autoptr (EngSound) sound = eng_sound_new (run->rate_hz, n);
  memcpy (eng_sound_edit_samples (sound), overlap->sum + lead,
          MIN (n, overlap->n - lead) * sizeof (float));
  EngResult *result = eng_result_new (ENG_RESULT_SOUND, run->input);
  eng_result_set_sound (result, sound);
  return result;
}

const EngTask eng_task_denoise = {
  .id = "denoise",
  .title = "Sound to sound",
  .begin = begin,
  .collect = collect,
  .finish = finish,
};
