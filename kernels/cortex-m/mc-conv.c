/* Convolution: two windows at a time become rows of bytes, unless they are such rows where they
 * lie, and rows of weights are multiplied with both. */
#include "mc-private.h"

#include "mc-widen.h"

/* Whether a window is a run of bytes in x. */
static bool
is_direct (const McConv *c)
{
  const McWindow *w = &c->window;

  return w->kernel_h == 1 && w->kernel_w == 1 && w->pad_top <= 0 && w->pad_left <= 0
         && (w->out_h - 1) * w->stride_h - w->pad_top < w->in_h
         && (w->out_w - 1) * w->stride_w - w->pad_left < w->in_w;
}

static int32_t
n_cols_of (const McConv *c)
{
  return c->window.kernel_h * c->window.kernel_w * (c->window.in_c / c->groups);
}

/* Two copied windows; with DSP instructions, one, and two in 16 bit. */
size_t
mc_conv_scratch_bytes (const McConv *c, McIsa isa)
{
  const size_t row = ((size_t)n_cols_of (c) + 7) / 8 * 8;

  if (isa == MC_ISA_DSP)
    return is_direct (c) ? 4 * row : 5 * row;
  return is_direct (c) ? 0 : 2 * row;
}

/* ---- running ---- */

typedef struct
{
  const McConv *conv;
  McProduct product;
  int32_t channel, n_channels; /* of the group */
  bool is_direct;
  const int8_t *x;
  int8_t *rows; /* scratch: windows */
  void *wide;   /* scratch: DSP */
  int32_t row_bytes;
} Run;

/* The window of output (oy, ox): where it lies, or a copy in @to. */
static const int8_t *
window_of (const Run *r, int32_t oy, int32_t ox, int8_t *to)
{
  const McWindow *w = &r->conv->window;

  if (r->is_direct)
    return r->x + (oy * w->stride_h - w->pad_top) * w->x_row_bytes
           + (ox * w->stride_w - w->pad_left) * w->x_pixel_bytes + r->channel;
  mc_window_copy (w, r->x, oy, ox, r->channel, r->n_channels, (int8_t)r->conv->x_zero, to);
  return to;
}

typedef struct
{
  int32_t y, x;
} Pixel;

static int8_t *
place_of (const Run *r, Pixel p, int8_t *y)
{
  return y + p.y * r->conv->window.y_row_bytes + p.x * r->conv->window.y_pixel_bytes;
}

static Pixel
after (const Run *r, Pixel p)
{
  p.x++;
  return p.x < r->conv->window.out_w ? p : (Pixel){ p.y + 1, 0 };
}

/* One of two pixels, as mc_product_2() wants it. */
static const int8_t *
prepare (const Run *r, Pixel p, int32_t which)
{
#if MC_USE_DSP
  if (!r->is_direct && r->n_channels % 4 == 0)
    {
      mc_window_widen (&r->conv->window, r->x, p.y, p.x, r->channel, r->n_channels,
                       (int8_t)r->conv->x_zero, which, r->wide);
      return NULL;
    }
  mc_widen (window_of (r, p.y, p.x, r->rows), r->product.n_cols, which, r->wide);
  return NULL;
#else
  return window_of (r, p.y, p.x, r->rows + which * r->row_bytes);
#endif
}

/* Two pixels at a time, whatever rows they are in. */
static void
run_group (const Run *r, int8_t *y)
{
  int32_t n_left = r->conv->window.out_h * r->conv->window.out_w;
  Pixel p = { 0, 0 };

  for (; n_left >= 2; n_left -= 2)
    {
      const Pixel second = after (r, p);
      const int8_t *const x[2] = { prepare (r, p, 0), prepare (r, second, 1) };
      int8_t *const to[2] = { place_of (r, p, y), place_of (r, second, y) };

      mc_product_2 (&r->product, x, r->wide, to);
      p = after (r, second);
    }
  if (n_left > 0)
    mc_product_1 (&r->product, window_of (r, p.y, p.x, r->rows), place_of (r, p, y));
}

void
mc_conv (const McConv *c, const int8_t *x, int8_t *y, void *scratch)
{
  const int32_t n_rows = c->window.out_c / c->groups, n_cols = n_cols_of (c);
  const int32_t bytes = (n_cols + 7) / 8 * 8;

  for (int32_t g = 0; g < c->groups; g++)
    {
      const Run r = { .conv = c,
                      .product = { .weights = c->weights + g * n_rows * MC_ROW_BYTES (n_cols),
                                   .row_bytes = MC_ROW_BYTES (n_cols),
                                   .n_cols = n_cols,
                                   .n_rows = n_rows,
                                   .bias = c->bias + g * n_rows,
                                   .scale = c->scale + g * n_rows,
                                   .requant = &c->requant,
                                   .w_zero = c->w_zero != NULL ? c->w_zero + g * n_rows : NULL },
                      .channel = g * (c->window.in_c / c->groups),
                      .n_channels = c->window.in_c / c->groups,
                      .is_direct = is_direct (c),
                      .x = x,
                      .wide = scratch,
                      .rows = (int8_t *)scratch + (MC_USE_DSP ? 4 * bytes : 0),
                      .row_bytes = bytes };
      run_group (&r, y + g * n_rows);
    }
}
