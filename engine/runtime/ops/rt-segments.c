/* Copies by segments: rows of the last dimension that changes, in memory order; what lies behind
 * that dimension is copied as one piece. Called by pad and roll; knows neither. */
#include "rt-segments.h"

typedef struct
{
  uint32_t dim;          /* the last that changes, 0 when none does */
  int64_t inner, n_rows; /* elements behind it, indices before it */
  int64_t n;             /* its elements in the output */
  size_t elem;
} Rows;

static Rows
find_rows (const RtOpContext *context, uint32_t changed)
{
  const RtShape *y = &context->outputs[0].shape;
  Rows rows = { .elem = rt_type_bytes (context->outputs[0].type), .n = 1, .inner = 1, .n_rows = 1 };

  for (uint32_t i = 0; i < y->n_dims; i++)
    if (changed >> i & 1)
      rows.dim = i;
  if (y->n_dims == 0)
    return rows;
  rows.n = y->dims[rows.dim];
  rows.inner = rt_move_product (y, rows.dim + 1, y->n_dims);
  rows.n_rows = rt_move_product (y, 0, rows.dim);
  return rows;
}

static uint64_t
row_bytes (const Rows *rows)
{
  return 2 * (uint64_t)(rows->n * rows->inner) * rows->elem;
}

uint32_t
rt_segments_chunks (const RtOpContext *context, const RtSegments *segments)
{
  Rows rows = find_rows (context, segments->changed);
  if (row_bytes (&rows) == 0)
    return 0;
  return rt_split ((uint64_t)rows.n_rows, row_bytes (&rows), context->n_threads);
}

static RtSegment
segment_of (const RtOpContext *context, const RtSegments *segments, uint32_t dim, int64_t i,
            int64_t n)
{
  if (segments->changed >> dim & 1)
    return segments->at (context, dim, i);
  return (RtSegment){ .n = n - i, .source = i, .step = 1 };
}

static void
copy_row (const RtOpContext *context, const RtSegments *segments, const Rows *rows,
          const uint8_t *x, uint8_t *y, const void *fill)
{
  const size_t piece = (size_t)rows->inner * rows->elem;

  for (int64_t i = 0; i < rows->n;)
    {
      RtSegment s = segment_of (context, segments, rows->dim, i, rows->n);
      uint8_t *to = y + (size_t)i * piece;
      if (s.source < 0)
        rt_move_fill (to, fill, rows->elem, s.n * rows->inner);
      else if (s.step == 1)
        memcpy (to, x + (size_t)s.source * piece, (size_t)s.n * piece);
      else if (rows->inner == 1)
        rt_strided_line (rows->elem, x + (size_t)s.source * piece, s.step, to, s.n);
      else
        for (int64_t k = 0; k < s.n; k++)
          memcpy (to + (size_t)k * piece, x + (size_t)(s.source + k * s.step) * piece, piece);
      i += s.n;
    }
}

void
rt_segments_run (const RtOpContext *context, uint32_t chunk, const RtSegments *segments,
                 const void *fill)
{
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  Rows rows = find_rows (context, segments->changed);
  int64_t strides[RT_MAX_DIMS];
  uint64_t first, last;

  rt_move_strides (&x->shape, strides);
  rt_move_range (context, (uint64_t)rows.n_rows, row_bytes (&rows), chunk, &first, &last);
  for (uint64_t row = first; row < last; row++)
    {
      uint8_t *to = (uint8_t *)y->data + row * (size_t)(rows.n * rows.inner) * rows.elem;
      int64_t from = 0;
      uint64_t rest = row;
      for (uint32_t d = rows.dim; d-- > 0 && from >= 0;)
        {
          int64_t i = (int64_t)(rest % (uint64_t)y->shape.dims[d]);
          RtSegment s = segment_of (context, segments, d, i, y->shape.dims[d]);
          rest /= (uint64_t)y->shape.dims[d];
          from = s.source < 0 ? -1 : from + s.source * strides[d];
        }
      if (from < 0)
        rt_move_fill (to, fill, rows.elem, rows.n * rows.inner);
      else
        copy_row (context, segments, &rows, (const uint8_t *)x->data + (size_t)from * rows.elem, to,
                  fill);
    }
}
