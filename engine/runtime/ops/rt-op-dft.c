/* Fourier transforms of signals: dft along one axis, stft over windows that move along. Computed in
 * double precision, stored in f32. */
#include "rt-fft.h"
#include "rt-math.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Longer ones are refused: a plan is some 100 bytes a number. */
#define MAX_LENGTH (1 << 24)

static size_t
align (size_t n)
{
  return (n + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
}

/* One transform: its numbers and what the plan needs. */
static size_t
buffer_bytes (size_t n)
{
  return align ((2 * n + rt_fft_scratch (n)) * sizeof (double));
}

/* ---- dft ---- */

static bool
dft_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtDftAttrs *attrs = node->attrs;
  const RtValue *x = rt_op_input_value (graph, node, 0);
  uint32_t n_dims = x->shape.n_dims, axis;
  char text[128];

  if (!rt_math_check_type (graph, node, 0, RT_MATH_F32, error)
      || !rt_math_axis (node, attrs->axis, n_dims, &axis, error))
    return false;
  int64_t parts = x->shape.dims[n_dims - 1];
  if (rt_math_has_symbols (&x->shape) || axis == n_dims - 1 || (parts != 1 && parts != 2))
    return rt_fail (
        error, RT_ERROR_FORMAT,
        "%s: expected known dimensions, the last of them 1 or 2 (real, complex) and not "
        "the axis, got shape %s",
        x->name, rt_shape_text (&x->shape, text, sizeof text));
  int64_t length = attrs->length > 0 ? attrs->length : x->shape.dims[axis];
  if (length < 1 || length > MAX_LENGTH)
    return rt_fail (error, RT_ERROR_RANGE, "A transform of length %lld", (long long)length);
  if (attrs->onesided && (attrs->inverse || parts == 2))
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "%s: one side of a transform is that of real numbers, forward", x->name);
  shapes[0] = x->shape;
  shapes[0].dims[axis] = attrs->onesided ? length / 2 + 1 : length;
  shapes[0].dims[n_dims - 1] = 2;
  types[0] = RT_TYPE_F32;
  return true;
}

/* @outer times @inner signals of @n_in complex or real numbers, @inner apart. */
typedef struct
{
  size_t outer, inner, n_in, n_out, length, parts;
} Signals;

static Signals
signals_of (const RtDftAttrs *attrs, const RtShape *x)
{
  uint32_t last = x->n_dims - 1;
  uint32_t axis = (uint32_t)(attrs->axis < 0 ? attrs->axis + (int32_t)x->n_dims : attrs->axis);
  Signals s = { rt_math_product (x, 0, axis),
                rt_math_product (x, axis + 1, last),
                (size_t)x->dims[axis],
                0,
                attrs->length > 0 ? (size_t)attrs->length : (size_t)x->dims[axis],
                (size_t)x->dims[last] };
  s.n_out = attrs->onesided ? s.length / 2 + 1 : s.length;
  return s;
}

static Signals
node_signals (const RtOpQuery *query)
{
  return signals_of (query->node->attrs, &rt_op_input_value (query->graph, query->node, 0)->shape);
}

static uint64_t
dft_prepared_bytes (const RtOpQuery *query)
{
  return rt_fft_plan_bytes (node_signals (query).length);
}

static void
dft_prepare (const RtOpContext *context, void *memory)
{
  rt_fft_plan (signals_of (context->attrs, &context->inputs[0].shape).length, memory);
}

static void
dft_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  *thread_bytes = buffer_bytes (node_signals (query).length);
}

static uint32_t
dft_chunks (const RtOpContext *context, uint32_t phase)
{
  Signals s = signals_of (context->attrs, &context->inputs[0].shape);
  return rt_split (s.outer * s.inner, s.length * 256, context->n_threads);
}

/* Signal @index, cut or padded to the length. */
static void
load_signal (const RtOpContext *context, const Signals *s, size_t index, double *to)
{
  const float *x = (const float *)context->inputs[0].data
                   + (index / s->inner * s->n_in * s->inner + index % s->inner) * s->parts;
  size_t n = s->n_in < s->length ? s->n_in : s->length;

  memset (to, 0, 2 * s->length * sizeof *to);
  for (size_t i = 0; i < n; i++, x += s->inner * s->parts)
    {
      to[2 * i] = (double)x[0];
      to[2 * i + 1] = s->parts == 2 ? (double)x[1] : 0;
    }
}

static void
dft_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtDftAttrs *attrs = context->attrs;
  Signals s = signals_of (attrs, &context->inputs[0].shape);
  double *buffer = rt_op_thread_scratch (context, worker);
  uint64_t first, last;

  rt_split_range (s.outer * s.inner, dft_chunks (context, 0), chunk, &first, &last);
  for (uint64_t index = first; index < last; index++)
    {
      float *y = (float *)context->outputs[0].data
                 + (index / s.inner * s.n_out * s.inner + index % s.inner) * 2;
      load_signal (context, &s, index, buffer);
      rt_fft_run (context->prepared, attrs->inverse, buffer, buffer + 2 * s.length);
      for (size_t k = 0; k < s.n_out; k++, y += 2 * s.inner)
        {
          y[0] = (float)buffer[2 * k];
          y[1] = (float)buffer[2 * k + 1];
        }
    }
}

/* Number @k of the transform of x [n], from its definition. */
static void
definition (const double *x, size_t n, size_t k, bool inverse, double *re, double *im)
{
  *re = *im = 0;
  for (size_t j = 0; j < n; j++)
    {
      double angle = (inverse ? 2 : -2) * M_PI * (double)(j * k % n) / (double)n;
      *re += x[2 * j] * cos (angle) - x[2 * j + 1] * sin (angle);
      *im += x[2 * j] * sin (angle) + x[2 * j + 1] * cos (angle);
    }
  *re /= inverse ? (double)n : 1;
  *im /= inverse ? (double)n : 1;
}

static void
dft_reference (const RtOpContext *context)
{
  const RtDftAttrs *attrs = context->attrs;
  Signals s = signals_of (attrs, &context->inputs[0].shape);
  double *x = rt_reference_alloc (2 * s.length * sizeof *x);

  for (size_t index = 0; index < s.outer * s.inner; index++)
    {
      load_signal (context, &s, index, x);
      for (size_t k = 0; k < s.n_out; k++)
        {
          float *y = (float *)context->outputs[0].data
                     + ((index / s.inner * s.n_out + k) * s.inner + index % s.inner) * 2;
          double re, im;
          definition (x, s.length, k, attrs->inverse, &re, &im);
          y[0] = (float)re;
          y[1] = (float)im;
        }
    }
  free (x);
}

/* 5 n log2 n, as one counts it. */
static uint64_t
fft_flops (size_t n)
{
  return n > 1 ? (uint64_t)(5 * (double)n * log2 ((double)n)) : 0;
}

static void
dft_cost (const RtOpQuery *query, RtCost *cost)
{
  Signals s = node_signals (query);
  rt_op_cost_io (query, cost);
  cost->flops = s.outer * s.inner * fft_flops (s.length);
}

/* clang-format off */
static const RtField dft_fields[] = {
  RT_FIELD_AXIS (RtDftAttrs, axis),
  RT_FIELD (RtDftAttrs, length, 0, MAX_LENGTH),
  RT_FIELD_FLAG (RtDftAttrs, inverse),
  RT_FIELD_FLAG (RtDftAttrs, onesided),
};

static const RtField stft_fields[] = {
  RT_FIELD (RtStftAttrs, frame_length, 1, MAX_LENGTH),
  RT_FIELD_SIZE (RtStftAttrs, frame_step),
  RT_FIELD_FLAG (RtStftAttrs, onesided),
};
/* clang-format on */

const RtOp rt_op_dft = {
  .name = "dft",
  .title = "Fourier transform",
  .attrs_bytes = sizeof (RtDftAttrs),
  RT_FIELDS (dft_fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .vector_inputs = 1,
  .infer = dft_infer,
  .prepared_bytes = dft_prepared_bytes,
  .prepare = dft_prepare,
  .scratch = dft_scratch,
  .n_phases = 1,
  .n_chunks = dft_chunks,
  .run = dft_run,
  .reference = dft_reference,
  .cost = dft_cost,
};

/* ---- stft ---- */

static bool
stft_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtStftAttrs *attrs = node->attrs;
  const RtValue *x = rt_op_input_value (graph, node, 0);
  RtShape window = { .n_dims = 1, .dims = { attrs->frame_length } };
  char text[128];

  if (!rt_math_check_type (graph, node, 0, RT_MATH_F32, error)
      || !rt_math_check_f32 (graph, node, 1, &window, error))
    return false;
  uint32_t n_dims = x->shape.n_dims;
  int64_t parts = n_dims == 3 ? x->shape.dims[2] : 1;
  if ((n_dims != 2 && n_dims != 3) || rt_math_has_symbols (&x->shape) || parts < 1 || parts > 2)
    return rt_fail (
        error, RT_ERROR_FORMAT,
        "%s: expected [batch, samples], [batch, samples, 1] or [batch, samples, 2], got "
        "shape %s",
        x->name, rt_shape_text (&x->shape, text, sizeof text));
  if (attrs->frame_length < 1 || attrs->frame_length > MAX_LENGTH || attrs->frame_step < 1
      || attrs->frame_length > x->shape.dims[1])
    return rt_fail (error, RT_ERROR_RANGE, "Frames of %lld samples, %lld apart, of %lld samples",
                    (long long)attrs->frame_length, (long long)attrs->frame_step,
                    (long long)x->shape.dims[1]);
  if (attrs->onesided && parts == 2)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "%s: complex numbers have two sides", x->name);
  int64_t n_frames = (x->shape.dims[1] - attrs->frame_length) / attrs->frame_step + 1;
  int64_t n_bins = attrs->onesided ? attrs->frame_length / 2 + 1 : attrs->frame_length;
  shapes[0] = (RtShape){ .n_dims = 4, .dims = { x->shape.dims[0], n_frames, n_bins, 2 } };
  types[0] = RT_TYPE_F32;
  return true;
}

static uint64_t
stft_prepared_bytes (const RtOpQuery *query)
{
  const RtStftAttrs *attrs = query->node->attrs;
  return rt_fft_plan_bytes ((size_t)attrs->frame_length);
}

static void
stft_prepare (const RtOpContext *context, void *memory)
{
  const RtStftAttrs *attrs = context->attrs;
  rt_fft_plan ((size_t)attrs->frame_length, memory);
}

static void
stft_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  const RtStftAttrs *attrs = query->node->attrs;
  *thread_bytes = buffer_bytes ((size_t)attrs->frame_length);
}

static size_t
n_frames_of (const RtOpContext *context)
{
  return rt_math_product (&context->outputs[0].shape, 0, 2);
}

static uint32_t
stft_chunks (const RtOpContext *context, uint32_t phase)
{
  const RtStftAttrs *attrs = context->attrs;
  return rt_split (n_frames_of (context), (size_t)attrs->frame_length * 256, context->n_threads);
}

/* Frame @index, counted over all batch entries, times the window. */
static void
load_frame (const RtOpContext *context, size_t index, double *to)
{
  const RtStftAttrs *attrs = context->attrs;
  const RtShape *shape = &context->inputs[0].shape;
  const float *window = context->inputs[1].data;
  size_t per_entry = (size_t)context->outputs[0].shape.dims[1], n = (size_t)attrs->frame_length;
  size_t parts = shape->n_dims == 3 ? (size_t)shape->dims[2] : 1;
  const float *x = (const float *)context->inputs[0].data
                   + (index / per_entry * (size_t)shape->dims[1]
                      + index % per_entry * (size_t)attrs->frame_step)
                         * parts;

  for (size_t i = 0; i < n; i++)
    {
      double w = window != NULL ? (double)window[i] : 1;
      to[2 * i] = (double)x[i * parts] * w;
      to[2 * i + 1] = parts == 2 ? (double)x[i * parts + 1] * w : 0;
    }
}

static void
stft_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtStftAttrs *attrs = context->attrs;
  size_t n_bins = (size_t)context->outputs[0].shape.dims[2];
  double *buffer = rt_op_thread_scratch (context, worker);
  uint64_t first, last;

  rt_split_range (n_frames_of (context), stft_chunks (context, 0), chunk, &first, &last);
  for (uint64_t frame = first; frame < last; frame++)
    {
      float *y = (float *)context->outputs[0].data + frame * n_bins * 2;
      load_frame (context, frame, buffer);
      rt_fft_run (context->prepared, false, buffer, buffer + 2 * attrs->frame_length);
      for (size_t k = 0; k < 2 * n_bins; k++)
        y[k] = (float)buffer[k];
    }
}

static void
stft_reference (const RtOpContext *context)
{
  const RtStftAttrs *attrs = context->attrs;
  size_t n = (size_t)attrs->frame_length, n_bins = (size_t)context->outputs[0].shape.dims[2];
  double *x = rt_reference_alloc (2 * n * sizeof *x);

  for (size_t frame = 0; frame < n_frames_of (context); frame++)
    {
      load_frame (context, frame, x);
      for (size_t k = 0; k < n_bins; k++)
        {
          float *y = (float *)context->outputs[0].data + (frame * n_bins + k) * 2;
          double re, im;
          definition (x, n, k, false, &re, &im);
          y[0] = (float)re;
          y[1] = (float)im;
        }
    }
  free (x);
}

static void
stft_cost (const RtOpQuery *query, RtCost *cost)
{
  const RtStftAttrs *attrs = query->node->attrs;
  const RtShape *y = &rt_graph_value (query->graph, query->node->outputs[0])->shape;
  rt_op_cost_io (query, cost);
  cost->flops = rt_math_product (y, 0, 2) * fft_flops ((size_t)attrs->frame_length);
}

const RtOp rt_op_stft = {
  .name = "stft",
  .title = "Short-time Fourier transform",
  .attrs_bytes = sizeof (RtStftAttrs),
  RT_FIELDS (stft_fields),
  .min_inputs = 1,
  .max_inputs = 2,
  .n_outputs = 1,
  .vector_inputs = 3,
  .infer = stft_infer,
  .prepared_bytes = stft_prepared_bytes,
  .prepare = stft_prepare,
  .scratch = stft_scratch,
  .n_phases = 1,
  .n_chunks = stft_chunks,
  .run = stft_run,
  .reference = stft_reference,
  .cost = stft_cost,
};
