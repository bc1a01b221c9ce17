/* Norms with one factor per channel, of pictures [N, C, ...] or [N, ..., C]: batch norm with given
 * statistics, and group norm (instance norm: one channel a group) with those of the picture. Both
 * first make a factor and an offset per channel, then apply them: y = x * factor + offset. */
#include "rt-math.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 64 /* of a block whose squares are summed */
#define CHANNELS 64

enum
{
  X,
  SCALE,
  OFFSET,
  MEAN,     /* batch norm */
  VARIANCE, /* batch norm */
};

/* x as [n, places, channels] or [n, channels, places]. */
typedef struct
{
  size_t n, channels, places;
  bool first;
} Picture;

static Picture
picture_of (const RtOpContext *context)
{
  const RtChannelNormAttrs *attrs = context->attrs;
  const RtShape *shape = &context->inputs[X].shape;
  uint32_t last = shape->n_dims - 1, c = attrs->channels_first ? 1 : last;
  size_t all = rt_math_product (shape, 1, shape->n_dims), channels = (size_t)shape->dims[c];
  size_t places = channels > 0 ? all / channels : 0;

  return (Picture){ (size_t)shape->dims[0], channels, places,
                    attrs->channels_first != 0 && places > 1 };
}

static bool
channel_norm_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                    RtError *error)
{
  const RtChannelNormAttrs *attrs = node->attrs;
  const RtValue *x = rt_op_input_value (graph, node, X);
  char text[128];

  if (!rt_math_check_type (graph, node, X, RT_MATH_F32, error))
    return false;
  if (x->shape.n_dims < 2)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: expected at least 2 dimensions, got shape %s",
                    x->name, rt_shape_text (&x->shape, text, sizeof text));
  RtShape channels
      = { .n_dims = 1, .dims = { x->shape.dims[attrs->channels_first ? 1 : x->shape.n_dims - 1] } };
  if (channels.dims[0] < 0)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "%s: the number of channels must be known",
                    x->name);
  if (attrs->groups > 0
      && (channels.dims[0] < attrs->groups || channels.dims[0] % attrs->groups != 0))
    return rt_fail (error, RT_ERROR_FORMAT, "%s: %lld channels are not %u equal groups", x->name,
                    (long long)channels.dims[0], attrs->groups);
  for (uint32_t i = SCALE; i <= VARIANCE && i < node->op->max_inputs; i++)
    if (!rt_math_check_f32 (graph, node, i, &channels, error))
      return false;
  shapes[0] = x->shape;
  types[0] = RT_TYPE_F32;
  return true;
}

/* Factors [n, channels], then offsets [n, channels], in the shared scratch (batch norm: n = 1). */
static void
channel_norm_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  const RtChannelNormAttrs *attrs = query->node->attrs;
  RtShape shape;
  rt_shape_bind (&rt_op_input_value (query->graph, query->node, X)->shape, query->symbols, &shape);
  uint64_t channels = (uint64_t)shape.dims[attrs->channels_first ? 1 : shape.n_dims - 1];

  *shared_bytes = 2 * (uint64_t)shape.dims[0] * channels * sizeof (float);
  *thread_bytes = (2 * channels + ROWS * CHANNELS) * sizeof (float);
}

/* ---- applying ---- */

static uint32_t
apply_chunks (const RtOpContext *context)
{
  Picture p = picture_of (context);
  return rt_split (p.n * (p.first ? p.channels : p.places),
                   (p.first ? p.places : p.channels) * 2 * sizeof (float), context->n_threads);
}

/* @step: factors of one picture to those of the next. */
static void
apply (const RtOpContext *context, const float *factors, const float *offsets, size_t step,
       uint32_t chunk)
{
  Picture p = picture_of (context);
  size_t rows_each = p.first ? p.channels : p.places, n = p.first ? p.places : p.channels;
  uint64_t first, last;

  rt_split_range (p.n * rows_each, apply_chunks (context), chunk, &first, &last);
  for (uint64_t row = first; row < last; row++)
    {
      const float *x = (const float *)context->inputs[X].data + row * n;
      float *y = (float *)context->outputs[0].data + row * n;
      size_t at = row / rows_each * step;
      if (p.first)
        {
          size_t c = at + row % rows_each;
          const float params[2] = { factors[c], offsets[c] };
          context->kn->map.map[KN_MAP_AFFINE](x, params, n, y);
        }
      else
        context->kn->map.affine_channels (x, factors + at, offsets + at, n, y);
    }
}

/* ---- batch norm ---- */

static uint32_t
batch_norm_chunks (const RtOpContext *context, uint32_t phase)
{
  return phase == 0 ? 1 : apply_chunks (context);
}

static void
batch_norm_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtChannelNormAttrs *attrs = context->attrs;
  Picture p = picture_of (context);
  float *factors = (float *)(void *)context->scratch, *offsets = factors + p.channels;

  if (phase == 1)
    {
      apply (context, factors, offsets, 0, chunk);
      return;
    }
  const float *scale = context->inputs[SCALE].data, *offset = context->inputs[OFFSET].data;
  const float *mean = context->inputs[MEAN].data, *variance = context->inputs[VARIANCE].data;
  for (size_t c = 0; c < p.channels; c++)
    {
      double factor = (double)scale[c] / sqrt ((double)variance[c] + (double)attrs->eps);
      factors[c] = (float)factor;
      offsets[c] = (float)((double)offset[c] - (double)mean[c] * factor);
    }
}

/* ---- group norm ---- */

/* Channels of one piece of work: whole groups, at least 64 channels. */
static size_t
piece_channels (const RtOpContext *context, const Picture *p)
{
  const RtChannelNormAttrs *attrs = context->attrs;
  size_t group = attrs->groups > 0 ? p->channels / attrs->groups : 1;
  return group >= CHANNELS ? group : CHANNELS / group * group;
}

static size_t
n_pieces (const RtOpContext *context, const Picture *p)
{
  size_t n = piece_channels (context, p);
  return (p->channels + n - 1) / n;
}

static uint32_t
group_norm_chunks (const RtOpContext *context, uint32_t phase)
{
  Picture p = picture_of (context);
  if (phase == 1)
    return apply_chunks (context);
  return rt_split (p.n * n_pieces (context, &p), piece_channels (context, &p) * p.places * 8,
                   context->n_threads);
}

/* Sum of channel @c .. @c + @n over all places of one picture. */
static void
channel_sums (const RtOpContext *context, const Picture *p, const float *x, size_t c, size_t n,
              float *sums)
{
  if (!p->first)
    context->kn->map.fold_columns[KN_FOLD_SUM](x + c, p->channels, p->places, n, sums);
  else
    for (size_t i = 0; i < n; i++)
      sums[i] = context->kn->map.fold_row[KN_FOLD_SUM](x + (c + i) * p->places, p->places);
}

/* Sums of (x - mean)^2, in blocks of rows and channels. */
static void
channel_squares (const RtOpContext *context, const Picture *p, const float *x, const float *means,
                 size_t c, size_t n, float *sums, float *block)
{
  const KnMapFamily *map = &context->kn->map;

  if (p->first)
    {
      for (size_t i = 0; i < n; i++)
        sums[i] = map->sum_squares_about (x + (c + i) * p->places, means[i], p->places);
      return;
    }
  memset (sums, 0, n * sizeof *sums);
  for (size_t i = 0; i < n; i += CHANNELS)
    for (size_t r = 0; r < p->places; r += ROWS)
      {
        size_t width = n - i < CHANNELS ? n - i : CHANNELS;
        size_t n_rows = p->places - r < ROWS ? p->places - r : ROWS;
        float part[CHANNELS];
        for (size_t k = 0; k < n_rows; k++)
          map->map2[KN_MAP2_SUB](x + (r + k) * p->channels + c + i, means + i, width,
                                 block + k * CHANNELS);
        map->fold_columns[KN_FOLD_SUM_SQUARES](block, CHANNELS, n_rows, width, part);
        map->map2[KN_MAP2_ADD](sums + i, part, width, sums + i);
      }
}

/* Every group's members get their sum over the number of its elements. */
static void
group_means (float *sums, size_t n, size_t group, size_t places)
{
  for (size_t g = 0; g < n; g += group)
    {
      double total = 0;
      for (size_t i = 0; i < group; i++)
        total += (double)sums[g + i];
      for (size_t i = 0; i < group; i++)
        sums[g + i] = (float)(total / ((double)group * (double)places));
    }
}

static void
group_norm_piece (const RtOpContext *context, const Picture *p, size_t piece, float *scratch)
{
  const RtChannelNormAttrs *attrs = context->attrs;
  const float *scale = context->inputs[SCALE].data, *offset = context->inputs[OFFSET].data;
  size_t width = piece_channels (context, p), picture = piece / n_pieces (context, p);
  size_t c = piece % n_pieces (context, p) * width;
  size_t n = p->channels - c < width ? p->channels - c : width;
  size_t group = attrs->groups > 0 ? p->channels / attrs->groups : 1;
  const float *x = (const float *)context->inputs[X].data + picture * p->channels * p->places;
  float *factors = (float *)(void *)context->scratch + picture * p->channels + c;
  float *offsets = factors + p->n * p->channels;
  float *means = scratch, *variances = scratch + p->channels;

  channel_sums (context, p, x, c, n, means);
  group_means (means, n, group, p->places);
  channel_squares (context, p, x, means, c, n, variances, scratch + 2 * p->channels);
  group_means (variances, n, group, p->places);
  for (size_t i = 0; i < n; i++)
    {
      double factor
          = (scale ? (double)scale[c + i] : 1) / sqrt ((double)variances[i] + (double)attrs->eps);
      factors[i] = (float)factor;
      offsets[i] = (float)((offset ? (double)offset[c + i] : 0) - (double)means[i] * factor);
    }
}

static void
group_norm_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  Picture p = picture_of (context);
  const float *factors = (const float *)(const void *)context->scratch;
  uint64_t first, last;

  if (phase == 1)
    {
      apply (context, factors, factors + p.n * p.channels, p.channels, chunk);
      return;
    }
  rt_split_range (p.n * n_pieces (context, &p), group_norm_chunks (context, 0), chunk, &first,
                  &last);
  for (uint64_t i = first; i < last; i++)
    group_norm_piece (context, &p, i, rt_op_thread_scratch (context, worker));
}

/* ---- references ---- */

static size_t
element (const Picture *p, size_t n, size_t c, size_t place)
{
  return p->first ? (n * p->channels + c) * p->places + place
                  : (n * p->places + place) * p->channels + c;
}

static void
batch_norm_reference (const RtOpContext *context)
{
  const RtChannelNormAttrs *attrs = context->attrs;
  const float *x = context->inputs[X].data;
  const float *scale = context->inputs[SCALE].data, *offset = context->inputs[OFFSET].data;
  const float *mean = context->inputs[MEAN].data, *variance = context->inputs[VARIANCE].data;
  Picture p = picture_of (context);

  for (size_t n = 0; n < p.n; n++)
    for (size_t c = 0; c < p.channels; c++)
      for (size_t i = 0; i < p.places; i++)
        {
          size_t at = element (&p, n, c, i);
          ((float *)context->outputs[0].data)[at]
              = (float)((double)scale[c] * ((double)x[at] - (double)mean[c])
                            / sqrt ((double)variance[c] + (double)attrs->eps)
                        + (double)offset[c]);
        }
}

static void
group_norm_reference (const RtOpContext *context)
{
  const RtChannelNormAttrs *attrs = context->attrs;
  const float *x = context->inputs[X].data;
  const float *scale = context->inputs[SCALE].data, *offset = context->inputs[OFFSET].data;
  Picture p = picture_of (context);
  size_t group = attrs->groups > 0 ? p.channels / attrs->groups : 1;

  for (size_t n = 0; n < p.n; n++)
    for (size_t g = 0; g < p.channels; g += group)
      {
        double sum = 0, squares = 0, count = (double)group * (double)p.places;
        for (size_t c = g; c < g + group; c++)
          for (size_t i = 0; i < p.places; i++)
            sum += (double)x[element (&p, n, c, i)];
        for (size_t c = g; c < g + group; c++)
          for (size_t i = 0; i < p.places; i++)
            squares += pow ((double)x[element (&p, n, c, i)] - sum / count, 2);
        double inverse = 1 / sqrt (squares / count + (double)attrs->eps);
        for (size_t c = g; c < g + group; c++)
          for (size_t i = 0; i < p.places; i++)
            {
              size_t at = element (&p, n, c, i);
              double v = ((double)x[at] - sum / count) * inverse;
              ((float *)context->outputs[0].data)[at]
                  = (float)(v * (scale ? (double)scale[c] : 1) + (offset ? (double)offset[c] : 0));
            }
      }
}

static void
channel_norm_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
  cost->flops = rt_math_query_outputs (query) * (query->node->op->max_inputs > 3 ? 2 : 7);
}

static bool
channel_norm_in_place (const RtNode *node, uint32_t input)
{
  return input == X;
}

/* Channels last from channels first; other orders mix places, which changes nothing but needs the
 * channels at an end. */
/* It computes in both layouts; scales and offsets are of channels either way. */
static bool
channel_norm_is_channels_first (const RtNode *node)
{
  return ((const RtChannelNormAttrs *)node->attrs)->channels_first != 0;
}

static bool
channel_norm_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm,
                      uint32_t n_dims, void *attrs)
{
  RtChannelNormAttrs *a = attrs;
  uint32_t channel = a->channels_first ? 1 : n_dims - 1;

  if (perm[0] != 0 || (perm[n_dims - 1] != channel && perm[1] != channel))
    return false;
  a->channels_first = perm[n_dims - 1] != channel;
  return true;
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD_FROM_0 (RtChannelNormAttrs, eps),
  RT_FIELD_COUNT (RtChannelNormAttrs, groups),
  RT_FIELD_FLAG (RtChannelNormAttrs, channels_first),
};
/* clang-format on */

const RtOp rt_op_batch_norm = {
  .name = "batch_norm",
  .title = "Batch norm",
  .attrs_bytes = sizeof (RtChannelNormAttrs),
  RT_FIELDS (fields),
  .min_inputs = 5,
  .max_inputs = 5,
  .n_outputs = 1,
  .vector_inputs = 1 << X | 1 << SCALE | 1 << OFFSET | 1 << MEAN | 1 << VARIANCE,
  .infer = channel_norm_infer,
  .scratch = channel_norm_scratch,
  .n_phases = 2,
  .n_chunks = batch_norm_chunks,
  .run = batch_norm_run,
  .reference = batch_norm_reference,
  .cost = channel_norm_cost,
  .in_place = channel_norm_in_place,
  .permute = channel_norm_permute,
  .is_channels_first = channel_norm_is_channels_first,
  .runs_channels_first = true,
};

const RtOp rt_op_group_norm = {
  .name = "group_norm",
  .title = "Group norm",
  .attrs_bytes = sizeof (RtChannelNormAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 3,
  .n_outputs = 1,
  .vector_inputs = 1 << X | 1 << SCALE | 1 << OFFSET,
  .infer = channel_norm_infer,
  .scratch = channel_norm_scratch,
  .n_phases = 2,
  .n_chunks = group_norm_chunks,
  .run = group_norm_run,
  .reference = group_norm_reference,
  .cost = channel_norm_cost,
  .in_place = channel_norm_in_place,
  .permute = channel_norm_permute,
  .is_channels_first = channel_norm_is_channels_first,
  .runs_channels_first = true,
};
