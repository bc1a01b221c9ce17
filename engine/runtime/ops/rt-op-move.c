/* What the operators that move and select share. Knows shapes, types and the strided copy, no
 * operator. */
#include "rt-op-move.h"

#include <inttypes.h>

/* ---- infer ---- */

const RtValue *
rt_move_input (const RtGraph *graph, const RtNode *node, uint32_t input, RtError *error)
{
  const RtValue *value = rt_op_input_value (graph, node, input);

  if (value == NULL)
    rt_fail (error, RT_ERROR_FORMAT, "input %u is missing", input);
  else if (rt_type_bytes (value->type) == 0)
    {
      rt_fail (error, RT_ERROR_UNSUPPORTED, "%s: expected a plain element type, got %s",
               value->name, rt_type_name (value->type));
      return NULL;
    }
  return value;
}

const RtValue *
rt_move_index_input (const RtGraph *graph, const RtNode *node, uint32_t input, int64_t n,
                     RtError *error)
{
  const RtValue *value = rt_move_input (graph, node, input, error);

  if (value == NULL)
    return NULL;
  if (value->type != RT_TYPE_I32 && value->type != RT_TYPE_I64)
    {
      rt_fail (error, RT_ERROR_FORMAT, "%s: expected indices of type i32 or i64, got %s",
               value->name, rt_type_name (value->type));
      return NULL;
    }
  if (value->kind != RT_VALUE_WEIGHT || n < 0)
    return value;

  RtTensor tensor = { .data = (void *)value->data, .type = value->type };
  for (uint64_t i = 0; i < rt_shape_n (&value->shape); i++)
    {
      int64_t x = rt_move_raw_index (&tensor, i);
      if (x < -n || x >= n)
        {
          rt_fail (error, RT_ERROR_RANGE,
                   "%s: index %" PRIu64 " is %" PRId64 ", expected %" PRId64 " to %" PRId64,
                   value->name, i, x, -n, n - 1);
          return NULL;
        }
    }
  return value;
}

bool
rt_move_check_type (const RtValue *value, int type, RtError *error)
{
  if (value->type != type)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: expected type %s, got %s", value->name,
                    rt_type_name (type), rt_type_name (value->type));
  return true;
}

bool
rt_move_check_n_dims (const RtValue *value, uint32_t n_dims, RtError *error)
{
  char got[128];

  if (value->shape.n_dims != n_dims)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: expected %u dimensions, got shape %s", value->name,
                    n_dims, rt_shape_text (&value->shape, got, sizeof got));
  return true;
}

bool
rt_move_axis (int64_t axis, uint32_t n_dims, uint32_t *result, RtError *error)
{
  if (axis < -(int64_t)n_dims || axis >= (int64_t)n_dims)
    return rt_fail (error, RT_ERROR_RANGE, "axis %" PRId64 " of %u dimensions", axis, n_dims);
  *result = (uint32_t)(axis < 0 ? axis + n_dims : axis);
  return true;
}

bool
rt_move_check_concrete (const RtValue *value, uint32_t dim, RtError *error)
{
  char got[128];

  if (value->shape.dims[dim] < 0)
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "%s: dimension %u of shape %s is not known before a run", value->name, dim,
                    rt_shape_text (&value->shape, got, sizeof got));
  return true;
}

bool
rt_move_check_shape (const RtShape *shape, RtError *error)
{
  char got[128];

  if (shape->n_dims > RT_MAX_DIMS)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "%u dimensions, at most %d are possible",
                    shape->n_dims, RT_MAX_DIMS);
  for (uint32_t i = 0; i < shape->n_dims; i++)
    if (shape->dims[i] < 0 || shape->dims[i] > INT32_MAX)
      return rt_fail (error, RT_ERROR_RANGE, "dimension %u of shape %s: expected 0 to %d", i,
                      rt_shape_text (shape, got, sizeof got), INT32_MAX);
  if (rt_shape_n (shape) > INT64_MAX / 64)
    return rt_fail (error, RT_ERROR_RANGE, "shape %s has too many elements",
                    rt_shape_text (shape, got, sizeof got));
  return true;
}

bool
rt_move_same_shape (const RtShape *a, const RtShape *b)
{
  return a->n_dims == b->n_dims && memcmp (a->dims, b->dims, a->n_dims * sizeof *a->dims) == 0;
}

bool
rt_move_broadcast (RtShape *shape, const RtShape *other, RtError *error)
{
  RtShape old = *shape;
  char a[128], b[128];

  shape->n_dims = old.n_dims > other->n_dims ? old.n_dims : other->n_dims;
  for (uint32_t i = 0; i < shape->n_dims; i++)
    {
      uint32_t pad_old = shape->n_dims - old.n_dims, pad_other = shape->n_dims - other->n_dims;
      int64_t x = i < pad_old ? 1 : old.dims[i - pad_old];
      int64_t y = i < pad_other ? 1 : other->dims[i - pad_other];
      if (x != y && x != 1 && y != 1)
        return rt_fail (error, RT_ERROR_FORMAT, "shapes %s and %s do not broadcast",
                        rt_shape_text (&old, a, sizeof a), rt_shape_text (other, b, sizeof b));
      shape->dims[i] = x == 1 ? y : x;
    }
  return true;
}

/* ---- permute ---- */

uint32_t
rt_move_permuted (uint32_t dim, const uint32_t *perm, uint32_t n_dims)
{
  for (uint32_t i = 0; i < n_dims; i++)
    if (perm[i] == dim)
      return i;
  return dim;
}

bool
rt_move_all_have (const RtGraph *graph, const RtNode *node, uint32_t n_dims)
{
  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (node->inputs[i] != RT_NONE
        && rt_graph_value (graph, node->inputs[i])->shape.n_dims != n_dims)
      return false;
  for (uint32_t i = 0; i < node->n_outputs; i++)
    if (rt_graph_value (graph, node->outputs[i])->shape.n_dims != n_dims)
      return false;
  return true;
}

bool
rt_move_permute_axis (const RtGraph *graph, const RtNode *node, const uint32_t *perm,
                      uint32_t n_dims, int32_t *axis)
{
  if (rt_graph_value (graph, node->inputs[0])->shape.n_dims != n_dims)
    return false;
  *axis = (int32_t)rt_move_permuted (rt_move_attr_axis (*axis, n_dims), perm, n_dims);
  return true;
}

void
rt_move_permute_i64 (int64_t *x, const uint32_t *perm, uint32_t n_dims)
{
  int64_t old[RT_MAX_DIMS];

  memcpy (old, x, n_dims * sizeof *x);
  for (uint32_t i = 0; i < n_dims; i++)
    x[i] = old[perm[i]];
}

void
rt_move_permute_f32 (float *x, const uint32_t *perm, uint32_t n_dims)
{
  float old[RT_MAX_DIMS];

  memcpy (old, x, n_dims * sizeof *x);
  for (uint32_t i = 0; i < n_dims; i++)
    x[i] = old[perm[i]];
}

/* ---- run ---- */

void
rt_move_strides (const RtShape *shape, int64_t *strides)
{
  int64_t stride = 1;

  for (uint32_t i = shape->n_dims; i-- > 0;)
    {
      strides[i] = stride;
      stride *= shape->dims[i];
    }
}

int64_t
rt_move_product (const RtShape *shape, uint32_t first, uint32_t last)
{
  int64_t n = 1;

  for (uint32_t i = first; i < last; i++)
    n *= shape->dims[i];
  return n;
}

uint32_t
rt_move_attr_axis (int32_t axis, uint32_t n_dims)
{
  return (uint32_t)(axis < 0 ? axis + (int32_t)n_dims : axis);
}

bool
rt_move_next (const RtShape *shape, int64_t *index)
{
  for (uint32_t d = shape->n_dims; d-- > 0;)
    {
      if (++index[d] < shape->dims[d])
        return true;
      index[d] = 0;
    }
  return false;
}

void
rt_move_range (const RtOpContext *context, uint64_t n_items, uint64_t item_bytes, uint32_t chunk,
               uint64_t *first, uint64_t *last)
{
  rt_split_range (n_items, rt_split (n_items, item_bytes, context->n_threads), chunk, first, last);
}

void
rt_move_fill (uint8_t *to, const uint8_t *from, size_t elem, int64_t n)
{
  uint64_t zero = 0;

  if (n <= 0)
    return;
  if (elem == 1)
    memset (to, *from, (size_t)n);
  else if (memcmp (from, &zero, elem) == 0)
    memset (to, 0, (size_t)n * elem);
  else
    rt_strided_line (elem, from, 0, to, n);
}

/* ---- views ---- */

/* Values of so few bytes are moved by one thread, without thinking about it twice. */
#define SMALL_BYTES 4096

bool
rt_move_is_small (const RtOpContext *context)
{
  const RtTensor *y = &context->outputs[0];
  const uint64_t n_bytes = rt_shape_n (&y->shape) * rt_type_bytes (y->type);

  return n_bytes > 0 && n_bytes <= SMALL_BYTES;
}

static void
make_view (const RtOpContext *context, RtStrided *s)
{
  const RtMoveView *view = context->node->op->data;

  rt_strided_init (s, rt_type_bytes (context->outputs[0].type));
  view->view (context, s);
}

uint32_t
rt_move_view_chunks (const RtOpContext *context, uint32_t phase)
{
  RtStrided s;

  if (rt_move_is_small (context))
    return 1;
  make_view (context, &s);
  rt_strided_plan (&s);
  return rt_split (s.n_units, s.unit_bytes, context->n_threads);
}

/* Whether the elements lie behind each other on both sides. */
static bool
is_one_run (const RtStrided *s)
{
  int64_t stride = 1;

  for (uint32_t d = s->n_dims; d-- > 0; stride *= s->dims[d])
    if (s->dims[d] != 1 && (s->from[d] != stride || s->to[d] != stride))
      return false;
  return true;
}

void
rt_move_view_run (const RtOpContext *context, uint32_t phase, uint32_t chunk,
                  const RtWorker *worker)
{
  RtStrided s;
  uint64_t first, last;

  /* In place: as many bytes, so the same order. */
  if (context->inputs[0].data == context->outputs[0].data)
    return;
  make_view (context, &s);
  if (rt_move_is_small (context))
    {
      const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
      if (is_one_run (&s))
        {
          memmove (y->data, (const uint8_t *)x->data + s.from_offset * (int64_t)s.elem,
                   rt_shape_n (&y->shape) * s.elem);
          return;
        }
      rt_strided_plan (&s);
      rt_strided_run (&s, x->data, y->data, 0, s.n_units);
      return;
    }
  rt_strided_plan (&s);
  rt_move_range (context, s.n_units, s.unit_bytes, chunk, &first, &last);
  rt_strided_run (&s, context->inputs[0].data, context->outputs[0].data, first, last);
}

void
rt_move_view_reference (const RtOpContext *context)
{
  const RtMoveView *view = context->node->op->data;
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  size_t elem = rt_type_bytes (y->type), at = 0;
  int64_t index[RT_MAX_DIMS] = { 0 };

  if (rt_shape_n (&y->shape) == 0)
    return;
  do
    {
      int64_t from = view->source (context, index);
      if (from < 0)
        memset ((uint8_t *)y->data + at, 0, elem);
      else
        memcpy ((uint8_t *)y->data + at, (const uint8_t *)x->data + (size_t)from * elem, elem);
      at += elem;
    }
  while (rt_move_next (&y->shape, index));
}

void
rt_move_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
  /* Of what is indexed, only what is used is read. */
  uint64_t first = rt_op_value_bytes (query, query->node->inputs[0]);
  if (first > cost->write_bytes)
    cost->read_bytes -= first - cost->write_bytes;
}
