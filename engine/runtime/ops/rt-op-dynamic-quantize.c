/* Quantization by what the numbers are: ONNX DynamicQuantizeLinear. Phase 0 finds the range of
 * parts, phase 1 of the whole, phase 2 makes the codes. */
#include <math.h>
#include <stdlib.h>

#include "rt-int8.h"
#include "rt-ops-int8.h"

#define MAX_PARTS 64

typedef struct
{
  float low, high;
} Range;

static bool
dynamic_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
               RtError *error)
{
  const RtValue *x = rt_op_input_value (graph, node, 0);

  if (x->type != RT_TYPE_F32)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "%s: expected f32, got %s", node->name,
                    rt_type_name (x->type));
  shapes[0] = x->shape;
  shapes[1] = shapes[2] = (RtShape){ .n_dims = 0 };
  types[0] = types[2] = RT_TYPE_U8;
  types[1] = RT_TYPE_F32;
  return true;
}

static uint32_t
dynamic_chunks (const RtOpContext *context, uint32_t phase)
{
  const uint32_t n = rt_split (rt_shape_n (&context->inputs[0].shape), 5, context->n_threads);

  return phase == 1 ? 1 : n < MAX_PARTS ? n : MAX_PARTS;
}

static void
dynamic_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  *shared_bytes = MAX_PARTS * sizeof (Range);
}

/* The range, zero included; NaN is passed over. */
static Range
range_of (const float *x, uint64_t n)
{
  Range r = { 0, 0 };

  for (uint64_t i = 0; i < n; i++)
    {
      r.low = x[i] < r.low ? x[i] : r.low;
      r.high = x[i] > r.high ? x[i] : r.high;
    }
  return r;
}

static void
set_scale (const RtOpContext *context, Range r)
{
  const float scale = (r.high - r.low) / 255;
  const float zero = scale > 0 ? rintf (-r.low / scale) : 0;

  *(float *)context->outputs[1].data = scale > 0 ? scale : 1;
  *(uint8_t *)context->outputs[2].data = (uint8_t)fminf (fmaxf (zero, 0), 255);
}

static void
dynamic_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const float *x = context->inputs[0].data;
  Range *parts = (Range *)(void *)context->scratch;
  const uint32_t n_parts = dynamic_chunks (context, 0);
  uint64_t first, last;

  rt_split_range (rt_shape_n (&context->inputs[0].shape), n_parts, chunk, &first, &last);
  if (phase == 0)
    parts[chunk] = range_of (x + first, last - first);
  else if (phase == 1)
    {
      Range all = { 0, 0 };
      for (uint32_t i = 0; i < n_parts; i++)
        all = (Range){ fminf (all.low, parts[i].low), fmaxf (all.high, parts[i].high) };
      set_scale (context, all);
    }
  else
    {
      const int32_t zero = *(const uint8_t *)context->outputs[2].data;
      const KnRequant requant = { (float)-zero, (float)(255 - zero), zero };
      context->kn->qvec.quantize (x + first, last - first, *(const float *)context->outputs[1].data,
                                  &requant, (uint8_t *)context->outputs[0].data + first);
    }
}

static void
dynamic_reference (const RtOpContext *context)
{
  const RtTensor *x = &context->inputs[0];
  const float *values = x->data;
  const uint64_t n = rt_shape_n (&x->shape);

  set_scale (context, range_of (values, n));
  for (uint64_t i = 0; i < n; i++)
    {
      const float code = rintf (values[i] / *(const float *)context->outputs[1].data)
                         + (float)*(const uint8_t *)context->outputs[2].data;
      ((uint8_t *)context->outputs[0].data)[i] = (uint8_t)fminf (fmaxf (code, 0), 255);
    }
}

static void
dynamic_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_int8_cost_io (query, cost);
  cost->flops = cost->read_bytes;
}

const RtOp rt_op_dynamic_quantize = {
  .name = "dynamic_quantize",
  .title = "Quantize to the range found",
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 3,
  .infer = dynamic_infer,
  .scratch = dynamic_scratch,
  .n_phases = 3,
  .n_chunks = dynamic_chunks,
  .run = dynamic_run,
  .reference = dynamic_reference,
  .cost = dynamic_cost,
};
