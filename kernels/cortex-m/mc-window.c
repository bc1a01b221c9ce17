/* Windows of pictures: which inputs outputs read, windows as rows of bytes, parts of pictures.
 *
 * Called by the convolutions and by generators. Must know nothing of weights. */
#include "mc-private.h"

#include "mc-widen.h"

/* ---- runs of bytes: short ones, for which a call of memcpy costs more than they do ---- */

#if MC_USE_MVE

/* 16 at a time; the loop ends within the last of them. */
MC_INLINE void *
copy_run (void *to, const int8_t *from, int32_t n)
{
  int8_t *next = to;

  __asm__ volatile("wlstp.8 lr, %[n], 2f\n"
                   "1:\n"
                   "vldrb.8 q0, [%[from]], #16\n"
                   "vstrb.8 q0, [%[next]], #16\n"
                   "letp lr, 1b\n"
                   "2:\n"
                   : [from] "+r"(from), [next] "+r"(next)
                   : [n] "r"(n)
                   : "q0", "lr", "memory");
  return (int8_t *)to + n;
}

MC_INLINE void *
fill_run (void *to, int8_t value, int32_t n)
{
  int8_t *next = to;

  __asm__ volatile("vdup.8 q0, %[value]\n"
                   "wlstp.8 lr, %[n], 2f\n"
                   "1:\n"
                   "vstrb.8 q0, [%[next]], #16\n"
                   "letp lr, 1b\n"
                   "2:\n"
                   : [next] "+r"(next)
                   : [n] "r"(n), [value] "r"(value)
                   : "q0", "lr", "memory");
  return (int8_t *)to + n;
}

#else

MC_INLINE void *
copy_run (void *to, const int8_t *from, int32_t n)
{
  const int8_t *const end = from + n;
  int8_t *next = to;

  for (; end - from >= 4; from += 4, next += 4)
    __builtin_memcpy (next, from, 4);
  while (from < end)
    *next++ = *from++;
  return next;
}

MC_INLINE void *
fill_run (void *to, int8_t value, int32_t n)
{
  const uint32_t word = (uint8_t)value * 0x01010101u;
  int8_t *const end = (int8_t *)to + n, *next = to;

  for (; end - next >= 4; next += 4)
    __builtin_memcpy (next, &word, 4);
  while (next < end)
    *next++ = value;
  return next;
}

#endif

#if MC_USE_DSP

/* The same for every second pair of words of @to, n a multiple of 4. */
MC_INLINE void *
widen_run (void *to, const int8_t *from, int32_t n)
{
  const int8_t *const end = from + n;
  int32_t *next = to;

  for (; from < end; from += 4, next += 4)
    {
      const uint32_t word = mc_load4 (from);

      next[0] = __sxtb16 (word);
      next[1] = mc_sxtb16_odd (word);
    }
  return next;
}

MC_INLINE void *
fill_wide (void *to, int8_t value, int32_t n)
{
  const int32_t pair = __sxtb16 ((uint8_t)value * 0x00010001u);
  int32_t *next = to, *const end = next + n;

  for (; next < end; next += 4)
    next[0] = next[1] = pair;
  return next;
}

#endif

/* ---- windows ---- */

typedef void *(*CopyFn) (void *to, const int8_t *from, int32_t n);
typedef void *(*FillFn) (void *to, int8_t value, int32_t n);

/* One row of a window: columns [first, end) are in the picture. */
MC_INLINE void *
put_row (const McWindow *w, const int8_t *row, int32_t start, int32_t first, int32_t end, int32_t n,
         int8_t zero, CopyFn copy, FillFn fill, void *to)
{
  if (first > 0)
    to = fill (to, zero, first * n);
  row += (start + first * w->dilation_w) * w->x_pixel_bytes;
  if (w->dilation_w == 1 && n == w->x_pixel_bytes)
    to = copy (to, row, (end - first) * n);
  else
    for (int32_t kx = first; kx < end; kx++, row += w->dilation_w * w->x_pixel_bytes)
      to = copy (to, row, n);
  return end < w->kernel_w ? fill (to, zero, (w->kernel_w - end) * n) : to;
}

MC_INLINE void
put_window (const McWindow *w, const int8_t *x, int32_t oy, int32_t ox, int32_t channel, int32_t n,
            int8_t zero, CopyFn copy, FillFn fill, void *to)
{
  const int32_t y0 = oy * w->stride_h - w->pad_top, x0 = ox * w->stride_w - w->pad_left;
  int32_t first_y, end_y, first_x, end_x;

  mc_taps (y0, w->kernel_h, w->dilation_h, w->in_h, &first_y, &end_y);
  mc_taps (x0, w->kernel_w, w->dilation_w, w->in_w, &first_x, &end_x);
  if (first_y > 0)
    to = fill (to, zero, first_y * w->kernel_w * n);
  for (int32_t ky = first_y; ky < end_y; ky++)
    to = put_row (w, x + (y0 + ky * w->dilation_h) * w->x_row_bytes + channel, x0, first_x, end_x,
                  n, zero, copy, fill, to);
  if (end_y < w->kernel_h)
    fill (to, zero, (w->kernel_h - end_y) * w->kernel_w * n);
}

void
mc_window_copy (const McWindow *w, const int8_t *x, int32_t oy, int32_t ox, int32_t channel,
                int32_t n, int8_t zero, int8_t *to)
{
  put_window (w, x, oy, ox, channel, n, zero, copy_run, fill_run, to);
}

#if MC_USE_DSP

void
mc_window_widen (const McWindow *w, const int8_t *x, int32_t oy, int32_t ox, int32_t channel,
                 int32_t n, int8_t zero, int32_t which, void *wide)
{
  put_window (w, x, oy, ox, channel, n, zero, widen_run, fill_wide, (int32_t *)wide + 2 * which);
}

#endif

/* ---- parts ---- */

/* Inputs [*first, *first + *n) of one dimension for outputs [out, out + n_out). */
static void
inputs_of (int32_t out, int32_t n_out, int32_t stride, int32_t dilation, int32_t kernel,
           int32_t pad, int32_t size, int32_t *first, int32_t *n)
{
  const int32_t from = out * stride - pad;
  const int32_t end = (out + n_out - 1) * stride - pad + (kernel - 1) * dilation + 1;

  *first = mc_min (mc_max (from, 0), size);
  *n = mc_max (mc_min (end, size) - *first, 0);
}

McPart
mc_window_inputs (const McWindow *w, McPart out)
{
  McPart in;

  inputs_of (out.y, out.h, w->stride_h, w->dilation_h, w->kernel_h, w->pad_top, w->in_h, &in.y,
             &in.h);
  inputs_of (out.x, out.w, w->stride_w, w->dilation_w, w->kernel_w, w->pad_left, w->in_w, &in.x,
             &in.w);
  return in;
}

McWindow
mc_window_patch (const McWindow *w, McPart in, McPart out)
{
  McWindow patch = *w;

  patch.in_h = in.h;
  patch.in_w = in.w;
  patch.out_h = out.h;
  patch.out_w = out.w;
  patch.pad_top = w->pad_top - out.y * w->stride_h + in.y;
  patch.pad_left = w->pad_left - out.x * w->stride_w + in.x;
  patch.x_pixel_bytes = w->in_c;
  patch.x_row_bytes = in.w * w->in_c;
  patch.y_pixel_bytes = w->out_c;
  patch.y_row_bytes = out.w * w->out_c;
  return patch;
}
