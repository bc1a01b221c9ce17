/* The k largest or smallest elements along an axis, in order. */
#include "rt-number.h"
#include "rt-op-move.h"

typedef struct
{
  int64_t key, index;
} Entry;

static bool
top_k_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtTopKAttrs *attrs = node->attrs;
  const RtValue *x = rt_move_input (graph, node, 0, error);
  uint32_t axis;

  if (x == NULL || !rt_move_axis (attrs->axis, x->shape.n_dims, &axis, error)
      || !rt_move_check_concrete (x, axis, error))
    return false;
  if (attrs->k < 0 || attrs->k > x->shape.dims[axis])
    return rt_fail (error, RT_ERROR_RANGE, "%s: the best %lld of %lld along axis %u", x->name,
                    (long long)attrs->k, (long long)x->shape.dims[axis], axis);
  if (attrs->type != RT_TYPE_I64 && attrs->type != RT_TYPE_I32)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "indices of type %s", rt_type_name (attrs->type));
  shapes[0] = x->shape;
  shapes[0].dims[axis] = attrs->k;
  shapes[1] = shapes[0];
  types[0] = x->type;
  types[1] = attrs->type;
  return true;
}

typedef struct
{
  int64_t n_lines, n, inner;
} Lines;

static Lines
lines_of (const RtOpContext *context)
{
  const RtTopKAttrs *attrs = context->attrs;
  const RtShape *x = &context->inputs[0].shape;
  uint32_t axis = rt_move_attr_axis (attrs->axis, x->n_dims);
  Lines l = { 0, x->dims[axis], rt_move_product (x, axis + 1, x->n_dims) };

  l.n_lines = rt_move_product (x, 0, axis) * l.inner;
  return l;
}

static uint32_t
top_k_chunks (const RtOpContext *context, uint32_t phase)
{
  Lines l = lines_of (context);
  return rt_split ((uint64_t)l.n_lines, (uint64_t)l.n * 16 + 1, context->n_threads);
}

static void
top_k_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  const RtTopKAttrs *attrs = query->node->attrs;
  *thread_bytes = (uint64_t)attrs->k * sizeof (Entry);
}

/* Whether @a comes behind @b. Keys differ or indices do. */
static inline bool
behind (const Entry *a, const Entry *b)
{
  return a->key != b->key ? a->key < b->key : a->index > b->index;
}

/* The heap's root is the entry that comes last. */
static void
sift_down (Entry *heap, int64_t n, int64_t i)
{
  const Entry moved = heap[i];

  for (;;)
    {
      int64_t child = 2 * i + 1;
      if (child >= n)
        break;
      if (child + 1 < n && behind (&heap[child + 1], &heap[child]))
        child++;
      if (!behind (&heap[child], &moved))
        break;
      heap[i] = heap[child];
      i = child;
    }
  heap[i] = moved;
}

static Entry
entry_of (const RtOpContext *context, const Lines *l, int64_t line, int64_t i)
{
  const RtTopKAttrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[0];
  int64_t at = line / l->inner * l->n * l->inner + line % l->inner + i * l->inner;
  int64_t key = rt_number_key (x->type, x->data, (size_t)at);

  return (Entry){ attrs->smallest ? ~key : key, i };
}

static void
put (const RtOpContext *context, const Lines *l, int64_t line, int64_t place, int64_t i)
{
  const RtTopKAttrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  const size_t elem = rt_type_bytes (x->type);
  int64_t from = line / l->inner * l->n * l->inner + line % l->inner + i * l->inner;
  int64_t to = line / l->inner * attrs->k * l->inner + line % l->inner + place * l->inner;

  memcpy ((uint8_t *)y->data + (size_t)to * elem, (const uint8_t *)x->data + (size_t)from * elem,
          elem);
  rt_move_store_index (&context->outputs[1], (size_t)to, i);
}

static void
top_k_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtTopKAttrs *attrs = context->attrs;
  Lines l = lines_of (context);
  Entry *heap = rt_op_thread_scratch (context, worker);
  int64_t k = attrs->k;
  uint64_t first, last;

  rt_move_range (context, (uint64_t)l.n_lines, (uint64_t)l.n * 16 + 1, chunk, &first, &last);
  for (int64_t line = (int64_t)first; line < (int64_t)last && k > 0; line++)
    {
      for (int64_t i = 0; i < k; i++)
        heap[i] = entry_of (context, &l, line, i);
      for (int64_t i = k / 2; i-- > 0;)
        sift_down (heap, k, i);
      for (int64_t i = k; i < l.n; i++)
        {
          Entry entry = entry_of (context, &l, line, i);
          if (behind (&heap[0], &entry))
            {
              heap[0] = entry;
              sift_down (heap, k, 0);
            }
        }
      for (int64_t n = k; n > 0; n--)
        {
          put (context, &l, line, n - 1, heap[0].index);
          heap[0] = heap[n - 1];
          sift_down (heap, n - 1, 0);
        }
    }
}

/* Place by place: the first of those that come behind the one before. */
static void
top_k_reference (const RtOpContext *context)
{
  const RtTopKAttrs *attrs = context->attrs;
  Lines l = lines_of (context);

  for (int64_t line = 0; line < l.n_lines; line++)
    for (int64_t place = 0, previous = -1; place < attrs->k; place++)
      {
        int64_t best = -1;
        for (int64_t i = 0; i < l.n; i++)
          {
            Entry entry = entry_of (context, &l, line, i);
            Entry before = previous >= 0 ? entry_of (context, &l, line, previous) : entry;
            Entry top = best >= 0 ? entry_of (context, &l, line, best) : entry;
            if ((previous < 0 || behind (&entry, &before)) && (best < 0 || behind (&top, &entry)))
              best = i;
          }
        put (context, &l, line, place, best);
        previous = best;
      }
}

static void
top_k_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
}

static bool
top_k_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
               void *attrs)
{
  return rt_move_permute_axis (graph, node, perm, n_dims, &((RtTopKAttrs *)attrs)->axis);
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD_AXIS (RtTopKAttrs, axis),
  RT_FIELD_COUNT (RtTopKAttrs, k),
  RT_FIELD_FLAG (RtTopKAttrs, smallest),
  RT_FIELD (RtTopKAttrs, type, RT_TYPE_I32, RT_TYPE_I64),
};
/* clang-format on */

const RtOp rt_op_top_k = {
  .name = "top-k",
  .title = "Best k",
  .attrs_bytes = sizeof (RtTopKAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 2,
  .infer = top_k_infer,
  .scratch = top_k_scratch,
  .n_phases = 1,
  .n_chunks = top_k_chunks,
  .run = top_k_run,
  .reference = top_k_reference,
  .cost = top_k_cost,
  .permute = top_k_permute,
};
