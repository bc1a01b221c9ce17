/* Mean of codes over neighbouring dimensions: sums in 32 bit, then f32 as XNNPACK does it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rt-int8.h"
#include "rt-op-fields.h"
#include "rt-ops-int8.h"
#include "rt-ops-math.h"

/* Elements before, of, and behind the named dimensions. */
typedef struct
{
  size_t outer, n, inner;
} Parts;

/* Inner elements whose sums are held at a time. */
#define BLOCK 256

static bool
named_dims (const RtReduceAttrs *attrs, const RtShape *x, bool named[RT_MAX_DIMS])
{
  memset (named, attrs->n_axes == 0, RT_MAX_DIMS * sizeof *named);
  for (uint32_t i = 0; i < attrs->n_axes; i++)
    {
      const int32_t axis
          = attrs->axes[i] < 0 ? attrs->axes[i] + (int32_t)x->n_dims : attrs->axes[i];
      if (axis < 0 || axis >= (int32_t)x->n_dims)
        return false;
      named[axis] = true;
    }
  return true;
}

/* false when a dimension of more than one element lies between named ones. */
static bool
split (const RtShape *x, const bool named[RT_MAX_DIMS], Parts *parts)
{
  *parts = (Parts){ 1, 1, 1 };
  for (uint32_t d = 0; d < x->n_dims; d++)
    {
      const size_t size = (size_t)x->dims[d];
      if (named[d] && parts->inner > 1 && size > 1)
        return false;
      if (named[d])
        parts->n *= size;
      else if (parts->n > 1)
        parts->inner *= size;
      else
        parts->outer *= size;
    }
  return true;
}

static bool
mean_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtReduceAttrs *attrs = node->attrs;
  const RtValue *x = rt_op_input_value (graph, node, 0);
  bool named[RT_MAX_DIMS];
  Parts parts;

  if (!rt_int8_check_x (graph, node, 0, error))
    return false;
  if (attrs->n_axes > RT_MAX_DIMS || !named_dims (attrs, &x->shape, named))
    return rt_fail (error, RT_ERROR_FORMAT, "%s: an axis lies outside of the %u dimensions of %s",
                    node->name, x->shape.n_dims, x->name);
  if (!split (&x->shape, named, &parts))
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "%s: an 8-bit mean is over neighbouring dimensions only", node->name);

  shapes[0].n_dims = 0;
  for (uint32_t d = 0; d < x->shape.n_dims; d++)
    if (!named[d] || attrs->keep_dims)
      shapes[0].dims[shapes[0].n_dims++] = named[d] ? 1 : x->shape.dims[d];
  types[0] = x->type;
  return true;
}

static Parts
parts_of (const RtOpContext *context)
{
  bool named[RT_MAX_DIMS];
  Parts parts;

  named_dims (context->attrs, &context->inputs[0].shape, named);
  split (&context->inputs[0].shape, named, &parts);
  return parts;
}

typedef struct
{
  KnRequant bounds;
  float scale;
  int64_t zero; /* of all summands */
} Rule;

static Rule
rule_of (const RtOpContext *context, size_t n)
{
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];

  return (Rule){ .bounds = rt_requant (y->type, y->quant, -INFINITY, INFINITY),
                 .scale = rt_quant_scale (x->quant, 0) / rt_quant_scale (y->quant, 0) / (float)n,
                 .zero = (int64_t)n * rt_quant_zero (x->quant, 0) };
}

static uint8_t
mean_code (const Rule *r, int64_t sum)
{
  const float code = rintf ((float)(sum - r->zero) * r->scale);

  return (uint8_t)((int32_t)fminf (fmaxf (code, r->bounds.low), r->bounds.high) + r->bounds.zero);
}

static uint32_t
mean_chunks (const RtOpContext *context, uint32_t phase)
{
  const Parts p = parts_of (context);
  const size_t blocks = (p.inner + BLOCK - 1) / BLOCK;

  return rt_split (p.outer * blocks, p.n * (p.inner < BLOCK ? p.inner : BLOCK), context->n_threads);
}

static void
mean_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  const Parts p = parts_of (context);
  const size_t blocks = (p.inner + BLOCK - 1) / BLOCK;
  const Rule rule = rule_of (context, p.n);
  uint64_t first, last;

  rt_split_range (p.outer * blocks, mean_chunks (context, 0), chunk, &first, &last);
  for (uint64_t i = first; i < last; i++)
    {
      const size_t outer = i / blocks, at = i % blocks * BLOCK;
      const size_t n = p.inner - at < BLOCK ? p.inner - at : BLOCK;
      int32_t sums[BLOCK] = { 0 };

      context->kn->qvec.sum_rows ((const uint8_t *)x->data + outer * p.n * p.inner + at, p.inner,
                                  p.n, n, x->type == RT_TYPE_I8, sums);
      for (size_t c = 0; c < n; c++)
        ((uint8_t *)y->data)[outer * p.inner + at + c] = mean_code (&rule, sums[c]);
    }
}

static void
mean_reference (const RtOpContext *context)
{
  const RtTensor *x = &context->inputs[0];
  const Parts p = parts_of (context);
  const Rule rule = rule_of (context, p.n);

  for (size_t outer = 0; outer < p.outer; outer++)
    for (size_t c = 0; c < p.inner; c++)
      {
        int64_t sum = 0;
        for (size_t k = 0; k < p.n; k++)
          sum += rt_code_get (x->data, x->type, (outer * p.n + k) * p.inner + c);
        ((uint8_t *)context->outputs[0].data)[outer * p.inner + c] = mean_code (&rule, sum);
      }
}

static void
mean_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_int8_cost_io (query, cost);
  cost->flops = cost->read_bytes;
}

static const RtField fields[] = { RT_REDUCE_FIELDS };

const RtOp rt_op_mean_int8 = {
  .name = "mean_int8",
  .title = "Mean, 8-bit",
  .attrs_bytes = sizeof (RtReduceAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = mean_infer,
  .n_phases = 1,
  .n_chunks = mean_chunks,
  .run = mean_run,
  .reference = mean_reference,
  .cost = mean_cost,
};
