/* Operators whose output shape depends on numbers: where something is not 0, what a condition
 * selects, what is different. Shapes must be known before a run, so those numbers must be
 * constants; nodes like this usually disappear when the importer computes them. */
#include <stdlib.h>

#include "rt-number.h"
#include "rt-op-move.h"

/* Input @input as a constant with plain numbers; NULL and @error otherwise. */
static const RtValue *
constant_input (const RtGraph *graph, const RtNode *node, uint32_t input, RtError *error)
{
  const RtValue *value = rt_move_input (graph, node, input, error);

  if (value != NULL && value->kind != RT_VALUE_WEIGHT)
    {
      rt_fail (
          error, RT_ERROR_UNSUPPORTED,
          "%s: the size of the result depends on its numbers, which are not known before a run",
          value->name);
      return NULL;
    }
  return value;
}

static uint32_t
one_chunk (const RtOpContext *context, uint32_t phase)
{
  return 1;
}

static void
select_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
}

static bool
is_set (int type, const void *data, size_t i)
{
  return rt_type_is_float (type) ? rt_number_get (type, data, i) != 0
                                 : rt_number_get_integer (type, data, i) != 0;
}

/* ---- non_zero ---- */

static bool
non_zero_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                RtError *error)
{
  const RtValue *x = constant_input (graph, node, 0, error);
  int64_t n = 0;

  if (x == NULL)
    return false;
  for (size_t i = 0; i < rt_shape_n (&x->shape); i++)
    n += is_set (x->type, x->data, i);
  /* A single number counts as a vector of one. */
  shapes[0] = (RtShape){ 2, { x->shape.n_dims > 0 ? x->shape.n_dims : 1, n } };
  types[0] = RT_TYPE_I64;
  return true;
}

static void
non_zero_reference (const RtOpContext *context)
{
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  int64_t index[RT_MAX_DIMS] = { 0 }, *to = y->data, n = y->shape.dims[1], at = 0;

  for (size_t i = 0; i < rt_shape_n (&x->shape); i++)
    {
      if (is_set (x->type, x->data, i))
        {
          for (int64_t d = 0; d < y->shape.dims[0]; d++)
            to[d * n + at] = index[d];
          at++;
        }
      rt_move_next (&x->shape, index);
    }
}

static void
non_zero_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  non_zero_reference (context);
}

/* ---- slices along an axis, or single elements ---- */

typedef struct
{
  int64_t n_outer, n, inner;
} Slices;

static Slices
slices_of (const RtSelectAttrs *attrs, const RtShape *x)
{
  if (!attrs->has_axis)
    return (Slices){ 1, rt_move_product (x, 0, x->n_dims), 1 };
  uint32_t axis = rt_move_attr_axis (attrs->axis, x->n_dims);
  return (Slices){ rt_move_product (x, 0, axis), x->dims[axis],
                   rt_move_product (x, axis + 1, x->n_dims) };
}

static void
selected_shape (const RtSelectAttrs *attrs, const RtShape *x, int64_t n, RtShape *shape)
{
  *shape = (RtShape){ 1, { n } };
  if (!attrs->has_axis)
    return;
  *shape = *x;
  shape->dims[rt_move_attr_axis (attrs->axis, x->n_dims)] = n;
}

/* Copy slice @from of the input to slice @to of @n_to. */
static void
copy_slice (const RtOpContext *context, const Slices *s, int64_t from, int64_t to, int64_t n_to)
{
  const size_t piece = (size_t)s->inner * rt_type_bytes (context->inputs[0].type);

  for (int64_t outer = 0; outer < s->n_outer; outer++)
    memcpy ((uint8_t *)context->outputs[0].data + (size_t)(outer * n_to + to) * piece,
            (const uint8_t *)context->inputs[0].data + (size_t)(outer * s->n + from) * piece,
            piece);
}

static bool
check_axis (const RtSelectAttrs *attrs, const RtValue *x, RtError *error)
{
  uint32_t axis;

  return rt_move_check_shape (&x->shape, error)
         && (!attrs->has_axis || rt_move_axis (attrs->axis, x->shape.n_dims, &axis, error));
}

/* ---- compress ---- */

static bool
compress_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                RtError *error)
{
  const RtSelectAttrs *attrs = node->attrs;
  const RtValue *x = rt_move_input (graph, node, 0, error);
  const RtValue *condition = x != NULL ? constant_input (graph, node, 1, error) : NULL;
  int64_t n = 0;

  if (condition == NULL || !check_axis (attrs, x, error)
      || !rt_move_check_n_dims (condition, 1, error))
    return false;
  Slices s = slices_of (attrs, &x->shape);
  if (condition->shape.dims[0] > s.n)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: %lld conditions for %lld elements of %s",
                    condition->name, (long long)condition->shape.dims[0], (long long)s.n, x->name);
  for (int64_t i = 0; i < condition->shape.dims[0]; i++)
    n += is_set (condition->type, condition->data, (size_t)i);
  selected_shape (attrs, &x->shape, n, &shapes[0]);
  types[0] = x->type;
  return true;
}

static void
compress_reference (const RtOpContext *context)
{
  const RtSelectAttrs *attrs = context->attrs;
  const RtTensor *condition = &context->inputs[1];
  const RtShape *y = &context->outputs[0].shape;
  Slices s = slices_of (attrs, &context->inputs[0].shape);
  int64_t n = y->dims[attrs->has_axis ? rt_move_attr_axis (attrs->axis, y->n_dims) : 0], at = 0;

  for (int64_t i = 0; i < condition->shape.dims[0]; i++)
    if (is_set (condition->type, condition->data, (size_t)i))
      copy_slice (context, &s, i, at++, n);
}

static void
compress_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  compress_reference (context);
}

/* ---- unique ---- */

/* What is found: for each slice the first slice that is equal, and its number. */
typedef struct
{
  int64_t *order, *first, *number; /* [n] each */
  int64_t n_unique;
} Unique;

static int
compare_slices (int type, const void *data, const Slices *s, int64_t a, int64_t b)
{
  for (int64_t outer = 0; outer < s->n_outer; outer++)
    for (int64_t i = 0; i < s->inner; i++)
      {
        int64_t x = rt_number_key (type, data, (size_t)((outer * s->n + a) * s->inner + i));
        int64_t y = rt_number_key (type, data, (size_t)((outer * s->n + b) * s->inner + i));
        if (x != y)
          return x < y ? -1 : 1;
      }
  return 0;
}

/* Merge sort of @order [@n], stable; @other has room for as many. */
static void
sort_slices (int type, const void *data, const Slices *s, int64_t *order, int64_t *other, int64_t n)
{
  for (int64_t width = 1; width < n; width *= 2)
    {
      for (int64_t start = 0; start < n; start += 2 * width)
        {
          int64_t middle = start + width < n ? start + width : n;
          int64_t end = start + 2 * width < n ? start + 2 * width : n;
          for (int64_t i = start, j = middle, k = start; k < end; k++)
            {
              bool left = i < middle
                          && (j >= end || compare_slices (type, data, s, order[i], order[j]) <= 0);
              other[k] = left ? order[i++] : order[j++];
            }
        }
      memcpy (order, other, (size_t)n * sizeof *order);
    }
}

/* @memory: 3 n numbers. */
static Unique
find_unique (const RtSelectAttrs *attrs, int type, const void *data, const Slices *s,
             int64_t *memory)
{
  Unique u = { memory, memory + s->n, memory + 2 * s->n, 0 };

  for (int64_t i = 0; i < s->n; i++)
    u.order[i] = i;
  sort_slices (type, data, s, u.order, u.number, s->n);
  for (int64_t k = 0; k < s->n; k++)
    {
      bool same = k > 0 && compare_slices (type, data, s, u.order[k - 1], u.order[k]) == 0;
      u.first[u.order[k]] = same ? u.first[u.order[k - 1]] : u.order[k];
    }
  for (int64_t k = 0; k < s->n; k++)
    {
      int64_t i = attrs->sorted ? u.order[k] : k;
      if (u.first[i] == i)
        u.number[i] = u.n_unique++;
    }
  return u;
}

static bool
unique_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtSelectAttrs *attrs = node->attrs;
  const RtValue *x = constant_input (graph, node, 0, error);

  if (x == NULL || !check_axis (attrs, x, error))
    return false;
  Slices s = slices_of (attrs, &x->shape);
  int64_t *memory = malloc ((size_t)(3 * s.n + 1) * sizeof *memory);
  if (memory == NULL)
    return rt_fail (error, RT_ERROR_MEMORY, "no memory to compare %lld elements", (long long)s.n);
  int64_t n = find_unique (attrs, x->type, x->data, &s, memory).n_unique;
  free (memory);
  selected_shape (attrs, &x->shape, n, &shapes[0]);
  types[0] = x->type;
  shapes[1] = shapes[3] = (RtShape){ 1, { n } };
  shapes[2] = (RtShape){ 1, { s.n } };
  types[1] = types[2] = types[3] = RT_TYPE_I64;
  return true;
}

static void
unique_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  const RtShape *x = &rt_graph_value (query->graph, query->node->inputs[0])->shape;
  *shared_bytes = 3 * (uint64_t)slices_of (query->node->attrs, x).n * sizeof (int64_t);
}

static void
put_unique (const RtOpContext *context, int64_t *memory)
{
  const RtTensor *x = &context->inputs[0];
  Slices s = slices_of (context->attrs, &x->shape);
  Unique u = find_unique (context->attrs, x->type, x->data, &s, memory);
  int64_t *first = context->outputs[1].data, *inverse = context->outputs[2].data;
  int64_t *counts = context->outputs[3].data;

  for (int64_t k = 0; k < u.n_unique; k++)
    counts[k] = 0;
  for (int64_t i = 0; i < s.n; i++)
    {
      int64_t number = u.number[u.first[i]];
      inverse[i] = number;
      counts[number]++;
      if (u.first[i] != i)
        continue;
      first[number] = i;
      copy_slice (context, &s, i, number, u.n_unique);
    }
}

static void
unique_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  put_unique (context, (int64_t *)(void *)context->scratch);
}

static void
unique_reference (const RtOpContext *context)
{
  Slices s = slices_of (context->attrs, &context->inputs[0].shape);
  int64_t *memory = rt_reference_alloc ((size_t)(3 * s.n + 1) * sizeof *memory);

  put_unique (context, memory);
  free (memory);
}

const RtOp rt_op_non_zero = {
  .name = "non-zero",
  .title = "Places of what is not 0",
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = non_zero_infer,
  .n_phases = 1,
  .n_chunks = one_chunk,
  .run = non_zero_run,
  .reference = non_zero_reference,
  .cost = select_cost,
};

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD_FLAG (RtSelectAttrs, has_axis),
  RT_FIELD_AXIS (RtSelectAttrs, axis),
  RT_FIELD_FLAG (RtSelectAttrs, sorted),
};
/* clang-format on */

const RtOp rt_op_compress = {
  .name = "compress",
  .title = "Compress",
  .attrs_bytes = sizeof (RtSelectAttrs),
  RT_FIELDS (fields),
  .min_inputs = 2,
  .max_inputs = 2,
  .n_outputs = 1,
  .infer = compress_infer,
  .n_phases = 1,
  .n_chunks = one_chunk,
  .run = compress_run,
  .reference = compress_reference,
  .cost = select_cost,
};

const RtOp rt_op_unique = {
  .name = "unique",
  .title = "Different elements",
  .attrs_bytes = sizeof (RtSelectAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 4,
  .infer = unique_infer,
  .scratch = unique_scratch,
  .n_phases = 1,
  .n_chunks = one_chunk,
  .run = unique_run,
  .reference = unique_reference,
  .cost = select_cost,
};
