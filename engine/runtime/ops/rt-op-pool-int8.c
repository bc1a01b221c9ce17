/* Maximum and average over windows of a quantized picture. Of a window only what lies in the
 * picture counts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rt-conv.h"
#include "rt-int8.h"
#include "rt-op-fields.h"
#include "rt-ops-conv.h"
#include "rt-ops-int8.h"

/* Channels whose sums are held at a time. */
#define BLOCK 256

/* ---- sizes ---- */

/* One dimension. A kernel of 0 is the whole picture. */
typedef struct
{
  int64_t size, out, kernel, stride, dilation, before, after;
} Axis;

static bool
make_axis (int64_t size, uint32_t kernel, uint32_t stride, uint32_t dilation, uint32_t before,
           uint32_t after, uint32_t ceil, Axis *axis)
{
  if (kernel == 0)
    {
      *axis = (Axis){ size, 1, size, 1, 1, 0, 0 };
      return size > 0;
    }
  *axis = (Axis){ size, 0, kernel, stride, dilation, before, after };
  const int64_t reach = (int64_t)dilation * ((int64_t)kernel - 1) + 1,
                room = size + before + after - reach;
  if (stride == 0 || dilation == 0 || size <= 0 || room < 0)
    return false;
  axis->out = room / stride + 1;
  if (ceil && room % stride != 0 && axis->out * stride < size + before)
    axis->out++;
  return true;
}

typedef struct
{
  size_t n, c;
  Axis h, w;
} Sizes;

static bool
make_sizes (const RtPoolAttrs *a, const RtShape *x, Sizes *s)
{
  if (x->n_dims != 3 && x->n_dims != 4)
    return false;
  const RtPictureDims in = rt_picture_dims (x, a->channels_first);
  s->n = (size_t)in.n;
  s->c = (size_t)in.c;
  return make_axis (in.h, a->kernel_h, a->stride_h, a->dilation_h, a->pad_top, a->pad_bottom,
                    a->ceil, &s->h)
         && make_axis (in.w, a->kernel_w, a->stride_w, a->dilation_w, a->pad_left, a->pad_right,
                       a->ceil, &s->w);
}

static bool
pool_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtPoolAttrs *a = node->attrs;
  const RtValue *x = rt_op_input_value (graph, node, 0);
  Sizes s;

  if (!rt_int8_check_x (graph, node, 0, error))
    return false;
  if (!make_sizes (a, &x->shape, &s))
    {
      char text[128];
      return rt_fail (error, RT_ERROR_FORMAT, "%s: a window of %u x %u does not fit a picture %s",
                      node->name, a->kernel_h, a->kernel_w,
                      rt_shape_text (&x->shape, text, sizeof text));
    }
  if (!rt_picture_check_rows (node, &x->shape, s.h.out, error))
    return false;
  shapes[0] = rt_picture_shape (&x->shape, a->channels_first, s.h.out, s.w.out, (int64_t)s.c);
  types[0] = x->type;
  return true;
}

/* The taps [*first, *end) of window @at that lie in the picture. */
static void
window (const Axis *axis, size_t at, size_t *first, size_t *end, size_t *n_padded)
{
  *first = (size_t)axis->kernel;
  *end = *n_padded = 0;
  for (int64_t i = 0; i < axis->kernel; i++)
    {
      const int64_t p = (int64_t)at * axis->stride + i * axis->dilation - axis->before;

      *n_padded += p < axis->size + axis->after;
      if (p < 0 || p >= axis->size)
        continue;
      *first = *end == 0 ? (size_t)i : *first;
      *end = (size_t)i + 1;
    }
}

static size_t
position (const Axis *axis, size_t at, size_t tap)
{
  return (size_t)((int64_t)at * axis->stride + (int64_t)tap * axis->dilation - axis->before);
}

/* ---- codes ---- */

static bool
same_quant (const RtOpContext *context)
{
  const RtQuant *x = context->inputs[0].quant, *y = context->outputs[0].quant;
  return rt_quant_scale (x, 0) == rt_quant_scale (y, 0)
         && rt_quant_zero (x, 0) == rt_quant_zero (y, 0);
}

/* What all windows of a run share. */
typedef struct
{
  bool is_signed, is_max, is_same;
  float ratio; /* of scales */
  int32_t zero_x;
  KnRequant bounds;
} Rule;

static Rule
rule_of (const RtOpContext *context)
{
  const RtPoolAttrs *a = context->attrs;
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];

  return (Rule){ .is_signed = x->type == RT_TYPE_I8,
                 .is_max = context->node->op == &rt_op_max_pool_int8,
                 .is_same = same_quant (context),
                 .ratio = rt_quant_scale (x->quant, 0) / rt_quant_scale (y->quant, 0),
                 .zero_x = rt_quant_zero (x->quant, 0),
                 .bounds = rt_requant (y->type, y->quant, a->min, a->max) };
}

static int32_t
divide_half_away (int32_t sum, int32_t n)
{
  return sum >= 0 ? (sum + n / 2) / n : -((-sum + n / 2) / n);
}

/* divide_half_away() for |sum| + n < 2^40, with @inverse = 1.0 / n: what is truncated is never
 * nearer than 0.5 / n to an integer, far more than the error of the product. */
static inline int32_t
divide_by_inverse (int32_t sum, int32_t n, double inverse)
{
  const double up = (double)((sum >= 0 ? (int64_t)sum : -(int64_t)sum) + n / 2) + 0.5;
  const int32_t quotient = (int32_t)(up * inverse);

  return sum >= 0 ? quotient : -quotient;
}

static uint8_t
limit (const Rule *r, float centred)
{
  return (uint8_t)((int32_t)fminf (fmaxf (centred, r->bounds.low), r->bounds.high)
                   + r->bounds.zero);
}

/* The code of a maximum. */
static uint8_t
finish_max (const Rule *r, int32_t value)
{
  return limit (r, r->is_same ? (float)(value - r->bounds.zero)
                              : rintf ((float)(value - r->zero_x) * r->ratio));
}

/* The code of the sum over @n_taps of a window of @n. */
static uint8_t
finish_sum (const Rule *r, int32_t value, size_t n_taps, size_t n)
{
  if (r->is_same && n_taps == n)
    return limit (r, (float)(divide_half_away (value, (int32_t)n) - r->bounds.zero));
  return limit (r, rintf ((float)(value - (int32_t)n_taps * r->zero_x) * (r->ratio / (float)n)));
}

static void
finish_sums (const Rule *r, const int32_t *values, size_t n_channels, size_t n_taps, size_t n,
             uint8_t *y)
{
  const int32_t low = (int32_t)r->bounds.low + r->bounds.zero;
  const int32_t high = (int32_t)r->bounds.high + r->bounds.zero;
  const double inverse = 1.0 / (double)n;

  if (!r->is_same || n_taps != n)
    {
      for (size_t i = 0; i < n_channels; i++)
        y[i] = finish_sum (r, values[i], n_taps, n);
      return;
    }
  for (size_t i = 0; i < n_channels; i++)
    {
      const int32_t code = divide_by_inverse (values[i], (int32_t)n, inverse);
      y[i] = (uint8_t)(code < low ? low : code > high ? high : code);
    }
}

/* The part of a window that lies in the picture. */
typedef struct
{
  size_t y0, y1, x0, x1, padded_h, padded_w;
} Taps;

/* Channels [c, c + n) of output (picture, oy, ox), n <= BLOCK. */
static void
run_window (const RtOpContext *context, const Rule *r, const Sizes *s, const Taps *t,
            size_t picture, size_t oy, size_t ox, size_t c, size_t n, uint8_t *y)
{
  const RtPoolAttrs *a = context->attrs;
  const KnQvecFamily *kn = &context->kn->qvec;
  const uint8_t *x = (const uint8_t *)context->inputs[0].data + c;
  const size_t n_columns = t->x1 > t->x0 ? t->x1 - t->x0 : 0;
  const size_t n_taps = (t->y1 > t->y0 ? t->y1 - t->y0 : 0) * n_columns;
  const size_t step = (size_t)s->w.dilation * s->c;
  int32_t sums[BLOCK];

  if (n_taps == 0)
    {
      memset (y, (int32_t)r->bounds.low + r->bounds.zero, n);
      return;
    }
  if (r->is_max)
    memset (y, r->is_signed ? 0x80 : 0, n);
  else
    memset (sums, 0, n * sizeof *sums);
  for (size_t ky = t->y0; ky < t->y1; ky++)
    {
      const uint8_t *row
          = x
            + ((picture * (size_t)s->h.size + position (&s->h, oy, ky)) * (size_t)s->w.size
               + position (&s->w, ox, t->x0))
                  * s->c;
      if (r->is_max)
        kn->max_rows (row, step, n_columns, n, r->is_signed, y);
      else
        kn->sum_rows (row, step, n_columns, n, r->is_signed, sums);
    }

  if (!r->is_max)
    finish_sums (r, sums, n, n_taps, a->count_padding ? t->padded_h * t->padded_w : n_taps, y);
  else if (!r->is_same || r->bounds.low + (float)r->bounds.zero > (r->is_signed ? -128.0f : 0.0f)
           || r->bounds.high + (float)r->bounds.zero < (r->is_signed ? 127.0f : 255.0f))
    for (size_t i = 0; i < n; i++)
      y[i] = finish_max (r, r->is_signed ? (int8_t)y[i] : y[i]);
}

/* ---- running: output pixels times blocks of channels ---- */

static uint32_t
pool_chunks (const RtOpContext *context, uint32_t phase)
{
  Sizes s;

  make_sizes (context->attrs, &context->inputs[0].shape, &s);
  const uint64_t pixels = s.n * (uint64_t)(s.h.out * s.w.out), blocks = (s.c + BLOCK - 1) / BLOCK;
  return rt_split (pixels * blocks,
                   (uint64_t)(s.h.kernel * s.w.kernel) * (s.c < BLOCK ? s.c : BLOCK),
                   context->n_threads);
}

static void
pool_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtTensor *y = &context->outputs[0];
  const Rule rule = rule_of (context);
  uint64_t first, last;
  Sizes s;

  make_sizes (context->attrs, &context->inputs[0].shape, &s);
  const uint64_t pixels = s.n * (uint64_t)(s.h.out * s.w.out), blocks = (s.c + BLOCK - 1) / BLOCK;
  rt_split_range (pixels * blocks, pool_chunks (context, 0), chunk, &first, &last);
  for (uint64_t i = first; i < last; i++)
    {
      const size_t pixel = i / blocks, c = i % blocks * BLOCK;
      const size_t n = s.c - c < BLOCK ? s.c - c : BLOCK, per_picture = (size_t)(s.h.out * s.w.out);
      const size_t oy = pixel % per_picture / (size_t)s.w.out, ox = pixel % (size_t)s.w.out;
      Taps t;

      window (&s.h, oy, &t.y0, &t.y1, &t.padded_h);
      window (&s.w, ox, &t.x0, &t.x1, &t.padded_w);
      run_window (context, &rule, &s, &t, pixel / per_picture, oy, ox, c, n,
                  (uint8_t *)y->data + pixel * y->row_stride + c);
    }
}

/* One element, straight from the definition, in either layout. */
static int32_t
reference_value (const RtOpContext *context, const Rule *r, const Sizes *s, const size_t at[4],
                 size_t *n_taps, size_t *n_padded)
{
  const RtPoolAttrs *a = context->attrs;
  const RtTensor *x = &context->inputs[0];
  int32_t value = r->is_max ? INT32_MIN : 0;

  *n_taps = *n_padded = 0;
  for (int64_t ky = 0; ky < s->h.kernel; ky++)
    for (int64_t kx = 0; kx < s->w.kernel; kx++)
      {
        const int64_t iy = (int64_t)at[1] * s->h.stride + ky * s->h.dilation - s->h.before;
        const int64_t ix = (int64_t)at[2] * s->w.stride + kx * s->w.dilation - s->w.before;

        *n_padded += iy < s->h.size + s->h.after && ix < s->w.size + s->w.after;
        if (iy < 0 || iy >= s->h.size || ix < 0 || ix >= s->w.size)
          continue;
        const int32_t code = rt_code_get (x->data, x->type,
                                          rt_picture_at (&x->shape, a->channels_first, at[0],
                                                         (size_t)iy, (size_t)ix, at[3]));
        ++*n_taps;
        value = !r->is_max ? value + code : code > value ? code : value;
      }
  return value;
}

static void
pool_reference (const RtOpContext *context)
{
  const RtPoolAttrs *a = context->attrs;
  const RtTensor *y = &context->outputs[0];
  const Rule rule = rule_of (context);
  Sizes s;
  size_t at[4];

  make_sizes (a, &context->inputs[0].shape, &s);
  for (at[0] = 0; at[0] < s.n; at[0]++)
    for (at[1] = 0; at[1] < (size_t)s.h.out; at[1]++)
      for (at[2] = 0; at[2] < (size_t)s.w.out; at[2]++)
        for (at[3] = 0; at[3] < s.c; at[3]++)
          {
            size_t n_taps, n_padded;
            const int32_t value = reference_value (context, &rule, &s, at, &n_taps, &n_padded);
            ((uint8_t *)
                 y->data)[rt_picture_at (&y->shape, a->channels_first, at[0], at[1], at[2], at[3])]
                = n_taps == 0 ? (uint8_t)((int32_t)rule.bounds.low + rule.bounds.zero)
                  : rule.is_max
                      ? finish_max (&rule, value)
                      : finish_sum (&rule, value, n_taps, a->count_padding ? n_padded : n_taps);
          }
}

static void
pool_cost (const RtOpQuery *query, RtCost *cost)
{
  Sizes s;

  rt_int8_cost_io (query, cost);
  make_sizes (query->node->attrs, &rt_op_input_value (query->graph, query->node, 0)->shape, &s);
  cost->flops = cost->write_bytes * (uint64_t)(s.h.kernel * s.w.kernel);
}

static bool
pool_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
              void *attrs)
{
  RtPoolAttrs *a = attrs;

  if (!a->channels_first || !rt_is_channels_last (perm, n_dims))
    return false;
  a->channels_first = 0;
  return true;
}

static bool
pool_is_channels_first (const RtNode *node)
{
  return ((const RtPoolAttrs *)node->attrs)->channels_first != 0;
}

static const RtField fields[] = { RT_POOL_FIELDS };

#define POOL                                                                                       \
  .attrs_bytes = sizeof (RtPoolAttrs), RT_FIELDS (fields), .min_inputs = 1, .max_inputs = 1,       \
  .n_outputs = 1, .infer = pool_infer, .n_phases = 1, .n_chunks = pool_chunks, .run = pool_run,    \
  .reference = pool_reference, .cost = pool_cost, .strided_output = true, .permute = pool_permute, \
  .is_channels_first = pool_is_channels_first

const RtOp rt_op_max_pool_int8
    = { .name = "max_pool_int8", .title = "Maximum over windows, 8-bit", POOL };
const RtOp rt_op_average_pool_int8
    = { .name = "average_pool_int8", .title = "Average over windows, 8-bit", POOL };
