/* One of two values, element by element, with broadcasting. */
#include "rt-op-move.h"

/* Dimensions that belong together are merged, outermost first; strides are in elements, 0 where a
 * value is broadcast. */
typedef struct
{
  uint32_t n_dims;
  int64_t dims[RT_MAX_DIMS];
  int64_t strides[3][RT_MAX_DIMS]; /* condition, a, b */
  uint64_t n_rows, n_strips;       /* of the last dimension: its strips */
  int64_t strip;
} Plan;

/* Elements of a strip: worth handing out. */
#define STRIP 4096

static bool
where_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtValue *inputs[3];

  for (uint32_t i = 0; i < 3; i++)
    {
      inputs[i] = rt_move_input (graph, node, i, error);
      if (inputs[i] == NULL)
        return false;
    }
  if (!rt_move_check_type (inputs[0], RT_TYPE_BOOL, error)
      || !rt_move_check_type (inputs[2], inputs[1]->type, error))
    return false;
  shapes[0] = inputs[0]->shape;
  types[0] = inputs[1]->type;
  return rt_move_broadcast (&shapes[0], &inputs[1]->shape, error)
         && rt_move_broadcast (&shapes[0], &inputs[2]->shape, error);
}

static void
add_dim (Plan *p, int64_t n, const int64_t *strides)
{
  uint32_t last = p->n_dims - 1;
  bool merges = p->n_dims > 0;

  if (n == 1)
    return;
  for (int i = 0; i < 3 && merges; i++)
    merges = p->strides[i][last] == strides[i] * n;
  if (!merges)
    last = p->n_dims++;
  p->dims[last] = merges ? p->dims[last] * n : n;
  for (int i = 0; i < 3; i++)
    p->strides[i][last] = strides[i];
}

static Plan
make_plan (const RtOpContext *context)
{
  const RtShape *y = &context->outputs[0].shape;
  int64_t strides[3][RT_MAX_DIMS];
  Plan p = { .n_rows = 1 };

  for (int i = 0; i < 3; i++)
    rt_move_strides (&context->inputs[i].shape, strides[i]);
  for (uint32_t d = 0; d < y->n_dims; d++)
    {
      int64_t s[3];
      for (int i = 0; i < 3; i++)
        {
          const RtShape *x = &context->inputs[i].shape;
          uint32_t n_new = y->n_dims - x->n_dims;
          s[i] = d < n_new || x->dims[d - n_new] == 1 ? 0 : strides[i][d - n_new];
        }
      add_dim (&p, y->dims[d], s);
    }
  if (p.n_dims == 0)
    p.dims[p.n_dims++] = 1;
  for (uint32_t d = 0; d + 1 < p.n_dims; d++)
    p.n_rows *= (uint64_t)p.dims[d];
  int64_t n = p.dims[p.n_dims - 1];
  p.strip = n < STRIP ? n : STRIP;
  p.n_strips = n > 0 ? (uint64_t)((n + p.strip - 1) / p.strip) : 0;
  return p;
}

static uint64_t
strip_bytes (const RtOpContext *context, const Plan *p)
{
  return (uint64_t)p->strip * (1 + 3 * rt_type_bytes (context->outputs[0].type));
}

static uint32_t
where_chunks (const RtOpContext *context, uint32_t phase)
{
  Plan p = make_plan (context);
  return rt_split (p.n_rows * p.n_strips, strip_bytes (context, &p), context->n_threads);
}

#define DEFINE_SELECT(bits)                                                                        \
  static void select_##bits (const uint8_t *c, int64_t cs, const uint##bits##_t *a, int64_t as,    \
                             const uint##bits##_t *b, int64_t bs, uint##bits##_t *y, int64_t n)    \
  {                                                                                                \
    if (cs == 1 && as == 1 && bs == 1)                                                             \
      for (int64_t i = 0; i < n; i++)                                                              \
        y[i] = c[i] ? a[i] : b[i];                                                                 \
    else if (cs == 1 && as == 1 && bs == 0)                                                        \
      for (int64_t i = 0; i < n; i++)                                                              \
        y[i] = c[i] ? a[i] : *b;                                                                   \
    else if (cs == 1 && as == 0 && bs == 1)                                                        \
      for (int64_t i = 0; i < n; i++)                                                              \
        y[i] = c[i] ? *a : b[i];                                                                   \
    else                                                                                           \
      for (int64_t i = 0; i < n; i++)                                                              \
        y[i] = c[i * cs] ? a[i * as] : b[i * bs];                                                  \
  }

DEFINE_SELECT (8)
DEFINE_SELECT (16)
DEFINE_SELECT (32)
DEFINE_SELECT (64)

static void
where_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  Plan p = make_plan (context);
  const uint32_t in = p.n_dims - 1;
  const size_t elem = rt_type_bytes (context->outputs[0].type);
  uint64_t first, last;

  rt_move_range (context, p.n_rows * p.n_strips, strip_bytes (context, &p), chunk, &first, &last);
  for (uint64_t strip = first; strip < last; strip++)
    {
      uint64_t row = strip / p.n_strips, rest = row;
      int64_t start = (int64_t)(strip % p.n_strips) * p.strip, at[3];
      int64_t n = p.dims[in] - start < p.strip ? p.dims[in] - start : p.strip;
      for (int i = 0; i < 3; i++)
        at[i] = start * p.strides[i][in];
      for (uint32_t d = in; d-- > 0;)
        {
          int64_t k = (int64_t)(rest % (uint64_t)p.dims[d]);
          rest /= (uint64_t)p.dims[d];
          for (int i = 0; i < 3; i++)
            at[i] += k * p.strides[i][d];
        }
      const uint8_t *c = (const uint8_t *)context->inputs[0].data + at[0];
      const void *a = (const uint8_t *)context->inputs[1].data + at[1] * (int64_t)elem;
      const void *b = (const uint8_t *)context->inputs[2].data + at[2] * (int64_t)elem;
      void *y = (uint8_t *)context->outputs[0].data
                + ((int64_t)row * p.dims[in] + start) * (int64_t)elem;
      int64_t cs = p.strides[0][in], as = p.strides[1][in], bs = p.strides[2][in];
      if (elem == 1)
        select_8 (c, cs, a, as, b, bs, y, n);
      else if (elem == 2)
        select_16 (c, cs, a, as, b, bs, y, n);
      else if (elem == 4)
        select_32 (c, cs, a, as, b, bs, y, n);
      else
        select_64 (c, cs, a, as, b, bs, y, n);
    }
}

static size_t
broadcast_offset (const RtShape *x, const RtShape *y, const int64_t *index)
{
  int64_t at = 0;

  for (uint32_t i = 0; i < x->n_dims; i++)
    at = at * x->dims[i] + (x->dims[i] == 1 ? 0 : index[i + y->n_dims - x->n_dims]);
  return (size_t)at;
}

static void
where_reference (const RtOpContext *context)
{
  const RtTensor *y = &context->outputs[0];
  const size_t elem = rt_type_bytes (y->type);
  int64_t index[RT_MAX_DIMS] = { 0 };
  uint8_t *to = y->data;

  if (rt_shape_n (&y->shape) == 0)
    return;
  do
    {
      const RtTensor *c = &context->inputs[0];
      bool first = ((const uint8_t *)c->data)[broadcast_offset (&c->shape, &y->shape, index)];
      const RtTensor *x = &context->inputs[first ? 1 : 2];
      memmove (to, (const uint8_t *)x->data + broadcast_offset (&x->shape, &y->shape, index) * elem,
               elem);
      to += elem;
    }
  while (rt_move_next (&y->shape, index));
}

static void
where_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
}

/* As many bytes as the output: not broadcast, and each element is read before its place is
 * written. */
static bool
where_in_place (const RtNode *node, uint32_t input)
{
  return true;
}

/* No attributes: the same for any order of the dimensions; what is broadcast is so in any order. */
static bool
where_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
               void *attrs)
{
  return true;
}

const RtOp rt_op_where = {
  .name = "where",
  .title = "Where",
  .min_inputs = 3,
  .max_inputs = 3,
  .n_outputs = 1,
  .infer = where_infer,
  .n_phases = 1,
  .n_chunks = where_chunks,
  .run = where_run,
  .reference = where_reference,
  .cost = where_cost,
  .in_place = where_in_place,
  .permute = where_permute,
};
