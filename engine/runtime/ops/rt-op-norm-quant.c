/* RMS norm whose result is written as 8-bit rows for the integer products that read it: one pass
 * over the row less, and a quarter of the bytes. The same bits as the norm followed by the
 * product's own quantization. */
#include <stdlib.h>

#include "rt-op-common.h"
#include "rt-op-fields.h"
#include "rt-ops.h"

static bool
norm_quant_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                  RtError *error)
{
  const RtNormAttrs *attrs = node->attrs;

  if (!rt_op_check_rows (graph, node, RT_NORM_X, 0, false, error))
    return false;
  const RtShape *shape = &rt_op_input_value (graph, node, RT_NORM_X)->shape;
  if (attrs->n_groups != 1 || shape->dims[1] % KN_Q8_GROUP != 0)
    return rt_fail (error, RT_ERROR_FORMAT, "rows of %d values are not whole groups of %d",
                    (int)shape->dims[1], KN_Q8_GROUP);
  if (!rt_op_check_vector (graph, node, RT_NORM_WEIGHT, shape->dims[1], error)
      || !rt_op_check_vector (graph, node, RT_NORM_OFFSET, shape->dims[1], error))
    return false;
  shapes[0] = *shape;
  types[0] = attrs->per_token ? RT_TYPE_Q8_TOKEN_ROWS : RT_TYPE_Q8_ROWS;
  return true;
}

static KnActKind
act_of (const RtOpContext *context)
{
  return context->outputs[0].type == RT_TYPE_Q8_TOKEN_ROWS ? KN_ACT_Q8_TOKEN : KN_ACT_Q8;
}

static void
norm_quant_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  *thread_bytes
      = (uint64_t)rt_op_input_value (query->graph, query->node, RT_NORM_X)->shape.dims[1] * 4;
}

static uint32_t
norm_quant_chunks (const RtOpContext *context, uint32_t phase)
{
  const RtShape *shape = &context->outputs[0].shape;
  return rt_split (rt_shape_rows (shape), rt_shape_cols (shape) * 8, context->n_threads);
}

static void
norm_quant_rows (const RtOpContext *context, uint64_t first, uint64_t last, float *normed)
{
  const RtNormAttrs *attrs = context->attrs;
  size_t n = rt_shape_cols (&context->outputs[0].shape);
  const float *offset = context->inputs[RT_NORM_OFFSET].data;
  uint8_t *y = context->outputs[0].data;

  for (uint64_t i = first; i < last; i++)
    {
      context->kn->vec.rmsnorm (rt_tensor_row (&context->inputs[RT_NORM_X], i, n),
                                context->inputs[RT_NORM_WEIGHT].data, attrs->eps, n, normed);
      if (offset != NULL)
        context->kn->vec.add (normed, offset, n, normed);
      kn_act_store (&context->kn->matmul, act_of (context), normed, n,
                    y + i * kn_act_row_bytes (act_of (context), n));
    }
}

static void
norm_quant_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  uint64_t first, last;

  rt_split_range (rt_shape_rows (&context->outputs[0].shape), norm_quant_chunks (context, 0), chunk,
                  &first, &last);
  norm_quant_rows (context, first, last, rt_op_thread_scratch (context, worker));
}

/* An 8-bit row has its defined bits, so the reference is the norm's own plain form and the plain
 * quantization. */
static void
norm_quant_reference (const RtOpContext *context)
{
  size_t n = rt_shape_cols (&context->outputs[0].shape);
  size_t n_rows = rt_shape_rows (&context->outputs[0].shape);
  const KnTable *plain = kn_table_for_level (KN_LEVEL_C);
  const float *offset = context->inputs[RT_NORM_OFFSET].data;
  float *normed = rt_reference_alloc (n_rows * n * sizeof *normed);
  RtOpContext norm = *context;
  RtTensor y_f32 = context->outputs[0];

  y_f32.data = normed;
  norm.outputs = &y_f32;
  rt_op_rmsnorm.reference (&norm);
  for (size_t i = 0; offset != NULL && i < n_rows * n; i++)
    normed[i] += offset[i % n];
  for (size_t i = 0; i < n_rows; i++)
    kn_act_store (&plain->matmul, act_of (context), normed + i * n, n,
                  (uint8_t *)context->outputs[0].data + i * kn_act_row_bytes (act_of (context), n));
  free (normed);
}

static void
norm_quant_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
  cost->flops = cost->read_bytes / sizeof (float) * 7;
}

static const RtField fields[] = { RT_NORM_FIELDS };

const RtOp rt_op_norm_quant = {
  .name = "norm-quant",
  .title = "RMS norm to 8 bit",
  .attrs_bytes = sizeof (RtNormAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 3,
  .n_outputs = 1,
  .vector_inputs = 1 << RT_NORM_WEIGHT | 1 << RT_NORM_OFFSET,
  .infer = norm_quant_infer,
  .scratch = norm_quant_scratch,
  .n_phases = 1,
  .n_chunks = norm_quant_chunks,
  .run = norm_quant_run,
  .reference = norm_quant_reference,
  .cost = norm_quant_cost,
};
