/* Token embedding: one row of a table per token. The table is the packed weight when there is one
 * (a tied output matrix, or one that a recipe changed), else the bytes of the file. Token numbers
 * were checked by the executor. */
#include "kn-quant.h"
#include "rt-op-common.h"
#include "rt-ops.h"

enum
{
  TOKENS,
  TABLE
};

static bool
embed_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtValue *tokens = rt_op_input_value (graph, node, TOKENS);

  if (tokens->type != RT_TYPE_I32 || tokens->shape.n_dims != 1)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: expected token numbers, one dimension of i32",
                    tokens->name);
  if (!rt_op_check_matrix (graph, node, TABLE, 0, 0, error))
    return false;
  shapes[0] = (RtShape){
    .n_dims = 2,
    .dims = { tokens->shape.dims[0], rt_op_input_value (graph, node, TABLE)->shape.dims[1] },
  };
  types[0] = RT_TYPE_F32;
  return true;
}

static void
embed_row (const RtOpContext *context, size_t row)
{
  const RtTensor *table = &context->inputs[TABLE];
  size_t n_cols = rt_shape_cols (&table->shape);
  size_t token = (size_t)((const int32_t *)context->inputs[TOKENS].data)[row];
  float *y = rt_tensor_row (&context->outputs[0], row, n_cols);

  if (table->weight != NULL)
    {
      KnDtype dtype = rt_weight_dtype (table->weight);
      kn_unpack_row (dtype, rt_weight_panel (table->weight, token / KN_PANEL_ROWS),
                     token % KN_PANEL_ROWS, n_cols, y);
    }
  else
    kn_dequantize_row (table->type,
                       (const uint8_t *)table->data + token * kn_row_bytes (table->type, n_cols), y,
                       n_cols);
}

static uint32_t
embed_chunks (const RtOpContext *context, uint32_t phase)
{
  const RtShape *shape = &context->outputs[0].shape;
  return rt_split (rt_shape_rows (shape), rt_shape_cols (shape) * 4, context->n_threads);
}

static void
embed_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  uint64_t first, last;

  rt_split_range (rt_shape_rows (&context->outputs[0].shape), embed_chunks (context, 0), chunk,
                  &first, &last);
  for (uint64_t row = first; row < last; row++)
    embed_row (context, row);
}

static void
embed_reference (const RtOpContext *context)
{
  for (size_t row = 0; row < rt_shape_rows (&context->outputs[0].shape); row++)
    embed_row (context, row);
}

static void
embed_cost (const RtOpQuery *query, RtCost *cost)
{
  const RtShape *table = &rt_op_input_value (query->graph, query->node, TABLE)->shape;

  rt_op_cost_io (query, cost);
  cost->weight_bytes
      += rt_op_weight_bytes (query, TABLE) / (uint64_t)table->dims[0] * rt_op_query_rows (query);
}

const RtOp rt_op_embed = {
  .name = "embed",
  .title = "Embedding",
  .min_inputs = 2,
  .max_inputs = 2,
  .n_outputs = 1,
  .table_inputs = 1 << TABLE,
  .infer = embed_infer,
  .n_phases = 1,
  .n_chunks = embed_chunks,
  .run = embed_run,
  .reference = embed_reference,
  .cost = embed_cost,
};
