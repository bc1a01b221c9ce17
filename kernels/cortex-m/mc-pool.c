/* Maximum, average and mean of codes, a block of channels at a time: integers until the one step
 * back to 8 bit. */
#include "mc-private.h"

#include "mc-pool.h"

/* What of one output's window lies in the picture, and how many positions it has with padding. */
typedef struct
{
  const int8_t *x; /* channel 0 of the first pixel inside */
  int32_t n_h, n_w, n_padded;
} Inside;

/* Taps of one dimension in front of @size. */
static int32_t
count_below (int32_t start, int32_t kernel, int32_t dilation, int32_t size)
{
  int32_t n = kernel;

  while (n > 0 && start + (n - 1) * dilation >= size)
    n--;
  return n;
}

static Inside
inside_of (const McPool *p, const int8_t *x, int32_t oy, int32_t ox)
{
  const McWindow *w = &p->window;
  const int32_t y0 = oy * w->stride_h - w->pad_top, x0 = ox * w->stride_w - w->pad_left;
  int32_t first_y, end_y, first_x, end_x;

  mc_taps (y0, w->kernel_h, w->dilation_h, w->in_h, &first_y, &end_y);
  mc_taps (x0, w->kernel_w, w->dilation_w, w->in_w, &first_x, &end_x);
  return (Inside){
    .x = x + (y0 + first_y * w->dilation_h) * w->x_row_bytes
         + (x0 + first_x * w->dilation_w) * w->x_pixel_bytes,
    .n_h = end_y - first_y,
    .n_w = end_x - first_x,
    .n_padded = count_below (y0, w->kernel_h, w->dilation_h, w->in_h + p->pad_bottom)
                * count_below (x0, w->kernel_w, w->dilation_w, w->in_w + p->pad_right),
  };
}

/* ---- maximum ---- */

/* Channels [c, c + n), n <= MC_POOL_BLOCK. */
static void
max_block (const McPool *p, const Inside *in, int32_t c, int32_t n, int8_t *y)
{
  const McWindow *w = &p->window;
  int8_t values[MC_POOL_BLOCK];

  mc_pool_max_clear (values);
  for (int32_t ky = 0; ky < in->n_h; ky++)
    mc_pool_max (values, in->x + ky * w->dilation_h * w->x_row_bytes + c,
                 w->dilation_w * w->x_pixel_bytes, in->n_w, n);
  for (int32_t i = 0; i < n; i++)
    y[i] = p->same_quant ? mc_code ((float)(values[i] - p->requant.zero), &p->requant)
                         : mc_requant1 (values[i] - p->x_zero, p->ratio, &p->requant);
}

/* ---- average ---- */

static int32_t
divide_half_away (int32_t sum, int32_t n)
{
  return sum >= 0 ? (sum + n / 2) / n : -((-sum + n / 2) / n);
}

static void
average_block (const McPool *p, const Inside *in, int32_t c, int32_t channels, int8_t *y)
{
  const McWindow *w = &p->window;
  const int32_t n_taps = in->n_h * in->n_w, n = p->count_padding ? in->n_padded : n_taps;
  const int32_t low = (int32_t)p->requant.low + p->requant.zero;
  const int32_t high = (int32_t)p->requant.high + p->requant.zero;
  const bool is_plain = p->same_quant && n_taps == n;
  const int32_t shift = p->code_shift;
  const float scale = p->ratio / (float)n;
  int32_t sums[MC_POOL_BLOCK] = { 0 };

  for (int32_t ky = 0; ky < in->n_h; ky++)
    mc_pool_sum (sums, in->x + ky * w->dilation_h * w->x_row_bytes + c,
                 w->dilation_w * w->x_pixel_bytes, in->n_w, channels);
  for (int32_t i = 0; i < channels; i++)
    y[i] = is_plain ? (
               int8_t)mc_min (mc_max (divide_half_away (sums[i] + shift * n, n) - shift, low), high)
                    : mc_requant1 (sums[i] - n_taps * p->x_zero, scale, &p->requant);
}

/* ---- pictures ---- */

static void
pool (const McPool *p, const int8_t *x, int8_t *y,
      void (*block) (const McPool *, const Inside *, int32_t, int32_t, int8_t *))
{
  const McWindow *w = &p->window;

  for (int32_t oy = 0; oy < w->out_h; oy++)
    for (int32_t ox = 0; ox < w->out_w; ox++)
      {
        const Inside in = inside_of (p, x, oy, ox);
        int8_t *to = y + oy * w->y_row_bytes + ox * w->y_pixel_bytes;

        if (in.n_h > 0 && in.n_w > 0)
          for (int32_t c = 0; c < w->out_c; c += MC_POOL_BLOCK)
            block (p, &in, c, mc_min (w->out_c - c, MC_POOL_BLOCK), to + c);
        else
          for (int32_t c = 0; c < w->out_c; c++)
            to[c] = (int8_t)((int32_t)p->requant.low + p->requant.zero);
      }
}

void
mc_max_pool (const McPool *p, const int8_t *x, int8_t *y)
{
  pool (p, x, y, max_block);
}

void
mc_average_pool (const McPool *p, const int8_t *x, int8_t *y)
{
  pool (p, x, y, average_block);
}

/* ---- mean ---- */

void
mc_mean (const McMean *m, const int8_t *x, int8_t *y)
{
  const int32_t zero = m->n * m->x_zero;

  for (int32_t outer = 0; outer < m->n_outer; outer++, x += m->n * m->n_inner)
    for (int32_t i = 0; i < m->n_inner; i += MC_POOL_BLOCK)
      {
        const int32_t n = mc_min (m->n_inner - i, MC_POOL_BLOCK);
        int32_t sums[MC_POOL_BLOCK] = { 0 };

        mc_pool_sum (sums, x + i, m->n_inner, m->n, n);
        for (int32_t k = 0; k < n; k++)
          *y++ = mc_requant1 (sums[k] - zero, m->scale, &m->requant);
      }
}
