/* What the operators on pictures in f32 share. Used by convolutions and pooling; knows no
 * operator. */
#include "rt-conv.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rt-activation.h"

/* ---- sizes ---- */

RtPictureDims
rt_picture_dims (const RtShape *shape, uint32_t channels_first)
{
  const int64_t *d = shape->dims;

  if (shape->n_dims == 3)
    return channels_first ? (RtPictureDims){ d[0], 1, d[2], d[1] }
                          : (RtPictureDims){ d[0], 1, d[1], d[2] };
  return channels_first ? (RtPictureDims){ d[0], d[2], d[3], d[1] }
                        : (RtPictureDims){ d[0], d[1], d[2], d[3] };
}

RtShape
rt_picture_shape (const RtShape *like, uint32_t channels_first, int64_t h, int64_t w, int64_t c)
{
  RtShape y = *like;
  const uint32_t first = channels_first ? 2 : 1;

  if (y.n_dims == 4)
    y.dims[first] = h;
  y.dims[y.n_dims == 4 ? first + 1 : first] = w;
  y.dims[channels_first ? 1 : y.n_dims - 1] = c;
  return y;
}

bool
rt_picture_check_rows (const RtNode *node, const RtShape *x, int64_t out_h, RtError *error)
{
  if (x->n_dims == 3 && out_h != 1)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "%s: windows at %" PRId64 " heights of a sequence, which has one row",
                    node->name, out_h);
  return true;
}

bool
rt_picture_check (const RtGraph *graph, const RtNode *node, RtError *error)
{
  const RtValue *x = rt_op_input_value (graph, node, 0);

  if (x->type != RT_TYPE_F32)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "%s: expected f32, got %s", x->name,
                    rt_type_name (x->type));
  if (x->shape.n_dims != 3 && x->shape.n_dims != 4)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "%s: expected 3 or 4 dimensions, got %u", x->name,
                    x->shape.n_dims);
  for (uint32_t i = 0; i < x->shape.n_dims; i++)
    if (x->shape.dims[i] <= 0)
      return rt_fail (error, RT_ERROR_UNSUPPORTED,
                      "%s: the size of dimension %u must be known and not 0", x->name, i);
  return true;
}

bool
rt_picture_check_weight (const RtGraph *graph, const RtNode *node, bool any_format, RtError *error)
{
  const RtValue *x = rt_op_input_value (graph, node, 0);
  const RtValue *w = rt_op_input_value (graph, node, RT_CONV_WEIGHT);
  char text[128];

  if (w->kind != RT_VALUE_WEIGHT)
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "%s: the weights of a convolution must be constant", w->name);
  if (kn_dtype_info (w->type) == NULL || w->type == KN_I8
      || (!any_format && rt_type_bytes (w->type) == 0))
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "%s: no kernels for weights of type %s", w->name,
                    rt_type_name (w->type));
  if (w->shape.n_dims != x->shape.n_dims)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: expected %u dimensions, got shape %s", w->name,
                    x->shape.n_dims, rt_shape_text (&w->shape, text, sizeof text));
  for (uint32_t i = 0; i < w->shape.n_dims; i++)
    if (w->shape.dims[i] <= 0)
      return rt_fail (error, RT_ERROR_FORMAT, "%s: dimension %u is %" PRId64, w->name, i,
                      w->shape.dims[i]);
  return true;
}

bool
rt_picture_positions (const RtNode *node, const char *dimension, int64_t size, uint64_t padding,
                      uint64_t kernel, uint64_t stride, uint64_t dilation, int64_t *n,
                      RtError *error)
{
  if (stride == 0 || dilation == 0 || kernel == 0)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "%s: window %" PRIu64 ", stride %" PRIu64 ", dilation %" PRIu64
                    " along the %s: none may be 0",
                    node->name, kernel, stride, dilation, dimension);
  const uint64_t window = dilation * (kernel - 1) + 1, room = (uint64_t)size + padding;
  if (room < window)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "%s: a window of %" PRIu64 " does not fit the picture's %s of %" PRId64
                    " with %" PRIu64 " of padding",
                    node->name, window, dimension, size, padding);
  *n = (int64_t)((room - window) / stride) + 1;
  return true;
}

bool
rt_picture_check_rest (const RtGraph *graph, const RtNode *node, const RtConvAttrs *attrs,
                       const RtShape *y, RtError *error)
{
  if (attrs->activation >= RT_N_ACTIVATIONS)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: unknown activation %u", node->name,
                    attrs->activation);
  if (!(attrs->min <= attrs->max))
    return rt_fail (error, RT_ERROR_FORMAT, "%s: limits %g to %g", node->name, (double)attrs->min,
                    (double)attrs->max);
  if (!rt_op_check_vector (graph, node, RT_CONV_BIAS, rt_picture_dims (y, attrs->channels_first).c,
                           error))
    return false;
  return rt_op_input_value (graph, node, RT_CONV_RESIDUAL) == NULL
         || rt_op_check_shape (graph, node, RT_CONV_RESIDUAL, y, error);
}

bool
rt_is_channels_last (const uint32_t *perm, uint32_t n_dims)
{
  if (n_dims < 3 || perm[0] != 0 || perm[n_dims - 1] != 1)
    return false;
  for (uint32_t i = 1; i + 1 < n_dims; i++)
    if (perm[i] != i + 1)
      return false;
  return true;
}

bool
rt_picture_is_channels_first (const RtNode *node)
{
  return ((const RtConvAttrs *)node->attrs)->channels_first != 0;
}

bool
rt_picture_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
                    void *attrs)
{
  RtConvAttrs *conv = attrs;

  if (!conv->channels_first || !rt_is_channels_last (perm, n_dims))
    return false;
  conv->channels_first = 0;
  return true;
}

RtPicture
rt_picture (const RtConvAttrs *attrs, const RtTensor *x, const RtTensor *y, size_t kernel_h,
            size_t kernel_w)
{
  const RtPictureDims in = rt_picture_dims (&x->shape, attrs->channels_first);
  const RtPictureDims out = rt_picture_dims (&y->shape, attrs->channels_first);

  return (RtPicture){ .n = (size_t)in.n,
                      .in_h = (size_t)in.h,
                      .in_w = (size_t)in.w,
                      .in_c = (size_t)in.c,
                      .out_h = (size_t)out.h,
                      .out_w = (size_t)out.w,
                      .out_c = (size_t)out.c,
                      .kernel_h = kernel_h,
                      .kernel_w = kernel_w,
                      .stride_h = attrs->stride_h,
                      .stride_w = attrs->stride_w,
                      .dilation_h = attrs->dilation_h,
                      .dilation_w = attrs->dilation_w,
                      .pad_top = attrs->pad_top,
                      .pad_left = attrs->pad_left,
                      .groups = attrs->groups > 0 ? attrs->groups : 1 };
}

/* ---- what comes after the sums ---- */

RtKernelEnd
rt_kernel_end (const RtConvAttrs *attrs, bool has_residual)
{
  const bool activates = attrs->activation != RT_ACTIVATION_NONE;
  const bool last = has_residual && attrs->residual_last;

  return (RtKernelEnd){ .min = activates ? -INFINITY : attrs->min,
                        .max = activates ? INFINITY : attrs->max,
                        .residual = has_residual && !last,
                        .finish = activates || last };
}

void
rt_finish_row (const KnTable *kn, const RtConvAttrs *attrs, float *sums, const float *residual,
               size_t n, float *y)
{
  const bool last = residual != NULL && attrs->residual_last;

  if (attrs->activation != RT_ACTIVATION_NONE)
    rt_activation_apply (kn, attrs->activation, attrs->activation_params, attrs->min, attrs->max, n,
                         sums);
  if (last)
    kn->vec.add (sums, residual, n, y);
  else if (sums != y)
    memcpy (y, sums, n * sizeof *y);
}

/* ---- reference ---- */

size_t
rt_picture_at (const RtShape *shape, uint32_t channels_first, size_t n, size_t h, size_t w,
               size_t c)
{
  const RtPictureDims d = rt_picture_dims (shape, channels_first);

  if (channels_first)
    return ((n * (size_t)d.c + c) * (size_t)d.h + h) * (size_t)d.w + w;
  return ((n * (size_t)d.h + h) * (size_t)d.w + w) * (size_t)d.c + c;
}

float
rt_reference_end (const RtOpContext *context, const RtConvAttrs *attrs, double sum, size_t at,
                  size_t c)
{
  const float *bias = context->inputs[RT_CONV_BIAS].data;
  const float *residual = context->inputs[RT_CONV_RESIDUAL].data;

  if (bias != NULL)
    sum += (double)bias[c];
  if (residual != NULL && !attrs->residual_last)
    sum += (double)residual[at];
  sum = rt_activation_reference (attrs->activation, attrs->activation_params, attrs->min,
                                 attrs->max, sum);
  if (residual != NULL && attrs->residual_last)
    sum += (double)residual[at];
  return (float)sum;
}

float *
rt_reference_weight (const RtTensor *weight)
{
  const size_t n = (size_t)rt_shape_n (&weight->shape);
  float *w = rt_reference_alloc (n * sizeof *w);

  if (weight->weight == NULL)
    {
      memcpy (w, weight->data, n * sizeof *w);
      return w;
    }
  const KnDtype dtype = rt_weight_dtype (weight->weight);
  const size_t n_cols = (size_t)rt_weight_n_cols (weight->weight);
  const uint8_t *panels = rt_weight_panels (weight->weight);
  for (size_t r = 0; r < (size_t)rt_weight_n_rows (weight->weight); r++)
    kn_unpack_row (dtype, panels + r / KN_PANEL_ROWS * kn_panel_bytes (dtype, n_cols),
                   r % KN_PANEL_ROWS, n_cols, w + r * n_cols);
  return w;
}
