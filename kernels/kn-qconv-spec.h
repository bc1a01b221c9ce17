/* What every instruction set's version of the 8-bit products shares: the requantization of one sum,
 * and the walk over windows with the copying left to the caller. Private to kernels. */
#pragma once

#include "kn-qconv.h"

#include <string.h>

#define KN_QINLINE static inline __attribute__ ((always_inline))

/* Adding it rounds to an integer, half to even, for |v| < 2^22; the integer is then in the low
 * bits. */
#define KN_ROUND_MAGIC 0x1.8p23f

/* NaN becomes @low, as with the max instruction of x86. */
KN_QINLINE int32_t
kn_requant1 (int32_t acc, float scale, const KnRequant *r)
{
  float v = (float)acc * scale;
  int32_t bits, magic_bits;
  const float magic = KN_ROUND_MAGIC;

  v = v > r->low ? v : r->low;
  v = v < r->high ? v : r->high;
  v += magic;
  memcpy (&bits, &v, sizeof bits);
  memcpy (&magic_bits, &magic, sizeof bits);
  return bits - magic_bits + r->zero;
}

/* Sums modulo 2^32: what the instructions do, without undefined behaviour. */
KN_QINLINE int32_t
kn_madd_wrap (int32_t acc, int32_t a, int32_t b)
{
  return (int32_t)((uint32_t)acc + (uint32_t)a * (uint32_t)b);
}

/* Bytes of one panel of a gemm. */
static inline size_t
kn_qgemm_panel_bytes (const KnQgemmArgs *a)
{
  return (a->n_cols + 3) / 4 * 64 * a->n_segments;
}

/* ---- windows ----
 *
 * An output row is border pixels, whose window reaches out of the picture to the left or right,
 * around a run of inner pixels. Inner windows of neighbouring columns are copied by @windows,
 * everything else byte run by byte run with @copy; both are inlined. */

/* n bytes, xored with @flip. */
typedef void (*KnCopyFn) (uint8_t *to, const uint8_t *from, size_t n, uint8_t flip);

/* The windows of @n_pixels neighbouring outputs: @n_rows runs of @n bytes, @row_bytes apart in the
 * picture, behind each other in the window. */
typedef struct
{
  const uint8_t *from;
  size_t from_step, row_bytes; /* from pixel to pixel, from row to row */
  uint8_t *to;
  size_t to_step; /* from pixel to pixel */
  size_t n_pixels, n_rows, n;
  uint8_t flip;
} KnWindows;
typedef void (*KnWindowsFn) (const KnWindows *w);

/* One row of a window whose columns are neighbours: padding, one run, padding. */
KN_QINLINE uint8_t *
kn_gather_run (const KnQgatherArgs *a, const uint8_t *row, ptrdiff_t x0, KnCopyFn copy, uint8_t *to)
{
  const ptrdiff_t w = (ptrdiff_t)a->in_w, end = x0 + (ptrdiff_t)a->kw;
  const ptrdiff_t from = x0 < 0 ? (end < 0 ? end : 0) : x0;
  const ptrdiff_t until = end > w ? (from > w ? from : w) : end;
  const size_t n_left = (size_t)(from - x0) * a->n_channels;
  const size_t n = until > from ? (size_t)(until - from) * a->n_channels : 0;
  const size_t total = a->kw * a->n_channels;

  memset (to, a->pad ^ a->flip, n_left);
  if (n > 0)
    copy (to + n_left, row + (size_t)from * a->pixel_bytes, n, a->flip);
  memset (to + n_left + n, a->pad ^ a->flip, total - n_left - n);
  return to + total;
}

KN_QINLINE uint8_t *
kn_gather_taps (const KnQgatherArgs *a, const uint8_t *row, ptrdiff_t x0, KnCopyFn copy,
                uint8_t *to)
{
  for (size_t kx = 0; kx < a->kw; kx++, to += a->n_channels)
    {
      const ptrdiff_t x = x0 + (ptrdiff_t)(kx * a->dilation_w);

      if (x < 0 || x >= (ptrdiff_t)a->in_w)
        memset (to, a->pad ^ a->flip, a->n_channels);
      else
        copy (to, row + (size_t)x * a->pixel_bytes, a->n_channels, a->flip);
    }
  return to;
}

/* One window, wherever it lies. */
KN_QINLINE void
kn_gather_pixel (const KnQgatherArgs *a, int contiguous, size_t oy, size_t ox, KnCopyFn copy,
                 uint8_t *to)
{
  const ptrdiff_t y0 = (ptrdiff_t)(oy * a->stride_h) - (ptrdiff_t)a->pad_top;
  const ptrdiff_t x0 = (ptrdiff_t)(ox * a->stride_w) - (ptrdiff_t)a->pad_left;

  for (size_t ky = 0; ky < a->kh; ky++)
    {
      const ptrdiff_t y = y0 + (ptrdiff_t)(ky * a->dilation_h);

      if (y < 0 || y >= (ptrdiff_t)a->in_h)
        {
          memset (to, a->pad ^ a->flip, a->kw * a->n_channels);
          to += a->kw * a->n_channels;
          continue;
        }
      const uint8_t *row = a->x + (size_t)y * a->in_w * a->pixel_bytes;
      to = contiguous ? kn_gather_run (a, row, x0, copy, to)
                      : kn_gather_taps (a, row, x0, copy, to);
    }
}

/* Outputs [*first, *end) of a row have all columns of their window in the picture. */
static inline void
kn_gather_inner (const KnQgatherArgs *a, size_t *first, size_t *end)
{
  const size_t reach = (a->kw - 1) * a->dilation_w + 1;

  *first = (a->pad_left + a->stride_w - 1) / a->stride_w;
  *end = a->in_w + a->pad_left < reach ? 0 : (a->in_w + a->pad_left - reach) / a->stride_w + 1;
  if (*end < *first)
    *end = *first;
}

/* Inner pixels [ox, ox + n) of a row with neighbouring columns. */
KN_QINLINE void
kn_gather_row (const KnQgatherArgs *a, size_t oy, size_t ox, size_t n, KnWindowsFn windows,
               uint8_t *to)
{
  const ptrdiff_t y0 = (ptrdiff_t)(oy * a->stride_h) - (ptrdiff_t)a->pad_top;
  const ptrdiff_t dilation = (ptrdiff_t)a->dilation_h, h = (ptrdiff_t)a->in_h;
  const size_t total = a->kw * a->n_channels, row_bytes = a->in_w * a->pixel_bytes;
  const size_t above = y0 < 0 ? (size_t)((-y0 + dilation - 1) / dilation) : 0;
  const size_t k0 = above < a->kh ? above : a->kh;
  size_t k1 = k0;

  while (k1 < a->kh && y0 + (ptrdiff_t)k1 * dilation < h)
    k1++;
  if (k1 > k0)
    windows (&(KnWindows){
        .from = a->x + (size_t)(y0 + (ptrdiff_t)k0 * dilation) * row_bytes
                + (ox * a->stride_w - a->pad_left) * a->pixel_bytes,
        .from_step = a->stride_w * a->pixel_bytes,
        .row_bytes = a->dilation_h * row_bytes,
        .to = to + k0 * total,
        .to_step = a->row_stride,
        .n_pixels = n,
        .n_rows = k1 - k0,
        .n = total,
        .flip = a->flip,
    });

  /* Afterwards: @windows may write more of a window than it was told to. */
  for (size_t i = 0; i < n && (k0 > 0 || k1 < a->kh); i++)
    {
      memset (to + i * a->row_stride, a->pad ^ a->flip, k0 * total);
      memset (to + i * a->row_stride + k1 * total, a->pad ^ a->flip, (a->kh - k1) * total);
    }
}

KN_QINLINE void
kn_gather (const KnQgatherArgs *a, KnCopyFn copy, KnWindowsFn windows)
{
  const int contiguous = a->kw == 1 || (a->dilation_w == 1 && a->n_channels == a->pixel_bytes);
  size_t first, end, done = 0;

  kn_gather_inner (a, &first, &end);
  while (done < a->n_pixels)
    {
      const size_t oy = (a->first_pixel + done) / a->out_w, ox = (a->first_pixel + done) % a->out_w;
      const size_t left = a->n_pixels - done, in_row = a->out_w - ox;
      size_t n = left < in_row ? left : in_row;

      if (contiguous && ox >= first && ox < end)
        {
          n = n < end - ox ? n : end - ox;
          kn_gather_row (a, oy, ox, n, windows, a->rows + done * a->row_stride);
        }
      else
        {
          n = 1;
          kn_gather_pixel (a, contiguous, oy, ox, copy, a->rows + done * a->row_stride);
        }
      done += n;
    }
}

/* ---- depthwise ---- */

/* Pixel (column, ky) of the windows. */
KN_QINLINE const uint8_t *
kn_dw_pixel (const KnQdwArgs *a, size_t column, size_t ky)
{
  const size_t i = column - a->first_inside; /* wraps around in front of the picture */

  return i < a->n_inside ? a->rows[ky] + i * a->steps[ky] : a->pad;
}
