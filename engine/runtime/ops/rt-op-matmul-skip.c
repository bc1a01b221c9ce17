/* The product that skips input channels near zero (rt-ops-skip.h). The rows that are left out are
 * chosen by the numbers themselves, so a token costs what its own activations make it cost; a
 * prompt's tokens choose differently and gain nothing. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rt-ops-skip.h"
#include "rt-product.h"

enum
{
  X = RT_MATMUL_SKIP_X,
  WEIGHT = RT_MATMUL_SKIP_WEIGHT,
  THRESHOLDS = RT_MATMUL_SKIP_THRESHOLDS
};

static bool
skip_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  if (!rt_op_check_matrix (graph, node, WEIGHT, 0, 0, error))
    return false;
  const RtShape *weight = &rt_op_input_value (graph, node, WEIGHT)->shape;
  if (!rt_op_check_rows (graph, node, X, weight->dims[1], false, error)
      || !rt_op_check_vector (graph, node, THRESHOLDS, weight->dims[1], error))
    return false;
  if (weight->dims[1] % KN_Q8_GROUP != 0)
    return rt_fail (error, RT_ERROR_FORMAT, "rows of %d values are not whole groups of %d",
                    (int)weight->dims[1], KN_Q8_GROUP);
  shapes[0] = shapes[1] = rt_op_input_value (graph, node, X)->shape;
  shapes[0].dims[1] = weight->dims[0];
  shapes[1].dims[1] = 1;
  types[0] = types[1] = RT_TYPE_F32;
  return true;
}

static size_t
round_up (size_t n)
{
  return (n + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
}

/* Shared: the 8-bit rows, then, for a single token, the list of its channels. */
static void
skip_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  RtValueId id = query->node->inputs[WEIGHT];
  const RtValue *weight = rt_graph_value (query->graph, id);
  int dtype = query->weight_dtypes != NULL ? query->weight_dtypes[id] : weight->type;
  size_t n_cols = (size_t)weight->shape.dims[1];
  size_t row = round_up (n_cols * sizeof (float)),
         product = round_up (kn_matmul_scratch_bytes ((KnDtype)dtype, n_cols));

  *shared_bytes = rt_op_query_rows (query) * kn_q8_row_bytes (n_cols) + sizeof (KnSkipList)
                  + kn_skip_list_bytes (n_cols);
  *thread_bytes = row > product ? row : product;
}

static KnSkipList *
list_of (const RtOpContext *context, size_t n_rows, size_t n_cols)
{
  return (KnSkipList *)(void *)(context->scratch + n_rows * kn_q8_row_bytes (n_cols));
}

static uint32_t
skip_chunks (const RtOpContext *context, uint32_t phase)
{
  const RtWeight *weight = context->inputs[WEIGHT].weight;
  size_t n_rows = rt_shape_rows (&context->outputs[0].shape);

  if (phase == 0)
    return rt_split (n_rows, rt_weight_n_cols (weight) * 4, context->n_threads);
  /* Panels of 64 rows; of other formats as many rows. */
  return (uint32_t)((rt_weight_n_rows (weight) + KN_SKIP_ROWS - 1) / KN_SKIP_ROWS);
}

static size_t
cut (const float *x, const float *thresholds, size_t n, float *y)
{
  size_t n_kept = 0;

  for (size_t i = 0; i < n; i++)
    {
      bool is_below = fabsf (x[i]) < thresholds[i];
      y[i] = is_below ? 0 : x[i];
      n_kept += !is_below;
    }
  return n_kept;
}

static void
prepare (const RtOpContext *context, uint32_t chunk, const RtWorker *worker)
{
  const size_t n_cols = rt_shape_cols (&context->inputs[X].shape);
  const size_t n_rows = rt_shape_rows (&context->inputs[X].shape);
  float *row = rt_op_thread_scratch (context, worker);
  uint64_t first, last;

  rt_split_range (n_rows, skip_chunks (context, 0), chunk, &first, &last);
  for (uint64_t t = first; t < last; t++)
    {
      uint8_t *codes = context->scratch + t * kn_q8_row_bytes (n_cols);
      size_t n_kept = cut (rt_tensor_row (&context->inputs[X], t, n_cols),
                           context->inputs[THRESHOLDS].data, n_cols, row);
      ((float *)context->outputs[1].data)[t] = (float)n_kept;
      context->kn->matmul.quantize_q8 (row, n_cols, codes);
      if (n_rows == 1)
        {
          KnSkipList *list = list_of (context, n_rows, n_cols);
          kn_skip_list (codes, n_cols, list + 1, list);
          rt_op_add_tally (context, n_cols - list->n_channels, n_cols);
        }
    }
}

static void
skip_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  if (phase == 0)
    {
      prepare (context, chunk, worker);
      return;
    }
  const RtWeight *weight = context->inputs[WEIGHT].weight;
  const KnDtype dtype = rt_weight_dtype (weight);
  const size_t n_cols = rt_weight_n_cols (weight), n_out = rt_weight_n_rows (weight);
  const size_t n_tokens = rt_shape_rows (&context->inputs[X].shape);
  const size_t first = (size_t)chunk * KN_SKIP_ROWS, panel = first / kn_panel_rows (dtype);
  const size_t n_rows = n_out - first < KN_SKIP_ROWS ? n_out - first : KN_SKIP_ROWS;
  const uint64_t *offsets = rt_weight_offsets (weight);
  float *y = (float *)context->outputs[0].data + first;

  if (n_tokens == 1 && dtype == KN_Q8_CHANNELS)
    context->kn->matmul.skip_q8_channels (
        &(KnSkipArgs){ .n_cols = n_cols,
                       .n_rows = n_rows,
                       .panels = rt_weight_panel (weight, panel),
                       .x = context->scratch,
                       .list = list_of (context, n_tokens, n_cols),
                       .y = y });
  else
    kn_matmul_fn (&context->kn->matmul, dtype) (&(KnMatmulArgs){
        .n_cols = n_cols,
        .n_rows = n_rows,
        .n_tokens = n_tokens,
        .panels = offsets != NULL ? rt_weight_panels (weight) : rt_weight_panel (weight, panel),
        .offsets = offsets != NULL ? offsets + panel : NULL,
        .x = context->scratch,
        .x_stride = kn_q8_row_bytes (n_cols),
        .y = y,
        .y_stride = n_out,
        .scratch = rt_op_thread_scratch (context, worker),
    });
}

static void
skip_reference (const RtOpContext *context)
{
  const RtWeight *weight = context->inputs[WEIGHT].weight;
  const size_t n_cols = rt_weight_n_cols (weight), n_out = rt_weight_n_rows (weight);
  const size_t n_tokens = rt_shape_rows (&context->inputs[X].shape);
  const size_t panel_rows = kn_panel_rows (rt_weight_dtype (weight));
  float *x = rt_reference_alloc (n_cols * sizeof *x), *w = rt_reference_alloc (n_cols * sizeof *w);
  uint8_t *codes = aligned_alloc (KN_ALIGN, kn_q8_row_bytes (n_cols));

  for (size_t t = 0; t < n_tokens; t++)
    {
      ((float *)context->outputs[1].data)[t]
          = (float)cut (rt_tensor_row (&context->inputs[X], t, n_cols),
                        context->inputs[THRESHOLDS].data, n_cols, x);
      kn_table_for_level (KN_LEVEL_C)->matmul.quantize_q8 (x, n_cols, codes);
      rt_q8_load (codes, n_cols, x);
      for (size_t r = 0; r < n_out; r++)
        {
          double sum = 0;
          kn_unpack_row (rt_weight_dtype (weight), rt_weight_panel (weight, r / panel_rows),
                         r % panel_rows, n_cols, w);
          for (size_t c = 0; c < n_cols; c++)
            sum += (double)w[c] * x[c];
          ((float *)context->outputs[0].data)[t * n_out + r] = (float)sum;
        }
    }
  free (codes);
  free (w);
  free (x);
}

/* A single token reads what is left of the weight, as far as that was foreseen. */
static void
skip_cost (const RtOpQuery *query, RtCost *cost)
{
  const RtMatmulSkipAttrs *attrs = query->node->attrs;

  rt_op_cost_io (query, cost);
  cost->flops = rt_product_flops (query, WEIGHT);
  if (rt_op_query_rows (query) != 1)
    return;
  cost->weight_bytes
      -= (uint64_t)((double)rt_op_weight_bytes (query, WEIGHT) * (double)attrs->share);
  cost->flops -= (uint64_t)((double)cost->flops * (double)attrs->share);
}

static const RtField fields[] = { RT_FIELD (RtMatmulSkipAttrs, share, 0, 1) };

const RtOp rt_op_matmul_skip = {
  .name = "matmul-skip",
  .title = "Matrix product that skips",
  .attrs_bytes = sizeof (RtMatmulSkipAttrs),
  RT_FIELDS (fields),
  .min_inputs = 3,
  .max_inputs = 3,
  .n_outputs = 2,
  .matrix_inputs = 1 << WEIGHT,
  .vector_inputs = 1 << THRESHOLDS,
  .infer = skip_infer,
  .scratch = skip_scratch,
  .n_phases = 2,
  .n_chunks = skip_chunks,
  .run = skip_run,
  .reference = skip_reference,
  .cost = skip_cost,
  .skips = "inputs",
};
