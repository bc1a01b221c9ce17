/* Reductions over dimensions: one operator each, all with the same loops. Dimensions are merged
 * into runs that alternate between kept and reduced ones; then either the last run is reduced (sums
 * of rows) or kept (sums of columns). f32 runs on vector kernels where the function is a fold; the
 * rest in double precision or in 64-bit integers, one output after the other.
 *
 * The order of a sum depends on the shape alone, never on the number of threads. */
#include "rt-math.h"
#include "rt-op-fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 64 /* of one piece of work when the last run is kept */

typedef enum
{
  SUM,
  MEAN,
  PROD,
  MAX,
  MIN,
  L1,
  L2,
  SUM_SQUARE,
  LOG_SUM,
  LOG_SUM_EXP,
  ANY,
  ALL,
} Kind;

typedef struct
{
  Kind kind;
  uint32_t types;
  bool has_kernel; /* f32: a fold, then something with the result */
  KnFold fold;
} Reduce;

/* ---- dimensions ---- */

static uint32_t
reduced_mask (const RtReduceAttrs *attrs, uint32_t n_dims)
{
  uint32_t mask = attrs->n_axes == 0 ? (1u << n_dims) - 1 : 0;
  for (uint32_t i = 0; i < attrs->n_axes; i++)
    mask |= 1u << (attrs->axes[i] < 0 ? attrs->axes[i] + (int32_t)n_dims : attrs->axes[i]);
  return mask;
}

/* Runs of kept and of reduced dimensions, sizes and strides in elements of x. */
typedef struct
{
  uint32_t n_kept, n_reduced;
  size_t kept[RT_MAX_DIMS], kept_stride[RT_MAX_DIMS];
  size_t reduced[RT_MAX_DIMS], reduced_stride[RT_MAX_DIMS];
  size_t n_out, n_each; /* products of both */
  bool last_is_kept;
} Runs;

static void
runs_init (Runs *r, const RtShape *shape, const RtReduceAttrs *attrs)
{
  uint32_t mask = reduced_mask (attrs, shape->n_dims), n_runs = 0;
  size_t sizes[RT_MAX_DIMS], strides[RT_MAX_DIMS], stride = 1;
  bool kept[RT_MAX_DIMS];

  *r = (Runs){ .n_out = 1, .n_each = 1 };
  for (uint32_t i = shape->n_dims; i-- > 0;) /* from the last to the first */
    {
      size_t size = (size_t)shape->dims[i];
      bool is_kept = !(mask >> i & 1);
      if (size == 1)
        continue;
      if (n_runs > 0 && kept[n_runs - 1] == is_kept)
        sizes[n_runs - 1] *= size;
      else
        {
          sizes[n_runs] = size;
          strides[n_runs] = stride;
          kept[n_runs++] = is_kept;
        }
      stride *= size;
    }
  r->last_is_kept = n_runs > 0 && kept[0];
  for (uint32_t i = n_runs; i-- > 0;)
    if (kept[i])
      {
        r->kept[r->n_kept] = sizes[i];
        r->kept_stride[r->n_kept++] = strides[i];
        r->n_out *= sizes[i];
      }
    else
      {
        r->reduced[r->n_reduced] = sizes[i];
        r->reduced_stride[r->n_reduced++] = strides[i];
        r->n_each *= sizes[i];
      }
}

/* Place of index @at, counted over the first @n of the runs. */
static size_t
place (const size_t *sizes, const size_t *strides, uint32_t n, size_t at)
{
  size_t offset = 0;
  for (uint32_t i = n; i-- > 0; at /= sizes[i])
    offset += at % sizes[i] * strides[i];
  return offset;
}

static size_t
product (const size_t *sizes, uint32_t n)
{
  size_t p = 1;
  for (uint32_t i = 0; i < n; i++)
    p *= sizes[i];
  return p;
}

static bool
reduce_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const Reduce *op = node->op->data;
  const RtReduceAttrs *attrs = node->attrs;
  const RtValue *x = rt_op_input_value (graph, node, 0);
  uint32_t axis, mask, seen = 0;

  if (!rt_math_check_type (graph, node, 0, op->types, error))
    return false;
  if (attrs->n_axes > RT_MAX_DIMS)
    return rt_fail (error, RT_ERROR_RANGE, "%u axes, at most %d are possible", attrs->n_axes,
                    RT_MAX_DIMS);
  for (uint32_t i = 0; i < attrs->n_axes; i++)
    {
      if (!rt_math_axis (node, attrs->axes[i], x->shape.n_dims, &axis, error))
        return false;
      if (seen >> axis & 1)
        return rt_fail (error, RT_ERROR_FORMAT, "Axis %u is named twice", axis);
      seen |= 1u << axis;
    }
  mask = reduced_mask (attrs, x->shape.n_dims);
  shapes[0] = (RtShape){ 0 };
  for (uint32_t i = 0; i < x->shape.n_dims; i++)
    if (!(mask >> i & 1))
      shapes[0].dims[shapes[0].n_dims++] = x->shape.dims[i];
    else if (attrs->keep_dims)
      shapes[0].dims[shapes[0].n_dims++] = 1;
  types[0] = rt_math_type (x);
  return true;
}

/* ---- f32 on kernels ---- */

static bool
has_kernel (const RtOpContext *context)
{
  const Reduce *op = context->node->op->data;
  return op->has_kernel && context->inputs[0].type == RT_TYPE_F32;
}

static float
join (KnFold fold, float a, float b)
{
  if (fold == KN_FOLD_MAX)
    return a != a || a > b ? a : b;
  if (fold == KN_FOLD_MIN)
    return a != a || a < b ? a : b;
  return a + b;
}

static float
finish (Kind kind, float total, size_t n)
{
  return kind == MEAN ? total / (float)n : kind == L2 ? sqrtf (total) : total;
}

/* Outputs [first, last): rows of the last reduced run, joined in their order. */
static void
reduce_rows (const RtOpContext *context, const Runs *r, size_t first, size_t last)
{
  const Reduce *op = context->node->op->data;
  const float *x = context->inputs[0].data;
  float *y = context->outputs[0].data;
  uint32_t n_outer = r->n_reduced > 0 ? r->n_reduced - 1 : 0;
  size_t n_row = r->n_reduced > 0 ? r->reduced[n_outer] : 1;
  size_t n_rows = product (r->reduced, n_outer);

  for (size_t o = first; o < last; o++)
    {
      const float *from = x + place (r->kept, r->kept_stride, r->n_kept, o);
      float total = context->kn->map.fold_row[op->fold](NULL, 0);
      for (size_t i = 0; i < n_rows; i++)
        {
          const float *row = from + place (r->reduced, r->reduced_stride, n_outer, i);
          float part = context->kn->map.fold_row[op->fold](row, n_row);
          total = i == 0 ? part : join (op->fold, total, part);
        }
      y[o] = finish (op->kind, total, r->n_each);
    }
}

/* Pieces of the last kept run, COLUMNS wide. */
static size_t
n_pieces (const Runs *r)
{
  return (r->kept[r->n_kept - 1] + COLUMNS - 1) / COLUMNS;
}

static void
reduce_columns (const RtOpContext *context, const Runs *r, size_t piece)
{
  const Reduce *op = context->node->op->data;
  size_t width = r->kept[r->n_kept - 1], outer = piece / n_pieces (r);
  size_t first = piece % n_pieces (r) * COLUMNS;
  size_t n = width - first < COLUMNS ? width - first : COLUMNS;
  uint32_t n_outer = r->n_reduced > 0 ? r->n_reduced - 1 : 0;
  size_t n_rows = r->n_reduced > 0 ? r->reduced[n_outer] : 1;
  size_t stride = r->n_reduced > 0 ? r->reduced_stride[n_outer] : width;
  const float *x = (const float *)context->inputs[0].data
                   + place (r->kept, r->kept_stride, r->n_kept - 1, outer) + first;
  float *y = (float *)context->outputs[0].data + outer * width + first;
  float total[COLUMNS], part[COLUMNS];

  for (size_t i = 0; i < product (r->reduced, n_outer); i++)
    {
      const float *from = x + place (r->reduced, r->reduced_stride, n_outer, i);
      context->kn->map.fold_columns[op->fold](from, stride, n_rows, n, i == 0 ? total : part);
      for (size_t c = 0; i > 0 && c < n; c++)
        total[c] = join (op->fold, total[c], part[c]);
    }
  if (r->n_each == 0)
    context->kn->map.fold_columns[op->fold](x, stride, 0, n, total);
  for (size_t c = 0; c < n; c++)
    y[c] = finish (op->kind, total[c], r->n_each);
}

/* ---- every type ---- */

static double
start_f64 (Kind kind)
{
  return kind == MAX || kind == LOG_SUM_EXP ? -INFINITY
         : kind == MIN                      ? INFINITY
         : kind == PROD                     ? 1
                                            : 0;
}

static double
step_f64 (Kind kind, double total, double x)
{
  switch (kind)
    {
    case SUM:
    case MEAN:
    case LOG_SUM:
      return total + x;
    case PROD:
      return total * x;
    case MAX:
    case LOG_SUM_EXP: /* first the largest */
      return isnan (total) || total > x ? total : x;
    case MIN:
      return isnan (total) || total < x ? total : x;
    case L1:
      return total + fabs (x);
    case L2:
    case SUM_SQUARE:
      return total + x * x;
    case ANY:
    case ALL:
      break;
    }
  return total;
}

static double
finish_f64 (Kind kind, double total, double n)
{
  return kind == MEAN      ? total / n
         : kind == L2      ? sqrt (total)
         : kind == LOG_SUM ? log (total)
                           : total;
}

static int64_t
step_i64 (Kind kind, int64_t total, int64_t x, bool is_unsigned)
{
  bool is_less = is_unsigned ? (uint64_t)x < (uint64_t)total : x < total;

  switch (kind)
    {
    case PROD:
      return (int64_t)((uint64_t)total * (uint64_t)x);
    case MAX:
      return is_less ? total : x;
    case MIN:
      return is_less ? x : total;
    case L1:
      return (int64_t)((uint64_t)total + (x < 0 && !is_unsigned ? -(uint64_t)x : (uint64_t)x));
    case SUM_SQUARE:
      return (int64_t)((uint64_t)total + (uint64_t)x * (uint64_t)x);
    case ANY:
      return total || x;
    case ALL:
      return total && x;
    case SUM:
    case MEAN: /* this and the next three in double precision */
    case L2:
    case LOG_SUM:
    case LOG_SUM_EXP:
      break;
    }
  return (int64_t)((uint64_t)total + (uint64_t)x);
}

/* Functions that need fractions on the way, of integers too. */
static bool
in_double (Kind kind, int type)
{
  return rt_math_is_float (type) || kind == MEAN || kind == L2 || kind == LOG_SUM
         || kind == LOG_SUM_EXP;
}

static size_t
element (const Runs *r, size_t from, size_t i)
{
  return from + place (r->reduced, r->reduced_stride, r->n_reduced, i);
}

static void
reduce_one_f64 (const RtOpContext *context, const Runs *r, size_t o)
{
  const Reduce *op = context->node->op->data;
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  size_t from = place (r->kept, r->kept_stride, r->n_kept, o);
  double total = start_f64 (op->kind), v;

  for (size_t i = 0; i < r->n_each; i++)
    {
      rt_math_load_f64 (x->type, x->data, element (r, from, i), 1, 1, &v);
      total = step_f64 (op->kind, total, v);
    }
  if (op->kind == LOG_SUM_EXP)
    {
      double sum = 0, shift = isinf (total) ? 0 : total;
      for (size_t i = 0; i < r->n_each; i++)
        {
          rt_math_load_f64 (x->type, x->data, element (r, from, i), 1, 1, &v);
          sum += exp (v - shift);
        }
      total = shift + log (sum);
    }
  total = finish_f64 (op->kind, total, (double)r->n_each);
  rt_math_store_f64 (y->type, &total, 1, y->data, o);
}

static void
reduce_one_i64 (const RtOpContext *context, const Runs *r, size_t o)
{
  const Reduce *op = context->node->op->data;
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  bool is_unsigned = rt_math_class (x->type) == RT_MATH_UNSIGNED;
  size_t from = place (r->kept, r->kept_stride, r->n_kept, o);
  int64_t total = op->kind == PROD || op->kind == ALL, v;

  for (size_t i = 0; i < r->n_each; i++)
    {
      rt_math_load_i64 (x->type, x->data, element (r, from, i), 1, 1, &v);
      bool is_first = i == 0 && (op->kind == MAX || op->kind == MIN);
      total = is_first ? v : step_i64 (op->kind, total, v, is_unsigned);
    }
  rt_math_store_i64 (y->type, &total, 1, y->data, o);
}

/* ---- run ---- */

static uint32_t
reduce_chunks (const RtOpContext *context, uint32_t phase)
{
  size_t bytes = rt_type_bytes (context->inputs[0].type);
  Runs r;

  runs_init (&r, &context->inputs[0].shape, context->attrs);
  if (!has_kernel (context))
    return rt_split (r.n_out, r.n_each * bytes * 16, context->n_threads);
  if (r.last_is_kept && r.n_out > 0)
    return rt_split (r.n_out / r.kept[r.n_kept - 1] * n_pieces (&r), COLUMNS * r.n_each * bytes,
                     context->n_threads);
  return rt_split (r.n_out, r.n_each * bytes, context->n_threads);
}

static void
reduce_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const Reduce *op = context->node->op->data;
  uint32_t n_chunks = reduce_chunks (context, 0);
  uint64_t first, last;
  Runs r;

  runs_init (&r, &context->inputs[0].shape, context->attrs);
  if (has_kernel (context) && r.last_is_kept)
    {
      rt_split_range (r.n_out / r.kept[r.n_kept - 1] * n_pieces (&r), n_chunks, chunk, &first,
                      &last);
      for (uint64_t i = first; i < last; i++)
        reduce_columns (context, &r, i);
      return;
    }
  rt_split_range (r.n_out, n_chunks, chunk, &first, &last);
  if (has_kernel (context))
    reduce_rows (context, &r, first, last);
  else
    for (uint64_t o = first; o < last; o++)
      if (in_double (op->kind, context->inputs[0].type))
        reduce_one_f64 (context, &r, o);
      else
        reduce_one_i64 (context, &r, o);
}

/* ---- reference: all elements in order, each joins its output ---- */

/* Output of element @i of x. */
static size_t
output_of (const RtOpContext *context, size_t i)
{
  const RtShape *shape = &context->inputs[0].shape;
  uint32_t mask = reduced_mask (context->attrs, shape->n_dims);
  size_t out = 0, step = 1;

  for (uint32_t d = shape->n_dims; d-- > 0; i /= (size_t)shape->dims[d])
    if (!(mask >> d & 1))
      {
        out += i % (size_t)shape->dims[d] * step;
        step *= (size_t)shape->dims[d];
      }
  return out;
}

static void
reference_i64 (const RtOpContext *context, size_t n_in, size_t n_out)
{
  const Reduce *op = context->node->op->data;
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  bool is_unsigned = rt_math_class (x->type) == RT_MATH_UNSIGNED;
  int64_t *total = rt_reference_alloc (n_out * sizeof *total), v;
  bool *seen = rt_reference_alloc (n_out * sizeof *seen);

  for (size_t o = 0; o < n_out; o++)
    total[o] = op->kind == PROD || op->kind == ALL;
  for (size_t i = 0; i < n_in; i++)
    {
      size_t o = output_of (context, i);
      rt_math_load_i64 (x->type, x->data, i, 1, 1, &v);
      bool is_first = !seen[o] && (op->kind == MAX || op->kind == MIN);
      total[o] = is_first ? v : step_i64 (op->kind, total[o], v, is_unsigned);
      seen[o] = true;
    }
  rt_math_store_i64 (y->type, total, n_out, y->data, 0);
  free (total);
  free (seen);
}

static void
reference_f64 (const RtOpContext *context, size_t n_in, size_t n_out)
{
  const Reduce *op = context->node->op->data;
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  double *total = rt_reference_alloc (n_out * sizeof *total), v;
  double *sum = rt_reference_alloc (n_out * sizeof *sum);

  for (size_t o = 0; o < n_out; o++)
    total[o] = start_f64 (op->kind);
  for (size_t i = 0; i < n_in; i++)
    {
      size_t o = output_of (context, i);
      rt_math_load_f64 (x->type, x->data, i, 1, 1, &v);
      total[o] = step_f64 (op->kind, total[o], v);
    }
  for (size_t i = 0; i < n_in && op->kind == LOG_SUM_EXP; i++)
    {
      size_t o = output_of (context, i);
      rt_math_load_f64 (x->type, x->data, i, 1, 1, &v);
      sum[o] += exp (v - (isinf (total[o]) ? 0 : total[o]));
    }
  for (size_t o = 0; o < n_out; o++)
    total[o] = op->kind == LOG_SUM_EXP
                   ? (isinf (total[o]) ? 0 : total[o]) + log (sum[o])
                   : finish_f64 (op->kind, total[o], (double)n_in / (double)n_out);
  rt_math_store_f64 (y->type, total, n_out, y->data, 0);
  free (total);
  free (sum);
}

static void
reduce_reference (const RtOpContext *context)
{
  const Reduce *op = context->node->op->data;
  size_t n_in = (size_t)rt_shape_n (&context->inputs[0].shape);
  size_t n_out = (size_t)rt_shape_n (&context->outputs[0].shape);

  if (in_double (op->kind, context->inputs[0].type))
    reference_f64 (context, n_in, n_out);
  else
    reference_i64 (context, n_in, n_out);
}

static void
reduce_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
  cost->flops = rt_math_query_inputs (query, 0);
}

/* The output has all dimensions only when they are kept. */
static bool
reduce_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
                void *attrs)
{
  RtReduceAttrs *a = attrs;

  if (!a->keep_dims)
    return false;
  for (uint32_t i = 0; i < a->n_axes; i++)
    a->axes[i] = rt_math_permuted_axis (a->axes[i], perm, n_dims);
  return true;
}

static const RtField fields[] = { RT_REDUCE_FIELDS };

#define REDUCE(id, people, ...)                                                                    \
  const RtOp rt_op_reduce_##id = {                                                                 \
    .name = "reduce_" #id,                                                                         \
    .title = people,                                                                               \
    .attrs_bytes = sizeof (RtReduceAttrs),                                                         \
    RT_FIELDS (fields),                                                                            \
    .min_inputs = 1,                                                                               \
    .max_inputs = 1,                                                                               \
    .n_outputs = 1,                                                                                \
    .data = &(const Reduce){ __VA_ARGS__ },                                                        \
    .vector_inputs = 1,                                                                            \
    .infer = reduce_infer,                                                                         \
    .n_phases = 1,                                                                                 \
    .n_chunks = reduce_chunks,                                                                     \
    .run = reduce_run,                                                                             \
    .reference = reduce_reference,                                                                 \
    .cost = reduce_cost,                                                                           \
    .permute = reduce_permute,                                                                     \
  };

#define KERNEL(id) .has_kernel = true, .fold = KN_FOLD_##id

/* clang-format off */
REDUCE (sum, "Sum over axes", SUM, RT_MATH_NUMBER, KERNEL (SUM))
REDUCE (mean, "Mean over axes", MEAN, RT_MATH_NUMBER, KERNEL (SUM))
REDUCE (prod, "Product over axes", PROD, RT_MATH_NUMBER)
REDUCE (max, "Maximum over axes", MAX, RT_MATH_NUMBER | RT_MATH_BOOL, KERNEL (MAX))
REDUCE (min, "Minimum over axes", MIN, RT_MATH_NUMBER | RT_MATH_BOOL, KERNEL (MIN))
REDUCE (l1, "L1 norm over axes", L1, RT_MATH_NUMBER, KERNEL (SUM_ABS))
REDUCE (l2, "L2 norm over axes", L2, RT_MATH_NUMBER, KERNEL (SUM_SQUARES))
REDUCE (sum_square, "Sum of squares over axes", SUM_SQUARE, RT_MATH_NUMBER, KERNEL (SUM_SQUARES))
REDUCE (log_sum, "Logarithm of the sum over axes", LOG_SUM, RT_MATH_NUMBER)
REDUCE (log_sum_exp, "Logarithm of the sum of exponentials", LOG_SUM_EXP, RT_MATH_NUMBER)
REDUCE (any, "Any over axes", ANY, RT_MATH_BOOL)
REDUCE (all, "All over axes", ALL, RT_MATH_BOOL)
/* clang-format on */
