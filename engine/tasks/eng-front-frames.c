/* Front end: a sound, frame by frame, for networks that keep states from frame to frame; and what
 * all front ends of sounds share.
 *
 * Card: "rate" in Hz (16000); "frame" samples are fed, "hop" new ones each step, so "frame" - "hop"
 * of them were fed before (zeros at the beginning); "input" (0); "magnitude": true feeds the
 * magnitudes of the frame's discrete Fourier transform instead; "constants": {"sr": 16000} feeds
 * other inputs. */
#include "tasks/eng-frames.h"

#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-json.h"
#include "ops/rt-ops-int8.h"
#include "ops/rt-ops-math.h"
#include "tasks/eng-tasks.h"

#define SECONDS_OF_NOISE 2
#define NOISE_LEVEL 0.1f
#define MAX_LENGTH (1u << 20)

/* ---- Making ---- */

gboolean
eng_frames_read (EngCard *card, const char *name, double fallback, guint least, guint most,
                 guint *value, GError **error)
{
  double v = eng_card_number (eng_card_get_front_options (card), name, fallback);
  if (v >= least && v <= most && v == floor (v))
    {
      *value = (guint)v;
      return TRUE;
    }
  g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
               "The network card %s: \"%s\" must be a whole number from %u to %u",
               eng_card_get_origin (card), name, least, most);
  return FALSE;
}

RtValueId
eng_frames_add_input (EngSurround *s, guint length, GError **error)
{
  RtShape shape = { 2, { 1, length } };
  return eng_surround_add_input (s, ENG_FRAMES_INPUT, RT_TYPE_F32, &shape, error);
}

static guint
find_input (const EngSurround *s)
{
  JsonObject *options = eng_card_get_front_options (s->card);
  const char *name = eng_json_get_string (options, "input");
  if (name == NULL)
    return eng_card_count (options, "input", 0);
  for (guint i = 0; i < s->imported->n_inputs; i++)
    if (strcmp (s->imported->inputs[i].name, name) == 0)
      return i;
  return G_MAXUINT;
}

gboolean
eng_frames_replace (EngSurround *s, RtValueId value, GError **error)
{
  guint index = find_input (s);
  if (value == RT_NONE)
    return FALSE;
  if (index >= s->imported->n_inputs)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "The network card %s: its \"input\" is none of the network's",
                   eng_card_get_origin (s->card));
      return FALSE;
    }
  const RtValue *wanted = eng_surround_input (s, index);
  const RtValue *given = rt_graph_value (s->graph, value);
  if (rt_shape_n (&wanted->shape) != rt_shape_n (&given->shape))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "The network card %s makes %" G_GUINT64_FORMAT " numbers of a window of sound; "
                   "input %s takes %" G_GUINT64_FORMAT,
                   eng_card_get_origin (s->card), rt_shape_n (&given->shape), wanted->name,
                   rt_shape_n (&wanted->shape));
      return FALSE;
    }
  RtShapeAttrs shape = { wanted->shape };
  value = eng_surround_add (s, FALSE, "lathe.shape", "reshape", &value, 1, &shape, error);
  if (wanted->quant != NULL && wanted->type != RT_TYPE_F32)
    {
      RtQuantizeAttrs quantize = { .type = (uint32_t)wanted->type };
      value
          = eng_surround_add (s, FALSE, "lathe.quantize", "quantize", &value, 1, &quantize, error);
    }
  return value != RT_NONE && eng_surround_replace_input (s, index, value, error);
}

/* The lower half of the spectrum's magnitudes; the upper one of a real signal mirrors it. */
static RtValueId
add_magnitudes (EngSurround *s, RtValueId samples, guint length, GError **error)
{
  RtShapeAttrs column = { { 3, { 1, length, 1 } } };
  RtDftAttrs dft = { .axis = 1, .length = length };
  RtSliceAttrs lower = { 1, { 1 }, { 0 }, { length / 2 + 1 }, { 1 } };
  RtReduceAttrs parts = { .n_axes = 1, .axes = { 2 } };

  RtValueId value
      = eng_surround_add (s, FALSE, "lathe.column", "reshape", &samples, 1, &column, error);
  value = eng_surround_add (s, FALSE, ENG_FRAMES_SPECTRUM, "dft", &value, 1, &dft, error);
  value = eng_surround_add (s, FALSE, "lathe.lower", "slice", &value, 1, &lower, error);
  value
      = eng_surround_add (s, FALSE, "lathe.energy", "reduce_sum_square", &value, 1, &parts, error);
  return eng_surround_add (s, FALSE, "lathe.magnitude", "sqrt", &value, 1, NULL, error);
}

static gboolean
surround (EngSurround *s, GError **error)
{
  guint length, hop;
  if (!eng_frames_read (s->card, "frame", 512, 1, MAX_LENGTH, &length, error)
      || !eng_frames_read (s->card, "hop", length, 1, length, &hop, error))
    return FALSE;
  RtValueId value = eng_frames_add_input (s, length, error);
  if (value != RT_NONE
      && eng_json_get_bool (eng_card_get_front_options (s->card), "magnitude", FALSE))
    value = add_magnitudes (s, value, length, error);
  return eng_frames_replace (s, value, error);
}

/* ---- Running ---- */

static void
frames_free (gpointer data)
{
  EngFrames *frames = data;
  eng_sound_unref (frames->sound);
  g_free (frames->frame);
  g_free (frames);
}

static EngSound *
make_sound (EngInput *input, guint rate, GError **error)
{
  gsize n = SECONDS_OF_NOISE * (gsize)rate;
  if (eng_input_get_kind (input) == ENG_INPUT_SOUND)
    return eng_sound_resample (eng_input_get_sound (input), rate, error);
  EngSound *noise = eng_sound_new (rate, n);
  eng_task_fill_random (RT_TYPE_F32, eng_sound_edit_samples (noise), n, eng_input_get_seed (input));
  for (gsize i = 0; i < n; i++)
    eng_sound_edit_samples (noise)[i] *= NOISE_LEVEL;
  return noise;
}

/* Everything that is not the window: zeros, or what the card says. */
static void
feed_constants (EngTaskRun *run)
{
  JsonObject *constants = eng_json_get_object (eng_card_get_front_options (run->card), "constants");
  for (guint i = 0; i < run->n_inputs; i++)
    {
      const RtValue *value = rt_graph_value (run->graph, run->inputs[i]);
      guint64 n = rt_shape_n (&value->shape);
      g_autofree guint8 *data = g_malloc0 (n * rt_type_bytes (value->type) + 1);
      if (strcmp (value->name, ENG_FRAMES_INPUT) == 0)
        continue;
      double v = constants != NULL ? eng_json_get_double (constants, value->name) : NAN;
      for (guint64 k = 0; k < n && !isnan (v); k++)
        eng_element_set (value->type, data, k, v);
      rt_exec_set_input (run->exec, run->inputs[i], data);
    }
}

gboolean
eng_frames_begin (EngTaskRun *run, EngInput *input, guint hop, gboolean whole, guint n_warm,
                  GError **error)
{
  guint rate;
  if (!eng_frames_read (run->card, "rate", 16000, 1000, 768000, &rate, error))
    return FALSE;
  g_autoptr (EngSound) sound = make_sound (input, rate, error);
  if (sound == NULL)
    return FALSE;

  EngFrames *frames = g_new0 (EngFrames, 1);
  RtValueId id = rt_graph_find_value (run->graph, ENG_FRAMES_INPUT);
  gsize n = eng_sound_get_n_samples (sound);
  frames->sound = g_steal_pointer (&sound);
  frames->length = (guint)rt_graph_value (run->graph, id)->shape.dims[1];
  frames->hop = hop;
  frames->lead = whole ? frames->length - hop : 0;
  frames->frame = g_new0 (float, frames->length);
  eng_task_set_front_data (run, frames, frames_free);

  gsize n_steps
      = whole ? (n + hop - 1) / hop : 1 + (n > frames->length ? (n - frames->length) / hop : 0);
  run->n_steps = (guint)CLAMP (n_steps, 1, G_MAXUINT);
  run->n_warm = MIN (n_warm, run->n_steps - 1);
  run->rate_hz = rate;
  run->step_s = (double)hop / rate;
  run->start_s = whole ? 0 : ((double)frames->length + (double)run->n_warm * hop) / rate;
  feed_constants (run);
  return TRUE;
}

void
eng_frames_feed (EngTaskRun *run, guint step)
{
  EngFrames *frames = run->front_data;
  const float *samples = eng_sound_get_samples (frames->sound);
  gint64 n = (gint64)eng_sound_get_n_samples (frames->sound);
  gint64 first = (gint64)step * frames->hop - (gint64)frames->lead;

  for (guint i = 0; i < frames->length; i++)
    frames->frame[i] = first + i >= 0 && first + i < n ? samples[first + i] : 0;
  rt_exec_set_input (run->exec, rt_graph_find_value (run->graph, ENG_FRAMES_INPUT), frames->frame);
}

static gboolean
begin (EngTaskRun *run, EngInput *input, GError **error)
{
  guint length, hop;
  return eng_frames_read (run->card, "frame", 512, 1, MAX_LENGTH, &length, error)
         && eng_frames_read (run->card, "hop", length, 1, length, &hop, error)
         && eng_frames_begin (run, input, hop, TRUE, 0, error);
}

const EngFront eng_front_frames = {
  .id = "frames",
  .title = "Sounds, frame by frame",
  .inputs = 1 << ENG_INPUT_SOUND,
  .surround = surround,
  .begin = begin,
  .feed = eng_frames_feed,
};
