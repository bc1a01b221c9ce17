/* Recurrent networks with ONNX's semantics: lstm, gru, rnn.
 *
 *   phase 0   rows of x brought into the form that the packed weights want
 *   phase 1   x W^T + biases for all steps and directions at once, in tiles on all threads
 *   phase 2   the steps, one chunk per direction and batch entry: h R^T, then the gates
 *
 * Steps depend on each other, so one sequence is one thread's. The gates are in rt-recurrent.c. */
#include "rt-recurrent.h"

#include <stdlib.h>
#include <string.h>

/* ---- infer ---- */

static uint32_t
n_gates (const RtNode *node)
{
  return node->op == &rt_op_lstm ? 4 : node->op == &rt_op_gru ? 3 : 1;
}

static uint32_t
n_directions (const RtRecurrentAttrs *attrs)
{
  return attrs->direction == RT_RECURRENT_BIDIRECTIONAL ? 2 : 1;
}

static RtShape
shape3 (int64_t a, int64_t b, int64_t c)
{
  return (RtShape){ .n_dims = 3, .dims = { a, b, c } };
}

static bool
check_weights (const RtGraph *graph, const RtNode *node, int64_t n_in, RtError *error)
{
  const RtRecurrentAttrs *attrs = node->attrs;
  int64_t n_rows = (int64_t)n_gates (node) * attrs->hidden;

  for (uint32_t d = 0; d < n_directions (attrs); d++)
    {
      uint32_t w = RT_RECURRENT_W_0 + 2 * d, r = w + 1;
      if (rt_op_input_value (graph, node, w) == NULL || rt_op_input_value (graph, node, r) == NULL)
        return rt_fail (error, RT_ERROR_FORMAT, "Direction %u has no weights", d + 1);
      if (!rt_op_check_matrix (graph, node, w, n_rows, n_in, error)
          || !rt_op_check_matrix (graph, node, r, n_rows, attrs->hidden, error))
        return false;
    }
  return true;
}

static bool
check_optional (const RtGraph *graph, const RtNode *node, int64_t batch, const RtShape *state,
                RtError *error)
{
  const RtRecurrentAttrs *attrs = node->attrs;
  int64_t directions = n_directions (attrs), hidden = attrs->hidden;
  const RtValue *lengths = rt_op_input_value (graph, node, RT_RECURRENT_LENGTHS);
  RtShape bias = { .n_dims = 2, .dims = { directions, 2 * n_gates (node) * hidden } };
  RtShape peepholes = { .n_dims = 2, .dims = { directions, 3 * hidden } };

  if (!rt_math_check_f32 (graph, node, RT_RECURRENT_BIAS, &bias, error)
      || !rt_math_check_f32 (graph, node, RT_RECURRENT_H, state, error)
      || !rt_math_check_f32 (graph, node, RT_RECURRENT_C, state, error)
      || !rt_math_check_f32 (graph, node, RT_RECURRENT_PEEPHOLE, &peepholes, error))
    return false;
  if (lengths != NULL
      && (lengths->type != RT_TYPE_I32 || lengths->shape.n_dims != 1
          || lengths->shape.dims[0] != batch))
    return rt_fail (error, RT_ERROR_FORMAT, "%s: expected %lld lengths of type i32", lengths->name,
                    (long long)batch);
  return true;
}

static bool
recurrent_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                 RtError *error)
{
  const RtRecurrentAttrs *attrs = node->attrs;
  const RtValue *x = rt_op_input_value (graph, node, RT_RECURRENT_X);
  int64_t directions = n_directions (attrs), hidden = attrs->hidden;
  char text[128];

  if (!rt_math_check_type (graph, node, RT_RECURRENT_X, RT_MATH_F32, error))
    return false;
  if (x->kind == RT_VALUE_WEIGHT || x->shape.n_dims != 3 || rt_math_has_symbols (&x->shape))
    return rt_fail (error, RT_ERROR_FORMAT,
                    "%s: expected activations with 3 known dimensions, got shape %s", x->name,
                    rt_shape_text (&x->shape, text, sizeof text));
  if (hidden == 0 || attrs->direction > RT_RECURRENT_BIDIRECTIONAL)
    return rt_fail (error, RT_ERROR_FORMAT, "Hidden size %u, direction %u: out of range",
                    attrs->hidden, attrs->direction);
  for (uint32_t d = 0; d < n_directions (attrs); d++)
    for (uint32_t i = 0; i < 3; i++)
      if (attrs->activations[d][i].function > RT_GATE_SOFTPLUS)
        return rt_fail (error, RT_ERROR_FORMAT, "Function %u of a gate is unknown",
                        attrs->activations[d][i].function);
  int64_t steps = x->shape.dims[attrs->batch_first ? 1 : 0];
  int64_t batch = x->shape.dims[attrs->batch_first ? 0 : 1];
  RtShape state = attrs->batch_first ? shape3 (batch, directions, hidden)
                                     : shape3 (directions, batch, hidden);
  if (!check_weights (graph, node, x->shape.dims[2], error)
      || !check_optional (graph, node, batch, &state, error))
    return false;

  shapes[0] = (RtShape){ .n_dims = 4, .dims = { steps, directions, batch, hidden } };
  if (attrs->batch_first)
    shapes[0] = (RtShape){ .n_dims = 4, .dims = { batch, steps, directions, hidden } };
  shapes[1] = shapes[2] = state;
  types[0] = types[1] = types[2] = RT_TYPE_F32;
  return true;
}

/* ---- sizes ---- */

typedef struct
{
  size_t steps, batch, directions, hidden, n_rows; /* n_rows: gates times hidden */
} Sizes;

static Sizes
sizes_of (const RtNode *node, const RtShape *x)
{
  const RtRecurrentAttrs *attrs = node->attrs;
  return (Sizes){ (size_t)x->dims[attrs->batch_first ? 1 : 0],
                  (size_t)x->dims[attrs->batch_first ? 0 : 1], n_directions (attrs), attrs->hidden,
                  (size_t)n_gates (node) * attrs->hidden };
}

static size_t
align (size_t n)
{
  return (n + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
}

/* Bytes of the rows of x in the shared scratch; the products with W follow. */
static size_t
rows_bytes (const RtOpContext *context)
{
  const RtWeight *w = context->inputs[RT_RECURRENT_W_0].weight;
  const RtTensor *x = &context->inputs[RT_RECURRENT_X];
  size_t n_cols = rt_weight_n_cols (w);

  if (rt_product_prepare_chunks (context, w) == 0)
    return 0;
  return rt_shape_rows (&x->shape) * rt_recurrent_row_bytes (rt_weight_dtype (w), n_cols);
}

static float *
sums_of (const RtOpContext *context, const Sizes *s, size_t direction)
{
  return (float *)(void *)(context->scratch + align (rows_bytes (context)))
         + direction * s->steps * s->batch * s->n_rows;
}

static void
recurrent_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  Sizes s = sizes_of (query->node, &rt_op_input_value (query->graph, query->node, 0)->shape);
  uint64_t product = 0;
  uint64_t steps = rt_recurrent_thread_bytes (s.hidden, s.n_rows);

  for (uint32_t d = 0; d < s.directions; d++)
    {
      uint64_t bytes = rt_product_thread_bytes (query, RT_RECURRENT_W_0 + 2 * d, 0);
      product = bytes > product ? bytes : product;
    }
  *shared_bytes = align (rt_product_prepare_bytes (query, RT_RECURRENT_W_0))
                  + s.directions * s.steps * s.batch * s.n_rows * sizeof (float);
  *thread_bytes = product > steps ? product : steps;
}

/* ---- phases 0 and 1: x W^T + biases ---- */

static RtTiling
tiling_of (const RtOpContext *context, const Sizes *s)
{
  const RtWeight *w = context->inputs[RT_RECURRENT_W_0].weight;
  size_t n_cols = rt_weight_n_cols (w);
  return rt_tiling (rt_weight_n_panels (w), 1, kn_panel_bytes (rt_weight_dtype (w), n_cols), n_cols,
                    s->steps * s->batch, context->n_threads);
}

static uint32_t
recurrent_chunks (const RtOpContext *context, uint32_t phase)
{
  Sizes s = sizes_of (context->node, &context->inputs[RT_RECURRENT_X].shape);
  RtTiling tiling;

  switch (phase)
    {
    case 0:
      return rt_product_prepare_chunks (context, context->inputs[RT_RECURRENT_W_0].weight);
    case 1:
      tiling = tiling_of (context, &s);
      return rt_tiling_n_chunks (&tiling) * (uint32_t)s.directions;
    default:
      return (uint32_t)(s.directions * s.batch);
    }
}

static void
input_product (const RtOpContext *context, const Sizes *s, uint32_t chunk, void *scratch)
{
  RtTiling tiling = tiling_of (context, s);
  uint32_t direction = chunk / rt_tiling_n_chunks (&tiling);
  const RtWeight *w = context->inputs[RT_RECURRENT_W_0 + 2 * direction].weight;
  RtTile tile = rt_tiling_tile (&tiling, rt_weight_n_panels (w), s->steps * s->batch,
                                chunk % rt_tiling_n_chunks (&tiling));
  size_t first = tile.first_panel * KN_PANEL_ROWS;
  size_t n = rt_product_n_rows (w, tile.first_panel, tile.n_panels);
  float *y = sums_of (context, s, direction) + tile.first_token * s->n_rows + first;

  rt_product_tile (context, w, &tile, y, s->n_rows, scratch);
  const float *bias = context->inputs[RT_RECURRENT_BIAS].data;
  if (bias == NULL)
    return;
  bias += direction * 2 * s->n_rows + first;
  for (size_t t = 0; t < tile.n_tokens; t++)
    rt_recurrent_add_bias (context, bias, bias + s->n_rows, first, n, y + t * s->n_rows);
}

/* ---- phase 2: the steps ---- */

/* Of one batch entry in the tensors of the states. */
static size_t
state_row (const RtRecurrentAttrs *attrs, const Sizes *s, size_t direction, size_t entry)
{
  return (attrs->batch_first ? entry * s->directions + direction : direction * s->batch + entry)
         * s->hidden;
}

static size_t
output_row (const RtRecurrentAttrs *attrs, const Sizes *s, size_t step, size_t direction,
            size_t entry)
{
  return (attrs->batch_first ? (entry * s->steps + step) * s->directions + direction
                             : (step * s->directions + direction) * s->batch + entry)
         * s->hidden;
}

static void
load_state (const RtTensor *tensor, size_t at, size_t n, float *to)
{
  if (tensor != NULL && tensor->data != NULL)
    memcpy (to, (const float *)tensor->data + at, n * sizeof *to);
  else
    memset (to, 0, n * sizeof *to);
}

static void
run_sequence (const RtOpContext *context, const Sizes *s, uint32_t chunk, float *scratch)
{
  const RtRecurrentAttrs *attrs = context->attrs;
  size_t direction = chunk / s->batch, entry = chunk % s->batch;
  bool reverse = attrs->direction == RT_RECURRENT_REVERSE || direction == 1;
  const RtTensor *lengths = rt_recurrent_optional (context, RT_RECURRENT_LENGTHS);
  size_t n_steps = s->steps, state = state_row (attrs, s, direction, entry);
  float *y = context->outputs[0].data;
  RtRecurrentStep step;

  rt_recurrent_step_init (&step, context, direction, scratch);
  load_state (rt_recurrent_optional (context, RT_RECURRENT_H), state, s->hidden, step.h);
  load_state (rt_recurrent_optional (context, RT_RECURRENT_C), state, s->hidden, step.c);
  if (lengths != NULL)
    {
      int32_t length = ((const int32_t *)lengths->data)[entry];
      n_steps = length < 0 ? 0 : (size_t)length < s->steps ? (size_t)length : s->steps;
    }
  for (size_t i = 0; i < n_steps; i++)
    {
      size_t t = reverse ? n_steps - 1 - i : i;
      size_t row = attrs->batch_first ? entry * s->steps + t : t * s->batch + entry;
      rt_recurrent_step (&step, sums_of (context, s, direction) + row * s->n_rows);
      memcpy (y + output_row (attrs, s, t, direction, entry), step.h, s->hidden * sizeof *y);
    }
  for (size_t t = n_steps; t < s->steps; t++)
    memset (y + output_row (attrs, s, t, direction, entry), 0, s->hidden * sizeof *y);
  memcpy ((float *)context->outputs[1].data + state, step.h, s->hidden * sizeof *y);
  if (context->node->op == &rt_op_lstm)
    memcpy ((float *)context->outputs[2].data + state, step.c, s->hidden * sizeof *y);
}

static void
recurrent_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  Sizes s = sizes_of (context->node, &context->inputs[RT_RECURRENT_X].shape);
  void *scratch = rt_op_thread_scratch (context, worker);

  if (phase == 0)
    rt_product_prepare (context, context->inputs[RT_RECURRENT_W_0].weight, chunk);
  else if (phase == 1)
    input_product (context, &s, chunk, scratch);
  else
    run_sequence (context, &s, chunk, scratch);
}

/* ---- reference: the equations, one number after the other ---- */

static float *
unpacked (const RtWeight *weight)
{
  size_t n_cols = rt_weight_n_cols (weight), n_rows = rt_weight_n_rows (weight);
  float *w = rt_reference_alloc (n_rows * n_cols * sizeof *w);
  for (size_t r = 0; r < n_rows; r++)
    kn_unpack_row (rt_weight_dtype (weight),
                   (const uint8_t *)rt_weight_panels (weight)
                       + r / KN_PANEL_ROWS * kn_panel_bytes (rt_weight_dtype (weight), n_cols),
                   r % KN_PANEL_ROWS, n_cols, w + r * n_cols);
  return w;
}

static void
reference_sequence (const RtOpContext *context, const Sizes *s, size_t direction, size_t entry)
{
  const RtRecurrentAttrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[RT_RECURRENT_X];
  const RtTensor *lengths = rt_recurrent_optional (context, RT_RECURRENT_LENGTHS);
  const RtTensor *peephole = rt_recurrent_optional (context, RT_RECURRENT_PEEPHOLE);
  const float *bias = context->inputs[RT_RECURRENT_BIAS].data;
  bool reverse = attrs->direction == RT_RECURRENT_REVERSE || direction == 1;
  size_t n_in = (size_t)x->shape.dims[2], state = state_row (attrs, s, direction, entry);
  size_t n_steps = lengths != NULL ? (size_t)((const int32_t *)lengths->data)[entry] : s->steps;
  float *w = unpacked (context->inputs[RT_RECURRENT_W_0 + 2 * direction].weight);
  float *r = unpacked (context->inputs[RT_RECURRENT_R_0 + 2 * direction].weight);
  float *h = rt_reference_alloc (s->hidden * sizeof *h);
  float *c = rt_reference_alloc (s->hidden * sizeof *c);
  float *y = context->outputs[0].data;

  load_state (rt_recurrent_optional (context, RT_RECURRENT_H), state, s->hidden, h);
  load_state (rt_recurrent_optional (context, RT_RECURRENT_C), state, s->hidden, c);
  for (size_t t = 0; t < s->steps; t++)
    memset (y + output_row (attrs, s, t, direction, entry), 0, s->hidden * sizeof *y);
  for (size_t i = 0; i < n_steps; i++)
    {
      size_t t = reverse ? n_steps - 1 - i : i;
      size_t row = attrs->batch_first ? entry * s->steps + t : t * s->batch + entry;
      rt_recurrent_reference_step (context, direction, (const float *)x->data + row * n_in, n_in, w,
                                   r, bias != NULL ? bias + direction * 2 * s->n_rows : NULL,
                                   peephole != NULL && peephole->data != NULL
                                       ? (const float *)peephole->data + direction * 3 * s->hidden
                                       : NULL,
                                   h, c);
      memcpy (y + output_row (attrs, s, t, direction, entry), h, s->hidden * sizeof *y);
    }
  memcpy ((float *)context->outputs[1].data + state, h, s->hidden * sizeof *y);
  if (context->node->op == &rt_op_lstm)
    memcpy ((float *)context->outputs[2].data + state, c, s->hidden * sizeof *y);
  free (w);
  free (r);
  free (h);
  free (c);
}

static void
recurrent_reference (const RtOpContext *context)
{
  Sizes s = sizes_of (context->node, &context->inputs[RT_RECURRENT_X].shape);
  for (size_t direction = 0; direction < s.directions; direction++)
    for (size_t entry = 0; entry < s.batch; entry++)
      reference_sequence (context, &s, direction, entry);
}

static void
recurrent_cost (const RtOpQuery *query, RtCost *cost)
{
  const RtShape *x = &rt_op_input_value (query->graph, query->node, RT_RECURRENT_X)->shape;
  Sizes s = sizes_of (query->node, x);

  rt_op_cost_io (query, cost);
  cost->flops
      = 2ull * s.directions * s.steps * s.batch * s.n_rows * ((uint64_t)x->dims[2] + s.hidden + 4);
}

#define MATRICES                                                                                   \
  (1 << RT_RECURRENT_W_0 | 1 << RT_RECURRENT_R_0 | 1 << RT_RECURRENT_W_1 | 1 << RT_RECURRENT_R_1)
#define VECTORS                                                                                    \
  (1 << RT_RECURRENT_BIAS | 1 << RT_RECURRENT_H | 1 << RT_RECURRENT_C | 1 << RT_RECURRENT_PEEPHOLE)

/* clang-format off */
#define GATE(d, i)                                                                                 \
  RT_FIELD (RtRecurrentAttrs, activations[d][i].function, 0, RT_GATE_SOFTPLUS),                    \
  RT_FIELD_FINITE (RtRecurrentAttrs, activations[d][i].alpha),                                     \
  RT_FIELD_FINITE (RtRecurrentAttrs, activations[d][i].beta)

static const RtField fields[] = {
  RT_FIELD_SIZE (RtRecurrentAttrs, hidden),
  RT_FIELD (RtRecurrentAttrs, direction, 0, RT_RECURRENT_BIDIRECTIONAL),
  GATE (0, 0),
  GATE (0, 1),
  GATE (0, 2),
  GATE (1, 0),
  GATE (1, 1),
  GATE (1, 2),
  RT_FIELD_REAL (RtRecurrentAttrs, clip),
  RT_FIELD_REAL (RtRecurrentAttrs, cell_clip),
  RT_FIELD_FLAG (RtRecurrentAttrs, input_forget),
  RT_FIELD_FLAG (RtRecurrentAttrs, linear_before_reset),
  RT_FIELD_FLAG (RtRecurrentAttrs, batch_first),
};
/* clang-format on */

#define RECURRENT(id, people, outputs)                                                             \
  const RtOp rt_op_##id = {                                                                        \
    .name = #id,                                                                                   \
    .title = people,                                                                               \
    .attrs_bytes = sizeof (RtRecurrentAttrs),                                                      \
    RT_FIELDS (fields),                                                                            \
    .min_inputs = 3,                                                                               \
    .max_inputs = RT_RECURRENT_N_INPUTS,                                                           \
    .n_outputs = outputs,                                                                          \
    .matrix_inputs = MATRICES,                                                                     \
    .vector_inputs = VECTORS,                                                                      \
    .infer = recurrent_infer,                                                                      \
    .scratch = recurrent_scratch,                                                                  \
    .n_phases = 3,                                                                                 \
    .n_chunks = recurrent_chunks,                                                                  \
    .run = recurrent_run,                                                                          \
    .reference = recurrent_reference,                                                              \
    .cost = recurrent_cost,                                                                        \
  };

RECURRENT (lstm, "LSTM", 3)
RECURRENT (gru, "GRU", 2)
RECURRENT (rnn, "Recurrent layer", 2)
