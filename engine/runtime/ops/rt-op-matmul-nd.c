/* Products of two values that both may change from run to run: matmul_nd (NumPy's rules) and gemm.
 * The right side is packed into the panels that products with constant matrices use, the left side
 * is brought into aligned rows, then the same kernel runs on tiles of both. A result does not
 * depend on the split. */
#include "rt-math.h"

#include <stdlib.h>
#include <string.h>

#define TILE_ROWS 64

enum
{
  A,
  B,
  C, /* gemm */
};

/* One matrix product per batch entry: [m, k] times [k, n]. */
typedef struct
{
  size_t m, k, n;
  size_t n_batches; /* of the output */
  size_t n_a, n_b;  /* different matrices on each side */
  RtBroadcast batches;
  bool transpose_a, transpose_b;
} Product;

static bool
transposed (const RtNode *node, uint32_t input)
{
  if (node->op == &rt_op_gemm)
    {
      const RtGemmAttrs *attrs = node->attrs;
      return input == A ? attrs->transpose_a : attrs->transpose_b;
    }
  const RtMatmulNdAttrs *attrs = node->attrs;
  return input == A ? attrs->transpose_a : attrs->transpose_b;
}

/* Rows and columns of an operand, after its transposition; a vector is a row on the left and a
 * column on the right. */
static void
matrix_dims (const RtNode *node, uint32_t input, const RtShape *shape, int64_t *rows, int64_t *cols)
{
  uint32_t n = shape->n_dims;

  if (n == 1)
    {
      *rows = input == A ? 1 : shape->dims[0];
      *cols = input == A ? shape->dims[0] : 1;
      return;
    }
  *rows = shape->dims[n - 2];
  *cols = shape->dims[n - 1];
  if (transposed (node, input))
    {
      int64_t t = *rows;
      *rows = *cols;
      *cols = t;
    }
}

/* The dimensions before the last two. */
static RtShape
batch_shape (const RtShape *shape)
{
  RtShape batch = *shape;
  batch.n_dims = shape->n_dims > 2 ? shape->n_dims - 2 : 0;
  return batch;
}

static Product
product_of (const RtNode *node, const RtShape *a, const RtShape *b)
{
  RtShape batch_a = batch_shape (a), batch_b = batch_shape (b), batch;
  int64_t m, k, k_b, n;
  Product p = { .transpose_a = a->n_dims > 1 && transposed (node, A),
                .transpose_b = b->n_dims > 1 && transposed (node, B) };

  matrix_dims (node, A, a, &m, &k);
  matrix_dims (node, B, b, &k_b, &n);
  p.m = (size_t)m;
  p.k = (size_t)k;
  p.n = (size_t)n;
  rt_math_broadcast (node, &batch_a, &batch_b, &batch, NULL);
  rt_broadcast_init (&p.batches, &batch, &batch_a, &batch_b);
  p.n_batches = p.batches.n * p.batches.n_rows;
  p.n_a = rt_math_product (&batch_a, 0, batch_a.n_dims);
  p.n_b = rt_math_product (&batch_b, 0, batch_b.n_dims);
  return p;
}

static Product
context_product (const RtOpContext *context)
{
  return product_of (context->node, &context->inputs[A].shape, &context->inputs[B].shape);
}

/* ---- infer ---- */

/* Both operands' matrices fit; the output's batch dimensions. */
static bool
check_operands (const RtGraph *graph, const RtNode *node, RtShape *out, int64_t *m, int64_t *n,
                RtError *error)
{
  const RtValue *a = rt_op_input_value (graph, node, A), *b = rt_op_input_value (graph, node, B);
  char text_a[128], text_b[128];
  int64_t k, k_b;

  if (!rt_math_check_type (graph, node, A, RT_MATH_F32, error)
      || !rt_math_check_type (graph, node, B, RT_MATH_F32, error))
    return false;
  rt_shape_text (&a->shape, text_a, sizeof text_a);
  rt_shape_text (&b->shape, text_b, sizeof text_b);
  if (a->shape.n_dims == 0 || b->shape.n_dims == 0)
    return rt_fail (error, RT_ERROR_FORMAT, "%s %s, %s %s: expected matrices or vectors", a->name,
                    text_a, b->name, text_b);
  matrix_dims (node, A, &a->shape, m, &k);
  matrix_dims (node, B, &b->shape, &k_b, n);
  RtShape batch_a = batch_shape (&a->shape), batch_b = batch_shape (&b->shape);
  if (k != k_b || !rt_math_broadcast (node, &batch_a, &batch_b, out, NULL))
    return rt_fail (error, RT_ERROR_FORMAT, "%s %s and %s %s cannot be multiplied%s%s", a->name,
                    text_a, b->name, text_b, transposed (node, A) ? ", left transposed" : "",
                    transposed (node, B) ? ", right transposed" : "");
  return true;
}

static bool
matmul_nd_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                 RtError *error)
{
  int64_t m, n;

  if (!check_operands (graph, node, &shapes[0], &m, &n, error))
    return false;
  if (rt_op_input_value (graph, node, A)->shape.n_dims > 1)
    shapes[0].dims[shapes[0].n_dims++] = m;
  if (rt_op_input_value (graph, node, B)->shape.n_dims > 1)
    shapes[0].dims[shapes[0].n_dims++] = n;
  types[0] = RT_TYPE_F32;
  return true;
}

static bool
gemm_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtValue *c = rt_op_input_value (graph, node, C);
  char text_c[128], text[128];
  RtShape out;
  int64_t m, n;

  if (!check_operands (graph, node, &out, &m, &n, error)
      || !rt_math_check_type (graph, node, C, RT_MATH_F32, error))
    return false;
  for (uint32_t i = A; i <= B; i++)
    if (rt_op_input_value (graph, node, i)->shape.n_dims != 2)
      return rt_fail (error, RT_ERROR_FORMAT, "%s: expected a matrix, got shape %s",
                      rt_op_input_value (graph, node, i)->name,
                      rt_shape_text (&rt_op_input_value (graph, node, i)->shape, text,
                                     sizeof text));
  shapes[0] = (RtShape){ .n_dims = 2, .dims = { m, n } };
  types[0] = RT_TYPE_F32;
  if (c == NULL)
    return true;
  if (!rt_math_broadcast (node, &shapes[0], &c->shape, &out, NULL) || out.n_dims != 2
      || out.dims[0] != m || out.dims[1] != n)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: shape %s does not broadcast to %s", c->name,
                    rt_shape_text (&c->shape, text_c, sizeof text_c),
                    rt_shape_text (&shapes[0], text, sizeof text));
  return true;
}

/* ---- memory: packed right sides, then rows of left sides ---- */

static size_t
align (size_t n)
{
  return (n + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
}

static size_t
n_panels (const Product *p)
{
  return (p->n + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS;
}

static size_t
row_stride (const Product *p)
{
  return align (p->k * sizeof (float));
}

/* Rows of the left side can be read where they are. */
static bool
a_is_direct (const Product *p)
{
  return !p->transpose_a && row_stride (p) == p->k * sizeof (float);
}

static void
matmul_nd_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  RtShape a, b;
  rt_shape_bind (&rt_op_input_value (query->graph, query->node, A)->shape, query->symbols, &a);
  rt_shape_bind (&rt_op_input_value (query->graph, query->node, B)->shape, query->symbols, &b);
  Product p = product_of (query->node, &a, &b);

  *shared_bytes = (uint64_t)p.n_b * n_panels (&p) * kn_panel_bytes (KN_F32, p.k)
                  + (uint64_t)p.n_a * p.m * row_stride (&p);
  uint64_t gather = KN_PANEL_ROWS * p.k * sizeof (float);
  *thread_bytes = kn_matmul_scratch_bytes (KN_F32, p.k);
  if (*thread_bytes < gather)
    *thread_bytes = gather;
}

static uint8_t *
panels_of (const RtOpContext *context, const Product *p, size_t b, size_t panel)
{
  return context->scratch + (b * n_panels (p) + panel) * kn_panel_bytes (KN_F32, p->k);
}

static uint8_t *
rows_of (const RtOpContext *context, const Product *p, size_t row)
{
  return panels_of (context, p, p->n_b, 0) + row * row_stride (p);
}

/* ---- phase 0: pack ---- */

static void
pack_panel (const RtOpContext *context, const Product *p, size_t index, float *gather)
{
  size_t b = index / n_panels (p), panel = index % n_panels (p), first = panel * KN_PANEL_ROWS;
  size_t n = p->n - first < KN_PANEL_ROWS ? p->n - first : KN_PANEL_ROWS;
  const float *from = (const float *)context->inputs[B].data + b * p->k * p->n;

  if (p->transpose_b)
    from += first * p->k;
  else
    {
      for (size_t k = 0; k < p->k; k++)
        for (size_t c = 0; c < n; c++)
          gather[c * p->k + k] = from[k * p->n + first + c];
      from = gather;
    }
  kn_pack_panel (KN_F32, from, p->k * sizeof (float), n, p->k, panels_of (context, p, b, panel));
}

/* Row @row of all left sides. */
static void
copy_row (const RtOpContext *context, const Product *p, size_t row)
{
  const float *from = (const float *)context->inputs[A].data;
  float *to = (float *)(void *)rows_of (context, p, row);

  if (!p->transpose_a)
    {
      memcpy (to, from + row * p->k, p->k * sizeof *to);
      return;
    }
  from += row / p->m * p->m * p->k + row % p->m;
  for (size_t k = 0; k < p->k; k++)
    to[k] = from[k * p->m];
}

/* ---- phase 1: multiply ---- */

static size_t
n_tiles (const Product *p)
{
  return (p->m + TILE_ROWS - 1) / TILE_ROWS;
}

static uint32_t
matmul_nd_chunks (const RtOpContext *context, uint32_t phase)
{
  Product p = context_product (context);
  size_t n_rows = a_is_direct (&p) ? 0 : p.n_a * p.m, n_all = p.n_b * n_panels (&p);

  if (p.m == 0 || p.n == 0 || p.n_batches == 0)
    return 0;
  if (p.k == 0)
    return phase;
  if (phase == 0)
    return rt_split (n_all + (n_rows + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS,
                     KN_PANEL_ROWS * p.k * sizeof (float) * 2, context->n_threads);
  size_t rows = p.m < TILE_ROWS ? p.m : TILE_ROWS;
  return rt_split (p.n_batches * n_tiles (&p) * n_panels (&p),
                   KN_PANEL_ROWS * (p.k * (rows + 4) / 4 + rows * 4), context->n_threads);
}

static void
prepare (const RtOpContext *context, const Product *p, uint32_t chunk, float *gather)
{
  size_t n_rows = a_is_direct (p) ? 0 : p->n_a * p->m, n_all = p->n_b * n_panels (p);
  uint64_t first, last;

  rt_split_range (n_all + (n_rows + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS,
                  matmul_nd_chunks (context, 0), chunk, &first, &last);
  for (uint64_t i = first; i < last; i++)
    if (i < n_all)
      pack_panel (context, p, i, gather);
    else
      for (size_t r = (i - n_all) * KN_PANEL_ROWS; r < (i - n_all + 1) * KN_PANEL_ROWS; r++)
        if (r < n_rows)
          copy_row (context, p, r);
}

/* y = alpha y + beta c for [n] columns from (@row, @column) on. */
static void
gemm_epilogue (const RtOpContext *context, size_t row, size_t column, size_t n, float *y)
{
  const RtGemmAttrs *attrs = context->attrs;
  const RtTensor *c = &context->inputs[C];

  if (attrs->alpha != 1)
    context->kn->vec.scale (y, attrs->alpha, n, y);
  if (c->data == NULL || attrs->beta == 0)
    return;
  const RtShape *shape = &c->shape;
  size_t cols = shape->n_dims > 0 ? (size_t)shape->dims[shape->n_dims - 1] : 1;
  size_t rows = shape->n_dims > 1 ? (size_t)shape->dims[shape->n_dims - 2] : 1;
  const float *from = (const float *)c->data + (rows > 1 ? row * cols : 0);
  size_t step = cols > 1;
  for (size_t i = 0; i < n; i++)
    y[i] += attrs->beta * from[(column + i) * step];
}

/* Panels [panel, panel + n) of one tile of rows of one batch entry. */
static void
multiply (const RtOpContext *context, const Product *p, size_t batch, size_t tile, size_t panel,
          size_t n, void *scratch)
{
  size_t offset[2], row = tile * TILE_ROWS, column = panel * KN_PANEL_ROWS;
  size_t n_rows = p->m - row < TILE_ROWS ? p->m - row : TILE_ROWS;
  size_t n_cols = p->n - column < n * KN_PANEL_ROWS ? p->n - column : n * KN_PANEL_ROWS;
  float *y = (float *)context->outputs[0].data + (batch * p->m + row) * p->n + column;

  rt_broadcast_row (&p->batches, batch / p->batches.n, offset);
  offset[0] += batch % p->batches.n * p->batches.step[0];
  offset[1] += batch % p->batches.n * p->batches.step[1];
  const uint8_t *x = a_is_direct (p) ? (const uint8_t *)context->inputs[A].data
                                           + (offset[0] * p->m + row) * p->k * sizeof (float)
                                     : rows_of (context, p, offset[0] * p->m + row);
  if (p->k == 0)
    for (size_t r = 0; r < n_rows; r++)
      memset (y + r * p->n, 0, n_cols * sizeof *y);
  else
    context->kn->matmul.f32 (&(KnMatmulArgs){ .n_cols = p->k,
                                              .n_rows = n_cols,
                                              .n_tokens = n_rows,
                                              .panels = panels_of (context, p, offset[1], panel),
                                              .x = x,
                                              .x_stride = row_stride (p),
                                              .y = y,
                                              .y_stride = p->n,
                                              .scratch = scratch });
  if (context->node->op == &rt_op_gemm)
    for (size_t r = 0; r < n_rows; r++)
      gemm_epilogue (context, row + r, column, n_cols, y + r * p->n);
}

static void
matmul_nd_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  Product p = context_product (context);
  void *scratch = rt_op_thread_scratch (context, worker);
  size_t per_tile = n_panels (&p);
  uint64_t at, last;

  if (phase == 0)
    {
      prepare (context, &p, chunk, scratch);
      return;
    }
  rt_split_range (p.n_batches * n_tiles (&p) * per_tile, matmul_nd_chunks (context, 1), chunk, &at,
                  &last);
  while (at < last)
    {
      size_t tile = at / per_tile, panel = at % per_tile;
      size_t n = per_tile - panel < last - at ? per_tile - panel : last - at;
      multiply (context, &p, tile / n_tiles (&p), tile % n_tiles (&p), panel, n, scratch);
      at += n;
    }
}

/* ---- reference ---- */

static void
matmul_nd_reference (const RtOpContext *context)
{
  Product p = context_product (context);
  const RtGemmAttrs *gemm = context->node->op == &rt_op_gemm ? context->attrs : NULL;

  for (size_t batch = 0; batch < p.n_batches; batch++)
    {
      size_t offset[2];
      rt_broadcast_row (&p.batches, batch / p.batches.n, offset);
      offset[0] += batch % p.batches.n * p.batches.step[0];
      offset[1] += batch % p.batches.n * p.batches.step[1];
      const float *a = (const float *)context->inputs[A].data + offset[0] * p.m * p.k;
      const float *b = (const float *)context->inputs[B].data + offset[1] * p.k * p.n;
      float *y = (float *)context->outputs[0].data + batch * p.m * p.n;
      for (size_t i = 0; i < p.m; i++)
        for (size_t j = 0; j < p.n; j++)
          {
            double sum = 0;
            for (size_t k = 0; k < p.k; k++)
              sum += (double)a[p.transpose_a ? k * p.m + i : i * p.k + k]
                     * (double)b[p.transpose_b ? j * p.k + k : k * p.n + j];
            y[i * p.n + j] = (float)sum;
            if (gemm != NULL)
              {
                float c = 0;
                RtGemmAttrs only_c = { .alpha = 1, .beta = 1 };
                RtOpContext addend = *context;
                addend.attrs = &only_c;
                gemm_epilogue (&addend, i, j, 1, &c);
                y[i * p.n + j]
                    = (float)((double)gemm->alpha * sum + (double)gemm->beta * (double)c);
              }
          }
    }
}

static void
matmul_nd_cost (const RtOpQuery *query, RtCost *cost)
{
  RtShape a, b;
  rt_shape_bind (&rt_op_input_value (query->graph, query->node, A)->shape, query->symbols, &a);
  rt_shape_bind (&rt_op_input_value (query->graph, query->node, B)->shape, query->symbols, &b);
  Product p = product_of (query->node, &a, &b);

  rt_op_cost_io (query, cost);
  cost->flops = 2ull * p.n_batches * p.m * p.n * p.k;
}

/* clang-format off */
static const RtField matmul_nd_fields[] = {
  RT_FIELD_FLAG (RtMatmulNdAttrs, transpose_a),
  RT_FIELD_FLAG (RtMatmulNdAttrs, transpose_b),
};

static const RtField gemm_fields[] = {
  RT_FIELD_FINITE (RtGemmAttrs, alpha),
  RT_FIELD_FINITE (RtGemmAttrs, beta),
  RT_FIELD_FLAG (RtGemmAttrs, transpose_a),
  RT_FIELD_FLAG (RtGemmAttrs, transpose_b),
};
/* clang-format on */

const RtOp rt_op_matmul_nd = {
  .name = "matmul_nd",
  .title = "Product of activations",
  .attrs_bytes = sizeof (RtMatmulNdAttrs),
  RT_FIELDS (matmul_nd_fields),
  .min_inputs = 2,
  .max_inputs = 2,
  .n_outputs = 1,
  .vector_inputs = 1 << A | 1 << B,
  .infer = matmul_nd_infer,
  .scratch = matmul_nd_scratch,
  .n_phases = 2,
  .n_chunks = matmul_nd_chunks,
  .run = matmul_nd_run,
  .reference = matmul_nd_reference,
  .cost = matmul_nd_cost,
};

const RtOp rt_op_gemm = {
  .name = "gemm",
  .title = "General matrix product",
  .attrs_bytes = sizeof (RtGemmAttrs),
  RT_FIELDS (gemm_fields),
  .min_inputs = 2,
  .max_inputs = 3,
  .n_outputs = 1,
  .vector_inputs = 1 << A | 1 << B | 1 << C,
  .infer = gemm_infer,
  .scratch = matmul_nd_scratch,
  .n_phases = 2,
  .n_chunks = matmul_nd_chunks,
  .run = matmul_nd_run,
  .reference = matmul_nd_reference,
  .cost = matmul_nd_cost,
};
