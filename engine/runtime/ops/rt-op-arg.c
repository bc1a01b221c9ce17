/* The place of the largest or smallest element along an axis. */
#include "rt-number.h"
#include "rt-op-move.h"

/* Neighbours behind the axis that are compared at once. */
#define STRIP 64

static bool
arg_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtArgAttrs *attrs = node->attrs;
  const RtValue *x = rt_move_input (graph, node, 0, error);
  uint32_t axis;

  if (x == NULL || !rt_move_axis (attrs->axis, x->shape.n_dims, &axis, error)
      || !rt_move_check_concrete (x, axis, error))
    return false;
  if (x->shape.dims[axis] == 0)
    return rt_fail (error, RT_ERROR_RANGE, "%s is empty along axis %u", x->name, axis);
  if (attrs->type != RT_TYPE_I64 && attrs->type != RT_TYPE_I32)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "indices of type %s", rt_type_name (attrs->type));
  for (uint32_t i = 0; i < x->shape.n_dims; i++)
    if (i != axis)
      shapes[0].dims[shapes[0].n_dims++] = x->shape.dims[i];
    else if (attrs->keep_dims)
      shapes[0].dims[shapes[0].n_dims++] = 1;
  types[0] = attrs->type;
  return true;
}

typedef struct
{
  int64_t n_outer, n, inner;
  uint64_t n_strips; /* of the inner elements */
} Lines;

static Lines
lines_of (const RtOpContext *context)
{
  const RtArgAttrs *attrs = context->attrs;
  const RtShape *x = &context->inputs[0].shape;
  uint32_t axis = rt_move_attr_axis (attrs->axis, x->n_dims);
  Lines l = { rt_move_product (x, 0, axis), x->dims[axis], rt_move_product (x, axis + 1, x->n_dims),
              0 };

  l.n_strips = (uint64_t)((l.inner + STRIP - 1) / STRIP);
  return l;
}

static uint64_t
strip_bytes (const RtOpContext *context, const Lines *l)
{
  return (uint64_t)((l->inner < STRIP ? l->inner : STRIP) * l->n) * 8;
}

static uint32_t
arg_chunks (const RtOpContext *context, uint32_t phase)
{
  Lines l = lines_of (context);
  return rt_split ((uint64_t)l.n_outer * l.n_strips, strip_bytes (context, &l), context->n_threads);
}

/* -1 for the smallest: the order of the negated keys, but NaN stays the best. */
static int64_t
key_of (const RtTensor *x, size_t i, bool smallest)
{
  int64_t key = rt_number_key (x->type, x->data, i);
  return smallest && !(key == INT64_MAX && rt_type_is_float (x->type)) ? ~key : key;
}

static inline bool
wins (int64_t key, int64_t best, bool last)
{
  return key > best || (last && key == best);
}

/* A line of contiguous floats without branches on the type. */
static int64_t
best_float (const float *x, int64_t n, bool smallest, bool last)
{
  int64_t best = 0;

  for (int64_t i = 0; i < n; i++)
    {
      if (x[i] != x[i])
        {
          best = i;
          for (int64_t k = n - 1; last && k > i; k--)
            if (x[k] != x[k])
              return k;
          return best;
        }
      if (smallest ? x[i] < x[best] : x[i] > x[best])
        best = i;
      else if (last && x[i] == x[best])
        best = i;
    }
  return best;
}

/* A line of contiguous bytes: value and place in one number, so that there is no branch. */
static int64_t
best_byte (const uint8_t *x, int64_t n, bool is_signed, bool smallest, bool last)
{
  const uint32_t flip = (is_signed ? 0x80u : 0u) ^ (smallest ? 0xffu : 0u);
  const uint32_t mask = last ? 0 : 0xffffff;
  uint32_t best = 0;

  for (int64_t i = 0; i < n; i++)
    {
      const uint32_t key = (x[i] ^ flip) << 24 | ((uint32_t)i ^ mask);
      best = key > best ? key : best;
    }
  return (int64_t)((best ^ mask) & 0xffffff);
}

static void
best_of_strip (const RtOpContext *context, const Lines *l, int64_t outer, int64_t from, int64_t n,
               bool smallest)
{
  const RtArgAttrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[0];
  int64_t best[STRIP], at[STRIP] = { 0 };

  for (int64_t i = 0; i < l->n; i++)
    for (int64_t k = 0; k < n; k++)
      {
        int64_t key = key_of (x, (size_t)((outer * l->n + i) * l->inner + from + k), smallest);
        if (i == 0 || wins (key, best[k], attrs->select_last))
          {
            best[k] = key;
            at[k] = i;
          }
      }
  for (int64_t k = 0; k < n; k++)
    rt_move_store_index (&context->outputs[0], (size_t)(outer * l->inner + from + k), at[k]);
}

static void
best_floats_of_strip (const RtOpContext *context, const Lines *l, int64_t outer, int64_t from,
                      int64_t n, bool smallest)
{
  const RtArgAttrs *attrs = context->attrs;
  const float *x = (const float *)context->inputs[0].data + outer * l->n * l->inner + from;
  int32_t at[STRIP] = { 0 };
  float best[STRIP];

  memcpy (best, x, (size_t)n * sizeof *best);
  for (int64_t i = 1; i < l->n; i++)
    for (int64_t k = 0; k < n; k++)
      {
        float v = x[i * l->inner + k];
        bool better = (smallest ? v < best[k] : v > best[k]) || (attrs->select_last && v == best[k])
                      || (v != v && (best[k] == best[k] || attrs->select_last));
        better = better && (best[k] == best[k] || v != v);
        best[k] = better ? v : best[k];
        at[k] = better ? (int32_t)i : at[k];
      }
  for (int64_t k = 0; k < n; k++)
    rt_move_store_index (&context->outputs[0], (size_t)(outer * l->inner + from + k), at[k]);
}

/* Lines [first, last) of contiguous bytes. */
static void
best_bytes (const RtOpContext *context, int64_t n, uint64_t first, uint64_t last, bool smallest)
{
  const RtArgAttrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  const uint8_t *line = (const uint8_t *)x->data + first * (uint64_t)n;

  for (uint64_t i = first; i < last; i++, line += n)
    {
      const int64_t at = best_byte (line, n, x->type == RT_TYPE_I8, smallest, attrs->select_last);
      if (y->type == RT_TYPE_I64)
        ((int64_t *)y->data)[i] = at;
      else
        ((int32_t *)y->data)[i] = (int32_t)at;
    }
}

static void
arg_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtArgAttrs *attrs = context->attrs;
  const bool smallest = context->node->op->data != NULL;
  const RtTensor *x = &context->inputs[0];
  Lines l = lines_of (context);
  uint64_t first, last;

  rt_move_range (context, (uint64_t)l.n_outer * l.n_strips, strip_bytes (context, &l), chunk,
                 &first, &last);
  if ((x->type == RT_TYPE_U8 || x->type == RT_TYPE_I8) && l.inner == 1 && l.n <= 0xffffff)
    {
      best_bytes (context, l.n, first, last, smallest);
      return;
    }
  for (uint64_t strip = first; strip < last; strip++)
    {
      int64_t outer = (int64_t)(strip / l.n_strips), from = (int64_t)(strip % l.n_strips) * STRIP;
      int64_t n = l.inner - from < STRIP ? l.inner - from : STRIP;
      if (x->type != RT_TYPE_F32 || l.n > INT32_MAX)
        best_of_strip (context, &l, outer, from, n, smallest);
      else if (l.inner == 1)
        rt_move_store_index (&context->outputs[0], (size_t)outer,
                             best_float ((const float *)x->data + outer * l.n, l.n, smallest,
                                         attrs->select_last));
      else
        best_floats_of_strip (context, &l, outer, from, n, smallest);
    }
}

static void
arg_reference (const RtOpContext *context)
{
  const RtArgAttrs *attrs = context->attrs;
  const bool smallest = context->node->op->data != NULL;
  Lines l = lines_of (context);

  for (int64_t line = 0; line < l.n_outer * l.inner; line++)
    {
      int64_t start = line / l.inner * l.n * l.inner + line % l.inner, best = 0, at = 0;
      for (int64_t i = 0; i < l.n; i++)
        {
          int64_t key = key_of (&context->inputs[0], (size_t)(start + i * l.inner), smallest);
          if (i == 0 || wins (key, best, attrs->select_last))
            {
              best = key;
              at = i;
            }
        }
      rt_move_store_index (&context->outputs[0], (size_t)line, at);
    }
}

static void
arg_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
}

static bool
arg_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
             void *attrs)
{
  RtArgAttrs *arg = attrs;

  return arg->keep_dims && rt_move_permute_axis (graph, node, perm, n_dims, &arg->axis);
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD_AXIS (RtArgAttrs, axis),
  RT_FIELD_FLAG (RtArgAttrs, keep_dims),
  RT_FIELD_FLAG (RtArgAttrs, select_last),
  RT_FIELD (RtArgAttrs, type, RT_TYPE_I32, RT_TYPE_I64),
};
/* clang-format on */

#define ARG_OP(op_name, op_title, op_data)                                                         \
  {                                                                                                \
    .name = op_name, .title = op_title, .attrs_bytes = sizeof (RtArgAttrs), RT_FIELDS (fields),    \
    .min_inputs = 1, .max_inputs = 1, .n_outputs = 1, .data = op_data, .infer = arg_infer,         \
    .n_phases = 1, .n_chunks = arg_chunks, .run = arg_run, .reference = arg_reference,             \
    .cost = arg_cost, .permute = arg_permute                                                       \
  }

const RtOp rt_op_arg_max = ARG_OP ("arg-max", "Place of the largest", NULL);
const RtOp rt_op_arg_min = ARG_OP ("arg-min", "Place of the smallest", "smallest");
