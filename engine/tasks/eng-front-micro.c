/* Front end: the features of TensorFlow Lite Micro's audio front end: mel energies' roots with the
 * steady noise taken away, per-channel automatic gain (Wang et al. 2017, "Trainable frontend for
 * robust and far-field keyword spotting") and a logarithm. Its fixed-point steps are roundings of
 * nodes in real numbers here; numbers between steps are those of 16-bit samples.
 *
 * Noise estimates live from step to step. Each step makes "advance" new frames; "frames" of them
 * are the network's input, the older ones remembered.
 *
 * Card: "rate" (16000), "frame_length" and "frame_step" in samples (480, 160), "frames", "advance"
 * (1), "mels" (40), "low_hz" (125), "high_hz" (7500), "scale" of a feature in the network's
 * input. */
#include "tasks/eng-frames.h"

#include <math.h>

#include "eng-error.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops-move.h"
#include "tasks/eng-tasks.h"

/* The defaults of the front end. */
#define SMOOTHING_EVEN 0.025f
#define SMOOTHING_ODD 0.06f
#define SIGNAL_REMAINING 0.05
#define GAIN_STRENGTH 0.95f
#define GAIN_OFFSET 80
#define LOG_SCALE 64.0 /* 2^scale_shift */

/* Roots of energies are counted in eighths: 2^-correction_bits for a transform of 512. */
#define UNIT 8.0

#define MAX_FRAMES 1024

typedef struct
{
  EngSurround *s;
  GError **error;
  guint mels;
  guint frame; /* of the step: part of its nodes' names */
  RtValueId smoothing, steady, strength, threshold;
} Making;

typedef struct
{
  guint rate, length, step, frames, advance, mels;
} Counts;

static gboolean
read_counts (EngCard *card, Counts *c, GError **error)
{
  return eng_frames_read (card, "rate", 16000, 1000, 768000, &c->rate, error)
         && eng_frames_read (card, "frame_length", 480, 1, 1 << 16, &c->length, error)
         && eng_frames_read (card, "frame_step", 160, 1, 1 << 16, &c->step, error)
         && eng_frames_read (card, "frames", -1, 1, MAX_FRAMES, &c->frames, error)
         && eng_frames_read (card, "advance", 1, 1, c->frames, &c->advance, error)
         && eng_frames_read (card, "mels", 40, 1, 1024, &c->mels, error);
}

static RtValueId
add_node (Making *m, const char *name, const char *op, const RtValueId *inputs, guint n,
          gconstpointer attrs)
{
  g_autofree char *full
      = m->frame > 0 ? g_strdup_printf ("%s_%u", name, m->frame) : g_strdup (name);
  return eng_surround_add (m->s, FALSE, full, op, inputs, n, attrs, m->error);
}

static RtValueId
add1 (Making *m, const char *name, const char *op, RtValueId x, gconstpointer attrs)
{
  return add_node (m, name, op, &x, 1, attrs);
}

static RtValueId
add2 (Making *m, const char *name, const char *op, RtValueId a, RtValueId b)
{
  RtValueId both[2] = { a, b };
  return add_node (m, name, op, both, 2, NULL);
}

static RtValueId
add_affine (Making *m, const char *name, RtValueId x, double a, double b)
{
  RtUnaryAttrs attrs = { a, b };
  return add1 (m, name, "affine", x, &attrs);
}

/* ---- The steps for one frame, all f32 [1, mels] ---- */

/* Mel energies (natural logarithm, samples of -1 .. 1) -> roots of those of 16-bit samples. */
static RtValueId
add_roots (Making *m, RtValueId log_energies)
{
  RtValueId x = add_affine (m, "lathe.half", log_energies, 0.5, log (32768 / UNIT));
  x = add1 (m, "lathe.root", "exp", x, NULL);
  return add1 (m, "lathe.signal", "floor", x, NULL);
}

/* estimate += smoothing * (signal - estimate) */
static RtValueId
add_estimate (Making *m, RtValueId signal, RtValueId before)
{
  RtValueId new_part = add2 (m, "lathe.noise_new", "mul", signal, m->smoothing);
  RtValueId old_part = add2 (m, "lathe.noise_old", "mul", before, m->steady);
  return add2 (m, "lathe.noise", "add", new_part, old_part);
}

static RtValueId
add_subtracted (Making *m, RtValueId signal, RtValueId estimate)
{
  RtValueId noise = add2 (m, "lathe.noise_most", "min", estimate, signal);
  RtValueId rest = add2 (m, "lathe.rest", "sub", signal, noise);
  RtValueId least = add_affine (m, "lathe.rest_least", signal, SIGNAL_REMAINING, 0);
  RtValueId x = add2 (m, "lathe.subtracted", "max", rest, least);
  return add1 (m, "lathe.subtracted_whole", "floor", x, NULL);
}

/* 64 times a soft root of the signal over the noise: the square below 2, a line above. */
static RtValueId
add_gain (Making *m, RtValueId signal, RtValueId estimate)
{
  RtValueId level = add_affine (m, "lathe.level", estimate, UNIT, GAIN_OFFSET);
  RtValueId gain = add2 (m, "lathe.gain", "pow", level, m->strength);
  RtValueId loud = add_affine (m, "lathe.loud", signal, UNIT, 0);
  RtValueId ratio = add2 (m, "lathe.ratio", "mul", loud, gain);
  RtValueId square = add1 (m, "lathe.square", "square", ratio, NULL);
  RtValueId below = add_affine (m, "lathe.below", square, 16, 0);
  RtValueId above = add_affine (m, "lathe.above", ratio, 64, -64);
  RtValueId is_below = add2 (m, "lathe.is_below", "less", ratio, m->threshold);
  RtValueId parts[3] = { is_below, below, above };
  RtValueId x = add_node (m, "lathe.compressed", "where", parts, 3, NULL);
  return add1 (m, "lathe.compressed_whole", "floor", x, NULL);
}

/* 64 log (8 x), 0 for x = 0. */
static RtValueId
add_log (Making *m, RtValueId x)
{
  RtUnaryAttrs least = { 1, INFINITY };
  x = add_affine (m, "lathe.unit", x, UNIT, 0);
  x = add1 (m, "lathe.at_least", "clip", x, &least);
  x = add1 (m, "lathe.log", "log", x, NULL);
  x = add_affine (m, "lathe.log_scale", x, LOG_SCALE, 0);
  return add1 (m, "lathe.feature", "round", x, NULL);
}

/* ---- All frames of a step ---- */

static gboolean
set_next (Making *m, RtValueId state, RtValueId value)
{
  RtError rt_error = { 0 };
  if (state == RT_NONE || value == RT_NONE)
    return FALSE;
  if (rt_graph_set_next (m->s->graph, state, value, &rt_error))
    return TRUE;
  return eng_error_take_rt (&rt_error, m->error);
}

static RtValueId
add_state (Making *m, const char *name, guint rows)
{
  RtShape shape = { 2, { rows, m->mels } };
  RtError rt_error = { 0 };
  RtValueId id = rt_graph_add_state (m->s->graph, name, RT_TYPE_F32, &shape, NULL, &rt_error);
  if (id == RT_NONE)
    eng_error_take_rt (&rt_error, m->error);
  return id;
}

static gboolean
add_constants (Making *m)
{
  g_autofree float *smoothing = g_new (float, m->mels), *steady = g_new (float, m->mels);
  static const float strength = -GAIN_STRENGTH, threshold = 2;
  RtShape row = { 2, { 1, m->mels } }, one = { 2, { 1, 1 } };

  for (guint i = 0; i < m->mels; i++)
    {
      smoothing[i] = i % 2 == 0 ? SMOOTHING_EVEN : SMOOTHING_ODD;
      steady[i] = 1 - smoothing[i];
    }
  m->smoothing = eng_surround_add_constant (m->s, "lathe.smoothing", &row, smoothing, m->error);
  m->steady = eng_surround_add_constant (m->s, "lathe.steady", &row, steady, m->error);
  m->strength = eng_surround_add_constant (m->s, "lathe.strength", &one, &strength, m->error);
  m->threshold = eng_surround_add_constant (m->s, "lathe.threshold", &one, &threshold, m->error);
  return m->smoothing != RT_NONE && m->steady != RT_NONE && m->strength != RT_NONE
         && m->threshold != RT_NONE;
}

static RtValueId
add_frames (Making *m, RtValueId energies, guint n)
{
  RtValueId noise = add_state (m, "lathe.noise_before", 1), estimate = noise;
  g_autofree RtValueId *rows = g_new (RtValueId, n);
  RtAxisAttrs axis = { 0 };

  for (guint i = 0; i < n; i++)
    {
      RtSliceAttrs row = { 1, { 0 }, { i }, { i + 1 }, { 1 } };
      m->frame = i;
      RtValueId signal = add_roots (m, add1 (m, "lathe.frame", "slice", energies, &row));
      estimate = add_estimate (m, signal, estimate);
      signal = add_subtracted (m, signal, estimate);
      rows[i] = add_log (m, add_gain (m, signal, estimate));
    }
  m->frame = 0;
  if (!set_next (m, noise, estimate))
    return RT_NONE;
  return n == 1 ? rows[0] : add_node (m, "lathe.new", "concat", rows, n, &axis);
}

/* The newest @frames rows, of those before and @n new ones. */
static RtValueId
add_memory (Making *m, RtValueId rows, guint n, guint frames)
{
  RtSliceAttrs newest = { 1, { 0 }, { n }, { frames }, { 1 } };
  RtAxisAttrs axis = { 0 };

  if (n == frames)
    return rows;
  RtValueId before = add_state (m, "lathe.frames_before", frames);
  RtValueId parts[2] = { add1 (m, "lathe.older", "slice", before, &newest), rows };
  RtValueId all = add_node (m, "lathe.frames", "concat", parts, 2, &axis);
  return set_next (m, before, all) ? all : RT_NONE;
}

static guint
power_of_two (guint n)
{
  guint p = 1;
  while (p < n)
    p *= 2;
  return p;
}

static gboolean
surround (EngSurround *s, GError **error)
{
  JsonObject *options = eng_card_get_front_options (s->card);
  Counts c;
  if (!read_counts (s->card, &c, error))
    return FALSE;
  RtLogMelAttrs mel = { .sample_rate_hz = c.rate,
                        .frame_length = c.length,
                        .frame_step = c.step,
                        .fft_length = power_of_two (c.length),
                        .n_frames = c.advance,
                        .power = 2,
                        .n_mels = c.mels,
                        .filters = RT_MEL_TENSORFLOW,
                        .low_hz = (float)eng_card_number (options, "low_hz", 125),
                        .high_hz = (float)eng_card_number (options, "high_hz", 7500),
                        .floor = 1e-20f,
                        .log_scale = 1 };
  Making m = { .s = s, .error = error, .mels = c.mels };
  RtValueId value = eng_frames_add_input (s, c.length + (c.advance - 1) * c.step, error);
  if (!add_constants (&m))
    return FALSE;
  value = add1 (&m, "lathe.mel", "log_mel", value, &mel);
  value = add_memory (&m, add_frames (&m, value, c.advance), c.advance, c.frames);
  value = add_affine (&m, "lathe.scale", value, eng_card_number (options, "scale", 1), 0);
  return eng_frames_replace (s, value, error);
}

static gboolean
begin (EngTaskRun *run, EngInput *input, GError **error)
{
  Counts c;
  return read_counts (run->card, &c, error)
         && eng_frames_begin (run, input, c.advance * c.step, FALSE,
                              (c.frames - c.advance + c.advance - 1) / c.advance, error);
}

const EngFront eng_front_micro = {
  .id = "micro",
  .title = "Sounds, as TensorFlow Lite Micro hears them",
  .inputs = 1 << ENG_INPUT_SOUND,
  .surround = surround,
  .begin = begin,
  .feed = eng_frames_feed,
};
