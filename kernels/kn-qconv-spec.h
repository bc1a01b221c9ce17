/* What every instruction set's version of the 8-bit products shares: the requantization of one sum,
 * and the walk over windows with the copying left to the caller. Private to kernels. */
#pragma once

#include "kn-qconv.h"

#include <string.h>

#define KN_QINLINE static inline __attribute__ ((always_inline))

/* Adding it rounds to an integer, half to even, for |v| < 2^22; the integer is then in the low bits. */
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

/* kn_gather() copies with @copy (to, from, n, flip) and fills with @fill (to, byte, n), both inlined. */
typedef void (*KnCopyFn) (uint8_t *to, const uint8_t *from, size_t n, uint8_t flip);

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

  if (n == total)
    {
      copy (to, row + (size_t)x0 * a->pixel_bytes, total, a->flip);
      return to + total;
    }
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

KN_QINLINE void
kn_gather (const KnQgatherArgs *a, KnCopyFn copy)
{
  const int contiguous = a->dilation_w == 1 && a->n_channels == a->pixel_bytes;
  size_t oy = a->first_pixel / a->out_w, ox = a->first_pixel % a->out_w;

  for (size_t p = 0; p < a->n_pixels; p++)
    {
      const ptrdiff_t y0 = (ptrdiff_t)(oy * a->stride_h) - (ptrdiff_t)a->pad_top;
      const ptrdiff_t x0 = (ptrdiff_t)(ox * a->stride_w) - (ptrdiff_t)a->pad_left;
      uint8_t *to = a->rows + p * a->row_stride;

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
      if (++ox == a->out_w)
        {
          ox = 0;
          oy++;
        }
    }
}
