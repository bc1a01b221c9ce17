/* Rows of resampled planes. Floats: the rows of the input are blended first, over their whole
 * length, then the columns of that one row. Called by the resize operator; knows tables and planes
 * only. */
#include "rt-resize.h"

/* Four floats at a time on every machine; products and sums are the same as one by one. */
typedef float V4 __attribute__ ((vector_size (16)));

#define ALWAYS_INLINE static inline __attribute__ ((always_inline))

ALWAYS_INLINE V4
load (const float *x)
{
  V4 v;
  memcpy (&v, x, sizeof v);
  return v;
}

/* y[i] = sum of rows[k][i] * weights[k], in the order of k. */
ALWAYS_INLINE void
blend_of (uint32_t n_rows, const float *const *rows, const float *weights, int64_t n, float *y)
{
  int64_t i = 0;

  for (; i + 4 <= n; i += 4)
    {
      V4 sum = load (rows[0] + i) * weights[0];
      for (uint32_t k = 1; k < n_rows; k++)
        sum += load (rows[k] + i) * weights[k];
      memcpy (y + i, &sum, sizeof sum);
    }
  for (; i < n; i++)
    {
      float sum = rows[0][i] * weights[0];
      for (uint32_t k = 1; k < n_rows; k++)
        sum += rows[k][i] * weights[k];
      y[i] = sum;
    }
}

static void
blend (uint32_t n_rows, const float *const *rows, const float *weights, int64_t n, float *y)
{
  if (n_rows == 2)
    blend_of (2, rows, weights, n, y);
  else
    blend_of (4, rows, weights, n, y);
}

static void
fill (float *y, float value, int64_t n)
{
  for (int64_t i = 0; i < n; i++)
    y[i] = value;
}

/* The columns of one row. */
ALWAYS_INLINE void
columns_of (uint32_t n_taps, const RtResizePlanes *p, const float *x, float *y)
{
  for (int64_t i = 0; i < p->out_w; i++)
    {
      const RtResizeTap *tap = &p->w[i];
      const float *from[RT_RESIZE_TAPS];
      float *to = y + i * p->inner;
      if (tap->index[0] < 0)
        {
          fill (to, p->extrapolation, p->inner);
          continue;
        }
      if (p->inner == 1)
        {
          float sum = x[tap->index[0]] * tap->weight[0];
          for (uint32_t k = 1; k < n_taps; k++)
            sum += x[tap->index[k]] * tap->weight[k];
          *to = sum;
          continue;
        }
      for (uint32_t k = 0; k < n_taps; k++)
        from[k] = x + tap->index[k] * p->inner;
      blend_of (n_taps, from, tap->weight, p->inner, to);
    }
}

void
rt_resize_row_f32 (const RtResizePlanes *p, const float *x, int64_t row, float *to, float *scratch)
{
  const int64_t outer = row / p->out_h, y = row % p->out_h, n = p->in_w * p->inner;
  const float *plane = x + outer * p->in_h * n, *blended;
  const float *rows[RT_RESIZE_TAPS];

  if (p->h == NULL)
    blended = plane + y * n;
  else
    {
      const RtResizeTap *tap = &p->h[y];
      float *target = p->w == NULL ? to : scratch;
      if (tap->index[0] < 0)
        {
          fill (to, p->extrapolation, p->out_w * p->inner);
          return;
        }
      for (uint32_t k = 0; k < p->n_taps; k++)
        rows[k] = plane + tap->index[k] * n;
      blend (p->n_taps, rows, tap->weight, n, target);
      blended = target;
    }
  if (p->w == NULL)
    {
      if (blended != to)
        memcpy (to, blended, (size_t)n * sizeof (float));
    }
  else if (p->n_taps == 2)
    columns_of (2, p, blended, to);
  else
    columns_of (4, p, blended, to);
}

/* ---- 8 bits ----
 *
 * All weights have 10 fractional bits. The two rows are blended first, as integers, so that each
 * column costs two products. */

#define DEFINE_BLEND(name, type)                                                                   \
  static void blend_##name (const type *top, const type *bottom, int32_t a, int32_t b, int64_t n,  \
                            int32_t *y)                                                            \
  {                                                                                                \
    for (int64_t i = 0; i < n; i++)                                                                \
      y[i] = top[i] * a + bottom[i] * b;                                                           \
  }

DEFINE_BLEND (u8, uint8_t)
DEFINE_BLEND (i8, int8_t)

void
rt_resize_row_byte (const RtResizePlanes *p, const KnQvecFamily *kn, bool is_signed,
                    const uint8_t *x, int64_t row, uint8_t *to, int32_t *scratch)
{
  static const RtResizeTap same = { .fixed = { 1024, 0 } };
  const int64_t outer = row / p->out_h, y = row % p->out_h, n = p->in_w * p->inner;
  const uint8_t *plane = x + outer * p->in_h * n;
  const RtResizeTap *h = p->h != NULL ? &p->h[y] : &same;
  const uint8_t *top = plane + (p->h != NULL ? h->index[0] : y) * n;
  const uint8_t *bottom = plane + (p->h != NULL ? h->index[1] : y) * n;

  if (is_signed)
    blend_i8 ((const int8_t *)top, (const int8_t *)bottom, h->fixed[0], h->fixed[1], n, scratch);
  else
    blend_u8 (top, bottom, h->fixed[0], h->fixed[1], n, scratch);
  if (p->w == NULL)
    kn->lerp (scratch, scratch, 1024, 0, (size_t)n, to);
  for (int64_t i = 0; p->w != NULL && i < p->out_w; i++, to += p->inner)
    {
      const RtResizeTap *w = &p->w[i];
      kn->lerp (scratch + w->index[0] * p->inner, scratch + w->index[1] * p->inner, w->fixed[0],
                w->fixed[1], (size_t)p->inner, to);
    }
}

/* ---- nearest ---- */

ALWAYS_INLINE void
columns_nearest (const RtResizePlanes *p, size_t piece, const uint8_t *x, uint8_t *to)
{
  for (int64_t i = 0; i < p->out_w; i++)
    memcpy (to + (size_t)i * piece, x + (size_t)p->w[i].index[0] * piece, piece);
}

/* The extrapolated value as one element; only floats are extrapolated with a number. */
static void
fill_outside (const RtResizePlanes *p, size_t elem, uint8_t *to, int64_t n)
{
  if (elem == sizeof (float))
    fill ((float *)(void *)to, p->extrapolation, n);
  else
    memset (to, 0, (size_t)n * elem);
}

void
rt_resize_row_nearest (const RtResizePlanes *p, size_t elem, const uint8_t *x, int64_t row,
                       uint8_t *to)
{
  const int64_t outer = row / p->out_h, y = row % p->out_h;
  const size_t piece = (size_t)p->inner * elem, n_bytes = (size_t)p->in_w * piece;
  const int64_t from_y = p->h != NULL ? p->h[y].index[0] : y;

  if (from_y < 0)
    {
      fill_outside (p, elem, to, p->out_w * p->inner);
      return;
    }
  const uint8_t *from = x + (size_t)(outer * p->in_h + from_y) * n_bytes;
  if (p->w == NULL)
    memcpy (to, from, n_bytes);
  else if (p->w[0].index[0] < 0 || p->w[p->out_w - 1].index[0] < 0)
    for (int64_t i = 0; i < p->out_w; i++)
      if (p->w[i].index[0] < 0)
        fill_outside (p, elem, to + (size_t)i * piece, p->inner);
      else
        memcpy (to + (size_t)i * piece, from + (size_t)p->w[i].index[0] * piece, piece);
  else if (piece == 1)
    columns_nearest (p, 1, from, to);
  else if (piece == 2)
    columns_nearest (p, 2, from, to);
  else if (piece == 4)
    columns_nearest (p, 4, from, to);
  else if (piece == 8)
    columns_nearest (p, 8, from, to);
  else
    columns_nearest (p, piece, from, to);
}
