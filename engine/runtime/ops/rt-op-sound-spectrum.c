/* Fixed-point front ends up to the spectrum's energy: window, scaling to full range, transform,
 * squares. Small: each runs on one thread. See rt-ops-sound.h. */
#include <stdlib.h>
#include <string.h>

#include "rt-fixed-fft.h"
#include "rt-op-common.h"
#include "rt-ops-sound.h"
#include "rt-sound.h"

/* ---- window ---- */

static bool
window_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtFixedWindowAttrs *attrs = node->attrs;
  const RtValue *x = rt_op_input_value (graph, node, 0);

  if (x->type != RT_TYPE_I16 || x->shape.n_dims < 1)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: a fixed-point window needs samples of 16 bits",
                    node->name);
  if (!rt_sound_check (graph, node, 1, RT_TYPE_I16, x->shape.dims[x->shape.n_dims - 1], error))
    return false;
  if (attrs->shift > 31)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: shift %u is not 0 to 31", node->name,
                    attrs->shift);
  shapes[0] = x->shape;
  types[0] = RT_TYPE_I16;
  return true;
}

static void
window_compute (const RtOpContext *context)
{
  const RtFixedWindowAttrs *attrs = context->attrs;
  const size_t n = rt_shape_cols (&context->inputs[0].shape);
  const size_t n_all = rt_shape_rows (&context->inputs[0].shape) * n;
  int16_t *y = context->outputs[0].data;

  for (size_t i = 0; i < n_all; i++)
    {
      const int32_t raw
          = (rt_sound_i16 (&context->inputs[0], i) * rt_sound_i16 (&context->inputs[1], i % n))
            >> attrs->shift;
      y[i] = (int16_t)(raw < INT16_MIN ? INT16_MIN : (raw > INT16_MAX ? INT16_MAX : raw));
    }
}

/* ---- scaling ---- */

static bool
auto_scale_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                  RtError *error)
{
  if (!rt_sound_check (graph, node, 0, RT_TYPE_I16, -1, error))
    return false;
  shapes[0] = rt_op_input_value (graph, node, 0)->shape;
  shapes[1] = (RtShape){ .n_dims = 0 };
  types[0] = RT_TYPE_I16;
  types[1] = RT_TYPE_I32;
  return true;
}

static void
auto_scale_compute (const RtOpContext *context)
{
  const size_t n = rt_shape_n (&context->inputs[0].shape);
  int16_t *y = context->outputs[0].data;
  int32_t largest = 0, bits = 0;

  for (size_t i = 0; i < n; i++)
    {
      const int32_t x = rt_sound_i16 (&context->inputs[0], i);
      largest = x > largest ? x : (-x > largest ? -x : largest);
    }
  /* Silence stays as it is. */
  while (largest > 0 && largest << (bits + 1) <= INT16_MAX)
    bits++;
  for (size_t i = 0; i < n; i++)
    y[i] = (int16_t)(rt_sound_i16 (&context->inputs[0], i) * (1 << bits));
  memcpy (context->outputs[1].data, &bits, sizeof bits);
}

/* ---- transform ---- */

static bool
rfft_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtFixedRfftAttrs *attrs = node->attrs;
  const RtValue *x = rt_op_input_value (graph, node, 0);
  const uint32_t n = attrs->fft_length;

  if ((x->type != RT_TYPE_I16 && x->type != RT_TYPE_I32) || x->shape.n_dims < 1)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "%s: a fixed-point transform needs numbers of 16 or 32 bits", node->name);
  if (n < 4 || n > RT_FIXED_FFT_MAX || (n & (n - 1)) != 0
      || x->shape.dims[x->shape.n_dims - 1] > (int64_t)n)
    return rt_fail (
        error, RT_ERROR_UNSUPPORTED,
        "%s: a transform of length %u over %lld numbers: it must be a power of two from "
        "4 to %d and not shorter",
        node->name, n, (long long)x->shape.dims[x->shape.n_dims - 1], RT_FIXED_FFT_MAX);
  shapes[0] = x->shape;
  shapes[0].dims[x->shape.n_dims - 1] = n + 2;
  types[0] = x->type;
  return true;
}

static uint64_t
rfft_prepared_bytes (const RtOpQuery *query)
{
  return rt_fixed_fft_plan_bytes (((const RtFixedRfftAttrs *)query->node->attrs)->fft_length);
}

static void
rfft_prepare (const RtOpContext *context, void *memory)
{
  const RtFixedRfftAttrs *attrs = context->attrs;

  rt_fixed_fft_plan (attrs->fft_length, context->inputs[0].type == RT_TYPE_I16 ? 16 : 32, memory);
}

/* The samples, the result, and the transform's own memory. */
static size_t
rfft_work_bytes (size_t n)
{
  return n * sizeof (int32_t) + (n / 2 + 1 + n) * sizeof (RtFixed);
}

static void
rfft_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  const RtFixedRfftAttrs *attrs = query->node->attrs;

  *shared_bytes = rfft_work_bytes (attrs->fft_length);
  *thread_bytes = 0;
}

static void
store (const RtTensor *tensor, size_t i, int32_t value)
{
  if (tensor->type == RT_TYPE_I16)
    ((int16_t *)tensor->data)[i] = (int16_t)value;
  else
    ((int32_t *)tensor->data)[i] = value;
}

static void
rfft_compute_with (const RtOpContext *context, const void *plan, void *work)
{
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  const size_t n = ((const RtFixedRfftAttrs *)context->attrs)->fft_length;
  const size_t n_in = rt_shape_cols (&x->shape), n_rows = rt_shape_rows (&x->shape);
  RtFixed *spectrum = work, *rest = spectrum + n / 2 + 1;
  int32_t *samples = (int32_t *)(void *)(rest + n);

  memset (samples, 0, n * sizeof *samples);
  for (size_t row = 0; row < n_rows; row++)
    {
      for (size_t i = 0; i < n_in; i++)
        samples[i] = x->type == RT_TYPE_I16 ? rt_sound_i16 (x, row * n_in + i)
                                            : ((const int32_t *)x->data)[row * n_in + i];
      rt_fixed_rfft (plan, n, x->type == RT_TYPE_I16 ? 16 : 32, samples, spectrum, rest);
      for (size_t k = 0; k <= n / 2; k++)
        {
          store (y, row * (n + 2) + 2 * k, spectrum[k].re);
          store (y, row * (n + 2) + 2 * k + 1, spectrum[k].im);
        }
    }
}

static void
rfft_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  rfft_compute_with (context, context->prepared, context->scratch);
}

static void
rfft_reference (const RtOpContext *context)
{
  const size_t n = ((const RtFixedRfftAttrs *)context->attrs)->fft_length;
  void *plan = rt_reference_alloc (rt_fixed_fft_plan_bytes (n));
  void *work = rt_reference_alloc (rfft_work_bytes (n));

  rfft_prepare (context, plan);
  rfft_compute_with (context, plan, work);
  free (work);
  free (plan);
}

static void
rfft_cost (const RtOpQuery *query, RtCost *cost)
{
  const uint32_t n = ((const RtFixedRfftAttrs *)query->node->attrs)->fft_length;
  uint64_t log2_n = 0;

  rt_op_cost_io (query, cost);
  while (n >> (log2_n + 1))
    log2_n++;
  /* Half of the 5 n log2 n of a complex transform. */
  cost->flops = 5 * (uint64_t)n * log2_n / 2 * rt_op_query_rows (query);
}

/* ---- energy ---- */

static bool
energy_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtFixedEnergyAttrs *attrs = node->attrs;

  if (!rt_sound_check (graph, node, 0, RT_TYPE_I16, -1, error))
    return false;
  const int64_t n = rt_op_input_value (graph, node, 0)->shape.dims[0] / 2;
  if (attrs->first > attrs->last || attrs->last > n)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: there are %lld bins, but it wants %u to %u",
                    node->name, (long long)n, attrs->first, attrs->last);
  shapes[0] = (RtShape){ .n_dims = 1, .dims = { n } };
  types[0] = RT_TYPE_U32;
  return true;
}

static void
energy_compute (const RtOpContext *context)
{
  const RtFixedEnergyAttrs *attrs = context->attrs;
  const size_t n = rt_shape_n (&context->outputs[0].shape);
  uint32_t *y = context->outputs[0].data;

  for (size_t i = 0; i < n; i++)
    {
      const int32_t re = rt_sound_i16 (&context->inputs[0], 2 * i);
      const int32_t im = rt_sound_i16 (&context->inputs[0], 2 * i + 1);
      y[i] = i >= attrs->first && i < attrs->last ? (uint32_t)(re * re) + (uint32_t)(im * im) : 0;
    }
}

/* ---- the operators ---- */

static const RtField window_fields[] = { RT_FIELD (RtFixedWindowAttrs, shift, 0, 31) };

static const RtField rfft_fields[]
    = { RT_FIELD (RtFixedRfftAttrs, fft_length, 4, RT_FIXED_FFT_MAX) };

/* clang-format off */
static const RtField energy_fields[] = {
  RT_FIELD_COUNT (RtFixedEnergyAttrs, first),
  RT_FIELD_COUNT (RtFixedEnergyAttrs, last),
};
/* clang-format on */

const RtOp rt_op_fixed_window = {
  .name = "fixed_window",
  .title = "Window, fixed point",
  .attrs_bytes = sizeof (RtFixedWindowAttrs),
  RT_FIELDS (window_fields),
  .min_inputs = 2,
  .max_inputs = 2,
  .n_outputs = 1,
  .data = &(const RtSoundFunction){ window_compute },
  .infer = window_infer,
  .n_phases = 1,
  .n_chunks = rt_sound_one_chunk,
  .run = rt_sound_run,
  .reference = rt_sound_reference,
  .cost = rt_sound_cost,
};

const RtOp rt_op_fixed_auto_scale = {
  .name = "fixed_auto_scale",
  .title = "Scale to full range, fixed point",
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 2,
  .data = &(const RtSoundFunction){ auto_scale_compute },
  .infer = auto_scale_infer,
  .n_phases = 1,
  .n_chunks = rt_sound_one_chunk,
  .run = rt_sound_run,
  .reference = rt_sound_reference,
  .cost = rt_sound_cost,
};

const RtOp rt_op_fixed_rfft = {
  .name = "fixed_rfft",
  .title = "Fourier transform, fixed point",
  .attrs_bytes = sizeof (RtFixedRfftAttrs),
  RT_FIELDS (rfft_fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = rfft_infer,
  .prepared_bytes = rfft_prepared_bytes,
  .prepare = rfft_prepare,
  .scratch = rfft_scratch,
  .n_phases = 1,
  .n_chunks = rt_sound_one_chunk,
  .run = rfft_run,
  .reference = rfft_reference,
  .cost = rfft_cost,
};

const RtOp rt_op_fixed_energy = {
  .name = "fixed_energy",
  .title = "Energy, fixed point",
  .attrs_bytes = sizeof (RtFixedEnergyAttrs),
  RT_FIELDS (energy_fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .data = &(const RtSoundFunction){ energy_compute },
  .infer = energy_infer,
  .n_phases = 1,
  .n_chunks = rt_sound_one_chunk,
  .run = rt_sound_run,
  .reference = rt_sound_reference,
  .cost = rt_sound_cost,
};
