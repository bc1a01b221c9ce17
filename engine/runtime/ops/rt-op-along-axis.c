/* Operators that work on the rows along one axis: softmax, log_softmax, hardmax, lp_normalize.
 * Where the axis is not the last one, softmax takes blocks of neighbour rows at once, as columns;
 * the others gather one row after the other. f32. */
#include "rt-math.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 64

typedef struct
{
  /* y [n] from x [n], y is not x; scratch [n]. */
  void (*row) (const KnTable *kn, const void *attrs, const float *x, size_t n, float *y,
               float *scratch);
  /* In double precision, from the formula. */
  void (*reference) (const void *attrs, const double *x, size_t n, double *y);
  int32_t (*axis) (const void *attrs);
  bool (*to_end) (const void *attrs);
  bool has_columns; /* softmax */
  uint32_t flops;
} AlongAxis;

/* ---- rows ---- */

static float
beta_of (const RtSoftmaxAttrs *attrs)
{
  return attrs->beta == 0 ? 1 : attrs->beta;
}

static void
softmax_row (const KnTable *kn, const void *attrs, const float *x, size_t n, float *y,
             float *scratch)
{
  float beta = beta_of (attrs);
  if (beta != 1)
    {
      kn->vec.scale (x, beta, n, y);
      x = y;
    }
  kn->vec.softmax (x, n, y);
}

/* (x - max) - log (sum of exp (x - max)); the logarithm in double precision, rounded. */
static void
log_softmax_row (const KnTable *kn, const void *attrs, const float *x, size_t n, float *y,
                 float *scratch)
{
  float max = kn->map.fold_row[KN_FOLD_MAX](x, n);

  kn->map.map2_right[KN_MAP2_SUB](x, &max, n, y);
  kn->map.map[KN_MAP_EXP](y, NULL, n, scratch);
  float log_sum = (float)log ((double)kn->map.fold_row[KN_FOLD_SUM](scratch, n));
  kn->map.map2_right[KN_MAP2_SUB](y, &log_sum, n, y);
}

static void
hardmax_row (const KnTable *kn, const void *attrs, const float *x, size_t n, float *y,
             float *scratch)
{
  size_t best = 0;
  for (size_t i = 1; i < n; i++)
    if (x[i] > x[best])
      best = i;
  memset (y, 0, n * sizeof *y);
  if (n > 0)
    y[best] = 1;
}

/* Nothing but zeros stays so. */
static void
lp_row (const KnTable *kn, const void *attrs, const float *x, size_t n, float *y, float *scratch)
{
  const RtLpNormalizeAttrs *a = attrs;
  float norm = a->p == 1 ? kn->map.fold_row[KN_FOLD_SUM_ABS](x, n)
                         : sqrtf (kn->map.fold_row[KN_FOLD_SUM_SQUARES](x, n));
  norm = norm < a->eps ? a->eps : norm;
  norm = norm == 0 ? 1 : norm;
  kn->map.map2_right[KN_MAP2_DIV](x, &norm, n, y);
}

/* ---- references ---- */

static void
softmax_formula (const void *attrs, const double *x, size_t n, double *y)
{
  double max = -INFINITY, sum = 0, beta = (double)beta_of (attrs);
  for (size_t i = 0; i < n; i++)
    max = beta * x[i] > max ? beta * x[i] : max;
  for (size_t i = 0; i < n; i++)
    sum += y[i] = exp (beta * x[i] - max);
  for (size_t i = 0; i < n; i++)
    y[i] /= sum;
}

static void
log_softmax_formula (const void *attrs, const double *x, size_t n, double *y)
{
  double max = -INFINITY, sum = 0;
  for (size_t i = 0; i < n; i++)
    max = x[i] > max ? x[i] : max;
  for (size_t i = 0; i < n; i++)
    sum += exp (x[i] - max);
  for (size_t i = 0; i < n; i++)
    y[i] = x[i] - max - log (sum);
}

static void
hardmax_formula (const void *attrs, const double *x, size_t n, double *y)
{
  size_t best = 0;
  for (size_t i = 0; i < n; i++)
    {
      best = x[i] > x[best] ? i : best;
      y[i] = 0;
    }
  if (n > 0)
    y[best] = 1;
}

static void
lp_formula (const void *attrs, const double *x, size_t n, double *y)
{
  const RtLpNormalizeAttrs *a = attrs;
  double norm = 0;
  for (size_t i = 0; i < n; i++)
    norm += a->p == 1 ? fabs (x[i]) : x[i] * x[i];
  norm = fmax (a->p == 1 ? norm : sqrt (norm), (double)a->eps);
  for (size_t i = 0; i < n; i++)
    y[i] = norm == 0 ? 0 : x[i] / norm;
}

/* ---- dimensions ---- */

static int32_t
softmax_axis (const void *attrs)
{
  return ((const RtSoftmaxAttrs *)attrs)->axis;
}

static bool
softmax_to_end (const void *attrs)
{
  return ((const RtSoftmaxAttrs *)attrs)->to_end;
}

static int32_t
lp_axis (const void *attrs)
{
  return ((const RtLpNormalizeAttrs *)attrs)->axis;
}

static bool
not_to_end (const void *attrs)
{
  return false;
}

/* Rows of @n elements, @inner apart; @outer times @inner of them. */
typedef struct
{
  size_t outer, n, inner;
} Rows;

static Rows
rows_of (const RtNode *node, const void *attrs, const RtShape *shape)
{
  const AlongAxis *op = node->op->data;
  int32_t named = op->axis (attrs);
  uint32_t axis = (uint32_t)(named < 0 ? named + (int32_t)shape->n_dims : named);
  Rows rows = { rt_math_product (shape, 0, axis), (size_t)shape->dims[axis],
                rt_math_product (shape, axis + 1, shape->n_dims) };

  if (op->to_end (attrs))
    {
      rows.n *= rows.inner;
      rows.inner = 1;
    }
  return rows;
}

static bool
along_axis_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                  RtError *error)
{
  const AlongAxis *op = node->op->data;
  const RtValue *x = rt_op_input_value (graph, node, 0);
  uint32_t axis;

  if (!rt_math_check_type (graph, node, 0, RT_MATH_F32, error)
      || !rt_math_axis (node, op->axis (node->attrs), x->shape.n_dims, &axis, error))
    return false;
  shapes[0] = x->shape;
  types[0] = RT_TYPE_F32;
  return true;
}

/* ---- run ---- */

static void
along_axis_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  RtShape shape;
  rt_shape_bind (&rt_op_input_value (query->graph, query->node, 0)->shape, query->symbols, &shape);
  Rows rows = rows_of (query->node, query->node->attrs, &shape);
  *thread_bytes = 3 * rows.n * sizeof (float);
}

/* Pieces of work of softmax over columns: COLUMNS neighbours of one outer index. */
static size_t
n_pieces (const Rows *rows)
{
  return (rows->inner + COLUMNS - 1) / COLUMNS;
}

static bool
in_columns (const RtOpContext *context, const Rows *rows)
{
  const AlongAxis *op = context->node->op->data;
  return op->has_columns && rows->inner > 1;
}

static uint32_t
along_axis_chunks (const RtOpContext *context, uint32_t phase)
{
  Rows rows = rows_of (context->node, context->attrs, &context->inputs[0].shape);

  if (in_columns (context, &rows))
    return rt_split (rows.outer * n_pieces (&rows), COLUMNS * rows.n * 16, context->n_threads);
  return rt_split (rows.outer * rows.inner, rows.n * 16, context->n_threads);
}

static void
softmax_columns (const RtOpContext *context, const Rows *rows, size_t piece)
{
  const KnMapFamily *map = &context->kn->map;
  const float beta = beta_of (context->attrs);
  size_t first = piece % n_pieces (rows) * COLUMNS;
  size_t n = rows->inner - first < COLUMNS ? rows->inner - first : COLUMNS;
  size_t at = piece / n_pieces (rows) * rows->n * rows->inner + first;
  const float *x = (const float *)context->inputs[0].data + at;
  float *y = (float *)context->outputs[0].data + at;
  float shift[COLUMNS], inverse[COLUMNS];

  map->fold_columns[beta < 0 ? KN_FOLD_MIN : KN_FOLD_MAX](x, rows->inner, rows->n, n, shift);
  for (size_t i = 0; i < rows->n; i++)
    {
      float *to = y + i * rows->inner;
      map->map2[KN_MAP2_SUB](x + i * rows->inner, shift, n, to);
      if (beta != 1)
        context->kn->vec.scale (to, beta, n, to);
      map->map[KN_MAP_EXP](to, NULL, n, to);
    }
  map->fold_columns[KN_FOLD_SUM](y, rows->inner, rows->n, n, inverse);
  map->map[KN_MAP_RECIPROCAL](inverse, NULL, n, inverse);
  for (size_t i = 0; i < rows->n; i++)
    map->map2[KN_MAP2_MUL](y + i * rows->inner, inverse, n, y + i * rows->inner);
}

static void
gathered_row (const RtOpContext *context, const Rows *rows, size_t row, float *scratch)
{
  const AlongAxis *op = context->node->op->data;
  size_t at = row / rows->inner * rows->n * rows->inner + row % rows->inner;
  const float *x = (const float *)context->inputs[0].data + at;
  float *y = (float *)context->outputs[0].data + at;
  float *in = scratch, *out = scratch + rows->n;

  for (size_t i = 0; i < rows->n; i++)
    in[i] = x[i * rows->inner];
  op->row (context->kn, context->attrs, in, rows->n, out, scratch + 2 * rows->n);
  for (size_t i = 0; i < rows->n; i++)
    y[i * rows->inner] = out[i];
}

static void
along_axis_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  Rows rows = rows_of (context->node, context->attrs, &context->inputs[0].shape);
  float *scratch = rt_op_thread_scratch (context, worker);
  bool columns = in_columns (context, &rows);
  uint64_t first, last;

  rt_split_range (columns ? rows.outer * n_pieces (&rows) : rows.outer * rows.inner,
                  along_axis_chunks (context, 0), chunk, &first, &last);
  for (uint64_t i = first; i < last; i++)
    if (columns)
      softmax_columns (context, &rows, i);
    else
      gathered_row (context, &rows, i, scratch);
}

static void
along_axis_reference (const RtOpContext *context)
{
  const AlongAxis *op = context->node->op->data;
  Rows rows = rows_of (context->node, context->attrs, &context->inputs[0].shape);
  double *x = rt_reference_alloc (rows.n * sizeof *x), *y = rt_reference_alloc (rows.n * sizeof *y);

  for (size_t o = 0; o < rows.outer; o++)
    for (size_t k = 0; k < rows.inner; k++)
      {
        for (size_t i = 0; i < rows.n; i++)
          x[i] = ((const float *)context->inputs[0].data)[(o * rows.n + i) * rows.inner + k];
        op->reference (context->attrs, x, rows.n, y);
        for (size_t i = 0; i < rows.n; i++)
          ((float *)context->outputs[0].data)[(o * rows.n + i) * rows.inner + k] = (float)y[i];
      }
  free (x);
  free (y);
}

static void
along_axis_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
  cost->flops = rt_math_query_outputs (query) * ((const AlongAxis *)query->node->op->data)->flops;
}

static bool
along_axis_in_place (const RtNode *node, uint32_t input)
{
  return input == 0;
}

/* All dimensions from an axis on are one axis when the others have size 1. */
static bool
softmax_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
                 void *attrs)
{
  RtSoftmaxAttrs *a = attrs;
  const RtShape *shape = &rt_op_input_value (graph, node, 0)->shape;
  int32_t axis = a->axis < 0 ? a->axis + (int32_t)n_dims : a->axis;

  for (uint32_t i = (uint32_t)axis + 1; a->to_end && i < n_dims; i++)
    if (shape->dims[i] != 1)
      return false;
  a->to_end = 0;
  a->axis = rt_math_permuted_axis (axis, perm, n_dims);
  return true;
}

static bool
lp_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
            void *attrs)
{
  RtLpNormalizeAttrs *a = attrs;
  a->axis = rt_math_permuted_axis (a->axis, perm, n_dims);
  return true;
}

/* clang-format off */
static const RtField softmax_fields[] = {
  RT_FIELD_AXIS (RtSoftmaxAttrs, axis),
  RT_FIELD_FLAG (RtSoftmaxAttrs, to_end),
  RT_FIELD_FINITE (RtSoftmaxAttrs, beta),
};

static const RtField lp_fields[] = {
  RT_FIELD_AXIS (RtLpNormalizeAttrs, axis),
  RT_FIELD (RtLpNormalizeAttrs, p, 1, 2),
  RT_FIELD_FROM_0 (RtLpNormalizeAttrs, eps),
};
/* clang-format on */

#define ALONG_AXIS(id, people, Attrs, table, permutation, ...)                                     \
  const RtOp rt_op_##id = {                                                                        \
    .name = #id,                                                                                   \
    .title = people,                                                                               \
    .attrs_bytes = sizeof (Attrs),                                                                 \
    RT_FIELDS (table),                                                                             \
    .min_inputs = 1,                                                                               \
    .max_inputs = 1,                                                                               \
    .n_outputs = 1,                                                                                \
    .data = &(const AlongAxis){ __VA_ARGS__ },                                                     \
    .vector_inputs = 1,                                                                            \
    .infer = along_axis_infer,                                                                     \
    .scratch = along_axis_scratch,                                                                 \
    .n_phases = 1,                                                                                 \
    .n_chunks = along_axis_chunks,                                                                 \
    .run = along_axis_run,                                                                         \
    .reference = along_axis_reference,                                                             \
    .cost = along_axis_cost,                                                                       \
    .in_place = along_axis_in_place,                                                               \
    .permute = permutation,                                                                        \
  };

/* clang-format off */
ALONG_AXIS (softmax, "Softmax", RtSoftmaxAttrs, softmax_fields, softmax_permute, softmax_row,
            softmax_formula, softmax_axis, softmax_to_end, true, 5)
ALONG_AXIS (log_softmax, "Log softmax", RtSoftmaxAttrs, softmax_fields, softmax_permute,
            log_softmax_row, log_softmax_formula, softmax_axis, softmax_to_end, false, 5)
ALONG_AXIS (hardmax, "Hardmax", RtSoftmaxAttrs, softmax_fields, softmax_permute, hardmax_row,
            hardmax_formula, softmax_axis, softmax_to_end, false, 1)
ALONG_AXIS (lp_normalize, "Lp normalisation", RtLpNormalizeAttrs, lp_fields, lp_permute, lp_row,
            lp_formula, lp_axis, not_to_end, false, 3)
/* clang-format on */
