/* Front end: a sound, frame by frame, for networks that keep states from frame to frame.
 *
 * Card: "rate" in Hz (16000); "frame" samples are fed, "hop" new ones each step, so "frame" - "hop" of
 * them were fed before (zeros at the beginning); "input" (0); "magnitude": true feeds the magnitudes of
 * the frame's discrete Fourier transform instead; "constants": {"sr": 16000} feeds other inputs. */
#include "tasks/eng-tasks.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-json.h"
#include "tasks/eng-frames.h"

#define SECONDS_OF_NOISE 2

static void
frames_free (gpointer data)
{
  EngFrames *frames = data;
  eng_sound_unref (frames->sound);
  g_free (frames->frame);
  g_free (frames->spectrum);
  g_free (frames->magnitudes);
  g_free (frames);
}

/* In place, n a power of two: Cooley and Tukey 1965, decimation in time. */
void
eng_frames_fft (float complex *x, guint n, gboolean inverse)
{
  for (guint i = 1, j = 0; i < n; i++)
    {
      guint bit = n >> 1;
      for (; j & bit; bit >>= 1)
        j ^= bit;
      j ^= bit;
      if (i < j)
        {
          float complex swap = x[i];
          x[i] = x[j];
          x[j] = swap;
        }
    }
  for (guint length = 2; length <= n; length <<= 1)
    for (guint k = 0; k < length / 2; k++)
      {
        double angle = (inverse ? 2 : -2) * G_PI * k / length;
        float complex w = (float complex) (cos (angle) + I * sin (angle));
        for (guint i = k; i < n; i += length)
          {
            float complex odd = x[i + length / 2] * w;
            x[i + length / 2] = x[i] - odd;
            x[i] += odd;
          }
      }
}

static EngSound *
make_sound (EngInput *input, guint rate, GError **error)
{
  if (eng_input_get_kind (input) == ENG_INPUT_SOUND)
    return eng_sound_resample (eng_input_get_sound (input), rate, error);
  EngSound *noise = eng_sound_new (rate, SECONDS_OF_NOISE * (gsize)rate);
  eng_task_fill_random (RT_TYPE_F32, eng_sound_edit_samples (noise),
                        SECONDS_OF_NOISE * (guint64)rate, eng_input_get_seed (input));
  for (gsize i = 0; i < SECONDS_OF_NOISE * (gsize)rate; i++)
    eng_sound_edit_samples (noise)[i] *= 0.1f;
  return noise;
}

static guint
find_input (EngTaskRun *run, const char *name)
{
  for (guint i = 0; i < run->n_inputs; i++)
    if (strcmp (rt_graph_value (run->graph, run->inputs[i])->name, name) == 0)
      return i;
  return G_MAXUINT;
}

/* Everything that is not the frame: zeros, or what the card says. */
static void
feed_constants (EngTaskRun *run, guint frame_input)
{
  JsonObject *constants = eng_json_get_object (eng_card_get_front_options (run->card), "constants");
  for (guint i = 0; i < run->n_inputs; i++)
    {
      const RtValue *value = rt_graph_value (run->graph, run->inputs[i]);
      guint64 n = rt_shape_n (&value->shape);
      g_autofree guint8 *data = g_malloc0 (n * rt_type_bytes (value->type) + 1);
      if (i == frame_input)
        continue;
      double v = constants != NULL ? eng_json_get_double (constants, value->name) : NAN;
      for (guint64 k = 0; k < n && !isnan (v); k++)
        eng_element_set (value->type, data, k, v);
      rt_exec_set_input (run->exec, run->inputs[i], data);
    }
}

static gboolean
begin (EngTaskRun *run, EngInput *input, GError **error)
{
  JsonObject *options = eng_card_get_front_options (run->card);
  const char *name = eng_json_get_string (options, "input");
  EngFrames *frames = g_new0 (EngFrames, 1);

  frames->length = (guint)CLAMP (eng_card_number (options, "frame", 512), 1, 1 << 20);
  frames->hop = (guint)CLAMP (eng_card_number (options, "hop", frames->length), 1, frames->length);
  frames->magnitude = eng_json_get_bool (options, "magnitude", FALSE);
  frames->input = name != NULL ? find_input (run, name) : 0;
  frames->frame = g_new0 (float, frames->length);
  frames->spectrum = g_new0 (float complex, frames->length);
  frames->magnitudes = g_new0 (float, frames->length / 2 + 1);
  frames->sound
      = make_sound (input, (guint)CLAMP (eng_card_number (options, "rate", 16000), 1000, 768000),
                    error);
  if (frames->sound == NULL)
    frames->sound = eng_sound_new (16000, 1);
  eng_task_set_front_data (run, frames, frames_free);
  if (error != NULL && *error != NULL)
    return FALSE;

  guint n_fed = frames->magnitude ? frames->length / 2 + 1 : frames->length;
  const RtValue *value = frames->input < run->n_inputs
                             ? rt_graph_value (run->graph, run->inputs[frames->input])
                             : NULL;
  if (value == NULL || rt_shape_n (&value->shape) != n_fed
      || (frames->magnitude && (frames->length & (frames->length - 1)) != 0))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "The network card %s feeds frames of %u numbers, which no input takes",
                   eng_card_get_origin (run->card), n_fed);
      return FALSE;
    }
  gsize n = eng_sound_get_n_samples (frames->sound);
  run->n_steps = (guint)MAX (1, (n + frames->hop - 1) / frames->hop);
  run->rate_hz = eng_sound_get_rate (frames->sound);
  run->step_s = (double)frames->hop / run->rate_hz;
  feed_constants (run, frames->input);
  return TRUE;
}

static void
feed (EngTaskRun *run, guint step)
{
  EngFrames *frames = run->front_data;
  const float *samples = eng_sound_get_samples (frames->sound);
  gint64 n = (gint64)eng_sound_get_n_samples (frames->sound);
  gint64 first = (gint64)step * frames->hop - (gint64)(frames->length - frames->hop);

  for (guint i = 0; i < frames->length; i++)
    frames->frame[i] = first + i >= 0 && first + i < n ? samples[first + i] : 0;
  if (!frames->magnitude)
    {
      eng_task_feed_floats (run, frames->input, frames->frame, frames->length);
      return;
    }
  for (guint i = 0; i < frames->length; i++)
    frames->spectrum[i] = frames->frame[i];
  eng_frames_fft (frames->spectrum, frames->length, FALSE);
  for (guint i = 0; i <= frames->length / 2; i++)
    frames->magnitudes[i] = cabsf (frames->spectrum[i]);
  eng_task_feed_floats (run, frames->input, frames->magnitudes, frames->length / 2 + 1);
}

const EngFront eng_front_frames = {
  .id = "frames",
  .title = "Sounds, frame by frame",
  .inputs = 1 << ENG_INPUT_SOUND,
  .begin = begin,
  .feed = feed,
};
