/* Feature maps at places that a grid names. Where the taps of a place lie and what they weigh is
 * found once for all channels. */
#include <math.h>

#include "rt-op-move.h"

#define MAX_TAPS 16

typedef struct
{
  int64_t n, h, w, c, out_h, out_w;
  bool channels_first;
} Sizes;

/* Taps of one place: pixels of the plane and their weights. */
typedef struct
{
  uint32_t n;
  int64_t pixels[MAX_TAPS];
  float weights[MAX_TAPS];
} Taps;

static bool
grid_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtGridSampleAttrs *attrs = node->attrs;
  const RtValue *x = rt_move_input (graph, node, 0, error);
  const RtValue *grid = x != NULL ? rt_move_input (graph, node, 1, error) : NULL;
  char a[128], b[128];

  if (grid == NULL || !rt_move_check_type (x, RT_TYPE_F32, error)
      || !rt_move_check_type (grid, RT_TYPE_F32, error) || !rt_move_check_shape (&x->shape, error)
      || !rt_move_check_shape (&grid->shape, error))
    return false;
  if (x->shape.n_dims != 4 || grid->shape.n_dims != 4 || grid->shape.dims[3] != 2
      || grid->shape.dims[0] != x->shape.dims[0] || rt_shape_n (&x->shape) == 0)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "expected a map of 4 dimensions and a grid [N, H, W, 2], got %s and %s",
                    rt_shape_text (&x->shape, a, sizeof a),
                    rt_shape_text (&grid->shape, b, sizeof b));
  if (attrs->mode > RT_RESIZE_CUBIC || attrs->padding > RT_GRID_REFLECTION)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "mode %u, padding %u", attrs->mode,
                    attrs->padding);
  shapes[0] = x->shape;
  shapes[0].dims[attrs->channels_first ? 2 : 1] = grid->shape.dims[1];
  shapes[0].dims[attrs->channels_first ? 3 : 2] = grid->shape.dims[2];
  types[0] = RT_TYPE_F32;
  return true;
}

static Sizes
sizes_of (const RtOpContext *context)
{
  const RtGridSampleAttrs *attrs = context->attrs;
  const int64_t *x = context->inputs[0].shape.dims, *grid = context->inputs[1].shape.dims;
  bool first = attrs->channels_first != 0;

  return (Sizes){
    x[0], first ? x[2] : x[1], first ? x[3] : x[2], first ? x[1] : x[3], grid[1], grid[2], first
  };
}

/* ---- places ---- */

/* -1 .. 1 to elements of an axis of @n. */
static double
element_at (float g, int64_t n, bool align_corners)
{
  double size = (double)n;
  return align_corners ? ((double)g + 1) / 2 * (size - 1) : (((double)g + 1) * size - 1) / 2;
}

/* Mirrored at @low and @high until it lies between. */
static double
reflect (double x, double low, double high)
{
  const double range = high - low;

  if (range <= 0)
    return low;
  double d = fmod (fabs (x - low), 2 * range);
  return low + (d <= range ? d : 2 * range - d);
}

static double
pad_coordinate (const RtGridSampleAttrs *attrs, double x, int64_t n)
{
  const double last = (double)(n - 1);

  /* What is no number lies outside. */
  if (!(fabs (x) < 1e9))
    x = -2;
  if (attrs->padding == RT_GRID_BORDER)
    return x < 0 ? 0 : x > last ? last : x;
  if (attrs->padding == RT_GRID_REFLECTION)
    x = attrs->align_corners ? reflect (x, 0, last) : reflect (x, -0.5, last + 0.5);
  return x;
}

/* The pixel of an axis that a tap at @i reads; -1: none. */
static int64_t
pad_index (const RtGridSampleAttrs *attrs, double i, int64_t n)
{
  int64_t at = (int64_t)floor (pad_coordinate (attrs, i, n));

  if (attrs->padding == RT_GRID_ZEROS)
    return at >= 0 && at < n ? at : -1;
  return at < 0 ? 0 : at >= n ? n - 1 : at;
}

/* Places and weights of the taps along one axis; returns how many. */
static uint32_t
axis_taps (const RtGridSampleAttrs *attrs, double x, int64_t n, int64_t *index, double *weights)
{
  const double a = -0.75; /* ONNX's cubic coefficient */

  if (attrs->mode == RT_RESIZE_NEAREST)
    {
      index[0] = pad_index (attrs, nearbyint (x), n);
      weights[0] = 1;
      return 1;
    }
  if (attrs->mode == RT_RESIZE_LINEAR)
    {
      x = pad_coordinate (attrs, x, n);
      for (int i = 0; i < 2; i++)
        {
          index[i] = pad_index (attrs, floor (x) + i, n);
          weights[i] = i == 0 ? 1 - (x - floor (x)) : x - floor (x);
        }
      return 2;
    }
  if (!(fabs (x) < 1e9))
    x = -4;
  for (int i = 0; i < 4; i++)
    {
      double d = fabs (x - floor (x) - (i - 1));
      weights[i] = d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1
                          : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
      index[i] = pad_index (attrs, floor (x) + (i - 1), n);
    }
  return 4;
}

static void
find_taps (const RtOpContext *context, const Sizes *s, int64_t place, Taps *taps)
{
  const RtGridSampleAttrs *attrs = context->attrs;
  const float *grid = (const float *)context->inputs[1].data + 2 * place;
  int64_t ys[4], xs[4];
  double wy[4], wx[4];
  uint32_t n_x = axis_taps (attrs, element_at (grid[0], s->w, attrs->align_corners), s->w, xs, wx);
  uint32_t n_y = axis_taps (attrs, element_at (grid[1], s->h, attrs->align_corners), s->h, ys, wy);

  taps->n = 0;
  for (uint32_t i = 0; i < n_y; i++)
    for (uint32_t k = 0; k < n_x; k++)
      {
        if (ys[i] < 0 || xs[k] < 0)
          continue;
        taps->pixels[taps->n] = ys[i] * s->w + xs[k];
        taps->weights[taps->n++] = (float)(wy[i] * wx[k]);
      }
}

/* ---- run ---- */

static uint64_t
n_places (const Sizes *s)
{
  return (uint64_t)(s->n * s->out_h * s->out_w);
}

static uint64_t
place_bytes (const Sizes *s)
{
  return 64 + (uint64_t)s->c * 20;
}

static uint32_t
grid_chunks (const RtOpContext *context, uint32_t phase)
{
  Sizes s = sizes_of (context);
  return rt_split (n_places (&s), place_bytes (&s), context->n_threads);
}

static void
put_place (const RtOpContext *context, const Sizes *s, int64_t place)
{
  const int64_t n_pixels = s->h * s->w, n_out = s->out_h * s->out_w, batch = place / n_out;
  const float *x = (const float *)context->inputs[0].data + batch * n_pixels * s->c;
  float *y = (float *)context->outputs[0].data;
  Taps taps;

  find_taps (context, s, place, &taps);
  const int64_t pixel_step = s->channels_first ? 1 : s->c,
                x_step = s->channels_first ? n_pixels : 1;
  const int64_t y_step = s->channels_first ? n_out : 1;
  y += s->channels_first ? batch * s->c * n_out + place % n_out : place * s->c;
  for (int64_t c = 0; c < s->c; c++)
    {
      float sum = 0;
      for (uint32_t k = 0; k < taps.n; k++)
        sum += taps.weights[k] * x[taps.pixels[k] * pixel_step + c * x_step];
      y[c * y_step] = sum;
    }
}

static void
grid_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  Sizes s = sizes_of (context);
  uint64_t first, last;

  rt_move_range (context, n_places (&s), place_bytes (&s), chunk, &first, &last);
  for (uint64_t place = first; place < last; place++)
    put_place (context, &s, (int64_t)place);
}

static void
grid_reference (const RtOpContext *context)
{
  Sizes s = sizes_of (context);

  for (int64_t place = 0; place < (int64_t)n_places (&s); place++)
    put_place (context, &s, place);
}

static void
grid_cost (const RtOpQuery *query, RtCost *cost)
{
  const RtGridSampleAttrs *attrs = query->node->attrs;

  rt_op_cost_io (query, cost);
  cost->flops = cost->write_bytes / sizeof (float)
                * (attrs->mode == RT_RESIZE_NEAREST  ? 1
                   : attrs->mode == RT_RESIZE_LINEAR ? 8
                                                     : 32);
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD (RtGridSampleAttrs, mode, 0, RT_RESIZE_CUBIC),
  RT_FIELD (RtGridSampleAttrs, padding, 0, RT_GRID_REFLECTION),
  RT_FIELD_FLAG (RtGridSampleAttrs, align_corners),
  RT_FIELD_FLAG (RtGridSampleAttrs, channels_first),
};
/* clang-format on */

const RtOp rt_op_grid_sample = {
  .name = "grid-sample",
  .title = "Grid sample",
  .attrs_bytes = sizeof (RtGridSampleAttrs),
  RT_FIELDS (fields),
  .min_inputs = 2,
  .max_inputs = 2,
  .n_outputs = 1,
  .infer = grid_infer,
  .n_phases = 1,
  .n_chunks = grid_chunks,
  .run = grid_run,
  .reference = grid_reference,
  .cost = grid_cost,
};
