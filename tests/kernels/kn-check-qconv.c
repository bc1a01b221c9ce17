/* Checks of the products of 8-bit numbers: sums against 64-bit arithmetic, codes against double
 * precision, every instruction set against plain C. */
#include "kn-check-private.h"

#include "kn-qconv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ---- */

typedef enum
{
  BYTES_RANDOM,
  BYTES_EXTREME, /* the products that overflow 16 bit when two are added */
  BYTES_ZERO,
  N_BYTES
} Bytes;

static void
fill_bytes (uint8_t *x, size_t n, Bytes kind)
{
  static const uint8_t extremes[] = { 0x80, 0x7f, 0xff, 0x00 };

  for (size_t i = 0; i < n; i++)
    x[i] = kind == BYTES_RANDOM    ? (uint8_t)kc_random ()
           : kind == BYTES_EXTREME ? extremes[kc_random_below (8) == 0 ? kc_random_below (4) : 0]
                                   : 0;
}

static float
random_scale (void)
{
  const float mantissa = 0.5f + 0.5f * fabsf (kc_random_float (KC_UNIFORM));

  return ldexpf (mantissa, -(int)kc_random_below (14) - 1);
}

static KnRequant
random_requant (int is_signed)
{
  const int lowest = is_signed ? -128 : 0, zero = lowest + (int)kc_random_below (256);
  const int low = kc_random_below (2) ? zero : lowest, high = lowest + 255;

  return (KnRequant){ (float)(low - zero), (float)(high - zero), zero };
}

/* Codes are within half a step, and half a rounding error of the product, of what they stand
 * for. */
static void
near_code (size_t index, uint8_t got, int is_signed, int64_t acc, float scale, const KnRequant *r)
{
  const double exact = (double)acc * (double)scale;
  const double clamped = exact < r->low ? r->low : exact > r->high ? r->high : exact;
  const int code = is_signed ? (int8_t)got : got;

  if (fabs (code - r->zero - clamped) > 0.5 + fabs (clamped) * 0x1p-22)
    kc_fail ("code %zu is %d, exact is %.9g", index, code, clamped + r->zero);
}

/* ---- gemm ---- */

typedef struct
{
  size_t n_cols, n_segments, n_rows, n_pixels, n_lines;
  int is_signed, with_zero, raw, without_sums;
  size_t x_stride, segment_step, padded_cols;
  int8_t *w;  /* [n_rows][n_segments][padded_cols] */
  uint8_t *x; /* [n_lines][n_segments][segment_step], as the family of act_signed 0 wants it */
  size_t x_bytes;
  uint8_t *panels;
  int32_t *bias, *w_zero, *x_sum;
  float *scale;
  KnRequant requant;
} Gemm;

static void
make_gemm (Gemm *g, Bytes kind)
{
  const size_t n_panels = (g->n_rows + 15) / 16, padded = n_panels * 16;
  const size_t padded_cols = (g->n_cols + 3) / 4 * 4, n_cols = g->n_segments * padded_cols;
  const size_t panel_bytes = kn_panel_bytes (KN_I8, n_cols);

  g->padded_cols = padded_cols;
  g->x_stride = padded_cols + 4 * kc_random_below (3);
  g->segment_step = (g->n_pixels - 1) * g->x_stride + padded_cols;
  g->w = kc_input (g->n_rows * n_cols, 1);
  fill_bytes ((uint8_t *)g->w, g->n_rows * n_cols, kind);
  for (size_t i = 0; i < g->n_rows * n_cols; i++)
    if (i % padded_cols >= g->n_cols)
      g->w[i] = 0;
  g->x_bytes = g->n_lines * g->n_segments * g->segment_step;
  g->x = kc_input (g->x_bytes, 4);
  fill_bytes (g->x, g->x_bytes, kind);
  g->panels = kc_output (n_panels * panel_bytes, KN_ALIGN);
  for (size_t p = 0; p < n_panels; p++)
    kn_pack_panel (KN_I8, g->w + p * 16 * n_cols, n_cols,
                   g->n_rows - p * 16 < 16 ? g->n_rows - p * 16 : 16, n_cols,
                   g->panels + p * panel_bytes);
  g->bias = kc_input (padded * 4, 4);
  g->w_zero = kc_input (padded * 4, 4);
  g->scale = kc_input (padded * 4, 4);
  g->x_sum = kc_input (g->n_lines * g->n_pixels * 4, 4);
  for (size_t r = 0; r < padded; r++)
    {
      g->bias[r] = (int32_t)kc_random_below (20000) - 10000;
      g->w_zero[r] = (int32_t)kc_random_below (256) - 128;
      g->scale[r] = random_scale ();
    }
  g->requant = random_requant (g->is_signed);
}

static const uint8_t *
gemm_segment (const Gemm *g, size_t line, size_t pixel, size_t segment)
{
  return g->x + (line * g->n_segments + segment) * g->segment_step + pixel * g->x_stride;
}

/* The same sums from a family that wants signed activations: codes less by 128, the bias more by
 * 128 sum w. */
static KnQgemmArgs
gemm_args (Gemm *g, const KnQconvFamily *f)
{
  const size_t n_cols = g->n_segments * g->padded_cols;

  if (f->act_signed)
    {
      for (size_t i = 0; i < g->x_bytes; i++)
        g->x[i] ^= 0x80;
      for (size_t r = 0; r < g->n_rows; r++)
        for (size_t c = 0; c < n_cols; c++)
          if (c % g->padded_cols < g->n_cols)
            g->bias[r] += 128 * (g->w[r * n_cols + c] - (g->with_zero ? g->w_zero[r] : 0));
    }
  for (size_t i = 0; i < g->n_lines * g->n_pixels; i++)
    {
      g->x_sum[i] = 0;
      for (size_t s = 0; s < g->n_segments; s++)
        {
          int32_t sum;
          f->row_sums (gemm_segment (g, i / g->n_pixels, i % g->n_pixels, s), 0, g->n_cols, 1,
                       &sum);
          g->x_sum[i] += sum;
        }
    }
  const size_t y_stride = g->n_rows * (g->raw ? 4 : 1) + (g->raw ? 4 : 3);
  return (KnQgemmArgs){ .n_cols = g->n_cols,
                        .n_segments = g->n_segments,
                        .segment_step = g->segment_step,
                        .n_rows = g->n_rows,
                        .n_pixels = g->n_pixels,
                        .n_lines = g->n_lines,
                        .panels = g->panels,
                        .x = g->x,
                        .x_stride = g->x_stride,
                        .x_line_step = g->n_segments * g->segment_step,
                        .bias = g->bias,
                        .w_zero = g->with_zero ? g->w_zero : NULL,
                        .x_sum = g->with_zero && !g->without_sums ? g->x_sum : NULL,
                        .scale = g->raw ? NULL : g->scale,
                        .requant = g->requant,
                        .y_stride = y_stride,
                        .y_line_step = g->n_pixels * y_stride + (g->raw ? 4 : 5) };
}

static int64_t
exact_sum (const Gemm *g, size_t line, size_t p, size_t r)
{
  int64_t acc = g->bias[r];

  for (size_t s = 0; s < g->n_segments; s++)
    for (size_t c = 0; c < g->n_cols; c++)
      acc += (int64_t)gemm_segment (g, line, p, s)[c]
             * (g->w[(r * g->n_segments + s) * g->padded_cols + c]
                - (g->with_zero ? g->w_zero[r] : 0));
  return acc;
}

static void
gemm_oracle (const Gemm *g, const KnQgemmArgs *args)
{
  for (size_t i = 0; i < g->n_lines * g->n_pixels; i++)
    for (size_t r = 0; r < g->n_rows; r++)
      {
        const int64_t acc = exact_sum (g, i / g->n_pixels, i % g->n_pixels, r);
        const uint8_t *y = (const uint8_t *)args->y + i / g->n_pixels * args->y_line_step
                           + i % g->n_pixels * args->y_stride;
        int32_t got;

        if (!g->raw)
          {
            near_code (i * g->n_rows + r, y[r], g->is_signed, acc, g->scale[r], &g->requant);
            continue;
          }
        memcpy (&got, y + 4 * r, sizeof got);
        if (got != acc)
          kc_fail ("sum %zu of pixel %zu is %d, exact is %lld", r, i, got, (long long)acc);
      }
}

static void
check_gemm_size (const KnTable *c, const KnTable *v, size_t n_cols, size_t n_rows, size_t n_pixels,
                 int variant)
{
  Gemm g = { .n_cols = n_cols,
             .n_segments = variant & 8 ? 1 + kc_random_below (4) : 1,
             .n_rows = n_rows,
             .n_pixels = n_pixels,
             .n_lines = 1 + kc_random_below (2),
             .is_signed = variant & 1,
             .with_zero = variant >> 1 & 1,
             .raw = variant >> 2 & 1,
             .without_sums = (int)kc_random_below (2) };

  kc_context ("%zu x %zu columns, %zu rows, %zu x %zu pixels, variant %d", g.n_segments, n_cols,
              n_rows, g.n_lines, n_pixels, variant);
  make_gemm (&g, (Bytes)kc_random_below (N_BYTES));
  KnQgemmArgs args = gemm_args (&g, &c->qconv);
  const size_t bytes = (g.n_lines - 1) * args.y_line_step + (n_pixels - 1) * args.y_stride
                       + n_rows * (g.raw ? 4 : 1);
  uint8_t *expected = kc_output (bytes, 4);
  args.y = memset (expected, 0x5a, bytes);
  c->qconv.gemm (&args);

  if (v == c)
    gemm_oracle (&g, &args);
  else
    {
      args = gemm_args (&g, &v->qconv);
      uint8_t *y = kc_output (bytes, 4);
      args.y = memset (y, 0x5a, bytes);
      v->qconv.gemm (&args);
      kc_same_bytes ("y", y, expected, bytes);
    }
  kc_guards ("gemm");
  kc_release ();
}

static void
check_gemm (const KnTable *c, const KnTable *v, const void *data)
{
  static const size_t cols[] = { 1, 3, 4, 9, 16, 27, 64, 67, 300 };
  static const size_t rows[] = { 1, 8, 15, 16, 17, 32, 40, 62, 130 };

  for (size_t i = 0; i < sizeof cols / sizeof *cols; i++)
    for (size_t j = 0; j < sizeof rows / sizeof *rows; j++)
      for (int variant = 0; variant < 16; variant++)
        check_gemm_size (c, v, cols[i], rows[j], 1 + kc_random_below (6), variant);
  for (size_t n_pixels = 1; n_pixels <= 40; n_pixels++)
    check_gemm_size (c, v, 20, 48, n_pixels, (int)n_pixels % 16);
}

static void
check_copy (const KnTable *c, const KnTable *v, const void *data)
{
  for (size_t n = 0; n < 300; n += 1 + n / 9)
    {
      uint8_t *x = kc_input (n, 1), *y = kc_output (n, 1);
      const uint8_t flip = kc_random_below (2) ? 0x80 : 0;

      kc_context ("%zu bytes", n);
      fill_bytes (x, n, BYTES_RANDOM);
      v->qconv.copy (y, x, n, flip);
      for (size_t i = 0; i < n; i++)
        if (y[i] != (x[i] ^ flip))
          kc_fail ("byte %zu is %d, should be %d", i, y[i], x[i] ^ flip);
      kc_guards ("copy");
      kc_release ();
    }
}

/* ---- windows ---- */

static void
check_gather (const KnTable *c, const KnTable *v, const void *data)
{
  for (int round = 0; round < 300; round++)
    {
      KnQgatherArgs a = { .in_h = 1 + kc_random_below (9), .in_w = 1 + kc_random_below (9) };
      const size_t groups = 1 + kc_random_below (2);

      a.n_channels = 1 + kc_random_below (round % 3 ? 5 : 80);
      a.pixel_bytes = a.n_channels * groups;
      a.kh = 1 + kc_random_below (4);
      a.kw = 1 + kc_random_below (4);
      a.stride_h = 1 + kc_random_below (2);
      a.stride_w = 1 + kc_random_below (2);
      a.dilation_h = 1 + kc_random_below (2);
      a.dilation_w = 1 + kc_random_below (2);
      a.pad_top = kc_random_below (4);
      a.pad_left = kc_random_below (4);
      a.out_w = 1 + kc_random_below (9);
      a.first_pixel = kc_random_below (20);
      a.n_pixels = 1 + kc_random_below (20);
      a.pad = (uint8_t)kc_random ();
      a.flip = kc_random_below (2) ? 0x80 : 0;

      const size_t window = a.kh * a.kw * a.n_channels, x_bytes = a.in_h * a.in_w * a.pixel_bytes;
      uint8_t *x = kc_input (x_bytes, 1);
      fill_bytes (x, x_bytes, BYTES_RANDOM);
      a.x = x + kc_random_below ((uint32_t)groups) * a.n_channels;
      a.row_stride = (window + 3) / 4 * 4 + 64;
      a.rows = kc_output (a.n_pixels * a.row_stride, KN_ALIGN);
      kc_context ("round %d: %zux%zux%zu, window %zux%zu", round, a.in_h, a.in_w, a.n_channels,
                  a.kh, a.kw);
      v->qconv.gather (&a);

      /* Straight from the definition, also for C. */
      for (size_t p = 0; p < a.n_pixels; p++)
        for (size_t i = 0; i < window; i++)
          {
            const size_t out = a.first_pixel + p, ky = i / a.n_channels / a.kw;
            const size_t kx = i / a.n_channels % a.kw;
            const long iy
                = (long)(out / a.out_w * a.stride_h + ky * a.dilation_h) - (long)a.pad_top;
            const long ix
                = (long)(out % a.out_w * a.stride_w + kx * a.dilation_w) - (long)a.pad_left;
            const int inside = iy >= 0 && iy < (long)a.in_h && ix >= 0 && ix < (long)a.in_w;
            const uint8_t want
                = (inside
                       ? a.x[((size_t)iy * a.in_w + (size_t)ix) * a.pixel_bytes + i % a.n_channels]
                       : a.pad)
                  ^ a.flip;
            if (a.rows[p * a.row_stride + i] != want)
              kc_fail ("byte %zu of window %zu is %d, should be %d", i, p,
                       a.rows[p * a.row_stride + i], want);
          }
      kc_guards ("gather");
      kc_release ();
    }
}

static void
check_row_sums (const KnTable *c, const KnTable *v, const void *data)
{
  for (size_t n = 1; n < 300; n += 1 + n / 7)
    {
      uint8_t *x = kc_input (3 * n, 1);
      int32_t *sums = kc_output (3 * 4, 4);

      kc_context ("%zu columns", n);
      fill_bytes (x, 3 * n, BYTES_RANDOM);
      v->qconv.row_sums (x, n, n, 3, sums);
      for (size_t p = 0; p < 3; p++)
        {
          int32_t want = 0;
          for (size_t i = 0; i < n; i++)
            want += v->qconv.act_signed ? (int8_t)x[p * n + i] : x[p * n + i];
          if (sums[p] != want)
            kc_fail ("sum %zu is %d, should be %d", p, sums[p], want);
        }
      kc_guards ("row sums");
      kc_release ();
    }
}

/* ---- depthwise ---- */

typedef struct
{
  size_t n_channels, kh, kw, stride_w, dilation_w, n_outputs;
  int is_signed, with_zero, flip;
  int8_t *w;
  const uint8_t **rows, *pad;
  size_t *steps, first_inside, n_inside;
  int32_t *bias, *w_zero;
  float *scale;
  KnRequant requant;
} Depthwise;

/* Some columns lie in front of or behind the picture, some rows above or below. */
static void
make_depthwise (Depthwise *d, Bytes kind)
{
  const size_t n = d->n_channels;
  const size_t n_columns = (d->n_outputs - 1) * d->stride_w + (d->kw - 1) * d->dilation_w + 1;
  uint8_t *pad = kc_input (n, 1);

  d->first_inside = kc_random_below (3) ? kc_random_below (3) : 0;
  d->first_inside = d->first_inside < n_columns ? d->first_inside : 0;
  d->n_inside = n_columns - d->first_inside;
  d->n_inside -= d->n_inside > 2 ? kc_random_below (3) : 0;
  fill_bytes (pad, n, BYTES_RANDOM);
  d->pad = pad;
  d->w = kc_input (d->kh * d->kw * n, 1);
  fill_bytes ((uint8_t *)d->w, d->kh * d->kw * n, kind);
  d->rows = kc_input (d->kh * sizeof *d->rows, sizeof *d->rows);
  d->steps = kc_input (d->kh * sizeof *d->steps, sizeof *d->steps);
  for (size_t ky = 0; ky < d->kh; ky++)
    {
      uint8_t *row = kc_input (d->n_inside * n, 1);
      fill_bytes (row, d->n_inside * n, kind);
      d->steps[ky] = kc_random_below (8) ? n : 0;
      d->rows[ky] = d->steps[ky] ? row : pad;
    }
  d->bias = kc_input (n * 4, 4);
  d->w_zero = kc_input (n * 4, 4);
  d->scale = kc_input (n * 4, 4);
  for (size_t c = 0; c < n; c++)
    {
      d->bias[c] = (int32_t)kc_random_below (20000) - 10000;
      d->w_zero[c] = (int32_t)kc_random_below (256) - 128;
      d->scale[c] = random_scale ();
    }
  d->requant = random_requant (d->is_signed);
}

static void
run_depthwise (Depthwise *d, const KnQconvFamily *f, uint8_t *y, size_t y_stride)
{
  const size_t n = d->n_channels;
  void *packed = kc_output (f->dw_bytes (d->kh, d->kw, n), KN_ALIGN);
  int32_t *bias = kc_input (n * 4, 4);

  f->dw_pack (d->w, d->kh, d->kw, n, packed);
  for (size_t c = 0; c < n; c++)
    {
      bias[c] = d->bias[c];
      for (size_t t = 0; f->act_signed && t < d->kh * d->kw; t++)
        bias[c] += 128 * (d->w[t * n + c] - (d->with_zero ? d->w_zero[c] : 0));
    }
  f->depthwise (&(KnQdwArgs){ .n_channels = n,
                              .kh = d->kh,
                              .kw = d->kw,
                              .stride_w = d->stride_w,
                              .dilation_w = d->dilation_w,
                              .n_outputs = d->n_outputs,
                              .first_inside = d->first_inside,
                              .n_inside = d->n_inside,
                              .rows = d->rows,
                              .steps = d->steps,
                              .pad = d->pad,
                              .flip = (uint8_t)(d->flip ^ (f->act_signed ? 0x80 : 0)),
                              .weights = packed,
                              .bias = bias,
                              .w_zero = d->with_zero ? d->w_zero : NULL,
                              .scale = d->scale,
                              .requant = d->requant,
                              .y = y,
                              .y_stride = y_stride,
                              .scratch = kc_output (KN_QDW_SCRATCH, KN_ALIGN) });
}

static const uint8_t *
window_pixel (const Depthwise *d, size_t column, size_t ky)
{
  if (column < d->first_inside || column >= d->first_inside + d->n_inside)
    return d->pad;
  return d->rows[ky] + (column - d->first_inside) * d->steps[ky];
}

static void
depthwise_oracle (const Depthwise *d, const uint8_t *y, size_t y_stride)
{
  for (size_t o = 0; o < d->n_outputs; o++)
    for (size_t c = 0; c < d->n_channels; c++)
      {
        int64_t acc = d->bias[c];

        for (size_t ky = 0; ky < d->kh; ky++)
          for (size_t kx = 0; kx < d->kw; kx++)
            acc += (int64_t)(window_pixel (d, o * d->stride_w + kx * d->dilation_w, ky)[c]
                             ^ d->flip)
                   * (d->w[(ky * d->kw + kx) * d->n_channels + c]
                      - (d->with_zero ? d->w_zero[c] : 0));
        near_code (o * d->n_channels + c, y[o * y_stride + c], d->is_signed, acc, d->scale[c],
                   &d->requant);
      }
}

static void
check_depthwise (const KnTable *c, const KnTable *v, const void *data)
{
  static const size_t channels[] = { 1, 7, 8, 16, 19, 32, 33, 48, 63, 64, 65, 100, 128, 200 };
  static const size_t windows[][2]
      = { { 3, 3 }, { 5, 5 }, { 1, 3 }, { 4, 2 }, { 7, 7 }, { 40, 40 } };

  for (size_t i = 0; i < sizeof channels / sizeof *channels; i++)
    for (size_t j = 0; j < sizeof windows / sizeof *windows; j++)
      for (int variant = 0; variant < 8; variant++)
        {
          Depthwise d = { .n_channels = channels[i], .kh = windows[j][0], .kw = windows[j][1] };

          d.is_signed = variant & 1;
          d.with_zero = variant >> 1 & 1;
          d.flip = variant >> 2 & 1 ? 0x80 : 0;
          if (d.kh == 40 && (variant != 3 || d.n_channels > 64))
            continue;
          d.stride_w = 1 + kc_random_below (2);
          d.dilation_w = 1 + kc_random_below (2);
          d.n_outputs = j == 0 && variant == 0 ? 150 : 1 + kc_random_below (variant & 1 ? 9 : 30);
          kc_context (
              "%zu channels, window %zux%zu, stride %zu, dilation %zu, %zu outputs, variant %d",
              d.n_channels, d.kh, d.kw, d.stride_w, d.dilation_w, d.n_outputs, variant);
          make_depthwise (&d, (Bytes)kc_random_below (N_BYTES));

          const size_t stride = d.n_channels + (kc_random_below (4) ? 0 : 5);
          const size_t bytes = (d.n_outputs - 1) * stride + d.n_channels;
          uint8_t *expected = memset (kc_output (bytes, 1), 0x5a, bytes);
          run_depthwise (&d, &c->qconv, expected, stride);
          if (v == c)
            depthwise_oracle (&d, expected, stride);
          else
            {
              uint8_t *y = memset (kc_output (bytes, 1), 0x5a, bytes);
              run_depthwise (&d, &v->qconv, y, stride);
              kc_same_bytes ("y", y, expected, bytes);
            }
          kc_guards ("depthwise");
          kc_release ();
        }
}

/* ---- benchmarks ---- */

typedef struct
{
  const KnQconvFamily *f;
  KnQgemmArgs gemm;
  KnQgatherArgs gather;
  KnQdwArgs depthwise;
} Run;

static void
run_gemm (void *arg)
{
  const Run *r = arg;
  r->f->gemm (&r->gemm);
}

static void
run_gather (void *arg)
{
  const Run *r = arg;
  r->f->gather (&r->gather);
}

static void
run_dw (void *arg)
{
  const Run *r = arg;
  r->f->depthwise (&r->depthwise);
}

static void
bench_gemm (const KnTable *v, const void *data)
{
  static const struct
  {
    size_t n_cols, n_segments, n_rows, n_pixels;
    const char *label;
  } sizes[] = { { 28, 1, 32, 112, "28x32 112 pixels" },    { 8, 1, 16, 96, "8x16 96 pixels" },
                { 64, 1, 128, 96, "64x128 96 pixels" },    { 256, 1, 256, 48, "256x256 48 pixels" },
                { 512, 1, 512, 49, "512x512 49 pixels" },  { 192, 3, 64, 48, "3x192x64 48 pixels" },
                { 48, 3, 16, 32, "3x48x16 32 pixels" },    { 9, 3, 16, 96, "3x9x16 96 pixels" },
                { 1024, 1, 1000, 1, "1024x1000 1 pixel" }, { 128, 1, 128, 1, "128x128 1 pixel" },
                { 640, 1, 128, 1, "640x128 1 pixel" } };

  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    {
      Gemm g = { .n_cols = sizes[i].n_cols,
                 .n_segments = sizes[i].n_segments,
                 .n_rows = sizes[i].n_rows,
                 .n_pixels = sizes[i].n_pixels,
                 .n_lines = 1,
                 .is_signed = 1 };
      make_gemm (&g, BYTES_RANDOM);
      Run r = { .f = &v->qconv, .gemm = gemm_args (&g, &v->qconv) };
      r.gemm.y_stride = g.n_rows;
      r.gemm.y = kc_output (g.n_pixels * r.gemm.y_stride, 64);
      const double n_cols = (double)(g.n_cols * g.n_segments);
      kc_bench (sizes[i].label, run_gemm, &r,
                (double)g.n_rows * n_cols + (double)g.n_pixels * (n_cols + (double)g.n_rows),
                2.0 * n_cols * (double)(g.n_rows * g.n_pixels));
      kc_release ();
    }
}

static void
bench_gather (const KnTable *v, const void *data)
{
  static const size_t channels[] = { 3, 16, 64 };
  static const char *const labels[] = { "3x3x3", "3x3x16", "3x3x64" };

  for (size_t i = 0; i < 3; i++)
    {
      const size_t n = channels[i], stride = (9 * n + 3) / 4 * 4;
      Run r = { .f = &v->qconv,
                .gather = { .x = kc_input (32 * 32 * n, 64),
                            .in_h = 32,
                            .in_w = 32,
                            .pixel_bytes = n,
                            .n_channels = n,
                            .kh = 3,
                            .kw = 3,
                            .stride_h = 1,
                            .stride_w = 1,
                            .dilation_h = 1,
                            .dilation_w = 1,
                            .pad_top = 1,
                            .pad_left = 1,
                            .out_w = 32,
                            .first_pixel = 32,
                            .n_pixels = 32,
                            .flip = 0x80,
                            .rows = kc_output (32 * stride, 64),
                            .row_stride = stride } };
      kc_bench (labels[i], run_gather, &r, (double)(32 * 9 * n), 0);
      kc_release ();
    }
}

static void
bench_depthwise (const KnTable *v, const void *data)
{
  static const struct
  {
    size_t n_channels, kh, kw, stride, n_outputs;
    const char *label;
  } sizes[] = { { 8, 3, 3, 1, 48, "3x3 8 channels" },
                { 32, 3, 3, 1, 112, "3x3 32 channels" },
                { 64, 3, 3, 2, 56, "3x3 64 channels stride 2" },
                { 256, 3, 3, 1, 28, "3x3 256 channels" },
                { 144, 3, 3, 1, 56, "3x3 144 channels" },
                { 128, 5, 5, 1, 28, "5x5 128 channels" } };

  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    {
      Depthwise d = { .n_channels = sizes[i].n_channels,
                      .kh = sizes[i].kh,
                      .kw = sizes[i].kw,
                      .stride_w = sizes[i].stride,
                      .dilation_w = 1,
                      .n_outputs = sizes[i].n_outputs,
                      .is_signed = 1 };
      make_depthwise (&d, BYTES_RANDOM);
      Run r = { .f = &v->qconv,
                .depthwise = { .n_channels = d.n_channels,
                               .kh = d.kh,
                               .kw = d.kw,
                               .stride_w = d.stride_w,
                               .dilation_w = 1,
                               .n_outputs = d.n_outputs,
                               .first_inside = d.first_inside,
                               .n_inside = d.n_inside,
                               .rows = d.rows,
                               .steps = d.steps,
                               .pad = d.pad,
                               .flip = 0x80,
                               .bias = d.bias,
                               .scale = d.scale,
                               .requant = d.requant,
                               .y_stride = d.n_channels,
                               .y = kc_output (d.n_outputs * d.n_channels, 64),
                               .scratch = kc_output (KN_QDW_SCRATCH, KN_ALIGN) } };
      void *packed = kc_output (v->qconv.dw_bytes (d.kh, d.kw, d.n_channels), KN_ALIGN);
      v->qconv.dw_pack (d.w, d.kh, d.kw, d.n_channels, packed);
      r.depthwise.weights = packed;
      kc_bench (sizes[i].label, run_dw, &r, (double)((d.kh + 1) * d.n_outputs * d.n_channels),
                2.0 * (double)(d.kh * d.kw * d.n_outputs * d.n_channels));
      kc_release ();
    }
}

static const KcCase cases[] = {
  { "qconv/gemm", check_gemm, bench_gemm, NULL, KC_MEMBERS (qconv.gemm) },
  { "qconv/copy", check_copy, NULL, NULL, KC_MEMBERS (qconv.copy) },
  { "qconv/gather", check_gather, bench_gather, NULL, KC_MEMBERS (qconv.gather) },
  { "qconv/row-sums", check_row_sums, NULL, NULL, KC_MEMBERS (qconv.row_sums) },
  { "qconv/depthwise", check_depthwise, bench_depthwise, NULL, KC_MEMBERS (qconv.depthwise) },
  { 0 },
};

void
kc_register_qconv (void)
{
  kc_register (cases);
}
