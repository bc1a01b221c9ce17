/* What the operators on quantized tensors share. Knows codes, windows and packed products, no
 * operator.
 */
#include "rt-int8.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- quantization ---- */

void
rt_code_range (int type, int32_t *low, int32_t *high)
{
  *low = type == RT_TYPE_I8    ? INT8_MIN
         : type == RT_TYPE_I16 ? INT16_MIN
         : type == RT_TYPE_I32 ? INT32_MIN
                               : 0;
  *high = type == RT_TYPE_I8    ? INT8_MAX
          : type == RT_TYPE_U8  ? UINT8_MAX
          : type == RT_TYPE_I16 ? INT16_MAX
          : type == RT_TYPE_U16 ? UINT16_MAX
                                : INT32_MAX;
}

/* The code nearest to the real number @x, within [low, high]. */
static int32_t
bound_code (float x, const RtQuant *quant, int32_t low, int32_t high)
{
  const double code
      = round ((double)x / (double)rt_quant_scale (quant, 0)) + rt_quant_zero (quant, 0);

  return code > low ? (code < high ? (int32_t)code : high) : low;
}

KnRequant
rt_requant (int type, const RtQuant *quant, float min, float max)
{
  const int32_t zero = rt_quant_zero (quant, 0);
  int32_t low, high;

  rt_code_range (type, &low, &high);
  const int32_t lowest = bound_code (min, quant, low, high);
  const int32_t highest = bound_code (max, quant, low, high);
  return (
      KnRequant){ .low = (float)(lowest - zero), .high = (float)(highest - zero), .zero = zero };
}

int32_t
rt_code_get (const void *data, int type, size_t i)
{
  switch (type)
    {
    case RT_TYPE_I8:
      return ((const int8_t *)data)[i];
    case RT_TYPE_U8:
      return ((const uint8_t *)data)[i];
    case RT_TYPE_I16:
      return ((const int16_t *)data)[i];
    case RT_TYPE_U16:
      return ((const uint16_t *)data)[i];
    default:
      return rt_load_i32 (data, i);
    }
}

void
rt_code_put (void *data, int type, size_t i, int32_t code)
{
  switch (type)
    {
    case RT_TYPE_I8:
    case RT_TYPE_U8:
      ((uint8_t *)data)[i] = (uint8_t)code;
      break;
    case RT_TYPE_I16:
    case RT_TYPE_U16:
      ((uint16_t *)data)[i] = (uint16_t)code;
      break;
    default:
      ((int32_t *)data)[i] = code;
      break;
    }
}

int32_t
rt_x_zero (const RtTensor *x, const RtTensor *zero)
{
  return zero->data != NULL ? rt_code_get (zero->data, zero->type, 0) : rt_quant_zero (x->quant, 0);
}

/* ---- infer ---- */

static bool
check_scales (const RtNode *node, const RtValue *value, RtError *error)
{
  int32_t low, high;

  rt_code_range (value->type, &low, &high);
  for (uint32_t i = 0; value->quant != NULL && i < value->quant->n; i++)
    {
      const float scale = value->quant->scales[i];
      const int32_t zero = value->quant->zero_points[i];
      if (!(scale > 0) || !isfinite (scale))
        return rt_fail (error, RT_ERROR_FORMAT, "%s: %s has scale %g; scales must be positive",
                        node->name, value->name, (double)scale);
      if (zero < low || zero > high)
        return rt_fail (error, RT_ERROR_FORMAT, "%s: %s has zero point %d, which is no %s",
                        node->name, value->name, zero, rt_type_name (value->type));
    }
  return true;
}

bool
rt_int8_check_x (const RtGraph *graph, const RtNode *node, uint32_t input, RtError *error)
{
  const RtValue *value = rt_op_input_value (graph, node, input);

  if (!rt_type_is_8bit (value->type))
    return rt_fail (error, RT_ERROR_FORMAT, "%s: %s has type %s, expected 8-bit integers",
                    node->name, value->name, rt_type_name (value->type));
  if (value->quant != NULL && value->quant->n != 1)
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "%s: %s has %u scales; activations need one for the whole tensor", node->name,
                    value->name, value->quant->n);
  return check_scales (node, value, error);
}

bool
rt_int8_check_weight (const RtGraph *graph, const RtNode *node, uint32_t input, uint32_t axis,
                      RtError *error)
{
  const RtValue *value = rt_op_input_value (graph, node, input);

  if (value->kind != RT_VALUE_WEIGHT || !rt_type_is_8bit (value->type))
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "%s: %s must be a constant of 8-bit integers, is %s %s", node->name,
                    value->name, value->kind == RT_VALUE_WEIGHT ? "a constant" : "computed",
                    rt_type_name (value->type));
  if (value->quant != NULL && value->quant->n != 1
      && (value->quant->axis != (int32_t)axis || value->shape.n_dims <= axis
          || value->quant->n != (uint64_t)value->shape.dims[axis]))
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "%s: %s has %u scales along dimension %d, expected one, or one per index of "
                    "dimension %u",
                    node->name, value->name, value->quant->n, value->quant->axis, axis);
  return check_scales (node, value, error);
}

bool
rt_int8_check_bias (const RtGraph *graph, const RtNode *node, uint32_t input, int type, int64_t n,
                    RtError *error)
{
  const RtValue *value = rt_op_input_value (graph, node, input);
  char got[128];

  if (value == NULL)
    return true;
  if (value->kind != RT_VALUE_WEIGHT || value->type != type || value->shape.n_dims != 1
      || value->shape.dims[0] != n)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "%s: bias %s must be a constant %s [%" PRId64 "], is %s %s", node->name,
                    value->name, rt_type_name (type), n, rt_type_name (value->type),
                    rt_shape_text (&value->shape, got, sizeof got));
  return true;
}

/* ---- windows ---- */

static bool
window_count (int64_t size, uint32_t before, uint32_t after, uint32_t dilation, size_t kernel,
              uint32_t stride, size_t *n)
{
  const int64_t room = size + before + after - (int64_t)dilation * ((int64_t)kernel - 1) - 1;

  if (size <= 0 || stride == 0 || dilation == 0 || kernel == 0 || room < 0)
    return false;
  *n = (size_t)(room / stride) + 1;
  return true;
}

bool
rt_windows (const RtConvAttrs *attrs, const RtShape *x, size_t kh, size_t kw, size_t out_c,
            RtWindows *windows, RtShape *y)
{
  const bool flat = x->n_dims == 3, first = attrs->channels_first;
  const uint32_t c_dim = first ? 1 : x->n_dims - 1, h_dim = first ? 2 : 1;
  const uint32_t w_dim = flat ? h_dim : h_dim + 1;

  if (x->n_dims != 3 && x->n_dims != 4)
    return false;
  *windows = (RtWindows){ .n = (size_t)x->dims[0],
                          .in_h = flat ? 1 : (size_t)x->dims[h_dim],
                          .in_w = (size_t)x->dims[w_dim],
                          .in_c = (size_t)x->dims[c_dim],
                          .kh = kh,
                          .kw = kw,
                          .out_c = out_c };
  if (!window_count (flat ? 1 : x->dims[h_dim], attrs->pad_top, attrs->pad_bottom,
                     attrs->dilation_h, kh, attrs->stride_h, &windows->out_h)
      || !window_count (x->dims[w_dim], attrs->pad_left, attrs->pad_right, attrs->dilation_w, kw,
                        attrs->stride_w, &windows->out_w)
      || (flat && windows->out_h != 1))
    return false;
  if (y != NULL)
    {
      *y = *x;
      if (!flat)
        y->dims[h_dim] = (int64_t)windows->out_h;
      y->dims[w_dim] = (int64_t)windows->out_w;
      y->dims[c_dim] = (int64_t)out_c;
    }
  return true;
}

bool
rt_conv_is_channels_first (const RtNode *node)
{
  return ((const RtConvAttrs *)node->attrs)->channels_first != 0;
}

bool
rt_int8_permute_elements (const RtGraph *graph, const RtNode *node, const uint32_t *perm,
                          uint32_t n_dims, void *attrs)
{
  return true;
}

bool
rt_conv_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
                 void *attrs)
{
  RtConvAttrs *conv = attrs;

  if (!conv->channels_first || perm[0] != 0 || perm[n_dims - 1] != 1)
    return false;
  for (uint32_t i = 1; i + 1 < n_dims; i++)
    if (perm[i] != i + 1)
      return false;
  conv->channels_first = 0;
  return true;
}

/* ---- products ---- */

static size_t
align_up (size_t n)
{
  return (n + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
}

RtProductLayout
rt_product_layout (size_t n_groups, size_t n_rows, size_t n_segments, size_t segment_cols)
{
  RtProductLayout l = { .n_groups = n_groups,
                        .n_rows = n_rows,
                        .n_cols = n_segments * segment_cols,
                        .n_segments = n_segments,
                        .segment_cols = segment_cols };
  const size_t n_panels = (n_rows + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS;

  l.padded_rows = n_panels * KN_PANEL_ROWS;
  l.panel_bytes = kn_panel_bytes (KN_I8, n_segments * ((segment_cols + 3) / 4 * 4));
  l.group_bytes = n_panels * l.panel_bytes;
  const size_t row_bytes = align_up (n_groups * l.padded_rows * sizeof (int32_t));
  l.bias_at = align_up (sizeof (RtProductHead));
  l.scale_at = l.bias_at + row_bytes;
  l.w_zero_at = l.scale_at + row_bytes;
  l.sum_at = l.w_zero_at + row_bytes;
  l.panels_at = l.sum_at + row_bytes;
  l.n_bytes = l.panels_at + n_groups * l.group_bytes;
  return l;
}

/* Sums of so few columns are made by the product itself. */
#define SUMS_IN_GEMM_COLS 32

/* Row @r of @group into its panel; returns the sum of its codes. The layout is that of
 * kn_pack_panel(), which takes whole panels of I8 only. */
static int32_t
pack_row (const RtProductLayout *l, const uint8_t *w, uint8_t flip, size_t group, size_t r,
          void *memory)
{
  uint8_t *panel = (uint8_t *)memory + l->panels_at + group * l->group_bytes
                   + r / KN_PANEL_ROWS * l->panel_bytes + r % KN_PANEL_ROWS * 4;
  const size_t segment_bytes = (l->segment_cols + 3) / 4 * 64;
  int32_t sum = 0;

  for (size_t s = 0; s < l->n_segments; s++, panel += segment_bytes)
    for (size_t c = 0; c < l->segment_cols; c++)
      {
        const uint8_t code = *w++ ^ flip;
        panel[c / 4 * 64 + c % 4] = code;
        sum += (int8_t)code;
      }
  return sum;
}

void
rt_product_make (const RtProductLayout *l, const KnTable *kn, const void *w, int w_type,
                 const RtQuant *w_quant, const int32_t *bias, int x_type, const RtQuant *x_quant,
                 float scale_y, void *memory)
{
  RtProductHead *head = memory;
  int32_t *biases = (int32_t *)(void *)((uint8_t *)memory + l->bias_at);
  float *scales = (float *)(void *)((uint8_t *)memory + l->scale_at);
  int32_t *w_zeros = (int32_t *)(void *)((uint8_t *)memory + l->w_zero_at);
  int32_t *sums = (int32_t *)(void *)((uint8_t *)memory + l->sum_at);
  const int32_t w_shift = w_type == RT_TYPE_U8 ? 128 : 0;
  const float scale_x = rt_quant_scale (x_quant, 0);

  head->layout = *l;
  /* The zero point of x among the codes that gemm gets. */
  int32_t x_zero = rt_quant_zero (x_quant, 0);
  if (rt_product_flip (kn, x_type) != 0)
    x_zero += x_type == RT_TYPE_I8 ? 128 : -128;

  for (size_t g = 0; g < l->n_groups; g++)
    for (size_t r = 0; r < l->n_rows; r++)
      {
        const size_t row = g * l->n_rows + r, at = g * l->padded_rows + r;
        const int32_t w_zero = rt_quant_zero (w_quant, row) - w_shift;
        const uint32_t sum = (uint32_t)pack_row (l, (const uint8_t *)w + row * l->n_cols,
                                                 w_shift != 0 ? 0x80 : 0, g, r, memory);

        biases[at] = (int32_t)((uint32_t)(bias != NULL ? rt_load_i32 (bias, row) : 0)
                               - (uint32_t)x_zero * sum
                               + (uint32_t)x_zero * (uint32_t)w_zero * (uint32_t)l->n_cols);
        w_zeros[at] = w_zero;
        sums[at] = (int32_t)(sum - (uint32_t)w_zero * (uint32_t)l->n_cols);
        head->has_w_zero |= w_zero != 0;
        if (scale_y != 0)
          scales[at] = scale_x * rt_quant_scale (w_quant, row) / scale_y;
      }
}

KnQgemmArgs
rt_product_args (const RtProductLayout *l, const void *prepared, size_t group, size_t first_panel,
                 size_t n_panels, const KnRequant *requant)
{
  const uint8_t *base = prepared;
  const RtProductHead *head = prepared;
  const size_t first = first_panel * KN_PANEL_ROWS, at = group * l->padded_rows + first;
  const size_t n_left = l->n_rows - first, n = n_panels * KN_PANEL_ROWS;

  return (KnQgemmArgs){
    .n_cols = l->segment_cols,
    .n_segments = l->n_segments,
    .n_rows = n < n_left ? n : n_left,
    .n_lines = 1,
    .panels = base + l->panels_at + group * l->group_bytes + first_panel * l->panel_bytes,
    .bias = (const int32_t *)(const void *)(base + l->bias_at) + at,
    .w_zero = head->has_w_zero ? (const int32_t *)(const void *)(base + l->w_zero_at) + at : NULL,
    .scale = requant != NULL ? (const float *)(const void *)(base + l->scale_at) + at : NULL,
    .requant = requant != NULL ? *requant : (KnRequant){ 0 },
  };
}

void
rt_product_run (const RtProductLayout *l, const KnTable *kn, const void *prepared, size_t group,
                size_t first_panel, size_t n_panels, const uint8_t *x, size_t x_stride,
                size_t n_pixels, const KnRequant *requant, int32_t *x_sums, void *y,
                size_t y_stride)
{
  KnQgemmArgs args = rt_product_args (l, prepared, group, first_panel, n_panels, requant);

  args.x = x;
  args.x_stride = x_stride;
  args.n_pixels = n_pixels;
  args.y = y;
  args.y_stride = y_stride;
  if (args.w_zero != NULL && l->n_cols > SUMS_IN_GEMM_COLS)
    {
      kn->qconv.row_sums (x, x_stride, l->n_cols, n_pixels, x_sums);
      args.x_sum = x_sums;
    }
  kn->qconv.gemm (&args);
}

void
rt_product_move_zero (int32_t *y, size_t y_stride_bytes, size_t n_pixels, size_t n, int32_t x_zero,
                      const int32_t *sums)
{
  for (size_t p = 0; p < n_pixels; p++)
    {
      int32_t *row = (int32_t *)(void *)((uint8_t *)y + p * y_stride_bytes);
      for (size_t i = 0; i < n; i++)
        row[i] = (int32_t)((uint32_t)row[i] - (uint32_t)x_zero * (uint32_t)sums[i]);
    }
}

bool
rt_int8_check_zero (const RtGraph *graph, const RtNode *node, uint32_t input, uint32_t out_type,
                    RtError *error)
{
  const RtValue *zero = rt_op_input_value (graph, node, input);
  const RtValue *x = rt_op_input_value (graph, node, 0);

  if (zero == NULL)
    return true;
  if (zero->type != x->type || rt_shape_n (&zero->shape) != 1)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: the zero point %s must be one %s", node->name,
                    zero->name, rt_type_name (x->type));
  if (out_type != RT_TYPE_I32 || x->quant != NULL)
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "%s: with a zero point from a value it gives sums (I32), and its input has no "
                    "quantization",
                    node->name);
  return true;
}

/* ---- references and costs ---- */

int32_t
rt_reference_requant (const RtTensor *y, int32_t sum, float scale, float min, float max)
{
  if (y->type == RT_TYPE_I32)
    return sum;

  const KnRequant bounds = rt_requant (y->type, y->quant, min, max);
  float code = rintf ((float)sum * (scale / rt_quant_scale (y->quant, 0)));
  code = code < bounds.low ? bounds.low : code > bounds.high ? bounds.high : code;
  return (int32_t)code + bounds.zero;
}

size_t
rt_reference_offset (const RtConvAttrs *attrs, size_t height, size_t width, size_t channels,
                     size_t n, size_t h, size_t w, size_t c)
{
  if (attrs->channels_first)
    return ((n * channels + c) * height + h) * width + w;
  return ((n * height + h) * width + w) * channels + c;
}

void
rt_reference_convolution (const RtOpContext *context, const RtWindows *windows,
                          RtReferenceSumFn sum)
{
  const RtConvAttrs *a = context->attrs; /* they begin with it */
  const RtTensor *x = &context->inputs[RT_CONV_X], *w = &context->inputs[RT_CONV_WEIGHT];
  const RtTensor *y = &context->outputs[0];
  const RtWindows *s = windows;

  for (size_t n = 0; n < s->n; n++)
    for (size_t oy = 0; oy < s->out_h; oy++)
      for (size_t ox = 0; ox < s->out_w; ox++)
        for (size_t o = 0; o < s->out_c; o++)
          rt_code_put (y->data, y->type,
                       rt_reference_offset (a, s->out_h, s->out_w, s->out_c, n, oy, ox, o),
                       rt_reference_requant (y, sum (context, s, n, oy, ox, o),
                                             rt_quant_scale (x->quant, 0)
                                                 * rt_quant_scale (w->quant, o),
                                             a->min, a->max));
}

void
rt_int8_cost_io (const RtOpQuery *query, RtCost *cost)
{
  const RtNode *node = query->node;

  for (uint32_t i = 0; i < node->n_inputs; i++)
    {
      const RtValue *value = rt_op_input_value (query->graph, node, i);
      if (value != NULL && value->kind == RT_VALUE_WEIGHT)
        cost->weight_bytes += value->data_bytes;
      else if (value != NULL)
        cost->read_bytes += rt_op_value_bytes (query, node->inputs[i]);
    }
  for (uint32_t i = 0; i < node->n_outputs; i++)
    cost->write_bytes += rt_op_value_bytes (query, node->outputs[i]);
}
