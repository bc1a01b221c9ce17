/* Local response normalisation: each number divided by a power of the squares of its neighbour
 * channels. Krizhevsky et al. 2012, section 3.3. */
#include "rt-math.h"

#include <math.h>

static bool
lrn_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtLrnAttrs *attrs = node->attrs;
  const RtValue *x = rt_op_input_value (graph, node, 0);
  char text[128];

  if (!rt_math_check_type (graph, node, 0, RT_MATH_F32, error))
    return false;
  if (x->shape.n_dims < 2)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: expected at least 2 dimensions, got shape %s",
                    x->name, rt_shape_text (&x->shape, text, sizeof text));
  if (attrs->size == 0)
    return rt_fail (error, RT_ERROR_FORMAT, "The number of neighbour channels must be at least 1");
  shapes[0] = x->shape;
  types[0] = RT_TYPE_F32;
  return true;
}

/* @outer times @inner rows of @channels, @inner apart. */
typedef struct
{
  size_t outer, channels, inner;
} Rows;

static Rows
rows_of (const RtOpContext *context)
{
  const RtLrnAttrs *attrs = context->attrs;
  const RtShape *shape = &context->inputs[0].shape;
  uint32_t c = attrs->channels_first ? 1 : shape->n_dims - 1;
  return (Rows){ rt_math_product (shape, 0, c), (size_t)shape->dims[c],
                 rt_math_product (shape, c + 1, shape->n_dims) };
}

static uint32_t
lrn_chunks (const RtOpContext *context, uint32_t phase)
{
  Rows rows = rows_of (context);
  return rt_split (rows.outer * rows.inner, rows.channels * 64, context->n_threads);
}

/* The neighbours of channel @c: [*first, *last). */
static void
window (const RtLrnAttrs *attrs, size_t c, size_t channels, size_t *first, size_t *last)
{
  size_t before = (attrs->size - 1) / 2, after = attrs->size / 2 + 1;
  *first = c > before ? c - before : 0;
  *last = c + after < channels ? c + after : channels;
}

static void
lrn_row (const RtLrnAttrs *attrs, const Rows *rows, const float *x, float *y)
{
  const float factor = attrs->alpha / (float)attrs->size;
  const bool three_quarters = attrs->beta == 0.75f;

  for (size_t c = 0; c < rows->channels; c++)
    {
      size_t first, last;
      float sum = 0;
      window (attrs, c, rows->channels, &first, &last);
      for (size_t k = first; k < last; k++)
        sum = fmaf (x[k * rows->inner], x[k * rows->inner], sum);
      sum = fmaf (factor, sum, attrs->bias);
      float power = three_quarters ? sqrtf (sum) * sqrtf (sqrtf (sum))
                                   : (float)pow ((double)sum, (double)attrs->beta);
      y[c * rows->inner] = x[c * rows->inner] / power;
    }
}

static void
lrn_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  Rows rows = rows_of (context);
  uint64_t first, last;

  rt_split_range (rows.outer * rows.inner, lrn_chunks (context, 0), chunk, &first, &last);
  for (uint64_t row = first; row < last; row++)
    {
      size_t at = row / rows.inner * rows.channels * rows.inner + row % rows.inner;
      lrn_row (context->attrs, &rows, (const float *)context->inputs[0].data + at,
               (float *)context->outputs[0].data + at);
    }
}

static void
lrn_reference (const RtOpContext *context)
{
  const RtLrnAttrs *attrs = context->attrs;
  const float *x = context->inputs[0].data;
  Rows rows = rows_of (context);

  for (size_t i = 0; i < rows.outer * rows.channels * rows.inner; i++)
    {
      size_t c = i / rows.inner % rows.channels, base = i - c * rows.inner, first, last;
      double sum = 0;
      window (attrs, c, rows.channels, &first, &last);
      for (size_t k = first; k < last; k++)
        sum += pow ((double)x[base + k * rows.inner], 2);
      double power = pow ((double)attrs->bias + (double)attrs->alpha / attrs->size * sum,
                          (double)attrs->beta);
      ((float *)context->outputs[0].data)[i] = (float)((double)x[i] / power);
    }
}

static void
lrn_cost (const RtOpQuery *query, RtCost *cost)
{
  const RtLrnAttrs *attrs = query->node->attrs;
  rt_op_cost_io (query, cost);
  cost->flops = rt_math_query_outputs (query) * (2 * attrs->size + 6);
}

static bool
lrn_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
             void *attrs)
{
  RtLrnAttrs *a = attrs;
  uint32_t channel = a->channels_first ? 1 : n_dims - 1;

  if (perm[n_dims - 1] != channel && perm[1] != channel)
    return false;
  a->channels_first = perm[n_dims - 1] != channel;
  return true;
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD_SIZE (RtLrnAttrs, size),
  RT_FIELD_FINITE (RtLrnAttrs, alpha),
  RT_FIELD_FINITE (RtLrnAttrs, beta),
  RT_FIELD_FINITE (RtLrnAttrs, bias),
  RT_FIELD_FLAG (RtLrnAttrs, channels_first),
};
/* clang-format on */

const RtOp rt_op_lrn = {
  .name = "lrn",
  .title = "Local response normalisation",
  .attrs_bytes = sizeof (RtLrnAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .vector_inputs = 1,
  .infer = lrn_infer,
  .n_phases = 1,
  .n_chunks = lrn_chunks,
  .run = lrn_run,
  .reference = lrn_reference,
  .cost = lrn_cost,
  .permute = lrn_permute,
};
