/* Checks and benchmarks of convolution and pooling kernels.
 *
 * Bounds for plain C, u = 2^-24, gamma as in Higham 2002, section 3.1: n chained fused
 * multiply-adds and up to two additions give |error| <= gamma (n + 2) * (sum |w x| + |bias| +
 * |residual|); limits do not enlarge an error. Every other level gives the bits of plain C. */
#include "kn-check.h"

#include "kn-matmul.h"
#include "kn-quant.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GAP 3 /* floats between the rows of y, to be left alone */
#define GAP_BYTE 0x5a
#define TINY 0x1p-149

static const KcKind kinds[]
    = { KC_NORMAL, KC_UNIFORM, KC_WIDE, KC_ANY, KC_DENORMAL, KC_ZERO, KC_CONSTANT, KC_SPECIAL };
#define N_KINDS (sizeof kinds / sizeof *kinds)

/* Whether exact arithmetic has something to say: no infinities, no overflow. */
static int
has_oracle (KcKind kind)
{
  return kind != KC_ANY && kind != KC_SPECIAL;
}

static float *
new_input (size_t n, KcKind kind)
{
  float *x = kc_input (n * sizeof *x, sizeof *x);

  kc_fill (x, n, kind);
  return x;
}

/* Rows of outputs whose gaps are marked. */
static float *
new_rows (size_t n_rows, size_t stride)
{
  float *y = kc_output (n_rows * stride * sizeof *y, sizeof *y);

  memset (y, GAP_BYTE, n_rows * stride * sizeof *y);
  return y;
}

static void
check_gaps (const float *y, size_t n_rows, size_t n, size_t stride)
{
  unsigned char gap[GAP * sizeof (float)];

  memset (gap, GAP_BYTE, sizeof gap);
  for (size_t r = 0; r < n_rows; r++)
    kc_same_bytes ("gap between rows", y + r * stride + n, gap, (stride - n) * sizeof (float));
}

static double
limited (double v, float min, float max)
{
  v = v < (double)min ? (double)min : v;
  return v > (double)max ? (double)max : v;
}

/* --- convolution --- */

typedef struct
{
  size_t n_pixels, n_segments, segment_len, first_row, n_rows;
  int bias, residual, limits, scattered;
} ConvShape;

/* Sums longer than a block of columns, all remainders of pixels and panels, panels shared with
 * another group. */
static const ConvShape conv_shapes[] = {
  { 1, 1, 1, 0, 1, 0, 0, 0 },     { 1, 1, 37, 0, 16, 1, 0, 1 },     { 1, 3, 9, 0, 33, 1, 0, 0 },
  { 1, 1, 500, 0, 250, 1, 1, 1 }, { 2, 1, 64, 0, 100, 0, 0, 0 },    { 3, 3, 24, 0, 70, 1, 1, 0 },
  { 4, 9, 5, 3, 9, 1, 0, 0 },     { 5, 1, 16, 0, 65, 1, 0, 1 },     { 6, 2, 31, 8, 60, 0, 1, 0 },
  { 7, 3, 9, 0, 32, 1, 0, 1 },    { 8, 1, 128, 0, 17, 0, 0, 0 },    { 9, 5, 15, 15, 1, 1, 1, 1 },
  { 10, 1, 40, 4, 12, 1, 0, 0 },  { 11, 3, 12, 0, 31, 1, 0, 0 },    { 12, 1, 200, 0, 48, 1, 1, 1 },
  { 13, 3, 192, 0, 40, 1, 1, 1 }, { 25, 1, 390, 0, 16, 1, 0, 0 },   { 29, 3, 130, 5, 44, 1, 1, 1 },
  { 64, 3, 9, 0, 32, 1, 0, 1 },   { 31, 4, 99, 2, 37, 1, 1, 1, 1 }, { 3, 2, 16, 0, 80, 1, 0, 0, 1 },
  { 50, 9, 43, 0, 33, 1, 1, 0 },
};

typedef struct
{
  KnConvArgs args;
  float *rows; /* [first_row + n_rows][n_columns], as before packing */
} ConvProblem;

/* The rows as panels of @dtype; the rows become what the format made of them. */
static const void *
new_panels (KnDtype dtype, float *rows, size_t n_rows, size_t n_cols)
{
  const size_t panel_bytes = kn_panel_bytes (dtype, n_cols),
               row_bytes = kn_row_bytes (dtype, n_cols);
  uint8_t *packed_rows = kc_input (n_rows * row_bytes, sizeof (float));
  const size_t n_panels = (n_rows + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS;
  uint8_t *panels = kc_input (n_panels * panel_bytes, KN_ALIGN);

  for (size_t r = 0; r < n_rows; r++)
    {
      kn_quantize_row (dtype, rows + r * n_cols, packed_rows + r * row_bytes, n_cols);
      kn_dequantize_row (dtype, packed_rows + r * row_bytes, rows + r * n_cols, n_cols);
    }
  for (size_t i = 0; i < n_panels; i++)
    {
      const size_t left = n_rows - i * KN_PANEL_ROWS;

      kn_pack_panel (dtype, packed_rows + i * KN_PANEL_ROWS * row_bytes, row_bytes,
                     left < KN_PANEL_ROWS ? left : KN_PANEL_ROWS, n_cols, panels + i * panel_bytes);
    }
  return panels;
}

/* Segments at random places of one buffer, the last one at its end. */
static const float *const *
new_segments (const ConvShape *s, KcKind kind)
{
  const size_t n = s->n_pixels * s->n_segments, n_floats = (n + 7) / 8 * s->segment_len + 5;
  const float **segments = kc_input (n * sizeof *segments, sizeof *segments);
  const float *x = new_input (n_floats, kind);

  for (size_t i = 0; i < n; i++)
    segments[i] = x + kc_random_below ((uint32_t)(n_floats - s->segment_len + 1));
  segments[n - 1] = x + n_floats - s->segment_len;
  return segments;
}

/* Weights of the segments in another order than the segments, two segments' worth unused. */
static const uint32_t *
new_columns (const ConvShape *s)
{
  uint32_t *columns = kc_input (s->n_segments * sizeof *columns, sizeof *columns);

  for (size_t i = 0; i < s->n_segments; i++)
    columns[i] = (uint32_t)((s->n_segments + 1 - i) * s->segment_len);
  return columns;
}

static ConvProblem
new_conv (const ConvShape *s, KnDtype dtype, KcKind kind)
{
  const size_t n_rows = s->first_row + s->n_rows;
  const size_t n_cols = (s->n_segments + (s->scattered ? 2 : 0)) * s->segment_len;
  ConvProblem p = { .rows = new_input (n_rows * n_cols, kind) };

  kc_context (
      "%s, %zu pixels, %zu x %zu columns, rows %zu + %zu, bias %d, residual %d, limits %d, %s",
      kn_dtype_info ((int)dtype)->name, s->n_pixels, s->n_segments, s->segment_len, s->first_row,
      s->n_rows, s->bias, s->residual, s->limits, kc_kind_name (kind));
  p.args = (KnConvArgs){
    .n_pixels = s->n_pixels,
    .n_segments = s->n_segments,
    .segment_len = s->segment_len,
    .segments = new_segments (s, kind),
    .segment_columns = s->scattered ? new_columns (s) : NULL,
    .n_columns = n_cols,
    .dtype = dtype,
    .panels = new_panels (dtype, p.rows, n_rows, n_cols),
    .first_row = s->first_row,
    .n_rows = s->n_rows,
    .bias = s->bias ? new_input (s->n_rows, kind) : NULL,
    .residual = s->residual ? new_input (s->n_pixels * s->n_rows, kind) : NULL,
    .residual_stride = s->n_rows,
    .min = s->limits ? -0.25f : -INFINITY,
    .max = s->limits ? 6.0f : INFINITY,
    .y = new_rows (s->n_pixels, s->n_rows + GAP),
    .y_stride = s->n_rows + GAP,
    .scratch = kc_output (kn_conv_scratch_bytes (s->n_pixels), KN_ALIGN),
  };
  return p;
}

static void
check_conv_value (const ConvProblem *p, size_t t, size_t r)
{
  const KnConvArgs *a = &p->args;
  const size_t n_terms = a->n_segments * a->segment_len;
  const float *w = p->rows + (a->first_row + r) * a->n_columns;
  double sum = 0, magnitude = 0;

  for (size_t s = 0; s < a->n_segments; s++)
    for (size_t i = 0; i < a->segment_len; i++)
      {
        const size_t c = (a->segment_columns ? a->segment_columns[s] : s * a->segment_len) + i;
        const double product = (double)w[c] * (double)a->segments[s * a->n_pixels + t][i];

        sum += product;
        magnitude += fabs (product);
      }
  if (a->bias)
    {
      sum += (double)a->bias[r];
      magnitude += fabs ((double)a->bias[r]);
    }
  if (a->residual)
    {
      sum += (double)a->residual[t * a->residual_stride + r];
      magnitude += fabs ((double)a->residual[t * a->residual_stride + r]);
    }
  kc_near ("y", t * a->n_rows + r, a->y[t * a->y_stride + r], limited (sum, a->min, a->max),
           kc_gamma ((double)n_terms + 2) * magnitude + (double)(n_terms + 2) * TINY);
}

/* Also with y in the residual's place. */
static void
check_conv_in_place (const KnTable *c, const KnTable *v, const ConvProblem *p)
{
  KnConvArgs a = p->args;
  float *both[2];

  for (int i = 0; i < 2; i++)
    {
      both[i] = kc_output (a.n_pixels * a.n_rows * sizeof (float), sizeof (float));
      memcpy (both[i], p->args.residual, a.n_pixels * a.n_rows * sizeof (float));
      a.residual = a.y = both[i];
      a.y_stride = a.n_rows;
      (i ? c : v)->conv.conv (&a);
    }
  kc_same ("y in the residual's place", both[0], both[1], a.n_pixels * a.n_rows);
}

static void
check_conv_shape (const KnTable *c, const KnTable *v, const ConvShape *s, KnDtype dtype,
                  KcKind kind)
{
  ConvProblem p = new_conv (s, dtype, kind);

  v->conv.conv (&p.args);
  kc_guards ("convolution");
  check_gaps (p.args.y, s->n_pixels, s->n_rows, p.args.y_stride);
  if (v == c)
    {
      for (size_t t = 0; t < s->n_pixels && has_oracle (kind); t++)
        for (size_t r = 0; r < s->n_rows; r++)
          check_conv_value (&p, t, r);
    }
  else
    {
      KnConvArgs again = p.args;

      again.y = new_rows (s->n_pixels, again.y_stride);
      c->conv.conv (&again);
      kc_same ("y", p.args.y, again.y, s->n_pixels * again.y_stride);
    }
  if (s->residual)
    check_conv_in_place (c, v, &p);
  kc_release ();
}

static void
check_conv (const KnTable *c, const KnTable *v, const void *data)
{
  static const KnDtype dtypes[] = { KN_F32, KN_F16, KN_BF16 };

  for (size_t d = 0; d < 3; d++)
    for (size_t k = 0; k < N_KINDS; k++)
      for (size_t i = 0; i < sizeof conv_shapes / sizeof *conv_shapes; i++)
        check_conv_shape (c, v, &conv_shapes[i], dtypes[d], kinds[k]);
}

/* A 1x1 convolution is a matrix product, bit for bit. */
static void
check_conv_matmul (const KnTable *c, const KnTable *v, const void *data)
{
  for (size_t n_pixels = 1; n_pixels < 30; n_pixels++)
    {
      const ConvShape s = {
        .n_pixels = n_pixels, .n_segments = 1, .segment_len = 16 * (1 + n_pixels), .n_rows = 40
      };
      ConvProblem p = new_conv (&s, KN_F32, KC_NORMAL);
      float *y = kc_output (n_pixels * s.n_rows * sizeof *y, sizeof *y);

      v->conv.conv (&p.args);
      for (size_t t = 0; t < n_pixels; t++)
        {
          float *x = kc_input (s.segment_len * sizeof *x, KN_ALIGN);

          memcpy (x, p.args.segments[t], s.segment_len * sizeof *x);
          v->matmul.f32 (&(KnMatmulArgs){ .n_cols = s.segment_len,
                                          .n_rows = s.n_rows,
                                          .n_tokens = 1,
                                          .panels = p.args.panels,
                                          .x = x,
                                          .y = y + t * s.n_rows,
                                          .y_stride = s.n_rows });
          kc_same ("y of the matrix product", p.args.y + t * p.args.y_stride, y + t * s.n_rows,
                   s.n_rows);
        }
      kc_release ();
    }
}

/* --- depthwise --- */

typedef struct
{
  size_t n_channels, n_pixels, kernel_h, kernel_w, stride, dilation;
  int bias, limits;
} DepthwiseShape;

static const DepthwiseShape depthwise_shapes[] = {
  { 1, 1, 1, 1, 1, 1, 0, 0 },   { 16, 7, 3, 3, 1, 1, 1, 1 },  { 40, 14, 3, 3, 1, 1, 1, 1 },
  { 33, 13, 3, 3, 2, 1, 1, 0 }, { 64, 8, 3, 3, 2, 1, 0, 1 },  { 24, 14, 5, 5, 1, 1, 1, 1 },
  { 17, 11, 5, 5, 2, 1, 1, 0 }, { 96, 7, 5, 5, 1, 1, 0, 0 },  { 20, 9, 3, 3, 1, 2, 1, 0 },
  { 15, 5, 3, 3, 3, 1, 1, 1 },  { 31, 17, 7, 7, 1, 1, 1, 0 }, { 8, 6, 1, 5, 1, 1, 1, 0 },
  { 9, 10, 10, 8, 2, 3, 0, 0 }, { 5, 3, 5, 3, 2, 1, 1, 1 },   { 3, 30, 2, 2, 2, 1, 0, 0 },
  { 130, 2, 5, 5, 2, 4, 1, 0 }, { 4, 6, 3, 3, 1, 1, 1, 0 },   { 12, 4, 3, 3, 2, 1, 1, 0 },
};

static KnDepthwiseArgs
new_depthwise (const DepthwiseShape *s, KcKind kind)
{
  const size_t n_columns = (s->n_pixels - 1) * s->stride + (s->kernel_w - 1) * s->dilation + 1;
  const size_t n_taps = s->kernel_h * s->kernel_w;
  const float **columns = kc_input (s->kernel_h * n_columns * sizeof *columns, sizeof *columns);
  const float *x = new_input (s->kernel_h * n_columns * s->n_channels, kind);

  kc_context ("%zu channels, %zu pixels, %zu x %zu taps, stride %zu, dilation %zu, %s",
              s->n_channels, s->n_pixels, s->kernel_h, s->kernel_w, s->stride, s->dilation,
              kc_kind_name (kind));
  for (size_t i = 0; i < s->kernel_h * n_columns; i++)
    columns[i] = x + i * s->n_channels;
  return (KnDepthwiseArgs){
    .n_channels = s->n_channels,
    .n_pixels = s->n_pixels,
    .kernel_h = s->kernel_h,
    .kernel_w = s->kernel_w,
    .stride = s->stride,
    .dilation = s->dilation,
    .columns = columns,
    .columns_stride = n_columns,
    .weights = new_input (n_taps * s->n_channels, kind),
    .weights_stride = s->n_channels,
    .bias = s->bias ? new_input (s->n_channels, kind) : NULL,
    .min = s->limits ? 0.0f : -INFINITY,
    .max = s->limits ? 6.0f : INFINITY,
    .y = new_rows (s->n_pixels, s->n_channels + GAP),
    .y_stride = s->n_channels + GAP,
  };
}

static void
check_depthwise_value (const KnDepthwiseArgs *a, size_t p, size_t c)
{
  const size_t n_taps = a->kernel_h * a->kernel_w;
  double sum = a->bias ? (double)a->bias[c] : 0, magnitude = fabs (sum);

  for (size_t i = 0; i < a->kernel_h; i++)
    for (size_t j = 0; j < a->kernel_w; j++)
      {
        const double w = (double)a->weights[(i * a->kernel_w + j) * a->weights_stride + c];
        const double x
            = (double)a->columns[i * a->columns_stride + p * a->stride + j * a->dilation][c];

        sum += w * x;
        magnitude += fabs (w * x);
      }
  kc_near ("y", p * a->n_channels + c, a->y[p * a->y_stride + c], limited (sum, a->min, a->max),
           kc_gamma ((double)n_taps + 1) * magnitude + (double)(n_taps + 1) * TINY);
}

static void
check_depthwise_shape (const KnTable *c, const KnTable *v, const DepthwiseShape *s, KcKind kind)
{
  KnDepthwiseArgs a = new_depthwise (s, kind);

  v->conv.depthwise (&a);
  kc_guards ("depthwise");
  check_gaps (a.y, s->n_pixels, s->n_channels, a.y_stride);
  if (v == c)
    {
      for (size_t p = 0; p < s->n_pixels && has_oracle (kind); p++)
        for (size_t ch = 0; ch < s->n_channels; ch++)
          check_depthwise_value (&a, p, ch);
    }
  else
    {
      KnDepthwiseArgs again = a;

      again.y = new_rows (s->n_pixels, a.y_stride);
      c->conv.depthwise (&again);
      kc_same ("y", a.y, again.y, s->n_pixels * a.y_stride);
    }
  kc_release ();
}

static void
check_depthwise (const KnTable *c, const KnTable *v, const void *data)
{
  for (size_t k = 0; k < N_KINDS; k++)
    for (size_t i = 0; i < sizeof depthwise_shapes / sizeof *depthwise_shapes; i++)
      check_depthwise_shape (c, v, &depthwise_shapes[i], kinds[k]);
}

/* --- pooling --- */

/* Taps of neighbouring pixels overlap. */
static KnPoolArgs
new_pool (size_t n_channels, size_t n_pixels, size_t n_taps, int limits, KcKind kind)
{
  const size_t step = 2 * n_channels;
  const float **taps = kc_input ((n_taps + 1) * sizeof *taps, sizeof *taps);
  const float *x = new_input ((n_pixels - 1) * step + n_taps * n_channels + 1, kind);

  kc_context ("%zu channels, %zu pixels, %zu taps, %s", n_channels, n_pixels, n_taps,
              kc_kind_name (kind));
  for (size_t t = 0; t < n_taps; t++)
    taps[t] = x + 1 + t * n_channels;
  return (KnPoolArgs){ .n_channels = n_channels,
                       .n_pixels = n_pixels,
                       .n_taps = n_taps,
                       .taps = taps,
                       .step = step,
                       .divisor = n_taps > 0 ? (float)n_taps : 1,
                       .min = limits ? 0.0f : -INFINITY,
                       .max = limits ? 6.0f : INFINITY,
                       .y = new_rows (n_pixels, n_channels + GAP),
                       .y_stride = n_channels + GAP };
}

static void
check_pool_value (const KnPoolArgs *a, int is_max, size_t p, size_t c)
{
  double want = is_max ? -INFINITY : 0, magnitude = 0;

  for (size_t t = 0; t < a->n_taps; t++)
    {
      const double x = (double)a->taps[t][p * a->step + c];

      want = is_max ? fmax (want, x) : want + x;
      magnitude += fabs (x);
    }
  want = is_max ? want : want / (double)a->divisor;
  kc_near ("y", p * a->n_channels + c, a->y[p * a->y_stride + c], limited (want, a->min, a->max),
           is_max ? 0 : kc_gamma ((double)a->n_taps + 1) * magnitude / (double)a->divisor + TINY);
}

static void
check_pool_size (const KnTable *c, const KnTable *v, size_t n_channels, size_t n_taps, KcKind kind,
                 int is_max)
{
  const size_t n_pixels = 1 + kc_random_below (10);
  KnPoolArgs a = new_pool (n_channels, n_pixels, n_taps, (int)n_taps % 2, kind);

  is_max ? v->pool.max (&a) : v->pool.average (&a);
  kc_guards ("pooling");
  check_gaps (a.y, n_pixels, n_channels, a.y_stride);
  if (v == c && (is_max ? kind != KC_SPECIAL : has_oracle (kind)))
    {
      for (size_t i = 0; i < n_pixels * n_channels; i++)
        check_pool_value (&a, is_max, i / n_channels, i % n_channels);
    }
  else if (v != c)
    {
      KnPoolArgs again = a;

      again.y = new_rows (n_pixels, a.y_stride);
      is_max ? c->pool.max (&again) : c->pool.average (&again);
      kc_same ("y", a.y, again.y, n_pixels * a.y_stride);
    }
  kc_release ();
}

static void
check_pool (const KnTable *c, const KnTable *v, const void *data)
{
  static const size_t channels[] = { 1, 3, 8, 16, 17, 40, 64, 100, 129 };
  static const size_t taps[] = { 0, 1, 4, 9, 49 };
  const int is_max = *(const int *)data;

  for (size_t k = 0; k < N_KINDS; k++)
    for (size_t i = 0; i < sizeof channels / sizeof *channels; i++)
      for (size_t j = 0; j < sizeof taps / sizeof *taps; j++)
        check_pool_size (c, v, channels[i], taps[j], kinds[k], is_max);
}

/* --- benchmarks: one thread; the layers are walked as the operators do --- */

typedef struct
{
  const char *label;
  size_t size, n_in, n_out, kernel, stride; /* square pictures, as many pixels out as fit */
} Layer;

static const Layer conv_layers[] = {
  { "3x3 64 to 64 at 56", 56, 64, 64, 3, 1 },
  { "3x3 256 to 256 at 14", 14, 256, 256, 3, 1 },
  { "3x3 512 to 512 at 7", 7, 512, 512, 3, 1 },
  { "1x1 256 to 256 at 14", 14, 256, 256, 1, 1 },
  { "1x1 32 to 16 at 112", 112, 32, 16, 1, 1 },
  { "1x1 96 to 24 at 56", 56, 96, 24, 1, 1 },
  { "1x1 960 to 320 at 7", 7, 960, 320, 1, 1 },
  { "1x1 64 to 256 at 56", 56, 64, 256, 1, 1 },
  { "3x3 3 to 32 at 224, stride 2", 224, 3, 32, 3, 2 },
  { "7x7 3 to 64 at 224, stride 2", 224, 3, 64, 7, 2 },
  { "1x1 960 to 240 at 1", 1, 960, 240, 1, 1 },
};
static const Layer depthwise_layers[] = {
  { "3x3 32 at 112", 112, 32, 32, 3, 1 },
  { "3x3 64 at 112, stride 2", 112, 64, 64, 3, 2 },
  { "3x3 256 at 28", 28, 256, 256, 3, 1 },
  { "3x3 512 at 14", 14, 512, 512, 3, 1 },
  { "3x3 960 at 7", 7, 960, 960, 3, 1 },
  { "5x5 120 at 28", 28, 120, 120, 5, 1 },
  { "5x5 240 at 28, stride 2", 28, 240, 240, 5, 2 },
};

#define BENCH_PIXELS 96

typedef struct
{
  const KnTable *v;
  const Layer *layer;
  size_t out; /* pixels of a row and of a column */
  KnDtype dtype;
  float *x, *w, *y; /* the picture has its padding around it */
  float *bias;
  const float **pointers;
  void *scratch;
} Bench;

static void
bench_begin (Bench *b, const KnTable *v, const Layer *l, size_t n_weights)
{
  const size_t padded = l->size + l->kernel - 1;

  *b = (Bench){ .v = v, .layer = l, .out = (l->size + l->stride - 1) / l->stride };
  b->x = kc_new (padded * padded * l->n_in * sizeof (float));
  b->w = kc_new (n_weights * sizeof (float));
  b->y = kc_new (b->out * b->out * l->n_out * sizeof (float));
  b->bias = kc_new (l->n_out * sizeof (float));
  b->pointers = kc_new (BENCH_PIXELS * l->kernel * 16 * sizeof *b->pointers);
  b->scratch = kc_new (kn_conv_scratch_bytes (BENCH_PIXELS));
  for (size_t i = 0; i < padded * padded * l->n_in; i++)
    b->x[i] = kc_random_float (KC_NORMAL);
}

static void
bench_end (Bench *b)
{
  free (b->x);
  free (b->w);
  free (b->y);
  free (b->bias);
  free (b->pointers);
  free (b->scratch);
}

static void
run_conv (void *arg)
{
  Bench *b = arg;
  const Layer *l = b->layer;
  const size_t row = (l->size + l->kernel - 1) * l->n_in, n = b->out * b->out;

  for (size_t first = 0; first < n; first += BENCH_PIXELS)
    {
      const size_t n_now = n - first < BENCH_PIXELS ? n - first : BENCH_PIXELS;

      for (size_t t = 0; t < n_now; t++)
        {
          const size_t at = first + t;
          const float *x = b->x + at / b->out * l->stride * row + at % b->out * l->stride * l->n_in;

          for (size_t i = 0; i < l->kernel; i++)
            b->pointers[i * n_now + t] = x + i * row;
        }
      b->v->conv.conv (&(KnConvArgs){ .n_pixels = n_now,
                                      .n_segments = l->kernel,
                                      .segment_len = l->kernel * l->n_in,
                                      .segments = b->pointers,
                                      .panels = b->w,
                                      .n_columns = l->kernel * l->kernel * l->n_in,
                                      .n_rows = l->n_out,
                                      .bias = b->bias,
                                      .min = 0,
                                      .max = INFINITY,
                                      .y = b->y + first * l->n_out,
                                      .y_stride = l->n_out,
                                      .scratch = b->scratch });
    }
}

static void
run_depthwise (void *arg)
{
  Bench *b = arg;
  const Layer *l = b->layer;
  const size_t n_columns = l->size + l->kernel - 1;

  for (size_t r = 0; r < b->out; r++)
    {
      for (size_t i = 0; i < l->kernel; i++)
        for (size_t j = 0; j < n_columns; j++)
          b->pointers[i * n_columns + j] = b->x + ((r * l->stride + i) * n_columns + j) * l->n_in;
      b->v->conv.depthwise (&(KnDepthwiseArgs){ .n_channels = l->n_in,
                                                .n_pixels = b->out,
                                                .kernel_h = l->kernel,
                                                .kernel_w = l->kernel,
                                                .stride = l->stride,
                                                .dilation = 1,
                                                .columns = b->pointers,
                                                .columns_stride = n_columns,
                                                .weights = b->w,
                                                .weights_stride = l->n_in,
                                                .bias = b->bias,
                                                .min = 0,
                                                .max = 6,
                                                .y = b->y + r * b->out * l->n_out,
                                                .y_stride = l->n_out });
    }
}

static void
bench_conv (const KnTable *v, const void *data)
{
  for (size_t i = 0; i < sizeof conv_layers / sizeof *conv_layers; i++)
    {
      const Layer *l = &conv_layers[i];
      const size_t n_cols = l->kernel * l->kernel * l->n_in;
      Bench b;

      bench_begin (&b, v, l, (l->n_out + 15) / 16 * 16 * n_cols);
      kc_bench (l->label, run_conv, &b, (double)(l->size * l->size * l->n_in * sizeof (float)),
                2.0 * (double)(b.out * b.out * l->n_out * n_cols));
      bench_end (&b);
    }
}

static void
bench_depthwise (const KnTable *v, const void *data)
{
  for (size_t i = 0; i < sizeof depthwise_layers / sizeof *depthwise_layers; i++)
    {
      const Layer *l = &depthwise_layers[i];
      const size_t n_taps = l->kernel * l->kernel;
      Bench b;

      bench_begin (&b, v, l, n_taps * l->n_in);
      kc_bench (l->label, run_depthwise, &b,
                (double)((l->size * l->size + b.out * b.out) * l->n_in * sizeof (float)),
                2.0 * (double)(b.out * b.out * l->n_out * n_taps));
      bench_end (&b);
    }
}

static const int maximum = 1, average = 0;

static const KcCase cases[] = {
  { "conv/conv", check_conv, bench_conv, NULL, KC_MEMBERS (conv.conv) },
  { "conv/1x1 is a matrix product", check_conv_matmul, NULL, NULL, KC_MEMBERS (conv.conv) },
  { "conv/depthwise", check_depthwise, bench_depthwise, NULL, KC_MEMBERS (conv.depthwise) },
  { "pool/max", check_pool, NULL, &maximum, KC_MEMBERS (pool.max) },
  { "pool/average", check_pool, NULL, &average, KC_MEMBERS (pool.average) },
  { 0 },
};

void
kc_register_conv (void)
{
  kc_register (cases);
}
