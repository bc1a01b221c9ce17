/* Numbers rounded to the 256 values of an 8-bit code whose scale is chosen from their range: what
 * layers with 8-bit weights and float activations do to their input. Phase 0 finds ranges of parts,
 * phase 1 rounds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rt-op-common.h"
#include "rt-ops-int8.h"

#define MAX_PARTS 64

typedef struct
{
  float low, high; /* 0 included */
} Range;

static bool
round_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtDynamicRoundAttrs *attrs = node->attrs;
  const RtValue *x = rt_op_input_value (graph, node, 0);

  if (x->type != RT_TYPE_F32)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "%s: expected f32, got %s", node->name,
                    rt_type_name (x->type));
  if (attrs->n_outer > x->shape.n_dims)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: there are no %u dimensions", node->name,
                    attrs->n_outer);
  shapes[0] = x->shape;
  types[0] = RT_TYPE_F32;
  return true;
}

/* Groups of numbers with one scale, and the parts of each. */
typedef struct
{
  uint64_t n_groups, group, n_parts;
} Split;

static Split
split_of (const RtDynamicRoundAttrs *attrs, const RtShape *x, uint32_t n_threads)
{
  Split s = { .n_groups = 1, .group = 1 };

  for (uint32_t d = 0; d < x->n_dims; d++)
    *(d < attrs->n_outer ? &s.n_groups : &s.group) *= (uint64_t)x->dims[d];
  s.n_parts = rt_split (s.group, 8, n_threads);
  s.n_parts = s.n_parts < 1 ? 1 : (s.n_parts > MAX_PARTS ? MAX_PARTS : s.n_parts);
  if (s.n_groups * s.n_parts > RT_JOB_MAX)
    s.n_parts = 1;
  return s;
}

/* Four numbers at a time, with what every compiler knows of vectors: a function of the C library
 * for each takes longer than the layer behind. */
#define LANES 4
typedef float VecF __attribute__ ((vector_size (16)));
typedef int32_t VecI __attribute__ ((vector_size (16)));

static inline VecF
load (const float *x)
{
  VecF v;
  memcpy (&v, x, sizeof v);
  return v;
}

static inline VecF
choose (VecI condition, VecF a, VecF b)
{
  return (VecF)((condition & (VecI)a) | (~condition & (VecI)b));
}

static Range
range_of (const float *x, uint64_t n)
{
  VecF low[2] = { { 0 }, { 0 } }, high[2] = { { 0 }, { 0 } };
  Range r = { 0, 0 };
  uint64_t i = 0;

  for (; i + 2 * LANES <= n; i += 2 * LANES)
    for (int k = 0; k < 2; k++)
      {
        const VecF v = load (x + i + (uint64_t)k * LANES);

        low[k] = choose (v < low[k], v, low[k]);
        high[k] = choose (v > high[k], v, high[k]);
      }
  for (int k = 0; k < 2 * LANES; k++)
    r = (Range){ fminf (r.low, low[k / LANES][k % LANES]),
                 fmaxf (r.high, high[k / LANES][k % LANES]) };
  for (; i < n; i++)
    {
      r.low = x[i] < r.low ? x[i] : r.low;
      r.high = x[i] > r.high ? x[i] : r.high;
    }
  return r;
}

typedef struct
{
  float scale, factor; /* factor: 1 / scale */
  float zero, low, high;
} Codes;

/* Of the two ends of the range, that which is nearer to a code decides on the zero point. */
static Codes
codes_of (Range r, bool asymmetric)
{
  if (!asymmetric)
    {
      const float largest = fmaxf (-r.low, r.high);
      return largest > 0 ? (Codes){ largest / 127, 127 / largest, 0, -127, 127 }
                         : (Codes){ 1, 1, 0, -127, 127 };
    }
  if (!(r.high > r.low))
    return (Codes){ 1, 1, 0, -128, 127 };
  const double scale = ((double)r.high - (double)r.low) / 255;
  const double low = (double)r.low / scale, high = (double)r.high / scale;
  const double zero = 128 - low < 127 + high ? -128 - low : 127 - high;

  return (Codes){ (float)scale, 1 / (float)scale, (float)round (fmin (fmax (zero, -128), 127)),
                  -128, 127 };
}

/* The nearest integer of numbers below 2^23, halves away from zero as roundf() has it. */
static inline VecF
nearest (VecF v)
{
  const VecF whole = __builtin_convertvector(__builtin_convertvector(v, VecI), VecF);
  const VecF rest = v - whole;

  return whole - __builtin_convertvector((rest >= 0.5f) - (rest <= -0.5f), VecF);
}

/* At most LANES numbers. */
static inline void
round_few (const float *x, size_t n, Codes c, float *y)
{
  const VecF low = { c.low, c.low, c.low, c.low }, high = { c.high, c.high, c.high, c.high };
  VecF v = { 0 };

  memcpy (&v, x, n * sizeof *x);
  v = c.zero + v * c.factor;
  v = choose (v > low, v, low); /* what is no number becomes the lowest */
  v = choose (v < high, v, high);
  v = (nearest (v) - c.zero) * c.scale;
  memcpy (y, &v, n * sizeof *y);
}

static void
round_range (const float *x, uint64_t n, Codes c, float *y)
{
  uint64_t i = 0;

  for (; i + LANES <= n; i += LANES)
    round_few (x + i, LANES, c, y + i);
  if (i < n)
    round_few (x + i, n - i, c, y + i);
}

static void
round_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  RtShape x;

  rt_shape_bind (&rt_op_input_value (query->graph, query->node, 0)->shape, query->symbols, &x);
  const Split s = split_of (query->node->attrs, &x, query->n_threads);
  *shared_bytes = s.n_groups * MAX_PARTS * sizeof (Range);
  *thread_bytes = 0;
}

static uint32_t
round_chunks (const RtOpContext *context, uint32_t phase)
{
  const Split s = split_of (context->attrs, &context->inputs[0].shape, context->n_threads);
  const uint64_t n = s.n_groups * s.n_parts;

  return n < RT_JOB_MAX ? (uint32_t)n : RT_JOB_MAX;
}

static void
run_part (const RtOpContext *context, const Split *s, uint32_t phase, uint64_t part)
{
  const RtDynamicRoundAttrs *attrs = context->attrs;
  const uint64_t group = part / s->n_parts;
  const float *x = (const float *)context->inputs[0].data + group * s->group;
  Range *ranges = (Range *)(void *)context->scratch;
  uint64_t first, last;

  rt_split_range (s->group, (uint32_t)s->n_parts, (uint32_t)(part % s->n_parts), &first, &last);
  if (phase == 0)
    {
      ranges[part] = range_of (x + first, last - first);
      return;
    }
  Range all = { 0, 0 };
  for (uint64_t i = group * s->n_parts; i < (group + 1) * s->n_parts; i++)
    all = (Range){ fminf (all.low, ranges[i].low), fmaxf (all.high, ranges[i].high) };
  round_range (x + first, last - first, codes_of (all, attrs->asymmetric != 0),
               (float *)context->outputs[0].data + group * s->group + first);
}

static void
round_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const Split s = split_of (context->attrs, &context->inputs[0].shape, context->n_threads);
  uint64_t first, last;

  rt_split_range (s.n_groups * s.n_parts, round_chunks (context, phase), chunk, &first, &last);
  for (uint64_t part = first; part < last; part++)
    run_part (context, &s, phase, part);
}

static void
round_reference (const RtOpContext *context)
{
  const RtDynamicRoundAttrs *attrs = context->attrs;
  const Split s = split_of (attrs, &context->inputs[0].shape, 1);

  for (uint64_t group = 0; group < s.n_groups; group++)
    {
      const float *x = (const float *)context->inputs[0].data + group * s.group;
      round_range (x, s.group, codes_of (range_of (x, s.group), attrs->asymmetric != 0),
                   (float *)context->outputs[0].data + group * s.group);
    }
}

static void
round_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
  cost->flops = 4 * (cost->read_bytes / sizeof (float));
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD (RtDynamicRoundAttrs, n_outer, 0, RT_MAX_DIMS),
  RT_FIELD_FLAG (RtDynamicRoundAttrs, asymmetric),
};
/* clang-format on */

const RtOp rt_op_dynamic_round = {
  .name = "dynamic_round",
  .title = "Round to 8 bit",
  .attrs_bytes = sizeof (RtDynamicRoundAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = round_infer,
  .scratch = round_scratch,
  .n_phases = 2,
  .n_chunks = round_chunks,
  .run = round_run,
  .reference = round_reference,
  .cost = round_cost,
};
