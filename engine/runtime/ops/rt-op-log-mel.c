/* Sound to log mel energies or mel cepstral coefficients, frame by frame. Two frames share one
 * transform: one is its real part, the other its imaginary part (Cooley, Lewis and Welch 1970). All
 * in double precision, stored in f32. */
#include "rt-fft.h"
#include "rt-math.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LENGTH (1 << 16)

/* ---- mel scales ---- */

static double
to_mel (uint32_t filters, double hz)
{
  if (filters != RT_MEL_SLANEY)
    return 1127 * log1p (hz / 700);
  /* 15 mels to 1 kHz, then 27 for each factor of 6.4. */
  return hz < 1000 ? hz * 3 / 200 : 15 + 27 * log (hz / 1000) / log (6.4);
}

static double
to_hz (uint32_t filters, double mel)
{
  if (filters != RT_MEL_SLANEY)
    return 700 * expm1 (mel / 1127);
  return mel < 15 ? mel * 200 / 3 : 1000 * exp ((mel - 15) * log (6.4) / 27);
}

/* The weight of @bin in filter @mel. */
static double
filter_weight (const RtLogMelAttrs *attrs, size_t bin, size_t mel)
{
  double low = to_mel (attrs->filters, (double)attrs->low_hz);
  double step = (to_mel (attrs->filters, (double)attrs->high_hz) - low) / (attrs->n_mels + 1);
  double hz = (double)bin * attrs->sample_rate_hz / attrs->fft_length;
  double at = attrs->filters == RT_MEL_TENSORFLOW ? to_mel (attrs->filters, hz) : hz;
  double edge[3];

  if (attrs->filters == RT_MEL_TENSORFLOW && bin == 0)
    return 0;
  for (size_t k = 0; k < 3; k++)
    {
      edge[k] = low + (double)(mel + k) * step;
      if (attrs->filters != RT_MEL_TENSORFLOW)
        edge[k] = to_hz (attrs->filters, edge[k]);
    }
  double rise = (at - edge[0]) / (edge[1] - edge[0]), fall = (edge[2] - at) / (edge[2] - edge[1]);
  double weight = fmax (fmin (rise, fall), 0);
  return attrs->filters == RT_MEL_SLANEY ? weight * 2 / (edge[2] - edge[0]) : weight;
}

/* ---- constants of a node ---- */

/* In prepared memory, in this order. */
typedef struct
{
  const double *window;         /* [frame_length] */
  const double *weights;        /* [n_mels, n_bins] */
  const double *cosines;        /* [n_mfcc, n_mels] */
  const uint32_t *first, *last; /* [n_mels] bins that a filter counts */
  const void *plan;
} Constants;

static size_t
n_bins (const RtLogMelAttrs *attrs)
{
  return attrs->fft_length / 2 + 1;
}

/* Doubles before the plan; the filters' ranges take one each. */
static size_t
n_doubles (const RtLogMelAttrs *attrs)
{
  return attrs->frame_length + attrs->n_mels * n_bins (attrs) + attrs->n_mfcc * attrs->n_mels
         + attrs->n_mels;
}

static Constants
constants_of (const RtLogMelAttrs *attrs, const void *memory)
{
  const double *at = memory;
  Constants c = { .window = at };
  c.weights = at += attrs->frame_length;
  c.cosines = at += attrs->n_mels * n_bins (attrs);
  at += attrs->n_mfcc * attrs->n_mels;
  c.first = (const uint32_t *)(const void *)at;
  c.last = c.first + attrs->n_mels;
  c.plan = at + attrs->n_mels;
  return c;
}

static uint64_t
log_mel_prepared_bytes (const RtOpQuery *query)
{
  const RtLogMelAttrs *attrs = query->node->attrs;
  return n_doubles (attrs) * sizeof (double) + rt_fft_plan_bytes (attrs->fft_length);
}

static double
hann (const RtLogMelAttrs *attrs, size_t i)
{
  double period = attrs->symmetric_window ? attrs->frame_length - 1.0 : attrs->frame_length;
  return attrs->frame_length == 1 ? 1 : 0.5 - 0.5 * cos (2 * M_PI * (double)i / period);
}

static double
dct_factor (const RtLogMelAttrs *attrs, size_t k, size_t mel)
{
  double n = attrs->n_mels;
  double scale = sqrt (2 / n) * (k == 0 && attrs->orthonormal ? M_SQRT1_2 : 1);
  return scale * cos (M_PI * (double)k * ((double)mel + 0.5) / n);
}

static void
log_mel_prepare (const RtOpContext *context, void *memory)
{
  const RtLogMelAttrs *attrs = context->attrs;
  double *at = memory;

  for (size_t i = 0; i < attrs->frame_length; i++)
    *at++ = hann (attrs, i);
  const double *weights = at;
  for (size_t mel = 0; mel < attrs->n_mels; mel++)
    for (size_t bin = 0; bin < n_bins (attrs); bin++)
      *at++ = filter_weight (attrs, bin, mel);
  for (size_t k = 0; k < attrs->n_mfcc; k++)
    for (size_t mel = 0; mel < attrs->n_mels; mel++)
      *at++ = dct_factor (attrs, k, mel);
  uint32_t *first = (uint32_t *)(void *)at, *last = first + attrs->n_mels;
  for (size_t mel = 0; mel < attrs->n_mels; mel++)
    {
      const double *row = weights + mel * n_bins (attrs);
      uint32_t from = 0, to = (uint32_t)n_bins (attrs);
      while (to > 0 && row[to - 1] == 0)
        to--;
      while (from < to && row[from] == 0)
        from++;
      first[mel] = from;
      last[mel] = to;
    }
  rt_fft_plan (attrs->fft_length, at + attrs->n_mels);
}

/* ---- infer ---- */

static bool
log_mel_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
               RtError *error)
{
  const RtLogMelAttrs *a = node->attrs;
  const RtValue *x = rt_op_input_value (graph, node, 0);
  char text[128];

  if (!rt_math_check_type (graph, node, 0, RT_MATH_F32, error))
    return false;
  if (x->shape.n_dims != 1 && (x->shape.n_dims != 2 || x->shape.dims[0] != 1))
    return rt_fail (error, RT_ERROR_FORMAT, "%s: expected samples [n] or [1, n], got shape %s",
                    x->name, rt_shape_text (&x->shape, text, sizeof text));
  if (a->frame_length < 1 || a->frame_step < 1 || a->frame_length > a->fft_length
      || a->fft_length > MAX_LENGTH || a->n_frames < 1)
    return rt_fail (error, RT_ERROR_RANGE,
                    "%u frames of %u samples, %u apart, transformed with length %u", a->n_frames,
                    a->frame_length, a->frame_step, a->fft_length);
  if (a->n_mels < 1 || a->n_mels > a->fft_length || a->n_mfcc > a->n_mels
      || !(a->high_hz > a->low_hz) || a->low_hz < 0 || a->sample_rate_hz == 0 || !(a->floor > 0)
      || a->power < 1 || a->power > 2 || a->filters > RT_MEL_SLANEY
      || a->frames > RT_FRAMES_REFLECTED)
    return rt_fail (
        error, RT_ERROR_RANGE,
        "%u mel filters from %g to %g Hz at %u Hz, %u coefficients, power %u, floor %g: "
        "out of range",
        a->n_mels, (double)a->low_hz, (double)a->high_hz, a->sample_rate_hz, a->n_mfcc, a->power,
        (double)a->floor);
  shapes[0]
      = (RtShape){ .n_dims = 2, .dims = { a->n_frames, a->n_mfcc > 0 ? a->n_mfcc : a->n_mels } };
  types[0] = RT_TYPE_F32;
  return true;
}

/* ---- run ---- */

static size_t
buffer_doubles (const RtLogMelAttrs *attrs)
{
  return 2 * (size_t)attrs->fft_length + rt_fft_scratch (attrs->fft_length) + n_bins (attrs)
         + attrs->n_mels;
}

static void
log_mel_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  *thread_bytes = buffer_doubles (query->node->attrs) * sizeof (double);
}

static size_t
n_pairs (const RtLogMelAttrs *attrs)
{
  return (attrs->n_frames + 1) / 2;
}

static uint32_t
log_mel_chunks (const RtOpContext *context, uint32_t phase)
{
  const RtLogMelAttrs *attrs = context->attrs;
  return rt_split (n_pairs (attrs), (size_t)attrs->fft_length * 512, context->n_threads);
}

/* Sample @i, which may lie outside. */
static double
sample (const RtLogMelAttrs *attrs, const float *x, int64_t n, int64_t i)
{
  if (attrs->frames == RT_FRAMES_REFLECTED && n > 1)
    {
      int64_t period = 2 * (n - 1);
      i = (i % period + period) % period;
      i = i < n ? i : period - i;
    }
  return i >= 0 && i < n ? (double)x[i] : 0;
}

/* Frame @frame times the window, in every second place of @to [fft_length, 2], the rest zero. A
 * shorter window stands in the middle of a centred transform. */
static void
load_frame (const RtOpContext *context, const double *window, size_t frame, double *to)
{
  const RtLogMelAttrs *attrs = context->attrs;
  const RtShape *shape = &context->inputs[0].shape;
  int64_t n = shape->dims[shape->n_dims - 1], first = (int64_t)frame * attrs->frame_step;
  size_t skip = 0;

  if (attrs->frames != RT_FRAMES_FROM_START)
    {
      skip = (attrs->fft_length - attrs->frame_length) / 2;
      first -= attrs->fft_length / 2;
    }
  for (size_t i = 0; i < attrs->fft_length; i++)
    to[2 * i] = 0;
  for (size_t i = 0; i < attrs->frame_length; i++)
    to[2 * (skip + i)]
        = sample (attrs, context->inputs[0].data, n, first + (int64_t)(skip + i)) * window[i];
}

/* From the spectrum [n_bins] of powers to the output row. */
static void
finish_frame (const RtLogMelAttrs *attrs, const Constants *c, const double *spectrum, double *mels,
              float *y)
{
  for (size_t mel = 0; mel < attrs->n_mels; mel++)
    {
      const double *weights = c->weights + mel * n_bins (attrs);
      double sum = 0;
      for (size_t bin = c->first[mel]; bin < c->last[mel]; bin++)
        sum += weights[bin] * spectrum[bin];
      double floor = (double)attrs->floor;
      sum = attrs->add_floor ? sum + floor : sum < floor ? floor : sum;
      mels[mel] = log (sum) * (double)attrs->log_scale + (double)attrs->log_offset;
    }
  if (attrs->n_mfcc == 0)
    for (size_t mel = 0; mel < attrs->n_mels; mel++)
      y[mel] = (float)mels[mel];
  for (size_t k = 0; k < attrs->n_mfcc; k++)
    {
      double sum = 0;
      for (size_t mel = 0; mel < attrs->n_mels; mel++)
        sum += c->cosines[k * attrs->n_mels + mel] * mels[mel];
      y[k] = (float)sum;
    }
}

/* Frames @frame and @frame + 1, of which the second may not be wanted: with Z the transform of a +
 * i b, A_k = (Z_k + conj Z_(n - k)) / 2 and B_k = (Z_k - conj Z_(n - k)) / 2 i. */
static void
frame_pair (const RtOpContext *context, const Constants *c, size_t frame, double *z)
{
  const RtLogMelAttrs *attrs = context->attrs;
  size_t n = attrs->fft_length, width = attrs->n_mfcc > 0 ? attrs->n_mfcc : attrs->n_mels;
  double *scratch = z + 2 * n, *spectrum = scratch + rt_fft_scratch (n);
  bool both = frame + 1 < attrs->n_frames;

  load_frame (context, c->window, frame, z);
  load_frame (context, c->window, frame + (both ? 1 : 0), z + 1);
  rt_fft_run (c->plan, false, z, scratch);
  for (size_t which = 0; which < (both ? 2 : 1); which++)
    {
      double sign = which == 0 ? 1 : -1;
      for (size_t k = 0; k < n_bins (attrs); k++)
        {
          size_t other = (n - k) % n;
          double re = (z[2 * k] + sign * z[2 * other]) / 2;
          double im = (z[2 * k + 1] - sign * z[2 * other + 1]) / 2;
          double power = re * re + im * im;
          spectrum[k] = attrs->power == 2 ? power : sqrt (power);
        }
      finish_frame (attrs, c, spectrum, spectrum + n_bins (attrs),
                    (float *)context->outputs[0].data + (frame + which) * width);
    }
}

static void
log_mel_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtLogMelAttrs *attrs = context->attrs;
  Constants c = constants_of (attrs, context->prepared);
  uint64_t first, last;

  rt_split_range (n_pairs (attrs), log_mel_chunks (context, 0), chunk, &first, &last);
  for (uint64_t pair = first; pair < last; pair++)
    frame_pair (context, &c, 2 * pair, rt_op_thread_scratch (context, worker));
}

/* ---- reference: every step by its formula, each frame on its own ---- */

static double
reference_power (const RtOpContext *context, const double *frame, size_t bin)
{
  const RtLogMelAttrs *attrs = context->attrs;
  size_t n = attrs->fft_length;
  double re = 0, im = 0;

  for (size_t i = 0; i < n; i++)
    {
      double angle = 2 * M_PI * (double)(i * bin % n) / (double)n;
      re += frame[2 * i] * cos (angle);
      im += frame[2 * i] * sin (angle);
    }
  return attrs->power == 2 ? re * re + im * im : hypot (re, im);
}

static void
reference_frame (const RtOpContext *context, size_t frame, const double *window, double *z,
                 double *power, double *mels)
{
  const RtLogMelAttrs *attrs = context->attrs;
  size_t width = attrs->n_mfcc > 0 ? attrs->n_mfcc : attrs->n_mels;
  float *y = (float *)context->outputs[0].data + frame * width;

  load_frame (context, window, frame, z);
  for (size_t bin = 0; bin < n_bins (attrs); bin++)
    power[bin] = reference_power (context, z, bin);
  for (size_t mel = 0; mel < attrs->n_mels; mel++)
    {
      double sum = 0, floor = (double)attrs->floor;
      for (size_t bin = 0; bin < n_bins (attrs); bin++)
        sum += filter_weight (attrs, bin, mel) * power[bin];
      mels[mel]
          = log (attrs->add_floor ? sum + floor : fmax (sum, floor)) * (double)attrs->log_scale
            + (double)attrs->log_offset;
    }
  for (size_t k = 0; k < width; k++)
    {
      double sum = attrs->n_mfcc > 0 ? 0 : mels[k];
      for (size_t mel = 0; attrs->n_mfcc > 0 && mel < attrs->n_mels; mel++)
        sum += dct_factor (attrs, k, mel) * mels[mel];
      y[k] = (float)sum;
    }
}

static void
log_mel_reference (const RtOpContext *context)
{
  const RtLogMelAttrs *attrs = context->attrs;
  double *window = rt_reference_alloc (attrs->frame_length * sizeof *window);
  double *z = rt_reference_alloc (2 * (size_t)attrs->fft_length * sizeof *z);
  double *power = rt_reference_alloc (n_bins (attrs) * sizeof *power);
  double *mels = rt_reference_alloc (attrs->n_mels * sizeof *mels);

  for (size_t i = 0; i < attrs->frame_length; i++)
    window[i] = hann (attrs, i);
  for (size_t frame = 0; frame < attrs->n_frames; frame++)
    reference_frame (context, frame, window, z, power, mels);
  free (window);
  free (z);
  free (power);
  free (mels);
}

static void
log_mel_cost (const RtOpQuery *query, RtCost *cost)
{
  const RtLogMelAttrs *attrs = query->node->attrs;
  double n = attrs->fft_length;

  rt_op_cost_io (query, cost);
  /* One complex transform per two frames; filters overlap twice. */
  cost->flops = attrs->n_frames
                * (uint64_t)(2.5 * n * log2 (n) + 6 * n + 2.0 * attrs->n_mfcc * attrs->n_mels);
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD_SIZE (RtLogMelAttrs, sample_rate_hz),
  RT_FIELD (RtLogMelAttrs, frame_length, 1, MAX_LENGTH),
  RT_FIELD_SIZE (RtLogMelAttrs, frame_step),
  RT_FIELD (RtLogMelAttrs, fft_length, 1, MAX_LENGTH),
  RT_FIELD_SIZE (RtLogMelAttrs, n_frames),
  RT_FIELD (RtLogMelAttrs, frames, 0, RT_FRAMES_REFLECTED),
  RT_FIELD_FLAG (RtLogMelAttrs, symmetric_window),
  RT_FIELD (RtLogMelAttrs, power, 1, 2),
  RT_FIELD (RtLogMelAttrs, n_mels, 1, MAX_LENGTH),
  RT_FIELD (RtLogMelAttrs, filters, 0, RT_MEL_SLANEY),
  RT_FIELD (RtLogMelAttrs, low_hz, 0, 1e9),
  RT_FIELD (RtLogMelAttrs, high_hz, 0, 1e9),
  RT_FIELD_POSITIVE (RtLogMelAttrs, floor),
  RT_FIELD_FLAG (RtLogMelAttrs, add_floor),
  RT_FIELD_FINITE (RtLogMelAttrs, log_scale),
  RT_FIELD_FINITE (RtLogMelAttrs, log_offset),
  RT_FIELD (RtLogMelAttrs, n_mfcc, 0, MAX_LENGTH),
  RT_FIELD_FLAG (RtLogMelAttrs, orthonormal),
};
/* clang-format on */

const RtOp rt_op_log_mel = {
  .name = "log_mel",
  .title = "Mel spectrogram",
  .attrs_bytes = sizeof (RtLogMelAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = log_mel_infer,
  .prepared_bytes = log_mel_prepared_bytes,
  .prepare = log_mel_prepare,
  .scratch = log_mel_scratch,
  .n_phases = 1,
  .n_chunks = log_mel_chunks,
  .run = log_mel_run,
  .reference = log_mel_reference,
  .cost = log_mel_cost,
};
