/* Depthwise convolution. In plain C one channel after the other; the instruction sets take many
 * channels of one tap at a time, and are told where each tap is, a pixel of zero points for those
 * that lie outside. */
#include "mc-depthwise.h"

/* ---- scratch: the places of a window's taps; where those are addresses, a pixel of zero points in
 * front of them ---- */

#define PLACE_BYTES 4 /* of an offset, of a board's address */

static bool
is_simple (const McDepthwise *d)
{
  return d->window.in_c == d->window.out_c;
}

static size_t
pad_bytes (const McDepthwise *d)
{
  return ((size_t)d->window.in_c + 15) / 16 * 16;
}

size_t
mc_depthwise_scratch_bytes (const McDepthwise *d, McIsa isa)
{
  const size_t n_taps = (size_t)(d->window.kernel_h * d->window.kernel_w);

  return n_taps * PLACE_BYTES + (isa == MC_ISA_PLAIN || !is_simple (d) ? 0 : pad_bytes (d));
}

/* ---- plain C: the specification, and channels with several outputs ---- */

#define OUTSIDE INT32_MIN

/* Where in x the first code of each tap is. */
static void
find_offsets (const McWindow *w, int32_t y0, int32_t x0, int32_t *offsets)
{
  for (int32_t ky = 0, iy = y0; ky < w->kernel_h; ky++, iy += w->dilation_h)
    for (int32_t kx = 0, ix = x0; kx < w->kernel_w; kx++, ix += w->dilation_w)
      *offsets++ = iy >= 0 && iy < w->in_h && ix >= 0 && ix < w->in_w
                       ? iy * w->x_row_bytes + ix * w->x_pixel_bytes
                       : OUTSIDE;
}

static int8_t
run_channel (const McDepthwise *d, const int8_t *x, const int32_t *offsets, int32_t o)
{
  const int32_t n_taps = d->window.kernel_h * d->window.kernel_w;
  const int8_t *weight = d->weights + o;
  const int32_t w_zero = d->w_zero != NULL ? d->w_zero[o] : 0;
  uint32_t sum = (uint32_t)d->bias[o];

  for (int32_t t = 0; t < n_taps; t++, weight += d->window.out_c)
    sum += (uint32_t)((offsets[t] != OUTSIDE ? x[offsets[t]] : d->x_zero) * (*weight - w_zero));
  return mc_requant1 ((int32_t)sum, d->scale[o], &d->requant);
}

static void
run_plain (const McDepthwise *d, const int8_t *x, int8_t *y, int32_t *offsets)
{
  const McWindow *w = &d->window;
  const int32_t multiplier = w->out_c / w->in_c;

  for (int32_t oy = 0; oy < w->out_h; oy++)
    for (int32_t ox = 0; ox < w->out_w; ox++)
      {
        int8_t *to = y + oy * w->y_row_bytes + ox * w->y_pixel_bytes;

        find_offsets (w, oy * w->stride_h - w->pad_top, ox * w->stride_w - w->pad_left, offsets);
        for (int32_t c = 0; c < w->in_c; c++)
          for (int32_t m = 0; m < multiplier; m++, to++)
            *to = run_channel (d, x + c, offsets, c * multiplier + m);
      }
}

/* ---- by taps ---- */

#if !MC_USE_PLAIN

/* Where the taps of output (oy, ox) are. */
static void
find_taps (const McWindow *w, const int8_t *x, int32_t oy, int32_t ox, const int8_t *pad,
           const int8_t **taps)
{
  const int32_t x0 = ox * w->stride_w - w->pad_left;
  int32_t iy = oy * w->stride_h - w->pad_top;

  for (int32_t ky = 0; ky < w->kernel_h; ky++, iy += w->dilation_h)
    {
      const bool is_inside = iy >= 0 && iy < w->in_h;
      const int8_t *row = x + iy * w->x_row_bytes;

      for (int32_t kx = 0, ix = x0; kx < w->kernel_w; kx++, ix += w->dilation_w)
        *taps++ = is_inside && ix >= 0 && ix < w->in_w ? row + ix * w->x_pixel_bytes : pad;
    }
}

/* Outputs [*first, *end) of one dimension have all of their window in the picture. */
static void
inner (int32_t n_out, int32_t stride, int32_t reach, int32_t pad, int32_t size, int32_t *first,
       int32_t *end)
{
  int32_t f = 0, e = n_out;

  while (f < e && f * stride - pad < 0)
    f++;
  while (e > f && (e - 1) * stride - pad + reach > size)
    e--;
  *first = f;
  *end = e;
}

typedef struct
{
  const McDepthwise *depthwise;
  const int8_t *x, *pad;
  const int8_t **taps;
  int32_t first_x, end_x, first_y, end_y; /* outputs whose window lies in the picture */
} Run;

/* One output row: the taps of neighbouring inner outputs differ by as many bytes. */
static void
run_row (const Run *r, int32_t oy, int8_t *y)
{
  const McWindow *w = &r->depthwise->window;
  const bool is_inner = oy >= r->first_y && oy < r->end_y;
  const int32_t step = w->stride_w * w->x_pixel_bytes;

  for (int32_t ox = 0; ox < w->out_w; ox++, y += w->y_pixel_bytes)
    {
      const bool follows = is_inner && ox > r->first_x && ox < r->end_x;

      if (!follows)
        find_taps (w, r->x, oy, ox, r->pad, r->taps);
      mc_depthwise_taps (r->depthwise, r->taps, follows ? (ox - r->first_x) * step : 0, y);
    }
}

static void
run_taps (const McDepthwise *d, const int8_t *x, int8_t *y, void *scratch)
{
  const McWindow *w = &d->window;
  int8_t *pad = scratch;
  Run r = {
    .depthwise = d, .x = x, .pad = pad, .taps = (const int8_t **)(void *)(pad + pad_bytes (d))
  };

  for (size_t i = 0; i < pad_bytes (d); i++)
    pad[i] = (int8_t)d->x_zero;
  inner (w->out_h, w->stride_h, (w->kernel_h - 1) * w->dilation_h + 1, w->pad_top, w->in_h,
         &r.first_y, &r.end_y);
  inner (w->out_w, w->stride_w, (w->kernel_w - 1) * w->dilation_w + 1, w->pad_left, w->in_w,
         &r.first_x, &r.end_x);
  for (int32_t oy = 0; oy < w->out_h; oy++)
    run_row (&r, oy, y + oy * w->y_row_bytes);
}

#endif

void
mc_depthwise (const McDepthwise *d, const int8_t *x, int8_t *y, void *scratch)
{
#if !MC_USE_PLAIN
  if (is_simple (d))
    {
      run_taps (d, x, y, scratch);
      return;
    }
#endif
  run_plain (d, x, y, scratch);
}
