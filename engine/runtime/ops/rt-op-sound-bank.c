/* Fixed-point front ends from energies to features: filter bank, root, noise reduction, gain
 * control, logarithm. Small: each runs on one thread. See rt-ops-sound.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rt-ops-sound.h"
#include "rt-sound.h"

/* Number of bits of x up to its highest one. */
static int
bit_length (uint64_t x)
{
  int n = 0;

  for (; x != 0; x >>= 1)
    n++;
  return n;
}

/* ---- filter bank ---- */

enum
{
  BANK_X,
  BANK_WEIGHTS,
  BANK_COMPLEMENTS,
  BANK_BINS,          /* first bin of a channel */
  BANK_FIRST_WEIGHTS, /* its place in the lists of weights */
  BANK_WIDTHS,
  BANK_N_INPUTS
};

static bool
bank_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  if (!rt_sound_check (graph, node, BANK_X, RT_TYPE_U32, -1, error)
      || !rt_sound_check (graph, node, BANK_WEIGHTS, RT_TYPE_I16, -1, error)
      || !rt_sound_check (graph, node, BANK_BINS, RT_TYPE_I16, -1, error))
    return false;
  const int64_t n_bins = rt_op_input_value (graph, node, BANK_X)->shape.dims[0];
  const int64_t n_weights = rt_op_input_value (graph, node, BANK_WEIGHTS)->shape.dims[0];
  const int64_t n = rt_op_input_value (graph, node, BANK_BINS)->shape.dims[0];
  if (!rt_sound_check (graph, node, BANK_COMPLEMENTS, RT_TYPE_I16, n_weights, error)
      || !rt_sound_check (graph, node, BANK_FIRST_WEIGHTS, RT_TYPE_I16, n, error)
      || !rt_sound_check (graph, node, BANK_WIDTHS, RT_TYPE_I16, n, error))
    return false;
  const RtValue *lists[BANK_N_INPUTS];
  for (uint32_t i = BANK_WEIGHTS; i < BANK_N_INPUTS; i++)
    {
      lists[i] = rt_op_input_value (graph, node, i);
      if (lists[i]->kind != RT_VALUE_WEIGHT)
        return rt_fail (error, RT_ERROR_UNSUPPORTED,
                        "%s: the lists of a filter bank must be constant", node->name);
    }
  for (int64_t i = 0; i < n; i++)
    {
      const int64_t bin = rt_sound_load (lists[BANK_BINS]->data, (size_t)i);
      const int64_t weight = rt_sound_load (lists[BANK_FIRST_WEIGHTS]->data, (size_t)i);
      const int64_t width = rt_sound_load (lists[BANK_WIDTHS]->data, (size_t)i);
      if (bin < 0 || weight < 0 || width < 0 || bin + width > n_bins || weight + width > n_weights)
        return rt_fail (
            error, RT_ERROR_FORMAT,
            "%s: channel %lld of the filter bank (bins %lld to %lld, weights from %lld) is "
            "outside of the %lld bins and %lld weights",
            node->name, (long long)i, (long long)bin, (long long)(bin + width), (long long)weight,
            (long long)n_bins, (long long)n_weights);
    }
  shapes[0] = (RtShape){ .n_dims = 1, .dims = { n - 1 } };
  types[0] = RT_TYPE_U64;
  return true;
}

static void
bank_compute (const RtOpContext *context)
{
  const RtTensor *in = context->inputs;
  const uint32_t *x = in[BANK_X].data;
  const size_t n = rt_shape_n (&in[BANK_BINS].shape);
  uint64_t *y = context->outputs[0].data, own = 0, next = 0;

  for (size_t i = 0; i < n; i++)
    {
      const size_t bin = (size_t)rt_sound_i16 (&in[BANK_BINS], i);
      const size_t weight = (size_t)rt_sound_i16 (&in[BANK_FIRST_WEIGHTS], i);
      const size_t width = (size_t)rt_sound_i16 (&in[BANK_WIDTHS], i);

      for (size_t j = 0; j < width; j++)
        {
          own += (uint64_t)(int64_t)rt_sound_i16 (&in[BANK_WEIGHTS], weight + j) * x[bin + j];
          next += (uint64_t)(int64_t)rt_sound_i16 (&in[BANK_COMPLEMENTS], weight + j) * x[bin + j];
        }
      if (i > 0) /* the first is only there for its complements */
        y[i - 1] = own;
      own = next;
      next = 0;
    }
}

/* ---- root ---- */

static bool
sqrt_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtValue *bits = rt_op_input_value (graph, node, 1);

  if (!rt_sound_check (graph, node, 0, RT_TYPE_U64, -1, error))
    return false;
  if (bits->type != RT_TYPE_I32 || rt_shape_n (&bits->shape) != 1)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: the number of bits must be one i32", node->name);
  shapes[0] = rt_op_input_value (graph, node, 0)->shape;
  types[0] = RT_TYPE_U32;
  return true;
}

/* To nearest, as far as the result has bits: 16 for x below 2^32, else 32. */
static uint32_t
root (uint64_t x)
{
  const uint64_t largest = x >> 32 ? UINT32_MAX : UINT16_MAX;
  uint64_t rest = x, result = 0;

  for (int bit = (bit_length (x) - 1) & ~1; bit >= 0; bit -= 2)
    if (rest >= result + (UINT64_C (1) << bit))
      {
        rest -= result + (UINT64_C (1) << bit);
        result = (result >> 1) + (UINT64_C (1) << bit);
      }
    else
      result >>= 1;
  return (uint32_t)(rest > result && result != largest ? result + 1 : result);
}

static void
sqrt_compute (const RtOpContext *context)
{
  const uint64_t *x = context->inputs[0].data;
  const size_t n = rt_shape_n (&context->inputs[0].shape);
  uint32_t *y = context->outputs[0].data;
  int32_t bits;

  memcpy (&bits, context->inputs[1].data, sizeof bits);
  for (size_t i = 0; i < n; i++)
    y[i] = bits < 0 || bits > 31 ? 0 : root (x[i]) >> bits;
}

/* ---- noise ---- */

static bool
subtraction_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                   RtError *error)
{
  const RtSpectralSubtractionAttrs *attrs = node->attrs;

  if (!rt_sound_check (graph, node, 0, RT_TYPE_U32, -1, error))
    return false;
  const RtShape *x = &rt_op_input_value (graph, node, 0)->shape;
  if (!rt_sound_check (graph, node, 1, RT_TYPE_U32, x->dims[0], error))
    return false;
  if (attrs->smoothing_bits > 31 || attrs->bits > 63)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: shifts by %u and %u bits are too large",
                    node->name, attrs->smoothing_bits, attrs->bits);
  shapes[0] = shapes[1] = *x;
  types[0] = types[1] = RT_TYPE_U32;
  return true;
}

static void
subtraction_compute (const RtOpContext *context)
{
  const RtSpectralSubtractionAttrs *attrs = context->attrs;
  const uint32_t *x = context->inputs[0].data, *before = context->inputs[1].data;
  const size_t n = rt_shape_n (&context->inputs[0].shape);
  uint32_t *y = context->outputs[0].data, *noise = context->outputs[1].data;

  for (size_t i = 0; i < n; i++)
    {
      const bool odd = i % 2;
      const uint64_t of_signal = odd ? attrs->alternate_smoothing : attrs->smoothing;
      const uint64_t of_noise
          = odd ? attrs->alternate_one_minus_smoothing : attrs->one_minus_smoothing;
      const uint32_t signal = x[i] << attrs->smoothing_bits;
      const uint32_t estimate
          = (uint32_t)((signal * of_signal + before[i] * of_noise) >> attrs->bits);
      const uint32_t removed = estimate < signal ? estimate : signal;
      const uint32_t least = (uint32_t)((uint64_t)x[i] * attrs->min_remaining >> attrs->bits);
      const uint32_t rest = (signal - removed) >> attrs->smoothing_bits;

      noise[i] = attrs->clamp ? removed : estimate;
      y[i] = rest > least ? rest : least;
    }
}

/* ---- gain ---- */

enum
{
  GAIN_ENTRIES
  = 125, /* 2 for noise 0 and 1, then 4 for each power of two of 32 bits, the last unused */
  SNR_BITS = 12,
  OUTPUT_BITS = 6,
};

static bool
pcan_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtPcanAttrs *attrs = node->attrs;

  if (!rt_sound_check (graph, node, 0, RT_TYPE_U32, -1, error))
    return false;
  const RtShape *x = &rt_op_input_value (graph, node, 0)->shape;
  if (!rt_sound_check (graph, node, 1, RT_TYPE_U32, x->dims[0], error)
      || !rt_sound_check (graph, node, 2, RT_TYPE_I16, GAIN_ENTRIES, error))
    return false;
  if (attrs->snr_shift > 63)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: a shift by %u bits is too large", node->name,
                    attrs->snr_shift);
  shapes[0] = *x;
  types[0] = RT_TYPE_U32;
  return true;
}

/* Between powers of two a parabola: value, slope and curvature at the lower one. */
static int16_t
gain_of (uint32_t noise, const RtTensor *table)
{
  if (noise <= 2)
    return (int16_t)rt_sound_i16 (table, noise);

  const int interval = bit_length (noise);
  const size_t entry = (size_t)(4 * interval - 6);
  const int32_t value = rt_sound_i16 (table, entry), slope = rt_sound_i16 (table, entry + 1);
  const int32_t curvature = rt_sound_i16 (table, entry + 2);
  const uint32_t shifted = interval < 11 ? noise << (11 - interval) : noise >> (interval - 11);
  const int32_t place = (int32_t)(shifted & 0x3ff); /* in the interval, 10 bits */
  const uint32_t tangent = (uint32_t)(curvature * place >> 5) + ((uint32_t)slope << 5);
  const int32_t rise = (int32_t)(tangent * (uint32_t)place + (1 << 14)) >> 15;

  return (int16_t)(rise + value);
}

/* x^2 / 4 up to 2, x - 1 above, in the output's fraction bits. */
static uint32_t
compress (uint32_t x)
{
  if (x < 2u << SNR_BITS)
    return x * x >> (2 + 2 * SNR_BITS - OUTPUT_BITS);
  return (x >> (SNR_BITS - OUTPUT_BITS)) - (1u << OUTPUT_BITS);
}

static void
pcan_compute (const RtOpContext *context)
{
  const RtPcanAttrs *attrs = context->attrs;
  const uint32_t *x = context->inputs[0].data, *noise = context->inputs[1].data;
  const size_t n = rt_shape_n (&context->inputs[0].shape);
  uint32_t *y = context->outputs[0].data;

  for (size_t i = 0; i < n; i++)
    {
      const uint32_t gain = (uint32_t)(int32_t)gain_of (noise[i], &context->inputs[2]);
      y[i] = compress ((uint32_t)((uint64_t)x[i] * gain >> attrs->snr_shift));
    }
}

/* ---- logarithm ---- */

enum
{
  LOG_SEGMENTS = 128,
};

static bool
log_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtFixedLogAttrs *attrs = node->attrs;

  if (!rt_sound_check (graph, node, 0, RT_TYPE_U32, -1, error))
    return false;
  if (attrs->correction_bits > 31)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: a shift by %u bits is too large", node->name,
                    attrs->correction_bits);
  shapes[0] = rt_op_input_value (graph, node, 0)->shape;
  types[0] = RT_TYPE_I16;
  return true;
}

/* log2 (1 + i / 128) - i / 128 in 16 fraction bits, to nearest. */
static void
log_prepare (const RtOpContext *context, void *memory)
{
  uint16_t *table = memory;

  for (int i = 0; i <= LOG_SEGMENTS; i++)
    table[i] = (uint16_t)lrint (65536
                                * (log2 (1 + i / (double)LOG_SEGMENTS) - i / (double)LOG_SEGMENTS));
}

static uint64_t
log_prepared_bytes (const RtOpQuery *query)
{
  return (LOG_SEGMENTS + 1) * sizeof (uint16_t);
}

/* log2 of x > 0 in 16 fraction bits. The step inside of a segment is taken at 2^-7 of its height,
 * as the front ends that networks are trained with do. */
static uint32_t
log2_of (uint32_t x, const uint16_t *table)
{
  const int whole = bit_length (x) - 1;
  const uint32_t above = x - (1u << whole);
  const int32_t part = (int32_t)(whole < 16 ? above << (16 - whole) : above >> (whole - 16));
  const int32_t segment = part >> 9, inside = part & 511;
  const int32_t step = ((int32_t)table[segment + 1] - table[segment]) * inside >> 16;

  return ((uint32_t)whole << 16) + (uint32_t)(part + table[segment] + step);
}

static void
log_compute_with (const RtOpContext *context, const uint16_t *table)
{
  const RtFixedLogAttrs *attrs = context->attrs;
  const uint64_t ln_2 = 45426; /* 16 fraction bits */
  const uint32_t *x = context->inputs[0].data, half = 1 << 15;
  const size_t n = rt_shape_n (&context->inputs[0].shape);
  int16_t *y = context->outputs[0].data;

  for (size_t i = 0; i < n; i++)
    {
      const uint32_t scaled = x[i] << attrs->correction_bits;
      uint32_t value = 0;
      if (scaled > 1)
        {
          value = (uint32_t)((ln_2 * log2_of (scaled, table) + half) >> 16);
          value = (attrs->scale * value + half) >> 16;
        }
      y[i] = (int16_t)(value < INT16_MAX ? value : INT16_MAX);
    }
}

static void
log_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  log_compute_with (context, context->prepared);
}

static void
log_reference (const RtOpContext *context)
{
  uint16_t table[LOG_SEGMENTS + 1];

  log_prepare (context, table);
  log_compute_with (context, table);
}

/* ---- the operators ---- */

const RtOp rt_op_fixed_filter_bank = {
  .name = "fixed_filter_bank",
  .title = "Filter bank, fixed point",
  .min_inputs = BANK_N_INPUTS,
  .max_inputs = BANK_N_INPUTS,
  .n_outputs = 1,
  .data = &(const RtSoundFunction){ bank_compute },
  .infer = bank_infer,
  .n_phases = 1,
  .n_chunks = rt_sound_one_chunk,
  .run = rt_sound_run,
  .reference = rt_sound_reference,
  .cost = rt_sound_cost,
};

const RtOp rt_op_fixed_sqrt = {
  .name = "fixed_sqrt",
  .title = "Square root, fixed point",
  .min_inputs = 2,
  .max_inputs = 2,
  .n_outputs = 1,
  .data = &(const RtSoundFunction){ sqrt_compute },
  .infer = sqrt_infer,
  .n_phases = 1,
  .n_chunks = rt_sound_one_chunk,
  .run = rt_sound_run,
  .reference = rt_sound_reference,
  .cost = rt_sound_cost,
};

/* clang-format off */
static const RtField subtraction_fields[] = {
  RT_FIELD_FINITE (RtSpectralSubtractionAttrs, smoothing),
  RT_FIELD_FINITE (RtSpectralSubtractionAttrs, one_minus_smoothing),
  RT_FIELD_FINITE (RtSpectralSubtractionAttrs, alternate_smoothing),
  RT_FIELD_FINITE (RtSpectralSubtractionAttrs, alternate_one_minus_smoothing),
  RT_FIELD (RtSpectralSubtractionAttrs, smoothing_bits, 0, 31),
  RT_FIELD_FINITE (RtSpectralSubtractionAttrs, min_remaining),
  RT_FIELD (RtSpectralSubtractionAttrs, bits, 0, 63),
  RT_FIELD_FLAG (RtSpectralSubtractionAttrs, clamp),
};
/* clang-format on */

static const RtField pcan_fields[] = { RT_FIELD (RtPcanAttrs, snr_shift, 0, 63) };

/* clang-format off */
static const RtField log_fields[] = {
  RT_FIELD (RtFixedLogAttrs, correction_bits, 0, 31),
  RT_FIELD_FINITE (RtFixedLogAttrs, scale),
};
/* clang-format on */

const RtOp rt_op_spectral_subtraction = {
  .name = "spectral_subtraction",
  .title = "Spectral subtraction",
  .attrs_bytes = sizeof (RtSpectralSubtractionAttrs),
  RT_FIELDS (subtraction_fields),
  .min_inputs = 2,
  .max_inputs = 2,
  .n_outputs = 2,
  .data = &(const RtSoundFunction){ subtraction_compute },
  .infer = subtraction_infer,
  .n_phases = 1,
  .n_chunks = rt_sound_one_chunk,
  .run = rt_sound_run,
  .reference = rt_sound_reference,
  .cost = rt_sound_cost,
};

const RtOp rt_op_pcan = {
  .name = "pcan",
  .title = "Per-channel gain control",
  .attrs_bytes = sizeof (RtPcanAttrs),
  RT_FIELDS (pcan_fields),
  .min_inputs = 3,
  .max_inputs = 3,
  .n_outputs = 1,
  .data = &(const RtSoundFunction){ pcan_compute },
  .infer = pcan_infer,
  .n_phases = 1,
  .n_chunks = rt_sound_one_chunk,
  .run = rt_sound_run,
  .reference = rt_sound_reference,
  .cost = rt_sound_cost,
};

const RtOp rt_op_fixed_log = {
  .name = "fixed_log",
  .title = "Logarithm, fixed point",
  .attrs_bytes = sizeof (RtFixedLogAttrs),
  RT_FIELDS (log_fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = log_infer,
  .prepared_bytes = log_prepared_bytes,
  .prepare = log_prepare,
  .n_phases = 1,
  .n_chunks = rt_sound_one_chunk,
  .run = log_run,
  .reference = log_reference,
  .cost = rt_sound_cost,
};
